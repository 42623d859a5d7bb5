//! Attempts to read devices, and what is known of a device before the next.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use duckdb::Row;

use super::append::ScanRow;
use super::value::{self, Time, maybe_time, parse_json, parse_word, parsed, scope, time};
use super::{Compared, Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::snapshot::CommitMark;
use crate::model::{
    Drift, DriftId, Fact, LineCounts, OperState, Outcome, PastDrift, Record, RunId, Scope, UnreadLine,
};

const STATES: &str = include_str!("../../queries/scan_states.sql");
const LIST: &str = include_str!("../../queries/scan_list.sql");
const NIGHTS: &str = include_str!("../../queries/scan_nights.sql");
const COST: &str = include_str!("../../queries/scan_cost.sql");
const PAGES: &str = include_str!("../../queries/scan_pages.sql");
const WEAK: &str = include_str!("../../queries/weak_list.sql");
const UNREAD: &str = include_str!("../../queries/unread_list.sql");

/// What the collector compares a new reading with. A device that was never
/// tried has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastState {
    /// Start of the last complete device-scope scan. Everything below that
    /// says "last" without more is about that scan.
    pub last_complete: Option<DateTime<Utc>>,
    /// The last attempt of any scope: start, outcome, detail.
    pub last_attempt: (DateTime<Utc>, Outcome, Option<String>),
    /// Start of the first failure since the last complete scan; `None` if the
    /// last attempt was complete.
    pub failing_since: Option<DateTime<Utc>>,
    /// Attempts that failed since the last complete scan.
    pub failures: u32,
    /// `None` too when a narrower scan or another record came later: the facts
    /// must be compared again, one by one.
    pub facts_digest: Option<String>,
    pub text_digest: Option<String>,
    /// `None` too when a narrower scan came later.
    pub observed_digest: Option<String>,
    /// Of everything that the device sent in the last such scan that was not quiet.
    pub capture_digest: Option<String>,
    /// Of the facts of the newest `suspect` scan, if no complete one came after it.
    pub suspect_digest: Option<String>,
    pub lines: Option<LineCounts>,
    pub commit: Option<CommitMark>,
    /// Complete device-scope scans so far.
    pub complete_scans: i64,
    pub last_seq: i64,
}

/// All that is believed and known of one device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Knowledge {
    /// Ordered by kind and key, with the newest observations.
    pub facts: Vec<Fact>,
    pub records: Vec<Record>,
    /// Open drifts.
    pub drifts: Vec<Drift>,
    /// Resolved drifts.
    pub past: HashMap<DriftId, PastDrift>,
    /// Counts of the last comparison of the whole device.
    pub compared: Option<Compared>,
    /// Newest observations by interface: oper, MTU.
    pub observed: HashMap<String, (Option<OperState>, Option<u32>)>,
}

/// A stored attempt. What a quiet scan left out is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenScan {
    pub seq: i64,
    pub row: ScanRow,
}

/// A stored attempt, without what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub run: RunId,
    pub scope: Scope,
    pub started_at: DateTime<Utc>,
    pub outcome: Outcome,
    pub detail: Option<String>,
}

/// What sessions with whole devices cost in some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanCost {
    /// All attempts, and those of them that were complete, and of these those that found a change.
    pub sessions: u64,
    pub complete: u64,
    pub changed: u64,
    /// Of complete ones: 5 % quantile, median, 95 % quantile. `None` without any.
    pub took_ms: Option<[f64; 3]>,
    /// Of all attempts together.
    pub all_ms: f64,
}

impl Store {
    /// The state of every device that was ever tried. One pass over the scans.
    /// `as_of`: as a run left them.
    pub fn last_states(&self, as_of: Option<RunId>) -> Result<HashMap<DeviceId, LastState>, StoreError> {
        self.states(self.cutoff(as_of)?, None)
    }

    /// The same of some devices, as they are now.
    pub fn last_states_of(&self, devices: &[DeviceId]) -> Result<HashMap<DeviceId, LastState>, StoreError> {
        if devices.is_empty() { Ok(HashMap::new()) } else { self.states(i64::MAX, Some(devices)) }
    }

    fn states(
        &self,
        cutoff: i64,
        devices: Option<&[DeviceId]>,
    ) -> Result<HashMap<DeviceId, LastState>, StoreError> {
        let mut statement = self.db.prepare(STATES)?;
        let mut rows = statement.query(duckdb::params![cutoff, devices.map(value::id_list)])?;
        let mut states = HashMap::new();
        while let Some(row) = rows.next()? {
            states.insert(row.get(0)?, last_state(row)?);
        }
        Ok(states)
    }

    /// What is known of some devices; each of them has an entry.
    pub fn knowledge(&self, devices: &[DeviceId]) -> Result<HashMap<DeviceId, Knowledge>, StoreError> {
        let mut known: HashMap<DeviceId, Knowledge> =
            devices.iter().map(|device| (*device, Knowledge::default())).collect();
        if devices.is_empty() {
            return Ok(known);
        }
        let names = self.device_names()?;
        for (device, counts) in self.list_compared(Some(devices), i64::MAX)? {
            if let Some(known) = known.get_mut(&device) {
                known.compared = Some(counts);
            }
        }
        for (device, facts) in self.facts_of(devices, None)? {
            if let Some(known) = known.get_mut(&device) {
                known.observed = observed(&facts);
                known.facts = facts;
            }
        }
        for (device, record) in self.list_records(Some(devices), i64::MAX, None, &names)? {
            if let Some(known) = known.get_mut(&device) {
                known.records.push(record);
            }
        }
        for drift in self.list_drifts(Some(devices), i64::MAX, (false, None), &names)? {
            if let Some(known) = known.get_mut(&drift.device_id) {
                known.drifts.push(drift);
            }
        }
        for (device, past) in self.past_drifts(devices, None, &names)? {
            if let Some(known) = known.get_mut(&device) {
                known.past = past;
            }
        }
        Ok(known)
    }

    /// What is known of a few things of one device, for a reading that reached
    /// no more than these: facts and drifts are theirs, records are all of the
    /// device's, because they say what the record claims to know.
    pub fn knowledge_of_keys(&self, device: DeviceId, keys: &[&str]) -> Result<Knowledge, StoreError> {
        let names = self.device_names()?;
        let devices = [device];
        let facts = self.facts_around(device, keys, None, &[])?;
        let records = self.list_records(Some(&devices), i64::MAX, None, &names)?;
        Ok(Knowledge {
            observed: observed(&facts),
            facts,
            records: records.into_iter().map(|(_, record)| record).collect(),
            drifts: self.list_drifts(Some(&devices), i64::MAX, (false, Some(keys)), &names)?,
            past: self.past_drifts(&devices, Some(keys), &names)?.remove(&device).unwrap_or_default(),
            // Only a reading of the whole device is counted.
            compared: None,
        })
    }

    /// The newest attempts to read one device, newest first.
    /// `as_of`: up to what a run saw.
    pub fn scans(
        &self,
        device: DeviceId,
        limit: u32,
        as_of: Option<RunId>,
    ) -> Result<Vec<SeenScan>, StoreError> {
        self.list_scans(Some(device), None, i64::from(limit), self.cutoff(as_of)?)
    }

    /// The newest attempts to read each of some devices, newest first, at most
    /// `limit` of each. A device that was never tried has no entry.
    pub fn attempts(
        &self,
        devices: &[DeviceId],
        limit: u32,
        as_of: Option<RunId>,
    ) -> Result<HashMap<DeviceId, Vec<Attempt>>, StoreError> {
        let mut attempts: HashMap<DeviceId, Vec<Attempt>> = HashMap::new();
        if devices.is_empty() {
            return Ok(attempts);
        }
        let mut statement = self.db.prepare(PAGES)?;
        let mut rows = statement.query(duckdb::params![
            value::id_list(devices),
            i64::from(limit),
            self.cutoff(as_of)?
        ])?;
        while let Some(row) = rows.next()? {
            let outcome: String = row.get(5)?;
            attempts.entry(row.get(0)?).or_default().push(Attempt {
                run: row.get(1)?,
                scope: scope(&row.get::<_, String>(2)?, row.get(3)?)?,
                started_at: time(row, 4)?,
                outcome: parsed("outcome", &outcome, Outcome::parse)?,
                detail: row.get(6)?,
            });
        }
        Ok(attempts)
    }

    /// All attempts of a run, newest first.
    pub fn scans_of_run(&self, run: RunId) -> Result<Vec<SeenScan>, StoreError> {
        self.list_scans(None, Some(run), i64::MAX, i64::MAX)
    }

    /// Lines that a run's complete device-scope scans could not read, by device and line.
    pub fn unread_of(&self, run: RunId) -> Result<Vec<(DeviceId, UnreadLine)>, StoreError> {
        let mut statement = self.db.prepare(UNREAD)?;
        let rows = statement.query_map([run], |row| {
            let line = row.get::<_, i64>(1)? as u64;
            Ok((row.get(0)?, UnreadLine { line, text: row.get(2)? }))
        })?;
        Ok(rows.collect::<duckdb::Result<_>>()?)
    }

    /// Devices that agreed on weak SSH algorithms when they last answered, with
    /// the names of those. `as_of`: as a run left it.
    pub fn weak_algorithms(&self, as_of: Option<RunId>) -> Result<Vec<(DeviceId, String)>, StoreError> {
        let mut statement = self.db.prepare(WEAK)?;
        let rows = statement.query_map([self.cutoff(as_of)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<duckdb::Result<_>>()?)
    }

    /// What sessions with whole devices cost since a moment, up to what a run saw.
    pub fn scan_cost(&self, since: DateTime<Utc>, as_of: Option<RunId>) -> Result<ScanCost, StoreError> {
        let mut statement = self.db.prepare(COST)?;
        let cost = statement.query_row(duckdb::params![Time(since), self.cutoff(as_of)?], |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let (median, low, high): (Option<f64>, Option<f64>, Option<f64>) =
                (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok(ScanCost {
                sessions: count(0)?,
                complete: count(1)?,
                changed: count(2)?,
                took_ms: median.zip(low).zip(high).map(|((median, low), high)| [low, median, high]),
                all_ms: row.get(6)?,
            })
        })?;
        Ok(cost)
    }

    /// Device and day of every complete device-scope scan since a moment, up
    /// to what a run saw. A device that was read twice on a day is there once.
    pub fn scan_nights(
        &self,
        since: DateTime<Utc>,
        as_of: Option<RunId>,
    ) -> Result<Vec<(DeviceId, NaiveDate)>, StoreError> {
        let mut statement = self.db.prepare(NIGHTS)?;
        let mut rows = statement.query(duckdb::params![Time(since), self.cutoff(as_of)?])?;
        let mut nights = Vec::new();
        while let Some(row) = rows.next()? {
            nights.push((row.get(0)?, time(row, 1)?.date_naive()));
        }
        Ok(nights)
    }

    fn list_scans(
        &self,
        device: Option<DeviceId>,
        run: Option<RunId>,
        limit: i64,
        cutoff: i64,
    ) -> Result<Vec<SeenScan>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![device, run, limit, cutoff])?;
        let mut scans = Vec::new();
        while let Some(row) = rows.next()? {
            scans.push(seen_scan(row)?);
        }
        Ok(scans)
    }
}

/// What was observed of interfaces, by name.
fn observed(facts: &[Fact]) -> HashMap<String, (Option<OperState>, Option<u32>)> {
    let of = |fact: &Fact| match fact {
        Fact::Interface(x) => Some((x.name.clone(), (x.oper, x.mtu))),
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

/// Three columns from `first` on.
fn line_counts(row: &Row<'_>, first: usize) -> Result<Option<LineCounts>, StoreError> {
    let count = |column| Ok::<_, StoreError>(row.get::<_, Option<i64>>(column)?.map(|n| n as u64));
    let (read, ignored, unread) = (count(first)?, count(first + 1)?, count(first + 2)?);
    Ok(read.zip(ignored).zip(unread).map(|((read, ignored), unread)| LineCounts { read, ignored, unread }))
}

/// `scan_states`' row.
fn last_state(row: &Row<'_>) -> Result<LastState, StoreError> {
    let outcome: String = row.get(10)?;
    let commit: Option<String> = row.get(14)?;
    Ok(LastState {
        last_complete: maybe_time(row, 1)?,
        facts_digest: row.get(2)?,
        text_digest: row.get(3)?,
        observed_digest: row.get(4)?,
        capture_digest: row.get(16)?,
        suspect_digest: row.get(17)?,
        lines: line_counts(row, 5)?,
        complete_scans: row.get(8)?,
        last_attempt: (time(row, 9)?, parsed("outcome", &outcome, Outcome::parse)?, row.get(11)?),
        last_seq: row.get(12)?,
        failing_since: maybe_time(row, 13)?,
        failures: u32::try_from(row.get::<_, i64>(15)?).unwrap_or(u32::MAX),
        commit: commit.map(|text| parse_json("commit_mark", &text)).transpose()?,
    })
}

/// `scan_list`'s row.
fn seen_scan(row: &Row<'_>) -> Result<SeenScan, StoreError> {
    let outcome: String = row.get(8)?;
    Ok(SeenScan {
        seq: row.get(0)?,
        row: ScanRow {
            run: row.get(1)?,
            device_id: row.get(2)?,
            scope: scope(&row.get::<_, String>(3)?, row.get(4)?)?,
            reason: parse_word("reason", &row.get::<_, String>(5)?)?,
            started_at: time(row, 6)?,
            took_ms: row.get::<_, i64>(7)? as u64,
            outcome: parsed("outcome", &outcome, Outcome::parse)?,
            detail: row.get(9)?,
            lines: line_counts(row, 10)?,
            facts_digest: row.get(13)?,
            text_digest: row.get(14)?,
            observed_digest: row.get(15)?,
            capture_digest: None,
            changed: row.get(16)?,
            text_changed: row.get(17)?,
        },
    })
}
