//! What we let a server do: show its host key, and nothing else. A key that
//! is not pinned ends the handshake before any login.

use std::sync::{Arc, OnceLock};

use russh::client::{ChannelOpenHandle, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelId, Names};

use crate::device::DeviceError;
use crate::device::known_hosts::{HostKey, KnownHosts, Verdict};

use super::algorithms;

/// How a session broke: by our decision, or by SSH itself.
#[derive(Debug)]
pub(super) enum Broken {
    Refused(Box<DeviceError>),
    Ssh(russh::Error),
}

impl From<russh::Error> for Broken {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl From<DeviceError> for Broken {
    fn from(error: DeviceError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// Which host key is good enough.
pub(super) enum Trust {
    /// Only a pinned one.
    Pinned,
    /// Any: it is put here, and nobody logs in.
    Show(Arc<OnceLock<HostKey>>),
}

/// Our side's answers to what a server starts.
pub(super) struct Checker {
    pub(super) device: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) known_hosts: Arc<KnownHosts>,
    pub(super) trust: Trust,
    /// The weak algorithms that were agreed on, if there were some.
    pub(super) legacy: Arc<OnceLock<Vec<String>>>,
}

impl Checker {
    fn check(&self, key: &HostKey) -> Result<(), DeviceError> {
        let (device, host) = (self.device.clone(), self.host.clone());
        let file = || self.known_hosts.path().display().to_string();
        Err(match self.known_hosts.verdict(&self.host, self.port, key) {
            Verdict::Known => return Ok(()),
            Verdict::Unknown { fingerprint } => {
                DeviceError::HostKeyUnknown { device, host, algorithm: key.algorithm(), fingerprint }
            }
            Verdict::Changed { expected, got } => DeviceError::HostKeyChanged { device, host, expected, got },
            Verdict::OtherAlgorithm { pinned, fingerprint } => DeviceError::HostKeyAlgorithm {
                device,
                host,
                pinned,
                algorithm: key.algorithm(),
                fingerprint,
            },
            Verdict::Revoked { line } => {
                DeviceError::HostKeyRevoked { host, fingerprint: key.fingerprint(), file: file(), line }
            }
            Verdict::Authority { line } => DeviceError::HostKeyAuthority { device, host, file: file(), line },
        })
    }
}

impl Handler for Checker {
    type Error = Broken;

    /// Called after the server has proved that it holds the key.
    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        // Certificates are never offered; a server that sends one breaks the protocol.
        if shown.certificate().is_some() {
            return Ok(false);
        }
        let key = HostKey::bare(shown.public_key());
        match &self.trust {
            Trust::Pinned => self.check(&key)?,
            Trust::Show(place) => {
                let _ = place.set(key);
            }
        }
        Ok(true)
    }

    async fn kex_done(
        &mut self,
        _shared_secret: Option<&[u8]>,
        names: &Names,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        let weak = algorithms::weak(names);
        if !weak.is_empty() {
            let _ = self.legacy.set(weak);
        }
        Ok(())
    }

    // A server has no business opening channels to us. Dropping the reply
    // refuses; the library's default would accept.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }

    async fn should_accept_unknown_server_channel(&mut self, _id: ChannelId, _channel_type: &str) -> bool {
        false
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        Ok(())
    }
}
