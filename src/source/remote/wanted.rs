//! Interfaces and L2VPNs of a remote system → records.
//!
//! What has no counterpart is left unmanaged and said. Plain ports that nothing
//! is said about give no record: both systems list every hole of a chassis.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::stock::{Port, Stock, Vlan};
use super::{Pulled, RemoteTable, Tagging, left_out};
use crate::model::{Device, ServiceKind};
use crate::source::record::Settler;
use crate::source::{Place, Problems, SourceError, shown};

/// Types of L2VPN that are a kind of service of ours. Trees, VXLAN without
/// EVPN and shortest-path bridging are none.
const KINDS: &[(&str, &str)] = &[
    ("vpws", "vpws"),
    ("epl", "vpws"),
    ("evpl", "vpws"),
    ("vpls", "vpls"),
    ("mpls-evpn", "evpn"),
    ("pbb-evpn", "evpn"),
    ("vxlan-evpn", "evpn"),
    ("evpn-vpws", "evpn-vpws"),
];

pub(super) fn is_kind(word: &str) -> bool {
    ServiceKind::parse(word).is_some()
}

/// Our kind for a type of L2VPN.
pub(super) fn kind_of<'a>(table: &'a RemoteTable, word: &str) -> Option<&'a str> {
    let built_in = KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    table.services.get(word).map(String::as_str).or(built_in)
}

/// The tags of a sub-interface, as the columns of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) encapsulation: &'static str,
    pub(super) outer: String,
    pub(super) inner: String,
}

impl Tags {
    /// `dot1q`, `qinq` or `range`, by how many ids there are.
    fn of(outer: &str, inner: &str) -> Self {
        let many = |ids: &str| ids.contains([',', '-']);
        let encapsulation = match (outer, inner) {
            (outer, inner) if many(outer) || many(inner) => "range",
            (_, "") => "dot1q",
            _ => "qinq",
        };
        Self { encapsulation, outer: outer.to_owned(), inner: inner.to_owned() }
    }
}

/// The tags of a sub-interface, from where this installation keeps them; `None`
/// if they do not stand there. The error is a text that cannot be tags.
pub(super) fn tags_of(port: &Port, tagging: Tagging) -> Result<Option<Tags>, String> {
    let vids = |vlans: &[Vlan]| {
        let ids: BTreeSet<u64> = vlans.iter().map(|vlan| vlan.vid).collect();
        ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
    };
    Ok(match tagging {
        Tagging::TaggedVlans => {
            let tagged = vids(&port.tagged);
            match &port.service_vlan {
                Some(service) if port.mode == "q-in-q" => Some(Tags::of(&service.vid.to_string(), &tagged)),
                _ => (!tagged.is_empty()).then(|| Tags::of(&tagged, "")),
            }
        }
        Tagging::UntaggedVlan => port.untagged.as_ref().map(|vlan| Tags::of(&vlan.vid.to_string(), "")),
        Tagging::CustomField => port.custom.as_deref().map(written).transpose()?,
        Tagging::Name => match port.name.split_once('.') {
            Some((_, rest)) => Some(written(rest)?),
            None => None,
        },
    })
}

/// `251`, or `100.251` for two tags.
fn written(text: &str) -> Result<Tags, String> {
    let bad = || format!("{:?} is neither a tag nor two with a dot between them", shown(text, 40));
    let is_tag = |tag: &str| tag.len() <= 4 && tag.parse::<u16>().is_ok_and(|id| (1..=4094).contains(&id));
    let (outer, inner) = text.trim().split_once(['.', '/']).unwrap_or((text.trim(), ""));
    if is_tag(outer) && (inner.is_empty() || is_tag(inner)) { Ok(Tags::of(outer, inner)) } else { Err(bad()) }
}

/// The L2VPN that a port is in: itself, or through one of its VLANs.
pub(super) fn vpn_of<'a>(stock: &'a Stock, port: &Port) -> Option<&'a str> {
    let vlans = port.tagged.iter().chain(&port.untagged);
    let through = || vlans.into_iter().find_map(|vlan| stock.on_vlan.get(&vlan.id));
    stock.on_port.get(&port.id).or_else(through).map(String::as_str)
}

type Cells = BTreeMap<&'static str, String>;

pub(super) fn records(
    stock: &Stock,
    table: &RemoteTable,
    devices: &[Device],
    place: &str,
) -> Result<Pulled, SourceError> {
    let ours: HashMap<&str, &Device> = devices.iter().map(|device| (device.name.as_str(), device)).collect();
    let (mut strangers, mut foreign, mut untold) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut plain = 0_usize;
    let mut rows: Vec<Cells> = Vec::new();
    // Things that several interfaces share: services, bridge domains, VLANs.
    let mut shared: BTreeMap<(String, &str, String), Cells> = BTreeMap::new();
    for port in &stock.ports {
        let Some(device) = ours.get(port.device.as_str()) else {
            strangers.insert(port.device.clone());
            continue;
        };
        let mut cells = Cells::from([("device", port.device.clone()), ("name", port.name.clone())]);
        if let Some(enabled) = port.enabled {
            cells.insert("admin", (if enabled { "up" } else { "down" }).to_owned());
        }
        cells.insert("description", port.description.clone());
        if port.kind == "bridge" {
            cells.insert("kind", "bridge-domain".to_owned());
            shared.insert((port.device.clone(), "bridge-domain", port.name.clone()), cells);
            continue;
        }
        cells.insert("kind", "interface".to_owned());
        cells.insert("parent", port.parent.clone().unwrap_or_default());
        cells.insert("bundle", port.lag.clone().unwrap_or_default());
        let mut says = port.lag.is_some() || port.enabled == Some(false) || !port.description.is_empty();
        says |= port.kind == "lag" || port.is_sub();
        if port.is_sub() {
            match tags_of(port, table.encapsulation) {
                Ok(Some(tags)) => {
                    cells.insert("encapsulation", tags.encapsulation.to_owned());
                    cells.insert("outer", tags.outer);
                    cells.insert("inner", tags.inner);
                }
                Ok(None) => {}
                Err(why) => untold.push(format!("{} {}: {why}", port.device, port.name)),
            }
        }
        let vpn = vpn_of(stock, port).and_then(|id| stock.vpns.get(id));
        let service = match vpn {
            Some(vpn) => {
                let kind = kind_of(table, &vpn.kind);
                if kind.is_none() {
                    foreign.insert(vpn.kind.clone());
                }
                kind.map(|kind| (kind.to_owned(), vpn.name.clone()))
            }
            None => port.bridge.as_ref().map(|bridge| ("bridge-domain".to_owned(), bridge.clone())),
        };
        if let Some((kind, name)) = service {
            says = true;
            cells.insert("l2", "true".to_owned());
            cells.insert("service_kind", kind.clone());
            cells.insert("service", name.clone());
            let mut of_service = Cells::from([("device", port.device.clone())]);
            let (what, key) = if kind == "bridge-domain" {
                ("bridge-domain", name)
            } else {
                ("service", format!("{kind}/{name}"))
            };
            of_service.insert("kind", what.to_owned());
            of_service.insert("name", key.clone());
            shared.entry((port.device.clone(), what, key)).or_insert(of_service);
        }
        let has_vlans = crate::platform::by_name(&device.platform).is_some_and(|p| p.vlan_objects);
        if has_vlans && !port.is_sub() {
            for vlan in port.tagged.iter().chain(&port.untagged) {
                let of_vlan = Cells::from([
                    ("device", port.device.clone()),
                    ("kind", "vlan".to_owned()),
                    ("name", vlan.vid.to_string()),
                    ("description", vlan.name.clone()),
                ]);
                shared.entry((port.device.clone(), "vlan", vlan.vid.to_string())).or_insert(of_vlan);
            }
        }
        if says {
            rows.push(cells);
        } else {
            plain += 1;
        }
    }
    rows.extend(shared.into_values());
    let mut problems = Problems::new(place);
    let mut settler = Settler::default();
    for (place, cells) in (1..).map(Place::Entry).zip(&rows) {
        settler.add(place, |column| cells.get(column).map_or("", String::as_str), &mut problems);
    }
    let records = problems.or(settler.finish())?;
    let of = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
    let mut notes: Vec<String> = [
        left_out(&of(strangers), "device", "they are not in the inventory"),
        left_out(
            &of(foreign),
            "type of L2VPN",
            "there is no kind of service for it; see services in [source.NAME]",
        ),
        left_out(&untold, "tag", "it cannot be read, so it is not managed"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if plain > 0 {
        notes.push(format!("{plain} plain ports about which nothing is said were left out"));
    }
    Ok(Pulled { records, notes })
}
