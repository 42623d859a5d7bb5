//! Every file of `queries/` is one statement that the fresh schema can
//! prepare, opens with a comment, and is used by some source.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use driftcast::store::Store;

fn sql_files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The statement without its comments.
fn body(sql: &str) -> String {
    sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_query_prepares_on_a_fresh_schema() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path(), Duration::ZERO).unwrap());
    let db = duckdb::Connection::open(dir.path().join("driftcast.duckdb")).unwrap();
    let all = ["queries", "queries/named", "queries/prune"].map(sql_files).concat();
    for path in all {
        let sql = fs::read_to_string(&path).unwrap();
        assert!(sql.starts_with("-- "), "{} does not open with what it answers", name(&path));
        assert_eq!(body(&sql).matches(';').count(), 1, "{} is not one statement", name(&path));
        if let Err(error) = db.prepare(&sql) {
            panic!("{}: {error}", name(&path));
        }
    }
}

#[test]
fn every_query_is_used() {
    let mut sources = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    for folder in ["queries", "queries/schema", "queries/named", "queries/prune"] {
        for path in sql_files(folder) {
            let mention = format!("{folder}/{}\")", name(&path));
            assert!(sources.contains(&mention), "no source uses {}", name(&path));
        }
    }
}
