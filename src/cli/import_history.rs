//! `driftcast import-history`: what Oxidized or RANCID have seen for years.

use std::path::PathBuf;
use std::sync::OnceLock;

use chrono::TimeDelta;
use clap::Args;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::{progress, words};
use crate::jobs::{self, PastAsk, PastImported, PastProgress};

#[derive(Args, Debug)]
pub(crate) struct ImportHistoryArgs {
    /// The git repository of Oxidized or RANCID, bare or not; again later: only what is new is read
    #[arg(long, value_name = "REPO")]
    git: PathBuf,
    /// How often it looks at a device: 1h, 30m, 7d. Counts where that is less than once a day
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = every)]
    interval: TimeDelta,
    /// Read and say what would be kept, and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// How many devices and files to list
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

/// A time such as `30m`, `1h`, `7d`; a year at most.
fn every(text: &str) -> Result<TimeDelta, String> {
    let text = text.trim();
    let told = || "give a number with m, h or d, such as 30m, 1h or 7d; a year at most".to_owned();
    let unit = text.chars().last().ok_or_else(told)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(told()),
    };
    let number: i64 = text[..text.len() - 1].parse().map_err(|_| told())?;
    let seconds = number.checked_mul(seconds).filter(|all| (1..=366 * 86_400).contains(all));
    seconds.map(TimeDelta::seconds).ok_or_else(told)
}

pub(crate) fn run(context: &Context, args: &ImportHistoryArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    if jobs::live_devices(&env)?.is_empty() {
        return Err(jobs::JobError::NoDevices.into());
    }
    let bar = OnceLock::new();
    let ask = PastAsk { folder: &args.git, every: args.interval, dry_run: args.dry_run, who: words::who() };
    let done = jobs::import_past(&env, &ask, &|progress| match progress {
        PastProgress::ToRead(commits) => {
            let _ = bar.set(progress::steps(context.quiet, "commits", commits as u64));
        }
        PastProgress::Read => {
            if let Some(bar) = bar.get() {
                bar.inc(1);
            }
        }
    });
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    let done = done?;
    if context.out.json {
        Output::write_json(&done)?;
    } else {
        tell(context, args, &done)?;
    }
    if done.devices.is_empty() {
        let hint = if done.strays.is_empty() {
            "its files should be called after devices, as in GROUP/NAME or GROUP/configs/NAME"
        } else {
            "add the devices to the inventory first (`driftcast devices import FILE`), then repeat this"
        };
        return Err(Failure::failed("the repository has no file of a device of the inventory").hint(hint));
    }
    let whole = done.doubtful.is_empty() && done.counts.unread == 0;
    Ok(if whole { Exit::Done } else { Exit::Partial })
}

fn tell(context: &Context, args: &ImportHistoryArgs, done: &PastImported) -> Result<(), Failure> {
    let out = &context.out;
    let counts = &done.counts;
    let span = match (done.first, done.until) {
        (Some(first), Some(until)) => {
            format!(", from {} to {}", words::moment(first), words::moment(until))
        }
        _ => String::new(),
    };
    out.line(format!("{}: {} commits{span}", done.source, done.commits))?;
    let mut rows: Vec<_> = done.devices.iter().collect();
    rows.sort_by(|a, b| b.changes.cmp(&a.changes).then_with(|| a.device.cmp(&b.device)));
    let cells: Vec<Vec<String>> = rows
        .iter()
        .take(args.top)
        .map(|row| {
            vec![
                row.device.to_string(),
                row.file.clone(),
                words::moment(row.since),
                row.changes.to_string(),
                row.last_change.map_or_else(String::new, words::moment),
                row.judged_by.to_owned(),
            ]
        })
        .collect();
    if !cells.is_empty() {
        out.table(
            &["device", "file", "since (UTC)", "changes", "last change", "told by"],
            &["changes"],
            &cells,
        )?;
    }
    if rows.len() > cells.len() {
        out.line(format!("{} more devices; --top {} lists all.", rows.len() - cells.len(), rows.len()))?;
    }
    out.line(format!(
        "\n{} devices, {} changes{}. No change: {} times other text than our facts, {} times only what is \
         printed anew each time.",
        done.devices.len(),
        counts.changed,
        if done.continued { " since the last import" } else { "" },
        counts.outside_facts,
        counts.volatile,
    ))?;
    for (n, what) in [
        (counts.changed_by_text, "changes were told by their text: no facts could be read"),
        (counts.unread, "contents were too large, missing or no text; their commits count as changes"),
        (counts.wrong_clock, "commits have the time of a wrong clock and are left out"),
        (counts.out_of_order, "times ran backwards and were put in order"),
    ] {
        if n > 0 {
            out.line(format!("{n} {what}."))?;
        }
    }
    for doubt in done.doubtful.iter().take(args.top) {
        out.line(format!(
            "{} has {} files, and nobody knows which is true: {}. None counts.",
            doubt.device,
            doubt.files.len(),
            doubt.files.join(", ")
        ))?;
    }
    strays(context, args, done)?;
    if !done.silent.is_empty() {
        let names: Vec<&str> =
            done.silent.iter().take(args.top).map(crate::model::DeviceName::as_str).collect();
        let more = if names.len() < done.silent.len() { " …" } else { "" };
        out.line(format!(
            "{} devices of the inventory have no file in it: {}{more}",
            done.silent.len(),
            names.join(", ")
        ))?;
    }
    let kept = match (done.dry_run, done.written) {
        (true, 0) => "Nothing of it is new.".to_owned(),
        (true, n) => format!("{n} times would be kept; nothing was written."),
        (false, 0) => "Nothing of it is new; nothing was written.".to_owned(),
        (false, n) => format!("{n} times were kept. `driftcast rank` knows of them now."),
    };
    out.line(kept)
}

fn strays(context: &Context, args: &ImportHistoryArgs, done: &PastImported) -> Result<(), Failure> {
    let out = &context.out;
    if done.strays.is_empty() {
        return Ok(());
    }
    out.line(format!("\n{} files are of no device of the inventory.", done.strays.len()))?;
    let lines: Vec<&str> =
        done.strays.iter().filter_map(|stray| stray.csv.as_deref()).take(args.top).collect();
    if !lines.is_empty() {
        out.line("These lines of an inventory would add some of them; the addresses are to be checked:\n")?;
        let header = crate::source::write_devices(&[]);
        out.line(format!("  {}", header.trim_end()))?;
        for line in lines {
            out.line(format!("  {line}"))?;
        }
        out.line("")?;
    }
    let odd: Vec<String> = done
        .strays
        .iter()
        .filter(|stray| stray.csv.is_none())
        .take(args.top)
        .map(|stray| match stray.name {
            Some(_) => format!("{} (its platform cannot be guessed)", stray.file),
            None => format!("{} (no name that a device can have)", stray.file),
        })
        .collect();
    for line in odd {
        out.line(format!("  {line}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_unit() {
        assert_eq!(every("1h"), Ok(TimeDelta::hours(1)));
        assert_eq!(every(" 30m"), Ok(TimeDelta::minutes(30)));
        assert_eq!(every("7d"), Ok(TimeDelta::days(7)));
        for bad in ["", "h", "1", "0h", "-1h", "1.5h", "400d", "1ü", "99999999999999999999d"] {
            assert!(every(bad).is_err(), "{bad}");
        }
    }
}
