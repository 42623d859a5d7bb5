//! What other tools call a platform → our name for it.
//!
//! Sources of the words: Ansible's `ansible_network_os` (collection names),
//! NAPALM and Netmiko drivers (Nornir, Nautobot), Oxidized's models, RANCID's
//! types, and the slugs that people give platforms in `NetBox`.

/// Our name for `word`, or the word itself in lower case: such a device is
/// taken in, and its outcome is `unsupported`.
pub(in crate::source) fn platform_of(word: &str) -> String {
    let word = word.trim().to_lowercase();
    let flat: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    let found = WORDS.iter().find(|(_, words)| words.contains(&flat.as_str())).map(|(name, _)| *name);
    match found {
        Some(name) => name.to_owned(),
        // A word may still be ours, with `-` for `_`.
        None => crate::platform::ALL
            .iter()
            .find(|platform| platform.name.replace('_', "") == flat)
            .map_or(word, |platform| platform.name.to_owned()),
    }
}

/// Words without anything but letters and digits.
const WORDS: &[(&str, &[&str])] = &[
    ("drivenets_dnos", &["drivenets", "drivenetsdnos", "drivenetsdnosdnos", "dnos"]),
    (
        "cisco_iosxr",
        &[
            "iosxr",
            "iosxr7",
            "ciscoxr",
            "ciscoiosxr",
            "ciscoiosxriosxr",
            "ciscoxr7",
            "iosxrnetconf",
            "ciscoiosxrssh",
        ],
    ),
    ("cisco_ios", &["ios", "iosxe", "cisco", "ciscoios", "ciscoxe", "ciscoiosxe", "ciscoiosios"]),
    ("cisco_nxos", &["nxos", "nxosssh", "cisconx", "cisconxos", "cisconxosnxos", "cisconxosssh"]),
    ("arista_eos", &["eos", "arista", "aristaeos", "aristaeoseos"]),
    (
        "juniper_junos",
        &["junos", "juniper", "juniperjunos", "junipernetworksjunosjunos", "junosevo", "juniperjunosevo"],
    ),
    (
        "nokia_sros",
        &[
            "sros",
            "srosmd",
            "timos",
            "nokia",
            "nokiasros",
            "nokiasrosmd",
            "alcatelsros",
            "nokiasrosclassic",
            "nokiasrosmdcli",
            "communitynetworksros",
            "mdsros",
        ],
    ),
    ("frr", &["frrouting", "frrfrr", "communitynetworkfrr", "frrfrrfrr"]),
    ("openvswitch", &["ovs", "linuxovs"]),
    ("linux", &["linuxnetmiko", "ubuntu", "ubuntulinux", "debian", "debianlinux"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_tools_are_ours() {
        for (word, ours) in [
            ("cisco.iosxr.iosxr", "cisco_iosxr"),
            ("junipernetworks.junos.junos", "juniper_junos"),
            ("cisco-xr", "cisco_iosxr"),
            ("Cisco-NX", "cisco_nxos"),
            ("nxos_ssh", "cisco_nxos"),
            ("arista-eos", "arista_eos"),
            ("TiMOS", "nokia_sros"),
            ("drivenets_dnos", "drivenets_dnos"),
            ("drivenets-dnos", "drivenets_dnos"),
            ("frr", "frr"),
            ("Linux", "linux"),
            ("vrp", "vrp"),
        ] {
            assert_eq!(platform_of(word), ours, "{word}");
        }
    }

    #[test]
    fn every_word_leads_to_a_platform_and_to_one_only() {
        let mut all: Vec<&str> = WORDS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for (name, _) in WORDS {
            assert!(crate::platform::by_name(name).is_some(), "{name}");
        }
    }
}
