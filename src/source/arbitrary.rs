//! Records as the program makes them, for the round trips of both formats.

use proptest::prelude::*;

use super::record::SERVICE_KINDS;
use crate::model::fact::{canonical_tags, is_many};
use crate::model::{DeviceName, Kind, Record, RecordSource};

/// Names that try a CSV file and a spreadsheet.
fn name() -> impl Strategy<Value = String> {
    "[=+@'a-zÄ\"#-]([a-z0-9/.:,; '\"=-]{0,10}[a-z0-9\"'])?"
}

fn field() -> impl Strategy<Value = Option<String>> {
    prop::option::of(name())
}

fn tags() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::collection::vec(0..=4095u16, 1..4).prop_map(|ids| {
        let text: Vec<String> = ids.iter().map(u16::to_string).collect();
        canonical_tags(&text.join(",")).unwrap_or_default()
    }))
}

fn description() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[\n\t =+@'\",;\u{202e}a-zß-]{1,20}")
}

prop_compose! {
    fn interface(device: DeviceName, n: usize)(
        name in name(), parent in field(), outer in tags(), inner in tags(), l2: Option<bool>,
        tpid in prop::option::of("0x[0-9a-f]{4}".prop_filter("the default", |t| t != "0x8100")),
        bundle in field(), service_kind in prop::option::of(prop::sample::select(SERVICE_KINDS)),
        service in field(), admin in prop::option::of(prop::sample::select(&["up", "down"][..])),
        description in description(), source in source(),
    ) -> Record {
        let many = [&outer, &inner].into_iter().flatten().any(|tags| is_many(tags));
        let encapsulation = match (&outer, &inner) {
            _ if many => Some("range"),
            (_, Some(_)) => Some("qinq"),
            (Some(_), None) => Some("dot1q"),
            _ => None,
        };
        Record {
            parent, outer, inner, tpid, l2, bundle, service, description,
            encapsulation: encapsulation.map(str::to_owned),
            service_kind: service_kind.map(str::to_owned),
            admin: admin.map(str::to_owned),
            ..Record::of(device.clone(), Kind::Interface, format!("{name}{n}"), source)
        }
    }
}

prop_compose! {
    fn other(device: DeviceName, n: usize)(
        kind in 0..3u8, name in name(), service_kind in prop::sample::select(SERVICE_KINDS), named: bool,
        neighbours in prop::collection::btree_set("[0-9a-f:.=@-]{1,12}", 1..4),
        router_interface in field(), description in description(), source in source(),
    ) -> Record {
        match kind {
            0 => Record {
                router_interface, description,
                ..Record::of(device.clone(), Kind::BridgeDomain, format!("{name}{n}"), source)
            },
            1 => Record {
                neighbours: Some(neighbours.into_iter().collect::<Vec<_>>().join(" ")),
                service_kind: named.then(|| service_kind.to_owned()),
                ..Record::of(device.clone(), Kind::Service, format!("{service_kind}/{name}{n}"), source)
            },
            _ => Record {
                description,
                ..Record::of(device.clone(), Kind::Vlan, (n + 1).to_string(), source)
            },
        }
    }
}

fn source() -> impl Strategy<Value = RecordSource> {
    prop::sample::select(&[RecordSource::Deployed, RecordSource::Discovered, RecordSource::Imported][..])
}

/// A list in which no key is there twice.
#[expect(clippy::expect_used, reason = "a test may panic")]
pub(super) fn records() -> impl Strategy<Value = Vec<Record>> {
    (0..6usize, "[=+@a-z][a-z0-9.'=-]{0,8}").prop_flat_map(|(count, device)| {
        let device = DeviceName::new(&device).expect("the pattern gives names");
        (0..count)
            .map(|n| prop_oneof![interface(device.clone(), n), other(device.clone(), n)])
            .collect::<Vec<_>>()
    })
}
