//! Which host keys are trusted, from a file in the format of OpenSSH.
//!
//! Strict, and closed when in doubt: a host without an entry is refused, a
//! changed key is refused, so is a key of a kind that was never seen for a
//! pinned host, and a line that cannot be read fails the whole file. russh's
//! own checker is weaker on each of these.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::{Algorithm, HashAlg, PublicKey};

use super::sha1::hmac_sha1;

/// A public host key. Wrapped, so that no other room needs to know russh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey(pub(super) PublicKey);

impl HostKey {
    /// Reads `ssh-ed25519 AAAA… [comment]`.
    pub fn parse(line: &str) -> Option<Self> {
        PublicKey::from_openssh(line.trim()).ok().map(Self::bare)
    }

    /// The same key without its comment, so that equal keys are equal.
    pub(super) fn bare(mut key: PublicKey) -> Self {
        key.set_comment(String::new());
        Self(key)
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` …
    pub fn algorithm(&self) -> String {
        self.0.algorithm().as_str().to_owned()
    }
}

/// `ssh-ed25519 AAAA…`, the form that [`HostKey::parse`] reads.
impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_openssh().map_err(|_| fmt::Error)?.trim_end())
    }
}

/// What the file says about one key of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Known,
    /// No line is about this host.
    Unknown {
        fingerprint: String,
    },
    /// Another key of the same algorithm is pinned.
    Changed {
        expected: String,
        got: String,
    },
    /// Only keys of other algorithms are pinned.
    OtherAlgorithm {
        pinned: String,
        fingerprint: String,
    },
    /// `@revoked`: refused whatever other lines say.
    Revoked {
        line: usize,
    },
    /// Only a `@cert-authority` line is about this host; certificates are not supported.
    Authority {
        line: usize,
    },
}

impl Verdict {
    /// The fingerprint of the key that was shown, where it may be replaced by naming it.
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::Unknown { fingerprint }
            | Self::OtherAlgorithm { fingerprint, .. }
            | Self::Changed { got: fingerprint, .. } => Some(fingerprint),
            Self::Known | Self::Revoked { .. } | Self::Authority { .. } => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("its key is known"),
            Self::Unknown { fingerprint } => write!(f, "its key {fingerprint} is not known"),
            Self::Changed { expected, got } => {
                write!(f, "its key changed: {expected} is pinned, it shows {got}")
            }
            Self::OtherAlgorithm { pinned, fingerprint } => {
                write!(f, "it shows a key of another kind, {fingerprint}; {pinned} is pinned")
            }
            Self::Revoked { line } => write!(f, "its key is revoked in line {line} of the known hosts"),
            Self::Authority { line } => {
                write!(
                    f,
                    "line {line} of the known hosts names a certificate authority, which is not supported"
                )
            }
        }
    }
}

/// Why the known hosts could not be read or written. Nothing is trusted then.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    #[error("failed to read the known hosts in {path}; nothing is trusted until it can be read")]
    Read { path: PathBuf, source: io::Error },

    #[error("{path}:{line}: not a known_hosts line; nothing is trusted until it is mended or removed")]
    Malformed { path: PathBuf, line: usize },

    #[error("failed to write the known hosts to {path}")]
    Write { path: PathBuf, source: io::Error },

    #[error("{host} is pinned to another key ({pinned}); it is replaced only by its fingerprint")]
    Pinned { host: String, pinned: String },

    #[error("{path}:{line}: covers {host} by a pattern; edit that line by hand")]
    Pattern { path: PathBuf, line: usize, host: String },

    #[error("'{host}' is not a host name or address")]
    BadHost { host: String },
}

#[derive(Clone, Debug)]
struct Line {
    number: usize,
    marker: Option<Marker>,
    hosts: HostPatterns,
    key: HostKey,
}

/// The known hosts, read once.
#[derive(Clone, Debug)]
pub struct KnownHosts {
    path: PathBuf,
    lines: Vec<Line>,
    /// Lines by each host that they name literally.
    exact: HashMap<String, Vec<usize>>,
    /// Lines with wildcards, negations or hashed names: looked at every time.
    loose: Vec<usize>,
}

impl KnownHosts {
    /// Reads `path`. A missing file knows no host; an unreadable one is an error.
    pub fn load(path: &Path) -> Result<Self, KnownHostsError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::read(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::read("", path),
            Err(source) => Err(KnownHostsError::Read { path: path.to_owned(), source }),
        }
    }

    /// Reads the text of a `known_hosts` file; `path` is for messages and for [`Self::enrol`].
    pub fn read(text: &str, path: &Path) -> Result<Self, KnownHostsError> {
        let mut known =
            Self { path: path.to_owned(), lines: Vec::new(), exact: HashMap::new(), loose: Vec::new() };
        for (index, text) in text.lines().enumerate() {
            let number = index + 1;
            // As in OpenSSH, `#` starts a comment only at the start of a line.
            if text.trim_start().starts_with('#') || text.trim().is_empty() {
                continue;
            }
            let entry = entry(text)
                .ok_or_else(|| KnownHostsError::Malformed { path: path.to_owned(), line: number })?;
            known.add(number, &entry);
        }
        Ok(known)
    }

    fn add(&mut self, number: usize, entry: &Entry) {
        let index = self.lines.len();
        match entry.host_patterns() {
            HostPatterns::Patterns(patterns) if !patterns.iter().any(|p| p.contains(['*', '?', '!'])) => {
                for pattern in patterns {
                    self.exact.entry(pattern.to_ascii_lowercase()).or_default().push(index);
                }
            }
            _ => self.loose.push(index),
        }
        self.lines.push(Line {
            number,
            marker: entry.marker().copied(),
            hosts: entry.host_patterns().clone(),
            key: HostKey::bare(entry.public_key().clone()),
        });
    }

    /// Where the lines come from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says about `key` as the key of `host` at `port`.
    pub fn verdict(&self, host: &str, port: u16, key: &HostKey) -> Verdict {
        let lines = self.lines_about(host, port);
        if let Some(line) =
            lines.iter().find(|line| line.marker == Some(Marker::Revoked) && line.key.0 == key.0)
        {
            return Verdict::Revoked { line: line.number };
        }
        let pins: Vec<&HostKey> =
            lines.iter().filter(|line| line.marker.is_none()).map(|line| &line.key).collect();
        if pins.contains(&key) {
            return Verdict::Known;
        }
        if let Some(pin) = pins.iter().find(|pin| pin.0.algorithm() == key.0.algorithm()) {
            return Verdict::Changed { expected: pin.fingerprint(), got: key.fingerprint() };
        }
        if let Some(pin) = pins.first() {
            return Verdict::OtherAlgorithm {
                pinned: format!("{} {}", pin.algorithm(), pin.fingerprint()),
                fingerprint: key.fingerprint(),
            };
        }
        match lines.iter().find(|line| line.marker == Some(Marker::CertAuthority)) {
            Some(line) => Verdict::Authority { line: line.number },
            None => Verdict::Unknown { fingerprint: key.fingerprint() },
        }
    }

    /// Whether any key is pinned for a host.
    pub fn knows(&self, host: &str, port: u16) -> bool {
        self.lines_about(host, port).iter().any(|line| line.marker.is_none())
    }

    /// Adds the lines of `other` that are not there yet, and says how many.
    pub fn take(&mut self, other: &Path) -> Result<usize, KnownHostsError> {
        let read = |path: &Path| match fs::read_to_string(path) {
            Ok(text) => Ok(text),
            Err(source) => Err(KnownHostsError::Read { path: path.to_owned(), source }),
        };
        let text = read(other)?;
        Self::read(&text, other)?;
        let have = if self.path.exists() { read(&self.path)? } else { String::new() };
        let have: std::collections::HashSet<&str> = have.lines().map(str::trim).collect();
        let new: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#') && !have.contains(line))
            .collect();
        if !new.is_empty() {
            append(&self.path, &(new.join("\n") + "\n"))
                .map_err(|source| KnownHostsError::Write { path: self.path.clone(), source })?;
            *self = Self::load(&self.path)?;
        }
        Ok(new.len())
    }

    /// The algorithms of the keys pinned for a host, so that the handshake
    /// can ask for one of them first.
    pub(super) fn pinned_algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        self.lines_about(host, port)
            .into_iter()
            .filter(|line| line.marker.is_none())
            .map(|line| line.key.0.algorithm())
            .collect()
    }

    /// The lines about a host, in the order of the file.
    fn lines_about(&self, host: &str, port: u16) -> Vec<&Line> {
        let name = spelled(host, port);
        let mut found: Vec<usize> = self.exact.get(&name).cloned().unwrap_or_default();
        found.extend(self.loose.iter().filter(|&&index| matches(&self.lines[index].hosts, &name)));
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|index| &self.lines[index]).collect()
    }

    /// Pins `key` for a host that is not pinned yet, in the file and here.
    /// `false` when it was pinned already. A host with another key is refused.
    pub fn enrol(&mut self, host: &str, port: u16, key: &HostKey) -> Result<bool, KnownHostsError> {
        match self.verdict(host, port, key) {
            Verdict::Known => return Ok(false),
            Verdict::Unknown { .. } | Verdict::Authority { .. } => {}
            Verdict::Changed { expected: pinned, .. } | Verdict::OtherAlgorithm { pinned, .. } => {
                return Err(KnownHostsError::Pinned { host: spelled(host, port), pinned });
            }
            Verdict::Revoked { .. } => {
                let pinned = "it is revoked".to_owned();
                return Err(KnownHostsError::Pinned { host: spelled(host, port), pinned });
            }
        }
        let text = pin(host, port, key)?;
        append(&self.path, &text)
            .map_err(|source| KnownHostsError::Write { path: self.path.clone(), source })?;
        // Not read again: enrolling a thousand hosts stays linear.
        let number = self.lines.last().map_or(1, |line| line.number + 1);
        if let Some(entry) = entry(&text) {
            self.add(number, &entry);
        }
        Ok(true)
    }

    /// Pins `key` for a host in place of whatever is pinned for it. Lines
    /// that cover the host by a wildcard are not touched: that is an error.
    pub fn replace(&mut self, host: &str, port: u16, key: &HostKey) -> Result<(), KnownHostsError> {
        let new = pin(host, port, key)?;
        if let Verdict::Revoked { .. } = self.verdict(host, port, key) {
            let pinned = "the new key is revoked".to_owned();
            return Err(KnownHostsError::Pinned { host: spelled(host, port), pinned });
        }
        let old = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(KnownHostsError::Read { path: self.path.clone(), source }),
        };
        let mut text = self.without(&old, &spelled(host, port))?;
        text.push_str(&new);
        rewrite(&self.path, &text)
            .map_err(|source| KnownHostsError::Write { path: self.path.clone(), source })?;
        *self = Self::load(&self.path)?;
        Ok(())
    }

    /// `text` without the pins of the host that is spelled `name`.
    fn without(&self, text: &str, name: &str) -> Result<String, KnownHostsError> {
        let mut kept = String::with_capacity(text.len() + 128);
        for (index, line) in text.lines().enumerate() {
            let about = if line.trim_start().starts_with('#') { None } else { entry(line) };
            match about {
                Some(entry) if entry.marker().is_none() && matches(entry.host_patterns(), name) => {
                    let HostPatterns::Patterns(patterns) = entry.host_patterns() else { continue };
                    let others: Vec<&str> = patterns
                        .iter()
                        .map(String::as_str)
                        .filter(|pattern| !pattern.eq_ignore_ascii_case(name))
                        .collect();
                    if others.len() == patterns.len() {
                        let (path, host) = (self.path.clone(), name.to_owned());
                        return Err(KnownHostsError::Pattern { path, line: index + 1, host });
                    }
                    if !others.is_empty() {
                        kept.push_str(
                            &[&others.join(","), " ", &HostKey(entry.into()).to_string(), "\n"].concat(),
                        );
                    }
                }
                _ => {
                    kept.push_str(line);
                    kept.push('\n');
                }
            }
        }
        Ok(kept)
    }
}

/// One line, its fields separated by any blanks (the parser wants one space).
fn entry(line: &str) -> Option<Entry> {
    line.split_ascii_whitespace().collect::<Vec<_>>().join(" ").parse().ok()
}

/// How a host is spelled in the file: `name`, or `[name]:port` when the port is not 22.
fn spelled(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// The line that pins `key`.
fn pin(host: &str, port: u16, key: &HostKey) -> Result<String, KnownHostsError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(KnownHostsError::BadHost { host: host.escape_default().to_string() });
    }
    Ok(format!("{} {key}\n", spelled(host, port)))
}

fn matches(hosts: &HostPatterns, name: &str) -> bool {
    match hosts {
        HostPatterns::Patterns(patterns) => {
            let hit = |pattern: &str| glob(pattern.to_ascii_lowercase().as_bytes(), name.as_bytes());
            let mut found = false;
            for pattern in patterns {
                match pattern.strip_prefix('!') {
                    // One negation that matches ends the matter, as in OpenSSH.
                    Some(negated) if hit(negated) => return false,
                    Some(_) => {}
                    None => found |= hit(pattern),
                }
            }
            found
        }
        HostPatterns::HashedName { salt, hash } => hmac_sha1(salt, name.as_bytes()) == *hash,
    }
}

/// `*` and `?`; linear in the text for each star.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// One write to the end of the file: several processes may enrol at once.
fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut text = Vec::with_capacity(line.len() + 1);
    if !ends_with_newline(&mut file)? {
        text.push(b'\n');
    }
    text.extend_from_slice(line.as_bytes());
    file.write_all(&text)?;
    file.sync_all()
}

/// An empty file counts as ended.
fn ends_with_newline(file: &mut fs::File) -> io::Result<bool> {
    use std::io::{Seek as _, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last[0] == b'\n')
}

/// The whole file anew: written beside, then renamed.
fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // The first error is the one to report; a left-over file is harmless.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const ED25519_NEW: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK2pr+Bfus1hvPof4Wb/plZCzSbqadHH0u+/f4ODtKnE";

    fn key(text: &str) -> HostKey {
        HostKey::parse(text).unwrap()
    }

    /// A key of another algorithm than ed25519: the base point of NIST P-256,
    /// which is on the curve and nobody's.
    fn p256() -> HostKey {
        key(
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=",
        )
    }

    fn known(text: &str) -> KnownHosts {
        KnownHosts::read(text, Path::new("known_hosts")).unwrap()
    }

    fn verdict(text: &str, host: &str, port: u16, shown: &HostKey) -> Verdict {
        known(text).verdict(host, port, shown)
    }

    #[test]
    fn the_eight_cases() {
        let (pinned, new) = (key(ED25519), key(ED25519_NEW));
        let file = format!("# ours\n\ndn-1,10.0.0.1\t{ED25519}  a comment\n");
        // Unknown and known.
        let unknown = Verdict::Unknown { fingerprint: pinned.fingerprint() };
        assert_eq!(verdict(&file, "dn-2", 22, &pinned), unknown);
        assert_eq!(verdict("", "dn-1", 22, &pinned), unknown);
        assert_eq!(verdict(&file, "DN-1", 22, &pinned), Verdict::Known);
        assert_eq!(verdict(&file, "10.0.0.1", 22, &pinned), Verdict::Known);
        // Changed.
        let changed = Verdict::Changed { expected: pinned.fingerprint(), got: new.fingerprint() };
        assert_eq!(verdict(&file, "dn-1", 22, &new), changed);
        // Other algorithm: never taken silently.
        assert!(matches!(verdict(&file, "dn-1", 22, &p256()), Verdict::OtherAlgorithm { .. }));
        // Revoked wins over pinned.
        let revoked = format!("{file}@revoked * {ED25519}\n");
        assert_eq!(verdict(&revoked, "dn-1", 22, &pinned), Verdict::Revoked { line: 4 });
        assert_eq!(verdict(&revoked, "dn-1", 22, &new), changed);
        // Unreadable: a folder cannot be read as a file; a bad line names itself.
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(KnownHosts::load(folder.path()), Err(KnownHostsError::Read { .. })));
        let bad = KnownHosts::read(&format!("{file}dn-3 ssh-ed25519 no\n"), Path::new("/k")).unwrap_err();
        assert!(bad.to_string().starts_with("/k:4: "), "{bad}");
        // Hashed, made with `ssh-keygen -H` semantics.
        let hash = hmac_sha1(b"12345678901234567890", b"[dn-9]:2222");
        let hashed = HostPatterns::HashedName { salt: b"12345678901234567890".to_vec(), hash };
        let file = format!("{} {ED25519}\n", hashed.to_string());
        assert_eq!(verdict(&file, "dn-9", 2222, &pinned), Verdict::Known);
        assert_eq!(verdict(&file, "dn-9", 22, &pinned), unknown);
        // Another port is another host.
        let file = format!("[dn-1]:2222 {ED25519}\n");
        assert_eq!(verdict(&file, "dn-1", 2222, &pinned), Verdict::Known);
        assert_eq!(verdict(&file, "dn-1", 22, &pinned), unknown);
    }

    #[test]
    fn patterns_negations_and_authorities() {
        let pinned = key(ED25519);
        let file = format!("*.lab,!gw.lab,10.0.?.1 {ED25519}\n@cert-authority *.ca {ED25519}\n");
        assert_eq!(verdict(&file, "leaf.lab", 22, &pinned), Verdict::Known);
        assert_eq!(verdict(&file, "10.0.7.1", 22, &pinned), Verdict::Known);
        assert!(matches!(verdict(&file, "gw.lab", 22, &pinned), Verdict::Unknown { .. }));
        assert_eq!(verdict(&file, "x.ca", 22, &pinned), Verdict::Authority { line: 2 });
        assert!(glob(b"a*b*c", b"aXbXbc") && !glob(b"a*b*c", b"aXbX") && glob(b"*", b""));
    }

    #[test]
    fn enrol_appends_once_and_replace_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        fs::write(&path, format!("# kept\ndn-1,alias {ED25519}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut hosts = KnownHosts::load(&path).unwrap();
        assert!(!hosts.enrol("dn-1", 22, &key(ED25519)).unwrap());
        assert!(hosts.enrol("dn-1", 2222, &p256()).unwrap());
        assert!(matches!(hosts.enrol("dn-1", 22, &key(ED25519_NEW)), Err(KnownHostsError::Pinned { .. })));
        assert!(matches!(hosts.enrol("a b", 22, &key(ED25519)), Err(KnownHostsError::BadHost { .. })));
        hosts.replace("dn-1", 22, &key(ED25519_NEW)).unwrap();
        assert_eq!(hosts.verdict("dn-1", 22, &key(ED25519_NEW)), Verdict::Known);
        assert_eq!(hosts.verdict("alias", 22, &key(ED25519)), Verdict::Known);
        assert_eq!(hosts.verdict("dn-1", 2222, &p256()), Verdict::Known);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("# kept\nalias {ED25519}\n[dn-1]:2222 {}\ndn-1 {ED25519_NEW}\n", p256()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_wildcard_pin_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        fs::write(&path, format!("*.lab {ED25519}\n")).unwrap();
        let mut hosts = KnownHosts::load(&path).unwrap();
        let error = hosts.replace("leaf.lab", 22, &key(ED25519_NEW)).unwrap_err();
        assert!(matches!(error, KnownHostsError::Pattern { line: 1, .. }), "{error}");
    }
}
