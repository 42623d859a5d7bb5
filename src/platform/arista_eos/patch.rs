//! Pseudowires and the patches that use them. A patch connects two ends: a
//! port (or one VLAN of it) and a pseudowire, or two ports. What the pseudowire
//! leads to stands elsewhere in the configuration, before or after, so patches
//! become services when all of it was read.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::{Encapsulation, EncapsulationKind, Neighbor, ServiceKind};
use crate::platform::lines::first_word;
use crate::platform::switch::{Config, long_name};

use super::FAMILIES;
use super::config::sub_interface;

/// Patches and pseudowires, as they are read.
#[derive(Debug, Default)]
pub(super) struct Patches<'t> {
    list: Vec<Patch<'t>>,
    /// By EVPN instance and name: the ids of both ends.
    vpws: HashMap<(&'t str, &'t str), Ends<'t>>,
    /// By name: the neighbour and the id.
    ldp: HashMap<&'t str, Ends<'t>>,
}

/// What tells the two ends of a pseudowire apart, as far as it was read: both
/// ids, or the neighbour and the id.
type Ends<'t> = (Option<&'t str>, Option<&'t str>);

#[derive(Debug)]
struct Patch<'t> {
    name: &'t str,
    members: Vec<String>,
    far: Option<Far<'t>>,
}

#[derive(Debug)]
enum Far<'t> {
    Bgp(&'t str, &'t str),
    Ldp(&'t str),
}

impl<'t> Patches<'t> {
    pub(super) fn begin(&mut self, name: &'t str) -> usize {
        self.list.push(Patch { name, members: Vec::new(), far: None });
        self.list.len() - 1
    }

    /// `connector 1 interface Ethernet1 dot1q vlan 100`, `connector 2
    /// pseudowire bgp vpws EVI pseudowire NAME`. False if it is not understood.
    pub(super) fn connector(&mut self, at: usize, rest: &'t str, config: &mut Config<'t>) -> bool {
        let end = first_word(rest).1;
        if let Some(end) = end.strip_prefix("interface ") {
            let Some(name) = member(end, config) else { return false };
            self.list[at].members.push(name);
            return true;
        }
        let Some(end) = end.strip_prefix("pseudowire ") else { return false };
        let words: Vec<&str> = end.split_ascii_whitespace().collect();
        self.list[at].far = Some(match words.as_slice() {
            ["bgp", "vpws", evi, "pseudowire", name] => Far::Bgp(evi, name),
            ["ldp", name] => Far::Ldp(name),
            _ => return false,
        });
        true
    }

    /// `evpn vpws id local 10 remote 20`, below a pseudowire of an instance.
    pub(super) fn vpws(&mut self, evi: &'t str, name: &'t str, rest: &'t str) -> bool {
        let Some(ids) = rest.strip_prefix("vpws id ") else { return false };
        let mut words = ids.split_ascii_whitespace();
        let ends = self.vpws.entry((evi, name)).or_default();
        while let (Some(which), Some(id)) = (words.next(), words.next()) {
            match which {
                "local" => ends.0 = Some(id),
                "remote" => ends.1 = Some(id),
                _ => return false,
            }
        }
        true
    }

    /// A setting of a pseudowire of LDP. False if it is none of ours.
    pub(super) fn ldp(&mut self, name: &'t str, word: &str, rest: &'t str) -> bool {
        let entry = self.ldp.entry(name).or_default();
        match word {
            "neighbor" => entry.0 = Some(rest),
            "pseudowire-id" => entry.1 = Some(rest),
            _ => return false,
        }
        true
    }

    /// Makes services of the patches.
    pub(super) fn finish(self, config: &mut Config<'t>) {
        for patch in self.list {
            let (kind, neighbor) = match patch.far {
                None => (ServiceKind::Xconnect, None),
                Some(Far::Bgp(evi, name)) => {
                    // The far end is found by BGP: the pair of ids identifies it.
                    let neighbor = match self.vpws.get(&(evi, name)) {
                        Some((Some(local), Some(remote))) => Neighbor {
                            address: "vpws-service-id".to_owned(),
                            id: Some(format!("{local}:{remote}")),
                        },
                        _ => Neighbor { address: evi.to_owned(), id: Some(name.to_owned()) },
                    };
                    (ServiceKind::EvpnVpws, Some(neighbor))
                }
                Some(Far::Ldp(name)) => {
                    let neighbor = match self.ldp.get(name) {
                        Some((Some(address), id)) => {
                            Neighbor { address: (*address).to_owned(), id: id.map(str::to_owned) }
                        }
                        _ => Neighbor { address: name.to_owned(), id: None },
                    };
                    (ServiceKind::Vpws, Some(neighbor))
                }
            };
            let at = config.instance(kind, Cow::Borrowed(patch.name));
            let instance = &mut config.instances[at];
            instance.members.extend(patch.members.into_iter().map(Cow::Owned));
            instance.neighbors.extend(neighbor);
        }
    }
}

/// The port at an end of a patch. One VLAN of a port is an attachment of its
/// own, `Ethernet1.dot1q-100`.
fn member<'t>(text: &'t str, config: &mut Config<'t>) -> Option<String> {
    let (printed, rest) = first_word(text);
    let name = long_name(printed, FAMILIES)?;
    if rest.is_empty() {
        return Some(name.into_owned());
    }
    let plain = |kind| Encapsulation { kind, ..Encapsulation::default() };
    let (short, tags) = match rest {
        "untagged" | "dot1q untagged" => ("untagged".to_owned(), plain(EncapsulationKind::Untagged)),
        "default" | "unmatched" => ("default".to_owned(), plain(EncapsulationKind::Default)),
        _ => {
            let tags = sub_interface(rest.strip_prefix("dot1q vlan ")?)?;
            let inner = tags.inner.iter().map(|inner| format!(".{inner}"));
            let short = tags.outer.iter().map(|outer| format!("dot1q-{outer}")).chain(inner).collect();
            (short, tags)
        }
    };
    let at = config.attachment(&name, &short);
    config.ports[at].encapsulation = Some(tags);
    Some(config.ports[at].name.clone().into_owned())
}
