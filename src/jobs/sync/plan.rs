//! Plans: the open drifts that could be written, or a file against the record.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::look::{Look, live};
use crate::jobs::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{DeviceName, Drift, DriftId, FactKey, Record};
use crate::store::{Store, StoreError};
use crate::sync::guard::{Counts, breaches};
use crate::sync::{Breach, Draft, Held, Item, Refused, SyncPlan, Unit, claim};

/// So far back a scan of a single thing is looked for.
pub(super) const RECENT: u32 = 50;
/// Devices whose facts are in memory at once.
const GROUP: usize = 64;

/// What a plan is wanted for.
#[derive(Clone, Debug, Default)]
pub struct SyncAsk {
    /// Only these devices; `None`: all live ones.
    pub devices: Option<BTreeSet<DeviceId>>,
    /// Only these drifts, which must be open.
    pub drifts: Option<BTreeSet<DriftId>>,
    /// Things to accept although they are no drift, because the record does not
    /// claim to know of them. Beside the drifts, or with `drifts` empty instead of them.
    pub things: BTreeSet<(DeviceId, FactKey)>,
    /// Only what a policy accepts without a person.
    pub unattended: bool,
    pub who: String,
}

/// Makes a plan. Reads only.
pub fn plan_for(env: &Env, ask: &SyncAsk) -> Result<SyncPlan, JobError> {
    let store = env.store()?;
    let devices = live(&store)?;
    let open = store.drifts(None)?;
    if let Some(wanted) = &ask.drifts
        && let Some(missing) = wanted.iter().find(|id| !open.iter().any(|drift| drift.id == **id))
    {
        return Err(Refused::NoDrift(missing.to_string()).into());
    }
    let wanted = |drift: &Drift| {
        devices.contains_key(&drift.device_id)
            && ask.devices.as_ref().is_none_or(|devices| devices.contains(&drift.device_id))
            && ask.drifts.as_ref().is_none_or(|drifts| drifts.contains(&drift.id))
    };
    let mut touched: BTreeSet<DeviceId> = open.iter().filter(|d| wanted(d)).map(|d| d.device_id).collect();
    touched.extend(ask.things.iter().map(|(device, _)| *device));
    drop(open);
    let touched: Vec<DeviceId> = touched.into_iter().collect();
    let states = store.last_states_of(&touched)?;
    let mut drafts: Vec<Draft> = Vec::with_capacity(touched.len());
    for group in touched.chunks(GROUP) {
        let mut look = Look::at(&store, group)?;
        look.newest.extend(states.iter().map(|(id, state)| (*id, state.last_attempt.1)));
        for id in group {
            let of_it = ask.things.iter().filter(|(device, _)| device == id);
            let named: BTreeSet<FactKey> = of_it.map(|(_, key)| key.clone()).collect();
            if !named.is_empty() {
                look.scans.insert(*id, store.scans(*id, RECENT, None)?);
            }
            let draft =
                devices.get(id).map(|device| look.draft(env, *id, device, &wanted, &named, ask.unattended));
            drafts.push(draft.unwrap_or_default());
        }
    }
    let records: Vec<Record> = store.records(None, None)?.into_iter().map(|(_, record)| record).collect();
    let sites: BTreeMap<DeviceName, String> =
        devices.values().map(|device| (device.name.clone(), device.site.clone())).collect();
    claim::hold_conflicts(&mut drafts, &records, env.settings.sync.vlan_owner, &sites);

    let mut matched: BTreeMap<usize, u32> = BTreeMap::new();
    let (mut units, mut held) = (Vec::new(), Vec::new());
    for (id, draft) in touched.iter().zip(drafts) {
        for (policy, count) in draft.matched {
            *matched.entry(policy).or_default() += count;
        }
        held.extend(draft.held);
        if let Some(device) = devices.get(id).filter(|_| !draft.items.is_empty()) {
            units.push(Unit { device: device.name.clone(), device_id: *id, items: draft.items });
        }
    }
    units.sort_by(|a, b| a.device.cmp(&b.device));
    Ok(sealed(env, &store, &ask.who, units, held, matched)?)
}

/// A plan that makes the records of one device those of a file: what is not in
/// the file is removed.
pub fn plan_replacing(
    env: &Env,
    device: &DeviceName,
    records: &[Record],
    who: &str,
) -> Result<SyncPlan, JobError> {
    let store = env.store()?;
    let found = live(&store)?.into_iter().find(|(_, live)| live.name == *device);
    let (id, _) = found.ok_or_else(|| JobError::NoDevice(device.to_string()))?;
    if let Some(stranger) = records.iter().find(|record| record.device != *device) {
        return Err(JobError::OtherDevice { wanted: device.to_string(), found: stranger.device.to_string() });
    }
    let versions = store.record_versions(Some(&[id]))?.remove(&id).unwrap_or_default();
    let mut before: BTreeMap<FactKey, Record> =
        store.records(Some(id), None)?.into_iter().map(|(_, record)| (record.key(), record)).collect();
    let mut after: BTreeMap<FactKey, Record> =
        records.iter().map(|record| (record.key(), record.clone())).collect();
    let keys: BTreeSet<FactKey> = before.keys().chain(after.keys()).cloned().collect();
    let items: Vec<Item> = keys
        .into_iter()
        .filter_map(|key| {
            let version = versions.get(&key).map_or(0, |(seq, _)| *seq);
            let (old, new) = (before.remove(&key), after.remove(&key));
            Item::from_file(key, old, new, version)
        })
        .collect();
    let units = if items.is_empty() {
        Vec::new()
    } else {
        vec![Unit { device: device.clone(), device_id: id, items }]
    };
    Ok(sealed(env, &store, who, units, Vec::new(), BTreeMap::new())?)
}

fn sealed(
    env: &Env,
    store: &Store,
    who: &str,
    units: Vec<Unit>,
    held: Vec<Held>,
    matched: BTreeMap<usize, u32>,
) -> Result<SyncPlan, StoreError> {
    let hours = env.settings.sync.plan_hours;
    Ok(SyncPlan::new(store.identity()?, who, env.clock.now(), hours, units, held, matched))
}

/// The limits that a plan would go over, without applying it.
pub fn sync_breaches(env: &Env, plan: &SyncPlan) -> Result<Vec<Breach>, JobError> {
    over(env, &env.store()?, plan)
}

/// What was applied already is not counted again: a plan that a crash cut short
/// is finished by applying it once more.
pub(super) fn over(env: &Env, store: &Store, plan: &SyncPlan) -> Result<Vec<Breach>, JobError> {
    let since = env.clock.now() - TimeDelta::hours(24);
    let counts = Counts { records: store.record_counts()?, lately: store.synced_since(since, &plan.hash)? };
    let applied = store.record_log(None, None, Some(&plan.hash), u32::MAX)?;
    let applied: BTreeSet<DeviceId> = applied.iter().map(|row| row.event.device_id).collect();
    Ok(breaches(plan, &applied, &counts, &env.settings.sync))
}
