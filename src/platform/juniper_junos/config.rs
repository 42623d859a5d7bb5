//! What the configuration of one device says, before it is joined with what is
//! seen. Everything borrows from the text; lists are in the order of the text.

use std::collections::HashMap;

use crate::model::Neighbor;

#[derive(Debug, Default)]
pub(super) struct Config<'t> {
    pub(super) host_name: Option<&'t str>,
    pub(super) ports: Vec<Port<'t>>,
    pub(super) units: Vec<Unit<'t>>,
    pub(super) ranges: Vec<Members<'t>>,
    pub(super) domains: Vec<Domain<'t>>,
    pub(super) instances: Vec<Instance<'t>>,
    pub(super) circuits: Vec<Circuit<'t>>,
    pub(super) crosses: Vec<Cross<'t>>,
    /// Groups, and whether one holds anything of ours.
    pub(super) groups: Vec<(&'t str, bool)>,
    port_index: HashMap<(bool, &'t str), usize>,
    unit_index: HashMap<(usize, &'t str), usize>,
    domain_index: HashMap<(Option<usize>, &'t str), usize>,
    instance_index: HashMap<&'t str, usize>,
    /// Which hierarchies there are.
    pub(super) has_interfaces: bool,
    pub(super) has_services: bool,
    /// A setting of ours has a value that we do not understand, so a fact
    /// would be wrong.
    pub(super) misread: bool,
    /// Groups that could hold facts are applied and not expanded.
    pub(super) unexpanded: bool,
    /// The text patches a configuration (`delete:`), so it is none.
    pub(super) patch: bool,
}

/// One entry below `interfaces`, or the settings of an `interface-range`.
#[derive(Clone, Debug, Default)]
pub(super) struct Port<'t> {
    pub(super) name: &'t str,
    pub(super) is_range: bool,
    pub(super) disable: bool,
    pub(super) description: Option<&'t str>,
    pub(super) mtu: Option<u32>,
    pub(super) bundle: Option<&'t str>,
    /// Its encapsulation makes every unit layer 2.
    pub(super) l2: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Unit<'t> {
    pub(super) port: usize,
    pub(super) number: &'t str,
    pub(super) disable: bool,
    pub(super) description: Option<&'t str>,
    pub(super) l2: bool,
    pub(super) tags: Tags<'t>,
    /// In `family bridge` or `family ethernet-switching`.
    pub(super) switch: Option<Switch<'t>>,
}

/// The tags of a unit, or of a bridge domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags<'t> {
    /// `vlan-id`, `vlan-id-list`, `vlan-id-range`: one tag.
    pub(super) single: Vec<&'t str>,
    /// `vlan-tags outer`, perhaps with its protocol id.
    pub(super) outer: Option<&'t str>,
    pub(super) inner: Vec<&'t str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Switch<'t> {
    pub(super) trunk: bool,
    /// VLAN names, ids and ranges, as written.
    pub(super) members: Vec<&'t str>,
    pub(super) inner: Vec<&'t str>,
}

/// The members of the interface range that is port `port`.
#[derive(Debug)]
pub(super) struct Members<'t> {
    pub(super) port: usize,
    pub(super) names: Vec<&'t str>,
    /// From and to.
    pub(super) spans: Vec<(&'t str, Option<&'t str>)>,
}

/// An entry of `vlans` or of `bridge-domains`.
#[derive(Debug)]
pub(super) struct Domain<'t> {
    pub(super) instance: Option<usize>,
    pub(super) name: &'t str,
    pub(super) is_vlan: bool,
    pub(super) ids: Vec<&'t str>,
    pub(super) members: Vec<&'t str>,
    pub(super) router: Option<&'t str>,
    pub(super) description: Option<&'t str>,
}

#[derive(Debug, Default)]
pub(super) struct Instance<'t> {
    pub(super) name: &'t str,
    pub(super) kind: Option<&'t str>,
    pub(super) description: Option<&'t str>,
    pub(super) members: Vec<&'t str>,
    /// Its own neighbours by address, without an id where none is said.
    pub(super) neighbors: Vec<&'t str>,
    pub(super) vpls_id: Option<&'t str>,
    pub(super) evpn: bool,
    pub(super) vpls: bool,
    /// EVPN-VPWS: interface, local and remote id.
    pub(super) pairs: Vec<(&'t str, Option<&'t str>, Option<&'t str>)>,
    /// L2VPN: site, its id, the sites at the far end.
    pub(super) sites: Vec<(&'t str, Option<&'t str>, Vec<&'t str>)>,
}

/// One `protocols l2circuit neighbor A interface B`.
#[derive(Debug)]
pub(super) struct Circuit<'t> {
    pub(super) neighbor: &'t str,
    pub(super) interface: &'t str,
    pub(super) id: Option<&'t str>,
}

/// Two interfaces of the same device, connected.
#[derive(Debug)]
pub(super) struct Cross<'t> {
    pub(super) name: &'t str,
    pub(super) local_switching: bool,
    pub(super) members: Vec<&'t str>,
}

impl<'t> Config<'t> {
    pub(super) fn port(&mut self, name: &'t str, is_range: bool) -> usize {
        if let Some(last) = self.ports.last()
            && last.name == name
            && last.is_range == is_range
        {
            return self.ports.len() - 1;
        }
        let ports = &mut self.ports;
        *self.port_index.entry((is_range, name)).or_insert_with(|| {
            ports.push(Port { name, is_range, ..Port::default() });
            ports.len() - 1
        })
    }

    pub(super) fn unit(&mut self, port: usize, number: &'t str) -> usize {
        if let Some(last) = self.units.last()
            && last.port == port
            && last.number == number
        {
            return self.units.len() - 1;
        }
        let units = &mut self.units;
        *self.unit_index.entry((port, number)).or_insert_with(|| {
            units.push(Unit { port, number, ..Unit::default() });
            units.len() - 1
        })
    }

    pub(super) fn range(&mut self, port: usize) -> &mut Members<'t> {
        let at = self.ranges.iter().rposition(|range| range.port == port).unwrap_or_else(|| {
            self.ranges.push(Members { port, names: Vec::new(), spans: Vec::new() });
            self.ranges.len() - 1
        });
        &mut self.ranges[at]
    }

    pub(super) fn domain(&mut self, instance: Option<usize>, name: &'t str, is_vlan: bool) -> usize {
        let domains = &mut self.domains;
        *self.domain_index.entry((instance, name)).or_insert_with(|| {
            domains.push(Domain {
                instance,
                name,
                is_vlan,
                ids: Vec::new(),
                members: Vec::new(),
                router: None,
                description: None,
            });
            domains.len() - 1
        })
    }

    pub(super) fn instance(&mut self, name: &'t str) -> usize {
        let instances = &mut self.instances;
        *self.instance_index.entry(name).or_insert_with(|| {
            instances.push(Instance { name, ..Instance::default() });
            instances.len() - 1
        })
    }

    pub(super) fn circuit(&mut self, neighbor: &'t str, interface: &'t str) -> usize {
        let same = |c: &Circuit<'_>| c.neighbor == neighbor && c.interface == interface;
        if self.circuits.last().is_some_and(same) {
            return self.circuits.len() - 1;
        }
        self.circuits.push(Circuit { neighbor, interface, id: None });
        self.circuits.len() - 1
    }

    pub(super) fn cross(&mut self, name: &'t str, local_switching: bool) -> usize {
        let same = |c: &Cross<'_>| c.name == name && c.local_switching == local_switching;
        if self.crosses.last().is_some_and(same) {
            return self.crosses.len() - 1;
        }
        let members = if local_switching { vec![name] } else { Vec::new() };
        self.crosses.push(Cross { name, local_switching, members });
        self.crosses.len() - 1
    }

    pub(super) fn port_named(&self, name: &str) -> Option<&Port<'t>> {
        self.port_index.get(&(false, name)).map(|at| &self.ports[*at])
    }

    pub(super) fn unit_named(&self, name: &str) -> Option<&Unit<'t>> {
        let (port, number) = name.rsplit_once('.')?;
        let port = self.port_index.get(&(false, port))?;
        self.unit_index.get(&(*port, number)).map(|at| &self.units[*at])
    }
}

impl Instance<'_> {
    pub(super) fn far_ends(&self) -> Vec<Neighbor> {
        let text = |id: Option<&str>| id.unwrap_or("").to_owned();
        let neighbor = |address: &str, id: Option<String>| Neighbor { address: address.to_owned(), id };
        let mut all: Vec<Neighbor> =
            self.neighbors.iter().map(|address| neighbor(address, self.vpls_id.map(str::to_owned))).collect();
        // The far end is found by BGP, so its address is not configured: the
        // pair of ids is what identifies it.
        all.extend(self.pairs.iter().map(|(_, local, remote)| {
            neighbor("vpws-service-id", Some(format!("{}:{}", text(*local), text(*remote))))
        }));
        for (_, id, remotes) in &self.sites {
            all.extend(
                remotes
                    .iter()
                    .map(|remote| neighbor("site-identifier", Some(format!("{}:{remote}", text(*id))))),
            );
        }
        all.sort();
        all.dedup();
        all
    }
}
