//! Whom to read next, within the budget of the night. A night has several
//! rounds, because the first hits of a campaign change what is worth reading;
//! each call plans one round from all that is known by then. The same state
//! gives the same plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Outlook;
use super::budget::Budget;
use super::forecast::{Sisters, days_between};
use super::learner::{Learner, Look, Objective, Seen};
use super::rank::ago;
use super::scans::day_of;
use crate::model::device::{DeviceId, DeviceName};
use crate::model::finding::Ranking;
use crate::model::{Outcome, Plan, Reason, Scope, Target};

mod night;
mod purse;

pub use night::{Night, Seat, Why};
pub use purse::Purse;

/// The `[plan]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Sessions a night: a number, or a share of the fleet such as `"25%"`.
    pub budget: Budget,
    /// In how many rounds the budget is spent.
    pub rounds: u32,
    /// Requests and refused deploys are read beside the budget, this many a night at most.
    pub request_cap: u32,
    /// A device not read for this many nights is read whatever the forecast
    /// says. Where the budget is too small for that, the limit grows so that
    /// this costs a fifth of it at most.
    pub max_age_nights: u32,
    /// What sessions are spent for: freshness, age or delay.
    pub objective: Objective,
    /// Sessions that quiet nights save for campaigns, in nights' budgets; a
    /// night never uses more than its own budget and these. 0: every night for itself.
    pub surge_nights: f64,
    /// The share of the budget that is drawn at random, so that the forecasts
    /// can be judged fairly.
    pub sample_share: f64,
    /// Sessions a night at one site, and through one jump host; 0 means no limit.
    pub site_cap: u32,
    pub jump_cap: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            budget: Budget::Percent(25.0),
            rounds: 4,
            request_cap: 50,
            max_age_nights: 30,
            objective: Objective::Freshness,
            surge_nights: 10.0,
            sample_share: 0.02,
            site_cap: 0,
            jump_cap: 0,
        }
    }
}

/// All that a night's plan begins with.
#[derive(Clone, Debug)]
pub struct NightState {
    /// When the night began. The same in all its rounds.
    pub as_of: DateTime<Utc>,
    /// The live inventory, each device once.
    pub devices: Vec<Candidate>,
    /// What their history says, as of then. A device that it does not know is
    /// read like any other whose forecast is nothing.
    pub outlook: Outlook,
    /// Open requests, oldest first.
    pub requests: Vec<Request>,
    /// What earlier nights have left.
    pub purse: Purse,
}

/// A device that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub id: DeviceId,
    pub name: DeviceName,
    pub role: String,
    pub site: String,
    /// The jump host, if it is reached through one.
    pub jump: Option<String>,
    pub importance: f64,
    pub last_complete: Option<DateTime<Utc>>,
    /// The newest attempt, whatever it gave.
    pub last_attempt: Option<DateTime<Utc>>,
    /// Attempts that failed since the last complete one.
    pub failures: u32,
}

/// Somebody asked for a device, or a deploy to it was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub device_id: DeviceId,
    /// [`Reason::Requested`] or [`Reason::Conflict`].
    pub reason: Reason,
    pub why: String,
}

/// One reading of this night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub device_id: DeviceId,
    pub outcome: Outcome,
    /// Whether its facts differ from those of the last complete reading.
    pub changed: bool,
}

/// A night under way: give it a plan to carry out with [`Tonight::next_round`],
/// tell it what came of it with [`Tonight::done`], until there is none.
///
/// The order is: refused deploys and requests (beside the budget, with a cap
/// of their own), devices never read, devices over the maximum age or failing
/// for long, a few at random, then by what a session is worth. No device is
/// read twice in a night. A budget of the whole fleet reads everything in one
/// round. The same state and the same results give the same plans.
#[derive(Clone, Debug)]
pub struct Tonight {
    as_of: DateTime<Utc>,
    devices: Vec<Candidate>,
    /// By seat, the device's place in the learner.
    places: Vec<Option<usize>>,
    rankings: HashMap<DeviceId, Ranking>,
    learner: Learner,
    trusted: bool,
    requests: Vec<Request>,
    request_cap: usize,
    objective: Objective,
    night: Night,
    round: u32,
    /// By role: what this night found.
    found: BTreeMap<String, Sisters>,
}

impl Tonight {
    pub fn open(state: NightState, settings: &Settings) -> Self {
        let NightState { as_of, devices, outlook, requests, purse } = state;
        let seed = as_of.timestamp().unsigned_abs();
        let budget = settings.budget.sessions(devices.len()) as f64;
        let sites = numbered(devices.iter().map(|device| device.site.as_str()));
        let jumps = numbered(devices.iter().map(|device| device.jump.as_deref().unwrap_or_default()));
        let seats = devices
            .iter()
            .enumerate()
            .map(|(seat, device)| Seat {
                age: device.last_complete.map(|last| days_between(last, as_of).max(0.0)),
                importance: device.importance,
                waited: device.last_attempt.map(|last| days_between(last, as_of).max(0.0)),
                failures: device.failures,
                site: sites[seat],
                jump: jumps[seat],
            })
            .collect();
        let known: HashMap<DeviceId, usize> = outlook
            .forecasts
            .iter()
            .enumerate()
            .map(|(place, forecast)| (forecast.device_id, place))
            .collect();
        Self {
            as_of,
            places: devices.iter().map(|device| known.get(&device.id).copied()).collect(),
            rankings: outlook.rankings.into_iter().map(|ranking| (ranking.device_id, ranking)).collect(),
            trusted: outlook.learner.trusted(),
            learner: outlook.learner,
            requests,
            request_cap: settings.request_cap as usize,
            objective: settings.objective,
            night: Night::open(settings, purse.sound(), budget, seats, seed),
            round: 0,
            found: BTreeMap::new(),
            devices,
        }
    }

    /// Whether this night follows the forecast. If not, the forecasts of late
    /// were worse than one rate for the whole fleet, and the oldest snapshots
    /// are read first.
    pub fn follows_forecast(&self) -> bool {
        self.trusted
    }

    /// The next round, or `None` when the night is over.
    pub fn next_round(&mut self) -> Option<Plan> {
        let mut targets = if self.round == 0 { self.requested() } else { Vec::new() };
        let worth = self.worth();
        let chosen = self.night.next_round(&worth).unwrap_or_default();
        targets.extend(chosen.into_iter().map(|(seat, why)| self.chosen(seat, why)));
        if targets.is_empty() {
            return None;
        }
        self.round += 1;
        Some(Plan { round: self.round, targets })
    }

    /// What came of a round: first hits of a campaign change what is worth reading next.
    pub fn done(&mut self, done: &[Done]) {
        let t = day_of(self.as_of);
        for done in done.iter().filter(|done| done.outcome.is_complete()) {
            let Some(seat) = self.devices.iter().position(|device| device.id == done.device_id) else {
                continue;
            };
            let device = &self.devices[seat];
            // A first reading cannot find a change.
            if device.last_complete.is_none() {
                continue;
            }
            let role = self.found.entry(device.role.clone()).or_insert(Sisters { read: 0, changed: 0 });
            role.read += 1;
            role.changed += usize::from(done.changed);
            if let Some(place) = self.places[seat] {
                self.learner.observe(place, t, Seen::Changed(done.changed));
            }
        }
    }

    /// What the night leaves to the next one.
    pub fn close(self) -> Purse {
        self.night.close()
    }

    /// What a session on each device is worth now.
    fn worth(&mut self) -> Vec<f64> {
        let places: Vec<usize> = self.places.iter().flatten().copied().collect();
        let mut looks: Vec<Look> = Vec::with_capacity(places.len());
        self.learner.looks(&places, day_of(self.as_of), self.objective, &mut looks);
        let mut looks = looks.into_iter();
        self.places
            .iter()
            .zip(&self.devices)
            .map(|(place, device)| {
                let index = place.and_then(|_| looks.next()).map_or(0.0, |look| look.index);
                let age = device.last_complete.map_or(0.0, |last| days_between(last, self.as_of));
                let importance = if device.importance.is_finite() { device.importance.max(0.0) } else { 1.0 };
                // One failure: as likely as not that the next session fails too.
                let succeeds = 1.0 / (1.0 + f64::from(device.failures));
                (if self.trusted { index * importance } else { age }) * succeeds
            })
            .collect()
    }

    /// Refused deploys, then requests, oldest first. A night reads the whole
    /// device: that answers a request for any part of it, and spares a second session.
    fn requested(&mut self) -> Vec<Target> {
        let mut requests = std::mem::take(&mut self.requests);
        requests.sort_by_key(|request| request.reason != Reason::Conflict);
        let mut taken = BTreeSet::new();
        let mut targets = Vec::new();
        for request in requests {
            if targets.len() >= self.request_cap {
                break;
            }
            let Some(seat) = self.devices.iter().position(|device| device.id == request.device_id) else {
                continue;
            };
            if taken.insert(seat) {
                let reason =
                    if request.reason == Reason::Conflict { Reason::Conflict } else { Reason::Requested };
                self.night.take(seat);
                targets.push(self.target(seat, reason, request.why));
            }
        }
        targets
    }

    fn chosen(&self, seat: usize, why: Why) -> Target {
        match why {
            Why::New => self.target(seat, Reason::New, "never read".to_owned()),
            Why::Full => self.target(seat, Reason::Full, "the budget covers every device".to_owned()),
            Why::Due => self.target(seat, Reason::Due, self.why_due(&self.devices[seat])),
            Why::Sample => {
                let why = "drawn at random, to judge the forecasts fairly";
                self.target(seat, Reason::Sample, why.to_owned())
            }
            Why::Worth => self.target(seat, Reason::Predicted, self.why_predicted(seat)),
            Why::Surge => self.target(seat, Reason::Surge, self.why_predicted(seat)),
        }
    }

    fn why_due(&self, device: &Candidate) -> String {
        let nights =
            device.last_attempt.map_or(0, |last| days_between(last, self.as_of).max(0.0).round() as u32);
        match (device.failures, device.last_complete) {
            (0, _) | (_, None) => {
                let age = device.last_complete.map_or(0.0, |last| days_between(last, self.as_of));
                format!("not read for {} days, the limit is {}", age.round(), self.night.max_age().round())
            }
            (1, _) => format!("failed {nights} nights ago, tried again"),
            (n, _) => format!("failed {n} times, the last time {nights} nights ago, tried again"),
        }
    }

    fn why_predicted(&self, seat: usize) -> String {
        let device = &self.devices[seat];
        if !self.trusted {
            return "the oldest snapshot first: the forecasts of late were no better than a constant"
                .to_owned();
        }
        let ranking = self.rankings.get(&device.id);
        let campaign =
            self.places[seat].map_or(1.0, |place| self.learner.campaign(place, day_of(self.as_of)));
        match (self.found.get(&device.role), device.last_complete) {
            (Some(found), Some(last))
                if found.changed > 1 && (campaign > 1.2 || 2 * found.changed >= found.read) =>
            {
                format!("{} tonight; last read {}", found.told(&device.role), ago(self.as_of, last))
            }
            _ => ranking.map_or_else(
                || "no forecast, the budget had room".to_owned(),
                |ranking| ranking.reason.clone(),
            ),
        }
    }

    fn target(&self, seat: usize, reason: Reason, why: String) -> Target {
        let device = &self.devices[seat];
        Target {
            device_id: device.id,
            device: device.name.clone(),
            scope: Scope::Device,
            reason,
            why,
            p_change: self.rankings.get(&device.id).map(|ranking| ranking.p_change),
        }
    }
}

/// A number for each name; none for an empty one.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Option<u32>> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    names
        .map(|name| {
            let next = numbers.len() as u32;
            (!name.is_empty()).then(|| *numbers.entry(name).or_insert(next))
        })
        .collect()
}

#[cfg(test)]
mod tests;
