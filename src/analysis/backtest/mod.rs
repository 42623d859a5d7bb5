//! Would it have helped? A change history is replayed night by night under a
//! budget: each policy chooses, the replay says what its scans would have
//! found, and the time that snapshots were false is added up. Ours is replayed
//! through the forecast and the plan that run at night.

mod fleets;
mod judge;
mod own;
mod policies;
mod trace;
mod world;

#[cfg(test)]
mod tests;

use serde::Serialize;

use super::learner::{Learner, Look, Member, Seen};
use super::plan::{self, Night, Purse, Seat};
use judge::Judge;
use policies::Desk;
use world::Replay;

pub use fleets::{NAMES as FLEETS, fleet};
pub use own::own;
pub use policies::Policy;
pub use trace::{History, Mended, histories, world};
pub use world::{Life, Signals, Tally, World};

/// The window of a trace: the two years with most changes.
pub const WINDOW: usize = 730;

/// One line of the answer: a source, a policy and a budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub source: String,
    pub policy: Policy,
    /// The synthetic signals of the replay, as typed.
    pub signals: Option<String>,
    /// Sessions a device and night.
    pub budget: f64,
    pub devices: usize,
    pub nights: usize,
    pub changes: usize,
    /// Share of device-time (weighed by importance) on which the last snapshot was true.
    pub freshness: f64,
    /// Device-days per 1,000 on which it was not.
    pub stale_per_1000: f64,
    /// The same of the last 30 nights, and of the 14 nights up to the 45th.
    pub stale_per_1000_last_30: f64,
    pub stale_per_1000_night_45: Option<f64>,
    pub delay_days: f64,
    pub age_days: f64,
    pub sessions_share: f64,
    pub peak_share: f64,
    /// The budget at which round robin would be as fresh.
    pub round_robin_equivalent: Option<f64>,
    pub ece: Option<f64>,
    pub logloss_skill: Option<f64>,
}

/// Replays one policy. Plan settings other than the budget count for ours only.
pub fn replay(world: &World, policy: Policy, budget: f64, settings: &plan::Settings, seed: u64) -> Line {
    let budget = if budget.is_finite() { budget.clamp(0.0, 1.0) } else { 0.0 };
    let (tally, mut judge) = match policy {
        Policy::Driftcast => ours(world, budget, settings, seed),
        _ => theirs(world, policy, budget, seed),
    };
    let per_1000 = |nights: &[f64]| {
        let sum: f64 = nights.iter().sum();
        if nights.is_empty() { 0.0 } else { 1000.0 * sum / nights.len() as f64 }
    };
    let nights = &tally.stale_by_night;
    Line {
        source: world.name.clone(),
        policy,
        signals: None,
        budget,
        devices: world.lives.len(),
        nights: world.nights,
        changes: world.changes(),
        freshness: tally.freshness,
        stale_per_1000: 1000.0 * (1.0 - tally.freshness),
        stale_per_1000_last_30: per_1000(&nights[nights.len().saturating_sub(30)..]),
        stale_per_1000_night_45: nights.get(31..45).map(per_1000),
        delay_days: tally.delay_days,
        age_days: tally.age_days,
        sessions_share: tally.sessions_share,
        peak_share: tally.peak_share,
        round_robin_equivalent: None,
        ece: judge.error(),
        logloss_skill: judge.skill(),
    }
}

/// How fresh round robin is at some budgets, to express any freshness as one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Yardstick(Vec<(f64, f64)>);

impl Yardstick {
    pub fn of(world: &World, seed: u64) -> Self {
        const BUDGETS: [f64; 13] = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.55, 0.75, 1.0];
        Self(
            BUDGETS
                .iter()
                .map(|budget| (*budget, theirs(world, Policy::RoundRobin, *budget, seed).0.freshness))
                .collect(),
        )
    }

    /// The budget, interpolated; the lowest or the highest beyond the ends.
    pub fn budget(&self, freshness: f64) -> f64 {
        let Some(above) = self.0.iter().position(|(_, fresh)| *fresh >= freshness) else { return 1.0 };
        let (budget, fresh) = self.0[above];
        let Some((low, low_fresh)) = above.checked_sub(1).map(|below| self.0[below]) else { return budget };
        if fresh > low_fresh {
            low + (budget - low) * (freshness - low_fresh) / (fresh - low_fresh)
        } else {
            budget
        }
    }
}

/// Nights of which the probabilities are not judged: a first sixth.
fn judged(world: &World, night: usize) -> bool {
    night > world.nights / 6
}

fn theirs(world: &World, policy: Policy, budget: f64, seed: u64) -> (Tally, Judge) {
    let mut replay = Replay::new(world);
    let mut judge = Judge::default();
    let mut desk = Desk::new(policy, world, seed);
    let (mut alive, mut carry) = (Vec::new(), 0.0);
    let mut order: Vec<(f64, usize)> = Vec::new();
    for night in 1..=world.nights {
        let t = night as f64;
        replay.night(night, &mut alive);
        carry += budget * alive.len() as f64;
        let sessions = (carry + 1e-9) as usize;
        carry -= sessions as f64;
        let sessions = sessions.min(alive.len());
        desk.open();
        let fleet = desk.fleet_rate();
        if judged(world, night) {
            for device in &alive {
                let age = t - replay.last[*device];
                if let Some(p) = desk.p(*device, age, fleet) {
                    judge.say(p, age, replay.changed(*device, t));
                }
            }
        }
        order.clear();
        for device in &alive {
            let seen = replay.seen(*device);
            order.push((desk.worth(*device, t, replay.last[*device], seen, fleet), *device));
        }
        let explore = (policy.explores() * sessions as f64).round() as usize;
        if explore > 0 {
            let mut oldest: Vec<usize> = (0..order.len()).collect();
            oldest.sort_by(|a, b| replay.last[order[*a].1].total_cmp(&replay.last[order[*b].1]));
            for place in oldest.into_iter().take(explore) {
                order[place].0 = f64::INFINITY;
            }
        }
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, device) in order.iter().take(sessions) {
            let days = t - replay.last[*device];
            let changed = replay.scan(*device, t);
            desk.observe(*device, t, days, changed);
            judge.observe(days, changed);
        }
        replay.close(sessions, alive.len());
    }
    (replay.finish(), judge)
}

fn ours(world: &World, budget: f64, settings: &plan::Settings, seed: u64) -> (Tally, Judge) {
    let mut replay = Replay::new(world);
    let mut judge = Judge::default();
    // Day 0 of the learner is the window's, shifted so that a week begins at a multiple of seven.
    let shift = f64::from(world.first_weekday);
    let members: Vec<Member> = world
        .lives
        .iter()
        .map(|life| Member {
            role: world.roles[life.role].clone(),
            born: life.birth + shift,
            ..Member::default()
        })
        .collect();
    let mut learner = Learner::new(&members, i64::from(world.first_weekday));
    for (device, life) in world.lives.iter().enumerate() {
        learner.enter(device, life.born + shift);
    }
    let mut heard = vec![0; world.lives.len()];
    let mut purse = Purse::default();
    let (mut alive, mut looks, mut worth) = (Vec::new(), Vec::new(), Vec::new());
    for night in 1..=world.nights {
        let t = night as f64;
        replay.night(night, &mut alive);
        for (device, life) in world.lives.iter().enumerate() {
            while let Some(at) = life.signals.get(heard[device]).filter(|at| **at <= t) {
                learner.signal(device, 0, at + shift);
                heard[device] += 1;
            }
        }
        let seats = alive
            .iter()
            .map(|device| {
                let age = t - replay.last[*device];
                let importance = world.lives[*device].importance;
                Seat { age: Some(age), waited: Some(age), importance, ..Seat::default() }
            })
            .collect();
        let sessions = budget * alive.len() as f64;
        let trusted = learner.trusted();
        let mut plan = Night::open(settings, purse, sessions, seats, seed ^ night as u64);
        let mut used = 0;
        let mut first = true;
        loop {
            learner.looks(&alive, t + shift, settings.objective, &mut looks);
            if first && judged(world, night) {
                for (device, look) in alive.iter().zip(&looks) {
                    judge.say(look.p, t - replay.last[*device], replay.changed(*device, t));
                }
            }
            first = false;
            worth.clear();
            worth.extend(alive.iter().zip(&looks).map(|(device, look): (&usize, &Look)| {
                let importance = world.lives[*device].importance;
                if trusted { look.index * importance } else { t - replay.last[*device] }
            }));
            let Some(round) = plan.next_round(&worth) else { break };
            used += round.len();
            for (seat, _) in round {
                let device = alive[seat];
                let days = t - replay.last[device];
                let changed = replay.scan(device, t);
                learner.observe(device, t + shift, Seen::Changed(changed));
                judge.observe(days, changed);
            }
        }
        purse = plan.close();
        replay.close(used, alive.len());
        learner.close_night(t + shift);
    }
    (replay.finish(), judge)
}
