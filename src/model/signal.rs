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

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

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

/// Lines of one device that say the same, heard within a few seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogSignal {
    #[serde(skip)]
    pub device_id: DeviceId,
    /// When the first of them came in, by our clock: theirs may be anything.
    pub at: DateTime<Utc>,
    /// Who changed the configuration, if the line says so.
    pub who: Option<String>,
    /// `cli`, `netconf` …
    pub via: Option<String>,
    /// How many lines.
    pub lines: u64,
}

/// What came in at a listener, in lines unless another unit is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Heard {
    pub lines: u64,
    /// Said that a configuration was changed.
    pub signals: u64,
    /// Of senders that the inventory does not know by address or name.
    pub strangers: u64,
    /// Beyond what one sender may say in a second: not looked at.
    pub limited: u64,
    /// Without a syslog priority: not looked at.
    pub garbled: u64,
    /// Longer than a line may be: the rest was not looked at.
    pub cut: u64,
    /// Connections that were closed or refused, because there were too many or
    /// because of a length that cannot be.
    pub closed: u64,
    /// Datagrams that the kernel dropped before we saw them.
    pub kernel_drops: u64,
}

impl Heard {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What was heard since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            lines: self.lines.saturating_sub(earlier.lines),
            signals: self.signals.saturating_sub(earlier.signals),
            strangers: self.strangers.saturating_sub(earlier.strangers),
            limited: self.limited.saturating_sub(earlier.limited),
            garbled: self.garbled.saturating_sub(earlier.garbled),
            cut: self.cut.saturating_sub(earlier.cut),
            closed: self.closed.saturating_sub(earlier.closed),
            kernel_drops: self.kernel_drops.saturating_sub(earlier.kernel_drops),
        }
    }
}
