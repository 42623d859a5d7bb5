//! What the database of record believes: one row a thing, keyed like a fact.

use serde::{Deserialize, Serialize};

use super::fact::Field;
use super::{DeviceName, FactKey, Kind};

/// How a record came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordSource {
    /// A deployment tool reported that it configured this.
    Deployed,
    /// Accepted from a scan.
    Discovered,
    /// Loaded from a file or another system.
    Imported,
}

impl RecordSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Discovered => "discovered",
            Self::Imported => "imported",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Deployed, Self::Discovered, Self::Imported].into_iter().find(|s| s.as_str() == text)
    }
}

/// One record. A field that is `None` is not managed and never compared.
/// The columns are those of the record CSV, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub device: DeviceName,
    pub kind: Kind,
    /// Interface or bridge-domain name, `kind/name` of a service, id of a VLAN.
    pub name: String,
    pub parent: Option<String>,
    /// `none`, `untagged`, `dot1q`, `qinq`, `range`, `default`.
    pub encapsulation: Option<String>,
    /// Canonical tags.
    pub outer: Option<String>,
    pub inner: Option<String>,
    pub tpid: Option<String>,
    pub l2: Option<bool>,
    pub bundle: Option<String>,
    pub service_kind: Option<String>,
    pub service: Option<String>,
    /// `address:id address:id`, sorted.
    pub neighbours: Option<String>,
    pub router_interface: Option<String>,
    /// `up` or `down`.
    pub admin: Option<String>,
    pub description: Option<String>,
    pub source: RecordSource,
}

impl Record {
    /// A record that manages nothing but the existence of its thing.
    pub fn of(device: DeviceName, kind: Kind, name: impl Into<String>, source: RecordSource) -> Self {
        Self {
            device,
            kind,
            name: name.into(),
            parent: None,
            encapsulation: None,
            outer: None,
            inner: None,
            tpid: None,
            l2: None,
            bundle: None,
            service_kind: None,
            service: None,
            neighbours: None,
            router_interface: None,
            admin: None,
            description: None,
            source,
        }
    }

    pub fn key(&self) -> FactKey {
        FactKey::new(self.kind, self.name.clone())
    }

    /// The compared fields of this record's kind, under the names that
    /// [`super::Fact::fields`] uses. A VLAN's name is its `description`.
    pub fn fields(&self) -> Vec<Field> {
        match self.kind {
            Kind::Interface => vec![
                ("parent", self.parent.clone()),
                ("encapsulation", self.encapsulation.clone()),
                ("outer", self.outer.clone()),
                ("inner", self.inner.clone()),
                ("tpid", self.tpid.clone()),
                ("l2", self.l2.map(|l2| l2.to_string())),
                ("bundle", self.bundle.clone()),
                ("admin", self.admin.clone()),
                ("service_kind", self.service_kind.clone()),
                ("service", self.service.clone()),
                ("description", self.description.clone()),
            ],
            Kind::BridgeDomain => vec![
                ("admin", self.admin.clone()),
                ("router_interface", self.router_interface.clone()),
                ("description", self.description.clone()),
            ],
            Kind::Service => vec![("neighbours", self.neighbours.clone())],
            Kind::Vlan => vec![("name", self.description.clone())],
        }
    }
}
