//! Which output a text is: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::{Object, Typed};

use super::{is_interface_name, table};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    if command.contains('|') {
        return None;
    }
    let inner = command.trim_ascii();
    let inner = inner.strip_prefix("sudo ").unwrap_or(inner);
    let inner = match inner.split_once("vtysh ") {
        Some(("", rest)) => {
            let (_, quoted) = rest.split_once("-c ")?;
            quoted.trim_ascii().trim_matches(['\'', '"'])
        }
        _ => inner,
    };
    let mut words = inner.split_ascii_whitespace().peekable();
    words.next_if(|word| *word == "do");
    if !is(words.next()?, "show", 2) {
        return None;
    }
    let what = words.next()?;
    let rest: Vec<&str> = words.collect();
    let whole = |section| Some(Typed { section, object: None });
    if is(what, "running-config", 2) && rest.is_empty() {
        return whole("config");
    }
    if !is(what, "interface", 3) {
        return None;
    }
    match rest.as_slice() {
        [] | ["vrf", "all"] => whole("interfaces"),
        [word] | ["vrf", "all", word] if is(word, "brief", 2) => whole("brief"),
        // One VRF is a part of the whole, and no scope of ours.
        ["vrf", ..] => Some(Typed { section: "interfaces", object: Some(Object::Part) }),
        [name] | [name, "vrf", _] if is_interface_name(name) && *name != "json" => {
            Some(Typed { section: "interfaces", object: Some(Object::Interface(name)) })
        }
        _ => None,
    }
}

/// Whether `word` is `full`, or an abbreviation of it with `least` letters or more.
fn is(word: &str, full: &str, least: usize) -> bool {
    word.len() >= least && full.starts_with(word)
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let text = line.trim_ascii_end();
    match text.as_bytes().first()? {
        b'B' if text == "Building configuration..." => Some("config"),
        b'C' if text == "Current configuration:" => Some("config"),
        b'f' if text.starts_with("frr version ") || text.starts_with("frr defaults ") => Some("config"),
        b'!' if text.ends_with(" configuration saved from vty") => Some("config"),
        b'I' if table::opens(text).is_some() => Some("interfaces"),
        b'I' if table::is_header(text) => Some("brief"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        for (command, expected) in [
            ("show running-config", Some(("config", None))),
            ("sh run", Some(("config", None))),
            ("do sh run", Some(("config", None))),
            ("vtysh -c 'show running-config'", Some(("config", None))),
            ("sudo vtysh -N r1 -c \"sh run\"", Some(("config", None))),
            ("show interface", Some(("interfaces", None))),
            ("show interface vrf all", Some(("interfaces", None))),
            ("show int vrf all brief", Some(("brief", None))),
            ("show interface ge0.251 vrf all", Some(("interfaces", Some(Object::Interface("ge0.251"))))),
            ("show interface vrf RED", Some(("interfaces", Some(Object::Part)))),
            ("show interface json", None),
            ("show running-config | include vlan", None),
            ("show run bgpd", None),
            ("configure terminal", None),
            ("", None),
        ] {
            let found = typed(command).map(|t| (t.section, t.object));
            assert_eq!(found, expected, "{command}");
        }
    }
}
