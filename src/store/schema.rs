//! The shape of the database, in numbered steps that are applied in order and
//! recorded. A newer shape than this program knows is refused, never touched.

use std::path::Path;

use duckdb::Connection;

use super::StoreError;

/// The steps, each with the version it makes.
const STEPS: &[(i32, &str)] = &[
    (1, include_str!("../../queries/schema/0001_tables.sql")),
    (2, include_str!("../../queries/schema/0002_sync.sql")),
    (3, include_str!("../../queries/schema/0003_capture_digest.sql")),
    (5, include_str!("../../queries/schema/0005_schedules.sql")),
    (8, include_str!("../../queries/schema/0008_weak_algorithms.sql")),
    (9, include_str!("../../queries/schema/0009_decision.sql")),
    (10, include_str!("../../queries/schema/0010_signal.sql")),
    (11, include_str!("../../queries/schema/0011_told.sql")),
    (12, include_str!("../../queries/schema/0012_ignore.sql")),
    (16, include_str!("../../queries/schema/0016_past.sql")),
];

const TABLES: &str = include_str!("../../queries/table_list.sql");
const VERSIONS: &str = include_str!("../../queries/schema_read.sql");
const APPLIED: &str = include_str!("../../queries/schema_append.sql");
const CHECKPOINT: &str = include_str!("../../queries/checkpoint_run.sql");

/// The schema version that this program writes.
pub(super) const KNOWN: i32 = STEPS[STEPS.len() - 1].0;

/// Brings an opened file to the known version, or says why it cannot be used.
pub(super) fn settle(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let applied = applied(db, path)?;
    let found = applied.iter().copied().max().unwrap_or(0);
    if found > KNOWN {
        return Err(StoreError::NewerSchema { found, known: KNOWN });
    }
    // By number and not by the highest: steps of two rooms may land in another order.
    let missing: Vec<_> = STEPS.iter().filter(|(version, _)| !applied.contains(version)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tx = db.unchecked_transaction()?;
    for (version, sql) in missing {
        tx.execute_batch(sql)?;
        tx.execute(APPLIED, duckdb::params![version, env!("CARGO_PKG_VERSION")])?;
    }
    tx.commit()?;
    // Definitions do not stay in the log: replaying them is where DuckDB had most of its bugs.
    db.execute_batch(CHECKPOINT)?;
    Ok(())
}

/// The version of the file; 0 for a new one.
pub(super) fn version(db: &Connection, path: &Path) -> Result<i32, StoreError> {
    Ok(applied(db, path)?.into_iter().max().unwrap_or(0))
}

/// The steps that a file has; none if it is new.
fn applied(db: &Connection, path: &Path) -> Result<Vec<i32>, StoreError> {
    let tables: Vec<String> =
        db.prepare(TABLES)?.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    if !tables.iter().any(|name| name == "schema_event") {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    Ok(db.prepare(VERSIONS)?.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?)
}
