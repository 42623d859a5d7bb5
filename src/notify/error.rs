//! Why a message did not arrive, named by what the operator can do about it.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    #[error("failed to find the {what}: the environment variable {variable} is not set or empty")]
    Variable { what: &'static str, variable: String },
    #[error("failed to read the {what} from {}: {error}", path.display())]
    File { what: &'static str, path: PathBuf, error: io::Error },
    #[error("failed to trust {}: others can read it; run `chmod 600` on it", path.display())]
    Mode { path: PathBuf },
    #[error("failed to accept the address of the webhook: it is not https")]
    NotHttps,
    #[error(
        "failed to accept {address} of {host}: it is not public, and `allow` of the webhook does not name it"
    )]
    Private { host: String, address: IpAddr },
    #[error("failed to hear from the receiver within {} s", limit.as_secs_f32())]
    TooSlow { limit: Duration },
    #[error("failed to deliver: the receiver answered {status}, and redirects are not followed")]
    Redirect { status: u16 },
    #[error("failed to deliver: the receiver answered {status}")]
    Refused { status: u16 },
    #[error("failed to reach the receiver: {0}")]
    Unreachable(String),
    #[error("failed to write the mail: {0}")]
    Letter(String),
    #[error("failed to hand the mail to the server: {0}")]
    Server(String),
    #[error("failed to send to syslog: {0}")]
    Syslog(#[source] io::Error),
    #[error("failed to write {}: {error}", path.display())]
    Textfile { path: PathBuf, error: io::Error },
}

impl NotifyError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Variable { .. } => {
                "set it where driftcast is started, such as an EnvironmentFile of the unit"
            }
            Self::File { .. } | Self::Mode { .. } => "make it a file of driftcast's user with mode 0600",
            Self::NotHttps => "webhooks carry names of devices: use https",
            Self::Private { .. } => "if that is meant, add it to the webhook's `allow`",
            Self::TooSlow { .. } => "look at the receiver; notify.timeout_seconds is the limit",
            Self::Redirect { .. } => "write the address that it redirects to",
            Self::Refused { .. } => "look at the receiver's log; the secret or the form may be wrong",
            Self::Unreachable(_) | Self::Syslog(_) => "look at the name, the network and the certificate",
            Self::Letter(_) => "look at the addresses of the mail",
            Self::Server(_) => "look at the server's name, its certificate and the login",
            Self::Textfile { .. } => "the folder has to exist and be writable for driftcast",
        }
    }
}
