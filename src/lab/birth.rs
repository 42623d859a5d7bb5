//! What a new fleet looks like: names, ports, bundles, and services of every
//! kind that DNOS knows, in the proportions in which one meets them.

use chrono::{DateTime, Duration, Utc};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use super::edit::{Disorder, Hands, STORY_PORT, UPLINK, USERS};
use super::state::{BridgeDomain, Commit, Interface, Multihoming, Service, State, Tagging, Via};
use crate::model::{Neighbor, ServiceKind, ServiceRef};

/// A device of the fleet before it has anything configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub name: String,
    pub role: &'static str,
    pub site: String,
    pub importance: u8,
    /// 0-based, within its role.
    pub number: usize,
}

/// Names and places of `devices` devices: about a twelfth superspines, a sixth
/// spines, the rest leaves.
pub(super) fn plans(devices: usize) -> Vec<Plan> {
    let superspines = devices / 12;
    let spines = devices / 6;
    let leaves = devices - superspines - spines;
    let row = |rows: &str, number: usize| char::from(rows.as_bytes()[number % rows.len()]);
    let mut plans = Vec::with_capacity(devices);
    let mut add = |role, name: String, row: char, importance, number| {
        plans.push(Plan {
            name,
            role,
            site: format!("row-{}", row.to_ascii_lowercase()),
            importance,
            number,
        });
    };
    for number in 0..leaves {
        let row = row("BACDEF", number);
        add("leaf", format!("DNAAS-LEAF-{row}{:02}", 15 + number / 6), row, 1, number);
    }
    for number in 0..spines {
        let row = row("BDACEF", number);
        add("spine", format!("DNAAS-SPINE-{row}{:02}", 9 + number / 6), row, 2, number);
    }
    for number in 0..superspines {
        let name = format!("DNAAS-SUPERSPINE-D{:02}-NCC{}", 4 + number / 2, number % 2);
        add("superspine", name, 'D', 4, number);
    }
    plans
}

/// The configuration a device is born with.
pub(super) fn state(plan: &Plan, index: usize, birth: DateTime<Utc>, rng: &mut ChaCha8Rng) -> State {
    let mut state = bare(plan, index, birth, rng);
    if plan.role == "leaf" {
        ports(&mut state, rng);
        services(&mut state, 9..13, rng);
    } else {
        bundles(&mut state, rng);
        services(&mut state, 7..11, rng);
    }
    vrf(&mut state, index);
    let specials: [fn(&mut State, usize); 10] = [
        qinq,
        vlan_list,
        vpws,
        evpn,
        evpn_vpws,
        cross_connect,
        flexible_cross_connect,
        untagged,
        pushed,
        routed,
    ];
    // The first leaf has everything; the others some, each another choice.
    for (place, special) in specials.iter().enumerate() {
        if index == 0
            || (plan.role == "leaf" && (place + index).is_multiple_of(3))
            || (index + place).is_multiple_of(7)
        {
            special(&mut state, index);
        }
    }
    state
}

fn bare(plan: &Plan, index: usize, birth: DateTime<Utc>, rng: &mut ChaCha8Rng) -> State {
    let (model, family, count) =
        if plan.role == "leaf" { ("NCP-40C", "ge100", 40) } else { ("NCP-36CD-S", "ge400", 36) };
    let (high, low) = (index / 250, index % 250 + 1);
    let router_id = format!("10.255.{high}.{low}");
    let mut state = State {
        name: plan.name.clone(),
        version: (*["25.2.0", "25.2.0", "26.1.0"].choose(rng).unwrap_or(&"25.2.0")).to_owned(),
        build: format!("{}_lab", rng.random_range(300..600)),
        model: model.to_owned(),
        system_id: uuid(rng),
        serial: format!("LAB{:08X}", rng.random::<u32>()),
        zone: if rng.random_bool(0.3) { 2 } else { 0 },
        started: birth - Duration::days(rng.random_range(20..200)),
        management: format!("192.0.2.{low}/24"),
        login_hash: format!("$6${}${}", letters(rng, 16), letters(rng, 86)),
        token: format!("enc-gAAAAA{}==", letters(rng, 90)),
        hardware: (0..count).map(|port| format!("{family}-0/0/{port}")).collect(),
        interfaces: std::collections::BTreeMap::new(),
        bridge_domains: std::collections::BTreeMap::new(),
        services: std::collections::BTreeMap::new(),
        multihoming: std::collections::BTreeMap::new(),
        commits: vec![Commit {
            at: birth - Duration::days(rng.random_range(1..15)),
            user: "dnroot".to_owned(),
            via: Via::Cli,
            log: "initial configuration".to_owned(),
        }],
        router_id,
    };
    let up = |ipv4: String| Interface { up: true, ipv4: Some(ipv4), ..Interface::default() };
    state
        .interfaces
        .insert("lo0".to_owned(), Interface { admin: Some(true), ..up(format!("{}/32", state.router_id)) });
    state.interfaces.insert("mgmt0".to_owned(), up(state.management.clone()));
    state
}

fn enabled() -> Interface {
    Interface { admin: Some(true), up: true, ..Interface::default() }
}

/// A bundle with its members.
fn bundle(state: &mut State, number: u32, members: &[usize], description: &str) {
    let mut interface = enabled();
    interface.description = Some(description.to_owned());
    interface.mtu = Some(9_216);
    state.interfaces.insert(format!("bundle-{number}"), interface);
    for port in members {
        let member = Interface { bundle: Some(number), ..enabled() };
        state.interfaces.insert(state.hardware[*port].clone(), member);
    }
}

fn ports(state: &mut State, rng: &mut ChaCha8Rng) {
    bundle(state, 60_000, &[36, 37, 38, 39], "uplink to the spines");
    for port in 0..31 {
        if rng.random_bool(0.55) {
            let mut interface = enabled();
            interface.up = rng.random_bool(0.85);
            if rng.random_bool(0.4) {
                interface.description = Some(format!("{} rack {}", USERS[port % USERS.len()], port / 2 + 1));
            }
            state.interfaces.insert(state.hardware[port].clone(), interface);
        }
    }
    // Whatever the dice said: the story's port, and somewhere to put customers.
    for port in ["ge100-0/0/2", "ge100-0/0/11", "ge100-0/0/13", STORY_PORT] {
        state.interfaces.entry(port.to_owned()).or_insert_with(enabled);
    }
}

fn bundles(state: &mut State, rng: &mut ChaCha8Rng) {
    bundle(state, 60_000, &[32, 33, 34, 35], "uplink");
    for number in 1..=rng.random_range(6..=10_u32) {
        let first = (number as usize - 1) * 2;
        bundle(state, number, &[first, first + 1], &format!("downlink {number}"));
    }
}

fn services(state: &mut State, count: std::ops::Range<u32>, rng: &mut ChaCha8Rng) {
    let disorder = Disorder::default();
    for _ in 0..rng.random_range(count) {
        let work = Hands { state, disorder: &disorder, rng }.new_domain();
        for edit in work.into_iter().flat_map(|work| work.edits) {
            state.put(&edit.key, edit.after);
        }
    }
}

fn add(state: &mut State, name: &str, interface: Interface) {
    state.interfaces.insert(name.to_owned(), interface);
}

fn add_service(state: &mut State, kind: ServiceKind, name: &str, number: u32) -> ServiceRef {
    let service = Service {
        kind,
        name: name.to_owned(),
        description: None,
        number,
        router_interface: None,
        pseudowires: Vec::new(),
    };
    state.services.insert(service.key(), service);
    ServiceRef { kind, name: name.to_owned() }
}

fn l2(tagging: Tagging, service: ServiceRef) -> Interface {
    Interface { l2: true, up: true, tagging, service: Some(service), ..Interface::default() }
}

fn domain(state: &mut State, name: &str) -> ServiceRef {
    let domain = BridgeDomain { admin: true, description: None, router_interface: None };
    state.bridge_domains.insert(name.to_owned(), domain);
    ServiceRef { kind: ServiceKind::BridgeDomain, name: name.to_owned() }
}

/// The first port or bundle that customers are on.
fn access(state: &State) -> String {
    let name = if state.interfaces.contains_key("bundle-1") { "bundle-1" } else { "ge100-0/0/13" };
    name.to_owned()
}

/// Two tags. The number of the sub-interface is the inner one, as seen on real devices.
fn qinq(state: &mut State, index: usize) {
    let inner = 100 + index % 50;
    let service = domain(state, &format!("l_dkorn_q{inner}"));
    let port = access(state);
    let tagging = Tagging::Tags { outer: 219, inner: inner.to_string(), tpid: Some("0x88a8".to_owned()) };
    add(state, &format!("{port}.{inner}"), l2(tagging, service.clone()));
    let tagging = Tagging::Tags { outer: 219, inner: format!("{inner},301-310"), tpid: None };
    add(state, &format!("{UPLINK}.21900"), l2(tagging, service));
}

fn vlan_list(state: &mut State, _: usize) {
    let service = domain(state, "trunk_mweiss");
    let port = access(state);
    for name in [format!("{port}.4001"), format!("{UPLINK}.4001")] {
        add(state, &name, l2(Tagging::List { ids: "3950,3960,4000-4010".to_owned() }, service.clone()));
    }
}

fn vpws(state: &mut State, index: usize) {
    let number = 20 + index as u32;
    let name = format!("VPWS_{number}");
    let service = add_service(state, ServiceKind::Vpws, &name, number);
    if let Some(service) = state.services.get_mut(&format!("vpws/{name}")) {
        service.description = Some("point to point".to_owned());
        service.pseudowires =
            vec![Neighbor { address: "10.255.0.9".to_owned(), id: Some(number.to_string()) }];
    }
    let port = access(state);
    add(state, &format!("{port}.4020"), l2(Tagging::Vlan { id: 4_020, tpid: None }, service));
}

fn evpn(state: &mut State, index: usize) {
    let service = add_service(state, ServiceKind::Evpn, "evpn_lmoran", 500 + index as u32);
    if let Some(service) = state.services.get_mut("evpn/evpn_lmoran") {
        service.router_interface = Some("irb1".to_owned());
    }
    add(state, &format!("{UPLINK}.4050"), l2(Tagging::Vlan { id: 4_050, tpid: None }, service));
    let address = format!("172.20.{}.1/24", index % 250);
    add(state, "irb1", Interface { ipv4: Some(address), ..enabled() });
}

fn evpn_vpws(state: &mut State, index: usize) {
    let service = add_service(state, ServiceKind::EvpnVpws, "ev_tnowak", 1_000 + index as u32);
    let port = access(state);
    let tagging = Tagging::Vlan { id: 4_030, tpid: Some("0x9100".to_owned()) };
    add(state, &format!("{port}.4030"), l2(tagging, service));
}

fn cross_connect(state: &mut State, _: usize) {
    let service = add_service(state, ServiceKind::L2CrossConnect, "XC-lab-to-lab", 0);
    let port = access(state);
    for name in [format!("{port}.4040"), format!("{UPLINK}.4040")] {
        add(state, &name, l2(Tagging::Vlan { id: 4_040, tpid: None }, service.clone()));
    }
}

fn flexible_cross_connect(state: &mut State, _: usize) {
    let service = add_service(state, ServiceKind::EvpnVpwsFxc, "FXC-901", 901);
    add(state, "ph901", enabled());
    add(state, "ph901.1", l2(Tagging::Vlan { id: 901, tpid: None }, service));
    let segment = Multihoming { esi: "00:99:01:00:00:00:00:00:01".to_owned(), preference: 100 };
    state.multihoming.insert("ph901.1".to_owned(), segment);
}

fn untagged(state: &mut State, _: usize) {
    let service = domain(state, "flat_skim");
    let port = access(state);
    add(state, &format!("{port}.1"), l2(Tagging::Untagged, service.clone()));
    add(state, &format!("{UPLINK}.4060"), l2(Tagging::Vlan { id: 4_060, tpid: None }, service));
}

/// A whole port or bundle in a service, with a tag pushed on the way in.
fn pushed(state: &mut State, _: usize) {
    let service = domain(state, "push_ebauer");
    let mut whole = l2(Tagging::None, service.clone());
    whole.admin = Some(true);
    whole.push = Some(1_191);
    add(state, "bundle-1204", whole);
    add(state, &format!("{UPLINK}.1191"), l2(Tagging::Vlan { id: 1_191, tpid: None }, service));
}

/// A bridge domain with a routed interface.
fn routed(state: &mut State, index: usize) {
    let service = domain(state, "g_rpetit_v4070");
    if let Some(domain) = state.bridge_domains.get_mut("g_rpetit_v4070") {
        domain.router_interface = Some("irb10".to_owned());
        domain.description = Some("gateway of the lab".to_owned());
    }
    add(state, &format!("{UPLINK}.4070"), l2(Tagging::Vlan { id: 4_070, tpid: None }, service));
    let address = format!("172.21.{}.1/24", index % 250);
    add(state, "irb10", Interface { ipv4: Some(address), ..enabled() });
}

/// Every device has one: a routed service with one sub-interface.
fn vrf(state: &mut State, index: usize) {
    let service = add_service(state, ServiceKind::Vrf, "LAB-MGMT", 700);
    let address = format!("172.22.{}.2/30", index % 250);
    let interface = Interface {
        ipv4: Some(address),
        tagging: Tagging::Vlan { id: 4_080, tpid: None },
        service: Some(service),
        ..enabled()
    };
    add(state, &format!("{UPLINK}.4080"), interface);
}

fn letters(rng: &mut ChaCha8Rng, count: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..count).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

fn uuid(rng: &mut ChaCha8Rng) -> String {
    let bits: u128 = (u128::from(rng.random::<u64>()) << 64) | u128::from(rng.random::<u64>());
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A small leaf for the tests of this room: the story's VLAN and little else.
#[cfg(test)]
pub(super) fn example() -> State {
    use rand::SeedableRng as _;

    let birth = DateTime::from_timestamp(1_772_000_000, 0).unwrap_or_default();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut state = bare(&plans(1)[0], 0, birth, &mut rng);
    state.zone = 0;
    bundle(&mut state, 60_000, &[36, 37], "uplink to the spines");
    add(&mut state, STORY_PORT, enabled());
    let work = Hands { state: &state, disorder: &Disorder::default(), rng: &mut rng }.story();
    for edit in work.into_iter().flat_map(|work| work.edits) {
        state.put(&edit.key, edit.after);
    }
    vrf(&mut state, 0);
    for (days, user, via) in [(2, "visaev", Via::Cli), (1, "deployer", Via::Netconf)] {
        let at = birth + Duration::days(3 - days);
        state.commit(Commit { at, user: user.to_owned(), via, log: String::new() });
    }
    state
}
