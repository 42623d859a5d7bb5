//! Which output a text is: from the command that was typed, or from its shape.

use crate::platform::Typed;

use super::rows;

/// What the output of `command` is. Only whole tables: a list of records or of
/// columns is a part of which nobody knows the rest.
pub(super) fn typed(command: &str) -> Option<Typed<'_>> {
    if command.contains(['|', '>', ';', '&']) {
        return None;
    }
    let mut words: Vec<&str> = command.split_ascii_whitespace().collect();
    if words.first() == Some(&"sudo") {
        words.remove(0);
    }
    let program = words.first()?.rsplit('/').next()?;
    let bare = program == "json" || program.starts_with("--format=json");
    if program != "ovs-vsctl" && !bare {
        return None;
    }
    let json = bare
        || words.iter().any(|word| *word == "--format=json" || *word == "-fjson")
        || words.windows(2).any(|pair| pair == ["-f", "json"] || pair == ["--format", "json"]);
    let at = words.iter().position(|word| *word == "list").filter(|_| json)?;
    let [table] = words[at + 1..] else { return None };
    let section = match table.to_ascii_lowercase().as_str() {
        "bridge" => "bridges",
        "port" => "ports",
        "interface" => "interfaces",
        "open_vswitch" | "open" => "system",
        _ => return None,
    };
    Some(Typed { section, object: None })
}

/// The section that `line` opens: a table is one line.
pub(super) fn opens(line: &str) -> Option<&'static str> {
    let line = line.trim_ascii();
    let is_table = line.starts_with("{\"data\":[") || line.starts_with("{\"headings\":[");
    is_table.then(|| refine("table", line))
}

/// Which table it is, by its columns.
pub(super) fn refine(section: &'static str, text: &str) -> &'static str {
    let Some(headings) = rows::headings(text).filter(|_| section == "table") else { return section };
    let has = |name: &str| headings.iter().any(|heading| heading == name);
    if has("ovs_version") {
        "system"
    } else if has("ports") {
        "bridges"
    } else if has("trunks") {
        "ports"
    } else if has("admin_state") && has("ofport") {
        "interfaces"
    } else {
        section
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_as_people_type_them() {
        for (command, section) in [
            ("ovs-vsctl --format=json list Port", Some("ports")),
            ("sudo ovs-vsctl -f json list bridge", Some("bridges")),
            ("--format=json list Interface", Some("interfaces")),
            ("json list Open_vSwitch", Some("system")),
            ("ovs-vsctl list Port", None),
            ("ovs-vsctl --format=json list Port ge1", None),
            ("ovs-vsctl show", None),
            ("ovs-vsctl --format=json list Port | head", None),
            ("", None),
        ] {
            assert_eq!(typed(command).map(|t| t.section), section, "{command}");
        }
    }
}
