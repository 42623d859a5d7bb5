//! `show configuration commit list`: the device's own log, newest first, and
//! the line with the date above every answer.

use crate::model::snapshot::CommitMark;
use crate::platform::lines::field;
use crate::platform::reading::{Class, Tally, lines};

/// The columns of the log's header: user, line, client, time.
pub(super) fn header(line: &str) -> Option<[usize; 4]> {
    let columns = [line.find("User")?, line.find("Line")?, line.find("Client")?, line.find("Time Stamp")?];
    (line.trim_ascii_start().starts_with("SNo.") && columns.is_sorted()).then_some(columns)
}

/// The entries, newest first, and counts the lines. They are a signal and no fact.
pub(super) fn read(text: &str, tally: &mut Tally) -> Vec<CommitMark> {
    let mut columns = None;
    let mut entries = Vec::new();
    for line in lines(text) {
        tally.any(Class::Ignored, line);
        if let Some(found) = header(line) {
            columns = Some(found);
        } else if let Some([user, port, client, time]) = columns
            && line.trim_ascii_start().starts_with(|c: char| c.is_ascii_digit())
        {
            let at = field(line, time, None).to_owned();
            let via = field(line, client, Some(time)).to_ascii_lowercase();
            if !at.is_empty() {
                entries.push(CommitMark { at, user: field(line, user, Some(port)).to_owned(), via });
            }
        }
    }
    entries
}

/// `Tue May 17 11:26:26.117 UTC`: printed before every answer.
pub(super) fn is_date(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let (Some(day), Some(month), Some(number), Some(time)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&day)
        && month.len() == 3
        && number.len() <= 2
        && number.bytes().all(|b| b.is_ascii_digit())
        && time.len() >= 8
        && time.bytes().all(|b| b.is_ascii_digit() || b":.".contains(&b))
        && words.count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log() {
        let text = "SNo. Label/ID    User      Line                Client      Time Stamp\n\
            ~~~~ ~~~~~~~~    ~~~~      ~~~~                ~~~~~~      ~~~~~~~~~~\n\
            1    1000000093  amy       vty0:node0_RSP0_CP  CLI         Tue Jun  2 14:42:19 2026\n\
            2    1000000092  deploy    000102030405060708  NETCONF     Tue Jun  2 14:40:05 2026\n";
        let mut tally = Tally::default();
        let marks = read(text, &mut tally);
        assert_eq!((marks[0].user.as_str(), marks[0].via.as_str()), ("amy", "cli"));
        assert_eq!((marks[1].at.as_str(), marks[1].via.as_str()), ("Tue Jun  2 14:40:05 2026", "netconf"));
        assert_eq!(tally.counts.ignored, 4);
    }

    #[test]
    fn dates() {
        assert!(is_date("Tue May 17 11:26:26.117 UTC") && is_date("Mon Aug 19 03:56:39.363 MDT"));
        assert!(!is_date("Sun is up") && !is_date("Tue May 17 of a story told"));
    }
}
