//! Where secrets are read from: private files and commands. Each reads one
//! secret, says what is wrong with its place, and never repeats its text.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use russh::keys::PrivateKey;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncReadExt as _;

use super::CredentialError;

/// How long a password command may take.
const COMMAND_TIME: Duration = Duration::from_secs(10);

/// No password and no key is longer.
const MOST_BYTES: u64 = 64 << 10;

/// The text of a private file. Mode and owner are those of the open file, so
/// that nobody can swap it between the check and the reading.
fn private(name: &str, path: &Path) -> Result<SecretString, CredentialError> {
    let fault = |source| CredentialError::File { name: name.to_owned(), path: path.to_owned(), source };
    let file = File::open(path).map_err(fault)?;
    let about = file.metadata().map_err(fault)?;
    if !about.is_file() {
        return Err(fault(io::Error::new(io::ErrorKind::InvalidInput, "not a file")));
    }
    if about.mode() & 0o077 != 0 {
        return Err(CredentialError::Mode { name: name.to_owned(), path: path.to_owned() });
    }
    let me = rustix::process::geteuid();
    if about.uid() != me.as_raw() && !me.is_root() {
        return Err(CredentialError::Owner { name: name.to_owned(), path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(fault)?;
    Ok(text.into())
}

pub(super) fn from_file(name: &str, path: &Path) -> Result<SecretString, CredentialError> {
    let text = private(name, path)?;
    let password = one_line_end_less(text.expose_secret());
    if password.is_empty() {
        return Err(CredentialError::EmptyFile { name: name.to_owned(), path: path.to_owned() });
    }
    Ok(SecretString::from(password))
}

pub(super) fn key_file(name: &str, path: &Path) -> Result<PrivateKey, CredentialError> {
    let text = private(name, path)?;
    match russh::keys::decode_secret_key(text.expose_secret(), None) {
        Ok(key) if key.is_encrypted() => {
            Err(CredentialError::Passphrase { name: name.to_owned(), path: path.to_owned() })
        }
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => {
            Err(CredentialError::Passphrase { name: name.to_owned(), path: path.to_owned() })
        }
        Err(_) => Err(CredentialError::NotAKey { name: name.to_owned(), path: path.to_owned() }),
    }
}

pub(super) async fn from_command(name: &str, command: &str) -> Result<SecretString, CredentialError> {
    let fault = |source| CredentialError::Command { name: name.to_owned(), source };
    let nothing = |why| CredentialError::NoPassword { name: name.to_owned(), why };
    let mut child = tokio::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(fault)?;
    let mut stdout = child.stdout.take().ok_or_else(|| nothing("no output"))?.take(MOST_BYTES);
    let mut text = String::new();
    let run = async {
        stdout.read_to_string(&mut text).await?;
        drop(stdout);
        child.wait().await
    };
    let status = tokio::time::timeout(COMMAND_TIME, run)
        .await
        .map_err(|_| nothing("it took longer than 10 s"))?
        .map_err(fault)?;
    let text = SecretString::from(text);
    if !status.success() {
        return Err(nothing("it failed"));
    }
    let password = one_line_end_less(text.expose_secret());
    if password.is_empty() {
        return Err(nothing("its output is empty"));
    }
    Ok(SecretString::from(password))
}

/// Without one line end, if it has one. Blanks belong to the password.
fn one_line_end_less(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
