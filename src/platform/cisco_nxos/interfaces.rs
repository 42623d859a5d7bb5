//! `show interface`: a block of text an interface. Counters, rates and times
//! are ignored.

use std::borrow::Cow;

use crate::model::{AdminState, OperState};
use crate::platform::lines::{is_pager, tagged};
use crate::platform::reading::{Class, Tally, lines};
use crate::platform::switch::{Form, Seen, long_name};

use super::FAMILIES;

/// The interface whose block begins with `line`: `Ethernet1/1 is up`,
/// `Vlan20 is down (VLAN/BD is down), line protocol is down`.
pub(super) fn head(line: &str) -> Option<(&str, Cow<'_, str>)> {
    let (name, rest) = line.split_once(" is ")?;
    if !(rest.starts_with("up") || rest.starts_with("down")) || name.contains(' ') {
        return None;
    }
    Some((name, long_name(name, FAMILIES)?))
}

/// Reads the blocks in `text` and counts its lines.
pub(super) fn read<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let before = seen.len();
    let mut has_body = true;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if let Some((printed, name)) = head(words) {
            let printed = (name != printed).then_some(printed);
            let down = words.contains("Administratively down");
            let up = words[words.find(" is ").map_or(0, |at| at + 4)..].starts_with("up")
                && !words.contains("line protocol is down");
            seen.push(Seen {
                name,
                printed,
                oper: Some(if up { OperState::Up } else { OperState::Down }),
                admin: Some(if down { AdminState::Down } else { AdminState::Up }),
                whole: true,
                ..Seen::default()
            });
            form.header = true;
            has_body = false;
            Class::Read
        } else if is_pager(words) {
            form.pager = true;
            Class::Unread
        } else {
            match seen.get_mut(before..).and_then(<[_]>::last_mut) {
                Some(block) => {
                    has_body |= words.starts_with("Hardware") || words.starts_with("MTU ");
                    setting(block, words)
                }
                None => Class::Unread,
            }
        };
        tally.line(class, line);
    }
    form.torn |= !has_body;
    form
}

fn setting<'t>(block: &mut Seen<'t>, words: &'t str) -> Class {
    // Most lines are counters.
    match words.as_bytes().first() {
        Some(b'a' | b'A') => {
            let Some(rest) =
                words.strip_prefix("admin state is ").or_else(|| words.strip_prefix("Admin State: "))
            else {
                return Class::Ignored;
            };
            let up = rest.starts_with("up");
            block.admin = Some(if up { AdminState::Up } else { AdminState::Down });
        }
        Some(b'D' | b'P') => {
            if let Some(text) =
                words.strip_prefix("Description:").or_else(|| words.strip_prefix("Port description is"))
            {
                let text = text.trim_ascii();
                block.description = (!text.is_empty()).then(|| text.trim_matches('"').to_owned());
            } else if let Some(mode) = words.strip_prefix("Port mode is ") {
                block.switched = match mode.trim_ascii() {
                    "access" | "trunk" | "fex-fabric" => Some(true),
                    "routed" => Some(false),
                    _ => None,
                };
            } else {
                return Class::Ignored;
            }
        }
        Some(b'M') => {
            match words.strip_prefix("MTU ").and_then(|rest| rest.split(' ').next()?.parse().ok()) {
                Some(mtu) => block.mtu = Some(mtu),
                None => return Class::Ignored,
            }
        }
        Some(b'B') => match words.strip_prefix("Belongs to ").and_then(|name| long_name(name, FAMILIES)) {
            Some(name) => block.bundle = Some(name.into_owned()),
            None => return Class::Ignored,
        },
        Some(b'E') => {
            let id =
                words.split_once("Vlan ID ").map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or(""));
            match id.and_then(|id| tagged(id, None)) {
                Some(tags) => block.tags = Some(tags),
                None => return Class::Ignored,
            }
        }
        _ => return Class::Ignored,
    }
    Class::Read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let text = "Ethernet1/1 is down (Administratively down)\n\
            admin state is down, Dedicated Interface\n\
            \x20 Belongs to Po302\n\
            \x20 Hardware: 1000/10000 Ethernet, address: 0000.5e00.5301 (bia 0000.5e00.5301)\n\
            \x20 Description: to the shop\n\
            \x20 MTU 9216 bytes, BW 10000000 Kbit, DLY 10 usec\n\
            \x20 Port mode is trunk\n\
            \x20   10 output error  0 collision\n\
            port-channel7.20 is up\n\
            admin state is up\n\
            \x20 Hardware: Port-Channel\n\
            \x20 Encapsulation 802.1Q Virtual LAN, Vlan ID 20, medium is broadcast\n\
            Vlan9 is up, line protocol is down\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read(text, &mut seen, &mut tally);
        assert!(form.header && form.torn, "the last block has no lines");
        assert_eq!((seen[0].admin, seen[0].oper), (Some(AdminState::Down), Some(OperState::Down)));
        assert_eq!((seen[0].bundle.as_deref(), seen[0].mtu), (Some("port-channel302"), Some(9216)));
        assert_eq!((seen[0].switched, seen[0].description.as_deref()), (Some(true), Some("to the shop")));
        assert_eq!(seen[1].tags.as_ref().and_then(|tags| tags.outer.as_deref()), Some("20"));
        assert_eq!((seen[2].admin, seen[2].oper), (Some(AdminState::Up), Some(OperState::Down)));
        assert_eq!((tally.counts.read, tally.counts.ignored), (10, 3));
    }
}
