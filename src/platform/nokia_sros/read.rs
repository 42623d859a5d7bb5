//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! The signs: the first and the last remark of a configuration, `exit all` or
//! balanced braces, the prompt, the counts below tables, each SAP of the table
//! configured and each configured one in the table, the same time of the last
//! change before and after. The details of `incomplete`: `section-missing`,
//! `no-prompt`, `no-start-mark`, `no-end-mark`, `no-header`, `unbalanced`,
//! `torn`, `noise`, `pager`, `empty`, `value-unread` (a fact would be wrong),
//! `row-missing`, `config-missing`, `end-unknown` (braces or single lines without
//! the last remark: they may end where they were cut).

use std::collections::HashSet;

use crate::model::snapshot::CommitMark;
use crate::model::{Outcome, Scope};
use crate::platform::curly::{self, Ends};
use crate::platform::reading::{Class, END_UNKNOWN, Tally, lines};
use crate::platform::{Captured, Ending, Reading, Rules};

use super::NOKIA_SROS;
use super::join::join;
use super::marks::{self, Refusal};
use super::table::Seen;
use super::tree::{Builder, Place};
use super::{classic, typed};

/// The reader of [`NOKIA_SROS`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    let mut case = Case::new(scope, rules);
    case.demand_sections(sections);
    for (at, captured) in sections.iter().enumerate() {
        case.prompt(captured);
        match captured.section.as_str() {
            "system" => case.system(captured),
            "config" | "config classic" => case.config(captured, at + 1 == sections.len()),
            "ports" | "port descriptions" | "lags" | "lag ports" | "saps" | "services" | "service names"
            | "routed" => case.table(captured),
            _ => case.count(&captured.text, Class::Ignored),
        }
    }
    case.conclude()
}

/// One attempt, while it is being read.
struct Case<'s> {
    scope: &'s Scope,
    rules: Rules,
    builder: Builder<'s>,
    seen: Seen<'s>,
    tally: Tally,
    system: Option<&'s str>,
    /// What is wrong, in the order in which it was found.
    findings: Vec<(Outcome, &'static str)>,
    modified: Vec<CommitMark>,
    last: Option<CommitMark>,
    /// Something was what it should be.
    understood: bool,
    /// A configuration was read.
    known: bool,
    /// The CLI did not have one of the two commands for it.
    unknown: usize,
    has_saps: bool,
    /// The last text has no mark of its end and nothing behind it.
    end_unknown: bool,
}

impl<'s> Case<'s> {
    fn new(scope: &'s Scope, rules: Rules) -> Self {
        Self {
            scope,
            rules,
            builder: Builder::default(),
            seen: Seen::default(),
            tally: Tally::default(),
            system: None,
            findings: Vec::new(),
            modified: Vec::new(),
            last: None,
            understood: false,
            known: false,
            unknown: 0,
            has_saps: false,
            end_unknown: false,
        }
    }

    fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    /// Live, each command of the script has its output.
    fn demand_sections(&mut self, sections: &[Captured]) {
        if self.rules == Rules::Offline {
            return;
        }
        let mut missing: Vec<&str> =
            NOKIA_SROS.templates(self.scope).map(|template| template.section).collect();
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
        if let Some(name) = captured.prompt.as_deref() {
            self.named(name);
        }
        if captured.ended == Ending::Unseen && self.rules == Rules::Live {
            self.incomplete("no-prompt");
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

    fn system(&mut self, captured: &'s Captured) {
        self.count(&captured.text, Class::Ignored);
        if let Some(refusal) = marks::refusal(&captured.text) {
            self.findings.push((Outcome::Refused, refusal.detail()));
            return;
        }
        let found = marks::system_information(&captured.text);
        if let Some(name) = found.name {
            self.understood = true;
            self.named(name);
        }
        match found.modified {
            Some(mark) => self.modified.push(mark),
            None if self.rules == Rules::Live => self.incomplete("no-header"),
            None => {}
        }
    }

    fn table(&mut self, captured: &'s Captured) {
        if let Some(refusal) = marks::refusal(&captured.text) {
            self.count(&captured.text, Class::Ignored);
            self.findings.push((Outcome::Refused, refusal.detail()));
            return;
        }
        let form = self.seen.read(&captured.text, &mut self.tally);
        self.understood |= form.title;
        self.has_saps |= form.title && captured.section == "saps" && !captured.command.contains(" id ");
        // Without a service or a LAG, there is a line that says so.
        let none = lines(&captured.text).any(|line| line.trim_ascii().starts_with("No "));
        for (wrong, detail) in [
            (form.pager, "pager"),
            (!form.title && !none, "no-header"),
            (form.torn, "torn"),
            (form.title && form.open && !none, "no-end-mark"),
            (form.title && form.rows == 0 && captured.section == "ports", "empty"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
        self.understood |= none;
    }

    /// `last`: nothing comes behind it that would show that it is whole.
    fn config(&mut self, captured: &'s Captured, last: bool) {
        let text = captured.text.as_str();
        if let Some(refusal) = marks::refusal(text) {
            self.count(text, Class::Ignored);
            if refusal == Refusal::UnknownWord {
                self.unknown += 1;
            } else {
                self.findings.push((Outcome::Refused, refusal.detail()));
            }
            return;
        }
        let frame = marks::frame(text);
        if let Some(mark) = lines(text).take(16).find_map(marks::last_modified) {
            self.last = Some(mark);
        }
        if !frame.start && self.rules == Rules::Live {
            self.incomplete("no-start-mark");
        }
        let is_classic = typed::is_classic(text);
        let (form, ended) = if is_classic {
            classic::read(&mut self.builder, text, &mut self.tally)
        } else {
            let form = curly::read(&mut self.builder, Place::Top, text, Ends::Line, &mut self.tally);
            (form, true)
        };
        // The remarks in front of a configuration, in a file that has them apart.
        if form.statements == 0 && self.rules == Rules::Offline {
            return;
        }
        // A configuration that the device printed with a date ends with one; a
        // file that never had a date has its braces only.
        if !ended || (!frame.finished && (self.rules == Rules::Live || frame.generated)) {
            self.incomplete("no-end-mark");
        }
        self.end_unknown = !is_classic && !frame.finished && last && !captured.is_closed();
        for (wrong, detail) in [
            (form.pager, "pager"),
            (form.noise, "noise"),
            (form.unbalanced, "unbalanced"),
            (form.statements == 0, "empty"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
        self.known = true;
        self.understood |= form.statements > 0 && (frame.start || self.builder.config.any);
    }

    /// Table and configuration have to know the same SAPs.
    fn compare(&mut self) {
        if !self.has_saps || !self.known {
            return;
        }
        let config = &self.builder.config;
        let seen: HashSet<&str> = self.seen.saps.iter().map(|row| row.id).collect();
        let row_missing = config.saps.iter().any(|sap| !seen.contains(sap.id));
        // Services of the system's own have ids from 2^31 - 2^24 on.
        let is_users = |id: &str| id.parse::<u64>().is_ok_and(|id| id < 2_130_000_000);
        let config_missing =
            self.seen.saps.iter().any(|row| is_users(row.service) && !config.has_sap(row.id));
        if row_missing {
            self.incomplete("row-missing");
        }
        if config_missing {
            self.incomplete("config-missing");
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        if let Some(name) = self.builder.config.name {
            self.named(name);
        }
        if !self.known && self.unknown > 0 {
            self.findings.push((Outcome::Refused, Refusal::UnknownWord.detail()));
        }
        if let (Some(first), Some(last)) = (self.modified.first(), self.modified.last())
            && first != last
        {
            self.findings.push((Outcome::Unstable, "commit"));
        }
        if self.builder.config.misread {
            self.incomplete("value-unread");
        }
        let facts = join(&self.builder.config, &self.seen, self.known, self.scope);
        let narrow = !matches!(self.scope, Scope::Device) && self.known;
        if !self.understood || (facts.is_empty() && !narrow && self.findings.is_empty()) {
            self.findings.push((Outcome::Unread, ""));
        }
        if self.end_unknown {
            self.incomplete(END_UNKNOWN);
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
            bridge_domains: Vec::new(),
            services: facts.services,
            vlans: facts.vlans,
            lines: self.tally.counts,
            unread: self.tally.unread,
            commits: self.last.or(self.modified.pop()).into_iter().collect(),
        }
    }
}
