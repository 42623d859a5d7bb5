//! What policies accept without a person, in a nightly run: the same plan, the
//! same guards, and no second road.

use serde::{Deserialize, Serialize};

use super::apply::{SyncConsent, apply};
use super::plan::{SyncAsk, plan_for};
use crate::jobs::{Env, JobError};
use crate::model::RunId;
use crate::sync::{Held, Hold, Refused};

/// What policies did in a nightly run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicySync {
    pub plan: String,
    pub added: u64,
    pub updated: u64,
    pub removed: u64,
    pub skipped: u64,
    /// Drifts that a policy accepts and that are held back for another reason.
    pub held: u64,
    /// A guard stopped all of it: what would have happened, and how to allow it.
    pub stopped: Option<String>,
    /// The limits' names.
    pub limits: Vec<String>,
}

/// Accepts what the policies accept, through the same plan and guards. `None`:
/// no policy accepts anything.
pub(in crate::jobs) fn by_policy(env: &Env, run: RunId) -> Result<Option<PolicySync>, JobError> {
    if !env.policies.accept_any() {
        return Ok(None);
    }
    let who = "policy".to_owned();
    let plan = plan_for(env, &SyncAsk { unattended: true, who: who.clone(), ..SyncAsk::default() })?;
    let mut done = PolicySync { plan: plan.id().to_string(), ..PolicySync::default() };
    let by_person = |held: &&Held| matches!(held.why, Hold::NotAccepted);
    done.held = plan.held.iter().filter(|held| !by_person(held)).count() as u64;
    if plan.is_empty() {
        return Ok(Some(done));
    }
    let consent = SyncConsent {
        who,
        why: format!("policy, run {run}, {}", plan.id()),
        run: Some(run),
        by_policy: true,
        ..SyncConsent::default()
    };
    match apply(env, &plan, &consent) {
        Ok(synced) => {
            done.added = synced.added;
            done.updated = synced.updated;
            done.removed = synced.removed;
            done.skipped = synced.skipped.len() as u64;
        }
        Err(JobError::Sync(Refused::Guard(over))) => {
            done.limits = over.iter().map(|breach| breach.name.clone()).collect();
            done.stopped = Some(Refused::Guard(over).to_string());
        }
        Err(JobError::Sync(Refused::Outdated(_))) => {
            done.skipped = plan.devices.iter().map(|unit| unit.items.len() as u64).sum();
        }
        Err(error) => return Err(error),
    }
    Ok(Some(done))
}
