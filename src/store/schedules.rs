//! What `serve` decided about its schedules: so that a restart knows which
//! fires were run, cut off or left out. Written before a job begins and after
//! it ends; the order is that of the rows.

use chrono::{DateTime, Utc};
use duckdb::Row;
use serde::{Deserialize, Serialize};

use super::value::{Time, number, parse_word, time, word};
use super::{Store, StoreError};
use crate::model::RunId;

const NEWEST: &str = include_str!("../../queries/schedule_newest.sql");
const LIST: &str = include_str!("../../queries/schedule_list.sql");

/// One sort of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleStep {
    /// Its fires count from `slot`.
    Armed,
    /// The job for `slot` begins.
    Started,
    /// It ended.
    Finished,
    /// All fires up to `slot` are left out.
    Skipped,
    /// The job for `slot` was cut off and is not repeated.
    Abandoned,
    /// The job could not begin; `slot` is the newest one decided before it.
    Postponed,
}

/// One decision about one schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleEvent {
    pub schedule: String,
    /// What it runs, such as `nightly`.
    pub job: String,
    pub what: ScheduleStep,
    /// The time for which its line meant it.
    pub slot: DateTime<Utc>,
    /// 1 the first time; 2 after it was cut off.
    pub attempt: u32,
    /// Fires before `slot` that are made up for, or fires that are left out.
    pub missed: u32,
    pub run: Option<RunId>,
    /// How the job ended: `complete`, `partial` or `failed`.
    pub outcome: Option<String>,
    /// In words, for people.
    pub why: Option<String>,
    /// The process that decided. Filled in by the store.
    pub pid: u32,
    pub happened: DateTime<Utc>,
}

impl Store {
    /// Appends one decision.
    pub fn decide(&self, event: &ScheduleEvent) -> Result<(), StoreError> {
        self.in_tx(|tx| {
            tx.append("schedule_event", [tx.next_seq()], |out, seq| {
                out.append_row(duckdb::params![
                    seq,
                    event.schedule,
                    event.job,
                    word(&event.what),
                    Time(event.slot),
                    i32::try_from(event.attempt).unwrap_or(i32::MAX),
                    number(event.missed),
                    event.run,
                    event.outcome,
                    event.why,
                    i64::from(std::process::id()),
                    Time(event.happened),
                ])
            })?;
            Ok(())
        })
    }

    /// The newest decision of each sort about each schedule, oldest first.
    /// That is all that is needed to know where a schedule stands.
    pub fn newest_decisions(&self) -> Result<Vec<ScheduleEvent>, StoreError> {
        let mut statement = self.db.prepare(NEWEST)?;
        let mut rows = statement.query([])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(event(row)?);
        }
        Ok(events)
    }

    /// All decisions about one schedule, or about all, oldest first.
    pub fn decisions(&self, schedule: Option<&str>) -> Result<Vec<ScheduleEvent>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query([schedule])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(event(row)?);
        }
        Ok(events)
    }
}

fn event(row: &Row<'_>) -> Result<ScheduleEvent, StoreError> {
    Ok(ScheduleEvent {
        schedule: row.get(1)?,
        job: row.get(2)?,
        what: parse_word("what", &row.get::<_, String>(3)?)?,
        slot: time(row, 4)?,
        attempt: row.get::<_, i32>(5)?.try_into().unwrap_or(1),
        missed: row.get::<_, i64>(6)?.try_into().unwrap_or(0),
        run: row.get(7)?,
        outcome: row.get(8)?,
        why: row.get(9)?,
        pid: row.get(10)?,
        happened: time(row, 11)?,
    })
}
