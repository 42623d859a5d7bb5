//! `--limit`: a name, a glob, or `key=value` with a glob for the value.

use globset::{Glob, GlobMatcher};

use super::exit::Failure;
use crate::model::Device;

/// One `--limit`; several together must all match.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    key: Key,
    pattern: GlobMatcher,
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Name,
    Site,
    Role,
    Platform,
    Tag,
}

impl Limit {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let (key, pattern) = match text.split_once('=') {
            None => (Key::Name, text),
            Some(("name", pattern)) => (Key::Name, pattern),
            Some(("site", pattern)) => (Key::Site, pattern),
            Some(("role", pattern)) => (Key::Role, pattern),
            Some(("platform", pattern)) => (Key::Platform, pattern),
            Some(("tag", pattern)) => (Key::Tag, pattern),
            Some((other, _)) => {
                return Err(Failure::usage(format!("--limit knows no key {other:?}"))
                    .hint("use a name, a glob, or site=, role=, platform=, tag= with a glob"));
            }
        };
        if pattern.is_empty() {
            return Err(Failure::usage("--limit is empty, so it would match nothing"));
        }
        let pattern = Glob::new(pattern)
            .map_err(|e| Failure::usage(format!("--limit {text:?} is no glob: {e}")))?
            .compile_matcher();
        Ok(Self { key, pattern })
    }

    pub(crate) fn matches(&self, device: &Device) -> bool {
        match self.key {
            Key::Name => self.pattern.is_match(device.name.as_str()),
            Key::Site => self.pattern.is_match(&device.site),
            Key::Role => self.pattern.is_match(&device.role),
            Key::Platform => self.pattern.is_match(&device.platform),
            Key::Tag => device.tags.iter().any(|tag| self.pattern.is_match(tag)),
        }
    }
}

pub(crate) fn parse_all(texts: &[String]) -> Result<Vec<Limit>, Failure> {
    texts.iter().map(|text| Limit::parse(text)).collect()
}
