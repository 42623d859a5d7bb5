//! XML that holds a configuration: the way from a text with masked secrets to
//! its elements, and from the class of each element back to the lines it stands
//! on. What the elements mean is each platform's own business.

use std::borrow::Cow;

use roxmltree::{Document, Node};

use super::reading::{Class, Tally, lines};

/// Whether a text is of this form.
pub(super) fn is_xml(text: &str) -> bool {
    text.trim_ascii_start().starts_with('<')
}

/// The document in `text`: a masked secret is written as text of its element.
pub(super) fn source(text: &str) -> Cow<'_, str> {
    if !text.contains("<hidden:") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 256);
    let mut rest = text;
    while let Some(at) = rest.find("<hidden:") {
        out.push_str(&rest[..at]);
        let tag = &rest[at + 1..];
        out.push_str("&lt;");
        rest = tag;
        if let Some(end) = tag.find('>') {
            out.push_str(&tag[..end]);
            out.push_str("&gt;");
            rest = &tag[end + 1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Parses from the first `<` to the last `>`. What stands around it (an end
/// mark, a prompt) is no XML. `None`: not well-formed, so perhaps cut.
pub(super) fn parse(source: &str) -> Option<Document<'_>> {
    let start = source.find('<')?;
    // The end mark of the older framing is no XML.
    let end = source.trim_ascii_end().trim_end_matches("]]>]]>").rfind('>')? + 1;
    // Elements are followed one inside the other: a text made to be deep is
    // refused before that.
    let mut depth = 0_i64;
    for at in memchr::memchr_iter(b'<', source.get(start..end)?.as_bytes()) {
        depth += if source.as_bytes().get(start + at + 1) == Some(&b'/') { -1 } else { 1 };
        if depth > 1_000_000 {
            return None;
        }
    }
    Document::parse(source.get(start..end)?).ok()
}

/// The words of an element, without the blanks around them. `None` where it has none.
pub(super) fn text_of<'t>(node: Node<'t, '_>) -> Option<&'t str> {
    node.text().map(str::trim_ascii).filter(|text| !text.is_empty())
}

/// The class of each element, by its number in the document.
pub(super) struct Marks(Vec<Option<Class>>);

impl Marks {
    pub(super) fn of(document: &Document<'_>) -> Self {
        Self(vec![None; document.descendants().count()])
    }

    pub(super) fn set(&mut self, node: Node<'_, '_>, class: Class) {
        if let Some(known) = self.0.get_mut(node.id().get_usize()) {
            *known = Some(class);
        }
    }

    /// Counts the lines of `text`, of which `document` is a part: in it, lines
    /// are numbered from its first `<` on.
    pub(super) fn count(&self, document: &Document<'_>, text: &str, tally: &mut Tally) {
        let before = text.find('<').unwrap_or(0);
        let above = memchr::memchr_iter(b'\n', &text.as_bytes()[..before]).count();
        let classes = self.lines(document);
        for (number, line) in lines(text).enumerate() {
            let class = number.checked_sub(above).and_then(|number| classes.get(number));
            tally.any(class.copied().unwrap_or(Class::Ignored), line);
        }
    }

    /// The class of each line: of the elements that begin or end on it, the one
    /// that matters most. An element without a class has that of the one around it.
    fn lines(&self, document: &Document<'_>) -> Vec<Class> {
        let text = document.input_text();
        let bytes = text.as_bytes();
        let mut classes = vec![Class::Ignored; memchr::memchr_iter(b'\n', bytes).count() + 1];
        let mut nodes = document.descendants().filter(Node::is_element);
        let mut open: Vec<Class> = Vec::with_capacity(16);
        let (mut at, mut line) = (0, 0);
        while let Some(next) = memchr::memchr(b'<', &bytes[at..]).map(|next| at + next) {
            line += memchr::memchr_iter(b'\n', &bytes[at..next]).count();
            let end = tag_end(bytes, next);
            let class = match bytes.get(next + 1) {
                Some(b'!' | b'?') => Class::Ignored,
                Some(b'/') => open.pop().unwrap_or(Class::Ignored),
                _ => {
                    let above = open.last().copied().unwrap_or(Class::Ignored);
                    let class = nodes
                        .next()
                        .and_then(|node| self.0.get(node.id().get_usize()).copied().flatten())
                        .unwrap_or(above);
                    if bytes.get(end.saturating_sub(2)) != Some(&b'/') {
                        open.push(class);
                    }
                    class
                }
            };
            classes[line] = match (classes[line], class) {
                (Class::Unread, _) | (_, Class::Unread) => Class::Unread,
                (Class::Read, _) | (_, Class::Read) => Class::Read,
                _ => Class::Ignored,
            };
            line += memchr::memchr_iter(b'\n', &bytes[next..end]).count();
            at = end;
        }
        classes
    }
}

/// Where the tag, remark or raw text ends that begins at `start`.
fn tag_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let behind =
        |mark: &[u8]| memchr::memmem::find(rest, mark).map_or(bytes.len(), |at| start + at + mark.len());
    if rest.starts_with(b"<!--") {
        return behind(b"-->");
    }
    if rest.starts_with(b"<![CDATA[") {
        return behind(b"]]>");
    }
    let mut quote = None;
    for (at, byte) in rest.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            (None, b'>') => return start + at + 1,
            _ => {}
        }
    }
    bytes.len()
}
