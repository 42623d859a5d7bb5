//! The lines around a configuration that say when and by whom it was made,
//! what changes without a change, and the answers that are none.

use crate::model::snapshot::CommitMark;
use crate::platform::lines::first_word;
use crate::platform::reading::{is_blank, lines};

/// What a device answers instead of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `% Invalid input detected at '^' marker.`: the system has no such command.
    UnknownCommand,
    /// The login may not do this.
    Rights,
    /// The device is busy with its configuration; to be asked again.
    Busy,
    Other,
}

impl Refusal {
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown-command",
            Self::Rights => "insufficient-rights",
            Self::Busy => "busy",
            Self::Other => "command-error",
        }
    }
}

/// The refusal that `text` is, if all of it is one: perhaps the word with a
/// `^` below it, then one message.
pub(crate) fn refusal(text: &str) -> Option<Refusal> {
    let mut found = None;
    for (count, line) in lines(text).map(str::trim_ascii).filter(|line| !line.is_empty()).enumerate() {
        // A message is short. More than that is an output with an error in it.
        if count >= 5 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        let rights = ["authorization failed", "not authorized", "permission", "privilege", "access denied"];
        if rights.iter().any(|words| lower.contains(words)) {
            found = Some(Refusal::Rights);
        } else if lower.contains("non-volatile") && lower.contains("in use") || lower.contains("buffer full")
        {
            found = Some(Refusal::Busy);
        } else if lower.contains("invalid input") || lower.contains("unknown command") {
            found = found.or(Some(Refusal::UnknownCommand));
        } else if line.starts_with('%') {
            found = found.or(Some(Refusal::Other));
        } else if line != "^" && found.is_none() && !line.starts_with("show ") {
            return None;
        }
    }
    found
}

/// `! Last configuration change at 09:37:40 CEST Tue Aug 20 2024 by oxidized`.
pub(crate) fn last_change(line: &str) -> Option<CommitMark> {
    let rest = line.trim_start_matches('!').trim_ascii().strip_prefix("Last configuration change at ")?;
    let (at, user) = rest.rsplit_once(" by ").unwrap_or((rest, ""));
    let at = at.trim_ascii().to_owned();
    Some(CommitMark { at, user: user.trim_ascii().to_owned(), via: String::new() })
}

/// A line that says when it was made, or counts. It makes no change.
pub(super) fn volatile(line: &str) -> bool {
    let words = line.trim_ascii();
    let remark = words.strip_prefix('!').map_or("", str::trim_ascii_start);
    words == "Building configuration..."
        || words.starts_with("Current configuration : ")
        || words.starts_with("Using ") && words.contains(" out of ") && words.contains(" bytes")
        || words.starts_with("ntp clock-period ")
        || words.starts_with("Load for five secs: ")
        || words.starts_with("Time source is ")
        || is_counter(words)
        || [
            "Last configuration change at ",
            "NVRAM config last updated at ",
            "No configuration change since last restart",
        ]
        .iter()
        .any(|head| remark.starts_with(head))
}

/// Lines of `show interfaces` and `show version` that count something.
pub(crate) fn is_counter(words: &str) -> bool {
    let counts = [
        " packets input, ",
        " packets output, ",
        " input errors, ",
        " output errors, ",
        " input rate ",
        " output rate ",
        " input packets with ",
        " broadcasts",
        " runts, ",
        " watchdog",
        " lost carrier",
        " late collision",
        " output buffer failures",
        " unknown protocol drops",
        " uptime is ",
        "txload ",
    ];
    words.starts_with("Last input ")
        || words.starts_with("Last clearing ")
        || words.starts_with("Input queue: ")
        || words.starts_with("Output queue: ")
        || words.starts_with("Uptime for this control processor")
        || (words.starts_with(|c: char| c.is_ascii_digit())
            || words.starts_with("Received ")
            || !words.contains(':'))
            && counts.iter().any(|count| words.contains(count))
            && !words.starts_with("description")
}

/// The name in `NAME uptime is 3 weeks`.
pub(crate) fn name_in_version(text: &str) -> Option<&str> {
    lines(text).filter(|line| !line.starts_with(' ') && !is_blank(line)).find_map(|line| {
        let (name, rest) = first_word(line);
        rest.starts_with("uptime is ").then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        let marker = "show vlan brief\n          ^\n% Invalid input detected at '^' marker.\n\n";
        assert_eq!(refusal(marker), Some(Refusal::UnknownCommand));
        assert_eq!(refusal("% Authorization failed.\n"), Some(Refusal::Rights));
        assert_eq!(refusal("Command authorization failed.\n"), Some(Refusal::Rights));
        assert_eq!(refusal("% Incomplete command.\n"), Some(Refusal::Other));
        assert_eq!(refusal("Non-Volatile memory is in use"), Some(Refusal::Busy));
        for text in ["", "version 15.2\n% Invalid input", "a\nb\nc\nd\ne\n% Invalid input"] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }

    #[test]
    fn who_and_when() {
        let mark = last_change("! Last configuration change at 09:37:40 CEST Tue Aug 20 2024 by oxidized");
        assert_eq!(
            mark.map(|m| (m.at, m.user)),
            Some(("09:37:40 CEST Tue Aug 20 2024".into(), "oxidized".into()))
        );
        assert_eq!(last_change("! Last configuration change at 1 UTC").map(|m| m.user).as_deref(), Some(""));
        assert_eq!(last_change("! NVRAM config last updated"), None);
    }

    #[test]
    fn what_changes_by_itself() {
        for line in [
            "Building configuration...",
            "Current configuration : 20546 bytes",
            "! Last configuration change at 1 by x",
            "ntp clock-period 17179869",
            "  5 minute input rate 0 bits/sec, 0 packets/sec",
            "     0 input errors, 0 CRC, 0 frame, 0 overrun, 0 ignored",
            "R1 uptime is 2 days",
        ] {
            assert!(volatile(line), "{line}");
        }
        for line in ["interface Vlan1", " description: 0 input errors, x", "! a remark", " mtu 9000"] {
            assert!(!volatile(line), "{line}");
        }
    }
}
