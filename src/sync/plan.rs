//! A sync plan: what would be written, on which evidence, for which database,
//! until when. It is a file that people read and pass on, so it is bound by a
//! hash to what they saw.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::draft::{Hold, says};
use super::guard::Breach;
use crate::model::device::{DeviceId, DeviceName};
use crate::model::snapshot::hex;
use crate::model::{Cause, DriftClass, DriftId, FactKey, Kind, Record, RunId};

/// The form of the file that this version writes and reads.
const FORM: u32 = 1;

/// `P-` and the first ten hex digits of a plan's hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanId(pub String);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Add,
    Update,
    Remove,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }

    /// The class of drift that such an item closes.
    pub fn class(self) -> DriftClass {
        match self {
            Self::Add => DriftClass::Unrecorded,
            Self::Update => DriftClass::Differs,
            Self::Remove => DriftClass::Missing,
        }
    }
}

/// What an item rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rest {
    /// A complete scan.
    Scan {
        /// Its sequence number.
        scan: i64,
        run: RunId,
        started_at: DateTime<Utc>,
        whole_device: bool,
        /// Complete scans in a row that say so.
        seen: u32,
    },
    /// A file that a person gave.
    File,
}

/// One record to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub kind: Kind,
    pub key: String,
    pub action: Action,
    /// In words.
    pub says: String,
    pub drift: Option<DriftId>,
    pub cause: Option<Cause>,
    /// How often the drift came back.
    pub recurrences: i64,
    /// The policy that decided about it, from 1.
    pub policy: Option<usize>,
    pub before: Option<Record>,
    pub after: Option<Record>,
    /// The record's newest event when the plan was made; 0: it never was.
    pub version: i64,
    pub rests_on: Rest,
}

impl Item {
    pub fn fact_key(&self) -> FactKey {
        FactKey::new(self.kind, self.key.clone())
    }

    /// An item of a file: the record of a key before and after.
    pub fn from_file(
        key: FactKey,
        before: Option<Record>,
        after: Option<Record>,
        version: i64,
    ) -> Option<Self> {
        let action = match (&before, &after) {
            (None, Some(_)) => Action::Add,
            (Some(_), None) => Action::Remove,
            (Some(old), Some(new)) if old != new => Action::Update,
            _ => return None,
        };
        Some(Self {
            kind: key.kind,
            key: key.key,
            action,
            says: says(action, before.as_ref(), after.as_ref()),
            drift: None,
            cause: None,
            recurrences: 0,
            policy: None,
            before,
            after,
            version,
            rests_on: Rest::File,
        })
    }
}

/// What is written together, or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub device: DeviceName,
    pub device_id: DeviceId,
    pub items: Vec<Item>,
}

/// A drift that is not in the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    pub device: DeviceName,
    pub kind: Kind,
    pub key: String,
    pub drift: DriftId,
    pub class: DriftClass,
    pub why: Hold,
    pub text: String,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub devices: usize,
    pub adds: usize,
    pub updates: usize,
    pub removals: usize,
    pub held: usize,
}

/// The plan file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncPlan {
    /// The form of this file.
    pub driftcast_plan: u32,
    /// SHA-256 over everything else.
    pub hash: String,
    /// The database that it was made from.
    pub database: String,
    pub made_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub made_by: String,
    pub totals: Totals,
    /// How often each policy of the configuration matched, by its number.
    pub policies: BTreeMap<usize, u32>,
    pub devices: Vec<Unit>,
    pub held: Vec<Held>,
}

/// Why a plan is not applied. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("failed to read the plan: {0}")]
    Unreadable(String),
    #[error("the plan was made by another version (form {0}, this program knows {FORM}): make it again")]
    Form(u32),
    #[error("the plan was edited: its content is not what its hash says")]
    Edited,
    #[error("the plan was made from another database ({plan}, this one is {here})")]
    Foreign { plan: String, here: String },
    #[error("the plan expired at {}", .0.format("%Y-%m-%d %H:%M UTC"))]
    Expired(DateTime<Utc>),
    #[error("the plan was made at {}, which is still to come: check the clock", .0.format("%Y-%m-%d %H:%M UTC"))]
    FromTheFuture(DateTime<Utc>),
    #[error("the plan is outdated: nothing of it still holds. {0}")]
    Outdated(String),
    #[error("a guard stopped it, nothing was written: {}", told(.0))]
    Guard(Vec<Breach>),
    #[error("there is no change {0:?}")]
    NoChange(String),
    #[error("it cannot be taken back, nothing was written: {0}")]
    Moved(String),
    #[error("there is nothing to restore in {0}: it removed no record")]
    NothingRemoved(String),
    #[error("there is no open drift {0}")]
    NoDrift(String),
    #[error("nothing of it can be synced, nothing was written: {0}")]
    HeldBack(String),
}

fn told(breaches: &[Breach]) -> String {
    breaches.iter().map(|breach| breach.text.as_str()).collect::<Vec<_>>().join("; ")
}

impl SyncPlan {
    /// A sealed plan.
    pub fn new(
        database: String,
        made_by: &str,
        made_at: DateTime<Utc>,
        hours: u32,
        devices: Vec<Unit>,
        held: Vec<Held>,
        policies: BTreeMap<usize, u32>,
    ) -> Self {
        let count = |action| devices.iter().flat_map(|d| &d.items).filter(|i| i.action == action).count();
        let totals = Totals {
            devices: devices.len(),
            adds: count(Action::Add),
            updates: count(Action::Update),
            removals: count(Action::Remove),
            held: held.len(),
        };
        let mut plan = Self {
            driftcast_plan: FORM,
            hash: String::new(),
            database,
            made_at,
            expires_at: made_at + TimeDelta::hours(i64::from(hours)),
            made_by: made_by.to_owned(),
            totals,
            policies,
            devices,
            held,
        };
        plan.hash = plan.digest();
        plan
    }

    pub fn is_empty(&self) -> bool {
        self.devices.iter().all(|unit| unit.items.is_empty())
    }

    /// How many records it would write.
    pub fn items(&self) -> usize {
        self.devices.iter().map(|unit| unit.items.len()).sum()
    }

    pub fn id(&self) -> PlanId {
        PlanId(format!("P-{}", self.hash.chars().take(10).collect::<String>()))
    }

    /// The file.
    pub fn to_text(&self) -> String {
        // Only maps with odd keys can fail; there are none.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file back. Only the hash is checked here: see [`Self::check`].
    pub fn read(text: &str) -> Result<Self, Refused> {
        #[derive(Deserialize)]
        struct Head {
            driftcast_plan: u32,
        }
        let unreadable = |error: serde_json::Error| Refused::Unreadable(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(unreadable)?;
        if head.driftcast_plan != FORM {
            return Err(Refused::Form(head.driftcast_plan));
        }
        let plan: Self = serde_json::from_str(text).map_err(unreadable)?;
        if plan.hash != plan.digest() {
            return Err(Refused::Edited);
        }
        Ok(plan)
    }

    /// Whether it may be applied to this database now.
    pub fn check(&self, database: &str, now: DateTime<Utc>) -> Result<(), Refused> {
        if self.hash != self.digest() {
            return Err(Refused::Edited);
        }
        if self.database != database {
            return Err(Refused::Foreign { plan: self.database.clone(), here: database.to_owned() });
        }
        if now >= self.expires_at {
            return Err(Refused::Expired(self.expires_at));
        }
        if now < self.made_at - TimeDelta::minutes(10) {
            return Err(Refused::FromTheFuture(self.made_at));
        }
        Ok(())
    }

    /// SHA-256 of the compact JSON with an empty hash.
    fn digest(&self) -> String {
        let mut bare = self.clone();
        bare.hash.clear();
        hex(&Sha256::digest(serde_json::to_string(&bare).unwrap_or_default()))
    }
}
