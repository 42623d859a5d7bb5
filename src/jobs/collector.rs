//! One collector: whatever the fetchers have finished is compared with what
//! the store knows and committed, whole devices at a time. It is the only
//! thing that writes during a run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::fetchers::Read;
use super::{Env, JobError};
use crate::analysis::reconcile::Moment;
use crate::analysis::{self, Comparison, Coverage, Reach, attribution};
use crate::model::device::DeviceId;
use crate::model::{Cause, DriftStep, Event, Fact, FactKey, Outcome, RunId, Snapshot, Step, Target};
use crate::store::{Compared, DeviceResult, Knowledge, ScanRow};

/// How many devices are committed together at most. Each is wholly in or out.
const GROUP: usize = 64;

/// What became of one device, after it is committed.
#[derive(Clone, Debug)]
pub struct Kept {
    pub target: Target,
    pub outcome: Outcome,
    pub detail: Option<String>,
    pub started: DateTime<Utc>,
    /// The facts differ from the last complete snapshot.
    pub changed: bool,
    pub opened: usize,
    pub resolved: usize,
    /// Only if the caller asked for snapshots.
    pub snapshot: Option<Snapshot>,
}

/// What is asked of the collector beside keeping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wants {
    pub(super) run: RunId,
    /// Keep the snapshots in the result (on-demand scans of few devices).
    pub(super) snapshots: bool,
}

/// Takes readings until the fetchers are done. Blocking: run it on a thread of its own.
pub(super) fn collect(env: &Env, wants: Wants, readings: &mut mpsc::Receiver<Read>) -> Result<Vec<Kept>, JobError> {
    let mut all = Vec::new();
    while let Some(first) = readings.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            match readings.try_recv() {
                Ok(read) => group.push(read),
                Err(_) => break,
            }
        }
        for kept in keep(env, wants, group)? {
            env.events.say(&Event::DeviceFinished {
                device: kept.target.device.clone(),
                outcome: kept.outcome,
                detail: kept.detail.clone(),
                took_ms: 0,
            });
            all.push(kept);
        }
    }
    Ok(all)
}

/// Compares and commits one group: the store is open for exactly this long.
fn keep(env: &Env, wants: Wants, group: Vec<Read>) -> Result<Vec<Kept>, JobError> {
    let store = env.store()?;
    let loud: Vec<DeviceId> = group
        .iter()
        .filter(|read| read.snapshot.outcome.is_complete() && !read.quiet)
        .map(|read| read.target.device_id)
        .collect();
    let mut known = if loud.is_empty() { HashMap::new() } else { store.knowledge(&loud)? };
    let mut results = Vec::with_capacity(group.len());
    let mut kept = Vec::with_capacity(group.len());
    for read in group {
        let knowledge = known.remove(&read.target.device_id);
        let (result, done) = weigh(env, wants, read, knowledge);
        results.push(result);
        kept.push(done);
    }
    store.append(&results)?;
    Ok(kept)
}

/// One reading against what is known of its device.
fn weigh(env: &Env, wants: Wants, mut read: Read, knowledge: Option<Knowledge>) -> (DeviceResult, Kept) {
    let mut result = DeviceResult::bare(ScanRow {
        run: wants.run,
        device_id: read.target.device_id,
        scope: read.target.scope.clone(),
        reason: read.target.reason,
        started_at: read.started,
        took_ms: read.took_ms,
        outcome: read.snapshot.outcome,
        detail: read.snapshot.detail.clone(),
        lines: read.snapshot.lines,
        facts_digest: None,
        text_digest: None,
        observed_digest: None,
        changed: false,
        text_changed: false,
    });
    result.unread = std::mem::take(&mut read.snapshot.unread);
    let (mut opened, mut resolved) = (0, 0);
    if let Some(known) = knowledge {
        compare_with_past(env, &read, known, &mut result);
        opened = result.drift_steps.iter().filter(|s| matches!(s.step, Step::Opened | Step::Returned)).count();
        resolved = result.drift_steps.iter().filter(|s| s.step == Step::Resolved).count();
        result.kept = std::mem::take(&mut read.kept);
    }
    let done = Kept {
        outcome: result.scan.outcome,
        detail: result.scan.detail.clone(),
        started: read.started,
        changed: result.scan.changed,
        opened,
        resolved,
        target: read.target,
        snapshot: wants.snapshots.then_some({
            read.snapshot.unread.clone_from(&result.unread);
            read.snapshot
        }),
    };
    (result, done)
}

fn compare_with_past(env: &Env, read: &Read, known: Knowledge, result: &mut DeviceResult) {
    let first = known.last_complete.is_none();
    let reach = Reach::of(&read.target.scope, &read.facts);
    let covers = |key: &FactKey| reach.covers(key);
    let attribution = attribution(known.commit.as_ref(), &read.snapshot.commits);
    result.commit = read.snapshot.commits.first().filter(|newest| known.commit.as_ref() != Some(newest)).cloned();

    let changes = known.last_complete.map_or_else(Vec::new, |after| {
        // If the clock went back, the order is still that of the scans and the interval a moment.
        let interval = (after.min(read.started), read.started);
        analysis::changes(&known.facts, &read.facts, &covers, interval, &attribution)
    });
    (result.opened, result.closed) = delta(&known.facts, &read.facts, &covers);
    result.observed = moved_observations(&read.snapshot, &known);

    let coverage = Coverage::from_records(&env.coverage, &known.records);
    let comparison = analysis::compare(&read.facts, &known.records, &coverage, &covers);
    if reach == Reach::Device {
        result.compared = Some(counts(&comparison)).filter(|counts| known.compared.as_ref() != Some(counts));
    }
    let moment = Moment {
        device_id: read.target.device_id,
        covered: &covers,
        first_scan: first,
        cause: attribution.cause,
        when: read.started,
    };
    result.drift_steps = analysis::reconcile(&moment, &known.drifts, &known.past, comparison.disagreements);

    result.scan.changed = !changes.is_empty();
    result.changes = changes;
    if let Some(digests) = &read.digests {
        let moved = |old: &Option<String>, new: &String| (old.as_ref() != Some(new)).then(|| new.clone());
        result.scan.text_changed = !first && known.text_digest.as_ref() != Some(&digests.text);
        result.scan.facts_digest = moved(&known.facts_digest, &digests.facts);
        result.scan.text_digest = moved(&known.text_digest, &digests.text);
        result.scan.observed_digest = moved(&known.observed_digest, &digests.observed);
    }
}

fn counts(comparison: &Comparison) -> Compared {
    Compared { agreed: comparison.agreed, covered: comparison.covered, unmanaged: comparison.unmanaged }
}

/// Facts to open (new, or configured differently) and keys to close.
fn delta(before: &[Fact], after: &[Fact], covers: &dyn Fn(&FactKey) -> bool) -> (Vec<Fact>, Vec<FactKey>) {
    let old: HashMap<FactKey, &Fact> = before.iter().map(|fact| (fact.key(), fact)).collect();
    let mut seen = HashSet::with_capacity(after.len());
    let mut opened = Vec::new();
    for fact in after {
        let key = fact.key();
        let same = old
            .get(&key)
            .is_some_and(|old| old.fields() == fact.fields() && old.is_configured() == fact.is_configured());
        if !same {
            opened.push(fact.clone());
        }
        seen.insert(key);
    }
    let mut closed: Vec<FactKey> =
        old.into_keys().filter(|key| covers(key) && !seen.contains(key)).collect();
    closed.sort();
    (opened, closed)
}

/// Interfaces whose operational state or MTU is not what was last observed.
fn moved_observations(snapshot: &Snapshot, known: &Knowledge) -> Vec<crate::store::Observation> {
    snapshot
        .interfaces
        .iter()
        .filter(|i| known.observed.get(&i.name) != Some(&(i.oper, i.mtu)))
        .map(|i| (i.name.clone(), i.oper, i.mtu))
        .collect()
}

/// Compares a device's newest facts with its records again, without a scan.
pub(super) fn recompare(
    env: &Env,
    device_id: DeviceId,
    known: &Knowledge,
    when: DateTime<Utc>,
) -> (Vec<DriftStep>, Compared) {
    let coverage = Coverage::from_records(&env.coverage, &known.records);
    let everything = |_: &FactKey| true;
    let comparison = analysis::compare(&known.facts, &known.records, &coverage, &everything);
    let counts = counts(&comparison);
    let moment = Moment { device_id, covered: &everything, first_scan: false, cause: Cause::Unknown, when };
    (analysis::reconcile(&moment, &known.drifts, &known.past, comparison.disagreements), counts)
}

/// So that `Arc<Env>` is not needed: the collector runs on its own thread.
pub(super) async fn run(env: &Env, wants: Wants, mut readings: mpsc::Receiver<Read>) -> Result<Vec<Kept>, JobError> {
    let env = Arc::new(env.clone());
    tokio::task::spawn_blocking(move || collect(&env, wants, &mut readings)).await?
}
