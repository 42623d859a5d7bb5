//! Every exit code with its sentence, and how a failure becomes a message, a
//! hint and one of them. Scripts rely on the numbers.

use std::fmt;
use std::process::ExitCode;

/// What a command says to the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// In step, or done.
    Done,
    /// Drift was found.
    Drift,
    /// Usage or configuration error: nothing was done.
    Usage,
    /// Some devices or inputs could not be read.
    Partial,
    /// Nothing could be read, or the operation did not happen.
    Failed,
    /// A guard stopped a change.
    Guard,
    /// Another run holds the lock.
    Busy,
}

impl Exit {
    pub(crate) const ALL: [Self; 7] =
        [Self::Done, Self::Drift, Self::Usage, Self::Partial, Self::Failed, Self::Guard, Self::Busy];

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Drift => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Failed => 4,
            Self::Guard => 5,
            // EX_TEMPFAIL of sysexits.h: try again later.
            Self::Busy => 75,
        }
    }

    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Done => "in step, or done",
            Self::Drift => "drift found",
            Self::Usage => "usage or configuration error",
            Self::Partial => "some devices or inputs could not be read",
            Self::Failed => "nothing could be read, or the operation did not happen",
            Self::Guard => "a guard stopped a change",
            Self::Busy => "another run holds the lock; try again later",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The list that `driftcast --help` ends with.
pub(crate) fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        use fmt::Write as _;
        let _ = writeln!(text, "  {:>2}  {}", exit.code(), exit.sentence());
    }
    text
}

/// A command that did not happen: what failed, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), hint: None }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

/// An error with its causes, `a: b: c`.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors already print what caused them.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
