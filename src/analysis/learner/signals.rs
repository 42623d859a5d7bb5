//! Signals are noisy: some changes give none, and some signals mean nothing.
//! How far a class of them is believed is learnt from what scans then found.
//! Per class two numbers suffice: its recall (chance that a change gives one)
//! and its noise (false ones a device and day). Real and false ones then are
//! independent Poisson streams, and a signal on a device with rate θ is real
//! with the chance θ·recall / (θ·recall + noise).

/// A class of signals: of one kind, from one platform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// Chance that a change gives one.
    pub recall: f64,
    /// False ones a device and day.
    pub noise: f64,
    /// Whether there ever was one. A class that never spoke says nothing by its silence.
    pub(super) heard: bool,
    /// Changes found with and without one, and false ones with the days they came in.
    with: f64,
    without: f64,
    falsely: f64,
    days: f64,
}

impl Default for Class {
    fn default() -> Self {
        // Worth one change with and one without, and half a false one in 50 days.
        Self { recall: 0.5, noise: 0.01, heard: false, with: 1.0, without: 1.0, falsely: 0.5, days: 50.0 }
    }
}

impl Class {
    /// Takes in a scan: the days since the one before, how many signals of the
    /// class came in them, how many of those are held to be false, and, if
    /// there was a change, the chance that one of them told it.
    pub(super) fn learn(&mut self, days: f64, falsely: f64, told: Option<f64>) {
        self.days += days;
        self.falsely += falsely;
        if let Some(told) = told {
            self.with += told;
            self.without += 1.0 - told;
        }
        self.recall = (self.with / (self.with + self.without)).clamp(0.001, 0.99);
        self.noise = (self.falsely / self.days).max(1e-5);
    }
}

/// A signal that came since the device was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) at: f64,
    pub(super) class: usize,
}

/// A signal that no scan has answered yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// Its kind.
    pub class: usize,
    /// In days.
    pub at: f64,
    /// Chance that it tells of a change, by itself.
    pub real: f64,
}

/// What has been heard of one device.
#[derive(Clone, Copy)]
pub(super) struct Ear<'a> {
    pub(super) heard: &'a [Heard],
    pub(super) classes: &'a [Class],
    /// Chance that a change gives no signal at all.
    pub(super) silence: f64,
}

impl<'a> Ear<'a> {
    pub(super) fn new(heard: &'a [Heard], classes: &'a [Class]) -> Self {
        let silence = classes.iter().filter(|class| class.heard).map(|class| 1.0 - class.recall).product();
        Self { heard, classes, silence }
    }
}
