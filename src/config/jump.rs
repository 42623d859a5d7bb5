//! Hosts through which devices are reached and that are no devices themselves:
//! `[jump.NAME]`.

use serde::{Deserialize, Serialize};

use crate::model::{Device, DeviceName};

/// One `[jump.NAME]`. Its host key is as strict as a device's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jump {
    pub address: String,
    #[serde(default = "ssh_port")]
    pub port: u16,
    /// A `[credential.NAME]`; without one the usual credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The jump host in front of it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
}

fn ssh_port() -> u16 {
    22
}

impl Jump {
    /// The host as something that can be connected to. It has no platform: it is never read.
    pub fn device(&self, name: DeviceName) -> Device {
        Device {
            name,
            address: self.address.clone(),
            port: self.port,
            platform: String::new(),
            role: "jump-host".to_owned(),
            site: String::new(),
            importance: 1.0,
            tags: Vec::new(),
            jump: self.jump.clone(),
            credential: self.credential.clone(),
        }
    }
}
