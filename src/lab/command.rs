//! One typed line → its answer. Pure: state, line and time in, text out.
//!
//! Only reading is understood. What would change a real device is answered as
//! the device would, and [`is_reading`] tells the machine to write it down.

use chrono::{DateTime, Utc};

use super::config::{self, Form};
use super::screen;
use super::state::State;

/// What a line leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Output of a `show` command, `\n` line ends.
    Text {
        text: String,
        paged: bool,
    },
    /// Accepted, nothing to say.
    Quiet,
    /// `set cli-terminal-length N`
    Length(usize),
    Error(Error),
    /// `exit`
    Leave,
    /// `configure`
    Configure,
}

/// An error as DNOS prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    /// Byte offset of the offending word within the line, where there is one.
    pub at: Option<usize>,
    /// Without `ERROR: `.
    pub message: String,
}

impl Error {
    fn unknown(line: &str, word: &str) -> Self {
        // `word` is a slice of `line`, so the distance is its offset.
        let at = (word.as_ptr() as usize).checked_sub(line.as_ptr() as usize).filter(|at| *at <= line.len());
        Self { at, message: format!("Unknown word: '{word}'.") }
    }

    fn incomplete() -> Self {
        Self { at: None, message: "Incomplete command.".to_owned() }
    }

    /// A command that others may use.
    pub(super) fn forbidden() -> Self {
        Self { at: None, message: "Permission denied.".to_owned() }
    }

    /// A command that exists elsewhere.
    pub(super) fn unsupported() -> Self {
        Self { at: None, message: "Command not supported by current system.".to_owned() }
    }
}

/// Whether a line only reads, or sets up its own session.
pub(super) fn is_reading(line: &str) -> bool {
    let first = line.split_whitespace().next();
    match first {
        None | Some("show" | "exit" | "quit") => true,
        Some("set") => line.split_whitespace().nth(1).is_some_and(|word| word.starts_with("cli-")),
        Some(_) => false,
    }
}

/// Answers `line`.
pub(super) fn answer(state: &State, line: &str, now: DateTime<Utc>) -> Answer {
    let mut parts = line.split('|');
    let words: Vec<&str> = parts.next().unwrap_or_default().split_whitespace().collect();
    let filters: Vec<&str> = parts.map(str::trim).collect();
    let found = match words.as_slice() {
        [] => return Answer::Quiet,
        ["exit" | "quit"] => return Answer::Leave,
        ["configure"] => return Answer::Configure,
        ["set", rest @ ..] => return session_setting(line, rest),
        ["show", rest @ ..] => show(state, line, rest, &filters, now),
        [other, ..] => Err(Error::unknown(line, other)),
    };
    match found.and_then(|text| filter(line, text, &filters)) {
        Ok((text, paged)) => Answer::Text { text, paged },
        Err(error) => Answer::Error(error),
    }
}

fn session_setting(line: &str, words: &[&str]) -> Answer {
    match words {
        ["cli-terminal-length", length] => match length.parse::<usize>() {
            Ok(length) if length <= 1_023 => Answer::Length(length),
            _ => Answer::Error(Error::unknown(line, length)),
        },
        ["cli-ansi-color-disabled"] => Answer::Quiet,
        [] | ["cli-terminal-length"] => Answer::Error(Error::incomplete()),
        ["cli-terminal-length" | "cli-ansi-color-disabled", _, extra, ..] | [extra, ..] => {
            Answer::Error(Error::unknown(line, extra))
        }
    }
}

fn show(
    state: &State,
    line: &str,
    words: &[&str],
    filters: &[&str],
    now: DateTime<Utc>,
) -> Result<String, Error> {
    let nothing = |word: &str| Error::unknown(line, word);
    match words {
        [] | ["network-services"] => Err(Error::incomplete()),
        ["config", rest @ ..] => {
            let flat = filters.iter().any(|f| matches!(*f, "flatten" | "fl"));
            let nodes = config::part(state, rest).map_err(|at| nothing(rest[at]))?;
            Ok(config::print(state, &nodes, if flat { Form::Flat } else { Form::Hierarchical }, now))
        }
        ["interfaces"] => Ok(screen::interfaces(state)),
        ["interfaces", name] => screen::detail(state, name, now).ok_or_else(|| nothing(name)),
        ["system"] => Ok(screen::system(state, now)),
        ["system", "version"] => Ok(screen::version(state, now)),
        ["rollback"] => Ok(screen::rollback(state)),
        ["network-services", "bridge-domain"] => {
            screen::bridge_domains(state, None).ok_or_else(Error::incomplete)
        }
        ["network-services", "bridge-domain", name] => {
            screen::bridge_domains(state, Some(name)).ok_or_else(|| nothing(name))
        }
        // The last known words were fine; the next one is not.
        ["interfaces", _, extra, ..]
        | ["system", "version", extra, ..]
        | ["network-services", "bridge-domain", _, extra, ..]
        | ["system" | "rollback" | "network-services", extra, ..]
        | [extra, ..] => Err(nothing(extra)),
    }
}

/// The text after its filters, and whether it is paged.
fn filter(line: &str, mut text: String, filters: &[&str]) -> Result<(String, bool), Error> {
    let mut paged = true;
    for filter in filters {
        let (word, rest) = filter.split_once(' ').unwrap_or((filter, ""));
        let wanted = rest.trim().trim_matches('"').to_lowercase();
        match word {
            "no-more" => paged = false,
            // Done while printing.
            "flatten" | "fl" => {}
            "include" | "i" | "exclude" if wanted.is_empty() => return Err(Error::incomplete()),
            "include" | "i" | "exclude" => {
                let keep = word != "exclude";
                // Headings go too: only what matches stays.
                text = text
                    .lines()
                    .filter(|l| l.to_lowercase().contains(&wanted) == keep)
                    .flat_map(|l| [l, "\n"])
                    .collect();
            }
            "count" => text = format!("lines: {}\n", text.lines().count()),
            other => return Err(Error::unknown(line, other)),
        }
    }
    Ok((text, paged))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lab::birth;

    fn ask(line: &str) -> Answer {
        let state = birth::example();
        answer(&state, line, "2026-03-09T16:52:06Z".parse().unwrap())
    }

    fn text(line: &str) -> String {
        match ask(line) {
            Answer::Text { text, .. } => text,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn errors_name_the_word_and_its_place() {
        let unknown = |at, word: &str| {
            Answer::Error(Error { at: Some(at), message: format!("Unknown word: '{word}'.") })
        };
        assert_eq!(ask("show interfaces bundle-7 | no-more"), unknown(16, "bundle-7"));
        assert_eq!(ask("show config interfaces bundle-7 | no-more"), unknown(23, "bundle-7"));
        assert_eq!(ask("shaw config"), unknown(0, "shaw"));
        assert_eq!(ask("set cli-terminal-width 200"), unknown(4, "cli-terminal-width"));
        assert_eq!(ask("show interfaces | colour"), unknown(18, "colour"));
        assert_eq!(ask("show"), Answer::Error(Error::incomplete()));
    }

    #[test]
    fn filters_drop_headings_and_do_not_care_about_case() {
        assert_eq!(text("show interfaces | no-more | i VLAN-ID"), "");
        let rows = text("show interfaces | i BD (G_VISAEV_V251)");
        assert_eq!(rows.lines().count(), 2);
        assert_eq!(text("show rollback | count | no-more"), "lines: 5\n");
        assert!(text("show config | fl | i vlan").contains("interfaces ge100-0/0/31.251 vlan-id 251\n"));
    }

    #[test]
    fn only_reading_is_reading() {
        for line in ["", "show config", "set cli-terminal-length 0", "exit"] {
            assert!(is_reading(line), "{line}");
        }
        for line in ["configure", "set", "no interfaces", "commit", "yes", "request system restart"] {
            assert!(!is_reading(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_answered(line in "\\PC{0,60}") {
            ask(&line);
        }

        #[test]
        fn whatever_is_shown_of_a_configuration_has_both_marks(
            words in proptest::collection::vec(proptest::sample::select(vec![
                "interfaces", "network-services", "bridge-domain", "instance", "g_visaev_v251", "services",
                "ge100-0/0/31.251", "ge100-0/0/5", "vrf", "system", "l2-cross-connect", "| no-more", "| fl",
            ]), 0..6)
        ) {
            match ask(&format!("show config {}", words.join(" "))) {
                Answer::Text { text, .. } => {
                    prop_assert!(text.starts_with("# DNAAS-LEAF-B15 config-start ["));
                    prop_assert!(text.ends_with("\n\n# DNAAS-LEAF-B15 config-end\n"));
                }
                Answer::Error(error) => prop_assert!(error.message.starts_with("Unknown word: '")),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
