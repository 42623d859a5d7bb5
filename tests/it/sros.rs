//! SR OS: both CLIs say the same, what a live session concludes, and cuts. The
//! recordings themselves are checked with those of all platforms.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use driftcast::model::{Fact, Outcome, Scope};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{Captured, Ending, Platform, Reading, Rules, by_name};

fn sros() -> &'static Platform {
    by_name("nokia_sros").unwrap()
}

fn bytes_of(case: &str) -> Vec<u8> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices/nokia_sros").join(case);
    fs::read(case.join("session.txt")).or_else(|_| fs::read(case.join("input.txt"))).unwrap()
}

/// As a live session would have it: the outputs of one login, all signs demanded.
fn live(scope: &Scope, bytes: &[u8]) -> Reading {
    let text = settle(bytes).text;
    (sros().read)(scope, &sections(sros(), &text, None), Rules::Live)
}

/// The facts of a reading, without what only a table shows.
fn configured(reading: Reading) -> Vec<Fact> {
    let mut snapshot = reading.into_snapshot("x", sros(), Scope::Device, None);
    let mut facts = snapshot.take_facts();
    facts.retain(Fact::is_configured);
    for fact in &mut facts {
        if let Fact::Interface(port) = fact {
            (port.oper, port.mtu) = (None, None);
            port.as_printed.clear();
        }
    }
    facts
}

#[test]
fn both_clis_say_the_same() {
    let facts = |case: &str| {
        let text = settle(&bytes_of(case)).text;
        let reading = (sros().read)(&Scope::Device, &sections(sros(), &text, None), Rules::Offline);
        // Single lines have no last one.
        let flat = (case == "model_flat").then_some((Outcome::Incomplete, Some("end-unknown")));
        let expected = flat.unwrap_or((Outcome::Complete, None));
        assert_eq!((reading.outcome, reading.detail.as_deref()), expected, "{case}");
        assert_eq!(reading.lines.unread, 0, "{case}: {:?}", reading.unread);
        configured(reading)
    };
    let classic = facts("classic_file");
    assert!(classic.len() > 20);
    assert_eq!(classic, facts("model_file"));
    assert_eq!(classic, facts("model_flat"));
    assert_eq!(classic, configured(live(&Scope::Device, &bytes_of("classic_session"))));
    assert_eq!(classic, configured(live(&Scope::Device, &bytes_of("model_session"))));
}

#[test]
fn live_verdicts() {
    let office = || Scope::BridgeDomain("office".to_owned());
    for (case, scope, outcome, detail) in [
        ("classic_session", Scope::Device, Outcome::Complete, None),
        ("model_session", Scope::Device, Outcome::Complete, None),
        ("one_bridge_domain", office(), Outcome::Complete, None),
        ("one_bridge_domain", Scope::BridgeDomain("none".to_owned()), Outcome::Complete, None),
        ("refused", Scope::Device, Outcome::Refused, Some("unknown-word")),
        ("insufficient_rights", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("wrong_name", Scope::Device, Outcome::WrongDevice, Some("other-system")),
        ("commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        ("sap_missing", Scope::Device, Outcome::Incomplete, Some("config-missing")),
        ("row_missing", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        ("count_wrong", Scope::Device, Outcome::Incomplete, Some("torn")),
        ("noise", Scope::Device, Outcome::Incomplete, Some("noise")),
        ("pager", Scope::Device, Outcome::Incomplete, Some("pager")),
        ("exit_lost", Scope::Device, Outcome::Incomplete, Some("unbalanced")),
        ("brace_lost", Scope::Device, Outcome::Incomplete, Some("unbalanced")),
        ("no_finish", Scope::Device, Outcome::Incomplete, Some("no-end-mark")),
        ("classic_file", Scope::Device, Outcome::Incomplete, Some("section-missing")),
        ("not_sros", Scope::Device, Outcome::Unread, None),
    ] {
        let reading = live(&scope, &bytes_of(case));
        assert_eq!((reading.outcome, reading.detail.as_deref()), (outcome, detail), "{case}");
        if !outcome.is_complete() {
            continue;
        }
        let text = settle(&bytes_of(case)).text;
        let change = |f: fn(&mut Captured)| {
            let mut sections = sections(sros(), &text, None);
            f(sections.last_mut().unwrap());
            (sros().read)(&scope, &sections, Rules::Live).outcome
        };
        assert_ne!(change(|c| c.ended = Ending::Unseen), Outcome::Complete, "{case}");
        assert_ne!(change(|c| c.prompt = Some("another".to_owned())), Outcome::Complete, "{case}");
    }
}

/// Drop the line, the connection or the last bytes: it is never `complete`.
#[test]
fn a_cut_recording_is_never_complete() {
    for case in ["classic_session", "model_session"] {
        let bytes = bytes_of(case);
        let end = bytes.len() - 1;
        let lines = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        for cut in lines.chain((0..end).step_by(19)) {
            assert!(!live(&Scope::Device, &bytes[..cut]).outcome.is_complete(), "{case} cut at byte {cut}");
        }
    }
}

/// The configuration alone is cut, and everything behind it is there. Files
/// with their last remark are known to be cut as well.
#[test]
fn a_cut_configuration_is_never_complete() {
    for (case, section) in [("classic_session", "config classic"), ("model_session", "config")] {
        let text = settle(&bytes_of(case)).text;
        let whole = sections(sros(), &text, None);
        let at = whole.iter().position(|c| c.section == section && c.text.len() > 500).unwrap();
        let config = whole[at].text.clone();
        let end = config.rfind("# Finished").unwrap();
        for cut in (0..end).step_by(23).chain(config[..end].match_indices('\n').map(|(at, _)| at + 1)) {
            let mut sections = whole.clone();
            sections[at].text.truncate(cut);
            let verdict = (sros().read)(&Scope::Device, &sections, Rules::Live).outcome;
            assert!(!verdict.is_complete(), "{case} cut at byte {cut}");
            let file = Captured { ended: Ending::Unseen, prompt: None, ..sections[at].clone() };
            let verdict = (sros().read)(&Scope::Device, &[file], Rules::Offline).outcome;
            // Before the date there is nothing of a configuration yet.
            assert!(!verdict.is_complete(), "{case} as a file, cut at byte {cut}");
        }
    }
}

#[test]
fn noise_is_no_change() {
    let text = String::from_utf8(bytes_of("model_session")).unwrap();
    let facts = |text: &str| configured(live(&Scope::Device, text.as_bytes()));
    let other = text
        .replace("2026-11-20T08:20", "2026-11-23T09:11")
        .replace("41 days, 20:31:42.18", "44 days, 01:00:00.00")
        .replace("NotARealHash", "AnotherHash0")
        .replace("if-index 2", "if-index 3");
    assert_ne!(text, other);
    assert_eq!(facts(&text), facts(&other));
    let keeper = Keeper::new(&[1; 32]);
    let kept = |text: &str| keeper.kept(sros(), "pe", "config", text).text;
    let head =
        |date: &str| format!("# Generated {date} by scan\nconfigure {{\n}}\n# Finished {date}\n\n[/]\n");
    assert_eq!(kept(&head("2026-11-20T08:20")), kept(&head("2026-11-21T00:00")));
}

#[test]
fn no_secret_reaches_a_snapshot() {
    for case in ["classic_session", "model_session"] {
        let snapshots = read_text(sros(), &bytes_of(case), None, &Keeper::new(&[1; 32]));
        let text = serde_json::to_string(&snapshots).unwrap();
        assert!(!text.contains("$2y$") && text.contains("<hidden:"), "{case}");
    }
}
