//! Interface names: the configuration writes the long form, tables the first
//! letters of it.

use crate::platform::lines::{long_name, parent_of};

/// Short and long forms. The tables of IOS print two letters, those of newer
/// families three or four.
const FAMILIES: &[(&str, &str)] = &[
    ("Gi", "GigabitEthernet"),
    ("Gig", "GigabitEthernet"),
    ("Te", "TenGigabitEthernet"),
    ("Ten", "TenGigabitEthernet"),
    ("Fa", "FastEthernet"),
    ("Et", "Ethernet"),
    ("Eth", "Ethernet"),
    ("Tw", "TwoGigabitEthernet"),
    ("Fi", "FiveGigabitEthernet"),
    ("Twe", "TwentyFiveGigE"),
    ("Fo", "FortyGigabitEthernet"),
    ("Fif", "FiftyGigE"),
    ("Hu", "HundredGigE"),
    ("TwoH", "TwoHundredGigE"),
    ("Fou", "FourHundredGigE"),
    ("F", "FourHundredGigE"),
    ("Ap", "AppGigabitEthernet"),
    ("Em", "Embedded-Service-Engine"),
    ("Po", "Port-channel"),
    ("Vl", "Vlan"),
    ("Lo", "Loopback"),
    ("Tu", "Tunnel"),
    ("BD", "BDI"),
    ("Se", "Serial"),
    ("Mu", "Multilink"),
    ("nv", "nve"),
    ("Nu", "Null"),
    ("Di", "Dialer"),
    ("Vi", "Virtual-Access"),
    ("Vt", "Virtual-Template"),
    ("AT", "ATM"),
    ("PO", "POS"),
    ("Ce", "Cellular"),
    ("As", "Async"),
    ("BV", "BVI"),
    ("pw", "pseudowire"),
];

/// The families that are there without being configured.
const PHYSICAL: &[&str] = &[
    "GigabitEthernet",
    "TenGigabitEthernet",
    "FastEthernet",
    "Ethernet",
    "TwoGigabitEthernet",
    "FiveGigabitEthernet",
    "TwentyFiveGigE",
    "FortyGigabitEthernet",
    "FiftyGigE",
    "HundredGigE",
    "TwoHundredGigE",
    "FourHundredGigE",
    "AppGigabitEthernet",
    "Embedded-Service-Engine",
    "Serial",
    "Null",
    "Virtual-Access",
    "Async",
    "Cellular",
    "ATM",
    "POS",
];

/// The long form, or the name itself where it is that already.
pub(super) fn long(name: &str) -> String {
    long_name(name, FAMILIES).unwrap_or_else(|| name.to_owned())
}

/// Letters, then a number: `GigabitEthernet0/0/1.100`, `Vlan10`, `Port-channel1`.
pub(super) fn is_interface_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().any(|b| b.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/._:".contains(&b))
}

/// Whether `name` has the form of an interface of a family that we know, and
/// not more than three numbers with a slash, as IOS-XR has.
pub(super) fn is_known(name: &str) -> bool {
    let Some(at) = name.find(|c: char| c.is_ascii_digit()) else { return false };
    let (letters, number) = name.split_at(at);
    is_interface_name(name)
        && number.bytes().filter(|b| *b == b'/').count() <= 2
        && FAMILIES.iter().any(|(_, long)| *long == letters)
}

/// Whether such a name tells IOS from the systems that write alike.
pub(super) fn is_telling(name: &str) -> bool {
    let shared = ["Ethernet", "Vlan", "Loopback", "Tunnel", "Null", "nve"];
    let letters = name.find(|c: char| c.is_ascii_digit()).map_or(name, |at| &name[..at]);
    is_known(name) && !shared.contains(&letters)
}

/// Whether something has to be configured for this interface to be there.
pub(super) fn is_made(name: &str) -> bool {
    let letters = name.find(|c: char| c.is_ascii_digit()).map_or(name, |at| &name[..at]);
    parent_of(name).is_some() || (is_known(name) && !PHYSICAL.contains(&letters))
}

/// The name of a service instance, as the device prints it in its own tables
/// of MAC addresses: `GigabitEthernet0/0/1.EFP10`. One word, so that it can
/// stand in a record and on a command line.
pub(super) fn instance(port: &str, number: &str) -> String {
    format!("{port}.EFP{number}")
}

/// The other form of it: `GigabitEthernet0/0/1 service instance 10`.
pub(super) fn instance_in_words(port: &str, number: &str) -> String {
    format!("{port} service instance {number}")
}

/// The number of a service instance.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (short, expected) in [
            ("Gi0/0/1.100", "GigabitEthernet0/0/1.100"),
            ("Te1/1", "TenGigabitEthernet1/1"),
            ("Twe1/0/1", "TwentyFiveGigE1/0/1"),
            ("Tw1/0/1", "TwoGigabitEthernet1/0/1"),
            ("Po1", "Port-channel1"),
            ("PO0/1/0", "POS0/1/0"),
            ("BD10", "BDI10"),
            ("BDI10", "BDI10"),
            ("Vlan1", "Vlan1"),
            ("odd1", "odd1"),
        ] {
            assert_eq!(long(short), expected);
        }
        assert!(is_made("Vlan7") && is_made("GigabitEthernet0/1.7") && !is_made("GigabitEthernet0/1"));
        assert!(is_telling("Port-channel1") && !is_telling("Vlan1"));
        assert!(is_known("Ethernet0/0") && !is_known("GigabitEthernet0/0/0/0") && !is_known("ge-0/0/0"));
    }
}
