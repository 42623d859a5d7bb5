//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! The signs of a configuration: the header `!! IOS XR Configuration`, `end` as
//! its last setting, every block closed in its own column, a host name that is
//! the prompt's, no log line or pager within, and two tables that know the same
//! interfaces. The details of `incomplete` are those of IOS (`no-start-mark`,
//! `no-end-mark`, `unbalanced`, `row-missing`, `config-missing` …).
//!
//! The signs of a reply of NETCONF: the end mark of its framing, the number of
//! our question, XML that closes what it opens, no error beside the data, at
//! least one interface, and the host name. Its details are `malformed`, `reply`,
//! `empty`, `patch` (a payload that changes a device, in a file) and `value-unread`.

use std::borrow::Cow;
use std::collections::HashSet;

use roxmltree::{Document, Node};

use crate::model::{Outcome, Scope};
use crate::platform::attempt::Attempt;
use crate::platform::cisco_ios::marks::{self, Refusal};
use crate::platform::elements::{self, Marks};
use crate::platform::gathered::{Facts, Gathered, Seen};
use crate::platform::lines::{parent_of, walk};
use crate::platform::reading::{Class, lines};
use crate::platform::rows::Form;
use crate::platform::{Captured, Ending, Object, Reading, Rules, netconf};

use super::config::Config;
use super::{CISCO_IOSXR, commits, names, prompt, tables, typed, xml};

/// The reader of [`CISCO_IOSXR`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    // Facts borrow from the documents, so these live as long as the attempt.
    let sources: Vec<Option<Cow<'_, str>>> = sections
        .iter()
        .map(|c| (c.section == "config" && elements::is_xml(&c.text)).then(|| elements::source(&c.text)))
        .collect();
    let documents: Vec<Option<Document<'_>>> =
        sources.iter().map(|source| source.as_deref().and_then(elements::parse)).collect();
    let mut case = Case {
        attempt: Attempt::new(&CISCO_IOSXR, scope, rules),
        config: Gathered::default(),
        tables: Gathered::default(),
        seen: Vec::new(),
        written: Vec::new(),
        has_config: false,
        whole_config: false,
        has_table: false,
        no_tags: false,
    };
    case.attempt.demand_sections(sections);
    for (at, captured) in sections.iter().enumerate() {
        case.attempt.prompt(captured);
        match (&sources[at], &documents[at]) {
            (None, _) => case.section(captured),
            (Some(_), Some(document)) => case.reply(captured, document),
            (Some(_), None) => {
                case.attempt.count(&captured.text, Class::Unread);
                case.attempt.understood = true;
                case.attempt.incomplete("malformed");
            }
        }
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
    /// Interfaces of the configuration whose card is there.
    written: Vec<&'s str>,
    has_config: bool,
    /// The configuration of the whole device was read.
    whole_config: bool,
    /// A whole table of interfaces was read.
    has_table: bool,
    /// The table of tags had no header.
    no_tags: bool,
}

impl<'s> Case<'s> {
    fn section(&mut self, captured: &'s Captured) {
        let text = captured.text.as_str();
        if let Some(refusal) = refusal(text) {
            self.attempt.count(text, Class::Ignored);
            // The log is a signal: a login that may not see it still reads facts.
            if !matches!(captured.section.as_str(), "rollback" | "version") {
                self.attempt.refused(refusal.detail());
            }
            return;
        }
        let tally = &mut self.attempt.tally;
        let form = match captured.section.as_str() {
            "version" => return self.version(text),
            "rollback" => return self.commits(text),
            "config" => return self.configuration(captured),
            "descriptions" => tables::descriptions(text, &mut self.seen, tally),
            "interfaces" => tables::blocks(text, &mut self.seen, tally),
            "tags" => tables::tags(text, &mut self.seen, tally),
            "bridge-domains" => tables::domains(text, &mut self.tables, tally),
            "xconnects" => tables::xconnects(text, &mut self.tables, tally),
            _ => return self.attempt.count(text, Class::Ignored),
        };
        self.judge(&captured.section, form);
    }

    fn judge(&mut self, section: &str, form: Form) {
        self.attempt.understood |= form.header;
        self.has_table |= form.header && section == "descriptions";
        if form.pager {
            self.attempt.incomplete("pager");
        }
        if form.noise {
            self.attempt.incomplete("noise");
        }
        if !form.header {
            // Without sub-interfaces there is nothing to list.
            self.no_tags |= section == "tags";
            if section != "tags" {
                self.attempt.incomplete("no-header");
            }
        } else if form.torn {
            self.attempt.incomplete("torn");
        } else if form.rows == 0 && matches!(section, "descriptions" | "interfaces") {
            self.attempt.incomplete("empty");
        }
    }

    fn version(&mut self, text: &'s str) {
        self.attempt.count(text, Class::Ignored);
        if let Some(name) = marks::name_in_version(text).filter(|name| is_host_name(name)) {
            self.attempt.understood = true;
            self.attempt.named(name);
        }
    }

    fn commits(&mut self, text: &str) {
        let commits = commits::read(text, &mut self.attempt.tally);
        if !commits.is_empty() {
            self.attempt.understood = true;
            self.attempt.commits.push(commits);
        }
    }

    fn configuration(&mut self, captured: &'s Captured) {
        let object = typed::typed(&captured.command).and_then(|typed| typed.object);
        let text = without_date(captured.text.as_str(), &mut self.attempt);
        let before = self.config.interfaces.len();
        let mut config = Config::new(&mut self.config);
        let shape = walk(text, &mut config, &mut self.attempt.tally);
        config.finish();
        let (ended, after_end, header, misread) =
            (config.ended, config.after_end, config.remarks.header, config.misread);
        self.written.append(&mut config.written);
        let host_names = std::mem::take(&mut config.host_names);
        let whole = object.is_none();
        let any = self.config.interfaces.len() > before;
        self.attempt.understood |= header || ended || any || !whole;
        for name in host_names.into_iter().filter(|name| prompt::is_system_name(name)) {
            self.attempt.named(name);
        }
        self.attempt.judge(shape);
        for (wrong, detail) in [
            // A part is printed without an end.
            (whole && !ended, "no-end-mark"),
            (whole && !header, "no-start-mark"),
            (after_end, "after-end"),
            (shape.unclosed > 0 || shape.stray > 0, "unbalanced"),
            (misread, "value-unread"),
            (whole && !any, "empty"),
        ] {
            if wrong {
                self.attempt.incomplete(detail);
            }
        }
        self.has_config = true;
        if whole {
            self.whole_config = true;
            // What it does not name is not there.
            self.attempt.absent |= *self.attempt.scope != Scope::Device;
        } else if let Some(Object::Interface(name)) = object
            && self.config.find(&names::long(name)).is_none()
        {
            self.attempt.incomplete("row-missing");
        }
    }

    /// A configuration in the form of NETCONF.
    fn reply(&mut self, captured: &'s Captured, document: &'s Document<'_>) {
        let root = document.root_element();
        // Whatever it says, it is our own question's answer.
        self.attempt.understood |= captured.ended == Ending::Reply;
        let data = match captured.ended {
            Ending::Reply => netconf::data(document),
            // What tools keep of a reply.
            _ if root.tag_name().name() == "data" => Ok(root),
            _ => netconf::answer(document),
        };
        let data = match data {
            Ok(data) => data,
            Err((outcome, detail)) => {
                self.attempt.count(&captured.text, Class::Ignored);
                return match outcome {
                    Outcome::Refused => self.attempt.refused(detail),
                    _ => self.attempt.incomplete(detail),
                };
            }
        };
        let before = self.config.interfaces.len();
        let mut config = Config::new(&mut self.config);
        let mut marks = Marks::of(document);
        let ours = xml::read(&mut config, data, &mut marks);
        marks.count(document, &captured.text, &mut self.attempt.tally);
        config.finish();
        let misread = config.misread;
        self.written.append(&mut config.written);
        let host_names = std::mem::take(&mut config.host_names);
        let any = self.config.interfaces.len() > before;
        self.attempt.understood |= ours;
        for name in host_names.into_iter().filter(|name| prompt::is_system_name(name)) {
            self.attempt.named(name);
        }
        let changes = |node: Node<'_, '_>| node.attributes().any(|a| a.name() == "operation");
        for (wrong, detail) in
            [(data.descendants().any(changes), "patch"), (misread, "value-unread"), (!any, "empty")]
        {
            if wrong {
                self.attempt.incomplete(detail);
            }
        }
        self.has_config = true;
        self.whole_config = true;
        self.attempt.absent |= *self.attempt.scope != Scope::Device;
    }

    /// Tables and configuration have to know the same interfaces.
    fn compare(&mut self) {
        if !self.has_table || !self.whole_config {
            return;
        }
        let seen: HashSet<&str> = self.seen.iter().map(|row| row.name.as_str()).collect();
        let is_listed = |name: &str| names::is_known(name) && !name.starts_with("tunnel-");
        let row_missing = self.written.iter().any(|name| is_listed(name) && !seen.contains(*name));
        // A sub-interface exists by configuration only.
        let is_lost = |row: &Seen| {
            parent_of(&row.name).is_some()
                && names::is_known(&row.name)
                && self.config.find(&row.name).is_none()
        };
        if row_missing {
            self.attempt.incomplete("row-missing");
        }
        if self.seen.iter().any(is_lost) {
            self.attempt.incomplete("config-missing");
        }
    }

    fn facts(&mut self) -> Facts {
        let mut gathered = std::mem::take(&mut self.config);
        let configured = gathered.interfaces.len();
        if !self.has_config {
            gathered = std::mem::take(&mut self.tables);
        }
        let alone = !self.has_config;
        for seen in self.seen.drain(..) {
            gathered.see(seen, configured, |fact| alone && (names::is_made(&fact.name) || fact.l2));
        }
        match self.attempt.scope {
            Scope::Interface(name) => gathered.facts(&Scope::Interface(names::long(name))),
            scope => gathered.facts(scope),
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        let is_sub = |name: &str| parent_of(name).is_some();
        if self.no_tags && (!self.has_config || self.written.iter().any(|name| is_sub(name))) {
            self.attempt.incomplete("no-header");
        }
        let facts = self.facts();
        self.attempt.conclude(facts)
    }
}

/// A refusal, below the date that stands above every answer.
fn refusal(text: &str) -> Option<Refusal> {
    let mut rest = text;
    while let Some(line) = lines(rest).next()
        && (commits::is_date(line) || line.trim_ascii().is_empty())
    {
        rest = rest.get(line.len() + 1..).unwrap_or("");
    }
    marks::refusal(rest)
}

/// A configuration behind the lines that stand above it: the date, and
/// `Building configuration...`.
fn without_date<'s>(text: &'s str, attempt: &mut Attempt<'_>) -> &'s str {
    let mut rest = text;
    while let Some(line) = lines(rest).next() {
        let words = line.trim_ascii();
        if !(words.is_empty() || commits::is_date(words) || words == "Building configuration...") {
            break;
        }
        attempt.tally.any(Class::Ignored, line);
        rest = rest.get(line.len() + 1..).unwrap_or("");
    }
    rest
}

/// `System uptime is …` names nobody.
fn is_host_name(name: &str) -> bool {
    prompt::is_system_name(name) && name != "System"
}
