//! What both systems have in common, in one shape: devices, interfaces, VLANs
//! and the L2VPNs that those are in.

use std::collections::HashMap;

use serde_json::Value;

use super::api::id_of;

/// One device as it stands there. Absent texts are empty.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) active: bool,
    pub(super) address: String,
    pub(super) platform: String,
    pub(super) role: String,
    pub(super) site: String,
    pub(super) tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vlan {
    pub(super) id: String,
    pub(super) vid: u64,
    pub(super) name: String,
}

/// An interface. Two are equal when nothing that we compare or write differs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Port {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) device_id: String,
    pub(super) name: String,
    /// `virtual`, `lag`, `bridge`, or a hardware type.
    pub(super) kind: String,
    pub(super) enabled: Option<bool>,
    pub(super) description: String,
    pub(super) parent: Option<String>,
    pub(super) lag: Option<String>,
    pub(super) bridge: Option<String>,
    pub(super) mode: String,
    pub(super) untagged: Option<Vlan>,
    pub(super) tagged: Vec<Vlan>,
    pub(super) service_vlan: Option<Vlan>,
    /// The custom field that has the tags.
    pub(super) custom: Option<String>,
    pub(super) last_updated: String,
}

impl Port {
    /// Whether it is a sub-interface, whose tags say which frames are its own.
    pub(super) fn is_sub(&self) -> bool {
        self.parent.is_some() || (self.kind == "virtual" && self.name.contains('.'))
    }
}

pub(super) struct Vpn {
    pub(super) name: String,
    /// The word of the system, such as `vpls`.
    pub(super) kind: String,
}

/// Everything that records are made of.
#[derive(Default)]
pub(super) struct Stock {
    pub(super) ports: Vec<Port>,
    /// By id.
    pub(super) vpns: HashMap<String, Vpn>,
    /// Interface id → L2VPN id.
    pub(super) on_port: HashMap<String, String>,
    /// VLAN id → L2VPN id.
    pub(super) on_vlan: HashMap<String, String>,
}

/// The text at a path such as `/device/name`; empty if there is none.
pub(super) fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn filled(value: &Value, path: &str) -> Option<String> {
    Some(text(value, path)).filter(|text| !text.is_empty())
}

pub(super) fn vlan(value: &Value) -> Option<Vlan> {
    let vid = value.get("vid")?.as_u64()?;
    Some(Vlan { id: id_of(value)?, vid, name: text(value, "/name") })
}

/// The interface in `value`; the two systems differ in how the parent is called.
pub(super) fn port(value: &Value, field: Option<&str>) -> Option<Port> {
    let parent = filled(value, "/parent/name").or_else(|| filled(value, "/parent_interface/name"));
    let choice = |key: &str| {
        filled(value, &format!("/{key}/value")).unwrap_or_else(|| text(value, &format!("/{key}")))
    };
    let custom = field.and_then(|field| match value.get("custom_fields")?.get(field)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    Some(Port {
        id: id_of(value)?,
        device: filled(value, "/device/name")?,
        device_id: id_of(value.get("device")?)?,
        name: filled(value, "/name")?,
        kind: choice("type"),
        enabled: value.get("enabled").and_then(Value::as_bool),
        description: text(value, "/description"),
        parent,
        lag: filled(value, "/lag/name"),
        bridge: filled(value, "/bridge/name"),
        mode: choice("mode"),
        untagged: value.get("untagged_vlan").and_then(vlan),
        tagged: value
            .get("tagged_vlans")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(vlan)
            .collect(),
        service_vlan: value.get("qinq_svlan").and_then(vlan),
        custom,
        last_updated: text(value, "/last_updated"),
    })
}
