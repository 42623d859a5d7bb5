//! Guards at their limits, policies, conflicts, plans and the way back.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;

use super::claim::{VlanOwner, hold_conflicts};
use super::guard::breaches;
use super::policy::Case;
use super::undo::{Written, undo};
use super::*;
use crate::model::{
    Cause, Device, DeviceName, Drift, DriftClass, DriftId, Fact, FactKey, Interface, Kind, Outcome, Record,
    RecordSource, Vlan,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_279_200, 0).unwrap()
}

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).unwrap()
}

fn record(device: &str, key: &str) -> Record {
    Record::of(name(device), Kind::Interface, key, RecordSource::Imported)
}

fn unit(device: &str, id: i64, updates: usize, removals: usize) -> Unit {
    let item = |n: usize, gone: bool| {
        let key = format!("ge1.{n}");
        let new = Record { outer: Some("7".into()), ..record(device, &key) };
        let old = Some(record(device, &key));
        Item::from_file(FactKey::new(Kind::Interface, key), old, (!gone).then_some(new), 1).unwrap()
    };
    let items =
        (0..updates).map(|n| item(n, false)).chain((updates..updates + removals).map(|n| item(n, true)));
    Unit { device: name(device), device_id: id, items: items.collect() }
}

fn plan_of(units: Vec<Unit>) -> SyncPlan {
    SyncPlan::new("db".into(), "ann", now(), 24, units, Vec::new(), BTreeMap::new())
}

fn counts(each: &[(i64, u64)]) -> Counts {
    let records = each.iter().map(|(device, n)| ((*device, Kind::Interface), *n)).collect();
    Counts { records, lately: (0, 0) }
}

fn over(plan: &SyncPlan, counts: &Counts) -> Vec<String> {
    let found = breaches(plan, &BTreeSet::new(), counts, &Settings::default());
    found.into_iter().map(|breach| breach.name).collect()
}

#[test]
fn a_guard_lets_its_limit_through_and_not_one_more() {
    let hundred = counts(&[(1, 100), (2, 400)]);
    assert_eq!(over(&plan_of(vec![unit("a", 1, 30, 30)]), &hundred), Vec::<String>::new());
    assert_eq!(over(&plan_of(vec![unit("a", 1, 31, 0)]), &hundred), ["device:a:updates"]);
    assert_eq!(over(&plan_of(vec![unit("a", 1, 0, 31)]), &hundred), ["device:a:removals"]);
    // Small devices may still change; nobody may change very much.
    assert_eq!(over(&plan_of(vec![unit("a", 1, 3, 3)]), &counts(&[(1, 4)])), Vec::<String>::new());
    assert_eq!(over(&plan_of(vec![unit("a", 1, 200, 0)]), &counts(&[(1, 10_000)])), Vec::<String>::new());
    assert_eq!(over(&plan_of(vec![unit("a", 1, 201, 0)]), &counts(&[(1, 10_000)])), ["device:a:updates"]);

    // Many devices, each within its own limit.
    let fleet: Vec<Unit> = (1..=3).map(|id| unit(&format!("leaf-{id}"), id, 0, 167)).collect();
    let there = counts(&[(1, 2_000), (2, 2_000), (3, 2_000)]);
    assert_eq!(over(&plan_of(fleet), &there), ["kind:interface:removals", "night:removals"]);

    // What was synced in the hours before counts for the night.
    let busy = Counts { lately: (0, 130), ..counts(&[(1, 100), (2, 400)]) };
    assert_eq!(over(&plan_of(vec![unit("a", 1, 0, 20)]), &busy), Vec::<String>::new());
    let told = breaches(&plan_of(vec![unit("a", 1, 0, 21)]), &BTreeSet::new(), &busy, &Settings::default());
    assert_eq!(
        told[0].text,
        "it would remove 21 of 500 records of the whole database, after 130 within 24 hours; the limit is 150 (30 %, at least 3, at most 500)"
    );
    // A plan that is finished after a crash counts only what is left.
    let both = plan_of(vec![unit("a", 1, 0, 31)]);
    assert!(breaches(&both, &[1].into(), &hundred, &Settings::default()).is_empty());
}

fn device(device: &str) -> Device {
    Device {
        name: name(device),
        address: "192.0.2.1".into(),
        port: 22,
        platform: "drivenets_dnos".into(),
        role: "leaf".into(),
        site: "fra1".into(),
        importance: 1.0,
        tags: vec![],
        jump: None,
        credential: None,
    }
}

#[derive(serde::Deserialize)]
struct PolicyFile {
    policy: Vec<Policy>,
}

fn policies(text: &str) -> Result<Policies, String> {
    let read: PolicyFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    Policies::new(&read.policy).map_err(|error| error.to_string())
}

#[test]
fn policies_match_in_order_and_protection_is_stronger() {
    let rules = policies(
        r#"
        [[policy]]
        action = "ignore"
        name = "ge*/9*"
        until = 2026-07-01
        reason = "test ports"
        [[policy]]
        action = "accept"
        role = "l*"
        kind = "interface"
        [[policy]]
        action = "protect"
        site = "fra*"
        class = "missing"
        reason = "the customer's"
        [[policy]]
        action = "protect"
        fields = ["description"]
        "#,
    )
    .unwrap();
    let leaf = device("leaf-1");
    let case = |name, class, fields| Case {
        device: &leaf,
        kind: Kind::Interface,
        name,
        class,
        cause: Cause::Manual,
        fields,
    };
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let ask = |name, class| rules.rule(&case(name, class, &[]), day("2026-06-30"));
    assert_eq!(ask("ge100-0/0/9.1", DriftClass::Unrecorded).deed, Deed::Ignore);
    assert_eq!(ask("ge100-0/0/9.1", DriftClass::Unrecorded).reason.as_deref(), Some("test ports"));
    assert_eq!(ask("ge100-0/0/1", DriftClass::Unrecorded).deed, Deed::Accept);
    assert_eq!(ask("ge100-0/0/9.1", DriftClass::Missing).deed, Deed::Protect);
    // Its last day is over.
    let later = rules.rule(&case("ge100-0/0/9.1", DriftClass::Unrecorded, &[]), day("2026-07-02"));
    assert_eq!((later.deed, later.policy), (Deed::Accept, Some(2)));
    // Some fields of a difference, and all of them.
    let two = ["description".to_owned(), "outer".to_owned()];
    let part = rules.rule(&case("ge100-0/0/1", DriftClass::Differs, &two), day("2026-06-30"));
    assert_eq!((part.deed, part.kept), (Deed::Accept, vec!["description".to_owned()]));
    let all = rules.rule(&case("ge100-0/0/1", DriftClass::Differs, &two[..1]), day("2026-06-30"));
    assert_eq!((all.deed, all.policy), (Deed::Protect, Some(4)));
    assert_eq!(
        Policies::default().rule(&case("x", DriftClass::Differs, &two), now().date_naive()).deed,
        Deed::Propose
    );
}

#[test]
fn a_policy_that_cannot_be_meant_is_refused() {
    for (text, says) in [
        ("[[policy]]\naction = 'ignore'\nreason = 'x'", "needs a last day"),
        ("[[policy]]\naction = 'ignore'\nuntil = '2026-07-01'\nreason = ' '", "and a reason"),
        ("[[policy]]\naction = 'ignore'\nuntil = 'soon'\nreason = 'x'", "a day such as"),
        ("[[policy]]\naction = 'accept'\nuntil = '2026-07-01'", "until belongs to ignore"),
        ("[[policy]]\naction = 'accept'\nfields = ['outer']", "fields belong"),
        ("[[policy]]\naction = 'accept'\nsite = 'a['", "policy 1: site is no pattern"),
        ("[[policy]]\naction = 'adopt'", "unknown variant"),
        ("[[policy]]\naction = 'accept'\nsites = 'a'", "unknown field"),
    ] {
        let error = policies(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
}

/// One device with one drift, in all the states that it can be in.
struct Scene {
    drift: Drift,
    facts: Vec<Fact>,
    records: Vec<Record>,
    proof: Option<Proof>,
    newest: Option<Outcome>,
    version: i64,
}

impl Scene {
    fn unrecorded() -> Self {
        let fact = Fact::Interface(Interface::named("ge1.251"));
        let other = Fact::Interface(Interface::named("ge1"));
        Self {
            drift: Drift {
                id: DriftId::of(1, &fact.key()),
                device_id: 1,
                device: name("leaf-1"),
                key: fact.key(),
                class: DriftClass::Unrecorded,
                fields: vec![],
                cause: Cause::Manual,
                record: None,
                fact: serde_json::to_value(&fact).ok(),
                first_seen: now(),
                since: now(),
                last_seen: now(),
                recurrences: 0,
            },
            records: vec![record("leaf-1", "ge1")],
            facts: vec![other, fact],
            proof: Some(Proof { scan: 10, run: 1, started: now(), whole: true, seen: 1, updates: 0 }),
            newest: Some(Outcome::Complete),
            version: 0,
        }
    }

    fn missing() -> Self {
        let mut scene = Self::unrecorded();
        scene.drift.class = DriftClass::Missing;
        scene.records.push(record("leaf-1", "ge1.251"));
        scene.facts.pop();
        scene.version = 3;
        scene
    }

    fn draft(&self, text: &str, unattended: bool) -> Result<Item, Hold> {
        let rules = if text.is_empty() { Policies::default() } else { policies(text).unwrap() };
        let coverage_rules =
            crate::analysis::Rules::new(&crate::analysis::coverage::Settings::default()).unwrap();
        let coverage = crate::analysis::Coverage::from_records(&coverage_rules, &self.records);
        let found = crate::analysis::compare(&self.facts, &self.records, &coverage, &|_| true);
        let situation = Situation {
            device: &device("leaf-1"),
            now: now() + TimeDelta::hours(1),
            newest: self.newest,
            facts: &self.facts,
            versions: &[(self.drift.key.clone(), self.version)].into(),
            drifts: std::slice::from_ref(&self.drift),
            proofs: &self.proof.iter().map(|proof| (self.drift.id.clone(), proof.clone())).collect(),
            disagreements: &found.disagreements,
        };
        let mut draft = draft(&situation, &rules, &Settings::default(), &|_| true, unattended);
        assert_eq!(draft.items.len() + draft.held.len(), 1);
        draft.items.pop().ok_or_else(|| draft.held.remove(0).why)
    }
}

#[test]
fn only_what_a_fresh_complete_reading_says_is_drafted() {
    let accept = "[[policy]]\naction = 'accept'";
    let item = Scene::unrecorded().draft("", false).unwrap();
    assert_eq!((item.action, item.after.unwrap().source), (Action::Add, RecordSource::Discovered));
    assert!(Scene::unrecorded().draft(accept, true).is_ok());
    assert_eq!(Scene::unrecorded().draft("", true), Err(Hold::NotAccepted));
    for outcome in Outcome::ALL.into_iter().filter(|outcome| !outcome.is_complete()) {
        let scene = Scene { newest: Some(outcome), ..Scene::unrecorded() };
        assert_eq!(scene.draft(accept, true), Err(Hold::NotComplete { outcome }));
    }
    assert_eq!(Scene { newest: None, ..Scene::unrecorded() }.draft(accept, false), Err(Hold::NotRead));
    assert_eq!(Scene { proof: None, ..Scene::unrecorded() }.draft(accept, false), Err(Hold::NotRead));
    let aged = |minutes: i64| {
        let mut scene = Scene::unrecorded();
        scene.proof.as_mut().unwrap().started = now() + TimeDelta::hours(1) - TimeDelta::minutes(minutes);
        scene.draft(accept, false)
    };
    assert!(aged(24 * 60).is_ok());
    assert_eq!(aged(24 * 60 + 1), Err(Hold::Stale { hours: 25, fresh: 24 }));
    assert_eq!(aged(-60), Err(Hold::Stale { hours: -1, fresh: 24 }));
    // The record is newer than the reading: a deploy in between.
    assert_eq!(Scene { version: 11, ..Scene::unrecorded() }.draft(accept, false), Err(Hold::RecordNewer));

    let mut restless = Scene::unrecorded();
    restless.drift.recurrences = 3;
    assert_eq!(restless.draft(accept, true), Err(Hold::Restless { updates: 0, returns: 3 }));
    assert_eq!(restless.draft(accept, false).unwrap().recurrences, 3);
}

#[test]
fn absence_has_to_be_seen_twice_and_nothing_at_all_is_no_absence() {
    let mut scene = Scene::missing();
    assert_eq!(scene.draft("", false), Err(Hold::AbsentOnce { seen: 1, needed: 2 }));
    scene.proof.as_mut().unwrap().seen = 2;
    let item = scene.draft("", false).unwrap();
    assert_eq!((item.action, item.after, item.version), (Action::Remove, None, 3));
    scene.facts.clear();
    assert_eq!(scene.draft("", false), Err(Hold::NothingThere));
    // One interface was asked for, and it is not there: that is an answer.
    scene.proof.as_mut().unwrap().whole = false;
    assert!(scene.draft("", false).is_ok());
}

#[test]
fn a_protected_field_stays_as_it_is() {
    let mut scene = Scene::unrecorded();
    let recorded = Record {
        description: Some("ours".into()),
        admin: Some("up".into()),
        l2: Some(true),
        ..record("leaf-1", "ge1.251")
    };
    scene.records.push(recorded.clone());
    let mut interface = Interface::named("ge1.251");
    interface.description = Some("theirs".into());
    scene.facts[1] = Fact::Interface(interface);
    scene.drift.class = DriftClass::Differs;
    scene.drift.fields = vec!["l2".into(), "description".into()];
    let text = "[[policy]]\naction = 'protect'\nfields = ['description']";
    let after = scene.draft(text, false).unwrap().after.unwrap();
    assert_eq!((after.description, after.l2), (recorded.description, Some(false)));
    let whole = scene.draft("", false).unwrap();
    assert_eq!(whole.after.unwrap().description.as_deref(), Some("theirs"));
    assert_eq!(whole.says, "l2 true → false, description ours → theirs");
}

fn claiming(records: &[(&str, Kind, &str, Option<&str>)], owner: VlanOwner, known: &[Record]) -> Vec<String> {
    let mut drafts: Vec<Draft> = records
        .iter()
        .map(|(device, kind, key, detail)| {
            let mut after = Record::of(name(device), *kind, *key, RecordSource::Discovered);
            if *kind == Kind::Service {
                after.neighbours = detail.map(str::to_owned);
            } else {
                after.outer = Some("251".into());
                after.service = detail.map(str::to_owned);
            }
            let key = after.key();
            let drift = DriftId::of(1, &key);
            let item = Item { drift: Some(drift), ..Item::from_file(key, None, Some(after), 0).unwrap() };
            Draft { items: vec![item], ..Draft::default() }
        })
        .collect();
    let sites: BTreeMap<DeviceName, String> =
        [(name("a"), "fra".to_owned()), (name("b"), "fra".to_owned()), (name("c"), "muc".to_owned())].into();
    hold_conflicts(&mut drafts, known, owner, &sites);
    drafts
        .iter()
        .flat_map(|draft| &draft.held)
        .map(|held| format!("{}: {}", held.device, held.text))
        .collect()
}

/// F84: two devices claim one thing.
#[test]
fn a_thing_that_two_devices_claim_is_shown_and_not_written() {
    let wire = |device| (device, Kind::Service, "evpn-vpws/one", Some("10.0.0.9:8"));
    let told = claiming(&[wire("a"), wire("b")], VlanOwner::Port, &[]);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], "a: conflict: b claims the pseudowire 10.0.0.9:8 too");
    // Against the record, too.
    let mut known = Record::of(name("c"), Kind::Service, "evpn-vpws/other", RecordSource::Deployed);
    known.neighbours = Some("10.0.0.9:8".into());
    assert_eq!(claiming(&[wire("a")], VlanOwner::Port, std::slice::from_ref(&known)).len(), 1);
    known.device = name("a");
    known.name = "evpn-vpws/one".into();
    assert!(claiming(&[wire("a")], VlanOwner::Port, &[known]).is_empty(), "its own");

    // Two ends are two devices; a third is one too many.
    let end = |device, far| (device, Kind::Service, "epipe/cust", Some(far));
    assert!(claiming(&[end("a", "10.0.0.2:1"), end("b", "10.0.0.1:1")], VlanOwner::Port, &[]).is_empty());
    let three = [end("a", "10.0.0.2:1"), end("b", "10.0.0.1:1"), end("c", "10.0.0.3:1")];
    assert_eq!(claiming(&three, VlanOwner::Port, &[]).len(), 3);

    let vlan = |device, service| (device, Kind::Interface, "ge1.251", Some(service));
    let two = [vlan("a", "red"), vlan("b", "blue")];
    assert!(claiming(&two, VlanOwner::Port, &[]).is_empty());
    assert_eq!(claiming(&two, VlanOwner::Site, &[]).len(), 2);
    assert!(claiming(&[vlan("a", "red"), vlan("c", "blue")], VlanOwner::Site, &[]).is_empty());
    assert_eq!(claiming(&[vlan("a", "red"), vlan("c", "blue")], VlanOwner::Fleet, &[]).len(), 2);
    assert!(claiming(&[vlan("a", "red"), vlan("b", "red")], VlanOwner::Fleet, &[]).is_empty());
    // A bridge domain is on many devices by design.
    let domain = |device| (device, Kind::BridgeDomain, "g_v251", None);
    assert!(claiming(&[domain("a"), domain("b"), domain("c")], VlanOwner::Fleet, &[]).is_empty());
}

/// What the store does, in memory: versions by sequence number.
#[derive(Default)]
struct Book {
    rows: Vec<(i64, FactKey, Option<Record>)>,
}

impl Book {
    fn now(&self) -> BTreeMap<FactKey, Record> {
        let mut now = BTreeMap::new();
        for (_, key, record) in &self.rows {
            match record {
                Some(record) => drop(now.insert(key.clone(), record.clone())),
                None => drop(now.remove(key)),
            }
        }
        now
    }

    fn put(&mut self, key: FactKey, record: Option<Record>) -> i64 {
        let seq = i64::try_from(self.rows.len()).unwrap() + 1;
        self.rows.push((seq, key, record));
        seq
    }

    fn change(&self, seq: i64) -> Vec<Written> {
        let of =
            |key: &FactKey| self.rows.iter().filter(move |row| row.1 == *key).cloned().collect::<Vec<_>>();
        self.rows
            .iter()
            .filter(|row| row.0 == seq)
            .map(|(seq, key, after)| Written {
                device_id: 1,
                key: key.clone(),
                seq: *seq,
                newest: of(key).last().map_or(0, |row| row.0),
                now: of(key).last().and_then(|row| row.2.clone()),
                before: of(key).iter().rev().find(|row| row.0 < *seq).and_then(|row| row.2.clone()),
                after: after.clone(),
            })
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// 1,000 random changes taken back, newest first: everything is as it was.
    #[test]
    fn random_changes_are_taken_back_exactly(
        edits in prop::collection::vec((0..40_u8, prop::option::of(1..4000_u16)), 500..1000)
    ) {
        let mut book = Book::default();
        for n in 0..20 {
            book.put(FactKey::new(Kind::Vlan, n.to_string()), Some(record("a", &n.to_string())));
        }
        let before = book.now();
        let done: Vec<i64> = edits
            .into_iter()
            .map(|(key, outer)| {
                let key = key.to_string();
                let after = outer.map(|outer| Record { outer: Some(outer.to_string()), ..record("a", &key) });
                book.put(FactKey::new(Kind::Vlan, key), after)
            })
            .collect();
        // Not in the middle of a history: what came later would be lost.
        for seq in &done {
            let rows = book.change(*seq);
            prop_assert_eq!(undo(&rows).is_ok(), rows[0].now == rows[0].after);
        }
        for seq in done.iter().rev() {
            let rows = book.change(*seq);
            let back = undo(&rows).unwrap();
            book.put(rows[0].key.clone(), back.put.into_iter().next());
        }
        prop_assert_eq!(book.now(), before);
    }

}

proptest! {
    /// Whatever is changed in a plan's text, it is refused or means the same.
    #[test]
    fn an_edited_plan_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let plan = plan_of(vec![unit("a", 1, 2, 1)]);
        let mut text = plan.to_text().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(text) = String::from_utf8(text)
            && let Ok(read) = SyncPlan::read(&text)
        {
            prop_assert_eq!(read, plan);
        }
    }
}

#[test]
fn a_plan_is_for_one_database_and_one_time() {
    let plan = plan_of(vec![unit("a", 1, 1, 0)]);
    assert_eq!(SyncPlan::read(&plan.to_text()).unwrap(), plan);
    assert!(plan.check("db", now() + TimeDelta::hours(23)).is_ok());
    assert!(matches!(plan.check("db", now() + TimeDelta::hours(24)), Err(Refused::Expired(_))));
    assert!(matches!(plan.check("other", now()), Err(Refused::Foreign { .. })));
    assert!(matches!(plan.check("db", now() - TimeDelta::hours(1)), Err(Refused::FromTheFuture(_))));
    // A forged expiry does not fit the hash.
    let later = SyncPlan { expires_at: now() + TimeDelta::days(9), ..plan.clone() };
    assert!(matches!(later.check("db", now()), Err(Refused::Edited)));
    assert_eq!(plan.id().to_string().len(), 12);
    let vlan = Fact::Vlan(Vlan { id: 7, name: None, interfaces: vec![] });
    assert!(Item::from_file(vlan.key(), None, None, 0).is_none());
}
