//! Many fetchers: each reads one device, masks its text, turns it into facts,
//! and hands the result to the collector. Nothing here knows the store.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::carrier::{Back, UnderWay};
use super::collector::Wants;
use super::room::{Room, Tries};
use super::scan::Cast;
use super::{Env, files};
use crate::analysis::ignore::Fitting;
use crate::device::Transcript;
use crate::model::device::DeviceId;
use crate::model::snapshot::{KeptText, digest_of, hex};
use crate::model::{Device, Event, Fact, Kind, OperState, Outcome, Plan, Snapshot, Target};
use crate::platform::{self, Captured, Platform, Rules};
use crate::store::{DeviceLock, LastState, LockError};

/// How many texts become facts, or wait as facts, at once.
const DESKS: usize = 8;

/// One device, read: what the collector compares and keeps.
pub(super) struct Read {
    pub(super) target: Target,
    pub(super) started: DateTime<Utc>,
    pub(super) took_ms: u64,
    /// Without its facts and observations: those are below.
    pub(super) snapshot: Snapshot,
    /// The whole of it, for somebody who wants to see it.
    pub(super) shown: Option<Snapshot>,
    /// The facts of a complete snapshot, by key; empty when `quiet`.
    pub(super) facts: Vec<Fact>,
    /// Interface, operational state, MTU; empty when `quiet`.
    pub(super) observed: Vec<Observation>,
    pub(super) kept: Vec<KeptText>,
    pub(super) digests: Option<Digests>,
    /// Same configuration, text and observations as the last complete scan of the device.
    pub(super) quiet: bool,
    /// Weak SSH algorithms that the session agreed on.
    pub(super) weak: Vec<String>,
    /// The user's rules for noise that fit the device, and what they did.
    pub(super) noise: Fitting,
}

/// What is seen of an interface beside its configuration.
pub(super) type Observation = (String, Option<OperState>, Option<u32>);

/// The digests of a complete scan of a whole device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) facts: String,
    pub(super) text: String,
    pub(super) observed: String,
    /// Of everything that the device sent.
    pub(super) capture: String,
}

/// What the tasks of a run share.
struct Crew {
    env: Env,
    cast: Cast,
    wants: Wants,
    room: Room,
    desks: Arc<Semaphore>,
    results: mpsc::Sender<Read>,
}

/// Reads every target of the plans that come, at most `concurrency` at once, and
/// does not wait for one plan to be over before it begins with the next. Results
/// arrive in the order in which devices finish; a target that gives none, because
/// its window is closed when its turn comes, is told to `lost`. It is over when
/// no plan can come any more. Dropping the receiver stops the rest.
pub(super) fn start(
    env: &Env,
    mut plans: mpsc::UnboundedReceiver<Plan>,
    cast: &Cast,
    wants: Wants,
    lost: mpsc::UnboundedSender<Back>,
    under_way: UnderWay,
) -> mpsc::Receiver<Read> {
    // What is in memory is bounded: a session keeps its place until its text
    // gets one of a few desks, where it becomes facts (thrice the size), and a
    // desk is kept until the collector takes the result. So it sets the pace.
    let (results, receiver) = mpsc::channel(1);
    let crew = Arc::new(Crew {
        room: Room::new(files::sessions(env.settings.scan.concurrency)),
        desks: Arc::new(Semaphore::new(DESKS)),
        env: env.clone(),
        cast: cast.clone(),
        wants,
        results,
    });
    let lose = move |who| {
        under_way.over();
        let _ = lost.send(Back::Lost(who));
    };
    tokio::spawn(async move {
        let mut tasks: JoinSet<(DeviceId, Option<()>)> = JoinSet::new();
        let mut more = true;
        while more || !tasks.is_empty() {
            tokio::select! {
                plan = plans.recv(), if more => {
                    more = plan.is_some();
                    for target in plan.map(|plan| plan.targets).unwrap_or_default() {
                        let Some(device) = crew.cast.devices.get(&target.device_id).cloned() else {
                            lose(Some(target.device_id));
                            continue;
                        };
                        let crew = Arc::clone(&crew);
                        tasks.spawn(async move { (target.device_id, crew.visit(&device, target).await) });
                    }
                }
                Some(done) = tasks.join_next(), if !tasks.is_empty() => {
                    // Handed over, or there is nothing: not begun, given up, or a fault of ours.
                    let who = match done {
                        Ok((_, Some(()))) => continue,
                        Ok((device, None)) => Some(device),
                        Err(_) => None,
                    };
                    lose(who);
                }
            }
        }
    });
    receiver
}

impl Crew {
    /// Reads one device, once more where that may help, and hands the result over.
    async fn visit(&self, device: &Device, target: Target) -> Option<()> {
        let env = &self.env;
        // First, so that a full site or jump host takes no place of others.
        let _places = env.fetch.admit(device).await;
        let mut place = tokio::select! {
            place = self.room.enter() => place?,
            () = env.stop.pressed() => return None,
        };
        // A closed channel means that the run was given up; so is this device.
        if self.results.is_closed() || env.stop.is_pressed() || env.is_closed_to(device) {
            return None;
        }
        env.events.say(&Event::DeviceStarted { device: device.name.clone() });
        let before = self.cast.states.get(&target.device_id).filter(|state| self.cast.is_comparable(state));
        let mut tries = Tries::default();
        loop {
            // A session that outlasts the grace is given up: nothing of it is kept.
            let asked = tokio::select! {
                asked = ask(env, device, &target, &self.cast.names) => asked,
                () = env.stop.grace_over() => {
                    tracing::warn!(device.name = %device.name, "gave up the session with {}: it is time to end", device.name);
                    return None;
                }
            };
            if asked.out_of_files && tries.again_for_files(&self.room) {
                place = self.room.shrink(place).await?;
                continue;
            }
            let desk = self.desks.acquire().await.ok()?;
            drop(place);
            let read = read_device(env, device, target.clone(), asked, before, self.wants, &self.cast.names);
            if !tries.again(read.snapshot.outcome, read.snapshot.detail.as_deref()) {
                let _ = self.results.send(read).await;
                return Some(());
            }
            drop((read, desk));
            tracing::info!(device.name = %device.name, "asking {} once more in a moment", device.name);
            tokio::time::sleep(Duration::from_secs(env.settings.scan.retry_seconds)).await;
            place = self.room.enter().await?;
        }
    }
}

/// One session, over.
struct Asked {
    started: DateTime<Utc>,
    took: Duration,
    /// The text, or the finding that there is none.
    answer: Result<(&'static Platform, Transcript), Box<Snapshot>>,
    /// It did not happen, because this host has no file descriptor left.
    out_of_files: bool,
}

/// What a session gave, as facts. No waiting: it only computes.
fn read_device(
    env: &Env,
    device: &Device,
    target: Target,
    asked: Asked,
    before: Option<&LastState>,
    wants: Wants,
    names: &HashSet<String>,
) -> Read {
    let mut weak = Vec::new();
    let mut capture = String::new();
    let mut unchanged = false;
    let snapshot = match asked.answer {
        Ok((platform, mut transcript)) => {
            let name = device.name.as_str();
            weak = std::mem::take(&mut transcript.legacy);
            if target.scope == crate::model::Scope::Device {
                capture = env.keeper.fingerprint(platform, name, &transcript.sections);
                unchanged = before.is_some_and(|before| is_unchanged(before, &capture));
            }
            let snapshot = if unchanged {
                complete_as_before(platform, name, &target, before)
            } else {
                read_transcript(env, platform, name, &target, transcript, names)
            };
            if !snapshot.outcome.is_complete() {
                let detail = snapshot.detail.as_deref().unwrap_or("no detail");
                let outcome = snapshot.outcome.as_str();
                tracing::warn!(device.name = %name, outcome, detail, "{name} was read, but not whole: {outcome}, {detail}");
            }
            snapshot
        }
        Err(finding) => *finding,
    };
    let mut read = Read {
        started: asked.started,
        took_ms: u64::try_from(asked.took.as_millis()).unwrap_or(u64::MAX),
        shown: None,
        facts: Vec::new(),
        observed: Vec::new(),
        kept: Vec::new(),
        digests: None,
        quiet: false,
        weak,
        noise: env.ignores.fitting(device),
        target,
        snapshot,
    };
    read.snapshot.device = Some(device.name.to_string());
    read.kept = read.snapshot.kept.take().unwrap_or_default();
    for part in &mut read.kept {
        part.text = env.ignores.without_lines(&mut read.noise, std::mem::take(&mut part.text));
    }
    if unchanged {
        read.quiet = true;
    } else if read.snapshot.outcome.is_complete() {
        let observed = digest_of_observations(&read.snapshot);
        read.observed = read.snapshot.interfaces.iter().map(|i| (i.name.clone(), i.oper, i.mtu)).collect();
        read.shown = wants.snapshots.then(|| read.snapshot.clone());
        read.facts = read.snapshot.take_facts();
        if platform::by_name(&device.platform).is_none_or(|platform| !platform.vlan_objects) {
            read.facts.retain(|fact| fact.kind() != Kind::Vlan);
        }
        if read.target.scope == crate::model::Scope::Device {
            let digests = Digests {
                facts: digest_of(&read.facts),
                text: digest_of_text(&read.kept),
                observed,
                capture,
            };
            if let Some(before) = before {
                let same_text = before.text_digest.as_ref() == Some(&digests.text);
                read.quiet = same_text
                    && before.facts_digest.as_ref() == Some(&digests.facts)
                    && before.observed_digest.as_ref() == Some(&digests.observed)
                    && before.lines == Some(read.snapshot.lines);
                if same_text {
                    read.kept = Vec::new();
                }
            }
            read.digests = Some(digests);
        } else {
            // A narrow scan keeps facts, not text: its sections are fragments.
            read.kept = Vec::new();
        }
    } else {
        read.kept = Vec::new();
    }
    if read.quiet {
        // Nothing of it will be looked at again; a fleet of these must not fill the memory.
        read.facts = Vec::new();
        read.observed = Vec::new();
    }
    read
}

/// Whether a device sent what it sent last time, while nothing that it is
/// compared with moved since. Reading it again would give the same reading.
fn is_unchanged(before: &LastState, capture: &str) -> bool {
    before.facts_digest.is_some()
        && before.observed_digest.is_some()
        && before.capture_digest.as_deref() == Some(capture)
}

/// The snapshot of a device that is unchanged, without the facts: nobody looks at them.
fn complete_as_before(
    platform: &Platform,
    name: &str,
    target: &Target,
    before: Option<&LastState>,
) -> Snapshot {
    let mut snapshot = Snapshot::failed(name, platform.name, target.scope.clone(), Outcome::Complete, None);
    snapshot.lines = before.and_then(|before| before.lines).unwrap_or_default();
    snapshot
}

/// One session with one device.
async fn ask(env: &Env, device: &Device, target: &Target, names: &HashSet<String>) -> Asked {
    let started = env.clock.now();
    let clock = Instant::now();
    let answer = converse(env, device, target, names).await;
    let took = clock.elapsed();
    let (answer, out_of_files) = match answer {
        Ok(said) => (Ok(said), false),
        Err(Unasked { snapshot, out_of_files }) => (Err(snapshot), out_of_files),
    };
    Asked { started, took, answer, out_of_files }
}

/// A session that did not happen.
struct Unasked {
    snapshot: Box<Snapshot>,
    out_of_files: bool,
}

async fn converse(
    env: &Env,
    device: &Device,
    target: &Target,
    names: &HashSet<String>,
) -> Result<(&'static Platform, Transcript), Unasked> {
    let name = device.name.as_str();
    let failed = |outcome, detail: Option<&str>| {
        let detail = detail.map(str::to_owned);
        let snapshot = Snapshot::failed(name, &device.platform, target.scope.clone(), outcome, detail);
        Unasked { snapshot: Box::new(snapshot), out_of_files: false }
    };
    let no_file = || Unasked { out_of_files: true, ..failed(Outcome::Unreachable, Some("open-files")) };
    let platform = platform::by_name(&device.platform).ok_or_else(|| failed(Outcome::Unsupported, None))?;
    let _lock = match device_lock(env, device).await {
        Ok(lock) => lock,
        Err(LockError::Io { source, .. }) if files::is_limit(&source) => return Err(no_file()),
        Err(error) => {
            tracing::warn!(device.name = %name, "failed to lock {name}: {error}");
            return Err(failed(Outcome::Timeout, Some("device-lock")));
        }
    };
    match env.fetch.fetch(device, platform, &target.scope).await {
        Ok(transcript)
            if transcript.system.as_ref().is_some_and(|system| is_another(system, name, names)) =>
        {
            tracing::warn!(device.name = %name, "{name} answers as another device of the inventory");
            Err(failed(Outcome::WrongDevice, Some("other-system")))
        }
        Ok(transcript) => Ok((platform, transcript)),
        Err(error) if error.is_out_of_files() => Err(no_file()),
        Err(error) => {
            tracing::warn!(device.name = %name, outcome = error.outcome().as_str(), "failed to read {name}: {error}");
            Err(failed(error.outcome(), error.detail()))
        }
    }
}

/// Whether a device calls itself by the name of another one: addresses were
/// swapped. A name that nobody in the inventory has is no sign of that; many
/// inventories have names of their own.
fn is_another(system: &str, name: &str, names: &HashSet<String>) -> bool {
    !system.eq_ignore_ascii_case(name) && names.contains(&system.to_ascii_lowercase())
}

/// Text → facts, with secrets masked before anything looks at it. A reader
/// that panics costs this device, not the night.
fn read_transcript(
    env: &Env,
    platform: &'static Platform,
    name: &str,
    target: &Target,
    transcript: Transcript,
    names: &HashSet<String>,
) -> Snapshot {
    let sections: Vec<Captured> = transcript
        .sections
        .into_iter()
        .map(|mut section| {
            if let std::borrow::Cow::Owned(masked) = env.keeper.mask(name, &section.text) {
                section.text = masked;
            }
            section
        })
        .collect();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut reading = (platform.read)(&target.scope, &sections, Rules::Live);
        // Where there is no prompt only the text says whose it is.
        if reading.system.as_ref().is_some_and(|system| is_another(system, name, names)) {
            (reading.outcome, reading.detail) = (Outcome::WrongDevice, Some("other-system".to_owned()));
        }
        let kept = sections
            .iter()
            .filter(|section| section.section.starts_with("config"))
            .map(|section| env.keeper.kept(platform, name, &section.section, &section.text))
            .collect();
        reading.into_snapshot(name, platform, target.scope.clone(), Some(kept))
    }));
    result.unwrap_or_else(|_| {
        tracing::error!(device.name = %name, "the reader of {} failed on {name}; please report it", platform.name);
        Snapshot::failed(name, platform.name, target.scope.clone(), Outcome::ParserError, None)
    })
}

/// One session a device, across processes. Whoever comes second waits, as
/// long as a session may take.
async fn device_lock(env: &Env, device: &Device) -> Result<DeviceLock, LockError> {
    let deadline = Instant::now() + Duration::from_secs(env.settings.ssh.total_seconds);
    loop {
        match DeviceLock::take(&env.dir, &device.name, "a session with it", Duration::ZERO) {
            Err(LockError::Held(_)) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            done => return done,
        }
    }
}

fn digest_of_text(kept: &[KeptText]) -> String {
    let mut hash = Sha256::new();
    for part in kept {
        hash.update((part.section.len() as u64).to_le_bytes());
        hash.update(part.section.as_bytes());
        hash.update((part.text.len() as u64).to_le_bytes());
        hash.update(part.text.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

fn digest_of_observations(snapshot: &Snapshot) -> String {
    let mut hash = Sha256::new();
    for interface in &snapshot.interfaces {
        hash.update(interface.name.as_bytes());
        hash.update([0, interface.oper.map_or(0, |oper| oper as u8 + 1)]);
        hash.update(interface.mtu.unwrap_or(0).to_le_bytes());
    }
    hex(&hash.finalize()[..16])
}
