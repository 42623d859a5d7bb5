//! What the report of a large fleet weighs, from the database to the disk. Not
//! run by default: the made-up history alone takes a while.
//! `cargo test --test it weight -- --ignored --nocapture`

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a measurement may panic, and tells")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use driftcast::clock::Clock;
use driftcast::config::{Settings, Surroundings, load};
use driftcast::jobs::{Env, render_again};
use driftcast::model::change::ChangeKind;
use driftcast::model::{
    Cause, Change, Device, DeviceName, DriftClass, DriftId, DriftStep, Fact, FactKey, Interface, Kind,
    LineCounts, Outcome, Reason, RunKind, Scope, Step,
};
use driftcast::store::{DeviceResult, ScanRow, Store};
use serde_json::json;

const DEVICES: i64 = 5_000;
const NIGHTS: i64 = 180;
const DRIFTS: i64 = 2_000;
/// Sessions a night.
const BUDGET: i64 = 500;

fn night(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000 + n * 86_400, 0).unwrap()
}

fn device(i: i64) -> Device {
    Device {
        name: DeviceName::new(&format!("leaf-{i:04}")).unwrap(),
        address: format!("10.{}.{}.1", i / 250, i % 250),
        port: 22,
        platform: "drivenets_dnos".into(),
        role: if i % 10 == 0 { "spine" } else { "leaf" }.into(),
        site: format!("site{:02}", i % 40),
        importance: 1.0,
        tags: vec![],
        jump: None,
        credential: None,
    }
}

fn key(i: i64) -> FactKey {
    FactKey::new(Kind::Interface, format!("ge100-0/0/{}.{}", i % 36, i % 4_000))
}

/// Every tenth device changes about once a week, the others hardly ever.
fn reading(run: i64, n: i64, i: i64) -> DeviceResult {
    let first = n < DEVICES / BUDGET;
    let every = if i % 10 == 0 { 3 } else { 40 };
    let changed = !first && (i * 7 + n) % every == 0;
    let scan = ScanRow {
        run,
        device_id: i,
        scope: Scope::Device,
        reason: Reason::Due,
        started_at: night(n),
        took_ms: 4_200,
        outcome: if (i + n) % 97 == 0 { Outcome::Timeout } else { Outcome::Complete },
        detail: None,
        lines: first.then_some(LineCounts { read: 400, ignored: 1_600, unread: 0 }),
        facts_digest: None,
        text_digest: None,
        observed_digest: None,
        capture_digest: None,
        changed,
        text_changed: changed,
    };
    let opened = DRIFTS * n / NIGHTS;
    let newest = DRIFTS * (n + 1) / NIGHTS;
    let drift = changed && i % (DEVICES / 700) == 0;
    let mut result = DeviceResult::of(scan);
    if result.scan.outcome != Outcome::Complete {
        result.scan.changed = false;
        return result;
    }
    if first {
        result.opened = (0..30).map(|k| Fact::Interface(Interface::named(key(i + k).key))).collect();
    }
    if changed {
        let who = (i % 3 == 0).then(|| "visaev".to_owned());
        result.changes = (0..3)
            .map(|k| Change {
                key: key(i + k),
                kind: ChangeKind::Modified,
                fields: vec!["service".into()],
                after: night(n - 9),
                until: night(n),
                via: who.as_ref().map(|_| "cli".to_owned()),
                who: who.clone(),
            })
            .collect();
    }
    if drift {
        result.drift_steps = (opened..newest)
            .map(|d| DriftStep {
                id: DriftId::of(d, &key(d)),
                step: Step::Opened,
                key: key(d),
                class: DriftClass::ALL[(d % 3) as usize],
                fields: vec!["service".into()],
                cause: Cause::Unknown,
                record: Some(json!({ "name": key(d).key })),
                fact: Some(json!({ "name": key(d).key })),
                when: night(n),
            })
            .collect();
    }
    result
}

fn made_up(dir: &std::path::Path) {
    let store = Store::open(dir, Duration::from_secs(5)).unwrap();
    let devices: Vec<Device> = (1..=DEVICES).map(device).collect();
    store.import_devices(&devices, "devices.csv", night(-1), "ann", false).unwrap();
    let mut open = 0;
    for n in 0..NIGHTS {
        let run = store.start_run(RunKind::Nightly, night(n), Some(BUDGET), &json!(null)).unwrap();
        let all: Vec<(i64, f64, f64)> = (1..=DEVICES).map(|i| (i, 0.02, 0.01)).collect();
        store.append_forecasts(run, &all).unwrap();
        let mut results: Vec<DeviceResult> =
            (0..BUDGET).map(|k| reading(run, n, (n * BUDGET + k) % DEVICES + 1)).collect();
        // Each drift belongs to one device: the first that can have some tonight.
        let mut given = false;
        for result in &mut results {
            if given {
                result.drift_steps.clear();
            }
            given |= !result.drift_steps.is_empty();
        }
        // What one device would open goes to many, so that many have pages.
        let steps: Vec<DriftStep> =
            results.iter_mut().flat_map(|r| std::mem::take(&mut r.drift_steps)).collect();
        for (k, step) in steps.into_iter().enumerate() {
            let at = (k * 37) % results.len();
            open += 1;
            results[at].drift_steps.push(step);
        }
        store.append(&results).unwrap();
        let summary = json!({ "devices": {}, "drifts": { "new": 0, "open": open, "resolved": 0 }, "sessions": BUDGET, "changed": 0 });
        store.finish_run(run, night(n) + TimeDelta::hours(1), "complete", &summary).unwrap();
    }
    eprintln!("{open} drifts are open");
}

/// Largest resident size of this process so far, in MB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Processor time of this process so far, all its threads, in seconds.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit_once(") ").unwrap().1;
    let ticks: f64 = after.split(' ').skip(11).take(2).map(|n| n.parse::<f64>().unwrap()).sum();
    // A tick is a hundredth of a second on every Linux.
    ticks / 100.0
}

#[test]
#[ignore = "makes a history of 180 nights"]
fn the_report_of_a_large_fleet() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let around = Surroundings { file: None, folder: dir.path(), variable: &|_| None, flags: &[] };
    let settings = load::<Settings>(&around).unwrap().settings;
    let env = Env::over_ssh(data.clone(), Clock::fixed(night(NIGHTS)), Arc::new(settings)).unwrap();
    let start = Instant::now();
    made_up(&data);
    eprintln!("made up in {:.1} s, peak {} MB", start.elapsed().as_secs_f64(), peak());
    // What making it up took in memory is not the report's.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = peak();
    let (start, busy) = (Instant::now(), cpu());
    let done = render_again(&env, None, None, None).unwrap();
    let (took, busy) = (start.elapsed().as_secs_f64(), cpu() - busy);
    let size = fs::metadata(&done.index).unwrap().len();
    let folder = done.index.parent().unwrap();
    let pages = fs::read_dir(folder.join("devices")).unwrap().count();
    eprintln!(
        "report in {busy:.2} s of processor time ({took:.2} s), peak {} MB (before: {before} MB), index {size} bytes, {pages} device pages",
        peak()
    );
    assert!(size < 500_000, "the index has {size} bytes");
}
