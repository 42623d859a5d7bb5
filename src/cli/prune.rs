//! `driftcast prune`: retention, carried out or only counted.

use clap::Args;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::jobs;

#[derive(Args, Debug)]
pub(crate) struct PruneArgs {
    /// Say what would go; remove nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &Context, args: &PruneArgs) -> Result<Exit, Failure> {
    let done = jobs::prune(&context.env()?, args.dry_run)?;
    if context.out.json {
        Output::write_json(&done)?;
        return Ok(Exit::Done);
    }
    let retention = &context.settings().retention;
    if retention.days == 0 && retention.report_days == 0 {
        context.out.line("Everything is kept for ever: set retention.days or retention.report_days.")?;
        return Ok(Exit::Done);
    }
    context.out.line(format!("{done}."))?;
    let rows: Vec<Vec<String>> = done
        .rows
        .tables
        .iter()
        .map(|(table, removed, all)| vec![(*table).to_owned(), removed.to_string(), all.to_string()])
        .collect();
    if !rows.is_empty() {
        context.out.table(&["table", "old", "of"], &["old", "of"], &rows)?;
    }
    for report in &done.reports {
        context.out.line(report.display().to_string())?;
    }
    Ok(Exit::Done)
}
