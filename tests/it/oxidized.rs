//! Sessions that Oxidized's project recorded with real devices, if they stand
//! beside this one: what a terminal makes of the bytes, what a prompt is, and
//! which words are secrets.
//!
//! `simulation.yaml` holds the raw answers, `output.txt` what Oxidized keeps of
//! them. Their filters drop and rewrite more than we do, so each line of theirs
//! has to be one of ours, letter by letter, up to where a secret was taken out.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use driftcast::platform::keep::Keeper;
use driftcast::platform::offline::{guess, read_text};
use driftcast::platform::terminal::settle;
use driftcast::platform::{Platform, by_name};
use serde::Deserialize;
use yaml_serde::Value;

/// Their folder, and our platform for it, if we have one.
const PLATFORMS: &[(&str, Option<&str>)] = &[
    ("aoscx", None),
    ("cumulus", Some("linux")),
    ("eos", Some("arista_eos")),
    ("h3c", None),
    ("ios", Some("cisco_ios")),
    ("junos", Some("juniper_junos")),
    ("nxos", Some("cisco_nxos")),
    ("routeros", None),
    ("tnsr", None),
    ("vyos", None),
];

/// A file of theirs: `ios#C9200L#simulation.yaml` is the `simulation` of a case.
struct File {
    folder: &'static str,
    ours: Option<&'static Platform>,
    path: PathBuf,
    case: String,
}

fn files(ending: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = ["../shared", "../../shared"]
        .map(|up| root.join(up).join("devices/fixtures"))
        .into_iter()
        .find(|folder| folder.is_dir());
    let Some(fixtures) = fixtures else { return Vec::new() };
    let mut found = Vec::new();
    for (folder, ours) in PLATFORMS {
        let Ok(entries) = fs::read_dir(fixtures.join(folder).join("oxidized")) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if let Some(case) = name.strip_suffix(ending) {
                let case = case.trim_end_matches(['#', '_']).to_owned();
                let ours = ours.and_then(by_name);
                found.push(File { folder, ours, path, case });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl File {
    fn beside(&self, ending: &str) -> Option<String> {
        fs::read_to_string(self.path.with_file_name(format!("{}#{ending}", self.case))).ok()
    }

    fn yaml<T: serde::de::DeserializeOwned>(&self) -> T {
        yaml_serde::from_str(&fs::read_to_string(&self.path).unwrap()).unwrap()
    }

    /// The whole session: greeting, then each command with its answer.
    fn session(&self) -> Vec<u8> {
        let simulation: Simulation = self.yaml();
        let mut session = bytes_of(&simulation.init_prompt);
        for answer in simulation.answers() {
            session.extend_from_slice(&bytes_of(&answer));
        }
        session
    }
}

#[derive(Deserialize)]
struct Simulation {
    init_prompt: String,
    commands: Value,
}

impl Simulation {
    fn answers(&self) -> Vec<String> {
        let of = |map: &yaml_serde::Mapping| -> Vec<String> {
            map.iter().filter_map(|(_, answer)| answer.as_str().map(str::to_owned)).collect()
        };
        match &self.commands {
            Value::Mapping(map) => of(map),
            Value::Sequence(list) => list.iter().filter_map(Value::as_mapping).flat_map(of).collect(),
            _ => Vec::new(),
        }
    }
}

/// The escapes of a recording: `\r`, `\e`, `\x08` … as bytes; lines end as on a terminal.
fn bytes_of(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let mut plain = [0; 4];
        match c {
            '\\' => match rest.next() {
                Some('r') => out.push(b'\r'),
                Some('n') => out.push(b'\n'),
                Some('t') => out.push(b'\t'),
                Some('e') => out.push(0x1b),
                Some('a') => out.push(7),
                Some('b') => out.push(8),
                Some('x') => {
                    let digits: String = rest.by_ref().take(2).collect();
                    out.push(u8::from_str_radix(&digits, 16).unwrap());
                }
                Some(other) => out.extend_from_slice(other.encode_utf8(&mut plain).as_bytes()),
                None => {}
            },
            '\n' => out.extend_from_slice(b"\r\n"),
            c => out.extend_from_slice(c.encode_utf8(&mut plain).as_bytes()),
        }
    }
    out
}

fn keeper() -> Keeper {
    Keeper::new(&[7; 32])
}

/// A line of theirs up to the place where they took something out: `<speed>`,
/// `<secret hidden>`.
fn untouched(line: &str) -> &str {
    let mark = line.match_indices('<').find(|(at, _)| {
        let word = line[at + 1..].split('>').next().unwrap_or("");
        !word.is_empty()
            && line[*at..].contains('>')
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b' ')
    });
    mark.map_or(line, |(at, _)| &line[..at]).trim_end()
}

/// Lines that no device printed: their summaries of `show version` and the like.
const SUMMARIES: &[&str] = &[
    "! Image: ",
    "! Chassis type: ",
    "! Memory: ",
    "! Processor ID: ",
    "! CPU: ",
    "! VTP: ",
    "expression <",
];

/// A line as one of theirs may have it: without their remark sign, and wrapped
/// lines in one.
fn bare(line: &str) -> &str {
    line.trim().trim_start_matches(['#', '!', ';']).trim()
}

#[test]
fn a_terminal_shows_what_they_keep() {
    let mut lines = 0;
    let mut wrong = Vec::new();
    for file in files("simulation.yaml") {
        let Some(output) = file.beside("output.txt") else { continue };
        let simulation: Simulation = file.yaml();
        let answers: Vec<String> =
            simulation.answers().iter().map(|answer| settle(&bytes_of(answer)).text).collect();
        // RouterOS wraps its settings; their filter joins them again.
        let joined: Vec<String> = answers.iter().map(|text| text.replace("\\\n    ", "")).collect();
        let shown: HashSet<&str> =
            answers.iter().chain(&joined).flat_map(|text| text.lines()).map(bare).collect();
        for line in output.lines().filter(|line| !SUMMARIES.iter().any(|text| line.starts_with(text))) {
            let theirs = bare(line);
            let kept = untouched(theirs);
            if kept.is_empty() {
                continue;
            }
            lines += 1;
            let same = if kept.len() == theirs.len() {
                shown.contains(kept)
            } else {
                shown.iter().any(|shown| shown.starts_with(kept))
            };
            if !same {
                wrong.push(format!("{}: {line:?}", file.case));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} lines\n{}", wrong.len(), wrong.join("\n"));
    assert!(files("simulation.yaml").is_empty() || lines > 2_000, "{lines}");
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Prompts {
    pass: Vec<String>,
    pass_with_expect: Vec<String>,
    fail: Vec<String>,
}

#[test]
fn prompts_are_prompts_and_nothing_else_is() {
    for file in files("prompt.yaml") {
        let Some(platform) = file.ours else { continue };
        let prompts: Prompts = file.yaml();
        let prompt = |raw: &str| {
            let text = settle(raw.as_bytes()).text;
            (platform.prompt)(text.lines().last().unwrap_or("")).is_some()
        };
        for raw in prompts.pass.iter().chain(&prompts.pass_with_expect) {
            assert!(prompt(raw), "{}: {raw:?}", file.folder);
        }
        for raw in &prompts.fail {
            assert!(!prompt(raw), "{}: {raw:?}", file.folder);
        }
    }
}

/// What no artefact may hold, and the lines that stay but for their secret.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Words {
    pass: Vec<String>,
    fail: Vec<String>,
}

#[test]
fn secrets_are_masked() {
    let mut wrong = Vec::new();
    for file in files("secret.yaml") {
        let words: Words = file.yaml();
        let simulation =
            File { path: file.path.with_file_name(format!("{}#simulation.yaml", file.case)), ..file };
        let text = settle(&simulation.session()).text;
        let masked = keeper().mask("", &text).into_owned();
        let snapshots = simulation.ours.map(|platform| {
            serde_json::to_string(&read_text(platform, &simulation.session(), None, &keeper())).unwrap()
        });
        for secret in &words.fail {
            for artefact in [Some(&masked), snapshots.as_ref()].into_iter().flatten() {
                for line in artefact.lines().filter(|line| line.contains(secret.as_str())) {
                    let near = line.find(secret.as_str()).unwrap();
                    let from = line.floor_char_boundary(near.saturating_sub(60));
                    wrong.push(format!(
                        "{}: {secret:?} in {:?}",
                        simulation.case,
                        &line[from..near + secret.len()]
                    ));
                }
            }
        }
        for pattern in &words.pass {
            let pattern = pattern.replace("\\.", ".");
            let Some((before, _)) = pattern.split_once('<').filter(|(text, _)| text.contains(' ')) else {
                continue;
            };
            // They take away all that follows a community; we take the word.
            let removed = pattern.contains("<configuration");
            let stays = masked.lines().any(|line| {
                line.find(before).is_some_and(|at| {
                    let rest = line[at + before.len()..].trim_start_matches('"');
                    removed || rest.starts_with("<hidden:")
                })
            });
            if !stays {
                wrong.push(format!("{}: nothing like {pattern:?}", simulation.case));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Changes {
    pass: Vec<String>,
    fail: Vec<String>,
}

/// Lines that may make a change and lines that may not, where we have the platform.
#[test]
fn volatile_lines_are_not_kept() {
    for file in files("significant_changes.yaml") {
        let Some(platform) = file.ours else { continue };
        let changes: Changes = file.yaml();
        for line in &changes.pass {
            assert!(!(platform.volatile)(line), "{}: {line:?}", file.case);
        }
        for line in &changes.fail {
            assert!((platform.volatile)(line), "{}: {line:?}", file.case);
        }
    }
}

#[test]
fn sessions_are_read() {
    for file in files("simulation.yaml") {
        let session = file.session();
        let text = settle(&session).text;
        let lines = text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64;
        if let Some(platform) = file.ours {
            let snapshots = read_text(platform, &session, None, &keeper());
            let counted: u64 =
                snapshots.iter().map(|s| s.lines.read + s.lines.ignored + s.lines.unread).sum();
            assert_eq!(counted, lines, "{}", file.case);
            if file.folder != "cumulus" {
                let guessed = guess(&String::from_utf8_lossy(&session)).map(|platform| platform.name);
                assert_eq!(guessed, Some(platform.name), "{}", file.case);
            }
        } else if let Some(platform) = guess(&String::from_utf8_lossy(&session)) {
            panic!("{} is taken for {}", file.case, platform.name);
        }
    }
}
