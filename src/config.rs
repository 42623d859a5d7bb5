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
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use crate::analysis::{coverage, forecast, plan};
use crate::device::{self, CredentialTable};
use crate::source::{self, SourceError, nearest, shown};

/// The defaults.
pub const BUILT_IN: &str = include_str!("../config/driftcast.toml");

/// Tables whose keys are the user's own names.
const OPEN: &[&str] = &["credential", "ssh.legacy"];

/// The file that holds for a whole machine.
const SYSTEM_FILE: &str = "/etc/driftcast/driftcast.toml";

/// Keys that nobody should write into a configuration, wherever they stand.
const SECRETS: &[&str] = &["password", "passphrase", "secret", "token"];

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub scan: Scan,
    pub ssh: device::Settings,
    pub credential: BTreeMap<String, CredentialTable>,
    pub coverage: coverage::Settings,
    pub forecast: forecast::Settings,
    pub plan: plan::Settings,
    pub report: Report,
    pub limits: Limits,
}

/// How many devices are talked to at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    pub concurrency: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Report folders are 0750 and their files 0640 instead of 0700 and 0600.
    pub group_readable: bool,
}

/// Guards, in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub retire_percent: u8,
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
        "failed to accept {at}: {key} would hold a secret; use password_env, password_file, password_command, key_file or agent in [credential.NAME]"
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

/// A dotted key, taken apart: names in open tables may have dots of their own.
type Key = Vec<String>;

/// One value of one layer.
#[derive(Clone, Debug)]
struct Override {
    key: Key,
    value: Value,
    origin: Origin,
    /// Lines of what is inside, if `value` is a table of an open one.
    inner: BTreeMap<Key, usize>,
}

/// The built-in layer, which also says what keys there are.
struct Defaults<'a> {
    table: Table,
    leaves: BTreeMap<Key, Value>,
    open: &'a [&'a str],
}

impl<'a> Defaults<'a> {
    fn new(text: &str, open: &'a [&'a str]) -> Result<Self, ConfigError> {
        let table: Table = toml::from_str(text)
            .map_err(|error| ConfigError::Syntax { at: Origin::BuiltIn, message: error.to_string() })?;
        let mut leaves = BTreeMap::new();
        flatten(&table, &mut Vec::new(), &mut leaves);
        Ok(Self { table, leaves, open })
    }

    fn is_open(&self, key: &[String]) -> bool {
        self.open.contains(&dotted(key).as_str())
    }

    fn is_section(&self, key: &[String]) -> bool {
        self.is_open(key) || self.leaves.keys().any(|leaf| leaf.len() > key.len() && leaf.starts_with(key))
    }

    /// The values of a file. The first thing wrong with it, by line, is the error.
    fn file_layer(&self, file: &Path, text: &str) -> Result<Vec<Override>, ConfigError> {
        let at = |byte: usize| Origin::File { file: file.to_owned(), line: line_of(text, byte) };
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            at: at(error.span().map_or(0, |span| span.start)),
            message: shown(error.message(), 200),
        };
        let spans = DeTable::parse(text).map_err(syntax)?;
        let values: Table = toml::from_str(text).map_err(syntax)?;
        let mut entries = Vec::new();
        walk(spans.get_ref(), &mut Vec::new(), &mut entries);
        entries.sort_by_key(|(_, byte)| *byte);

        let mut layer: Vec<Override> = Vec::new();
        for (key, byte) in entries {
            let name = shown(&dotted(&key), 100);
            let Some(value) = get(&values, &key) else { continue };
            if !value.is_table()
                && key.last().is_some_and(|last| SECRETS.contains(&last.to_lowercase().as_str()))
            {
                return Err(ConfigError::Secret { at: at(byte), key: name });
            }
            let in_unit = |unit: &&mut Override| key.len() > unit.key.len() && key.starts_with(&unit.key);
            if let Some(unit) = layer.iter_mut().find(in_unit) {
                unit.inner.insert(key, line_of(text, byte));
                continue;
            }
            let known = self.leaves.contains_key(&key);
            if known && value.is_table() {
                return Err(ConfigError::NoSection { at: at(byte), key: name });
            }
            let names_own = key.len() > 1 && self.is_open(&key[..key.len() - 1]);
            if known || names_own {
                layer.push(Override { key, value: value.clone(), origin: at(byte), inner: BTreeMap::new() });
            } else if !self.is_section(&key) {
                return Err(ConfigError::UnknownKey { at: at(byte), hint: self.hint(&key), key: name });
            } else if !value.is_table() {
                return Err(ConfigError::Section { at: at(byte), key: name });
            }
        }
        Ok(layer)
    }

    /// The known key or section that was meant: first beside it, then anywhere by its last word.
    fn hint(&self, key: &[String]) -> String {
        let sections = self.leaves.keys().flat_map(|leaf| (1..=leaf.len()).map(|n| dotted(&leaf[..n])));
        let known: std::collections::BTreeSet<String> =
            sections.chain(self.open.iter().map(|&open| open.to_owned())).collect();
        let (last, parents) = key.split_last().map_or(("", &key[..0]), |(last, rest)| (last.as_str(), rest));
        let parent = if parents.is_empty() { String::new() } else { dotted(parents) + "." };
        let beside = known.iter().filter_map(|k| k.strip_prefix(&parent)).filter(|k| !k.contains('.'));
        let meant = match nearest(last, beside) {
            Some(word) => Some(format!("{parent}{word}")),
            None => known.iter().find(|k| k.rsplit('.').next() == Some(last)).cloned(),
        };
        meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"))
    }

    fn environment_layer(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<Override>, ConfigError> {
        let mut layer = Vec::new();
        for (key, built_in) in &self.leaves {
            let name = variable_name(key);
            if let Some(text) = variable(&name).filter(|text| !text.is_empty()) {
                layer.push(typed(key, &text, built_in, Origin::Environment(name))?);
            }
        }
        Ok(layer)
    }

    fn flag_layer(&self, flags: &[Flag<'_>]) -> Result<Vec<Override>, ConfigError> {
        let mut layer = Vec::new();
        for flag in flags {
            let key: Key = flag.key.split('.').map(str::to_owned).collect();
            let origin = Origin::Flag(flag.name);
            let Some(built_in) = self.leaves.get(&key) else {
                return Err(ConfigError::UnknownKey {
                    at: origin,
                    hint: self.hint(&key),
                    key: flag.key.to_owned(),
                });
            };
            layer.push(typed(&key, flag.value, built_in, origin)?);
        }
        Ok(layer)
    }

    /// The later layer wins. `overrides` are in the order of the layers.
    fn stack<T: DeserializeOwned>(
        &self,
        overrides: Vec<Override>,
        file: Option<PathBuf>,
    ) -> Result<Loaded<T>, ConfigError> {
        let winners: BTreeMap<Key, Override> = overrides.into_iter().map(|o| (o.key.clone(), o)).collect();
        let mut table = self.table.clone();
        for winner in winners.values() {
            put(&mut table, &winner.key, winner.value.clone());
        }
        let settings = match T::deserialize(Value::Table(table.clone())) {
            Ok(settings) => settings,
            Err(error) => return Err(self.blame::<T>(winners.into_values(), &error)),
        };
        let mut leaves = BTreeMap::new();
        flatten(&table, &mut Vec::new(), &mut leaves);
        let values = leaves
            .into_iter()
            .map(|(key, value)| Setting {
                key: dotted(&key),
                origin: origin_of(&key, &winners),
                value: discreet(&key, value),
            })
            .collect();
        Ok(Loaded { settings, values, file })
    }

    /// Which value it was: values are put on the defaults one by one until
    /// `T` refuses. So any type that can be deserialised gets good messages.
    fn blame<T: DeserializeOwned>(
        &self,
        winners: impl Iterator<Item = Override>,
        error: &toml::de::Error,
    ) -> ConfigError {
        let mut table = self.table.clone();
        for winner in winners {
            put(&mut table, &winner.key, winner.value.clone());
            if let Err(error) = T::deserialize(Value::Table(table.clone())) {
                return refused(&winner, error.message());
            }
        }
        ConfigError::Value {
            at: Origin::BuiltIn,
            key: "the defaults".to_owned(),
            message: error.message().to_owned(),
        }
    }
}

/// The error for a value that its room refused with `message`.
fn refused(winner: &Override, message: &str) -> ConfigError {
    let mut at = winner.origin.clone();
    let mut key = winner.key.clone();
    let mut hint = String::new();
    if let Some(rest) = message.strip_prefix("unknown field `") {
        // Serde quotes the wrong field first, then the right ones.
        let mut words = rest.split('`').step_by(2).map(str::to_owned);
        let wrong = words.next().unwrap_or_default();
        let allowed: Vec<String> = words.collect();
        if let Some(word) = nearest(&wrong, allowed.iter().map(String::as_str)) {
            hint = format!(" (did you mean {word}?)");
        }
        key.push(wrong);
    }
    if let (Origin::File { line, .. }, Some(inner)) = (&mut at, winner.inner.get(&key)) {
        *line = *inner;
    }
    ConfigError::Value { at, key: shown(&dotted(&key), 100), message: shown(message, 300) + &hint }
}

/// A value given as text, in the form that the built-in one has. A list is
/// separated by commas.
fn typed(key: &Key, text: &str, built_in: &Value, origin: Origin) -> Result<Override, ConfigError> {
    let text = text.trim();
    let (value, wanted) = match built_in {
        Value::Integer(_) => (text.parse().ok().map(Value::Integer), "a whole number"),
        Value::Float(_) => (text.parse().ok().map(Value::Float), "a number"),
        Value::Boolean(_) => (text.parse().ok().map(Value::Boolean), "true or false"),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            (Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect())), "a list")
        }
        _ => (Some(Value::String(text.to_owned())), "a text"),
    };
    let Some(value) = value else {
        let message = format!("\"{}\" is not {wanted}; the default is {built_in}", shown(text, 60));
        return Err(ConfigError::Value { at: origin, key: dotted(key), message });
    };
    Ok(Override { key: key.clone(), value, origin, inner: BTreeMap::new() })
}

/// `plan.budget` → `DRIFTCAST_PLAN_BUDGET`; the data folder has a shorter name.
fn variable_name(key: &[String]) -> String {
    match key {
        [only] if only == "data_dir" => "DRIFTCAST_DATA".to_owned(),
        _ => format!("DRIFTCAST_{}", key.join("_").to_uppercase()),
    }
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

/// All values that are no tables, by key.
fn flatten(table: &Table, at: &mut Key, leaves: &mut BTreeMap<Key, Value>) {
    for (name, value) in table {
        at.push(name.clone());
        match value {
            Value::Table(table) => flatten(table, at, leaves),
            value => drop(leaves.insert(at.clone(), value.clone())),
        }
        at.pop();
    }
}

/// All keys of a file, sections too, with the byte at which they stand.
fn walk(table: &DeTable<'_>, at: &mut Key, entries: &mut Vec<(Key, usize)>) {
    for (name, value) in table {
        at.push(name.get_ref().to_string());
        entries.push((at.clone(), name.span().start));
        if let DeValue::Table(table) = value.get_ref() {
            walk(table, at, entries);
        }
        at.pop();
    }
}

fn get<'t>(table: &'t Table, key: &[String]) -> Option<&'t Value> {
    let (last, sections) = key.split_last()?;
    let mut table = table;
    for section in sections {
        table = table.get(section)?.as_table()?;
    }
    table.get(last)
}

/// Sets a value. Sections on the way exist, or are made.
fn put(table: &mut Table, key: &[String], value: Value) {
    match key {
        [] => {}
        [last] => drop(table.insert(last.clone(), value)),
        [section, rest @ ..] => {
            let inner = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn origin_of(key: &Key, winners: &BTreeMap<Key, Override>) -> Origin {
    let Some(winner) = (1..=key.len()).rev().find_map(|n| winners.get(&key[..n])) else {
        return Origin::BuiltIn;
    };
    match (&winner.origin, winner.inner.get(key)) {
        (Origin::File { file, .. }, Some(&line)) => Origin::File { file: file.clone(), line },
        (origin, _) => origin.clone(),
    }
}

/// What may be shown of a value.
fn discreet(key: &Key, value: Value) -> Value {
    match &value {
        Value::String(command) if key.last().is_some_and(|last| last == "password_command") => {
            let first = command.split_whitespace().next().unwrap_or_default();
            Value::String(format!("{first} …"))
        }
        _ => value,
    }
}

/// A key as TOML writes it: a name with other characters stands in quotation marks.
fn dotted(key: &[String]) -> String {
    let bare = |part: &String| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let part = |part: &String| if bare(part) { part.clone() } else { format!("{part:?}") };
    key.iter().map(part).collect::<Vec<_>>().join(".")
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&b| b == b'\n').count()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load_with(
        file: &str,
        variables: &[(&str, &str)],
        flags: &[Flag<'_>],
    ) -> Result<Loaded<Settings>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.toml");
        std::fs::write(&path, file).unwrap();
        let variable =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let around = Surroundings { file: Some(&path), folder: folder.path(), variable: &variable, flags };
        let folder = format!("{}/", folder.path().display());
        load(&around).map_err(|error| error.to_string().replace(&folder, ""))
    }

    fn refused(file: &str) -> String {
        load_with(file, &[], &[]).unwrap_err()
    }

    fn origin(loaded: &Loaded<Settings>, key: &str) -> String {
        let origin = loaded.values.iter().find(|s| s.key == key).unwrap().origin.to_string();
        origin.rsplit('/').next().unwrap().to_owned()
    }

    #[test]
    fn the_defaults_set_every_key_and_no_other() {
        let settings: Settings = toml::from_str(BUILT_IN).unwrap();
        let (mut typed, mut written) = (BTreeMap::new(), BTreeMap::new());
        flatten(&Table::try_from(&settings).unwrap(), &mut Vec::new(), &mut typed);
        flatten(&toml::from_str(BUILT_IN).unwrap(), &mut Vec::new(), &mut written);
        assert_eq!(typed, written);
    }

    #[test]
    fn the_commented_examples_of_the_defaults_are_good() {
        let examples = ["dn-old-1 =", "[credential.core]", "username =", "password_file ="];
        let text: Vec<String> = BUILT_IN
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if examples.iter().any(|example| rest.starts_with(example)) => rest.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let loaded = load_with(&text.join("\n"), &[], &[]).unwrap();
        assert_eq!(loaded.settings.credential["core"].username, "driftcast");
        assert_eq!(loaded.settings.ssh.legacy.len(), 1);
    }

    #[test]
    fn a_later_layer_wins_and_every_value_knows_its_origin() {
        let file = "\u{feff}data_dir = \"/srv/a\"\r\n[plan]\r\nrounds = 2\r\nbudget = \"5%\"\r\n[forecast]\r\nhorizon_days = 3\r\n";
        let variables = [
            ("DRIFTCAST_DATA", "/srv/b"),
            ("DRIFTCAST_PLAN_BUDGET", "25"),
            ("DRIFTCAST_SCAN_CONCURRENCY", ""),
            ("DRIFTCAST_COVERAGE_VLAN_EXCLUDE", "1, 4094"),
        ];
        let flags = [Flag { name: "--data", key: "data_dir", value: "/srv/c" }];
        let loaded = load_with(file, &variables, &flags).unwrap();
        let settings = &loaded.settings;
        assert_eq!(settings.data_dir, Path::new("/srv/c"));
        assert_eq!((settings.plan.rounds, settings.plan.budget.as_str()), (2, "25"));
        assert_eq!((settings.scan.concurrency, settings.forecast.horizon_days), (200, 3.0));
        assert_eq!(settings.coverage.vlan.exclude, ["1", "4094"]);
        assert_eq!(origin(&loaded, "data_dir"), "flag --data");
        assert_eq!(origin(&loaded, "plan.budget"), "environment DRIFTCAST_PLAN_BUDGET");
        assert_eq!(origin(&loaded, "plan.rounds"), "test.toml:3");
        assert_eq!(origin(&loaded, "scan.concurrency"), "built-in");
    }

    #[test]
    fn credentials_have_names_of_their_own() {
        let file = "[credential.core]\nusername = \"n\"\npassword_command = \"pass show x\"\n\n[ssh.legacy]\n'old.dn' = \"2026-11-01\"\n";
        let loaded = load_with(file, &[], &[]).unwrap();
        assert_eq!(loaded.settings.credential["core"].password_command.as_deref(), Some("pass show x"));
        let command = loaded.values.iter().find(|s| s.key == "credential.core.password_command").unwrap();
        assert_eq!(command.value, Value::String("pass …".to_owned()));
        assert_eq!(origin(&loaded, "credential.core.password_command"), "test.toml:3");
        assert_eq!(origin(&loaded, "ssh.legacy.\"old.dn\""), "test.toml:6");
        let loaded = load_with("[credential.secret]\nusername = \"n\"\nagent = true\n", &[], &[]).unwrap();
        assert!(loaded.settings.credential.contains_key("secret"));
    }

    #[test]
    fn an_error_says_file_line_key_and_hint() {
        for (file, told) in [
            (
                "[scan]\nconcurency = 3\n",
                "test.toml:2: no setting is called scan.concurency (did you mean scan.concurrency?)",
            ),
            ("\n[skan]\nconcurrency = 3\n", "test.toml:2: no setting is called skan (did you mean scan?)"),
            ("budget = 3\n", "test.toml:1: no setting is called budget (did you mean plan.budget?)"),
            (
                "[scan]\nconcurrency = 'many'\n",
                "test.toml:2: scan.concurrency: invalid type: string \"many\", expected usize",
            ),
            ("scan.concurrency = -1\n", "test.toml:1: scan.concurrency: invalid value: integer `-1`"),
            ("scan = 3\n", "test.toml:1: scan is a section"),
            ("[data_dir]\nx = 1\n", "test.toml:1: data_dir is one value"),
            (
                "[credential.a]\nusername = 'u'\npasword_env = 'P'\n",
                "test.toml:3: credential.a.pasword_env: unknown field",
            ),
            ("[credential.a]\nusername = 'u'\npasword_env = 'P'\n", "(did you mean password_env?)"),
            ("[credential.a]\nkey_file = 'k'\n", "test.toml:1: credential.a: missing field `username`"),
            (
                "[credential.a]\nusername = 'u'\npassword = 'hunter2'\n",
                "test.toml:3: credential.a.password would hold a secret",
            ),
            ("password = 'hunter2'\n", "test.toml:1: password would hold a secret"),
            ("[scan]\nconcurrency = \n", "failed to understand test.toml:2: "),
            ("[scan]\nconcurrency = 1\nconcurrency = 2\n", "failed to understand test.toml:3: "),
            ("[scan]\n\"\\u001b[31m\" = 1\n", "test.toml:2: no setting is called scan."),
        ] {
            let error = refused(file);
            assert!(error.contains(told), "{file}: {error}");
            assert!(!error.contains("hunter2") && !error.contains('\u{1b}'), "{error}");
        }
        let error = load_with("", &[("DRIFTCAST_PLAN_ROUNDS", "four")], &[]).unwrap_err();
        assert!(error.contains("environment DRIFTCAST_PLAN_ROUNDS: plan.rounds: \"four\" is not a whole number; the default is 4"), "{error}");
    }

    #[test]
    fn a_good_flag_mends_a_bad_file() {
        let flags = [Flag { name: "--jobs", key: "scan.concurrency", value: "7" }];
        assert!(load_with("[scan]\nconcurrency = -1\n", &[], &flags).is_ok());
    }

    #[test]
    fn the_first_usual_file_is_used() {
        let files = usual_files(Path::new("/w"), Some("/x".to_owned()), Some("/h".to_owned()));
        assert_eq!(
            files,
            ["/w/driftcast.toml", "/x/driftcast/driftcast.toml", SYSTEM_FILE].map(PathBuf::from)
        );
        let files = usual_files(Path::new("/w"), Some("relative".to_owned()), Some("/h".to_owned()));
        assert_eq!(files[1], Path::new("/h/.config/driftcast/driftcast.toml"));

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("driftcast.toml"), "[plan]\nrounds = 9\n").unwrap();
        let nothing = |_: &str| None;
        let around = Surroundings { file: None, folder: folder.path(), variable: &nothing, flags: &[] };
        assert_eq!(load::<Settings>(&around).unwrap().settings.plan.rounds, 9);
    }

    #[test]
    fn a_named_file_must_exist_and_a_found_one_must_be_ours() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let missing = |name: &str| (name == "DRIFTCAST_CONFIG").then(|| "no/such.toml".to_owned());
        let around = Surroundings { file: None, folder: folder.path(), variable: &missing, flags: &[] };
        assert!(matches!(load::<Settings>(&around), Err(ConfigError::File(SourceError::Open { .. }))));

        let file = folder.path().join("driftcast.toml");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        let nothing = |_: &str| None;
        let around = Surroundings { file: None, folder: folder.path(), variable: &nothing, flags: &[] };
        assert!(matches!(load::<Settings>(&around), Err(ConfigError::Untrusted { .. })));
        let around = Surroundings { file: Some(&file), ..around };
        assert!(load::<Settings>(&around).is_ok());
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(text in "(\\[?[a-z.\"]{0,6}\\]?[ =\n]{0,2}[0-9a-z'\"{}]{0,6}\n){0,5}", noise in "\\PC{0,20}") {
            let defaults = Defaults::new(BUILT_IN, OPEN).unwrap();
            for text in [&text, &noise] {
                if let Ok(layer) = defaults.file_layer(Path::new("f"), text) {
                    let _ = defaults.stack::<Settings>(layer, None);
                }
            }
        }
    }
}
