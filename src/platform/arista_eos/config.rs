//! The configuration → ports, VLANs and services.
//!
//! Three blanks of indent a level, `!` between blocks, `end` at the end. What
//! is said in several places (a VLAN, its VNI, its EVPN instance; a patch and
//! its pseudowire) is put together when all of it was read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::{AdminState, Encapsulation, EncapsulationKind, ServiceKind};
use crate::platform::lines::{Shape, Tree, first_word, tagged, walk};
use crate::platform::reading::{Class, Tally};
use crate::platform::switch::{Config, id_list, is_keyword, is_system_name, long_name, unquoted, vlan_ids};

use super::patch::Patches;
use super::{FAMILIES, words};

/// Reads one configuration, and counts its lines.
pub(super) fn read<'t>(text: &'t str, config: &mut Config<'t>, tally: &mut Tally) -> Shape {
    // Every port is switched unless something says otherwise.
    config.switched = Some(config.switched.unwrap_or(true));
    let mut lines = Lines {
        config,
        patches: Patches::default(),
        vlans: Vec::new(),
        vnis: BTreeMap::new(),
        flooded: Vec::new(),
        bundles: Vec::new(),
    };
    let shape = walk(text, &mut lines, tally);
    lines.finish();
    shape
}

struct Lines<'w, 't> {
    config: &'w mut Config<'t>,
    patches: Patches<'t>,
    /// The VLANs of the block that we are in.
    vlans: Vec<u16>,
    /// VLAN → VNI, and the tunnel endpoint that maps it.
    vnis: BTreeMap<u16, (u32, Cow<'t, str>)>,
    /// VLANs that are flooded to addresses.
    flooded: Vec<(u16, &'t str)>,
    /// EVPN instances of several VLANs.
    bundles: Vec<(usize, Vec<u16>)>,
}

#[derive(Clone, Copy, Debug)]
enum Place<'t> {
    Top,
    Vlan,
    Port(usize),
    /// The block `encapsulation vlan` of a sub-interface.
    Client(usize),
    Bgp,
    /// `vlan-aware-bundle …` below `router bgp`.
    Bundle(usize),
    /// `vpws …` below `router bgp`, and a pseudowire of it.
    Vpws(&'t str),
    VpwsWire(&'t str, &'t str),
    PatchPanel,
    Patch(usize),
    Ldp,
    LdpWires,
    LdpWire(&'t str),
    /// Known, and below it nothing of ours.
    Outside,
    /// Below a line that we did not understand.
    Lost,
}

impl<'t> Tree<'t> for Lines<'_, 't> {
    type Place = Place<'t>;
    const TOP: Place<'t> = Place::Top;

    fn step(&mut self, place: Place<'t>, line: &'t str) -> (Place<'t>, Class) {
        let (word, rest) = first_word(line);
        match place {
            Place::Top => self.top(word, rest, line),
            Place::Vlan => match word {
                "name" => {
                    for id in &self.vlans {
                        self.config.vlans.insert(*id, Some(unquoted(rest)));
                    }
                    read_line()
                }
                _ if words::of_vlan(word) => ignored(),
                _ => unread(),
            },
            Place::Port(at) => self.port(at, word, rest),
            Place::Client(at) => match word {
                "client" => match client(rest) {
                    Some(tags) => {
                        self.config.ports[at].encapsulation = Some(tags);
                        read_line()
                    }
                    None => self.misread(),
                },
                _ => ignored(),
            },
            Place::Bgp => self.bgp(word, rest),
            Place::Bundle(at) => match (word, vlan_ids(rest)) {
                ("vlan", Some(ids)) => {
                    self.config.instances[at].meets("vlan", Some(rest));
                    self.bundles.push((at, ids.collect()));
                    read_line()
                }
                ("vlan", None) => self.misread(),
                _ => ignored(),
            },
            Place::Vpws(evi) => match word {
                "pseudowire" if !rest.is_empty() => (Place::VpwsWire(evi, rest), Class::Read),
                _ => ignored(),
            },
            Place::VpwsWire(evi, name) => match word {
                "evpn" if self.patches.vpws(evi, name, rest) => read_line(),
                _ => ignored(),
            },
            Place::PatchPanel => match word {
                "patch" if !rest.is_empty() => (Place::Patch(self.patches.begin(rest)), Class::Read),
                _ => ignored(),
            },
            Place::Patch(at) => match word {
                "connector" if self.patches.connector(at, rest, self.config) => read_line(),
                "connector" => self.misread(),
                _ => ignored(),
            },
            Place::Ldp => match word {
                "pseudowires" => (Place::LdpWires, Class::Read),
                _ => ignored(),
            },
            Place::LdpWires => match word {
                "pseudowire" if !rest.is_empty() => (Place::LdpWire(rest), Class::Read),
                _ => ignored(),
            },
            Place::LdpWire(name) if self.patches.ldp(name, word, rest) => read_line(),
            Place::LdpWire(_) | Place::Outside => ignored(),
            Place::Lost => unread(),
        }
    }

    fn remark(&mut self, line: &'t str) -> Class {
        let head = ["! Command: show ", "! device: ", "!RANCID-CONTENT-TYPE:", "! boot system "];
        self.config.signs.head |= head.iter().any(|head| line.starts_with(head));
        if let Some(name) = line.strip_prefix("! device: ").map(|rest| first_word(rest).0)
            && is_system_name(name)
        {
            self.config.system = Some(name);
        }
        Class::Ignored
    }
}

fn read_line<'t>() -> (Place<'t>, Class) {
    (Place::Outside, Class::Read)
}

fn ignored<'t>() -> (Place<'t>, Class) {
    (Place::Outside, Class::Ignored)
}

fn unread<'t>() -> (Place<'t>, Class) {
    (Place::Lost, Class::Unread)
}

impl<'t> Lines<'_, 't> {
    fn misread(&mut self) -> (Place<'t>, Class) {
        self.config.misread = true;
        unread()
    }

    /// A line in the first column.
    fn top(&mut self, word: &'t str, rest: &'t str, line: &'t str) -> (Place<'t>, Class) {
        self.config.signs.after_end |= self.config.signs.end;
        match word {
            "end" if rest.is_empty() => {
                self.config.signs.end = true;
                return read_line();
            }
            "hostname" if is_system_name(rest) => {
                self.config.signs.head = true;
                self.config.system = Some(rest);
                return read_line();
            }
            "interface" => {
                self.config.signs.interfaces = true;
                let Some(name) = long_name(rest, FAMILIES) else {
                    return if words::is_other_interface(rest) { ignored() } else { unread() };
                };
                return (Place::Port(self.config.port(name, rest)), Class::Read);
            }
            "vlan" if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                let Some(ids) = vlan_ids(rest) else { return self.misread() };
                self.vlans.clear();
                self.vlans.extend(ids);
                for id in &self.vlans {
                    self.config.vlans.entry(*id).or_default();
                }
                return (Place::Vlan, Class::Read);
            }
            "vrf" => {
                let name = rest.strip_prefix("instance ").or_else(|| rest.strip_prefix("definition "));
                if let Some(name) = name {
                    self.config.instance(ServiceKind::Vrf, Cow::Borrowed(name));
                    return read_line();
                }
            }
            "router" if rest.starts_with("bgp") => return (Place::Bgp, Class::Read),
            "patch" if rest == "panel" => return (Place::PatchPanel, Class::Read),
            "mpls" if rest == "ldp" => return (Place::Ldp, Class::Read),
            "switchport" if rest.starts_with("default mode ") => {
                self.config.switched = Some(!rest.ends_with("routed"));
                return read_line();
            }
            _ if !is_keyword(word) && line.len() > word.len() => return unread(),
            _ if !is_keyword(word) => return unread(),
            _ => {}
        }
        ignored()
    }

    fn port(&mut self, at: usize, word: &str, rest: &'t str) -> (Place<'t>, Class) {
        let port = &mut self.config.ports[at];
        match word {
            "shutdown" if rest.is_empty() => port.admin = Some(AdminState::Down),
            "description" => port.description = (!rest.is_empty()).then(|| unquoted(rest)),
            "mtu" => match rest.parse() {
                Ok(mtu) => port.mtu = Some(mtu),
                Err(_) => return unread(),
            },
            "switchport" => match port.switchport(rest) {
                Some(true) => {}
                Some(false) => return ignored(),
                None => return self.misread(),
            },
            "channel-group" => {
                let id = first_word(rest).0;
                if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
                    return self.misread();
                }
                port.bundle = Some(format!("Port-Channel{id}"));
            }
            "encapsulation" if rest == "vlan" => {
                port.bridged = true;
                return (Place::Client(at), Class::Read);
            }
            "encapsulation" => match rest.strip_prefix("dot1q vlan ").and_then(sub_interface) {
                Some(tags) => port.encapsulation = Some(tags),
                None => return self.misread(),
            },
            "vlan" if rest.starts_with("id ") => port.bridged = true,
            "vrf" => {
                let name = rest.strip_prefix("forwarding ").unwrap_or(rest);
                port.service = Some((ServiceKind::Vrf, Cow::Borrowed(name)));
            }
            "vxlan" => return self.vxlan(at, rest),
            "no" | "default" => match (first_word(rest), rest) {
                (_, "shutdown") => port.admin = Some(AdminState::Up),
                (("switchport", what), _) if word == "no" => {
                    return if port.no_switchport(what) { read_line() } else { ignored() };
                }
                (("description", _), _) => port.description = None,
                (("channel-group", _), _) => port.bundle = None,
                (("encapsulation", _), _) => port.encapsulation = None,
                (("vrf", _), _) => port.service = None,
                // `show running-config all` says what is off, of everything there is.
                _ => return ignored(),
            },
            _ => return if words::of_interface(word) { ignored() } else { unread() },
        }
        read_line()
    }

    /// `vxlan vlan 10-12 vni 10010-10012`, `vxlan vrf X vni N`, `vxlan vlan 10 flood vtep A B`.
    fn vxlan(&mut self, port: usize, rest: &'t str) -> (Place<'t>, Class) {
        let (what, rest) = first_word(rest);
        let rest = rest.strip_prefix("add ").unwrap_or(rest);
        let (which, rest) = first_word(rest);
        let (key, value) = first_word(rest);
        match (what, key) {
            ("vlan", "vni") => {
                let (Some(ids), Some(vnis)) = (vlan_ids(which), id_list(value)) else {
                    return self.misread();
                };
                let (ids, vnis): (Vec<u16>, Vec<u32>) = (ids.collect(), vnis.collect());
                if ids.len() != vnis.len() {
                    return self.misread();
                }
                let name = &self.config.ports[port].name;
                self.vnis.extend(ids.into_iter().zip(vnis.into_iter().map(|vni| (vni, name.clone()))));
            }
            ("vrf", "vni") => {
                let at = self.config.instance(ServiceKind::Vrf, Cow::Borrowed(which));
                self.config.instances[at].meets("vni", Some(value));
            }
            ("vlan", "flood") => {
                let Some(ids) = vlan_ids(which) else { return self.misread() };
                let addresses = value.strip_prefix("vtep ").unwrap_or(value);
                let addresses = addresses.strip_prefix("add ").unwrap_or(addresses);
                for id in ids {
                    self.flooded.extend(addresses.split_ascii_whitespace().map(|address| (id, address)));
                }
            }
            _ => return ignored(),
        }
        read_line()
    }

    fn bgp(&mut self, word: &str, rest: &'t str) -> (Place<'t>, Class) {
        match word {
            "vlan" => match vlan_ids(rest) {
                Some(ids) => {
                    for id in ids {
                        self.evpn(id);
                    }
                    read_line()
                }
                None => self.misread(),
            },
            "vlan-aware-bundle" if !rest.is_empty() => {
                (Place::Bundle(self.config.instance(ServiceKind::Evpn, Cow::Borrowed(rest))), Class::Read)
            }
            "vpws" if !rest.is_empty() => (Place::Vpws(rest), Class::Read),
            _ => ignored(),
        }
    }

    /// The EVPN instance of one VLAN.
    fn evpn(&mut self, id: u16) -> usize {
        let at = self.config.instance(ServiceKind::Evpn, Cow::Owned(format!("vlan-{id}")));
        self.config.instances[at].meets("vlan", Some(&id.to_string()));
        at
    }

    fn finish(mut self) {
        for (id, (vni, port)) in std::mem::take(&mut self.vnis) {
            let bundle = self.bundles.iter().find(|(_, ids)| ids.contains(&id)).map(|(at, _)| *at);
            let at = if let Some(at) = bundle {
                self.config.instances[at].meets(&format!("vlan-{id}"), Some(&vni.to_string()));
                at
            } else {
                let at = self.evpn(id);
                self.config.instances[at].meets("vni", Some(&vni.to_string()));
                at
            };
            self.config.instances[at].members.push(port);
        }
        for (id, address) in std::mem::take(&mut self.flooded) {
            let at = self.evpn(id);
            self.config.instances[at].meets(address, None);
        }
        self.patches.finish(self.config);
    }
}

/// `100`, `100 inner 200`.
pub(super) fn sub_interface(text: &str) -> Option<Encapsulation> {
    match text.split_once(" inner ") {
        Some((outer, inner)) => tagged(outer, Some(inner)),
        None => tagged(text, None),
    }
}

/// What frames of the client are taken: `dot1q 10 network client`,
/// `dot1q outer 10 inner 20-30`, `untagged`, `unmatched`.
fn client(text: &str) -> Option<Encapsulation> {
    let text = text.split_once(" network").map_or(text, |(client, _)| client).trim_ascii();
    let (word, rest) = first_word(text);
    let plain = |kind| Some(Encapsulation { kind, ..Encapsulation::default() });
    match word {
        "untagged" => plain(EncapsulationKind::Untagged),
        "unmatched" | "default" => plain(EncapsulationKind::Default),
        "dot1q" | "dot1ad" => {
            let rest = rest.strip_prefix("outer ").unwrap_or(rest);
            let mut tags = sub_interface(rest)?;
            tags.tpid = (word == "dot1ad").then(|| "0x88a8".to_owned());
            Some(tags)
        }
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn config(text: &str) -> (Config<'_>, Tally) {
        let (mut config, mut tally) = (Config::default(), Tally::default());
        read(text, &mut config, &mut tally);
        (config, tally)
    }

    #[test]
    fn what_a_client_sends() {
        let shown =
            |text| client(text).map(|t| (t.kind, t.outer.unwrap_or_default(), t.inner.unwrap_or_default()));
        let none = String::new;
        assert_eq!(shown("dot1q 10 network client"), Some((EncapsulationKind::Dot1q, "10".into(), none())));
        assert_eq!(
            shown("dot1q outer 10 inner 20-30 network client"),
            Some((EncapsulationKind::Range, "10".into(), "20-30".into()))
        );
        assert_eq!(shown("dot1q 10 network dot1q 20"), Some((EncapsulationKind::Dot1q, "10".into(), none())));
        assert_eq!(shown("untagged network client"), Some((EncapsulationKind::Untagged, none(), none())));
        assert_eq!(shown("mpls 10"), None);
        assert_eq!(sub_interface("100 inner 200").unwrap().kind, EncapsulationKind::Qinq);
    }

    #[test]
    fn vnis_and_instances_meet() {
        let text = "interface Vxlan1\n   vxlan vlan 10-11 vni 10010-10011\n   vxlan vlan 30 vni 10030\n   vxlan vrf RED vni 50001\n\
            \x20  vxlan vlan 30 flood vtep 192.0.2.1 192.0.2.2\n!\n\
            router bgp 65001\n   vlan 30\n      rd auto\n   vlan-aware-bundle SHOP\n      vlan 10-11\nend\n";
        let (config, tally) = config(text);
        assert_eq!((tally.counts.unread, config.misread), (0, false));
        let find = |name: &str| config.instances.iter().find(|i| i.name == name).unwrap();
        let shown = |name: &str| crate::model::fact::neighbours_text(&find(name).neighbors);
        assert_eq!(shown("SHOP"), "vlan-10:10010 vlan-11:10011 vlan:10-11");
        assert_eq!(shown("RED"), "vni:50001");
        assert!(shown("vlan-30").contains("vni:10030") && shown("vlan-30").contains("192.0.2.2"));
        let (wrong, _) = self::config("interface Vxlan1\n   vxlan vlan 12 vni 13,14\n");
        assert!(wrong.misread);
    }

    #[test]
    fn patches_find_their_pseudowires() {
        let text = "patch panel\n   patch SHOP\n      connector 1 interface Ethernet1 dot1q vlan 100\n\
            \x20     connector 2 pseudowire bgp vpws EVI-1 pseudowire PW-1\n   patch OLD\n\
            \x20     connector 1 interface Ethernet2\n      connector 2 pseudowire ldp PW-2\n   patch LOCAL\n\
            \x20     connector 1 interface Ethernet3.5\n      connector 2 interface Ethernet4.5\n\
            mpls ldp\n   pseudowires\n      pseudowire PW-2\n         neighbor 192.0.2.9\n         pseudowire-id 77\n\
            router bgp 65001\n   vpws EVI-1\n      rd 192.0.2.1:1\n      pseudowire PW-1\n         evpn vpws id local 10 remote 20\nend\n";
        let (config, tally) = config(text);
        assert_eq!((tally.counts.unread, config.misread), (0, false));
        let shown: Vec<_> = config
            .instances
            .iter()
            .map(|i| {
                (i.kind, &*i.name, i.members.join(" "), crate::model::fact::neighbours_text(&i.neighbors))
            })
            .collect();
        assert_eq!(
            shown,
            [
                (ServiceKind::EvpnVpws, "SHOP", "Ethernet1.dot1q-100".into(), "vpws-service-id:10:20".into()),
                (ServiceKind::Vpws, "OLD", "Ethernet2".into(), "192.0.2.9:77".into()),
                (ServiceKind::Xconnect, "LOCAL", "Ethernet3.5 Ethernet4.5".into(), String::new()),
            ]
        );
    }
}
