//! `driftcast scan`: read devices now.

use std::io::IsTerminal as _;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;

use super::{Context, devices, diff, limit, signals, sync};
use crate::config::window;
use crate::jobs::{self, OnDemand};
use crate::model::{Device, Outcome, Scope};

#[derive(Args, Debug)]
pub(crate) struct ScanArgs {
    /// Devices to read
    #[arg(required_unless_present_any = ["all", "limit"])]
    names: Vec<String>,
    /// Read the whole inventory
    #[arg(long, conflicts_with_all = ["names", "limit"])]
    all: bool,
    /// Devices that match a name, a glob, or site=, role=, platform=, tag=
    #[arg(long, value_name = "WHICH")]
    limit: Vec<String>,
    /// Read only this interface
    #[arg(long, value_name = "IF", conflicts_with = "bridge_domain")]
    interface: Option<String>,
    /// Read only this bridge domain and the interfaces in it
    #[arg(long, value_name = "BD")]
    bridge_domain: Option<String>,
    /// Read also what a [[window]] keeps from being read now
    #[arg(long)]
    outside_window: bool,
    /// Offer what was found to the database of record, through a plan and its guards
    #[arg(long)]
    sync: bool,
    /// With --sync: do not ask
    #[arg(long, requires = "sync")]
    yes: bool,
    /// With --sync: lift this limit, once; a refusal names it
    #[arg(long, value_name = "LIMIT", requires = "sync")]
    allow: Vec<String>,
    /// Put it into the queue that `serve` and the next nightly run drain; read nobody now
    #[arg(long)]
    later: bool,
}

pub(crate) async fn run(context: &Context, args: ScanArgs) -> Result<Exit, Failure> {
    if args.sync && !args.yes && (context.out.json || !std::io::stdin().is_terminal()) {
        return Err(Failure::usage("--sync asks, and there is nobody to ask")
            .hint("--yes accepts what the guards let through; or make a plan with `driftcast sync plan`"));
    }
    let mut env = context.env()?.with_jump_hosts()?;
    let live = jobs::live_devices(&env)?;
    if live.is_empty() {
        return Err(Failure::usage("the inventory is empty").hint("`driftcast devices import FILE` fills it"));
    }
    let limits = limit::parse_all(&args.limit)?;
    let names: Vec<_> = live.iter().map(|(_, d)| d.clone()).collect();
    if let Some(stranger) = args.names.iter().find(|n| !names.iter().any(|d| d.name.as_str() == n.as_str())) {
        return Err(devices::unknown(stranger, &names));
    }
    let chosen: Vec<_> = live
        .into_iter()
        .filter(|(_, d)| args.names.is_empty() || args.names.iter().any(|n| n == d.name.as_str()))
        .filter(|(_, d)| limits.iter().all(|limit| limit.matches(d)))
        .collect();
    if chosen.is_empty() {
        return Err(Failure::usage("no device matches").hint("`driftcast devices list` shows the inventory"));
    }
    let scope = match (args.interface, args.bridge_domain) {
        (Some(name), _) => Scope::Interface(name),
        (_, Some(name)) => Scope::BridgeDomain(name),
        _ => Scope::Device,
    };
    for (_, device) in &chosen {
        if let Some(platform) = crate::platform::by_name(&device.platform) {
            platform.script(&scope).map_err(Failure::usage)?;
        }
    }
    env.heed_windows = !args.outside_window;
    if args.later {
        return ask_later(context, &env, &chosen, &scope);
    }
    if !args.names.is_empty()
        && let Some((_, device)) = chosen.iter().find(|(_, device)| env.is_closed_to(device))
    {
        return Err(outside(&env, device));
    }
    if chosen.len() > 1 {
        env.events = context.progress();
    }
    env.stop = signals::stop()?;
    let done = jobs::scan(&env, OnDemand { devices: chosen, scope, full: args.all }).await?;
    let complete = done.counts.get(&Outcome::Complete).copied().unwrap_or(0);
    let not_due = done.counts.get(&Outcome::NotDue).copied().unwrap_or(0);
    let failed: usize = done.counts.values().sum::<usize>() - complete - not_due;
    let now = env.clock.now();
    let found = done.drifts.iter().map(|drift| drift.id.clone()).collect();
    if context.out.json {
        let synced = if args.sync { sync::offer(context, &env, found, true, &args.allow)? } else { None };
        let drifts: Vec<_> = done.drifts.iter().map(|d| diff::to_json(d, now)).collect();
        let mut value = json!({ "run": done.run, "snapshots": done.snapshots, "drifts": drifts });
        if args.sync {
            value["sync"] = sync::to_json(synced.as_ref());
        }
        Output::write_json(&value)?;
        return Ok(exit(complete, failed, done.drifts.len(), synced.as_ref()));
    }
    let synced = {
        for snapshot in &done.snapshots {
            let name = snapshot.device.as_deref().unwrap_or("?");
            if snapshot.outcome.is_complete() {
                context.out.line(format!(
                    "{name}: complete, {} interfaces, {} bridge domains, {} services",
                    snapshot.interfaces.len(),
                    snapshot.bridge_domains.len(),
                    snapshot.services.len()
                ))?;
            } else {
                let detail = snapshot.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
                context.out.line(format!("{name}: {}{detail}", snapshot.outcome.as_str()))?;
            }
            if snapshot.scope != Scope::Device && snapshot.outcome.is_complete() {
                show_narrow(context, snapshot)?;
            }
        }
        if !done.drifts.is_empty() {
            context.out.line("")?;
            let rows: Vec<Vec<String>> = done
                .drifts
                .iter()
                .map(|d| {
                    vec![
                        d.id.to_string(),
                        d.device.to_string(),
                        d.class.as_str().to_owned(),
                        d.key.to_string(),
                        diff::both_sides(d),
                    ]
                })
                .collect();
            context.out.table(&["id", "device", "class", "what", "record → device"], &[], &rows)?;
        }
        context.out.line(format!(
            "\nRun {}: drift {} new or back, {} resolved, {} open on what was read.",
            done.run,
            done.opened,
            done.resolved,
            done.drifts.len()
        ))?;
        if args.sync {
            context.out.line("")?;
            sync::offer(context, &env, found, args.yes, &args.allow)?
        } else {
            None
        }
    };
    if let Some(synced) = &synced {
        sync::told(context, synced)?;
    }
    if done.stopped {
        return Ok(Exit::Partial);
    }
    Ok(exit(complete, failed, done.drifts.len(), synced.as_ref()))
}

/// What is still open after a sync is drift; what it had to skip is too.
fn exit(complete: usize, failed: usize, drifts: usize, synced: Option<&jobs::Synced>) -> Exit {
    let resolved = synced.map_or(0, |synced| synced.drifts_resolved);
    match (complete, failed) {
        (0, _) => Exit::Failed,
        (_, 1..) => Exit::Partial,
        _ if drifts > resolved => Exit::Drift,
        _ => Exit::Done,
    }
}

/// A device that was asked for by name and may not be read now.
pub(crate) fn outside(env: &jobs::Env, device: &Device) -> Failure {
    let now = env.clock.now();
    let closed = window::closed(&env.settings.window, device, now);
    let windows: Vec<String> = closed.iter().map(ToString::to_string).collect();
    let next = closed.iter().filter_map(|window| window.next_opening(now)).min();
    let when = next.map_or_else(|| "never".to_owned(), |next| format!("at {}", next.format("%F %R UTC")));
    Failure::failed(format!("{} may not be read now: it is outside of {}", device.name, windows.join(", ")))
        .hint(format!("it opens {when}; `--outside-window` reads it all the same"))
}

fn ask_later(
    context: &Context,
    env: &jobs::Env,
    chosen: &[(i64, crate::model::Device)],
    scope: &Scope,
) -> Result<Exit, Failure> {
    let requests = jobs::ask_later(env, chosen, scope, "asked for with --later")?;
    if context.out.json {
        let rows: Vec<_> = chosen
            .iter()
            .zip(&requests)
            .map(|((_, device), id)| json!({ "request": id, "device": device.name, "scope": scope }))
            .collect();
        Output::write_json(&json!({ "requests": rows }))?;
        return Ok(Exit::Done);
    }
    for ((_, device), id) in chosen.iter().zip(&requests) {
        context.out.line(format!("Request {id}: {}", device.name))?;
    }
    let who = if crate::store::ServeLock::holder(&env.dir).is_some() {
        "`driftcast serve` is running and reads it soon."
    } else {
        "The next nightly run reads it, or `driftcast serve` when it is started."
    };
    context.out.line(who)?;
    Ok(Exit::Done)
}

/// What a narrow scan found: people asked about one thing, so show it.
fn show_narrow(context: &Context, snapshot: &crate::model::Snapshot) -> Result<(), Failure> {
    if snapshot.interfaces.is_empty() && snapshot.bridge_domains.is_empty() {
        return context.out.line("  it is not configured there");
    }
    for interface in &snapshot.interfaces {
        let tags = match (&interface.encapsulation.outer, &interface.encapsulation.inner) {
            (Some(outer), Some(inner)) => format!("VLAN {outer} inner {inner}"),
            (Some(outer), None) => format!("VLAN {outer}"),
            _ => "no VLAN".to_owned(),
        };
        let service = interface
            .service
            .as_ref()
            .map_or_else(|| "in no service".to_owned(), |s| format!("in {} {}", s.kind.as_str(), s.name));
        context.out.line(format!("  {}: {tags}, {service}", interface.name))?;
    }
    Ok(())
}
