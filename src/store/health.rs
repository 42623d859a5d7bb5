//! Whether the store can be trusted and has room: what `doctor` asks.

use std::fs;
use std::path::{Path, PathBuf};

use super::audit::{self, AuditBreak};
use super::ledger::{self, LedgerBreak, LedgerLine, LedgerState};
use super::open::{file, log_file};
use super::{Store, StoreError, lock, private, schema};

/// A run needs this much free space, or twice the database, whichever is more:
/// a checkpoint writes new blocks before it frees the old ones.
const LEAST_FREE: u64 = 64 << 20;

/// A file or folder on which others have rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMode {
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
}

/// Disk space, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The database and its log.
    pub used: u64,
    pub free: u64,
    /// What must be free for a run to begin.
    pub needed: u64,
}

/// The state of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub schema: i32,
    /// Should be empty.
    pub bad_modes: Vec<BadMode>,
    /// Lines of the ledger that could be read and follow each other.
    pub ledger_lines: u64,
    /// Where the ledger's chain breaks, if it does.
    pub ledger_break: Option<LedgerBreak>,
    /// What opening found.
    pub ledger_state: LedgerState,
    /// Acknowledged writes that the database has lost. Should be empty.
    pub lost: Vec<LedgerLine>,
    /// Rows of the audit trail that are not as they were written. Should be empty.
    pub audit: Vec<AuditBreak>,
    pub room: Room,
}

impl Health {
    /// What is wrong, a sentence each; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for bad in &self.bad_modes {
            problems.push(format!("{} is open to others (mode {:04o})", bad.path.display(), bad.mode));
        }
        if let Some(broken) = &self.ledger_break {
            problems.push(broken.to_string());
        }
        for line in &self.lost {
            problems.push(format!(
                "the database has lost write {} of {}: {} ({} rows)",
                line.n,
                line.at.format("%Y-%m-%d %H:%M:%S UTC"),
                line.what,
                line.rows
            ));
        }
        problems.extend(self.audit.iter().map(AuditBreak::to_string));
        if let LedgerState::LedgerBehind { ledger, database } = self.ledger_state {
            problems.push(format!("the ledger ends at write {ledger}, the database at {database}"));
        }
        if self.room.free < self.room.needed {
            problems.push(format!(
                "{} bytes of disk space are free, a run needs {}",
                self.room.free, self.room.needed
            ));
        }
        problems
    }
}

impl Store {
    /// Looks at everything: modes, schema, the whole ledger, disk room.
    pub fn health(&self) -> Result<Health, StoreError> {
        let dir = self.dir();
        let (lines, chain) = ledger::verify(dir)?;
        Ok(Health {
            schema: schema::version(&self.db, &file(dir))?,
            bad_modes: bad_modes(dir),
            ledger_lines: lines.len() as u64,
            ledger_break: chain.err(),
            ledger_state: self.shared.ledger.clone(),
            lost: ledger::lost(&self.db, &lines)?,
            audit: audit::check(&self.db, &lines)?,
            room: self.room()?,
        })
    }

    /// Disk space, used and free.
    pub fn room(&self) -> Result<Room, StoreError> {
        let dir = self.dir();
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |meta| meta.len());
        let used = size(file(dir)) + size(log_file(dir));
        let disk = rustix::fs::statvfs(dir)
            .map_err(|error| StoreError::Folder { path: dir.to_owned(), source: error.into() })?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        Ok(Room { used, free, needed: LEAST_FREE.max(2 * used) })
    }

    /// Refuses to begin something big on a disk that is nearly full.
    pub(super) fn check_room(&self) -> Result<(), StoreError> {
        let Room { free, needed, .. } = self.room()?;
        if free < needed {
            return Err(StoreError::DiskRoom { needed, free });
        }
        Ok(())
    }
}

fn bad_modes(dir: &Path) -> Vec<BadMode> {
    [dir.to_owned(), file(dir), log_file(dir), ledger::path(dir), lock::folder(dir), dir.join("tmp")]
        .into_iter()
        .filter_map(|path| private::open_to_others(&path).map(|mode| BadMode { path, mode }))
        .collect()
}
