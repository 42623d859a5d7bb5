//! The database of record and its audit trail. A record is replaced by a later
//! row and removed by one; nothing is ever overwritten.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use duckdb::Row;

use super::transaction::Acknowledged;
use super::value::{self, Time, parsed, time};
use super::{Compared, Store, StoreError, compared, drifts};
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

/// What a change of the records did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub removed: u64,
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
        self.list_records(device.as_ref().map(std::slice::from_ref), self.cutoff(as_of)?, &names)
    }

    /// The audit trail, newest first.
    pub fn record_log(&self, device: Option<DeviceId>, limit: u32) -> Result<Vec<RecordEvent>, StoreError> {
        let names = self.device_names()?;
        let mut statement = self.db.prepare(LOG)?;
        let mut rows = statement.query(duckdb::params![device, i64::from(limit)])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(record_event(row, &names)?);
        }
        Ok(events)
    }

    /// Sets and removes records, and appends the drift steps that follow from
    /// it, in one transaction. A record that is already so writes nothing; of
    /// two for the same thing the later counts. `why` is for the audit trail.
    pub fn set_records(
        &self,
        records: &[Record],
        removed: &[(DeviceId, FactKey)],
        drift_steps: &[(DeviceId, DriftStep)],
        compared: &[(DeviceId, Compared)],
        when: DateTime<Utc>,
        who: &str,
        why: &str,
    ) -> Result<RecordCounts, StoreError> {
        let what = format!("records: {} given, {} removed ({why})", records.len(), removed.len());
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let ids = self.device_ids()?;
            let mut given: HashMap<(DeviceId, FactKey), &Record> = HashMap::with_capacity(records.len());
            for record in records {
                let id = ids.get(&record.device);
                let id = id.ok_or_else(|| StoreError::UnknownDevice(record.device.to_string()))?;
                given.insert((*id, record.key()), record);
            }
            let mut touched: Vec<DeviceId> = given.keys().chain(removed).map(|(device, _)| *device).collect();
            touched.sort_unstable();
            touched.dedup();
            let names = ids.into_iter().map(|(name, id)| (id, name)).collect();
            let known: HashMap<(DeviceId, FactKey), Record> = if touched.is_empty() {
                HashMap::new()
            } else {
                let known = self.list_records(Some(&touched), i64::MAX, &names)?;
                known.into_iter().map(|(device, record)| ((device, record.key()), record)).collect()
            };

            let mut counts = RecordCounts::default();
            let mut rows: Vec<(DeviceId, FactKey, Option<&Record>)> = Vec::new();
            for ((device, key), record) in given {
                match known.get(&(device, key.clone())) {
                    Some(old) if old == record => {
                        counts.unchanged += 1;
                        continue;
                    }
                    Some(_) => counts.updated += 1,
                    None => counts.added += 1,
                }
                rows.push((device, key, Some(record)));
            }
            for (device, key) in removed {
                let again = rows.iter().any(|(d, k, _)| d == device && k == key);
                if known.contains_key(&(*device, key.clone())) && !again {
                    counts.removed += 1;
                    rows.push((*device, key.clone(), None));
                }
            }
            if rows.is_empty() && drift_steps.is_empty() && compared.is_empty() {
                return Ok((counts, 0));
            }
            rows.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            let seq = tx.next_seq();
            compared::append(tx, compared.iter().map(|(device, counts)| (seq, *device, *counts)))?;
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
        names: &HashMap<DeviceId, DeviceName>,
    ) -> Result<Vec<(DeviceId, Record)>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![devices.map(value::id_list), cutoff])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let event = record_event(row, names)?;
            records.push((event.device_id, event.record));
        }
        records.sort_by_cached_key(|(device, record)| (*device, record.key()));
        Ok(records)
    }
}

/// The row of `record_list` and `record_log`. A removal has no fields and no
/// source; it reads as an imported record that manages nothing.
fn record_event(row: &Row<'_>, names: &HashMap<DeviceId, DeviceName>) -> Result<RecordEvent, StoreError> {
    let device_id: DeviceId = row.get(0)?;
    let device = names.get(&device_id).cloned();
    let source: Option<String> = row.get(18)?;
    Ok(RecordEvent {
        seq: row.get(1)?,
        device_id,
        present: row.get(4)?,
        record: Record {
            device: device.ok_or_else(|| value::unreadable("device_id", &device_id.to_string()))?,
            kind: parsed("kind", &row.get::<_, String>(2)?, Kind::parse)?,
            name: row.get(3)?,
            parent: row.get(5)?,
            encapsulation: row.get(6)?,
            outer: row.get(7)?,
            inner: row.get(8)?,
            tpid: row.get(9)?,
            l2: row.get(10)?,
            bundle: row.get(11)?,
            service_kind: row.get(12)?,
            service: row.get(13)?,
            neighbours: row.get(14)?,
            router_interface: row.get(15)?,
            admin: row.get(16)?,
            description: row.get(17)?,
            source: match source {
                Some(text) => parsed("source", &text, RecordSource::parse)?,
                None => RecordSource::Imported,
            },
        },
        who: row.get(19)?,
        why: row.get(20)?,
        when: time(row, 21)?,
    })
}
