//! Accepting reality into the database of record, as a reviewed plan. Pure:
//! open drifts, facts and records come in, a plan with its evidence comes out,
//! and every rule that keeps a bad night out of the record stands here.
//!
//! The order of thought is the order of this list. Applying is a job.

// Which drifts may be accepted, by whom: the `[[policy]]` tables.
pub mod policy;

// One device's drifts → items that can be written, and what is held back and why.
pub mod draft;

// Two devices that claim one thing.
pub mod claim;

// How much may change at once.
pub mod guard;

// The plan as a file: hash, database, expiry.
pub mod plan;

// The way back.
pub mod undo;

// A refused deploy: what is there beside what was wanted.
pub mod verdict;

// The gate before a deploy.
pub mod gate;

use serde::{Deserialize, Deserializer, Serialize};

pub use draft::{Draft, Hold, Proof, Situation, draft};
pub(crate) use guard::share;
pub use guard::{Breach, Counts, Limit};
pub use plan::{Action, Held, Item, PlanId, Refused, Rest, SyncPlan, Unit};
pub use policy::{BadPolicy, Deed, Policies, Policy};

/// The `[sync]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Only snapshots that are not older may write, in hours.
    pub fresh_hours: u32,
    /// A thing is gone after so many complete scans in a row without it.
    #[serde(deserialize_with = "at_least_one")]
    pub absences: u32,
    /// How long a plan file is good, in hours.
    #[serde(deserialize_with = "at_least_one")]
    pub plan_hours: u32,
    /// In which area a VLAN id belongs to one service: `port`, `site`, `fleet`.
    pub vlan_owner: claim::VlanOwner,
    /// `check` answers `unknown` when the newest good scan is older, in hours.
    #[serde(deserialize_with = "at_least_one")]
    pub check_hours: u32,
    /// Updates, and removals, of one device's records in one plan.
    pub device: Limit,
    /// The same of all records of one kind.
    pub kind: Limit,
    /// The same of all records, together with what was synced in the 24 hours before.
    pub night: Limit,
}

impl Default for Settings {
    fn default() -> Self {
        let limit = |most| Limit { share: 0.3, least: 3, most };
        Self {
            fresh_hours: 24,
            absences: 2,
            plan_hours: 24,
            vlan_owner: claim::VlanOwner::Port,
            check_hours: 24,
            device: limit(200),
            kind: limit(500),
            night: limit(500),
        }
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(serde::de::Error::custom("it is at least 1")),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests;
