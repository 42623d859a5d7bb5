//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! The signs of a configuration: `version` at its head, `end` as its last
//! setting, a host name that is the prompt's, no log line or pager within, and
//! a table that knows the same interfaces. The details of `incomplete`:
//! `section-missing`, `no-prompt`, `no-start-mark`, `no-end-mark`, `after-end`
//! (settings behind the end), `no-header`, `unbalanced`, `torn`, `noise`,
//! `pager`, `empty`, `value-unread` (a fact would be wrong), `row-missing`
//! (configured, but not in the table), `config-missing` (a sub-interface in the
//! table that is not configured).

use std::collections::HashSet;

use crate::model::Scope;
use crate::platform::attempt::Attempt;
use crate::platform::gathered::{Facts, Gathered, Seen};
use crate::platform::lines::{parent_of, walk};
use crate::platform::reading::{Class, lines};
use crate::platform::rows::Form;
use crate::platform::{Captured, Object, Reading, Rules};

use super::config::Config;
use super::marks::{self, Refusal};
use super::{CISCO_IOS, names, ports, prompt, tables, typed};

/// The reader of [`CISCO_IOS`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    let mut case = Case {
        attempt: Attempt::new(&CISCO_IOS, scope, rules),
        config: Gathered::default(),
        tables: Gathered::default(),
        seen: Vec::new(),
        written: Vec::new(),
        has_config: false,
        whole_config: false,
        has_table: false,
        switches: false,
        vlans_unknown: false,
    };
    case.attempt.demand_sections(sections);
    for captured in sections {
        case.attempt.prompt(captured);
        case.section(captured);
    }
    case.conclude()
}

/// One attempt, while it is being read.
struct Case<'s> {
    attempt: Attempt<'s>,
    /// What the configuration says.
    config: Gathered,
    /// What tables say beside it.
    tables: Gathered,
    seen: Vec<Seen>,
    /// Interfaces of the configuration, as written.
    written: Vec<&'s str>,
    has_config: bool,
    /// The configuration of the whole device was read.
    whole_config: bool,
    /// A whole table of interfaces was read.
    has_table: bool,
    /// There are switch ports or VLANs.
    switches: bool,
    /// The system does not know VLANs as objects.
    vlans_unknown: bool,
}

impl<'s> Case<'s> {
    fn section(&mut self, captured: &'s Captured) {
        let text = captured.text.as_str();
        if let Some(refusal) = marks::refusal(text) {
            self.attempt.count(text, Class::Ignored);
            return self.refused(&captured.section, refusal);
        }
        let tally = &mut self.attempt.tally;
        let form = match captured.section.as_str() {
            "version" => return self.version(text),
            "last change" => return self.last_change(text),
            "config" => return self.configuration(captured),
            "descriptions" => ports::descriptions(text, &mut self.seen, tally),
            "interfaces" => ports::blocks(text, &mut self.seen, tally),
            "status" => ports::status(text, &mut self.seen, tally),
            "switchports" => ports::switchports(text, &mut self.seen, tally),
            "service instances" => tables::instances(text, &mut self.seen, tally),
            "bundles" => tables::bundles(text, &mut self.seen, tally),
            "vlans" => tables::vlans(text, &mut self.tables, tally),
            "bridge-domains" => tables::domains(text, &mut self.tables, tally),
            "services" => tables::services(text, &mut self.tables, tally),
            "xconnects" => tables::xconnects(text, &mut self.tables, tally),
            "vrfs" => tables::vrfs(text, &mut self.tables, tally),
            _ => return self.attempt.count(text, Class::Ignored),
        };
        self.judge(&captured.section, form, text);
    }

    fn refused(&mut self, section: &str, refusal: Refusal) {
        match (section, refusal) {
            // A router has no VLANs of its own, and older systems print no such header.
            ("vlans", Refusal::UnknownCommand) => self.vlans_unknown = true,
            ("version" | "last change", Refusal::UnknownCommand | Refusal::Other) => {}
            _ => self.attempt.refused(refusal.detail()),
        }
    }

    fn judge(&mut self, section: &str, form: Form, text: &str) {
        self.attempt.understood |= form.header;
        self.has_table |= form.header && section == "descriptions";
        if section == "vlans" && text.contains("No Virtual LANs configured") {
            self.vlans_unknown = true;
            return;
        }
        if form.pager {
            self.attempt.incomplete("pager");
        }
        if form.noise {
            self.attempt.incomplete("noise");
        }
        if !form.header {
            self.attempt.incomplete("no-header");
        } else if form.torn {
            self.attempt.incomplete("torn");
        } else if form.rows == 0 && matches!(section, "descriptions" | "vlans" | "interfaces" | "status") {
            self.attempt.incomplete("empty");
        }
    }

    fn version(&mut self, text: &'s str) {
        self.attempt.count(text, Class::Ignored);
        if let Some(name) = marks::name_in_version(text).filter(|name| prompt::is_system_name(name)) {
            self.attempt.understood = true;
            self.attempt.named(name);
        }
    }

    fn last_change(&mut self, text: &str) {
        self.attempt.count(text, Class::Ignored);
        let marks: Vec<_> = lines(text).filter_map(marks::last_change).collect();
        if !marks.is_empty() {
            self.attempt.commits.push(marks);
        }
    }

    fn configuration(&mut self, captured: &'s Captured) {
        let object = typed::typed(&captured.command).and_then(|typed| typed.object);
        let text = captured.text.as_str();
        let marks: Vec<_> = lines(text).take(200).find_map(marks::last_change).into_iter().collect();
        if !marks.is_empty() {
            self.attempt.commits.push(marks);
        }
        let before = self.config.interfaces.len();
        let mut config = Config::new(&mut self.config);
        let shape = walk(text, &mut config, &mut self.attempt.tally);
        config.finish();
        let (ended, after_end, version, misread) =
            (config.ended, config.after_end, config.version, config.misread);
        self.switches |= config.switches;
        self.written.append(&mut config.written);
        let host_names = std::mem::take(&mut config.host_names);
        self.attempt.understood |= version || ended || self.config.interfaces.len() > before;
        for name in host_names.into_iter().filter(|name| prompt::is_system_name(name)) {
            self.attempt.named(name);
        }
        self.attempt.judge(shape);
        for (wrong, detail) in [
            (!ended, "no-end-mark"),
            (after_end, "after-end"),
            (misread, "value-unread"),
            (object.is_none() && !version, "no-start-mark"),
            (object.is_none() && self.config.interfaces.len() == before, "empty"),
        ] {
            if wrong {
                self.attempt.incomplete(detail);
            }
        }
        self.has_config = true;
        if object.is_none() {
            self.whole_config = true;
            // What it does not name is not there.
            self.attempt.absent |= *self.attempt.scope != Scope::Device;
        } else if let Some(Object::Interface(name)) = object
            && self.config.find(&names::long(name)).is_none()
        {
            self.attempt.incomplete("row-missing");
        }
    }

    /// Table and configuration have to know the same interfaces.
    fn compare(&mut self) {
        if !self.has_table || !self.whole_config {
            return;
        }
        let seen: HashSet<&str> = self.seen.iter().map(|row| row.name.as_str()).collect();
        let mut written = self.written.iter().map(|name| names::long(name));
        let row_missing = written.any(|name| names::is_known(&name) && !seen.contains(name.as_str()));
        // A sub-interface exists by configuration only; a deleted one is listed
        // until the next start.
        let is_lost = |row: &Seen| {
            parent_of(&row.name).is_some()
                && names::is_known(&row.name)
                && !row.name.starts_with("Virtual-Access")
                && row.fact.as_ref().is_none_or(|fact| fact.oper != Some(crate::model::OperState::NotPresent))
                && self.config.find(&row.name).is_none()
        };
        let config_missing = self.seen.iter().any(is_lost);
        if row_missing {
            self.attempt.incomplete("row-missing");
        }
        if config_missing {
            self.attempt.incomplete("config-missing");
        }
    }

    fn facts(&mut self) -> Facts {
        let mut gathered = std::mem::take(&mut self.config);
        let configured = gathered.interfaces.len();
        if self.has_config {
            for (id, vlan) in std::mem::take(&mut self.tables.vlans) {
                let ours = gathered.vlan(id);
                ours.name = ours.name.take().or(vlan.name);
                ours.interfaces.extend(vlan.interfaces);
            }
        } else {
            gathered = std::mem::take(&mut self.tables);
        }
        // A table alone shows that something was configured where only a
        // configuration could have made it.
        let alone = !self.has_config;
        for seen in self.seen.drain(..) {
            gathered.see(seen, configured, |fact| {
                alone && (names::is_made(&fact.name) || fact.name.contains(".EFP") || fact.l2)
            });
        }
        match self.attempt.scope {
            Scope::Interface(name) => {
                let name = names::long(name);
                let mut facts = gathered.facts(&Scope::Device);
                // A file about one port holds its service instances, too.
                let within = (self.attempt.rules == Rules::Offline).then(|| format!("{name}.EFP"));
                facts.interfaces.retain(|port| {
                    port.name == name || within.as_ref().is_some_and(|within| port.name.starts_with(within))
                });
                Facts { interfaces: facts.interfaces, ..Facts::default() }
            }
            scope => gathered.facts(scope),
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        if self.vlans_unknown {
            if self.switches {
                self.attempt.refused(Refusal::UnknownCommand.detail());
            } else if self.has_config {
                self.attempt.understood = true;
            }
        }
        let facts = self.facts();
        self.attempt.conclude(facts)
    }
}

/// The outcome that a reading of nothing has, for the tests of the room.
#[cfg(test)]
pub(super) fn outcome_of_nothing() -> crate::model::Outcome {
    read(&Scope::Device, &[], Rules::Offline).outcome
}
