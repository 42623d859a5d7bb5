//! Interface names: the configuration writes the long form, tables two letters.

use crate::platform::lines::{long_name, parent_of};

/// Short and long forms, as `show interfaces description` prints them.
const FAMILIES: &[(&str, &str)] = &[
    ("BE", "Bundle-Ether"),
    ("BP", "Bundle-POS"),
    ("BV", "BVI"),
    ("Fa", "FastEthernet"),
    ("FH", "FourHundredGigE"),
    ("Fi", "FiftyGigE"),
    ("Fo", "FortyGigE"),
    ("FG", "FiftyGigE"),
    ("Gi", "GigabitEthernet"),
    ("Hu", "HundredGigE"),
    ("Lo", "Loopback"),
    ("Mg", "MgmtEth"),
    ("Nu", "Null"),
    ("nT", "nVFabric-TenGigE"),
    ("nH", "nVFabric-HundredGigE"),
    ("PE", "PW-Ether"),
    ("PI", "PW-IW"),
    ("Se", "Serial"),
    ("TF", "TwentyFiveGigE"),
    ("TH", "TwoHundredGigE"),
    ("Te", "TenGigE"),
    ("ti", "tunnel-ip"),
    ("tm", "tunnel-mte"),
    ("tt", "tunnel-te"),
    ("EH", "EightHundredGigE"),
];

/// The families that are there without being configured.
const PHYSICAL: &[&str] = &[
    "FastEthernet",
    "FourHundredGigE",
    "FiftyGigE",
    "FortyGigE",
    "GigabitEthernet",
    "HundredGigE",
    "MgmtEth",
    "Null",
    "nVFabric-TenGigE",
    "nVFabric-HundredGigE",
    "Serial",
    "TwentyFiveGigE",
    "TwoHundredGigE",
    "TenGigE",
    "EightHundredGigE",
];

/// The long form, or the name itself where it is that already.
pub(super) fn long(name: &str) -> String {
    long_name(name, FAMILIES).unwrap_or_else(|| name.to_owned())
}

/// Letters, then numbers: `TenGigE0/0/0/1.100`, `MgmtEth0/RP0/CPU0/0`.
pub(super) fn is_interface_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().any(|b| b.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/._:".contains(&b))
}

/// Whether no other system has such a name: four numbers, or a family of XR alone.
pub(super) fn is_known(name: &str) -> bool {
    let Some(at) = name.find(|c: char| c.is_ascii_digit()) else { return false };
    let (letters, number) = name.split_at(at);
    let Some((_, long)) = FAMILIES.iter().find(|(_, long)| *long == letters) else { return false };
    let slashes = number.bytes().filter(|b| *b == b'/').count();
    is_interface_name(name) && (slashes >= 3 || matches!(*long, "Bundle-Ether" | "PW-Ether" | "tunnel-te"))
}

/// Whether something has to be configured for this interface to be there.
pub(super) fn is_made(name: &str) -> bool {
    let letters = name.find(|c: char| c.is_ascii_digit()).map_or(name, |at| &name[..at]);
    parent_of(name).is_some() || !PHYSICAL.contains(&letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (short, expected) in [
            ("Te0/0/0/18.1000", "TenGigE0/0/0/18.1000"),
            ("BE3.100", "Bundle-Ether3.100"),
            ("BV100", "BVI100"),
            ("BVI100", "BVI100"),
            ("Mg0/RP0/CPU0/0", "MgmtEth0/RP0/CPU0/0"),
            ("PE104", "PW-Ether104"),
            ("Gi0/0/0/1", "GigabitEthernet0/0/0/1"),
        ] {
            assert_eq!(long(short), expected);
        }
        assert!(is_known("GigabitEthernet0/0/0/0") && !is_known("GigabitEthernet0/0/0"));
        assert!(is_made("Bundle-Ether1") && !is_made("TenGigE0/0/0/1"));
    }
}
