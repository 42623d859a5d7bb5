//! The inventory: what is there, where it came from, and every change of it.
//! A device is never deleted; one that left its source is retired.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use duckdb::Row;

use super::transaction::{Acknowledged, Tx};
use super::value::{self, Time, json, time};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{Device, DeviceName};

const LIST: &str = include_str!("../../queries/device_list.sql");
const NAMES: &str = include_str!("../../queries/device_names.sql");

/// A device of the inventory and what we know of its being there.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDevice {
    /// Survives a rename.
    pub id: DeviceId,
    pub device: Device,
    /// The inventory that names it; the last import owns it.
    pub source: String,
    pub retired: bool,
    /// When an inventory named it first.
    pub since: DateTime<Utc>,
}

/// What an import did, in devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOutcome {
    pub added: u64,
    /// Changed, moved to this source, or back after they were retired.
    pub updated: u64,
    pub unchanged: u64,
    pub retired: u64,
}

/// One row to append.
struct Event<'a> {
    id: DeviceId,
    what: &'static str,
    device: &'a Device,
    source: &'a str,
    retired: bool,
}

impl Store {
    /// The whole inventory by name, retired devices too.
    pub fn devices(&self) -> Result<Vec<StoredDevice>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query([])?;
        let mut devices = Vec::new();
        while let Some(row) = rows.next()? {
            devices.push(stored_device(row)?);
        }
        Ok(devices)
    }

    /// Merges an inventory: devices are matched by name, those that are new
    /// are added, those of the same `source` that it no longer names are
    /// retired. More than a tenth of them at once is refused
    /// ([`StoreError::Guard`]) unless `retire_many`. Writes nothing, and no
    /// line in the ledger, if nothing is different.
    pub fn import_devices(
        &self,
        devices: &[Device],
        source: &str,
        when: DateTime<Utc>,
        who: &str,
        retire_many: bool,
    ) -> Result<ImportOutcome, StoreError> {
        let mut named = HashSet::new();
        if let Some(twice) = devices.iter().find(|device| !named.insert(&device.name)) {
            return Err(StoreError::NameTaken(twice.name.to_string()));
        }
        let what = format!("import of {} devices from {source}", devices.len());
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let known = self.devices()?;
            let by_name: HashMap<&DeviceName, &StoredDevice> =
                known.iter().map(|stored| (&stored.device.name, stored)).collect();
            let mut next_id = known.iter().map(|stored| stored.id).max().unwrap_or(0);
            let mut outcome = ImportOutcome::default();
            let mut events = Vec::new();
            for device in devices {
                let (id, what) = match by_name.get(&device.name) {
                    None => {
                        next_id += 1;
                        outcome.added += 1;
                        (next_id, "added")
                    }
                    Some(old) if old.device == *device && old.source == source && !old.retired => {
                        outcome.unchanged += 1;
                        continue;
                    }
                    Some(old) => {
                        outcome.updated += 1;
                        (old.id, if old.retired { "returned" } else { "updated" })
                    }
                };
                events.push(Event { id, what, device, source, retired: false });
            }
            let live = known.iter().filter(|old| old.source == source && !old.retired);
            let of = live.clone().count() as u64;
            let gone = live.filter(|old| !named.contains(&old.device.name));
            events.extend(gone.map(|old| Event {
                id: old.id,
                what: "retired",
                device: &old.device,
                source,
                retired: true,
            }));
            outcome.retired = events.iter().filter(|event| event.retired).count() as u64;
            if outcome.retired * 10 > of && !retire_many {
                return Err(StoreError::Guard { would_retire: outcome.retired, of });
            }
            Ok((outcome, append(tx, &events, who, when)?))
        })
    }

    /// Gives a device another name. Its number, and with it its history, stays.
    pub fn rename_device(
        &self,
        old: &DeviceName,
        new: &DeviceName,
        when: DateTime<Utc>,
        who: &str,
    ) -> Result<(), StoreError> {
        let what = format!("rename of {old} to {new}");
        self.in_tx_with_ledger(&Acknowledged { what, when }, |tx| {
            let known = self.devices()?;
            let stored = known
                .iter()
                .find(|stored| stored.device.name == *old)
                .ok_or_else(|| StoreError::UnknownDevice(old.to_string()))?;
            if known.iter().any(|stored| stored.device.name == *new) {
                return Err(StoreError::NameTaken(new.to_string()));
            }
            let device = Device { name: new.clone(), ..stored.device.clone() };
            let event = Event {
                id: stored.id,
                what: "renamed",
                device: &device,
                source: &stored.source,
                retired: stored.retired,
            };
            Ok(((), append(tx, &[event], who, when)?))
        })
    }

    /// Numbers by name, retired devices too.
    pub(super) fn device_ids(&self) -> Result<HashMap<DeviceName, DeviceId>, StoreError> {
        Ok(self.devices()?.into_iter().map(|stored| (stored.device.name, stored.id)).collect())
    }

    /// Names by number, retired devices too.
    pub(super) fn device_names(&self) -> Result<HashMap<DeviceId, DeviceName>, StoreError> {
        let mut statement = self.db.prepare(NAMES)?;
        let mut rows = statement.query([])?;
        let mut names = HashMap::new();
        while let Some(row) = rows.next()? {
            names.insert(row.get(0)?, value::device_name(&row.get::<_, String>(1)?)?);
        }
        Ok(names)
    }
}

fn append(tx: &Tx<'_>, events: &[Event<'_>], who: &str, when: DateTime<Utc>) -> Result<u64, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let seq = tx.next_seq();
    tx.append("device_event", events, |out, event| {
        let device = event.device;
        out.append_row(duckdb::params![
            seq,
            event.id,
            event.what,
            device.name.as_str(),
            device.address,
            i32::from(device.port),
            device.platform,
            device.role,
            device.site,
            device.importance,
            json(&device.tags),
            device.jump,
            device.credential,
            event.source,
            event.retired,
            who,
            Time(when),
        ])
    })
}

fn stored_device(row: &Row<'_>) -> Result<StoredDevice, StoreError> {
    let tags: String = row.get(8)?;
    Ok(StoredDevice {
        id: row.get(0)?,
        device: Device {
            name: value::device_name(&row.get::<_, String>(1)?)?,
            address: row.get(2)?,
            port: row.get(3)?,
            platform: row.get(4)?,
            role: row.get(5)?,
            site: row.get(6)?,
            importance: row.get(7)?,
            tags: value::parse_json("tags", &tags)?,
            jump: row.get(9)?,
            credential: row.get(10)?,
        },
        source: row.get(11)?,
        retired: row.get(12)?,
        since: time(row, 13)?,
    })
}
