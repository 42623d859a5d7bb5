//! The database of record and its audit trail. A record is replaced by a later
//! row and removed by one; nothing is ever overwritten.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use duckdb::Row;
use serde::{Deserialize, Serialize};

use super::compared::append as compared_rows;
use super::transaction::Acknowledged;
use super::value::{self, Time, parsed, time};
use super::{Compared, Store, StoreError, drifts};
use crate::model::device::DeviceId;
use crate::model::{DeviceName, DriftStep, FactKey, Kind, Record, RecordSource, RunId};

const LIST: &str = include_str!("../../queries/record_list.sql");
const LOG: &str = include_str!("../../queries/record_log.sql");

/// One row of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEvent {
    /// Rows of one change share it.
    pub seq: i64,
    pub device_id: DeviceId,
    /// False: the record was removed; only its key tells anything then.
    pub present: bool,
    pub record: Record,
    pub who: String,
    pub why: String,
    pub when: DateTime<Utc>,
}

/// One row of the audit trail beside what stood there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    pub event: RecordEvent,
    /// The row before it, which may be a removal; `None` for the first version.
    pub before: Option<RecordEvent>,
    /// 1, 2, 3 …
    pub version: i64,
    /// The newest change of the record: this one, if nothing came later.
    pub newest: i64,
    /// How it came about; rows of the first program version do not say.
    pub what: Option<RecordWhat>,
    /// The hash of the plan that it was part of.
    pub plan: Option<String>,
    pub run: Option<RunId>,
    /// The change that it took back.
    pub undoes: Option<i64>,
}

/// How a change of the records came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordWhat {
    /// Rows of a file or of a tool, merged.
    #[default]
    Import,
    /// All records of a device from a file.
    Replace,
    /// A reviewed plan.
    Sync,
    /// A policy, in a nightly run.
    Policy,
    Undo,
    Restore,
}

/// What is kept with a change beside its rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordChange<'a> {
    pub what: RecordWhat,
    /// The hash of the plan.
    pub plan: Option<&'a str>,
    pub run: Option<RunId>,
    /// What it rests on: scans, a file, a decision.
    pub evidence: Option<&'a serde_json::Value>,
    pub undoes: Option<i64>,
    /// Limits that were lifted for it.
    pub allowed: &'a [String],
}

/// What a change of the records did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// The number of the change; `None` if no record was written.
    pub change: Option<i64>,
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub removed: u64,
}

/// What an edit of the database of record writes, all of it or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordEdit<'a> {
    pub records: &'a [Record],
    pub removed: &'a [(DeviceId, FactKey)],
    /// What follows from it for drifts, and for the counts of comparisons.
    pub drift_steps: &'a [(DeviceId, DriftStep)],
    pub compared: &'a [(DeviceId, Compared)],
    pub change: RecordChange<'a>,
    /// The newest change of any record of a device, as the caller saw it. If
    /// somebody wrote later, nothing is written: [`StoreError::RecordsMoved`].
    pub unmoved: &'a [(DeviceId, i64)],
}

impl Store {
    /// Records by device, kind and name, of one device or of all: now, or as a
    /// run left them.
    pub fn records(
        &self,
        device: Option<DeviceId>,
        as_of: Option<RunId>,
    ) -> Result<Vec<(DeviceId, Record)>, StoreError> {
        let names = self.device_names()?;
        let devices = device.as_ref().map(std::slice::from_ref);
        self.list_records(devices, self.cutoff(as_of)?, None, &names)
    }

    /// The records of one device that have one of these keys, whatever their kind.
    pub fn records_of_keys(&self, device: DeviceId, keys: &[&str]) -> Result<Vec<Record>, StoreError> {
        let names = self.device_names()?;
        let found = self.list_records(Some(&[device]), i64::MAX, Some(keys), &names)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// The audit trail, newest first: of a device, of a change, of the plans
    /// whose hash begins so.
    pub fn record_log(
        &self,
        device: Option<DeviceId>,
        change: Option<i64>,
        plan: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, StoreError> {
        let names = self.device_names()?;
        let mut statement = self.db.prepare(LOG)?;
        let mut rows = statement.query(duckdb::params![device, change, plan, i64::from(limit)])?;
        let mut log = Vec::new();
        while let Some(row) = rows.next()? {
            let before: Option<i64> = row.get(EVENT_COLUMNS)?;
            let what: Option<String> = row.get(2 * EVENT_COLUMNS + 2)?;
            log.push(RecordRow {
                event: record_event(row, 0, &names)?,
                before: before.map(|_| record_event(row, EVENT_COLUMNS, &names)).transpose()?,
                version: row.get(2 * EVENT_COLUMNS)?,
                newest: row.get(2 * EVENT_COLUMNS + 1)?,
                what: value::maybe_word("what", what)?,
                plan: row.get(2 * EVENT_COLUMNS + 3)?,
                run: row.get(2 * EVENT_COLUMNS + 4)?,
                undoes: row.get(2 * EVENT_COLUMNS + 5)?,
            });
        }
        Ok(log)
    }

    /// Sets and removes records, and appends the drift steps that follow from
    /// it, in one transaction. A record that is already so writes nothing; of
    /// two for the same thing the later counts. `why` is for the audit trail.
    pub fn set_records(
        &self,
        edit: &RecordEdit<'_>,
        when: DateTime<Utc>,
        who: &str,
        why: &str,
    ) -> Result<RecordCounts, StoreError> {
        let RecordEdit { records, removed, drift_steps, compared, ref change, unmoved } = *edit;
        let word = value::word(&change.what);
        let what = format!("records, {word}: {} given, {} removed ({why})", records.len(), removed.len());
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            if !unmoved.is_empty() {
                let devices: Vec<DeviceId> = unmoved.iter().map(|(device, _)| *device).collect();
                let versions = self.record_versions(Some(&devices))?;
                for (device, seen) in unmoved {
                    let newest = versions.get(device).and_then(|all| all.values().map(|(seq, _)| *seq).max());
                    if newest.unwrap_or(0) != *seen {
                        return Err(StoreError::RecordsMoved(*device));
                    }
                }
            }
            let ids = self.device_ids()?;
            let mut touched: BTreeMap<DeviceId, Touched<'_>> = BTreeMap::new();
            for record in records {
                let id = ids.get(&record.device);
                let id = id.ok_or_else(|| StoreError::UnknownDevice(record.device.to_string()))?;
                touched.entry(*id).or_default().given.insert(record.key(), record);
            }
            for (device, key) in removed {
                touched.entry(*device).or_default().removed.insert(key);
            }
            let names = ids.into_iter().map(|(name, id)| (id, name)).collect();

            let mut counts = RecordCounts::default();
            let mut rows: Vec<(DeviceId, FactKey, Option<&Record>)> = Vec::new();
            // In groups: the old records of a whole fleet are never in memory at once.
            let mut touched = touched.into_iter().peekable();
            while touched.peek().is_some() {
                let mut group: BTreeMap<DeviceId, Touched<'_>> = BTreeMap::new();
                let mut given = 0;
                while given < GROUP
                    && let Some((device, these)) = touched.next()
                {
                    given += these.given.len() + these.removed.len();
                    group.insert(device, these);
                }
                let devices: Vec<DeviceId> = group.keys().copied().collect();
                for (device, old) in self.list_records(Some(&devices), i64::MAX, None, &names)? {
                    let Some(these) = group.get_mut(&device) else { continue };
                    let key = old.key();
                    let gone = these.removed.contains(&key);
                    match these.given.remove(&key) {
                        Some(new) if *new == old => counts.unchanged += 1,
                        Some(new) => {
                            counts.updated += 1;
                            rows.push((device, key, Some(new)));
                        }
                        None if gone => {
                            counts.removed += 1;
                            rows.push((device, key, None));
                        }
                        None => {}
                    }
                }
                // What is left is new.
                for (device, these) in group {
                    counts.added += these.given.len() as u64;
                    rows.extend(these.given.into_iter().map(|(key, record)| (device, key, Some(record))));
                }
            }
            if rows.is_empty() && drift_steps.is_empty() && compared.is_empty() {
                return Ok((counts, 0));
            }
            rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            let seq = tx.next_seq();
            if !rows.is_empty() {
                counts.change = Some(seq);
                tx.append("record_change", [change], |out, change| {
                    out.append_row(duckdb::params![
                        seq,
                        word,
                        change.plan,
                        change.run,
                        change.evidence.map(value::json),
                        change.undoes,
                        value::list(change.allowed),
                    ])
                })?;
            }
            compared_rows(tx, compared.iter().map(|(device, counts)| (seq, *device, *counts)))?;
            let written = tx.append("record_event", &rows, |out, (device, key, record)| {
                let field = |pick: fn(&Record) -> &Option<String>| record.and_then(|r| pick(r).as_deref());
                out.append_row(duckdb::params![
                    seq,
                    device,
                    key.kind.as_str(),
                    key.key,
                    record.is_some(),
                    field(|r| &r.parent),
                    field(|r| &r.encapsulation),
                    field(|r| &r.outer),
                    field(|r| &r.inner),
                    field(|r| &r.tpid),
                    record.and_then(|r| r.l2),
                    field(|r| &r.bundle),
                    field(|r| &r.service_kind),
                    field(|r| &r.service),
                    field(|r| &r.neighbours),
                    field(|r| &r.router_interface),
                    field(|r| &r.admin),
                    field(|r| &r.description),
                    record.map(|r| r.source.as_str()),
                    who,
                    why,
                    Time(when),
                ])
            })?;
            let steps = drift_steps.iter().map(|(device, step)| (seq, *device, step));
            Ok((counts, written + drifts::append(tx, steps)?))
        })
    }

    pub(super) fn list_records(
        &self,
        devices: Option<&[DeviceId]>,
        cutoff: i64,
        keys: Option<&[&str]>,
        names: &HashMap<DeviceId, DeviceName>,
    ) -> Result<Vec<(DeviceId, Record)>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![
            devices.map(value::id_list),
            cutoff,
            keys.map(value::key_list)
        ])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let event = record_event(row, 0, names)?;
            records.push((event.device_id, event.record));
        }
        records.sort_by_cached_key(|(device, record)| (*device, record.key()));
        Ok(records)
    }
}

/// About so many records are compared with what is stored at a time.
const GROUP: usize = 20_000;

/// What an edit does to the records of one device.
#[derive(Default)]
struct Touched<'a> {
    given: HashMap<FactKey, &'a Record>,
    removed: HashSet<&'a FactKey>,
}

/// How many columns an event has in a row.
const EVENT_COLUMNS: usize = 22;

/// The columns of `record_list`, from `at` on. A removal has no fields and no
/// source; it reads as an imported record that manages nothing.
fn record_event(
    row: &Row<'_>,
    at: usize,
    names: &HashMap<DeviceId, DeviceName>,
) -> Result<RecordEvent, StoreError> {
    let device_id: DeviceId = row.get(at)?;
    let device = names.get(&device_id).cloned();
    let source: Option<String> = row.get(at + 18)?;
    Ok(RecordEvent {
        seq: row.get(at + 1)?,
        device_id,
        present: row.get(at + 4)?,
        record: Record {
            device: device.ok_or_else(|| value::unreadable("device_id", &device_id.to_string()))?,
            kind: parsed("kind", &row.get::<_, String>(at + 2)?, Kind::parse)?,
            name: row.get(at + 3)?,
            parent: row.get(at + 5)?,
            encapsulation: row.get(at + 6)?,
            outer: row.get(at + 7)?,
            inner: row.get(at + 8)?,
            tpid: row.get(at + 9)?,
            l2: row.get(at + 10)?,
            bundle: row.get(at + 11)?,
            service_kind: row.get(at + 12)?,
            service: row.get(at + 13)?,
            neighbours: row.get(at + 14)?,
            router_interface: row.get(at + 15)?,
            admin: row.get(at + 16)?,
            description: row.get(at + 17)?,
            source: match source {
                Some(text) => parsed("source", &text, RecordSource::parse)?,
                None => RecordSource::Imported,
            },
        },
        who: row.get(at + 19)?,
        why: row.get(at + 20)?,
        when: time(row, at + 21)?,
    })
}
