//! Open vSwitch: ports, VLANs and bridges, as its database has them.
//!
//! Everything is asked of `ovs-vsctl` as JSON. An account may be a shell from
//! which it can be run, or one that runs it and nothing else; nobody knows
//! before, so each question is sent both ways, and one of them is answered.

mod join; // rows → facts
mod prompt;
mod read; // sections → reading, with the verdict
mod rows; // `ovs-vsctl --format=json list TABLE`
mod typed; // which output is which

use super::{Channel, Meaning, Notice, Platform, ScopeKind, Template, linux};

pub static OPENVSWITCH: Platform = Platform {
    name: "openvswitch",
    title: "Open vSwitch",
    channel: Channel::Exec,
    on_open: &[],
    commands: &[
        device("bridges", "ovs-vsctl --format=json list Bridge"),
        device("bridges bare", "--format=json list Bridge"),
        device("ports", "ovs-vsctl --format=json list Port"),
        device("ports bare", "--format=json list Port"),
        device("interfaces", "ovs-vsctl --format=json list Interface"),
        device("interfaces bare", "--format=json list Interface"),
        device("system", "ovs-vsctl --format=json list Open_vSwitch"),
        device("system bare", "--format=json list Open_vSwitch"),
        // A port does not say which bridge it is on: one object is read from the whole.
        interface("bridges", "ovs-vsctl --format=json list Bridge"),
        interface("bridges bare", "--format=json list Bridge"),
        interface("ports", "ovs-vsctl --format=json list Port"),
        interface("ports bare", "--format=json list Port"),
        interface("interfaces", "ovs-vsctl --format=json list Interface"),
        interface("interfaces bare", "--format=json list Interface"),
        interface("system", "ovs-vsctl --format=json list Open_vSwitch"),
        interface("system bare", "--format=json list Open_vSwitch"),
        bridge_domain("bridges", "ovs-vsctl --format=json list Bridge"),
        bridge_domain("bridges bare", "--format=json list Bridge"),
        bridge_domain("ports", "ovs-vsctl --format=json list Port"),
        bridge_domain("ports bare", "--format=json list Port"),
        bridge_domain("interfaces", "ovs-vsctl --format=json list Interface"),
        bridge_domain("interfaces bare", "--format=json list Interface"),
        bridge_domain("system", "ovs-vsctl --format=json list Open_vSwitch"),
        bridge_domain("system bare", "--format=json list Open_vSwitch"),
    ],
    prompt: prompt::prompt,
    pagers: &["--More--", "(END)"],
    questions: &["[sudo] password", "Password:", "password:"],
    vlan_objects: false,
    volatile: |_| false,
    notices: &[
        Notice { text: "already exists on bridge", means: Meaning::AlreadyThere },
        Notice { text: "because a bridge named", means: Meaning::AlreadyThere },
        Notice { text: "because a port named", means: Meaning::AlreadyThere },
        Notice { text: "ovs-vsctl: unknown command", means: Meaning::LineRefused },
        Notice { text: "ovs-vsctl: transaction error", means: Meaning::CommitFailed },
        Notice { text: "constraint violation", means: Meaning::CommitFailed },
    ],
    told: linux::told,
    netconf: None,
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

const fn device(section: &'static str, text: &'static str) -> Template {
    Template { section, text, scope: ScopeKind::Device }
}

const fn interface(section: &'static str, text: &'static str) -> Template {
    Template { section, text, scope: ScopeKind::Interface }
}

const fn bridge_domain(section: &'static str, text: &'static str) -> Template {
    Template { section, text, scope: ScopeKind::BridgeDomain }
}
