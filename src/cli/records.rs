//! `driftcast records`: the database of record.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Context, devices, limit};
use crate::jobs;
use crate::model::Record;
use crate::source;

#[derive(Subcommand, Debug)]
pub(crate) enum RecordsCommand {
    /// Merge records from a CSV or JSON file
    Import(ImportArgs),
    /// Print the records as CSV or JSON
    Export(ExportArgs),
    /// List the records
    List(ListArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The file; `-` is standard input
    file: PathBuf,
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Why: kept in the history of the records
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    #[command(flatten)]
    which: Which,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    which: Which,
}

#[derive(Args, Debug)]
struct Which {
    /// Only this device
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Only devices that match a name, a glob, or site=, role=, platform=, tag=
    #[arg(long, value_name = "WHICH")]
    limit: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

pub(crate) fn run(context: &Context, command: RecordsCommand) -> Result<Exit, Failure> {
    match command {
        RecordsCommand::Import(args) => import(context, &args),
        RecordsCommand::Export(args) => {
            let records = chosen(context, &args.which)?;
            let text = match args.format {
                Format::Csv if !context.out.json => source::write_records_csv(&records),
                _ => source::write_records_json(&records),
            };
            Output::raw(&text)?;
            Ok(Exit::Done)
        }
        RecordsCommand::List(args) => list(context, &chosen(context, &args.which)?),
    }
}

fn import(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let text = devices::read_input(&args.file)?;
    let file = args.file.display().to_string();
    let json = match args.format {
        Some(format) => format == Format::Json,
        None => args.file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")),
    };
    let records =
        if json { source::read_records_json(&text, &file)? } else { source::read_records_csv(&text, &file)? };
    let env = context.env()?;
    let inventory = devices::inventory(&env)?;
    if let Some(stranger) = records.iter().find(|r| !inventory.iter().any(|d| d.name == r.device)) {
        return Err(devices::unknown(stranger.device.as_str(), &inventory));
    }
    #[expect(clippy::disallowed_methods, reason = "who imports is said by the login environment")]
    let who = std::env::var("SUDO_USER")
        .or_else(|_| std::env::var("USER"))
        .unwrap_or_else(|_| "unknown".to_owned());
    let done = jobs::import_records(&env, &records, &who, &args.reason)?;
    if context.out.json {
        Output::write_json(&done)?;
    } else {
        context
            .out
            .line(format!("{} added, {} changed, {} unchanged.", done.added, done.changed, done.unchanged))?;
        if done.drifts_resolved > 0 {
            context.out.line(format!("{} open drifts are explained by them.", done.drifts_resolved))?;
        }
    }
    Ok(Exit::Done)
}

fn chosen(context: &Context, which: &Which) -> Result<Vec<Record>, Failure> {
    let env = context.env()?;
    let limits = limit::parse_all(&which.limit)?;
    let inventory = devices::inventory(&env)?;
    if let Some(name) = &which.device
        && !inventory.iter().any(|d| d.name.as_str() == name)
    {
        return Err(devices::unknown(name, &inventory));
    }
    let names: std::collections::HashSet<_> = inventory
        .iter()
        .filter(|d| which.device.as_ref().is_none_or(|name| d.name.as_str() == name))
        .filter(|d| limits.iter().all(|limit| limit.matches(d)))
        .map(|d| d.name.clone())
        .collect();
    Ok(jobs::all_records(&env)?.into_iter().filter(|r| names.contains(&r.device)).collect())
}

fn list(context: &Context, records: &[Record]) -> Result<Exit, Failure> {
    if context.out.json {
        Output::write_json(&json!({ "records": records }))?;
        return Ok(Exit::Done);
    }
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|r| {
            let tags = match (&r.outer, &r.inner) {
                (Some(outer), Some(inner)) => format!("{outer} / {inner}"),
                _ => text(&r.outer),
            };
            vec![
                r.device.to_string(),
                r.kind.to_string(),
                r.name.clone(),
                tags,
                text(&r.service),
                text(&r.admin),
                r.source.as_str().to_owned(),
            ]
        })
        .collect();
    context.out.table(&["device", "kind", "name", "vlan", "service", "admin", "source"], &[], &rows)?;
    context.out.line(format!("\n{} records.", rows.len()))?;
    Ok(Exit::Done)
}
