//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! A sign that is missing never loses facts; it only takes away the word
//! `complete`. The details of `incomplete`: `section-missing`, `no-prompt`,
//! `no-start-mark`, `no-end-mark`, `no-header`, `no-section`, `torn`, `noise`,
//! `pager`, `empty`, `value-unread` (a fact would be wrong), `row-missing`
//! (configured, but in no table), `config-missing` (in a table, and it could
//! not be there without being configured).

use std::collections::HashSet;

use crate::model::snapshot::CommitMark;
use crate::model::{Outcome, Scope};
use crate::platform::lines::{Shape, parent_of};
use crate::platform::reading::{Class, Tally, is_blank, lines};
use crate::platform::{Captured, Platform, Reading, Rules};

use super::config::{Config, Signs};
use super::join::{Evidence, Facts, Seen, join};
use super::prompt::refusal;
use super::{Family, family, long_name, status, switchport, vlan};

/// What a platform of this kind knows: how its configuration and its tables read.
pub(in crate::platform) struct Dialect {
    pub(in crate::platform) platform: &'static Platform,
    pub(in crate::platform) families: &'static [Family],
    /// Reads a configuration.
    pub(in crate::platform) config: for<'t> fn(&'t str, &mut Config<'t>, &mut Tally) -> Shape,
    /// Reads `show interface`.
    pub(in crate::platform) interfaces: for<'t> fn(&'t str, &mut Vec<Seen<'t>>, &mut Tally) -> Form,
    /// Reads a section that only this platform has; `None` if it is none of them.
    pub(in crate::platform) extra: for<'t> fn(&str, &'t str, &mut Evidence<'t>, &mut Tally) -> Option<Form>,
    /// Reads the log of who changed the configuration, newest first.
    pub(in crate::platform) commits: fn(&str) -> Vec<CommitMark>,
    /// Sections whose refusal is no failure.
    pub(in crate::platform) optional: &'static [&'static str],
    /// The last line of a configuration is `end`. Where there is none, it is a
    /// section that every configuration has near its end, and an empty line.
    pub(in crate::platform) has_end: bool,
    /// A port about which the configuration says nothing is up.
    pub(in crate::platform) silent_is_up: bool,
    /// Every interface of this family that the table shows stands in the configuration.
    pub(in crate::platform) lists_all: fn(&Family) -> bool,
}

/// The form of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::platform) struct Form {
    pub(in crate::platform) header: bool,
    /// A row that was cut, or is none.
    pub(in crate::platform) torn: bool,
    pub(in crate::platform) pager: bool,
    pub(in crate::platform) misread: bool,
}

pub(in crate::platform) fn read(
    dialect: &Dialect,
    scope: &Scope,
    sections: &[Captured],
    rules: Rules,
) -> Reading {
    let mut case = Case {
        dialect,
        scope,
        rules,
        evidence: Evidence { silent_is_up: dialect.silent_is_up, ..Evidence::default() },
        tally: Tally::default(),
        system: None,
        findings: Vec::new(),
        commits: Vec::new(),
        understood: false,
        has_table: false,
    };
    case.demand_sections(sections);
    for captured in sections {
        case.prompt(captured);
        match captured.section.as_str() {
            section if dialect.optional.contains(&section) && refusal(&captured.text).is_some() => {
                case.count(&captured.text, Class::Ignored);
            }
            "commits" => case.commits(captured),
            "interfaces" | "interface" | "vlans" | "switchport" | "status" => case.table(captured),
            "config" | "config interface" | "config part" => case.config(captured),
            _ => case.extra(captured),
        }
    }
    case.conclude()
}

/// One attempt, while it is being read.
struct Case<'s> {
    dialect: &'s Dialect,
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
    /// A whole `show interface` was read.
    has_table: bool,
}

impl<'s> Case<'s> {
    fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    /// Live, each command of the script has its output.
    fn demand_sections(&mut self, sections: &[Captured]) {
        if self.rules == Rules::Offline {
            return;
        }
        let mut missing: Vec<&str> =
            self.dialect.platform.templates(self.scope).map(|template| template.section).collect();
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

    /// The text calls the system `name`. A prompt may show a part of the name:
    /// without its domain, or with that of a context.
    fn named(&mut self, name: &'s str) {
        let same = |a: &str, b: &str| {
            let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
            let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
            long == short
                || long.strip_prefix(short.as_str()).is_some_and(|rest| rest.starts_with(['.', '-']))
                || long.strip_suffix(short.as_str()).is_some_and(|rest| rest.ends_with('-'))
        };
        match self.system {
            None => self.system = Some(name),
            Some(system) if !same(system, name) => {
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

    /// A signal and no fact: every line of it is outside our facts.
    fn commits(&mut self, captured: &Captured) {
        self.count(&captured.text, Class::Ignored);
        self.commits.push((self.dialect.commits)(&captured.text));
    }

    fn extra(&mut self, captured: &'s Captured) {
        let section = captured.section.as_str();
        match (self.dialect.extra)(section, &captured.text, &mut self.evidence, &mut self.tally) {
            Some(form) => self.judge(form, &captured.text, section),
            None => self.count(&captured.text, Class::Ignored),
        }
    }

    fn table(&mut self, captured: &'s Captured) {
        let section = captured.section.as_str();
        if let Some(detail) = refusal(&captured.text) {
            self.count(&captured.text, Class::Ignored);
            // Whether it is there is said by the configuration.
            if !(section == "interface" && detail == "unknown-object") {
                self.findings.push((Outcome::Refused, detail));
            }
            return;
        }
        let (text, families) = (captured.text.as_str(), self.dialect.families);
        let (seen, tally) = (&mut self.evidence.seen, &mut self.tally);
        let form = match section {
            "vlans" => vlan::read(text, families, &mut self.evidence.vlans, tally),
            "switchport" => switchport::read(text, families, seen, tally),
            "status" => status::read(text, families, seen, tally),
            _ => (self.dialect.interfaces)(text, seen, tally),
        };
        self.has_table |= section == "interfaces" && form.header;
        self.judge(form, text, section);
    }

    fn judge(&mut self, form: Form, text: &str, section: &str) {
        self.understood |= form.header;
        for (wrong, detail) in [(form.pager, "pager"), (form.torn, "torn"), (form.misread, "value-unread")] {
            if wrong {
                self.incomplete(detail);
            }
        }
        if !form.header {
            let is_empty = text.trim_ascii().is_empty();
            // A router has no switched port, and then there is nothing to show.
            if !(is_empty && matches!(section, "switchport" | "vlans")) {
                self.incomplete(if is_empty { "empty" } else { "no-header" });
            }
        }
    }

    fn config(&mut self, captured: &'s Captured) {
        let text = captured.text.as_str();
        if let Some(detail) = refusal(text) {
            self.count(text, Class::Ignored);
            self.findings.push((Outcome::Refused, detail));
            return;
        }
        self.evidence.config.signs = Signs::default();
        let shape = (self.dialect.config)(text, &mut self.evidence.config, &mut self.tally);
        let signs = self.evidence.config.signs;
        if let Some(name) = self.evidence.config.system.take() {
            self.named(name);
        }
        for (wrong, detail) in [
            (shape.pager, "pager"),
            (shape.noise > 0, "noise"),
            (shape.open_text, "torn"),
            (shape.headless || shape.too_deep, "unbalanced"),
            (std::mem::take(&mut self.evidence.config.misread), "value-unread"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
        self.understood |= signs.head || signs.interfaces || !self.evidence.config.vlans.is_empty();
        if shape.settings == 0 {
            self.incomplete("empty");
        }
        match captured.section.as_str() {
            "config" => {
                self.evidence.all_config = true;
                if !signs.head {
                    self.incomplete("no-start-mark");
                }
                let is_whole = if self.dialect.has_end {
                    signs.end && !signs.after_end
                } else {
                    signs.tail && (ends_with_blank(text) || captured.prompt.is_some())
                };
                if !is_whole {
                    self.incomplete("no-end-mark");
                }
                if !signs.interfaces {
                    self.incomplete("no-section");
                }
            }
            _ if !self.dialect.has_end && !ends_with_blank(text) && captured.prompt.is_none() => {
                self.incomplete("no-end-mark");
            }
            _ => {}
        }
    }

    /// Tables and configuration have to know the same things.
    fn compare(&mut self) {
        if !self.evidence.all_config {
            return;
        }
        let config = &self.evidence.config;
        let families = self.dialect.families;
        let (mut row_missing, mut config_missing) = (false, false);
        if self.has_table {
            let seen: HashSet<&str> =
                self.evidence.seen.iter().filter(|row| row.whole).map(|row| &*row.name).collect();
            // A line card that is out keeps its configuration: then none of its ports is shown.
            let slots: HashSet<&str> = seen.iter().map(|name| slot(name)).collect();
            row_missing |= config.ports.iter().any(|port| {
                let expected = match family(&port.name, families) {
                    Some((family, _)) if family.hardware && parent_of(&port.name).is_none() => {
                        slots.contains(slot(&port.name))
                    }
                    Some(_) => true,
                    None => false,
                };
                expected && !seen.contains(&*port.name)
            });
            config_missing |= seen.iter().any(|name| {
                let lists = family(name, families)
                    .is_some_and(|(family, _)| parent_of(name).is_some() || (self.dialect.lists_all)(family));
                lists && config.port_named(name).is_none()
            });
        }
        if !self.evidence.vlans.is_empty() {
            let shown: HashSet<u16> = self.evidence.vlans.iter().map(|row| row.id).collect();
            row_missing |= config.vlans.keys().any(|id| !shown.contains(id));
        }
        if row_missing {
            self.incomplete("row-missing");
        }
        if config_missing {
            self.incomplete("config-missing");
        }
    }

    /// Asked about one interface, the answer is one interface or none.
    fn check_scope(&mut self, facts: &Facts) {
        if self.rules == Rules::Live
            && let Scope::Interface(name) = self.scope
        {
            let long = long_name(name, self.dialect.families);
            let name = long.as_deref().unwrap_or(name);
            let shown = self.evidence.seen.iter().any(|row| row.name == name);
            let configured = self.evidence.config.port_named(name).is_some();
            if configured
                && !shown
                && self.evidence.all_config
                && !facts.is_empty()
                && family(name, self.dialect.families).is_some()
            {
                self.incomplete("row-missing");
            }
            if shown && !configured && parent_of(name).is_some() {
                self.incomplete("config-missing");
            }
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        if let (Some(first), Some(last)) = (self.commits.first(), self.commits.last())
            && self.commits.len() > 1
            && last.first().is_some_and(|newest| !first.contains(newest))
        {
            self.findings.push((Outcome::Unstable, "commit"));
        }
        let facts = join(&self.evidence, self.dialect.families, self.scope);
        self.check_scope(&facts);
        let absent = !matches!(self.scope, Scope::Device) && self.evidence.all_config;
        if !self.understood || (facts.is_empty() && !absent && self.findings.is_empty()) {
            self.findings.push((Outcome::Unread, ""));
        }
        let order =
            [Outcome::WrongDevice, Outcome::Refused, Outcome::Unread, Outcome::Incomplete, Outcome::Unstable];
        let mut commits = self.commits.pop().unwrap_or_default();
        if let Some(at) = self.evidence.config.changed.filter(|_| commits.is_empty()) {
            // The head of the configuration says when, and not who.
            commits.push(CommitMark { at: at.to_owned(), user: String::new(), via: String::new() });
        }
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
            commits,
        }
    }
}

/// Where a port sits: what stands before the last `/`, or the family of a chassis without slots.
fn slot(name: &str) -> &str {
    let digits = || name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    &name[..name.rfind('/').unwrap_or_else(digits)]
}

fn ends_with_blank(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or("x");
    let last = &text[memchr::memrchr(b'\n', text.as_bytes()).map_or(0, |at| at + 1)..];
    is_blank(last)
}
