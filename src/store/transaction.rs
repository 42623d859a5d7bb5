//! The one way to write: a transaction that really commits or really does not.
//!
//! An error inside a transaction breaks it, and COMMIT then says Ok and rolls
//! back. So every error rolls back by hand, and just before COMMIT a probe
//! runs, which fails in a broken transaction. COMMIT itself syncs the log, so
//! nothing needs to be read back afterwards.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use duckdb::{Appender, Connection};

use super::ledger::{self, LedgerLine};
use super::open::{hold, log_file};
use super::value::{Time, number};
use super::{Store, StoreError, audit, private};

const PROBE: &str = include_str!("../../queries/transaction_probe.sql");
const NEWEST_SEQ: &str = include_str!("../../queries/seq_newest.sql");

/// What the writers of this process know between transactions. Other processes
/// are kept out by the store lock, so it stays true while the file is open.
#[derive(Default)]
pub(super) struct Writer {
    /// The newest sequence number; `None` until it was asked.
    seq: Option<i64>,
}

/// An open transaction.
pub(super) struct Tx<'a> {
    pub(super) db: &'a Connection,
    seq: Cell<i64>,
}

impl Tx<'_> {
    /// A new sequence number: one for each unit that is committed together.
    pub(super) fn next_seq(&self) -> i64 {
        self.seq.set(self.seq.get() + 1);
        self.seq.get()
    }

    /// Appends one row an item, and touches the table only if there is any.
    /// Flushes by hand: an appender that is dropped swallows its errors.
    pub(super) fn append<T>(
        &self,
        table: &'static str,
        items: impl IntoIterator<Item = T>,
        mut row: impl FnMut(&mut Appender<'_>, T) -> duckdb::Result<()>,
    ) -> Result<u64, StoreError> {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return Ok(0);
        }
        let mut rows = 0;
        let mut out = self.db.appender(table)?;
        for item in items {
            row(&mut out, item)?;
            rows += 1;
        }
        out.flush()?;
        Ok(rows)
    }
}

/// A write that the operator was told about: it gets a line in the ledger.
pub(super) struct Acknowledged {
    pub(super) what: String,
    pub(super) when: DateTime<Utc>,
}

impl Store {
    /// Runs `work` in a transaction of its own; writers of this process take turns.
    pub(super) fn in_tx<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.commit(&mut hold(&self.shared.writer), work)
    }

    fn commit<T>(
        &self,
        writer: &mut Writer,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let newest = match writer.seq {
            Some(seq) => seq,
            None => self.db.query_row(NEWEST_SEQ, [], |row| row.get(0))?,
        };
        // Dropped on any way out but the last line, it rolls back.
        let transaction = self.db.unchecked_transaction()?;
        let tx = Tx { db: &self.db, seq: Cell::new(newest) };
        let result = work(&tx)?;
        tx.db.query_row(PROBE, [], |_| Ok(()))?;
        let newest = tx.seq.get();
        transaction.commit()?;
        writer.seq = Some(newest);
        self.keep_log_private()?;
        Ok(result)
    }

    /// The same for a write that is acknowledged: `work` also says how many
    /// rows it wrote. None: there is nothing to acknowledge. The turn lasts until
    /// the line is in the ledger: the next one names its hash.
    pub(super) fn in_tx_with_ledger<T>(
        &self,
        acknowledged: &Acknowledged,
        work: impl FnOnce(&Tx<'_>) -> Result<(T, u64), StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = hold(&self.shared.writer);
        let (result, line) = self.commit(&mut writer, |tx| {
            let (result, rows) = work(tx)?;
            if rows == 0 {
                return Ok((result, None));
            }
            let last = ledger::last_line(&self.shared.dir)?;
            let (written, since) = ledger::newest_write(tx.db)?.map_or((0, 0), |write| (write.n, write.seq));
            let seq = tx.next_seq();
            let line =
                LedgerLine::after(last.as_ref(), written, acknowledged.when, &acknowledged.what, seq, rows)
                    .vouching(audit::digest(tx.db, since, seq)?);
            tx.append("write_event", [&line], |out, line| {
                out.append_row(duckdb::params![
                    line.seq,
                    line.n,
                    line.what,
                    number(line.rows),
                    Time(line.at),
                    line.audit
                ])
            })?;
            Ok((result, Some(line)))
        })?;
        if let Some(line) = line {
            ledger::append(&self.shared.dir, &line)?;
        }
        Ok(result)
    }

    /// `DuckDB` makes its log with the umask's rights.
    fn keep_log_private(&self) -> Result<(), StoreError> {
        let path = log_file(&self.shared.dir);
        private::close_to_others(&path).map_err(|source| StoreError::Folder { path, source })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::time::Duration;

    use super::*;

    fn count(store: &Store) -> i64 {
        store.db.query_row("SELECT count(*) FROM unread", [], |row| row.get(0)).unwrap()
    }

    fn put(tx: &Tx<'_>) -> Result<u64, StoreError> {
        tx.append("unread", [1_i64, 2], |out, line| {
            out.append_row(duckdb::params![tx.next_seq(), 1_i64, line, "x"])
        })
    }

    #[test]
    fn an_error_or_a_panic_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Duration::ZERO).unwrap();
        let failed: Result<(), _> = store.in_tx(|tx| {
            put(tx)?;
            Err(StoreError::UnknownRun(1))
        });
        assert!(matches!(failed, Err(StoreError::UnknownRun(1))));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.in_tx::<()>(|tx| {
                put(tx)?;
                panic!("a reader failed")
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(count(&store), 0);
        assert_eq!(store.in_tx(put).unwrap(), 2);
        assert_eq!(count(&store), 2);
    }

    #[test]
    fn a_broken_transaction_is_never_reported_as_committed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Duration::ZERO).unwrap();
        let broken = store.in_tx(|tx| {
            put(tx)?;
            // The error is swallowed here, as careless code would do it.
            let _ = tx.db.execute("INSERT INTO unread VALUES ('no number', 1, 1, '')", []);
            let _ = tx.db.execute_batch("SELECT error('broken')");
            Ok(())
        });
        // Either the probe stopped it, or the rows are really there.
        assert_eq!(count(&store), if broken.is_ok() { 2 } else { 0 });
        assert!(broken.is_err(), "the trap is gone: the probe can go too");
        store.in_tx(put).unwrap();
        assert_eq!(count(&store), 2);
    }

    #[test]
    fn lines_of_several_writers_follow_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let _open = Store::open(dir.path(), Duration::ZERO).unwrap();
        let write = &|who: usize| {
            let store = Store::open(dir.path(), Duration::ZERO).unwrap();
            for n in 0..40 {
                let done = Acknowledged { what: format!("{who} {n}"), when: DateTime::UNIX_EPOCH };
                store.in_tx_with_ledger(&done, |_| Ok(((), 1))).unwrap();
            }
        };
        std::thread::scope(|scope| (0..6).for_each(|who| drop(scope.spawn(move || write(who)))));
        let (lines, chain) = ledger::verify(dir.path()).unwrap();
        assert_eq!((lines.len(), chain), (240, Ok(())));
    }

    #[test]
    fn sequence_numbers_go_on_after_a_rollback_and_a_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let next = || {
            let store = Store::open(dir.path(), Duration::ZERO).unwrap();
            let when = DateTime::UNIX_EPOCH;
            let done = Acknowledged { what: "test".into(), when };
            store.in_tx_with_ledger(&done, |tx| Ok((tx.next_seq(), 1))).unwrap()
        };
        assert_eq!(next(), 1);
        assert_eq!(next(), 3);
        let store = Store::open(dir.path(), Duration::ZERO).unwrap();
        let _: Result<(), _> = store.in_tx(|tx| {
            tx.next_seq();
            Err(StoreError::UnknownRun(0))
        });
        assert_eq!(store.in_tx(|tx| Ok(tx.next_seq())).unwrap(), 5);
    }
}
