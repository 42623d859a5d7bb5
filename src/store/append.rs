//! What the collector hands over: the result of reading one device, and all
//! that follows from it. The unit of truth is one device, so its rows share a
//! sequence number and are committed together.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::value::{Time, digest, json, number};
use super::{Compared, Store, StoreError, changes, compared, drifts, facts, kept};
use crate::model::device::DeviceId;
use crate::model::snapshot::{CommitMark, KeptText};
use crate::model::{
    Change, DriftStep, Fact, FactKey, LineCounts, OperState, Outcome, Reason, RunId, Scope, UnreadLine,
};

/// More unread lines of one scan than this are counted, not kept.
const UNREAD_KEPT: usize = 200;

/// One attempt to read one device.
///
/// What is `None` in a complete device-scope scan is as in the last such scan;
/// the collector compares with [`super::LastState`]. A digest is 32 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanRow {
    pub run: RunId,
    pub device_id: DeviceId,
    pub scope: Scope,
    pub reason: Reason,
    /// Kept to the second; the order of scans is that of their appending.
    pub started_at: DateTime<Utc>,
    pub took_ms: u64,
    pub outcome: Outcome,
    pub detail: Option<String>,
    pub lines: Option<LineCounts>,
    pub facts_digest: Option<String>,
    pub text_digest: Option<String>,
    pub observed_digest: Option<String>,
    /// Of everything that the device sent. Not read back with past scans.
    pub capture_digest: Option<String>,
    /// The compared facts differ from those of the last complete scan.
    pub changed: bool,
    /// The kept text differs.
    pub text_changed: bool,
}

/// Everything that one reading of one device adds to what is known.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceResult {
    pub scan: ScanRow,
    /// New facts, and new versions of changed ones.
    pub opened: Vec<Fact>,
    /// Facts that the scope covers and the device no longer has.
    pub closed: Vec<FactKey>,
    /// Interfaces whose observations differ from what is known: name, oper,
    /// MTU. Those of opened interfaces need not be here.
    pub observed: Vec<(String, Option<OperState>, Option<u32>)>,
    pub changes: Vec<Change>,
    pub drift_steps: Vec<DriftStep>,
    /// Sections of a device-scope scan. A text that is already kept adds nothing.
    pub kept: Vec<KeptText>,
    /// Stored only beside a new text digest or new line counts: otherwise they
    /// are those of the last scan. 200 at most.
    pub unread: Vec<UnreadLine>,
    /// The newest entry of the device's commit log, if it is a new one.
    pub commit: Option<CommitMark>,
    /// Counts of the comparison with the records, if they moved.
    pub compared: Option<Compared>,
    /// Weak SSH algorithms that the session agreed on.
    pub weak: Vec<String>,
}

impl DeviceResult {
    /// A result that adds nothing but the attempt itself: a quiet scan, or a failed one.
    pub fn of(scan: ScanRow) -> Self {
        Self {
            scan,
            opened: Vec::new(),
            closed: Vec::new(),
            observed: Vec::new(),
            changes: Vec::new(),
            drift_steps: Vec::new(),
            kept: Vec::new(),
            unread: Vec::new(),
            commit: None,
            compared: None,
            weak: Vec::new(),
        }
    }
}

impl Store {
    /// Appends results, all of them or none, in one transaction. At most one
    /// result a device in one call.
    pub fn append(&self, results: &[DeviceResult]) -> Result<(), StoreError> {
        if results.is_empty() {
            return Ok(());
        }
        self.in_tx(|tx| {
            let numbered: Vec<(i64, &DeviceResult)> =
                results.iter().map(|result| (tx.next_seq(), result)).collect();
            for (_, result) in &numbered {
                let scan = &result.scan;
                digest("facts_digest", scan.facts_digest.as_ref())?;
                digest("text_digest", scan.text_digest.as_ref())?;
                digest("observed_digest", scan.observed_digest.as_ref())?;
                digest("capture_digest", scan.capture_digest.as_ref())?;
            }
            tx.append("scan", &numbered, |out, (seq, result)| {
                let scan = &result.scan;
                let lines = |count: fn(&LineCounts) -> u64| scan.lines.as_ref().map(|l| whole(count(l)));
                out.append_row(duckdb::params![
                    seq,
                    scan.run,
                    scan.device_id,
                    scan.scope.kind(),
                    scan.scope.name(),
                    scan.reason.as_str(),
                    Time(scan.started_at),
                    whole(scan.took_ms),
                    scan.outcome.as_str(),
                    scan.detail,
                    lines(|l| l.read),
                    lines(|l| l.ignored),
                    lines(|l| l.unread),
                    scan.facts_digest,
                    scan.text_digest,
                    scan.observed_digest,
                    scan.changed,
                    scan.text_changed,
                    result.commit.as_ref().map(json),
                    scan.capture_digest,
                ])
            })?;
            facts::append(tx, &numbered)?;
            changes::append(
                tx,
                numbered.iter().flat_map(|(seq, result)| {
                    result.changes.iter().map(move |change| (*seq, result.scan.device_id, change))
                }),
            )?;
            drifts::append(
                tx,
                numbered.iter().flat_map(|(seq, result)| {
                    result.drift_steps.iter().map(move |step| (*seq, result.scan.device_id, step))
                }),
            )?;
            compared::append(
                tx,
                numbered
                    .iter()
                    .filter_map(|(seq, result)| Some((*seq, result.scan.device_id, result.compared?))),
            )?;
            kept::append(tx, &numbered)?;
            let weak = numbered.iter().filter(|(_, result)| !result.weak.is_empty());
            tx.append("weak_algorithms", weak, |out, (seq, result)| {
                out.append_row(duckdb::params![seq, result.scan.device_id, result.weak.join(", ")])
            })?;
            let unread = numbered.iter().flat_map(|(seq, result)| {
                let told = result.scan.text_digest.is_some() || result.scan.lines.is_some();
                let lines = if told { &result.unread[..] } else { &[] };
                lines.iter().take(UNREAD_KEPT).map(move |line| (*seq, result.scan.device_id, line))
            });
            tx.append("unread", unread, |out, (seq, device, line)| {
                out.append_row(duckdb::params![seq, device, number(line.line), line.text])
            })?;
            Ok(())
        })
    }
}

/// A count for an INTEGER column.
fn whole(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
