//! Kept text: secrets masked before anything is read or written, volatile
//! parts dropped before it is stored.
//!
//! A secret becomes `<hidden:0123456789abcdef>`: sixteen hex digits of an
//! HMAC-SHA256 over the device, the path of the setting and the value. The same
//! secret at the same place keeps its tag, a changed one gets another, and two
//! devices (or two users) with one password do not give each other away. What a
//! device encrypts anew now and then gets `<hidden:volatile>`, no tag: its text
//! changes while the secret does not.

mod rules; // where in a line the secrets are
mod words; // a line cut into words

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use memchr::memmem;
use regex::Regex;
use sha2::Sha256;

use crate::model::snapshot::{KeptText, hex};

use super::reading::lines;
use super::{Captured, Platform};

/// Lines without one of these hold no secret that the rules could find; most
/// texts are passed over by this alone.
static CANDIDATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i-u:passw|passphrase|secret|communit|key|auth|psk|pmk|priv|cipher|snmp-server|token|enc-|://|\$[0-9a-z]{1,2}\$|-----BEGIN)",
    )
    .expect("the pattern is a constant")
});

/// A secret within a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
    /// Encrypted anew from time to time: gets no tag.
    volatile: bool,
}

/// Masks secrets under one key.
#[derive(Clone)]
pub struct Keeper {
    mac: Hmac<Sha256>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper(…)")
    }
}

impl Keeper {
    /// `key` is the fingerprint key of the data directory. It is not kept, only
    /// the state of the hash that it starts.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { mac: Hmac::new_from_slice(key).expect("HMAC takes a key of any length") }
    }

    /// `text` with every secret value replaced. The number of lines stays. A
    /// text that is masked already comes back as it is.
    pub fn mask<'t>(&self, device: &str, text: &'t str) -> Cow<'t, str> {
        let mut out = String::new();
        let mut copied = 0;
        let mut from = 0;
        let mut spans = Vec::new();
        let mut path = Trail::default();
        while let Some(hit) = CANDIDATE.find_at(text, from) {
            let bytes = text.as_bytes();
            let line = memchr::memrchr(b'\n', &bytes[..hit.start()]).map_or(0, |at| at + 1);
            let end = memchr::memchr(b'\n', &bytes[hit.end()..]).map_or(text.len(), |at| hit.end() + at);
            // Behind a block of a key, the rest of its last line.
            let start = line.max(from);
            spans.clear();
            let block = rules::key_block(text, start, end, &mut spans);
            if block.is_none() {
                rules::spans(text, start, end, &mut spans);
            }
            from = block.unwrap_or(end);
            if !spans.is_empty() {
                path.move_to(text, line);
                if copied == 0 {
                    out.reserve(text.len() + 1_024);
                }
                out.push_str(&text[copied..start]);
                copied = from;
                let place = Place { device, path: &path, text, line };
                let begun = out.len();
                self.hide(&mut out, place, start, from, &spans);
                if block.is_none() && rules::has_spans(&out[begun..]) {
                    // Beside the marks, other words look like secrets: no setting of
                    // any device. Hidden as a whole it says the same each time.
                    out.truncate(begun);
                    let said = &text[start..end];
                    let begin = end - said.trim_start().len();
                    let whole = Span { start: begin, end: start + said.trim_end().len(), volatile: false };
                    self.hide(&mut out, place, start, end, &[whole]);
                }
            }
            if from >= text.len() {
                break;
            }
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[copied..]);
        Cow::Owned(out)
    }

    /// `text` as it is stored: masked, without the lines that `platform` calls
    /// volatile, without the date of a start mark, and without blanks at line ends.
    pub fn kept(&self, platform: &Platform, device: &str, section: &str, text: &str) -> KeptText {
        let masked = self.mask(device, text);
        let mut kept = String::with_capacity(masked.len());
        for line in lines(&masked) {
            let Some(line) = stable_part(platform, line.trim_end()) else { continue };
            kept.push_str(line);
            kept.push('\n');
        }
        KeptText { section: section.to_owned(), text: kept }
    }

    /// A digest of all that a device sent, as 32 hex digits: of the lines that
    /// are kept, before they are masked, with the commands and the prompts.
    /// Keyed, because secrets are in it. Equal digests are equal captures, read
    /// by the same version of this program.
    pub fn fingerprint(&self, platform: &Platform, device: &str, sections: &[Captured]) -> String {
        let mut mac = self.mac.clone();
        let mut put = |text: &str| {
            mac.update(&(text.len() as u64).to_le_bytes());
            mac.update(text.as_bytes());
        };
        // Another version may read the same text otherwise.
        [env!("CARGO_PKG_VERSION"), platform.name, device].into_iter().for_each(&mut put);
        for section in sections {
            put(&section.section);
            put(&section.command);
            put(section.prompt.as_deref().unwrap_or("\0"));
            put(&format!("{:?}", section.ended));
            let mut whole = 0;
            let mut at = 0;
            // Runs of lines between volatile ones go in as one piece.
            for line in lines(&section.text) {
                let end = at + line.len();
                let stable = stable_part(platform, line);
                if stable.map(str::len) != Some(line.len()) {
                    put(&section.text[whole..at]);
                    put(stable.unwrap_or("\0"));
                    whole = end;
                }
                at = end + 1;
            }
            put(&section.text[whole.min(section.text.len())..]);
        }
        hex(&mac.finalize().into_bytes()[..16])
    }

    /// Writes `text[start..end]` with a mark in place of each span.
    fn hide(&self, out: &mut String, place: Place<'_, '_>, start: usize, end: usize, spans: &[Span]) {
        let mut copied = start;
        for span in spans {
            out.push_str(&place.text[copied..span.start]);
            self.mark(out, place, *span);
            copied = span.end;
        }
        out.push_str(&place.text[copied..end]);
    }

    fn mark(&self, out: &mut String, place: Place<'_, '_>, span: Span) {
        if span.volatile {
            out.push_str("<hidden:volatile>");
            return;
        }
        let mut mac = self.mac.clone();
        let mut put = |text: &str| {
            mac.update(&(text.len() as u64).to_le_bytes());
            mac.update(text.as_bytes());
        };
        put(place.device);
        // Word by word, so that the flattened form of a setting, which holds
        // its whole path, gives the same tag as the printed one.
        for (_, above) in place.path.above.iter().take(DEEPEST) {
            above.split_ascii_whitespace().for_each(&mut put);
        }
        let before = place.text.get(place.line..span.start).unwrap_or("").trim_end_matches('"');
        before.split_ascii_whitespace().for_each(&mut put);
        put("\0");
        put(&place.text[span.start..span.end]);
        let tag = mac.finalize().into_bytes();
        out.push_str("<hidden:");
        out.push_str(&hex(&tag[..8]));
        out.push('>');
    }
}

/// Where a line is of which something is hidden.
#[derive(Clone, Copy)]
struct Place<'a, 't> {
    device: &'a str,
    path: &'a Trail<'t>,
    text: &'t str,
    /// Where the line begins.
    line: usize,
}

/// What of a line says the same each time: not the date of a start mark, and
/// nothing of a line that the platform calls volatile.
fn stable_part<'t>(platform: &Platform, line: &'t str) -> Option<&'t str> {
    if (platform.volatile)(line) {
        return None;
    }
    if !line.starts_with('#') {
        return Some(line);
    }
    Some(
        memmem::find(line.as_bytes(), b" config-start")
            .map_or(line, |at| &line[..at + " config-start".len()]),
    )
}

/// Lines above a secret that are part of its path; a configuration has fewer.
const DEEPEST: usize = 64;

/// The lines that a line is below, by indent. It moves forward through a text
/// from secret to secret and looks at no line twice, however many there are.
#[derive(Debug, Default)]
struct Trail<'t> {
    /// Where the line begins.
    start: usize,
    /// Indent and words of the lines above, outermost first.
    above: Vec<(usize, &'t str)>,
    /// The line itself.
    line: Option<(usize, &'t str)>,
}

impl<'t> Trail<'t> {
    /// To the line that begins at `start`, behind the one where it is.
    fn move_to(&mut self, text: &'t str, start: usize) {
        let end = memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at);
        let line = parted(&text[start..end]);
        // A remark has no place in the tree: whatever is open there is above it.
        let mut least = if is_setting(line.1) { line.0 } else { usize::MAX };
        let mut found = Vec::new();
        let mut end = start;
        while least > 0 && end > self.start {
            let above = &text[..end - 1];
            let begin = memchr::memrchr(b'\n', above.as_bytes()).map_or(0, |at| at + 1);
            if begin <= self.start && self.line.is_some() {
                break;
            }
            let (indent, words) = parted(&above[begin..]);
            if indent < least && is_setting(words) {
                least = indent;
                found.push((indent, words));
            }
            end = begin;
        }
        // What is above the lines since the last secret is above it or is it.
        self.above.extend(self.line.take());
        self.above.retain(|(indent, words)| *indent < least && is_setting(words));
        self.above.extend(found.into_iter().rev());
        self.line = Some(line);
        self.start = start;
    }
}

/// A line as its indent and its words.
fn parted(line: &str) -> (usize, &str) {
    let words = line.trim_start_matches(' ');
    (line.len() - words.len(), words.trim_end())
}

fn is_setting(words: &str) -> bool {
    !words.is_empty() && !words.starts_with(['!', '#'])
}

#[cfg(test)]
mod tests;
