//! Do the forecasts hold? What was said against what happened.

use super::{At, Axis, Figure, Ink, Key, Sheet, Table, number};
use crate::analysis::Honesty;
use crate::analysis::honesty::Measured;
use crate::report::ReportError;
use crate::report::view::{Reliability, ReliabilityBin};
use crate::report::words::{count, percent};

/// Fewer checked forecasts than this draw no picture.
const ENOUGH: u64 = 100;
/// Bins with fewer forecasts are merged with their neighbour.
const LEAST: u64 = 20;

pub(in crate::report) fn figure(reliability: &Reliability) -> Result<Figure, ReportError> {
    const ID: &str = "reliability";
    let bins = merged(&reliability.bins);
    if reliability.checked < ENOUGH || bins.is_empty() {
        let so_far = pooled(&reliability.bins).map_or(String::new(), |all| {
            format!(
                " So far: {} said on average, {} of {} happened.",
                percent(all.said),
                count(all.happened),
                count(all.n)
            )
        });
        return Ok(Figure::without(
            ID,
            "Reliability of the forecasts",
            format!("Under {ENOUGH} forecasts checked ({}).{so_far}", count(reliability.checked)),
        ));
    }
    let off: Vec<&ReliabilityBin> = bins.iter().filter(|b| b.said < b.low || b.said > b.high).collect();
    let title = if reliability.forecast_ignored {
        "The forecasts of late were worse than one rate for the whole fleet: tonight the oldest snapshots came first"
            .to_owned()
    } else if reliability.skill.is_some_and(|skill| skill < 0.0) {
        "Worse than a constant guess: do not lean on the forecasts yet".to_owned()
    } else if off.is_empty() {
        match bins
            .iter()
            .filter(|b| b.said >= 0.5)
            .max_by_key(|b| b.n)
            .or_else(|| bins.iter().max_by_key(|b| b.n))
        {
            Some(b) => format!(
                "When we said {}, it happened {} times in 100",
                percent(b.said),
                (100.0 * b.happened as f64 / b.n.max(1) as f64).round()
            ),
            None => "The forecasts hold".to_owned(),
        }
    } else {
        let over = off.iter().filter(|b| b.said > b.high).count();
        let word = if over * 2 >= off.len() { "too high" } else { "too low" };
        let where_ = off.iter().max_by_key(|b| b.n).map_or(0.0, |b| b.said);
        format!("Forecasts around {} were {word}", percent(where_))
    };
    let describe = bins
        .iter()
        .map(|b| format!("said {}: {} of {} happened", percent(b.said), count(b.happened), count(b.n)))
        .collect::<Vec<_>>()
        .join("; ");
    let figure = Figure {
        id: ID,
        title,
        subtitle: format!(
            "Probability said before the scan against the share that had changed, {} scans that chance chose. Bars are 90 % intervals; larger dots rest on more.{}",
            count(reliability.checked),
            reliability.honesty.as_ref().map_or_else(String::new, against)
        ),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key: vec![
            Key { mark: "line", word: "happened".to_owned() },
            Key { mark: "target", word: "as said".to_owned() },
        ],
        table: Table {
            caption: "What was said and what happened".to_owned(),
            columns: vec![
                number("Said"),
                number("Forecasts"),
                number("Happened"),
                number("Share"),
                number("5 %"),
                number("95 %"),
            ],
            rows: bins
                .iter()
                .map(|b| {
                    vec![
                        percent(b.said),
                        count(b.n),
                        count(b.happened),
                        percent(b.happened as f64 / b.n.max(1) as f64),
                        percent(b.low),
                        percent(b.high),
                    ]
                })
                .collect(),
            note: None,
        },
    };
    figure.draw(&describe, |sheet| paint(sheet, &bins))
}

/// Against both rivals, in one sentence.
fn against(honesty: &Honesty) -> String {
    let skill = |skill: Option<Measured>| {
        let Some(Measured { value, low, high }) = skill else { return "not known".to_owned() };
        match (low, high) {
            (Some(low), Some(high)) => format!("{value:.2} ({low:.2} to {high:.2})"),
            _ => format!("{value:.2}"),
        }
    };
    format!(
        " Skill over {} nights, 1 is perfect and 0 no better: {} against one rate for all, {} against each device's own.",
        count(honesty.nights),
        skill(honesty.skill_fleet),
        skill(honesty.skill_own)
    )
}

/// Small bins joined with the one before.
fn merged(bins: &[ReliabilityBin]) -> Vec<ReliabilityBin> {
    let mut out: Vec<ReliabilityBin> = Vec::new();
    for bin in bins.iter().filter(|b| b.n > 0 && b.said.is_finite()) {
        match out.last_mut() {
            Some(last) if last.n < LEAST || bin.n < LEAST => *last = joined(last, bin),
            _ => out.push(*bin),
        }
    }
    out
}

fn pooled(bins: &[ReliabilityBin]) -> Option<ReliabilityBin> {
    bins.iter().filter(|b| b.n > 0 && b.said.is_finite()).copied().reduce(|a, b| joined(&a, &b))
}

fn joined(a: &ReliabilityBin, b: &ReliabilityBin) -> ReliabilityBin {
    let (n, happened) = (a.n + b.n, a.happened + b.happened);
    let (low, high) = wilson(happened, n);
    ReliabilityBin {
        said: (a.said * a.n as f64 + b.said * b.n as f64) / n.max(1) as f64,
        n,
        happened,
        low,
        high,
    }
}

/// The 90 % score interval of a frequency (Wilson, 1927).
fn wilson(happened: u64, n: u64) -> (f64, f64) {
    /// The 95 % quantile of the normal distribution.
    const Z: f64 = 1.645;
    let n = n.max(1) as f64;
    let p = happened as f64 / n;
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

fn paint(sheet: &Sheet<'_>, bins: &[ReliabilityBin]) -> Result<(), ReportError> {
    let (left, right) = (58, sheet.width - 24);
    let (top, bottom) = (14, sheet.height - 46);
    let y = Axis::new(0.0, 1.0, bottom, top);
    let x = Axis::new(0.0, 1.0, left, right);
    sheet.rules(&y, left, right, percent)?;
    for tick in x.ticks(if sheet.is_narrow() { 3 } else { 6 }) {
        sheet.text((x.at(tick), bottom + 14), &percent(tick), Ink::Muted, At::Middle)?;
    }
    sheet.text((right, bottom + 34), "said", Ink::Muted, At::End)?;
    sheet.text((left + 6, top), "happened", Ink::Muted, At::Start)?;
    sheet.line(&[(left, bottom), (right, top)], Ink::Target, 2)?;
    let most = bins.iter().map(|b| b.n).max().unwrap_or(1).max(1) as f64;
    for bin in bins {
        let at = x.at(bin.said);
        let happened = bin.happened as f64 / bin.n.max(1) as f64;
        sheet.line(&[(at, y.at(bin.low)), (at, y.at(bin.high))], Ink::Line, 2)?;
        let radius = 4 + (5.0 * (bin.n as f64 / most).sqrt()).round() as i32;
        sheet.dot((at, y.at(happened)), radius, Ink::Line, false)?;
    }
    sheet.line(&[(left, bottom), (right, bottom)], Ink::Edge, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bins_join_their_neighbour() {
        let bin = |said, n, happened| ReliabilityBin { said, n, happened, low: 0.0, high: 1.0 };
        let bins = merged(&[bin(0.1, 10, 1), bin(0.2, 30, 6), bin(0.5, 40, 20), bin(0.9, 5, 5)]);
        assert_eq!(bins.iter().map(|b| b.n).collect::<Vec<_>>(), [40, 45]);
        assert_eq!(bins.iter().map(|b| b.happened).sum::<u64>(), 32);
    }
}
