//! The running configuration. One blank of indent a level; `!` stands between
//! blocks, and since FRR 8 a block ends with `exit`. `frr version` is its
//! first setting and `end` its last line.

use std::collections::HashMap;

use crate::model::Neighbor;
use crate::platform::reading::{Class, Tally, lines};

use super::is_interface_name;
use super::prompt::is_system_name;

/// What the configuration says.
#[derive(Debug, Default)]
pub(super) struct Config<'t> {
    pub(super) hostname: Option<&'t str>,
    pub(super) ports: Vec<Port<'t>>,
    port_index: HashMap<&'t str, usize>,
    pub(super) vpls: Vec<Vpls<'t>>,
    pub(super) vrfs: Vec<&'t str>,
    /// BGP announces the ids of VXLAN interfaces.
    pub(super) evpn: bool,
}

#[derive(Debug)]
pub(super) struct Port<'t> {
    pub(super) name: &'t str,
    pub(super) description: Option<&'t str>,
    pub(super) shutdown: bool,
}

#[derive(Debug)]
pub(super) struct Vpls<'t> {
    pub(super) name: &'t str,
    pub(super) members: Vec<&'t str>,
    pub(super) neighbors: Vec<Neighbor>,
}

/// The form of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// It says `frr version` or `frr defaults`: no other system does.
    pub(super) is_frr: bool,
    /// It ends with `end`.
    pub(super) end: bool,
    /// A block without its `exit`, where others have one.
    pub(super) unbalanced: bool,
    /// A line that no configuration has.
    pub(super) noise: bool,
    pub(super) pager: bool,
    /// There is more behind its end.
    pub(super) more: bool,
    /// What is there has a host name: it is another configuration.
    pub(super) second: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Top,
    Port(usize),
    Vpls(usize),
    Vrf,
    Bgp,
    Outside,
}

impl<'t> Config<'t> {
    /// Reads one text and counts its lines.
    pub(super) fn read(&mut self, text: &'t str, tally: &mut Tally) -> Form {
        let mut form = Form::default();
        let mut place = Place::Top;
        // Blocks of ours without and with an `exit`.
        let (mut open, mut closed, mut left_open) = (false, 0_usize, 0_usize);
        let mut above_is_inside = false;
        for line in lines(text) {
            let words = line.trim_ascii();
            if words.is_empty() {
                tally.blank();
                continue;
            }
            let class = if line.starts_with(' ') {
                self.inside(place, words, line.len() - line.trim_ascii_start().len())
            } else if words.starts_with('!') {
                Class::Ignored
            } else {
                if words == "exit" || words == "exit-vrf" {
                    closed += usize::from(open);
                } else {
                    left_open += usize::from(open);
                }
                form.more |= form.end;
                let (next, class) = self.top(words, &mut form);
                place = next;
                open = matches!(place, Place::Port(_) | Place::Vpls(_) | Place::Bgp)
                    || words.starts_with("router ");
                // Who leaves the pager early gets the end without the middle.
                form.unbalanced |= form.end && above_is_inside;
                class
            };
            above_is_inside = line.starts_with(' ');
            tally.line(class, line);
        }
        left_open += usize::from(open);
        form.unbalanced |= closed > 0 && left_open > 0;
        form
    }

    /// A line in the first column.
    fn top(&mut self, line: &'t str, form: &mut Form) -> (Place, Class) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_ascii();
        let place = match word {
            "frr" => {
                form.is_frr |= rest.starts_with("version ") || rest.starts_with("defaults ");
                return (Place::Top, Class::Ignored);
            }
            "hostname" if is_system_name(rest) => {
                form.second |= form.end && self.hostname.is_some_and(|name| name != rest);
                // Daemons that run apart print one each.
                self.hostname = self.hostname.or(Some(rest));
                return (Place::Top, Class::Read);
            }
            "end" if rest.is_empty() => {
                form.end = true;
                return (Place::Top, Class::Read);
            }
            "interface" => {
                let name = rest.split(' ').next().unwrap_or("");
                if !is_interface_name(name) {
                    return (Place::Outside, Class::Unread);
                }
                Place::Port(self.port(name))
            }
            "l2vpn" => {
                let Some(name) = rest.strip_suffix(" type vpls").map(str::trim_ascii) else {
                    return (Place::Outside, Class::Unread);
                };
                Place::Vpls(self.vpls(name))
            }
            "vrf" if is_interface_name(rest) => {
                self.vrfs.push(rest);
                Place::Vrf
            }
            "router" => {
                let place = if rest.starts_with("bgp") { Place::Bgp } else { Place::Outside };
                return (place, Class::Ignored);
            }
            "--More--" | "WARNING:" | "Press" => {
                form.pager = true;
                return (Place::Top, Class::Unread);
            }
            "Building" | "Current" | "exit" | "exit-vrf" => return (Place::Top, Class::Ignored),
            _ if is_keyword(word) => return (Place::Outside, Class::Ignored),
            _ => {
                form.noise = true;
                return (Place::Outside, Class::Unread);
            }
        };
        (place, Class::Read)
    }

    pub(super) fn port_named(&self, name: &str) -> Option<&Port<'t>> {
        self.port_index.get(name).map(|at| &self.ports[*at])
    }

    fn inside(&mut self, place: Place, line: &'t str, indent: usize) -> Class {
        if line.starts_with('!') {
            return Class::Ignored;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_ascii();
        match place {
            Place::Port(at) => match word {
                _ if indent > 1 => Class::Ignored,
                "description" if !rest.is_empty() => {
                    self.ports[at].description = Some(rest);
                    Class::Read
                }
                "shutdown" => {
                    self.ports[at].shutdown = true;
                    Class::Read
                }
                _ if is_of_interface(word) => Class::Ignored,
                _ => Class::Unread,
            },
            Place::Vpls(at) => self.vpls[at].set(word, rest),
            Place::Bgp => {
                self.evpn |= word == "advertise-all-vni";
                Class::Ignored
            }
            Place::Vrf | Place::Top | Place::Outside => Class::Ignored,
        }
    }

    fn port(&mut self, name: &'t str) -> usize {
        // An interface that two daemons know has two blocks.
        *self.port_index.entry(name).or_insert_with(|| {
            self.ports.push(Port { name, description: None, shutdown: false });
            self.ports.len() - 1
        })
    }

    fn vpls(&mut self, name: &'t str) -> usize {
        if let Some(at) = self.vpls.iter().position(|vpls| vpls.name == name) {
            return at;
        }
        self.vpls.push(Vpls { name, members: Vec::new(), neighbors: Vec::new() });
        self.vpls.len() - 1
    }
}

impl<'t> Vpls<'t> {
    fn set(&mut self, word: &str, rest: &'t str) -> Class {
        let (kind, name) = rest.split_once(' ').unwrap_or((rest, ""));
        match (word, kind) {
            ("member", "interface") if is_interface_name(name) => self.members.push(name),
            // The neighbour's address comes on a line of its own.
            ("member", "pseudowire") => self.neighbors.push(Neighbor { address: String::new(), id: None }),
            ("neighbor", "lsr-id" | "address") => match self.neighbors.last_mut() {
                Some(neighbor) if neighbor.address.is_empty() || kind == "lsr-id" => {
                    name.clone_into(&mut neighbor.address);
                }
                Some(_) => {}
                None => return Class::Unread,
            },
            ("pw-id", id) => match self.neighbors.last_mut() {
                Some(neighbor) => neighbor.id = Some(id.to_owned()),
                None => return Class::Unread,
            },
            ("bridge" | "exit", _) => {}
            ("mtu" | "vc" | "control-word" | "pw-status" | "member" | "no", _) => return Class::Ignored,
            _ => return Class::Unread,
        }
        Class::Read
    }
}

/// What a line in the first column begins with.
fn is_keyword(word: &str) -> bool {
    word.len() <= 40
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Settings of an interface that are no facts of ours: addresses, protocols.
fn is_of_interface(word: &str) -> bool {
    matches!(
        word,
        "affinity"
            | "affinity-map"
            | "babel"
            | "bandwidth"
            | "bfd"
            | "evpn"
            | "exit"
            | "exit-link-params"
            | "ip"
            | "ipv6"
            | "isis"
            | "link-detect"
            | "link-params"
            | "mpls"
            | "multicast"
            | "no"
            | "openfabric"
            | "ospf"
            | "pbr-policy"
            | "protodown"
            | "ptm-enable"
            | "router-id"
            | "vrrp"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Config<'_>, Form, Tally) {
        let (mut config, mut tally) = (Config::default(), Tally::default());
        let form = config.read(text, &mut tally);
        (config, form, tally)
    }

    const TEXT: &str = "\
Building configuration...

Current configuration:
!
frr version 9.1
frr defaults datacenter
hostname pe-1
!
interface eth0.251
 description to \"the\" east
 ip address 192.0.2.1/31
exit
!
interface eth1
 shutdown
exit
!
l2vpn CUST-A type vpls
 bridge bd251
 member interface eth0.251
 !
 member pseudowire mpw0
  neighbor lsr-id 192.0.2.9
  pw-id 251
 exit
 !
exit
!
end
";

    #[test]
    fn a_configuration() {
        let (config, form, tally) = read(TEXT);
        assert!(form.is_frr && form.end && !form.unbalanced && !form.noise);
        assert_eq!(config.hostname, Some("pe-1"));
        assert_eq!(config.ports[0].description, Some("to \"the\" east"));
        assert!(config.ports[1].shutdown);
        assert_eq!(config.vpls[0].members, ["eth0.251"]);
        let neighbor = Neighbor { address: "192.0.2.9".to_owned(), id: Some("251".to_owned()) };
        assert_eq!(config.vpls[0].neighbors, [neighbor]);
        assert_eq!(tally.counts.unread, 0);
    }

    #[test]
    fn a_block_without_its_end() {
        let (_, form, _) = read(&TEXT.replacen("exit\n!\ninterface eth1", "!\ninterface eth1", 1));
        assert!(form.unbalanced);
        // Before FRR 8 no block had one.
        let (_, form, _) = read(&TEXT.replace("exit\n", ""));
        assert!(!form.unbalanced);
    }

    #[test]
    fn a_pager_that_was_left() {
        let (start, end) = (TEXT.find("  neighbor").unwrap_or(0), TEXT.find("end\n").unwrap_or(0));
        let old = TEXT.replace("exit\n", "");
        assert!(read(&format!("{}{}", &TEXT[..start], &TEXT[end..])).1.unbalanced);
        let start = old.find(" ip address").unwrap_or(0);
        assert!(read(&format!("{}end\n", &old[..start])).1.unbalanced);
    }

    #[test]
    fn a_log_line_in_between() {
        let (_, form, tally) =
            read(&TEXT.replace("!\nl2vpn", "2026/11/23 10:00:00 ZEBRA: [X] link down\n!\nl2vpn"));
        assert!(form.noise);
        assert_eq!(tally.counts.unread, 1);
    }
}
