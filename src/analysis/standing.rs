//! How far our picture of a device can be trusted. Only confirmed devices are
//! written from; for believed ones the age and the chance of a change stand
//! beside every statement; of unknown ones nothing is claimed.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::forecast::days_between;
use crate::model::Outcome;

/// Hours for which a complete scan confirms a device.
const CONFIRMED_HOURS: f64 = 24.0;
/// A device that fails and was not read for this many days is not "lately readable".
const LATELY_DAYS: f64 = 7.0;

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// Completely read within 24 hours.
    Confirmed {
        /// No drift is open.
        in_step: bool,
    },
    /// Read before that.
    Believed { age_days: f64, p_change: f64 },
    Unknown {
        #[serde(flatten)]
        why: Why,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Why {
    NeverRead,
    /// It fails, and the last complete reading is more than a week old.
    NotReadable {
        outcome: Outcome,
        age_days: f64,
    },
    /// Older than the maximum age.
    TooOld {
        age_days: f64,
    },
}

/// What is known about the readings of one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Readings {
    pub last_complete: Option<DateTime<Utc>>,
    /// The outcome of the newest attempt, if it is newer than that and failed.
    pub failing: Option<Outcome>,
    pub open_drifts: u64,
    pub p_change: f64,
}

/// The standing of one device. `max_age_days` is the plan's
/// [`max_age_nights`](super::plan::Settings::max_age_nights), or more where the
/// budget does not allow that.
pub fn standing(readings: &Readings, max_age_days: f64, as_of: DateTime<Utc>) -> Standing {
    let Some(last) = readings.last_complete else { return Standing::Unknown { why: Why::NeverRead } };
    let age_days = days_between(last, as_of).max(0.0);
    match readings.failing {
        _ if age_days * 24.0 <= CONFIRMED_HOURS => Standing::Confirmed { in_step: readings.open_drifts == 0 },
        Some(outcome) if age_days > LATELY_DAYS => {
            Standing::Unknown { why: Why::NotReadable { outcome, age_days } }
        }
        _ if age_days > max_age_days => Standing::Unknown { why: Why::TooOld { age_days } },
        _ => Standing::Believed { age_days, p_change: readings.p_change },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_standing_follows_age_and_failures() {
        let now = DateTime::from_timestamp(1_780_279_200, 0).unwrap();
        let of = |hours: Option<i64>, failing, open_drifts| {
            let last_complete = hours.map(|hours| now - TimeDelta::hours(hours));
            standing(&Readings { last_complete, failing, open_drifts, p_change: 0.3 }, 30.0, now)
        };
        assert_eq!(of(None, Some(Outcome::Auth), 0), Standing::Unknown { why: Why::NeverRead });
        assert_eq!(of(Some(24), None, 0), Standing::Confirmed { in_step: true });
        assert_eq!(of(Some(3), Some(Outcome::Timeout), 2), Standing::Confirmed { in_step: false });
        assert_eq!(
            of(Some(48), Some(Outcome::Timeout), 2),
            Standing::Believed { age_days: 2.0, p_change: 0.3 }
        );
        let unreachable = Why::NotReadable { outcome: Outcome::Unreachable, age_days: 10.0 };
        assert_eq!(of(Some(240), Some(Outcome::Unreachable), 0), Standing::Unknown { why: unreachable });
        assert_eq!(of(Some(240), None, 0), Standing::Believed { age_days: 10.0, p_change: 0.3 });
        assert_eq!(of(Some(24 * 31), None, 0), Standing::Unknown { why: Why::TooOld { age_days: 31.0 } });
    }

    #[test]
    fn it_reads_well_as_json() {
        let unknown = Standing::Unknown { why: Why::TooOld { age_days: 31.0 } };
        let json = serde_json::json!({"standing": "unknown", "why": "too-old", "age_days": 31.0});
        assert_eq!(serde_json::to_value(unknown).unwrap(), json);
    }
}
