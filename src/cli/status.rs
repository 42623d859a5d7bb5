//! `driftcast status`: the last runs, the locks, and how much is known.

use clap::Args;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::words;
use chrono::{DateTime, Utc};

use crate::jobs::{self, Status};
use crate::model::RunKind;
use crate::report::view::upkeep::IgnoreRule;
use crate::schedule::{self, ScheduleStatus};
use crate::store::Decision;

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// How many runs to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    runs: u32,
}

pub(crate) fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let status = jobs::status(&env, args.runs)?;
    let schedules = schedule::at_a_glance(&env, &env.installation())?;
    let decisions = jobs::open_decisions(&env)?;
    let channels = jobs::notify_channels(&env)?;
    let heard = jobs::heard_lately(&env)?;
    let honesty = jobs::honesty(&env)?;
    let ignores = jobs::ignore_rules(&env)?;
    if context.out.json {
        let mut value = serde_json::to_value(&status).unwrap_or_default();
        value["decisions"] = serde_json::to_value(&decisions).unwrap_or_default();
        value["schedules"] = serde_json::to_value(&schedules).unwrap_or_default();
        value["notifications"] = serde_json::to_value(&channels).unwrap_or_default();
        value["ignore_rules"] = serde_json::to_value(&ignores).unwrap_or_default();
        value["syslog"] = serde_json::to_value(heard).unwrap_or_default();
        value["forecasts"] = serde_json::to_value(&honesty).unwrap_or_default();
        Output::write_json(&value)?;
        return Ok(Exit::Done);
    }
    let now = env.clock.now();
    match &status.at_work {
        Some(holder) => context.out.line(format!("At work: {holder}"))?,
        None => context.out.line("Idle.")?,
    }
    match &status.serve {
        Some(holder) => context.out.line(format!("Serving: {holder}"))?,
        None if !schedules.is_empty() => {
            context.out.line("Not serving: schedules fire only while `driftcast serve` runs.")?;
        }
        None => {}
    }
    let s = &status.standing;
    context.out.line(format!(
        "{} devices: {} confirmed in step, {} confirmed with drift, {} believed, {} unknown.",
        status.devices, s.confirmed_in_step, s.confirmed_drifted, s.believed, s.unknown
    ))?;
    context.out.line(format!(
        "{} open drifts, {} unmanaged facts outside the record's coverage.",
        status.open_drifts, status.unmanaged
    ))?;
    show_ages(context, &status)?;
    show_schedules(context, &schedules, now)?;
    show_queue(context, &status, now)?;
    show_decisions(context, &decisions, now)?;
    show_ignores(context, &ignores, now)?;
    for state in &channels {
        let newest = &state.newest;
        let why = newest.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        context.out.line(format!(
            "Notification {}: {} {}{why}",
            newest.channel,
            newest.outcome,
            words::age(newest.when, now)
        ))?;
    }
    if let Some(lately) = heard {
        let h = lately.heard;
        context.out.line(format!(
            "Syslog in 24 h: {} lines, {} signals; {} of unknown senders, {} beyond a sender's limit, {} no syslog, {} dropped by the kernel.",
            h.lines, h.signals, h.strangers, h.limited, h.garbled, h.kernel_drops
        ))?;
    }
    if let Some(honesty) = &honesty {
        context.out.line(words::honesty(honesty))?;
    }
    let mut nights = status.runs.iter().filter(|run| run.kind == RunKind::Nightly.as_str());
    if nights.find_map(|run| run.summary.as_ref()).is_some_and(|night| night.forecast_ignored) {
        context.out.line(
            "The last night did not follow the forecasts: of late they were worse than one rate for the whole fleet.",
        )?;
    }
    if status.runs.is_empty() {
        context.out.line("No run yet; `driftcast nightly` makes one.")?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = status
        .runs
        .iter()
        .map(|r| {
            vec![
                r.id.to_string(),
                r.kind.clone(),
                format!("{} ({})", words::moment(r.started_at), words::age(r.started_at, now)),
                r.outcome.clone(),
                r.summary.as_ref().map_or_else(String::new, |s| s.sessions.to_string()),
                r.summary.as_ref().map_or_else(String::new, |s| {
                    format!(
                        "{} new, {} back, {} resolved, {} open",
                        s.drifts.new, s.drifts.returned, s.drifts.resolved, s.drifts.open
                    )
                }),
            ]
        })
        .collect();
    context.out.line("")?;
    context.out.table(
        &["run", "kind", "started (UTC)", "outcome", "sessions", "drift"],
        &["run", "sessions"],
        &rows,
    )?;
    Ok(Exit::Done)
}

/// Sync debt: skips and overrides that nothing has settled since.
fn show_decisions(context: &Context, decisions: &[Decision], now: DateTime<Utc>) -> Result<(), Failure> {
    if decisions.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = decisions
        .iter()
        .take(20)
        .map(|d| {
            let until = d.until.map_or_else(
                || "open".to_owned(),
                |at| format!("{}{}", words::moment(at), if at <= now { " (over)" } else { "" }),
            );
            vec![
                d.choice.as_str().to_owned(),
                d.device.to_string(),
                d.key.to_string(),
                d.class.clone(),
                words::age(d.when, now),
                until,
                d.who.clone(),
                d.why.clone(),
            ]
        })
        .collect();
    context.out.line(format!(
        "\n{} refused deploys were skipped or overridden and are not settled:",
        decisions.len()
    ))?;
    context.out.table(
        &["decision", "device", "what", "found", "age", "until (UTC)", "who", "why"],
        &[],
        &rows,
    )
}

/// Rules for noise; one that never fires is probably a mistake.
fn show_ignores(context: &Context, rules: &[IgnoreRule], now: DateTime<Utc>) -> Result<(), Failure> {
    if rules.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            let last = match (rule.last, rule.since) {
                (Some(last), _) => words::age(last, now),
                (None, Some(since)) => format!("never since {}", words::moment(since)),
                (None, None) => "no run yet".to_owned(),
            };
            vec![rule.rule.clone(), rule.times.to_string(), last, rule.reason.clone()]
        })
        .collect();
    context.out.line("")?;
    context.out.table(&["rule for noise", "fired", "last", "reason"], &["fired"], &rows)
}

fn show_ages(context: &Context, status: &Status) -> Result<(), Failure> {
    let told = |what: &str, age: Option<u64>| age.map(|age| format!("{what} {}", words::span(age)));
    let ages = &status.ages;
    let parts: Vec<String> = [
        told("last complete scan", ages.last_complete_scan),
        told("oldest snapshot", ages.oldest_snapshot),
        told("last finished night", ages.last_finished_nightly),
        told("longest waiting request", ages.oldest_request),
        told("newest device of the inventory", ages.inventory),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { Ok(()) } else { context.out.line(format!("Age: {}.", parts.join(", "))) }
}

fn show_schedules(
    context: &Context,
    schedules: &[ScheduleStatus],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    if schedules.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = schedules
        .iter()
        .map(|s| {
            let last = s.last.as_ref().map_or_else(
                || "never ran".to_owned(),
                |last| {
                    let why = last.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                    let outcome = last.outcome.as_deref().unwrap_or("ended");
                    format!("{outcome}, {}{why}", words::age(last.happened, now))
                },
            );
            vec![
                s.schedule.clone(),
                s.job.as_str().to_owned(),
                match s.running_since {
                    Some(since) => format!("running, began {}", words::age(since, now)),
                    None => s.state.replace('-', " "),
                },
                last,
                s.next.map_or_else(|| "never".to_owned(), words::moment),
                format!("{} {}", s.cron, s.zone),
            ]
        })
        .collect();
    context.out.line("")?;
    context.out.table(&["schedule", "job", "state", "last", "next (UTC)", "line"], &[], &rows)
}

fn show_queue(context: &Context, status: &Status, now: DateTime<Utc>) -> Result<(), Failure> {
    if status.queue.is_empty() {
        return context.out.line("The queue is empty.");
    }
    let rows: Vec<Vec<String>> = status
        .queue
        .iter()
        .take(20)
        .map(|q| {
            let part = q.scope.name().map_or_else(String::new, |name| format!("{} {name}", q.scope.kind()));
            vec![q.request.to_string(), q.device.clone(), part, q.why.clone(), words::age(q.asked, now)]
        })
        .collect();
    context.out.line("")?;
    context.out.table(&["request", "device", "part", "why", "asked"], &["request"], &rows)?;
    if status.queue.len() > rows.len() {
        context.out.line(format!("and {} more.", status.queue.len() - rows.len()))?;
    }
    Ok(())
}
