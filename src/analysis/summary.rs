//! The figures of the morning page: drift by day, open drifts by age, what
//! moved, how much has probably changed unseen, and the verdict. Two
//! quantities are never merged: open drift was seen, the forecast was not.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Gamma};

use super::forecast::{Forecast, Subject, days_between};
use super::grid;
use super::standing::Standing;
use crate::model::drift::{DriftStep, Step};
use crate::model::finding::Ranking;

/// What moved since the previous run. A return is not counted as new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Movement {
    pub new: u64,
    pub resolved: u64,
    pub returned: u64,
}

pub fn movement<'a>(steps: impl IntoIterator<Item = &'a DriftStep>) -> Movement {
    let mut movement = Movement::default();
    for step in steps {
        match step.step {
            Step::Opened => movement.new += 1,
            Step::Resolved => movement.resolved += 1,
            Step::Returned => movement.returned += 1,
            Step::Updated => {}
        }
    }
    movement
}

/// An estimate with its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub mid: f64,
    pub low: f64,
    pub high: f64,
}

/// How many devices have probably changed since they were read. Devices that
/// were never read are not in it: of them nothing was believed.
pub fn unseen(rankings: &[Ranking], as_of: DateTime<Utc>) -> Estimate {
    estimate(rankings.iter().filter_map(|ranking| {
        let age = days_between(ranking.last_good_scan?, as_of);
        Some((ranking.role.as_str(), ranking.p_change, age))
    }))
}

/// How many devices will probably change within the next `days`, whether they
/// have changed already or not. `forecasts` stand in the order of `subjects`.
pub fn ahead(subjects: &[Subject], forecasts: &[Forecast], days: f64) -> Estimate {
    estimate(
        subjects.iter().zip(forecasts).map(|(subject, forecast)| {
            (subject.role.as_str(), grid::p_change(&forecast.weights, days), days)
        }),
    )
}

/// The sum of chances, each of a device: its role, the probability, and over
/// how many days.
///
/// The interval knows that devices change together: each role's hazard of each
/// day carries a common factor with variance [`TOGETHER`], which averages out
/// over the days. Its form is a Gamma with that mean and variance.
fn estimate<'a>(chances: impl Iterator<Item = (&'a str, f64, f64)>) -> Estimate {
    let (mut mean, mut variance, mut n) = (0.0, 0.0, 0.0);
    let mut roles: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (role, p, days) in chances {
        let p = p.clamp(0.0, 1.0);
        mean += p;
        variance += p * (1.0 - p);
        n += 1.0;
        // What a common factor can still move: devices that are nearly sure to have changed it cannot.
        let movable = p * (1.0 - p);
        let role = roles.entry(role).or_default();
        role.0 += movable;
        role.1 += movable * days.max(1.0);
    }
    for (movable, days) in roles.values() {
        if *movable > 0.0 {
            let mean_days = days / movable;
            variance += TOGETHER * movable * movable / mean_days;
        }
    }
    let exact = Estimate { mid: mean, low: mean, high: mean };
    if mean <= 1e-9 || variance <= 1e-9 {
        return exact;
    }
    let Ok(gamma) = Gamma::new(mean * mean / variance, mean / variance) else { return exact };
    let quantile = |q: f64| {
        let x = gamma.inverse_cdf(q);
        if x.is_finite() { x.clamp(0.0, n) } else { mean }
    };
    Estimate { mid: mean, low: quantile(0.05).min(mean), high: quantile(0.95).max(mean) }
}

/// Variance of the factor that a role's devices share on one day; that of a
/// Gamma with shape 2, as the plan's campaigns have it.
const TOGETHER: f64 = 0.5;

/// The closed set of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    InStep,
    MostlyInStep,
    OutOfStep,
    CannotSay,
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::InStep => "In step",
            Self::MostlyInStep => "Mostly in step",
            Self::OutOfStep => "Out of step",
            Self::CannotSay => "We cannot say",
        }
    }
}

/// One device, as the verdict sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub importance: f64,
    pub standing: Standing,
    pub open_drifts: u64,
}

/// The verdict over a fleet, devices weighed by importance. More than a tenth
/// unknown, or a run that failed, and nothing can be said. Otherwise it is
/// *in step* without any open drift, *mostly* with drift on up to a tenth.
pub fn verdict(devices: &[Judged], run_failed: bool) -> Verdict {
    const TENTH: f64 = 0.1 + 1e-9;
    let weight =
        |judged: &Judged| if judged.importance.is_finite() { judged.importance.max(0.0) } else { 1.0 };
    let share = |counts: &dyn Fn(&Judged) -> bool| {
        let all: f64 = devices.iter().map(weight).sum();
        let some: f64 = devices.iter().filter(|device| counts(device)).map(weight).sum();
        if all > 0.0 { some / all } else { 0.0 }
    };
    let unknown = share(&|device| matches!(device.standing, Standing::Unknown { .. }));
    let drifting = share(&|device| device.open_drifts > 0);
    if run_failed || devices.is_empty() || unknown > TENTH {
        Verdict::CannotSay
    } else if devices.iter().all(|device| device.open_drifts == 0) {
        Verdict::InStep
    } else if drifting <= TENTH {
        Verdict::MostlyInStep
    } else {
        Verdict::OutOfStep
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::analysis::standing::Why;
    use crate::model::DeviceName;
    use crate::model::finding::{Basis, Direction, Trend};

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_279_200, 0).unwrap()
    }

    fn ranking(id: i64, role: &str, p_change: f64, days: Option<i64>) -> Ranking {
        Ranking {
            device_id: id,
            device: DeviceName::new("x").unwrap(),
            role: role.to_owned(),
            site: String::new(),
            p_change,
            p_drift: p_change,
            rate_per_30_days: 1.0,
            rate_low: 0.5,
            rate_high: 2.0,
            median_days_to_next: None,
            next_low: None,
            next_high: None,
            share_of_data: 0.5,
            last_good_scan: days.map(|days| now() - TimeDelta::days(days)),
            score: 1.0,
            reason: String::new(),
            basis: Basis::Data,
            trend: Trend { direction: Direction::Unclear, p_rising: 0.5 },
            scans: 5,
            changed: 1,
            imported: 0,
            slope_30_days: None,
        }
    }

    #[test]
    fn the_interval_is_wider_where_devices_change_together() {
        let apart: Vec<Ranking> = (0..200).map(|id| ranking(id, &format!("r{id}"), 0.2, Some(4))).collect();
        let together: Vec<Ranking> = (0..200).map(|id| ranking(id, "leaf", 0.2, Some(4))).collect();
        let (apart, together) = (unseen(&apart, now()), unseen(&together, now()));
        assert!((apart.mid - 40.0).abs() < 1e-9 && (together.mid - 40.0).abs() < 1e-9);
        assert!(apart.low > 25.0 && apart.high < 55.0, "{apart:?}");
        assert!(together.low < apart.low && together.high > apart.high, "{together:?}");
        let none = unseen(&[ranking(1, "leaf", 1.0, None)], now());
        assert_eq!(none, Estimate { mid: 0.0, low: 0.0, high: 0.0 });
    }

    #[test]
    fn the_verdict_has_four_words() {
        let confirmed = |open_drifts| Judged {
            importance: 1.0,
            standing: Standing::Confirmed { in_step: open_drifts == 0 },
            open_drifts,
        };
        let unknown = |importance| Judged {
            importance,
            standing: Standing::Unknown { why: Why::NeverRead },
            open_drifts: 0,
        };
        let fleet = |drifting: usize, unknown_importance: Option<f64>| {
            let mut fleet: Vec<Judged> = (0..20).map(|n| confirmed(u64::from(n < drifting))).collect();
            fleet.extend(unknown_importance.map(unknown));
            fleet
        };
        assert_eq!(verdict(&fleet(0, None), false), Verdict::InStep);
        assert_eq!(verdict(&fleet(2, Some(1.0)), false), Verdict::MostlyInStep);
        assert_eq!(verdict(&fleet(3, None), false), Verdict::OutOfStep);
        assert_eq!(verdict(&fleet(0, Some(5.0)), false), Verdict::CannotSay);
        assert_eq!(verdict(&fleet(0, None), true), Verdict::CannotSay);
        assert_eq!(verdict(&[], false), Verdict::CannotSay);
        assert_eq!(Verdict::MostlyInStep.words(), "Mostly in step");
    }
}
