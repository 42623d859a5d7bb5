//! How much of a device's record and reality could be compared, and how much
//! of it agreed. A row is written when a count moves, like a digest.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::transaction::Tx;
use super::value::{id_list, number};
use super::{Store, StoreError};
use crate::model::RunId;
use crate::model::device::DeviceId;

const LIST: &str = include_str!("../../queries/compared_list.sql");

/// Counts of one comparison of one whole device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Covered keys on which record and device agree.
    pub agreed: u64,
    /// Covered keys that either side has.
    pub covered: u64,
    /// Configured facts outside the coverage.
    pub unmanaged: u64,
}

impl Store {
    /// The newest counts of every device: now, or as a run left them.
    pub fn compared(&self, as_of: Option<RunId>) -> Result<HashMap<DeviceId, Compared>, StoreError> {
        self.list_compared(None, self.cutoff(as_of)?)
    }

    /// `devices`: `None` is all of them.
    pub(super) fn list_compared(
        &self,
        devices: Option<&[DeviceId]>,
        cutoff: i64,
    ) -> Result<HashMap<DeviceId, Compared>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let rows = statement.query_map(duckdb::params![cutoff, devices.map(id_list)], |row| {
            let count = |column| row.get::<_, i64>(column).map(|n| n as u64);
            Ok((row.get(0)?, Compared { agreed: count(1)?, covered: count(2)?, unmanaged: count(3)? }))
        })?;
        Ok(rows.collect::<duckdb::Result<_>>()?)
    }
}

pub(super) fn append(
    tx: &Tx<'_>,
    counts: impl Iterator<Item = (i64, DeviceId, Compared)>,
) -> Result<u64, StoreError> {
    tx.append("compared", counts, |out, (seq, device, counts)| {
        out.append_row(duckdb::params![
            seq,
            device,
            number(counts.agreed),
            number(counts.covered),
            number(counts.unmanaged)
        ])
    })
}
