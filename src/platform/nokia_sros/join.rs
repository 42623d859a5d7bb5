//! Configuration + tables → facts.
//!
//! A SAP is an interface: its name is its id, its port is its parent. A SAP
//! without tags is the port itself. Ports, LAGs and services are down unless
//! they are enabled, SAPs and routed interfaces are up unless they are
//! disabled: these are the defaults of both CLIs, which print them or not.
//!
//! IES is routing in the base router: its SAPs have no service. Routed
//! interfaces of a VPRN carry its name (`red/lan`), because each VPRN has names
//! of its own.

use std::collections::{BTreeMap, HashMap};

use crate::model::EncapsulationKind;
use crate::model::{
    AdminState, Encapsulation, Interface, Neighbor, Scope, Service, ServiceKind, ServiceRef, Vlan,
};
use crate::platform::curly::unquoted;

use super::config::{self, Config};
use super::sap;
use super::table::Seen;

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) interfaces: Vec<Interface>,
    pub(super) services: Vec<Service>,
    pub(super) vlans: Vec<Vlan>,
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        self.interfaces.is_empty() && self.services.is_empty()
    }
}

/// The facts of `scope`, each list sorted by its key. `known`: the
/// configuration was read, so what it does not name is not configured.
pub(super) fn join(config: &Config<'_>, seen: &Seen<'_>, known: bool, scope: &Scope) -> Facts {
    let mut facts = Builder { config, seen, known, all: BTreeMap::new() };
    facts.configured();
    facts.shown();
    let interfaces: Vec<Interface> = facts.all.into_values().collect();
    let services = services(config, seen, &interfaces);
    match scope {
        Scope::Device => {
            let vlans = vlans(&interfaces);
            Facts { interfaces, services, vlans }
        }
        Scope::Interface(name) => Facts {
            interfaces: interfaces.into_iter().filter(|port| port.name == *name).collect(),
            ..Facts::default()
        },
        // A VPLS is what others call a bridge domain.
        Scope::BridgeDomain(name) => {
            let is_it = |kind: ServiceKind, of: &str| kind == ServiceKind::Vpls && of == name;
            Facts {
                interfaces: interfaces
                    .into_iter()
                    .filter(|port| port.service.as_ref().is_some_and(|s| is_it(s.kind, &s.name)))
                    .collect(),
                services: services.into_iter().filter(|s| is_it(s.kind, &s.name)).collect(),
                ..Facts::default()
            }
        }
    }
}

struct Builder<'c, 't> {
    config: &'c Config<'t>,
    seen: &'c Seen<'t>,
    known: bool,
    all: BTreeMap<String, Interface>,
}

fn reference(service: &config::Service<'_>) -> Option<ServiceRef> {
    Some(ServiceRef { kind: service.kind?, name: service.title().to_owned() })
}

fn routed_name(config: &Config<'_>, routed: &config::Routed<'_>) -> String {
    match routed.service.map(|at| &config.services[at]) {
        Some(service) if service.kind == Some(ServiceKind::Vrf) => {
            format!("{}/{}", service.title(), routed.name)
        }
        _ => routed.name.to_owned(),
    }
}

impl Builder<'_, '_> {
    fn configured(&mut self) {
        for port in &self.config.ports {
            let mut fact = Interface::named(port.name.clone());
            fact.admin = port.admin.or(Some(AdminState::Down));
            fact.description = port.description.map(unquoted);
            fact.mtu = port.mtu;
            fact.bundle.clone_from(&port.bundle);
            self.all.insert(port.name.clone(), fact);
        }
        for sap in &self.config.saps {
            let service = &self.config.services[sap.service];
            let mut fact = made(sap.id);
            fact.l2 = sap.l2;
            fact.service = reference(service);
            let own = Some(sap.admin.unwrap_or(AdminState::Up));
            if let Some(port) = self.all.get_mut(sap.id) {
                // The port itself is the access point.
                port.l2 = fact.l2;
                port.service = fact.service;
            } else {
                fact.admin = own;
                fact.description = sap.description.map(unquoted);
                self.all.insert(sap.id.to_owned(), fact);
            }
        }
        for routed in &self.config.routed {
            let mut fact = Interface::named(routed_name(self.config, routed));
            fact.admin = routed.admin.or(Some(AdminState::Up));
            fact.description = routed.description.map(unquoted);
            fact.service = routed.service.and_then(|at| reference(&self.config.services[at]));
            place(&mut fact, routed.port, routed.is_sap);
            self.all.entry(fact.name.clone()).or_insert(fact);
        }
    }

    fn shown(&mut self) {
        for row in &self.seen.ports {
            let known = self.known;
            let fact = self.all.entry(row.name.clone()).or_insert_with(|| {
                let mut fact = Interface::named(row.name.clone());
                // A port is there by itself; a LAG is not.
                fact.configured = !known && row.name.starts_with("lag-");
                fact
            });
            if let Some(printed) = row.printed
                && !fact.as_printed.iter().any(|known| known == printed)
            {
                fact.as_printed.push(printed.to_owned());
            }
            fact.oper = row.oper.or(fact.oper);
            fact.mtu = row.mtu.or(fact.mtu);
            fact.admin = fact.admin.or(row.admin);
            if !known {
                fact.description = fact.description.take().or_else(|| row.description.map(str::to_owned));
                fact.bundle = fact.bundle.take().or_else(|| row.bundle.clone());
                fact.configured |= fact.bundle.is_some();
            }
        }
        let types: HashMap<&str, Option<ServiceRef>> = self
            .seen
            .services
            .iter()
            .map(|row| {
                let name = row.name.unwrap_or(row.id).to_owned();
                (row.id, row.kind.map(|kind| ServiceRef { kind, name }))
            })
            .collect();
        for row in &self.seen.saps {
            let known = self.known;
            let fact = self.all.entry(row.id.to_owned()).or_insert_with(|| {
                let mut fact = made(row.id);
                fact.configured = !known;
                fact
            });
            fact.oper = row.oper;
            fact.admin = fact.admin.or(row.admin);
            if !known && fact.service.is_none() {
                fact.service = types.get(row.service).cloned().flatten();
                fact.l2 = fact.service.as_ref().is_some_and(|s| s.kind != ServiceKind::Vrf);
            }
        }
        for row in &self.seen.routed {
            let service = row.service.and_then(|id| {
                let title = self.config.service_of_id(id).map(|s| s.title().to_owned());
                title
                    .or_else(|| types.get(id).cloned().flatten().map(|s| s.name))
                    .or_else(|| Some(id.to_owned()))
            });
            let name =
                service.map_or_else(|| row.name.to_owned(), |service| format!("{service}/{}", row.name));
            let known = self.known;
            let fact = self.all.entry(name.clone()).or_insert_with(|| {
                let mut fact = Interface::named(name);
                fact.configured = !known;
                place(&mut fact, row.port, false);
                fact
            });
            if fact.name != row.name && !fact.as_printed.iter().any(|known| known == row.name) {
                fact.as_printed.push(row.name.to_owned());
            }
            fact.oper = row.oper;
            fact.admin = fact.admin.or(row.admin);
        }
    }
}

/// The interface that a SAP is.
fn made(id: &str) -> Interface {
    let mut fact = Interface::named(id);
    if let Some((port, encapsulation)) = sap::parse(id)
        && port != id
    {
        fact.parent = Some(port.to_owned());
        fact.encapsulation = encapsulation;
    }
    fact
}

/// Where a routed interface stands. Its SAP has the tags; a network interface
/// has them itself.
fn place(fact: &mut Interface, port: Option<&str>, is_sap: bool) {
    let Some(id) = port else { return };
    if is_sap {
        fact.parent = Some(id.to_owned());
    } else if let Some((port, encapsulation)) = sap::parse(id) {
        fact.parent = Some(port.to_owned());
        fact.encapsulation = encapsulation;
    }
}

fn services(config: &Config<'_>, seen: &Seen<'_>, interfaces: &[Interface]) -> Vec<Service> {
    let mut all: BTreeMap<(&str, String), Service> = BTreeMap::new();
    let mut put = |kind: ServiceKind, name: &str, neighbors: Vec<Neighbor>| {
        all.entry((kind.as_str(), name.to_owned())).or_insert_with(|| Service {
            kind,
            name: name.to_owned(),
            interfaces: Vec::new(),
            neighbors,
        });
    };
    for service in &config.services {
        let Some(kind) = service.kind else { continue };
        let mut neighbors: Vec<Neighbor> =
            service.bindings.iter().map(|binding| far_end(config, binding)).collect();
        if let (Some(local), Some(remote)) = service.ends {
            let id = Some(format!("{local}:{remote}"));
            neighbors.push(Neighbor { address: "eth-tag".to_owned(), id });
        }
        neighbors.sort();
        neighbors.dedup();
        put(kind, service.title(), neighbors);
    }
    if config.services.is_empty() {
        for row in &seen.services {
            if let Some(kind) = row.kind {
                put(kind, row.name.unwrap_or(row.id), Vec::new());
            }
        }
    }
    for port in interfaces {
        if let Some(service) = &port.service
            && let Some(of) = all.get_mut(&(service.kind.as_str(), service.name.clone()))
        {
            of.interfaces.push(port.name.clone());
        }
    }
    all.into_values().collect()
}

/// `10:100`: the far end of SDP 10, and the virtual circuit.
fn far_end(config: &Config<'_>, binding: &str) -> Neighbor {
    let (sdp, circuit) = binding.split_once(':').map_or((binding, None), |(sdp, id)| (sdp, Some(id)));
    let address = config.sdps.get(sdp).map_or_else(|| format!("sdp-{sdp}"), |address| (*address).to_owned());
    Neighbor { address, id: circuit.map(str::to_owned) }
}

/// SR OS has no VLANs of its own: an id is there while a SAP takes it as its
/// one outer tag. Ranges are left out.
fn vlans(interfaces: &[Interface]) -> Vec<Vlan> {
    let mut members: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for port in interfaces {
        let Encapsulation { kind, outer, .. } = &port.encapsulation;
        if matches!(kind, EncapsulationKind::Dot1q | EncapsulationKind::Qinq)
            && let Some(id) = outer.as_deref().and_then(|tag| tag.parse().ok())
        {
            members.entry(id).or_default().push(port.name.clone());
        }
    }
    members.into_iter().map(|(id, interfaces)| Vlan { id, name: None, interfaces }).collect()
}
