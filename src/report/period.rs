//! A page for every week and every month that the charts look back on: what
//! came, what went, which nights had a run, who changed most.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use serde::Serialize;

use super::view::{DriftDay, Night, RunView};
use super::words::{count, counted, percent};
use crate::model::DeviceName;

/// Devices that a page names.
const MOST: usize = 20;

/// A week from Monday, or a calendar month.
struct Period {
    path: String,
    title: String,
    first: NaiveDate,
    last: NaiveDate,
}

#[derive(Debug, Serialize)]
pub(super) struct PeriodPage<'a> {
    run: &'a RunView,
    title: String,
    dates: String,
    lines: Vec<String>,
    nights: Vec<NightRow>,
    changed: Vec<ChangedRow<'a>>,
    changed_more: u64,
    before: Option<PeriodLink>,
    after: Option<PeriodLink>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct PeriodLink {
    /// Seen from the folder above.
    pub href: String,
    pub title: String,
}

#[derive(Debug, Serialize)]
struct NightRow {
    night: String,
    ran: bool,
    open: u64,
    unrecorded: u64,
    missing: u64,
    differs: u64,
    new: u64,
    resolved: u64,
    right: String,
}

#[derive(Debug, Serialize)]
struct ChangedRow<'a> {
    device: &'a DeviceName,
    changes: u64,
    nights: u64,
    read: u64,
}

fn week_of(day: NaiveDate) -> Period {
    let week = day.week(Weekday::Mon);
    let iso = day.iso_week();
    Period {
        path: format!("weeks/{}-W{:02}.html", iso.year(), iso.week()),
        title: format!("Week {} of {}", iso.week(), iso.year()),
        first: week.checked_first_day().unwrap_or(day),
        last: week.checked_last_day().unwrap_or(day),
    }
}

fn month_of(day: NaiveDate) -> Period {
    let first = day.with_day(1).unwrap_or(day);
    let last = first
        .checked_add_months(chrono::Months::new(1))
        .and_then(|next| next.checked_sub_days(Days::new(1)))
        .unwrap_or(day);
    Period {
        path: format!("months/{}.html", first.format("%Y-%m")),
        title: first.format("%B %Y").to_string(),
        first,
        last,
    }
}

/// Oldest first, each once.
fn periods(night: &Night, of: fn(NaiveDate) -> Period) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    for day in &night.drift_by_day {
        let period = of(day.night);
        if periods.last().is_none_or(|last| last.path != period.path) {
            periods.push(period);
        }
    }
    periods
}

/// Links to all weeks and to all months, newest first.
pub(super) fn links(night: &Night) -> (Vec<PeriodLink>, Vec<PeriodLink>) {
    let of = |kind| periods(night, kind).iter().rev().map(link).collect();
    (of(week_of), of(month_of))
}

fn link(period: &Period) -> PeriodLink {
    PeriodLink { href: period.path.clone(), title: period.title.clone() }
}

/// Every page with its path.
pub(super) fn pages(night: &Night) -> Vec<(String, PeriodPage<'_>)> {
    let mut pages = Vec::new();
    for kind in [week_of as fn(NaiveDate) -> Period, month_of] {
        let periods = periods(night, kind);
        for (i, period) in periods.iter().enumerate() {
            let page = PeriodPage {
                before: i.checked_sub(1).map(|i| link(&periods[i])),
                after: periods.get(i + 1).map(link),
                ..page(night, period)
            };
            pages.push((period.path.clone(), page));
        }
    }
    pages
}

fn page<'a>(night: &'a Night, period: &Period) -> PeriodPage<'a> {
    let within = |day: NaiveDate| (period.first..=period.last).contains(&day);
    let days: Vec<&DriftDay> = night.drift_by_day.iter().filter(|d| within(d.night)).collect();
    let right = |day: NaiveDate| {
        night.freshness.iter().find(|f| f.night == day).and_then(|f| f.share).map_or("–".to_owned(), |s| {
            format!("{} ({} to {})", percent(s.mid), percent(s.low), percent(s.high))
        })
    };
    let (mut changed, all_changes) = changed(night, &within);
    let changed_more = changed.len().saturating_sub(MOST) as u64;
    let devices = changed.len() as u64;
    changed.truncate(MOST);
    PeriodPage {
        run: &night.run,
        title: period.title.clone(),
        dates: format!("{} to {}", period.first.format("%a %-d %b %Y"), period.last.format("%a %-d %b %Y")),
        lines: lines(night, period, &days, all_changes, devices),
        nights: days
            .iter()
            .rev()
            .map(|day| NightRow {
                night: day.night.format("%a %-d %b").to_string(),
                ran: day.ran,
                open: day.open(),
                unrecorded: day.unrecorded,
                missing: day.missing,
                differs: day.differs,
                new: day.new,
                resolved: day.resolved,
                right: right(day.night),
            })
            .collect(),
        changed,
        changed_more,
        before: None,
        after: None,
    }
}

fn lines(night: &Night, period: &Period, days: &[&DriftDay], changes: u64, devices: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let sum = |of: fn(&DriftDay) -> u64| days.iter().map(|d| of(d)).sum::<u64>();
    let ran = days.iter().filter(|d| d.ran).count() as u64;
    if let (Some(first), Some(last)) = (days.first(), days.last()) {
        if last.night < period.last {
            lines.push(format!("So far, up to {}.", last.night.format("%a %-d %b")));
        }
        if first.night > period.first {
            lines.push(format!(
                "Nothing is told of before {}: the first run, or 90 nights ago.",
                first.night.format("%a %-d %b")
            ));
        }
        let start = (first.open() + first.resolved).saturating_sub(first.new);
        lines.push(format!(
            "{} new and {} resolved: {} open at the start, {} at the end.",
            count(sum(|d| d.new)),
            count(sum(|d| d.resolved)),
            counted(start, "drift was", "drifts were"),
            count(last.open())
        ));
    }
    lines.push(format!("{} of {} had a run.", count(ran), counted(days.len() as u64, "night", "nights")));
    lines.push(if changes == 0 {
        "No reading found a change.".to_owned()
    } else {
        format!(
            "Readings found {} on {}.",
            counted(changes, "change", "changes"),
            counted(devices, "device", "devices")
        )
    });
    let nights: Vec<_> = night
        .upkeep
        .nights
        .iter()
        .filter(|n| (period.first..=period.last).contains(&n.started.date_naive()))
        .collect();
    // Older nights are not in it: a part must not look like the whole.
    if ran > 0 && nights.len() as u64 == ran {
        let used = nights.iter().map(|n| n.sessions).sum();
        lines.push(format!("Reading used {}.", counted(used, "session", "sessions")));
    }
    lines
}

/// Devices that changed, most first, and the changes of all.
fn changed<'a>(night: &'a Night, within: &impl Fn(NaiveDate) -> bool) -> (Vec<ChangedRow<'a>>, u64) {
    let columns: Vec<usize> =
        night.calendar.nights.iter().enumerate().filter(|(_, n)| within(**n)).map(|(i, _)| i).collect();
    let mut rows: Vec<ChangedRow<'a>> = night
        .calendar
        .rows
        .iter()
        .map(|row| {
            let cells: Vec<u32> =
                columns.iter().filter_map(|i| row.cells.get(*i).copied().flatten()).collect();
            ChangedRow {
                device: &row.device,
                changes: cells.iter().map(|n| u64::from(*n)).sum(),
                nights: cells.iter().filter(|n| **n > 0).count() as u64,
                read: cells.len() as u64,
            }
        })
        .filter(|row| row.changes > 0)
        .collect();
    rows.sort_by(|a, b| b.changes.cmp(&a.changes).then_with(|| a.device.cmp(b.device)));
    let all = rows.iter().map(|r| r.changes).sum();
    (rows, all)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_months_have_their_ends() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        let week = week_of(day(2027, 1, 1));
        assert_eq!((week.path.as_str(), week.title.as_str()), ("weeks/2026-W53.html", "Week 53 of 2026"));
        assert_eq!((week.first, week.last), (day(2026, 12, 28), day(2027, 1, 3)));
        let month = month_of(day(2028, 2, 29));
        assert_eq!(
            (month.path.as_str(), month.first, month.last),
            ("months/2028-02.html", day(2028, 2, 1), day(2028, 2, 29))
        );
    }
}
