//! Which output a text is: from the command that was typed, or from its shape.

use crate::platform::{Object, Typed};

use super::{is_interface_name, text, vlans};

/// What the output of `command` is.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    if command.contains(['|', '>', ';', '&']) {
        return None;
    }
    let mut words = command.split_ascii_whitespace().peekable();
    words.next_if(|word| *word == "sudo");
    let program = words.next()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let rest: Vec<&str> = words.filter(|word| !word.starts_with('-')).collect();
    let whole = |section| Some(Typed { section, object: None });
    match (program, rest.as_slice()) {
        ("uname" | "hostname", []) => whole("system"),
        ("ip", [kind]) if is_links(kind) => whole("links"),
        ("ip", [kind, show]) if is_links(kind) && is_show(show) => whole("links"),
        ("ip", [kind, show, "dev", name] | [kind, show, name])
            if is_links(kind) && is_show(show) && is_interface_name(name) =>
        {
            Some(Typed { section: "links", object: Some(Object::Interface(name)) })
        }
        // Narrowed by kind, master or state: a part of which nobody knows the rest.
        ("ip", [kind, ..]) if is_links(kind) => Some(Typed { section: "links", object: Some(Object::Part) }),
        ("bridge", [kind] | [kind, "show"]) if is(kind, "vlan", 1) => whole("bridge vlans"),
        ("bridge", [kind] | [kind, "show"]) if is(kind, "link", 1) => whole("bridge links"),
        _ => None,
    }
}

fn is_links(word: &str) -> bool {
    is(word, "link", 1) || is(word, "address", 1)
}

fn is_show(word: &str) -> bool {
    is(word, "show", 1) || is(word, "list", 2) || word == "ls"
}

fn is(word: &str, full: &str, least: usize) -> bool {
    word.len() >= least && full.starts_with(word)
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let trimmed = line.trim_ascii();
    match trimmed.as_bytes().first()? {
        b'[' if trimmed == "[" => Some("links"),
        b'[' if trimmed.starts_with("[{") => Some(json(trimmed)),
        b'p' if vlans::is_header(trimmed) => Some("bridge vlans"),
        b'0'..=b'9' if text::opens(line).is_some() => Some("links"),
        _ => None,
    }
}

/// What a JSON array is, by the names that its first object has.
fn json(text: &str) -> &'static str {
    let head = &text.as_bytes()[..text.len().min(400)];
    let has = |name: &str| memchr::memmem::find(head, name.as_bytes()).is_some();
    if has("\"vlans\"") {
        "bridge vlans"
    } else if has("\"ifindex\"") && has("\"ifname\"") {
        if has("\"priority\"") && has("\"cost\"") && !has("\"qdisc\"") { "bridge links" } else { "links" }
    } else {
        "json"
    }
}

/// Printed over several lines, the first one says nothing.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    if section == "links" && text.trim_ascii_start().starts_with('[') { json(text) } else { section }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        for (command, expected) in [
            ("ip -j -d link show", Some(("links", None))),
            ("ip a", Some(("links", None))),
            ("sudo /sbin/ip -d l", Some(("links", None))),
            ("ip link show dev eth0", Some(("links", Some(Object::Interface("eth0"))))),
            ("ip link show type vlan", Some(("links", Some(Object::Part)))),
            ("bridge -j vlan show", Some(("bridge vlans", None))),
            ("bridge vlan", Some(("bridge vlans", None))),
            ("bridge -j link", Some(("bridge links", None))),
            ("uname -n", Some(("system", None))),
            ("ip route show", None),
            ("ip link show | grep vlan", None),
            ("", None),
        ] {
            let found = typed(command).map(|t| (t.section, t.object));
            assert_eq!(found, expected, "{command}");
        }
    }
}
