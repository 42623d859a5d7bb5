//! Thirty nights of one device of each platform, told by its recording: each
//! night has other times, other counters, secrets that are encrypted anew, and
//! lists in another order. Nothing of it is a change, and nothing a drift.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use driftcast::clock::Clock;
use driftcast::config::{BUILT_IN, Settings};
use driftcast::device::{Fetch, Fetching, Transcript};
use driftcast::jobs::{Env, OnDemand, import_devices, import_records, live_devices, scan};
use driftcast::model::{Device, Outcome, RecordSource, Scope};
use driftcast::platform::offline::sections;
use driftcast::platform::terminal::settle;
use driftcast::platform::{ALL, Captured, Channel, Ending, Platform, Rules, by_name};
use driftcast::source::read_devices;

const NIGHTS: usize = 30;

/// A whole session of each platform.
const SESSIONS: &[(&str, &[&str])] = &[
    ("drivenets_dnos", &["leaf_b15"]),
    ("cisco_ios", &["router_session", "switch_session"]),
    ("cisco_iosxr", &["edge_session"]),
    ("cisco_nxos", &["leaf"]),
    ("arista_eos", &["leaf"]),
    ("juniper_junos", &["pe_session"]),
    ("nokia_sros", &["model_session", "classic_session"]),
    ("frr", &["router"]),
    ("linux", &["leaf"]),
    ("openvswitch", &["switch"]),
];

/// What the commands of a device scan give, as the transport hands it over.
fn answers(platform: &'static Platform, case: &str) -> Vec<Captured> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices").join(platform.name).join(case);
    let text = settle(&fs::read(folder.join("session.txt")).unwrap()).text;
    let recorded = sections(platform, &text, None);
    if platform.channel == Channel::Terminal {
        return recorded;
    }
    // One channel a command; a shell that is not there says so.
    let script = platform.script(&Scope::Device).unwrap();
    let answer = |section: &str| recorded.iter().find(|captured| captured.section == section);
    let given = script.iter().map(|command| {
        let (text, status) = match (answer(command.section), platform.name) {
            (Some(captured), _) => (captured.text.clone(), 0),
            (None, "frr") => ("% Unknown command: vtysh -c 'show running-config'\n".to_owned(), 1),
            (None, _) => ("ovs-vsctl: unknown command '--format=json'; use --help for help\n".to_owned(), 1),
        };
        Captured {
            section: command.section.to_owned(),
            command: command.text().to_owned(),
            text,
            prompt: None,
            ended: Ending::Exit(status),
        }
    });
    given.collect()
}

/// Every digit becomes another one, the same wherever the same number stands.
fn counted_on(line: &str, night: usize) -> String {
    let turn = |c: char| c.to_digit(10).map_or(c, |d| char::from_digit((d + night as u32) % 10, 10).unwrap());
    line.chars().map(turn).collect()
}

/// Times of day: `07:12:33` becomes another second of that hour.
fn timed(line: &str, night: usize) -> String {
    let mut out = line.to_owned();
    let bytes = line.as_bytes();
    let is_time = |w: &[u8]| {
        let shape = [true, true, false, true, true, false, true, true];
        w.iter().zip(shape).all(|(b, digit)| if digit { b.is_ascii_digit() } else { *b == b':' })
    };
    for at in 0..bytes.len().saturating_sub(7) {
        let alone = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_none_or(|b| !b.is_ascii_digit() && *b != b':')
        };
        if is_time(&bytes[at..at + 8]) && alone(at.checked_sub(1)) && alone(Some(at + 8)) {
            out.replace_range(at + 3..at + 8, &format!("{:02}:{:02}", night % 60, (night * 7) % 60));
        }
    }
    out
}

/// Ciphertexts: what stands behind a word for a secret, or looks like a hash,
/// has another end each night.
fn encrypted_anew(line: &str, night: usize) -> String {
    let mut out = Vec::new();
    let mut after = "";
    for word in line.split(' ') {
        let bare = word.trim_matches(['"', ';', ',', '\n']);
        let hash = bare.starts_with("enc-") || (bare.starts_with('$') && bare.matches('$').count() >= 2);
        let coded =
            matches!(after, "7" | "encrypted" | "hash2") && bare.len() > 8 && !bare.contains(['.', '/']);
        if hash || coded {
            let (start, end) = (word.find(bare).unwrap(), word.find(bare).unwrap() + bare.len());
            let tail = if coded { format!("{:04X}", night * 19 + 4_096) } else { format!("{night:04}") };
            out.push(format!("{}{tail}{}", &word[..end - 4], &word[end..]));
            debug_assert!(start < end);
        } else {
            out.push(word.to_owned());
        }
        after = bare;
    }
    out.join(" ")
}

/// Runs of blocks that begin with one of `heads`, in another order.
fn turned_blocks(text: &str, heads: &[&str], night: usize) -> String {
    let mut out = String::new();
    let mut run: Vec<String> = Vec::new();
    let mut open = false;
    let flush = |run: &mut Vec<String>, out: &mut String| {
        if !run.is_empty() {
            let turn = night % run.len();
            run.rotate_left(turn);
            out.push_str(&run.concat());
            run.clear();
        }
    };
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some(head) = heads.iter().find(|head| line.starts_with(**head)) {
            // A block of another name begins another run.
            if run.last().is_some_and(|last| !last.starts_with(*head)) {
                flush(&mut run, &mut out);
            }
            run.push(line.to_owned());
            open = true;
        } else if open && (indent > heads[0].len() - heads[0].trim_start().len() || is_end(line, heads[0])) {
            run.last_mut().unwrap().push_str(line);
        } else {
            flush(&mut run, &mut out);
            open = false;
            out.push_str(line);
        }
    }
    flush(&mut run, &mut out);
    out
}

/// A line that closes the block that `head` begins.
fn is_end(line: &str, head: &str) -> bool {
    let indent = &head[..head.len() - head.trim_start().len()];
    line.strip_prefix(indent).is_some_and(|rest| matches!(rest.trim_end(), "!" | "exit" | "}"))
}

/// The elements of the outermost list, in another order.
fn turned_list(text: &str, night: usize) -> String {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(text) else { return text.to_owned() };
    let list = match &mut value {
        serde_json::Value::Array(list) => Some(list),
        serde_json::Value::Object(map) => map.get_mut("data").and_then(|data| data.as_array_mut()),
        _ => None,
    };
    if let Some(list) = list.filter(|list| !list.is_empty()) {
        let turn = night % list.len();
        list.rotate_left(turn);
    }
    value.to_string() + "\n"
}

/// A text as it would be on another night.
fn on(night: usize, platform: &Platform, captured: &Captured) -> String {
    let text = &captured.text;
    if text.trim_start().starts_with(['[', '{']) && text.contains('"') {
        return turned_list(text, night);
    }
    let config = captured.section.starts_with("config");
    let counts =
        ["packets", "bytes", " rate", "uptime", "Last ", "bits/sec", "errors", "flapped", "Time", "Uptime"];
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        // When it was made, the same in all outputs of one night.
        if (platform.volatile)(line.trim_end()) || line.contains("config-start") {
            out.push_str(&timed(line, night));
        } else if config {
            out.push_str(&encrypted_anew(line, night));
        } else if !line.contains("line protocol") && counts.iter().any(|word| line.contains(word)) {
            // A name in front of it is no count.
            let at = line.find("uptime").unwrap_or(0);
            out.push_str(&line[..at]);
            out.push_str(&counted_on(&line[at..], night));
        } else {
            out.push_str(line);
        }
    }
    if !config {
        return out;
    }
    let heads: &[&str] = match platform.name {
        "cisco_ios" | "cisco_nxos" | "arista_eos" | "cisco_iosxr" | "frr" => &["interface "],
        "drivenets_dnos" => &["  ge", "    instance "],
        "juniper_junos" => &["    ge-", "    xe-", "    et-"],
        "nokia_sros" if out.contains("configure {") => &["    port "],
        _ => return out,
    };
    heads.iter().fold(out, |text, head| turned_blocks(&text, &[head], night))
}

/// Tells the recordings, as they are tonight. A device is called by its case.
struct Told(Arc<AtomicUsize>);

/// The cases by the names of their devices.
fn named() -> Vec<(String, &'static Platform, &'static str)> {
    let all = SESSIONS.iter().flat_map(|(name, cases)| cases.iter().map(move |case| (*name, *case)));
    all.zip(1..).map(|((name, case), n)| (format!("device-{n}"), by_name(name).unwrap(), case)).collect()
}

impl Fetch for Told {
    fn fetch<'a>(&'a self, device: &'a Device, platform: &'static Platform, _: &'a Scope) -> Fetching<'a> {
        let night = self.0.load(Ordering::SeqCst);
        Box::pin(async move {
            let case = named().into_iter().find(|(name, ..)| *name == device.name.as_str()).unwrap().2;
            let mut sections = answers(platform, case);
            for captured in &mut sections {
                captured.text = on(night, platform, captured);
            }
            let system = sections.iter().find_map(|captured| captured.prompt.clone());
            let took = Duration::from_secs(1);
            Ok(Transcript { sections, system, legacy: Vec::new(), took, bytes: 0, removed: 0 })
        })
    }
}

#[test]
fn thirty_nights_of_noise_are_no_change() {
    let all: Vec<&str> = SESSIONS.iter().map(|(name, _)| *name).collect();
    assert!(ALL.iter().all(|platform| all.contains(&platform.name)), "a platform is missing");
    for (name, platform, case) in named() {
        let moved = |n: usize| answers(platform, case).iter().any(|c| on(n, platform, c) != c.text);
        assert!(
            (1..NIGHTS).filter(|n| moved(*n)).count() > NIGHTS / 2,
            "{name} {case}: the nights are all alike"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let settings: Arc<Settings> = Arc::new(toml::from_str(BUILT_IN).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let night = Arc::new(AtomicUsize::new(0));
    let begun: DateTime<Utc> = "2026-03-01T02:00:00Z".parse().unwrap();
    let env = |now: DateTime<Utc>| {
        let told = Arc::new(Told(night.clone()));
        Env::with_fetch(dir.path().join("data"), Clock::fixed(now), settings.clone(), told).unwrap()
    };
    let mut rows = String::new();
    for (at, (name, platform, _)) in named().iter().enumerate() {
        writeln!(rows, "{name},127.0.0.{},{}", at + 1, platform.name).unwrap();
    }
    let devices = read_devices(&format!("name,address,platform\n{rows}"), "x").unwrap();
    import_devices(&env(begun), &devices, "test", true).unwrap();
    for n in 0..NIGHTS {
        night.store(n, Ordering::SeqCst);
        let env = env(begun + TimeDelta::days(i64::try_from(n).unwrap()));
        let devices = live_devices(&env).unwrap();
        let ask = OnDemand { devices: devices.clone(), scope: Scope::Device, full: false };
        let done = runtime.block_on(scan(&env, ask)).unwrap();
        for snapshot in &done.snapshots {
            let what = (snapshot.outcome, snapshot.detail.as_deref());
            assert_eq!(
                what,
                (Outcome::Complete, None),
                "{} {:?} night {n}",
                snapshot.platform,
                snapshot.device
            );
        }
        assert_eq!(done.drifts, [], "night {n}");
        let store = env.store().unwrap();
        assert_eq!(store.changes(None, DateTime::UNIX_EPOCH, None).unwrap(), [], "night {n}");
        if n == 0 {
            // The record says what the devices have, so that noise in any field would be a drift.
            let mut records = Vec::new();
            for (id, device) in &devices {
                let known = store.knowledge(&[*id]).unwrap().remove(id).unwrap();
                assert!(known.facts.len() > 1, "{}", device.name);
                let record =
                    |fact| driftcast::analysis::record_of(&device.name, fact, RecordSource::Imported);
                records.extend(known.facts.iter().map(record));
            }
            drop(store);
            import_records(&env, &records, "ann", "test").unwrap();
        }
    }
}

/// The noise itself keeps what it should: whoever turns blocks loses no line.
#[test]
fn each_night_has_the_same_lines() {
    for (name, cases) in SESSIONS {
        for case in *cases {
            let platform = by_name(name).unwrap();
            let sections = answers(platform, case);
            let facts = |night: usize| {
                let mut tonight = sections.clone();
                for captured in &mut tonight {
                    captured.text = on(night, platform, captured);
                }
                let reading = (platform.read)(&Scope::Device, &tonight, Rules::Live);
                assert!(
                    reading.outcome.is_complete(),
                    "{name} {case} {night}: {:?} {:?}",
                    reading.outcome,
                    reading.detail
                );
                reading.into_snapshot("R1", platform, Scope::Device, None).take_facts()
            };
            let first = facts(0);
            for night in 1..8 {
                for (a, b) in first.iter().zip(&facts(night)) {
                    assert_eq!((a.key(), a.fields()), (b.key(), b.fields()), "{name} {case} {night}");
                }
            }
            for captured in sections.iter().filter(|captured| !captured.text.starts_with(['[', '{'])) {
                assert_eq!(
                    captured.text.lines().count(),
                    on(3, platform, captured).lines().count(),
                    "{name} {case}"
                );
            }
        }
    }
}
