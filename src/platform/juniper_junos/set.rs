//! The flat form, `display set`: one statement a line with its whole path, and
//! a `deactivate` line for each part that is there and off.

use crate::platform::curly::{Form, Tree, walk};
use crate::platform::reading::{Class, Tally, lines};

use super::marks;
use super::tree::{Builder, Place};

/// Whether a line is of this form.
pub(super) fn is_line(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or("");
    matches!(word, "set" | "deactivate" | "activate" | "protect" | "unprotect" | "delete" | "annotate")
        && line.len() > word.len()
}

/// Whether a text is of this form: its first line that is no remark is.
pub(super) fn is_set(text: &str) -> bool {
    lines(text)
        .map(str::trim_ascii)
        .find(|line| !(line.is_empty() || line.starts_with('#') || marks::is_engine(line)))
        .is_some_and(is_line)
}

/// Reads a text of this form and counts its lines.
pub(super) fn read<'t>(builder: &mut Builder<'t>, text: &'t str, tally: &mut Tally) -> Form {
    let mut form = Form::default();
    let off = Off::of(text);
    let mut key = String::new();
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = match words.split_once(' ') {
            Some(("set", path)) => {
                form.statements += 1;
                if off.holds(path, &mut key) { Class::Ignored } else { walk(builder, Place::Top, path).1 }
            }
            Some(("deactivate" | "activate" | "protect" | "unprotect" | "annotate", _)) => {
                form.statements += 1;
                Class::Ignored
            }
            // Changes a configuration, so this is none.
            Some(("delete", _)) => {
                builder.config.patch = true;
                Class::Ignored
            }
            _ if words.starts_with('#') => builder.remark(words),
            _ if marks::is_engine(words) || words.starts_with("[edit") => Class::Ignored,
            _ => {
                form.pager |= words.starts_with("---(more");
                form.noise = true;
                Class::Unread
            }
        };
        tally.line(class, line);
    }
    form
}

/// The paths that are off, sorted, none below another; each ends in a blank,
/// so that `ge-0/0/1` is not above `ge-0/0/10`.
struct Off(Vec<String>);

impl Off {
    fn of(text: &str) -> Self {
        let mut paths: Vec<String> = Vec::new();
        if memchr::memmem::find(text.as_bytes(), b"deactivate ").is_some() {
            let found = lines(text).filter_map(|line| line.trim_ascii().strip_prefix("deactivate "));
            paths.extend(found.map(|path| format!("{} ", path.trim_ascii())));
            paths.sort_unstable();
            paths.dedup_by(|below, above| below.starts_with(above.as_str()));
        }
        Self(paths)
    }

    fn holds(&self, path: &str, key: &mut String) -> bool {
        if self.0.is_empty() {
            return false;
        }
        key.clear();
        key.push_str(path);
        key.push(' ');
        // All texts between a path and what is below it begin with that path.
        let at = self.0.partition_point(|off| off.as_str() <= key.as_str());
        at > 0 && key.starts_with(self.0[at - 1].as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_off() {
        let off = Off::of(
            "set a\ndeactivate interfaces ge-0/0/1\ndeactivate interfaces ge-0/0/1 unit 0\ndeactivate vlans b\n",
        );
        let mut key = String::new();
        for (path, expected) in [
            ("interfaces ge-0/0/1", true),
            ("interfaces ge-0/0/1 unit 5 vlan-id 5", true),
            ("interfaces ge-0/0/10", false),
            ("interfaces ge-0/0/0", false),
            ("interfaces", false),
            ("vlans b", true),
            ("vlans c", false),
            ("a", false),
        ] {
            assert_eq!(off.holds(path, &mut key), expected, "{path}");
        }
    }

    #[test]
    fn the_form_is_known_by_its_first_line() {
        assert!(is_set("#RANCID-CONTENT-TYPE: juniper\n#\n\nset system host-name a\n"));
        assert!(is_set("set version 22.4R3\n"));
        for text in ["", "system {\n", "settle down\n", "set\n", "version 1;\nset a b\n"] {
            assert!(!is_set(text), "{text}");
        }
    }
}
