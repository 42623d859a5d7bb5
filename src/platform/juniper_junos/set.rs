//! The flat form, `display set`: one statement a line with its whole path, and
//! a `deactivate` line for each part that is there and off.

use crate::platform::curly::{Form, Tree, next_word};
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
    let mut trail = Trail::default();
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = match words.split_once(' ') {
            Some(("set", path)) => {
                form.statements += 1;
                if off.holds(path, &mut key) { Class::Ignored } else { trail.take(builder, path) }
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

/// The way down to the line before. Lines next to each other share most of
/// their path, and it need not be gone twice.
#[derive(Default)]
struct Trail<'t> {
    path: &'t str,
    /// Where a word of it ends, and where it leads.
    steps: Vec<(usize, Place, Class)>,
}

impl<'t> Trail<'t> {
    fn take(&mut self, builder: &mut Builder<'t>, path: &'t str) -> Class {
        let shared = self.path.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
        // A word is shared if it ends in both.
        let ends = |end: usize| end <= shared && path.as_bytes().get(end).is_none_or(|b| *b == b' ');
        while self.steps.pop_if(|(end, ..)| !ends(*end)).is_some() {}
        self.path = path;
        let (start, mut place, mut class) =
            self.steps.last().copied().unwrap_or((0, Place::Top, Class::Ignored));
        let mut rest = &path[start..];
        while !Builder::is_settled(place)
            && let Some((word, more)) = next_word(rest)
        {
            (place, class) = builder.step(place, word);
            self.steps.push((path.len() - more.len(), place, class));
            rest = more;
        }
        class
    }
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

    /// What the way of the line before saves changes nothing.
    #[test]
    fn a_shared_path_says_the_same() {
        let path = "interfaces ge-0/0/1 unit 1 family ethernet-switching vlan members";
        let text = format!(
            "set {path} a\nset {path} ab\nset {path} a\nset {path}\nset interfaces ge-0/0/1 unit 10 vlan-id 5\nset interfaces ge-0/0/1 unit 1 disable\nset interfaces ge-0/0/1\n"
        );
        let mut builder = Builder::default();
        let mut tally = Tally::default();
        read(&mut builder, &text, &mut tally);
        let [first, second] = &builder.config.units[..] else { panic!("{:?}", builder.config.units) };
        assert_eq!(first.switch.as_ref().map(|switch| &switch.members[..]), Some(&["a", "ab", "a"][..]));
        assert!(first.disable && second.tags.single == ["5"] && builder.config.ports.len() == 1);
        assert_eq!((tally.counts.read, tally.counts.unread), (7, 0));
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
