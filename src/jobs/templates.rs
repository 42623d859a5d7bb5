//! Templates of the user's: `[report] templates` names a folder, and a file in
//! it with the name of one of ours takes its place. Whatever is wrong with one,
//! a report comes out: the built-in one stands in, and a warning says why.
//!
//! A template is a program. The engine counts its steps and ends one that loops.
//! What one step may still do is bounded by time: it is given a moment for each
//! page, and who exceeds that is not tried again until this process ends.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::{Env, JobError};
use crate::report::{self, Night, Overrides, Page, ReportError};

/// A template is larger than any of ours twenty times over.
const LARGEST: u64 = 1 << 20;
/// What one page may take on a machine that is busy with other things; the
/// steps of the engine are used up long before.
const MOMENT: Duration = Duration::from_secs(10);

/// Whether templates of the user's ran away in this process. One thread may
/// still be in the middle of one long step; there is never a second one.
static RAN_AWAY: AtomicBool = AtomicBool::new(false);

/// The pages of a night, with the user's templates where these hold.
pub(super) fn render(env: &Env, night: Night) -> Result<(Night, Vec<Page>), JobError> {
    let folder = &env.settings.report.templates;
    let mut overrides = if folder.as_os_str().is_empty() || RAN_AWAY.load(Ordering::Relaxed) {
        Overrides::default()
    } else {
        read(folder)
    };
    let night = Arc::new(night);
    // Each turn takes at least one override away.
    while !overrides.sources.is_empty() {
        match within_moments(&night, &overrides) {
            Ok(pages) => return Ok((Arc::unwrap_or_clone(night), pages)),
            Err(ReportError::Stopped) => {
                RAN_AWAY.store(true, Ordering::Relaxed);
                tracing::warn!(
                    folder = %folder.display(),
                    "a page took too long with these templates; the built-in ones are used"
                );
                overrides.sources.clear();
            }
            Err(ReportError::Template { template, reason })
                if overrides.sources.remove(template).is_some() =>
            {
                tracing::warn!(
                    file = %folder.join(template).display(),
                    reason, "a template is broken; the built-in one is used"
                );
            }
            // One of ours, in the company of theirs.
            Err(error) => {
                tracing::warn!(
                    folder = %folder.display(), %error,
                    "the built-in templates do not fit to these; only built-in ones are used"
                );
                overrides.sources.clear();
            }
        }
    }
    let pages = report::render(&night)?;
    Ok((Arc::unwrap_or_clone(night), pages))
}

/// Prints in a thread of its own, and waits a moment for each page.
fn within_moments(night: &Arc<Night>, overrides: &Overrides) -> Result<Vec<Page>, ReportError> {
    let (tell, told) = mpsc::channel();
    let (night, mine) = (night.clone(), overrides.clone());
    std::thread::spawn(move || {
        let done = report::render_with(&night, &mine, &mut |_| drop(tell.send(None)));
        // Before the last word: who waits for it wants the night back.
        drop(night);
        let _ = tell.send(Some(done));
    });
    loop {
        match told.recv_timeout(MOMENT) {
            Ok(None) => {}
            Ok(Some(done)) => return done,
            Err(_) => {
                overrides.stop.store(true, Ordering::Relaxed);
                return Err(ReportError::Stopped);
            }
        }
    }
}

/// The templates of a folder that can be used. What cannot is said.
fn read(folder: &Path) -> Overrides {
    let mut overrides = Overrides::default();
    let root = match fs::canonicalize(folder) {
        Ok(root) => root,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "failed to find the folder of templates; the built-in ones are used");
            return overrides;
        }
    };
    for name in Overrides::names() {
        match read_one(&root, name) {
            Ok(Some(source)) => {
                overrides.sources.insert(name.to_owned(), source);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(file = %root.join(name).display(), %error, "failed to read a template; the built-in one is used");
            }
        }
    }
    overrides
}

/// `None`: there is no such file. A link is followed inside the folder only.
fn read_one(root: &Path, name: &str) -> io::Result<Option<String>> {
    let path = match fs::canonicalize(root.join(name)) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(root.join(name)).is_err() =>
        {
            return Ok(None);
        }
        path => path?,
    };
    if !path.starts_with(root) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is a link that leads out of the folder",
        ));
    }
    // Resolved already: what has become a link meanwhile is refused, and a pipe does not hold us up.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(&path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file of at most 1 MB"));
    }
    let mut source = String::new();
    file.take(LARGEST).read_to_string(&mut source)?;
    Ok(Some(source))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_of_the_folder_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, outside) = (dir.path().join("mine"), dir.path().join("secret.html"));
        fs::create_dir_all(folder.join("parts")).unwrap();
        fs::write(&outside, "secret").unwrap();
        fs::write(folder.join("parts/list.html"), "inside").unwrap();
        fs::write(folder.join("index.html"), "mine").unwrap();
        fs::write(folder.join("report.js"), "alert(1)").unwrap();
        symlink(&outside, folder.join("device.html")).unwrap();
        symlink("parts/list.html", folder.join("devices.html")).unwrap();
        symlink("nowhere", folder.join("group.html")).unwrap();
        let found = read(&folder);
        let names: Vec<(&str, &str)> = found.sources.iter().map(|(n, s)| (n.as_str(), s.as_str())).collect();
        assert_eq!(names, [("devices.html", "inside"), ("index.html", "mine")]);
        let error = read_one(&fs::canonicalize(&folder).unwrap(), "device.html").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(read(&dir.path().join("nowhere")).sources.is_empty());
    }
}
