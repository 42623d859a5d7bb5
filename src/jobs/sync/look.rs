//! What is known of some devices before their records are written, and the one
//! write that notices if somebody came in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::analysis::{self, Coverage, Rules};
use crate::jobs::records::{Touched, merged};
use crate::jobs::{Env, JobError, collector};
use crate::model::device::DeviceId;
use crate::model::drift::Disagreement;
use crate::model::{Cause, Device, Drift, DriftId, FactKey, Outcome, Scope, Step};
use crate::store::{Knowledge, RecordChange, RecordCounts, RecordEdit, SeenScan, Store};
use crate::sync::undo::Back;
use crate::sync::{Draft, Proof, Situation, draft};

/// The live inventory.
pub(super) fn live(store: &Store) -> Result<BTreeMap<DeviceId, Device>, JobError> {
    Ok(store.devices()?.into_iter().filter(|d| !d.retired).map(|d| (d.id, d.device)).collect())
}

/// What is known of some devices.
pub(super) struct Look {
    pub(super) known: HashMap<DeviceId, Knowledge>,
    proofs: HashMap<DriftId, Proof>,
    pub(super) versions: HashMap<DeviceId, BTreeMap<FactKey, i64>>,
    /// How the newest attempt to read each ended; filled by who drafts.
    pub(super) newest: HashMap<DeviceId, Outcome>,
    /// Newest attempts of devices of which single things were named.
    pub(super) scans: HashMap<DeviceId, Vec<SeenScan>>,
}

impl Look {
    pub(super) fn at(store: &Store, devices: &[DeviceId]) -> Result<Self, JobError> {
        // Versions first: a write that comes in between is noticed when we write.
        let versions = store.record_versions(Some(devices))?;
        let proofs = store.drift_evidence(Some(devices))?.into_iter().map(|(id, found)| {
            let proof = Proof {
                scan: found.scan,
                run: found.run,
                started: found.started,
                whole: found.whole,
                seen: found.seen,
                updates: found.updates,
            };
            (id, proof)
        });
        Ok(Self {
            proofs: proofs.collect(),
            known: store.knowledge(devices)?,
            versions: versions
                .into_iter()
                .map(|(id, all)| (id, all.into_iter().map(|(key, (seq, _))| (key, seq)).collect()))
                .collect(),
            newest: HashMap::new(),
            scans: HashMap::new(),
        })
    }

    pub(super) fn draft(
        &self,
        env: &Env,
        id: DeviceId,
        device: &Device,
        wanted: &dyn Fn(&Drift) -> bool,
        named: &BTreeSet<FactKey>,
        unattended: bool,
    ) -> Draft {
        let Some(known) = self.known.get(&id) else { return Draft::default() };
        let empty = BTreeMap::new();
        let coverage = Coverage::from_records(&env.coverage, &known.records);
        let mut comparison = analysis::compare(&known.facts, &known.records, &coverage, &|_| true);
        env.ignores.settle_comparison(&mut env.ignores.fitting(device), &mut comparison);
        let (mut drifts, mut proofs) = (known.drifts.clone(), self.proofs.clone());
        let mut disagreements = comparison.disagreements;
        for (drift, proof, found) in self.named(id, device, known, named) {
            proofs.insert(drift.id.clone(), proof);
            drifts.push(drift);
            disagreements.push(found);
        }
        let asked = |drift: &Drift| wanted(drift) || named.contains(&drift.key);
        let situation = Situation {
            device,
            now: env.clock.now(),
            newest: self.newest.get(&id).copied(),
            facts: &known.facts,
            versions: self.versions.get(&id).unwrap_or(&empty),
            drifts: &drifts,
            proofs: &proofs,
            disagreements: &disagreements,
        };
        draft(&situation, &env.policies, &env.settings.sync, &asked, unattended)
    }

    /// Things that somebody named and that are no open drift, because the
    /// record does not claim to know of them: what they would be if it did.
    fn named(
        &self,
        id: DeviceId,
        device: &Device,
        known: &Knowledge,
        named: &BTreeSet<FactKey>,
    ) -> Vec<(Drift, Proof, Disagreement)> {
        let open: BTreeSet<&FactKey> = known.drifts.iter().map(|drift| &drift.key).collect();
        let asked = |key: &FactKey| named.contains(key) && !open.contains(key);
        if !named.iter().any(asked) {
            return Vec::new();
        }
        let everything = Rules::everything();
        let coverage = Coverage::from_records(&everything, &known.records);
        let found = analysis::compare(&known.facts, &known.records, &coverage, &asked).disagreements;
        let scans = self.scans.get(&id).map(Vec::as_slice).unwrap_or_default();
        let with_proof = |found: Disagreement| {
            let names_it = |scope: &Scope| {
                *scope == Scope::Device
                    || (scope.kind() == found.key.kind.as_str() && scope.name() == Some(&found.key.key))
            };
            let scan =
                scans.iter().find(|scan| scan.row.outcome.is_complete() && names_it(&scan.row.scope))?;
            let proof = Proof {
                scan: scan.seq,
                run: scan.row.run,
                started: scan.row.started_at,
                whole: scan.row.scope == Scope::Device,
                seen: 1,
                updates: 0,
            };
            let drift = Drift {
                id: DriftId::of(id, &found.key),
                device_id: id,
                device: device.name.clone(),
                key: found.key.clone(),
                class: found.class,
                fields: found.fields.clone(),
                cause: Cause::Unknown,
                record: None,
                fact: None,
                first_seen: proof.started,
                since: proof.started,
                last_seen: proof.started,
                recurrences: 0,
            };
            Some((drift, proof, found))
        };
        found.into_iter().filter_map(with_proof).collect()
    }
}

/// One device as it was looked at before a write.
pub(super) struct Basis {
    pub(super) known: Knowledge,
    /// The newest change of any of its records.
    newest: i64,
}

impl Basis {
    pub(super) fn of(look: &mut Look, id: DeviceId) -> Self {
        let newest = look.versions.get(&id).and_then(|all| all.values().copied().max());
        Self { known: look.known.remove(&id).unwrap_or_default(), newest: newest.unwrap_or(0) }
    }
}

pub(super) struct Wrote {
    pub(super) counts: RecordCounts,
    pub(super) resolved: usize,
}

/// Writes records of one device, with the drifts that they explain, if no
/// record of it moved since it was looked at. `said`: who and why.
pub(super) fn write(
    env: &Env,
    store: &Store,
    id: DeviceId,
    basis: &Basis,
    back: &Back,
    change: RecordChange<'_>,
    said: (&str, &str),
) -> Result<Wrote, JobError> {
    let now = env.clock.now();
    let mut steps = Vec::new();
    // A device that was never read has no facts to disagree with.
    if basis.known.compared.is_some() {
        let removed: Vec<&FactKey> = back.remove.iter().map(|(_, key)| key).collect();
        let touched = Touched { put: back.put.iter().collect(), removed };
        let records = merged(basis.known.records.clone(), &touched);
        let known = Knowledge { records, ..basis.known.clone() };
        let all = collector::recompare(env, id, &known, now);
        steps.extend(all.into_iter().filter(|step| step.step == Step::Resolved).map(|step| (id, step)));
    }
    let unmoved = [(id, basis.newest)];
    let edit = RecordEdit {
        records: &back.put,
        removed: &back.remove,
        drift_steps: &steps,
        change,
        unmoved: &unmoved,
        ..RecordEdit::default()
    };
    let counts = store.set_records(&edit, now, said.0, said.1)?;
    Ok(Wrote { counts, resolved: steps.len() })
}
