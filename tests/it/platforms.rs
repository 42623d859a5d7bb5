//! Every platform against recordings: `tests/devices/<platform>/<case>/` holds
//! a file as people have it (`input.txt`, or `session.txt` with the raw bytes
//! of a login) and the snapshots that it must give (`expected.json`).
//!
//! A case without `expected.json` gets one written and fails: read it, then
//! keep it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use driftcast::model::{Outcome, Scope, Snapshot};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{guess, read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{ALL, Captured, Ending, Platform, Reading, Rules, by_name};
use proptest::prelude::*;

fn keeper() -> Keeper {
    Keeper::new(&[1; 32])
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices")
}

/// All cases of a platform: name and bytes.
fn cases(platform: &Platform) -> Vec<(PathBuf, Vec<u8>)> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder().join(platform.name)).unwrap() {
        let case = entry.unwrap().path();
        if !case.is_dir() {
            continue;
        }
        let file = ["input.txt", "session.txt"].map(|name| case.join(name)).into_iter().find(|f| f.exists());
        cases.push((case, fs::read(file.unwrap()).unwrap()));
    }
    cases.sort();
    cases
}

fn bytes_of(case: &str) -> Vec<u8> {
    let case = folder().join("drivenets_dnos").join(case);
    fs::read(case.join("session.txt")).or_else(|_| fs::read(case.join("input.txt"))).unwrap()
}

fn dnos() -> &'static Platform {
    by_name("drivenets_dnos").unwrap()
}

fn snapshots(case: &str) -> Vec<Snapshot> {
    read_text(dnos(), &bytes_of(case), None, &keeper())
}

/// As a live session would have it: the outputs of one login, all signs demanded.
fn live(scope: &Scope, bytes: &[u8]) -> Reading {
    let text = settle(bytes).text;
    (dnos().read)(scope, &sections(dnos(), &text, None), Rules::Live)
}

fn without_kept(mut snapshot: Snapshot) -> serde_json::Value {
    snapshot.kept = None;
    serde_json::to_value(&snapshot).unwrap()
}

#[test]
fn recordings_give_what_is_expected() {
    let mut wrong = Vec::new();
    for platform in ALL {
        let cases = cases(platform);
        assert!(cases.len() >= 12);
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
fn every_line_is_counted_once() {
    for platform in ALL {
        for (case, bytes) in cases(platform) {
            let text = settle(&bytes).text;
            let lines = text.lines().filter(|line| !line.trim().is_empty()).count() as u64;
            let counted: u64 = read_text(platform, &bytes, None, &keeper())
                .iter()
                .map(|s| s.lines.read + s.lines.ignored + s.lines.unread)
                .sum();
            assert_eq!(counted, lines, "{}", case.display());
        }
    }
}

#[test]
fn the_platform_is_recognised() {
    for (case, bytes) in cases(dnos()) {
        let known = !case.ends_with("not_dnos");
        let found = guess(&String::from_utf8_lossy(&bytes)).map(|platform| platform.name);
        assert_eq!(found == Some("drivenets_dnos"), known, "{}: {found:?}", case.display());
    }
}

/// What a live session concludes: `complete` only where everything is there.
#[test]
fn live_verdicts() {
    let interface = |name: &str| Scope::Interface(name.to_owned());
    let domain = || Scope::BridgeDomain("g_visaev_v251".to_owned());
    for (case, scope, outcome, detail) in [
        ("leaf_b15", Scope::Device, Outcome::Complete, None),
        ("old_system", Scope::Device, Outcome::Complete, None),
        ("marks_in_descriptions", Scope::Device, Outcome::Complete, None),
        ("services", Scope::Device, Outcome::Complete, None),
        ("services_flattened", Scope::Device, Outcome::Complete, None),
        ("absent_interface", interface("ge100-0/0/31.251"), Outcome::Complete, None),
        ("one_interface", interface("ge100-0/0/31.251"), Outcome::Complete, None),
        ("unconfigured_port", interface("ge100-0/0/0"), Outcome::Complete, None),
        ("one_bridge_domain", domain(), Outcome::Complete, None),
        ("absent_bridge_domain", domain(), Outcome::Complete, None),
        ("refused", Scope::Device, Outcome::Refused, Some("unknown-word")),
        ("insufficient_rights", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("wrong_name", Scope::Device, Outcome::WrongDevice, Some("other-system")),
        ("commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        ("cut_at_block_end", Scope::Device, Outcome::Incomplete, Some("no-end-mark")),
        ("empty_interfaces", Scope::Device, Outcome::Incomplete, Some("empty")),
        ("row_missing", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        ("noise", Scope::Device, Outcome::Incomplete, Some("noise")),
        ("line_lost", Scope::Device, Outcome::Incomplete, Some("unbalanced")),
        ("pager", Scope::Device, Outcome::Incomplete, Some("pager")),
        ("scripted_session", Scope::Device, Outcome::Incomplete, Some("section-missing")),
        ("not_dnos", Scope::Device, Outcome::Unread, None),
    ] {
        let reading = live(&scope, &bytes_of(case));
        assert_eq!((reading.outcome, reading.detail.as_deref()), (outcome, detail), "{case}");
        if !outcome.is_complete() {
            continue;
        }
        let prompts = [None, Some("another".to_owned())];
        for prompt in prompts {
            let text = settle(&bytes_of(case)).text;
            let mut sections = sections(dnos(), &text, None);
            sections.last_mut().unwrap().prompt = prompt;
            let reading = (dnos().read)(&scope, &sections, Rules::Live);
            assert!(!reading.outcome.is_complete(), "{case}");
        }
    }
}

#[test]
fn the_flattened_form_says_the_same() {
    let facts = |case: &str| {
        let mut snapshot = snapshots(case).remove(0);
        assert_eq!(snapshot.outcome, Outcome::Complete);
        snapshot.take_facts()
    };
    assert_eq!(facts("services"), facts("services_flattened"));
}

#[test]
fn a_narrow_scope_gives_the_facts_of_the_whole() {
    let whole = snapshots("leaf_b15").remove(0);
    let one = live(&Scope::Interface("ge100-0/0/31.251".to_owned()), &bytes_of("one_interface"));
    assert_eq!(one.interfaces.len(), 1);
    assert!(one.bridge_domains.is_empty() && one.vlans.is_empty());
    assert!(whole.interfaces.contains(&one.interfaces[0]));
    let domain = live(&Scope::BridgeDomain("g_visaev_v251".to_owned()), &bytes_of("one_bridge_domain"));
    assert_eq!(domain.bridge_domains[0].interfaces, whole.bridge_domains[1].interfaces);
    assert!(domain.interfaces.iter().all(|port| whole.interfaces.contains(port)));
    assert_eq!(domain.interfaces.len(), 2);
    let gone = live(&Scope::Interface("ge100-0/0/31.251".to_owned()), &bytes_of("absent_interface"));
    assert!(gone.interfaces.is_empty());
}

/// Drop the line, the connection or the last bytes: it is never `complete`.
#[test]
fn a_cut_recording_is_never_complete() {
    let bytes = bytes_of("leaf_b15");
    assert!(live(&Scope::Device, &bytes).outcome.is_complete());
    // The blank behind the last prompt says nothing.
    for cut in 0..bytes.len() - 1 {
        let reading = live(&Scope::Device, &bytes[..cut]);
        assert!(!reading.outcome.is_complete(), "cut at byte {cut}");
    }
}

/// A line that is lost from the configuration, while everything around it is
/// there, is noticed whenever it changes the form of the text.
#[test]
fn lost_structure_is_noticed() {
    let text = settle(&bytes_of("leaf_b15")).text;
    let whole = sections(dnos(), &text, None);
    for (at, captured) in whole.iter().enumerate().filter(|(_, c)| c.section.starts_with("config ")) {
        let lines: Vec<&str> = captured.text.lines().collect();
        for lost in 0..lines.len() {
            let line = lines[lost].trim();
            let is_structure = !line.contains(' ') || line.starts_with('#') || line.starts_with("instance ");
            if line.is_empty() || !is_structure {
                continue;
            }
            let mut cut = whole.clone();
            let rest = lines.iter().enumerate().filter(|(n, _)| *n != lost).map(|(_, line)| *line);
            cut[at].text = rest.collect::<Vec<_>>().join("\n");
            let reading = (dnos().read)(&Scope::Device, &cut, Rules::Live);
            // The `!` behind a member that has no settings is optional.
            let optional = line == "!" && lines[lost - 1].trim().starts_with("interface ");
            assert!(optional || !reading.outcome.is_complete(), "{}: {line}", captured.section);
        }
    }
}

#[test]
fn the_command_says_what_a_bare_answer_is() {
    let text = b"--------^\r\nERROR: Unknown word: 'ge100-0/0/31.251'.\r\n";
    let read = |command| read_text(dnos(), text, command, &keeper()).remove(0);
    let mut absent = read(Some("show interfaces ge100-0/0/31.251 | no-more"));
    assert_eq!(absent.outcome, Outcome::Complete);
    assert_eq!(absent.scope, Scope::Interface("ge100-0/0/31.251".to_owned()));
    assert!(absent.take_facts().is_empty());
    assert_eq!(read(Some("show interfaces ge100-0/0/32 | no-more")).outcome, Outcome::Refused);
    assert_eq!(read(None).outcome, Outcome::Unread);
}

/// Secrets are gone before anything is read, wherever they stand.
#[test]
fn no_secret_reaches_a_snapshot() {
    let snapshots = snapshots("services");
    let text = serde_json::to_string(&snapshots).unwrap();
    assert!(!text.contains("$6$") && text.contains("<hidden:"));
    let kept = snapshots[0].kept.as_ref().unwrap();
    assert_eq!(kept[0].section, "config");
    assert!(kept[0].text.contains("# PE-1 config-start\n"), "without its date");
}

#[test]
fn a_name_that_does_not_fit_is_refused_before_anything_is_sent() {
    for bad in ["", "-x", "a b", "x | save y", "x\nconfigure", "ü"] {
        assert!(dnos().script(&Scope::Interface(bad.to_owned())).is_err(), "{bad:?}");
        assert!(dnos().script(&Scope::BridgeDomain(bad.to_owned())).is_err(), "{bad:?}");
    }
    let script = dnos().script(&Scope::Interface("ge100-0/0/31.251".to_owned())).unwrap();
    assert_eq!(script[0].text(), "show interfaces ge100-0/0/31.251 | no-more");
    assert_eq!(dnos().named("config").unwrap().text(), "show config | no-more");
    assert!(dnos().named("interfaces").is_none());
    assert_eq!(dnos().script(&Scope::Device).unwrap().len(), 7);
}

/// The recordings beside the project, if they are there: every interface with its VLANs.
#[test]
fn recordings_beside_the_project() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(folder) = ["../shared", "../../shared"]
        .map(|up| root.join(up).join("devices/fixtures/dnos"))
        .into_iter()
        .find(|folder| folder.is_dir())
    else {
        return;
    };
    for (text, expected) in [
        (
            "ansible-collection-dnos/show_interfaces.txt",
            "ansible-collection-dnos/show_interfaces.expected.json",
        ),
        (
            "drivenets-topology-studio/pe4_query_result.txt",
            "drivenets-topology-studio/pe4_query_result.show_interfaces.expected.json",
        ),
    ] {
        let snapshot = read_text(dnos(), &fs::read(folder.join(text)).unwrap(), None, &keeper()).remove(0);
        assert_eq!(snapshot.outcome, Outcome::Complete, "{text}: {:?}", snapshot.detail);
        let rows: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read(folder.join(expected)).unwrap()).unwrap();
        assert_eq!(snapshot.interfaces.len(), rows.len());
        for row in rows {
            let name = row["name"].as_str().unwrap();
            let port = snapshot.interfaces.iter().find(|port| port.name == name).unwrap();
            let tag = |value: &serde_json::Value| value.as_u64().map(|id| id.to_string());
            assert_eq!(port.encapsulation.outer, tag(&row["vlan_outer"]), "{name}");
            assert_eq!(port.encapsulation.inner, tag(&row["vlan_inner"]), "{name}");
            assert_eq!(port.l2, row["l2"].as_bool().unwrap(), "{name}");
            assert_eq!(port.mtu.map(u64::from), row["mtu"].as_u64(), "{name}");
            let service = row["service"].as_str().filter(|name| *name != "default");
            assert_eq!(port.service.as_ref().map(|s| s.name.as_str()), service, "{name}");
            let bundle = tag(&row["bundle_id"]).or(row["bundle_id"].as_str().map(str::to_owned));
            assert_eq!(port.bundle, bundle.map(|id| format!("bundle-{id}")), "{name}");
        }
    }
    for entry in fs::read_dir(&folder).unwrap() {
        for file in fs::read_dir(entry.unwrap().path()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            assert!(!read_text(dnos(), &bytes, None, &keeper()).is_empty());
        }
    }
}

fn lines_of_all_cases() -> Vec<String> {
    cases(dnos())
        .iter()
        .flat_map(|(_, bytes)| settle(bytes).text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for platform in ALL {
            let counted: u64 = read_text(platform, &bytes, None, &keeper())
                .iter()
                .map(|s| s.lines.read + s.lines.ignored + s.lines.unread)
                .sum();
            let text = settle(&bytes).text;
            prop_assert_eq!(counted, text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64);
        }
    }

    #[test]
    fn shuffled_lines_are_all_counted(
        order in proptest::collection::vec(any::<prop::sample::Index>(), 1..120),
        section in prop::sample::select(vec!["config", "config interfaces", "config network-services", "config services", "interfaces", "interface detail", "rollback", "version", "other"]),
        ends in any::<bool>(),
    ) {
        let all = lines_of_all_cases();
        let text: String = order.iter().map(|at| at.get(&all).as_str()).collect::<Vec<_>>().join("\n");
        let text = if ends { text + "\n" } else { text };
        let captured = Captured {
            section: section.to_owned(),
            command: "show config interfaces ge100-0/0/31.251 | no-more".to_owned(),
            text: text.clone(),
            prompt: Some("R1".to_owned()),
            ended: Ending::Prompt,
        };
        let lines = text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64;
        for scope in [Scope::Device, Scope::Interface("ge100-0/0/31.251".to_owned()), Scope::BridgeDomain("five".to_owned())] {
            for rules in [Rules::Live, Rules::Offline] {
                let reading = (dnos().read)(&scope, std::slice::from_ref(&captured), rules);
                let counts = reading.lines;
                prop_assert_eq!(counts.read + counts.ignored + counts.unread, lines);
                prop_assert!(reading.interfaces.is_sorted_by(|a, b| a.name < b.name));
            }
        }
        let snapshots = read_text(dnos(), text.as_bytes(), None, &keeper());
        let counted: u64 = snapshots.iter().map(|s| s.lines.read + s.lines.ignored + s.lines.unread).sum();
        prop_assert_eq!(counted, lines);
    }
}
