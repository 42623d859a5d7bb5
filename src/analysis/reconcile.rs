//! The life of a drift. A drift keeps its id from the night it is first seen
//! until it is resolved; what stays as it was writes nothing, so a quiet night
//! is a quiet database.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::accept::fact_of;
use crate::model::device::DeviceId;
use crate::model::drift::{Cause, Disagreement, Drift, DriftId, DriftStep, PastDrift, Step};
use crate::model::snapshot::CommitMark;
use crate::model::{FactKey, Kind, Record};

/// Who committed between two readings, as far as the device's own log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// The users of the new entries, in order of name, joined by `, `.
    pub who: Option<String>,
    /// How they committed, if all in the same way.
    pub via: Option<String>,
    pub cause: Cause,
}

impl Attribution {
    /// No evidence.
    pub fn unknown() -> Self {
        Self { who: None, via: None, cause: Cause::Unknown }
    }
}

/// What the commit log's new entries say. `known` is its newest entry at the
/// last reading, `log` the log now, newest first.
///
/// Without a known entry nothing is attributed: all of the log may be old. If
/// the known one has left the log, all that is listed is new.
pub fn attribution(known: Option<&CommitMark>, log: &[CommitMark]) -> Attribution {
    let Some(known) = known else { return Attribution::unknown() };
    let new = &log[..log.iter().position(|mark| mark == known).unwrap_or(log.len())];
    let users: BTreeSet<&str> = new.iter().map(|mark| mark.user.as_str()).filter(|u| !u.is_empty()).collect();
    let ways: BTreeSet<&str> = new.iter().map(|mark| mark.via.as_str()).filter(|v| !v.is_empty()).collect();
    let mut ways = ways.into_iter();
    let via = match (ways.next(), ways.next()) {
        (Some(via), None) => Some(via.to_owned()),
        _ => None,
    };
    let cause = by_way(via.as_deref());
    let who = (!users.is_empty()).then(|| users.into_iter().collect::<Vec<_>>().join(", "));
    Attribution { who, via, cause }
}

/// What the way in says of the writer.
pub(super) fn by_way(via: Option<&str>) -> Cause {
    match via.map(str::to_ascii_lowercase).as_deref() {
        Some("cli") => Cause::Manual,
        Some("netconf" | "restconf" | "grpc" | "gnmi") => Cause::Tool,
        _ => Cause::Unknown,
    }
}

/// What was true when a comparison was made.
pub struct Moment<'a> {
    pub device_id: DeviceId,
    /// Only drifts about these keys may be resolved.
    pub covered: &'a dyn Fn(&FactKey) -> bool,
    /// No complete scan of the device came before.
    pub first_scan: bool,
    pub cause: Cause,
    pub when: DateTime<Utc>,
}

/// Turns what a comparison found into steps, ordered by key.
///
/// `open` are the device's open drifts, `past` those that were resolved. An
/// open drift that is found again unchanged gives no step, so doing this twice
/// is the same as doing it once.
pub fn reconcile<S: BuildHasher>(
    moment: &Moment<'_>,
    open: &[Drift],
    past: &HashMap<DriftId, PastDrift, S>,
    found: Vec<Disagreement>,
) -> Vec<DriftStep> {
    let mut open: BTreeMap<&FactKey, &Drift> = open.iter().map(|drift| (&drift.key, drift)).collect();
    let cause = if moment.first_scan { Cause::Historical } else { moment.cause };
    let mut steps = Vec::new();
    for disagreement in found {
        let id = DriftId::of(moment.device_id, &disagreement.key);
        let (step, cause) = match open.remove(&disagreement.key) {
            Some(drift) if is_same(drift, &disagreement) => continue,
            // Where it came from does not change because it moved on.
            Some(drift) if drift.cause != Cause::Unknown => (Step::Updated, drift.cause),
            Some(_) => (Step::Updated, cause),
            None if past.contains_key(&id) => (Step::Returned, cause),
            None => (Step::Opened, cause),
        };
        steps.push(DriftStep {
            id,
            step,
            class: disagreement.class,
            fields: disagreement.fields,
            cause,
            record: disagreement.record.as_ref().and_then(|record| serde_json::to_value(record).ok()),
            fact: disagreement.fact.as_ref().and_then(|fact| serde_json::to_value(fact).ok()),
            key: disagreement.key,
            when: moment.when,
        });
    }
    let gone = open.into_values().filter(|drift| (moment.covered)(&drift.key));
    steps.extend(gone.map(|drift| DriftStep {
        id: drift.id.clone(),
        step: Step::Resolved,
        key: drift.key.clone(),
        class: drift.class,
        fields: drift.fields.clone(),
        cause: drift.cause,
        record: drift.record.clone(),
        fact: drift.fact.clone(),
        when: moment.when,
    }));
    steps.sort_by(|a, b| a.key.cmp(&b.key));
    steps
}

/// Whether a disagreement is the one that is open already. Only compared
/// fields count: a drift must not be written again each night because a
/// counter, an MTU or the name of the device moved.
fn is_same(drift: &Drift, found: &Disagreement) -> bool {
    drift.class == found.class
        && drift.fields == found.fields
        && same_record(drift.record.as_ref(), found.record.as_ref())
        && same_fact(drift.key.kind, drift.fact.as_ref(), found)
}

fn same_record(stored: Option<&Value>, found: Option<&Record>) -> bool {
    match (stored, found) {
        (None, None) => true,
        (Some(stored), Some(found)) => serde_json::from_value::<Record>(stored.clone())
            .is_ok_and(|stored| stored.fields() == found.fields() && stored.source == found.source),
        _ => false,
    }
}

fn same_fact(kind: Kind, stored: Option<&Value>, found: &Disagreement) -> bool {
    match (stored, &found.fact) {
        (None, None) => true,
        (Some(stored), Some(found)) => {
            fact_of(kind, stored).is_some_and(|stored| stored.fields() == found.fields())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at: &str, user: &str, via: &str) -> CommitMark {
        CommitMark { at: at.to_owned(), user: user.to_owned(), via: via.to_owned() }
    }

    #[test]
    fn only_new_entries_of_the_log_are_evidence() {
        let log = [mark("3", "visaev", "cli"), mark("2", "anna", "cli"), mark("1", "robot", "netconf")];
        let by = attribution(Some(&log[2]), &log);
        assert_eq!(by.who.as_deref(), Some("anna, visaev"));
        assert_eq!((by.via.as_deref(), by.cause), (Some("cli"), Cause::Manual));
        assert_eq!(attribution(Some(&log[0]), &log), Attribution::unknown());
        assert_eq!(attribution(None, &log), Attribution::unknown());
        let rotated = attribution(Some(&mark("0", "old", "cli")), &log);
        assert_eq!(rotated.who.as_deref(), Some("anna, robot, visaev"));
        assert_eq!((rotated.via, rotated.cause), (None, Cause::Unknown));
        assert_eq!(attribution(Some(&mark("0", "old", "cli")), &log[2..]).cause, Cause::Tool);
    }
}
