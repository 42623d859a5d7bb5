//! Is what we hold still true? Share of device-time on which the last
//! snapshot was still right, by night.

use super::{At, Axis, Figure, Ink, Key, Sheet, Table, number, text, units};
use crate::report::ReportError;
use crate::report::view::{Estimate, FreshNight};
use crate::report::words::percent;

pub(in crate::report) fn figure(nights: &[FreshNight], target: Option<f64>) -> Result<Figure, ReportError> {
    const ID: &str = "freshness";
    let known: Vec<(usize, Estimate)> = nights
        .iter()
        .enumerate()
        .filter_map(|(i, night)| Some((i, night.share?)))
        .filter(|(_, s)| s.mid.is_finite() && s.low.is_finite() && s.high.is_finite())
        .collect();
    if known.len() < 2 {
        return Ok(Figure::without(
            ID,
            "Freshness of snapshots",
            "Starts after 2 nights: it compares what was believed with what was found.",
        ));
    }
    let mean = known.iter().map(|(_, s)| s.mid).sum::<f64>() / known.len() as f64;
    let after: Vec<f64> =
        nights.iter().filter_map(|night| Some(night.after?.mid)).filter(|mid| mid.is_finite()).collect();
    let mut title = format!("Before a night's reading, {} of our snapshots were still right", percent(mean));
    if !after.is_empty() {
        title = format!("{title}; after it, {}", percent(after.iter().sum::<f64>() / after.len() as f64));
    }
    if let Some(goal) = target.filter(|goal| known.iter().all(|(_, s)| s.mid < *goal)) {
        title = format!("{title}; no night met {}", percent(goal));
    }
    let worst = known.iter().min_by(|a, b| a.1.mid.total_cmp(&b.1.mid));
    let (first, last) = (known[0], known[known.len() - 1]);
    let describe = format!(
        "From {} on {} to {} on {}.{}",
        percent(first.1.mid),
        nights[first.0].night.format("%-d %b"),
        percent(last.1.mid),
        nights[last.0].night.format("%-d %b"),
        worst.map_or(String::new(), |(i, s)| format!(
            " Worst night {}: {}.",
            nights[*i].night.format("%-d %b"),
            percent(s.mid)
        )),
    );
    let floor = floor(&known);
    let cut = if floor > 0.0 { format!(" Axis cut at {}.", percent(floor)) } else { String::new() };
    let mut key = vec![
        Key { mark: "line", word: "when the night began".to_owned() },
        Key { mark: "band", word: "90 % interval".to_owned() },
        Key { mark: "ink", word: "after its reading".to_owned() },
    ];
    if let Some(goal) = target {
        key.push(Key { mark: "target", word: format!("wanted, {}", percent(goal)) });
    }
    if known.len() < nights.len() {
        key.push(Key { mark: "hatch", word: "no run".to_owned() });
    }
    let figure = Figure {
        id: ID,
        title,
        subtitle: format!(
            "Expected share of devices whose last snapshot was still true, night by night.{cut}"
        ),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key,
        table: table(nights),
    };
    figure.draw(&describe, |sheet| paint(sheet, nights, &known, target, floor))
}

/// Where the axis starts: at a round tenth below everything, or at zero when
/// that would hide that things are bad.
fn floor(known: &[(usize, Estimate)]) -> f64 {
    let low = known.iter().map(|(_, s)| s.low).fold(1.0, f64::min);
    if low < 0.5 { 0.0 } else { ((low * 10.0).floor() / 10.0).min(0.9) }
}

fn paint(
    sheet: &Sheet<'_>,
    nights: &[FreshNight],
    known: &[(usize, Estimate)],
    target: Option<f64>,
    floor: f64,
) -> Result<(), ReportError> {
    let (left, right) = (54, sheet.width - if sheet.is_narrow() { 52 } else { 64 });
    let (top, bottom) = (14, sheet.height - 30);
    let y = Axis::new(floor, 1.0, bottom, top);
    sheet.rules(&y, left, right, percent)?;
    let x = Axis::new(0.0, (nights.len() - 1).max(1) as f64, left, right);
    let at = |i: usize| x.at(i as f64);
    let half = ((right - left) / units(nights.len()) / 2).max(1);
    for (i, _) in nights.iter().enumerate().filter(|(i, _)| known.binary_search_by_key(i, |k| k.0).is_err()) {
        sheet.rect(((at(i) - half).max(left), top), ((at(i) + half).min(right), bottom), Ink::Hatch)?;
    }
    // A line is broken where a night is missing: nothing was known there.
    for part in known.chunk_by(|a, b| b.0 == a.0 + 1) {
        let edge = |value: fn(&Estimate) -> f64| part.iter().map(move |(i, s)| (*i, value(s)));
        let high: Vec<_> = edge(|s| s.high).map(|(i, v)| (at(i), y.at(v))).collect();
        let low: Vec<_> = edge(|s| s.low).map(|(i, v)| (at(i), y.at(v))).collect();
        if part.len() > 1 {
            let around: Vec<_> = high.iter().chain(low.iter().rev()).copied().collect();
            sheet.area(&around, Ink::Band)?;
            sheet.line(&high, Ink::Edge, 1)?;
            sheet.line(&low, Ink::Edge, 1)?;
            let mid: Vec<_> = part.iter().map(|(i, s)| (at(*i), y.at(s.mid))).collect();
            sheet.line(&mid, Ink::Line, 2)?;
        } else {
            sheet.line(&[high[0], low[0]], Ink::Line, 2)?;
            sheet.dot((at(part[0].0), y.at(part[0].1.mid)), 4, Ink::Line, false)?;
        }
    }
    if let Some(goal) = target.filter(|goal| *goal >= floor) {
        sheet.line(&[(left, y.at(goal)), (right, y.at(goal))], Ink::Target, 2)?;
    }
    sheet.line(&[(left, bottom), (right, bottom)], Ink::Edge, 1)?;
    for part in known.chunk_by(|a, b| b.0 == a.0 + 1) {
        let after: Vec<_> = part
            .iter()
            .filter_map(|(i, _)| Some((at(*i), y.at(nights[*i].after?.mid.clamp(floor, 1.0)))))
            .collect();
        if after.len() > 1 {
            sheet.line(&after, Ink::Text, 2)?;
        }
    }
    if let Some((i, last)) = known.last() {
        let before = y.at(last.mid);
        sheet.dot((at(*i), before), 4, Ink::Line, false)?;
        let after = nights[*i].after.filter(|e| e.mid.is_finite());
        // Two labels keep a line's height between them; the higher share stands above.
        let place = after.map_or(before, |e| before.max(y.at(e.mid) + 15));
        sheet.text((at(*i) + 10, place), &percent(last.mid), Ink::Line, At::Start)?;
        if let Some(after) = after {
            let at_after = y.at(after.mid);
            sheet.dot((at(*i), at_after), 3, Ink::Text, false)?;
            sheet.text((at(*i) + 10, at_after), &percent(after.mid), Ink::Text, At::Start)?;
        }
    }
    let dates: Vec<_> = nights.iter().map(|n| n.night).collect();
    sheet.nights(&dates, at, sheet.height - 12)
}

/// One row a week.
fn table(nights: &[FreshNight]) -> Table {
    let mut rows = Vec::new();
    for week in nights.rchunks(7) {
        let known: Vec<Estimate> = week.iter().filter_map(|n| n.share).collect();
        let Some(last) = week.last() else { continue };
        let mean = |value: fn(&Estimate) -> f64| known.iter().map(value).sum::<f64>() / known.len() as f64;
        let mut row = vec![last.night.format("%-d %b").to_string()];
        if known.is_empty() {
            row.extend(["no run".to_owned(), "–".to_owned(), "–".to_owned(), "–".to_owned()]);
        } else {
            row.extend([percent(mean(|s| s.mid)), percent(mean(|s| s.low)), percent(mean(|s| s.high))]);
            let after: Vec<f64> = week.iter().filter_map(|n| Some(n.after?.mid)).collect();
            row.push(if after.is_empty() {
                "–".to_owned()
            } else {
                percent(after.iter().sum::<f64>() / after.len() as f64)
            });
        }
        row.push(format!("{} of {}", known.len(), week.len()));
        rows.push(row);
    }
    Table {
        caption: "By week, newest first".to_owned(),
        columns: vec![
            text("Week to"),
            number("Before"),
            number("Low"),
            number("High"),
            number("After"),
            number("Nights run"),
        ],
        rows,
        note: None,
    }
}
