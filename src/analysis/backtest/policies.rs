//! The policies that ours is compared with: what a session on a device is worth
//! to each of them, and what each believes of it.

use serde::{Deserialize, Serialize};

use super::world::World;
use crate::analysis::dice::Dice;

/// A way to choose whom to scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The oldest snapshot first.
    RoundRobin,
    Random,
    /// The most recently changed device first.
    LastChanged,
    /// At random, in proportion to the estimated rate.
    Proportional,
    /// The one that most probably has changed.
    HighestProbability,
    /// An interval of its own for each device: shorter after a change, longer after none.
    AdaptiveInterval,
    /// Cho and Garcia-Molina's bias-corrected rate; a fifth of the budget explores.
    Cho,
    /// The most likely rate; a fifth of the budget explores.
    Mle,
    /// Gamma prior fitted to the fleet.
    GammaPoisson,
    /// What driftcast does at night.
    Driftcast,
    /// Knows each device's true or hindsight rate, not its changes.
    Hindsight,
    /// Knows the changes.
    Clairvoyant,
}

impl Policy {
    pub const ALL: [Self; 12] = [
        Self::RoundRobin,
        Self::Random,
        Self::LastChanged,
        Self::Proportional,
        Self::HighestProbability,
        Self::AdaptiveInterval,
        Self::Cho,
        Self::Mle,
        Self::GammaPoisson,
        Self::Driftcast,
        Self::Hindsight,
        Self::Clairvoyant,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::Random => "random",
            Self::LastChanged => "last-changed",
            Self::Proportional => "proportional",
            Self::HighestProbability => "highest-probability",
            Self::AdaptiveInterval => "adaptive-interval",
            Self::Cho => "cho",
            Self::Mle => "mle",
            Self::GammaPoisson => "gamma-poisson",
            Self::Driftcast => "driftcast",
            Self::Hindsight => "hindsight",
            Self::Clairvoyant => "clairvoyant",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }

    /// The share of its sessions that goes to the oldest snapshots: point
    /// estimates starve devices without it.
    pub(super) fn explores(self) -> f64 {
        if matches!(self, Self::Cho | Self::Mle) { 0.2 } else { 0.0 }
    }
}

/// Rates of the grid of the maximum likelihood estimate.
const GRID: usize = 60;

/// What the simple policies keep of each device.
pub(super) struct Desk<'a> {
    policy: Policy,
    world: &'a World,
    dice: Dice,
    tie: Vec<f64>,
    /// Scans that found a change (or, for Gamma–Poisson, expected changes), scans, days.
    changed: Vec<f64>,
    scans: Vec<f64>,
    days: Vec<f64>,
    hit: Vec<f64>,
    interval: Vec<f64>,
    likelihood: Vec<[f64; GRID]>,
    grid: [f64; GRID],
    /// Shape and rate of the fitted Gamma.
    gamma: (f64, f64),
}

impl<'a> Desk<'a> {
    pub(super) fn new(policy: Policy, world: &'a World, seed: u64) -> Self {
        let n = world.lives.len();
        let mut dice = Dice::new(seed);
        let (low, high) = (1e-4_f64.ln(), 20.0_f64.ln());
        Self {
            policy,
            world,
            tie: (0..n).map(|_| dice.uniform()).collect(),
            dice,
            changed: vec![0.0; n],
            scans: vec![0.0; n],
            days: vec![0.0; n],
            hit: vec![f64::NEG_INFINITY; n],
            interval: vec![7.0; n],
            likelihood: if policy == Policy::Mle { vec![[0.0; GRID]; n] } else { Vec::new() },
            grid: std::array::from_fn(|k| (low + (high - low) * k as f64 / (GRID - 1) as f64).exp()),
            gamma: (0.5, 10.0),
        }
    }

    fn fleet(&self) -> f64 {
        (self.changed.iter().sum::<f64>() + 0.5) / (self.days.iter().sum::<f64>() + 10.0)
    }

    /// Once a night: what is the same for all devices.
    pub(super) fn open(&mut self) {
        if self.policy == Policy::GammaPoisson {
            let known = || (0..self.days.len()).filter(|i| self.days[*i] > 0.0);
            let (changed, days): (f64, f64) =
                known().fold((0.0, 0.0), |sum, i| (sum.0 + self.changed[i], sum.1 + self.days[i]));
            self.gamma = if known().count() < 20 || changed < 3.0 {
                (0.5, 0.5 / self.fleet())
            } else {
                let mean = changed / days;
                let spread: f64 = known()
                    .map(|i| (self.changed[i] - mean * self.days[i]).powi(2) - mean * self.days[i])
                    .sum();
                let squares: f64 = known().map(|i| self.days[i].powi(2)).sum();
                let variance = (spread / squares.max(1e-9)).max(mean * mean * 0.05);
                (mean * mean / variance, mean / variance)
            };
        }
    }

    /// The rate that a policy believes in, if it has one.
    fn rate(&self, device: usize, fleet: f64) -> Option<f64> {
        let (changed, scans, days) = (self.changed[device], self.scans[device], self.days[device]);
        match self.policy {
            Policy::Proportional | Policy::HighestProbability => Some((changed + 0.5) / (days + 0.5 / fleet)),
            Policy::Cho if scans > 0.0 => {
                Some(-((scans - changed + 0.5) / (scans + 0.5)).ln() * scans / days.max(1e-9))
            }
            Policy::Mle if scans > 0.0 => {
                let best = (0..GRID)
                    .max_by(|a, b| self.likelihood[device][*a].total_cmp(&self.likelihood[device][*b]));
                best.map(|k| self.grid[k])
            }
            Policy::Cho | Policy::Mle => Some(fleet),
            Policy::GammaPoisson => Some((self.gamma.0 + changed) / (self.gamma.1 + days)),
            Policy::Hindsight => Some(self.world.lives[device].rate),
            _ => None,
        }
    }

    /// Probability of a change since the last scan, for policies that have an opinion.
    pub(super) fn p(&self, device: usize, age: f64, fleet: f64) -> Option<f64> {
        self.rate(device, fleet).map(|rate| -(-rate * age).exp_m1())
    }

    /// What a session on a device is worth; only the order counts.
    pub(super) fn worth(&mut self, device: usize, t: f64, last: f64, seen: usize, fleet: f64) -> f64 {
        let life = &self.world.lives[device];
        let age = t - last;
        match self.policy {
            Policy::RoundRobin => age + self.tie[device] * 0.5,
            Policy::Random => self.dice.uniform(),
            Policy::LastChanged => {
                if self.hit[device] > 0.0 {
                    1e4 + self.hit[device] + age * 1e-3
                } else {
                    age * 1e-3
                }
            }
            Policy::Proportional => {
                // Keys of Efraimidis and Spirakis: the top of them is a weighted sample.
                let weight = life.importance * self.rate(device, fleet).unwrap_or(0.0);
                self.dice.uniform().max(1e-300).ln() / weight.max(1e-12)
            }
            Policy::HighestProbability => life.importance * self.p(device, age, fleet).unwrap_or(0.0),
            Policy::AdaptiveInterval => age / self.interval[device],
            Policy::Clairvoyant => {
                // Stale devices first, the one with the longest quiet time ahead before others.
                let unseen = &life.changes[seen..];
                let until = unseen.partition_point(|at| *at <= t);
                if until == 0 {
                    return 0.0;
                }
                let next = unseen.get(until).copied();
                life.importance * (next.unwrap_or(life.died.min(self.world.nights as f64 + 30.0)) - t)
            }
            _ => {
                let rate = self.rate(device, fleet).unwrap_or(0.0).max(1e-12);
                let x = rate * age;
                let gain =
                    if x < 1e-4 { x * x / 2.0 - x * x * x / 3.0 } else { 1.0 - (1.0 + x) * (-x).exp() };
                life.importance * gain / rate + 1e-9 * (age + self.tie[device] * 0.5)
            }
        }
    }

    pub(super) fn fleet_rate(&self) -> f64 {
        self.fleet()
    }

    pub(super) fn observe(&mut self, device: usize, t: f64, days: f64, changed: bool) {
        let hit = f64::from(u8::from(changed));
        self.changed[device] += match self.policy {
            Policy::GammaPoisson if changed => {
                let x = days * (self.gamma.0 + self.changed[device]) / (self.gamma.1 + self.days[device]);
                if x < 1e-6 { 1.0 } else { x / -(-x).exp_m1() }
            }
            _ => hit,
        };
        self.scans[device] += 1.0;
        self.days[device] += days;
        if changed {
            self.hit[device] = t;
        }
        let stretch = if changed { 0.8 } else { 1.4 };
        self.interval[device] = (self.interval[device] * stretch).clamp(0.5, 90.0);
        if let Some(likelihood) = self.likelihood.get_mut(device) {
            for (sum, rate) in likelihood.iter_mut().zip(&self.grid) {
                let x = rate * days;
                *sum += if changed { (-(-x).exp_m1()).max(1e-300).ln() } else { -x };
            }
        }
    }
}
