//! One syslog line: RFC 5424, RFC 3164, and what network devices make of the
//! latter (sequence numbers, years, stars, no host name). Only the sender's
//! name and the text are of interest: the time is ours, because theirs may be
//! anything.

/// The parts of a line that are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'t> {
    /// The name that the sender gives itself.
    pub host: Option<&'t str>,
    /// What it says, the tag included.
    pub text: &'t str,
}

/// `None`: no syslog priority in front, so it is no syslog line.
pub fn parse(raw: &str) -> Option<Line<'_>> {
    let rest = raw.trim_start_matches('\u{feff}').strip_prefix('<')?;
    let (priority, rest) = rest.split_once('>')?;
    // Facility 23 and severity 7 are the highest there are.
    if priority.is_empty() || priority.len() > 3 || priority.parse::<u8>().ok()? > 191 {
        return None;
    }
    Some(rfc5424(rest).unwrap_or_else(|| rfc3164(rest)))
}

/// `1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]`.
fn rfc5424(rest: &str) -> Option<Line<'_>> {
    let rest = rest.strip_prefix("1 ")?;
    let (time, rest) = rest.split_once(' ')?;
    if time != "-" && !is_iso(time) {
        return None;
    }
    let (host, rest) = rest.split_once(' ')?;
    // The application, the process and the identity of the message stay: the
    // identity is where Junos has the event.
    Some(Line { host: Some(host).filter(|host| *host != "-" && !host.is_empty()), text: rest.trim() })
}

/// `Nov 23 09:05:00 host tag: text`, and its relatives.
fn rfc3164(rest: &str) -> Line<'_> {
    let mut rest = rest.trim_start();
    // `45:` of IOS, `:` of NX-OS.
    if let Some((number, after)) = rest.split_once(':')
        && number.bytes().all(|b| b.is_ascii_digit())
        && number.len() <= 12
    {
        rest = after.trim_start();
    }
    if let Some(after) = time(rest) {
        // `Nov 23 09:05:00.123 UTC: %SYS…`: the device names itself nowhere.
        if let Some(text) = after.strip_prefix(':') {
            return Line { host: None, text: text.trim() };
        }
        let after = after.trim_start();
        if let Some((zone, text)) = after.split_once(": ")
            && zone.len() <= 5
            && zone.bytes().all(|b| b.is_ascii_uppercase())
        {
            return Line { host: None, text: text.trim() };
        }
        let (word, text) = after.split_once(' ').unwrap_or((after, ""));
        // `tag:` and `tag[1]:` are no host.
        if word.ends_with(':') && !text.starts_with(':') {
            // `host:` before `%FACILITY` is one.
            return if text.trim_start().starts_with('%') {
                Line { host: Some(word.trim_end_matches(':')), text: text.trim() }
            } else {
                Line { host: None, text: after.trim() }
            };
        }
        return Line { host: Some(word).filter(|word| !word.is_empty()), text: text.trim() };
    }
    // `host: *Nov 23 …` (origin-id), `host RP/0/RP0/CPU0:Nov 23 …` (IOS-XR).
    let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
    let after = after.trim_start();
    let behind_node = after.split_once(':').map_or("", |(_, behind)| behind);
    if time(after).is_some()
        || (after.starts_with("RP/") || after.starts_with("LC/")) && time(behind_node).is_some()
    {
        return Line { host: Some(word.trim_end_matches(':')), text: after.trim() };
    }
    Line { host: None, text: rest.trim() }
}

/// What comes after a timestamp, if `text` begins with one.
fn time(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['*', '.']);
    let (word, rest) = text.split_once([' ']).unwrap_or((text, ""));
    if is_iso(word.trim_end_matches(':')) {
        return Some(if word.ends_with(':') { &text[word.len() - 1..] } else { rest });
    }
    // NX-OS puts the year in front.
    let (word, rest) = if is_year(word) { rest.trim_start().split_once(' ')? } else { (word, rest) };
    if !MONTHS.contains(&word) {
        return None;
    }
    let (day, rest) = rest.trim_start().split_once(' ')?;
    if !matches!(day.parse(), Ok(1..=31_u8)) {
        return None;
    }
    // Others behind the day.
    let rest = rest.trim_start();
    let rest = match rest.split_once(' ') {
        Some((year, after)) if is_year(year) => after.trim_start(),
        _ => rest,
    };
    let clock = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
    // A colon behind the clock belongs to what follows.
    let clock = rest[..clock].trim_end_matches([':', '.']).len();
    let parts: Vec<&str> = rest[..clock].split([':', '.']).collect();
    let two = |part: &&str| part.len() == 2;
    (parts.len() >= 3 && parts.iter().take(3).all(two)).then(|| &rest[clock..])
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.starts_with(['1', '2']) && word.bytes().all(|b| b.is_ascii_digit())
}

/// `2026-11-23T09:05:00Z`, whatever the fraction and the zone.
fn is_iso(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 19
        && bytes[4] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
        && bytes[..4].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_that_devices_use() {
        for (raw, host, text) in [
            (
                "<165>1 2026-11-23T09:05:00.003Z pe1.example.net mgd 3046 UI_COMMIT [junos@2636 username=\"amy\"] User 'amy'",
                Some("pe1.example.net"),
                "mgd 3046 UI_COMMIT [junos@2636 username=\"amy\"] User 'amy'",
            ),
            ("<34>1 - - - - - -", None, "- - - -"),
            (
                "<34>Nov  3 09:05:00 pe1 mgd[1]: UI_COMMIT: User 'amy'",
                Some("pe1"),
                "mgd[1]: UI_COMMIT: User 'amy'",
            ),
            ("<34>2026-11-23T09:05:00+01:00 leaf1 a: b", Some("leaf1"), "a: b"),
            ("<189>45: *Nov 23 09:05:00.123: %SYS-5-CONFIG_I: x", None, "%SYS-5-CONFIG_I: x"),
            ("<189>45: *Nov 23 09:05:00.123 UTC: %SYS-5-CONFIG_I: x", None, "%SYS-5-CONFIG_I: x"),
            (
                "<189>45: sw1: *Nov 23 09:05:00.123: %SYS-5-CONFIG_I: x",
                Some("sw1"),
                "*Nov 23 09:05:00.123: %SYS-5-CONFIG_I: x",
            ),
            ("<189>: 2026 Nov 23 09:05:00 UTC: %VSHD-5-X: y", None, "%VSHD-5-X: y"),
            ("<189>: 2026 Nov 23 09:05:00 n9k1: %VSHD-5-X: y", Some("n9k1"), "%VSHD-5-X: y"),
            (
                "<189>12: xr1 RP/0/RP0/CPU0:Nov 23 09:05:00.1 : config[6]: %MGBL-CONFIG-6-DB_COMMIT : z",
                Some("xr1"),
                "RP/0/RP0/CPU0:Nov 23 09:05:00.1 : config[6]: %MGBL-CONFIG-6-DB_COMMIT : z",
            ),
            (
                "<190>Nov 23 09:05:00 ConfigAgent: %SYS-5-CONFIG_I: x",
                Some("ConfigAgent"),
                "%SYS-5-CONFIG_I: x",
            ),
            ("<30>Nov 23 09:05:00 sshd[3]: hello", None, "sshd[3]: hello"),
            ("<13>just a text", None, "just a text"),
            ("<13>", None, ""),
        ] {
            assert_eq!(parse(raw), Some(Line { host, text }), "{raw}");
        }
        for raw in ["", "<", "<>x", "<999>x", "<1234>x", "<-1>x", "no priority", "<a>x"] {
            assert_eq!(parse(raw), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "<[0-9]{1,3}>(1 )?(Nov|2026|[ :*.]){0,4}\\PC{0,60}", noise in "\\PC{0,60}") {
            let _ = (parse(&text), parse(&noise));
        }
    }
}
