//! Junos: three forms of one configuration, what a live session concludes, and
//! cuts. The recordings themselves are checked with those of all platforms.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use driftcast::model::{Fact, Outcome, Scope};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{Captured, Ending, Platform, Reading, Rules, by_name};

fn junos() -> &'static Platform {
    by_name("juniper_junos").unwrap()
}

fn bytes_of(case: &str) -> Vec<u8> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices/juniper_junos").join(case);
    fs::read(case.join("session.txt")).or_else(|_| fs::read(case.join("input.txt"))).unwrap()
}

/// As a live session would have it: the outputs of one login, all signs demanded.
fn live(scope: &Scope, bytes: &[u8]) -> Reading {
    let text = settle(bytes).text;
    (junos().read)(scope, &sections(junos(), &text, None), Rules::Live)
}

/// The facts of a reading, without what only a table shows.
fn configured(reading: Reading) -> Vec<Fact> {
    let mut snapshot = reading.into_snapshot("x", junos(), Scope::Device, None);
    let mut facts = snapshot.take_facts();
    facts.retain(Fact::is_configured);
    for fact in &mut facts {
        if let Fact::Interface(port) = fact {
            port.oper = None;
        }
    }
    facts
}

/// A reply as the NETCONF transport hands it over.
fn reply(text: &str) -> Captured {
    Captured {
        section: junos().netconf.unwrap().section.to_owned(),
        command: String::new(),
        // The recording is of somebody else's second question.
        text: text.replace("message-id=\"2\"", "message-id=\"1\""),
        prompt: None,
        ended: Ending::Reply,
    }
}

#[test]
fn blocks_lines_and_elements_say_the_same() {
    let facts = |case: &str| {
        let text = settle(&bytes_of(case)).text;
        let reading = (junos().read)(&Scope::Device, &sections(junos(), &text, None), Rules::Offline);
        // Only elements close what they open; blocks and lines may end anywhere.
        let whole = (case == "three_forms_xml").then_some((Outcome::Complete, None));
        let expected = whole.unwrap_or((Outcome::Incomplete, Some("end-unknown")));
        assert_eq!((reading.outcome, reading.detail.as_deref()), expected, "{case}");
        assert_eq!(reading.lines.unread, 0, "{case}: {:?}", reading.unread);
        configured(reading)
    };
    let curly = facts("three_forms_curly");
    assert!(curly.len() > 30);
    assert_eq!(curly, facts("three_forms_set"));
    assert_eq!(curly, facts("three_forms_xml"));
    assert_eq!(curly, configured(live(&Scope::Device, &bytes_of("pe_session"))));
    let text = String::from_utf8(bytes_of("three_forms_xml")).unwrap();
    let netconf = (junos().read)(&Scope::Device, &[reply(&text)], Rules::Live);
    assert_eq!(netconf.outcome, Outcome::Complete);
    assert_eq!(netconf.commits[0].user, "deploy");
    assert_eq!(curly, configured(netconf));
    // The answer to another question is none.
    let other = Captured { text: text.clone(), ..reply("") };
    let other = (junos().read)(&Scope::Device, &[other], Rules::Live);
    assert_eq!((other.outcome, other.detail.as_deref()), (Outcome::Incomplete, Some("reply")));
    // A secret that was masked is still XML.
    let masked = Keeper::new(&[1; 32]).mask("x", &text).into_owned();
    assert!(masked.contains("<hidden:"));
    assert_eq!(curly, configured((junos().read)(&Scope::Device, &[reply(&masked)], Rules::Live)));
}

#[test]
fn live_verdicts() {
    let interface = |name: &str| Scope::Interface(name.to_owned());
    for (case, scope, outcome, detail) in [
        ("pe_session", Scope::Device, Outcome::Complete, None),
        ("one_interface", interface("ge-0/0/2.201"), Outcome::Complete, None),
        ("absent_interface", interface("ge-0/0/2.77"), Outcome::Complete, None),
        ("one_bridge_domain", Scope::BridgeDomain("bd400".to_owned()), Outcome::Complete, None),
        ("one_bridge_domain", Scope::BridgeDomain("bd401".to_owned()), Outcome::Complete, None),
        ("refused", Scope::Device, Outcome::Refused, Some("unknown-word")),
        ("insufficient_rights", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("wrong_name", Scope::Device, Outcome::WrongDevice, Some("other-system")),
        ("commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        ("unit_missing", Scope::Device, Outcome::Incomplete, Some("config-missing")),
        ("row_missing", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        ("noise", Scope::Device, Outcome::Incomplete, Some("noise")),
        ("pager", Scope::Device, Outcome::Incomplete, Some("pager")),
        ("line_lost", Scope::Device, Outcome::Incomplete, Some("unbalanced")),
        ("three_forms_curly", Scope::Device, Outcome::Incomplete, Some("section-missing")),
        ("not_a_configuration", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("not_junos", Scope::Device, Outcome::Unread, None),
    ] {
        let reading = live(&scope, &bytes_of(case));
        assert_eq!((reading.outcome, reading.detail.as_deref()), (outcome, detail), "{case}");
        if !outcome.is_complete() {
            continue;
        }
        let text = settle(&bytes_of(case)).text;
        let change = |f: fn(&mut Captured)| {
            let mut sections = sections(junos(), &text, None);
            f(sections.last_mut().unwrap());
            (junos().read)(&scope, &sections, Rules::Live).outcome
        };
        assert_ne!(change(|c| c.ended = Ending::Unseen), Outcome::Complete, "{case}");
        assert_ne!(change(|c| c.prompt = Some("another".to_owned())), Outcome::Complete, "{case}");
        assert_ne!(change(|c| c.ended = Ending::Exit(1)), Outcome::Complete, "{case}");
        assert_eq!(change(|c| c.ended = Ending::Exit(0)), Outcome::Complete, "{case}");
    }
}

/// Drop the line, the connection or the last bytes: it is never `complete`.
#[test]
fn a_cut_recording_is_never_complete() {
    let bytes = bytes_of("pe_session");
    let text = String::from_utf8(bytes_of("three_forms_xml")).unwrap();
    let cuts = |text: &[u8]| {
        let ends = text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        let all: Vec<usize> = ends.chain((0..text.len()).step_by(17)).collect();
        all
    };
    for cut in cuts(&bytes[..bytes.len() - 1]) {
        assert!(!live(&Scope::Device, &bytes[..cut]).outcome.is_complete(), "cut at byte {cut}");
    }
    let whole = text.trim_end().len();
    for cut in cuts(&text.as_bytes()[..whole]).into_iter().filter(|cut| *cut < whole) {
        let reading = (junos().read)(&Scope::Device, &[reply(&text[..cut])], Rules::Live);
        assert!(!reading.outcome.is_complete(), "cut at byte {cut}");
    }
}

/// The configuration alone is cut, and everything behind it is there: a line
/// that is lost shows itself in the form, in the table or not at all.
#[test]
fn a_cut_configuration_shows_where_the_table_knows_more() {
    let text = settle(&bytes_of("pe_session")).text;
    let whole = sections(junos(), &text, None);
    let at = whole.iter().position(|c| c.section == "config").unwrap();
    let config = whole[at].text.clone();
    let (mut silent, mut cuts) = (0, 0);
    for (end, _) in config.match_indices('\n').filter(|(end, _)| config[..*end].contains("interfaces {")) {
        let mut cut = whole.clone();
        cut[at].text.truncate(end + 1);
        cuts += 1;
        silent += usize::from((junos().read)(&Scope::Device, &cut, Rules::Live).outcome.is_complete());
    }
    // Between two top-level hierarchies behind the interfaces nothing is torn.
    assert!(silent <= 8 && cuts > 200, "{silent} of {cuts}");
}

#[test]
fn noise_is_no_change() {
    let text = String::from_utf8(bytes_of("pe_session")).unwrap();
    let facts = |text: &str| configured(live(&Scope::Device, text.as_bytes()));
    let other = text
        .replace("2026-11-20 08:14:33", "2026-11-23 09:00:00")
        .replace("{master}", "{backup}")
        .replace("[ 10-20 5 30 ]", "[ 30 5 10-20 ]")
        .replace("[ 300-310 320 ]", "[ 320 300-310 ]")
        .replace("notARealHash", "someOtherHash");
    assert_ne!(text, other);
    assert_eq!(facts(&text), facts(&other));
    let keeper = Keeper::new(&[1; 32]);
    let kept = |text: &str| keeper.kept(junos(), "pe-fra-1", "config", text).text;
    let head = |date: &str| format!("## Last commit: {date} UTC by amy\nversion 22.4R3;\n{{master}}\n");
    assert_eq!(kept(&head("2026-11-20 08:14:33")), kept(&head("2026-11-21 00:00:00")));
}

#[test]
fn no_secret_reaches_a_snapshot() {
    let snapshots = read_text(junos(), &bytes_of("pe_session"), None, &Keeper::new(&[1; 32]));
    let text = serde_json::to_string(&snapshots).unwrap();
    assert!(!text.contains("$6$") && !text.contains("not-a-real-one") && text.contains("<hidden:"));
}

#[test]
fn a_text_made_to_be_deep_is_no_danger() {
    for text in [
        "a {\n".repeat(100_000),
        format!("<rpc-reply><configuration>{}", "<a>".repeat(100_000)),
        format!(
            "<rpc-reply><configuration>{}{}</configuration></rpc-reply>",
            "<a>".repeat(50_000),
            "</a>".repeat(50_000)
        ),
    ] {
        let reading = (junos().read)(&Scope::Device, &[reply(&text)], Rules::Live);
        assert!(!reading.outcome.is_complete());
    }
}
