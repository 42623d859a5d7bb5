//! The gate before a deploy: may it be configured? From facts that are good
//! enough, and the records. Pure; how old the facts are is the caller's matter.

use serde::{Deserialize, Serialize};

use super::verdict::{Wanted, taken_by};
use crate::model::{Fact, FactKey, Kind, Record};

/// What the gate before a deploy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Free,
    AsWanted,
    Conflicting,
    Unknown,
}

impl Answer {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::AsWanted => "as-wanted",
            Self::Conflicting => "conflicting",
            Self::Unknown => "unknown",
        }
    }
}

/// May `wanted` be configured? From facts that are good, and the records.
/// With nothing wanted of the interface, a configured one is taken.
pub fn gate(wanted: &Wanted, facts: &[Fact], records: &[Record]) -> (Answer, String) {
    let name = wanted.interface.as_deref().unwrap_or_default();
    let key = FactKey::new(Kind::Interface, name);
    let fact = facts.iter().find(|fact| fact.key() == key && fact.is_configured());
    let record = records.iter().find(|record| record.key() == key);
    let lost = lost_vlan(wanted, facts);
    if let Some(fact) = fact {
        let held = wanted.against(&fact.fields());
        if wanted.fields().is_empty() {
            return (Answer::Conflicting, "it is configured on the device already".to_owned());
        }
        if let (true, Some(id)) = (held.is_full(), lost) {
            return (
                Answer::Free,
                format!("the port carries VLAN {id}, and the device does not have that VLAN"),
            );
        }
        if held.is_full() {
            let note = match record {
                None => "; the record does not have it: a sync would add it",
                Some(record) if !wanted.against(&record.fields()).different.is_empty() => {
                    "; the record says something else: a sync would correct it"
                }
                Some(_) => "",
            };
            return (Answer::AsWanted, format!("the device has it as wanted{note}"));
        }
        // A port or a sub-interface without anything of what is wanted can still take it.
        return if held.different.is_empty()
            && held.lacking.len() == wanted.fields().len()
            && taken_by(wanted, facts).is_none()
        {
            (Answer::Free, "it is there and carries nothing of what is wanted".to_owned())
        } else {
            let told = held.told(wanted, &fact.fields());
            let with = if held.different.is_empty() { "" } else { "with " };
            (Answer::Conflicting, format!("the device has it {with}{told}"))
        };
    }
    if let Some(other) = taken_by(wanted, facts) {
        let place =
            other.service.as_ref().map_or_else(String::new, |service| format!(", in {}", service.name));
        return (Answer::Conflicting, format!("{} has these tags on that port{place}", other.name));
    }
    match record.map(|record| (record.fields(), wanted.against(&record.fields()))) {
        Some((fields, held)) if !held.different.is_empty() => {
            (Answer::Conflicting, format!("the record keeps it with {}", held.told(wanted, &fields)))
        }
        Some(_) => (Answer::Free, "the record has it as wanted, and the device lacks it".to_owned()),
        None => (Answer::Free, "neither the device nor the record has it".to_owned()),
    }
}

/// The wanted VLAN, if VLANs are objects there, some are known and this is not
/// one of them.
fn lost_vlan(wanted: &Wanted, facts: &[Fact]) -> Option<u16> {
    let id = wanted.vlan.filter(|_| wanted.is_switched())?;
    let mut vlans = facts.iter().filter_map(|fact| match fact {
        Fact::Vlan(vlan) => Some(vlan.id),
        _ => None,
    });
    let first = vlans.next()?;
    (first != id && vlans.all(|other| other != id)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Encapsulation, EncapsulationKind, Interface, Vlan};

    fn port(name: &str, kind: EncapsulationKind, outer: &str) -> Fact {
        Fact::Interface(Interface {
            l2: true,
            encapsulation: Encapsulation { kind, outer: Some(outer.to_owned()), ..Encapsulation::default() },
            ..Interface::named(name)
        })
    }

    fn vlan(id: u16) -> Fact {
        Fact::Vlan(Vlan { id, name: None, interfaces: vec![] })
    }

    #[test]
    fn a_trunk_takes_one_more_vlan() {
        let wanted = |interface: &str, vlan: u16| Wanted {
            interface: Some(interface.to_owned()),
            vlan: Some(vlan),
            vlan_objects: true,
            ..Wanted::default()
        };
        let trunk = port("Ethernet1/4", EncapsulationKind::Range, "110-115,300");
        let access = port("Ethernet1/5", EncapsulationKind::Untagged, "110");
        let facts = [trunk, access, vlan(110), vlan(300)];
        let answer = |interface, id| gate(&wanted(interface, id), &facts, &[]).0;
        assert_eq!(answer("Ethernet1/4", 300), Answer::AsWanted);
        assert_eq!(answer("Ethernet1/4", 120), Answer::Free);
        assert_eq!(answer("Ethernet1/5", 110), Answer::AsWanted);
        assert_eq!(answer("Ethernet1/5", 120), Answer::Conflicting);
        // The port would carry it, if only there were such a VLAN.
        let (answer, why) = gate(&wanted("Ethernet1/4", 112), &facts, &[]);
        assert!(answer == Answer::Free && why.contains("does not have that VLAN"), "{why}");
        // Where VLANs are no objects, a list of tags is one thing.
        let plain = Wanted { vlan_objects: false, ..wanted("Ethernet1/4", 300) };
        assert_eq!(gate(&plain, &facts, &[]).0, Answer::Conflicting);
    }
}
