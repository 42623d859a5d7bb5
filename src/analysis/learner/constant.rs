//! The forecast to beat: one rate for the whole fleet, as well as the scans so
//! far can tell it.

/// A censored rate, learnt scan by scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    changes: f64,
    days: f64,
}

impl Default for Constant {
    fn default() -> Self {
        // Half a change in ten days, which soon is forgotten.
        Self { changes: 0.5, days: 10.0 }
    }
}

impl Constant {
    /// Half a change's worth of belief in a rate; soon forgotten, too.
    pub fn near(rate: f64) -> Self {
        Self { changes: 0.5, days: 0.5 / rate.max(1e-6) }
    }

    /// Changes a day.
    pub fn rate(&self) -> f64 {
        self.changes / self.days
    }

    /// Probability of a change within `days`.
    pub fn p(&self, days: f64) -> f64 {
        (-(-self.rate() * days.max(0.0)).exp_m1()).clamp(1e-6, 1.0 - 1e-6)
    }

    /// A scan that found a change stands for as many as are to be expected when there is one.
    pub fn observe(&mut self, days: f64, changed: bool) {
        let x = self.rate() * days;
        if changed {
            self.changes += if x < 1e-6 { 1.0 } else { x / -(-x).exp_m1() };
        }
        self.days += days.max(0.0);
    }
}
