//! What moved between two complete snapshots of one device.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::FactKey;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Added,
    Removed,
    Modified,
}

impl ChangeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Added, Self::Removed, Self::Modified].into_iter().find(|k| k.as_str() == text)
    }
}

/// One change. Its time is an interval: nobody watched the moment itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub key: FactKey,
    pub kind: ChangeKind,
    /// Names of the compared fields that moved; empty unless `modified`.
    pub fields: Vec<String>,
    /// The last scan without it.
    pub after: DateTime<Utc>,
    /// The first scan with it.
    pub until: DateTime<Utc>,
    /// Who committed in that interval, if the device's log says so.
    pub who: Option<String>,
    pub via: Option<String>,
}
