//! The prompts: classic `A:pe1# `, with `*` in front while changes are not
//! saved and with the context behind the name (`A:pe1>config>service# `);
//! MD-CLI `A:admin@pe1# ` below a line with the context (`[/]`, `(gl)[/configure]`).

use crate::platform::Echo;

/// The system name if the whole of `line` is an operational prompt.
pub(super) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    (echo.operational && echo.command.is_empty()).then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed after it.
pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    let rest = line.strip_prefix(['*', '!']).unwrap_or(line);
    let (card, rest) = rest.split_once(':')?;
    if !matches!(card, "A" | "B" | "C" | "D") {
        return None;
    }
    let at = rest.find(['#', '$', ' '])?;
    let (head, rest) = rest.split_at(at);
    let rest = rest.strip_prefix(['#', '$'])?;
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    // A context of the classic CLI: a command below it means something else.
    let (name, context) = head.split_once('>').map_or((head, None), |(name, context)| (name, Some(context)));
    let name = match name.split_once('@') {
        Some((user, name)) if is_system_name(user) => name,
        Some(_) => return None,
        None => name,
    };
    is_system_name(name).then_some(Echo {
        system: name,
        command: rest.trim(),
        operational: context.is_none(),
    })
}

pub(super) fn is_system_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The line above a prompt of the MD-CLI: `[/]`, `(ro)[/]`, `!*(gl)[/configure]`.
pub(super) fn is_context(line: &str) -> bool {
    let line = line.trim_ascii().trim_start_matches(['!', '*']);
    let line = match line.strip_prefix('(') {
        Some(rest) => rest.split_once(')').map_or("", |(_, rest)| rest),
        None => line,
    };
    line.starts_with('[')
        && line.ends_with(']')
        && (line == "[]" || line.starts_with("[/") || line.contains(":/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in
            [("A:pe1# ", "pe1"), ("*A:pe1# ", "pe1"), ("B:pe-1.fra#", "pe-1.fra"), ("A:admin@pe1# ", "pe1")]
        {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
        for line in [
            "",
            "A:pe1",
            "A:pe1>config# ",
            "*A:pe1>config>service# ",
            "A:pe1# show port",
            "E:pe1# ",
            "[/]",
            "# Finished FRI NOV 20 2026 UTC",
            "        description \"A:pe1# \"",
            "A:two words# ",
            "A:pe1#x",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
        assert!(echo("*A:pe1>config# info").is_some_and(|echo| !echo.operational));
        assert_eq!(
            echo("A:admin@pe1# admin show configuration"),
            Some(Echo { system: "pe1", command: "admin show configuration", operational: true })
        );
    }

    #[test]
    fn contexts() {
        for line in ["[/]", "[]", "(ro)[/]", "!*(gl)[/configure]", "[gl:/configure]", "*[ex:/configure]"] {
            assert!(is_context(line), "{line}");
        }
        for line in ["", "[x]", "policy [\"a\"]", "(y/n)?"] {
            assert!(!is_context(line), "{line}");
        }
    }
}
