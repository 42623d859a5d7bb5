//! Hints that devices changed, and what the listener heard. Rows are added in
//! batches and never closed: a later scan is newer, and that answers them.

use chrono::{DateTime, Utc};

use super::value::{Time, maybe_time, number, parsed, time};
use super::{Store, StoreError};
use crate::model::{Heard, LogSignal, RunId, Signal, SignalKind};

const LIST: &str = include_str!("../../queries/signal_list.sql");
const HINTS: &str = include_str!("../../queries/hint_list.sql");
const SUMS: &str = include_str!("../../queries/heard_sums.sql");

impl Store {
    /// Appends signals and what was heard beside them since the last call.
    pub fn append_signals(
        &self,
        signals: &[LogSignal],
        heard: &Heard,
        when: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if signals.is_empty() && heard.is_nothing() {
            return Ok(());
        }
        self.in_tx(|tx| {
            let seq = tx.next_seq();
            tx.append("signal", signals, |out, signal| {
                out.append_row(duckdb::params![
                    seq,
                    signal.device_id,
                    "syslog",
                    Time(signal.at),
                    signal.who,
                    signal.via,
                    number(signal.lines),
                ])
            })?;
            let heard = Some(heard).filter(|heard| !heard.is_nothing());
            tx.append("heard", heard, |out, heard| {
                out.append_row(duckdb::params![
                    seq,
                    Time(when),
                    number(heard.lines),
                    number(heard.signals),
                    number(heard.strangers),
                    number(heard.limited),
                    number(heard.garbled),
                    number(heard.cut),
                    number(heard.closed),
                    number(heard.kernel_drops),
                ])
            })?;
            Ok(())
        })
    }

    /// Signals since a moment, oldest first.
    pub fn signals(&self, since: DateTime<Utc>) -> Result<Vec<LogSignal>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query([Time(since)])?;
        let mut signals = Vec::new();
        while let Some(row) = rows.next()? {
            signals.push(LogSignal {
                device_id: row.get(0)?,
                at: time(row, 1)?,
                who: row.get(2)?,
                via: row.get(3)?,
                lines: row.get::<_, i64>(4)?.try_into().unwrap_or(0),
            });
        }
        Ok(signals)
    }

    /// All hints since a moment that devices changed, of every kind, oldest
    /// first. `as_of`: as a run left them.
    pub fn hints(&self, since: DateTime<Utc>, as_of: Option<RunId>) -> Result<Vec<Signal>, StoreError> {
        let mut statement = self.db.prepare(HINTS)?;
        let mut rows = statement.query(duckdb::params![Time(since), self.cutoff(as_of)?])?;
        let mut hints = Vec::new();
        while let Some(row) = rows.next()? {
            let kind = row.get::<_, String>(1)?;
            let kind = parsed("kind", &kind, SignalKind::parse)?;
            hints.push(Signal { device: row.get(0)?, kind, at: time(row, 2)? });
        }
        Ok(hints)
    }

    /// What was heard since a moment, in all, and when that was last written down.
    pub fn heard(&self, since: DateTime<Utc>) -> Result<(Heard, Option<DateTime<Utc>>), StoreError> {
        let mut statement = self.db.prepare(SUMS)?;
        let mut rows = statement.query([Time(since)])?;
        let Some(row) = rows.next()? else { return Ok((Heard::default(), None)) };
        let count =
            |column| -> Result<u64, StoreError> { Ok(row.get::<_, i64>(column)?.try_into().unwrap_or(0)) };
        let heard = Heard {
            lines: count(0)?,
            signals: count(1)?,
            strangers: count(2)?,
            limited: count(3)?,
            garbled: count(4)?,
            cut: count(5)?,
            closed: count(6)?,
            kernel_drops: count(7)?,
        };
        Ok((heard, maybe_time(row, 8)?))
    }
}
