//! Which drifts are open, and how old are they?

use super::{At, Axis, Figure, Ink, Sheet, Table, class_key, number, text, units};
use crate::model::DriftClass;
use crate::report::ReportError;
use crate::report::view::OpenDrift;
use crate::report::words::{count, counted, days};

/// Labels and the first day that is no longer in the band.
const BANDS: [(&str, f64); 5] =
    [("today", 1.0), ("1–3 days", 4.0), ("4–7 days", 8.0), ("8–30 days", 31.0), ("> 30 days", f64::INFINITY)];

/// Below this many in every band each drift is a mark of its own.
const DOTS: u64 = 12;

pub(in crate::report) fn figure(
    drifts: &[OpenDrift],
    last_resolved: Option<&str>,
) -> Result<Figure, ReportError> {
    const ID: &str = "open-by-age";
    if drifts.is_empty() {
        let reason = match last_resolved {
            Some(when) => format!("None is open; the last one was resolved {when}."),
            None => "None is open, and none was ever seen.".to_owned(),
        };
        return Ok(Figure::without(ID, "Open drifts by age", reason));
    }
    let counts = counts(drifts);
    let old = counts[4].iter().sum::<u64>();
    let total = drifts.len() as u64;
    let title = if old == 0 {
        format!("{} open, none older than 30 days", counted(total, "drift is", "drifts are"))
    } else {
        format!("{} open; {} older than 30 days", counted(total, "drift is", "drifts are"), count(old))
    };
    let describe = BANDS
        .iter()
        .zip(&counts)
        .map(|((band, _), row)| format!("{band}: {}", count(row.iter().sum())))
        .collect::<Vec<_>>()
        .join("; ");
    let figure = Figure {
        id: ID,
        title,
        subtitle: "Open drifts by the age of their first sighting. Count. A drift may be older than its first sighting.".to_owned(),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key: class_key(),
        table: table(drifts, &counts),
    };
    figure.draw(&describe, |sheet| paint(sheet, &counts))
}

fn band_of(age: f64) -> usize {
    BANDS.iter().position(|(_, end)| age < *end).unwrap_or(BANDS.len() - 1)
}

fn counts(drifts: &[OpenDrift]) -> [[u64; 3]; 5] {
    let mut counts = [[0; 3]; 5];
    for drift in drifts {
        let class = DriftClass::ALL.iter().position(|c| *c == drift.class).unwrap_or(0);
        counts[band_of(drift.age_days)][class] += 1;
    }
    counts
}

fn paint(sheet: &Sheet<'_>, counts: &[[u64; 3]; 5]) -> Result<(), ReportError> {
    let peak = counts.iter().map(|row| row.iter().sum::<u64>()).max().unwrap_or(0);
    let (left, right) = (84, sheet.width - 60);
    let (top, bottom) = (8, sheet.height - 12);
    let x = Axis::new(0.0, peak.max(1) as f64, left, right);
    let row_height = (bottom - top) / units(BANDS.len());
    for (i, (row, (band, _))) in counts.iter().zip(BANDS).enumerate() {
        let middle = top + row_height * units(i) + row_height / 2;
        sheet.text((left - 10, middle), band, Ink::Text, At::End)?;
        let total: u64 = row.iter().sum();
        let mut end = left;
        if peak <= DOTS {
            for (class, n) in DriftClass::ALL.into_iter().zip(row) {
                for _ in 0..*n {
                    sheet.mark((end + 8, middle), class)?;
                    end += 14;
                }
            }
        } else {
            let mut sum = 0;
            for (class, n) in DriftClass::ALL.into_iter().zip(row) {
                let from = x.at(sum as f64);
                sum += n;
                // What exists is never thinner than it can be seen.
                let to = x.at(sum as f64).max(if *n > 0 { end.max(from) + 3 } else { 0 });
                if *n > 0 {
                    let from = end.max(from) + if end > left { 2 } else { 0 };
                    let (a, b) = ((from, middle - 13), (to.max(from + 2), middle + 13));
                    sheet.rect(a, b, Ink::area_of(class))?;
                    end = b.0;
                }
            }
        }
        let words = if total == 0 { "0".to_owned() } else { count(total) };
        sheet.text((end + 8, middle), &words, if total == 0 { Ink::Muted } else { Ink::Text }, At::Start)?;
    }
    sheet.line(&[(left, top), (left, bottom)], Ink::Edge, 1)
}

fn table(drifts: &[OpenDrift], counts: &[[u64; 3]; 5]) -> Table {
    let mut rows: Vec<Vec<String>> = BANDS
        .iter()
        .zip(counts)
        .map(|((band, _), row)| {
            let mut cells = vec![(*band).to_owned()];
            cells.extend(row.iter().map(|n| count(*n)));
            cells.push(count(row.iter().sum()));
            cells
        })
        .collect();
    let mut sum = vec!["all".to_owned()];
    sum.extend((0..3).map(|class| count(counts.iter().map(|row| row[class]).sum())));
    sum.push(count(drifts.len() as u64));
    rows.push(sum);
    let oldest = drifts.iter().max_by(|a, b| a.age_days.total_cmp(&b.age_days).then_with(|| b.id.cmp(&a.id)));
    Table {
        caption: "By age and class".to_owned(),
        columns: vec![
            text("First seen"),
            number("Unrecorded"),
            number("Missing"),
            number("Differs"),
            number("Sum"),
        ],
        rows,
        note: oldest.map(|d| format!("The oldest is {}, first seen {} days ago.", d.id, days(d.age_days))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_fall_into_bands() {
        for (age, band) in
            [(0.0, 0), (0.99, 0), (1.0, 1), (3.9, 1), (4.0, 2), (8.0, 3), (30.9, 3), (31.0, 4), (f64::NAN, 4)]
        {
            assert_eq!(band_of(age), band, "{age}");
        }
    }
}
