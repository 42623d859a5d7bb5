//! Is it getting better or worse? Open drifts at the end of each night, by class.

use super::{At, Axis, Figure, Ink, Key, Sheet, Table, class_key, number, spread, text};
use crate::model::DriftClass;
use crate::report::ReportError;
use crate::report::view::DriftDay;
use crate::report::words::{count, counted};

pub(in crate::report) fn figure(days: &[DriftDay]) -> Result<Figure, ReportError> {
    const ID: &str = "drift-by-day";
    let ran: Vec<&DriftDay> = days.iter().filter(|d| d.ran).collect();
    let ([first, .., last], true) = (ran.as_slice(), ran.len() >= 2) else {
        return Ok(Figure::without(
            ID,
            "Open drifts by night",
            "Starts after 2 nights: one night alone has no direction.",
        ));
    };
    let (before, now) = (first.open(), last.open());
    let nights = days.len() as u64;
    let compared = match now.cmp(&before) {
        std::cmp::Ordering::Less => format!("{} fewer than {} nights ago", count(before - now), nights - 1),
        std::cmp::Ordering::Equal => format!("as many as {} nights ago", nights - 1),
        std::cmp::Ordering::Greater => format!("{} more than {} nights ago", count(now - before), nights - 1),
    };
    let peak = ran.iter().map(|d| d.open()).max().unwrap_or(0);
    if peak == 0 {
        let reason = format!("No drift was open at the end of any of {} nights.", count(nights));
        return Ok(Figure::without(ID, "Open drifts by night", reason));
    }
    let title = format!("{} open, {compared}", counted(now, "drift is", "drifts are"));
    let describe = format!(
        "From {} to {}: between {} and {} open. {} new and {} resolved in that time. Tonight {} unrecorded, {} missing, {} differ.",
        first.night.format("%-d %b %Y"),
        last.night.format("%-d %b %Y"),
        count(ran.iter().map(|d| d.open()).min().unwrap_or(0)),
        count(peak),
        count(ran.iter().map(|d| d.new).sum()),
        count(ran.iter().map(|d| d.resolved).sum()),
        count(last.unrecorded),
        count(last.missing),
        count(last.differs),
    );
    let figure = Figure {
        id: ID,
        title,
        subtitle: "Open drifts at the end of each night, by class. Count, from zero.".to_owned(),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key: key(days),
        table: table(days),
    };
    figure.draw(&describe, |sheet| paint(sheet, days, last, peak))
}

fn key(days: &[DriftDay]) -> Vec<Key> {
    let mut key = class_key();
    if days.iter().any(|d| !d.ran) {
        key.push(Key { mark: "hatch", word: "no run".to_owned() });
    }
    key
}

fn paint(sheet: &Sheet<'_>, days: &[DriftDay], last: &DriftDay, peak: u64) -> Result<(), ReportError> {
    let (left, right) = (48, sheet.width - if sheet.is_narrow() { 64 } else { 130 });
    let (top, bottom) = (12, sheet.height - 30);
    let y = Axis::new(0.0, peak.max(1) as f64 * 1.04, bottom, top);
    for tick in y.whole_ticks(5) {
        let at = y.at(tick);
        sheet.line(&[(left, at), (right, at)], Ink::Grid, 1)?;
        sheet.text((left - 6, at), &count(tick.max(0.0) as u64), Ink::Muted, At::End)?;
    }
    let x = Axis::new(0.0, days.len() as f64, left, right);
    let span = |i: usize| {
        let (from, to) = (x.at(i as f64), x.at(i as f64 + 1.0));
        (from, if to - from > 3 { to - 1 } else { to })
    };
    for (i, _) in days.iter().enumerate().filter(|(_, d)| !d.ran) {
        let (from, to) = span(i);
        sheet.rect((from, top), (to, bottom), Ink::Hatch)?;
    }
    // One class after the other, so that each becomes a single path.
    let mut below = vec![0u64; days.len()];
    for class in DriftClass::ALL {
        for (i, day) in days.iter().enumerate().filter(|(_, d)| d.ran) {
            let (from, to) = span(i);
            let base = y.at(below[i] as f64);
            below[i] += day.of_class(class);
            let head = y.at(below[i] as f64);
            // A gap in the page's colour keeps stacked neighbours apart.
            let gap = if base < bottom && base - head > 4 { 2 } else { 0 };
            sheet.rect((from, head), (to, base - gap), Ink::area_of(class))?;
        }
    }
    sheet.line(&[(left, bottom), (right, bottom)], Ink::Edge, 1)?;
    let mut base = 0u64;
    let labels: Vec<(DriftClass, u64, i32)> = DriftClass::ALL
        .into_iter()
        .filter_map(|class| {
            let n = last.of_class(class);
            let middle = y.at(base as f64 + n as f64 / 2.0);
            base += n;
            (n > 0).then_some((class, n, middle))
        })
        .collect();
    let places = spread(&labels.iter().map(|l| l.2).collect::<Vec<_>>(), 16, top, bottom);
    for ((class, n, _), at) in labels.iter().zip(places) {
        sheet.mark((right + 12, at), *class)?;
        let words = if sheet.is_narrow() { count(*n) } else { format!("{} {}", count(*n), class.as_str()) };
        sheet.text((right + 22, at), &words, Ink::Text, At::Start)?;
    }
    let nights: Vec<_> = days.iter().map(|d| d.night).collect();
    sheet.nights(
        &nights,
        |i| {
            let (a, b) = span(i);
            i32::midpoint(a, b)
        },
        sheet.height - 12,
    )
}

/// One row a week: the state at its last night, and what moved in it.
fn table(days: &[DriftDay]) -> Table {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for week in days.rchunks(7) {
        let Some(end) = week.iter().rev().find(|d| d.ran) else { continue };
        rows.push(vec![
            end.night.format("%-d %b").to_string(),
            count(end.unrecorded),
            count(end.missing),
            count(end.differs),
            count(week.iter().map(|d| d.new).sum()),
            count(week.iter().map(|d| d.resolved).sum()),
        ]);
    }
    Table {
        caption: "By week, newest first".to_owned(),
        columns: vec![
            text("Week to"),
            number("Unrecorded"),
            number("Missing"),
            number("Differs"),
            number("New"),
            number("Resolved"),
        ],
        rows,
        note: None,
    }
}
