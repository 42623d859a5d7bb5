//! Links + VLANs of bridge ports → facts.

use std::collections::{HashMap, HashSet};

use crate::model::{
    BridgeDomain, Encapsulation, EncapsulationKind, Interface, Scope, Service, ServiceKind, ServiceRef, Vlan,
};
use crate::platform::derived;

use super::links::Link;
use super::vlans::PortVlans;

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) interfaces: Vec<Interface>,
    pub(super) bridge_domains: Vec<BridgeDomain>,
    pub(super) services: Vec<Service>,
    pub(super) vlans: Vec<Vlan>,
}

/// The facts of `scope`, each list sorted by its key. `alone`: only `bridge`
/// was asked, so every port that it lists is one of a bridge that filters.
pub(super) fn join(
    links: &[Link<'_>],
    vlans: &HashMap<String, PortVlans>,
    alone: bool,
    scope: &Scope,
) -> Facts {
    let interfaces = interfaces(links, vlans, alone);
    match scope {
        Scope::Device => {
            let bridge_domains = bridge_domains(links, &interfaces);
            let services = vrfs(links, &interfaces);
            let vlans = derived::vlans(&interfaces);
            Facts { interfaces, bridge_domains, services, vlans }
        }
        Scope::Interface(name) => Facts {
            interfaces: interfaces.into_iter().filter(|port| port.name == *name).collect(),
            ..Facts::default()
        },
        Scope::BridgeDomain(name) => {
            let mut bridge_domains = bridge_domains(links, &interfaces);
            bridge_domains.retain(|domain| domain.name == *name);
            let is_member = |port: &Interface| {
                port.service.as_ref().is_some_and(|s| s.kind == ServiceKind::BridgeDomain && s.name == *name)
            };
            let interfaces = interfaces.into_iter().filter(is_member).collect();
            Facts { interfaces, bridge_domains, ..Facts::default() }
        }
    }
}

fn interfaces(links: &[Link<'_>], vlans: &HashMap<String, PortVlans>, alone: bool) -> Vec<Interface> {
    let by_name: HashMap<&str, &Link<'_>> = links.iter().map(|link| (link.name.as_ref(), link)).collect();
    let filtering: HashSet<&str> =
        links.iter().filter(|link| link.filters).map(|link| link.name.as_ref()).collect();
    let mut facts: Vec<Interface> = links
        .iter()
        .map(|link| {
            let mut fact = Interface::named(link.name.as_ref());
            let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
            fact.as_printed = owned(&link.printed).into_iter().collect();
            fact.admin = link.admin;
            fact.oper = link.oper;
            fact.mtu = link.mtu;
            fact.description = owned(&link.alias);
            // Of a veth it is the other end of the wire, and no parent.
            if !link.is_kind("veth") {
                fact.parent = owned(&link.lower);
            }
            if let Some(encapsulation) = tags(link, &by_name) {
                fact.encapsulation = encapsulation;
            }
            if let Some(master) = link.master.as_deref() {
                let is_master = |kind: &str| by_name.get(master).is_some_and(|link| link.is_kind(kind));
                if link.is_slave("bond") || link.is_slave("team") || is_master("bond") || is_master("team") {
                    fact.bundle = Some(master.to_owned());
                } else if link.is_slave("vrf") || is_master("vrf") {
                    fact.service = Some(ServiceRef { kind: ServiceKind::Vrf, name: master.to_owned() });
                } else if link.is_slave("bridge") || is_master("bridge") {
                    fact.l2 = true;
                    fact.service =
                        Some(ServiceRef { kind: ServiceKind::BridgeDomain, name: master.to_owned() });
                    // A VLAN device takes its own tag off before the bridge sees the frame.
                    if filtering.contains(master)
                        && link.vlan.is_none()
                        && let Some(encapsulation) =
                            vlans.get(link.name.as_ref()).and_then(PortVlans::encapsulation)
                    {
                        fact.encapsulation = encapsulation;
                    }
                }
            }
            if alone {
                fact.l2 = true;
                let bridge = link.master.as_deref();
                fact.service =
                    bridge.map(|name| ServiceRef { kind: ServiceKind::BridgeDomain, name: name.to_owned() });
                if let Some(encapsulation) = vlans.get(link.name.as_ref()).and_then(PortVlans::encapsulation)
                {
                    fact.encapsulation = encapsulation;
                }
            }
            // Cards and the loopback are there by themselves.
            fact.configured = !link.loopback
                && (alone
                    || link.kind.is_some()
                    || link.master.is_some()
                    || link.alias.is_some()
                    || link.lower.is_some());
            fact
        })
        .collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    facts.dedup_by(|a, b| a.name == b.name);
    facts
}

/// The tag of a VLAN device; on another one, that one's is the outer tag.
fn tags(link: &Link<'_>, by_name: &HashMap<&str, &Link<'_>>) -> Option<Encapsulation> {
    let tag = link.vlan?;
    let below = link.lower.as_deref().and_then(|name| by_name.get(name)).and_then(|lower| lower.vlan);
    let (kind, outer, inner) = match below {
        Some(outer) => (EncapsulationKind::Qinq, outer, Some(tag.id.to_string())),
        None => (EncapsulationKind::Dot1q, tag, None),
    };
    let tpid = outer.outer.then(|| "0x88a8".to_owned());
    Some(Encapsulation { kind, outer: Some(outer.id.to_string()), inner, tpid })
}

fn bridge_domains(links: &[Link<'_>], interfaces: &[Interface]) -> Vec<BridgeDomain> {
    let bridges: HashSet<&str> =
        links.iter().filter(|link| link.is_kind("bridge")).map(|link| link.name.as_ref()).collect();
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

fn vrfs(links: &[Link<'_>], interfaces: &[Interface]) -> Vec<Service> {
    let members = derived::members(interfaces);
    let mut services: Vec<Service> = links
        .iter()
        .filter(|link| link.is_kind("vrf"))
        .map(|link| {
            let service = ServiceRef { kind: ServiceKind::Vrf, name: link.name.as_ref().to_owned() };
            let interfaces = members.get(&service).cloned().unwrap_or_default();
            Service { kind: service.kind, name: service.name, interfaces, neighbors: Vec::new() }
        })
        .collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}
