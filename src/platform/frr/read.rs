//! Sections → reading: reads each output, looks for every sign that it is
//! whole, and says what became of the attempt.
//!
//! Signs: the end of the channel or the prompt, `Current configuration:` and
//! `end` around the configuration, the `exit` of each block, the last line of
//! each interface's block, and that configuration, blocks and brief table name
//! the same interfaces. The details of `incomplete` are those of DNOS:
//! `section-missing`, `no-prompt`, `no-start-mark`, `no-end-mark`,
//! `no-header`, `unbalanced`, `torn`, `noise`, `pager`, `empty`,
//! `value-unread`, `row-missing`, `end-unknown` (a file without `end`).

use std::collections::HashSet;

use crate::model::{Outcome, Scope};
use crate::platform::reading::{Class, END_UNKNOWN, Tally, is_blank, lines};
use crate::platform::{Captured, Ending, Object, Reading, Rules};

use super::config::Config;
use super::join::join;
use super::table::{self, Seen};
use super::{FRR, typed};

pub(super) fn volatile(line: &str) -> bool {
    let words = line.trim_ascii_start();
    if line.len() == words.len() {
        // An upgrade is no drift.
        return line.starts_with("frr version ")
            || line.starts_with("! Last ")
            || line == "Building configuration...";
    }
    // The kernel numbers interfaces anew after each boot.
    words.starts_with("Link ups:") || words.starts_with("Link downs:") || words.starts_with("index ")
}

/// The reader of [`FRR`].
pub(super) fn read(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading {
    let mut case = Case {
        scope,
        rules,
        config: Config::default(),
        seen: Vec::new(),
        brief: None,
        tally: Tally::default(),
        system: None,
        findings: Vec::new(),
        understood: false,
        absent: false,
        has_config: false,
        has_all: false,
        end_unknown: false,
    };
    let answers: Vec<Option<Refusal<'_>>> = sections.iter().map(|captured| refusal(&captured.text)).collect();
    case.demand_sections(sections, &answers);
    for (at, (captured, answer)) in sections.iter().zip(answers).enumerate() {
        case.ending(captured);
        match answer {
            Some(refusal) => case.refused(captured, refusal, sections),
            None if matches!(captured.ended, Ending::Exit(status) if status != 0) => {
                case.count(&captured.text, Class::Unread);
                case.incomplete("exit-status");
            }
            None => match base(&captured.section) {
                "config" => case.config(captured, at + 1 == sections.len()),
                "interfaces" => case.blocks(captured),
                "brief" => case.brief(captured),
                _ => case.count(&captured.text, Class::Ignored),
            },
        }
    }
    case.conclude()
}

/// What was asked, whichever shell answered.
fn base(section: &str) -> &str {
    section.strip_suffix(" shell").unwrap_or(section)
}

/// What the other shell, or vtysh, answers instead of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal<'t> {
    /// This shell does not know the command.
    OtherShell,
    /// `% Can't find interface ge9`.
    NoInterface(&'t str),
    /// vtysh may not talk to the daemons.
    Rights,
    /// No daemon runs.
    Down,
    Other,
}

fn refusal(text: &str) -> Option<Refusal<'_>> {
    let mut rest = lines(text).map(str::trim_ascii).filter(|line| !line.is_empty());
    let first = rest.next()?;
    if rest.take(4).count() > 3 {
        return None;
    }
    if let Some(name) = first.strip_prefix("% Can't find interface ") {
        return Some(Refusal::NoInterface(name.trim_ascii()));
    }
    let lower = first.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    if has(&["unknown command: vtysh", "unknown command: do vtysh"])
        || (has(&["not found", "unknown command", "no such file"]) && !has(&["vtysh: "]))
        || has(&["vtysh: not found", "vtysh: command not found"])
    {
        return Some(Refusal::OtherShell);
    }
    if has(&["permission denied", "not permitted", "not allowed"]) {
        return Some(Refusal::Rights);
    }
    if has(&["failed to connect to any daemons"]) {
        return Some(Refusal::Down);
    }
    first.starts_with("% ").then_some(Refusal::Other)
}

/// One attempt, while it is being read.
struct Case<'s> {
    scope: &'s Scope,
    rules: Rules,
    config: Config<'s>,
    seen: Vec<Seen<'s>>,
    brief: Option<Vec<Seen<'s>>>,
    tally: Tally,
    system: Option<&'s str>,
    /// What is wrong, in the order in which it was found.
    findings: Vec<(Outcome, &'static str)>,
    understood: bool,
    /// The device said that there is nothing.
    absent: bool,
    has_config: bool,
    /// The blocks of all interfaces were read.
    has_all: bool,
    /// The last text has no mark of its end and nothing behind it.
    end_unknown: bool,
}

impl<'s> Case<'s> {
    fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    /// Live, each question has an answer from one of the two shells.
    fn demand_sections(&mut self, sections: &[Captured], answers: &[Option<Refusal<'_>>]) {
        if self.rules == Rules::Offline {
            return;
        }
        let mut missing = false;
        let mut refused = false;
        for template in FRR.templates(self.scope).filter(|template| !template.section.ends_with(" shell")) {
            let mut given =
                sections.iter().zip(answers).filter(|(c, _)| base(&c.section) == template.section);
            let asked = given.clone().count() > 0;
            let known = given.any(|(_, answer)| *answer != Some(Refusal::OtherShell));
            missing |= !asked;
            refused |= asked && !known;
        }
        if missing {
            self.incomplete("section-missing");
        }
        if refused {
            self.findings.push((Outcome::Refused, "unknown-word"));
        }
    }

    fn ending(&mut self, captured: &'s Captured) {
        if let Some(name) = captured.prompt.as_deref() {
            self.named(name);
        } else if self.rules == Rules::Live && captured.ended == Ending::Unseen {
            self.incomplete("no-prompt");
        }
    }

    /// A prompt calls the system `name`. The configuration may call it
    /// otherwise: daemons that run apart have names of their own.
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

    fn refused(&mut self, captured: &Captured, refusal: Refusal<'_>, sections: &[Captured]) {
        self.count(&captured.text, Class::Ignored);
        let other = sections.iter().filter(|c| base(&c.section) == base(&captured.section)).count() > 1;
        match refusal {
            Refusal::OtherShell if other => {}
            Refusal::NoInterface(name) => {
                let asked = typed::typed(&captured.command).and_then(|typed| typed.object);
                if asked == Some(Object::Interface(name)) {
                    self.understood = true;
                    self.absent = true;
                } else {
                    self.findings.push((Outcome::Refused, "unknown-word"));
                }
            }
            Refusal::OtherShell => self.findings.push((Outcome::Refused, "unknown-word")),
            Refusal::Rights => self.findings.push((Outcome::Refused, "insufficient-rights")),
            Refusal::Down => self.findings.push((Outcome::Refused, "daemons-down")),
            Refusal::Other => self.findings.push((Outcome::Refused, "command-error")),
        }
    }

    /// `last`: nothing comes behind it that would show that it is whole.
    fn config(&mut self, captured: &'s Captured, last: bool) {
        let form = self.config.read(&captured.text, &mut self.tally);
        if !form.is_frr {
            // Everybody's configurations look alike; only these lines are ours.
            self.config = Config::default();
            self.incomplete("no-header");
            return;
        }
        self.understood = true;
        self.has_config = true;
        let mut first = lines(&captured.text).filter(|line| !is_blank(line));
        let begins = first.next().is_some_and(|line| {
            line.starts_with("Building configuration") || line.starts_with("Current configuration:")
        });
        // A saved file begins with its version, and need not end with `end`: then
        // nobody can tell whether it is whole.
        if !begins && self.rules == Rules::Live {
            self.incomplete("no-start-mark");
        }
        if form.second {
            self.findings.push((Outcome::WrongDevice, "other-system"));
        }
        for (wrong, detail) in [
            (!form.end && (begins || self.rules == Rules::Live), "no-end-mark"),
            (form.pager, "pager"),
            (form.noise || form.more, "noise"),
            (form.unbalanced, "unbalanced"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
        self.end_unknown = !form.end && last && !captured.is_closed();
    }

    fn blocks(&mut self, captured: &'s Captured) {
        let object = typed::typed(&captured.command).and_then(|typed| typed.object);
        let before = self.seen.len();
        let form = table::read(&captured.text, &mut self.seen, &mut self.tally);
        let found = self.seen.len() - before;
        self.understood |= found > 0;
        self.has_all |= found > 0 && object.is_none();
        for (wrong, detail) in [
            (form.pager, "pager"),
            (form.torn, "torn"),
            (form.noise, "noise"),
            (form.misread, "value-unread"),
            (found == 0, "empty"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
        if let Some(Object::Interface(name)) = object
            && found > 0
            && !self.seen[before..].iter().all(|block| block.name == name)
        {
            self.incomplete("row-missing");
        }
    }

    fn brief(&mut self, captured: &'s Captured) {
        match table::brief(&captured.text, &mut self.tally) {
            Some(rows) => {
                self.understood = true;
                self.brief = Some(rows);
            }
            None => self.incomplete("no-header"),
        }
    }

    /// Configuration, blocks and brief table have to know the same interfaces.
    fn compare(&mut self) {
        let seen: HashSet<&str> = self.seen.iter().map(|block| block.name).collect();
        let mut missing = false;
        if let Some(brief) = &self.brief
            && self.has_all
        {
            let brief: HashSet<&str> = brief.iter().map(|row| row.name).collect();
            missing |= brief != seen;
        }
        if self.has_all {
            missing |= self.config.ports.iter().any(|port| !seen.contains(port.name));
            // The kernel's masters and parents are interfaces themselves.
            let known = |name: Option<&str>| name.is_none_or(|name| seen.contains(name));
            missing |= self.seen.iter().any(|block| !known(block.master));
            missing |= self.seen.iter().any(|block| block.is_kind("vlan") && !known(block.parent));
        }
        if missing {
            self.incomplete("row-missing");
        }
    }

    fn conclude(mut self) -> Reading {
        self.compare();
        if self.system.is_none() {
            self.system = self.config.hostname;
        }
        // The brief table adds nothing to the blocks; alone, it is what there is.
        if self.seen.is_empty()
            && let Some(brief) = self.brief.take()
        {
            self.seen = brief;
        }
        let facts = join(&self.config, &self.seen, self.scope);
        let nothing = facts.is_empty() && !self.has_all && !self.has_config;
        if !self.understood || (nothing && !self.absent && self.findings.is_empty()) {
            self.findings.push((Outcome::Unread, ""));
        }
        if self.end_unknown {
            self.incomplete(END_UNKNOWN);
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
