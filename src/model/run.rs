//! What became of a run. A device that could not be read is a result, not an
//! error: it costs one row, never the night.

use serde::{Deserialize, Serialize};

/// A run's number, ascending.
pub type RunId = i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    Nightly,
    Scan,
}

impl RunKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nightly => "nightly",
            Self::Scan => "scan",
        }
    }
}

/// What one attempt to read one device gave. Only `Complete` counts for
/// drift, changes, the forecast and sync; all else is a finding with an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Complete,
    /// No TCP connection, no SSH conversation, or it ended early at that level.
    Unreachable,
    /// Unknown, changed or revoked host key; nothing was sent.
    HostKey,
    /// The login was refused.
    Auth,
    /// The device refused a command.
    Refused,
    /// Output without all its signs of completeness.
    Incomplete,
    /// The text names another system than the prompt or the inventory expects.
    WrongDevice,
    /// The configuration moved while it was read.
    Unstable,
    /// Complete-looking, but it lost too much since the last good one.
    Suspect,
    TooLarge,
    /// A platform we do not know.
    Unsupported,
    /// Output present, nothing understood.
    Unread,
    /// The reader itself failed.
    ParserError,
    /// A time limit passed.
    Timeout,
    /// Not chosen tonight.
    NotDue,
}

impl Outcome {
    pub const ALL: [Self; 15] = [
        Self::Complete,
        Self::Unreachable,
        Self::HostKey,
        Self::Auth,
        Self::Refused,
        Self::Incomplete,
        Self::WrongDevice,
        Self::Unstable,
        Self::Suspect,
        Self::TooLarge,
        Self::Unsupported,
        Self::Unread,
        Self::ParserError,
        Self::Timeout,
        Self::NotDue,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Unreachable => "unreachable",
            Self::HostKey => "host-key",
            Self::Auth => "auth",
            Self::Refused => "refused",
            Self::Incomplete => "incomplete",
            Self::WrongDevice => "wrong-device",
            Self::Unstable => "unstable",
            Self::Suspect => "suspect",
            Self::TooLarge => "too-large",
            Self::Unsupported => "unsupported",
            Self::Unread => "unread",
            Self::ParserError => "parser-error",
            Self::Timeout => "timeout",
            Self::NotDue => "not-due",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.as_str() == text)
    }

    pub fn is_complete(self) -> bool {
        self == Self::Complete
    }
}
