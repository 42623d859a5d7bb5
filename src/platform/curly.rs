//! What configurations in curly blocks have in common: Junos, and the MD-CLI
//! of SR OS.
//!
//! A statement is a row of words, and a block puts its statements below its
//! own. So a platform only says what one *word* means at its place, and every
//! form of the same configuration gives the same steps: nested blocks, one
//! line with its whole path, or elements of XML. Everything borrows from the
//! text.

use super::reading::{Class, Tally, lines};

/// What a platform knows about the words of its configuration.
pub(crate) trait Tree<'t> {
    /// Where in the tree we are; numbers in it index the platform's own lists.
    type Place: Copy;

    /// One word further down.
    fn step(&mut self, place: Self::Place, word: &'t str) -> (Self::Place, Class);

    /// Whether every word from here on is of the same class, so that the rest
    /// of a statement need not be looked at.
    fn is_settled(place: Self::Place) -> bool;

    /// A whole statement, without its `{` or `;`.
    fn statement(&mut self, place: Self::Place, words: &'t str) -> (Self::Place, Class) {
        walk(self, place, words)
    }

    /// A line that begins with `#` or `/*`.
    fn remark(&mut self, _line: &'t str) -> Class {
        Class::Ignored
    }
}

/// Takes the words of a statement one by one. Brackets around a list are no
/// words: each of its items stands where the list stands.
pub(crate) fn walk<'t, T: Tree<'t> + ?Sized>(
    tree: &mut T,
    mut place: T::Place,
    words: &'t str,
) -> (T::Place, Class) {
    let mut class = Class::Ignored;
    let mut rest = words;
    while let Some((word, more)) = next_word(rest) {
        (place, class) = tree.step(place, word);
        if T::is_settled(place) {
            break;
        }
        rest = more;
    }
    (place, class)
}

/// The next word and what stands behind it. A quoted string is one word, with
/// its quotes.
pub(crate) fn next_word(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'[' | b']')) {
        at += 1;
    }
    let start = at;
    if bytes.get(at) == Some(&b'"') {
        at += 1;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'\\' => at += 1,
                b'"' => break,
                _ => {}
            }
        }
        let mut at = at.min(bytes.len());
        while !text.is_char_boundary(at) {
            at += 1;
        }
        return Some((&text[start..at], &text[at..]));
    }
    let mut opened = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' => break,
            b'[' => opened = true,
            // The end of a list, unless it is the end of `ge-0/0/[0-3]`.
            b']' if !opened => break,
            _ => {}
        }
        at += 1;
    }
    (at > start).then(|| (&text[start..at], &text[at..]))
}

/// A string as it was typed: without its double quotes.
pub(crate) fn unquoted(word: &str) -> String {
    match word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner.contains('\\') => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        Some(inner) => inner.to_owned(),
        None => word.to_owned(),
    }
}

/// [`unquoted`] for names, which hold no quotes.
pub(crate) fn bare(word: &str) -> &str {
    word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(word)
}

/// How a statement ends that has nothing below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// With `;`, as in Junos.
    Semicolon,
    /// With its line, as in the MD-CLI.
    Line,
}

/// The form of a configuration, beside what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Statements, remarks and closing braces apart.
    pub(crate) statements: usize,
    /// A block is not closed, or one is closed that is not open.
    pub(crate) unbalanced: bool,
    /// A line that no configuration has.
    pub(crate) noise: bool,
    /// A pager was here.
    pub(crate) pager: bool,
    /// Parts that the login may not see.
    pub(crate) denied: usize,
}

/// Deeper than any configuration; what lies below is not followed.
const DEEPEST: usize = 64;

/// Reads `text`, whose first column stands at `base`, and counts its lines.
pub(crate) fn read<'t, T: Tree<'t>>(
    tree: &mut T,
    base: T::Place,
    text: &'t str,
    ends: Ends,
    tally: &mut Tally,
) -> Form {
    let mut form = Form::default();
    let mut open: Vec<(T::Place, Class)> = Vec::with_capacity(16);
    // Blocks below the deepest are only counted.
    let mut too_deep = 0_usize;
    let mut in_remark = false;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        if in_remark {
            in_remark = !words.ends_with("*/");
            tally.line(Class::Ignored, line);
            continue;
        }
        let (place, above) = open.last().copied().unwrap_or((base, Class::Ignored));
        let flush = line.len() == line.trim_ascii_start().len();
        let class = match shape(words, ends) {
            Shape::Remark { whole } => {
                in_remark = !whole;
                tree.remark(words)
            }
            Shape::Outside => Class::Ignored,
            Shape::Pager => {
                form.pager = true;
                Class::Unread
            }
            // A log line between two lines leaves the tree around it as it is.
            Shape::Torn => {
                form.noise = true;
                Class::Unread
            }
            Shape::Leaf(_) if ends == Ends::Line && flush && !open.is_empty() => {
                form.noise = true;
                Class::Unread
            }
            Shape::Leaf(_) if too_deep > 0 => above,
            Shape::Open(_) if open.len() == DEEPEST => {
                too_deep += 1;
                above
            }
            Shape::Close if too_deep > 0 => {
                too_deep -= 1;
                above
            }
            Shape::Leaf(words) => {
                form.statements += 1;
                tree.statement(place, words).1
            }
            Shape::Denied(words) => {
                form.denied += 1;
                tree.statement(place, words).1
            }
            Shape::Open(words) => {
                form.statements += 1;
                let (place, class) = tree.statement(place, words);
                open.push((place, class));
                class
            }
            Shape::Close => {
                let block = open.pop();
                form.unbalanced |= block.is_none();
                block.map_or(Class::Unread, |(_, class)| class)
            }
        };
        tally.line(class, line);
    }
    form.unbalanced |= !open.is_empty() || too_deep > 0;
    form
}

/// The line above a prompt that says where in the configuration one is:
/// `[edit]`, `[/]`, `(gl)[/configure]`.
fn is_context(words: &str) -> bool {
    let words = words.trim_start_matches(['!', '*']);
    let words = words.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(words, |(_, rest)| rest);
    words.starts_with("[edit") || words.starts_with("[/") || words == "[]" || words.contains(":/")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape<'t> {
    Open(&'t str),
    Leaf(&'t str),
    Close,
    Remark {
        whole: bool,
    },
    /// `{master:0}`, `[edit]`: of the session and not of the configuration.
    Outside,
    /// A block whose content is kept from this login.
    Denied(&'t str),
    Pager,
    Torn,
}

fn shape(words: &str, ends: Ends) -> Shape<'_> {
    let bytes = words.as_bytes();
    let (first, last) = (bytes[0], bytes[bytes.len() - 1]);
    match first {
        b'#' => return Shape::Remark { whole: true },
        b'/' if bytes.get(1) == Some(&b'*') => return Shape::Remark { whole: words.ends_with("*/") },
        b'{' if last == b'}' && bytes.len() > 2 => return Shape::Outside,
        b'[' | b'(' | b'!' | b'*' if last == b']' && is_context(words) => return Shape::Outside,
        b'}' if words == "}" || words == "};" => return Shape::Close,
        b'-' if words.starts_with("---(more") => return Shape::Pager,
        b'P' if words.starts_with("Press any key to continue") => return Shape::Pager,
        _ => {}
    }
    match last {
        b'{' => return Shape::Open(words[..words.len() - 1].trim_ascii_end()),
        b';' if ends == Ends::Semicolon && !words.ends_with("};") => {
            return Shape::Leaf(words[..words.len() - 1].trim_ascii_end());
        }
        _ => {}
    }
    if ends == Ends::Line {
        return Shape::Leaf(words);
    }
    if let Some(at) = words.find("{ /* ACCESS-DENIED */ }").or_else(|| words.find("{ ## ACCESS-DENIED")) {
        return Shape::Denied(words[..at].trim_ascii_end());
    }
    // A remark behind the statement: `encrypted-password "…"; ## SECRET-DATA`.
    match words.rfind(" ##").map(|at| words[..at].trim_ascii_end()) {
        Some("}") => Shape::Close,
        Some(words) => match words.as_bytes().last() {
            Some(b'{') => Shape::Open(words[..words.len() - 1].trim_ascii_end()),
            Some(b';') => Shape::Leaf(words[..words.len() - 1].trim_ascii_end()),
            _ => Shape::Torn,
        },
        None => Shape::Torn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Written(Vec<(usize, String)>);

    impl<'t> Tree<'t> for Written {
        type Place = usize;

        fn step(&mut self, place: usize, word: &'t str) -> (usize, Class) {
            self.0.push((place, word.to_owned()));
            (self.0.len(), Class::Read)
        }

        fn is_settled(_: usize) -> bool {
            false
        }
    }

    fn read_as(text: &str, ends: Ends) -> (Vec<(usize, String)>, Form, Tally) {
        let (mut tree, mut tally) = (Written::default(), Tally::default());
        let form = read(&mut tree, 0, text, ends, &mut tally);
        (tree.0, form, tally)
    }

    #[test]
    fn words() {
        let all = |text| {
            let (mut rest, mut words) = (text, Vec::new());
            while let Some((word, more)) = next_word(rest) {
                words.push(word);
                rest = more;
            }
            words
        };
        assert_eq!(all("members [ a b ]"), ["members", "a", "b"]);
        assert_eq!(all("policy [\"a b\" \"c\"]"), ["policy", "\"a b\"", "\"c\""]);
        assert_eq!(all("member ge-0/0/[1-3]"), ["member", "ge-0/0/[1-3]"]);
        assert_eq!(all("x \"a \\\" b\" y"), ["x", "\"a \\\" b\"", "y"]);
        assert_eq!(all("x \"open"), ["x", "\"open"]);
        assert_eq!(all("x \"open\\ü"), ["x", "\"open\\ü"]);
        assert!(all("  ").is_empty());
    }

    #[test]
    fn blocks() {
        let text = "## Last commit\na b {\n    /* one */\n    /* two\n     * lines; */\n    c { ## SECRET-DATA\n        d \"x { y; z\"; ## e\n    }\n    f;\n}\n{master:0}\n";
        let (words, form, tally) = read_as(text, Ends::Semicolon);
        let words: Vec<(usize, &str)> = words.iter().map(|(at, word)| (*at, word.as_str())).collect();
        assert_eq!(words, [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (4, "\"x { y; z\""), (2, "f")]);
        assert_eq!(form, Form { statements: 4, ..Form::default() });
        assert_eq!((tally.counts.read, tally.counts.ignored, tally.counts.unread), (6, 5, 0));
    }

    #[test]
    fn what_is_no_configuration() {
        for (text, wrong) in [
            ("a {\n", Form { statements: 1, unbalanced: true, ..Form::default() }),
            ("}\n", Form { unbalanced: true, ..Form::default() }),
            ("a;\nNov 23 12:00:00 re0 log\n", Form { statements: 1, noise: true, ..Form::default() }),
            ("---(more 12%)---\n", Form { pager: true, ..Form::default() }),
            ("system { /* ACCESS-DENIED */ };\n", Form { denied: 1, ..Form::default() }),
        ] {
            assert_eq!(read_as(text, Ends::Semicolon).1, wrong, "{text}");
        }
        let (_, form, _) = read_as("a {\n    b c\nlog line\n    d {\n    }\n}\n", Ends::Line);
        assert_eq!(form, Form { statements: 3, noise: true, ..Form::default() });
    }

    #[test]
    fn deep_blocks_are_counted_and_not_followed() {
        let deep = format!("{}x;\n{}", "a {\n".repeat(500), "}\n".repeat(500));
        let (words, form, tally) = read_as(&deep, Ends::Semicolon);
        assert!(!form.unbalanced && words.len() <= DEEPEST);
        assert_eq!(tally.counts.read, 1_001);
        assert!(read_as(&deep[..deep.len() - 2], Ends::Semicolon).1.unbalanced);
    }
}
