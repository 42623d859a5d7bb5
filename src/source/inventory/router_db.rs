//! The two files that are called `router.db`: Oxidized's, with columns between
//! `:` in an order that its configuration says, and RANCID's, with
//! `device;type;state` and a comment.

use super::{Inventory, Row, left_out, platform_of, secrets_left, settle, unknown_platforms};
use crate::source::{Place, Problems, SourceError, nearest, shown};

/// What a column of Oxidized is to us.
#[derive(Clone, Copy, PartialEq)]
enum Column {
    Ours(&'static str),
    Secret,
    Skipped,
}

/// The words of `--columns`.
const WORDS: &[(&str, Column)] = &[
    ("name", Column::Ours("name")),
    ("ip", Column::Ours("address")),
    ("address", Column::Ours("address")),
    ("model", Column::Ours("platform")),
    ("platform", Column::Ours("platform")),
    ("port", Column::Ours("port")),
    ("ssh_port", Column::Ours("port")),
    ("group", Column::Ours("tags")),
    ("tags", Column::Ours("tags")),
    ("site", Column::Ours("site")),
    ("role", Column::Ours("role")),
    ("username", Column::Secret),
    ("user", Column::Secret),
    ("password", Column::Secret),
    ("pass", Column::Secret),
    ("enable", Column::Secret),
    ("-", Column::Skipped),
];

/// The order of Oxidized's own example with two columns, and with more.
const SHORT: &str = "name:model";
const LONG: &str = "name:ip:model:username:password:enable";

pub(super) fn read_oxidized(text: &str, file: &str, columns: Option<&str>) -> Result<Inventory, SourceError> {
    let wrong = |message: String| SourceError::Form { file: shown(file, 200), message };
    let mut rows = Vec::new();
    let mut secrets = 0;
    for (line, content) in significant(text) {
        let cells = cells(content);
        if cells.len() < 2 {
            return Err(wrong(format!(
                "line {line}: it has no ':'; a line is name:ip:model, or as --columns says"
            )));
        }
        let order =
            parse_columns(columns.unwrap_or(if cells.len() == 2 { SHORT } else { LONG })).map_err(&wrong)?;
        if columns.is_some() && cells.len() < order.iter().filter(|c| matches!(c, Column::Ours(_))).count() {
            return Err(wrong(format!(
                "line {line}: it has {} columns where --columns names {}",
                cells.len(),
                order.len()
            )));
        }
        let mut row = Row::default();
        for (cell, column) in cells.iter().zip(&order) {
            match column {
                Column::Ours("platform") => row.put("platform", model(cell)),
                Column::Ours(column) => row.put(column, cell.trim()),
                Column::Secret => secrets += usize::from(!cell.trim().is_empty()),
                Column::Skipped => {}
            }
        }
        if row.get("address").is_empty() && !order.contains(&Column::Ours("address")) {
            let name = row.get("name").to_owned();
            row.put("address", name);
        }
        rows.push((Place::Line(line), row));
    }
    let devices = settle(&rows, Problems::new(file))?;
    let notes = [secrets_left(secrets), unknown_platforms(&devices)];
    Ok(Inventory { devices, notes: notes.into_iter().flatten().collect() })
}

/// Oxidized calls Dell's system `dnos`, which is not `DriveNets`'.
fn model(word: &str) -> String {
    if word.trim().eq_ignore_ascii_case("dnos") { "dell_dnos".to_owned() } else { platform_of(word) }
}

fn parse_columns(columns: &str) -> Result<Vec<Column>, String> {
    let mut order = Vec::new();
    for word in columns.split(':').map(str::trim) {
        let Some((_, column)) = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) else {
            let names = WORDS.iter().map(|(name, _)| *name);
            let meant = nearest(word, names.clone())
                .map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
            let known: Vec<&str> = names.collect();
            let word = shown(word, 40);
            return Err(format!(
                "--columns: no column is called {word:?}{meant}; there are {}",
                known.join(", ")
            ));
        };
        if matches!(column, Column::Ours(_)) && order.contains(column) {
            return Err(format!("--columns: {word} is there twice"));
        }
        order.push(*column);
    }
    for needed in ["name", "platform"] {
        if !order.contains(&Column::Ours(needed)) {
            let needed = if needed == "platform" { "model" } else { needed };
            return Err(format!("--columns: {needed} is missing"));
        }
    }
    Ok(order)
}

/// Cells between `:`, of which an IPv6 address in brackets is one.
fn cells(line: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in line.char_indices() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            ':' if !inside => {
                cells.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    cells.push(&line[start..]);
    cells
}

pub(super) fn read_rancid(text: &str, file: &str) -> Result<Inventory, SourceError> {
    let wrong = |line: u64, what: &str| SourceError::Form {
        file: shown(file, 200),
        message: format!("line {line}: {what}"),
    };
    let mut rows = Vec::new();
    let mut down = Vec::new();
    for (line, content) in significant(text) {
        let cells: Vec<&str> = content.split(';').map(str::trim).collect();
        let &[name, kind, state, ..] = &cells[..] else {
            return Err(wrong(
                line,
                if content.contains(':') && !content.contains(';') {
                    "it is separated by ':'; since RANCID 3 the separator is ';', or read it with --format oxidized"
                } else {
                    "it is not device;type;state"
                },
            ));
        };
        if !state.eq_ignore_ascii_case("up") {
            // RANCID reads what is up, and takes every other word for down.
            down.push(name.to_owned());
            continue;
        }
        let mut row = Row::default();
        row.put("name", name);
        row.put("address", name);
        row.put("platform", platform_of(kind));
        rows.push((Place::Line(line), row));
    }
    let devices = settle(&rows, Problems::new(file))?;
    let notes = [left_out(&down, "device", "their state is not up"), unknown_platforms(&devices)];
    Ok(Inventory { devices, notes: notes.into_iter().flatten().collect() })
}

/// Lines that are neither empty nor comments, with their numbers.
fn significant(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn oxidized_is_read_in_the_usual_orders_and_in_any_other() {
        let text = "# core\nr1:192.0.2.1:iosxr:ops:s3cr3t-word:\n\nr2:[2001:db8::2]:eos\n";
        let inventory = read_oxidized(text, "router.db", None).unwrap();
        let [one, two] = &inventory.devices[..] else { panic!("{inventory:?}") };
        assert_eq!(
            (one.name.as_str(), one.address.as_str(), one.platform.as_str()),
            ("r1", "192.0.2.1", "cisco_iosxr")
        );
        assert_eq!((two.address.as_str(), two.platform.as_str()), ("2001:db8::2", "arista_eos"));
        assert!(inventory.notes[0].starts_with("2 names or secrets"), "{:?}", inventory.notes);
        assert!(!format!("{inventory:?}").contains("s3cr3t"));

        let short = read_oxidized("r1.example.net:junos\n", "router.db", None).unwrap();
        assert_eq!(short.devices[0].address, "r1.example.net");
        let other = read_oxidized("junos:r1:pw:192.0.2.9\n", "f", Some("model:name:pass:ip")).unwrap();
        assert_eq!((other.devices[0].name.as_str(), other.devices[0].address.as_str()), ("r1", "192.0.2.9"));
        let dell = read_oxidized("s1:192.0.2.1:dnos\n", "f", None).unwrap();
        assert_eq!(dell.devices[0].platform, "dell_dnos");
    }

    #[test]
    fn rancid_is_read_and_what_is_down_is_left_out() {
        let inventory =
            read_rancid("r1;cisco-xr;up\nr2;juniper;down;until May\nr3;foo;up\n", "router.db").unwrap();
        assert_eq!(inventory.devices.len(), 2);
        let notes = inventory.notes.join("\n");
        assert!(notes.contains("1 device was left out") && notes.contains(": r2"), "{notes}");
        assert!(notes.contains("no platform of ours is known for foo"), "{notes}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |result: Result<Inventory, SourceError>| result.unwrap_err().to_string();
        assert!(told(read_rancid("r1:cisco:up\n", "router.db")).contains("line 1: it is separated by ':'"));
        assert!(told(read_rancid("r1;cisco\n", "router.db")).contains("line 1: it is not device;type;state"));
        assert!(
            told(read_oxidized("a:192.0.2.1:ios\nb\n", "router.db", None)).contains("line 2: it has no ':'")
        );
        assert!(
            told(read_oxidized("a:192.0.2.300:ios\n", "router.db", None))
                .contains("router.db:1: column address")
        );
        let twice = told(read_oxidized("a:192.0.2.1:ios\n\na:192.0.2.2:ios\n", "router.db", None));
        assert!(twice.contains("router.db:3: column name: \"a\" is already on line 1"), "{twice}");
        assert!(told(read_oxidized("a:b\n", "f", Some("name:modell"))).contains("did you mean model?"));
        assert!(told(read_oxidized("a:b\n", "f", Some("name:ip"))).contains("model is missing"));
    }
}
