//! What a report says beside drifts and forecasts: what policies did, what
//! reading costs and brings, what schedules did, which devices still need weak
//! algorithms, where drifts come from. As plain values, each with its period.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Estimate;
use crate::analysis::answers::{ByHand, Delay};
use crate::model::{Cause, DeviceName, Kind};

/// Everything of this file. The default is a fleet of which nothing is known.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Upkeep {
    /// What policies did in this run; `None`: no policy accepts anything.
    pub sync: Option<PolicyWork>,
    /// The last nightly runs, oldest first, at most 30.
    pub nights: Vec<NightSessions>,
    /// By name.
    pub schedules: Vec<ScheduleState>,
    /// Devices that agreed on weak SSH algorithms when they last answered.
    pub weak: Vec<WeakDevice>,
    /// Where drifts of the last 90 days came from, most first.
    pub causes: Vec<CauseShare>,
    /// Most lines first.
    pub unread_by_platform: Vec<PlatformLines>,
    /// In the order of the configuration, as it is when the report is made.
    pub ignore_rules: Vec<IgnoreRule>,
    /// Sync debt: skips and overrides that nothing has settled, oldest first.
    pub debt: Vec<Debt>,
    pub by_hand: Option<HandAnswer>,
    pub delay: Option<DelayAnswer>,
    pub cost: Option<CostAnswer>,
    pub refused: Option<RefusedAnswer>,
}

/// Somebody decided to leave a difference, and it is still there.
#[derive(Clone, Debug, Serialize)]
pub struct Debt {
    pub device: DeviceName,
    pub kind: Kind,
    pub key: String,
    /// `skip` or `override`.
    pub choice: String,
    /// What the live reading found.
    pub class: String,
    pub who: String,
    pub why: String,
    pub when: DateTime<Utc>,
    pub age_days: f64,
    /// When it was to be looked at again.
    pub until: Option<DateTime<Utc>>,
    /// That time is over.
    pub overdue: bool,
}

/// What a block in place of a warning would have stopped.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedAnswer {
    /// Days that it rests on.
    pub days: f64,
    /// Refused deploys that were decided, each in one of these four.
    pub accepted: u64,
    pub skipped: u64,
    pub overridden: u64,
    pub aborted: u64,
    /// Those that went ahead over a warning, newest first.
    pub went_ahead: Vec<WentAhead>,
}

impl RefusedAnswer {
    pub fn all(&self) -> u64 {
        self.accepted + self.skipped + self.overridden + self.aborted
    }
}

/// A deploy that was overridden: a block would have stopped it.
#[derive(Clone, Debug, Serialize)]
pub struct WentAhead {
    pub device: DeviceName,
    /// The first of its things, and how many more there are.
    pub key: String,
    pub more: u64,
    pub who: String,
    pub when: DateTime<Utc>,
    /// The device had it as wanted already.
    pub as_wanted: bool,
    /// Record and device agree since.
    pub settled: bool,
}

/// Drifts that policies accepted into the record.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyWork {
    pub plan: String,
    pub added: u64,
    pub updated: u64,
    pub removed: u64,
    /// The record or the device had moved on.
    pub skipped: u64,
    /// A policy accepts them, and something else holds them back.
    pub held: u64,
    /// A guard stopped all of it: what would have happened, and how to allow it.
    pub stopped: Option<String>,
}

/// What one night used of what it was allowed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NightSessions {
    pub started: DateTime<Utc>,
    pub sessions: u64,
    /// `None` without a limit.
    pub budget: Option<u64>,
}

/// Where a schedule of `serve` stood when the report was made.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleState {
    pub name: String,
    pub job: String,
    /// The newest time that its line meant and that was decided.
    pub slot: DateTime<Utc>,
    /// In words: `ran`, `runs`, `left out`, `cut off`, `could not begin`.
    pub what: String,
    /// How the newest finished job of it ended.
    pub outcome: Option<String>,
    /// Fires that were missed and not made up for, in the last 90 days.
    pub left_out: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct WeakDevice {
    pub device: DeviceName,
    /// Separated by `, `.
    pub algorithms: String,
}

/// A rule for noise, and what it did up to this run. One that never fired is
/// probably a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IgnoreRule {
    /// What it says, in one line: `ignore role=leaf line=ntp clock-period *`.
    pub rule: String,
    pub reason: String,
    /// The end of the first run that knew it; `None` before there was one.
    pub since: Option<DateTime<Utc>>,
    /// Lines, changes and drifts that it took out; for a policy, drifts that it
    /// left alone, counted in each run.
    pub times: u64,
    /// Runs in which it fired.
    pub runs: u64,
    /// `None`: never.
    pub last: Option<DateTime<Utc>>,
}

/// A cause's share of the drifts that were opened in the last 90 days.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CauseShare {
    pub cause: Cause,
    pub opened: u64,
    /// Share of all that were opened, with its 90 % interval, from 0 to 1.
    pub share: Estimate,
    /// Open now, however old.
    pub open: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct PlatformLines {
    pub platform: String,
    pub devices: u64,
    pub lines: u64,
}

/// How often devices are changed by hand.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HandAnswer {
    /// Days that it rests on.
    pub days: f64,
    #[serde(flatten)]
    pub found: ByHand,
}

/// How late changes are known, and what less would cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DelayAnswer {
    pub days: f64,
    #[serde(flatten)]
    pub found: Delay,
    /// Mean sessions of a night in that time.
    pub sessions_per_night: f64,
    pub fleet: u64,
    /// Median of a complete reading; `None` before there was one.
    pub scan_seconds: Option<f64>,
}

/// What reading costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CostAnswer {
    pub days: f64,
    pub nights: u64,
    pub sessions: u64,
    pub complete: u64,
    /// Complete readings that found a change.
    pub changed: u64,
    /// Share of complete readings that found a change, with its 90 % interval.
    pub found: Estimate,
    /// Of complete readings: the median, and what nine in ten lie between.
    pub seconds: Estimate,
    /// Of all sessions together.
    pub all_seconds: f64,
}
