//! Tables about VLANs, bridge domains, service instances, bundles and services.
//!
//! What they say is configured already where the configuration was read; a file
//! that holds one of them alone gives the same facts from it.

use crate::model::{OperState, ServiceKind};
use crate::platform::frames::encapsulation;
use crate::platform::gathered::{Gathered, Seen};
use crate::platform::lines::{field, first_word};
use crate::platform::reading::{Class, Tally};
use crate::platform::rows::{Form, each_line};

use super::names;
use super::ports::{fact, row};

/// The columns of `VLAN Name … Status … Ports`: name, status, ports.
pub(super) fn vlan_header(line: &str) -> Option<[usize; 3]> {
    let columns = [line.find("Name")?, line.find("Status")?, line.find("Ports")?];
    (line.starts_with("VLAN Name ") && columns.is_sorted()).then_some(columns)
}

/// `show vlan`, `show vlan brief`: the first table of several. The others hold
/// types, private VLANs and the like.
pub(super) fn vlans(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut columns = None;
    let mut other = false;
    let mut open: Option<u16> = None;
    each_line(text, tally, |form, line, words| {
        if let Some(found) = vlan_header(line) {
            (columns, other, form.header) = (Some(found), false, true);
            return Some(Class::Read);
        }
        other |=
            words.starts_with("VLAN ") || words.starts_with("Remote SPAN") || words.starts_with("Primary ");
        if other {
            return Some(Class::Ignored);
        }
        if words.bytes().all(|b| b == b'-' || b == b' ') {
            return Some(Class::Read);
        }
        let [name_at, status_at, ports_at] = columns?;
        let ports = if line.starts_with(' ') {
            words
        } else {
            let id = first_word(line).0.parse().ok().filter(|id| (1..=4_094).contains(id))?;
            let vlan = gathered.vlan(id);
            let name = field(line, name_at, Some(status_at));
            vlan.name = (!name.is_empty()).then(|| name.to_owned());
            open = Some(id);
            form.rows += 1;
            field(line, ports_at, None)
        };
        let vlan = gathered.vlan(open?);
        for port in ports.split(',').map(str::trim_ascii).filter(|port| !port.is_empty()) {
            vlan.interfaces.push(names::long(port));
        }
        Some(Class::Read)
    })
}

/// The domain that `Bridge-domain 10 (3 ports in all)` begins.
pub(super) fn domain_header(line: &str) -> Option<&str> {
    let (name, rest) = first_word(line.strip_prefix("Bridge-domain ")?);
    (names::is_number(name) && rest.starts_with('(')).then_some(name)
}

/// `show bridge-domain`: blocks with members first and addresses after them.
pub(super) fn domains(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut open: Option<&str> = None;
    let mut addresses = false;
    each_line(text, tally, |form, line, words| {
        if let Some(name) = domain_header(line) {
            gathered.domain(name);
            (open, addresses, form.header) = (Some(name), false, true);
            form.rows += 1;
            return Some(Class::Read);
        }
        let name = open?;
        addresses |= words.starts_with("AED ") || words.starts_with("MAC address");
        if addresses || words.starts_with("State:") || words.starts_with("Aging-Timer:") {
            return Some(Class::Ignored);
        }
        let (port, rest) = first_word(words);
        if let Some(number) = rest.strip_prefix("service instance ") {
            let member = names::instance(&names::long(port), first_word(number).0);
            gathered.member(&member, ServiceKind::BridgeDomain, name);
        } else if port.starts_with("BDI") {
            let at = gathered.domain(name);
            gathered.domains[at].router_interface = Some(port.to_owned());
        } else {
            // `EVPN Instance 10`, `vfi x …`: no interface.
            return Some(Class::Ignored);
        }
        Some(Class::Read)
    })
}

/// `show ethernet service instance detail`: blocks of `Key: value`.
pub(super) fn instances(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut number = None;
    let mut description: Option<&str> = None;
    each_line(text, tally, |form, _, words| {
        let Some((key, value)) = words.split_once(':') else {
            return Some(Class::Ignored);
        };
        let value = value.trim_ascii();
        match key {
            "Service Instance ID" => {
                (number, description, form.header) = (Some(value), None, true);
            }
            "Description" => description = Some(value),
            "Associated Interface" => {
                let parent = names::long(value);
                let words = names::instance_in_words(&parent, number?);
                let mut seen_row = Seen::new(names::instance(&parent, number?), &words);
                let fact = fact(&mut seen_row);
                fact.parent = Some(parent);
                fact.l2 = true;
                fact.description = description.map(str::to_owned);
                seen.push(seen_row);
                form.rows += 1;
            }
            "Encapsulation" if form.rows > 0 => fact(seen.last_mut()?).encapsulation = encapsulation(value)?,
            "State" if form.rows > 0 => {
                fact(seen.last_mut()?).oper =
                    Some(if value == "Up" { OperState::Up } else { OperState::Down });
            }
            _ => return Some(Class::Ignored),
        }
        Some(Class::Read)
    })
}

/// The service that `VPWS name: X, State: UP` begins.
pub(super) fn service_header(line: &str) -> Option<(ServiceKind, &str)> {
    let (kind, rest) = if let Some(rest) = line.strip_prefix("VPWS name: ") {
        (ServiceKind::Xconnect, rest)
    } else {
        (ServiceKind::Vpls, line.strip_prefix("VPLS name: ")?)
    };
    Some((kind, rest.split(", State:").next().unwrap_or(rest).trim_ascii()))
}

/// `show l2vpn service all`.
pub(super) fn services(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut open = None;
    each_line(text, tally, |form, line, words| {
        if let Some((kind, name)) = service_header(line) {
            open = Some((kind, name, gathered.service(kind, name)));
            form.header = true;
            form.rows += 1;
            return Some(Class::Read);
        }
        let Some((kind, name, at)) = open else { return Some(Class::Ignored) };
        let mut columns = words.split_ascii_whitespace();
        let (port, _group, end) = (columns.next()?, columns.next()?, columns.next().unwrap_or(""));
        if words.starts_with("Description:") {
            return Some(Class::Ignored);
        }
        if let Some((address, id)) = far_end(end).filter(|_| port.starts_with("pw")) {
            gathered.neighbor(at, address, Some(id));
        } else if names::is_interface_name(port) && !port.starts_with("pw") {
            gathered.member(&names::long(port), kind, name);
        }
        Some(Class::Read)
    })
}

/// `10.9.1.2:1234000(MPLS)` → address and id.
fn far_end(text: &str) -> Option<(&str, &str)> {
    let (address, id) = text.split('(').next()?.rsplit_once(':')?;
    let fits = address.starts_with(|c: char| c.is_ascii_hexdigit()) && names::is_number(id);
    fits.then_some((address, id))
}

/// The header of `show xconnect all`.
pub(super) fn is_xconnect_header(line: &str) -> bool {
    line.starts_with("XC ST  Segment 1 ")
}

/// `show xconnect all`: a service has no name but its first far end; a second
/// row of the same attachment is its backup.
pub(super) fn xconnects(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut last: Option<(String, usize)> = None;
    each_line(text, tally, |form, line, words| {
        if is_xconnect_header(line) {
            form.header = true;
            return Some(Class::Read);
        }
        if !form.header || words.starts_with("---") {
            return Some(Class::Ignored);
        }
        let columns: Vec<&str> = words.split_ascii_whitespace().collect();
        let find = |kinds: &[&str]| {
            columns
                .iter()
                .enumerate()
                .filter(|(_, word)| kinds.contains(*word))
                .map(|(at, _)| at + 1)
                .filter_map(|at| columns.get(at).copied())
                .collect::<Vec<_>>()
        };
        let attached: Vec<String> = find(&["ac"])
            .into_iter()
            .map(|port| names::long(port.split([':', '(']).next().unwrap_or(port)))
            .collect();
        let far = find(&["mpls", "l2tp"]).into_iter().find_map(far_end);
        form.rows += 1;
        match (far, attached.first()) {
            (Some((address, id)), port) => {
                let port = port.cloned().unwrap_or_default();
                let backup = columns.get(1) == Some(&"sec");
                let at = match &last {
                    Some((before, at)) if backup && *before == port && !port.is_empty() => *at,
                    _ => gathered.service(ServiceKind::Xconnect, &format!("{address}:{id}")),
                };
                gathered.neighbor(at, address, Some(id));
                if !port.is_empty() {
                    let name = gathered.services[at].name.clone();
                    gathered.member(&port, ServiceKind::Xconnect, &name);
                }
                last = Some((port, at));
                Some(Class::Read)
            }
            // Between bridge domains and VFIs: named elsewhere.
            (None, _) => Some(Class::Ignored),
        }
    })
}

/// The header of `show vrf`, with the column of its interfaces.
pub(super) fn vrf_header(line: &str) -> Option<usize> {
    line.trim_ascii_start()
        .starts_with("Name  ")
        .then(|| line.contains("Default RD").then(|| line.find("Interfaces")).flatten())
        .flatten()
}

/// `show vrf`: one interface a line.
pub(super) fn vrfs(text: &str, gathered: &mut Gathered, tally: &mut Tally) -> Form {
    let mut column = None;
    let mut open: Option<&str> = None;
    each_line(text, tally, |form, line, words| {
        if let Some(at) = vrf_header(line) {
            (column, form.header) = (Some(at), true);
            return Some(Class::Read);
        }
        let column = column?;
        let indent = crate::platform::lines::indent_of(line);
        let port = if indent < column / 2 {
            let name = first_word(words).0;
            gathered.service(ServiceKind::Vrf, name);
            open = Some(name);
            form.rows += 1;
            // A long name or distinguisher moves the rest of its row.
            words.rsplit(' ').next().filter(|last| {
                words.split_ascii_whitespace().count() > 2
                    && names::is_interface_name(last)
                    && !last.starts_with("ipv")
            })
        } else {
            Some(words)
        };
        if let Some(port) = port {
            gathered.member(&names::long(port), ServiceKind::Vrf, open?);
        }
        Some(Class::Read)
    })
}

/// The header of `show etherchannel summary`.
pub(super) fn is_bundle_header(line: &str) -> bool {
    line.starts_with("Group  Port-channel  Protocol")
}

/// `show etherchannel summary`: the ports of each bundle.
pub(super) fn bundles(text: &str, seen: &mut Vec<Seen>, tally: &mut Tally) -> Form {
    let mut open: Option<String> = None;
    each_line(text, tally, |form, line, words| {
        if is_bundle_header(line) {
            form.header = true;
            return Some(Class::Read);
        }
        if !form.header || words.bytes().all(|b| b == b'-' || b == b'+') {
            return Some(Class::Ignored);
        }
        let mut columns = words.split_ascii_whitespace().peekable();
        if columns.next_if(|word| names::is_number(word)).is_some() {
            let name = columns.next()?.split('(').next()?;
            let bundle = row(name);
            open = Some(bundle.name.clone());
            seen.push(bundle);
            form.rows += 1;
            columns.next();
        } else if !line.starts_with([' ', '\t']) {
            return Some(Class::Ignored);
        }
        for port in columns.filter_map(|word| word.split_once('(')).map(|(port, _)| port) {
            let mut member = row(port);
            fact(&mut member).bundle.clone_from(&open);
            seen.push(member);
        }
        Some(Class::Read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;
    use crate::platform::gathered::Facts;

    fn facts(read: fn(&str, &mut Gathered, &mut Tally) -> Form, text: &str) -> (Facts, Form) {
        let (mut gathered, mut tally) = (Gathered::default(), Tally::default());
        let form = read(text, &mut gathered, &mut tally);
        assert_eq!(tally.counts.unread, 0, "{:?}", tally.unread);
        (gathered.facts(&Scope::Device), form)
    }

    #[test]
    fn vlans_with_wrapped_ports() {
        let text = "VLAN Name                             Status    Ports\n\
            ---- -------------------------------- --------- -------------------------------\n\
            3    Part1 Part/2                     active    \n\
            9    Misc. Name                       act/lshut Gi1/0/13, Gi1/0/14\n\
            \x20                                               Gi1/0/20\n\n\
            VLAN Type  SAID       MTU\n---- ----- ----------\n3    enet  100003     1500\n";
        let (facts, form) = facts(vlans, text);
        assert_eq!(facts.vlans[0].name.as_deref(), Some("Part1 Part/2"));
        assert_eq!(facts.vlans[1].interfaces.len(), 3);
        assert_eq!(form.rows, 2);
    }

    #[test]
    fn domains_and_services() {
        let text = "Bridge-domain 10 (3 ports in all)\nState: UP                    Mac learning: Enabled\n\
            \x20   BDI10 (up)\n    GigabitEthernet6 service instance 10\n    EVPN Instance 10\n\
            \x20  AED MAC address    Policy\n   -   000C.29FF.A9B3 forward\n";
        let (found, _) = facts(domains, text);
        assert_eq!(found.bridge_domains[0].interfaces, ["GigabitEthernet6.EFP10"]);
        assert_eq!(found.bridge_domains[0].router_interface.as_deref(), Some("BDI10"));
        let text = "XC ST  Segment 1                         S1 Segment 2                         S2\n\
            ------+---------------------------------+--+---------------------------------+--\n\
            UP pri   ac Gi0/0/3:11(Ethernet)         UP mpls 10.1.1.1:100                 UP\n\
            IA sec   ac Gi0/0/3:11(Ethernet)         UP mpls 10.1.1.2:100                 DN\n\
            SB sec   bd 400\n";
        let (found, _) = facts(xconnects, text);
        assert_eq!((found.services.len(), found.services[0].neighbors.len()), (1, 2));
        assert_eq!(found.services[0].interfaces, ["GigabitEthernet0/0/3"]);
        let text = "  Name                             Default RD          Protocols   Interfaces\n\
            \x20 gy3                              65201:13            ipv4        Vl13\n\
            \x20                                                                  Vl913\n\
            \x20 empty                            65201:14\n";
        let (found, _) = facts(vrfs, text);
        assert_eq!(found.services[1].interfaces, ["Vlan13", "Vlan913"]);
    }
}
