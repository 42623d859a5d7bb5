//! The facts of one device, at one moment, inside one scope.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BridgeDomain, Fact, Interface, Outcome, Scope, Service, Vlan};

/// How many lines of the device's text became facts, lay outside them, or
/// should have been understood and were not. Nothing is dropped uncounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    pub read: u64,
    pub ignored: u64,
    pub unread: u64,
}

/// A line inside a section that we should understand. Its text is masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadLine {
    /// 1-based, within the whole capture.
    pub line: u64,
    pub text: String,
}

/// The text of one section as it is stored: secrets masked, volatile parts dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptText {
    /// Which section of the device's output this is, such as `config interfaces`.
    pub section: String,
    pub text: String,
}

/// The newest entry of the device's own commit log: who changed it, when, how.
/// A signal, never a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CommitMark {
    /// The commit's time as the device prints it.
    pub at: String,
    pub user: String,
    /// `cli`, `netconf`, …
    pub via: String,
}

/// What one reading of one device gave. The JSON of `read` and `scan`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// The name in the inventory; for `read`, what the text calls itself.
    pub device: Option<String>,
    pub platform: String,
    pub scope: Scope,
    pub outcome: Outcome,
    /// A finer code for the outcome, such as `protocol` or `no-end-mark`.
    pub detail: Option<String>,
    pub interfaces: Vec<Interface>,
    pub bridge_domains: Vec<BridgeDomain>,
    pub services: Vec<Service>,
    pub vlans: Vec<Vlan>,
    pub lines: LineCounts,
    pub unread: Vec<UnreadLine>,
    pub kept: Option<Vec<KeptText>>,
    /// Newest first, as far as the device lists them; empty when it has no log.
    #[serde(skip)]
    pub commits: Vec<CommitMark>,
}

impl Snapshot {
    /// A finding instead of facts: the device could not be read, and why.
    pub fn failed(
        device: &str,
        platform: &str,
        scope: Scope,
        outcome: Outcome,
        detail: Option<String>,
    ) -> Self {
        Self {
            device: Some(device.to_owned()),
            platform: platform.to_owned(),
            scope,
            outcome,
            detail,
            interfaces: Vec::new(),
            bridge_domains: Vec::new(),
            services: Vec::new(),
            vlans: Vec::new(),
            lines: LineCounts::default(),
            unread: Vec::new(),
            kept: None,
            commits: Vec::new(),
        }
    }

    /// Takes all facts out, ordered by kind and key; what is left has none.
    pub fn take_facts(&mut self) -> Vec<Fact> {
        let mut facts: Vec<Fact> = Vec::with_capacity(
            self.interfaces.len() + self.bridge_domains.len() + self.services.len() + self.vlans.len(),
        );
        facts.extend(self.interfaces.drain(..).map(Fact::Interface));
        facts.extend(self.bridge_domains.drain(..).map(Fact::BridgeDomain));
        facts.extend(self.services.drain(..).map(Fact::Service));
        facts.extend(self.vlans.drain(..).map(Fact::Vlan));
        facts.sort_by_cached_key(Fact::key);
        facts
    }
}

/// SHA-256 over the compared fields of facts that are ordered by key, cut to
/// 128 bits of hex. Equal digests: the same configuration.
pub fn digest_of(facts: &[Fact]) -> String {
    let mut hash = Sha256::new();
    let mut put = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    for fact in facts {
        let key = fact.key();
        put(key.kind.as_str());
        put(&key.key);
        put(if fact.is_configured() { "configured" } else { "seen" });
        for (name, value) in fact.fields() {
            put(name);
            match value {
                Some(value) => put(&value),
                // A length that no text has: absent is not the empty string.
                None => put("\u{0}absent"),
            }
        }
    }
    hex(&hash.finalize()[..16])
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
