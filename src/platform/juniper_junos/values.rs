//! How tags and ranges of interfaces are written. `None`: not understood.

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{Encapsulation, EncapsulationKind};

use super::config::Tags;

/// All VLANs, as one value.
pub(super) const ALL: &str = "1-4094";

/// The canonical form of ids and ranges as the device writes them.
pub(super) fn tags(items: &[&str]) -> Option<String> {
    if let [one] = items
        && let Some(tag) = one_tag(one)
    {
        return Some(tag.to_owned());
    }
    if items.contains(&"all") {
        return Some(ALL.to_owned());
    }
    canonical_tags(&items.join(","))
}

/// The usual case, without the work for a list.
pub(super) fn one_tag(text: &str) -> Option<&str> {
    (text.len() <= 4 && !text.starts_with('0') && text.parse::<u16>().is_ok_and(|id| id <= 4_095))
        .then_some(text)
}

/// `100`, `0x88a8.100`: the tag, and its protocol id unless it is the usual one.
pub(super) fn with_tpid(text: &str) -> Option<(String, Option<String>)> {
    let (tpid, tag) = match text.split_once('.') {
        Some((tpid, tag)) => (Some(tpid), tag),
        None => (None, text),
    };
    let tpid = match tpid {
        Some(tpid) => {
            let tpid = tpid.to_ascii_lowercase();
            if !(tpid.starts_with("0x") && tpid.len() == 6) {
                return None;
            }
            Some(tpid).filter(|tpid| tpid != "0x8100")
        }
        None => None,
    };
    Some((tags(&[tag])?, tpid))
}

/// The encapsulation that the tags of a unit make.
pub(super) fn encapsulation(of: &Tags<'_>) -> Option<Encapsulation> {
    if of.outer.is_none() && of.single.is_empty() && of.inner.is_empty() {
        return Some(Encapsulation::default());
    }
    let (outer, tpid) = match of.outer {
        Some(outer) => with_tpid(outer)?,
        // `vlan-id none` takes frames without a tag.
        None if of.single == ["none"] => {
            return Some(Encapsulation { kind: EncapsulationKind::Untagged, ..Encapsulation::default() });
        }
        None => match of.single[..] {
            [one] if one.contains('.') => with_tpid(one)?,
            _ => (tags(&of.single)?, None),
        },
    };
    let inner = match of.inner[..] {
        [] => None,
        [one] if one.contains('.') => Some(with_tpid(one)?.0),
        _ => Some(tags(&of.inner)?),
    };
    let kind = match &inner {
        _ if is_many(&outer) || inner.as_deref().is_some_and(is_many) => EncapsulationKind::Range,
        Some(_) => EncapsulationKind::Qinq,
        None => EncapsulationKind::Dot1q,
    };
    Some(Encapsulation { kind, outer: Some(outer), inner, tpid })
}

/// Whether `text` has the form of ids: `100`, `100-200`, `0x8100.100`.
pub(super) fn is_tags(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Whether `name` has the form of a port: `ge-0/0/1`, `ae12`, `irb`, `lo0`.
pub(super) fn is_port(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/:_".contains(&b))
}

/// More members than a chassis has ports.
const MOST_MEMBERS: usize = 4_096;

/// The names that a member of an interface range stands for:
/// `ge-0/0/[1-3,5]`, `ge-0/[0-1]/0`, or a name. `None` for a `*`, which stands
/// for whatever hardware is there.
pub(super) fn member_names(pattern: &str) -> Option<Vec<String>> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, more)) = rest.split_once('[') {
        let (set, after) = more.split_once(']')?;
        let mut next = Vec::new();
        for part in set.split(',') {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let (low, high): (u32, u32) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            for name in &names {
                for number in low..=high {
                    if next.len() >= MOST_MEMBERS {
                        return None;
                    }
                    next.push(format!("{name}{before}{number}"));
                }
            }
        }
        names = next;
        rest = after;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    names.iter().all(|name| is_port(name)).then_some(names)
}

/// The names from `ge-0/0/2` to `ge-0/0/5`: the last number counts.
pub(super) fn span_names(from: &str, to: &str) -> Option<Vec<String>> {
    let cut = |name: &str| name.rfind(|c: char| !c.is_ascii_digit()).map(|at| at + 1);
    let (from_at, to_at) = (cut(from)?, cut(to)?);
    let (head, low) = from.split_at(from_at);
    let (other, high) = to.split_at(to_at);
    let (low, high): (usize, usize) = (low.parse().ok()?, high.parse().ok()?);
    if head != other || low > high || high - low >= MOST_MEMBERS || !is_port(from) {
        return None;
    }
    Some((low..=high).map(|number| format!("{head}{number}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(single: &[&str], outer: Option<&str>, inner: &[&str]) -> String {
        let tags = Tags { single: single.to_vec(), outer, inner: inner.to_vec() };
        let Some(e) = encapsulation(&tags) else { return "-".to_owned() };
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!("{:?} {} {} {}", e.kind, text(e.outer), text(e.inner), text(e.tpid))
    }

    #[test]
    fn encapsulations() {
        for (single, outer, inner, expected) in [
            (&[][..], None, &[][..], "None - - -"),
            (&["100"], None, &[], "Dot1q 100 - -"),
            (&["none"], None, &[], "Untagged - - -"),
            (&["10-20", "5"], None, &[], "Range 5,10-20 - -"),
            (&[], Some("992"), &["898"], "Qinq 992 898 -"),
            (&[], Some("0x88a8.992"), &["0x8100.898"], "Qinq 992 898 0x88a8"),
            (&[], Some("0x8100.992"), &[], "Dot1q 992 - -"),
            (&[], Some("100"), &["1-10", "20"], "Range 100 1-10,20 -"),
            (&["x"], None, &[], "-"),
            (&[], Some("x.1"), &[], "-"),
            (&["4096"], None, &[], "-"),
        ] {
            assert_eq!(show(single, outer, inner), expected, "{single:?} {outer:?} {inner:?}");
        }
    }

    #[test]
    fn members_of_a_range() {
        let text = |names: Option<Vec<String>>| names.map(|names| names.join(" "));
        assert_eq!(text(member_names("ge-0/0/1")).as_deref(), Some("ge-0/0/1"));
        assert_eq!(
            text(member_names("ge-[0-1]/0/[1,3-4]")).as_deref(),
            Some("ge-0/0/1 ge-1/0/1 ge-0/0/3 ge-0/0/4 ge-1/0/3 ge-1/0/4")
        );
        for none in ["ge-*/0/1", "ge-0/0/[1", "ge-0/0/[a-b]", "ge-[0-999]/0/[0-999]", "<b>"] {
            assert_eq!(member_names(none), None, "{none}");
        }
        assert_eq!(
            text(span_names("ge-0/0/9", "ge-0/0/11")).as_deref(),
            Some("ge-0/0/9 ge-0/0/10 ge-0/0/11")
        );
        for (from, to) in
            [("ge-0/0/2", "ge-0/0/1"), ("ge-0/0/1", "ge-0/1/2"), ("x", "y"), ("ge-0/0/0", "ge-0/0/999999")]
        {
            assert_eq!(span_names(from, to), None, "{from} {to}");
        }
    }
}
