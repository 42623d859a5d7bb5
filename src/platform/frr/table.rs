//! `show interface`: one block an interface, its settings indented by two
//! blanks; and `show interface brief`, a table of the same interfaces, which
//! is how we know that no block is missing.

use crate::model::{AdminState, OperState};
use crate::platform::reading::{Class, Tally, lines};

use super::is_interface_name;

/// What the kernel says of one interface, as zebra knows it.
#[derive(Debug, Default)]
pub(super) struct Seen<'t> {
    pub(super) name: &'t str,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
    pub(super) vrf: Option<&'t str>,
    pub(super) description: Option<&'t str>,
    /// The kernel's alias of the interface.
    pub(super) os_description: Option<&'t str>,
    pub(super) mtu: Option<u32>,
    /// `Vlan`, `Bridge`, `VETH`, `Other` …
    pub(super) kind: Option<&'t str>,
    pub(super) slave: Option<&'t str>,
    pub(super) master: Option<&'t str>,
    pub(super) vlan: Option<&'t str>,
    pub(super) vni: Option<&'t str>,
    pub(super) parent: Option<&'t str>,
    /// It is configured, and there is no such interface.
    pub(super) pseudo: bool,
    /// The line that all blocks have near their end, since FRR 8.
    last_line: bool,
}

impl Seen<'_> {
    pub(super) fn is_kind(&self, kind: &str) -> bool {
        self.kind.is_some_and(|found| found.eq_ignore_ascii_case(kind))
    }
}

/// The form of the blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// A block lacks what all blocks have.
    pub(super) torn: bool,
    pub(super) noise: bool,
    pub(super) pager: bool,
    /// A VLAN id that is none.
    pub(super) misread: bool,
}

/// Name, admin and oper of the block that begins with `line`.
pub(super) fn opens(line: &str) -> Option<(&str, AdminState, Option<OperState>)> {
    let (name, states) = line.strip_prefix("Interface ")?.split_once(" is ")?;
    if !is_interface_name(name) {
        return None;
    }
    let (admin, protocol) = match states.split_once(", line protocol is ") {
        Some((admin, protocol)) => (admin, Some(protocol)),
        None => (states, None),
    };
    let admin = match admin.trim_ascii_end() {
        "up" => AdminState::Up,
        "down" => AdminState::Down,
        _ => return None,
    };
    let oper = match (protocol.map(str::trim_ascii_end), admin) {
        (Some("up"), _) => Some(OperState::Up),
        (Some("down"), _) | (None, AdminState::Down) => Some(OperState::Down),
        _ => None,
    };
    Some((name, admin, oper))
}

/// Reads the blocks in `text` and counts its lines.
pub(super) fn read<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let first = seen.len();
    let mut inside = false;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if line.starts_with(' ') && inside {
            let Some(block) = seen.last_mut() else { continue };
            let (class, misread) = setting(block, words);
            form.misread |= misread;
            class
        } else if let Some((name, admin, oper)) = opens(line) {
            seen.push(Seen { name, admin: Some(admin), oper, ..Seen::default() });
            inside = true;
            Class::Read
        } else {
            form.pager |= is_pager(words);
            form.noise |= !is_pager(words);
            Class::Unread
        };
        tally.line(class, line);
    }
    let blocks = &seen[first..];
    let closes = blocks.iter().any(|block| block.last_line);
    form.torn = blocks.iter().any(|block| !is_whole(block, closes));
    form
}

fn is_pager(words: &str) -> bool {
    ["--More--", "WARNING: terminal is not fully functional", "Press RETURN", "(END)"]
        .iter()
        .any(|text| words.starts_with(text))
}

fn is_whole(block: &Seen<'_>, closes: bool) -> bool {
    if block.pseudo {
        return true;
    }
    let named = |name: Option<&str>| name.is_some();
    block.mtu.is_some()
        && (block.last_line || !closes)
        && (!block.is_kind("vlan") || (named(block.vlan) && named(block.parent)))
        && (block.slave.is_none_or(|kind| kind.eq_ignore_ascii_case("none"))
            || named(block.master)
            || named(block.vrf))
}

fn setting<'t>(block: &mut Seen<'t>, line: &'t str) -> (Class, bool) {
    let mut read = true;
    let mut misread = false;
    if let Some(rest) = line.strip_prefix("vrf: ") {
        block.vrf = Some(rest.trim_ascii());
    } else if let Some(rest) = line.strip_prefix("Description: ") {
        block.description = Some(rest.trim_ascii());
    } else if let Some(rest) = line.strip_prefix("OS Description: ") {
        block.os_description = Some(rest.trim_ascii());
    } else if line.starts_with("index ") {
        let mut words = line.split_ascii_whitespace();
        block.mtu = words.find(|word| *word == "mtu").and_then(|_| words.next()?.parse().ok());
    } else if let Some(rest) = line.strip_prefix("Interface Type ") {
        block.kind = Some(rest.trim_ascii());
    } else if let Some(rest) = line.strip_prefix("Interface Slave Type ") {
        block.slave = Some(rest.trim_ascii());
    } else if let Some(rest) = line.strip_prefix("Master interface: ") {
        block.master = Some(rest.trim_ascii());
    } else if let Some(rest) = line.strip_prefix("VLAN Id ") {
        let id = rest.split_ascii_whitespace().next().unwrap_or("");
        misread = !id.parse::<u16>().is_ok_and(|id| id <= 4_095);
        block.vlan = (!misread).then_some(id);
    } else if let Some(rest) = line.strip_prefix("VxLAN Id ") {
        block.vni = rest.split_ascii_whitespace().next();
    } else if let Some(rest) = line.strip_prefix("Parent interface: ") {
        block.parent = Some(rest.trim_ascii());
    } else if line == "pseudo interface" {
        block.pseudo = true;
    } else {
        block.last_line |= line.starts_with("protodown");
        read = line.starts_with("protodown");
    }
    let class = if misread {
        Class::Unread
    } else if read {
        Class::Read
    } else {
        // Counters, addresses, timers.
        Class::Ignored
    };
    (class, misread)
}

/// The header of `show interface brief`.
pub(super) fn is_header(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    ["Interface", "Status", "VRF", "Addresses"].iter().all(|word| words.next() == Some(word))
}

/// The rows of a brief table; `None` without its header or with a row that is
/// none. It says less than a block: no MTU, no VLAN, no configured state.
pub(super) fn brief<'t>(text: &'t str, tally: &mut Tally) -> Option<Vec<Seen<'t>>> {
    let mut rows = Vec::new();
    let (mut header, mut torn) = (false, false);
    for line in lines(text) {
        let words = line.trim_ascii();
        let class = if is_header(words) {
            header = true;
            Class::Ignored
        } else if words.starts_with("---") || line.starts_with(' ') || words.starts_with('+') {
            // The ruler, and more addresses of the row above.
            Class::Ignored
        } else if words.is_empty() {
            Class::Ignored
        } else if let Some(row) = row(words).filter(|_| header) {
            rows.push(row);
            Class::Read
        } else {
            torn = true;
            Class::Unread
        };
        tally.any(class, line);
    }
    (header && !torn && !rows.is_empty()).then_some(rows)
}

fn row(line: &str) -> Option<Seen<'_>> {
    let mut cells = line.split_ascii_whitespace();
    let name = cells.next().filter(|name| is_interface_name(name))?;
    let oper = match cells.next()? {
        "up" => OperState::Up,
        "down" => OperState::Down,
        _ => return None,
    };
    Some(Seen { name, oper: Some(oper), vrf: Some(cells.next()?), ..Seen::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: &str = "\
Interface eth0.251 is up, line protocol is down
  Link ups:       3    last: 2026/11/23 14:26:55.62
  vrf: default
  OS Description: east
  index 9 metric 0 mtu 1500 speed 10000 
  flags: <UP,BROADCAST,MULTICAST>
  Interface Type Vlan
  Interface Slave Type Bridge
  VLAN Id 251
  Master interface: bd251
  protodown: off 
  Parent interface: eth0
Interface eth9 is down
  vrf: default
  pseudo interface
";

    fn form(text: &str) -> Form {
        read(text, &mut Vec::new(), &mut Tally::default())
    }

    #[test]
    fn blocks() {
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        assert_eq!(read(BLOCKS, &mut seen, &mut tally), Form::default());
        let port = &seen[0];
        assert_eq!((port.admin, port.oper), (Some(AdminState::Up), Some(OperState::Down)));
        assert_eq!((port.vlan, port.parent, port.master), (Some("251"), Some("eth0"), Some("bd251")));
        assert_eq!((port.mtu, port.os_description), (Some(1_500), Some("east")));
        assert!(seen[1].pseudo);
        assert_eq!((tally.counts.unread, tally.counts.ignored), (0, 2));
    }

    #[test]
    fn a_block_that_was_cut() {
        let end = BLOCKS.find("  protodown").unwrap_or(0);
        let whole = BLOCKS.replace("eth0.251", "eth0.250");
        assert!(form(&format!("{whole}{}", &BLOCKS[..end])).torn);
        assert!(form(&BLOCKS[..BLOCKS.find("  VLAN Id").unwrap_or(0)]).torn);
        assert!(form(&BLOCKS.replace("VLAN Id 251", "VLAN Id 9999")).misread);
    }

    #[test]
    fn a_brief_table() {
        let text = "Interface       Status  VRF             Addresses\n\
            ---------       ------  ---             ---------\n\
            eth0.251        up      default         192.0.2.1/24\n\
            \x20                                        + 2001:db8::1/64\n\
            lo              up      RED             \n\n";
        let mut tally = Tally::default();
        let rows = brief(text, &mut tally).map(|rows| rows.iter().map(|row| (row.name, row.vrf)).collect());
        assert_eq!(rows, Some(vec![("eth0.251", Some("default")), ("lo", Some("RED"))]));
        assert_eq!(tally.counts.read, 2);
        assert!(brief("eth0 up default\n", &mut tally).is_none());
    }
}
