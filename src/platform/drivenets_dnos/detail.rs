//! `show interfaces NAME` and `show interfaces detail`: blocks of text, one an
//! interface. Unlike the table they print VLAN lists in full. Counters, times
//! and optics are ignored.

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{Encapsulation, EncapsulationKind};
use crate::platform::reading::{Class, Tally, lines};

use super::table::{self, Seen};
use super::values::tpid_of;
use super::{bundle_name, is_interface_name};

/// The interface whose block begins with `line`.
pub(super) fn opens(line: &str) -> Option<&str> {
    let name = line.strip_prefix("Interface ")?.trim_ascii();
    let end = name.find([' ', ',', '(']).unwrap_or(name.len());
    let name = name[..end].trim_end_matches(':');
    is_interface_name(name).then_some(name)
}

/// Reads the blocks in `text` and counts its lines. True if a pager was there.
pub(super) fn read<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> bool {
    let mut pager = false;
    let mut inside = false;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if let Some(name) = opens(line) {
            let printed = words.strip_prefix("Interface ").map(str::trim_ascii).filter(|text| *text != name);
            seen.push(Seen { name, printed, l2: words.contains("(L2)"), ..Seen::default() });
            inside = true;
            Class::Read
        } else if words.starts_with("-- More --") {
            pager = true;
            Class::Unread
        } else {
            match seen.last_mut().filter(|_| inside) {
                Some(block) => setting(block, words),
                None => Class::Unread,
            }
        };
        tally.line(class, line);
    }
    pager
}

/// One line of a block: `key: value, key: value`.
fn setting<'t>(seen: &mut Seen<'t>, line: &'t str) -> Class {
    let Some((key, value)) = line.split_once(':') else { return Class::Ignored };
    let (key, value) = (key.trim_ascii().to_ascii_lowercase(), value.trim_ascii());
    match key.as_str() {
        "description" => seen.description = (!value.is_empty()).then(|| value.to_owned()),
        "encapsulation" => match encapsulation(value) {
            Some(encapsulation) => seen.encapsulation = encapsulation,
            None => return Class::Unread,
        },
        "l2-service state" => seen.l2 = value.starts_with("enabled"),
        "l2 mtu" => seen.mtu = number(value),
        "mtu" => seen.mtu = seen.mtu.or_else(|| number(value)),
        "bundle-id" | "bundle id" => seen.bundle = bundle_name(value),
        "admin state" => {
            seen.admin = table::admin(value.split(',').next().unwrap_or("").trim_ascii());
            if let Some((_, oper)) = line.split_once("Operational state:") {
                seen.oper = table::oper(oper.split(',').next().unwrap_or("").trim_ascii());
            }
        }
        _ => {
            let Some((_, service)) = line.split_once("Network-Service:") else { return Class::Ignored };
            seen.service = table::service(service);
        }
    }
    Class::Read
}

fn number(value: &str) -> Option<u32> {
    value.split([',', ' ']).next()?.parse().ok()
}

/// `Ethernet`, `802.1q, Vlan-Id: 2545, 2548 (0x8100)`,
/// `802.1ad, Vlan-Tags: Outer: 4024 (0x88a8), Inner: 222, 300-310 (0x8100)`.
fn encapsulation(value: &str) -> Option<Encapsulation> {
    if let Some((_, tags)) = value.split_once("Vlan-Tags:") {
        let (_, outer) = tags.split_once("Outer:")?;
        let (outer, inner) = match outer.split_once("Inner:") {
            Some((outer, inner)) => (outer, Some(inner)),
            None => (outer, None),
        };
        let (outer, tpid) = tags_of(outer)?;
        let inner = match inner {
            Some(inner) => Some(tags_of(inner)?.0),
            None => None,
        };
        let many = is_many(&outer) || inner.as_deref().is_some_and(is_many);
        let kind = match inner {
            _ if many => EncapsulationKind::Range,
            Some(_) => EncapsulationKind::Qinq,
            None => EncapsulationKind::Dot1q,
        };
        return Some(Encapsulation { kind, outer: Some(outer), inner, tpid });
    }
    if let Some((_, tags)) = value.split_once("Vlan-Id:") {
        let (outer, tpid) = tags_of(tags)?;
        let kind = if is_many(&outer) { EncapsulationKind::Range } else { EncapsulationKind::Dot1q };
        return Some(Encapsulation { kind, outer: Some(outer), inner: None, tpid });
    }
    match value.to_ascii_lowercase().as_str() {
        "ethernet" => Some(Encapsulation::default()),
        "untagged" => Some(Encapsulation { kind: EncapsulationKind::Untagged, ..Encapsulation::default() }),
        _ => None,
    }
}

/// `2545, 2548, 2600 (0x8100)` → the tags and an unusual protocol id.
fn tags_of(text: &str) -> Option<(String, Option<String>)> {
    let (tags, tpid) = match text.split_once('(') {
        Some((tags, tpid)) => (tags, tpid_of(tpid.split(')').next().unwrap_or(""))),
        None => (text, None),
    };
    Some((canonical_tags(tags)?, tpid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AdminState, OperState};

    #[test]
    fn a_block() {
        let text = "Interface bundle-3.200 (L2)\n\
            \x20 SNMP ifindex: 1234, Network-Service: VPWS (cust1)\n\
            \x20 Admin state: enabled, Operational state: down, Uptime: 0:01:02\n\
            \x20 Description: to: the shop\n\
            \x20 L2 MTU: 1514, MPLS MTU: 1500\n\
            \x20 Encapsulation: 802.1ad, Vlan-Tags: Outer: 4024 (0x88a8), Inner: 222, 300-310 (0x8100)\n\
            \x20 l2-service state: enabled\n\
            \x20 Last cleared: never\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        assert!(!read(text, &mut seen, &mut tally));
        let block = &seen[0];
        assert_eq!((block.name, block.printed), ("bundle-3.200", Some("bundle-3.200 (L2)")));
        assert_eq!((block.admin, block.oper), (Some(AdminState::Up), Some(OperState::Down)));
        assert_eq!(block.description.as_deref(), Some("to: the shop"));
        assert_eq!(block.mtu, Some(1514));
        assert!(block.l2);
        assert_eq!(block.encapsulation.kind, EncapsulationKind::Range);
        assert_eq!(block.encapsulation.inner.as_deref(), Some("222,300-310"));
        assert_eq!(block.encapsulation.tpid.as_deref(), Some("0x88a8"));
        assert_eq!(block.service.as_ref().map(|s| s.name.as_str()), Some("cust1"));
        assert_eq!((tally.counts.read, tally.counts.ignored), (7, 1));
    }

    #[test]
    fn encapsulations() {
        let kind = |text| encapsulation(text).map(|e| (e.kind, e.outer, e.tpid));
        assert_eq!(kind("Ethernet"), Some((EncapsulationKind::None, None, None)));
        assert_eq!(
            kind("802.1q, Vlan-Id: 2545, 2548 (0x8100)"),
            Some((EncapsulationKind::Range, Some("2545,2548".into()), None))
        );
        assert_eq!(
            kind("802.1q, Vlan-Id: 7 (0x9100)"),
            Some((EncapsulationKind::Dot1q, Some("7".into()), Some("0x9100".into())))
        );
        assert_eq!(kind("802.1q, Vlan-Id: none"), None);
    }
}
