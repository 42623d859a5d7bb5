//! NX-OS and EOS as a live session has them: what is `complete`, what is a
//! finding, and that no cut capture is taken for a whole one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use driftcast::model::{Outcome, Scope, Snapshot};
use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{read_text, sections};
use driftcast::platform::terminal::settle;
use driftcast::platform::{Platform, Reading, Rules, by_name};

fn bytes_of(platform: &str, case: &str) -> Vec<u8> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/devices").join(platform).join(case);
    fs::read(case.join("session.txt")).or_else(|_| fs::read(case.join("input.txt"))).unwrap()
}

fn live(platform: &'static Platform, scope: &Scope, bytes: &[u8]) -> Reading {
    (platform.read)(scope, &sections(platform, &settle(bytes).text, None), Rules::Live)
}

fn offline(platform: &'static Platform, bytes: &[u8]) -> Vec<Snapshot> {
    read_text(platform, bytes, None, &Keeper::new(&[1; 32]))
}

#[test]
fn live_verdicts() {
    let one = |name: &str| Scope::Interface(name.to_owned());
    for (platform, case, scope, outcome, detail) in [
        ("cisco_nxos", "leaf", Scope::Device, Outcome::Complete, None),
        ("cisco_nxos", "one_interface", one("port-channel30.300"), Outcome::Complete, None),
        ("cisco_nxos", "one_interface", one("Po30.300"), Outcome::Complete, None),
        ("cisco_nxos", "absent_interface", one("port-channel30.301"), Outcome::Complete, None),
        ("cisco_nxos", "commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        ("cisco_nxos", "port_vanished", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        ("cisco_nxos", "half_config", Scope::Device, Outcome::Incomplete, Some("config-missing")),
        ("cisco_nxos", "log_line_between", Scope::Device, Outcome::Incomplete, Some("noise")),
        ("cisco_nxos", "insufficient_rights", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("cisco_nxos", "refused", Scope::Device, Outcome::Refused, Some("unknown-word")),
        ("cisco_nxos", "wrong_name", Scope::Device, Outcome::WrongDevice, Some("other-system")),
        ("cisco_nxos", "pager", Scope::Device, Outcome::Incomplete, Some("section-missing")),
        ("cisco_nxos", "config_file", Scope::Device, Outcome::Incomplete, Some("section-missing")),
        ("arista_eos", "leaf", Scope::Device, Outcome::Complete, None),
        ("arista_eos", "one_interface", one("Ethernet5.500"), Outcome::Complete, None),
        ("arista_eos", "absent_interface", one("Ethernet5.501"), Outcome::Complete, None),
        ("arista_eos", "commit_between", Scope::Device, Outcome::Unstable, Some("commit")),
        ("arista_eos", "port_vanished", Scope::Device, Outcome::Incomplete, Some("row-missing")),
        ("arista_eos", "half_config", Scope::Device, Outcome::Incomplete, Some("config-missing")),
        ("arista_eos", "log_line_between", Scope::Device, Outcome::Incomplete, Some("noise")),
        ("arista_eos", "insufficient_rights", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("arista_eos", "unprivileged", Scope::Device, Outcome::Refused, Some("insufficient-rights")),
        ("arista_eos", "two_names", Scope::Device, Outcome::WrongDevice, Some("other-system")),
        ("arista_eos", "config_file", Scope::Device, Outcome::Incomplete, Some("section-missing")),
    ] {
        let reading = live(by_name(platform).unwrap(), &scope, &bytes_of(platform, case));
        assert_eq!((reading.outcome, reading.detail.as_deref()), (outcome, detail), "{platform} {case}");
        if case == "absent_interface" {
            assert!(reading.interfaces.is_empty(), "{platform}");
        }
        if case == "one_interface" {
            assert_eq!(reading.interfaces.len(), 1, "{platform}");
        }
    }
}

/// Drop the line, the connection or the last bytes: it is never `complete`,
/// not live and not as a file.
#[test]
fn a_cut_recording_is_never_complete() {
    for name in ["cisco_nxos", "arista_eos"] {
        let platform = by_name(name).unwrap();
        let bytes = bytes_of(name, "leaf");
        assert!(live(platform, &Scope::Device, &bytes).outcome.is_complete(), "{name}");
        let whole = bytes.trim_ascii_end().len();
        for cut in (0..whole).step_by(7).chain(whole.saturating_sub(40)..whole) {
            let reading = live(platform, &Scope::Device, &bytes[..cut]);
            assert!(!reading.outcome.is_complete(), "{name} cut at byte {cut}");
        }

        let file = bytes_of(name, "config_file");
        assert_eq!(offline(platform, &file)[0].outcome, Outcome::Complete, "{name}");
        let text = String::from_utf8(file).unwrap();
        // What is left when only the line ends behind the last line are gone is whole on EOS.
        let whole = if name == "arista_eos" { text.trim_end().len() } else { text.len() };
        let accepted: Vec<usize> = (0..whole)
            .filter(|cut| {
                offline(platform, &text.as_bytes()[..*cut])
                    .iter()
                    .any(|snapshot| snapshot.outcome.is_complete())
            })
            .collect();
        assert_eq!(accepted, Vec::<usize>::new(), "{name}");
    }
}

/// The same device on another night: dates, counters, states and secrets that
/// were encrypted anew make no change.
#[test]
fn noise_is_no_change() {
    for (name, noise) in [
        (
            "cisco_nxos",
            &[
                ("!Time: Mon Nov 23 14:02:11 2026", "!Time: Tue Nov 24 14:02:15 2026"),
                ("4123 unicast packets", "9999 unicast packets"),
                ("Last link flapped 2week(s) 1day(s)", "Last link flapped 00:00:01"),
                ("30 seconds input rate 80 bits/sec", "30 seconds input rate 5 bits/sec"),
            ][..],
        ),
        (
            "arista_eos",
            &[
                ("5280 packets input", "9999 packets input"),
                ("Up 21 minutes, 40 seconds", "Up 1 day"),
                ("2 link status changes", "3 link status changes"),
            ][..],
        ),
    ] {
        let platform = by_name(name).unwrap();
        let text = String::from_utf8(bytes_of(name, "leaf")).unwrap();
        let mut other = text.clone();
        for (from, to) in noise {
            assert!(other.contains(from), "{name}: {from}");
            other = other.replace(from, to);
        }
        let (mut one, mut two) =
            (offline(platform, text.as_bytes()).remove(0), offline(platform, other.as_bytes()).remove(0));
        let kept = |snapshot: &Snapshot| {
            let kept = snapshot.kept.as_ref().unwrap();
            kept.iter().find(|kept| kept.section == "config").unwrap().text.clone()
        };
        assert_eq!(kept(&one), kept(&two), "{name}");
        assert_eq!(one.take_facts(), two.take_facts(), "{name}");
        for secret in
            ["Kr0k0d1l", "$5$AAECAw$", "0x3f1e0d2c", "0x00112233", "9125d59c18a9b015", "$6$Zx0", "0x4TbS0tg"]
        {
            assert!(!serde_json::to_string(&one).unwrap().contains(secret), "{name}: {secret}");
            assert!(
                one.kept.as_ref().unwrap().iter().all(|kept| !kept.text.contains(secret)),
                "{name}: {secret}"
            );
        }
    }
}

#[test]
fn only_what_is_listed_may_be_sent() {
    for name in ["cisco_nxos", "arista_eos"] {
        let platform = by_name(name).unwrap();
        for scope in
            [Scope::Device, Scope::Interface("Ethernet1/1.5".into()), Scope::BridgeDomain("7".into())]
        {
            for command in platform.script(&scope).unwrap() {
                assert!(command.text().starts_with("show "), "{}", command.text());
            }
        }
        for line in
            ["configure", "configure terminal", "enable", "reload", "copy running-config startup-config"]
        {
            assert!(!platform.allows(line), "{line}");
        }
    }
}
