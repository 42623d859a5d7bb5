//! `show interfaces`: a block of text an interface. Counters, rates and times
//! are ignored.

use std::borrow::Cow;

use crate::model::{AdminState, OperState};
use crate::platform::lines::is_pager;
use crate::platform::reading::{Class, Tally, lines};
use crate::platform::switch::{Form, Seen, long_name};

use super::FAMILIES;

/// The interface whose block begins with `line`, and what it says of it:
/// `Ethernet1 is up, line protocol is up (connected)`.
pub(super) fn head(line: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, rest) = line.split_once(" is ")?;
    if name.contains(' ') || !rest.contains(", line protocol is ") {
        return None;
    }
    Some((name, long_name(name, FAMILIES)?, rest))
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
        let class = if let Some((printed, name, state)) = head(words) {
            let (link, protocol) = state.split_once(", line protocol is ").unwrap_or((state, ""));
            let down = link == "administratively down" || protocol.ends_with("(disabled)");
            seen.push(Seen {
                printed: (name != printed).then_some(printed),
                name,
                admin: Some(if down { AdminState::Down } else { AdminState::Up }),
                oper: Some(match protocol.split(' ').next() {
                    Some("up") if link == "up" => OperState::Up,
                    Some("notpresent") => OperState::NotPresent,
                    _ => OperState::Down,
                }),
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
                    has_body |= words.starts_with("Hardware is");
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
    let mtu = |rest: &str| rest.split(' ').next().and_then(|number| number.parse().ok());
    // Most lines are counters.
    match words.as_bytes().first() {
        Some(b'D') => match words.strip_prefix("Description:").map(str::trim_ascii) {
            Some(text) => block.description = (!text.is_empty()).then(|| text.trim_matches('"').to_owned()),
            None => return Class::Ignored,
        },
        Some(b'M') => match words.strip_prefix("Member of ").and_then(|name| long_name(name, FAMILIES)) {
            Some(name) => block.bundle = Some(name.into_owned()),
            None => return Class::Ignored,
        },
        // A routed port has an MTU of its addresses, a switched one of its frames.
        Some(b'E') => match words.strip_prefix("Ethernet MTU ") {
            Some(rest) => {
                block.mtu = mtu(rest);
                block.switched = Some(block.bundle.is_none());
            }
            None => return Class::Ignored,
        },
        Some(b'I') => match words.strip_prefix("IP MTU ") {
            Some(rest) => {
                block.mtu = mtu(rest);
                block.switched = Some(false);
            }
            None => return Class::Ignored,
        },
        _ => return Class::Ignored,
    }
    Class::Read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let text = "Ethernet1 is up, line protocol is up (connected)\n\
            \x20 Hardware is Ethernet, address is 0000.5e00.5301 (bia 0000.5e00.5301)\n\
            \x20 Description: to the shop\n\
            \x20 Member of Port-Channel7\n\
            \x20 Ethernet MTU 9214 bytes, BW 10000000 kbit\n\
            \x20    0 late collision, 0 deferred, 0 output discards\n\
            Ethernet2 is administratively down, line protocol is notpresent (disabled)\n\
            \x20 Hardware is Ethernet\n\
            \x20 IP MTU 1500 bytes (default)\n\
            Ethernet2.7 is down, line protocol is lowerlayerdown (notconnect)\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read(text, &mut seen, &mut tally);
        assert!(form.header && form.torn, "the last block has no lines");
        assert_eq!((seen[0].admin, seen[0].oper), (Some(AdminState::Up), Some(OperState::Up)));
        assert_eq!((seen[0].bundle.as_deref(), seen[0].switched), (Some("Port-Channel7"), Some(false)));
        assert_eq!((seen[0].mtu, seen[0].description.as_deref()), (Some(9214), Some("to the shop")));
        assert_eq!((seen[1].admin, seen[1].oper), (Some(AdminState::Down), Some(OperState::NotPresent)));
        assert_eq!((seen[2].admin, seen[2].oper), (Some(AdminState::Up), Some(OperState::Down)));
        assert_eq!((tally.counts.read, tally.counts.ignored), (7, 3));
    }
}
