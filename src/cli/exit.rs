//! Every exit code with its sentence, and how a failure becomes a message, a
//! hint and one of them. Scripts rely on the numbers.

use std::fmt;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::jobs::JobError;
use crate::lab::LabError;
use crate::source::SourceError;
use crate::source::git::GitError;
use crate::store::StoreError;
use crate::sync::Refused;

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
    /// `check`: already as wanted. `resolve`: skip.
    AsWanted,
    /// `resolve`: the record was synced.
    Synced,
    /// `resolve`: override.
    Override,
    /// `resolve`: abort, or nothing was decided.
    Abort,
    /// `resolve`: the device does not have it.
    NotConfirmed,
    /// Another run holds the lock.
    Busy,
}

impl Exit {
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::Drift,
        Self::Usage,
        Self::Partial,
        Self::Failed,
        Self::Guard,
        Self::AsWanted,
        Self::Synced,
        Self::Override,
        Self::Abort,
        Self::NotConfirmed,
        Self::Busy,
    ];

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Drift => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Failed => 4,
            Self::Guard => 5,
            Self::AsWanted => 10,
            Self::Synced => 11,
            Self::Override => 12,
            Self::Abort => 13,
            Self::NotConfirmed => 14,
            // EX_TEMPFAIL of sysexits.h: try again later.
            Self::Busy => 75,
        }
    }

    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Done => "in step, or done",
            Self::Drift => "drift found; check: conflicting",
            Self::Usage => "usage or configuration error",
            Self::Partial => "some devices or inputs could not be read; check: unknown",
            Self::Failed => "nothing could be read, or the operation did not happen",
            Self::Guard => "a guard stopped a change",
            Self::AsWanted => "check: already as wanted; resolve: skip",
            Self::Synced => "resolve: the record was synced",
            Self::Override => "resolve: override",
            Self::Abort => "resolve: abort, or nothing was decided",
            Self::NotConfirmed => "resolve: not confirmed, the device does not have it",
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

/// A repository that gives no history. Nothing was kept.
fn of_git(error: &GitError) -> (Exit, String) {
    match error {
        GitError::NoProgram => (Exit::Failed, "install git: it reads the repository".to_owned()),
        GitError::NotARepository(_) => (
            Exit::Usage,
            "name the folder that holds .git, or the bare repository itself, such as \
             /var/lib/oxidized/configs.git"
                .to_owned(),
        ),
        GitError::NotTrusted(folder) => (
            Exit::Failed,
            format!(
                "run this as the owner of the folder, or tell git that you trust it: \
                 git config --global --add safe.directory '{}'",
                folder.display()
            ),
        ),
        GitError::Empty(_) => (
            Exit::Failed,
            "Oxidized and RANCID make the first commit when they first read a device".to_owned(),
        ),
        GitError::Run(_) | GitError::Said { .. } | GitError::Garbled(_) => {
            (Exit::Failed, "nothing was kept; `git fsck` in it says whether it is sound".to_owned())
        }
    }
}

/// A plan that is not applied, a change that is not taken back.
fn of_sync(refused: &Refused) -> (Exit, Option<&'static str>) {
    match refused {
        Refused::Unreadable(_) | Refused::Form(_) => {
            (Exit::Usage, Some("`driftcast sync plan --out FILE` writes one"))
        }
        Refused::NoChange(_) => (Exit::Usage, Some("`driftcast records log` lists the changes")),
        Refused::NoDrift(_) => (Exit::Usage, Some("`driftcast diff` lists the open drifts")),
        Refused::Guard(_) => (Exit::Guard, None),
        Refused::HeldBack(_) => {
            (Exit::Failed, Some("`driftcast sync plan` shows what is held back and why; nothing was decided"))
        }
        Refused::NothingRemoved(_) => {
            (Exit::Usage, Some("`driftcast records undo` takes back the whole of it"))
        }
        Refused::Moved(_) => {
            (Exit::Failed, Some("take back the later change first; `driftcast records log` shows it"))
        }
        Refused::Edited
        | Refused::Foreign { .. }
        | Refused::Expired(_)
        | Refused::FromTheFuture(_)
        | Refused::Outdated(_) => {
            (Exit::Failed, Some("nothing was written; make a new plan with `driftcast sync plan --out FILE`"))
        }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        let error = match error {
            JobError::Source(source) => return Self::from(source),
            JobError::Git(git) => {
                let (exit, hint) = of_git(&git);
                return Self::new(exit, chain(&git)).hint(hint);
            }
            other => other,
        };
        let (exit, hint) = match &error {
            JobError::Busy(_) => {
                (Exit::Busy, Some("on-demand commands such as `driftcast scan NAME` do not wait for it"))
            }
            JobError::NoDevices => (Exit::Usage, Some("`driftcast devices import FILE` fills the inventory")),
            JobError::NoDevice(_) => (Exit::Usage, Some("`driftcast devices list` shows the inventory")),
            JobError::NoRun(_) => (Exit::Usage, Some("`driftcast status` lists the runs")),
            JobError::NoRuns => (Exit::Usage, Some("`driftcast nightly` makes one")),
            JobError::NotADemo(_) => (Exit::Usage, Some("name an empty or a new folder with --data")),
            JobError::JumpName { .. }
            | JobError::Coverage(_)
            | JobError::KnownHosts(_)
            | JobError::Credential(_)
            | JobError::Ignore(_)
            | JobError::Policy(_)
            | JobError::OtherDevice { .. } => (Exit::Usage, None),
            JobError::Sync(refused) => of_sync(refused),
            JobError::Store(StoreError::NewerSchema { .. }) => {
                (Exit::Failed, Some("a newer driftcast wrote it: use that one"))
            }
            JobError::Store(StoreError::DiskRoom { .. }) => {
                (Exit::Failed, Some("free some space on that disk; nothing was written"))
            }
            JobError::Store(StoreError::Unopenable { .. }) => (
                Exit::Failed,
                Some("move driftcast.duckdb and its .wal aside together, and restore a backup of both"),
            ),
            JobError::Store(StoreError::Folder { .. }) | JobError::Folder { .. } => (
                Exit::Failed,
                Some("driftcast writes locks even to read: make the folder writable, or copy it"),
            ),
            JobError::Lab(LabError::PortInUse { .. }) => (
                Exit::Failed,
                Some(
                    "another lab may be up; the data folder names the ports, so that they cannot be chosen freely",
                ),
            ),
            JobError::Store(
                StoreError::UnknownQuery(_)
                | StoreError::UnknownParameter { .. }
                | StoreError::Unstorable { .. },
            ) => (Exit::Usage, Some("`driftcast query` lists the queries and their parameters")),
            JobError::Store(StoreError::NoParquet) => {
                (Exit::Usage, Some("export CSV, which most tools that read Parquet read too"))
            }
            JobError::Store(StoreError::Pruned(_)) => {
                (Exit::Usage, Some("`driftcast status` lists the runs"))
            }
            JobError::Store(StoreError::Guard { .. }) => {
                (Exit::Guard, Some("if they are really gone, repeat the import with --allow-retire"))
            }
            _ => (Exit::Failed, None),
        };
        let failure = Self::new(exit, chain(&error));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(chain(&error))
            .hint("`driftcast config --default` prints every setting with its explanation")
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        // A system that does not answer is no mistake in a file.
        if let SourceError::Remote(remote) = &error
            && !remote.is_setting()
        {
            return Self::failed(chain(&error));
        }
        Self::usage(chain(&error))
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        Self::from(JobError::from(error))
    }
}
