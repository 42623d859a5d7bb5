//! What the device shows: `show interfaces terse`, `… descriptions`, the long
//! `show interfaces`, and `show vlans`.

use crate::model::{AdminState, Encapsulation, EncapsulationKind, OperState};
use crate::platform::reading::{Class, Tally, is_blank, lines};

use super::{marks, values};

/// One interface as an output shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen<'t> {
    pub(super) name: &'t str,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
    pub(super) mtu: Option<u32>,
    pub(super) description: Option<&'t str>,
    pub(super) encapsulation: Option<Encapsulation>,
}

/// One VLAN as `show vlans` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenVlan<'t> {
    pub(super) name: &'t str,
    pub(super) id: u16,
    pub(super) members: Vec<&'t str>,
}

/// What the form of a table says about its being whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) header: bool,
    pub(super) rows: usize,
    /// A row that is none.
    pub(super) torn: bool,
    pub(super) pager: bool,
}

pub(super) fn is_terse(line: &str) -> bool {
    starts_with_words(line, &["Interface", "Admin", "Link", "Proto"])
}

pub(super) fn is_descriptions(line: &str) -> bool {
    starts_with_words(line, &["Interface", "Admin", "Link", "Description"])
}

pub(super) fn is_vlans(line: &str) -> bool {
    starts_with_words(line, &["Routing", "instance", "VLAN", "name", "Tag", "Interfaces"])
        || starts_with_words(line, &["Name", "Tag", "Interfaces"])
}

fn starts_with_words(line: &str, words: &[&str]) -> bool {
    let mut found = line.split_ascii_whitespace();
    words.iter().all(|word| found.next() == Some(word))
}

/// A line that stands before or after an output, and is no part of it.
fn is_session(line: &str) -> bool {
    marks::is_engine(line) || line.trim_ascii() == "fpc0:" || line.starts_with("-----")
}

/// `show interfaces terse` (and, with a description as the last column,
/// `show interfaces descriptions`).
pub(super) fn read_terse<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let mut column = 0;
    let mut described = false;
    for line in lines(text) {
        if is_blank(line) {
            tally.blank();
            continue;
        }
        let indent = line.len() - line.trim_ascii_start().len();
        if is_terse(line) || is_descriptions(line) {
            form.header = true;
            column = indent;
            described = is_descriptions(line);
            tally.line(Class::Read, line);
            continue;
        }
        if is_session(line) {
            tally.line(Class::Ignored, line);
            continue;
        }
        if line.trim_ascii_start().starts_with("---(more") {
            form.pager = true;
            tally.line(Class::Unread, line);
            continue;
        }
        let class = if !form.header {
            Class::Unread
        } else if indent > column {
            // More addresses and families of the interface above.
            Class::Ignored
        } else if let Some(row) = row(line, described) {
            form.rows += 1;
            seen.push(row);
            Class::Read
        } else {
            form.torn = true;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

fn row(line: &str, described: bool) -> Option<Seen<'_>> {
    let (name, rest) = word(line);
    let (admin, rest) = word(rest);
    let (link, rest) = word(rest);
    if !is_interface(name) {
        return None;
    }
    let description = Some(rest.trim_ascii()).filter(|text| described && !text.is_empty());
    Some(Seen {
        name,
        admin: Some(match admin {
            "up" => AdminState::Up,
            "down" => AdminState::Down,
            _ => return None,
        }),
        oper: Some(match link {
            "up" => OperState::Up,
            "down" => OperState::Down,
            _ => return None,
        }),
        description,
        ..Seen::default()
    })
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii_start();
    text.split_at(text.find([' ', '\t']).unwrap_or(text.len()))
}

/// A port or a unit.
pub(super) fn is_interface(name: &str) -> bool {
    match name.split_once('.') {
        Some((port, unit)) => {
            values::is_port(port) && !unit.is_empty() && unit.bytes().all(|b| b.is_ascii_digit())
        }
        None => values::is_port(name),
    }
}

/// `show interfaces`: a block for each port, with its units below it.
pub(super) fn read_detail<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if let Some(head) = head(words) {
            form.header = true;
            form.rows += 1;
            seen.push(head);
            Class::Read
        } else if words.starts_with("---(more") {
            form.pager = true;
            Class::Unread
        } else if is_session(words) {
            Class::Ignored
        } else {
            match seen.last_mut().filter(|_| form.header) {
                Some(row) => setting(row, words),
                None => Class::Unread,
            }
        };
        tally.line(class, line);
    }
    form
}

/// The line that begins the block of a port or a unit.
pub(super) fn head(words: &str) -> Option<Seen<'_>> {
    if let Some(rest) = words.strip_prefix("Physical interface: ") {
        let mut parts = rest.split(',').map(str::trim_ascii);
        let name = parts.next().filter(|name| is_interface(name))?;
        let (mut admin, mut oper) = (None, None);
        for part in parts {
            match part {
                "Enabled" => admin = Some(AdminState::Up),
                "Administratively down" => admin = Some(AdminState::Down),
                "Physical link is Up" => oper = Some(OperState::Up),
                "Physical link is Down" => oper = Some(OperState::Down),
                _ => {}
            }
        }
        return Some(Seen { name, admin, oper, ..Seen::default() });
    }
    let (name, rest) = word(words.strip_prefix("Logical interface ")?);
    (is_interface(name) && rest.trim_ascii_start().starts_with('(')).then(|| Seen { name, ..Seen::default() })
}

fn setting<'t>(row: &mut Seen<'t>, words: &'t str) -> Class {
    if let Some(text) = words.strip_prefix("Description: ") {
        row.description = Some(text);
        return Class::Read;
    }
    let mut class = Class::Ignored;
    if let Some(flags) = words.strip_prefix("Flags: ")
        && row.name.contains('.')
    {
        // The flags of the unit come first, those of its families after.
        if row.oper.is_none() {
            let up = flags.split_ascii_whitespace().next() == Some("Up");
            row.oper = Some(if up { OperState::Up } else { OperState::Down });
            class = Class::Read;
        }
        if let Some((_, tags)) = flags.split_once("VLAN-Tag [ ")
            && let Some((tags, _)) = tags.split_once(" ]")
        {
            row.encapsulation = shown_tags(tags);
            class = Class::Read;
        }
    }
    if let Some((_, rest)) = words.split_once("MTU: ")
        && row.mtu.is_none()
        && (words.starts_with("Protocol ") || !row.name.contains('.'))
    {
        let number = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
        row.mtu = number.parse().ok();
        class = Class::Read;
    }
    class
}

/// `0x8100.2036`, `0x8100.100 0x8100.200`, `0x8100.1-10`.
fn shown_tags(text: &str) -> Option<Encapsulation> {
    let mut parts = text.split_ascii_whitespace();
    let (outer, tpid) = values::with_tpid(parts.next()?)?;
    let inner = match parts.next() {
        Some(inner) => Some(values::with_tpid(inner)?.0),
        None => None,
    };
    let many = crate::model::fact::is_many;
    let kind = match &inner {
        _ if many(&outer) || inner.as_deref().is_some_and(many) => EncapsulationKind::Range,
        Some(_) => EncapsulationKind::Qinq,
        None => EncapsulationKind::Dot1q,
    };
    Some(Encapsulation { kind, outer: Some(outer), inner, tpid })
}

/// `show vlans`, of switches with and without routing instances in it.
pub(super) fn read_vlans<'t>(text: &'t str, seen: &mut Vec<SeenVlan<'t>>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let (mut with_instance, mut current) = (false, false);
    for line in lines(text) {
        if is_blank(line) {
            tally.blank();
            continue;
        }
        if is_vlans(line) {
            form.header = true;
            with_instance = line.trim_ascii_start().starts_with("Routing");
            tally.line(Class::Read, line);
            continue;
        }
        if is_session(line) {
            tally.line(Class::Ignored, line);
            continue;
        }
        let indented = line.starts_with([' ', '\t']);
        let class = if !form.header {
            Class::Unread
        } else if indented {
            if current && let Some(vlan) = seen.last_mut() {
                vlan.members.extend(members(line));
            }
            if current { Class::Read } else { Class::Ignored }
        } else {
            let mut words = line.split_ascii_whitespace();
            let instance = if with_instance { words.next() } else { None };
            let name = words.next().unwrap_or("");
            let mut rest = words.clone();
            let tag: Option<u16> = rest.next().and_then(|tag| tag.parse().ok());
            // VLANs of another instance are not of the device.
            let ours = instance.is_none_or(|name| name == "default-switch");
            form.rows += 1;
            current = false;
            match tag {
                Some(id) if ours && id <= 4_094 => {
                    current = true;
                    let members = rest.flat_map(members).collect();
                    seen.push(SeenVlan { name, id, members });
                    Class::Read
                }
                _ => Class::Ignored,
            }
        };
        tally.line(class, line);
    }
    form
}

/// `ge-0/0/1.0*, ge-0/0/2.0`: a star marks those that are up.
fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', '\t']).map(|name| name.trim_end_matches('*')).filter(|name| is_interface(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terse() {
        let text = "Interface               Admin Link Proto    Local                 Remote\nge-0/0/0                up    up\nge-0/0/0.0              up    down inet     10.0.1.1/24\n                                   multiservice\nae0                     down  down\n\n{master:0}\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read_terse(text, &mut seen, &mut tally);
        assert_eq!(form, Form { header: true, rows: 3, ..Form::default() });
        assert_eq!(seen[1].oper, Some(OperState::Down));
        assert_eq!(seen[2].admin, Some(AdminState::Down));
        assert_eq!((tally.counts.read, tally.counts.ignored, tally.counts.unread), (4, 2, 0));
        for torn in ["ge-0/0/1                up\n", "ge-0/0/1\n", "Nov 23 log\n"] {
            let text = format!("{text}{torn}");
            assert!(read_terse(&text, &mut Vec::new(), &mut Tally::default()).torn, "{torn}");
        }
    }

    #[test]
    fn long_form() {
        let text = "Physical interface: ge-0/0/0, Administratively down, Physical link is Down\n  Description: to x\n  Link-level type: Ethernet, MTU: 1514, MRU: 0\n\n  Logical interface ge-0/0/0.7 (Index 74) (SNMP ifIndex 535)\n    Flags: Up SNMP-Traps 0x0 VLAN-Tag [ 0x8100.100 0x8100.200 ]  Encapsulation: ENET2\n    Protocol inet, MTU: 1500\n      Flags: Sendbcast-pkt-to-re\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read_detail(text, &mut seen, &mut tally);
        assert!(form.header && form.rows == 2);
        assert_eq!((seen[0].mtu, seen[0].description), (Some(1_514), Some("to x")));
        let tags = seen[1].encapsulation.as_ref().map(|e| (e.kind, e.outer.as_deref(), e.inner.as_deref()));
        assert_eq!(tags, Some((EncapsulationKind::Qinq, Some("100"), Some("200"))));
        assert_eq!((seen[1].mtu, seen[1].oper), (Some(1_500), Some(OperState::Up)));
    }

    #[test]
    fn vlans() {
        let els = "\nRouting instance        VLAN name             Tag          Interfaces\ndefault-switch          default               1\n\ndefault-switch          v10                   10\n                                                           ge-0/0/1.0*\n                                                           ge-0/0/2.0\nother                   v10                   11\n                                                           ge-0/0/3.0\n";
        let old = "Name           Tag     Interfaces\ndefault\n                       ge-0/0/1.0, ge-0/0/2.0*\nv10            10\n                       ge-0/0/1.0*, ge-0/0/2.0\n";
        for (text, count) in [(els, 2), (old, 1)] {
            let (mut seen, mut tally) = (Vec::new(), Tally::default());
            assert!(read_vlans(text, &mut seen, &mut tally).header);
            assert_eq!(seen.len(), count);
            let last = &seen[count - 1];
            assert_eq!(
                (last.name, last.id, &last.members[..]),
                ("v10", 10, &["ge-0/0/1.0", "ge-0/0/2.0"][..])
            );
            assert_eq!(tally.counts.unread, 0);
        }
    }
}
