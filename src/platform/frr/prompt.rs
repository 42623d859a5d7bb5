//! The prompt of vtysh: `HOST# `, `HOST> ` without privilege, and
//! `HOST(config…)# ` where it writes. From a Linux shell, the shell's prompt.

use crate::platform::{Echo, linux};

pub(super) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    vtysh(line).or_else(|| linux::prompt::echo(line))
}

fn vtysh(line: &str) -> Option<Echo<'_>> {
    let at = memchr::memchr2(b'#', b'>', line.as_bytes())?;
    let (head, rest) = (&line[..at], &line[at + 1..]);
    // It is one word, then a blank or nothing.
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (system, operational) = match head.split_once('(') {
        None => (head, true),
        Some((system, mode)) if mode.starts_with("config") && mode.ends_with(')') => (system, false),
        Some(_) => return None,
    };
    is_system_name(system).then_some(Echo { system, command: rest.trim(), operational })
}

pub(super) fn is_system_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in [
            ("r1# ", "r1"),
            ("edge-1.example.net> ", "edge-1.example.net"),
            ("vm#", "vm"),
            ("admin@leaf1:mgmt:~$ ", "leaf1"),
        ] {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
        for line in [
            "",
            "#",
            "! #",
            "r1(config)# ",
            "r1(config-if)# ",
            "r1# show version",
            " description r1# ",
            "flags: <UP,BROADCAST>",
            "r1(x)# ",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }

    #[test]
    fn echoes() {
        assert_eq!(
            echo("r1# show running-config"),
            Some(Echo { system: "r1", command: "show running-config", operational: true })
        );
        assert!(echo("r1(config)# do show run").is_some_and(|e| !e.operational));
    }
}
