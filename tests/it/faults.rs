//! What devices and the network do wrong, and what becomes of it: a table of
//! faults, all of them in one run over real SSH, so that each also shows that
//! the others of its run finish.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use driftcast::clock::Clock;
use driftcast::config::{BUILT_IN, Settings};
use driftcast::device::{DeviceError, Fetch, Fetching, shell};
use driftcast::jobs::{self, Env, OnDemand, Scanned};
use driftcast::lab::{Fleet, Lab, Machine, Quirk};
use driftcast::model::{Device, DeviceName, Outcome, Scope, Snapshot};
use driftcast::platform::{ALL, Captured, Ending, Platform, Rules};
use serde::Deserialize as _;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

/// A fleet with a data folder; its keys are enrolled.
struct Bench {
    folder: TempDir,
    fleet: Fleet,
    lab: Lab,
    settings: Settings,
    /// Devices beside those of the lab.
    others: Vec<Device>,
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn settings(changes: &str) -> Settings {
    let mut table: toml::Table = toml::from_str(BUILT_IN).unwrap();
    let changes: toml::Table = toml::from_str(changes).unwrap();
    for (section, values) in changes {
        match (table.get_mut(&section), values) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => old.extend(new),
            (_, values) => drop(table.insert(section, values)),
        }
    }
    Settings::deserialize(table).unwrap()
}

impl Bench {
    async fn new(devices: usize, changes: &str) -> Self {
        let mut fleet = Fleet::new(11, devices, noon());
        let settings = settings(changes);
        let lab = Lab::start(&mut fleet).await.unwrap();
        Self { folder: tempfile::tempdir().unwrap(), fleet, lab, settings, others: Vec::new() }
    }

    fn name(&self, index: usize) -> String {
        self.fleet.names()[index].to_string()
    }

    fn machine(&self, index: usize) -> &Machine {
        self.fleet.machine(&self.name(index)).unwrap()
    }

    /// Starts the lab anew: some quirks are about its listeners.
    async fn with_quirks(&mut self, quirks: &[&[Quirk]]) {
        for (index, quirks) in quirks.iter().enumerate() {
            self.machine(index).set_quirks(quirks.to_vec());
        }
        // The system chooses other ports: those of before may not be free yet.
        self.fleet.free_ports();
        self.lab = Lab::start(&mut self.fleet).await.unwrap();
    }

    /// Something beside the lab, reached at `port`.
    fn beside(&mut self, name: &str, port: u16) -> &mut Device {
        let one = self.fleet.inventory().remove(0);
        self.others.push(Device { name: DeviceName::new(name).unwrap(), port, ..one });
        self.others.last_mut().unwrap()
    }

    fn env(&self, unknown: Option<usize>) -> Env {
        let keys = self.lab.host_keys().iter().enumerate();
        let known: Vec<String> = keys
            .filter(|(index, _)| Some(*index) != unknown)
            .map(|(_, key)| key.known_hosts_line() + "\n")
            .collect();
        fs::write(self.folder.path().join("known_hosts"), known.concat()).unwrap();
        let folder = self.folder.path().to_owned();
        let env = Env::over_ssh(folder, Clock::fixed(noon()), Arc::new(self.settings.clone())).unwrap();
        let mut devices = self.fleet.inventory();
        devices.extend(self.others.clone());
        jobs::import_devices(&env, &devices, "test", true).unwrap();
        env.with_jump_hosts().unwrap()
    }

    async fn scan(&self, unknown: Option<usize>) -> Scanned {
        let env = self.env(unknown);
        scan(&env).await
    }
}

async fn scan(env: &Env) -> Scanned {
    let devices = jobs::live_devices(env).unwrap();
    jobs::scan(env, OnDemand { devices, scope: Scope::Device, full: false }).await.unwrap()
}

fn of<'a>(done: &'a Scanned, name: &str) -> &'a Snapshot {
    done.snapshots.iter().find(|snapshot| snapshot.device.as_deref() == Some(name)).unwrap()
}

fn verdict<'a>(done: &'a Scanned, name: &str) -> (Outcome, Option<&'a str>) {
    let snapshot = of(done, name);
    (snapshot.outcome, snapshot.detail.as_deref())
}

/// A listener that says `greeting` to everyone, and then hangs up or waits.
async fn speaker(greeting: String, hangs_up: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(greeting.as_bytes()).await;
            if !hangs_up {
                kept.push(stream);
            }
        }
    });
    port
}

/// Fault, what is wrong, what becomes of it, the sessions that were asked for.
type Row = (&'static str, Vec<Quirk>, (Outcome, Option<&'static str>), u64);

const COMPLETE: (Outcome, Option<&str>) = (Outcome::Complete, None);

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_outcome() {
    use Outcome::{Auth, HostKey, Incomplete, Refused, Unreachable, Unstable, WrongDevice};
    use Quirk::{
        CleanClose, Committed, CutAtBlock, CutConfig, Describe, EchoTwice, EmptyConfig, Escapes, Full,
        Latin1, NoRights, Noise, OneTimeCode, OtherHostKey, OtherKeyKind, Pager, PasswordExpired,
        PromptInBanner, Question, Refuse, RefuseLogin, RenamedMidway, Timestamps, WeakKeyExchange,
    };
    let end = || Describe("\n# DNAAS-LEAF-B15 config-end DNAAS-LEAF-B15# ".replace('\n', ""));
    let table: Vec<Row> = vec![
        ("F05", vec![], (HostKey, Some("unknown")), 0),
        ("F06", vec![OtherHostKey], (HostKey, Some("changed")), 0),
        ("F07", vec![OtherKeyKind], (HostKey, Some("other-algorithm")), 0),
        ("F09", vec![WeakKeyExchange], (Unreachable, Some("legacy-algorithms")), 0),
        ("F10", vec![RefuseLogin], (Auth, None), 0),
        ("F12", vec![PasswordExpired], (Auth, Some("password-change")), 1),
        ("F13", vec![OneTimeCode], (Auth, Some("interactive")), 0),
        ("F14 once", vec![Full(1)], COMPLETE, 2),
        ("F14", vec![Full(99)], (Unreachable, Some("max-sessions")), 2),
        ("F20", vec![CleanClose], (Incomplete, Some("closed")), 1),
        ("F22", vec![CutAtBlock], (Incomplete, Some("no-end-mark")), 1),
        ("F22 anywhere", vec![CutConfig], (Incomplete, Some("no-end-mark")), 1),
        ("F25", vec![EmptyConfig], (Incomplete, Some("empty")), 1),
        ("F26", vec![Refuse("show config".to_owned())], (Refused, Some("command-error")), 1),
        ("F27", vec![NoRights], (Refused, Some("insufficient-rights")), 1),
        ("F28", vec![PromptInBanner], COMPLETE, 1),
        ("F30", vec![end()], COMPLETE, 1),
        ("F31", vec![Pager], COMPLETE, 1),
        ("F32", vec![EchoTwice], COMPLETE, 1),
        ("F32 redrawn", vec![Timestamps], COMPLETE, 1),
        ("F33 once", vec![Noise(1)], COMPLETE, 2),
        ("F33", vec![Noise(99)], (Incomplete, Some("noise")), 2),
        ("F39", vec![Latin1], COMPLETE, 1),
        ("F41", vec![Escapes], COMPLETE, 1),
        ("F42", vec![RenamedMidway], (WrongDevice, Some("prompt-changed")), 1),
        ("F43 once", vec![Committed(1)], COMPLETE, 2),
        ("F43", vec![Committed(99)], (Unstable, Some("commit")), 3),
        ("no CLI", vec![Question], (Unreachable, Some("cli-not-running")), 1),
        ("nothing", vec![], COMPLETE, 1),
    ];
    let mut bench = Bench::new(table.len(), "scan.retry_seconds = 0").await;
    let quirks: Vec<&[Quirk]> = table.iter().map(|(_, quirks, ..)| quirks.as_slice()).collect();
    bench.with_quirks(&quirks).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    bench.beside("refused", closed);
    let port = speaker("SSH-2.0-x\r\n".to_owned(), true).await;
    bench.beside("hangs-up", port);
    let port = speaker("welcome\r\n".repeat(5_000), false).await;
    bench.beside("talks", port);
    bench.beside("unknown-os", closed).platform = "acme_os".to_owned();
    bench.beside("behind", closed).jump = Some("refused".to_owned());

    let done = bench.scan(Some(0)).await;
    let mut wrong = Vec::new();
    for (index, (fault, _, expected, knocks)) in table.iter().enumerate() {
        let (name, machine) = (bench.name(index), bench.machine(index));
        let (got, counts) = (verdict(&done, &name), (machine.knocks(), machine.logins()));
        let logins = match expected.0 {
            HostKey => 0,
            Auth => u64::from(*fault != "F13"),
            _ => counts.1,
        };
        if got != *expected || counts != (*knocks, logins) {
            wrong.push(format!("{fault}: {got:?} {counts:?}, not {expected:?} {knocks}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let at = |fault: &str| table.iter().position(|row| row.0 == fault).unwrap();
    assert_eq!(bench.machine(at("F12")).log(), Vec::<String>::new(), "a question was answered");
    for (name, expected) in [
        ("refused", (Unreachable, None)),
        ("hangs-up", (Unreachable, Some("protocol"))),
        ("talks", (Unreachable, Some("protocol"))),
        ("unknown-os", (Outcome::Unsupported, None)),
        ("behind", (Unreachable, Some("jump-host"))),
    ] {
        assert_eq!(verdict(&done, name), expected, "{name}");
    }
    // Nothing but reads was sent, and no byte of a device is left that drives a terminal.
    assert_eq!(bench.fleet.violations(), []);
    let text = serde_json::to_string(&done.snapshots).unwrap();
    assert!(!text.contains(char::is_control) && !text.contains("\\u001b"));
    assert!(text.contains("caf\\\\xe9"), "bytes that are no UTF-8 are shown");
    assert_eq!(done.drifts, []);

    // What was odd and complete is what the device has: without the oddity it reads the same.
    let first: BTreeMap<usize, Snapshot> =
        ["F14 once", "F28", "F31", "F32", "F32 redrawn", "F33 once", "F43 once"]
            .iter()
            .map(|fault| (at(fault), of(&done, &bench.name(at(fault))).clone()))
            .collect();
    bench.with_quirks(&vec![&[][..]; table.len()]).await;
    let done = bench.scan(None).await;
    for (index, before) in first {
        let now = of(&done, &bench.name(index));
        assert_eq!(
            (&now.interfaces, &now.services),
            (&before.interfaces, &before.services),
            "{}",
            table[index].0
        );
    }
    assert_eq!(done.counts[&Outcome::Complete], table.len());
}

/// F08: nobody is asked for anything while it is not known whom to trust.
#[tokio::test(flavor = "multi_thread")]
async fn known_hosts_that_cannot_be_read_stop_everything() {
    let bench = Bench::new(1, "").await;
    drop(bench.env(None));
    let path = bench.folder.path().join("known_hosts");
    let known = fs::read_to_string(&path).unwrap();
    let anew = || {
        let settings = Arc::new(bench.settings.clone());
        Env::over_ssh(bench.folder.path().to_owned(), Clock::fixed(noon()), settings).map(drop)
    };
    fs::write(&path, format!("{known}dn-3 ssh-ed25519 no\n{known}")).unwrap();
    let error = anew().unwrap_err().to_string();
    assert!(error.contains("known_hosts:2"), "{error}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(anew().is_err());
    assert_eq!((bench.machine(0).knocks(), bench.machine(0).logins()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wait_has_its_end() {
    use Quirk::{Dribble, Hang, HangMidway, Huge};
    let limits = "scan.retry_seconds = 0\n[ssh]\nsilence_seconds = 1\nhandshake_seconds = 1\ntotal_seconds = 3\nmax_bytes = 1000000";
    let mut bench = Bench::new(5, limits).await;
    bench.with_quirks(&[&[Hang], &[HangMidway], &[Dribble], &[Huge(3)], &[]]).await;
    let port = speaker(String::new(), false).await;
    bench.beside("silent", port);
    let begun = std::time::Instant::now();
    let done = bench.scan(None).await;
    for (index, expected) in [
        (Outcome::Timeout, Some("no-prompt")),
        (Outcome::Timeout, Some("silence")),
        (Outcome::Timeout, Some("total")),
        (Outcome::TooLarge, None),
        COMPLETE,
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(verdict(&done, &bench.name(index)), expected);
    }
    assert_eq!(verdict(&done, "silent"), (Outcome::Timeout, Some("handshake")));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_two_who_want_the_same_device() {
    let mut bench = Bench::new(40, "").await;
    bench.with_quirks(&vec![&[Quirk::RefuseLogin][..]; 40]).await;
    let done = bench.scan(None).await;
    assert_eq!(done.counts, BTreeMap::from([(Outcome::Auth, 40)]));
    let logins: u64 = (0..40).map(|index| bench.machine(index).logins()).sum();
    assert_eq!(logins, 3);

    bench.with_quirks(&vec![&[][..]; 40]).await;
    let env = bench.env(None);
    let one = || {
        let devices = jobs::live_devices(&env).unwrap().into_iter().take(1).collect();
        jobs::scan(&env, OnDemand { devices, scope: Scope::Device, full: false })
    };
    let (first, second, third) = tokio::join!(one(), one(), one());
    for done in [first, second, third] {
        assert_eq!(done.unwrap().counts, BTreeMap::from([(Outcome::Complete, 1)]));
    }
    let most = (0..40).map(|index| bench.machine(index).most_sessions()).max();
    assert_eq!(most, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_algorithms_are_remembered_as_long_as_they_are_in_use() {
    let mut bench = Bench::new(2, "").await;
    let weak = bench.name(0);
    bench.settings = settings(&format!("[ssh.legacy]\n{weak} = \"2026-11-01\""));
    bench.with_quirks(&[&[Quirk::WeakKeyExchange], &[]]).await;
    let env = bench.env(None);
    let id = jobs::live_devices(&env).unwrap().iter().find(|(_, d)| d.name.as_str() == weak).unwrap().0;
    let first = scan(&env).await;
    assert_eq!(first.counts, BTreeMap::from([(Outcome::Complete, 2)]));
    let expected = vec![(id, "diffie-hellman-group14-sha1".to_owned())];
    assert_eq!(env.store().unwrap().weak_algorithms(None).unwrap(), expected);
    bench.with_quirks(&[&[], &[]]).await;
    let env = bench.env(None);
    scan(&env).await;
    assert_eq!(env.store().unwrap().weak_algorithms(None).unwrap(), []);
    assert_eq!(env.store().unwrap().weak_algorithms(Some(first.run)).unwrap(), expected);
}

/// A host with a few file descriptors: whoever comes when they are gone fails.
struct Scarce {
    fleet: Fleet,
    open: AtomicUsize,
    most: usize,
    failed: AtomicUsize,
}

impl Fetch for Scarce {
    fn fetch<'a>(
        &'a self,
        device: &'a Device,
        platform: &'static Platform,
        scope: &'a Scope,
    ) -> Fetching<'a> {
        Box::pin(async move {
            let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::task::yield_now().await;
            let result = if open > self.most {
                self.failed.fetch_add(1, Ordering::SeqCst);
                Err(DeviceError::Files { address: device.address.clone() })
            } else {
                let stream = self.fleet.connect(device.name.as_str()).unwrap();
                let settings = driftcast::device::Settings::default();
                shell::converse(stream, &[], platform, &platform.script(scope).unwrap(), &settings).await
            };
            self.open.fetch_sub(1, Ordering::SeqCst);
            result
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_goes_slower_and_loses_nobody() {
    let fleet = Fleet::new(11, 60, noon());
    let folder = tempfile::tempdir().unwrap();
    let scarce = Arc::new(Scarce { fleet, open: AtomicUsize::new(0), most: 5, failed: AtomicUsize::new(0) });
    let fetch: Arc<dyn Fetch> = scarce.clone();
    let settings = Arc::new(settings(""));
    let env = Env::with_fetch(folder.path().to_owned(), Clock::fixed(noon()), settings, fetch).unwrap();
    jobs::import_devices(&env, &scarce.fleet.inventory(), "test", true).unwrap();
    let done = scan(&env).await;
    assert_eq!(done.counts, BTreeMap::from([(Outcome::Complete, 60)]));
    assert!(scarce.failed.load(Ordering::SeqCst) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_its_window_nobody_is_read() {
    let mut bench = Bench::new(4, "").await;
    let site = bench.fleet.inventory()[0].site.clone();
    let closed = bench.fleet.inventory().iter().filter(|device| device.site == site).count();
    bench.settings = settings(&format!(
        "[[window]]\nname = 'night'\nsite = ['{site}']\nhours = '22:00-05:00'\nzone = 'UTC'\n"
    ));
    let mut env = bench.env(None);
    let expected =
        |n: usize| BTreeMap::from([(Outcome::Complete, 4 - n), (Outcome::NotDue, n)].map(|(o, n)| (o, n)));
    let mut wanted = expected(closed);
    wanted.retain(|_, n| *n > 0);
    let done = scan(&env).await;
    assert_eq!(done.counts, wanted);
    let name = bench.name(0);
    assert_eq!(verdict(&done, &name), (Outcome::NotDue, Some("window")));
    assert_eq!(bench.machine(0).knocks(), 0);
    let night = jobs::nightly(&env, "100%".parse().unwrap()).await.unwrap();
    assert_eq!(night.summary.devices.get(&Outcome::NotDue), Some(&closed));
    assert_eq!(bench.machine(0).knocks(), 0);
    env.heed_windows = false;
    assert_eq!(scan(&env).await.counts, BTreeMap::from([(Outcome::Complete, 4)]));
}

#[test]
fn hostile_shapes_are_no_danger_to_a_reader() {
    let long = "x".repeat(2 << 20);
    let deep: String = (0..20_000).map(|depth| " ".repeat(depth % 200) + "a b\n").collect();
    let nested = "interfaces\n".to_owned() + &"  ge100-0/0/1\n".repeat(100_000);
    for platform in ALL {
        for (what, text) in [("one line of 2 MB", &long), ("deep", &deep), ("100,000 blocks", &nested)] {
            for template in platform.commands.iter().step_by(platform.commands.len().div_ceil(3)) {
                let captured = Captured {
                    section: template.section.to_owned(),
                    command: template.text.to_owned(),
                    text: text.clone(),
                    prompt: Some("R1".to_owned()),
                    ended: Ending::Prompt,
                };
                let reading = (platform.read)(&Scope::Device, &[captured], Rules::Live);
                assert!(!reading.outcome.is_complete(), "{}: {what}", platform.name);
            }
        }
    }
}
