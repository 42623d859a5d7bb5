//! The lines around a configuration, and the answers that are none.
//!
//! `show config …` prints `# HOST config-start [date]` first and
//! `# HOST config-end` last (some versions without the blank). The date's zone
//! may hold parentheses: `[09-Mar-2026 18:52:23 UTC+02:00 (Israel)]`.

use crate::platform::reading::{is_blank, lines};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark<'t> {
    pub(super) system: &'t str,
    pub(super) start: bool,
}

/// A start or end mark. It begins in the first column: the same words inside a
/// description are indented, and so no mark.
pub(super) fn mark(line: &str) -> Option<Mark<'_>> {
    let mut words = line.strip_prefix('#')?.split_ascii_whitespace();
    let system = words.next()?;
    match words.next()? {
        "config-start" => Some(Mark { system, start: true }),
        "config-end" if words.next().is_none() => Some(Mark { system, start: false }),
        _ => None,
    }
}

/// The start and end marks of a configuration: they count only as its first
/// and its last line that is not blank.
pub(super) fn frame(text: &str) -> (Option<&str>, Option<&str>) {
    let first = lines(text).find(|line| !is_blank(line)).and_then(mark);
    let trimmed = text.trim_ascii_end();
    let last = &trimmed[memchr::memrchr(b'\n', trimmed.as_bytes()).map_or(0, |at| at + 1)..];
    let last = mark(last);
    (
        first.filter(|mark| mark.start).map(|mark| mark.system),
        last.filter(|mark| !mark.start).map(|mark| mark.system),
    )
}

/// What a device answers instead of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal<'t> {
    /// `ERROR: Unknown word: 'X'.`: also the answer about an object that is not there.
    UnknownWord(&'t str),
    /// The login may not do this.
    Rights,
    Other,
}

impl Refusal<'_> {
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::UnknownWord(_) => "unknown-word",
            Self::Rights => "insufficient-rights",
            Self::Other => "command-error",
        }
    }
}

/// The refusal that `text` is, if all of it is one: perhaps a dashed line that
/// points at a word, then one message.
pub(super) fn refusal(text: &str) -> Option<Refusal<'_>> {
    let mut rest = lines(text).map(str::trim).filter(|line| !line.is_empty() && !is_pointer(line));
    let message = rest.next()?;
    let body = message.strip_prefix("ERROR:").or_else(|| message.strip_prefix("% "))?;
    // A message is short. More than that is an output with an error in it.
    if rest.take(3).count() > 1 {
        return None;
    }
    if let Some((_, word)) = body.split_once("Unknown word") {
        let word = word.trim_start_matches(':').trim();
        let word = word.strip_suffix('.').unwrap_or(word);
        return Some(Refusal::UnknownWord(word.trim_matches('\'')));
    }
    let lower = body.to_ascii_lowercase();
    let rights =
        ["permission", "not permitted", "not authorized", "unauthorized", "privilege", "access denied"];
    if rights.iter().any(|words| lower.contains(words)) {
        return Some(Refusal::Rights);
    }
    Some(Refusal::Other)
}

/// `--------^`, under the word that an error is about.
fn is_pointer(line: &str) -> bool {
    line.strip_suffix('^').is_some_and(|dashes| dashes.bytes().all(|b| b == b'-' || b == b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks() {
        let start = |system| Some(Mark { system, start: true });
        let end = |system| Some(Mark { system, start: false });
        assert_eq!(mark("# R1 config-start [28-Nov-2025 16:09:54 UTC]"), start("R1"));
        assert_eq!(mark("# R1 config-start [09-Mar-2026 18:52:23 UTC+02:00 (Israel)]"), start("R1"));
        assert_eq!(mark("#R1 config-start [27-Jun-2017 22:11:00]"), start("R1"));
        assert_eq!(mark("# R1 config-end"), end("R1"));
        assert_eq!(mark("#R1 config-end"), end("R1"));
        for line in ["    # R1 config-end", "# R1 config-end of a story", "R1 config-end", "#", "# R1"] {
            assert_eq!(mark(line), None, "{line}");
        }
    }

    #[test]
    fn marks_count_at_the_edges_only() {
        assert_eq!(frame("\n# A config-start [x]\n\n# A config-end\n\n"), (Some("A"), Some("A")));
        assert_eq!(frame("# A config-start [x]\ninterfaces\n# A config-end\nmore"), (Some("A"), None));
        assert_eq!(frame("noise\n# A config-start [x]\n# A config-end"), (None, Some("A")));
        assert_eq!(frame("# A config-end"), (None, Some("A")));
        assert_eq!(frame(""), (None, None));
    }

    #[test]
    fn refusals() {
        let pointed = "---------------^\nERROR: Unknown word: 'ge100-0/0/31.251'.\n";
        assert_eq!(refusal(pointed), Some(Refusal::UnknownWord("ge100-0/0/31.251")));
        assert_eq!(refusal("ERROR: Unknown word 'x'."), Some(Refusal::UnknownWord("x")));
        assert_eq!(refusal("\nERROR: Incomplete command.\n"), Some(Refusal::Other));
        assert_eq!(refusal("% No such neighbor"), Some(Refusal::Other));
        assert_eq!(refusal("ERROR: Permission denied."), Some(Refusal::Rights));
        for text in ["", "interfaces\n  ERROR: x", "ERROR: a\nb\nc\nd"] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }
}
