//! Everything a report shows, as plain values. The same value is written as
//! `report.json`, so that a script reads what a person read.
//!
//! A [`Night`] is a function of stored data and of one moment (`run.as_of`):
//! the same night gives the same bytes, years later. Nothing here is text for
//! the page except what other rooms already said in words (reasons, advice).

/// Costs, causes, schedules, policies, and answers to standing questions.
pub mod upkeep;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::analysis::Honesty;
pub use crate::analysis::summary::{Estimate, Verdict};
use crate::model::finding::{Ranking, Recommendation};
use crate::model::{
    BridgeDomain, Cause, Change, DeviceName, Drift, DriftClass, DriftId, Fact, FactKey, Interface, Kind,
    LineCounts, Outcome, Record, RunId, RunKind, Service, UnreadLine, Vlan,
};

/// One night, whole.
#[derive(Clone, Debug, Serialize)]
pub struct Night {
    pub run: RunView,
    pub verdict: Verdict,
    /// One more sentence under the verdict, such as why we cannot say.
    pub verdict_reason: Option<String>,
    pub fleet: Fleet,
    /// Covered facts on which record and device agree. `None` before anything is covered.
    pub agreement: Option<Share>,
    /// Expected number of devices that changed since we read them last.
    pub unseen: Option<Estimate>,
    /// Expected number of devices that will change within seven days.
    pub next_week: Option<Estimate>,
    /// `None` for the first run: there is nothing to compare with.
    pub movement: Option<Movement>,
    /// What needs a manager and is no recommendation of its own: the budget,
    /// a guard. Recommendations with `decision` are listed beside these.
    pub decisions: Vec<Decision>,
    /// Best first; the page shows ten.
    pub recommendations: Vec<Recommendation>,
    /// All open drifts, in the order in which they are worth reading.
    pub drifts: Vec<OpenDrift>,
    /// When the last drift was resolved; shown when none is open.
    pub last_resolved: Option<DateTime<Utc>>,
    /// One row a night, ascending, at most the 90 last.
    pub drift_by_day: Vec<DriftDay>,
    /// The scan-next list, best first. All of it: the page shows twenty.
    pub ranking: Vec<Ranking>,
    pub calendar: Calendar,
    /// One row a night, ascending, at most the 90 last.
    pub freshness: Vec<FreshNight>,
    /// The share that the operator wants, from 0 to 1.
    pub freshness_target: Option<f64>,
    pub reliability: Reliability,
    /// What more or fewer sessions would buy, by ascending sessions. May be empty.
    pub budget_curve: Vec<BudgetPoint>,
    /// How long drifts stay open, by class. May be empty.
    pub resolve_times: Vec<ResolveTime>,
    /// Devices that could not be read lately, worst first.
    pub unknowns: Vec<Unknown>,
    /// Devices without any complete scan, ever.
    pub never_read: Vec<DeviceName>,
    /// Devices with lines that should have been understood, most lines first.
    pub unread: Vec<Unread>,
    /// What this run did: one row per device that it tried.
    pub scans: Vec<ScanOfRun>,
    pub upkeep: upkeep::Upkeep,
    /// The devices that get a page of their own.
    pub devices: Vec<DeviceView>,
}

/// Which run this is.
#[derive(Clone, Debug, Serialize)]
pub struct RunView {
    pub id: RunId,
    pub kind: RunKind,
    pub started: DateTime<Utc>,
    pub finished: Option<DateTime<Utc>>,
    pub outcome: RunOutcome,
    /// The moment that all ages are counted from. Never the clock of the reader.
    pub as_of: DateTime<Utc>,
    /// When the next report is due: the usual time between nights later.
    pub valid_until: DateTime<Utc>,
    /// Device sessions that were used.
    pub sessions: u64,
    /// Device sessions that were allowed; `None` without a limit.
    pub budget: Option<u64>,
    /// The version of driftcast that made the forecasts.
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    Complete,
    /// Some devices could not be read.
    Partial,
    /// Nothing could be read, or the run broke off.
    Failed,
    /// It never said that it finished.
    Abandoned,
}

/// Every device of the inventory stands in exactly one of these.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Fleet {
    /// Read completely within 24 hours, and in step with the record.
    pub confirmed_in_step: u64,
    pub confirmed_with_drift: u64,
    /// Last read completely longer ago, and in step at that time.
    pub believed_in_step: u64,
    pub believed_with_drift: u64,
    /// Never or not lately readable.
    pub unknown: u64,
    /// Facts outside the coverage of the record: counted, never a drift.
    pub unmanaged_facts: u64,
}

impl Fleet {
    pub fn devices(&self) -> u64 {
        self.in_step() + self.with_drift() + self.unknown
    }

    /// In step when last read.
    pub fn in_step(&self) -> u64 {
        self.confirmed_in_step + self.believed_in_step
    }

    /// Not in step when last read.
    pub fn with_drift(&self) -> u64 {
        self.confirmed_with_drift + self.believed_with_drift
    }

    pub fn confirmed(&self) -> u64 {
        self.confirmed_in_step + self.confirmed_with_drift
    }
}

/// `part` of `whole`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Share {
    pub part: u64,
    pub whole: u64,
}

/// What moved since the run before.
#[derive(Clone, Debug, Serialize)]
pub struct Movement {
    /// When the run before started.
    pub since: DateTime<Utc>,
    pub new: u64,
    pub resolved: u64,
    pub returned: u64,
    /// Open drifts 30 days ago; `None` when the history is shorter.
    pub open_30_days_ago: Option<u64>,
}

/// Something that a manager has to decide.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    /// Verb first.
    pub what: String,
    pub why: String,
}

/// An open drift, as a person reads it.
#[derive(Clone, Debug, Serialize)]
pub struct OpenDrift {
    pub id: DriftId,
    pub device: DeviceName,
    pub kind: Kind,
    pub key: String,
    pub class: DriftClass,
    /// For `differs` the fields that differ; else what the one side has.
    pub fields: Vec<FieldPair>,
    pub cause: Cause,
    /// Who committed it, if the device's log says so.
    pub who: Option<String>,
    pub first_seen: DateTime<Utc>,
    /// Days from when it was opened, or came back, to the run.
    pub age_days: f64,
    pub recurrences: i64,
    /// One sentence.
    pub recommendation: Option<String>,
}

/// One compared field on both sides. `None`: that side does not have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldPair {
    pub field: String,
    pub record: Option<String>,
    pub fact: Option<String>,
}

impl OpenDrift {
    /// The view of `drift` at `as_of`, without a person and a recommendation:
    /// those come from elsewhere.
    pub fn of(drift: &Drift, as_of: DateTime<Utc>) -> Self {
        Self {
            id: drift.id.clone(),
            device: drift.device.clone(),
            kind: drift.key.kind,
            key: drift.key.key.clone(),
            class: drift.class,
            fields: field_pairs(drift),
            cause: drift.cause,
            who: None,
            first_seen: drift.first_seen,
            age_days: days_between(drift.since, as_of),
            recurrences: drift.recurrences,
            recommendation: None,
        }
    }
}

/// Days from `from` to `to`, never below zero.
pub fn days_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    ((to - from).num_seconds() as f64 / 86_400.0).max(0.0)
}

/// The fields of both sides, by the names of [`Fact::fields`]. A stored value
/// that this version cannot read gives no fields; the drift itself stays.
fn field_pairs(drift: &Drift) -> Vec<FieldPair> {
    let record: Vec<(&str, Option<String>)> = drift
        .record
        .clone()
        .and_then(|json| serde_json::from_value::<Record>(json).ok())
        .map(|record| record.fields())
        .unwrap_or_default();
    let fact: Vec<(&str, Option<String>)> = drift
        .fact
        .clone()
        .and_then(|json| fact_of(drift.key.kind, json))
        .map(|fact| fact.fields())
        .unwrap_or_default();
    let mut names: Vec<&str> = fact.iter().chain(&record).map(|(name, _)| *name).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let value = |side: &[(&str, Option<String>)], name: &str| {
        side.iter().find(|(n, _)| *n == name).and_then(|(_, v)| v.clone())
    };
    names
        .into_iter()
        .map(|name| FieldPair {
            field: name.to_owned(),
            record: value(&record, name),
            fact: value(&fact, name),
        })
        .filter(|pair| match drift.class {
            DriftClass::Differs => drift.fields.contains(&pair.field),
            _ => is_worth_showing(pair),
        })
        .collect()
}

/// Leaves out what says nothing: `l2 false`, `encapsulation none`, nothing at all.
fn is_worth_showing(pair: &FieldPair) -> bool {
    pair.record.as_deref().or(pair.fact.as_deref()).is_some_and(|v| !matches!(v, "" | "none" | "false"))
}

fn fact_of(kind: Kind, json: serde_json::Value) -> Option<Fact> {
    match kind {
        Kind::Interface => serde_json::from_value::<Interface>(json).ok().map(Fact::Interface),
        Kind::BridgeDomain => serde_json::from_value::<BridgeDomain>(json).ok().map(Fact::BridgeDomain),
        Kind::Service => serde_json::from_value::<Service>(json).ok().map(Fact::Service),
        Kind::Vlan => serde_json::from_value::<Vlan>(json).ok().map(Fact::Vlan),
    }
}

/// The drifts of one night.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DriftDay {
    pub night: NaiveDate,
    /// False when no run finished that night; the counts then carry no news.
    pub ran: bool,
    /// Open at the end of the night, by class.
    pub unrecorded: u64,
    pub missing: u64,
    pub differs: u64,
    pub new: u64,
    pub resolved: u64,
}

impl DriftDay {
    pub fn open(&self) -> u64 {
        self.unrecorded + self.missing + self.differs
    }

    pub fn of_class(&self, class: DriftClass) -> u64 {
        match class {
            DriftClass::Unrecorded => self.unrecorded,
            DriftClass::Missing => self.missing,
            DriftClass::Differs => self.differs,
        }
    }
}

/// Changes by device and night.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calendar {
    /// Ascending, without gaps.
    pub nights: Vec<NaiveDate>,
    /// Devices with at least one change; the page shows the twenty with most.
    pub rows: Vec<CalendarRow>,
    /// Complete scans in the window, over all devices.
    pub scans: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct CalendarRow {
    pub device: DeviceName,
    /// One entry a night: changes found, or `None` when the device was not
    /// read. Not read is never zero.
    pub cells: Vec<Option<u32>>,
}

/// The estimated share of devices whose last snapshot was still true.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FreshNight {
    pub night: NaiveDate,
    /// When the night began, from 0 to 1; `None` when there was no run.
    pub share: Option<Estimate>,
    /// The same devices when the night's reading was over.
    pub after: Option<Estimate>,
}

/// Whether the forecasts hold.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Reliability {
    /// Forecasts that a later scan could check.
    pub checked: u64,
    /// 1 − log loss / log loss of one rate for the whole fleet; below 0: worse than that.
    pub skill: Option<f64>,
    /// By ascending `said`.
    pub bins: Vec<ReliabilityBin>,
    /// All figures, with intervals, against both rivals; of scans that chance chose.
    pub honesty: Option<Honesty>,
    /// The forecasts of late were worse than one rate for the whole fleet, so
    /// this night read the oldest snapshots first.
    pub forecast_ignored: bool,
}

/// Forecasts that said about the same.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ReliabilityBin {
    /// Mean forecast, from 0 to 1.
    pub said: f64,
    pub n: u64,
    /// How many of the `n` did change.
    pub happened: u64,
    /// 90 % interval of the frequency, from 0 to 1.
    pub low: f64,
    pub high: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct BudgetPoint {
    /// Device sessions a night.
    pub sessions: u64,
    /// Share of device-time, weighed by importance, on which the snapshot is
    /// true, from 0 to 1. In the long run, and if devices change as they did.
    pub fresh: Estimate,
    /// Devices that have changed unseen, at any one moment.
    pub unseen: Estimate,
    /// Mean days from a change to the scan that finds it.
    pub delay_days: Option<f64>,
    /// Whether this is what the run was allowed.
    pub today: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct ResolveTime {
    pub class: DriftClass,
    /// Drifts that were ever resolved.
    pub resolved: u64,
    pub median_days: Option<f64>,
    /// Nine in ten are resolved within this.
    pub nine_in_ten_days: Option<f64>,
    pub open: u64,
}

/// A device that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct Unknown {
    pub device: DeviceName,
    pub site: String,
    pub outcome: Outcome,
    pub detail: Option<String>,
    /// The first of the failed attempts in a row.
    pub since: DateTime<Utc>,
    pub last_good_scan: Option<DateTime<Utc>>,
    /// What to do about it; [`what_to_do`] has words for every outcome.
    pub advice: String,
}

/// What an operator can do about an outcome, in one sentence.
pub fn what_to_do(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "Nothing.",
        Outcome::NotDue => "Nothing: it was not its turn.",
        Outcome::Unreachable => "Check address, port and the way there; then scan it again.",
        Outcome::HostKey => {
            "Verify the new key out of band, then trust it by fingerprint. It is never trusted by itself."
        }
        Outcome::Auth => "Check the credential before scanning again: repeated attempts can lock it out.",
        Outcome::Refused => "Give the account the right to run the show commands.",
        Outcome::Incomplete | Outcome::Timeout => "Scan it again; if it stays, raise the time limit.",
        Outcome::WrongDevice => "Another system answered: correct address or name in the inventory.",
        Outcome::Unstable => "It was being configured while it was read; the next run tries again.",
        Outcome::Suspect => "It lost too much at once. Look at the device, then scan it again.",
        Outcome::TooLarge => "Its output passes the limit: raise the limit or scan in a smaller scope.",
        Outcome::Unsupported => "No reader for this platform: correct the platform in the inventory.",
        Outcome::Unread => "Nothing in its output was understood: check the platform in the inventory.",
        Outcome::ParserError => "The reader failed on this text. Report it, with the kept text.",
    }
}

/// Lines of one device that should have been understood.
#[derive(Clone, Debug, Serialize)]
pub struct Unread {
    pub device: DeviceName,
    pub lines: u64,
    /// The first few, secrets masked.
    pub examples: Vec<UnreadLine>,
}

/// One device that this run tried.
#[derive(Clone, Debug, Serialize)]
pub struct ScanOfRun {
    pub device: DeviceName,
    pub outcome: Outcome,
    pub detail: Option<String>,
    /// Why it was read, in words.
    pub why: String,
    /// `None` when there was nothing to compare with.
    pub changed: Option<bool>,
    pub took_ms: u64,
}

/// How far a device's stored facts can be believed.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    Confirmed,
    Believed { p_change: f64 },
    Unknown { why: String },
}

/// One device's page. Its drifts, forecast and unread lines are found by its
/// name in the night.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceView {
    pub name: DeviceName,
    pub platform: String,
    pub role: String,
    pub site: String,
    #[serde(flatten)]
    pub standing: Standing,
    pub last_good_scan: Option<DateTime<Utc>>,
    /// Covered facts on which record and device agree.
    pub agreement: Option<Share>,
    pub unmanaged_facts: u64,
    /// Nights between two readings that it is worth, at the budget of the run.
    pub interval_days: Option<f64>,
    /// Of the last complete scan.
    pub lines: LineCounts,
    /// By kind and key. Left out of `report.json`: `driftcast export` has them
    /// whole, and thousands of devices would make the file unreadable.
    #[serde(skip)]
    pub facts: Vec<FactView>,
    /// Newest first.
    pub changes: Vec<Change>,
    /// Newest first.
    pub scans: Vec<PastScan>,
}

/// One fact, its compared fields that say something, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactView {
    pub key: FactKey,
    pub fields: Vec<(String, String)>,
}

impl FactView {
    pub fn of(fact: &Fact) -> Self {
        let fields = fact
            .fields()
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .filter(|(_, value)| !matches!(value.as_str(), "" | "none" | "false"))
            .collect();
        Self { key: fact.key(), fields }
    }
}

/// One attempt to read a device.
#[derive(Clone, Debug, Serialize)]
pub struct PastScan {
    pub at: DateTime<Utc>,
    pub run: Option<RunId>,
    /// `device`, `interface NAME`, `bridge-domain NAME`.
    pub scope: String,
    pub outcome: Outcome,
    pub detail: Option<String>,
    /// Changes found; `None` when there was nothing to compare with.
    pub changes: Option<u64>,
}
