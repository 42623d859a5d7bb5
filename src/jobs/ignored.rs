//! The rules for noise (`[[ignore]]`, and policies that ignore): what each did
//! in a run is noted with it, so that a rule that never fires can be told.

use std::collections::{BTreeMap, HashMap};

use super::collector::Kept;
use super::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{Device, RunId};
use crate::report::view::upkeep::IgnoreRule;
use crate::store::Store;
use crate::sync::policy::Case;

/// Notes what the rules did in a run, before it ends. An `[[ignore]]` fires
/// once a line, a change or a drift that it takes out of a reading; a device
/// that sends what it sent before is not looked at again. A policy fires once
/// an open drift that it leaves alone.
pub(super) fn note(env: &Env, store: &Store, run: RunId, kept: &[Kept]) -> Result<(), JobError> {
    let rules = rules(env);
    if rules.is_empty() {
        return Ok(());
    }
    let mut fired: BTreeMap<String, u64> = BTreeMap::new();
    let lines = env.ignores.lines();
    for (at, times) in kept.iter().flat_map(|kept| &kept.fired) {
        *fired.entry(lines[*at].clone()).or_default() += times;
    }
    let policies: Vec<String> =
        env.policies.lines().into_iter().map(|line| format!("policy: {line}")).collect();
    if env.policies.ignore_any() {
        let devices: HashMap<DeviceId, Device> =
            store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect();
        let today = env.clock.now().date_naive();
        for drift in store.drifts(None)? {
            let Some(device) = devices.get(&drift.device_id) else { continue };
            for at in env.policies.ignoring(&Case::of(device, &drift), today) {
                *fired.entry(policies[at].clone()).or_default() += 1;
            }
        }
    }
    let known: Vec<String> = store.ignored(None)?.into_iter().map(|count| count.rule).collect();
    for (rule, _) in rules {
        if !known.contains(&rule) {
            fired.entry(rule).or_default();
        }
    }
    let fired: Vec<(String, u64)> = fired.into_iter().collect();
    store.append_ignored(run, env.clock.now(), &fired)?;
    Ok(())
}

/// The rules of the configuration with what they did so far, in its order.
pub fn ignore_rules(env: &Env) -> Result<Vec<IgnoreRule>, JobError> {
    if rules(env).is_empty() {
        return Ok(Vec::new());
    }
    as_of(env, &env.store()?, None)
}

pub(super) fn as_of(env: &Env, store: &Store, run: Option<RunId>) -> Result<Vec<IgnoreRule>, JobError> {
    let rules = rules(env);
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let counts = store.ignored(run)?;
    let with_count = |(rule, reason): (String, String)| {
        let count = counts.iter().find(|count| count.rule == rule);
        IgnoreRule {
            since: count.map(|count| count.since),
            times: count.map_or(0, |count| count.times),
            runs: count.map_or(0, |count| count.runs),
            last: count.and_then(|count| count.last),
            rule,
            reason,
        }
    };
    Ok(rules.into_iter().map(with_count).collect())
}

/// Each rule in one line, with its reason.
fn rules(env: &Env) -> Vec<(String, String)> {
    let reasons = env.settings.ignore.iter().map(|rule| rule.reason.clone());
    let ignores = env.ignores.lines().into_iter().zip(reasons);
    let policies = env.settings.policy.iter().filter(|policy| policy.is_ignore());
    let policies =
        policies.map(|policy| (format!("policy: {policy}"), policy.reason.clone().unwrap_or_default()));
    ignores.chain(policies).collect()
}
