//! Which output is which: from the command that was typed, abbreviated as
//! people do, or from the shape of the text when a file holds no command.

use crate::platform::{Object, Typed};

use super::{commits, config, detail, is_interface_name, marks, table};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter: filtered output is a part of which nobody knows
/// what is missing.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    let mut pipes = command.split('|').map(str::trim_ascii);
    let words: Vec<&str> = pipes.next()?.split_ascii_whitespace().collect();
    if !pipes.all(|pipe| is(pipe, "no-more", 1) || is(pipe, "flatten", 2)) {
        return None;
    }
    let (show, words) = words.split_first()?;
    if !is(show, "show", 2) {
        return None;
    }
    let whole = |section| Some(Typed { section, object: None });
    let part = |section, object| Some(Typed { section, object: Some(object) });
    match words {
        [word] if is(word, "interfaces", 3) => whole("interfaces"),
        [word, "detail"] if is(word, "interfaces", 3) => whole("interface detail"),
        [word, name] if is(word, "interfaces", 3) && is_interface_name(name) => {
            part("interface detail", Object::Interface(name))
        }
        [word] | [word, "version"] if is(word, "system", 3) => whole("version"),
        [word] if is(word, "rollback", 4) => whole("rollback"),
        [config, rest @ ..] if is(config, "config", 4) => match rest {
            [] => whole("config"),
            [word] if is(word, "interfaces", 3) => whole("config interfaces"),
            [word, name] if is(word, "interfaces", 3) && is_interface_name(name) => {
                part("config interfaces", Object::Interface(name))
            }
            [word, ..] if is(word, "interfaces", 3) => part("config interfaces", Object::Part),
            [word] if is(word, "network-services", 3) => whole("config network-services"),
            [word, "bridge-domain", "instance", name] if is(word, "network-services", 3) => {
                part("config network-services", Object::BridgeDomain(name))
            }
            [word, ..] if is(word, "network-services", 3) => part("config network-services", Object::Part),
            [word] if is(word, "services", 3) => whole("config services"),
            [word, ..] if is(word, "services", 3) => part("config services", Object::Part),
            _ => None,
        },
        _ => None,
    }
}

/// Whether `word` is `full`, or an abbreviation of it with `least` letters or more.
fn is(word: &str, full: &str, least: usize) -> bool {
    word.len() >= least && full.starts_with(word)
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    match line.as_bytes().first()? {
        b'#' => marks::mark(line).filter(|mark| mark.start).map(|_| "config"),
        b'|' if table::is_header(line) => Some("interfaces"),
        b'|' if commits::is_header(line) => Some("rollback"),
        b'L' if line.starts_with("Legend: i - inner vlan") => Some("interfaces"),
        b'I' => detail::opens(line).map(|_| "interface detail"),
        b'S' if line.starts_with("System Name:") => Some("version"),
        b'i' | b'n' | b's' => {
            let (word, rest) = line.trim_ascii_end().split_once(' ').unwrap_or((line.trim_ascii_end(), ""));
            let ours = match word {
                "interfaces" => rest.is_empty() || is_interface_name(rest.split(' ').next().unwrap_or("")),
                "network-services" => rest.is_empty() || rest.contains(" instance "),
                "services" => rest.is_empty() || rest.starts_with("l2-cross-connect "),
                "system" => rest.is_empty() || rest.starts_with("name "),
                _ => false,
            };
            ours.then_some("config")
        }
        _ => None,
    }
}

/// A configuration that holds one of our sections alone is the output of the
/// command for that section.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    if section != "config" {
        return section;
    }
    let mut words = config::top_words(text);
    let Some(first) = words.next() else { return section };
    if words.any(|word| word != first) {
        return section;
    }
    match first {
        "interfaces" => "config interfaces",
        "network-services" => "config network-services",
        "services" => "config services",
        _ => section,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        let section = |command| typed(command).map(|typed| typed.section);
        for (command, expected) in [
            ("show interfaces | no-more", Some("interfaces")),
            ("sh int | n", Some("interfaces")),
            ("show interfaces detail", Some("interface detail")),
            ("show interfaces bundle-100 | no-more", Some("interface detail")),
            ("show config | no-more", Some("config")),
            ("show config | fl | no-more", Some("config")),
            ("show config interfaces ge100-0/0/31.251 | no-more", Some("config interfaces")),
            ("show config network-services vrf | no-more", Some("config network-services")),
            ("show config services l2-cross-connect", Some("config services")),
            ("show rollback | no-more", Some("rollback")),
            ("show system version", Some("version")),
            ("show interfaces | no-more | i vlan", None),
            ("show interfaces description", None),
            ("show config protocols bgp", None),
            ("show rollback 1", None),
            ("configure", None),
            ("", None),
        ] {
            assert_eq!(section(command), expected, "{command}");
        }
        let typed = typed("show config network-services bridge-domain instance g_x_v1 | no-more");
        assert_eq!(typed.and_then(|t| t.object), Some(Object::BridgeDomain("g_x_v1")));
    }
}
