//! `driftcast check`: the gate before a deploy. Free, already as wanted,
//! conflicting, or unknown, each with an exit code of its own.

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::resolve::{Target, side};
use super::{Context, scan, words};
use crate::jobs::{self, Checked, OnDemand};
use crate::model::Scope;
use crate::sync::gate::Answer;

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The device
    name: String,
    /// The interface
    #[arg(value_name = "IF")]
    interface: String,
    #[command(flatten)]
    target: Target,
    /// Read the device first
    #[arg(long)]
    live: bool,
    /// With --live: read it also outside of its windows
    #[arg(long, requires = "live")]
    outside_window: bool,
}

pub(crate) async fn run(context: &Context, args: CheckArgs) -> Result<Exit, Failure> {
    let wanted = args.target.wanted(Some(&args.interface))?;
    let mut unread = None;
    let env = if args.live {
        let mut env = context.env()?.with_jump_hosts()?;
        env.heed_windows = !args.outside_window;
        let device = super::resolve::device(&env, &args.name, &Scope::Interface(args.interface.clone()))?;
        if env.is_closed_to(&device.1) {
            return Err(scan::outside(&env, &device.1));
        }
        let scope = Scope::Interface(args.interface.clone());
        let done = jobs::scan(&env, OnDemand { devices: vec![device], scope, full: false }).await?;
        let failed = done.snapshots.iter().find(|snapshot| !snapshot.outcome.is_complete());
        unread = failed.map(|snapshot| {
            let detail = snapshot.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("the device could not be read now: {}{detail}", snapshot.outcome.as_str())
        });
        env
    } else {
        context.env()?
    };
    let checked = jobs::check(&env, &args.name, &wanted);
    let mut checked = match checked {
        Err(jobs::JobError::NoDevice(_)) => {
            let live: Vec<_> = jobs::live_devices(&env)?.into_iter().map(|(_, device)| device).collect();
            return Err(super::devices::unknown(&args.name, &live));
        }
        other => other?,
    };
    if let Some(why) = unread {
        // Asked to look, and it could not: an old answer would be a guess.
        (checked.answer, checked.why) = (Answer::Unknown, why);
    }
    show(context, &args, &checked, env.clock.now())
}

fn show(
    context: &Context,
    args: &CheckArgs,
    checked: &Checked,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Exit, Failure> {
    let hours = |at: chrono::DateTime<chrono::Utc>| {
        ((now - at).num_minutes().max(0) as f64 / 60.0 * 10.0).round() / 10.0
    };
    let exit = match checked.answer {
        Answer::Free => Exit::Done,
        Answer::AsWanted => Exit::AsWanted,
        Answer::Conflicting => Exit::Drift,
        Answer::Unknown => Exit::Partial,
    };
    if context.out.json {
        Output::write_json(&json!({
            "device": args.name,
            "key": args.interface,
            "answer": checked.answer,
            "why": checked.why,
            "fact": checked.fact,
            "record": checked.record,
            "age_hours": checked.read_at.map(hours),
            "exit": exit.code(),
        }))?;
        return Ok(exit);
    }
    context.out.line(format!(
        "{} {}: {}: {}.",
        args.name,
        args.interface,
        checked.answer.as_str(),
        checked.why
    ))?;
    let fact = checked.fact.as_ref().map(crate::model::Fact::fields);
    let record = checked.record.as_ref().map(crate::model::Record::fields);
    context.out.line(format!("  on the device: {}", side(fact.as_deref())))?;
    context.out.line(format!("  in the record: {}", side(record.as_deref())))?;
    let read = checked.read_at.map_or_else(|| "never".to_owned(), |at| words::age(at, now));
    context.out.line(format!("  last good scan: {read}"))?;
    if checked.answer == Answer::Unknown && !args.live {
        context.out.line("  `--live` reads the device now.")?;
    }
    Ok(exit)
}
