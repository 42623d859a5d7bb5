//! The configuration → ports, VLANs and services.
//!
//! Two blanks of indent a level, nothing that closes a block. People also keep
//! single blocks whose indent was lost, so a setting that only an interface
//! has, in the first column, belongs to the interface above it.

use std::borrow::Cow;

use crate::model::{AdminState, Encapsulation, EncapsulationKind, ServiceKind};
use crate::platform::lines::{Shape, Tree, first_word, tagged, walk};
use crate::platform::reading::{Class, Tally};
use crate::platform::switch::{Config, id_list, is_keyword, is_system_name, long_name, unquoted, vlan_ids};

use super::{FAMILIES, words};

/// Reads one configuration, and counts its lines.
pub(super) fn read<'t>(text: &'t str, config: &mut Config<'t>, tally: &mut Tally) -> Shape {
    let mut lines = Lines { config, vlans: Vec::new(), domains: Vec::new(), vnis: Vec::new(), above: None };
    walk(text, &mut lines, tally)
}

struct Lines<'w, 't> {
    config: &'w mut Config<'t>,
    /// The VLANs of the block that we are in; likewise bridge domains and VNIs.
    vlans: Vec<u16>,
    domains: Vec<usize>,
    vnis: Vec<usize>,
    /// The interface above, as long as nothing else came between.
    above: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Top,
    Vlan,
    Port(usize),
    /// `member vni` of a tunnel endpoint.
    Member,
    ServiceInstance(usize),
    Evpn,
    Vrf(usize),
    BridgeDomain,
    /// `l2vpn …`: a cross-connect or a virtual forwarding instance.
    L2vpn(usize),
    /// Known, and below it nothing of ours.
    Outside,
    /// Below a line that we did not understand.
    Lost,
}

const READ: (Place, Class) = (Place::Outside, Class::Read);
const IGNORED: (Place, Class) = (Place::Outside, Class::Ignored);
const UNREAD: (Place, Class) = (Place::Lost, Class::Unread);

impl<'t> Tree<'t> for Lines<'_, 't> {
    type Place = Place;
    const TOP: Place = Place::Top;

    fn step(&mut self, place: Place, line: &'t str) -> (Place, Class) {
        let (word, rest) = first_word(line);
        match place {
            Place::Top => self.top(word, rest),
            Place::Vlan => self.vlan(word, rest),
            Place::Port(at) => self.port(at, word, rest),
            Place::Member => match word {
                // A VNI that is flooded to addresses has its neighbours here.
                "peer-ip" if !rest.is_empty() => {
                    for at in &self.vnis {
                        self.config.instances[*at].meets(rest, None);
                    }
                    READ
                }
                // How it is flooded; the addresses stand below.
                "ingress-replication" => (Place::Member, Class::Ignored),
                _ => IGNORED,
            },
            Place::ServiceInstance(at) => self.service_instance(at, word, rest),
            Place::Evpn => match (word, id_list(first_word(rest).0)) {
                ("vni", Some(vnis)) => {
                    for vni in vnis {
                        self.config.instance(ServiceKind::Evpn, Cow::Owned(vni.to_string()));
                    }
                    READ
                }
                ("vni", None) => UNREAD,
                _ => IGNORED,
            },
            Place::Vrf(at) => match word {
                "vni" => {
                    self.config.instances[at].meets("vni", Some(first_word(rest).0));
                    READ
                }
                // A VRF is mostly routing.
                _ => IGNORED,
            },
            Place::BridgeDomain => self.bridge_domain(word, rest),
            Place::L2vpn(at) => self.l2vpn(at, word, rest),
            Place::Outside => IGNORED,
            Place::Lost => UNREAD,
        }
    }

    fn remark(&mut self, line: &'t str) -> Class {
        self.config.signs.head |=
            line.starts_with("!Command: show ") || line.starts_with("!RANCID-CONTENT-TYPE:");
        if let Some(at) = line.strip_prefix("!Running configuration last done at:") {
            self.config.changed = Some(at.trim_ascii());
        }
        Class::Ignored
    }
}

impl<'t> Lines<'_, 't> {
    /// A line in the first column.
    fn top(&mut self, word: &'t str, rest: &'t str) -> (Place, Class) {
        if let Some(at) = self.above
            && words::is_only_of_interface(word, rest)
        {
            return self.port(at, word, rest);
        }
        self.above = None;
        match word {
            "version" => self.config.signs.head = true,
            "hostname" | "switchname" if is_system_name(rest) => {
                self.config.signs.head = true;
                self.config.system = Some(rest);
                return READ;
            }
            "interface" => return self.interface(rest),
            "vlan" if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                let Some(ids) = vlan_ids(rest) else { return self.misread() };
                self.vlans.clear();
                self.vlans.extend(ids);
                for id in &self.vlans {
                    self.config.vlans.entry(*id).or_default();
                }
                return (Place::Vlan, Class::Read);
            }
            "evpn" if rest.is_empty() => return (Place::Evpn, Class::Read),
            "vrf" => {
                if let Some(name) = rest.strip_prefix("context ") {
                    let at = self.config.instance(ServiceKind::Vrf, Cow::Borrowed(name));
                    return (Place::Vrf(at), Class::Read);
                }
            }
            "bridge-domain" => {
                let Some(ids) = id_list(rest) else { return self.misread() };
                self.domains.clear();
                for id in ids {
                    let name = Cow::Owned(id.to_string());
                    self.domains.push(self.config.instance(ServiceKind::BridgeDomain, name));
                }
                return (Place::BridgeDomain, Class::Read);
            }
            "l2vpn" => {
                let kind = if rest.starts_with("xconnect context ") {
                    ServiceKind::Xconnect
                } else if rest.starts_with("vfi context ") {
                    ServiceKind::Vpls
                } else {
                    return IGNORED;
                };
                let name = rest.rsplit(' ').next().unwrap_or("");
                return (Place::L2vpn(self.config.instance(kind, Cow::Borrowed(name))), Class::Read);
            }
            // Without it ports are routed on some chassis and switched on others: the tables tell.
            "system" if rest == "default switchport" => {
                self.config.switched = Some(true);
                return READ;
            }
            "line" => self.config.signs.tail |= matches!(rest, "console" | "vty"),
            _ if !is_keyword(word) => return UNREAD,
            _ => {}
        }
        IGNORED
    }

    fn interface(&mut self, name: &'t str) -> (Place, Class) {
        self.config.signs.interfaces = true;
        let Some(long) = long_name(name, FAMILIES) else {
            return if words::is_other_interface(name) { IGNORED } else { UNREAD };
        };
        let at = self.config.port(long, name);
        self.above = Some(at);
        if let Some(id) = self.config.ports[at].name.strip_prefix("Bdi") {
            let (id, router) = (id.to_owned(), self.config.ports[at].name.clone());
            let domain = self.config.instance(ServiceKind::BridgeDomain, Cow::Owned(id));
            self.config.instances[domain].router_interface = Some(router);
        }
        (Place::Port(at), Class::Read)
    }

    fn misread(&mut self) -> (Place, Class) {
        self.config.misread = true;
        UNREAD
    }

    fn vlan(&mut self, word: &str, rest: &'t str) -> (Place, Class) {
        match word {
            "name" => {
                for id in &self.vlans {
                    self.config.vlans.insert(*id, Some(rest.to_owned()));
                }
                READ
            }
            "vn-segment" => {
                let Some(mut vnis) = id_list(rest) else { return self.misread() };
                for id in &self.vlans {
                    let Some(vni) = vnis.next() else { return self.misread() };
                    let at = self.config.instance(ServiceKind::Evpn, Cow::Owned(vni.to_string()));
                    self.config.instances[at].meets("vlan", Some(&id.to_string()));
                }
                READ
            }
            _ if words::of_vlan(word) => IGNORED,
            _ => UNREAD,
        }
    }

    fn port(&mut self, at: usize, word: &str, rest: &'t str) -> (Place, Class) {
        let port = &mut self.config.ports[at];
        match word {
            "shutdown" if rest.is_empty() => port.admin = Some(AdminState::Down),
            "description" => port.description = (!rest.is_empty()).then(|| unquoted(rest)),
            "mtu" => match rest.parse() {
                Ok(mtu) => port.mtu = Some(mtu),
                Err(_) => return UNREAD,
            },
            "switchport" => match port.switchport(rest) {
                Some(true) => {}
                Some(false) => return IGNORED,
                None => return self.misread(),
            },
            "channel-group" => {
                let id = first_word(rest).0;
                if id == "auto" {
                    return IGNORED;
                }
                if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
                    return self.misread();
                }
                port.bundle = Some(format!("port-channel{id}"));
            }
            "encapsulation" => match tags(rest) {
                Some(tags) => port.encapsulation = Some(tags),
                None if words::of_encapsulation(rest) => return IGNORED,
                None => return self.misread(),
            },
            "vrf" => match rest.strip_prefix("member ") {
                Some(name) => port.service = Some((ServiceKind::Vrf, Cow::Borrowed(name.trim_ascii()))),
                None => return IGNORED,
            },
            "service" if rest.starts_with("instance ") => {
                let id = first_word(&rest["instance ".len()..]).0;
                let parent = port.name.clone();
                let at = self.config.attachment(&parent, &format!("EFP{id}"));
                return (Place::ServiceInstance(at), Class::Read);
            }
            "member" if port.name.starts_with("nve") => return self.member(at, rest),
            "no" => match (first_word(rest), rest) {
                (_, "shutdown") => port.admin = Some(AdminState::Up),
                (("switchport", what), _) => {
                    return if port.no_switchport(what) { READ } else { IGNORED };
                }
                (("description", _), _) => port.description = None,
                (("channel-group", _), _) => port.bundle = None,
                (("encapsulation", _), _) => port.encapsulation = None,
                (("vrf", what), _) if what.starts_with("member") => port.service = None,
                ((word, _), _) => return if words::of_interface(word) { IGNORED } else { UNREAD },
            },
            _ => return if words::of_interface(word) { IGNORED } else { UNREAD },
        }
        READ
    }

    /// `member vni 10010`, `member vni 50001 associate-vrf`.
    fn member(&mut self, port: usize, rest: &'t str) -> (Place, Class) {
        let Some(rest) = rest.strip_prefix("vni ") else { return IGNORED };
        let (list, more) = first_word(rest);
        let Some(vnis) = id_list(list) else { return self.misread() };
        self.vnis.clear();
        if more.starts_with("associate-vrf") {
            return (Place::Member, Class::Read);
        }
        for vni in vnis {
            let at = self.config.instance(ServiceKind::Evpn, Cow::Owned(vni.to_string()));
            let name = self.config.ports[port].name.clone();
            self.config.instances[at].members.push(name);
            self.vnis.push(at);
        }
        (Place::Member, Class::Read)
    }

    fn service_instance(&mut self, at: usize, word: &str, rest: &'t str) -> (Place, Class) {
        match word {
            "encapsulation" => match tags(rest) {
                Some(tags) => self.config.ports[at].encapsulation = Some(tags),
                None if rest.starts_with("profile ") => return IGNORED,
                None => return self.misread(),
            },
            "description" => self.config.ports[at].description = Some(unquoted(rest)),
            "shutdown" => self.config.ports[at].admin = Some(AdminState::Down),
            "no" if rest == "shutdown" => self.config.ports[at].admin = Some(AdminState::Up),
            "bridge-domain" if !rest.is_empty() => {
                let domain = Cow::Borrowed(first_word(rest).0);
                self.config.instance(ServiceKind::BridgeDomain, domain.clone());
                self.config.ports[at].service = Some((ServiceKind::BridgeDomain, domain));
            }
            _ => return IGNORED,
        }
        READ
    }

    fn bridge_domain(&mut self, word: &str, rest: &'t str) -> (Place, Class) {
        match (word, rest) {
            ("name" | "description", _) => {
                for at in &self.domains {
                    self.config.instances[*at].description = Some(unquoted(rest));
                }
            }
            ("shutdown", "") | ("no", "shutdown") => {
                let state = if word == "no" { AdminState::Up } else { AdminState::Down };
                for at in &self.domains {
                    self.config.instances[*at].admin = Some(state);
                }
            }
            ("member", _) => {
                if let Some(list) = rest.strip_prefix("vni ") {
                    let Some(mut vnis) = id_list(list) else { return self.misread() };
                    for at in self.domains.clone() {
                        let Some(vni) = vnis.next() else { return self.misread() };
                        let name = self.config.instances[at].name.clone();
                        let evpn = self.config.instance(ServiceKind::Evpn, Cow::Owned(vni.to_string()));
                        self.config.instances[evpn].meets("bridge-domain", Some(&name));
                    }
                } else if let Some(name) = member(rest) {
                    for at in &self.domains {
                        self.config.instances[*at].members.push(Cow::Owned(name.clone()));
                    }
                } else if !rest.starts_with("vfi ") && !rest.starts_with("pseudowire") {
                    return UNREAD;
                }
            }
            _ => return IGNORED,
        }
        READ
    }

    fn l2vpn(&mut self, at: usize, word: &str, rest: &'t str) -> (Place, Class) {
        let instance = &mut self.config.instances[at];
        match word {
            "description" => instance.description = Some(unquoted(rest)),
            "member" => {
                let (first, more) = first_word(rest);
                if let Some(name) = member(rest) {
                    instance.members.push(Cow::Owned(name));
                } else if first.starts_with(|c: char| c.is_ascii_digit()) {
                    let id = first_word(more).0;
                    instance.meets(first, (!id.is_empty() && id != "encapsulation").then_some(id));
                } else if first.starts_with("pseudowire") {
                    instance.meets(first, None);
                } else {
                    return UNREAD;
                }
            }
            _ => return IGNORED,
        }
        READ
    }
}

/// `Ethernet1/1 service instance 10`, `port-channel1.100`.
fn member(text: &str) -> Option<String> {
    let (name, rest) = first_word(text);
    let long = long_name(name, FAMILIES)?;
    if let Some(id) =
        rest.strip_prefix("service instance ").or_else(|| rest.strip_prefix("service-instance "))
    {
        return Some(format!("{long}.EFP{}", first_word(id).0));
    }
    rest.is_empty().then(|| long.into_owned())
}

/// `dot1q 10`, `dot1q 10 second-dot1q 20`, `untagged`, `default`.
fn tags(text: &str) -> Option<Encapsulation> {
    let (word, rest) = first_word(text);
    let plain = |kind| Some(Encapsulation { kind, ..Encapsulation::default() });
    match word {
        "dot1q" | "dot1Q" | "dot1ad" => {
            let mut words = rest.split_ascii_whitespace().peekable();
            let mut list = String::new();
            // A list may be written with blanks behind its commas.
            while let Some(part) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                if !list.is_empty() {
                    list.push(' ');
                }
                list.push_str(part);
            }
            let inner = match words.next() {
                None => None,
                Some("second-dot1q" | "second-dot1Q") => Some(words.collect::<Vec<_>>().join(" ")),
                Some(_) => return None,
            };
            let mut tags = tagged(&list, inner.as_deref())?;
            tags.tpid = (word == "dot1ad").then(|| "0x88a8".to_owned());
            Some(tags)
        }
        "untagged" => plain(EncapsulationKind::Untagged),
        "default" => plain(EncapsulationKind::Default),
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn encapsulations() {
        let shown =
            |text| tags(text).map(|t| (t.kind, t.outer.unwrap_or_default(), t.inner.unwrap_or_default()));
        assert_eq!(shown("dot1q 10"), Some((EncapsulationKind::Dot1q, "10".into(), String::new())));
        assert_eq!(
            shown("dot1q 10 second-dot1q 20"),
            Some((EncapsulationKind::Qinq, "10".into(), "20".into()))
        );
        assert_eq!(shown("dot1q 5, 7-9"), Some((EncapsulationKind::Range, "5,7-9".into(), String::new())));
        assert_eq!(shown("untagged"), Some((EncapsulationKind::Untagged, String::new(), String::new())));
        for text in ["dot1q", "dot1q x", "dot1q 5000", "dot1q 10 new 20", "mpls"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let (mut config, mut tally) = (Config::default(), Tally::default());
        let text =
            "hostname a\nvlan 10,x\ninterface Ethernet1/1\n  encapsulation dot1q ten\n  new-word 1\n(...)\n";
        read(text, &mut config, &mut tally);
        assert!(config.misread);
        assert_eq!((tally.counts.read, tally.counts.unread), (2, 4));
    }

    #[test]
    fn a_block_whose_indent_was_lost() {
        let mut config = Config::default();
        let text = "interface Ethernet104/1/23\ndescription to the firewall\nswitchport access vlan 114\n\
            channel-group 147\nvlan 5\nname five\n";
        read(text, &mut config, &mut Tally::default());
        let port = config.port_named("Ethernet104/1/23").unwrap();
        assert_eq!(port.bundle.as_deref(), Some("port-channel147"));
        assert_eq!(port.access, Some("114"));
        assert_eq!(port.description.as_deref(), Some("to the firewall"));
    }
}
