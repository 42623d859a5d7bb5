//! What a deploy's transcript says: which lines were typed, which of them were
//! refused, and what the device answered to the commit. Pure.
//!
//! A transcript is whatever a tool kept: a whole session with prompts, bare
//! lines with the answers between them, or the last answer alone. It explains;
//! what is true is read from the device.

use super::{Meaning, Platform, terminal};

/// A transcript, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Lines that were typed, oldest first.
    pub typed: Vec<String>,
    /// Configuration lines that the device refused, each with its answer.
    pub refused: Vec<Refused>,
    /// What else it said.
    pub said: Vec<Said>,
    /// System names of the prompts.
    pub systems: Vec<String>,
    /// Lines that are not empty.
    pub lines: usize,
}

/// A refused line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Index into [`Transcript::typed`]; `None` when nothing before it was typed.
    pub typed: Option<usize>,
    /// The device's words.
    pub answer: String,
}

/// One answer, with the line that gave it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub means: Meaning,
    pub answer: String,
}

/// An answer longer than this is cut: it is shown to people.
const ANSWER_CHARS: usize = 160;

impl Transcript {
    pub fn read(platform: &Platform, text: &str) -> Self {
        let text = terminal::settle_str(text);
        let prompts = text.lines().any(|line| (platform.echo)(line.trim_end()).is_some());
        let mut out = Self::default();
        for line in text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()) {
            out.lines += 1;
            if let Some(echo) = (platform.echo)(line) {
                if !out.systems.iter().any(|known| known == echo.system) {
                    out.systems.push(echo.system.to_owned());
                }
                if !echo.command.is_empty() {
                    out.typed.push(echo.command.to_owned());
                }
                continue;
            }
            let line = line.trim();
            let means = meanings(platform, line);
            if means.is_empty() {
                if is_error(line) {
                    out.error(line);
                } else if !prompts && !is_pointer(line) {
                    out.typed.push(line.to_owned());
                }
                continue;
            }
            for means in means {
                match means {
                    Meaning::LineRefused => out.refuse(line),
                    means => out.said.push(Said { means, answer: cut(line) }),
                }
            }
        }
        out
    }

    pub fn says(&self, means: Meaning) -> bool {
        self.said.iter().any(|said| said.means == means)
    }

    /// The device's words for a meaning, the first time.
    pub fn answer(&self, means: Meaning) -> Option<&str> {
        self.said.iter().find(|said| said.means == means).map(|said| said.answer.as_str())
    }

    /// The typed text of a refused line.
    pub fn line_of(&self, refused: &Refused) -> Option<&str> {
        refused.typed.and_then(|at| self.typed.get(at)).map(String::as_str)
    }

    /// Whether any of it is a device's answer at all.
    pub fn has_answer(&self) -> bool {
        !self.said.is_empty() || !self.refused.is_empty()
    }

    /// An error that no notice of the platform knows: about the commit if one
    /// was asked for or has failed before it, else about the line above it.
    fn error(&mut self, line: &str) {
        let committing = self.typed.last().is_some_and(|typed| {
            typed.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("commit"))
        });
        if committing || self.says(Meaning::CommitFailed) {
            self.said.push(Said { means: Meaning::CommitFailed, answer: cut(line) });
        } else {
            self.refuse(line);
        }
    }

    fn refuse(&mut self, answer: &str) {
        let typed = self.typed.len().checked_sub(1);
        // A refused look at something changes nothing.
        if typed.and_then(|at| self.typed.get(at)).is_some_and(|line| is_no_configuration(line)) {
            return;
        }
        // Two answers to one line are one refusal.
        if typed.is_some() && self.refused.last().is_some_and(|last| last.typed == typed) {
            return;
        }
        self.refused.push(Refused { typed, answer: cut(answer) });
    }
}

/// What the platform's notices say about a line. A refusal that is said to be
/// something finer is only that.
fn meanings(platform: &Platform, line: &str) -> Vec<Meaning> {
    let lower = line.to_ascii_lowercase();
    let mut found: Vec<Meaning> = Vec::new();
    for notice in platform.notices {
        if lower.contains(&notice.text.to_ascii_lowercase()) && !found.contains(&notice.means) {
            found.push(notice.means);
        }
    }
    if found.len() > 1 {
        found.retain(|means| *means != Meaning::LineRefused);
    }
    found
}

/// Whether a line has the form in which some system says that something failed.
fn is_error(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let percent =
        line.strip_prefix("% ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    percent || ["error:", "minor:", "major:", "critical:"].iter().any(|mark| lower.starts_with(mark))
}

/// `----^`, which points at a word of the line above.
fn is_pointer(line: &str) -> bool {
    line.contains('^') && line.bytes().all(|b| b" -^.".contains(&b))
}

/// A line that changes no candidate, whatever is answered.
fn is_no_configuration(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        first.as_str(),
        "show"
            | "sh"
            | "run"
            | "do"
            | "exit"
            | "end"
            | "quit"
            | "top"
            | "up"
            | "!"
            | "back"
            | "terminal"
            | "environment"
            | "ping"
    )
}

fn cut(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(ANSWER_CHARS).collect()
}

/// What one typed configuration line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Interface(String),
    /// The bridge domain or service by name.
    Service(String),
    Vlan {
        outer: String,
        inner: Option<String>,
    },
    Description(String),
    L2,
    Admin(bool),
    /// Something that no fact of ours can confirm.
    Other(String),
}

/// What `line` asks for, word by word. A removal asks for nothing that could be there.
pub fn asks(line: &str) -> Vec<Ask> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut out = Vec::new();
    if matches!(words.first(), Some(&("no" | "delete" | "undo" | "default"))) {
        return match words.as_slice() {
            ["no", "shutdown"] => vec![Ask::Admin(true)],
            _ => out,
        };
    }
    let clean = |word: &str| word.trim_matches(['"', '\'', ';', ',']).to_owned();
    let number =
        |word: Option<&&str>| word.filter(|w| w.bytes().all(|b| b.is_ascii_digit())).map(|w| clean(w));
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let lower = word.to_ascii_lowercase();
        let next = words.get(at + 1);
        at += 1;
        match (lower.as_str(), next) {
            ("interface" | "interfaces" | "port", Some(name)) => {
                at += 1;
                let mut name = clean(name);
                // `GigabitEthernet 0/0/1`, `unit 251`
                if name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
                    && let Some(rest) = words.get(at).filter(|w| w.starts_with(|c: char| c.is_ascii_digit()))
                {
                    name.push_str(rest);
                    at += 1;
                }
                if words.get(at) == Some(&"unit")
                    && let Some(unit) = number(words.get(at + 1))
                {
                    name = format!("{name}.{unit}");
                    at += 2;
                }
                out.push(Ask::Interface(name));
            }
            ("sap", Some(name)) => {
                at += 1;
                out.push(Ask::Interface(clean(name)));
            }
            ("bridge-domain" | "bridge-domains", Some(&"instance")) => {
                if let Some(name) = words.get(at + 1) {
                    out.push(Ask::Service(clean(name)));
                }
                at += 2;
            }
            (
                "instance" | "bridge-domain" | "bridge-domains" | "xconnect" | "p2p" | "epipe" | "vpls",
                Some(name),
            ) => {
                at += 1;
                out.push(Ask::Service(clean(name)));
            }
            ("group", Some(_)) => at += 1,
            ("service", Some(&"instance")) => at += 2,
            ("vlan-id" | "vlan" | "dot1q" | "access", Some(_)) => {
                if matches!(words.get(at), Some(&"list" | &"vlan")) {
                    at += 1;
                }
                let list = words.get(at).filter(|w| w.starts_with(|c: char| c.is_ascii_digit()));
                if let Some(outer) = list.map(|w| clean(w)) {
                    at += 1;
                    let keyword = words.get(at).map(|w| w.to_ascii_lowercase());
                    let inner = matches!(keyword.as_deref(), Some("second-dot1q" | "inner"))
                        .then(|| number(words.get(at + 1)))
                        .flatten();
                    at += if inner.is_some() { 2 } else { 0 };
                    out.push(Ask::Vlan { outer, inner });
                } else {
                    out.push(Ask::Other((*word).to_owned()));
                }
            }
            ("vlan-tags", Some(_)) => {
                let rest = &words[at..];
                let after = |names: [&str; 2]| {
                    rest.iter().position(|w| names.contains(w)).and_then(|i| number(rest.get(i + 1)))
                };
                match after(["outer-tag", "outer"]) {
                    Some(outer) => out.push(Ask::Vlan { outer, inner: after(["inner-tag", "inner"]) }),
                    None => out.push(Ask::Other((*word).to_owned())),
                }
                at = words.len();
            }
            ("description", Some(_)) => {
                out.push(Ask::Description(clean(&words[at..].join(" "))));
                at = words.len();
            }
            ("l2-service", Some(&"enabled")) => {
                at += 1;
                out.push(Ask::L2);
            }
            ("l2transport", _) => out.push(Ask::L2),
            ("admin-state", Some(state @ (&"enabled" | &"disabled" | &"enable" | &"disable"))) => {
                at += 1;
                out.push(Ask::Admin(state.starts_with("enable")));
            }
            ("shutdown", _) => out.push(Ask::Admin(false)),
            // Ways to where something is said.
            (
                "set" | "edit" | "configure" | "config" | "private" | "exclusive" | "terminal"
                | "network-services" | "services" | "service" | "l2vpn" | "bridge" | "bridge-domain"
                | "bridge-domains" | "interface" | "interfaces" | "encapsulation" | "switchport" | "commit"
                | "exit" | "end" | "!" | "ethernet" | "mode" | "global" | "instance",
                _,
            ) => {}
            _ => out.push(Ask::Other((*word).to_owned())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::by_name;

    fn dnos(text: &str) -> Transcript {
        by_name("drivenets_dnos").map(|platform| Transcript::read(platform, text)).unwrap_or_default()
    }

    #[test]
    fn with_prompts_the_refused_line_is_the_one_that_was_typed() {
        let read = dnos(
            "R1# configure\nR1(cfg)# interfaces ge100-0/0/1.7\nR1(cfg-if)# vlan-idd 7\n--------^\nERROR: Unknown word: 'vlan-idd'.\n\
             R1(cfg-if)# commit\nNOTICE: commit action is not applicable. no configuration changes were made\n",
        );
        assert_eq!(read.systems, ["R1"]);
        assert_eq!(read.refused.len(), 1);
        assert_eq!(read.line_of(&read.refused[0]), Some("vlan-idd 7"));
        assert!(read.says(Meaning::NothingToCommit));
        assert!(!read.says(Meaning::Committed));
    }

    #[test]
    fn without_prompts_it_is_the_line_above() {
        let read = dnos(
            "interfaces ge100-0/0/1.7\nERROR: Unknown word: 'interfaces'.\ncommit\nCommit succeeded by amy at 1\n",
        );
        assert_eq!(read.line_of(&read.refused[0]), Some("interfaces ge100-0/0/1.7"));
        assert!(read.says(Meaning::Committed));
    }

    #[test]
    fn an_error_after_a_failed_check_is_no_refused_line() {
        let read = dnos(
            "R1(cfg)# commit\nCommit check failed on:\n  protocols bgp\nERROR: Missing remote-as value\n",
        );
        assert!(read.refused.is_empty(), "{read:?}");
        assert!(read.says(Meaning::CommitFailed));
    }

    #[test]
    fn a_refused_look_changes_nothing() {
        assert!(dnos("R1# show intrfaces\nERROR: Unknown word: 'intrfaces'.\n").refused.is_empty());
    }

    #[test]
    fn what_lines_ask_for() {
        let vlan = |outer: &str, inner: Option<&str>| Ask::Vlan {
            outer: outer.into(),
            inner: inner.map(Into::into),
        };
        let port = |name: &str| Ask::Interface(name.into());
        for (line, expected) in [
            ("interfaces ge100-0/0/31.251 vlan-id 251", vec![port("ge100-0/0/31.251"), vlan("251", None)]),
            ("vlan-tags outer-tag 20 inner-tag 30", vec![vlan("20", Some("30"))]),
            ("encapsulation dot1Q 20 second-dot1q 30", vec![vlan("20", Some("30"))]),
            ("encapsulation dot1q vlan 20", vec![vlan("20", None)]),
            ("set interfaces ge-0/0/1 unit 251 vlan-id 251", vec![port("ge-0/0/1.251"), vlan("251", None)]),
            ("bridge-domain instance g_a_v7", vec![Ask::Service("g_a_v7".into())]),
            ("description \"to a\"", vec![Ask::Description("to a".into())]),
            ("l2-service enabled", vec![Ask::L2]),
            ("no shutdown", vec![Ask::Admin(true)]),
            ("no interfaces ge100-0/0/31.251", vec![]),
            (
                "storm-control broadcast",
                vec![Ask::Other("storm-control".into()), Ask::Other("broadcast".into())],
            ),
        ] {
            assert_eq!(asks(line), expected, "{line}");
        }
    }
}
