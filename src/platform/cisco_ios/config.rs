//! The configuration → interfaces, service instances, VLANs, bridge domains
//! and services.
//!
//! One blank of indent a level; `!` between blocks; `end` last. Only a few
//! words are ours: of the hundreds that an interface may have, those that are
//! neither here nor a value that we should understand are outside our facts.

use std::collections::HashMap;

use crate::model::fact::canonical_tags;
use crate::model::{AdminState, Encapsulation, EncapsulationKind, ServiceKind};
use crate::platform::frames::encapsulation;
use crate::platform::gathered::Gathered;
use crate::platform::lines::{FreeText, Tree, TrunkVlans, access, banner, first_word, one_tag, parent_of};
use crate::platform::reading::Class;

use super::names;

/// The reader of one configuration. [`Config::finish`] ends it.
pub(super) struct Config<'t, 'g> {
    gathered: &'g mut Gathered,
    pub(super) host_names: Vec<&'t str>,
    /// Names of interfaces, as written.
    pub(super) written: Vec<&'t str>,
    /// A setting of ours has a value that we do not understand.
    pub(super) misread: bool,
    /// Something here belongs to a switch: it has VLANs of its own.
    pub(super) switches: bool,
    pub(super) ended: bool,
    /// Settings behind the end.
    pub(super) after_end: bool,
    pub(super) version: bool,
    /// It is the configuration of another system: nothing of it is read.
    foreign: bool,
    /// The VLANs of the block that we are in.
    vlans: Vec<(u16, u16)>,
    /// The switch port that we are in.
    switch: Option<(usize, Switch)>,
    /// `interface pseudowireN` → its far end.
    pseudowires: HashMap<&'t str, (&'t str, Option<&'t str>)>,
    /// Services that name a pseudowire.
    over: Vec<(usize, &'t str)>,
}

/// What `switchport …` lines say of one port.
#[derive(Debug, Default)]
struct Switch {
    mode: Option<Mode>,
    access: Option<Encapsulation>,
    trunk: TrunkVlans,
    has_trunk: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Access,
    Trunk,
}

/// Where in the tree a line stands. The numbers index [`Gathered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'t> {
    Top,
    Port(usize),
    Instance(usize),
    /// A pseudowire of a service: its backup stands below it.
    Service(usize),
    Vlan,
    Domain(usize),
    /// `l2vpn evpn instance N …`.
    Evpn(usize),
    Pseudowire(&'t str),
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
            Place::Top if self.foreign => self.lost(),
            Place::Top => self.top(word, rest),
            Place::Port(at) => self.port(at, word, rest),
            Place::Instance(at) => self.instance(at, word, rest),
            Place::Service(at) => self.service(at, word, rest),
            Place::Vlan => self.vlan(word, rest),
            Place::Domain(at) => self.domain(at, word, rest),
            Place::Evpn(at) => self.evpn(at, word, rest),
            Place::Pseudowire(name) => self.pseudowire(name, word, rest),
            Place::Outside => IGNORED,
            Place::Lost => (Place::Lost, Class::Unread),
        }
    }

    /// The headers of IOS-XR, NX-OS and EOS.
    fn remark(&mut self, line: &'t str) -> Class {
        let foreign = ["!! IOS XR Configuration", "!Command: show ", "! Command: show ", "! device: "];
        let is_foreign = foreign.iter().any(|head| line.starts_with(head));
        self.foreign |= is_foreign;
        if is_foreign { Class::Unread } else { Class::Ignored }
    }

    /// `macro name X` holds lines up to `@`.
    fn free_text(&self, line: &'t str) -> Option<FreeText<'t>> {
        if line.starts_with("macro name ") { Some(FreeText::Line("@")) } else { banner(line) }
    }
}

impl<'t, 'g> Config<'t, 'g> {
    pub(super) fn new(gathered: &'g mut Gathered) -> Self {
        Self {
            gathered,
            host_names: Vec::new(),
            written: Vec::new(),
            misread: false,
            switches: false,
            ended: false,
            after_end: false,
            version: false,
            foreign: false,
            vlans: Vec::new(),
            switch: None,
            pseudowires: HashMap::new(),
            over: Vec::new(),
        }
    }

    /// What is only known at the end: the far ends of named pseudowires, and
    /// the routed interfaces of bridge domains.
    pub(super) fn finish(&mut self) {
        self.leave_port();
        for (service, name) in std::mem::take(&mut self.over) {
            if let Some((address, id)) = self.pseudowires.get(name) {
                self.gathered.neighbor(service, address, *id);
            }
        }
        for at in 0..self.gathered.domains.len() {
            let routed = format!("BDI{}", self.gathered.domains[at].name);
            if self.gathered.find(&routed).is_some() {
                self.gathered.domains[at].router_interface = Some(routed);
            }
        }
    }

    fn top(&mut self, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        self.leave_port();
        self.after_end |= self.ended;
        match word {
            "interface" => return self.interface(rest),
            "hostname" => {
                self.host_names.push(rest.trim_matches('"'));
                return READ;
            }
            "version" => self.version = true,
            "end" if rest.is_empty() => {
                self.ended = true;
                return READ;
            }
            "vlan" => return self.vlan_list(rest),
            "bridge-domain" if names::is_number(rest) => {
                let at = self.gathered.domain(rest);
                self.gathered.domains[at].admin = Some(AdminState::Up);
                return (Place::Domain(at), Class::Read);
            }
            "l2vpn" => return self.l2vpn(rest),
            "l2" => {
                if let Some(name) = rest.strip_prefix("vfi ").map(|rest| first_word(rest).0) {
                    return (Place::Service(self.gathered.service(ServiceKind::Vpls, name)), Class::Read);
                }
            }
            "vrf" => {
                if let Some(name) = rest.strip_prefix("definition ") {
                    self.gathered.service(ServiceKind::Vrf, name);
                    return READ;
                }
            }
            "ip" => {
                // `ip vrf X`, and not `ip vrf forwarding` or a receive list.
                if let Some(name) = rest.strip_prefix("vrf ").filter(|name| !name.contains(' ')) {
                    self.gathered.service(ServiceKind::Vrf, name);
                    return READ;
                }
            }
            "connect" => return self.connect(rest),
            _ => {}
        }
        IGNORED
    }

    fn interface(&mut self, rest: &'t str) -> (Place<'t>, Class) {
        let (name, _kind) = first_word(rest);
        if name == "range" || !names::is_interface_name(name) {
            self.misread = true;
            return (Place::Lost, Class::Unread);
        }
        if name.starts_with("pseudowire") {
            return (Place::Pseudowire(name), Class::Read);
        }
        let long = names::long(name);
        let (at, new) = self.gathered.interface(&long);
        if new {
            let fact = &mut self.gathered.interfaces[at];
            fact.admin = Some(AdminState::Up);
            fact.parent = parent_of(&long).map(str::to_owned);
            self.written.push(name);
        }
        (Place::Port(at), Class::Read)
    }

    fn port(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        if word == "service" && rest.starts_with("instance ") {
            return self.new_instance(at, &rest["instance ".len()..]);
        }
        if self.set(at, word, rest) {
            return READ;
        }
        match word {
            "encapsulation" => {
                let is_ours = rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("dot"));
                if is_ours { self.lost() } else { IGNORED }
            }
            "switchport" => self.switchport(at, rest),
            "no" if rest == "switchport" => {
                self.switch = None;
                self.gathered.interfaces[at].l2 = false;
                self.switches = true;
                READ
            }
            "channel-group" => {
                let number = first_word(rest).0;
                if !names::is_number(number) {
                    return self.lost();
                }
                self.gathered.interfaces[at].bundle = Some(format!("Port-channel{number}"));
                READ
            }
            "xconnect" => self.xconnect(at, rest),
            "vrf" | "ip" => {
                let vrf = if word == "ip" { rest.strip_prefix("vrf ") } else { Some(rest) };
                match vrf.and_then(|rest| rest.strip_prefix("forwarding ")) {
                    Some(name) => self.join(at, ServiceKind::Vrf, name),
                    None => return IGNORED,
                }
                READ
            }
            _ => IGNORED,
        }
    }

    /// Settings that a port and a service instance have alike.
    fn set(&mut self, at: usize, word: &str, rest: &str) -> bool {
        let fact = &mut self.gathered.interfaces[at];
        match word {
            "description" => fact.description = Some(rest.to_owned()),
            "shutdown" if rest.is_empty() => fact.admin = Some(AdminState::Down),
            "no" if rest == "shutdown" => fact.admin = Some(AdminState::Up),
            "mtu" => match rest.parse() {
                Ok(mtu) => fact.mtu = Some(mtu),
                Err(_) => return false,
            },
            "encapsulation" => match encapsulation(rest) {
                Some(encapsulation) => fact.encapsulation = encapsulation,
                None => return false,
            },
            _ => return false,
        }
        true
    }

    fn lost(&mut self) -> (Place<'t>, Class) {
        self.misread = true;
        (Place::Lost, Class::Unread)
    }

    fn join(&mut self, at: usize, kind: ServiceKind, name: &str) {
        let interface = self.gathered.interfaces[at].name.clone();
        self.gathered.member(&interface, kind, name);
    }

    /// `service instance [trunk] 10 ethernet [EVC]`.
    fn new_instance(&mut self, port: usize, rest: &'t str) -> (Place<'t>, Class) {
        let rest = rest.strip_prefix("trunk ").unwrap_or(rest);
        let (number, kind) = first_word(rest);
        if !names::is_number(number) || !kind.starts_with("ethernet") {
            return self.lost();
        }
        let parent = self.gathered.interfaces[port].name.clone();
        let (at, new) = self.gathered.interface(&names::instance(&parent, number));
        if new {
            let fact = &mut self.gathered.interfaces[at];
            fact.as_printed.push(names::instance_in_words(&parent, number));
            fact.admin = Some(AdminState::Up);
            fact.parent = Some(parent);
            fact.l2 = true;
        }
        (Place::Instance(at), Class::Read)
    }

    fn instance(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        if self.set(at, word, rest) {
            return READ;
        }
        match word {
            // Rewrites frames; says nothing about which frames are taken.
            "rewrite" => READ,
            "encapsulation" => self.lost(),
            "bridge-domain" => {
                let name = first_word(rest).0;
                if names::is_number(name) {
                    self.join(at, ServiceKind::BridgeDomain, name);
                } else if name != "from-encapsulation" {
                    return self.lost();
                }
                READ
            }
            "xconnect" => self.xconnect(at, rest),
            _ => IGNORED,
        }
    }

    /// `xconnect 10.0.0.1 100 encapsulation mpls`: the service has no name but
    /// its far end. `xconnect vfi NAME` joins a VFI.
    fn xconnect(&mut self, at: usize, rest: &'t str) -> (Place<'t>, Class) {
        self.gathered.interfaces[at].l2 = true;
        let (peer, more) = first_word(rest);
        let id = first_word(more).0;
        if peer == "vfi" && !id.is_empty() {
            self.join(at, ServiceKind::Vpls, id);
            return READ;
        }
        if !peer.starts_with(|c: char| c.is_ascii_hexdigit()) || !names::is_number(id) {
            return self.lost();
        }
        let name = format!("{peer}:{id}");
        self.join(at, ServiceKind::Xconnect, &name);
        let service = self.gathered.service(ServiceKind::Xconnect, &name);
        self.gathered.neighbor(service, peer, Some(id));
        (Place::Service(service), Class::Read)
    }

    fn switchport(&mut self, at: usize, rest: &'t str) -> (Place<'t>, Class) {
        self.switches = true;
        if self.switch.as_ref().is_none_or(|(port, _)| *port != at) {
            self.leave_port();
            self.switch = Some((at, Switch::default()));
        }
        let Some((_, switch)) = &mut self.switch else { return IGNORED };
        let (word, value) = first_word(rest);
        match (word, first_word(value)) {
            ("mode", ("access" | "dot1q-tunnel", _)) => {
                switch.mode = Some(Mode::Access);
                READ
            }
            ("mode", ("trunk", _)) => {
                switch.mode = Some(Mode::Trunk);
                READ
            }
            // `switchport` alone, and a mode that is negotiated.
            ("" | "mode", _) => READ,
            ("access", ("vlan", id)) => match access(id) {
                Some(access) => {
                    switch.access = Some(access);
                    READ
                }
                // `dynamic`, or a name: another source says which VLAN it is.
                None => self.lost(),
            },
            ("trunk", ("allowed", list)) => match list.strip_prefix("vlan ") {
                Some(list) if switch.trunk.set(list) => {
                    switch.has_trunk = true;
                    READ
                }
                _ => self.lost(),
            },
            ("trunk", _) => {
                switch.has_trunk = true;
                READ
            }
            _ => IGNORED,
        }
    }

    /// What the lines of a switch port came to.
    fn leave_port(&mut self) {
        let Some((at, switch)) = self.switch.take() else { return };
        let fact = &mut self.gathered.interfaces[at];
        fact.l2 = true;
        let mode = match switch.mode {
            Some(mode) => mode,
            // Not said: the port negotiates. What is configured tells what it is for.
            None if switch.access.is_some() => Mode::Access,
            None if switch.has_trunk => Mode::Trunk,
            None => return,
        };
        fact.encapsulation = match (mode, switch.access) {
            (Mode::Trunk, _) => switch.trunk.encapsulation(),
            (Mode::Access, Some(access)) => access,
            (Mode::Access, None) => Encapsulation {
                kind: EncapsulationKind::Untagged,
                outer: Some("1".to_owned()),
                ..Encapsulation::default()
            },
        };
        if mode == Mode::Access
            && let Some(id) = fact.encapsulation.outer.as_deref().and_then(|id| id.parse().ok())
        {
            let name = fact.name.clone();
            if let Some(vlan) = self.gathered.vlans.get_mut(&id) {
                vlan.interfaces.push(name);
            }
        }
    }

    /// `vlan 10`, `vlan 10,20-30`; other words behind `vlan` are not VLANs.
    fn vlan_list(&mut self, rest: &'t str) -> (Place<'t>, Class) {
        let Some(list) = one_tag(rest).or_else(|| canonical_tags(rest)) else { return IGNORED };
        self.switches = true;
        self.vlans.clear();
        for part in list.split(',') {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(low), Ok(high)) = (low.parse(), high.parse()) {
                self.vlans.push((low, high));
            }
        }
        for (low, high) in &self.vlans {
            for id in *low..=*high {
                self.gathered.vlan(id);
            }
        }
        (Place::Vlan, Class::Read)
    }

    fn vlan(&mut self, word: &str, rest: &str) -> (Place<'t>, Class) {
        match (word, self.vlans.as_slice()) {
            ("name", [(low, high)]) if low == high => {
                self.gathered.vlan(*low).name = Some(rest.trim_matches('"').to_owned());
                READ
            }
            ("name", _) => self.lost(),
            _ => IGNORED,
        }
    }

    fn domain(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        match word {
            "member" => {
                let (name, more) = first_word(rest);
                match name {
                    // The far side of a domain, and no interface.
                    "vni" | "evpn-instance" | "vfi" | "access-vfi" => {}
                    _ if names::is_interface_name(name) => {
                        let Some(member) = member(name, more) else { return self.lost() };
                        let domain = self.gathered.domains[at].name.clone();
                        self.gathered.member(&member, ServiceKind::BridgeDomain, &domain);
                    }
                    _ => return self.lost(),
                }
                READ
            }
            "shutdown" if rest.is_empty() => {
                self.gathered.domains[at].admin = Some(AdminState::Down);
                READ
            }
            "description" => {
                self.gathered.domains[at].description = Some(rest.to_owned());
                READ
            }
            _ => IGNORED,
        }
    }

    fn l2vpn(&mut self, rest: &'t str) -> (Place<'t>, Class) {
        let (first, more) = first_word(rest);
        let (second, name) = first_word(more);
        match (first, second) {
            ("xconnect", "context") if !name.is_empty() => {
                (Place::Service(self.gathered.service(ServiceKind::Xconnect, name)), Class::Read)
            }
            ("vfi", "context") if !name.is_empty() => {
                (Place::Service(self.gathered.service(ServiceKind::Vpls, name)), Class::Read)
            }
            ("evpn", "instance") if !name.is_empty() => {
                let (number, kind) = first_word(name);
                let kind = if kind == "point-to-point" { ServiceKind::EvpnVpws } else { ServiceKind::Evpn };
                (Place::Evpn(self.gathered.service(kind, number)), Class::Read)
            }
            _ => IGNORED,
        }
    }

    /// Below an xconnect or a VFI: members and far ends.
    fn service(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        match word {
            "member" => self.service_member(at, rest),
            // `neighbor 10.0.0.1 100 encapsulation mpls`, where the id may be left out.
            "neighbor" => self.far_end(at, rest),
            "backup" => match rest.strip_prefix("peer ") {
                Some(peer) => self.far_end(at, peer),
                None => IGNORED,
            },
            "bridge-domain" if names::is_number(first_word(rest).0) => {
                self.gathered.domain(first_word(rest).0);
                READ
            }
            "vpn" | "description" => READ,
            _ => IGNORED,
        }
    }

    fn far_end(&mut self, at: usize, rest: &'t str) -> (Place<'t>, Class) {
        let (address, more) = first_word(rest);
        if address.is_empty() {
            return self.lost();
        }
        let id = first_word(more).0;
        self.gathered.neighbor(at, address, names::is_number(id).then_some(id));
        (Place::Service(at), Class::Read)
    }

    fn service_member(&mut self, at: usize, rest: &'t str) -> (Place<'t>, Class) {
        let (name, more) = first_word(rest);
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return self.far_end(at, rest);
        }
        if name.starts_with("pseudowire") {
            self.over.push((at, name));
            return READ;
        }
        let (true, Some(member)) = (names::is_interface_name(name), member(name, more)) else {
            return self.lost();
        };
        let service = &self.gathered.services[at];
        let (kind, name) = (service.kind, service.name.clone());
        self.gathered.member(&member, kind, &name);
        READ
    }

    /// `l2vpn evpn instance N point-to-point` holds contexts, each with its ids
    /// and its member.
    fn evpn(&mut self, at: usize, word: &'t str, rest: &'t str) -> (Place<'t>, Class) {
        match word {
            "vpws" => (Place::Evpn(at), Class::Read),
            "member" => self.service_member(at, rest),
            "service" => {
                // `service target 200 source 100`.
                let mut words = rest.split_ascii_whitespace();
                let (mut target, mut source) = (None, None);
                while let (Some(key), Some(value)) = (words.next(), words.next()) {
                    match key {
                        "target" => target = Some(value),
                        "source" => source = Some(value),
                        _ => return IGNORED,
                    }
                }
                if let (Some(target), Some(source)) = (target, source) {
                    self.gathered.neighbor(at, "vpws-service-id", Some(&format!("{source}:{target}")));
                }
                READ
            }
            _ => IGNORED,
        }
    }

    fn pseudowire(&mut self, name: &'t str, word: &str, rest: &'t str) -> (Place<'t>, Class) {
        if word != "neighbor" {
            return IGNORED;
        }
        let (address, more) = first_word(rest);
        let id = first_word(more).0;
        self.pseudowires.insert(name, (address, names::is_number(id).then_some(id)));
        READ
    }

    /// `connect NAME Gi0/1 10 Gi0/2 10`: two ends on this device, each an
    /// interface with or without the number of a service instance.
    fn connect(&mut self, rest: &'t str) -> (Place<'t>, Class) {
        let (name, ends) = first_word(rest);
        let mut members = Vec::new();
        let mut words = ends.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            if !names::is_interface_name(word) {
                break;
            }
            let port = names::long(word);
            members.push(match words.next_if(|word| names::is_number(word)) {
                Some(number) => names::instance(&port, number),
                None => port,
            });
        }
        if members.len() != 2 {
            return self.lost();
        }
        for member in members {
            self.gathered.member(&member, ServiceKind::L2CrossConnect, name);
        }
        READ
    }
}

/// `GigabitEthernet0/0/1 [service-instance 10 …]` → the name of the member.
fn member(name: &str, more: &str) -> Option<String> {
    let port = names::long(name);
    match more.strip_prefix("service-instance ") {
        Some(rest) => {
            let number = first_word(rest).0;
            names::is_number(number).then(|| names::instance(&port, number))
        }
        None => Some(port),
    }
}
