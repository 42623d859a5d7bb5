//! What a word of the configuration means at its place. One step a word, so
//! that blocks, `set` lines and XML say the same.

use crate::platform::curly::{self, Tree, bare};
use crate::platform::reading::Class;

use super::config::{Config, Switch};
use super::{values, words};

/// Where in the configuration we are. The numbers index [`Config`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Top,
    /// Known, and below it nothing of ours.
    Outside,
    /// Below a word that we did not understand.
    Lost,
    /// Read, and what stands below it is part of what was read.
    Done,
    System,
    HostName,
    Groups,
    Group(usize),
    ApplyGroups,
    Interfaces,
    RangeName,
    Port(usize),
    PortValue(usize, PortKey),
    /// Below `gigether-options`.
    Ether(usize),
    Units(usize),
    Unit(usize),
    UnitValue(usize, UnitKey),
    Families(usize),
    Switching(usize),
    SwitchVlan(usize),
    /// Entries of `vlans` (true) or `bridge-domains`, of an instance or of the device.
    Domains(Option<usize>, bool),
    Domain(usize),
    DomainValue(usize, DomainKey),
    Instances,
    Instance(usize),
    InstanceValue(usize, InstanceKey),
    InstanceProtocols(usize),
    Vpls(usize),
    Evpn(usize),
    /// An interface of an EVPN-VPWS, by its number in `pairs`.
    Attachment(usize, usize),
    AttachmentIds(usize, usize),
    AttachmentId(usize, usize, bool),
    L2vpn(usize),
    Site(usize, usize),
    SiteValue(usize, usize, SiteKey),
    Protocols,
    L2circuit,
    Neighbor,
    /// Below `l2circuit neighbor A`; the address stands in the tree.
    At,
    CircuitInterface,
    Circuit(usize),
    CircuitId(usize),
    LocalSwitching,
    LocalInterface,
    Local(usize),
    EndInterface(usize),
    Connections,
    SwitchName,
    CrossBody(usize),
    CrossMember(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortKey {
    Description,
    Mtu,
    Encapsulation,
    Bundle,
    Member,
    SpanFrom,
    SpanTo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKey {
    Description,
    Encapsulation,
    /// One tag: `vlan-id` and its lists and ranges.
    Single,
    Tags,
    Outer,
    Inner,
    /// `vlan-id` and `vlan-id-list` of a family, and `vlan members`.
    Members,
    SwitchInner,
    Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DomainKey {
    Id,
    Interface,
    Router,
    Description,
    /// `vlan-tags` of a bridge domain: how it names frames inside, not which it takes.
    Normalised,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstanceKey {
    Kind,
    Description,
    Interface,
    Neighbor,
    VplsId,
    MeshGroup,
    Attachment,
    Site,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SiteKey {
    Id,
    Interface,
    /// Below an interface of a site.
    Body,
    Remote,
}

/// A configuration while it is read.
#[derive(Debug, Default)]
pub(super) struct Builder<'t> {
    pub(super) config: Config<'t>,
    /// The groups are in the text already: `display inheritance`.
    pub(super) expanded: bool,
    /// The `l2circuit neighbor` that we are below.
    neighbor: &'t str,
}

use Class::{Ignored, Read, Unread};

impl<'t> Tree<'t> for Builder<'t> {
    type Place = Place;

    fn is_settled(place: Place) -> bool {
        matches!(place, Place::Outside | Place::Lost | Place::Done)
    }

    fn statement(&mut self, place: Place, words: &'t str) -> (Place, Class) {
        let first = words.split(' ').next().unwrap_or("");
        if !first.ends_with(':') {
            return curly::walk(self, place, words);
        }
        let rest = words[first.len()..].trim_ascii_start();
        match first {
            // As if it were not there.
            "inactive:" => (Place::Outside, Ignored),
            "protect:" | "active:" => self.statement(place, rest),
            // Files for `load replace` and `load patch`: no configuration that runs.
            "replace:" => {
                self.config.patch = true;
                curly::walk(self, place, rest)
            }
            "delete:" => {
                self.config.patch = true;
                (Place::Outside, Ignored)
            }
            _ => curly::walk(self, place, words),
        }
    }

    fn step(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Outside => (Place::Outside, Ignored),
            Place::Lost => (Place::Lost, Unread),
            Place::Done => (Place::Done, Read),
            Place::Top => self.top(word),
            Place::System => match word {
                "host-name" => (Place::HostName, Read),
                _ => (Place::Outside, Ignored),
            },
            Place::HostName => {
                self.config.host_name = Some(bare(word));
                (Place::Done, Read)
            }
            Place::Groups => {
                let name = bare(word);
                let groups = &mut self.config.groups;
                let at = groups.iter().rposition(|(known, _)| *known == name).unwrap_or_else(|| {
                    groups.push((name, false));
                    groups.len() - 1
                });
                (Place::Group(at), Ignored)
            }
            Place::Group(at) => {
                self.config.groups[at].1 |= words::of_facts(word);
                (Place::Outside, Ignored)
            }
            Place::ApplyGroups => (Place::ApplyGroups, self.apply(bare(word))),
            Place::Interfaces
            | Place::RangeName
            | Place::Port(_)
            | Place::PortValue(..)
            | Place::Ether(_)
            | Place::Units(_) => self.port(place, word),
            Place::Unit(_)
            | Place::UnitValue(..)
            | Place::Families(_)
            | Place::Switching(_)
            | Place::SwitchVlan(_) => self.unit(place, word),
            Place::Domains(..) | Place::Domain(_) | Place::DomainValue(..) => self.domain(place, word),
            Place::Instances
            | Place::Instance(_)
            | Place::InstanceValue(..)
            | Place::InstanceProtocols(_)
            | Place::Vpls(_)
            | Place::Evpn(_)
            | Place::Attachment(..)
            | Place::AttachmentIds(..)
            | Place::AttachmentId(..)
            | Place::L2vpn(_)
            | Place::Site(..)
            | Place::SiteValue(..) => self.instance(place, word),
            _ => self.protocols(place, word),
        }
    }
}

impl<'t> Builder<'t> {
    fn top(&mut self, word: &str) -> (Place, Class) {
        match word {
            "system" => (Place::System, Ignored),
            "interfaces" => {
                self.config.has_interfaces = true;
                (Place::Interfaces, Read)
            }
            "vlans" => {
                self.config.has_services = true;
                (Place::Domains(None, true), Read)
            }
            "bridge-domains" => {
                self.config.has_services = true;
                (Place::Domains(None, false), Read)
            }
            "routing-instances" => {
                self.config.has_services = true;
                (Place::Instances, Read)
            }
            "protocols" => (Place::Protocols, Ignored),
            "groups" => (Place::Groups, Ignored),
            "apply-groups" => (Place::ApplyGroups, Ignored),
            // Policies, access, security, class of service; logical systems and
            // tenants are devices of their own within the device.
            _ if is_keyword(word) => (Place::Outside, Ignored),
            _ => (Place::Lost, Unread),
        }
    }

    /// A group is applied here.
    fn apply(&mut self, name: &str) -> Class {
        let known = self.config.groups.iter().find(|(group, _)| *group == name).map(|(_, ours)| *ours);
        // `${node}`, `${re}`: which one it is depends on where it runs.
        let ours = match known {
            Some(ours) => ours,
            None if name.contains("${") => self.config.groups.iter().any(|(_, ours)| *ours),
            None => true,
        };
        if self.expanded || !ours {
            return Ignored;
        }
        self.config.unexpanded = true;
        Unread
    }

    fn misread(&mut self) -> (Place, Class) {
        self.config.misread = true;
        (Place::Lost, Unread)
    }

    fn port(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Interfaces => match word {
                "interface-range" => (Place::RangeName, Read),
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "interface-set" | "stacked-interface-set" | "traceoptions" => {
                    (Place::Outside, Ignored)
                }
                _ => {
                    let name = bare(word);
                    match name.split_once('.') {
                        Some((port, number)) if values::is_port(port) && is_number(number) => {
                            let port = self.config.port(port, false);
                            (Place::Unit(self.config.unit(port, number)), Read)
                        }
                        None if values::is_port(name) => (Place::Port(self.config.port(name, false)), Read),
                        _ => (Place::Lost, Unread),
                    }
                }
            },
            Place::RangeName => {
                let port = self.config.port(bare(word), true);
                self.config.range(port);
                (Place::Port(port), Read)
            }
            Place::Port(at) => match word {
                "unit" => (Place::Units(at), Read),
                "disable" => {
                    self.config.ports[at].disable = true;
                    (Place::Done, Read)
                }
                "enable" => (Place::Done, Read),
                "description" => (Place::PortValue(at, PortKey::Description), Read),
                "mtu" => (Place::PortValue(at, PortKey::Mtu), Read),
                "encapsulation" => (Place::PortValue(at, PortKey::Encapsulation), Read),
                "gigether-options" | "ether-options" | "fastether-options" => (Place::Ether(at), Ignored),
                "member" if self.config.ports[at].is_range => (Place::PortValue(at, PortKey::Member), Read),
                "member-range" if self.config.ports[at].is_range => {
                    (Place::PortValue(at, PortKey::SpanFrom), Read)
                }
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "apply-macro" => (Place::Outside, Ignored),
                _ => known(words::of_port(word)),
            },
            Place::PortValue(at, key) => self.port_value(at, key, word),
            Place::Ether(at) => match word {
                "802.3ad" | "ieee-802.3ad" | "redundant-parent" => {
                    (Place::PortValue(at, PortKey::Bundle), Read)
                }
                _ => (Place::Outside, Ignored),
            },
            Place::Units(at) if is_number(word) => (Place::Unit(self.config.unit(at, word)), Read),
            _ => (Place::Lost, Unread),
        }
    }

    fn port_value(&mut self, at: usize, key: PortKey, word: &'t str) -> (Place, Class) {
        let port = &mut self.config.ports[at];
        match key {
            PortKey::Description => port.description = Some(word),
            PortKey::Mtu => match word.parse() {
                Ok(mtu) => port.mtu = Some(mtu),
                Err(_) => return (Place::Lost, Unread),
            },
            PortKey::Encapsulation => port.l2 = is_l2_port(word),
            PortKey::Bundle => match word {
                // How XML says it.
                "bundle" => return (Place::PortValue(at, key), Read),
                "lacp" | "link-index" | "port-priority" | "primary" | "backup" => {
                    return (Place::Outside, Ignored);
                }
                name if values::is_port(name) => port.bundle = Some(name),
                _ => return self.misread(),
            },
            PortKey::Member => {
                let name = bare(word);
                if values::member_names(name).is_none() {
                    return self.misread();
                }
                self.config.range(at).names.push(name);
                return (Place::PortValue(at, PortKey::Member), Read);
            }
            PortKey::SpanFrom => {
                self.config.range(at).spans.push((bare(word), None));
                return (Place::PortValue(at, PortKey::SpanTo), Read);
            }
            PortKey::SpanTo => {
                if word == "to" || word == "end-range" {
                    return (Place::PortValue(at, PortKey::SpanTo), Read);
                }
                let Some((from, to)) = self.config.range(at).spans.last_mut() else { return self.misread() };
                *to = Some(bare(word));
                if values::span_names(from, bare(word)).is_none() {
                    return self.misread();
                }
            }
        }
        (Place::Done, Read)
    }

    fn unit(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Unit(at) => match word {
                "family" => (Place::Families(at), Read),
                "disable" => {
                    self.config.units[at].disable = true;
                    (Place::Done, Read)
                }
                "enable" => (Place::Done, Read),
                "description" => (Place::UnitValue(at, UnitKey::Description), Read),
                "encapsulation" => (Place::UnitValue(at, UnitKey::Encapsulation), Read),
                "vlan-id" | "vlan-id-list" | "vlan-id-range" => (Place::UnitValue(at, UnitKey::Single), Read),
                "vlan-tags" => (Place::UnitValue(at, UnitKey::Tags), Read),
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "apply-macro" => (Place::Outside, Ignored),
                _ => known(words::of_unit(word)),
            },
            Place::UnitValue(at, key) => self.unit_value(at, key, word),
            Place::Families(at) => match word {
                "bridge" | "ethernet-switching" => {
                    let unit = &mut self.config.units[at];
                    unit.l2 = true;
                    unit.switch.get_or_insert_default();
                    (Place::Switching(at), Read)
                }
                "ccc" | "vpls" | "tcc" => {
                    self.config.units[at].l2 = true;
                    (Place::Done, Read)
                }
                _ if is_keyword(word) => (Place::Outside, Ignored),
                _ => (Place::Lost, Unread),
            },
            Place::Switching(at) => match word {
                "interface-mode" | "port-mode" => (Place::UnitValue(at, UnitKey::Mode), Read),
                "vlan" => (Place::SwitchVlan(at), Read),
                "vlan-id" | "vlan-id-list" => (Place::UnitValue(at, UnitKey::Members), Read),
                "inner-vlan-id-list" => (Place::UnitValue(at, UnitKey::SwitchInner), Read),
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "apply-macro" => (Place::Outside, Ignored),
                _ => known(words::of_switching(word)),
            },
            Place::SwitchVlan(at) if word == "members" => (Place::UnitValue(at, UnitKey::Members), Read),
            _ => (Place::Lost, Unread),
        }
    }

    fn unit_value(&mut self, at: usize, key: UnitKey, word: &'t str) -> (Place, Class) {
        let same = (Place::UnitValue(at, key), Read);
        let unit = &mut self.config.units[at];
        match key {
            UnitKey::Description => unit.description = Some(word),
            UnitKey::Encapsulation => unit.l2 |= is_l2_unit(word),
            UnitKey::Single => {
                if !(word == "none" || values::is_tags(word) || values::with_tpid(word).is_some()) {
                    return self.misread();
                }
                unit.tags.single.push(word);
                return same;
            }
            UnitKey::Tags => match word {
                "outer" => return (Place::UnitValue(at, UnitKey::Outer), Read),
                "inner" | "inner-list" | "inner-range" => {
                    return (Place::UnitValue(at, UnitKey::Inner), Read);
                }
                _ => return self.misread(),
            },
            UnitKey::Outer => {
                if values::with_tpid(word).is_none() {
                    return self.misread();
                }
                unit.tags.outer = Some(word);
                return (Place::UnitValue(at, UnitKey::Tags), Read);
            }
            UnitKey::Inner => {
                if word == "outer" {
                    return (Place::UnitValue(at, UnitKey::Outer), Read);
                }
                if !(values::is_tags(word) || values::with_tpid(word).is_some()) {
                    return self.misread();
                }
                unit.tags.inner.push(word);
                return same;
            }
            UnitKey::Members => {
                unit.switch.get_or_insert_default().members.push(bare(word));
                return same;
            }
            UnitKey::SwitchInner => {
                if !values::is_tags(word) {
                    return self.misread();
                }
                unit.switch.get_or_insert_default().inner.push(word);
                return same;
            }
            UnitKey::Mode => {
                let trunk = match word {
                    // A tagged access port is a trunk for one host.
                    "trunk" | "tagged-access" => true,
                    "access" => false,
                    _ => return self.misread(),
                };
                let switch: &mut Switch<'_> = unit.switch.get_or_insert_default();
                switch.trunk = trunk;
            }
        }
        (Place::Done, Read)
    }

    fn domain(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Domains(instance, is_vlan) => match word {
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "apply-macro" | "traceoptions" => (Place::Outside, Ignored),
                _ => (Place::Domain(self.config.domain(instance, bare(word), is_vlan)), Read),
            },
            Place::Domain(at) => match word {
                "vlan-id" | "vlan-id-list" | "vlan-range" => (Place::DomainValue(at, DomainKey::Id), Read),
                "interface" => (Place::DomainValue(at, DomainKey::Interface), Read),
                "l3-interface" | "routing-interface" => (Place::DomainValue(at, DomainKey::Router), Read),
                "description" => (Place::DomainValue(at, DomainKey::Description), Read),
                "vlan-tags" => (Place::DomainValue(at, DomainKey::Normalised), Ignored),
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "apply-macro" => (Place::Outside, Ignored),
                _ => known(words::of_domain(word)),
            },
            Place::DomainValue(at, key) => {
                let domain = &mut self.config.domains[at];
                match key {
                    DomainKey::Id => {
                        if !(matches!(word, "all" | "none") || values::is_tags(word)) {
                            return self.misread();
                        }
                        domain.ids.push(word);
                        return (Place::DomainValue(at, key), Read);
                    }
                    DomainKey::Interface => domain.members.push(bare(word)),
                    DomainKey::Router => domain.router = Some(bare(word)),
                    DomainKey::Description => domain.description = Some(word),
                    DomainKey::Normalised => return (Place::Outside, Ignored),
                }
                (Place::Done, Read)
            }
            _ => (Place::Lost, Unread),
        }
    }

    fn instance(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Instances => match word {
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "traceoptions" => (Place::Outside, Ignored),
                _ => (Place::Instance(self.config.instance(bare(word))), Read),
            },
            Place::Instance(at) => match word {
                "instance-type" => (Place::InstanceValue(at, InstanceKey::Kind), Read),
                "description" => (Place::InstanceValue(at, InstanceKey::Description), Read),
                "interface" => (Place::InstanceValue(at, InstanceKey::Interface), Read),
                "bridge-domains" => (Place::Domains(Some(at), false), Read),
                "vlans" => (Place::Domains(Some(at), true), Read),
                "protocols" => (Place::InstanceProtocols(at), Read),
                "apply-groups" => (Place::ApplyGroups, Ignored),
                "apply-groups-except" | "apply-macro" => (Place::Outside, Ignored),
                _ => known(words::of_instance(word)),
            },
            Place::InstanceValue(at, key) => self.instance_value(at, key, word),
            Place::InstanceProtocols(at) => match word {
                "vpls" => {
                    self.config.instances[at].vpls = true;
                    (Place::Vpls(at), Read)
                }
                "evpn" => {
                    self.config.instances[at].evpn = true;
                    (Place::Evpn(at), Read)
                }
                "l2vpn" => (Place::L2vpn(at), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::Vpls(at) => match word {
                "neighbor" => (Place::InstanceValue(at, InstanceKey::Neighbor), Read),
                "vpls-id" => (Place::InstanceValue(at, InstanceKey::VplsId), Read),
                "mesh-group" => (Place::InstanceValue(at, InstanceKey::MeshGroup), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::Evpn(at) => match word {
                "interface" => (Place::InstanceValue(at, InstanceKey::Attachment), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::Attachment(at, pair) => match word {
                "vpws-service-id" => (Place::AttachmentIds(at, pair), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::AttachmentIds(at, pair) => match word {
                "local" => (Place::AttachmentId(at, pair, true), Read),
                "remote" => (Place::AttachmentId(at, pair, false), Read),
                _ => self.misread(),
            },
            Place::AttachmentId(at, pair, local) => {
                let ids = &mut self.config.instances[at].pairs[pair];
                *(if local { &mut ids.1 } else { &mut ids.2 }) = Some(word);
                (Place::AttachmentIds(at, pair), Read)
            }
            Place::L2vpn(at) => match word {
                "site" => (Place::InstanceValue(at, InstanceKey::Site), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::Site(at, site) => match word {
                "site-identifier" => (Place::SiteValue(at, site, SiteKey::Id), Read),
                "interface" => (Place::SiteValue(at, site, SiteKey::Interface), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::SiteValue(at, number, key) => {
                let site = &mut self.config.instances[at].sites[number];
                match key {
                    SiteKey::Id => site.1 = Some(word),
                    SiteKey::Interface => return (Place::SiteValue(at, number, SiteKey::Body), Read),
                    SiteKey::Body if word == "remote-site-id" => {
                        return (Place::SiteValue(at, number, SiteKey::Remote), Read);
                    }
                    SiteKey::Body => return (Place::Outside, Ignored),
                    SiteKey::Remote => site.2.push(word),
                }
                (Place::Done, Read)
            }
            _ => (Place::Lost, Unread),
        }
    }

    fn instance_value(&mut self, at: usize, key: InstanceKey, word: &'t str) -> (Place, Class) {
        let instance = &mut self.config.instances[at];
        match key {
            InstanceKey::Kind => instance.kind = Some(word),
            InstanceKey::Description => instance.description = Some(word),
            InstanceKey::Interface => instance.members.push(bare(word)),
            InstanceKey::Neighbor => instance.neighbors.push(word),
            InstanceKey::VplsId => instance.vpls_id = Some(word),
            // What stands in it, stands in the whole.
            InstanceKey::MeshGroup => return (Place::Vpls(at), Read),
            InstanceKey::Attachment => {
                let name = bare(word);
                let pair =
                    instance.pairs.iter().rposition(|(known, ..)| *known == name).unwrap_or_else(|| {
                        instance.pairs.push((name, None, None));
                        instance.pairs.len() - 1
                    });
                return (Place::Attachment(at, pair), Read);
            }
            InstanceKey::Site => {
                let name = bare(word);
                let site =
                    instance.sites.iter().rposition(|(known, ..)| *known == name).unwrap_or_else(|| {
                        instance.sites.push((name, None, Vec::new()));
                        instance.sites.len() - 1
                    });
                return (Place::Site(at, site), Read);
            }
        }
        (Place::Done, Read)
    }

    fn protocols(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Protocols => match word {
                "l2circuit" => {
                    self.config.has_services = true;
                    (Place::L2circuit, Read)
                }
                "connections" => (Place::Connections, Read),
                _ => (Place::Outside, Ignored),
            },
            Place::L2circuit => match word {
                "neighbor" => (Place::Neighbor, Read),
                "local-switching" => (Place::LocalSwitching, Read),
                "apply-groups" => (Place::ApplyGroups, Ignored),
                _ => (Place::Outside, Ignored),
            },
            Place::Neighbor => {
                self.neighbor = word;
                (Place::At, Read)
            }
            Place::At => match word {
                "interface" => (Place::CircuitInterface, Read),
                _ => (Place::Outside, Ignored),
            },
            Place::CircuitInterface => (Place::Circuit(self.config.circuit(self.neighbor, bare(word))), Read),
            Place::Circuit(at) => match word {
                "virtual-circuit-id" => (Place::CircuitId(at), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::CircuitId(at) => {
                self.config.circuits[at].id = Some(word);
                (Place::Done, Read)
            }
            Place::LocalSwitching => match word {
                "interface" => (Place::LocalInterface, Read),
                _ => (Place::Outside, Ignored),
            },
            Place::LocalInterface => (Place::Local(self.config.cross(bare(word), true)), Read),
            Place::Local(at) => match word {
                "end-interface" => (Place::EndInterface(at), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::EndInterface(at) | Place::CrossBody(at) => match word {
                "interface" => (Place::CrossMember(at), Read),
                _ => (Place::Outside, Ignored),
            },
            Place::Connections => match word {
                "interface-switch" => (Place::SwitchName, Read),
                _ => (Place::Outside, Ignored),
            },
            Place::SwitchName => (Place::CrossBody(self.config.cross(bare(word), false)), Read),
            Place::CrossMember(at) => {
                self.config.crosses[at].members.push(bare(word));
                (Place::Done, Read)
            }
            _ => (Place::Lost, Unread),
        }
    }
}

fn known(outside: bool) -> (Place, Class) {
    if outside { (Place::Outside, Ignored) } else { (Place::Lost, Unread) }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.len() <= 10 && word.bytes().all(|b| b.is_ascii_digit())
}

/// What a hierarchy's name looks like.
pub(super) fn is_keyword(word: &str) -> bool {
    word.len() <= 40
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// An encapsulation of a port that makes its units layer 2.
/// `flexible-ethernet-services` and `vlan-…` leave it to each unit.
fn is_l2_port(word: &str) -> bool {
    matches!(
        word,
        "ethernet-bridge"
            | "ethernet-ccc"
            | "ethernet-tcc"
            | "ethernet-vpls"
            | "extended-vlan-bridge"
            | "extended-vlan-ccc"
            | "extended-vlan-tcc"
            | "extended-vlan-vpls"
    )
}

fn is_l2_unit(word: &str) -> bool {
    is_l2_port(word) || matches!(word, "vlan-bridge" | "vlan-ccc" | "vlan-tcc" | "vlan-vpls")
}
