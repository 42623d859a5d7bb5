//! The prompt: `HOST# `, with a time stamp `HOST(28-Aug-2025-13:12:48)# ` on
//! systems where `cli-timestamp` is on, and `HOST(cfg…)# ` in configuration
//! mode, which is never taken for the running system.

use crate::platform::Echo;

/// The system name if the whole of `line` is an operational prompt.
pub(super) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed after it.
pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    let at = memchr::memchr(b'#', line.as_bytes())?;
    let (head, rest) = (&line[..at], &line[at + 1..]);
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (system, operational) = match head.split_once('(') {
        None => (head, true),
        Some((system, mode)) => {
            let mode = mode.strip_suffix(')')?;
            if mode.contains(['(', ')']) {
                return None;
            }
            if is_time_stamp(mode) {
                (system, true)
            } else if mode.starts_with("cfg") {
                (system, false)
            } else {
                return None;
            }
        }
    };
    is_system_name(system).then_some(Echo { system, command: rest.trim(), operational })
}

/// `09-Mar-2026-18:52:11`.
fn is_time_stamp(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:. +".contains(&b))
}

/// The characters that the vendor's own Ansible collection allows in a host name.
pub(super) fn is_system_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-.:/[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in [
            ("R1# ", "R1"),
            ("R1#", "R1"),
            ("YOR_CL_PE-4# ", "YOR_CL_PE-4"),
            ("cdnos2(28-Aug-2025-13:12:48)# ", "cdnos2"),
            ("DNAAS-SUPERSPINE-D04-NCC0# ", "DNAAS-SUPERSPINE-D04-NCC0"),
        ] {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
    }

    #[test]
    fn no_prompts() {
        for line in [
            "",
            "#",
            "# R1 config-end",
            "#R1 config-end",
            "R1(cfg)# ",
            "R1(cfg-if-ge100-0/0/31.251)# ",
            "R1(cfg 09-Mar-2026-19:08:39)# ",
            "R1(cfg-protocols-bgp 09-Mar-2026-19:08:41)# ",
            "R1# show interfaces | no-more",
            "R1(09-Mar-2026-18:52:11)# show interfaces",
            "cdnos2(cfg-system-snmp-community 28-Aug-2025-13:16:18)#       client-list 192.0.2.0/20",
            "    description R1# ",
            "R1#show",
            "| R1# |",
            "R1()# ",
            "R1((1)# ",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }

    #[test]
    fn echoes() {
        let echo = echo("R1(09-Mar-2026-18:52:11)# show interfaces | no-more");
        assert_eq!(
            echo,
            Some(Echo { system: "R1", command: "show interfaces | no-more", operational: true })
        );
        assert!(super::echo("R1(cfg)# show config").is_some_and(|e| !e.operational));
    }
}
