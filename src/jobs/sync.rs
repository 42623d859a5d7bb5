//! Sync: plans from what is open, carries them out, takes changes back. The
//! one place that writes discovered reality into the database of record.
//!
//! A plan is drafted by `sync::draft` from stored facts; when it is applied
//! each device is drafted again, and an item is written only if it comes out
//! the same. One transaction a device: a crash leaves each as before or after,
//! and the same plan can be applied again to finish.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;
use serde::Serialize;

use super::records::{Touched, merged};
use super::{Env, JobError, collector};
use crate::analysis::{self, Coverage};
use crate::model::device::DeviceId;
use crate::model::{Device, DeviceName, Drift, DriftId, FactKey, Outcome, Record, RunId, Step};
use crate::store::{
    Knowledge, RecordChange, RecordCounts, RecordEdit, RecordRow, RecordWhat, Store, StoreError,
};
use crate::sync::guard::{Counts, breaches};
use crate::sync::undo::{Back, Written};
use crate::sync::{
    Action, Breach, Draft, Held, Hold, Item, Proof, Refused, Rest, Situation, SyncPlan, Unit, claim, draft,
    undo,
};

/// Devices whose facts are in memory at once.
const GROUP: usize = 64;
/// How often a device is looked at again because somebody wrote in between.
const TRIES: usize = 50;

/// What a plan is wanted for.
#[derive(Clone, Debug, Default)]
pub struct SyncAsk {
    /// Only these devices; `None`: all live ones.
    pub devices: Option<BTreeSet<DeviceId>>,
    /// Only these drifts, which must be open.
    pub drifts: Option<BTreeSet<DriftId>>,
    /// Only what a policy accepts without a person.
    pub unattended: bool,
    pub who: String,
}

/// How a plan is applied.
#[derive(Clone, Debug, Default)]
pub struct SyncConsent {
    pub who: String,
    pub why: String,
    /// Limits that are lifted for this plan, by name.
    pub allow: Vec<String>,
    /// The run that it belongs to.
    pub run: Option<RunId>,
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
    let touched: BTreeSet<DeviceId> = open.iter().filter(|d| wanted(d)).map(|d| d.device_id).collect();
    drop(open);
    let touched: Vec<DeviceId> = touched.into_iter().collect();
    let states = store.last_states(None)?;
    let mut drafts: Vec<Draft> = Vec::with_capacity(touched.len());
    for group in touched.chunks(GROUP) {
        let mut look = Look::at(&store, group)?;
        look.newest.extend(states.iter().map(|(id, state)| (*id, state.last_attempt.1)));
        for id in group {
            let draft = devices.get(id).map(|device| look.draft(env, *id, device, &wanted, ask.unattended));
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
fn over(env: &Env, store: &Store, plan: &SyncPlan) -> Result<Vec<Breach>, JobError> {
    let since = env.clock.now() - TimeDelta::hours(24);
    let counts = Counts { records: store.record_counts()?, lately: store.synced_since(since, &plan.hash)? };
    let applied = store.record_log(None, None, Some(&plan.hash), u32::MAX)?;
    let applied: BTreeSet<DeviceId> = applied.iter().map(|row| row.event.device_id).collect();
    Ok(breaches(plan, &applied, &counts, &env.settings.sync))
}

/// Applies a plan: all of the checks first, then one transaction a device.
/// What no longer holds is skipped and named.
pub fn apply(env: &Env, plan: &SyncPlan, consent: &SyncConsent) -> Result<Synced, JobError> {
    let mut done = Synced { plan: plan.id().to_string(), ..Synced::default() };
    {
        let store = env.store()?;
        plan.check(&store.identity()?, env.clock.now())?;
        let mut over = over(env, &store, plan)?;
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

/// One device as it was looked at before a write.
struct Basis {
    known: Knowledge,
    /// The newest change of any of its records.
    newest: i64,
}

impl Basis {
    fn of(look: &mut Look, id: DeviceId) -> Self {
        let newest = look.versions.get(&id).and_then(|all| all.values().copied().max());
        Self { known: look.known.remove(&id).unwrap_or_default(), newest: newest.unwrap_or(0) }
    }
}

fn weigh<'a>(env: &Env, store: &Store, unit: &'a Unit) -> Result<Weighed<'a>, JobError> {
    let devices = live(store)?;
    let mut look = Look::at(store, &[unit.device_id])?;
    if let Some(newest) = store.scans(unit.device_id, 1, None)?.pop() {
        look.newest.insert(unit.device_id, newest.row.outcome);
    }
    let planned: BTreeSet<&DriftId> = unit.items.iter().filter_map(|item| item.drift.as_ref()).collect();
    let wanted = |drift: &Drift| planned.contains(&drift.id);
    let device = devices.get(&unit.device_id);
    let again =
        device.map(|device| look.draft(env, unit.device_id, device, &wanted, false)).unwrap_or_default();
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
        what: match (of_file, consent.run) {
            (true, _) => RecordWhat::Replace,
            (false, Some(_)) => RecordWhat::Policy,
            (false, None) => RecordWhat::Sync,
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

struct Wrote {
    counts: RecordCounts,
    resolved: usize,
}

/// Writes records of one device, with the drifts that they explain, if no
/// record of it moved since it was looked at. `said`: who and why.
fn write(
    env: &Env,
    store: &Store,
    id: DeviceId,
    basis: &Basis,
    back: &Back,
    change: RecordChange<'_>,
    said: (&str, &str),
) -> Result<Wrote, JobError> {
    let now = env.clock.now();
    let mut steps = Vec::new();
    // A device that was never read has no facts to disagree with.
    if basis.known.compared.is_some() {
        let removed: Vec<&FactKey> = back.remove.iter().map(|(_, key)| key).collect();
        let touched = Touched { put: back.put.iter().collect(), removed };
        let records = merged(basis.known.records.clone(), &touched);
        let known = Knowledge { records, ..basis.known.clone() };
        let all = collector::recompare(env, id, &known, now);
        steps.extend(all.into_iter().filter(|step| step.step == Step::Resolved).map(|step| (id, step)));
    }
    let unmoved = [(id, basis.newest)];
    let edit = RecordEdit {
        records: &back.put,
        removed: &back.remove,
        drift_steps: &steps,
        change,
        unmoved: &unmoved,
        ..RecordEdit::default()
    };
    let counts = store.set_records(&edit, now, said.0, said.1)?;
    Ok(Wrote { counts, resolved: steps.len() })
}

/// What an undo or a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    /// The changes that were taken back, and those that did it.
    pub changes: Vec<(String, String)>,
    pub restored: u64,
    pub removed: u64,
}

/// Takes back a change (`C-17`) or all changes of a plan (`P-…`), newest
/// first: each exactly, or nothing of any.
pub fn undo_records(env: &Env, id: &str, who: &str, why: &str) -> Result<TakenBack, JobError> {
    take_back(env, id, who, why, RecordWhat::Undo)
}

/// Brings back the records that a change or a plan removed.
pub fn restore_records(env: &Env, id: &str, who: &str, why: &str) -> Result<TakenBack, JobError> {
    take_back(env, id, who, why, RecordWhat::Restore)
}

fn take_back(env: &Env, id: &str, who: &str, why: &str, what: RecordWhat) -> Result<TakenBack, JobError> {
    let rows = rows_of(&env.store()?, id)?;
    // Weighed before the first is written: all of it, or nothing.
    let mut planned: Vec<(i64, DeviceId)> = Vec::new();
    for ((seq, device), rows) in by_change(rows).iter().rev() {
        if back_from(rows, *seq, what)?.is_some() {
            planned.push((*seq, *device));
        }
    }
    if planned.is_empty() {
        return Err(Refused::NothingRemoved(id.to_owned()).into());
    }
    let mut done = TakenBack::default();
    for (seq, device) in planned {
        let mut tries = 0;
        let counts = loop {
            match take_back_one(env, (seq, device), who, why, what) {
                Err(JobError::Store(StoreError::RecordsMoved(_))) if tries < TRIES => tries += 1,
                other => break other?,
            }
        };
        let by = counts.change.map_or_else(|| "nothing to do".to_owned(), change_name);
        done.changes.push((change_name(seq), by));
        done.restored += counts.added + counts.updated;
        done.removed += counts.removed;
    }
    Ok(done)
}

fn by_change(rows: Vec<RecordRow>) -> BTreeMap<(i64, DeviceId), Vec<Written>> {
    let mut changes: BTreeMap<(i64, DeviceId), Vec<Written>> = BTreeMap::new();
    for row in rows {
        let key = (row.event.seq, row.event.device_id);
        changes.entry(key).or_default().push(written(row));
    }
    changes
}

/// `None`: a restore finds nothing that was removed.
fn back_from(rows: &[Written], seq: i64, what: RecordWhat) -> Result<Option<Back>, Refused> {
    match what {
        RecordWhat::Restore => match undo::restore(rows, &change_name(seq)) {
            Err(Refused::NothingRemoved(_)) => Ok(None),
            other => other.map(Some),
        },
        _ => undo::undo(rows).map(Some),
    }
}

/// What one change did to one device, taken back.
fn take_back_one(
    env: &Env,
    (seq, device): (i64, DeviceId),
    who: &str,
    why: &str,
    what: RecordWhat,
) -> Result<RecordCounts, JobError> {
    let store = env.store()?;
    // The device first, then the change: whoever writes in between is noticed.
    let basis = Basis::of(&mut Look::at(&store, &[device])?, device);
    let rows = by_change(rows_of(&store, &change_name(seq))?).remove(&(seq, device)).unwrap_or_default();
    let back = back_from(&rows, seq, what)?.unwrap_or_default();
    let verb = if what == RecordWhat::Restore { "restore" } else { "undo" };
    let why = if why.is_empty() { format!("{verb} of {}", change_name(seq)) } else { why.to_owned() };
    let change = RecordChange { what, undoes: Some(seq), ..RecordChange::default() };
    Ok(write(env, &store, device, &basis, &back, change, (who, &why))?.counts)
}

/// `C-17`.
pub fn change_name(seq: i64) -> String {
    format!("C-{seq}")
}

fn rows_of(store: &Store, id: &str) -> Result<Vec<RecordRow>, JobError> {
    let unknown = || Refused::NoChange(id.to_owned());
    let rows = match id.split_once('-') {
        Some(("C" | "c", number)) => {
            let seq: i64 = number.parse().map_err(|_| unknown())?;
            store.record_log(None, Some(seq), None, u32::MAX)?
        }
        Some(("P" | "p", hash)) if hash.len() >= 10 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            store.record_log(None, None, Some(&hash.to_ascii_lowercase()), u32::MAX)?
        }
        _ => Vec::new(),
    };
    if rows.is_empty() { Err(unknown().into()) } else { Ok(rows) }
}

fn written(row: RecordRow) -> Written {
    let present = |event: crate::store::RecordEvent| event.present.then_some(event.record);
    Written {
        device_id: row.event.device_id,
        key: row.event.record.key(),
        seq: row.event.seq,
        newest: row.newest,
        before: row.before.and_then(present),
        after: present(row.event),
    }
}

/// The audit trail of the record, newest first.
pub fn record_log(env: &Env, device: Option<&str>, top: u32) -> Result<Vec<RecordRow>, JobError> {
    let store = env.store()?;
    let id = match device {
        None => None,
        Some(name) => {
            let found = store.devices()?.into_iter().find(|d| d.device.name.as_str() == name);
            Some(found.ok_or_else(|| JobError::NoDevice(name.to_owned()))?.id)
        }
    };
    Ok(store.record_log(id, None, None, top)?)
}

/// What policies did in a nightly run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize)]
pub struct PolicySync {
    pub plan: String,
    pub added: u64,
    pub updated: u64,
    pub removed: u64,
    pub skipped: u64,
    /// Drifts that a policy accepts and that are held back for another reason.
    pub held: u64,
    /// A guard stopped all of it: what would have happened, and how to allow it.
    pub stopped: Option<String>,
    /// The limits' names.
    pub limits: Vec<String>,
}

/// Accepts what the policies accept, through the same plan and guards. `None`:
/// no policy accepts anything.
pub(super) fn by_policy(env: &Env, run: RunId) -> Result<Option<PolicySync>, JobError> {
    if !env.policies.accept_any() {
        return Ok(None);
    }
    let who = "policy".to_owned();
    let plan = plan_for(env, &SyncAsk { unattended: true, who: who.clone(), ..SyncAsk::default() })?;
    let mut done = PolicySync { plan: plan.id().to_string(), ..PolicySync::default() };
    let by_person = |held: &&Held| matches!(held.why, Hold::NotAccepted);
    done.held = plan.held.iter().filter(|held| !by_person(held)).count() as u64;
    if plan.is_empty() {
        return Ok(Some(done));
    }
    let consent = SyncConsent {
        who,
        why: format!("policy, run {run}, {}", plan.id()),
        run: Some(run),
        ..SyncConsent::default()
    };
    match apply(env, &plan, &consent) {
        Ok(synced) => {
            done.added = synced.added;
            done.updated = synced.updated;
            done.removed = synced.removed;
            done.skipped = synced.skipped.len() as u64;
        }
        Err(JobError::Sync(Refused::Guard(over))) => {
            done.limits = over.iter().map(|breach| breach.name.clone()).collect();
            done.stopped = Some(Refused::Guard(over).to_string());
        }
        Err(JobError::Sync(Refused::Outdated(_))) => {
            done.skipped = plan.devices.iter().map(|unit| unit.items.len() as u64).sum();
        }
        Err(error) => return Err(error),
    }
    Ok(Some(done))
}

/// The live inventory.
fn live(store: &Store) -> Result<BTreeMap<DeviceId, Device>, JobError> {
    Ok(store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect())
}

/// What is known of some devices.
struct Look {
    known: HashMap<DeviceId, Knowledge>,
    proofs: HashMap<DriftId, Proof>,
    versions: HashMap<DeviceId, BTreeMap<FactKey, i64>>,
    /// How the newest attempt to read each ended; filled by who drafts.
    newest: HashMap<DeviceId, Outcome>,
}

impl Look {
    fn at(store: &Store, devices: &[DeviceId]) -> Result<Self, JobError> {
        // Versions first: a write that comes in between is noticed when we write.
        let versions = store.record_versions(Some(devices))?;
        let proofs = store.drift_evidence(Some(devices))?.into_iter().map(|(id, found)| {
            let proof = Proof {
                scan: found.scan,
                run: found.run,
                started: found.started,
                whole: found.whole,
                seen: found.seen,
                updates: found.updates,
            };
            (id, proof)
        });
        Ok(Self {
            proofs: proofs.collect(),
            known: store.knowledge(devices)?,
            versions: versions
                .into_iter()
                .map(|(id, all)| (id, all.into_iter().map(|(key, (seq, _))| (key, seq)).collect()))
                .collect(),
            newest: HashMap::new(),
        })
    }

    fn draft(
        &self,
        env: &Env,
        id: DeviceId,
        device: &Device,
        wanted: &dyn Fn(&Drift) -> bool,
        unattended: bool,
    ) -> Draft {
        let Some(known) = self.known.get(&id) else { return Draft::default() };
        let empty = BTreeMap::new();
        let coverage = Coverage::from_records(&env.coverage, &known.records);
        let comparison = analysis::compare(&known.facts, &known.records, &coverage, &|_| true);
        let situation = Situation {
            device,
            now: env.clock.now(),
            newest: self.newest.get(&id).copied(),
            facts: &known.facts,
            versions: self.versions.get(&id).unwrap_or(&empty),
            drifts: &known.drifts,
            proofs: &self.proofs,
            disagreements: &comparison.disagreements,
        };
        draft(&situation, &env.policies, &env.settings.sync, wanted, unattended)
    }
}
