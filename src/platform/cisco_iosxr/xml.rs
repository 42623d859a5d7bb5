//! The form of NETCONF: the native models, one module a feature, which say what
//! the command line says. An element below what we read that is not known here
//! is unread; what a module of another feature adds, and the same data once
//! more in other models (`Cisco-IOS-XR-um-…`, `OpenConfig`), is ignored.
//!
//! Where the names are from: `Cisco-IOS-XR-ifmgr-cfg` 2017-09-07,
//! `Cisco-IOS-XR-l2-eth-infra-cfg` 2017-05-01 and its `-datatypes`,
//! `Cisco-IOS-XR-bundlemgr-cfg` 2019-05-30, and a full reply of an NCS 5501 of
//! 2021 for these two, `Cisco-IOS-XR-infra-rsi-cfg` (VRFs) and
//! `Cisco-IOS-XR-shellutil-cfg` (the host name).

use std::fmt::Write as _;

use roxmltree::Node;

use crate::model::{AdminState, ServiceKind};
use crate::platform::elements::{Marks, text_of};
use crate::platform::frames::encapsulation;
use crate::platform::reading::Class;

use super::config::Config;
use super::names;

const IFMGR: &str = "http://cisco.com/ns/yang/Cisco-IOS-XR-ifmgr-cfg";
const ETHERNET: &str = "http://cisco.com/ns/yang/Cisco-IOS-XR-l2-eth-infra-cfg";
const BUNDLES: &str = "http://cisco.com/ns/yang/Cisco-IOS-XR-bundlemgr-cfg";
const RSI: &str = "http://cisco.com/ns/yang/Cisco-IOS-XR-infra-rsi-cfg";
const SHELL: &str = "http://cisco.com/ns/yang/Cisco-IOS-XR-shellutil-cfg";
pub(super) const L2VPN: &str = "http://cisco.com/ns/yang/Cisco-IOS-XR-l2vpn-cfg";

/// What is asked for: the subtrees that hold facts of ours, and who it is.
/// Without a filter each setting comes in up to three models.
pub(super) const FILTER: &str = "<host-names xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-shellutil-cfg\"/>\
    <vrfs xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-infra-rsi-cfg\"/>\
    <interface-configurations xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-ifmgr-cfg\"/>\
    <l2vpn xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-l2vpn-cfg\"/>\
    <evpn xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-l2vpn-cfg\"/>";

/// Takes the settings below `<data>`. False if nothing of ours is there.
pub(super) fn read<'t>(config: &mut Config<'t, '_>, data: Node<'t, '_>, marks: &mut Marks) -> bool {
    let mut walk = Walk { config, marks };
    let mut ours = false;
    for child in elements(data) {
        let class = match place(child) {
            (IFMGR, "interface-configurations") => {
                walk.list(child, "interface-configuration", Walk::interface)
            }
            (L2VPN, "l2vpn") => walk.l2vpn(child),
            (L2VPN, "evpn") => walk.evpn(child),
            (RSI, "vrfs") => walk.list(child, "vrf", Walk::vrf),
            (SHELL, "host-names") => {
                walk.config.host_names.extend(value(child, "host-name"));
                Class::Read
            }
            _ => Class::Ignored,
        };
        ours |= class == Class::Read;
        walk.marks.set(child, class);
    }
    ours
}

/// The way through a document.
pub(super) struct Walk<'w, 't, 'g> {
    pub(super) config: &'w mut Config<'t, 'g>,
    pub(super) marks: &'w mut Marks,
}

pub(super) fn elements<'t, 'i>(node: Node<'t, 'i>) -> impl Iterator<Item = Node<'t, 'i>> {
    node.children().filter(Node::is_element)
}

/// The module and the name of an element.
fn place<'t>(node: Node<'t, '_>) -> (&'t str, &'t str) {
    let name = node.tag_name();
    (name.namespace().unwrap_or(""), name.name())
}

fn is_sibling(node: Node<'_, '_>, of: Node<'_, '_>) -> bool {
    node.tag_name().namespace() == of.tag_name().namespace()
}

/// What the child of that name holds.
pub(super) fn value<'t>(node: Node<'t, '_>, name: &str) -> Option<&'t str> {
    elements(node).find(|child| child.tag_name().name() == name && is_sibling(*child, node)).and_then(text_of)
}

/// The name of an interface in the child of that name.
pub(super) fn port<'t>(node: Node<'t, '_>, name: &str) -> Option<&'t str> {
    value(node, name).filter(|name| names::is_interface_name(name))
}

impl<'t> Walk<'_, 't, '_> {
    /// Goes through the settings in `node`. `None`: nothing that we know.
    pub(super) fn each<'i>(
        &mut self,
        node: Node<'t, 'i>,
        mut of: impl FnMut(&mut Self, &'t str, Node<'t, 'i>) -> Option<Class>,
    ) -> Class {
        for child in elements(node) {
            let class = if is_sibling(child, node) {
                of(self, child.tag_name().name(), child).unwrap_or(Class::Unread)
            } else {
                Class::Ignored
            };
            self.marks.set(child, class);
        }
        Class::Read
    }

    /// Goes through a list, which holds entries of that name and nothing else.
    pub(super) fn list<'i>(
        &mut self,
        node: Node<'t, 'i>,
        entry: &str,
        mut of: impl FnMut(&mut Self, Node<'t, 'i>) -> Class,
    ) -> Class {
        self.each(node, |walk, name, child| (name == entry).then(|| of(walk, child)))
    }

    /// Marks `node` as read, and nothing below it but its keys.
    pub(super) fn keys(&mut self, node: Node<'t, '_>, keys: &[&str]) -> Class {
        self.each(node, |_, name, _| Some(if keys.contains(&name) { Class::Read } else { Class::Ignored }))
    }

    /// A setting of ours says what we do not understand: a fact would be wrong.
    pub(super) fn lost(&mut self) -> Class {
        self.config.misread = true;
        Class::Unread
    }

    fn vrf(&mut self, node: Node<'t, '_>) -> Class {
        let Some(name) = value(node, "vrf-name") else { return self.lost() };
        self.config.gathered.service(ServiceKind::Vrf, name);
        self.keys(node, &["vrf-name"])
    }

    fn interface(&mut self, node: Node<'t, '_>) -> Class {
        let Some(name) = port(node, "interface-name") else { return self.lost() };
        let preconfigured = match value(node, "active") {
            Some("act") => false,
            Some("pre") => true,
            _ => return self.lost(),
        };
        let at = self.config.open(name, preconfigured);
        for child in elements(node) {
            let class = self.setting(at, child);
            self.marks.set(child, class);
        }
        Class::Read
    }

    /// One setting of an interface: its own, or one that another module adds.
    fn setting(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let text = text_of(node);
        let fact = &mut self.config.gathered.interfaces[at];
        match (place(node), text) {
            ((IFMGR, "active" | "interface-name" | "interface-virtual"), _) => {}
            // The mode of a sub-interface.
            ((IFMGR, "interface-mode-non-physical"), Some(mode)) => match mode {
                "l2-transport" => fact.l2 = true,
                "default" | "point-to-point" | "multipoint" => {}
                _ => return self.lost(),
            },
            ((IFMGR, "description"), text) => fact.description = Some(text.unwrap_or("").to_owned()),
            ((IFMGR, "shutdown"), _) => fact.admin = Some(AdminState::Down),
            ((IFMGR, "mtus"), _) => return self.mtus(at, node),
            // `encapsulation` is of serial lines: PPP and the like.
            (
                (
                    IFMGR,
                    "dampening" | "encapsulation" | "secondary-admin-state" | "bandwidth" | "link-status",
                )
                | (ETHERNET, "ethernet-features" | "ethernet-bng" | "mac-accounting")
                | (BUNDLES, "bfd" | "bundle" | "lacp" | "mlacp")
                | (L2VPN, "pseudowire-ether" | "pseudowire-iw" | "bvi"),
                _,
            ) => return Class::Ignored,
            // A whole port: on a sub-interface, the mode says it.
            ((L2VPN, "l2-transport"), _) => {
                return self.each(node, |walk, name, _| {
                    walk.config.gathered.interfaces[at].l2 |= name == "enabled";
                    (name == "enabled").then_some(Class::Read)
                });
            }
            ((ETHERNET, "ethernet-service"), _) => {
                return self.each(node, |walk, name, child| match name {
                    "encapsulation" => Some(walk.service_frames(at, child)),
                    "rewrite" => Some(Class::Read),
                    "local-traffic-default-encapsulation" => Some(Class::Ignored),
                    _ => None,
                });
            }
            ((ETHERNET, "vlan-sub-configuration"), _) => {
                return self.list(node, "vlan-identifier", |walk, child| walk.routed_frames(at, child));
            }
            ((ETHERNET, "vlan-trunk-configuration"), _) => {
                return self.each(node, |walk, name, _| match name {
                    // How its values are written is not known.
                    "tunneling-ethertype" => Some(walk.lost()),
                    "native-vlan-identifier" | "vlan-switched" => Some(Class::Ignored),
                    _ => None,
                });
            }
            ((BUNDLES, "bundle-member"), _) => {
                return self.each(node, |walk, name, child| match name {
                    "id" => Some(walk.member(at, child)),
                    "port-priority" => Some(Class::Ignored),
                    _ => None,
                });
            }
            ((RSI, "vrf"), Some(name)) => {
                let interface = fact.name.clone();
                self.config.gathered.member(&interface, ServiceKind::Vrf, name);
            }
            ((IFMGR, "interface-mode-non-physical") | (RSI, "vrf"), None) => return self.lost(),
            ((IFMGR | ETHERNET | BUNDLES | L2VPN | RSI, _), _) => return Class::Unread,
            _ => return Class::Ignored,
        }
        Class::Read
    }

    /// An MTU has an owner, the kind of the interface, of which there is one.
    fn mtus(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let mut seen = None;
        self.list(node, "mtu", |walk, entry| {
            let mtu = value(entry, "mtu").and_then(|mtu| mtu.parse().ok());
            if mtu.is_none() || seen.is_some_and(|seen| Some(seen) != mtu) {
                return walk.lost();
            }
            seen = mtu;
            walk.config.gathered.interfaces[at].mtu = mtu;
            walk.keys(entry, &["owner", "mtu"])
        })
    }

    fn member(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let number = value(node, "bundle-id").filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = number else { return self.lost() };
        self.config.gathered.interfaces[at].bundle = Some(format!("Bundle-Ether{number}"));
        self.keys(node, &["bundle-id", "port-activity"])
    }

    /// The frames of a layer 2 sub-interface.
    fn service_frames(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let mut unknown = false;
        let class = self.each(node, |_, name, _| {
            let known = is_range(name)
                || matches!(
                    name,
                    "outer-tag-type"
                        | "inner-tag-type"
                        | "exact"
                        | "outer-class-of-service"
                        | "inner-class-of-service"
                        | "payload-ethertype-match"
                        | "ingress-source-mac"
                        | "ingress-destination-mac"
                );
            unknown |= !known;
            known.then_some(Class::Read)
        });
        if unknown {
            self.config.misread = true;
            return class;
        }
        self.frames(at, typed_frames(node).as_deref())
    }

    /// The frames of a routed sub-interface: one tag, or two.
    fn routed_frames(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let mut unknown = false;
        self.each(node, |_, name, _| {
            let known = matches!(name, "vlan-type" | "first-tag" | "second-tag");
            unknown |= !known;
            known.then_some(Class::Read)
        });
        let kind = match value(node, "vlan-type") {
            Some("vlan-type-dot1q") => Some("dot1q"),
            Some("vlan-type-dot1ad") => Some("dot1ad"),
            _ => None,
        };
        let words = kind.filter(|_| !unknown).and_then(|kind| {
            let mut words = format!("{kind} {}", value(node, "first-tag")?);
            if let Some(second) = value(node, "second-tag") {
                let _ = write!(words, " {} {second}", inner_word(kind));
            }
            Some(words)
        });
        self.frames(at, words.as_deref())
    }

    /// The command line's own words are understood in one place only.
    fn frames(&mut self, at: usize, words: Option<&str>) -> Class {
        let Some(frames) = words.and_then(encapsulation) else { return self.lost() };
        self.config.gathered.interfaces[at].encapsulation = frames;
        Class::Read
    }
}

/// `additional-range3-low` and the like.
fn is_range(name: &str) -> bool {
    name.strip_suffix("-low").or(name.strip_suffix("-high")).is_some_and(|range| {
        matches!(range, "outer-range1" | "inner-range1")
            || range.strip_prefix("additional-range").is_some_and(|number| number.parse::<u8>().is_ok())
    })
}

/// How the command line calls the tag behind the first.
fn inner_word(outer: &str) -> &'static str {
    if outer == "dot1q" { "second-dot1q" } else { "dot1q" }
}

/// An `encapsulation` of an Ethernet service, in the words of the command line.
/// Ranges beyond the first are of the inner tag, where there is one: only the
/// last tag can be a list.
fn typed_frames(node: Node<'_, '_>) -> Option<String> {
    let has_range = elements(node).any(|child| is_range(child.tag_name().name()));
    let outer = match (value(node, "outer-tag-type")?, has_range) {
        ("match-default", false) => return Some("default".to_owned()),
        ("match-untagged", false) => return Some("untagged".to_owned()),
        ("match-dot1q-priority" | "match-dot1ad-priority", false) => {
            return Some("priority-tagged".to_owned());
        }
        ("match-dot1q", true) => "dot1q",
        ("match-dot1ad", true) => "dot1ad",
        _ => return None,
    };
    let range = |prefix: &str| {
        let low = value(node, &format!("{prefix}-low"))?;
        Some(match value(node, &format!("{prefix}-high")) {
            Some(high) => format!("{low}-{high}"),
            None => low.to_owned(),
        })
    };
    let mut words = format!("{outer} {}", range("outer-range1")?);
    match value(node, "inner-tag-type") {
        Some("match-dot1q") => {
            let _ = write!(words, " {} {}", inner_word(outer), range("inner-range1")?);
        }
        Some(_) => return None,
        None if elements(node).any(|child| child.tag_name().name().starts_with("inner-range")) => {
            return None;
        }
        None => {}
    }
    for child in elements(node) {
        let name = child.tag_name().name();
        if let Some(prefix) = name.strip_suffix("-low").filter(|name| name.starts_with("additional")) {
            let _ = write!(words, ",{}", range(prefix)?);
        } else if let Some(prefix) = name.strip_suffix("-high") {
            // A range without a beginning.
            range(prefix)?;
        }
    }
    Some(words)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::platform::gathered::Gathered;

    #[test]
    fn what_is_asked_for_is_what_is_read() {
        let subtrees: Vec<&str> = FILTER.split_inclusive("/>").collect();
        assert_eq!(subtrees.len(), 5);
        for subtree in subtrees {
            let alone = format!("<data>{subtree}</data>");
            let document = Document::parse(&alone).unwrap();
            let mut gathered = Gathered::default();
            let mut config = Config::new(&mut gathered);
            let ours = read(&mut config, document.root_element(), &mut Marks::of(&document));
            assert!(ours, "nobody reads {subtree}");
        }
    }

    #[test]
    fn names_of_ranges() {
        for name in ["outer-range1-low", "inner-range1-high", "additional-range12-low"] {
            assert!(is_range(name), "{name}");
        }
        for name in ["outer-range2-low", "additional-range-low", "additional-rangex-low", "low", "range1"] {
            assert!(!is_range(name), "{name}");
        }
    }
}
