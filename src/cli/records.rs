//! `driftcast records`: the database of record.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, say};
use super::{Context, devices, limit, sync, words};
use crate::jobs;
use crate::model::Record;
use crate::source;
use crate::store::RecordRow;

#[derive(Subcommand, Debug)]
pub(crate) enum RecordsCommand {
    /// Merge records from a CSV or JSON file
    Import(ImportArgs),
    /// Print the records as CSV or JSON
    Export(ExportArgs),
    /// List the records
    List(ListArgs),
    /// Show the audit trail: who changed which record, when and why
    Log(LogArgs),
    /// Take back a change (C-17) or all changes of a plan (P-…), exactly
    Undo(BackArgs),
    /// Bring back the records that a change or a plan removed
    Restore(BackArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The file; `-` is standard input; or the NAME of a `[source.NAME]` (NetBox, Nautobot)
    file: PathBuf,
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Why: kept in the history of the records
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Remove what the file does not have: through a plan and its guards, of one device
    #[arg(long, requires = "device")]
    replace: bool,
    /// The device whose records are replaced
    #[arg(long, value_name = "NAME", requires = "replace")]
    device: Option<String>,
    /// With --replace: lift this limit, once; a refusal names it
    #[arg(long, value_name = "LIMIT", requires = "replace")]
    allow: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    /// Only this device
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Only the record of this thing: its versions
    #[arg(long, value_name = "KEY", requires = "device")]
    name: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 50)]
    top: u32,
}

#[derive(Args, Debug)]
pub(crate) struct BackArgs {
    /// `C-17`, or the id of a plan
    id: String,
    /// Why: kept in the history of the records
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Compare with this `[source.NAME]` and say what would be written there
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// With --to: write it; what was changed there in the meantime is skipped and named
    #[arg(long, requires = "to")]
    write: bool,
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

pub(crate) async fn run(context: &Context, command: RecordsCommand) -> Result<Exit, Failure> {
    match command {
        RecordsCommand::Import(args) => import(context, &args).await,
        RecordsCommand::Export(args) => {
            let records = chosen(context, &args.which)?;
            if let Some(name) = &args.to {
                return export_to(context, name, records, args.write).await;
            }
            let text = match args.format {
                Format::Csv if !context.out.json => source::write_records_csv(&records),
                _ => source::write_records_json(&records),
            };
            Output::raw(&text)?;
            Ok(Exit::Done)
        }
        RecordsCommand::List(args) => list(context, &chosen(context, &args.which)?),
        RecordsCommand::Log(args) => log(context, &args),
        RecordsCommand::Undo(args) => {
            let done = jobs::undo_records(&context.env()?, &args.id, &words::who(), &args.reason)?;
            back(context, &done)
        }
        RecordsCommand::Restore(args) => {
            let done = jobs::restore_records(&context.env()?, &args.id, &words::who(), &args.reason)?;
            back(context, &done)
        }
    }
}

async fn import(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let records = match devices::remote(context, &args.file)? {
        Some(remote) => {
            let pulled = jobs::pull_records(&env, remote).await.map_err(devices::nothing_imported)?;
            for note in &pulled.notes {
                say(&format!("note: {note}"));
            }
            // With --device only that one is about to be replaced.
            let mut records = pulled.records;
            records.retain(|r| args.device.as_ref().is_none_or(|name| r.device.as_str() == name));
            records
        }
        None => read_records(args)?,
    };
    let inventory = devices::inventory(&env)?;
    if let Some(stranger) = records.iter().find(|r| !inventory.iter().any(|d| d.name == r.device)) {
        return Err(devices::unknown(stranger.device.as_str(), &inventory));
    }
    if let Some(name) = &args.device {
        return replace(context, &env, name, &records, args);
    }
    let done = jobs::import_records(&env, &records, &words::who(), &args.reason)?;
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

fn read_records(args: &ImportArgs) -> Result<Vec<Record>, Failure> {
    let text = devices::read_input(&args.file)?;
    let file = args.file.display().to_string();
    let json = match args.format {
        Some(format) => format == Format::Json,
        None => args.file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")),
    };
    Ok(if json { source::read_records_json(&text, &file)? } else { source::read_records_csv(&text, &file)? })
}

/// Writes records into a `[source.NAME]`, or says what would be written.
async fn export_to(
    context: &Context,
    name: &str,
    records: Vec<Record>,
    write: bool,
) -> Result<Exit, Failure> {
    let Some(remote) = devices::remote(context, Path::new(name))? else {
        return Err(Failure::usage(format!("there is no [source.{name}] in the configuration")));
    };
    let pushed = jobs::export_to(remote, records, write)
        .await
        .map_err(|error| Failure::from(error).hint("nothing was written"))?;
    let exit = match (&pushed.stopped, pushed.skipped.is_empty()) {
        (Some(_), _) => Exit::Failed,
        (None, false) => Exit::Partial,
        (None, true) => Exit::Done,
    };
    if context.out.json {
        Output::write_json(&pushed)?;
        return Ok(exit);
    }
    for (what, lines) in [("create", &pushed.created), ("change", &pushed.changed)] {
        for line in lines {
            context.out.line(format!("{what}  {line}"))?;
        }
    }
    for skip in &pushed.skipped {
        context.out.line(format!("skipped {}: {}", skip.what, skip.why))?;
    }
    context.out.line(format!(
        "{} interfaces {} created, {} changed, {} are so already, {} skipped.",
        pushed.created.len(),
        if write { "were" } else { "would be" },
        pushed.changed.len(),
        pushed.unchanged,
        pushed.skipped.len()
    ))?;
    if !write && pushed.created.len() + pushed.changed.len() > 0 {
        context.out.line("Nothing was written; repeat it with --write.")?;
    }
    Ok(exit)
}

/// All records of one device from a file. Limits hold, and lifting one is logged.
fn replace(
    context: &Context,
    env: &jobs::Env,
    name: &str,
    records: &[Record],
    args: &ImportArgs,
) -> Result<Exit, Failure> {
    let inventory = devices::inventory(env)?;
    let device = inventory.iter().find(|device| device.name.as_str() == name);
    let device = device.ok_or_else(|| devices::unknown(name, &inventory))?;
    let plan = jobs::plan_replacing(env, &device.name, records, &words::who())?;
    if plan.is_empty() && !context.out.json {
        return context.out.line("The records are so already.").map(|()| Exit::Done);
    }
    let consent = jobs::SyncConsent {
        who: words::who(),
        why: args.reason.clone(),
        allow: args.allow.clone(),
        ..jobs::SyncConsent::default()
    };
    let again = format!("driftcast records import {} --replace --device {name}", args.file.display());
    let done = sync::carry_out(env, &plan, &consent, &again)?;
    sync::told(context, &done)
}

fn log(context: &Context, args: &LogArgs) -> Result<Exit, Failure> {
    let most = if args.name.is_some() { u32::MAX } else { args.top };
    let mut rows = jobs::record_log(&context.env()?, args.device.as_deref(), most)?;
    if let Some(name) = &args.name {
        rows.retain(|row| row.event.record.name == *name);
        rows.truncate(usize::try_from(args.top).unwrap_or(usize::MAX));
    }
    if context.out.json {
        let rows: Vec<_> = rows.iter().map(row_json).collect();
        Output::write_json(&json!({ "changes": rows }))?;
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let event = &row.event;
            let what = row.what.map_or_else(|| "import".to_owned(), what_word);
            let undoes = row.undoes.map(|seq| format!(" of {}", jobs::change_name(seq))).unwrap_or_default();
            vec![
                jobs::change_name(event.seq),
                row.version.to_string(),
                words::moment(event.when),
                event.who.clone(),
                format!("{what}{undoes}"),
                event.record.device.to_string(),
                event.record.key().to_string(),
                moved(row),
                event.why.clone(),
            ]
        })
        .collect();
    context.out.table(
        &["change", "version", "when (UTC)", "who", "how", "device", "what", "record", "why"],
        &["version"],
        &cells,
    )?;
    context.out.line(format!("\n{} rows, newest first.", cells.len()))?;
    Ok(Exit::Done)
}

fn what_word(what: crate::store::RecordWhat) -> String {
    serde_json::to_value(what).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn side(event: &crate::store::RecordEvent) -> Option<&Record> {
    event.present.then_some(&event.record)
}

/// `added`, `removed`, or the fields that moved.
fn moved(row: &RecordRow) -> String {
    let before = row.before.as_ref().and_then(side);
    match (before, side(&row.event)) {
        (None, Some(_)) if row.version > 1 => "restored".to_owned(),
        (None, Some(record)) => format!("added ({})", record.source.as_str()),
        (_, None) => "removed".to_owned(),
        (Some(old), Some(new)) => {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
            let mut parts: Vec<String> = old
                .fields()
                .into_iter()
                .zip(new.fields())
                .filter(|(old, new)| old.1 != new.1)
                .map(|(old, new)| format!("{} {} → {}", old.0, shown(old.1), shown(new.1)))
                .collect();
            if old.source != new.source {
                parts.push(format!("source {} → {}", old.source.as_str(), new.source.as_str()));
            }
            parts.join(", ")
        }
    }
}

fn row_json(row: &RecordRow) -> serde_json::Value {
    json!({
        "change": jobs::change_name(row.event.seq),
        "when": row.event.when,
        "who": row.event.who,
        "why": row.event.why,
        "how": row.what,
        "device": row.event.record.device,
        "kind": row.event.record.kind,
        "key": row.event.record.name,
        "version": row.version,
        "newest": row.newest == row.event.seq,
        "before": row.before.as_ref().and_then(side),
        "after": side(&row.event),
        "plan": row.plan,
        "run": row.run,
        "undoes": row.undoes.map(jobs::change_name),
    })
}

fn back(context: &Context, done: &jobs::TakenBack) -> Result<Exit, Failure> {
    if context.out.json {
        Output::write_json(done)?;
        return Ok(Exit::Done);
    }
    for (old, new) in &done.changes {
        context.out.line(format!("{old} was taken back by {new}"))?;
    }
    context.out.line(format!("{} records are as before, {} are gone.", done.restored, done.removed))?;
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
        // Exactly what an import takes; versions are in `records log`.
        Output::write_json(&json!({ "records": records }))?;
        return Ok(Exit::Done);
    }
    let versions = jobs::record_versions(&context.env()?)?;
    let version =
        |record: &Record| versions.get(&(record.device.clone(), record.key())).copied().unwrap_or(1);
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
                version(r).to_string(),
            ]
        })
        .collect();
    let headings = ["device", "kind", "name", "vlan", "service", "admin", "source", "version"];
    context.out.table(&headings, &["version"], &rows)?;
    context.out.line(format!("\n{} records.", rows.len()))?;
    Ok(Exit::Done)
}
