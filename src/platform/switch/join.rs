//! Configuration + tables → facts. The configuration wins for what is
//! configured; tables add what is observed and what stands in for a setting
//! that is not written because it is the default.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::model::{
    AdminState, BridgeDomain, Encapsulation, EncapsulationKind, Interface, OperState, Scope, Service,
    ServiceKind, ServiceRef, Vlan,
};
use crate::platform::lines::parent_of;

use super::config::{Config, Port};
use super::vlan::VlanRow;
use super::{Family, family, vlan_ids};

/// What tables show of one interface. A field that no table says is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::platform) struct Seen<'t> {
    pub(in crate::platform) name: Cow<'t, str>,
    /// The name as the table writes it, if that is another form.
    pub(in crate::platform) printed: Option<&'t str>,
    pub(in crate::platform) admin: Option<AdminState>,
    pub(in crate::platform) oper: Option<OperState>,
    pub(in crate::platform) description: Option<String>,
    pub(in crate::platform) mtu: Option<u32>,
    pub(in crate::platform) bundle: Option<String>,
    pub(in crate::platform) switched: Option<bool>,
    pub(in crate::platform) tags: Option<Encapsulation>,
    /// From `show interface`, which shows every interface there is.
    pub(in crate::platform) whole: bool,
}

impl Seen<'_> {
    fn complement(&mut self, other: &Self) {
        self.printed = self.printed.or(other.printed);
        self.admin = self.admin.or(other.admin);
        self.oper = self.oper.or(other.oper);
        self.mtu = self.mtu.or(other.mtu);
        self.switched = self.switched.or(other.switched);
        for (mine, theirs) in [(&mut self.description, &other.description), (&mut self.bundle, &other.bundle)]
        {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        if self.tags.is_none() {
            self.tags.clone_from(&other.tags);
        }
        self.whole |= other.whole;
    }
}

/// What was read of one device, and how much of it.
#[derive(Debug, Default)]
pub(in crate::platform) struct Evidence<'t> {
    pub(in crate::platform) config: Config<'t>,
    pub(in crate::platform) seen: Vec<Seen<'t>>,
    pub(in crate::platform) vlans: Vec<VlanRow<'t>>,
    /// The whole configuration was read: what it does not list is not configured.
    pub(in crate::platform) all_config: bool,
    /// What a port that is not shut down is, where the configuration is silent.
    pub(in crate::platform) silent_is_up: bool,
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
        self.interfaces.is_empty()
            && self.bridge_domains.is_empty()
            && self.services.is_empty()
            && self.vlans.is_empty()
    }
}

/// The facts of `scope`, each list sorted by its key.
pub(super) fn join(evidence: &Evidence<'_>, families: &[Family], scope: &Scope) -> Facts {
    let interfaces = interfaces(evidence, families);
    match scope {
        Scope::Device => {
            let (bridge_domains, services) = services(&evidence.config, &interfaces);
            let vlans = vlans(evidence, &interfaces);
            Facts { interfaces, bridge_domains, services, vlans }
        }
        Scope::Interface(name) => {
            let name = super::long_name(name, families).unwrap_or(Cow::Borrowed(name));
            Facts {
                interfaces: interfaces.into_iter().filter(|port| port.name == name).collect(),
                ..Facts::default()
            }
        }
        Scope::BridgeDomain(name) => {
            let (mut bridge_domains, _) = services(&evidence.config, &interfaces);
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

fn interfaces(evidence: &Evidence<'_>, families: &[Family]) -> Vec<Interface> {
    let config = &evidence.config;
    let mut seen: HashMap<&str, Seen<'_>> = HashMap::with_capacity(evidence.seen.len());
    for row in &evidence.seen {
        seen.entry(&row.name).and_modify(|first| first.complement(row)).or_insert_with(|| row.clone());
    }
    let mut member: HashMap<&str, (ServiceKind, &str)> = HashMap::new();
    for instance in &config.instances {
        // A VRF is joined on the interface itself; the tunnel endpoint serves many VNIs.
        if matches!(instance.kind, ServiceKind::Vrf | ServiceKind::Evpn) {
            continue;
        }
        for name in &instance.members {
            member.entry(name).or_insert((instance.kind, &instance.name));
        }
    }
    let mut names: Vec<(&str, Option<&Port<'_>>)> = Vec::with_capacity(config.ports.len() + seen.len());
    names.extend(config.ports.iter().map(|port| (&*port.name, Some(port))));
    names.extend(seen.keys().filter(|name| config.port_named(name).is_none()).map(|name| (*name, None)));
    names.sort_unstable_by(|a, b| a.0.cmp(b.0));
    names
        .into_iter()
        .map(|(name, port)| {
            let row = seen.get(name);
            let mut fact = match port {
                Some(port) => configured(port, row, evidence, families),
                None => shown(name, row, evidence, families),
            };
            if let Some(row) = row {
                fact.oper = row.oper;
                fact.mtu = row.mtu.or(fact.mtu);
                fact.as_printed.extend(row.printed.map(str::to_owned));
                fact.as_printed.dedup();
            }
            if fact.service.is_none() {
                fact.service =
                    member.get(name).map(|(kind, name)| ServiceRef { kind: *kind, name: (*name).to_owned() });
                fact.l2 |= fact.service.is_some();
            }
            fact
        })
        .collect()
}

fn configured(
    port: &Port<'_>,
    row: Option<&Seen<'_>>,
    evidence: &Evidence<'_>,
    families: &[Family],
) -> Interface {
    let mut fact = Interface::named(&*port.name);
    fact.as_printed = port.printed.map(str::to_owned).into_iter().collect();
    fact.parent = port.parent.as_deref().map(str::to_owned);
    fact.admin = port.admin.or(match row {
        _ if evidence.silent_is_up => Some(AdminState::Up),
        Some(row) => row.admin,
        None => None,
    });
    fact.mtu = port.mtu;
    fact.description.clone_from(&port.description);
    fact.bundle.clone_from(&port.bundle);
    // The members of a bundle do what the bundle does.
    let may_switch = port.parent.is_none()
        && port.bundle.is_none()
        && family(&port.name, families).is_some_and(|(family, _)| family.switched);
    let by_default = || {
        may_switch
            .then(|| row.and_then(|row| row.switched).or(evidence.config.switched))
            .flatten()
            .unwrap_or(false)
    };
    let switched = port.is_switched().unwrap_or_else(by_default);
    fact.l2 = switched || port.bridged;
    fact.encapsulation = match &port.encapsulation {
        Some(tags) => tags.clone(),
        None if switched => port.switched_tags(),
        None => Encapsulation::default(),
    };
    fact.service = port
        .service
        .as_ref()
        .filter(|(kind, name)| !is_default(*kind, name))
        .map(|(kind, name)| ServiceRef { kind: *kind, name: name.clone().into_owned() });
    fact
}

/// An interface that only tables show.
fn shown(name: &str, row: Option<&Seen<'_>>, evidence: &Evidence<'_>, families: &[Family]) -> Interface {
    let mut fact = Interface::named(name);
    fact.parent = parent_of(name).map(str::to_owned);
    let hardware = family(name, families).is_none_or(|(family, _)| family.hardware);
    fact.configured = !evidence.all_config && (!hardware || fact.parent.is_some());
    if let Some(row) = row {
        fact.admin = row.admin;
        fact.description.clone_from(&row.description);
        fact.bundle.clone_from(&row.bundle);
        fact.l2 = row.switched == Some(true);
        fact.encapsulation = row.tags.clone().unwrap_or_default();
        fact.configured |=
            !evidence.all_config && (row.description.is_some() || row.bundle.is_some() || is_tagged(row));
    }
    fact
}

fn is_tagged(row: &Seen<'_>) -> bool {
    row.tags
        .as_ref()
        .is_some_and(|tags| tags.kind != EncapsulationKind::None && tags.outer.as_deref() != Some("1"))
}

/// The VRF that everything is in unless it is in another one is no service.
fn is_default(kind: ServiceKind, name: &str) -> bool {
    kind == ServiceKind::Vrf && name == "default"
}

fn services(config: &Config<'_>, interfaces: &[Interface]) -> (Vec<BridgeDomain>, Vec<Service>) {
    // Of every service that an interface names, its members.
    let mut members: BTreeMap<(ServiceKind, &str), Vec<String>> = BTreeMap::new();
    for port in interfaces {
        if let Some(service) = &port.service {
            members.entry((service.kind, &service.name)).or_default().push(port.name.clone());
        }
    }
    let (mut bridge_domains, mut services) = (Vec::new(), Vec::new());
    for instance in config.instances.iter().filter(|instance| !is_default(instance.kind, &instance.name)) {
        let mut interfaces = members.remove(&(instance.kind, &*instance.name)).unwrap_or_default();
        interfaces.extend(instance.members.iter().map(|name| name.clone().into_owned()));
        interfaces.sort_unstable();
        interfaces.dedup();
        let name = instance.name.clone().into_owned();
        if instance.kind == ServiceKind::BridgeDomain {
            bridge_domains.push(BridgeDomain {
                name,
                admin: instance.admin,
                description: instance.description.clone(),
                interfaces,
                router_interface: instance.router_interface.as_deref().map(str::to_owned),
            });
        } else {
            let mut neighbors = instance.neighbors.clone();
            neighbors.sort();
            neighbors.dedup();
            services.push(Service { kind: instance.kind, name, interfaces, neighbors });
        }
    }
    // An interface may name a VRF that nothing defines.
    for ((kind, name), interfaces) in members {
        services.push(Service { kind, name: name.to_owned(), interfaces, neighbors: Vec::new() });
    }
    bridge_domains.sort_by(|a, b| a.name.cmp(&b.name));
    services.sort_by(|a, b| (a.kind.as_str(), &a.name).cmp(&(b.kind.as_str(), &b.name)));
    (bridge_domains, services)
}

/// VLANs are what is configured and what the table shows; those that the
/// system made for itself are left out.
fn vlans(evidence: &Evidence<'_>, interfaces: &[Interface]) -> Vec<Vlan> {
    let mut vlans: BTreeMap<u16, Vlan> = BTreeMap::new();
    let mut rows: HashMap<u16, &VlanRow<'_>> = HashMap::new();
    for row in evidence.vlans.iter().filter(|row| !row.dynamic) {
        rows.insert(row.id, row);
        let name = (!row.name.is_empty()).then(|| row.name.to_owned());
        vlans.insert(row.id, Vlan { id: row.id, name, interfaces: Vec::new() });
    }
    for (id, name) in &evidence.config.vlans {
        let name = name.clone().or_else(|| Some(default_name(*id)));
        vlans.insert(*id, Vlan { id: *id, name, interfaces: Vec::new() });
    }
    // The tags of a sub-interface are the customer's, not ids of this switch.
    for port in interfaces.iter().filter(|port| port.l2 && port.parent.is_none()) {
        // A trunk that carries everything would be in each of them: left to the table.
        let outer = port.encapsulation.outer.as_deref().filter(|outer| *outer != "1-4094");
        for id in outer.and_then(vlan_ids).into_iter().flatten() {
            if let Some(vlan) = vlans.get_mut(&id)
                && !rows.contains_key(&id)
            {
                vlan.interfaces.push(port.name.clone());
            }
        }
    }
    for (id, vlan) in &mut vlans {
        if let Some(row) = rows.get(id) {
            vlan.interfaces = row.ports.iter().map(|name| name.clone().into_owned()).collect();
        }
        vlan.interfaces.sort_unstable();
        vlan.interfaces.dedup();
    }
    vlans.into_values().collect()
}

/// What both systems call a VLAN that nobody has named; their tables say it.
fn default_name(id: u16) -> String {
    if id == 1 { "default".to_owned() } else { format!("VLAN{id:04}") }
}
