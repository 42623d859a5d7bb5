//! The configuration → interfaces, bridge domains and services.
//!
//! One blank of indent a level, and every block closed by `!` in its own
//! column, which is a sign of completeness that IOS does not have.
//!
//! A bridge domain is unique within its group only, so its name here is
//! `GROUP:DOMAIN`, which is how `show l2vpn bridge-domain brief` writes it. A
//! cross-connect is named the same way: `GROUP:NAME`.

use crate::model::{AdminState, Neighbor, ServiceKind};
use crate::platform::frames::{encapsulation, unusual};
use crate::platform::gathered::Gathered;
use crate::platform::lines::{FreeText, Tree, banner, first_word, parent_of, tagged};
use crate::platform::reading::Class;

use super::names;

/// The reader of one configuration. [`Config::finish`] ends it.
pub(super) struct Config<'t, 'g> {
    pub(super) gathered: &'g mut Gathered,
    pub(super) host_names: Vec<&'t str>,
    /// Names of interfaces, as written.
    pub(super) written: Vec<&'t str>,
    /// A setting of ours has a value that we do not understand.
    pub(super) misread: bool,
    pub(super) ended: bool,
    /// Settings behind the end.
    pub(super) after_end: bool,
    pub(super) remarks: Remarks,
    /// Cross-connects: what kind one is shows only in its last lines.
    pub(super) lines: Vec<Line<'t>>,
}

/// What the remarks at the head say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Remarks {
    /// `!! IOS XR Configuration 7.3.2` was there.
    pub(super) header: bool,
}

/// One cross-connect.
#[derive(Debug)]
pub(super) struct Line<'t> {
    name: String,
    pub(super) kind: ServiceKind,
    pub(super) members: Vec<&'t str>,
    pub(super) neighbors: Vec<Neighbor>,
}

/// Where in the tree a line stands. Numbers index [`Gathered`] or the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'t> {
    Top,
    Port(usize),
    L2vpn,
    Group(&'t str),
    Domain(usize),
    /// A VFI, or the pseudowires of a domain.
    Pseudowires(usize),
    XconnectGroup(&'t str),
    Line(usize),
    /// `flexible-xconnect-service`: `vlan-aware evi N` and the like.
    Flexible(usize),
    Evpn,
    /// Known, and below it nothing of ours.
    Outside,
    /// Below a line that we did not understand.
    Lost,
}

const READ: (Place<'_>, Class) = (Place::Outside, Class::Read);
const IGNORED: (Place<'_>, Class) = (Place::Outside, Class::Ignored);

impl<'t> Tree<'t> for Config<'t, '_> {
    type Place = Place<'t>;
    const TOP: Self::Place = Place::Top;

    fn step(&mut self, place: Place<'t>, line: &'t str) -> (Place<'t>, Class) {
        let (word, rest) = first_word(line);
        match place {
            Place::Top => self.top(word, rest),
            Place::Port(at) => self.port(at, word, rest),
            Place::L2vpn => match (word, first_word(rest)) {
                ("bridge", ("group", name)) if !name.is_empty() => (Place::Group(name), Class::Read),
                ("xconnect", ("group", name)) if !name.is_empty() => {
                    (Place::XconnectGroup(name), Class::Read)
                }
                ("flexible-xconnect-service", (_, name)) if !name.is_empty() => {
                    let name = name.rsplit(' ').next().unwrap_or(name);
                    (Place::Flexible(self.line(name.to_owned(), ServiceKind::EvpnVpwsFxc)), Class::Read)
                }
                _ => IGNORED,
            },
            Place::Group(group) => match word {
                "bridge-domain" if !rest.is_empty() => {
                    (Place::Domain(self.bridge_domain(group, rest)), Class::Read)
                }
                _ => self.lost(),
            },
            Place::Domain(at) => self.domain(at, word, rest),
            Place::Pseudowires(at) => match word {
                "neighbor" => self.far_end(at, rest),
                "vpn-id" => READ,
                _ => IGNORED,
            },
            Place::XconnectGroup(group) => match word {
                "p2p" if !rest.is_empty() => {
                    (Place::Line(self.line(format!("{group}:{rest}"), ServiceKind::Xconnect)), Class::Read)
                }
                _ => IGNORED,
            },
            Place::Line(at) | Place::Flexible(at) => self.line_setting(place, at, word, rest),
            Place::Evpn => match word {
                "evi" => {
                    let name = first_word(rest).0;
                    if name.is_empty() {
                        return self.lost();
                    }
                    self.gathered.service(ServiceKind::Evpn, name);
                    READ
                }
                _ => IGNORED,
            },
            Place::Outside => IGNORED,
            Place::Lost => (Place::Lost, Class::Unread),
        }
    }

    fn remark(&mut self, line: &'t str) -> Class {
        self.remarks.header |= line.starts_with("!! IOS XR Configuration");
        Class::Ignored
    }

    /// The body of a policy or a set has an indent of its own making.
    fn free_text(&self, line: &'t str) -> Option<FreeText<'t>> {
        let (word, _) = first_word(line);
        match word {
            "route-policy" => Some(FreeText::Line("end-policy")),
            "policy-global" => Some(FreeText::Line("end-global")),
            "banner" => banner(line),
            _ if is_set(word) => Some(FreeText::Line("end-set")),
            _ => None,
        }
    }
}

/// The kinds of sets that policies compare with.
fn is_set(word: &str) -> bool {
    matches!(
        word,
        "prefix-set"
            | "as-path-set"
            | "community-set"
            | "extcommunity-set"
            | "large-community-set"
            | "rd-set"
            | "tag-set"
            | "ospf-area-set"
            | "mac-set"
            | "esi-set"
            | "etag-set"
    )
}

impl<'t, 'g> Config<'t, 'g> {
    pub(super) fn new(gathered: &'g mut Gathered) -> Self {
        Self {
            gathered,
            host_names: Vec::new(),
            written: Vec::new(),
            misread: false,
            ended: false,
            after_end: false,
            remarks: Remarks::default(),
            lines: Vec::new(),
        }
    }

    /// Hands the cross-connects over, now that their kinds are known.
    pub(super) fn finish(&mut self) {
        for line in std::mem::take(&mut self.lines) {
            let at = self.gathered.service(line.kind, &line.name);
            self.gathered.services[at].neighbors.extend(line.neighbors);
            for member in line.members {
                self.gathered.member(member, line.kind, &line.name);
            }
        }
    }

    fn top(&mut self, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        self.after_end |= self.ended;
        match word {
            "interface" => self.interface(rest),
            // XR has it in its header; here begins the configuration of another system.
            "version" => self.lost(),
            "hostname" => {
                self.host_names.push(rest);
                READ
            }
            "end" if rest.is_empty() => {
                self.ended = true;
                READ
            }
            "l2vpn" if rest.is_empty() => (Place::L2vpn, Class::Read),
            "evpn" if rest.is_empty() => (Place::Evpn, Class::Read),
            "vrf" if !rest.is_empty() && !rest.contains(' ') => {
                self.gathered.service(ServiceKind::Vrf, rest);
                READ
            }
            _ => IGNORED,
        }
    }

    /// `interface NAME [l2transport]`, `interface preconfigure NAME`: a port of
    /// a card that is not there is configured all the same.
    fn interface(&mut self, rest: &'t str) -> (Place<'t>, Class) {
        let preconfigured = rest.strip_prefix("preconfigure ");
        let (name, mode) = first_word(preconfigured.unwrap_or(rest));
        if !names::is_interface_name(name) {
            return self.lost();
        }
        let at = self.open(name, preconfigured.is_some());
        // Named again without the word, it stays what it is.
        self.gathered.interfaces[at].l2 |= mode == "l2transport";
        (Place::Port(at), Class::Read)
    }

    /// The interface of that name, which is up until something says that it is not.
    pub(super) fn open(&mut self, name: &'t str, preconfigured: bool) -> usize {
        let (at, new) = self.gathered.interface(name);
        if new {
            let fact = &mut self.gathered.interfaces[at];
            fact.admin = Some(AdminState::Up);
            fact.parent = parent_of(name).map(str::to_owned);
            if !preconfigured {
                self.written.push(name);
            }
        }
        at
    }

    fn port(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        let fact = &mut self.gathered.interfaces[at];
        match word {
            "description" => fact.description = Some(rest.to_owned()),
            "shutdown" if rest.is_empty() => fact.admin = Some(AdminState::Down),
            "no" if rest == "shutdown" => fact.admin = Some(AdminState::Up),
            "mtu" => match rest.parse() {
                Ok(mtu) => fact.mtu = Some(mtu),
                Err(_) => return self.lost(),
            },
            "l2transport" if rest.is_empty() => fact.l2 = true,
            "encapsulation" => match encapsulation(rest) {
                Some(encapsulation) => fact.encapsulation = encapsulation,
                // `encapsulation ppp` is of another kind of line.
                None if rest.starts_with("ppp") || rest.starts_with("hdlc") || rest.starts_with("frame") => {
                    return IGNORED;
                }
                None => return self.lost(),
            },
            // Before release 4, and on routed sub-interfaces: `dot1q vlan 10 [20]`.
            "dot1q" => {
                if let Some(tags) = rest.strip_prefix("vlan ") {
                    let (outer, inner) = first_word(tags);
                    let Some(encapsulation) = tagged(outer, (!inner.is_empty()).then_some(inner)) else {
                        return self.lost();
                    };
                    fact.encapsulation = encapsulation;
                } else {
                    let ethertype = rest.strip_prefix("tunneling ethertype ").and_then(unusual);
                    if ethertype.is_none() {
                        return IGNORED;
                    }
                    fact.encapsulation.tpid = ethertype;
                }
            }
            // Rewrites frames; says nothing about which frames are taken.
            "rewrite" => {}
            "bundle" => match rest.strip_prefix("id ").map(|rest| first_word(rest).0) {
                Some(number) if number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty() => {
                    fact.bundle = Some(format!("Bundle-Ether{number}"));
                }
                Some(_) => return self.lost(),
                None => return IGNORED,
            },
            "vrf" if !rest.is_empty() => {
                let interface = fact.name.clone();
                self.gathered.member(&interface, ServiceKind::Vrf, rest);
            }
            _ => return IGNORED,
        }
        READ
    }

    fn lost(&mut self) -> (Place<'t>, Class) {
        self.misread = true;
        (Place::Lost, Class::Unread)
    }

    /// The bridge domain of that name in that group.
    pub(super) fn bridge_domain(&mut self, group: &str, name: &str) -> usize {
        let at = self.gathered.domain(&format!("{group}:{name}"));
        self.gathered.domains[at].admin.get_or_insert(AdminState::Up);
        at
    }

    fn domain(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        let name = self.gathered.domains[at].name.clone();
        match word {
            "interface" if names::is_interface_name(rest) => {
                self.gathered.member(rest, ServiceKind::BridgeDomain, &name);
                READ
            }
            "routed" => match rest.strip_prefix("interface ") {
                Some(port) if names::is_interface_name(port) => {
                    self.gathered.domains[at].router_interface = Some(port.to_owned());
                    READ
                }
                _ => self.lost(),
            },
            "shutdown" if rest.is_empty() => {
                self.gathered.domains[at].admin = Some(AdminState::Down);
                READ
            }
            "description" => {
                self.gathered.domains[at].description = Some(rest.to_owned());
                READ
            }
            // The pseudowires of a domain itself are a VPLS of the domain's name.
            "neighbor" if !rest.starts_with("evpn ") => {
                let service = self.gathered.service(ServiceKind::Vpls, &name);
                self.far_end(service, rest)
            }
            "vfi" | "access-vfi" if !rest.is_empty() => {
                (Place::Pseudowires(self.gathered.service(ServiceKind::Vpls, rest)), Class::Read)
            }
            "evi" if !rest.is_empty() => {
                self.gathered.service(ServiceKind::Evpn, first_word(rest).0);
                READ
            }
            "interface" => self.lost(),
            _ => IGNORED,
        }
    }

    /// `192.0.2.1 pw-id 7`.
    fn far_end(&mut self, service: usize, rest: &'t str) -> (Place<'t>, Class) {
        let Some(neighbor) = far_end(rest) else { return self.lost() };
        self.gathered.services[service].neighbors.push(neighbor);
        READ
    }

    pub(super) fn line(&mut self, name: String, kind: ServiceKind) -> usize {
        self.lines.push(Line { name, kind, members: Vec::new(), neighbors: Vec::new() });
        self.lines.len() - 1
    }

    /// Below a cross-connect. The backup of a pseudowire stands below it.
    fn line_setting(
        &mut self,
        place: Place<'t>,
        at: usize,
        word: &'t str,
        rest: &'t str,
    ) -> (Place<'t>, Class) {
        let line = &mut self.lines[at];
        match word {
            "interface" if names::is_interface_name(rest) => {
                line.members.push(rest);
                READ
            }
            "neighbor" | "backup" => {
                let rest =
                    if word == "backup" { rest.strip_prefix("neighbor ").unwrap_or(rest) } else { rest };
                if let Some(rest) = rest.strip_prefix("evpn ") {
                    let Some(neighbor) = evpn_end(rest) else { return self.lost() };
                    if line.kind == ServiceKind::Xconnect {
                        line.kind = ServiceKind::EvpnVpws;
                    }
                    line.neighbors.push(neighbor);
                } else {
                    let Some(neighbor) = far_end(rest) else { return self.lost() };
                    line.neighbors.push(neighbor);
                }
                (place, Class::Read)
            }
            "description" => READ,
            "interface" => self.lost(),
            _ => IGNORED,
        }
    }
}

/// `[ipv4] 192.0.2.1 pw-id 7`.
fn far_end(rest: &str) -> Option<Neighbor> {
    let rest = rest.strip_prefix("ipv4 ").or(rest.strip_prefix("ipv6 ")).unwrap_or(rest);
    let (address, more) = first_word(rest);
    let id = first_word(more.strip_prefix("pw-id ")?).0;
    (!address.is_empty() && !id.is_empty())
        .then(|| Neighbor { address: address.to_owned(), id: Some(id.to_owned()) })
}

/// `evi 100 target 12 source 10`, `evi 100 service 12`: the far end is found by
/// BGP, so the ids are what identifies it. Written as `source:target`.
fn evpn_end(rest: &str) -> Option<Neighbor> {
    let mut words = rest.split_ascii_whitespace();
    let (mut evi, mut target, mut source) = (None, None, None);
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        match key {
            "evi" => evi = Some(value),
            "target" => target = Some(value),
            "source" => source = Some(value),
            "service" => (target, source) = (Some(value), Some(value)),
            _ => {}
        }
    }
    let (evi, target) = (evi?, target?);
    let id = source.map_or_else(|| target.to_owned(), |source| format!("{source}:{target}"));
    Some(Neighbor { address: format!("evi-{evi}"), id: Some(id) })
}
