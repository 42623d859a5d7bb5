//! The gates around a deploy. Before it: may this be configured (`check`)?
//! After it: the device said that it already is (`resolve`); read it, judge it,
//! and carry out what is chosen. Nothing here ever configures a device.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use chrono::{DateTime, NaiveTime, Utc};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::scan::{OnDemand, scan};
use super::sync::{SyncAsk, SyncConsent, Synced, apply, plan_for};
use super::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::snapshot::hex;
use crate::model::{Device, Drift, Fact, FactKey, Kind, Outcome, Reason, Record, RunId, Scope, Snapshot};
use crate::platform::transcript::Transcript;
use crate::platform::{self, Meaning};
use crate::store::{Choice, Decision, NewDecision, Store};
use crate::sync::gate::{self, Answer};
use crate::sync::policy::{Case, Deed};
use crate::sync::verdict::{self, Class, Evidence, Object, Wanted};
use crate::sync::{Hold, Refused};

/// So many attempts back a good one is looked for by itself.
const RECENT: u32 = 50;

/// A refused deploy.
#[derive(Clone, Debug)]
pub struct ResolveAsk {
    pub device: (DeviceId, Device),
    pub wanted: Wanted,
    /// What the deployment tool saw; `None`: the reading alone decides.
    pub transcript: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub struct Resolved {
    pub device: (DeviceId, Device),
    /// The runs that read the device for it, the first one first.
    pub runs: Vec<RunId>,
    /// How the reading ended; anything but complete decides nothing.
    pub outcome: Outcome,
    pub detail: Option<String>,
    pub objects: Vec<Object>,
    /// Open drifts of these things.
    pub drifts: Vec<Drift>,
    /// What a policy says about all of them, and until when and why.
    pub policy: Option<(Choice, Option<DateTime<Utc>>, String)>,
    /// SHA-256 of the transcript.
    pub transcript: Option<String>,
    /// What the transcript says, in words.
    pub told: Vec<String>,
    scope: Scope,
    wanted: Wanted,
}

impl Resolved {
    /// Whether the device has what the deploy was about, so that there is
    /// something to decide. The interface counts, where one was asked for.
    pub fn is_confirmed(&self) -> bool {
        self.outcome.is_complete()
            && self.objects.iter().all(|object| object.class != Class::NotThis)
            && self.objects.first().is_some_and(Object::is_there)
    }
}

/// Reads the device and judges what is there.
pub async fn resolve(env: &Env, ask: ResolveAsk) -> Result<Resolved, JobError> {
    let (id, device) = ask.device.clone();
    let scope = match (&ask.wanted.interface, &ask.wanted.bridge_domain) {
        (Some(name), _) => Scope::Interface(name.clone()),
        (None, Some(name)) => Scope::BridgeDomain(name.clone()),
        (None, None) => Scope::Device,
    };
    let mut look = Looked { facts: Vec::new(), runs: Vec::new() };
    let vlan_objects = has_vlans(&device);
    let mut out = Resolved {
        device: ask.device,
        runs: Vec::new(),
        outcome: Outcome::Complete,
        detail: None,
        objects: Vec::new(),
        drifts: Vec::new(),
        policy: None,
        transcript: ask.transcript.as_ref().map(|text| hex(&Sha256::digest(text))),
        told: Vec::new(),
        scope: scope.clone(),
        wanted: Wanted { vlan_objects, ..ask.wanted },
    };
    if let Err(snapshot) = look.at(env, (id, &device), scope).await? {
        (out.outcome, out.detail, out.runs) = (snapshot.outcome, snapshot.detail, look.runs);
        return Ok(out);
    }
    // Not among what an interface shows: it may still be there.
    if let (Some(_), Some(name)) = (&out.wanted.interface, &out.wanted.bridge_domain)
        && !look.shows(name)
    {
        // A second reading that fails leaves the bridge domain unseen; the first one stands.
        let _ = look.at(env, (id, &device), Scope::BridgeDomain(name.clone())).await?;
    }
    let (mut past, names) = {
        let store = env.store()?;
        let names: HashSet<String> =
            store.devices()?.into_iter().map(|d| d.device.name.as_str().to_ascii_lowercase()).collect();
        (Past::of(&store, id, &out.wanted, &look.facts)?, names)
    };
    // The last whole reading knows who else is on that port; it is asked again.
    let absent = out.wanted.interface.as_ref().filter(|name| look.interface(name).is_none());
    if absent.is_some()
        && let Some(other) = verdict::taken_by(&out.wanted, &past.facts)
    {
        let _ = look.at(env, (id, &device), Scope::Interface(other.name.clone())).await?;
        past = Past::of(&env.store()?, id, &out.wanted, &look.facts)?;
    }
    // A deploy's session may show secrets; only answers and a digest are kept.
    let read = ask.transcript.as_ref().filter(|text| !text.trim().is_empty()).and_then(|text| {
        let platform = platform::by_name(&device.platform)?;
        Some(Transcript::read(platform, &env.keeper.mask(device.name.as_str(), text)))
    });
    out.told = read.as_ref().map(told).unwrap_or_default();
    let evidence = Evidence {
        device: device.name.as_str(),
        others: &|name| names.contains(name),
        live: &look.facts,
        records: &past.records,
        vlans: &past.vlans(),
        transcript: read.as_ref(),
    };
    out.objects = verdict::judge(&out.wanted, &evidence);
    for object in &mut out.objects {
        // What is shown beside the verdict may come from the last whole reading.
        if object.fact.is_none() && matches!(object.class, Class::Identical | Class::NotThis) {
            object.fact = past.facts.iter().find(|fact| fact.key() == object.fact_key()).cloned();
        }
        if object.kind == Kind::Interface
            && !object.is_there()
            && let Some(port) = lost_port(&object.key, &past.facts)
        {
            let _ = write!(object.why, "; the last whole reading shows no port {port}");
        }
    }
    let keys: BTreeSet<FactKey> =
        out.objects.iter().filter(|object| object.is_there()).map(Object::stands_at).collect();
    out.drifts = past.drifts.into_iter().filter(|drift| keys.contains(&drift.key)).collect();
    out.policy = policy(env, &device, &out.drifts);
    out.runs = look.runs;
    Ok(out)
}

/// Whether VLANs are objects of their own on that device.
fn has_vlans(device: &Device) -> bool {
    platform::by_name(&device.platform).is_some_and(|platform| platform.vlan_objects)
}

/// What the store has around the things that were wanted.
struct Past {
    facts: Vec<Fact>,
    records: Vec<Record>,
    /// Open ones, of the whole device.
    drifts: Vec<Drift>,
}

impl Past {
    /// `live`: what was read just now; it may know a thing by a fuller name.
    fn of(store: &Store, id: DeviceId, wanted: &Wanted, live: &[Fact]) -> Result<Self, JobError> {
        let mut keys: BTreeSet<String> = live.iter().map(|fact| fact.key().key).collect();
        let services = live.iter().filter_map(|fact| match fact {
            Fact::Interface(x) => x.service.as_ref(),
            _ => None,
        });
        keys.extend(services.map(|service| format!("{}/{}", service.kind.as_str(), service.name)));
        let (facts, records) = around(store, id, wanted, keys)?;
        Ok(Self { facts, records, drifts: store.drifts_of(&[id])? })
    }

    fn vlans(&self) -> Vec<Fact> {
        self.facts.iter().filter(|fact| fact.kind() == Kind::Vlan).cloned().collect()
    }
}

/// Stored facts and records of the things that were wanted, of those with
/// `keys`, and facts of whatever shares their port.
fn around(
    store: &Store,
    id: DeviceId,
    wanted: &Wanted,
    mut keys: BTreeSet<String>,
) -> Result<(Vec<Fact>, Vec<Record>), JobError> {
    let interface = wanted.interface.as_deref();
    let service = wanted.service.as_deref().map(|text| verdict::split_service(text).1);
    let service = wanted.bridge_domain.as_deref().or(service);
    keys.extend(interface.into_iter().chain(service).chain(wanted.service.as_deref()).map(str::to_owned));
    keys.extend(wanted.vlan.map(|id| id.to_string()));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let port = interface.map(|name| verdict::port_of(name).unwrap_or(name));
    let facts = store.facts_around(id, &keys, port, service.as_slice())?;
    Ok((facts, store.records_of_keys(id, &keys)?))
}

/// Facts of live readings.
struct Looked {
    facts: Vec<Fact>,
    runs: Vec<RunId>,
}

impl Looked {
    /// Reads one more part. The inner error is a reading that is not complete.
    async fn at(
        &mut self,
        env: &Env,
        (id, device): (DeviceId, &Device),
        scope: Scope,
    ) -> Result<Result<(), Box<Snapshot>>, JobError> {
        let ask = OnDemand { devices: vec![(id, device.clone())], scope, full: false };
        let mut done = scan(env, ask).await?;
        self.runs.push(done.run);
        let Some(mut snapshot) = done.snapshots.pop() else { return Err(JobError::NoDevices) };
        if !snapshot.outcome.is_complete() {
            return Ok(Err(Box::new(snapshot)));
        }
        for fact in snapshot.take_facts() {
            let key = fact.key();
            self.facts.retain(|known| known.key() != key);
            self.facts.push(fact);
        }
        Ok(Ok(()))
    }

    fn interface(&self, name: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| matches!(fact, Fact::Interface(x) if x.name == name))
    }

    /// Whether a bridge domain is among the facts, or has a member there.
    fn shows(&self, domain: &str) -> bool {
        self.facts.iter().any(|fact| match fact {
            Fact::BridgeDomain(x) => x.name == domain,
            Fact::Interface(x) => x.service.as_ref().is_some_and(|service| service.name == domain),
            Fact::Service(_) | Fact::Vlan(_) => false,
        })
    }
}

/// The hardware port of `name`, if whole readings show ports and not that one.
fn lost_port<'n>(name: &'n str, facts: &[Fact]) -> Option<&'n str> {
    let port = verdict::port_of(name).unwrap_or(name);
    let is = |fact: &Fact| matches!(fact, Fact::Interface(x) if x.name == port || x.parent.as_deref() == Some(port));
    let shows_ports = facts.iter().any(|fact| matches!(fact, Fact::Interface(x) if x.name.contains('/')));
    (port.contains('/') && shows_ports && !facts.iter().any(is)).then_some(port)
}

/// What a transcript says, for people.
fn told(read: &Transcript) -> Vec<String> {
    let mut lines = Vec::new();
    for refused in &read.refused {
        let line = read.line_of(refused).map_or_else(|| "a line".to_owned(), |line| format!("{line:?}"));
        lines.push(format!("refused: {line} ({})", refused.answer));
    }
    for said in &read.said {
        let word = match said.means {
            Meaning::Committed => "committed",
            Meaning::NothingToCommit => "nothing to commit",
            Meaning::LineRefused => "refused",
            Meaning::AlreadyThere => "already there",
            Meaning::CommitFailed => "commit failed",
            Meaning::SomeoneElse => "somebody else",
        };
        lines.push(format!("{word}: {}", said.answer));
    }
    lines
}

/// What the policies say, if they say one thing about all of the drifts.
fn policy(env: &Env, device: &Device, drifts: &[Drift]) -> Option<(Choice, Option<DateTime<Utc>>, String)> {
    let today = env.clock.now().date_naive();
    let mut common: Option<(Choice, Option<DateTime<Utc>>, String)> = None;
    for drift in drifts {
        let ruling = env.policies.rule(&Case::of(device, drift), today);
        let number = ruling.policy?;
        let until =
            ruling.until.and_then(|day| day.succ_opt()).map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let reason = ruling.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let said = match ruling.deed {
            Deed::Accept => (Choice::Sync, None, format!("policy {number}{reason}")),
            Deed::Ignore => (Choice::Skip, until, format!("policy {number}{reason}")),
            Deed::Propose | Deed::Protect => return None,
        };
        match &common {
            None => common = Some(said),
            Some((choice, ..)) if *choice == said.0 => {}
            Some(_) => return None,
        }
    }
    common
}

/// What is to be done about it.
#[derive(Clone, Debug)]
pub struct Decide {
    pub choice: Choice,
    pub who: String,
    pub why: String,
    /// When a skip or an override is to be looked at again.
    pub until: Option<DateTime<Utc>>,
    /// Limits that are lifted for a sync, by name.
    pub allow: Vec<String>,
    pub by_policy: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Decided {
    pub synced: Option<Synced>,
    /// Things that the sync held back, and why.
    pub held: Vec<String>,
    /// The scan that was queued.
    pub request: Option<i64>,
}

/// Carries a choice out and keeps it. A sync goes through plan and guards for
/// exactly these things; if nothing of it can be written, nothing is kept.
pub async fn decide(env: &Env, resolved: &Resolved, decide: &Decide) -> Result<Decided, JobError> {
    let (id, device) = &resolved.device;
    let evidence = json!({
        "runs": resolved.runs,
        "transcript": resolved.transcript,
        "told": resolved.told,
    });
    let mut done = Decided::default();
    // Open until the decision is kept: each opening costs more than what is written.
    let store = match decide.choice {
        Choice::Sync => sync(env, resolved, decide, &evidence, &mut done).await?,
        Choice::Skip | Choice::Override | Choice::Abort => env.store()?,
    };
    if matches!(decide.choice, Choice::Skip | Choice::Override) {
        let why = format!("{} decided by {}", decide.choice.as_str(), decide.who);
        done.request = Some(store.ask(*id, &resolved.scope, Reason::Conflict, &why, env.clock.now())?);
    }
    let decisions: Vec<NewDecision> = resolved
        .objects
        .iter()
        .map(|object| NewDecision {
            device_id: *id,
            key: object.fact_key(),
            choice: decide.choice,
            class: object.class.as_str(),
            wanted: json!(object.wanted),
            fact: object.fact.as_ref().map(|fact| json!(fact)),
            record: object.record.as_ref().map(|record| json!(record)),
            evidence: evidence.clone(),
        })
        .collect();
    tracing::info!(device.name = %device.name, choice = decide.choice.as_str(), "decided");
    let said = (decide.who.as_str(), decide.why.as_str());
    store.keep_decisions(&decisions, said, decide.until, done.request, env.clock.now())?;
    Ok(done)
}

/// Gives the store back, still open.
async fn sync(
    env: &Env,
    resolved: &Resolved,
    decide: &Decide,
    evidence: &serde_json::Value,
    done: &mut Decided,
) -> Result<Store, JobError> {
    let (id, device) = &resolved.device;
    let drifts: BTreeSet<_> = resolved.drifts.iter().map(|drift| drift.id.clone()).collect();
    let open: BTreeSet<&FactKey> = resolved.drifts.iter().map(|drift| &drift.key).collect();
    let things = resolved.objects.iter().filter(|object| object.is_there() && object.fact.is_some());
    let things: BTreeSet<_> =
        things.map(Object::stands_at).filter(|key| !open.contains(key)).map(|key| (*id, key)).collect();
    let ask = SyncAsk { drifts: Some(drifts), things, who: decide.who.clone(), ..SyncAsk::default() };
    let mut store = env.store()?;
    let mut plan = plan_for(env, &ask)?;
    // The interface was read, and its bridge domain maybe long ago.
    let unread = |held: &crate::sync::Held| {
        held.kind == Kind::BridgeDomain && matches!(held.why, Hold::Stale { .. } | Hold::NotRead)
    };
    if let Some(name) = plan.held.iter().find(|held| unread(held)).map(|held| held.key.clone()) {
        let scope = Scope::BridgeDomain(name);
        drop(store);
        scan(env, OnDemand { devices: vec![(*id, device.clone())], scope, full: false }).await?;
        store = env.store()?;
        plan = plan_for(env, &ask)?;
    }
    done.held = plan.held.iter().map(|held| format!("{} {}: {}", held.kind, held.key, held.text)).collect();
    if plan.is_empty() {
        if !done.held.is_empty() {
            return Err(Refused::HeldBack(done.held.join("; ")).into());
        }
        // The record has it already.
        done.synced = Some(Synced { plan: plan.id().to_string(), ..Synced::default() });
        return Ok(store);
    }
    let consent = SyncConsent {
        who: decide.who.clone(),
        why: if decide.why.is_empty() { "a refused deploy".to_owned() } else { decide.why.clone() },
        allow: decide.allow.clone(),
        run: resolved.runs.first().copied(),
        by_policy: decide.by_policy,
        evidence: Some(evidence.clone()),
    };
    done.synced = Some(apply(env, &plan, &consent)?);
    Ok(store)
}

/// Skips and overrides that nothing has settled since, newest first.
pub fn open_decisions(env: &Env) -> Result<Vec<Decision>, JobError> {
    Ok(env.store()?.open_decisions(None)?)
}

/// The answer of the gate before a deploy.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    pub answer: Answer,
    pub why: String,
    pub fact: Option<Fact>,
    pub record: Option<Record>,
    /// When the newest good scan that covers it began.
    pub read_at: Option<DateTime<Utc>>,
}

/// May `wanted` be configured? From the record and the newest snapshot.
pub fn check(env: &Env, device: &str, wanted: &Wanted) -> Result<Checked, JobError> {
    let name = wanted.interface.clone().unwrap_or_default();
    let key = FactKey::new(Kind::Interface, name.clone());
    let store = env.store()?;
    let found = store.devices()?.into_iter().find(|d| !d.retired && d.device.name.as_str() == device);
    let found = found.ok_or_else(|| JobError::NoDevice(device.to_owned()))?;
    let (id, wanted) = (found.id, Wanted { vlan_objects: has_vlans(&found.device), ..wanted.clone() });
    let covers = |scope: &Scope| *scope == Scope::Device || *scope == Scope::Interface(name.clone());
    let good = store
        .scans(id, RECENT, None)?
        .into_iter()
        .find(|scan| scan.row.outcome.is_complete() && covers(&scan.row.scope));
    let read_at = match good {
        Some(scan) => Some(scan.row.started_at),
        None => store.last_states_of(&[id])?.remove(&id).and_then(|state| state.last_complete),
    };
    let (facts, records) = around(&store, id, &wanted, BTreeSet::new())?;
    drop(store);
    let (answer, why) = match read_at {
        None => (Answer::Unknown, "the device was never completely read".to_owned()),
        Some(at) if (env.clock.now() - at).num_minutes() > i64::from(env.settings.sync.check_hours) * 60 => {
            let hours = (env.clock.now() - at).num_hours();
            let most = env.settings.sync.check_hours;
            (Answer::Unknown, format!("the last good scan is {hours} h old; at most {most} h count"))
        }
        Some(_) => match lost_port(&name, &facts) {
            Some(port) => (Answer::Unknown, format!("the device shows no port {port}")),
            None => gate::gate(&wanted, &facts, &records),
        },
    };
    let fact = facts.iter().find(|fact| fact.key() == key).cloned();
    // What stands in the way is what is worth seeing.
    let fact = fact.filter(Fact::is_configured).or_else(|| {
        (answer == Answer::Conflicting)
            .then(|| verdict::taken_by(&wanted, &facts).cloned().map(Fact::Interface))
            .flatten()
    });
    let record = records.into_iter().find(|record| record.key() == key);
    Ok(Checked { answer, why, fact, record, read_at })
}
