//! The batch: choose whom to read, read and keep, look at what history says
//! now, write the report.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};

use super::carrier::{Back, Carrier, Pace};
use super::collector::{Kept, Wants};
use super::notify::{self, Notified};
use super::scan::{Cast, Summary, outcome_of};
use super::{Env, JobError, files, ignored, known, morning, publish, sync, templates};
use crate::analysis::plan::{self, Candidate, Done, NightState, Purse, Request, Tonight};
use crate::analysis::{Budget, History};
use crate::model::device::DeviceId;
use crate::model::{Device, Event, Outcome, Plan, RunId, RunKind, Signal};
use crate::report;
use crate::report::view::{RunOutcome, RunView};
use crate::store::{BatchLock, LastState, RunRow, Store};

/// A finished night.
#[derive(Debug)]
pub struct Nightly {
    pub run: RunId,
    /// `complete`, `partial` or `failed`.
    pub outcome: &'static str,
    pub summary: Summary,
    pub report: Option<PathBuf>,
    /// The night is stored although its report could not be written.
    pub report_error: Option<JobError>,
    /// The night is stored although the policies could not be followed.
    pub sync_error: Option<JobError>,
    /// Who was told of it, and how that went.
    pub notified: Vec<Notified>,
}

/// What a night would begin with.
#[derive(Debug)]
pub struct NightlyPlan {
    /// Sessions the whole night may use.
    pub budget: usize,
    pub fleet: usize,
    pub plan: Plan,
}

/// The first round, without reading anybody.
pub fn plan_only(env: &Env, budget: Budget) -> Result<NightlyPlan, JobError> {
    let store = env.store()?;
    let eve = Eve::load(env, &store)?;
    drop(store);
    let state = eve.state(env)?;
    let settings = tonight_settings(env, budget);
    let plan = Tonight::open(state, &settings).next_round().unwrap_or_default();
    Ok(NightlyPlan { budget: budget.sessions(eve.devices.len()), fleet: eve.devices.len(), plan })
}

/// Why a night takes place when it does: a schedule and the time it meant.
/// Kept with the run, so that after a crash it is known whether it was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    pub schedule: String,
    pub slot: DateTime<Utc>,
}

/// The plan's settings with the budget of this night. Who names another one
/// than the configuration means this very night: nothing is saved, and nothing
/// that was saved is spent.
fn tonight_settings(env: &Env, budget: Budget) -> plan::Settings {
    let usual = &env.settings.plan;
    let surge_nights = if budget == usual.budget { usual.surge_nights } else { 0.0 };
    plan::Settings { budget, surge_nights, ..usual.clone() }
}

/// One night. Holds the batch lock; somebody else's is [`JobError::Busy`].
pub async fn nightly(env: &Env, budget: Budget) -> Result<Nightly, JobError> {
    told(env, night(env, budget, true, None).await?).await
}

/// One night that a schedule asked for.
pub async fn nightly_for(env: &Env, budget: Budget, occasion: &Occasion) -> Result<Nightly, JobError> {
    told(env, night(env, budget, true, Some(occasion)).await?).await
}

/// Tells of a night that is stored, after its lock is free again.
async fn told(env: &Env, mut done: Nightly) -> Result<Nightly, JobError> {
    let (env, run) = (env.clone(), done.run);
    // Whatever becomes of it, the night is one.
    done.notified =
        tokio::task::spawn_blocking(move || notify::notify(&env, Some(run))).await.unwrap_or_default();
    Ok(done)
}

/// The finished run of an occasion, newest first, with its outcome.
pub fn run_of(store: &Store, occasion: &Occasion) -> Result<Option<(RunId, String)>, JobError> {
    let slot = serde_json::json!(occasion.slot);
    let runs = store.runs(1_000)?.into_iter();
    Ok(runs
        .filter(|run| run.note["schedule"] == occasion.schedule.as_str() && run.note["slot"] == slot)
        .find_map(|run| Some((run.id, run.outcome?))))
}

/// `with_report`: the demo's past nights have nobody to read one.
pub(super) async fn night(
    env: &Env,
    budget: Budget,
    with_report: bool,
    occasion: Option<&Occasion>,
) -> Result<Nightly, JobError> {
    let _lock = BatchLock::take(&env.dir, "nightly")?;
    let started = env.clock.now();
    let settings = tonight_settings(env, budget);

    let store = env.store()?;
    let eve = Eve::load(env, &store)?;
    let mut note = serde_json::json!({ "coverage": coverage_digest(env) });
    if let Some(Occasion { schedule, slot }) = occasion {
        note["schedule"] = serde_json::json!(schedule);
        note["slot"] = serde_json::json!(slot);
    }
    let same_since = same_since(&store.runs(1_000)?, &note, started);
    let sessions = budget.sessions(eve.devices.len());
    let run = store.start_run(RunKind::Nightly, started, i64::try_from(sessions).ok(), &note)?;
    let state = eve.state(env)?;
    // Before the first session, so that nobody can say we knew.
    // Of a device that was never read nothing is believed, so nothing is forecast.
    let read_before = state.outlook.rankings.iter().filter(|r| r.last_good_scan.is_some());
    let forecasts: Vec<(DeviceId, f64, f64)> =
        read_before.map(|r| (r.device_id, r.p_change, r.p_drift)).collect();
    store.append_forecasts(run, &forecasts)?;
    drop(store);
    env.events.say(&Event::RunStarted { run, kind: RunKind::Nightly });
    let done = read_and_keep(env, run, eve, state, &settings, same_since, with_report).await;
    if let Err(error) = &done
        && with_report
    {
        let error = error.to_string();
        let env = env.clone();
        tokio::task::spawn_blocking(move || own_up(&env, run, started, &error)).await?;
    }
    done
}

/// Everything from the first session on.
async fn read_and_keep(
    env: &Env,
    run: RunId,
    eve: Eve,
    state: NightState,
    settings: &plan::Settings,
    same_since: Option<DateTime<Utc>>,
    with_report: bool,
) -> Result<Nightly, JobError> {
    let fleet = eve.devices.len();
    let names = eve.devices.values().map(|d| d.name.as_str().to_ascii_lowercase()).collect();
    let cast = Cast {
        names: Arc::new(names),
        devices: Arc::new(eve.devices.into_iter().collect()),
        states: Arc::new(eve.states),
        recompare: false,
        same_since,
    };
    let mut kept: Vec<Kept> = Vec::new();
    let mut stopped = false;
    let mut tonight = Tonight::open(state, settings);
    if !tonight.follows_forecast() {
        tracing::warn!("the forecasts of late were worse than a constant: the oldest snapshots come first");
    }
    let mut carrier = Carrier::start(env, Wants { run, snapshots: false }, &cast);
    let mut pace = Pace::new(files::sessions(env.settings.scan.concurrency), Instant::now());
    let mut newest: HashSet<DeviceId> = HashSet::new();
    let mut over = false;
    loop {
        let due = if over { None } else { pace.due() };
        let back = tokio::select! {
            // What is back is known before the next round is planned.
            biased;
            back = carrier.next() => Some(back?),
            () = at(due) => None,
        };
        match back {
            // Everything that was begun is over.
            Some(None) => break,
            Some(Some(Back::Lost(who))) => {
                // Told to end in the middle of it: those whom nobody asked stay not due.
                stopped |= env.stop.is_pressed();
                pace.back(who.is_some_and(|who| newest.contains(&who)), Instant::now());
            }
            Some(Some(Back::Kept(read))) => {
                let device_id = read.target.device_id;
                pace.back(newest.contains(&device_id), Instant::now());
                tonight.done(&[Done { device_id, outcome: read.outcome, changed: read.changed }]);
                kept.push(*read);
            }
            None => match tonight.next_round() {
                Some(round) if !env.stop.is_pressed() => {
                    newest = round.targets.iter().map(|target| target.device_id).collect();
                    pace.begin(round.targets.len(), Instant::now());
                    carrier.begin(&round);
                }
                round => {
                    stopped |= round.is_some();
                    over = true;
                    carrier.end();
                }
            },
        }
    }
    let ignored = !tonight.follows_forecast();
    let left = Left { purse: tonight.close(), forecast_ignored: ignored, stopped };

    let env_of_task = env.clone();
    let asked = eve.requests;
    let done = tokio::task::spawn_blocking(move || {
        finish(&env_of_task, run, fleet, &kept, &asked, left, with_report)
    })
    .await??;
    env.events.say(&Event::RunFinished { run });
    Ok(done)
}

/// Comes at a moment; never without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// What the plan of the night leaves behind.
#[derive(Clone, Copy)]
struct Left {
    purse: Purse,
    forecast_ignored: bool,
    /// Told to end before it was through.
    stopped: bool,
}

/// Everything after the last session.
fn finish(
    env: &Env,
    run: RunId,
    fleet: usize,
    kept: &[Kept],
    asked: &[(i64, DeviceId)],
    left: Left,
    with_report: bool,
) -> Result<Nightly, JobError> {
    let beside = BTreeMap::from([(Outcome::NotDue, fleet.saturating_sub(kept.len()))]);
    // A night that was read stays one, whatever becomes of the policies.
    let (synced, sync_error) = match sync::by_policy(env, run) {
        Ok(synced) => (synced, None),
        Err(error) => (None, Some(error)),
    };
    let store = env.store()?;
    let open = store.drifts(None)?.len();
    let stopped = left.stopped;
    let mut summary = Summary { stopped, ..Summary::of(kept, open, &beside) };
    summary.sync = synced;
    (summary.purse, summary.forecast_ignored) = (Some(left.purse), left.forecast_ignored);
    let outcome = if stopped { "partial" } else { outcome_of(&summary.devices) };
    let answered: Vec<i64> = asked
        .iter()
        .filter(|(_, device)| kept.iter().any(|k| k.target.device_id == *device && k.outcome.is_complete()))
        .map(|(id, _)| *id)
        .collect();
    store.done(&answered, run, env.clock.now())?;
    ignored::note(env, &store, run, kept)?;
    store.finish_run(run, env.clock.now(), outcome, &serde_json::to_value(&summary).unwrap_or_default())?;
    drop(store);

    let mut nightly =
        Nightly { run, outcome, summary, report: None, report_error: None, sync_error, notified: Vec::new() };
    if with_report {
        match write_report(env, run) {
            Ok(path) => nightly.report = Some(path),
            Err(error) => nightly.report_error = Some(error),
        }
    }
    Ok(nightly)
}

fn write_report(env: &Env, run: RunId) -> Result<PathBuf, JobError> {
    let (row, night) = morning::night(env, Some(run), None)?;
    let (night, pages) = templates::render(env, night)?;
    let folder = publish::report_folder(&env.dir, run, row.started);
    publish::publish(&folder, &pages, env.settings.report.group_readable)?;
    publish::point_latest(&env.dir, &folder)?;
    publish::list_reports(env, &night.run)?;
    Ok(folder.join("index.html"))
}

/// A run that broke is a finished one that failed, and has a page that says so.
/// Best effort: what broke the run may break this, too.
fn own_up(env: &Env, run: RunId, started: DateTime<Utc>, error: &str) {
    let note = || {
        let store = env.store()?;
        let summary = serde_json::to_value(Summary::default()).unwrap_or_default();
        store.finish_run(run, env.clock.now(), "failed", &summary)?;
        Ok::<_, JobError>(())
    };
    let written = note().and_then(|()| write_report(env, run)).or_else(|_| {
        let now = env.clock.now();
        let view = RunView {
            id: run,
            kind: RunKind::Nightly,
            started,
            finished: None,
            outcome: RunOutcome::Failed,
            as_of: now,
            valid_until: now + chrono::TimeDelta::days(1),
            sessions: 0,
            budget: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let folder = publish::report_folder(&env.dir, run, started);
        let pages = report::render_broken(&view, error)?;
        publish::publish(&folder, &pages, env.settings.report.group_readable)?;
        publish::point_latest(&env.dir, &folder)?;
        publish::list_reports(env, &view)?;
        Ok::<_, JobError>(folder)
    });
    if let Err(error) = written {
        tracing::warn!(run, %error, "failed to publish that this run failed");
    }
}

/// What is known before the night begins.
struct Eve {
    devices: BTreeMap<DeviceId, Device>,
    states: HashMap<DeviceId, LastState>,
    history: History,
    signals: Vec<Signal>,
    requests: Vec<(i64, DeviceId)>,
    asked: Vec<Request>,
    purse: Purse,
}

impl Eve {
    fn load(env: &Env, store: &Store) -> Result<Self, JobError> {
        let devices: BTreeMap<DeviceId, Device> =
            store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
        if devices.is_empty() {
            return Err(JobError::NoDevices);
        }
        let open = store.requests()?;
        let known = |id: &DeviceId| devices.contains_key(id);
        // A night that broke off left no purse; the one before it counts.
        let purse = store
            .runs(100)?
            .into_iter()
            .filter(|r| r.kind == RunKind::Nightly)
            .find_map(|run| serde_json::from_value::<Summary>(run.summary?).ok()?.purse);
        Ok(Self {
            purse: purse.unwrap_or_default(),
            states: store.last_states(None)?,
            signals: known::hints(env, store, None, env.clock.now())?,
            history: known::history_of(store, None)?,
            requests: open.iter().filter(|r| known(&r.device)).map(|r| (r.id, r.device)).collect(),
            asked: open
                .iter()
                .filter(|r| known(&r.device))
                .map(|r| Request { device_id: r.device, reason: r.reason, why: r.why.clone() })
                .collect(),
            devices,
        })
    }

    fn state(&self, env: &Env) -> Result<NightState, JobError> {
        let as_of = env.clock.now();
        let candidates = self
            .devices
            .iter()
            // Others have another night, or another hour of this one.
            .filter(|(_, device)| !env.is_closed_to(device))
            .map(|(id, device)| {
                let state = self.states.get(id);
                Candidate {
                    id: *id,
                    name: device.name.clone(),
                    role: device.role.clone(),
                    site: device.site.clone(),
                    jump: device.jump.clone(),
                    importance: device.importance,
                    last_complete: state.and_then(|s| s.last_complete),
                    last_attempt: state.map(|s| s.last_attempt.0),
                    failures: state.map_or(0, |s| s.failures),
                }
            })
            .collect();
        Ok(NightState {
            as_of,
            devices: candidates,
            outlook: known::outlook_of(
                &self.history,
                &self.signals,
                self.devices.iter(),
                as_of,
                &env.settings.forecast,
            )?
            .1,
            requests: self.asked.clone(),
            purse: self.purse,
        })
    }
}

/// Since when nights compare by the rules of this one: the start of the first
/// of them. `None`: no night had others.
fn same_since(runs: &[RunRow], note: &serde_json::Value, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut since = now;
    for night in runs.iter().filter(|run| run.kind == RunKind::Nightly) {
        if night.note["coverage"] != note["coverage"] {
            return Some(since);
        }
        since = night.started;
    }
    None
}

/// Another coverage, or other rules for noise, mean that quiet devices have to
/// be compared again.
fn coverage_digest(env: &Env) -> String {
    use sha2::{Digest as _, Sha256};
    let mut text = serde_json::to_string(&env.settings.coverage).unwrap_or_default();
    // As it was before there were such rules, if there are none.
    env.ignores.lines().iter().for_each(|line| text.push_str(line));
    crate::model::snapshot::hex(&Sha256::digest(text.as_bytes())[..8])
}
