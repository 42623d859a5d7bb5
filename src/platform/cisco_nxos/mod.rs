//! Cisco NX-OS.
//!
//! Every command here is allowed to the role `network-operator`. The running
//! configuration is always read whole: it names every interface that exists,
//! and only the whole says that an interface is in no bridge domain. There is
//! no line `end`; that it is whole is seen from its first lines, from `line
//! console` and `line vty` near its end, from the empty line or the prompt
//! behind it, and from the tables.

mod accounting; // who changed the configuration
mod brief; // `show interface brief`, `show interface description`
mod config; // the configuration → ports, VLANs and services
mod interfaces; // `show interface`
mod nve; // `show nve vni`
mod typed; // which output is which
mod words; // what is known and outside our facts

use super::notice::Meaning::{AlreadyThere, CommitFailed, Committed, LineRefused, SomeoneElse};
use super::switch::{self, Dialect, Family};
use super::{Captured, Channel, Notice, Platform, Reading, Rules, ScopeKind, Template};
use crate::model::Scope;

pub static CISCO_NXOS: Platform = Platform {
    name: "cisco_nxos",
    title: "Cisco NX-OS",
    vlan_objects: true,
    channel: Channel::Terminal,
    on_open: &[session("terminal length 0"), session("terminal width 511")],
    commands: &[
        // The newest bytes of the log, so that its length does not matter.
        device("commits", "show accounting log 20000"),
        device("config", "show running-config"),
        device("interfaces", "show interface"),
        device("switchport", "show interface switchport"),
        device("vlans", "show vlan"),
        // Once more, last: a change in between is a new entry.
        device("commits", "show accounting log 20000"),
        interface("config", "show running-config"),
        interface("interface", "show interface {}"),
        bridge_domain("config", "show running-config"),
        bridge_domain("interfaces", "show interface"),
        Template { section: "vni", text: "show nve vni", scope: ScopeKind::Named },
    ],
    prompt: switch::prompt,
    pagers: &["--More--"],
    questions: &[
        "(y/n)?",
        "(yes/no)?",
        "(yes/no) [n]",
        "[yes/no]",
        "Do you want to continue",
        "Enter the new password",
        "Enter old password",
        "Confirm the password",
        "Old Password:",
        "New Password:",
    ],
    volatile: is_volatile,
    notices: &[
        Notice { text: "Commit Successful", means: Committed },
        Notice { text: "Commit Failed", means: CommitFailed },
        Notice { text: "Verification Failed", means: CommitFailed },
        Notice { text: "already mapped", means: AlreadyThere },
        Notice { text: "already exists", means: AlreadyThere },
        Notice { text: "already configured", means: AlreadyThere },
        Notice { text: "already in use", means: AlreadyThere },
        Notice { text: "% Invalid ", means: LineRefused },
        Notice { text: "% Incomplete command", means: LineRefused },
        Notice { text: "% Ambiguous command", means: LineRefused },
        Notice { text: "% Permission denied", means: LineRefused },
        Notice { text: "ERROR: ", means: LineRefused },
        Notice { text: "is locked by", means: SomeoneElse },
    ],
    told: accounting::told,
    netconf: None,
    read,
    echo: switch::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

static DIALECT: Dialect = Dialect {
    platform: &CISCO_NXOS,
    families: FAMILIES,
    config: config::read,
    interfaces: interfaces::read,
    extra: |section, text, evidence, tally| match section {
        "vni" => Some(nve::read(text, &mut evidence.config, tally)),
        "brief" => Some(brief::read(text, &mut evidence.seen, tally)),
        _ => None,
    },
    commits: accounting::read,
    // The log may be kept from a login; without the feature there are no VNIs.
    optional: &["commits", "vni"],
    has_end: false,
    silent_is_up: false,
    lists_all: |_| true,
};

fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    switch::read(&DIALECT, scope, sections, rules)
}

const FAMILIES: &[Family] = &[
    Family { long: "Ethernet", short: &["Eth", "Et"], hardware: true, switched: true },
    Family { long: "port-channel", short: &["Po"], hardware: false, switched: true },
    Family { long: "Vlan", short: &["Vl"], hardware: false, switched: false },
    Family { long: "loopback", short: &["Lo"], hardware: false, switched: false },
    Family { long: "mgmt", short: &[], hardware: true, switched: false },
    Family { long: "nve", short: &[], hardware: false, switched: false },
    Family { long: "Tunnel", short: &["Tu"], hardware: false, switched: false },
    Family { long: "Bdi", short: &[], hardware: false, switched: false },
    Family { long: "fc", short: &[], hardware: true, switched: false },
    Family { long: "vfc", short: &[], hardware: false, switched: false },
    Family { long: "san-port-channel", short: &["San-po"], hardware: false, switched: false },
    Family { long: "Vethernet", short: &["Veth"], hardware: false, switched: false },
    Family { long: "Overlay", short: &["Ov"], hardware: false, switched: false },
    Family { long: "Null", short: &[], hardware: true, switched: false },
];

/// The dates in the head of a configuration.
fn is_volatile(line: &str) -> bool {
    ["!Time:", "!Running configuration last done at:", "!Startup config saved at:", "!NVRAM"]
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
