//! Makes the database file smaller when much of it is empty.
//!
//! A checkpoint writes changed blocks anew before it frees the old ones, and
//! the file never gives back what is free in its middle: after the first night
//! of a fleet half of it can be air. Copying into a new file is the only way.
//! It happens at the closing after a nightly run, under the store lock, with
//! nobody else inside; the new file takes the old one's place by one rename.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use duckdb::{Config, Connection};

use super::open::{BLOCK_BYTES, GROUP_ROWS, MEMORY, THREADS, file};
use super::prune::STAYS;
use super::{StoreError, private};

const SIZE: &str = include_str!("../../queries/database_size.sql");
const TABLES_OF_OLD: &str =
    "SELECT table_name FROM duckdb_tables() WHERE database_name = 'old' ORDER BY table_name";
const NEWEST_SEQ: &str = include_str!("../../queries/seq_newest.sql");

/// Copying is worth it from so many free bytes on, if they are also more than
/// a quarter of what is used.
const AIR: u64 = 4 << 20;

/// Copies the database into a new file if too much of it is free. The log is
/// empty when this is called. Afterwards `db` is a connection to nothing.
pub(super) fn if_wasteful(db: &mut Connection, dir: &Path) -> Result<(), StoreError> {
    let (used, free): (u64, u64) = db.query_row(SIZE, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if free < AIR || free < used / 4 {
        return Ok(());
    }
    swap(db, dir, None)
}

/// Copies what stays of the database into a new file: all that is newer than
/// the number `until`, and of the rest what [`super::prune::STAYS`] names.
/// Otherwise as [`if_wasteful`].
pub(super) fn thin_out(db: &mut Connection, dir: &Path, until: i64) -> Result<(), StoreError> {
    swap(db, dir, Some(until))
}

fn swap(db: &mut Connection, dir: &Path, until: Option<i64>) -> Result<(), StoreError> {
    let newest: i64 = db.query_row(NEWEST_SEQ, [], |row| row.get(0))?;
    // Closes the file: this is its last connection.
    *db = Connection::open_in_memory_with_flags(Config::default().threads(1)?)?;

    let old = file(dir);
    let new = dir.join("driftcast.duckdb.new");
    let result = copy(&old, &new, dir, newest, until).and_then(|()| {
        let io = |source| StoreError::Folder { path: new.clone(), source };
        private::close_to_others(&new).map_err(io)?;
        File::open(&new).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&new, &old).map_err(io)?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)
    });
    if result.is_err() {
        remove(&new);
    }
    result
}

fn copy(old: &Path, new: &Path, dir: &Path, newest: i64, until: Option<i64>) -> Result<(), StoreError> {
    // What an interrupted copy left.
    remove(new);
    let temp = dir.join("tmp");
    let config = Config::default()
        .threads(THREADS)?
        .max_memory(MEMORY)?
        .enable_autoload_extension(false)?
        .with("temp_directory", temp.to_string_lossy())?;
    let db = Connection::open_in_memory_with_flags(config)?;
    // Not in `queries/`: a path cannot be bound here, and these statements are
    // about two databases. The paths are ours, no device has a word in them.
    db.execute_batch(&format!("ATTACH {} AS old (READ_ONLY)", quoted(&old.to_string_lossy())))?;
    db.execute_batch(&format!(
        "ATTACH {} AS new (BLOCK_SIZE {BLOCK_BYTES}, ROW_GROUP_SIZE {GROUP_ROWS})",
        quoted(&new.to_string_lossy())
    ))?;
    match until {
        None => db.execute_batch("COPY FROM DATABASE old TO new")?,
        Some(until) => copy_what_stays(&db, until)?,
    }
    db.execute_batch("USE new")?;
    let copied: i64 = db.query_row(NEWEST_SEQ, [], |row| row.get(0))?;
    if copied != newest {
        return Err(StoreError::Result(format!("the copy ends at {copied} and not at {newest}")));
    }
    db.execute_batch("CHECKPOINT new")?;
    db.execute_batch("USE memory")?;
    db.execute_batch("DETACH new")?;
    Ok(())
}

/// Table by table; the views come with the schema.
fn copy_what_stays(db: &Connection, until: i64) -> Result<(), StoreError> {
    db.execute_batch("COPY FROM DATABASE old TO new (SCHEMA)")?;
    let tables: Vec<String> =
        db.prepare(TABLES_OF_OLD)?.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
    db.execute_batch("USE old")?;
    for table in tables {
        // The names are those of our own schema.
        match STAYS.iter().find(|(name, _)| *name == table) {
            Some((_, stays)) => db.execute(&format!("INSERT INTO new.main.{table} {stays}"), [until])?,
            None => db.execute(&format!("INSERT INTO new.main.{table} FROM old.main.{table}"), [])?,
        };
    }
    Ok(())
}

/// A path as a literal of SQL.
pub(super) fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "''"))
}

/// Removes a file and its log, if they are there.
fn remove(path: &Path) {
    let mut log = path.as_os_str().to_owned();
    log.push(".wal");
    for path in [path.to_owned(), PathBuf::from(log)] {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use super::*;
    use crate::store::Store;

    #[test]
    fn air_is_let_out_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        // A quote in the path is no way out of the statement.
        let dir = dir.path().join("it's here");
        let store = Store::open(&dir, Duration::ZERO).unwrap();
        // The test may do what the program never does: delete.
        store
            .db
            .execute_batch(
                "INSERT INTO unread SELECT i, i, i, md5(i::VARCHAR) || md5((-i)::VARCHAR) FROM range(200000) t(i);
                 CHECKPOINT;
                 DELETE FROM unread WHERE line < 190000;
                 CHECKPOINT",
            )
            .unwrap();
        store.shared.tidy.store(true, Ordering::Relaxed);
        let before = fs::metadata(file(&dir)).unwrap().len();
        drop(store);
        let after = fs::metadata(file(&dir)).unwrap().len();
        assert!(after < before / 4, "{before} to {after} bytes");
        let store = Store::open(&dir, Duration::ZERO).unwrap();
        let rows: i64 = store.db.query_row("SELECT count(*) FROM unread", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 10_000);
        assert!(store.devices().unwrap().is_empty(), "the views are there too");
        assert_eq!(private::open_to_others(&file(&dir)), None);
        let left: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains(".new")), "{left:?}");
    }
}
