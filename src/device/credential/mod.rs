//! How we log in, and the guard that keeps a wrong password from locking
//! accounts.
//!
//! Secrets come from the environment, a private file, a command or an agent;
//! never from an argument, the configuration or the database. They live in
//! `secrecy` types, so no `Debug` and no log can show them. One credential is
//! proved on one device before it is tried on others, and three devices that
//! refuse it stop it for good.

mod guard;

mod secret;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::PrivateKey;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::model::DeviceName;

use super::DeviceError;

use guard::Guard;
pub(super) use guard::Turn;

/// The credential of the simulated fleet, built in and good on loopback only.
pub const LAB: &str = "lab";
const LAB_USER: &str = "driftcast";
const LAB_PASSWORD: &str = "lab";

/// What is used where the inventory names no credential.
const ENVIRONMENT: &str = "environment";

/// One `[credential.NAME]` of the configuration: a user, and one password
/// source at most, a key or an agent. It holds where a secret is, never one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialTable {
    pub username: String,
    /// Name of an environment variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// A file with the password, readable by its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A shell command that prints the password within ten seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_command: Option<String>,
    /// An OpenSSH private key without a passphrase, readable by its owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// `true`: the first key of ssh-agent. A text: the key with that comment or `SHA256:` fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentKey>,
    /// Instead of `logins_per_minute` in `[ssh]`; 0 is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logins_per_minute: Option<u32>,
}

/// Which key of ssh-agent is used. Exactly one: servers count every key that is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AgentKey {
    First(bool),
    Named(String),
}

impl AgentKey {
    fn is_on(&self) -> bool {
        !matches!(self, Self::First(false))
    }
}

/// Why there is nothing to log in with. Found before any packet is sent.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("the credential '{name}' is not in the configuration; add [credential.{name}]")]
    Unknown { name: String },

    #[error(
        "no credential: set DRIFTCAST_USERNAME and DRIFTCAST_PASSWORD, start ssh-agent, \
         or name one in the inventory"
    )]
    None,

    #[error(
        "[credential.{name}] needs a username and one of password_env, password_file, password_command, key_file, agent"
    )]
    Sources { name: String },

    #[error("[credential.{name}]: that name is built in; choose another")]
    Reserved { name: String },

    #[error("the credential 'lab' works on loopback addresses only; give {address} one of its own")]
    NotLoopback { address: String },

    #[error("[credential.{name}]: the environment variable {variable} is not set or empty")]
    Variable { name: String, variable: String },

    #[error("[credential.{name}]: failed to read {path}")]
    File { name: String, path: PathBuf, source: io::Error },

    #[error("[credential.{name}]: {path} can be read by others than its owner; run `chmod 600 {path}`")]
    Mode { name: String, path: PathBuf },

    #[error("[credential.{name}]: {path} belongs to another user; run `chown` and `chmod 600` on it")]
    Owner { name: String, path: PathBuf },

    #[error("[credential.{name}]: the password in {path} is empty")]
    EmptyFile { name: String, path: PathBuf },

    #[error(
        "[credential.{name}]: {path} has a passphrase, which is not supported; add it to ssh-agent and use `agent`"
    )]
    Passphrase { name: String, path: PathBuf },

    #[error("[credential.{name}]: {path} is not a private key that we can read")]
    NotAKey { name: String, path: PathBuf },

    #[error("[credential.{name}]: failed to run password_command")]
    Command { name: String, source: io::Error },

    #[error("[credential.{name}]: password_command gave no password ({why})")]
    NoPassword { name: String, why: &'static str },

    #[error("[credential.{name}]: failed to use ssh-agent; {why}")]
    Agent { name: String, why: &'static str },
}

/// A loaded credential.
pub(super) struct Login {
    /// Its name in the configuration.
    pub(super) name: String,
    pub(super) user: String,
    pub(super) key: Option<Arc<PrivateKey>>,
    pub(super) agent: Option<Agent>,
    pub(super) password: Option<SecretString>,
    /// Refused for every address that is not loopback.
    pub(super) loopback_only: bool,
    /// A rate of its own.
    pub(super) logins_per_minute: Option<u32>,
}

/// A running ssh-agent and which of its keys to use.
pub(super) struct Agent {
    pub(super) socket: PathBuf,
    pub(super) key: AgentKey,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).field("user", &self.user).finish_non_exhaustive()
    }
}

type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// All credentials of one run, loaded when first used. Build a new value for
/// each run: what was refused stays refused for the life of this one.
pub struct Credentials {
    tables: BTreeMap<String, CredentialTable>,
    environment: Lookup,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("names", &self.tables.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Slot {
    login: OnceCell<Result<Arc<Login>, Arc<CredentialError>>>,
    guard: Guard,
}

impl Credentials {
    /// The credentials of the configuration, beside those of the environment.
    pub fn new(tables: BTreeMap<String, CredentialTable>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads secrets from the environment"
        )]
        Self::with_environment(tables, |name| std::env::var(name).ok())
    }

    /// As [`Self::new`], with another environment. For tests.
    pub fn with_environment(
        tables: BTreeMap<String, CredentialTable>,
        environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { tables, environment: Box::new(environment), slots: Mutex::default() }
    }

    /// Checks what can be checked without running a command or a packet:
    /// tables, variables, files and their modes. The first fault is returned.
    pub fn check(&self) -> Result<(), CredentialError> {
        for (name, table) in &self.tables {
            Self::sources(name, table)?;
            if let Some(variable) = &table.password_env {
                self.variable(name, variable)?;
            }
            if let Some(path) = &table.password_file {
                secret::from_file(name, path)?;
            }
            if let Some(path) = &table.key_file {
                secret::key_file(name, path)?;
            }
        }
        Ok(())
    }

    /// The login behind a name of the inventory. It is loaded once, and so is
    /// its failure: a broken password command is not run for each device.
    pub(super) async fn login(&self, name: Option<&str>) -> Result<Arc<Login>, DeviceError> {
        let name = name.unwrap_or(ENVIRONMENT);
        let slot = self.slot(name);
        let load = || async { self.load(name).await.map(Arc::new).map_err(Arc::new) };
        Ok(slot.login.get_or_init(load).await.clone()?)
    }

    /// Waits until `device` may try the credential, which is at once as soon
    /// as some device has taken it.
    pub(super) async fn turn(&self, login: &Login, device: &DeviceName) -> Result<Turn, DeviceError> {
        self.slot(&login.name).guard.turn(&login.name, device).await
    }

    /// As [`Self::turn`], without waiting: an error if the turn will never come.
    pub(super) fn check_turn(&self, login: &Login, device: &DeviceName) -> Result<(), DeviceError> {
        self.slot(&login.name).guard.is_open(&login.name, device).map(|_| ())
    }

    fn slot(&self, name: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.get(name) {
            Some(slot) => Arc::clone(slot),
            None => Arc::clone(slots.entry(name.to_owned()).or_default()),
        }
    }

    async fn load(&self, name: &str) -> Result<Login, CredentialError> {
        let Some(table) = self.tables.get(name) else {
            return match name {
                ENVIRONMENT => self.default_login(),
                LAB => Ok(lab()),
                _ => Err(CredentialError::Unknown { name: name.to_owned() }),
            };
        };
        Self::sources(name, table)?;
        let mut login = Login {
            name: name.to_owned(),
            user: table.username.clone(),
            key: None,
            agent: None,
            password: None,
            loopback_only: false,
            logins_per_minute: table.logins_per_minute,
        };
        if let Some(path) = &table.key_file {
            login.key = Some(Arc::new(secret::key_file(name, path)?));
        }
        if let Some(key) = table.agent.as_ref().filter(|key| key.is_on()) {
            let socket = (self.environment)("SSH_AUTH_SOCK")
                .filter(|path| !path.is_empty())
                .ok_or(CredentialError::Agent { name: name.to_owned(), why: "SSH_AUTH_SOCK is not set" })?;
            login.agent = Some(Agent { socket: socket.into(), key: key.clone() });
        }
        login.password = if let Some(variable) = &table.password_env {
            Some(self.variable(name, variable)?)
        } else if let Some(path) = &table.password_file {
            Some(secret::from_file(name, path)?)
        } else if let Some(command) = &table.password_command {
            Some(secret::from_command(name, command).await?)
        } else {
            None
        };
        Ok(login)
    }

    fn sources(name: &str, table: &CredentialTable) -> Result<(), CredentialError> {
        if name == LAB || name == ENVIRONMENT {
            return Err(CredentialError::Reserved { name: name.to_owned() });
        }
        let passwords = usize::from(table.password_env.is_some())
            + usize::from(table.password_file.is_some())
            + usize::from(table.password_command.is_some());
        let keys = table.key_file.is_some() || table.agent.as_ref().is_some_and(AgentKey::is_on);
        if table.username.is_empty() || passwords > 1 || (passwords == 0 && !keys) {
            return Err(CredentialError::Sources { name: name.to_owned() });
        }
        Ok(())
    }

    fn variable(&self, name: &str, variable: &str) -> Result<SecretString, CredentialError> {
        (self.environment)(variable)
            .filter(|value| !value.is_empty())
            .map(SecretString::from)
            .ok_or_else(|| CredentialError::Variable { name: name.to_owned(), variable: variable.to_owned() })
    }

    /// `DRIFTCAST_USERNAME` (else the login name) with `DRIFTCAST_PASSWORD`, else with ssh-agent.
    fn default_login(&self) -> Result<Login, CredentialError> {
        let get = |name: &str| (self.environment)(name).filter(|value| !value.is_empty());
        let user = get("DRIFTCAST_USERNAME").or_else(|| get("USER")).ok_or(CredentialError::None)?;
        let password = get("DRIFTCAST_PASSWORD").map(SecretString::from);
        let agent = if password.is_some() { None } else { get("SSH_AUTH_SOCK") }
            .map(|socket| Agent { socket: socket.into(), key: AgentKey::First(true) });
        if password.is_none() && agent.is_none() {
            return Err(CredentialError::None);
        }
        Ok(Login {
            name: ENVIRONMENT.to_owned(),
            user,
            key: None,
            agent,
            password,
            loopback_only: false,
            logins_per_minute: None,
        })
    }
}

fn lab() -> Login {
    Login {
        name: LAB.to_owned(),
        user: LAB_USER.to_owned(),
        key: None,
        agent: None,
        password: Some(SecretString::from(LAB_PASSWORD)),
        loopback_only: true,
        logins_per_minute: None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn with(table: CredentialTable) -> Credentials {
        let tables = BTreeMap::from([("core".to_owned(), table)]);
        Credentials::with_environment(tables, |name| match name {
            "CORE_PASSWORD" => Some("from-env".to_owned()),
            "DRIFTCAST_USERNAME" => Some("viewer".to_owned()),
            "SSH_AUTH_SOCK" => Some("/run/agent".to_owned()),
            _ => None,
        })
    }

    fn table() -> CredentialTable {
        CredentialTable { username: "viewer".to_owned(), ..CredentialTable::default() }
    }

    async fn password(credentials: &Credentials) -> Result<String, CredentialError> {
        let login = credentials.load("core").await?;
        Ok(login.password.as_ref().unwrap().expose_secret().to_owned())
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn each_source() {
        let env = with(CredentialTable { password_env: Some("CORE_PASSWORD".to_owned()), ..table() });
        assert_eq!(password(&env).await.unwrap(), "from-env");
        let unset = with(CredentialTable { password_env: Some("NOT_SET".to_owned()), ..table() });
        assert!(matches!(password(&unset).await, Err(CredentialError::Variable { .. })));

        let command =
            |text: &str| with(CredentialTable { password_command: Some(text.to_owned()), ..table() });
        assert_eq!(password(&command("printf 'two words\\n'")).await.unwrap(), "two words");
        assert!(matches!(password(&command("true")).await, Err(CredentialError::NoPassword { .. })));
        assert!(matches!(
            password(&command("echo x; exit 3")).await,
            Err(CredentialError::NoPassword { .. })
        ));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let file = || with(CredentialTable { password_file: Some(path.clone()), ..table() });
        write(&path, "from-file\n", 0o600);
        assert_eq!(password(&file()).await.unwrap(), "from-file");
        write(&path, "from-file\n", 0o640);
        let open = password(&file()).await.unwrap_err();
        assert!(open.to_string().contains("chmod 600"), "{open}");
        assert!(file().check().is_err());
        write(&path, "\n", 0o600);
        assert!(matches!(password(&file()).await, Err(CredentialError::EmptyFile { .. })));
    }

    #[tokio::test]
    async fn keys_are_private_and_without_a_passphrase() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id_ed25519");
        let key = || with(CredentialTable { key_file: Some(path.clone()), ..table() });
        let private = PrivateKey::from_bytes(&test_key()).unwrap();
        let text = private.to_openssh(russh::keys::ssh_key::LineEnding::LF).unwrap();
        write(&path, &text, 0o600);
        assert!(key().login(Some("core")).await.unwrap().key.is_some());
        write(&path, &text, 0o644);
        assert!(matches!(key().load("core").await, Err(CredentialError::Mode { .. })));
        write(&path, "no key", 0o600);
        assert!(matches!(key().load("core").await, Err(CredentialError::NotAKey { .. })));
    }

    /// An unencrypted ed25519 key in the binary form of OpenSSH, made here so
    /// that no private key lies in the repository.
    fn test_key() -> Vec<u8> {
        use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
        let pair = Ed25519Keypair::from_seed(&[7; 32]);
        PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap().to_bytes().unwrap().to_vec()
    }

    #[tokio::test]
    async fn names_that_are_not_tables() {
        let credentials = with(CredentialTable { agent: Some(AgentKey::First(true)), ..table() });
        assert!(matches!(credentials.load("other").await, Err(CredentialError::Unknown { .. })));
        let lab = credentials.login(Some(LAB)).await.unwrap();
        assert!(lab.loopback_only);
        let default = credentials.login(None).await.unwrap();
        assert_eq!((default.user.as_str(), default.agent.is_some()), ("viewer", true));
        assert!(credentials.login(Some("core")).await.unwrap().agent.is_some());
        let nothing = Credentials::with_environment(BTreeMap::new(), |_| None);
        assert!(matches!(nothing.load(ENVIRONMENT).await, Err(CredentialError::None)));
        // Two passwords, or none at all.
        assert!(with(table()).check().is_err());
        let twice = CredentialTable {
            password_env: Some("CORE_PASSWORD".to_owned()),
            password_command: Some("true".to_owned()),
            ..table()
        };
        assert!(with(twice).check().is_err());
    }

    #[tokio::test]
    async fn a_broken_command_runs_once() {
        let folder = tempfile::tempdir().unwrap();
        let command = format!("echo x >> {}; exit 1", folder.path().join("runs").display());
        let credentials = with(CredentialTable { password_command: Some(command), ..table() });
        for _ in 0..3 {
            assert!(credentials.login(Some("core")).await.is_err());
        }
        assert_eq!(fs::read_to_string(folder.path().join("runs")).unwrap(), "x\n");
    }

    #[tokio::test]
    async fn nothing_shows_a_secret() {
        let credentials = with(CredentialTable { password_env: Some("CORE_PASSWORD".to_owned()), ..table() });
        let login = credentials.login(Some("core")).await.unwrap();
        assert!(!format!("{login:?} {credentials:?}").contains("from-env"));
    }
}
