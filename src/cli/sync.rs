//! `driftcast sync`: make a plan that accepts reality into the database of
//! record, and apply it. Also shows plans and results for the commands that
//! write through one (`scan --sync`, `records import --replace`).

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Context, devices, limit, words};
use crate::jobs::{self, Env, SyncAsk, SyncConsent, Synced};
use crate::model::{Cause, DriftId, Kind};
use crate::sync::draft::RESTLESS_RETURNS;
use crate::sync::{Action, Breach, Hold, SyncPlan};

/// More rows than this are counted, not printed; `--json` and the file have all.
const SHOWN: usize = 200;

#[derive(Subcommand, Debug)]
pub(crate) enum SyncCommand {
    /// Show what would be written, and on which evidence; writes nothing
    Plan(PlanArgs),
    /// Apply a plan file, within the limits
    Apply(ApplyArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    /// Only these drifts
    #[arg(long, value_name = "ID", num_args = 1..)]
    drift: Vec<String>,
    /// Only devices that match a name, a glob, or site=, role=, platform=, tag=
    #[arg(long, value_name = "WHICH")]
    limit: Vec<String>,
    /// Only drifts of this cause, such as historical: what was there at the first scan
    #[arg(long, value_name = "CAUSE", value_parser = parse_cause, conflicts_with_all = ["drift", "unmanaged"])]
    cause: Option<Cause>,
    /// Only things of this kind: interface, bridge-domain, service, vlan
    #[arg(long, value_name = "KIND", value_parser = parse_kind, conflicts_with = "drift")]
    kind: Option<Kind>,
    /// Not the drifts, but what lies outside the record's coverage: to record it,
    /// after which the record claims to know of it
    #[arg(long, conflicts_with = "drift")]
    unmanaged: bool,
    /// Write the plan to this file, for `sync apply`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ApplyArgs {
    /// A file that `sync plan --out` wrote; `-` is standard input
    file: PathBuf,
    /// Why: kept in the history of the records
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Lift this limit for this plan, once; a refusal names it
    #[arg(long, value_name = "LIMIT")]
    allow: Vec<String>,
}

fn parse_cause(text: &str) -> Result<Cause, String> {
    Cause::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
        format!("the causes are {}", all.join(", "))
    })
}

pub(crate) fn parse_kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| "the kinds are interface, bridge-domain, service and vlan".to_owned())
}

pub(crate) fn run(context: &Context, command: SyncCommand) -> Result<Exit, Failure> {
    match command {
        SyncCommand::Plan(args) => plan(context, &args),
        SyncCommand::Apply(args) => apply(context, &args),
    }
}

fn plan(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let limits = limit::parse_all(&args.limit)?;
    let devices = (!limits.is_empty())
        .then(|| -> Result<BTreeSet<_>, Failure> {
            let live = jobs::live_devices(&env)?;
            let ids: BTreeSet<_> = live
                .into_iter()
                .filter(|(_, device)| limits.iter().all(|limit| limit.matches(device)))
                .map(|(id, _)| id)
                .collect();
            if ids.is_empty() {
                return Err(
                    Failure::usage("no device matches").hint("`driftcast devices list` shows the inventory")
                );
            }
            Ok(ids)
        })
        .transpose()?;
    let of_kind = |kind: Kind| args.kind.is_none_or(|wanted| wanted == kind);
    let (drifts, things) = if args.unmanaged {
        let outside = jobs::unmanaged(&env, devices.as_ref())?;
        let keys = outside.into_iter().map(|one| (one.device_id, one.fact.key()));
        (Some(BTreeSet::new()), keys.filter(|(_, key)| of_kind(key.kind)).collect())
    } else if args.cause.is_some() || args.kind.is_some() {
        let mut open = jobs::open_drifts(&env)?;
        open.retain(|drift| of_kind(drift.key.kind) && args.cause.is_none_or(|cause| drift.cause == cause));
        (Some(open.into_iter().map(|drift| drift.id).collect()), BTreeSet::new())
    } else {
        let named = (!args.drift.is_empty()).then(|| args.drift.iter().cloned().map(DriftId).collect());
        (named, BTreeSet::new())
    };
    let ask = SyncAsk { devices, drifts, things, who: words::who(), ..SyncAsk::default() };
    let plan = jobs::plan_for(&env, &ask)?;
    let over = jobs::sync_breaches(&env, &plan)?;
    if let Some(file) = &args.out {
        write_file(file, &plan.to_text())?;
    }
    if context.out.json {
        Output::write_json(&plan)?;
        return Ok(Exit::Done);
    }
    show(context, &plan)?;
    for (number, line) in (1..).zip(env.policies.lines()) {
        let times = plan.policies.get(&number).copied().unwrap_or(0);
        context.out.line(format!("Policy {number} ({line}) matched {times} of these drifts."))?;
    }
    if plan.is_empty() {
        return context.out.line("Nothing to write.").map(|()| Exit::Done);
    }
    warn(context, &over)?;
    match &args.out {
        Some(file) => context.out.line(format!(
            "\nWrote {}, plan {}, good until {} UTC. Apply it with\n    driftcast sync apply {}",
            file.display(),
            plan.id(),
            words::moment(plan.expires_at),
            file.display()
        ))?,
        None => context.out.line("\nNothing was written. `--out FILE` keeps this plan for `sync apply`.")?,
    }
    Ok(Exit::Done)
}

fn apply(context: &Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let text = devices::read_input(&args.file)?;
    let plan = SyncPlan::read(&text).map_err(jobs::JobError::from)?;
    let env = context.env()?;
    let consent = SyncConsent {
        who: words::who(),
        why: args.reason.clone(),
        allow: args.allow.clone(),
        ..SyncConsent::default()
    };
    let again = format!("driftcast sync apply {}", args.file.display());
    let done = carry_out(&env, &plan, &consent, &again)?;
    told(context, &done)
}

/// Applies a plan; a guard's refusal says how to allow it, once, by name.
/// `again` is the command that would be repeated.
pub(crate) fn carry_out(
    env: &Env,
    plan: &SyncPlan,
    consent: &SyncConsent,
    again: &str,
) -> Result<Synced, Failure> {
    jobs::apply(env, plan, consent).map_err(|error| {
        let hint = match &error {
            jobs::JobError::Sync(crate::sync::Refused::Guard(over)) => Some(lifting(over, again)),
            _ => None,
        };
        let failure = Failure::from(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

pub(crate) fn lifting(over: &[Breach], again: &str) -> String {
    let flags: Vec<String> = over.iter().map(|breach| format!(" --allow {}", breach.name)).collect();
    format!("look at the plan; if it is meant, allow it once: {again}{}", flags.concat())
}

/// What a plan did, for people or as JSON.
pub(crate) fn told(context: &Context, done: &Synced) -> Result<Exit, Failure> {
    if context.out.json {
        Output::write_json(done)?;
    } else {
        let rows: Vec<Vec<String>> = done
            .devices
            .iter()
            .take(SHOWN)
            .map(|d| {
                vec![
                    d.change.clone(),
                    d.device.to_string(),
                    d.added.to_string(),
                    d.updated.to_string(),
                    d.removed.to_string(),
                ]
            })
            .collect();
        if !rows.is_empty() {
            let numbers = ["added", "changed", "removed"];
            context.out.table(&["change", "device", "added", "changed", "removed"], &numbers, &rows)?;
        }
        for skipped in &done.skipped {
            context.out.line(format!(
                "skipped {} {} on {}: {}",
                skipped.action.as_str(),
                skipped.key,
                skipped.device,
                skipped.why
            ))?;
        }
        let already =
            if done.already > 0 { format!(", {} were so already", done.already) } else { String::new() };
        context.out.line(format!(
            "{}: {} added, {} changed, {} removed, {} skipped{already}; {} drifts resolved.",
            done.plan,
            done.added,
            done.updated,
            done.removed,
            done.skipped.len(),
            done.drifts_resolved
        ))?;
        if !done.devices.is_empty() {
            context.out.line(format!("`driftcast records undo {}` takes all of it back.", done.plan))?;
        }
    }
    Ok(if done.skipped.is_empty() { Exit::Done } else { Exit::Partial })
}

/// A plan for people: what, on which evidence, and what is held back.
pub(crate) fn show(context: &Context, plan: &SyncPlan) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for unit in &plan.devices {
        for item in &unit.items {
            let sign = match item.action {
                Action::Add => "+ add",
                Action::Update => "~ change",
                Action::Remove => "- remove",
            };
            let back = match item.recurrences {
                0 => String::new(),
                1 => ", came back once".to_owned(),
                n if n >= RESTLESS_RETURNS => format!(", came back {n} times: never settles"),
                n => format!(", came back {n} times"),
            };
            let cause = item.cause.map_or_else(String::new, |cause| cause.as_str().to_owned());
            rows.push(vec![
                sign.to_owned(),
                unit.device.to_string(),
                item.fact_key().to_string(),
                item.says.clone(),
                item.drift.as_ref().map_or_else(String::new, ToString::to_string),
                format!("{cause}{back}"),
                rests_on(item),
            ]);
        }
    }
    let count = rows.len();
    rows.truncate(SHOWN);
    if count > 0 {
        context.out.table(&["", "device", "what", "record", "drift", "cause", "rests on"], &[], &rows)?;
    }
    if count > SHOWN {
        context.out.line(format!("… and {} more; the file and --json have all of them.", count - SHOWN))?;
    }
    // What nobody accepted is the usual case of an unattended plan, no news.
    let held: Vec<_> = plan.held.iter().filter(|held| held.why != Hold::NotAccepted).collect();
    if !held.is_empty() {
        context.out.line("\nHeld back:")?;
    }
    for held in held.iter().take(SHOWN) {
        context.out.line(format!("  {} {} {}: {}", held.drift, held.device, held.key, held.text))?;
    }
    if held.len() > SHOWN {
        context.out.line(format!("  … and {} more", held.len() - SHOWN))?;
    }
    let t = plan.totals;
    context.out.line(format!(
        "\nPlan {}: {} to add, {} to change, {} to remove on {} devices; {} held back.",
        plan.id(),
        t.adds,
        t.updates,
        t.removals,
        t.devices,
        t.held
    ))
}

fn rests_on(item: &crate::sync::Item) -> String {
    match &item.rests_on {
        crate::sync::Rest::File => "the file".to_owned(),
        crate::sync::Rest::Scan { run, started_at, seen, .. } => {
            let seen =
                if item.action == Action::Remove { format!(", absent in {seen}") } else { String::new() };
            format!("run {run}, {} UTC{seen}", words::moment(*started_at))
        }
    }
}

/// Says before anybody tries that a guard is in the way.
pub(crate) fn warn(context: &Context, over: &[Breach]) -> Result<(), Failure> {
    for breach in over {
        context.out.line(format!("Over a limit ({}): {}.", breach.name, breach.text))?;
    }
    Ok(())
}

/// Writes a file that only we can read, beside and then renamed.
fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let fail =
        |error: std::io::Error| Failure::failed(format!("failed to write {}: {error}", path.display()));
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(fail)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        // Nothing half-written stays behind.
        let _ = fs::remove_file(&beside);
        fail(error)
    })
}

/// What was found, offered to the record: shown, asked for, applied. `yes`
/// does not ask. `None`: there was nothing to offer, or the answer was no.
pub(crate) fn offer(
    context: &Context,
    env: &Env,
    drifts: BTreeSet<DriftId>,
    yes: bool,
    allow: &[String],
) -> Result<Option<Synced>, Failure> {
    if drifts.is_empty() {
        return Ok(None);
    }
    let ask = SyncAsk { drifts: Some(drifts), who: words::who(), ..SyncAsk::default() };
    let plan = jobs::plan_for(env, &ask)?;
    show(context, &plan)?;
    if plan.is_empty() {
        return Ok(None);
    }
    warn(context, &jobs::sync_breaches(env, &plan)?)?;
    if !yes {
        let question = format!("Accept {} records into the database of record?", plan.items());
        let answer = dialoguer::Confirm::new().with_prompt(question).default(false).interact();
        let answer = answer.map_err(|e| Failure::failed(format!("failed to read the answer: {e}")))?;
        if !answer {
            context.out.line("Nothing was written.")?;
            return Ok(None);
        }
    }
    let consent = SyncConsent { who: words::who(), allow: allow.to_vec(), ..SyncConsent::default() };
    carry_out(env, &plan, &consent, "the same command with").map(Some)
}

/// A result beside others.
pub(crate) fn to_json(done: Option<&Synced>) -> serde_json::Value {
    done.map_or(serde_json::Value::Null, |done| json!(done))
}
