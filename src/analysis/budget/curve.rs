//! What more or fewer sessions a night would buy a whole fleet, quickly: the
//! report asks for eight budgets of thousands of devices, and has a second.
//!
//! The same rule as [`super::water_fill`], which is exact and slow: every
//! scanned device has the same worth of one more session. Here that worth is
//! read off a table of intervals, and stays within half a percent of it.

use std::sync::LazyLock;

use super::super::grid::{self, K, Weights};
use super::super::summary::Estimate;

/// Intervals of the table, in days.
const STEPS: usize = 112;
const SHORTEST: f64 = 0.05;
const LONGEST: f64 = 4_000.0;
/// The 95 % quantile of the standard normal distribution.
const Z: f64 = 1.644_853_626_951_472_7;

type Steps = [f64; STEPS];

/// What one session is worth after each interval, in device-days, at each rate.
static WORTH: LazyLock<[Steps; K]> = LazyLock::new(|| {
    grid::rates().map(|rate| {
        std::array::from_fn(|at| {
            let x = rate * step(at);
            let gain = if x < 1e-4 { x * x / 2.0 - x * x * x / 3.0 } else { 1.0 - (1.0 + x) * (-x).exp() };
            gain / rate
        })
    })
});

fn log_factor() -> f64 {
    (LONGEST / SHORTEST).ln() / (STEPS - 1) as f64
}

fn step(at: usize) -> f64 {
    SHORTEST * (log_factor() * at as f64).exp()
}

/// A fleet, ready to be asked.
pub struct Fleet {
    devices: Vec<Device>,
}

struct Device {
    weights: Weights,
    importance: f64,
    /// Ascending.
    worth: Steps,
}

/// What one budget buys in the long run, if rates stay as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Buys {
    /// Nights between two scans of each device, in the order in which they were given.
    pub intervals: Vec<f64>,
    /// Share of device-time, weighed by importance, on which the snapshot is
    /// true. The interval is that of what is known of the rates.
    pub fresh: Estimate,
    /// Devices that have changed unseen, at any one moment.
    pub unseen: Estimate,
    /// Mean days from a change to the scan that shows it; `None` where no change is expected.
    pub delay_days: Option<f64>,
}

impl Fleet {
    /// Of each device what is known of its rate, and its importance.
    pub fn of<'a>(devices: impl Iterator<Item = (&'a Weights, f64)>) -> Self {
        let device = |(weights, importance): (&Weights, f64)| {
            let mut worth = [0.0; STEPS];
            for (weight, of_rate) in weights.iter().zip(WORTH.iter()).filter(|(weight, _)| **weight > 1e-6) {
                for (sum, one) in worth.iter_mut().zip(of_rate) {
                    *sum += weight * importance * one;
                }
            }
            Device { weights: *weights, importance, worth }
        };
        Self { devices: devices.map(device).collect() }
    }

    /// Spends `sessions` a night. No interval is longer than `max_age` days.
    pub fn with(&self, sessions: f64, max_age: f64) -> Buys {
        let (mut low, mut high) = (-40.0_f64, 40.0_f64);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            let price = middle.exp();
            let spent: f64 = self.devices.iter().map(|device| 1.0 / device.interval(price, max_age)).sum();
            if spent > sessions { low = middle } else { high = middle }
        }
        let price = high.exp();
        let intervals: Vec<f64> = self.devices.iter().map(|device| device.interval(price, max_age)).collect();
        let (mut fresh, mut fresh_var, mut weight) = (0.0, 0.0, 0.0);
        let (mut unseen, mut unseen_var) = (0.0, 0.0);
        let (mut late, mut changes) = (0.0, 0.0);
        for (device, days) in self.devices.iter().zip(&intervals) {
            let (mean, variance) = device.freshness(*days);
            weight += device.importance;
            fresh += device.importance * mean;
            fresh_var += device.importance.powi(2) * variance;
            unseen += 1.0 - mean;
            unseen_var += variance;
            let rate: f64 = device.weights.iter().zip(grid::rates()).map(|(w, rate)| w * rate).sum();
            late += rate * days / 2.0;
            changes += rate;
        }
        let around = |mid: f64, variance: f64, most: f64| {
            let half = Z * variance.max(0.0).sqrt();
            Estimate { mid, low: (mid - half).max(0.0), high: (mid + half).min(most) }
        };
        let weight = if weight > 0.0 { weight } else { 1.0 };
        Buys {
            fresh: around(fresh / weight, fresh_var / weight.powi(2), 1.0),
            unseen: around(unseen, unseen_var, self.devices.len() as f64),
            delay_days: (changes > 1e-12).then(|| late / changes),
            intervals,
        }
    }
}

impl Device {
    /// Days after which one more session is worth `price`.
    fn interval(&self, price: f64, max_age: f64) -> f64 {
        let days = match self.worth.partition_point(|worth| *worth <= price) {
            0 => SHORTEST,
            STEPS => f64::INFINITY,
            above => {
                let (low, high) = (self.worth[above - 1], self.worth[above]);
                let part = if low > 0.0 { (price / low).ln() / (high / low).ln() } else { 1.0 };
                step(above - 1) * (log_factor() * part).exp()
            }
        };
        days.min(max_age)
    }

    /// The share of time on which a snapshot is true, (1 - e^-x) / x: mean and
    /// variance over what is known of the rate.
    fn freshness(&self, days: f64) -> (f64, f64) {
        let (mut mean, mut square) = (0.0, 0.0);
        for (weight, rate) in self.weights.iter().zip(grid::rates()).filter(|(weight, _)| **weight > 1e-6) {
            let x = rate * days;
            let fresh = if x < 1e-9 { 1.0 } else { -(-x).exp_m1() / x };
            mean += weight * fresh;
            square += weight * fresh * fresh;
        }
        (mean, square - mean * mean)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Share, water_fill};
    use super::*;

    #[test]
    fn as_the_exact_one_has_it() {
        let known: Vec<(Weights, f64)> = (0..60)
            .map(|n| {
                let mean = -6.0 + f64::from(n) * 0.08;
                (grid::log_normal(mean, 0.4 + f64::from(n % 5) * 0.2), f64::from(1 + n % 3))
            })
            .collect();
        let exact: Vec<Share> =
            known.iter().map(|(weights, importance)| Share::new(weights, *importance)).collect();
        let fleet = Fleet::of(known.iter().map(|(weights, importance)| (weights, *importance)));
        for sessions in [1.0, 6.0, 20.0, 60.0] {
            let (quick, slow) = (fleet.with(sessions, 300.0), water_fill(&exact, sessions, 300.0));
            assert!((quick.fresh.mid - slow.freshness).abs() < 2e-3, "{sessions}: {quick:?}");
            let delay = quick.delay_days.unwrap_or_default();
            assert!((delay / slow.delay_days - 1.0).abs() < 0.02, "{delay} {}", slow.delay_days);
            for (a, b) in quick.intervals.iter().zip(&slow.intervals) {
                assert!((a / b - 1.0).abs() < 0.02, "{sessions}: {a} {b}");
            }
            assert!(quick.fresh.low < quick.fresh.mid && quick.fresh.mid < quick.fresh.high);
        }
        let (less, more) = (fleet.with(3.0, 300.0), fleet.with(9.0, 300.0));
        assert!(more.fresh.mid > less.fresh.mid && more.unseen.mid < less.unseen.mid);
    }

    #[test]
    fn an_empty_fleet_buys_nothing() {
        let buys = Fleet::of(std::iter::empty()).with(5.0, 30.0);
        assert!(buys.intervals.is_empty() && buys.delay_days.is_none());
    }
}
