//! Bridge domains, cross-connects and EVPN in the form of NETCONF. Names are
//! from `Cisco-IOS-XR-l2vpn-cfg`, revision 2019-04-05; what is listed as ignored
//! is what that revision has and the command line's reader ignores as well.

use roxmltree::Node;

use crate::model::{AdminState, Neighbor, ServiceKind};
use crate::platform::reading::Class;

use super::xml::{Walk, port, value};

impl<'t> Walk<'_, 't, '_> {
    pub(super) fn l2vpn(&mut self, node: Node<'t, '_>) -> Class {
        self.each(node, |walk, name, child| match name {
            "database" => Some(walk.database(child)),
            "enable" => Some(Class::Read),
            "pw-routing"
            | "neighbor"
            | "pbb"
            | "auto-discovery"
            | "utility"
            | "snmp"
            | "nsr"
            | "mtu-mismatch-ignore"
            | "tcn-propagation"
            | "pwoam-refresh"
            | "load-balance"
            | "mspw-description"
            | "mac-limit-threshold"
            | "pw-status-disable"
            | "pw-grouping"
            | "capability"
            | "l2vpn-router-id" => Some(Class::Ignored),
            _ => None,
        })
    }

    fn database(&mut self, node: Node<'t, '_>) -> Class {
        self.each(node, |walk, name, child| match name {
            "bridge-domain-groups" => Some(walk.list(child, "bridge-domain-group", Self::group)),
            "xconnect-groups" => Some(walk.list(child, "xconnect-group", Self::xconnect_group)),
            "flexible-xconnect-service-table" => Some(walk.flexible(child)),
            "g8032-rings" | "pseudowire-classes" | "vlan-switches" | "redundancy" => Some(Class::Ignored),
            _ => None,
        })
    }

    fn group(&mut self, node: Node<'t, '_>) -> Class {
        let Some(group) = value(node, "name") else { return self.lost() };
        self.each(node, |walk, name, child| match name {
            "name" => Some(Class::Read),
            "bridge-domains" => {
                Some(walk.list(child, "bridge-domain", |walk, domain| walk.domain(group, domain)))
            }
            _ => None,
        })
    }

    fn domain(&mut self, group: &str, node: Node<'t, '_>) -> Class {
        let Some(name) = value(node, "name") else { return self.lost() };
        let at = self.config.bridge_domain(group, name);
        let domain = self.config.gathered.domains[at].name.clone();
        self.each(node, |walk, setting, child| {
            Some(match setting {
                "name" => Class::Read,
                "bridge-description" => {
                    walk.config.gathered.domains[at].description = value(node, setting).map(str::to_owned);
                    Class::Read
                }
                "shutdown" => {
                    walk.config.gathered.domains[at].admin = Some(AdminState::Down);
                    Class::Read
                }
                "bd-attachment-circuits" => walk.list(child, "bd-attachment-circuit", |walk, circuit| {
                    let Some(name) = port(circuit, "name") else { return walk.lost() };
                    walk.config.gathered.member(name, ServiceKind::BridgeDomain, &domain);
                    walk.keys(circuit, &["name"])
                }),
                "routed-interfaces" => walk.list(child, "routed-interface", |walk, routed| {
                    let Some(name) = port(routed, "interface-name") else { return walk.lost() };
                    walk.config.gathered.domains[at].router_interface = Some(name.to_owned());
                    walk.keys(routed, &["interface-name"])
                }),
                // The pseudowires of a domain itself are a VPLS of the domain's name.
                "bd-pseudowires" => {
                    walk.list(child, "bd-pseudowire", |walk, wire| walk.vpls_wire(&domain, wire))
                }
                "vfis" => walk.list(child, "vfi", |walk, vfi| walk.vfi(vfi, "vfi-pseudowire")),
                "access-vfis" => {
                    walk.list(child, "access-vfi", |walk, vfi| walk.vfi(vfi, "access-vfi-pseudowire"))
                }
                "bridge-domain-evis" => {
                    walk.list(child, "bridge-domain-evi", |walk, evi| walk.evi(evi, "vpn-id"))
                }
                "bd-storm-controls"
                | "member-vnis"
                | "bridge-domain-mac"
                | "nv-satellite"
                | "bridge-domain-pbb"
                | "bridge-domainvnis"
                | "bd-pseudowire-evpns"
                | "ip-source-guard"
                | "dai"
                | "coupled-mode"
                | "flooding"
                | "flooding-unknown-unicast"
                | "efp-visibility"
                | "l2-multicast-source"
                | "igmp-snooping"
                | "igmp-snooping-disable"
                | "mld-snooping"
                | "transport-mode"
                | "bridge-domain-mtu"
                | "dhcp" => Class::Ignored,
                _ => return None,
            })
        })
    }

    /// A forwarding instance, with its pseudowires in a list of entries of that name.
    fn vfi(&mut self, node: Node<'t, '_>, entry: &str) -> Class {
        let Some(vfi) = value(node, "name") else { return self.lost() };
        self.config.gathered.service(ServiceKind::Vpls, vfi);
        self.each(node, |walk, name, child| match name {
            "name" | "vpnid" => Some(Class::Read),
            "multicast-p2mp" | "bgp-auto-discovery" | "vfi-shutdown" | "access-vfi-shutdown" => {
                Some(Class::Ignored)
            }
            list if list.strip_suffix('s') == Some(entry) => {
                Some(walk.list(child, entry, |walk, wire| walk.vpls_wire(vfi, wire)))
            }
            _ => None,
        })
    }

    fn vpls_wire(&mut self, service: &str, node: Node<'t, '_>) -> Class {
        let Some(neighbor) = wire(node) else { return self.lost() };
        let at = self.config.gathered.service(ServiceKind::Vpls, service);
        self.config.gathered.services[at].neighbors.push(neighbor);
        self.keys(node, &["neighbor", "pseudowire-id"])
    }

    /// An EVPN instance, with its number in the child of that name.
    fn evi(&mut self, node: Node<'t, '_>, key: &str) -> Class {
        let Some(number) = value(node, key) else { return self.lost() };
        self.config.gathered.service(ServiceKind::Evpn, number);
        self.keys(node, &[key])
    }

    fn xconnect_group(&mut self, node: Node<'t, '_>) -> Class {
        let Some(group) = value(node, "name") else { return self.lost() };
        self.each(node, |walk, name, child| match name {
            "name" => Some(Class::Read),
            "p2p-xconnects" => {
                Some(walk.list(child, "p2p-xconnect", |walk, xconnect| walk.xconnect(group, xconnect)))
            }
            "mp2mp-xconnects" => Some(Class::Ignored),
            _ => None,
        })
    }

    fn xconnect(&mut self, group: &str, node: Node<'t, '_>) -> Class {
        let Some(name) = value(node, "name") else { return self.lost() };
        let at = self.config.line(format!("{group}:{name}"), ServiceKind::Xconnect);
        self.each(node, |walk, setting, child| {
            Some(match setting {
                "name" | "p2p-description" => Class::Read,
                "attachment-circuits" => {
                    walk.list(child, "attachment-circuit", |walk, circuit| walk.circuit(at, circuit))
                }
                "pseudowires" => walk.list(child, "pseudowire", |walk, wire| walk.pseudowire(at, wire)),
                "pseudowire-evpns" => walk.list(child, "pseudowire-evpn", |walk, wire| {
                    walk.config.lines[at].kind = ServiceKind::EvpnVpws;
                    walk.evpn_wire(at, wire, "remote-acid", Some("source-acid"))
                }),
                "pseudowire-evpn-services" => walk.list(child, "pseudowire-evpn-service", |walk, wire| {
                    walk.config.lines[at].kind = ServiceKind::EvpnVpws;
                    walk.evpn_wire(at, wire, "service-id", Some("service-id"))
                }),
                "interworking" | "monitor-sessions" => Class::Ignored,
                // Its members and far ends are more than we follow.
                "backup-attachment-circuits" | "pseudowire-routeds" => walk.lost(),
                _ => return None,
            })
        })
    }

    fn circuit(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let Some(name) = port(node, "name") else { return self.lost() };
        self.config.lines[at].members.push(name);
        self.keys(node, &["name", "enable"])
    }

    /// A pseudowire has its number outside and its address within. The backup
    /// of a pseudowire stands below the address.
    fn pseudowire(&mut self, at: usize, node: Node<'t, '_>) -> Class {
        let Some(id) = value(node, "pseudowire-id") else { return self.lost() };
        let mut ends = 0;
        let class = self.each(node, |walk, name, end| match name {
            "pseudowire-id" => Some(Class::Read),
            "neighbor" | "pseudowire-address" => {
                ends += 1;
                let Some(address) = value(end, name) else { return Some(walk.lost()) };
                let neighbor = Neighbor { address: address.to_owned(), id: Some(id.to_owned()) };
                walk.config.lines[at].neighbors.push(neighbor);
                Some(walk.each(end, |walk, setting, child| match setting {
                    _ if setting == name => Some(Class::Read),
                    "backup-pseudowires" => Some(walk.list(child, "backup-pseudowire", |walk, backup| {
                        let Some(neighbor) = wire(backup) else { return walk.lost() };
                        walk.config.lines[at].neighbors.push(neighbor);
                        walk.keys(backup, &["neighbor", "pseudowire-id"])
                    })),
                    "mpls-static-labels"
                    | "l2tp-static-attributes"
                    | "l2tp-static"
                    | "tag-impose"
                    | "class"
                    | "source-address"
                    | "bandwidth" => Some(Class::Ignored),
                    _ => None,
                }))
            }
            _ => None,
        });
        if ends == 0 { self.lost() } else { class }
    }

    /// The far end of an EVPN circuit, named as the command line's reader does.
    fn evpn_wire(&mut self, at: usize, node: Node<'t, '_>, target: &str, source: Option<&str>) -> Class {
        let (evi, far) = (value(node, "eviid"), value(node, target));
        let near = source.map(|source| value(node, source));
        let (Some(evi), Some(far)) = (evi, far) else { return self.lost() };
        let id = match near {
            None => far.to_owned(),
            Some(Some(near)) => format!("{near}:{far}"),
            Some(None) => return self.lost(),
        };
        self.config.lines[at].neighbors.push(Neighbor { address: format!("evi-{evi}"), id: Some(id) });
        self.keys(node, &["eviid", target, source.unwrap_or(target)])
    }

    fn flexible(&mut self, node: Node<'t, '_>) -> Class {
        self.each(node, |walk, table, child| match table {
            "vlan-unaware-flexible-xconnect-services" => {
                Some(walk.list(child, "vlan-unaware-flexible-xconnect-service", Self::unaware))
            }
            "vlan-aware-flexible-xconnect-services" => {
                Some(walk.list(child, "vlan-aware-flexible-xconnect-service", Self::aware))
            }
            _ => None,
        })
    }

    fn unaware(&mut self, node: Node<'t, '_>) -> Class {
        let Some(service) = value(node, "name") else { return self.lost() };
        let at = self.config.line(service.to_owned(), ServiceKind::EvpnVpwsFxc);
        self.each(node, |walk, name, child| match name {
            "name" => Some(Class::Read),
            "vlan-unaware-fxc-attachment-circuits" => {
                let entry = "vlan-unaware-fxc-attachment-circuit";
                Some(walk.list(child, entry, |walk, circuit| walk.circuit(at, circuit)))
            }
            "vlan-unaware-fxc-pseudowire-evpns" => {
                let entry = "vlan-unaware-fxc-pseudowire-evpn";
                Some(walk.list(child, entry, |walk, wire| walk.evpn_wire(at, wire, "acid", None)))
            }
            _ => None,
        })
    }

    /// It is called by its EVPN instance.
    fn aware(&mut self, node: Node<'t, '_>) -> Class {
        let Some(number) = value(node, "eviid") else { return self.lost() };
        let at = self.config.line(number.to_owned(), ServiceKind::EvpnVpwsFxc);
        self.each(node, |walk, name, child| match name {
            "eviid" => Some(Class::Read),
            "vlan-aware-fxc-attachment-circuits" => {
                let entry = "vlan-aware-fxc-attachment-circuit";
                Some(walk.list(child, entry, |walk, circuit| walk.circuit(at, circuit)))
            }
            _ => None,
        })
    }

    pub(super) fn evpn(&mut self, node: Node<'t, '_>) -> Class {
        self.each(node, |walk, name, child| match name {
            "evpn-tables" => Some(walk.evpn_tables(child)),
            "enable" => Some(Class::Read),
            _ => None,
        })
    }

    /// Instances stand in one of two tables; which one is a matter of the release.
    fn evpn_tables(&mut self, node: Node<'t, '_>) -> Class {
        self.each(node, |walk, name, child| match name {
            "evpn-evis" => Some(walk.list(child, "evpn-evi", |walk, evi| walk.evi(evi, "eviid"))),
            "evpn-instances" => Some(walk.list(child, "evpn-instance", |walk, evi| walk.evi(evi, "vpn-id"))),
            "evpn-timers"
            | "evpn-virtual-access-vfis"
            | "evpn-virtual-access-pws"
            | "evpn-load-balancing"
            | "evpn-bgp-auto-discovery"
            | "evpn-groups"
            | "evpn-logging"
            | "evpn-interfaces"
            | "evpn-ethernet-segment"
            | "evi-cost-out"
            | "evpn-source-interface"
            | "evpn-cost-in-startup" => Some(Class::Ignored),
            _ => None,
        })
    }
}

/// `neighbor` and `pseudowire-id`.
fn wire(node: Node<'_, '_>) -> Option<Neighbor> {
    let (address, id) = (value(node, "neighbor")?, value(node, "pseudowire-id")?);
    Some(Neighbor { address: address.to_owned(), id: Some(id.to_owned()) })
}
