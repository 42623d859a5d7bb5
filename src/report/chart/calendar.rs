//! When do devices change? Device by night; not read is never zero.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{At, Axis, Figure, Ink, Key, ROW, SHOWN, Sheet, Table, device, fitted, number, text, units};
use crate::report::ReportError;
use crate::report::view::{Calendar, CalendarRow};
use crate::report::words::{count, counted};

/// Nights in the narrow drawing: more would be thinner than can be seen.
const NARROW_NIGHTS: usize = 30;

pub(in crate::report) fn figure(calendar: &Calendar) -> Result<Figure, ReportError> {
    const ID: &str = "calendar";
    let mut rows: Vec<&CalendarRow> = calendar.rows.iter().filter(|row| changes(row) > 0).collect();
    if calendar.nights.is_empty() || calendar.scans == 0 {
        return Ok(Figure::without(ID, "Changes by device and night", "No complete scan yet."));
    }
    if rows.is_empty() {
        let reason = format!("No changes in {}.", counted(calendar.scans, "scan", "scans"));
        return Ok(Figure::without(ID, "Changes by device and night", reason));
    }
    rows.sort_by(|a, b| changes(b).cmp(&changes(a)).then_with(|| a.device.cmp(&b.device)));
    let total: u64 = rows.iter().map(|row| changes(row)).sum();
    let weekdays = weekdays(&calendar.nights, &rows);
    let (usual, share) = busiest(&weekdays);
    // A weekday is a habit only after some weeks of it.
    let title = if total >= 10 && share >= 0.35 && calendar.nights.len() >= 28 {
        format!("{:.0} % of the changes were found on {}", share * 100.0, plural(usual))
    } else {
        format!(
            "{} on {} in {} nights",
            counted(total, "change", "changes"),
            counted(rows.len() as u64, "device", "devices"),
            calendar.nights.len()
        )
    };
    let left_out = rows.len().saturating_sub(SHOWN) as u64;
    rows.truncate(SHOWN);
    let describe = rows
        .iter()
        .take(5)
        .map(|row| format!("{}: {}", row.device, counted(changes(row), "change", "changes")))
        .chain([format!("{:.0} % of the cells were not read", unread_share(&rows) * 100.0)])
        .collect::<Vec<_>>()
        .join("; ");
    let table_rows = rows
        .iter()
        .map(|row| {
            let last = row.cells.iter().rposition(|c| c.is_some_and(|n| n > 0));
            let (day, share) = busiest(&self::weekdays(&calendar.nights, &[row]));
            vec![
                row.device.to_string(),
                count(changes(row)),
                count(row.cells.iter().flatten().count() as u64),
                last.and_then(|i| calendar.nights.get(i))
                    .map_or("–".to_owned(), |n| n.format("%a %-d %b").to_string()),
                if changes(row) >= 3 && share >= 0.5 { day.to_string() } else { "–".to_owned() },
            ]
        })
        .collect();
    let steps = steps(&rows);
    let figure = Figure {
        id: ID,
        title,
        subtitle: "Changes found, by device and night. A change happened after the scan before and up to the night shown.".to_owned(),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key: key(steps),
        table: Table {
            caption: "Devices with most changes".to_owned(),
            columns: vec![
                device("Device"),
                number("Changes"),
                number("Nights read"),
                text("Last"),
                text("Usual day"),
            ],
            rows: table_rows,
            note: (left_out > 0).then(|| format!("{} with fewer changes.", counted(left_out, "more device", "more devices"))),
        },
    };
    figure.draw(&describe, |sheet| paint(sheet, calendar, &rows, steps))
}

fn changes(row: &CalendarRow) -> u64 {
    row.cells.iter().flatten().map(|n| u64::from(*n)).sum()
}

fn unread_share(rows: &[&CalendarRow]) -> f64 {
    let all = rows.iter().map(|r| r.cells.len()).sum::<usize>().max(1);
    rows.iter().flat_map(|r| &r.cells).filter(|c| c.is_none()).count() as f64 / all as f64
}

fn weekdays(nights: &[NaiveDate], rows: &[&CalendarRow]) -> [u64; 7] {
    let mut sums = [0; 7];
    for row in rows {
        for (night, n) in nights.iter().zip(&row.cells) {
            sums[night.weekday().num_days_from_monday() as usize] += u64::from(n.unwrap_or(0));
        }
    }
    sums
}

/// The weekday with most changes, and its share.
fn busiest(sums: &[u64; 7]) -> (Weekday, f64) {
    const DAYS: [Weekday; 7] =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let all = sums.iter().sum::<u64>().max(1) as f64;
    let mut best = 0;
    for (i, n) in sums.iter().enumerate() {
        if *n > sums[best] {
            best = i;
        }
    }
    (DAYS[best], sums[best] as f64 / all)
}

fn plural(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Mondays",
        Weekday::Tue => "Tuesdays",
        Weekday::Wed => "Wednesdays",
        Weekday::Thu => "Thursdays",
        Weekday::Fri => "Fridays",
        Weekday::Sat => "Saturdays",
        Weekday::Sun => "Sundays",
    }
}

/// Upper ends of the first three steps of the ramp: quantiles of the cells
/// that changed, so that one campaign does not make all else look alike.
fn steps(rows: &[&CalendarRow]) -> [u32; 3] {
    let mut found: Vec<u32> =
        rows.iter().flat_map(|r| r.cells.iter().flatten().copied()).filter(|n| *n > 0).collect();
    found.sort_unstable();
    let quantile = |q: f64| found.get(((found.len() as f64 - 1.0) * q) as usize).copied().unwrap_or(1);
    let first = quantile(0.4);
    let second = quantile(0.7).max(first + 1);
    let third = quantile(0.9).max(second + 1);
    [first, second, third]
}

fn level(n: u32, steps: [u32; 3]) -> u8 {
    match n {
        0 => 0,
        n => 1 + steps.iter().filter(|end| n > **end).count() as u8,
    }
}

fn key(steps: [u32; 3]) -> Vec<Key> {
    let range = |low: u32, high: u32| if low >= high { high.to_string() } else { format!("{low}–{high}") };
    vec![
        Key { mark: "hatch", word: "not read".to_owned() },
        Key { mark: "ramp0", word: "read, no change".to_owned() },
        Key { mark: "ramp1", word: range(1, steps[0]) },
        Key { mark: "ramp2", word: range(steps[0] + 1, steps[1]) },
        Key { mark: "ramp3", word: range(steps[1] + 1, steps[2]) },
        Key { mark: "ramp4", word: format!("over {} changes", steps[2]) },
    ]
}

fn paint(
    sheet: &Sheet<'_>,
    calendar: &Calendar,
    rows: &[&CalendarRow],
    steps: [u32; 3],
) -> Result<(), ReportError> {
    let skip = if sheet.is_narrow() { calendar.nights.len().saturating_sub(NARROW_NIGHTS) } else { 0 };
    let nights = &calendar.nights[skip..];
    let (left, right) = (if sheet.is_narrow() { 112 } else { 170 }, sheet.width - 8);
    let top = 8;
    let x = Axis::new(0.0, nights.len() as f64, left, right);
    let row_top = |i: usize| top + ROW * units(i);
    for (i, row) in rows.iter().enumerate() {
        sheet.text(
            (left - 8, row_top(i) + ROW / 2),
            &fitted(row.device.as_str(), left - 12),
            Ink::Text,
            At::End,
        )?;
    }
    // One level after the other: each becomes a single path. Equal neighbours
    // are one rectangle, except changes, which stay countable.
    for wanted in [None, Some(0), Some(1), Some(2), Some(3), Some(4)] {
        let ink = wanted.map_or(Ink::Hatch, Ink::Ramp);
        for (i, row) in rows.iter().enumerate() {
            let level_at =
                |night: usize| row.cells.get(skip + night).copied().flatten().map(|n| level(n, steps));
            let mut night = 0;
            while night < nights.len() {
                if level_at(night) != wanted {
                    night += 1;
                    continue;
                }
                let from = night;
                night += 1;
                while wanted.is_none_or(|l| l == 0) && night < nights.len() && level_at(night) == wanted {
                    night += 1;
                }
                let (a, b) = (x.at(from as f64), x.at(night as f64));
                let gap = i32::from(b - a > 2);
                sheet.rect((a, row_top(i) + 1), (b - gap, row_top(i) + ROW - 2), ink)?;
            }
        }
    }
    let middle = |i: usize| i32::midpoint(x.at(i as f64), x.at(i as f64 + 1.0));
    sheet.nights(nights, middle, row_top(rows.len()) + 16)?;
    let words =
        if skip > 0 { format!("the last {} nights", nights.len()) } else { "night of the scan".to_owned() };
    sheet.text((right, row_top(rows.len()) + 36), &words, Ink::Muted, At::End)
}
