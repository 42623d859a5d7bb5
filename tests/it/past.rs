//! `import-history`, on repositories that the test makes as Oxidized and RANCID
//! make them: what counts as a change, what is listed, and that it teaches
//! rates without ever looking like a scan.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::cli::{Bench, Ran};

/// 2026-01-05 03:00 UTC, a Monday.
const START: i64 = 1_767_582_000;
const DAY: i64 = 86_400;
/// What the clock says in these tests: day 200.
const NOW: &str = "2026-07-24T03:00:00Z";

/// Whether there is a git to make repositories with.
#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
fn git_is_there() -> bool {
    let there = Command::new("git").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("skipped: there is no git on this machine");
    }
    there
}

/// A repository in the making.
struct Repository(PathBuf);

impl Repository {
    fn new(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let repository = Self(folder);
        repository.git(&["init", "-q"], START);
        repository
    }

    fn git(&self, arguments: &[&str], at: i64) {
        let time = format!("{at} +0000");
        let done = Command::new("git")
            .current_dir(&self.0)
            .args([
                "-c",
                "user.name=Oxidized",
                "-c",
                "user.email=o@example.net",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(["-c", "init.defaultBranch=master"])
            .args(arguments)
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "{arguments:?}");
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What is in the folder, as of `day`.
    fn commit(&self, day: f64) {
        self.git(&["add", "-A"], START);
        self.git(&["commit", "-q", "--allow-empty", "-m", "update"], START + (day * DAY as f64) as i64);
    }
}

/// A small IOS configuration.
fn ios(name: &str, vlan: u32, secret: &str, community: &str) -> String {
    format!(
        "! Last configuration change at 0{}:00:00 UTC Mon Jan 5 2026\nversion 15.2\nhostname {name}\n!\n\
         enable secret 5 {secret}\n!\ninterface GigabitEthernet0/1\n description uplink\n!\n\
         interface GigabitEthernet0/2\n switchport access vlan {vlan}\n switchport mode access\n!\n\
         snmp-server location {community}\n!\nend\n",
        vlan % 10
    )
}

fn bench(inventory: &str) -> Bench {
    let bench = Bench::new();
    fs::create_dir_all(bench.data().parent().unwrap()).unwrap();
    let file = bench.data().parent().unwrap().join("devices.csv");
    fs::write(&file, format!("name,address,platform,role\n{inventory}")).unwrap();
    assert_eq!(run(&bench, &["devices", "import", file.to_str().unwrap()]).code(), 0);
    bench
}

fn run(bench: &Bench, arguments: &[&str]) -> Ran {
    let mut command = bench.command(arguments);
    command.env("DRIFTCAST_NOW", NOW);
    // The program finds git where the test does.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    Ran(command.output().unwrap())
}

fn import(bench: &Bench, repository: &Path, more: &[&str]) -> (i32, Value) {
    let mut all = vec!["--json", "import-history", "--git", repository.to_str().unwrap()];
    all.extend(more);
    let ran = run(bench, &all);
    (ran.code(), ran.json())
}

fn rank(bench: &Bench) -> Vec<Value> {
    run(bench, &["--json", "rank"]).json()["devices"].as_array().unwrap().clone()
}

#[test]
fn years_of_oxidized_teach_rates_on_the_first_night() {
    if !git_is_there() {
        return;
    }
    let bench = bench(
        "leaf1,10.0.0.1,cisco_ios,leaf\nleaf2,10.0.0.2,cisco_ios,leaf\nspine1,10.0.0.3,cisco_ios,spine\n",
    );
    let git = Repository::new(bench.data().parent().unwrap().join("configs"));
    for name in ["leaf1", "leaf2", "other9"] {
        git.write(&format!("fra/{name}"), &ios(name, 10, "$1$abcd$aaaaaaaaaaaaaaaaaaaaaa", "rack 1"));
    }
    git.write(".gitignore", "*.tmp\n");
    git.commit(0.0);
    // leaf1 changes every fifth day; a second commit of the same hour is the same piece of work.
    for n in 1..=30 {
        git.write("fra/leaf1", &ios("leaf1", 10 + n, "$1$abcd$aaaaaaaaaaaaaaaaaaaaaa", "rack 1"));
        git.commit(f64::from(n) * 5.0);
        git.write("fra/leaf1", &ios("leaf1", 100 + n, "$1$abcd$aaaaaaaaaaaaaaaaaaaaaa", "rack 1"));
        git.commit(f64::from(n) * 5.0 + 0.02);
    }
    // leaf2 does not change: only a date, and text outside of our facts.
    git.write(
        "fra/leaf2",
        &ios("leaf2", 10, "$1$abcd$aaaaaaaaaaaaaaaaaaaaaa", "rack 1").replace("00:00:00", "11:11:11"),
    );
    git.commit(160.0);
    git.write("fra/leaf2", &ios("leaf2", 10, "$1$abcd$aaaaaaaaaaaaaaaaaaaaaa", "rack 2"));
    git.commit(161.0);

    let before = run(&bench, &["--json", "status"]).json();
    let (code, dry) = import(&bench, &git.0, &["--dry-run"]);
    assert_eq!((code, dry["new_changes"].as_u64()), (0, Some(60)), "{dry:#}");
    assert_eq!(rank(&bench)[0]["imported"], 0, "nothing was kept");

    let (code, done) = import(&bench, &git.0, &[]);
    assert_eq!(code, 0, "{done:#}");
    let counts = &done["counts"];
    assert_eq!(
        (counts["changed"].as_u64(), counts["changed_by_text"].as_u64()),
        (Some(60), Some(0)),
        "{done:#}"
    );
    assert_eq!(
        (counts["volatile"].as_u64(), counts["outside_facts"].as_u64()),
        (Some(1), Some(1)),
        "{done:#}"
    );
    assert_eq!(done["silent"], serde_json::json!(["spine1"]));
    let stray = &done["strays"][0];
    assert_eq!(stray["file"], "fra/other9");
    assert_eq!(stray["csv"], "other9,other9,22,cisco_ios,,fra,1,,,");

    let list = rank(&bench);
    let of = |name: &str| list.iter().find(|row| row["device"] == name).unwrap().clone();
    let (busy, calm, unknown) = (of("leaf1"), of("leaf2"), of("spine1"));
    // Two commits within an hour are two nights at most, never a rate of many a day.
    let rate = busy["rate_per_30_days"].as_f64().unwrap();
    assert!((4.0..14.0).contains(&rate), "{rate}");
    assert!(rate > 4.0 * calm["rate_per_30_days"].as_f64().unwrap(), "{busy} {calm}");
    assert_eq!((busy["basis"].as_str(), unknown["basis"].as_str()), (Some("data"), Some("prior")));
    let reason = busy["reason"].as_str().unwrap();
    assert!(reason.starts_with("never read; by its imported history it changes about"), "{reason}");
    // Nothing of it looks like a scan of ours: nothing is believed, nothing is confirmed.
    for row in [&busy, &calm] {
        assert!(row["last_good_scan"].is_null() && row["scans"] == 0 && row["p_change"] == 1.0, "{row}");
    }
    let after = run(&bench, &["--json", "status"]).json();
    for key in ["standing", "runs", "open_drifts"] {
        assert_eq!(before[key], after[key], "{key}");
    }

    // Again: nothing is new. Later: only what came since is read.
    let (code, again) = import(&bench, &git.0, &[]);
    assert_eq!((code, again["written"].as_u64(), again["counts"]["changed"].as_u64()), (0, Some(0), Some(0)));
    assert_eq!(rank(&bench), list);
    git.write("fra/leaf2", &ios("leaf2", 77, "$1$abcd$bbbbbbbbbbbbbbbbbbbbbb", "rack 2"));
    git.commit(190.0);
    let (_, later) = import(&bench, &git.0, &[]);
    assert_eq!(
        (later["new_changes"].as_u64(), later["continued"].as_bool()),
        (Some(1), Some(true)),
        "{later:#}"
    );
    // A device that is added to the inventory later gets all of its history.
    let file = bench.data().parent().unwrap().join("devices.csv");
    let known = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{known}other9,10.0.0.9,cisco_ios,leaf\n")).unwrap();
    assert_eq!(run(&bench, &["devices", "import", file.to_str().unwrap()]).code(), 0);
    let (_, added) = import(&bench, &git.0, &[]);
    let other = added["devices"].as_array().unwrap().iter().find(|row| row["device"] == "other9").cloned();
    assert!(other.is_some() && added["written"].as_u64() > Some(0), "{added:#}");
    assert!(added["strays"].as_array().unwrap().is_empty());
    let secrets = fs::read(bench.data().join("driftcast.duckdb")).unwrap();
    assert!(!secrets.windows(10).any(|part| part == b"aaaaaaaaaa"), "a secret was kept");
}

#[test]
fn rancid_moves_merges_and_clocks() {
    if !git_is_there() {
        return;
    }
    let bench = bench("r1,10.0.0.1,cisco_ios,edge\nr2,10.0.0.2,someos,edge\nr3,10.0.0.3,cisco_ios,edge\n");
    let git = Repository::new(bench.data().parent().unwrap().join("rancid"));
    let text = |name: &str, n: u32| {
        format!("!RANCID-CONTENT-TYPE: cisco\n!\n{}", ios(name, n, "$1$abcd$aaaaaaaaaaaaaaaaaaaaaa", "x"))
    };
    // RANCID adds a device with an empty file first.
    git.write("core/configs/r1", "");
    git.write("core/router.db", "r1;cisco;up\n");
    git.commit(0.0);
    git.write("core/configs/r1", &text("r1", 1));
    git.write("core/configs/r2", "a line\n");
    git.write("core/configs/r3", &text("r3", 1));
    git.commit(1.0);
    // A branch, and a merge that brings nothing of its own.
    git.git(&["checkout", "-q", "-b", "side"], START);
    git.write("core/configs/r2", "another line\n");
    git.commit(10.0);
    git.git(&["checkout", "-q", "master"], START);
    git.write("core/configs/r1", &text("r1", 2));
    git.commit(11.0);
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"], START + 12 * DAY);
    // The clock is wrong, then set back; a device moves to another group.
    git.write("core/configs/r1", &text("r1", 3));
    git.commit(9_000.0);
    git.write("core/configs/r1", &text("r1", 4));
    git.commit(8.0);
    git.git(&["mv", "core/configs/r1", "core/r1"], START);
    git.write("edge/configs/r1", &text("r1", 5));
    fs::remove_file(git.0.join("core/r1")).unwrap();
    fs::remove_file(git.0.join("core/configs/r3")).unwrap();
    git.commit(40.0);
    // Names that are none, and something huge that is no text.
    git.write("core/configs/$(reboot) x", "y\n");
    git.write("core/configs/\u{1b}[2J", "y\n");
    git.commit(50.0);

    // As a person would back it up: bare.
    let bare = bench.data().parent().unwrap().join("rancid.git");
    git.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()], START);
    let (code, done) = import(&bench, &bare, &["--interval", "1h"]);
    assert_eq!(code, 0, "{done:#}");
    let device = |name: &str| {
        done["devices"].as_array().unwrap().iter().find(|row| row["device"] == name).unwrap().clone()
    };
    assert_eq!(
        (device("r1")["changes"].as_u64(), device("r1")["file"].as_str()),
        (Some(3), Some("edge/configs/r1"))
    );
    assert_eq!(
        (device("r2")["changes"].as_u64(), device("r2")["judged_by"].as_str()),
        (Some(1), Some("text"))
    );
    assert_eq!(device("r3")["changes"].as_u64(), Some(0));
    let counts = &done["counts"];
    assert_eq!(
        (counts["wrong_clock"].as_u64(), counts["out_of_order"].as_u64()),
        (Some(1), Some(1)),
        "{counts}"
    );
    let strays = done["strays"].as_array().unwrap();
    assert_eq!(strays.len(), 2, "{strays:?}");
    assert!(strays.iter().all(|stray| stray["name"].is_null() && stray["csv"].is_null()), "{strays:?}");
    let said = run(&bench, &["import-history", "--git", bare.to_str().unwrap()]).out();
    assert!(!said.contains('\u{1b}') && said.contains("no name that a device can have"), "{said}");

    // Two files of one device at once: neither is believed.
    git.write("core/configs/r1", &text("r1", 9));
    git.commit(60.0);
    let (code, twice) = import(&bench, &git.0, &[]);
    assert_eq!((code, twice["doubtful"][0]["device"].as_str()), (3, Some("r1")), "{twice:#}");
}

#[test]
fn what_cannot_be_imported_says_why() {
    if !git_is_there() {
        return;
    }
    let bench = bench("leaf1,10.0.0.1,cisco_ios,leaf\n");
    let home = bench.data().parent().unwrap().to_owned();
    let fails = |folder: &Path, code: i32, words: &str| {
        let ran = run(&bench, &["import-history", "--git", folder.to_str().unwrap()]);
        assert_eq!(ran.code(), code, "{}", ran.all());
        assert!(ran.err().contains(words) && ran.err().contains("hint:"), "{}", ran.err());
    };
    fails(&home.join("nowhere"), 2, "failed to find a git repository");
    // A folder inside of a repository is none: nobody meant the one above.
    let git = Repository::new(home.join("empty"));
    fs::create_dir(git.0.join("sub")).unwrap();
    fails(&git.0.join("sub"), 2, "failed to find a git repository");
    fails(&git.0, 4, "failed to find a commit");
    git.write("fra/other1", "x\n");
    git.commit(0.0);
    fails(&git.0, 4, "no file of a device of the inventory");

    // What its configuration would have carried out is not carried out.
    let trap = home.join("trap");
    let script = home.join("trap.sh");
    fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", trap.display())).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    git.write("fra/leaf1", "x\n");
    git.write(".gitattributes", "* diff=trap filter=trap\n");
    git.commit(1.0);
    for (key, value) in [
        ("core.fsmonitor", script),
        ("core.pager", script),
        ("pager.log", script),
        ("diff.external", script),
        ("diff.trap.textconv", script),
        ("diff.trap.command", script),
        ("filter.trap.smudge", script),
        ("gpg.program", script),
        ("log.showSignature", "true"),
        ("core.sshCommand", script),
    ] {
        git.git(&["config", key, value], START);
    }
    let (code, done) = import(&bench, &git.0, &[]);
    assert_eq!(code, 0, "{done:#}");
    assert!(!trap.exists(), "something of the repository was carried out");

    // No git at all.
    let mut command = bench.command(&["import-history", "--git", git.0.to_str().unwrap()]);
    let ran = Ran(command.env("PATH", "/nonexistent").output().unwrap());
    assert_eq!(ran.code(), 4, "{}", ran.all());
    assert!(ran.err().contains("there is no such program"), "{}", ran.err());
}
