//! The ledger: one fsynced, hash-chained line a write that was acknowledged,
//! in a file beside the database.
//!
//! A database whose log was cut opens without an error and without the last
//! transactions. Only something outside it can tell. Commit first, then the
//! line; at opening the two are compared. A database one write ahead is a
//! crash between the two, and is repaired; a ledger ahead is a loss with names.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use duckdb::Connection;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{StoreError, private, value};
use crate::model::snapshot::hex;

const NEWEST: &str = include_str!("../../queries/write_newest.sql");
const ALL: &str = include_str!("../../queries/write_list.sql");

/// No line is longer: `what` is cut.
const LINE_BYTES: u64 = 2048;
const WHAT_CHARS: usize = 200;

/// One acknowledged write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// 1, 2, 3 …
    pub n: i64,
    pub at: DateTime<Utc>,
    /// In words: `run 412 finished: complete`.
    pub what: String,
    /// Its sequence number in the database.
    pub seq: i64,
    /// Rows it wrote there.
    pub rows: u64,
    /// Hash of the line before; 64 zeros in the first.
    pub prev: String,
    /// SHA-256 over all of the above.
    pub hash: String,
    /// SHA-256 over the rows of the audit trail that it wrote; lines of the
    /// first version have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<String>,
}

impl LedgerLine {
    /// The line that follows `last`. `written` is the newest number in the
    /// database: after a loss the higher of the two counts on.
    pub(super) fn after(
        last: Option<&Self>,
        written: i64,
        at: DateTime<Utc>,
        what: &str,
        seq: i64,
        rows: u64,
    ) -> Self {
        let n = last.map_or(0, |line| line.n).max(written) + 1;
        Self::chained(last, n, at, what, (seq, rows), None)
    }

    /// `wrote`: sequence number and rows.
    fn chained(
        last: Option<&Self>,
        n: i64,
        at: DateTime<Utc>,
        what: &str,
        wrote: (i64, u64),
        audit: Option<String>,
    ) -> Self {
        let prev = last.map_or_else(|| "0".repeat(64), |line| line.hash.clone());
        let (seq, rows) = wrote;
        let mut line = Self { n, at, what: Self::settled(what), seq, rows, prev, hash: String::new(), audit };
        line.hash = line.digest();
        line
    }

    /// The same, vouching for rows of the audit trail.
    pub(super) fn vouching(mut self, audit: String) -> Self {
        self.audit = Some(audit);
        self.hash = self.digest();
        self
    }

    /// What a line keeps of `what`.
    pub(super) fn settled(what: &str) -> String {
        what.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WHAT_CHARS).collect()
    }

    fn digest(&self) -> String {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut parts =
            format!("{}\n{}\n{at}\n{}\n{}\n{}", self.prev, self.n, self.what, self.seq, self.rows);
        if let Some(audit) = &self.audit {
            parts.push('\n');
            parts.push_str(audit);
        }
        hex(&Sha256::digest(parts))
    }
}

/// Where the chain of the ledger is broken: somebody changed, removed or added a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the ledger {why}")]
pub struct LedgerBreak {
    /// 1-based.
    pub line: u64,
    pub why: &'static str,
}

/// What the comparison at opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerState {
    InStep,
    /// The last write was committed and had no line; it has one now.
    Repaired(LedgerLine),
    /// The ledger names writes that the database does not have: `first` to `last`.
    DatabaseBehind {
        first: i64,
        last: LedgerLine,
    },
    /// The database has writes that the ledger does not name: lines were removed.
    LedgerBehind {
        ledger: i64,
        database: i64,
    },
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("ledger.jsonl")
}

/// The newest acknowledged write in the database.
pub(super) struct Write {
    pub(super) n: i64,
    pub(super) seq: i64,
    what: String,
    rows: u64,
    at: DateTime<Utc>,
    digest: Option<String>,
}

pub(super) fn newest_write(db: &Connection) -> Result<Option<Write>, StoreError> {
    let mut statement = db.prepare(NEWEST)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Write {
        n: row.get(0)?,
        seq: row.get(1)?,
        what: row.get(2)?,
        rows: row.get::<_, i64>(3)? as u64,
        at: value::time(row, 4)?,
        digest: row.get(5)?,
    }))
}

/// Compares the last line with the newest write, and repairs what a crash
/// between commit and line leaves behind. Reads two kilobytes and one row.
pub(super) fn compare(db: &Connection, dir: &Path) -> Result<LedgerState, StoreError> {
    let write = newest_write(db)?;
    let last = match last_line(dir) {
        Ok(last) => last,
        // A line that somebody damaged must not close the database to those
        // who only read; `doctor` names it.
        Err(StoreError::Ledger { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
            tracing::warn!(%source, "the last line of the ledger cannot be read; see `driftcast doctor`");
            let database = write.map_or(0, |write| write.n);
            return Ok(LedgerState::LedgerBehind { ledger: 0, database });
        }
        Err(error) => return Err(error),
    };
    let state = match (write, last) {
        (None, None) => LedgerState::InStep,
        (Some(write), Some(last)) if (write.n, write.seq) == (last.n, last.seq) => LedgerState::InStep,
        (Some(write), last) if write.n == last.as_ref().map_or(0, |line| line.n) + 1 => {
            let wrote = (write.seq, write.rows);
            let line =
                LedgerLine::chained(last.as_ref(), write.n, write.at, &write.what, wrote, write.digest);
            append(dir, &line)?;
            LedgerState::Repaired(line)
        }
        (write, Some(last)) if write.as_ref().is_none_or(|write| write.n <= last.n) => {
            // The same number with another content: that write is lost too.
            let kept = write.map_or(0, |write| if write.n == last.n { last.n - 1 } else { write.n });
            LedgerState::DatabaseBehind { first: kept + 1, last }
        }
        (write, last) => LedgerState::LedgerBehind {
            ledger: last.map_or(0, |line| line.n),
            database: write.map_or(0, |write| write.n),
        },
    };
    match &state {
        LedgerState::InStep => {}
        LedgerState::Repaired(line) => tracing::warn!(n = line.n, "added a missing line to the ledger"),
        LedgerState::DatabaseBehind { first, last } => {
            tracing::warn!(first, last = last.n, what = %last.what, "the database lacks writes that the ledger names");
        }
        LedgerState::LedgerBehind { ledger, database } => {
            tracing::warn!(ledger, database, "the ledger lacks writes that the database has");
        }
    }
    Ok(state)
}

/// The last whole line. What stands after it without a line end was cut by a
/// crash before it was acknowledged, and is removed.
pub(super) fn last_line(dir: &Path) -> Result<Option<LedgerLine>, StoreError> {
    let path = path(dir);
    let failed = |source| StoreError::Ledger { path: path.clone(), source };
    let mut file = match File::options().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let length = file.metadata().map_err(failed)?.len();
    let from = length.saturating_sub(2 * LINE_BYTES);
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).map_err(failed)?;
    let whole = end.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    if whole < end.len() {
        file.set_len(from + whole as u64).map_err(failed)?;
        file.sync_data().map_err(failed)?;
    }
    let text = String::from_utf8_lossy(&end[..whole]);
    let Some(line) = text.lines().next_back() else { return Ok(None) };
    let line = serde_json::from_str(line).map_err(|error| failed(error.into()))?;
    Ok(Some(line))
}

/// Adds a line and syncs it.
pub(super) fn append(dir: &Path, line: &LedgerLine) -> Result<(), StoreError> {
    let path = path(dir);
    let write = || {
        let fresh = !path.exists();
        let mut file = private::open_log(&path)?;
        let mut text = value::json(line);
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        if fresh {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|source| StoreError::Ledger { path: path.clone(), source })
}

/// Reads the whole ledger and checks the chain.
pub(super) fn verify(dir: &Path) -> Result<(Vec<LedgerLine>, Result<(), LedgerBreak>), StoreError> {
    let path = path(dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(StoreError::Ledger { path, source }),
    };
    Ok(verify_text(&text))
}

fn verify_text(text: &str) -> (Vec<LedgerLine>, Result<(), LedgerBreak>) {
    let mut lines: Vec<LedgerLine> = Vec::new();
    for (index, row) in text.lines().enumerate() {
        let broken = |why| Err(LedgerBreak { line: index as u64 + 1, why });
        let Ok(line) = serde_json::from_str::<LedgerLine>(row) else {
            return (lines, broken("cannot be read"));
        };
        let (n, prev) =
            lines.last().map_or_else(|| (0, "0".repeat(64)), |last: &LedgerLine| (last.n, last.hash.clone()));
        if line.hash != line.digest() {
            return (lines, broken("was changed"));
        }
        if line.prev != prev {
            return (lines, broken("does not follow the one before"));
        }
        if line.n != n + 1 {
            return (lines, broken("leaves out a number"));
        }
        lines.push(line);
    }
    (lines, Ok(()))
}

/// Lines whose write the database does not have.
pub(super) fn lost(db: &Connection, lines: &[LedgerLine]) -> Result<Vec<LedgerLine>, StoreError> {
    let writes: std::collections::HashSet<(i64, i64)> = db
        .prepare(ALL)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<duckdb::Result<_>>()?;
    Ok(lines.iter().filter(|line| !writes.contains(&(line.n, line.seq))).cloned().collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn three() -> Vec<LedgerLine> {
        let mut lines: Vec<LedgerLine> = Vec::new();
        for (i, what) in [(0, "import"), (1, "run 1\nfinished"), (2, "run 2 finished")] {
            let at = DateTime::from_timestamp(1_700_000_000 + i, 250_000_000).unwrap();
            let line = LedgerLine::after(lines.last(), 0, at, what, 10 * i, 5);
            lines.push(line);
        }
        lines
    }

    fn text(lines: &[LedgerLine]) -> String {
        lines.iter().map(|line| value::json(line) + "\n").collect()
    }

    #[test]
    fn the_chain_holds_and_any_tampering_shows() {
        let lines = three();
        let good = text(&lines);
        assert_eq!(verify_text(&good), (lines.clone(), Ok(())));
        let line_of = |text: &str| verify_text(text).1.unwrap_err().line;
        assert_eq!(line_of(&good.replace("\"rows\":5", "\"rows\":6")), 1);
        assert_eq!(line_of(&good.replace("run 1", "run 7")), 2);
        assert_eq!(line_of(&text(&lines[1..])), 1);
        assert_eq!(line_of(&text(&[lines[0].clone(), lines[2].clone()])), 2);
        assert_eq!(line_of(&text(&[lines[1].clone(), lines[0].clone()])), 1);
        // A whole new line with a good hash of its own still does not follow.
        let forged = LedgerLine::after(None, 1, lines[1].at, "run 1 finished", 10, 5);
        assert_eq!(line_of(&text(&[lines[0].clone(), forged])), 2);
        assert_eq!(line_of(&(good + "{}\n")), 4);
    }

    #[test]
    fn a_torn_last_line_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let lines = three();
        assert_eq!(last_line(dir.path()).unwrap(), None);
        for line in &lines {
            append(dir.path(), line).unwrap();
        }
        let file = path(dir.path());
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() - 7]).unwrap();
        assert_eq!(last_line(dir.path()).unwrap(), Some(lines[1].clone()));
        append(dir.path(), &lines[2]).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), whole);
        assert_eq!(private::open_to_others(&file), None);
    }
}
