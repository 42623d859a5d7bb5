//! What stands around the outputs: who committed last, refusals, and the lines
//! that say when they were made.

use crate::model::snapshot::CommitMark;
use crate::platform::Told;
use crate::platform::reading::{Class, Tally, lines};

/// `## Last commit: 2024-12-06 11:41:05 UTC by root`; `## Last changed:` is its
/// form where the configuration was changed and not committed.
pub(super) fn last_commit(line: &str) -> Option<CommitMark> {
    let rest = line.strip_prefix("## Last commit: ").or_else(|| line.strip_prefix("## Last changed: "))?;
    let (at, user) = rest.trim_ascii().rsplit_once(" by ").unwrap_or((rest.trim_ascii(), ""));
    Some(CommitMark { at: at.to_owned(), user: user.to_owned(), via: String::new() })
}

/// Lines that say when they were made, or on which of two engines.
pub(super) fn is_volatile(line: &str) -> bool {
    match line.as_bytes().first() {
        Some(b'#') => line.starts_with("## Last commit") || line.starts_with("## Last changed"),
        Some(b'{') => is_engine(line),
        Some(b' ') => {
            let line = line.trim_ascii_start();
            ["Last flapped", "Input rate", "Output rate", "Input packets", "Output packets", "Input bytes"]
                .iter()
                .any(|head| line.starts_with(head))
        }
        _ => false,
    }
}

/// `{master:0}`, `{primary:node0}`, `{linecard:1}`.
pub(super) fn is_engine(line: &str) -> bool {
    let inner = line.trim_ascii().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| {
        !inner.is_empty()
            && inner.len() <= 32
            && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b":-".contains(&b))
    })
}

/// Whether something stands behind a configuration that shows where it ended:
/// the engine's line above the next prompt, or behind blocks a remark with one
/// `#`, which only the scripts write that keep such files. Among single lines
/// such a remark may be anybody's.
pub(super) fn is_followed(text: &str, single_lines: bool) -> bool {
    let last = text.trim_ascii_end();
    let line = &last[memchr::memrchr(b'\n', last.as_bytes()).map_or(0, |at| at + 1)..];
    is_engine(line) || (!single_lines && (line == "#" || line.starts_with("# ")))
}

/// `show system commit`: `0   2024-12-06 11:41:05 UTC by root via cli`, perhaps
/// with a remark on a line of its own. A signal and no fact.
pub(super) fn commits(text: &str, tally: &mut Tally) -> Vec<CommitMark> {
    let mut marks = Vec::new();
    for line in lines(text) {
        tally.any(Class::Ignored, line);
        marks.extend(commit(line));
    }
    marks
}

/// One line of the log.
pub(super) fn commit(line: &str) -> Option<CommitMark> {
    let (number, rest) = line.trim_ascii().split_once(' ')?;
    if number.len() > 3 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (at, rest) = rest.split_once(" by ")?;
    let at = at.trim_ascii();
    let dated = at.len() >= 19 && at.as_bytes().get(4) == Some(&b'-') && at.as_bytes().get(13) == Some(&b':');
    let (user, via) = rest.split_once(" via ")?;
    dated.then(|| CommitMark {
        at: at.to_owned(),
        user: user.trim_ascii().to_owned(),
        via: via.split([' ', ',']).next().unwrap_or("").to_owned(),
    })
}

/// What a device answers instead of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal<'t> {
    UnknownWord,
    /// `error: device ge-0/0/9 not found`.
    NoInterface(&'t str),
    Rights,
    Other,
}

impl Refusal<'_> {
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::UnknownWord => "unknown-word",
            Self::Rights => "insufficient-rights",
            Self::NoInterface(_) | Self::Other => "command-error",
        }
    }
}

/// The refusal that `text` is, if all of it is one: perhaps a line that points
/// at a word, then one message.
pub(super) fn refusal(text: &str) -> Option<Refusal<'_>> {
    let pointer = |line: &&str| line.bytes().all(|b| b == b'^' || b == b' ');
    let mut rest =
        lines(text).map(str::trim).filter(|line| !line.is_empty() && !pointer(line) && !is_engine(line));
    let message = rest.next()?;
    // A message is short. More than that is an output with an error in it.
    if rest.take(3).count() > 1 {
        return None;
    }
    let lower = message.to_ascii_lowercase();
    if let Some(name) =
        message.strip_prefix("error: device ").and_then(|rest| rest.strip_suffix(" not found"))
    {
        return Some(Refusal::NoInterface(name));
    }
    if lower.contains("permission denied") || lower.contains("not authorized") {
        return Some(Refusal::Rights);
    }
    let unknown = ["unknown command", "syntax error", "invalid interface type", "missing argument"];
    if unknown.iter().any(|words| lower.starts_with(words) || lower.starts_with(&format!("error: {words}")))
        || lower.ends_with("not found") && lower.contains("show:")
    {
        return Some(Refusal::UnknownWord);
    }
    (lower.starts_with("error:") || lower.starts_with("could not connect")).then_some(Refusal::Other)
}

/// `mgd[1234]: UI_COMMIT: User 'amy' requested 'commit' operation (comment: none)`.
pub(super) fn told(line: &str) -> Option<Told<'_>> {
    let at = memchr::memmem::find(line.as_bytes(), b"UI_COMMIT")?;
    let rest = &line[at..];
    let (tag, rest) = rest.split_at(rest.find([':', ' ']).unwrap_or(rest.len()));
    match tag {
        "UI_COMMIT" | "UI_COMMIT_COMPLETED" | "UI_COMMIT_CONFIRMED" | "UI_COMMIT_AT_COMPLETED" => {}
        _ => return None,
    }
    let quoted = |head: &str| rest.split_once(head).and_then(|(_, rest)| rest.split('\'').next());
    let who = quoted("User '").or_else(|| quoted("user '"));
    let via = ["netconf", "junoscript", "cli"].into_iter().find(|via| rest.contains(via));
    Some(Told { who, via })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn who_committed() {
        let mark = last_commit("## Last commit: 2024-12-06 11:41:05 UTC by root").unwrap();
        assert_eq!((mark.at.as_str(), mark.user.as_str()), ("2024-12-06 11:41:05 UTC", "root"));
        let text = "0   2026-11-20 08:01:02 UTC by amy via cli\n    a remark by me via x\n1   2026-11-19 08:01:02 UTC by deploy via netconf\n2   2026-11-18 08:01:02 UTC by root via other commit confirmed\nrescue  2020-01-01 00:00:00 UTC by root via cli\n";
        let mut tally = Tally::default();
        let marks = commits(text, &mut tally);
        let via: Vec<_> = marks.iter().map(|mark| (mark.user.as_str(), mark.via.as_str())).collect();
        assert_eq!(via, [("amy", "cli"), ("deploy", "netconf"), ("root", "other")]);
        assert_eq!(tally.counts.ignored, 5);
    }

    #[test]
    fn refusals() {
        for (text, expected) in [
            ("                  ^\nunknown command.\n", Some(Refusal::UnknownWord)),
            ("     ^\nsyntax error, expecting <command>.\n", Some(Refusal::UnknownWord)),
            ("error: device ge-0/0/9 not found\n", Some(Refusal::NoInterface("ge-0/0/9"))),
            ("error: permission denied\n\n{master:0}\n", Some(Refusal::Rights)),
            ("error: timeout\n", Some(Refusal::Other)),
            ("sh: show: not found\n", Some(Refusal::UnknownWord)),
            ("error: a\nb\nc\nd\n", None),
            ("interfaces {\n}\n", None),
            ("", None),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_log_tells() {
        let line = "Nov 23 10:00:00  mx-1 mgd[4711]: UI_COMMIT: User 'amy' requested 'commit' operation (comment: none)";
        assert_eq!(told(line), Some(Told { who: Some("amy"), via: None }));
        assert!(told("mgd[1]: UI_COMMIT_COMPLETED: commit complete").is_some());
        assert!(told("mgd[1]: UI_COMMIT_PROGRESS: Commit operation in progress: start").is_none());
        assert!(told("mgd[1]: UI_CMDLINE_READ_LINE: User 'amy', command 'show version'").is_none());
    }
}
