//! One layer over the other, key by key, with the origin of each value.
//!
//! The built-in layer says which keys there are. A file is walked with the
//! places of its keys, so that what is unknown or of another kind is told by
//! line. What only the type of the settings knows (a number that is too small)
//! is found by putting the values on the defaults one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{ConfigError, Flag, Loaded, Origin, Setting};
use crate::source::{nearest, shown};

/// Keys that nobody should write into a configuration, wherever they stand.
const SECRETS: &[&str] = &["password", "passphrase", "secret", "token"];

/// A dotted key, taken apart: names in open tables may have dots of their own.
pub(super) type Key = Vec<String>;

/// One value of one layer.
#[derive(Clone, Debug)]
pub(super) struct Override {
    key: Key,
    value: Value,
    origin: Origin,
    /// Lines of what is inside, if `value` is a table of an open one.
    inner: BTreeMap<Key, usize>,
}

/// The built-in layer, which also says what keys there are.
pub(super) struct Defaults<'a> {
    table: Table,
    leaves: BTreeMap<Key, Value>,
    open: &'a [&'a str],
}

impl<'a> Defaults<'a> {
    pub(super) fn new(text: &str, open: &'a [&'a str]) -> Result<Self, ConfigError> {
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
    pub(super) fn file_layer(&self, file: &Path, text: &str) -> Result<Vec<Override>, ConfigError> {
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
        let known: BTreeSet<String> = sections.chain(self.open.iter().map(|&open| open.to_owned())).collect();
        let (last, parents) = key.split_last().map_or(("", &key[..0]), |(last, rest)| (last.as_str(), rest));
        let parent = if parents.is_empty() { String::new() } else { dotted(parents) + "." };
        let beside = known.iter().filter_map(|k| k.strip_prefix(&parent)).filter(|k| !k.contains('.'));
        let meant = match nearest(last, beside) {
            Some(word) => Some(format!("{parent}{word}")),
            None => known.iter().find(|k| k.rsplit('.').next() == Some(last)).cloned(),
        };
        meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"))
    }

    pub(super) fn environment_layer(
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

    pub(super) fn flag_layer(&self, flags: &[Flag<'_>]) -> Result<Vec<Override>, ConfigError> {
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
    pub(super) fn stack<T: DeserializeOwned>(
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
/// All values that are no tables, by key.
pub(super) fn flatten(table: &Table, at: &mut Key, leaves: &mut BTreeMap<Key, Value>) {
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
        Value::String(command)
            if key.last().is_some_and(|last| last == "password_command" || last == "token_command") =>
        {
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
    1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..byte.min(text.len())]).count()
}
