//! What we know about a network operating system, as data and one reader.
//!
//! A platform is a value. `text → facts` is pure: no I/O, no clock. A line we
//! do not understand is counted and shown, never an error and never lost.
//! The order of a text's way: [`terminal`] settles it, [`keep`] masks its
//! secrets, the platform's `read` makes facts of it.

pub mod arista_eos;
mod attempt; // one reading, while it is made
pub mod cisco_ios;
pub mod cisco_iosxr;
pub mod cisco_nxos;
pub mod command; // what may be sent, and nothing else
pub(crate) mod curly; // configurations in curly blocks
mod derived; // what follows from the interfaces alone
pub mod drivenets_dnos;
mod elements; // configurations as XML
mod frames; // `encapsulation …` as IOS and IOS-XR write it
pub mod frr;
mod gathered; // facts in the making
mod guess; // which platform a text is of
pub mod juniper_junos;
pub mod keep; // secrets masked, volatile parts dropped
pub(crate) mod lines; // what indented configurations have in common
pub mod linux;
pub mod netconf; // hello and reply, as XML
pub mod nokia_sros;
pub mod notice; // what a device says about a commit, in a transcript or in a log
pub mod offline; // files people have → snapshots
pub mod openvswitch;
pub mod reading; // what a reader is given and what it gives back
mod rows; // going through a table
mod switch; // what NX-OS and EOS share
pub mod terminal; // bytes → text as a terminal would show it
pub mod transcript; // a deploy's session → what was refused and what was answered

pub use command::{BadWord, Command, ScopeKind, Template, Word};
pub use notice::{Meaning, Notice, Told};
pub use reading::{Captured, Ending, Reading, Rules};

use crate::model::Scope;

/// Every platform there is.
pub static ALL: &[&Platform] = &[
    &drivenets_dnos::DRIVENETS_DNOS,
    &cisco_iosxr::CISCO_IOSXR,
    &cisco_ios::CISCO_IOS,
    &cisco_nxos::CISCO_NXOS,
    &arista_eos::ARISTA_EOS,
    &juniper_junos::JUNIPER_JUNOS,
    &nokia_sros::NOKIA_SROS,
    &frr::FRR,
    &linux::LINUX,
    &openvswitch::OPENVSWITCH,
];

/// The platform of that name, such as `drivenets_dnos`.
pub fn by_name(name: &str) -> Option<&'static Platform> {
    ALL.iter().copied().find(|platform| platform.name == name)
}

/// Everything the program knows about one network operating system.
pub struct Platform {
    /// `vendor_os`, as in scrapli: `drivenets_dnos`.
    pub name: &'static str,
    /// For people: `DriveNets DNOS`.
    pub title: &'static str,
    /// How its commands are run.
    pub channel: Channel,
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
    /// Whether VLANs are objects of their own here. Where they are not, a VLAN
    /// is derived from the tags of interfaces: shown, and never a fact, so that
    /// one added sub-interface is one change.
    pub vlan_objects: bool,
    /// Whether a line says when it was made, counts something or is drawn anew
    /// each time. Such a line is read, and left out of the kept text.
    pub volatile: fn(line: &str) -> bool,
    /// What it says about a commit or a refused line, as a deploy records it.
    pub notices: &'static [Notice],
    /// Whether a log line says that its configuration was changed, and by whom.
    pub told: fn(line: &str) -> Option<Told<'_>>,
    /// How to ask for the configuration over NETCONF, where the system has it.
    pub netconf: Option<Netconf>,
    /// One device's sections → facts, with the verdict whether they are complete.
    pub read: fn(scope: &Scope, sections: &[Captured], rules: Rules) -> Reading,
    /// A prompt with what was typed behind it, if `line` begins with one. For
    /// recordings of whole sessions.
    pub echo: fn(line: &str) -> Option<Echo<'_>>,
    /// What the output of a typed command is called, if it is one of ours
    /// (abbreviated or not), with the one object that it was about.
    pub typed: fn(command: &str) -> Option<Typed<'_>>,
    /// The section that begins with `line`, judged by its shape alone. For
    /// files that hold output without the command.
    pub opens: fn(line: &str) -> Option<&'static str>,
    /// The exact section of a text that [`Platform::opens`] said begins one.
    pub refine: fn(section: &'static str, text: &str) -> &'static str,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How commands are run over SSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// In one shell on a terminal: prompt, echo and pager.
    Terminal,
    /// One exec channel a command: no prompt, no echo, no terminal, an exit
    /// status. [`Platform::on_open`] is not sent: nothing outlives a command.
    Exec,
}

/// NETCONF `get-config` of the running configuration.
#[derive(Clone, Copy, Debug)]
pub struct Netconf {
    /// What the reply is called among a reading's sections.
    pub section: &'static str,
    /// The content of `<filter type="subtree">`; empty asks for everything.
    pub filter: &'static str,
}

/// A prompt at the head of a line, and the rest of that line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'t> {
    pub system: &'t str,
    /// What was typed; empty when nothing was.
    pub command: &'t str,
    /// False in a configuration mode: what follows is no view of the running system.
    pub operational: bool,
}

/// A typed command that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed<'t> {
    pub section: &'static str,
    /// The scope that it was narrowed to: one interface, one bridge domain.
    pub object: Option<Object<'t>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object<'t> {
    Interface(&'t str),
    BridgeDomain(&'t str),
    /// Some other part of a section: neither a scope of ours nor the whole.
    Part,
}
