//! Carries out a plan, and scans on demand: the one road to a device.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::carrier::{Back, Carrier};
use super::collector::{Kept, Wants};
use super::{Env, JobError, ignored};
use crate::analysis::Reach;
use crate::analysis::plan::Purse;
use crate::model::device::DeviceId;
use crate::model::{Device, Drift, Event, Outcome, Plan, Reason, RunId, RunKind, Scope, Snapshot, Target};
use crate::store::{BatchLock, LastState, Store};

/// What a run is about: who is in it and what was last seen of each.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) devices: Arc<HashMap<DeviceId, Device>>,
    pub(super) states: Arc<HashMap<DeviceId, LastState>>,
    /// All names of the inventory, in lower case.
    pub(super) names: Arc<HashSet<String>>,
    /// Compare every device although it is quiet: because somebody wants to
    /// see it, or because what it is compared with has changed (the coverage).
    pub(super) recompare: bool,
    /// What devices are compared with is as it is since then; who was read
    /// whole before is compared again. `None`: since ever.
    pub(super) same_since: Option<DateTime<Utc>>,
}

impl Cast {
    /// Whether a device that is as it was need not be looked at again.
    pub(super) fn is_comparable(&self, state: &LastState) -> bool {
        let since = |since| state.last_complete.is_some_and(|at| at >= since);
        !self.recompare && self.same_since.is_none_or(since)
    }
}

/// Reads and keeps every target of one plan. The store comes back if it was
/// still open at the end.
pub(super) async fn carry_out(
    env: &Env,
    wants: Wants,
    plan: &Plan,
    cast: &Cast,
) -> Result<(Vec<Kept>, Option<Store>), JobError> {
    let mut carrier = Carrier::start(env, wants, cast);
    carrier.begin(plan);
    carrier.end();
    let mut all = Vec::with_capacity(plan.targets.len());
    while let Some(back) = carrier.next().await? {
        if let Back::Kept(kept) = back {
            all.push(*kept);
        }
    }
    Ok((all, carrier.into_store()))
}

/// A scan that somebody asked for.
#[derive(Clone, Debug)]
pub struct OnDemand {
    pub devices: Vec<(DeviceId, Device)>,
    pub scope: Scope,
    /// The whole inventory: takes the batch lock, as a nightly run does.
    pub full: bool,
}

/// What it gave.
#[derive(Debug)]
pub struct Scanned {
    pub run: RunId,
    pub snapshots: Vec<Snapshot>,
    /// Open drifts of the devices that were read.
    pub drifts: Vec<Drift>,
    pub counts: BTreeMap<Outcome, usize>,
    pub opened: usize,
    pub resolved: usize,
    /// It was told to end before it was through.
    pub stopped: bool,
}

/// Reads devices now. Needs no daemon and never waits for a batch.
pub async fn scan(env: &Env, ask: OnDemand) -> Result<Scanned, JobError> {
    let _lock = if ask.full { Some(BatchLock::take(&env.dir, "scan --all")?) } else { None };
    let store = env.store()?;
    let run = store.start_run(
        RunKind::Scan,
        env.clock.now(),
        i64::try_from(ask.devices.len()).ok(),
        &serde_json::json!({}),
    )?;
    let ids: Vec<DeviceId> = ask.devices.iter().map(|(id, _)| *id).collect();
    let states = store.last_states_of(&ids)?;
    let names = store.devices()?.into_iter().map(|d| d.device.name.as_str().to_ascii_lowercase()).collect();
    drop(store);
    env.events.say(&Event::RunStarted { run, kind: RunKind::Scan });

    let scope = ask.scope.clone();
    let targets = ask
        .devices
        .iter()
        .map(|(id, device)| Target {
            device_id: *id,
            device: device.name.clone(),
            scope: ask.scope.clone(),
            reason: Reason::Requested,
            why: "asked for".to_owned(),
            p_change: None,
        })
        .collect();
    let asked = ask.devices.len();
    // On demand, people want to see the facts: nothing is skipped as quiet.
    let cast = Cast {
        devices: Arc::new(ask.devices.into_iter().collect()),
        states: Arc::new(states),
        names: Arc::new(names),
        recompare: true,
        same_since: None,
    };
    let (kept, open) =
        carry_out(env, Wants { run, snapshots: true }, &Plan { round: 1, targets }, &cast).await?;

    // Whose window is closed was not read: that is no attempt, and nothing is stored of it.
    let read: HashSet<DeviceId> = kept.iter().map(|k| k.target.device_id).collect();
    let (mut closed, mut beside) = (Vec::new(), BTreeMap::new());
    for (_, device) in cast.devices.iter().filter(|(id, _)| !read.contains(id)) {
        let (outcome, detail) = if env.is_closed_to(device) {
            (Outcome::NotDue, "window")
        } else {
            // Its task ended by a fault of ours, or its window opened just now.
            (Outcome::ParserError, "no-result")
        };
        *beside.entry(outcome).or_insert(0) += 1;
        let (name, detail) = (device.name.as_str(), Some(detail.to_owned()));
        closed.push(Snapshot::failed(name, &device.platform, scope.clone(), outcome, detail));
    }
    let mut counts = count(&kept);
    counts.extend(&beside);
    let store = open.map_or_else(|| env.store(), Ok)?;
    let reached = reached(&kept);
    let mut drifts = store.drifts_of(&ids)?;
    drifts.retain(|d| reached.get(&d.device_id).is_some_and(|reach| reach.covers(&d.key)));
    let mut summary = Summary::of(&kept, drifts.len(), &beside);
    summary.stopped = env.stop.is_pressed() && kept.len() < asked;
    let outcome = if summary.stopped { "partial" } else { outcome_of(&counts) };
    ignored::note(env, &store, run, &kept)?;
    store.finish_run(run, env.clock.now(), outcome, &serde_json::to_value(&summary).unwrap_or_default())?;
    env.events.say(&Event::RunFinished { run });
    let (opened, resolved) = (summary.drifts.new + summary.drifts.returned, summary.drifts.resolved);
    let mut snapshots: Vec<Snapshot> = kept.into_iter().filter_map(|k| k.snapshot).chain(closed).collect();
    snapshots.sort_by(|a, b| a.device.cmp(&b.device));
    Ok(Scanned { run, snapshots, drifts, counts, opened, resolved, stopped: summary.stopped })
}

/// What the scan looked at, by device: only there may it speak of drift.
fn reached(kept: &[Kept]) -> HashMap<DeviceId, Reach> {
    kept.iter()
        .filter(|k| k.outcome.is_complete())
        .map(|k| {
            // Of a whole device no list of what was in it is needed.
            let narrow = k.snapshot.as_ref().filter(|_| k.target.scope != Scope::Device);
            let facts = narrow.cloned().map(|mut snapshot| snapshot.take_facts()).unwrap_or_default();
            (k.target.device_id, Reach::of(&k.target.scope, &facts))
        })
        .collect()
}

/// The summary of a run: kept with it, shown by `status`, `nightly` and `scan`.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
pub struct Summary {
    /// Every device of the inventory has exactly one outcome.
    pub devices: BTreeMap<Outcome, usize>,
    pub drifts: DriftCounts,
    pub sessions: usize,
    /// Devices whose facts differ from their last complete snapshot.
    pub changed: usize,
    /// What policies accepted; `None` without such a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<super::PolicySync>,
    /// The run was told to end before it was through.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// Of a nightly run: the sessions that it leaves to later nights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purse: Option<Purse>,
    /// Of a nightly run: the forecasts of late were worse than one rate for the
    /// whole fleet, so the oldest snapshots were read first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forecast_ignored: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, serde::Deserialize)]
pub struct DriftCounts {
    pub new: usize,
    /// Came back after they were resolved.
    #[serde(default)]
    pub returned: usize,
    pub open: usize,
    pub resolved: usize,
}

impl Summary {
    /// `beside`: outcomes of devices that were not read, such as `not-due`.
    pub(super) fn of(kept: &[Kept], open: usize, beside: &BTreeMap<Outcome, usize>) -> Self {
        let mut devices = count(kept);
        for (outcome, n) in beside {
            *devices.entry(*outcome).or_default() += n;
        }
        Self {
            devices,
            drifts: DriftCounts {
                new: kept.iter().map(|k| k.opened).sum(),
                returned: kept.iter().map(|k| k.returned).sum(),
                open,
                resolved: kept.iter().map(|k| k.resolved).sum(),
            },
            sessions: kept.iter().filter(|k| k.outcome != Outcome::Unsupported).count(),
            changed: kept.iter().filter(|k| k.changed).count(),
            sync: None,
            stopped: false,
            purse: None,
            forecast_ignored: false,
        }
    }
}

fn count(kept: &[Kept]) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    for one in kept {
        *counts.entry(one.outcome).or_default() += 1;
    }
    counts
}

/// `complete`, `partial` or `failed`, from the outcomes of the devices that were tried.
pub(super) fn outcome_of(counts: &BTreeMap<Outcome, usize>) -> &'static str {
    let complete = counts.get(&Outcome::Complete).copied().unwrap_or(0);
    let tried: usize = counts.iter().filter(|(o, _)| **o != Outcome::NotDue).map(|(_, n)| n).sum();
    match (complete, tried) {
        (c, t) if c == t => "complete",
        (0, _) => "failed",
        _ => "partial",
    }
}
