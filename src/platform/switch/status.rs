//! `show interface status`: a row a port. The name that people gave it may hold
//! anything and is cut at the width of its column, so the columns are found
//! from the status word.

use crate::model::{AdminState, OperState};
use crate::platform::lines::{access, is_pager};
use crate::platform::reading::{Class, Tally, lines};

use super::join::Seen;
use super::{Family, Form, long_name};

/// Whether `line` is the header of the table.
pub(in crate::platform) fn is_header(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    ["Port", "Name", "Status", "Vlan", "Duplex", "Speed", "Type"]
        .iter()
        .all(|word| words.next() == Some(word))
}

/// Reads the rows in `text` and counts its lines.
pub(super) fn read<'t>(
    text: &'t str,
    families: &[Family],
    seen: &mut Vec<Seen<'t>>,
    tally: &mut Tally,
) -> Form {
    let mut form = Form::default();
    let mut columns = (0, 0);
    for line in lines(text) {
        let words = line.trim_ascii();
        let class = if words.is_empty() {
            tally.blank();
            continue;
        } else if is_header(line) {
            form.header = true;
            columns = (line.find("Name").unwrap_or(0), line.find("Status").unwrap_or(0));
            Class::Ignored
        } else if words.bytes().all(|b| b == b'-') {
            Class::Ignored
        } else if is_pager(words) {
            form.pager = true;
            Class::Unread
        } else if !form.header {
            Class::Unread
        } else if let Some(row) = row(line, columns, families) {
            seen.push(row);
            Class::Read
        } else {
            form.torn = true;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

fn row<'t>(line: &'t str, columns: (usize, usize), families: &[Family]) -> Option<Seen<'t>> {
    let printed = line.split_ascii_whitespace().next()?;
    let name = long_name(printed, families)?;
    let offset = |word: &str| word.as_ptr() as usize - line.as_ptr() as usize;
    // The status word nearest to its column; a name may hold such a word too.
    let (status, after) = line
        .split_ascii_whitespace()
        .skip(1)
        .filter(|word| is_status(word))
        .map(|word| (word, &line[offset(word) + word.len()..]))
        .min_by_key(|(word, _)| offset(word).abs_diff(columns.1))?;
    let mut after = after.split_ascii_whitespace();
    let vlan = after.next().unwrap_or("");
    let given = line[printed.len()..offset(status)].trim();
    // As long as its column, or nearly so, it may have been cut.
    let is_whole =
        !given.is_empty() && given != "--" && given.len() + 2 < columns.1.saturating_sub(columns.0);
    let bundle = (vlan == "in").then(|| after.next().and_then(|name| long_name(name, families))).flatten();
    Some(Seen {
        printed: (name != printed).then_some(printed),
        name,
        oper: Some(if status == "connected" || status == "up" { OperState::Up } else { OperState::Down }),
        admin: status.starts_with("disabled").then_some(AdminState::Down),
        description: is_whole.then(|| given.to_owned()),
        switched: match vlan {
            "routed" => Some(false),
            "trunk" | "f-path" => Some(true),
            id if access(id).is_some() => Some(true),
            _ => None,
        },
        tags: access(vlan),
        bundle: bundle.map(std::borrow::Cow::into_owned),
        ..Seen::default()
    })
}

fn is_status(word: &str) -> bool {
    const KNOWN: &[&str] = &[
        "connected",
        "notconnec",
        "disabled",
        "inactive",
        "errdisabled",
        "err-disab",
        "errDisabl",
        "sfpAbsent",
        "xcvrAbsen",
        "channelDo",
        "noOperMem",
        "linkFlapE",
        "suspnd",
        "suspended",
        "faulty",
        "down",
        "up",
        "adminCfgC",
        "monitorin",
        "vlanInact",
        "hwFailure",
        "sfpInvali",
        "noVlan",
        "incomplet",
        "bpdu-guard",
        "parked",
        "upDelay",
    ];
    KNOWN.iter().any(|known| match *known {
        "down" | "up" => word == *known,
        _ => word.starts_with(known),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_whose_names_say_anything() {
        let families = [
            Family { long: "Ethernet", short: &["Et"], hardware: true, switched: true },
            Family { long: "Port-Channel", short: &["Po"], hardware: false, switched: true },
        ];
        let text = "Port       Name             Status       Vlan        Duplex  Speed Type\n\
            Et1        connected to lab connected    trunk       a-full  a-40G 40GBASE-CR4\n\
            Et2                         notconnect   10          auto    auto  10GBASE-T\n\
            Et3        up               connected    in Po4      full    10G   10GBASE-SR\n\
            Et4        a name that is c disabled     routed      a-full  a-10G 40GBASE-SR\n\
            Et5        x\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read(text, &families, &mut seen, &mut tally);
        assert!(form.header && form.torn);
        assert_eq!(seen.len(), 4);
        assert_eq!(
            (seen[0].oper, seen[0].switched, seen[0].description.as_deref()),
            (Some(OperState::Up), Some(true), None)
        );
        assert_eq!(seen[1].tags.as_ref().and_then(|tags| tags.outer.as_deref()), Some("10"));
        assert_eq!(
            (seen[2].bundle.as_deref(), seen[2].description.as_deref()),
            (Some("Port-Channel4"), Some("up"))
        );
        assert_eq!(
            (seen[3].admin, seen[3].switched, seen[3].description.as_deref()),
            (Some(AdminState::Down), Some(false), None)
        );
        assert_eq!((tally.counts.read, tally.counts.unread), (4, 1));
    }
}
