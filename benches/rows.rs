//! Ten million scans of 2,000 devices, out of the database into counts, rates,
//! gaps, the slope of the last month and a rank for each device: the same way
//! that `driftcast rank` and the morning report go. Aim: 1 s of CPU, 400 MB.
//!
//! `cargo bench --bench rows [-- ROWS]`. The table is built by one process and
//! read by another, so that the peak of memory is that of reading. Then the
//! whole outlook (learner, forecasts, ranking) of the same database, for the
//! window of the default settings.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints")]

mod process;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use driftcast::analysis::forecast::{Settings, Subject};
use driftcast::analysis::{Window, frequency, outlook};
use driftcast::jobs::history_of;
use driftcast::model::DeviceName;
use driftcast::store::Store;

const DEVICES: i64 = 2_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [what, folder, rows] = arguments.as_slice()
        && what == "measure"
    {
        return measure(Path::new(folder), rows.parse().unwrap());
    }
    let rows: i64 = arguments.first().map_or(10_000_000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), rows);
    let program = std::env::current_exe().unwrap();
    let folder = folder.path().to_str().unwrap();
    let done = Command::new(program).args(["measure", folder, &rows.to_string()]).status().unwrap();
    assert!(done.success());
}

/// Nightly scans of a fleet whose devices change once in 20 to 80 nights.
fn build(folder: &Path, rows: i64) {
    drop(Store::open(folder, Duration::ZERO).unwrap());
    let db = duckdb::Connection::open(folder.join("driftcast.duckdb")).unwrap();
    db.execute_batch(&format!(
        "INSERT INTO scan (seq, run, device_id, scope, reason, started, took_ms, outcome, changed, text_changed)
         SELECT i, i // {DEVICES} + 1, i % {DEVICES} + 1, 'device', 'due',
                TIMESTAMP '2012-01-01 02:00:00' + INTERVAL 1 DAY * (i // {DEVICES}) + INTERVAL 1 SECOND * (i % {DEVICES}),
                1200, 'complete', hash(i) % (20 + (i % {DEVICES}) % 60) = 0, false
         FROM range({rows}) t(i);
         INSERT INTO change (seq, device_id, kind, key, what, after_time, until_time)
         SELECT seq, device_id, 'interface', 'ge100-0/0/1.' || k, 'modified', started, started
         FROM scan, range(2) t(k) WHERE changed;
         INSERT INTO drift_event (seq, device_id, drift_id, step, kind, key, class, happened)
         SELECT seq, device_id, 'd' || seq, 'opened', 'interface', 'ge100-0/0/1.0', 'differs', started
         FROM scan WHERE changed AND seq % 3 = 0;
         CHECKPOINT;"
    ))
    .unwrap();
}

fn measure(folder: &Path, rows: i64) {
    let store = Store::open(folder, Duration::ZERO).unwrap();
    let nights = rows / DEVICES + 1;
    let start: DateTime<Utc> = "2012-01-01T02:00:00Z".parse().unwrap();
    let as_of = start + chrono::TimeDelta::days(nights);
    let mut spent = Spent::now();

    let history = history_of(&store, None).unwrap();
    println!("{:>12} scans out of the database   {}", history.len(), spent.since());
    let all = Settings { window_days: u32::try_from(nights).unwrap() + 1, ..Settings::default() };
    let mut found = frequency(&history, Window::of(&all, as_of)).unwrap();
    found.sort_by(|a, b| {
        let rate = |row: &driftcast::analysis::Frequency| row.changed as f64 / row.exposure_days.max(1.0);
        rate(b).total_cmp(&rate(a)).then(a.device_id.cmp(&b.device_id))
    });
    println!("{:>12} devices counted and ranked  {}", found.len(), spent.since());
    let changed: i64 = found.iter().map(|row| row.changed).sum();
    let drifted: i64 = found.iter().map(|row| row.drifted).sum();
    let first = &found[0];
    println!(
        "{changed} changes, {drifted} of them drift; most often: device {}, every {:.1} days (median {:.1}), slope {:+.2}",
        first.device_id,
        first.mean_gap_days.unwrap_or_default(),
        first.median_gap_days.unwrap_or_default(),
        first.slope_30_days.unwrap_or_default(),
    );
    println!("so far {:.2} s of CPU, peak {:.0} MB", process::cpu(), process::peak());

    let subjects: Vec<Subject> = (1..=DEVICES)
        .map(|id| Subject {
            id,
            name: DeviceName::new(&format!("device-{id}")).unwrap(),
            role: ["leaf", "spine", "pe", "core"][(id % 4) as usize].to_owned(),
            platform: "drivenets_dnos".to_owned(),
            site: format!("site-{}", id % 17),
            importance: 1.0,
        })
        .collect();
    let settings = Settings::default();
    let found = outlook(&history, &[], &subjects, as_of, &settings).unwrap();
    println!(
        "{:>12} forecasts from {} nights   {}",
        found.forecasts.len(),
        settings.window_days,
        spent.since()
    );
}

/// What was spent since the last look.
struct Spent(f64);

impl Spent {
    fn now() -> Self {
        Self(process::cpu())
    }

    fn since(&mut self) -> String {
        let now = process::cpu();
        let spent = now - std::mem::replace(&mut self.0, now);
        format!("{spent:>6.2} s CPU, peak {:>4.0} MB", process::peak())
    }
}
