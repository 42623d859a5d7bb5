//! `driftcast rank`: the scan-next list.

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::words;
use crate::jobs;
use crate::model::finding::Basis;

#[derive(Args, Debug)]
pub(crate) struct RankArgs {
    /// How many devices to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

pub(crate) fn run(context: &Context, args: &RankArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let mut rankings = jobs::known(&env)?.rankings;
    if context.out.json {
        rankings.truncate(args.top);
        context.out.json(&json!({ "devices": rankings }))?;
        return Ok(Exit::Done);
    }
    let total = rankings.len();
    rankings.truncate(args.top);
    let rows: Vec<Vec<String>> = rankings
        .iter()
        .enumerate()
        .map(|(index, r)| {
            vec![
                (index + 1).to_string(),
                r.device.to_string(),
                format!("{:.0} %", r.p_change * 100.0),
                format!("{:.0} %", r.p_drift * 100.0),
                format!("{} ({} to {})", figure(r.rate_per_30_days), figure(r.rate_low), figure(r.rate_high)),
                r.median_days_to_next.map_or_else(|| "> 10 years".to_owned(), |d| format!("{} d", figure(d))),
                r.last_good_scan.map_or_else(|| "never".to_owned(), |at| words::age(at, env.clock.now())),
                r.reason.clone(),
            ]
        })
        .collect();
    context.out.table(
        &["#", "device", "changed", "drifted", "changes/30 d (90 %)", "next in", "last read", "why"],
        &["#", "changed", "drifted"],
        &rows,
    )?;
    if total > rows.len() {
        context.out.line(format!("\n{} more; --top {total} shows all.", total - rows.len()))?;
    }
    let prior = rankings.iter().filter(|r| r.basis == Basis::Prior).count();
    context.out.line(
        "\nchanged: chance that the device differs from its last complete snapshot by now.\n\
         drifted: chance that it differs in a way the record does not know.\n\
         changes/30 d: most likely rate, with the range that holds it 9 times in 10.",
    )?;
    if prior > 0 {
        context
            .out
            .line(format!("{prior} of these have too little history and are judged by similar devices."))?;
    }
    Ok(Exit::Done)
}

/// Two significant figures.
fn figure(value: f64) -> String {
    match value {
        v if v >= 10.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
