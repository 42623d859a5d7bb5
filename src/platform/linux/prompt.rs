//! The prompt of a shell: `user@host:~$ `, `[root@host ~]# `, and on Cumulus
//! with the VRF in between, `user@host:mgmt:~$ `.

use crate::platform::Echo;

pub(in crate::platform) fn prompt(line: &str) -> Option<&str> {
    let echo = echo(line)?;
    echo.command.is_empty().then_some(echo.system)
}

/// A prompt at the head of `line`, and what was typed after it.
pub(in crate::platform) fn echo(line: &str) -> Option<Echo<'_>> {
    let (bracket, rest) = match line.strip_prefix('[') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (user, rest) = rest.split_once('@')?;
    if !is_word(user) {
        return None;
    }
    let end = rest.bytes().position(|b| !is_of_word(b))?;
    let (system, rest) = rest.split_at(end);
    if !is_word(system) {
        return None;
    }
    let sign = memchr::memchr2(b'#', b'$', rest.as_bytes())?;
    let (place, typed) = (&rest[..sign], &rest[sign + 1..]);
    let fits = if bracket {
        place.starts_with(' ') && place.ends_with(']')
    } else {
        (place.starts_with([':', '~', '/']) || place.is_empty()) && !place.contains(' ')
    };
    let whole = fits && (typed.is_empty() || typed.starts_with(' '));
    whole.then_some(Echo { system, command: typed.trim(), operational: true })
}

fn is_of_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_-.".contains(&b)
}

fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(is_of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        for (line, system) in [
            ("root@spine1:~# ", "spine1"),
            ("cumulus@leaf1:mgmt:~$ ", "leaf1"),
            ("name@host~$", "host"),
            ("[root@host-7 ~]# ", "host-7"),
            ("me@host.example.net:/var/log$ ", "host.example.net"),
        ] {
            assert_eq!(prompt(line), Some(system), "{line}");
        }
        for line in [
            "",
            "mail me@example.net",
            "me@host:~$ ls",
            "2: eth0.7@eth0: <UP> mtu 1500",
            "description me@host # 3",
            "user@sw1> ",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
        assert_eq!(
            echo("me@host:~$ ip -j -d link show").map(|echo| echo.command),
            Some("ip -j -d link show")
        );
    }
}
