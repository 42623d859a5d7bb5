//! The store from outside: what goes in comes out, what was not committed is
//! not there, what was lost is named, and a quiet night is small.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use driftcast::model::device::DeviceId;
use driftcast::model::snapshot::{CommitMark, KeptText, digest_of};
use driftcast::model::{
    AdminState, BridgeDomain, Cause, Change, ChangeKind, Device, DeviceName, DriftClass, DriftId, DriftStep,
    Encapsulation, EncapsulationKind, Fact, FactKey, Interface, Kind, LineCounts, Neighbor, OperState,
    Outcome, Reason, Record, RecordSource, RunId, RunKind, Scope, Service, ServiceKind, ServiceRef, Step,
    UnreadLine, Vlan,
};
use driftcast::store::{
    DeviceResult, ImportOutcome, Knowledge, LedgerState, RecordEdit, ScanOrder, ScanRow, Store, StoreError,
};

fn private_dir() -> tempfile::TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
}

fn day(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + n * 86_400, 0).unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open(dir, Duration::from_secs(5)).unwrap()
}

fn device(name: &str) -> Device {
    Device {
        name: DeviceName::new(name).unwrap(),
        address: "192.0.2.7".into(),
        port: 22,
        platform: "drivenets_dnos".into(),
        role: "leaf".into(),
        site: "fra1".into(),
        importance: 1.5,
        tags: vec!["prod".into(), "a'b".into()],
        jump: None,
        credential: Some("lab".into()),
    }
}

fn import(store: &Store, names: &[&str], n: i64) -> Result<ImportOutcome, StoreError> {
    let devices: Vec<Device> = names.iter().map(|name| device(name)).collect();
    store.import_devices(&devices, "devices.csv", day(n), "ann", false)
}

fn digest(text: &str) -> String {
    digest_of(&[Fact::Vlan(Vlan { id: 1, name: Some(text.into()), interfaces: vec![] })])
}

fn scan(run: RunId, device_id: DeviceId, n: i64) -> ScanRow {
    ScanRow {
        run,
        device_id,
        scope: Scope::Device,
        reason: Reason::Due,
        started_at: day(n),
        took_ms: 4_200,
        outcome: Outcome::Complete,
        detail: None,
        lines: None,
        facts_digest: None,
        text_digest: None,
        observed_digest: None,
        capture_digest: None,
        changed: false,
        text_changed: false,
    }
}

fn sub_interface(port: &str, vlan: u16) -> Interface {
    let name = format!("{port}.{vlan}");
    Interface {
        as_printed: vec![format!("{name} (L2)"), "odd form".into()],
        parent: Some(port.into()),
        admin: Some(AdminState::Up),
        oper: Some(OperState::NotPresent),
        description: Some("to o'brien; DROP TABLE fact".into()),
        mtu: Some(1518),
        encapsulation: Encapsulation {
            kind: EncapsulationKind::Qinq,
            outer: Some(vlan.to_string()),
            inner: Some("7-9".into()),
            tpid: Some("0x88a8".into()),
        },
        l2: true,
        service: Some(ServiceRef { kind: ServiceKind::BridgeDomain, name: "bd1".into() }),
        bundle: Some("bundle-1".into()),
        ..Interface::named(name)
    }
}

fn drift_step(device: DeviceId, step: Step, n: i64) -> DriftStep {
    let key = FactKey::new(Kind::Interface, "ge0.7");
    DriftStep {
        id: DriftId::of(device, &key),
        step,
        key,
        class: DriftClass::Differs,
        fields: vec!["outer".into(), "admin".into()],
        cause: Cause::Manual,
        record: Some(json!({"outer": "8"})),
        fact: Some(json!({"outer": "7"})),
        when: day(n),
    }
}

#[test]
fn an_inventory_merges_retires_and_keeps_history() {
    let dir = private_dir();
    let store = open(dir.path());
    let ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    assert_eq!(import(&store, &ten, 0).unwrap(), ImportOutcome { added: 10, ..Default::default() });
    assert_eq!(import(&store, &ten, 1).unwrap(), ImportOutcome { unchanged: 10, ..Default::default() });
    assert!(matches!(import(&store, &ten[2..], 2), Err(StoreError::Guard { would_retire: 2, of: 10 })));
    assert!(matches!(import(&store, &["a", "a"], 2), Err(StoreError::NameTaken(_))));
    assert_eq!(
        import(&store, &ten[1..], 2).unwrap(),
        ImportOutcome { unchanged: 9, retired: 1, ..Default::default() }
    );
    // Another source does not retire those of this one.
    store.import_devices(&[device("z")], "netbox", day(3), "bob", false).unwrap();
    assert_eq!(
        import(&store, &ten, 4).unwrap(),
        ImportOutcome { updated: 1, unchanged: 9, ..Default::default() }
    );

    let name = |n: &str| DeviceName::new(n).unwrap();
    store.rename_device(&name("b"), &name("bb"), day(5), "ann").unwrap();
    assert!(matches!(
        store.rename_device(&name("b"), &name("x"), day(5), "ann"),
        Err(StoreError::UnknownDevice(_))
    ));
    assert!(matches!(
        store.rename_device(&name("c"), &name("a"), day(5), "ann"),
        Err(StoreError::NameTaken(_))
    ));
    let devices = store.devices().unwrap();
    assert_eq!(devices.len(), 11);
    let renamed = devices.iter().find(|d| d.device.name == name("bb")).unwrap();
    assert_eq!((renamed.id, renamed.since, renamed.retired), (2, day(0), false));
    assert_eq!(renamed.device, Device { name: name("bb"), ..device("b") });
    assert_eq!(devices[0].source, "devices.csv");
}

#[test]
fn a_device_result_comes_back_whole() {
    let dir = private_dir();
    let run = {
        let store = open(dir.path());
        import(&store, &["leaf1", "leaf2"], 0).unwrap();
        store.start_run(RunKind::Nightly, day(0), Some(2), &json!({"why": "test"})).unwrap()
    };
    let facts = vec![
        Fact::Interface(sub_interface("ge0", 7)),
        Fact::Interface(Interface { configured: false, ..Interface::named("ge9") }),
        Fact::BridgeDomain(BridgeDomain {
            name: "bd1".into(),
            admin: Some(AdminState::Down),
            description: None,
            interfaces: vec!["ge0.7".into()],
            router_interface: Some("irb1".into()),
        }),
        Fact::Service(Service {
            kind: ServiceKind::EvpnVpws,
            name: "svc".into(),
            interfaces: vec![],
            neighbors: vec![Neighbor { address: "2001:db8::1".into(), id: Some("8".into()) }],
        }),
        Fact::Vlan(Vlan { id: 251, name: Some("v".into()), interfaces: vec!["ge1".into()] }),
    ];
    let change = Change {
        key: FactKey::new(Kind::Interface, "ge0.7"),
        kind: ChangeKind::Modified,
        fields: vec!["outer".into()],
        after: day(0),
        until: day(1),
        who: Some("bob".into()),
        via: Some("cli".into()),
    };
    let commit = CommitMark { at: "22-Nov-2026 01:02".into(), user: "bob".into(), via: "cli".into() };
    let first = DeviceResult {
        opened: facts.clone(),
        changes: vec![change.clone()],
        drift_steps: vec![drift_step(1, Step::Opened, 1)],
        kept: vec![KeptText { section: "config".into(), text: "interfaces\n  ge0.7\n!\n".into() }],
        unread: vec![UnreadLine { line: 17, text: "odd".into() }],
        commit: Some(commit.clone()),
        ..DeviceResult::of(ScanRow {
            lines: Some(LineCounts { read: 9, ignored: 4, unread: 1 }),
            facts_digest: Some(digest("f")),
            text_digest: Some(digest("t")),
            observed_digest: Some(digest("o")),
            capture_digest: Some(digest("c")),
            changed: true,
            text_changed: true,
            ..scan(run, 1, 1)
        })
    };
    let failed = DeviceResult::of(ScanRow {
        outcome: Outcome::Auth,
        detail: Some("password-change".into()),
        ..scan(run, 2, 1)
    });
    open(dir.path()).append(&[first.clone(), failed]).unwrap();

    // A second run: one quiet scan, then a narrow one that finds a change.
    let store = open(dir.path());
    let summary = json!({"devices": {"complete": 1, "auth": 1}});
    store.finish_run(run, day(1), "partial", &summary).unwrap();
    let second = store.start_run(RunKind::Scan, day(2), None, &json!(null)).unwrap();
    store.append(&[DeviceResult::of(scan(second, 1, 2))]).unwrap();
    let states = store.last_states(None).unwrap();
    let state = &states[&1];
    assert_eq!(state.last_complete, Some(day(2)));
    assert_eq!(state.facts_digest, Some(digest("f")));
    assert_eq!(state.observed_digest, Some(digest("o")));
    assert_eq!(state.capture_digest, Some(digest("c")));
    assert_eq!((state.complete_scans, state.lines.unwrap().read), (2, 9));
    assert_eq!(state.commit, Some(commit));
    let state = &states[&2];
    assert_eq!((state.last_complete, state.failing_since), (None, Some(day(1))));
    assert_eq!(state.last_attempt, (day(1), Outcome::Auth, Some("password-change".into())));

    let known = store.knowledge(&[1, 2]).unwrap();
    assert_eq!(known[&1].facts, facts);
    assert_eq!(known[&1].observed["ge0.7"], (Some(OperState::NotPresent), Some(1518)));
    assert_eq!(known[&2], Knowledge::default());
    let drift = &known[&1].drifts[0];
    assert_eq!((drift.device.as_str(), drift.first_seen, drift.last_seen), ("leaf1", day(1), day(2)));
    assert_eq!((drift.class, &drift.record), (DriftClass::Differs, &Some(json!({"outer": "8"}))));

    let narrow = DeviceResult {
        opened: vec![Fact::Interface(Interface { description: None, ..sub_interface("ge0", 7) })],
        closed: vec![FactKey::new(Kind::Vlan, "251"), FactKey::new(Kind::Interface, "ge0.7")],
        observed: vec![("ge9".into(), Some(OperState::Up), None)],
        drift_steps: vec![drift_step(1, Step::Resolved, 3)],
        ..DeviceResult::of(ScanRow {
            scope: Scope::Interface("ge0.7".into()),
            changed: true,
            ..scan(second, 1, 3)
        })
    };
    store.append(&[narrow]).unwrap();
    let state = &store.last_states(None).unwrap()[&1];
    assert_eq!((state.last_complete, &state.facts_digest), (Some(day(2)), &None), "the facts moved on");
    let now = store.facts(1, None).unwrap();
    assert_eq!(now.len(), 4);
    let Fact::Interface(x) = &now[0] else { panic!("expected an interface") };
    assert_eq!((x.name.as_str(), &x.description), ("ge0.7", &None));
    let Fact::Interface(x) = &now[1] else { panic!("expected an interface") };
    assert_eq!((x.oper, x.configured), (Some(OperState::Up), false));

    // The first night can still be told as it was.
    assert_eq!(store.facts(1, Some(run)).unwrap(), facts);
    assert_eq!(store.drifts(Some(run)).unwrap().len(), 1);
    assert_eq!(store.drifts(None).unwrap(), []);
    assert_eq!(store.changes(Some(1), day(1), None).unwrap(), [(1, change)]);
    assert_eq!(store.changes(None, day(2), None).unwrap(), []);
    let events = store.drift_events(day(2), None).unwrap();
    assert_eq!(events, [(1, drift_step(1, Step::Resolved, 3))], "it shows what was resolved");
    let past = &store.knowledge(&[1]).unwrap()[&1].past;
    assert_eq!(past[&drift.id].first_seen, day(1));
    store
        .append(&[DeviceResult {
            drift_steps: vec![drift_step(1, Step::Returned, 4)],
            ..DeviceResult::of(scan(second, 1, 4))
        }])
        .unwrap();
    assert_eq!(store.drifts(None).unwrap()[0].recurrences, 1);
    let steps = store.drift_events(day(0) - chrono::TimeDelta::days(1), None).unwrap();
    let steps: Vec<Step> = steps.into_iter().map(|(_, step)| step.step).collect();
    assert_eq!(steps, [Step::Opened, Step::Resolved, Step::Returned]);

    let seen = store.scans(1, 10, None).unwrap();
    assert_eq!(seen.len(), 4);
    let read_back = ScanRow { capture_digest: None, ..first.scan.clone() };
    assert_eq!(seen[3].row, read_back);
    assert_eq!(seen[2].row.facts_digest, Some(digest("f")), "a quiet scan is filled in");
    assert_eq!(store.scans_of_run(run).unwrap().len(), 2);
    assert_eq!(store.unread_of(run).unwrap(), [(1, first.unread[0].clone())]);
    assert_eq!(store.unread_of(second).unwrap().len(), 1, "unread lines stay until they change");
    assert_eq!(store.kept(1, None).unwrap(), first.kept);
    assert_eq!(store.kept_text(1, "other", None).unwrap(), None);

    let row = store.run(run).unwrap().unwrap();
    assert_eq!((row.kind, row.budget, row.pid), (RunKind::Nightly, Some(2), std::process::id()));
    assert_eq!(
        (row.outcome.as_deref(), row.finished, row.summary),
        (Some("partial"), Some(day(1)), Some(summary))
    );
    assert_eq!(store.runs(10).unwrap()[0].finished, None);
    assert!(matches!(store.drifts(Some(99)), Err(StoreError::UnknownRun(99))));

    let history = |run, order| {
        let mut batches: Vec<RecordBatch> = Vec::new();
        let mut take = |batch: &RecordBatch| {
            batches.push(batch.clone());
            Ok::<_, StoreError>(())
        };
        store.history(run, order, &mut take).unwrap();
        batches
    };
    for order in [ScanOrder::Stored, ScanOrder::Sorted] {
        let all = history(None, order);
        assert_eq!(all.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
        let types: Vec<String> = all[0].schema().fields().iter().map(|f| f.data_type().to_string()).collect();
        assert_eq!(types, ["Int64", "Int64", "Timestamp(µs)", "Boolean"]);
        assert_eq!(history(Some(run), order).iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    }
    assert_eq!(store.scan_count().unwrap(), 5);
    let finds = store.history_finds(None).unwrap();
    assert!(finds.iter().all(|find| find.device == 1 && (find.changes > 0 || find.drifted)), "{finds:?}");
}

#[test]
fn kept_texts_are_versions() {
    let dir = private_dir();
    let store = open(dir.path());
    import(&store, &["leaf1"], 0).unwrap();
    let text = |n: i64| {
        let line = |i| format!("vlan {}", if i == n { 4000 } else { i });
        (0..200).map(line).collect::<Vec<_>>().join("\n")
    };
    let mut runs = Vec::new();
    for n in 0..30 {
        let run = store.start_run(RunKind::Nightly, day(n), None, &json!({})).unwrap();
        let kept = vec![
            KeptText { section: "config".into(), text: text(n) },
            KeptText { section: "same".into(), text: "as ever".into() },
        ];
        store.append(&[DeviceResult { kept, ..DeviceResult::of(scan(run, 1, n)) }]).unwrap();
        runs.push(run);
    }
    for (n, run) in (0..).zip(&runs) {
        assert_eq!(store.kept_text(1, "config", Some(*run)).unwrap(), Some(text(n)), "night {n}");
    }
    assert_eq!(store.kept_text(1, "same", None).unwrap().as_deref(), Some("as ever"));
}

#[test]
fn forecasts_meet_what_followed() {
    let dir = private_dir();
    let store = open(dir.path());
    let run = store.start_run(RunKind::Nightly, day(0), None, &json!({})).unwrap();
    store.append_forecasts(run, &[(2, 0.25, 0.125), (1, 0.5, f64::NAN), (3, 7.0, 0.0)]).unwrap();
    store
        .append(&[
            DeviceResult::of(ScanRow { changed: true, reason: Reason::Sample, ..scan(run, 1, 0) }),
            DeviceResult::of(ScanRow {
                outcome: Outcome::Timeout,
                reason: Reason::Sample,
                ..scan(run, 2, 0)
            }),
            DeviceResult::of(ScanRow { reason: Reason::Predicted, ..scan(run, 3, 0) }),
        ])
        .unwrap();
    assert_eq!(store.forecasts(run).unwrap(), [(1, 0.5, 0.0), (2, 0.25, 0.125), (3, 1.0, 0.0)]);
    let outcomes = store.forecast_outcomes(None).unwrap();
    assert_eq!(outcomes.len(), 1, "only complete scans tell, and only those that chance chose");
    assert_eq!((outcomes[0].device, outcomes[0].p, outcomes[0].changed), (1, 0.5, true));
    assert!(matches!(
        store.append(&[DeviceResult::of(ScanRow { facts_digest: Some("xyz".into()), ..scan(run, 1, 0) })]),
        Err(StoreError::Unstorable { .. })
    ));
}

#[test]
fn records_have_an_audit_trail() {
    let dir = private_dir();
    let store = open(dir.path());
    import(&store, &["leaf1"], 0).unwrap();
    let name = DeviceName::new("leaf1").unwrap();
    let record = Record {
        outer: Some("251".into()),
        l2: Some(true),
        neighbours: Some("10.0.0.1:8".into()),
        ..Record::of(name.clone(), Kind::Interface, "ge0.251", RecordSource::Deployed)
    };
    let vlan = Record::of(name, Kind::Vlan, "251", RecordSource::Imported);
    let both = [record.clone(), vlan.clone()];
    let set = |records: &[Record], removed: &[(DeviceId, FactKey)], n| {
        let edit = RecordEdit { records, removed, ..RecordEdit::default() };
        store.set_records(&edit, day(n), "ann", "because").unwrap()
    };
    let counts = set(&both, &[], 0);
    assert_eq!((counts.added, counts.updated, counts.unchanged, counts.removed), (2, 0, 0, 0));
    let lines = store.health().unwrap().ledger_lines;
    let counts = set(&both, &[], 1);
    assert_eq!((counts.unchanged, store.health().unwrap().ledger_lines), (2, lines), "nothing was written");
    assert_eq!(store.records(Some(1), None).unwrap(), [(1, record.clone()), (1, vlan.clone())]);

    let changed = Record { outer: Some("252".into()), ..record };
    let step = (1, drift_step(1, Step::Opened, 2));
    let edit = RecordEdit {
        records: std::slice::from_ref(&changed),
        removed: &[(1, vlan.key())],
        drift_steps: &[step],
        ..RecordEdit::default()
    };
    let counts = store.set_records(&edit, day(2), "bob", "sync").unwrap();
    assert_eq!((counts.updated, counts.removed), (1, 1));
    assert_eq!(store.records(None, None).unwrap(), [(1, changed)]);
    assert_eq!(store.drifts(None).unwrap().len(), 1);
    let log = store.record_log(Some(1), None, None, 10).unwrap();
    assert_eq!(log.len(), 4);
    let newest = &log[0];
    assert_eq!(
        (newest.event.who.as_str(), newest.event.why.as_str(), newest.event.when),
        ("bob", "sync", day(2))
    );
    assert_eq!((newest.version, newest.newest, newest.before.is_some()), (2, newest.event.seq, true));
    assert_eq!(log.iter().filter(|row| !row.event.present).count(), 1);
    let unknown = Record::of(DeviceName::new("nobody").unwrap(), Kind::Vlan, "1", RecordSource::Imported);
    assert!(matches!(
        store.set_records(&RecordEdit { records: &[unknown], ..RecordEdit::default() }, day(3), "ann", ""),
        Err(StoreError::UnknownDevice(_))
    ));
}

#[test]
fn a_request_waits_until_it_is_done() {
    let dir = private_dir();
    let scope = Scope::BridgeDomain("bd1".into());
    let id = open(dir.path()).ask(7, &scope, Reason::Conflict, "deploy refused", day(0)).unwrap();
    let store = open(dir.path());
    assert_eq!(store.ask(7, &scope, Reason::Requested, "again", day(1)).unwrap(), id);
    let other = store.ask(7, &Scope::Device, Reason::Requested, "", day(1)).unwrap();
    let open_now = store.requests().unwrap();
    assert_eq!(open_now.len(), 2);
    assert_eq!(
        (&open_now[0].scope, open_now[0].reason, open_now[0].asked),
        (&scope, Reason::Conflict, day(0))
    );
    store.done(&[id, 999], 1, day(2)).unwrap();
    assert_eq!(store.requests().unwrap().iter().map(|r| r.id).collect::<Vec<_>>(), [other]);
    assert_ne!(store.ask(7, &scope, Reason::Requested, "", day(3)).unwrap(), id);
}

#[test]
fn two_openings_of_one_process_are_one() {
    let dir = private_dir();
    let link = tempfile::tempdir().unwrap().path().join("link");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    let first = open(dir.path());
    let second = open(&link);
    import(&first, &["a"], 0).unwrap();
    import(&second, &["a", "b"], 1).unwrap();
    std::thread::scope(|threads| {
        for n in 0..4_i64 {
            let dir = dir.path();
            threads.spawn(move || open(dir).ask(n, &Scope::Device, Reason::Due, "", day(n)).unwrap());
        }
    });
    drop(first);
    assert_eq!(second.devices().unwrap().len(), 2);
    drop(second);
    let again = open(dir.path());
    assert_eq!(again.devices().unwrap().len(), 2);
    let mut requests: Vec<i64> = again.requests().unwrap().iter().map(|r| r.id).collect();
    requests.sort_unstable();
    assert_eq!(requests, [1, 2, 3, 4]);
    fs::remove_file(&link).unwrap();
}

#[test]
fn another_holder_is_waited_for_and_named() {
    let dir = private_dir();
    drop(open(dir.path()));
    let held = fs::File::options().write(true).open(dir.path().join("locks/store.lock")).unwrap();
    held.lock().unwrap();
    let busy = Store::open(dir.path(), Duration::from_millis(20)).map(|_| ()).unwrap_err();
    assert!(matches!(&busy, StoreError::Busy { holder, .. } if holder.pid == std::process::id()), "{busy}");
    assert!(busy.to_string().contains("process"), "{busy}");
    let waiter = std::thread::spawn({
        let dir = dir.path().to_owned();
        move || Store::open(&dir, Duration::from_secs(30)).map(|_| ())
    });
    held.unlock().unwrap();
    waiter.join().unwrap().unwrap();
}

#[test]
fn what_cannot_be_opened_is_left_as_it_is() {
    let dir = private_dir();
    let file = dir.path().join("driftcast.duckdb");
    let try_open = || Store::open(dir.path(), Duration::ZERO).map(|_| ()).unwrap_err();

    fs::write(&file, "this is no database").unwrap();
    assert!(matches!(try_open(), StoreError::Unopenable { .. }));
    assert_eq!(fs::read(&file).unwrap(), b"this is no database");
    fs::remove_file(&file).unwrap();

    std::os::unix::fs::symlink("/nowhere", &file).unwrap();
    assert!(matches!(try_open(), StoreError::NotPlain(_)));
    fs::remove_file(&file).unwrap();

    let foreign = duckdb::Connection::open(&file).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (x INTEGER)").unwrap();
    drop(foreign);
    assert!(matches!(try_open(), StoreError::Foreign(_)));
    fs::remove_file(&file).unwrap();

    drop(open(dir.path()));
    let newer = duckdb::Connection::open(&file).unwrap();
    newer.execute_batch("INSERT INTO schema_event VALUES (77, 'later')").unwrap();
    drop(newer);
    let error = try_open();
    assert!(matches!(error, StoreError::NewerSchema { found: 77, .. }), "{error}");
}

#[test]
fn everything_is_private_and_nothing_else_can_be_reached() {
    let dir = private_dir();
    let data = dir.path().join("deep/data");
    let store = open(&data);
    import(&store, &["a';DROP--"], 0).unwrap();
    let mut folders = vec![dir.path().join("deep")];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", path.display());
            }
        }
    }
    assert_eq!(store.health().unwrap().problems(), Vec::<String>::new());
    fs::set_permissions(data.join("ledger.jsonl"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(store.health().unwrap().problems().len(), 1);
}

#[test]
fn a_lost_write_is_named_and_a_missing_line_is_repaired() {
    let dir = private_dir();
    let ledger = dir.path().join("ledger.jsonl");
    let database = dir.path().join("driftcast.duckdb");
    let log = dir.path().join("driftcast.duckdb.wal");
    let state = || open(dir.path()).health().unwrap();

    import(&open(dir.path()), &["a"], 0).unwrap();
    open(dir.path()).checkpoint().unwrap();
    let one_line = fs::read(&ledger).unwrap();
    let older = fs::read(&database).unwrap();
    import(&open(dir.path()), &["a", "b"], 1).unwrap();
    let two_lines = fs::read(&ledger).unwrap();

    // Killed between the commit and the line.
    fs::write(&ledger, &one_line).unwrap();
    assert!(matches!(state().ledger_state, LedgerState::Repaired(line) if line.n == 2));
    assert_eq!(fs::read(&ledger).unwrap(), two_lines, "the very line that was missing");
    assert_eq!(state().ledger_state, LedgerState::InStep);

    // Lines were taken away.
    fs::write(&ledger, "").unwrap();
    assert_eq!(state().ledger_state, LedgerState::LedgerBehind { ledger: 0, database: 2 });
    fs::write(&ledger, String::from_utf8(two_lines.clone()).unwrap().replace("import", "export")).unwrap();
    assert_eq!(state().ledger_break.unwrap().line, 1);
    fs::write(&ledger, &two_lines).unwrap();

    // The log was cut: DuckDB opens without an error and without the last import.
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 7]).unwrap();
    let health = state();
    assert!(
        matches!(&health.ledger_state, LedgerState::DatabaseBehind { first: 2, last } if last.n == 2),
        "{:?}",
        health.ledger_state
    );
    assert_eq!(health.lost.len(), 1);
    assert!(health.problems()[0].contains("import of 2 devices"), "{:?}", health.problems());

    // An older copy of the database, and life goes on: the loss stays visible.
    fs::write(&database, &older).unwrap();
    fs::remove_file(&log).unwrap();
    import(&open(dir.path()), &["a", "c"], 2).unwrap();
    let health = state();
    assert_eq!((health.ledger_state, health.lost.len()), (LedgerState::InStep, 1));
}

#[test]
fn a_killed_writer_leaves_whole_devices_only() {
    let dir = private_dir();
    let copy = private_dir();
    let store = open(dir.path());
    import(&store, &["a"], 0).unwrap();
    let run = store.start_run(RunKind::Nightly, day(0), None, &json!({})).unwrap();
    store.append(&[DeviceResult::of(scan(run, 1, 0))]).unwrap();
    // What a kill leaves on the disk: the files as they are now, with the log.
    for name in ["driftcast.duckdb", "driftcast.duckdb.wal", "ledger.jsonl"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let after = open(copy.path());
    let state = &after.last_states(None).unwrap()[&1];
    assert_eq!(state.complete_scans, 1);
    assert_eq!(after.run(run).unwrap().unwrap().finished, None, "abandoned");
    assert_eq!(after.health().unwrap().problems(), Vec::<String>::new());
}

/// A year of nights on a fleet: how big the database gets, how long it takes.
/// `DRIFTCAST_SIZE=1000x365x3` tries a thousand devices for 365 nights of which
/// 3 % change each; without it a small fleet, quick enough for every day.
#[test]
fn a_quiet_night_is_one_small_row_a_device() {
    #[expect(clippy::disallowed_methods, reason = "a size for a run by hand; no setting of the program")]
    let size = std::env::var("DRIFTCAST_SIZE").unwrap_or_default();
    let mut numbers = size.split('x').map_while(|n| n.parse::<i64>().ok());
    let (devices, nights) = (numbers.next().unwrap_or(50), numbers.next().unwrap_or(30));
    let per_cent = numbers.next().unwrap_or(0);
    let dir = private_dir();
    let mut random = Random(7);
    let mut fleet: Vec<Vec<Interface>> =
        (0..devices).map(|_| (0..250).map(|i| random.interface(i)).collect()).collect();

    let inventory: Vec<Device> = (1..=devices).map(|n| device(&format!("leaf{n}"))).collect();
    open(dir.path()).import_devices(&inventory, "devices.csv", day(0), "ann", false).unwrap();

    let text: usize = fleet.iter().map(|interfaces| config(interfaces).len()).sum();
    let mut spent = Duration::ZERO;
    let mut first = (Duration::ZERO, 0);
    for night in 0..nights {
        let mut results: Vec<DeviceResult> = Vec::new();
        let clock = Instant::now();
        let run = {
            let store = open(dir.path());
            let run = store.start_run(RunKind::Nightly, day(night), None, &json!({})).unwrap();
            let forecasts: Vec<_> =
                (1..=devices).map(|d| (d, random.share() / 9.0, random.share() / 20.0)).collect();
            store.append_forecasts(run, &forecasts).unwrap();
            run
        };
        spent += clock.elapsed();
        for (id, interfaces) in (1..).zip(&mut fleet) {
            results.push(random.read(run, id, night, interfaces, per_cent));
        }
        let clock = Instant::now();
        for slice in results.chunks(100) {
            open(dir.path()).append(slice).unwrap();
        }
        open(dir.path()).finish_run(run, day(night), "complete", &json!({})).unwrap();
        let states = open(dir.path()).last_states(None).unwrap();
        assert_eq!(i64::try_from(states.len()).unwrap(), devices);
        spent += clock.elapsed();
        if night == 0 {
            first = (spent, fs::metadata(dir.path().join("driftcast.duckdb")).unwrap().len());
            spent = Duration::ZERO;
        }
    }
    let room = open(dir.path()).room().unwrap();
    let clock = Instant::now();
    drop(open(dir.path()));
    let opening = clock.elapsed();
    let store = open(dir.path());
    let clock = Instant::now();
    store.last_states(None).unwrap();
    let states = clock.elapsed();
    let clock = Instant::now();
    store.history(None, ScanOrder::Stored, |_| Ok::<_, StoreError>(())).unwrap();
    let history = clock.elapsed();
    let clock = Instant::now();
    store.knowledge(&(1..=devices.min(30)).collect::<Vec<_>>()).unwrap();
    let knowledge = clock.elapsed();

    let per_scan = (room.used.saturating_sub(first.1)) as f64 / (devices * (nights - 1)) as f64;
    let mut report = String::new();
    let _ = writeln!(report, "{devices} devices, {nights} nights, {per_cent} % change; text {text} bytes");
    let _ = writeln!(report, "database {} bytes, after the first night {}", room.used, first.1);
    let _ = writeln!(report, "{per_scan:.1} bytes a scan");
    let _ = writeln!(report, "first night {:.2} ms a device", first.0.as_secs_f64() * 1e3 / devices as f64);
    let later = spent.as_secs_f64() * 1e3 / (devices * (nights - 1)) as f64;
    let _ = writeln!(report, "later nights {later:.3} ms a device");
    let _ = writeln!(
        report,
        "close and open {opening:?}, states {states:?}, history {history:?}, knowledge of 30 {knowledge:?}"
    );
    // `cargo test -- --nocapture` shows it.
    std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes()).unwrap();
    // Small fleets pay for whole blocks; rewriting one text a night would cost 6,000.
    let bound = if devices * nights < 100_000 { 250.0 } else { 60.0 };
    assert!(per_scan < bound, "{report}");
    if devices >= 1000 && nights >= 365 {
        // These texts are harder to pack than real ones: random words, numbers and tags.
        let most = if per_cent == 0 { 25_000_000 } else { 200_000_000 };
        assert!(room.used <= most, "{report}");
    }
}

fn config(interfaces: &[Interface]) -> String {
    let mut text = String::new();
    for x in interfaces {
        let _ = write!(
            text,
            "  {}\n    admin-state enabled\n    description \"{}\"\n    l2-service enabled\n    vlan-id {}\n    mpls disabled\n    flow-monitoring disabled\n  !\n",
            x.name,
            x.description.as_deref().unwrap_or_default(),
            x.encapsulation.outer.as_deref().unwrap_or_default(),
        );
    }
    text
}

/// A small generator of its own: the same sizes on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn small(&mut self, below: u32) -> i64 {
        i64::try_from(self.next(u64::from(below))).unwrap()
    }

    fn share(&mut self) -> f64 {
        self.next(1 << 30) as f64 / (1_u64 << 30) as f64
    }

    fn word(&mut self) -> String {
        // Eight hundred words, the same ones everywhere.
        let mut word = Self(self.next(800) * 2_654_435_761 + 88_172_645_463_325_252);
        (0..4 + word.next(6)).map(|_| char::from(b'a' + word.next(26) as u8)).collect()
    }

    fn interface(&mut self, i: u64) -> Interface {
        let port = format!("ge100-0/0/{}", i % 32);
        let vlan = 2 + self.next(3998);
        let name = format!("{port}.{vlan}");
        Interface {
            as_printed: vec![format!("{name} (L2)")],
            parent: Some(port),
            admin: Some(AdminState::Up),
            oper: Some(if self.next(3) == 0 { OperState::Down } else { OperState::Up }),
            description: Some(format!(
                "{}-{} circuit {}",
                self.word(),
                self.word(),
                10_000 + self.next(90_000)
            )),
            mtu: Some(1518),
            encapsulation: Encapsulation {
                kind: EncapsulationKind::Dot1q,
                outer: Some(vlan.to_string()),
                ..Encapsulation::default()
            },
            l2: true,
            service: Some(ServiceRef {
                kind: ServiceKind::BridgeDomain,
                name: format!("g_{}_v{vlan}", self.word()),
            }),
            ..Interface::named(name)
        }
    }

    /// One scan: everything on the first night, later nothing or one new interface.
    fn read(
        &mut self,
        run: RunId,
        id: DeviceId,
        night: i64,
        interfaces: &mut [Interface],
        per_cent: i64,
    ) -> DeviceResult {
        let started_at = day(night) + TimeDelta::milliseconds(self.small(600_000));
        let quiet = ScanRow { took_ms: 2_000 + self.next(7_000), started_at, ..scan(run, id, night) };
        if night > 0 && self.small(100) >= per_cent {
            return DeviceResult::of(quiet);
        }
        let mut opened: Vec<Fact> = interfaces.iter().cloned().map(Fact::Interface).collect();
        let mut result = DeviceResult::of(ScanRow {
            lines: Some(LineCounts { read: 8 * interfaces.len() as u64, ignored: 40, unread: 0 }),
            facts_digest: Some(digest_of(&opened)),
            text_digest: Some(digest(&format!("{id} {night}"))),
            observed_digest: (night == 0).then(|| digest(&format!("{id}"))),
            changed: true,
            text_changed: true,
            ..quiet
        });
        if night > 0 {
            let place = self.next(interfaces.len() as u64) as usize;
            let mut added = self.interface(place as u64);
            std::mem::swap(&mut added, &mut interfaces[place]);
            let (new, old) = (interfaces[place].clone(), FactKey::new(Kind::Interface, added.name));
            let key = FactKey::new(Kind::Interface, new.name.clone());
            opened = vec![Fact::Interface(new)];
            let change = |key: &FactKey, kind| Change {
                key: key.clone(),
                kind,
                fields: vec![],
                after: day(night - 1),
                until: started_at,
                who: None,
                via: None,
            };
            result.changes = vec![change(&key, ChangeKind::Added), change(&old, ChangeKind::Removed)];
            let step = |step, key: &FactKey| DriftStep {
                id: DriftId::of(id, key),
                step,
                key: key.clone(),
                class: DriftClass::Unrecorded,
                fields: vec![],
                cause: Cause::Unknown,
                record: None,
                fact: Some(serde_json::to_value(&opened[0]).unwrap()),
                when: started_at,
            };
            result.drift_steps = vec![step(Step::Opened, &key), step(Step::Resolved, &old)];
            result.closed = vec![old];
        }
        result.kept = vec![KeptText { section: "config interfaces".into(), text: config(interfaces) }];
        result.opened = opened;
        result
    }
}
