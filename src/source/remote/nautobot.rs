//! Nautobot 3: where things stand in its JSON. `depth=1` gives related objects
//! with their names; since 3.0 lists of related objects (tagged VLANs!) are
//! left out unless `exclude_m2m=False` asks for them.

use serde_json::Value;

use super::RemoteTable;
use super::api::{Api, RemoteError, id_of};
use super::stock::{Found, Stock, Vpn, filled, port, text};

const DEEP: [(&str, &str); 2] = [("depth", "1"), ("exclude_m2m", "False")];

pub(super) fn devices(api: &Api, table: &RemoteTable) -> Result<Vec<Found>, RemoteError> {
    let mut query = DEEP.to_vec();
    query.extend(table.site.iter().map(|site| ("location", site.as_str())));
    let list = api.list("dcim/devices", &query)?;
    Ok(list.iter().map(found).collect())
}

fn found(value: &Value) -> Found {
    let tags = value.get("tags").and_then(Value::as_array).into_iter().flatten();
    let address = ["/primary_ip4/address", "/primary_ip6/address", "/primary_ip4/host", "/primary_ip6/host"]
        .into_iter()
        .find_map(|path| filled(value, path))
        .unwrap_or_default();
    Found {
        id: id_of(value).unwrap_or_default(),
        name: value.get("name").and_then(Value::as_str).map(str::to_owned),
        active: text(value, "/status/name").eq_ignore_ascii_case("active"),
        address: address.split('/').next().unwrap_or_default().to_owned(),
        platform: filled(value, "/platform/network_driver").unwrap_or_else(|| text(value, "/platform/name")),
        role: text(value, "/role/name"),
        site: text(value, "/location/name"),
        tags: tags.map(|tag| text(tag, "/name")).collect(),
    }
}

pub(super) fn stock(api: &Api, table: &RemoteTable) -> Result<Stock, RemoteError> {
    let field = table.encapsulation_field.as_deref();
    let mut query = DEEP.to_vec();
    query.extend(table.site.iter().map(|site| ("location", site.as_str())));
    let shape = |what: &str| RemoteError::Shape { at: api.place(), what: what.to_owned() };
    let mut stock = Stock::default();
    for value in api.list("dcim/interfaces", &query)? {
        if value.get("tagged_vlans").is_none() {
            // Without them every sub-interface would look untagged.
            return Err(shape("an interface without \"tagged_vlans\"; this needs Nautobot 3"));
        }
        // An interface of a module, which belongs to no device directly.
        if value.get("device").is_some_and(Value::is_null) {
            continue;
        }
        stock
            .ports
            .push(port(&value, field).ok_or_else(|| shape("an interface without a name or a device"))?);
    }
    for value in api.list("vpn/vpns", &[("depth", "0")])? {
        let id = id_of(&value).unwrap_or_default();
        let kind = filled(&value, "/service_type/value").unwrap_or_else(|| text(&value, "/service_type"));
        stock.vpns.insert(id, Vpn { name: text(&value, "/name"), kind });
    }
    for value in api.list("vpn/vpn-terminations", &[("depth", "0")])? {
        let Some(vpn) = value.get("vpn").and_then(id_of) else { continue };
        if let Some(id) = value.get("interface").and_then(id_of) {
            stock.on_port.insert(id, vpn);
        } else if let Some(id) = value.get("vlan").and_then(id_of) {
            stock.on_vlan.insert(id, vpn);
        }
    }
    Ok(stock)
}
