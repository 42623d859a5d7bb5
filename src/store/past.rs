//! What imported histories tell of devices, and which histories those were.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::transaction::Acknowledged;
use super::value::{self, Time, json, parse_json, parse_word, time};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{PastEvent, PastStep, RunId};

const LIST: &str = include_str!("../../queries/past_list.sql");
const IMPORTS: &str = include_str!("../../queries/past_imports.sql");

/// An import of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct PastImport {
    /// Where the history lies.
    pub source: String,
    /// The commit up to which it was read.
    pub tip: String,
    /// For which devices it was read.
    pub devices: Vec<DeviceId>,
    /// What came of it, for people.
    pub told: serde_json::Value,
}

impl Store {
    /// What imported histories tell, by device and time, each thing once.
    /// `as_of`: what a run knew.
    pub fn past_events(&self, as_of: Option<RunId>) -> Result<Vec<PastEvent>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query([self.cutoff(as_of)?])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(PastEvent {
                device: row.get(0)?,
                step: parse_word("step", &row.get::<_, String>(1)?)?,
                at: time(row, 2)?,
                every_seconds: row.get(3)?,
            });
        }
        Ok(events)
    }

    /// The imports of one history, oldest first.
    pub fn past_imports(&self, source: &str) -> Result<Vec<PastImport>, StoreError> {
        let mut statement = self.db.prepare(IMPORTS)?;
        let mut rows = statement.query([source])?;
        let mut imports = Vec::new();
        while let Some(row) = rows.next()? {
            imports.push(PastImport {
                source: source.to_owned(),
                tip: row.get(0)?,
                devices: parse_json("devices", &row.get::<_, String>(1)?)?,
                told: parse_json("body", &row.get::<_, String>(2)?)?,
            });
        }
        Ok(imports)
    }

    /// Keeps what a history tells, all of it or nothing. What is known already
    /// is not written again; how much is new is the answer.
    pub fn append_past(
        &self,
        import: &PastImport,
        events: &[PastEvent],
        who: &str,
        when: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let what = format!("imported the history of {} devices from {}", import.devices.len(), import.source);
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let known: HashSet<(DeviceId, PastStep, DateTime<Utc>)> = self
                .past_events(None)?
                .into_iter()
                .map(|event| (event.device, event.step, event.at))
                .collect();
            let mut fresh: Vec<&PastEvent> = events
                .iter()
                .filter(|event| !known.contains(&(event.device, event.step, event.at)))
                .collect();
            fresh.sort_by_key(|event| (event.device, event.at, event.step));
            fresh.dedup_by_key(|event| (event.device, event.at, event.step));
            let seq = tx.next_seq();
            let rows = tx.append("past_event", &fresh, |out, event| {
                out.append_row(duckdb::params![
                    seq,
                    event.device,
                    value::word(&event.step),
                    Time(event.at),
                    event.every_seconds
                ])
            })?;
            tx.append("past_import", [import], |out, import| {
                out.append_row(duckdb::params![
                    seq,
                    import.source,
                    import.tip,
                    json(&import.devices),
                    json(&import.told),
                    who,
                    Time(when)
                ])
            })?;
            Ok((fresh.len(), rows + 1))
        })
    }
}
