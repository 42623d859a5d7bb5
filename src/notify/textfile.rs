//! Figures for the textfile collector of Prometheus' node exporter: written
//! once a finished run, as a whole, and never reset. Between two runs the file
//! stays as it is, so `time() - driftcast_last_success_timestamp_seconds` says
//! that a run did not happen, whatever became of the program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::{NotifyError, RunFacts};

/// The file's text.
///
/// `last_success`: when a run last finished that was not `failed`. `outcomes`:
/// devices of the run by outcome. `drifts`: open ones by class.
pub fn metrics(
    facts: &RunFacts,
    last_success: Option<DateTime<Utc>>,
    outcomes: &BTreeMap<String, usize>,
    drifts: &BTreeMap<String, usize>,
) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, rows: &[(String, String)]| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP driftcast_{name} {help}\n# TYPE driftcast_{name} gauge");
        for (labels, value) in rows {
            let _ = writeln!(text, "driftcast_{name}{labels} {value}");
        }
    };
    let one = |value: String| vec![(String::new(), value)];
    let seconds =
        |at: Option<DateTime<Utc>>| at.map(|at| one(at.timestamp().to_string())).unwrap_or_default();
    let labelled = |label: &str, counts: &BTreeMap<String, usize>| -> Vec<(String, String)> {
        let row = |(name, count): (&String, &usize)| {
            (format!("{{{label}=\"{}\"}}", escaped(name)), count.to_string())
        };
        counts.iter().map(row).collect()
    };
    family(
        "last_success_timestamp_seconds",
        "When a nightly run last finished that was not failed.",
        &seconds(last_success),
    );
    family("last_run_timestamp_seconds", "When the newest nightly run finished.", &seconds(facts.finished));
    let outcome = facts.outcome.as_deref().unwrap_or("unknown");
    let outcomes_of_run: BTreeMap<String, usize> = ["complete", "partial", "failed"]
        .into_iter()
        .map(|known| (known.to_owned(), usize::from(known == outcome)))
        .collect();
    family(
        "last_run_outcome",
        "1 for the outcome of the newest nightly run.",
        &labelled("outcome", &outcomes_of_run),
    );
    family(
        "last_run",
        "The number of the newest nightly run.",
        &facts.run.map(|run| one(run.to_string())).unwrap_or_default(),
    );
    family(
        "last_run_devices",
        "Devices of the newest nightly run by outcome.",
        &labelled("outcome", outcomes),
    );
    family("devices", "Devices of the inventory.", &one(facts.devices.to_string()));
    family(
        "unreadable_devices",
        "Devices that could not be read at the last attempt.",
        &one(facts.unreadable.to_string()),
    );
    family("open_drifts", "Open drifts by class.", &labelled("class", drifts));
    text
}

/// As the exposition format wants label values.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Writes beside and renames: a reader sees the old file or the new one. Mode
/// 0644, because the exporter is another user.
pub fn write_textfile(path: &Path, text: &str) -> Result<(), NotifyError> {
    let fail = |error| NotifyError::Textfile { path: path.to_owned(), error };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // The collector reads `*.prom` only.
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&beside)?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&beside);
        fail(error)
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_keeps_the_last_success() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let facts = RunFacts {
            run: Some(9),
            outcome: Some("failed".to_owned()),
            finished: at(2_000),
            devices: 3,
            ..RunFacts::default()
        };
        let drifts = BTreeMap::from([("differs".to_owned(), 2), ("odd\"\\".to_owned(), 1)]);
        let text = metrics(&facts, at(1_000), &BTreeMap::new(), &drifts);
        for line in [
            "driftcast_last_success_timestamp_seconds 1000",
            "driftcast_last_run_timestamp_seconds 2000",
            "driftcast_last_run_outcome{outcome=\"failed\"} 1",
            "driftcast_open_drifts{class=\"differs\"} 2",
            "driftcast_open_drifts{class=\"odd\\\"\\\\\"} 1",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
        assert!(!metrics(&facts, None, &BTreeMap::new(), &drifts).contains("last_success"));
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn written_whole_and_readable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("driftcast.prom");
        write_textfile(&path, "a 1\n").unwrap();
        write_textfile(&path, "a 2\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a 2\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write_textfile(&dir.path().join("no/such.prom"), "").is_err());
    }
}
