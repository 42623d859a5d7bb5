//! Pages on disk: written beside, then renamed, so that a reader sees the old
//! report or the new one and never half of one. `latest` moves last.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use super::{Env, JobError, morning, templates};
use crate::model::RunId;
use crate::report::view::RunView;
use crate::report::{self, Page, PastReport};

/// Where a report was written.
#[derive(Clone, Debug)]
pub struct Rendered {
    pub run: RunId,
    pub index: PathBuf,
}

/// Renders the report of `run` (default: the newest finished nightly run) as
/// it was that night, into `out` (default: the data folder's reports). With
/// `device`, that device's page is written too, whether or not it has news.
pub fn render_again(
    env: &Env,
    run: Option<RunId>,
    device: Option<&str>,
    out: Option<&Path>,
) -> Result<Rendered, JobError> {
    let (row, night) = morning::night(env, run, device)?;
    let (night, pages) = templates::render(env, night)?;
    let folder = match out {
        Some(out) => out.to_owned(),
        None => report_folder(&env.dir, row.id, row.started),
    };
    publish(&folder, &pages, env.settings.report.group_readable)?;
    if out.is_none() && run.is_none() {
        point_latest(&env.dir, &folder)?;
    }
    if out.is_none() {
        list_reports(env, &night.run)?;
    }
    Ok(Rendered { run: row.id, index: folder.join("index.html") })
}

/// `DIR/reports/<date>-<run>`.
pub(super) fn report_folder(dir: &Path, run: RunId, started: DateTime<Utc>) -> PathBuf {
    dir.join("reports").join(format!("{}-{run}", started.format("%Y-%m-%d")))
}

/// From more pages on the file system is synced once, and not each file: a
/// thousand files one by one take longer than making them.
const FEW: usize = 32;

/// Writes `pages` into a folder beside `folder`, then swaps it in.
pub(super) fn publish(folder: &Path, pages: &[Page], group_readable: bool) -> Result<(), JobError> {
    swap_in(folder, pages, group_readable)
        .map_err(|error| JobError::Publish { path: folder.to_owned(), error })
}

fn swap_in(folder: &Path, pages: &[Page], group_readable: bool) -> io::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    private_folder(parent)?;
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let fresh = parent.join(format!(".{name}.{}.new", std::process::id()));
    let old = parent.join(format!(".{name}.{}.old", std::process::id()));
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    private_folder(&fresh)?;
    let at_once = cfg!(target_os = "linux") && pages.len() > FEW;
    for page in pages {
        let path = fresh.join(&page.path);
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&page.bytes)?;
        if !at_once {
            file.sync_all()?;
        }
    }
    #[cfg(target_os = "linux")]
    if at_once {
        rustix::fs::syncfs(fs::File::open(&fresh)?)?;
    }
    if group_readable {
        open_to_group(&fresh, pages)?;
    }
    // Only a report of ours is ever replaced: a folder that somebody keeps
    // other files in is refused.
    if folder.exists() {
        if !folder.join("report.json").exists() && fs::read_dir(folder)?.next().is_some() {
            fs::remove_dir_all(&fresh)?;
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the folder exists and is no report; name an empty or a new one",
            ));
        }
        fs::rename(folder, &old)?;
    }
    fs::rename(&fresh, folder)?;
    fs::File::open(parent)?.sync_all()?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}

fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Lets the group read a finished report: folders 0750, files 0640, whatever
/// the umask. The folders around it keep their modes.
fn open_to_group(folder: &Path, pages: &[Page]) -> io::Result<()> {
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set(folder, 0o750)?;
    for page in pages {
        let path = folder.join(&page.path);
        set(&path, 0o640)?;
        if let Some(parent) = path.parent() {
            set(parent, 0o750)?;
        }
    }
    Ok(())
}

/// Makes `DIR/reports/latest` point at `folder`.
pub(super) fn point_latest(dir: &Path, folder: &Path) -> Result<(), JobError> {
    let latest = dir.join("reports").join("latest");
    let beside = dir.join("reports").join(format!(".latest.{}", std::process::id()));
    let fail = |error| JobError::Publish { path: latest.clone(), error };
    let target = folder.file_name().unwrap_or(folder.as_os_str());
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    symlink(target, &beside).map_err(fail)?;
    fs::rename(&beside, &latest).map_err(fail)
}

/// Writes `DIR/reports/index.html` again: all reports that are there, newest
/// first. A folder without a page of ours is not listed.
pub(super) fn list_reports(env: &Env, newest: &RunView) -> Result<(), JobError> {
    let reports = env.dir.join("reports");
    let fail = |error| JobError::Publish { path: reports.join("index.html"), error };
    let mut found: Vec<(NaiveDate, RunId, String)> = fs::read_dir(&reports)
        .map_err(fail)?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let (date, run) = name.rsplit_once('-')?;
            let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
            let run = run.parse().ok()?;
            reports.join(&name).join("report.json").is_file().then_some((date, run, name))
        })
        .collect();
    found.sort();
    let listed: Vec<(String, Option<PastReport>)> = found
        .into_iter()
        .rev()
        .map(|(_, _, name)| {
            let summary = fs::read(reports.join(&name).join("summary.json"));
            (name, summary.ok().and_then(|json| serde_json::from_slice(&json).ok()))
        })
        .collect();
    let page = report::render_archive(newest, &listed)?;
    let beside = reports.join(format!(".index.{}.new", std::process::id()));
    let write = || {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&page.bytes)?;
        file.sync_all()?;
        if env.settings.report.group_readable {
            file.set_permissions(fs::Permissions::from_mode(0o640))?;
        }
        fs::rename(&beside, reports.join(&page.path))
    };
    write().map_err(fail)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn a_report_replaces_a_report_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out");
        let pages = [page("index.html", "one"), page("report.json", "{}"), page("devices/a.html", "a")];
        publish(&folder, &pages, false).unwrap();
        let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("devices"), mode("devices/a.html")), (0o700, 0o700, 0o600));
        publish(&folder, &pages, true).unwrap();
        assert_eq!((mode(""), mode("devices"), mode("devices/a.html")), (0o750, 0o750, 0o640));
        publish(&folder, &[page("index.html", "two"), page("report.json", "{}")], false).unwrap();
        assert_eq!(fs::read_to_string(folder.join("index.html")).unwrap(), "two");
        assert!(!folder.join("devices").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside");

        let foreign = dir.path().join("mine");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
        assert!(publish(&foreign, &pages, false).is_err());
        assert!(foreign.join("thesis.txt").exists());
    }
}
