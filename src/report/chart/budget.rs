//! What would more or fewer sessions a night buy?

use super::{At, Axis, Figure, Ink, Key, Sheet, Table, number};
use crate::report::ReportError;
use crate::report::view::BudgetPoint;
use crate::report::words::{about, count, days};

pub(in crate::report) fn figure(curve: &[BudgetPoint]) -> Result<Figure, ReportError> {
    const ID: &str = "budget";
    let points: Vec<BudgetPoint> = curve
        .iter()
        .copied()
        .filter(|p| p.unseen.mid.is_finite() && p.unseen.low.is_finite() && p.unseen.high.is_finite())
        .collect();
    if points.len() < 2 {
        return Ok(Figure::without(
            ID,
            "What more sessions would buy",
            "Needs more nights: the curve is drawn once enough forecasts were checked.",
        ));
    }
    let today = points.iter().find(|p| p.today);
    let next = today.and_then(|now| points.iter().find(|p| p.sessions > now.sessions));
    let title = match (today, next) {
        (Some(now), Some(more)) if now.unseen.mid - more.unseen.mid < 0.05 * now.unseen.mid.max(1.0) => {
            "More sessions would hardly help".to_owned()
        }
        (Some(now), Some(more)) => format!(
            "{} more sessions: unseen changes fall from about {} to about {}",
            count(more.sessions - now.sessions),
            about(now.unseen.mid),
            about(more.unseen.mid)
        ),
        _ => "What more or fewer sessions would buy".to_owned(),
    };
    let describe = points
        .iter()
        .map(|p| format!("{} sessions: {} unseen", count(p.sessions), about(p.unseen.mid)))
        .collect::<Vec<_>>()
        .join("; ");
    let figure = Figure {
        id: ID,
        title,
        subtitle: "Expected devices changed unseen, by device sessions a night.".to_owned(),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key: vec![
            Key { mark: "line", word: "estimate; the dot is today".to_owned() },
            Key { mark: "band", word: "90 % interval".to_owned() },
        ],
        table: Table {
            caption: "By sessions a night".to_owned(),
            columns: vec![
                number("Sessions"),
                number("Unseen"),
                number("5 %"),
                number("95 %"),
                number("Days to find"),
            ],
            rows: points
                .iter()
                .map(|p| {
                    vec![
                        format!("{}{}", count(p.sessions), if p.today { " (today)" } else { "" }),
                        about(p.unseen.mid),
                        about(p.unseen.low),
                        about(p.unseen.high),
                        p.delay_days.map_or("–".to_owned(), days),
                    ]
                })
                .collect(),
            note: None,
        },
    };
    figure.draw(&describe, |sheet| paint(sheet, &points))
}

fn paint(sheet: &Sheet<'_>, points: &[BudgetPoint]) -> Result<(), ReportError> {
    let (left, right) = (48, sheet.width - 24);
    let (top, bottom) = (14, sheet.height - 46);
    let most = points.iter().map(|p| p.unseen.high.max(p.unseen.mid)).fold(0.0, f64::max);
    let y = Axis::new(0.0, most.max(1.0) * 1.04, bottom, top);
    let end = points.iter().map(|p| p.sessions).max().unwrap_or(1);
    let x = Axis::new(0.0, end as f64, left, right);
    sheet.rules(&y, left, right, about)?;
    for tick in x.whole_ticks(if sheet.is_narrow() { 3 } else { 6 }) {
        sheet.text((x.at(tick), bottom + 14), &count(tick.max(0.0) as u64), Ink::Muted, At::Middle)?;
    }
    sheet.text((right, bottom + 34), "sessions a night", Ink::Muted, At::End)?;
    let at = |p: &BudgetPoint, v: f64| (x.at(p.sessions as f64), y.at(v));
    let high: Vec<_> = points.iter().map(|p| at(p, p.unseen.high)).collect();
    let low: Vec<_> = points.iter().map(|p| at(p, p.unseen.low)).collect();
    let around: Vec<_> = high.iter().chain(low.iter().rev()).copied().collect();
    sheet.area(&around, Ink::Band)?;
    sheet.line(&high, Ink::Edge, 1)?;
    sheet.line(&low, Ink::Edge, 1)?;
    let mid: Vec<_> = points.iter().map(|p| at(p, p.unseen.mid)).collect();
    sheet.line(&mid, Ink::Line, 2)?;
    if let Some(now) = points.iter().find(|p| p.today) {
        sheet.dot(at(now, now.unseen.mid), 5, Ink::Line, false)?;
        let (tx, ty) = at(now, now.unseen.mid);
        sheet.text((tx + 8, ty - 14), "today", Ink::Text, At::Start)?;
    }
    sheet.line(&[(left, bottom), (right, bottom)], Ink::Edge, 1)
}
