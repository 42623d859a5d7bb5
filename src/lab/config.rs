//! State → the text of `show config`, whole or a part of it.
//!
//! The configuration is built as a tree first, because three things are asked
//! of it: the hierarchical form, the flat form, and the part below some words.

use std::fmt::Write as _;

use chrono::{DateTime, Duration, Utc};

use super::state::{BridgeDomain, Interface, Service, State, Tagging, by_number};
use crate::model::ServiceKind;

/// The AS number of the pretend network.
const ASN: u32 = 64_900;

/// Words that mean something to `show config` even where nothing is configured.
const KNOWN: &[&str] = &[
    "system",
    "services l2-cross-connect",
    "interfaces",
    "network-services bridge-domain instance",
    "network-services evpn instance",
    "network-services evpn-vpws instance",
    "network-services evpn-vpws-fxc instance",
    "network-services multihoming interface",
    "network-services vpws instance",
    "network-services vrf instance",
    "protocols bgp",
];

/// One line of configuration, with what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Leaf(String),
    /// Closed by `!`, even when it is empty.
    Block(String, Vec<Node>),
}

/// How a configuration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Hierarchical,
    /// One leaf a line; a block without leaves ends in ` ^`.
    Flat,
}

fn leaf(text: impl Into<String>) -> Node {
    Node::Leaf(text.into())
}

fn block(head: impl Into<String>, body: Vec<Node>) -> Node {
    Node::Block(head.into(), body)
}

impl Node {
    fn line(&self) -> &str {
        match self {
            Self::Leaf(line) | Self::Block(line, _) => line,
        }
    }
}

/// The part of the configuration below `words`, with its ancestors. An error is
/// the place of the first word that names nothing on this device.
pub(super) fn part(state: &State, words: &[&str]) -> Result<Vec<Node>, usize> {
    let whole = tree(state);
    let mut understood = 0;
    if let Some(found) = pick(&whole, words, 0, &mut understood) {
        return Ok(found);
    }
    for known in KNOWN {
        let same = known.split(' ').zip(words).take_while(|(a, b)| a == *b).count();
        understood = understood.max(same);
    }
    // A port of the hardware is a known word, configured or not.
    if let ["interfaces", port] = words
        && state.hardware.iter().any(|p| p == port)
    {
        understood = words.len();
    }
    if understood == words.len() { Ok(Vec::new()) } else { Err(understood) }
}

/// The nodes that `words` lead to. `understood` learns how many words made sense.
fn pick(nodes: &[Node], words: &[&str], depth: usize, understood: &mut usize) -> Option<Vec<Node>> {
    if words.is_empty() {
        return Some(nodes.to_vec());
    }
    let mut found = Vec::new();
    for node in nodes {
        let head: Vec<&str> = node.line().split(' ').collect();
        let same = head.iter().zip(words).take_while(|(a, b)| a == b).count();
        *understood = (*understood).max(depth + same);
        if same == words.len() {
            // The words end within or at this line: all of it is meant.
            found.push(node.clone());
        } else if same == head.len()
            && let Node::Block(line, body) = node
            && let Some(inner) = pick(body, &words[same..], depth + same, understood)
        {
            found.push(block(line.clone(), inner));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The output of `show config …`: marks, an empty line between top blocks.
pub(super) fn print(state: &State, nodes: &[Node], form: Form, now: DateTime<Utc>) -> String {
    let mut out = format!("# {} config-start [{}]\n\n", state.name, stamp(now, state.zone));
    match form {
        Form::Hierarchical => {
            for node in nodes {
                hierarchical(node, 0, &mut out);
                out.push('\n');
            }
        }
        Form::Flat => {
            for node in nodes {
                flat(node, &mut String::new(), &mut out);
            }
            out.push('\n');
        }
    }
    let _ = writeln!(out, "# {} config-end", state.name);
    out
}

fn hierarchical(node: &Node, depth: usize, out: &mut String) {
    let _ = writeln!(out, "{:1$}{line}", "", depth * 2, line = node.line());
    if let Node::Block(_, body) = node {
        for inner in body {
            hierarchical(inner, depth + 1, out);
        }
        let _ = writeln!(out, "{:1$}!", "", depth * 2);
    }
}

fn flat(node: &Node, path: &mut String, out: &mut String) {
    let length = path.len();
    if length > 0 {
        path.push(' ');
    }
    path.push_str(node.line());
    match node {
        Node::Leaf(_) => {
            let _ = writeln!(out, "{path}");
        }
        Node::Block(_, body) if body.is_empty() => {
            let _ = writeln!(out, "{path} ^");
        }
        Node::Block(_, body) => {
            for inner in body {
                flat(inner, path, out);
            }
        }
    }
    path.truncate(length);
}

/// `28-Nov-2025 16:09:54 UTC`, or with the zone `UTC+02:00 (Israel)`.
pub(super) fn stamp(now: DateTime<Utc>, zone: i8) -> String {
    let local = (now + Duration::hours(zone.into())).format("%d-%b-%Y %H:%M:%S");
    if zone == 0 { format!("{local} UTC") } else { format!("{local} UTC{zone:+03}:00 (Israel)") }
}

/// The whole configuration, in the fixed order of its sections.
fn tree(state: &State) -> Vec<Node> {
    let mut top = vec![block("system", system(state))];
    let cross = cross_connects(state);
    if !cross.is_empty() {
        top.push(block("services", cross));
    }
    let mut names: Vec<&String> = state.interfaces.keys().collect();
    names.sort_by(|a, b| by_number(a, b));
    top.push(block(
        "interfaces",
        names.into_iter().map(|name| block(name, interface(&state.interfaces[name]))).collect(),
    ));
    let services = network_services(state);
    if !services.is_empty() {
        top.push(block("network-services", services));
    }
    top.push(block("protocols", protocols(state)));
    top
}

fn system(state: &State) -> Vec<Node> {
    vec![
        leaf(format!("name {}", state.name)),
        block(
            "login",
            vec![
                block(
                    "user dnroot",
                    vec![
                        leaf("description \"local administrator\""),
                        leaf(format!("password {}", state.login_hash)),
                        leaf("role admin"),
                    ],
                ),
                block(
                    "ipmi",
                    vec![block(
                        "user dnroot",
                        vec![leaf(format!("password {}", state.token)), leaf("privilege ADMINISTRATOR")],
                    )],
                ),
            ],
        ),
        block(
            "management",
            vec![block(
                "vrf mgmt0",
                vec![block(
                    "static",
                    vec![block("address-family ipv4", vec![leaf("route 0.0.0.0/0 next-hop 192.0.2.1")])],
                )],
            )],
        ),
    ]
}

fn cross_connects(state: &State) -> Vec<Node> {
    let mut nodes = Vec::new();
    for service in of_kind(state, ServiceKind::L2CrossConnect) {
        let members = state.members(ServiceKind::L2CrossConnect, &service.name).join(" ");
        let mut body = vec![leaf("admin-state enabled")];
        if !members.is_empty() {
            body.push(leaf(format!("interfaces {members}")));
        }
        nodes.push(block(format!("l2-cross-connect {}", service.name), body));
    }
    nodes
}

fn interface(x: &Interface) -> Vec<Node> {
    let mut body = Vec::new();
    if let Some(admin) = x.admin {
        body.push(leaf(format!("admin-state {}", enabled(admin))));
    }
    if let Some(bundle) = x.bundle {
        body.push(leaf(format!("bundle-id {bundle}")));
    }
    if let Some(description) = &x.description {
        body.push(leaf(format!("description {}", quoted(description))));
    }
    if let Some(address) = &x.ipv4 {
        body.push(leaf(format!("ipv4-address {address}")));
    }
    if x.l2 {
        body.push(leaf("l2-service enabled"));
    }
    if let Some(mtu) = x.mtu {
        body.push(leaf(format!("mtu {mtu}")));
    }
    match &x.tagging {
        Tagging::None => {}
        Tagging::Untagged => body.push(leaf("untagged")),
        Tagging::Vlan { id, tpid: None } => body.push(leaf(format!("vlan-id {id}"))),
        Tagging::Vlan { id, tpid: Some(tpid) } => body.push(leaf(format!("vlan-id {id} tpid {tpid}"))),
        Tagging::List { ids } => body.push(leaf(format!("vlan-id list {}", spaced(ids)))),
        Tagging::Tags { outer, inner, tpid } => {
            let word = if inner.contains([',', '-']) { "inner-tag-list" } else { "inner-tag" };
            let mut text = format!("vlan-tags outer-tag {outer} {word} {}", spaced(inner));
            if let Some(tpid) = tpid {
                let _ = write!(text, " outer-tpid {tpid}");
            }
            body.push(leaf(text));
        }
    }
    if let Some(vlan) = x.push {
        body.push(leaf(format!(
            "vlan-manipulation ingress-mapping action push outer-tag {vlan} outer-tpid 0x8100"
        )));
        body.push(leaf("vlan-manipulation egress-mapping action pop"));
    }
    body
}

fn network_services(state: &State) -> Vec<Node> {
    let mut kinds = vec![("bridge-domain", bridge_domains(state))];
    for kind in [ServiceKind::Evpn, ServiceKind::EvpnVpws, ServiceKind::EvpnVpwsFxc] {
        kinds.push((kind.as_str(), instances(state, kind)));
    }
    kinds.push(("multihoming", multihoming(state)));
    for kind in [ServiceKind::Vpws, ServiceKind::Vrf] {
        kinds.push((kind.as_str(), instances(state, kind)));
    }
    kinds.into_iter().filter(|(_, body)| !body.is_empty()).map(|(head, body)| block(head, body)).collect()
}

fn bridge_domains(state: &State) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(state.bridge_domains.len());
    for (name, BridgeDomain { admin, description, router_interface }) in &state.bridge_domains {
        let mut body = vec![leaf(format!("admin-state {}", enabled(*admin)))];
        if let Some(description) = description {
            body.push(leaf(format!("description {}", quoted(description))));
        }
        body.extend(member_blocks(state, ServiceKind::BridgeDomain, name));
        if let Some(irb) = router_interface {
            body.push(leaf(format!("router-interface {irb}")));
        }
        nodes.push(block(format!("instance {name}"), body));
    }
    nodes
}

fn instances(state: &State, kind: ServiceKind) -> Vec<Node> {
    of_kind(state, kind).map(|s| block(format!("instance {}", s.name), instance(state, s))).collect()
}

fn instance(state: &State, service: &Service) -> Vec<Node> {
    let (kind, number, router_id) = (service.kind, service.number, &state.router_id);
    let mut body = Vec::new();
    if let Some(description) = &service.description {
        body.push(leaf(format!("description {}", quoted(description))));
    }
    if kind == ServiceKind::Vrf {
        // Here alone an interface is a line and no block.
        body.extend(state.members(kind, &service.name).into_iter().map(|i| leaf(format!("interface {i}"))));
        let routes = vec![
            leaf(format!("export-vpn route-target {ASN}:{number}")),
            leaf(format!("import-vpn route-target {ASN}:{number}")),
            leaf("redistribute connected"),
        ];
        let bgp = vec![
            leaf(format!("route-distinguisher {router_id}:{number}")),
            leaf(format!("router-id {router_id}")),
            block("address-family ipv4-unicast", routes),
        ];
        body.push(block("protocols", vec![block(format!("bgp {ASN}"), bgp)]));
        return body;
    }
    body.extend(member_blocks(state, kind, &service.name));
    match kind {
        ServiceKind::Vpws => {
            for wire in &service.pseudowires {
                let id = wire.id.iter().map(|id| leaf(format!("pw-id {id}"))).collect();
                body.push(block(format!("pw {}", wire.address), id));
            }
        }
        ServiceKind::EvpnVpws => {
            body.push(leaf(format!("vpws-service-id local {number} remote {}", number + 4_000)));
            let bgp = vec![
                leaf(format!("export-l2vpn-evpn route-target {ASN}:{number}")),
                leaf(format!("import-l2vpn-evpn route-target {ASN}:{number}")),
                leaf(format!("route-distinguisher {router_id}:{number}")),
            ];
            body.push(block("protocols", vec![block(format!("bgp {ASN}"), bgp)]));
            body.push(block("transport-protocol", vec![block("mpls", vec![leaf("control-word enabled")])]));
        }
        ServiceKind::Evpn => {
            if let Some(irb) = &service.router_interface {
                body.push(block(format!("router-interface {irb}"), vec![leaf("host-routes enabled")]));
            }
        }
        _ => {}
    }
    body
}

fn multihoming(state: &State) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(state.multihoming.len());
    for (interface, segment) in &state.multihoming {
        let elected = vec![leaf(format!("algorithm highest-preference value {}", segment.preference))];
        nodes.push(block(
            format!("interface {interface}"),
            vec![
                leaf(format!("esi arbitrary value {}", segment.esi)),
                leaf("redundancy-mode single-active"),
                block("designated-forwarder", elected),
            ],
        ));
    }
    nodes
}

fn protocols(state: &State) -> Vec<Node> {
    let neighbour = block(
        "neighbor 10.255.0.1",
        vec![
            leaf(format!("remote-as {ASN}")),
            leaf("admin-state enabled"),
            leaf("update-source lo0"),
            block("address-family l2vpn-evpn", vec![leaf("send-community community-type both")]),
        ],
    );
    vec![block(format!("bgp {ASN}"), vec![leaf(format!("router-id {}", state.router_id)), neighbour])]
}

fn member_blocks(state: &State, kind: ServiceKind, name: &str) -> Vec<Node> {
    state.members(kind, name).into_iter().map(|i| block(format!("interface {i}"), Vec::new())).collect()
}

fn of_kind(state: &State, kind: ServiceKind) -> impl Iterator<Item = &Service> {
    state.services.values().filter(move |s| s.kind == kind)
}

fn enabled(yes: bool) -> &'static str {
    if yes { "enabled" } else { "disabled" }
}

/// Strings with spaces stand in double quotes.
fn quoted(text: &str) -> String {
    if text.contains(' ') { format!("\"{text}\"") } else { text.to_owned() }
}

/// `350,360,400-410` as the device prints it: a space after each comma.
pub(super) fn spaced(tags: &str) -> String {
    tags.replace(',', ", ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::lab::birth;

    fn now() -> DateTime<Utc> {
        "2026-03-09T16:52:06Z".parse().unwrap()
    }

    fn shown(state: &State, words: &[&str], form: Form) -> String {
        print(state, &part(state, words).unwrap(), form, now())
    }

    #[test]
    fn a_sub_interface_is_a_sibling_of_its_port() {
        let state = birth::example();
        assert_eq!(
            shown(&state, &["interfaces", "ge100-0/0/31.251"], Form::Hierarchical),
            "# DNAAS-LEAF-B15 config-start [09-Mar-2026 16:52:06 UTC]\n\n\
             interfaces\n  ge100-0/0/31.251\n    l2-service enabled\n    vlan-id 251\n  !\n!\n\n\
             # DNAAS-LEAF-B15 config-end\n"
        );
    }

    #[test]
    fn a_bridge_domain_lists_its_members_as_blocks() {
        let state = birth::example();
        let words = ["network-services", "bridge-domain", "instance", "g_visaev_v251"];
        assert_eq!(
            shown(&state, &words, Form::Hierarchical),
            "# DNAAS-LEAF-B15 config-start [09-Mar-2026 16:52:06 UTC]\n\n\
             network-services\n  bridge-domain\n    instance g_visaev_v251\n      admin-state enabled\n\
             \x20     interface bundle-60000.251\n      !\n      interface ge100-0/0/31.251\n      !\n\
             \x20   !\n  !\n!\n\n# DNAAS-LEAF-B15 config-end\n"
        );
        assert!(shown(&state, &words, Form::Flat).contains(
            "network-services bridge-domain instance g_visaev_v251 interface ge100-0/0/31.251 ^\n"
        ));
    }

    #[test]
    fn every_block_is_closed() {
        let state = birth::example();
        let text = shown(&state, &[], Form::Hierarchical);
        let mut depth = 0_usize;
        for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let indent = (line.len() - line.trim_start().len()) / 2;
            // A line stands at most one deeper than the one before it.
            assert!(indent <= depth, "{line}");
            depth = if line.trim() == "!" { indent } else { indent + 1 };
        }
        assert_eq!(depth, 0);
    }

    #[test]
    fn the_first_word_that_names_nothing_is_found() {
        let state = birth::example();
        assert_eq!(part(&state, &["interfaces", "bundle-7"]), Err(1));
        assert_eq!(part(&state, &["network-services", "bridge-domain", "instance", "nope"]), Err(3));
        assert_eq!(part(&state, &["nonsense"]), Err(0));
        assert_eq!(part(&state, &["network-services", "vpws"]), Ok(Vec::new()));
    }

    #[test]
    fn zones_stand_in_parentheses() {
        assert_eq!(stamp(now(), 2), "09-Mar-2026 18:52:06 UTC+02:00 (Israel)");
    }
}
