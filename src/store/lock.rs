//! Locks between processes: `flock` on an open file, never a pid file, so that
//! a killed holder leaves nothing to clean.
//!
//! The batch lock is for nightly and full scans, the device lock for one
//! session a device, the store lock for the milliseconds in which the database
//! is open. A lock file holds who took it last, for the message to the loser.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::private;
use crate::model::DeviceName;
use crate::model::snapshot::hex;

/// Who holds a lock, as far as its file tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
    /// What it is doing: the purpose it named, or its command line.
    pub command: String,
    /// When the lock was taken: the time of the file. `None` if unknown.
    #[serde(skip)]
    pub since: Option<DateTime<Utc>>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("another process");
        }
        write!(f, "process {}", self.pid)?;
        if !self.host.is_empty() {
            write!(f, " on {}", self.host)?;
        }
        if !self.command.is_empty() {
            write!(f, " ({})", self.command)?;
        }
        match self.since {
            Some(since) => write!(f, " since {}", since.round_subsecs(0).format("%Y-%m-%d %H:%M:%S UTC")),
            None => Ok(()),
        }
    }
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Wait for the holder, or end it.
    #[error("held by {0}")]
    Held(Holder),
    /// Make the folder writable.
    #[error("failed to use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// One locked file. The lock ends with the value, or with the process.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Tries once. `what` goes into the file for those who come later.
    pub(super) fn try_take(path: &Path, what: &str) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            private::make_dir(folder).map_err(io)?;
        }
        let mut file = private::open_file(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder_of(path))),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let holder =
            Holder { pid: std::process::id(), host: host_name(), command: one_line(what), since: None };
        // Who we are is a courtesy to others: a full disk must not stop us here.
        if let Ok(text) = serde_json::to_string(&holder) {
            let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
        }
        Ok(Self { _file: file })
    }

    /// Tries until `wait` has passed.
    pub(super) fn take(path: &Path, what: &str, wait: Duration) -> Result<Self, LockError> {
        let mut pause = Pause::new(wait);
        loop {
            match Self::try_take(path, what) {
                Err(LockError::Held(_)) if pause.again() => {}
                other => return other,
            }
        }
    }
}

/// Waiting with growing pauses, up to a limit.
pub(super) struct Pause {
    end: Instant,
    next: Duration,
}

impl Pause {
    pub(super) fn new(limit: Duration) -> Self {
        Self { end: Instant::now() + limit, next: Duration::from_millis(1) }
    }

    /// Sleeps and says true; says false when the time is over.
    #[expect(
        clippy::disallowed_methods,
        reason = "flock knows waiting for ever or not at all, nothing between"
    )]
    pub(super) fn again(&mut self) -> bool {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(self.next.min(left));
        self.next = (self.next * 2).min(Duration::from_millis(50));
        true
    }
}

fn holder_of(path: &Path) -> Holder {
    let mut holder: Holder =
        fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    holder.since = fs::metadata(path).and_then(|meta| meta.modified()).ok().map(DateTime::from);
    holder
}

/// The kernel's name of this machine; empty where there is no `/proc`.
fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|name| one_line(&name)).unwrap_or_default()
}

/// Printable, on one line, short.
fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// The command line of this process. It never holds a credential: none is
/// accepted there.
pub(super) fn command_line() -> String {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

/// Held by the one nightly or full scan of a data directory.
#[derive(Debug)]
pub struct BatchLock {
    _lock: FileLock,
}

impl BatchLock {
    /// Takes it or names the holder; never waits. `what` says what for, such
    /// as `nightly`.
    pub fn take(dir: &Path, what: &str) -> Result<Self, LockError> {
        FileLock::try_take(&folder(dir).join("batch.lock"), what).map(|lock| Self { _lock: lock })
    }

    /// Who holds it now, if anybody.
    pub fn holder(dir: &Path) -> Option<Holder> {
        holder_now(&folder(dir).join("batch.lock"))
    }
}

fn holder_now(path: &Path) -> Option<Holder> {
    let file = File::open(path).ok()?;
    // A shared lock, so that two who only ask do not see each other.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| holder_of(path))
}

/// Held by the one `serve` of a data directory, as long as it lives.
#[derive(Debug)]
pub struct ServeLock {
    _lock: FileLock,
}

impl ServeLock {
    /// Takes it or names the holder; never waits.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        FileLock::try_take(&folder(dir).join("serve.lock"), "serve").map(|lock| Self { _lock: lock })
    }

    /// Who holds it now, if anybody.
    pub fn holder(dir: &Path) -> Option<Holder> {
        holder_now(&folder(dir).join("serve.lock"))
    }
}

/// Held during a session with one device, across processes.
#[derive(Debug)]
pub struct DeviceLock {
    _lock: FileLock,
}

impl DeviceLock {
    /// Takes it within `wait`, or names the holder. Blocks the thread.
    pub fn take(dir: &Path, device: &DeviceName, what: &str, wait: Duration) -> Result<Self, LockError> {
        let path = folder(dir).join(format!("device-{}.lock", file_name(device)));
        FileLock::take(&path, what, wait).map(|lock| Self { _lock: lock })
    }
}

/// Where lock files live. They stay when a lock ends: removing one would race
/// with whoever opened it a moment ago.
pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join("locks")
}

/// A name as part of a file name: what is safe of it, and eight hex digits of
/// its hash, so that two names never meet in one file.
fn file_name(device: &DeviceName) -> String {
    let slug: String = device
        .as_str()
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '_' })
        .collect();
    format!("{slug}-{}", hex(&Sha256::digest(device.as_str())[..4]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_loser_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(BatchLock::holder(dir.path()), None);
        let first = BatchLock::take(dir.path(), "nightly").unwrap();
        let LockError::Held(holder) = BatchLock::take(dir.path(), "scan --all").unwrap_err() else {
            panic!("expected a holder");
        };
        assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "nightly"));
        assert!(holder.since.is_some());
        assert_eq!(BatchLock::holder(dir.path()).map(|h| h.pid), Some(std::process::id()));
        drop(first);
        assert_eq!(BatchLock::holder(dir.path()), None);
        BatchLock::take(dir.path(), "again").unwrap();
    }

    #[test]
    fn device_locks_are_one_a_device() {
        let dir = tempfile::tempdir().unwrap();
        let name = |n: &str| DeviceName::new(n).unwrap();
        let _a = DeviceLock::take(dir.path(), &name("leaf:1"), "scan", Duration::ZERO).unwrap();
        let _b = DeviceLock::take(dir.path(), &name("leaf;1"), "scan", Duration::ZERO).unwrap();
        let _c = DeviceLock::take(dir.path(), &name("LEAF:1"), "scan", Duration::ZERO).unwrap();
        let held = DeviceLock::take(dir.path(), &name("leaf:1"), "scan", Duration::from_millis(3));
        assert!(matches!(held, Err(LockError::Held(_))));
    }

    #[test]
    fn a_holder_is_told_on_one_line() {
        assert_eq!(Holder::default().to_string(), "another process");
        let holder = Holder { pid: 7, host: "h".into(), command: one_line("a\n\u{1b}b"), since: None };
        assert_eq!(holder.to_string(), "process 7 on h (a  b)");
    }
}
