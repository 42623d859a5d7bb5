//! The audit trail is vouched for from outside the database: each line of the
//! ledger has a hash over the rows that its write brought. A row that was
//! changed, added or taken away in the database no longer fits its line.
//!
//! The rows are hashed as text in a fixed order, not as the file keeps them, so
//! that neither a compaction nor a newer `DuckDB` looks like tampering.

use chrono::{DateTime, Utc};
use duckdb::Connection;
use sha2::{Digest as _, Sha256};

use super::ledger::LedgerLine;
use super::{StoreError, value};
use crate::model::snapshot::hex;

const LIST: &str = include_str!("../../queries/audit_list.sql");
const WRITES: &str = include_str!("../../queries/write_list.sql");

/// A part of the audit trail that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditBreak {
    #[error("rows of the audit trail of write {n} ({what}) were changed, added or removed")]
    Rows { n: i64, what: String },
    #[error("write {n} in the database is not the one that the ledger names")]
    Write { n: i64 },
    #[error("{rows} rows of the audit trail belong to no acknowledged write")]
    Unknown { rows: u64 },
}

fn add(hash: &mut Sha256, line: &str) {
    hash.update((line.len() as u64).to_le_bytes());
    hash.update(line.as_bytes());
}

/// The hash over the rows after one sequence number and up to another.
pub(super) fn digest(db: &Connection, after: i64, until: i64) -> Result<String, StoreError> {
    let mut hash = Sha256::new();
    let mut statement = db.prepare(LIST)?;
    let mut rows = statement.query([after, until])?;
    while let Some(row) = rows.next()? {
        add(&mut hash, &row.get::<_, String>(1)?);
    }
    Ok(hex(&hash.finalize()))
}

struct Write {
    n: i64,
    seq: i64,
    what: String,
    rows: i64,
    at: DateTime<Utc>,
}

/// Holds the whole trail against the ledger's lines.
pub(super) fn check(db: &Connection, lines: &[LedgerLine]) -> Result<Vec<AuditBreak>, StoreError> {
    let mut statement = db.prepare(WRITES)?;
    let mut rows = statement.query([])?;
    let mut writes = Vec::new();
    while let Some(row) = rows.next()? {
        writes.push(Write {
            n: row.get(0)?,
            seq: row.get(1)?,
            what: row.get(2)?,
            rows: row.get(3)?,
            at: value::time(row, 4)?,
        });
    }
    let by_number: std::collections::HashMap<(i64, i64), &LedgerLine> =
        lines.iter().map(|line| ((line.n, line.seq), line)).collect();
    let mut breaks = Vec::new();
    let mut statement = db.prepare(LIST)?;
    let mut rows = statement.query([0, i64::MAX])?;
    let mut next = next_row(&mut rows)?;
    for write in &writes {
        let mut hash = Sha256::new();
        while let Some((seq, line)) = next.take_if(|(seq, _)| *seq <= write.seq) {
            debug_assert!(seq <= write.seq);
            add(&mut hash, &line);
            next = next_row(&mut rows)?;
        }
        // A write without a line is told elsewhere.
        let Some(line) = by_number.get(&(write.n, write.seq)) else { continue };
        let said: String = LedgerLine::settled(&write.what);
        if said != line.what || u64::try_from(write.rows) != Ok(line.rows) || write.at != line.at {
            breaks.push(AuditBreak::Write { n: write.n });
        }
        // Lines of the first version vouch for nothing.
        if line.audit.as_ref().is_some_and(|audit| *audit != hex(&hash.finalize())) {
            breaks.push(AuditBreak::Rows { n: write.n, what: line.what.clone() });
        }
    }
    let mut unknown = 0;
    while next.is_some() {
        unknown += 1;
        next = next_row(&mut rows)?;
    }
    if unknown > 0 {
        breaks.push(AuditBreak::Unknown { rows: unknown });
    }
    Ok(breaks)
}

fn next_row(rows: &mut duckdb::Rows<'_>) -> Result<Option<(i64, String)>, StoreError> {
    Ok(match rows.next()? {
        Some(row) => Some((row.get(0)?, row.get(1)?)),
        None => None,
    })
}
