//! `serve`: a thousand days with kills at random, and the real process with
//! its signals.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use driftcast::clock::Clock;
use driftcast::config::{self, Schedule, Settings, Surroundings};
use driftcast::device::{Fetch, Fetching};
use driftcast::jobs::Env;
use driftcast::model::{Device, RunKind, Scope};
use driftcast::platform::Platform;
use driftcast::schedule::{Agenda, Ended, Start, next_fire};
use driftcast::store::{BatchLock, ScheduleEvent, ScheduleStep, Store};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Nobody;

impl Fetch for Nobody {
    fn fetch<'a>(&'a self, _: &'a Device, _: &'static Platform, _: &'a Scope) -> Fetching<'a> {
        Box::pin(async { unreachable!("no device is read here") })
    }
}

fn settings(folder: &Path, text: &str) -> Settings {
    let file = folder.join("settings.toml");
    fs::write(&file, text).unwrap();
    let around = Surroundings { file: Some(&file), folder, variable: &|_| None, flags: &[] };
    config::load(&around).unwrap().settings
}

/// What a nightly run does to the store, without its devices; and the four
/// moments between which it can be killed.
fn work(store: &Store, start: &Start, now: DateTime<Utc>, killed_at: u32) -> Option<Ended> {
    let note = json!({ "schedule": start.occasion.schedule, "slot": start.occasion.slot });
    if killed_at == 0 {
        return None;
    }
    let run = store.start_run(RunKind::Nightly, now, None, &note).unwrap();
    if killed_at == 1 {
        return None;
    }
    store.finish_run(run, now, "complete", &json!({})).unwrap();
    if killed_at == 2 {
        return None;
    }
    Some(Ended::Finished { outcome: "complete".to_owned(), run: Some(run), why: None })
}

/// A thousand days, killed on some 300 of them: while it sleeps, before, in and
/// after a run, with outages of up to three days.
#[test]
#[ignore = "two minutes; run it by name after a change to schedules or their bookkeeping"]
fn a_thousand_days_with_kills_lose_and_double_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Arc::new(settings(
        folder.path(),
        r#"
            [[schedule]]
            job = "nightly"
            cron = "30 2 * * *"
            zone = "Europe/Berlin"
            jitter_minutes = 20

            [[schedule]]
            job = "full-scan"
            cron = "0 12 * * 0,3"
            zone = "Europe/Berlin"
            misfire = "skip"
        "#,
    ));
    let start = Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap();
    let end = start + TimeDelta::days(1_000);
    let dir = folder.path().join("data");
    let env = Env::with_fetch(dir.clone(), Clock::fixed(start), settings.clone(), Arc::new(Nobody)).unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(251);
    let mut now = start;
    let mut kills = 0;
    while now < end {
        // One life. The store stays open in it, as cheap handles need it.
        let store = env.store().unwrap();
        let mut agenda = Agenda::load(&store, env.installation(), now).unwrap();
        'life: while now < end {
            for begun in agenda.step(&env, &settings.schedule, now) {
                let _lock = BatchLock::take(&dir, "nightly").unwrap();
                let killed_at = if dice.random_bool(0.15) { dice.random_range(0..3) } else { 9 };
                now += TimeDelta::minutes(dice.random_range(0..50));
                match work(&store, &begun, now, killed_at) {
                    Some(ended) => agenda.ended(&env, &begun, &ended, now).unwrap(),
                    None => break 'life,
                }
            }
            now += TimeDelta::minutes(dice.random_range(1..90));
            if dice.random_bool(0.008) {
                break;
            }
        }
        kills += 1;
        now += match dice.random_range(0..3) {
            0 => TimeDelta::zero(),
            1 => TimeDelta::minutes(dice.random_range(0..90)),
            _ => TimeDelta::minutes(dice.random_range(0..3 * 1_440)),
        };
    }
    assert!(kills > 200, "{kills}");

    let store = env.store().unwrap();
    for schedule in &settings.schedule {
        account(&store, schedule, schedule.name == "nightly");
    }
}

/// Every slot of the schedule was run, made up for or left out, exactly once.
fn account(store: &Store, schedule: &Schedule, catches_up: bool) {
    let events = store.decisions(Some(&schedule.name)).unwrap();
    let of = |what| events.iter().filter(move |event: &&ScheduleEvent| event.what == what);
    let begun: Vec<&ScheduleEvent> = of(ScheduleStep::Started).filter(|event| event.attempt == 1).collect();
    assert!(begun.windows(2).all(|pair| pair[0].slot < pair[1].slot), "in order, none twice");
    let last = begun.iter().map(|e| e.slot).chain(of(ScheduleStep::Skipped).map(|e| e.slot)).max().unwrap();
    let armed: Vec<_> = of(ScheduleStep::Armed).collect();
    assert_eq!(armed.len(), 1);
    let slots = std::iter::successors(next_fire(schedule, armed[0].slot), |slot| next_fire(schedule, *slot))
        .take_while(|slot| *slot <= last)
        .count();
    let left_out: u32 = of(ScheduleStep::Skipped).map(|event| event.missed).sum();
    let covered: u32 = begun.iter().map(|event| event.missed + 1).sum();
    assert_eq!((covered + left_out) as usize, slots, "{}", schedule.name);
    assert_eq!(left_out > 0, !catches_up);

    // Runs by slot: begun and finished.
    let mut runs: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for run in store.runs(u32::MAX).unwrap() {
        if run.note["schedule"] == schedule.name.as_str() {
            let (tried, finished) = runs.entry(run.note["slot"].as_str().unwrap().to_owned()).or_default();
            *tried += 1;
            *finished += u32::from(run.finished.is_some());
        }
    }
    let mut cut_off = 0;
    for event in &begun {
        let slot = json!(event.slot).as_str().unwrap().to_owned();
        let (tried, finished) = runs.get(&slot).copied().unwrap_or_default();
        assert!(finished <= 1 && tried <= if catches_up { 2 } else { 1 }, "{slot}: {tried} {finished}");
        if finished == 0 {
            // Killed: then it says so, and the next one made up for it.
            assert!(
                of(ScheduleStep::Abandoned).any(|e| e.slot == event.slot) || event.slot == last,
                "{slot}"
            );
            cut_off += 1;
        }
    }
    assert!(cut_off > 0 && begun.len() > 60, "{cut_off} of {}", begun.len());
}

/// The program with a folder and a configuration of its own.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(config: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.configure(config);
        bench
    }

    fn configure(&self, config: &str) {
        fs::write(self.folder.path().join("driftcast.toml"), config).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, now: Option<&str>, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftcast"));
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", path);
        }
        if let Some(now) = now {
            command.env("DRIFTCAST_NOW", now);
        }
        command.env("DRIFTCAST_USERNAME", "u").env("DRIFTCAST_PASSWORD", "p");
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(None, arguments).output().unwrap()
    }

    /// Devices at these addresses.
    fn import(&self, addresses: impl Iterator<Item = String>) {
        let mut text = "name,address,port,platform,site\n".to_owned();
        for (n, address) in addresses.enumerate() {
            let address = address.replace(':', ",");
            writeln!(text, "dn-{n},{address},drivenets_dnos,s{}", n % 2).unwrap();
        }
        let file = self.folder.path().join("inventory.csv");
        fs::write(&file, text).unwrap();
        let ran = self.run(&["devices", "import", file.to_str().unwrap()]);
        assert!(ran.status.success(), "{ran:?}");
    }

    fn status(&self) -> Value {
        let ran = self.run(&["--json", "status"]);
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
    }

    fn serve(&self, now: Option<&str>) -> Serve {
        let mut child =
            self.command(now, &["-v", "serve"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (told, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || log.lines().map_while(Result::ok).all(|line| told.send(line).is_ok()));
        Serve { child, lines }
    }
}

/// A running `serve` and what it says.
struct Serve {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Serve {
    /// Waits until it says this.
    fn says(&self, what: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        let mut heard = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line.contains(what) {
                return;
            }
            heard.push(line);
        }
        panic!("it never said {what:?}: {heard:#?}");
    }

    fn signal(&self, signal: &str) {
        signal_to(&self.child, signal);
    }

    fn end(mut self) -> i32 {
        self.signal("TERM");
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal_to(child: &Child, signal: &str) {
    let ran = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(ran.success());
}

const NIGHTLY: &str = "[[schedule]]\njob = 'nightly'\ncron = '30 2 * * *'\nzone = 'Europe/Berlin'\n";

#[test]
fn serve_survives_a_kill_and_runs_each_night_once() {
    let bench = Bench::new(NIGHTLY);
    bench.import(std::iter::once("127.0.0.1:1".to_owned()));
    // New: it counts from now, and runs nothing.
    let mut first = bench.serve(Some("2026-06-01T12:00:00Z"));
    first.says("serves");
    // A second one on the same folder is told.
    let second = bench.command(None, &["serve"]).output().unwrap();
    assert_eq!(second.status.code(), Some(75), "{second:?}");
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    // Down over three nights: one run makes up for them. Killed right after it.
    let mut again = bench.serve(Some("2026-06-04T12:00:00Z"));
    again.says("makes up for 2 more");
    again.says("ended: failed");
    again.child.kill().unwrap();
    again.child.wait().unwrap();
    let third = bench.serve(Some("2026-06-04T12:10:00Z"));
    third.says("serves");
    assert_eq!(third.end(), 0);
    let status = bench.status();
    assert_eq!(status["runs"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["runs"][0]["kind"], "nightly");
}

#[test]
fn a_wrong_configuration_changes_nothing() {
    let bench = Bench::new(NIGHTLY);
    let serve = bench.serve(None);
    serve.says("serves");
    bench.configure("[[schedule]]\njob = 'nightly'\ncron = '61 2 * * *'\n");
    serve.signal("HUP");
    serve.says("the old one stays in force");
    bench.configure("[[schedule]]\njob = 'nightly'\ncron = '0 2 30 2 *'\n");
    serve.signal("HUP");
    serve.says("in force from now on");
    serve.says("never fires");
    assert_eq!(serve.end(), 0);
    // As the first configuration it is refused, with its place.
    bench.configure("[[schedule]]\njob = 'nightly'\ncron = '0 2 * * *'\nzone = 'Mars/Olympus'\n");
    let ran = bench.run(&["serve"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("Mars/Olympus"), "{ran:?}");
}

/// Accepts a connection and never says a word.
fn mute() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[test]
#[ignore = "it waits for a process on a clock, and fails on a machine with much else to do"]
fn a_night_that_is_told_to_end_keeps_what_it_has_and_a_killed_one_blocks_nobody() {
    let bench = Bench::new("[scan]\nconcurrency = 1\n[ssh]\nhandshake_seconds = 3\n");
    let mutes: Vec<TcpListener> = (0..30).map(|_| mute()).collect();
    bench.import(mutes.iter().map(|mute| mute.local_addr().unwrap().to_string()));
    let night = |all: &str| {
        bench.command(None, &["--json", "nightly", "--budget", all]).stdout(Stdio::piped()).spawn().unwrap()
    };
    let at_work = || {
        let end = Instant::now() + Duration::from_secs(30);
        while BatchLock::holder(&bench.data()).is_none() || bench.status()["runs"][0]["outcome"] != "running"
        {
            assert!(Instant::now() < end, "no run begins");
        }
    };
    let mut killed = night("100%");
    at_work();
    killed.kill().unwrap();
    killed.wait().unwrap();

    let told = night("100%");
    at_work();
    let begun = Instant::now();
    signal_to(&told, "TERM");
    let ran = told.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(ran.status.code(), Some(3), "{ran:?}");
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&said["outcome"], &said["stopped"]), (&json!("partial"), &json!(true)), "{said}");
    // Every device has one outcome, and most were never asked.
    let devices = said["devices"].as_object().unwrap();
    assert_eq!(devices.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 30);
    assert!(devices["not-due"].as_u64().unwrap() > 20, "{said}");
    let status = bench.status();
    let outcomes: Vec<&str> =
        status["runs"].as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["partial", "abandoned"]);
}

#[test]
fn what_is_asked_for_later_is_read_in_the_background() {
    let bench = Bench::new("");
    let port = crate::cli::lab_port();
    let ran = bench.run(&["--json", "demo", "--devices", "12", "--nights", "2", "--port", &port]);
    assert!(ran.status.success(), "{ran:?}");
    let mut lab = bench.command(None, &["lab"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(lab.stdout.take().unwrap()).read_line(&mut line).unwrap();

    let ask = |arguments: &[&str]| -> Value {
        let ran = bench.run(&[&["--json", "scan", "--later"], arguments].concat());
        assert!(ran.status.success(), "{ran:?}");
        serde_json::from_slice(&ran.stdout).unwrap()
    };
    let whole = ask(&["DNAAS-LEAF-B15"]);
    // The same again is the same request; a part of it is another.
    assert_eq!(ask(&["DNAAS-LEAF-B15"]), whole);
    ask(&["DNAAS-LEAF-B15", "--interface", "ge100-0/0/31.251"]);
    assert_eq!(bench.status()["queue"].as_array().unwrap().len(), 2);
    let runs = bench.status()["runs"].as_array().unwrap().len();

    let serve = bench.serve(None);
    serve.says("the queue reads 1 of 2");
    let end = Instant::now() + Duration::from_secs(60);
    while !bench.status()["queue"].as_array().unwrap().is_empty() {
        assert!(Instant::now() < end, "{}", bench.status());
    }
    // Asked while it runs; one session answered both of the first two.
    let later = ask(&["--limit", "role=leaf"])["requests"].as_array().unwrap().len();
    assert!(later > 0);
    while !bench.status()["queue"].as_array().unwrap().is_empty() {
        assert!(Instant::now() < end, "{}", bench.status());
    }
    let status = bench.status();
    assert!(status["serve"].as_str().unwrap().contains("serve"), "{status}");
    assert!(status["runs"].as_array().unwrap().len() > runs, "{status}");
    assert_eq!(serve.end(), 0);

    let query = bench.run(&["--json", "query", "scans", "device=DNAAS-LEAF-B15", "newest=1"]);
    let query: Value = serde_json::from_slice(&query.stdout).unwrap();
    assert_eq!(query["rows"][0]["outcome"], "complete", "{query}");
    let file = bench.folder.path().join("facts.csv");
    assert!(bench.run(&["export", "facts", "--out", file.to_str().unwrap()]).status.success());
    assert!(fs::read_to_string(&file).unwrap().lines().count() > 100);
    for (ending, begins) in [("parquet", &b"PAR1"[..]), ("json", b"[\n  {")] {
        let file = bench.folder.path().join(format!("facts.{ending}"));
        let done = bench.run(&["--json", "export", "facts", "--out", file.to_str().unwrap()]);
        let done: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert!(done["rows"].as_u64().unwrap() > 100, "{done}");
        assert!(fs::read(&file).unwrap().starts_with(begins), "{ending}");
    }
    assert_eq!(bench.run(&["export", "facts", "--format", "parquet"]).status.code(), Some(2));
    assert_eq!(bench.run(&["query", "nonsense"]).status.code(), Some(2));
    lab.kill().unwrap();
    lab.wait().unwrap();
}

/// Fifty nights, of which thirty are kept: what is old goes, and what the
/// newest night shows stays as it was.
#[test]
fn pruning_keeps_what_later_nights_need() {
    let bench = Bench::new("[retention]\ndays = 30\n[forecast]\nwindow_days = 30\n");
    let ran = bench.run(&["--json", "demo", "--devices", "12", "--nights", "50"]);
    assert!(ran.status.success(), "{ran:?}");
    let json = |arguments: &[&str]| -> Value {
        let ran = bench.run(&[&["--json"], arguments].concat());
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
    };
    let report = || {
        let out = bench.folder.path().join("report");
        assert!(bench.run(&["report", "--out", out.to_str().unwrap()]).status.success());
        let text = fs::read_to_string(out.join("report.json")).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        // How often forecasts were right is counted over what is kept.
        for gone in ["reliability", "freshness", "calendar"] {
            value.as_object_mut().unwrap().remove(gone);
        }
        value
    };
    let before = (json(&["diff"])["drifts"].clone(), json(&["query", "facts"]), json(&["query", "changes"]));
    let told = report();
    let old = json(&["query", "runs", "newest=1000"])["rows"].as_array().unwrap().last().unwrap()["run"]
        .to_string();
    let counted = json(&["prune", "--dry-run"]);
    let rows = |value: &Value| -> u64 {
        value["rows"]["tables"].as_array().unwrap().iter().map(|table| table[1].as_u64().unwrap()).sum()
    };
    assert!(rows(&counted) > 100, "{counted}");
    assert_eq!(json(&["prune"])["rows"], counted["rows"]);
    assert_eq!(rows(&json(&["prune", "--dry-run"])), 0, "it is gone, and stays gone");
    let after = (json(&["diff"])["drifts"].clone(), json(&["query", "facts"]), json(&["query", "changes"]));
    assert_eq!(after.1, before.1);
    assert_eq!(after.2, before.2);
    assert_eq!(after.0.as_array().unwrap().len(), before.0.as_array().unwrap().len());
    let again = report();
    for part in ["verdict", "fleet", "drifts", "movement"] {
        assert_eq!(again[part], told[part], "{part}");
    }
    let ran = bench.run(&["report", "--run", &old]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(String::from_utf8_lossy(&ran.stderr).contains("cannot be told again"), "{ran:?}");
    // Everything still works on it.
    assert_ne!(bench.run(&["doctor", "--sample", "0"]).status.code(), Some(4));
}
