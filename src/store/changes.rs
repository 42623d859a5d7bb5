//! What moved between two complete snapshots of a device.

use chrono::{DateTime, Utc};

use super::transaction::Tx;
use super::value::{Time, list, parse_list, parsed, time};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{Change, ChangeKind, FactKey, Kind, RunId};

const LIST: &str = include_str!("../../queries/change_list.sql");

impl Store {
    /// Changes that were first seen at `since` or later, oldest first, of one
    /// device or of all; up to what a run saw.
    pub fn changes(
        &self,
        device: Option<DeviceId>,
        since: DateTime<Utc>,
        as_of: Option<RunId>,
    ) -> Result<Vec<(DeviceId, Change)>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![device, Time(since), self.cutoff(as_of)?])?;
        let mut changes = Vec::new();
        while let Some(row) = rows.next()? {
            let kind: String = row.get(1)?;
            let what: String = row.get(3)?;
            let fields: Option<String> = row.get(4)?;
            let change = Change {
                key: FactKey { kind: parsed("kind", &kind, Kind::parse)?, key: row.get(2)? },
                kind: parsed("what", &what, ChangeKind::parse)?,
                fields: parse_list("fields", fields.as_deref())?,
                after: time(row, 5)?,
                until: time(row, 6)?,
                who: row.get(7)?,
                via: row.get(8)?,
            };
            changes.push((row.get(0)?, change));
        }
        Ok(changes)
    }
}

pub(super) fn append<'a>(
    tx: &Tx<'_>,
    changes: impl Iterator<Item = (i64, DeviceId, &'a Change)>,
) -> Result<u64, StoreError> {
    tx.append("change", changes, |out, (seq, device, change)| {
        out.append_row(duckdb::params![
            seq,
            device,
            change.key.kind.as_str(),
            change.key.key,
            change.kind.as_str(),
            list(&change.fields),
            Time(change.after),
            Time(change.until),
            change.who,
            change.via,
        ])
    })
}
