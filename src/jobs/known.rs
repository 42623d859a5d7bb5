//! What the store holds of the past, as of one run or as of now, and what
//! analysis makes of it. The report and the commands that show things are
//! made of this; nothing here writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::scan::Summary;
use super::{Env, JobError};
use crate::analysis::advise::{Matters, UnreadDevice};
use crate::analysis::backtest::World;
use crate::analysis::budget::{Bought, Share};
use crate::analysis::forecast::Subject;
use crate::analysis::grid::Weights;
use crate::analysis::standing::{Readings, Standing};
use crate::analysis::summary::{self, Estimate};
use crate::analysis::{self, Find, FrameError, History, Honesty, Outlook, forecast};
use crate::model::device::DeviceId;
use crate::model::finding::{Ranking, Recommendation};
use crate::model::{Change, Device, Drift, Fact, Outcome, Record, RunId, RunKind, Scope, Signal};
use crate::store::{BatchLock, Compared, LastState, RunRow, ScanOrder, ScanRow, ServeLock, Store};

/// The live inventory and everything known of it at one moment.
pub struct Known {
    pub as_of: DateTime<Utc>,
    pub devices: BTreeMap<DeviceId, Device>,
    pub states: HashMap<DeviceId, LastState>,
    /// Best first.
    pub rankings: Vec<Ranking>,
    /// What is known of each device's rate, in no order.
    pub rates: HashMap<DeviceId, Weights>,
    /// How many devices will probably change within a week.
    pub next_week: Estimate,
    /// Open drifts of live devices.
    pub drifts: Vec<Drift>,
    pub compared: HashMap<DeviceId, Compared>,
    max_age_days: f64,
}

impl Known {
    /// `run`: as that run left things; `None`: now.
    pub(super) fn load(
        env: &Env,
        store: &Store,
        run: Option<RunId>,
        as_of: DateTime<Utc>,
    ) -> Result<Self, JobError> {
        let devices: BTreeMap<DeviceId, Device> =
            store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
        let history = history_of(store, run)?;
        let signals = hints(env, store, run, as_of)?;
        let (subjects, outlook) =
            outlook_of(&history, &signals, devices.iter(), as_of, &env.settings.forecast)?;
        let mut drifts = store.drifts(run)?;
        drifts.retain(|d| devices.contains_key(&d.device_id));
        Ok(Self {
            as_of,
            states: store.last_states(run)?,
            compared: store.compared(run)?,
            next_week: summary::ahead(&subjects, &outlook.forecasts, 7.0),
            rates: outlook.forecasts.iter().map(|f| (f.device_id, f.weights)).collect(),
            rankings: outlook.rankings,
            drifts,
            devices,
            max_age_days: f64::from(env.settings.plan.max_age_nights),
        })
    }

    /// The longest time between two readings, in days, at a budget. As the
    /// plan has it: the limit may cost a fifth of the budget.
    pub(super) fn longest_interval(&self, sessions: f64) -> f64 {
        self.max_age_days.max(5.0 * self.rankings.len() as f64 / sessions.max(1e-9))
    }

    /// The standing of every live device.
    pub fn standings(&self) -> HashMap<DeviceId, Standing> {
        let mut drifts: HashMap<DeviceId, u64> = HashMap::new();
        for drift in &self.drifts {
            *drifts.entry(drift.device_id).or_default() += 1;
        }
        let chance: HashMap<DeviceId, f64> =
            self.rankings.iter().map(|r| (r.device_id, r.p_change)).collect();
        self.devices
            .keys()
            .map(|id| {
                let state = self.states.get(id);
                let readings = Readings {
                    last_complete: state.and_then(|s| s.last_complete),
                    failing: state.and_then(failing),
                    open_drifts: drifts.get(id).copied().unwrap_or(0),
                    p_change: chance.get(id).copied().unwrap_or(0.0),
                };
                (*id, analysis::standing(&readings, self.max_age_days, self.as_of))
            })
            .collect()
    }

    /// Devices of which there is no current picture.
    pub fn unread_devices(&self) -> Vec<UnreadDevice> {
        self.devices
            .iter()
            .filter_map(|(id, device)| {
                let state = self.states.get(id);
                let failing = state.and_then(failing);
                let never = state.is_none_or(|s| s.last_complete.is_none());
                (failing.is_some() || never).then(|| UnreadDevice {
                    device: device.name.clone(),
                    site: device.site.clone(),
                    outcome: failing,
                    detail: state.and_then(|s| s.last_attempt.2.clone()),
                    since: state.and_then(|s| s.failing_since),
                })
            })
            .collect()
    }

    pub fn recommendations(&self) -> Vec<Recommendation> {
        let importance: HashMap<DeviceId, f64> =
            self.devices.iter().map(|(id, device)| (*id, device.importance)).collect();
        let unread = self.unread_devices();
        analysis::advise::advise(&Matters { drifts: &self.drifts, unread: &unread, importance: &importance })
    }
}

/// The outcome of the newest attempt, if it failed.
pub(super) fn failing(state: &LastState) -> Option<Outcome> {
    Some(state.last_attempt.1).filter(|outcome| !outcome.is_complete())
}

/// Devices, as analysis knows them.
fn subjects_of<'a>(devices: impl Iterator<Item = (&'a DeviceId, &'a Device)>) -> Vec<Subject> {
    devices
        .map(|(id, device)| Subject {
            id: *id,
            name: device.name.clone(),
            role: device.role.clone(),
            platform: device.platform.clone(),
            site: device.site.clone(),
            importance: device.importance,
        })
        .collect()
}

/// The history of the live inventory, to be replayed: the last `nights`.
pub fn own_history(env: &Env, nights: usize) -> Result<Option<World>, JobError> {
    let store = env.store()?;
    let devices: BTreeMap<DeviceId, Device> =
        store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
    let subjects = subjects_of(devices.iter());
    Ok(analysis::backtest::own(&history_of(&store, None)?, &subjects, env.clock.now(), nights))
}

/// Every complete scan, and what was imported of the time before: as a run
/// knew it, or all.
pub fn history_of(store: &Store, run: Option<RunId>) -> Result<History, JobError> {
    let read = |order| {
        let finds = store.history_finds(run)?.into_iter().map(|find| Find {
            seq: find.seq,
            device: find.device,
            drifted: find.drifted,
            changes: find.changes,
        });
        let mut history = History::new(finds.collect());
        history.reserve(store.scan_count()?);
        store.history(run, order, |batch| Ok::<_, JobError>(history.push(batch)?))?;
        Ok(history)
    };
    let mut history = match read(ScanOrder::Stored) {
        Err(JobError::Frame(FrameError::Unordered)) => read(ScanOrder::Sorted)?,
        other => other?,
    };
    history.remember(&store.past_events(run)?);
    Ok(history)
}

/// The hints that a forecast of that moment hears. `run`: as that run left them.
pub(super) fn hints(
    env: &Env,
    store: &Store,
    run: Option<RunId>,
    as_of: DateTime<Utc>,
) -> Result<Vec<Signal>, JobError> {
    let window = TimeDelta::days(i64::from(env.settings.forecast.window_days));
    Ok(store.hints(as_of.checked_sub_signed(window).unwrap_or_default(), run)?)
}

/// What the forecasts were worth, on scans that chance chose; `None` before
/// there was any. `run`: up to that run.
pub(super) fn honesty_of(
    store: &Store,
    run: Option<RunId>,
    as_of: DateTime<Utc>,
) -> Result<Option<Honesty>, JobError> {
    let outcomes = store.forecast_outcomes(run)?;
    if outcomes.is_empty() {
        return Ok(None);
    }
    let live: Vec<DeviceId> = store.devices()?.into_iter().filter(|d| !d.retired).map(|d| d.id).collect();
    Ok(analysis::honesty::judge(&outcomes, &history_of(store, run)?, &live, as_of))
}

/// What the forecasts have been worth by now.
pub fn honesty(env: &Env) -> Result<Option<Honesty>, JobError> {
    honesty_of(&env.store()?, None, env.clock.now())
}

/// What their history and the hints since say of `devices`.
pub(super) fn outlook_of<'a>(
    history: &History,
    signals: &[Signal],
    devices: impl Iterator<Item = (&'a DeviceId, &'a Device)>,
    as_of: DateTime<Utc>,
    settings: &forecast::Settings,
) -> Result<(Vec<Subject>, Outlook), JobError> {
    let subjects = subjects_of(devices);
    let outlook = analysis::outlook(history, signals, &subjects, as_of, settings)?;
    Ok((subjects, outlook))
}

/// What budgets would buy: for each, sessions a night and the long run.
pub fn budgets(env: &Env, sessions: &[f64]) -> Result<Vec<Bought>, JobError> {
    let known = known(env)?;
    let shares: Vec<Share> = known
        .rankings
        .iter()
        .map(|ranking| {
            let importance = known.devices.get(&ranking.device_id).map_or(1.0, |device| device.importance);
            Share::new(&known.rates[&ranking.device_id], importance)
        })
        .collect();
    let bought = |n: &f64| analysis::budget::water_fill(&shares, *n, known.longest_interval(*n));
    Ok(sessions.iter().map(bought).collect())
}

/// All that is known now.
pub fn known(env: &Env) -> Result<Known, JobError> {
    Known::load(env, &env.store()?, None, env.clock.now())
}

/// Open drifts of live devices, by device and key.
pub fn open_drifts(env: &Env) -> Result<Vec<Drift>, JobError> {
    let store = env.store()?;
    let live: HashSet<DeviceId> = store.devices()?.into_iter().filter(|d| !d.retired).map(|d| d.id).collect();
    let mut drifts = store.drifts(None)?;
    drifts.retain(|d| live.contains(&d.device_id));
    drifts.sort_by(|a, b| (&a.device, &a.key).cmp(&(&b.device, &b.key)));
    Ok(drifts)
}

/// The live inventory, by name.
pub fn live_devices(env: &Env) -> Result<Vec<(DeviceId, Device)>, JobError> {
    let mut devices: Vec<(DeviceId, Device)> =
        env.store()?.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
    devices.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    Ok(devices)
}

/// The records of live devices, by device and key.
pub fn all_records(env: &Env) -> Result<Vec<Record>, JobError> {
    let mut records: Vec<Record> =
        env.store()?.records(None, None)?.into_iter().map(|(_, record)| record).collect();
    records.sort_by_cached_key(|r| (r.device.clone(), r.key()));
    Ok(records)
}

/// One line of `devices list`.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub device: Device,
    #[serde(flatten)]
    pub standing: Standing,
    pub last_complete: Option<DateTime<Utc>>,
    /// What the newest attempt gave, if it failed, with its finer code.
    pub failing: Option<Outcome>,
    pub detail: Option<String>,
    pub open_drifts: usize,
}

/// The inventory with what is known of each device, by name.
pub fn overview(env: &Env) -> Result<Vec<Row>, JobError> {
    let known = known(env)?;
    let standings = known.standings();
    let mut rows: Vec<Row> =
        known.devices.iter().map(|(id, device)| row(&known, &standings, *id, device)).collect();
    rows.sort_by(|a, b| a.device.name.cmp(&b.device.name));
    Ok(rows)
}

fn row(known: &Known, standings: &HashMap<DeviceId, Standing>, id: DeviceId, device: &Device) -> Row {
    let state = known.states.get(&id);
    Row {
        device: device.clone(),
        standing: standings[&id].clone(),
        last_complete: state.and_then(|s| s.last_complete),
        failing: state.and_then(failing),
        detail: state.filter(|s| failing(s).is_some()).and_then(|s| s.last_attempt.2.clone()),
        open_drifts: known.drifts.iter().filter(|d| d.device_id == id).count(),
    }
}

/// All about one device.
pub struct Shown {
    pub row: Row,
    pub drifts: Vec<Drift>,
    pub facts: Vec<Fact>,
    /// Newest first.
    pub scans: Vec<ScanRow>,
    /// Newest first.
    pub changes: Vec<Change>,
}

/// `None` when the inventory has no such device.
pub fn show_device(env: &Env, name: &str) -> Result<Option<Shown>, JobError> {
    let known = known(env)?;
    let Some((id, device)) = known.devices.iter().find(|(_, d)| d.name.as_str() == name) else {
        return Ok(None);
    };
    let store = env.store()?;
    let standings = known.standings();
    let mut drifts: Vec<Drift> = known.drifts.iter().filter(|d| d.device_id == *id).cloned().collect();
    drifts.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(Some(Shown {
        row: row(&known, &standings, *id, device),
        drifts,
        facts: store.facts(*id, None)?,
        scans: store.scans(*id, 50, None)?.into_iter().map(|seen| seen.row).collect(),
        changes: store
            .changes(Some(*id), DateTime::UNIX_EPOCH, None)?
            .into_iter()
            .rev()
            .map(|(_, change)| change)
            .take(200)
            .collect(),
    }))
}

/// What `status` shows.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Who holds the batch lock.
    pub at_work: Option<String>,
    pub devices: usize,
    pub standing: Standings,
    pub open_drifts: usize,
    /// Facts outside the record's coverage.
    pub unmanaged: u64,
    /// The `serve` of this folder, if one runs.
    pub serve: Option<String>,
    pub queue: Vec<Queued>,
    /// How old the newest of each sort is, in seconds; none where there is none.
    pub ages: Ages,
    /// Newest first.
    pub runs: Vec<RunStatus>,
}

/// One open request.
#[derive(Clone, Debug, Serialize)]
pub struct Queued {
    pub request: i64,
    pub device: String,
    #[serde(flatten)]
    pub scope: Scope,
    pub reason: &'static str,
    pub why: String,
    pub asked: DateTime<Utc>,
}

/// Never negative: a time that lies ahead of the clock counts as now.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Ages {
    pub last_complete_scan: Option<u64>,
    /// Of the device that waits longest for its next complete scan.
    pub oldest_snapshot: Option<u64>,
    pub last_finished_nightly: Option<u64>,
    pub oldest_request: Option<u64>,
    pub inventory: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Standings {
    pub confirmed_in_step: usize,
    pub confirmed_drifted: usize,
    pub believed: usize,
    pub unknown: usize,
}

impl Standings {
    fn of<'a>(standings: impl Iterator<Item = &'a Standing>) -> Self {
        let mut counts = Self::default();
        for standing in standings {
            match standing {
                Standing::Confirmed { in_step: true } => counts.confirmed_in_step += 1,
                Standing::Confirmed { in_step: false } => counts.confirmed_drifted += 1,
                Standing::Believed { .. } => counts.believed += 1,
                Standing::Unknown { .. } => counts.unknown += 1,
            }
        }
        counts
    }
}

/// One run, as `status` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct RunStatus {
    pub id: RunId,
    pub kind: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// `complete`, `partial`, `failed`, `running` or `abandoned`.
    pub outcome: String,
    pub summary: Option<Summary>,
}

pub fn status(env: &Env, runs: u32) -> Result<Status, JobError> {
    let holder = BatchLock::holder(&env.dir);
    let known = known(env)?;
    let standings = known.standings();
    let store = env.store()?;
    let rows = store.runs(runs)?;
    let mut nightly = store.runs(1_000)?.into_iter().filter(|run| run.kind == RunKind::Nightly);
    let last_nightly = nightly.find_map(|run| run.finished);
    let open = store.requests()?;
    let newest_device = store.devices()?.into_iter().map(|device| device.since).max();
    drop(store);
    let age =
        |at: Option<DateTime<Utc>>| at.map(|at| u64::try_from((known.as_of - at).num_seconds()).unwrap_or(0));
    let read = || known.devices.keys().filter_map(|id| known.states.get(id)?.last_complete);
    let name = |id: DeviceId| known.devices.get(&id).map_or_else(String::new, |d| d.name.to_string());
    Ok(Status {
        serve: ServeLock::holder(&env.dir).map(|held| held.to_string()),
        ages: Ages {
            last_complete_scan: age(read().max()),
            oldest_snapshot: age(read().min()),
            last_finished_nightly: age(last_nightly),
            oldest_request: age(open.first().map(|request| request.asked)),
            inventory: age(newest_device),
        },
        queue: open
            .into_iter()
            .map(|request| Queued {
                request: request.id,
                device: name(request.device),
                reason: request.reason.as_str(),
                scope: request.scope,
                why: request.why,
                asked: request.asked,
            })
            .collect(),
        devices: known.devices.len(),
        standing: Standings::of(standings.values()),
        open_drifts: known.drifts.len(),
        unmanaged: known.compared.values().map(|c| c.unmanaged).sum(),
        runs: rows.iter().map(|run| run_status(run, holder.is_some())).collect(),
        at_work: holder.map(|held| held.to_string()),
    })
}

pub(super) fn run_status(run: &RunRow, batch_at_work: bool) -> RunStatus {
    let outcome = match &run.outcome {
        Some(outcome) => outcome.clone(),
        // A nightly run holds the batch lock as long as its process lives.
        None if run.kind == RunKind::Nightly && batch_at_work => "running".to_owned(),
        None if run.kind != RunKind::Nightly && process_lives(run.pid) => "running".to_owned(),
        None => "abandoned".to_owned(),
    };
    RunStatus {
        id: run.id,
        kind: run.kind.as_str().to_owned(),
        started_at: run.started,
        finished_at: run.finished,
        outcome,
        summary: run.summary.clone().and_then(|value| serde_json::from_value(value).ok()),
    }
}

fn process_lives(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}
