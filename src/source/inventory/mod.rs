//! Inventories that people already have: Ansible, Nornir, Oxidized, RANCID,
//! beside our own CSV.
//!
//! A format is named, or guessed from the shape of the text. Only what we need
//! is taken; names and passwords in such files never are, and that is said.
//! Not here: Ansible's own INI and YAML, whose rules of precedence only
//! `ansible-inventory` knows.

mod ansible;
mod nornir;
mod pairs;
mod platform_words;
mod router_db;

use std::collections::BTreeMap;

use super::device::{COLUMNS, Settler};
use super::{Place, Problems, SourceError, nearest, read_devices, shown, without_bom};
use crate::model::Device;
pub(super) use platform_words::platform_of;

/// A format of inventories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Our own CSV.
    Csv,
    /// JSON of `ansible-inventory --list`.
    Ansible,
    /// `hosts.yaml`, with `groups.yaml` and `defaults.yaml` beside it.
    Nornir,
    /// `router.db` of Oxidized: `name:ip:model:…`.
    Oxidized,
    /// `router.db` of RANCID: `device;type;state`.
    Rancid,
}

/// What an inventory gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    pub devices: Vec<Device>,
    /// What was left out, and why: one sentence each, safe to print.
    pub notes: Vec<String>,
}

/// The text of a file beside the inventory; `None` if there is no such file.
pub type Beside<'a> = &'a dyn Fn(&str) -> Result<Option<String>, SourceError>;

/// Reads an inventory. `file` is the name to say in an error; `columns` the
/// order of Oxidized's columns, if it is not the usual one.
///
/// All or nothing: one device that will not do, and none is given.
pub fn read_inventory(
    text: &str,
    file: &str,
    form: Option<Form>,
    columns: Option<&str>,
    beside: Beside<'_>,
) -> Result<Inventory, SourceError> {
    let text = without_bom(text);
    let form = match form {
        Some(form) => form,
        None if columns.is_some() => Form::Oxidized,
        None => guess(text, file)?,
    };
    match form {
        Form::Csv => Ok(Inventory { devices: read_devices(text, file)?, notes: Vec::new() }),
        Form::Ansible => ansible::read(text, file),
        Form::Nornir => nornir::read(text, file, beside),
        Form::Oxidized => router_db::read_oxidized(text, file, columns),
        Form::Rancid => router_db::read_rancid(text, file),
    }
}

/// The format that a text has the shape of. What has none of the shapes is
/// taken for CSV, whose reader says what it misses.
fn guess(text: &str, file: &str) -> Result<Form, SourceError> {
    let file_is = |ending: &str| file.to_lowercase().ends_with(ending);
    let Some(first) = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))
    else {
        return Ok(Form::Csv);
    };
    let other = |what: &str| {
        let message = format!(
            "this looks like an Ansible inventory in {what}; run `ansible-inventory -i FILE --list > hosts.json` and import that"
        );
        Err(SourceError::Form { file: shown(file, 200), message })
    };
    if first.starts_with('{') {
        return Ok(Form::Ansible);
    }
    if file_is(".ini") || (first.starts_with('[') && first.ends_with(']')) {
        return other("INI");
    }
    if file_is(".yaml") || file_is(".yml") || first == "---" {
        let is_ansible = |line: &str| matches!(line.trim_end(), "all:" | "ungrouped:");
        return if text.lines().any(is_ansible) { other("YAML") } else { Ok(Form::Nornir) };
    }
    let cells: Vec<&str> = first.split(';').map(str::trim).collect();
    if cells.len() >= 3 && ["up", "down"].contains(&cells[2].to_lowercase().as_str()) {
        return Ok(Form::Rancid);
    }
    let is_header = first.contains(',') || cells.iter().any(|cell| cell.eq_ignore_ascii_case("platform"));
    if !is_header && first.contains(':') {
        return Ok(Form::Oxidized);
    }
    Ok(Form::Csv)
}

/// One device of a foreign inventory: its texts by our column names.
#[derive(Default)]
pub(super) struct Row(BTreeMap<&'static str, String>);

impl Row {
    /// Sets a column of [`COLUMNS`].
    pub(super) fn put(&mut self, column: &'static str, text: impl Into<String>) {
        debug_assert!(COLUMNS.allowed.contains(&column), "no column {column}");
        self.0.insert(column, text.into());
    }

    pub(super) fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }
}

/// Settles `rows`, each with its place.
pub(super) fn settle(rows: &[(Place, Row)], problems: Problems<'_>) -> Result<Vec<Device>, SourceError> {
    let mut problems = problems;
    let mut settler = Settler::default();
    for (place, row) in rows {
        settler.add(*place, |column| row.get(column), &mut problems);
    }
    settler.finish(problems)
}

/// `3 hosts were left out (why): a, b, c`; nothing if there are none.
pub(super) fn left_out(names: &[String], noun: &str, why: &str) -> Option<String> {
    const NAMED: usize = 5;
    if names.is_empty() {
        return None;
    }
    let named: Vec<String> = names.iter().take(NAMED).map(|name| shown(name, 60)).collect();
    let more = names.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let (noun, verb) = if names.len() == 1 { (noun.to_owned(), "was") } else { (format!("{noun}s"), "were") };
    Some(format!("{} {noun} {verb} left out ({why}): {}{rest}", names.len(), named.join(", ")))
}

/// That secrets stand in the file; nothing if there are none.
fn secrets_left(count: usize) -> Option<String> {
    (count > 0).then(|| {
        format!(
            "{count} names or secrets for logging in were not taken from the file; say where they are in [credential.NAME]"
        )
    })
}

/// Platform words that are none of ours.
fn unknown_platforms(devices: &[Device]) -> Option<String> {
    let mut words: Vec<String> = devices
        .iter()
        .map(|device| device.platform.as_str())
        .filter(|platform| crate::platform::by_name(platform).is_none())
        .map(|platform| shown(platform, 40))
        .collect();
    words.sort_unstable();
    words.dedup();
    let known: Vec<&str> = crate::platform::ALL.iter().map(|platform| platform.name).collect();
    (!words.is_empty()).then(|| {
        let meant = words.iter().find_map(|word| nearest(word, known.iter().copied()));
        let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
        format!("no platform of ours is known for {}{meant}; it is kept as written", words.join(", "))
    })
}

/// The line of `text` on which `is_it` first holds; 1 if it never does.
fn line_where(text: &str, is_it: impl Fn(&str) -> bool) -> u64 {
    text.lines().position(is_it).map_or(1, |at| at as u64 + 1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it stands for a reader of files that can fail")]
    fn alone(_: &str) -> Result<Option<String>, SourceError> {
        Ok(None)
    }

    #[test]
    fn formats_are_guessed_by_their_shape() {
        for (text, file, form) in [
            ("name,address,platform\n", "x.csv", Form::Csv),
            ("name;address;platform\n", "x.csv", Form::Csv),
            ("{\"_meta\":{}}", "x", Form::Ansible),
            ("---\nr1:\n  hostname: a\n", "x", Form::Nornir),
            ("# ours\nr1:\n  hostname: a\n", "hosts.yaml", Form::Nornir),
            ("# list\nr1:192.0.2.1:ios\n", "router.db", Form::Oxidized),
            ("r1;cisco-xr;up\n", "router.db", Form::Rancid),
            ("", "x", Form::Csv),
        ] {
            assert_eq!(guess(text, file).unwrap(), form, "{text:?}");
        }
        for (text, file) in [("[leafs]\nleaf-1\n", "hosts"), ("all:\n  hosts:\n", "hosts.yml")] {
            let told = guess(text, file).unwrap_err().to_string();
            assert!(told.contains("ansible-inventory -i FILE --list"), "{told}");
        }
    }

    #[test]
    fn two_names_for_one_address_are_found_in_every_format() {
        for (text, file) in [
            ("a:192.0.2.1:ios\nb:192.0.2.1:ios\n", "router.db"),
            (
                "---\na: {hostname: 192.0.2.1, platform: ios}\nb: {hostname: 192.0.2.1, platform: ios}\n",
                "h.yaml",
            ),
            (
                r#"{"_meta":{"hostvars":{"a":{"ansible_host":"192.0.2.1","ansible_network_os":"ios"},
                "b":{"ansible_host":"192.0.2.1","ansible_network_os":"ios"}}}}"#,
                "h.json",
            ),
        ] {
            let told = read_inventory(text, file, None, None, &alone).unwrap_err().to_string();
            assert!(told.contains("is also the address of \"a\" on line"), "{told}");
        }
    }
}
