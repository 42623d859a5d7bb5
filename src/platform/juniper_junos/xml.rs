//! The XML form of a configuration: a NETCONF reply, or `display xml`. Each
//! element is the word that blocks have, with two exceptions: entries of a list
//! repeat a tag that blocks leave out, and their key is a child called `name`.

use roxmltree::{Document, Node};

use crate::model::snapshot::CommitMark;
use crate::platform::curly::Tree;
use crate::platform::elements::{Marks, text_of};
use crate::platform::reading::{Class, Tally};

use super::tree::{Builder, Place};

/// Deeper than any configuration; what lies below is not followed.
const DEEPEST: usize = 64;

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
    marks.count(document, text, tally);
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
