//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! A sign that is missing never loses facts; it only takes away the word
//! `complete`. The details of `incomplete`: `section-missing`, `no-prompt`,
//! `no-start-mark`, `no-end-mark`, `no-header`, `no-section`, `unbalanced`,
//! `torn`, `noise`, `pager`, `empty`, `value-unread` (a fact would be wrong),
//! `row-missing` (configured, but not in the table), `config-missing` (a
//! sub-interface in the table that is not configured).

use std::collections::HashSet;

use crate::model::snapshot::CommitMark;
use crate::model::{Outcome, Scope};
use crate::platform::reading::{Class, Tally, lines};
use crate::platform::{Captured, Object, Reading, Rules};

use super::join::{Evidence, join};
use super::marks::{self, Refusal};
use super::{DRIVENETS_DNOS, commits, detail, parent_of, prompt, table, typed};

/// The reader of [`DRIVENETS_DNOS`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    let mut case = Case::new(scope, rules);
    case.demand_sections(sections);
    for captured in sections {
        case.prompt(captured);
        match captured.section.as_str() {
            "version" => case.version(captured),
            "rollback" => case.rollback(captured),
            "interfaces" => case.table(captured),
            "interface detail" => case.detail(captured),
            section if section == "config" || section.starts_with("config ") => case.config(captured),
            _ => case.count(&captured.text, Class::Ignored),
        }
    }
    case.conclude()
}

/// One attempt, while it is being read.
struct Case<'s> {
    scope: &'s Scope,
    rules: Rules,
    evidence: Evidence<'s>,
    tally: Tally,
    system: Option<&'s str>,
    /// What is wrong, in the order in which it was found.
    findings: Vec<(Outcome, &'static str)>,
    commits: Vec<Vec<CommitMark>>,
    /// Something was what it should be.
    understood: bool,
    /// The device said that there is nothing.
    absent: bool,
    /// A whole interface table was read.
    has_table: bool,
    /// The whole `interfaces` configuration was read.
    has_ports: bool,
}

impl<'s> Case<'s> {
    fn new(scope: &'s Scope, rules: Rules) -> Self {
        Self {
            scope,
            rules,
            evidence: Evidence::default(),
            tally: Tally::default(),
            system: None,
            findings: Vec::new(),
            commits: Vec::new(),
            understood: false,
            absent: false,
            has_table: false,
            has_ports: false,
        }
    }

    fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    /// Live, each command of the script has its output. The whole
    /// configuration stands for all of its parts.
    fn demand_sections(&mut self, sections: &[Captured]) {
        if self.rules == Rules::Offline || sections.iter().any(|captured| captured.section == "config") {
            return;
        }
        let mut missing: Vec<&str> =
            DRIVENETS_DNOS.templates(self.scope).map(|template| template.section).collect();
        for captured in sections {
            if let Some(at) = missing.iter().position(|section| *section == captured.section) {
                missing.swap_remove(at);
            }
        }
        if !missing.is_empty() {
            self.incomplete("section-missing");
        }
    }

    fn prompt(&mut self, captured: &'s Captured) {
        match captured.prompt.as_deref() {
            Some(name) => self.named(name),
            None if self.rules == Rules::Live => self.incomplete("no-prompt"),
            None => {}
        }
    }

    /// The text calls the system `name`. It never changes within one attempt.
    fn named(&mut self, name: &'s str) {
        match self.system {
            None => self.system = Some(name),
            Some(system) if system != name => self.findings.push((Outcome::WrongDevice, "other-system")),
            Some(_) => {}
        }
    }

    fn count(&mut self, text: &str, class: Class) {
        for line in lines(text) {
            self.tally.any(class, line);
        }
    }

    fn refused(&mut self, refusal: Refusal<'_>) {
        self.findings.push((Outcome::Refused, refusal.detail()));
    }

    /// Older systems do not know the command; that is no failure.
    fn version(&mut self, captured: &'s Captured) {
        self.count(&captured.text, Class::Ignored);
        if marks::refusal(&captured.text).is_some() {
            return;
        }
        let name = lines(&captured.text)
            .find_map(|line| line.strip_prefix("System Name:"))
            .map(|rest| rest.split(',').next().unwrap_or("").trim_ascii());
        if let Some(name) = name.filter(|name| prompt::is_system_name(name)) {
            self.understood = true;
            self.named(name);
        }
    }

    fn rollback(&mut self, captured: &Captured) {
        let commits = commits::read(&captured.text, &mut self.tally);
        if !commits.is_empty() {
            self.understood = true;
            self.commits.push(commits);
        }
    }

    fn table(&mut self, captured: &'s Captured) {
        if let Some(refusal) = marks::refusal(&captured.text) {
            self.count(&captured.text, Class::Ignored);
            self.refused(refusal);
            return;
        }
        let before = self.evidence.seen.len();
        let form = table::read(&captured.text, &mut self.evidence.seen, &mut self.tally);
        self.understood |= form.header;
        self.has_table |= form.header;
        if form.pager {
            self.incomplete("pager");
        }
        if !form.header {
            self.incomplete("no-header");
        } else if form.torn {
            self.incomplete("torn");
        } else if self.evidence.seen.len() == before {
            self.incomplete("empty");
        }
    }

    fn detail(&mut self, captured: &'s Captured) {
        let object = typed::typed(&captured.command).and_then(|typed| typed.object);
        if let Some(refusal) = marks::refusal(&captured.text) {
            self.count(&captured.text, Class::Ignored);
            self.refused_object(refusal, object);
            return;
        }
        let before = self.evidence.seen.len();
        let pager = detail::read(&captured.text, &mut self.evidence.seen, &mut self.tally);
        if pager {
            self.incomplete("pager");
        }
        let blocks = &self.evidence.seen[before..];
        self.understood |= !blocks.is_empty();
        let whole = match object {
            Some(Object::Interface(name)) => {
                blocks.iter().any(|block| block.name == name && block.admin.is_some())
            }
            _ => !blocks.is_empty() && blocks.iter().all(|block| block.admin.is_some()),
        };
        if !whole {
            self.incomplete("row-missing");
        }
    }

    /// An error that names exactly the object that was asked for says that it
    /// is not there. Any other error is a refusal.
    fn refused_object(&mut self, refusal: Refusal<'_>, object: Option<Object<'_>>) {
        match (refusal, object) {
            (Refusal::UnknownWord(word), Some(Object::Interface(name) | Object::BridgeDomain(name)))
                if word == name =>
            {
                self.understood = true;
                self.absent = true;
            }
            _ => self.refused(refusal),
        }
    }

    fn config(&mut self, captured: &'s Captured) {
        let section = captured.section.as_str();
        let object = typed::typed(&captured.command).and_then(|typed| typed.object);
        if let Some(refusal) = marks::refusal(&captured.text) {
            self.count(&captured.text, Class::Ignored);
            match refusal {
                // Systems without `services` do not know the word.
                Refusal::UnknownWord("services") if section == "config services" => {
                    self.understood = true;
                }
                _ => self.refused_object(refusal, object),
            }
            if matches!(object, Some(Object::Interface(_))) {
                self.evidence.ports_known = true;
            }
            return;
        }
        let (start, end) = marks::frame(&captured.text);
        match start {
            Some(name) => self.named(name),
            None => self.incomplete("no-start-mark"),
        }
        match end {
            Some(name) => self.named(name),
            None => self.incomplete("no-end-mark"),
        }
        let form = self.evidence.config.read(&captured.text, &mut self.tally);
        for (wrong, detail) in [
            (form.pager, "pager"),
            (form.noise, "noise"),
            (form.unbalanced, "unbalanced"),
            (form.misread, "value-unread"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
        let framed = start.is_some() && end.is_some();
        self.understood |= framed || form.interfaces || form.network_services || form.services;

        let whole = object.is_none();
        let all = section == "config";
        if whole && (all || section == "config interfaces") {
            self.has_ports = true;
            self.evidence.ports_known = true;
            self.evidence.all_ports = true;
        }
        if all || section == "config network-services" || section == "config services" {
            self.evidence.services_seen = true;
            self.evidence.services_known |= whole && (all || section == "config network-services");
            self.absent |= framed && form.body == 0 && !all;
        }
        match section {
            // Every system has at least a management port.
            "config" | "config interfaces" if whole && !form.interfaces => {
                self.incomplete(if form.body == 0 || all { "empty" } else { "no-section" });
            }
            "config interfaces" if form.body > 0 && !form.interfaces => self.incomplete("no-section"),
            "config network-services" if form.body > 0 && !form.network_services => {
                self.incomplete("no-section");
            }
            "config services" if form.body > 0 && !form.services => self.incomplete("no-section"),
            _ => {}
        }
        match object {
            Some(Object::Interface(name)) => {
                self.evidence.ports_known |= framed;
                if form.body > 0 && self.evidence.config.port_named(name).is_none() {
                    self.incomplete("row-missing");
                }
            }
            Some(Object::BridgeDomain(name))
                if !self.evidence.config.instances.iter().any(|instance| instance.name == name) =>
            {
                self.incomplete(if form.body == 0 { "empty" } else { "row-missing" });
            }
            _ => {}
        }
    }

    /// Table and configuration have to know the same interfaces.
    fn compare(&mut self) {
        let seen: HashSet<&str> = self.evidence.seen.iter().map(|row| row.name).collect();
        let config = &self.evidence.config;
        let is_shown = |name: &str| seen.contains(name) || is_never_shown(name);
        let mut row_missing = self.has_table && config.ports.iter().any(|port| !is_shown(port.name));
        // A sub-interface exists by configuration only.
        let is_sub = |name: &str| {
            parent_of(name).is_some() && ["ge", "bundle-", "ph"].iter().any(|family| name.starts_with(family))
        };
        let is_lost = |name: &str| is_sub(name) && config.port_named(name).is_none();
        let mut config_missing = self.has_ports && self.evidence.seen.iter().any(|row| is_lost(row.name));
        if let Scope::Interface(name) = self.scope
            && self.rules == Rules::Live
            && !self.has_ports
            && !self.has_table
        {
            config_missing |= seen.contains(name.as_str()) && is_lost(name);
            row_missing |= config.port_named(name).is_some() && !is_shown(name);
        }
        if row_missing {
            self.incomplete("row-missing");
        }
        if config_missing {
            self.incomplete("config-missing");
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        // The whole list: two commits within one second have the same entry, but it moves down.
        if let (Some(first), Some(last)) = (self.commits.first(), self.commits.last())
            && first != last
        {
            self.findings.push((Outcome::Unstable, "commit"));
        }
        let facts = join(&self.evidence, self.scope);
        if !self.understood || (facts.is_empty() && !self.absent && self.findings.is_empty()) {
            self.findings.push((Outcome::Unread, ""));
        }
        let order =
            [Outcome::WrongDevice, Outcome::Refused, Outcome::Unread, Outcome::Incomplete, Outcome::Unstable];
        let found = order.iter().find_map(|outcome| self.findings.iter().find(|(found, _)| found == outcome));
        let (outcome, detail) = found.copied().unwrap_or((Outcome::Complete, ""));
        Reading {
            outcome,
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            system: self.system.map(str::to_owned),
            interfaces: facts.interfaces,
            bridge_domains: facts.bridge_domains,
            services: facts.services,
            vlans: facts.vlans,
            lines: self.tally.counts,
            unread: self.tally.unread,
            commits: self.commits.pop().unwrap_or_default(),
        }
    }
}

/// Interfaces of the controllers, which a configuration may name and the table
/// never shows (seen on cDNOS 25.2: `mgmt0` and `ipmi-ncc-0/0`).
fn is_never_shown(name: &str) -> bool {
    ["mgmt", "ipmi-", "ctrl-", "console-", "fab-"].iter().any(|family| name.starts_with(family))
}
