//! What a SAP's id says: `PORT[:TAGS]`. On SR OS this id *is* the
//! encapsulation; the port's `encap-type` only says how many tags it may have.

use crate::model::{Encapsulation, EncapsulationKind};

/// Any tag, as one value.
const ANY: &str = "1-4094";

/// The port or LAG of a SAP, and which frames it takes. Without tags it takes
/// what comes: then the port itself is the access point. `None`: the id has no
/// form that we know.
pub(super) fn parse(id: &str) -> Option<(&str, Encapsulation)> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"/-_.:*".contains(&b);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(fits) {
        return None;
    }
    match id.rsplit_once(':') {
        None => Some((id, Encapsulation::default())),
        Some((port, tags)) if !port.is_empty() => Some((port, encapsulation(tags)?)),
        Some(_) => None,
    }
}

/// `100`, `100.200`, `100.*`, `100.0`, `0`, `*`, `*.*`, `0.*`, `cp-7`, and the
/// `VPI/VCI` of ATM, which is no Ethernet tag.
pub(super) fn encapsulation(tags: &str) -> Option<Encapsulation> {
    use EncapsulationKind::{Default, Dot1q, Qinq, Range, Untagged};
    let made = |kind, outer: Option<&str>, inner: Option<&str>| {
        let text = |tag: Option<&str>| tag.map(str::to_owned);
        Some(Encapsulation { kind, outer: text(outer), inner: text(inner), tpid: None })
    };
    if tags.contains('/') {
        return made(EncapsulationKind::None, None, None);
    }
    match tags.split_once('.') {
        // Frames without a tag, or with the priority tag.
        None if tags == "0" => made(Untagged, None, None),
        // What no other SAP of the port takes.
        None if tags == "*" => made(Default, None, None),
        // Which tags a connection profile has stands elsewhere.
        None if is_profile(tags) => made(Range, None, None),
        None => made(Dot1q, Some(tag(tags)?), None),
        Some(("0", "*" | "0" | "null")) => made(Untagged, None, None),
        Some(("*", "*")) => made(Default, None, None),
        // One tag, whichever it is.
        Some(("*", "null" | "0")) => made(Range, Some(ANY), None),
        Some((outer, "0" | "null")) => made(Dot1q, Some(tag(outer)?), None),
        Some((outer, "*")) => made(Range, Some(tag(outer)?), Some(ANY)),
        Some((outer, inner)) if is_profile(outer) => made(Range, None, Some(tag(inner)?)),
        Some((outer, inner)) if is_profile(inner) => made(Range, Some(tag(outer)?), None),
        Some((outer, inner)) => made(Qinq, Some(tag(outer)?), Some(tag(inner)?)),
    }
}

fn is_profile(text: &str) -> bool {
    text.strip_prefix("cp-").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

fn tag(text: &str) -> Option<&str> {
    (text.len() <= 4
        && (text == "0" || !text.starts_with('0'))
        && text.parse::<u16>().is_ok_and(|id| id <= 4_095))
    .then_some(text)
}

/// Whether `name` has the form of a port or LAG: `1/1/c2/1`, `A/1`, `lag-7`,
/// `esat-1/1/5`, `pw-3`.
pub(super) fn is_port(name: &str) -> bool {
    name.len() <= 64
        && name.bytes().any(|b| b.is_ascii_digit())
        && (name.contains('/') || name.contains('-'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (id, expected) in [
            ("1/1/1", "1/1/1 None - -"),
            ("1/1/1:0", "1/1/1 Untagged - -"),
            ("1/1/1:100", "1/1/1 Dot1q 100 -"),
            ("1/1/1:100.200", "1/1/1 Qinq 100 200"),
            ("1/1/c2/1:100.*", "1/1/c2/1 Range 100 1-4094"),
            ("1/1/1:100.0", "1/1/1 Dot1q 100 -"),
            ("lag-1:*", "lag-1 Default - -"),
            ("lag-1:*.*", "lag-1 Default - -"),
            ("lag-1:0.*", "lag-1 Untagged - -"),
            ("lag-1:*.null", "lag-1 Range 1-4094 -"),
            ("lag-1:cp-7", "lag-1 Range - -"),
            ("lag-1:5.cp-7", "lag-1 Range 5 -"),
            ("esat-1/1/5:7.0", "esat-1/1/5 Dot1q 7 -"),
            ("1/x1/1/c16/4:320", "1/x1/1/c16/4 Dot1q 320 -"),
            ("1/1/1:0/100", "1/1/1 None - -"),
            ("tunnel-1.private:1", "tunnel-1.private Dot1q 1 -"),
        ] {
            let text = |tag: Option<String>| tag.unwrap_or_else(|| "-".to_owned());
            let found =
                parse(id).map(|(port, e)| format!("{port} {:?} {} {}", e.kind, text(e.outer), text(e.inner)));
            assert_eq!(found.as_deref(), Some(expected), "{id}");
        }
        for id in ["", ":1", "1/1/1:", "1/1/1:4096", "1/1/1:x", "1/1/1:1.2.3", "1/1/1 :1", "<b>:1"] {
            assert_eq!(parse(id), None, "{id}");
        }
    }
}
