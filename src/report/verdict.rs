//! The verdict and the short texts under it. Sentences are made here and not
//! in the template, because each is a small decision over numbers.

use super::ACTIONS;
use super::view::{DriftDay, Night, RunOutcome, Share, Verdict, days_between};
use super::words::{about, count, counted, date, estimate, share};
use crate::model::finding::Recommendation;

/// The verdict, never better than the figures beside it allow.
pub(super) fn honest(night: &Night) -> Verdict {
    let fleet = &night.fleet;
    let blind = matches!(night.run.outcome, RunOutcome::Failed | RunOutcome::Abandoned)
        || fleet.in_step() + fleet.with_drift() == 0;
    match night.verdict {
        _ if blind => Verdict::CannotSay,
        Verdict::InStep if fleet.with_drift() > 0 || fleet.unknown > 0 => Verdict::MostlyInStep,
        verdict => verdict,
    }
}

pub(super) fn verdict_lines(night: &Night) -> Vec<String> {
    let fleet = &night.fleet;
    let all = fleet.devices();
    let mut lines = Vec::new();
    match night.run.outcome {
        RunOutcome::Failed => {
            lines.push("The run failed: what follows is what was known before it.".to_owned());
        }
        RunOutcome::Abandoned => {
            lines.push(
                "The run broke off and never said that it finished. What it had read complete is kept."
                    .to_owned(),
            );
        }
        RunOutcome::Complete | RunOutcome::Partial => {}
    }
    lines.extend(night.verdict_reason.clone());
    if all == 0 {
        lines.push("The inventory is empty. Start with: driftcast devices import FILE".to_owned());
        return lines;
    }
    if fleet.in_step() + fleet.with_drift() == 0 {
        lines.push(format!("None of {} could be read lately.", counted(all, "device", "devices")));
        return lines;
    }
    let mut parts = vec![
        format!("{} agreed with the record when last read", count(fleet.in_step())),
        format!("{} did not", count(fleet.with_drift())),
    ];
    if fleet.unknown > 0 {
        parts.push(format!("{} could not be read lately", count(fleet.unknown)));
    }
    let last = parts.pop().unwrap_or_default();
    lines.push(format!("Of {}, {} and {last}.", counted(all, "device", "devices"), parts.join(", ")));
    let read = Share { part: fleet.confirmed(), whole: all };
    lines.push(format!("Read in the 24 hours before: {}.", share(&read)));
    match &night.unseen {
        Some(unseen) if unseen.high < 1.0 => {
            lines.push("Probably none has changed since we read it.".to_owned());
        }
        Some(unseen) => {
            lines.push(format!("Across all, {} have probably changed since we read them.", estimate(unseen)));
        }
        None => {}
    }
    if let Some(agreement) = night.agreement.filter(|a| a.whole > 0) {
        lines.push(format!("Record and device agree on {} covered facts.", share(&agreement)));
    }
    lines
}

/// Nights that the trend looks back.
const MONTH: usize = 30;

/// Better or worse, in a word and its reason: last night's move if it is larger
/// than nights are, else open drifts now against those of the oldest of the last
/// [`MONTH`] nights. `None` before a week of nights.
///
/// Nights that move at random end up `sqrt(Σ d²)` away from where they began;
/// what stays within 1.645 of that is no trend.
pub(super) fn trend(night: &Night) -> Option<(&'static str, String)> {
    let ran: Vec<&DriftDay> = night.drift_by_day.iter().filter(|day| day.ran).collect();
    let ran = &ran[ran.len().saturating_sub(MONTH)..];
    let (first, last) = (ran.first()?, ran.last()?);
    if ran.len() < 7 {
        return None;
    }
    let moves: Vec<f64> = ran.windows(2).map(|two| two[1].open() as f64 - two[0].open() as f64).collect();
    let (tonight, before_it) = moves.split_last()?;
    let squares: f64 = before_it.iter().map(|d| d * d).sum();
    let usual = 1.645 * (squares / before_it.len() as f64).sqrt();
    if tonight.abs() > (1.2 * usual).max(2.0) {
        let (word, more) =
            if *tonight > 0.0 { ("Worse tonight.", "more") } else { ("Better tonight.", "fewer") };
        let open = counted(last.open(), "drift is", "drifts are");
        let by = count(tonight.abs() as u64);
        return Some((
            word,
            format!(
                "{open} open, {by} {more} than the night before; nights usually move by up to {}.",
                about(usual)
            ),
        ));
    }
    let usual = 1.645 * (squares + tonight * tonight).sqrt();
    let (before, now) = (first.open(), last.open());
    let apart = now as f64 - before as f64;
    let since = first.night.format("%-d %b");
    if before + now == 0 {
        return Some(("As before.", format!("No drift is open, and none was on {since}.")));
    }
    let than = if before == now { "as many as".to_owned() } else { count(before) };
    let why = format!("{} open, {than} on {since}", counted(now, "drift is", "drifts are"));
    Some(if before == now {
        ("As before.", format!("{why}."))
    } else if apart.abs() <= usual {
        ("No clear trend.", format!("{why}; that is within what nights vary."))
    } else {
        (if apart < 0.0 { "Better." } else { "Worse." }, format!("{why}; that is more than nights vary."))
    })
}

pub(super) fn movement_lines(night: &Night) -> Vec<String> {
    let mut lines: Vec<String> = trend(night).map(|(_, why)| why).into_iter().collect();
    match &night.movement {
        None => lines.push("First run: there is nothing to compare with yet.".to_owned()),
        Some(m) => {
            let since = date(m.since, night.run.as_of);
            if m.new + m.resolved + m.returned == 0 {
                lines.push(format!("Nothing new and nothing resolved since {since}."));
            } else {
                lines.push(format!(
                    "Since {since}: {} new, {} resolved, {} came back.",
                    count(m.new),
                    count(m.resolved),
                    count(m.returned)
                ));
            }
            if let (Some(before), None) = (m.open_30_days_ago, trend(night)) {
                lines.push(format!(
                    "30 days earlier {} open; now {}.",
                    counted(before, "drift was", "drifts were"),
                    count(night.drifts.len() as u64)
                ));
            }
        }
    }
    match &night.next_week {
        Some(next) if next.high < 1.0 => {
            lines.push("Probably no device will change in the next 7 days.".to_owned());
        }
        Some(next) => {
            lines.push(format!("Expected to change in the next 7 days: {} devices.", estimate(next)));
        }
        None => {}
    }
    lines
}

pub(super) fn effort_lines(night: &Night) -> Vec<String> {
    let mut lines = Vec::new();
    let shown = &night.recommendations[..night.recommendations.len().min(ACTIONS)];
    let open = night.drifts.len() as u64;
    if shown.is_empty() {
        lines.push(if open == 0 {
            "Nothing to do.".to_owned()
        } else {
            format!("{} open, and no action proposed.", counted(open, "drift is", "drifts are"))
        });
    } else {
        lines.push(format!(
            "{} {} of {}.",
            counted(shown.len() as u64, "action covers", "actions cover"),
            count(closed_by(night, shown)),
            counted(open, "open drift", "open drifts")
        ));
    }
    lines.push(match night.run.budget {
        Some(budget) => format!(
            "Reading used {} of {}.",
            count(night.run.sessions),
            counted(budget, "session", "sessions")
        ),
        None => {
            format!("Reading used {}, without a limit.", counted(night.run.sessions, "session", "sessions"))
        }
    });
    lines
}

/// How many of the open drifts these actions close: each is counted once.
pub(super) fn closed_by(night: &Night, actions: &[Recommendation]) -> u64 {
    let closed: std::collections::BTreeSet<_> = actions.iter().flat_map(|a| &a.drifts).collect();
    night.drifts.iter().filter(|d| closed.contains(&d.id)).count() as u64
}

pub(super) fn gap_lines(night: &Night) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(first) = night.unknowns.iter().map(|u| u.since).min() {
        let longest = days_between(first, night.run.as_of).floor() as u64;
        let n = night.unknowns.len() as u64;
        let who = if n == 1 { "for" } else { "one for" };
        lines.push(format!(
            "{} could not be read, {who} {}.",
            counted(n, "device", "devices"),
            counted(longest, "day", "days")
        ));
    }
    if !night.never_read.is_empty() {
        let n = night.never_read.len() as u64;
        lines.push(format!("{} never read.", counted(n, "device was", "devices were")));
    }
    if !night.unread.is_empty() {
        lines.push(format!(
            "{} on {} not understood.",
            counted(night.unread.iter().map(|u| u.lines).sum(), "line", "lines"),
            counted(night.unread.len() as u64, "device was", "devices were")
        ));
    }
    if lines.is_empty() {
        lines.push("Every device answered, and every line was understood.".to_owned());
    }
    if night.fleet.unmanaged_facts > 0 {
        lines.push(format!(
            "{} outside what the record claims to know.",
            counted(night.fleet.unmanaged_facts, "fact lies", "facts lie")
        ));
    }
    lines
}
