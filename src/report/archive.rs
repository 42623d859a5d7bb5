//! The list of past reports, and the page of a night that has none.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::verdict::honest;
use super::view::{Night, RunView};

/// One report as the list shows it; kept beside each report as `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastReport {
    pub run: i64,
    pub as_of: DateTime<Utc>,
    /// As on its first page.
    pub verdict: String,
    pub outcome: String,
    pub open_drifts: u64,
    pub new: Option<u64>,
    pub resolved: Option<u64>,
    pub unknown_devices: u64,
    pub devices: u64,
    /// What its first actions are, best first. Summaries of before have none.
    #[serde(default)]
    pub do_first: Vec<String>,
    /// How many of all actions need a decision.
    #[serde(default)]
    pub decisions: u64,
}

/// Actions that a summary names.
const NAMED: usize = 3;

impl PastReport {
    pub fn of(night: &Night) -> Self {
        Self {
            run: night.run.id,
            as_of: night.run.as_of,
            verdict: honest(night).words().to_owned(),
            outcome: match night.run.outcome {
                super::view::RunOutcome::Complete => "complete",
                super::view::RunOutcome::Partial => "partial",
                super::view::RunOutcome::Failed => "failed",
                super::view::RunOutcome::Abandoned => "abandoned",
            }
            .to_owned(),
            open_drifts: night.drifts.len() as u64,
            new: night.movement.as_ref().map(|m| m.new + m.returned),
            resolved: night.movement.as_ref().map(|m| m.resolved),
            unknown_devices: night.fleet.unknown,
            devices: night.fleet.devices(),
            do_first: night.recommendations.iter().take(NAMED).map(|action| action.what.clone()).collect(),
            decisions: night.recommendations.iter().filter(|action| action.decision).count() as u64,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ArchivePage<'a> {
    pub run: &'a RunView,
    pub rows: Vec<ArchiveRow<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct ArchiveRow<'a> {
    pub folder: &'a str,
    /// `None`: a report of an earlier version.
    pub report: Option<&'a PastReport>,
}

/// A night that broke before its report could be made.
#[derive(Debug, Serialize)]
pub(super) struct BrokenPage<'a> {
    pub run: &'a RunView,
    pub reason: &'a str,
}
