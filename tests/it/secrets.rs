//! No secret in any artefact: each is planted into what devices say, in every
//! form in which systems print it, and then looked for in all that is left
//! behind, byte by byte: database, log, ledger, report, exports, output.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use driftcast::clock::Clock;
use driftcast::config::{BUILT_IN, Settings};
use driftcast::jobs::{self, Env};
use driftcast::lab::{Fleet, Lab, Quirk};
use driftcast::model::RunId;
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::read_text;
use driftcast::platform::{Captured, Platform, Reading, Rules, by_name};
use driftcast::store::Store;

use crate::cli::Bench;

/// Lines of our own: which platform prints them, the lines, the secret in them
/// (`-`: none, they stay as they are).
const OWN: &[(&str, &str, &str)] = &[
    (
        "drivenets_dnos",
        "user amy\n  password $6$rounds0x$qwertyuiopASDFGHJKL",
        "$6$rounds0x$qwertyuiopASDFGHJKL",
    ),
    ("drivenets_dnos", "password \"Two W0rds here\"", "Two W0rds here"),
    ("drivenets_dnos", "community Publ1cEnemy vrf mgmt0", "Publ1cEnemy"),
    ("drivenets_dnos", "server 192.0.2.7\n  secret Rad1usShared", "Rad1usShared"),
    (
        "cisco_ios",
        "username amy privilege 15 secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCx",
        "X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCx",
    ),
    ("cisco_ios", "snmp-server community N0tPubl1c RO 10", "N0tPubl1c"),
    ("cisco_ios", "tacacs-server key 7 0518030C22434B1B0A", "0518030C22434B1B0A"),
    (
        "juniper_junos",
        "set system radius-server 192.0.2.1 secret \"$9$aBcDeFgHiJkLmNoP\"",
        "$9$aBcDeFgHiJkLmNoP",
    ),
    ("juniper_junos", "authentication-key \"Bgp K3y of ours\";", "Bgp K3y of ours"),
    ("arista_eos", "neighbor 192.0.2.2 password 7 xR7fT9pQ2mW4==", "xR7fT9pQ2mW4=="),
    (
        "any",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAnothingreal0\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEAnothingreal0",
    ),
    ("any", "archive url scp://backup:Sc9Passw0rd@192.0.2.9/configs", "Sc9Passw0rd"),
    ("any", "description \"old hash $1$abcd$ZZtopZZtopZZtop0 of amy\"", "$1$abcd$ZZtopZZtopZZtop0"),
    ("any", "vlan-id 251", "-"),
    ("any", "description \"key customer: the secret garden ltd\"", "-"),
    ("any", "set community 65000:7 additive", "-"),
];

struct Vector {
    id: String,
    text: String,
    /// None: every line of it stays.
    secret: Option<String>,
}

/// Ours, and those that stand beside the project.
fn vectors() -> Vec<Vector> {
    let mut all: Vec<Vector> = OWN
        .iter()
        .zip(1..)
        .map(|((_, text, secret), n)| Vector {
            id: format!("own {n}"),
            text: (*text).to_owned(),
            secret: (*secret != "-").then(|| (*secret).to_owned()),
        })
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../shared", "../../shared"].map(|up| root.join(up).join("safety/secret-vectors.txt"));
    if let Some(text) = beside.iter().find_map(|path| fs::read_to_string(path).ok()) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [id, _, _, must, text, secret] = columns[..] else { panic!("{line}") };
            // More may be hidden there than has to be.
            if must == "KEEP-NETCONAN" {
                continue;
            }
            let plain = |text: &str| {
                text.replace("\\\\", "\u{1}").replace("\\n", "\n").replace("\\t", "\t").replace('\u{1}', "\\")
            };
            let secret = must.starts_with("REDACT").then(|| plain(secret));
            all.push(Vector { id: id.to_owned(), text: plain(text), secret });
        }
    }
    all
}

/// A vector as different systems print it.
fn forms(text: &str) -> Vec<(&'static str, String)> {
    let words: Vec<&str> = text.lines().map(str::trim).collect();
    let nested: String = text.lines().flat_map(|line| ["        ", line.trim_end(), "\n"]).collect();
    let key = text.contains("-----BEGIN");
    let mut forms = vec![
        ("plain", format!("{text}\n")),
        ("nested", format!("    part\n      deeper\n{nested}      !\n    !\n")),
        ("CRLF", text.replace('\n', "\r\n") + "\r\n"),
    ];
    // A key block has no single line; whole documents have no path in front.
    if !key && !text.trim_start().starts_with(['<', '"']) {
        forms.push(("flattened", format!("system part {}\n", words.join(" "))));
        forms.push(("one line", words.join(" ") + "\n"));
    } else {
        forms.push(("one line", words.join(" ") + "\n"));
    }
    forms
}

/// All of them, nested, as one block of a configuration of DNOS.
fn block(vectors: &[Vector]) -> String {
    let mut block = "services\n  planted\n".to_owned();
    for vector in vectors {
        for line in vector.text.lines() {
            block.push_str("    ");
            block.push_str(line.trim());
            block.push('\n');
        }
    }
    block + "  !\n!\n"
}

fn secrets(vectors: &[Vector]) -> Vec<(&str, &str)> {
    vectors.iter().filter_map(|v| Some((v.id.as_str(), v.secret.as_deref()?))).collect()
}

/// Where in `bytes` a secret stands.
fn leaks(place: &str, bytes: &[u8], vectors: &[Vector]) -> Vec<String> {
    // A short one may stand in a digest by chance.
    let told = |secret: &str| secret.len() >= 8;
    secrets(vectors)
        .into_iter()
        .filter(|(_, secret)| told(secret) && memchr::memmem::find(bytes, secret.as_bytes()).is_some())
        .map(|(id, secret)| format!("{place}: {id} {secret:?}"))
        .collect()
}

/// Every file below `folder`, whatever it is.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn leaks_in(folder: &Path, vectors: &[Vector]) -> Vec<String> {
    let mut found = Vec::new();
    files(folder, &mut found);
    assert!(found.iter().any(|path| path.ends_with("driftcast.duckdb")));
    let found = found.iter().filter_map(|path| Some((path, fs::read(path).ok()?)));
    found.flat_map(|(path, bytes)| leaks(&path.display().to_string(), &bytes, vectors)).collect()
}

#[test]
fn a_file_that_is_read_shows_no_secret() {
    let vectors = vectors();
    let bench = Bench::new();
    let mut wrong = Vec::new();
    for platform in ["drivenets_dnos", "cisco_ios", "juniper_junos"] {
        let mut text = String::new();
        for vector in &vectors {
            for (_, form) in forms(&vector.text) {
                text.push_str(&form);
            }
        }
        let marks = match platform {
            "drivenets_dnos" => {
                ["# R1 config-start [01-Mar-2026 18:52:00 UTC]\nservices\n", "!\n# R1 config-end\n"]
            }
            "cisco_ios" => ["Current configuration : 1 bytes\n!\nversion 15.2\nhostname R1\n!\n", "end\n"],
            _ => ["## Last commit: 2026-03-01 10:00:00 UTC by amy\nset system host-name R1\n", ""],
        };
        let file = bench.data().with_file_name("capture.txt");
        fs::write(&file, [marks[0], &text, marks[1]].concat()).unwrap();
        let file = file.to_string_lossy().into_owned();
        let Output { stdout, stderr, .. } =
            bench.run(&["-vvv", "--json", "read", "--kept", "--platform", platform, &file]).0;
        assert!(stdout.len() > text.len() / 2, "{}", String::from_utf8_lossy(&stderr));
        wrong.extend(leaks(&format!("{platform}, standard output"), &stdout, &vectors));
        wrong.extend(leaks(&format!("{platform}, log"), &stderr, &vectors));
    }
    assert!(wrong.is_empty(), "{} leaks:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_form_is_masked_and_what_is_no_secret_stays() {
    let keeper = Keeper::new(&[3; 32]);
    let mut wrong = Vec::new();
    for vector in vectors() {
        for (form, text) in forms(&vector.text) {
            let masked = keeper.mask("R1", &text);
            match &vector.secret {
                Some(secret) if masked.contains(secret.as_str()) => {
                    wrong.push(format!("{} {form}: told in {masked:?}", vector.id));
                }
                Some(_) if !masked.contains("<hidden:") => {
                    wrong.push(format!("{} {form}: nothing was hidden in {masked:?}", vector.id));
                }
                None if masked != text => wrong.push(format!("{} {form}: became {masked:?}", vector.id)),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} forms:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a login is tried with that the device refuses.
const LOGIN: &str = "Wr0ngL0ginPassword";

fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// What a terminal would have shown of the program, with its log.
fn said(output: &Output) -> Vec<u8> {
    [output.stdout.as_slice(), &output.stderr].concat()
}

/// A lab device whose services hold all vectors, read over SSH by the program
/// with its log at its loudest; then one secret changes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_scan_leaves_behind_has_no_secret() {
    let vectors = vectors();
    let bench = Bench::new();
    let mut fleet = Fleet::new(11, 2, noon());
    let name = fleet.names()[0].to_string();
    let planted = block(&vectors);
    let other = planted.replace("Publ1cEnemy", "An0therWord");
    assert_ne!(planted, other);
    fleet.machine(&name).unwrap().set_quirks(vec![Quirk::Services(planted.clone())]);
    let lab = Lab::start(&mut fleet).await.unwrap();

    let settings: Settings = toml::from_str(BUILT_IN).unwrap();
    let data = bench.data();
    let env = Env::over_ssh(data.clone(), Clock::fixed(noon()), settings.into()).unwrap();
    let known: Vec<String> = lab.host_keys().iter().map(|key| key.known_hosts_line() + "\n").collect();
    fs::write(data.join("known_hosts"), known.concat()).unwrap();
    let mut devices = fleet.inventory();
    devices[1].credential = None;
    jobs::import_devices(&env, &devices, "test", true).unwrap();
    drop(env);

    // The lab lives in this process, so the program must not be waited for on its threads.
    let mut wrong = Vec::new();
    let mut run = async |arguments: &'static [&'static str]| {
        let mut command = bench.command(arguments);
        command.env("DRIFTCAST_USERNAME", "amy").env("DRIFTCAST_PASSWORD", LOGIN);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        wrong.extend(leaks(&arguments.join(" "), &said(&output), &vectors));
        if memchr::memmem::find(&said(&output), LOGIN.as_bytes()).is_some() {
            wrong.push(format!("{arguments:?} tells the password of a login"));
        }
        output
    };
    let first = run(&["-vvv", "--json", "scan", "--all"]).await;
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(text.contains("\"complete\""), "{text}\n{}", String::from_utf8_lossy(&first.stderr));
    assert!(first.stderr.len() > 10_000, "the log is loud");
    run(&["-vvv", "nightly", "--budget", "100%"]).await;

    let kept = |run: Option<RunId>| {
        let store = Store::open(&data, std::time::Duration::from_secs(5)).unwrap();
        let id = store.devices().unwrap().into_iter().find(|d| d.device.name.as_str() == name).unwrap().id;
        (store.kept(id, run).unwrap(), store.scans(id, 9, None).unwrap())
    };
    let (before, scans) = kept(None);
    let services = before.iter().find(|part| part.section == "config services").unwrap();
    assert!(services.text.matches("<hidden:").count() > vectors.len() / 2, "{}", services.text);
    for vector in vectors.iter().filter(|vector| vector.secret.is_none()) {
        for line in vector.text.lines().map(str::trim) {
            assert!(services.text.lines().any(|kept| kept.trim() == line), "{}: {line}", vector.id);
        }
    }
    for part in &before {
        wrong.extend(leaks("kept text", part.text.as_bytes(), &vectors));
    }
    assert!(scans.iter().all(|scan| !scan.row.text_changed && !scan.row.changed));

    // Another value: the text moved once, nothing else did, and neither value is told.
    fleet.machine(&name).unwrap().set_quirks(vec![Quirk::Services(other)]);
    let mut run = async |arguments: &'static [&'static str]| {
        let mut command = bench.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        wrong.extend(leaks(&arguments.join(" "), &said(&output), &vectors));
        if memchr::memmem::find(&said(&output), b"An0therWord").is_some() {
            wrong.push(format!("{arguments:?} tells the new value"));
        }
        output
    };
    run(&["-vvv", "nightly", "--budget", "100%"]).await;
    run(&["-vvv", "nightly", "--budget", "100%"]).await;
    run(&["report"]).await;
    for query in [&["export", "scans"], &["export", "changes"], &["export", "facts"], &["export", "devices"]]
    {
        run(query).await;
    }
    run(&["--json", "diff"]).await;
    run(&["--json", "records", "export"]).await;
    let (after, scans) = kept(None);
    assert_eq!(scans.iter().filter(|scan| scan.row.text_changed).count(), 1);
    assert!(scans.iter().all(|scan| !scan.row.changed));
    let moved = |section: &str| {
        let of = |kept: &[driftcast::model::snapshot::KeptText]| {
            kept.iter().find(|part| part.section == section).unwrap().text.clone()
        };
        of(&before).lines().zip(of(&after).lines()).filter(|(old, new)| old != new).count()
    };
    assert_eq!(moved("config services"), 1);
    wrong.extend(leaks_in(&data, &vectors));
    let other =
        [Vector { id: "new".to_owned(), text: String::new(), secret: Some("An0therWord".to_owned()) }];
    wrong.extend(leaks_in(&data, &other));
    assert!(wrong.is_empty(), "{} leaks:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(fleet.violations(), []);
}

static SAID: Mutex<String> = Mutex::new(String::new());

/// A reader that puts all that it was given into its last words.
fn screams(_: &driftcast::model::Scope, sections: &[Captured], _: Rules) -> Reading {
    let text: Vec<&str> = sections.iter().map(|section| section.text.as_str()).collect();
    *SAID.lock().unwrap() = text.concat();
    panic!("{}", text.concat())
}

#[test]
fn a_reader_that_panics_has_seen_no_secret() {
    let dnos = by_name("drivenets_dnos").unwrap();
    let loud: &'static Platform = Box::leak(Box::new(Platform {
        name: dnos.name,
        title: dnos.title,
        channel: dnos.channel,
        on_open: dnos.on_open,
        commands: dnos.commands,
        prompt: dnos.prompt,
        pagers: dnos.pagers,
        questions: dnos.questions,
        vlan_objects: dnos.vlan_objects,
        volatile: dnos.volatile,
        notices: dnos.notices,
        told: dnos.told,
        netconf: dnos.netconf,
        read: screams,
        echo: dnos.echo,
        typed: dnos.typed,
        opens: dnos.opens,
        refine: dnos.refine,
    }));
    let vectors = vectors();
    let text = format!("# R1 config-start [01-Mar-2026 18:52:00 UTC]\n{}# R1 config-end\n", block(&vectors));
    let keeper = Keeper::new(&[3; 32]);
    let panicked = std::panic::catch_unwind(|| read_text(loud, text.as_bytes(), None, &keeper));
    let payload = panicked.unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("<hidden:") && *message == *SAID.lock().unwrap());
    assert_eq!(leaks("panic", message.as_bytes(), &vectors), Vec::<String>::new());
}
