//! Several nights of one device, told without SSH: what each night's reading
//! does to what is known. The texts are made here; the way from text to store
//! is the program's own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use driftcast::clock::Clock;
use driftcast::config::{Settings, Surroundings, load};
use driftcast::device::{Fetch, Fetching, Transcript};
use driftcast::jobs::{Env, OnDemand, Scanned, live_devices, scan};
use driftcast::model::{Device, Outcome, Scope};
use driftcast::platform::{Captured, Ending, Platform};
use driftcast::source::read_devices;

/// What one device has tonight.
#[derive(Clone)]
struct Leaf {
    /// Sub-interfaces of one port, each in a bridge domain of its own if
    /// `domains` says so.
    ports: std::ops::Range<u32>,
    domains: bool,
    /// What is drawn anew each night: times, ciphertexts, the order of blocks.
    night: u32,
}

impl Leaf {
    fn new(ports: std::ops::Range<u32>) -> Self {
        Self { ports, domains: true, night: 0 }
    }

    /// The device's numbers in tonight's order.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = self.ports.clone().collect();
        let turn = self.night as usize % order.len().max(1);
        order.rotate_left(turn);
        order
    }

    fn marked(&self, body: &str) -> String {
        format!(
            "# leaf-1 config-start [0{}-Mar-2026 18:52:{:02} UTC]\n\n{body}\n# leaf-1 config-end\n",
            1 + self.night % 9,
            self.night % 60
        )
    }

    fn answer(&self, section: &str) -> String {
        match section {
            "version" => "System Name: leaf-1, System-Id: 0000\nVersion: DNOS [25.2.1]\n".to_owned(),
            "interfaces" => {
                let mut text = String::from(
                    "| Interface | Admin | Operational | IPv4 Address | IPv6 Address | VLAN | MTU | Network-Service | Bundle-Id |\n\
                     +-----------+-------+-------------+--------------+--------------+------+-----+-----------------+-----------+\n\
                     | ge100-0/0/0 | enabled | up | | | | 1514 | VRF (default) | |\n",
                );
                for n in self.order() {
                    let service = if self.domains { format!("BD (bd_{n})") } else { String::new() };
                    let _ = writeln!(text, "| ge100-0/0/0.{n} (L2) | enabled | up | | | {n} | 1518 | {service} | |");
                }
                text
            }
            "config interfaces" => {
                let mut body = String::from("interfaces\n  ge100-0/0/0\n    admin-state enabled\n  !\n");
                for n in self.order() {
                    let _ = write!(body, "  ge100-0/0/0.{n}\n    l2-service enabled\n    vlan-id {n}\n  !\n");
                }
                body.push_str("!\n");
                self.marked(&body)
            }
            "config network-services" if self.domains => {
                let mut body = String::from("network-services\n  bridge-domain\n");
                for n in self.order() {
                    let _ = write!(body, "    instance bd_{n}\n      interface ge100-0/0/0.{n}\n      !\n    !\n");
                }
                body.push_str("  !\n!\n");
                self.marked(&body)
            }
            "config services" => self.marked(&format!(
                "services\n  flow-monitoring\n    exporter-profile x\n      password enc-gAAAA{:040}\n    !\n  !\n!\n",
                self.night
            )),
            "rollback" => "| Id | Time | User | Via | Log |\n|----+------+------+-----+-----|\n| 0 | 01-Mar-2026 09:12:44 | ann | cli | |\n".to_owned(),
            _ => self.marked(""),
        }
    }
}

struct Told(Arc<Mutex<Leaf>>);

impl Fetch for Told {
    fn fetch<'a>(&'a self, _: &'a Device, platform: &'static Platform, scope: &'a Scope) -> Fetching<'a> {
        Box::pin(async move {
            let leaf = self.0.lock().unwrap().clone();
            let commands = platform.script(scope).unwrap();
            let sections = commands.iter().map(|command| Captured {
                section: command.section.to_owned(),
                command: command.text().to_owned(),
                text: leaf.answer(command.section),
                prompt: Some("leaf-1".to_owned()),
                ended: Ending::Prompt,
            });
            Ok(Transcript {
                sections: sections.collect(),
                system: Some("leaf-1".to_owned()),
                legacy: Vec::new(),
                took: Duration::from_secs(1),
                bytes: 0,
                removed: 0,
            })
        })
    }
}

/// One device and its nights.
struct Story {
    dir: tempfile::TempDir,
    leaf: Arc<Mutex<Leaf>>,
    now: DateTime<Utc>,
}

impl Story {
    fn begin(leaf: Leaf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let leaf = Arc::new(Mutex::new(leaf));
        let story = Self { dir, leaf, now: DateTime::from_timestamp(1_772_000_000, 0).unwrap() };
        let csv = "name,address,platform\nleaf-1,127.0.0.1,drivenets_dnos\n";
        let devices = read_devices(csv, "devices.csv").unwrap();
        story
            .env()
            .store()
            .unwrap()
            .import_devices(&devices, "devices.csv", story.now, "ann", false)
            .unwrap();
        story
    }

    fn env(&self) -> Env {
        let settings = Arc::new(defaults());
        let fetch = Arc::new(Told(self.leaf.clone()));
        Env::with_fetch(self.dir.path().join("data"), Clock::fixed(self.now), settings, fetch).unwrap()
    }

    /// The next night's reading, of what `change` made of the device.
    fn night(&mut self, change: impl FnOnce(&mut Leaf)) -> Scanned {
        self.now += TimeDelta::days(1);
        change(&mut self.leaf.lock().unwrap());
        let env = self.env();
        let devices = live_devices(&env).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let ask = OnDemand { devices, scope: Scope::Device, full: false };
        runtime.block_on(scan(&env, ask)).unwrap()
    }
}

/// What is built in.
fn defaults() -> Settings {
    let nothing = |_: &str| None;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("driftcast.toml");
    std::fs::write(&file, "").unwrap();
    let around = Surroundings { file: Some(&file), folder: folder.path(), variable: &nothing, flags: &[] };
    load::<Settings>(&around).unwrap().settings
}

/// The outcome and the detail of a night's one device.
fn outcome(scanned: &Scanned) -> (Outcome, Option<&str>) {
    (scanned.snapshots[0].outcome, scanned.snapshots[0].detail.as_deref())
}

#[test]
fn what_lost_too_much_is_believed_the_second_time() {
    let mut story = Story::begin(Leaf::new(100..200));
    assert_eq!(outcome(&story.night(|_| ())), (Outcome::Complete, None));

    let half = story.night(|leaf| leaf.ports = 100..150);
    assert_eq!(outcome(&half), (Outcome::Suspect, Some("shrunk")));
    // It was a process that restarted: all is as it was.
    assert_eq!(outcome(&story.night(|leaf| leaf.ports = 100..200)), (Outcome::Complete, None));
    assert!(story.env().store().unwrap().changes(None, DateTime::UNIX_EPOCH, None).unwrap().is_empty());

    // Then somebody really removes the half, and the second reading says so.
    assert_eq!(outcome(&story.night(|leaf| leaf.ports = 100..150)).0, Outcome::Suspect);
    // Not what the first one said: still not believed.
    assert_eq!(outcome(&story.night(|leaf| leaf.ports = 100..140)).0, Outcome::Suspect);
    assert_eq!(outcome(&story.night(|_| ())), (Outcome::Complete, None));
    assert_eq!(story.env().store().unwrap().changes(None, DateTime::UNIX_EPOCH, None).unwrap().len(), 120);
}

#[test]
fn a_kind_that_is_gone_is_believed_the_second_time() {
    let mut story = Story::begin(Leaf::new(100..200));
    story.night(|_| ());
    let gone = story.night(|leaf| leaf.domains = false);
    assert_eq!(outcome(&gone), (Outcome::Suspect, Some("section-lost")));
    assert_eq!(outcome(&story.night(|_| ())), (Outcome::Complete, None));
}

/// New times, new ciphertexts of one secret and another order of the blocks
/// are no change, thirty nights long.
#[test]
fn noise_is_no_change() {
    let mut story = Story::begin(Leaf::new(100..120));
    for night in 0..30 {
        let scanned = story.night(|leaf| leaf.night = night);
        assert_eq!(outcome(&scanned), (Outcome::Complete, None), "night {night}");
        assert!(scanned.drifts.is_empty(), "night {night}");
    }
    assert!(story.env().store().unwrap().changes(None, DateTime::UNIX_EPOCH, None).unwrap().is_empty());
}
