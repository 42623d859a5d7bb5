//! The user's own rules for noise: the `[[ignore]]` tables of the
//! configuration. What they match is read, stored and shown as it is, and is
//! neither a change nor a drift. A rule says how often it fired, because one
//! that never does is a mistake nobody sees.
//!
//! Not here: drifts that are known and left alone for a while. Those stay
//! drifts, with an `ignore` among the policies.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::compare::Comparison;
use crate::model::{Change, ChangeKind, Device, DriftClass, FactKey, Kind};

/// One `[[ignore]]`: lines of the text, or things (or some fields of them).
/// Which devices it is about is said by globs; what is not said fits all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreRule {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub site: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<String>,
    /// A glob of a whole line, without the blanks around it. Such lines are
    /// left out of the kept text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<Kind>,
    /// A glob of the thing's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Only these compared fields; without them the whole thing is ignored.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
    pub reason: String,
}

/// A rule that cannot be used. `number` counts from 1, in the order of the file.
#[derive(Debug, thiserror::Error)]
#[error("failed to accept ignore rule {number}: {why}")]
pub struct BadIgnore {
    pub number: usize,
    pub why: String,
}

/// Rules with compiled globs; made once a run.
#[derive(Debug, Default)]
pub struct Ignores {
    rules: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    rule: IgnoreRule,
    platform: Option<GlobMatcher>,
    role: Option<GlobMatcher>,
    site: Option<GlobMatcher>,
    device: Option<GlobMatcher>,
    line: Option<GlobMatcher>,
    name: Option<GlobMatcher>,
}

/// The rules that fit one device, and how often each fired in one reading of it.
#[derive(Clone, Debug, Default)]
pub struct Fitting {
    rules: Vec<usize>,
    /// By the place of the rule, from 0.
    pub fired: BTreeMap<usize, u64>,
}

impl Fitting {
    fn fire(&mut self, rule: usize) {
        *self.fired.entry(rule).or_default() += 1;
    }
}

impl Ignores {
    pub fn new(rules: &[IgnoreRule]) -> Result<Self, BadIgnore> {
        let rules = rules.iter().zip(1..).map(|(rule, number)| Compiled::new(rule, number));
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// Each rule in one line, in the order of the file. A rule is known by it:
    /// one that says something else is another rule.
    pub fn lines(&self) -> Vec<String> {
        self.rules.iter().map(|compiled| compiled.rule.to_string()).collect()
    }

    pub fn fitting(&self, device: &Device) -> Fitting {
        let fits = |glob: &Option<GlobMatcher>, text: &str| glob.as_ref().is_none_or(|g| g.is_match(text));
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| {
            fits(&rule.platform, &device.platform)
                && fits(&rule.role, &device.role)
                && fits(&rule.site, &device.site)
                && fits(&rule.device, device.name.as_str())
        });
        Fitting { rules: rules.map(|(at, _)| at).collect(), fired: BTreeMap::new() }
    }

    /// `text` without the lines that are to be ignored.
    pub fn without_lines(&self, fitting: &mut Fitting, text: String) -> String {
        let globs: Vec<(usize, &GlobMatcher)> =
            fitting.rules.iter().filter_map(|at| Some((*at, self.rules[*at].line.as_ref()?))).collect();
        if globs.is_empty() {
            return text;
        }
        let mut kept = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            match globs.iter().find(|(_, glob)| glob.is_match(line.trim())) {
                Some((rule, _)) => fitting.fire(*rule),
                None => kept.push_str(line),
            }
        }
        kept
    }

    /// Takes out of `changes` what is to be ignored.
    pub fn settle_changes(&self, fitting: &mut Fitting, changes: &mut Vec<Change>) {
        changes.retain_mut(|change| {
            let some = change.kind == ChangeKind::Modified;
            self.remains(fitting, &change.key, some.then_some(&mut change.fields))
        });
    }

    /// Takes out of a comparison what is to be ignored: a thing that is ignored
    /// altogether is not covered, one whose other fields agree is in step.
    pub fn settle_comparison(&self, fitting: &mut Fitting, comparison: &mut Comparison) {
        let (mut agreed, mut uncovered) = (0, 0);
        comparison.disagreements.retain_mut(|found| {
            let some = found.class == DriftClass::Differs;
            let remains = self.remains(fitting, &found.key, some.then_some(&mut found.fields));
            if !remains && found.fields.is_empty() && some {
                agreed += 1;
            } else if !remains {
                uncovered += 1;
            }
            remains
        });
        comparison.agreed += agreed;
        comparison.covered -= uncovered;
    }

    /// Whether anything is left of something that moved or differs; of `fields`,
    /// if it is some fields, those that are ignored are taken out.
    fn remains(&self, fitting: &mut Fitting, key: &FactKey, mut fields: Option<&mut Vec<String>>) -> bool {
        for at in fitting.rules.clone() {
            let compiled = &self.rules[at];
            if !compiled.is_about(key) {
                continue;
            }
            if compiled.rule.fields.is_empty() {
                fitting.fire(at);
                return false;
            }
            let Some(fields) = fields.as_deref_mut() else { continue };
            let before = fields.len();
            fields.retain(|field| !compiled.rule.fields.contains(field));
            if fields.len() < before {
                fitting.fire(at);
            }
            if fields.is_empty() {
                return false;
            }
        }
        true
    }
}

impl Compiled {
    fn new(rule: &IgnoreRule, number: usize) -> Result<Self, BadIgnore> {
        let bad = |why: &str| BadIgnore { number, why: why.to_owned() };
        let glob = |key: &str, text: &Option<String>| {
            let compile = |text: &String| {
                let bad = |_| bad(&format!("{key} is no pattern: {text:?}"));
                Glob::new(text).map(|glob| glob.compile_matcher()).map_err(bad)
            };
            text.as_ref().map(compile).transpose()
        };
        if rule.reason.trim().is_empty() {
            return Err(bad("it needs a reason"));
        }
        let thing = rule.kind.is_some() || rule.name.is_some() || !rule.fields.is_empty();
        match (&rule.line, thing) {
            (Some(_), true) => {
                return Err(bad("it is about a line or about things (kind, name, fields), not both"));
            }
            (None, false) => return Err(bad("it has to say what to ignore: line, or kind, name or fields")),
            (Some(line), false) if line.trim().trim_matches('*').is_empty() => {
                return Err(bad("such a line is every line"));
            }
            _ => {}
        }
        Ok(Self {
            platform: glob("platform", &rule.platform)?,
            role: glob("role", &rule.role)?,
            site: glob("site", &rule.site)?,
            device: glob("device", &rule.device)?,
            line: glob("line", &rule.line)?,
            name: glob("name", &rule.name)?,
            rule: rule.clone(),
        })
    }

    fn is_about(&self, key: &FactKey) -> bool {
        self.line.is_none()
            && self.rule.kind.is_none_or(|kind| kind == key.kind)
            && self.name.as_ref().is_none_or(|glob| glob.is_match(&key.key))
    }
}

impl std::fmt::Display for IgnoreRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ignore")?;
        let texts = [
            ("platform", &self.platform),
            ("role", &self.role),
            ("site", &self.site),
            ("device", &self.device),
            ("line", &self.line),
            ("name", &self.name),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                write!(f, " {key}={value}")?;
            }
        }
        if let Some(kind) = self.kind {
            write!(f, " kind={}", kind.as_str())?;
        }
        if !self.fields.is_empty() {
            write!(f, " fields={}", self.fields.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::drift::Disagreement;

    fn rules(text: &str) -> Result<Ignores, BadIgnore> {
        #[derive(Deserialize)]
        struct File {
            ignore: Vec<IgnoreRule>,
        }
        Ignores::new(&toml::from_str::<File>(text).unwrap().ignore)
    }

    fn device(role: &str) -> Device {
        Device {
            name: crate::model::DeviceName::new("leaf-1").unwrap(),
            address: "192.0.2.1".into(),
            port: 22,
            platform: "cisco_ios".into(),
            role: role.into(),
            site: "fra1".into(),
            importance: 1.0,
            tags: vec![],
            jump: None,
            credential: None,
        }
    }

    fn port(name: &str) -> FactKey {
        FactKey::new(Kind::Interface, name)
    }

    #[test]
    fn lines_are_left_out_and_counted() {
        let ignores =
            rules("[[ignore]]\nrole = 'leaf'\nline = 'ntp clock-period *'\nreason = 'drifts'").unwrap();
        let text = "a\n  ntp clock-period 17\nntp server x\nntp clock-period 18\n".to_owned();
        let mut fitting = ignores.fitting(&device("leaf"));
        assert_eq!(ignores.without_lines(&mut fitting, text.clone()), "a\nntp server x\n");
        assert_eq!(fitting.fired, BTreeMap::from([(0, 2)]));
        let mut other = ignores.fitting(&device("spine"));
        assert_eq!(ignores.without_lines(&mut other, text.clone()), text);
        assert!(other.fired.is_empty());
    }

    #[test]
    fn things_and_fields_are_no_change_and_no_drift() {
        let ignores = rules(
            "[[ignore]]\nname = 'lab*'\nreason = 'x'\n[[ignore]]\nkind = 'interface'\nfields = ['description', 'admin']\nreason = 'y'",
        )
        .unwrap();
        let change = |name: &str, kind, fields: &[&str]| Change {
            key: port(name),
            kind,
            fields: fields.iter().map(|f| (*f).to_owned()).collect(),
            after: chrono::DateTime::UNIX_EPOCH,
            until: chrono::DateTime::UNIX_EPOCH,
            who: None,
            via: None,
        };
        let mut changes = vec![
            change("lab1", ChangeKind::Added, &[]),
            change("ge1", ChangeKind::Added, &[]),
            change("ge2", ChangeKind::Modified, &["admin", "outer"]),
            change("ge3", ChangeKind::Modified, &["description"]),
        ];
        let mut fitting = ignores.fitting(&device(""));
        ignores.settle_changes(&mut fitting, &mut changes);
        let left: Vec<_> = changes.iter().map(|c| (c.key.key.as_str(), c.fields.join(","))).collect();
        assert_eq!(left, [("ge1", String::new()), ("ge2", "outer".to_owned())]);
        assert_eq!(fitting.fired, BTreeMap::from([(0, 1), (1, 2)]));

        let found = |name: &str, class, fields: &[&str]| Disagreement {
            key: port(name),
            class,
            fields: fields.iter().map(|f| (*f).to_owned()).collect(),
            record: None,
            fact: None,
        };
        let disagreements = vec![
            found("ge1", DriftClass::Missing, &[]),
            found("ge3", DriftClass::Differs, &["description"]),
            found("lab1", DriftClass::Differs, &["outer"]),
        ];
        let mut comparison = Comparison { disagreements, unmanaged: 0, agreed: 4, covered: 7 };
        ignores.settle_comparison(&mut fitting, &mut comparison);
        assert_eq!(comparison.disagreements.len(), 1);
        assert_eq!((comparison.agreed, comparison.covered), (5, 6));
    }

    #[test]
    fn a_rule_says_what_and_why() {
        for (text, told) in [
            ("line = 'x'\nreason = ' '", "needs a reason"),
            ("reason = 'x'", "say what to ignore"),
            ("line = 'x'\nname = 'y'\nreason = 'x'", "not both"),
            ("line = ' **'\nreason = 'x'", "every line"),
            ("name = '[a'\nreason = 'x'", "name is no pattern"),
        ] {
            let error = rules(&format!("[[ignore]]\n{text}")).unwrap_err().to_string();
            assert!(error.contains("rule 1") && error.contains(told), "{error}");
        }
        let ignores =
            rules("[[ignore]]\nplatform = 'cisco_*'\nfields = ['mtu', 'admin']\nreason = 'x'").unwrap();
        assert_eq!(ignores.lines(), ["ignore platform=cisco_* fields=mtu,admin"]);
    }
}
