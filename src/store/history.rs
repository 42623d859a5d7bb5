//! The food of analysis, as Arrow record batches: millions of rows cost no row
//! structs. Every column is cast in SQL to one of the types that the hand-over
//! to frames knows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::record_batch::RecordBatch;

use super::{Store, StoreError};
use crate::model::RunId;

const HISTORY: &str = include_str!("../../queries/history_list.sql");

impl Store {
    /// One row a complete device-scope scan, by device and order, up to what a
    /// run saw: `device_id` BIGINT, `started` TIMESTAMP (µs, UTC), `changed`
    /// BOOLEAN, `drifted` BOOLEAN (the scan opened a drift or saw one return),
    /// `changes` BIGINT. No batch at all when there is no row.
    pub fn history(&self, as_of: Option<RunId>) -> Result<Vec<RecordBatch>, StoreError> {
        self.arrow(HISTORY, self.cutoff(as_of)?)
    }

    /// The result of a query whose one parameter is the last sequence number.
    pub(super) fn arrow(&self, sql: &str, cutoff: i64) -> Result<Vec<RecordBatch>, StoreError> {
        let mut statement = self.db.prepare(sql)?;
        // The iterator panics when a result breaks off in the middle.
        let read = catch_unwind(AssertUnwindSafe(|| {
            Ok::<_, StoreError>(statement.query_arrow([cutoff])?.collect::<Vec<RecordBatch>>())
        }));
        match read {
            Ok(batches) => Ok(batches?.into_iter().filter(|batch| batch.num_rows() > 0).collect()),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                Err(StoreError::Result(text.unwrap_or("unknown reason").to_owned()))
            }
        }
    }
}
