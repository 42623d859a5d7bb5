//! Sync from outside: what a bad reading, a bad plan, a second writer or a
//! killed process can do to the database of record, which is nothing.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use driftcast::analysis::reconcile::Moment;
use driftcast::analysis::{self, Coverage, Reach};
use driftcast::clock::Clock;
use driftcast::config::{self, Settings, Surroundings};
use driftcast::jobs::{self, Env, JobError, SyncAsk, SyncConsent};
use driftcast::model::snapshot::digest_of;
use driftcast::model::{
    Cause, Device, DeviceName, Encapsulation, EncapsulationKind, Fact, FactKey, Interface, Outcome, Reason,
    Record, RecordSource, RunId, RunKind, Scope,
};
use driftcast::store::{DeviceResult, ScanRow, Store};
use driftcast::sync::{Hold, Refused, SyncPlan};

/// A database with devices that are read by hand, at a clock that stands still.
struct World {
    env: Env,
    /// Kept open: each opening costs more than what is done with it here.
    open: Option<Store>,
    folder: tempfile::TempDir,
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_279_200, 0).unwrap()
}

fn settings(dir: &Path, toml: &str) -> Settings {
    let file = dir.join("test.toml");
    std::fs::write(&file, toml).unwrap();
    let around = Surroundings { file: Some(&file), folder: dir, variable: &|_| None, flags: &[] };
    config::load::<Settings>(&around).unwrap().settings
}

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).unwrap()
}

fn port(key: &str, vlan: u16) -> Fact {
    Fact::Interface(Interface {
        encapsulation: Encapsulation {
            kind: EncapsulationKind::Dot1q,
            outer: Some(vlan.to_string()),
            ..Encapsulation::default()
        },
        ..Interface::named(key)
    })
}

fn ports(range: std::ops::Range<u16>) -> Vec<Fact> {
    range.map(|n| port(&format!("ge1.{n}"), n)).collect()
}

impl World {
    fn new(devices: &[&str], toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), toml);
        let env =
            Env::over_ssh(folder.path().join("data"), Clock::fixed(start()), Arc::new(settings)).unwrap();
        let devices: Vec<Device> = devices
            .iter()
            .zip(1..)
            .map(|(device, port)| Device {
                name: name(device),
                address: "192.0.2.7".into(),
                port,
                platform: "drivenets_dnos".into(),
                role: "leaf".into(),
                site: "fra1".into(),
                importance: 1.0,
                tags: vec![],
                jump: None,
                credential: None,
            })
            .collect();
        jobs::import_devices(&env, &devices, "test", false).unwrap();
        Self { open: env.store().ok(), env, folder }
    }

    fn at(&mut self, hours: i64) -> &mut Self {
        self.env.clock = Clock::fixed(start() + TimeDelta::hours(hours));
        self
    }

    /// What the file of records says from now on.
    fn record(&self, device: &str, facts: &[Fact]) {
        let records: Vec<Record> = facts
            .iter()
            .map(|fact| analysis::record_of(&name(device), fact, RecordSource::Imported))
            .collect();
        jobs::import_records(&self.env, &records, "ann", "").unwrap();
    }

    fn scan(&self, id: i64, facts: &[Fact]) -> RunId {
        self.attempt(id, &Scope::Device, Outcome::Complete, facts)
    }

    /// One attempt, kept as the collector keeps one.
    fn attempt(&self, id: i64, scope: &Scope, outcome: Outcome, facts: &[Fact]) -> RunId {
        let store = self.env.store().unwrap();
        let now = self.env.clock.now();
        let run = store.start_run(RunKind::Scan, now, None, &json!({})).unwrap();
        let mut result = DeviceResult::of(ScanRow {
            run,
            device_id: id,
            scope: scope.clone(),
            reason: Reason::Requested,
            started_at: now,
            took_ms: 1,
            outcome,
            detail: None,
            lines: None,
            facts_digest: None,
            text_digest: None,
            observed_digest: None,
            capture_digest: None,
            changed: false,
            text_changed: false,
        });
        if outcome.is_complete() {
            let first = store.last_states(None).unwrap().get(&id).is_none_or(|s| s.last_complete.is_none());
            let known = store.knowledge(&[id]).unwrap().remove(&id).unwrap();
            let reach = Reach::of(scope, facts);
            let covered = |key: &FactKey| reach.covers(key);
            let coverage = Coverage::from_records(&self.env.coverage, &known.records);
            let comparison = analysis::compare(facts, &known.records, &coverage, &covered);
            let moment = Moment {
                device_id: id,
                covered: &covered,
                first_scan: first,
                cause: Cause::Manual,
                when: now,
            };
            result.drift_steps =
                analysis::reconcile(&moment, &known.drifts, &known.past, comparison.disagreements.clone());
            let old: HashMap<FactKey, &Fact> = known.facts.iter().map(|f| (f.key(), f)).collect();
            result.opened = facts.iter().filter(|f| old.get(&f.key()) != Some(f)).cloned().collect();
            let there: BTreeSet<FactKey> = facts.iter().map(Fact::key).collect();
            result.closed = old.into_keys().filter(|key| covered(key) && !there.contains(key)).collect();
            if reach == Reach::Device {
                result.scan.facts_digest = Some(digest_of(facts));
                result.compared = Some(driftcast::store::Compared {
                    agreed: comparison.agreed,
                    covered: comparison.covered,
                    unmanaged: comparison.unmanaged,
                });
            }
        }
        store.append(&[result]).unwrap();
        store.finish_run(run, now, "complete", &json!({})).unwrap();
        run
    }

    fn plan(&self) -> SyncPlan {
        jobs::plan_for(&self.env, &SyncAsk { who: "ann".into(), ..SyncAsk::default() }).unwrap()
    }

    fn unattended(&self) -> SyncPlan {
        jobs::plan_for(&self.env, &SyncAsk { unattended: true, ..SyncAsk::default() }).unwrap()
    }

    fn apply(&self, plan: &SyncPlan) -> Result<jobs::Synced, Refused> {
        self.apply_allowing(plan, &[])
    }

    fn apply_allowing(&self, plan: &SyncPlan, allow: &[String]) -> Result<jobs::Synced, Refused> {
        let consent = SyncConsent { who: "ann".into(), allow: allow.to_vec(), ..SyncConsent::default() };
        match jobs::apply(&self.env, plan, &consent) {
            Ok(done) => Ok(done),
            Err(JobError::Sync(refused)) => Err(refused),
            Err(other) => panic!("{other}"),
        }
    }

    fn records(&self) -> Vec<Record> {
        self.env.store().unwrap().records(None, None).unwrap().into_iter().map(|(_, record)| record).collect()
    }

    fn written(&self) -> usize {
        self.env.store().unwrap().record_log(None, None, None, u32::MAX).unwrap().len()
    }
}

const ACCEPT: &str = "[[policy]]\naction = \"accept\"\n";

fn whys(plan: &SyncPlan) -> BTreeSet<String> {
    plan.held.iter().map(|held| held.text.clone()).collect()
}

#[test]
fn reality_is_accepted_by_plan_and_taken_back_exactly() {
    let mut world = World::new(&["leaf-1"], "");
    let mut facts = ports(1..11);
    world.record("leaf-1", &facts);
    let before = world.records();
    // One more, one other VLAN, one gone.
    facts.push(port("ge1.251", 251));
    facts[0] = port("ge1.1", 1001);
    facts.remove(5);
    world.at(1).scan(1, &facts);
    let plan = world.plan();
    assert_eq!((plan.totals.adds, plan.totals.updates, plan.totals.removals), (1, 1, 0), "{plan:?}");
    assert!(matches!(plan.held[0].why, Hold::AbsentOnce { seen: 1, needed: 2 }), "{:?}", plan.held);
    // Made, and nothing written.
    assert_eq!(world.records(), before);

    world.at(2).scan(1, &facts);
    let plan = world.plan();
    assert_eq!((plan.totals.adds, plan.totals.updates, plan.totals.removals), (1, 1, 1), "{plan:?}");
    let again = SyncPlan::read(&plan.to_text()).unwrap();
    let done = world.apply(&again).unwrap();
    assert_eq!((done.added, done.updated, done.removed, done.drifts_resolved), (1, 1, 1, 3), "{done:?}");
    assert_eq!(world.env.store().unwrap().drifts(None).unwrap().len(), 0);
    // Applied again it is a plan of nothing.
    let twice = world.apply(&again).unwrap();
    assert_eq!((twice.already, twice.skipped.len(), twice.devices.len()), (3, 0, 0), "{twice:?}");

    // Only the tombstone comes back, then all of it.
    let after = world.records();
    let change = &done.devices[0].change;
    assert_eq!(jobs::restore_records(&world.env, change, "ann", "").unwrap().restored, 1);
    assert_eq!(world.records().len(), after.len() + 1);
    let refused = jobs::undo_records(&world.env, change, "ann", "").unwrap_err();
    assert!(refused.to_string().contains("changed later"), "{refused}");
    let log = world.env.store().unwrap().record_log(None, None, None, 1).unwrap();
    jobs::undo_records(&world.env, &jobs::change_name(log[0].event.seq), "ann", "").unwrap();
    assert_eq!(world.records(), after);
    // Everything later was taken back, so the change itself can be.
    jobs::undo_records(&world.env, change, "ann", "").unwrap();
    assert_eq!(world.records(), before);
    assert_eq!(world.env.store().unwrap().health().unwrap().problems(), Vec::<String>::new());
}

#[test]
fn a_plan_that_is_not_what_was_reviewed_is_refused() {
    let mut world = World::new(&["leaf-1"], "");
    world.record("leaf-1", &ports(1..11));
    let facts = [ports(1..11), vec![port("ge1.251", 251)]].concat();
    world.at(1).scan(1, &facts);
    let plan = world.plan();
    let rows = world.written();

    let edited = plan.to_text().replace("\"251\"", "\"252\"");
    assert!(matches!(SyncPlan::read(&edited), Err(Refused::Edited)));
    let added = plan.to_text().replacen('{', "{\"note\": 1,", 1);
    assert!(matches!(SyncPlan::read(&added), Err(Refused::Unreadable(_))));
    assert!(matches!(SyncPlan::read("hello"), Err(Refused::Unreadable(_))));
    let newer = plan.to_text().replace("\"driftcast_plan\": 1", "\"driftcast_plan\": 7");
    assert!(matches!(SyncPlan::read(&newer), Err(Refused::Form(7))));

    let other = World::new(&["leaf-1"], "");
    assert!(matches!(other.apply(&plan), Err(Refused::Foreign { .. })));
    world.at(26);
    assert!(matches!(world.apply(&plan), Err(Refused::Expired(_))));
    world.at(-5);
    assert!(matches!(world.apply(&plan), Err(Refused::FromTheFuture(_))));

    // The device moved on: read again, and the interface has another VLAN.
    world.at(3).scan(1, &[ports(1..11), vec![port("ge1.251", 900)]].concat());
    assert!(matches!(world.apply(&plan), Err(Refused::Outdated(_))));
    assert_eq!(world.written(), rows);
    // It is as planned again: the plan holds.
    world.at(4).scan(1, &facts);
    assert_eq!(world.apply(&plan).unwrap().added, 1);
}

/// `few`, or `many` with `DRIFTCAST_THOROUGH=1`: the same test, by hand, for long.
fn rounds(few: usize, many: usize) -> usize {
    let thorough = std::env::var_os("DRIFTCAST_THOROUGH").is_some();
    if thorough { many } else { few }
}

/// F78: whatever was wrong with a reading, it writes nothing, policy or not.
#[test]
fn a_bad_reading_writes_nothing() {
    let mut world = World::new(&["leaf-1"], ACCEPT);
    world.record("leaf-1", &ports(1..21));
    world.scan(1, &[ports(1..20), vec![port("ge1.251", 251)]].concat());
    let good = world.unattended();
    assert_eq!(good.totals.adds, 1, "there is something to write");
    let rows = world.written();

    // Partial, failed, suspect: the newest attempt was no good.
    let bad = Outcome::ALL.into_iter().filter(|o| !o.is_complete() && *o != Outcome::NotDue);
    let bad: Vec<Outcome> = bad.collect();
    for n in 0..rounds(6, 300) {
        let outcome = match n % 3 {
            0 => Outcome::Suspect,
            1 => Outcome::Incomplete,
            _ => bad[n % bad.len()],
        };
        world.attempt(1, &Scope::Device, outcome, &[]);
        if n % 3 == 0 {
            let plan = world.unattended();
            assert!(plan.is_empty(), "{n} {outcome:?}");
            assert!(whys(&plan).iter().all(|why| why.contains("not complete")), "{:?}", whys(&plan));
        }
        assert!(matches!(world.apply(&good), Err(Refused::Outdated(_))), "{outcome:?}");
    }
    // Stale: good once, and not read since.
    world.scan(1, &[ports(1..20), vec![port("ge1.251", 251)]].concat());
    for hours in (25..).take(rounds(2, 100)) {
        world.at(hours);
        let plan = world.unattended();
        assert!(plan.is_empty() && whys(&plan).iter().any(|why| why.contains("hours old")), "{hours}");
        let fresh = SyncPlan { made_at: world.env.clock.now(), ..good.clone() };
        assert!(matches!(world.apply(&fresh), Err(Refused::Edited | Refused::Expired(_))), "{hours}");
    }
    // Empty: complete, again and again, and nothing on it.
    for hours in (200..).take(rounds(3, 100)) {
        world.at(hours).scan(1, &[]);
        let plan = world.unattended();
        assert!(plan.is_empty(), "{plan:?}");
        assert!(world.plan().held.iter().all(|held| held.why == Hold::NothingThere));
    }
    assert_eq!(world.written(), rows);
}

/// F83: a device that does not answer, for however long, and one that left the
/// inventory lose no record. F78 for what a policy may do by night.
#[test]
fn nobody_is_deleted_for_not_answering() {
    let mut world = World::new(&["leaf-1", "leaf-2"], ACCEPT);
    for (id, device) in [(1, "leaf-1"), (2, "leaf-2")] {
        world.record(device, &ports(1..21));
        world.scan(id, &ports(1..21));
    }
    let before = world.records();
    for hour in 1..=30 {
        world.at(24 * hour).attempt(1, &Scope::Device, Outcome::Unreachable, &[]);
        world.scan(2, &ports(1..21));
        assert!(world.unattended().is_empty() && world.plan().is_empty(), "{hour}");
    }
    // Decommissioned: the next inventory is without it.
    let left: Vec<Device> =
        jobs::live_devices(&world.env).unwrap().into_iter().map(|(_, d)| d).filter(|d| d.port == 2).collect();
    let refused = jobs::import_devices(&world.env, &left, "test", false).unwrap_err();
    assert!(refused.to_string().contains("1 of 2"), "half of the fleet at once is asked about: {refused}");
    jobs::import_devices(&world.env, &left, "test", true).unwrap();
    assert!(world.plan().is_empty());
    assert_eq!(world.records(), before);
}

/// Widening the coverage is a plan like any other: it shows what would be
/// recorded, and afterwards the record claims to know of it.
#[test]
fn the_coverage_is_widened_by_a_reviewed_plan() {
    let mut world = World::new(&["leaf-1", "leaf-2"], "");
    world.record("leaf-2", &ports(1..3));
    world.scan(1, &ports(1..6));
    world.scan(2, &ports(1..3));
    let outside = jobs::unmanaged(&world.env, None).unwrap();
    assert_eq!(outside.len(), 5, "{outside:?}");
    assert!(outside.iter().all(|one| one.device.as_str() == "leaf-1"));
    let things = outside.into_iter().map(|one| (one.device_id, one.fact.key())).collect();
    let ask = SyncAsk { drifts: Some(BTreeSet::new()), things, who: "ann".into(), ..SyncAsk::default() };
    let plan = jobs::plan_for(&world.env, &ask).unwrap();
    assert_eq!((plan.totals.adds, plan.items()), (5, 5));
    assert_eq!(world.apply(&plan).unwrap().added, 5);
    assert!(jobs::unmanaged(&world.env, None).unwrap().is_empty());
    // From now on one more is a drift.
    world.at(1).scan(1, &ports(1..7));
    assert_eq!(world.env.store().unwrap().drifts(None).unwrap().len(), 1);
}

/// The bar of every guard: its limit goes through, one more does not, and it
/// can be allowed by name, for this plan only.
#[test]
fn a_guard_stops_everything_and_can_be_lifted_by_name() {
    let mut world = World::new(&["leaf-1", "leaf-2"], "");
    world.record("leaf-1", &ports(1..101));
    world.record("leaf-2", &ports(1..501));
    // Two complete readings without 31 of 100, and one interface more elsewhere.
    for hour in 1..3 {
        world.at(hour).scan(1, &ports(32..101));
        world.scan(2, &ports(1..502));
    }
    let plan = world.plan();
    assert_eq!((plan.totals.adds, plan.totals.removals), (1, 31));
    let (before, rows) = (world.records(), world.written());
    let Err(Refused::Guard(over)) = world.apply(&plan) else { panic!("not stopped") };
    assert_eq!(
        over.iter().map(|breach| breach.name.as_str()).collect::<Vec<_>>(),
        ["device:leaf-1:removals"]
    );
    assert!(over[0].text.contains("31 of 100") && over[0].text.contains("limit is 30"), "{}", over[0].text);
    assert_eq!((world.records(), world.written()), (before.clone(), rows), "nothing, of no device");

    // At its limit.
    world.at(3).scan(1, &[ports(1..2), ports(32..101)].concat());
    world.at(4).scan(1, &[ports(1..2), ports(32..101)].concat());
    let plan = world.plan();
    assert_eq!(world.apply(&plan).unwrap().removed, 30);
    jobs::undo_records(&world.env, &plan.id().to_string(), "ann", "").unwrap();
    assert_eq!(world.records(), before);
    assert_eq!(world.env.store().unwrap().health().unwrap().problems(), Vec::<String>::new());

    // Over it, and meant.
    for hour in 5..7 {
        world.at(hour).scan(1, &ports(32..101));
    }
    let plan = world.plan();
    assert!(matches!(world.apply(&plan), Err(Refused::Guard(_))));
    let name = ["device:leaf-1:removals".to_owned()];
    assert_eq!(world.apply_allowing(&plan, &name).unwrap().removed, 31);
}

/// F81: what changed since the plan is skipped and named; the rest is written.
#[test]
fn what_somebody_else_wrote_is_never_lost() {
    let mut world = World::new(&["leaf-1"], "");
    world.record("leaf-1", &ports(1..11));
    let mut facts = ports(1..11);
    for n in [2, 5, 8] {
        facts[n] = port(&format!("ge1.{}", n + 1), 2000 + n as u16);
    }
    world.at(1).scan(1, &facts);
    let plan = world.plan();
    assert_eq!(plan.totals.updates, 3);
    world.record("leaf-1", &[port("ge1.6", 777)]);
    let done = world.apply(&plan).unwrap();
    assert_eq!((done.updated, done.skipped.len()), (2, 1));
    assert_eq!(done.skipped[0].key.key, "ge1.6");
    assert!(done.skipped[0].why.contains("the record was changed"), "{}", done.skipped[0].why);
    let kept = world.records().into_iter().find(|record| record.name == "ge1.6").unwrap();
    assert_eq!(kept.outer.as_deref(), Some("777"));
    // And it is not planned again before the device was read again.
    assert_eq!(world.plan().held[0].why, Hold::RecordNewer);
}

/// Two writers at once, each through its own road: the one syncs and takes
/// back, the other edits. Nothing that either was told is done gets lost.
#[test]
fn two_writers_lose_nothing() {
    let world = World::new(&["leaf-1"], "");
    world.record("leaf-1", &ports(1..21));
    world.scan(1, &ports(1..21));
    let edits = rounds(20, 500);
    let edit = |who: &str, n: usize, env: &Env| {
        let vlan = u16::try_from(n % 4000 + 1).unwrap();
        let key = format!("ge1.{}", n % 20 + 1);
        let fact = port(&key, vlan);
        let record = Record {
            description: Some(format!("{who} {n}")),
            ..analysis::record_of(&name("leaf-1"), &fact, RecordSource::Imported)
        };
        jobs::import_records(env, &[record], who, "").unwrap();
    };
    let start = world.written();
    let (one, two) = (world.env.clone(), world.env.clone());
    let writers = [
        std::thread::spawn(move || (0..edits).for_each(|n| edit("ann", n, &one))),
        std::thread::spawn(move || (0..edits).for_each(|n| edit("bob", n * 7 + 3, &two))),
    ];
    for writer in writers {
        writer.join().unwrap();
    }
    let log = world.env.store().unwrap().record_log(None, None, None, u32::MAX).unwrap();
    assert_eq!(log.len() - start, 2 * edits, "each edit has its row");
    for who in ["ann", "bob"] {
        assert_eq!(log.iter().filter(|row| row.event.who == who && row.version > 1).count(), edits);
    }
    // The versions of one record follow each other without a gap.
    for row in &log {
        assert_eq!(row.before.is_some(), row.version > 1);
    }
    assert_eq!(world.env.store().unwrap().health().unwrap().problems(), Vec::<String>::new());
}

/// 1,000 random changes (fewer on every day), taken back: the record is as it was.
#[test]
fn random_changes_are_taken_back() {
    let world = World::new(&["leaf-1", "leaf-2"], "");
    for device in ["leaf-1", "leaf-2"] {
        world.record(device, &ports(1..31));
    }
    let before = world.records();
    let mut dice: u64 = 251;
    let mut roll = |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    let mut changes = Vec::new();
    for _ in 0..rounds(25, 1000) {
        let device = if roll(2) == 0 { "leaf-1" } else { "leaf-2" };
        let mut now: Vec<Record> =
            world.records().into_iter().filter(|record| record.device.as_str() == device).collect();
        // Some go, some change, some come; a whole file replaces what was there.
        now.retain(|_| roll(30) > 0);
        for record in &mut now {
            if roll(10) == 0 {
                record.outer = Some((roll(4000) + 1).to_string());
            }
        }
        let fresh = port(&format!("ge9.{}", roll(50)), u16::try_from(roll(4000) + 1).unwrap());
        let fresh = analysis::record_of(&name(device), &fresh, RecordSource::Deployed);
        now.retain(|record| record.name != fresh.name);
        now.push(fresh);
        let plan = jobs::plan_replacing(&world.env, &name(device), &now, "ann").unwrap();
        let all: Vec<String> =
            jobs::sync_breaches(&world.env, &plan).unwrap().into_iter().map(|breach| breach.name).collect();
        changes.extend(world.apply_allowing(&plan, &all).unwrap().devices.into_iter().map(|d| d.change));
    }
    assert_ne!(world.records(), before);
    for change in changes.iter().rev() {
        jobs::undo_records(&world.env, change, "ann", "").unwrap();
    }
    assert_eq!(world.records(), before);
    assert_eq!(world.env.store().unwrap().health().unwrap().problems(), Vec::<String>::new());
}

/// One byte of the audit trail, or of the ledger, is noticed.
#[test]
fn a_changed_byte_is_noticed() {
    let mut world = World::new(&["leaf-1"], "");
    world.record("leaf-1", &ports(1..4));
    world.record("leaf-1", &[port("ge1.2", 700)]);
    world.open = None;
    let (env, dir) = (&world.env, world.folder.path().join("data"));
    let problems = || env.store().unwrap().health().unwrap().problems();
    assert_eq!(problems(), Vec::<String>::new());
    for (sql, back) in [
        (
            "UPDATE record_event SET outer_tags = '701' WHERE outer_tags = '700'",
            "UPDATE record_event SET outer_tags = '700' WHERE outer_tags = '701'",
        ),
        (
            "UPDATE record_event SET who = 'anm' WHERE key = 'ge1.3'",
            "UPDATE record_event SET who = 'ann' WHERE key = 'ge1.3'",
        ),
        (
            "UPDATE write_event SET what = replace(what, 'given', 'taken') WHERE n = 2",
            "UPDATE write_event SET what = replace(what, 'taken', 'given') WHERE n = 2",
        ),
        (
            "UPDATE record_change SET what = 'sync' WHERE what = 'import'",
            "UPDATE record_change SET what = 'import'",
        ),
    ] {
        let outside = |sql: &str| {
            let db = duckdb::Connection::open(dir.join("driftcast.duckdb")).unwrap();
            db.execute_batch(sql).unwrap();
        };
        outside(sql);
        assert!(!problems().is_empty(), "{sql}");
        outside(back);
        assert_eq!(problems(), Vec::<String>::new(), "{back}");
    }
    // A row that nobody wrote.
    let db = duckdb::Connection::open(dir.join("driftcast.duckdb")).unwrap();
    db.execute_batch(
        "INSERT INTO record_event SELECT * REPLACE (seq + 1000 AS seq) FROM record_event LIMIT 1",
    )
    .unwrap();
    drop(db);
    assert!(problems()[0].contains("belong to no acknowledged write"), "{:?}", problems());
}

/// A thing outside the coverage is no drift, and can still be accepted by name.
#[test]
fn what_the_record_does_not_claim_can_be_named() {
    let mut world = World::new(&["leaf-1"], "");
    world.at(1).scan(1, &ports(1..4));
    assert!(world.plan().is_empty() && world.env.store().unwrap().drifts(None).unwrap().is_empty());
    let key = FactKey::new(driftcast::model::Kind::Interface, "ge1.2");
    let ask = SyncAsk {
        drifts: Some(BTreeSet::new()),
        things: [(1, key.clone())].into(),
        who: "ann".into(),
        ..SyncAsk::default()
    };
    let plan = jobs::plan_for(&world.env, &ask).unwrap();
    assert_eq!((plan.totals.adds, plan.items()), (1, 1));
    assert_eq!(world.apply(&plan).unwrap().added, 1);
    assert_eq!(world.records()[0].outer.as_deref(), Some("2"));
    assert!(jobs::plan_for(&world.env, &ask).unwrap().is_empty(), "it is so already");
}
