//! The chance that a device has changed since it was read. The stored scans
//! are told to a [`Learner`] in the order in which they happened, as the
//! backtest tells it simulated ones; what it then believes is put into the
//! numbers that people see.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::frequency::Frequency;
use super::grid::{self, Weights};
use super::learner::{Learner, Look, Member, Objective, Seen};
use super::scans::{Scan, day_of};
use super::trend::{Halves, trend};
use crate::model::SignalKind;
use crate::model::device::{DeviceId, DeviceName};
use crate::model::finding::{Basis, Trend};

/// The `[forecast]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Scans older than this many days are forgotten.
    pub window_days: u32,
    /// Imported history older than this many days is left out.
    pub imported_days: u32,
    /// How far ahead the forecast for people looks, in days from now.
    pub horizon_days: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_days: 180, imported_days: 1095, horizon_days: 7.0 }
    }
}

/// What a forecast must know of a device besides its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub id: DeviceId,
    pub name: DeviceName,
    /// Devices of one role are expected to be alike.
    pub role: String,
    pub platform: String,
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
    /// Days by which the next change has come with a chance of 5 % and of 95 %;
    /// `None` beyond ten years.
    pub next_low: Option<f64>,
    pub next_high: Option<f64>,
    /// Posterior over the rates of [`grid::rates`].
    pub weights: Weights,
    /// Days since the last complete scan; `None` if there is none.
    pub age_days: Option<f64>,
    pub last_good_scan: Option<DateTime<Utc>>,
    pub basis: Basis,
    pub trend: Trend,
    pub scans: i64,
    pub changed: i64,
    /// Changes that an imported history adds to these.
    pub imported: i64,
    /// How the rate moved over the last 30 days; see [`Frequency::slope_30_days`].
    pub slope_30_days: Option<f64>,
    /// Other devices of the role that have a history to judge by.
    pub peers: usize,
    /// The share of the estimate that comes from the device's own scans, from 0
    /// (all of it is the prior of devices like it) to 1.
    pub own: f64,
    /// What a session on it is worth, before importance.
    pub worth: f64,
    /// Devices of its role that were read in the last day, and how many of
    /// them had changed, where that raises its own chance.
    pub sisters: Option<Sisters>,
    /// The signal since it was read that is believed most; none that is hardly believed.
    pub hint: Option<Hint>,
}

/// Why a device may have changed although nobody looked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hint {
    pub kind: SignalKind,
    pub at: DateTime<Utc>,
    /// Chance that it tells of a change, from what scans found after others of
    /// its kind on the same platform.
    pub real: f64,
    /// All signals on the device since it was read, of whatever kind.
    pub signals: usize,
}

impl Hint {
    /// A signal with a smaller chance than this is no reason for anything.
    const LEAST: f64 = 0.15;

    fn of(learner: &Learner, device: usize, now: f64) -> Option<Self> {
        let signals = learner.signals(device, now);
        // Of equals the newest.
        let best = signals.iter().max_by(|a, b| a.real.total_cmp(&b.real).then(a.at.total_cmp(&b.at)))?;
        let kind = *SignalKind::ALL.get(best.class)?;
        let at = DateTime::from_timestamp_micros((best.at * 86_400e6).round() as i64)?;
        (best.real >= Self::LEAST).then_some(Self { kind, at, real: best.real, signals: signals.len() })
    }
}

/// What was found on devices of one role, not long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sisters {
    pub read: usize,
    pub changed: usize,
}

/// What was found on each subject's role within the day before `as_of`, where
/// two or more had changed; nothing for a subject that was read in it itself.
pub(super) fn sisters(subjects: &[Subject], scans: &[Scan], as_of: DateTime<Utc>) -> Vec<Option<Sisters>> {
    let since = day_of(as_of) - 1.0;
    let lately = &scans[scans.partition_point(|scan| scan.t < since)..];
    let mut by_role: HashMap<&str, Sisters> = HashMap::new();
    let mut read = vec![false; subjects.len()];
    // What an imported history stands for is nothing that we were told tonight.
    for scan in lately.iter().filter(|scan| scan.own) {
        let role = by_role.entry(&subjects[scan.place()].role).or_insert(Sisters { read: 0, changed: 0 });
        role.read += usize::from(!read[scan.place()]);
        role.changed += usize::from(scan.changed);
        read[scan.place()] = true;
    }
    subjects
        .iter()
        .zip(read)
        .map(|(subject, read)| {
            by_role.get(subject.role.as_str()).copied().filter(|role| !read && role.changed >= 2)
        })
        .collect()
}

/// Tells a learner the history of some devices: who they are, their scans by
/// time, and the signals on them (device, kind, day).
pub(super) fn taught(
    subjects: &[Subject],
    scans: &[Scan],
    signals: &[(usize, usize, f64)],
    born: &[f64],
    as_of: DateTime<Utc>,
) -> Learner {
    let now = day_of(as_of);
    let first = scans.first().map_or(now, |scan| scan.t).floor();
    let members: Vec<Member> = subjects
        .iter()
        .zip(born)
        .map(|(subject, born)| Member {
            role: subject.role.clone(),
            platform: subject.platform.clone(),
            site: subject.site.clone(),
            born: *born,
        })
        .collect();
    let mut learner = Learner::new(&members, first as i64);
    let mut entered = vec![false; subjects.len()];
    let mut heard = signals.iter().peekable();
    let mut day = first;
    for scan in scans {
        if scan.t.floor() > day {
            // A gap of any length is one night: there was nothing to learn from.
            learner.close_night(scan.t.floor());
            day = scan.t.floor();
            learner.settle(scan.t);
        }
        while let Some((device, kind, at)) = heard.next_if(|signal| signal.2 <= scan.t) {
            learner.signal(*device, *kind, *at);
        }
        // A scan whose time before nobody knows begins a history, and tells nothing yet.
        if entered[scan.place()] && !scan.opens {
            learner.observe(scan.place(), scan.t, Seen::Changed(scan.changed));
        } else {
            entered[scan.place()] = true;
            learner.enter(scan.place(), scan.t);
        }
    }
    for (device, kind, at) in heard.filter(|signal| signal.2 <= now) {
        learner.signal(*device, *kind, *at);
    }
    if !scans.is_empty() {
        learner.close_night(now);
    }
    learner.settle(now);
    learner
}

/// One forecast a subject, in their order. `learner` has been told their
/// history, in the same order; `history` counts it, and may lack devices and
/// hold others, which are not asked about. `sisters` has what was found on the
/// role of each subject lately.
pub(super) fn forecast(
    subjects: &[Subject],
    history: &[Frequency],
    learner: &mut Learner,
    sisters: &[Option<Sisters>],
    as_of: DateTime<Utc>,
    settings: &Settings,
) -> Vec<Forecast> {
    let history: HashMap<DeviceId, &Frequency> = history.iter().map(|row| (row.device_id, row)).collect();
    let rows: Vec<Option<&Frequency>> =
        subjects.iter().map(|subject| history.get(&subject.id).copied()).collect();
    // Of both halves of each device's time.
    let halves: Vec<Option<Halves>> = rows.iter().map(|row| row.and_then(Halves::of)).collect();

    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for subject in subjects {
        let next = roles.len();
        roles.entry(&subject.role).or_insert(next);
    }
    let groups: Vec<usize> = subjects.iter().map(|subject| roles[subject.role.as_str()]).collect();
    let shares = drift_shares(&rows, &groups, roles.len());
    let mut peers = vec![0usize; roles.len()];
    for (half, group) in halves.iter().zip(&groups) {
        peers[*group] += usize::from(half.is_some());
    }
    let now = day_of(as_of);
    let all: Vec<usize> = (0..subjects.len()).collect();
    let mut looks: Vec<Look> = Vec::with_capacity(all.len());
    learner.looks(&all, now, Objective::Freshness, &mut looks);

    let mut forecasts = Vec::with_capacity(subjects.len());
    for (index, subject) in subjects.iter().enumerate() {
        let row = rows[index];
        let weights = learner.weights(index, now);
        let prior = learner.prior(index);
        // A scan "in the future" (a clock was corrected) is one of this moment.
        let last = row.and_then(|row| row.last);
        let age_days = last.map(|last| days_between(last, as_of).max(0.0));
        // A device that was not read within the window has a scan, but no history.
        let known = age_days.is_some();
        let p_change = if known { looks[index].p } else { 1.0 };
        let ahead = if known { learner.p_within(index, now, settings.horizon_days.max(0.0)) } else { 1.0 };
        let intervals = row.map_or(0, Frequency::intervals);
        forecasts.push(Forecast {
            device_id: subject.id,
            p_change,
            p_change_ahead: ahead.max(p_change),
            p_drift: p_change * shares[index],
            rate: grid::quantile(&weights, 0.5),
            rate_low: grid::quantile(&weights, 0.05),
            rate_high: grid::quantile(&weights, 0.95),
            median_days_to_next: grid::median_days(&weights),
            next_low: grid::days_until(&weights, 0.05),
            next_high: grid::days_until(&weights, 0.95),
            own: if intervals == 0 { 0.0 } else { grid::own_share(&prior, &weights) },
            weights,
            age_days,
            last_good_scan: last,
            basis: if intervals < 2 { Basis::Prior } else { Basis::Data },
            trend: trend(halves[index].as_ref(), &prior),
            scans: row.map_or(0, |row| row.scans),
            changed: row.map_or(0, |row| row.changed),
            imported: row.map_or(0, |row| row.imported),
            slope_30_days: row.and_then(|row| row.slope_30_days),
            peers: peers[groups[index]] - usize::from(halves[index].is_some()),
            worth: if known { looks[index].index } else { grid::worth(&weights, None) },
            // Most of them say enough, whichever model had expected it.
            sisters: sisters[index]
                .filter(|found| 2 * found.changed > found.read || learner.campaign(index, now) > 1.2),
            hint: Hint::of(learner, index, now),
        });
    }
    forecasts
}

/// Days from one moment to a later one.
pub fn days_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_milliseconds() as f64 / 86_400_000.0
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
