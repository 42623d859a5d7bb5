//! `show nve vni`: which VNI belongs to which VLAN, bridge domain or VRF.

use std::borrow::Cow;

use crate::model::ServiceKind;
use crate::platform::reading::{Class, Tally, lines};
use crate::platform::switch::{Config, Form};

/// Whether `line` is the header of the table.
pub(super) fn is_header(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    ["Interface", "VNI", "Multicast-group", "State"].iter().all(|word| words.next() == Some(word))
}

/// Reads the rows in `text` and counts its lines.
pub(super) fn read<'t>(text: &'t str, config: &mut Config<'t>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    for line in lines(text) {
        let words = line.trim_ascii();
        let class = if words.is_empty() {
            tally.blank();
            continue;
        } else if is_header(words) {
            form.header = true;
            Class::Ignored
        } else if !form.header || words.bytes().all(|b| b == b'-' || b == b' ') {
            // The legend of flags stands before the header.
            Class::Ignored
        } else {
            row(words, config)
        };
        form.torn |= class == Class::Unread;
        tally.line(class, line);
    }
    form
}

/// `nve1      10010    UnicastBGP        Up    CP   L2 [10]`.
fn row<'t>(words: &'t str, config: &mut Config<'t>) -> Class {
    let mut cells = words.split_ascii_whitespace();
    let (Some(port), Some(vni)) = (cells.next(), cells.next()) else { return Class::Unread };
    let object = words.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(name, _)| name);
    let kind = cells.find(|cell| matches!(*cell, "L2" | "L3"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (kind, object) {
        _ if !is_number(vni) => return Class::Unread,
        (Some("L2"), Some(object)) => {
            let at = config.instance(ServiceKind::Evpn, Cow::Borrowed(vni));
            config.instances[at].members.push(Cow::Borrowed(port));
            // A bridge domain is shown as its number too, and nothing tells it from a VLAN.
            if is_number(object) {
                config.instances[at].meets("vlan", Some(object));
            }
        }
        (Some("L3"), Some(name)) => {
            let at = config.instance(ServiceKind::Vrf, Cow::Borrowed(name));
            config.instances[at].meets("vni", Some(vni));
        }
        // Bound to nothing yet.
        (Some(_), None) => return Class::Ignored,
        _ => return Class::Unread,
    }
    Class::Read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let text = "Codes: CP - Control Plane\n\n\
            Interface VNI      Multicast-group   State Mode Type [BD/VRF]      Flags\n\
            --------- -------- ----------------- ----- ---- ------------------ -----\n\
            nve1      10010    239.1.1.1         Up    CP   L2 [10]            SA\n\
            nve1      50001    n/a               Up    CP   L3 [TENANT]\n\
            nve1      x\n";
        let (mut config, mut tally) = (Config::default(), Tally::default());
        assert!(read(text, &mut config, &mut tally).torn);
        assert_eq!(config.instances.len(), 2);
        assert_eq!(config.instances[0].neighbors[0].id.as_deref(), Some("10"));
        assert_eq!((config.instances[1].kind, &*config.instances[1].name), (ServiceKind::Vrf, "TENANT"));
        assert_eq!((tally.counts.read, tally.counts.ignored, tally.counts.unread), (2, 3, 1));
    }
}
