//! Recordings beside the project, with what their origins say of them. They
//! are read when they are there (`../shared/devices/fixtures`) and left out
//! when they are not.
//!
//! A platform's file turns the origin's rows into [`Fact`]s, each one field of
//! one row, and [`compare`] holds them against what was read. Every difference
//! stands in `tests/devices/<platform>/fixtures.tsv` with its reason: one that
//! is not listed fails, and so does one that is listed and is none. A row that
//! is missing is a difference in the field `row`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod arista_eos;
mod cisco; // IOS and IOS-XR
mod cisco_nxos;
mod junos_sros;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use driftcast::model::{AdminState, EncapsulationKind, Interface, OperState, Snapshot};
use driftcast::platform::offline::{guess, read_text};
use driftcast::platform::{ALL, Platform, by_name};
use serde_json::Value;

use crate::platforms::{counted, folder, keeper, lines_in};

/// `devices/fixtures`, if it stands beside the project.
pub(crate) fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared", "../../shared"]
        .map(|up| root.join(up).join("devices/fixtures"))
        .into_iter()
        .find(|folder| folder.is_dir())
}

/// One recording of the manifest.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    /// The origin's folder below `fixtures`: `ios/ntc-templates`.
    pub(crate) folder: String,
    pub(crate) source: String,
    pub(crate) command: String,
    /// The file within that folder.
    pub(crate) input: String,
    pub(crate) expected: Option<String>,
    root: PathBuf,
}

impl Fixture {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.root.join(&self.folder).join(&self.input)).unwrap()
    }

    /// What the origin expects: YAML or JSON.
    pub(crate) fn expected(&self) -> Option<Value> {
        let file = self.root.join(&self.folder).join(self.expected.as_ref()?);
        let text = fs::read_to_string(&file).ok()?;
        match file.extension().and_then(|end| end.to_str()) {
            Some("yml" | "yaml") => Some(yaml_serde::from_str(&text).unwrap()),
            Some("json") => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        }
    }
}

/// All recordings of the folders named, from the manifest.
pub(crate) fn fixtures(folders: &[&str]) -> Vec<Fixture> {
    let Some(root) = root() else { return Vec::new() };
    let manifest: Vec<Value> =
        serde_json::from_slice(&fs::read(root.join("MANIFEST.json")).unwrap()).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or("").to_owned();
    let mut found: Vec<Fixture> = manifest
        .iter()
        .filter(|entry| folders.contains(&text(entry, "platform").as_str()))
        .map(|entry| Fixture {
            folder: format!("{}/{}", text(entry, "platform"), text(entry, "source")),
            source: text(entry, "source"),
            command: text(entry, "command"),
            input: text(entry, "input"),
            expected: entry["expected"].as_str().map(str::to_owned),
            root: root.clone(),
        })
        .collect();
    // `case/*.txt`: every file of a folder.
    let whole: Vec<Fixture> = found.extract_if(.., |fixture| fixture.input.ends_with("/*.txt")).collect();
    for fixture in whole {
        let within = fixture.input.trim_end_matches("/*.txt");
        for file in fs::read_dir(root.join(&fixture.folder).join(within)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|end| end == "txt") {
                found.push(Fixture { input: format!("{within}/{name}"), ..fixture.clone() });
            }
        }
    }
    found.sort_by(|a, b| (&a.folder, &a.input).cmp(&(&b.folder, &b.input)));
    found.retain(|fixture| root.join(&fixture.folder).join(&fixture.input).is_file());
    found
}

/// One value that an origin expects: of `row` (`interface Gi0/1`, `vlan 10`,
/// `bridge-domain 10`, `xconnect a`), `field` is `value`. The field `row` says
/// that the row is there, whatever its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) row: String,
    pub(crate) field: &'static str,
    pub(crate) value: String,
}

pub(crate) fn fact(row: impl Into<String>, field: &'static str, value: impl Into<String>) -> Fact {
    Fact { row: row.into(), field, value: value.into() }
}

/// Where expected and read values differ.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Case, row, field → theirs, ours.
    differences: BTreeMap<(String, String, String), (String, String)>,
    pub(crate) facts: usize,
    pub(crate) cases: usize,
}

impl Compared {
    /// Holds `expected` against what `snapshots` say.
    pub(crate) fn case(&mut self, case: &str, expected: &[Fact], snapshots: &[Snapshot]) {
        self.cases += 1;
        for fact in expected {
            self.facts += 1;
            let ours = found(snapshots, &fact.row, fact.field);
            let same = match (fact.field, &ours) {
                ("row", ours) => ours.is_some(),
                (_, Some(ours)) => *ours == fact.value,
                (_, None) => fact.value.is_empty(),
            };
            if !same {
                let key = (case.to_owned(), fact.row.clone(), fact.field.to_owned());
                self.differences.insert(key, (fact.value.clone(), ours.unwrap_or_default()));
            }
        }
    }

    /// Fails unless the differences are those of the platform's table.
    pub(crate) fn verdict(&self, platform: &str) {
        let path = folder().join(platform).join("fixtures.tsv");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut listed = BTreeMap::new();
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [case, row, field, theirs, ours, reason] = cells[..] else { panic!("six columns: {line}") };
            assert!(!reason.trim().is_empty(), "a difference has a reason: {line}");
            let key = (case.to_owned(), row.to_owned(), field.to_owned());
            listed.insert(key, (theirs.to_owned(), ours.to_owned()));
        }
        let line = |(key, value): (&(String, String, String), &(String, String))| {
            format!("{}\t{}\t{}\t{}\t{}", key.0, key.1, key.2, value.0, value.1)
        };
        let flat = |text: &str| text.replace(['\t', '\n'], " ");
        let found: BTreeMap<_, _> = self
            .differences
            .iter()
            .map(|((case, row, field), (theirs, ours))| {
                ((case.clone(), flat(row), field.clone()), (flat(theirs), flat(ours)))
            })
            .collect();
        let new: Vec<String> =
            found.iter().filter(|(key, value)| listed.get(*key) != Some(value)).map(line).collect();
        let stale: Vec<String> =
            listed.iter().filter(|(key, value)| found.get(*key) != Some(value)).map(line).collect();
        assert!(
            new.is_empty() && stale.is_empty(),
            "{} of {} facts in {} cases differ and are not listed:\n{}\n{} are listed and do not differ:\n{}",
            new.len(),
            self.facts,
            self.cases,
            new.join("\n"),
            stale.len(),
            stale.join("\n")
        );
    }
}

/// What an origin expects of one recording of its own, and the command that it is the output of.
type Adaptor = fn(&Fixture, &Value) -> Option<(&'static str, Vec<Fact>)>;

/// Holds what is read against what the origins expect.
fn check(folders: &[&str], platform: &str, adaptor: Adaptor) {
    let mut compared = Compared::default();
    for fixture in fixtures(folders) {
        let Some((command, facts)) = fixture.expected().and_then(|value| adaptor(&fixture, &value)) else {
            continue;
        };
        let snapshots = read_text(by_name(platform).unwrap(), &fixture.bytes(), Some(command), &keeper());
        compared.case(&format!("{}/{}", fixture.folder, fixture.input), &facts, &snapshots);
    }
    if compared.cases > 0 {
        compared.verdict(platform);
    }
}

/// The value of a field in what was read; `None`: the row or the value is not there.
fn found(snapshots: &[Snapshot], row: &str, field: &str) -> Option<String> {
    let (kind, name) = row.split_once(' ').unwrap();
    snapshots.iter().find_map(|snapshot| match kind {
        "interface" => of_interface(
            snapshot.interfaces.iter().find(|port| {
                port.name.eq_ignore_ascii_case(name)
                    || port.as_printed.iter().any(|p| p.eq_ignore_ascii_case(name))
            })?,
            field,
        ),
        "vlan" => {
            let vlan = snapshot.vlans.iter().find(|vlan| vlan.id.to_string() == name)?;
            match field {
                "row" => Some(name.to_owned()),
                "name" => vlan.name.clone(),
                "interfaces" => Some(vlan.interfaces.join(" ")),
                _ => panic!("a VLAN has no {field}"),
            }
        }
        "bridge-domain" => {
            let domain = snapshot.bridge_domains.iter().find(|domain| domain.name == name)?;
            match field {
                "row" => Some(name.to_owned()),
                "interfaces" => Some(domain.interfaces.join(" ")),
                "router_interface" => domain.router_interface.clone(),
                "description" => domain.description.clone(),
                _ => panic!("a bridge domain has no {field}"),
            }
        }
        kind => {
            let service = snapshot.services.iter().find(|s| s.kind.as_str() == kind && s.name == name)?;
            match field {
                "row" => Some(name.to_owned()),
                "interfaces" => Some(service.interfaces.join(" ")),
                "neighbors" => Some(driftcast::model::fact::neighbours_text(&service.neighbors)),
                _ => panic!("a service has no {field}"),
            }
        }
    })
}

fn of_interface(port: &Interface, field: &str) -> Option<String> {
    let encapsulation = &port.encapsulation;
    match field {
        "row" => Some(port.name.clone()),
        "description" => port.description.clone(),
        "admin" => port.admin.map(|state| if state == AdminState::Up { "up" } else { "down" }.to_owned()),
        "oper" => port.oper.map(|state| if state == OperState::Up { "up" } else { "down" }.to_owned()),
        "mtu" => port.mtu.map(|mtu| mtu.to_string()),
        "outer" => encapsulation.outer.clone(),
        "inner" => encapsulation.inner.clone(),
        // The id of an access port, and nothing else.
        "access" => {
            (encapsulation.kind == EncapsulationKind::Untagged).then(|| encapsulation.outer.clone()).flatten()
        }
        "trunk" => {
            (encapsulation.kind == EncapsulationKind::Range).then(|| encapsulation.outer.clone()).flatten()
        }
        "l2" => Some(port.l2.to_string()),
        "bundle" => port.bundle.clone(),
        "vrf" | "service" => port.service.as_ref().map(|service| service.name.clone()),
        _ => panic!("an interface has no {field}"),
    }
}

/// Text of a value, as the origins write numbers and texts; `None` for null.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Folders below `fixtures` and the platforms that they are of. Add yours.
const PLATFORMS: &[(&str, &str)] = &[
    ("dnos", "drivenets_dnos"),
    ("ios", "cisco_ios"),
    ("iosxe", "cisco_ios"),
    ("iosxr", "cisco_iosxr"),
    ("nxos", "cisco_nxos"),
    ("eos", "arista_eos"),
    ("junos", "juniper_junos"),
    ("sros", "nokia_sros"),
    ("linux", "linux"),
];

fn platform_of(fixture: &Fixture) -> Option<&'static Platform> {
    let folder = fixture.folder.split('/').next().unwrap();
    let (_, name) = PLATFORMS.iter().find(|(known, _)| *known == folder)?;
    ALL.iter().copied().find(|platform| platform.name == *name)
}

/// Whatever is recorded: no panic, no line lost.
#[test]
fn every_recording_is_read_and_every_line_counted() {
    let folders: Vec<&str> = PLATFORMS.iter().map(|(folder, _)| *folder).collect();
    for fixture in fixtures(&folders) {
        let Some(platform) = platform_of(&fixture) else { continue };
        let bytes = fixture.bytes();
        for command in [None, Some(fixture.command.as_str())] {
            let snapshots = read_text(platform, &bytes, command, &keeper());
            assert_eq!(counted(&snapshots), lines_in(&bytes), "{}/{}", fixture.folder, fixture.input);
        }
    }
}

/// Configurations and sessions say whose they are.
#[test]
fn configurations_are_recognised() {
    let folders: Vec<&str> = PLATFORMS.iter().map(|(folder, _)| *folder).collect();
    let mut wrong = Vec::new();
    for fixture in fixtures(&folders) {
        let Some(platform) = platform_of(&fixture) else { continue };
        if !is_recognisable(&fixture) {
            continue;
        }
        let found = guess(&String::from_utf8_lossy(&fixture.bytes())).map(|platform| platform.name);
        if found != Some(platform.name) {
            wrong.push(format!("{}/{}: {found:?}", fixture.folder, fixture.input));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of those origins from which nobody could tell.
const UNRECOGNISABLE: &[(&str, &str)] = &[
    ("sample_05.ios", "access lists alone"),
    ("sample_10.ios", "begins with the `system` of an SD-WAN controller, as other platforms do"),
];

/// Whole configurations of the origins that keep real ones.
fn is_recognisable(fixture: &Fixture) -> bool {
    if UNRECOGNISABLE.iter().any(|(file, _)| fixture.input == *file) {
        return false;
    }
    let real = ["batfish-example", "ciscoconfparse2", "hier_config"].contains(&fixture.source.as_str());
    real && fixture.command.contains("running")
}
