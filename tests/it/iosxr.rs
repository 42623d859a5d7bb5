//! IOS-XR over NETCONF: the native models against the command line of the same
//! device, what is refused, what is unread, and cuts. The recordings themselves
//! are checked with those of all platforms.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use driftcast::model::{Encapsulation, Fact, Outcome, Scope};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{Captured, Ending, Platform, Reading, Rules, by_name};

fn xr() -> &'static Platform {
    by_name("cisco_iosxr").unwrap()
}

fn text_of(case: &str) -> String {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices/cisco_iosxr").join(case);
    let bytes = fs::read(case.join("session.txt")).or_else(|_| fs::read(case.join("input.txt"))).unwrap();
    settle(&bytes).text
}

/// A reply as the NETCONF transport hands it over.
fn live(text: &str) -> Reading {
    let reply = Captured {
        section: xr().netconf.unwrap().section.to_owned(),
        command: "get-config running".to_owned(),
        text: text.to_owned(),
        prompt: None,
        ended: Ending::Reply,
    };
    (xr().read)(&Scope::Device, &[reply], Rules::Live)
}

/// A configuration of the command line, alone.
fn typed(text: &str) -> Reading {
    let mut parts = sections(xr(), text, None);
    parts.retain(|part| part.section == "config");
    assert_eq!(parts.len(), 1);
    (xr().read)(&Scope::Device, &parts, Rules::Offline)
}

fn facts(reading: Reading) -> Vec<Fact> {
    reading.into_snapshot("x", xr(), Scope::Device, None).take_facts()
}

fn verdict(reading: &Reading) -> (Outcome, Option<&str>) {
    (reading.outcome, reading.detail.as_deref())
}

/// One sub-interface in a reply, with that inside of it.
fn one(inside: &str) -> String {
    format!(
        "<rpc-reply message-id=\"1\" xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><data>\
         <interface-configurations xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-ifmgr-cfg\">\
         <interface-configuration><active>act</active><interface-name>TenGigE0/0/0/3.7</interface-name>{inside}\
         </interface-configuration></interface-configurations></data></rpc-reply>"
    )
}

#[test]
fn the_native_models_say_what_the_command_line_says() {
    let cli = facts(typed(&text_of("edge_session")));
    assert!(cli.len() > 20);
    let text = text_of("native_reply");
    let reading = live(&text);
    assert_eq!(verdict(&reading), (Outcome::Complete, None), "{:?}", reading.unread);
    assert_eq!((reading.system.as_deref(), reading.lines.unread), (Some("edge-1"), 0));
    assert_eq!(facts(reading), cli);
    // Younger models and other features beside it are not read, and counted.
    assert!(live(&text).lines.ignored > 50);
    // A secret that was masked is still XML.
    let masked = Keeper::new(&[1; 32]).mask("edge-1", &text).into_owned();
    assert!(masked.contains("<hidden:") && !masked.contains("$6$") && !masked.contains("094F471A1A0A"));
    assert_eq!(facts(live(&masked)), cli);
    // On one line, as some servers write it, and as a tool keeps it.
    let flat: String = text.lines().map(str::trim).collect();
    assert_eq!(facts(live(&flat)), cli);
    let data = &text[text.find(" <data>").unwrap()..text.find("</rpc-reply>").unwrap()];
    let kept = read_text(xr(), data.as_bytes(), None, &Keeper::new(&[1; 32]));
    assert_eq!((kept.len(), kept[0].outcome), (1, Outcome::Complete));
    assert_eq!(kept.into_iter().next().unwrap().take_facts(), cli);
}

#[test]
fn no_secret_reaches_a_snapshot() {
    let snapshots = read_text(xr(), text_of("native_reply").as_bytes(), None, &Keeper::new(&[1; 32]));
    let text = serde_json::to_string(&snapshots).unwrap();
    assert!(!text.contains("$6$") && !text.contains("094F471A1A0A") && text.contains("<hidden:"));
}

/// Which frames an interface takes, in both forms. An empty second column is a
/// value that nobody understands: a finding, and never another fact.
#[test]
fn frames_in_both_forms() {
    let leaves = |pairs: &str| {
        let mut xml = String::new();
        for pair in pairs.split_ascii_whitespace() {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            let _ = write!(xml, "<{name}>{text}</{name}>");
        }
        xml
    };
    let service = |pairs: &str| {
        format!(
            "<interface-mode-non-physical>l2-transport</interface-mode-non-physical><ethernet-service \
             xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-l2-eth-infra-cfg\"><encapsulation>{}\
             </encapsulation></ethernet-service>",
            leaves(pairs)
        )
    };
    let routed = |pairs: &str| {
        format!(
            "<interface-mode-non-physical>default</interface-mode-non-physical><vlan-sub-configuration \
             xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-l2-eth-infra-cfg\"><vlan-identifier>{}\
             </vlan-identifier></vlan-sub-configuration>",
            leaves(pairs)
        )
    };
    let in_cli = |mode: &str, words: &str| -> Encapsulation {
        let text = format!(
            "!! IOS XR Configuration 7.3.2\n!\ninterface TenGigE0/0/0/3.7{mode}\n encapsulation {words}\n!\nend\n"
        );
        let reading = typed(&text);
        assert!(reading.outcome.is_complete(), "{words}: {:?}", reading.detail);
        reading.interfaces[0].encapsulation.clone()
    };
    for (pairs, words) in [
        ("outer-tag-type=match-dot1q outer-range1-low=7", "dot1q 7"),
        ("outer-tag-type=match-dot1q outer-range1-low=7 exact", "dot1q 7 exact"),
        ("outer-tag-type=match-dot1ad outer-range1-low=7", "dot1ad 7"),
        ("outer-tag-type=match-dot1q outer-range1-low=any", "dot1q any"),
        (
            "outer-tag-type=match-dot1q outer-range1-low=7 outer-range1-high=9 additional-range1-low=3 \
             additional-range2-low=20 additional-range2-high=22",
            "dot1q 3,7-9,20-22",
        ),
        (
            "outer-tag-type=match-dot1q outer-range1-low=7 inner-tag-type=match-dot1q inner-range1-low=8",
            "dot1q 7 second-dot1q 8",
        ),
        (
            "outer-tag-type=match-dot1ad outer-range1-low=7 inner-tag-type=match-dot1q inner-range1-low=8 \
             inner-range1-high=9 additional-range1-low=30",
            "dot1ad 7 dot1q 8-9,30",
        ),
        ("outer-tag-type=match-untagged", "untagged"),
        ("outer-tag-type=match-default", "default"),
        ("outer-tag-type=match-dot1q-priority", "priority-tagged"),
        ("outer-tag-type=match-dot1q", ""),
        ("outer-range1-low=7", ""),
        ("outer-tag-type=match-dot1q outer-range1-high=7", ""),
        ("outer-tag-type=match-dot1q outer-range1-low=seven", ""),
        ("outer-tag-type=match-dot1q outer-range1-low=7 inner-range1-low=8", ""),
        ("outer-tag-type=match-dot1q outer-range1-low=7 additional-range1-high=8", ""),
        ("outer-tag-type=match-dot1q outer-range1-low=7 inner-tag-type=match-dot1ad inner-range1-low=8", ""),
        ("outer-tag-type=match-untagged outer-range1-low=7", ""),
        ("outer-tag-type=match-other outer-range1-low=7", ""),
        ("outer-tag-type=match-dot1q outer-range1-low=7 extended-list=9-11", ""),
    ] {
        let reading = live(&one(&service(pairs)));
        if words.is_empty() {
            assert_eq!(verdict(&reading), (Outcome::Incomplete, Some("value-unread")), "{pairs}");
            assert_eq!(reading.interfaces[0].encapsulation, Encapsulation::default(), "{pairs}");
            continue;
        }
        assert_eq!(verdict(&reading), (Outcome::Complete, None), "{pairs}");
        assert!(reading.interfaces[0].l2);
        assert_eq!(reading.interfaces[0].encapsulation, in_cli(" l2transport", words), "{pairs}");
    }
    for (pairs, words) in [
        ("vlan-type=vlan-type-dot1q first-tag=7", "dot1q 7"),
        ("vlan-type=vlan-type-dot1q first-tag=7 second-tag=8", "dot1q 7 second-dot1q 8"),
        ("vlan-type=vlan-type-dot1ad first-tag=7 second-tag=8", "dot1ad 7 dot1q 8"),
        ("vlan-type=vlan-type-dot1q", ""),
        ("vlan-type=vlan-type-dot1q first-tag=native", ""),
        ("first-tag=7", ""),
    ] {
        let reading = live(&one(&routed(pairs)));
        if words.is_empty() {
            assert_eq!(verdict(&reading), (Outcome::Incomplete, Some("value-unread")), "{pairs}");
            continue;
        }
        assert!(!reading.interfaces[0].l2 && reading.outcome.is_complete(), "{pairs}");
        assert_eq!(reading.interfaces[0].encapsulation, in_cli("", words), "{pairs}");
    }
}

/// An element that we do not know is unread where it stands, and nowhere lost.
#[test]
fn what_is_not_known_is_unread() {
    let reading = live(&text_of("native_unknown"));
    assert_eq!(verdict(&reading), (Outcome::Incomplete, Some("value-unread")));
    let unread: Vec<&str> = reading.unread.iter().map(|unread| unread.text.as_str()).collect();
    assert_eq!(
        unread,
        [
            "<colour>blue</colour>",
            "<extended-range>9-11</extended-range>",
            "<weather>fine</weather>",
            "<future-table>",
            "<entry>1</entry>",
            "</future-table>"
        ]
    );
    // A new word that changes no fact of ours is no reason to doubt the facts;
    // one of another module's is outside of them.
    let reading = live(&one("\n<colour>blue</colour>\n<paint xmlns=\"urn:x\"><a>1</a></paint>\n"));
    assert_eq!((verdict(&reading), reading.lines.unread), ((Outcome::Complete, None), 1));
    for wrong in [
        "<mtus><mtu><owner>GigabitEthernet</owner><mtu>big</mtu></mtu></mtus>",
        "<mtus><mtu><owner>a</owner><mtu>1500</mtu></mtu><mtu><owner>b</owner><mtu>1600</mtu></mtu></mtus>",
        "<interface-mode-non-physical>l3-transport</interface-mode-non-physical>",
        "<bundle-member xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-bundlemgr-cfg\"><id/></bundle-member>",
        "<vrf xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-infra-rsi-cfg\"/>",
        "<vlan-trunk-configuration xmlns=\"http://cisco.com/ns/yang/Cisco-IOS-XR-l2-eth-infra-cfg\">\
         <tunneling-ethertype>x</tunneling-ethertype></vlan-trunk-configuration>",
    ] {
        assert_eq!(verdict(&live(&one(wrong))), (Outcome::Incomplete, Some("value-unread")), "{wrong}");
    }
}

#[test]
fn replies_that_are_none() {
    let text = text_of("native_reply");
    let error = text_of("native_error");
    let denied = error.replace("unknown-namespace", "access-denied");
    let beside = text.replace(
        "<data>",
        &(error[error.find("<rpc-error>").unwrap()..].replace("</rpc-reply>", "") + "<data>"),
    );
    let doctype = text.replacen("<rpc-reply", "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<rpc-reply", 1);
    let empty =
        "<rpc-reply message-id=\"1\" xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><data/></rpc-reply>";
    let incomplete = |detail| (Outcome::Incomplete, Some(detail));
    for (what, text, expected) in [
        ("another question's", text.replace("message-id=\"1\"", "message-id=\"2\""), incomplete("reply")),
        ("no number", text.replace(" message-id=\"1\"", ""), incomplete("reply")),
        ("no data", text.replace("data>", "ok>"), incomplete("reply")),
        ("a document type", doctype, incomplete("malformed")),
        ("nothing in it", empty.to_owned(), incomplete("empty")),
        ("no interfaces", text.replace("ifmgr-cfg", "ifmgr2-cfg"), incomplete("empty")),
        ("a payload", text_of("native_payload"), incomplete("patch")),
        ("an error", error, (Outcome::Refused, Some("command-error"))),
        ("no rights", denied, (Outcome::Refused, Some("insufficient-rights"))),
        ("an error beside data", beside, (Outcome::Refused, Some("command-error"))),
    ] {
        let reading = live(&text);
        assert_eq!(verdict(&reading), expected, "{what}");
    }
    // Junos answers in the same envelope.
    let junos =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices/juniper_junos/three_forms_xml/input.txt");
    let snapshots = read_text(xr(), &fs::read(junos).unwrap(), None, &Keeper::new(&[1; 32]));
    assert!(snapshots.iter().all(|snapshot| snapshot.outcome == Outcome::Unread));
}

/// Cut at every line and at a thousand other bytes: it is never `complete`.
#[test]
fn a_cut_reply_is_never_complete() {
    let text = text_of("native_reply");
    let whole = text.trim_ascii_end().len();
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    // Spread over the text, and never in step with its lines.
    let some = (1..=1_000_usize).map(|n| n.wrapping_mul(0x9e37_79b9) % whole);
    for cut in ends.chain(some).filter(|cut| *cut < whole) {
        let reading = live(&text[..cut]);
        assert!(!reading.outcome.is_complete(), "cut at byte {cut}");
    }
    assert!(live(&text[..whole]).outcome.is_complete());
}

#[test]
fn a_reply_of_another_device_is_noticed() {
    let reply = |text: &str| Captured {
        section: "config".to_owned(),
        command: String::new(),
        text: text.to_owned(),
        prompt: None,
        ended: Ending::Reply,
    };
    let text = text_of("native_reply");
    let other = text.replace("edge-1", "edge-2");
    let reading = (xr().read)(&Scope::Device, &[reply(&text), reply(&other)], Rules::Live);
    assert_eq!(verdict(&reading), (Outcome::WrongDevice, Some("other-system")));
}

#[test]
fn a_reply_made_to_be_deep_is_no_danger() {
    let (open, close) = ("<a>".repeat(50_000), "</a>".repeat(50_000));
    for text in [one(&open), one(&format!("{open}{close}")), format!("<rpc-reply>{open}")] {
        live(&text);
    }
}
