//! The agenda of `serve`: where each schedule stands, and every decision
//! written down before it is carried out and after it has ended.
//!
//! That order is what survives a kill at any moment. A job that was begun and
//! has no end in the store was cut off, unless its run says that it was over.
//! Everything here blocks shortly and is called from one task.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::due::{Due, Standing, clock_is_set, due};
use super::fires::{jitter, next_fire};
use crate::config::{Job, Schedule};
use crate::jobs::{self, Env, JobError, Occasion};
use crate::model::RunId;
use crate::store::{BatchLock, ScheduleEvent, ScheduleStep, ServeLock, Store};

/// Jobs of one lane never run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Whatever takes the batch lock.
    Batch,
    Report,
}

impl Lane {
    pub fn of(job: Job) -> Self {
        match job {
            Job::Nightly | Job::FullScan | Job::Prune => Self::Batch,
            Job::Report => Self::Report,
        }
    }
}

/// A job that is to begin now. Its beginning is already written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub job: Job,
    pub occasion: Occasion,
    pub attempt: u32,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It took place; `outcome` is `complete`, `partial` or `failed`.
    Finished { outcome: String, run: Option<RunId>, why: Option<String> },
    /// It could not begin, because another run holds the lock: it stays due.
    Postponed { why: String },
}

/// Where all schedules stand.
pub struct Agenda {
    standings: BTreeMap<String, Standing>,
    /// Jobs at work in this process: schedule and the slot decided before it.
    at_work: BTreeMap<String, (Job, Option<DateTime<Utc>>)>,
    /// Whom a schedule waits for, so that it is said once.
    waiting: BTreeSet<String>,
    installation: String,
    clock_told: bool,
}

impl Agenda {
    /// As the store left it. What was begun by a process that died is looked
    /// up: a run that was over is written down as finished.
    ///
    /// `installation`: any text that differs between machines.
    pub fn load(store: &Store, installation: String, now: DateTime<Utc>) -> Result<Self, JobError> {
        let mut standings = standings(&store.newest_decisions()?);
        for event in store.newest_decisions()?.iter().filter(|event| event.what == ScheduleStep::Started) {
            let Some(standing) = standings.get_mut(&event.schedule) else { continue };
            if standing.open.is_none() {
                continue;
            }
            let occasion = Occasion { schedule: event.schedule.clone(), slot: event.slot };
            if let Some((run, outcome)) = jobs::run_of(store, &occasion)? {
                standing.open = None;
                store.decide(&ScheduleEvent {
                    what: ScheduleStep::Finished,
                    run: Some(run),
                    outcome: Some(outcome),
                    why: Some("the program ended before it could note this".to_owned()),
                    happened: now,
                    ..event.clone()
                })?;
            } else {
                let (name, slot) = (&event.schedule, event.slot);
                tracing::warn!(schedule.name = %name, "{name} for {slot} was cut off");
            }
        }
        Ok(Self {
            standings,
            at_work: BTreeMap::new(),
            waiting: BTreeSet::new(),
            installation,
            clock_told: false,
        })
    }

    /// Decides all that is due at `now`, writes it down, and says what is to
    /// begin. A lane that is occupied keeps its schedules due, and so does a
    /// store that cannot be written: it is said, and the next tick tries again.
    pub fn step(&mut self, env: &Env, schedules: &[Schedule], now: DateTime<Utc>) -> Vec<Start> {
        if !clock_is_set(now) {
            if !std::mem::replace(&mut self.clock_told, true) {
                tracing::warn!("the clock says {now}, which cannot be: no schedule fires until it is set");
            }
            return Vec::new();
        }
        self.clock_told = false;
        let mut starts = Vec::new();
        let mut dues: Vec<(&Schedule, Due)> =
            schedules.iter().filter_map(|s| Some((s, self.due(s, now)?))).collect();
        // Who was meant first comes first.
        dues.sort_by_key(|(schedule, due)| match due {
            Due::Run { slot, .. } => (*slot, schedule.name.as_str()),
            _ => (DateTime::<Utc>::MIN_UTC, schedule.name.as_str()),
        });
        for (schedule, due) in dues {
            match self.decide(env, schedule, due, now) {
                Ok(start) => starts.extend(start),
                Err(error) => {
                    let name = &schedule.name;
                    tracing::error!(schedule.name = %name, "failed to write down a decision about {name}: {error}");
                }
            }
        }
        starts
    }

    /// Decides about one schedule until nothing more is due.
    fn decide(
        &mut self,
        env: &Env,
        schedule: &Schedule,
        mut due: Due,
        now: DateTime<Utc>,
    ) -> Result<Option<Start>, JobError> {
        loop {
            if let Due::Run { slot, attempt, .. } = due {
                if !self.lane_is_free(env, schedule, slot) {
                    return Ok(None);
                }
                self.begin(env, schedule, &due, now)?;
                let occasion = Occasion { schedule: schedule.name.clone(), slot };
                return Ok(Some(Start { job: schedule.job, occasion, attempt }));
            }
            self.settle(env, schedule, &due, now)?;
            match self.due(schedule, now) {
                Some(next) => due = next,
                None => return Ok(None),
            }
        }
    }

    fn due(&self, schedule: &Schedule, now: DateTime<Utc>) -> Option<Due> {
        if self.at_work.contains_key(&schedule.name) {
            return None;
        }
        let standing = self.standings.get(&schedule.name).cloned().unwrap_or_default();
        due(schedule, &standing, &self.installation, now)
    }

    fn lane_is_free(&mut self, env: &Env, schedule: &Schedule, slot: DateTime<Utc>) -> bool {
        let lane = Lane::of(schedule.job);
        let own =
            self.at_work.iter().find(|(_, (job, _))| Lane::of(*job) == lane).map(|(name, _)| name.clone());
        let foreign = || BatchLock::holder(&env.dir).filter(|_| lane == Lane::Batch).map(|h| h.to_string());
        let Some(who) = own.or_else(foreign) else {
            self.waiting.remove(&schedule.name);
            return true;
        };
        if self.waiting.insert(schedule.name.clone()) {
            let name = &schedule.name;
            tracing::warn!(schedule.name = %name, "{name} for {slot} waits: {who} is at work");
        }
        false
    }

    /// Writes down that a job begins. If that fails, it did not begin.
    fn begin(
        &mut self,
        env: &Env,
        schedule: &Schedule,
        due: &Due,
        now: DateTime<Utc>,
    ) -> Result<(), JobError> {
        let Due::Run { slot, attempt, missed, late } = *due else { return Ok(()) };
        let name = &schedule.name;
        let mut why = Vec::new();
        if attempt > 1 {
            why.push("makes up for a run that was cut off".to_owned());
        }
        if missed > 0 {
            why.push(format!("makes up for {missed} more that were missed"));
        }
        if late > Duration::minutes(1) {
            why.push(format!("{} min late", late.num_minutes()));
        }
        let why = (!why.is_empty()).then(|| why.join("; "));
        if let Some(why) = &why {
            tracing::warn!(schedule.name = %name, late_s = late.num_seconds(), "{name} for {slot} starts: {why}");
        } else {
            tracing::info!(schedule.name = %name, "{name} for {slot} starts");
        }
        let before = self.standings.get(name).and_then(|standing| standing.mark);
        let event =
            ScheduleEvent { attempt, missed, why, ..blank(schedule, ScheduleStep::Started, slot, now) };
        env.store()?.decide(&event)?;
        self.standings.insert(name.clone(), Standing { mark: Some(slot), open: Some((slot, attempt)) });
        self.at_work.insert(name.clone(), (schedule.job, before));
        Ok(())
    }

    /// Writes down a decision that runs nothing.
    fn settle(
        &mut self,
        env: &Env,
        schedule: &Schedule,
        due: &Due,
        now: DateTime<Utc>,
    ) -> Result<(), JobError> {
        let name = &schedule.name;
        let standing = self.standings.get(name).cloned().unwrap_or_default();
        let (event, after) = match *due {
            Due::Run { .. } => return Ok(()),
            Due::Arm { from } => {
                if let Some(mark) = standing.mark {
                    tracing::warn!(schedule.name = %name, "the clock went back from {mark} to {now}; {name} counts from now");
                }
                (blank(schedule, ScheduleStep::Armed, from, now), Standing { mark: Some(from), open: None })
            }
            Due::Skip { slot, missed } => {
                tracing::warn!(schedule.name = %name, missed, "{name} was missed {missed} times up to {slot} and is left out");
                let event = ScheduleEvent { missed, ..blank(schedule, ScheduleStep::Skipped, slot, now) };
                (event, Standing { mark: Some(slot), open: None })
            }
            Due::Abandon { slot } => {
                tracing::warn!(schedule.name = %name, "{name} for {slot} was cut off and is not repeated");
                (blank(schedule, ScheduleStep::Abandoned, slot, now), Standing { open: None, ..standing })
            }
        };
        env.store()?.decide(&event)?;
        self.standings.insert(name.clone(), after);
        Ok(())
    }

    /// Writes down how a job ended. If even that fails, the end is found in the
    /// run's own row at the next start.
    pub fn ended(
        &mut self,
        env: &Env,
        start: &Start,
        ended: &Ended,
        now: DateTime<Utc>,
    ) -> Result<(), JobError> {
        let Occasion { schedule, slot } = &start.occasion;
        let before = self.at_work.remove(schedule).and_then(|(_, before)| before);
        let standing = self.standings.entry(schedule.clone()).or_default();
        standing.open = None;
        let event = ScheduleEvent {
            schedule: schedule.clone(),
            job: start.job.as_str().to_owned(),
            what: ScheduleStep::Finished,
            slot: *slot,
            attempt: start.attempt,
            missed: 0,
            run: None,
            outcome: None,
            why: None,
            pid: 0,
            happened: now,
        };
        let event = match ended {
            Ended::Finished { outcome, run, why } => {
                ScheduleEvent { outcome: Some(outcome.clone()), run: *run, why: why.clone(), ..event }
            }
            Ended::Postponed { why } => {
                let before = before.unwrap_or(*slot);
                standing.mark = Some(before);
                ScheduleEvent { what: ScheduleStep::Postponed, slot: before, why: Some(why.clone()), ..event }
            }
        };
        let outcome = event.outcome.as_deref().unwrap_or("postponed");
        tracing::info!(schedule.name = %schedule, "{schedule} for {slot} ended: {outcome}");
        Ok(env.store()?.decide(&event)?)
    }
}

fn blank(schedule: &Schedule, what: ScheduleStep, slot: DateTime<Utc>, now: DateTime<Utc>) -> ScheduleEvent {
    ScheduleEvent {
        schedule: schedule.name.clone(),
        job: schedule.job.as_str().to_owned(),
        what,
        slot,
        attempt: 1,
        missed: 0,
        run: None,
        outcome: None,
        why: None,
        pid: 0,
        happened: now,
    }
}

/// Where each schedule stands after `events`, which are in their order.
fn standings(events: &[ScheduleEvent]) -> BTreeMap<String, Standing> {
    let mut standings: BTreeMap<String, Standing> = BTreeMap::new();
    for event in events {
        let standing = standings.entry(event.schedule.clone()).or_default();
        match event.what {
            ScheduleStep::Armed | ScheduleStep::Skipped | ScheduleStep::Postponed => {
                *standing = Standing { mark: Some(event.slot), open: None };
            }
            ScheduleStep::Started => {
                *standing = Standing { mark: Some(event.slot), open: Some((event.slot, event.attempt)) };
            }
            ScheduleStep::Finished | ScheduleStep::Abandoned => standing.open = None,
        }
    }
    standings
}

/// One schedule, as `status` shows it: from any process, whether or not `serve` runs.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleStatus {
    pub schedule: String,
    pub job: Job,
    /// `idle`, `running`, `cut-off` (begun and never ended), `waiting` (due, and not begun) or `never-fires`.
    pub state: &'static str,
    /// For which fire it runs, and since when.
    pub running_since: Option<DateTime<Utc>>,
    /// When it will start next, jitter included. `None`: it never will.
    pub next: Option<DateTime<Utc>>,
    pub last: Option<ScheduleEvent>,
    pub cron: String,
    pub zone: &'static str,
}

/// Where every configured schedule stands. Writes nothing.
pub fn at_a_glance(env: &Env, installation: &str) -> Result<Vec<ScheduleStatus>, JobError> {
    let serving = ServeLock::holder(&env.dir).is_some();
    let events = env.store()?.newest_decisions()?;
    let standings = standings(&events);
    let now = env.clock.now();
    let status = |schedule: &Schedule| {
        let standing = standings.get(&schedule.name).cloned().unwrap_or_default();
        let late = jitter(schedule, installation);
        let of = |what| events.iter().rev().find(|e| e.schedule == schedule.name && e.what == what);
        let next = next_fire(schedule, standing.mark.unwrap_or(now).max(now - late)).map(|slot| slot + late);
        let passed =
            standing.mark.and_then(|mark| next_fire(schedule, mark)).is_some_and(|s| s + late <= now);
        ScheduleStatus {
            schedule: schedule.name.clone(),
            job: schedule.job,
            state: match (standing.open, serving) {
                (Some(_), true) => "running",
                (Some(_), false) => "cut-off",
                _ if passed => "waiting",
                _ if next.is_none() => "never-fires",
                _ => "idle",
            },
            running_since: standing
                .open
                .filter(|_| serving)
                .and(of(ScheduleStep::Started))
                .map(|event| event.happened),
            next,
            last: of(ScheduleStep::Finished).cloned(),
            cron: schedule.cron.to_string(),
            zone: schedule.zone.name(),
        }
    };
    Ok(env.settings.schedule.iter().map(status).collect())
}
