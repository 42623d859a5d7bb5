//! `DriveNets` DNOS. Not to be confused with Dell/Force10 DNOS, which Oxidized
//! and netmiko call `dnos`.
//!
//! Every command here needs no more than the role `viewer`. The configuration
//! says what is configured; the interface table adds what is seen. Neither
//! alone is enough: the table shows only the lowest id of a VLAN list, and the
//! configuration does not name a port that nobody has touched.

mod commits; // `show rollback`
mod config; // the configuration, as printed or flattened → ports and services
mod detail; // `show interfaces NAME`
mod join; // configuration + table → facts
mod marks; // the lines around a configuration, and refusals
mod notices; // replies to a commit, and log lines about one
mod prompt;
mod read; // sections → reading, with the verdict
mod table; // `show interfaces`
mod typed; // which output is which
mod values; // how tags, states and strings are written
mod words; // what is known and outside our facts

use super::{Channel, Platform, ScopeKind, Template};

pub static DRIVENETS_DNOS: Platform = Platform {
    name: "drivenets_dnos",
    title: "DriveNets DNOS",
    vlan_objects: false,
    channel: Channel::Terminal,
    // Both hold for the session only. Older systems know neither, and need
    // neither: every command pages itself off, and colours are removed.
    on_open: &[session("set cli-terminal-length 0"), session("set cli-ansi-color-disabled")],
    commands: &[
        device("version", "show system version | no-more"),
        device("rollback", "show rollback | no-more"),
        device("interfaces", "show interfaces | no-more"),
        device("config interfaces", "show config interfaces | no-more"),
        device("config network-services", "show config network-services | no-more"),
        device("config services", "show config services | no-more"),
        // Once more, last: a commit in between moves the newest entry.
        device("rollback", "show rollback | no-more"),
        interface("interface detail", "show interfaces {} | no-more"),
        interface("config interfaces", "show config interfaces {} | no-more"),
        // Whole, because only the whole says that the interface is in no service.
        interface("config network-services", "show config network-services | no-more"),
        interface("config services", "show config services | no-more"),
        bridge_domain(
            "config network-services",
            "show config network-services bridge-domain instance {} | no-more",
        ),
        bridge_domain("interfaces", "show interfaces | no-more"),
        bridge_domain("config interfaces", "show config interfaces | no-more"),
        Template { section: "config", text: "show config | no-more", scope: ScopeKind::Named },
    ],
    prompt: prompt::prompt,
    pagers: &["-- More -- (Press q to quit)"],
    questions: &[
        "do you wish to enter BaseOS shell? (yes/no)",
        "What would you like to do (commit, merge-only, abort)",
        "would you like to commit them before exiting (yes/no/cancel)",
        "(yes/no) [no]?",
        "(yes/no) [yes]?",
        "(yes/no/cancel) [cancel]?",
        "change your password",
        "Current password:",
        "New password:",
        "Retype new password:",
    ],
    volatile: |_| false,
    notices: notices::NOTICES,
    told: notices::told,
    // It has NETCONF, but neither a recording of a reply nor the modules that
    // name VLANs, bridge domains and services (`dn-interfaces`,
    // `dn-network-services` and what adds to them) are public: nothing to read
    // truthfully by.
    netconf: None,
    read: read::read,
    echo: prompt::echo,
    typed: typed::typed,
    opens: typed::opens,
    refine: typed::refine,
};

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

/// Whether `name` has the form of an interface name: `ge100-0/0/31.251`,
/// `bundle-12`, `lo0`, `ipmi-ncc-0/0`.
fn is_interface_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().any(|b| b.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/._:".contains(&b))
}

/// The port of a sub-interface: what stands before the last dot.
fn parent_of(name: &str) -> Option<&str> {
    let (parent, number) = name.rsplit_once('.')?;
    (!parent.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(parent)
}

/// A device's bundle number as a name. `bundle-id 12` makes a port a member of `bundle-12`.
fn bundle_name(id: &str) -> Option<String> {
    (!id.is_empty() && id.len() <= 9 && id.bytes().all(|b| b.is_ascii_digit()))
        .then(|| format!("bundle-{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_what_stands_before_the_last_dot() {
        assert_eq!(parent_of("ge100-0/0/31.251"), Some("ge100-0/0/31"));
        assert_eq!(parent_of("bundle-60000.251"), Some("bundle-60000"));
        assert_eq!(parent_of("ge10-1/1/2/3.7"), Some("ge10-1/1/2/3"));
        for none in ["lo0", "bundle-1", "a.", ".1", "a.b"] {
            assert_eq!(parent_of(none), None, "{none}");
        }
    }

    #[test]
    fn interface_names() {
        for name in
            ["ge100-0/0/31.251", "bundle-1", "lo0", "mgmt0", "ipmi-ncc-0/0", "ph901.1", "gre-tunnel-0"]
        {
            assert!(is_interface_name(name), "{name}");
        }
        for name in ["", "interfaces", "1", "a b1", "<b>1", "-a1", "ge1\u{1b}"] {
            assert!(!is_interface_name(name), "{name}");
        }
    }
}
