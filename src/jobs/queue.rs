//! The queue: scans that were asked for and read in the background. A request
//! is a row in the store, so it survives a restart; one that any later scan has
//! answered is closed by that scan, whoever made it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::collector::{Kept, Wants};
use super::scan::{Cast, Summary, carry_out, outcome_of};
use super::{Env, JobError, ignored};
use crate::config::Queue;
use crate::model::device::DeviceId;
use crate::model::{Device, Plan, Reason, RunKind, Scope, Target};
use crate::store::Request;

/// Puts a scan of each device into the queue, and gives the request's number
/// for each: an open request for the same part of a device is that request.
pub fn ask_later(
    env: &Env,
    devices: &[(DeviceId, Device)],
    scope: &Scope,
    why: &str,
) -> Result<Vec<i64>, JobError> {
    let store = env.store()?;
    let ask = |(id, _): &(DeviceId, Device)| store.ask(*id, scope, Reason::Requested, why, env.clock.now());
    Ok(devices.iter().map(ask).collect::<Result<_, _>>()?)
}

/// A request with the device it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub request: Request,
    pub device: Device,
}

/// Open requests about live devices, the most urgent first: refused deploys,
/// then in the order of asking. Those that a scan has answered since are closed.
pub fn waiting(env: &Env) -> Result<Vec<Waiting>, JobError> {
    let store = env.store()?;
    store.close_answered(env.clock.now())?;
    let open = store.requests()?;
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let mut devices: HashMap<DeviceId, Device> =
        store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
    drop(store);
    let mut waiting: Vec<Waiting> = Vec::new();
    for request in open {
        // Several requests may be about one device.
        let known = waiting.iter().find(|w| w.request.device == request.device).map(|w| w.device.clone());
        if let Some(device) = known.or_else(|| devices.remove(&request.device)) {
            waiting.push(Waiting { request, device });
        }
    }
    waiting.sort_by_key(|w| (w.request.reason != Reason::Conflict, w.request.id));
    Ok(waiting)
}

/// Whom to read now, within the limits: one session a device, few a site and a
/// jump host, and nobody who is `closed` now. Where a whole device is asked for, that request goes before the
/// narrow ones of the same device, because it answers them.
pub fn choose(waiting: &[Waiting], limits: &Queue, closed: &dyn Fn(&Device) -> bool) -> Vec<Waiting> {
    let whole: HashSet<DeviceId> =
        waiting.iter().filter(|w| w.request.scope == Scope::Device).map(|w| w.request.device).collect();
    let (mut sites, mut jumps) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    let mut taken = HashSet::new();
    let mut chosen = Vec::new();
    for one in waiting {
        let (id, device) = (one.request.device, &one.device);
        let jump = device.jump.as_deref();
        let narrow = one.request.scope != Scope::Device && whole.contains(&id);
        let full = sites.get(device.site.as_str()).is_some_and(|n| *n >= limits.per_site)
            || jump.is_some_and(|jump| jumps.get(jump).is_some_and(|n| *n >= limits.per_jump_host));
        if narrow || full || taken.contains(&id) || closed(device) {
            continue;
        }
        if chosen.len() >= limits.concurrency {
            break;
        }
        taken.insert(id);
        *sites.entry(&device.site).or_default() += 1;
        if let Some(jump) = jump {
            *jumps.entry(jump).or_default() += 1;
        }
        chosen.push(one.clone());
    }
    chosen
}

/// Reads `chosen`, all at once, as one run. Gives the requests that are still
/// open afterwards: their devices could not be read.
pub async fn drain(env: &Env, chosen: &[Waiting]) -> Result<Vec<i64>, JobError> {
    let store = env.store()?;
    let asked: Vec<i64> = chosen.iter().map(|w| w.request.id).collect();
    let note = serde_json::json!({ "requests": asked });
    let run = store.start_run(RunKind::Scan, env.clock.now(), i64::try_from(chosen.len()).ok(), &note)?;
    let states = store.last_states(None)?;
    let names = store.devices()?.into_iter().map(|d| d.device.name.as_str().to_ascii_lowercase()).collect();
    drop(store);
    let targets = chosen.iter().map(|w| Target {
        device_id: w.request.device,
        device: w.device.name.clone(),
        scope: w.request.scope.clone(),
        reason: w.request.reason,
        why: w.request.why.clone(),
        p_change: None,
    });
    let plan = Plan { round: 1, targets: targets.collect() };
    let cast = Cast {
        devices: Arc::new(chosen.iter().map(|w| (w.request.device, w.device.clone())).collect()),
        states: Arc::new(states),
        names: Arc::new(names),
        recompare: true,
        same_since: None,
    };
    let (kept, _): (Vec<Kept>, _) = carry_out(env, Wants { run, snapshots: false }, &plan, &cast).await?;
    let store = env.store()?;
    let stopped = kept.len() < chosen.len() && env.stop.is_pressed();
    let summary = Summary { stopped, ..Summary::of(&kept, store.drifts(None)?.len(), &BTreeMap::new()) };
    let outcome = if stopped { "partial" } else { outcome_of(&summary.devices) };
    let now = env.clock.now();
    ignored::note(env, &store, run, &kept)?;
    store.finish_run(run, now, outcome, &serde_json::to_value(&summary).unwrap_or_default())?;
    store.close_answered(now)?;
    let open: HashSet<i64> = store.requests()?.into_iter().map(|request| request.id).collect();
    Ok(asked.into_iter().filter(|id| open.contains(id)).collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::DeviceName;

    fn one(id: i64, device: i64, site: &str, jump: Option<&str>, scope: Scope) -> Waiting {
        let request = Request {
            id,
            device,
            scope,
            reason: Reason::Requested,
            why: String::new(),
            asked: chrono::DateTime::UNIX_EPOCH,
        };
        let device = Device {
            name: DeviceName::new(&format!("d{device}")).unwrap(),
            address: "127.0.0.1".to_owned(),
            port: 22,
            platform: "drivenets_dnos".to_owned(),
            role: String::new(),
            site: site.to_owned(),
            importance: 1.0,
            tags: Vec::new(),
            jump: jump.map(str::to_owned),
            credential: None,
        };
        Waiting { request, device }
    }

    #[test]
    fn limits_hold_and_nobody_behind_a_full_site_waits() {
        let limits = Queue { concurrency: 4, per_site: 2, per_jump_host: 1 };
        let narrow = Scope::Interface("ge1".to_owned());
        let waiting = [
            one(1, 1, "a", None, narrow.clone()),
            one(2, 2, "a", Some("j"), Scope::Device),
            one(3, 3, "a", None, Scope::Device),
            one(4, 4, "a", None, Scope::Device),
            one(5, 5, "b", Some("j"), Scope::Device),
            one(6, 6, "b", None, Scope::Device),
            one(7, 1, "a", None, Scope::Device),
            one(8, 7, "c", None, narrow.clone()),
            one(9, 8, "d", None, narrow),
        ];
        let ids: Vec<i64> =
            choose(&waiting, &limits, &|device| device.site == "d").iter().map(|w| w.request.id).collect();
        // 1 gives way to 7, and 7 to the two of its site; 5 shares a jump host.
        assert_eq!(ids, [2, 3, 6, 8]);
    }
}
