//! What sync asks before it writes: which reading each open drift rests on,
//! which version each record has, how many there are, and whose database it is.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::value::{self, Time, parsed, time};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{DriftId, FactKey, Kind, RunId};

const EVIDENCE: &str = include_str!("../../queries/drift_evidence.sql");
const VERSIONS: &str = include_str!("../../queries/record_versions.sql");
const COUNTS: &str = include_str!("../../queries/record_counts.sql");
const LATELY: &str = include_str!("../../queries/record_lately.sql");
const IDENTITY: &str = include_str!("../../queries/identity_read.sql");

/// The newest sequence number and the number of versions of each record of a device.
pub type RecordVersions = BTreeMap<FactKey, (i64, i64)>;

/// The reading that an open drift rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftEvidence {
    /// The newest complete scan that covers the thing.
    pub scan: i64,
    pub run: RunId,
    pub started: DateTime<Utc>,
    pub whole: bool,
    /// Complete scans that cover it since it is in its class.
    pub seen: u32,
    /// How often it was updated since it is open.
    pub updates: u32,
}

impl Store {
    /// Open drifts of some devices, or of all. One that no complete scan covers is not there.
    pub fn drift_evidence(
        &self,
        devices: Option<&[DeviceId]>,
    ) -> Result<HashMap<DriftId, DriftEvidence>, StoreError> {
        let mut statement = self.db.prepare(EVIDENCE)?;
        let mut rows = statement.query([devices.map(value::id_list)])?;
        let mut found = HashMap::new();
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        while let Some(row) = rows.next()? {
            let evidence = DriftEvidence {
                scan: row.get(2)?,
                run: row.get(3)?,
                started: time(row, 4)?,
                whole: row.get(5)?,
                seen: count(row.get(6)?),
                updates: count(row.get(7)?),
            };
            found.insert(DriftId(row.get(1)?), evidence);
        }
        Ok(found)
    }

    /// The newest sequence number and the number of versions of every record
    /// that ever was, by device.
    pub fn record_versions(
        &self,
        devices: Option<&[DeviceId]>,
    ) -> Result<HashMap<DeviceId, RecordVersions>, StoreError> {
        let mut statement = self.db.prepare(VERSIONS)?;
        let mut rows = statement.query([devices.map(value::id_list)])?;
        let mut versions: HashMap<DeviceId, RecordVersions> = HashMap::new();
        while let Some(row) = rows.next()? {
            let kind = parsed("kind", &row.get::<_, String>(1)?, Kind::parse)?;
            let key = FactKey { kind, key: row.get(2)? };
            versions.entry(row.get(0)?).or_default().insert(key, (row.get(3)?, row.get(4)?));
        }
        Ok(versions)
    }

    /// How many records there are.
    pub fn record_counts(&self) -> Result<BTreeMap<(DeviceId, Kind), u64>, StoreError> {
        let mut statement = self.db.prepare(COUNTS)?;
        let mut rows = statement.query([])?;
        let mut counts = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let kind = parsed("kind", &row.get::<_, String>(1)?, Kind::parse)?;
            counts.insert((row.get(0)?, kind), row.get::<_, i64>(2)? as u64);
        }
        Ok(counts)
    }

    /// Updates and removals that syncs wrote since then within the limits,
    /// but for those of one plan.
    pub fn synced_since(&self, since: DateTime<Utc>, but: &str) -> Result<(u64, u64), StoreError> {
        let read = |row: &duckdb::Row<'_>| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64));
        Ok(self.db.prepare(LATELY)?.query_row(duckdb::params![Time(since), but], read)?)
    }

    /// Which database this is: made with it, kept by copies of it.
    pub fn identity(&self) -> Result<String, StoreError> {
        Ok(self.db.prepare(IDENTITY)?.query_row([], |row| row.get(0))?)
    }
}
