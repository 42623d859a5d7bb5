//! What was gathered of one device, line by line and table by table, and how
//! it becomes facts.
//!
//! A configuration says what is configured; a table adds what is seen, and the
//! things that no configuration names. Membership is written down where it is
//! found and derived once at the end: an interface has one service, a bridge
//! domain and a service list their members.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{
    BridgeDomain, Interface, Neighbor, OperState, Scope, Service, ServiceKind, ServiceRef, Vlan,
};

/// Facts in the making.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) interfaces: Vec<Interface>,
    interface_index: HashMap<String, usize>,
    pub(crate) domains: Vec<BridgeDomain>,
    domain_index: HashMap<String, usize>,
    pub(crate) services: Vec<Service>,
    service_index: HashMap<(ServiceKind, String), usize>,
    pub(crate) vlans: BTreeMap<u16, Vlan>,
    members: Vec<(String, ServiceRef)>,
}

/// The facts of one scope, each list sorted by its key.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) bridge_domains: Vec<BridgeDomain>,
    pub(crate) services: Vec<Service>,
    pub(crate) vlans: Vec<Vlan>,
}

impl Facts {
    pub(crate) fn is_empty(&self) -> bool {
        self.interfaces.is_empty()
            && self.bridge_domains.is_empty()
            && self.services.is_empty()
            && self.vlans.is_empty()
    }
}

/// One interface as a table shows it. What is `None` was not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// In the long form.
    pub(crate) name: String,
    pub(crate) printed: Option<String>,
    pub(crate) fact: Option<Box<Interface>>,
}

impl Seen {
    /// A row about `name`, which the table prints as `printed`.
    pub(crate) fn new(name: String, printed: &str) -> Self {
        let fact = Some(Box::new(Interface::named(name.as_str())));
        Self { printed: (printed != name).then(|| printed.to_owned()), name, fact }
    }
}

impl Gathered {
    /// The interface of that name, made if it is new, and whether it is.
    pub(crate) fn interface(&mut self, name: &str) -> (usize, bool) {
        if let Some(last) = self.interfaces.last()
            && last.name == name
        {
            return (self.interfaces.len() - 1, false);
        }
        if let Some(at) = self.interface_index.get(name) {
            return (*at, false);
        }
        self.interfaces.push(Interface::named(name));
        self.interface_index.insert(name.to_owned(), self.interfaces.len() - 1);
        (self.interfaces.len() - 1, true)
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.interface_index.get(name).copied()
    }

    pub(crate) fn domain(&mut self, name: &str) -> usize {
        if let Some(at) = self.domain_index.get(name) {
            return *at;
        }
        self.domains.push(BridgeDomain {
            name: name.to_owned(),
            admin: None,
            description: None,
            interfaces: Vec::new(),
            router_interface: None,
        });
        self.domain_index.insert(name.to_owned(), self.domains.len() - 1);
        self.domains.len() - 1
    }

    pub(crate) fn service(&mut self, kind: ServiceKind, name: &str) -> usize {
        let key = (kind, name.to_owned());
        if let Some(at) = self.service_index.get(&key) {
            return *at;
        }
        let (interfaces, neighbors) = (Vec::new(), Vec::new());
        self.services.push(Service { kind, name: key.1.clone(), interfaces, neighbors });
        self.service_index.insert(key, self.services.len() - 1);
        self.services.len() - 1
    }

    /// `interface` is in that bridge domain or service, which is made if it is new.
    pub(crate) fn member(&mut self, interface: &str, kind: ServiceKind, name: &str) {
        if kind == ServiceKind::BridgeDomain {
            self.domain(name);
        } else {
            self.service(kind, name);
        }
        self.members.push((interface.to_owned(), ServiceRef { kind, name: name.to_owned() }));
    }

    pub(crate) fn neighbor(&mut self, service: usize, address: &str, id: Option<&str>) {
        let neighbor = Neighbor { address: address.to_owned(), id: id.map(str::to_owned) };
        if let Some(service) = self.services.get_mut(service) {
            service.neighbors.push(neighbor);
        }
    }

    pub(crate) fn vlan(&mut self, id: u16) -> &mut Vlan {
        self.vlans.entry(id).or_insert_with(|| Vlan { id, name: None, interfaces: Vec::new() })
    }

    /// Takes a table's row. What a configuration said (`configured` holds its
    /// interfaces' positions) stays; an interface that it does not name is
    /// taken as the table shows it.
    pub(crate) fn see(&mut self, seen: Seen, configured: usize, is_configured: impl Fn(&Interface) -> bool) {
        let Some(row) = seen.fact else { return };
        let (at, _) = self.interface(&seen.name);
        let fact = &mut self.interfaces[at];
        if let Some(printed) = seen.printed
            && !fact.as_printed.contains(&printed)
        {
            fact.as_printed.push(printed);
        }
        fact.oper = row.oper.or(fact.oper);
        fact.mtu = fact.mtu.or(row.mtu);
        if at < configured {
            return;
        }
        fact.admin = row.admin.or(fact.admin);
        fact.parent = row.parent.clone().or(fact.parent.take());
        fact.description = row.description.clone().or(fact.description.take());
        fact.bundle = row.bundle.clone().or(fact.bundle.take());
        fact.l2 |= row.l2;
        if row.encapsulation != crate::model::Encapsulation::default() {
            fact.encapsulation = row.encapsulation.clone();
        }
        fact.configured = is_configured(fact) && fact.oper != Some(OperState::NotPresent);
    }

    /// The facts of `scope`.
    pub(crate) fn facts(mut self, scope: &Scope) -> Facts {
        for (name, service) in std::mem::take(&mut self.members) {
            match service.kind {
                ServiceKind::BridgeDomain => {
                    if let Some(at) = self.domain_index.get(&service.name) {
                        self.domains[*at].interfaces.push(name.clone());
                    }
                }
                _ => {
                    if let Some(at) = self.service_index.get(&(service.kind, service.name.clone())) {
                        self.services[*at].interfaces.push(name.clone());
                    }
                }
            }
            if let Some(at) = self.interface_index.get(&name) {
                self.interfaces[*at].service.get_or_insert(service);
            }
        }
        let mut facts = Facts {
            interfaces: self.interfaces,
            bridge_domains: self.domains,
            services: self.services,
            vlans: self.vlans.into_values().collect(),
        };
        facts.narrow(scope);
        facts.sort();
        facts
    }
}

impl Facts {
    /// Leaves what is in `scope`: one interface; one bridge domain and its members.
    fn narrow(&mut self, scope: &Scope) {
        match scope {
            Scope::Device => return,
            Scope::Interface(name) => {
                self.interfaces.retain(|port| port.name == *name);
                self.bridge_domains.clear();
            }
            Scope::BridgeDomain(name) => {
                self.bridge_domains.retain(|domain| domain.name == *name);
                let members: HashSet<&str> =
                    self.bridge_domains.iter().flat_map(|d| &d.interfaces).map(String::as_str).collect();
                self.interfaces.retain(|port| members.contains(port.name.as_str()));
            }
        }
        self.services.clear();
        self.vlans.clear();
    }

    fn sort(&mut self) {
        self.interfaces.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for domain in &mut self.bridge_domains {
            tidy(&mut domain.interfaces);
        }
        self.bridge_domains.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for service in &mut self.services {
            tidy(&mut service.interfaces);
            tidy(&mut service.neighbors);
        }
        self.services.sort_unstable_by(|a, b| (a.kind.as_str(), &a.name).cmp(&(b.kind.as_str(), &b.name)));
        for vlan in &mut self.vlans {
            tidy(&mut vlan.interfaces);
        }
    }
}

fn tidy<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AdminState, OperState};

    #[test]
    fn a_configuration_wins_and_a_table_adds() {
        let mut gathered = Gathered::default();
        let (at, new) = gathered.interface("Gi0/1");
        assert!(new);
        gathered.interfaces[at].description = Some("ours".to_owned());
        gathered.member("Gi0/1", ServiceKind::BridgeDomain, "10");
        gathered.member("Gi0/2", ServiceKind::Xconnect, "10.0.0.1:7");
        for name in ["Gi0/1", "Gi0/2"] {
            let mut seen = Seen::new(name.to_owned(), "printed");
            if let Some(fact) = &mut seen.fact {
                fact.description = Some("theirs".to_owned());
                fact.admin = Some(AdminState::Up);
                fact.oper = Some(OperState::Down);
            }
            gathered.see(seen, 1, |_| false);
        }
        let facts = gathered.facts(&Scope::Device);
        let [one, two] = facts.interfaces.as_slice() else { panic!("{facts:?}") };
        assert_eq!((one.description.as_deref(), one.oper), (Some("ours"), Some(OperState::Down)));
        assert!(one.configured && !two.configured && one.as_printed == ["printed"]);
        assert_eq!(two.description.as_deref(), Some("theirs"));
        assert_eq!(facts.bridge_domains[0].interfaces, ["Gi0/1"]);
        assert_eq!(one.service.as_ref().map(|s| s.name.as_str()), Some("10"));
        assert_eq!(facts.services[0].interfaces, ["Gi0/2"]);
    }

    #[test]
    fn a_narrow_scope() {
        let gathered = || {
            let mut gathered = Gathered::default();
            gathered.interface("a");
            gathered.interface("b");
            gathered.vlan(7);
            gathered.member("b", ServiceKind::BridgeDomain, "10");
            gathered
        };
        let facts = gathered().facts(&Scope::Interface("a".to_owned()));
        assert_eq!((facts.interfaces.len(), facts.bridge_domains.len(), facts.vlans.len()), (1, 0, 0));
        let facts = gathered().facts(&Scope::BridgeDomain("10".to_owned()));
        assert_eq!(facts.interfaces[0].name, "b");
        assert!(gathered().facts(&Scope::Interface("c".to_owned())).is_empty());
    }
}
