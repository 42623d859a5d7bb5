//! Nokia SR OS (7750, 7250, 7210): the classic CLI and the MD-CLI.
//!
//! One platform, because the same router may be in either: both commands for
//! the configuration are sent, and the one that its CLI does not have is
//! refused without harm. A service access point (SAP) is an interface here.
//! **Its id is its encapsulation**, because on SR OS it is nothing else:
//! `1/1/1:100.200` takes frames with the tags 100 and 200 from port `1/1/1`.
//! This is no guess from a number in a name: SR OS has no other place where
//! the tags of a SAP could be configured.

mod classic; // `admin display-config`: blocks by indent, closed by `exit`
mod config; // what the configuration says
mod join; // configuration + tables → facts
mod marks; // the lines around a configuration, and refusals
mod prompt;
mod read; // sections → reading, with the verdict
mod sap; // what a SAP's id says
mod table; // `show port`, `show lag`, `show service …`
mod tree; // what a word means at its place
mod typed; // which output is which

use super::{Channel, Meaning, Notice, Platform, ScopeKind, Template};

pub static NOKIA_SROS: Platform = Platform {
    name: "nokia_sros",
    title: "Nokia SR OS",
    vlan_objects: false,
    channel: Channel::Terminal,
    // The first for the classic CLI, the others for the MD-CLI. All hold for
    // the session only.
    on_open: &[
        session("environment no more"),
        session("environment more false"),
        session("environment console width 512"),
        session("environment progress-indicator admin-state disable"),
    ],
    commands: &[
        device("system", "show system information"),
        device("config classic", CLASSIC),
        device("config", MODEL),
        device("ports", "show port"),
        device("lags", "show lag"),
        device("services", "show service service-using"),
        device("saps", "show service sap-using"),
        // Once more, last: a change in between moves the time in it.
        device("system", "show system information"),
        // Whole, because a SAP stands in its service.
        interface("config classic", CLASSIC),
        interface("config", MODEL),
        interface("saps", "show service sap-using"),
        bridge_domain("config classic", CLASSIC),
        bridge_domain("config", MODEL),
        bridge_domain("saps", "show service sap-using"),
    ],
    prompt: prompt::prompt,
    pagers: &[
        "Press any key to continue (Q to quit)",
        "Press Q to quit, Enter to print next line or any other key to print next page.",
    ],
    questions: &[
        "(y/n)?",
        "[y,n]",
        "Are you sure",
        "Discard uncommitted changes?",
        "Enter current password:",
        "Enter new password:",
        "Re-enter new password:",
    ],
    volatile: marks::is_volatile,
    notices: &[
        notice("No errors", Meaning::NothingToCommit),
        notice("Commit failed", Meaning::CommitFailed),
        notice("Configuration validation failed", Meaning::CommitFailed),
        notice("Command not allowed when in exclusive", Meaning::SomeoneElse),
        notice("Exclusive datastore access unavailable", Meaning::SomeoneElse),
        notice("The candidate is out of date", Meaning::SomeoneElse),
        notice("baseline datastore modified", Meaning::SomeoneElse),
        notice("already exists", Meaning::AlreadyThere),
        notice("already in use", Meaning::AlreadyThere),
        notice("Bad command", Meaning::LineRefused),
        notice("Invalid parameter", Meaning::LineRefused),
        notice("Unknown element", Meaning::LineRefused),
        notice("Missing mandatory parameter", Meaning::LineRefused),
        notice("Command not allowed for this user", Meaning::LineRefused),
    ],
    told: marks::told,
    netconf: None,
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

const CLASSIC: &str = "admin display-config";
const MODEL: &str = "admin show configuration";

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
