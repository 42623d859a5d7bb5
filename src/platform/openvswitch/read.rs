//! Sections → reading. Signs of completeness: the end of the channel or the
//! prompt, JSON that closes what it opens, rows as wide as their heading, and
//! references that lead somewhere: each port of a bridge and each interface of
//! a port has its row, and each port is on a bridge.
//!
//! The details of `incomplete`: `section-missing`, `no-prompt`, `torn`,
//! `row-missing`, `value-unread`.

use std::collections::HashSet;

use crate::model::{Outcome, Scope};
use crate::platform::reading::{Class, Tally, is_blank, lines};
use crate::platform::{Captured, Ending, Reading, Rules};

use super::OPENVSWITCH;
use super::join::{Bridge, Device, Port, Rows, join};
use super::rows::{Cell, rows};

/// The reader of [`OPENVSWITCH`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    let mut case = Case {
        rows: Rows::default(),
        tally: Tally::default(),
        system: None,
        findings: Vec::new(),
        known: Vec::new(),
    };
    for captured in sections {
        case.ending(captured, rules);
        case.section(captured);
    }
    case.demand_sections(scope, sections, rules);
    case.compare();
    case.conclude(scope)
}

/// What was asked, whichever way was understood.
fn base(section: &str) -> &str {
    section.strip_suffix(" bare").unwrap_or(section)
}

struct Case<'s> {
    rows: Rows<'s>,
    tally: Tally,
    system: Option<&'s str>,
    findings: Vec<(Outcome, &'static str)>,
    /// The tables that were read.
    known: Vec<&'s str>,
}

/// Why there is no table.
fn refusal(text: &str) -> Option<&'static str> {
    let first = lines(text).find(|line| !is_blank(line))?.trim_ascii();
    if first.starts_with('{') {
        return None;
    }
    let lower = first.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if has(&["permission denied", "not permitted", "not allowed"]) {
        Some("insufficient-rights")
    } else if has(&["database connection failed"]) {
        Some("daemons-down")
    } else if has(&["unknown command", "not found", "no such file", "usage:", "invalid option"])
        || first.starts_with("ovs-vsctl:")
    {
        Some("unknown-word")
    } else {
        None
    }
}

impl<'s> Case<'s> {
    fn ending(&mut self, captured: &'s Captured, rules: Rules) {
        if let Some(name) = captured.prompt.as_deref() {
            self.named(name);
        } else if rules == Rules::Live && captured.ended == Ending::Unseen {
            self.findings.push((Outcome::Incomplete, "no-prompt"));
        }
    }

    fn named(&mut self, name: &'s str) {
        let short = |name: &'s str| name.split('.').next().unwrap_or(name);
        match self.system {
            None => self.system = Some(name),
            Some(system) if short(system) != short(name) => {
                self.findings.push((Outcome::WrongDevice, "other-system"));
            }
            Some(_) => {}
        }
    }

    fn count(&mut self, text: &str, class: Class) {
        for line in lines(text) {
            self.tally.any(class, line);
        }
    }

    fn section(&mut self, captured: &'s Captured) {
        let text = &captured.text;
        if refusal(text).is_some() {
            return self.count(text, Class::Ignored);
        }
        if matches!(captured.ended, Ending::Exit(status) if status != 0) {
            self.findings.push((Outcome::Incomplete, "exit-status"));
            return self.count(text, Class::Unread);
        }
        let understood = match base(&captured.section) {
            "bridges" => rows(text, ["name", "ports"]).map(|table| {
                self.rows.bridges.extend(table.into_iter().map(|[name, ports]| Bridge { name, ports }));
            }),
            "ports" => {
                let columns = ["_uuid", "name", "tag", "trunks", "vlan_mode", "interfaces"];
                rows(text, columns).map(|table| {
                    self.rows.ports.extend(table.into_iter().map(
                        |[id, name, tag, trunks, mode, interfaces]| Port {
                            id,
                            name,
                            tag,
                            trunks,
                            mode,
                            interfaces,
                        },
                    ));
                })
            }
            "interfaces" => rows(text, ["_uuid", "name", "admin_state", "link_state", "mtu"]).map(|table| {
                let rows = table.into_iter().map(|[id, name, admin, link, mtu]| Device {
                    id,
                    name,
                    admin,
                    link,
                    mtu,
                });
                self.rows.interfaces.extend(rows);
            }),
            "system" => rows(text, ["external_ids"]).map(|_| ()),
            // It began like a table, and was cut before its headings.
            "table" => None,
            _ => return self.count(text, Class::Ignored),
        };
        let class = if understood.is_some() { Class::Read } else { Class::Unread };
        self.count(text, class);
        match understood {
            Some(()) => self.known.push(base(&captured.section)),
            None => self.findings.push((Outcome::Incomplete, "torn")),
        }
    }

    /// Live, each table is there once, asked one way or the other.
    fn demand_sections(&mut self, scope: &Scope, sections: &'s [Captured], rules: Rules) {
        for wanted in ["bridges", "ports", "interfaces", "system"] {
            if self.known.contains(&wanted) {
                continue;
            }
            let mut given = sections.iter().filter(|captured| base(&captured.section) == wanted);
            let why = given.clone().filter_map(|captured| refusal(&captured.text)).max_by_key(|why| {
                // The way that is not there says less than the one that failed.
                *why != "unknown-word"
            });
            match why {
                Some(why) => self.findings.push((Outcome::Refused, why)),
                None if given.next().is_none() && rules == Rules::Live => {
                    self.findings.push((Outcome::Incomplete, "section-missing"));
                }
                None => {}
            }
        }
        let asked = OPENVSWITCH.templates(scope).count();
        if rules == Rules::Live && sections.len() < asked {
            self.findings.push((Outcome::Incomplete, "section-missing"));
        }
        // The host's name, where it was told to the database.
        for captured in sections.iter().filter(|captured| base(&captured.section) == "system") {
            let Some(table) = rows(&captured.text, ["external_ids"]) else { continue };
            for [ids] in table {
                if let (Some(name), None) = (ids.get("hostname"), self.system) {
                    // The text outlives the cell that was made from it.
                    let at = captured.text.find(name);
                    self.system = at.map(|at| &captured.text[at..at + name.len()]);
                }
            }
        }
    }

    fn compare(&mut self) {
        let ids = |cells: &mut dyn Iterator<Item = &Cell<'s>>| -> HashSet<String> {
            cells.filter_map(|cell| cell.uuid().map(str::to_owned)).collect()
        };
        let knows = |table: &str| self.known.contains(&table);
        let ports = ids(&mut self.rows.ports.iter().map(|port| &port.id));
        let devices = ids(&mut self.rows.interfaces.iter().map(|device| &device.id));
        let on_bridges = ids(&mut self.rows.bridges.iter().flat_map(|bridge| bridge.ports.set()));
        let of_ports = ids(&mut self.rows.ports.iter().flat_map(|port| port.interfaces.set()));
        let row_missing = (knows("bridges") && knows("ports") && ports != on_bridges)
            || (knows("ports") && knows("interfaces") && devices != of_ports);
        if row_missing {
            self.findings.push((Outcome::Incomplete, "row-missing"));
        }
    }

    fn conclude(mut self, scope: &Scope) -> Reading {
        let facts = join(&self.rows, scope);
        if facts.misread {
            self.findings.push((Outcome::Incomplete, "value-unread"));
        }
        if self.known.is_empty() && self.findings.is_empty() {
            self.findings.push((Outcome::Unread, ""));
        }
        let order = [Outcome::WrongDevice, Outcome::Refused, Outcome::Unread, Outcome::Incomplete];
        let found = order.iter().find_map(|outcome| self.findings.iter().find(|(found, _)| found == outcome));
        let (outcome, detail) = found.copied().unwrap_or((Outcome::Complete, ""));
        Reading {
            outcome,
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            system: self.system.map(str::to_owned),
            interfaces: facts.interfaces,
            bridge_domains: facts.bridge_domains,
            services: Vec::new(),
            vlans: facts.vlans,
            lines: self.tally.counts,
            unread: self.tally.unread,
            commits: Vec::new(),
        }
    }
}
