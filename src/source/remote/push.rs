//! Records → a remote system, one object at a time.
//!
//! Only interfaces are written, and of them only what a record manages and the
//! system can hold. Each object is read once more before it is changed: if it
//! is not as it was when it was compared, it is skipped and named. NetBox is
//! given the version that was read (`If-Match`), so that a change in between is
//! refused there. Nautobot has no such mark: what changes within the few
//! milliseconds between the second reading and the write is not noticed.
//! Nothing is ever removed.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::api::{Api, RemoteError, Written, id_of};
use super::stock::{Port, Stock, text};
use super::wanted::{kind_of, tags_of, vpn_of};
use super::{RemoteKind, RemoteTable, Tagging};
use crate::model::{Kind, Record};
use crate::source::{SourceError, shown};

/// What was written, or would be.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Pushed {
    /// False: nothing was written, this is what would be.
    pub written: bool,
    /// `device interface: what`, safe to print.
    pub created: Vec<String>,
    pub changed: Vec<String>,
    pub unchanged: usize,
    pub skipped: Vec<Skip>,
    /// Why the writing ended early; what came before it stays.
    pub stopped: Option<String>,
}

/// A record that was not written.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Skip {
    pub what: String,
    pub why: String,
}

/// VLANs by id, with the sites that they are of; none is every site.
struct Vlans {
    all: Vec<(u64, String, Vec<String>)>,
    /// Device id → site id.
    sites: HashMap<String, String>,
}

impl Vlans {
    fn read(api: &Api, table: &RemoteTable) -> Result<Self, RemoteError> {
        let deep = [("depth", "0"), ("exclude_m2m", "False")];
        let (query, place): (&[(&str, &str)], &str) = match table.kind {
            RemoteKind::Netbox => (&[], "site"),
            RemoteKind::Nautobot => (&deep, "location"),
        };
        let many = format!("{place}s");
        let mut all = Vec::new();
        for value in api.list("ipam/vlans", query)? {
            let Some(vid) = value.get("vid").and_then(Value::as_u64) else { continue };
            let one = value.get(place).and_then(id_of);
            let more = value.get(&many).and_then(Value::as_array).into_iter().flatten().filter_map(id_of);
            all.push((vid, id_of(&value).unwrap_or_default(), one.into_iter().chain(more).collect()));
        }
        let mut sites = HashMap::new();
        for value in api.list("dcim/devices", query)? {
            let site = value.get(place).and_then(id_of);
            sites.extend(id_of(&value).zip(site));
        }
        Ok(Self { all, sites })
    }

    /// The VLANs of `tags` at the site of a device: exactly one each.
    fn ids(&self, device: &str, tags: &str) -> Result<Vec<Value>, String> {
        let site = self.sites.get(device);
        let mut ids = Vec::new();
        for vid in each(tags) {
            let here = |own: bool| {
                let fits = move |sites: &Vec<String>| {
                    if own { site.is_some_and(|site| sites.contains(site)) } else { sites.is_empty() }
                };
                self.all.iter().filter(move |(id, _, sites)| *id == vid && fits(sites))
            };
            let mut found: Vec<&String> = here(true).map(|(_, id, _)| id).collect();
            if found.is_empty() {
                found = here(false).map(|(_, id, _)| id).collect();
            }
            match found[..] {
                [id] => ids.push(reference(id)),
                [] => return Err(format!("there is no VLAN {vid} at the device's site; make it first")),
                _ => return Err(format!("there are {} VLANs {vid} at the device's site", found.len())),
            }
        }
        Ok(ids)
    }
}

/// `350,400-402` as single ids.
fn each(tags: &str) -> Vec<u64> {
    let mut ids = Vec::new();
    for part in tags.split(',') {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(low), Ok(high)) = (low.trim().parse(), high.trim().parse::<u64>()) {
            ids.extend(low..=high.min(4095));
        }
    }
    ids
}

/// An id as the system writes it: a number, or a text.
fn reference(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| json!(id), |number| json!(number))
}

pub(super) fn push(
    api: &Api,
    table: &RemoteTable,
    stock: &Stock,
    records: &[Record],
    write: bool,
) -> Result<Pushed, SourceError> {
    let vlans = Vlans::read(api, table)?;
    let ports: HashMap<(&str, &str), &Port> =
        stock.ports.iter().map(|port| ((port.device.as_str(), port.name.as_str()), port)).collect();
    let mut pushed = Pushed { written: write, ..Pushed::default() };
    let mut writer = Writer { api, table, stock, vlans, ports, write };
    for record in records.iter().filter(|record| record.kind == Kind::Interface) {
        let what = shown(&format!("{} {}", record.device, record.name), 200);
        if pushed.stopped.is_some() {
            pushed.skipped.push(Skip { what, why: "not tried".to_owned() });
            continue;
        }
        match writer.one(record) {
            Ok(Outcome::Unchanged) => pushed.unchanged += 1,
            Ok(Outcome::Created(said)) => pushed.created.push(format!("{what}: {said}")),
            Ok(Outcome::Changed(said)) => pushed.changed.push(format!("{what}: {said}")),
            Ok(Outcome::Skipped(why)) => pushed.skipped.push(Skip { what, why }),
            // The next would fail in the same way: no access, no server.
            Err(error) => {
                pushed.skipped.push(Skip { what, why: error.to_string() });
                pushed.stopped = Some(error.to_string());
            }
        }
    }
    Ok(pushed)
}

enum Outcome {
    Unchanged,
    Created(String),
    Changed(String),
    Skipped(String),
}

struct Writer<'a> {
    api: &'a Api,
    table: &'a RemoteTable,
    stock: &'a Stock,
    vlans: Vlans,
    ports: HashMap<(&'a str, &'a str), &'a Port>,
    write: bool,
}

impl Writer<'_> {
    fn one(&mut self, record: &Record) -> Result<Outcome, RemoteError> {
        let device = record.device.as_str();
        match self.ports.get(&(device, record.name.as_str())).copied() {
            Some(port) => self.change(port, record),
            None => self.create(record),
        }
    }

    fn change(&mut self, port: &Port, record: &Record) -> Result<Outcome, RemoteError> {
        let mut body = Map::new();
        let mut said = Vec::new();
        if let Some(up) = record.admin.as_deref().map(|admin| admin == "up")
            && port.enabled != Some(up)
        {
            body.insert("enabled".to_owned(), json!(up));
            said.push(format!("admin {}", if up { "up" } else { "down" }));
        }
        if let Some(description) = &record.description
            && *description != port.description
        {
            body.insert("description".to_owned(), json!(description));
            said.push("description".to_owned());
        }
        if let Err(why) = self.tag(port.is_sub(), Some(port), &port.device_id, record, &mut body, &mut said) {
            return Ok(Outcome::Skipped(why));
        }
        let joins = match self.service(Some(port), record) {
            Ok(joins) => joins,
            Err(why) => return Ok(Outcome::Skipped(why)),
        };
        if let Some((_, name)) = &joins {
            said.push(format!("into {}", shown(name, 80)));
        }
        if said.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        if !self.write {
            return Ok(Outcome::Changed(said.join(", ")));
        }
        let what = format!("dcim/interfaces/{}", port.id);
        let query = if self.table.kind == RemoteKind::Nautobot { "?depth=1&exclude_m2m=False" } else { "" };
        let now = self.api.get(&what, query)?;
        let field = self.table.encapsulation_field.as_deref();
        let meanwhile = "it was changed by somebody else in the meantime; compare again";
        if super::stock::port(&now.value, field).as_ref() != Some(port) {
            return Ok(Outcome::Skipped(meanwhile.to_owned()));
        }
        if self.table.kind == RemoteKind::Netbox && now.etag.is_none() {
            return Ok(Outcome::Skipped(
                "this NetBox marks no versions (ETag), so a change of somebody else could be lost; it needs NetBox 4.6"
                    .to_owned(),
            ));
        }
        if !body.is_empty() {
            match self.api.patch(&what, &Value::Object(body), now.etag.as_deref())? {
                Written::Done => {}
                Written::Changed => return Ok(Outcome::Skipped(format!("{meanwhile} (412)"))),
                Written::Rejected(words) => return Ok(Outcome::Skipped(format!("it was rejected: {words}"))),
            }
        }
        if let Some((vpn, name)) = joins
            && let Some(words) = self.join(&vpn, &port.id)?
        {
            return Ok(Outcome::Skipped(format!("it could not join {}: {words}", shown(&name, 80))));
        }
        Ok(Outcome::Changed(said.join(", ")))
    }

    /// A sub-interface that is not there yet. Ports are hardware: they are for
    /// people to add.
    fn create(&mut self, record: &Record) -> Result<Outcome, RemoteError> {
        let device = record.device.as_str();
        let parent = record.parent.as_deref().or_else(|| record.name.rsplit_once('.').map(|(port, _)| port));
        let Some(parent) = parent.and_then(|parent| self.ports.get(&(device, parent)).copied()) else {
            return Ok(Outcome::Skipped("neither it nor its port is there".to_owned()));
        };
        let mut body = Map::from_iter([
            ("device".to_owned(), reference(&parent.device_id)),
            ("name".to_owned(), json!(record.name)),
            ("type".to_owned(), json!("virtual")),
        ]);
        match self.table.kind {
            RemoteKind::Netbox => body.insert("parent".to_owned(), reference(&parent.id)),
            RemoteKind::Nautobot => {
                body.insert("status".to_owned(), json!({ "name": "Active" }));
                body.insert("parent_interface".to_owned(), reference(&parent.id))
            }
        };
        if let Some(admin) = &record.admin {
            body.insert("enabled".to_owned(), json!(admin == "up"));
        }
        if let Some(description) = &record.description {
            body.insert("description".to_owned(), json!(description));
        }
        let mut said = vec!["new".to_owned()];
        if let Err(why) = self.tag(true, None, &parent.device_id, record, &mut body, &mut said) {
            return Ok(Outcome::Skipped(why));
        }
        let joins = match self.service(None, record) {
            Ok(joins) => joins,
            Err(why) => return Ok(Outcome::Skipped(why)),
        };
        if let Some((_, name)) = &joins {
            said.push(format!("into {}", shown(name, 80)));
        }
        if !self.write {
            return Ok(Outcome::Created(said.join(", ")));
        }
        match self.api.post("dcim/interfaces", &Value::Object(body))? {
            Written::Done => {}
            Written::Changed => return Ok(Outcome::Skipped("somebody else was faster (412)".to_owned())),
            Written::Rejected(words) => return Ok(Outcome::Skipped(format!("it was rejected: {words}"))),
        }
        if let Some((vpn, name)) = joins {
            // The system chose the id of what was made.
            let id = self.id_of_new(&parent.device_id, &record.name)?;
            let words = match id {
                Some(id) => self.join(&vpn, &id)?,
                None => Some("it is not found after it was made".to_owned()),
            };
            if let Some(words) = words {
                let name = shown(&name, 80);
                return Ok(Outcome::Skipped(format!("it was made, but could not join {name}: {words}")));
            }
        }
        Ok(Outcome::Created(said.join(", ")))
    }

    fn id_of_new(&self, device: &str, name: &str) -> Result<Option<String>, RemoteError> {
        let key = if self.table.kind == RemoteKind::Netbox { "device_id" } else { "device" };
        let list = self.api.list("dcim/interfaces", &[(key, device), ("name", name)])?;
        Ok(list.iter().find(|value| text(value, "/name") == name).and_then(id_of))
    }

    /// Puts the tags of a sub-interface into `body`, if they are not there yet.
    fn tag(
        &self,
        is_sub: bool,
        port: Option<&Port>,
        device: &str,
        record: &Record,
        body: &mut Map<String, Value>,
        said: &mut Vec<String>,
    ) -> Result<(), String> {
        let (Some(outer), true) = (record.outer.as_deref(), is_sub) else { return Ok(()) };
        let inner = record.inner.as_deref();
        let now =
            port.map(|port| tags_of(port, self.table.encapsulation)).transpose().ok().flatten().flatten();
        let same = |have: &str, want: &str| each(have) == each(want);
        if now.is_some_and(|now| same(&now.outer, outer) && same(&now.inner, inner.unwrap_or(""))) {
            return Ok(());
        }
        let cannot = |why: &str| Err(format!("its tags cannot be kept there: {why}"));
        let many = each(outer).len() > 1 || inner.is_some_and(|inner| each(inner).len() > 1);
        match self.table.encapsulation {
            Tagging::TaggedVlans => match inner {
                None => {
                    body.insert("mode".to_owned(), json!("tagged"));
                    body.insert("tagged_vlans".to_owned(), Value::Array(self.vlans.ids(device, outer)?));
                }
                Some(_) if self.table.kind == RemoteKind::Nautobot => {
                    return cannot("Nautobot knows no q-in-q");
                }
                Some(inner) => {
                    let service = self.vlans.ids(device, outer)?;
                    let [service] = &service[..] else {
                        return cannot("more than one outer tag with inner ones");
                    };
                    body.insert("mode".to_owned(), json!("q-in-q"));
                    body.insert("qinq_svlan".to_owned(), service.clone());
                    body.insert("tagged_vlans".to_owned(), Value::Array(self.vlans.ids(device, inner)?));
                }
            },
            Tagging::UntaggedVlan if many || inner.is_some() => return cannot("an untagged VLAN is one tag"),
            Tagging::UntaggedVlan => {
                body.insert("mode".to_owned(), json!("access"));
                let ids = self.vlans.ids(device, outer)?;
                body.insert("untagged_vlan".to_owned(), ids.into_iter().next().unwrap_or_default());
            }
            Tagging::CustomField if many => return cannot("the custom field has single tags"),
            Tagging::CustomField => {
                let field = self.table.encapsulation_field.clone().unwrap_or_default();
                let value = match inner {
                    Some(inner) => json!(format!("{outer}.{inner}")),
                    None => reference(outer),
                };
                body.insert("custom_fields".to_owned(), json!({ field: value }));
            }
            Tagging::Name => return cannot("they are its name"),
        }
        let inner = inner.map_or_else(String::new, |inner| format!(" / {inner}"));
        said.push(format!("tags {outer}{inner}"));
        Ok(())
    }

    /// The L2VPN (id, name) that the interface has to join; `None` if nothing is to do.
    fn service(&self, port: Option<&Port>, record: &Record) -> Result<Option<(String, String)>, String> {
        let (Some(kind), Some(name)) = (&record.service_kind, &record.service) else { return Ok(None) };
        let current = port.and_then(|port| vpn_of(self.stock, port));
        if let Some(vpn) = current.and_then(|id| self.stock.vpns.get(id)) {
            if vpn.name == *name && kind_of(self.table, &vpn.kind) == Some(kind) {
                return Ok(None);
            }
            return Err(format!("it is in another L2VPN there, {}", shown(&vpn.name, 80)));
        }
        if let Some(bridge) = port.and_then(|port| port.bridge.as_ref()) {
            if kind == "bridge-domain" && bridge == name {
                return Ok(None);
            }
            return Err(format!("it is in another bridge there, {}", shown(bridge, 80)));
        }
        let fits = self
            .stock
            .vpns
            .iter()
            .filter(|(_, vpn)| vpn.name == *name && kind_of(self.table, &vpn.kind) == Some(kind));
        match fits.collect::<Vec<_>>()[..] {
            [(id, vpn)] => Ok(Some((id.clone(), vpn.name.clone()))),
            [] => Err(format!("there is no L2VPN for {kind} {}; make it first", shown(name, 80))),
            _ => Err(format!("there are several L2VPNs for {kind} {}", shown(name, 80))),
        }
    }

    /// Puts an interface into an L2VPN; the system's words if it will not.
    fn join(&self, vpn: &str, port: &str) -> Result<Option<String>, RemoteError> {
        let (what, body) = match self.table.kind {
            RemoteKind::Netbox => (
                "vpn/l2vpn-terminations",
                json!({
                    "l2vpn": reference(vpn),
                    "assigned_object_type": "dcim.interface",
                    "assigned_object_id": reference(port),
                }),
            ),
            RemoteKind::Nautobot => {
                ("vpn/vpn-terminations", json!({ "vpn": reference(vpn), "interface": reference(port) }))
            }
        };
        Ok(match self.api.post(what, &body)? {
            Written::Done => None,
            Written::Changed => Some("somebody else was faster".to_owned()),
            Written::Rejected(words) => Some(words),
        })
    }
}
