//! One change of one device, as a person or the deployment tool makes it.
//!
//! A piece of [`Work`] is one commit: the things it touches, as they were and
//! as they are then. Nothing here touches a thing that is already in disorder,
//! so that every piece of work can be undone on its own.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

use super::state::{BridgeDomain, Interface, State, Tagging, Thing, Via, by_number, parent};
use crate::model::{FactKey, Kind, ServiceKind, ServiceRef};

/// People of the pretend company.
pub(super) const USERS: [&str; 10] =
    ["visaev", "dkorn", "lmoran", "tnowak", "ahadad", "rpetit", "skim", "jlopez", "mweiss", "ebauer"];

/// The uplink of every device.
pub(super) const UPLINK: &str = "bundle-60000";

/// Kept free everywhere, for the story that the demo tells: a tool believes
/// that ge100-0/0/31.251 is free, and it is not.
pub(super) const STORY_PORT: &str = "ge100-0/0/31";
pub(super) const STORY_VLAN: u16 = 251;

const REMARKS: [&str; 8] = [
    "temporary, ask before removing",
    "moved to rack 12",
    "migration phase 2",
    "cabling checked",
    "spare",
    "was port 14 before",
    "traffic generator",
    "customer test, until month end",
];

/// What happens to one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    pub key: FactKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Thing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Thing>,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub note: String,
    pub edits: Vec<Edit>,
}

/// What is in disorder on a device, and so is left alone.
#[derive(Debug, Default)]
pub(super) struct Disorder {
    keys: BTreeSet<FactKey>,
    domains: BTreeSet<String>,
}

impl Disorder {
    pub(super) fn note(&mut self, edit: &Edit) {
        self.keys.insert(edit.key.clone());
        if edit.key.kind == Kind::BridgeDomain {
            self.domains.insert(edit.key.key.clone());
        }
        for thing in [&edit.before, &edit.after].into_iter().flatten() {
            if let Thing::Interface(Interface { service: Some(service), .. }) = thing {
                self.domains.insert(service.name.clone());
            }
        }
    }
}

/// A pair of hands at one device.
pub(super) struct Hands<'a> {
    pub state: &'a State,
    pub disorder: &'a Disorder,
    pub rng: &'a mut ChaCha8Rng,
}

fn interface_key(name: &str) -> FactKey {
    FactKey::new(Kind::Interface, name)
}

fn domain_key(name: &str) -> FactKey {
    FactKey::new(Kind::BridgeDomain, name)
}

fn in_domain(name: &str) -> ServiceRef {
    ServiceRef { kind: ServiceKind::BridgeDomain, name: name.to_owned() }
}

impl Hands<'_> {
    /// Adds a sub-interface to an existing bridge domain.
    pub(super) fn add_member(&mut self) -> Option<Work> {
        let domain = self.some_domain()?;
        let vlan = self.vlan_of(&domain)?;
        let port = self.port_for(vlan)?;
        let name = self.sub_interface(&port, vlan);
        let member = Interface::l2_vlan(vlan, in_domain(&domain));
        Some(Work { note: format!("added {name} to {domain}"), edits: vec![self.put(&name, member)?] })
    }

    /// A new bridge domain over the uplink and one or two ports.
    pub(super) fn new_domain(&mut self) -> Option<Work> {
        let user = *USERS.choose(self.rng)?;
        let vlan = self.draw(Self::is_new)?;
        self.domain_with(user, vlan)
    }

    fn domain_with(&mut self, user: &str, vlan: u16) -> Option<Work> {
        let domain = format!("g_{user}_v{vlan}");
        let description = self.rng.random_bool(0.5).then(|| format!("{user} lab {}", vlan % 40 + 1));
        let thing = Thing::BridgeDomain(BridgeDomain { admin: true, description, router_interface: None });
        let mut edits = vec![
            Edit { key: domain_key(&domain), before: None, after: Some(thing) },
            self.put(&format!("{UPLINK}.{vlan}"), Interface::l2_vlan(vlan, in_domain(&domain)))?,
        ];
        for _ in 0..self.rng.random_range(1..=2) {
            let port = self.port_for(vlan)?;
            let name = self.sub_interface(&port, vlan);
            let mut member = Interface::l2_vlan(vlan, in_domain(&domain));
            member.admin = self.rng.random_bool(0.6).then_some(true);
            member.up = self.rng.random_bool(0.9);
            if self.rng.random_bool(0.3) {
                member.description = Some(format!("{user} {}", REMARKS.choose(self.rng)?));
            }
            let edit = self.put(&name, member)?;
            // The same port twice carries the same VLAN once.
            if edits.iter().all(|e| parent(&e.key.key) != Some(&port)) {
                edits.push(edit);
            }
        }
        Some(Work { note: format!("created {domain}"), edits })
    }

    /// The story of the demo: VLAN 251 on ge100-0/0/31, by hand.
    pub(super) fn story(&mut self) -> Option<Work> {
        let domain = "g_visaev_v251";
        let member = || Interface::l2_vlan(STORY_VLAN, in_domain(domain));
        let thing =
            Thing::BridgeDomain(BridgeDomain { admin: true, description: None, router_interface: None });
        let edits = vec![
            Edit { key: domain_key(domain), before: None, after: Some(thing) },
            self.put(&format!("{UPLINK}.{STORY_VLAN}"), member())?,
            self.put(&format!("{STORY_PORT}.{STORY_VLAN}"), member())?,
        ];
        Some(Work { note: format!("created {domain} by hand"), edits })
    }

    /// Deletes a sub-interface.
    pub(super) fn remove_member(&mut self) -> Option<Work> {
        let (name, _) = self.some_member(|_| true)?;
        Some(Work { note: format!("deleted {name}"), edits: vec![self.remove(interface_key(&name))] })
    }

    /// Deletes a bridge domain with its sub-interfaces.
    pub(super) fn remove_domain(&mut self) -> Option<Work> {
        let free = |name: &&String| {
            !self.disorder.domains.contains(*name)
                && self.state.bridge_domains[*name].router_interface.is_none()
                && self.state.members(ServiceKind::BridgeDomain, name).iter().all(|member| {
                    // A whole port stays; only sub-interfaces go with their service.
                    parent(member).is_some() && !self.disorder.keys.contains(&interface_key(member))
                })
        };
        let names: Vec<&String> = self.state.bridge_domains.keys().filter(free).collect();
        // Some always stay: a device without any would fall out of the coverage.
        if names.len() < 3 {
            return None;
        }
        let name = (*names.choose(self.rng)?).clone();
        let members = self.state.members(ServiceKind::BridgeDomain, &name);
        let mut edits: Vec<Edit> = members.into_iter().map(|m| self.remove(interface_key(m))).collect();
        edits.push(self.remove(domain_key(&name)));
        Some(Work { note: format!("deleted {name}"), edits })
    }

    /// Gives a sub-interface another VLAN. Its number stays what it was.
    pub(super) fn retag(&mut self) -> Option<Work> {
        let (name, mut x) = self.some_member(|x| matches!(x.tagging, Tagging::Vlan { .. }))?;
        let port = parent(&name)?.to_owned();
        let new = self.draw(|hands, vlan| vlan != STORY_VLAN && !hands.carries(&port, vlan))?;
        if let Tagging::Vlan { id, .. } = &mut x.tagging {
            *id = new;
        }
        Some(Work { note: format!("{name} now has VLAN {new}"), edits: vec![self.put(&name, x)?] })
    }

    /// Gives a `QinQ` sub-interface another inner tag.
    pub(super) fn retag_inner(&mut self) -> Option<Work> {
        let (name, mut x) = self.some_member(|x| matches!(x.tagging, Tagging::Tags { .. }))?;
        let new = self.rng.random_range(2_000..3_000_u16).to_string();
        if let Tagging::Tags { inner, .. } = &mut x.tagging {
            inner.clone_from(&new);
        }
        Some(Work { note: format!("{name} now has inner tag {new}"), edits: vec![self.put(&name, x)?] })
    }

    /// Writes another description on a sub-interface or a bridge domain that
    /// has one. (Where there was none, the record does not manage it, and the
    /// new one would show nowhere.)
    pub(super) fn describe(&mut self) -> Option<Work> {
        let remark = (*REMARKS.choose(self.rng)?).to_owned();
        let is_news = |old: &Option<String>| old.as_ref().is_some_and(|old| *old != remark);
        if self.rng.random_bool(0.5) {
            let (name, mut x) = self.some_member(|x| is_news(&x.description))?;
            x.description = Some(remark);
            return Some(Work { note: format!("described {name}"), edits: vec![self.put(&name, x)?] });
        }
        let described: Vec<(&String, &BridgeDomain)> = self
            .state
            .bridge_domains
            .iter()
            .filter(|(name, domain)| self.is_free(&domain_key(name)) && is_news(&domain.description))
            .collect();
        let (name, domain) = *described.choose(self.rng)?;
        let domain = BridgeDomain { description: Some(remark), ..domain.clone() };
        let edit = self.replace(domain_key(name), Thing::BridgeDomain(domain));
        Some(Work { note: format!("described {name}"), edits: vec![edit] })
    }

    /// Moves a sub-interface into another bridge domain.
    pub(super) fn move_member(&mut self) -> Option<Work> {
        let (name, mut x) = self.some_member(|_| true)?;
        let domain = self.some_domain()?;
        if x.service.as_ref().is_some_and(|s| s.name == domain) {
            return None;
        }
        x.service = Some(in_domain(&domain));
        Some(Work { note: format!("moved {name} to {domain}"), edits: vec![self.put(&name, x)?] })
    }

    /// Shuts a sub-interface or a bridge domain.
    pub(super) fn shut(&mut self) -> Option<Work> {
        if self.rng.random_bool(0.7) {
            let (name, mut x) = self.some_member(Interface::is_enabled)?;
            x.admin = Some(false);
            return Some(Work { note: format!("shut {name}"), edits: vec![self.put(&name, x)?] });
        }
        self.shut_domain()
    }

    pub(super) fn shut_domain(&mut self) -> Option<Work> {
        let name = self.some_domain()?;
        let mut domain = self.state.bridge_domains[&name].clone();
        if !domain.admin {
            return None;
        }
        domain.admin = false;
        let edit = self.replace(domain_key(&name), Thing::BridgeDomain(domain));
        Some(Work { note: format!("shut {name}"), edits: vec![edit] })
    }

    /// Gives the pseudowire of a VPWS another id.
    pub(super) fn rewire(&mut self) -> Option<Work> {
        let services: Vec<&String> = self
            .state
            .services
            .iter()
            .filter(|(key, s)| !s.pseudowires.is_empty() && self.is_free(&FactKey::new(Kind::Service, *key)))
            .map(|(key, _)| key)
            .collect();
        let key = (*services.choose(self.rng)?).clone();
        let mut service = self.state.services[&key].clone();
        let id = self.rng.random_range(5_000..9_000_u16).to_string();
        service.pseudowires.first_mut()?.id = Some(id.clone());
        let edit = self.replace(FactKey::new(Kind::Service, key.clone()), Thing::Service(service));
        Some(Work { note: format!("{key} now has pseudowire {id}"), edits: vec![edit] })
    }

    /// Any change, as often as people (CLI) or the deployment tool (NETCONF) make it.
    pub(super) fn anything(&mut self, via: Via) -> Option<Work> {
        match (via, self.rng.random_range(0..100)) {
            (Via::Cli, 0..34) | (Via::Netconf, 48..70) => self.add_member(),
            (Via::Cli, 34..43) | (Via::Netconf, 0..48) => self.new_domain(),
            (Via::Cli, 43..60) => self.remove_member(),
            (Via::Cli, 60..70) => self.retag(),
            (Via::Cli, 70..84) | (Via::Netconf, 90..) => self.describe(),
            (Via::Cli, 84..89) => self.move_member(),
            (Via::Cli, 89..96) => self.shut(),
            (Via::Cli, 96..98) => self.retag_inner(),
            (Via::Cli, _) => self.rewire(),
            (Via::Netconf, _) => self.remove_domain(),
        }
    }

    /// A VLAN that `fits`; `None` if none of fifty does.
    fn draw(&mut self, fits: impl Fn(&Self, u16) -> bool) -> Option<u16> {
        for _ in 0..50 {
            let vlan = self.rng.random_range(100..3_900);
            if fits(self, vlan) {
                return Some(vlan);
            }
        }
        None
    }

    fn is_free(&self, key: &FactKey) -> bool {
        !self.disorder.keys.contains(key)
    }

    /// A bridge domain that is in order.
    fn some_domain(&mut self) -> Option<String> {
        let names: Vec<&String> =
            self.state.bridge_domains.keys().filter(|n| self.is_free(&domain_key(n))).collect();
        names.choose(self.rng).map(|name| (*name).clone())
    }

    /// A sub-interface of a bridge domain that is in order, with `wanted`.
    fn some_member(&mut self, wanted: impl Fn(&Interface) -> bool) -> Option<(String, Interface)> {
        let members: Vec<(&String, &Interface)> = self
            .state
            .interfaces
            .iter()
            .filter(|(name, x)| {
                parent(name).is_some()
                    && x.service.as_ref().is_some_and(|s| {
                        s.kind == ServiceKind::BridgeDomain && self.is_free(&domain_key(&s.name))
                    })
                    && self.is_free(&interface_key(name))
                    && wanted(x)
            })
            .collect();
        members.choose(self.rng).map(|(name, x)| ((*name).clone(), (*x).clone()))
    }

    /// The VLAN that most members of a bridge domain carry; the first one found.
    fn vlan_of(&self, domain: &str) -> Option<u16> {
        let members = self.state.members(ServiceKind::BridgeDomain, domain);
        members.into_iter().find_map(|name| match self.state.interfaces[name].tagging {
            Tagging::Vlan { id, .. } => Some(id),
            _ => None,
        })
    }

    /// A port that does not yet carry `vlan`.
    fn port_for(&mut self, vlan: u16) -> Option<String> {
        let ports: Vec<String> =
            access_ports(self.state).into_iter().filter(|port| !self.carries(port, vlan)).collect();
        ports.choose(self.rng).cloned()
    }

    fn carries(&self, port: &str, vlan: u16) -> bool {
        self.state.interfaces.iter().any(|(name, x)| {
            parent(name) == Some(port) && matches!(x.tagging, Tagging::Vlan { id, .. } if id == vlan)
        })
    }

    /// A name that is free. The number is mostly, not always, the VLAN's.
    fn sub_interface(&mut self, port: &str, vlan: u16) -> String {
        let mut number = u32::from(vlan);
        if self.rng.random_bool(0.06) {
            number = 5_000 + u32::from(vlan);
        }
        loop {
            let name = format!("{port}.{number}");
            if !self.state.interfaces.contains_key(&name) && self.is_free(&interface_key(&name)) {
                return name;
            }
            number += 10_000;
        }
    }

    /// Whether a VLAN was never seen on this device.
    fn is_new(&self, vlan: u16) -> bool {
        let suffix = format!("_v{vlan}");
        let uplink = format!("{UPLINK}.{vlan}");
        vlan != STORY_VLAN
            && !self.state.bridge_domains.keys().chain(&self.disorder.domains).any(|d| d.ends_with(&suffix))
            && !self.state.interfaces.contains_key(&uplink)
            && self.is_free(&interface_key(&uplink))
            && !self.carries(UPLINK, vlan)
    }

    /// `None` if the interface is in disorder.
    fn put(&self, name: &str, interface: Interface) -> Option<Edit> {
        let key = interface_key(name);
        self.is_free(&key).then(|| self.replace(key, Thing::Interface(interface)))
    }

    fn replace(&self, key: FactKey, thing: Thing) -> Edit {
        Edit { before: self.state.get(&key), after: Some(thing), key }
    }

    fn remove(&self, key: FactKey) -> Edit {
        Edit { before: self.state.get(&key), after: None, key }
    }
}

/// Where customers are: configured ports that are in no bundle, or the bundles
/// towards other devices where there are none.
fn access_ports(state: &State) -> Vec<String> {
    let of = |wanted: &dyn Fn(&str, &Interface) -> bool| {
        let mut names: Vec<String> = state
            .interfaces
            .iter()
            .filter(|(name, x)| parent(name).is_none() && wanted(name, x))
            .map(|(name, _)| name.clone())
            .collect();
        names.sort_by(|a, b| by_number(a, b));
        names
    };
    let ports = of(&|name, x| {
        name.starts_with("ge") && name != STORY_PORT && x.bundle.is_none() && x.service.is_none() && !x.l2
    });
    if ports.is_empty() {
        of(&|name, x| name.starts_with("bundle-") && name != UPLINK && !x.l2)
    } else {
        ports
    }
}
