//! What the store holds of one night → the value that the report shows. A
//! stored night gives the same value years later: everything is bounded by
//! the last sequence number of that run, and ages count from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::known::{Known, failing, honesty_of, run_status};
use super::scan::Summary;
use super::{Env, JobError, upkeep};
use crate::analysis::standing::Standing;
use crate::analysis::{advise, summary};
use crate::model::device::DeviceId;
use crate::model::{Change, DriftClass, DriftId, DriftStep, FactKey, RunId, RunKind, Scope, Step};
use crate::report::view::{
    self, Calendar, CalendarRow, DeviceView, DriftDay, Estimate, FactView, Fleet, FreshNight, Movement,
    Night, OpenDrift, PastScan, Reliability, ReliabilityBin, RunOutcome, RunView, ScanOfRun, Share, Unknown,
    Unread,
};
use crate::store::{RunRow, Store};

/// Nights that charts look back.
const NIGHTS: u64 = 90;
/// Of a device, scans and changes on its page.
const PAGE_ROWS: usize = 60;
/// In a fleet up to this size every device has a page; in a larger one those with news.
const ALL_PAGES: usize = 100;
/// A change this recent is news.
const NEWS_DAYS: u64 = 30;

/// Everything that the report of `run` shows. Without a run: of the newest
/// finished nightly run. `device` gets a page whether or not it has news.
pub(super) fn night(
    env: &Env,
    run: Option<RunId>,
    device: Option<&str>,
) -> Result<(RunRow, Night), JobError> {
    let store = env.store()?;
    let row = match run {
        Some(id) => store.run(id)?.ok_or(JobError::NoRun(id))?,
        None => store
            .runs(u32::MAX)?
            .into_iter()
            .find(|r| r.kind == RunKind::Nightly && r.finished.is_some())
            .ok_or(JobError::NoRuns)?,
    };
    let as_of = row.finished.unwrap_or(row.started);
    let known = Known::load(env, &store, Some(row.id), as_of)?;
    if let Some(name) = device
        && !known.devices.values().any(|d| d.name.as_str() == name)
    {
        return Err(JobError::NoDevice(name.to_owned()));
    }
    let night = Stored { env, store: &store, known: &known, row: &row }.night(device)?;
    Ok((row, night))
}

struct Stored<'a> {
    env: &'a Env,
    store: &'a Store,
    known: &'a Known,
    row: &'a RunRow,
}

impl Stored<'_> {
    fn night(&self, device: Option<&str>) -> Result<Night, JobError> {
        let known = self.known;
        let standings = known.standings();
        let status = run_status(self.row, false);
        let runs: Vec<RunRow> = self
            .store
            .runs(u32::MAX)?
            .into_iter()
            .filter(|r| r.kind == RunKind::Nightly && r.id <= self.row.id)
            .collect();
        let steps = self.store.drift_events(DateTime::UNIX_EPOCH, Some(self.row.id))?;
        let mut changes = self.store.changes(None, DateTime::UNIX_EPOCH, Some(self.row.id))?;
        // Newest first, here and below.
        changes.reverse();
        let first_night = runs.last().map_or(self.row.started, |r| r.started).date_naive();
        let summary: Summary = status.summary.clone().unwrap_or_default();
        let unknown = standings.values().filter(|s| matches!(s, Standing::Unknown { .. })).count();
        let verdict = self.verdict(&standings, &status.outcome);
        let (drifts, who) = (&known.drifts, who_changed(&changes));
        let worth = super::worth::worth(known, self.row.budget, summary.sessions);

        Ok(Night {
            verdict,
            verdict_reason: reason(verdict, &status.outcome, unknown, known.devices.len()),
            fleet: self.fleet(&standings),
            agreement: share(
                known.compared.iter().filter(|(id, _)| known.devices.contains_key(id)).map(|(_, c)| *c),
            ),
            unseen: Some(summary::unseen(&known.rankings, known.as_of)),
            next_week: Some(known.next_week),
            movement: self.movement(&runs, &steps),
            decisions: Vec::new(),
            recommendations: known.recommendations(),
            drifts: ordered(drifts)
                .into_iter()
                .map(|drift| OpenDrift {
                    who: who.get(&(drift.device_id, drift.key.clone())).cloned(),
                    recommendation: Some(advise::for_drift(drift)),
                    ..OpenDrift::of(drift, known.as_of)
                })
                .collect(),
            last_resolved: steps.iter().filter(|(_, s)| s.step == Step::Resolved).map(|(_, s)| s.when).max(),
            drift_by_day: drift_by_day(&runs, &steps, known.as_of),
            ranking: known.rankings.clone(),
            calendar: self.calendar(first_night, &changes)?,
            freshness: self.freshness(&runs)?,
            freshness_target: Some(self.env.settings.report.freshness_target).filter(|target| *target > 0.0),
            reliability: self.reliability(summary.forecast_ignored)?,
            budget_curve: worth.curve,
            resolve_times: resolve_times(&steps, drifts),
            unknowns: self.unknowns(),
            never_read: known
                .devices
                .iter()
                .filter(|(id, _)| known.states.get(id).is_none_or(|s| s.last_complete.is_none()))
                .map(|(_, device)| device.name.clone())
                .collect(),
            unread: self.unread()?,
            scans: self.scans()?,
            upkeep: upkeep::Night {
                env: self.env,
                store: self.store,
                known,
                row: self.row,
                runs: &runs,
                steps: &steps,
                changes: &changes,
            }
            .upkeep()?,
            devices: self.devices(device, &changes, &standings, &worth.intervals)?,
            run: RunView {
                id: self.row.id,
                kind: self.row.kind,
                started: self.row.started,
                finished: self.row.finished,
                outcome: match status.outcome.as_str() {
                    "complete" => RunOutcome::Complete,
                    "partial" => RunOutcome::Partial,
                    "failed" => RunOutcome::Failed,
                    _ => RunOutcome::Abandoned,
                },
                as_of: known.as_of,
                valid_until: valid_until(&runs, self.row, known.as_of),
                sessions: summary.sessions as u64,
                budget: self.row.budget.and_then(|b| u64::try_from(b).ok()),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        })
    }

    fn verdict(&self, standings: &HashMap<DeviceId, Standing>, outcome: &str) -> view::Verdict {
        let mut open: HashMap<DeviceId, u64> = HashMap::new();
        for drift in &self.known.drifts {
            *open.entry(drift.device_id).or_default() += 1;
        }
        let judged: Vec<summary::Judged> = self
            .known
            .devices
            .iter()
            .map(|(id, device)| summary::Judged {
                importance: device.importance,
                standing: standings[id].clone(),
                open_drifts: open.get(id).copied().unwrap_or(0),
            })
            .collect();
        summary::verdict(&judged, matches!(outcome, "failed" | "abandoned"))
    }

    fn fleet(&self, standings: &HashMap<DeviceId, Standing>) -> Fleet {
        let drifted: BTreeSet<DeviceId> = self.known.drifts.iter().map(|d| d.device_id).collect();
        let mut fleet = Fleet::default();
        for (id, standing) in standings {
            match (standing, drifted.contains(id)) {
                (Standing::Confirmed { .. }, false) => fleet.confirmed_in_step += 1,
                (Standing::Confirmed { .. }, true) => fleet.confirmed_with_drift += 1,
                (Standing::Believed { .. }, false) => fleet.believed_in_step += 1,
                (Standing::Believed { .. }, true) => fleet.believed_with_drift += 1,
                (Standing::Unknown { .. }, _) => fleet.unknown += 1,
            }
        }
        fleet.unmanaged_facts = self
            .known
            .compared
            .iter()
            .filter(|(id, _)| self.known.devices.contains_key(id))
            .map(|(_, c)| c.unmanaged)
            .sum();
        fleet
    }

    /// Since the nightly run before this one.
    fn movement(&self, runs: &[RunRow], steps: &[(DeviceId, DriftStep)]) -> Option<Movement> {
        let before = runs.iter().find(|r| r.id < self.row.id)?;
        let new: Vec<&DriftStep> = steps.iter().map(|(_, s)| s).filter(|s| s.when > before.started).collect();
        let moved = summary::movement(new);
        let month_ago = self.known.as_of - Days::new(30);
        let oldest = runs.last().map(|r| r.started)?;
        Some(Movement {
            since: before.started,
            new: moved.new,
            resolved: moved.resolved,
            returned: moved.returned,
            open_30_days_ago: (oldest <= month_ago).then(|| open_at(steps, month_ago)),
        })
    }

    fn calendar(&self, first: NaiveDate, changes: &[(DeviceId, Change)]) -> Result<Calendar, JobError> {
        let to = self.known.as_of.date_naive();
        let mut nights = last_nights(to);
        // Before the first run nobody was there to read.
        nights.retain(|night| *night >= first);
        let index: HashMap<NaiveDate, usize> = nights.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut rows: HashMap<DeviceId, Vec<Option<u32>>> = HashMap::new();
        let mut scans = 0;
        for (device, night) in
            self.store.scan_nights(nights[0].and_time(chrono::NaiveTime::MIN).and_utc(), Some(self.row.id))?
        {
            scans += 1;
            if let Some(&i) = index.get(&night) {
                rows.entry(device).or_insert_with(|| vec![None; nights.len()])[i].get_or_insert(0);
            }
        }
        for (device, change) in changes {
            if let (Some(&i), Some(cells)) = (index.get(&change.until.date_naive()), rows.get_mut(device)) {
                *cells[i].get_or_insert(0) += 1;
            }
        }
        let mut named: Vec<CalendarRow> = rows
            .into_iter()
            .filter(|(_, cells)| cells.iter().flatten().any(|n| *n > 0))
            .filter_map(|(id, cells)| {
                Some(CalendarRow { device: self.known.devices.get(&id)?.name.clone(), cells })
            })
            .collect();
        named.sort_by(|a, b| a.device.cmp(&b.device));
        Ok(Calendar { nights, rows: named, scans })
    }

    /// What the forecasts of each night said of the snapshots it began with, and ended with.
    fn freshness(&self, runs: &[RunRow]) -> Result<Vec<FreshNight>, JobError> {
        let by_run: HashMap<RunId, (Estimate, Estimate)> = self
            .store
            .forecast_sums(Some(self.row.id))?
            .into_iter()
            .filter(|sum| sum.devices > 0)
            .map(|sum| {
                let n = sum.devices as f64;
                let right = |expected: f64, variance: f64| {
                    let mid = 1.0 - expected / n;
                    // Devices that change independently of each other; campaigns widen it.
                    let half = 1.645 * variance.sqrt() / n;
                    Estimate { mid, low: (mid - half).max(0.0), high: (mid + half).min(1.0) }
                };
                let before = right(sum.expected, sum.variance);
                (sum.run, (before, right(sum.expected_left, sum.variance_left)))
            })
            .collect();
        let mut by_night: BTreeMap<NaiveDate, (Estimate, Estimate)> = BTreeMap::new();
        for run in runs {
            if let Some(estimate) = by_run.get(&run.id) {
                by_night.entry(run.started.date_naive()).or_insert(*estimate);
            }
        }
        let Some(first) = by_night.keys().next().copied() else { return Ok(Vec::new()) };
        Ok(last_nights(self.known.as_of.date_naive())
            .into_iter()
            .filter(|night| *night >= first)
            .map(|night| {
                let known = by_night.get(&night).copied();
                FreshNight {
                    night,
                    share: known.map(|(share, _)| share),
                    after: known.map(|(_, after)| after),
                }
            })
            .collect())
    }

    /// Of scans that chance chose: what the plan chose would flatter the forecasts.
    fn reliability(&self, forecast_ignored: bool) -> Result<Reliability, JobError> {
        let Some(judged) = honesty_of(self.store, Some(self.row.id), self.known.as_of)? else {
            return Ok(Reliability { forecast_ignored, ..Reliability::default() });
        };
        Ok(Reliability {
            checked: judged.observations,
            skill: judged.skill_fleet.map(|skill| skill.value),
            forecast_ignored,
            bins: judged
                .bins
                .iter()
                .map(|bin| ReliabilityBin {
                    said: bin.said,
                    n: bin.n,
                    happened: (bin.happened * bin.n as f64).round() as u64,
                    low: bin.low,
                    high: bin.high,
                })
                .collect(),
            honesty: Some(judged),
        })
    }

    fn unknowns(&self) -> Vec<Unknown> {
        let mut unknowns: Vec<Unknown> = self
            .known
            .devices
            .iter()
            .filter_map(|(id, device)| {
                let state = self.known.states.get(id)?;
                let outcome = failing(state)?;
                let (tried, _, detail) = &state.last_attempt;
                Some(Unknown {
                    device: device.name.clone(),
                    site: device.site.clone(),
                    outcome,
                    detail: detail.clone(),
                    since: state.failing_since.unwrap_or(*tried),
                    last_good_scan: state.last_complete,
                    advice: view::what_to_do(outcome).to_owned(),
                })
            })
            .collect();
        unknowns.sort_by(|a, b| (a.since, &a.device).cmp(&(b.since, &b.device)));
        unknowns
    }

    fn unread(&self) -> Result<Vec<Unread>, JobError> {
        let mut examples: HashMap<DeviceId, Vec<crate::model::UnreadLine>> = HashMap::new();
        for (device, line) in self.store.unread_of(self.row.id)? {
            examples.entry(device).or_default().push(line);
        }
        let mut rows: Vec<Unread> = self
            .known
            .states
            .iter()
            .filter_map(|(id, state)| {
                let lines = state.lines.map(|l| l.unread).filter(|n| *n > 0)?;
                Some(Unread {
                    device: self.known.devices.get(id)?.name.clone(),
                    lines,
                    examples: examples.remove(id).unwrap_or_default().into_iter().take(5).collect(),
                })
            })
            .collect();
        rows.sort_by(|a, b| b.lines.cmp(&a.lines).then(a.device.cmp(&b.device)));
        Ok(rows)
    }

    fn scans(&self) -> Result<Vec<ScanOfRun>, JobError> {
        let mut scans: Vec<ScanOfRun> = self
            .store
            .scans_of_run(self.row.id)?
            .into_iter()
            .filter_map(|seen| {
                let scan = seen.row;
                Some(ScanOfRun {
                    device: self.known.devices.get(&scan.device_id)?.name.clone(),
                    outcome: scan.outcome,
                    detail: scan.detail,
                    why: scan.reason.as_str().to_owned(),
                    changed: scan.outcome.is_complete().then_some(scan.changed),
                    took_ms: scan.took_ms,
                })
            })
            .collect();
        scans.sort_by(|a, b| a.device.cmp(&b.device));
        Ok(scans)
    }

    /// Pages for devices that have something to say tonight.
    fn devices(
        &self,
        asked: Option<&str>,
        changes: &[(DeviceId, Change)],
        standings: &HashMap<DeviceId, Standing>,
        intervals: &HashMap<DeviceId, f64>,
    ) -> Result<Vec<DeviceView>, JobError> {
        let known = self.known;
        let news = known.as_of - Days::new(NEWS_DAYS);
        let mut chosen: BTreeSet<DeviceId> = known.drifts.iter().map(|d| d.device_id).collect();
        chosen.extend(changes.iter().filter(|(_, c)| c.until >= news).map(|(id, _)| *id));
        chosen.extend(known.states.iter().filter(|(_, s)| failing(s).is_some()).map(|(id, _)| *id));
        chosen.extend(known.rankings.iter().take(20).map(|r| r.device_id));
        if known.devices.len() <= ALL_PAGES {
            chosen.extend(known.devices.keys());
        }
        chosen
            .extend(known.devices.iter().filter(|(_, d)| Some(d.name.as_str()) == asked).map(|(id, _)| *id));
        let chosen: Vec<DeviceId> = chosen.into_iter().filter(|id| known.devices.contains_key(id)).collect();
        // In bulk: a query a device would cost more than everything else together.
        let mut facts = self.store.facts_of(&chosen, Some(self.row.id))?;
        let mut attempts = self.store.attempts(&chosen, PAGE_ROWS as u32, Some(self.row.id))?;
        let mut changes_of: HashMap<DeviceId, Vec<&Change>> = HashMap::new();
        for (device, change) in changes {
            changes_of.entry(*device).or_default().push(change);
        }
        let mut views = Vec::with_capacity(chosen.len());
        for id in chosen {
            let Some(device) = known.devices.get(&id) else { continue };
            let state = known.states.get(&id);
            let own = changes_of.get(&id).map_or(&[][..], Vec::as_slice);
            let compared = known.compared.get(&id);
            views.push(DeviceView {
                name: device.name.clone(),
                platform: device.platform.clone(),
                role: device.role.clone(),
                site: device.site.clone(),
                standing: match &standings[&id] {
                    Standing::Confirmed { .. } => view::Standing::Confirmed,
                    Standing::Believed { p_change, .. } => view::Standing::Believed { p_change: *p_change },
                    Standing::Unknown { .. } => view::Standing::Unknown {
                        why: state.and_then(failing).map_or_else(
                            || "It was never read.".to_owned(),
                            |o| view::what_to_do(o).to_owned(),
                        ),
                    },
                },
                last_good_scan: state.and_then(|s| s.last_complete),
                agreement: compared.and_then(|c| share([*c])),
                unmanaged_facts: compared.map_or(0, |c| c.unmanaged),
                interval_days: intervals.get(&id).copied().filter(|days| days.is_finite()),
                lines: state.and_then(|s| s.lines).unwrap_or_default(),
                facts: facts.remove(&id).unwrap_or_default().iter().map(FactView::of).collect(),
                changes: own.iter().take(PAGE_ROWS).map(|change| (*change).clone()).collect(),
                scans: attempts
                    .remove(&id)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|scan| PastScan {
                        at: scan.started_at,
                        run: Some(scan.run),
                        scope: scope_text(&scan.scope),
                        outcome: scan.outcome,
                        detail: scan.detail,
                        changes: scan.outcome.is_complete().then(|| found_at(own, scan.started_at)),
                    })
                    .collect(),
            });
        }
        views.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(views)
    }
}

/// Changes of a device that its scan that started then was the first to see.
/// Scans are kept to the second.
fn found_at(changes: &[&Change], started: DateTime<Utc>) -> u64 {
    changes.iter().filter(|change| change.until.timestamp() == started.timestamp()).count() as u64
}

fn scope_text(scope: &Scope) -> String {
    match scope.name() {
        Some(name) => format!("{} {name}", scope.kind()),
        None => scope.kind().to_owned(),
    }
}

fn reason(verdict: view::Verdict, outcome: &str, unknown: usize, devices: usize) -> Option<String> {
    if verdict != view::Verdict::CannotSay {
        return None;
    }
    Some(match outcome {
        "failed" => "Tonight's run could read nothing.".to_owned(),
        "abandoned" => "Tonight's run broke off.".to_owned(),
        _ => format!("{unknown} of {devices} devices were never read, or not lately."),
    })
}

/// When the next report is due: the median time between the last nights after
/// this one, with two hours for the reading itself. A first night: a day.
fn valid_until(runs: &[RunRow], run: &RunRow, as_of: DateTime<Utc>) -> DateTime<Utc> {
    let mut gaps: Vec<TimeDelta> =
        runs.windows(2).take(14).map(|two| two[0].started - two[1].started).collect();
    gaps.sort();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(TimeDelta::days(1));
    let usual = usual.clamp(TimeDelta::hours(1), TimeDelta::days(31));
    (run.started + usual).max(as_of) + TimeDelta::hours(2)
}

fn share(compared: impl IntoIterator<Item = crate::store::Compared>) -> Option<Share> {
    let sum =
        compared.into_iter().fold((0, 0), |(agreed, covered), c| (agreed + c.agreed, covered + c.covered));
    (sum.1 > 0).then_some(Share { part: sum.0, whole: sum.1 })
}

/// Drifts in the order in which they are worth reading: those that came back,
/// then the newest, then by device and key.
fn ordered(drifts: &[crate::model::Drift]) -> Vec<&crate::model::Drift> {
    let mut ordered: Vec<_> = drifts.iter().collect();
    ordered.sort_by(|a, b| {
        b.recurrences
            .cmp(&a.recurrences)
            .then(b.first_seen.cmp(&a.first_seen))
            .then_with(|| (&a.device, &a.key).cmp(&(&b.device, &b.key)))
    });
    ordered
}

/// Who made the newest change of each thing, where a commit log said so.
fn who_changed(changes: &[(DeviceId, Change)]) -> HashMap<(DeviceId, FactKey), String> {
    let mut who = HashMap::new();
    // Newest first: the first one stays.
    for (device, change) in changes {
        if let Some(user) = &change.who {
            who.entry((*device, change.key.clone())).or_insert_with(|| user.clone());
        }
    }
    who
}

fn last_nights(to: NaiveDate) -> Vec<NaiveDate> {
    (0..NIGHTS).rev().filter_map(|ago| to.checked_sub_days(Days::new(ago))).collect()
}

/// Open drifts at a moment in the past, from their steps (oldest first).
fn open_at(steps: &[(DeviceId, DriftStep)], when: DateTime<Utc>) -> u64 {
    let mut open: BTreeSet<&DriftId> = BTreeSet::new();
    for (_, step) in steps.iter().filter(|(_, s)| s.when <= when) {
        if step.step == Step::Resolved {
            open.remove(&step.id);
        } else {
            open.insert(&step.id);
        }
    }
    open.len() as u64
}

fn drift_by_day(runs: &[RunRow], steps: &[(DeviceId, DriftStep)], as_of: DateTime<Utc>) -> Vec<DriftDay> {
    let ran: BTreeSet<NaiveDate> = runs.iter().map(|r| r.started.date_naive()).collect();
    let Some(first) = ran.first().copied() else { return Vec::new() };
    let mut open: HashMap<&DriftId, DriftClass> = HashMap::new();
    let mut steps = steps.iter().map(|(_, s)| s).peekable();
    let mut days = Vec::new();
    for night in last_nights(as_of.date_naive()) {
        let (mut new, mut resolved) = (0, 0);
        while let Some(step) = steps.next_if(|s| s.when.date_naive() <= night) {
            let tonight = step.when.date_naive() == night;
            match step.step {
                Step::Resolved => {
                    open.remove(&step.id);
                    resolved += u64::from(tonight);
                }
                Step::Updated => {
                    open.insert(&step.id, step.class);
                }
                Step::Opened | Step::Returned => {
                    open.insert(&step.id, step.class);
                    new += u64::from(tonight);
                }
            }
        }
        if night < first {
            continue;
        }
        let of = |class| open.values().filter(|c| **c == class).count() as u64;
        days.push(DriftDay {
            night,
            ran: ran.contains(&night),
            unrecorded: of(DriftClass::Unrecorded),
            missing: of(DriftClass::Missing),
            differs: of(DriftClass::Differs),
            new,
            resolved,
        });
    }
    days
}

fn resolve_times(steps: &[(DeviceId, DriftStep)], open: &[crate::model::Drift]) -> Vec<view::ResolveTime> {
    let mut since: HashMap<&DriftId, DateTime<Utc>> = HashMap::new();
    let mut took: BTreeMap<DriftClass, Vec<f64>> = BTreeMap::new();
    for (_, step) in steps {
        match step.step {
            Step::Opened | Step::Returned => {
                since.insert(&step.id, step.when);
            }
            Step::Resolved => {
                if let Some(start) = since.remove(&step.id) {
                    took.entry(step.class).or_default().push(view::days_between(start, step.when));
                }
            }
            Step::Updated => {}
        }
    }
    DriftClass::ALL
        .into_iter()
        .map(|class| {
            let mut days = took.remove(&class).unwrap_or_default();
            days.sort_by(f64::total_cmp);
            let quantile = |q: f64| {
                let index = ((days.len() as f64 * q).ceil() as usize).saturating_sub(1);
                days.get(index).copied()
            };
            view::ResolveTime {
                class,
                resolved: days.len() as u64,
                median_days: quantile(0.5),
                nine_in_ten_days: quantile(0.9),
                open: open.iter().filter(|d| d.class == class).count() as u64,
            }
        })
        .collect()
}
