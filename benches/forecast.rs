//! What a night's thinking costs, beside the bars: the forecast and the plan
//! of a large fleet, and the replay of a long history. Figures are CPU time of
//! the whole process, so that a busy machine does not spoil them.
//!
//! `cargo bench --bench forecast` prints them; a ratio above 1 misses its bar.
//! A trace with its lifetimes beside it may be named: `-- path/to/trace.csv`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints")]
#![expect(clippy::cast_possible_wrap, reason = "thousands of devices and hundreds of nights")]

mod process;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use driftcast::analysis::backtest::{self, Life, Policy, World};
use driftcast::analysis::dice::Dice;
use driftcast::analysis::forecast::Subject;
use driftcast::analysis::plan::{Candidate, Done, NightState, Purse};
use driftcast::analysis::{History, Tonight, forecast, outlook, plan};
use driftcast::model::{DeviceName, Outcome, Signal, SignalKind};
use driftcast::source;

const DEVICES: usize = 10_000;
const NIGHTS: usize = 180;

fn show(what: &str, value: f64, bar: f64, unit: &str) {
    println!("{what:<66} {value:>8.2} {unit:<6} of {bar:>6.1}  ratio {:.2}", value / bar);
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000, 0).unwrap_or_default()
}

fn subjects() -> Option<Vec<Subject>> {
    (0..DEVICES)
        .map(|n| {
            let text = |what: &str, of: usize| format!("{what}-{}", n % of);
            Some(Subject {
                id: n as i64,
                name: DeviceName::new(&format!("device-{n:05}")).ok()?,
                role: text("role", 12),
                platform: text("platform", 4),
                site: text("site", 40),
                importance: 1.0,
            })
        })
        .collect()
}

/// Every device read each `every`-th night; rates differ a hundredfold.
fn history(every: usize) -> Option<History> {
    let mut dice = Dice::new(1);
    let (mut ids, mut started, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for device in 0..DEVICES {
        let rate = (1.0 / 30.0) * (1.5 * dice.normal()).exp();
        for night in (device % every..NIGHTS).step_by(every) {
            ids.push(device as i64);
            let at = now() - TimeDelta::days((NIGHTS - night) as i64) + TimeDelta::seconds(device as i64);
            started.push(at.timestamp_micros());
            changed.push(dice.uniform() < -(-rate * every as f64).exp_m1());
        }
    }
    let (rows, micros) = (ids.len(), DataType::Timestamp(TimeUnit::Microsecond, None));
    let columns = [
        ("seq", DataType::Int64),
        ("device_id", DataType::Int64),
        ("started", micros),
        ("changed", DataType::Boolean),
    ];
    let fields: Vec<Field> = columns.into_iter().map(|(name, of)| Field::new(name, of, true)).collect();
    let batch = RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        vec![
            Arc::new((0..rows as i64).map(Some).collect::<Int64Array>()),
            Arc::new(Int64Array::from(ids)),
            Arc::new(TimestampMicrosecondArray::from(started)),
            Arc::new(BooleanArray::from(changed)),
        ],
    )
    .ok()?;
    let mut history = History::default();
    history.push(&batch).ok()?;
    Some(history)
}

/// The forecast, and all rounds of a night.
fn night(subjects: &[Subject], every: usize) -> Option<()> {
    let rows = history(every)?;
    let mut signals: Vec<Signal> = (0..DEVICES as i64)
        .map(|device| Signal {
            device,
            kind: SignalKind::Syslog,
            at: now() - TimeDelta::hours((device * 37) % (NIGHTS as i64 * 24)),
        })
        .collect();
    signals.sort_by_key(|signal| signal.at);
    let before = process::cpu();
    let outlook = outlook(&rows, &signals, subjects, now(), &forecast::Settings::default()).ok()?;
    let devices = subjects
        .iter()
        .map(|subject| {
            let last = now() - TimeDelta::days(1 + subject.id % every as i64);
            Candidate {
                id: subject.id,
                name: subject.name.clone(),
                role: subject.role.clone(),
                site: subject.site.clone(),
                jump: None,
                importance: subject.importance,
                last_complete: Some(last),
                last_attempt: Some(last),
                failures: 0,
            }
        })
        .collect();
    let state = NightState { as_of: now(), devices, outlook, requests: Vec::new(), purse: Purse::default() };
    let mut tonight = Tonight::open(state, &plan::Settings::default());
    let mut sessions = 0;
    while let Some(round) = tonight.next_round() {
        sessions += round.targets.len();
        let done: Vec<Done> = round
            .targets
            .iter()
            .map(|target| Done { device_id: target.device_id, outcome: Outcome::Complete, changed: false })
            .collect();
        tonight.done(&done);
    }
    black_box(sessions);
    let rows = rows.len();
    let what = format!("forecast and plan, {DEVICES} devices, {NIGHTS} nights, {rows} scans");
    show(&what, process::cpu() - before, 1.0, "s CPU");
    show("  the same, memory at its peak (with the rows it is given)", process::peak(), 300.0, "MB");
    Some(())
}

/// As many devices and nights as the longest trace, with campaigns.
fn long_world() -> World {
    const LIVES: usize = 1_315;
    let nights = backtest::WINDOW;
    let mut dice = Dice::new(3);
    let mut lives: Vec<Life> = (0..LIVES)
        .map(|n| Life {
            name: format!("d{n}"),
            role: n % 40,
            died: f64::INFINITY,
            importance: 1.0,
            rate: 3.4 / nights as f64,
            changes: (0..dice.poisson(2.0)).map(|_| dice.between(0.0, nights as f64)).collect(),
            ..Life::default()
        })
        .collect();
    for role in 0..40 {
        for _ in 0..2 {
            let at = dice.between(0.0, nights as f64 - 1.0);
            lives.iter_mut().filter(|life| life.role == role).for_each(|life| life.changes.push(at));
        }
    }
    for life in &mut lives {
        life.changes.sort_by(f64::total_cmp);
    }
    let roles = (0..40).map(|role| format!("role-{role}")).collect();
    World { name: "made up".to_owned(), nights, roles, lives, ..World::default() }
}

fn trace(path: &Path) -> Option<World> {
    let text = std::fs::read_to_string(path).ok()?;
    let rows = source::read_trace(&text, "trace").ok()?;
    let beside = std::fs::read_to_string(path.with_extension("lifetimes.csv")).unwrap_or_default();
    let lives =
        if beside.is_empty() { Vec::new() } else { source::read_lifetimes(&beside, "lifetimes").ok()? };
    let (histories, _) = backtest::histories(
        rows.into_iter().map(|row| (row.device, row.role, row.at)),
        lives.into_iter().map(|life| (life.device, life.role, life.born, life.died)),
    );
    backtest::world(&path.file_stem()?.to_string_lossy(), &histories, backtest::WINDOW)
}

fn replay(world: &World) {
    let before = process::cpu();
    let line = backtest::replay(world, Policy::Driftcast, 0.1, &plan::Settings::default(), 1);
    black_box(line.freshness);
    let what = format!("replay of {}, {} devices, {} nights", world.name, world.lives.len(), world.nights);
    show(&what, process::cpu() - before, 5.0, "s CPU");
}

fn main() {
    let done = subjects().and_then(|subjects| {
        // A quarter of the fleet a night, then all of it.
        night(&subjects, 4)?;
        night(&subjects, 1)
    });
    if done.is_none() {
        println!("the fleet could not be made up");
    }
    replay(&long_world());
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with('-')) {
        match trace(Path::new(&path)) {
            Some(world) => replay(&world),
            None => println!("{path}: no trace"),
        }
    }
}
