//! The prompt: `HOST#` or `HOST>`, in a configuration mode `HOST(config…)#`.

use crate::platform::Echo;

/// The system name if the whole of `line` is an operational prompt.
pub(super) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed behind it. IOS puts no
/// blank between the two; people who copy sessions by hand do.
pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    let at = memchr::memchr2(b'#', b'>', line.as_bytes())?;
    let (head, rest) = (&line[..at], &line[at + 1..]);
    let (system, operational) = match head.split_once('(') {
        None => (head, true),
        Some((system, mode)) => {
            let mode = mode.strip_suffix(')')?;
            let fits =
                !mode.is_empty() && mode.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if !fits {
                return None;
            }
            (system, false)
        }
    };
    let command = rest.trim_ascii();
    let typed = command.is_empty() || command.starts_with(|c: char| c.is_ascii_alphabetic() || c == '?');
    (is_system_name(system) && typed).then_some(Echo { system, command, operational })
}

/// Letters, digits, `-`, `_`, `.` and `@`.
pub(super) fn is_system_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in
            [("LAB-SW123_9200L#", "LAB-SW123_9200L"), ("R1> ", "R1"), ("core.example-1# ", "core.example-1")]
        {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
        for line in [
            "",
            "#",
            ">",
            "joo",
            "R1(config)#",
            "R1(config-if)# ",
            "R1#show version",
            " R1#",
            "RP/0/RSP0/CPU0:xr#",
            "user@host:~#",
            "R1()#",
            "R 1#",
            "! R1#",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }

    #[test]
    fn echoes() {
        let typed =
            |line| echo(line).map(|e: Echo<'_>| (e.system.to_owned(), e.command.to_owned(), e.operational));
        assert_eq!(typed("R1#sh run"), Some(("R1".into(), "sh run".into(), true)));
        assert_eq!(typed("R1# show vlan "), Some(("R1".into(), "show vlan".into(), true)));
        assert_eq!(typed("R1(config-if)#no shut"), Some(("R1".into(), "no shut".into(), false)));
        assert_eq!(typed("key#1234"), None);
    }
}
