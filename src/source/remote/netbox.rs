//! NetBox 4: where things stand in its JSON. A page that lacks what every
//! object has is an error, not an object fewer.

use serde_json::Value;

use super::RemoteTable;
use super::api::{Api, RemoteError, id_of};
use super::stock::{Found, Stock, Vpn, port, text};

/// The fields of an interface that are asked for; versions before 4.5 give all.
const FIELDS: &str = "id,name,device,type,enabled,parent,lag,bridge,mode,untagged_vlan,tagged_vlans,qinq_svlan,description,custom_fields,last_updated";

fn only_site(table: &RemoteTable) -> Vec<(&str, &str)> {
    table.site.iter().map(|site| ("site", site.as_str())).collect()
}

pub(super) fn devices(api: &Api, table: &RemoteTable) -> Result<Vec<Found>, RemoteError> {
    let list = api.list("dcim/devices", &only_site(table))?;
    Ok(list.iter().map(found).collect())
}

fn found(value: &Value) -> Found {
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    Found {
        id: id_of(value).unwrap_or_default(),
        name: value.get("name").and_then(Value::as_str).map(str::to_owned),
        active: text(value, "/status/value") == "active",
        address: text(value, "/primary_ip/address").split('/').next().unwrap_or_default().to_owned(),
        platform: text(value, "/platform/slug"),
        role: text(value, "/role/slug"),
        site: text(value, "/site/slug"),
        tags: tags.map(|tag| text(tag, "/slug")).collect(),
    }
}

pub(super) fn stock(api: &Api, table: &RemoteTable) -> Result<Stock, RemoteError> {
    let field = table.encapsulation_field.as_deref();
    let mut query = only_site(table);
    query.push(("fields", FIELDS));
    let shape = |what: &str| RemoteError::Shape { at: api.place(), what: what.to_owned() };
    let mut stock = Stock::default();
    for value in api.list("dcim/interfaces", &query)? {
        stock
            .ports
            .push(port(&value, field).ok_or_else(|| shape("an interface without a name or a device"))?);
    }
    for value in api.list("vpn/l2vpns", &[])? {
        let id = id_of(&value).unwrap_or_default();
        let kind = Some(text(&value, "/type/value")).filter(|kind| !kind.is_empty());
        let kind = kind.unwrap_or_else(|| text(&value, "/type"));
        stock.vpns.insert(id, Vpn { name: text(&value, "/name"), kind });
    }
    for value in api.list("vpn/l2vpn-terminations", &[])? {
        let vpn =
            value.get("l2vpn").and_then(id_of).ok_or_else(|| shape("a termination without an L2VPN"))?;
        let object = value.get("assigned_object_id").map(|id| id.to_string().trim_matches('"').to_owned());
        let object = object.ok_or_else(|| shape("a termination without an object"))?;
        match text(&value, "/assigned_object_type").as_str() {
            "dcim.interface" => drop(stock.on_port.insert(object, vpn)),
            "ipam.vlan" => drop(stock.on_vlan.insert(object, vpn)),
            // Interfaces of virtual machines are none of a device's.
            _ => {}
        }
    }
    Ok(stock)
}
