//! What goes to standard output: sentences, aligned tables, JSON. The one
//! place that prints, so that no byte of a device ever reaches a terminal as
//! anything but text.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::exit::Failure;

/// Standard output of one command.
pub(crate) struct Output {
    pub(crate) json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// A line for people. Nothing with `--json`.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        if self.json || self.quiet { Ok(()) } else { print(&format!("{}\n", plain(text.as_ref()))) }
    }

    /// Text that is the result itself (CSV, a configuration): printed in any mode.
    pub(crate) fn raw(text: &str) -> Result<(), Failure> {
        print(&plain(text))
    }

    /// One JSON document.
    pub(crate) fn write_json(value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|e| Failure::failed(format!("failed to write JSON: {e}")))?;
        print(&format!("{}\n", plain_json(&text)))
    }

    /// An aligned table for people: a heading row and cells. Columns whose
    /// heading is in `right` are aligned to the right.
    pub(crate) fn table(
        &self,
        headings: &[&str],
        right: &[&str],
        rows: &[Vec<String>],
    ) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(headings.iter().map(|h| h.to_uppercase()));
        for row in rows {
            table.add_row(row.iter().map(|cell| one_line(cell)));
        }
        for (index, heading) in headings.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column.set_padding((0, 2));
                if right.contains(heading) {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        let mut text = String::new();
        for line in table.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        print(&text)
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that went away (`| head`) is no failure of ours.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|e| Failure::failed(format!("failed to write to standard output: {e}"))),
    }
}

/// A message on standard error.
pub(crate) fn say(text: &str) {
    let mut err = io::stderr().lock();
    // Nowhere to report a broken standard error.
    let _ = writeln!(err, "{}", plain(text));
}

/// Whether a person is likely to look at standard error right now.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Text without anything that could drive a terminal: control characters
/// (but for line end and tab), C1 controls and bidi controls are spelt out.
pub(crate) fn plain(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || c == '\t' || !is_active(c) {
            clean.push(c);
        } else {
            use std::fmt::Write as _;
            let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
        }
    }
    clean
}

/// The same on one line, for a table's cell.
fn one_line(text: &str) -> String {
    plain(text).replace('\n', "\\n").replace('\t', " ")
}

/// JSON text in which such characters are escaped; they only occur inside strings.
fn plain_json(text: &str) -> String {
    // Most documents have nothing to escape, and some are large.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_active(c) {
            use std::fmt::Write as _;
            let _ = write!(clean, "\\u{:04x}", u32::from(c));
        } else {
            clean.push(c);
        }
    }
    clean
}

fn is_active(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_survives() {
        let hostile: String = (0..0x2100).filter_map(char::from_u32).collect();
        for clean in [plain(&hostile), one_line(&hostile), plain_json(&hostile)] {
            assert!(clean.chars().all(|c| c == '\n' || c == '\t' || !is_active(c)));
        }
    }

    #[test]
    fn escaped_json_says_the_same() {
        let value = serde_json::json!({ "name": "a\u{9b}2J\u{202e}b\u{1b}[0m" });
        let text = plain_json(&value.to_string());
        let again: serde_json::Value = serde_json::from_str(&text).expect("still JSON");
        assert_eq!(again, value);
    }
}
