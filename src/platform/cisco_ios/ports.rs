//! Tables about interfaces: `show interfaces`, and its forms `description`,
//! `status` and `switchport`.

use crate::model::{AdminState, Encapsulation, EncapsulationKind, Interface, OperState};
use crate::platform::gathered::Seen;
use crate::platform::lines::{TrunkVlans, access, first_word, one_tag, parent_of, tagged};
use crate::platform::reading::{Class, Tally, lines};
use crate::platform::rows::Form;

use super::names;

/// The header of `show interfaces description`. IOS-XR writes the same words
/// farther apart.
pub(super) fn is_description_header(line: &str) -> bool {
    line.starts_with("Interface  ") && line.trim_ascii_end().ends_with("Status         Protocol Description")
}

/// `Interface  Status  Protocol Description`.
pub(super) fn descriptions(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if form.stray(words) {
            Class::Unread
        } else if is_description_header(line) {
            form.header = true;
            Class::Read
        } else if let Some(row) = description(words).filter(|_| form.header) {
            form.rows += 1;
            seen.push(row);
            Class::Read
        } else {
            form.torn |= form.header;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

fn description(words: &str) -> Option<Seen> {
    let (name, rest) = first_word(words);
    if !names::is_interface_name(name) {
        return None;
    }
    let (admin, oper, rest) = if let Some(rest) = rest.strip_prefix("admin down") {
        (AdminState::Down, OperState::Down, rest.trim_ascii_start())
    } else {
        let (status, rest) = first_word(rest);
        match status {
            "up" => (AdminState::Up, OperState::Up, rest),
            "deleted" => (AdminState::Down, OperState::NotPresent, rest),
            "down" | "reset" | "standby" | "looped" | "initializing" => {
                (AdminState::Up, OperState::Down, rest)
            }
            _ => return None,
        }
    };
    let (protocol, description) = first_word(rest);
    let mut row = row(name);
    let fact = fact(&mut row);
    fact.admin = Some(admin);
    fact.oper = Some(match (oper, protocol) {
        (OperState::Up, "up") => OperState::Up,
        (OperState::NotPresent, _) => OperState::NotPresent,
        (_, "up" | "down" | "testing" | "dormant") => OperState::Down,
        _ => return None,
    });
    fact.description = (!description.is_empty()).then(|| description.to_owned());
    Some(row)
}

/// A row about an interface, with what its name alone says.
pub(super) fn row(printed: &str) -> Seen {
    let mut seen = Seen::new(names::long(printed), printed);
    let parent = parent_of(&seen.name).map(str::to_owned);
    fact(&mut seen).parent = parent;
    seen
}

pub(super) fn fact(seen: &mut Seen) -> &mut Interface {
    seen.fact.get_or_insert_with(|| Box::new(Interface::named(seen.name.as_str())))
}

/// The interface whose block begins with `line`, and its state:
/// `Vlan1 is up, line protocol is down (notconnect)`.
pub(super) fn block(line: &str) -> Option<(&str, AdminState, OperState)> {
    // People paste blocks with blanks before them; a description has its key.
    let (head, protocol) = line.trim_ascii().split_once(", line protocol is ")?;
    let (name, status) = head.split_once(" is ")?;
    if !names::is_interface_name(name) {
        return None;
    }
    let up = first_word(protocol).0.trim_end_matches(',') == "up";
    let (admin, oper) = match status {
        "administratively down" => (AdminState::Down, OperState::Down),
        "deleted" => (AdminState::Down, OperState::NotPresent),
        "up" if up => (AdminState::Up, OperState::Up),
        _ => (AdminState::Up, OperState::Down),
    };
    Some((name, admin, oper))
}

/// `show interfaces`: blocks of text, one an interface. Counters, times and
/// rates are ignored.
pub(super) fn blocks(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let mut members: Vec<(String, String)> = Vec::new();
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if form.stray(words) {
            Class::Unread
        } else if let Some((name, admin, oper)) = block(line) {
            form.header = true;
            form.rows += 1;
            let mut row = row(name);
            let fact = fact(&mut row);
            (fact.admin, fact.oper) = (Some(admin), Some(oper));
            seen.push(row);
            Class::Read
        } else if let Some(open) = seen.last_mut().filter(|_| form.header) {
            if let Some(list) = words.strip_prefix("Members in this channel:") {
                members
                    .extend(list.split_ascii_whitespace().map(|name| (names::long(name), open.name.clone())));
                Class::Read
            } else {
                setting(fact(open), words)
            }
        } else {
            Class::Unread
        };
        tally.line(class, line);
    }
    for (member, bundle) in members {
        let mut row = row(&member);
        fact(&mut row).bundle = Some(bundle);
        seen.push(row);
    }
    form
}

fn setting(fact: &mut Interface, words: &str) -> Class {
    if let Some(description) = words.strip_prefix("Description: ") {
        fact.description = Some(description.to_owned());
    } else if let Some(mtu) = words.strip_prefix("MTU ") {
        fact.mtu = first_word(mtu).0.parse().ok();
    } else if let Some(tags) = words.strip_prefix("Encapsulation 802.1Q Virtual LAN, ") {
        return match encapsulation(tags) {
            // A port with sub-interfaces shows the VLAN of its untagged frames.
            Some(_) if fact.parent.is_none() => Class::Ignored,
            Some(encapsulation) => {
                fact.encapsulation = encapsulation;
                Class::Read
            }
            None => Class::Unread,
        };
    } else if words.starts_with("Encapsulation ") {
        return Class::Read;
    } else {
        return Class::Ignored;
    }
    Class::Read
}

/// `Vlan ID  10, loopback not set`, `outer ID  10, inner ID 20.`,
/// `Vlan ID 10, 2nd VLAN Id 20`.
fn encapsulation(text: &str) -> Option<Encapsulation> {
    let (mut outer, mut inner) = (None, None);
    for part in text.split(',') {
        let mut words = part.split_ascii_whitespace();
        let key = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let number = || part.rsplit(' ').find(|word| !word.is_empty()).map(|word| word.trim_end_matches('.'));
        if key.0.eq_ignore_ascii_case("vlan") || key.0 == "outer" {
            outer = number();
        } else if key.0 == "inner" || key.0 == "2nd" {
            inner = number();
        }
    }
    tagged(outer?, inner)
}

/// The columns of `show interfaces status` from its header.
pub(super) fn status_header(line: &str) -> Option<[usize; 4]> {
    let at = |word: &str| line.find(word);
    let columns = [at("Name")?, at("Status")?, at("Vlan")?, at("Duplex")?];
    (line.starts_with("Port ") && columns.is_sorted()).then_some(columns)
}

/// `show interfaces status`: the name of a port is its description, cut off.
pub(super) fn status(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let mut columns = None;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if form.stray(words) {
            Class::Unread
        } else if let Some(found) = status_header(line) {
            columns = Some(found);
            form.header = true;
            Class::Read
        } else if words.bytes().all(|b| b == b'-') {
            Class::Read
        } else if let Some(row) = columns.and_then(|columns| status_row(line, columns)) {
            form.rows += 1;
            seen.push(row);
            Class::Read
        } else {
            form.torn |= form.header;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

/// States that stand in the column, whatever width it has.
const STATES: &[&str] = &[
    "connected",
    "notconnect",
    "disabled",
    "err-disabled",
    "inactive",
    "monitoring",
    "suspended",
    "notconnec",
    "sfpAbsent",
    "xcvrAbsen",
    "faulty",
    "noOperMem",
    "up",
    "down",
];

fn status_row(line: &str, [_, status_at, ..]: [usize; 4]) -> Option<Seen> {
    let (port, rest) = first_word(line);
    if !names::is_interface_name(port) {
        return None;
    }
    // Ports of a storage network: `fc2/1 is up    Port mode is NP`.
    if let Some(state) = rest.strip_prefix("is ") {
        let mut row = row(port);
        let up = first_word(state).0 == "up";
        fact(&mut row).oper = Some(if up { OperState::Up } else { OperState::Down });
        return Some(row);
    }
    // The status begins at its column, or a few bytes beside it where a port's
    // name is long; a word in the name may look like one.
    let offset = line.len() - rest.len();
    let mut at = offset;
    let found = rest.split(' ').filter_map(|word| {
        let start = at;
        at += word.len() + 1;
        (start + 6 >= status_at && STATES.contains(&word)).then_some((start, word))
    });
    let (start, state) = found.min_by_key(|(start, _)| start.abs_diff(status_at))?;
    let vlan = first_word(line[start + state.len()..].trim_ascii_start()).0;
    let name = line.get(offset..start).unwrap_or("").trim_ascii();
    let mut row = row(port);
    let fact = fact(&mut row);
    fact.description = (!name.is_empty()).then(|| name.to_owned());
    fact.oper = Some(if matches!(state, "connected" | "up") { OperState::Up } else { OperState::Down });
    fact.admin = (state == "disabled").then_some(AdminState::Down);
    // What a trunk carries is not said here.
    if one_tag(vlan).is_some() {
        fact.l2 = true;
        fact.encapsulation = access(vlan)?;
    } else if vlan == "trunk" {
        fact.l2 = true;
    }
    Some(row)
}

/// `show interfaces switchport`: blocks of `Key: value`, each with a `Name:`.
pub(super) fn switchports(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let mut port: Option<Switchport<'_>> = None;
    let mut goes_on = false;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if form.stray(words) {
            Class::Unread
        } else if let Some((key, value)) = words.split_once(':') {
            let value = value.trim_ascii();
            if key == "Name" {
                seen.extend(port.take().map(Switchport::seen));
                port = Some(Switchport { name: value, ..Switchport::default() });
                form.header = true;
                form.rows += 1;
            }
            goes_on = key == "Trunking VLANs Enabled";
            match &mut port {
                Some(port) => port.set(key, value),
                None => Class::Unread,
            }
        } else if let Some(port) =
            port.as_mut().filter(|_| goes_on && words.starts_with(|c: char| c.is_ascii_digit()))
        {
            // A long list of VLANs goes on in the next line.
            port.trunk.push_str(words);
            Class::Read
        } else if port.is_some() {
            Class::Ignored
        } else {
            Class::Unread
        };
        tally.line(class, line);
    }
    seen.extend(port.map(Switchport::seen));
    form
}

#[derive(Debug, Default)]
struct Switchport<'t> {
    name: &'t str,
    enabled: bool,
    mode: &'t str,
    oper: &'t str,
    access: &'t str,
    trunk: String,
}

impl<'t> Switchport<'t> {
    fn set(&mut self, key: &str, value: &'t str) -> Class {
        match key {
            "Name" => {}
            "Switchport" => self.enabled = value == "Enabled",
            "Administrative Mode" => self.mode = value,
            "Operational Mode" => self.oper = value,
            "Access Mode VLAN" => self.access = first_word(value).0,
            "Trunking VLANs Enabled" => value.clone_into(&mut self.trunk),
            _ => return Class::Ignored,
        }
        Class::Read
    }

    fn seen(self) -> Seen {
        let mut row = row(self.name);
        let fact = fact(&mut row);
        fact.l2 = self.enabled;
        let mode = if self.mode.starts_with("dynamic") { self.oper } else { self.mode };
        if !self.enabled {
            return row;
        }
        if mode.starts_with("trunk") {
            let mut vlans = TrunkVlans::default();
            if vlans.set(&self.trunk.to_ascii_lowercase()) {
                fact.encapsulation = vlans.encapsulation();
            }
        } else if let Some(encapsulation) = access(self.access)
            && (mode.contains("access") || mode.contains("tunnel") || mode.starts_with("down"))
        {
            fact.encapsulation = encapsulation;
        }
        debug_assert!(fact.encapsulation.kind != EncapsulationKind::Qinq, "a switch port has one list");
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(read: fn(&str, &mut Vec<Seen>, &mut Tally) -> Form, text: &str) -> (Vec<Interface>, Form) {
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read(text, &mut seen, &mut tally);
        assert_eq!(tally.counts.unread, 0, "{:?}", tally.unread);
        (seen.into_iter().filter_map(|row| row.fact).map(|fact| *fact).collect(), form)
    }

    #[test]
    fn descriptions_with_states() {
        let text = "Interface                      Status         Protocol Description\n\
            Vl1                            admin down     down     \n\
            Gi0/10                         up             up       to: the shop  (2)\n\
            Gi0/10.10                      deleted        down\n";
        let (ports, form) = seen(descriptions, text);
        assert_eq!((ports[0].name.as_str(), ports[0].admin), ("Vlan1", Some(AdminState::Down)));
        assert_eq!(ports[1].description.as_deref(), Some("to: the shop  (2)"));
        assert_eq!(ports[2].oper, Some(OperState::NotPresent));
        assert_eq!(form, Form { header: true, rows: 3, ..Form::default() });
    }

    #[test]
    fn a_block() {
        let text = "Port-channel1.100 is up, line protocol is up (connected)\n  Hardware is GEChannel\n\
            \x20 Description: two: tags\n  MTU 9000 bytes, BW 1 Kbit\n\
            \x20 Encapsulation 802.1Q Virtual LAN, outer ID  10, inner ID 20.\n\
            Port-channel1 is up, line protocol is down\n    Members in this channel: Gi0/1 Gi0/2 \n";
        let (ports, _) = seen(blocks, text);
        assert_eq!(ports[0].encapsulation, tagged("10", Some("20")).unwrap_or_default());
        assert_eq!((ports[0].mtu, ports[0].parent.as_deref()), (Some(9_000), Some("Port-channel1")));
        assert_eq!(ports[3].bundle.as_deref(), Some("Port-channel1"));
        assert_eq!(
            encapsulation("Vlan ID  10., loopback not set").and_then(|e| e.outer).as_deref(),
            Some("10")
        );
    }

    #[test]
    fn states_and_names_that_look_like_states() {
        let text = "Port      Name               Status       Vlan       Duplex  Speed Type\n\
            Fa0/1     *** connected to U notconnect   150          auto   auto 10/100BaseTX\n\
            Fa0/2     funky trunk port   connected    trunk        auto   auto 10/100BaseTX\n\
            Fa0/6     suspended customer disabled     789          auto   auto 10/100BaseTX\n";
        let (ports, _) = seen(status, text);
        assert_eq!(ports[0].description.as_deref(), Some("*** connected to U"));
        assert_eq!(ports[0].encapsulation.outer.as_deref(), Some("150"));
        assert_eq!((ports[1].oper, ports[1].l2), (Some(OperState::Up), true));
        assert_eq!(ports[2].admin, Some(AdminState::Down));
    }

    #[test]
    fn switch_ports() {
        let text = "Name: Gi0/1\nSwitchport: Enabled\nAdministrative Mode: trunk\nAccess Mode VLAN: 1 (default)\n\
            Trunking VLANs Enabled: 10,20-22,\n     30,31\nPruning VLANs Enabled: 2-1001\n\
            Name: Gi0/2\nSwitchport: Enabled\nAdministrative Mode: static access\nAccess Mode VLAN: 7 (x)\n\
            Trunking VLANs Enabled: ALL\n";
        let (ports, _) = seen(switchports, text);
        assert_eq!(ports[0].encapsulation.outer.as_deref(), Some("10,20-22,30-31"));
        assert_eq!(ports[1].encapsulation, access("7").unwrap_or_default());
    }
}
