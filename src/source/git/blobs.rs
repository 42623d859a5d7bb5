//! Contents, through one `git cat-file --batch` that stays at work.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::{ChildStdin, Command, Stdio};

use super::{GitError, Running, is_id};

/// A file larger than this is no configuration of one device.
const MAX_BYTES: u64 = 64 << 20;

/// What a content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    Text(Vec<u8>),
    /// It has so many bytes, and was not read.
    TooLarge(u64),
    /// The repository lacks it, as one does that was cut or is damaged.
    Missing,
}

/// A reader of contents.
pub struct Blobs {
    ask: ChildStdin,
    running: Running,
}

impl Blobs {
    pub(super) fn start(mut git: Command) -> Result<Self, GitError> {
        git.stdin(Stdio::piped());
        let mut running = Running::start(git, "cat-file")?;
        let ask = running.child.stdin.take().ok_or(GitError::Garbled("cat-file"))?;
        Ok(Self { ask, running })
    }

    /// The content of that name.
    pub fn read(&mut self, id: &str) -> Result<Blob, GitError> {
        const GARBLED: GitError = GitError::Garbled("cat-file");
        if !is_id(id) {
            return Err(GARBLED);
        }
        let asked = self.ask.write_all(format!("{id}\n").as_bytes()).and_then(|()| self.ask.flush());
        if let Err(error) = asked {
            // It is gone; what it said on the way tells why.
            return Err(self.running.end().err().unwrap_or(GitError::Run(error)));
        }
        let out = &mut self.running.out;
        let mut head = Vec::new();
        out.by_ref().take(256).read_until(b'\n', &mut head).map_err(GitError::Run)?;
        if head.is_empty() {
            return Err(self.running.end().err().unwrap_or(GARBLED));
        }
        let head = std::str::from_utf8(&head).map_err(|_| GARBLED)?.trim_ascii_end();
        let mut words = head.split(' ');
        let (found, kind, size) = (words.next(), words.next(), words.next());
        if found != Some(id) {
            return Err(GARBLED);
        }
        if kind == Some("missing") {
            return Ok(Blob::Missing);
        }
        let size: u64 = size.and_then(|size| size.parse().ok()).ok_or(GARBLED)?;
        let blob = if size > MAX_BYTES {
            let passed = io::copy(&mut out.by_ref().take(size), &mut io::sink()).map_err(GitError::Run)?;
            (passed == size).then_some(Blob::TooLarge(size))
        } else {
            let mut bytes = Vec::with_capacity(size as usize);
            out.by_ref().take(size).read_to_end(&mut bytes).map_err(GitError::Run)?;
            (bytes.len() as u64 == size).then_some(Blob::Text(bytes))
        };
        let mut end = [0];
        out.read_exact(&mut end).map_err(GitError::Run)?;
        blob.filter(|_| end == *b"\n").ok_or(GARBLED)
    }
}
