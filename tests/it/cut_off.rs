//! A sync that is cut off: killed with signal 9 at any moment, each device's
//! records are as before or as after, and the same plan finishes the rest.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::cli::Bench;

/// The records of each device, as they are exported.
fn records(bench: &Bench) -> BTreeMap<String, Vec<String>> {
    let ran = bench.run(&["records", "export"]);
    assert_eq!(ran.code(), 0, "{}", ran.all());
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in ran.out().lines().skip(1) {
        all.entry(line.split(',').next().unwrap().to_owned()).or_default().push(line.to_owned());
    }
    all
}

fn copy(from: &Path, to: &Path) {
    // As private as it was, or `doctor` says so.
    fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            // The reports are not needed.
            if entry.file_name() != "reports" {
                copy(&entry.path(), &to.join(entry.file_name()));
            }
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// F82 and F58 for a sync: 6 kills here, 60 with `DRIFTCAST_THOROUGH=1`.
#[test]
fn a_killed_apply_leaves_each_device_as_before_or_as_after() {
    let bench = Bench::new();
    bench.demo();
    let plan = bench.run(&["sync", "plan", "--out", "plan.json"]);
    assert_eq!(plan.code(), 0, "{}", plan.all());
    let apply = ["sync", "apply", "plan.json"];
    let before = records(&bench);
    let (data, good) = (bench.data(), bench.data().with_extension("good"));
    copy(&data, &good);
    let restore = || {
        fs::remove_dir_all(&data).unwrap();
        copy(&good, &data);
    };

    // As it is when nobody disturbs it, and how long that takes.
    let begun = Instant::now();
    let ran = bench.run(&apply);
    let whole = begun.elapsed();
    assert!([0, 3].contains(&ran.code()), "{}", ran.all());
    let after = records(&bench);
    let moved = after.iter().filter(|(device, rows)| before.get(*device) != Some(rows)).count();
    assert!(moved >= 3, "several devices are written: {}", ran.all());

    let thorough = std::env::var_os("DRIFTCAST_THOROUGH").is_some();
    let rounds: u32 = if thorough { 60 } else { 6 };
    let (mut cut, mut between) = (0, 0);
    for round in 0..rounds {
        restore();
        let mut child = bench.command(&apply).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Spread over the whole of it; where exactly it hits is chance.
        let moment = begun_after(whole, round, rounds);
        let ends = Instant::now() + moment;
        while Instant::now() < ends && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        cut += u32::from(child.wait().unwrap().code().is_none());

        let now = records(&bench);
        for (device, rows) in &now {
            let (old, new) = (before.get(device), after.get(device));
            assert!(Some(rows) == old || Some(rows) == new, "{device}, killed after {moment:?}");
        }
        between += u32::from(now != before && now != after);
        let doctor = bench.run(&["doctor", "--sample", "0"]);
        assert_eq!(doctor.code(), 0, "{}", doctor.all());
        let again = bench.run(&apply);
        assert!([0, 3].contains(&again.code()), "{}", again.all());
        assert_eq!(records(&bench), after, "the same plan finishes it");
    }
    assert!(cut > 0, "nothing was killed in time");
    if thorough {
        assert!(between > 0, "some devices written and others not: {between} of {rounds}");
    }
}

fn begun_after(whole: Duration, round: u32, rounds: u32) -> Duration {
    whole * (round * 2 + 1) / (rounds * 2)
}
