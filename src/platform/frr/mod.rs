//! `FRRouting`, through its shell `vtysh`.
//!
//! What is configured stands in two places: routing, descriptions and VPLS in
//! the running configuration; VLANs, bridges, bonds and VRFs in the kernel,
//! which `show interface` prints. VRFs have to be asked for by name: without
//! `vrf all` it shows the default one only.
//!
//! A router's login shell is vtysh, or a shell from which vtysh can be run.
//! Nobody knows before, so each question is sent both ways, and the shell that
//! is not there answers that it does not know the command.

mod config; // the running configuration
mod join; // configuration + table → facts
mod prompt;
mod read; // sections → reading, with the verdict
mod table; // `show interface`, whole and brief
mod typed; // which output is which

use super::{Channel, Meaning, Notice, Platform, ScopeKind, Template, Told};

pub static FRR: Platform = Platform {
    name: "frr",
    title: "FRRouting",
    channel: Channel::Exec,
    on_open: &[],
    commands: &[
        device("config", "show running-config"),
        device("config shell", "vtysh -c 'show running-config'"),
        device("interfaces", "show interface vrf all"),
        device("interfaces shell", "vtysh -c 'show interface vrf all'"),
        device("brief", "show interface vrf all brief"),
        device("brief shell", "vtysh -c 'show interface vrf all brief'"),
        // A bridge does not list its ports, and of a VLAN on a VLAN only the
        // lower one knows the outer tag: one object is read from the whole.
        interface("config", "show running-config"),
        interface("config shell", "vtysh -c 'show running-config'"),
        interface("interfaces", "show interface vrf all"),
        interface("interfaces shell", "vtysh -c 'show interface vrf all'"),
        interface("brief", "show interface vrf all brief"),
        interface("brief shell", "vtysh -c 'show interface vrf all brief'"),
        bridge_domain("config", "show running-config"),
        bridge_domain("config shell", "vtysh -c 'show running-config'"),
        bridge_domain("interfaces", "show interface vrf all"),
        bridge_domain("interfaces shell", "vtysh -c 'show interface vrf all'"),
        bridge_domain("brief", "show interface vrf all brief"),
        bridge_domain("brief shell", "vtysh -c 'show interface vrf all brief'"),
    ],
    prompt: prompt::prompt,
    // `terminal paginate` runs `less`.
    pagers: &["--More--", "(END)", "\n:"],
    questions: &["Press RETURN to continue", "Password:", "password:", "[sudo] password"],
    // Interfaces, bridges and VLANs are the kernel's; there is no list of VLANs.
    vlan_objects: false,
    volatile: read::volatile,
    notices: &[
        Notice { text: "% Unknown command", means: Meaning::LineRefused },
        Notice { text: "% Ambiguous command", means: Meaning::LineRefused },
        Notice { text: "% Command incomplete", means: Meaning::LineRefused },
        Notice { text: "% There is no matched command", means: Meaning::LineRefused },
        Notice { text: "% Configuration failed", means: Meaning::CommitFailed },
        Notice { text: "% VTY configuration is locked by other VTY", means: Meaning::SomeoneElse },
        Notice { text: "VTY configuration is locked", means: Meaning::SomeoneElse },
        Notice { text: "Configuration already locked", means: Meaning::SomeoneElse },
        Notice { text: "already exists", means: Meaning::AlreadyThere },
        Notice { text: "is already in use", means: Meaning::AlreadyThere },
        Notice { text: "% No configuration changes to be committed", means: Meaning::NothingToCommit },
        Notice { text: "% Configuration committed successfully", means: Meaning::Committed },
    ],
    told,
    netconf: None,
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: |section, _| section,
};

/// With `log commands`, a daemon logs each command that was typed, as it
/// understood it. vtysh passes a command on to every daemon without a name.
fn told(line: &str) -> Option<Told<'_>> {
    let (_, typed) = line.split_once("]: ").or_else(|| line.split_once("vty["))?;
    let (place, command) = typed.split_once("@(config").or_else(|| typed.split_once("@> (config"))?;
    if !place.ends_with(|c: char| c.is_ascii_digit() || c == ']') {
        return None;
    }
    let (_, command) = command.split_once(['#', '>'])?;
    (!command.trim_ascii().is_empty()).then_some(Told { who: None, via: Some("cli") })
}

const fn device(section: &'static str, text: &'static str) -> Template {
    Template { section, text, scope: ScopeKind::Device }
}

const fn interface(section: &'static str, text: &'static str) -> Template {
    Template { section, text, scope: ScopeKind::Interface }
}

const fn bridge_domain(section: &'static str, text: &'static str) -> Template {
    Template { section, text, scope: ScopeKind::BridgeDomain }
}

/// A name that the kernel takes for an interface: at most 15 bytes, no blank,
/// no slash. Names of interfaces that are only configured may be longer.
fn is_interface_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines() {
        let line = "<190>Nov 23 10:11:12 r1 zebra[812]: [GXYZ1-AAAAA] vty[14]@(config-if)# description x";
        assert_eq!(told(line), Some(Told { who: None, via: Some("cli") }));
        for other in [
            "<190>Nov 23 10:11:12 r1 zebra[812]: [GXYZ1-AAAAA] vty[14]@# show running-config",
            "<190>Nov 23 10:11:12 r1 bgpd[814]: %ADJCHANGE: neighbor 192.0.2.1 Up",
            "",
        ] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
