//! Which output is which: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::lines::{abbreviates as is, first_word};
use crate::platform::{Object, Typed};

use super::{commits, names, tables};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    let words: Vec<&str> = command.split_ascii_whitespace().collect();
    let words = match words.as_slice() {
        ["do", rest @ ..] => rest,
        all => all,
    };
    let whole = |section| Some(Typed { section, object: None });
    let part = |section| Some(Typed { section, object: Some(Object::Part) });
    let (show, words) = words.split_first()?;
    if !is(show, "show", 2) || words.contains(&"|") {
        return None;
    }
    match words {
        [run] if is(run, "running-config", 3) => whole("config"),
        [run, word, name]
            if is(run, "running-config", 3) && is(word, "interface", 3) && names::is_interface_name(name) =>
        {
            Some(Typed { section: "config", object: Some(Object::Interface(name)) })
        }
        [run, _, ..] if is(run, "running-config", 3) => part("config"),
        [word] if is(word, "version", 3) => whole("version"),
        [word] if is(word, "interfaces", 3) => whole("interfaces"),
        [word, kind] if is(word, "interfaces", 3) && is(kind, "description", 3) => whole("descriptions"),
        [word, kind] if is(word, "interfaces", 3) && is(kind, "detail", 3) => whole("interfaces"),
        [word, name] if is(word, "interfaces", 3) && names::is_interface_name(name) => {
            Some(Typed { section: "interfaces", object: Some(Object::Interface(name)) })
        }
        [ethernet, tags] if is(ethernet, "ethernet", 3) && is(tags, "tags", 3) => whole("tags"),
        [l2vpn, word] if is(l2vpn, "l2vpn", 2) && is(word, "bridge-domain", 3) => whole("bridge-domains"),
        [l2vpn, word, detail]
            if is(l2vpn, "l2vpn", 2) && is(word, "bridge-domain", 3) && is(detail, "detail", 3) =>
        {
            whole("bridge-domains")
        }
        [l2vpn, word, "bd-name" | "group", _, ..]
            if is(l2vpn, "l2vpn", 2) && is(word, "bridge-domain", 3) =>
        {
            part("bridge-domains")
        }
        [l2vpn, word] if is(l2vpn, "l2vpn", 2) && is(word, "xconnect", 2) => whole("xconnects"),
        [config, commit, list, ..]
            if is(config, "configuration", 3) && is(commit, "commit", 3) && is(list, "list", 1) =>
        {
            whole("rollback")
        }
        _ => None,
    }
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    if line.starts_with("!! IOS XR Configuration") || line.starts_with("!RANCID-CONTENT-TYPE: cisco-xr") {
        return Some("config");
    }
    // A reply of NETCONF, or what is left of one.
    let tag = line.trim_ascii();
    if tag.starts_with('<')
        && (tag == "<data>"
            || ["<?xml", "rpc-reply", "http://cisco.com/ns/yang/Cisco-IOS-XR-"]
                .iter()
                .any(|mark| tag.contains(mark)))
    {
        return Some("config");
    }
    if let Some(rest) = line.strip_prefix("interface ") {
        let rest = rest.strip_prefix("preconfigure ").unwrap_or(rest).trim_ascii_end();
        let (name, mode) = first_word(rest);
        let ours = names::is_known(name) || (mode == "l2transport" && names::is_interface_name(name));
        return ours.then_some("config");
    }
    if tables::is_tags_header(line)
        || line.trim_ascii_start().starts_with("St:    AD - Administratively Down")
    {
        return Some("tags");
    }
    if tables::is_description_header(line) {
        return Some("descriptions");
    }
    if tables::domain_header(line).is_some() {
        return Some("bridge-domains");
    }
    if tables::is_xconnect_header(line) {
        return Some("xconnects");
    }
    if commits::header(line).is_some() {
        return Some("rollback");
    }
    if line.starts_with("Cisco IOS XR Software") {
        return Some("version");
    }
    tables::block(line).filter(|(name, ..)| names::is_known(name)).map(|_| "interfaces")
}

/// The name of a section says all that its shape does.
pub(super) fn refine(section: &'static str, _text: &str) -> &'static str {
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        let section = |command| typed(command).map(|typed| typed.section);
        for (command, expected) in [
            ("show running-config", Some("config")),
            ("sh run", Some("config")),
            ("show running-config l2vpn", Some("config")),
            ("sh int desc", Some("descriptions")),
            ("show ethernet tags", Some("tags")),
            ("show l2vpn bridge-domain detail", Some("bridge-domains")),
            ("sh l2vpn xc", Some("xconnects")),
            ("show configuration commit list 20", Some("rollback")),
            ("show running-config | include x", None),
            ("show l2vpn bridge-domain brief", None),
            ("commit", None),
        ] {
            assert_eq!(section(command), expected, "{command}");
        }
    }

    #[test]
    fn shapes() {
        for (line, expected) in [
            ("!! IOS XR Configuration 7.3.2", Some("config")),
            ("interface TenGigE0/0/0/1.5 l2transport", Some("config")),
            ("interface Bundle-Ether7", Some("config")),
            ("interface GigabitEthernet0/0/1", None),
            ("interface preconfigure GigabitEthernet0/3/0/1", Some("config")),
            ("Interface          Status      Protocol    Description", Some("descriptions")),
            ("Interface                      Status         Protocol Description", None),
            ("Bridge group: G, bridge-domain: D, id: 0, state: up", Some("bridge-domains")),
            ("Vlan1 is up, line protocol is up", None),
        ] {
            assert_eq!(opens(line), expected, "{line}");
        }
    }
}
