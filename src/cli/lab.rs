//! `driftcast lab`: keeps the simulated fleet up until Ctrl-C.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::{Output, say};
use crate::jobs::demo;

#[derive(Args, Debug)]
pub(crate) struct LabArgs {
    /// How many devices a new fleet has; a demo's fleet keeps its own
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=250))]
    devices: u32,
    /// The first port of a new fleet, which gets the following ones [default: any that are free]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Write the inventory (CSV) of a new fleet to this file [default: DIR/inventory.csv]
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Let people keep changing the devices: one simulated day every ten seconds
    #[arg(long)]
    keep_drifting: bool,
}

pub(crate) async fn run(context: &Context, args: LabArgs) -> Result<Exit, Failure> {
    let dir = if context.dir_given { context.dir.clone() } else { PathBuf::from("driftcast-demo") };
    let mut served =
        demo::serve_lab(&dir, args.devices as usize, args.port, args.inventory.as_deref(), context.clock)
            .await?;
    if context.out.json {
        Output::write_json(&json!({
            "devices": served.devices, "inventory": served.inventory, "known_hosts": served.known_hosts
        }))?;
    } else {
        context.out.line(format!(
            "{} devices are up on 127.0.0.1 (ports {} to {}).",
            served.devices, served.ports.0, served.ports.1
        ))?;
        if let Some(inventory) = &served.inventory {
            context.out.line(format!("Inventory: {}", inventory.display()))?;
            context.out.line(format!(
                "Next, in another terminal: driftcast --data {} devices import {}",
                dir.display(),
                inventory.display()
            ))?;
        } else {
            // A fleet that was made here and not by a demo has its inventory beside it.
            let inventory = dir.join("inventory.csv");
            let next = if inventory.is_file() {
                format!("devices import {}", inventory.display())
            } else {
                "nightly --budget 100%".to_owned()
            };
            context
                .out
                .line(format!("Next, in another terminal: driftcast --data {} {next}", dir.display()))?;
        }
        context.out.line("Ctrl-C ends it.")?;
    }
    let mut day = tokio::time::interval(std::time::Duration::from_secs(10));
    day.tick().await;
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => {
                stopped.map_err(|e| Failure::failed(format!("failed to wait for Ctrl-C: {e}")))?;
                break;
            }
            _ = day.tick(), if args.keep_drifting => {
                let edits = served.let_a_day_pass(&dir)?;
                say(&format!("{}: a day passed in the lab; {edits} edits by the deployment tool", served.night.format("%Y-%m-%d")));
            }
        }
    }
    Ok(Exit::Done)
}
