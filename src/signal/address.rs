//! `[syslog]`: where lines are awaited, and what they may lead to.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub listen: Listen,
    /// What one sender may say in a second; ten times that at once.
    pub lines_per_second: u32,
    /// Whether a signal puts its device into the queue.
    pub request_scan: bool,
}

/// Where lines are awaited, over UDP and TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    Off,
    At(SocketAddr),
    /// At the sockets that systemd hands over.
    Systemd,
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.trim() {
            "" => Ok(Self::Off),
            "systemd" => Ok(Self::Systemd),
            other => other.parse().map(Self::At).map_err(|_| {
                let shown: String = other.chars().filter(|c| !c.is_control()).take(60).collect();
                format!(
                    "\"{shown}\" is no address and port such as 127.0.0.1:5514 or [::]:5514, nor \"systemd\""
                )
            }),
        }
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        match listen {
            Listen::Off => Self::new(),
            Listen::At(at) => at.to_string(),
            Listen::Systemd => "systemd".to_owned(),
        }
    }
}
