//! Which output is which: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::reading::lines;
use crate::platform::{Object, Typed};

use super::{marks, set, table, tree, values};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter: filtered output is a part of which nobody knows
/// what is missing.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    let mut pipes = command.split('|').map(str::trim_ascii);
    let mut words = pipes.next()?.split_ascii_whitespace();
    if !pipes.all(is_whole) || !is(words.next()?, "show", 2) {
        return None;
    }
    let whole = |section| Some(Typed { section, object: None });
    let part = |section, object| Some(Typed { section, object: Some(object) });
    let what = words.next()?;
    let mut rest = words.clone();
    if is(what, "configuration", 4) {
        return match (rest.next(), rest.next()) {
            (None, _) => whole("config"),
            (Some(word), None) if is(word, "interfaces", 3) => whole("config interfaces"),
            _ => part("config part", Object::Part),
        };
    }
    if is(what, "interfaces", 3) {
        return match (rest.next(), rest.next(), rest.next()) {
            (None, ..) => whole("interfaces"),
            (Some(form), None, _) if is_long(form) => whole("interfaces"),
            (Some(form), None, _) if is(form, "terse", 3) => whole("interfaces terse"),
            (Some(form), None, _) if is(form, "descriptions", 3) => whole("interfaces descriptions"),
            (Some(form), Some(name), None) | (Some(name), Some(form), None)
                if is(form, "terse", 3) && table::is_interface(name) =>
            {
                part("interfaces terse", Object::Interface(name))
            }
            (Some(form), Some(name), None) | (Some(name), Some(form), None)
                if is_long(form) && table::is_interface(name) =>
            {
                part("interfaces", Object::Interface(name))
            }
            (Some(name), None, _) if table::is_interface(name) => part("interfaces", Object::Interface(name)),
            _ => None,
        };
    }
    match (what, rest.next(), rest.next()) {
        ("vlans", None, _) | ("vlans", Some("brief"), None) => whole("vlans"),
        (word, None, _) if is(word, "version", 3) => whole("version"),
        (word, Some(commit), None) if is(word, "system", 3) && is(commit, "commit", 3) => whole("commits"),
        _ => None,
    }
}

/// The path below which the text of a `show configuration PATH` stands.
pub(super) fn path_of(command: &str) -> impl Iterator<Item = &str> {
    let line = command.split('|').next().unwrap_or("");
    let mut words = line.split_ascii_whitespace();
    let ours = words.next().is_some_and(|word| is(word, "show", 2))
        && words.next().is_some_and(|word| is(word, "configuration", 4));
    words.filter(move |_| ours)
}

/// Whether the groups are expanded in the output of `command`.
pub(super) fn is_expanded(command: &str) -> bool {
    command.split('|').skip(1).any(|pipe| pipe.trim_ascii().starts_with("display inheritance"))
}

/// Whether a pipe leaves the output whole.
fn is_whole(pipe: &str) -> bool {
    let mut words = pipe.split_ascii_whitespace();
    match words.next() {
        Some(word) if is(word, "no-more", 1) => true,
        Some(word) if is(word, "display", 1) => words.all(|word| {
            ["set", "omit", "xml", "inheritance", "no-comments", "detail"]
                .iter()
                .any(|full| is(word, full, 2))
        }),
        _ => false,
    }
}

fn is_long(word: &str) -> bool {
    is(word, "detail", 3) || is(word, "extensive", 3)
}

/// Whether `word` is `full`, or an abbreviation of it with `least` letters or more.
fn is(word: &str, full: &str, least: usize) -> bool {
    word.len() >= least && full.starts_with(word)
}

/// Hierarchies of a configuration that begin one.
fn is_top(word: &str) -> bool {
    matches!(
        word,
        "access"
            | "access-profile"
            | "applications"
            | "bridge-domains"
            | "chassis"
            | "class-of-service"
            | "dynamic-profiles"
            | "ethernet-switching-options"
            | "event-options"
            | "fabric"
            | "firewall"
            | "forwarding-options"
            | "groups"
            | "interfaces"
            | "logical-systems"
            | "multi-chassis"
            | "multicast-snooping-options"
            | "poe"
            | "policy-options"
            | "protocols"
            | "routing-instances"
            | "routing-options"
            | "security"
            | "services"
            | "snmp"
            | "switch-options"
            | "system"
            | "tenants"
            | "virtual-chassis"
            | "vlans"
    )
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let trimmed = line.trim_ascii();
    match line.as_bytes().first()? {
        b'#' if marks::last_commit(line).is_some() => return Some("config"),
        b'#' if trimmed.eq_ignore_ascii_case("#RANCID-CONTENT-TYPE: juniper")
            || trimmed.eq_ignore_ascii_case("#RANCID-CONTENT-TYPE: junos")
            || trimmed.starts_with("# Junos: ")
            || is_model(trimmed) =>
        {
            return Some("config");
        }
        b'<' if line.contains("configuration") || line.contains("rpc-reply") => return Some("config"),
        b's' | b'd' if set::is_line(line) => {
            // `set system host-name a`, and not `set snmp name a` of another system.
            let word = line.split(' ').nth(1)?;
            let more = line.split(' ').nth(2).is_some_and(|word| !word.is_empty());
            return (more && (is_top(word) || word == "apply-groups" || word == "version"))
                .then_some("config");
        }
        b'v' if trimmed.starts_with("version ") && trimmed.ends_with(';') => return Some("config"),
        b'a' if trimmed.starts_with("apply-groups ") && trimmed.ends_with(';') => return Some("config"),
        b'H' if trimmed.starts_with("Hostname: ") => return Some("version"),
        b'0' if marks::commit(line).is_some() => return Some("commits"),
        _ => {}
    }
    if line.starts_with([' ', '\t'])
        && !table::is_terse(trimmed)
        && !table::is_descriptions(trimmed)
        && table::head(trimmed).is_none()
    {
        return None;
    }
    if let Some(block) = line.strip_suffix('{') {
        let word = block.trim_ascii_end();
        let word = word.split_once(": ").map_or(word, |(_, word)| word);
        if is_top(word) {
            return Some("config");
        }
        if block.ends_with(' ') && word.bytes().any(|b| b.is_ascii_digit()) && is_hardware(word) {
            return Some("config interfaces");
        }
        return None;
    }
    if table::is_terse(trimmed) {
        Some("interfaces terse")
    } else if table::is_descriptions(trimmed) {
        Some("interfaces descriptions")
    } else if table::is_vlans(trimmed) {
        Some("vlans")
    } else if table::head(trimmed).is_some() {
        Some("interfaces")
    } else {
        None
    }
}

/// `# Model: mx204`, as Oxidized puts it in front.
fn is_model(line: &str) -> bool {
    line.strip_prefix("# Model: ").is_some_and(|model| {
        let model = model.trim_start_matches('v');
        ["acx", "ex", "mx", "nfx", "ptx", "qfx", "srx"].iter().any(|family| {
            model.strip_prefix(family).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    })
}

fn is_hardware(word: &str) -> bool {
    values::is_port(word)
        && (word == "irb"
            || ["ge-", "xe-", "et-", "mge-", "fe-", "ae", "lo0", "fxp", "em", "me0", "reth", "lt-", "gr-"]
                .iter()
                .any(|family| word.starts_with(family)))
}

/// A configuration that begins with a port holds `interfaces` alone.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    if section != "config interfaces" {
        return section;
    }
    // A whole configuration may have lines of ports in the first column by mistake.
    let whole = lines(text).any(|line| {
        line.strip_suffix('{')
            .is_some_and(|word| tree::is_keyword(word.trim_ascii_end()) && is_top(word.trim_ascii_end()))
    });
    if whole { "config" } else { section }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        let section = |command| typed(command).map(|typed| typed.section);
        for (command, expected) in [
            ("show configuration", Some("config")),
            ("show conf | display set | no-more", Some("config")),
            ("show configuration | display inheritance no-comments", Some("config")),
            ("show configuration interfaces | no-more", Some("config interfaces")),
            ("show configuration interfaces ge-0/0/1", Some("config part")),
            ("show configuration | match ge-", None),
            ("show interfaces", Some("interfaces")),
            ("show int terse", Some("interfaces terse")),
            ("show interfaces terse ge-0/0/1.100", Some("interfaces terse")),
            ("show interfaces ge-0/0/1 terse", Some("interfaces terse")),
            ("show interfaces ge-0/0/1.100", Some("interfaces")),
            ("show interfaces descriptions", Some("interfaces descriptions")),
            ("show interfaces diagnostics optics", None),
            ("show vlans", Some("vlans")),
            ("show version", Some("version")),
            ("show system commit", Some("commits")),
            ("show system uptime", None),
            ("configure", None),
            ("", None),
        ] {
            assert_eq!(section(command), expected, "{command}");
        }
        let terse = typed("show interfaces terse ge-0/0/1.100").and_then(|typed| typed.object);
        assert_eq!(terse, Some(Object::Interface("ge-0/0/1.100")));
        let path: Vec<&str> = path_of("show configuration interfaces ge-0/0/1 | display set").collect();
        assert_eq!(path, ["interfaces", "ge-0/0/1"]);
        assert!(is_expanded("show configuration | display inheritance no-comments | no-more"));
    }

    #[test]
    fn shapes() {
        for (line, expected) in [
            ("## Last commit: 2024-12-06 11:41:05 UTC by root", Some("config")),
            ("version 22.4R3-S2.11;", Some("config")),
            ("interfaces {", Some("config")),
            ("inactive: vlans {", Some("config")),
            ("set interfaces ge-0/0/0 unit 0", Some("config")),
            ("set system host-name a", Some("config")),
            ("set hostname a", None),
            ("ge-0/0/0 {", Some("config interfaces")),
            ("Physical interface: ge-0/0/0, Enabled, Physical link is Up", Some("interfaces")),
            (
                "Interface               Admin Link Proto    Local                 Remote",
                Some("interfaces terse"),
            ),
            ("    ge-0/0/0 {", None),
            ("    interfaces {", None),
            ("    inactive: ge-0/0/3 {", None),
            ("interface GigabitEthernet0/1", None),
            ("interfaces", None),
            ("configure {", None),
            ("", None),
        ] {
            assert_eq!(opens(line), expected, "{line}");
        }
    }
}
