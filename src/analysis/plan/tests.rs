//! Nights played to their end: order, budget, back-off, campaigns, and that
//! the same state gives the same plan.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::analysis::forecast::Subject;
use crate::analysis::scans::Scan;

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
        site: String::new(),
        jump: None,
        importance: 1.0,
        last_complete: age.map(days_ago),
        last_attempt: age.map(days_ago),
        failures: 0,
    }
}

/// A night on which the history of each device speaks for a rate.
fn night(devices: Vec<Candidate>, rate: impl Fn(DeviceId) -> f64) -> NightState {
    let subjects: Vec<Subject> = devices
        .iter()
        .map(|device| Subject {
            id: device.id,
            name: device.name.clone(),
            role: device.role.clone(),
            platform: String::new(),
            site: String::new(),
            importance: device.importance,
        })
        .collect();
    let mut scans: Vec<Scan> = Vec::new();
    for (device, candidate) in devices.iter().enumerate() {
        let Some(last) = candidate.last_complete else { continue };
        // Half of twelve scans found a change, now one device and now another: the gap is the half-life.
        let gap = (0.7 / rate(candidate.id)).clamp(0.5, 40.0);
        scans.extend((0..=12_usize).map(|back| Scan {
            device: device as u32,
            t: day_of(last) - back as f64 * gap,
            changed: (back + device / 2).is_multiple_of(2) && gap < 40.0,
            opens: false,
            own: true,
        }));
    }
    scans.sort_by(|a, b| a.t.total_cmp(&b.t));
    let born = vec![0.0; devices.len()];
    let mut learner = crate::analysis::forecast::taught(&subjects, &scans, &[], &born, now());
    let none = vec![None; devices.len()];
    let settings = crate::analysis::forecast::Settings::default();
    let forecasts =
        crate::analysis::forecast::forecast(&subjects, &[], &mut learner, &none, now(), &settings);
    let rankings = crate::analysis::rank::rank(&subjects, &forecasts, now());
    let outlook = Outlook { frequencies: Vec::new(), forecasts, rankings, learner };
    NightState { as_of: now(), devices, outlook, requests: Vec::new(), purse: Purse::default() }
}

/// Carries out a whole night; `changed` says who has changed.
fn play(state: &NightState, settings: &Settings, changed: impl Fn(DeviceId) -> bool) -> (Vec<Plan>, Purse) {
    let mut plans = Vec::new();
    let mut tonight = Tonight::open(state.clone(), settings);
    while let Some(plan) = tonight.next_round() {
        let done: Vec<Done> = plan
            .targets
            .iter()
            .map(|target| Done {
                device_id: target.device_id,
                outcome: Outcome::Complete,
                changed: changed(target.device_id),
            })
            .collect();
        tonight.done(&done);
        plans.push(plan);
    }
    (plans, tonight.close())
}

fn reasons(plans: &[Plan]) -> Vec<Reason> {
    plans.iter().flat_map(|plan| plan.targets.iter().map(|target| target.reason)).collect()
}

fn settings(budget: &str) -> Settings {
    let budget = budget.parse().unwrap();
    Settings { budget, surge_nights: 0.0, sample_share: 0.0, ..Settings::default() }
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
    let (plans, purse) = play(&state, &settings("100%"), |_| false);
    assert_eq!((plans.len(), purse), (1, Purse::default()));
    let mut read = ids(&plans[0]);
    read.sort_unstable();
    assert_eq!(read, [0, 1, 2, 3, 4]);
    assert_eq!(reasons(&plans), [Reason::Requested, Reason::New, Reason::Full, Reason::Full, Reason::Full]);
    assert!(play(&night(Vec::new(), |_| 0.1), &settings("100%"), |_| false).0.is_empty());
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
    let plan = &play(&state, &Settings { rounds: 1, ..settings("4") }, |_| false).0[0];
    assert_eq!(ids(plan)[..5], [4, 3, 7, 8, 9]);
    assert_eq!(plan.targets.len(), 6); // Two requests beside the budget of four.
    assert_eq!(plan.targets[2].reason, Reason::New);
    assert_eq!(plan.targets[3].reason, Reason::Due);
    assert_eq!(plan.targets[3].why, "not read for 400 days, the limit is 30");
    assert_eq!(plan.targets[4].reason, Reason::Predicted);
}

#[test]
fn the_floor_costs_a_fifth_of_the_budget_at_most() {
    let due = |age: f64| {
        let state = night((0..100).map(|id| candidate(id, Some(age))).collect(), |_| 0.05);
        let found = reasons(&play(&state, &settings("10"), |_| false).0);
        assert_eq!(found.len(), 10);
        found.iter().filter(|reason| **reason == Reason::Due).count()
    };
    assert_eq!(due(200.0), 2);
    // 10 of 100 a night: the floor can afford each device once in 50 nights.
    assert_eq!(due(45.0), 0);
}

#[test]
fn failing_devices_pause_and_come_back() {
    let read = |failures: u32, nights: f64| {
        let mut device = candidate(0, Some(20.0));
        device.failures = failures;
        device.last_attempt = Some(days_ago(nights));
        let state = night(vec![device, candidate(1, Some(1.0)), candidate(3, Some(1.0))], |_| 0.05);
        let plan = play(&state, &Settings { rounds: 1, ..settings("2") }, |_| false).0.remove(0);
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
    let mut state = night(devices, |_| 0.02);
    // Some leaves were asked for and read before.
    state.requests = (0..20)
        .map(|n| Request { device_id: n * 2, reason: Reason::Requested, why: String::new() })
        .collect();
    let (plans, _) = play(&state, &settings("40"), |id| id % 2 == 0);
    let later: Vec<&Target> = plans[1..].iter().flat_map(|plan| &plan.targets).collect();
    assert!(later.len() >= 30 && later.iter().all(|target| target.device_id % 2 == 0));
    assert!(later[0].why.contains("sister leaves changed tonight; last read 6 days ago"), "{}", later[0].why);
}

#[test]
fn a_campaign_spends_what_quiet_nights_saved() {
    let devices: Vec<Candidate> = (0..100).map(|id| candidate(id, Some(1.0 + (id % 10) as f64))).collect();
    let mut state = night(devices, |_| 0.02);
    (state.purse.nights, state.purse.room) = (200, 56.0);
    let usual =
        Settings { sample_share: 0.0, ..Settings { budget: Budget::Sessions(10), ..Settings::default() } };
    let (plans, purse) = play(&state, &usual, |_| false);
    assert!(reasons(&plans).len() < 10 && purse.reserve > 4.0, "{purse:?}");
    // The same night with a full purse, and every leaf has changed.
    state.purse = Purse { reserve: 40.0, nights: 300, room: 80.0, price: purse.price, ..Purse::default() };
    let (plans, left) = play(&state, &usual, |id| id % 2 == 0);
    let surges = reasons(&plans).iter().filter(|reason| **reason == Reason::Surge).count();
    assert!(surges > 10 && left.reserve < 35.0, "{surges} {left:?}");
    // A purse that was tampered with counts as empty.
    state.purse = Purse { reserve: f64::NAN, ..purse };
    assert!(play(&state, &usual, |_| false).1.reserve.is_finite());
}

#[test]
fn sites_and_jump_hosts_are_spared() {
    let mut devices: Vec<Candidate> = (0..30).map(|id| candidate(id, Some(9.0))).collect();
    for device in &mut devices {
        device.site = if device.id < 25 { "fra" } else { "muc" }.to_owned();
        device.jump = (device.id >= 25).then(|| "gate".to_owned());
    }
    let state = night(devices, |_| 0.05);
    let polite = Settings { site_cap: 6, jump_cap: 2, ..settings("20") };
    let read: Vec<DeviceId> = play(&state, &polite, |_| false).0.iter().flat_map(ids).collect();
    assert_eq!(read.iter().filter(|id| **id < 25).count(), 6);
    assert_eq!(read.iter().filter(|id| **id >= 25).count(), 2);
}

#[test]
fn a_forecast_worse_than_a_constant_falls_back_to_the_oldest_first() {
    let devices: Vec<Candidate> = (0..40).map(|id| candidate(id, Some(1.0 + (id % 8) as f64))).collect();
    let mut state = night(devices, |_| 0.05);
    assert!(Tonight::open(state.clone(), &settings("10")).follows_forecast());
    // Half of the fleet changed every day and the other half never did, until it was the other way round.
    let members = vec![crate::analysis::learner::Member::default(); 40];
    let first = day_of(days_ago(12.0)).floor();
    let mut learner = Learner::new(&members, first as i64);
    (0..40).for_each(|device| learner.enter(device, first));
    for night in 1..=7_u32 {
        let t = first + f64::from(night);
        learner.settle(t);
        for device in 0..40 {
            learner.observe(device, t, Seen::Changed((device < 20) == (night < 6)));
        }
        learner.close_night(t);
        assert!(night != 5 || learner.trusted());
    }
    assert!(!learner.trusted(), "{}", learner.lead());
    state.outlook.learner = learner;
    let tonight = Tonight::open(state.clone(), &settings("10"));
    assert!(!tonight.follows_forecast());
    let (plans, _) = play(&state, &settings("10"), |_| false);
    let read: BTreeSet<DeviceId> = plans.iter().flat_map(ids).collect();
    assert_eq!(read, (0..40).filter(|id| id % 8 >= 6).collect());
    assert!(plans[0].targets[0].why.starts_with("the oldest snapshot first"), "{}", plans[0].targets[0].why);
}

proptest! {
    #[test]
    fn no_budget_is_exceeded_and_no_device_read_twice(
        ages in prop::collection::vec((prop::option::of(0.0..300.0f64), 0u32..6, 0.001..3.0f64), 0..40),
        asked in prop::collection::vec((0i64..50, any::<bool>()), 0..20),
        budget in 0u32..60, rounds in 0u32..6, request_cap in 0u32..10, reserve in 0.0..99.0f64,
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
        state.purse = Purse { reserve, nights: 50, ..Purse::default() };
        for surge_nights in [0.0, 1.0] {
            let settings = Settings {
                budget: Budget::Sessions(budget), rounds, request_cap, surge_nights, sample_share: 0.1,
                ..Settings::default()
            };
            let (plans, purse) = play(&state, &settings, |id| id % 3 == 0);
            prop_assert!(plans.len() <= rounds.max(1) as usize + 8);
            prop_assert!(purse.reserve >= 0.0 && purse.reserve.is_finite());
            let all: Vec<&Target> = plans.iter().flat_map(|plan| &plan.targets).collect();
            let asked = |reason| matches!(reason, Reason::Requested | Reason::Conflict);
            let requested = all.iter().filter(|target| asked(target.reason)).count();
            prop_assert!(requested <= request_cap as usize);
            let cap = (f64::from(budget) * (1.0 + surge_nights)).ceil() as usize;
            prop_assert!(all.len() - requested <= cap, "{} {cap}", all.len());
            let distinct: BTreeSet<DeviceId> = all.iter().map(|target| target.device_id).collect();
            prop_assert_eq!(distinct.len(), all.len());
            if budget as usize >= ages.len() {
                prop_assert_eq!(distinct.len(), ages.len());
            }
            prop_assert_eq!(play(&state, &settings, |id| id % 3 == 0).0, plans);
        }
    }
}
