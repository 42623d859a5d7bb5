//! Tables: `show interfaces` and its description, `show ethernet tags`, `show
//! l2vpn bridge-domain` and `show l2vpn xconnect`.

use crate::model::{AdminState, Encapsulation, Interface, OperState, ServiceKind};
use crate::platform::gathered::{Gathered, Seen};
use crate::platform::lines::{first_word, indent_of, parent_of, tagged};
use crate::platform::reading::{Class, Tally};
use crate::platform::rows::{Form, each_line};

use super::commits::is_date;
use super::names;

/// A row about an interface, with what its name alone says.
fn row(printed: &str) -> Seen {
    let mut seen = Seen::new(names::long(printed), printed);
    let parent = parent_of(&seen.name).map(str::to_owned);
    fact(&mut seen).parent = parent;
    seen
}

fn fact(seen: &mut Seen) -> &mut Interface {
    seen.fact.get_or_insert_with(|| Box::new(Interface::named(seen.name.as_str())))
}

/// The header of `show interfaces description`. IOS writes the same words
/// closer together.
pub(super) fn is_description_header(line: &str) -> bool {
    let words = line.trim_ascii();
    words.starts_with("Interface  ") && words.ends_with("Status      Protocol    Description")
}

/// `Interface  Status  Protocol  Description`.
pub(super) fn descriptions(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    each_line(text, tally, |form, line, words| {
        if is_date(words) {
            return Some(Class::Ignored);
        }
        if is_description_header(line) {
            form.header = true;
            return Some(Class::Read);
        }
        if words.bytes().all(|b| b == b'-') {
            return Some(Class::Read);
        }
        let (name, rest) = first_word(words);
        let (status, rest) = first_word(rest);
        let (protocol, description) = first_word(rest);
        if !form.header || !names::is_interface_name(name) {
            return None;
        }
        let mut row = row(name);
        let fact = fact(&mut row);
        (fact.admin, fact.oper) = states(status, protocol)?;
        fact.description = (!description.is_empty()).then(|| description.to_owned());
        seen.push(row);
        form.rows += 1;
        Some(Class::Read)
    })
}

fn states(status: &str, protocol: &str) -> Option<(Option<AdminState>, Option<OperState>)> {
    let admin = match status {
        "up" | "down" | "shutdown" => AdminState::Up,
        "admin-down" | "administratively" => AdminState::Down,
        _ => return None,
    };
    let oper = match protocol {
        "up" if status == "up" => OperState::Up,
        "up" | "down" | "admin-down" | "administratively" => OperState::Down,
        _ => return None,
    };
    Some((Some(admin), Some(oper)))
}

/// The interface whose block begins with `line`, and its state.
pub(super) fn block(line: &str) -> Option<(&str, AdminState, OperState)> {
    let (head, protocol) = line.trim_ascii().split_once(", line protocol is ")?;
    let (name, status) = head.split_once(" is ")?;
    if !names::is_interface_name(name) {
        return None;
    }
    let up = first_word(protocol).0 == "up";
    Some(match status {
        "administratively down" => (name, AdminState::Down, OperState::Down),
        "up" if up => (name, AdminState::Up, OperState::Up),
        _ => (name, AdminState::Up, OperState::Down),
    })
}

/// `show interfaces`: blocks of text, one an interface.
pub(super) fn blocks(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut members: Vec<(String, String)> = Vec::new();
    let mut in_members = false;
    let form = each_line(text, tally, |form, line, words| {
        if is_date(words) {
            return Some(Class::Ignored);
        }
        if let Some((name, admin, oper)) = block(line) {
            let mut row = row(name);
            let fact = fact(&mut row);
            (fact.admin, fact.oper) = (Some(admin), Some(oper));
            seen.push(row);
            form.header = true;
            form.rows += 1;
            in_members = false;
            return Some(Class::Read);
        }
        let open = seen.last_mut().filter(|_| form.header)?;
        if words.starts_with("No. of members in this bundle:") {
            in_members = true;
            return Some(Class::Read);
        }
        // `HundredGigE0/0/1/2/0  Full-duplex  100000Mb/s  Active`.
        let port = first_word(words).0;
        if in_members && names::is_interface_name(port) && words.contains("-duplex ") {
            members.push((names::long(port), open.name.clone()));
            return Some(Class::Read);
        }
        in_members = false;
        Some(setting(fact(open), words))
    });
    for (member, bundle) in members {
        let mut row = row(&member);
        fact(&mut row).bundle = Some(bundle);
        seen.push(row);
    }
    form
}

fn setting(fact: &mut Interface, words: &str) -> Class {
    if let Some(description) = words.strip_prefix("Description: ") {
        fact.description = Some(description.to_owned());
    } else if let Some(mtu) = words.strip_prefix("MTU ") {
        fact.mtu = first_word(mtu).0.parse().ok();
    } else if words == "Layer 2 Transport Mode" {
        fact.l2 = true;
    } else if let Some((_, tags)) = words.split_once("802.1Q Virtual LAN, VLAN Id ") {
        let Some(encapsulation) = tagged(tags.split(',').next().unwrap_or("").trim_ascii(), None) else {
            return Class::Unread;
        };
        fact.encapsulation = encapsulation;
    } else if let Some((_, tags)) = words.split_once("Outer Match: Dot1Q VLAN ") {
        let Some(encapsulation) = tagged(tags.trim_end_matches(',').trim_ascii(), None) else {
            return Class::Ignored;
        };
        fact.encapsulation = encapsulation;
    } else if let Some((_, tags)) = words.split_once("Inner Match: Dot1Q VLAN ") {
        let outer = fact.encapsulation.outer.clone().unwrap_or_default();
        let Some(encapsulation) = tagged(&outer, Some(tags.trim_end_matches(',').trim_ascii())) else {
            return Class::Ignored;
        };
        fact.encapsulation = encapsulation;
    } else {
        return Class::Ignored;
    }
    Class::Read
}

/// The header of `show ethernet tags`.
pub(super) fn is_tags_header(line: &str) -> bool {
    let words = line.trim_ascii();
    words.starts_with("Interface ") && words.contains(" St  MTU  Ly Outer ")
}

/// `show ethernet tags`: every sub-interface with its tags. A long list is cut
/// off here, so a configuration's word counts more.
pub(super) fn tags(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    each_line(text, tally, |form, line, words| {
        if is_tags_header(line) {
            form.header = true;
            return Some(Class::Read);
        }
        if !form.header {
            // The legend, and the date.
            let legend = ["St:", "Ly:", "Xtra ", "-,+:"].iter().any(|key| words.starts_with(key));
            return (legend || is_date(words)).then_some(Class::Ignored);
        }
        let mut columns = words.split_ascii_whitespace();
        let (name, state, mtu) = (columns.next()?, columns.next()?, columns.next()?);
        let (layer, outer) = (columns.next()?, columns.next()?);
        let inner = columns.next().unwrap_or("-");
        if !names::is_interface_name(name) || !matches!(layer, "L2" | "L3") {
            return None;
        }
        let mut row = row(name);
        let fact = fact(&mut row);
        (fact.admin, fact.oper) = match state {
            "AD" => (Some(AdminState::Down), Some(OperState::Down)),
            "Up" => (Some(AdminState::Up), Some(OperState::Up)),
            "Dn" => (Some(AdminState::Up), Some(OperState::Down)),
            _ => return None,
        };
        fact.mtu = mtu.parse().ok();
        fact.l2 = layer == "L2";
        fact.encapsulation = shown_tags(outer, inner).unwrap_or_default();
        seen.push(row);
        form.rows += 1;
        Some(Class::Read)
    })
}

/// `.1Q:200` and `.1Q:200-300`, `.1ad:10`, `-`.
fn shown_tags(outer: &str, inner: &str) -> Option<Encapsulation> {
    let (kind, outer) = outer.split_once(':')?;
    let inner = inner.split_once(':').map(|(_, tag)| tag);
    let any = |tag: &str| if tag.eq_ignore_ascii_case("any") { "1-4094".to_owned() } else { tag.to_owned() };
    let mut found = tagged(&any(outer), inner.map(any).as_deref())?;
    if kind.eq_ignore_ascii_case(".1ad") {
        found.tpid = Some("0x88a8".to_owned());
    }
    Some(found)
}

/// `GROUP:DOMAIN` of `Bridge group: G, bridge-domain: D, id: 0, state: up, …`.
pub(super) fn domain_header(line: &str) -> Option<String> {
    let (group, rest) = line.trim_ascii().strip_prefix("Bridge group: ")?.split_once(", bridge-domain: ")?;
    let domain = rest.split(", id: ").next()?.trim_ascii();
    (!domain.is_empty()).then(|| format!("{group}:{domain}"))
}

/// What a list within a bridge domain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Attachments,
    Pseudowires,
    Vfis,
    Other,
}

/// `show l2vpn bridge-domain`, with or without `detail`.
pub(super) fn domains(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut open: Option<String> = None;
    let mut list = List::Other;
    let mut vfi: Option<String> = None;
    each_line(text, tally, |form, line, words| {
        if let Some(name) = domain_header(line) {
            gathered.domain(&name);
            (open, list, vfi, form.header) = (Some(name), List::Other, None, true);
            form.rows += 1;
            return Some(Class::Read);
        }
        let Some(name) = &open else {
            return (is_date(words) || words.starts_with("Legend:")).then_some(Class::Ignored);
        };
        if let Some(of) = words.strip_prefix("List of ") {
            list = match of.trim_ascii_end() {
                "ACs:" => List::Attachments,
                "Access PWs:" => List::Pseudowires,
                "VFIs:" | "Access VFIs:" => List::Vfis,
                _ => List::Other,
            };
            vfi = None;
            return Some(Class::Read);
        }
        let vpls = |vfi: &Option<String>| vfi.clone().unwrap_or_else(|| name.clone());
        match list {
            List::Attachments => {
                let words = words.strip_prefix("AC: ").unwrap_or(words);
                let Some((port, _)) = words.split_once(", state") else { return Some(Class::Ignored) };
                if !names::is_interface_name(port) {
                    return Some(Class::Ignored);
                }
                let long = names::long(port);
                if long.starts_with("BVI") {
                    let at = gathered.domain(name);
                    gathered.domains[at].router_interface = Some(long);
                } else {
                    gathered.member(&long, ServiceKind::BridgeDomain, name);
                }
                Some(Class::Read)
            }
            List::Pseudowires | List::Vfis => {
                if let Some(rest) = words.strip_prefix("VFI ")
                    && list == List::Vfis
                    && !rest.starts_with("Statistics")
                {
                    let found = first_word(rest).0.to_owned();
                    gathered.service(ServiceKind::Vpls, &found);
                    vfi = Some(found);
                    return Some(Class::Read);
                }
                let Some((address, id)) = pseudowire(words) else { return Some(Class::Ignored) };
                let at = gathered.service(ServiceKind::Vpls, &vpls(&vfi));
                gathered.neighbor(at, address, Some(id));
                Some(Class::Read)
            }
            List::Other => Some(Class::Ignored),
        }
    })
}

/// `Neighbor 192.0.2.1 pw-id 7, state: up`, `PW: neighbor 192.0.2.1, PW ID 7, state is up`.
fn pseudowire(words: &str) -> Option<(&str, &str)> {
    if let Some(rest) = words.strip_prefix("Neighbor ") {
        let (address, rest) = first_word(rest);
        return Some((address, rest.strip_prefix("pw-id ")?.split(',').next()?));
    }
    let (address, rest) = words.strip_prefix("PW: neighbor ")?.split_once(", PW ID ")?;
    Some((address, rest.split(',').next()?.trim_ascii()))
}

/// The header of `show l2vpn xconnect`.
pub(super) fn is_xconnect_header(line: &str) -> bool {
    line.starts_with("XConnect  ") && line.contains("Segment 1 ")
}

/// `show l2vpn xconnect`: a group on a line of its own, then a name, then its
/// two ends, on one line or on two.
pub(super) fn xconnects(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut group: Option<&str> = None;
    let mut name: Option<&str> = None;
    each_line(text, tally, |form, line, words| {
        if is_xconnect_header(line) {
            form.header = true;
            return Some(Class::Read);
        }
        let framed = words.starts_with("---") || words.starts_with("Group ") || is_date(words);
        if framed || !form.header {
            return Some(if form.header { Class::Read } else { Class::Ignored });
        }
        let columns: Vec<&str> = words.split_ascii_whitespace().collect();
        let is_state = |word: &str| {
            matches!(
                word.split('(').next(),
                Some("UP" | "DN" | "AD" | "UR" | "SB" | "SR" | "LU" | "RU" | "CO")
            )
        };
        let mut columns = columns.as_slice();
        if indent_of(line) == 0 {
            let (first, rest) = columns.split_first()?;
            (group, name, columns) = (Some(*first), None, rest);
        }
        let rest = match columns {
            [one] if !is_state(one) => {
                name = Some(one);
                return Some(Class::Read);
            }
            // A group alone, or a state that did not fit into the line before.
            [] | [_] => return Some(Class::Read),
            [state, rest @ ..] if is_state(state) => rest,
            [one, state, rest @ ..] if is_state(state) => {
                name = Some(one);
                rest
            }
            _ => return None,
        };
        let service = format!("{}:{}", group?, name?);
        let kind = if rest.contains(&"EVPN") { ServiceKind::EvpnVpws } else { ServiceKind::Xconnect };
        let at = gathered.service(kind, &service);
        form.rows += 1;
        let mut words = rest.iter().copied().peekable();
        while let Some(word) = words.next() {
            if word == "EVPN" {
                // `EVPN 12222,32222,10.4.1.1`: instance, id, address.
                let mut parts = words.next()?.split(',');
                let (evi, id) = (parts.next()?, parts.next()?);
                gathered.neighbor(at, &format!("evi-{evi}"), Some(id));
            } else if word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.') {
                let id = words.next_if(|next| next.bytes().all(|b| b.is_ascii_digit()));
                gathered.neighbor(at, word, id);
            } else if names::is_interface_name(word) {
                gathered.member(&names::long(word), kind, &service);
            }
        }
        Some(Class::Read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;

    #[test]
    fn tags_and_states() {
        let text = "Mon Aug 19 03:56:39.363 UTC\nSt:    AD - Administratively Down, Dn - Down, Up - Up\n\n\
            Interface               St  MTU  Ly Outer            Inner            Xtra -,+\n\
            Gi0/0/0/0.200           AD  1522 L2 .1Q:200          .1Q:200-300      -    0 0\n\
            BE1.7                   Up  1518 L3 .1Q:7            -                -    1 0\n";
        let (mut seen, mut tally) = (Vec::new(), Tally::default());
        let form = tags(text, &mut seen, &mut tally);
        assert_eq!((form.rows, tally.counts.unread), (2, 0));
        let fact = seen[0].fact.as_ref().map(|fact| fact.encapsulation.clone());
        assert_eq!(fact, tagged("200", Some("200-300")));
        assert_eq!(seen[1].name, "Bundle-Ether1.7");
    }

    #[test]
    fn domains_with_pseudowires() {
        let text = "Legend: pp = Partially Programmed.\n\
            Bridge group: G, bridge-domain: D-1, id: 79, state: up, ShgId: 0, MSTi: 0\n\
            \x20 List of ACs:\n    BV24, state: up, BVI MAC addresses: 1\n    BE47.168, state: up, Static MAC addresses: 0\n\
            \x20 List of Access PWs:\n    Neighbor 192.0.2.9 pw-id 9, state: up\n  List of VFIs:\n    VFI V (up)\n\
            \x20     Neighbor 192.0.2.1 pw-id 168, state: up, Static MAC addresses: 0\n";
        let (mut gathered, mut tally) = (Gathered::default(), Tally::default());
        domains(text, &mut gathered, &mut tally);
        assert_eq!(tally.counts.unread, 0);
        let facts = gathered.facts(&Scope::Device);
        assert_eq!(facts.bridge_domains[0].name, "G:D-1");
        assert_eq!(facts.bridge_domains[0].interfaces, ["Bundle-Ether47.168"]);
        assert_eq!(facts.bridge_domains[0].router_interface.as_deref(), Some("BVI24"));
        let names: Vec<&str> = facts.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["G:D-1", "V"]);
    }

    #[test]
    fn cross_connects() {
        let text = "XConnect                   Segment 1                       Segment 2\n\
            Group      Name       ST   Description            ST       Description            ST\n\
            ------------------------   -----------------------------   -----------------------------\n\
            one\n       a\n\t\t  UP   Te0/0/0/3/1.200        UP       EVPN 12222,32222,10.4.1.1\n\t\t\t UP\n\
            ----------------------------------------------------------------------------------------\n\
            two\n\tb  DN   Gi0/0/0/5.1000    UP   10.4.1.206       1000   DN\n";
        let (mut gathered, mut tally) = (Gathered::default(), Tally::default());
        xconnects(text, &mut gathered, &mut tally);
        assert_eq!(tally.counts.unread, 0, "{:?}", tally.unread);
        let facts = gathered.facts(&Scope::Device);
        assert_eq!(facts.services[0].name, "one:a");
        assert_eq!(facts.services[0].kind, ServiceKind::EvpnVpws);
        assert_eq!(facts.services[1].interfaces, ["GigabitEthernet0/0/0/5.1000"]);
        assert_eq!(facts.services[1].neighbors[0].id.as_deref(), Some("1000"));
    }
}
