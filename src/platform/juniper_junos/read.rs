//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! The signs: every command answered and ended (prompt or exit status), the
//! line that says who committed last at the head, balanced braces and no line
//! that no configuration has, each unit of the table configured and each
//! configured unit of a port that is there in the table, the commit log the
//! same before and after. The details of `incomplete`: `section-missing`,
//! `no-prompt`, `exit-status`, `no-start-mark`, `no-header`, `unbalanced`, `torn`, `noise`,
//! `pager`, `empty`, `malformed`, `value-unread` (a fact would be wrong),
//! `vlan-missing` (a port names a VLAN that nothing defines), `row-missing`,
//! `config-missing`, `patch` (a file for `load`, not what runs), `reply` (of
//! NETCONF, to another question than ours), `end-unknown` (a file that ends
//! behind the configuration, which has no mark of its end).

use std::borrow::Cow;
use std::collections::HashSet;

use roxmltree::Document;

use crate::model::snapshot::CommitMark;
use crate::model::{Outcome, Scope};
use crate::platform::curly::{self, Ends, Tree};
use crate::platform::elements;
use crate::platform::reading::{Class, END_UNKNOWN, Tally, is_blank, lines};
use crate::platform::{Captured, Ending, Object, Reading, Rules, netconf};

use super::join::{Evidence, is_users, join, parent_of};
use super::marks::{self, Refusal};
use super::table::{self, Form};
use super::tree::{Builder, Place};
use super::{JUNIPER_JUNOS, prompt, set, typed, xml};

/// The reader of [`JUNIPER_JUNOS`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    // Facts borrow from the documents, so these live as long as the attempt.
    let sources: Vec<Option<Cow<'_, str>>> = sections
        .iter()
        .map(|c| (is_config(&c.section) && elements::is_xml(&c.text)).then(|| elements::source(&c.text)))
        .collect();
    let documents: Vec<Option<Document<'_>>> =
        sources.iter().map(|source| source.as_deref().and_then(elements::parse)).collect();
    let mut case = Case::new(scope, rules);
    case.demand_sections(sections);
    for (at, captured) in sections.iter().enumerate() {
        case.prompt(captured);
        match captured.section.as_str() {
            "version" => case.version(captured),
            "commits" => case.commit_log(captured),
            "interfaces" | "interfaces terse" | "interfaces descriptions" | "vlans" => case.table(captured),
            section if is_config(section) => match (&sources[at], &documents[at]) {
                (Some(_), Some(document)) => case.xml(captured, document),
                (Some(_), None) => {
                    case.count(&captured.text, Class::Unread);
                    case.understood = true;
                    case.incomplete("malformed");
                }
                (None, _) => case.config(captured, at + 1 == sections.len()),
            },
            _ => case.count(&captured.text, Class::Ignored),
        }
    }
    case.conclude()
}

fn is_config(section: &str) -> bool {
    matches!(section, "config" | "config interfaces" | "config part")
}

/// One attempt, while it is being read.
struct Case<'s> {
    scope: &'s Scope,
    rules: Rules,
    builder: Builder<'s>,
    evidence: Evidence<'s>,
    tally: Tally,
    system: Option<&'s str>,
    /// What is wrong, in the order in which it was found.
    findings: Vec<(Outcome, &'static str)>,
    commits: Vec<Vec<CommitMark>>,
    /// Who committed last, as the configuration itself says.
    last: Option<CommitMark>,
    /// Something was what it should be.
    understood: bool,
    /// The device said that there is nothing.
    absent: bool,
    has_table: bool,
    /// The last text has no mark of its end and nothing behind it.
    end_unknown: bool,
}

impl<'s> Case<'s> {
    fn new(scope: &'s Scope, rules: Rules) -> Self {
        Self {
            scope,
            rules,
            builder: Builder::default(),
            evidence: Evidence::default(),
            tally: Tally::default(),
            system: None,
            findings: Vec::new(),
            commits: Vec::new(),
            last: None,
            understood: false,
            absent: false,
            has_table: false,
            end_unknown: false,
        }
    }

    fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    /// Live, each command of the script has its output; a reply of NETCONF
    /// stands for all of them.
    fn demand_sections(&mut self, sections: &[Captured]) {
        if self.rules == Rules::Offline || sections.iter().any(is_reply) {
            return;
        }
        let mut missing: Vec<&str> =
            JUNIPER_JUNOS.templates(self.scope).map(|template| template.section).collect();
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
        match captured.ended {
            Ending::Unseen if self.rules == Rules::Live => self.incomplete("no-prompt"),
            // The command itself failed, whatever it said before.
            Ending::Exit(1..) => self.incomplete("exit-status"),
            _ => {}
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

    fn refused(&mut self, text: &str) -> bool {
        let Some(refusal) = marks::refusal(text) else { return false };
        self.count(text, Class::Ignored);
        self.findings.push((Outcome::Refused, refusal.detail()));
        true
    }

    fn version(&mut self, captured: &'s Captured) {
        if self.refused(&captured.text) {
            return;
        }
        self.count(&captured.text, Class::Ignored);
        let name = lines(&captured.text).find_map(|line| line.trim_ascii().strip_prefix("Hostname: "));
        if let Some(name) = name.map(str::trim_ascii).filter(|name| prompt::is_system_name(name)) {
            self.understood = true;
            self.named(name);
        }
    }

    fn commit_log(&mut self, captured: &Captured) {
        if self.refused(&captured.text) {
            return;
        }
        let commits = marks::commits(&captured.text, &mut self.tally);
        self.understood |= !commits.is_empty();
        self.commits.push(commits);
    }

    fn table(&mut self, captured: &'s Captured) {
        let object = typed::typed(&captured.command).and_then(|typed| typed.object);
        if let (Some(Refusal::NoInterface(name)), Some(Object::Interface(asked))) =
            (marks::refusal(&captured.text), object)
            && name == asked
        {
            self.count(&captured.text, Class::Ignored);
            self.understood = true;
            self.absent = true;
            return;
        }
        if self.refused(&captured.text) {
            return;
        }
        let (text, tally) = (captured.text.as_str(), &mut self.tally);
        let form: Form = match captured.section.as_str() {
            "interfaces" => table::read_detail(text, &mut self.evidence.seen, tally),
            "vlans" => table::read_vlans(text, &mut self.evidence.vlans, tally),
            _ => table::read_terse(text, &mut self.evidence.seen, tally),
        };
        self.understood |= form.header;
        self.has_table |= form.header && captured.section == "interfaces terse" && object.is_none();
        if form.pager {
            self.incomplete("pager");
        }
        if !form.header {
            self.incomplete("no-header");
        } else if form.torn {
            self.incomplete("torn");
        } else if form.rows == 0 && captured.section != "interfaces descriptions" {
            self.incomplete("empty");
        }
    }

    /// How much of the device the text of a section is.
    fn covers(&mut self, captured: &Captured) {
        let whole = captured.section == "config";
        self.evidence.ports_known |= whole || captured.section == "config interfaces";
        self.evidence.all_known |= whole;
    }

    fn xml(&mut self, captured: &Captured, document: &'s Document<'_>) {
        self.builder.expanded = typed::is_expanded(&captured.command);
        let number = document.root_element().attribute("message-id");
        if captured.ended == Ending::Reply && number != Some(netconf::QUESTION) {
            self.incomplete("reply");
        }
        let reply = xml::read(&mut self.builder, document, &captured.text, &mut self.tally);
        if reply.error && !reply.configuration {
            let detail = if reply.denied { "insufficient-rights" } else { "command-error" };
            self.findings.push((Outcome::Refused, detail));
            return;
        }
        if reply.error {
            self.incomplete("command-error");
        }
        if !reply.whole || !reply.configuration {
            self.incomplete("no-section");
            return;
        }
        self.understood = true;
        self.last = reply.commit.or(self.last.take());
        self.covers(captured);
        if !self.builder.config.has_interfaces {
            self.incomplete("empty");
        }
    }

    /// `last`: nothing comes behind it that would show that it is whole.
    fn config(&mut self, captured: &'s Captured, last: bool) {
        if self.refused(&captured.text) {
            return;
        }
        let text = captured.text.as_str();
        self.builder.expanded = typed::is_expanded(&captured.command);
        if let Some(mark) = lines(text).take(64).find_map(|line| marks::last_commit(line.trim_ascii())) {
            self.last = Some(mark);
        } else if self.rules == Rules::Live {
            self.incomplete("no-start-mark");
        }
        let before = self.tally.counts.read;
        let single_lines = set::is_set(text);
        let form = if single_lines {
            set::read(&mut self.builder, text, &mut self.tally)
        } else {
            let base = self.base(captured);
            curly::read(&mut self.builder, base, text, Ends::Semicolon, &mut self.tally)
        };
        // The remarks in front of a configuration, in a file that has them apart.
        if form.statements == 0 && !form.noise && self.rules == Rules::Offline {
            return;
        }
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
        self.end_unknown = last && !captured.is_closed() && !marks::is_followed(text, single_lines);
        if form.denied > 0 {
            self.denied(text);
        }
        self.understood |= self.tally.counts.read > before || form.statements > 3;
        self.covers(captured);
        if captured.section == "config" && !self.builder.config.has_interfaces && self.rules == Rules::Live {
            // Every system has at least a management port.
            self.incomplete("no-section");
        }
    }

    /// Parts that the login may not see count where facts of ours stand.
    fn denied(&mut self, text: &str) {
        let ours = ["interfaces", "vlans", "bridge-domains", "routing-instances", "protocols", "groups"];
        let denied = lines(text).filter(|line| line.contains("ACCESS-DENIED"));
        if denied.filter_map(|line| line.split_ascii_whitespace().next()).any(|word| ours.contains(&word)) {
            self.findings.push((Outcome::Refused, "insufficient-rights"));
        }
    }

    /// The place of a text's first column: below the path of its command. A
    /// path to one setting is repeated by the text.
    fn base(&mut self, captured: &'s Captured) -> Place {
        let mut path: Vec<&str> = typed::path_of(&captured.command).collect();
        if path.is_empty() && captured.section == "config interfaces" {
            path.push("interfaces");
        }
        let first =
            lines(&captured.text).map(str::trim_ascii).find(|line| !is_blank(line) && !line.starts_with('#'));
        let word = first.and_then(|line| line.split([' ', ';']).next());
        if path.len() > 1 && path.last().copied() == word {
            path.pop();
        }
        let mut place = Place::Top;
        for word in path {
            // An abbreviation that we do not follow leaves the text unread.
            place = self.builder.step(place, word).0;
        }
        place
    }

    /// Table and configuration have to know the same units.
    fn compare(&mut self) {
        let config = &self.builder.config;
        if !self.has_table || !self.evidence.ports_known || config.unexpanded {
            return;
        }
        let has_ranges = !config.ranges.is_empty();
        let seen: HashSet<&str> = self.evidence.seen.iter().map(|row| row.name).collect();
        // The system makes the units of a bundle's members.
        let is_member = |name: &str| {
            parent_of(name).and_then(|port| config.port_named(port)).is_some_and(|port| port.bundle.is_some())
        };
        let is_lost = |name: &str| {
            is_users(name) && config.unit_named(name).is_none() && !has_ranges && !is_member(name)
        };
        let config_missing = self.evidence.seen.iter().any(|row| is_lost(row.name));
        let mut name = String::new();
        let row_missing = config.units.iter().any(|unit| {
            let port = &config.ports[unit.port];
            if port.is_range || !seen.contains(port.name) {
                return false;
            }
            name.clear();
            name.push_str(port.name);
            name.push('.');
            name.push_str(unit.number);
            is_users(&name) && parent_of(&name).is_some() && !seen.contains(name.as_str())
        });
        if config_missing {
            self.incomplete("config-missing");
        }
        if row_missing {
            self.incomplete("row-missing");
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        if let Some(name) = self.builder.config.host_name {
            self.named(name);
        }
        if let (Some(first), Some(last)) = (self.commits.first(), self.commits.last())
            && first.first() != last.first()
        {
            self.findings.push((Outcome::Unstable, "commit"));
        }
        let facts = join(&self.builder.config, &self.evidence, self.scope);
        let config = &self.builder.config;
        for (wrong, detail) in [
            (config.misread, "value-unread"),
            (config.patch, "patch"),
            (facts.unnamed && self.evidence.all_known && !config.unexpanded, "vlan-missing"),
        ] {
            if wrong {
                self.findings.push((Outcome::Incomplete, detail));
            }
        }
        let narrow = !matches!(self.scope, Scope::Device) && self.evidence.all_known;
        if !self.understood || (facts.is_empty() && !self.absent && !narrow && self.findings.is_empty()) {
            self.findings.push((Outcome::Unread, ""));
        }
        if self.end_unknown {
            self.incomplete(END_UNKNOWN);
        }
        let order =
            [Outcome::WrongDevice, Outcome::Refused, Outcome::Unread, Outcome::Incomplete, Outcome::Unstable];
        let found = order.iter().find_map(|outcome| self.findings.iter().find(|(found, _)| found == outcome));
        let (outcome, detail) = found.copied().unwrap_or((Outcome::Complete, ""));
        let log = self.commits.pop().filter(|log| !log.is_empty());
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
            commits: log.unwrap_or_else(|| self.last.into_iter().collect()),
        }
    }
}

/// A reply of a NETCONF server, whole by its own last element.
fn is_reply(captured: &Captured) -> bool {
    captured.ended == Ending::Reply && is_config(&captured.section)
}
