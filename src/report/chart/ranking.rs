//! Who changes most often? A dot and its 90 % interval for each device.

use super::{At, Axis, Figure, Ink, Key, ROW, SHOWN, Sheet, Table, device, fitted, number, units};
use crate::model::finding::{Basis, Ranking};
use crate::report::ReportError;
use crate::report::words::{about, days, visible};

pub(in crate::report) fn figure(ranking: &[Ranking]) -> Result<Figure, ReportError> {
    const ID: &str = "ranking";
    let known: Vec<&Ranking> = ranking.iter().filter(|r| r.rate_per_30_days.is_finite()).collect();
    if known.is_empty() || known.iter().all(|r| r.scans < 2) {
        return Ok(Figure::without(
            ID,
            "Changes per device",
            "Needs a second scan: a rate is what happens between two.",
        ));
    }
    let shown: Vec<&Ranking> = known.iter().copied().take(SHOWN).collect();
    let Some(top) = shown.iter().max_by(|a, b| a.rate_per_30_days.total_cmp(&b.rate_per_30_days)) else {
        return Ok(Figure::without(ID, "Changes per device", "No device was read yet."));
    };
    let median = median(&known);
    let alike = shown.iter().filter(|r| r.rate_high >= top.rate_low && r.device != top.device).count();
    let title = format!(
        "{} changes about {} times a month ({} to {})",
        visible(top.device.as_str()),
        about(top.rate_per_30_days),
        about(top.rate_low),
        about(top.rate_high)
    );
    let subtitle = format!(
        "Changes per 30 days, with the 90 % interval, in scan-next order. {}",
        match alike {
            0 => "Its interval touches no other.".to_owned(),
            1 => "One other cannot be told apart from it.".to_owned(),
            n => format!("{n} others cannot be told apart from it."),
        }
    );
    let describe = shown
        .iter()
        .take(5)
        .map(|r| {
            format!(
                "{}: {} ({} to {})",
                r.device,
                about(r.rate_per_30_days),
                about(r.rate_low),
                about(r.rate_high)
            )
        })
        .collect::<Vec<_>>()
        .join("; ");
    let mut key = vec![Key { mark: "line", word: "from its own history".to_owned() }];
    if shown.iter().any(|r| r.basis == Basis::Prior) {
        key.push(Key { mark: "line ring", word: "too little history; judged by its role".to_owned() });
    }
    key.push(Key { mark: "target", word: format!("fleet median, {}", about(median)) });
    let rows = shown
        .iter()
        .map(|r| {
            vec![
                r.device.to_string(),
                about(r.rate_per_30_days),
                about(r.rate_low),
                about(r.rate_high),
                r.median_days_to_next.map_or("–".to_owned(), days),
                r.changed.to_string(),
                r.scans.to_string(),
            ]
        })
        .collect();
    let left_out = known.len().saturating_sub(SHOWN) as u64;
    let figure = Figure {
        id: ID,
        title,
        subtitle,
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key,
        table: Table {
            caption: "Changes per 30 days".to_owned(),
            columns: vec![
                device("Device"),
                number("Rate"),
                number("5 %"),
                number("95 %"),
                number("Days to next"),
                number("Changed"),
                number("Scans"),
            ],
            rows,
            note: (left_out > 0)
                .then(|| format!("{} more: ranking.csv.", crate::report::words::count(left_out))),
        },
    };
    figure.draw(&describe, |sheet| paint(sheet, &shown, median))
}

fn median(all: &[&Ranking]) -> f64 {
    let mut rates: Vec<f64> = all.iter().map(|r| r.rate_per_30_days).collect();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}

fn paint(sheet: &Sheet<'_>, shown: &[&Ranking], median: f64) -> Result<(), ReportError> {
    let (left, right) = (if sheet.is_narrow() { 112 } else { 170 }, sheet.width - 16);
    let (top, bottom) = (8, 8 + ROW * units(shown.len()));
    let finite = |x: f64| if x.is_finite() { x } else { 0.0 };
    let high = shown.iter().map(|r| finite(r.rate_high).max(r.rate_per_30_days)).fold(0.0, f64::max);
    let x = Axis::new(0.0, if high > 0.0 { high * 1.02 } else { 1.0 }, left, right);
    for tick in x.ticks(if sheet.is_narrow() { 3 } else { 6 }) {
        let at = x.at(tick);
        sheet.line(&[(at, top), (at, bottom)], Ink::Grid, 1)?;
        sheet.text((at, bottom + 14), &about(tick), Ink::Muted, At::Middle)?;
    }
    sheet.text((right, bottom + 32), "changes per 30 days", Ink::Muted, At::End)?;
    let at = x.at(median);
    sheet.line(&[(at, top), (at, bottom)], Ink::Target, 2)?;
    for (i, row) in shown.iter().enumerate() {
        let y = top + ROW * units(i) + ROW / 2;
        sheet.text((left - 8, y), &fitted(row.device.as_str(), left - 12), Ink::Text, At::End)?;
        sheet.line(&[(x.at(finite(row.rate_low)), y), (x.at(finite(row.rate_high)), y)], Ink::Line, 2)?;
        sheet.dot((x.at(row.rate_per_30_days), y), 5, Ink::Line, row.basis == Basis::Prior)?;
    }
    sheet.line(&[(left, top), (left, bottom)], Ink::Edge, 1)
}
