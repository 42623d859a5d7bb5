//! Which output is which: from the command that was typed, or from the shape
//! of the text when a file holds no command.

use crate::platform::Typed;
use crate::platform::reading::lines;

use super::{marks, table};

/// What the output of `command` is. `None` for a command that is not ours, and
/// for one behind a filter.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    // `//` runs a command of the other CLI.
    let command = command.trim_ascii().trim_start_matches('/').trim_ascii_start();
    let mut pipes = command.split('|').map(str::trim_ascii);
    let words: Vec<&str> = pipes.next()?.split_ascii_whitespace().collect();
    if !pipes.all(|pipe| matches!(pipe, "no-more")) {
        return None;
    }
    let section = match words[..] {
        ["admin", word] if is(word, "display-config", 4) => "config classic",
        ["admin", "show", word] if is(word, "configuration", 4) => "config",
        ["admin", "show", word, "flat" | "bof"] if is(word, "configuration", 4) && words[3] == "flat" => {
            "config"
        }
        ["show", "system", word] if is(word, "information", 4) => "system",
        ["show", "port"] => "ports",
        ["show", "port", word] if is(word, "description", 4) => "port descriptions",
        ["show", "lag"] => "lags",
        ["show", "lag", "port"] => "lag ports",
        ["show", "service", word] if is(word, "sap-using", 4) => "saps",
        ["show", "service", word] if is(word, "service-using", 9) => "services",
        ["show", "service", word] if is(word, "service-name-using", 9) => "service names",
        ["show", "service", "id", _, "sap"] => "saps",
        ["show", "service", "id", _, word] | ["show", "router", word] | ["show", "router", _, word]
            if is(word, "interface", 3) =>
        {
            "routed"
        }
        _ => return None,
    };
    Some(Typed { section, object: None })
}

/// Whether `word` is `full`, or an abbreviation of it with `least` letters or more.
fn is(word: &str, full: &str, least: usize) -> bool {
    word.len() >= least && full.starts_with(word)
}

/// The section that `line` opens, by its shape.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let words = line.trim_ascii_end();
    if line.starts_with("# TiMOS-") {
        return Some("config");
    }
    if marks::is_start(line)
        || matches!(words, "configure {" | "configure")
        || words.starts_with("/configure ")
    {
        return Some("config");
    }
    if words == "exit all" {
        // First in a classic configuration, and its last line too.
        return Some("config");
    }
    if words == "System Information" {
        return Some("system");
    }
    table::title(line).filter(|_| !line.starts_with([' ', '\t'])).map(table::Kind::section)
}

/// A configuration whose blocks are closed by `exit` is classic.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    if section == "config" && is_classic(text) { "config classic" } else { section }
}

/// Whether a text has the classic form: `configure` alone, or `exit all`.
pub(super) fn is_classic(text: &str) -> bool {
    lines(text)
        .map(str::trim_ascii_end)
        .find_map(|line| match line {
            "configure" | "exit all" => Some(true),
            "configure {" => Some(false),
            _ if line.starts_with("/configure ") => Some(false),
            _ => None,
        })
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        for (command, expected) in [
            ("admin display-config", Some("config classic")),
            ("//admin display-config", Some("config classic")),
            ("admin show configuration | no-more", Some("config")),
            ("admin show configuration flat", Some("config")),
            ("show port", Some("ports")),
            ("show port 1/1/1", None),
            ("show port description", Some("port descriptions")),
            ("show lag", Some("lags")),
            ("show service sap-using", Some("saps")),
            ("show service service-using", Some("services")),
            ("show service id 100 sap", Some("saps")),
            ("show router interface", Some("routed")),
            ("show router 400 interface", Some("routed")),
            ("show system information", Some("system")),
            ("admin save", None),
            ("show service sap-using | match 100", None),
            ("", None),
        ] {
            assert_eq!(typed(command).map(|typed| typed.section), expected, "{command}");
        }
    }

    #[test]
    fn shapes() {
        for (line, expected) in [
            ("# TiMOS-B-16.0.R6 both/x86_64 Nokia 7750 SR", Some("config")),
            ("configure {", Some("config")),
            ("exit all", Some("config")),
            ("Ports on Slot 1", Some("ports")),
            ("Port Descriptions on Satellite esat-3", Some("port descriptions")),
            ("Services ", Some("services")),
            ("    service", None),
            ("configure terminal", None),
            ("", None),
        ] {
            assert_eq!(opens(line), expected, "{line}");
        }
    }
}
