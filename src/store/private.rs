//! Files and folders that nobody else may read, whatever the umask.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes `path` and its missing parents. What is made is 0700; what was there
/// stays as it is, since the owner may have had a reason (health tells).
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
    {
        make_dir(parent)?;
    }
    match DirBuilder::new().mode(DIR_MODE).create(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other,
    }
}

/// Opens a file for reading and writing; makes it 0600 if it is missing.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

/// Opens a file for appending (and reading); makes it 0600 if it is missing.
pub(super) fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path)
}

/// Takes all rights of others from a file that somebody else's code made
/// (`DuckDB` opens its files with 0666). A missing file is fine. The path is not
/// opened: closing any second descriptor would drop `DuckDB`'s own lock.
pub(super) fn close_to_others(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The permission bits of `path` if others have any right on it.
pub(super) fn open_to_others(path: &Path) -> Option<u32> {
    let mode = fs::symlink_metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_is_made_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        make_dir(&deep).unwrap();
        assert_eq!(open_to_others(&deep), None);
        open_file(&deep.join("f")).unwrap();
        assert_eq!(open_to_others(&deep.join("f")), None);

        let loose = deep.join("loose");
        fs::write(&loose, "x").unwrap();
        fs::set_permissions(&loose, Permissions::from_mode(0o666)).unwrap();
        assert_eq!(open_to_others(&loose), Some(0o666));
        close_to_others(&loose).unwrap();
        assert_eq!(open_to_others(&loose), None);
        close_to_others(&deep.join("missing")).unwrap();
    }
}
