//! Every platform against recordings: `tests/devices/<platform>/<case>/` holds
//! a file as people have it (`input.txt`, or `session.txt` with the raw bytes
//! of a login) and the snapshots that it must give (`expected.json`).
//!
//! A case without `expected.json` gets one written and fails: read it, then
//! keep it. A case whose name begins with `not_` is of another platform. What
//! must hold for all platforms is here; what is one platform's own is in a
//! file of its name.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cisco; // IOS and IOS-XR
mod dnos;
mod mutate;

use std::fs;
use std::path::{Path, PathBuf};

use driftcast::model::{Scope, Snapshot};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{guess, read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{ALL, Captured, Channel, Ending, Platform, Reading, Rules, by_name};
use proptest::prelude::*;

use mutate::{Dice, mutate};

pub(crate) fn keeper() -> Keeper {
    Keeper::new(&[1; 32])
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices")
}

/// All cases of a platform: folder and bytes.
fn cases(platform: &Platform) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder().join(platform.name);
    assert!(folder.is_dir(), "{} has no recordings", platform.name);
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let case = entry.unwrap().path();
        if case.is_dir() {
            let bytes = bytes_in(&case);
            cases.push((case, bytes));
        }
    }
    cases.sort();
    cases
}

fn bytes_in(case: &Path) -> Vec<u8> {
    let files = ["session.txt", "input.txt"].map(|name| case.join(name));
    fs::read(files.iter().find(|file| file.exists()).unwrap()).unwrap()
}

/// Whether a case is of its platform. `None`: a refusal alone, or a piece of a
/// text, from which nobody could tell.
fn is_of_platform(platform: &'static Platform, case: &Path, bytes: &[u8]) -> Option<bool> {
    if case.file_name().unwrap().to_string_lossy().starts_with("not_") {
        return Some(false);
    }
    // A piece of JSON is nobody's.
    let whole = platform.channel == Channel::Terminal;
    let tells = |mut snapshot: Snapshot| {
        (whole || snapshot.outcome.is_complete()) && !snapshot.take_facts().is_empty()
    };
    read_text(platform, bytes, None, &keeper()).into_iter().any(tells).then_some(true)
}

/// As a live session would have it: the outputs of one login, all signs demanded.
fn live(platform: &Platform, scope: &Scope, bytes: &[u8]) -> Reading {
    let text = settle(bytes).text;
    (platform.read)(scope, &sections(platform, &text, None), Rules::Live)
}

fn without_kept(mut snapshot: Snapshot) -> serde_json::Value {
    snapshot.kept = None;
    serde_json::to_value(&snapshot).unwrap()
}

/// Lines that hold something, as a terminal shows them.
pub(crate) fn lines_in(bytes: &[u8]) -> u64 {
    settle(bytes).text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64
}

pub(crate) fn counted(snapshots: &[Snapshot]) -> u64 {
    snapshots.iter().map(|s| s.lines.read + s.lines.ignored + s.lines.unread).sum()
}

#[test]
fn recordings_give_what_is_expected() {
    let mut wrong = Vec::new();
    for platform in ALL {
        let cases = cases(platform);
        assert!(cases.len() >= 8, "{} has {} recordings", platform.name, cases.len());
        for (case, bytes) in cases {
            let found: Vec<_> =
                read_text(platform, &bytes, None, &keeper()).into_iter().map(without_kept).collect();
            let found = serde_json::to_string_pretty(&found).unwrap() + "\n";
            let path = case.join("expected.json");
            match fs::read_to_string(&path) {
                Ok(expected) if expected == found => {}
                Ok(_) => wrong.push(format!("{} gives\n{found}", case.display())),
                Err(_) => {
                    fs::write(&path, found).unwrap();
                    wrong.push(format!("{} was written", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_a_platform() {
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(by_name(&name.to_string_lossy()).is_some(), "{}", name.display());
    }
}

#[test]
fn every_line_is_counted_once() {
    for platform in ALL {
        for (case, bytes) in cases(platform) {
            let snapshots = read_text(platform, &bytes, None, &keeper());
            assert_eq!(counted(&snapshots), lines_in(&bytes), "{}", case.display());
        }
    }
}

#[test]
fn the_platform_is_recognised() {
    let mut wrong = Vec::new();
    for platform in ALL {
        for (case, bytes) in cases(platform) {
            let found = guess(&String::from_utf8_lossy(&bytes)).map(|platform| platform.name);
            if is_of_platform(platform, &case, &bytes).is_some_and(|is| (found == Some(platform.name)) != is)
            {
                wrong.push(format!("{}: {found:?}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Drop a line's rest, the connection or the last bytes: it is never `complete`.
#[test]
fn a_cut_recording_is_never_complete() {
    for platform in ALL {
        let mut whole = 0;
        for (case, bytes) in cases(platform) {
            let scope = read_text(platform, &bytes, None, &keeper()).remove(0).scope;
            if !live(platform, &scope, &bytes).outcome.is_complete() {
                continue;
            }
            whole += 1;
            // The blank behind the last prompt says nothing.
            let end = bytes.trim_ascii_end().len();
            let line_ends = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1);
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
            let some = (0..1_000).map(|_| dice.below(end));
            for cut in line_ends.chain(some).filter(|cut| *cut < end) {
                let reading = live(platform, &scope, &bytes[..cut]);
                assert!(!reading.outcome.is_complete(), "{} cut at byte {cut}", case.display());
            }
        }
        // What an exec channel says about its end is in no recording.
        let needs = platform.channel == Channel::Terminal;
        assert!(whole > 0 || !needs, "{} has no complete recording of a session", platform.name);
    }
}

/// A configuration that somebody keeps, cut anywhere: what is called complete
/// holds everything. Where a system marks no end, nothing is.
#[test]
fn a_cut_file_is_never_complete() {
    for platform in ALL.iter().filter(|platform| platform.channel == Channel::Terminal) {
        let mut files = 0;
        for (case, bytes) in cases(platform) {
            let text = settle(&bytes).text;
            let parts = sections(platform, &text, None);
            let is_file = |part: &Captured| part.prompt.is_none() && part.section.starts_with("config");
            let mut whole = read_text(platform, &bytes, None, &keeper()).remove(0);
            if parts.is_empty() || !parts.iter().all(is_file) {
                continue;
            }
            let told = whole.outcome.is_complete() || whole.detail.as_deref() == Some("end-unknown");
            files += usize::from(told);
            let facts = whole.take_facts();
            let end = bytes.trim_ascii_end().len();
            let line_ends = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1);
            let mut dice = Dice(0x51ed_270b_9b3f_a6c4);
            let some = (0..300).map(|_| dice.below(end));
            for cut in line_ends.chain(some).filter(|cut| told && *cut < end) {
                let mut found = read_text(platform, &bytes[..cut], None, &keeper()).remove(0);
                let complete = found.outcome.is_complete();
                // What follows an end mark is something else.
                let ended = memchr::memmem::find(&bytes[..cut], b"\nend\n").is_some()
                    || bytes[..cut].ends_with(b"\nend");
                assert!(
                    !complete || ended || found.take_facts() == facts,
                    "{} cut at byte {cut}",
                    case.display()
                );
            }
        }
        assert!(files > 0, "{} has no file as people keep it", platform.name);
    }
}

/// Mutations of every recording of every platform, `each` times a recording.
fn mutations(each: usize, seed: u64) -> usize {
    let mut dice = Dice(seed);
    let mut made = 0;
    for platform in ALL {
        let cases = cases(platform);
        for (case, original) in &cases {
            let mut bytes = original.clone();
            for round in 0..each {
                // A few changes pile up, then it starts anew.
                if round % 6 == 0 {
                    bytes.clone_from(original);
                }
                let other = dice.below(cases.len());
                mutate(&mut bytes, &cases[other].1, &mut dice);
                let snapshots = read_text(platform, &bytes, None, &keeper());
                assert_eq!(counted(&snapshots), lines_in(&bytes), "{} {seed} {round}", case.display());
                made += 1;
            }
        }
    }
    made
}

#[test]
fn mutated_recordings_are_read_without_a_panic() {
    assert!(mutations(12, 0x2545_f491_4f6c_dd1d) > 100);
}

/// A million of them: minutes, in release.
#[test]
#[ignore = "long: `make mutations` does the same with the readers alone"]
fn a_million_mutations() {
    let mut made = 0;
    let mut seed = 1;
    while made < 1_000_000 {
        seed += 1;
        made += mutations(500, seed);
    }
}

/// Each prefix of each small recording, every one in `step`.
fn prefixes(longest: usize, step: usize) {
    for platform in ALL {
        for (case, bytes) in cases(platform).iter().filter(|(_, bytes)| bytes.len() <= longest) {
            for cut in (0..bytes.len()).step_by(step) {
                let bytes = &bytes[..cut];
                let snapshots = read_text(platform, bytes, None, &keeper());
                assert_eq!(counted(&snapshots), lines_in(bytes), "{} cut at {cut}", case.display());
            }
        }
    }
}

#[test]
fn prefixes_of_small_recordings() {
    prefixes(700, 1);
    prefixes(4_000, 53);
}

#[test]
#[ignore = "long: cargo test --release --test it every_prefix -- --ignored"]
fn every_prefix_of_every_recording() {
    prefixes(usize::MAX, 1);
}

#[test]
fn a_name_that_does_not_fit_is_refused_before_anything_is_sent() {
    for platform in ALL {
        for bad in ["", "-x", "a b", "x | save y", "x\nconfigure", "ü"] {
            assert!(platform.script(&Scope::Interface(bad.to_owned())).is_err(), "{bad:?}");
            assert!(platform.script(&Scope::BridgeDomain(bad.to_owned())).is_err(), "{bad:?}");
        }
        assert!(!platform.script(&Scope::Device).unwrap().is_empty());
    }
}

fn lines_of_all_cases(platform: &Platform) -> Vec<String> {
    cases(platform)
        .iter()
        .flat_map(|(_, bytes)| settle(bytes).text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for platform in ALL {
            prop_assert_eq!(counted(&read_text(platform, &bytes, None, &keeper())), lines_in(&bytes));
        }
    }

    #[test]
    fn shuffled_lines_are_all_counted(
        order in proptest::collection::vec(any::<prop::sample::Index>(), 1..120),
        which in any::<prop::sample::Index>(),
        ends in any::<bool>(),
    ) {
        for platform in ALL {
            let all = lines_of_all_cases(platform);
            let text: String = order.iter().map(|at| at.get(&all).as_str()).collect::<Vec<_>>().join("\n");
            let text = if ends { text + "\n" } else { text };
            let template = which.get(platform.commands);
            let captured = Captured {
                section: template.section.to_owned(),
                command: template.text.replace("{}", "ge100-0/0/31.251"),
                text: text.clone(),
                prompt: Some("R1".to_owned()),
                ended: Ending::Prompt,
            };
            let lines = lines_in(text.as_bytes());
            for scope in [Scope::Device, Scope::Interface("ge100-0/0/31.251".to_owned()), Scope::BridgeDomain("five".to_owned())] {
                for rules in [Rules::Live, Rules::Offline] {
                    let reading = (platform.read)(&scope, std::slice::from_ref(&captured), rules);
                    let counts = reading.lines;
                    prop_assert_eq!(counts.read + counts.ignored + counts.unread, lines, "{} {}", platform.name, template.section);
                    prop_assert!(reading.interfaces.is_sorted_by(|a, b| a.name < b.name));
                }
            }
            prop_assert_eq!(counted(&read_text(platform, text.as_bytes(), None, &keeper())), lines);
        }
    }
}
