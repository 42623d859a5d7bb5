//! Juniper Junos: MX, ACX, QFX, EX, SRX, PTX.
//!
//! Every command needs no more than a class with `view` and
//! `view-configuration`. The configuration is asked for as it works, with the
//! groups in it (`display inheritance`): an unexpanded `apply-groups` would
//! hide settings. In files that people keep, groups are as they were typed;
//! they are not expanded, and each `apply-groups` of a group that could hold
//! facts of ours is listed as unread.

mod config; // what the configuration says
mod join; // configuration + tables → facts
mod marks; // refusals, commit log, names
mod prompt;
mod read; // sections → reading, with the verdict
mod set; // the flat form: `display set`
mod table; // `show interfaces …`, `show vlans`
mod tree; // what a word means at its place
mod typed; // which output is which
mod values; // how tags and interface ranges are written
mod words; // what is known and outside our facts
mod xml; // the form of NETCONF and of `display xml`

use super::{Channel, Meaning, Netconf, Notice, Platform, ScopeKind, Template};

pub static JUNIPER_JUNOS: Platform = Platform {
    name: "juniper_junos",
    title: "Juniper Junos",
    vlan_objects: true,
    // No prompt, no echo, no pager; and root's login shell is no obstacle.
    channel: Channel::Exec,
    // For sessions on a terminal only.
    on_open: &[
        session("set cli screen-length 0"),
        session("set cli screen-width 0"),
        session("set cli complete-on-space off"),
    ],
    commands: &[
        device("version", "show version"),
        device("commits", "show system commit"),
        device("config", CONFIG),
        device("interfaces terse", "show interfaces terse"),
        // Once more, last: a commit in between moves the newest entry.
        device("commits", "show system commit"),
        // Whole, because a unit is in services that stand elsewhere.
        interface("config", CONFIG),
        interface("interfaces terse", "show interfaces terse {}"),
        bridge_domain("config", CONFIG),
        bridge_domain("interfaces terse", "show interfaces terse"),
    ],
    prompt: prompt::prompt,
    pagers: &["---(more)---"],
    questions: &[
        "---(more",
        "[yes,no]",
        "(yes/no)",
        "Exit with uncommitted changes",
        "Old password:",
        "New password:",
        "Retype new password:",
    ],
    volatile: marks::is_volatile,
    notices: &[
        notice("configuration check succeeds", Meaning::Committed),
        notice("commit complete", Meaning::Committed),
        notice("commit confirmed will be automatically rolled back", Meaning::Committed),
        notice("commit failed", Meaning::CommitFailed),
        notice("configuration check-out failed", Meaning::CommitFailed),
        notice("commit check-out failed", Meaning::CommitFailed),
        notice("configuration database locked by", Meaning::SomeoneElse),
        notice("The configuration has been modified", Meaning::SomeoneElse),
        notice("The configuration has been changed but not committed", Meaning::SomeoneElse),
        notice("configuration database modified", Meaning::SomeoneElse),
        notice("statement already exists", Meaning::AlreadyThere),
        notice("duplicate", Meaning::AlreadyThere),
        notice("syntax error", Meaning::LineRefused),
        notice("unknown command", Meaning::LineRefused),
        notice("missing argument", Meaning::LineRefused),
        notice("invalid value", Meaning::LineRefused),
        notice("invalid interface type", Meaning::LineRefused),
        notice("error: permission denied", Meaning::LineRefused),
        notice("warning: statement not found", Meaning::LineRefused),
    ],
    told: marks::told,
    netconf: Some(Netconf { section: "config", filter: "<configuration/>" }),
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

/// Groups expanded, without a remark about each.
const CONFIG: &str = "show configuration | display inheritance no-comments";

const fn notice(text: &'static str, means: Meaning) -> Notice {
    Notice { text, means }
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
