//! How many device sessions a night may use: a number, or a share of the
//! fleet. Typed on the command line and in the configuration.

mod curve;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use curve::{Buys, Fleet};

use super::grid::{self, Weights};

/// How many device sessions a night may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "String")]
pub enum Budget {
    Sessions(u32),
    /// Of the fleet, above 0 and up to 100.
    Percent(f64),
}

/// A budget as typed: `budget = 25` or `budget = "25%"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Typed {
    Number(u32),
    Text(String),
}

/// A text that is no budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to understand the budget {0:?}: give a number of sessions, such as 25, or a share, such as 10%"
)]
pub struct BadBudget(String);

impl Budget {
    /// Sessions for a fleet of `devices`; a share gives at least one.
    pub fn sessions(self, devices: usize) -> usize {
        match self {
            Self::Sessions(n) => n as usize,
            Self::Percent(share) => {
                // The tiny part taken off keeps 10 % of 30 at 3.
                let sessions = (devices as f64 * share / 100.0 - 1e-9).ceil();
                (sessions.max(1.0) as usize).min(devices)
            }
        }
    }
}

impl FromStr for Budget {
    type Err = BadBudget;

    fn from_str(text: &str) -> Result<Self, BadBudget> {
        let bad = || BadBudget(text.to_owned());
        let text = text.trim();
        match text.strip_suffix('%') {
            Some(share) => match share.trim().parse::<f64>() {
                Ok(share) if share > 0.0 && share <= 100.0 => Ok(Self::Percent(share)),
                _ => Err(bad()),
            },
            None => text.parse().map(Self::Sessions).map_err(|_| bad()),
        }
    }
}

impl TryFrom<Typed> for Budget {
    type Error = BadBudget;

    fn try_from(typed: Typed) -> Result<Self, BadBudget> {
        match typed {
            Typed::Number(n) => Ok(Self::Sessions(n)),
            Typed::Text(text) => text.parse(),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sessions(n) => write!(f, "{n}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl From<Budget> for String {
    fn from(budget: Budget) -> Self {
        budget.to_string()
    }
}

/// One device, as the long run sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// What is known of its rate: changes a day, with the probability of each.
    pub rates: Vec<(f64, f64)>,
    pub importance: f64,
    /// Sessions that one scan of it costs.
    pub cost: f64,
}

impl Share {
    pub fn new(weights: &Weights, importance: f64) -> Self {
        let rates = grid::rates().iter().copied().zip(*weights).filter(|(_, weight)| *weight > 1e-6);
        Self { rates: rates.collect(), importance, cost: 1.0 }
    }

    /// What one more session is worth at an interval, in device-days:
    /// V(θ,τ) = (1 - (1+x) e^-x) / θ with x = θτ, times importance / cost.
    fn worth(&self, days: f64) -> f64 {
        let one = |rate: f64| {
            let x = rate * days;
            let gain = if x < 1e-4 { x * x / 2.0 - x * x * x / 3.0 } else { 1.0 - (1.0 + x) * (-x).exp() };
            gain / rate
        };
        let worth: f64 = self.rates.iter().map(|(rate, weight)| weight * one(*rate)).sum();
        self.importance / self.cost * worth
    }

    /// The share of time on which a snapshot is true: (1 - e^-x) / x.
    fn freshness(&self, days: f64) -> f64 {
        let one = |x: f64| if x < 1e-9 { 1.0 } else { -(-x).exp_m1() / x };
        if days.is_infinite() {
            return 0.0;
        }
        self.rates.iter().map(|(rate, weight)| weight * one(rate * days)).sum()
    }

    /// The interval at which one more session is worth `price`, between two that enclose it.
    fn interval(&self, price: f64, low: f64, high: f64) -> f64 {
        let (mut low, mut high) = (low, high);
        for _ in 0..44 {
            let middle = (low * high).sqrt();
            if self.worth(middle) > price { high = middle } else { low = middle }
        }
        high
    }
}

/// What a budget buys in the long run, if rates stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Bought {
    /// Sessions a night.
    pub sessions: f64,
    /// What the last session is worth, in device-days.
    pub price: f64,
    /// Nights between two scans of each device; infinite where it is not worth any.
    pub intervals: Vec<f64>,
    /// Share of device-time, weighed by importance, on which the snapshot is true.
    pub freshness: f64,
    /// Mean days from a change to the scan that shows it, over changes of
    /// devices that are scanned at all.
    pub delay_days: f64,
}

/// Intervals at which the worth of a scan is worked out beforehand, in days.
const STEPS: usize = 64;
const SHORTEST: f64 = 1e-3;
const LONGEST: f64 = 1e6;

/// Spends `sessions` a night so that the freshness is greatest: every scanned
/// device has the same worth of one more session (Cho and Garcia-Molina 2003),
/// which is found by bisection. No interval is longer than `max_age` days,
/// even where that costs more sessions than there are.
pub fn water_fill(devices: &[Share], sessions: f64, max_age: f64) -> Bought {
    let factor = (LONGEST / SHORTEST).powf(1.0 / (STEPS - 1) as f64);
    let step = |at: usize| SHORTEST * factor.powf(at as f64);
    let curves: Vec<Vec<f64>> =
        devices.iter().map(|device| (0..STEPS).map(|at| device.worth(step(at))).collect()).collect();
    let interval = |device: &Share, curve: &[f64], price: f64, exact: bool| {
        let above = curve.partition_point(|worth| *worth <= price);
        let days = match above {
            0 => SHORTEST,
            STEPS => f64::INFINITY,
            _ if exact => device.interval(price, step(above - 1), step(above)),
            _ => {
                let (low, high) = (curve[above - 1], curve[above]);
                step(above - 1) * factor.powf((price / low).ln() / (high / low).ln())
            }
        };
        days.min(max_age)
    };
    let spent = |log_price: f64, exact: bool| -> f64 {
        let price = log_price.exp();
        let each = devices.iter().zip(&curves);
        each.map(|(device, curve)| device.cost / interval(device, curve, price, exact)).sum()
    };
    // Roughly first, by the curves; then to the last digit in what is left.
    let (mut low, mut high) = (-40.0_f64, 40.0_f64);
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if spent(middle, false) > sessions { low = middle } else { high = middle }
    }
    (low, high) = (low - 0.1, high + 0.1);
    for _ in 0..52 {
        let middle = f64::midpoint(low, high);
        if spent(middle, true) > sessions { low = middle } else { high = middle }
    }
    let price = high.exp();
    let intervals: Vec<f64> =
        devices.iter().zip(&curves).map(|(device, curve)| interval(device, curve, price, true)).collect();
    let (mut fresh, mut weight, mut delay, mut changes) = (0.0, 0.0, 0.0, 0.0);
    for (device, days) in devices.iter().zip(&intervals) {
        weight += device.importance;
        fresh += device.importance * device.freshness(*days);
        if days.is_finite() {
            let rate: f64 = device.rates.iter().map(|(rate, weight)| rate * weight).sum();
            delay += rate * days / 2.0;
            changes += rate;
        }
    }
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Bought {
        sessions: spent(high, true),
        price,
        freshness: share(fresh, weight),
        delay_days: share(delay, changes),
        intervals,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn fleet(rates: &[f64], importances: &[f64]) -> Vec<Share> {
        let one = |(rate, importance): (&f64, &f64)| Share {
            rates: vec![(*rate, 1.0)],
            importance: *importance,
            cost: 1.0,
        };
        rates.iter().zip(importances).map(one).collect()
    }

    #[test]
    fn the_golden_numbers_of_water_filling() {
        // Price, intervals, freshness of each and of all.
        type Golden<'a> = (&'a [f64], &'a [f64], f64, f64, &'a [f64], &'a [f64], f64);
        let golden: [Golden<'_>; 4] = [
            (
                &[0.01, 0.1, 1.0],
                &[1.0, 1.0, 1.0],
                0.3,
                1.0,
                &[14.8555, 5.3181, 22.3973],
                &[0.92927, 0.77558, 0.04465],
                0.58316,
            ),
            (
                &[0.01, 0.1, 1.0],
                &[1.0, 1.0, 10.0],
                0.3,
                9.030_322,
                &[50.0327, 39.2839, 3.9284],
                &[0.78682, 0.24955, 0.24955],
                0.29432,
            ),
            (&[0.02; 4], &[1.0; 4], 0.4, 0.876_155, &[10.0; 4], &[0.90635; 4], 0.90635),
            (
                &[0.05, 0.5, 5.0],
                &[1.0; 3],
                1.0,
                0.301_694,
                &[3.6926, 1.3714, f64::INFINITY],
                &[0.91311, 0.72373, 0.0],
                0.54562,
            ),
        ];
        for (rates, importances, sessions, price, intervals, fresh, all) in golden {
            let devices = fleet(rates, importances);
            let found = water_fill(&devices, sessions, f64::INFINITY);
            let close =
                |a: f64, b: f64| (a - b).abs() < 1e-4 * b.max(1.0) || a.is_infinite() && b.is_infinite();
            assert!(close(found.price, price) && close(found.freshness, all), "{found:?}");
            for ((device, (days, wanted)), fresh) in
                devices.iter().zip(found.intervals.iter().zip(intervals)).zip(fresh)
            {
                // At the limit of its worth an interval is hardly determined.
                assert!(close(*days, *wanted) || *wanted > 22.0, "{days} is not {wanted}");
                assert!(close(device.freshness(*days), *fresh), "{days}");
            }
        }
    }

    #[test]
    fn more_budget_buys_more_and_no_interval_passes_the_limit() {
        let mixed = fleet(&[0.05, 0.5, 5.0], &[1.0; 3]);
        let (less, more) = (water_fill(&mixed, 1.0, f64::INFINITY), water_fill(&mixed, 2.0, f64::INFINITY));
        assert!(more.freshness > less.freshness && more.price < less.price);
        assert!((less.sessions - 1.0).abs() < 1e-4);
        assert!((water_fill(&mixed, 1.0, 30.0).intervals[2] - 30.0).abs() < 1e-9);
        assert!(water_fill(&mixed, 0.0, f64::INFINITY).freshness < 1e-3);
        assert!(water_fill(&[], 5.0, 30.0).intervals.is_empty());
        let grid = Share::new(&grid::log_normal(-3.0, 1.0), 2.0);
        assert!((grid.rates.iter().map(|(_, weight)| weight).sum::<f64>() - 1.0).abs() < 1e-3);
    }

    #[derive(Deserialize)]
    struct Table {
        budget: Budget,
    }

    #[test]
    fn budgets_as_typed() {
        assert_eq!("25".parse(), Ok(Budget::Sessions(25)));
        assert_eq!(" 10% ".parse(), Ok(Budget::Percent(10.0)));
        for bad in ["", "-1", "0%", "101%", "ten", "NaN%", "1e400%"] {
            assert!(bad.parse::<Budget>().is_err(), "{bad}");
        }
        assert_eq!(Budget::Percent(10.0).sessions(30), 3);
        assert_eq!(Budget::Percent(10.0).sessions(31), 4);
        assert_eq!(Budget::Percent(1.0).sessions(5), 1);
        assert_eq!(Budget::Percent(50.0).sessions(0), 0);
        let typed = |text: &str| toml::from_str::<Table>(text).map(|table| table.budget);
        assert_eq!(typed("budget = \"12.5%\"").unwrap(), Budget::Percent(12.5));
        assert_eq!(typed("budget = 7").unwrap(), Budget::Sessions(7));
        assert!(typed("budget = \"0%\"").is_err() && typed("budget = -7").is_err());
        assert_eq!(Budget::Percent(12.5).to_string(), "12.5%");
    }
}
