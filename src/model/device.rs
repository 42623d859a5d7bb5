//! A network element with a name, an address and a platform.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A device's number in the database. It survives a rename; a name does not.
pub type DeviceId = i64;

/// The name of a device: 1 to 128 printable characters, without `/`, `\` or
/// white space, and not starting with `.` or `-`, so that it can never be a
/// path, an option or a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DeviceName(String);

/// Why a text is no device name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDeviceName(&'static str);

impl fmt::Display for BadDeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a device name {}", self.0)
    }
}

impl std::error::Error for BadDeviceName {}

impl DeviceName {
    /// Checks `name` and takes it.
    pub fn new(name: &str) -> Result<Self, BadDeviceName> {
        if name.is_empty() || name.len() > 128 {
            return Err(BadDeviceName("has 1 to 128 bytes"));
        }
        if name.starts_with(['.', '-']) {
            return Err(BadDeviceName("does not start with '.' or '-'"));
        }
        if name.chars().any(|c| c.is_control() || c.is_whitespace() || is_invisible(c)) {
            return Err(BadDeviceName("has no control characters and no white space"));
        }
        if name.contains(['/', '\\']) {
            return Err(BadDeviceName("has no '/' and no '\\'"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that change what surrounds them without being seen: bidi
/// controls, zero-width characters, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DeviceName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

/// One row of the inventory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    pub name: DeviceName,
    /// Host name or IP address, as typed.
    pub address: String,
    /// TCP port of its SSH server.
    pub port: u16,
    /// Platform name, such as `drivenets_dnos`. It may be one we do not know:
    /// that device's outcome is then `unsupported`, and the run goes on.
    pub platform: String,
    /// What the device is for (`leaf`, `spine`); forecasts share what they learn within a role.
    pub role: String,
    pub site: String,
    /// How much a stale view of this device costs, relative to others. 1 is usual.
    pub importance: f64,
    pub tags: Vec<String>,
    /// Name of a jump host, if it can only be reached through one.
    pub jump: Option<String>,
    /// Name of a credential of the configuration.
    pub credential: Option<String>,
}
