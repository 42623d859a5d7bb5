//! Values of settings: how VLANs, states, strings and ids are written in the
//! configuration. `None`: the value is not understood.

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{AdminState, Encapsulation, EncapsulationKind};

pub(super) fn admin_state(text: &str) -> Option<AdminState> {
    match text {
        "enabled" => Some(AdminState::Up),
        "disabled" => Some(AdminState::Down),
        _ => None,
    }
}

/// A string as it was typed: without its double quotes.
pub(super) fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\""),
        None => text.to_owned(),
    }
}

/// `local 1000 remote 5000` → `1000:5000`.
pub(super) fn service_ids(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let mut local = None;
    let mut remote = None;
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        match key {
            "local" => local = Some(value),
            "remote" => remote = Some(value),
            _ => return None,
        }
    }
    Some(format!("{}:{}", local?, remote?))
}

/// `251`, `251 tpid 0x9100`, `list 350, 360, 400-410`.
pub(super) fn vlan_id(text: &str) -> Option<Encapsulation> {
    // The usual case, without the work for a list.
    if text.len() <= 4 && !text.starts_with('0') && text.parse::<u16>().is_ok_and(|id| id <= 4_095) {
        let (kind, outer) = (EncapsulationKind::Dot1q, Some(text.to_owned()));
        return Some(Encapsulation { kind, outer, inner: None, tpid: None });
    }
    let text = text.strip_prefix("list ").unwrap_or(text);
    let (tags, tpid) = match text.split_once(" tpid ") {
        Some((tags, tpid)) => (tags, tpid_of(tpid)),
        None => (text, None),
    };
    let outer = canonical_tags(tags)?;
    let kind = if is_many(&outer) { EncapsulationKind::Range } else { EncapsulationKind::Dot1q };
    Some(Encapsulation { kind, outer: Some(outer), inner: None, tpid })
}

/// `outer-tag 20 inner-tag 30 outer-tpid 0x8100`, and lists of either.
pub(super) fn vlan_tags(text: &str) -> Option<Encapsulation> {
    let (mut outer, mut inner, mut tpid) = (None, None, None);
    let mut words = text.split_ascii_whitespace().peekable();
    while let Some(key) = words.next() {
        // A list is spread over several words: `301, 304, 305-310`.
        let mut value = String::new();
        while let Some(part) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
            value.push_str(part);
            value.push(' ');
        }
        match key {
            "outer-tag" | "outer-tag-list" => outer = Some(canonical_tags(&value)?),
            "inner-tag" | "inner-tag-list" => inner = Some(canonical_tags(&value)?),
            "outer-tpid" => tpid = tpid_of(&value),
            "inner-tpid" => {}
            _ => return None,
        }
    }
    let outer = outer?;
    let many = is_many(&outer) || inner.as_deref().is_some_and(is_many);
    let kind = match inner {
        _ if many => EncapsulationKind::Range,
        Some(_) => EncapsulationKind::Qinq,
        None => EncapsulationKind::Dot1q,
    };
    Some(Encapsulation { kind, outer: Some(outer), inner, tpid })
}

/// The outer tag's protocol id, unless it is the usual one.
pub(super) fn tpid_of(text: &str) -> Option<String> {
    let text = text.trim_ascii().to_ascii_lowercase();
    (text != "0x8100" && text.starts_with("0x") && text.len() == 6).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(encapsulation: Option<Encapsulation>) -> String {
        let Some(e) = encapsulation else { return "-".to_owned() };
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!("{:?} {} {} {}", e.kind, text(e.outer), text(e.inner), text(e.tpid))
    }

    #[test]
    fn one_tag() {
        for (text, expected) in [
            ("251", "Dot1q 251 - -"),
            ("0251", "Dot1q 251 - -"),
            ("4095", "Dot1q 4095 - -"),
            ("251 tpid 0x9100", "Dot1q 251 - 0x9100"),
            ("251 tpid 0x8100", "Dot1q 251 - -"),
            ("list 350, 360, 400-410", "Range 350,360,400-410 - -"),
            ("list 350", "Dot1q 350 - -"),
            ("4096", "-"),
            ("any", "-"),
            ("list", "-"),
            ("", "-"),
        ] {
            assert_eq!(show(vlan_id(text)), expected, "{text}");
        }
    }

    #[test]
    fn two_tags() {
        for (text, expected) in [
            ("outer-tag 20 inner-tag 30", "Qinq 20 30 -"),
            ("outer-tag 20 inner-tag 30 outer-tpid 0x88A8 inner-tpid 0x8100", "Qinq 20 30 0x88a8"),
            ("outer-tag 100 inner-tag-list 301, 304, 305-310, 400-500", "Range 100 301,304-310,400-500 -"),
            ("outer-tag 20", "Dot1q 20 - -"),
            ("inner-tag 20", "-"),
            ("outer-tag x", "-"),
            ("outer-tag 1 new-word 2", "-"),
        ] {
            assert_eq!(show(vlan_tags(text)), expected, "{text}");
        }
    }

    #[test]
    fn strings_and_ids() {
        assert_eq!(unquoted("\"two \\\"words\\\"\""), "two \"words\"");
        assert_eq!(unquoted("one"), "one");
        assert_eq!(unquoted("\""), "\"");
        assert_eq!(service_ids("local 1000 remote 5000").as_deref(), Some("1000:5000"));
        assert_eq!(service_ids("local 1000"), None);
    }
}
