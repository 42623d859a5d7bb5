//! Which output is which: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::lines::{abbreviates, first_word};
use crate::platform::reading::lines;
use crate::platform::switch::{
    family, is_status_header, is_system_name, is_vlan_header, long_name, opens_switchport, output_of,
};
use crate::platform::{Object, Typed};

use super::{FAMILIES, accounting, brief, interfaces, nve};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter: filtered output is a part of which nobody knows
/// what is missing.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    let words = output_of(command)?;
    let whole = |section| Some(Typed { section, object: None });
    let part = |section, object| Some(Typed { section, object: Some(object) });
    let is = abbreviates;
    match words.as_slice() {
        [run] if is(run, "running-config", 3) => whole("config"),
        [run, "all"] if is(run, "running-config", 3) => whole("config"),
        [run, word] if is(run, "running-config", 3) && is(word, "interface", 3) => {
            part("config part", Object::Part)
        }
        [run, word, name @ ..] if is(run, "running-config", 3) && is(word, "interface", 3) => match name {
            [name] if long_name(name, FAMILIES).is_some() => {
                part("config interface", Object::Interface(name))
            }
            _ => part("config part", Object::Part),
        },
        [run, ..] if is(run, "running-config", 3) => part("config part", Object::Part),
        [word, rest @ ..] if is(word, "interface", 3) => match rest {
            [] => whole("interfaces"),
            [word] if is(word, "switchport", 2) => whole("switchport"),
            [word] if is(word, "status", 4) => whole("status"),
            [word] if is(word, "brief", 2) || is(word, "description", 3) => whole("brief"),
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
        ["nve", "vni"] => whole("vni"),
        [word, "log", ..] if is(word, "accounting", 3) => whole("commits"),
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
        b'E' | b'P' | b'I' if line.len() == words.len() && brief::is_header(line) => Some("brief"),
        b'I' if nve::is_header(words) => Some("vni"),
        b'C' if words.starts_with("Codes: CP - Control Plane") => Some("vni"),
        _ if is_interface(words) => Some("interfaces"),
        _ if line.contains(":type=") && accounting::is_entry(line) => Some("commits"),
        b'a'..=b'z' if line.len() == words.len() || line.starts_with(words) => {
            is_config_line(words).then_some("config")
        }
        _ => None,
    }
}

/// `Ethernet1/1 is up`: unlike on its sisters, no protocol on the line, but for SVIs.
fn is_interface(words: &str) -> bool {
    let Some((_, name)) = interfaces::head(words) else { return false };
    !words.contains("line protocol is")
        || (name.starts_with("Vlan") && !words.ends_with("connect)") && !words.ends_with("connected)"))
}

fn is_config_remark(line: &str) -> bool {
    ["!Command: show running-config", "!Command: show startup-config", "!Running configuration last done at:"]
        .iter()
        .any(|head| line.starts_with(head))
        || line.starts_with("!Time: ")
        || line.starts_with("!RANCID-CONTENT-TYPE: cisco-nx")
}

/// What a configuration of this system has in its first column. Its sisters
/// have some of it too; a whole text tells them apart.
fn is_config_line(words: &str) -> bool {
    let (word, rest) = first_word(words);
    match word {
        "version" => rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('('),
        "hostname" | "switchname" => is_system_name(rest),
        "interface" => {
            long_name(rest, FAMILIES).is_some_and(|name| name == rest || rest.starts_with("ethernet"))
        }
        "vlan" => crate::platform::switch::vlan_ids(rest).is_some(),
        "feature" | "feature-set" | "vdc" | "switchto" | "cfs" | "copp" | "nv" => !rest.is_empty(),
        "vrf" => rest.starts_with("context "),
        "bridge-domain" => rest.starts_with(|c: char| c.is_ascii_digit()),
        "boot" => rest.starts_with("nxos") || rest.starts_with("kickstart") || rest.starts_with("system"),
        "power" => rest.starts_with("redundancy-mode"),
        "evpn" => rest.is_empty(),
        _ => false,
    }
}

/// A configuration that is not the whole running configuration is a part of it.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    if section != "config" {
        return section;
    }
    if let Some(command) = lines(text).take(10).find_map(|line| line.strip_prefix("!Command: ")) {
        return match typed(command.trim_ascii()) {
            Some(Typed { object: Some(_), .. }) => "config part",
            _ => section,
        };
    }
    let is_whole = lines(text).any(|line| {
        line.starts_with("version ") || line.starts_with("hostname ") || line.starts_with("switchname ")
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
            ("sh run", Some("config")),
            ("do show run", Some("config")),
            ("show running-config | no-more", Some("config")),
            ("show run int eth1/1", Some("config interface")),
            ("show run interface", Some("config part")),
            ("show run | section bgp", None),
            ("show run vlan 10", Some("config part")),
            ("show interface", Some("interfaces")),
            ("sh int", Some("interfaces")),
            ("show interface Ethernet1/1.100", Some("interface")),
            ("sh int po10 switchport", Some("switchport")),
            ("sh int status", Some("status")),
            ("show interface switchport", Some("switchport")),
            ("show interface brief", Some("brief")),
            ("sh int desc", Some("brief")),
            ("show vlan brief", Some("vlans")),
            ("show nve vni", Some("vni")),
            ("show accounting log 20000", Some("commits")),
            ("show interface counters", None),
            ("show version", None),
            ("configure terminal", None),
            ("", None),
        ] {
            assert_eq!(section(command), expected, "{command}");
        }
        let typed = typed("show running-config interface Ethernet1/1.100");
        assert_eq!(typed.and_then(|t| t.object), Some(Object::Interface("Ethernet1/1.100")));
    }

    #[test]
    fn outputs_by_their_shape() {
        for (line, expected) in [
            ("!Command: show running-config", Some("config")),
            ("version 9.3(5) Bios:version 05.45", Some("config")),
            ("version 15.2", None),
            ("feature lacp", Some("config")),
            ("  feature lacp", None),
            ("Ethernet1/1 is up", Some("interfaces")),
            ("Vlan10 is down (Administratively down), line protocol is down", Some("interfaces")),
            ("Ethernet1 is up, line protocol is up (connected)", None),
            ("Vlan10 is up, line protocol is up (connected)", None),
            ("VLAN Name                             Status    Ports", Some("vlans")),
            ("Name: Ethernet1/1", Some("switchport")),
            ("GigabitEthernet0/1 is up, line protocol is up", None),
        ] {
            assert_eq!(opens(line), expected, "{line}");
        }
    }

    #[test]
    fn a_part_is_not_the_whole() {
        assert_eq!(
            refine("config", "\n!Command: show running-config interface Ethernet1/1\n"),
            "config part"
        );
        assert_eq!(refine("config", "!Command: show running-config\n"), "config");
        assert_eq!(refine("config", "interface Ethernet1/1\n"), "config part");
        assert_eq!(refine("config", "hostname a\n"), "config");
    }
}
