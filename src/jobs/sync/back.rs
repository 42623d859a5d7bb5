//! The way back, and the audit trail that it is found in.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::TRIES;
use super::look::{Basis, Look, write};
use crate::jobs::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{DeviceName, FactKey, Record};
use crate::store::{RecordChange, RecordCounts, RecordEvent, RecordRow, RecordWhat, Store, StoreError};
use crate::sync::undo::{Back, Written};
use crate::sync::{Refused, undo};

/// What an undo or a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    /// The changes that were taken back, and those that did it.
    pub changes: Vec<(String, String)>,
    pub restored: u64,
    pub removed: u64,
}

/// Takes back a change (`C-17`) or all changes of a plan (`P-…`), newest
/// first: each exactly, or nothing of any.
pub fn undo_records(env: &Env, id: &str, who: &str, why: &str) -> Result<TakenBack, JobError> {
    take_back(env, id, who, why, RecordWhat::Undo)
}

/// Brings back the records that a change or a plan removed.
pub fn restore_records(env: &Env, id: &str, who: &str, why: &str) -> Result<TakenBack, JobError> {
    take_back(env, id, who, why, RecordWhat::Restore)
}

fn take_back(env: &Env, id: &str, who: &str, why: &str, what: RecordWhat) -> Result<TakenBack, JobError> {
    let store = env.store()?;
    let rows = rows_of(&store, id)?;
    let mut devices: Vec<DeviceId> = rows.iter().map(|row| row.event.device_id).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut records = Records::new();
    for device in devices {
        records.extend(store.records(Some(device), None)?.into_iter().map(|(id, r)| ((id, r.key()), r)));
    }
    drop(store);
    // Weighed before the first is written: all of it, or nothing.
    let mut planned: Vec<(i64, DeviceId)> = Vec::new();
    for ((seq, device), rows) in by_change(rows).into_iter().rev() {
        let rows = written(rows, &records);
        if back_from(&rows, seq, what)?.is_some() {
            planned.push((seq, device));
            // What the older ones will find when this one is taken back.
            for row in &rows {
                let at = (row.device_id, row.key.clone());
                match row.before.clone() {
                    Some(before) => drop(records.insert(at, before)),
                    None => drop(records.remove(&at)),
                }
            }
        }
    }
    if planned.is_empty() {
        return Err(Refused::NothingRemoved(id.to_owned()).into());
    }
    let mut done = TakenBack::default();
    for (seq, device) in planned {
        let mut tries = 0;
        let counts = loop {
            match take_back_one(env, (seq, device), who, why, what) {
                Err(JobError::Store(StoreError::RecordsMoved(_))) if tries < TRIES => tries += 1,
                other => break other?,
            }
        };
        let by = counts.change.map_or_else(|| "nothing to do".to_owned(), change_name);
        done.changes.push((change_name(seq), by));
        done.restored += counts.added + counts.updated;
        done.removed += counts.removed;
    }
    Ok(done)
}

/// Records of now, by device and key.
type Records = HashMap<(DeviceId, FactKey), Record>;

fn by_change(rows: Vec<RecordRow>) -> BTreeMap<(i64, DeviceId), Vec<RecordRow>> {
    let mut changes: BTreeMap<(i64, DeviceId), Vec<RecordRow>> = BTreeMap::new();
    for row in rows {
        changes.entry((row.event.seq, row.event.device_id)).or_default().push(row);
    }
    changes
}

/// `None`: a restore finds nothing that was removed.
fn back_from(rows: &[Written], seq: i64, what: RecordWhat) -> Result<Option<Back>, Refused> {
    match what {
        RecordWhat::Restore => match undo::restore(rows, &change_name(seq)) {
            Err(Refused::NothingRemoved(_)) => Ok(None),
            other => other.map(Some),
        },
        _ => undo::undo(rows).map(Some),
    }
}

/// What one change did to one device, taken back.
fn take_back_one(
    env: &Env,
    (seq, device): (i64, DeviceId),
    who: &str,
    why: &str,
    what: RecordWhat,
) -> Result<RecordCounts, JobError> {
    let store = env.store()?;
    // The device first, then the change: whoever writes in between is noticed.
    let basis = Basis::of(&mut Look::at(&store, &[device])?, device);
    let records = basis.known.records.iter().map(|r| ((device, r.key()), r.clone())).collect();
    let rows = by_change(rows_of(&store, &change_name(seq))?).remove(&(seq, device)).unwrap_or_default();
    let rows = written(rows, &records);
    let back = back_from(&rows, seq, what)?.unwrap_or_default();
    let verb = if what == RecordWhat::Restore { "restore" } else { "undo" };
    let why = if why.is_empty() { format!("{verb} of {}", change_name(seq)) } else { why.to_owned() };
    let change = RecordChange { what, undoes: Some(seq), ..RecordChange::default() };
    Ok(write(env, &store, device, &basis, &back, change, (who, &why))?.counts)
}

/// `C-17`.
pub fn change_name(seq: i64) -> String {
    format!("C-{seq}")
}

fn rows_of(store: &Store, id: &str) -> Result<Vec<RecordRow>, JobError> {
    let unknown = || Refused::NoChange(id.to_owned());
    let rows = match id.split_once('-') {
        Some(("C" | "c", number)) => {
            let seq: i64 = number.parse().map_err(|_| unknown())?;
            store.record_log(None, Some(seq), None, u32::MAX)?
        }
        Some(("P" | "p", hash)) if hash.len() >= 10 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            store.record_log(None, None, Some(&hash.to_ascii_lowercase()), u32::MAX)?
        }
        _ => Vec::new(),
    };
    if rows.is_empty() { Err(unknown().into()) } else { Ok(rows) }
}

fn written(rows: Vec<RecordRow>, records: &Records) -> Vec<Written> {
    let present = |event: RecordEvent| event.present.then_some(event.record);
    rows.into_iter()
        .map(|row| {
            let key = row.event.record.key();
            Written {
                device_id: row.event.device_id,
                seq: row.event.seq,
                newest: row.newest,
                before: row.before.and_then(present),
                now: records.get(&(row.event.device_id, key.clone())).cloned(),
                after: present(row.event),
                key,
            }
        })
        .collect()
}

/// Which version each record has, 1 for the first.
pub fn record_versions(env: &Env) -> Result<HashMap<(DeviceName, FactKey), i64>, JobError> {
    let store = env.store()?;
    let names: HashMap<DeviceId, DeviceName> =
        store.devices()?.into_iter().map(|stored| (stored.id, stored.device.name)).collect();
    let mut versions = HashMap::new();
    for (id, records) in store.record_versions(None)? {
        let Some(name) = names.get(&id) else { continue };
        versions.extend(records.into_iter().map(|(key, (_, version))| ((name.clone(), key), version)));
    }
    Ok(versions)
}

/// The audit trail of the record, newest first.
pub fn record_log(env: &Env, device: Option<&str>, top: u32) -> Result<Vec<RecordRow>, JobError> {
    let store = env.store()?;
    let id = match device {
        None => None,
        Some(name) => {
            let found = store.devices()?.into_iter().find(|d| d.device.name.as_str() == name);
            Some(found.ok_or_else(|| JobError::NoDevice(name.to_owned()))?.id)
        }
    };
    Ok(store.record_log(id, None, None, top)?)
}
