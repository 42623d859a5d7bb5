//! What every job gets: where the data is, what time it is, how to reach a
//! device, whom to tell.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{JobError, Stop};
use crate::analysis::{Accounts, Ignores, Rules};
use crate::clock::Clock;
use crate::config::{Jump, Settings, window};
use crate::device::credential::Credentials;
use crate::device::known_hosts::KnownHosts;
use crate::device::{Fetch, SshFetcher};
use crate::model::{Device, DeviceName, Event};
use crate::platform::keep::Keeper;
use crate::store::Store;
use crate::sync::Policies;

/// How long a job waits for another process to close the store. Openings are
/// short; a wait this long means that somebody holds the file in another tool.
const STORE_WAIT: Duration = Duration::from_secs(15);

/// Something that is told what happens.
pub type Sink = Arc<dyn Fn(&Event) + Send + Sync>;

/// Where the events of a run go.
#[derive(Clone)]
pub struct Events(Option<Sink>);

impl Events {
    pub fn none() -> Self {
        Self(None)
    }

    pub fn to(sink: Sink) -> Self {
        Self(Some(sink))
    }

    pub(super) fn say(&self, event: &Event) {
        if let Some(sink) = &self.0 {
            sink(event);
        }
    }
}

/// The surroundings of a job.
#[derive(Clone)]
pub struct Env {
    pub dir: PathBuf,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    pub fetch: Arc<dyn Fetch>,
    pub keeper: Arc<Keeper>,
    /// What the record claims to know, compiled from the settings.
    pub coverage: Arc<Rules>,
    /// What may be accepted without a person, compiled from the settings.
    pub policies: Arc<Policies>,
    /// What the user calls noise, compiled from the settings.
    pub ignores: Arc<Ignores>,
    /// Whose commits say where a drift came from, compiled from the settings.
    pub accounts: Arc<Accounts>,
    pub events: Events,
    /// Whether windows are heeded. Only a person who asks for a scan may say no.
    pub heed_windows: bool,
    /// When it is pressed, a run finishes what is under way and ends.
    pub stop: Stop,
}

impl Env {
    /// The usual surroundings: devices are reached over SSH.
    pub fn over_ssh(dir: PathBuf, clock: Clock, settings: Arc<Settings>) -> Result<Self, JobError> {
        create_private_folder(&dir)?;
        let fetch = ssh_fetcher(&dir, &settings)?;
        Self::with_fetch(dir, clock, settings, Arc::new(fetch))
    }

    /// Surroundings with another way to reach devices: the demo's past nights, tests.
    pub fn with_fetch(
        dir: PathBuf,
        clock: Clock,
        settings: Arc<Settings>,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Self, JobError> {
        create_private_folder(&dir)?;
        let keeper = Arc::new(Keeper::new(&fingerprint_key(&dir)?));
        let coverage = Arc::new(Rules::new(&settings.coverage)?);
        let policies = Arc::new(Policies::new(&settings.policy)?);
        let ignores = Arc::new(Ignores::new(&settings.ignore)?);
        let accounts = Arc::new(Accounts::new(&settings.cause)?);
        Ok(Self {
            dir,
            clock,
            settings,
            fetch,
            keeper,
            coverage,
            policies,
            ignores,
            accounts,
            events: Events::none(),
            heed_windows: true,
            stop: Stop::never(),
        })
    }

    /// The same, able to go through jump hosts: those of `[jump]`, and devices
    /// of the inventory that another one names in its column `jump`.
    ///
    /// Also checks the credentials, before anything is sent with them.
    pub fn with_jump_hosts(mut self) -> Result<Self, JobError> {
        Credentials::new(self.settings.credential.clone()).check()?;
        let devices: Vec<Device> =
            super::live_devices(&self)?.into_iter().map(|(_, device)| device).collect();
        if devices.iter().any(|device| device.jump.is_some()) {
            self.fetch = Arc::new(self.ssh_fetcher(&devices)?);
        }
        Ok(self)
    }

    /// An SSH client with the settings' credentials, the folder's known hosts
    /// and the jump hosts of the settings and of `devices`.
    pub fn ssh_fetcher(&self, devices: &[Device]) -> Result<SshFetcher, JobError> {
        let tables = self.jump_hosts()?;
        let named: HashSet<&str> = devices.iter().chain(&tables).filter_map(|d| d.jump.as_deref()).collect();
        let inventory = devices.iter().filter(|d| named.contains(d.name.as_str())).cloned();
        // Of two with one name the table counts: it says nothing else.
        let hosts: Vec<Device> = tables.iter().cloned().chain(inventory).collect();
        Ok(ssh_fetcher(&self.dir, &self.settings)?.with_jump_hosts(hosts))
    }

    /// The hosts of `[jump]`, by name.
    pub fn jump_hosts(&self) -> Result<Vec<Device>, JobError> {
        let host = |(name, jump): (&String, &Jump)| match DeviceName::new(name) {
            Ok(name) => Ok(jump.device(name)),
            Err(error) => Err(JobError::JumpName { name: name.clone(), error }),
        };
        self.settings.jump.iter().map(host).collect()
    }

    /// Is `device` outside of its windows now?
    pub fn is_closed_to(&self, device: &Device) -> bool {
        self.heed_windows && !window::closed(&self.settings.window, device, self.clock.now()).is_empty()
    }

    /// The store, open. Drop it as soon as it is not needed.
    pub fn store(&self) -> Result<Store, JobError> {
        Ok(Store::open(&self.dir, STORE_WAIT)?)
    }

    /// A text that differs between installations and stays the same for one:
    /// the machine's identity, as far as it can be read, and the folder.
    pub fn installation(&self) -> String {
        let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let dir = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        format!("{} {}", machine.trim(), dir.display())
    }

    pub fn known_hosts_file(&self) -> PathBuf {
        self.dir.join("known_hosts")
    }
}

/// An SSH client with the settings' credentials and the folder's known hosts.
pub(super) fn ssh_fetcher(dir: &Path, settings: &Settings) -> Result<SshFetcher, JobError> {
    let known_hosts = KnownHosts::load(&dir.join("known_hosts"))?;
    let credentials = Credentials::new(settings.credential.clone());
    Ok(SshFetcher::new(settings.ssh.clone(), known_hosts, credentials))
}

/// Creates `dir` private. An existing folder keeps its mode; `doctor` judges it.
pub(super) fn create_private_folder(dir: &Path) -> Result<(), JobError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| JobError::Folder { path: dir.to_owned(), error })
}

/// The key of the secrets' fingerprints, made on first use: 32 random bytes as
/// hex in `DIR/key`. Whoever has it can test guesses of a secret, so it is as
/// private as a password.
fn fingerprint_key(dir: &Path) -> Result<[u8; 32], JobError> {
    let path = dir.join("key");
    let fail = |error| JobError::Key { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(text) => parse_key(text.trim())
            .ok_or_else(|| fail(std::io::Error::new(std::io::ErrorKind::InvalidData, "not 64 hex digits"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if dir.join("driftcast.duckdb").exists() {
                tracing::warn!(
                    "{} is gone; a new key is made, so every kept secret will look changed once",
                    path.display()
                );
            }
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|e| fail(std::io::Error::other(e.to_string())))?;
            // Written beside and linked, so that two first runs agree on one key.
            let beside = dir.join(format!("key.{}", std::process::id()));
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)
                .map_err(fail)?;
            writeln!(file, "{}", crate::model::snapshot::hex(&key)).map_err(fail)?;
            file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(fail)?;
            file.sync_all().map_err(fail)?;
            let linked = fs::hard_link(&beside, &path);
            fs::remove_file(&beside).map_err(fail)?;
            match linked {
                Ok(()) => Ok(key),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => fingerprint_key(dir),
                Err(error) => Err(fail(error)),
            }
        }
        Err(error) => Err(fail(error)),
    }
}

fn parse_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = fingerprint_key(dir.path()).unwrap();
        assert_eq!(fingerprint_key(dir.path()).unwrap(), first);
        let mode = fs::metadata(dir.path().join("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_an_error_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("key"), "short\n").unwrap();
        assert!(fingerprint_key(dir.path()).is_err());
        assert_eq!(fs::read_to_string(dir.path().join("key")).unwrap(), "short\n");
    }
}
