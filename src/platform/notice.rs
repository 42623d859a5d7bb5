//! What a device says about its configuration being changed: the replies to a
//! commit or to a typed line, as a deploy records them, and the lines that it
//! sends to a log. Hints, both: what is true is read from the device.

/// A text that appears in a deploy's transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Found anywhere in a line, whatever the case.
    pub text: &'static str,
    pub means: Meaning,
}

/// What such a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The commit went through.
    Committed,
    /// There was nothing to commit: no line changed the candidate.
    NothingToCommit,
    /// A typed line was refused, so it is not part of the candidate.
    LineRefused,
    /// What was typed exists already, or is taken by something else.
    AlreadyThere,
    /// The commit was tried and failed: validation, resources, a rule.
    CommitFailed,
    /// Somebody else committed, or holds the lock.
    SomeoneElse,
}

/// A log line that says that the configuration was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told<'t> {
    pub who: Option<&'t str>,
    /// `cli`, `netconf` …
    pub via: Option<&'t str>,
}
