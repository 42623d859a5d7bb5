//! Prompts: `HOST# ` on NX-OS, `HOST#` and `HOST>` on EOS, `HOST(config…)#` in
//! a configuration mode, which is never taken for the running system. And the
//! answers that are no output.

use crate::platform::Echo;
use crate::platform::reading::{is_blank, lines};

/// The system name if the whole of `line` is an operational prompt.
pub(in crate::platform) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed after it.
pub(in crate::platform) fn echo(line: &str) -> Option<Echo<'_>> {
    let at = memchr::memchr2(b'#', b'>', line.as_bytes())?;
    let (head, rest) = (&line[..at], &line[at + 1..]);
    // A command begins with a letter. `ftp#@1` in a description is no prompt.
    let typed = rest.trim_ascii();
    if !(typed.is_empty() || typed.starts_with(|c: char| c.is_ascii_lowercase())) {
        return None;
    }
    let (system, operational) = match head.split_once('(') {
        None => (head, true),
        Some((system, mode)) => {
            let mode = mode.strip_suffix(')')?;
            if mode.contains(['(', ')', ' ']) {
                return None;
            }
            (system, mode == "maint-mode")
        }
    };
    is_system_name(system).then_some(Echo { system, command: typed, operational })
}

/// What a host name may be.
pub(in crate::platform) fn is_system_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// The finer code of the refusal that `text` is, if all of it is one: perhaps a
/// line that points at a word, then a message.
pub(in crate::platform) fn refusal(text: &str) -> Option<&'static str> {
    let mut rest = lines(text).map(str::trim_ascii).filter(|line| !is_blank(line) && *line != "^");
    let message = rest.next()?;
    // A message is short. More than that is an output with an error in it.
    if rest.take(3).count() > 1 {
        return None;
    }
    let marked = message.strip_prefix("% ").or_else(|| message.strip_prefix('%'));
    let known = ["Invalid ", "ERROR: ", "Syntax error", "Incomplete command", "Ambiguous command"];
    if marked.is_none() && !known.iter().any(|words| message.starts_with(words)) {
        return None;
    }
    let lower = marked.unwrap_or(message).to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    Some(if says(&["permission denied", "authorization", "not authorized", "privilege", "access denied"]) {
        "insufficient-rights"
    } else if says(&["does not exist", "interface format", "invalid range", "invalid interface", "not found"])
    {
        "unknown-object"
    } else if says(&[
        "invalid command",
        "invalid input",
        "invalid parameter",
        "incomplete",
        "ambiguous",
        "syntax",
    ]) {
        "unknown-word"
    } else {
        "command-error"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in [
            ("leaf-1# ", "leaf-1"),
            ("leaf-1#", "leaf-1"),
            ("leaf-1>", "leaf-1"),
            ("n9k.example.net# ", "n9k.example.net"),
            ("leaf-1(maint-mode)# ", "leaf-1"),
        ] {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
        for line in [
            "",
            "#",
            "leaf-1(config)# ",
            "leaf-1(config-if-Et1)#",
            "leaf-1# show vlan",
            "  description leaf-1#",
            "snmp-server contact <noc@example.net>",
            "snmp-server contact noc@example.net#",
            "ftp#@1",
            "banner motd #",
            "<html>",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }

    #[test]
    fn echoes() {
        let typed = |line| echo(line).map(|echo| (echo.command, echo.operational));
        assert_eq!(typed("leaf-1#show vlan"), Some(("show vlan", true)));
        assert_eq!(typed("leaf-1# show vlan"), Some(("show vlan", true)));
        assert_eq!(typed("leaf-1(config-if)# show vlan"), Some(("show vlan", false)));
        assert_eq!(typed("ftp#@1"), None);
    }

    #[test]
    fn refusals() {
        let pointed = "                 ^\n% Invalid command at '^' marker.\n";
        assert_eq!(refusal(pointed), Some("unknown-word"));
        assert_eq!(refusal("% Invalid input"), Some("unknown-word"));
        assert_eq!(refusal("% Permission denied for the role"), Some("insufficient-rights"));
        assert_eq!(refusal("% Authorization denied for command 'show vlan'"), Some("insufficient-rights"));
        assert_eq!(refusal("   ^\nInvalid interface format at '^' marker.\n"), Some("unknown-object"));
        assert_eq!(refusal("% Interface does not exist"), Some("unknown-object"));
        for text in ["", "vlan 10", "% Invalid input\na\nb\nc", "Invalid\nx"] {
            assert_eq!(refusal(text), None, "{text}");
        }
    }
}
