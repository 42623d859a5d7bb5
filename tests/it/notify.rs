//! Notifications over a store: a baseline, news once, what did not arrive with
//! the next message, figures that are never reset; and signals in the store.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use driftcast::clock::Clock;
use driftcast::config::{self, Settings, Surroundings};
use driftcast::device::{Fetch, Fetching};
use driftcast::jobs::{self, Env};
use driftcast::model::{Device, DeviceName, Heard, LogSignal, RunKind, Scope};
use driftcast::platform::Platform;
use driftcast::store::Store;
use serde_json::json;

struct Nobody;

impl Fetch for Nobody {
    fn fetch<'a>(&'a self, _: &'a Device, _: &'static Platform, _: &'a Scope) -> Fetching<'a> {
        Box::pin(async { unreachable!("no device is read here") })
    }
}

fn settings(folder: &Path, text: &str) -> Result<Settings, String> {
    let file = folder.join("settings.toml");
    fs::write(&file, text).unwrap();
    let around = Surroundings { file: Some(&file), folder, variable: &|_| None, flags: &[] };
    config::load(&around).map(|loaded| loaded.settings).map_err(|error| error.to_string())
}

fn at(day: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 1, 2, 0, 0).unwrap() + TimeDelta::days(day)
}

fn env(folder: &Path, text: &str, day: i64) -> Env {
    let settings = Arc::new(settings(folder, text).unwrap());
    Env::with_fetch(folder.join("data"), Clock::fixed(at(day)), settings, Arc::new(Nobody)).unwrap()
}

/// A nightly run that was over a minute after it began.
fn run(env: &Env, outcome: &str) -> i64 {
    let store = env.store().unwrap();
    let now = env.clock.now();
    let run = store.start_run(RunKind::Nightly, now - TimeDelta::minutes(1), None, &json!({})).unwrap();
    store.finish_run(run, now, outcome, &json!({})).unwrap();
    run
}

fn heard(socket: &TcpListener) -> String {
    let mut text = String::new();
    socket.accept().unwrap().0.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_baseline_then_news_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let figures = folder.path().join("driftcast.prom");
    let text = format!(
        r#"
            [notify]
            timeout_seconds = 1
            textfile = "{}"
            [[notify.syslog]]
            name = "log"
            server = "{}"
            over = "tcp"
            [[notify.webhook]]
            name = "hangs"
            url = "https://127.0.0.1:{}/hook"
            allow = ["127.0.0.1"]
        "#,
        figures.display(),
        log.local_addr().unwrap(),
        hangs.local_addr().unwrap().port()
    );
    let tell = |day, outcome: &str| {
        let env = env(folder.path(), &text, day);
        let id = run(&env, outcome);
        let begun = Instant::now();
        let told = jobs::notify(&env, Some(id));
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for who hangs");
        told
    };
    let told = tell(0, "complete");
    let failed: Vec<(&str, bool)> =
        told.iter().map(|one| (one.channel.as_str(), one.failure.is_some())).collect();
    assert_eq!(failed, [("textfile", false), ("webhook/hangs", true), ("syslog/log", false)]);
    assert!(heard(&log).contains("alerts are switched on (run 1 complete)"));
    let success = format!("driftcast_last_success_timestamp_seconds {}\n", at(0).timestamp());
    assert!(fs::read_to_string(&figures).unwrap().contains(&success));

    // A night that read nobody is told, and the last success stays.
    tell(1, "failed");
    let message = heard(&log);
    assert!(message.contains("1 runs that did not happen (run 2 failed)"), "{message}");
    assert!(message.contains("run/2"), "{message}");
    let text_of_figures = fs::read_to_string(&figures).unwrap();
    assert!(text_of_figures.contains(&success), "{text_of_figures}");
    assert!(text_of_figures.contains("driftcast_last_run_outcome{outcome=\"failed\"} 1"));

    // Nothing is told twice.
    let told = tell(2, "complete");
    assert!(told.iter().all(|one| one.channel != "syslog/log"), "{told:?}");
    let channels = jobs::notify_channels(&env(folder.path(), &text, 2)).unwrap();
    let hangs = channels.iter().find(|state| state.newest.channel == "webhook/hangs").unwrap();
    assert_eq!((hangs.failures, hangs.last_good), (3, None));
    // `doctor` says so.
    let checks = jobs::examine(&env(folder.path(), &text, 2));
    assert!(checks.iter().any(|check| check.found.contains("webhook/hangs was not told 3 times")));
}

#[test]
fn what_is_wrong_in_the_configuration_is_told_by_line() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("[[notify.webhook]]\nname = \"a\"\nurl = \"http://e.net/\"\n", "is not https"),
        ("[syslog]\nlisten = \"5514\"\n", "no address and port"),
        (
            "[[notify.mail]]\nname = \"a\"\nserver = \"m\"\nfrom = \"x\"\nto = [\"a@b.c\"]\n",
            "no mail address",
        ),
        ("[[notify.webhook]]\nname = \"a\"\nsecret = \"s\"\n", "unknown field `secret`"),
    ] {
        let error = settings(folder.path(), text).unwrap_err();
        assert!(error.contains(says) && error.contains("settings.toml:"), "{error}");
    }
}

#[test]
fn signals_are_kept_and_lead_to_a_scan_where_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let env = env(folder.path(), "[syslog]\nrequest_scan = true\n", 0);
    let device = Device {
        name: DeviceName::new("sw1").unwrap(),
        address: "192.0.2.1".to_owned(),
        port: 22,
        platform: "arista_eos".to_owned(),
        role: String::new(),
        site: String::new(),
        importance: 1.0,
        tags: Vec::new(),
        jump: None,
        credential: None,
    };
    env.store().unwrap().import_devices(&[device], "test", at(0), "test", true).unwrap();
    let id = env.store().unwrap().devices().unwrap()[0].id;
    let signal = LogSignal {
        device_id: id,
        at: at(0),
        who: Some("amy".to_owned()),
        via: Some("cli".to_owned()),
        lines: 3,
    };
    let news = Heard { lines: 9, signals: 3, kernel_drops: 2, ..Heard::default() };
    for _ in 0..2 {
        jobs::keep_signals(&env, std::slice::from_ref(&signal), &news).unwrap();
    }
    let store: Store = env.store().unwrap();
    assert_eq!(store.signals(at(-1)).unwrap(), [signal.clone(), signal]);
    let waiting = store.requests().unwrap();
    assert_eq!(waiting.len(), 1, "one open request a device");
    assert_eq!(waiting[0].why, "its log says that it was changed by amy");
    drop(store);
    let lately = jobs::heard_lately(&env).unwrap().unwrap();
    assert_eq!((lately.heard.lines, lately.heard.kernel_drops), (18, 4));
}
