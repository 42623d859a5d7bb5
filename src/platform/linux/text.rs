//! `ip link show`, `ip -d link show` and `ip address show` as people read
//! them: a line that begins with a number opens an interface, indented lines
//! belong to it. Without `-d` nobody says what kind of thing it is.

use std::borrow::Cow;

use crate::model::AdminState;
use crate::platform::reading::{Class, Tally, lines};

use super::is_interface_name;
use super::links::{Link, Tag, oper};

/// Index, name, lower device and the rest of the line that opens an interface.
pub(super) fn opens(line: &str) -> Option<(&str, Option<&str>, &str)> {
    let (index, rest) = line.split_once(": ")?;
    if index.is_empty() || index.len() > 10 || !index.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (name, rest) = rest.split_once(": <")?;
    let (name, lower) = match name.split_once('@') {
        Some((name, lower)) => (name, Some(lower)),
        None => (name, None),
    };
    is_interface_name(name).then_some((name, lower, rest))
}

/// The form of such a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// A line that belongs to nothing.
    pub(super) noise: bool,
    /// An interface without its second line.
    pub(super) torn: bool,
    pub(super) misread: bool,
}

/// Reads the interfaces in `text` and counts its lines.
pub(super) fn read<'t>(text: &'t str, links: &mut Vec<Link<'t>>, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let first = links.len();
    let mut whole = true;
    let mut inside = false;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if line.starts_with([' ', '\t']) && inside {
            whole |= words.starts_with("link/");
            match links.last_mut() {
                Some(link) => detail(link, words, &mut form),
                None => Class::Unread,
            }
        } else if let Some((name, lower, rest)) = opens(line) {
            form.torn |= !whole;
            whole = false;
            inside = true;
            links.push(head(name, lower, rest));
            Class::Read
        } else {
            form.noise = true;
            Class::Unread
        };
        tally.line(class, line);
    }
    form.torn |= !whole;
    // `-d` adds the names of kinds; where nothing has one, it was not asked for.
    let detailed = links[first..].iter().any(|link| link.kind.is_some());
    for link in &mut links[first..] {
        link.unsaid = !detailed && link.lower.is_some();
    }
    form
}

fn head<'t>(name: &'t str, lower: Option<&'t str>, rest: &'t str) -> Link<'t> {
    let (flags, rest) = rest.split_once('>').unwrap_or((rest, ""));
    let has = |flag: &str| flags.split(',').any(|f| f == flag);
    let mut link = Link {
        name: Cow::Borrowed(name),
        printed: lower.map(|lower| Cow::Owned(format!("{name}@{lower}"))),
        // `if7` is an interface of another name space.
        lower: lower.filter(|name| *name != "NONE" && !is_index(name)).map(Cow::Borrowed),
        admin: Some(if has("UP") { AdminState::Up } else { AdminState::Down }),
        loopback: has("LOOPBACK"),
        ..Link::default()
    };
    let mut words = rest.split_ascii_whitespace();
    while let Some(key) = words.next() {
        let Some(value) = words.next() else { break };
        match key {
            "mtu" => link.mtu = value.parse().ok(),
            "state" => link.oper = oper(value, has("LOWER_UP")),
            "master" => link.master = Some(Cow::Borrowed(value)),
            _ => {}
        }
    }
    link
}

fn is_index(name: &str) -> bool {
    name.strip_prefix("if").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

fn detail<'t>(link: &mut Link<'t>, line: &'t str, form: &mut Form) -> Class {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let after = |key: &str| {
        let mut words = rest.split_ascii_whitespace();
        words.find(|word| *word == key).and_then(|_| words.next())
    };
    if word.starts_with("link/") {
        return Class::Read;
    }
    match word {
        "alias" => link.alias = Some(Cow::Borrowed(rest.trim_ascii())),
        "vlan" => {
            link.kind = Some(Cow::Borrowed("vlan"));
            let outer = match after("protocol") {
                Some("802.1ad") => Some(true),
                Some("802.1Q" | "802.1q") | None => Some(false),
                _ => None,
            };
            let id = after("id").and_then(|id| id.parse().ok()).filter(|id| *id <= 4_095);
            let (Some(id), Some(outer)) = (id, outer) else {
                form.misread = true;
                return Class::Unread;
            };
            link.vlan = Some(Tag { id, outer });
        }
        "bridge" => {
            link.kind = Some(Cow::Borrowed("bridge"));
            link.filters = after("vlan_filtering") == Some("1");
        }
        "bridge_slave" => link.slave_kind = Some(Cow::Borrowed("bridge")),
        "bond_slave" => link.slave_kind = Some(Cow::Borrowed("bond")),
        "vrf_slave" => link.slave_kind = Some(Cow::Borrowed("vrf")),
        "vxlan" => {
            link.kind = Some(Cow::Borrowed("vxlan"));
            link.vni = after("id").and_then(|id| id.parse().ok());
        }
        "bond" | "vrf" | "veth" | "macvlan" | "macvtap" | "dummy" | "tun" | "gre" | "gretap" | "ipvlan"
        | "team" | "wireguard" | "sit" | "ipip" | "vti" | "vcan" | "ifb" => {
            link.kind = Some(Cow::Borrowed(word));
        }
        // Addresses, counters, other names, queues.
        _ => return Class::Ignored,
    }
    Class::Read
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc mq state UP mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff promiscuity 0
    alias uplink to the east
3: eth0.7@eth0: <BROADCAST,MULTICAST> mtu 9000 qdisc noop master br7 state DOWN mode DEFAULT group default
    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff promiscuity 0
    vlan protocol 802.1ad id 7 <REORDER_HDR>
    bridge_slave state disabled priority 32 cost 2
";

    #[test]
    fn interfaces() {
        let (mut links, mut tally) = (Vec::new(), Tally::default());
        let form = read(TEXT, &mut links, &mut tally);
        assert_eq!(form, Form::default());
        assert_eq!(tally.counts.unread, 0);
        assert_eq!(links[1].alias.as_deref(), Some("uplink to the east"));
        assert_eq!(links[2].vlan, Some(Tag { id: 7, outer: true }));
        assert_eq!((links[2].lower.as_deref(), links[2].master.as_deref()), (Some("eth0"), Some("br7")));
        assert!(links[2].is_slave("bridge") && !links[2].unsaid);
    }

    #[test]
    fn without_details_and_cut() {
        let short: String = TEXT.split_inclusive('\n').filter(|line| !line.contains("vlan ")).collect();
        let short = short.replace("    bridge_slave state disabled priority 32 cost 2\n", "");
        let mut links = Vec::new();
        read(&short, &mut links, &mut Tally::default());
        assert!(links[2].unsaid);
        let cut = TEXT
            .find("    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff promiscuity 0\n    alias")
            .unwrap_or(0);
        assert!(read(&TEXT[..cut], &mut Vec::new(), &mut Tally::default()).torn);
    }
}
