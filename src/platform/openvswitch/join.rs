//! Rows → facts. A port with a tag and no trunks is an access port; with
//! trunks it takes these; with neither it takes every VLAN, and nothing is
//! configured. A port of several interfaces is a bond.

use std::collections::HashMap;

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{
    AdminState, BridgeDomain, Encapsulation, EncapsulationKind, Interface, OperState, Scope, ServiceKind,
    ServiceRef, Vlan,
};
use crate::platform::derived;

use super::rows::Cell;

/// The tables of one database, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Rows<'t> {
    pub(super) bridges: Vec<Bridge<'t>>,
    pub(super) ports: Vec<Port<'t>>,
    pub(super) interfaces: Vec<Device<'t>>,
}

#[derive(Debug)]
pub(super) struct Bridge<'t> {
    pub(super) name: Cell<'t>,
    pub(super) ports: Cell<'t>,
}

#[derive(Debug)]
pub(super) struct Port<'t> {
    pub(super) id: Cell<'t>,
    pub(super) name: Cell<'t>,
    pub(super) tag: Cell<'t>,
    pub(super) trunks: Cell<'t>,
    pub(super) mode: Cell<'t>,
    pub(super) interfaces: Cell<'t>,
}

#[derive(Debug)]
pub(super) struct Device<'t> {
    pub(super) id: Cell<'t>,
    pub(super) name: Cell<'t>,
    pub(super) admin: Cell<'t>,
    pub(super) link: Cell<'t>,
    pub(super) mtu: Cell<'t>,
}

#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) interfaces: Vec<Interface>,
    pub(super) bridge_domains: Vec<BridgeDomain>,
    pub(super) vlans: Vec<Vlan>,
    /// A tag that is none.
    pub(super) misread: bool,
}

/// The facts of `scope`, each list sorted by its key.
pub(super) fn join(rows: &Rows<'_>, scope: &Scope) -> Facts {
    let mut misread = false;
    let interfaces = interfaces(rows, &mut misread);
    let mut bridge_domains = bridge_domains(rows, &interfaces);
    match scope {
        Scope::Device => {
            let vlans = derived::vlans(&interfaces);
            Facts { interfaces, bridge_domains, vlans, misread }
        }
        Scope::Interface(name) => {
            let interfaces = interfaces.into_iter().filter(|port| port.name == *name).collect();
            Facts { interfaces, misread, ..Facts::default() }
        }
        Scope::BridgeDomain(name) => {
            bridge_domains.retain(|domain| domain.name == *name);
            let service = ServiceRef { kind: ServiceKind::BridgeDomain, name: name.clone() };
            let interfaces =
                interfaces.into_iter().filter(|port| port.service.as_ref() == Some(&service)).collect();
            Facts { interfaces, bridge_domains, misread, ..Facts::default() }
        }
    }
}

fn interfaces(rows: &Rows<'_>, misread: &mut bool) -> Vec<Interface> {
    let mut bridge_of: HashMap<&str, &str> = HashMap::new();
    for bridge in &rows.bridges {
        for id in bridge.ports.set().iter().filter_map(Cell::uuid) {
            bridge_of.insert(id, bridge.name.text().unwrap_or_default());
        }
    }
    let devices: HashMap<&str, &Device<'_>> =
        rows.interfaces.iter().filter_map(|device| Some((device.id.uuid()?, device))).collect();
    let mut facts: Vec<Interface> = Vec::with_capacity(rows.ports.len());
    for port in &rows.ports {
        let Some(name) = port.name.text() else { continue };
        let mut fact = Interface::named(name);
        fact.l2 = true;
        match encapsulation(port) {
            Some(encapsulation) => fact.encapsulation = encapsulation,
            None => *misread = true,
        }
        let bridge = port.id.uuid().and_then(|id| bridge_of.get(id)).copied();
        fact.service =
            bridge.map(|name| ServiceRef { kind: ServiceKind::BridgeDomain, name: name.to_owned() });
        // Each bridge has a port of its own name, whether anybody wants it or not.
        fact.configured = bridge != Some(name);
        let members: Vec<&Device<'_>> =
            port.interfaces.set().iter().filter_map(|id| devices.get(id.uuid()?).copied()).collect();
        match members.as_slice() {
            [device] => observe(&mut fact, device),
            members => {
                for device in members {
                    let Some(member) = device.name.text() else { continue };
                    let mut part = Interface::named(member);
                    part.bundle = Some(name.to_owned());
                    observe(&mut part, device);
                    facts.push(part);
                }
                let any = |state| members.iter().any(|device| device.admin.text() == Some(state));
                fact.admin = any("up").then_some(AdminState::Up).or(any("down").then_some(AdminState::Down));
            }
        }
        facts.push(fact);
    }
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    facts.dedup_by(|a, b| a.name == b.name);
    facts
}

fn observe(fact: &mut Interface, device: &Device<'_>) {
    fact.admin = match device.admin.text() {
        Some("up") => Some(AdminState::Up),
        Some("down") => Some(AdminState::Down),
        _ => None,
    };
    fact.oper = match device.link.text() {
        Some("up") => Some(OperState::Up),
        Some("down") => Some(OperState::Down),
        _ => None,
    };
    fact.mtu = device.mtu.number().and_then(|mtu| u32::try_from(mtu).ok());
}

/// How a port tags. `None`: a tag that is none.
fn encapsulation(port: &Port<'_>) -> Option<Encapsulation> {
    let tag = match &port.tag {
        Cell::Number(tag) => Some(u16::try_from(*tag).ok().filter(|tag| *tag <= 4_095)?),
        none if none.set().is_empty() => None,
        _ => return None,
    };
    let mut trunks: Vec<String> = Vec::new();
    for id in port.trunks.set() {
        trunks.push(id.number().filter(|id| (0..=4_095).contains(id))?.to_string());
    }
    let mode = port.mode.text();
    let access = mode == Some("access") || (mode.is_none() && trunks.is_empty());
    let (kind, outer) = match tag {
        // Frames of the customer go in as they are, with or without tags of theirs.
        Some(tag) if access || mode == Some("dot1q-tunnel") => {
            (EncapsulationKind::Untagged, Some(tag.to_string()))
        }
        // Native: one more VLAN, whose frames may have no tag.
        tag => {
            if !trunks.is_empty() && mode.is_some_and(|mode| mode.starts_with("native")) {
                trunks.extend(tag.map(|tag| tag.to_string()));
            }
            match canonical_tags(&trunks.join(",")) {
                Some(outer) if is_many(&outer) => (EncapsulationKind::Range, Some(outer)),
                Some(outer) => (EncapsulationKind::Dot1q, Some(outer)),
                None if tag.is_some() => (EncapsulationKind::Range, Some("0-4095".to_owned())),
                None => (EncapsulationKind::None, None),
            }
        }
    };
    Some(Encapsulation { kind, outer, inner: None, tpid: None })
}

fn bridge_domains(rows: &Rows<'_>, interfaces: &[Interface]) -> Vec<BridgeDomain> {
    let members = derived::members(interfaces);
    let mut domains: Vec<BridgeDomain> = rows
        .bridges
        .iter()
        .filter_map(|bridge| bridge.name.text())
        .map(|name| {
            let service = ServiceRef { kind: ServiceKind::BridgeDomain, name: name.to_owned() };
            BridgeDomain {
                name: service.name.clone(),
                admin: None,
                description: None,
                interfaces: members.get(&service).cloned().unwrap_or_default(),
                router_interface: None,
            }
        })
        .collect();
    domains.sort_by(|a, b| a.name.cmp(&b.name));
    domains
}
