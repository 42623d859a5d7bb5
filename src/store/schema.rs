//! The shape of the database, in numbered steps that are applied in order and
//! recorded. A newer shape than this program knows is refused, never touched.

use std::path::Path;

use duckdb::Connection;

use super::StoreError;

/// The steps, each with the version it makes.
const STEPS: &[(i32, &str)] = &[
    (1, include_str!("../../queries/schema/0001_tables.sql")),
    (3, include_str!("../../queries/schema/0003_capture_digest.sql")),
    (5, include_str!("../../queries/schema/0005_schedules.sql")),
];

const TABLES: &str = include_str!("../../queries/table_list.sql");
const VERSION: &str = include_str!("../../queries/schema_read.sql");
const APPLIED: &str = include_str!("../../queries/schema_append.sql");
const CHECKPOINT: &str = include_str!("../../queries/checkpoint_run.sql");

/// The schema version that this program writes.
pub(super) const KNOWN: i32 = STEPS[STEPS.len() - 1].0;

/// Brings an opened file to the known version, or says why it cannot be used.
pub(super) fn settle(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(db, path)?;
    if found > KNOWN {
        return Err(StoreError::NewerSchema { found, known: KNOWN });
    }
    if found == KNOWN {
        return Ok(());
    }
    let tx = db.unchecked_transaction()?;
    for (version, sql) in STEPS.iter().filter(|(version, _)| *version > found) {
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
    let tables: Vec<String> =
        db.prepare(TABLES)?.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
    if tables.is_empty() {
        return Ok(0);
    }
    if !tables.iter().any(|name| name == "schema_event") {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    Ok(db.query_row(VERSION, [], |row| row.get::<_, Option<i32>>(0))?.unwrap_or(0))
}
