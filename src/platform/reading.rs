//! What a platform's reader is given and what it gives back, and the tally
//! that every reader keeps: each line that is not blank is counted exactly
//! once, as read, ignored or unread.

use crate::model::snapshot::{CommitMark, KeptText};
use crate::model::{
    BridgeDomain, Interface, LineCounts, Outcome, Scope, Service, Snapshot, UnreadLine, Vlan,
};

use super::Platform;

/// The output of one command, as a terminal would show it: `\n` line ends, no
/// escape sequences, without the echoed command and without the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// [`super::Template::section`] of the command that gave it.
    pub section: String,
    /// The command line that was sent.
    pub command: String,
    pub text: String,
    /// The system name in the prompt that came back after it; `None` if none did.
    pub prompt: Option<String>,
    /// How it came to its end, as far as the transport can tell.
    pub ended: Ending,
}

/// How the output of a command ended. It is one sign of completeness and never
/// the only one: a channel can be closed in good order in the middle of a text.
/// A live reader demands that it is not [`Ending::Unseen`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ending {
    /// Nobody saw it: a file, a piece of a recording.
    #[default]
    Unseen,
    /// The prompt came back: see [`Captured::prompt`].
    Prompt,
    /// On a channel of its own: the end of the output, this exit status and the
    /// close of the channel, all three. Output that lacks one of them never
    /// gets here. What another status than 0 means is for the reader to say;
    /// with nothing on its standard output, `text` is what the command wrote
    /// to its standard error.
    Exit(u32),
    /// A NETCONF reply to our question, up to its end mark. The text is the
    /// whole `<rpc-reply>`; an `<rpc-error>` in it is for the reader to judge.
    Reply,
}

impl Captured {
    /// Whether anything beside the text itself says that it is not cut: a
    /// prompt behind it, a channel that was closed in good order, a reply.
    pub(crate) fn is_closed(&self) -> bool {
        self.prompt.is_some() || self.ended != Ending::Unseen
    }
}

/// What a reading finds in a file whose last output carries no mark of its end
/// and has nothing behind it: it may end where it was cut, and nobody can tell.
pub(crate) const END_UNKNOWN: &str = "end-unknown";

/// Which signs of completeness are demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// All of them.
    Live,
    /// Files people have: all but the prompt, and whatever the file holds is
    /// judged by itself.
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

impl Reading {
    /// The snapshot of `device` that this reading is.
    pub fn into_snapshot(
        self,
        device: &str,
        platform: &Platform,
        scope: Scope,
        kept: Option<Vec<KeptText>>,
    ) -> Snapshot {
        Snapshot {
            device: Some(device.to_owned()),
            platform: platform.name.to_owned(),
            scope,
            outcome: self.outcome,
            detail: self.detail,
            interfaces: self.interfaces,
            bridge_domains: self.bridge_domains,
            services: self.services,
            vlans: self.vlans,
            lines: self.lines,
            unread: self.unread,
            kept,
            commits: self.commits,
        }
    }
}

/// What became of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It became facts, or frames some that did.
    Read,
    /// It lies in a known place outside our facts.
    Ignored,
    /// We should understand it and do not.
    Unread,
}

/// Unread lines are listed up to here; the count goes on.
const MOST_UNREAD: usize = 1_000;
/// Bytes of an unread line that are kept.
const LONGEST_UNREAD: usize = 300;

/// Counts the lines of a capture as they are classified.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: LineCounts,
    pub(crate) unread: Vec<UnreadLine>,
    line: u64,
}

impl Tally {
    /// A line that holds nothing.
    pub(crate) fn blank(&mut self) {
        self.line += 1;
    }

    pub(crate) fn line(&mut self, class: Class, text: &str) {
        self.line += 1;
        match class {
            Class::Read => self.counts.read += 1,
            Class::Ignored => self.counts.ignored += 1,
            Class::Unread => {
                self.counts.unread += 1;
                if self.unread.len() < MOST_UNREAD {
                    self.unread.push(UnreadLine { line: self.line, text: shortened(text).to_owned() });
                }
            }
        }
    }

    /// A line at a known place of the capture.
    pub(crate) fn at(&mut self, number: u64, class: Class, text: &str) {
        self.line = number.saturating_sub(1);
        self.any(class, text);
    }

    /// A line of which nothing more is known than its text.
    pub(crate) fn any(&mut self, class: Class, text: &str) {
        if is_blank(text) { self.blank() } else { self.line(class, text) }
    }
}

fn shortened(text: &str) -> &str {
    let text = text.trim();
    let mut end = text.len().min(LONGEST_UNREAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

pub(crate) fn is_blank(line: &str) -> bool {
    line.trim_ascii().is_empty()
}

/// The lines of a text, without their ends. A text that ends with `\n` has no
/// empty line after it. Twice as fast as `str::lines` on long texts.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let mut ends = memchr::memchr_iter(b'\n', text.as_bytes());
    std::iter::from_fn(move || {
        if start >= text.len() {
            return None;
        }
        let end = ends.next().unwrap_or(text.len());
        let line = &text[start..end];
        start = end + 1;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_standard_library() {
        for text in ["", "\n", "a", "a\n", "a\n\nb", "\n\na\n\n"] {
            assert!(lines(text).eq(text.lines()), "{text:?}");
        }
    }

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let mut tally = Tally::default();
        let long = "ü".repeat(1_000);
        for _ in 0..2_000 {
            tally.line(Class::Unread, &long);
        }
        assert_eq!(tally.counts.unread, 2_000);
        assert_eq!(tally.unread.len(), MOST_UNREAD);
        assert!(tally.unread.iter().all(|u| u.text.len() <= LONGEST_UNREAD));
    }
}
