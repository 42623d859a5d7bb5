//! What is configured on devices and lies outside the record's coverage. It is
//! counted and never a drift; here it is listed, so that somebody can widen the
//! coverage with open eyes: as a plan that records what is there.

use std::collections::BTreeSet;

use super::look::live;
use crate::analysis::Coverage;
use crate::jobs::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{DeviceName, Fact};

/// Devices whose facts are in memory at once.
const GROUP: usize = 64;

/// A configured thing of which the record does not claim to know.
#[derive(Clone, Debug)]
pub struct Unmanaged {
    pub device_id: DeviceId,
    pub device: DeviceName,
    pub fact: Fact,
}

/// All of them, by device, kind and name; `None`: of all live devices. From the
/// newest facts, however old these are.
pub fn unmanaged(env: &Env, devices: Option<&BTreeSet<DeviceId>>) -> Result<Vec<Unmanaged>, JobError> {
    let store = env.store()?;
    let mut live = live(&store)?;
    live.retain(|id, _| devices.is_none_or(|wanted| wanted.contains(id)));
    let ids: Vec<DeviceId> = live.keys().copied().collect();
    let mut found = Vec::new();
    for group in ids.chunks(GROUP) {
        let mut known = store.knowledge(group)?;
        for id in group {
            let (Some(known), Some(device)) = (known.remove(id), live.get(id)) else { continue };
            let coverage = Coverage::from_records(&env.coverage, &known.records);
            let outside =
                known.facts.into_iter().filter(|fact| fact.is_configured() && !coverage.covers(&fact.key()));
            found.extend(outside.map(|fact| Unmanaged { device_id: *id, device: device.name.clone(), fact }));
        }
    }
    found.sort_by(|a, b| (&a.device, a.fact.key()).cmp(&(&b.device, b.fact.key())));
    Ok(found)
}
