//! What a configuration says, on either platform. It borrows from the text.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::model::fact::canonical_tags;
use crate::model::{AdminState, Encapsulation, EncapsulationKind, Neighbor, ServiceKind};
use crate::platform::lines::{TrunkVlans, access, first_word};

/// What the configuration of one device says.
#[derive(Debug, Default)]
pub(in crate::platform) struct Config<'t> {
    pub(in crate::platform) system: Option<&'t str>,
    pub(in crate::platform) ports: Vec<Port<'t>>,
    port_index: HashMap<Cow<'t, str>, usize>,
    /// VLANs that are configured, with their names.
    pub(in crate::platform) vlans: BTreeMap<u16, Option<String>>,
    pub(in crate::platform) instances: Vec<Instance<'t>>,
    instance_index: HashMap<(ServiceKind, Cow<'t, str>), usize>,
    /// Whether a port without a word about it is switched, where that is said.
    pub(in crate::platform) switched: Option<bool>,
    /// Lines that frame a configuration: version, host name, end.
    pub(in crate::platform) signs: Signs,
    /// A setting of ours has a value that is not understood, so a fact would be wrong.
    pub(in crate::platform) misread: bool,
    /// When the running configuration was last changed, where its head says it.
    pub(in crate::platform) changed: Option<&'t str>,
}

/// Lines that tell where in a configuration we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::platform) struct Signs {
    /// A line that only the beginning has.
    pub(in crate::platform) head: bool,
    /// A section that every configuration has near its end.
    pub(in crate::platform) tail: bool,
    /// The line `end`, and nothing after it.
    pub(in crate::platform) end: bool,
    /// Something stands behind `end`.
    pub(in crate::platform) after_end: bool,
    pub(in crate::platform) interfaces: bool,
}

/// One `interface`, or an attachment that has no interface of its own.
#[derive(Debug)]
pub(in crate::platform) struct Port<'t> {
    pub(in crate::platform) name: Cow<'t, str>,
    /// The name as it is written, if that is another form.
    pub(in crate::platform) printed: Option<&'t str>,
    pub(in crate::platform) parent: Option<Cow<'t, str>>,
    pub(in crate::platform) admin: Option<AdminState>,
    pub(in crate::platform) description: Option<String>,
    pub(in crate::platform) mtu: Option<u32>,
    pub(in crate::platform) bundle: Option<String>,
    /// `switchport` or `no switchport`.
    pub(in crate::platform) switchport: Option<bool>,
    pub(in crate::platform) mode: Option<Mode>,
    pub(in crate::platform) access: Option<&'t str>,
    pub(in crate::platform) trunk: TrunkVlans,
    /// The tags of a sub-interface.
    pub(in crate::platform) encapsulation: Option<Encapsulation>,
    /// Belongs to a VLAN, a bridge domain or a patch.
    pub(in crate::platform) bridged: bool,
    pub(in crate::platform) service: Option<(ServiceKind, Cow<'t, str>)>,
}

/// How a switched port treats tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform) enum Mode {
    Access,
    Trunk,
    /// Takes any frame and adds the access VLAN as another tag.
    Tunnel,
    /// Private VLANs, fabric extenders: switched, and without a tag of ours.
    Other,
}

/// One service: an EVPN instance, a bridge domain, a pseudowire, a VRF.
#[derive(Debug)]
pub(in crate::platform) struct Instance<'t> {
    pub(in crate::platform) kind: ServiceKind,
    pub(in crate::platform) name: Cow<'t, str>,
    pub(in crate::platform) description: Option<String>,
    pub(in crate::platform) admin: Option<AdminState>,
    pub(in crate::platform) members: Vec<Cow<'t, str>>,
    pub(in crate::platform) router_interface: Option<Cow<'t, str>>,
    pub(in crate::platform) neighbors: Vec<Neighbor>,
}

impl Instance<'_> {
    pub(in crate::platform) fn meets(&mut self, address: &str, id: Option<&str>) {
        self.neighbors.push(Neighbor { address: address.to_owned(), id: id.map(str::to_owned) });
    }
}

impl<'t> Config<'t> {
    /// The port of that long name; `printed` is how the text writes it.
    pub(in crate::platform) fn port(&mut self, name: Cow<'t, str>, printed: &'t str) -> usize {
        if let Some(last) = self.ports.last()
            && last.name == name
        {
            return self.ports.len() - 1;
        }
        if let Some(at) = self.port_index.get(&name) {
            return *at;
        }
        let parent = crate::platform::lines::parent_of(&name).map(|parent| Cow::Owned(parent.to_owned()));
        self.port_index.insert(name.clone(), self.ports.len());
        self.ports.push(Port {
            printed: (name != printed).then_some(printed),
            name,
            parent,
            admin: None,
            description: None,
            mtu: None,
            bundle: None,
            switchport: None,
            mode: None,
            access: None,
            trunk: TrunkVlans::default(),
            encapsulation: None,
            bridged: false,
            service: None,
        });
        self.ports.len() - 1
    }

    /// A part of `parent` that takes some of its frames into a service and has
    /// no interface of its own: `Ethernet3/1.EFP10`.
    pub(in crate::platform) fn attachment(&mut self, parent: &str, rest: &str) -> usize {
        let at = self.port(Cow::Owned(format!("{parent}.{rest}")), "");
        let port = &mut self.ports[at];
        port.printed = None;
        port.parent = Some(Cow::Owned(parent.to_owned()));
        port.bridged = true;
        at
    }

    pub(in crate::platform) fn port_named(&self, name: &str) -> Option<&Port<'t>> {
        self.port_index.get(name).map(|at| &self.ports[*at])
    }

    pub(in crate::platform) fn instance(&mut self, kind: ServiceKind, name: Cow<'t, str>) -> usize {
        if let Some(last) = self.instances.last()
            && last.kind == kind
            && last.name == name
        {
            return self.instances.len() - 1;
        }
        *self.instance_index.entry((kind, name)).or_insert_with_key(|(kind, name)| {
            self.instances.push(Instance {
                kind: *kind,
                name: name.clone(),
                description: None,
                admin: None,
                members: Vec::new(),
                router_interface: None,
                neighbors: Vec::new(),
            });
            self.instances.len() - 1
        })
    }
}

impl<'t> Port<'t> {
    /// What stands behind `switchport`. `None`: not understood; `Some(false)`:
    /// known, and no fact of ours.
    pub(in crate::platform) fn switchport(&mut self, rest: &'t str) -> Option<bool> {
        let (word, rest) = first_word(rest);
        match word {
            "" => self.switchport = Some(true),
            "mode" => {
                self.mode = Some(match first_word(rest).0 {
                    "access" => Mode::Access,
                    "trunk" => Mode::Trunk,
                    "dot1q-tunnel" => Mode::Tunnel,
                    "" => return None,
                    _ => Mode::Other,
                });
            }
            "access" => {
                let id = rest.strip_prefix("vlan ")?.trim_ascii();
                access(id)?;
                self.access = Some(id);
            }
            "trunk" => match first_word(rest) {
                ("allowed", list) => {
                    let list = list.strip_prefix("vlan ")?;
                    if !self.trunk.set(list) {
                        return None;
                    }
                }
                _ => return Some(false),
            },
            _ => return Some(false),
        }
        Some(true)
    }

    /// What stands behind `no switchport`.
    pub(in crate::platform) fn no_switchport(&mut self, rest: &str) -> bool {
        match rest {
            "" => self.switchport = Some(false),
            "mode" => self.mode = None,
            "access vlan" => self.access = None,
            "trunk allowed vlan" => self.trunk = TrunkVlans::default(),
            _ => return false,
        }
        true
    }

    /// Whether the configuration itself says that this port is switched, or is not.
    pub(in crate::platform) fn is_switched(&self) -> Option<bool> {
        let said = self.mode.is_some() || self.access.is_some() || self.trunk != TrunkVlans::default();
        self.switchport.or(said.then_some(true))
    }

    /// The tags of a switched port: those of its mode, which is `access` where
    /// nothing is said.
    pub(in crate::platform) fn switched_tags(&self) -> Encapsulation {
        let vlan = self.access.unwrap_or("1");
        match self.mode.unwrap_or(Mode::Access) {
            Mode::Access => access(vlan).unwrap_or_default(),
            Mode::Trunk => self.trunk.encapsulation(),
            Mode::Tunnel => tunnel(vlan),
            Mode::Other => Encapsulation::default(),
        }
    }
}

/// A tunnel port takes any frame; the VLAN is the tag that it adds.
pub(super) fn tunnel(vlan: &str) -> Encapsulation {
    let outer = canonical_tags(vlan);
    Encapsulation { kind: EncapsulationKind::Default, outer, ..Encapsulation::default() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn port<'t>(lines: &[&'t str]) -> Port<'t> {
        let mut config = Config::default();
        let at = config.port(Cow::Borrowed("Ethernet1/1"), "Ethernet1/1");
        for line in lines {
            let port = &mut config.ports[at];
            match line.strip_prefix("no switchport") {
                Some(rest) => assert!(port.no_switchport(rest.trim())),
                None => {
                    assert!(port.switchport(line.strip_prefix("switchport").unwrap().trim_start()).is_some());
                }
            }
        }
        config.ports.remove(at)
    }

    #[test]
    fn switched_ports() {
        let shown = |lines: &[&'static str]| {
            let port = port(lines);
            let tags = port.switched_tags();
            (port.is_switched(), tags.kind, tags.outer.unwrap_or_default())
        };
        assert_eq!(shown(&[]), (None, EncapsulationKind::Untagged, "1".to_owned()));
        assert_eq!(shown(&["no switchport"]).0, Some(false));
        assert_eq!(
            shown(&["switchport access vlan 10"]),
            (Some(true), EncapsulationKind::Untagged, "10".to_owned())
        );
        assert_eq!(
            shown(&["switchport mode trunk", "switchport trunk allowed vlan 5,1-3"]),
            (Some(true), EncapsulationKind::Range, "1-3,5".to_owned())
        );
        assert_eq!(shown(&["switchport mode trunk"]).2, "1-4094");
        assert_eq!(
            shown(&["switchport mode dot1q-tunnel", "switchport access vlan 7"]),
            (Some(true), EncapsulationKind::Default, "7".to_owned())
        );
        let mut bare = port(&[]);
        assert_eq!(bare.switchport("access vlan x"), None);
        assert_eq!(bare.switchport("trunk allowed vlan x"), None);
        assert_eq!(bare.switchport("trunk native vlan 9"), Some(false));
    }
}
