//! How good the probabilities were, over all device-nights: the replay knows
//! the truth even of devices that nobody scanned.

use crate::analysis::learner::Constant;

const BINS: usize = 10;

/// Collects what was said of every device every night.
#[derive(Default)]
pub(super) struct Judge {
    pairs: Vec<(f32, bool)>,
    loss: f64,
    constant_loss: f64,
    constant: Constant,
}

impl Judge {
    /// Before the scans of a night: what was said, the age, and what is true.
    pub(super) fn say(&mut self, p: f64, age: f64, changed: bool) {
        self.loss += surprise(p, changed);
        self.constant_loss += surprise(self.constant.p(age), changed);
        self.pairs.push((p as f32, changed));
    }

    /// What a scan showed: the constant learns too.
    pub(super) fn observe(&mut self, days: f64, changed: bool) {
        self.constant.observe(days, changed);
    }

    /// Expected calibration error over ten equal-count bins.
    pub(super) fn error(&mut self) -> Option<f64> {
        if self.pairs.is_empty() {
            return None;
        }
        self.pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let n = self.pairs.len();
        let mut error = 0.0;
        for bin in 0..BINS {
            let bin = &self.pairs[bin * n / BINS..(bin + 1) * n / BINS];
            let said: f64 = bin.iter().map(|(p, _)| f64::from(*p)).sum();
            let happened = bin.iter().filter(|(_, changed)| *changed).count() as f64;
            error += (said - happened).abs();
        }
        Some(error / n as f64)
    }

    /// 1 - log loss / log loss of the constant.
    pub(super) fn skill(&self) -> Option<f64> {
        (!self.pairs.is_empty() && self.constant_loss > 0.0).then(|| 1.0 - self.loss / self.constant_loss)
    }
}

fn surprise(p: f64, changed: bool) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    -(if changed { p } else { 1.0 - p }).ln()
}
