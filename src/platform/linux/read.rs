//! Sections → reading. Signs of completeness: the end of the channel or the
//! prompt, JSON that closes what it opens, the loopback that every name space
//! has, masters and lower devices that are interfaces themselves, and the
//! ports that `bridge` lists, which `ip` has to know.
//!
//! The details of `incomplete`: `section-missing`, `no-prompt`, `torn`,
//! `noise`, `empty`, `value-unread`, `row-missing`, `no-details` (`ip link`
//! without `-d`, and something in it may be a VLAN).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::model::{Outcome, Scope};
use crate::platform::reading::{Class, Tally, is_blank, lines};
use crate::platform::{Captured, Ending, Object, Reading, Rules};

use super::join::join;
use super::links::{self, Link};
use super::vlans::{self, PortVlans};
use super::{LINUX, text, typed};

/// The reader of [`LINUX`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    let mut case = Case {
        scope,
        rules,
        links: Vec::new(),
        vlans: HashMap::new(),
        ports: Vec::new(),
        tally: Tally::default(),
        system: None,
        findings: Vec::new(),
        understood: false,
        whole: false,
        absent: false,
        vlans_known: false,
    };
    case.demand_sections(sections);
    for captured in sections {
        case.ending(captured);
        if captured.section != "system" && case.refused(captured) {
            continue;
        }
        if matches!(captured.ended, Ending::Exit(status) if status != 0) {
            case.count(&captured.text, Class::Unread);
            case.incomplete("exit-status");
            continue;
        }
        match captured.section.as_str() {
            "system" => case.system(captured),
            "links" => case.links(captured),
            "bridge vlans" => case.vlans(captured),
            "bridge links" => case.ports(captured),
            _ => case.count(&captured.text, Class::Ignored),
        }
    }
    case.conclude()
}

/// One attempt, while it is being read.
struct Case<'s> {
    scope: &'s Scope,
    rules: Rules,
    links: Vec<Link<'s>>,
    vlans: HashMap<String, PortVlans>,
    /// Ports that `bridge link` lists.
    ports: Vec<Link<'s>>,
    tally: Tally,
    system: Option<&'s str>,
    findings: Vec<(Outcome, &'static str)>,
    understood: bool,
    /// All links were asked for.
    whole: bool,
    absent: bool,
    vlans_known: bool,
}

/// What a shell or a tool answers instead of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal<'t> {
    /// The tool is not installed.
    NoTool,
    NoInterface(&'t str),
    Rights,
    Other,
}

fn refusal(text: &str) -> Option<Refusal<'_>> {
    let mut rest = lines(text).map(str::trim_ascii).filter(|line| !line.is_empty());
    let first = rest.next()?;
    if rest.take(12).count() > 10 || first.starts_with(['[', '{']) || text::opens(first).is_some() {
        return None;
    }
    if let Some(name) =
        first.strip_prefix("Device \"").and_then(|rest| rest.strip_suffix("\" does not exist."))
    {
        return Some(Refusal::NoInterface(name));
    }
    let lower = first.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if has(&["not found", "no such file", "unknown command"]) {
        Some(Refusal::NoTool)
    } else if has(&["permission denied", "not permitted", "not allowed"]) {
        Some(Refusal::Rights)
    } else if has(&["unknown option", "option \"", "usage:", "object \"", "error:", "cannot"]) {
        Some(Refusal::Other)
    } else {
        None
    }
}

impl<'s> Case<'s> {
    fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    fn demand_sections(&mut self, sections: &[Captured]) {
        let given = |section: &str| sections.iter().any(|captured| captured.section == section);
        if self.rules == Rules::Live && !LINUX.templates(self.scope).all(|template| given(template.section)) {
            self.incomplete("section-missing");
        }
    }

    fn ending(&mut self, captured: &'s Captured) {
        if let Some(name) = captured.prompt.as_deref() {
            self.named(name);
        } else if self.rules == Rules::Live && captured.ended == Ending::Unseen {
            self.incomplete("no-prompt");
        }
    }

    /// A prompt shows the first part of a name only.
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

    fn system(&mut self, captured: &'s Captured) {
        let mut rest = lines(&captured.text).map(str::trim_ascii).filter(|line| !line.is_empty());
        match (rest.next(), rest.next()) {
            (Some(name), None) if !name.contains(' ') && name.len() <= 255 => {
                self.count(&captured.text, Class::Read);
                self.named(name);
            }
            _ => self.count(&captured.text, Class::Ignored),
        }
    }

    /// The lines of a refusal, and whether there was one.
    fn refused(&mut self, captured: &Captured) -> bool {
        let Some(refusal) = refusal(&captured.text) else { return false };
        self.count(&captured.text, Class::Ignored);
        let asked = typed::typed(&captured.command).and_then(|typed| typed.object);
        match refusal {
            Refusal::NoInterface(name) if asked == Some(Object::Interface(name)) => {
                self.understood = true;
                self.absent = true;
            }
            // Without `bridge`, what a bridge filters stays unknown: that is judged below.
            Refusal::NoTool if captured.section.starts_with("bridge ") => {}
            Refusal::Rights => self.findings.push((Outcome::Refused, "insufficient-rights")),
            Refusal::NoTool | Refusal::NoInterface(_) => {
                self.findings.push((Outcome::Refused, "unknown-word"));
            }
            Refusal::Other => self.findings.push((Outcome::Refused, "command-error")),
        }
        true
    }

    fn links(&mut self, captured: &'s Captured) {
        let asked = typed::typed(&captured.command).and_then(|typed| typed.object);
        let before = self.links.len();
        if captured.text.trim_ascii_start().starts_with('[') {
            let mut misread = false;
            let Some(links) = links::read(&captured.text, &mut misread) else {
                self.count(&captured.text, Class::Unread);
                self.incomplete("torn");
                return;
            };
            self.count(&captured.text, Class::Read);
            self.links.extend(links);
            if misread {
                self.incomplete("value-unread");
            }
        } else {
            let form = text::read(&captured.text, &mut self.links, &mut self.tally);
            for (wrong, detail) in
                [(form.torn, "torn"), (form.noise, "noise"), (form.misread, "value-unread")]
            {
                if wrong {
                    self.incomplete(detail);
                }
            }
        }
        let found = &self.links[before..];
        self.understood |= !found.is_empty();
        if found.iter().any(|link| link.unsaid) {
            self.incomplete("no-details");
        }
        match asked {
            Some(Object::Interface(name)) => {
                if !self.links[before..].iter().any(|link| link.name == name) {
                    self.incomplete("row-missing");
                }
            }
            Some(_) => {}
            None => {
                self.whole = true;
                // Every name space has one; a container may have renamed it.
                if !self.links[before..].iter().any(|link| link.loopback) {
                    self.incomplete("empty");
                }
            }
        }
    }

    fn vlans(&mut self, captured: &'s Captured) {
        // Where no bridge filters, older ones print nothing at all.
        if is_blank(&captured.text) {
            return;
        }
        let found = if captured.text.trim_ascii_start().starts_with('[') {
            let found = vlans::read_json(&captured.text);
            self.count(&captured.text, if found.is_some() { Class::Read } else { Class::Unread });
            found
        } else {
            vlans::read_table(&captured.text, &mut self.tally)
        };
        match found {
            Some(vlans) => {
                self.understood = true;
                self.vlans_known = true;
                self.vlans = vlans;
            }
            None => self.incomplete("torn"),
        }
    }

    fn ports(&mut self, captured: &'s Captured) {
        if is_blank(&captured.text) {
            return;
        }
        if !captured.text.trim_ascii_start().starts_with('[') {
            // The form for people adds nothing to what `ip` says.
            self.count(&captured.text, Class::Ignored);
            return;
        }
        if let Some(links) = links::read(&captured.text, &mut false) {
            self.count(&captured.text, Class::Read);
            self.understood |= !links.is_empty();
            self.ports.extend(links);
        } else {
            self.count(&captured.text, Class::Unread);
            self.incomplete("torn");
        }
    }

    fn compare(&mut self) {
        if !self.whole {
            return;
        }
        let names: HashSet<&str> = self.links.iter().map(|link| link.name.as_ref()).collect();
        let known = |name: &Option<Cow<'_, str>>| name.as_deref().is_none_or(|name| names.contains(name));
        let row_missing = !self.links.iter().all(|link| known(&link.master))
            // A lower device may live in another name space, but not one of a VLAN of ours.
            || !self.links.iter().filter(|link| link.vlan.is_some()).all(|link| known(&link.lower))
            || !self.ports.iter().all(|port| names.contains(port.name.as_ref()));
        let filters: HashSet<&str> =
            self.links.iter().filter(|link| link.filters).map(|link| link.name.as_ref()).collect();
        let filtered = |link: &&Link<'_>| link.master.as_deref().is_some_and(|name| filters.contains(name));
        let unknown = !self.vlans_known && self.links.iter().any(|link| filtered(&link));
        if row_missing {
            self.incomplete("row-missing");
        }
        if unknown {
            self.incomplete("section-missing");
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        let alone = self.links.is_empty();
        if alone {
            // What `bridge` says of its ports, where nobody asked `ip`.
            self.links = std::mem::take(&mut self.ports);
            let named: HashSet<&str> = self.links.iter().map(|link| link.name.as_ref()).collect();
            let others: Vec<String> =
                self.vlans.keys().filter(|name| !named.contains(name.as_str())).cloned().collect();
            self.links.extend(others.into_iter().map(|name| Link { name: name.into(), ..Link::default() }));
        }
        let facts = join(&self.links, &self.vlans, alone, self.scope);
        let nothing = self.links.is_empty() && !self.absent && self.findings.is_empty();
        if !self.understood || nothing {
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
            services: facts.services,
            vlans: facts.vlans,
            lines: self.tally.counts,
            unread: self.tally.unread,
            commits: Vec::new(),
        }
    }
}
