//! Tables for spreadsheets. A cell that a spreadsheet would run as a formula
//! gets an apostrophe in front; numbers stay numbers.

use std::borrow::Cow;

use chrono::SecondsFormat;

use super::ReportError;
use super::view::OpenDrift;
use crate::model::finding::{Basis, Direction, Ranking};

/// A cell's text, made harmless: what starts like a formula is prefixed with
/// `'`. A plain negative number is left alone.
pub fn neutral(cell: &str) -> Cow<'_, str> {
    let starts_a_formula = cell
        .trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '"'))
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
        || cell.starts_with(['\t', '\r', '\n']);
    if !starts_a_formula || is_number(cell) { Cow::Borrowed(cell) } else { Cow::Owned(format!("'{cell}")) }
}

/// Digits with at most one dot and one leading minus. Not what `parse::<f64>`
/// takes: that includes `+1` and `-inf`.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let mut parts = digits.splitn(2, '.');
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.next().is_some_and(all_digits) && parts.next().is_none_or(all_digits)
}

pub(super) fn drifts(drifts: &[OpenDrift]) -> Result<Vec<u8>, ReportError> {
    let header = [
        "id",
        "device",
        "kind",
        "key",
        "class",
        "fields",
        "record",
        "fact",
        "cause",
        "who",
        "first_seen",
        "age_days",
        "recurrences",
        "recommendation",
    ];
    let rows = drifts.iter().map(|d| {
        let side = |of: fn(&super::view::FieldPair) -> Option<&str>| {
            d.fields
                .iter()
                .filter_map(|pair| Some(format!("{}={}", pair.field, of(pair)?)))
                .collect::<Vec<_>>()
                .join("; ")
        };
        vec![
            d.id.to_string(),
            d.device.to_string(),
            d.kind.to_string(),
            d.key.clone(),
            d.class.as_str().to_owned(),
            d.fields.iter().map(|pair| pair.field.as_str()).collect::<Vec<_>>().join("; "),
            side(|pair| pair.record.as_deref()),
            side(|pair| pair.fact.as_deref()),
            d.cause.as_str().to_owned(),
            d.who.clone().unwrap_or_default(),
            d.first_seen.to_rfc3339_opts(SecondsFormat::Secs, true),
            number(d.age_days, 1),
            d.recurrences.to_string(),
            d.recommendation.clone().unwrap_or_default(),
        ]
    });
    table("drifts.csv", &header, rows)
}

pub(super) fn ranking(ranking: &[Ranking]) -> Result<Vec<u8>, ReportError> {
    let header = [
        "device",
        "role",
        "site",
        "p_change",
        "p_drift",
        "rate_per_30_days",
        "rate_low",
        "rate_high",
        "median_days_to_next",
        "last_good_scan",
        "score",
        "basis",
        "trend",
        "scans",
        "changed",
        "reason",
    ];
    let rows = ranking.iter().map(|r| {
        vec![
            r.device.to_string(),
            r.role.clone(),
            r.site.clone(),
            number(r.p_change, 4),
            number(r.p_drift, 4),
            number(r.rate_per_30_days, 3),
            number(r.rate_low, 3),
            number(r.rate_high, 3),
            r.median_days_to_next.map_or(String::new(), |d| number(d, 1)),
            r.last_good_scan.map_or(String::new(), |t| t.to_rfc3339_opts(SecondsFormat::Secs, true)),
            number(r.score, 6),
            match r.basis {
                Basis::Data => "data".to_owned(),
                Basis::Prior => "prior".to_owned(),
            },
            direction(r.trend.direction).to_owned(),
            r.scans.to_string(),
            r.changed.to_string(),
            r.reason.clone(),
        ]
    });
    table("ranking.csv", &header, rows)
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Rising => "rising",
        Direction::Steady => "steady",
        Direction::Falling => "falling",
        Direction::Unclear => "unclear",
    }
}

/// A number for machines; an empty cell when it is none.
fn number(x: f64, places: usize) -> String {
    if x.is_finite() { format!("{x:.places$}") } else { String::new() }
}

/// Any table for a spreadsheet, every cell of it harmless.
pub fn table_as_csv(
    header: &[String],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, ReportError> {
    table("the export", &header.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}

fn table(
    name: &'static str,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Table { table: name, source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| neutral(cell).into_owned())).map_err(failed)?;
    }
    writer.into_inner().map_err(|e| failed(e.into_error().into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_neutralised_and_numbers_stay() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-2+3", "'-2+3"),
            ("\t=1", "'\t=1"),
            ("\u{b}=", "'\u{b}="),
            (" =1", "' =1"),
            ("＝1", "'＝1"),
            ("-inf", "'-inf"),
            ("-3", "-3"),
            ("-3.5", "-3.5"),
            ("42", "42"),
            ("ge100-0/0/31.251", "ge100-0/0/31.251"),
            ("", ""),
        ];
        for (cell, wanted) in cases {
            assert_eq!(neutral(cell), wanted);
        }
    }

    proptest! {
        #[test]
        fn no_text_starts_a_formula(cell in "[ =+@\t\r\n-]{0,3}.{0,12}") {
            let shown = neutral(&cell);
            let first = shown.trim_start().chars().next();
            prop_assert!(is_number(&shown) || !matches!(first, Some('=' | '+' | '-' | '@')));
        }
    }
}
