//! A fleet of pretend DNOS devices on loopback, for the demo and the tests.
//!
//! The devices say what real ones say, byte by byte as far as we know it, and
//! they live: people change them by hand, a deployment tool changes them, and
//! some of the strays are tidied up again. Everything follows from a seed.
//! The lab knows nothing of the reader that has to understand it: both were
//! made from the same description of the device, so that one tests the other.
//!
//! Reading order: `state` (what a device has configured), `config` and `screen`
//! (how it prints that), `command` (a typed line and its answer), `quirk`,
//! `machine` and `session` (a device and a conversation with it), `server` (SSH
//! around it); then `book` (what the database of record believes), `edit`,
//! `habit` and `life` (how devices are changed, when, and one day of it),
//! `birth` and `fleet` (all of them).

mod birth;
mod book;
mod command;
mod config;
mod edit;
mod fleet;
mod habit;
mod life;
mod machine;
mod quirk;
mod screen;
mod server;
mod session;
pub mod state;

use std::path::PathBuf;

use crate::model::DeviceName;

pub use book::Planted;
pub use fleet::Fleet;
pub use habit::Habit;
pub use life::{RecordEdit, Stray};
pub use machine::Machine;
pub use quirk::Quirk;
pub use server::{HostKey, Lab};

/// The user that every lab device lets in: the built-in credential `lab`.
pub const USER: &str = "driftcast";

/// The password of [`USER`]. It opens nothing but lab devices on loopback.
pub const PASSWORD: &str = "lab";

/// Why the lab could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Stop whatever uses the port, or let the fleet choose others.
    #[error("failed to start {device}: port {port} of 127.0.0.1 is in use")]
    PortInUse { device: DeviceName, port: u16 },
    #[error("failed to listen on port {port} of 127.0.0.1 for {device}: {source}")]
    Listen { device: DeviceName, port: u16, source: std::io::Error },
    #[error("failed to find {0} in the lab: it has no such device")]
    NoSuchDevice(String),
    #[error("failed to read the lab's file {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("failed to write the lab's file {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    /// The file was edited, or another version wrote it. Make a new demo.
    #[error("failed to understand the lab's file {path}: {what}")]
    Damaged { path: PathBuf, what: String },
}
