//! `show rollback`: the device's own commit log, a table
//! `| Id | Time | User | Via | Log |`. Id 0 is the running configuration; 50
//! are kept. A long remark goes on in rows without an id.

use crate::model::snapshot::CommitMark;
use crate::platform::reading::{Class, Tally, lines};

/// The log's columns that we read, by position.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    count: usize,
    time: Option<usize>,
    user: Option<usize>,
    via: Option<usize>,
}

/// Whether `line` is the header of the commit log.
pub(super) fn is_header(line: &str) -> bool {
    header(line).is_some()
}

fn header(line: &str) -> Option<Columns> {
    let mut columns = Columns::default();
    for (at, cell) in cells(line)?.enumerate() {
        columns.count = at + 1;
        let cell = cell.to_ascii_lowercase();
        match cell.as_str() {
            "id" if at == 0 => {}
            _ if at == 0 => return None,
            _ if cell.contains("time") || cell.contains("date") => columns.time = columns.time.or(Some(at)),
            "user" | "username" | "user name" => columns.user = Some(at),
            "via" | "interface" | "source" | "origin" => columns.via = Some(at),
            _ => {}
        }
    }
    (columns.time.is_some() && columns.user.is_some()).then_some(columns)
}

fn cells(line: &str) -> Option<impl Iterator<Item = &str>> {
    let line = line.trim_ascii().strip_prefix('|')?;
    Some(line.strip_suffix('|').unwrap_or(line).split('|').map(str::trim_ascii))
}

/// The entries of the log, newest first, and counts its lines. They are a
/// signal and no fact: every line of it is outside our facts.
pub(super) fn read(text: &str, tally: &mut Tally) -> Vec<CommitMark> {
    let mut columns = None;
    let mut entries: Vec<(u32, CommitMark)> = Vec::new();
    for line in lines(text) {
        tally.any(Class::Ignored, line);
        if let Some(found) = header(line) {
            columns = Some(found);
        } else if let Some(columns) = columns
            && let Some(entry) = entry(line, columns)
        {
            entries.push(entry);
        }
    }
    entries.sort_by_key(|(id, _)| *id);
    entries.into_iter().map(|(_, mark)| mark).collect()
}

fn entry(line: &str, columns: Columns) -> Option<(u32, CommitMark)> {
    // A remark may hold a `|`; it is the last column.
    let mut mark = CommitMark { at: String::new(), user: String::new(), via: String::new() };
    let mut id = None;
    let mut count = 0;
    for (at, cell) in cells(line)?.enumerate() {
        count = at + 1;
        if at == 0 {
            id = Some(cell.parse().ok()?);
        } else if Some(at) == columns.time {
            cell.clone_into(&mut mark.at);
        } else if Some(at) == columns.user {
            cell.clone_into(&mut mark.user);
        } else if Some(at) == columns.via {
            cell.clone_into(&mut mark.via);
        }
    }
    (count >= columns.count && !mark.at.is_empty()).then_some((id?, mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log() {
        let text = "| Id | Time                 | User   | Via     | Log       |\n\
            |----|----------------------+--------+---------+-----------|\n\
            |  0 | 27-Jun-2026 22:05:01 | amy    | cli     | one | two |\n\
            |    |                      |        |         | three     |\n\
            |  1 | 26-Jun-2026 22:06:01 | deploy | netconf |           |\n\
            |  2 | 26-Jun-2026 22\n";
        let mut tally = Tally::default();
        let marks = read(text, &mut tally);
        assert_eq!(marks.len(), 2);
        assert_eq!(
            (marks[0].at.as_str(), marks[0].user.as_str(), marks[0].via.as_str()),
            ("27-Jun-2026 22:05:01", "amy", "cli")
        );
        assert_eq!(marks[1].via, "netconf");
        assert_eq!(tally.counts.ignored, 6);
    }
}
