//! Drifts: the steps of their lives, and what is open.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use duckdb::Row;
use serde_json::Value;

use super::squeeze::{deflate, inflate};
use super::transaction::Tx;
use super::value::{self, Time, json, list, parse_json, parse_list, parsed, time};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{
    Cause, DeviceName, Drift, DriftClass, DriftId, DriftStep, FactKey, Kind, PastDrift, RunId, Step,
};

const LIST: &str = include_str!("../../queries/drift_list.sql");
const EVENTS: &str = include_str!("../../queries/drift_events.sql");

/// What records and facts look like as JSON. Stored bodies refer to it: never
/// change a byte of it, or what is stored cannot be read.
const LIKE: &[u8] = br#"{"admin":null,"bundle":null,"description":null,"device":"","encapsulation":"dot1q","inner":null,"kind":"interface","l2":true,"name":"ge100-0/0/1.251","neighbours":null,"outer":"251","parent":"ge100-0/0/1","router_interface":null,"service":"g_v251","service_kind":"bridge-domain","source":"deployed","tpid":null}{"admin":"up","description":null,"interfaces":[],"router_interface":null,"neighbors":[{"address":"10.0.0.1","id":"8"}],"name":"","kind":"evpn-vpws"}{"admin":"up","as_printed":["ge100-0/0/1.251 (L2)"],"bundle":null,"configured":true,"description":"","encapsulation":{"inner":null,"kind":"dot1q","outer":"251","tpid":null},"l2":true,"mtu":1518,"name":"ge100-0/0/1.251","oper":"up","parent":"ge100-0/0/1","service":{"kind":"bridge-domain","name":"g_v251"}}"#;

impl Store {
    /// Open drifts by device, kind and key: now, or as a run left them.
    pub fn drifts(&self, as_of: Option<RunId>) -> Result<Vec<Drift>, StoreError> {
        let names = self.device_names()?;
        self.list_drifts(None, self.cutoff(as_of)?, (false, None), &names)
    }

    /// Open drifts of some devices, as they are now.
    pub fn drifts_of(&self, devices: &[DeviceId]) -> Result<Vec<Drift>, StoreError> {
        if devices.is_empty() {
            return Ok(Vec::new());
        }
        self.list_drifts(Some(devices), i64::MAX, (false, None), &self.device_names()?)
    }

    /// Steps since a moment, oldest first; up to what a run saw. A resolved
    /// step shows the record and the fact that disagreed.
    pub fn drift_events(
        &self,
        since: DateTime<Utc>,
        as_of: Option<RunId>,
    ) -> Result<Vec<(DeviceId, DriftStep)>, StoreError> {
        let mut statement = self.db.prepare(EVENTS)?;
        let mut rows = statement.query(duckdb::params![Time(since), self.cutoff(as_of)?])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push((row.get(0)?, drift_step(row)?));
        }
        Ok(events)
    }

    /// Drifts of some devices (`None`: of all) by their newest step: the open
    /// ones, or the resolved ones; of all things or of those with certain keys.
    pub(super) fn list_drifts(
        &self,
        devices: Option<&[DeviceId]>,
        cutoff: i64,
        (resolved, keys): (bool, Option<&[&str]>),
        names: &HashMap<DeviceId, DeviceName>,
    ) -> Result<Vec<Drift>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![
            cutoff,
            devices.map(value::id_list),
            resolved,
            keys.map(value::key_list)
        ])?;
        let mut drifts = Vec::new();
        while let Some(row) = rows.next()? {
            drifts.push(drift(row, names)?);
        }
        drifts.sort_by(|a, b| (a.device_id, &a.key).cmp(&(b.device_id, &b.key)));
        Ok(drifts)
    }

    /// Resolved drifts of some devices: they may come back.
    pub(super) fn past_drifts(
        &self,
        devices: &[DeviceId],
        keys: Option<&[&str]>,
        names: &HashMap<DeviceId, DeviceName>,
    ) -> Result<HashMap<DeviceId, HashMap<DriftId, PastDrift>>, StoreError> {
        let mut past: HashMap<DeviceId, HashMap<DriftId, PastDrift>> = HashMap::new();
        for drift in self.list_drifts(Some(devices), i64::MAX, (true, keys), names)? {
            past.entry(drift.device_id)
                .or_default()
                .insert(drift.id, PastDrift { first_seen: drift.first_seen, recurrences: drift.recurrences });
        }
        Ok(past)
    }
}

pub(super) fn append<'a>(
    tx: &Tx<'_>,
    steps: impl Iterator<Item = (i64, DeviceId, &'a DriftStep)>,
) -> Result<u64, StoreError> {
    tx.append("drift_event", steps, |out, (seq, device, step)| {
        // What was resolved stands in the step before.
        let open = step.step != Step::Resolved;
        out.append_row(duckdb::params![
            seq,
            device,
            step.id.0,
            step.step.as_str(),
            step.key.kind.as_str(),
            step.key.key,
            step.class.as_str(),
            list(&step.fields),
            step.cause.as_str(),
            step.record.as_ref().filter(|_| open).map(squeezed),
            step.fact.as_ref().filter(|_| open).map(squeezed),
            Time(step.when),
        ])
    })
}

fn squeezed(value: &Value) -> Vec<u8> {
    deflate(LIKE, json(value).as_bytes())
}

fn unsqueezed(column: &'static str, body: Option<Vec<u8>>) -> Result<Option<Value>, StoreError> {
    let Some(body) = body else { return Ok(None) };
    let text = inflate(LIKE, &body).map_err(|error| value::unreadable(column, &error.to_string()))?;
    let text = String::from_utf8_lossy(&text);
    parse_json(column, &text).map(Some)
}

/// `drift_list`'s row.
fn drift(row: &Row<'_>, names: &HashMap<DeviceId, DeviceName>) -> Result<Drift, StoreError> {
    let device_id: DeviceId = row.get(0)?;
    let fields: Option<String> = row.get(5)?;
    let device = names.get(&device_id).cloned();
    Ok(Drift {
        id: DriftId(row.get(1)?),
        device_id,
        device: device.ok_or_else(|| value::unreadable("device_id", &device_id.to_string()))?,
        key: FactKey { kind: parsed("kind", &row.get::<_, String>(2)?, Kind::parse)?, key: row.get(3)? },
        class: parsed("class", &row.get::<_, String>(4)?, DriftClass::parse)?,
        fields: parse_list("fields", fields.as_deref())?,
        cause: parsed("cause", &row.get::<_, String>(6)?, Cause::parse)?,
        record: unsqueezed("record", row.get(7)?)?,
        fact: unsqueezed("fact", row.get(8)?)?,
        first_seen: time(row, 9)?,
        since: time(row, 12)?,
        last_seen: time(row, 10)?,
        recurrences: row.get(11)?,
    })
}

/// `drift_events`' row.
fn drift_step(row: &Row<'_>) -> Result<DriftStep, StoreError> {
    let fields: Option<String> = row.get(6)?;
    Ok(DriftStep {
        id: DriftId(row.get(1)?),
        step: parsed("step", &row.get::<_, String>(2)?, Step::parse)?,
        key: FactKey { kind: parsed("kind", &row.get::<_, String>(3)?, Kind::parse)?, key: row.get(4)? },
        class: parsed("class", &row.get::<_, String>(5)?, DriftClass::parse)?,
        fields: parse_list("fields", fields.as_deref())?,
        cause: parsed("cause", &row.get::<_, String>(7)?, Cause::parse)?,
        record: unsqueezed("record", row.get(8)?)?,
        fact: unsqueezed("fact", row.get(9)?)?,
        when: time(row, 10)?,
    })
}
