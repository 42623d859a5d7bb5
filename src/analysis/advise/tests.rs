//! One change is one row, each rule has its advice, every drift is in one
//! recommendation, and nothing from a device reaches a shell or a terminal.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::drift::DriftId;
use crate::model::{Fact, FactKey, Interface, Outcome};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_279_200, 0).unwrap()
}

fn drift(device: &str, kind: Kind, key: &str, class: DriftClass) -> Drift {
    let number = device.bytes().map(i64::from).sum();
    let key = FactKey::new(kind, key);
    let side = |there: bool| there.then(|| json!({"name": key.key}));
    Drift {
        id: DriftId::of(number, &key),
        device_id: number,
        device: DeviceName::new(device).unwrap(),
        class,
        fields: Vec::new(),
        cause: Cause::Unknown,
        record: side(class != DriftClass::Unrecorded),
        fact: side(class != DriftClass::Missing),
        first_seen: start(),
        since: start(),
        last_seen: start() + TimeDelta::days(2),
        recurrences: 0,
        key,
    }
}

fn tagged(device: &str, port: &str, tag: u16) -> Drift {
    let mut interface = Interface::named(format!("{port}.{tag}"));
    interface.encapsulation.outer = Some(tag.to_string());
    let mut drift = drift(device, Kind::Interface, &interface.name, DriftClass::Unrecorded);
    drift.fact = serde_json::to_value(Fact::Interface(interface)).ok();
    drift
}

fn of(drifts: &[Drift], unread: &[UnreadDevice]) -> Vec<Recommendation> {
    advise(&Matters { drifts, unread, importance: &HashMap::new() })
}

#[test]
fn one_change_on_many_devices_is_one_row() {
    let mut drifts = Vec::new();
    for (n, leaf) in ["leaf-1", "leaf-2", "leaf-3", "leaf-4"].iter().enumerate() {
        for tag in 251..=254 {
            drifts.push(tagged(leaf, &format!("bundle-{n}"), tag));
        }
    }
    drifts.push(tagged("leaf-9", "bundle-9", 251));
    drifts.push(tagged("leaf-9", "bundle-9", 700));
    let found = of(&drifts, &[]);
    // VLAN 251 is on one device more than the others, so it is a row of its own.
    let what: Vec<&str> = found.iter().map(|r| r.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "Accept 12 interfaces (VLANs 252-254) on 4 devices (leaf-1, leaf-2, leaf-3, …) into the record",
            "Accept 5 interfaces (VLAN 251) on 5 devices (leaf-1, leaf-2, leaf-3, …) into the record",
            "Accept interface bundle-9.700 on leaf-9 into the record",
        ]
    );
    assert_eq!(found[0].why, "not in the record, the same on 4 devices; first seen 1 Jun 2026");
    assert!(found[0].decision && !found[2].decision);
    assert_eq!(found[0].drifts.len(), 12);
    let command = format!(
        "driftcast sync plan --drift {} --out accept-leaf-9.json\ndriftcast sync apply accept-leaf-9.json",
        found[2].drifts[0]
    );
    assert_eq!(found[2].command.as_deref(), Some(command.as_str()));
}

/// A new service is its sub-interfaces and its bridge domain: one thing to do.
#[test]
fn one_service_is_one_action() {
    let of_service = |leaf: &str| {
        let domain = drift(leaf, Kind::BridgeDomain, "g_v251", DriftClass::Unrecorded);
        [tagged(leaf, "ge1", 251), tagged(leaf, "bundle-2", 251), domain]
    };
    let found = of(&of_service("leaf-1"), &[]);
    let what: Vec<&str> = found.iter().map(|r| r.what.as_str()).collect();
    let one = "Accept 2 interfaces (VLAN 251) and bridge domain g_v251 on leaf-1 into the record";
    assert_eq!(what, [one]);
    assert_eq!(found[0].drifts.len(), 3);
    assert_eq!(found[0].command.as_deref().unwrap().matches("D-").count(), 3);
    let many: Vec<Drift> = ["a", "b", "c"].into_iter().flat_map(of_service).collect();
    let what: Vec<String> = of(&many, &[]).into_iter().map(|r| r.what).collect();
    assert_eq!(
        what,
        ["Accept 6 interfaces (VLAN 251) and 3 bridge domains (g_v251) on a, b and c into the record"]
    );
}

#[test]
fn each_rule_gives_its_own_advice() {
    let missing = |drift: Drift| Drift { class: DriftClass::Missing, ..drift };
    let once =
        Drift { last_seen: start(), ..missing(drift("a", Kind::Interface, "ge1", DriftClass::Missing)) };
    let gone = drift("b", Kind::BridgeDomain, "g_1", DriftClass::Missing);
    let mut differs = drift("c", Kind::Interface, "ge1", DriftClass::Differs);
    differs.fields = vec!["outer".to_owned()];
    differs.cause = Cause::Manual;
    let by_tool = Drift { cause: Cause::Tool, ..drift("d", Kind::Vlan, "7", DriftClass::Differs) };
    let again = Drift { recurrences: 4, ..drift("e", Kind::Service, "vrf/red", DriftClass::Unrecorded) };
    let found = of(&[once.clone(), gone.clone(), differs.clone(), by_tool.clone(), again.clone()], &[]);
    let what: Vec<&str> = found.iter().map(|r| r.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "Read a again: interface ge1 absent once",
            "Accept VLAN 7 on d into the record",
            "Deploy bridge domain g_1 on b again, or take it out of the record",
            "Decide which side is right about interface ge1 on c: outer",
            "Find out what keeps writing service vrf/red on e",
        ]
    );
    assert_eq!(found[0].command.as_deref(), Some("driftcast scan a --interface ge1"));
    assert_eq!(
        found[3].why,
        "record and device differ since 1 Jun 2026; made by a person on the command line"
    );
    assert_eq!(
        for_drift(&again),
        "It came back 4 times. Find out what writes it before you accept or remove it."
    );
    assert!(for_drift(&differs).starts_with("Somebody changed it"));
    let texts: BTreeSet<String> = [once, gone, differs, by_tool, again].iter().map(for_drift).collect();
    assert_eq!(texts.len(), 5);
}

#[test]
fn a_device_full_of_drifts_speaks_against_its_record() {
    let drifts: Vec<Drift> = (0..21)
        .map(|n| {
            let class = DriftClass::ALL[n % 3];
            drift("leaf-1", Kind::Interface, &format!("ge{n}"), class)
        })
        .collect();
    let found = of(&drifts, &[]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].what, "Check the record of leaf-1: 21 drifts");
    assert_eq!(found[0].command.as_deref(), Some("driftcast records list --device leaf-1"));
    assert!(of(&drifts[..20], &[]).len() > 1);
}

#[test]
fn importance_moves_a_drift_up() {
    let drifts = [tagged("a", "x", 1), tagged("b", "x", 2)];
    let importance = HashMap::from([(drifts[1].device_id, 5.0)]);
    let found = advise(&Matters { drifts: &drifts, unread: &[], importance: &importance });
    assert_eq!(found[0].devices[0].as_str(), "b");
}

#[test]
fn failures_are_grouped_where_the_cause_may_be_one() {
    let unread = |device: &str, outcome: Option<Outcome>, detail: Option<&str>| UnreadDevice {
        device: DeviceName::new(device).unwrap(),
        site: "fra".to_owned(),
        outcome,
        detail: detail.map(str::to_owned),
        since: outcome.map(|_| start()),
    };
    let found = of(
        &[],
        &[
            unread("a", Some(Outcome::Auth), None),
            unread("b", Some(Outcome::Auth), None),
            unread("c", Some(Outcome::Auth), None),
            unread("d", Some(Outcome::HostKey), Some("changed")),
            unread("e", Some(Outcome::HostKey), Some("unknown")),
            unread("f", Some(Outcome::Suspect), None),
            unread("g", None, None),
        ],
    );
    let rows: BTreeMap<&str, Option<&str>> =
        found.iter().map(|r| (r.what.as_str(), r.command.as_deref())).collect();
    assert_eq!(found[0].what, "Check the credential for a, b and c at fra before it is tried again");
    assert_eq!(rows[found[0].what.as_str()], Some("driftcast doctor"));
    assert_eq!(rows["Find out why the host key of d changed"], None);
    assert_eq!(rows["Compare and enrol the host key of e"], Some("driftcast devices trust e"));
    assert_eq!(rows["Read f again"], Some("driftcast scan f"));
    assert_eq!(rows["Read g for the first time"], Some("driftcast scan g"));
    assert_eq!(found.len(), 5);
}

#[test]
fn fields_are_found_in_both_forms() {
    let mut interface = Interface::named("ge1.7");
    interface.encapsulation.outer = Some("7".to_owned());
    interface.l2 = true;
    let fact = serde_json::to_value(&interface).unwrap();
    let record =
        json!({"outer": "8", "encapsulation": "dot1q", "l2": false, "service": "g_7", "inner": null});
    let of = |json: &Value, field| value(Some(json), field);
    assert_eq!((of(&fact, "outer"), of(&record, "outer")), (Some("7".to_owned()), Some("8".to_owned())));
    assert_eq!(
        (of(&fact, "encapsulation"), of(&fact, "l2")),
        (Some("none".to_owned()), Some("true".to_owned()))
    );
    assert_eq!(
        (of(&record, "encapsulation"), of(&record, "service")),
        (Some("dot1q".to_owned()), Some("g_7".to_owned()))
    );
    assert_eq!((of(&fact, "service"), of(&record, "inner"), value(None, "l2")), (None, None, None));
}

#[test]
fn text_of_a_device_cannot_move_a_terminal() {
    let found = of(&[drift("a", Kind::BridgeDomain, "x\u{1b}[2J\u{202e}y", DriftClass::Unrecorded)], &[]);
    assert_eq!(found[0].what, "Accept bridge domain x\u{fffd}[2J\u{fffd}y on a into the record");
    assert!(shown(&"n".repeat(500)).chars().count() == 81);
}

proptest! {
    #[test]
    fn every_drift_is_in_exactly_one_recommendation(
        drawn in prop::collection::btree_map((0u8..8, 0u8..4, 0u8..9), (0usize..3, 0i64..5, any::<bool>()), 0..80)
    ) {
        let drifts: Vec<Drift> = drawn.iter().map(|((device, kind, key), (class, recurrences, once))| {
            let mut drift = drift(
                &format!("leaf-{device}"), Kind::ALL[*kind as usize], &format!("t{key}"), DriftClass::ALL[*class],
            );
            drift.recurrences = *recurrences;
            if *once {
                drift.last_seen = drift.first_seen;
            }
            drift
        }).collect();
        let found = of(&drifts, &[]);
        let mut named: Vec<&DriftId> = found.iter().flat_map(|r| &r.drifts).collect();
        named.sort();
        let mut wanted: Vec<&DriftId> = drifts.iter().map(|drift| &drift.id).collect();
        wanted.sort();
        prop_assert_eq!(named, wanted);
        let mut turned = drifts.clone();
        turned.reverse();
        prop_assert_eq!(of(&turned, &[]), found);
    }
}
