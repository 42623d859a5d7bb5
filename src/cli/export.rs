//! `driftcast export`: what a named query gives, as a CSV file that
//! spreadsheets can open without running anything in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::query::{ask, shown};
use crate::report;

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Which query (`driftcast query` lists them)
    name: String,
    /// Values of its parameters
    #[arg(value_name = "PARAMETER=VALUE")]
    values: Vec<String>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &ExportArgs) -> Result<Exit, Failure> {
    if args.out.as_ref().is_some_and(|out| out.extension().is_some_and(|end| end == "parquet")) {
        return Err(Failure::usage(
            "Parquet is not written: the database is opened without access to other files",
        )
        .hint("export CSV; most tools that read Parquet read it too"));
    }
    let found = ask(context, &args.name, &args.values)?;
    let rows = found.rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>());
    let text = report::table_as_csv(&found.columns, rows)
        .map_err(|error| Failure::failed(format!("failed to write CSV: {error}")))?;
    let Some(out) = &args.out else {
        Output::raw(&String::from_utf8_lossy(&text))?;
        return Ok(Exit::Done);
    };
    write(out, &text)
        .map_err(|error| Failure::failed(format!("failed to write {}: {error}", out.display())))?;
    if context.out.json {
        Output::write_json(&json!({ "query": args.name, "rows": found.rows.len(), "file": out }))?;
    } else {
        context.out.line(format!("{} rows in {}.", found.rows.len(), out.display()))?;
    }
    Ok(Exit::Done)
}

/// Written beside and renamed, readable by its owner only.
fn write(out: &Path, text: &[u8]) -> std::io::Result<()> {
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = out.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, out)
}
