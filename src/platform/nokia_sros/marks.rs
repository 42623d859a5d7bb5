//! The lines around a configuration, and the answers that are none.
//!
//! First `# TiMOS-…`, then `# Generated …`, and last `# Finished …`; the
//! classic form has `exit all` before that. Files that people keep may have
//! lost some of the remarks.

use crate::model::snapshot::CommitMark;
use crate::platform::Told;
use crate::platform::reading::{is_blank, lines};

use super::prompt;

/// What stands at the edges of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// `# TiMOS-…`, or another of the remarks that only a configuration begins with.
    pub(super) start: bool,
    /// `# Finished …` as the last line.
    pub(super) finished: bool,
    /// `# Generated …`: the device printed it, it was not written by hand.
    pub(super) generated: bool,
}

pub(super) fn frame(text: &str) -> Frame {
    let mut frame = Frame::default();
    let mut begun = None;
    for line in lines(text)
        .take(64)
        .filter(|line| !is_blank(line))
        .take_while(|line| line.starts_with('#') || prompt::is_context(line))
    {
        frame.start |= is_start(line);
        begun = begun.or_else(|| line.strip_prefix("# Generated "));
    }
    let mut last = text.trim_ascii_end();
    // The context of the next prompt stands behind it.
    while let Some(at) = memchr::memrchr(b'\n', last.as_bytes())
        && prompt::is_context(&last[at + 1..])
    {
        last = last[..at].trim_ascii_end();
    }
    let line = &last[memchr::memrchr(b'\n', last.as_bytes()).map_or(0, |at| at + 1)..];
    frame.generated = begun.is_some();
    frame.finished =
        line.strip_prefix("# Finished ").is_some_and(|date| begun.is_none_or(|begun| is_alike(begun, date)));
    frame
}

/// Whether two dates have the same form: one that is cut has not.
fn is_alike(begun: &str, finished: &str) -> bool {
    let form = |date: &str| {
        let date = date.split(" by ").next().unwrap_or("");
        let words = date.split_ascii_whitespace();
        words.fold((0, 0), |(count, _), word| (count + 1, word.len()))
    };
    form(begun) == form(finished)
}

/// A line that begins a configuration.
pub(super) fn is_start(line: &str) -> bool {
    line.starts_with("# TiMOS-") || line.starts_with("# Configuration format version")
}

/// `# Last modified 2026-06-05T04:36:26.6+00:00 by system (MD-CLI) from Console`.
pub(super) fn last_modified(line: &str) -> Option<CommitMark> {
    let (at, rest) = line.strip_prefix("# Last modified ")?.split_once(" by ")?;
    let mut words = rest.split_ascii_whitespace();
    let user = words.next().unwrap_or("").to_owned();
    let via = words.next().unwrap_or("").trim_matches(['(', ')']).to_ascii_lowercase();
    Some(CommitMark { at: at.to_owned(), user, via })
}

/// What `show system information` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SystemInformation<'t> {
    pub(super) name: Option<&'t str>,
    pub(super) modified: Option<CommitMark>,
}

pub(super) fn system_information(text: &str) -> SystemInformation<'_> {
    let mut found = SystemInformation::default();
    let mut mark = CommitMark { at: String::new(), user: String::new(), via: String::new() };
    for line in lines(text) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim_ascii();
        match key.trim_ascii() {
            "System Name" if prompt::is_system_name(value) => found.name = Some(value),
            "Time Last Modified" => value.clone_into(&mut mark.at),
            "User Last Modified" => value.clone_into(&mut mark.user),
            _ => {}
        }
    }
    found.modified = (!mark.at.is_empty()).then_some(mark);
    found
}

/// Lines that say when they were made.
pub(super) fn is_volatile(line: &str) -> bool {
    match line.as_bytes().first() {
        Some(b'#') => ["# Generated ", "# Finished ", "# Last modified ", "# Last saved "]
            .iter()
            .any(|head| line.starts_with(head)),
        Some(b'[' | b'(' | b'!' | b'*') => prompt::is_context(line),
        Some(b'S' | b'C' | b'U' | b'T' | b'L') => [
            "System Up Time",
            "Current Time",
            "Changes Since Last Save",
            "Time Last Saved",
            "Time Last Modified",
        ]
        .iter()
        .any(|head| line.starts_with(head)),
        _ => false,
    }
}

/// What a device answers instead of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The other CLI has this command.
    UnknownWord,
    Rights,
    Other,
}

impl Refusal {
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::UnknownWord => "unknown-word",
            Self::Rights => "insufficient-rights",
            Self::Other => "command-error",
        }
    }
}

/// The refusal that `text` is, if all of it is one: perhaps a line that points
/// at a word, then one message.
pub(super) fn refusal(text: &str) -> Option<Refusal> {
    let pointer = |line: &&str| line.bytes().all(|b| b == b'^' || b == b' ');
    let mut rest = lines(text)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !pointer(line) && !prompt::is_context(line));
    let message = rest.next()?;
    // A message is short. More than that is an output with an error in it.
    if rest.take(3).count() > 1 {
        return None;
    }
    let lower = message.to_ascii_lowercase();
    if !["error:", "minor:", "major:", "critical:"].iter().any(|head| lower.starts_with(head)) {
        return None;
    }
    if ["not allowed for this user", "permission denied", "not authorized", "operation not allowed"]
        .iter()
        .any(|words| lower.contains(words))
    {
        return Some(Refusal::Rights);
    }
    if ["bad command", "unknown element", "invalid parameter", "missing parameter"]
        .iter()
        .any(|words| lower.contains(words))
    {
        return Some(Refusal::UnknownWord);
    }
    Some(Refusal::Other)
}

/// `USER-MINOR-cli_config_io-2011 [admin]: User from 192.0.2.1: A:pe1>config# …`,
/// and the events of a modified configuration.
pub(super) fn told(line: &str) -> Option<Told<'_>> {
    let event = ["cli_config_io", "tmnxConfigModify", "mdConfigCommit"]
        .iter()
        .find_map(|event| line.find(event).map(|at| &line[at..]))?;
    let who = event
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(who, _)| who)
        .filter(|who| !who.is_empty() && !matches!(*who, "SYSTEM" | "CONFIG" | "Base"));
    let via = line.contains("cli_config_io").then_some("cli");
    Some(Told { who, via })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let whole = "# TiMOS-B-26.3.R1\n# All rights reserved.\n\n# Generated 2026 by admin from 192.0.2.1\n\nconfigure {\n}\n\n# Finished 2026\n\n[/]\n";
        assert_eq!(frame(whole), Frame { start: true, finished: true, generated: true });
        let cut = &whole[..whole.len() - 25];
        assert!(!frame(cut).finished, "{cut}");
        assert_eq!(frame("configure {\n}\n# Finished x\nmore\n"), Frame::default());
        let classic = "# TiMOS-B-16.0\n# Generated FRI NOV 20 08:20:00 2026 UTC\nexit all\n# Finished FRI NOV 20 08:20:03 2026 UTC";
        assert!(frame(classic).finished);
        for cut in 1..20 {
            assert!(!frame(&classic[..classic.len() - cut]).finished, "{cut}");
        }
    }

    #[test]
    fn who_changed_it() {
        let line = "# Last modified 2026-06-05T04:36:26.6+00:00 by system (MD-CLI) from Console";
        let mark = last_modified(line);
        assert_eq!(mark.map(|m| (m.user, m.via)), Some(("system".to_owned(), "md-cli".to_owned())));
        let text = "System Name            : pe1\nUser Last Modified     : amy\nTime Last Modified     : 2026/11/20 08:14:33\n";
        let found = system_information(text);
        assert_eq!(found.name, Some("pe1"));
        assert_eq!(found.modified.map(|m| m.at).as_deref(), Some("2026/11/20 08:14:33"));
        let log = "2026/11/20 08:14:33 UTC MINOR: USER #2011 Base USER-MINOR-cli_config_io-2011 [amy]: User from 192.0.2.1: A:pe1>config# port 1/1/1 shutdown";
        assert_eq!(told(log), Some(Told { who: Some("amy"), via: Some("cli") }));
        assert!(told("USER-MINOR-cli_user_login-2001 [amy]: User amy from 192.0.2.1 logged in").is_none());
    }

    #[test]
    fn refusals() {
        for (text, expected) in [
            ("                   ^\nError: Bad command.\n", Some(Refusal::UnknownWord)),
            (
                "            ^^^^^^^^^^^^^^\nMINOR: MGMT_CORE #2201: Unknown element - 'display-config'\n\n[/]\n",
                Some(Refusal::UnknownWord),
            ),
            ("MINOR: CLI Command not allowed for this user.\n", Some(Refusal::Rights)),
            ("Error: Something\n", Some(Refusal::Other)),
            ("Error: a\nb\nc\nd\n", None),
            ("", None),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
    }
}
