//! One thing that is configured on a device, and the key that identifies it.
//!
//! The field names are those of the JSON contract. *Compared fields* are what
//! changes and drifts are made of; the rest (`oper`, `mtu`, `as_printed`) is
//! observation: kept and shown, never part of a digest.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing a fact or a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Interface,
    BridgeDomain,
    Service,
    Vlan,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Interface, Self::BridgeDomain, Self::Service, Self::Vlan];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::BridgeDomain => "bridge-domain",
            Self::Service => "service",
            Self::Vlan => "vlan",
        }
    }

    /// For people: `interfaces`, `bridge domains`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Interface => "interfaces",
            Self::BridgeDomain => "bridge domains",
            Self::Service => "services",
            Self::Vlan => "VLANs",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key of a thing within its device. Interfaces and bridge domains go by
/// name, services by `kind/name`, VLANs by id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FactKey {
    pub kind: Kind,
    pub key: String,
}

impl FactKey {
    pub fn new(kind: Kind, key: impl Into<String>) -> Self {
        Self { kind, key: key.into() }
    }
}

impl fmt::Display for FactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

/// Configured state, or what the device's table says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminState {
    Up,
    Down,
}

/// Operational state. An observation: it never makes a change or a drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperState {
    Up,
    Down,
    NotPresent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncapsulationKind {
    /// No tag is configured; the usual state of a port.
    #[default]
    None,
    Untagged,
    Dot1q,
    Qinq,
    /// More than one outer or inner id.
    Range,
    Default,
}

/// How frames of a sub-interface are tagged.
///
/// Tags are canonical range strings, ascending and merged: `"251"`,
/// `"350,360,400-410"`. Build them with [`canonical_tags`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Encapsulation {
    pub kind: EncapsulationKind,
    pub outer: Option<String>,
    pub inner: Option<String>,
    /// The outer tag protocol id when it is configured and is not 0x8100, such as `"0x88a8"`.
    pub tpid: Option<String>,
}

/// The kinds of L2 and L3 services, across platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    BridgeDomain,
    Vpws,
    Vpls,
    Evpn,
    EvpnVpws,
    EvpnVpwsFxc,
    L2CrossConnect,
    Xconnect,
    #[serde(rename = "l2circuit")]
    L2Circuit,
    Epipe,
    Vrf,
}

impl ServiceKind {
    pub const ALL: [Self; 11] = [
        Self::BridgeDomain,
        Self::Vpws,
        Self::Vpls,
        Self::Evpn,
        Self::EvpnVpws,
        Self::EvpnVpwsFxc,
        Self::L2CrossConnect,
        Self::Xconnect,
        Self::L2Circuit,
        Self::Epipe,
        Self::Vrf,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BridgeDomain => "bridge-domain",
            Self::Vpws => "vpws",
            Self::Vpls => "vpls",
            Self::Evpn => "evpn",
            Self::EvpnVpws => "evpn-vpws",
            Self::EvpnVpwsFxc => "evpn-vpws-fxc",
            Self::L2CrossConnect => "l2-cross-connect",
            Self::Xconnect => "xconnect",
            Self::L2Circuit => "l2circuit",
            Self::Epipe => "epipe",
            Self::Vrf => "vrf",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

/// Which service an interface is in. An interface is in one at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceRef {
    pub kind: ServiceKind,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The configuration's long form, such as `ge100-0/0/31.251`.
    pub name: String,
    /// The forms in which outputs abbreviate or decorate the name. Observation.
    #[serde(default)]
    pub as_printed: Vec<String>,
    pub parent: Option<String>,
    pub admin: Option<AdminState>,
    /// Observation.
    pub oper: Option<OperState>,
    pub description: Option<String>,
    /// Observation: devices derive it from the port's.
    pub mtu: Option<u32>,
    #[serde(default)]
    pub encapsulation: Encapsulation,
    #[serde(default)]
    pub l2: bool,
    pub service: Option<ServiceRef>,
    /// The bundle this port is a member of, such as `bundle-12`.
    pub bundle: Option<String>,
    /// False for a port that only a table shows and no configuration names.
    /// Such a port can satisfy a record; it is never `unrecorded` and its
    /// coming and going (a line card) is no change.
    #[serde(default = "yes")]
    pub configured: bool,
}

fn yes() -> bool {
    true
}

impl Interface {
    /// An interface of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            as_printed: Vec::new(),
            parent: None,
            admin: None,
            oper: None,
            description: None,
            mtu: None,
            encapsulation: Encapsulation::default(),
            l2: false,
            service: None,
            bundle: None,
            configured: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeDomain {
    pub name: String,
    pub admin: Option<AdminState>,
    pub description: Option<String>,
    /// Derived from the interfaces' `service`; sorted. Not compared here, so
    /// that one added sub-interface is one drift and not two.
    #[serde(default)]
    pub interfaces: Vec<String>,
    pub router_interface: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Neighbor {
    pub address: String,
    /// Pseudowire or service id, as printed.
    pub id: Option<String>,
}

/// An L2 service that is not a plain bridge domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub kind: ServiceKind,
    pub name: String,
    /// Derived, sorted, not compared (see [`BridgeDomain::interfaces`]).
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// Sorted.
    #[serde(default)]
    pub neighbors: Vec<Neighbor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlan {
    pub id: u16,
    pub name: Option<String>,
    /// Derived, sorted, not compared.
    #[serde(default)]
    pub interfaces: Vec<String>,
}

/// Any fact. In JSON it is the inner object; the kind stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fact {
    Interface(Interface),
    BridgeDomain(BridgeDomain),
    Service(Service),
    Vlan(Vlan),
}

/// One compared field of a fact or a record: its name and its value as text.
/// `None` means: the fact does not have it, or the record does not manage it.
pub type Field = (&'static str, Option<String>);

impl Fact {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Interface(_) => Kind::Interface,
            Self::BridgeDomain(_) => Kind::BridgeDomain,
            Self::Service(_) => Kind::Service,
            Self::Vlan(_) => Kind::Vlan,
        }
    }

    pub fn key(&self) -> FactKey {
        let key = match self {
            Self::Interface(x) => x.name.clone(),
            Self::BridgeDomain(x) => x.name.clone(),
            Self::Service(x) => format!("{}/{}", x.kind.as_str(), x.name),
            Self::Vlan(x) => x.id.to_string(),
        };
        FactKey { kind: self.kind(), key }
    }

    /// False only for a port that no configuration names.
    pub fn is_configured(&self) -> bool {
        !matches!(self, Self::Interface(x) if !x.configured)
    }

    /// The compared fields, in a fixed order. Two facts with equal fields are
    /// the same configuration, whatever was observed beside it.
    pub fn fields(&self) -> Vec<Field> {
        let text = |s: &Option<String>| s.clone();
        match self {
            Self::Interface(x) => vec![
                ("parent", text(&x.parent)),
                ("encapsulation", Some(kebab(&x.encapsulation.kind))),
                ("outer", text(&x.encapsulation.outer)),
                ("inner", text(&x.encapsulation.inner)),
                ("tpid", text(&x.encapsulation.tpid)),
                ("l2", Some(x.l2.to_string())),
                ("bundle", text(&x.bundle)),
                ("admin", x.admin.as_ref().map(kebab)),
                ("service_kind", x.service.as_ref().map(|s| s.kind.as_str().to_owned())),
                ("service", x.service.as_ref().map(|s| s.name.clone())),
                ("description", text(&x.description)),
            ],
            Self::BridgeDomain(x) => vec![
                ("admin", x.admin.as_ref().map(kebab)),
                ("router_interface", text(&x.router_interface)),
                ("description", text(&x.description)),
            ],
            Self::Service(x) => vec![("neighbours", Some(neighbours_text(&x.neighbors)))],
            Self::Vlan(x) => vec![("name", text(&x.name))],
        }
    }
}

/// `10.0.0.1:8 10.0.0.2:9`; the record CSV has the same form.
pub fn neighbours_text(neighbors: &[Neighbor]) -> String {
    let mut sorted: Vec<String> = neighbors
        .iter()
        .map(|n| n.id.as_ref().map_or_else(|| n.address.clone(), |id| format!("{}:{id}", n.address)))
        .collect();
    sorted.sort();
    sorted.join(" ")
}

/// The serde name of a unit variant.
fn kebab<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// The canonical form of a set of tags: ascending, merged ranges. `None` when
/// a part is no number from 0 to 4095 or a range runs backwards.
///
/// ```
/// # use driftcast::model::fact::canonical_tags;
/// assert_eq!(canonical_tags("360, 350,400-410,401").as_deref(), Some("350,360,400-410"));
/// assert_eq!(canonical_tags("any"), None);
/// ```
pub fn canonical_tags(text: &str) -> Option<String> {
    let mut ranges = Vec::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|p| !p.is_empty()) {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high): (u16, u16) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        if low > high || high > 4095 {
            return None;
        }
        ranges.push((low, high));
    }
    if ranges.is_empty() {
        return None;
    }
    ranges.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match merged.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    let parts: Vec<String> = merged
        .into_iter()
        .map(|(low, high)| if low == high { low.to_string() } else { format!("{low}-{high}") })
        .collect();
    Some(parts.join(","))
}

/// Whether a canonical tag string names more than one id.
pub fn is_many(tags: &str) -> bool {
    tags.contains([',', '-'])
}
