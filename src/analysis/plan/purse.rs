//! Saved sessions. The budget is a mean: a night that has little to read saves
//! a part of it, and a night with a campaign spends what was saved.

use serde::{Deserialize, Serialize};

/// What goes from one night to the next. It begins empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Purse {
    /// Sessions saved for a surge.
    pub reserve: f64,
    /// Sessions due and not yet spent: parts of one, and what a night could not use.
    pub carry: f64,
    /// What the best session left undone was worth, over the last nights.
    pub price: Option<f64>,
    /// Sessions due for the random sample.
    pub sample: f64,
    /// Nights so far.
    pub nights: u32,
    /// Sessions that the reserve may hold: a small part of all that were due so far.
    pub room: f64,
    /// The share of the last nights that had a use for it.
    pub wanted: f64,
}

/// Of the budget, what a night saves as long as the reserve is not full.
const SAVED: f64 = 0.5;
/// What the reserve may hold grows by this part of each budget: what is unspent
/// in the end is a small part of all, and early nights have more to learn than
/// to save. A fleet that changes evenly has no use for a reserve, and grows it slowly.
const GROWTH: f64 = 0.028;
const LEAST_GROWTH: f64 = 0.01;
/// One night in so many that has a use for the reserve lets it grow at full speed.
const OFTEN: f64 = 10.0;
/// How slowly that share follows the nights.
const WANTED_KEPT: f64 = 0.95;
/// The price follows the nights this slowly, on the log scale.
const PRICE_KEPT: f64 = 0.95;
/// A session worth this many times the price is a surge.
pub(super) const SURGE_PRICE: f64 = 2.0;

impl Purse {
    /// Takes in a night's budget. Returns how many sessions the normal part of
    /// the night may use. `most`: nights' budgets that the reserve may hold. A
    /// night does not `save` while there are devices that nobody has read.
    pub(super) fn earn(&mut self, budget: f64, most: f64, save: bool) -> usize {
        self.nights = self.nights.saturating_add(1);
        let growth = LEAST_GROWTH + (GROWTH - LEAST_GROWTH) * (OFTEN * self.wanted).min(1.0);
        // Saved before the room was written down.
        if self.room <= 0.0 {
            self.room = self.reserve;
        }
        // A night that may not surge changes nothing for those that may.
        if most > 0.0 {
            self.room += growth * budget;
        }
        let full = self.room.min(most * budget).max(0.0);
        let saved = if save { (SAVED * budget).min(full - self.reserve).max(0.0) } else { 0.0 };
        self.reserve += saved;
        self.carry += budget - saved;
        // A fleet that shrank gives back what it saved as a larger one. A night
        // that may not surge leaves the reserve to others.
        if self.reserve > full && most > 0.0 {
            self.carry += self.reserve - full;
            self.reserve = full;
        }
        let normal = (self.carry + 1e-9).max(0.0) as usize;
        self.carry -= normal as f64;
        normal
    }

    /// Whether a night had something to read that was worth far more than usual.
    pub(super) fn wish(&mut self, wanted: bool) {
        self.wanted = WANTED_KEPT * self.wanted + (1.0 - WANTED_KEPT) * f64::from(u8::from(wanted));
    }

    /// What a night left undone at best.
    pub(super) fn see(&mut self, worth: f64) {
        if worth > 0.0 && worth.is_finite() {
            let before = self.price.unwrap_or(worth);
            self.price = Some((PRICE_KEPT * before.ln() + (1.0 - PRICE_KEPT) * worth.ln()).exp());
        }
    }

    /// Whether the numbers are numbers: a purse comes from a file.
    #[must_use]
    pub fn sound(self) -> Self {
        let sound = self.reserve.is_finite()
            && self.reserve >= 0.0
            && self.carry.is_finite()
            && self.sample.is_finite()
            && self.room.is_finite()
            && (0.0..=1.0).contains(&self.wanted)
            && self.price.is_none_or(|price| price.is_finite() && price > 0.0);
        if sound { self } else { Self::default() }
    }
}
