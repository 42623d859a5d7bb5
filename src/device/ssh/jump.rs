//! A host through which devices are reached: how many at once, how fast, and
//! when it is given up. Five failures in a row, however many wait for it, and
//! nobody tries it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::device::Settings;
use crate::model::Device;

use super::pace::Pace;

/// A jump host that failed so often in a row is not tried any more.
pub(super) const FAILURES: usize = 5;

/// A jump host may itself be behind one, up to here. More is a circle.
pub(super) const DEEPEST: usize = 4;

/// A jump host, with what we learnt about it in this run.
pub(super) struct JumpHost {
    pub(super) device: Device,
    /// Sessions through it at once.
    pub(super) places: Arc<Semaphore>,
    /// As many, for those who are not under way yet.
    pub(super) tickets: Arc<Semaphore>,
    pub(super) pace: Pace,
    pub(super) breaker: Breaker,
}

impl JumpHost {
    pub(super) fn new(device: Device, settings: &Settings) -> Self {
        let sessions = settings.jump_sessions.max(1);
        Self {
            device,
            places: Arc::new(Semaphore::new(sessions)),
            tickets: Arc::new(Semaphore::new(sessions)),
            pace: Pace::new(settings.jump_logins_per_minute),
            breaker: Breaker::new(),
        }
    }
}

/// Five tries. One that fails is used up; one that works brings back all that
/// were. So those under way and those that failed are never more than five.
pub(super) struct Breaker {
    tries: Semaphore,
    lost: AtomicUsize,
}

/// A try that is under way. Dropped without a verdict it counts for nothing.
#[must_use]
pub(super) struct Try<'a> {
    breaker: &'a Breaker,
    permit: SemaphorePermit<'a>,
}

impl Breaker {
    fn new() -> Self {
        Self { tries: Semaphore::new(FAILURES), lost: AtomicUsize::new(0) }
    }

    /// `None`: it was given up.
    pub(super) async fn attempt(&self) -> Option<Try<'_>> {
        self.tries.acquire().await.ok().map(|permit| Try { breaker: self, permit })
    }
}

impl Try<'_> {
    pub(super) fn worked(self) {
        self.breaker.tries.add_permits(self.breaker.lost.swap(0, Ordering::Relaxed));
    }

    pub(super) fn failed(self) {
        self.permit.forget();
        if self.breaker.lost.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES {
            self.breaker.tries.close();
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 100 devices at once, each of which takes `steps` through the breaker;
    /// the tries that were made.
    async fn fleet(verdict: fn(usize) -> bool) -> usize {
        let breaker = Arc::new(Breaker::new());
        let tried = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (breaker, tried) = (Arc::clone(&breaker), Arc::clone(&tried));
                tokio::spawn(async move {
                    let Some(attempt) = breaker.attempt().await else { return };
                    let number = tried.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    if verdict(number) { attempt.worked() } else { attempt.failed() }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        tried.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_one_costs_five_tries() {
        assert_eq!(fleet(|_| false).await, FAILURES);
        assert_eq!(fleet(|_| true).await, 100);
        // It dies after 40: those under way count, too.
        let tried = fleet(|number| number < 40).await;
        assert_eq!(tried, 40 + FAILURES);
        // One in three fails: never five in a row.
        assert_eq!(fleet(|number| number % 3 != 0).await, 100);
    }
}
