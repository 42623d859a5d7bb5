//! `show vlan`: VLANs with their names and the ports that carry them. Ports go
//! on in lines below; other tables follow on NX-OS.

use std::borrow::Cow;

use crate::platform::lines::{field, is_pager};
use crate::platform::reading::{Class, Tally, lines};

use super::{Family, Form, long_name};

/// One row.
#[derive(Debug)]
pub(in crate::platform) struct VlanRow<'t> {
    pub(in crate::platform) id: u16,
    pub(in crate::platform) name: &'t str,
    pub(in crate::platform) ports: Vec<Cow<'t, str>>,
    /// Made by the system for its own use (EOS marks it `*`).
    pub(in crate::platform) dynamic: bool,
}

#[derive(Clone, Copy)]
struct Columns {
    name: usize,
    status: usize,
    ports: usize,
}

/// Whether `line` is the header of the table.
pub(in crate::platform) fn is_header(line: &str) -> bool {
    columns(line).is_some()
}

fn columns(line: &str) -> Option<Columns> {
    let mut words = line.split_ascii_whitespace();
    let fits = ["VLAN", "Name", "Status", "Ports"].iter().all(|title| words.next() == Some(title));
    let at = |title: &str| line.find(title);
    (fits && words.next().is_none())
        .then(|| Some(Columns { name: at("Name")?, status: at("Status")?, ports: at("Ports")? }))
        .flatten()
}

fn is_status(word: &str) -> bool {
    matches!(word.split_once('/').map_or(word, |(first, _)| first), "active" | "act" | "sus")
        || word.starts_with("suspend")
        || word == "inactive"
}

/// Reads the table in `text` and counts its lines.
pub(super) fn read<'t>(
    text: &'t str,
    families: &[Family],
    rows: &mut Vec<VlanRow<'t>>,
    tally: &mut Tally,
) -> Form {
    let mut form = Form::default();
    let mut header: Option<Columns> = None;
    for line in lines(text) {
        let words = line.trim_ascii();
        let class = if words.is_empty() {
            tally.blank();
            continue;
        } else if let Some(found) = columns(line) {
            header = Some(found);
            form.header = true;
            Class::Ignored
        } else if is_pager(words) {
            form.pager = true;
            Class::Unread
        } else if is_ruler(words) || words.starts_with("* indicates") {
            Class::Ignored
        } else if is_title(words) {
            // Types, remote spanning and private VLANs are no facts of ours.
            header = None;
            Class::Ignored
        } else if let Some(columns) = header {
            if line.starts_with(|c: char| c.is_ascii_digit()) {
                if let Some(row) = row(line, columns, families) {
                    rows.push(row);
                    Class::Read
                } else {
                    form.torn = true;
                    Class::Unread
                }
            } else if let Some(last) = rows.last_mut().filter(|_| line.starts_with(' ') && form.header) {
                last.ports.extend(ports(words, families));
                Class::Read
            } else {
                form.torn = true;
                Class::Unread
            }
        } else if form.header {
            Class::Ignored
        } else {
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

fn is_title(words: &str) -> bool {
    words == "Remote SPAN VLANs"
        || words.starts_with("VLAN Type")
        || words.starts_with("Primary  Secondary")
        || words.starts_with("Primary Secondary")
}

fn is_ruler(words: &str) -> bool {
    words.bytes().all(|b| b == b'-' || b == b' ')
}

fn row<'t>(line: &'t str, columns: Columns, families: &[Family]) -> Option<VlanRow<'t>> {
    let number = line.split_ascii_whitespace().next()?;
    let id = number.trim_end_matches('*');
    let dynamic = id.len() < number.len();
    let id = id.parse().ok().filter(|id| (1..=4_094).contains(id))?;
    let (mut name, mut rest) =
        (field(line, columns.name, Some(columns.status)), field(line, columns.status, None));
    let mut status = rest.split_ascii_whitespace().next().unwrap_or("");
    if !is_status(status) || number.len() > columns.name {
        // A long name moves what stands behind it.
        let behind = line[number.len()..].trim_ascii_start();
        status = behind.split_ascii_whitespace().skip(1).find(|word| is_status(word))?;
        let at = status.as_ptr() as usize - behind.as_ptr() as usize;
        name = behind[..at].trim_ascii();
        rest = &behind[at..];
    } else if field(line, columns.ports, None).len() > rest.len() {
        return None;
    }
    let names = rest[status.len()..].trim_ascii();
    Some(VlanRow { id, name, ports: ports(names, families), dynamic })
}

fn ports<'t>(text: &'t str, families: &[Family]) -> Vec<Cow<'t, str>> {
    text.split(',').map(str::trim_ascii).filter_map(|name| long_name(name, families)).collect()
}
