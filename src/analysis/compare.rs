//! Two comparisons. Records with facts: where do they disagree? Facts with
//! earlier facts of the same device: what moved? Both look at compared fields
//! only, so an interface that went operationally down is neither.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::coverage::Coverage;
use super::reconcile::Attribution;
use crate::model::fact::canonical_tags;
use crate::model::{
    Change, ChangeKind, Fact, FactKey, Kind, Record, Scope,
    drift::{Disagreement, DriftClass},
};

/// What a reading may say "it is not there" about. Absence counts only inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The whole device was read.
    Device,
    /// Exactly these things were read, whether they exist or not.
    Keys(BTreeSet<FactKey>),
}

impl Reach {
    /// What a complete reading in `scope` that found `facts` covers. In a
    /// narrow scope that is the thing asked for and what was seen beside it:
    /// an interface that is not among a bridge domain's members may still exist.
    pub fn of(scope: &Scope, facts: &[Fact]) -> Self {
        match scope {
            Scope::Device => Self::Device,
            // The reading shows the service that the interface is in, but not the whole of it.
            Scope::Interface(name) => Self::Keys([FactKey::new(Kind::Interface, name.clone())].into()),
            Scope::BridgeDomain(name) => {
                let interfaces = facts.iter().filter(|fact| fact.kind() == Kind::Interface).map(Fact::key);
                let mut keys: BTreeSet<FactKey> = interfaces.collect();
                keys.insert(FactKey::new(Kind::BridgeDomain, name.clone()));
                Self::Keys(keys)
            }
        }
    }

    pub fn covers(&self, key: &FactKey) -> bool {
        match self {
            Self::Device => true,
            Self::Keys(keys) => keys.contains(key),
        }
    }
}

/// One device's records against its facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Ordered by kind and key; one a key at most.
    pub disagreements: Vec<Disagreement>,
    /// Configured facts outside the coverage.
    pub unmanaged: u64,
    /// Covered keys on which both sides agree.
    pub agreed: u64,
    /// Covered keys that either side has.
    pub covered: u64,
}

/// Compares the records of one device with the facts of one complete reading.
///
/// A record's field that is `None` is not managed and not compared; an empty
/// text is managed, and means that the device must not have it. An
/// unconfigured port can satisfy a record and is never `unrecorded`.
/// `covered` says what the reading reached, see [`Reach`].
pub fn compare(
    facts: &[Fact],
    records: &[Record],
    coverage: &Coverage<'_>,
    covered: &dyn Fn(&FactKey) -> bool,
) -> Comparison {
    let facts: BTreeMap<FactKey, &Fact> = facts.iter().map(|fact| (fact.key(), fact)).collect();
    let records: BTreeMap<FactKey, &Record> = records.iter().map(|record| (record.key(), record)).collect();
    let keys: BTreeSet<&FactKey> = facts.keys().chain(records.keys()).filter(|key| covered(key)).collect();

    let mut comparison = Comparison::default();
    for key in keys {
        let (fact, record) = (facts.get(key).copied(), records.get(key).copied());
        let configured = fact.is_some_and(Fact::is_configured);
        if !coverage.covers(key) {
            comparison.unmanaged += u64::from(configured);
            continue;
        }
        let (class, fields) = match (record, fact) {
            (None, _) if !configured => continue,
            (None, _) => (Some(DriftClass::Unrecorded), Vec::new()),
            (Some(_), None) => (Some(DriftClass::Missing), Vec::new()),
            (Some(record), Some(fact)) => {
                let fields = differing(record, fact);
                ((!fields.is_empty()).then_some(DriftClass::Differs), fields)
            }
        };
        comparison.covered += 1;
        match class {
            None => comparison.agreed += 1,
            Some(class) => comparison.disagreements.push(Disagreement {
                key: key.clone(),
                class,
                fields,
                record: record.cloned(),
                fact: fact.cloned(),
            }),
        }
    }
    comparison
}

/// Names of the managed fields in which a fact is not what its record says.
fn differing(record: &Record, fact: &Fact) -> Vec<String> {
    let is = fact.fields();
    record
        .fields()
        .into_iter()
        .filter_map(|(name, wanted)| {
            let wanted = wanted?;
            let found = is.iter().find(|(field, _)| *field == name).and_then(|(_, value)| value.as_deref());
            // A device that does not say an admin state does not contradict one.
            let unsaid = name == "admin" && found.is_none();
            let same = settled(name, &wanted) == settled(name, found.unwrap_or(""));
            (!same && !unsaid).then(|| name.to_owned())
        })
        .collect()
}

/// A value in the form in which it is compared. Facts have it already;
/// records were typed by people and by other systems.
fn settled(field: &str, value: &str) -> String {
    match field {
        "outer" | "inner" => canonical_tags(value).unwrap_or_else(|| value.trim().to_owned()),
        "tpid" => value.trim().to_ascii_lowercase(),
        "neighbours" => {
            let mut words: Vec<&str> = value.split_whitespace().collect();
            words.sort_unstable();
            words.join(" ")
        }
        _ => value.to_owned(),
    }
}

/// What moved between two complete readings of one device, ordered by key.
///
/// A port that no configuration names on either side is a line card, not a
/// configuration, and is left out. `interval` is from the start of the last
/// reading without the change to the start of the first one with it.
pub fn changes(
    before: &[Fact],
    after: &[Fact],
    covered: &dyn Fn(&FactKey) -> bool,
    interval: (DateTime<Utc>, DateTime<Utc>),
    attribution: &Attribution,
) -> Vec<Change> {
    let map = |facts: &[Fact]| -> BTreeMap<FactKey, Fact> {
        let configured = facts.iter().filter(|fact| fact.is_configured());
        configured.map(|fact| (fact.key(), fact.clone())).filter(|(key, _)| covered(key)).collect()
    };
    let (before, after) = (map(before), map(after));
    let keys: BTreeSet<&FactKey> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let (kind, fields) = match (before.get(key), after.get(key)) {
            (None, _) => (ChangeKind::Added, Vec::new()),
            (_, None) => (ChangeKind::Removed, Vec::new()),
            (Some(old), Some(new)) => match moved(old, new) {
                fields if fields.is_empty() => continue,
                fields => (ChangeKind::Modified, fields),
            },
        };
        found.push(Change {
            key: key.clone(),
            kind,
            fields,
            after: interval.0,
            until: interval.1,
            who: attribution.who.clone(),
            via: attribution.via.clone(),
        });
    }
    found
}

/// Names of the compared fields in which two facts with one key differ.
fn moved(old: &Fact, new: &Fact) -> Vec<String> {
    let pairs = old.fields().into_iter().zip(new.fields());
    pairs.filter(|(old, new)| old.1 != new.1).map(|(old, _)| old.0.to_owned()).collect()
}

/// On how much of what both could know record and reality agree. Never mixed
/// with freshness: it speaks of what was read, when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    pub agreed: u64,
    pub covered: u64,
}

impl Agreement {
    /// Between 0 and 1; `None` where the record claims nothing.
    pub fn share(self) -> Option<f64> {
        (self.covered > 0).then(|| self.agreed as f64 / self.covered as f64)
    }
}

/// Adds up the comparisons of a fleet.
pub fn agreement<'a>(comparisons: impl IntoIterator<Item = &'a Comparison>) -> Agreement {
    comparisons.into_iter().fold(Agreement::default(), |sum, comparison| Agreement {
        agreed: sum.agreed + comparison.agreed,
        covered: sum.covered + comparison.covered,
    })
}

#[cfg(test)]
mod tests;
