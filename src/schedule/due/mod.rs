//! What is due now. Pure: from the schedules, what was decided before and the
//! time, the same answer always.
//!
//! A fire is known by the time for which its line meant it (its *slot*), and
//! each schedule remembers the newest slot that was decided, in the order of
//! decisions and not of clocks. So a clock that jumps back finds its slots
//! decided and fires none twice, and one that jumps ahead makes up for what it
//! passed.

use chrono::{DateTime, Duration, Utc};

use super::fires::{jitter, newest_fire, next_fire};
use crate::config::{Misfire, Schedule};

/// A fire that starts later than this was missed. Shorter than any outage
/// worth the name, longer than a slow start of the machine.
const GRACE: Duration = Duration::minutes(15);

/// Slots are decided when their time has come, so the newest one lies ahead
/// only if the clock went back since. Up to a day (and the hour of a clock
/// change) its slots are waited for, because they have run. Beyond it the
/// clock was wrong at that time, and nobody waits for years.
const WAIT_FOR_CLOCK: Duration = Duration::hours(25);

/// No machine that runs this program lives before this day: its clock is not set.
pub(super) const EARLIEST: DateTime<Utc> = DateTime::from_timestamp(1_704_067_200, 0).expect("a date"); // 2024-01-01

/// Missed slots are counted up to here.
const COUNTED: usize = 1_000;

/// What is known of one schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The newest slot that was decided, or since when the schedule counts.
    pub mark: Option<DateTime<Utc>>,
    /// A slot that was started and not ended, and how often it was started.
    pub open: Option<(DateTime<Utc>, u32)>,
}

/// What to do about one schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is new, or the clock was wrong when it was last decided: count from here.
    Arm { from: DateTime<Utc> },
    /// Run it for `slot`, for the `attempt`th time (1-based). `missed` slots
    /// before it are made up for by this run; `late` is how long after its time
    /// it starts.
    Run { slot: DateTime<Utc>, attempt: u32, missed: u32, late: Duration },
    /// Leave out the `missed` slots up to `slot`.
    Skip { slot: DateTime<Utc>, missed: u32 },
    /// A run that was cut off is not repeated.
    Abandon { slot: DateTime<Utc> },
}

/// Whether the clock can be right at all.
pub fn clock_is_set(now: DateTime<Utc>) -> bool {
    now >= EARLIEST
}

/// What `schedule` needs now, or nothing. `standing.open` is a run that died:
/// the caller leaves out schedules that are at work. Ask again after each
/// answer was carried out.
pub fn due(schedule: &Schedule, standing: &Standing, installation: &str, now: DateTime<Utc>) -> Option<Due> {
    if !clock_is_set(now) {
        return None;
    }
    let Some(mark) = standing.mark.filter(|mark| *mark <= now + WAIT_FOR_CLOCK) else {
        return Some(Due::Arm { from: now });
    };
    let jitter = jitter(schedule, installation);
    let passed = passed(schedule, mark, now - jitter);
    let late = |slot: DateTime<Utc>| now - (slot + jitter);
    match (schedule.misfire, standing.open, passed) {
        // What was cut off is made up for by the next slot if that has come.
        (Misfire::CatchUp, Some((slot, attempt)), None) if attempt < 2 => {
            Some(Due::Run { slot, attempt: attempt + 1, missed: 0, late: late(slot) })
        }
        (_, Some((slot, _)), _) => Some(Due::Abandon { slot }),
        (_, None, None) => None,
        (Misfire::Skip, None, Some((slot, count))) if late(slot) > GRACE => {
            Some(Due::Skip { slot, missed: count })
        }
        (_, None, Some((slot, count))) => {
            Some(Due::Run { slot, attempt: 1, missed: count - 1, late: late(slot) })
        }
    }
}

/// The newest slot after `mark` and up to `until`, and how many there are
/// (counted up to [`COUNTED`]).
fn passed(schedule: &Schedule, mark: DateTime<Utc>, until: DateTime<Utc>) -> Option<(DateTime<Utc>, u32)> {
    let first = next_fire(schedule, mark).filter(|slot| *slot <= until)?;
    let newest = newest_fire(schedule, until).filter(|slot| *slot >= first)?;
    let slots = std::iter::successors(Some(first), |slot| next_fire(schedule, *slot));
    let count = slots.take(COUNTED).take_while(|slot| *slot <= newest).count();
    Some((newest, u32::try_from(count).unwrap_or(u32::MAX)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
