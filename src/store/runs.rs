//! Runs: when one started, why, and how it ended. One that never ended was
//! abandoned; the devices it finished stay.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use duckdb::Row;
use serde_json::Value;

use super::transaction::Acknowledged;
use super::value::{Time, json, maybe_time, parse_json, parse_word, time};
use super::{Store, StoreError};
use crate::model::{RunId, RunKind};

const LIST: &str = include_str!("../../queries/run_list.sql");
const NEWEST: &str = include_str!("../../queries/run_newest.sql");
const CUTOFF: &str = include_str!("../../queries/run_cutoff.sql");

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub id: RunId,
    pub kind: RunKind,
    pub started: DateTime<Utc>,
    /// Device sessions it may use; `None` is all.
    pub budget: Option<i64>,
    /// The process that ran it.
    pub pid: u32,
    /// What the caller noted at the start.
    pub note: Value,
    /// `None` while it runs, and for ever if it was abandoned: the caller
    /// tells these apart by who holds the batch lock ([`super::BatchLock::holder`]).
    pub finished: Option<DateTime<Utc>>,
    /// `complete`, `partial` or `failed`.
    pub outcome: Option<String>,
    /// What the caller summed up at the end.
    pub summary: Option<Value>,
}

impl Store {
    /// Begins a run, if there is disk room for one.
    pub fn start_run(
        &self,
        kind: RunKind,
        when: DateTime<Utc>,
        budget: Option<i64>,
        note: &Value,
    ) -> Result<RunId, StoreError> {
        self.check_room()?;
        self.in_tx(|tx| {
            let run: RunId = tx.db.query_row(NEWEST, [], |row| row.get::<_, i64>(0))? + 1;
            let pid = i64::from(std::process::id());
            tx.append("run_event", [tx.next_seq()], |out, seq| {
                out.append_row(duckdb::params![
                    seq,
                    run,
                    "started",
                    kind.as_str(),
                    Time(when),
                    budget,
                    pid,
                    None::<&str>,
                    json(note)
                ])
            })?;
            Ok(run)
        })
    }

    /// Ends a run. `outcome` is `complete`, `partial` or `failed`. The second
    /// end of a run writes nothing.
    pub fn finish_run(
        &self,
        run: RunId,
        when: DateTime<Utc>,
        outcome: &str,
        summary: &Value,
    ) -> Result<(), StoreError> {
        let what = format!("run {run} finished: {outcome}");
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let row = self.run(run)?.ok_or(StoreError::UnknownRun(run))?;
            if row.finished.is_some() {
                return Ok(((), 0));
            }
            let rows = tx.append("run_event", [tx.next_seq()], |out, seq| {
                out.append_row(duckdb::params![
                    seq,
                    run,
                    "finished",
                    row.kind.as_str(),
                    Time(when),
                    row.budget,
                    i64::from(std::process::id()),
                    outcome,
                    json(summary)
                ])
            })?;
            Ok(((), rows))
        })?;
        if self.run(run)?.is_some_and(|row| row.kind == RunKind::Nightly) {
            self.shared.tidy.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The newest runs, newest first.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        self.list_runs(None, limit)
    }

    /// One run.
    pub fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        Ok(self.list_runs(Some(run), 1)?.pop())
    }

    fn list_runs(&self, run: Option<RunId>, limit: u32) -> Result<Vec<RunRow>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![run, i64::from(limit)])?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            runs.push(run_row(row)?);
        }
        Ok(runs)
    }

    /// The last sequence number of the world as `run` left it; the end of time
    /// for `None`. A past night can be told again with it.
    pub(super) fn cutoff(&self, as_of: Option<RunId>) -> Result<i64, StoreError> {
        let Some(run) = as_of else { return Ok(i64::MAX) };
        let seq: Option<i64> = self.db.prepare(CUTOFF)?.query_row([run], |row| row.get(0))?;
        let seq = seq.ok_or(StoreError::UnknownRun(run))?;
        if seq <= self.pruned_until()? { Err(StoreError::Pruned(run)) } else { Ok(seq) }
    }
}

fn run_row(row: &Row<'_>) -> Result<RunRow, StoreError> {
    let kind: String = row.get(1)?;
    let note: String = row.get(5)?;
    let summary: Option<String> = row.get(8)?;
    Ok(RunRow {
        id: row.get(0)?,
        kind: parse_word("kind", &kind)?,
        started: time(row, 2)?,
        budget: row.get(3)?,
        pid: row.get(4)?,
        note: parse_json("note", &note)?,
        finished: maybe_time(row, 6)?,
        outcome: row.get(7)?,
        summary: summary.map(|text| parse_json("summary", &text)).transpose()?,
    })
}
