//! `driftcast report`: the report of a stored night, written again.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::jobs;

#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// The run to report on [default: the newest finished nightly run]
    #[arg(long, value_name = "ID")]
    run: Option<i64>,
    /// Write this device's page too, whether or not it has news
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Write into this folder (new, empty, or an earlier report) [default: DIR/reports/DATE-RUN]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &ReportArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let done = jobs::render_again(&env, args.run, args.device.as_deref(), args.out.as_deref())?;
    if context.out.json {
        Output::write_json(&json!({ "run": done.run, "report": done.index }))?;
    } else {
        context.out.line(format!("Report of run {}: {}", done.run, done.index.display()))?;
    }
    Ok(Exit::Done)
}
