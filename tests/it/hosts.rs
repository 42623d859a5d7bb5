//! Platforms that are asked over exec channels (FRR, Linux, Open vSwitch):
//! there is no prompt to wait for, so the text itself has to say that it is
//! whole. And what counts as noise there.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use driftcast::model::snapshot::digest_of;
use driftcast::model::{Fact, Kind, Outcome, Scope};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{guess, read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{ALL, Captured, Ending, Platform, Reading, Rules, by_name};

/// The recording of each platform in which everything was asked for.
const WHOLE: &[(&str, &str)] = &[("frr", "router"), ("linux", "leaf"), ("openvswitch", "switch")];

fn devices() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices")
}

fn text_of(platform: &str, case: &str) -> String {
    let case = devices().join(platform).join(case);
    let bytes = fs::read(case.join("session.txt")).or_else(|_| fs::read(case.join("input.txt"))).unwrap();
    settle(&bytes).text
}

/// What the commands of a device scan give, one channel each: the answers of a
/// recording, and `without` for the shell that is not there.
fn answers(platform: &'static Platform, case: &str, without: &str) -> Vec<Captured> {
    let recorded = sections(platform, &text_of(platform.name, case), None);
    let script = platform.script(&Scope::Device).unwrap();
    let mut given = Vec::new();
    for command in script {
        let section = command.section;
        let base = section.strip_suffix(" shell").or(section.strip_suffix(" bare")).unwrap_or(section);
        let answer = recorded.iter().find(|captured| captured.section == base && base == section);
        let (text, status) = match answer {
            Some(captured) => (captured.text.clone(), 0),
            None => (without.to_owned(), 1),
        };
        let (section, command) = (section.to_owned(), command.text().to_owned());
        given.push(Captured { section, command, text, prompt: None, ended: Ending::Exit(status) });
    }
    given
}

fn whole(name: &str, case: &str) -> (&'static Platform, Vec<Captured>) {
    let platform = by_name(name).unwrap();
    let without = match name {
        "frr" => "% Unknown command: vtysh -c 'show running-config'\n",
        _ => "ovs-vsctl: unknown command '--format=json'; use --help for help\n",
    };
    (platform, answers(platform, case, without))
}

fn live(platform: &Platform, sections: &[Captured]) -> Reading {
    (platform.read)(&Scope::Device, sections, Rules::Live)
}

fn facts(reading: Reading, platform: &'static Platform) -> Vec<Fact> {
    let mut facts = reading.into_snapshot("x", platform, Scope::Device, None).take_facts();
    facts.retain(|fact| platform.vlan_objects || fact.kind() != Kind::Vlan);
    facts
}

#[test]
fn one_way_of_asking_is_enough() {
    for (name, case) in WHOLE {
        let (platform, sections) = whole(name, case);
        let reading = live(platform, &sections);
        assert_eq!((reading.outcome, reading.detail.as_deref()), (Outcome::Complete, None), "{name}");
        assert!(reading.system.is_some(), "{name}");
        // Neither way is answered.
        let mut none = sections.clone();
        for section in &mut none {
            "sh: 1: vtysh: not found\n".clone_into(&mut section.text);
            section.ended = Ending::Exit(127);
        }
        assert!(!live(platform, &none).outcome.is_complete(), "{name}");
    }
    // The other way round: a shell in which vtysh can be run.
    let (frr, mut sections) = whole("frr", "router");
    for pair in sections.chunks_mut(2) {
        let [vtysh, shell] = pair else { panic!() };
        std::mem::swap(&mut vtysh.text, &mut shell.text);
        std::mem::swap(&mut vtysh.ended, &mut shell.ended);
        "bash: line 1: show: command not found\n".clone_into(&mut vtysh.text);
    }
    assert_eq!(live(frr, &sections).outcome, Outcome::Complete);
}

/// An answer that ends early is never `complete`, although the channel was
/// closed in good order.
#[test]
fn a_cut_answer_is_never_complete() {
    for (name, case) in WHOLE {
        let (platform, sections) = whole(name, case);
        let expected = facts(live(platform, &sections), platform);
        for at in 0..sections.len() {
            let text = &sections[at].text;
            if sections[at].ended != Ending::Exit(0) || sections[at].section == "system" {
                continue;
            }
            let json = text.trim_start().starts_with(['[', '{']);
            let step = if json { 7 } else { 1 };
            for cut in (0..text.trim_end().len()).step_by(step).filter(|cut| text.is_char_boundary(*cut)) {
                let mut less = sections.clone();
                less[at].text = text[..cut].to_owned();
                let reading = live(platform, &less);
                let complete = reading.outcome.is_complete();
                // The last line of the last block may say nothing of ours.
                let same = complete && facts(reading, platform) == expected;
                let where_it_is = &text[text.floor_char_boundary(cut.saturating_sub(40))..cut];
                let is_config = sections[at].section.starts_with("config");
                assert!(
                    !complete || (same && !is_config),
                    "{name} {}: {where_it_is:?}",
                    sections[at].section
                );
            }
        }
        for lost in 0..sections.len() {
            if sections[lost].ended == Ending::Exit(0) {
                let mut less = sections.clone();
                less.remove(lost);
                let command = &sections[lost].command;
                assert!(!live(platform, &less).outcome.is_complete(), "{name} without {command}");
            }
            let mut failed = sections.clone();
            failed[lost].ended = Ending::Unseen;
            assert!(!live(platform, &failed).outcome.is_complete(), "{name}: nobody saw the end");
            if sections[lost].ended == Ending::Exit(0) {
                failed[lost].ended = Ending::Exit(1);
                let outcome = live(platform, &failed).outcome;
                assert!(!outcome.is_complete() || sections[lost].section == "system", "{name}: status 1");
            }
        }
    }
}

/// One object is read from the whole, and is what the whole says.
#[test]
fn a_narrow_scope_gives_the_facts_of_the_whole() {
    for (name, case, port, domain) in [
        ("frr", "router", "bond1.100.7", "br7"),
        ("linux", "leaf", "cust7", "br77"),
        ("openvswitch", "switch", "ge2", "br-int"),
    ] {
        let (platform, sections) = whole(name, case);
        let all = live(platform, &sections);
        let read = |scope: Scope| (platform.read)(&scope, &sections, Rules::Live);
        let one = read(Scope::Interface(port.to_owned()));
        assert_eq!(one.outcome, Outcome::Complete);
        assert_eq!(one.interfaces, [all.interfaces.iter().find(|i| i.name == port).unwrap().clone()]);
        let one = read(Scope::BridgeDomain(domain.to_owned()));
        assert_eq!(
            one.bridge_domains,
            [all.bridge_domains.iter().find(|b| b.name == domain).unwrap().clone()]
        );
        assert!(!one.interfaces.is_empty() && one.interfaces.iter().all(|i| all.interfaces.contains(i)));
        let gone = read(Scope::Interface("ge9.9".to_owned()));
        assert_eq!((gone.outcome, gone.interfaces.len()), (Outcome::Complete, 0), "{name}");
    }
}

/// Thirty nights: counters, times, indexes, the order of lists and of JSON
/// members change, and nothing else does.
#[test]
fn noise_is_no_change() {
    let keeper = Keeper::new(&[3; 32]);
    for (name, case) in WHOLE {
        let (platform, sections) = whole(name, case);
        let mut digests = BTreeMap::new();
        for night in 0..30_usize {
            let mut tonight = sections.clone();
            for section in &mut tonight {
                section.text = noisy(&section.text, night);
            }
            let kept: Vec<_> = tonight
                .iter()
                .filter(|section| section.section.starts_with("config"))
                .map(|section| keeper.kept(platform, "x", &section.section, &section.text))
                .collect();
            let reading = live(platform, &tonight);
            assert_eq!(reading.outcome, Outcome::Complete, "{name}: {:?}", reading.detail);
            digests.insert((digest_of(&facts(reading, platform)), format!("{kept:?}")), night);
        }
        assert_eq!(digests.len(), 1, "{name}");
    }
}

fn noisy(text: &str, night: usize) -> String {
    if let Ok(mut json) = serde_json::from_str::<serde_json::Value>(text) {
        let rows = json.get_mut("data").and_then(|data| data.as_array_mut());
        if let Some(rows) = rows {
            let at = night % rows.len();
            rows.rotate_left(at);
        } else if let Some(links) = json.as_array_mut() {
            let at = night % links.len();
            links.rotate_left(at);
            for link in links.iter_mut().filter_map(|link| link.as_object_mut()) {
                link.insert("ifindex".to_owned(), (night + 7).into());
                link.insert("promiscuity".to_owned(), (night % 2).into());
                if let Some(data) = link.get_mut("linkinfo").and_then(|info| info.get_mut("info_data")) {
                    data["gc_timer"] = (night as f64 / 3.0).into();
                }
            }
        }
        return json.to_string() + "\n";
    }
    text.lines()
        .map(|line| {
            let line = match line.split_once("Link ups:") {
                Some((indent, _)) => {
                    format!("{indent}Link ups:       {night}    last: 2026/11/{night:02} 01:02:03.00")
                }
                None if line.starts_with("  index ") => line.replacen("index ", &format!("index {night}"), 1),
                None if line.starts_with("frr version") => format!("frr version 9.1.{night}"),
                None => line.to_owned(),
            };
            line + "\n"
        })
        .collect()
}

/// A change that matters is one.
#[test]
fn a_change_is_seen() {
    for (name, case, section, from, to) in [
        ("frr", "router", "config", " description spare\n", " description used\n"),
        ("frr", "router", "interfaces", "VLAN Id 2510", "VLAN Id 2511"),
        ("frr", "router", "config", "pw-id 252", "pw-id 253"),
        ("linux", "leaf", "links", "\"id\":2510", "\"id\":2511"),
        ("linux", "leaf", "bridge vlans", "\"vlanEnd\":199", "\"vlanEnd\":198"),
        ("openvswitch", "switch", "ports", "\"ge1\",251", "\"ge1\",252"),
    ] {
        let (platform, sections) = whole(name, case);
        let before = facts(live(platform, &sections), platform);
        let mut after = sections.clone();
        let changed = after.iter_mut().find(|captured| captured.section == section).unwrap();
        assert!(changed.text.contains(from), "{name}: {from}");
        changed.text = changed.text.replace(from, to);
        let after = facts(live(platform, &after), platform);
        let differing = before.iter().filter(|fact| {
            !after.iter().any(|other| other.fields() == fact.fields() && other.key() == fact.key())
        });
        assert_eq!(differing.count(), 1, "{name}: {from}");
    }
}

#[test]
fn the_platform_is_guessed() {
    for platform in ALL {
        for entry in fs::read_dir(devices().join(platform.name)).unwrap() {
            let case = entry.unwrap().file_name().to_string_lossy().into_owned();
            if !["frr", "linux", "openvswitch"].contains(&platform.name) || case.starts_with('.') {
                continue;
            }
            let found = guess(&text_of(platform.name, &case)).map(|platform| platform.name);
            // Refusals look the same everywhere, and one cut array like another.
            let nobody = ["no_rights", "no_ip", "not_installed", "cut_json", "ragged", "absent_interface"];
            let fits = if case.starts_with("not_") {
                found != Some(platform.name)
            } else {
                found == Some(platform.name)
            };
            assert!(
                fits || (found.is_none() && nobody.contains(&case.as_str())),
                "{}/{case}: {found:?}",
                platform.name
            );
        }
    }
}

/// `ip link show` of other people, if it stands beside the project.
#[test]
fn recordings_beside_the_project() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../shared", "../../shared"].map(|up| root.join(up));
    let Some(shared) = folders.into_iter().find(|folder| folder.join("devices/fixtures").is_dir()) else {
        return;
    };
    let keeper = Keeper::new(&[3; 32]);
    let linux = by_name("linux").unwrap();
    let folder = shared.join("devices/fixtures/linux/ntc-templates/ip_link_show");
    let mut rows = 0;
    for case in ["busybox_ip_link_show", "linux_ip_link_show_2"] {
        let raw = fs::read(folder.join(format!("{case}.raw"))).unwrap();
        let yaml = fs::read_to_string(folder.join(format!("{case}.yml"))).unwrap();
        let expected: BTreeMap<String, Vec<BTreeMap<String, String>>> = yaml_serde::from_str(&yaml).unwrap();
        let snapshot = read_text(linux, &raw, None, &keeper).remove(0);
        assert_eq!(snapshot.outcome, Outcome::Complete, "{case}");
        for row in &expected["parsed_sample"] {
            let port = snapshot.interfaces.iter().find(|port| port.name == row["interface"]).unwrap();
            assert_eq!(port.mtu.map(|mtu| mtu.to_string()).as_ref(), Some(&row["mtu"]));
            assert_eq!(port.description.as_deref().unwrap_or(""), row["alias"]);
            let up = row["flags"].split(',').any(|flag| flag == "UP");
            assert_eq!(port.admin == Some(driftcast::model::AdminState::Up), up);
            rows += 1;
        }
        assert_eq!(snapshot.interfaces.len(), expected["parsed_sample"].len());
    }
    assert_eq!(rows, 8);
    let transcripts = shared.join("lab/transcripts");
    for (file, platform, interfaces, domains) in [
        ("frr-interactive.raw", "frr", 15, 2),
        ("frr-exec-running-config.txt", "frr", 3, 0),
        ("r1-ip-link.json", "linux", 15, 2),
        ("ovs-list-port.json", "openvswitch", 104, 0),
        ("ovs-bridge.json", "openvswitch", 0, 2),
    ] {
        let bytes = fs::read(transcripts.join(file)).unwrap();
        let guessed = guess(&String::from_utf8_lossy(&bytes)).unwrap();
        let snapshot = read_text(guessed, &bytes, None, &keeper).remove(0);
        assert_eq!(guessed.name, platform, "{file}");
        assert_eq!(
            (snapshot.interfaces.len(), snapshot.bridge_domains.len()),
            (interfaces, domains),
            "{file}"
        );
    }
}
