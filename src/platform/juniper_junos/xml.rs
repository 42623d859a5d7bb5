//! The XML form of a configuration: a NETCONF reply, or `display xml`. Each
//! element is the word that blocks have, with two exceptions: entries of a list
//! repeat a tag that blocks leave out, and their key is a child called `name`.

use std::borrow::Cow;

use roxmltree::{Document, Node};

use crate::model::snapshot::CommitMark;
use crate::platform::curly::Tree;
use crate::platform::reading::{Class, Tally, lines};

use super::tree::{Builder, Place};

/// Deeper than any configuration; what lies below is not followed.
const DEEPEST: usize = 64;

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

/// What a reply says beside its configuration.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// It holds a configuration.
    pub(super) configuration: bool,
    /// It is whole: its root is a reply or a configuration.
    pub(super) whole: bool,
    /// An error of the server's, instead.
    pub(super) denied: bool,
    pub(super) error: bool,
    pub(super) commit: Option<CommitMark>,
}

/// Takes the statements of `document`, and counts the lines of `text`, of which
/// it is a part.
pub(super) fn read<'t>(
    builder: &mut Builder<'t>,
    document: &'t Document<'_>,
    text: &str,
    tally: &mut Tally,
) -> Reply {
    let mut reply = Reply::default();
    // In the document, lines are numbered from its first `<` on.
    let before = text.find('<').unwrap_or(0);
    let above = memchr::memchr_iter(b'\n', &text.as_bytes()[..before]).count();
    let mut marks = Marks::of(document);
    let root = document.root_element();
    reply.whole = matches!(root.tag_name().name(), "rpc-reply" | "configuration" | "data");
    for node in root.descendants().filter(Node::is_element) {
        match node.tag_name().name() {
            "rpc-error" => reply.error = true,
            "error-tag" => reply.denied |= node.text().is_some_and(|tag| tag.trim() == "access-denied"),
            _ => {}
        }
    }
    if let Some(configuration) = root.descendants().find(|node| node.has_tag_name_of("configuration")) {
        reply.configuration = true;
        reply.commit = commit_of(configuration);
        marks.set(configuration, Class::Ignored);
        for child in configuration.children().filter(Node::is_element) {
            element(builder, child, Place::Top, 0, &mut marks);
        }
    }
    let classes = marks.lines(document);
    for (number, line) in lines(text).enumerate() {
        let class = number.checked_sub(above).and_then(|number| classes.get(number));
        tally.any(class.copied().unwrap_or(Class::Ignored), line);
    }
    reply
}

trait Named {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    /// In whatever namespace: systems of different age name different ones.
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn commit_of(configuration: Node<'_, '_>) -> Option<CommitMark> {
    let value =
        |name: &str| configuration.attributes().find(|a| a.name() == name).map(|a| a.value().to_owned());
    let at = value("commit-localtime").or_else(|| value("changed-localtime"))?;
    let user = value("commit-user").or_else(|| value("changed-user")).unwrap_or_default();
    Some(CommitMark { at, user, via: String::new() })
}

fn element<'t>(builder: &mut Builder<'t>, node: Node<'t, '_>, place: Place, depth: usize, marks: &mut Marks) {
    let tag = node.tag_name().name();
    if tag == "comment" {
        return marks.set(node, Class::Ignored);
    }
    let inactive = node.attributes().any(|a| a.name() == "inactive");
    if inactive || depth > DEEPEST {
        return marks.set(node, Class::Ignored);
    }
    if matches!(node.attribute("operation"), Some("delete" | "remove")) {
        builder.config.patch = true;
    }
    let is_entry = matches!(
        (place, tag),
        (Place::Interfaces, "interface")
            | (Place::Domains(_, true), "vlan")
            | (Place::Domains(_, false), "domain")
            | (Place::Instances, "instance")
    );
    let (mut place, mut class) = (place, Class::Read);
    if !is_entry {
        (place, class) = builder.step(place, tag);
    }
    let name = node.children().find(|child| child.has_tag_name_of("name"));
    if let Some(name) = name {
        if !Builder::is_settled(place)
            && let Some(text) = text_of(name)
        {
            (place, class) = builder.step(place, text);
        }
        marks.set(name, class);
    } else if node.first_element_child().is_none()
        && !Builder::is_settled(place)
        && let Some(text) = text_of(node)
    {
        (place, class) = builder.step(place, text);
    }
    marks.set(node, class);
    if matches!(place, Place::Outside) {
        return;
    }
    for child in node.children().filter(Node::is_element) {
        if Some(child) != name {
            element(builder, child, place, depth + 1, marks);
        }
    }
}

fn text_of<'t>(node: Node<'t, '_>) -> Option<&'t str> {
    node.text().map(str::trim_ascii).filter(|text| !text.is_empty())
}

/// The class of each element, by its number in the document.
struct Marks(Vec<Option<Class>>);

impl Marks {
    fn of(document: &Document<'_>) -> Self {
        Self(vec![None; document.descendants().count()])
    }

    fn set(&mut self, node: Node<'_, '_>, class: Class) {
        if let Some(known) = self.0.get_mut(node.id().get_usize()) {
            *known = Some(class);
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
