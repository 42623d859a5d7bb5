//! The database of record: an import merges, and what it explains is resolved
//! at once by the newest facts. New drift is for the next scan to find.

use std::collections::{BTreeMap, HashMap};

use super::{Env, JobError, collector};
use crate::model::device::DeviceId;
use crate::model::{Cause, DeviceName, DriftStep, FactKey, Record, RecordSource, Step};
use crate::store::RecordEdit;

/// What an import did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct RecordsImported {
    pub added: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Drifts that the records now explain, by the newest facts.
    pub drifts_resolved: usize,
}

/// Merges `records` into the database of record. Every device must be in the
/// inventory. All or nothing.
pub fn import_records(
    env: &Env,
    records: &[Record],
    who: &str,
    why: &str,
) -> Result<RecordsImported, JobError> {
    edit_records(env, records, &[], who, why)
}

/// The same, with records to take out. Removing one that is not there is nothing.
pub(super) fn edit_records(
    env: &Env,
    records: &[Record],
    removed: &[(DeviceName, FactKey)],
    who: &str,
    why: &str,
) -> Result<RecordsImported, JobError> {
    let store = env.store()?;
    let ids: HashMap<DeviceName, DeviceId> =
        store.devices()?.into_iter().map(|stored| (stored.device.name, stored.id)).collect();
    let mut gone = Vec::with_capacity(removed.len());
    let mut by_device: BTreeMap<DeviceId, Touched<'_>> = BTreeMap::new();
    let id_of =
        |name: &DeviceName| ids.get(name).copied().ok_or_else(|| JobError::NoDevice(name.to_string()));
    for record in records {
        let id = id_of(&record.device)?;
        by_device.entry(id).or_default().put.push(record);
    }
    for (device, key) in removed {
        let id = id_of(device)?;
        by_device.entry(id).or_default().removed.push(key);
        gone.push((id, key.clone()));
    }
    let when = env.clock.now();
    // A device that was never read has no facts to disagree with.
    let states = store.last_states(None)?;
    let seen: Vec<DeviceId> = by_device
        .keys()
        .copied()
        .filter(|id| states.get(id).is_some_and(|state| state.last_complete.is_some()))
        .collect();
    let mut steps = Vec::new();
    // In groups, so that a fleet's facts are not in memory at once.
    for group in seen.chunks(64) {
        let mut known = store.knowledge(group)?;
        for &id in group {
            let Some(mut known) = known.remove(&id) else { continue };
            known.records = merged(std::mem::take(&mut known.records), &by_device[&id]);
            // A record that is newer than the reading can explain what was
            // seen; it cannot be missing yet. New drift is for the next scan,
            // which compares again because the records moved.
            let steps_of = collector::recompare(env, id, &known, when);
            let resolved = steps_of.into_iter().filter(|step| step.step == Step::Resolved);
            steps.extend(resolved.map(|step| (id, explained(step, &by_device[&id]))));
        }
    }
    let done = {
        let edit = RecordEdit { records, removed: &gone, drift_steps: &steps, ..RecordEdit::default() };
        store.set_records(&edit, when, who, why)?
    };
    Ok(RecordsImported {
        added: done.added,
        changed: done.updated,
        unchanged: done.unchanged,
        drifts_resolved: steps.len(),
    })
}

/// A drift that a deployment tool's report explains was a deploy that had not
/// been recorded yet.
fn explained(mut step: DriftStep, touched: &Touched<'_>) -> DriftStep {
    let reported = |record: &&Record| record.source == RecordSource::Deployed && record.key() == step.key;
    if matches!(step.cause, Cause::Unknown | Cause::Tool) && touched.put.iter().any(reported) {
        step.cause = Cause::UnrecordedDeploy;
    }
    step
}

/// What an edit does to the records of one device.
#[derive(Default)]
pub(super) struct Touched<'a> {
    pub(super) put: Vec<&'a Record>,
    pub(super) removed: Vec<&'a FactKey>,
}

/// The records of one device after an edit: a new row replaces the one with its key.
pub(super) fn merged(old: Vec<Record>, touched: &Touched<'_>) -> Vec<Record> {
    let mut by_key: BTreeMap<FactKey, Record> =
        old.into_iter().map(|record| (record.key(), record)).collect();
    for &record in &touched.put {
        by_key.insert(record.key(), record.clone());
    }
    for &key in &touched.removed {
        by_key.remove(key);
    }
    by_key.into_values().collect()
}
