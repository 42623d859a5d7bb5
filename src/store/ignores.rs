//! How often the rules for noise fired, run by run.

use chrono::{DateTime, Utc};

use super::value::{Time, maybe_time, number, time};
use super::{Store, StoreError};
use crate::model::RunId;

const LIST: &str = include_str!("../../queries/ignore_list.sql");

/// What one rule did so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreCount {
    /// What it says, in one line.
    pub rule: String,
    /// The end of the first run that knew it.
    pub since: DateTime<Utc>,
    pub times: u64,
    /// Runs in which it fired.
    pub runs: u64,
    pub last: Option<DateTime<Utc>>,
}

impl Store {
    /// Notes how often rules fired in a run.
    pub fn append_ignored(
        &self,
        run: RunId,
        when: DateTime<Utc>,
        fired: &[(String, u64)],
    ) -> Result<(), StoreError> {
        if fired.is_empty() {
            return Ok(());
        }
        self.in_tx(|tx| {
            let seq = tx.next_seq();
            tx.append("ignore_event", fired, |out, (rule, times)| {
                out.append_row(duckdb::params![seq, run, rule, number(*times), Time(when)])
            })
        })?;
        Ok(())
    }

    /// Every rule that was ever known, up to what a run saw.
    pub fn ignored(&self, as_of: Option<RunId>) -> Result<Vec<IgnoreCount>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![self.cutoff(as_of)?, as_of])?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            counts.push(IgnoreCount {
                rule: row.get(0)?,
                since: time(row, 1)?,
                times: row.get::<_, i64>(2)?.try_into().unwrap_or(0),
                runs: row.get::<_, i64>(3)?.try_into().unwrap_or(0),
                last: maybe_time(row, 4)?,
            });
        }
        Ok(counts)
    }
}
