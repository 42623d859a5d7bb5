//! The morning page: which tables and which pictures answer "are we in step,
//! what will it cost, what needs me, what do we not know".

use std::borrow::Cow;

use serde::Serialize;

use super::answers::{self, UpkeepRows};
use super::chart::{self, Figure, SHOWN};
use super::csv::direction;
use super::period::{self, PeriodLink};
use super::verdict::{closed_by, effort_lines, gap_lines, honest, movement_lines, trend, verdict_lines};
use super::view::upkeep::Debt;
use super::view::{BudgetPoint, Night, OpenDrift, RunView, Unknown, Unread, Verdict};
use super::words::{about, chance, count, counted, date, days, is_unseen, names, percent};
use super::{ACTIONS, ReportError, slug};
use crate::model::finding::{Basis, Ranking, Recommendation};
use crate::model::{DeviceName, Outcome};

#[derive(Debug, Serialize)]
pub(super) struct IndexPage<'a> {
    run: &'a RunView,
    word: &'static str,
    /// Whether the verdict needs the alarm colour: only when we are blind.
    alarm: bool,
    verdict: Vec<String>,
    blocks: Vec<Block>,
    decisions: Vec<DecisionRow<'a>>,
    decisions_note: Option<String>,
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
    upkeep: UpkeepRows<'a>,
    devices: u64,
    weeks: Vec<PeriodLink>,
    months: Vec<PeriodLink>,
}

/// One of the short texts under the verdict.
#[derive(Debug, Serialize)]
struct Block {
    title: &'static str,
    /// The answer in a sentence.
    head: Option<&'static str>,
    lines: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DecisionRow<'a> {
    what: Cow<'a, str>,
    why: Cow<'a, str>,
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
    let (weeks, months) = period::links(night);
    let last_resolved = night.last_resolved.map(|t| date(t, night.run.as_of));
    Ok(IndexPage {
        run: &night.run,
        word: verdict.words(),
        alarm: verdict == Verdict::CannotSay,
        verdict: verdict_lines(night),
        blocks: vec![
            Block {
                title: "Better or worse",
                head: trend(night).map(|(word, _)| word),
                lines: movement_lines(night),
            },
            Block { title: "What it costs", head: None, lines: effort_lines(night) },
            Block { title: "What we do not know", head: None, lines: gap_lines(night) },
        ],
        decisions: decisions(night),
        decisions_note: decisions_note(night),
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
        budget: chart::budget::figure(&night.budget_curve, &night.upkeep.nights)?,
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
        upkeep: answers::rows(night),
        devices: night.devices.len() as u64,
        weeks,
        months,
    })
}

fn decisions(night: &Night) -> Vec<DecisionRow<'_>> {
    let of_actions =
        night.recommendations.iter().take(ACTIONS).enumerate().filter(|(_, action)| action.decision).map(
            |(i, action)| DecisionRow {
                what: Cow::Borrowed(&action.what),
                why: Cow::Borrowed(&action.why),
                action: Some(i + 1),
            },
        );
    let others = night.decisions.iter().map(|d| DecisionRow {
        what: Cow::Borrowed(&d.what),
        why: Cow::Borrowed(&d.why),
        action: None,
    });
    let found = [budget_decision(night), debt_decision(night)].into_iter().flatten();
    let found = found.map(|(what, why)| DecisionRow { what: what.into(), why: why.into(), action: None });
    of_actions.chain(others).chain(found).collect()
}

/// More sessions are worth a manager's thought while snapshots are wrong for
/// more than a twentieth of the time, and up to twice the budget mends much of it.
fn budget_decision(night: &Night) -> Option<(String, String)> {
    const ENOUGH: f64 = 0.95;
    const MUCH: f64 = 0.03;
    let now = night.budget_curve.iter().find(|p| p.today)?;
    let more = night.budget_curve.iter().find(|p| {
        p.sessions > now.sessions && p.sessions <= 2 * now.sessions && p.fresh.mid - now.fresh.mid >= MUCH
    })?;
    let delay = |p: &BudgetPoint| p.delay_days.map_or("–".to_owned(), days);
    (now.fresh.mid < ENOUGH).then(|| {
        (
            format!("Allow {} a night?", counted(more.sessions - now.sessions, "more session", "more sessions")),
            format!(
                "Snapshots would be right about {} of the time instead of {}, and a change found after {} days instead of {}.",
                percent(more.fresh.mid),
                percent(now.fresh.mid),
                delay(more),
                delay(now)
            ),
        )
    })
}

/// Skips and overrides that were to be looked at again by now.
fn debt_decision(night: &Night) -> Option<(String, String)> {
    let overdue: Vec<&Debt> = night.upkeep.debt.iter().filter(|debt| debt.overdue).collect();
    let first = overdue.first()?;
    Some((
        format!("Look again at {}", counted(overdue.len() as u64, "decision", "decisions")),
        format!(
            "{} {} on {} was to stay until a date that is over: see sync debt.",
            first.choice, first.key, first.device
        ),
    ))
}

/// Decisions that belong to actions which the page does not show.
fn decisions_note(night: &Night) -> Option<String> {
    let hidden = night.recommendations.iter().skip(ACTIONS).filter(|action| action.decision).count() as u64;
    (hidden > 0).then(|| {
        let word = if hidden == 1 { "decision stands" } else { "decisions stand" };
        format!("{} more {word} behind the first {ACTIONS} actions: report.json.", count(hidden))
    })
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
