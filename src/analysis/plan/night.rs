//! The sessions of one night: how many rounds, how many in each, and who. It
//! knows candidates by their place in a list and what a session on each is
//! worth; nothing of names, of sentences, or of how worth is found. The nightly
//! run and the backtest spend their sessions here.

use std::collections::HashMap;

use super::Settings;
use super::purse::{Purse, SURGE_PRICE};
use crate::analysis::dice::Dice;

/// A device that can be read tonight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seat {
    /// Nights since it was completely read; `None` if it never was.
    pub age: Option<f64>,
    /// How much it matters that it was not read: orders devices never read.
    pub importance: f64,
    /// Nights since the newest attempt, and how many failed since the last complete one.
    pub waited: Option<f64>,
    pub failures: u32,
    /// Numbers of its site and its jump host.
    pub site: Option<u32>,
    pub jump: Option<u32>,
}

/// Why a seat was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    New,
    Due,
    /// Drawn at random, so that the forecasts can be judged fairly.
    Sample,
    Worth,
    /// Beside the normal part of the night: it is worth far more than usual.
    Surge,
    Full,
}

/// A failing device is tried again after this many nights at the latest.
pub(super) const LONGEST_PAUSE: f64 = 8.0;
/// The share of a budget that the maximum age may cost.
const FLOOR: f64 = 0.2;
/// Surge rounds of a night at most, and of the reserve what one may take, with a least.
const SURGE_ROUNDS: u32 = 8;
const SURGE_PART: f64 = 0.25;
const SURGE_LEAST: usize = 4;

/// A night under way.
#[derive(Clone, Debug)]
pub struct Night {
    settings: Settings,
    purse: Purse,
    seats: Vec<Seat>,
    taken: Vec<bool>,
    /// Sessions a night on average.
    budget: f64,
    /// Sessions left of the normal part.
    left: usize,
    /// Sessions that the night may still use, whatever is saved.
    cap: usize,
    due_left: usize,
    sample_left: usize,
    max_age: f64,
    rounds: u32,
    surges: u32,
    full: bool,
    over: bool,
    per_site: HashMap<u32, u32>,
    per_jump: HashMap<u32, u32>,
    dice: Dice,
}

impl Night {
    /// `budget`: sessions a night on average. `seed` draws the random sample.
    pub fn open(settings: &Settings, mut purse: Purse, budget: f64, seats: Vec<Seat>, seed: u64) -> Self {
        let n = seats.len();
        let budget = if budget.is_finite() { budget.max(0.0) } else { 0.0 };
        // A budget of the whole fleet reads everything, and saves nothing.
        let full = n > 0 && budget >= n as f64 - 1e-9;
        let most = settings.surge_nights.max(0.0);
        let (normal, cap) = if full {
            (n, n)
        } else {
            let cap = ((budget * (1.0 + most)).ceil() as usize).min(n);
            let earned = purse.earn(budget, most, seats.iter().all(|seat| seat.age.is_some()));
            purse.carry += earned.saturating_sub(cap) as f64;
            (earned.min(cap), cap)
        };
        let rate = budget / (n.max(1) as f64);
        purse.sample += if full { 0.0 } else { settings.sample_share.clamp(0.0, 1.0) * budget };
        let sample_left = (purse.sample as usize).min(normal);
        purse.sample -= sample_left as f64;
        Self {
            purse,
            taken: vec![false; n],
            budget,
            left: normal,
            cap,
            // At most so many a night, and the limit grows to what they can hold.
            due_left: (FLOOR * budget).ceil() as usize,
            sample_left,
            max_age: f64::from(settings.max_age_nights).max(1.0 / (FLOOR * rate).max(1e-9)),
            rounds: 0,
            surges: 0,
            full,
            over: n == 0,
            per_site: HashMap::new(),
            per_jump: HashMap::new(),
            dice: Dice::new(seed),
            settings: settings.clone(),
            seats,
        }
    }

    /// The age over which a device is read whatever the forecast says, in nights.
    pub fn max_age(&self) -> f64 {
        self.max_age
    }

    /// A seat that is read beside the budget, or not at all tonight.
    pub fn take(&mut self, seat: usize) {
        self.taken[seat] = true;
    }

    /// The next round: seats with the reason for each, best first. `worth` is
    /// asked for what a session on each is worth now; what is no number counts
    /// as nothing. `None` when the night is over.
    pub fn next_round(&mut self, worth: &[f64]) -> Option<Vec<(usize, Why)>> {
        if self.over {
            return None;
        }
        let normal_rounds = if self.full { 1 } else { self.settings.rounds.max(1) };
        let mut order: Vec<usize> = (0..self.seats.len()).filter(|seat| self.open_seat(*seat)).collect();
        let of = |seat: usize| if worth[seat].is_finite() { worth[seat] } else { 0.0 };
        order.sort_by(|a, b| {
            let waited = |seat: usize| self.seats[seat].waited.unwrap_or(f64::INFINITY);
            of(*b).total_cmp(&of(*a)).then(waited(*b).total_cmp(&waited(*a))).then(a.cmp(b))
        });
        while self.rounds < normal_rounds {
            let rounds_left = (normal_rounds - self.rounds) as usize;
            self.rounds += 1;
            let quota = self.left.div_ceil(rounds_left).min(self.cap);
            let chosen = self.normal_round(&order, quota);
            if !chosen.is_empty() {
                self.left -= chosen.len();
                self.cap -= chosen.len();
                return Some(chosen);
            }
        }
        if let Some(best) = order.first().filter(|_| self.surges == 0) {
            // The first night has no price yet: its own leftover is the price.
            if self.purse.price.is_none() {
                self.purse.see(of(*best));
            }
            if !self.full {
                self.purse.wish(self.purse.price.is_some_and(|price| of(*best) >= SURGE_PRICE * price));
            }
        }
        if !self.full && self.surges < SURGE_ROUNDS {
            self.surges += 1;
            let chosen = self.surge_round(&order, &of);
            if !chosen.is_empty() {
                self.purse.reserve -= chosen.len() as f64;
                self.cap -= chosen.len();
                return Some(chosen);
            }
        }
        self.over = true;
        if let Some(best) = order.first().filter(|_| !self.full) {
            self.purse.see(of(*best));
        }
        None
    }

    /// What the night leaves to the next one.
    pub fn close(mut self) -> Purse {
        if !self.full {
            // Sessions that nobody was left for are not lost, up to a night's worth.
            self.purse.carry = (self.purse.carry + self.left as f64).min(self.budget.max(1.0));
        }
        self.purse
    }

    fn normal_round(&mut self, order: &[usize], quota: usize) -> Vec<(usize, Why)> {
        let mut chosen = Vec::new();
        let mut new: Vec<usize> = order.iter().copied().filter(|s| self.seats[*s].age.is_none()).collect();
        new.sort_by(|a, b| {
            let waited = |seat: usize| self.seats[seat].waited.unwrap_or(f64::INFINITY);
            let importance = |seat: usize| self.seats[seat].importance;
            waited(*b)
                .is_infinite()
                .cmp(&waited(*a).is_infinite())
                .then(importance(*b).total_cmp(&importance(*a)))
                .then(waited(*b).total_cmp(&waited(*a)))
                .then(a.cmp(b))
        });
        for seat in new {
            self.choose(&mut chosen, quota, seat, Why::New);
        }
        let mut due: Vec<usize> = order.iter().copied().filter(|seat| self.due(*seat)).collect();
        due.sort_by(|a, b| {
            let age = |seat: usize| self.seats[seat].age.unwrap_or(0.0);
            age(*b).total_cmp(&age(*a)).then(a.cmp(b))
        });
        for seat in due {
            if self.due_left == 0 {
                break;
            }
            if self.choose(&mut chosen, quota, seat, Why::Due) {
                self.due_left -= 1;
            }
        }
        while self.sample_left > 0 && !order.is_empty() {
            self.sample_left -= 1;
            let seat = order[self.dice.below(order.len())];
            self.choose(&mut chosen, quota, seat, Why::Sample);
        }
        let why = if self.full { Why::Full } else { Why::Worth };
        for seat in order {
            if chosen.len() >= quota {
                break;
            }
            self.choose(&mut chosen, quota, *seat, why);
        }
        chosen
    }

    fn surge_round(&mut self, order: &[usize], worth: &dyn Fn(usize) -> f64) -> Vec<(usize, Why)> {
        let mut chosen = Vec::new();
        let Some(price) = self.purse.price else { return chosen };
        let part = (SURGE_PART * self.purse.reserve) as usize + SURGE_LEAST;
        let quota = part.min(self.purse.reserve as usize).min(self.cap);
        for seat in order.iter().take_while(|seat| worth(**seat) >= SURGE_PRICE * price) {
            if chosen.len() >= quota {
                break;
            }
            self.choose(&mut chosen, quota, *seat, Why::Surge);
        }
        chosen
    }

    fn choose(&mut self, chosen: &mut Vec<(usize, Why)>, quota: usize, seat: usize, why: Why) -> bool {
        if chosen.len() >= quota || self.taken[seat] {
            return false;
        }
        let (site, jump) = (self.seats[seat].site, self.seats[seat].jump);
        let room = |cap: u32, used: &HashMap<u32, u32>, of: Option<u32>| {
            cap == 0 || of.is_none_or(|of| used.get(&of).copied().unwrap_or(0) < cap)
        };
        if !room(self.settings.site_cap, &self.per_site, site)
            || !room(self.settings.jump_cap, &self.per_jump, jump)
        {
            return false;
        }
        if let Some(site) = site {
            *self.per_site.entry(site).or_default() += 1;
        }
        if let Some(jump) = jump {
            *self.per_jump.entry(jump).or_default() += 1;
        }
        self.taken[seat] = true;
        chosen.push((seat, why));
        true
    }

    fn open_seat(&self, seat: usize) -> bool {
        !self.taken[seat] && (self.full || rested(&self.seats[seat]))
    }

    fn due(&self, seat: usize) -> bool {
        let seat = &self.seats[seat];
        let Some(age) = seat.age else { return false };
        age >= self.max_age - 0.5
            || (seat.failures > 0 && seat.waited.is_none_or(|nights| nights.round() >= LONGEST_PAUSE))
    }
}

/// Whether a failing device may be tried again: after 1, 2, 4, 8, 8, … nights.
fn rested(seat: &Seat) -> bool {
    if seat.failures == 0 {
        return true;
    }
    let pause = f64::from(seat.failures - 1).exp2().clamp(1.0, LONGEST_PAUSE);
    seat.waited.is_none_or(|nights| nights.round() >= pause)
}
