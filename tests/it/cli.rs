//! Commands against the lab, over real SSH, as a user would type them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use driftcast::lab::Fleet;
use driftcast::model::Record;
use serde_json::Value;
use tempfile::TempDir;

/// The first of 32 ports that no other test uses, and no outgoing connection.
pub(crate) fn lab_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_240 + (std::process::id() % 20) as u16 * 512;
    (first + 32 * NEXT.fetch_add(1, Ordering::Relaxed)).to_string()
}

/// The program in a cleared environment, with a data folder of its own.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftcast"));
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        // The dynamic linker's path, for a DuckDB that is linked and not built in.
        if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", path);
        }
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(arguments);
        self.run(&all).json()
    }

    /// A small demo: everything is there, it only has fewer nights.
    pub(crate) fn demo(&self) -> Value {
        let port = lab_port();
        let ran = self.run(&["--json", "demo", "--devices", "24", "--nights", "3", "--port", &port]);
        assert_eq!(ran.code(), 0, "{}", ran.all());
        ran.json()
    }

    pub(crate) fn lab(&self) -> Lab {
        let mut child = self.command(&["lab"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("devices are up"), "{line}");
        Lab(child)
    }
}

pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out(), self.err())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|e| panic!("{e}: {}", self.all()))
    }
}

/// A fleet in another process; ends with the value.
pub(crate) struct Lab(Child);

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

type Found = BTreeSet<(String, String, String, String)>;

fn found(diff: &Value) -> Found {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    diff["drifts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (text(&d["device"]), text(&d["kind"]), text(&d["key"]), text(&d["class"])))
        .collect()
}

/// What the lab itself knows to disagree: its devices against the exported
/// records, compared by its own few lines.
fn expected(bench: &Bench) -> Found {
    let records: Vec<Record> =
        serde_json::from_value(bench.json(&["records", "list"])["records"].take()).unwrap();
    let fleet = Fleet::load(&bench.data().join("lab.toml")).unwrap();
    fleet
        .expected_drifts(&records)
        .into_iter()
        .map(|p| (p.device.to_string(), p.key.kind.to_string(), p.key.key, p.class.as_str().to_owned()))
        .collect()
}

#[test]
fn the_demo_finds_exactly_what_is_planted_and_a_second_night_is_quiet() {
    let bench = Bench::new();
    let demo = bench.demo();
    assert_eq!(demo["devices"]["complete"], 24);
    assert!(Path::new(demo["report"].as_str().unwrap()).is_file());

    let diff = bench.json(&["diff"]);
    let drifts = found(&diff);
    assert_eq!(drifts, expected(&bench));
    for planted in demo["planted"].as_array().unwrap() {
        let text = |key: &str| planted[key].as_str().unwrap().to_owned();
        assert!(drifts.contains(&(text("device"), text("kind"), text("key"), text("class"))), "{planted}");
    }
    for class in ["unrecorded", "missing", "differs"] {
        assert!(drifts.iter().any(|d| d.3 == class), "{class}");
    }
    let story = diff["drifts"].as_array().unwrap().iter().find(|d| d["key"] == "ge100-0/0/31.251").unwrap();
    assert_eq!(story["fact"]["encapsulation"]["outer"], "251");
    assert_eq!(story["fact"]["service"]["name"], "g_visaev_v251");

    // The commands that the demo names work on what it left.
    for next in demo["next"].as_array().unwrap() {
        let words: Vec<&str> = next.as_str().unwrap().split_whitespace().skip(3).collect();
        let ran = bench.run(&words);
        assert!(matches!(ran.code(), 0 | 1), "{next}: {}", ran.all());
        assert!(!ran.out().is_empty());
    }

    let _lab = bench.lab();
    let night = bench.json(&["nightly", "--budget", "100%"]);
    assert_eq!(night["outcome"], "complete", "{night}");
    assert_eq!((&night["devices"]["complete"], &night["changed"]), (&24.into(), &0.into()));
    assert_eq!((&night["drifts"]["new"], &night["drifts"]["resolved"]), (&0.into(), &0.into()));
    assert_eq!(found(&bench.json(&["diff"])), drifts, "the same ids, nothing added");

    // On demand, one interface: it is there, with its VLAN.
    let one = bench.json(&["scan", "DNAAS-LEAF-B15", "--interface", "ge100-0/0/31.251"]);
    assert_eq!(one["snapshots"][0]["outcome"], "complete", "{one}");
    assert_eq!(one["snapshots"][0]["interfaces"][0]["service"]["name"], "g_visaev_v251");
    // Absence is a fact too.
    let none = bench.json(&["scan", "DNAAS-LEAF-B15", "--interface", "ge100-0/0/31.999"]);
    assert_eq!(none["snapshots"][0]["outcome"], "complete", "{none}");
    assert!(none["snapshots"][0]["interfaces"].as_array().unwrap().is_empty());
    // One bridge domain and its members.
    let domain = bench.json(&["scan", "DNAAS-LEAF-B15", "--bridge-domain", "g_visaev_v251"]);
    assert_eq!(domain["snapshots"][0]["interfaces"].as_array().unwrap().len(), 2, "{domain}");
    assert_eq!(found(&bench.json(&["diff"])), drifts, "narrow scans added nothing");

    // Accepting reality: the rows that `diff` offers make the drifts go away.
    let rows = bench.run(&["diff", "DNAAS-LEAF-B15", "--as-records"]).out();
    let file = bench.folder.path().join("accept.csv");
    fs::write(&file, rows).unwrap();
    let ran = bench.run(&["records", "import", file.to_str().unwrap()]);
    assert_eq!(ran.code(), 0, "{}", ran.all());
    assert_eq!(bench.run(&["diff", "DNAAS-LEAF-B15", "--class", "unrecorded"]).code(), 0);

    sync_there_and_back(&bench);
    // What was taken back is drift again, and a policy accepts what is safe.
    let policy = bench.folder.path().join("policy.toml");
    fs::write(&policy, "[[policy]]\naction = \"accept\"\nclass = \"unrecorded\"\n").unwrap();
    let arguments = ["--json", "--config", policy.to_str().unwrap(), "nightly", "--budget", "100%"];
    let ran = bench.run(&arguments);
    let night = ran.json();
    assert_eq!(night["sync"]["stopped"], Value::Null, "{night}");
    assert!(night["sync"]["added"].as_u64().unwrap() > 0, "{night}");
    assert_eq!(bench.run(&["diff", "--class", "unrecorded"]).code(), 0);
    assert_eq!(bench.run(&["doctor"]).code(), 0);
    private(&bench.data());
    no_secret(&bench.data());
}

/// All open drifts as a plan, applied, taken back; what was tampered with shows.
fn sync_there_and_back(bench: &Bench) {
    let plan = bench.folder.path().join("plan.json");
    let file = plan.to_str().unwrap();
    let ran = bench.run(&["sync", "plan", "--out", file]);
    assert_eq!(ran.code(), 0, "{}", ran.all());
    assert!(ran.out().contains("driftcast sync apply"), "{}", ran.all());
    assert_eq!(fs::metadata(&plan).unwrap().permissions().mode() & 0o777, 0o600);
    let records = bench.run(&["records", "export"]).out();
    let before = bench.json(&["diff"])["drifts"].as_array().unwrap().len();

    let edited = bench.folder.path().join("edited.json");
    fs::write(&edited, fs::read_to_string(&plan).unwrap().replacen("\"up\"", "\"down\"", 1)).unwrap();
    let ran = bench.run(&["sync", "apply", edited.to_str().unwrap()]);
    assert_eq!(ran.code(), 4, "{}", ran.all());
    assert!(ran.err().contains("edited"), "{}", ran.all());

    // Killed at whatever moment: each device is as before or as after, and the
    // same plan finishes what is left.
    let planned: Value = serde_json::from_str(&fs::read_to_string(&plan).unwrap()).unwrap();
    let units = planned["devices"].as_array().unwrap();
    assert!(units.len() > 1, "{planned}");
    for n in 0..6 {
        let mut apply = bench.command(&["sync", "apply", file, "--reason", "as reviewed"]);
        let mut child = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_millis(120 * n + 40);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        whole_devices(bench, units);
    }
    let done = bench.json(&["sync", "apply", file, "--reason", "as reviewed"]);
    assert!(done["skipped"].as_array().unwrap().is_empty(), "{done}");
    whole_devices(bench, units);
    let after = bench.json(&["diff"])["drifts"].as_array().unwrap().len();
    let items: usize = units.iter().map(|unit| unit["items"].as_array().unwrap().len()).sum();
    assert_eq!(before - after, items, "{done}");
    let log = bench.json(&["records", "log", "--top", "1"]);
    assert_eq!(
        (&log["changes"][0]["how"], &log["changes"][0]["why"]),
        (&"sync".into(), &"as reviewed".into())
    );
    let ran = bench.run(&["records", "undo", done["plan"].as_str().unwrap()]);
    assert_eq!(ran.code(), 0, "{}", ran.all());
    assert_eq!(bench.run(&["records", "export"]).out(), records, "exactly as before");

    let ran = bench.run(&["scan", "DNAAS-LEAF-B15", "--sync"]);
    assert_eq!(ran.code(), 2, "nobody can be asked: {}", ran.all());
    let ran = bench.run(&["scan", "DNAAS-LEAF-B15", "--sync", "--yes"]);
    assert!(matches!(ran.code(), 0 | 1), "{}", ran.all());
}

/// No device is between: all of its items are written, or none.
fn whole_devices(bench: &Bench, units: &[Value]) {
    let records = bench.json(&["records", "list"])["records"].take();
    for unit in units {
        let items = unit["items"].as_array().unwrap();
        let written = items.iter().filter(|item| {
            let found = records.as_array().unwrap().iter().find(|record| {
                (&record["device"], &record["kind"], &record["name"])
                    == (&unit["device"], &item["kind"], &item["key"])
            });
            found.unwrap_or(&Value::Null) == &item["after"]
        });
        let written = written.count();
        assert!(written == 0 || written == items.len(), "{written} of {}: {unit}", items.len());
    }
}

/// Nothing in the folder is open to others, whatever the umask.
fn private(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_symlink() {
            continue;
        }
        assert_eq!(meta.permissions().mode() & 0o077, 0, "{}", path.display());
        if meta.is_dir() {
            private(&path);
        }
    }
}

/// The devices' secrets are nowhere but in the lab's own file.
fn no_secret(folder: &Path) {
    let lab = fs::read_to_string(folder.join("lab.toml")).unwrap();
    let secrets: BTreeSet<String> = lab
        .lines()
        .filter_map(|line| line.strip_prefix("login_hash = ").or_else(|| line.strip_prefix("token = ")))
        .map(|value| value.trim_matches(['"', '\'']).to_owned())
        .collect();
    assert!(!secrets.is_empty());
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() || path.ends_with("lab.toml") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            for secret in &secrets {
                let there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!there, "a secret is in {}", path.display());
            }
        }
    }
}

#[test]
fn mistakes_are_told_with_what_to_do_and_the_right_exit_code() {
    let bench = Bench::new();
    let file = |name: &str, text: &str| {
        let path = bench.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let empty = file("empty.csv", "name,address,platform\n");
    let twice =
        file("twice.csv", "name,address,platform\na,10.0.0.1,drivenets_dnos\nA,10.0.0.2,drivenets_dnos\n");
    let good =
        file("good.csv", "name,address,platform\na,127.0.0.1,drivenets_dnos\nb,127.0.0.2,toaster_os\n");
    let bad_record = file("records.csv", "device,kind,name,outer\na,interface,ge1.1,9999\n");
    let stranger = file("stranger.csv", "device,kind,name\nzz,interface,ge1.1\n");
    let unknown_key = file("unknown.toml", "[plan]\nbudgget = 3\n");
    for (arguments, code, says) in [
        (vec!["nightly"], 2, "devices import"),
        (vec!["devices", "import", &empty], 2, "empty"),
        (vec!["devices", "import", &twice], 2, "twice.csv:3"),
        (vec!["devices", "import", "nowhere.csv"], 2, "nowhere.csv"),
        (vec!["devices", "import", &good], 0, "2 added"),
        (vec!["records", "import", &bad_record], 2, "records.csv:2"),
        (vec!["records", "import", &stranger], 2, "no device"),
        (vec!["--config", &unknown_key, "config"], 2, "did you mean plan.budget"),
        (vec!["nightly", "--budget", "lots"], 2, "budget"),
        (vec!["scan", "nobody"], 2, "no device"),
        (vec!["diff", "nobody"], 2, "no device"),
        (vec!["report"], 2, "nightly"),
        (vec!["read", "--platform", "nonsense", &good], 2, "drivenets_dnos"),
        (vec!["read", "--platform", "drivenets_dnos", &good], 3, "unread"),
        (vec!["diff"], 0, "No open drift"),
    ] {
        let ran = bench.run(&arguments);
        assert_eq!(ran.code(), code, "{arguments:?}: {}", ran.all());
        assert!(ran.all().contains(says), "{arguments:?} should say {says:?}: {}", ran.all());
    }
    // A demo in a folder that is somebody's.
    let foreign = Bench::new();
    fs::create_dir(foreign.data()).unwrap();
    fs::write(foreign.data().join("thesis.txt"), "years of work").unwrap();
    let ran = foreign.run(&["demo"]);
    assert_eq!(ran.code(), 2, "{}", ran.all());
    assert!(ran.err().contains("not empty") && foreign.data().join("thesis.txt").exists());

    // Nobody answers there, and one platform is unknown: findings, not errors.
    let night = bench.run(&["--json", "nightly", "--budget", "100%"]);
    assert_eq!(night.code(), 4, "{}", night.all());
    assert_eq!(night.json()["devices"]["unsupported"], 1);
    let report = fs::read_to_string(bench.data().join("reports/latest/index.html")).unwrap();
    assert!(report.contains("We cannot say"));
}

#[test]
fn two_nights_at_once_and_one_of_them_is_told() {
    let bench = Bench::new();
    let _held = driftcast::store::BatchLock::take(&bench.data(), "nightly").unwrap();
    let good = bench.folder.path().join("good.csv");
    fs::write(&good, "name,address,platform\na,127.0.0.1,drivenets_dnos\n").unwrap();
    assert_eq!(bench.run(&["devices", "import", good.to_str().unwrap()]).code(), 0);
    let ran = bench.run(&["nightly"]);
    assert_eq!(ran.code(), 75, "{}", ran.all());
    assert!(ran.err().contains(&std::process::id().to_string()), "{}", ran.err());
    let status = bench.json(&["status"]);
    assert!(status["at_work"].as_str().unwrap().contains("nightly"));
}

#[test]
fn a_device_outside_of_its_window_is_not_read_by_accident() {
    let bench = Bench::new();
    let inventory = bench.folder.path().join("devices.csv");
    fs::write(&inventory, "name,address,platform,site\nr1,127.0.0.1,drivenets_dnos,fra1\n").unwrap();
    fs::write(
        bench.folder.path().join("driftcast.toml"),
        "[[window]]\nname = 'fra-nights'\nsite = ['fra*']\nhours = '22:00-05:00'\nzone = 'Europe/Berlin'\n",
    )
    .unwrap();
    assert_eq!(bench.run(&["devices", "import", inventory.to_str().unwrap()]).code(), 0);
    let ran = bench.run(&["--now", "2026-11-23T12:00:00Z", "scan", "r1"]);
    assert_eq!(ran.code(), 4, "{}", ran.all());
    for told in ["fra-nights (22:00-05:00 Europe/Berlin)", "2026-11-23 21:00 UTC", "--outside-window"] {
        assert!(ran.err().contains(told), "{}", ran.err());
    }
}
