//! Nights played to their end: order, budget, back-off, campaigns, and that
//! the same state gives the same plan.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::model::finding::{Basis, Direction, Trend};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_279_200, 0).unwrap()
}

fn days_ago(days: f64) -> DateTime<Utc> {
    now() - TimeDelta::minutes((days * 1440.0) as i64)
}

fn candidate(id: DeviceId, age: Option<f64>) -> Candidate {
    Candidate {
        id,
        name: DeviceName::new(&format!("d{id:04}")).unwrap(),
        role: if id % 2 == 0 { "leaf" } else { "spine" }.to_owned(),
        importance: 1.0,
        last_complete: age.map(days_ago),
        last_attempt: age.map(days_ago),
        failures: 0,
    }
}

fn ranking(device: &Candidate, rate: f64) -> Ranking {
    let age = device.last_complete.map_or(30.0, |last| days_between(last, now()));
    let x = rate * age;
    Ranking {
        device_id: device.id,
        device: device.name.clone(),
        role: device.role.clone(),
        site: String::new(),
        p_change: 1.0 - (-x).exp(),
        p_drift: 0.5 * (1.0 - (-x).exp()),
        rate_per_30_days: rate * 30.0,
        rate_low: rate * 10.0,
        rate_high: rate * 60.0,
        median_days_to_next: None,
        last_good_scan: device.last_complete,
        score: (1.0 - (1.0 + x) * (-x).exp()) / rate,
        reason: "changes".to_owned(),
        basis: Basis::Data,
        trend: Trend { direction: Direction::Steady, p_rising: 0.5 },
        scans: 9,
        changed: 3,
    }
}

fn night(devices: Vec<Candidate>, rate: impl Fn(DeviceId) -> f64) -> NightState {
    let rankings = devices.iter().map(|device| ranking(device, rate(device.id))).collect();
    NightState { as_of: now(), devices, rankings, requests: Vec::new(), done: Vec::new(), round: 0 }
}

/// Carries out a whole night; `changed` says who has changed.
fn play(state: &mut NightState, settings: &Settings, changed: impl Fn(DeviceId) -> bool) -> Vec<Plan> {
    let mut plans = Vec::new();
    while let Some(plan) = next_round(state, settings) {
        state.done.extend(plan.targets.iter().map(|target| Done {
            device_id: target.device_id,
            reason: target.reason,
            outcome: Outcome::Complete,
            changed: changed(target.device_id),
        }));
        state.round = plan.round;
        plans.push(plan);
    }
    plans
}

fn settings(budget: &str) -> Settings {
    Settings { budget: budget.parse().unwrap(), ..Settings::default() }
}

fn ids(plan: &Plan) -> Vec<DeviceId> {
    plan.targets.iter().map(|target| target.device_id).collect()
}

#[test]
fn a_full_budget_reads_everything_once_in_one_round() {
    let mut devices: Vec<Candidate> = (0..5).map(|id| candidate(id, Some(1.0))).collect();
    devices[3] = Candidate { failures: 9, ..candidate(3, Some(1.0)) };
    devices[4] = candidate(4, None);
    let mut state = night(devices, |_| 0.1);
    state.requests.push(Request { device_id: 2, reason: Reason::Requested, why: "asked".to_owned() });
    let plans = play(&mut state, &settings("100%"), |_| false);
    assert_eq!(plans.len(), 1);
    let mut read = ids(&plans[0]);
    read.sort_unstable();
    assert_eq!(read, [0, 1, 2, 3, 4]);
    let reasons: Vec<Reason> = plans[0].targets.iter().map(|target| target.reason).collect();
    assert_eq!(reasons, [Reason::Requested, Reason::New, Reason::Full, Reason::Full, Reason::Full]);
    assert!(next_round(&night(Vec::new(), |_| 0.1), &settings("100%")).is_none());
}

#[test]
fn the_order_is_conflicts_requests_new_due_predicted() {
    let mut devices: Vec<Candidate> = (0..20).map(|id| candidate(id, Some(5.0))).collect();
    devices[7] = candidate(7, None);
    devices[8] = candidate(8, Some(400.0));
    let mut state = night(devices, |id| if id == 9 { 0.3 } else { 0.01 });
    for (device_id, reason) in [(3, Reason::Requested), (99, Reason::Requested), (4, Reason::Conflict)] {
        state.requests.push(Request { device_id, reason, why: "asked".to_owned() });
    }
    let plan = next_round(&state, &Settings { rounds: 1, ..settings("4") }).unwrap();
    assert_eq!(ids(&plan)[..5], [4, 3, 7, 8, 9]);
    assert_eq!(plan.targets.len(), 6); // Two requests beside the budget of four.
    assert_eq!(plan.targets[2].reason, Reason::New);
    assert_eq!(plan.targets[3].reason, Reason::Due);
    assert_eq!(plan.targets[3].why, "not read for 400 days, the limit is 30");
    assert_eq!(plan.targets[4].reason, Reason::Predicted);
}

#[test]
fn the_floor_costs_a_fifth_of_the_budget_at_most() {
    let devices: Vec<Candidate> = (0..100).map(|id| candidate(id, Some(200.0))).collect();
    let mut state = night(devices, |_| 0.05);
    let plans = play(&mut state, &settings("10"), |_| false);
    assert_eq!(plans.iter().map(|plan| plan.targets.len()).sum::<usize>(), 10);
    assert_eq!(state.done.iter().filter(|done| done.reason == Reason::Due).count(), 2);
    // 10 of 100 a night: the floor can afford each device once in 50 nights.
    let mut state = night((0..100).map(|id| candidate(id, Some(45.0))).collect(), |_| 0.05);
    play(&mut state, &settings("10"), |_| false);
    assert_eq!(state.done.iter().filter(|done| done.reason == Reason::Due).count(), 0);
}

#[test]
fn failing_devices_pause_and_come_back() {
    let read = |failures: u32, nights: f64| {
        let mut device = candidate(0, Some(20.0));
        device.failures = failures;
        device.last_attempt = Some(days_ago(nights));
        let state = night(vec![device, candidate(1, Some(1.0)), candidate(3, Some(1.0))], |_| 0.05);
        let plan = next_round(&state, &Settings { rounds: 1, ..settings("2") }).unwrap();
        plan.targets.iter().find(|target| target.device_id == 0).map(|target| target.reason)
    };
    assert_eq!(read(1, 0.9), Some(Reason::Predicted));
    assert_eq!(read(2, 1.0), None);
    assert_eq!(read(2, 2.0), Some(Reason::Predicted));
    assert_eq!(read(3, 3.0), None);
    assert_eq!(read(5, 7.0), None);
    assert_eq!(read(5, 8.1), Some(Reason::Due));
    assert_eq!(read(60, 8.0), Some(Reason::Due));
}

#[test]
fn first_hits_pull_in_the_rest_of_the_role() {
    // Everything looks alike but spines look a little better; tonight all leaves read have changed.
    let devices: Vec<Candidate> =
        (0..200).map(|id| candidate(id, Some(if id % 2 == 0 { 6.0 } else { 6.2 }))).collect();
    let mut state = night(devices, |_| 0.05);
    let leaves = |state: &NightState, from: usize| {
        let later = &state.done[from..];
        later.iter().filter(|done| done.device_id % 2 == 0).count() as f64 / later.len() as f64
    };
    // Some leaves were asked for and read before.
    state.requests = (0..20)
        .map(|n| Request { device_id: n * 2, reason: Reason::Requested, why: String::new() })
        .collect();
    play(&mut state, &settings("40"), |id| id % 2 == 0);
    assert!(leaves(&state, 30) > 0.99, "{}", leaves(&state, 30));
    let expected = Campaign::of(&[(0.3, 0.05, false); 10]);
    assert!(expected.factor < 1.0 && expected.hits == 0);
    assert!(Campaign::of(&[(0.3, 0.05, true); 10]).factor > 1.2);
    assert!(Campaign::of(&[(0.0, 0.0, true); 10]).factor.is_finite());
}

proptest! {
    #[test]
    fn no_budget_is_exceeded_and_no_device_read_twice(
        ages in prop::collection::vec((prop::option::of(0.0..300.0f64), 0u32..6, 0.0001..3.0f64), 0..60),
        asked in prop::collection::vec((0i64..70, any::<bool>()), 0..20),
        budget in 0u32..80, rounds in 0u32..6, request_cap in 0u32..10,
    ) {
        let devices: Vec<Candidate> = ages.iter().zip(0..).map(|((age, failures, _), id)| Candidate {
            failures: *failures, ..candidate(id, *age)
        }).collect();
        let mut state = night(devices, |id| ages[id as usize].2);
        state.requests = asked.iter().map(|(device_id, conflict)| Request {
            device_id: *device_id,
            reason: if *conflict { Reason::Conflict } else { Reason::Requested },
            why: String::new(),
        }).collect();
        let settings = Settings { budget: Budget::Sessions(budget), rounds, request_cap, ..Settings::default() };
        let again = state.clone();
        let plans = play(&mut state, &settings, |id| id % 3 == 0);
        prop_assert!(plans.len() <= rounds.max(1) as usize);
        let requested = state.done.iter().filter(|done| is_request(done.reason)).count();
        prop_assert!(requested <= request_cap as usize);
        prop_assert!(state.done.len() - requested <= budget as usize);
        let distinct: BTreeSet<DeviceId> = state.done.iter().map(|done| done.device_id).collect();
        prop_assert_eq!(distinct.len(), state.done.len());
        if budget as usize >= ages.len() {
            prop_assert_eq!(distinct.len(), ages.len());
        }
        let mut again = again;
        prop_assert_eq!(play(&mut again, &settings, |id| id % 3 == 0), plans);
    }
}
