//! One collector: whatever the fetchers have finished is compared with what
//! the store knows and committed, whole devices at a time. It is the only
//! thing that writes during a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;

use super::carrier::{Back, UnderWay};
use super::fetchers::Read;
use super::{Env, JobError};
use crate::analysis::reconcile::Moment;
use crate::analysis::{self, Comparison, Coverage, Loss, Reach, attribution};
use crate::model::device::DeviceId;
use crate::model::{
    Cause, Change, DriftStep, Event, Fact, FactKey, Kind, Outcome, RunId, Snapshot, Step, Target,
};
use crate::store::{Compared, DeviceResult, Knowledge, LastState, ScanRow, Store};

/// How many devices are committed together at most. Each is wholly in or out.
/// A commit costs as much for one device as for dozens.
const GROUP: usize = 64;
/// Of these, how many that changed: their text and facts are held meanwhile.
const LOUD: usize = 16;
/// How long the first of a group waits for company, with the store closed.
const GATHER: Duration = Duration::from_millis(500);
/// How long the store waits, open, for one more that may be at hand already.
const AT_HAND: Duration = Duration::from_millis(5);
/// How long the store stays open at most while devices keep coming: others
/// wait for it, and the database's memory grows by what one opening wrote.
/// Measured on a first night of 1,000 devices: 500 ms takes 11 ms of work a
/// device and 210 MB, 100 ms takes 14 ms and 195 MB.
const LONGEST_OPENING: Duration = Duration::from_millis(100);

/// What became of one device, after it is committed.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) target: Target,
    pub(super) outcome: Outcome,
    pub(super) detail: Option<String>,
    pub(super) took_ms: u64,
    /// The facts differ from the last complete snapshot.
    pub(super) changed: bool,
    /// How often each of the user's rules for noise fired.
    pub(super) fired: BTreeMap<usize, u64>,
    pub(super) opened: usize,
    pub(super) returned: usize,
    pub(super) resolved: usize,
    /// Only if the caller asked for snapshots.
    pub(super) snapshot: Option<Snapshot>,
}

/// What is asked of the collector beside keeping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wants {
    pub(super) run: RunId,
    /// Keep the snapshots in the result (on-demand scans of few devices).
    pub(super) snapshots: bool,
}

/// Takes readings until the fetchers are done. Blocking: run it on a thread of
/// its own. A group is gathered with the store closed; it is opened to keep the
/// group and whatever comes meanwhile, and closed when nothing more is at hand or
/// others have waited for long enough. If it is still open when the last device
/// is kept, the caller gets it.
fn collect(
    env: &Env,
    wants: Wants,
    states: &HashMap<DeviceId, LastState>,
    readings: &mut mpsc::Receiver<Read>,
    told: &mpsc::UnboundedSender<Back>,
    under_way: &UnderWay,
) -> Result<Option<Store>, JobError> {
    let runtime = Handle::current();
    let mut next = |patience: Duration| {
        let read = runtime.block_on(async { tokio::time::timeout(patience, readings.recv()).await });
        if matches!(read, Ok(Some(_))) {
            under_way.over();
        }
        read
    };
    while let Ok(Some(first)) = next(Duration::MAX) {
        let mut group = vec![first];
        let mut ended = fill(&mut group, GATHER, under_way, &mut next);
        let store = env.store()?;
        let close_by = Instant::now() + LONGEST_OPENING;
        while !group.is_empty() {
            for kept in keep(env, &store, wants, states, std::mem::take(&mut group))? {
                env.events.say(&Event::DeviceFinished {
                    device: kept.target.device.clone(),
                    outcome: kept.outcome,
                    detail: kept.detail.clone(),
                    took_ms: kept.took_ms,
                });
                // Nobody listens any more: what was read is kept all the same.
                let _ = told.send(Back::Kept(Box::new(kept)));
            }
            if Instant::now() < close_by {
                ended = fill(&mut group, AT_HAND, under_way, &mut next);
            }
        }
        if ended {
            return Ok(Some(store));
        }
    }
    Ok(None)
}

/// Takes what comes within some time into the group, until it is full or nothing
/// more is under way. Whether all readings have come.
fn fill(
    group: &mut Vec<Read>,
    patience: Duration,
    under_way: &UnderWay,
    next: &mut impl FnMut(Duration) -> Result<Option<Read>, Elapsed>,
) -> bool {
    let until = Instant::now() + patience;
    while group.len() < GROUP && group.iter().filter(|read| !read.quiet).count() < LOUD {
        // With nothing under way this may be the end: it is told in a moment.
        let rest = until.saturating_duration_since(Instant::now());
        let patience = if under_way.is_none() { AT_HAND.min(rest) } else { rest };
        match next(patience) {
            Ok(Some(read)) => group.push(read),
            Ok(None) => return true,
            Err(_) => break,
        }
    }
    false
}

/// Compares and commits one group.
fn keep(
    env: &Env,
    store: &Store,
    wants: Wants,
    states: &HashMap<DeviceId, LastState>,
    group: Vec<Read>,
) -> Result<Vec<Kept>, JobError> {
    let (mut whole, mut known) = (Vec::new(), HashMap::new());
    for read in group.iter().filter(|read| read.snapshot.outcome.is_complete() && !read.quiet) {
        let id = read.target.device_id;
        match read.target.scope.name() {
            None => whole.push(id),
            Some(name) => {
                let keys = touched(name, read);
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                known.insert(id, store.knowledge_of_keys(id, &keys)?);
            }
        }
    }
    if !whole.is_empty() {
        known.extend(store.knowledge(&whole)?);
    }
    let mut results = Vec::with_capacity(group.len());
    let mut kept = Vec::with_capacity(group.len());
    for read in group {
        let knowledge = known.remove(&read.target.device_id);
        let state = states.get(&read.target.device_id);
        let (result, done) = weigh(env, wants, read, knowledge, state);
        results.push(result);
        kept.push(done);
    }
    store.append(&results)?;
    Ok(kept)
}

/// Keys of everything that a reading of one thing can change.
fn touched(name: &str, read: &Read) -> Vec<String> {
    let observed = read.observed.iter().map(|(name, ..)| name.clone());
    let mut keys: Vec<String> = read.facts.iter().map(|fact| fact.key().key).chain(observed).collect();
    keys.push(name.to_owned());
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// One reading against what is known of its device.
fn weigh(
    env: &Env,
    wants: Wants,
    mut read: Read,
    knowledge: Option<Knowledge>,
    state: Option<&LastState>,
) -> (DeviceResult, Kept) {
    let lines = Some(read.snapshot.lines)
        .filter(|lines| read.snapshot.outcome.is_complete() && state.and_then(|s| s.lines) != Some(*lines));
    let mut result = DeviceResult::of(ScanRow {
        run: wants.run,
        device_id: read.target.device_id,
        scope: read.target.scope.clone(),
        reason: read.target.reason,
        started_at: read.started,
        took_ms: read.took_ms,
        outcome: read.snapshot.outcome,
        detail: read.snapshot.detail.clone(),
        lines,
        facts_digest: None,
        text_digest: None,
        observed_digest: None,
        capture_digest: None,
        changed: false,
        text_changed: false,
    });
    result.unread = std::mem::take(&mut read.snapshot.unread);
    result.weak = std::mem::take(&mut read.weak);
    let (mut opened, mut returned, mut resolved) = (0, 0, 0);
    if let Some(loss) = knowledge.as_ref().and_then(|known| disbelief(&read, known, state)) {
        suspect(&mut read, &mut result, loss);
    } else if let Some(known) = knowledge {
        compare_with_past(env, &mut read, &known, state, &mut result);
        let count = |step| result.drift_steps.iter().filter(|s| s.step == step).count();
        (opened, returned, resolved) = (count(Step::Opened), count(Step::Returned), count(Step::Resolved));
        result.kept = std::mem::take(&mut read.kept);
    }
    let fired = std::mem::take(&mut read.noise.fired);
    let done = Kept {
        fired,
        outcome: result.scan.outcome,
        detail: result.scan.detail.clone(),
        took_ms: read.took_ms,
        changed: result.scan.changed,
        opened,
        returned,
        resolved,
        target: read.target,
        snapshot: match read.shown {
            Some(mut shown) => {
                shown.unread.clone_from(&result.unread);
                Some(shown)
            }
            None => wants.snapshots.then_some(read.snapshot),
        },
    };
    (result, done)
}

/// Whether a complete reading lost too much to be believed. A second one with
/// the same facts is: then it is true.
fn disbelief(read: &Read, known: &Knowledge, state: Option<&LastState>) -> Option<Loss> {
    let (state, digests) = (state?, read.digests.as_ref()?);
    state.last_complete?;
    let loss = analysis::shrink(&known.facts, &read.facts)?;
    (state.suspect_digest.as_ref() != Some(&digests.facts)).then_some(loss)
}

/// Keeps the attempt and nothing of what it said, but for the digest by which
/// the next reading can agree with it.
fn suspect(read: &mut Read, result: &mut DeviceResult, loss: Loss) {
    let device = read.target.device.as_str();
    let what = loss.kind.map_or("configured things", Kind::plural);
    tracing::warn!(device.name = %device, before = loss.before, left = loss.left,
        "{device} has {} of {} {what} left: not believed until a second scan says the same", loss.left, loss.before);
    result.scan.outcome = Outcome::Suspect;
    result.scan.detail = Some(loss.code().to_owned());
    result.scan.facts_digest = read.digests.as_ref().map(|digests| digests.facts.clone());
    result.scan.lines = None;
    result.unread.clear();
    for shown in [Some(&mut read.snapshot), read.shown.as_mut()].into_iter().flatten() {
        shown.outcome = Outcome::Suspect;
        shown.detail = Some(loss.code().to_owned());
    }
}

fn compare_with_past(
    env: &Env,
    read: &mut Read,
    known: &Knowledge,
    state: Option<&LastState>,
    result: &mut DeviceResult,
) {
    let last_complete = state.and_then(|s| s.last_complete);
    let known_commit = state.and_then(|s| s.commit.as_ref());
    let first = last_complete.is_none();
    let reach = Reach::of(&read.target.scope, &read.facts);
    let covers = |key: &FactKey| reach.covers(key);
    let attribution = attribution(known_commit, &read.snapshot.commits);
    result.commit = read.snapshot.commits.first().filter(|newest| known_commit != Some(newest)).cloned();

    let mut changes = last_complete.map_or_else(Vec::new, |after| {
        // If the clock went back, the order is still that of the scans and the interval a moment.
        let interval = (after.min(read.started), read.started);
        analysis::changes(&known.facts, &read.facts, &covers, interval, &attribution)
    });
    env.ignores.settle_changes(&mut read.noise, &mut changes);
    result.observed = std::mem::take(&mut read.observed);
    result.observed.retain(|(name, oper, mtu)| known.observed.get(name) != Some(&(*oper, *mtu)));

    let coverage = Coverage::from_records(&env.coverage, &known.records);
    let mut comparison = analysis::compare(&read.facts, &known.records, &coverage, &covers);
    env.ignores.settle_comparison(&mut read.noise, &mut comparison);
    if reach == Reach::Device {
        result.compared = Some(counts(&comparison)).filter(|counts| known.compared.as_ref() != Some(counts));
    }
    let moment = Moment {
        device_id: read.target.device_id,
        covered: &covers,
        first_scan: first,
        cause: env.accounts.cause(&attribution),
        when: read.started,
    };
    result.drift_steps = analysis::reconcile(&moment, &known.drifts, &known.past, comparison.disagreements);
    settle_causes(&mut result.drift_steps, &changes);
    (result.opened, result.closed) = delta(&known.facts, std::mem::take(&mut read.facts), &covers);

    result.scan.changed = !changes.is_empty();
    result.changes = changes;
    if let Some(digests) = &read.digests {
        let moved = |old: Option<&String>, new: &String| (old != Some(new)).then(|| new.clone());
        let text = state.and_then(|s| s.text_digest.as_ref());
        result.scan.text_changed = !first && text != Some(&digests.text);
        result.scan.text_digest = moved(text, &digests.text);
        result.scan.facts_digest = moved(state.and_then(|s| s.facts_digest.as_ref()), &digests.facts);
        result.scan.observed_digest =
            moved(state.and_then(|s| s.observed_digest.as_ref()), &digests.observed);
        result.scan.capture_digest = moved(state.and_then(|s| s.capture_digest.as_ref()), &digests.capture);
    }
}

/// A commit explains only what moved with it. What stood on the device before
/// and became a drift today did so because the record claims more than it did:
/// it is historical, whoever committed what since.
fn settle_causes(steps: &mut [DriftStep], changes: &[Change]) {
    let moved: HashSet<&FactKey> = changes.iter().map(|change| &change.key).collect();
    for step in steps.iter_mut().filter(|step| matches!(step.step, Step::Opened | Step::Returned)) {
        if !moved.contains(&step.key) {
            step.cause = if step.fact.is_some() { Cause::Historical } else { Cause::Unknown };
        }
    }
}

fn counts(comparison: &Comparison) -> Compared {
    Compared { agreed: comparison.agreed, covered: comparison.covered, unmanaged: comparison.unmanaged }
}

/// Facts to open (new, or configured differently) and keys to close.
fn delta(before: &[Fact], after: Vec<Fact>, covers: &dyn Fn(&FactKey) -> bool) -> (Vec<Fact>, Vec<FactKey>) {
    let mut old: HashMap<FactKey, &Fact> = before.iter().map(|fact| (fact.key(), fact)).collect();
    let mut opened = after;
    opened.retain(|fact| {
        let same = |old: &Fact| old.fields() == fact.fields() && old.is_configured() == fact.is_configured();
        !old.remove(&fact.key()).is_some_and(same)
    });
    let mut closed: Vec<FactKey> = old.into_keys().filter(|key| covers(key)).collect();
    closed.sort();
    (opened, closed)
}

/// Compares a device's newest facts with its records again, without a scan.
pub(super) fn recompare(
    env: &Env,
    device_id: DeviceId,
    known: &Knowledge,
    when: DateTime<Utc>,
) -> Vec<DriftStep> {
    let coverage = Coverage::from_records(&env.coverage, &known.records);
    let everything = |_: &FactKey| true;
    let comparison = analysis::compare(&known.facts, &known.records, &coverage, &everything);
    let moment = Moment { device_id, covered: &everything, first_scan: false, cause: Cause::Unknown, when };
    analysis::reconcile(&moment, &known.drifts, &known.past, comparison.disagreements)
}

/// The collector on a thread of its own. What is committed is `told`, device by device.
pub(super) fn start(
    env: &Env,
    wants: Wants,
    states: &Arc<HashMap<DeviceId, LastState>>,
    mut readings: mpsc::Receiver<Read>,
    told: mpsc::UnboundedSender<Back>,
    under_way: UnderWay,
) -> JoinHandle<Result<Option<Store>, JobError>> {
    let (env, states) = (env.clone(), states.clone());
    tokio::task::spawn_blocking(move || collect(&env, wants, &states, &mut readings, &told, &under_way))
}
