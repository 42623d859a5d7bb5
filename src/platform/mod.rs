//! What we know about a network operating system, as data and one reader.
//!
//! A platform is a value. `text → facts` is pure: no I/O, no clock. A line we
//! do not understand is counted and shown, never an error and never lost.

mod stand_in;
pub mod terminal;

pub use stand_in::by_name;

use crate::model::snapshot::CommitMark;
use crate::model::{BridgeDomain, Interface, LineCounts, Outcome, Scope, Service, UnreadLine, Vlan};

/// Everything the program knows about one network operating system.
pub struct Platform {
    /// `vendor_os`, as in scrapli: `drivenets_dnos`.
    pub name: &'static str,
    /// For people: `DriveNets DNOS`.
    pub title: &'static str,
    /// Sent once after login, before the first command: paging and colours off.
    /// A refusal of one of these is no failure.
    pub on_open: &'static [Template],
    /// The closed list of what may be sent. Nothing else can be.
    pub commands: &'static [Template],
    /// The system name in `line` if the whole of it is a prompt. `line` is an
    /// unterminated last line, free of escape sequences.
    pub prompt: fn(line: &str) -> Option<&str>,
    /// Texts of a pager that waits for a key, at the end of the output.
    pub pagers: &'static [&'static str],
    /// Texts of a question at the end of the output. It is never answered: the session ends.
    pub questions: &'static [&'static str],
    /// One device's sections → facts, with the verdict whether they are complete.
    pub read: fn(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading,
}

/// One command with at most one typed parameter, `{}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// What its output is called: `config interfaces`, `interfaces`, `version` …
    pub section: &'static str,
    pub text: &'static str,
    pub scope: ScopeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// For session set-up only.
    Session,
    Device,
    Interface,
    BridgeDomain,
    /// Sent only when asked for by name (the whole configuration, for measuring).
    Named,
}

/// A command as it will be sent: made from a template, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub section: &'static str,
    text: String,
}

impl Command {
    /// The one line to send, without the line end.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The output of one command, as a terminal would show it: `\n` line ends, no
/// escape sequences, without the echoed command and without the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// [`Template::section`] of the command that gave it.
    pub section: String,
    /// The command line that was sent.
    pub command: String,
    pub text: String,
    /// The system name in the prompt that came back after it; `None` if none did.
    pub prompt: Option<String>,
}

/// Which signs of completeness are demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// All of them.
    Live,
    /// Files people have: all but the prompt.
    Offline,
}

/// What a platform's reader found.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// `Complete`, or which finding this is.
    pub outcome: Outcome,
    pub detail: Option<String>,
    /// What the text calls the system.
    pub system: Option<String>,
    pub interfaces: Vec<Interface>,
    pub bridge_domains: Vec<BridgeDomain>,
    pub services: Vec<Service>,
    pub vlans: Vec<Vlan>,
    pub lines: LineCounts,
    pub unread: Vec<UnreadLine>,
    pub commits: Vec<CommitMark>,
}
