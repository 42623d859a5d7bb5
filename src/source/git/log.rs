//! What `git log --raw -z` prints → commits with the files that they touched.

use super::{GitError, is_id};

/// The name of a content, as git gives it. `None` stands for no file.
pub type Object = Option<Box<str>>;

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    /// When its author made it, in seconds since 1970. A poller is the author;
    /// a history that is rewritten later keeps these times.
    pub at: i64,
    pub entries: Vec<Entry>,
}

/// A file that a commit touched, with its content before and after it. What is
/// no file there (a link, a module) counts as none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As git has it: bytes, parts divided by `/`.
    pub path: Vec<u8>,
    pub before: Object,
    pub after: Object,
}

/// Takes the output apart: pieces that end with NUL.
#[derive(Default)]
pub(super) struct Parser {
    commit: Option<Commit>,
    /// The contents that belong to the path that comes next.
    pending: Option<(Object, Object)>,
}

impl Parser {
    pub(super) fn token(&mut self, token: &[u8], take: &mut impl FnMut(Commit)) -> Result<(), GitError> {
        const GARBLED: GitError = GitError::Garbled("log");
        if let Some((before, after)) = self.pending.take() {
            // A path may be anything, so it is not looked at.
            let commit = self.commit.as_mut().ok_or(GARBLED)?;
            if before != after {
                commit.entries.push(Entry { path: token.to_vec(), before, after });
            }
            return Ok(());
        }
        let token = token.trim_ascii_start();
        if token.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(token).map_err(|_| GARBLED)?;
        if let Some(header) = text.strip_prefix('\u{1}') {
            let (id, at) = header.split_once(' ').ok_or(GARBLED)?;
            if !is_id(id) {
                return Err(GARBLED);
            }
            if let Some(done) = self.commit.take() {
                take(done);
            }
            // A time that git itself cannot print is that of a broken commit.
            let at = at.trim_ascii().parse().unwrap_or(0);
            self.commit = Some(Commit { id: id.to_owned(), at, entries: Vec::new() });
            return Ok(());
        }
        let mut words = text.strip_prefix(':').ok_or(GARBLED)?.split(' ');
        let mut next = || words.next().ok_or(GARBLED);
        let (mode_before, mode_after, before, after) = (next()?, next()?, next()?, next()?);
        self.pending = Some((object(mode_before, before)?, object(mode_after, after)?));
        Ok(())
    }

    pub(super) fn end(self, take: &mut impl FnMut(Commit)) -> Result<(), GitError> {
        if self.pending.is_some() {
            return Err(GitError::Garbled("log"));
        }
        self.commit.into_iter().for_each(take);
        Ok(())
    }
}

fn object(mode: &str, id: &str) -> Result<Object, GitError> {
    if !is_id(id) {
        return Err(GitError::Garbled("log"));
    }
    let file = mode == "100644" || mode == "100755" || mode == "100664";
    Ok((file && id.bytes().any(|b| b != b'0')).then(|| id.into()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Commit>, GitError> {
        let mut commits = Vec::new();
        let mut parser = Parser::default();
        let text = text.strip_suffix('\0').unwrap_or(text);
        for token in text.split('\0') {
            parser.token(token.as_bytes(), &mut |commit| commits.push(commit))?;
        }
        parser.end(&mut |commit| commits.push(commit))?;
        Ok(commits)
    }

    #[test]
    fn commits_entries_and_paths_that_look_like_either() {
        let (one, two, none) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let text = format!(
            "\u{1}{one} 1700000000\0\n:000000 100644 {none} {two} A\0g/leaf1\0\
             \u{1}{two} 1700000100\0\u{1}{one} 17\0\n:100644 000000 {two} {none} D\0\u{1}odd\nname\0\
             :100644 120000 {two} {one} T\0link\0:100644 100755 {two} {two} M\0mode\0"
        );
        let commits = parsed(&text).unwrap();
        assert_eq!(commits.len(), 3);
        assert_eq!((commits[0].at, commits[0].entries[0].path.as_slice()), (1_700_000_000, &b"g/leaf1"[..]));
        assert_eq!(commits[0].entries[0].after.as_deref(), Some(two.as_str()));
        // A merge has none; a link is no file; another mode is the same content.
        assert!(commits[1].entries.is_empty());
        assert_eq!(commits[2].entries.len(), 2);
        assert_eq!(commits[2].entries[0].path, b"\x01odd\nname");
        assert_eq!(
            (commits[2].entries[0].after.as_deref(), commits[2].entries[1].after.as_deref()),
            (None, None)
        );
        assert!(parsed("").unwrap().is_empty());
        for bad in
            ["x", "\u{1}", ":1 2", &format!("\u{1}{one} 1\0\n:000000 100644 {none} {two} A"), "\u{1}short 1"]
        {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
