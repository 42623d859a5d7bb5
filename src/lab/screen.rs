//! State → what the other `show` commands print: the interface table, the
//! detail block of one interface, the system, the commit log.
//!
//! Columns, headings and their order are those of DNOS. A column grows when a
//! cell needs it, as on the device.

use std::fmt::Write as _;

use chrono::{DateTime, Duration, Utc};

use super::config::{spaced, stamp};
use super::state::{Interface, State, Tagging, is_out_of_band, parent};
use crate::model::ServiceKind;

const LEGEND: &str = "Legend: i - inner vlan, u - unnumbered interface, b - interface disabled due to breakout, \
     L2 - l2 service interface, s - suspended IPv6 address, p - primary IP address (has secondaries), \
     d - obtained via DHCP, v - VLAN list or range (only lowest VID is displayed), \
     m - VLAN manipulation or L2-originated-vlans configuration is configured";

/// Headings of the interface table, with the least width of each column.
const COLUMNS: [(&str, usize); 9] = [
    ("Interface", 26),
    ("Admin", 8),
    ("Operational", 15),
    ("IPv4 Address", 22),
    ("IPv6 Address", 43),
    ("VLAN", 13),
    ("MTU", 4),
    ("Network-Service", 43),
    ("Bundle-Id", 10),
];

/// `show interfaces`
pub(super) fn interfaces(state: &State) -> String {
    let mut rows: Vec<[String; 9]> = Vec::new();
    for name in state.interface_names() {
        if is_out_of_band(name) {
            continue;
        }
        rows.push(match state.interfaces.get(name) {
            Some(x) => row(state, name, x),
            None => unconfigured(name),
        });
    }
    format!("{LEGEND}\n\n\n{}", table(&COLUMNS, &rows, '+'))
}

/// A port of the hardware that no configuration names.
fn unconfigured(name: &str) -> [String; 9] {
    [name, "disabled", "not-present", "", "", "", "1514", "VRF (default)", ""].map(str::to_owned)
}

fn row(state: &State, name: &str, x: &Interface) -> [String; 9] {
    let decorated = if x.l2 { format!("{name} (L2)") } else { name.to_owned() };
    [
        decorated,
        if x.is_enabled() { "enabled" } else { "disabled" }.to_owned(),
        operational(x).to_owned(),
        x.ipv4.clone().unwrap_or_default(),
        String::new(),
        vlan_cell(x),
        mtu(state, name).to_string(),
        service_cell(state, name, x),
        x.bundle.map(|b| b.to_string()).unwrap_or_default(),
    ]
}

fn operational(x: &Interface) -> &'static str {
    if x.up && x.is_enabled() { "up" } else { "down" }
}

/// The port's MTU, or the usual one, and four bytes for each tag.
fn mtu(state: &State, name: &str) -> u32 {
    let own = state.interfaces.get(name);
    let port = parent(name).and_then(|port| state.interfaces.get(port));
    let base = own.and_then(|x| x.mtu).or(port.and_then(|x| x.mtu)).unwrap_or(1514);
    let tags = match own.map(|x| &x.tagging) {
        Some(Tagging::Vlan { .. } | Tagging::List { .. }) => 1,
        Some(Tagging::Tags { .. }) => 2,
        _ => 0,
    };
    base + 4 * tags
}

/// Of a list only the lowest id is shown.
fn vlan_cell(x: &Interface) -> String {
    let lowest = |ids: &str| ids.split([',', '-']).next().unwrap_or_default().to_owned();
    let manipulated = if x.push.is_some() { "m" } else { "" };
    let flagged = |text: String, flags: &str| {
        let flags = format!("{flags}{manipulated}");
        match (text.is_empty(), flags.is_empty()) {
            (_, true) => text,
            (true, false) => format!("({flags})"),
            (false, false) => format!("{text} ({flags})"),
        }
    };
    match &x.tagging {
        Tagging::None | Tagging::Untagged => flagged(String::new(), ""),
        Tagging::Vlan { id, .. } => flagged(id.to_string(), ""),
        Tagging::List { ids } => flagged(lowest(ids), "v"),
        // The inner tag's flags follow it without a space.
        Tagging::Tags { outer, inner, .. } => {
            let many = if inner.contains([',', '-']) { "v" } else { "" };
            format!("{outer}, {}(i{many}{manipulated})", lowest(inner))
        }
    }
}

fn service_cell(state: &State, name: &str, x: &Interface) -> String {
    if name.starts_with("irb") {
        let domain = state.bridge_domains.iter().find(|(_, d)| d.router_interface.as_deref() == Some(name));
        let evpn = state.services.values().find(|s| s.router_interface.as_deref() == Some(name));
        return match (domain, evpn) {
            (Some((domain, _)), _) => format!("VRF (default), BD ({domain})"),
            (None, Some(evpn)) => format!("VRF (default), EVPN ({})", evpn.name),
            (None, None) => "VRF (default)".to_owned(),
        };
    }
    let Some(service) = &x.service else {
        return if x.l2 { String::new() } else { "VRF (default)".to_owned() };
    };
    let word = match service.kind {
        ServiceKind::BridgeDomain => "BD",
        ServiceKind::Evpn => "EVPN",
        ServiceKind::Vpws | ServiceKind::EvpnVpws | ServiceKind::EvpnVpwsFxc => "VPWS",
        ServiceKind::Vrf => "VRF",
        // A cross-connect is a service of another family: the column stays empty.
        _ => return String::new(),
    };
    format!("{word} ({})", service.name)
}

/// `show interfaces NAME`; `None` when the device has no such interface.
pub(super) fn detail(state: &State, name: &str, now: DateTime<Utc>) -> Option<String> {
    let index = state.interface_names().iter().position(|n| *n == name)?;
    let empty = Interface { admin: Some(false), ..Interface::default() };
    let x = state.interfaces.get(name).unwrap_or(&empty);
    let mut out = format!("Interface {name}\n");
    let service = service_cell(state, name, x);
    let _ = write!(out, "  SNMP ifindex: {}", 1_000 + index);
    if service.is_empty() {
        out.push('\n');
    } else {
        let _ = writeln!(out, ", Network-Service: {service}");
    }
    let _ = writeln!(
        out,
        "  Admin state: {}, Operational state: {}, Uptime: {}",
        if x.is_enabled() { "enabled" } else { "disabled" },
        if state.interfaces.contains_key(name) { operational(x) } else { "not-present" },
        uptime(state, now),
    );
    if let Some(description) = &x.description {
        let _ = writeln!(out, "  Description: {description}");
    }
    let mtu = mtu(state, name);
    let _ = writeln!(out, "  L2 MTU: {mtu}, MPLS MTU: 1500, IPv4 MTU: 1500, IPv6 MTU: 1500");
    let _ = writeln!(out, "  Encapsulation: {}", encapsulation(&x.tagging));
    if let Some(vlan) = x.push {
        let _ = writeln!(out, "  VLAN manipulation:");
        let _ = writeln!(
            out,
            "    Ingress mapping: action: push, PCP: replace, outer: (push TPID 0x8100, VID {vlan})"
        );
        let _ = writeln!(out, "    Egress mapping: action: pop");
    }
    if x.l2 {
        let _ = writeln!(out, "  l2-service state: enabled");
    }
    Some(out)
}

fn encapsulation(tagging: &Tagging) -> String {
    let or_usual = |tpid: &Option<String>| tpid.clone().unwrap_or_else(|| "0x8100".to_owned());
    match tagging {
        Tagging::None | Tagging::Untagged => "Ethernet".to_owned(),
        Tagging::Vlan { id, tpid } => format!("802.1q, Vlan-Id: {id} ({})", or_usual(tpid)),
        Tagging::List { ids } => format!("802.1q, Vlan-Id: {} (0x8100)", spaced(ids)),
        Tagging::Tags { outer, inner, tpid } => {
            let tpid = or_usual(tpid);
            format!("802.1ad, Vlan-Tags: Outer: {outer} ({tpid}), Inner: {} (0x8100)", spaced(inner))
        }
    }
}

/// `7 days, 0:04:35`
fn uptime(state: &State, now: DateTime<Utc>) -> String {
    let up = (now - state.started).max(Duration::zero());
    let (hours, minutes, seconds) = (up.num_hours() % 24, up.num_minutes() % 60, up.num_seconds() % 60);
    format!("{} days, {hours}:{minutes:02}:{seconds:02}", up.num_days())
}

/// `show system version`
pub(super) fn version(state: &State, now: DateTime<Utc>) -> String {
    let State { name, system_id, model, version, build, .. } = state;
    format!(
        "System Name: {name}, System-Id: {system_id}\n\
         System Type: {model}, Family: NCR\n\
         Description: DRIVENETS Network Cloud Router\n\
         System status: running\n\
         System Start Time: {}\n\
         System Uptime: {}\n\
         Version: DNOS [{version}] build [{build}], Copyright 2026 DRIVENETS LTD.\n\
         Patch: N/A\n",
        stamp(state.started, state.zone),
        uptime(state, now),
    )
}

/// `show system`: the version and the nodes of the system.
pub(super) fn system(state: &State, now: DateTime<Utc>) -> String {
    let columns = [
        ("Type", 4),
        ("Id", 6),
        ("Admin", 8),
        ("Operational", 34),
        ("Model", 15),
        ("Uptime", 19),
        ("Description", 26),
        ("Serial Number", 20),
    ];
    let up = uptime(state, now);
    let rows = [
        ["NCC", "0", "", "active-up", &state.model, &up, "dn-ncc-0", &state.serial].map(str::to_owned),
        ["NCP", "0", "enabled", "up", &state.model, &up, "dn-ncp-0", ""].map(str::to_owned),
    ];
    format!("{}\n\n{}", version(state, now), table(&columns, &rows, '+'))
}

/// `show rollback`: who changed what, newest first; id 0 is what is running.
pub(super) fn rollback(state: &State) -> String {
    let columns = [("Id", 2), ("Time", 20), ("User", 10), ("Via", 9), ("Log", 43)];
    let rows: Vec<[String; 5]> = state
        .commits
        .iter()
        .enumerate()
        .map(|(id, commit)| {
            let local = commit.at + Duration::hours(state.zone.into());
            [
                format!("{id:>2}"),
                local.format("%d-%b-%Y %H:%M:%S").to_string(),
                commit.user.clone(),
                commit.via.as_str().to_owned(),
                commit.log.clone(),
            ]
        })
        .collect();
    table(&columns, &rows, '|')
}

/// `show network-services bridge-domain`, of all or of one.
pub(super) fn bridge_domains(state: &State, name: Option<&str>) -> Option<String> {
    let Some(name) = name else {
        let rows: Vec<[String; 1]> = state.bridge_domains.keys().map(|n| [n.clone()]).collect();
        return Some(table(&[("Name", 24)], &rows, '|'));
    };
    let domain = state.bridge_domains.get(name)?;
    let mut out = format!(
        "Bridge-Domain: {name}\nDescription: {}\nAdmin State: {}\n",
        domain.description.as_deref().unwrap_or_default(),
        if domain.admin { "Up" } else { "Down" },
    );
    if let Some(irb) = &domain.router_interface {
        let _ = writeln!(out, "Associated IRB interface: {irb}");
    }
    out.push_str("Associated interfaces:\n");
    for member in state.members(ServiceKind::BridgeDomain, name) {
        let _ = writeln!(out, "  {member}");
    }
    Some(out)
}

/// A table as DNOS draws it. The rule under the headings starts and ends with
/// `edge`; that differs between commands.
fn table<const N: usize>(columns: &[(&str, usize); N], rows: &[[String; N]], edge: char) -> String {
    let mut widths = columns.map(|(heading, least)| least.max(heading.len()));
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for ((heading, _), &width) in columns.iter().zip(&widths) {
        // `Admin` alone is centred.
        let indent = if *heading == "Admin" { "  " } else { " " };
        let _ = write!(out, "|{:1$}|", format!("{indent}{heading}"), width + 2);
        // One bar between two cells.
        out.pop();
    }
    out.push_str("|\n");
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let _ = writeln!(out, "{edge}{}{edge}", rule.join("+"));
    for row in rows {
        for (cell, &width) in row.iter().zip(&widths) {
            let _ = write!(out, "| {cell:width$} ");
        }
        out.push_str("|\n");
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::lab::birth;

    #[test]
    fn the_table_has_the_columns_of_dnos() {
        let text = interfaces(&birth::example());
        assert!(text.contains(
            "\n| Interface                  |  Admin   | Operational     | IPv4 Address           \
             | IPv6 Address                                | VLAN          | MTU  \
             | Network-Service                             | Bundle-Id  |\n+----------------------------+--"
        ));
        assert!(text.contains(
            "\n| ge100-0/0/31.251 (L2)      | enabled  | up              |                        \
             |                                             | 251           | 1518 \
             | BD (g_visaev_v251)                          |            |\n"
        ));
        assert!(!text.contains("mgmt0"), "the table leaves the management port out");
    }

    #[test]
    fn vlan_cells_show_the_lowest_id_and_flags() {
        let cell = |tagging: Tagging, push: Option<u16>| {
            vlan_cell(&Interface { push, tagging, ..Interface::default() })
        };
        let qinq = |inner: &str| Tagging::Tags { outer: 219, inner: inner.to_owned(), tpid: None };
        assert_eq!(cell(Tagging::Vlan { id: 1, tpid: None }, None), "1");
        assert_eq!(cell(Tagging::Vlan { id: 4024, tpid: None }, Some(5)), "4024 (m)");
        assert_eq!(cell(Tagging::List { ids: "350,360,400-410".to_owned() }, None), "350 (v)");
        assert_eq!(cell(qinq("100"), None), "219, 100(i)");
        assert_eq!(cell(qinq("222,300-310"), Some(7)), "219, 222(ivm)");
        assert_eq!(cell(Tagging::None, Some(5)), "(m)");
    }

    #[test]
    fn one_interface_in_detail() {
        let state = birth::example();
        let text =
            detail(&state, "ge100-0/0/31.251", state.started + Duration::seconds(86_400 + 275)).unwrap();
        assert!(text.starts_with("Interface ge100-0/0/31.251\n  SNMP ifindex: "), "{text}");
        assert!(text.contains("Network-Service: BD (g_visaev_v251)\n"), "{text}");
        assert!(text.contains("Uptime: 1 days, 0:04:35\n"), "{text}");
        assert!(text.contains("  Encapsulation: 802.1q, Vlan-Id: 251 (0x8100)\n"), "{text}");
        assert_eq!(detail(&state, "bundle-9", state.started), None);
    }

    #[test]
    fn the_commit_log_numbers_from_the_running_one() {
        let text = rollback(&birth::example());
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("| Id | Time                 | User       | Via       | Log  "),
            "{text}"
        );
        assert!(lines[1].starts_with("|----+----------------------+---"), "{text}");
        assert!(lines[2].starts_with("|  0 | "), "{text}");
    }
}
