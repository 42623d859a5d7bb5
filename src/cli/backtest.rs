//! `driftcast backtest`: scan policies side by side, on a history whose truth
//! is known.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::{self, Output};
use super::{devices, progress};
use crate::analysis::backtest::{self, FLEETS, Line, Mended, Policy, Signals, World, Yardstick};
use crate::source;

#[derive(Args, Debug)]
pub(crate) struct BacktestArgs {
    /// Change histories: CSV files with `device,role_or_dir,changed_at_unix`
    #[arg(value_name = "TRACE.csv")]
    traces: Vec<PathBuf>,
    /// A synthetic fleet of 1,000 devices instead [stationary, seasonal, bursty, regime, weighted, quiet]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fleet: Vec<String>,
    /// Which of the synthetic fleets of that name, and the draw of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Sessions a device and night: 0.1 or 10%; several with commas
    #[arg(long, value_name = "SHARE", value_delimiter = ',', default_value = "0.1", value_parser = budget)]
    budget: Vec<f64>,
    /// Which policies, with commas [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    policy: Vec<String>,
    /// At most this many nights: those with most changes
    #[arg(long, value_name = "N", default_value_t = backtest::WINDOW, value_parser = nights)]
    nights: usize,
    /// Adds noisy signals: `recall,false_per_day`, such as `0.8,0.01`; or `shuffled`, which say nothing
    #[arg(long, value_name = "RECALL,FALSE")]
    signals: Option<String>,
}

/// A share of the fleet, `0.1` or `10%`. Above the fleet is the whole fleet.
fn budget(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(share) if share.is_finite() && share >= 0.0 => Ok((share / scale).min(1.0)),
        _ => Err("give a share of the devices, such as 0.1 or 10%".to_owned()),
    }
}

fn nights(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "give a number of nights, at least 1".to_owned())
}

pub(crate) fn run(context: &Context, args: &BacktestArgs) -> Result<Exit, Failure> {
    let policies = policies(&args.policy)?;
    let signals = args.signals.as_deref().map(signals).transpose()?;
    let worlds = worlds(args)?;
    let settings = &context.settings().plan;
    let steps = worlds.len() * (args.budget.len() * policies.len() + 1);
    let bar = progress::steps(context.quiet, "replay", steps as u64);
    let mut lines = Vec::new();
    for world in worlds {
        let world = match signals {
            Some(signals) => world.with_signals(signals, args.seed),
            None => world,
        };
        let yardstick = Yardstick::of(&world, args.seed);
        bar.inc(1);
        for budget in &args.budget {
            for policy in &policies {
                let line = backtest::replay(&world, *policy, *budget, settings, args.seed);
                let line = Line {
                    round_robin_equivalent: Some(yardstick.budget(line.freshness)),
                    signals: args.signals.clone(),
                    ..line
                };
                bar.inc(1);
                if context.out.json {
                    Output::write_json(&line)?;
                }
                lines.push(line);
            }
        }
    }
    bar.finish_and_clear();
    if !context.out.json {
        show(context, &lines)?;
    }
    Ok(Exit::Done)
}

fn policies(names: &[String]) -> Result<Vec<Policy>, Failure> {
    let known = Policy::ALL.map(Policy::as_str);
    if names.is_empty() || names == ["all"] {
        return Ok(Policy::ALL.to_vec());
    }
    names
        .iter()
        .map(|name| {
            Policy::named(name.trim()).ok_or_else(|| {
                let failure = Failure::usage(format!("there is no policy {name:?}"));
                match source::nearest(name, known) {
                    Some(near) => failure.hint(format!("did you mean {near}?")),
                    None => failure.hint(format!("known are {}", known.join(", "))),
                }
            })
        })
        .collect()
}

fn signals(text: &str) -> Result<Signals, Failure> {
    let usual = (0.8, 0.01);
    if text == "shuffled" {
        return Ok(Signals::Shuffled { recall: usual.0, false_per_day: usual.1 });
    }
    let numbers: Vec<Option<f64>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers[..] {
        [Some(recall), Some(false_per_day)]
            if (0.0..=1.0).contains(&recall) && (0.0..=100.0).contains(&false_per_day) =>
        {
            Ok(Signals::Noisy { recall, false_per_day })
        }
        _ => Err(Failure::usage(format!("{text:?} are no signals"))
            .hint("give recall and false ones a device and day, such as 0.8,0.01; or shuffled")),
    }
}

fn worlds(args: &BacktestArgs) -> Result<Vec<World>, Failure> {
    let mut worlds = Vec::new();
    for path in &args.traces {
        worlds.push(trace(path, args.nights)?);
    }
    for name in &args.fleet {
        let Some(mut world) = backtest::fleet(name, args.seed) else {
            return Err(Failure::usage(format!("there is no synthetic fleet {name:?}"))
                .hint(format!("known are {}", FLEETS.join(", "))));
        };
        world.shorten(args.nights);
        worlds.push(world);
    }
    if worlds.is_empty() {
        return Err(Failure::usage("there is nothing to replay")
            .hint("name a trace file, or a synthetic fleet with --fleet stationary"));
    }
    Ok(worlds)
}

fn trace(path: &Path, nights: usize) -> Result<World, Failure> {
    let file = path.display().to_string();
    let rows = source::read_trace(&devices::read_input(&path.to_path_buf())?, &file)?;
    let beside = path.with_extension("lifetimes.csv");
    let lifetimes = if beside.is_file() {
        source::read_lifetimes(&source::read_file(&beside)?, &beside.display().to_string())?
    } else {
        Vec::new()
    };
    let (histories, mended) = backtest::histories(
        rows.into_iter().map(|row| (row.device, row.role, row.at)),
        lifetimes.into_iter().map(|life| (life.device, life.role, life.born, life.died)),
    );
    say(&file, &mended);
    let name = path.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
    let nothing = || {
        Failure::usage(format!("{file} has nothing to replay")).hint(
            "the first row of a device is its birth; it takes at least one change a day after the first birth",
        )
    };
    backtest::world(&name, &histories, nights).filter(|world| !world.lives.is_empty()).ok_or_else(nothing)
}

/// What was mended is said, once a file.
fn say(file: &str, mended: &Mended) {
    let parts: Vec<String> = [
        (mended.unsorted, "rows out of order were sorted"),
        (mended.twice, "rows that stand twice count once"),
        (mended.before_birth, "changes before a device's birth are left out"),
        (mended.without_rows, "lifetimes of devices without a row are left out"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    if !parts.is_empty() {
        output::say(&format!("{file}: {}", parts.join("; ")));
    }
}

fn show(context: &Context, lines: &[Line]) -> Result<(), Failure> {
    let mut shown: Option<(&str, f64)> = None;
    let mut start = 0;
    for end in 1..=lines.len() {
        if end < lines.len()
            && lines[end].source == lines[start].source
            && lines[end].budget.total_cmp(&lines[start].budget).is_eq()
        {
            continue;
        }
        let group = &lines[start..end];
        let first = &group[0];
        let gap = if shown.is_some() { "\n" } else { "" };
        context.out.line(format!(
            "{gap}{}: {} devices, {} nights, {} changes, {:.1} % of the devices a night{}",
            first.source,
            first.devices,
            first.nights,
            first.changes,
            first.budget * 100.0,
            first.signals.as_ref().map_or_else(String::new, |signals| format!(", signals {signals}")),
        ))?;
        table(context, group)?;
        shown = Some((&first.source, first.budget));
        start = end;
    }
    context.out.line(
        "\nstale: device-days per 1,000 on which the last snapshot was false; vs RR: against round robin.\n\
         delay: days from a change to the scan that shows it. age: days since the first unseen change, over all days.\n\
         sessions: a device and night, on average and in the busiest night. RR needs: the budget at which round\n\
         robin would be as fresh. off by: distance of the stated and the true share of changed devices, over all\n\
         device-nights. skill: log loss saved against one rate for the whole fleet (below 0: worse than that).",
    )
}

fn table(context: &Context, group: &[Line]) -> Result<(), Failure> {
    let round_robin = group.iter().find(|line| line.policy == Policy::RoundRobin);
    let percent = |x: f64| format!("{:.1} %", 100.0 * x);
    let rows: Vec<Vec<String>> = group
        .iter()
        .map(|line| {
            let against = round_robin.map_or_else(String::new, |base| {
                format!("{:+.0} %", 100.0 * (line.stale_per_1000 / base.stale_per_1000.max(1e-9) - 1.0))
            });
            vec![
                line.policy.as_str().to_owned(),
                format!("{:.2} %", 100.0 * line.freshness),
                format!("{:.2}", line.stale_per_1000),
                against,
                format!("{:.2}", line.delay_days),
                format!("{:.3}", line.age_days),
                format!("{}, {}", percent(line.sessions_share), percent(line.peak_share)),
                line.round_robin_equivalent.map_or_else(String::new, percent),
                line.ece.map_or_else(String::new, |error| format!("{:.1} pp", 100.0 * error)),
                line.logloss_skill.map_or_else(String::new, |skill| format!("{:+.0} %", 100.0 * skill)),
            ]
        })
        .collect();
    let headings =
        ["policy", "fresh", "stale", "vs RR", "delay", "age", "sessions", "RR needs", "off by", "skill"];
    context.out.table(&headings, &headings[1..], &rows)
}
