//! A hint that a device changed. It raises a priority; it never replaces a scan.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::device::DeviceId;

/// Where a signal came from. How far each kind is believed is learnt, for each
/// platform, from what scans then found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// A log line such as "configured from console".
    Syslog,
    /// An entry of the device's own commit log.
    CommitLog,
    /// A deploy that the device refused: what we believe of it is wrong.
    FailedDeploy,
    /// A deploy by our own tool.
    Deploy,
}

impl SignalKind {
    pub const ALL: [Self; 4] = [Self::Syslog, Self::CommitLog, Self::FailedDeploy, Self::Deploy];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syslog => "syslog",
            Self::CommitLog => "commit-log",
            Self::FailedDeploy => "failed-deploy",
            Self::Deploy => "deploy",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    pub device: DeviceId,
    pub kind: SignalKind,
    pub at: DateTime<Utc>,
}
