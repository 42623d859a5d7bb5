//! The token of a remote system: from the environment, a private file or a
//! command, never from the configuration. What is wrong is said without it.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::RemoteTable;

const COMMAND_TIME: Duration = Duration::from_secs(10);

/// No token is longer.
const MOST_BYTES: u64 = 4 << 10;

pub(super) fn fetch(
    table: &RemoteTable,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<SecretString, String> {
    let text = match (&table.token_env, &table.token_file, &table.token_command) {
        (Some(name), None, None) => variable(name)
            .filter(|value| !value.is_empty())
            .map(SecretString::from)
            .ok_or_else(|| format!("the environment variable {name} is not set or empty"))?,
        (None, Some(path), None) => from_file(path)?,
        (None, None, Some(command)) => from_command(command)?,
        _ => return Err("it needs exactly one of token_env, token_file, token_command".to_owned()),
    };
    let token = text.expose_secret().trim();
    if token.is_empty() {
        return Err("the token is empty".to_owned());
    }
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("the token has characters that no token has".to_owned());
    }
    Ok(SecretString::from(token))
}

fn from_file(path: &Path) -> Result<SecretString, String> {
    let shown = path.display();
    let fault = |error: std::io::Error| format!("failed to read {shown}: {error}");
    let file = File::open(path).map_err(fault)?;
    // Of the open file, so that nobody can swap it in between.
    let about = file.metadata().map_err(fault)?;
    if !about.is_file() {
        return Err(format!("{shown} is no file"));
    }
    if about.mode() & 0o077 != 0 {
        return Err(format!("{shown} can be read by others than its owner; run `chmod 600 {shown}`"));
    }
    let me = rustix::process::geteuid();
    if about.uid() != me.as_raw() && !me.is_root() {
        return Err(format!("{shown} belongs to another user"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(fault)?;
    Ok(text.into())
}

/// A command that is late is killed; its output ends then, and so the reader.
fn from_command(command: &str) -> Result<SecretString, String> {
    let fault = |error: std::io::Error| format!("failed to run token_command: {error}");
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fault)?;
    let Some(stdout) = child.stdout.take() else {
        return Err("token_command gave no token (no output)".to_owned());
    };
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.take(MOST_BYTES).read_to_string(&mut text).map(|_| SecretString::from(text));
        // Nobody listens any more if it was late.
        let _ = tell.send(read);
    });
    let read = told.recv_timeout(COMMAND_TIME);
    if read.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(fault)?;
    let text = read.map_err(|_| "token_command gave no token (it took longer than 10 s)".to_owned())?;
    if !status.success() {
        return Err("token_command gave no token (it failed)".to_owned());
    }
    text.map_err(fault)
}
