//! What may happen to a drift without a person: the `[[policy]]` tables of the
//! configuration. Without any, everything is proposed and nothing is written.
//!
//! `protect` is stronger than all else wherever it stands; of the others the
//! first that matches counts. A rule says how often it matched, because a rule
//! that never does is a mistake nobody sees.

use chrono::NaiveDate;
use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{Cause, Device, Drift, DriftClass, Kind};

/// What a policy does with the drifts that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Offer it to a person: it is in `sync plan`.
    Propose,
    /// A nightly run may accept it, through plan and guards.
    Accept,
    /// Leave it alone until a day.
    Ignore,
    /// Never write it from a scan.
    Protect,
}

impl Deed {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Accept => "accept",
            Self::Ignore => "ignore",
            Self::Protect => "protect",
        }
    }
}

/// One `[[policy]]`. What is not said matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub action: Deed,
    /// Globs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub site: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<String>,
    /// A glob of the thing's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<DriftClass>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
    /// Only these compared fields: with `ignore` and `protect`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
    /// The last day on which an `ignore` holds.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "day")]
    pub until: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl Policy {
    pub fn is_ignore(&self) -> bool {
        self.action == Deed::Ignore
    }
}

/// A date, as text or as TOML writes it.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Toml(toml::value::Datetime),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Text(text) => text,
        Written::Toml(date) => date.to_string(),
    };
    let date = text.parse().map_err(|_| serde::de::Error::custom("until is a day such as 2027-03-31"))?;
    Ok(Some(date))
}

/// A policy that cannot be used. `number` counts from 1, in the order of the file.
#[derive(Debug, thiserror::Error)]
#[error("failed to accept policy {number}: {why}")]
pub struct BadPolicy {
    pub number: usize,
    pub why: String,
}

/// Policies with compiled globs; made once a run.
#[derive(Debug, Default)]
pub struct Policies {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    policy: Policy,
    site: Option<GlobMatcher>,
    role: Option<GlobMatcher>,
    platform: Option<GlobMatcher>,
    device: Option<GlobMatcher>,
    name: Option<GlobMatcher>,
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub device: &'a Device,
    pub kind: Kind,
    pub name: &'a str,
    pub class: DriftClass,
    pub cause: Cause,
    /// Of a `differs`.
    pub fields: &'a [String],
}

impl<'a> Case<'a> {
    pub fn of(device: &'a Device, drift: &'a Drift) -> Self {
        Self {
            device,
            kind: drift.key.kind,
            name: &drift.key.key,
            class: drift.class,
            cause: drift.cause,
            fields: &drift.fields,
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    pub deed: Deed,
    /// Which policy said so, from 1; `None` is the default.
    pub policy: Option<usize>,
    pub until: Option<NaiveDate>,
    pub reason: Option<String>,
    /// Fields of a `differs` that must stay as the record has them.
    pub kept: Vec<String>,
}

impl Policies {
    pub fn new(policies: &[Policy]) -> Result<Self, BadPolicy> {
        let rules = policies.iter().zip(1..).map(|(policy, number)| Rule::new(policy, number));
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// Whether any policy may write without a person.
    pub fn accept_any(&self) -> bool {
        self.rules.iter().any(|rule| rule.policy.action == Deed::Accept)
    }

    /// Whether any policy leaves drifts alone.
    pub fn ignore_any(&self) -> bool {
        self.rules.iter().any(|rule| rule.policy.is_ignore())
    }

    /// The places, from 0, of the policies that leave a drift or some fields of
    /// it alone, whatever the others say.
    pub fn ignoring(&self, case: &Case<'_>, today: NaiveDate) -> Vec<usize> {
        let about = |rule: &Rule| {
            let named = &rule.policy.fields;
            named.is_empty() || case.fields.iter().any(|field| named.contains(field))
        };
        let rules = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.policy.is_ignore() && rule.matches(case, today) && about(rule));
        rules.map(|(at, _)| at).collect()
    }

    /// Each policy in one line, in the order of the file.
    pub fn lines(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.policy.to_string()).collect()
    }

    /// What to do on `today`. An `ignore` after its last day no longer matches.
    pub fn rule(&self, case: &Case<'_>, today: NaiveDate) -> Ruling {
        let mut ruling =
            Ruling { deed: Deed::Propose, policy: None, until: None, reason: None, kept: Vec::new() };
        let matching = || {
            let numbered = self.rules.iter().zip(1..);
            numbered.filter(|(rule, _)| rule.matches(case, today))
        };
        // Rules about some fields take these out; what is left is for the others.
        let of_fields = |rule: &Rule| {
            let named = &rule.policy.fields;
            let hit: Vec<String> = case.fields.iter().filter(|f| named.contains(f)).cloned().collect();
            hit
        };
        for (rule, number) in matching().filter(|(rule, _)| !rule.policy.fields.is_empty()) {
            let hit = of_fields(rule);
            ruling.kept.extend(hit);
            ruling.kept.sort();
            ruling.kept.dedup();
            if !case.fields.is_empty() && ruling.kept.len() == case.fields.len() {
                return Ruling { kept: Vec::new(), ..rule.said(number) };
            }
        }
        let whole = || matching().filter(|(rule, _)| rule.policy.fields.is_empty());
        let found = whole().find(|(rule, _)| rule.policy.action == Deed::Protect).or_else(|| whole().next());
        match found {
            Some((rule, number)) => Ruling { kept: ruling.kept, ..rule.said(number) },
            None => ruling,
        }
    }
}

impl Rule {
    fn new(policy: &Policy, number: usize) -> Result<Self, BadPolicy> {
        let bad = |why: String| BadPolicy { number, why };
        let glob = |key: &str, text: &Option<String>| {
            let compile = |text: &String| {
                Glob::new(text)
                    .map(|glob| glob.compile_matcher())
                    .map_err(|_| bad(format!("{key} is no pattern: {text:?}")))
            };
            text.as_ref().map(compile).transpose()
        };
        let says_why = policy.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
        if policy.action == Deed::Ignore && (policy.until.is_none() || !says_why) {
            return Err(bad("an ignore needs a last day (until) and a reason".to_owned()));
        }
        if policy.action != Deed::Ignore && policy.until.is_some() {
            return Err(bad(format!("until belongs to ignore, not to {}", policy.action.as_str())));
        }
        if !policy.fields.is_empty() && !matches!(policy.action, Deed::Ignore | Deed::Protect) {
            return Err(bad("fields belong to ignore and protect".to_owned()));
        }
        Ok(Self {
            site: glob("site", &policy.site)?,
            role: glob("role", &policy.role)?,
            platform: glob("platform", &policy.platform)?,
            device: glob("device", &policy.device)?,
            name: glob("name", &policy.name)?,
            policy: policy.clone(),
        })
    }

    fn matches(&self, case: &Case<'_>, today: NaiveDate) -> bool {
        let fits = |glob: &Option<GlobMatcher>, text: &str| glob.as_ref().is_none_or(|g| g.is_match(text));
        let policy = &self.policy;
        policy.until.is_none_or(|until| today <= until)
            && policy.kind.is_none_or(|kind| kind == case.kind)
            && policy.class.is_none_or(|class| class == case.class)
            && policy.cause.is_none_or(|cause| cause == case.cause)
            && fits(&self.site, &case.device.site)
            && fits(&self.role, &case.device.role)
            && fits(&self.platform, &case.device.platform)
            && fits(&self.device, case.device.name.as_str())
            && fits(&self.name, case.name)
    }

    fn said(&self, number: usize) -> Ruling {
        Ruling {
            deed: self.policy.action,
            policy: Some(number),
            until: self.policy.until,
            reason: self.policy.reason.clone(),
            kept: Vec::new(),
        }
    }
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.action.as_str())?;
        let texts = [
            ("site", &self.site),
            ("role", &self.role),
            ("platform", &self.platform),
            ("device", &self.device),
            ("name", &self.name),
        ];
        for (key, value) in texts {
            if let Some(value) = value {
                write!(f, " {key}={value}")?;
            }
        }
        if let Some(kind) = self.kind {
            write!(f, " kind={kind}")?;
        }
        if let Some(class) = self.class {
            write!(f, " class={}", class.as_str())?;
        }
        if let Some(cause) = self.cause {
            write!(f, " cause={}", cause.as_str())?;
        }
        if !self.fields.is_empty() {
            write!(f, " fields={}", self.fields.join(","))?;
        }
        if let Some(until) = self.until {
            write!(f, " until={until}")?;
        }
        Ok(())
    }
}
