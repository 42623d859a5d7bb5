//! Retention: what is old and needed by nothing later leaves the database.
//!
//! Changes, drifts, records, runs, acknowledged writes and the inventory stay
//! for ever: they are small, and history and audit live on them. Of the rest,
//! what is old stays only where it is still the newest of its kind. Nothing is
//! deleted in place; what stays is copied into a new file, which then takes
//! the old one's name (see [`super::compact`]).

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::transaction::Acknowledged;
use super::value::{Time, number};
use super::{Store, StoreError};

const CUTOFF: &str = include_str!("../../queries/prune_cutoff.sql");
const NEWEST: &str = include_str!("../../queries/prune_newest.sql");

/// What stays of each table that is thinned out. `$1`: the last old number.
pub(super) const STAYS: &[(&str, &str)] = &[
    ("compared", include_str!("../../queries/prune/compared.sql")),
    ("forecast", include_str!("../../queries/prune/forecast.sql")),
    ("kept_splice", include_str!("../../queries/prune/kept_splice.sql")),
    ("kept_whole", include_str!("../../queries/prune/kept_whole.sql")),
    ("observation", include_str!("../../queries/prune/observation.sql")),
    ("request_event", include_str!("../../queries/prune/request_event.sql")),
    ("scan", include_str!("../../queries/prune/scan.sql")),
    ("schedule_event", include_str!("../../queries/prune/schedule_event.sql")),
    ("unread", include_str!("../../queries/prune/unread.sql")),
];

/// What pruning removes, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// The last sequence number that counts as old. `None`: nothing is old, or
    /// no run is younger than the limit, and then the clock is to be doubted.
    pub until_seq: Option<i64>,
    /// Rows by table: how many go, of how many.
    pub tables: Vec<(&'static str, u64, u64)>,
}

impl Pruned {
    /// Rows in all.
    pub fn removed(&self) -> u64 {
        self.tables.iter().map(|(_, removed, _)| removed).sum()
    }
}

impl Store {
    /// What [`Store::prune`] would remove: all that is older than the first run since `keep`.
    pub fn prunable(&self, keep: DateTime<Utc>) -> Result<Pruned, StoreError> {
        let until_seq: Option<i64> = self.db.query_row(CUTOFF, [Time(keep)], |row| row.get(0))?;
        let Some(until) = until_seq else { return Ok(Pruned::default()) };
        let mut tables = Vec::new();
        for (table, stays) in STAYS {
            // Both parts of the statement are ours; only the number is bound.
            let stays = stays.trim_end().trim_end_matches(';');
            let staying: i64 =
                self.db.query_row(&format!("SELECT count(*) FROM ({stays}\n)"), [until], |row| row.get(0))?;
            let all: i64 =
                self.db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            tables.push((*table, (all - staying).try_into().unwrap_or(0), all.try_into().unwrap_or(0)));
        }
        Ok(Pruned { until_seq, tables })
    }

    /// Removes it. The work is done when the last handle of this process is
    /// dropped; a copy that fails leaves the old file as it was. Refuses to
    /// begin without room for a copy.
    pub fn prune(&self, keep: DateTime<Utc>, when: DateTime<Utc>) -> Result<Pruned, StoreError> {
        let pruned = self.prunable(keep)?;
        let Some(until) = pruned.until_seq.filter(|_| pruned.removed() > 0) else { return Ok(pruned) };
        self.check_room()?;
        let what = format!("pruned {} rows up to number {until}", pruned.removed());
        // Written first: from now on nights before it are not told again, even
        // if the copy fails and they still could be.
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let rows = tx.append("prune_event", [tx.next_seq()], |out, seq| {
                out.append_row(duckdb::params![seq, until, number(pruned.removed()), Time(when)])
            })?;
            Ok(((), rows))
        })?;
        self.shared.prune.store(until, Ordering::Relaxed);
        Ok(pruned)
    }

    /// Up to which number the past was thinned out; 0 if never.
    pub(super) fn pruned_until(&self) -> Result<i64, StoreError> {
        Ok(self.db.query_row(NEWEST, [], |row| row.get(0))?)
    }
}
