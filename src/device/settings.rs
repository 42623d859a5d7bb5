//! The bounds of a session, and the named exceptions from modern algorithms.
//! Every wait of this room ends by one of these figures.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::model::Device;

use super::known_hosts::glob;

/// The `[ssh]` table of the configuration. Times are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Name look-up and TCP connect together.
    pub connect_seconds: u64,
    /// From the open connection to agreed keys. Devices with slow processors
    /// need some seconds for large groups.
    pub handshake_seconds: u64,
    /// From the first login request to the verdict; again for the shell to open.
    pub login_seconds: u64,
    /// Without one byte from the device while something is awaited.
    pub silence_seconds: u64,
    /// The whole session, whatever happens in it.
    pub total_seconds: u64,
    /// How long nothing must come after a prompt for it to be one, in
    /// milliseconds. Bytes of one answer that were sent together may arrive
    /// apart, but not by this much within a data centre; where they do, the
    /// missing end mark of the answer shows it.
    pub settle_ms: u64,
    /// Output of one command; more is the outcome `too-large`.
    pub max_bytes: usize,
    /// Sessions at once through one jump host.
    pub jump_sessions: usize,
    /// Logins a minute at one jump host, evenly spaced; 0 is no limit.
    pub jump_logins_per_minute: u32,
    /// Logins a minute with one credential, evenly spaced; 0 is no limit. The
    /// servers behind it (TACACS, RADIUS) answer for the whole fleet. A
    /// credential may have a figure of its own.
    pub logins_per_minute: u32,
    /// Sessions at once in one site; 0 is no limit.
    pub site_sessions: usize,
    /// Devices that are read over NETCONF where their platform has it: names,
    /// with `*` and `?`. A device with the tag `netconf` is, too.
    pub netconf: Vec<String>,
    /// Devices that may agree on weak algorithms (SHA-1, CBC, 3DES), each with
    /// the day on which that was accepted: `legacy = { dn-old-1 = "2026-11-01" }`.
    /// The report lists them.
    pub legacy: BTreeMap<String, NaiveDate>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_seconds: 10,
            handshake_seconds: 15,
            login_seconds: 15,
            silence_seconds: 30,
            total_seconds: 600,
            settle_ms: 30,
            max_bytes: 64 << 20,
            jump_sessions: 8,
            jump_logins_per_minute: 600,
            logins_per_minute: 3_000,
            site_sessions: 0,
            netconf: Vec::new(),
            legacy: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Is the device one of those that are read over NETCONF?
    pub(super) fn speaks_netconf(&self, device: &Device) -> bool {
        let name = device.name.as_str().to_ascii_lowercase();
        let named = |pattern: &String| glob(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes());
        device.tags.iter().any(|tag| tag == "netconf") || self.netconf.iter().any(named)
    }

    pub(super) fn connect(&self) -> Duration {
        Duration::from_secs(self.connect_seconds)
    }

    pub(super) fn handshake(&self) -> Duration {
        Duration::from_secs(self.handshake_seconds)
    }

    pub(super) fn login(&self) -> Duration {
        Duration::from_secs(self.login_seconds)
    }

    pub(super) fn silence(&self) -> Duration {
        Duration::from_secs(self.silence_seconds)
    }

    pub(super) fn settle(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }

    pub(super) fn total(&self) -> Duration {
        Duration::from_secs(self.total_seconds)
    }

    /// When the SSH library gives a connection up by itself. It is what frees
    /// a connection whose owner went away in the middle of the key exchange,
    /// so it is never off; it is longer than every wait of ours, the one for
    /// the canary's verdict included.
    pub(super) fn inactivity(&self) -> Duration {
        let longest = self.silence_seconds.max(self.handshake_seconds).max(8 * self.login_seconds);
        Duration::from_secs(longest + 5)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_what_differs() {
        let text = "silence_seconds = 60\nlegacy = { dn-old-1 = \"2026-11-01\" }\n";
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!((settings.silence_seconds, settings.total_seconds), (60, 600));
        assert_eq!(settings.legacy["dn-old-1"], "2026-11-01".parse().unwrap());
        assert!(toml::from_str::<Settings>("slience_seconds = 60").is_err());
    }
}
