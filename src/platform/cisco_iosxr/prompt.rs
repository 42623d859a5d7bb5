//! The prompt: `RP/0/RSP0/CPU0:HOST#`, in a configuration mode
//! `RP/0/RSP0/CPU0:HOST(config…)#`. The place before the colon tells it from
//! every other system's.

use crate::platform::Echo;

/// The system name if the whole of `line` is an operational prompt.
pub(super) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed behind it.
pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    let at = memchr::memchr2(b'#', b'>', line.as_bytes())?;
    let (head, rest) = (&line[..at], &line[at + 1..]);
    let (place, name) = head.split_once(':')?;
    let mut parts = place.split('/');
    let is_place = matches!(parts.next(), Some("RP" | "LC" | "DRP"))
        && parts.clone().count() == 3
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !is_place {
        return None;
    }
    let (system, operational) = match name.split_once('(') {
        None => (name, true),
        Some((system, mode)) => {
            mode.strip_suffix(')').filter(|mode| !mode.contains(['(', ')', ' ']))?;
            (system, false)
        }
    };
    is_system_name(system).then_some(Echo { system, command: rest.trim_ascii(), operational })
}

pub(super) fn is_system_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        assert_eq!(prompt("RP/0/RSP0/CPU0:edge-1#"), Some("edge-1"));
        assert_eq!(prompt("RP/0/0/CPU0:ios# "), Some("ios"));
        for line in [
            "",
            "edge-1#",
            "RP/0/RSP0/CPU0:edge-1(config)#",
            "RP/0/RSP0/CPU0:edge-1(config-if)# ",
            "RP/0/RSP0/CPU0:edge-1#show run",
            "sysadmin-vm:0_RP0#",
            "RP/0:x#",
            " RP/0/RSP0/CPU0:edge-1#",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
        let typed = echo("RP/0/RSP0/CPU0:edge-1#show run");
        assert_eq!(typed, Some(Echo { system: "edge-1", command: "show run", operational: true }));
        assert!(echo("RP/0/RSP0/CPU0:e(config)#commit").is_some_and(|echo| !echo.operational));
    }
}
