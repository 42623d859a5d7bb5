//! NetBox and Nautobot: as inventory, as source of records and as their target.
//!
//! A `[source.NAME]` says where, and where the token is. Reading gives
//! everything or an error, never a part: a page that is missing is an error.
//! Writing changes one object at a time, only what a record manages, only if
//! the object is as it was when it was compared, and removes nothing.

mod api;
mod base;
mod nautobot;
mod netbox;
mod push;
mod stock;
#[cfg(test)]
mod tests;
mod token;
mod wanted;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::inventory::{Row, left_out, platform_of};
use super::{Inventory, Place, Problems, SourceError, inventory};
use crate::model::{Device, Record};
use api::Api;
pub use api::RemoteError;
pub use push::{Pushed, Skip};

/// Which system stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemoteKind {
    /// NetBox 4.
    Netbox,
    /// Nautobot 3.
    Nautobot,
}

/// Where the tag of a sub-interface stands: neither system has a field for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tagging {
    /// The tagged VLANs; with a service VLAN (q-in-q) they are the inner ones.
    #[default]
    TaggedVlans,
    UntaggedVlan,
    /// A custom field: 251, or 100.251 for two tags.
    CustomField,
    /// What is behind the last dot of the name.
    Name,
}

/// One `[source.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteTable {
    pub kind: RemoteKind,
    /// `https://…`; plain http on loopback only.
    pub url: String,
    /// Name of an environment variable that holds the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// A file with the token, readable by its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// A shell command that prints the token within ten seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_command: Option<String>,
    #[serde(default)]
    pub encapsulation: Tagging,
    /// The custom field, if `encapsulation` is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encapsulation_field: Option<String>,
    /// Only this site (its slug in NetBox, a location's name in Nautobot).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Types of L2VPN → our kinds of service, beside the built-in ones. Neither
    /// system has a type for a plain bridge domain: `vpls = "bridge-domain"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, String>,
}

/// Records that a remote system has.
#[derive(Clone, Debug, PartialEq)]
pub struct Pulled {
    pub records: Vec<Record>,
    /// What was left out, and why; safe to print.
    pub notes: Vec<String>,
}

/// A remote system that can be asked.
#[derive(Debug)]
pub struct Remote {
    api: Api,
    table: RemoteTable,
}

impl Remote {
    /// Checks the table and fetches the token. Nothing is sent yet. `variable`
    /// gives environment variables.
    pub fn new(
        name: &str,
        table: &RemoteTable,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, RemoteError> {
        let setting = |why: String| RemoteError::Setting { name: name.to_owned(), why };
        let base = base::Base::parse(&table.url).map_err(|why| setting(format!("url: {why}")))?;
        let needs_field = table.encapsulation == Tagging::CustomField;
        if needs_field != table.encapsulation_field.is_some() {
            return Err(setting(
                "encapsulation = \"custom_field\" and encapsulation_field = \"NAME\" belong together"
                    .to_owned(),
            ));
        }
        if let Some((word, kind)) = table.services.iter().find(|(_, kind)| !wanted::is_kind(kind)) {
            return Err(setting(format!("services.{word}: {kind:?} is no kind of service")));
        }
        let token = token::fetch(table, variable).map_err(setting)?;
        Ok(Self { api: Api::new(name, base, table.kind, &token), table: table.clone() })
    }

    /// Where it is, for messages.
    pub fn place(&self) -> String {
        self.api.place()
    }

    /// The active devices that have a name, an address and a platform.
    pub fn inventory(&self) -> Result<Inventory, SourceError> {
        let found = match self.table.kind {
            RemoteKind::Netbox => netbox::devices(&self.api, &self.table)?,
            RemoteKind::Nautobot => nautobot::devices(&self.api, &self.table)?,
        };
        let (mut idle, mut nameless, mut unreachable, mut blank) = (vec![], vec![], vec![], vec![]);
        let mut rows = Vec::new();
        for (place, device) in (1..).map(Place::Entry).zip(&found) {
            let name = device.name.clone().unwrap_or_default();
            if !device.active {
                idle.push(name);
            } else if name.is_empty() {
                nameless.push(device.id.clone());
            } else if device.address.is_empty() {
                unreachable.push(name);
            } else if device.platform.is_empty() {
                blank.push(name);
            } else {
                let mut row = Row::default();
                row.put("name", name);
                row.put("address", device.address.as_str());
                row.put("platform", platform_of(&device.platform));
                row.put("role", device.role.as_str());
                row.put("site", device.site.as_str());
                row.put("tags", device.tags.join(";"));
                rows.push((place, row));
            }
        }
        let devices = inventory::settle(&rows, Problems::new(&self.place()))?;
        let notes = [
            left_out(&idle, "device", "their status is not active"),
            left_out(&nameless, "device", "they have no name, these are their ids"),
            left_out(&unreachable, "device", "they have no primary address"),
            left_out(&blank, "device", "they have no platform"),
        ];
        Ok(Inventory { devices, notes: notes.into_iter().flatten().collect() })
    }

    /// The records of `devices`.
    pub fn records(&self, devices: &[Device]) -> Result<Pulled, SourceError> {
        wanted::records(&self.stock()?, &self.table, devices, &self.place())
    }

    /// Writes what `records` manage into the system; without `write` it only
    /// says what it would do.
    pub fn push(&self, records: &[Record], write: bool) -> Result<Pushed, SourceError> {
        push::push(&self.api, &self.table, &self.stock()?, records, write)
    }

    fn stock(&self) -> Result<stock::Stock, RemoteError> {
        match self.table.kind {
            RemoteKind::Netbox => netbox::stock(&self.api, &self.table),
            RemoteKind::Nautobot => nautobot::stock(&self.api, &self.table),
        }
    }
}
