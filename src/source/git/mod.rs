//! The git repository in which Oxidized or RANCID keep what they read, asked
//! through the `git` program: who knows its formats better?
//!
//! The repository belongs to somebody else, so nothing in it is carried out: no
//! shell, no hook, no pager, no signature or diff program of its configuration,
//! no lazy fetch, no variable `GIT_…` of ours. Git's own check of who owns the
//! folder stays on. Only the named folder counts, never one above it.

mod blobs;
mod log;
mod place;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

pub use blobs::{Blob, Blobs};
pub use log::{Commit, Entry, Object};
pub use place::{Found, Places, Stray};

/// Why a repository gives no history, named by what the operator can do.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("failed to run git: there is no such program")]
    NoProgram,
    #[error("failed to run git")]
    Run(#[source] io::Error),
    #[error("failed to find a git repository in {}", .0.display())]
    NotARepository(PathBuf),
    /// Git refuses folders of other users until it is told otherwise.
    #[error("failed to read {}: it belongs to another user, and git does not trust it", .0.display())]
    NotTrusted(PathBuf),
    #[error("failed to find a commit in {}", .0.display())]
    Empty(PathBuf),
    /// What git itself says of it.
    #[error("failed to read the repository: git {what} said: {said}")]
    Said { what: &'static str, said: String },
    /// An answer that is none of git's.
    #[error("failed to understand what git {0} answered")]
    Garbled(&'static str),
}

/// A repository that can be read.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
    /// The commit at its head.
    tip: String,
}

/// Settings that no configuration of the repository may decide.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "log.showSignature=false",
    "log.showRoot=true",
    "log.follow=false",
    "protocol.allow=never",
    // The folder is the one that was named, bare or not.
    "safe.bareRepository=all",
];

/// What is kept of what git says when it fails.
const SAID: usize = 2_000;

impl Repository {
    /// The repository in `folder`: bare, or the folder with `.git` in it.
    pub fn open(folder: &Path) -> Result<Self, GitError> {
        // Git ends in its own words where the folder itself is not there.
        let folder = folder.canonicalize().map_err(|_| GitError::NotARepository(folder.to_owned()))?;
        let mut opened = Self { folder, tip: String::new() };
        opened.ask("rev-parse", &["--git-dir"])?;
        opened.tip = match opened.ask("rev-parse", &["--verify", "--quiet", "HEAD^{commit}"]) {
            Ok(tip) if is_id(tip.trim_ascii_end()) => tip.trim_ascii_end().to_owned(),
            Ok(_) => return Err(GitError::Garbled("rev-parse")),
            // With --quiet, it fails without a word where there is none.
            Err(GitError::Said { said, .. }) if said.is_empty() => {
                return Err(GitError::Empty(opened.folder));
            }
            Err(other) => return Err(other),
        };
        Ok(opened)
    }

    /// The commit at its head.
    pub fn tip(&self) -> &str {
        &self.tip
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every commit, a parent before its children. Merges are left out: what one
    /// brings in was committed before, on one of its sides.
    pub fn commits(&self, mut take: impl FnMut(Commit)) -> Result<(), GitError> {
        let mut git = self.git("log");
        git.args([
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
        ])
        .args(["--no-show-signature", "--no-notes", "--no-mailmap", "--no-decorate", "--no-merges"])
        .args(["-O/dev/null", "--topo-order", "--reverse", "--format=%x01%H %at", &self.tip, "--"]);
        let mut running = Running::start(git, "log")?;
        let mut parser = log::Parser::default();
        let mut token = Vec::new();
        let read = running.lines(0, &mut token, |token| parser.token(token, &mut take));
        running.end()?;
        read?;
        parser.end(&mut take)
    }

    /// The commits that are not in the history of `old`. `None`: the repository
    /// does not know that commit (any more).
    pub fn since(&self, old: &str) -> Result<Option<HashSet<String>>, GitError> {
        if !is_id(old) {
            return Ok(None);
        }
        let commit = format!("{old}^{{commit}}");
        let known = self.ask("rev-parse", &["--verify", "--quiet", &commit]);
        if known.is_err() || self.ask("merge-base", &["--is-ancestor", old, &self.tip]).is_err() {
            return Ok(None);
        }
        let without = format!("^{old}");
        let new = self.ask("rev-list", &[&self.tip, &without, "--"])?;
        Ok(Some(new.lines().map(str::to_owned).collect()))
    }

    /// A reader of contents. Each has a git of its own.
    pub fn blobs(&self) -> Result<Blobs, GitError> {
        let mut git = self.git("cat-file");
        git.arg("--batch");
        Blobs::start(git)
    }

    /// What a short command answers.
    fn ask(&self, what: &'static str, arguments: &[&str]) -> Result<String, GitError> {
        let mut git = self.git(what);
        git.args(arguments);
        let mut running = Running::start(git, what)?;
        let mut answer = String::new();
        let read = running.out.read_to_string(&mut answer).map_err(GitError::Run);
        running.end().map_err(|error| self.named(error))?;
        read?;
        Ok(answer)
    }

    /// What a person can do about an error of git's.
    fn named(&self, error: GitError) -> GitError {
        match &error {
            GitError::Said { said, .. } if said.contains("dubious ownership") => {
                GitError::NotTrusted(self.folder.clone())
            }
            GitError::Said { said, .. } if said.contains("not a git repository") => {
                GitError::NotARepository(self.folder.clone())
            }
            _ => error,
        }
    }

    fn git(&self, what: &str) -> Command {
        let mut git = Command::new("git");
        // Whatever a caller's shell or hook has set would point it elsewhere.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") {
                git.env_remove(&name);
            }
        }
        let above = self.folder.parent().unwrap_or(&self.folder);
        git.env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_CEILING_DIRECTORIES", above)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .arg("-C")
            .arg(self.folder.as_os_str())
            .args(["--no-pager", "--no-replace-objects", "--literal-pathspecs"]);
        for setting in SETTINGS {
            git.args([OsStr::new("-c"), OsStr::new(setting)]);
        }
        git.arg(what);
        git
    }
}

/// A SHA-1 or SHA-256 in hex.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A git at work. What it says is read aside, so that it never waits for us.
struct Running {
    what: &'static str,
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    said: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    fn start(mut git: Command, what: &'static str) -> Result<Self, GitError> {
        let started = git.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GitError::NoProgram,
            _ => GitError::Run(error),
        })?;
        let (Some(out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(GitError::Garbled(what));
        };
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = err.by_ref().take(SAID as u64).read_to_end(&mut said);
            let _ = io::copy(&mut err, &mut io::sink());
            said
        });
        Ok(Self { what, child, out: BufReader::with_capacity(1 << 16, out), said: Some(said) })
    }

    /// Its output, cut at `end`.
    fn lines(
        &mut self,
        end: u8,
        line: &mut Vec<u8>,
        mut take: impl FnMut(&[u8]) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        loop {
            line.clear();
            if self.out.read_until(end, line).map_err(GitError::Run)? == 0 {
                return Ok(());
            }
            if line.last() == Some(&end) {
                line.pop();
            }
            take(line)?;
        }
    }

    /// Waits for its end: an error is what it said.
    fn end(&mut self) -> Result<(), GitError> {
        // Nobody reads on: without this it could wait for us for ever.
        let drained = io::copy(&mut self.out, &mut io::sink()).map_err(GitError::Run);
        let status = self.child.wait().map_err(GitError::Run)?;
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        if !status.success() {
            let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
            return Err(GitError::Said { what: self.what, said });
        }
        drained.map(|_| ())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is over in all cases but one: somebody gave up in the middle.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
