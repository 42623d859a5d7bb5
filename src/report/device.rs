//! One device's page, and the list of all devices.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::csv::direction;
use super::index::{DriftRow, drift_rows, outcome_words};
use super::slug;
use super::view::{DeviceView, FactView, Night, OpenDrift, RunView, Standing, Unread};
use super::words::{about, chance, count, counted, date, days, earlier, share};
use crate::model::finding::{Basis, Ranking};
use crate::model::{Change, DeviceName};

/// What the night knows of each device, by name.
pub(super) struct ByDevice<'a> {
    drifts: HashMap<&'a DeviceName, Vec<&'a OpenDrift>>,
    ranking: HashMap<&'a DeviceName, &'a Ranking>,
    unread: HashMap<&'a DeviceName, &'a Unread>,
}

impl<'a> ByDevice<'a> {
    pub(super) fn of(night: &'a Night) -> Self {
        let mut drifts: HashMap<&DeviceName, Vec<&OpenDrift>> = HashMap::new();
        for drift in &night.drifts {
            drifts.entry(&drift.device).or_default().push(drift);
        }
        Self {
            drifts,
            ranking: night.ranking.iter().map(|r| (&r.device, r)).collect(),
            unread: night.unread.iter().map(|u| (&u.device, u)).collect(),
        }
    }

    fn drifts(&self, name: &DeviceName) -> &[&'a OpenDrift] {
        self.drifts.get(name).map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct DevicePage<'a> {
    run: &'a RunView,
    device: &'a DeviceName,
    platform: &'a str,
    role: &'a str,
    site: &'a str,
    word: &'static str,
    alarm: bool,
    verdict: Vec<String>,
    forecast: Vec<(&'static str, String)>,
    forecast_reason: Option<&'a str>,
    drifts: Vec<DriftRow<'a>>,
    changes: Vec<ChangeRow<'a>>,
    facts: &'a [FactView],
    scans: Vec<ScanRow<'a>>,
    unread: Option<&'a Unread>,
    lines: String,
}

#[derive(Debug, Serialize)]
struct ChangeRow<'a> {
    kind: &'a str,
    key: &'a str,
    change: &'static str,
    fields: String,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    who: Option<&'a str>,
    via: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ScanRow<'a> {
    at: DateTime<Utc>,
    run: Option<i64>,
    scope: &'a str,
    outcome: &'static str,
    words: &'static str,
    detail: Option<&'a str>,
    changes: Option<u64>,
}

pub(super) fn view<'a>(night: &'a Night, by: &ByDevice<'a>, device: &'a DeviceView) -> DevicePage<'a> {
    let drifts = by.drifts(&device.name);
    let ranking = by.ranking.get(&device.name).copied();
    let (word, alarm) = word(&device.standing, !drifts.is_empty());
    DevicePage {
        run: &night.run,
        device: &device.name,
        platform: &device.platform,
        role: &device.role,
        site: &device.site,
        word,
        alarm,
        verdict: verdict_lines(device, drifts.len() as u64, night.run.as_of),
        forecast: ranking.map(|r| forecast(r, device, &night.run)).unwrap_or_default(),
        forecast_reason: ranking.map(|r| r.reason.as_str()),
        drifts: drift_rows(drifts.iter().copied(), ""),
        changes: device.changes.iter().map(change_row).collect(),
        facts: &device.facts,
        scans: device
            .scans
            .iter()
            .map(|scan| ScanRow {
                at: scan.at,
                run: scan.run,
                scope: &scan.scope,
                outcome: scan.outcome.as_str(),
                words: outcome_words(scan.outcome),
                detail: scan.detail.as_deref(),
                changes: scan.changes,
            })
            .collect(),
        unread: by.unread.get(&device.name).copied(),
        lines: format!(
            "Of the last complete reading {} became facts, {} lie outside them, {} not understood.",
            counted(device.lines.read, "line", "lines"),
            count(device.lines.ignored),
            counted(device.lines.unread, "was", "were"),
        ),
    }
}

/// The standing in words, and whether it needs the alarm colour.
fn word(standing: &Standing, drifting: bool) -> (&'static str, bool) {
    match (standing, drifting) {
        (Standing::Confirmed, false) => ("In step", false),
        (Standing::Confirmed, true) => ("Out of step", false),
        (Standing::Believed { .. }, false) => ("Believed in step", false),
        (Standing::Believed { .. }, true) => ("Believed out of step", false),
        (Standing::Unknown { .. }, _) => ("We cannot say", true),
    }
}

fn verdict_lines(device: &DeviceView, open: u64, as_of: DateTime<Utc>) -> Vec<String> {
    let mut lines = Vec::new();
    match &device.standing {
        Standing::Confirmed => {}
        Standing::Believed { p_change } => {
            lines.push(format!("The chance that it changed since we read it is {}.", chance(*p_change)));
        }
        Standing::Unknown { why } => lines.push(format!("It cannot be read. {why}")),
    }
    lines.push(match device.last_good_scan {
        Some(scan) => format!("Last read completely {} ({}).", date(scan, as_of), earlier(scan, as_of)),
        None => "It was never read completely.".to_owned(),
    });
    if device.last_good_scan.is_some() {
        lines.push(match open {
            0 => "No drift is open.".to_owned(),
            n => format!("{} open.", counted(n, "drift is", "drifts are")),
        });
    }
    if let Some(agreement) = device.agreement.filter(|a| a.whole > 0) {
        lines.push(format!("Record and device agree on {} covered facts.", share(&agreement)));
    }
    if device.unmanaged_facts > 0 {
        lines.push(format!(
            "{} outside what the record claims to know.",
            counted(device.unmanaged_facts, "fact lies", "facts lie")
        ));
    }
    lines
}

fn forecast(r: &Ranking, device: &DeviceView, run: &RunView) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("Changed since we read it", chance(r.p_change)),
        ("Drifted since we read it", chance(r.p_drift)),
        (
            "Changes per 30 days",
            format!(
                "{} (90 % interval {} to {})",
                about(r.rate_per_30_days),
                about(r.rate_low),
                about(r.rate_high)
            ),
        ),
        (
            "Days to the next change",
            r.median_days_to_next.map_or("over ten years".to_owned(), |d| format!("{} (median)", days(d))),
        ),
    ];
    if let Some(interval) = device.interval_days {
        rows.push((
            "Worth reading",
            format!(
                "every {} days, if reading uses {} a night and devices change as they did",
                about(interval),
                counted(run.budget.unwrap_or(run.sessions), "session", "sessions")
            ),
        ));
    }
    rows.push((
        "Rests on",
        match r.basis {
            Basis::Data => format!(
                "{}, {} with a change; {}",
                counted(r.scans.max(0).unsigned_abs(), "complete scan", "complete scans"),
                count(r.changed.max(0).unsigned_abs()),
                direction(r.trend.direction)
            ),
            Basis::Prior => format!("too little history; judged by similar devices ({})", r.role),
        },
    ));
    rows
}

fn change_row(change: &Change) -> ChangeRow<'_> {
    ChangeRow {
        kind: change.key.kind.as_str(),
        key: &change.key.key,
        change: change.kind.as_str(),
        fields: change.fields.join(", "),
        after: change.after,
        until: change.until,
        who: change.who.as_deref(),
        via: change.via.as_deref(),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct DeviceList<'a> {
    run: &'a RunView,
    devices: Vec<ListRow<'a>>,
}

#[derive(Debug, Serialize)]
struct ListRow<'a> {
    name: &'a DeviceName,
    href: String,
    role: &'a str,
    site: &'a str,
    word: &'static str,
    alarm: bool,
    drifts: u64,
    chance: String,
    last_good_scan: Option<DateTime<Utc>>,
}

/// All devices, those with most open drifts first, then by name.
pub(super) fn list(night: &Night) -> DeviceList<'_> {
    let by = ByDevice::of(night);
    let mut devices: Vec<ListRow<'_>> = night
        .devices
        .iter()
        .map(|device| {
            let drifts = by.drifts(&device.name).len() as u64;
            let (word, alarm) = word(&device.standing, drifts > 0);
            ListRow {
                name: &device.name,
                href: format!("devices/{}.html", slug(&device.name)),
                role: &device.role,
                site: &device.site,
                word,
                alarm,
                drifts,
                chance: by.ranking.get(&device.name).map_or("–".to_owned(), |r| chance(r.p_change)),
                last_good_scan: device.last_good_scan,
            }
        })
        .collect();
    devices.sort_by(|a, b| b.drifts.cmp(&a.drifts).then_with(|| a.name.cmp(b.name)));
    DeviceList { run: &night.run, devices }
}
