//! Why a device could not be read, by what the operator can do about it.
//! Each error is one outcome of the run with one finer code. No text of a
//! device gets in here but names of algorithms, and those are cleaned.

use std::sync::Arc;

use crate::model::Outcome;

use super::credential::CredentialError;
use super::known_hosts::KnownHostsError;

/// A session that gave nothing. Whoever sees it decides whether to come back
/// ([`DeviceError::is_passing`]); this room never retries.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error("failed to find the address of {address}; check the inventory and the name server")]
    Resolve { address: String, source: std::io::Error },

    #[error("failed to connect to {address}; check that it is up and that this host may reach its SSH port")]
    Connect { address: String, source: std::io::Error },

    #[error(
        "failed to connect to {address}: this host has no file descriptor left; raise its limit (ulimit -n)"
    )]
    Files { address: String },

    #[error("failed to connect to {address} within {seconds} s; check the route and the filters between")]
    ConnectTime { address: String, seconds: u64 },

    #[error("failed to get through the jump host '{jump}'; {reason}")]
    Jump { jump: String, reason: &'static str, source: Option<Box<DeviceError>> },

    #[error(
        "failed to agree on SSH with {address} within {seconds} s; it accepted the connection and then kept silent"
    )]
    HandshakeTime { address: String, seconds: u64 },

    #[error("failed to speak SSH with {address}; what answers there breaks the protocol or hung up")]
    Protocol { address: String, source: russh::Error },

    #[error(
        "failed to agree on a modern {kind}; the device offers only {theirs}. \
         To accept that for this device, add `\"{device}\" = \"<today's date>\"` to [ssh.legacy]"
    )]
    Legacy { device: String, kind: &'static str, theirs: String },

    #[error(
        "host key of {host} is unknown: {algorithm} {fingerprint}. Compare it with the device's console, \
         then run `driftcast devices trust {device}`"
    )]
    HostKeyUnknown { device: String, host: String, algorithm: String, fingerprint: String },

    #[error(
        "host key of {host} changed: {expected} is pinned, the device shows {got}. If it was replaced, run \
         `driftcast devices trust {device} --replace --fingerprint {got}`; if not, somebody stands between"
    )]
    HostKeyChanged { device: String, host: String, expected: String, got: String },

    #[error(
        "host key of {host} is of an unseen kind: {pinned} is pinned, the device shows only {algorithm} \
         {fingerprint}. If that is right, run `driftcast devices trust {device} --replace --fingerprint {fingerprint}`"
    )]
    HostKeyAlgorithm { device: String, host: String, pinned: String, algorithm: String, fingerprint: String },

    #[error("host key of {host} is revoked ({fingerprint}, {file}:{line}); the device must get a new one")]
    HostKeyRevoked { host: String, fingerprint: String, file: String, line: usize },

    #[error(
        "host key of {host} is known by a certificate authority only ({file}:{line}), which is not supported; \
         pin the key itself with `driftcast devices trust {device}`"
    )]
    HostKeyAuthority { device: String, host: String, file: String, line: usize },

    #[error(transparent)]
    KnownHosts(#[from] KnownHostsError),

    /// Shared: what one device could not load, no other needs to try.
    #[error(transparent)]
    Credential(#[from] Arc<CredentialError>),

    #[error(
        "login as '{user}' was refused; check the credential '{credential}' and the account on the device"
    )]
    AuthRefused { user: String, credential: String },

    #[error(
        "login was not tried: {refused} devices refused the credential '{credential}' and none took it. \
         Check it before accounts are locked"
    )]
    AuthStopped { credential: String, refused: usize },

    #[error("login was not tried: this device refused the credential '{credential}' in this run already")]
    AuthRepeated { credential: String },

    #[error("login asks for more than a password; give this account one hidden prompt, or a key")]
    AuthInteractive,

    #[error("the device takes neither a password nor a dialogue from this account; give it a key")]
    AuthMethods,

    #[error("the device lets anyone in without a login; nothing was read, look at its AAA configuration")]
    AuthNone,

    #[error("the device wants a new password for this account; change it there, it is never answered here")]
    PasswordChange,

    #[error(
        "login got no verdict within {seconds} s; check the device's AAA servers, or whether the password expired"
    )]
    LoginTime { seconds: u64 },

    #[error("the device has no session left; close idle ones or raise its limit")]
    Busy,

    #[error("the device let us in but opens no shell for this account")]
    NoShell,

    #[error("the device let us in but runs no command outside of a shell for this account")]
    NoExec,

    #[error("the device let us in but has no NETCONF for this account; take it out of `netconf` in [ssh]")]
    NoNetconf,

    #[error("the device's NETCONF names no version of the protocol that we speak (1.0, 1.1)")]
    NetconfVersion,

    #[error("the device's NETCONF broke the framing of its messages; nothing of the answer can be trusted")]
    Framing,

    #[error("the device's CLI is not running; look at its console (we leave at that question, always)")]
    CliNotRunning,

    #[error("the device hung up before its first prompt")]
    ClosedEarly,

    #[error("the device hung up while it answered `{command}`, after {bytes} bytes")]
    Closed { command: String, bytes: usize },

    #[error("no prompt came back within {seconds} s after login; is the platform of this device right?")]
    NoPrompt { seconds: u64 },

    #[error("the device kept silent for {seconds} s while it answered `{command}`")]
    Silence { command: String, seconds: u64 },

    #[error("the session took longer than {seconds} s; raise `total_seconds` if this device is that slow")]
    TotalTime { seconds: u64 },

    #[error("the answer to `{command}` is larger than {limit} bytes; raise `max_bytes` if that is right")]
    TooLarge { command: String, limit: usize },

    #[error("the device asks a question after `{command}`; it is never answered, the session was ended")]
    Question { command: String },

    #[error("the prompt names another system than before, after `{command}`; the session was ended")]
    PromptChanged { command: String },

    #[error("`{command}` is not among the commands of this platform; nothing was sent")]
    NotAllowed { command: String },

    #[error("the name cannot be sent to a device: {reason}")]
    BadName { reason: String },
}

impl From<CredentialError> for DeviceError {
    fn from(error: CredentialError) -> Self {
        Self::Credential(Arc::new(error))
    }
}

impl DeviceError {
    /// The run's outcome for this device.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::ConnectTime { .. }
            | Self::Files { .. }
            | Self::Jump { .. }
            | Self::Protocol { .. }
            | Self::Legacy { .. }
            | Self::Busy
            | Self::NoShell
            | Self::NoExec
            | Self::NoNetconf
            | Self::NetconfVersion
            | Self::CliNotRunning
            | Self::ClosedEarly => Outcome::Unreachable,
            Self::HostKeyUnknown { .. }
            | Self::HostKeyChanged { .. }
            | Self::HostKeyAlgorithm { .. }
            | Self::HostKeyRevoked { .. }
            | Self::HostKeyAuthority { .. }
            | Self::KnownHosts(_) => Outcome::HostKey,
            Self::Credential(_)
            | Self::AuthRefused { .. }
            | Self::AuthStopped { .. }
            | Self::AuthRepeated { .. }
            | Self::AuthInteractive
            | Self::AuthMethods
            | Self::AuthNone
            | Self::PasswordChange => Outcome::Auth,
            Self::Closed { .. } | Self::Question { .. } | Self::Framing => Outcome::Incomplete,
            Self::HandshakeTime { .. }
            | Self::LoginTime { .. }
            | Self::NoPrompt { .. }
            | Self::Silence { .. }
            | Self::TotalTime { .. } => Outcome::Timeout,
            Self::TooLarge { .. } => Outcome::TooLarge,
            Self::PromptChanged { .. } => Outcome::WrongDevice,
            Self::NotAllowed { .. } | Self::BadName { .. } => Outcome::Refused,
        }
    }

    /// The finer code beside the outcome, if the outcome does not say it all.
    pub fn detail(&self) -> Option<&'static str> {
        Some(match self {
            Self::Connect { .. } | Self::TooLarge { .. } | Self::AuthRefused { .. } => return None,
            Self::Resolve { .. } => "name",
            Self::ConnectTime { .. } => "connect-time",
            Self::Files { .. } => "open-files",
            Self::Jump { .. } => "jump-host",
            Self::HandshakeTime { .. } => "handshake",
            Self::Protocol { .. } => "protocol",
            Self::Legacy { .. } => "legacy-algorithms",
            Self::HostKeyUnknown { .. } => "unknown",
            Self::HostKeyChanged { .. } => "changed",
            Self::HostKeyAlgorithm { .. } => "other-algorithm",
            Self::HostKeyRevoked { .. } => "revoked",
            Self::HostKeyAuthority { .. } => "certificate-authority",
            Self::KnownHosts(_) => "known-hosts",
            Self::Credential(_) => "credential",
            Self::AuthStopped { .. } => "stopped",
            Self::AuthRepeated { .. } => "repeated",
            Self::AuthInteractive => "interactive",
            Self::AuthMethods => "methods",
            Self::AuthNone => "no-login",
            Self::PasswordChange => "password-change",
            Self::LoginTime { .. } => "login",
            Self::Busy => "max-sessions",
            Self::NoShell => "no-shell",
            Self::NoExec => "no-exec",
            Self::NoNetconf => "no-netconf",
            Self::NetconfVersion => "netconf-version",
            Self::Framing => "framing",
            Self::CliNotRunning => "cli-not-running",
            Self::ClosedEarly | Self::Closed { .. } => "closed",
            Self::NoPrompt { .. } => "no-prompt",
            Self::Silence { .. } => "silence",
            Self::TotalTime { .. } => "total",
            Self::Question { .. } => "question",
            Self::PromptChanged { .. } => "prompt-changed",
            Self::NotAllowed { .. } => "not-allowed",
            Self::BadName { .. } => "bad-name",
        })
    }

    /// Is it this host that has no file descriptor left, here or on the way?
    pub fn is_out_of_files(&self) -> bool {
        match self {
            Self::Files { .. } => true,
            Self::Jump { source, .. } => source.as_ref().is_some_and(|source| source.is_out_of_files()),
            _ => false,
        }
    }

    /// May a second attempt in the same run end differently, at no one's
    /// risk? Never for logins, host keys and what we ourselves refuse.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::ConnectTime { .. }
            | Self::HandshakeTime { .. }
            | Self::Protocol { .. }
            | Self::Busy
            | Self::ClosedEarly
            | Self::Closed { .. }
            | Self::NoPrompt { .. }
            | Self::Silence { .. } => true,
            Self::Jump { source, .. } => source.as_ref().is_some_and(|source| source.is_passing()),
            _ => false,
        }
    }
}

/// A name that came from a peer, fit for a message: short and printable ASCII.
pub(super) fn clean(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(64).collect()
}
