//! One login: at most one key and one password are shown to a device.
//!
//! The order is key, agent, password. A dialogue is answered only if it is
//! what a password prompt looks like: one hidden question, once. One-time
//! codes and "choose a new password" are nobody's business here.

use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse, Prompt};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret as _, SecretString};

use crate::device::DeviceError;
use crate::device::credential::{Agent, AgentKey, CredentialError, Login};

use super::trust::{Broken, Checker};

/// Rounds of a keyboard dialogue; servers may send empty ones in between.
const ROUNDS: usize = 8;

/// Tries the login's methods. `false`: the device refused them. `weak`: a
/// SHA-1 signature of an RSA key is acceptable for this device.
pub(super) async fn log_in(handle: &mut Handle<Checker>, login: &Login, weak: bool) -> Result<bool, Broken> {
    // What the server would still take, once it has told.
    let mut left: Option<MethodSet> = None;

    if let Some(key) = &login.key {
        let hash = signature_hash(handle, key.algorithm(), weak).await?;
        let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
        match handle.authenticate_publickey(&login.user, key).await? {
            AuthResult::Success => return Ok(true),
            AuthResult::Failure { remaining_methods, .. } => left = Some(remaining_methods),
        }
    }
    if let Some(agent) = &login.agent
        && login.key.is_none()
    {
        match with_agent(handle, login, agent, weak).await? {
            AuthResult::Success => return Ok(true),
            AuthResult::Failure { remaining_methods, .. } => left = Some(remaining_methods),
        }
    }
    let Some(password) = &login.password else { return Ok(false) };
    let left = match left {
        Some(left) => left,
        None => methods(handle, &login.user).await?,
    };
    // One of the two, never both: a password that was refused once would be
    // refused, and counted, twice.
    if left.contains(&MethodKind::Password) {
        let reply = handle.authenticate_password(&login.user, password.expose_secret()).await?;
        return Ok(reply.success());
    }
    if left.contains(&MethodKind::KeyboardInteractive) {
        return in_dialogue(handle, &login.user, password).await;
    }
    Err(DeviceError::AuthMethods.into())
}

/// What the server lets a user log in with. It tells when asked for a login
/// with nothing; one that says yes to that is not what we want to read from.
async fn methods(handle: &mut Handle<Checker>, user: &str) -> Result<MethodSet, Broken> {
    match handle.authenticate_none(user).await? {
        AuthResult::Success => Err(DeviceError::AuthNone.into()),
        AuthResult::Failure { .. } if handle.is_closed() => Err(russh::Error::Disconnect.into()),
        AuthResult::Failure { remaining_methods, .. } => Ok(remaining_methods),
    }
}

async fn in_dialogue(
    handle: &mut Handle<Checker>,
    user: &str,
    password: &SecretString,
) -> Result<bool, Broken> {
    let mut answered = false;
    let mut reply = handle.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..ROUNDS {
        let answers = match reply {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if !prompt.echo && !answered && !wants_new_password(&prompts) => {
                    answered = true;
                    vec![password.expose_secret().to_owned()]
                }
                prompts if wants_new_password(prompts) => return Err(DeviceError::PasswordChange.into()),
                _ => return Err(DeviceError::AuthInteractive.into()),
            },
        };
        reply = handle.authenticate_keyboard_interactive_respond(answers).await?;
    }
    Err(DeviceError::AuthInteractive.into())
}

fn wants_new_password(prompts: &[Prompt]) -> bool {
    prompts.iter().any(|prompt| {
        let text = prompt.prompt.to_ascii_lowercase();
        ["new ", "retype", "change", "expired", "(current)"].iter().any(|word| text.contains(word))
    })
}

/// Logs in with one key of ssh-agent: servers count each key that is shown.
async fn with_agent(
    handle: &mut Handle<Checker>,
    login: &Login,
    agent: &Agent,
    weak: bool,
) -> Result<AuthResult, Broken> {
    let fault = |why| DeviceError::from(CredentialError::Agent { name: login.name.clone(), why });
    let mut client =
        AgentClient::connect_uds(&agent.socket).await.map_err(|_| fault("its socket does not answer"))?;
    if let Some(binding) = handle.agent_session_binding() {
        // Needed for keys that are bound to hosts; older agents do not know it.
        let _ = client.bind_session(binding, false).await;
    }
    let identities = client.request_identities().await.map_err(|_| fault("it does not list its keys"))?;
    let key = chosen(&identities, &agent.key).ok_or_else(|| fault("it does not hold such a key"))?;
    let hash = signature_hash(handle, key.algorithm(), weak).await?;
    handle
        .authenticate_publickey_with(&login.user, key, hash, &mut client)
        .await
        .map_err(|_| fault("it did not sign").into())
}

fn chosen(identities: &[AgentIdentity], wanted: &AgentKey) -> Option<PublicKey> {
    identities.iter().find_map(|identity| match (identity, wanted) {
        (AgentIdentity::PublicKey { key, .. }, AgentKey::First(_)) => Some(key.clone()),
        (AgentIdentity::PublicKey { key, comment }, AgentKey::Named(name))
            if comment == name || key.fingerprint(HashAlg::Sha256).to_string() == *name =>
        {
            Some(key.clone())
        }
        _ => None,
    })
}

/// The hash of an RSA signature; other keys have theirs built in. Servers
/// that do not say what they take are offered SHA-512.
async fn signature_hash(
    handle: &Handle<Checker>,
    key: Algorithm,
    weak: bool,
) -> Result<Option<HashAlg>, Broken> {
    if !matches!(key, Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    Ok(match handle.best_supported_rsa_hash().await? {
        Some(None) if weak => None,
        Some(hash @ Some(_)) => hash,
        _ => Some(HashAlg::Sha512),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialogues_that_are_not_a_password_prompt() {
        let prompt = |text: &str| Prompt { prompt: text.to_owned(), echo: false };
        for text in ["New password: ", "Retype new password:", "(current) UNIX password:"] {
            assert!(wants_new_password(&[prompt(text)]), "{text}");
        }
        assert!(!wants_new_password(&[prompt("Password: ")]));
    }
}
