//! How fast text becomes facts: masking, reading, and the signs of
//! completeness, on a configuration of about 500 KB as a leaf with thousands
//! of sub-interfaces prints it. Aim: 100 MB/s on one core for all of it.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use driftcast::model::Scope;
use driftcast::platform::keep::Keeper;
use driftcast::platform::terminal::settle;
use driftcast::platform::{Captured, Ending, Rules, by_name};

/// A whole `show config`, with a login, a few secrets, descriptions and the
/// blocks that are none of our facts.
fn configuration(bytes: usize) -> String {
    let mut interfaces = String::with_capacity(bytes);
    let mut domains = String::with_capacity(bytes / 2);
    let mut routing = String::new();
    let mut vlan = 0;
    while interfaces.len() + domains.len() + routing.len() < bytes {
        vlan += 1;
        let (port, id) = (vlan / 64, vlan % 4_000 + 1);
        if vlan % 64 == 1 {
            let _ = write!(
                interfaces,
                "  ge100-0/0/{port}\n    admin-state enabled\n    description \"customer {port}: rack 7, patch 12\"\n    fec none\n    mtu 9000\n  !\n"
            );
            let _ = write!(
                routing,
                "    neighbor 192.0.2.{}\n      remote-as 65100\n      authentication md5 password enc-gAAAAABkRm9vYmFyYmF6cXV4cXV1eA{vlan:04}==\n      address-family ipv4-unicast\n        send-community community-type both\n      !\n    !\n",
                port % 250
            );
        }
        let tags = match vlan % 16 {
            0 => format!("vlan-tags outer-tag {id} inner-tag {}", id / 2 + 1),
            1 => format!("vlan-id list {id}, {}-{}", id + 2, id + 9),
            _ => format!("vlan-id {id}"),
        };
        let _ = write!(
            interfaces,
            "  ge100-0/0/{port}.{vlan}\n    admin-state enabled\n    l2-service enabled\n    {tags}\n  !\n"
        );
        let _ = write!(
            domains,
            "    instance g_user{}_v{vlan}\n      interface bundle-60000.{vlan}\n      !\n      interface ge100-0/0/{port}.{vlan}\n      !\n    !\n",
            vlan % 40
        );
    }
    format!(
        "\n# LEAF-1 config-start [09-Mar-2026 18:52:06 UTC+02:00 (Israel)]\n\nsystem\n  name LEAF-1\n  login\n    user admin\n      password $6$abcdefgh$0123456789abcdefghijklmnop\n    !\n  !\n!\n\ninterfaces\n{interfaces}!\n\nnetwork-services\n  bridge-domain\n{domains}  !\n!\n\nprotocols\n  bgp 65000\n{routing}  !\n!\n\n# LEAF-1 config-end\n"
    )
}

fn read(criterion: &mut Criterion) {
    let Some(platform) = by_name("drivenets_dnos") else { return };
    let keeper = Keeper::new(&[7; 32]);
    let text = configuration(500_000);
    let raw = text.replace('\n', "\r\n");
    let captured = |text: String| {
        [Captured {
            section: "config".to_owned(),
            command: "show config | no-more".to_owned(),
            text,
            prompt: Some("LEAF-1".to_owned()),
            ended: Ending::Prompt,
        }]
    };
    let sections = captured(text.clone());
    let whole = (platform.read)(&Scope::Device, &sections, Rules::Live);
    assert!(whole.outcome.is_complete() && whole.lines.unread == 0, "{:?}", whole.detail);

    let mut group = criterion.benchmark_group("drivenets_dnos");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("settle", |bencher| bencher.iter(|| settle(black_box(raw.as_bytes()))));
    group.bench_function("mask", |bencher| bencher.iter(|| keeper.mask("LEAF-1", black_box(&text)).len()));
    group.bench_function("read", |bencher| {
        bencher.iter(|| (platform.read)(&Scope::Device, black_box(&sections), Rules::Live));
    });
    group.bench_function("mask and read", |bencher| {
        bencher.iter(|| {
            let sections = captured(keeper.mask("LEAF-1", black_box(&text)).into_owned());
            (platform.read)(&Scope::Device, &sections, Rules::Live)
        });
    });
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
