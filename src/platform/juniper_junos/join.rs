//! Configuration + what is seen → facts.
//!
//! The configuration wins for tags, service, description and bundle; the
//! tables add what is observed and the ports that no configuration names.
//! `admin` is down where `disable` stands; else what the table says; else up,
//! which is what the system does with what is configured.
//!
//! Members of a switch (`family bridge`, `family ethernet-switching`) have no
//! service: which VLANs they carry is their encapsulation. A unit that a VLAN,
//! a bridge domain or an instance lists by name is in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{
    AdminState, BridgeDomain, Encapsulation, EncapsulationKind, Interface, Neighbor, Scope, Service,
    ServiceKind, ServiceRef, Vlan,
};
use crate::platform::curly::unquoted;

use super::config::{Config, Domain, Instance, Port, Switch, Unit};
use super::table::{Seen, SeenVlan};
use super::values;

/// What was read of one device, and how much of each part.
#[derive(Debug, Default)]
pub(super) struct Evidence<'t> {
    pub(super) seen: Vec<Seen<'t>>,
    pub(super) vlans: Vec<SeenVlan<'t>>,
    /// The configuration of all interfaces was read.
    pub(super) ports_known: bool,
    /// The whole configuration was read.
    pub(super) all_known: bool,
}

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) interfaces: Vec<Interface>,
    pub(super) bridge_domains: Vec<BridgeDomain>,
    pub(super) services: Vec<Service>,
    pub(super) vlans: Vec<Vlan>,
    /// A port carries a VLAN by a name that nothing defines.
    pub(super) unnamed: bool,
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        self.interfaces.is_empty()
            && self.bridge_domains.is_empty()
            && self.services.is_empty()
            && self.vlans.is_empty()
    }
}

/// A port that carries more VLANs than this is not listed under each of them.
const MOST_LISTED: u16 = 256;

/// The facts of `scope`, each list sorted by its key.
pub(super) fn join(config: &Config<'_>, evidence: &Evidence<'_>, scope: &Scope) -> Facts {
    let services = Membership::of(config);
    let names = vlan_names(config, evidence);
    let (interfaces, unnamed) = interfaces(config, evidence, &services, &names);
    match scope {
        Scope::Device => {
            let vlans = vlans(config, evidence, &interfaces);
            let bridge_domains = bridge_domains(config, &interfaces);
            Facts { bridge_domains, services: Membership::services(config), vlans, interfaces, unnamed }
        }
        Scope::Interface(name) => Facts {
            interfaces: interfaces.into_iter().filter(|port| port.name == *name).collect(),
            ..Facts::default()
        },
        Scope::BridgeDomain(name) => {
            let mut bridge_domains = bridge_domains(config, &interfaces);
            bridge_domains.retain(|domain| domain.name == *name);
            let is_member = |port: &Interface| {
                port.service.as_ref().is_some_and(|s| s.kind == ServiceKind::BridgeDomain && s.name == *name)
            };
            Facts {
                interfaces: interfaces.into_iter().filter(is_member).collect(),
                bridge_domains,
                ..Facts::default()
            }
        }
    }
}

/// The kind of service that an instance is. A virtual switch without a
/// protocol is a bridge domain; `forwarding` and the like are no service.
fn kind_of(instance: &Instance<'_>) -> Option<ServiceKind> {
    Some(match instance.kind? {
        "vrf" | "virtual-router" => ServiceKind::Vrf,
        "vpls" => ServiceKind::Vpls,
        "evpn" | "mac-vrf" => ServiceKind::Evpn,
        "evpn-vpws" => ServiceKind::EvpnVpws,
        "l2vpn" => ServiceKind::Vpws,
        "virtual-switch" if instance.evpn => ServiceKind::Evpn,
        "virtual-switch" if instance.vpls => ServiceKind::Vpls,
        "virtual-switch" => ServiceKind::BridgeDomain,
        _ => return None,
    })
}

/// A domain of an instance is named after both: each has names of its own.
fn domain_name(config: &Config<'_>, domain: &Domain<'_>) -> String {
    match domain.instance {
        Some(at) => format!("{}/{}", config.instances[at].name, domain.name),
        None => domain.name.to_owned(),
    }
}

/// Which service lists which interface.
struct Membership<'t> {
    of: HashMap<&'t str, ServiceRef>,
}

impl<'t> Membership<'t> {
    fn of(config: &Config<'t>) -> Self {
        let mut of = HashMap::new();
        // The narrowest first: a bridge domain within an instance, then the instance.
        for domain in &config.domains {
            let is_vlan = domain.is_vlan && domain.instance.is_none();
            for member in &domain.members {
                // How old switches list the ports of a VLAN: their encapsulation says it.
                if is_vlan && config.unit_named(member).is_none_or(|unit| unit.switch.is_some()) {
                    continue;
                }
                let name = domain_name(config, domain);
                of.entry(*member).or_insert(ServiceRef { kind: ServiceKind::BridgeDomain, name });
            }
        }
        let mut put = |member: &'t str, kind, name: &str| {
            of.entry(member).or_insert(ServiceRef { kind, name: name.to_owned() });
        };
        for instance in &config.instances {
            let Some(kind) = kind_of(instance) else { continue };
            for member in instance.members.iter().chain(instance.pairs.iter().map(|(name, ..)| name)) {
                put(member, kind, instance.name);
            }
        }
        for circuit in &config.circuits {
            put(circuit.interface, ServiceKind::L2Circuit, circuit.interface);
        }
        for cross in &config.crosses {
            for member in &cross.members {
                put(member, ServiceKind::L2CrossConnect, cross.name);
            }
        }
        Self { of }
    }

    /// The services that are no bridge domains. An `l2circuit` has no name of
    /// its own; it goes by its interface here, which has one at most.
    fn services(config: &Config<'_>) -> Vec<Service> {
        let mut all: BTreeMap<(&str, String), Service> = BTreeMap::new();
        let mut put = |kind: ServiceKind, name: &str, members: Vec<&str>, neighbors: Vec<Neighbor>| {
            let service = all.entry((kind.as_str(), name.to_owned())).or_insert_with(|| Service {
                kind,
                name: name.to_owned(),
                interfaces: Vec::new(),
                neighbors: Vec::new(),
            });
            service.interfaces.extend(members.into_iter().map(str::to_owned));
            service.neighbors.extend(neighbors);
        };
        for instance in &config.instances {
            match kind_of(instance) {
                None | Some(ServiceKind::BridgeDomain) => {}
                Some(kind) => {
                    let pairs = instance.pairs.iter().map(|(name, ..)| *name);
                    let members = instance.members.iter().copied().chain(pairs).collect();
                    put(kind, instance.name, members, instance.far_ends());
                }
            }
        }
        for circuit in &config.circuits {
            let far = Neighbor { address: circuit.neighbor.to_owned(), id: circuit.id.map(str::to_owned) };
            put(ServiceKind::L2Circuit, circuit.interface, vec![circuit.interface], vec![far]);
        }
        for cross in &config.crosses {
            put(ServiceKind::L2CrossConnect, cross.name, cross.members.clone(), Vec::new());
        }
        let mut services: Vec<Service> = all.into_values().collect();
        for service in &mut services {
            service.interfaces.sort_unstable();
            service.interfaces.dedup();
            service.neighbors.sort();
            service.neighbors.dedup();
        }
        services
    }
}

/// The ids behind the VLAN names of the default switch.
struct VlanNames<'t> {
    ids: HashMap<&'t str, Vec<&'t str>>,
    seen: HashMap<&'t str, u16>,
    /// Interfaces that a VLAN lists, with its name: how switches without
    /// `interface-mode` say it.
    listed: HashMap<&'t str, Vec<&'t str>>,
}

fn vlan_names<'t>(config: &Config<'t>, evidence: &Evidence<'t>) -> VlanNames<'t> {
    let mut ids: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut listed: HashMap<&str, Vec<&str>> = HashMap::new();
    // A VLAN of an instance is known by its name only where no other has it.
    for domain in config.domains.iter().filter(|domain| domain.is_vlan) {
        if domain.instance.is_none() || !ids.contains_key(domain.name) {
            ids.insert(domain.name, domain.ids.clone());
        }
        for member in &domain.members {
            listed.entry(member).or_default().push(domain.name);
        }
    }
    let seen = evidence.vlans.iter().map(|vlan| (vlan.name, vlan.id)).collect();
    VlanNames { ids, seen, listed }
}

impl VlanNames<'_> {
    /// The tags of members, and whether each was understood.
    fn tags(&self, members: &[&str]) -> (Option<String>, bool) {
        let (mut all, mut known): (Vec<String>, bool) = (Vec::new(), true);
        for member in members {
            if *member == "all" {
                return (Some(values::ALL.to_owned()), true);
            }
            if values::is_tags(member) {
                all.push((*member).to_owned());
            } else if let Some(ids) = self.ids.get(member) {
                all.extend(ids.iter().filter(|id| values::is_tags(id)).map(|id| (*id).to_owned()));
                if ids.contains(&"all") {
                    all.push(values::ALL.to_owned());
                }
            } else if let Some(id) = self.seen.get(member) {
                all.push(id.to_string());
            } else {
                // `default` is there without being configured.
                known &= *member == "default";
            }
        }
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        (if all.is_empty() { None } else { values::tags(&all) }, known)
    }

    fn encapsulation(&self, switch: &Switch<'_>, name: &str) -> (Encapsulation, bool) {
        let listed = self.listed.get(name).filter(|_| switch.members.is_empty());
        let (outer, known) = self.tags(listed.map_or(&switch.members[..], |names| names));
        let kind = if switch.trunk { EncapsulationKind::Range } else { EncapsulationKind::Untagged };
        let inner = if switch.inner.is_empty() { None } else { values::tags(&switch.inner) };
        (Encapsulation { kind, outer, inner, tpid: None }, known)
    }
}

fn interfaces(
    config: &Config<'_>,
    evidence: &Evidence<'_>,
    services: &Membership<'_>,
    names: &VlanNames<'_>,
) -> (Vec<Interface>, bool) {
    let seen: HashMap<&str, &Seen<'_>> = evidence.seen.iter().rev().map(|row| (row.name, row)).collect();
    let mut unnamed = false;
    let mut facts: HashMap<String, Interface> =
        HashMap::with_capacity(config.ports.len() + config.units.len() + evidence.seen.len());
    for port in config.ports.iter().filter(|port| !port.is_range) {
        facts.insert(port.name.to_owned(), of_port(port, port.name.to_owned()));
    }
    for unit in &config.units {
        let port = &config.ports[unit.port];
        if !port.is_range {
            let name = format!("{}.{}", port.name, unit.number);
            let (fact, known) = of_unit(unit, port, port.name, name, names);
            unnamed |= !known;
            facts.insert(fact.name.clone(), fact);
        }
    }
    for range in &config.ranges {
        for name in range_names(range) {
            unnamed |= apply_range(config, range.port, &name, names, &mut facts);
        }
    }
    for (name, fact) in &mut facts {
        let row = seen.get(name.as_str());
        if let Some(row) = row {
            fact.oper = row.oper;
            fact.mtu = row.mtu.or(fact.mtu);
            fact.admin = fact.admin.or(row.admin);
            fact.description = fact.description.take().or_else(|| row.description.map(str::to_owned));
        }
        fact.admin = fact.admin.or(Some(AdminState::Up));
    }
    for row in &evidence.seen {
        if facts.contains_key(row.name) {
            continue;
        }
        let mut fact = Interface::named(row.name);
        fact.parent = parent_of(row.name).map(str::to_owned);
        fact.oper = row.oper;
        fact.mtu = row.mtu;
        fact.admin = row.admin;
        fact.description = row.description.map(str::to_owned);
        fact.configured = !evidence.ports_known && is_users(row.name);
        facts.insert(fact.name.clone(), fact);
    }
    // Several outputs may show one interface, each another part of it.
    for row in &evidence.seen {
        if let Some(fact) = facts.get_mut(row.name) {
            fact.mtu = fact.mtu.or(row.mtu);
            fact.oper = fact.oper.or(row.oper);
            fact.admin = fact.admin.or(row.admin);
            if !evidence.ports_known {
                fact.description = fact.description.take().or_else(|| row.description.map(str::to_owned));
                if let Some(shown) = &row.encapsulation {
                    fact.encapsulation = shown.clone();
                }
            }
        }
    }
    let mut facts: Vec<Interface> = facts.into_values().collect();
    for fact in &mut facts {
        if let Some(service) = services.of.get(fact.name.as_str()) {
            fact.l2 |= is_l2(service.kind);
            fact.service = Some(service.clone());
        }
    }
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    (facts, unnamed)
}

fn is_l2(kind: ServiceKind) -> bool {
    kind != ServiceKind::Vrf
}

fn of_port(port: &Port<'_>, name: String) -> Interface {
    let mut fact = Interface::named(name);
    fact.admin = port.disable.then_some(AdminState::Down);
    fact.description = port.description.map(unquoted);
    fact.mtu = port.mtu;
    fact.bundle = port.bundle.map(str::to_owned);
    fact.l2 = port.l2;
    fact
}

fn of_unit(
    unit: &Unit<'_>,
    port: &Port<'_>,
    parent: &str,
    name: String,
    names: &VlanNames<'_>,
) -> (Interface, bool) {
    let mut fact = Interface::named(name);
    fact.parent = Some(parent.to_owned());
    fact.admin = unit.disable.then_some(AdminState::Down);
    fact.description = unit.description.map(unquoted);
    fact.l2 = unit.l2 || port.l2;
    let mut known = true;
    fact.encapsulation = match &unit.switch {
        Some(switch) => {
            let (encapsulation, all) = names.encapsulation(switch, &fact.name);
            known = all;
            encapsulation
        }
        None => values::encapsulation(&unit.tags).unwrap_or_default(),
    };
    (fact, known)
}

/// The ports that an interface range is about, except by `*`.
fn range_names(range: &super::config::Members<'_>) -> Vec<String> {
    let mut all: Vec<String> =
        range.names.iter().filter_map(|name| values::member_names(name)).flatten().collect();
    let spans = range.spans.iter().filter_map(|(from, to)| values::span_names(from, (*to)?));
    all.extend(spans.flatten());
    all.sort_unstable();
    all.dedup();
    all
}

/// Gives the settings of a range to its member `name`, where that has none of
/// its own. True if a VLAN name in it is unknown.
fn apply_range(
    config: &Config<'_>,
    range: usize,
    name: &str,
    names: &VlanNames<'_>,
    facts: &mut HashMap<String, Interface>,
) -> bool {
    let port = &config.ports[range];
    let given = of_port(port, name.to_owned());
    match facts.get_mut(name) {
        Some(own) => inherit(own, given),
        None => {
            facts.insert(name.to_owned(), given);
        }
    }
    let mut unnamed = false;
    for unit in config.units.iter().filter(|unit| unit.port == range) {
        let (given, known) = of_unit(unit, port, name, format!("{name}.{}", unit.number), names);
        unnamed |= !known;
        match facts.get_mut(&given.name) {
            Some(own) => inherit(own, given),
            None => {
                facts.insert(given.name.clone(), given);
            }
        }
    }
    unnamed
}

fn inherit(own: &mut Interface, given: Interface) {
    own.admin = own.admin.or(given.admin);
    own.description = own.description.take().or(given.description);
    own.mtu = own.mtu.or(given.mtu);
    own.bundle = own.bundle.take().or(given.bundle);
    own.l2 |= given.l2;
    if own.encapsulation == Encapsulation::default() {
        own.encapsulation = given.encapsulation;
    }
}

/// The port of a unit.
pub(super) fn parent_of(name: &str) -> Option<&str> {
    name.split_once('.').map(|(port, _)| port)
}

/// Whether a unit is there because somebody configured it: the system makes
/// units of its own from 16383 on, and interfaces for itself.
pub(super) fn is_users(name: &str) -> bool {
    let Some((port, unit)) = name.split_once('.') else { return false };
    let families = ["ge-", "xe-", "et-", "mge-", "fe-", "ae", "reth", "irb"];
    unit.parse::<u32>().is_ok_and(|unit| unit < 16_383)
        && families.iter().any(|family| port.starts_with(family))
}

fn bridge_domains(config: &Config<'_>, interfaces: &[Interface]) -> Vec<BridgeDomain> {
    let mut all: BTreeMap<String, BridgeDomain> = BTreeMap::new();
    let named = |name: String| BridgeDomain {
        name,
        admin: None,
        description: None,
        interfaces: Vec::new(),
        router_interface: None,
    };
    // The VLANs of the default switch are VLANs; all else is a bridge domain.
    for domain in config.domains.iter().filter(|d| !d.is_vlan || d.instance.is_some()) {
        let name = domain_name(config, domain);
        let fact = all.entry(name.clone()).or_insert_with(|| named(name));
        fact.description = domain.description.map(unquoted);
        fact.router_interface = domain.router.map(str::to_owned);
        fact.interfaces.extend(domain.members.iter().map(|name| (*name).to_owned()));
    }
    for instance in config.instances.iter().filter(|i| kind_of(i) == Some(ServiceKind::BridgeDomain)) {
        let fact = all.entry(instance.name.to_owned()).or_insert_with(|| named(instance.name.to_owned()));
        fact.description = instance.description.map(unquoted);
        fact.interfaces.extend(instance.members.iter().map(|name| (*name).to_owned()));
    }
    // Ports of a switch are in the domain of each of their ids.
    let mut by_id: HashMap<&str, Vec<&Domain<'_>>> = HashMap::new();
    for domain in config.domains.iter().filter(|d| !d.is_vlan && d.instance.is_none()) {
        if let [id] = domain.ids[..] {
            by_id.entry(id).or_default().push(domain);
        }
    }
    if !by_id.is_empty() {
        for (port, id) in carried(interfaces) {
            for domain in by_id.get(id.to_string().as_str()).into_iter().flatten() {
                if let Some(fact) = all.get_mut(domain.name) {
                    fact.interfaces.push(port.to_owned());
                }
            }
        }
    }
    let mut all: Vec<BridgeDomain> = all.into_values().collect();
    for domain in &mut all {
        domain.interfaces.sort_unstable();
        domain.interfaces.dedup();
    }
    all
}

/// Each port of a switch with each VLAN id that it carries by name or number;
/// one that carries (nearly) all is in none of these lists.
fn carried(interfaces: &[Interface]) -> impl Iterator<Item = (&str, u16)> {
    let switched = interfaces.iter().filter(|port| {
        port.l2
            && matches!(port.encapsulation.kind, EncapsulationKind::Untagged | EncapsulationKind::Range)
            && port.encapsulation.inner.is_none()
            && port.service.is_none()
    });
    switched.flat_map(|port| {
        let ids = port.encapsulation.outer.as_deref().map_or_else(Vec::new, ids_of);
        ids.into_iter().map(|id| (port.name.as_str(), id))
    })
}

/// The ids of canonical tags; empty when there are too many to list.
fn ids_of(tags: &str) -> Vec<u16> {
    let ranges = tags.split(',').filter_map(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        Some((low.parse::<u16>().ok()?, high.parse::<u16>().ok()?))
    });
    let count: u32 = ranges.clone().map(|(low, high)| u32::from(high.saturating_sub(low)) + 1).sum();
    if count > u32::from(MOST_LISTED) {
        return Vec::new();
    }
    ranges.flat_map(|(low, high)| low..=high).collect()
}

fn vlans(config: &Config<'_>, evidence: &Evidence<'_>, interfaces: &[Interface]) -> Vec<Vlan> {
    let mut all: BTreeMap<u16, (Option<&str>, HashSet<&str>)> = BTreeMap::new();
    // Two names for one id: the order of the text says nothing, the first by name wins.
    for domain in config.domains.iter().filter(|d| d.is_vlan && d.instance.is_none()) {
        let ids: Vec<&str> = domain.ids.iter().copied().filter(|id| values::is_tags(id)).collect();
        let Some(tags) = values::tags(&ids) else { continue };
        for id in all_ids(&tags) {
            let entry = all.entry(id).or_default();
            entry.0 = Some(entry.0.map_or(domain.name, |known| known.min(domain.name)));
            entry.1.extend(domain.members.iter().copied());
        }
    }
    if all.is_empty() && !evidence.all_known {
        for vlan in &evidence.vlans {
            let entry = all.entry(vlan.id).or_default();
            entry.0 = Some(entry.0.map_or(vlan.name, |known| known.min(vlan.name)));
            entry.1.extend(vlan.members.iter().copied());
        }
    }
    if !all.is_empty() {
        for (port, id) in carried(interfaces) {
            if let Some(entry) = all.get_mut(&id) {
                entry.1.insert(port);
            }
        }
    }
    all.into_iter()
        .map(|(id, (name, members))| {
            let mut interfaces: Vec<String> = members.into_iter().map(str::to_owned).collect();
            interfaces.sort_unstable();
            Vlan { id, name: name.map(str::to_owned), interfaces }
        })
        .collect()
}

/// The ids of a VLAN that is one or a list: each is a VLAN of its own.
fn all_ids(tags: &str) -> impl Iterator<Item = u16> {
    tags.split(',')
        .filter_map(|part| {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            Some((low.parse::<u16>().ok()?, high.parse::<u16>().ok()?))
        })
        .flat_map(|(low, high)| low..=high)
        .filter(|id| (1..=4_094).contains(id))
}
