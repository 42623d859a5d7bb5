//! Forecasts from end to end: what is stored becomes tomorrow's plan, chance
//! chooses what they are judged on, and a device that hangs holds up nobody.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use driftcast::analysis::Budget;
use driftcast::analysis::dice::Dice;
use driftcast::clock::Clock;
use driftcast::config::{Settings, Surroundings, load};
use driftcast::device::{DeviceError, Fetch, Fetching};
use driftcast::jobs::{self, Env, NightlyPlan, honesty, known, live_devices, nightly, plan_only};
use driftcast::model::device::DeviceId;
use driftcast::model::finding::Ranking;
use driftcast::model::{Device, Heard, LogSignal, Outcome, Reason, RunKind, Scope, SignalKind};
use driftcast::platform::Platform;
use driftcast::source::{read_devices, read_records_csv};
use driftcast::store::{DeviceResult, ScanRow, Store};
use serde_json::json;
use tokio::sync::Notify;

fn defaults() -> Settings {
    let nothing = |_: &str| None;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("driftcast.toml");
    std::fs::write(&file, "").unwrap();
    let around = Surroundings { file: Some(&file), folder: folder.path(), variable: &nothing, flags: &[] };
    load::<Settings>(&around).unwrap().settings
}

/// Nobody answers; the device `hang` only says so when all others have.
#[derive(Default)]
struct Silent {
    others: AtomicUsize,
    wanted: usize,
    enough: Notify,
}

impl Fetch for Silent {
    fn fetch<'a>(&'a self, device: &'a Device, _: &'static Platform, _: &'a Scope) -> Fetching<'a> {
        Box::pin(async move {
            if device.name.as_str() == "hang" {
                while self.others.load(Ordering::SeqCst) < self.wanted {
                    self.enough.notified().await;
                }
            } else {
                self.others.fetch_add(1, Ordering::SeqCst);
                self.enough.notify_one();
            }
            Err(DeviceError::ConnectTime { address: device.address.clone(), seconds: 1 })
        })
    }
}

struct Fleet {
    dir: tempfile::TempDir,
    now: DateTime<Utc>,
}

impl Fleet {
    fn new(csv: &str) -> Self {
        let fleet = Self {
            dir: tempfile::tempdir().unwrap(),
            now: DateTime::from_timestamp(1_772_000_000, 0).unwrap(),
        };
        let devices = read_devices(csv, "devices.csv").unwrap();
        fleet.store(|store| store.import_devices(&devices, "devices.csv", fleet.now, "ann", false).unwrap());
        fleet
    }

    fn env_with(&self, fetch: Silent, change: impl FnOnce(&mut Settings)) -> Env {
        let mut settings = defaults();
        change(&mut settings);
        let clock = Clock::fixed(self.now);
        Env::with_fetch(self.dir.path().join("data"), clock, Arc::new(settings), Arc::new(fetch)).unwrap()
    }

    fn env(&self) -> Env {
        self.env_with(Silent::default(), |_| ())
    }

    fn store<T>(&self, act: impl FnOnce(&Store) -> T) -> T {
        act(&self.env().store().unwrap())
    }

    fn ids(&self) -> Vec<(String, DeviceId)> {
        let devices = live_devices(&self.env()).unwrap();
        devices.into_iter().map(|(id, device)| (device.name.to_string(), id)).collect()
    }

    fn id(&self, name: &str) -> DeviceId {
        self.ids().into_iter().find(|(known, _)| known == name).unwrap().1
    }

    /// Where a device stands on the scan-next list, and why.
    fn place(&self, name: &str) -> (usize, Ranking) {
        let rankings = known(&self.env()).unwrap().rankings;
        let place = rankings.iter().position(|r| r.device.as_str() == name).unwrap();
        (place, rankings[place].clone())
    }

    fn plan(&self, budget: u32) -> NightlyPlan {
        let env = self.env_with(Silent::default(), |settings| settings.plan.rounds = 1);
        plan_only(&env, Budget::Sessions(budget)).unwrap()
    }
}

fn result(run: i64, device_id: DeviceId, at: DateTime<Utc>, reason: Reason, changed: bool) -> DeviceResult {
    DeviceResult::of(ScanRow {
        run,
        device_id,
        scope: Scope::Device,
        reason,
        started_at: at,
        took_ms: 900,
        outcome: Outcome::Complete,
        detail: None,
        lines: None,
        facts_digest: None,
        text_digest: None,
        observed_digest: None,
        capture_digest: None,
        changed,
        text_changed: changed,
    })
}

fn line(device_id: DeviceId, at: DateTime<Utc>) -> LogSignal {
    LogSignal { device_id, at, who: None, via: None, lines: 1 }
}

/// Two platforms with syslog: what `good-*` say is nearly always so, what `bad-*` say never means anything.
fn two_platforms() -> Fleet {
    let mut csv = String::from("name,address,platform,role\n");
    for n in 0..20 {
        let _ = writeln!(csv, "good-{n:02},192.0.2.{n},drivenets_dnos,leaf");
        let _ = writeln!(csv, "bad-{n:02},198.51.100.{n},cisco_iosxr,leaf");
    }
    let mut fleet = Fleet::new(&csv);
    let ids = fleet.ids();
    let mut dice = Dice::new(11);
    let mut heard = Vec::new();
    let store = fleet.env().store().unwrap();
    for night in 0..80_usize {
        let run = store.start_run(RunKind::Nightly, fleet.now, Some(10), &json!({})).unwrap();
        let mut results = Vec::new();
        for (place, (name, id)) in ids.iter().enumerate().filter(|(place, _)| place % 4 == night % 4) {
            let changed = night >= 4 && dice.uniform() < 0.12;
            let says = if name.starts_with("good") { changed } else { dice.uniform() < 0.12 };
            if night >= 4 && says {
                heard.push(line(*id, fleet.now - TimeDelta::hours(20)));
            }
            let at = fleet.now + TimeDelta::seconds(i64::try_from(place).unwrap());
            results.push(result(run, *id, at, Reason::Due, changed));
        }
        store.append(&results).unwrap();
        fleet.now += TimeDelta::days(1);
    }
    let counts = Heard { lines: heard.len() as u64, signals: heard.len() as u64, ..Heard::default() };
    store.append_signals(&heard, &counts, fleet.now).unwrap();
    drop(store);
    fleet
}

#[test]
fn a_signal_moves_a_device_up_as_far_as_its_platform_has_earned() {
    let fleet = two_platforms();
    let (good, bad) = ("good-05", "bad-05");
    let (before_good, before_bad) = (fleet.place(good), fleet.place(bad));
    let first = |plan: &NightlyPlan| plan.plan.targets[0].clone();
    assert_ne!(first(&fleet.plan(4)).device.as_str(), good);

    let at = fleet.now - TimeDelta::hours(3);
    let signals = [line(fleet.id(good), at), line(fleet.id(bad), at)];
    fleet.store(|store| store.append_signals(&signals, &Heard::default(), fleet.now).unwrap());
    let (after_good, after_bad) = (fleet.place(good), fleet.place(bad));
    assert_eq!(after_good.0, 0, "{:?}", after_good.1);
    assert!(after_good.1.p_change > 0.6 && after_good.1.p_change > 3.0 * before_good.1.p_change);
    let reason = &after_good.1.reason;
    assert!(reason.starts_with("its log said 3 hours ago that it was changed, a change with"), "{reason}");
    let target = first(&fleet.plan(4));
    assert_eq!((target.device.as_str(), target.reason, &target.why), (good, Reason::Predicted, reason));
    // The other platform's lines were noise, so one more is worth little: a few fell on changes by chance.
    let (with, without) = (after_bad.1.p_change, before_bad.1.p_change);
    assert!(
        with < 0.25 && with - without < (after_good.1.p_change - before_good.1.p_change) / 3.0,
        "{with} {without}"
    );

    // A signal replaces no scan: the device was last read when it was, and is not thought to be in step.
    assert_eq!(after_good.1.last_good_scan, before_good.1.last_good_scan);
    // A later scan answers it.
    let seen = result(999, fleet.id(good), fleet.now - TimeDelta::hours(1), Reason::Requested, true);
    fleet.store(|store| store.append(&[seen]).unwrap());
    assert!(!fleet.place(good).1.reason.contains("log said"));
}

#[test]
fn every_kind_of_hint_is_heard_and_a_stored_night_hears_its_own() {
    let fleet = two_platforms();
    let epoch = DateTime::UNIX_EPOCH;
    let (failed, deployed) = (fleet.id("good-01"), fleet.id("good-02"));
    let at = fleet.now - TimeDelta::hours(2);
    let run = fleet.store(|store| {
        let run = store.start_run(RunKind::Nightly, fleet.now, Some(10), &json!({})).unwrap();
        store.finish_run(run, fleet.now, "complete", &json!({})).unwrap();
        run
    });
    let before = fleet.store(|store| store.hints(epoch, None).unwrap());
    assert!(before.iter().all(|hint| hint.kind == SignalKind::Syslog) && before.len() > 40);
    let scope = Scope::Interface("ge100-0/0/1.7".to_owned());
    fleet.store(|store| store.ask(failed, &scope, Reason::Conflict, "the deploy was refused", at).unwrap());
    let csv = "device,kind,name,parent,encapsulation,outer,inner,tpid,l2,bundle,service_kind,service,neighbours,router_interface,admin,description,source\n\
               good-02,interface,ge100-0/0/1.8,,dot1q,8,,,true,,,,,,,,deployed\n\
               good-02,interface,ge100-0/0/1.9,,dot1q,9,,,true,,,,,,,,deployed\n\
               good-03,interface,ge100-0/0/1.9,,dot1q,9,,,true,,,,,,,,imported\n";
    let records = read_records_csv(csv, "records.csv").unwrap();
    let env = fleet.env();
    jobs::import_records(&env, &records, "tool", "deployed").unwrap();

    let hints = fleet.store(|store| store.hints(epoch, None).unwrap());
    let of = |kind: SignalKind| -> Vec<DeviceId> {
        hints.iter().filter(|hint| hint.kind == kind).map(|hint| hint.device).collect()
    };
    assert_eq!(of(SignalKind::FailedDeploy), [failed]);
    assert_eq!(of(SignalKind::Deploy), [deployed], "once a write, and not what was imported");
    assert_eq!(fleet.store(|store| store.hints(epoch, Some(run)).unwrap()), before);

    // Refused deploys are read beside the budget, and first.
    let plan = fleet.plan(4);
    assert_eq!((plan.plan.targets[0].device_id, plan.plan.targets[0].reason), (failed, Reason::Conflict));
    assert_eq!(plan.plan.targets.len(), 5);
}

#[test]
fn forecasts_are_judged_on_what_chance_chose() {
    let mut fleet =
        Fleet::new("name,address,platform\na,192.0.2.1,drivenets_dnos\nb,192.0.2.2,drivenets_dnos\n");
    assert_eq!(honesty(&fleet.env()).unwrap(), None);
    let (a, b) = (fleet.id("a"), fleet.id("b"));
    let store = fleet.env().store().unwrap();
    for night in 0..30 {
        let run = store.start_run(RunKind::Nightly, fleet.now, Some(2), &json!({})).unwrap();
        store.append_forecasts(run, &[(a, 0.9, 0.9), (b, 0.2, 0.2)]).unwrap();
        // What the plan chose always had changed; what chance chose, one time in five.
        let chosen = result(run, a, fleet.now, Reason::Predicted, true);
        let drawn = result(run, b, fleet.now + TimeDelta::seconds(1), Reason::Sample, night % 5 == 1);
        store.append(&[chosen, drawn]).unwrap();
        fleet.now += TimeDelta::days(1);
    }
    drop(store);
    let judged = honesty(&fleet.env()).unwrap().unwrap();
    // The first reading of a device is no test of a forecast.
    assert_eq!((judged.observations, judged.nights), (29, 29));
    assert!((judged.said - 0.2).abs() < 1e-9 && (judged.happened.value - 6.0 / 29.0).abs() < 1e-9);
    assert!(judged.calibration_error < 0.02);
    let (fleet_skill, own) = (judged.skill_fleet.unwrap(), judged.skill_own.unwrap());
    // One rate for both is far off for this one; its own rate is not.
    assert!(fleet_skill.value > 0.1 && own.value < fleet_skill.value && own.low.is_some(), "{judged:?}");
}

#[test]
fn a_device_that_hangs_holds_up_nobody() {
    let mut csv = String::from("name,address,platform,importance\nhang,192.0.2.200,drivenets_dnos,9\n");
    for n in 0..11 {
        let _ = writeln!(csv, "d{n:02},192.0.2.{n},drivenets_dnos,1");
    }
    let fleet = Fleet::new(&csv);
    // Nine sessions in three rounds; the first device of the first round waits for all other eight.
    let env = fleet.env_with(Silent { wanted: 8, ..Silent::default() }, |settings| settings.plan.rounds = 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let night =
        async { tokio::time::timeout(Duration::from_secs(120), nightly(&env, Budget::Sessions(9))).await };
    let done = runtime.block_on(night).expect("a round waited for the device that hangs").unwrap();
    assert_eq!(done.summary.sessions, 9);
    assert_eq!(done.summary.devices[&Outcome::Unreachable], 9);
    assert_eq!(done.summary.devices[&Outcome::NotDue], 3);
}
