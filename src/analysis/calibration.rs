//! Did the forecasts hold? Each forecast is stored before the scan it is
//! about, so what is measured here is what was really said.

use serde::Serialize;

/// How good a set of forecasts was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    pub forecasts: u64,
    /// Ordered by what was said.
    pub bins: Vec<Bin>,
    /// Mean squared error of the probability: 0 is perfect, 0.25 knows nothing.
    pub brier: f64,
    /// Mean negative log probability of what happened, in nats.
    pub log_loss: f64,
    /// 1 - log loss / log loss of always saying the share that happened. Above
    /// 0 the forecasts know something; the constant is told in hindsight, so
    /// this is a little hard on them. `None` if all or none changed.
    pub skill: Option<f64>,
    /// Expected calibration error: mean distance of said and happened over the bins.
    pub error: f64,
}

/// Forecasts that said about the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    pub n: u64,
    /// Mean of what was said.
    pub said: f64,
    /// Share that happened, with its 90 % Wilson interval.
    pub happened: f64,
    pub low: f64,
    pub high: f64,
}

/// Fewest forecasts in a bin; smaller ones would only show noise.
const FEWEST: usize = 20;
const BINS: usize = 10;

/// Judges pairs of (probability of a change, whether there was one). Bins hold
/// equal counts, at most ten of them, each of at least 20 forecasts unless
/// there are fewer altogether. `None` without any pair. What is no probability
/// is left out.
pub fn calibrate(pairs: &[(f64, bool)]) -> Option<Calibration> {
    let mut pairs: Vec<(f64, bool)> =
        pairs.iter().copied().filter(|(p, _)| (0.0..=1.0).contains(p)).collect();
    if pairs.is_empty() {
        return None;
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = pairs.len() as f64;
    let hit = |changed: bool| f64::from(u8::from(changed));
    let brier = pairs.iter().map(|(p, changed)| (p - hit(*changed)).powi(2)).sum::<f64>() / n;
    let log_loss = pairs.iter().map(|(p, changed)| surprise(*p, *changed)).sum::<f64>() / n;
    let share = pairs.iter().map(|(_, changed)| hit(*changed)).sum::<f64>() / n;
    let constant = share * surprise(share, true) + (1.0 - share) * surprise(share, false);
    let skill = (share > 0.0 && share < 1.0).then(|| 1.0 - log_loss / constant);

    let count = (pairs.len() / FEWEST).clamp(1, BINS);
    let bins: Vec<Bin> = (0..count)
        .map(|bin| bin_of(&pairs[bin * pairs.len() / count..(bin + 1) * pairs.len() / count]))
        .collect();
    let error = bins.iter().map(|bin| bin.n as f64 / n * (bin.said - bin.happened).abs()).sum();
    Some(Calibration { forecasts: pairs.len() as u64, bins, brier, log_loss, skill, error })
}

/// -ln of the probability given to what happened, with a floor: one wrong
/// "never" must not outweigh everything.
pub(super) fn surprise(p: f64, changed: bool) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    -(if changed { p } else { 1.0 - p }).ln()
}

fn bin_of(pairs: &[(f64, bool)]) -> Bin {
    let n = pairs.len() as f64;
    let said = pairs.iter().map(|(p, _)| p).sum::<f64>() / n;
    let hits = pairs.iter().filter(|(_, changed)| *changed).count();
    let (low, high) = wilson(hits as f64, n);
    Bin { n: pairs.len() as u64, said, happened: hits as f64 / n, low, high }
}

/// Wilson's score interval for a share, 90 %.
pub fn wilson(hits: f64, n: f64) -> (f64, f64) {
    // The 95 % quantile of the standard normal distribution.
    const Z: f64 = 1.644_853_626_951_472_7;
    let share = hits / n;
    let scale = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_forecasts_by_hand() {
        let said = calibrate(&[(0.8, true), (0.8, true), (0.2, false), (0.2, true)]).unwrap();
        assert!((said.brier - (0.04 + 0.04 + 0.04 + 0.64) / 4.0).abs() < 1e-12);
        let log_loss = -(3.0 * 0.8_f64.ln() + 0.2_f64.ln()) / 4.0;
        assert!((said.log_loss - log_loss).abs() < 1e-12);
        let constant = -(0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln());
        assert!((said.skill.unwrap() - (1.0 - log_loss / constant)).abs() < 1e-12);
        assert_eq!((said.bins.len(), said.bins[0].n), (1, 4));
        assert!((said.error - 0.25).abs() < 1e-12);
        assert_eq!(calibrate(&[]), None);
        assert_eq!(calibrate(&[(f64::NAN, true), (1.5, true)]), None);
    }

    #[test]
    fn wilson_as_in_the_books() {
        // 8 of 10 at 90 %: 0.541 to 0.931.
        let (low, high) = wilson(8.0, 10.0);
        assert!((low - 0.540_793).abs() < 1e-6 && (high - 0.931_442).abs() < 1e-6, "{low} {high}");
    }

    proptest! {
        #[test]
        fn bins_are_ordered_and_hold_everything(pairs in prop::collection::vec((0.0..=1.0f64, any::<bool>()), 1..500)) {
            let found = calibrate(&pairs).unwrap();
            prop_assert_eq!(found.bins.iter().map(|bin| bin.n).sum::<u64>(), pairs.len() as u64);
            prop_assert!(found.bins.windows(2).all(|two| two[0].said <= two[1].said + 1e-12));
            for bin in &found.bins {
                prop_assert!(bin.low <= bin.happened + 1e-12 && bin.happened <= bin.high + 1e-12);
            }
            prop_assert!((0.0..=1.0).contains(&found.brier) && found.log_loss >= 0.0);
        }
    }
}
