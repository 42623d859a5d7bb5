//! What can go wrong with the store, named by what the operator can do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::lock::Holder;

/// Why the store could not do what was asked. Nothing was written unless the
/// variant says so.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Make the folder or file readable and writable for this user, or name another one.
    #[error("failed to use {}: {source}", path.display())]
    Folder { path: PathBuf, source: io::Error },

    /// Put a plain file there: a link could lead the writes anywhere.
    #[error("failed to open the database: {} is a symbolic link or no plain file", .0.display())]
    NotPlain(PathBuf),

    /// Wait for the holder, or end it.
    #[error("failed to open the database within {} s: it is held by {holder}", waited.as_secs_f32())]
    Busy { holder: Holder, waited: Duration },

    /// Use a newer driftcast.
    #[error("failed to open the database: its schema is version {found}, this program knows up to {known}")]
    NewerSchema { found: i32, known: i32 },

    /// Name another data directory.
    #[error("failed to open {}: it is a database, but not one of driftcast", .0.display())]
    Foreign(PathBuf),

    /// Move the file and its `.wal` aside together, and restore a backup of both.
    #[error("failed to open the database {}: {reason}", path.display())]
    Unopenable { path: PathBuf, reason: String },

    /// Free some disk space.
    #[error("failed to begin: {needed} bytes of free disk space are needed, {free} are there")]
    DiskRoom { needed: u64, free: u64 },

    /// Check the name, or import the device.
    #[error("no device is called {0}")]
    UnknownDevice(String),

    /// Take another name, or keep one of the two rows.
    #[error("the device name {0} is there twice")]
    NameTaken(String),

    /// Check the run number.
    #[error("no run has the number {0}")]
    UnknownRun(i64),

    /// Look again and repeat: somebody wrote in between.
    #[error("the records of device {0} were changed in between")]
    RecordsMoved(i64),
    /// Ask for a later run: what that one saw is no longer kept in full.
    #[error("run {0} is older than what retention keeps: its night cannot be told again")]
    Pruned(i64),

    /// Export CSV, or link a `DuckDB` library that has it.
    #[error("the DuckDB library that this program is linked with writes no Parquet")]
    NoParquet,

    /// `driftcast query` lists them.
    #[error("no query is called {0:?}")]
    UnknownQuery(String),

    /// `driftcast query` lists the parameters of each.
    #[error("the query {query} has no parameter {name:?}")]
    UnknownParameter { query: &'static str, name: String },

    /// Check the source; repeat with the override if so many really left.
    #[error("refused: the import would retire {would_retire} of {of} devices of this source")]
    Guard { would_retire: u64, of: u64 },

    /// A value in the database is not one that this version writes.
    #[error("failed to read the database: {column} holds {value:?}")]
    Unreadable { column: &'static str, value: String },

    /// A value that was to be stored is not of the agreed form.
    #[error("failed to store {column}: {value:?} is not {wanted}")]
    Unstorable { column: &'static str, value: String, wanted: &'static str },

    /// The write is committed; only its line in the ledger is missing. The next opening adds it.
    #[error("failed to write {}: {source}; the database itself has the write", path.display())]
    Ledger { path: PathBuf, source: io::Error },

    /// The database refused a statement; the transaction was rolled back.
    #[error("failed to use the database: {0}")]
    Database(#[from] duckdb::Error),

    /// The database gave up in the middle of a result.
    #[error("failed to read a result from the database: {0}")]
    Result(String),
}
