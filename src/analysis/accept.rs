//! Accepting reality: the record rows that would agree with what is on the
//! device. They are rows for a person to review, and for an import to take.

use crate::model::{
    Drift, Fact, Record, RecordSource,
    device::DeviceName,
    drift::{Disagreement, DriftClass},
    fact::{BridgeDomain, Interface, Kind, Service, Vlan},
};

/// A record that manages every compared field which the fact has.
pub fn record_of(device: &DeviceName, fact: &Fact, source: RecordSource) -> Record {
    let key = fact.key();
    let mut record = Record::of(device.clone(), key.kind, key.key, source);
    for (name, value) in fact.fields() {
        set(&mut record, name, value);
    }
    record
}

/// The row that would make the record agree with a disagreement: the whole
/// fact where there was no record, else the old row with the differing fields
/// taken from the device. `None` for what is missing on the device: accepting
/// that is a removal, not a row.
pub fn accepting(device: &DeviceName, disagreement: &Disagreement) -> Option<Record> {
    let fact = disagreement.fact.as_ref()?;
    match (&disagreement.record, disagreement.class) {
        (_, DriftClass::Missing) => None,
        (Some(record), DriftClass::Differs) => {
            let mut record = Record { source: RecordSource::Discovered, ..record.clone() };
            for (name, value) in fact.fields() {
                if disagreement.fields.iter().any(|field| field == name) {
                    set(&mut record, name, value);
                }
            }
            Some(record)
        }
        _ => Some(record_of(device, fact, RecordSource::Discovered)),
    }
}

/// The disagreement that an open drift was made of, read back from its JSON.
/// `None` when that was written by a version with another form of it.
pub fn disagreement_of(drift: &Drift) -> Option<Disagreement> {
    let record = match &drift.record {
        Some(json) => Some(serde_json::from_value::<Record>(json.clone()).ok()?),
        None => None,
    };
    let fact = match &drift.fact {
        Some(json) => Some(fact_of(drift.key.kind, json)?),
        None => None,
    };
    Some(Disagreement {
        key: drift.key.clone(),
        class: drift.class,
        fields: drift.fields.clone(),
        record,
        fact,
    })
}

/// A stored fact, whose kind stands beside its JSON.
pub fn fact_of(kind: Kind, json: &serde_json::Value) -> Option<Fact> {
    let json = json.clone();
    match kind {
        Kind::Interface => serde_json::from_value::<Interface>(json).ok().map(Fact::Interface),
        Kind::BridgeDomain => serde_json::from_value::<BridgeDomain>(json).ok().map(Fact::BridgeDomain),
        Kind::Service => serde_json::from_value::<Service>(json).ok().map(Fact::Service),
        Kind::Vlan => serde_json::from_value::<Vlan>(json).ok().map(Fact::Vlan),
    }
}

fn set(record: &mut Record, name: &str, value: Option<String>) {
    match name {
        "parent" => record.parent = value,
        "encapsulation" => record.encapsulation = value,
        "outer" => record.outer = value,
        "inner" => record.inner = value,
        "tpid" => record.tpid = value,
        "l2" => record.l2 = value.map(|value| value == "true"),
        "bundle" => record.bundle = value,
        "admin" => record.admin = value,
        "service_kind" => record.service_kind = value,
        "service" => record.service = value,
        "neighbours" => record.neighbours = value,
        "router_interface" => record.router_interface = value,
        // A VLAN's name is its record's description.
        "description" | "name" => record.description = value,
        _ => {}
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::{Vlan, fact::Neighbor, fact::ServiceKind};

    #[test]
    fn every_compared_field_of_every_kind_arrives_in_the_record() {
        let mut interface = Interface::named("bundle-7.12");
        interface.description = Some("to a customer".to_owned());
        interface.parent = Some("bundle-7".to_owned());
        let neighbor = Neighbor { address: "10.0.0.1".to_owned(), id: Some("8".to_owned()) };
        let service = Service {
            kind: ServiceKind::EvpnVpws,
            name: "one".to_owned(),
            interfaces: Vec::new(),
            neighbors: vec![neighbor],
        };
        let vlan = Vlan { id: 7, name: Some("seven".to_owned()), interfaces: Vec::new() };
        let device = DeviceName::new("leaf-1").unwrap();
        for fact in [Fact::Interface(interface), Fact::Service(service), Fact::Vlan(vlan)] {
            let record = record_of(&device, &fact, RecordSource::Discovered);
            assert_eq!(record.fields(), fact.fields());
            assert_eq!(record.key(), fact.key());
        }
    }
}
