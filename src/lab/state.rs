//! What one pretend device has configured, as data.
//!
//! Membership belongs to the interface, as in the contract: the member lists
//! that the configuration prints are derived. So one change of one thing is
//! one entry put or removed, and undoing it is putting the old entry back.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{FactKey, Kind, Neighbor, ServiceKind, ServiceRef};

/// How many commits a device remembers.
const COMMITS_KEPT: usize = 50;

/// The whole configuration of one device, and the little state around it that
/// its outputs show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The system name, in the prompt and in the marks of the configuration.
    pub name: String,
    /// Such as `25.2.0`.
    pub version: String,
    /// Such as `500_dev`.
    pub build: String,
    /// Hardware model, such as `NCP-40C`.
    pub model: String,
    pub system_id: String,
    pub serial: String,
    /// Hours east of UTC of the device's clock. 0 prints `UTC`, others `UTC+02:00 (Israel)`.
    pub zone: i8,
    pub started: DateTime<Utc>,
    /// The loopback address, without a length.
    pub router_id: String,
    pub management: String,
    /// A `$6$…` hash, invented.
    pub login_hash: String,
    /// An `enc-gAAAA…` token, invented.
    pub token: String,
    /// Ports of the hardware, whether a configuration names them or not.
    pub hardware: Vec<String>,
    pub interfaces: BTreeMap<String, Interface>,
    pub bridge_domains: BTreeMap<String, BridgeDomain>,
    /// By `kind/name`.
    pub services: BTreeMap<String, Service>,
    /// By interface.
    pub multihoming: BTreeMap<String, Multihoming>,
    /// Newest first; the first one is what is running.
    pub commits: Vec<Commit>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// `admin-state`; `None` when it is not configured, which means enabled here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `l2-service enabled`.
    #[serde(default)]
    pub l2: bool,
    /// Number of the bundle that this port is a member of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Address and length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<String>,
    /// A tag that is pushed on the way in and popped on the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<u16>,
    /// Whether the link is up. Not configuration.
    #[serde(default)]
    pub up: bool,
    #[serde(default)]
    pub tagging: Tagging,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceRef>,
}

/// How frames of an interface are tagged. Lists are canonical tag strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tagging {
    /// Nothing is said; the usual state of a port.
    #[default]
    None,
    Untagged,
    /// `vlan-id 251 [tpid 0x9100]`
    Vlan {
        id: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        tpid: Option<String>,
    },
    /// `vlan-id list 350, 360, 400-410`
    List {
        ids: String,
    },
    /// `vlan-tags outer-tag 20 inner-tag 30 outer-tpid 0x88a8`, or `inner-tag-list` for several.
    Tags {
        outer: u16,
        inner: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        tpid: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeDomain {
    /// `admin-state`.
    pub admin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router_interface: Option<String>,
}

/// Any service that is not a bridge domain. Which fields matter depends on the kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub kind: ServiceKind,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Number behind the route targets, and the `vpws-service-id` of both ends.
    pub number: u32,
    /// Of an EVPN: the routed interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router_interface: Option<String>,
    /// Of a VPWS: pseudowires and their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pseudowires: Vec<Neighbor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multihoming {
    pub esi: String,
    pub preference: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    Cli,
    Netconf,
}

impl Via {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Netconf => "netconf",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub at: DateTime<Utc>,
    pub user: String,
    pub via: Via,
    pub log: String,
}

/// The configuration behind one key. Its fields are what [`State::put`] takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    Interface(Interface),
    BridgeDomain(BridgeDomain),
    Service(Service),
}

impl Interface {
    /// An L2 sub-interface with one VLAN.
    pub fn l2_vlan(id: u16, service: ServiceRef) -> Self {
        Self {
            l2: true,
            up: true,
            tagging: Tagging::Vlan { id, tpid: None },
            service: Some(service),
            ..Self::default()
        }
    }

    /// Whether it is administratively up; not saying so means yes.
    pub fn is_enabled(&self) -> bool {
        self.admin != Some(false)
    }
}

impl Service {
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.name)
    }
}

impl State {
    /// The thing behind `key`, if it is configured.
    pub fn get(&self, key: &FactKey) -> Option<Thing> {
        match key.kind {
            Kind::Interface => self.interfaces.get(&key.key).cloned().map(Thing::Interface),
            Kind::BridgeDomain => self.bridge_domains.get(&key.key).cloned().map(Thing::BridgeDomain),
            Kind::Service => self.services.get(&key.key).cloned().map(Thing::Service),
            Kind::Vlan => None,
        }
    }

    /// Configures `thing` under `key`, or removes what is there.
    pub fn put(&mut self, key: &FactKey, thing: Option<Thing>) {
        let name = key.key.clone();
        match (key.kind, thing) {
            (_, Some(Thing::Interface(interface))) => {
                self.interfaces.insert(name, interface);
            }
            (_, Some(Thing::BridgeDomain(domain))) => {
                self.bridge_domains.insert(name, domain);
            }
            (_, Some(Thing::Service(service))) => {
                self.services.insert(name, service);
            }
            (Kind::Interface, None) => {
                self.interfaces.remove(&name);
            }
            (Kind::BridgeDomain, None) => {
                self.bridge_domains.remove(&name);
            }
            (Kind::Service, None) => {
                self.services.remove(&name);
            }
            (Kind::Vlan, None) => {}
        }
    }

    /// Everything configured, by key.
    pub fn things(&self) -> impl Iterator<Item = (FactKey, Thing)> + '_ {
        let interfaces = self
            .interfaces
            .iter()
            .map(|(name, x)| (FactKey::new(Kind::Interface, name.clone()), Thing::Interface(x.clone())));
        let domains = self.bridge_domains.iter().map(|(name, x)| {
            (FactKey::new(Kind::BridgeDomain, name.clone()), Thing::BridgeDomain(x.clone()))
        });
        let services = self
            .services
            .iter()
            .map(|(name, x)| (FactKey::new(Kind::Service, name.clone()), Thing::Service(x.clone())));
        interfaces.chain(domains).chain(services)
    }

    /// The interfaces in a service, in the order in which the device lists them.
    pub fn members(&self, kind: ServiceKind, name: &str) -> Vec<&str> {
        let mut members: Vec<&str> = self
            .interfaces
            .iter()
            .filter(|(_, x)| x.service.as_ref().is_some_and(|s| s.kind == kind && s.name == name))
            .map(|(name, _)| name.as_str())
            .collect();
        members.sort_by(|a, b| by_number(a, b));
        members
    }

    /// Every interface name, ports that no configuration names among them.
    pub fn interface_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.interfaces.keys().chain(&self.hardware).map(String::as_str).collect();
        names.sort_by(|a, b| by_number(a, b));
        names.dedup();
        names
    }

    /// Notes a commit. The log stays in order of time, however late one is told.
    pub fn commit(&mut self, commit: Commit) {
        let place = self.commits.iter().position(|c| c.at <= commit.at).unwrap_or(self.commits.len());
        self.commits.insert(place, commit);
        self.commits.truncate(COMMITS_KEPT);
    }
}

/// Interfaces that the table leaves out although they are configured.
pub(super) fn is_out_of_band(name: &str) -> bool {
    name.starts_with("mgmt") || name.starts_with("ipmi-")
}

/// The port of a sub-interface: what stands before the last dot.
pub fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(parent, _)| parent)
}

/// The order in which the device lists names: runs of digits count as numbers,
/// so `ge100-6/0/0` comes before `ge100-18/0/0`.
pub fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (left, rest_a) = digits(a);
                let (right, rest_b) = digits(b);
                // Leading zeros are cut, so the longer number is the greater one.
                let order = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
            (Some(x), Some(y)) if x == y => (a, b) = (&a[1..], &b[1..]),
            (Some(x), Some(y)) => return x.cmp(y),
        }
    }
}

/// The run of digits at the start, without leading zeros, and the rest.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    let zeros = run.iter().take_while(|c| **c == b'0').count();
    (&run[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_their_numbers() {
        let mut names =
            ["ge100-18/0/0", "lo0", "bundle-100", "ge100-6/0/0.10", "bundle-12.1", "ge100-6/0/0.9"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(
            names,
            ["bundle-12.1", "bundle-100", "ge100-6/0/0.9", "ge100-6/0/0.10", "ge100-18/0/0", "lo0"]
        );
    }

    #[test]
    fn a_parent_is_what_stands_before_the_last_dot() {
        assert_eq!(parent("ge100-0/0/31.251"), Some("ge100-0/0/31"));
        assert_eq!(parent("bundle-60000"), None);
    }
}
