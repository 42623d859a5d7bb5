//! What is IOS's and IOS-XR's own.

use driftcast::model::snapshot::digest_of;
use driftcast::model::{Fact, Outcome, Scope, Snapshot};
use driftcast::platform::offline::{read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{Captured, Platform, Rules, by_name};

use super::{bytes_in, folder, keeper, live};

fn bytes_of(platform: &str, case: &str) -> Vec<u8> {
    bytes_in(&folder().join(platform).join(case))
}

fn platform(name: &str) -> &'static Platform {
    by_name(name).unwrap()
}

/// What a live session concludes: `complete` only where everything is there.
#[test]
fn live_verdicts() {
    let interface = |name: &str| Scope::Interface(name.to_owned());
    let domain = |name: &str| Scope::BridgeDomain(name.to_owned());
    let (ios, xr) = ("cisco_ios", "cisco_iosxr");
    for (name, case, scope, outcome, detail) in [
        (ios, "router_session", Scope::Device, Outcome::Complete, None),
        (ios, "router_session", interface("GigabitEthernet0/0/2.EFP10"), Outcome::Complete, None),
        (ios, "router_session", interface("GigabitEthernet0/0/7"), Outcome::Complete, None),
        (ios, "router_session", domain("20"), Outcome::Complete, None),
        (ios, "router_session", domain("21"), Outcome::Complete, None),
        (ios, "switch_session", Scope::Device, Outcome::Complete, None),
        (ios, "switch_without_vlans", Scope::Device, Outcome::Refused, Some("unknown-command")),
        (ios, "commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        (ios, "row_missing", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        (ios, "config_missing", Scope::Device, Outcome::Incomplete, Some("config-missing")),
        (ios, "noise", Scope::Device, Outcome::Incomplete, Some("noise")),
        (ios, "pager", Scope::Device, Outcome::Incomplete, Some("pager")),
        (ios, "refused", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        (ios, "cut_inside", Scope::Device, Outcome::Incomplete, Some("no-end-mark")),
        (ios, "wrong_name", Scope::Device, Outcome::WrongDevice, Some("other-system")),
        (ios, "services", Scope::Device, Outcome::Incomplete, Some("section-missing")),
        (xr, "edge_session", Scope::Device, Outcome::Complete, None),
        (xr, "edge_session", interface("Bundle-Ether10.250"), Outcome::Complete, None),
        (xr, "edge_session", interface("TenGigE0/0/0/9"), Outcome::Complete, None),
        (xr, "edge_session", domain("CITY:v250"), Outcome::Complete, None),
        (xr, "edge_session", domain("v250"), Outcome::Complete, None),
        (xr, "edge_with_dates", Scope::Device, Outcome::Complete, None),
        (xr, "commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        (xr, "block_not_closed", Scope::Device, Outcome::Incomplete, Some("unbalanced")),
        (xr, "row_missing", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        (xr, "config_missing", Scope::Device, Outcome::Incomplete, Some("config-missing")),
        (xr, "noise", Scope::Device, Outcome::Incomplete, Some("noise")),
        (xr, "refused", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        (xr, "cut_inside", Scope::Device, Outcome::Incomplete, Some("no-end-mark")),
        (xr, "wrong_name", Scope::Device, Outcome::WrongDevice, Some("other-system")),
    ] {
        let reading = live(platform(name), &scope, &bytes_of(name, case));
        assert_eq!(
            (reading.outcome, reading.detail.as_deref()),
            (outcome, detail),
            "{name} {case} {scope:?}"
        );
    }
}

/// Whoever asks for a part gets what the whole says of it, and nothing where
/// there is nothing.
#[test]
fn a_narrow_scope_gives_the_facts_of_the_whole() {
    for (name, case, port, gone) in [
        ("cisco_ios", "router_session", "GigabitEthernet0/0/0.2411", "GigabitEthernet0/0/0.7"),
        ("cisco_iosxr", "edge_session", "Bundle-Ether10.250", "Bundle-Ether10.7"),
    ] {
        let bytes = bytes_of(name, case);
        let whole = live(platform(name), &Scope::Device, &bytes);
        let one = live(platform(name), &Scope::Interface(port.to_owned()), &bytes);
        assert_eq!(one.interfaces.len(), 1);
        assert!(whole.interfaces.contains(&one.interfaces[0]));
        assert!(one.bridge_domains.is_empty() && one.services.is_empty() && one.vlans.is_empty());
        let none = live(platform(name), &Scope::Interface(gone.to_owned()), &bytes);
        assert!(none.outcome.is_complete() && none.interfaces.is_empty(), "{name}");
        for domain in &whole.bridge_domains {
            let part = live(platform(name), &Scope::BridgeDomain(domain.name.clone()), &bytes);
            assert_eq!(part.bridge_domains, std::slice::from_ref(domain));
            let names: Vec<&str> = part.interfaces.iter().map(|port| port.name.as_str()).collect();
            assert_eq!(names, domain.interfaces);
        }
    }
}

/// A configuration as files keep it, cut at every line and every byte: only
/// the whole is complete, although no prompt is asked for.
#[test]
fn a_cut_configuration_is_never_complete() {
    for (name, case) in [
        ("cisco_ios", "services"),
        ("cisco_ios", "kept_by_rancid"),
        ("cisco_iosxr", "config_alone"),
        ("cisco_iosxr", "kept_by_rancid"),
    ] {
        let bytes = bytes_of(name, case);
        let complete = |bytes: &[u8]| {
            read_text(platform(name), bytes, None, &keeper()).iter().all(|s| s.outcome.is_complete())
        };
        assert!(complete(&bytes), "{name} {case}");
        let end = bytes.trim_ascii_end().len();
        for cut in (1..end).filter(|cut| cut % 3 == 0 || bytes[*cut] == b'\n') {
            assert!(!complete(&bytes[..cut]), "{name} {case} cut at byte {cut}");
        }
    }
}

fn facts(mut snapshot: Snapshot) -> Vec<Fact> {
    snapshot.take_facts()
}

/// Thirty nights: dates, counters, states and re-encrypted secrets move, and
/// lists come in another order. Neither the facts nor the kept text do.
#[test]
fn thirty_nights_without_a_change() {
    for (name, case) in [
        ("cisco_ios", "router_session"),
        ("cisco_ios", "switch_session"),
        ("cisco_iosxr", "edge_session"),
        ("cisco_iosxr", "edge_with_dates"),
    ] {
        let text = settle(&bytes_of(name, case)).text;
        let night = |number: usize| {
            let date = format!("{:02}:14:02 UTC Tue Jun {number}", number % 24);
            text.replace("08:14:02 UTC Tue Jun 2", &date)
                .replace("41 weeks", &format!("{number} weeks"))
                .replace("Jun  2 11:26:26.117", &format!("Jun {number:2} 11:26:26.117"))
                .replace("4711 bytes", &format!("{} bytes", 4_000 + number))
                .replace(
                    "ntp server 192.0.2.1\n",
                    &format!("ntp clock-period {number}\nntp server 192.0.2.1\n"),
                )
        };
        let read = |text: &str| {
            let snapshot = read_text(platform(name), text.as_bytes(), None, &keeper()).remove(0);
            assert!(snapshot.outcome.is_complete(), "{name} {case}: {:?}", snapshot.detail);
            let kept: Vec<String> = snapshot.kept.iter().flatten().map(|kept| kept.text.clone()).collect();
            (digest_of(&facts(snapshot)), kept)
        };
        let first = read(&night(1));
        for number in 2..30 {
            assert_eq!(read(&night(number)), first, "{name} {case} night {number}");
        }
    }
}

/// Every section may come without its prompt, or with another one.
#[test]
fn no_prompt_is_no_complete_reading() {
    for (name, case) in [
        ("cisco_ios", "router_session"),
        ("cisco_ios", "switch_session"),
        ("cisco_iosxr", "edge_session"),
        ("cisco_iosxr", "edge_with_dates"),
    ] {
        let text = settle(&bytes_of(name, case)).text;
        let whole = sections(platform(name), &text, None);
        for at in 0..whole.len() {
            for prompt in [None, Some("other".to_owned())] {
                let mut sections: Vec<Captured> = whole.clone();
                sections[at].prompt = prompt;
                let reading = (platform(name).read)(&Scope::Device, &sections, Rules::Live);
                assert!(!reading.outcome.is_complete(), "{name} {case} {}", sections[at].section);
            }
        }
    }
}
