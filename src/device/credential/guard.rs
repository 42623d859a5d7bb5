//! The guard against lock-outs: one credential, many devices, few refusals.
//!
//! Until one device has taken a credential, devices try it one after another;
//! the first that takes it opens the way for all. One refusal closes the way
//! again until the next success. Three devices that refuse it in a row stop
//! it. A device that gave no verdict hands its turn to the next.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::device::DeviceError;
use crate::model::DeviceName;

/// So many devices that refuse a credential, without a success between, stop it.
const STOP_AFTER: usize = 3;

#[derive(Default)]
pub(super) struct Guard {
    verdicts: Arc<Mutex<Verdicts>>,
    /// Held by the canary.
    gate: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Verdicts {
    /// The last verdict was a success.
    proved: bool,
    /// Devices that refused since the last success.
    refused: BTreeSet<DeviceName>,
    /// Devices that ever refused: they are not asked twice.
    never_again: BTreeSet<DeviceName>,
}

/// Leave to try a credential once. Report the verdict; dropping it without
/// one passes the turn on.
#[must_use]
pub(in crate::device) struct Turn {
    verdicts: Arc<Mutex<Verdicts>>,
    device: DeviceName,
    _canary: Option<OwnedMutexGuard<()>>,
}

impl Guard {
    pub(super) async fn turn(&self, credential: &str, device: &DeviceName) -> Result<Turn, DeviceError> {
        if self.is_open(credential, device)? {
            return Ok(self.leave(device, None));
        }
        let canary = Arc::clone(&self.gate).lock_owned().await;
        // The verdict may have come while we waited.
        let canary = if self.is_open(credential, device)? { None } else { Some(canary) };
        Ok(self.leave(device, canary))
    }

    fn leave(&self, device: &DeviceName, canary: Option<OwnedMutexGuard<()>>) -> Turn {
        Turn { verdicts: Arc::clone(&self.verdicts), device: device.clone(), _canary: canary }
    }

    /// May everyone try, or only the canary? An error when nobody may.
    pub(super) fn is_open(&self, credential: &str, device: &DeviceName) -> Result<bool, DeviceError> {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.never_again.contains(device) {
            return Err(DeviceError::AuthRepeated { credential: credential.to_owned() });
        }
        if verdicts.refused.len() >= STOP_AFTER {
            let refused = verdicts.refused.len();
            return Err(DeviceError::AuthStopped { credential: credential.to_owned(), refused });
        }
        Ok(verdicts.proved)
    }
}

impl Turn {
    /// The device took the credential.
    pub(in crate::device) fn accepted(self) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.proved = true;
        verdicts.refused.clear();
    }

    /// The device refused it.
    pub(in crate::device) fn refused(self) {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.proved = false;
        verdicts.refused.insert(self.device.clone());
        verdicts.never_again.insert(self.device.clone());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn name(i: usize) -> DeviceName {
        DeviceName::new(&format!("dn-{i}")).unwrap()
    }

    /// 200 devices at once; `verdict` decides by device what each answers
    /// after 10 ms. The attempts that were made, and the most at one time.
    async fn fleet(verdict: fn(usize) -> Option<bool>) -> (usize, usize) {
        let guard = Arc::new(Guard::default());
        let (tried, now, most) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..200)
            .map(|i| {
                let (guard, tried, now, most) =
                    (Arc::clone(&guard), Arc::clone(&tried), Arc::clone(&now), Arc::clone(&most));
                tokio::spawn(async move {
                    let Ok(turn) = guard.turn("core", &name(i)).await else { return };
                    tried.fetch_add(1, Ordering::Relaxed);
                    most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    now.fetch_sub(1, Ordering::Relaxed);
                    match verdict(i) {
                        Some(true) => turn.accepted(),
                        Some(false) => turn.refused(),
                        None => drop(turn),
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        (tried.load(Ordering::Relaxed), most.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_password_costs_three_attempts() {
        assert_eq!(fleet(|_| Some(false)).await, (3, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_one_is_proved_once_and_then_free() {
        let (tried, most) = fleet(|_| Some(true)).await;
        assert_eq!(tried, 200);
        assert!(most >= 190, "{most}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_canary_hands_over_and_one_refusal_stops_nobody() {
        let (tried, most) = fleet(|i| if i < 5 { None } else { Some(i != 7) }).await;
        assert_eq!(tried, 200);
        assert!(most >= 150, "{most}");
    }

    #[tokio::test]
    async fn a_device_that_refused_is_not_asked_twice() {
        let guard = Guard::default();
        guard.turn("core", &name(1)).await.unwrap().refused();
        guard.turn("core", &name(2)).await.unwrap().accepted();
        assert!(matches!(guard.turn("core", &name(1)).await, Err(DeviceError::AuthRepeated { .. })));
    }
}
