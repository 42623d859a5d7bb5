//! Whom to read next, within the budget of the night. A night has several
//! rounds, because the first hits of a campaign change what is worth reading;
//! each call plans one round from all that is known by then. The same state
//! gives the same plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::forecast::days_between;
use super::learner::Objective;
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

/// All that a night's plan depends on.
#[derive(Clone, Debug)]
pub struct NightState {
    /// When the night began. The same in all its rounds.
    pub as_of: DateTime<Utc>,
    /// The live inventory, each device once.
    pub devices: Vec<Candidate>,
    /// As they were at the start of the night.
    pub rankings: Vec<Ranking>,
    /// Open requests, oldest first. The same in all rounds.
    pub requests: Vec<Request>,
    /// Readings of this night so far.
    pub done: Vec<Done>,
    /// Rounds of this night so far.
    pub round: u32,
}

/// A device that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub id: DeviceId,
    pub name: DeviceName,
    pub role: String,
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
    /// Why it was in the plan.
    pub reason: Reason,
    pub outcome: Outcome,
    /// Whether its facts differ from those of the last complete reading.
    pub changed: bool,
}

/// The next round, or `None` when the night is over: the rounds or the budget
/// are spent, or nobody is left who is due.
///
/// The order is: refused deploys and requests (beside the budget, with a cap
/// of their own), devices never read, devices over the maximum age or failing
/// for long, then by what a session is worth. No device is read twice in a
/// night. A budget of the whole fleet reads everything in one round.
pub fn next_round(state: &NightState, settings: &Settings) -> Option<Plan> {
    let budget = settings.budget.sessions(state.devices.len());
    let full = budget >= state.devices.len();
    let rounds = if full { 1 } else { settings.rounds.max(1) };
    if state.round >= rounds {
        return None;
    }
    let night = Evening::of(state, settings, budget);

    let mut targets = night.requested(settings.request_cap as usize);
    let spent = state.done.iter().filter(|done| !is_request(done.reason)).count();
    let left = budget.saturating_sub(spent);
    let quota = if full { left } else { left.div_ceil((rounds - state.round) as usize) };
    let taken: BTreeSet<DeviceId> = targets.iter().map(|target| target.device_id).collect();
    targets.extend(night.chosen(&taken, quota, full));
    (!targets.is_empty()).then_some(Plan { round: state.round + 1, targets })
}

/// Whether a reading counts beside the budget.
fn is_request(reason: Reason) -> bool {
    matches!(reason, Reason::Requested | Reason::Conflict)
}

struct Evening<'a> {
    state: &'a NightState,
    devices: HashMap<DeviceId, &'a Candidate>,
    rankings: HashMap<DeviceId, &'a Ranking>,
    done: BTreeSet<DeviceId>,
    campaigns: BTreeMap<&'a str, Campaign>,
    /// In nights; grown to what the budget can afford.
    max_age: f64,
    /// How many devices over the maximum age this night reads at most.
    due_cap: usize,
}

impl<'a> Evening<'a> {
    fn of(state: &'a NightState, settings: &Settings, budget: usize) -> Self {
        // A fifth of the budget: in the long run it reads each device once in `affordable` nights.
        let due_cap = budget.div_ceil(5);
        let affordable = 5.0 * state.devices.len() as f64 / budget.max(1) as f64;
        Self {
            state,
            devices: state.devices.iter().map(|device| (device.id, device)).collect(),
            rankings: state.rankings.iter().map(|ranking| (ranking.device_id, ranking)).collect(),
            done: state.done.iter().map(|done| done.device_id).collect(),
            campaigns: Campaign::of_roles(state),
            max_age: f64::from(settings.max_age_nights).max(affordable),
            due_cap,
        }
    }

    /// Refused deploys, then requests, oldest first. A night reads the whole
    /// device: that answers a request for any part of it, and spares a second session.
    fn requested(&self, cap: usize) -> Vec<Target> {
        let used = self.state.done.iter().filter(|done| is_request(done.reason)).count();
        let mut requests: Vec<&Request> = self.state.requests.iter().collect();
        requests.sort_by_key(|request| request.reason != Reason::Conflict);
        let mut taken = self.done.clone();
        let mut targets = Vec::new();
        for request in requests {
            if targets.len() + used >= cap {
                break;
            }
            let Some(device) = self.devices.get(&request.device_id) else { continue };
            if taken.insert(device.id) {
                let reason =
                    if request.reason == Reason::Conflict { Reason::Conflict } else { Reason::Requested };
                targets.push(self.target(device, reason, request.why.clone()));
            }
        }
        targets
    }

    fn chosen(&self, taken: &BTreeSet<DeviceId>, quota: usize, full: bool) -> Vec<Target> {
        let mut due_left =
            self.due_cap.saturating_sub(self.state.done.iter().filter(|d| d.reason == Reason::Due).count());
        let mut entries: Vec<Entry<'_>> = self
            .state
            .devices
            .iter()
            .filter(|device| !self.done.contains(&device.id) && !taken.contains(&device.id))
            .filter(|device| full || self.rested(device))
            .map(|device| self.entry(device))
            .collect();
        entries.sort_by(Entry::order);
        // Over the cap, a due device has to compete like any other.
        for entry in entries.iter_mut().filter(|entry| entry.tier == Tier::Due) {
            if due_left == 0 {
                entry.tier = Tier::Predicted;
            }
            due_left = due_left.saturating_sub(1);
        }
        entries.sort_by(Entry::order);
        entries.truncate(quota);
        let target = |entry: &Entry<'_>| match (entry.tier, full) {
            (Tier::New, _) => self.target(entry.device, Reason::New, "never read".to_owned()),
            (_, true) => self.target(entry.device, Reason::Full, "the budget covers every device".to_owned()),
            (Tier::Due, _) => self.target(entry.device, Reason::Due, self.why_due(entry.device)),
            (Tier::Predicted, _) => {
                self.target(entry.device, Reason::Predicted, self.why_predicted(entry.device))
            }
        };
        entries.iter().map(target).collect()
    }

    fn entry(&self, device: &'a Candidate) -> Entry<'a> {
        let age = device.last_complete.map(|last| days_between(last, self.state.as_of));
        let waiting = self.waiting(device);
        let tier = match age {
            None => Tier::New,
            Some(age) if age >= self.max_age - 0.5 => Tier::Due,
            Some(_) if device.failures > 0 && waiting.is_none_or(|nights| nights >= LONGEST_PAUSE) => {
                Tier::Due
            }
            Some(_) => Tier::Predicted,
        };
        Entry {
            tier,
            waited: device.last_attempt.or(device.last_complete),
            score: self.score(device),
            device,
        }
    }

    /// What a session on it is worth tonight: the score of the ranking, raised
    /// by what was found on its role tonight, lowered by the chance that the
    /// session fails.
    fn score(&self, device: &Candidate) -> f64 {
        let Some(ranking) = self.rankings.get(&device.id) else { return 0.0 };
        let factor = self.campaigns.get(device.role.as_str()).map_or(1.0, |campaign| campaign.factor);
        let lift = lift(hazard(ranking), today(ranking, self.state.as_of), factor);
        // One failure: as likely as not that the next session fails too.
        let succeeds = 1.0 / (1.0 + f64::from(device.failures));
        let score = ranking.score * lift * succeeds;
        if score.is_finite() { score } else { 0.0 }
    }

    /// Nights since the newest attempt, to the nearest whole one.
    fn waiting(&self, device: &Candidate) -> Option<u32> {
        device.last_attempt.map(|last| days_between(last, self.state.as_of).max(0.0).round() as u32)
    }

    /// Whether a failing device may be tried again: after 1, 2, 4, 8, 8, … nights.
    fn rested(&self, device: &Candidate) -> bool {
        if device.failures == 0 {
            return true;
        }
        let pause = 1u32.checked_shl(device.failures - 1).unwrap_or(LONGEST_PAUSE).clamp(1, LONGEST_PAUSE);
        self.waiting(device).is_none_or(|nights| nights >= pause)
    }

    fn why_due(&self, device: &Candidate) -> String {
        let nights = self.waiting(device).unwrap_or(0);
        match (device.failures, device.last_complete) {
            (0, _) | (_, None) => {
                let age = device.last_complete.map_or(0.0, |last| days_between(last, self.state.as_of));
                format!("not read for {} days, the limit is {}", age.round(), self.max_age.round())
            }
            (1, _) => format!("failed {nights} nights ago, tried again"),
            (n, _) => format!("failed {n} times, the last time {nights} nights ago, tried again"),
        }
    }

    fn why_predicted(&self, device: &Candidate) -> String {
        let reason = self
            .rankings
            .get(&device.id)
            .map_or_else(|| "no forecast, the budget had room".to_owned(), |ranking| ranking.reason.clone());
        match self.campaigns.get(device.role.as_str()) {
            Some(Campaign { factor, hits, read }) if *factor > 1.2 && *hits > 1 => {
                format!("{reason}; {hits} of {read} of its role had changed tonight")
            }
            _ => reason,
        }
    }

    fn target(&self, device: &Candidate, reason: Reason, why: String) -> Target {
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

/// A failing device is tried again after this many nights at the latest.
const LONGEST_PAUSE: u32 = 8;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    New,
    Due,
    Predicted,
}

struct Entry<'a> {
    tier: Tier,
    /// The newest attempt: who waited longest comes first, never tried before anyone.
    waited: Option<DateTime<Utc>>,
    score: f64,
    device: &'a Candidate,
}

impl Entry<'_> {
    fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        let waited = a.waited.cmp(&b.waited);
        let score = b.score.total_cmp(&a.score);
        let within = match a.tier {
            Tier::Due => waited.then(score),
            Tier::New => b.device.importance.total_cmp(&a.device.importance).then(waited),
            Tier::Predicted => score.then(waited),
        };
        a.tier.cmp(&b.tier).then(within).then_with(|| a.device.name.cmp(&b.device.name))
    }
}

/// Accumulated hazard since the last reading: -ln P(no change).
fn hazard(ranking: &Ranking) -> f64 {
    -(1.0 - ranking.p_change.clamp(0.0, 1.0 - 1e-9)).ln()
}

/// The part of it that falls on today.
fn today(ranking: &Ranking, as_of: DateTime<Utc>) -> f64 {
    let age = ranking.last_good_scan.map_or(1.0, |last| days_between(last, as_of).max(0.0));
    (ranking.rate_per_30_days / 30.0 * age.min(1.0)).clamp(0.0, hazard(ranking))
}

/// By how much the worth of a session grows when today's hazard is `factor`
/// times what was expected: the index [1 - (1+u) e^-u] D at the new u and the old.
fn lift(hazard: f64, today: f64, factor: f64) -> f64 {
    let gain = |u: f64| 1.0 - (1.0 + u) * (-u).exp();
    let (old, new) = (gain(hazard), gain(hazard + (factor - 1.0) * today));
    if old > 1e-12 { new / old } else { 1.0 }
}

/// Tonight's factor on the hazard of one role: roles change together, in
/// campaigns. Its prior is a Gamma with mean 1 and shape [`Campaign::SHAPE`];
/// hits beyond what was expected raise it, misses lower it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Campaign {
    factor: f64,
    hits: u32,
    read: u32,
}

impl Campaign {
    /// As for a busy fleet; a fleet that changes in rare bursts would take 0.2.
    const SHAPE: f64 = 2.0;

    fn of_roles(state: &NightState) -> BTreeMap<&str, Self> {
        let roles: HashMap<DeviceId, &str> =
            state.devices.iter().map(|device| (device.id, device.role.as_str())).collect();
        let rankings: HashMap<DeviceId, &Ranking> =
            state.rankings.iter().map(|ranking| (ranking.device_id, ranking)).collect();
        let mut read: BTreeMap<&str, Vec<(f64, f64, bool)>> = BTreeMap::new();
        for done in state.done.iter().filter(|done| done.outcome.is_complete()) {
            let (Some(role), Some(ranking)) = (roles.get(&done.device_id), rankings.get(&done.device_id))
            else {
                continue;
            };
            // A first reading cannot find a change.
            if ranking.last_good_scan.is_some() {
                let seen = (hazard(ranking), today(ranking, state.as_of), done.changed);
                read.entry(role).or_default().push(seen);
            }
        }
        read.into_iter().map(|(role, read)| (role, Self::of(&read))).collect()
    }

    /// EM over (hazard, today's part of it, changed): of the changes found,
    /// the share that today's hazard explains counts for today.
    fn of(read: &[(f64, f64, bool)]) -> Self {
        let expected: f64 = read.iter().map(|(_, today, _)| today).sum();
        let mut factor = 1.0;
        for _ in 0..20 {
            let found: f64 = read
                .iter()
                .filter(|(hazard, today, changed)| *changed && *today > 0.0 && *hazard > 0.0)
                .map(|(hazard, today, _)| {
                    let total = hazard + (factor - 1.0) * today;
                    factor * today / -(-total).exp_m1()
                })
                .sum();
            factor = (Self::SHAPE + found) / (Self::SHAPE + expected);
        }
        let hits = read.iter().filter(|(_, _, changed)| *changed).count();
        Self { factor, hits: hits as u32, read: read.len() as u32 }
    }
}

#[cfg(test)]
mod tests;
