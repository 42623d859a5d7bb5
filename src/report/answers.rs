//! What the morning page says of its own upkeep and of the questions that come
//! up every month: sentences from numbers, each with its period and how sure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::chart::SHOWN;
use super::view::upkeep::{
    CostAnswer, Debt, DelayAnswer, HandAnswer, IgnoreRule, NightSessions, PolicyWork, RefusedAnswer, Upkeep,
    WentAhead,
};
use super::view::{Estimate, Night};
use super::words::{about, count, counted, date, days, percent};
use crate::model::DeviceName;

#[derive(Debug, Serialize)]
pub(super) struct UpkeepRows<'a> {
    sync: Vec<String>,
    /// A guard stopped it.
    stopped: Option<&'a str>,
    sessions: Option<String>,
    debt: &'a [Debt],
    debt_line: String,
    debt_note: Option<String>,
    rules: Vec<&'a IgnoreRule>,
    schedules: &'a [super::view::upkeep::ScheduleState],
    weak: Vec<WeakRow<'a>>,
    causes: Vec<CauseRow>,
    platforms: &'a [super::view::upkeep::PlatformLines],
    questions: Vec<Question>,
}

/// Devices that need the same weak algorithms.
#[derive(Debug, Serialize)]
struct WeakRow<'a> {
    algorithms: &'a str,
    n: u64,
    devices: Vec<&'a DeviceName>,
    devices_more: u64,
}

#[derive(Debug, Serialize)]
struct CauseRow {
    cause: &'static str,
    words: &'static str,
    opened: u64,
    share: String,
    interval: String,
    open: u64,
}

#[derive(Debug, Serialize)]
struct Question {
    id: &'static str,
    asked: &'static str,
    answer: Vec<String>,
    /// What it rests on.
    rests_on: String,
}

pub(super) fn rows(night: &Night) -> UpkeepRows<'_> {
    let upkeep = &night.upkeep;
    UpkeepRows {
        sync: sync(upkeep.sync.as_ref()),
        stopped: upkeep.sync.as_ref().and_then(|s| s.stopped.as_deref()),
        sessions: sessions(&upkeep.nights),
        debt: &upkeep.debt[..upkeep.debt.len().min(SHOWN)],
        debt_line: debt_line(&upkeep.debt),
        debt_note: (upkeep.debt.len() > SHOWN).then(|| {
            format!("{} more: driftcast status, report.json.", count((upkeep.debt.len() - SHOWN) as u64))
        }),
        rules: rules(&upkeep.ignore_rules),
        schedules: &upkeep.schedules,
        weak: weak(upkeep),
        causes: upkeep
            .causes
            .iter()
            .map(|c| CauseRow {
                cause: c.cause.as_str(),
                words: cause_words(c.cause),
                opened: c.opened,
                share: percent(c.share.mid),
                interval: format!("{} to {}", percent(c.share.low), percent(c.share.high)),
                open: c.open,
            })
            .collect(),
        platforms: &upkeep.unread_by_platform,
        questions: vec![
            by_hand(upkeep.by_hand.as_ref()),
            delay(upkeep.delay.as_ref()),
            cost(upkeep.cost.as_ref()),
            refused(upkeep.refused.as_ref(), night.run.as_of),
        ],
    }
}

fn cause_words(cause: crate::model::Cause) -> &'static str {
    use crate::model::Cause;
    match cause {
        Cause::Historical => "there when the device was first read",
        Cause::Manual => "a person on the command line",
        Cause::Tool => "a tool, over a programming interface",
        Cause::Emergency => "an emergency account",
        Cause::UnrecordedDeploy => "a deployment that nobody recorded",
        Cause::Unknown => "the device does not say",
    }
}

fn sync(work: Option<&PolicyWork>) -> Vec<String> {
    let Some(work) = work else {
        return vec!["No policy accepts drifts without a person.".to_owned()];
    };
    if work.stopped.is_some() {
        return vec!["A guard stopped what policies would have accepted. Nothing was written.".to_owned()];
    }
    let written = work.added + work.updated + work.removed;
    let mut lines = vec![if written == 0 {
        "Policies accepted nothing in this run.".to_owned()
    } else {
        format!(
            "Policies accepted {} into the record: {} added, {} updated, {} removed. Plan {}.",
            counted(written, "change", "changes"),
            count(work.added),
            count(work.updated),
            count(work.removed),
            work.plan
        )
    }];
    if work.skipped > 0 {
        lines.push(format!(
            "{} skipped, because record or device had moved on.",
            counted(work.skipped, "was", "were")
        ));
    }
    if work.held > 0 {
        lines.push(format!(
            "Of what policies accept, {} held back: driftcast sync plan says why.",
            counted(work.held, "drift is", "drifts are")
        ));
    }
    lines
}

fn sessions(nights: &[NightSessions]) -> Option<String> {
    let used: u64 = nights.iter().map(|n| n.sessions).sum();
    let n = nights.len() as u64;
    let first = nights.first()?;
    let since = first.started.format("%-d %b");
    let budgets: Vec<u64> = nights.iter().filter_map(|n| n.budget).collect();
    Some(if budgets.len() == nights.len() {
        let allowed: u64 = budgets.iter().sum();
        let short = nights.iter().filter(|n| n.budget.is_some_and(|b| n.sessions < b)).count() as u64;
        format!(
            "In the last {} (since {since}) reading used {} of {} allowed sessions ({}); {} used less than allowed.",
            counted(n, "night", "nights"),
            count(used),
            count(allowed),
            percent(used as f64 / allowed.max(1) as f64),
            counted(short, "night", "nights"),
        )
    } else {
        format!(
            "In the last {} (since {since}) reading used {}; not every night had a limit.",
            counted(n, "night", "nights"),
            counted(used, "session", "sessions")
        )
    })
}

fn debt_line(debt: &[Debt]) -> String {
    let overdue = debt.iter().filter(|one| one.overdue).count() as u64;
    let oldest = debt.iter().map(|one| one.age_days).fold(0.0, f64::max);
    let due = match overdue {
        0 => String::new(),
        n => format!("; {} to be looked at again by now", counted(n, "was", "were")),
    };
    format!(
        "{} open, the oldest for {} days{due}.",
        counted(debt.len() as u64, "decision is", "decisions are"),
        days(oldest)
    )
}

/// Those that never fire first: they are what there is to do.
fn rules(rules: &[IgnoreRule]) -> Vec<&IgnoreRule> {
    let mut rules: Vec<&IgnoreRule> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.times);
    rules.truncate(SHOWN);
    rules
}

fn weak(upkeep: &Upkeep) -> Vec<WeakRow<'_>> {
    let mut by_algorithms: BTreeMap<&str, Vec<&DeviceName>> = BTreeMap::new();
    for one in &upkeep.weak {
        by_algorithms.entry(&one.algorithms).or_default().push(&one.device);
    }
    let mut rows: Vec<WeakRow<'_>> = by_algorithms
        .into_iter()
        .map(|(algorithms, mut devices)| {
            devices.sort();
            let n = devices.len();
            devices.truncate(3);
            WeakRow { algorithms, n: n as u64, devices_more: (n - devices.len()) as u64, devices }
        })
        .collect();
    rows.sort_by(|a, b| b.n.cmp(&a.n).then(a.algorithms.cmp(b.algorithms)));
    rows.truncate(SHOWN);
    rows
}

fn period(d: f64) -> String {
    format!("the {} days before", days(d))
}

fn by_hand(answer: Option<&HandAnswer>) -> Question {
    let asked = "How often are devices changed by hand?";
    let Some(a) = answer else {
        return unanswered("by-hand", asked, "It takes a week of readings to say.");
    };
    let mut lines = vec![if a.found.by_hand == 0 {
        format!(
            "No change by hand was seen in {}; the rate may be up to {} a week.",
            period(a.days),
            about(a.found.per_week.high)
        )
    } else {
        format!(
            "About {} times a week ({} to {}): {} in {}, by {} on {}.",
            about(a.found.per_week.mid),
            about(a.found.per_week.low),
            about(a.found.per_week.high),
            counted(a.found.by_hand, "occasion", "occasions"),
            period(a.days),
            counted(a.found.people, "account", "accounts"),
            counted(a.found.devices, "device", "devices"),
        )
    }];
    if a.found.by_tool > 0 {
        lines.push(format!("Tools made changes on {}.", counted(a.found.by_tool, "occasion", "occasions")));
    }
    if a.found.not_known > 0 {
        lines.push(format!(
            "Of {} more the device does not say who. If all of these were by hand, it is {} times a week.",
            count(a.found.not_known),
            about(a.found.at_most_per_week)
        ));
    }
    Question {
        id: "by-hand",
        asked,
        answer: lines,
        rests_on: "An occasion is what one reading of one device found. Who: from the devices' commit logs. 90 % interval, widened where changes came together.".to_owned(),
    }
}

fn delay(answer: Option<&DelayAnswer>) -> Question {
    let asked = "How late do we learn of a change, and what would less delay cost?";
    let Some(a) = answer else {
        return unanswered(
            "delay",
            asked,
            "No change was seen yet. It takes two complete scans of a device to see one.",
        );
    };
    let mut lines = vec![format!(
        "Half of {} were known within about {} days ({} to {}); nine in ten within {} days at the latest.",
        counted(a.found.occasions, "change", "changes"),
        about(a.found.median_days.mid),
        about(a.found.median_days.low),
        about(a.found.median_days.high),
        days(a.found.nine_in_ten_days),
    )];
    let minutes = |sessions: f64| {
        a.scan_seconds.map_or(String::new(), |s| format!(", about {} of device time", spell(sessions * s)))
    };
    if a.sessions_per_night >= a.fleet as f64 * 0.95 {
        lines.push(
            "Every device is read every night already: less delay needs more than one run a day.".to_owned(),
        );
    } else {
        let more = a.sessions_per_night.min(a.fleet as f64 - a.sessions_per_night);
        lines.push(format!(
            "Half the delay costs about twice the sessions, if these are spread as now: {} a night in place of {}, so {} more{}.",
            about(a.sessions_per_night + more),
            about(a.sessions_per_night),
            about(more),
            minutes(more)
        ));
        lines.push(format!(
            "Reading all {} every night ({} more sessions{}) would bring it to about 12 hours.",
            counted(a.fleet, "device", "devices"),
            about(a.fleet as f64 - a.sessions_per_night),
            minutes(a.fleet as f64 - a.sessions_per_night)
        ));
    }
    Question {
        id: "delay",
        asked,
        answer: lines,
        rests_on: format!(
            "Changes that were found in {}. Nobody saw the moment: a change counts as made midway between two readings. 90 % interval of the median; the price is an estimate, it was not tried.",
            period(a.days)
        ),
    }
}

fn cost(answer: Option<&CostAnswer>) -> Question {
    let asked = "What does a scan cost?";
    let Some(a) = answer else {
        return unanswered("cost", asked, "No device was read completely in the last 30 days.");
    };
    let Estimate { mid, low, high } = a.seconds;
    let mut lines = vec![format!(
        "A complete reading takes {} (median; nine in ten take {} to {}). {} took {} altogether, {} a night.",
        spell(mid),
        spell(low),
        spell(high),
        counted(a.sessions, "session", "sessions"),
        spell(a.all_seconds),
        about(a.sessions as f64 / a.nights.max(1) as f64),
    )];
    let found = format!("{} ({} to {})", percent(a.found.mid), percent(a.found.low), percent(a.found.high));
    lines.push(if a.changed == 0 {
        format!("None of {} complete readings found a change.", count(a.complete))
    } else {
        let per = a.sessions as f64 / a.changed as f64;
        format!(
            "{found} of complete readings found a change, so one that is found costs about {} sessions, or {} of device time.",
            about(per),
            spell(a.all_seconds / a.changed as f64)
        )
    });
    Question {
        id: "cost",
        asked,
        answer: lines,
        rests_on: format!(
            "Whole devices that were read in {}, {}; {} of {} complete. 90 % interval of the share.",
            period(a.days),
            counted(a.nights, "night", "nights"),
            count(a.complete),
            counted(a.sessions, "session", "sessions")
        ),
    }
}

/// What a block would have stopped is what went ahead over a warning.
fn refused(answer: Option<&RefusedAnswer>, as_of: DateTime<Utc>) -> Question {
    let asked = "Would blocking instead of warning have stopped which deploys?";
    let Some(a) = answer else {
        return unanswered(
            "blocking",
            asked,
            "No refused deploy was decided with driftcast resolve in the last 90 days, so there is nothing to judge by.",
        );
    };
    let mut lines = vec![format!(
        "In {} {} refused and decided here: {} accepted into the record, {} skipped, {} overridden, {} aborted.",
        period(a.days),
        counted(a.all(), "deploy was", "deploys were"),
        count(a.accepted),
        count(a.skipped),
        count(a.overridden),
        count(a.aborted),
    )];
    let stopped = a.went_ahead.len() as u64;
    if stopped == 0 {
        lines.push("A block would have stopped none of them: none went ahead over the warning.".to_owned());
    } else {
        let settled = a.went_ahead.iter().filter(|one| one.settled).count() as u64;
        let needless = a.went_ahead.iter().filter(|one| one.as_wanted).count() as u64;
        let which =
            if stopped == 1 { "the one that".to_owned() } else { format!("the {} that", count(stopped)) };
        lines.push(format!(
            "A block would have stopped {which} went ahead: {} settled since, {} still open.",
            count(settled),
            count(stopped - settled)
        ));
        if needless > 0 {
            lines.push(format!(
                "For nothing in {}: the device had it as wanted already.",
                counted(needless, "case", "cases")
            ));
        }
        let shown = 5;
        lines.extend(a.went_ahead.iter().take(shown).map(|one| went_ahead(one, as_of)));
        if a.went_ahead.len() > shown {
            lines.push(format!("{} more: report.json.", count((a.went_ahead.len() - shown) as u64)));
        }
    }
    Question {
        id: "blocking",
        asked,
        answer: lines,
        rests_on: "Counted, not estimated. Deploys that nobody brought to driftcast resolve are not in it: of these nothing is known.".to_owned(),
    }
}

fn went_ahead(one: &WentAhead, as_of: DateTime<Utc>) -> String {
    let more = if one.more == 0 { String::new() } else { format!(" and {} more", count(one.more)) };
    let state = if one.settled { "settled since" } else { "still open" };
    format!("{}: {} {}{more}, by {}; {state}.", date(one.when, as_of), one.device, one.key, one.who)
}

fn unanswered(id: &'static str, asked: &'static str, why: &str) -> Question {
    Question { id, asked, answer: vec![why.to_owned()], rests_on: String::new() }
}

/// Seconds as people say them: `0.8 s`, `2.1 s`, `17 minutes`, `3.5 hours`.
fn spell(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 100.0 {
        format!("{} s", about(seconds))
    } else if seconds < 6_000.0 {
        format!("{} minutes", about(seconds / 60.0))
    } else {
        format!("{} hours", about(seconds / 3_600.0))
    }
}
