//! After a run: what is so now, what each channel was told, and the tries to
//! tell the difference. Nothing here can fail or delay a run: it is stored and
//! its lock is free when this begins, and all that goes wrong is a warning.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::known::{failing, run_status};
use super::{Check, Env, JobError, Verdict, publish};
use crate::analysis::advise;
use crate::model::device::DeviceId;
use crate::model::{Device, Drift, DriftClass, RunId, RunKind};
use crate::notify::{self, Message, NotifyError, Now, Parcel, RunFacts, Sort, Told};
use crate::report::PastReport;
use crate::report::view::what_to_do;
use crate::store::{BatchLock, ChannelState, Delivery, LastState, RunRow, ScheduleStep, Store};

/// Runs that did not happen are told when they are not older than this.
const LATELY: TimeDelta = TimeDelta::days(7);

/// How one channel fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notified {
    /// `webhook/NAME`, `mail/NAME`, `syslog/NAME` or `textfile`.
    pub channel: String,
    /// How many items it was told.
    pub items: usize,
    /// What went wrong, and what to do about it.
    pub failure: Option<(String, String)>,
}

/// Tells every configured channel its news. `run`: the finished nightly run
/// that it is about; `None` if the news is that one did not happen. Channels
/// without news are not in the answer.
pub fn notify(env: &Env, run: Option<RunId>) -> Vec<Notified> {
    let settings = &env.settings.notify;
    let channels = notify::channels(settings);
    let wants_figures = run.is_some() && !settings.textfile.as_os_str().is_empty();
    if channels.is_empty() && !wants_figures {
        return Vec::new();
    }
    let told = tell(env, run, &channels, wants_figures).unwrap_or_else(|error| {
        tracing::warn!("nobody is told of this run: {error}");
        Vec::new()
    });
    for one in &told {
        if let Some((failure, hint)) = &one.failure {
            tracing::warn!("{} was not told: {failure}; {hint}", one.channel);
        }
    }
    told
}

fn tell(
    env: &Env,
    run: Option<RunId>,
    channels: &[notify::Channel],
    wants_figures: bool,
) -> Result<Vec<Notified>, JobError> {
    let settings = &env.settings.notify;
    let at = env.clock.now();
    let store = env.store()?;
    let picture = Picture::load(env, &store, run, at)?;
    let mut parcels = Vec::new();
    for channel in channels {
        let told: BTreeMap<String, Told> = store
            .told(&channel.id())?
            .into_iter()
            .map(|(item, told)| (item, Told { state: told.state, label: told.label, when: told.when }))
            .collect();
        let digest =
            notify::digest(&picture.now, &told, at, settings.still_open_days, &|item| picture.is_known(item));
        let message = Message { digest, facts: picture.facts.clone(), at, most: settings.most };
        parcels.push(Parcel { channel: channel.clone(), message });
    }
    drop(store);

    let mut notified = Vec::new();
    if wants_figures {
        let text =
            notify::metrics(&picture.facts, picture.last_success, &picture.outcomes, &picture.drift_classes);
        let written = notify::write_textfile(&settings.textfile, &text);
        notified.push(Notified {
            channel: "textfile".to_owned(),
            items: 0,
            failure: written.err().as_ref().map(failure),
        });
    }
    let (quiet, loud): (Vec<Parcel>, Vec<Parcel>) =
        parcels.into_iter().partition(|parcel| parcel.message.digest.is_quiet());
    let report = fs::read(env.dir.join("reports/latest/index.html")).ok().filter(|_| run.is_some());
    let results = notify::deliver(loud.clone(), report, settings.timeout_seconds);

    let store = env.store()?;
    for textfile in &notified {
        remember(&store, &textfile.channel, run, at, textfile.failure.as_ref(), None)?;
    }
    for (parcel, result) in loud.iter().zip(results) {
        let one = Notified {
            channel: parcel.channel.id(),
            items: parcel.message.digest.items.len(),
            failure: result.err().as_ref().map(failure),
        };
        remember(&store, &one.channel, run, at, one.failure.as_ref(), Some(parcel))?;
        notified.push(one);
    }
    for parcel in quiet.iter().filter(|parcel| !parcel.message.digest.remember.is_empty()) {
        remember(&store, &parcel.channel.id(), run, at, None, Some(parcel))?;
    }
    Ok(notified)
}

fn failure(error: &NotifyError) -> (String, String) {
    (error.to_string(), error.hint().to_owned())
}

/// Writes down a try, and what was told if it worked.
fn remember(
    store: &Store,
    channel: &str,
    run: Option<RunId>,
    at: DateTime<Utc>,
    failure: Option<&(String, String)>,
    parcel: Option<&Parcel>,
) -> Result<(), JobError> {
    let digest = parcel.map(|parcel| &parcel.message.digest);
    let outcome = match (failure, digest) {
        (Some(_), _) => "failed",
        (None, Some(digest)) if digest.baseline => "baseline",
        (None, _) => "delivered",
    };
    let delivery = Delivery {
        channel: channel.to_owned(),
        run,
        outcome: outcome.to_owned(),
        why: failure.map(|(why, _)| why.clone()),
        items: digest.map_or(0, |digest| digest.items.len() as u64),
        when: at,
    };
    let told = digest.filter(|_| failure.is_none()).map_or(&[][..], |digest| &digest.remember);
    Ok(store.append_delivery(&delivery, told)?)
}

/// What is so now.
struct Picture {
    now: Vec<Now>,
    facts: RunFacts,
    last_success: Option<DateTime<Utc>>,
    outcomes: BTreeMap<String, usize>,
    drift_classes: BTreeMap<String, usize>,
    devices: HashMap<DeviceId, Device>,
}

impl Picture {
    fn load(env: &Env, store: &Store, run: Option<RunId>, at: DateTime<Utc>) -> Result<Self, JobError> {
        let devices: HashMap<DeviceId, Device> =
            store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
        let mut drifts = store.drifts(None)?;
        drifts.retain(|drift| devices.contains_key(&drift.device_id));
        let states = store.last_states(None)?;
        let runs: Vec<RunRow> =
            store.runs(1_000)?.into_iter().filter(|run| run.kind == RunKind::Nightly).collect();
        let row = run.and_then(|id| runs.iter().find(|row| row.id == id));

        let mut now: Vec<Now> = drifts.iter().map(of_drift).collect();
        let before = now.len();
        for (id, state) in &states {
            if let Some(device) = devices.get(id) {
                now.extend(of_device(*id, device, state));
            }
        }
        let unreadable = now.len() - before;
        // The lock may be held by the run that is now at work; ours is over.
        let at_work = BatchLock::holder(&env.dir).is_some();
        now.extend(runs.iter().filter(|run| at - run.started <= LATELY).flat_map(|run| of_run(run, at_work)));
        now.extend(of_schedules(store, at)?);

        let mut drift_classes: BTreeMap<String, usize> =
            DriftClass::ALL.iter().map(|class| (class.as_str().to_owned(), 0)).collect();
        for drift in &drifts {
            *drift_classes.entry(drift.class.as_str().to_owned()).or_default() += 1;
        }
        let summary = row.and_then(|row| run_status(row, at_work).summary);
        let base = env.settings.notify.report_url.trim_end_matches('/');
        let report = row.and_then(|row| report_of(env, row));
        let good = |run: &&RunRow| matches!(run.outcome.as_deref(), Some("complete" | "partial"));
        Ok(Self {
            facts: RunFacts {
                run,
                outcome: row.and_then(|row| row.outcome.clone()),
                finished: row.and_then(|row| row.finished),
                devices: devices.len(),
                open_drifts: drifts.len(),
                unreadable,
                verdict: report.as_ref().map(|report| report.verdict.clone()),
                decisions: report.as_ref().map_or(0, |report| report.decisions),
                do_first: report.map(|report| report.do_first).unwrap_or_default(),
                link: (!base.is_empty()).then(|| format!("{base}/latest/index.html")),
            },
            last_success: runs.iter().filter(good).filter_map(|run| run.finished).max(),
            outcomes: summary
                .map(|summary| {
                    summary.devices.iter().map(|(o, count)| (o.as_str().to_owned(), *count)).collect()
                })
                .unwrap_or_default(),
            now,
            drift_classes,
            devices,
        })
    }

    /// Whether the device of `drift/ID/…` or `device/ID` is still in the inventory.
    fn is_known(&self, item: &str) -> bool {
        let id = item.split('/').nth(1).and_then(|id| id.parse::<DeviceId>().ok());
        id.is_some_and(|id| self.devices.contains_key(&id))
    }
}

/// What the report of a run says in short, if it was written.
fn report_of(env: &Env, run: &RunRow) -> Option<PastReport> {
    let folder = publish::report_folder(&env.dir, run.id, run.started);
    let summary = fs::read(folder.join("summary.json")).ok()?;
    serde_json::from_slice(&summary).ok()
}

fn of_drift(drift: &Drift) -> Now {
    let detail = match drift.class {
        DriftClass::Unrecorded => "on the device, not in the record".to_owned(),
        DriftClass::Missing => "in the record, not on the device".to_owned(),
        DriftClass::Differs => format!("record and device differ in {}", drift.fields.join(", ")),
    };
    // What is gone weighs more than what is too much, and both more than fields that differ.
    let class = match drift.class {
        DriftClass::Differs => 0,
        DriftClass::Unrecorded => 1_000,
        DriftClass::Missing => 2_000,
    };
    Now {
        item: format!("drift/{}/{}", drift.device_id, drift.id),
        sort: Sort::Drift,
        weight: class + u32::try_from(drift.fields.len().min(999)).unwrap_or(999),
        returned: drift.recurrences > 0,
        label: format!("{} {} {} ({})", drift.device, drift.key.kind.as_str(), drift.key.key, drift.id),
        detail,
        advice: advise::for_drift(drift),
        since: drift.since,
    }
}

fn of_device(id: DeviceId, device: &Device, state: &LastState) -> Option<Now> {
    let outcome = failing(state)?;
    let (tried, _, detail) = &state.last_attempt;
    let detail = detail.as_ref().map_or_else(String::new, |detail| format!(", {detail}"));
    Some(Now {
        item: format!("device/{id}"),
        sort: Sort::Device,
        weight: 1,
        returned: false,
        label: device.name.to_string(),
        detail: format!("{}{detail}", outcome.as_str()),
        advice: what_to_do(outcome).to_owned(),
        since: state.failing_since.unwrap_or(*tried),
    })
}

/// A run that was cut off, and a guard that stopped what policies accept.
fn of_run(run: &RunRow, batch_at_work: bool) -> Vec<Now> {
    let status = run_status(run, batch_at_work);
    let one = |item: String, sort, label: String, detail: String, advice: &str| Now {
        item,
        sort,
        weight: 1,
        returned: false,
        label,
        detail,
        advice: advice.to_owned(),
        since: run.started,
    };
    let mut found = Vec::new();
    let name = format!("run {} of {}", run.id, run.started.format("%Y-%m-%d %H:%M UTC"));
    match status.outcome.as_str() {
        "abandoned" => found.push(one(
            format!("run/{}", run.id),
            Sort::Run,
            name.clone(),
            "it was cut off; what it had read is stored".to_owned(),
            "`driftcast status` and the log of that time say more",
        )),
        "failed" => found.push(one(
            format!("run/{}", run.id),
            Sort::Run,
            name.clone(),
            "it could read no device".to_owned(),
            "`driftcast doctor` looks at the way to devices",
        )),
        _ => {}
    }
    if let Some(stopped) = status.summary.and_then(|summary| summary.sync).and_then(|sync| sync.stopped) {
        found.push(one(
            format!("guard/{}", run.id),
            Sort::Guard,
            format!("policies of {name}"),
            stopped,
            "`driftcast sync plan --out FILE` shows it",
        ));
    }
    found
}

/// Fires that were left out, cut off for good, or failed before they were a run.
fn of_schedules(store: &Store, at: DateTime<Utc>) -> Result<Vec<Now>, JobError> {
    let decisions = store.newest_decisions()?;
    let lately = decisions.iter().filter(|event| at - event.happened <= LATELY);
    Ok(lately
        .filter_map(|event| {
            let detail = match event.what {
                ScheduleStep::Skipped => {
                    format!("it was missed {} times and is left out", event.missed.max(1))
                }
                ScheduleStep::Abandoned => "it was cut off and is not repeated".to_owned(),
                ScheduleStep::Finished
                    if event.run.is_none() && event.outcome.as_deref() == Some("failed") =>
                {
                    format!("it failed: {}", event.why.as_deref().unwrap_or("the log says why"))
                }
                _ => return None,
            };
            Some(Now {
                item: format!("slot/{}/{}", event.schedule, event.slot.timestamp()),
                sort: Sort::Run,
                weight: 1,
                returned: false,
                label: format!("{} of {}", event.schedule, event.slot.format("%Y-%m-%d %H:%M UTC")),
                detail,
                advice: "`driftcast status` says more".to_owned(),
                since: event.slot,
            })
        })
        .collect())
}

/// How the configured channels stand, for `status` and `doctor`.
pub fn notify_channels(env: &Env) -> Result<Vec<ChannelState>, JobError> {
    let settings = &env.settings.notify;
    let mut wanted: Vec<String> = notify::channels(settings).iter().map(notify::Channel::id).collect();
    if !settings.textfile.as_os_str().is_empty() {
        wanted.push("textfile".to_owned());
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut states = env.store()?.channels()?;
    states.retain(|state| wanted.contains(&state.newest.channel));
    Ok(states)
}

/// What `doctor` says of notifications and of what was heard.
pub(super) fn examine(env: &Env) -> Vec<Check> {
    let mut checks = Vec::new();
    let states = match notify_channels(env) {
        Ok(states) => states,
        Err(error) => return vec![Check::not("notifications", Verdict::Bad, error.to_string(), "see above")],
    };
    for state in states {
        let newest = &state.newest;
        let channel = &newest.channel;
        checks.push(match &newest.why {
            Some(why) if newest.outcome == "failed" => Check::not(
                "notifications",
                Verdict::Warning,
                format!("{channel} was not told {} times in a row: {why}", state.failures),
                "what it was not told comes with the next run's message",
            ),
            _ => Check::good(
                "notifications",
                format!("{channel} was told last at {}", newest.when.format("%Y-%m-%d %H:%M UTC")),
            ),
        });
    }
    if let Ok(Some(lately)) = super::heard_lately(env) {
        let heard = lately.heard;
        let found = format!(
            "{} lines in 24 h: {} signals, {} of unknown senders, {} beyond the limit of their sender",
            heard.lines, heard.signals, heard.strangers, heard.limited
        );
        checks.push(if heard.kernel_drops > 0 {
            Check::not(
                "syslog",
                Verdict::Warning,
                format!("{found}; the kernel dropped {} datagrams", heard.kernel_drops),
                "let devices send over TCP, or raise net.core.rmem_default",
            )
        } else {
            Check::good("syslog", found)
        });
    }
    checks
}
