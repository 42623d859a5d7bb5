//! What the configuration of one router says, before it is joined with what is
//! seen. Everything borrows from the text.

use std::collections::HashMap;

use crate::model::{AdminState, ServiceKind};

#[derive(Debug, Default)]
pub(super) struct Config<'t> {
    pub(super) name: Option<&'t str>,
    pub(super) ports: Vec<Port<'t>>,
    pub(super) services: Vec<Service<'t>>,
    pub(super) saps: Vec<Sap<'t>>,
    /// Layer-3 interfaces: of the base router, and of services.
    pub(super) routed: Vec<Routed<'t>>,
    /// SDPs and their far ends.
    pub(super) sdps: HashMap<&'t str, &'t str>,
    port_index: HashMap<String, usize>,
    service_index: HashMap<&'t str, usize>,
    sap_index: HashMap<&'t str, usize>,
    routed_index: HashMap<(Option<usize>, &'t str), usize>,
    /// A setting of ours has a value that we do not understand, so a fact
    /// would be wrong.
    pub(super) misread: bool,
    /// Something of ours was there at all.
    pub(super) any: bool,
}

/// A port or a LAG.
#[derive(Debug, Default)]
pub(super) struct Port<'t> {
    pub(super) name: String,
    pub(super) admin: Option<AdminState>,
    pub(super) description: Option<&'t str>,
    pub(super) mtu: Option<u32>,
    /// The LAG that lists it.
    pub(super) bundle: Option<String>,
}

#[derive(Debug)]
pub(super) struct Service<'t> {
    /// `None`: IES, which is routing in the base router and no service of its own.
    pub(super) kind: Option<ServiceKind>,
    /// What it is called in its heading: its id in the classic CLI.
    pub(super) key: &'t str,
    pub(super) name: Option<&'t str>,
    pub(super) id: Option<&'t str>,
    /// SDP and virtual circuit, `10:100`.
    pub(super) bindings: Vec<&'t str>,
    /// EVPN-VPWS: the tags of the local and the remote end.
    pub(super) ends: (Option<&'t str>, Option<&'t str>),
}

impl Service<'_> {
    /// Its name if it has one, else its id: the same in both CLIs.
    pub(super) fn title(&self) -> &str {
        self.name.unwrap_or(self.key)
    }
}

#[derive(Debug)]
pub(super) struct Sap<'t> {
    pub(super) id: &'t str,
    pub(super) service: usize,
    pub(super) l2: bool,
    pub(super) admin: Option<AdminState>,
    pub(super) description: Option<&'t str>,
}

#[derive(Debug)]
pub(super) struct Routed<'t> {
    pub(super) service: Option<usize>,
    pub(super) name: &'t str,
    pub(super) admin: Option<AdminState>,
    pub(super) description: Option<&'t str>,
    /// `1/1/1:100` of a network interface, or its SAP.
    pub(super) port: Option<&'t str>,
    pub(super) is_sap: bool,
}

impl<'t> Config<'t> {
    pub(super) fn port(&mut self, name: String) -> usize {
        if let Some(at) = self.port_index.get(&name) {
            return *at;
        }
        self.port_index.insert(name.clone(), self.ports.len());
        self.ports.push(Port { name, ..Port::default() });
        self.ports.len() - 1
    }

    pub(super) fn service(&mut self, kind: Option<ServiceKind>, key: &'t str) -> usize {
        let services = &mut self.services;
        *self.service_index.entry(key).or_insert_with(|| {
            services.push(Service {
                kind,
                key,
                name: None,
                id: None,
                bindings: Vec::new(),
                ends: (None, None),
            });
            services.len() - 1
        })
    }

    pub(super) fn sap(&mut self, id: &'t str, service: usize, l2: bool) -> usize {
        let saps = &mut self.saps;
        *self.sap_index.entry(id).or_insert_with(|| {
            saps.push(Sap { id, service, l2, admin: None, description: None });
            saps.len() - 1
        })
    }

    pub(super) fn routed(&mut self, service: Option<usize>, name: &'t str) -> usize {
        let routed = &mut self.routed;
        *self.routed_index.entry((service, name)).or_insert_with(|| {
            routed.push(Routed { service, name, admin: None, description: None, port: None, is_sap: false });
            routed.len() - 1
        })
    }

    pub(super) fn has_sap(&self, id: &str) -> bool {
        self.sap_index.contains_key(id)
    }

    pub(super) fn service_of_id(&self, id: &str) -> Option<&Service<'t>> {
        self.services.iter().find(|service| service.id.unwrap_or(service.key) == id)
    }
}
