//! `DuckDB` behind one door: everything that is remembered goes through
//! [`Store`], and no other room speaks SQL.
//!
//! Tables are append-only events with a global sequence number; the current
//! state is the newest event of each thing. There are no keys, no indexes and
//! no UPDATE. All of it is synchronous. The file is open only while it is
//! used: callers open, use and drop, so that other processes get their turn.

mod audit;
mod compact;
mod error;
mod ledger;
mod lock;
mod open;
mod private;
mod schema;
mod squeeze;
mod transaction;
mod value;

mod devices;
mod forecasts;
mod runs;

mod append;
mod changes;
mod compared;
mod decisions;
mod deliveries;
mod drifts;
mod evidence;
mod facts;
mod ignores;
mod kept;
mod records;
mod requests;
mod scans;
mod schedules;
mod signals;

mod health;
mod history;
mod named;
mod past;
mod prune;

use std::path::Path;
use std::sync::Arc;

pub use append::{DeviceResult, ScanRow};
pub use audit::AuditBreak;
pub use compared::Compared;
pub use decisions::{Choice, Decision, NewDecision};
pub use deliveries::{ChannelState, Delivery, ToldItem};
pub use devices::{ImportOutcome, StoredDevice};
pub use error::StoreError;
pub use evidence::{DriftEvidence, RecordVersions};
pub use forecasts::ForecastSum;
pub use health::{BadMode, Health, Room};
pub use history::{ScanFind, ScanOrder};
pub use ignores::IgnoreCount;
pub use ledger::{LedgerBreak, LedgerLine, LedgerState};
pub use lock::{BatchLock, DeviceLock, Holder, LockError, ServeLock};
pub use named::{NamedQuery, Parameter, Rows, named_queries};
pub use past::PastImport;
pub use prune::Pruned;
pub use records::{RecordChange, RecordCounts, RecordEdit, RecordEvent, RecordRow, RecordWhat};
pub use requests::Request;
pub use runs::RunRow;
pub use scans::{Attempt, Knowledge, LastState, ScanCost, SeenScan};
pub use schedules::{ScheduleEvent, ScheduleStep};

/// An open database. Handles of one process share one opening; the file is
/// closed, and free for other processes, when the last of them is dropped.
///
/// `Send` and not `Sync`: each thread takes a handle of its own.
pub struct Store {
    // Before `shared`: the last connection must be gone before the lock is.
    db: duckdb::Connection,
    shared: Arc<open::Shared>,
}

impl Store {
    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }
}
