//! Configuration + what is seen → facts.
//!
//! The configuration wins for VLANs, service, description and bundle. The
//! table adds what is observed (state, MTU) and the ports that no
//! configuration names. A port's service is the one whose block lists it; the
//! member lists of bridge domains and services are derived from that.

use std::collections::{BTreeMap, HashMap};

use crate::model::{
    BridgeDomain, EncapsulationKind, Interface, Scope, Service, ServiceKind, ServiceRef, Vlan,
};

use super::config::{Config, Port};
use super::parent_of;
use super::table::Seen;

/// What was read of one device, and how much of each part.
#[derive(Debug, Default)]
pub(super) struct Evidence<'t> {
    pub(super) config: Config<'t>,
    pub(super) seen: Vec<Seen<'t>>,
    /// What the configuration does not list is not configured.
    pub(super) ports_known: bool,
    /// The configuration of all ports was read.
    pub(super) all_ports: bool,
    /// An interface that no service lists is in none.
    pub(super) services_known: bool,
    /// There is some configuration of services, perhaps not all of it.
    pub(super) services_seen: bool,
}

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
pub(super) fn join(evidence: &Evidence<'_>, scope: &Scope) -> Facts {
    let interfaces = interfaces(evidence);
    match scope {
        Scope::Device => {
            let (bridge_domains, services) = if evidence.services_seen {
                configured_services(&evidence.config)
            } else {
                shown_services(&interfaces)
            };
            let vlans = vlans(&interfaces);
            Facts { interfaces, bridge_domains, services, vlans }
        }
        Scope::Interface(name) => Facts {
            interfaces: interfaces.into_iter().filter(|port| port.name == *name).collect(),
            ..Facts::default()
        },
        Scope::BridgeDomain(name) => {
            let (mut bridge_domains, _) = configured_services(&evidence.config);
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

fn interfaces(evidence: &Evidence<'_>) -> Vec<Interface> {
    let config = &evidence.config;
    let seen: HashMap<&str, &Seen<'_>> = evidence.seen.iter().map(|row| (row.name, row)).collect();
    let mut service: HashMap<&str, (ServiceKind, &str)> = HashMap::new();
    for instance in config.instances.iter().filter(|instance| !is_default(instance.kind, instance.name)) {
        for member in &instance.members {
            service.entry(member).or_insert((instance.kind, instance.name));
        }
    }
    // A bare port may be a member without settings of its own. Another member of
    // which nothing else is known is no fact: nobody read its VLAN.
    let instances = config.instances.iter().filter(|_| evidence.all_ports);
    let listed = instances
        .flat_map(|instance| instance.members.iter().copied())
        .filter(|name| parent_of(name).is_none());
    // Each name once, with its configuration if there is one.
    let mut names: Vec<(&str, Option<&Port<'_>>)> =
        Vec::with_capacity(config.ports.len() + evidence.seen.len());
    names.extend(config.ports.iter().map(|port| (port.name, Some(port))));
    names.extend(listed.chain(seen.keys().copied()).map(|name| (name, None)));
    names.sort_unstable_by(|a, b| a.0.cmp(b.0).then(b.1.is_some().cmp(&a.1.is_some())));
    names.dedup_by(|a, b| a.0 == b.0);

    names
        .into_iter()
        .map(|(name, port)| {
            let row = seen.get(name).copied();
            let member = service.get(name);
            let mut fact = Interface::named(name);
            fact.parent = parent_of(name).map(str::to_owned);
            if let Some(row) = row {
                fact.as_printed = row.printed.map(str::to_owned).into_iter().collect();
                fact.oper = row.oper;
                fact.mtu = row.mtu;
                fact.admin = row.admin;
            }
            if let Some(port) = port {
                fact.admin = port.admin.or(fact.admin);
                fact.mtu = fact.mtu.or(port.mtu);
                fact.description.clone_from(&port.description);
                fact.bundle.clone_from(&port.bundle);
                fact.l2 = port.l2;
                fact.encapsulation = port.encapsulation.clone();
            } else {
                fact.configured = member.is_some();
                if let Some(row) = row {
                    fact.description.clone_from(&row.description);
                    fact.bundle.clone_from(&row.bundle);
                    fact.l2 = row.l2;
                    fact.encapsulation = row.encapsulation.clone();
                    fact.configured |= !evidence.ports_known && cannot_exist_unconfigured(row);
                }
            }
            fact.service = match member {
                Some((kind, name)) => Some(ServiceRef { kind: *kind, name: (*name).to_owned() }),
                None if evidence.services_known => None,
                None => row.and_then(|row| row.service.clone()),
            };
            fact
        })
        .collect()
}

/// Whether a row alone proves a configuration: only bare ports are there by themselves.
fn cannot_exist_unconfigured(row: &Seen<'_>) -> bool {
    !row.name.starts_with("ge")
        || parent_of(row.name).is_some()
        || row.l2
        || row.bundle.is_some()
        || row.service.is_some()
}

/// The VRF that everything is in unless it is in another one is no service.
fn is_default(kind: ServiceKind, name: &str) -> bool {
    kind == ServiceKind::Vrf && name == "default"
}

fn configured_services(config: &Config<'_>) -> (Vec<BridgeDomain>, Vec<Service>) {
    let mut bridge_domains = Vec::new();
    let mut services = Vec::new();
    for instance in config.instances.iter().filter(|instance| !is_default(instance.kind, instance.name)) {
        let mut members: Vec<String> = instance.members.iter().map(|name| (*name).to_owned()).collect();
        members.sort_unstable();
        members.dedup();
        if instance.kind == ServiceKind::BridgeDomain {
            bridge_domains.push(BridgeDomain {
                name: instance.name.to_owned(),
                admin: instance.admin,
                description: instance.description.clone(),
                interfaces: members,
                router_interface: instance.router_interface.map(str::to_owned),
            });
        } else {
            let mut neighbors = instance.neighbors.clone();
            neighbors.sort();
            neighbors.dedup();
            let (kind, name) = (instance.kind, instance.name.to_owned());
            services.push(Service { kind, name, interfaces: members, neighbors });
        }
    }
    sorted(bridge_domains, services)
}

/// The services that the table alone shows.
fn shown_services(interfaces: &[Interface]) -> (Vec<BridgeDomain>, Vec<Service>) {
    let mut members: BTreeMap<&ServiceRef, Vec<String>> = BTreeMap::new();
    for port in interfaces {
        if let Some(service) = &port.service {
            members.entry(service).or_default().push(port.name.clone());
        }
    }
    let mut bridge_domains = Vec::new();
    let mut services = Vec::new();
    for (service, interfaces) in members {
        let name = service.name.clone();
        if service.kind == ServiceKind::BridgeDomain {
            bridge_domains.push(BridgeDomain {
                name,
                admin: None,
                description: None,
                interfaces,
                router_interface: None,
            });
        } else {
            services.push(Service { kind: service.kind, name, interfaces, neighbors: Vec::new() });
        }
    }
    sorted(bridge_domains, services)
}

fn sorted(
    mut bridge_domains: Vec<BridgeDomain>,
    mut services: Vec<Service>,
) -> (Vec<BridgeDomain>, Vec<Service>) {
    bridge_domains.sort_by(|a, b| a.name.cmp(&b.name));
    services.sort_by(|a, b| (a.kind.as_str(), &a.name).cmp(&(b.kind.as_str(), &b.name)));
    (bridge_domains, services)
}

/// DNOS has no VLANs of its own: an id is there while a sub-interface takes it
/// as its one outer tag. Lists are left out, because a list of four thousand
/// ids is one setting and not four thousand things.
fn vlans(interfaces: &[Interface]) -> Vec<Vlan> {
    let mut members: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for port in interfaces {
        if matches!(port.encapsulation.kind, EncapsulationKind::Dot1q | EncapsulationKind::Qinq)
            && let Some(id) = port.encapsulation.outer.as_deref().and_then(|tag| tag.parse().ok())
        {
            members.entry(id).or_default().push(port.name.clone());
        }
    }
    members.into_iter().map(|(id, interfaces)| Vlan { id, name: None, interfaces }).collect()
}
