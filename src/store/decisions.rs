//! What was decided about refused deploys: who, when, why, on what evidence,
//! until when. A skip or an override that nothing has settled since is sync
//! debt: it is listed until a record or a later scan settles it.

use chrono::{DateTime, Utc};
use duckdb::Row;
use serde::{Deserialize, Serialize};

use super::transaction::Acknowledged;
use super::value::{Time, json, maybe_time, parse_json, parse_word, parsed, time, word};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{DeviceName, FactKey, Kind, RunId};

const LIST: &str = include_str!("../../queries/decision_list.sql");

/// What a person or a policy chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Accept reality into the record.
    Sync,
    /// Leave the device, and the record, as they are.
    Skip,
    /// The deployment tool writes over what is there.
    Override,
    /// Do nothing.
    Abort,
}

impl Choice {
    pub const ALL: [Self; 4] = [Self::Sync, Self::Skip, Self::Override, Self::Abort];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Skip => "skip",
            Self::Override => "override",
            Self::Abort => "abort",
        }
    }
}

/// A decision about one thing, to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDecision {
    pub device_id: DeviceId,
    pub key: FactKey,
    pub choice: Choice,
    /// What the live reading found, as a word.
    pub class: &'static str,
    pub wanted: serde_json::Value,
    pub fact: Option<serde_json::Value>,
    pub record: Option<serde_json::Value>,
    pub evidence: serde_json::Value,
}

/// A decision as it was kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    pub seq: i64,
    #[serde(skip)]
    pub device_id: DeviceId,
    pub device: DeviceName,
    #[serde(flatten)]
    pub key: FactKey,
    pub choice: Choice,
    pub class: String,
    pub wanted: serde_json::Value,
    pub fact: Option<serde_json::Value>,
    pub record: Option<serde_json::Value>,
    pub who: String,
    pub why: String,
    /// The run that read the device, and the transcript's digest.
    pub evidence: serde_json::Value,
    pub until: Option<DateTime<Utc>>,
    pub request: Option<i64>,
    pub when: DateTime<Utc>,
}

impl Store {
    /// Keeps decisions that were taken together, with one line in the ledger.
    /// `said`: who and why. `request`: the scan that was queued for them.
    pub fn keep_decisions(
        &self,
        decisions: &[NewDecision],
        said: (&str, &str),
        until: Option<DateTime<Utc>>,
        request: Option<i64>,
        when: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(first) = decisions.first() else { return Ok(()) };
        let what = format!("decision: {} {} of device {}", first.choice.as_str(), first.key, first.device_id);
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let seq = tx.next_seq();
            let rows = tx.append("decision_event", decisions, |out, decision| {
                out.append_row(duckdb::params![
                    seq,
                    decision.device_id,
                    decision.key.kind.as_str(),
                    decision.key.key,
                    word(&decision.choice),
                    decision.class,
                    json(&decision.wanted),
                    decision.fact.as_ref().map(json),
                    decision.record.as_ref().map(json),
                    said.0,
                    said.1,
                    json(&decision.evidence),
                    until.map(Time),
                    request,
                    Time(when),
                ])
            })?;
            Ok(((), rows))
        })
    }

    /// Skips and overrides that nothing has settled, newest first. Also those
    /// whose time is over: they are to be looked at again. `as_of`: as a run
    /// left them.
    pub fn open_decisions(&self, as_of: Option<RunId>) -> Result<Vec<Decision>, StoreError> {
        self.list_decisions(self.cutoff(as_of)?, true)
    }

    /// All decisions up to what a run saw, newest first.
    pub fn all_decisions(&self, as_of: Option<RunId>) -> Result<Vec<Decision>, StoreError> {
        self.list_decisions(self.cutoff(as_of)?, false)
    }

    fn list_decisions(&self, cutoff: i64, open: bool) -> Result<Vec<Decision>, StoreError> {
        let names = self.device_names()?;
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![cutoff, open])?;
        let mut decisions = Vec::new();
        while let Some(row) = rows.next()? {
            let id: DeviceId = row.get(1)?;
            if let Some(name) = names.get(&id) {
                decisions.push(decision(row, id, name.clone())?);
            }
        }
        Ok(decisions)
    }
}

fn decision(row: &Row<'_>, device_id: DeviceId, device: DeviceName) -> Result<Decision, StoreError> {
    let kind: String = row.get(2)?;
    let value = |column: &'static str, text: Option<String>| {
        text.map(|text| parse_json::<serde_json::Value>(column, &text)).transpose()
    };
    Ok(Decision {
        seq: row.get(0)?,
        device_id,
        device,
        key: FactKey::new(parsed("kind", &kind, Kind::parse)?, row.get::<_, String>(3)?),
        choice: parse_word("choice", &row.get::<_, String>(4)?)?,
        class: row.get(5)?,
        wanted: value("wanted", row.get(6)?)?.unwrap_or_default(),
        fact: value("fact", row.get(7)?)?,
        record: value("record", row.get(8)?)?,
        who: row.get(9)?,
        why: row.get(10)?,
        evidence: value("evidence", row.get(11)?)?.unwrap_or_default(),
        until: maybe_time(row, 12)?,
        request: row.get(13)?,
        when: time(row, 14)?,
    })
}
