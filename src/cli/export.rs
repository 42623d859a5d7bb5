//! `driftcast export`: what a named query gives, as a file: CSV that
//! spreadsheets can open without running anything in it, JSON, or Parquet.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::query::{as_objects, ask, ask_parquet, shown};
use crate::report;

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Which query (`driftcast query` lists them)
    name: String,
    /// Values of its parameters
    #[arg(value_name = "PARAMETER=VALUE")]
    values: Vec<String>,
    /// csv, json or parquet [default: by the ending of --out, else csv]
    #[arg(long, value_enum, hide_possible_values = true, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Parquet,
}

impl Format {
    fn of(args: &ExportArgs) -> Self {
        let ending = args.out.as_deref().and_then(Path::extension).and_then(|end| end.to_str());
        args.format.unwrap_or(match ending {
            Some("parquet") => Self::Parquet,
            Some("json") => Self::Json,
            _ => Self::Csv,
        })
    }
}

pub(crate) fn run(context: &Context, args: &ExportArgs) -> Result<Exit, Failure> {
    let format = Format::of(args);
    if format == Format::Parquet && args.out.is_none() {
        return Err(Failure::usage("Parquet is not for a screen").hint("name a file: --out FILE.parquet"));
    }
    let (rows, bytes) = match format {
        Format::Parquet => ask_parquet(context, &args.name, &args.values)?,
        Format::Csv => {
            let found = ask(context, &args.name, &args.values)?;
            let rows = found.rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>());
            let text = report::table_as_csv(&found.columns, rows)
                .map_err(|error| Failure::failed(format!("failed to write CSV: {error}")))?;
            (found.rows.len(), text)
        }
        Format::Json => {
            let found = ask(context, &args.name, &args.values)?;
            let text = serde_json::to_string_pretty(&as_objects(&found)).unwrap_or_default();
            (found.rows.len(), (text + "\n").into_bytes())
        }
    };
    let Some(out) = &args.out else {
        Output::raw(&String::from_utf8_lossy(&bytes))?;
        return Ok(Exit::Done);
    };
    write(out, &bytes)
        .map_err(|error| Failure::failed(format!("failed to write {}: {error}", out.display())))?;
    if context.out.json {
        Output::write_json(&json!({ "query": args.name, "rows": rows, "file": out }))?;
    } else {
        context.out.line(format!("{rows} rows in {}.", out.display()))?;
    }
    Ok(Exit::Done)
}

/// Written beside and renamed, readable by its owner only.
fn write(out: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = out.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, out)
}
