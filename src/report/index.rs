//! The morning page: which sentences and which tables answer "are we in step,
//! what will it cost, what needs me, what do we not know".
//!
//! Sentences are made here and not in the template, because each is a small
//! decision over numbers and is tested as one.

use serde::Serialize;

use super::chart::{self, Figure, SHOWN};
use super::csv::direction;
use super::view::{Night, OpenDrift, RunOutcome, RunView, Unknown, Unread, Verdict, days_between};
use super::words::{about, chance, count, counted, date, estimate, is_unseen, names, percent, share};
use super::{ReportError, slug};
use crate::model::finding::{Basis, Ranking, Recommendation};
use crate::model::{DeviceName, Outcome};

/// How many actions the page shows.
const ACTIONS: usize = 10;

#[derive(Debug, Serialize)]
pub(super) struct IndexPage<'a> {
    run: &'a RunView,
    word: &'static str,
    /// Whether the verdict needs the alarm colour: only when we are blind.
    alarm: bool,
    verdict: Vec<String>,
    blocks: Vec<Block>,
    decisions: Vec<DecisionRow<'a>>,
    standing: Vec<StandingRow>,
    actions: Vec<Action<'a>>,
    actions_note: Option<String>,
    freshness: Figure,
    drift_by_day: Figure,
    open_by_age: Figure,
    scan_next: Vec<NextRow<'a>>,
    scan_next_note: Option<String>,
    ranking: Figure,
    drifts: Vec<DriftRow<'a>>,
    drifts_note: Option<String>,
    calendar: Figure,
    unknowns: Vec<UnknownRow>,
    never_read: Vec<&'a DeviceName>,
    never_read_more: u64,
    unread: Vec<&'a Unread>,
    unread_more: u64,
    reliability: Figure,
    budget: Figure,
    resolve_times: Vec<ResolveRow>,
    outcomes: Vec<OutcomeRow>,
    devices: u64,
}

/// One of the short texts under the verdict.
#[derive(Debug, Serialize)]
struct Block {
    title: &'static str,
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DecisionRow<'a> {
    what: &'a str,
    why: &'a str,
    /// Number of the action that carries it out.
    action: Option<usize>,
}

#[derive(Debug, Serialize)]
struct StandingRow {
    word: &'static str,
    devices: u64,
    share: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Action<'a> {
    what: &'a str,
    why: &'a str,
    saves: u64,
    /// Runs as it stands, line by line; empty when there is none or it could
    /// not be shown as it is.
    command: Vec<&'a str>,
    risk: &'a str,
    sure: &'a str,
    devices: Vec<&'a DeviceName>,
    devices_more: u64,
    drifts: Vec<&'a str>,
    drifts_more: u64,
    decision: bool,
}

#[derive(Debug, Serialize)]
struct NextRow<'a> {
    device: &'a DeviceName,
    chance: String,
    rate: String,
    trend: &'static str,
    median_days: Option<f64>,
    last_good_scan: Option<chrono::DateTime<chrono::Utc>>,
    reason: &'a str,
}

/// An open drift with the address of its place on its device's page.
#[derive(Debug, Serialize)]
pub(super) struct DriftRow<'a> {
    #[serde(flatten)]
    pub drift: &'a OpenDrift,
    pub href: String,
}

#[derive(Debug, Serialize)]
struct UnknownRow {
    outcome: &'static str,
    words: &'static str,
    detail: Option<String>,
    devices: Vec<DeviceName>,
    devices_more: u64,
    n: u64,
    sites: String,
    since: chrono::DateTime<chrono::Utc>,
    advice: String,
}

#[derive(Debug, Serialize)]
struct ResolveRow {
    class: &'static str,
    resolved: u64,
    median_days: Option<f64>,
    nine_in_ten_days: Option<f64>,
    open: u64,
}

#[derive(Debug, Serialize)]
struct OutcomeRow {
    outcome: &'static str,
    words: &'static str,
    devices: u64,
}

pub(super) fn view(night: &Night) -> Result<IndexPage<'_>, ReportError> {
    let verdict = honest(night);
    let last_resolved = night.last_resolved.map(|t| date(t, night.run.as_of));
    Ok(IndexPage {
        run: &night.run,
        word: match verdict {
            Verdict::InStep => "In step",
            Verdict::MostlyInStep => "Mostly in step",
            Verdict::OutOfStep => "Out of step",
            Verdict::CannotSay => "We cannot say",
        },
        alarm: verdict == Verdict::CannotSay,
        verdict: verdict_lines(night),
        blocks: vec![
            Block { title: "Better or worse", lines: movement_lines(night) },
            Block { title: "What it costs", lines: effort_lines(night) },
            Block { title: "What we do not know", lines: gap_lines(night) },
        ],
        decisions: decisions(night),
        standing: standing(night),
        actions: night.recommendations.iter().take(ACTIONS).map(action).collect(),
        actions_note: actions_note(night),
        freshness: chart::freshness::figure(&night.freshness, night.freshness_target)?,
        drift_by_day: chart::drift_by_day::figure(&night.drift_by_day)?,
        open_by_age: chart::open_by_age::figure(&night.drifts, last_resolved.as_deref())?,
        scan_next: night.ranking.iter().take(SHOWN).map(next_row).collect(),
        scan_next_note: more(night.ranking.len(), "ranking.csv"),
        ranking: chart::ranking::figure(&night.ranking)?,
        drifts: drift_rows(night.drifts.iter().take(SHOWN), "devices/"),
        drifts_note: more(night.drifts.len(), "drifts.csv"),
        calendar: chart::calendar::figure(&night.calendar)?,
        unknowns: unknown_rows(&night.unknowns),
        never_read: night.never_read.iter().take(SHOWN).collect(),
        never_read_more: night.never_read.len().saturating_sub(SHOWN) as u64,
        unread: night.unread.iter().take(SHOWN).collect(),
        unread_more: night.unread.len().saturating_sub(SHOWN) as u64,
        reliability: chart::reliability::figure(&night.reliability)?,
        budget: chart::budget::figure(&night.budget_curve)?,
        resolve_times: night
            .resolve_times
            .iter()
            .map(|r| ResolveRow {
                class: r.class.as_str(),
                resolved: r.resolved,
                median_days: r.median_days,
                nine_in_ten_days: r.nine_in_ten_days,
                open: r.open,
            })
            .collect(),
        outcomes: outcomes(night),
        devices: night.devices.len() as u64,
    })
}

/// The verdict, never better than the figures beside it allow.
fn honest(night: &Night) -> Verdict {
    let fleet = &night.fleet;
    let blind = matches!(night.run.outcome, RunOutcome::Failed | RunOutcome::Abandoned)
        || fleet.in_step() + fleet.with_drift() == 0;
    match night.verdict {
        _ if blind => Verdict::CannotSay,
        Verdict::InStep if fleet.with_drift() > 0 || fleet.unknown > 0 => Verdict::MostlyInStep,
        verdict => verdict,
    }
}

fn verdict_lines(night: &Night) -> Vec<String> {
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
    let read = super::view::Share { part: fleet.confirmed(), whole: all };
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

fn movement_lines(night: &Night) -> Vec<String> {
    let mut lines = Vec::new();
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
            if let Some(before) = m.open_30_days_ago {
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

fn effort_lines(night: &Night) -> Vec<String> {
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
            counted(shown.len() as u64, "action closes", "actions close"),
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
fn closed_by(night: &Night, actions: &[Recommendation]) -> u64 {
    let closed: std::collections::BTreeSet<_> = actions.iter().flat_map(|a| &a.drifts).collect();
    night.drifts.iter().filter(|d| closed.contains(&d.id)).count() as u64
}

fn gap_lines(night: &Night) -> Vec<String> {
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

fn decisions(night: &Night) -> Vec<DecisionRow<'_>> {
    let of_actions = night
        .recommendations
        .iter()
        .take(ACTIONS)
        .enumerate()
        .filter(|(_, action)| action.decision)
        .map(|(i, action)| DecisionRow { what: &action.what, why: &action.why, action: Some(i + 1) });
    let others = night.decisions.iter().map(|d| DecisionRow { what: &d.what, why: &d.why, action: None });
    of_actions.chain(others).collect()
}

fn standing(night: &Night) -> Vec<StandingRow> {
    let f = &night.fleet;
    let all = f.devices().max(1) as f64;
    [
        ("Confirmed, in step", f.confirmed_in_step),
        ("Confirmed, with drift", f.confirmed_with_drift),
        ("Believed in step", f.believed_in_step),
        ("Believed with drift", f.believed_with_drift),
        ("Unknown", f.unknown),
    ]
    .into_iter()
    .map(|(word, devices)| StandingRow { word, devices, share: percent(devices as f64 / all) })
    .collect()
}

fn action(from: &Recommendation) -> Action<'_> {
    Action {
        what: &from.what,
        why: &from.why,
        saves: from.drifts.len() as u64,
        command: from.command.as_deref().map(lines_as_they_are).unwrap_or_default(),
        risk: &from.risk,
        sure: &from.sure,
        devices: from.devices.iter().take(3).collect(),
        devices_more: from.devices.len().saturating_sub(3) as u64,
        drifts: from.drifts.iter().take(4).map(|id| id.0.as_str()).collect(),
        drifts_more: from.drifts.len().saturating_sub(4) as u64,
        decision: from.decision,
    }
}

/// A command that would be shown with escapes would not run as it stands: then
/// the drift's id has to do.
fn lines_as_they_are(command: &str) -> Vec<&str> {
    if command.chars().any(|c| is_unseen(c) && c != '\n') { Vec::new() } else { command.lines().collect() }
}

fn actions_note(night: &Night) -> Option<String> {
    let shown = &night.recommendations[..night.recommendations.len().min(ACTIONS)];
    let left = night.drifts.len() as u64 - closed_by(night, shown);
    (left > 0 && !shown.is_empty())
        .then(|| format!("The other {}: drifts.csv.", counted(left, "drift", "drifts")))
}

fn next_row(r: &Ranking) -> NextRow<'_> {
    NextRow {
        device: &r.device,
        chance: chance(r.p_change),
        rate: match r.basis {
            Basis::Data => {
                format!("{} ({} to {})", about(r.rate_per_30_days), about(r.rate_low), about(r.rate_high))
            }
            Basis::Prior => format!("{} to {}", about(r.rate_low), about(r.rate_high)),
        },
        trend: match r.basis {
            Basis::Data => direction(r.trend.direction),
            Basis::Prior => "too little history",
        },
        median_days: r.median_days_to_next.filter(|d| d.is_finite()),
        last_good_scan: r.last_good_scan,
        reason: &r.reason,
    }
}

fn more(all: usize, file: &str) -> Option<String> {
    (all > SHOWN).then(|| format!("{} more: {file}.", count((all - SHOWN) as u64)))
}

pub(super) fn drift_rows<'a>(drifts: impl Iterator<Item = &'a OpenDrift>, folder: &str) -> Vec<DriftRow<'a>> {
    drifts
        .map(|drift| DriftRow { drift, href: format!("{folder}{}.html#{}", slug(&drift.device), drift.id) })
        .collect()
}

/// One row for all devices that fail alike: forty devices of one site with one
/// wrong password are one thing to do.
fn unknown_rows(unknowns: &[Unknown]) -> Vec<UnknownRow> {
    let mut groups: Vec<(&Unknown, Vec<&Unknown>)> = Vec::new();
    for unknown in unknowns {
        let alike = |other: &Unknown| {
            other.outcome == unknown.outcome
                && other.detail == unknown.detail
                && other.advice == unknown.advice
        };
        match groups.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, members)) => members.push(unknown),
            None => groups.push((unknown, vec![unknown])),
        }
    }
    groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.device.cmp(&b.0.device)));
    groups
        .into_iter()
        .take(SHOWN)
        .map(|(first, mut members)| {
            members.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.device.cmp(&b.device)));
            let mut sites: Vec<&str> =
                members.iter().map(|m| m.site.as_str()).filter(|s| !s.is_empty()).collect();
            sites.sort_unstable();
            sites.dedup();
            UnknownRow {
                outcome: first.outcome.as_str(),
                words: outcome_words(first.outcome),
                detail: first.detail.clone(),
                devices: members.iter().take(3).map(|m| m.device.clone()).collect(),
                devices_more: members.len().saturating_sub(3) as u64,
                n: members.len() as u64,
                sites: names(&sites, 3),
                since: members.iter().map(|m| m.since).min().unwrap_or(first.since),
                advice: first.advice.clone(),
            }
        })
        .collect()
}

/// Every device of the inventory has exactly one outcome; those that were not
/// tried were not due.
fn outcomes(night: &Night) -> Vec<OutcomeRow> {
    let tried = night.scans.len() as u64;
    Outcome::ALL
        .into_iter()
        .map(|outcome| {
            let n = night.scans.iter().filter(|s| s.outcome == outcome).count() as u64;
            let not_tried =
                if outcome == Outcome::NotDue { night.fleet.devices().saturating_sub(tried) } else { 0 };
            OutcomeRow { outcome: outcome.as_str(), words: outcome_words(outcome), devices: n + not_tried }
        })
        .filter(|row| row.devices > 0)
        .collect()
}

pub(super) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "read completely",
        Outcome::Unreachable => "no connection",
        Outcome::HostKey => "host key unknown or changed",
        Outcome::Auth => "login refused",
        Outcome::Refused => "command refused",
        Outcome::Incomplete => "output without its end",
        Outcome::WrongDevice => "another system answered",
        Outcome::Unstable => "configured while it was read",
        Outcome::Suspect => "lost too much to be believed",
        Outcome::TooLarge => "output over the limit",
        Outcome::Unsupported => "platform not known",
        Outcome::Unread => "nothing understood",
        Outcome::ParserError => "the reader failed",
        Outcome::Timeout => "took too long",
        Outcome::NotDue => "not chosen tonight",
    }
}
