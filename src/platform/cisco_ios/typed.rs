//! Which output is which: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::lines::{abbreviates as is, first_word};
use crate::platform::{Object, Typed};

use super::{marks, names, ports, tables};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter: nobody knows what is missing in it.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    let words: Vec<&str> = command.split_ascii_whitespace().collect();
    let words = match words.as_slice() {
        ["do", rest @ ..] => rest,
        all => all,
    };
    let whole = |section| Some(Typed { section, object: None });
    let part = |section| Some(Typed { section, object: Some(Object::Part) });
    let (show, words) = words.split_first()?;
    if is(show, "write", 1) {
        return if matches!(words, [word] if is(word, "terminal", 1)) { whole("config") } else { None };
    }
    if !is(show, "show", 2) {
        return None;
    }
    match words {
        [run, "|", include, "Last", "configuration", "change"]
            if is(run, "running-config", 3) && is(include, "include", 1) =>
        {
            whole("last change")
        }
        words if words.contains(&"|") => None,
        [run] if is(run, "running-config", 3) => whole("config"),
        [run, "view", "full"] | [run, "all" | "brief"] if is(run, "running-config", 3) => whole("config"),
        [run, word, name]
            if is(run, "running-config", 3) && is(word, "interface", 3) && names::is_interface_name(name) =>
        {
            Some(Typed { section: "config", object: Some(Object::Interface(name)) })
        }
        [derived, word, name]
            if is(derived, "derived-config", 3)
                && is(word, "interface", 3)
                && names::is_interface_name(name) =>
        {
            Some(Typed { section: "config", object: Some(Object::Interface(name)) })
        }
        [run, _, ..] if is(run, "running-config", 3) => part("config"),
        [word] if is(word, "version", 3) => whole("version"),
        [word] if is(word, "interfaces", 3) => whole("interfaces"),
        [word, kind] if is(word, "interfaces", 3) && is(kind, "description", 3) => whole("descriptions"),
        [word, kind] if is(word, "interfaces", 3) && is(kind, "status", 4) => whole("status"),
        [word, kind] if is(word, "interfaces", 3) && is(kind, "switchport", 2) => whole("switchports"),
        [word, name] if is(word, "interfaces", 3) && names::is_interface_name(name) => {
            Some(Typed { section: "interfaces", object: Some(Object::Interface(name)) })
        }
        [word, _, kind] if is(word, "interfaces", 3) && is(kind, "switchport", 2) => part("switchports"),
        [word] | [word, "brief"] if is(word, "vlan", 3) => whole("vlans"),
        [word, "id" | "name", _] if is(word, "vlan", 3) => part("vlans"),
        [word] if is(word, "bridge-domain", 5) => whole("bridge-domains"),
        [word, name] if is(word, "bridge-domain", 5) && names::is_number(name) => {
            Some(Typed { section: "bridge-domains", object: Some(Object::BridgeDomain(name)) })
        }
        [ethernet, service, instance, .., detail]
            if is(ethernet, "ethernet", 3)
                && is(service, "service", 3)
                && is(instance, "instance", 3)
                && is(detail, "detail", 3) =>
        {
            if words.len() == 4 {
                whole("service instances")
            } else {
                part("service instances")
            }
        }
        ["l2vpn", service, "all"] if is(service, "service", 3) => whole("services"),
        [word, "all"] if is(word, "xconnect", 4) => whole("xconnects"),
        [word, _, ..] if is(word, "xconnect", 4) => part("xconnects"),
        [word] if is(word, "vrf", 3) => whole("vrfs"),
        [word, kind] if is(word, "etherchannel", 4) && is(kind, "summary", 3) => whole("bundles"),
        _ => None,
    }
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let opens = match line.as_bytes().first()? {
        b'B' if tables::domain_header(line).is_some() => "bridge-domains",
        b'B' if line.trim_ascii_end() == "Building configuration..." => "config",
        b'C' if line.starts_with("Current configuration : ") => "config",
        b'!' if marks::last_change(line).is_some() || line.starts_with("! NVRAM config last updated at ") => {
            "config"
        }
        b'!' if line.starts_with("! No configuration change since last restart") => "config",
        // Written by RANCID and Oxidized above a configuration.
        b'!' if line.starts_with("!RANCID-CONTENT-TYPE: cisco")
            && line.trim_ascii_end().ends_with("cisco") =>
        {
            "config"
        }
        b'!' if line.starts_with("! Cisco IOS ") || line.starts_with("!Image: Software: ") => "config",
        b'v' if is_version(line) => "config",
        b'i' if line
            .strip_prefix("interface ")
            .is_some_and(|rest| names::is_telling(first_word(rest.trim_ascii_end()).0)) =>
        {
            "config"
        }
        b'b' if line
            .strip_prefix("bridge-domain ")
            .is_some_and(|rest| names::is_number(rest.trim_ascii_end())) =>
        {
            "config"
        }
        b'l' if line.starts_with("l2vpn xconnect context ")
            || line.starts_with("l2vpn evpn instance ")
            || line.starts_with("l2 vfi ") =>
        {
            "config"
        }
        b'I' if ports::is_description_header(line) => "descriptions",
        b'P' if ports::status_header(line).is_some() => "status",
        b'N' if line.strip_prefix("Name: ").is_some_and(is_switch_port) => "switchports",
        b'V' if tables::vlan_header(line).is_some() => "vlans",
        b'V' if tables::service_header(line).is_some() => "services",
        b'S' if line.starts_with("Service Instance ID: ") => "service instances",
        b'X' if tables::is_xconnect_header(line) => "xconnects",
        b'G' if tables::is_bundle_header(line) => "bundles",
        b' ' | b'N' if tables::vrf_header(line).is_some() => "vrfs",
        b'C' if line.starts_with("Cisco IOS Software") || line.starts_with("Cisco IOS XE Software") => {
            "version"
        }
        _ => ports::block(line).filter(|(name, ..)| names::is_known(name)).map(|_| "interfaces")?,
    };
    Some(opens)
}

fn is_switch_port(name: &str) -> bool {
    let name = name.trim_ascii();
    names::is_known(&names::long(name)) && !name.starts_with("Ethernet") && !name.starts_with("Et")
}

/// `version 15.2`, `version 17.9`. NX-OS writes `version 9.3(8) Bios:…`.
fn is_version(line: &str) -> bool {
    line.strip_prefix("version ").is_some_and(|rest| {
        let rest = rest.trim_ascii_end();
        rest.len() <= 6 && rest.contains('.') && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
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
            ("do show run", Some("config")),
            ("wr t", Some("config")),
            ("show running-config view full", Some("config")),
            ("sh run int gi0/1", Some("config")),
            ("show running-config | include Last configuration change", Some("last change")),
            ("show running-config | section interface", None),
            ("show startup-config", None),
            ("sh int desc", Some("descriptions")),
            ("sh int", Some("interfaces")),
            ("show interfaces status", Some("status")),
            ("show interfaces switchport", Some("switchports")),
            ("show vlan brief", Some("vlans")),
            ("show vlans", None),
            ("show ethernet service instance detail", Some("service instances")),
            ("show l2vpn service all", Some("services")),
            ("write memory", None),
            ("configure terminal", None),
            ("", None),
        ] {
            assert_eq!(section(command), expected, "{command}");
        }
        assert_eq!(typed("show bridge-domain 10").and_then(|t| t.object), Some(Object::BridgeDomain("10")));
    }

    #[test]
    fn shapes() {
        for (line, expected) in [
            ("version 15.2", Some("config")),
            ("version 9.3(8) Bios:version 05.45", None),
            ("interface GigabitEthernet0/0/1", Some("config")),
            ("interface GigabitEthernet0/0/0/1", None),
            ("interface Vlan1", None),
            ("VLAN Name                             Status    Ports", Some("vlans")),
            ("Vlan1 is up, line protocol is up", Some("interfaces")),
            ("Interface          Status      Protocol    Description", None),
            ("interface ge100-0/0/1", None),
        ] {
            assert_eq!(opens(line), expected, "{line}");
        }
    }
}
