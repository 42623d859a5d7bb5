//! Who changed the configuration: the accounting log, and the lines that a
//! device sends to a log server.
//!
//! `Mon Nov 23 09:02:26 2026:type=update:id=192.0.2.9@pts/0:user=amy:cmd=configure terminal ; interface Vlan10 ; shutdown (SUCCESS)`

use crate::model::snapshot::CommitMark;
use crate::platform::Told;
use crate::platform::reading::lines;

/// The commands that changed something, newest first.
pub(super) fn read(text: &str) -> Vec<CommitMark> {
    let mut marks: Vec<CommitMark> = lines(text).filter_map(entry).collect();
    // Oldest first, as printed.
    marks.reverse();
    marks
}

/// Whether `line` is an entry of the log, whatever it is about.
pub(super) fn is_entry(line: &str) -> bool {
    let Some((_, rest)) = line.split_once(":type=") else { return false };
    rest.contains(":id=") && rest.contains(":user=") && rest.contains(":cmd=")
}

fn entry(line: &str) -> Option<CommitMark> {
    let (at, rest) = line.trim_ascii().split_once(":type=")?;
    let rest = rest.strip_prefix("update:id=")?;
    let (id, rest) = rest.split_once(":user=")?;
    let (user, command) = rest.split_once(":cmd=")?;
    let command = command.strip_suffix("(SUCCESS)")?;
    let changes = command.starts_with("configure ") && command.contains(" ; ");
    // Session set-up of a reader, this program's too.
    let own = command.contains("terminal length") || command.contains("terminal width");
    (changes && !own).then(|| CommitMark {
        at: at.to_owned(),
        user: user.to_owned(),
        via: if id.contains("nxapi") || id.contains("netconf") { "api" } else { "cli" }.to_owned(),
    })
}

/// `… %VSHD-5-VSHD_SYSLOG_CONFIG_I: Configured from vty by amy on 192.0.2.9@pts/0`.
pub(super) fn told(line: &str) -> Option<Told<'_>> {
    let (_, rest) = line.split_once("VSHD_SYSLOG_CONFIG_I:")?;
    let who = rest.split_once(" by ").and_then(|(_, who)| who.split_ascii_whitespace().next());
    Some(Told { who, via: Some("cli") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_something() {
        let text = "Mon Nov 23 09:00:00 2026:type=start:id=192.0.2.9@pts/0:user=amy:cmd=\n\
            Mon Nov 23 09:00:09 2026:type=update:id=192.0.2.9@pts/0:user=amy:cmd=terminal width 511 (SUCCESS)\n\
            Mon Nov 23 09:02:26 2026:type=update:id=192.0.2.9@pts/0:user=amy:cmd=configure terminal ; interface Vlan10 ; shutdown (SUCCESS)\n\
            Mon Nov 23 09:02:30 2026:type=update:id=192.0.2.9@pts/0:user=amy:cmd=configure terminal ; vlan 4095 (FAILURE)\n\
            Mon Nov 23 09:03:00 2026:type=update:id=192.0.2.9@pts/0:user=deploy:cmd=configure terminal ; vlan 20 (SUCCESS)\n\
            Mon Nov 23 09:04:00 2026:type=stop:id=192.0.2.9@pts/0:user=amy:cmd=shell terminated gracefully\n";
        let marks = read(text);
        let users: Vec<&str> = marks.iter().map(|mark| mark.user.as_str()).collect();
        assert_eq!(users, ["deploy", "amy"]);
        assert_eq!(marks[0].at, "Mon Nov 23 09:03:00 2026");
    }

    #[test]
    fn log_lines() {
        let line = "2026 Nov 23 09:02:27 leaf-1 %VSHD-5-VSHD_SYSLOG_CONFIG_I: Configured from vty by amy on 192.0.2.9@pts/0";
        assert_eq!(told(line).and_then(|told| told.who), Some("amy"));
        assert_eq!(told("2026 Nov 23 09:02:27 leaf-1 %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up"), None);
    }
}
