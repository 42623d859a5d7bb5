//! What DNOS says about a commit or a typed line, in a deploy's transcript and
//! in its log.
//!
//! `no configuration changes were made` has two causes: all of it was there
//! already, or every line was refused while it was typed. So a refused line is
//! a notice of its own, and only a reading of the device tells which it was.
//! `Commit check passed successfully` is left out: it says that the candidate
//! is valid, and neither that it was committed nor that it differs.

use crate::platform::{Meaning, Notice, Told};

pub(super) const NOTICES: &[Notice] = &[
    // "Commit action is not applicable. …" in one release, "NOTICE: commit action …" in another.
    notice("no configuration changes were made", Meaning::NothingToCommit),
    notice("no commit confirm scheduled", Meaning::NothingToCommit),
    notice("commit succeeded", Meaning::Committed),
    // It holds until the minutes are over.
    notice("commit confirm will be automatically rolled back", Meaning::Committed),
    notice("commit confirmed", Meaning::Committed),
    notice("commit check failed", Meaning::CommitFailed),
    notice("commit failed", Meaning::CommitFailed),
    notice("your configuration is out of sync", Meaning::SomeoneElse),
    notice("(commit, merge-only, abort)", Meaning::SomeoneElse),
    notice("error: unknown word", Meaning::LineRefused),
    notice("error: incomplete command", Meaning::LineRefused),
    notice("error: ambiguous", Meaning::LineRefused),
    notice("error: invalid", Meaning::LineRefused),
    notice("command not supported by current system", Meaning::LineRefused),
    notice("already exists", Meaning::AlreadyThere),
    notice("already in use", Meaning::AlreadyThere),
    notice("already attached", Meaning::AlreadyThere),
];

const fn notice(text: &'static str, means: Meaning) -> Notice {
    Notice { text, means }
}

/// Whether a log line says that somebody committed. The forms are those that a
/// session prints; a log puts a time and a host before them.
pub(super) fn told(line: &str) -> Option<Told<'_>> {
    let who = if let Some((_, rest)) = split(line, "commit succeeded by ") {
        rest.split([' ', ',', '.']).next()
    } else if let Some((before, _)) = split(line, " committed at ") {
        before.rsplit(' ').next()
    } else if let Some((_, rest)) = split(line, "committed by ") {
        rest.trim_start_matches("user ").split([' ', ',', ';']).next()
    } else {
        return None;
    };
    let who = who.map(|name| name.trim_matches(['\'', '"', '.'])).filter(|name| !name.is_empty());
    let via = ["netconf", "gnmi", "cli"].into_iter().find_map(|via| split(line, via).map(|_| via));
    Some(Told { who, via })
}

/// Before and behind `mark`, whatever the case. `mark` is ASCII.
fn split<'t>(line: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let at = line.as_bytes().windows(mark.len()).position(|w| w.eq_ignore_ascii_case(mark.as_bytes()))?;
    Some((&line[..at], &line[at + mark.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meanings(line: &str) -> Vec<Meaning> {
        let lower = line.to_ascii_lowercase();
        let found = NOTICES.iter().filter(|notice| lower.contains(&notice.text.to_ascii_lowercase()));
        found.map(|notice| notice.means).collect()
    }

    #[test]
    fn replies() {
        for (line, expected) in [
            (
                "NOTICE: commit action is not applicable. no configuration changes were made",
                Some(Meaning::NothingToCommit),
            ),
            (
                "Commit action is not applicable. No configuration changes were made",
                Some(Meaning::NothingToCommit),
            ),
            ("Commit succeeded by amy at 09-Mar-2026 19:09:18 UTC+02:00 (East)", Some(Meaning::Committed)),
            (
                "Commit confirm will be automatically rolled back in 5 minutes unless confirmed",
                Some(Meaning::Committed),
            ),
            ("Commit check failed on:", Some(Meaning::CommitFailed)),
            ("ERROR: Unknown word: 'interfaces'.", Some(Meaning::LineRefused)),
            ("ERROR: Incomplete command.", Some(Meaning::LineRefused)),
            ("ERROR: Command not supported by current system.", Some(Meaning::LineRefused)),
            ("ERROR: No commit confirm scheduled.", Some(Meaning::NothingToCommit)),
            (
                "Warning: User 'amy' committed at 03-Jul-2026 06:48:02 UTC, your configuration is out of sync.",
                Some(Meaning::SomeoneElse),
            ),
            ("What would you like to do (commit, merge-only, abort) [abort]?", Some(Meaning::SomeoneElse)),
            ("Commit check passed successfully", None),
            ("R1(cfg)# commit", None),
        ] {
            assert_eq!(meanings(line), Vec::from_iter(expected), "{line}");
        }
    }

    #[test]
    fn log_lines() {
        let told = |line| told(line).map(|told| (told.who, told.via));
        let line = "<189>1 2026-03-09T19:09:18+02:00 PE-4 mgmt - - - Commit succeeded by amy at 09-Mar-2026 19:09:18 via netconf";
        assert_eq!(told(line), Some((Some("amy"), Some("netconf"))));
        let line =
            "Warning: User 'ben' committed at 03-Jul-2026 06:48:02 UTC, your configuration is out of sync.";
        assert_eq!(told(line), Some((Some("ben"), None)));
        assert_eq!(told("configuration committed by user dee, 3 changes"), Some((Some("dee"), None)));
        assert_eq!(told("Commit check passed successfully"), None);
        assert_eq!(told("interface ge100-0/0/1 is down"), None);
    }
}
