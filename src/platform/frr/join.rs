//! Configuration + what the kernel has → facts.
//!
//! The configuration wins for descriptions and `shutdown`; the kernel is the
//! only one to know VLANs, bridges and bonds. A VLAN on a VLAN is `QinQ`: the
//! lower device's id is the outer tag.

use std::collections::{HashMap, HashSet};

use crate::model::{
    AdminState, BridgeDomain, Encapsulation, EncapsulationKind, Interface, Scope, Service, ServiceKind,
    ServiceRef, Vlan,
};
use crate::platform::derived;

use super::config::Config;
use super::table::Seen;

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) interfaces: Vec<Interface>,
    pub(super) bridge_domains: Vec<BridgeDomain>,
    pub(super) services: Vec<Service>,
    pub(super) vlans: Vec<Vlan>,
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        self.interfaces.is_empty() && self.bridge_domains.is_empty() && self.services.is_empty()
    }
}

/// The facts of `scope`, each list sorted by its key.
pub(super) fn join(config: &Config<'_>, seen: &[Seen<'_>], scope: &Scope) -> Facts {
    let interfaces = interfaces(config, seen);
    match scope {
        Scope::Device => {
            let bridge_domains = bridge_domains(seen, &interfaces);
            let services = services(config, seen, &interfaces);
            let vlans = derived::vlans(&interfaces);
            Facts { interfaces, bridge_domains, services, vlans }
        }
        Scope::Interface(name) => Facts {
            interfaces: interfaces.into_iter().filter(|port| port.name == *name).collect(),
            ..Facts::default()
        },
        Scope::BridgeDomain(name) => {
            let mut bridge_domains = bridge_domains(seen, &interfaces);
            bridge_domains.retain(|domain| domain.name == *name);
            let is_member = |port: &Interface| {
                port.service.as_ref().is_some_and(|s| s.kind == ServiceKind::BridgeDomain && s.name == *name)
            };
            let interfaces = interfaces.into_iter().filter(is_member).collect();
            Facts { interfaces, bridge_domains, ..Facts::default() }
        }
    }
}

fn interfaces(config: &Config<'_>, seen: &[Seen<'_>]) -> Vec<Interface> {
    let by_name: HashMap<&str, &Seen<'_>> = seen.iter().map(|block| (block.name, block)).collect();
    let mut vpls: HashMap<&str, &str> = HashMap::new();
    for service in &config.vpls {
        for member in &service.members {
            vpls.entry(member).or_insert(service.name);
        }
    }
    let mut names: Vec<&str> = by_name.keys().copied().collect();
    names.extend(config.ports.iter().map(|port| port.name).filter(|name| !by_name.contains_key(name)));
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| {
            let block = by_name.get(name).copied();
            let port = config.port_named(name);
            let mut fact = Interface::named(name);
            if let Some(block) = block {
                kernel(&mut fact, block, &by_name);
            }
            if let Some(port) = port {
                fact.description = port.description.map(str::to_owned).or(fact.description);
                if port.shutdown {
                    fact.admin = Some(AdminState::Down);
                }
            }
            let member = vpls.get(name);
            fact.configured = port.is_some() || member.is_some() || block.is_some_and(is_made);
            fact.l2 |= member.is_some();
            if let Some(name) = member {
                fact.service = Some(ServiceRef { kind: ServiceKind::Vpls, name: (*name).to_owned() });
            }
            fact
        })
        .collect()
}

/// What the kernel says of an interface.
fn kernel(fact: &mut Interface, block: &Seen<'_>, by_name: &HashMap<&str, &Seen<'_>>) {
    fact.admin = block.admin;
    fact.oper = block.oper;
    fact.mtu = block.mtu;
    fact.description = block.description.or(block.os_description).map(str::to_owned);
    // Of a veth it is the other end of the wire, and no parent.
    if !block.is_kind("veth") {
        fact.parent = block.parent.map(str::to_owned);
    }
    if let Some(id) = block.vlan {
        let below = block.parent.and_then(|parent| by_name.get(parent)).and_then(|parent| parent.vlan);
        let (kind, outer, inner) = match below {
            Some(outer) => (EncapsulationKind::Qinq, outer, Some(id.to_owned())),
            None => (EncapsulationKind::Dot1q, id, None),
        };
        fact.encapsulation = Encapsulation { kind, outer: Some(outer.to_owned()), inner, tpid: None };
    }
    let is_slave = |kind: &str| block.slave.is_some_and(|slave| slave.eq_ignore_ascii_case(kind));
    if is_slave("bond") {
        fact.bundle = block.master.map(str::to_owned);
    } else if is_slave("bridge") {
        fact.l2 = true;
        fact.service =
            block.master.map(|name| ServiceRef { kind: ServiceKind::BridgeDomain, name: name.to_owned() });
    } else if let Some(vrf) = block.vrf.filter(|vrf| *vrf != "default" && *vrf != block.name) {
        fact.service = Some(ServiceRef { kind: ServiceKind::Vrf, name: vrf.to_owned() });
    }
}

/// Whether somebody made this interface, or put it somewhere: only bare ports
/// and the loopback are there by themselves.
fn is_made(block: &Seen<'_>) -> bool {
    block.kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("other"))
        || block.slave.is_some_and(|kind| !kind.eq_ignore_ascii_case("none"))
        || block.os_description.is_some()
}

fn bridge_domains(seen: &[Seen<'_>], interfaces: &[Interface]) -> Vec<BridgeDomain> {
    let bridges: HashSet<&str> =
        seen.iter().filter(|block| block.is_kind("bridge")).map(|block| block.name).collect();
    let members = derived::members(interfaces);
    interfaces
        .iter()
        .filter(|port| bridges.contains(port.name.as_str()))
        .map(|port| {
            let service = ServiceRef { kind: ServiceKind::BridgeDomain, name: port.name.clone() };
            BridgeDomain {
                name: service.name.clone(),
                admin: port.admin,
                description: port.description.clone(),
                interfaces: members.get(&service).cloned().unwrap_or_default(),
                router_interface: None,
            }
        })
        .collect()
}

fn services(config: &Config<'_>, seen: &[Seen<'_>], interfaces: &[Interface]) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for vpls in &config.vpls {
        let mut members: Vec<String> = vpls.members.iter().map(|name| (*name).to_owned()).collect();
        members.sort_unstable();
        members.dedup();
        let mut neighbors = vpls.neighbors.clone();
        neighbors.retain(|neighbor| !neighbor.address.is_empty());
        neighbors.sort();
        neighbors.dedup();
        services.push(Service {
            kind: ServiceKind::Vpls,
            name: vpls.name.to_owned(),
            interfaces: members,
            neighbors,
        });
    }
    let mut vrfs: Vec<&str> = config.vrfs.clone();
    vrfs.extend(seen.iter().filter(|block| block.is_kind("vrf")).map(|block| block.name));
    vrfs.extend(seen.iter().filter_map(|block| block.vrf));
    vrfs.sort_unstable();
    vrfs.dedup();
    let members = derived::members(interfaces);
    for name in vrfs.into_iter().filter(|name| *name != "default") {
        let service = ServiceRef { kind: ServiceKind::Vrf, name: name.to_owned() };
        let interfaces = members.get(&service).cloned().unwrap_or_default();
        services.push(Service { kind: service.kind, name: service.name, interfaces, neighbors: Vec::new() });
    }
    // Remote ends of an EVPN are found by BGP: only the id is configured.
    for block in seen.iter().filter(|_| config.evpn) {
        if let Some(vni) = block.vni {
            services.push(Service {
                kind: ServiceKind::Evpn,
                name: vni.to_owned(),
                interfaces: vec![block.name.to_owned()],
                neighbors: Vec::new(),
            });
        }
    }
    services.sort_by(|a, b| (a.kind.as_str(), &a.name).cmp(&(b.kind.as_str(), &b.name)));
    services.dedup_by(|a, b| a.kind == b.kind && a.name == b.name);
    services
}
