//! The prompt: `user@host> `, `user@host# ` in configuration mode. A line such
//! as `{master:0}` or `[edit]` may stand above it. In the context of a logical
//! system or a tenant it is `user@host:name> `, which is not the device.

use crate::platform::Echo;

/// The system name if the whole of `line` is an operational prompt.
pub(super) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed after it.
pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    let at = line.bytes().position(|b| !is_of_name(b) && b != b'@' && b != b':')?;
    let (user, host) = line[..at].split_once('@')?;
    // `None` for a character of several bytes, which no prompt has.
    let rest = line.get(at + 1..)?;
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (host, context) = match host.split_once(':') {
        Some((host, context)) => (host, Some(context)),
        None => (host, None),
    };
    let operational = match line.as_bytes()[at] {
        b'>' => context.is_none(),
        // `%`: the shell that root gets.
        b'#' | b'%' => false,
        _ => return None,
    };
    let fits = |name: &str| !name.is_empty() && name.len() <= 128 && name.bytes().all(is_of_name);
    (fits(user) && is_system_name(host) && context.is_none_or(fits)).then_some(Echo {
        system: host,
        command: rest.trim(),
        operational,
    })
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

pub(super) fn is_system_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in [
            ("admin@mx-1> ", "mx-1"),
            ("admin@mx-1>", "mx-1"),
            ("root@junos_vmx1> ", "junos_vmx1"),
            ("oxidized.ro@core1.fra-re0> ", "core1.fra-re0"),
        ] {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
        for line in [
            "",
            "> ",
            "mx-1> ",
            "admin@mx-1# ",
            "admin@mx-1:blue> ",
            "root@mx-1:~ # ",
            "root@mx-1% ",
            "admin@mx-1> show version",
            "admin@mx-1>>",
            "    admin@mx-1> ",
            "    description \"admin@mx-1> \";",
            "{master:0}",
            "[edit]",
            "a@bȺ c",
            "@Ⱥ",
            "mail admin@example.net> ",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }

    #[test]
    fn echoes() {
        let known = echo("admin@mx-1> show configuration | no-more");
        assert_eq!(
            known,
            Some(Echo { system: "mx-1", command: "show configuration | no-more", operational: true })
        );
        for line in ["admin@mx-1# run show interfaces terse", "admin@mx-1:blue> show", "root@mx-1% cli"] {
            assert!(echo(line).is_some_and(|echo| !echo.operational), "{line}");
        }
    }
}
