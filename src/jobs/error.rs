//! Why a job did not happen, named by what the operator can do about it.

use std::io;
use std::path::PathBuf;

use crate::analysis::frame::FrameError;
use crate::device::credential::CredentialError;
use crate::device::known_hosts::KnownHostsError;
use crate::report::ReportError;
use crate::store::{Holder, LockError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("failed to create the folder {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("failed to read or make the fingerprint key {}", path.display())]
    Key {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error(transparent)]
    Coverage(#[from] crate::analysis::BadPattern),
    #[error(transparent)]
    Ignore(#[from] crate::analysis::BadIgnore),
    #[error(transparent)]
    Policy(#[from] crate::sync::BadPolicy),
    /// A plan that is not applied, a change that is not taken back.
    #[error(transparent)]
    Sync(#[from] crate::sync::Refused),
    #[error("the file is to replace the records of {wanted}, but has one of {found}")]
    OtherDevice { wanted: String, found: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    KnownHosts(#[from] KnownHostsError),
    #[error("[jump.{name}] has a name that cannot be used: {error}")]
    JumpName { name: String, error: crate::model::device::BadDeviceName },
    #[error("another run is at work: {0}")]
    Busy(Holder),
    /// A file or a system that gives no inventory and no records.
    #[error(transparent)]
    Source(#[from] crate::source::SourceError),
    /// A repository that gives no history.
    #[error(transparent)]
    Git(#[from] crate::source::git::GitError),
    #[error(transparent)]
    Lock(LockError),
    #[error("failed to hand stored rows to the analysis")]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("failed to write the report to {}", path.display())]
    Publish {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("there is no device {0:?} in the inventory")]
    NoDevice(String),
    #[error("the inventory is empty")]
    NoDevices,
    #[error("there is no run {0}")]
    NoRun(i64),
    #[error("there is no finished nightly run yet")]
    NoRuns,
    #[error("the lab failed")]
    Lab(#[from] crate::lab::LabError),
    #[error("{} is not empty and is no demo's folder", .0.display())]
    NotADemo(PathBuf),
    #[error("a task of the run ended unexpectedly")]
    Task(#[from] tokio::task::JoinError),
}

impl From<LockError> for JobError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held(holder) => Self::Busy(holder),
            other @ LockError::Io { .. } => Self::Lock(other),
        }
    }
}
