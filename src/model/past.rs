//! What somebody else's history says of a device: when its configuration came,
//! changed and went, long before it was read here. It teaches how often a
//! device changes. It is no reading of ours, and nothing is believed from it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::device::DeviceId;

/// What was seen of a device by whoever kept the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastStep {
    /// Its configuration was there for the first time, or again.
    Came,
    /// Its configuration had become another one.
    Changed,
    /// It was as before, and looked at until then.
    Same,
    /// It was no longer looked at.
    Gone,
}

/// One thing that such a history tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEvent {
    pub device: DeviceId,
    pub step: PastStep,
    pub at: DateTime<Utc>,
    /// How often the device was looked at, in seconds: a change came at most so
    /// long before it was seen.
    pub every_seconds: i64,
}
