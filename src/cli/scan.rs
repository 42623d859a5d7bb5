//! `driftcast scan`: read devices now.

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::{Context, devices, diff, limit, signals};
use crate::jobs::{self, OnDemand};
use crate::model::{Outcome, Scope};

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
    /// Put it into the queue that `serve` and the next nightly run drain; read nobody now
    #[arg(long)]
    later: bool,
}

pub(crate) async fn run(context: &Context, args: ScanArgs) -> Result<Exit, Failure> {
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
    if args.later {
        return ask_later(context, &env, &chosen, &scope);
    }
    if chosen.len() > 1 {
        env.events = context.progress();
    }
    env.stop = signals::stop()?;
    let done = jobs::scan(&env, OnDemand { devices: chosen, scope, full: args.all }).await?;
    let complete = done.counts.get(&Outcome::Complete).copied().unwrap_or(0);
    let failed: usize = done.counts.values().sum::<usize>() - complete;
    let now = env.clock.now();
    if context.out.json {
        let drifts: Vec<_> = done.drifts.iter().map(|d| diff::to_json(d, now)).collect();
        Output::write_json(&json!({ "run": done.run, "snapshots": done.snapshots, "drifts": drifts }))?;
    } else {
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
    }
    Ok(match (complete, failed) {
        _ if done.stopped => Exit::Partial,
        (0, _) => Exit::Failed,
        (_, 1..) => Exit::Partial,
        _ if !done.drifts.is_empty() => Exit::Drift,
        _ => Exit::Done,
    })
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
