//! Which output is which: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::lines::{abbreviates, first_word};
use crate::platform::reading::lines;
use crate::platform::switch::{
    family, is_status_header, is_system_name, is_vlan_header, long_name, opens_switchport, output_of,
    vlan_ids,
};
use crate::platform::{Object, Typed};

use super::{FAMILIES, interfaces};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter: filtered output is a part of which nobody knows
/// what is missing.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    let words = output_of(command)?;
    let whole = |section| Some(Typed { section, object: None });
    let part = |section, object| Some(Typed { section, object: Some(object) });
    let is = abbreviates;
    match words.as_slice() {
        [run] | [run, "all"] if is(run, "running-config", 3) => whole("config"),
        [run, word, name] if is(run, "running-config", 3) && is(word, "interfaces", 3) => {
            if long_name(name, FAMILIES).is_some() {
                part("config interface", Object::Interface(name))
            } else {
                part("config part", Object::Part)
            }
        }
        // `show running-config diffs` is none, and `sanitized` lacks only secrets.
        [run, "sanitized"] if is(run, "running-config", 3) => whole("config"),
        [run, "section" | "interfaces", ..] if is(run, "running-config", 3) => {
            part("config part", Object::Part)
        }
        [word, rest @ ..] if is(word, "interfaces", 3) => match rest {
            [] => whole("interfaces"),
            [word] if is(word, "switchport", 2) => whole("switchport"),
            [word] if is(word, "status", 4) => whole("status"),
            [name] if family(name, FAMILIES).is_some() => part("interface", Object::Interface(name)),
            [name, word] if is(word, "switchport", 2) && family(name, FAMILIES).is_some() => {
                part("switchport", Object::Interface(name))
            }
            [name, word] if is(word, "status", 4) && family(name, FAMILIES).is_some() => {
                part("status", Object::Interface(name))
            }
            _ => None,
        },
        [word] if is(word, "vlan", 2) => whole("vlans"),
        [word, brief] if is(word, "vlan", 2) && is(brief, "brief", 2) => whole("vlans"),
        [word, ..] if is(word, "logging", 3) => whole("commits"),
        _ => None,
    }
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let words = line.trim_ascii();
    match words.as_bytes().first()? {
        b'!' => is_config_remark(line).then_some("config"),
        b'V' if is_vlan_header(line) => Some("vlans"),
        b'N' if opens_switchport(words, FAMILIES) => Some("switchport"),
        b'P' if is_status_header(words) => Some("status"),
        // The state in brackets is there on every line, and on those of few others.
        b'A'..=b'Z' if words.ends_with(')') && interfaces::head(words).is_some() => Some("interfaces"),
        b'a'..=b'z' if line.starts_with(words) => is_config_line(words).then_some("config"),
        _ => None,
    }
}

fn is_config_remark(line: &str) -> bool {
    [
        "! Command: show running-config",
        "! Command: show startup-config",
        "! device: ",
        "! boot system ",
        "!RANCID-CONTENT-TYPE: arista",
    ]
    .iter()
    .any(|head| line.starts_with(head))
}

/// What a configuration of this system has in its first column. Its sisters
/// have some of it too; a whole text tells them apart.
fn is_config_line(words: &str) -> bool {
    let (word, rest) = first_word(words);
    match word {
        "hostname" => is_system_name(rest),
        "interface" => long_name(rest, FAMILIES).is_some_and(|name| name == rest),
        "vlan" => vlan_ids(rest).is_some(),
        "vrf" => rest.starts_with("instance ") || rest.starts_with("definition "),
        "transceiver" => rest.starts_with("qsfp "),
        "service" => rest.starts_with("routing protocols model"),
        "switchport" => rest.starts_with("default mode"),
        "patch" => rest == "panel",
        "boot" => rest.starts_with("system flash"),
        "daemon" => rest == "TerminAttr",
        "management" => rest.starts_with("api ") || rest == "ssh",
        "no" => rest == "aaa root" || rest == "ip routing",
        _ => false,
    }
}

/// A configuration that is not the whole running configuration is a part of it.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    if section != "config" {
        return section;
    }
    if let Some(command) = lines(text).take(10).find_map(|line| line.strip_prefix("! Command: ")) {
        return match typed(command.trim_ascii()) {
            Some(Typed { object: Some(_), .. }) => "config part",
            _ => section,
        };
    }
    let is_whole = lines(text).any(|line| {
        line.starts_with("hostname ") || line.starts_with("! device: ") || line.trim_ascii_end() == "end"
    });
    if is_whole { section } else { "config part" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        let section = |command| typed(command).map(|typed| typed.section);
        for (command, expected) in [
            ("show running-config", Some("config")),
            ("show running-config | no-more | exclude ! Time:", Some("config")),
            ("sh run", Some("config")),
            ("show run int et1", Some("config interface")),
            ("show running-config section bgp", Some("config part")),
            ("show running-config diffs", None),
            ("show run | section bgp", None),
            ("show interfaces", Some("interfaces")),
            ("sh int", Some("interfaces")),
            ("show interfaces Ethernet1/1.100", Some("interface")),
            ("sh int po10 switchport", Some("switchport")),
            ("sh int status", Some("status")),
            ("show vlan", Some("vlans")),
            ("show logging last 1 hours", Some("commits")),
            ("show interfaces counters", None),
            ("configure", None),
            ("", None),
        ] {
            assert_eq!(section(command), expected, "{command}");
        }
    }

    #[test]
    fn outputs_by_their_shape() {
        for (line, expected) in [
            ("! Command: show running-config", Some("config")),
            ("! device: leaf-1 (DCS-7050SX3-48YC8, EOS-4.29.2F)", Some("config")),
            ("interface Ethernet1", Some("config")),
            ("interface port-channel1", None),
            ("Ethernet1 is up, line protocol is up (connected)", Some("interfaces")),
            ("Ethernet1/1 is up", None),
            ("GigabitEthernet0/1 is up, line protocol is up (connected)", None),
            ("VLAN  Name                             Status    Ports", Some("vlans")),
            ("Name: Et1", Some("switchport")),
        ] {
            assert_eq!(opens(line), expected, "{line}");
        }
    }
}
