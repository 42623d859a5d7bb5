//! `driftcast nightly`: the batch.

use std::str::FromStr as _;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Context, signals};
use crate::analysis::Budget;
use crate::jobs;
use crate::model::Outcome;

#[derive(Args, Debug)]
pub(crate) struct NightlyArgs {
    /// How many sessions the night may use: a number, or a share of the fleet such as 10%
    #[arg(long, value_name = "N|N%")]
    budget: Option<String>,
    /// Show whom the first round would read, and why; read nobody
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, args: NightlyArgs) -> Result<Exit, Failure> {
    let budget = match &args.budget {
        Some(text) => Budget::from_str(text).map_err(Failure::usage)?,
        None => context.settings().plan.budget,
    };
    let mut env = context.env()?.with_jump_hosts()?;
    if args.dry_run {
        return dry_run(context, &env, budget);
    }
    env.events = context.progress();
    env.stop = signals::stop()?;
    let done = jobs::nightly(&env, budget).await?;
    let partial = done.summary.stopped
        || done
            .summary
            .devices
            .iter()
            .any(|(o, n)| *n > 0 && !matches!(o, Outcome::Complete | Outcome::NotDue));
    if context.out.json {
        Output::write_json(&json!({
            "run": done.run,
            "outcome": done.outcome,
            "devices": done.summary.devices,
            "drifts": done.summary.drifts,
            "sessions": done.summary.sessions,
            "changed": done.summary.changed,
            "sync": done.summary.sync,
            "forecast_ignored": done.summary.forecast_ignored,
            "report": done.report,
            "stopped": done.summary.stopped,
            "notified": done.notified,
        }))?;
    } else {
        let told = if done.summary.stopped { ", because it was told to end" } else { "" };
        context.out.line(format!("Run {}: {}{told}.", done.run, done.outcome))?;
        for (outcome, n) in &done.summary.devices {
            context.out.line(format!("  {n:>6}  {}", outcome.as_str()))?;
        }
        let drifts = done.summary.drifts;
        context.out.line(format!(
            "Drift: {} new, {} back, {} resolved, {} open.",
            drifts.new, drifts.returned, drifts.resolved, drifts.open
        ))?;
        if let Some(sync) = &done.summary.sync {
            context.out.line(format!(
                "Policies ({}): {} records added, {} changed, {} removed, {} skipped, {} held back.",
                sync.plan, sync.added, sync.updated, sync.removed, sync.skipped, sync.held
            ))?;
        }
        if done.summary.forecast_ignored {
            context.out.line(
                "The forecasts of late were worse than one rate for the whole fleet: tonight the oldest snapshots came first.",
            )?;
        }
        if let Some(report) = &done.report {
            context.out.line(format!("Report: {}", report.display()))?;
        }
    }
    if let Some(error) = &done.report_error {
        super::output::say(&format!("error: the night is stored, but its report is not written: {error}"));
        super::output::say("hint: mend what it names, then run `driftcast report`");
    }
    let stopped = done.summary.sync.as_ref().and_then(|sync| sync.stopped.as_ref());
    if let Some(stopped) = stopped {
        super::output::say(&format!("error: the policies wrote nothing: {stopped}"));
        super::output::say(
            "hint: `driftcast sync plan --out FILE` shows it; if it is meant, `sync apply FILE --allow LIMIT` once",
        );
    }
    if let Some(error) = &done.sync_error {
        super::output::say(&format!(
            "error: the night is stored, but its policies were not followed: {error}"
        ));
    }
    Ok(match done.outcome {
        "failed" => Exit::Failed,
        _ if stopped.is_some() => Exit::Guard,
        _ if done.sync_error.is_some() => Exit::Partial,
        _ if partial || done.report_error.is_some() => Exit::Partial,
        _ if done.summary.drifts.open > 0 => Exit::Drift,
        _ => Exit::Done,
    })
}

fn dry_run(context: &Context, env: &jobs::Env, budget: Budget) -> Result<Exit, Failure> {
    let planned = jobs::plan_only(env, budget)?;
    if context.out.json {
        Output::write_json(&json!({
            "budget": planned.budget,
            "devices": planned.fleet,
            "round": planned.plan.round,
            "targets": planned.plan.targets,
        }))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = planned
        .plan
        .targets
        .iter()
        .map(|t| {
            vec![
                t.device.to_string(),
                t.reason.as_str().to_owned(),
                t.p_change.map_or_else(String::new, |p| format!("{:.0} %", p * 100.0)),
                t.why.clone(),
            ]
        })
        .collect();
    context.out.table(&["device", "because", "changed", "why"], &["changed"], &rows)?;
    context.out.line(format!(
        "\nRound 1 would read {} of {} devices; the night may use {} sessions. Later rounds depend on what this one finds.",
        rows.len(),
        planned.fleet,
        planned.budget
    ))?;
    Ok(Exit::Done)
}
