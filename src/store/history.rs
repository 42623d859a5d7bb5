//! The food of analysis, as Arrow record batches: millions of rows cost no row
//! structs. Every column is cast in SQL to one of the types that the hand-over
//! to frames knows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::record_batch::RecordBatch;

use super::{Store, StoreError};
use crate::model::RunId;
use crate::model::device::DeviceId;

const HISTORY: &str = include_str!("../../queries/history_list.sql");
const SORTED: &str = include_str!("../../queries/history_sorted.sql");
const FINDS: &str = include_str!("../../queries/history_finds.sql");
const COUNT: &str = include_str!("../../queries/scan_count.sql");

/// In which order scans are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanOrder {
    /// As they stand in the table. It is only appended to, so that this is the
    /// order in which they were made, unless somebody else wrote into it.
    Stored,
    /// By sequence number, which costs a sorting.
    Sorted,
}

/// What a scan that found something led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanFind {
    pub seq: i64,
    pub device: DeviceId,
    /// It opened a drift, or one came back.
    pub drifted: bool,
    /// Single things that had changed.
    pub changes: i64,
}

impl Store {
    /// Every complete device-scope scan up to what a run saw, a batch at a time:
    /// `seq` BIGINT, `device_id` BIGINT, `started` TIMESTAMP (µs, UTC), `changed`
    /// BOOLEAN. Each batch is gone when the next one comes; an error of `take` ends it.
    pub fn history<E: From<StoreError>>(
        &self,
        as_of: Option<RunId>,
        order: ScanOrder,
        mut take: impl FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let cutoff = self.cutoff(as_of)?;
        let sql = match order {
            ScanOrder::Stored => HISTORY,
            ScanOrder::Sorted => SORTED,
        };
        let mut statement = self.db.prepare(sql).map_err(StoreError::from)?;
        whole(|| {
            let mut batches = statement.stream_arrow([cutoff]).map_err(StoreError::from)?;
            batches.try_for_each(|batch| take(&batch))
        })?
    }

    /// What came of the scans that found something, up to what a run saw.
    pub fn history_finds(&self, as_of: Option<RunId>) -> Result<Vec<ScanFind>, StoreError> {
        let mut statement = self.db.prepare(FINDS)?;
        let rows = statement.query_map([self.cutoff(as_of)?], |row| {
            Ok(ScanFind { seq: row.get(0)?, device: row.get(1)?, drifted: row.get(2)?, changes: row.get(3)? })
        })?;
        Ok(rows.collect::<duckdb::Result<_>>()?)
    }

    /// Rows of the table of scans: as many as a history can have at most.
    pub fn scan_count(&self) -> Result<usize, StoreError> {
        let count: i64 = self.db.query_row(COUNT, [], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// The result of a query whose one parameter is the last sequence number.
    pub(super) fn arrow(&self, sql: &str, cutoff: i64) -> Result<Vec<RecordBatch>, StoreError> {
        let mut statement = self.db.prepare(sql)?;
        let batches =
            whole(|| Ok::<_, StoreError>(statement.query_arrow([cutoff])?.collect::<Vec<RecordBatch>>()))??;
        Ok(batches.into_iter().filter(|batch| batch.num_rows() > 0).collect())
    }
}

/// The iterators of Arrow batches panic when a result breaks off in the middle.
fn whole<T>(read: impl FnOnce() -> T) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        StoreError::Result(text.unwrap_or("unknown reason").to_owned())
    })
}
