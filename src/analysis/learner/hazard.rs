//! Operational time: how many ordinary days a stretch of time is worth to a
//! group of devices. Days of a campaign count for more, quiet ones for less:
//! each day of a group has a factor with a Gamma prior of mean 1, which the
//! scans that cover the day have taught.
//!
//! The factor is not known exactly, and a fast device feels that: with a factor
//! that is small or large it has surely stayed or surely changed, so that a
//! day of uncertain factor is worth less to it than the mean says. A Gamma
//! gives P(no change) = (1 + θ/rate)^-shape; the sums are kept at a few rates θ.

/// Days further back than this count as ordinary ones.
pub(super) const REACH: f64 = 60.0;

/// Shape of the prior of a day's factor. `None`: the factor is 1.
pub(super) type Shape = Option<f64>;

/// The days of one group.
#[derive(Clone, Debug)]
pub(super) struct Days {
    /// The day of index 0.
    first: i64,
    /// Changes that the day was found to have had, and how many were due at factor 1.
    found: Vec<f32>,
    due: Vec<f32>,
    /// Operational time up to the start of each day, at each of the [`LEVELS`].
    sum: Vec<Levels>,
    /// First index at which the sums do not hold.
    moved: usize,
}

/// Rates, in changes a day, for which operational time is kept.
const LEVELS: [f64; 4] = [0.003, 0.03, 0.3, 3.0];
type Levels = [f64; 4];

/// How to mix the levels for a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    low: usize,
    part: f64,
}

impl Pace {
    /// Of a device with about this many changes a day.
    pub(super) fn of(rate: f64) -> Self {
        let steps = (rate / LEVELS[0]).max(1.0).log10().min(LEVELS.len() as f64 - 1.0);
        let low = (steps as usize).min(LEVELS.len() - 2);
        Self { low, part: steps - low as f64 }
    }
}

impl Days {
    pub(super) fn new(first: i64) -> Self {
        Self { first, found: Vec::new(), due: Vec::new(), sum: vec![[0.0; 4]], moved: 0 }
    }

    fn reach(&mut self, day: i64) {
        let len = usize::try_from(day - self.first + 1).unwrap_or(0);
        if self.found.len() < len {
            self.found.resize(len, 0.0);
            self.due.resize(len, 0.0);
        }
    }

    /// The posterior mean of a day's factor: (shape + found) / (shape + due).
    pub(super) fn factor(&self, day: i64, shape: Shape) -> f64 {
        let Some(shape) = shape else { return 1.0 };
        match usize::try_from(day - self.first) {
            Ok(index) if index < self.found.len() => {
                (shape + f64::from(self.found[index])) / (shape + f64::from(self.due[index]))
            }
            _ => 1.0,
        }
    }

    /// A scan that covers `day` gave it so many changes, where `due` were to be expected.
    pub(super) fn learn(&mut self, day: i64, found: f64, due: f64) {
        self.reach(day);
        if let Ok(index) = usize::try_from(day - self.first) {
            self.found[index] += found as f32;
            self.due[index] += due as f32;
            self.moved = self.moved.min(index);
        }
    }

    /// Brings the sums up to date, to the end of `day`.
    pub(super) fn settle(&mut self, day: i64, shape: Shape, week: &[f64; 7]) {
        let Some(shape) = shape else { return };
        self.reach(day);
        let len = self.found.len();
        let from = self.moved.min(self.sum.len() - 1).max(len.saturating_sub(REACH as usize + 2));
        self.sum.resize(len + 1, [0.0; 4]);
        for index in from..len {
            let day = self.first.saturating_add_unsigned(index as u64);
            let season = week[day.rem_euclid(7) as usize];
            let (a, b) = (shape + f64::from(self.found[index]), shape + f64::from(self.due[index]));
            for (level, rate) in LEVELS.iter().enumerate() {
                let worth = a / rate * (rate * season / b).ln_1p();
                self.sum[index + 1][level] = self.sum[index][level] + worth;
            }
        }
        self.moved = len;
    }

    /// The factors of the week have changed.
    pub(super) fn unsettle(&mut self) {
        self.moved = 0;
    }

    /// How many ordinary days a day was worth of late. Rates are in operational
    /// time: where few days carry all the changes, the others count for little,
    /// and this is well below 1.
    pub(super) fn speed(&self, pace: Pace) -> f64 {
        let end = self.sum.len() - 1;
        let start = end.saturating_sub(REACH as usize);
        if end == start {
            return 1.0;
        }
        let first = (self.first.saturating_add_unsigned(start as u64)) as f64;
        let days = (end - start) as f64;
        ((self.until(first + days, pace) - self.until(first, pace)) / days).clamp(0.02, 1.0)
    }

    /// Operational time up to a moment. Days that are not settled count as ordinary.
    pub(super) fn until(&self, t: f64, pace: Pace) -> f64 {
        let at = t - self.first as f64;
        if at <= 0.0 {
            return at;
        }
        let last = self.sum.len() - 1;
        let sum = |index: usize| {
            let levels = &self.sum[index];
            levels[pace.low] + pace.part * (levels[pace.low + 1] - levels[pace.low])
        };
        let index = at as usize;
        if index >= last {
            return sum(last) + (at - last as f64);
        }
        let low = sum(index);
        low + (at - index as f64) * (sum(index + 1) - low)
    }
}
