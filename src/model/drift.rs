//! A disagreement between record and fact, inside the coverage.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::device::DeviceId;
use super::{DeviceName, Fact, FactKey, Record, snapshot::hex};

/// The id a drift keeps from the night it is first seen until it is resolved,
/// and again if it comes back: `D-` and ten hex digits made of the device's
/// number (which survives a rename), the kind and the key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DriftId(pub String);

impl DriftId {
    pub fn of(device: DeviceId, key: &FactKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(device.to_le_bytes());
        hash.update(key.kind.as_str());
        hash.update([0]);
        hash.update(&key.key);
        Self(format!("D-{}", hex(&hash.finalize()[..5])))
    }
}

impl fmt::Display for DriftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftClass {
    /// On the device, not in the database.
    Unrecorded,
    /// In the database, not on the device.
    Missing,
    /// In both, with different fields.
    Differs,
}

impl DriftClass {
    pub const ALL: [Self; 3] = [Self::Unrecorded, Self::Missing, Self::Differs];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unrecorded => "unrecorded",
            Self::Missing => "missing",
            Self::Differs => "differs",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

/// Where a drift came from, as far as evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// There at the first scan of the device.
    Historical,
    /// The device's commit log names a person on the CLI.
    Manual,
    /// The commit log names a tool (NETCONF and the like).
    Tool,
    Emergency,
    UnrecordedDeploy,
    Unknown,
}

impl Cause {
    pub const ALL: [Self; 6] =
        [Self::Historical, Self::Manual, Self::Tool, Self::Emergency, Self::UnrecordedDeploy, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Historical => "historical",
            Self::Manual => "manual",
            Self::Tool => "tool",
            Self::Emergency => "emergency",
            Self::UnrecordedDeploy => "unrecorded-deploy",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// What a comparison finds, before it has a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    pub key: FactKey,
    pub class: DriftClass,
    /// Names of the compared fields that differ; empty unless `differs`.
    pub fields: Vec<String>,
    pub record: Option<Record>,
    pub fact: Option<Fact>,
}

/// An open drift, with its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    pub id: DriftId,
    pub device_id: DeviceId,
    pub device: DeviceName,
    pub key: FactKey,
    pub class: DriftClass,
    pub fields: Vec<String>,
    pub cause: Cause,
    /// The record as JSON, `None` when there is none.
    pub record: Option<serde_json::Value>,
    /// The fact as JSON, `None` when there is none.
    pub fact: Option<serde_json::Value>,
    pub first_seen: DateTime<Utc>,
    /// When it was opened, or came back, the last time: its age counts from here.
    pub since: DateTime<Utc>,
    /// The scan that saw it last.
    pub last_seen: DateTime<Utc>,
    /// How often it came back after it was resolved.
    pub recurrences: i64,
}

/// What happened to a drift in one comparison. An open drift that stays as it
/// was gives no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Seen for the first time.
    Opened,
    /// Still open, with another class, other fields or other values.
    Updated,
    /// Gone.
    Resolved,
    /// Open again after it was resolved: a recurrence.
    Returned,
}

impl Step {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
            Self::Returned => "returned",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Opened, Self::Updated, Self::Resolved, Self::Returned].into_iter().find(|s| s.as_str() == text)
    }
}

/// One event in the life of a drift.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftStep {
    pub id: DriftId,
    pub step: Step,
    pub key: FactKey,
    pub class: DriftClass,
    pub fields: Vec<String>,
    pub cause: Cause,
    pub record: Option<serde_json::Value>,
    pub fact: Option<serde_json::Value>,
    pub when: DateTime<Utc>,
}

/// A drift that was resolved and may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDrift {
    pub first_seen: DateTime<Utc>,
    pub recurrences: i64,
}
