//! How fast and how many: the gaps between two logins of one kind, and the
//! sessions that one site, or one jump host, has at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Spaces what happens: no two closer than the gap, so that no second, wherever
/// it begins, sees more than the rate.
pub(super) struct Pace {
    gap: Duration,
    last: tokio::sync::Mutex<Option<Instant>>,
}

impl Pace {
    /// `per_minute` = 0 is no limit.
    pub(super) fn new(per_minute: u32) -> Self {
        let gap = match per_minute {
            0 => Duration::ZERO,
            rate => Duration::from_secs(60) / rate,
        };
        Self { gap, last: tokio::sync::Mutex::new(None) }
    }

    /// Waits for its turn, in the order of the callers.
    pub(super) async fn wait(&self) {
        if self.gap.is_zero() {
            return;
        }
        let mut last = self.last.lock().await;
        if let Some(last) = *last {
            sleep_until(last + self.gap).await;
        }
        // The moment that it really is: a timer that rang late gives nothing away.
        *last = Some(Instant::now());
    }
}

/// One value for each name, made when it is first asked for.
pub(super) struct ByName<T>(Mutex<HashMap<String, Arc<T>>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> ByName<T> {
    pub(super) fn get(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match values.get(name) {
            Some(value) => Arc::clone(value),
            None => Arc::clone(values.entry(name.to_owned()).or_insert_with(|| Arc::new(make()))),
        }
    }
}

/// Waits for a place; `None` when the places are gone for good.
pub(super) async fn place(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(places).acquire_owned().await.ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_the_rate() {
        let pace = Arc::new(Pace::new(600));
        let tasks: Vec<_> = (0..55)
            .map(|_| {
                let pace = Arc::clone(&pace);
                tokio::spawn(async move {
                    pace.wait().await;
                    Instant::now()
                })
            })
            .collect();
        let mut moments = Vec::new();
        for task in tasks {
            moments.push(task.await.unwrap());
        }
        moments.sort();
        for (i, first) in moments.iter().enumerate() {
            let within = moments[i..].iter().filter(|at| **at - *first < Duration::from_secs(1)).count();
            assert!(within <= 10, "{within}");
        }
        assert!(moments[54] - moments[0] < Duration::from_secs(6));
        let free = Pace::new(0);
        let begun = Instant::now();
        for _ in 0..1_000 {
            free.wait().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
