//! The configuration → ports and service instances.
//!
//! Two forms. As printed: two blanks of indent a level, `!` closing each block
//! that has lines in it (and some that have none). Flattened: one setting a
//! line with its whole path, a block without settings ending in ` ^`. One walk
//! reads both: a [`Place`] says where in the tree we are, and one step takes it
//! a level down.
//!
//! Everything borrows from the text; nothing is copied before it is a fact.

use std::collections::HashMap;

use crate::model::{AdminState, Encapsulation, EncapsulationKind, Neighbor, ServiceKind};
use crate::platform::reading::{Class, Tally, is_blank, lines};

use super::values::{admin_state, service_ids, unquoted, vlan_id, vlan_tags};
use super::{bundle_name, is_interface_name, marks, words};

/// What the configuration sections of one device say.
#[derive(Debug, Default)]
pub(super) struct Config<'t> {
    pub(super) ports: Vec<Port<'t>>,
    port_index: HashMap<&'t str, usize>,
    pub(super) instances: Vec<Instance<'t>>,
    instance_index: HashMap<(ServiceKind, &'t str), usize>,
}

/// One entry below `interfaces`.
#[derive(Debug)]
pub(super) struct Port<'t> {
    pub(super) name: &'t str,
    pub(super) admin: Option<AdminState>,
    pub(super) description: Option<String>,
    pub(super) mtu: Option<u32>,
    pub(super) bundle: Option<String>,
    pub(super) l2: bool,
    pub(super) encapsulation: Encapsulation,
}

/// One service: a bridge domain, a pseudowire, a VRF …
#[derive(Debug)]
pub(super) struct Instance<'t> {
    pub(super) kind: ServiceKind,
    pub(super) name: &'t str,
    pub(super) admin: Option<AdminState>,
    pub(super) description: Option<String>,
    pub(super) members: Vec<&'t str>,
    pub(super) router_interface: Option<&'t str>,
    pub(super) neighbors: Vec<Neighbor>,
}

/// Which of the three sections that we know a text holds, and what is wrong with its form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) interfaces: bool,
    pub(super) network_services: bool,
    pub(super) services: bool,
    /// Lines between the marks, blank ones apart.
    pub(super) body: usize,
    /// A block is not closed, or one is closed that is not open.
    pub(super) unbalanced: bool,
    /// A line that no configuration has.
    pub(super) noise: bool,
    /// A pager was here.
    pub(super) pager: bool,
    /// A setting of ours has a value that we do not understand, so a fact
    /// would be wrong.
    pub(super) misread: bool,
}

/// Where in the tree a line stands. The numbers index [`Config`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Top,
    Interfaces,
    Port(usize),
    Network,
    Family(ServiceKind),
    Instance(usize),
    Pseudowire(usize, usize),
    Multihoming,
    Segment,
    Services,
    /// Known, and below it nothing of ours.
    Outside,
    /// Below a line that we did not understand.
    Lost,
}

struct Block {
    indent: usize,
    place: Place,
    class: Class,
    has_lines: bool,
}

/// Deeper than any configuration; what lies below is not followed.
const DEEPEST: usize = 64;

impl<'t> Config<'t> {
    /// Reads one text, with or without its marks, and counts its lines.
    pub(super) fn read(&mut self, text: &'t str, tally: &mut Tally) -> Form {
        let mut form = Form::default();
        let mut open: Vec<Block> = Vec::with_capacity(8);
        for line in lines(text) {
            let words = line.trim_ascii();
            if words.is_empty() {
                tally.blank();
                continue;
            }
            let indent = line.len() - line.trim_ascii_start().len();
            if words == "!" {
                form.body += 1;
                tally.line(close(&mut open, indent, &mut form), line);
                continue;
            }
            if indent == 0 && words.starts_with('#') && marks::mark(line).is_some() {
                tally.line(Class::Ignored, line);
                continue;
            }
            form.body += 1;
            if words.starts_with("-- More --") {
                form.pager = true;
                tally.line(Class::Unread, line);
                continue;
            }
            // A log line between two lines leaves the tree around it as it is.
            if indent == 0 && !is_keyword(first_word(words).0) {
                form.noise = true;
                tally.line(Class::Unread, line);
                continue;
            }
            // A sibling ends blocks that have no lines; others end with `!`.
            while let Some(block) = open.pop_if(|block| block.indent >= indent) {
                form.unbalanced |= block.has_lines;
            }
            let class = match open.last_mut() {
                None if indent == 0 && words.contains(' ') => self.flat(words, &mut form),
                None => {
                    form.unbalanced |= indent != 0;
                    let place = if indent == 0 { Place::Top } else { Place::Lost };
                    let (place, class) = self.step(place, words, &mut form);
                    open.push(Block { indent, place, class, has_lines: false });
                    class
                }
                Some(parent) => {
                    parent.has_lines = true;
                    form.unbalanced |= indent != parent.indent + 2;
                    let place = parent.place;
                    let (place, class) = self.step(place, words, &mut form);
                    if open.len() < DEEPEST {
                        open.push(Block { indent, place, class, has_lines: false });
                    } else {
                        form.unbalanced = true;
                    }
                    class
                }
            };
            tally.line(class, line);
        }
        form.unbalanced |= open.iter().any(|block| block.has_lines);
        form
    }

    /// A line that holds its whole path.
    fn flat(&mut self, line: &'t str, form: &mut Form) -> Class {
        let mut rest = line.strip_suffix('^').map_or(line, str::trim_ascii_end);
        let mut place = Place::Top;
        let mut class = Class::Unread;
        while !rest.is_empty() {
            let (head, tail) = match heading_words(place, rest) {
                0 => (rest, ""),
                count => split_words(rest, count),
            };
            (place, class) = self.step(place, head, form);
            rest = tail;
        }
        class
    }

    /// One level down: what `line` means at `place`, and where its block is.
    fn step(&mut self, place: Place, line: &'t str, form: &mut Form) -> (Place, Class) {
        let (word, rest) = first_word(line);
        match place {
            Place::Top => top(line, form),
            Place::Interfaces => {
                if rest.is_empty() && is_interface_name(word) {
                    (Place::Port(self.port(word)), Class::Read)
                } else {
                    (Place::Lost, Class::Unread)
                }
            }
            Place::Port(at) => self.ports[at].set(word, rest, form),
            Place::Network => match word {
                "multihoming" => (Place::Multihoming, Class::Read),
                _ => match family(word) {
                    Some(kind) => (Place::Family(kind), Class::Read),
                    None => known(words::of_network(word)),
                },
            },
            Place::Family(kind) => match word {
                "instance" if is_instance_name(rest) => {
                    (Place::Instance(self.instance(kind, rest)), Class::Read)
                }
                "instance" => (Place::Lost, Class::Unread),
                _ => known(words::of_network(word) || words::of_service(word)),
            },
            Place::Instance(at) => self.instances[at].set(at, word, rest),
            Place::Pseudowire(at, neighbor) => match (word, self.instances[at].neighbors.get_mut(neighbor)) {
                ("pw-id", Some(neighbor)) if !rest.is_empty() => {
                    neighbor.id = Some(rest.to_owned());
                    (Place::Outside, Class::Read)
                }
                _ => (Place::Outside, Class::Ignored),
            },
            Place::Multihoming => match word {
                "interface" if is_interface_name(rest) => (Place::Segment, Class::Read),
                _ => (Place::Outside, Class::Ignored),
            },
            Place::Segment => (Place::Outside, if word == "esi" { Class::Read } else { Class::Ignored }),
            Place::Services => match word {
                "l2-cross-connect" if is_instance_name(rest) => {
                    (Place::Instance(self.instance(ServiceKind::L2CrossConnect, rest)), Class::Read)
                }
                "l2-cross-connect" => (Place::Lost, Class::Unread),
                // Flow monitoring, performance tests and the like.
                _ => (Place::Outside, Class::Ignored),
            },
            Place::Outside => (Place::Outside, Class::Ignored),
            Place::Lost => (Place::Lost, Class::Unread),
        }
    }

    fn port(&mut self, name: &'t str) -> usize {
        if let Some(last) = self.ports.last()
            && last.name == name
        {
            return self.ports.len() - 1;
        }
        *self.port_index.entry(name).or_insert_with(|| {
            self.ports.push(Port {
                name,
                admin: None,
                description: None,
                mtu: None,
                bundle: None,
                l2: false,
                encapsulation: Encapsulation::default(),
            });
            self.ports.len() - 1
        })
    }

    fn instance(&mut self, kind: ServiceKind, name: &'t str) -> usize {
        if let Some(last) = self.instances.last()
            && last.name == name
            && last.kind == kind
        {
            return self.instances.len() - 1;
        }
        *self.instance_index.entry((kind, name)).or_insert_with(|| {
            self.instances.push(Instance {
                kind,
                name,
                admin: None,
                description: None,
                members: Vec::new(),
                router_interface: None,
                neighbors: Vec::new(),
            });
            self.instances.len() - 1
        })
    }

    pub(super) fn port_named(&self, name: &str) -> Option<&Port<'t>> {
        self.port_index.get(name).map(|at| &self.ports[*at])
    }
}

/// Closes the block that `!` at `indent` ends, and says what kind of lines it held.
fn close(open: &mut Vec<Block>, indent: usize, form: &mut Form) -> Class {
    while let Some(block) = open.pop_if(|block| block.indent > indent) {
        form.unbalanced |= block.has_lines;
    }
    if let Some(block) = open.pop_if(|block| block.indent == indent) {
        block.class
    } else {
        form.unbalanced = true;
        Class::Unread
    }
}

/// A line in the first column.
fn top(line: &str, form: &mut Form) -> (Place, Class) {
    match line {
        "interfaces" => {
            form.interfaces = true;
            (Place::Interfaces, Class::Read)
        }
        "network-services" => {
            form.network_services = true;
            (Place::Network, Class::Read)
        }
        "services" => {
            form.services = true;
            (Place::Services, Class::Read)
        }
        // System, protocols, policies, access lists.
        _ => (Place::Outside, Class::Ignored),
    }
}

/// What a line in the first column begins with.
fn is_keyword(word: &str) -> bool {
    word.len() <= 40
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn known(outside: bool) -> (Place, Class) {
    if outside { (Place::Outside, Class::Ignored) } else { (Place::Lost, Class::Unread) }
}

fn family(word: &str) -> Option<ServiceKind> {
    Some(match word {
        "bridge-domain" => ServiceKind::BridgeDomain,
        "vpws" => ServiceKind::Vpws,
        "vpls" => ServiceKind::Vpls,
        "evpn" => ServiceKind::Evpn,
        "evpn-vpws" => ServiceKind::EvpnVpws,
        "evpn-vpws-fxc" => ServiceKind::EvpnVpwsFxc,
        "vrf" => ServiceKind::Vrf,
        _ => return None,
    })
}

/// How many words of a flattened line are the heading of the block at `place`;
/// 0: the rest of the line is one setting.
fn heading_words(place: Place, rest: &str) -> usize {
    let word = first_word(rest).0;
    match (place, word) {
        (Place::Top | Place::Interfaces | Place::Network, _) => 1,
        (Place::Family(_), "instance")
        | (Place::Multihoming, "interface")
        | (Place::Services, "l2-cross-connect")
        | (Place::Instance(_), "interface" | "router-interface" | "pw" | "neighbor") => 2,
        _ => 0,
    }
}

fn first_word(line: &str) -> (&str, &str) {
    match line.find(' ') {
        Some(at) => (&line[..at], line[at + 1..].trim_ascii_start()),
        None => (line, ""),
    }
}

/// The first `count` words, and what comes after them.
fn split_words(line: &str, count: usize) -> (&str, &str) {
    let mut rest = line;
    for _ in 0..count {
        rest = first_word(rest).1;
    }
    (line[..line.len() - rest.len()].trim_ascii_end(), rest)
}

/// One word of printable ASCII. The name of a bridge domain is chosen by people.
fn is_instance_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_graphic())
}

impl Port<'_> {
    fn set(&mut self, word: &str, rest: &str, form: &mut Form) -> (Place, Class) {
        let understood = match word {
            "admin-state" => assign(&mut self.admin, admin_state(rest)),
            "description" => assign(&mut self.description, Some(unquoted(rest))),
            "mtu" => assign(&mut self.mtu, rest.parse().ok()),
            "bundle-id" => assign(&mut self.bundle, bundle_name(rest)),
            "l2-service" => match admin_state(rest) {
                Some(state) => {
                    self.l2 = state == AdminState::Up;
                    true
                }
                None => false,
            },
            "untagged" => {
                self.encapsulation =
                    Encapsulation { kind: EncapsulationKind::Untagged, ..Encapsulation::default() };
                true
            }
            "vlan-id" => self.encapsulate(vlan_id(rest)),
            "vlan-tags" => self.encapsulate(vlan_tags(rest)),
            // Rewrites frames; says nothing about which frames are taken.
            "vlan-manipulation" => return (Place::Outside, Class::Read),
            _ => return known(words::of_interface(word)),
        };
        if understood {
            return (Place::Outside, Class::Read);
        }
        form.misread |= word != "mtu";
        (Place::Lost, Class::Unread)
    }

    fn encapsulate(&mut self, encapsulation: Option<Encapsulation>) -> bool {
        match encapsulation {
            Some(encapsulation) => {
                self.encapsulation = encapsulation;
                true
            }
            None => false,
        }
    }
}

impl<'t> Instance<'t> {
    fn set(&mut self, at: usize, word: &str, rest: &'t str) -> (Place, Class) {
        let understood = match word {
            "interface" => {
                let name = first_word(rest).0;
                let fits = is_interface_name(name);
                if fits {
                    self.members.push(name);
                }
                fits
            }
            // The form of an `l2-cross-connect`: both ends on one line.
            "interfaces" => {
                let before = self.members.len();
                self.members.extend(rest.split_ascii_whitespace().filter(|name| is_interface_name(name)));
                self.members.len() > before
            }
            "router-interface" => {
                let name = first_word(rest).0;
                assign(&mut self.router_interface, is_interface_name(name).then_some(name))
            }
            "admin-state" => assign(&mut self.admin, admin_state(rest)),
            "description" => assign(&mut self.description, Some(unquoted(rest))),
            "pw" | "neighbor" if !rest.is_empty() => {
                let (address, more) = first_word(rest);
                let id = more.strip_prefix("pw-id ").map(|id| id.trim_ascii().to_owned());
                // The flattened form names it again with each of its settings.
                if self.neighbors.last().is_none_or(|last| last.address != address) {
                    self.neighbors.push(Neighbor { address: address.to_owned(), id });
                }
                return (Place::Pseudowire(at, self.neighbors.len() - 1), Class::Read);
            }
            "vpws-service-id" => match service_ids(rest) {
                // The far end is found by BGP, so its address is not configured:
                // the pair of ids is what identifies it.
                Some(id) => {
                    self.neighbors.push(Neighbor { address: "vpws-service-id".to_owned(), id: Some(id) });
                    true
                }
                None => false,
            },
            // A VRF is mostly routing; only its members are facts of ours.
            _ if self.kind == ServiceKind::Vrf => return (Place::Outside, Class::Ignored),
            _ => return known(words::of_service(word)),
        };
        if understood { (Place::Outside, Class::Read) } else { (Place::Lost, Class::Unread) }
    }
}

fn assign<T>(field: &mut Option<T>, value: Option<T>) -> bool {
    let understood = value.is_some();
    if understood {
        *field = value;
    }
    understood
}

/// The words in the first column of a configuration, for telling what it is.
pub(super) fn top_words(text: &str) -> impl Iterator<Item = &str> {
    lines(text)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()) && !is_blank(line))
        .map(|line| first_word(line.trim_ascii_end()).0)
}
