//! A conversation with one box: SSH in, text out.
//!
//! Nothing here understands what a device says, and nothing here can change
//! it: the only lines that leave are those that the platform allows, checked
//! once more where the bytes go out. Host keys are strict, a question is
//! never answered, and a session that ends early is an error, not a short
//! text. Reading order: the settings, what can go wrong, the shell (over any
//! stream), NETCONF, then SSH and what it needs.

mod settings;

mod error;

pub mod shell;

mod netconf;

mod ssh;

pub mod credential;

pub mod known_hosts;

mod sha1;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use crate::model::{Device, Scope};
use crate::platform::{Captured, Platform};

pub use credential::{CredentialTable, Credentials};
pub use error::DeviceError;
pub use known_hosts::{HostKey, KnownHosts};
pub use settings::Settings;
pub use ssh::SshFetcher;

/// What one session gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Transcript {
    /// One section for each command of the script, in order.
    pub sections: Vec<Captured>,
    /// The system name in the prompt, the same in every section; `None` where
    /// there are no prompts. There the text has to say who spoke.
    pub system: Option<String>,
    /// The weak algorithms that were agreed on, by exception for this device,
    /// such as `diffie-hellman-group1-sha1`; those of a jump host on the way
    /// begin with its name. Mostly empty.
    pub legacy: Vec<String>,
    /// From the first packet until the end of the last answer.
    pub took: Duration,
    /// Bytes that the device sent as answers.
    pub bytes: u64,
    /// Control characters that were taken out of its text.
    pub removed: usize,
}

/// Without the text: it holds secrets until the platform has masked them.
impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript")
            .field("system", &self.system)
            .field("sections", &self.sections.len())
            .field("bytes", &self.bytes)
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

/// The answer of a [`Fetch`], boxed so that jobs can hold any fetcher.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Transcript, DeviceError>> + Send + 'a>>;

/// Reads one device. The one real implementation is [`SshFetcher`]; tests and
/// the demo's past nights bring their own.
pub trait Fetch: Send + Sync {
    /// Runs the platform's script for `scope` in one session.
    fn fetch<'a>(&'a self, device: &'a Device, platform: &'static Platform, scope: &'a Scope)
    -> Fetching<'a>;

    /// Waits until the device's site and its jump host have room for one more
    /// session. Asked before a session is counted as one of the run, so that a
    /// full site keeps nobody else waiting.
    fn admit<'a>(&'a self, _device: &'a Device) -> Admitting<'a> {
        Box::pin(std::future::ready(Admission::default()))
    }
}

/// The answer of [`Fetch::admit`].
pub type Admitting<'a> = Pin<Box<dyn Future<Output = Admission> + Send + 'a>>;

/// The places that one session takes; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Admission(#[expect(dead_code, reason = "held, not looked at")] Vec<OwnedSemaphorePermit>);
