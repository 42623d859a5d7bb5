//! An imported history as the readings it stands for.
//!
//! Oxidized and RANCID look at a device every so often and write only when
//! something has changed. So between two commits the device was read many times
//! and was the same each time. The likelihood of a quiet time is exp(−rate ×
//! length), and such factors multiply: a chain of quiet readings says exactly
//! what one long quiet interval says. A commit therefore becomes two readings,
//! a quiet one one step before it and one that found the change, and years of
//! polling fit in a few rows.
//!
//! The step is a day, or the interval of the poller if that is longer. Pollers
//! run every hour, and several commits of one afternoon are one piece of work:
//! counted one by one they would promise several changed nights. What the
//! forecast is asked is whether a nightly reading will find a change, so the
//! history is put to it as nightly readings would have seen it.

use std::collections::BTreeMap;

use crate::model::device::DeviceId;
use crate::model::{PastEvent, PastStep};

/// The shortest step between two readings, in microseconds.
const DAY: i64 = 86_400_000_000;

/// A reading that a history stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PastReading {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) changed: bool,
    /// Nothing is known of the time before it.
    pub(super) opens: bool,
}

/// The readings of each device, by time. The events may come in any order and
/// more than once.
pub(super) fn readings(events: &[PastEvent]) -> BTreeMap<DeviceId, Vec<PastReading>> {
    let mut by_device: BTreeMap<DeviceId, Vec<(i64, PastStep, i64)>> = BTreeMap::new();
    for event in events {
        let step = event.every_seconds.saturating_mul(1_000_000).max(DAY);
        by_device.entry(event.device).or_default().push((event.at.timestamp_micros(), event.step, step));
    }
    by_device
        .into_iter()
        .map(|(device, mut events)| {
            events.sort_unstable();
            (device, of_one(&events))
        })
        .collect()
}

fn of_one(events: &[(i64, PastStep, i64)]) -> Vec<PastReading> {
    let mut told = Told::default();
    for &(at, what, step) in events {
        told.settle(at);
        match (what, told.last) {
            (PastStep::Came | PastStep::Changed, None) => told.put(at, false, true),
            (PastStep::Changed, Some(last)) => {
                if at > last.saturating_add(step) {
                    told.put(at - step, false, false);
                    told.put(at, true, false);
                } else if at > last {
                    // Seen by the reading after it, with whatever else comes until then.
                    told.due.get_or_insert(last.saturating_add(step));
                }
            }
            (PastStep::Same, Some(last)) => {
                if told.due.take().is_some() {
                    told.put(at, true, false);
                } else if at > last {
                    told.put(at, false, false);
                }
            }
            (PastStep::Gone, Some(last)) => {
                let changed = told.due.take().is_some();
                if changed || at > last {
                    told.put(at, changed, false);
                }
                told.last = None;
            }
            // Two histories of one device: it was there already, or was none before.
            (PastStep::Came, Some(_)) | (PastStep::Same | PastStep::Gone, None) => {}
        }
    }
    if let Some(due) = told.due {
        told.settle(due);
    }
    told.readings
}

#[derive(Default)]
struct Told {
    readings: Vec<PastReading>,
    /// The last reading of a device that is still looked at.
    last: Option<i64>,
    /// When the next reading will find a change that there is already.
    due: Option<i64>,
}

impl Told {
    /// Reads what is due by then.
    fn settle(&mut self, at: i64) {
        if let Some(due) = self.due.take_if(|due| *due <= at) {
            self.put(due, true, false);
        }
    }

    fn put(&mut self, at: i64, changed: bool, opens: bool) {
        self.readings.push(PastReading { at, changed, opens });
        self.last = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn told(events: &[(PastStep, i64)], every_hours: i64) -> Vec<(i64, bool, bool)> {
        let events: Vec<PastEvent> = events
            .iter()
            .map(|(step, hours)| PastEvent {
                device: 1,
                step: *step,
                at: DateTime::from_timestamp(hours * 3600, 0).unwrap_or_default(),
                every_seconds: every_hours * 3600,
            })
            .collect();
        readings(&events)
            .into_values()
            .flatten()
            .map(|reading| (reading.at / 3_600_000_000, reading.changed, reading.opens))
            .collect()
    }

    #[test]
    fn commits_become_nightly_readings() {
        use PastStep::{Came, Changed, Gone, Same};
        // Three commits of one day are one changed night; the last day is cut short by the end.
        let events = [(Came, 0), (Changed, 100), (Changed, 103), (Changed, 110), (Changed, 300), (Same, 310)];
        assert_eq!(
            told(&events, 1),
            [
                (0, false, true),
                (76, false, false),
                (100, true, false),
                (124, true, false),
                (276, false, false),
                (300, true, false),
                (310, false, false),
            ]
        );
        // The afternoon's second commit stays unseen until the next night, or the end.
        assert_eq!(told(&[(Came, 0), (Changed, 3), (Same, 9)], 1), [(0, false, true), (9, true, false)]);
        // A poller that comes once a week sees no more than it does.
        assert_eq!(
            told(&[(Came, 0), (Changed, 400), (Same, 500)], 168),
            [(0, false, true), (232, false, false), (400, true, false), (500, false, false)]
        );
        // Gone, and back again: nothing is known of the time between.
        assert_eq!(
            told(&[(Came, 0), (Gone, 50), (Came, 200), (Same, 300)], 1),
            [(0, false, true), (50, false, false), (200, false, true), (300, false, false)]
        );
        // A history that begins in the middle.
        assert_eq!(told(&[(Same, 5), (Gone, 6), (Changed, 8)], 1), [(8, false, true)]);
    }

    proptest! {
        #[test]
        fn readings_are_in_order_and_never_invented(
            events in prop::collection::vec((0_usize..4, 0_i64..2_000), 0..60),
            every in 0_i64..200,
        ) {
            let steps = [PastStep::Came, PastStep::Changed, PastStep::Same, PastStep::Gone];
            let events: Vec<(PastStep, i64)> = events.iter().map(|(step, at)| (steps[*step], *at)).collect();
            let found = told(&events, every);
            prop_assert!(found.windows(2).all(|two| two[0].0 <= two[1].0), "{found:?}");
            let changes = events.iter().filter(|(step, _)| *step == PastStep::Changed).count();
            prop_assert!(found.iter().filter(|(_, changed, _)| *changed).count() <= changes);
            prop_assert!(found.first().is_none_or(|(_, changed, opens)| *opens && !changed));
            // The same events in another order, and twice, say the same.
            let mut again = events.clone();
            again.reverse();
            again.extend(&events);
            prop_assert_eq!(told(&again, every), found);
        }
    }
}
