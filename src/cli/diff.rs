//! `driftcast diff`: open drifts, record → device, and what to do about each.

use std::collections::HashMap;

use clap::Args;
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Context, limit};
use crate::analysis::{accept, advise};
use crate::jobs;
use crate::model::{Device, DeviceName, Drift, DriftClass, Record};
use crate::report::view::OpenDrift;
use crate::source;

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// Only this device
    name: Option<String>,
    /// Only devices that match a name, a glob, or site=, role=, platform=, tag=
    #[arg(long, value_name = "WHICH")]
    limit: Vec<String>,
    /// Only this class: unrecorded, missing, differs
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    class: Option<DriftClass>,
    /// Print record rows (CSV) that would make the record agree with the devices
    #[arg(long)]
    as_records: bool,
    /// Not the drifts: what is configured and lies outside the record's coverage
    #[arg(long, conflicts_with_all = ["class", "as_records"])]
    unmanaged: bool,
}

fn parse_class(text: &str) -> Result<DriftClass, String> {
    DriftClass::parse(text).ok_or_else(|| "the classes are unrecorded, missing and differs".to_owned())
}

pub(crate) fn run(context: &Context, args: &DiffArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let limits = limit::parse_all(&args.limit)?;
    let devices = super::devices::inventory(&env)?;
    if let Some(name) = &args.name
        && !devices.iter().any(|d| d.name.as_str() == name)
    {
        return Err(super::devices::unknown(name, &devices));
    }
    let wanted = |device: &Device| {
        args.name.as_ref().is_none_or(|name| device.name.as_str() == name)
            && limits.iter().all(|limit| limit.matches(device))
    };
    let names: std::collections::HashSet<_> =
        devices.iter().filter(|d| wanted(d)).map(|d| d.name.clone()).collect();
    if args.unmanaged {
        let wanted = |device: &DeviceName| names.contains(device);
        return unmanaged(context, &env, &wanted);
    }
    let drifts: Vec<Drift> = jobs::open_drifts(&env)?
        .into_iter()
        .filter(|d| names.contains(&d.device) && args.class.is_none_or(|class| d.class == class))
        .collect();
    let exit = if drifts.is_empty() { Exit::Done } else { Exit::Drift };

    if args.as_records {
        let accepting = |d: &Drift| accept::accepting(&d.device, &accept::disagreement_of(d)?);
        let rows: Vec<Record> = drifts.iter().filter_map(accepting).collect();
        Output::raw(&source::write_records_csv(&rows))?;
        // The rows are the result: a script goes on to import them.
        return Ok(Exit::Done);
    }
    if context.out.json {
        let notes = jobs::drift_notes(&env, &drifts)?;
        let rows: Vec<Value> = drifts
            .iter()
            .map(|d| {
                let mut value = to_json(d, env.clock.now());
                let note = notes.get(&d.id);
                value["changed"] = json!(note.and_then(|note| note.changed.as_ref()));
                value["settles"] = json!(note.and_then(|note| note.settles));
                value["policy"] = json!(note.and_then(|note| note.policy.as_ref()));
                value["decision"] = json!(note.and_then(|note| note.decision.as_ref()));
                value
            })
            .collect();
        Output::write_json(&json!({ "drifts": rows }))?;
        return Ok(exit);
    }
    if drifts.is_empty() {
        context
            .out
            .line("No open drift: wherever the record claims to know and the device was read, they agree.")?;
        return Ok(exit);
    }
    let notes = jobs::drift_notes(&env, &drifts)?;
    let rows: Vec<Vec<String>> = drifts.iter().map(|d| row(d, notes.get(&d.id), env.clock.now())).collect();
    context.out.table(
        &["id", "device", "class", "kind", "name", "record → device", "age", "cause"],
        &["age"],
        &rows,
    )?;
    context.out.line(format!("\n{} open.", drifts.len()))?;
    let matters = advise::Matters { drifts: &drifts, unread: &[], importance: &HashMap::new() };
    for recommendation in advise::advise(&matters).into_iter().take(5) {
        context.out.line(format!("- {}: {}", recommendation.what, recommendation.why))?;
        if let Some(command) = recommendation.command {
            context.out.line(format!("    {}", command.replace('\n', "\n    ")))?;
        }
    }
    Ok(exit)
}

/// What the record does not claim to know. It is no drift, so this is no failure.
fn unmanaged(
    context: &Context,
    env: &jobs::Env,
    wanted: &dyn Fn(&DeviceName) -> bool,
) -> Result<Exit, Failure> {
    let mut found = jobs::unmanaged(env, None)?;
    found.retain(|one| wanted(&one.device));
    if context.out.json {
        let rows: Vec<Value> = found
            .iter()
            .map(|one| {
                let key = one.fact.key();
                json!({ "device": one.device, "kind": key.kind, "key": key.key, "fact": one.fact })
            })
            .collect();
        Output::write_json(&json!({ "unmanaged": rows }))?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        context.out.line("Nothing: the record claims to know of everything that was read.")?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|one| {
            let key = one.fact.key();
            let says = super::resolve::side(Some(&one.fact.fields()));
            vec![one.device.to_string(), key.kind.to_string(), key.key, says]
        })
        .collect();
    context.out.table(&["device", "kind", "name", "on the device"], &[], &rows)?;
    context.out.line(format!("\n{} things outside the record's coverage: no drift.", found.len()))?;
    context.out.line(
        "`driftcast sync plan --unmanaged --out FILE` (with --kind, --limit) makes a plan that records them; \
         from then on the record claims to know of their kinds there.",
    )?;
    Ok(Exit::Done)
}

/// One drift in the JSON contract's shape.
pub(crate) fn to_json(drift: &Drift, now: chrono::DateTime<chrono::Utc>) -> Value {
    json!({
        "id": drift.id,
        "device": drift.device,
        "kind": drift.key.kind,
        "key": drift.key.key,
        "class": drift.class,
        "fields": drift.fields,
        "cause": drift.cause,
        "record": drift.record,
        "fact": drift.fact,
        "first_seen": drift.first_seen,
        "since": drift.since,
        "age_days": age_days(drift, now),
        "recurrences": drift.recurrences,
        "recommendation": advise::for_drift(drift),
    })
}

fn age_days(drift: &Drift, now: chrono::DateTime<chrono::Utc>) -> f64 {
    let hours = (now - drift.since).num_hours().max(0) as f64;
    (hours / 24.0 * 10.0).round() / 10.0
}

/// Where it came from, who committed it, whether it lasts, and what a policy says.
fn origin(drift: &Drift, note: Option<&jobs::DriftNote>) -> String {
    let mut parts = vec![drift.cause.as_str().to_owned()];
    if let Some(note) = note {
        let change = note.changed.as_ref();
        let by: Vec<&str> =
            change.into_iter().flat_map(|c| [c.who.as_deref(), c.via.as_deref()]).flatten().collect();
        if !by.is_empty() {
            parts.push(format!("by {}", by.join(" via ")));
        }
        parts.extend(note.settles.map(str::to_owned));
        parts.extend(note.policy.clone());
        parts.extend(note.decision.as_ref().map(|d| format!("{} by {}", d.choice.as_str(), d.who)));
    }
    parts.join(", ")
}

fn row(drift: &Drift, note: Option<&jobs::DriftNote>, now: chrono::DateTime<chrono::Utc>) -> Vec<String> {
    vec![
        drift.id.to_string(),
        drift.device.to_string(),
        drift.class.as_str().to_owned(),
        drift.key.kind.to_string(),
        drift.key.key.clone(),
        both_sides(drift),
        format!("{:.0} d", age_days(drift, now)),
        origin(drift, note),
    ]
}

/// What record and device say, as short as it can be said.
pub(crate) fn both_sides(drift: &Drift) -> String {
    let pairs = OpenDrift::of(drift, drift.first_seen).fields;
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    match drift.class {
        DriftClass::Unrecorded => {
            let what: Vec<String> =
                pairs.iter().filter_map(|p| p.fact.as_ref().map(|v| format!("{} {v}", p.field))).collect();
            format!("nothing → {}", if what.is_empty() { "present".to_owned() } else { what.join(", ") })
        }
        DriftClass::Missing => {
            let what: Vec<String> =
                pairs.iter().filter_map(|p| p.record.as_ref().map(|v| format!("{} {v}", p.field))).collect();
            format!("{} → nothing", if what.is_empty() { "present".to_owned() } else { what.join(", ") })
        }
        DriftClass::Differs => pairs
            .iter()
            .map(|p| format!("{} {} → {}", p.field, side(&p.record), side(&p.fact)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
