//! Two devices that claim one thing. A plan that would record both is wrong
//! about one of them, and no rule can say about which: both are held back and
//! shown.
//!
//! A pseudowire is known at its far end by its id: one far address and id can
//! belong to one device only. A point-to-point service has two ends; a third
//! device with its name is one too many. And where VLAN ids are handed out for
//! a site or a fleet, an id belongs to one service there. Multi-point services
//! and bridge domains are on many devices by design and claim nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::draft::{Draft, Hold};
use super::{Held, Item};
use crate::model::device::DeviceName;
use crate::model::{Kind, Record};

/// In which area a VLAN id means one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VlanOwner {
    /// The same id may mean something else on the next port.
    #[default]
    Port,
    Site,
    Fleet,
}

/// Services with exactly two ends.
const TWO_ENDED: [&str; 4] = ["vpws", "evpn-vpws", "l2circuit", "epipe"];
/// Services whose far end knows one pseudowire by its id.
const PSEUDOWIRES: [&str; 5] = ["vpws", "evpn-vpws", "l2circuit", "epipe", "xconnect"];

/// A claim: what, and what is said about it. Two devices that say the same of
/// an `Ends` claim share it; of a `Sole` claim they cannot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Pseudowire(String),
    Ends(String),
    Vlan { area: String, id: String, service: String },
}

/// Moves the items that claim what another device claims, by the plan or by
/// the record, from `items` to `held`. `site_of` says where a device stands.
pub fn hold_conflicts(
    drafts: &mut [Draft],
    records: &[Record],
    owner: VlanOwner,
    site_of: &BTreeMap<DeviceName, String>,
) {
    let claims = |record: &Record| claims_of(record, owner, site_of);
    let mut new: BTreeMap<Claim, BTreeSet<&DeviceName>> = BTreeMap::new();
    let mut replaced: BTreeSet<(&DeviceName, Kind, &str)> = BTreeSet::new();
    for item in drafts.iter().flat_map(|draft| &draft.items) {
        if let Some(record) = item.before.as_ref() {
            replaced.insert((&record.device, item.kind, &item.key));
        }
        if let Some(record) = &item.after {
            for claim in claims(record) {
                new.entry(claim).or_default().insert(&record.device);
            }
        }
    }
    if new.is_empty() {
        return;
    }
    // The records as they would be: what the plan replaces no longer claims.
    let mut all = new.clone();
    for record in records {
        if !replaced.contains(&(&record.device, record.kind, record.name.as_str())) {
            for claim in claims(record) {
                all.entry(claim).or_default().insert(&record.device);
            }
        }
    }
    let clashes: BTreeMap<Claim, (String, BTreeSet<DeviceName>)> = new
        .keys()
        .filter_map(|claim| {
            let (what, devices) = clash(claim, &all)?;
            Some((claim.clone(), (what, devices.into_iter().cloned().collect())))
        })
        .collect();
    if clashes.is_empty() {
        return;
    }
    for draft in drafts {
        let (kept, held): (Vec<Item>, Vec<Item>) =
            std::mem::take(&mut draft.items).into_iter().partition(|item| {
                !item.after.as_ref().is_some_and(|r| claims(r).iter().any(|c| clashes.contains_key(c)))
            });
        draft.items = kept;
        draft.held.extend(held.into_iter().filter_map(|item| {
            let record = item.after.as_ref()?;
            let claims = claims(record);
            let (what, devices) = claims.iter().find_map(|claim| clashes.get(claim))?;
            let also: Vec<&str> =
                devices.iter().filter(|d| **d != record.device).map(DeviceName::as_str).collect();
            let why = Hold::Claimed { what: what.clone(), also: also.join(", ") };
            Some(Held {
                device: record.device.clone(),
                kind: item.kind,
                key: item.key,
                drift: item.drift?,
                class: item.action.class(),
                text: why.to_string(),
                why,
            })
        }));
    }
}

fn claims_of(record: &Record, owner: VlanOwner, site_of: &BTreeMap<DeviceName, String>) -> Vec<Claim> {
    let mut claims = Vec::new();
    match record.kind {
        Kind::Service => {
            let kind = record.name.split('/').next().unwrap_or_default();
            if PSEUDOWIRES.contains(&kind) {
                let ends = record.neighbours.iter().flat_map(|all| all.split_whitespace());
                // An end without an id is told apart by nothing.
                let known =
                    ends.filter(|end| end.rsplit(':').next().is_some_and(|id| id.chars().any(|c| c != '0')));
                claims.extend(
                    known.filter(|end| end.contains(':')).map(|end| Claim::Pseudowire(end.to_owned())),
                );
            }
            if TWO_ENDED.contains(&kind) {
                claims.push(Claim::Ends(record.name.clone()));
            }
        }
        Kind::Interface if owner != VlanOwner::Port => {
            if let (Some(id), Some(service)) = (&record.outer, &record.service) {
                let area = match owner {
                    VlanOwner::Site => site_of.get(&record.device).cloned().unwrap_or_default(),
                    VlanOwner::Fleet | VlanOwner::Port => String::new(),
                };
                claims.push(Claim::Vlan { area, id: id.clone(), service: service.clone() });
            }
        }
        Kind::Interface | Kind::BridgeDomain | Kind::Vlan => {}
    }
    claims
}

/// Whether a claim clashes with others: what it is about, and who claims it.
fn clash<'a>(
    claim: &Claim,
    all: &BTreeMap<Claim, BTreeSet<&'a DeviceName>>,
) -> Option<(String, BTreeSet<&'a DeviceName>)> {
    let devices = all.get(claim)?;
    match claim {
        Claim::Pseudowire(end) => {
            (devices.len() > 1).then(|| (format!("the pseudowire {end}"), devices.clone()))
        }
        Claim::Ends(name) => (devices.len() > 2).then(|| (format!("an end of {name}"), devices.clone())),
        Claim::Vlan { area, id, service } => {
            let others = all.iter().filter(|(other, _)| {
                matches!(other, Claim::Vlan { area: a, id: i, service: s } if a == area && i == id && s != service)
            });
            let mut claimants = devices.clone();
            let mut clashes = false;
            for (_, theirs) in others {
                clashes |= theirs.iter().any(|device| !devices.contains(device)) || !theirs.is_empty();
                claimants.extend(theirs);
            }
            (clashes && claimants.len() > 1).then(|| (format!("VLAN {id} for another service"), claimants))
        }
    }
}
