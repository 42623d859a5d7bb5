//! Who changed the configuration: lines of the log, on the device or sent from it.
//!
//! `Nov 23 09:02:27 leaf-1 ConfigAgent: %SYS-5-CONFIG_I: Configured from console by amy on vty3 (192.0.2.9)`

use crate::model::snapshot::CommitMark;
use crate::platform::Told;
use crate::platform::reading::lines;

/// The lines that tell of a change, newest first.
pub(super) fn read(text: &str) -> Vec<CommitMark> {
    let mut marks: Vec<CommitMark> = lines(text)
        .filter_map(|line| {
            let told = told(line)?;
            let at = line.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" ");
            let text = |text: Option<&str>| text.unwrap_or("").to_owned();
            Some(CommitMark { at, user: text(told.who), via: text(told.via) })
        })
        .collect();
    // Oldest first, as printed.
    marks.reverse();
    marks
}

/// Whether a log line says that the configuration was changed, and by whom.
pub(super) fn told(line: &str) -> Option<Told<'_>> {
    if let Some((_, rest)) = line.split_once("%SYS-5-CONFIG_I:") {
        let who = rest.split_once(" by ").and_then(|(_, who)| who.split_ascii_whitespace().next());
        return Some(Told { who, via: Some("cli") });
    }
    let (_, rest) = line.split_once("%SYS-5-CONFIG_SESSION_COMMIT_SUCCESS:")?;
    let who = rest.split_once("User ").and_then(|(_, who)| who.split_ascii_whitespace().next());
    Some(Told { who, via: Some("cli") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_tell() {
        let text = "Nov 23 09:02:27 leaf-1 ConfigAgent: %SYS-5-CONFIG_E: Enter configuration mode from console by amy on vty3 (192.0.2.9)\n\
            Nov 23 09:02:40 leaf-1 ConfigAgent: %SYS-5-CONFIG_I: Configured from console by amy on vty3 (192.0.2.9)\n\
            Nov 23 09:05:00 leaf-1 ConfigAgent: %SYS-5-CONFIG_SESSION_COMMIT_SUCCESS: User deploy committed configuration session cvp-1 successfully on vty5 (192.0.2.10)\n\
            Nov 23 09:06:00 leaf-1 Ebra: %LINEPROTO-5-UPDOWN: Line protocol on Interface Ethernet1, changed state to up\n";
        let marks = read(text);
        let told: Vec<(&str, &str)> = marks.iter().map(|mark| (&*mark.user, &*mark.at)).collect();
        assert_eq!(told, [("deploy", "Nov 23 09:05:00"), ("amy", "Nov 23 09:02:40")]);
    }
}
