//! Which frames an interface takes, as IOS and IOS-XR write it: the
//! `encapsulation …` of a sub-interface or a service instance, and the same
//! words in their tables.

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{Encapsulation, EncapsulationKind};

/// All tags that a frame may have, for the word `any`.
const ANY: &str = "1-4094";

/// What stands behind `encapsulation`. `None`: not understood.
///
/// `dot1q 10`, `dot1Q 10 native`, `dot1Q 10 second-dot1q 20`, `dot1q 10-20,30`,
/// `dot1ad 10 dot1q any`, `untagged`, `default`, `priority-tagged`. What
/// narrows it further (`exact`, `cos`, `etype`, a MAC address) changes no tag.
pub(crate) fn encapsulation(text: &str) -> Option<Encapsulation> {
    let (word, mut rest) = next_word(text);
    let plain = |kind| Some(Encapsulation { kind, ..Encapsulation::default() });
    let mut tpid = None;
    if same(word, "untagged") || same(word, "priority-tagged") {
        // `untagged , dot1q 10` takes tagged frames as well.
        let more = rest.trim_start_matches([',', ' ']);
        return match encapsulation_of_tags(more) {
            Some(tagged) => Some(Encapsulation { kind: EncapsulationKind::Range, ..tagged }),
            None => plain(EncapsulationKind::Untagged),
        };
    }
    if same(word, "default") {
        return plain(EncapsulationKind::Default);
    }
    let first = if same(word, "list-extended") {
        let (next, behind) = next_word(rest);
        rest = behind;
        next
    } else {
        word
    };
    if same(first, "dot1ad") {
        tpid = Some("0x88a8".to_owned());
    } else if !same(first, "dot1q") {
        return None;
    }
    let (outer, behind) = tags(rest)?;
    let mut inner = None;
    let mut native = false;
    let mut words = behind;
    while !words.is_empty() {
        let (word, behind) = next_word(words);
        words = behind;
        if same(word, "second-dot1q") || same(word, "dot1q") {
            let (list, behind) = tags(words)?;
            inner = Some(list);
            words = behind;
        } else if same(word, "native") {
            native = true;
        } else if same(word, "vlan-type") || same(word, "type") {
            let (value, behind) = next_word(words);
            tpid = unusual(value);
            words = behind;
        } else if same(word, ",") {
            // `dot1q 10 , untagged`: more than one kind of frame.
            return Some(Encapsulation { kind: EncapsulationKind::Range, outer: Some(outer), inner, tpid });
        } else {
            // `exact`, `cos 5`, `etype …`, `ingress source-mac …`.
            break;
        }
    }
    let many = is_many(&outer) || inner.as_deref().is_some_and(is_many);
    let kind = match inner {
        _ if native => EncapsulationKind::Untagged,
        _ if many => EncapsulationKind::Range,
        Some(_) => EncapsulationKind::Qinq,
        None => EncapsulationKind::Dot1q,
    };
    Some(Encapsulation { kind, outer: Some(outer), inner, tpid })
}

fn encapsulation_of_tags(text: &str) -> Option<Encapsulation> {
    text.starts_with("dot1").then(|| encapsulation(text)).flatten()
}

/// A tag protocol id other than the usual one.
pub(crate) fn unusual(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    (text != "0x8100" && text.starts_with("0x") && text.len() == 6).then_some(text)
}

/// A list of tags, which may be spread over words by its commas, and the rest.
fn tags(text: &str) -> Option<(String, &str)> {
    if let ("any", rest) = next_word(text) {
        return Some((ANY.to_owned(), rest));
    }
    let is_list = |b: u8| b.is_ascii_digit() || matches!(b, b',' | b'-' | b' ');
    let end = text.bytes().position(|b| !is_list(b)).unwrap_or(text.len());
    let list = text[..end].trim_end_matches([' ', ',']);
    // One id is the usual case, and needs no sorting.
    let list_text = match crate::platform::lines::one_tag(list) {
        Some(tag) => tag,
        None if list.contains(' ') && !list.contains(',') => return None,
        None => canonical_tags(list)?,
    };
    Some((list_text, text[list.len()..].trim_ascii_start()))
}

fn next_word(text: &str) -> (&str, &str) {
    crate::platform::lines::first_word(text.trim_ascii())
}

fn same(word: &str, other: &str) -> bool {
    word.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let Some(e) = encapsulation(text) else { return "-".to_owned() };
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!("{:?} {} {} {}", e.kind, text(e.outer), text(e.inner), text(e.tpid))
    }

    #[test]
    fn forms() {
        for (text, expected) in [
            ("dot1Q 10", "Dot1q 10 - -"),
            ("dot1Q 10 native", "Untagged 10 - -"),
            ("dot1Q 10 second-dot1q 20", "Qinq 10 20 -"),
            ("dot1Q 10 second-dot1q any", "Range 10 1-4094 -"),
            ("dot1Q 10 second-dot1q 20-30,40", "Range 10 20-30,40 -"),
            ("dot1q 10-20,30", "Range 10-20,30 - -"),
            ("dot1q 10 , 20-30", "Range 10,20-30 - -"),
            ("dot1q 10 exact", "Dot1q 10 - -"),
            ("dot1q 10 second-dot1q 20 exact", "Qinq 10 20 -"),
            ("dot1q 200-300 vlan protocol type 0x8100", "Range 200-300 - -"),
            ("dot1ad 10 dot1q 20", "Qinq 10 20 0x88a8"),
            ("dot1ad 10", "Dot1q 10 - 0x88a8"),
            ("dot1q any", "Range 1-4094 - -"),
            ("dot1q 10 vlan-type 0x9100", "Dot1q 10 - 0x9100"),
            ("list-extended dot1q 66-67,69", "Range 66-67,69 - -"),
            ("untagged", "Untagged - - -"),
            ("untagged , dot1q 10", "Range 10 - -"),
            ("dot1q 10 , untagged", "Range 10 - -"),
            ("priority-tagged", "Untagged - - -"),
            ("default", "Default - - -"),
            ("dot1q", "-"),
            ("dot1q 5000", "-"),
            ("dot1q 10 second-dot1q", "-"),
            ("mpls", "-"),
            ("", "-"),
        ] {
            assert_eq!(show(text), expected, "{text}");
        }
    }
}
