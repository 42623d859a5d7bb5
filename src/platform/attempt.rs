//! One attempt at reading a device, while it is being read: what was counted,
//! what is wrong, and what the verdict is. The platforms of Cisco's manner
//! share it; what makes an output whole is each platform's own business.
//!
//! A sign that is missing never loses facts; it only takes away the word
//! `complete`.

use crate::model::snapshot::CommitMark;
use crate::model::{Outcome, Scope};

use super::gathered::Facts;
use super::lines::Shape;
use super::reading::{Class, Tally, lines};
use super::{Captured, Ending, Platform, Reading, Rules};

pub(crate) struct Attempt<'s> {
    platform: &'static Platform,
    pub(crate) scope: &'s Scope,
    pub(crate) rules: Rules,
    pub(crate) tally: Tally,
    system: Option<&'s str>,
    /// What is wrong, in the order in which it was found.
    findings: Vec<(Outcome, &'static str)>,
    /// One entry a reading of the device's log: the last counts, and all have
    /// to begin alike.
    pub(crate) commits: Vec<Vec<CommitMark>>,
    /// Something was what it should be.
    pub(crate) understood: bool,
    /// The device said that there is nothing, so no facts is an answer.
    pub(crate) absent: bool,
}

impl<'s> Attempt<'s> {
    pub(crate) fn new(platform: &'static Platform, scope: &'s Scope, rules: Rules) -> Self {
        Self {
            platform,
            scope,
            rules,
            tally: Tally::default(),
            system: None,
            findings: Vec::new(),
            commits: Vec::new(),
            understood: false,
            absent: false,
        }
    }

    pub(crate) fn incomplete(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Incomplete, detail));
    }

    pub(crate) fn refused(&mut self, detail: &'static str) {
        self.findings.push((Outcome::Refused, detail));
    }

    /// Live, each command of the script has its output; a reply of NETCONF
    /// stands for all of them.
    pub(crate) fn demand_sections(&mut self, sections: &[Captured]) {
        if self.rules == Rules::Offline || sections.iter().any(|c| c.ended == Ending::Reply) {
            return;
        }
        let mut missing: Vec<&str> = self.platform.templates(self.scope).map(|t| t.section).collect();
        for captured in sections {
            if let Some(at) = missing.iter().position(|section| *section == captured.section) {
                missing.swap_remove(at);
            }
        }
        if !missing.is_empty() {
            self.incomplete("section-missing");
        }
    }

    pub(crate) fn prompt(&mut self, captured: &'s Captured) {
        match captured.prompt.as_deref() {
            Some(name) => self.named(name),
            // A reply has an end of its own.
            None if self.rules == Rules::Live && captured.ended != Ending::Reply => {
                self.incomplete("no-prompt");
            }
            None => {}
        }
    }

    /// The text calls the system `name`. It never changes within one attempt. A
    /// prompt may show less of a long name than the configuration has.
    pub(crate) fn named(&mut self, name: &'s str) {
        match self.system {
            None => self.system = Some(name),
            Some(system) if system.eq_ignore_ascii_case(name) => {}
            Some(system) => {
                let (short, long) = if system.len() < name.len() { (system, name) } else { (name, system) };
                if short.len() >= SHORTENED && long.starts_with(short) {
                    self.system = Some(long);
                } else {
                    self.findings.push((Outcome::WrongDevice, "other-system"));
                }
            }
        }
    }

    pub(crate) fn count(&mut self, text: &str, class: Class) {
        for line in lines(text) {
            self.tally.any(class, line);
        }
    }

    /// What the form of a configuration gives away, whatever it says.
    pub(crate) fn judge(&mut self, shape: Shape) {
        for (wrong, detail) in [
            (shape.pager, "pager"),
            (shape.noise > 0, "noise"),
            (shape.open_text || shape.too_deep || shape.headless, "unbalanced"),
        ] {
            if wrong {
                self.incomplete(detail);
            }
        }
    }

    pub(crate) fn conclude(mut self, facts: Facts) -> Reading {
        let newest = |log: &Vec<CommitMark>| log.first().cloned();
        if self.commits.windows(2).any(|pair| newest(&pair[0]) != newest(&pair[1])) {
            self.findings.push((Outcome::Unstable, "commit"));
        }
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

/// Letters of a host name that IOS puts into a prompt before it cuts it off.
const SHORTENED: usize = 20;
