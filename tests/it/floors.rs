//! The shape of the program, kept by a test: which room may use which, where
//! each package is at home, and the names that say nothing.
//!
//! Every file of `src/` is cut into tokens (comments, strings and doc tests
//! fall away) and held against the tables below. A finding says file, line and
//! rule. To add a room or a package, add a line to a table: that is a decision
//! about the architecture, so it is made here, in the open.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A room: its floor, and which rooms of its own floor or higher it may use.
/// Lower floors are open to it unless `ONLY` says otherwise.
const ROOMS: &[(&str, u8, &[&str])] = &[
    ("model", 0, &[]),
    ("clock", 0, &[]),
    ("platform", 1, &[]),
    ("device", 1, &["platform"]),
    ("store", 1, &[]),
    ("source", 1, &["platform"]),
    ("signal", 1, &["platform"]),
    ("notify", 1, &[]),
    ("lab", 1, &[]),
    ("analysis", 2, &[]),
    ("sync", 2, &["analysis"]),
    ("report", 3, &[]),
    ("config", 4, &[]),
    ("jobs", 4, &["config"]),
    ("schedule", 4, &["config", "jobs"]),
    ("cli", 5, &[]),
];

/// Pure rooms see these and nothing else, whatever floor those are on.
const ONLY: &[(&str, &[&str])] = &[
    ("analysis", &["model"]),
    ("sync", &["model", "analysis", "platform"]),
    ("report", &["model", "analysis"]),
    ("platform", &["model"]),
];

/// Who may ask what time it is. All others take a date as a value.
const CLOCK_READERS: &[&str] = &["lab", "jobs", "schedule", "cli"];

/// Where a package is at home: rooms, or files of `src/`. A package of
/// `Cargo.toml` that is not listed may be used anywhere above `model`.
const HOMES: &[(&str, &[&str])] = &[
    ("arrow", &["store", "analysis"]),
    ("chrono_tz", &["schedule", "config"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("croner", &["schedule", "config"]),
    ("csv", &["source", "report"]),
    ("dialoguer", &["cli"]),
    ("duckdb", &["store"]),
    ("flate2", &["store"]),
    ("indicatif", &["cli"]),
    ("lettre", &["notify"]),
    ("minijinja", &["report/page.rs"]),
    ("plotters", &["report/chart"]),
    ("polars", &["analysis"]),
    ("polars_arrow", &["analysis"]),
    ("roxmltree", &["platform"]),
    ("russh", &["device", "lab"]),
    ("tokio", &["device", "signal", "lab", "jobs", "schedule", "cli"]),
    ("tokio_cron_scheduler", &["schedule"]),
    ("ureq", &["source", "notify"]),
    ("yaml_serde", &["source"]),
];

/// All that the nouns need.
const MODEL_PACKAGES: &[&str] = &["serde", "serde_json", "chrono", "sha2"];

const ASYNC_ROOMS: &[&str] = &["device", "signal", "lab", "jobs", "schedule", "cli"];

/// The one file with `unsafe`: the hand-over from Arrow to Polars.
const UNSAFE_FILE: &str = "analysis/frame.rs";

/// Names under which anything could be put.
const BANNED: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "types", "manager", "managers", "service", "handler",
    "handlers", "misc",
];

#[test]
fn the_house_stands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = packages(&std::fs::read_to_string(root.join("Cargo.toml")).unwrap());
    let mut files = Vec::new();
    collect(&root.join("src"), "", &mut files);
    assert!(files.len() > 5, "the test looks into the wrong folder");
    let mut findings: Vec<Finding> = files
        .iter()
        .filter(|file| files.contains(&file.replace(".rs", "/mod.rs")))
        .map(|file| Finding::new(file, 1, "a room is a folder with mod.rs, not a file beside the folder"))
        .collect();
    for file in &files {
        let text = std::fs::read_to_string(root.join("src").join(file)).unwrap();
        findings.extend(check(file, &text, &packages));
    }
    let told: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(told.is_empty(), "{} findings\n{}\n", told.len(), told.join("\n"));
}

#[test]
fn every_home_is_of_a_package_that_we_have() {
    let packages = packages(include_str!("../../Cargo.toml"));
    for (package, homes) in HOMES {
        assert!(packages.iter().any(|p| p == package), "{package} is not in Cargo.toml");
        for home in *homes {
            let room = home.split('/').next().unwrap();
            assert!(ROOMS.iter().any(|(name, ..)| *name == room), "no room {room}");
        }
    }
}

/// The test tests itself: each line breaks one rule, or none.
#[test]
fn a_violation_is_found() {
    let packages = packages(include_str!("../../Cargo.toml"));
    for (file, line, told) in [
        ("analysis/rank.rs", "use crate::store::Store;", Some("analysis may not use store")),
        ("analysis/rank.rs", "use crate::{model::Device, store};", Some("analysis may not use store")),
        ("analysis/rank.rs", "use crate::model::{Device, Kind};", None),
        ("analysis/rank.rs", "fn f() { crate::device::fetch() }", Some("analysis may not use device")),
        ("analysis/rank.rs", "use super::super::store::Store;", Some("analysis may not use store")),
        ("analysis/mod.rs", "use super::store::Store;", Some("analysis may not use store")),
        ("analysis/mod.rs", "mod tests { use super::super::store; }", Some("analysis may not use store")),
        ("analysis/mod.rs", "mod tests { use super::store; }", None),
        ("analysis/plan/round.rs", "use super::super::store;", None),
        ("analysis/plan/round.rs", "use super::super::super::store;", Some("analysis may not use store")),
        ("analysis/rank.rs", "use super::store::Store;", None),
        ("analysis/rank.rs", "// use crate::store::Store;", None),
        (
            "analysis/rank.rs",
            "let s = \"crate::store\"; let r = r#\"crate::store \" \"#; let c = '\"';",
            None,
        ),
        ("device/ssh.rs", "use crate::platform::Captured;", None),
        ("device/ssh.rs", "use crate::store;", Some("device may not use store")),
        ("platform/mod.rs", "use crate::device;", Some("platform may not use device")),
        ("report/view.rs", "use crate::analysis::rank;", None),
        ("report/view.rs", "use crate::platform;", Some("report may not use platform")),
        ("model/mod.rs", "use crate::clock::Clock;", Some("model may not use clock")),
        ("store/mod.rs", "use crate::clock::Clock;", Some("store may not use clock")),
        ("jobs/scan.rs", "use crate::clock::Clock;", None),
        ("jobs/scan.rs", "use crate::schedule;", Some("jobs may not use schedule")),
        ("config.rs", "use crate::jobs;", Some("config may not use jobs")),
        ("schedule.rs", "use crate::jobs;", None),
        ("jobs/scan.rs", "use crate::cli;", Some("jobs may not use cli")),
        ("cli/scan.rs", "use crate::jobs;", None),
        ("cli/scan.rs", "use crate::cellar;", Some("no room is called cellar")),
        ("cellar/mod.rs", "fn f() {}", Some("no room is called cellar")),
        ("analysis/rank.rs", "use duckdb::Connection;", Some("duckdb is at home in store")),
        ("report/view.rs", "use arrow::array::Array;", Some("arrow is at home in store, analysis")),
        ("analysis/frame.rs", "use arrow::array::Array;", None),
        ("jobs/scan.rs", "let x = ::polars::prelude::df!();", Some("polars is at home in analysis")),
        ("report/view.rs", "use minijinja as templates;", Some("minijinja is at home in report/page.rs")),
        ("report/page.rs", "use minijinja::Environment;", None),
        ("store/mod.rs", "use duckdb::arrow::array::Array;", None),
        ("report/csv.rs", "use super::csv::write;", None),
        ("model/run.rs", "use regex::Regex;", Some("model uses serde, serde_json, chrono, sha2 only")),
        ("store/mod.rs", "async fn f() {}", Some("async is for device, signal, lab, jobs, schedule, cli")),
        ("store/mod.rs", "let x = unsafe { f() };", Some("unsafe is for analysis/frame.rs")),
        ("analysis/frame.rs", "let x = unsafe { f() };", None),
        ("store/mod.rs", "#[allow(dead_code)] fn f() {}", Some("say #[expect")),
        ("store/mod.rs", "#![allow(dead_code)]", Some("say #[expect")),
        ("store/helpers.rs", "fn f() {}", Some("helpers says nothing")),
        ("store/mod.rs", "mod util { }", Some("util says nothing")),
    ] {
        let text = format!("//! For the test.\n{line}\n");
        let told_now: Vec<String> = check(file, &text, &packages).iter().map(Finding::to_string).collect();
        match told {
            None => assert!(told_now.is_empty(), "{file}: {line}: {told_now:?}"),
            Some(told) => assert!(
                told_now.len() == 1
                    && told_now[0].starts_with(&format!("src/{file}:"))
                    && told_now[0].contains(told),
                "{file}: {line}: {told_now:?}"
            ),
        }
    }
    let told = check("store/mod.rs", "use crate::model;\n", &packages);
    assert!(told[0].rule.contains("opens with //!"));
}

#[derive(Debug)]
struct Finding {
    file: String,
    line: usize,
    rule: String,
}

impl Finding {
    fn new(file: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, rule: rule.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// The packages of `[dependencies]`, as Rust writes them.
fn packages(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).collect()
}

/// All `.rs` files below `folder`, relative to `src/`.
fn collect(folder: &Path, at: &str, files: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{at}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else if entry.path().extension().is_some_and(|ending| ending == "rs") {
            files.push(name);
        }
    }
}

/// All that is wrong with one file. `file` is relative to `src/`.
fn check(file: &str, text: &str, packages: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A `tests.rs` is a module of the file beside it, which says what it is for.
    if !text.starts_with("//!") && !file.ends_with("/tests.rs") {
        findings.push(Finding::new(file, 1, "a file opens with //! and what it is for"));
    }
    for part in file.trim_end_matches(".rs").split('/').filter(|part| BANNED.contains(part)) {
        findings.push(Finding::new(file, 1, format!("{part} says nothing about what is inside")));
    }
    if file == "lib.rs" || file == "main.rs" {
        // The doors: they name rooms and use nothing.
        return findings;
    }
    let room = file.trim_end_matches(".rs").split('/').next().unwrap();
    if !ROOMS.iter().any(|(name, ..)| *name == room) {
        findings.push(Finding::new(
            file,
            1,
            format!("no room is called {room}; give it a floor in tests/it/floors.rs"),
        ));
        return findings;
    }
    let tokens = tokens(text);
    for (line, target) in rooms_used(file, &tokens) {
        if let Some(rule) = refuse_room(room, &target) {
            findings.push(Finding::new(file, line, rule));
        }
    }
    for (n, token) in tokens.iter().enumerate() {
        let after = |k: usize| tokens.get(n + k).map_or("", |t| t.text.as_str());
        let before = |k: usize| n.checked_sub(k).map_or("", |at| tokens[at].text.as_str());
        let word = token.text.as_str();
        let begins_path = before(1) != "::" || !is_word(before(2));
        let is_package = packages.iter().any(|p| p == word)
            && begins_path
            && (after(1) == "::" || (before(1) == "use" && ["as", ";"].contains(&after(1))));
        let rule = if is_package {
            refuse_package(file, room, word)
        } else {
            match word {
                "unsafe" if file != UNSAFE_FILE => Some(format!("unsafe is for {UNSAFE_FILE}")),
                "async" if !ASYNC_ROOMS.contains(&room) => {
                    Some(format!("async is for {}", ASYNC_ROOMS.join(", ")))
                }
                "allow" if before(1) == "[" && ["#", "!"].contains(&before(2)) && after(1) == "(" => {
                    Some("say #[expect(…, reason = \"…\")] instead of allow".to_owned())
                }
                "mod" if BANNED.contains(&after(1)) => {
                    Some(format!("{} says nothing about what is inside", after(1)))
                }
                _ => None,
            }
        };
        findings.extend(rule.map(|rule| Finding::new(file, token.line, rule)));
    }
    findings
}

fn refuse_room(from: &str, to: &str) -> Option<String> {
    let find = |name: &str| ROOMS.iter().find(|(room, ..)| *room == name);
    if from == to {
        return None;
    }
    let (Some((_, floor, beside)), Some((_, below, _))) = (find(from), find(to)) else {
        return Some(format!("no room is called {to}; give it a floor in tests/it/floors.rs"));
    };
    let only = ONLY.iter().find(|(room, _)| *room == from).map(|(_, rooms)| *rooms);
    let allowed = match (to, only) {
        ("clock", _) => CLOCK_READERS.contains(&from),
        (_, Some(rooms)) => rooms.contains(&to),
        _ => below < floor || beside.contains(&to),
    };
    (!allowed).then(|| format!("{from} may not use {to}"))
}

fn refuse_package(file: &str, room: &str, package: &str) -> Option<String> {
    if room == "model" && !MODEL_PACKAGES.contains(&package) {
        return Some(format!("model uses {} only, not {package}", MODEL_PACKAGES.join(", ")));
    }
    let (_, homes) = HOMES.iter().find(|(name, _)| *name == package)?;
    let at_home =
        homes.iter().any(|home| file == *home || file.starts_with(&format!("{home}/")) || room == *home);
    (!at_home).then(|| format!("{package} is at home in {}", homes.join(", ")))
}

/// Rooms that a file names: after `crate::`, and after as many `super::` as
/// lead out of the file's own room.
fn rooms_used(file: &str, tokens: &[Token]) -> Vec<(usize, String)> {
    let is_door = file.ends_with("mod.rs");
    let depth = file.split('/').count() - usize::from(is_door);
    let mut used = Vec::new();
    // Inline modules: at which brace depth each was opened.
    let (mut braces, mut inline) = (0, Vec::new());
    let mut n = 0;
    while n < tokens.len() {
        let text = |k: usize| tokens.get(n + k).map_or("", |t| t.text.as_str());
        match text(0) {
            "{" => {
                let opens_module = n >= 2 && tokens[n - 2].text == "mod";
                if opens_module {
                    inline.push(braces);
                }
                braces += 1;
            }
            "}" => {
                braces -= 1;
                if inline.last() == Some(&braces) {
                    inline.pop();
                }
            }
            "crate" if text(1) == "::" => names(tokens, n + 2, &mut used),
            "super" => {
                let mut up = 1;
                while text(up * 2 - 1) == "::" && text(up * 2) == "super" {
                    up += 1;
                }
                if up == depth + inline.len() && text(up * 2 - 1) == "::" {
                    names(tokens, n + up * 2, &mut used);
                }
                n += up * 2 - 2;
            }
            _ => {}
        }
        n += 1;
    }
    used
}

/// The first words of a path, or of all paths in a group: `a::b` gives `a`,
/// `{a, b::{c, d}}` gives `a` and `b`.
fn names(tokens: &[Token], start: usize, used: &mut Vec<(usize, String)>) {
    let Some(first) = tokens.get(start) else { return };
    if first.text != "{" {
        used.push((first.line, first.text.clone()));
        return;
    }
    let mut depth = 1;
    let mut fresh = true;
    for token in &tokens[start + 1..] {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => {
                fresh = true;
                continue;
            }
            _ if fresh && depth == 1 => used.push((token.line, token.text.clone())),
            _ => {}
        }
        fresh = false;
        if depth == 0 {
            return;
        }
    }
}

#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Words, `::`, and single other characters. Comments, strings, characters and
/// lifetimes are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |n: usize| chars.get(n).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut n = 0;
    while n < chars.len() {
        let start = n;
        match at(n) {
            '/' if at(n + 1) == '/' => {
                while n < chars.len() && at(n) != '\n' {
                    n += 1;
                }
            }
            '/' if at(n + 1) == '*' => {
                let mut depth = 1;
                n += 2;
                while n < chars.len() && depth > 0 {
                    match (at(n), at(n + 1)) {
                        ('/', '*') => depth += 1,
                        ('*', '/') => depth -= 1,
                        _ => {
                            n += 1;
                            continue;
                        }
                    }
                    n += 2;
                }
            }
            '"' => n = string_end(&chars, n),
            '\'' => {
                // A character: escaped, or one sign between two marks. Else a lifetime.
                if at(n + 1) == '\\' {
                    n += 3;
                    while n < chars.len() && at(n) != '\'' {
                        n += 1;
                    }
                    n += 1;
                } else if at(n + 2) == '\'' {
                    n += 3;
                } else {
                    n += 1;
                    while at(n).is_alphanumeric() || at(n) == '_' {
                        n += 1;
                    }
                }
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(n).is_alphanumeric() || at(n) == '_' {
                    n += 1;
                }
                let word: String = chars[start..n].iter().collect();
                let hashes = (n..chars.len()).take_while(|&k| at(k) == '#').count();
                if ["r", "br", "cr"].contains(&word.as_str()) && at(n + hashes) == '"' {
                    n = raw_string_end(&chars, n, hashes);
                } else if word == "r" && at(n) == '#' {
                    // `r#match`: the word after it comes next.
                    n += 1;
                } else {
                    tokens.push(Token { text: word, line });
                }
            }
            ':' if at(n + 1) == ':' => {
                n += 2;
                tokens.push(Token { text: "::".to_owned(), line });
            }
            c => {
                n += 1;
                if !c.is_whitespace() {
                    tokens.push(Token { text: c.to_string(), line });
                }
            }
        }
        line += chars[start..n.min(chars.len())].iter().filter(|&&c| c == '\n').count();
    }
    tokens
}

/// The place after a string that opens at `n`.
fn string_end(chars: &[char], mut n: usize) -> usize {
    n += 1;
    while n < chars.len() && chars[n] != '"' {
        n += if chars[n] == '\\' { 2 } else { 1 };
    }
    n + 1
}

/// The place after a raw string whose `hashes` begin at `n`.
fn raw_string_end(chars: &[char], n: usize, hashes: usize) -> usize {
    let mut end = n + hashes + 1;
    while end < chars.len() {
        let closing = chars[end] == '"'
            && chars[end + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        end += 1;
        if closing {
            return end + hashes;
        }
    }
    end
}

#[test]
fn tokens_have_lines_and_no_comments() {
    let text = "a::b /* x /* y */ z */\n\"q\\\" w\n\" 'l 'c' '\\'' r#\"k\"#\n// n\nend";
    let seen: BTreeMap<String, usize> = tokens(text).into_iter().map(|t| (t.text, t.line)).collect();
    let wanted = [("::", 1), ("a", 1), ("b", 1), ("end", 5)];
    assert_eq!(seen, wanted.map(|(text, line)| (text.to_owned(), line)).into());
}
