//! What the database of record claims to know. Drift exists only inside it:
//! a device of which the record holds nothing but three uplinks is not in
//! drift because of its other two hundred interfaces.

use std::collections::BTreeSet;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::model::{FactKey, Kind, Record};

/// The `[coverage]` table: one rule a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub interface: KindRule,
    pub bridge_domain: KindRule,
    pub service: KindRule,
    pub vlan: KindRule,
}

/// When the record answers for a kind of thing, and for which names of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KindRule {
    pub claim: Claim,
    /// Globs of keys; `*` also matches `/`. A service's key is `kind/name`.
    pub include: Vec<String>,
    /// Globs of keys that are left out although `include` has them.
    pub exclude: Vec<String>,
}

impl Default for KindRule {
    fn default() -> Self {
        Self { claim: Claim::Recorded, include: vec!["*".to_owned()], exclude: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// On devices for which there is at least one record of the kind.
    #[default]
    Recorded,
    /// On every device: an empty record then says that there must be none.
    Always,
    Never,
}

/// A pattern of the configuration that is no glob.
#[derive(Debug, thiserror::Error)]
#[error("failed to understand the pattern {pattern:?} in {section}.{key}")]
pub struct BadPattern {
    /// The table of the configuration.
    pub section: &'static str,
    /// The setting, such as `interface.exclude`.
    pub key: String,
    pub pattern: String,
    pub source: globset::Error,
}

/// [`Settings`] with compiled patterns; made once a run.
#[derive(Debug)]
pub struct Rules {
    kinds: Vec<(Kind, Claim, GlobSet, GlobSet)>,
}

impl Rules {
    /// The record answers for everything: to see what lies outside the coverage.
    pub fn everything() -> Self {
        let mut all = GlobSetBuilder::new();
        all.add(Glob::new("*").unwrap_or_else(|_| unreachable!("it is a good pattern")));
        let all = all.build().unwrap_or_default();
        let claim = |kind| (kind, Claim::Always, all.clone(), GlobSet::empty());
        Self { kinds: Kind::ALL.into_iter().map(claim).collect() }
    }

    pub fn new(settings: &Settings) -> Result<Self, BadPattern> {
        let rules = [
            (Kind::Interface, "interface", &settings.interface),
            (Kind::BridgeDomain, "bridge_domain", &settings.bridge_domain),
            (Kind::Service, "service", &settings.service),
            (Kind::Vlan, "vlan", &settings.vlan),
        ];
        let mut kinds = Vec::with_capacity(rules.len());
        for (kind, key, rule) in rules {
            let include = globs(&format!("{key}.include"), &rule.include)?;
            let exclude = globs(&format!("{key}.exclude"), &rule.exclude)?;
            kinds.push((kind, rule.claim, include, exclude));
        }
        Ok(Self { kinds })
    }
}

fn globs(key: &str, patterns: &[String]) -> Result<GlobSet, BadPattern> {
    let bad = |pattern: &str, source| BadPattern {
        section: "coverage",
        key: key.to_owned(),
        pattern: pattern.to_owned(),
        source,
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(|error| bad(pattern, error))?);
    }
    set.build().map_err(|error| bad(&patterns.join(" "), error))
}

/// What the record claims to know of one device.
#[derive(Clone, Debug)]
pub struct Coverage<'a> {
    rules: &'a Rules,
    recorded: BTreeSet<Kind>,
}

impl<'a> Coverage<'a> {
    /// `records` are those of one device.
    pub fn from_records(rules: &'a Rules, records: &[Record]) -> Self {
        Self { rules, recorded: records.iter().map(|record| record.kind).collect() }
    }

    /// Whether a disagreement about `key` would be a drift.
    pub fn covers(&self, key: &FactKey) -> bool {
        self.rules.kinds.iter().any(|(kind, claim, include, exclude)| {
            let claimed = match claim {
                Claim::Recorded => self.recorded.contains(kind),
                Claim::Always => true,
                Claim::Never => false,
            };
            *kind == key.kind && claimed && include.is_match(&key.key) && !exclude.is_match(&key.key)
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::{DeviceName, RecordSource};

    fn record(kind: Kind, name: &str) -> Record {
        Record::of(DeviceName::new("leaf-1").unwrap(), kind, name, RecordSource::Imported)
    }

    #[test]
    fn by_default_a_kind_is_covered_once_it_has_a_record() {
        let rules = Rules::new(&Settings::default()).unwrap();
        let coverage = Coverage::from_records(&rules, &[record(Kind::Interface, "ge100-0/0/1")]);
        assert!(coverage.covers(&FactKey::new(Kind::Interface, "bundle-7.12")));
        assert!(!coverage.covers(&FactKey::new(Kind::BridgeDomain, "g_one_v12")));
    }

    #[test]
    fn patterns_narrow_it_and_a_slash_is_no_border() {
        let settings: Settings = toml::from_str(
            "[interface]\ninclude = ['ge*']\nexclude = ['ge*/9*']\n[vlan]\nclaim = 'always'\n[service]\nclaim = 'never'",
        )
        .unwrap();
        let rules = Rules::new(&settings).unwrap();
        let records = [record(Kind::Interface, "x"), record(Kind::Service, "vrf/red")];
        let coverage = Coverage::from_records(&rules, &records);
        let covers = |kind, key: &str| coverage.covers(&FactKey::new(kind, key));
        assert!(covers(Kind::Interface, "ge100-0/0/31.251"));
        assert!(!covers(Kind::Interface, "ge100-0/0/9"));
        assert!(!covers(Kind::Interface, "lo0"));
        assert!(covers(Kind::Vlan, "7"));
        assert!(!covers(Kind::Service, "vrf/red"));
    }

    #[test]
    fn a_bad_pattern_names_its_setting() {
        let settings: Settings = toml::from_str("[interface]\nexclude = ['a[']").unwrap();
        let error = Rules::new(&settings).unwrap_err();
        assert_eq!(error.key, "interface.exclude");
        assert!(toml::from_str::<Settings>("[interfaces]\n").is_err());
    }
}
