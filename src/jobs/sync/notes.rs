//! What else is known of an open drift: who changed the thing and how, whether
//! it ever settles, and what a policy says about it.

use std::collections::HashMap;

use serde::Serialize;

use super::look::live;
use crate::jobs::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{Change, Drift, DriftId, FactKey};
use crate::store::Decision;
use crate::sync::draft::{RESTLESS_RETURNS, RESTLESS_UPDATES};
use crate::sync::policy::Case;

/// What stands beside a drift in `diff`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DriftNote {
    /// The newest change of the thing: when, and who committed if the device says so.
    pub changed: Option<Change>,
    /// How often it was updated since it is open.
    pub updates: u32,
    /// `came back` or `never settles`.
    pub settles: Option<&'static str>,
    /// `ignore until 2027-03-31: test ports`; `None` where everything is proposed.
    pub policy: Option<String>,
    /// The skip or the override of a refused deploy that still stands.
    pub decision: Option<Decision>,
}

/// Notes on some open drifts.
pub fn drift_notes(env: &Env, drifts: &[Drift]) -> Result<HashMap<DriftId, DriftNote>, JobError> {
    let Some(since) = drifts.iter().map(|drift| drift.since).min() else { return Ok(HashMap::new()) };
    let store = env.store()?;
    let mut devices: Vec<DeviceId> = drifts.iter().map(|drift| drift.device_id).collect();
    devices.sort_unstable();
    devices.dedup();
    let one = match devices.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let mut changes: HashMap<(DeviceId, FactKey), Change> = HashMap::new();
    // Oldest first, so the newest stays. Scans are kept to the second.
    for (device, change) in store.changes(one, since - chrono::TimeDelta::seconds(1), None)? {
        changes.insert((device, change.key.clone()), change);
    }
    let evidence = store.drift_evidence(Some(&devices))?;
    let inventory = live(&store)?;
    let decisions: HashMap<(DeviceId, FactKey), Decision> =
        store.open_decisions(None)?.into_iter().map(|d| ((d.device_id, d.key.clone()), d)).collect();
    let today = env.clock.now().date_naive();
    let note = |drift: &Drift| {
        let updates = evidence.get(&drift.id).map_or(0, |found| found.updates);
        let settles = match drift.recurrences {
            n if n >= RESTLESS_RETURNS || updates >= RESTLESS_UPDATES => Some("never settles"),
            1.. => Some("came back"),
            _ => None,
        };
        let policy = inventory.get(&drift.device_id).and_then(|device| {
            let ruling = env.policies.rule(&Case::of(device, drift), today);
            ruling.policy?;
            let until = ruling.until.map(|until| format!(" until {until}")).unwrap_or_default();
            let reason = ruling.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            Some(format!("{}{until}{reason}", ruling.deed.as_str()))
        });
        let changed = changes.get(&(drift.device_id, drift.key.clone())).cloned();
        let decision = decisions.get(&(drift.device_id, drift.key.clone())).cloned();
        (drift.id.clone(), DriftNote { changed, updates, settles, policy, decision })
    };
    Ok(drifts.iter().map(note).collect())
}
