//! The truth of a replay: who changed when, and how long the last snapshot of
//! each device was false. Time is in days from the start of the window; a scan
//! of night `t` sees what happened before the end of day `t`.

use crate::analysis::dice::Dice;

/// A fleet and its history, known to the replay and to nobody else.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub name: String,
    pub nights: usize,
    /// Weekday of day 0, Monday is 0.
    pub first_weekday: u8,
    /// Day 0, in days since 1970; 0 for what has no date.
    pub start: f64,
    pub roles: Vec<String>,
    pub lives: Vec<Life>,
}

/// One device.
#[derive(Clone, Debug, Default)]
pub struct Life {
    pub name: String,
    pub role: usize,
    /// First night after which it can be scanned; it is read once at that moment.
    pub born: f64,
    /// When it came to be, perhaps long before the window.
    pub birth: f64,
    /// Infinite while it lives.
    pub died: f64,
    pub importance: f64,
    /// When it changed, ascending, all after `born`.
    pub changes: Vec<f64>,
    /// True or hindsight changes a day.
    pub rate: f64,
    /// When a noisy signal came, ascending.
    pub signals: Vec<f64>,
}

impl Life {
    pub fn alive(&self, night: f64) -> bool {
        self.born < night && self.died > night
    }
}

/// What kind of signals a replay adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signals {
    /// Each change gives one with this probability; so many false ones a device and day.
    Noisy { recall: f64, false_per_day: f64 },
    /// Noisy ones of other devices: they say nothing.
    Shuffled { recall: f64, false_per_day: f64 },
}

impl World {
    /// The same world with signals, the same for the same seed.
    #[must_use]
    pub fn with_signals(mut self, signals: Signals, seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x51);
        let (Signals::Noisy { recall, false_per_day } | Signals::Shuffled { recall, false_per_day }) =
            signals;
        let nights = self.nights as f64;
        let mut all: Vec<Vec<f64>> = self
            .lives
            .iter()
            .map(|life| {
                let mut times: Vec<f64> =
                    life.changes.iter().copied().filter(|_| dice.uniform() < recall).collect();
                times.extend((0..dice.poisson(false_per_day * nights)).map(|_| dice.between(0.0, nights)));
                times
            })
            .collect();
        if matches!(signals, Signals::Shuffled { .. }) {
            dice.shuffle(&mut all);
        }
        for (life, mut times) in self.lives.iter_mut().zip(all) {
            times.retain(|at| *at > life.born && *at < life.died);
            times.sort_by(f64::total_cmp);
            life.signals = times;
        }
        self
    }

    /// The first nights only.
    pub fn shorten(&mut self, nights: usize) {
        if nights < self.nights {
            self.nights = nights;
            let end = nights as f64;
            self.lives.retain(|life| life.born < end - 1.0);
            for life in &mut self.lives {
                life.changes.retain(|at| *at < end);
                life.signals.retain(|at| *at < end);
            }
        }
    }

    pub fn changes(&self) -> usize {
        self.lives.iter().map(|life| life.changes.len()).sum()
    }
}

/// The state of a replay: what was read when, and what it cost not to have looked.
pub(super) struct Replay<'a> {
    pub(super) world: &'a World,
    /// Night of the last scan of each device.
    pub(super) last: Vec<f64>,
    /// How many changes of each device had been seen by then.
    seen: Vec<usize>,
    /// Importance × stale time, by day.
    stale: Vec<f64>,
    /// Importance of the devices that lived, by day.
    lived: Vec<f64>,
    age: f64,
    delay: f64,
    detected: usize,
    sessions: usize,
    device_nights: usize,
    peak: f64,
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Share of device-time (weighed by importance) on which the last snapshot was true.
    pub freshness: f64,
    /// Mean days from a change to the scan that showed it.
    pub delay_days: f64,
    /// Mean time since the first unseen change, over all device-time, in days.
    pub age_days: f64,
    /// Sessions a device and night, on average and in the busiest night.
    pub sessions_share: f64,
    pub peak_share: f64,
    /// Share of device-time on which the last snapshot was false, by night.
    pub stale_by_night: Vec<f64>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let last: Vec<f64> = world.lives.iter().map(|life| life.born).collect();
        Self {
            seen: world
                .lives
                .iter()
                .map(|life| life.changes.partition_point(|at| *at <= life.born))
                .collect(),
            last,
            stale: vec![0.0; world.nights + 2],
            lived: vec![0.0; world.nights],
            age: 0.0,
            delay: 0.0,
            detected: 0,
            sessions: 0,
            device_nights: 0,
            peak: 0.0,
            world,
        }
    }

    /// Begins a night: who is there to be scanned.
    pub(super) fn night(&mut self, night: usize, alive: &mut Vec<usize>) {
        let t = night as f64;
        alive.clear();
        alive.extend((0..self.world.lives.len()).filter(|i| self.world.lives[*i].alive(t)));
        self.lived[night - 1] = alive.iter().map(|i| self.world.lives[*i].importance).sum();
        self.device_nights += alive.len();
    }

    /// Ends a night in which so many sessions were used.
    pub(super) fn close(&mut self, sessions: usize, alive: usize) {
        if alive > 0 {
            self.peak = self.peak.max(sessions as f64 / alive as f64);
        }
    }

    /// Whether the device changed since its last scan, which nobody may ask but the judge.
    pub(super) fn changed(&self, device: usize, t: f64) -> bool {
        self.world.lives[device].changes.get(self.seen[device]).is_some_and(|at| *at <= t)
    }

    /// How many of its changes have been seen.
    pub(super) fn seen(&self, device: usize) -> usize {
        self.seen[device]
    }

    /// Scans a device: whether it changed since its last scan.
    pub(super) fn scan(&mut self, device: usize, t: f64) -> bool {
        let life = &self.world.lives[device];
        let unseen = &life.changes[self.seen[device]..];
        let found = unseen.partition_point(|at| *at <= t);
        self.sessions += 1;
        self.last[device] = t;
        if found == 0 {
            return false;
        }
        let first = unseen[0];
        self.delay += unseen[..found].iter().map(|at| t - at).sum::<f64>();
        self.detected += found;
        self.seen[device] += found;
        self.add_stale(first, t, life.importance);
        true
    }

    fn add_stale(&mut self, from: f64, to: f64, weight: f64) {
        self.age += weight * (to - from).powi(2) / 2.0;
        let mut day = from.floor();
        while day < to {
            let part = to.min(day + 1.0) - from.max(day);
            if let Some(stale) = self.stale.get_mut(day as usize) {
                *stale += weight * part;
            }
            day += 1.0;
        }
    }

    /// What is unseen at the end counts as stale until then.
    pub(super) fn finish(mut self) -> Tally {
        let end = self.world.nights as f64;
        for device in 0..self.world.lives.len() {
            let life = &self.world.lives[device];
            let until = life.died.min(end);
            let unseen = &life.changes[self.seen[device]..];
            let unseen = &unseen[..unseen.partition_point(|at| *at < until)];
            if let Some(first) = unseen.first() {
                self.delay += unseen.iter().map(|at| until - at).sum::<f64>();
                self.detected += unseen.len();
                self.add_stale(*first, until, life.importance);
            }
        }
        let lived: f64 = self.lived.iter().sum();
        let stale: f64 = self.stale[..self.world.nights].iter().sum();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Tally {
            freshness: 1.0 - share(stale, lived),
            delay_days: share(self.delay, self.detected as f64),
            age_days: share(self.age, lived),
            sessions_share: share(self.sessions as f64, self.device_nights as f64),
            peak_share: self.peak,
            stale_by_night: (0..self.world.nights).map(|d| share(self.stale[d], self.lived[d])).collect(),
        }
    }
}
