//! The JSON of `ansible-inventory --list`: variables by host, hosts by group.
//!
//! Groups become tags. `ansible_host`, `ansible_port`, `ansible_network_os`
//! and the plain variables `site`, `role`, `platform`, `importance`, `jump`
//! and `credential` are taken, nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::Value;

use super::pairs::Pairs;
use super::{Inventory, Row, left_out, line_where, platform_of, secrets_left, settle, unknown_platforms};
use crate::source::{Place, Problems, SourceError, shown};

/// Everything beside `_meta` is a group; scripts of old write a bare list of hosts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Group(Group),
    Hosts(Vec<String>),
}

/// A group, or `_meta`, which has the variables.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    hosts: Vec<String>,
    children: Vec<String>,
    hostvars: Pairs<BTreeMap<String, Value>>,
}

pub(super) fn read(text: &str, file: &str) -> Result<Inventory, SourceError> {
    let wrong = |message: String| SourceError::Json { file: shown(file, 200), message };
    let parts: Pairs<Part> =
        serde_json::from_str(text).map_err(|error| wrong(shown(&error.to_string(), 400)))?;
    if !parts.0.iter().any(|(name, _)| name == "_meta") {
        return Err(wrong(
            "it has no \"_meta\"; write it with `ansible-inventory -i FILE --list > hosts.json`".to_owned(),
        ));
    }
    let mut hosts: Vec<(String, BTreeMap<String, Value>)> = Vec::new();
    let mut groups: Vec<(String, Group)> = Vec::new();
    for (name, part) in parts.0 {
        let group = match part {
            Part::Group(group) => group,
            Part::Hosts(hosts) => Group { hosts, ..Group::default() },
        };
        if name == "_meta" {
            hosts.extend(group.hostvars.0);
        } else {
            groups.push((name, group));
        }
    }
    // A host without any variable is in its groups only.
    let named: BTreeSet<String> = hosts.iter().map(|(name, _)| name.clone()).collect();
    let bare: BTreeSet<&String> =
        groups.iter().flat_map(|(_, group)| &group.hosts).filter(|host| !named.contains(*host)).collect();
    hosts.extend(bare.into_iter().map(|host| (host.clone(), BTreeMap::new())));

    let tags = Tags::new(&groups);
    let (mut local, mut blank, mut secrets) = (Vec::new(), Vec::new(), 0);
    let mut rows = Vec::new();
    let mut lines = HashMap::new();
    for (name, vars) in &hosts {
        secrets += vars.keys().filter(|key| is_secret(key)).count();
        let var = |key: &str| vars.get(key).map_or_else(String::new, plain);
        let connection = var("ansible_connection");
        if connection == "local" {
            local.push(name.clone());
            continue;
        }
        let platform = [var("ansible_network_os"), var("platform")].into_iter().find(|word| !word.is_empty());
        let Some(platform) = platform else {
            blank.push(name.clone());
            continue;
        };
        let mut row = Row::default();
        row.put("name", name.as_str());
        let address =
            [var("ansible_host"), var("ansible_ssh_host")].into_iter().find(|text| !text.is_empty());
        row.put("address", address.unwrap_or_else(|| name.clone()));
        // The port of NETCONF or of an HTTP API is not that of SSH.
        if !["netconf", "httpapi"].iter().any(|other| connection.ends_with(other)) {
            row.put("port", var("ansible_port"));
        }
        row.put("platform", platform_of(&platform));
        for column in ["site", "role", "importance", "jump", "credential"] {
            row.put(column, var(column));
        }
        row.put("tags", tags.of(name).join(";"));
        rows.push((place(text, name, &mut lines), row));
    }
    let devices = settle(&rows, Problems::new(file))?;
    let notes = [
        left_out(&local, "host", "ansible_connection is local"),
        left_out(&blank, "host", "neither ansible_network_os nor platform says what it is"),
        secrets_left(secrets),
        unknown_platforms(&devices),
    ];
    Ok(Inventory { devices, notes: notes.into_iter().flatten().collect() })
}

/// The line on which the variables of a host begin: the nth for the nth of one name.
fn place(text: &str, name: &str, seen: &mut HashMap<String, usize>) -> Place {
    let quoted = Value::from(name).to_string();
    let begins = |line: &str| {
        line.find(&quoted).is_some_and(|at| line[at + quoted.len()..].trim_start().starts_with(':'))
    };
    let nth = seen.entry(name.to_owned()).or_default();
    let found = text.lines().enumerate().filter(|(_, line)| begins(line)).nth(*nth);
    *nth += 1;
    Place::Line(
        found.map_or_else(|| line_where(text, |line| line.contains(&quoted)), |(at, _)| at as u64 + 1),
    )
}

/// Whether a variable is about logging in. Its value is never looked at.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["pass", "secret", "token", "private_key", "community", "ansible_user", "ansible_ssh_user"]
        .iter()
        .any(|word| key.contains(word))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The groups of a host: those that name it, and those around them.
struct Tags<'a> {
    direct: HashMap<&'a str, Vec<&'a str>>,
    parents: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Tags<'a> {
    fn new(groups: &'a [(String, Group)]) -> Self {
        let mut tags = Self { direct: HashMap::new(), parents: HashMap::new() };
        for (name, group) in groups {
            for host in &group.hosts {
                tags.direct.entry(host).or_default().push(name);
            }
            for child in &group.children {
                tags.parents.entry(child).or_default().push(name);
            }
        }
        tags
    }

    fn of(&self, host: &str) -> Vec<&'a str> {
        let mut found: Vec<&str> = self.direct.get(host).cloned().unwrap_or_default();
        let mut at = 0;
        while at < found.len() {
            for parent in self.parents.get(found[at]).into_iter().flatten() {
                if !found.contains(parent) {
                    found.push(parent);
                }
            }
            at += 1;
        }
        found.retain(|group| !["all", "ungrouped"].contains(group));
        found
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const LIST: &str = r#"{
    "_meta": {
        "hostvars": {
            "leaf-1": {
                "ansible_host": "192.0.2.11",
                "ansible_network_os": "drivenets.dnos.dnos",
                "ansible_password": "s3cr3t-word",
                "ansible_port": 2022,
                "ansible_user": "ops",
                "site": "fra1"
            },
            "router-2.example.net": {
                "ansible_connection": "ansible.netcommon.netconf",
                "ansible_network_os": "junipernetworks.junos.junos",
                "ansible_port": 830
            },
            "controller": {"ansible_connection": "local"}
        }
    },
    "all": {"children": ["ungrouped", "fabric"]},
    "fabric": {"children": ["leafs"]},
    "leafs": {"hosts": ["leaf-1", "printer"]}
}"#;

    #[test]
    fn hosts_their_variables_and_their_groups_are_read() {
        let inventory = read(LIST, "hosts.json").unwrap();
        let leaf = &inventory.devices[0];
        assert_eq!((leaf.name.as_str(), leaf.address.as_str(), leaf.port), ("leaf-1", "192.0.2.11", 2022));
        assert_eq!((leaf.platform.as_str(), leaf.site.as_str()), ("drivenets_dnos", "fra1"));
        assert_eq!(leaf.tags, ["leafs", "fabric"]);
        let router = &inventory.devices[1];
        assert_eq!((router.address.as_str(), router.port), ("router-2.example.net", 22));
        let notes = inventory.notes.join("\n");
        assert!(notes.contains("1 host was left out (ansible_connection is local): controller"), "{notes}");
        assert!(notes.contains("says what it is): printer"), "{notes}");
        assert!(notes.contains("2 names or secrets"), "{notes}");
        assert!(!format!("{inventory:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |text: &str| read(text, "hosts.json").unwrap_err().to_string();
        let bad = told(&LIST.replace("192.0.2.11", "192.0.2.1111"));
        assert!(bad.contains("hosts.json:4: column address"), "{bad}");
        let twice = told(&LIST.replace("router-2.example.net", "Leaf-1"));
        assert!(
            twice.contains(
                "hosts.json:12: column name: \"Leaf-1\" differs only in case from \"leaf-1\" on line 4"
            ),
            "{twice}"
        );
        let twice = told(&LIST.replace("router-2.example.net", "leaf-1"));
        assert!(twice.contains("hosts.json:12: column name: \"leaf-1\" is already on line 4"), "{twice}");
        assert!(told("{\"all\": {}}").contains("_meta"));
        assert!(told("{\"_meta\": {\"hostvars\": {").contains("line 1 column"));
        assert!(told("{\"_meta\": {\"hostvars\": {}}}").contains("failed to find a device"));
    }
}
