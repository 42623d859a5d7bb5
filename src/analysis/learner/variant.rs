//! One model of how a fleet changes: a posterior over each device's rate, in
//! operational time. Models differ in how fast they forget, whether groups of
//! devices change together, and whether a change brings others.

use super::Seen;
use super::hazard::{Days, Pace, REACH, Shape};
use super::signals::Ear;
use super::table::{Row, dot, gain_of, rates32, table, times};
use super::{Objective, Place, ROLE};
use crate::analysis::grid::{self, K};

/// What a model assumes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Assumes {
    /// Chance a day that a device's rate is drawn anew from its prior.
    pub(super) forget: f64,
    /// Shape of the factor that a group shares on a day; small means rare and violent.
    pub(super) together: Shape,
    /// Which grouping shares it.
    pub(super) level: usize,
    /// Whether a seen change makes the next days busier.
    pub(super) bursts: bool,
}

/// Ages since the last seen change, in days, at which the burst factor changes.
const AGES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// How many devices a group must have to count as much as what it belongs to.
const SHRINKAGE: f64 = 10.0;
/// Factors of weekdays and of bursts start as if so many changes had confirmed them.
const WEEK_STRENGTH: f64 = 20.0;
const BURST_STRENGTH: f64 = 10.0;
/// After a signal, a change to come is not waited for longer than this, in days.
const PATIENCE: f64 = 60.0;
/// Nights after which nothing more is forgotten: five in a hundred thousand are left then.
const MEMORY: i32 = 2400;
const LEAST: f32 = 1e-30;

/// What a model must know of a device's past besides its posterior.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// When it was last read.
    pub(super) last: f64,
    /// When a change was last seen; far in the past if never.
    pub(super) hit: f64,
    /// Whether there was any interval to learn from.
    pub(super) seen: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) assumes: Assumes,
    /// By finest group.
    prior: Vec<Row>,
    /// Likelihood of each device's rate, scaled so that Σ prior × likelihood = 1.
    like: Vec<Row>,
    /// Up to when each has been forgotten, and what is left after so many nights.
    forgotten: Vec<f64>,
    memory: Vec<f32>,
    /// Of each device, as it was after its last scan.
    pace: Vec<Pace>,
    days: Vec<Days>,
    /// By role, drawn to the week of the fleet: some roles have a day of their own.
    week: Vec<[f64; 7]>,
    week_sums: Vec<[(f64, f64); 7]>,
    /// The role of each group.
    role_of: Vec<usize>,
    burst: [f64; 8],
    burst_sums: [(f64, f64); 8],
}

/// What a model says of a device at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Opinion {
    pub(super) p: f64,
    pub(super) index: f64,
}

impl Variant {
    /// `role_of`: the role of each group of the level that the model looks at.
    pub(super) fn new(assumes: Assumes, devices: usize, kins: usize, role_of: &[usize], first: i64) -> Self {
        let roles = role_of.iter().max().map_or(0, |role| role + 1);
        Self {
            assumes,
            prior: vec![narrow(&grid::log_normal((1.0_f64 / 30.0).ln(), 1.5)); kins],
            like: vec![[1.0; K]; devices],
            forgotten: vec![first as f64; devices],
            memory: (0..MEMORY).map(|nights| (1.0 - assumes.forget).powi(nights) as f32).collect(),
            pace: vec![Pace::of(1.0 / 30.0); devices],
            days: vec![Days::new(first); role_of.len()],
            week: vec![[1.0; 7]; roles],
            week_sums: vec![[(0.0, 0.0); 7]; roles],
            role_of: role_of.to_vec(),
            burst: [1.0; 8],
            burst_sums: [(0.0, 0.0); 8],
        }
    }

    fn plain(&self) -> bool {
        self.assumes.together.is_none()
    }

    /// Brings operational time up to date.
    pub(super) fn settle(&mut self, t: f64) {
        if !self.plain() {
            for (days, role) in self.days.iter_mut().zip(&self.role_of) {
                days.settle(t.ceil() as i64, self.assumes.together, &self.week[*role]);
            }
        }
    }

    /// Ordinary days from the last reading to `t`.
    pub(super) fn time(&self, place: Place, past: &Past, t: f64) -> f64 {
        if self.plain() {
            return (t - past.last).max(0.0);
        }
        let from = past.last.max((t - REACH).floor());
        let days = &self.days[place.groups[self.assumes.level]];
        let pace = self.pace[place.device];
        let recent = if self.assumes.bursts {
            let (mut sum, mut low) = (0.0, from);
            for (bin, factor) in self.burst.iter().enumerate() {
                let end = AGES.get(bin).map_or(t, |age| (past.hit + age).min(t));
                if end > low {
                    sum += factor * (days.until(end, pace) - days.until(low, pace));
                    low = end;
                }
            }
            sum
        } else {
            days.until(t, pace) - days.until(from, pace)
        };
        (recent + (from - past.last)).max(0.0)
    }

    /// Factor on the hazard of the days to come: if more changes are about to
    /// come, a scan is worth less now than it will be then. Half of it, on the
    /// log scale, because it passes.
    fn ahead(&self, place: Place, past: &Past, t: f64) -> f64 {
        let mut factor = 1.0;
        if self.assumes.bursts {
            factor *= self.burst[bin(t - past.hit)].sqrt();
        }
        if !self.plain() {
            factor *= self.week[place.groups[ROLE]][(t.floor() as i64).rem_euclid(7) as usize].sqrt();
        }
        factor
    }

    /// Ordinary days that a day was worth to a device of late.
    fn speed(&self, place: Place) -> f64 {
        if self.plain() {
            return 1.0;
        }
        self.days[place.groups[self.assumes.level]].speed(self.pace[place.device])
    }

    /// Weights over the rates of the grid, moved from operational time to days on the calendar.
    pub(super) fn on_the_calendar(&self, place: Place, weights: &Row) -> Row {
        let steps = -self.speed(place).ln() / grid::log_step();
        let (whole, part) = (steps as usize, (steps - steps.floor()) as f32);
        let mut moved = [0.0; K];
        for (k, weight) in weights.iter().enumerate() {
            moved[k.saturating_sub(whole)] += weight * (1.0 - part);
            moved[k.saturating_sub(whole + 1)] += weight * part;
        }
        moved
    }

    /// How much of what was learnt of a device still holds.
    fn kept(&self, device: usize, t: f64) -> f32 {
        if self.assumes.forget <= 0.0 {
            return 1.0;
        }
        // Whole nights: a table instead of a power.
        let nights = (t - self.forgotten[device] + 0.5).max(0.0) as usize;
        self.memory[nights.min(self.memory.len() - 1)]
    }

    /// The posterior over the rates of the grid; it sums to 1.
    pub(super) fn weights(&self, place: Place, t: f64) -> Row {
        let kept = self.kept(place.device, t);
        let (prior, like) = (&self.prior[place.kin], &self.like[place.device]);
        std::array::from_fn(|k| prior[k] * (kept * like[k] + (1.0 - kept)))
    }

    /// The prior of a device's group.
    pub(super) fn prior(&self, place: Place) -> &Row {
        &self.prior[place.kin]
    }

    /// How often a change of this group and day gives signals of a class.
    fn recall(&self, place: Place, ear: Ear<'_>, heard: usize) -> (f32, f32) {
        let (signal, class) = (&ear.heard[heard], &ear.classes[ear.heard[heard].class]);
        let group = place.groups[self.assumes.level];
        let factor = self.days[group].factor(signal.at.floor() as i64, self.assumes.together);
        ((class.recall * factor) as f32, class.noise as f32)
    }

    /// What signals add to the hazard at each rate: -ln P(all of them are false).
    fn alarm(&self, place: Place, ear: Ear<'_>) -> Row {
        let (_, rates, _) = rates32();
        let mut row = [0.0; K];
        for heard in 0..ear.heard.len() {
            let (recall, noise) = self.recall(place, ear, heard);
            for k in 0..K {
                row[k] += (rates[k] * recall / noise).ln_1p();
            }
        }
        row
    }

    /// The chance that there was a change without a signal, and that each signal was real.
    pub(super) fn explain(&self, place: Place, past: &Past, t: f64, ear: Ear<'_>) -> (f64, Vec<f64>) {
        let table = table();
        let change = table.change(table.place(self.time(place, past, t) * ear.silence));
        let weights = self.weights(place, t);
        let (_, rates, _) = rates32();
        let unheard = dot(&weights, &change);
        let real = (0..ear.heard.len()).map(|heard| {
            let (recall, noise) = self.recall(place, ear, heard);
            let real = |k: usize| weights[k] * (rates[k] * recall) / (rates[k] * recall + noise);
            f64::from((0..K).map(real).sum::<f32>())
        });
        (f64::from(unheard), real.collect())
    }

    pub(super) fn look(
        &self,
        place: Place,
        past: &Past,
        t: f64,
        ear: Ear<'_>,
        objective: Objective,
    ) -> Opinion {
        let whole = self.time(place, past, t);
        let weights = self.weights(place, t);
        let opinion = |p: f64, index: f64| Opinion {
            p: p.clamp(1e-6, 1.0 - 1e-6),
            index: index / self.ahead(place, past, t),
        };
        if !ear.heard.is_empty() || objective != Objective::Freshness {
            let alarm = self.alarm(place, ear);
            let patience = if ear.heard.is_empty() { f64::INFINITY } else { PATIENCE };
            let (mut p, mut index) = (0.0, 0.0);
            for k in 0..K {
                let (rate, weight) = (grid::rates()[k], f64::from(weights[k]));
                let x = rate * whole * ear.silence + f64::from(alarm[k]);
                p += weight * -(-x).exp_m1();
                index += weight * objective.worth(x, (1.0 / rate).min(patience));
            }
            return opinion(p, index);
        }
        let table = table();
        let (change, gain) = table.both(table.place(whole * ear.silence));
        let (inverse, ..) = rates32();
        opinion(f64::from(dot(&weights, &change)), f64::from(dot(&times(&weights, inverse), &gain)))
    }

    /// Takes in a scan. Returns the probability that had been given to what it found.
    pub(super) fn observe(&mut self, place: Place, past: &Past, t: f64, seen: Seen, ear: Ear<'_>) -> f64 {
        let whole = self.time(place, past, t);
        let table = table();
        let mut change = table.change(table.place(whole * ear.silence));
        let weights = self.weights(place, t);
        // How well each rate explains what was heard, whatever the scan found.
        let mut tone: Row = [1.0; K];
        if ear.silence < 1.0 {
            let loud = table.change(table.place(whole * (1.0 - ear.silence)));
            tone = loud.map(|p| 1.0 - p);
        }
        if !ear.heard.is_empty() {
            let alarm = self.alarm(place, ear);
            for k in 0..K {
                change[k] = 1.0 - (1.0 - change[k]) * (-alarm[k]).exp();
                tone[k] *= alarm[k].exp().min(1e6);
            }
        }
        if !self.plain() {
            self.learn(&weights, place, past, t, seen);
        }
        let happened = if seen.changed() { change } else { change.map(|p| 1.0 - p) };
        let told: Row = match seen {
            Seen::Changed(_) => times(&happened, &tone),
            // Poisson, scaled to 1 at its top so that no power overflows.
            Seen::Counted(n) => {
                let n = f64::from(n);
                let top = if n > 0.0 { n * n.ln() - n } else { 0.0 };
                let x = |k: usize| grid::rates()[k] * whole.max(1e-4);
                std::array::from_fn(|k| (n * x(k).ln() - x(k) - top).exp() as f32)
            }
        };
        let posterior = times(&weights, &told);
        let sum = dot(&weights, &told).max(LEAST);
        let kept = self.kept(place.device, t);
        for (like, told) in self.like[place.device].iter_mut().zip(&told) {
            *like = ((kept * *like + (1.0 - kept)) * (told / sum)).max(LEAST);
        }
        self.forgotten[place.device] = t;
        if !self.plain() {
            let log = dot(&posterior, &rates32().2) / sum;
            self.pace[place.device] = Pace::of(f64::from(log).exp());
        }
        f64::from(dot(&weights, &happened).max(1e-12))
    }

    /// Gives the changes that a scan found, or did not, to the days it covers.
    fn learn(&mut self, weights: &Row, place: Place, past: &Past, t: f64, seen: Seen) {
        const CELLS: usize = REACH as usize + 2;
        let (_, rates, _) = rates32();
        let (group, role) = (place.groups[self.assumes.level], place.groups[ROLE]);
        let rate = f64::from(dot(weights, rates));
        let from = past.last.max((t - REACH).floor());
        let (first, end) = (from.floor() as i64, t.ceil() as i64);
        let mut total = (from - past.last) * rate;
        // Expected changes by day: at factor 1, and with it.
        let mut cells = [(0.0, 0.0); CELLS];
        let n = usize::try_from(end - first).unwrap_or(0).min(CELLS);
        for (cell, slot) in cells.iter_mut().enumerate().take(n) {
            let day = first.saturating_add_unsigned(cell as u64);
            let part = t.min(day as f64 + 1.0) - from.max(day as f64);
            let burst = if self.assumes.bursts { self.burst[bin(day as f64 - past.hit)] } else { 1.0 };
            let due = rate * part * burst * self.week[role][day.rem_euclid(7) as usize];
            *slot = (due, due * self.days[group].factor(day, self.assumes.together));
            total += slot.1;
        }
        let total = total.max(1e-12);
        let found = match seen {
            Seen::Changed(false) => 0.0,
            Seen::Changed(true) => total / -(-total).exp_m1(),
            Seen::Counted(n) => f64::from(n),
        };
        for (cell, (due, expected)) in cells.iter().enumerate().take(n) {
            let day = first.saturating_add_unsigned(cell as u64);
            let share = found * expected / total;
            let weekday = day.rem_euclid(7) as usize;
            self.week_sums[role][weekday].0 += share;
            // Without the factor of the day: a quiet weekend is the week's doing, not the day's.
            self.week_sums[role][weekday].1 += due / self.week[role][weekday];
            if self.assumes.bursts {
                let age = bin(day as f64 - past.hit);
                self.burst_sums[age].0 += share;
                self.burst_sums[age].1 += expected / self.burst[age];
            }
            self.days[group].learn(day, share, *due);
        }
    }

    /// Factors of the week and of bursts, from their sums.
    pub(super) fn refactor(&mut self) {
        if self.plain() {
            return;
        }
        let factor = |sums: (f64, f64), strength: f64| (strength + sums.0) / (strength + sums.1);
        let even = |week: [f64; 7]| {
            let mean = week.iter().sum::<f64>() / 7.0;
            week.map(|day| day / mean)
        };
        let fleet: [f64; 7] = even(std::array::from_fn(|day| {
            let seen = self.week_sums.iter().map(|role| role[day].0).sum();
            let due = self.week_sums.iter().map(|role| role[day].1).sum();
            factor((seen, due), WEEK_STRENGTH)
        }));
        for (week, sums) in self.week.iter_mut().zip(&self.week_sums) {
            let drawn =
                |day: usize| (WEEK_STRENGTH * fleet[day] + sums[day].0) / (WEEK_STRENGTH + sums[day].1);
            *week = even(std::array::from_fn(drawn));
        }
        if self.assumes.bursts {
            self.burst = self.burst_sums.map(|sums| factor(sums, BURST_STRENGTH));
        }
        self.days.iter_mut().for_each(Days::unsettle);
    }

    /// Fits the priors to the posteriors by EM: the mean log rate of the fleet,
    /// of each role shrunk to it, of each kin shrunk to its role, and the
    /// deviation within. `parents` has the role of each kin.
    pub(super) fn refit(&mut self, kins: &[usize], parents: &[usize], past: &[Past], t: f64, rounds: usize) {
        let seen: Vec<usize> = (0..past.len()).filter(|device| past[*device].seen).collect();
        if seen.len() < 2 {
            return;
        }
        let (.., logs) = rates32();
        let squares = times(logs, logs);
        for device in &seen {
            let kept = self.kept(*device, t);
            if kept < 1.0 {
                self.like[*device].iter_mut().for_each(|l| *l = kept * *l + (1.0 - kept));
                self.forgotten[*device] = t;
            }
        }
        let roles = parents.iter().max().map_or(0, |role| role + 1);
        for _ in 0..rounds {
            let mut moments = Vec::with_capacity(seen.len());
            let mut by_kin = vec![(0.0, 0.0); parents.len()];
            for device in &seen {
                let kin = kins[*device];
                let (prior, like) = (&self.prior[kin], &self.like[*device]);
                let weights = times(prior, like);
                let (whole, first, second) = (dot(prior, like), dot(&weights, logs), dot(&weights, &squares));
                let mean = f64::from(first / whole);
                moments.push((kin, mean, (f64::from(second / whole) - mean * mean).max(0.0)));
                by_kin[kin].0 += mean;
                by_kin[kin].1 += 1.0;
            }
            let n = moments.len() as f64;
            let fleet = by_kin.iter().map(|kin| kin.0).sum::<f64>() / n;
            let shrunk = |(sum, n): (f64, f64), towards: f64| (sum + SHRINKAGE * towards) / (n + SHRINKAGE);
            let mut by_role = vec![(0.0, 0.0); roles];
            for (kin, role) in by_kin.iter().zip(parents) {
                by_role[*role].0 += kin.0;
                by_role[*role].1 += kin.1;
            }
            let medians: Vec<f64> = by_kin
                .iter()
                .zip(parents)
                .map(|(kin, role)| {
                    let role = by_role[*role];
                    // A role that is one kin is not shrunk twice.
                    if role.1 > kin.1 { shrunk(*kin, shrunk(role, fleet)) } else { shrunk(role, fleet) }
                })
                .collect();
            let spread: f64 =
                moments.iter().map(|(kin, mean, variance)| variance + (mean - medians[*kin]).powi(2)).sum();
            let deviation = (spread / n).sqrt().clamp(0.3, 3.0);
            for (prior, median) in self.prior.iter_mut().zip(&medians) {
                *prior = narrow(&grid::log_normal(*median, deviation));
            }
        }
        for (like, kin) in self.like.iter_mut().zip(kins) {
            let prior = &self.prior[*kin];
            let whole = dot(prior, like).max(LEAST);
            for l in like {
                *l = (*l / whole).max(LEAST);
            }
        }
    }

    /// Operational time of the days to come, at the factors known now.
    pub(super) fn to_come(&self, place: Place, past: &Past, t: f64, days: f64) -> f64 {
        if self.plain() {
            return days;
        }
        let (mut sum, mut at) = (0.0, t);
        while at < t + days {
            let end = (at.floor() + 1.0).min(t + days);
            let burst = if self.assumes.bursts { self.burst[bin(at - past.hit)] } else { 1.0 };
            sum += (end - at)
                * burst
                * self.week[place.groups[ROLE]][(at.floor() as i64).rem_euclid(7) as usize];
            at = end;
        }
        sum * self.speed(place)
    }

    /// Factor of tonight for a group, from what was found on it.
    pub(super) fn tonight(&self, place: Place, t: f64) -> f64 {
        let day = (t - 1e-6).floor() as i64;
        self.days[place.groups[self.assumes.level]].factor(day, self.assumes.together)
    }
}

impl Objective {
    /// What a scan now is worth at one rate, in device-days (for `age` and
    /// `delay` days squared): `x` is the hazard since the last reading, `ahead`
    /// the mean time to the next change after now.
    pub(super) fn worth(self, x: f64, ahead: f64) -> f64 {
        match self {
            // Cho and Garcia-Molina: V = [1 - (1+x) e^-x] / θ.
            Self::Freshness => gain_of(x) * ahead,
            // τ²/2 + τ e^-x / θ - (1 - e^-x) / θ², with τ = x / θ.
            Self::Age => {
                let gain = if x < 1e-2 {
                    x * x * x * (1.0 / 3.0 - x / 8.0)
                } else {
                    x * x / 2.0 + x * (-x).exp() + (-x).exp_m1()
                };
                gain * ahead * ahead
            }
            // θ τ² / 2: the square-root rule.
            Self::Delay => x * x * ahead / 2.0,
        }
    }
}

fn bin(age: f64) -> usize {
    AGES.iter().take_while(|end| age >= **end).count()
}

fn narrow(weights: &grid::Weights) -> Row {
    weights.map(|weight| weight as f32)
}
