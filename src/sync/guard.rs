//! How much of the record may change at once. A failed read that looks
//! complete, a renamed fleet, a wrong inventory: all of them want to change
//! very much, and none of them is meant. Over a limit nothing is written.
//!
//! Adding is not limited: it destroys nothing, and undo takes it back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use super::Settings;
use super::plan::{Action, SyncPlan};
use crate::model::Kind;
use crate::model::device::{DeviceId, DeviceName};

/// A share of the records that exist, between two counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Between 0 and 1.
    #[serde(deserialize_with = "share")]
    pub share: f64,
    /// So many are always allowed: a device with four records has no thirds.
    pub least: u64,
    /// More are never allowed, however large the share.
    pub most: u64,
}

pub(crate) fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(serde::de::Error::custom("a share is between 0 and 1"))
    }
}

impl Limit {
    /// How many of `existing` records may change.
    pub fn of(self, existing: u64) -> u64 {
        // A hair more than the share, so that 0.3 of 10 is 3 in floating point too.
        let part = (self.share * existing as f64 + 1e-9).floor() as u64;
        part.max(self.least).min(self.most)
    }
}

/// What exists, and what was done already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub records: BTreeMap<(DeviceId, Kind), u64>,
    /// Updates and removals that syncs wrote in the 24 hours before.
    pub lately: (u64, u64),
}

/// A limit that a plan would go over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// What `--allow` takes: `device:leaf-1:removals`, `kind:vlan:updates`, `night:removals`.
    pub name: String,
    pub planned: u64,
    pub allowed: u64,
    pub existing: u64,
    /// Of the plan's, by syncs in the 24 hours before; of `night` only.
    pub lately: u64,
    /// The whole sentence.
    pub text: String,
}

/// The limits that `plan` would go over. Devices on which it was `applied`
/// already do not count again.
pub fn breaches(
    plan: &SyncPlan,
    applied: &BTreeSet<DeviceId>,
    counts: &Counts,
    settings: &Settings,
) -> Vec<Breach> {
    let mut devices: BTreeMap<(DeviceId, &DeviceName), (u64, u64)> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, (u64, u64)> = BTreeMap::new();
    let mut night = (0, 0);
    for unit in plan.devices.iter().filter(|unit| !applied.contains(&unit.device_id)) {
        for item in &unit.items {
            let add = match item.action {
                Action::Add => continue,
                Action::Update => (1, 0),
                Action::Remove => (0, 1),
            };
            for sum in [
                devices.entry((unit.device_id, &unit.device)).or_default(),
                kinds.entry(item.kind).or_default(),
                &mut night,
            ] {
                *sum = (sum.0 + add.0, sum.1 + add.1);
            }
        }
    }
    let existing = |wanted: &dyn Fn(DeviceId, Kind) -> bool| -> u64 {
        counts.records.iter().filter(|((device, kind), _)| wanted(*device, *kind)).map(|(_, n)| n).sum()
    };
    let mut found = Vec::new();
    let mut check = |name: String,
                     of: String,
                     limit: Limit,
                     existing: u64,
                     planned: (u64, u64),
                     lately: (u64, u64)| {
        let allowed_now = limit.of(existing);
        for (word, verb, planned, lately) in
            [("updates", "change", planned.0, lately.0), ("removals", "remove", planned.1, lately.1)]
        {
            let name = format!("{name}:{word}");
            if planned == 0 || planned + lately <= allowed_now {
                continue;
            }
            let before = if lately > 0 { format!(", after {lately} within 24 hours") } else { String::new() };
            let text = format!(
                "it would {verb} {planned} of {existing} records of {of}{before}; the limit is {allowed_now} ({} %, at least {}, at most {})",
                (limit.share * 1000.0).round() / 10.0,
                limit.least,
                limit.most
            );
            found.push(Breach { name, planned, allowed: allowed_now, existing, lately, text });
        }
    };
    for ((id, name), planned) in devices {
        let there = existing(&|device, _| device == id);
        check(format!("device:{name}"), name.to_string(), settings.device, there, planned, (0, 0));
    }
    for (kind, planned) in kinds {
        let there = existing(&|_, of| of == kind);
        check(format!("kind:{kind}"), format!("kind {kind}"), settings.kind, there, planned, (0, 0));
    }
    let all = existing(&|_, _| true);
    check("night".to_owned(), "the whole database".to_owned(), settings.night, all, night, counts.lately);
    found
}
