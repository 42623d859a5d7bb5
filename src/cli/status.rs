//! `driftcast status`: the last runs, the locks, and how much is known.

use clap::Args;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::words;
use crate::jobs;

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// How many runs to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    runs: u32,
}

pub(crate) fn run(context: &Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let status = jobs::status(&env, args.runs)?;
    if context.out.json {
        Output::write_json(&status)?;
        return Ok(Exit::Done);
    }
    let now = env.clock.now();
    match &status.at_work {
        Some(holder) => context.out.line(format!("At work: {holder}"))?,
        None => context.out.line("Idle.")?,
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
