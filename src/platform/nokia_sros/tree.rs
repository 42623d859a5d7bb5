//! What a word of the configuration means at its place. Both CLIs use nearly
//! the same words, so one tree reads both; the forms differ in how blocks begin
//! and end.
//!
//! Services have some hundred settings of which a few are facts of ours; the
//! others are ignored where they look like a setting.

use crate::model::{AdminState, ServiceKind};
use crate::platform::curly::{Tree, bare};
use crate::platform::reading::Class;

use super::config::Config;
use super::sap;

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
    Configure,
    System,
    SystemName,
    PortName,
    Port(usize),
    Ethernet(usize),
    Mtu(usize),
    LagName,
    /// Members are listed in it.
    Lag(usize),
    LagMember(usize),
    Services,
    ServiceKey(Option<ServiceKind>),
    Service(usize),
    ServiceName(usize),
    ServiceId(usize),
    /// A value that is none of ours, within the heading of a service.
    Skip(usize),
    SdpKey,
    Sdp(usize),
    FarEnd(usize),
    Binding(usize),
    SapKey(Owner),
    Sap(usize),
    RoutedKey(usize),
    /// `subscriber-interface`, which holds group interfaces.
    SubscriberKey(usize),
    Subscriber(usize),
    Routed(usize),
    /// `bgp-evpn` of an epipe.
    Evpn(usize),
    /// The name of an end, then the end; true: the local one.
    EndName(usize, bool),
    End(usize, bool),
    EthTag(usize, bool),
    Router,
    BaseKey,
    RoutedPort(usize),
    Admin(Thing),
    /// Behind `no`.
    No(Thing),
    Description(Thing),
}

/// What a SAP stands in: a service, or an interface of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Service(usize),
    Routed(usize),
}

/// What has a state and a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Port(usize),
    Sap(usize),
    Routed(usize),
    /// Its state is no fact.
    Service,
}

/// A configuration while it is read.
#[derive(Debug, Default)]
pub(super) struct Builder<'t> {
    pub(super) config: Config<'t>,
    sdps: Vec<&'t str>,
}

use Class::{Ignored, Read, Unread};

impl<'t> Tree<'t> for Builder<'t> {
    type Place = Place;

    fn is_settled(place: Place) -> bool {
        matches!(place, Place::Outside | Place::Lost | Place::Done)
    }

    fn step(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Outside => (Place::Outside, Ignored),
            Place::Lost => (Place::Lost, Unread),
            Place::Done => (Place::Done, Read),
            Place::Top => match word {
                "configure" | "/configure" => (Place::Configure, Read),
                _ => outside(word),
            },
            Place::Configure => self.configure(word),
            Place::System => match word {
                "name" => (Place::SystemName, Read),
                _ => outside(word),
            },
            Place::SystemName => {
                self.config.name = Some(bare(word));
                (Place::Done, Read)
            }
            Place::PortName | Place::Port(_) | Place::Ethernet(_) | Place::Mtu(_) => self.port(place, word),
            Place::LagName | Place::Lag(_) | Place::LagMember(_) => self.lag(place, word),
            Place::Services
            | Place::ServiceKey(_)
            | Place::Service(_)
            | Place::ServiceName(_)
            | Place::ServiceId(_)
            | Place::Skip(_)
            | Place::SdpKey
            | Place::Sdp(_)
            | Place::FarEnd(_)
            | Place::Binding(_) => self.service(place, word),
            Place::SapKey(_) | Place::Sap(_) => self.sap(place, word),
            Place::Evpn(_) | Place::EndName(..) | Place::End(..) | Place::EthTag(..) => {
                self.evpn(place, word)
            }
            Place::RoutedKey(_)
            | Place::SubscriberKey(_)
            | Place::Subscriber(_)
            | Place::Routed(_)
            | Place::Router
            | Place::BaseKey
            | Place::RoutedPort(_) => self.routed(place, word),
            Place::Admin(thing) => match word {
                "enable" => self.set_admin(thing, AdminState::Up),
                "disable" => self.set_admin(thing, AdminState::Down),
                _ => self.misread(),
            },
            Place::No(thing) => match word {
                "shutdown" => self.set_admin(thing, AdminState::Up),
                _ => (Place::Outside, Ignored),
            },
            Place::Description(thing) => {
                match thing {
                    Thing::Port(at) => self.config.ports[at].description = Some(word),
                    Thing::Sap(at) => self.config.saps[at].description = Some(word),
                    Thing::Routed(at) => self.config.routed[at].description = Some(word),
                    Thing::Service => {}
                }
                (Place::Done, Read)
            }
        }
    }
}

impl<'t> Builder<'t> {
    fn configure(&mut self, word: &str) -> (Place, Class) {
        let place = match word {
            "system" => return (Place::System, Ignored),
            "port" => Place::PortName,
            "lag" => Place::LagName,
            "service" => Place::Services,
            "router" => return (Place::BaseKey, Read),
            _ => return outside(word),
        };
        self.config.any = true;
        (place, Read)
    }

    fn misread(&mut self) -> (Place, Class) {
        self.config.misread = true;
        (Place::Lost, Unread)
    }

    fn set_admin(&mut self, thing: Thing, state: AdminState) -> (Place, Class) {
        match thing {
            Thing::Port(at) => self.config.ports[at].admin = Some(state),
            Thing::Sap(at) => self.config.saps[at].admin = Some(state),
            Thing::Routed(at) => self.config.routed[at].admin = Some(state),
            Thing::Service => {}
        }
        (Place::Done, Read)
    }

    /// Settings that ports, SAPs and interfaces share.
    fn common(&mut self, thing: Thing, word: &str) -> Option<(Place, Class)> {
        Some(match word {
            "shutdown" => self.set_admin(thing, AdminState::Down),
            "no" => (Place::No(thing), Read),
            "admin-state" => (Place::Admin(thing), Read),
            "description" => (Place::Description(thing), Read),
            // Groups are not expanded: what they hold may be facts.
            "apply-groups" => (Place::Lost, Unread),
            _ => return None,
        })
    }

    fn port(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::PortName => {
                let name = bare(word);
                if sap::is_port(name) {
                    (Place::Port(self.config.port(name.to_owned())), Read)
                } else if matches!(name, "port-xc") || is_keyword(name) {
                    (Place::Outside, Ignored)
                } else {
                    (Place::Lost, Unread)
                }
            }
            Place::Port(at) => match word {
                "ethernet" => (Place::Ethernet(at), Read),
                _ => self.common(Thing::Port(at), word).unwrap_or_else(|| outside(word)),
            },
            Place::Ethernet(at) => match word {
                "mtu" => (Place::Mtu(at), Read),
                // How many tags its SAPs may have: their ids say which.
                "encap-type" | "mode" => (Place::Done, Read),
                _ => outside(word),
            },
            Place::Mtu(at) => match word.parse() {
                Ok(mtu) => {
                    self.config.ports[at].mtu = Some(mtu);
                    (Place::Done, Read)
                }
                Err(_) => (Place::Lost, Unread),
            },
            _ => (Place::Lost, Unread),
        }
    }

    fn lag(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::LagName => {
                let name = bare(word);
                let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
                let name = if digits { format!("lag-{name}") } else { name.to_owned() };
                (Place::Lag(self.config.port(name)), Read)
            }
            Place::Lag(at) => match word {
                "port" => (Place::LagMember(at), Read),
                "encap-type" | "mode" | "name" => (Place::Done, Read),
                _ => self.common(Thing::Port(at), word).unwrap_or_else(|| outside(word)),
            },
            Place::LagMember(at) => {
                let name = bare(word);
                if !sap::is_port(name) {
                    // `priority 10 sub-group 1` behind the members.
                    return if is_keyword(name) { (Place::Done, Read) } else { self.misread() };
                }
                let bundle = self.config.ports[at].name.clone();
                let port = self.config.port(name.to_owned());
                self.config.ports[port].bundle = Some(bundle);
                (Place::LagMember(at), Read)
            }
            _ => (Place::Lost, Unread),
        }
    }

    fn service(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Services => match word {
                "epipe" => (Place::ServiceKey(Some(ServiceKind::Epipe)), Read),
                "vpls" => (Place::ServiceKey(Some(ServiceKind::Vpls)), Read),
                "vprn" => (Place::ServiceKey(Some(ServiceKind::Vrf)), Read),
                "ipipe" | "apipe" | "cpipe" | "fpipe" => (Place::ServiceKey(Some(ServiceKind::Vpws)), Read),
                "ies" => (Place::ServiceKey(None), Read),
                "sdp" => (Place::SdpKey, Read),
                _ => outside(word),
            },
            Place::ServiceKey(kind) => (Place::Service(self.config.service(kind, bare(word))), Read),
            Place::Service(at) => match word {
                "sap" => (Place::SapKey(Owner::Service(at)), Read),
                "spoke-sdp" | "mesh-sdp" => (Place::Binding(at), Read),
                "interface" => (Place::RoutedKey(at), Read),
                "subscriber-interface" => (Place::SubscriberKey(at), Read),
                "service-name" | "name" => (Place::ServiceName(at), Read),
                "service-id" => (Place::ServiceId(at), Read),
                "bgp-evpn" => (Place::Evpn(at), Read),
                "customer" | "vpn" => (Place::Skip(at), Read),
                "create" | "m-vpls" | "b-vpls" | "i-vpls" | "etree" | "vc-switching" | "test" => {
                    (Place::Service(at), Read)
                }
                _ => self.common(Thing::Service, word).unwrap_or_else(|| outside(word)),
            },
            Place::Skip(at) => (Place::Service(at), Read),
            Place::ServiceName(at) => {
                self.config.services[at].name = Some(bare(word));
                (Place::Service(at), Read)
            }
            Place::ServiceId(at) => {
                self.config.services[at].id = Some(word);
                (Place::Done, Read)
            }
            Place::SdpKey => {
                let name = bare(word);
                let at = self.sdps.iter().position(|known| *known == name).unwrap_or_else(|| {
                    self.sdps.push(name);
                    self.sdps.len() - 1
                });
                (Place::Sdp(at), Read)
            }
            Place::Sdp(at) => match word {
                "far-end" => (Place::FarEnd(at), Read),
                // `sdp 10 mpls create`.
                "mpls" | "gre" | "l2tpv3" | "gre-eth-bridged" | "create" => (Place::Sdp(at), Read),
                _ => outside(word),
            },
            Place::FarEnd(at) => match word {
                "ip-address" => (Place::FarEnd(at), Read),
                "node-id" | "global-id" => (Place::Outside, Ignored),
                address => {
                    self.config.sdps.insert(self.sdps[at], address);
                    (Place::Done, Read)
                }
            },
            Place::Binding(at) => {
                let bindings = &mut self.config.services[at].bindings;
                if bindings.last() != Some(&word) {
                    bindings.push(word);
                }
                (Place::Outside, Read)
            }
            _ => (Place::Lost, Unread),
        }
    }

    fn sap(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::SapKey(owner) => {
                let id = bare(word);
                if sap::parse(id).is_none() {
                    return self.misread();
                }
                let (service, l2) = match owner {
                    Owner::Service(at) => {
                        (at, !matches!(self.config.services[at].kind, None | Some(ServiceKind::Vrf)))
                    }
                    Owner::Routed(at) => {
                        let routed = &mut self.config.routed[at];
                        routed.port = routed.port.or(Some(id));
                        routed.is_sap = true;
                        (routed.service.unwrap_or(0), false)
                    }
                };
                (Place::Sap(self.config.sap(id, service, l2)), Read)
            }
            Place::Sap(at) => match word {
                "create" => (Place::Sap(at), Read),
                _ => self.common(Thing::Sap(at), word).unwrap_or_else(|| outside(word)),
            },
            _ => (Place::Lost, Unread),
        }
    }

    fn evpn(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            Place::Evpn(at) => match word {
                "local-attachment-circuit" | "local-ac-name" => (Place::EndName(at, true), Read),
                "remote-attachment-circuit" | "remote-ac-name" => (Place::EndName(at, false), Read),
                _ => outside(word),
            },
            Place::EndName(at, local) => (Place::End(at, local), Read),
            Place::End(at, local) => match word {
                "eth-tag" => (Place::EthTag(at, local), Read),
                "create" => (Place::End(at, local), Read),
                _ => outside(word),
            },
            Place::EthTag(at, local) => {
                let ends = &mut self.config.services[at].ends;
                *(if local { &mut ends.0 } else { &mut ends.1 }) = Some(word);
                (Place::Done, Read)
            }
            _ => (Place::Lost, Unread),
        }
    }

    fn routed(&mut self, place: Place, word: &'t str) -> (Place, Class) {
        match place {
            // `router`, `router Base`, `router "Base"`; other routers are outside.
            Place::BaseKey => match bare(word) {
                "Base" => (Place::Router, Read),
                "interface" => self.routed(Place::Router, word),
                _ => (Place::Outside, Ignored),
            },
            Place::Router => match word {
                "interface" => (Place::RoutedKey(usize::MAX), Read),
                _ => outside(word),
            },
            Place::RoutedKey(service) => {
                self.config.any = true;
                let service = Some(service).filter(|at| *at != usize::MAX);
                (Place::Routed(self.config.routed(service, bare(word))), Read)
            }
            Place::SubscriberKey(service) => (Place::Subscriber(service), Read),
            Place::Subscriber(service) => match word {
                "group-interface" => (Place::RoutedKey(service), Read),
                "create" => (Place::Subscriber(service), Read),
                _ => outside(word),
            },
            Place::Routed(at) => match word {
                "create" => (Place::Routed(at), Read),
                "sap" if self.config.routed[at].service.is_some() => (Place::SapKey(Owner::Routed(at)), Read),
                "spoke-sdp" => match self.config.routed[at].service {
                    Some(service) => (Place::Binding(service), Read),
                    None => (Place::Outside, Ignored),
                },
                "port" => (Place::RoutedPort(at), Read),
                _ => self.common(Thing::Routed(at), word).unwrap_or_else(|| outside(word)),
            },
            Place::RoutedPort(at) => {
                let id = bare(word);
                if sap::parse(id).is_none() {
                    return self.misread();
                }
                self.config.routed[at].port = Some(id);
                (Place::Done, Read)
            }
            _ => (Place::Lost, Unread),
        }
    }
}

/// A setting that is none of ours, if it looks like a setting.
fn outside(word: &str) -> (Place, Class) {
    if is_keyword(word) { (Place::Outside, Ignored) } else { (Place::Lost, Unread) }
}

pub(super) fn is_keyword(word: &str) -> bool {
    word.len() <= 64
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}
