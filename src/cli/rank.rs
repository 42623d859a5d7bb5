//! `driftcast rank`: the scan-next list.

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::words;
use crate::jobs;
use crate::model::finding::Basis;

#[derive(Args, Debug)]
pub(crate) struct RankArgs {
    /// How many devices to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Show instead what more or fewer sessions a night would buy
    #[arg(long)]
    budgets: bool,
}

pub(crate) fn run(context: &Context, args: &RankArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    if args.budgets {
        return budgets(context, &env);
    }
    let mut rankings = jobs::known(&env)?.rankings;
    if context.out.json {
        rankings.truncate(args.top);
        let honesty = jobs::honesty(&env)?;
        Output::write_json(&json!({ "devices": rankings, "forecasts": honesty }))?;
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
    if let Some(honesty) = jobs::honesty(&env)? {
        context.out.line(words::honesty(&honesty))?;
    }
    Ok(Exit::Done)
}

/// Sessions against freshness, with the interval that each device should have
/// at the budget of the configuration.
fn budgets(context: &Context, env: &jobs::Env) -> Result<Exit, Failure> {
    const SHARES: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0];
    let rankings = jobs::known(env)?.rankings;
    let fleet = rankings.len();
    let own = context.settings().plan.budget.sessions(fleet) as f64;
    let mut sessions: Vec<f64> = SHARES.iter().map(|share| (share * fleet as f64).max(1.0)).collect();
    sessions.push(own);
    sessions.sort_by(f64::total_cmp);
    sessions.dedup();
    let bought = jobs::budgets(env, &sessions)?;
    if context.out.json {
        let nights = |days: &f64| days.is_finite().then_some(*days);
        let lines: Vec<serde_json::Value> = sessions
            .iter()
            .zip(&bought)
            .map(|(sessions, bought)| {
                let intervals: serde_json::Map<String, serde_json::Value> = rankings
                    .iter()
                    .zip(&bought.intervals)
                    .map(|(ranking, days)| (ranking.device.to_string(), json!(nights(days))))
                    .collect();
                json!({
                    "sessions": sessions,
                    "freshness": bought.freshness,
                    "delay_days": bought.delay_days,
                    "interval_days": intervals,
                })
            })
            .collect();
        Output::write_json(&json!({ "budgets": lines }))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .zip(&bought)
        .map(|(sessions, bought)| {
            let mark = if sessions.total_cmp(&own).is_eq() { "configured" } else { "" };
            vec![
                format!("{sessions:.0}"),
                format!("{:.1} %", 100.0 * bought.freshness),
                format!("{} d", figure(bought.delay_days)),
                mark.to_owned(),
            ]
        })
        .collect();
    context.out.table(&["sessions", "fresh", "delay", ""], &["sessions", "fresh", "delay"], &rows)?;
    context.out.line(
        "\nsessions: a night, spent as well as fixed intervals can be, if devices go on as they did.\n\
         fresh: share of device-time on which the last snapshot is true. delay: mean days from a change to its scan.\n\
         Campaigns come on top: the nightly run follows them, fixed intervals do not.",
    )?;
    let Some(at_own) = sessions.iter().position(|n| n.total_cmp(&own).is_eq()) else { return Ok(Exit::Done) };
    let mut intervals: Vec<(&str, f64)> = rankings
        .iter()
        .zip(&bought[at_own].intervals)
        .map(|(ranking, days)| (ranking.device.as_str(), *days))
        .collect();
    intervals.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
    let rows: Vec<Vec<String>> = intervals
        .iter()
        .take(20)
        .map(|(device, days)| vec![(*device).to_owned(), format!("{} d", figure(*days))])
        .collect();
    context.out.line("\nRecommended intervals at the configured budget, shortest first:")?;
    context.out.table(&["device", "every"], &["every"], &rows)?;
    if intervals.len() > rows.len() {
        context.out.line(format!("\n{} more; --json has all.", intervals.len() - rows.len()))?;
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
