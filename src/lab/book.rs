//! What the database of record believes about a pretend device, and where it
//! is wrong.
//!
//! The comparison here is the lab's own and as plain as can be: it knows what
//! is configured because it configured it. It shares no code with the reader
//! and none with `analysis`, so a test can demand that they agree.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::state::{Interface, Service, State, Tagging, Thing, is_out_of_band, parent};
use crate::model::fact::{is_many, neighbours_text};
use crate::model::{DeviceName, DriftClass, FactKey, Kind, Record, RecordSource, ServiceKind};

/// A disagreement that the lab knows of, because it made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planted {
    pub device: DeviceName,
    pub key: FactKey,
    pub class: DriftClass,
    /// What happened, in words.
    pub note: String,
}

/// What a deployment tool would record about `thing`: the fields it manages.
pub(super) fn record(device: &DeviceName, key: &FactKey, thing: &Thing, source: RecordSource) -> Record {
    let mut record = full(device, key, thing, source);
    if !manages_description(device, key) {
        record.description = None;
    }
    match thing {
        // Only pseudowires have neighbours worth recording.
        Thing::Service(service) if service.kind != ServiceKind::Vpws => record.neighbours = None,
        // Their configuration comes with the device, and no table shows their state.
        Thing::Interface(_) if is_out_of_band(&key.key) => record.admin = None,
        // Routed interfaces of a bridge domain are in two services at once.
        Thing::Interface(_) if key.key.starts_with("irb") => {
            record.service_kind = None;
            record.service = None;
        }
        _ => {}
    }
    record
}

/// All records of a device that is as it should be.
pub(super) fn records(device: &DeviceName, state: &State, source: RecordSource) -> Vec<Record> {
    state.things().map(|(key, thing)| record(device, &key, &thing, source)).collect()
}

/// Every compared field of `thing`, managed or not.
pub(super) fn full(device: &DeviceName, key: &FactKey, thing: &Thing, source: RecordSource) -> Record {
    let mut record = Record::of(device.clone(), key.kind, key.key.clone(), source);
    match thing {
        Thing::Interface(x) => interface(&mut record, &key.key, x),
        Thing::BridgeDomain(domain) => {
            record.admin = Some(up_or_down(domain.admin));
            record.description.clone_from(&domain.description);
            record.router_interface.clone_from(&domain.router_interface);
        }
        Thing::Service(Service { pseudowires, .. }) => record.neighbours = Some(neighbours_text(pseudowires)),
    }
    record
}

fn interface(record: &mut Record, name: &str, x: &Interface) {
    record.parent = parent(name).map(str::to_owned);
    record.l2 = Some(x.l2);
    record.bundle = x.bundle.map(|number| format!("bundle-{number}"));
    record.service_kind = x.service.as_ref().map(|s| s.kind.as_str().to_owned());
    record.service = x.service.as_ref().map(|s| s.name.clone());
    record.admin = Some(up_or_down(x.is_enabled()));
    record.description.clone_from(&x.description);
    // 0x8100 is what is meant when nothing is said.
    let unusual = |tpid: &Option<String>| tpid.clone().filter(|t| t != "0x8100");
    let (kind, outer, inner, tpid) = match &x.tagging {
        Tagging::None => ("none", None, None, None),
        Tagging::Untagged => ("untagged", None, None, None),
        Tagging::Vlan { id, tpid } => ("dot1q", Some(id.to_string()), None, unusual(tpid)),
        Tagging::List { ids } => ("range", Some(ids.clone()), None, None),
        Tagging::Tags { outer, inner, tpid } => {
            let kind = if is_many(inner) { "range" } else { "qinq" };
            (kind, Some(outer.to_string()), Some(inner.clone()), unusual(tpid))
        }
    };
    record.encapsulation = Some(kind.to_owned());
    (record.outer, record.inner, record.tpid) = (outer, inner, tpid);
}

fn up_or_down(up: bool) -> String {
    if up { "up" } else { "down" }.to_owned()
}

/// Descriptions are managed for three things in four. Which ones follows from
/// the name alone, so that nobody has to remember it.
fn manages_description(device: &DeviceName, key: &FactKey) -> bool {
    let mut hash = Sha256::new();
    hash.update(device.as_str());
    hash.update([0]);
    hash.update(key.kind.as_str());
    hash.update(&key.key);
    hash.finalize()[0] % 4 != 0
}

/// The fields in which a record is wrong about what is configured.
pub(super) fn wrong_fields(record: &Record, thing: &Thing) -> Vec<&'static str> {
    let real = full(&record.device, &record.key(), thing, record.source).fields();
    let pairs = record.fields().into_iter().zip(real);
    pairs
        .filter(|((_, believed), (_, real))| believed.is_some() && believed != real)
        .map(|((name, _), _)| name)
        .collect()
}

/// What a by-hand edit from `before` to `after` looks like to the database of
/// record, which believes in `before`; `None` when it does not show.
pub(super) fn class_of(
    device: &DeviceName,
    key: &FactKey,
    before: Option<&Thing>,
    after: Option<&Thing>,
) -> Option<DriftClass> {
    match (before, after) {
        (None, Some(_)) => Some(DriftClass::Unrecorded),
        (Some(_), None) => Some(DriftClass::Missing),
        (Some(before), Some(after)) => {
            let believed = record(device, key, before, RecordSource::Imported);
            (!wrong_fields(&believed, after).is_empty()).then_some(DriftClass::Differs)
        }
        (None, None) => None,
    }
}

/// Compares one device with the records that are about it. Things of a kind
/// for which there is no record at all are outside the coverage.
pub(super) fn disagreements(
    device: &DeviceName,
    state: &State,
    records: &BTreeMap<FactKey, &Record>,
) -> Vec<Planted> {
    let covered: BTreeSet<Kind> = records.keys().map(|key| key.kind).collect();
    let mut found = Vec::new();
    let mut add = |key: &FactKey, class, note: String| {
        found.push(Planted { device: device.clone(), key: key.clone(), class, note });
    };
    for (key, thing) in state.things() {
        match records.get(&key) {
            Some(record) => {
                let wrong = wrong_fields(record, &thing);
                if !wrong.is_empty() {
                    add(&key, DriftClass::Differs, wrong.join(", "));
                }
            }
            None if covered.contains(&key.kind) => {
                add(&key, DriftClass::Unrecorded, "no record".to_owned());
            }
            None => {}
        }
    }
    for key in records.keys() {
        // A record of a port that the hardware has is satisfied by it.
        if state.get(key).is_none() && !state.hardware.contains(&key.key) {
            add(key, DriftClass::Missing, "not configured".to_owned());
        }
    }
    found.sort();
    found
}
