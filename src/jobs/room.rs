//! Places for sessions: how many devices are talked to at once, and which of
//! them are asked a second time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::Outcome;

/// So often a device is tried with no descriptor left and nobody to wait for.
const ALONE: u32 = 5;

/// A place that nobody gives back comes back by itself: others on this host
/// may have closed some files meanwhile.
const PATIENCE: Duration = Duration::from_millis(200);

/// The places. Their number only goes down.
pub(super) struct Room {
    places: Arc<Semaphore>,
    size: AtomicUsize,
}

/// One place; given back when it is dropped.
pub(super) struct Place(OwnedSemaphorePermit);

impl Room {
    pub(super) fn new(size: usize) -> Self {
        let size = size.max(1);
        Self { places: Arc::new(Semaphore::new(size)), size: AtomicUsize::new(size) }
    }

    /// Waits for a place. `None` never comes: the places are not closed.
    pub(super) async fn enter(&self) -> Option<Place> {
        Arc::clone(&self.places).acquire_owned().await.ok().map(Place)
    }

    /// There are not as many places as was thought: `place` is no more, and
    /// its device waits for another. The last one stays.
    pub(super) async fn shrink(&self, place: Place) -> Option<Place> {
        let fewer = |size: usize| (size > 1).then(|| size - 1);
        if let Ok(size) = self.size.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer) {
            place.0.forget();
            tracing::info!("no file descriptor left: {} sessions at once from now on", size - 1);
        } else {
            drop(place);
            tokio::time::sleep(PATIENCE).await;
        }
        self.enter().await
    }

    fn is_last(&self) -> bool {
        self.size.load(Ordering::Relaxed) <= 1
    }
}

/// What was already tried with one device in this run.
#[derive(Default)]
pub(super) struct Tries {
    busy: u32,
    noise: u32,
    moved: u32,
    alone: u32,
}

impl Tries {
    /// Whether this outcome may be another one in a moment, at no one's risk:
    /// a device without a session left and one that talked over its answer are
    /// asked once more, one that was being changed twice.
    pub(super) fn again(&mut self, outcome: Outcome, detail: Option<&str>) -> bool {
        let (count, most) = match (outcome, detail) {
            (Outcome::Unreachable, Some("max-sessions")) => (&mut self.busy, 1),
            (Outcome::Incomplete, Some("noise")) => (&mut self.noise, 1),
            (Outcome::Unstable, _) => (&mut self.moved, 2),
            _ => return false,
        };
        *count += 1;
        *count <= most
    }

    /// Whether to try again after there was no descriptor left.
    pub(super) fn again_for_files(&mut self, room: &Room) -> bool {
        self.alone += u32::from(room.is_last());
        self.alone <= ALONE
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_again_and_how_often() {
        let mut tries = Tries::default();
        let mut count = |outcome, detail| (0..9).take_while(|_| tries.again(outcome, detail)).count();
        assert_eq!(count(Outcome::Unreachable, Some("max-sessions")), 1);
        assert_eq!(count(Outcome::Incomplete, Some("noise")), 1);
        assert_eq!(count(Outcome::Unstable, Some("commit")), 2);
        for (outcome, detail) in [
            (Outcome::Auth, None),
            (Outcome::Unreachable, None),
            (Outcome::Incomplete, Some("no-end-mark")),
            (Outcome::HostKey, Some("changed")),
            (Outcome::Complete, None),
        ] {
            assert_eq!(count(outcome, detail), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_place_stays() {
        let room = Room::new(3);
        let (one, two) = (room.enter().await.unwrap(), room.enter().await.unwrap());
        let three = room.shrink(room.enter().await.unwrap());
        tokio::pin!(three);
        assert!(tokio::time::timeout(Duration::from_secs(9), &mut three).await.is_err(), "two are taken");
        drop(one);
        let three = three.await.unwrap();
        drop(two);
        let three = room.shrink(three).await.unwrap();
        let mut tries = Tries::default();
        assert!(room.is_last() && tries.again_for_files(&room));
        let mut place = room.shrink(three).await.unwrap();
        for _ in 0..ALONE - 1 {
            assert!(tries.again_for_files(&room));
            place = room.shrink(place).await.unwrap();
        }
        assert!(!tries.again_for_files(&room));
    }
}
