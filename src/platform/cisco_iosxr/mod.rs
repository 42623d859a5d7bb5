//! Cisco IOS-XR: sub-interfaces with `l2transport`, bridge groups, cross-connects
//! and EVPN.
//!
//! A configuration is one text with a header and `end`, each block closed in
//! its own column. Ports that nobody configured are not in it; the interface
//! table lists them. `show ethernet tags` adds the MTU of sub-interfaces.
//!
//! Over NETCONF the same settings are asked for in the native models, which say
//! them as the command line does. The younger models that newer releases offer
//! beside them (`Cisco-IOS-XR-um-…`, `OpenConfig`) are not read.

mod commits; // the commit log, and dates
mod config; // the configuration → facts
mod names; // long and short names of interfaces
mod prompt;
mod read; // sections → reading, with the verdict
mod tables;
mod typed; // which output is which
mod xml; // the form of NETCONF: interfaces, VRFs
mod xml_l2vpn; // bridge domains, cross-connects and EVPN in that form

use super::{Channel, Meaning, Netconf, Notice, Platform, ScopeKind, Template, Told};

pub static CISCO_IOSXR: Platform = Platform {
    name: "cisco_iosxr",
    title: "Cisco IOS-XR",
    channel: Channel::Terminal,
    on_open: &[
        template("session", "terminal length 0", ScopeKind::Session),
        template("session", "terminal width 0", ScopeKind::Session),
        // Otherwise every answer begins with a date. Not every release knows it.
        template("session", "terminal exec prompt no-timestamp", ScopeKind::Session),
    ],
    commands: &[
        template("version", "show version", ScopeKind::Device),
        template("rollback", COMMITS, ScopeKind::Device),
        template("config", "show running-config", ScopeKind::Device),
        template("descriptions", "show interfaces description", ScopeKind::Device),
        template("tags", "show ethernet tags", ScopeKind::Device),
        // Once more, last: a commit in between moves the newest entry.
        template("rollback", COMMITS, ScopeKind::Device),
        template("rollback", COMMITS, ScopeKind::Interface),
        template("config", "show running-config", ScopeKind::Interface),
        template("descriptions", "show interfaces description", ScopeKind::Interface),
        template("rollback", COMMITS, ScopeKind::Interface),
        template("rollback", COMMITS, ScopeKind::BridgeDomain),
        template("config", "show running-config", ScopeKind::BridgeDomain),
        template("descriptions", "show interfaces description", ScopeKind::BridgeDomain),
        template("rollback", COMMITS, ScopeKind::BridgeDomain),
    ],
    prompt: prompt::prompt,
    pagers: &["--More--"],
    questions: &[
        "[confirm]",
        "(yes/no)",
        "[yes/no]",
        "[y/n]",
        "(yes/no/cancel)? [cancel]",
        "Uncommitted changes found",
        "Enter new password",
    ],
    // A VLAN id means something on one port only.
    vlan_objects: false,
    volatile,
    notices: &[
        Notice { text: "% No configuration changes to commit", means: Meaning::NothingToCommit },
        Notice { text: "% Failed to commit", means: Meaning::CommitFailed },
        Notice { text: "!!% ", means: Meaning::CommitFailed },
        Notice {
            text: "One or more commits have occurred from other configuration sessions",
            means: Meaning::SomeoneElse,
        },
        Notice { text: "configuration session is locked", means: Meaning::SomeoneElse },
        Notice { text: "% Invalid input detected", means: Meaning::LineRefused },
        Notice { text: "% Incomplete command", means: Meaning::LineRefused },
        Notice { text: "% Ambiguous command", means: Meaning::LineRefused },
        Notice { text: "This command is not authorized", means: Meaning::LineRefused },
        Notice { text: "already exists", means: Meaning::AlreadyThere },
        Notice { text: "already in use", means: Meaning::AlreadyThere },
        Notice { text: "%MGBL-CONFIG-6-DB_COMMIT", means: Meaning::Committed },
    ],
    told,
    netconf: Some(Netconf { section: "config", filter: xml::FILTER }),
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

const COMMITS: &str = "show configuration commit list 20";

const fn template(section: &'static str, text: &'static str, scope: ScopeKind) -> Template {
    Template { section, text, scope }
}

/// A line that says when it was made, or counts.
fn volatile(line: &str) -> bool {
    let words = line.trim_ascii();
    words == "Building configuration..."
        || words.starts_with("!! Last configuration change at ")
        || commits::is_date(words)
        || super::cisco_ios::marks::is_counter(words)
        || words.starts_with("Last link flapped ")
        || words.starts_with("Interface state transitions: ")
}

/// `%MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user 'amy'. Use …`.
fn told(line: &str) -> Option<Told<'_>> {
    let (head, rest) = line.split_once("-DB_COMMIT")?;
    let (_, rest) = rest.split_once("committed by user '")?;
    let (who, _) = rest.split_once('\'')?;
    let via = if head.contains("netconf") { "netconf" } else { "cli" };
    Some(Told { who: (!who.is_empty()).then_some(who), via: Some(via) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told() {
        let line = "RP/0/RSP0/CPU0:Jun  2 11:26:26.117 : config[65739]: %MGBL-CONFIG-6-DB_COMMIT : Configuration \
            committed by user 'amy'. Use 'show configuration commit changes 1000000093' to view the changes.";
        assert_eq!(told(line), Some(Told { who: Some("amy"), via: Some("cli") }));
        assert_eq!(told("%MGBL-SYS-5-CONFIG_I : Configured from console by amy"), None);
    }

    #[test]
    fn what_changes_by_itself() {
        assert!(volatile("!! Last configuration change at Sat Feb 16 15:59:17 2019 by amy"));
        assert!(volatile("Tue May 17 11:26:26.117 UTC") && !volatile("!! IOS XR Configuration 7.3.2"));
    }
}
