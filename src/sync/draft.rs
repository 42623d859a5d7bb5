//! One device at one moment: which of its open drifts could be written into
//! the record, and why the others could not.
//!
//! The same function makes a plan and checks it when it is applied: an item
//! that it would no longer draft is not written. So there is one list of
//! reasons, and no second road past it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::plan::{Action, Item, Rest};
use super::policy::{Case, Deed, Policies, Ruling};
use super::{Held, Settings};
use crate::analysis::accept;
use crate::model::drift::{Disagreement, DriftClass};
use crate::model::{Device, Drift, DriftId, Fact, FactKey, Outcome, Record, RunId};

/// A drift that was updated so often while it was open never settles.
pub const RESTLESS_UPDATES: u32 = 5;
/// One that came back so often does not either.
pub const RESTLESS_RETURNS: i64 = 3;

/// The reading that a drift rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The newest complete scan that covers the thing.
    pub scan: i64,
    pub run: RunId,
    pub started: DateTime<Utc>,
    /// The whole device was read, not only this thing.
    pub whole: bool,
    /// Complete scans that cover it since it is in its class, this one included.
    pub seen: u32,
    /// How often it changed while it was open.
    pub updates: u32,
}

/// What is known of one device.
pub struct Situation<'a> {
    pub device: &'a Device,
    pub now: DateTime<Utc>,
    /// How the newest attempt to read it ended, of any scope.
    pub newest: Option<Outcome>,
    pub facts: &'a [Fact],
    /// Newest event of every record that ever was.
    pub versions: &'a BTreeMap<FactKey, i64>,
    pub drifts: &'a [Drift],
    pub proofs: &'a HashMap<DriftId, Proof>,
    /// The newest facts against the records of now.
    pub disagreements: &'a [Disagreement],
}

/// Why a drift is not written. The text is for people, the code for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Hold {
    /// The newest attempt to read the device failed.
    NotComplete {
        outcome: Outcome,
    },
    /// The reading is too old, or later than the clock.
    Stale {
        hours: i64,
        fresh: u32,
    },
    /// No complete scan covers it.
    NotRead,
    /// The record was changed after the reading.
    RecordNewer,
    /// Missed in fewer complete scans than are asked for.
    AbsentOnce {
        seen: u32,
        needed: u32,
    },
    /// The whole device shows nothing at all.
    NothingThere,
    Ignored {
        until: Option<chrono::NaiveDate>,
        reason: Option<String>,
    },
    Protected {
        reason: Option<String>,
    },
    /// Nobody allowed to accept it without a person.
    NotAccepted,
    /// It never settles, so a person has to look.
    Restless {
        updates: u32,
        returns: i64,
    },
    /// Another device claims the same.
    Claimed {
        what: String,
        also: String,
    },
    /// It is no longer so, or no drift any more.
    Moved,
    /// Stored by another version of this program.
    Unreadable,
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let because = |reason: &Option<String>| reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        match self {
            Self::NotComplete { outcome } => {
                write!(f, "the newest attempt to read the device was not complete ({})", outcome.as_str())
            }
            Self::Stale { hours, .. } if *hours < 0 => f.write_str("the reading is later than the clock"),
            Self::Stale { hours, fresh } => {
                write!(
                    f,
                    "the reading is {hours} hours old; only {fresh} hours count as fresh: scan it again"
                )
            }
            Self::NotRead => f.write_str("no complete scan covers it"),
            Self::RecordNewer => f.write_str("the record was changed after the reading: scan it again"),
            Self::AbsentOnce { seen, needed } => {
                write!(
                    f,
                    "absent in {seen} complete scan(s) in a row, {needed} are needed before it is removed"
                )
            }
            Self::NothingThere => f.write_str("the device shows nothing at all, which proves no absence"),
            Self::Ignored { until, reason } => {
                let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                write!(f, "ignored{until}{}", because(reason))
            }
            Self::Protected { reason } => write!(f, "protected{}", because(reason)),
            Self::NotAccepted => f.write_str("no policy accepts it: a person decides"),
            Self::Restless { updates, returns } => write!(
                f,
                "it never settles (came back {returns} times, changed {updates} times while open): find what writes it"
            ),
            Self::Claimed { what, also } => write!(f, "conflict: {also} claims {what} too"),
            Self::Moved => f.write_str("it is no longer so"),
            Self::Unreadable => f.write_str("it was stored by another version: scan the device again"),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Ordered by kind and key.
    pub items: Vec<Item>,
    pub held: Vec<Held>,
    /// How often each policy matched, by its number from 1.
    pub matched: BTreeMap<usize, u32>,
}

/// Drafts the drifts of one device that are `wanted`. `unattended`: only what a
/// policy accepts and what settles.
pub fn draft(
    situation: &Situation<'_>,
    policies: &Policies,
    settings: &Settings,
    wanted: &dyn Fn(&Drift) -> bool,
    unattended: bool,
) -> Draft {
    let mut out = Draft::default();
    let mut drifts: Vec<&Drift> = situation.drifts.iter().filter(|drift| wanted(drift)).collect();
    drifts.sort_by(|a, b| a.key.cmp(&b.key));
    for drift in drifts {
        let ruling = policies.rule(&Case::of(situation.device, drift), situation.now.date_naive());
        if let Some(number) = ruling.policy {
            *out.matched.entry(number).or_default() += 1;
        }
        match item(situation, settings, drift, &ruling, unattended) {
            Ok(item) => out.items.push(item),
            Err(why) => out.held.push(Held {
                device: situation.device.name.clone(),
                kind: drift.key.kind,
                key: drift.key.key.clone(),
                drift: drift.id.clone(),
                class: drift.class,
                text: why.to_string(),
                why,
            }),
        }
    }
    out
}

/// One drift as an item, or why not. The order of the checks is from the
/// device to the thing: what is wrong with the whole is said first.
fn item(
    situation: &Situation<'_>,
    settings: &Settings,
    drift: &Drift,
    ruling: &Ruling,
    unattended: bool,
) -> Result<Item, Hold> {
    match ruling.deed {
        Deed::Protect => return Err(Hold::Protected { reason: ruling.reason.clone() }),
        Deed::Ignore => {
            return Err(Hold::Ignored { until: ruling.until, reason: ruling.reason.clone() });
        }
        Deed::Propose if unattended => return Err(Hold::NotAccepted),
        Deed::Propose | Deed::Accept => {}
    }
    let outcome = situation.newest.ok_or(Hold::NotRead)?;
    if !outcome.is_complete() {
        return Err(Hold::NotComplete { outcome });
    }
    let proof = situation.proofs.get(&drift.id).ok_or(Hold::NotRead)?;
    let age = situation.now - proof.started;
    if age > TimeDelta::hours(i64::from(settings.fresh_hours)) || age < -TimeDelta::minutes(10) {
        // Rounded away from what is still fresh.
        let hours = if age < TimeDelta::zero() { -1 } else { (age.num_minutes() + 59) / 60 };
        return Err(Hold::Stale { hours, fresh: settings.fresh_hours });
    }
    let version = situation.versions.get(&drift.key).copied().unwrap_or(0);
    if version > proof.scan {
        return Err(Hold::RecordNewer);
    }
    let now = situation.disagreements.iter().find(|d| d.key == drift.key).ok_or(Hold::Moved)?;
    if now.class != drift.class || now.fields != drift.fields {
        return Err(Hold::Moved);
    }
    if unattended && (proof.updates >= RESTLESS_UPDATES || drift.recurrences >= RESTLESS_RETURNS) {
        return Err(Hold::Restless { updates: proof.updates, returns: drift.recurrences });
    }
    let (action, before, after) = match now.class {
        DriftClass::Missing => {
            if proof.whole && situation.facts.is_empty() {
                return Err(Hold::NothingThere);
            }
            if proof.seen < settings.absences {
                return Err(Hold::AbsentOnce { seen: proof.seen, needed: settings.absences });
            }
            (Action::Remove, now.record.clone(), None)
        }
        DriftClass::Unrecorded => (Action::Add, None, accept::accepting(&situation.device.name, now)),
        DriftClass::Differs => {
            let kept: Vec<String> =
                now.fields.iter().filter(|field| !ruling.kept.contains(field)).cloned().collect();
            let part = Disagreement { fields: kept, ..now.clone() };
            (Action::Update, now.record.clone(), accept::accepting(&situation.device.name, &part))
        }
    };
    if action != Action::Remove && after.is_none() {
        return Err(Hold::Unreadable);
    }
    Ok(Item {
        kind: drift.key.kind,
        key: drift.key.key.clone(),
        action,
        says: says(action, before.as_ref(), after.as_ref()),
        drift: Some(drift.id.clone()),
        cause: Some(drift.cause),
        recurrences: drift.recurrences,
        policy: ruling.policy,
        before,
        after,
        version,
        rests_on: Rest::Scan {
            scan: proof.scan,
            run: proof.run,
            started_at: proof.started,
            whole_device: proof.whole,
            seen: proof.seen,
        },
    })
}

/// An item in words: `outer 250 → 251, service a → b`.
pub(super) fn says(action: Action, before: Option<&Record>, after: Option<&Record>) -> String {
    let fields = |record: Option<&Record>| record.map(Record::fields).unwrap_or_default();
    let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let told = |record: Option<&Record>| -> Vec<String> {
        let set = fields(record).into_iter().filter_map(|(name, value)| Some((name, value?)));
        set.map(|(name, value)| format!("{name} {value}")).collect()
    };
    let parts: Vec<String> = match action {
        Action::Add => told(after),
        Action::Remove => told(before),
        Action::Update => fields(before)
            .into_iter()
            .zip(fields(after))
            .filter(|(old, new)| old.1 != new.1)
            .map(|(old, new)| format!("{} {} → {}", old.0, shown(old.1), shown(new.1)))
            .collect(),
    };
    parts.join(", ")
}
