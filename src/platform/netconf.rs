//! NETCONF messages as XML: what a server's hello says, and the way into a
//! reply. How messages are cut out of a stream of bytes is not known here
//! (that is `device`), nor what a configuration means (that is each platform).
//! A document type, and so every entity of one's own, is refused.

use roxmltree::{Document, Node};

use crate::model::Outcome;

/// Both versions of the base protocol (RFC 6241, section 8.1).
pub const BASE_1_0: &str = "urn:ietf:params:netconf:base:1.0";
pub const BASE_1_1: &str = "urn:ietf:params:netconf:base:1.1";

/// The namespace of the protocol's own elements.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

/// The number of our one question. A reply has to repeat it.
pub const QUESTION: &str = "1";

/// The capabilities in a server's `<hello>`; `None` if it is none. A server
/// without a session number is no server.
pub fn capabilities(hello: &str) -> Option<Vec<String>> {
    let document = Document::parse(hello.trim()).ok()?;
    let root = document.root_element();
    let is = |node: &Node<'_, '_>, name: &str| node.is_element() && node.tag_name().name() == name;
    if !is(&root, "hello") || !root.children().any(|child| is(&child, "session-id")) {
        return None;
    }
    let list = root.children().find(|child| is(child, "capabilities"))?;
    let texts = list.children().filter(|child| is(child, "capability")).filter_map(|child| child.text());
    Some(texts.map(|text| text.trim().to_owned()).collect())
}

/// What is wrong with a reply: the outcome and its detail.
pub type Flaw = (Outcome, &'static str);

/// The whole reply as a tree, for [`data`].
pub fn parse(reply: &str) -> Result<Document<'_>, Flaw> {
    Document::parse(reply.trim()).map_err(|_| (Outcome::Incomplete, "xml"))
}

/// The `<data>` of the reply to our `<get-config>`: see [`answer`]. A reply to
/// another question is none.
pub fn data<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>, Flaw> {
    if document.root_element().attribute("message-id") != Some(QUESTION) {
        return Err((Outcome::Incomplete, "reply"));
    }
    answer(document)
}

/// The `<data>` of a reply to anybody's `<get-config>`, as a file may hold it. An
/// `<rpc-error>` of any severity but `warning` is a refusal, also beside data.
pub fn answer<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>, Flaw> {
    let root = document.root_element();
    let named = |node: &Node<'_, '_>, name: &str| {
        node.is_element()
            && node.tag_name().name() == name
            // Some systems forget the namespace; none uses another.
            && node.tag_name().namespace().is_none_or(|space| space == NAMESPACE)
    };
    if !named(&root, "rpc-reply") {
        return Err((Outcome::Incomplete, "reply"));
    }
    let text_of = |node: Node<'a, 'i>, name: &str| {
        node.children().find(|child| named(child, name)).and_then(|child| child.text())
    };
    for error in root.children().filter(|child| named(child, "rpc-error")) {
        match text_of(error, "error-severity").map(str::trim) {
            Some("warning") => {}
            _ if text_of(error, "error-tag").map(str::trim) == Some("access-denied") => {
                return Err((Outcome::Refused, "insufficient-rights"));
            }
            _ => return Err((Outcome::Refused, "command-error")),
        }
    }
    root.children().find(|child| named(child, "data")).ok_or((Outcome::Incomplete, "reply"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn reply(id: &str, inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\"?>\n<rpc-reply message-id=\"{id}\" xmlns=\"{NAMESPACE}\">{inner}</rpc-reply>\n"
        )
    }

    fn verdict(text: &str) -> Result<String, Flaw> {
        let document = parse(text)?;
        Ok(data(&document)?.children().find_map(|child| child.text()).unwrap_or_default().to_owned())
    }

    #[test]
    fn what_a_server_can_do() {
        let hello = format!(
            "\n<nc:hello xmlns:nc=\"{NAMESPACE}\"><nc:capabilities>\n<nc:capability>\n {BASE_1_1}\n</nc:capability>\
             <nc:capability>urn:x</nc:capability></nc:capabilities><nc:session-id>4</nc:session-id></nc:hello>"
        );
        assert_eq!(capabilities(&hello).unwrap(), [BASE_1_1, "urn:x"]);
        assert_eq!(capabilities(&hello.replace("session-id", "other")), None);
        assert_eq!(capabilities("<hello>"), None);
        assert_eq!(capabilities("<!DOCTYPE x [<!ENTITY a 'b'>]><hello><session-id/></hello>"), None);
    }

    #[test]
    fn replies_and_refusals() {
        assert_eq!(verdict(&reply("1", "<data><a>x</a></data>")).unwrap(), "x");
        assert_eq!(verdict(&reply("1", "<data/>")).unwrap(), "");
        let error = |tag: &str, severity: &str| {
            format!(
                "<rpc-error><error-tag>{tag}</error-tag><error-severity>{severity}</error-severity></rpc-error>"
            )
        };
        assert_eq!(
            verdict(&reply("1", &error("access-denied", "error"))),
            Err((Outcome::Refused, "insufficient-rights"))
        );
        let beside = error("operation-failed", "error") + "<data/>";
        assert_eq!(verdict(&reply("1", &beside)), Err((Outcome::Refused, "command-error")));
        let warned = error("operation-failed", "warning") + "<data><a>x</a></data>";
        assert_eq!(verdict(&reply("1", &warned)).unwrap(), "x");
        for wrong in [reply("2", "<data/>"), reply("1", "<ok/>"), "<hello/>".to_owned()] {
            assert_eq!(verdict(&wrong), Err((Outcome::Incomplete, "reply")));
        }
        let whole = reply("1", "<data><a>x</a></data>");
        for cut in 1..whole.trim_end().len() {
            assert_eq!(verdict(&whole[..cut]), Err((Outcome::Incomplete, "xml")), "{cut}");
        }
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let deep = reply("1", &format!("<data>{}{}</data>", "<a>".repeat(200_000), "</a>".repeat(200_000)));
        assert!(verdict(&deep).is_ok());
    }
}
