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
use driftcast::jobs::{Env, OnDemand, Scanned, ignore_rules, live_devices, scan};
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
    /// The order of the two rules of an access list.
    swapped: bool,
    /// What is drawn anew each night: times, ciphertexts, the order of blocks.
    night: u32,
}

impl Leaf {
    fn new(ports: std::ops::Range<u32>) -> Self {
        Self { ports, domains: true, swapped: false, night: 0 }
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
                "services\n  flow-monitoring\n    exporter-profile x\n      password enc-gAAAA{:040}\n      secret s3cr3tword\n    !\n  !\n!\naccess-lists\n  ipv4 edge\n{}  !\n!\n",
                self.night,
                if self.swapped {
                    "    rule 20 deny\n    rule 10 allow\n"
                } else {
                    "    rule 10 allow\n    rule 20 deny\n"
                },
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
    settings: Settings,
}

impl Story {
    fn begin(leaf: Leaf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let leaf = Arc::new(Mutex::new(leaf));
        let now = DateTime::from_timestamp(1_772_000_000, 0).unwrap();
        let story = Self { dir, leaf, now, settings: defaults("") };
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
        let settings = Arc::new(self.settings.clone());
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

/// What is built in, and what a file says beside it.
fn defaults(text: &str) -> Settings {
    let nothing = |_: &str| None;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("driftcast.toml");
    std::fs::write(&file, text).unwrap();
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

/// Where the order matters the text has moved, and it is one signal; a key that
/// is lost makes new tags of all secrets, and no more than that.
#[test]
fn another_order_of_rules_and_a_lost_key_are_no_drift() {
    let mut story = Story::begin(Leaf::new(100..120));
    story.night(|_| ());
    story.night(|leaf| leaf.swapped = true);
    story.night(|_| ());
    let data = story.dir.path().join("data");
    std::fs::remove_file(data.join("key")).unwrap();
    let scanned = story.night(|_| ());
    assert_eq!(outcome(&scanned), (Outcome::Complete, None));
    assert_eq!(scanned.drifts, []);
    assert!(data.join("key").exists());
    let env = story.env();
    let id = live_devices(&env).unwrap()[0].0;
    let store = env.store().unwrap();
    assert!(store.changes(None, DateTime::UNIX_EPOCH, None).unwrap().is_empty());
    let scans = store.scans(id, 9, None).unwrap();
    let moved: Vec<bool> = scans.iter().rev().map(|scan| scan.row.text_changed).collect();
    assert_eq!(moved, [false, true, false, true]);
}

/// Rules for noise: what they match is neither a change nor a drift, what it is
/// stays known, and each says how often it fired.
#[test]
fn what_is_called_noise_is_counted_and_no_change() {
    let mut story = Story::begin(Leaf::new(100..120));
    story.settings = defaults(
        "[[ignore]]\nplatform = 'drivenets_*'\nname = '*119'\nreason = 'a test port'\n\
         [[ignore]]\nrole = 'spine'\nline = '*exporter-profile*'\nreason = 'there is none'\n\
         [[ignore]]\nline = 'password *'\nreason = 'set by a tool'\n",
    );
    let first = story.night(|_| ());
    assert_eq!(outcome(&first), (Outcome::Complete, None));
    story.night(|leaf| leaf.ports = 100..119);
    let env = story.env();
    let store = env.store().unwrap();
    assert!(store.changes(None, DateTime::UNIX_EPOCH, None).unwrap().is_empty());
    let id = live_devices(&env).unwrap()[0].0;
    let known = store.knowledge(&[id]).unwrap().remove(&id).unwrap();
    assert!(!known.facts.iter().any(|fact| fact.key().key.ends_with("119")), "it is known that it is gone");
    assert!(store.kept(id, None).unwrap().iter().all(|part| !part.text.contains("password")));
    // As the run of the first night left it, too.
    assert_eq!(store.ignored(Some(first.run)).unwrap().iter().map(|count| count.times).sum::<u64>(), 1);
    drop(store);
    let rules = ignore_rules(&env).unwrap();
    let told: Vec<_> = rules.iter().map(|rule| (rule.times, rule.runs, rule.last.is_some())).collect();
    // The port and its domain; nothing; one line in each of two nights.
    assert_eq!(told, [(2, 1, true), (0, 0, false), (2, 2, true)]);
    assert!(rules.iter().all(|rule| rule.since.is_some()));
    assert_eq!(rules[1].rule, "ignore role=spine line=*exporter-profile*");
    // Another one that goes is no noise.
    story.night(|leaf| leaf.ports = 100..118);
    assert_eq!(story.env().store().unwrap().changes(None, DateTime::UNIX_EPOCH, None).unwrap().len(), 2);
}
