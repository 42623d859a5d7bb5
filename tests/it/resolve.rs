//! Refused deploys: transcripts of every platform against what its device has,
//! and the whole way through the lab, as a deployment tool would go it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;

use driftcast::model::{
    BridgeDomain, Encapsulation, EncapsulationKind, Fact, Interface, ServiceKind, ServiceRef, Vlan,
};
use driftcast::platform::{self, transcript::Transcript};
use driftcast::sync::verdict::{self, Class, Evidence, Wanted};

use crate::cli::{Bench, Ran};

/// `tests/transcripts/PLATFORM/NAME.toml`: what was wanted, what the device
/// has, and the verdict on each thing. The transcript is beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    device: String,
    #[serde(default)]
    others: Vec<String>,
    classes: Vec<Class>,
    #[serde(default)]
    bridge_domains: Vec<String>,
    /// VLANs that the last whole reading had.
    #[serde(default)]
    vlans: Vec<u16>,
    wanted: Asked,
    #[serde(default)]
    interface: Vec<Port>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    interface: Option<String>,
    vlan: Option<u16>,
    inner: Option<u16>,
    bridge_domain: Option<String>,
    service: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    name: String,
    parent: Option<String>,
    outer: Option<String>,
    inner: Option<String>,
    /// `kind/name`
    service: Option<String>,
    #[serde(default)]
    l2: bool,
}

impl Port {
    fn fact(self) -> Fact {
        let kind = match (&self.outer, &self.inner) {
            (None, _) => EncapsulationKind::None,
            (Some(tags), None) if tags.contains([',', '-']) => EncapsulationKind::Range,
            (Some(_), None) => EncapsulationKind::Dot1q,
            (Some(_), Some(_)) => EncapsulationKind::Qinq,
        };
        let service = self.service.map(|text| {
            let (kind, name) = text.split_once('/').unwrap();
            ServiceRef { kind: ServiceKind::parse(kind).unwrap(), name: name.to_owned() }
        });
        Fact::Interface(Interface {
            parent: self.parent,
            l2: self.l2,
            service,
            encapsulation: Encapsulation { kind, outer: self.outer, inner: self.inner, tpid: None },
            ..Interface::named(self.name)
        })
    }
}

fn cases() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files = Vec::new();
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        let platform = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|end| end == "toml") {
                files.push((platform.clone(), file));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn transcripts_of_every_class_are_judged_right() {
    let (mut seen, mut wrong): (BTreeSet<Class>, Vec<String>) = (BTreeSet::new(), Vec::new());
    let cases = cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, file) in cases {
        let case: Case = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let text = fs::read_to_string(file.with_extension("txt")).unwrap();
        let transcript = Transcript::read(platform::by_name(&name).unwrap(), &text);
        let mut live: Vec<Fact> = case.interface.into_iter().map(Port::fact).collect();
        live.extend(case.bridge_domains.into_iter().map(|name| {
            Fact::BridgeDomain(BridgeDomain {
                name,
                admin: None,
                description: None,
                interfaces: vec![],
                router_interface: None,
            })
        }));
        let vlan = |id| Fact::Vlan(Vlan { id, name: None, interfaces: vec![] });
        let vlans: Vec<Fact> = case.vlans.into_iter().map(vlan).collect();
        let asked = case.wanted;
        let wanted = Wanted {
            interface: asked.interface,
            vlan: asked.vlan,
            inner: asked.inner,
            bridge_domain: asked.bridge_domain,
            service: asked.service,
            vlan_objects: platform::by_name(&name).unwrap().vlan_objects,
        };
        let others: BTreeSet<String> = case.others.iter().map(|name| name.to_lowercase()).collect();
        let evidence = Evidence {
            device: &case.device,
            others: &|name| others.contains(name),
            live: &live,
            records: &[],
            vlans: &vlans,
            transcript: Some(&transcript),
        };
        let objects = verdict::judge(&wanted, &evidence);
        let classes: Vec<Class> = objects.iter().map(|object| object.class).collect();
        seen.extend(&classes);
        if classes != case.classes {
            let whys: Vec<&str> = objects.iter().map(|object| object.why.as_str()).collect();
            wrong.push(format!("{}: {classes:?}, not {:?}: {whys:?}", file.display(), case.classes));
        }
        // Whatever the transcript says: what the device does not have is not identical.
        let nothing = Evidence { live: &[], vlans: &[], ..evidence };
        let bare = verdict::judge(&wanted, &nothing);
        assert!(bare.iter().all(|object| !object.is_there()), "{}", file.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen.len(), 8, "every class: {seen:?}");
}

const STORY: [&str; 7] =
    ["DNAAS-LEAF-B15", "ge100-0/0/31.251", "--vlan", "251", "--bridge-domain", "g_visaev_v251", "--json"];

fn resolve(bench: &Bench, arguments: &[&str], transcript: &str) -> Ran {
    let mut command = bench.command(&["resolve"]);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(transcript.as_bytes());
    Ran(child.wait_with_output().unwrap())
}

fn story(more: &[&'static str]) -> Vec<&'static str> {
    [STORY.as_slice(), more].concat()
}

fn classes(value: &Value) -> Vec<&str> {
    value["objects"].as_array().unwrap().iter().map(|object| object["class"].as_str().unwrap()).collect()
}

const DEPLOY: &str = "DNAAS-LEAF-B15(cfg)# interfaces ge100-0/0/31.251 vlan-id 251\n\
    DNAAS-LEAF-B15(cfg)# interfaces ge100-0/0/31.251 l2-service enabled\n\
    DNAAS-LEAF-B15(cfg)# network-services bridge-domain instance g_visaev_v251 interface ge100-0/0/31.251\n\
    DNAAS-LEAF-B15(cfg)# commit\n\
    NOTICE: commit action is not applicable. no configuration changes were made\n";

#[test]
fn already_configured_is_found_decided_and_then_as_wanted() {
    let bench = Bench::new();
    bench.demo();
    bad_input(&bench);
    // Nobody answers on its port.
    let ran = resolve(&bench, &story(&["--choose", "sync"]), DEPLOY);
    assert_eq!(ran.code(), 4, "{}", ran.all());
    assert!(ran.err().contains("nothing was decided"), "{}", ran.all());

    let lab = bench.lab();
    let records = bench.run(&["records", "export"]).out();
    // Nothing chosen, nobody to ask: it stops.
    let ran = resolve(&bench, &STORY, DEPLOY);
    assert_eq!((ran.code(), &ran.json()["decision"]), (13, &Value::Null), "{}", ran.all());
    assert_eq!(classes(&ran.json()), ["identical", "identical"], "{}", ran.all());

    a_person_is_asked(&bench);
    // A skip is debt: listed, and looked at again.
    let ran = resolve(
        &bench,
        &story(&["--choose", "skip", "--reason", "ask ann", "--until", "2099-01-31"]),
        DEPLOY,
    );
    assert_eq!(ran.code(), 10, "{}", ran.all());
    assert!(ran.json()["request"].is_u64(), "{}", ran.all());
    let status = bench.json(&["status"]);
    assert_eq!(status["decisions"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(status["decisions"][0]["why"], "ask ann");
    assert!(status["queue"].as_array().unwrap().iter().any(|one| one["reason"] == "conflict"), "{status}");
    let ran = resolve(&bench, &story(&["--choose", "override"]), DEPLOY);
    assert_eq!(ran.code(), 12, "{}", ran.all());
    let ran = resolve(&bench, &story(&["--choose", "abort"]), DEPLOY);
    assert_eq!(ran.code(), 13, "{}", ran.all());
    let status = bench.json(&["status"]);
    assert_eq!(status["decisions"].as_array().unwrap().len(), 2, "an abort settles nothing: {status}");
    assert_eq!(status["decisions"][0]["choice"], "override", "{status}");

    // A transcript of something else, or lines that were refused: not confirmed, whatever is chosen.
    let ran = resolve(&bench, &story(&["--choose", "sync"]), "Dear Sir or Madam,\nthank you.\n");
    assert_eq!((ran.code(), classes(&ran.json())), (14, vec!["not-this", "not-this"]), "{}", ran.all());
    let refused =
        "DNAAS-LEAF-B15(cfg)# interfaces ge100-0/0/30.252 vlan-idd 252\nERROR: Unknown word: 'vlan-idd'.\n";
    let other = ["DNAAS-LEAF-B15", "ge100-0/0/30.252", "--vlan", "252", "--choose", "sync", "--json"];
    let ran = resolve(&bench, &other, refused);
    assert_eq!((ran.code(), classes(&ran.json())), (14, vec!["rejected"]), "{}", ran.all());
    let gone = ["DNAAS-LEAF-B15", "ge400-9/0/99.1", "--vlan", "1", "--choose", "sync", "--json"];
    let ran = resolve(&bench, &gone, "");
    assert_eq!((ran.code(), classes(&ran.json())), (14, vec!["absent"]), "{}", ran.all());
    assert!(ran.out().contains("no port ge400-9/0/99"), "{}", ran.all());
    assert_eq!(bench.run(&["records", "export"]).out(), records, "nothing was written so far");

    let ran = resolve(&bench, &story(&["--choose", "sync", "--reason", "was there"]), DEPLOY);
    assert_eq!(ran.code(), 11, "{}", ran.all());
    let done = ran.json();
    assert_eq!((&done["recompute"], &done["sync"]["added"]), (&true.into(), &2.into()), "{done}");
    assert_eq!(bench.json(&["status"])["decisions"].as_array().unwrap().len(), 0);

    let ran = bench.run(&["doctor"]);
    assert_eq!(ran.code(), 0, "decisions are in the audit trail: {}", ran.all());

    // The same question before the next deploy, without a device.
    drop(lab);
    let mut gate = vec!["--json", "check"];
    gate.extend(&STORY[..6]);
    let begun = Instant::now();
    let ran = bench.run(&gate);
    let took = begun.elapsed();
    assert_eq!((ran.code(), &ran.json()["answer"]), (10, &"as-wanted".into()), "{}", ran.all());
    assert!(ran.json()["record"].is_object(), "{}", ran.all());
    // Unoptimised, on a busy machine; by itself it takes a tenth of that.
    assert!(took.as_secs() < 5, "{took:?}");
    for (arguments, code) in [
        (vec!["ge100-0/0/31.251", "--vlan", "252"], 1),
        (vec!["ge100-0/0/31.900", "--vlan", "251"], 1),
        (vec!["ge100-0/0/31.900", "--vlan", "900"], 0),
        (vec!["ge400-9/0/99.1", "--vlan", "1"], 3),
    ] {
        let ran = bench.run(&[vec!["check", "DNAAS-LEAF-B15"], arguments.clone()].concat());
        assert_eq!(ran.code(), code, "{arguments:?}: {}", ran.all());
    }
    let ran = bench.run(&["check", "DNAAS-LEAF-B15", "ge100-0/0/31.900", "--vlan", "9", "--live"]);
    assert_eq!(ran.code(), 3, "nobody answers: {}", ran.all());
    let mut later = bench.command(&gate);
    later.env("DRIFTCAST_NOW", "2099-01-01T00:00:00Z");
    let ran = Ran(later.output().unwrap());
    assert_eq!((ran.code(), &ran.json()["answer"]), (3, &"unknown".into()), "{}", ran.all());
}

/// The same question with a person at a terminal, and the transcript behind
/// `--transcript`. `script` (util-linux) makes the terminal.
/// `answers`: what the screen ends with, and the keys that are pressed then.
fn in_terminal(bench: &Bench, more: &[&str], answers: &[(&str, &str)]) -> (i32, String) {
    let folder = bench.data().parent().unwrap().to_owned();
    fs::write(folder.join("commit.log"), DEPLOY).unwrap();
    let program = bench.command(&["resolve"]);
    let words = [&STORY[..6], &["--transcript", "commit.log"], more].concat();
    let words = program.get_args().map(|word| word.to_str().unwrap()).chain(words);
    let quoted: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    let line = format!("'{}' {}", program.get_program().to_str().unwrap(), quoted.join(" "));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(&folder).env_clear().env("TERM", "xterm");
    command.env("SHELL", "/bin/sh").env("PATH", std::env::var_os("PATH").unwrap());
    if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", path);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut typed, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut answers, mut from) = (String::new(), answers.iter().peekable(), 0);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = screen.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if let Some((question, keys)) = answers.peek()
            && let Some(at) = seen[from..].find(question)
        {
            from += at + question.len();
            typed.write_all(keys.as_bytes()).unwrap();
            answers.next();
        }
    }
    (child.wait().unwrap().code().unwrap(), seen)
}

fn a_person_is_asked(bench: &Bench) {
    const DOWN: &str = "\x1b[B";
    const MENU: &str = "  abort";
    let (code, seen) = in_terminal(bench, &[], &[(MENU, "\x1b")]);
    assert_eq!(code, 13, "{seen}");
    assert!(seen.contains("(recommended)") && seen.contains("Nothing was decided"), "{seen}");
    let skip = format!("{DOWN}\r");
    let answers = [(MENU, skip.as_str()), ("It is kept", "ask ben\r"), ("Empty: open", "2099-02-01\r")];
    let (code, seen) = in_terminal(bench, &[], &answers);
    assert_eq!(code, 10, "{seen}");
    let status = bench.json(&["status"]);
    assert_eq!(status["decisions"][0]["why"], "ask ben", "{status}");
    assert_eq!(status["decisions"][0]["until"], "2099-02-02T00:00:00Z", "{status}");
    let abort = format!("{DOWN}{DOWN}{DOWN}\r");
    let (code, seen) = in_terminal(bench, &["--reason", "no"], &[(MENU, &abort)]);
    assert_eq!(code, 13, "{seen}");
    assert!(seen.contains("Aborted"), "{seen}");
}

/// One clear message each, before anybody is asked, and nothing written.
fn bad_input(bench: &Bench) {
    let name = "DNAAS-LEAF-B15";
    for (arguments, says) in [
        (vec!["resolve", name, "ge100-0/0/31.251", "--vlan", "4095"], "4095"),
        (vec!["resolve", name, "ge100-0/0/31.251"], "--vlan"),
        (vec!["resolve", name, "ge100 0/0/31.251", "--vlan", "2"], "no name"),
        (vec!["resolve", name, "ge100-0/0/31.251;reboot", "--vlan", "2"], "may not hold"),
        (vec!["resolve", "NOBODY", "ge100-0/0/31.251", "--vlan", "2"], "no device"),
        (vec!["resolve", name, "ge1.2", "--vlan", "2", "--choose", "adopt"], "sync, skip, override"),
        (
            vec!["resolve", name, "ge1.2", "--vlan", "2", "--choose", "skip", "--until", "2001-01-01"],
            "is over",
        ),
        (vec!["resolve", name, "ge1.2", "--vlan", "2", "--transcript", "none.txt"], "none.txt"),
        (vec!["check", name, "ge100-0/0/31.251", "--vlan", "0"], "1..=4094"),
        (vec!["check", "NOBODY", "ge100-0/0/31.251", "--vlan", "2"], "no device"),
        (vec!["check", name, "ge100-0/0/31.251", "--inner", "7"], "--vlan"),
    ] {
        let ran = bench.run(&arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}: {}", ran.all());
        assert!(ran.err().contains(says), "{arguments:?}: {}", ran.all());
    }
}
