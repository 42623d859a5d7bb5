//! CSV as people and spreadsheets write it: a header that names the columns,
//! then rows. Byte order marks and CRLF are fine; a row with too few cells, an
//! unknown column or an open quotation mark is not.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@` and the like.
//! `Sheet` puts a `'` before such a cell, and `Row::cell` takes exactly
//! that `'` away again: writing and reading is the identity.

use super::{Fault, Place, Problems, without_bom};

/// Which columns a kind of file has.
pub(super) struct Columns {
    /// All of them, in the order in which they are written.
    pub(super) allowed: &'static [&'static str],
    /// Those that must be there.
    pub(super) required: &'static [&'static str],
}

/// One row; cells by column name.
pub(super) struct Row {
    pub(super) place: Place,
    /// One cell for each allowed column, in that order; empty if it is absent.
    cells: Vec<String>,
    columns: &'static [&'static str],
}

impl Row {
    /// The cell as it was meant, untrimmed. Panics in a test run if no column has that name.
    pub(super) fn cell(&self, column: &str) -> &str {
        let index = self.columns.iter().position(|c| *c == column);
        debug_assert!(index.is_some(), "no column {column}");
        index.map_or("", |index| &self.cells[index])
    }
}

/// Calls `each` for every row that has as many cells as the header. All that
/// is wrong with the table itself goes into `problems`.
pub(super) fn read(
    text: &str,
    columns: &Columns,
    problems: &mut Problems<'_>,
    mut each: impl FnMut(Row, &mut Problems<'_>),
) {
    let text = without_bom(text);
    if let Some(line) = open_quote(text) {
        problems.add(Place::Line(line), None, Fault::OpenQuote);
        return;
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut rows = reader.records();
    // The text is UTF-8 and in memory, so the reader has no error to give.
    let header = rows.next().and_then(Result::ok).unwrap_or_default();
    let mut lines = Lines { text, byte: 0, line: 1 };
    let Some(places) = placed(&header, lines.of(&header), columns, problems) else {
        return;
    };
    for row in rows.filter_map(Result::ok) {
        let place = Place::Line(lines.of(&row));
        if row.iter().all(|cell| cell.trim().is_empty()) {
            // A spreadsheet's empty lines: `,,,,`.
            continue;
        }
        if row.len() != header.len() {
            problems.add(place, None, Fault::CellCount { cells: row.len(), columns: header.len() });
            continue;
        }
        let cells = places
            .iter()
            .map(|at| {
                at.and_then(|at| row.get(at)).map_or_else(String::new, |cell| disarmed(cell).to_owned())
            })
            .collect();
        each(Row { place, cells, columns: columns.allowed }, problems);
    }
}

/// Counts lines as an editor does. The reader's own numbers are those of the
/// end of the row before, which is another line after CRLF or an empty line.
struct Lines<'a> {
    text: &'a str,
    byte: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which `row` begins. Rows must come in order.
    fn of(&mut self, row: &csv::StringRecord) -> u64 {
        let bytes = self.text.as_bytes();
        let mut end = row.position().map_or(0, |p| p.byte() as usize).clamp(self.byte, bytes.len());
        while matches!(bytes.get(end), Some(b'\r' | b'\n')) {
            end += 1;
        }
        self.line += memchr::memchr_iter(b'\n', &bytes[self.byte..end]).count() as u64;
        self.byte = end;
        self.line
    }
}

/// For each allowed column, where it is in the header. `None` if the header will not do.
fn placed(
    header: &csv::StringRecord,
    line: u64,
    columns: &Columns,
    problems: &mut Problems<'_>,
) -> Option<Vec<Option<usize>>> {
    let line = Place::Line(line);
    if let Some(found) = header
        .get(0)
        .filter(|_| header.len() == 1)
        .and_then(|only| only.chars().find(|c| ";\t|".contains(*c)))
    {
        problems.add(line, None, Fault::Separator { found });
        return None;
    }
    let mut places = vec![None; columns.allowed.len()];
    let mut good = true;
    for (at, cell) in header.iter().enumerate() {
        let name = cell.trim().to_lowercase();
        let fault = match columns.allowed.iter().position(|c| *c == name) {
            Some(column) if places[column].is_none() => {
                places[column] = Some(at);
                continue;
            }
            Some(column) => Fault::ColumnTwice { column: columns.allowed[column] },
            None => Fault::UnknownColumn { column: cell.trim().to_owned(), allowed: columns.allowed },
        };
        problems.add(line, None, fault);
        good = false;
    }
    for required in columns.required {
        if !columns.allowed.iter().zip(&places).any(|(c, at)| c == required && at.is_some()) {
            problems.add(line, None, Fault::ColumnMissing { column: required, required: columns.required });
            good = false;
        }
    }
    good.then_some(places)
}

/// The line on which a quotation mark is opened that is never closed. Without
/// this check the CSV reader would take the rest of the file for one cell.
fn open_quote(text: &str) -> Option<u64> {
    let mut line = 1;
    let mut opened = None;
    let mut at_start = true;
    for byte in text.bytes() {
        match (opened, byte) {
            (None, b'"') if at_start => opened = Some(line),
            // A doubled mark closes here and opens again at once.
            (Some(_), b'"') => opened = None,
            _ => {}
        }
        at_start = opened.is_none() && matches!(byte, b'"' | b',' | b'\n' | b'\r');
        if byte == b'\n' {
            line += 1;
        }
    }
    opened
}

/// Whether a spreadsheet would run a cell that begins so. The list is OWASP's,
/// with the full-width forms.
fn is_armed(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// One `'` before a cell that a spreadsheet would run, or that already has `'`
/// before such a beginning.
fn armoured(cell: &str) -> std::borrow::Cow<'_, str> {
    if is_armed(cell.trim_start_matches('\'')) { format!("'{cell}").into() } else { cell.into() }
}

/// Takes away what [`armoured`] put there.
fn disarmed(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_armed(rest.trim_start_matches('\'')) => rest,
        _ => cell,
    }
}

/// A table that is being written: header first, `\n` line ends, cells safe to
/// open in a spreadsheet.
pub(super) struct Sheet {
    writer: csv::Writer<Vec<u8>>,
}

impl Sheet {
    pub(super) fn new(columns: &Columns) -> Self {
        let mut sheet = Self { writer: csv::Writer::from_writer(Vec::new()) };
        sheet.put(columns.allowed.iter().copied());
        sheet
    }

    /// Adds a row. It has one cell for each column.
    pub(super) fn put<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let cells: Vec<_> = cells.into_iter().map(armoured).collect();
        let written = self.writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
        debug_assert!(written.is_ok(), "rows are equally long and go to memory");
    }

    pub(super) fn finish(self) -> String {
        // Memory has no write error, and the cells were text.
        self.writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_cells_are_armoured_and_come_back() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("-x", "'-x"),
            ("\tx", "'\tx"),
            ("'=1", "''=1"),
            ("'hello", "'hello"),
            ("ge100-0/0/1", "ge100-0/0/1"),
            ("＝1", "'＝1"),
            ("", ""),
        ] {
            assert_eq!(armoured(cell), written);
            assert_eq!(disarmed(written), cell);
        }
        // A formula that somebody else wrote stays what it is.
        assert_eq!(disarmed("=1+1"), "=1+1");
    }

    #[test]
    fn an_open_quotation_mark_is_found_where_it_opens() {
        assert_eq!(open_quote("a,b\n\"x,y\nz,z\n"), Some(2));
        assert_eq!(open_quote("a,\"b\nc\"\n\"d\"\n"), None);
        assert_eq!(open_quote("a,\"he said \"\"no\"\"\"\n"), None);
        assert_eq!(open_quote("5\" pipe,b\n"), None, "in mid-cell it is a character");
    }
}
