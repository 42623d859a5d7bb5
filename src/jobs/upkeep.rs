//! What the store holds of a night's surroundings → the report's section on
//! upkeep and on the questions that come up every month. Bounded by the run,
//! as everything that a stored night shows.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, Utc};

use super::known::Known;
use super::scan::Summary;
use super::{Env, JobError};
use crate::analysis::answers;
use crate::analysis::calibration::wilson;
use crate::model::device::DeviceId;
use crate::model::{Cause, Change, DriftId, DriftStep, Step};
use crate::report::view::upkeep::{
    CauseShare, CostAnswer, DelayAnswer, HandAnswer, NightSessions, PlatformLines, PolicyWork, ScheduleState,
    Upkeep, WeakDevice,
};
use crate::report::view::{Estimate, days_between};
use crate::store::{RunRow, ScanCost, ScheduleEvent, ScheduleStep, Store};

/// Days that causes, changes and schedules are looked at.
const SEASON: u64 = 90;
/// Days that costs are looked at, and nights that budgets are.
const MONTH: u64 = 30;

/// What is needed of one night.
pub(super) struct Night<'a> {
    pub env: &'a Env,
    pub store: &'a Store,
    pub known: &'a Known,
    pub row: &'a RunRow,
    /// Nightly runs up to this one, newest first.
    pub runs: &'a [RunRow],
    pub steps: &'a [(DeviceId, DriftStep)],
    pub changes: &'a [(DeviceId, Change)],
}

impl Night<'_> {
    pub(super) fn upkeep(&self) -> Result<Upkeep, JobError> {
        let as_of = self.known.as_of;
        let first = self.runs.last().map_or(self.row.started, |run| run.started);
        let since = |days| (as_of - Days::new(days)).max(first);
        let season = since(SEASON);
        let lately: Vec<(DeviceId, Change)> =
            self.changes.iter().filter(|(_, c)| c.until >= season).cloned().collect();
        let cost = self.store.scan_cost(since(MONTH), Some(self.row.id))?;
        let nights = self.nights();
        Ok(Upkeep {
            sync: summary_of(self.row).and_then(|s| s.sync).map(|work| PolicyWork {
                plan: work.plan,
                added: work.added,
                updated: work.updated,
                removed: work.removed,
                skipped: work.skipped,
                held: work.held,
                stopped: work.stopped,
            }),
            schedules: schedules(&self.store.decisions(None)?, as_of),
            weak: self
                .store
                .weak_algorithms(Some(self.row.id))?
                .into_iter()
                .filter_map(|(id, algorithms)| {
                    Some(WeakDevice { device: self.known.devices.get(&id)?.name.clone(), algorithms })
                })
                .collect(),
            debt: super::refused::debt(self.store, self.row.id, as_of)?,
            refused: super::refused::refused(self.store, self.row.id, season, as_of)?,
            causes: self.causes(as_of - Days::new(SEASON)),
            unread_by_platform: self.unread_by_platform(),
            ignore_rules: super::ignored::as_of(self.env, self.store, Some(self.row.id))?,
            by_hand: answers::by_hand(&lately, &self.env.accounts, season, as_of)
                .map(|found| HandAnswer { days: days_between(season, as_of), found }),
            delay: answers::delay(&lately, &self.env.accounts).map(|found| DelayAnswer {
                days: days_between(season, as_of),
                found,
                sessions_per_night: nights.iter().map(|n| n.sessions as f64).sum::<f64>()
                    / nights.len().max(1) as f64,
                fleet: self.known.devices.len() as u64,
                scan_seconds: cost.took_ms.map(|[_, median, _]| median / 1e3),
            }),
            cost: cost_answer(&cost, days_between(since(MONTH), as_of), nights.len() as u64),
            nights,
        })
    }

    fn nights(&self) -> Vec<NightSessions> {
        let month = self.known.as_of - Days::new(MONTH);
        let mut nights: Vec<NightSessions> = self
            .runs
            .iter()
            .filter(|run| run.started >= month)
            .take(MONTH as usize)
            .map(|run| NightSessions {
                started: run.started,
                sessions: summary_of(run).map_or(0, |s| s.sessions as u64),
                budget: run.budget.and_then(|b| u64::try_from(b).ok()),
            })
            .collect();
        nights.reverse();
        nights
    }

    /// By what was last said of each drift: the log may name a person later.
    fn causes(&self, since: DateTime<Utc>) -> Vec<CauseShare> {
        let mut opened: HashMap<&DriftId, Cause> = HashMap::new();
        for (_, step) in self.steps.iter().filter(|(_, step)| step.when >= since) {
            match step.step {
                Step::Opened | Step::Returned => {
                    opened.insert(&step.id, step.cause);
                }
                Step::Updated => {
                    opened.entry(&step.id).and_modify(|cause| *cause = step.cause);
                }
                Step::Resolved => {}
            }
        }
        let mut by_cause: BTreeMap<&'static str, (Cause, u64, u64)> = BTreeMap::new();
        for cause in opened.values() {
            by_cause.entry(cause.as_str()).or_insert((*cause, 0, 0)).1 += 1;
        }
        for drift in &self.known.drifts {
            by_cause.entry(drift.cause.as_str()).or_insert((drift.cause, 0, 0)).2 += 1;
        }
        let all = opened.len() as f64;
        let mut causes: Vec<CauseShare> = by_cause
            .into_values()
            .map(|(cause, opened, open)| {
                let (low, high) = if all > 0.0 { wilson(opened as f64, all) } else { (0.0, 1.0) };
                CauseShare {
                    cause,
                    opened,
                    share: Estimate { mid: opened as f64 / all.max(1.0), low, high },
                    open,
                }
            })
            .collect();
        causes.sort_by_key(|cause| std::cmp::Reverse((cause.opened, cause.open)));
        causes
    }

    fn unread_by_platform(&self) -> Vec<PlatformLines> {
        let mut by_platform: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (id, state) in &self.known.states {
            let lines = state.lines.map_or(0, |l| l.unread);
            if let Some(device) = self.known.devices.get(id).filter(|_| lines > 0) {
                let sum = by_platform.entry(&device.platform).or_default();
                *sum = (sum.0 + 1, sum.1 + lines);
            }
        }
        let mut rows: Vec<PlatformLines> = by_platform
            .into_iter()
            .map(|(platform, (devices, lines))| PlatformLines {
                platform: platform.to_owned(),
                devices,
                lines,
            })
            .collect();
        rows.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| a.platform.cmp(&b.platform)));
        rows
    }
}

fn summary_of(run: &RunRow) -> Option<Summary> {
    run.summary.clone().and_then(|value| serde_json::from_value(value).ok())
}

fn cost_answer(cost: &ScanCost, days: f64, nights: u64) -> Option<CostAnswer> {
    let [low, median, high] = cost.took_ms?;
    let complete = cost.complete as f64;
    let (least, most) = wilson(cost.changed as f64, complete);
    Some(CostAnswer {
        days,
        nights,
        sessions: cost.sessions,
        complete: cost.complete,
        changed: cost.changed,
        found: Estimate { mid: cost.changed as f64 / complete, low: least, high: most },
        seconds: Estimate { mid: median / 1e3, low: low / 1e3, high: high / 1e3 },
        all_seconds: cost.all_ms / 1e3,
    })
}

/// Where each schedule stood at a moment; its decisions come oldest first.
fn schedules(decisions: &[ScheduleEvent], as_of: DateTime<Utc>) -> Vec<ScheduleState> {
    let season = as_of - Days::new(SEASON);
    let mut states: BTreeMap<&str, ScheduleState> = BTreeMap::new();
    for event in decisions.iter().filter(|event| event.happened <= as_of) {
        let what = match event.what {
            ScheduleStep::Armed => "waits for its first time",
            ScheduleStep::Started => "runs",
            ScheduleStep::Finished => "ran",
            ScheduleStep::Skipped => "left out",
            ScheduleStep::Abandoned => "cut off",
            ScheduleStep::Postponed => "could not begin",
        };
        let state = states.entry(&event.schedule).or_insert_with(|| ScheduleState {
            name: event.schedule.clone(),
            job: event.job.clone(),
            slot: event.slot,
            what: String::new(),
            outcome: None,
            left_out: 0,
        });
        (state.slot, state.what) = (event.slot, what.to_owned());
        state.job.clone_from(&event.job);
        if event.what == ScheduleStep::Finished {
            state.outcome.clone_from(&event.outcome);
        }
        if event.what == ScheduleStep::Skipped && event.happened >= season {
            state.left_out += u64::from(event.missed);
        }
    }
    states.into_values().collect()
}
