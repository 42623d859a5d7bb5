//! `bridge vlan show`, as JSON or as a table: which VLANs a port takes, which
//! of them it sends untagged and which one untagged frames are put in.

use std::collections::HashMap;

use serde::Deserialize;

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{Encapsulation, EncapsulationKind};
use crate::platform::reading::{Class, Tally, lines};

use super::links::Text;

/// The VLANs of one port.
#[derive(Debug, Default)]
pub(super) struct PortVlans {
    ranges: Vec<(u16, u16)>,
    /// One of them leaves untagged.
    untagged: bool,
    pvid: bool,
}

impl PortVlans {
    fn add(&mut self, first: u16, last: u16, pvid: bool, untagged: bool) {
        self.ranges.push((first, last));
        self.pvid |= pvid;
        self.untagged |= untagged;
    }

    /// One VLAN without a tag is an access port; everything else is a trunk
    /// with the list of what it takes.
    pub(super) fn encapsulation(&self) -> Option<Encapsulation> {
        let list: Vec<String> = self.ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
        let outer = canonical_tags(&list.join(","))?;
        let kind = if is_many(&outer) {
            EncapsulationKind::Range
        } else if self.untagged || self.pvid {
            EncapsulationKind::Untagged
        } else {
            EncapsulationKind::Dot1q
        };
        Some(Encapsulation { kind, outer: Some(outer), inner: None, tpid: None })
    }
}

#[derive(Deserialize)]
struct Printed<'t> {
    #[serde(borrow)]
    ifname: Option<Text<'t>>,
    #[serde(default, borrow)]
    vlans: Vec<Entry<'t>>,
}

#[derive(Deserialize)]
struct Entry<'t> {
    vlan: u16,
    #[serde(rename = "vlanEnd")]
    end: Option<u16>,
    #[serde(default, borrow)]
    flags: Vec<Text<'t>>,
}

/// The VLANs by port in a text that is one whole JSON array.
pub(super) fn read_json(text: &str) -> Option<HashMap<String, PortVlans>> {
    let printed: Vec<Printed<'_>> = serde_json::from_str(text).ok()?;
    let mut ports: HashMap<String, PortVlans> = HashMap::new();
    for port in printed {
        let Some(name) = port.ifname else { continue };
        let vlans = ports.entry(name.clean().into_owned()).or_default();
        for entry in port.vlans {
            let has = |flag: &str| entry.flags.iter().any(|f| f.as_str() == flag);
            let last = entry.end.unwrap_or(entry.vlan);
            if entry.vlan > last || last > 4_095 {
                return None;
            }
            vlans.add(entry.vlan, last, has("PVID"), has("Egress Untagged"));
        }
    }
    Some(ports)
}

pub(super) fn is_header(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    words.next() == Some("port") && matches!(words.next(), Some("vlan-id" | "vlan")) && words.count() <= 1
}

/// The VLANs by port in the table; `None` without its header or with a row that is none.
pub(super) fn read_table(text: &str, tally: &mut Tally) -> Option<HashMap<String, PortVlans>> {
    let mut ports: HashMap<String, PortVlans> = HashMap::new();
    let mut port: Option<String> = None;
    let (mut header, mut torn) = (false, false);
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        if is_header(words) {
            header = true;
            tally.line(Class::Ignored, line);
            continue;
        }
        let mut cells = words.split_ascii_whitespace().peekable();
        if !line.starts_with([' ', '\t']) {
            port = cells.next().map(str::to_owned);
            if let Some(port) = &port {
                ports.entry(port.clone()).or_default();
            }
        }
        let fits = match (&port, cells.next().map(range)) {
            (Some(port), Some(Some((first, last)))) if header => {
                let rest: Vec<&str> = cells.collect();
                let vlans = ports.entry(port.clone()).or_default();
                vlans.add(first, last, rest.contains(&"PVID"), rest.contains(&"Untagged"));
                true
            }
            (Some(_), Some(None)) => words.ends_with("None"),
            (Some(_), None) => header,
            _ => false,
        };
        torn |= !fits;
        tally.line(if fits { Class::Read } else { Class::Unread }, line);
    }
    (header && !torn).then_some(ports)
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last <= 4_095).then_some((first, last))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn show(ports: &HashMap<String, PortVlans>, name: &str) -> String {
        let e = ports[name].encapsulation().unwrap();
        format!("{:?} {}", e.kind, e.outer.unwrap())
    }

    #[test]
    fn both_forms_say_the_same() {
        let json = r#"[{"ifname":"swp1","vlans":[{"vlan":30,"flags":["PVID","Egress Untagged"]}]},
            {"ifname":"swp2","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]},{"vlan":10,"vlanEnd":20},{"vlan":21}]},
            {"ifname":"swp3","vlans":[{"vlan":7}]}]"#;
        let table = "port              vlan-id  \nswp1              30 PVID Egress Untagged\n\
            swp2              1 PVID Egress Untagged\n                  10-20\n                  21\nswp3\t 7\n";
        let ports = [read_json(json).unwrap(), read_table(table, &mut Tally::default()).unwrap()];
        for ports in ports {
            assert_eq!(show(&ports, "swp1"), "Untagged 30");
            assert_eq!(show(&ports, "swp2"), "Range 1,10-21");
            assert_eq!(show(&ports, "swp3"), "Dot1q 7");
        }
        assert!(read_json("[]").unwrap().is_empty());
        assert!(read_json(r#"[{"ifname":"a","vlans":[{"vlan":9,"vlanEnd":3}]}]"#).is_none());
        assert!(read_table("swp1 30\n", &mut Tally::default()).is_none());
    }
}
