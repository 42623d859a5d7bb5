//! Nornir's `SimpleInventory`: `hosts.yaml`, and beside it `groups.yaml` and
//! `defaults.yaml`. A host has what it says itself, else what its groups say in
//! their order and depth first, else the defaults, as Nornir resolves it.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::pairs::Pairs;
use super::{Beside, Inventory, Row, line_where, platform_of, secrets_left, settle, unknown_platforms};
use crate::source::{Place, Problems, SourceError, shown};

/// A host, a group or the defaults: Nornir gives all three the same keys.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Element {
    hostname: Option<String>,
    port: Option<u64>,
    username: Option<IgnoredAny>,
    password: Option<IgnoredAny>,
    platform: Option<String>,
    groups: Option<Vec<String>>,
    data: Option<Data>,
}

/// The free part. What is not named here is not looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    site: Option<Word>,
    role: Option<Word>,
    importance: Option<Word>,
    jump: Option<Word>,
    credential: Option<Word>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Whole(i64),
    Real(f64),
    Other(IgnoredAny),
}

impl Word {
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Other(_) => None,
        }
    }
}

type Elements = Pairs<Option<Element>>;

/// A word of the free part.
type OfData = fn(&Data) -> &Option<Word>;

pub(super) fn read(text: &str, file: &str, beside: Beside<'_>) -> Result<Inventory, SourceError> {
    let hosts: Elements = parse(text, file)?;
    let other = |name: &str| -> Result<Option<String>, SourceError> {
        let [yaml, yml] = [format!("{name}.yaml"), format!("{name}.yml")];
        Ok(match beside(&yaml)? {
            Some(text) => Some(text),
            None => beside(&yml)?,
        })
    };
    let groups: Elements = match other("groups")? {
        Some(text) => parse(&text, "groups.yaml")?,
        None => Pairs::default(),
    };
    let defaults: Element = match other("defaults")? {
        Some(text) => parse::<Option<Element>>(&text, "defaults.yaml")?.unwrap_or_default(),
        None => Element::default(),
    };
    let nobody = Element::default();
    let mut secrets = 0;
    let mut rows = Vec::new();
    let all = hosts.0.iter().chain(&groups.0).filter_map(|(_, element)| element.as_ref());
    for element in all.chain([&defaults]) {
        secrets += usize::from(element.username.is_some()) + usize::from(element.password.is_some());
    }
    for (nth, (name, host)) in hosts.0.iter().enumerate() {
        let own = host.as_ref().unwrap_or(&nobody);
        let line = line_of(text, name, hosts.0[..nth].iter().filter(|(other, _)| other == name).count());
        let mut chain = vec![own];
        let mut visited = Vec::new();
        for group in own.groups.iter().flatten() {
            climb(group, &groups, &mut visited, &mut chain).map_err(|missing| SourceError::Form {
                file: shown(file, 200),
                message: format!(
                    "line {line}: the host {:?} is in the group {:?}, which no groups.yaml beside it has",
                    shown(name, 60),
                    shown(&missing, 60)
                ),
            })?;
        }
        chain.push(&defaults);
        let mut row = Row::default();
        row.put("name", name.as_str());
        let address = chain.iter().find_map(|element| element.hostname.as_ref());
        row.put("address", address.unwrap_or(name).as_str());
        if let Some(port) = chain.iter().find_map(|element| element.port) {
            row.put("port", port.to_string());
        }
        if let Some(platform) = chain.iter().find_map(|element| element.platform.as_ref()) {
            row.put("platform", platform_of(platform));
        }
        let columns: [(&'static str, OfData); 5] = [
            ("site", |data| &data.site),
            ("role", |data| &data.role),
            ("importance", |data| &data.importance),
            ("jump", |data| &data.jump),
            ("credential", |data| &data.credential),
        ];
        for (column, of) in columns {
            let word = chain.iter().find_map(|element| of(element.data.as_ref()?).as_ref()?.text());
            row.put(column, word.unwrap_or_default());
        }
        row.put("tags", visited.join(";"));
        rows.push((Place::Line(line), row));
    }
    let devices = settle(&rows, Problems::new(file))?;
    let notes = [secrets_left(secrets), unknown_platforms(&devices)];
    Ok(Inventory { devices, notes: notes.into_iter().flatten().collect() })
}

/// A group and those that it is in, each once. The error is a group that is not there.
fn climb<'a>(
    name: &str,
    groups: &'a Elements,
    visited: &mut Vec<String>,
    chain: &mut Vec<&'a Element>,
) -> Result<(), String> {
    if visited.iter().any(|seen| seen == name) {
        return Ok(());
    }
    let Some((_, group)) = groups.0.iter().find(|(other, _)| other == name) else {
        return Err(name.to_owned());
    };
    visited.push(name.to_owned());
    if let Some(group) = group {
        chain.push(group);
        for parent in group.groups.iter().flatten() {
            climb(parent, groups, visited, chain)?;
        }
    }
    Ok(())
}

fn parse<'t, T: Deserialize<'t>>(text: &'t str, file: &str) -> Result<T, SourceError> {
    // The parser says line and column itself.
    yaml_serde::from_str(text).map_err(|error| SourceError::Form {
        file: shown(file, 200),
        message: shown(&error.to_string(), 400),
    })
}

/// The line of the `nth` key `name` at the left edge.
fn line_of(text: &str, name: &str, nth: usize) -> u64 {
    let is_key = |line: &str| {
        ["", "'", "\""].iter().any(|mark| {
            line.strip_prefix(&format!("{mark}{name}{mark}"))
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    let found = text.lines().enumerate().filter(|(_, line)| is_key(line)).nth(nth);
    found.map_or_else(|| line_where(text, |line| line.contains(name)), |(at, _)| at as u64 + 1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const HOSTS: &str = "---
leaf-1:
  hostname: 192.0.2.11
  username: ops
  password: s3cr3t-word
  groups: [leafs]
  data:
    site: fra1
    rack: {1: a, 2: b}
'spine-1':
  port: 2022
  platform: eos
";
    const GROUPS: &str = "leafs:\n  groups: [fabric]\n  data: {role: leaf}\nfabric:\n  platform: dnos\n";

    fn read_with(hosts: &str, groups: Option<&str>) -> Result<Inventory, SourceError> {
        let defaults = "port: 222\ndata: {site: ber1}\n";
        read(hosts, "hosts.yaml", &|name| {
            Ok(match name {
                "groups.yaml" => groups.map(str::to_owned),
                "defaults.yaml" => Some(defaults.to_owned()),
                _ => None,
            })
        })
    }

    #[test]
    fn a_host_inherits_from_groups_and_defaults() {
        let inventory = read_with(HOSTS, Some(GROUPS)).unwrap();
        let [leaf, spine] = &inventory.devices[..] else { panic!("{inventory:?}") };
        assert_eq!(
            (leaf.address.as_str(), leaf.port, leaf.platform.as_str()),
            ("192.0.2.11", 222, "drivenets_dnos")
        );
        assert_eq!((leaf.site.as_str(), leaf.role.as_str()), ("fra1", "leaf"));
        assert_eq!(leaf.tags, ["leafs", "fabric"]);
        assert_eq!(
            (spine.address.as_str(), spine.port, spine.platform.as_str()),
            ("spine-1", 2022, "arista_eos")
        );
        assert_eq!(spine.site, "ber1");
        assert!(inventory.notes[0].starts_with("2 names or secrets"), "{:?}", inventory.notes);
        assert!(!format!("{inventory:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |hosts: &str, groups| read_with(hosts, groups).unwrap_err().to_string();
        assert!(told(HOSTS, None).contains("line 2: the host \"leaf-1\" is in the group \"leafs\""));
        let twice = told(&HOSTS.replace("'spine-1'", "leaf-1"), Some(GROUPS));
        assert!(twice.contains("leaf-1") && twice.contains("10"), "{twice}");
        let clash = told(&HOSTS.replace("spine-1", "LEAF-1"), Some(GROUPS));
        assert!(clash.contains("hosts.yaml:10: column name: \"LEAF-1\" differs only in case"), "{clash}");
        let empty = told("---\na:\n  hostname: 192.0.2.1\n", None);
        assert!(empty.contains("hosts.yaml:2: column platform: is empty"), "{empty}");
        assert!(told("a: [", None).contains("line"));
        assert!(told("---\n", None).contains("failed to find a device"));
        let wrong = told("a:\n  port: many\n", None);
        assert!(wrong.contains("port") && wrong.contains("line 2"), "{wrong}");
    }
}
