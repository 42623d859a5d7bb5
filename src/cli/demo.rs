//! `driftcast demo`: a whole life in one command, no configuration needed.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Context, progress};
use crate::jobs::demo::{self, Ask};

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// How many devices the fleet has
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(3..=250))]
    devices: u32,
    /// How many past nights it has lived through
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=730))]
    nights: u32,
    /// The first port of the devices, which get the following ones [default: any that are free]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

pub(crate) async fn run(context: &Context, args: DemoArgs) -> Result<Exit, Failure> {
    // A demo never writes into the data folder of a real installation by default.
    let dir = if context.dir_given { context.dir.clone() } else { PathBuf::from("driftcast-demo") };
    let bar = progress::steps(context.quiet, "past nights", u64::from(args.nights));
    let ask = Ask {
        dir: dir.clone(),
        devices: args.devices as usize,
        nights: args.nights,
        port: args.port,
        clock: context.clock,
    };
    if dir.join("lab.toml").is_file() {
        context.out.line(format!("The demo that was in {} is replaced.", dir.display()))?;
    }
    if !context.out.json {
        context.out.line(format!(
            "A fleet of {} simulated DNOS devices, and {} nights of its life.",
            args.devices, args.nights
        ))?;
    }
    let done = demo::demo(ask, context.settings().clone(), &|| bar.inc(1), context.progress()).await?;
    bar.finish_and_clear();

    let data = shell_word(&dir.display().to_string());
    let program = shell_word(&program());
    let commands = [
        (format!("{program} --data {data} diff"), "where devices and record disagree, and what to do"),
        (format!("{program} --data {data} rank --top 10"), "which devices are most worth a session, and why"),
        (
            format!("{program} --data {data} devices show {}", done.show),
            "one device: its drift, changes and scans",
        ),
        (format!("{program} --data {data} status"), "the last runs, and how much is known"),
    ];
    if context.out.json {
        Output::write_json(&json!({
            "run": done.run,
            "outcome": done.outcome,
            "devices": done.summary.devices,
            "drifts": done.summary.drifts,
            "sessions": done.summary.sessions,
            "planted": done.planted,
            "report": done.report,
            "next": commands.iter().map(|(c, _)| c).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    context.out.line(format!(
        "Tonight, over SSH: {} of {} devices read; {} drifts open, {} of them new tonight.",
        done.summary.devices.get(&crate::model::Outcome::Complete).copied().unwrap_or(0),
        args.devices,
        done.summary.drifts.open,
        done.summary.drifts.new,
    ))?;
    context.out.line(format!("\nThe report: {}\n", done.report.display()))?;
    context.out.line("Try next:")?;
    for (command, what) in &commands {
        context.out.line(format!("  {command}\n      {what}"))?;
    }
    context.out.line(format!(
        "\nThe commands in the report work on this demo after: export DRIFTCAST_DATA={data}"
    ))?;
    context.out.line(format!(
        "To scan them again, start the fleet in another terminal: {program} --data {data} lab"
    ))?;
    Ok(Exit::Done)
}

/// How this program was called, so that the commands can be pasted.
fn program() -> String {
    std::env::args_os()
        .next()
        .map_or_else(|| "driftcast".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Quoted for a shell if it has to be.
fn shell_word(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
