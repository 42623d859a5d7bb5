//! `show interfaces`: one row an interface, split at `|` and mapped by the
//! header, because the columns differ in width, order and number. An empty
//! cell keeps its place. A row with another number of cells than the header
//! was wrapped or cut, and is not read at all.

use crate::model::fact::canonical_tags;
use crate::model::{AdminState, Encapsulation, EncapsulationKind, OperState, ServiceKind, ServiceRef};
use crate::platform::reading::{Class, Tally, lines};

use super::{bundle_name, is_interface_name};

/// What the device shows of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen<'t> {
    pub(super) name: &'t str,
    /// The name's cell, when it holds more than the name: `ge100-0/0/31.251 (L2)`.
    pub(super) printed: Option<&'t str>,
    pub(super) l2: bool,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
    pub(super) mtu: Option<u32>,
    pub(super) encapsulation: Encapsulation,
    pub(super) service: Option<ServiceRef>,
    pub(super) bundle: Option<String>,
    pub(super) description: Option<String>,
}

/// The form of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableForm {
    pub(super) header: bool,
    /// A row that was wrapped, cut, or is none.
    pub(super) torn: bool,
    pub(super) pager: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Admin,
    Oper,
    Vlan,
    Mtu,
    Service,
    Bundle,
    Other,
}

/// Whether `line` is the header of the interface table.
pub(super) fn is_header(line: &str) -> bool {
    if !line.starts_with('|')
        || !cells(line).next().is_some_and(|cell| cell.eq_ignore_ascii_case("interface"))
    {
        return false;
    }
    let columns = header(line);
    columns.contains(&Column::Admin) && columns.contains(&Column::Oper)
}

fn header(line: &str) -> Vec<Column> {
    cells(line)
        .map(|cell| {
            let word: String = cell
                .bytes()
                .filter(u8::is_ascii_alphanumeric)
                .map(|b| char::from(b.to_ascii_lowercase()))
                .collect();
            match word.as_str() {
                "interface" => Column::Name,
                "admin" | "adminstate" => Column::Admin,
                "operational" | "oper" | "operstate" | "operationalstate" => Column::Oper,
                "vlan" | "vlanid" => Column::Vlan,
                "mtu" => Column::Mtu,
                "networkservice" | "networkservices" => Column::Service,
                "bundleid" | "bundle" => Column::Bundle,
                _ => Column::Other,
            }
        })
        .collect()
}

/// The cells of a row, trimmed.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    let line = line.trim_ascii();
    let line = line.strip_prefix('|').unwrap_or(line);
    line.strip_suffix('|').unwrap_or(line).split('|').map(str::trim_ascii)
}

/// Reads the table in `text` and counts its lines.
pub(super) fn read<'t>(text: &'t str, seen: &mut Vec<Seen<'t>>, tally: &mut Tally) -> TableForm {
    let mut form = TableForm::default();
    let mut columns = Vec::new();
    for line in lines(text) {
        let words = line.trim_ascii();
        let class = if words.is_empty() {
            tally.blank();
            continue;
        } else if is_ruler(words) || words.starts_with("Legend:") {
            Class::Ignored
        } else if is_header(words) {
            columns = header(words);
            form.header = true;
            Class::Ignored
        } else if words.starts_with("-- More --") {
            form.pager = true;
            Class::Unread
        } else if !columns.is_empty() && words.starts_with('|') && words.len() > 1 && words.ends_with('|') {
            match row(words, &columns) {
                Some(row) => {
                    seen.push(row);
                    Class::Read
                }
                // More addresses of the row above.
                None if is_continuation(words, &columns) => Class::Ignored,
                None => {
                    form.torn = true;
                    Class::Unread
                }
            }
        } else {
            form.torn |= form.header;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}

fn is_ruler(line: &str) -> bool {
    line.len() > 2 && line.bytes().all(|b| b"+-|=".contains(&b)) && line.contains("--")
}

/// A row whose cells are all empty but those that we do not read.
fn is_continuation(line: &str, columns: &[Column]) -> bool {
    cells(line).count() == columns.len()
        && cells(line).zip(columns).all(|(cell, column)| *column == Column::Other || cell.is_empty())
}

fn row<'t>(line: &'t str, columns: &[Column]) -> Option<Seen<'t>> {
    let mut seen = Seen::default();
    let mut count = 0;
    for cell in cells(line) {
        match columns.get(count)? {
            Column::Name => {
                let end = cell.find([' ', '(']).unwrap_or(cell.len());
                seen.name = &cell[..end];
                seen.printed = (end < cell.len()).then_some(cell);
                seen.l2 = cell[end..].contains("(L2)");
            }
            Column::Admin => seen.admin = admin(cell),
            Column::Oper => seen.oper = oper(cell),
            Column::Vlan => seen.encapsulation = vlan(cell)?,
            Column::Mtu => seen.mtu = cell.parse().ok(),
            Column::Service => seen.service = service(cell),
            Column::Bundle => seen.bundle = bundle_name(cell),
            Column::Other => {}
        }
        count += 1;
    }
    (count == columns.len() && is_interface_name(seen.name)).then_some(seen)
}

pub(super) fn admin(text: &str) -> Option<AdminState> {
    match text {
        "enabled" | "up" => Some(AdminState::Up),
        "disabled" | "down" => Some(AdminState::Down),
        _ => None,
    }
}

/// `up`, `down`, `not-present`, `not present (b)`.
pub(super) fn oper(text: &str) -> Option<OperState> {
    if text.starts_with("not-present") || text.starts_with("not present") {
        return Some(OperState::NotPresent);
    }
    match text.split([' ', '(']).next()? {
        "up" => Some(OperState::Up),
        "down" => Some(OperState::Down),
        _ => None,
    }
}

/// The VLAN cell: `251`, `219, 100(i)`, `4024, 222(ivm)`, `2545 (vm)`, `(m)`.
/// `i` marks the inner id, `v` a list of which only the lowest is shown.
/// `None` when it is something else.
fn vlan(cell: &str) -> Option<Encapsulation> {
    let mut encapsulation = Encapsulation::default();
    let mut range = false;
    for part in cell.split(',').map(str::trim_ascii).filter(|part| !part.is_empty()) {
        let (id, flags) = match part.split_once('(') {
            Some((id, flags)) => (id.trim_ascii(), flags.strip_suffix(')')?),
            None => (part, ""),
        };
        if !flags.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        if id.is_empty() {
            continue;
        }
        let id = canonical_tags(id)?;
        range |= flags.contains('v');
        let field = if flags.contains('i') { &mut encapsulation.inner } else { &mut encapsulation.outer };
        if field.replace(id).is_some() {
            return None;
        }
    }
    encapsulation.kind = match (&encapsulation.outer, &encapsulation.inner) {
        (None, None) => EncapsulationKind::None,
        _ if range => EncapsulationKind::Range,
        (_, Some(_)) => EncapsulationKind::Qinq,
        (_, None) => EncapsulationKind::Dot1q,
    };
    Some(encapsulation)
}

/// The service cell: `VRF (RED)`, `BD (g_x_v1)`, `VRF (default), BD (g_x_v1)`.
/// The default VRF is no service. An interface that shows two is a router
/// interface: its own VRF is its service, if it has one.
pub(super) fn service(cell: &str) -> Option<ServiceRef> {
    let mut rest = cell;
    while let Some((kind, after)) = rest.split_once('(') {
        let (name, after) = after.split_once(')')?;
        let word = kind.trim_matches([',', ' ']).to_ascii_uppercase();
        let kind = match word.as_str() {
            "BD" | "BRIDGE-DOMAIN" => Some(ServiceKind::BridgeDomain),
            "EVPN" => Some(ServiceKind::Evpn),
            "VPWS" => Some(ServiceKind::Vpws),
            "VPLS" => Some(ServiceKind::Vpls),
            "EVPN-VPWS" => Some(ServiceKind::EvpnVpws),
            "EVPN-VPWS-FXC" | "FXC" => Some(ServiceKind::EvpnVpwsFxc),
            "L2-CROSS-CONNECT" | "L2-XC" | "XC" => Some(ServiceKind::L2CrossConnect),
            "VRF" if name != "default" => Some(ServiceKind::Vrf),
            _ => None,
        };
        if let Some(kind) = kind {
            return Some(ServiceRef { kind, name: name.trim_ascii().to_owned() });
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(e: &Encapsulation) -> String {
        format!("{:?} {} {}", e.kind, e.outer.as_deref().unwrap_or("-"), e.inner.as_deref().unwrap_or("-"))
    }

    #[test]
    fn vlan_cells() {
        for (cell, expected) in [
            ("", Some("None - -")),
            ("251", Some("Dot1q 251 -")),
            ("219, 100(i)", Some("Qinq 219 100")),
            ("4024 (m)", Some("Dot1q 4024 -")),
            ("4024, 222(ivm)", Some("Range 4024 222")),
            ("2545 (vm)", Some("Range 2545 -")),
            ("(m)", Some("None - -")),
            ("9999", None),
            ("abc", None),
            ("1, 2", None),
            ("1(i", None),
        ] {
            assert_eq!(vlan(cell).as_ref().map(show).as_deref(), expected, "{cell}");
        }
    }

    #[test]
    fn service_cells() {
        let show = |cell| service(cell).map(|s| format!("{} {}", s.kind.as_str(), s.name));
        assert_eq!(show("VRF (default)"), None);
        assert_eq!(show("VRF (ALPHA)").as_deref(), Some("vrf ALPHA"));
        assert_eq!(show("BD (Test)").as_deref(), Some("bridge-domain Test"));
        assert_eq!(show("EVPN (eVPN_primary)").as_deref(), Some("evpn eVPN_primary"));
        assert_eq!(show("VPWS (cust1)").as_deref(), Some("vpws cust1"));
        assert_eq!(show("VRF (default), BD (Test)").as_deref(), Some("bridge-domain Test"));
        assert_eq!(show("VRF (RED), BD (Test)").as_deref(), Some("vrf RED"));
        for none in ["", "x", "BD (", "()", "NEW (x)"] {
            assert_eq!(show(none), None, "{none}");
        }
    }

    #[test]
    fn a_wrapped_row_is_counted_and_not_misread() {
        let text = "| Interface | Admin | Operational | VLAN | MTU |\n\
            +-----------+-------+-------------+------+-----+\n\
            | ge100-0/0/1 | enabled | up |\n 5 | 1514 |\n\
            | ge100-0/0/2.7(L2)| enabled | not present (b) | 9 (m) |  |\n";
        let mut seen = Vec::new();
        let mut tally = Tally::default();
        let form = read(text, &mut seen, &mut tally);
        assert!(form.header && form.torn);
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].name, "ge100-0/0/2.7");
        assert!(seen[0].l2 && seen[0].oper == Some(OperState::NotPresent) && seen[0].mtu.is_none());
        assert_eq!(seen[0].encapsulation.outer.as_deref(), Some("9"));
        assert_eq!((tally.counts.read, tally.counts.ignored, tally.counts.unread), (1, 2, 2));
    }
}
