//! Which platform a text is of, when nobody says.
//!
//! Many systems print configurations that look alike, so two things are asked:
//! does the text hold a line that only one system prints (or names that are
//! usual on one), and which reader understands most of it. A line of the first
//! kind weighs more than any amount of the second.

use crate::model::Outcome;

use super::reading::lines;
use super::terminal::settle_str;
use super::{ALL, Platform, offline};

/// How much of a text is looked at: its beginning says what it is.
const ENOUGH: usize = 256 << 10;

/// Where in a line a text has to stand.
#[derive(Clone, Copy)]
enum At {
    Start,
    Anywhere,
}
use At::{Anywhere, Start};

/// Lines that one system prints and no other.
const MARKS: &[(&str, At, &str)] = &[
    ("arista_eos", Start, "! device: "),
    ("arista_eos", Start, "! Command: show "),
    ("arista_eos", Start, "! command: show "),
    ("arista_eos", Start, "Arista "),
    ("arista_eos", Anywhere, "EOS-4."),
    ("cisco_ios", Start, "Current configuration : "),
    ("cisco_ios", Start, "! NVRAM config last updated at "),
    ("cisco_ios", Start, "! Last configuration change at "),
    ("cisco_ios", Start, "Using "),
    ("cisco_ios", Anywhere, "Cisco IOS Software"),
    ("cisco_ios", Anywhere, "Cisco IOS XE Software"),
    ("cisco_ios", Anywhere, "Cisco Internetwork Operating System"),
    ("cisco_iosxr", Start, "!! IOS XR Configuration"),
    ("cisco_iosxr", Start, "!! Last configuration change at "),
    ("cisco_iosxr", Start, "RP/0/"),
    ("cisco_iosxr", Start, "interface MgmtEth"),
    ("cisco_iosxr", Anywhere, "Cisco IOS XR Software"),
    ("cisco_iosxr", Anywhere, "http://cisco.com/ns/yang/Cisco-IOS-XR-"),
    ("cisco_nxos", Start, "!Command: show "),
    ("cisco_nxos", Start, "!Running configuration last done at: "),
    ("cisco_nxos", Start, "!NVRAM config last done at"),
    ("cisco_nxos", Anywhere, "Cisco Nexus Operating System"),
    ("cisco_nxos", Anywhere, "NX-OS"),
    ("drivenets_dnos", Start, "Legend: i - inner vlan"),
    ("drivenets_dnos", Start, "DRIVENETS CLI Loading"),
    ("drivenets_dnos", Anywhere, " config-start ["),
    ("drivenets_dnos", Anywhere, "Version: DNOS ["),
    ("frr", Start, "frr version "),
    ("frr", Start, "frr defaults "),
    ("frr", Start, "FRRouting "),
    ("frr", Start, "Hello, this is FRRouting"),
    ("juniper_junos", Start, "## Last commit: "),
    ("juniper_junos", Start, "## Last changed: "),
    ("juniper_junos", Start, "{master:"),
    ("juniper_junos", Start, "set version "),
    ("juniper_junos", Start, "JUNOS "),
    ("juniper_junos", Anywhere, "## SECRET-DATA"),
    ("juniper_junos", Anywhere, "JUNOS Software Release"),
    ("nokia_sros", Start, "# TiMOS-"),
    ("nokia_sros", Start, "persistent-indices {"),
    ("nokia_sros", Start, "echo \"System Configuration\""),
    ("nokia_sros", Anywhere, "TiMOS-"),
];

/// Lines of systems that are none of ours and print configurations much like
/// those of one that is.
const STRANGERS: &[(&str, At, &str)] = &[
    ("arubaos", Anywhere, "ArubaOS"),
    ("comware", Anywhere, "Comware Software"),
    ("comware", Start, "H3C "),
    ("comware", Start, " sysname "),
    ("fortios", Start, "#config-version="),
    ("routeros", Anywhere, "RouterOS"),
    ("vrp", Anywhere, "Versatile Routing Platform"),
    // Its lines begin as those of Junos do; its interfaces are called by their kind.
    ("vyos", Anywhere, "VyOS"),
    ("vyos", Start, "set interfaces ethernet eth"),
    ("vyos", Start, "set interfaces loopback lo"),
];

/// Names of interfaces that are usual on one system: less than a line of its
/// own, more than what a reader makes of a fragment.
const HABITS: &[(&str, At, &str)] = &[
    ("arista_eos", Start, "Et1 "),
    ("arista_eos", Start, "Ethernet1 is "),
    ("arista_eos", Start, "Management1 is "),
    ("arista_eos", Start, "interface Ethernet1\n"),
    ("arista_eos", Start, "interface Management1"),
    ("cisco_ios", Start, "Fa0/"),
    ("cisco_ios", Start, "Gi0/"),
    ("cisco_ios", Start, "Gi1/0/"),
    ("cisco_ios", Start, "interface FastEthernet"),
    ("cisco_ios", Start, "interface GigabitEthernet1/0/"),
    ("cisco_ios", Start, "interface TwoGigabitEthernet"),
    ("cisco_iosxr", Start, "Bundle-Ether"),
    ("cisco_iosxr", Start, "GigabitEthernet0/0/0/"),
    ("cisco_iosxr", Start, "MgmtEth0/"),
    ("cisco_iosxr", Start, "TenGigE0/"),
    ("cisco_iosxr", Start, "interface Bundle-Ether"),
    ("cisco_iosxr", Start, "interface GigabitEthernet0/0/0/"),
    ("cisco_iosxr", Start, "interface HundredGigE0/"),
    ("cisco_iosxr", Start, "interface MgmtEth0/"),
    ("cisco_iosxr", Start, "interface TenGigE0/"),
    ("cisco_nxos", Start, "Eth1/"),
    ("cisco_nxos", Start, "Ethernet1/1 is "),
    ("cisco_nxos", Start, "feature "),
    ("cisco_nxos", Start, "interface Ethernet1/1\n"),
    ("cisco_nxos", Start, "interface mgmt0"),
    ("cisco_nxos", Start, "mgmt0 "),
];

/// The platform whose output `text` looks like.
pub fn guess(text: &str) -> Option<&'static Platform> {
    let text = settle_str(text);
    let text = beginning(&text);
    let (marked, usual) = (found(MARKS, text), found(HABITS, text));
    if marked.is_empty() && !found(STRANGERS, text).is_empty() {
        return None;
    }
    let mut best: Option<(u64, &'static Platform)> = None;
    for platform in ALL.iter().copied() {
        let Some(tried) = offline::tried(platform, text) else { continue };
        // A reader that says that it is none of its own is believed.
        if tried.outcome == Outcome::Unread {
            continue;
        }
        let of = |found: &[&str]| found.iter().filter(|name| **name == platform.name).count().min(4) as u64;
        let understood = tried.read.saturating_sub(tried.unread.saturating_mul(2)).min(20_000);
        let whole = u64::from(tried.outcome.is_complete());
        let score = of(&marked) * 10_000_000 + of(&usual) * 100_000 + understood * 4 + whole;
        if score > 0 && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, platform));
        }
    }
    best.map(|(_, platform)| platform)
}

/// The first whole lines, or all of it where there is no line end for long.
fn beginning(text: &str) -> &str {
    let mut end = ENOUGH;
    if text.len() <= end {
        return text;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    memchr::memrchr(b'\n', &text.as_bytes()[..end]).map_or(text, |at| &text[..=at])
}

/// Whose marks the lines of `text` bear, one for each kind of mark.
fn found(marks: &'static [(&'static str, At, &'static str)], text: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let mut missing: Vec<&(&str, At, &str)> = marks.iter().collect();
    for line in lines(text) {
        let line = line.trim_ascii_start();
        missing.retain(|(name, at, mark)| {
            // A mark with a line end is the whole line.
            let hit = match (at, mark.strip_suffix('\n')) {
                (_, Some(whole)) => line.trim_ascii_end() == whole,
                (Start, None) => line.starts_with(mark),
                (Anywhere, None) => memchr::memmem::find(line.as_bytes(), mark.as_bytes()).is_some(),
            };
            // `Using 3456 out of 524280 bytes`, and no sentence.
            let hit = hit && (*mark != "Using " || line.contains(" bytes"));
            if hit {
                found.push(name);
            }
            !hit
        });
        if missing.is_empty() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_systems() {
        let of = |text: &str| found(MARKS, text);
        assert_eq!(of("Cisco IOS XR Software, Version 7.3"), ["cisco_iosxr"]);
        assert_eq!(of("!! IOS XR Configuration 7.3"), ["cisco_iosxr"]);
        assert_eq!(of("!Command: show running-config\n"), ["cisco_nxos"]);
        assert_eq!(of("! Command: show running-config\n"), ["arista_eos"]);
        assert_eq!(of("Using a network\n"), Vec::<&str>::new());
        assert_eq!(of("frr version 9.1\nfrr defaults traditional\n").len(), 2);
    }

    #[test]
    fn who_writes_lines_like_another() {
        let lines =
            "set interfaces ethernet eth0 vif 5\nset interfaces loopback lo\nset system host-name 'r1'\n";
        assert!(guess(lines).is_none());
        let lines = "set interfaces ge-0/0/0 unit 5 vlan-id 5\nset system host-name r1\n";
        assert_eq!(guess(lines).map(|platform| platform.name), Some("juniper_junos"));
    }

    #[test]
    fn the_beginning_ends_with_a_line() {
        let text = "0123456789abcde\n".repeat(40_000);
        assert_eq!(beginning(&text).len(), ENOUGH);
        let line = "x".repeat(ENOUGH + 7);
        assert_eq!(beginning(&line).len(), line.len());
        assert_eq!(beginning("a\nb"), "a\nb");
    }
}
