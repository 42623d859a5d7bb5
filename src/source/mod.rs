//! Where inventories and records come from, and go to: one file a kind, and
//! [`remote`] for systems that are asked over HTTP.
//!
//! A reader takes the whole text and gives everything or nothing: one bad line
//! and nothing is imported. What is wrong is collected, so that a person mends
//! a file once and not twenty times. Not here: merging with what is stored
//! already, and the guards against mass changes.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

/// CSV: header, rows, quotation marks, formula cells.
mod table;

/// Everything that can be wrong in a line, and how it is said.
mod fault;
mod nearest;

/// One device: its words settled, names and addresses that clash.
mod device;
pub mod devices_csv;
pub mod inventory;

#[cfg(test)]
mod arbitrary;

/// NetBox and Nautobot, over HTTP.
pub mod remote;

/// The history that Oxidized or RANCID keep in git.
pub mod git;

/// One record: its words settled, its columns checked.
mod record;

pub mod records_csv;
pub mod records_json;
pub mod trace_csv;

pub use devices_csv::{read_devices, write_devices};
pub use fault::Fault;
pub use inventory::{Form, Inventory, read_inventory};
pub use nearest::nearest;
pub use records_csv::{read_records_csv, write_records_csv};
pub use records_json::{read_records_json, write_records_json};
pub use remote::{Pulled, Pushed, Remote, RemoteError, RemoteKind, RemoteTable};
pub use trace_csv::{Lifetime, TraceRow, read_lifetimes, read_trace};

/// How many problems of one file are listed. The rest is counted.
pub const PROBLEMS_SHOWN: usize = 20;

/// The largest file that is read. An inventory line has about 100 bytes, a
/// record about 150.
const MAX_BYTES: u64 = 1 << 30;

/// Why a file gives no inventory and no records. Nothing of it was taken.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not there, or may not be read.
    #[error("failed to read {file}: {error}")]
    Open { file: String, error: std::io::Error },
    /// It is no file a person wrote.
    #[error("failed to read {file}: it is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge { file: String },
    /// Another encoding, or no text at all.
    #[error("failed to read {file}:{line}: {what}; save it as UTF-8")]
    Encoding { file: String, line: u64, what: &'static str },
    /// An inventory without a device. It is never an order to retire all.
    #[error(
        "failed to find a device in {file}: it has a header and no rows; an empty inventory is taken for a mistake"
    )]
    Empty { file: String },
    /// No JSON, or JSON of another shape.
    #[error("failed to understand {file}: {message}")]
    Json { file: String, message: String },
    /// Another format than it was read as, or one with a hole in it.
    #[error("failed to understand {file}: {message}")]
    Form { file: String, message: String },
    /// A system that was asked and did not give what was wanted.
    #[error(transparent)]
    Remote(#[from] remote::RemoteError),
    /// Lines to mend.
    #[error("{0}")]
    Rejected(Rejected),
}

/// Where in a file: a line of a CSV file, an entry of a JSON array. Both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    Line(u64),
    Entry(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Entry(n) => write!(f, "record {n}"),
        }
    }
}

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// The column it is in; `None` when it is about the whole line.
    pub column: Option<&'static str>,
    pub fault: Fault,
}

/// All that is wrong with one file, as far as [`PROBLEMS_SHOWN`] goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub file: String,
    pub problems: Vec<Problem>,
    /// Problems beyond those listed.
    pub more: usize,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.problems.len() + self.more;
        let noun = if all == 1 { "problem" } else { "problems" };
        write!(f, "failed to accept {}: {all} {noun}, nothing was imported", self.file)?;
        for Problem { place, column, fault } in &self.problems {
            match place {
                Place::Line(line) => write!(f, "\n  {}:{line}: ", self.file)?,
                Place::Entry(_) => write!(f, "\n  {}: {place}: ", self.file)?,
            }
            if let Some(column) = column {
                write!(f, "column {column}: ")?;
            }
            write!(f, "{fault}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

/// Collects problems while a file is read to its end.
struct Problems<'a> {
    file: &'a str,
    list: Vec<Problem>,
    more: usize,
}

impl<'a> Problems<'a> {
    fn new(file: &'a str) -> Self {
        Self { file, list: Vec::new(), more: 0 }
    }

    fn add(&mut self, place: Place, column: Option<&'static str>, fault: Fault) {
        if self.list.len() < PROBLEMS_SHOWN {
            self.list.push(Problem { place, column, fault });
        } else {
            self.more += 1;
        }
    }

    /// `value` if nothing was wrong.
    fn or<T>(self, value: T) -> Result<T, SourceError> {
        if self.list.is_empty() {
            return Ok(value);
        }
        Err(SourceError::Rejected(Rejected {
            file: shown(self.file, 200),
            problems: self.list,
            more: self.more,
        }))
    }
}

/// Reads a file that a person or a tool wrote: UTF-8, with or without a byte
/// order mark.
pub fn read_file(path: &Path) -> Result<String, SourceError> {
    let file = path.to_string_lossy();
    let open = |error| SourceError::Open { file: shown(&file, 200), error };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).map_err(open)?;
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(open)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SourceError::TooLarge { file: shown(&file, 200) });
    }
    decode(bytes, &file)
}

/// Bytes of a file, or of standard input, as text without a byte order mark.
/// `file` is the name to say in an error.
pub fn decode(mut bytes: Vec<u8>, file: &str) -> Result<String, SourceError> {
    let refuse = |line, what| SourceError::Encoding { file: shown(file, 200), line, what };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refuse(1, "this is UTF-16"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(refuse(1, "this is a spreadsheet or an archive, export it as CSV"));
    }
    if bytes.starts_with(BOM.as_bytes()) {
        bytes.drain(..BOM.len());
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        refuse(1 + memchr::memchr_iter(b'\n', good).count() as u64, "these bytes are no UTF-8")
    })
}

const BOM: &str = "\u{feff}";

/// The text without a byte order mark, for callers that were given text.
fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Foreign text in a message: control and invisible characters escaped, cut
/// after `max` characters, so that it can neither drive a terminal nor fill it.
pub fn shown(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == max {
            out.push('…');
            break;
        }
        if is_unseen(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, and those that move or hide their neighbours.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_text_or_a_reason_with_a_line() {
        assert_eq!(decode(b"\xef\xbb\xbfname\r\n".to_vec(), "f").unwrap(), "name\r\n");
        let refused = |bytes: &[u8]| decode(bytes.to_vec(), "f").unwrap_err().to_string();
        assert!(refused(b"a\nb\nM\xfcnchen").starts_with("failed to read f:3: "));
        assert!(refused(b"\xff\xfen\0a\0").contains("UTF-16"));
        assert!(refused(b"PK\x03\x04....").contains("export it as CSV"));
    }

    #[test]
    fn a_missing_file_says_its_name() {
        let error = read_file(Path::new("no/such/devices.csv")).unwrap_err().to_string();
        assert!(error.starts_with("failed to read no/such/devices.csv: "), "{error}");
    }

    #[test]
    fn foreign_text_cannot_drive_a_terminal() {
        assert_eq!(shown("a\u{1b}[31m\u{202e}b", 60), "a\\u{1b}[31m\\u{202e}b");
        assert_eq!(shown("abcdef", 3), "abc…");
    }
}
