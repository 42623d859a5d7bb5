//! Arista EOS.
//!
//! Every command here is a `show`. The running configuration is always read
//! whole: it names every interface that exists, services stand outside of the
//! interfaces, and it ends with `end`. `show running-config` needs privileged
//! mode; a login that does not land there is told so, and nothing is asked of it.

mod config; // the configuration → ports, VLANs and services
mod interfaces; // `show interfaces`
mod logging; // who changed the configuration
mod patch; // pseudowires and the patches that use them
mod typed; // which output is which
mod words; // what is known and outside our facts

use super::notice::Meaning::{
    AlreadyThere, CommitFailed, Committed, LineRefused, NothingToCommit, SomeoneElse,
};
use super::switch::{self, Dialect, Family};
use super::{Captured, Channel, Notice, Platform, Reading, Rules, ScopeKind, Template};
use crate::model::Scope;

pub static ARISTA_EOS: Platform = Platform {
    name: "arista_eos",
    title: "Arista EOS",
    vlan_objects: true,
    channel: Channel::Terminal,
    on_open: &[session("terminal length 0"), session("terminal width 32767")],
    commands: &[
        device("commits", "show logging last 1 hours"),
        device("config", "show running-config"),
        device("interfaces", "show interfaces"),
        device("switchport", "show interfaces switchport"),
        device("vlans", "show vlan"),
        // Once more, last: a change in between is a new line.
        device("commits", "show logging last 1 hours"),
        interface("config", "show running-config"),
        interface("interface", "show interfaces {}"),
        bridge_domain("config", "show running-config"),
        bridge_domain("interfaces", "show interfaces"),
    ],
    prompt: switch::prompt,
    pagers: &["--More--"],
    questions: &[
        "[confirm]",
        "[y/N]",
        "[Y/n]",
        "[y/n]",
        "(yes/no)",
        "Enter new password",
        "Current password:",
        "New password:",
        "Retype new password:",
    ],
    volatile: is_volatile,
    notices: &[
        Notice { text: "committed successfully", means: Committed },
        Notice { text: "Copy completed successfully", means: Committed },
        Notice { text: "% Session has no changes", means: NothingToCommit },
        Notice { text: "already exists", means: AlreadyThere },
        Notice { text: "already in use", means: AlreadyThere },
        Notice { text: "already assigned", means: AlreadyThere },
        Notice { text: "already mapped", means: AlreadyThere },
        Notice { text: "% Invalid input", means: LineRefused },
        Notice { text: "% Incomplete command", means: LineRefused },
        Notice { text: "% Ambiguous command", means: LineRefused },
        Notice { text: "% Authorization denied", means: LineRefused },
        Notice { text: "% Unavailable command", means: LineRefused },
        Notice { text: "% Cannot commit", means: CommitFailed },
        Notice { text: "% Failed to commit", means: CommitFailed },
        Notice { text: "locked by", means: SomeoneElse },
    ],
    told: logging::told,
    netconf: None,
    read,
    echo: switch::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

static DIALECT: Dialect = Dialect {
    platform: &ARISTA_EOS,
    families: FAMILIES,
    config: config::read,
    interfaces: interfaces::read,
    extra: |_, _, _, _| None,
    commits: logging::read,
    // The log may be kept from a login.
    optional: &["commits"],
    has_end: true,
    silent_is_up: true,
    // SVIs that the system makes for VXLAN routing are in no configuration.
    lists_all: |family| family.long != "Vlan",
};

fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    switch::read(&DIALECT, scope, sections, rules)
}

const FAMILIES: &[Family] = &[
    Family { long: "Ethernet", short: &["Et", "Eth"], hardware: true, switched: true },
    Family { long: "Port-Channel", short: &["Po"], hardware: false, switched: true },
    Family { long: "Vlan", short: &["Vl"], hardware: false, switched: false },
    Family { long: "Loopback", short: &["Lo"], hardware: false, switched: false },
    Family { long: "Management", short: &["Ma"], hardware: true, switched: false },
    Family { long: "Vxlan", short: &["Vx"], hardware: false, switched: false },
    Family { long: "Tunnel", short: &["Tu"], hardware: false, switched: false },
    Family { long: "Recirc-Channel", short: &["Re"], hardware: false, switched: false },
    Family { long: "UnconnectedEthernet", short: &["Ue"], hardware: true, switched: false },
    Family { long: "Fabric", short: &["Fa"], hardware: true, switched: false },
    Family { long: "Dps", short: &[], hardware: false, switched: false },
];

/// The dates and the command in the head of a configuration.
fn is_volatile(line: &str) -> bool {
    ["! Command:", "! Time:", "! Startup-config last modified at", "! Last configuration change"]
        .iter()
        .any(|head| line.starts_with(head))
}

const fn session(text: &'static str) -> Template {
    Template { section: "session", text, scope: ScopeKind::Session }
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
