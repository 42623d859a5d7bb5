//! What would more or fewer sessions a night buy?

use super::{At, Axis, Figure, Ink, Key, Sheet, Table, number};
use crate::report::ReportError;
use crate::report::view::BudgetPoint;
use crate::report::view::upkeep::NightSessions;
use crate::report::words::{about, count, counted, days, percent};

/// `nights`: what past nights used; beyond that the curve is a calculation only.
pub(in crate::report) fn figure(
    curve: &[BudgetPoint],
    nights: &[NightSessions],
) -> Result<Figure, ReportError> {
    const ID: &str = "budget";
    let finite = |e: &crate::report::view::Estimate| [e.mid, e.low, e.high].iter().all(|x| x.is_finite());
    let points: Vec<BudgetPoint> =
        curve.iter().copied().filter(|p| finite(&p.fresh) && finite(&p.unseen)).collect();
    if points.len() < 2 {
        return Ok(Figure::without(
            ID,
            "What more sessions would buy",
            "Starts with the first complete readings of at least two devices.",
        ));
    }
    let describe = points
        .iter()
        .map(|p| format!("{} sessions: {}", count(p.sessions), percent(p.fresh.mid)))
        .collect::<Vec<_>>()
        .join("; ");
    let figure = Figure {
        id: ID,
        title: title(&points),
        subtitle: "Share of time on which a device's last snapshot is true, by device sessions a night; beside the dots, the mean time until a change is found. In the long run, if devices go on changing as they did.".to_owned(),
        empty: None,
        wide: String::new(),
        narrow: String::new(),
        key: vec![
            Key { mark: "line", word: "estimate".to_owned() },
            Key { mark: "band", word: "90 % interval of what is known of the rates".to_owned() },
        ],
        table: table(&points, nights),
    };
    figure.draw(&describe, |sheet| paint(sheet, &points))
}

fn title(points: &[BudgetPoint]) -> String {
    let Some(now) = points.iter().find(|p| p.today) else {
        return "What more or fewer sessions would buy".to_owned();
    };
    let enough = |p: &&BudgetPoint| p.sessions as f64 >= 1.4 * now.sessions as f64;
    match (
        points.iter().find(enough).or(points.last()),
        points.iter().rev().find(|p| p.sessions < now.sessions),
    ) {
        (Some(more), _) if more.sessions > now.sessions && more.fresh.mid - now.fresh.mid < 0.005 => {
            "More sessions would hardly help".to_owned()
        }
        (Some(more), _) if more.sessions > now.sessions => format!(
            "{} a night: snapshots are right {} of the time instead of {}, and changes are found after {} days instead of {}",
            counted(more.sessions - now.sessions, "more session", "more sessions"),
            percent(more.fresh.mid),
            percent(now.fresh.mid),
            more.delay_days.map_or("–".to_owned(), days),
            now.delay_days.map_or("–".to_owned(), days),
        ),
        (_, Some(less)) => format!(
            "Every device is read every night; with {} snapshots would be right {} of the time instead of {}",
            counted(now.sessions - less.sessions, "session fewer", "sessions fewer"),
            percent(less.fresh.mid),
            percent(now.fresh.mid),
        ),
        _ => "What more or fewer sessions would buy".to_owned(),
    }
}

fn table(points: &[BudgetPoint], nights: &[NightSessions]) -> Table {
    let used = nights.iter().map(|n| n.sessions).filter(|n| *n > 0);
    Table {
        caption: "By sessions a night".to_owned(),
        columns: vec![
            number("Sessions"),
            number("Right"),
            number("5 %"),
            number("95 %"),
            number("Devices changed unseen"),
            number("Days to find"),
        ],
        rows: points
            .iter()
            .map(|p| {
                vec![
                    format!("{}{}", count(p.sessions), if p.today { " (today)" } else { "" }),
                    percent(p.fresh.mid),
                    percent(p.fresh.low),
                    percent(p.fresh.high),
                    about(p.unseen.mid),
                    p.delay_days.map_or("–".to_owned(), days),
                ]
            })
            .collect(),
        note: used.clone().min().zip(used.max()).map(|(least, most)| {
            let tried = if least == most { count(least) } else { format!("{} to {}", count(least), count(most)) };
            format!(
                "Nights of the last month used {tried} sessions; what lies outside was not tried. driftcast rank --budgets has more, and the interval of each device."
            )
        }),
    }
}

fn paint(sheet: &Sheet<'_>, points: &[BudgetPoint]) -> Result<(), ReportError> {
    let (left, right) = (54, sheet.width - 24);
    let (top, bottom) = (14, sheet.height - 46);
    let low = points.iter().map(|p| p.fresh.low).fold(1.0, f64::min);
    let floor = if low < 0.5 { 0.0 } else { ((low * 10.0).floor() / 10.0).min(0.9) };
    let y = Axis::new(floor, 1.0, bottom, top);
    let end = points.iter().map(|p| p.sessions).max().unwrap_or(1);
    let x = Axis::new(0.0, end as f64, left, right);
    sheet.rules(&y, left, right, percent)?;
    for tick in x.whole_ticks(if sheet.is_narrow() { 3 } else { 6 }) {
        sheet.text((x.at(tick), bottom + 14), &count(tick.max(0.0) as u64), Ink::Muted, At::Middle)?;
    }
    let cut = if floor > 0.0 { format!("axis cut at {}; ", percent(floor)) } else { String::new() };
    sheet.text((right, bottom + 34), &format!("{cut}sessions a night"), Ink::Muted, At::End)?;
    let at = |p: &BudgetPoint, v: f64| (x.at(p.sessions as f64), y.at(v));
    let high: Vec<_> = points.iter().map(|p| at(p, p.fresh.high)).collect();
    let low: Vec<_> = points.iter().map(|p| at(p, p.fresh.low)).collect();
    let around: Vec<_> = high.iter().chain(low.iter().rev()).copied().collect();
    sheet.area(&around, Ink::Band)?;
    sheet.line(&high, Ink::Edge, 1)?;
    sheet.line(&low, Ink::Edge, 1)?;
    let mid: Vec<_> = points.iter().map(|p| at(p, p.fresh.mid)).collect();
    sheet.line(&mid, Ink::Line, 2)?;
    // A label under each dot that has room for one; today's always has.
    let words = |p: &BudgetPoint| {
        let found = p.delay_days.map_or(String::new(), |d| format!("{} d", days(d)));
        if p.today { format!("today, {found}") } else { found }
    };
    let room = 60;
    let today = points.iter().find(|p| p.today);
    let mut taken: Vec<i32> = today.map(|p| x.at(p.sessions as f64)).into_iter().collect();
    for p in points {
        let (tx, ty) = at(p, p.fresh.mid);
        sheet.dot((tx, ty), if p.today { 5 } else { 3 }, Ink::Line, false)?;
        if !p.today && taken.iter().any(|t| (t - tx).abs() < room) {
            continue;
        }
        taken.push(tx);
        let below = (ty + 18).min(bottom - 8);
        let (tx, side) = if tx + 70 > right { (right, At::End) } else { (tx + 6, At::Start) };
        sheet.text((tx, below), &words(p), if p.today { Ink::Text } else { Ink::Muted }, side)?;
    }
    sheet.line(&[(left, bottom), (right, bottom)], Ink::Edge, 1)
}
