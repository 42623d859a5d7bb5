//! A Linux host or a switch that is one: interfaces, VLANs, bonds and bridges
//! as the kernel has them, in the JSON of `iproute2`.
//!
//! The kernel has no stored configuration: what it does is what is configured.
//! A VLAN is a device on another device; a VLAN on a VLAN is `QinQ`. A bridge
//! is a bridge domain; where it filters VLANs, `bridge vlan` says which ones a
//! port takes.

mod join; // links + VLANs → facts
mod links; // `ip -j -d link show`
pub(super) mod prompt;
mod read; // sections → reading, with the verdict
mod text; // `ip link show` as people read it
mod typed; // which output is which
mod vlans; // `bridge vlan show`

use super::{Channel, Platform, ScopeKind, Template, Told};

pub static LINUX: Platform = Platform {
    name: "linux",
    title: "Linux",
    channel: Channel::Exec,
    on_open: &[],
    // One object is read from the whole: ports name their bridge, a VLAN's
    // outer tag is its lower device's, and `ip` says nothing useful about an
    // interface that is not there.
    commands: &[
        device("system", "uname -n"),
        device("links", "ip -j -d link show"),
        device("bridge vlans", "bridge -j vlan show"),
        device("bridge links", "bridge -j link show"),
        interface("system", "uname -n"),
        interface("links", "ip -j -d link show"),
        interface("bridge vlans", "bridge -j vlan show"),
        interface("bridge links", "bridge -j link show"),
        bridge_domain("system", "uname -n"),
        bridge_domain("links", "ip -j -d link show"),
        bridge_domain("bridge vlans", "bridge -j vlan show"),
        bridge_domain("bridge links", "bridge -j link show"),
    ],
    prompt: prompt::prompt,
    pagers: &["--More--", "(END)"],
    questions: &["[sudo] password", "Password:", "password:", "[Y/n]", "[y/N]", "(yes/no)"],
    vlan_objects: false,
    volatile: |_| false,
    notices: &[],
    told,
    netconf: None,
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

/// Tools that change interfaces, VLANs and bridges.
const TOOLS: &[&str] = &[
    "ip",
    "bridge",
    "brctl",
    "vconfig",
    "ifup",
    "ifdown",
    "ifreload",
    "ifconfig",
    "nmcli",
    "netplan",
    "nv",
    "networkctl",
    "ovs-vsctl",
    "vtysh",
    "ethtool",
    "tc",
];

/// `sudo` logs who ran what; `NetworkManager` audits its connections. The
/// kernel's own messages name nobody and come with every flapping cable, so
/// they are no sign of a change.
pub(super) fn told(line: &str) -> Option<Told<'_>> {
    if let Some((before, command)) = line.split_once("COMMAND=") {
        let (_, rest) = before.split_once("sudo")?;
        let who = rest.split_once(": ")?.1.split_ascii_whitespace().next()?;
        let mut words = command.split_ascii_whitespace();
        let program = words.next()?.rsplit('/').next()?;
        let shows = ["show", "list", "ls", "get", "--help"];
        let changes = TOOLS.contains(&program) && !words.any(|word| shows.contains(&word));
        return changes.then_some(Told { who: Some(who), via: Some("cli") });
    }
    let (_, audit) = line.split_once("audit: op=\"connection-")?;
    let changed =
        ["update", "add", "delete", "activate", "deactivate"].iter().any(|op| audit.starts_with(op));
    (changed && audit.contains("result=\"success\""))
        .then_some(Told { who: None, via: Some("NetworkManager") })
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

/// What the kernel takes for the name of an interface.
fn is_interface_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '/')
        && name != "."
        && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines() {
        let line = "Nov 23 10:11:12 leaf1 sudo[311]:  amy : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/sbin/ip link set swp1 down";
        assert_eq!(told(line), Some(Told { who: Some("amy"), via: Some("cli") }));
        assert_eq!(told(&line.replace("link set swp1 down", "-d link show")), None);
        assert_eq!(told(&line.replace("/sbin/ip", "/bin/cat")), None);
        let line = "NetworkManager[9]: <info> [1.0] audit: op=\"connection-update\" uuid=\"x\" pid=7 uid=0 result=\"success\"";
        assert_eq!(told(line), Some(Told { who: None, via: Some("NetworkManager") }));
        assert_eq!(told("kernel: br0: port 1(eth0) entered blocking state"), None);
    }
}
