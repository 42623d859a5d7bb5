//! Whom to read, in which scope, and why. A plan is a value: a pure function
//! makes it, one executor carries it out.

use serde::{Deserialize, Serialize};

use super::DeviceName;
use super::device::DeviceId;

/// How much of a device is read. Absence counts only inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Scope {
    Device,
    /// One interface, by its long name.
    Interface(String),
    /// One bridge domain and the interfaces in it.
    BridgeDomain(String),
}

impl Scope {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Interface(_) => "interface",
            Self::BridgeDomain(_) => "bridge-domain",
        }
    }

    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Device => None,
            Self::Interface(name) | Self::BridgeDomain(name) => Some(name),
        }
    }
}

/// Why a device is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A person asked.
    Requested,
    /// A deploy was refused.
    Conflict,
    /// Never read before.
    New,
    /// Not read for longer than the maximum age allows.
    Due,
    /// The forecast found it most worth a session.
    Predicted,
    /// Drawn at random, so that the forecasts can be judged fairly.
    Sample,
    /// Beside the usual part of the night: much is happening around it.
    Surge,
    /// Everything is read tonight.
    Full,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Conflict => "conflict",
            Self::New => "new",
            Self::Due => "due",
            Self::Predicted => "predicted",
            Self::Sample => "sample",
            Self::Surge => "surge",
            Self::Full => "full",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    #[serde(skip)]
    pub device_id: DeviceId,
    pub device: DeviceName,
    pub scope: Scope,
    pub reason: Reason,
    /// The reason in words, for people.
    pub why: String,
    /// Forecast at planning time, if there is one.
    pub p_change: Option<f64>,
}

/// One round of a night.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// 1-based.
    pub round: u32,
    pub targets: Vec<Target>,
}
