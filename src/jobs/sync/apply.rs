//! Carrying a plan out: every check again, then one transaction a device.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::back::change_name;
use super::look::{Basis, Look, live, write};
use super::{TRIES, plan};
use crate::jobs::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{DeviceName, FactKey, Record, RunId};
use crate::store::{RecordChange, RecordWhat, Store, StoreError};
use crate::sync::undo::Back;
use crate::sync::{Action, Item, Refused, Rest, SyncPlan, Unit};

/// How a plan is applied.
#[derive(Clone, Debug, Default)]
pub struct SyncConsent {
    pub who: String,
    pub why: String,
    /// Limits that are lifted for this plan, by name.
    pub allow: Vec<String>,
    /// The run that it belongs to.
    pub run: Option<RunId>,
    /// No person read it: a policy accepted what is in it.
    pub by_policy: bool,
    /// Kept with the change beside the scans: a decision, a transcript's digest.
    pub evidence: Option<serde_json::Value>,
}

/// What came of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Synced {
    pub plan: String,
    pub devices: Vec<SyncedDevice>,
    pub added: u64,
    pub updated: u64,
    pub removed: u64,
    /// Items that were so already: the plan was applied before.
    pub already: u64,
    pub skipped: Vec<Skipped>,
    pub drifts_resolved: usize,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SyncedDevice {
    pub device: DeviceName,
    /// The number of the change: `records undo C-…` takes it back.
    pub change: String,
    pub added: u64,
    pub updated: u64,
    pub removed: u64,
}

/// An item that no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub device: DeviceName,
    #[serde(flatten)]
    pub key: FactKey,
    pub action: Action,
    pub why: String,
}

/// Applies a plan: all of the checks first, then one transaction a device.
/// What no longer holds is skipped and named.
pub fn apply(env: &Env, plan: &SyncPlan, consent: &SyncConsent) -> Result<Synced, JobError> {
    let mut done = Synced { plan: plan.id().to_string(), ..Synced::default() };
    {
        let store = env.store()?;
        plan.check(&store.identity()?, env.clock.now())?;
        let mut over = plan::over(env, &store, plan)?;
        over.retain(|breach| !consent.allow.contains(&breach.name));
        if !over.is_empty() {
            return Err(Refused::Guard(over).into());
        }
    }
    for unit in &plan.devices {
        apply_unit(env, plan, unit, consent, &mut done)?;
    }
    let nothing = done.added + done.updated + done.removed + done.already == 0;
    if nothing && let Some(first) = done.skipped.first() {
        let first = format!("{} {}: {}", first.device, first.key, first.why);
        return Err(Refused::Outdated(first).into());
    }
    Ok(done)
}

/// One device: looked at, weighed and written; again if somebody wrote meanwhile.
fn apply_unit(
    env: &Env,
    plan: &SyncPlan,
    unit: &Unit,
    consent: &SyncConsent,
    done: &mut Synced,
) -> Result<(), JobError> {
    let mut tries = 0;
    loop {
        // Opened for one device at a time, so that others get their turn.
        let store = env.store()?;
        let weighed = weigh(env, &store, unit)?;
        let result = write_unit(env, &store, plan, unit, consent, &weighed);
        match result {
            Err(JobError::Store(StoreError::RecordsMoved(_))) if tries < TRIES => tries += 1,
            Err(error) => return Err(error),
            Ok(written) => {
                done.already += weighed.already;
                done.skipped.extend(weighed.skipped);
                if let Some((device, resolved)) = written {
                    done.added += device.added;
                    done.updated += device.updated;
                    done.removed += device.removed;
                    done.drifts_resolved += resolved;
                    done.devices.push(device);
                }
                return Ok(());
            }
        }
    }
}

/// A unit's items, sorted by what can be done with them now.
struct Weighed<'a> {
    good: Vec<&'a Item>,
    already: u64,
    skipped: Vec<Skipped>,
    basis: Basis,
}

fn weigh<'a>(env: &Env, store: &Store, unit: &'a Unit) -> Result<Weighed<'a>, JobError> {
    let devices = live(store)?;
    let mut look = Look::at(store, &[unit.device_id])?;
    let scans = store.scans(unit.device_id, plan::RECENT, None)?;
    if let Some(newest) = scans.first() {
        look.newest.insert(unit.device_id, newest.row.outcome);
    }
    look.scans.insert(unit.device_id, scans);
    let from_scans = unit.items.iter().filter(|item| item.rests_on != Rest::File);
    let planned: BTreeSet<FactKey> = from_scans.map(Item::fact_key).collect();
    let device = devices.get(&unit.device_id);
    let again = device
        .map(|device| look.draft(env, unit.device_id, device, &|_| false, &planned, false))
        .unwrap_or_default();
    let empty = BTreeMap::new();
    let versions = look.versions.get(&unit.device_id).unwrap_or(&empty);
    let known = look.known.get(&unit.device_id);
    let records: HashMap<FactKey, &Record> =
        known.iter().flat_map(|known| &known.records).map(|record| (record.key(), record)).collect();
    let (mut good, mut already, mut skipped) = (Vec::new(), 0, Vec::new());
    for item in &unit.items {
        let key = item.fact_key();
        let version = versions.get(&key).copied().unwrap_or(0);
        let why = if records.get(&key).copied() == item.after.as_ref() && version > item.version {
            already += 1;
            continue;
        } else if device.is_none() {
            "the device left the inventory".to_owned()
        } else if version != item.version {
            format!("the record was changed since the plan was made (C-{version})")
        } else if item.rests_on == Rest::File || again.items.iter().any(|other| same(item, other)) {
            good.push(item);
            continue;
        } else {
            let held = again.held.iter().find(|held| Some(&held.drift) == item.drift.as_ref());
            held.map_or_else(
                || "the device changed since the plan was made".to_owned(),
                |held| held.text.clone(),
            )
        };
        skipped.push(Skipped { device: unit.device.clone(), key, action: item.action, why });
    }
    drop(records);
    Ok(Weighed { good, already, skipped, basis: Basis::of(&mut look, unit.device_id) })
}

/// The same write, whatever reading it now rests on.
fn same(planned: &Item, now: &Item) -> bool {
    planned.kind == now.kind
        && planned.key == now.key
        && planned.action == now.action
        && planned.before == now.before
        && planned.after == now.after
        && planned.version == now.version
}

/// Writes what is good, in one transaction. `None`: there was nothing to write.
fn write_unit(
    env: &Env,
    store: &Store,
    plan: &SyncPlan,
    unit: &Unit,
    consent: &SyncConsent,
    weighed: &Weighed<'_>,
) -> Result<Option<(SyncedDevice, usize)>, JobError> {
    if weighed.good.is_empty() {
        return Ok(None);
    }
    let mut put: Vec<Record> = weighed.good.iter().filter_map(|item| item.after.clone()).collect();
    for record in &mut put {
        // A rename keeps the history, and the plan.
        record.device = unit.device.clone();
    }
    let gone: Vec<(DeviceId, FactKey)> = weighed
        .good
        .iter()
        .filter(|item| item.after.is_none())
        .map(|item| (unit.device_id, item.fact_key()))
        .collect();
    let back = Back { put, remove: gone };
    let scans: BTreeSet<(i64, RunId)> = weighed
        .good
        .iter()
        .filter_map(|item| match item.rests_on {
            Rest::Scan { scan, run, .. } => Some((scan, run)),
            Rest::File => None,
        })
        .collect();
    let of_file = weighed.good.iter().all(|item| item.rests_on == Rest::File);
    let evidence = serde_json::json!({ "scans": scans, "with": consent.evidence });
    let change = RecordChange {
        what: match (of_file, consent.by_policy) {
            (true, _) => RecordWhat::Replace,
            (false, true) => RecordWhat::Policy,
            (false, false) => RecordWhat::Sync,
        },
        plan: Some(&plan.hash),
        run: consent.run,
        evidence: Some(&evidence),
        undoes: None,
        allowed: &consent.allow,
    };
    let why = if consent.why.is_empty() { plan.id().to_string() } else { consent.why.clone() };
    let wrote = write(env, store, unit.device_id, &weighed.basis, &back, change, (&consent.who, &why))?;
    Ok(wrote.counts.change.map(|change| {
        let device = SyncedDevice {
            device: unit.device.clone(),
            change: change_name(change),
            added: wrote.counts.added,
            updated: wrote.counts.updated,
            removed: wrote.counts.removed,
        };
        (device, wrote.resolved)
    }))
}
