//! Opening and closing the database file, once a process and one process at a
//! time.
//!
//! Two openings of one file in one process lose writes without an error, so
//! there is a register of what is open, and all handles are clones of one
//! connection. Other processes are kept out by our own store lock: `DuckDB`'s
//! lock knows no waiting.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use duckdb::{Config, Connection};

use super::ledger::{self, LedgerState};
use super::lock::{self, FileLock, Holder, LockError, Pause};
use super::transaction::Writer;
use super::{Store, StoreError, compact, private, schema};

const NO_CHECKPOINT_AT_CLOSE: &str = include_str!("../../queries/checkpoint_disable.sql");
const USE: &str = include_str!("../../queries/database_use.sql");
const NO_OTHER_FILES: &str = include_str!("../../queries/files_forbid.sql");
const LOCK_SETTINGS: &str = include_str!("../../queries/settings_lock.sql");
const CHECKPOINT: &str = include_str!("../../queries/checkpoint_run.sql");

/// Small blocks: with the usual 256 KiB a year of a thousand quiet devices
/// takes a fifth more room. Below 64 KiB `DuckDB` no longer packs integers.
pub(super) const BLOCK_BYTES: &str = "65536";
/// Rows that are compressed together. A checkpoint unpacks and rewrites those of
/// the last group of each table: with the usual 122,880 that is 30 MB and more
/// during a first night. With 30,720 a year of quiet nights takes a tenth more room.
pub(super) const GROUP_ROWS: u32 = 40_960;
/// A prepared statement keeps the plan that the statistics of that moment gave:
/// planned on an empty table it finds no row for ever (`DuckDB` 1.5.5). Planning
/// and running are two steps here, and another handle may commit in between.
const BAD_OPTIMIZERS: &str = "statistics_propagation";
pub(super) const MEMORY: &str = "128MB";
pub(super) const THREADS: i64 = 1;
/// From this size on the log is moved into the database when it is closed (10
/// to 30 ms). Until then every opening replays it, at some 100 ms a MiB.
const LOG_BYTES: u64 = 256 << 10;

static OPEN: Mutex<BTreeMap<PathBuf, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// What all handles of one process on one database share. The order of the
/// fields is the order of closing: the file first, then the lock.
pub(super) struct Shared {
    db: Mutex<Connection>,
    /// Set when a nightly run has ended: the moment to tidy up, at closing.
    pub(super) tidy: AtomicBool,
    /// Set to the last number that is old, when old rows are to go at closing.
    pub(super) prune: AtomicI64,
    pub(super) writer: Mutex<Writer>,
    pub(super) ledger: LedgerState,
    /// The data directory, canonical.
    pub(super) dir: PathBuf,
    _lock: FileLock,
}

/// The database file of a data directory.
pub(super) fn file(dir: &Path) -> PathBuf {
    dir.join("driftcast.duckdb")
}

/// Its write-ahead log.
pub(super) fn log_file(dir: &Path) -> PathBuf {
    dir.join("driftcast.duckdb.wal")
}

/// A mutex whose holder panicked still guards good data here: a transaction
/// rolls back when it is dropped.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the database of `dir`, and makes both if they are missing
    /// (private: 0700 and 0600). Waits up to `wait` for another process that
    /// has it open, then names it. Blocks the thread.
    pub fn open(dir: &Path, wait: Duration) -> Result<Self, StoreError> {
        let folder = |source| StoreError::Folder { path: dir.to_owned(), source };
        private::make_dir(dir).map_err(folder)?;
        let dir = dir.canonicalize().map_err(folder)?;
        let mut pause = Pause::new(wait);
        loop {
            // Within this process a handle is shared, not waited for.
            if let Some(shared) = hold(&OPEN).get(&dir).and_then(Weak::upgrade) {
                let db = handle(&hold(&shared.db))?;
                return Ok(Self { db, shared });
            }
            match Self::open_first(&dir) {
                Err(StoreError::Busy { .. }) if pause.again() => {}
                Err(StoreError::Busy { holder, .. }) => {
                    return Err(StoreError::Busy { holder, waited: wait });
                }
                other => return other,
            }
        }
    }

    fn open_first(dir: &Path) -> Result<Self, StoreError> {
        let lock = FileLock::try_take(&lock::folder(dir).join("store.lock"), &lock::command_line()).map_err(
            |error| match error {
                LockError::Held(holder) => StoreError::Busy { holder, waited: Duration::ZERO },
                LockError::Io { path, source } => StoreError::Folder { path, source },
            },
        )?;
        let path = file(dir);
        for path in [&path, &log_file(dir)] {
            refuse_odd_file(path)?;
        }
        let temp = dir.join("tmp");
        private::make_dir(&temp).map_err(|source| StoreError::Folder { path: temp.clone(), source })?;

        let db = connect(&path, &temp)?;
        for path in [&path, &log_file(dir)] {
            private::close_to_others(path)
                .map_err(|source| StoreError::Folder { path: path.clone(), source })?;
        }
        schema::settle(&db, &path)?;
        let ledger = ledger::compare(&db, dir)?;
        let handle = handle(&db)?;
        let shared = Arc::new(Shared {
            db: Mutex::new(db),
            tidy: AtomicBool::new(false),
            prune: AtomicI64::new(0),
            writer: Mutex::default(),
            ledger,
            dir: dir.to_owned(),
            _lock: lock,
        });
        let mut open = hold(&OPEN);
        open.retain(|_, shared| shared.strong_count() > 0);
        open.insert(dir.to_owned(), Arc::downgrade(&shared));
        Ok(Self { db: handle, shared })
    }

    /// Moves the write-ahead log into the database file now.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.db.execute_batch(CHECKPOINT)?)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let tidy = *self.tidy.get_mut();
        let prune = Some(*self.prune.get_mut()).filter(|until| *until > 0);
        let long = fs::metadata(log_file(&self.dir)).is_ok_and(|log| log.len() > LOG_BYTES);
        if !tidy && !long && prune.is_none() {
            return;
        }
        // Whatever fails here, nothing is lost: the log and the old file stay.
        if let Err(error) = hold(&self.db).execute_batch(CHECKPOINT) {
            tracing::warn!(%error, "failed to move the database's log into the database");
            return;
        }
        if let Some(until) = prune {
            if let Err(error) = compact::thin_out(&mut hold(&self.db), &self.dir, until) {
                tracing::warn!(%error, "failed to remove old rows; they stay until the next pruning");
            }
        } else if tidy && let Err(error) = compact::if_wasteful(&mut hold(&self.db), &self.dir) {
            tracing::warn!(%error, "failed to make the database file smaller");
        }
    }
}

/// Another connection to the same database.
fn handle(db: &Connection) -> Result<Connection, StoreError> {
    let handle = db.try_clone()?;
    handle.execute_batch(USE)?;
    Ok(handle)
}

/// Opens the file and takes from `DuckDB` whatever it does not need: no
/// extensions, no files but its own, no changes to these settings. The file is
/// attached, because only so it takes a size of its row groups.
fn connect(path: &Path, temp: &Path) -> Result<Connection, StoreError> {
    let not_utf8 = |path: &Path| StoreError::Folder {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"),
    };
    let temp = temp.to_str().ok_or_else(|| not_utf8(temp))?;
    let file = path.to_str().ok_or_else(|| not_utf8(path))?;
    let config = Config::default()
        .threads(THREADS)?
        .max_memory(MEMORY)?
        .enable_autoload_extension(false)?
        .with("default_block_size", BLOCK_BYTES)?
        .with("disabled_optimizers", BAD_OPTIMIZERS)?
        .with("temp_directory", temp)?;
    let db = Connection::open_in_memory_with_flags(config)?;
    // Not in `queries/`: a path cannot be bound here.
    let attach =
        format!("ATTACH {} AS driftcast (TYPE duckdb, ROW_GROUP_SIZE {GROUP_ROWS})", compact::quoted(file));
    db.execute_batch(&attach).map_err(|error| refusal(path, &error.to_string()))?;
    db.execute_batch(USE)?;
    db.execute_batch(NO_CHECKPOINT_AT_CLOSE)?;
    db.execute_batch(NO_OTHER_FILES)?;
    db.execute_batch(LOCK_SETTINGS)?;
    Ok(db)
}

/// Somebody who does not know our lock (the duckdb shell) may hold the file.
fn refusal(path: &Path, reason: &str) -> StoreError {
    if reason.contains("Could not set lock on file") {
        let pid = reason
            .split_once("(PID ")
            .and_then(|(_, rest)| rest.split_once(')'))
            .and_then(|(pid, _)| pid.parse().ok());
        let command = reason
            .split_once("is held in ")
            .and_then(|(_, rest)| rest.split_once(" ("))
            .map(|(program, _)| program.to_owned());
        let holder =
            Holder { pid: pid.unwrap_or(0), command: command.unwrap_or_default(), ..Holder::default() };
        return StoreError::Busy { holder, waited: Duration::ZERO };
    }
    let reason = reason.lines().next().unwrap_or_default().to_owned();
    StoreError::Unopenable { path: path.to_owned(), reason }
}

fn refuse_odd_file(path: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_file() => Err(StoreError::NotPlain(path.to_owned())),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Folder { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_plan_made_on_an_empty_table_sees_later_rows() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Duration::ZERO).unwrap();
        let mut planned = store.db.prepare("SELECT count(*) FROM unread WHERE line > 1000").unwrap();
        let mut count = || planned.query_row([], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count(), 0);
        store.db.execute_batch("INSERT INTO unread VALUES (1, 1, 2000, '')").unwrap();
        assert_eq!(count(), 1);
    }

    #[test]
    fn what_duckdb_does_not_need_is_taken_from_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Duration::ZERO).unwrap();
        let refused = |sql: &str| assert!(store.db.execute_batch(sql).is_err(), "{sql}");
        refused("SET enable_external_access = true");
        refused("SET threads = 8");
        refused("COPY (SELECT 1) TO '/tmp/driftcast-test.csv'");
        refused("SELECT * FROM read_csv('/etc/hosts')");
        refused("ATTACH '/tmp/driftcast-test.duckdb'");
        refused("INSTALL httpfs");
        // What a checkpoint and a spill need still works.
        store.checkpoint().unwrap();
    }

    #[test]
    fn a_foreign_holder_is_read_from_the_message() {
        let error = refusal(
            Path::new("/x"),
            "IO Error: Could not set lock on file \"/x\": Conflicting lock is held in /usr/bin/duckdb (PID 309). See",
        );
        let StoreError::Busy { holder, .. } = error else { panic!("expected busy") };
        assert_eq!((holder.pid, holder.command.as_str()), (309, "/usr/bin/duckdb"));
    }
}
