//! What a history of scans says about a change rate. A scan only says whether
//! something changed since the last one, not how often: the observation is
//! censored. On a grid of rates that likelihood is exact and needs no sampling.
//!
//! Time enters only as the length of an interval in days, so that season and
//! campaigns can later stretch it (operational time) without touching this file.

use std::sync::LazyLock;

/// Number of rates on the grid.
pub const K: usize = 40;

/// Lowest and highest rate, in changes per day: once in 55 years, ten a day.
pub const LOWEST: f64 = 5e-5;
pub const HIGHEST: f64 = 10.0;

/// Weights on the grid, a probability distribution over rates.
pub type Weights = [f64; K];

/// Logarithm of the factor from one rate to the next.
pub fn log_step() -> f64 {
    (HIGHEST / LOWEST).ln() / (K - 1) as f64
}

/// The rates of the grid in changes per day, log-spaced and ascending.
pub fn rates() -> &'static [f64; K] {
    static RATES: LazyLock<[f64; K]> =
        LazyLock::new(|| std::array::from_fn(|k| LOWEST * (log_step() * k as f64).exp()));
    &RATES
}

/// What a series of scans can say about a constant rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Days of all intervals without a change, added up: only their sum matters.
    pub quiet_days: f64,
    /// Number of those intervals.
    pub quiet: u32,
    /// Intervals in which something changed: length in days, and how many of that length.
    pub changed: Vec<(f64, u32)>,
}

impl Evidence {
    /// Intervals between scans, with and without a change.
    pub fn intervals(&self) -> u32 {
        self.quiet + self.changes()
    }

    /// Intervals with a change.
    pub fn changes(&self) -> u32 {
        self.changed.iter().map(|(_, n)| n).sum()
    }

    /// Days over which the device was watched.
    pub fn days(&self) -> f64 {
        self.quiet_days + self.changed.iter().map(|(days, n)| days * f64::from(*n)).sum::<f64>()
    }

    /// Log likelihood at each rate: an interval of `u` days stays quiet with
    /// probability exp(-θu), and shows a change with 1 - exp(-θu).
    pub fn log_likelihood(&self) -> Weights {
        let rates = rates();
        std::array::from_fn(|k| {
            let changed: f64 = self
                .changed
                .iter()
                .filter(|(days, _)| *days > 0.0)
                .map(|(days, n)| f64::from(*n) * (-(-rates[k] * days).exp_m1()).ln())
                .sum();
            changed - rates[k] * self.quiet_days
        })
    }
}

/// Prior × likelihood, normalised. The log likelihood is relative: a constant
/// added to all of it changes nothing.
pub fn posterior(prior: &Weights, log_likelihood: &Weights) -> Weights {
    let top = log_likelihood.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !top.is_finite() {
        return *prior;
    }
    normalised(std::array::from_fn(|k| prior[k] * (log_likelihood[k] - top).exp()))
}

/// Scaled to sum 1; uniform if there is nothing to scale.
pub fn normalised(weights: Weights) -> Weights {
    let sum: f64 = weights.iter().sum();
    if sum.is_finite() && sum > 0.0 { weights.map(|w| w / sum) } else { [1.0 / K as f64; K] }
}

/// Log-normal weights with median exp(`m`) changes per day and log deviation
/// `s`, with a floor so that no rate is ever impossible.
pub fn log_normal(m: f64, s: f64) -> Weights {
    normalised(rates().map(|rate| (-(rate.ln() - m).powi(2) / (2.0 * s * s)).exp() + 1e-6))
}

/// P(a change within `days`) = 1 - Σ w exp(-θ·days).
pub fn p_change(weights: &Weights, days: f64) -> f64 {
    if days.is_nan() || days <= 0.0 {
        return 0.0;
    }
    let rates = rates();
    let p: f64 = (0..K).map(|k| -weights[k] * (-rates[k] * days).exp_m1()).sum();
    p.clamp(0.0, 1.0)
}

/// The rate below which a share `q` of the weight lies, in changes per day.
/// Each weight is spread evenly over its cell on the log scale.
pub fn quantile(weights: &Weights, q: f64) -> f64 {
    let rates = rates();
    let mut below = 0.0;
    for k in 0..K {
        if below + weights[k] >= q && weights[k] > 0.0 {
            let inside = ((q - below) / weights[k]).clamp(0.0, 1.0);
            return rates[k] * ((inside - 0.5) * log_step()).exp();
        }
        below += weights[k];
    }
    HIGHEST
}

/// Days until P(no change) has fallen to one half: the median of the
/// predictive distribution, wider than that of any single rate. `None` beyond
/// ten years.
pub fn median_days(weights: &Weights) -> Option<f64> {
    days_until(weights, 0.5)
}

/// Days until P(a change) has risen to `q`; `None` beyond ten years.
pub fn days_until(weights: &Weights, q: f64) -> Option<f64> {
    const TEN_YEARS: f64 = 3652.5;
    if p_change(weights, TEN_YEARS) < q {
        return None;
    }
    // P(no change) falls and is convex in time, so Newton's steps from zero
    // never pass the root and grow close to it fast.
    let rates = rates();
    let mut days = 0.0;
    for _ in 0..60 {
        let (mut quiet, mut slope) = (0.0, 0.0);
        for k in 0..K {
            let part = weights[k] * (-rates[k] * days).exp();
            quiet += part;
            slope += part * rates[k];
        }
        let step = (quiet - (1.0 - q)) / slope;
        days += step;
        if step <= 1e-9 * days {
            break;
        }
    }
    days.is_finite().then_some(days)
}

/// How much of an estimate is data: the share of the prior's variance of the
/// log rate that the posterior no longer has.
pub fn own_share(prior: &Weights, posterior: &Weights) -> f64 {
    let variance = |weights: &Weights| {
        let (mut mean, mut square) = (0.0, 0.0);
        for (k, weight) in weights.iter().enumerate() {
            // The grid is even on the log scale: the index will do.
            mean += weight * k as f64;
            square += weight * (k * k) as f64;
        }
        (square - mean * mean).max(0.0)
    };
    let before = variance(prior);
    if before > 0.0 { (1.0 - variance(posterior) / before).clamp(0.0, 1.0) } else { 0.0 }
}

/// What a scan now is worth, in device-days: the gain in freshness for one
/// more session, V(θ,τ) = (1 - (1+x) exp(-x)) / θ with x = θτ, averaged over
/// the rates (Cho and Garcia-Molina's optimum has it equal for all devices).
/// `None` means never read: the limit 1/θ.
pub fn worth(weights: &Weights, days: Option<f64>) -> f64 {
    let rates = rates();
    let one = |rate: f64| match days {
        None => 1.0 / rate,
        Some(days) => {
            let x = rate * days.max(0.0);
            // The series at small x, where the difference would cancel.
            let gain = if x < 1e-4 { x * x / 2.0 - x * x * x / 3.0 } else { 1.0 - (1.0 + x) * (-x).exp() };
            gain / rate
        }
    };
    (0..K).map(|k| weights[k] * one(rates[k])).sum()
}

/// P(a rate drawn from `a` exceeds one drawn from `b`); equal grid points count half.
pub fn p_greater(a: &Weights, b: &Weights) -> f64 {
    let (mut p, mut below) = (0.0, 0.0);
    for k in 0..K {
        p += a[k] * (below + b[k] / 2.0);
        below += b[k];
    }
    p.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * (1.0 + b.abs())
    }

    /// All weight on one point of the grid: closed forms apply.
    fn at(k: usize) -> Weights {
        std::array::from_fn(|i| f64::from(u8::from(i == k)))
    }

    #[test]
    fn the_grid_is_that_of_the_method() {
        let rates = rates();
        assert!(close(rates[0], 5e-5) && close(rates[K - 1], 10.0));
        assert!(close(rates[20] / rates[19], rates[1] / rates[0]));
    }

    #[test]
    fn one_rate_gives_the_closed_forms() {
        let rate = rates()[25];
        assert!(close(p_change(&at(25), 9.0), 1.0 - (-rate * 9.0).exp()));
        assert!(close(quantile(&at(25), 0.5), rate));
        assert!(median_days(&at(25)).is_some_and(|days| (days - 2f64.ln() / rate).abs() < 1e-6));
        assert_eq!(median_days(&at(0)), None);
        let x = rate * 9.0;
        assert!(close(worth(&at(25), Some(9.0)), (1.0 - (1.0 + x) * (-x).exp()) / rate));
        assert!(close(worth(&at(25), None), 1.0 / rate));
        assert!(close(p_greater(&at(25), &at(25)), 0.5) && close(p_greater(&at(25), &at(24)), 1.0));
    }

    #[test]
    fn two_rates_by_hand() {
        // Prior one half each; one quiet interval of 10 days and one changed one of 10 days.
        let (low, high) = (rates()[20], rates()[30]);
        let mut prior = [0.0; K];
        (prior[20], prior[30]) = (0.5, 0.5);
        let evidence = Evidence { quiet_days: 10.0, quiet: 1, changed: vec![(10.0, 1)] };
        let weights = posterior(&prior, &evidence.log_likelihood());
        let likelihood = |rate: f64| (-10.0 * rate).exp() * (1.0 - (-10.0 * rate).exp());
        let expected = likelihood(low) / (likelihood(low) + likelihood(high));
        assert!(close(weights[20], expected) && close(weights[30], 1.0 - expected));
    }

    proptest! {
        #[test]
        fn numbers_stay_numbers(
            quiet_days in 0.0..1e5f64, quiet in 0u32..1000,
            changed in prop::collection::vec((1e-4..4000f64, 1u32..500), 0..6),
            m in -9.0..2.0f64, s in 0.3..3.0f64, days in 0.0..1e5f64,
        ) {
            let evidence = Evidence { quiet_days, quiet, changed };
            let weights = posterior(&log_normal(m, s), &evidence.log_likelihood());
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let p = p_change(&weights, days);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(p_change(&weights, days + 1.0) >= p - 1e-12);
            let (low, middle, high) =
                (quantile(&weights, 0.05), quantile(&weights, 0.5), quantile(&weights, 0.95));
            prop_assert!(low <= middle && middle <= high && low > 0.0 && high.is_finite());
            let (now, later, never) =
                (worth(&weights, Some(days)), worth(&weights, Some(days + 1.0)), worth(&weights, None));
            prop_assert!(now >= 0.0 && now <= later * (1.0 + 1e-9) && later <= never * (1.0 + 1e-9));
            prop_assert!(never.is_finite());
        }
    }
}
