//! Cisco IOS and IOS-XE: routers with sub-interfaces, service instances and
//! bridge domains, and switches with VLANs.
//!
//! A configuration is one text from `version` to `end`, and says all that is
//! configured; only VLANs may be learned from another switch (VTP), so a switch
//! is asked for them as well. The interface table adds states. Whoever asks for
//! one interface reads the whole configuration, too: only the whole says that
//! something is not there.

mod config; // the configuration → facts
pub(crate) mod marks; // headers, volatile lines, refusals
mod names; // long and short names of interfaces
mod ports; // tables about interfaces
mod prompt;
mod read; // sections → reading, with the verdict
mod tables; // tables about VLANs, bridge domains and services
mod typed; // which output is which

use super::{Channel, Meaning, Notice, Platform, ScopeKind, Template, Told};

pub static CISCO_IOS: Platform = Platform {
    name: "cisco_ios",
    title: "Cisco IOS and IOS-XE",
    channel: Channel::Terminal,
    on_open: &[session("terminal length 0"), session("terminal width 0")],
    commands: &[
        template("version", "show version", ScopeKind::Device),
        template("config", "show running-config", ScopeKind::Device),
        template("descriptions", "show interfaces description", ScopeKind::Device),
        // Refused by a router without switch ports, which is no failure.
        template("vlans", "show vlan brief", ScopeKind::Device),
        // Once more, last: a change in between moves its date.
        template("last change", LAST_CHANGE, ScopeKind::Device),
        template("config", "show running-config", ScopeKind::Interface),
        template("descriptions", "show interfaces description", ScopeKind::Interface),
        template("last change", LAST_CHANGE, ScopeKind::Interface),
        template("config", "show running-config", ScopeKind::BridgeDomain),
        template("descriptions", "show interfaces description", ScopeKind::BridgeDomain),
        template("last change", LAST_CHANGE, ScopeKind::BridgeDomain),
    ],
    prompt: prompt::prompt,
    pagers: &["--More--", "<--- More --->"],
    questions: &[
        "[confirm]",
        "(yes/no)",
        "[yes/no]",
        "(y/n)",
        "Destination filename",
        "Enter new password",
        "Confirm new password",
        "initial configuration dialog?",
    ],
    vlan_objects: true,
    volatile: marks::volatile,
    notices: &[
        // A line is live when it is typed; `write` only stores it.
        Notice { text: "[OK]", means: Meaning::Committed },
        Notice { text: "% Invalid input detected", means: Meaning::LineRefused },
        Notice { text: "% Incomplete command", means: Meaning::LineRefused },
        Notice { text: "% Ambiguous command", means: Meaning::LineRefused },
        Notice { text: "% Unrecognized command", means: Meaning::LineRefused },
        Notice { text: "Command authorization failed", means: Meaning::LineRefused },
        Notice { text: "Command rejected", means: Meaning::LineRefused },
        Notice { text: "already exists", means: Meaning::AlreadyThere },
        Notice { text: "already configured", means: Meaning::AlreadyThere },
        Notice { text: "overlaps with", means: Meaning::AlreadyThere },
        Notice { text: "Configuration mode locked", means: Meaning::SomeoneElse },
        Notice { text: "Configuration mode is locked", means: Meaning::SomeoneElse },
    ],
    told,
    netconf: None,
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

const LAST_CHANGE: &str = "show running-config | include Last configuration change";

const fn session(text: &'static str) -> Template {
    template("session", text, ScopeKind::Session)
}

const fn template(section: &'static str, text: &'static str, scope: ScopeKind) -> Template {
    Template { section, text, scope }
}

/// `%SYS-5-CONFIG_I: Configured from console by amy on vty0 (192.0.2.9)`, and
/// in IOS-XE `%DMI-5-CONFIG_I: … Configured from NETCONF/RESTCONF by amy`.
fn told(line: &str) -> Option<Told<'_>> {
    let at = memchr::memmem::find(line.as_bytes(), b"-5-CONFIG_I:")?;
    let text = &line[at..];
    let (_, rest) = text.split_once("Configured from ")?;
    let (from, rest) = rest.split_once(" by ")?;
    let who = rest.split([' ', ',']).next().filter(|who| !who.is_empty() && *who != "console");
    let via = if from.contains("NETCONF") || from.contains("RESTCONF") { "netconf" } else { "cli" };
    Some(Told { who, via: Some(via) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;

    #[test]
    fn nothing_is_not_understood() {
        assert_eq!(read::outcome_of_nothing(), Outcome::Unread);
    }

    #[test]
    fn who_is_told() {
        let line =
            "*Mar  1 00:10:00.123: %SYS-5-CONFIG_I: Configured from console by amy on vty0 (192.0.2.9)";
        assert_eq!(told(line), Some(Told { who: Some("amy"), via: Some("cli") }));
        let line =
            "%DMI-5-CONFIG_I: R0/0: nesd: Configured from NETCONF/RESTCONF by deploy, transaction-id 7";
        assert_eq!(told(line), Some(Told { who: Some("deploy"), via: Some("netconf") }));
        assert_eq!(told("%SYS-5-CONFIG_I: Configured from console by console").map(|t| t.who), Some(None));
        assert_eq!(told("%LINK-3-UPDOWN: Interface x"), None);
    }
}
