//! Retention, carried out: old rows of the database and old report folders.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use chrono::{Days, NaiveDate};
use serde::Serialize;

use super::{Env, JobError};
use crate::store::{BatchLock, Pruned};

/// What went, or would go.
#[derive(Clone, Debug, Serialize)]
pub struct Cleared {
    pub dry_run: bool,
    /// Days for which all is kept; `None`: for ever.
    pub keep_days: Option<u64>,
    pub rows: Pruned,
    pub reports: Vec<PathBuf>,
    /// What hinders it, if something does.
    pub note: Option<String>,
}

impl fmt::Display for Cleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows and {} reports", self.rows.removed(), self.reports.len())?;
        f.write_str(if self.dry_run { " would be removed" } else { " removed" })?;
        self.note.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// Removes what the retention settings give free. Takes the batch lock, because
/// a run must not find its past thinned out half way.
pub fn prune(env: &Env, dry_run: bool) -> Result<Cleared, JobError> {
    let _lock = if dry_run { None } else { Some(BatchLock::take(&env.dir, "prune")?) };
    let settings = &env.settings.retention;
    let now = env.clock.now();
    let mut cleared =
        Cleared { dry_run, keep_days: None, rows: Pruned::default(), reports: Vec::new(), note: None };
    if settings.days > 0 {
        // The forecast looks back so far; without it, it would forget.
        let window = u64::from(env.settings.forecast.window_days);
        let days = u64::from(settings.days).max(window);
        if days > u64::from(settings.days) {
            cleared.note = Some(format!("the forecast needs {window} days, so these are kept"));
        }
        cleared.keep_days = Some(days);
        if let Some(keep) = now.checked_sub_days(Days::new(days)) {
            let store = env.store()?;
            cleared.rows = if dry_run { store.prunable(keep)? } else { store.prune(keep, now)? };
            if cleared.rows.until_seq.is_none() {
                cleared.note =
                    Some(format!("no run began in the last {days} days, so nothing counts as old"));
            }
        }
    }
    if settings.report_days > 0
        && let Some(keep) = now.checked_sub_days(Days::new(u64::from(settings.report_days)))
    {
        cleared.reports = old_reports(env, keep.date_naive());
        if !dry_run {
            for folder in &cleared.reports {
                fs::remove_dir_all(folder)
                    .map_err(|error| JobError::Publish { path: folder.clone(), error })?;
            }
        }
    }
    Ok(cleared)
}

/// Report folders of nights before `keep`, but for the one that `latest` names.
/// A folder that does not look like a report of ours is nobody's to remove.
fn old_reports(env: &Env, keep: NaiveDate) -> Vec<PathBuf> {
    let reports = env.dir.join("reports");
    let latest = fs::canonicalize(reports.join("latest")).ok();
    let is_old = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let date = name.get(..10).and_then(|date| NaiveDate::parse_from_str(date, "%Y-%m-%d").ok());
        let number = name.get(11..).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        date.is_some_and(|date| date < keep)
            && number
            && !path.is_symlink()
            && path.join("report.json").is_file()
    };
    let mut old: Vec<PathBuf> = fs::read_dir(&reports)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_old(path) && fs::canonicalize(path).ok() != latest)
        .collect();
    old.sort();
    old
}
