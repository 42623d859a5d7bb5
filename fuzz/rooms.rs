//! The pure rooms of driftcast, and what each of them must never do with any
//! bytes: panic, lose a line, believe a cut capture, or let a secret through.

#![allow(dead_code, unused_imports, reason = "the rooms are larger than what is tried here")]

#[path = "../src/model/mod.rs"]
pub mod model;
#[path = "../src/platform/mod.rs"]
pub mod platform;

use model::{Outcome, Scope, Snapshot};
use platform::keep::Keeper;
use platform::offline::{guess, read_text, sections};
use platform::terminal::settle;
use platform::{Platform, Rules};

fn keeper() -> Keeper {
    Keeper::new(&[7; 32])
}

/// Lines of `text` that are not blank.
fn said(text: &str) -> u64 {
    text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64
}

fn counted(snapshot: &Snapshot) -> u64 {
    snapshot.lines.read + snapshot.lines.ignored + snapshot.lines.unread
}

/// No line is lost.
pub fn lose_nothing(platform: &'static Platform, bytes: &[u8]) {
    let snapshots = read_text(platform, bytes, None, &keeper());
    let settled = settle(bytes).text;
    assert_eq!(snapshots.iter().map(counted).sum::<u64>(), said(&settled), "a line is lost");
}

/// One reader: no line is lost, and without its prompt nothing is complete.
pub fn read(platform: &'static Platform, bytes: &[u8]) {
    lose_nothing(platform, bytes);
    let settled = settle(bytes).text;
    let mut captured = sections(platform, &settled, None);
    for section in &mut captured {
        section.prompt = None;
        section.ended = platform::Ending::Unseen;
    }
    for scope in [Scope::Device, Scope::Interface("ge0.1".into()), Scope::BridgeDomain("x".into())] {
        let reading = (platform.read)(&scope, &captured, Rules::Live);
        assert_ne!(reading.outcome, Outcome::Complete, "complete without a prompt");
    }
}

/// The reader of that name.
pub fn read_as(name: &str, bytes: &[u8]) {
    read(platform::by_name(name).expect("a platform of ours"), bytes);
}

/// Whose text is it? Then all readers take it, whatever it is.
pub fn offline(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = guess(&text);
    for platform in platform::ALL {
        let _ = read_text(platform, bytes, None, &keeper());
    }
}

/// The terminal model: what is left drives no terminal, and settling it again changes nothing.
pub fn terminal(bytes: &[u8]) {
    let once = settle(bytes).text;
    assert!(!once.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "a control character is left");
    assert_eq!(settle(once.as_bytes()).text, once, "settled twice");
}

/// Prompts: the name is a part of the line, and holds no blank.
pub fn prompt(bytes: &[u8]) {
    let text = settle(bytes).text;
    for line in text.lines() {
        for platform in platform::ALL {
            if let Some(name) = (platform.prompt)(line) {
                assert!(line.contains(name) && !name.contains(char::is_whitespace), "{line:?}");
            }
            let _ = (platform.echo)(line);
            let _ = (platform.typed)(line);
            let _ = (platform.opens)(line);
            let _ = (platform.volatile)(line);
            let _ = (platform.told)(line);
        }
    }
}

/// The redactor: lines stay lines, masking twice is masking once, and a secret
/// that stands behind a word for one never comes through.
pub fn redactor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let masked = keeper().mask("a", &text);
    assert_eq!(masked.lines().count(), text.lines().count(), "lines");
    for (once, twice) in masked.lines().zip(keeper().mask("a", &masked).lines()) {
        assert_eq!(once, twice, "masked twice");
    }
    let secret = "Zq7wTopSecretZq7w";
    let planted = format!("{}\nsnmp-server community {secret} ro\nusername x password 0 {secret}\n", text.trim_end());
    assert!(!keeper().mask("a", &planted).contains(secret), "a secret came through");
}
