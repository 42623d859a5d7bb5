//! The chance that a device has changed since it was read. Each device has a
//! posterior over its change rate; devices with little history borrow from
//! their role, and roles from the fleet (hierarchical empirical Bayes).
//!
//! The rate is taken as constant over the window. Season, campaigns and
//! signals stretch the days that go into `Evidence`; they belong to a later
//! step and change nothing here.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::frequency::Frequency;
use super::grid::{self, K, Weights};
use super::trend::{Halves, trend};
use crate::model::device::{DeviceId, DeviceName};
use crate::model::finding::{Basis, Trend};

/// The `[forecast]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Scans older than this many days are forgotten.
    pub window_days: u32,
    /// How far ahead the forecast for people looks, in days from now.
    pub horizon_days: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_days: 180, horizon_days: 7.0 }
    }
}

/// What a forecast must know of a device besides its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub id: DeviceId,
    pub name: DeviceName,
    /// Devices of one role are expected to be alike.
    pub role: String,
    pub site: String,
    /// How much a stale view of it costs, relative to others.
    pub importance: f64,
}

/// What history says about one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub device_id: DeviceId,
    /// Probability that the facts differ from the last complete snapshot by
    /// now. 1 for a device that was never read: nothing we hold is true of it.
    pub p_change: f64,
    /// The same, by now + horizon.
    pub p_change_ahead: f64,
    /// Probability of a change that leads to a drift, by now.
    pub p_drift: f64,
    /// Median, 5 % and 95 % quantile of the rate, in changes per day.
    pub rate: f64,
    pub rate_low: f64,
    pub rate_high: f64,
    /// Median days from any moment to the next change; `None` beyond ten years.
    pub median_days_to_next: Option<f64>,
    /// Posterior over the rates of [`grid::rates`].
    pub weights: Weights,
    /// Days since the last complete scan; `None` if there is none.
    pub age_days: Option<f64>,
    pub last_good_scan: Option<DateTime<Utc>>,
    pub basis: Basis,
    pub trend: Trend,
    pub scans: i64,
    pub changed: i64,
    /// Other devices of the role that have a history to judge by.
    pub peers: usize,
}

/// One forecast a subject, in their order. `history` may lack devices and may
/// hold others, which are not asked about and teach nothing.
pub fn forecast(
    subjects: &[Subject],
    history: &[Frequency],
    as_of: DateTime<Utc>,
    settings: &Settings,
) -> Vec<Forecast> {
    let history: HashMap<DeviceId, &Frequency> = history.iter().map(|row| (row.device_id, row)).collect();
    let rows: Vec<Option<&Frequency>> =
        subjects.iter().map(|subject| history.get(&subject.id).copied()).collect();
    // Of both halves of each device's time; the whole is their sum.
    let halves: Vec<Option<Halves>> = rows.iter().map(|row| row.and_then(Halves::of)).collect();
    let likelihoods: Vec<Option<Weights>> =
        halves.iter().map(|half| half.as_ref().map(Halves::whole)).collect();

    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for subject in subjects {
        let next = roles.len();
        roles.entry(&subject.role).or_insert(next);
    }
    let groups: Vec<usize> = subjects.iter().map(|subject| roles[subject.role.as_str()]).collect();
    let fit = Fit::of(&likelihoods, &groups, roles.len());
    let shares = drift_shares(&rows, &groups, roles.len());
    let mut peers = vec![0usize; roles.len()];
    for (likelihood, group) in likelihoods.iter().zip(&groups) {
        peers[*group] += usize::from(likelihood.is_some());
    }

    let mut forecasts = Vec::with_capacity(subjects.len());
    for (index, subject) in subjects.iter().enumerate() {
        let group = groups[index];
        let prior = &fit.priors[group];
        let weights =
            likelihoods[index].as_ref().map_or(*prior, |likelihood| grid::posterior(prior, likelihood));
        let row = rows[index];
        // A scan "in the future" (a clock was corrected) is one of this moment.
        let age_days = row.map(|row| days_between(row.last, as_of).max(0.0));
        let p_change = age_days.map_or(1.0, |age| grid::p_change(&weights, age));
        let ahead =
            age_days.map_or(1.0, |age| grid::p_change(&weights, age + settings.horizon_days.max(0.0)));
        let intervals = row.map_or(0, Frequency::intervals);
        forecasts.push(Forecast {
            device_id: subject.id,
            p_change,
            p_change_ahead: ahead,
            p_drift: p_change * shares[index],
            rate: grid::quantile(&weights, 0.5),
            rate_low: grid::quantile(&weights, 0.05),
            rate_high: grid::quantile(&weights, 0.95),
            median_days_to_next: grid::median_days(&weights),
            weights,
            age_days,
            last_good_scan: row.map(|row| row.last),
            basis: if intervals < 2 { Basis::Prior } else { Basis::Data },
            trend: trend(halves[index].as_ref(), prior),
            scans: row.map_or(0, |row| row.scans),
            changed: row.map_or(0, |row| row.changed),
            peers: peers[group] - usize::from(likelihoods[index].is_some()),
        });
    }
    forecasts
}

/// Days from one moment to a later one.
pub fn days_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds() as f64 / 86_400_000.0
}

/// The priors of all roles, fitted to the fleet's own history.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Mean log rate of the fleet, and of each role shrunk towards it.
    pub fleet: f64,
    pub roles: Vec<f64>,
    /// Deviation of log rates within a role.
    pub deviation: f64,
    pub priors: Vec<Weights>,
}

impl Fit {
    /// How many devices a role must have to count as much as the fleet does.
    const SHRINKAGE: f64 = 10.0;

    /// The fit before anything was seen: one change in 30 days, give or take.
    fn start(roles: usize) -> Self {
        let fleet = (1.0_f64 / 30.0).ln();
        Self {
            fleet,
            roles: vec![fleet; roles],
            deviation: 1.5,
            priors: vec![grid::log_normal(fleet, 1.5); roles],
        }
    }

    /// EM: given the priors, each device's mean and variance of the log rate;
    /// given those, the priors. `groups` has the role of each device.
    fn of(likelihoods: &[Option<Weights>], groups: &[usize], roles: usize) -> Self {
        const ROUNDS: usize = 30;
        let mut fit = Self::start(roles);
        // Exponentials once: what follows only multiplies.
        let scaled: Vec<(usize, Weights)> = likelihoods
            .iter()
            .zip(groups)
            .filter_map(|(likelihood, group)| Some((*group, scaled(likelihood.as_ref()?))))
            .collect();
        if scaled.is_empty() {
            return fit;
        }
        for _ in 0..ROUNDS {
            let next = fit.refit(&scaled);
            let moved = (next.fleet - fit.fleet).abs() + (next.deviation - fit.deviation).abs();
            fit = next;
            if moved < 1e-4 {
                break;
            }
        }
        fit
    }

    fn refit(&self, devices: &[(usize, Weights)]) -> Self {
        let logs = grid::rates().map(f64::ln);
        let moments: Vec<(usize, f64, f64)> = devices
            .iter()
            .map(|(group, likelihood)| {
                let prior = &self.priors[*group];
                let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
                for k in 0..K {
                    let weight = prior[k] * likelihood[k];
                    sum += weight;
                    first += weight * logs[k];
                    second += weight * logs[k] * logs[k];
                }
                let mean = first / sum;
                (*group, mean, (second / sum - mean * mean).max(0.0))
            })
            .collect();
        let n = moments.len() as f64;
        let fleet = moments.iter().map(|(_, mean, _)| mean).sum::<f64>() / n;
        let mut sums = vec![(0.0, 0.0); self.roles.len()];
        for (group, mean, _) in &moments {
            sums[*group].0 += mean;
            sums[*group].1 += 1.0;
        }
        let shrunk = |(sum, n): &(f64, f64)| (sum + Self::SHRINKAGE * fleet) / (n + Self::SHRINKAGE);
        let roles: Vec<f64> = sums.iter().map(shrunk).collect();
        let spread = moments
            .iter()
            .map(|(group, mean, variance)| variance + (mean - roles[*group]).powi(2))
            .sum::<f64>();
        let deviation = (spread / n).sqrt().clamp(0.3, 3.0);
        let priors = roles.iter().map(|m| grid::log_normal(*m, deviation)).collect();
        Self { fleet, roles, deviation, priors }
    }
}

/// A likelihood with its largest value at 1.
fn scaled(log_likelihood: &Weights) -> Weights {
    let top = log_likelihood.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top.is_finite() { log_likelihood.map(|l| (l - top).exp()) } else { [1.0; K] }
}

/// The share of each device's changes that led to a drift: a Beta mean, shrunk
/// to its role, and the role to the fleet. Without any change it is one half.
fn drift_shares(rows: &[Option<&Frequency>], groups: &[usize], roles: usize) -> Vec<f64> {
    // A device counts like this many changes of its role, a role like as many of the fleet.
    const STRENGTH: f64 = 4.0;
    let counts: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| row.map_or((0.0, 0.0), |row| (row.drifted as f64, row.changed as f64)))
        .collect();
    let mut by_role = vec![(0.0, 0.0); roles];
    for ((drifted, changed), group) in counts.iter().zip(groups) {
        by_role[*group].0 += drifted;
        by_role[*group].1 += changed;
    }
    let (drifted, changed) = by_role.iter().fold((0.0, 0.0), |sum, role| (sum.0 + role.0, sum.1 + role.1));
    let fleet = (drifted + 1.0) / (changed + 2.0);
    let shrunk = |own: (f64, f64), towards: f64| (own.0 + STRENGTH * towards) / (own.1 + STRENGTH);
    let by_role: Vec<f64> = by_role.into_iter().map(|role| shrunk(role, fleet)).collect();
    counts.into_iter().zip(groups).map(|(own, group)| shrunk(own, by_role[*group]).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests;
