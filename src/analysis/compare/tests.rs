//! Both comparisons and the life of a drift, by example and by property:
//! records made from facts agree, and doing it twice is quiet.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::slice::from_ref;

use proptest::prelude::*;
use serde_json::json;

use super::super::accept::{accepting, record_of};
use super::super::coverage::{Claim, KindRule, Rules, Settings};
use super::super::reconcile::{Moment, reconcile};
use super::*;
use crate::model::drift::{Cause, Drift, DriftId, DriftStep, PastDrift, Step};
use crate::model::{
    AdminState, BridgeDomain, DeviceName, Encapsulation, EncapsulationKind, Interface, Neighbor, OperState,
    RecordSource, Service, ServiceKind, ServiceRef, Vlan,
};

fn leaf() -> DeviceName {
    DeviceName::new("leaf-1").unwrap()
}

fn when(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_279_200 + hours * 3600, 0).unwrap()
}

/// A sub-interface of bundle-7 in the bridge domain `g_<tag>`.
fn member(tag: u16) -> Interface {
    let mut interface = Interface::named(format!("bundle-7.{tag}"));
    interface.parent = Some("bundle-7".to_owned());
    interface.l2 = true;
    interface.encapsulation = Encapsulation {
        kind: EncapsulationKind::Dot1q,
        outer: Some(tag.to_string()),
        inner: None,
        tpid: None,
    };
    interface.service = Some(ServiceRef { kind: ServiceKind::BridgeDomain, name: format!("g_{tag}") });
    interface
}

fn domain(name: &str) -> Fact {
    Fact::BridgeDomain(BridgeDomain {
        name: name.to_owned(),
        admin: Some(AdminState::Up),
        description: None,
        interfaces: Vec::new(),
        router_interface: None,
    })
}

fn recorded(facts: &[Fact]) -> Vec<Record> {
    facts.iter().map(|fact| record_of(&leaf(), fact, RecordSource::Imported)).collect()
}

fn against(facts: &[Fact], records: &[Record]) -> Comparison {
    let rules = Rules::new(&Settings::default()).unwrap();
    compare(facts, records, &Coverage::from_records(&rules, records), &|_| true)
}

fn classes(comparison: &Comparison) -> Vec<(String, DriftClass, Vec<String>)> {
    let one = |d: &Disagreement| (d.key.to_string(), d.class, d.fields.clone());
    comparison.disagreements.iter().map(one).collect()
}

#[test]
fn the_three_classes_in_order() {
    let facts =
        [Fact::Interface(member(251)), Fact::Interface(member(252)), domain("g_251"), domain("g_252")];
    let mut records = recorded(&[facts[0].clone(), Fact::Interface(member(253)), domain("g_251")]);
    records[0].outer = Some("999".to_owned());
    records[0].description = Some("to a customer".to_owned());
    let found = against(&facts, &records);
    assert_eq!(
        classes(&found),
        [
            (
                "interface bundle-7.251".to_owned(),
                DriftClass::Differs,
                vec!["outer".to_owned(), "description".to_owned()]
            ),
            ("interface bundle-7.252".to_owned(), DriftClass::Unrecorded, vec![]),
            ("interface bundle-7.253".to_owned(), DriftClass::Missing, vec![]),
            ("bridge-domain g_252".to_owned(), DriftClass::Unrecorded, vec![]),
        ]
    );
    assert_eq!((found.agreed, found.covered, found.unmanaged), (1, 5, 0));
    assert_eq!(agreement([&found, &found]), Agreement { agreed: 2, covered: 10 });
    assert_eq!(agreement([&found]).share(), Some(0.2));
    assert_eq!(agreement([]).share(), None);
}

#[test]
fn what_the_record_does_not_claim_is_counted_not_reported() {
    let facts = [Fact::Interface(member(251)), domain("g_251"), domain("g_252")];
    let found = against(&facts, &recorded(&facts[..1]));
    assert_eq!((found.disagreements.len(), found.unmanaged, found.covered), (0, 2, 1));
    let rule = KindRule { claim: Claim::Always, ..KindRule::default() };
    let rules = Rules::new(&Settings { bridge_domain: rule, ..Settings::default() }).unwrap();
    let found = compare(&facts, &[], &Coverage::from_records(&rules, &[]), &|_| true);
    assert_eq!((found.disagreements.len(), found.unmanaged), (2, 1));
}

#[test]
fn only_managed_fields_count_and_forms_are_settled() {
    let mut interface = member(251);
    interface.encapsulation.outer = Some("350,360,400-410".to_owned());
    interface.encapsulation.tpid = Some("0x88a8".to_owned());
    interface.description = None;
    let fact = Fact::Interface(interface);
    let mut record = Record::of(leaf(), Kind::Interface, "bundle-7.251", RecordSource::Imported);
    let agrees = |record: &Record| against(from_ref(&fact), from_ref(record)).disagreements.is_empty();
    assert!(agrees(&record));
    record.outer = Some("400-405, 406-410,350 360".to_owned());
    record.tpid = Some("0x88A8".to_owned());
    record.admin = Some("up".to_owned()); // The fact does not say.
    record.description = Some(String::new()); // Managed, and to be empty.
    assert!(agrees(&record));
    record.description = Some("x".to_owned());
    assert!(!agrees(&record));
}

#[test]
fn a_port_without_configuration_satisfies_a_record_and_is_no_drift() {
    let mut port = Interface::named("ge100-0/0/1");
    port.configured = false;
    let facts = [Fact::Interface(port), Fact::Interface(member(7))];
    let record = Record::of(leaf(), Kind::Interface, "ge100-0/0/1", RecordSource::Imported);
    assert_eq!(classes(&against(&facts, from_ref(&record))).len(), 1);
    let records = recorded(&facts[1..]);
    assert_eq!(against(&facts, &records).disagreements, []);
    let unknown = Attribution::unknown();
    assert_eq!(changes(&facts, &facts[1..], &|_| true, (when(0), when(1)), &unknown), []);
    assert_eq!(changes(&facts[1..], &facts, &|_| true, (when(0), when(1)), &unknown), []);
}

#[test]
fn services_go_by_kind_and_name() {
    let service = |kind, id: &str| {
        let neighbor = Neighbor { address: "10.0.0.1".to_owned(), id: Some(id.to_owned()) };
        Fact::Service(Service { kind, name: "one".to_owned(), interfaces: vec![], neighbors: vec![neighbor] })
    };
    let facts = [service(ServiceKind::Vrf, "1"), service(ServiceKind::EvpnVpws, "8")];
    let records = recorded(&[facts[0].clone(), service(ServiceKind::EvpnVpws, "9")]);
    let found = classes(&against(&facts, &records));
    assert_eq!(
        found,
        [("service evpn-vpws/one".to_owned(), DriftClass::Differs, vec!["neighbours".to_owned()])]
    );
}

#[test]
fn a_narrow_scope_says_nothing_of_the_rest() {
    let facts = [Fact::Interface(member(251)), domain("g_251")];
    let records = recorded(&[Fact::Interface(member(252)), domain("g_251"), Fact::Interface(member(251))]);
    let rules = Rules::new(&Settings::default()).unwrap();
    let coverage = Coverage::from_records(&rules, &records);
    let in_scope = |scope: &Scope, facts: &[Fact]| {
        let reach = Reach::of(scope, facts);
        compare(facts, &records, &coverage, &|key| reach.covers(key))
    };
    let interface = in_scope(&Scope::Interface("bundle-7.252".to_owned()), &[]);
    assert_eq!(classes(&interface), [("interface bundle-7.252".to_owned(), DriftClass::Missing, vec![])]);
    let domain = in_scope(&Scope::BridgeDomain("g_251".to_owned()), &facts);
    assert_eq!((domain.disagreements.len(), domain.agreed), (0, 2));
    assert_eq!(in_scope(&Scope::Device, &facts).disagreements.len(), 1);
}

#[test]
fn changes_name_fields_and_people_and_ignore_observations() {
    let mut moved = member(251);
    moved.oper = Some(OperState::Down);
    moved.mtu = Some(1518);
    let unknown = Attribution::unknown();
    let of = |before: &[Fact], after: &[Fact], by: &Attribution| {
        changes(before, after, &|_| true, (when(0), when(24)), by)
    };
    assert_eq!(of(&[Fact::Interface(member(251))], &[Fact::Interface(moved.clone())], &unknown), []);
    moved.description = Some("x".to_owned());
    let by =
        Attribution { who: Some("visaev".to_owned()), via: Some("cli".to_owned()), cause: Cause::Manual };
    let found = of(&[Fact::Interface(member(251)), domain("a")], &[Fact::Interface(moved), domain("b")], &by);
    let kinds: Vec<_> = found.iter().map(|change| (change.key.key.as_str(), change.kind)).collect();
    assert_eq!(
        kinds,
        [("bundle-7.251", ChangeKind::Modified), ("a", ChangeKind::Removed), ("b", ChangeKind::Added)]
    );
    assert_eq!(
        (found[0].fields.as_slice(), found[0].who.as_deref()),
        (&["description".to_owned()][..], Some("visaev"))
    );
    assert_eq!((found[0].after, found[0].until), (when(0), when(24)));
}

/// What the store makes of steps: the open drifts after them.
fn applied(open: Vec<Drift>, steps: &[DriftStep]) -> Vec<Drift> {
    let mut open: BTreeMap<FactKey, Drift> =
        open.into_iter().map(|drift| (drift.key.clone(), drift)).collect();
    for step in steps {
        if step.step == Step::Resolved {
            open.remove(&step.key);
            continue;
        }
        let drift = Drift {
            id: step.id.clone(),
            device_id: 1,
            device: leaf(),
            key: step.key.clone(),
            class: step.class,
            fields: step.fields.clone(),
            cause: step.cause,
            record: step.record.clone(),
            fact: step.fact.clone(),
            first_seen: step.when,
            since: step.when,
            last_seen: step.when,
            recurrences: 0,
        };
        open.insert(step.key.clone(), drift);
    }
    open.into_values().collect()
}

fn moment(covered: &dyn Fn(&FactKey) -> bool, first_scan: bool, hours: i64) -> Moment<'_> {
    Moment { device_id: 1, covered, first_scan, cause: Cause::Manual, when: when(hours) }
}

fn steps_of(steps: &[DriftStep]) -> Vec<(&str, Step, Cause)> {
    steps.iter().map(|step| (step.key.key.as_str(), step.step, step.cause)).collect()
}

#[test]
fn a_drift_lives_from_opened_to_returned() {
    let none = HashMap::new();
    let records = recorded(&[Fact::Interface(member(1))]);
    let found = |facts: &[Fact]| against(facts, &records).disagreements;
    let all = |_: &FactKey| true;
    let mut second = member(2);
    let facts = |second: &Interface| [Fact::Interface(member(1)), Fact::Interface(second.clone())];

    let opened = reconcile(&moment(&all, true, 0), &[], &none, found(&facts(&second)));
    assert_eq!(steps_of(&opened), [("bundle-7.2", Step::Opened, Cause::Historical)]);
    assert_eq!(opened[0].id, DriftId::of(1, &FactKey::new(Kind::Interface, "bundle-7.2")));
    let open = applied(Vec::new(), &opened);

    // An observation moves: silence. A compared field moves: updated, the cause stays.
    second.oper = Some(OperState::Up);
    assert_eq!(reconcile(&moment(&all, false, 24), &open, &none, found(&facts(&second))), []);
    second.description = Some("x".to_owned());
    let updated = reconcile(&moment(&all, false, 48), &open, &none, found(&facts(&second)));
    assert_eq!(steps_of(&updated), [("bundle-7.2", Step::Updated, Cause::Historical)]);
    let open = applied(open, &updated);

    // Outside of what was read nothing is resolved.
    let other = |key: &FactKey| key.key == "bundle-7.1";
    assert_eq!(reconcile(&moment(&other, false, 72), &open, &none, Vec::new()), []);
    let resolved = reconcile(&moment(&all, false, 96), &open, &none, found(&facts(&second)[..1]));
    assert_eq!(steps_of(&resolved), [("bundle-7.2", Step::Resolved, Cause::Historical)]);

    let past = HashMap::from([(open[0].id.clone(), PastDrift { first_seen: when(0), recurrences: 0 })]);
    let returned = reconcile(&moment(&all, false, 120), &[], &past, found(&facts(&second)));
    assert_eq!(steps_of(&returned), [("bundle-7.2", Step::Returned, Cause::Manual)]);
    assert_eq!(returned[0].id, open[0].id);
}

#[test]
fn a_record_that_moved_is_an_update_and_a_stored_form_we_cannot_read_too() {
    let mut records = recorded(&[Fact::Interface(member(1))]);
    records[0].outer = Some("9".to_owned());
    let facts = [Fact::Interface(member(1))];
    let all = |_: &FactKey| true;
    let none = HashMap::new();
    let steps = reconcile(&moment(&all, false, 0), &[], &none, against(&facts, &records).disagreements);
    let mut open = applied(Vec::new(), &steps);
    records[0].outer = Some("10".to_owned());
    let moved = against(&facts, &records).disagreements;
    let steps = reconcile(&moment(&all, false, 1), &open, &none, moved.clone());
    assert_eq!(steps_of(&steps), [("bundle-7.1", Step::Updated, Cause::Manual)]);
    open = applied(open, &steps);
    assert_eq!(reconcile(&moment(&all, false, 2), &open, &none, moved.clone()), []);
    open[0].fact = Some(json!({"of": "another version"}));
    assert_eq!(reconcile(&moment(&all, false, 2), &open, &none, moved).len(), 1);
}

fn any_interface() -> impl Strategy<Value = Interface> {
    (
        0u16..12,
        any::<bool>(),
        prop::option::of(0u16..4),
        prop::option::of("[a-c ]{0,3}"),
        prop::option::of(any::<bool>()),
        prop::bool::weighted(0.9),
    )
        .prop_map(|(number, l2, tag, description, admin, configured)| {
            let mut interface = Interface::named(format!("bundle-{number}"));
            interface.l2 = l2;
            if let Some(tag) = tag {
                interface.encapsulation.kind = EncapsulationKind::Dot1q;
                interface.encapsulation.outer = Some(format!("{},{}", tag + 1, tag + 9));
            }
            interface.description = description;
            interface.admin = admin.map(|up| if up { AdminState::Up } else { AdminState::Down });
            interface.configured = configured;
            interface
        })
}

fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    let vlan = (1u16..9, prop::option::of("[a-c]{0,2}"))
        .prop_map(|(id, name)| Fact::Vlan(Vlan { id, name, interfaces: Vec::new() }));
    let domain = "[a-c]".prop_map(|name| domain(&name));
    prop::collection::vec(
        prop_oneof![3 => any_interface().prop_map(Fact::Interface), 1 => vlan, 1 => domain],
        0..20,
    )
    .prop_map(|facts| {
        let unique: BTreeMap<FactKey, Fact> = facts.into_iter().map(|fact| (fact.key(), fact)).collect();
        unique.into_values().collect()
    })
}

proptest! {
    #[test]
    fn records_made_from_facts_agree_with_them(facts in any_facts()) {
        let found = against(&facts, &recorded(&facts));
        prop_assert_eq!(&found.disagreements, &[]);
        prop_assert_eq!((found.agreed, found.covered, found.unmanaged), (facts.len() as u64, facts.len() as u64, 0));
    }

    #[test]
    fn accepting_all_that_can_be_leaves_only_what_is_missing(before in any_facts(), after in any_facts()) {
        let mut records: BTreeMap<FactKey, Record> =
            recorded(&before).into_iter().map(|record| (record.key(), record)).collect();
        let found = against(&after, &recorded(&before));
        prop_assert!(found.disagreements.windows(2).all(|two| two[0].key < two[1].key));
        for disagreement in &found.disagreements {
            if let Some(record) = accepting(&leaf(), disagreement) {
                records.insert(record.key(), record);
            }
        }
        let records: Vec<Record> = records.into_values().collect();
        let left = against(&after, &records).disagreements;
        prop_assert!(left.iter().all(|d| d.class == DriftClass::Missing));
    }

    #[test]
    fn the_order_of_what_comes_in_does_not_matter(before in any_facts(), after in any_facts()) {
        let records = recorded(&before);
        let (mut turned, mut turned_records) = (after.clone(), records.clone());
        turned.reverse();
        turned_records.reverse();
        prop_assert_eq!(against(&after, &records), against(&turned, &turned_records));
    }

    #[test]
    fn reconciling_twice_is_quiet(before in any_facts(), after in any_facts(), first in any::<bool>()) {
        let records = recorded(&before);
        let all = |_: &FactKey| true;
        let none = HashMap::new();
        let found = || against(&after, &records).disagreements;
        let steps = reconcile(&moment(&all, first, 0), &[], &none, found());
        let open = applied(Vec::new(), &steps);
        prop_assert_eq!(reconcile(&moment(&all, false, 1), &open, &none, found()), vec![]);
        prop_assert_eq!(reconcile(&moment(&all, false, 2), &open, &none, Vec::new()).len(), open.len());
    }

    #[test]
    fn changes_there_and_back_mirror_each_other(before in any_facts(), after in any_facts()) {
        let unknown = Attribution::unknown();
        let of = |a: &[Fact], b: &[Fact]| changes(a, b, &|_| true, (when(0), when(1)), &unknown);
        let mirrored = |kind| match kind {
            ChangeKind::Added => ChangeKind::Removed,
            ChangeKind::Removed => ChangeKind::Added,
            ChangeKind::Modified => ChangeKind::Modified,
        };
        let back: Vec<_> = of(&after, &before).into_iter().map(|c| (c.key, mirrored(c.kind), c.fields)).collect();
        let there: Vec<_> = of(&before, &after).into_iter().map(|c| (c.key, c.kind, c.fields)).collect();
        prop_assert_eq!(there, back);
        prop_assert_eq!(of(&after, &after), vec![]);
    }
}
