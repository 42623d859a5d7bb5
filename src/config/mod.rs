//! Settings in layers: built-in ← file ← environment ← flags.
//!
//! `config/driftcast.toml` is embedded; it *is* the defaults, and its keys are
//! the keys there are. Every value remembers where it came from, so an error
//! names file, line and key, and `driftcast config` can say why a value is what
//! it is. Each room owns its part of [`Settings`]; this file only stacks.
//! Not here: secrets. A key that would hold one is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::analysis::{cause, coverage, forecast, ignore, plan};
use crate::device::{self, CredentialTable};
use crate::source::{self, RemoteTable, SourceError, shown};
use crate::{notify, signal, sync};
pub use jump::Jump;
use layers::Defaults;
pub use schedule::{CronLine, Job, Misfire, Schedule};
pub use window::Window;

/// Hosts on the way.
mod jump;
/// The stacking itself.
mod layers;
mod schedule;
#[cfg(test)]
mod tests;
/// When devices may be read.
pub mod window;

/// The defaults.
pub const BUILT_IN: &str = include_str!("../../config/driftcast.toml");

/// Tables whose keys are the user's own names.
const OPEN: &[&str] = &["credential", "jump", "source", "ssh.legacy"];

/// The file that holds for a whole machine.
const SYSTEM_FILE: &str = "/etc/driftcast/driftcast.toml";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub window: Vec<Window>,
    pub scan: Scan,
    pub ssh: device::Settings,
    pub credential: BTreeMap<String, CredentialTable>,
    pub jump: BTreeMap<String, Jump>,
    /// Systems that inventories and records come from.
    pub source: BTreeMap<String, RemoteTable>,
    pub coverage: coverage::Settings,
    pub cause: cause::Settings,
    /// Noise: neither a change nor a drift.
    pub ignore: Vec<ignore::IgnoreRule>,
    pub forecast: forecast::Settings,
    pub plan: plan::Settings,
    pub report: Report,
    pub sync: sync::Settings,
    /// What may happen to a drift without a person.
    pub policy: Vec<sync::Policy>,
    /// What `serve` runs, and when.
    #[serde(deserialize_with = "schedule::unique")]
    pub schedule: Vec<Schedule>,
    pub queue: Queue,
    pub retention: Retention,
    /// Who is told of what.
    pub notify: notify::Settings,
    /// Where lines of devices are awaited.
    pub syslog: signal::Settings,
}

/// How long what nothing later needs is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// 0: for ever.
    pub days: u32,
    /// Of report folders; 0: for ever.
    pub report_days: u32,
}

/// How `serve` drains the queue of requested scans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Sessions at once.
    pub concurrency: usize,
    /// Of these, at most so many in one site.
    pub per_site: usize,
    /// And through one jump host.
    pub per_jump_host: usize,
}

/// How many devices are talked to at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    pub concurrency: usize,
    /// How long a device is left alone before it is asked once more, because
    /// it was busy, talked over its answer or was being changed.
    pub retry_seconds: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Report folders are 0750 and their files 0640 instead of 0700 and 0600.
    pub group_readable: bool,
    /// A folder of templates that stand in for ours; empty: none.
    pub templates: PathBuf,
    /// The share of snapshots that the operator wants to be true, from 0 to 1; 0: none is set.
    #[serde(deserialize_with = "sync::share")]
    pub freshness_target: f64,
}

/// What the settings are read from. The caller reads arguments and environment.
pub struct Surroundings<'a> {
    /// `--config`.
    pub file: Option<&'a Path>,
    /// The working directory.
    pub folder: &'a Path,
    /// An environment variable; an empty one counts as not set.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    pub flags: &'a [Flag<'a>],
}

/// A flag that sets one value, written as in the environment.
#[derive(Clone, Copy, Debug)]
pub struct Flag<'a> {
    /// `--data`, for messages.
    pub name: &'static str,
    /// The dotted key, such as `data_dir`. It must be a built-in one.
    pub key: &'static str,
    pub value: &'a str,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    File { file: PathBuf, line: usize },
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File { file, line } => write!(f, "{}:{line}", shown(&file.to_string_lossy(), 200)),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One value in force. A row of `driftcast config`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Dotted, such as `plan.budget`.
    pub key: String,
    /// As TOML. Of a password command only the first word, because people do
    /// write secrets into command lines.
    pub value: Value,
    pub origin: Origin,
}

/// Settings, and how they came to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded<T> {
    pub settings: T,
    /// Ordered by key.
    pub values: Vec<Setting>,
    /// The file that was used, if any.
    pub file: Option<PathBuf>,
}

/// Why there are no settings. Each is a usage error: exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    File(#[from] SourceError),
    /// A file found by its place, which somebody else may have put there.
    #[error(
        "failed to trust {}: {why}; settings can run commands. Mend that, or name the file with --config",
        shown(&.file.to_string_lossy(), 200)
    )]
    Untrusted { file: PathBuf, why: &'static str },
    #[error("failed to understand {at}: {message}")]
    Syntax { at: Origin, message: String },
    #[error("failed to accept {at}: no setting is called {key}{hint}")]
    UnknownKey { at: Origin, key: String, hint: String },
    #[error(
        "failed to accept {at}: {key} would hold a secret; use password_env, password_file, password_command, key_file or agent in [credential.NAME], token_env, token_file or token_command in [source.NAME]"
    )]
    Secret { at: Origin, key: String },
    #[error("failed to accept {at}: {key} is a section, write [{key}] and its settings below")]
    Section { at: Origin, key: String },
    #[error("failed to accept {at}: {key} is one value, not a section")]
    NoSection { at: Origin, key: String },
    #[error("failed to accept {at}: {key}: {message}")]
    Value { at: Origin, key: String, message: String },
}

/// Stacks the layers and gives them the type `T`: [`Settings`], or a part of it in a test.
pub fn load<T: DeserializeOwned>(around: &Surroundings<'_>) -> Result<Loaded<T>, ConfigError> {
    let defaults = Defaults::new(BUILT_IN, OPEN)?;
    let file = find(around)?;
    let mut layers = Vec::new();
    if let Some(file) = &file {
        let text = source::read_file(file)?;
        layers.extend(defaults.file_layer(file, &text)?);
    }
    layers.extend(defaults.environment_layer(around.variable)?);
    layers.extend(defaults.flag_layer(around.flags)?);
    defaults.stack(layers, file)
}

/// The configuration file: the one that is named, which must exist, or the
/// first of the usual ones.
fn find(around: &Surroundings<'_>) -> Result<Option<PathBuf>, ConfigError> {
    let variable = |name: &str| (around.variable)(name).filter(|value| !value.is_empty());
    let named = around.file.map(Path::to_owned).or_else(|| variable("DRIFTCAST_CONFIG").map(PathBuf::from));
    if named.is_some() {
        return Ok(named);
    }
    for file in usual_files(around.folder, variable("XDG_CONFIG_HOME"), variable("HOME")) {
        match std::fs::metadata(&file) {
            Ok(about) if about.is_file() => {
                trust(&file, &about)?;
                return Ok(Some(file));
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => {
                let file = shown(&file.to_string_lossy(), 200);
                return Err(SourceError::Open { file, error }.into());
            }
        }
    }
    Ok(None)
}

/// Where a configuration is looked for, in this order. As the XDG base
/// directory specification has it, a relative `XDG_CONFIG_HOME` does not count.
fn usual_files(folder: &Path, xdg: Option<String>, home: Option<String>) -> Vec<PathBuf> {
    let own = xdg
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| home.map(|home| PathBuf::from(home).join(".config")));
    let mut files = vec![folder.join("driftcast.toml")];
    files.extend(own.map(|own| own.join("driftcast/driftcast.toml")));
    files.push(PathBuf::from(SYSTEM_FILE));
    files
}

/// A file that is used only because it lies there must be ours or root's: its
/// `password_command` would run as us. A file that was named is not asked.
fn trust(file: &Path, about: &std::fs::Metadata) -> Result<(), ConfigError> {
    let owner = about.uid();
    let why = if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if about.mode() & 0o002 != 0 {
        "everybody may write to it"
    } else {
        return Ok(());
    };
    Err(ConfigError::Untrusted { file: file.to_owned(), why })
}
