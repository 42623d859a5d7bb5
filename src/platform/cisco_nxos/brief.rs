//! `show interface brief` and `show interface description`: several tables,
//! one a family of interfaces, each with a header of its own.

use crate::model::{AdminState, OperState};
use crate::platform::lines::{access, field, is_pager, tagged};
use crate::platform::reading::{Class, Tally, lines};
use crate::platform::switch::{Form, Seen, long_name};

use super::FAMILIES;

/// What the columns of a table are, by where their titles begin.
#[derive(Clone, Copy, Default)]
struct Columns {
    vlan: Option<(usize, usize)>,
    mode: Option<(usize, usize)>,
    status: Option<(usize, usize)>,
    reason: Option<(usize, usize)>,
    bundle: Option<usize>,
    mtu: Option<usize>,
    description: Option<usize>,
}

/// Whether `line` is the header of one of the tables.
pub(super) fn is_header(line: &str) -> bool {
    columns(line).is_some()
}

fn columns(line: &str) -> Option<Columns> {
    let first = line.split_ascii_whitespace().next()?;
    if !["Ethernet", "Port-channel", "Port", "Interface"].contains(&first) {
        return None;
    }
    // A column ends where the next title begins.
    let starts: Vec<usize> = line
        .char_indices()
        .filter(|(at, c)| *c != ' ' && (*at == 0 || line.as_bytes()[at - 1] == b' '))
        .map(|(at, _)| at)
        .collect();
    let start = |title: &str| {
        let at = line.find(title)?;
        starts.contains(&at).then_some(at)
    };
    let span = |title: &str| {
        let at = start(title)?;
        Some((at, starts.iter().copied().find(|next| *next > at).unwrap_or(line.len())))
    };
    let columns = Columns {
        vlan: span("VLAN"),
        mode: span("Mode"),
        status: span("Status"),
        reason: span("Reason"),
        bundle: (first == "Ethernet").then(|| start("Port")).flatten(),
        mtu: start("MTU"),
        description: start("Description"),
    };
    let described = columns.description.is_some() && line.split_ascii_whitespace().count() <= 4;
    (columns.status.is_some() && !line.contains("Vlan ") || described).then_some(columns)
}

/// Reads the tables in `text` and counts its lines.
pub(super) fn read<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> Form {
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
        } else if words.bytes().all(|b| b == b'-') {
            Class::Ignored
        } else if is_pager(words) {
            form.pager = true;
            Class::Unread
        } else if form.header && (words.starts_with("Interface") && !words.contains("VRF")) {
            // The second line of a header.
            Class::Ignored
        } else if let Some(row) = header.and_then(|columns| row(line, columns)) {
            seen.push(row);
            Class::Read
        } else {
            form.torn |= form.header;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

fn row(line: &str, columns: Columns) -> Option<Seen<'_>> {
    let printed = line.split_ascii_whitespace().next()?;
    let name = long_name(printed, FAMILIES)?;
    let cell = |span: Option<(usize, usize)>| span.map_or("", |(from, to)| field(line, from, Some(to)));
    let sub = name.contains('.');
    let (vlan, mode, reason) = (cell(columns.vlan), cell(columns.mode), cell(columns.reason));
    let last = |from: Option<usize>| from.map_or("", |from| field(line, from, None));
    let description = last(columns.description);
    let bundle = last(columns.bundle);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let down = reason.starts_with("Administratively");
    let status = cell(columns.status);
    Some(Seen {
        printed: (name != printed).then_some(printed),
        name,
        oper: (!status.is_empty()).then(|| if status == "up" { OperState::Up } else { OperState::Down }),
        admin: columns.reason.map(|_| if down { AdminState::Down } else { AdminState::Up }),
        description: (!description.is_empty() && description != "--").then(|| description.to_owned()),
        mtu: last(columns.mtu).parse().ok(),
        bundle: is_number(bundle).then(|| format!("port-channel{bundle}")),
        switched: match mode {
            "access" | "trunk" => Some(true),
            "routed" => Some(false),
            _ => None,
        },
        tags: match mode {
            "access" => access(vlan),
            // A sub-interface is shown with the tag that it takes.
            "routed" if sub => tagged(vlan, None),
            _ => None,
        },
        ..Seen::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_one_after_the_other() {
        let text = "--------------------------------------------------------------------------------\n\
            Port   VRF          Status IP Address                              Speed    MTU\n\
            --------------------------------------------------------------------------------\n\
            mgmt0  --           up     192.0.2.11                              1000     1500\n\n\
            --------------------------------------------------------------------------------\n\
            Ethernet      VLAN    Type Mode   Status  Reason                   Speed     Port\n\
            Interface                                                                    Ch #\n\
            --------------------------------------------------------------------------------\n\
            Eth1/1        110     eth  access up      none                        10G(D) --\n\
            Eth1/2        1       eth  trunk  down    Administratively down      auto(D) 20\n\
            Eth1/5.4094   77      eth  routed up      none                        10G(D) --\n\
            torn\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = read(text, &mut seen, &mut tally);
        assert!(form.header && form.torn);
        assert_eq!((&*seen[0].name, seen[0].mtu, seen[0].oper), ("mgmt0", Some(1500), Some(OperState::Up)));
        let outer = |at: usize| seen[at].tags.as_ref().and_then(|tags| tags.outer.as_deref());
        assert_eq!((outer(1), outer(2), outer(3)), (Some("110"), None, Some("77")));
        assert_eq!(
            (seen[2].bundle.as_deref(), seen[2].admin),
            (Some("port-channel20"), Some(AdminState::Down))
        );
        assert_eq!((seen[2].switched, seen[3].switched), (Some(true), Some(false)));
        assert_eq!(tally.counts.unread, 1);
        let text = "Port          Type   Speed   Description\nEth4/1        eth    10G     to the shop\nEth4/2        eth    10G     --\n";
        let mut seen = Vec::new();
        assert!(!read(text, &mut seen, &mut Tally::default()).torn);
        assert_eq!(
            (seen[0].description.as_deref(), seen[1].description.as_deref()),
            (Some("to the shop"), None)
        );
    }
}
