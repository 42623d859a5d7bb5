//! The one road to a device: connect, check the host key, log in, talk (in one
//! shell, or with one channel a command), hang up.
//!
//! One session, one channel at a time, one login. Every step has a limit of its own and
//! the session has one in all. Whatever happens after the handshake, the
//! device is told goodbye, so that no session stays open on it.

mod algorithms;

mod trust;

mod login;

mod exec;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use russh::client::{self, Config, Handle, Msg};
use russh::{Channel, ChannelMsg, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;

use crate::model::{Device, Scope};
use crate::platform::{Channel as Way, Command, Platform};

use super::credential::{CredentialError, Login};
use super::known_hosts::{HostKey, KnownHosts};
use super::{Credentials, DeviceError, Fetch, Fetching, Settings, Transcript, shell};

use trust::{Broken, Checker, Trust};

/// A jump host that failed so often in a row is not tried any more.
const JUMP_FAILURES: usize = 5;

/// How long a goodbye may take. It waits for our own side only.
const GOODBYE: Duration = Duration::from_millis(250);

/// Columns and rows of our terminal: wide enough that no line is wrapped.
const COLUMNS: u32 = 511;
const ROWS: u32 = 1000;

/// Reads devices over SSH. Share one value by reference among all tasks of a
/// run; it holds no connection between two calls.
pub struct SshFetcher {
    settings: Settings,
    known_hosts: Arc<KnownHosts>,
    credentials: Credentials,
    jump_hosts: HashMap<String, Arc<JumpHost>>,
    /// The usual offer of algorithms, shared by all sessions.
    modern: Arc<Config>,
}

/// A host through which devices are reached, with what we learnt about it.
struct JumpHost {
    device: Device,
    places: Arc<Semaphore>,
    failures: AtomicUsize,
}

/// An agreed SSH connection, not logged in yet.
struct Link {
    handle: Handle<Checker>,
    address: String,
    legacy: Arc<AtomicBool>,
    /// The connection that carries this one, with its place at the jump host.
    through: Option<Box<(Link, OwnedSemaphorePermit)>>,
}

impl SshFetcher {
    pub fn new(settings: Settings, known_hosts: KnownHosts, credentials: Credentials) -> Self {
        Self {
            modern: Arc::new(algorithms::config(&settings, &[], false)),
            settings,
            known_hosts: Arc::new(known_hosts),
            credentials,
            jump_hosts: HashMap::new(),
        }
    }

    /// The hosts that [`Device::jump`] may name. Each has its own host key and credential.
    #[must_use]
    pub fn with_jump_hosts(mut self, hosts: impl IntoIterator<Item = Device>) -> Self {
        for device in hosts {
            let places = Arc::new(Semaphore::new(self.settings.jump_sessions.max(1)));
            let name = device.name.as_str().to_owned();
            self.jump_hosts
                .insert(name, Arc::new(JumpHost { device, places, failures: AtomicUsize::new(0) }));
        }
        self
    }

    /// The credentials, to check them before anything is sent.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The key that the device shows now, whether it is trusted or not.
    /// Nothing is logged in to and nothing is remembered: to enrol it is
    /// somebody's decision.
    pub async fn host_key(&self, device: &Device) -> Result<HostKey, DeviceError> {
        let shown = Arc::new(OnceLock::new());
        let link = self.connect(device, None, Trust::Show(Arc::clone(&shown))).await?;
        let address = link.address.clone();
        link.close().await;
        shown.get().cloned().ok_or(DeviceError::Protocol { address, source: russh::Error::Disconnect })
    }

    /// Runs `commands`, one after another, in one session.
    pub async fn run(
        &self,
        device: &Device,
        platform: &'static Platform,
        commands: &[Command],
    ) -> Result<Transcript, DeviceError> {
        let started = Instant::now();
        let deadline = started + self.settings.total();
        // Loaded first: a file with wrong modes is found before any packet.
        let login = self.credentials.login(device.credential.as_deref()).await?;
        let mut link = self.connect(device, Some(&login), Trust::Pinned).await?;
        let said = timeout_at(deadline, async {
            self.log_in(&mut link, &login, device).await?;
            match platform.channel {
                Way::Terminal => {
                    let (channel, early) = self.open_shell(&link).await?;
                    shell::converse(channel.into_stream(), &early, platform, commands, &self.settings).await
                }
                Way::Exec => exec::converse(&link, platform, commands, &self.settings).await,
            }
        })
        .await
        .unwrap_or(Err(DeviceError::TotalTime { seconds: self.settings.total_seconds }));
        let legacy = link.legacy.load(Ordering::Relaxed);
        link.close().await;
        let mut transcript = said?;
        transcript.legacy = legacy;
        transcript.took = started.elapsed();
        debug!(
            device.name = %device.name,
            took_ms = transcript.took.as_millis() as u64,
            bytes = transcript.bytes,
            "read a device",
        );
        Ok(transcript)
    }

    /// Connects, through the jump host if there is one, and agrees on keys.
    async fn connect(
        &self,
        device: &Device,
        login: Option<&Login>,
        trust: Trust,
    ) -> Result<Link, DeviceError> {
        let Some(jump) = &device.jump else {
            let (stream, address) = self.dial(device, login).await?;
            return self.agree(device, stream, address, trust, None).await;
        };
        if login.is_some_and(|login| login.loopback_only) {
            return Err(CredentialError::NotLoopback { address: device.address.clone() }.into());
        }
        let fault = |reason, source: Option<DeviceError>| DeviceError::Jump {
            jump: jump.clone(),
            reason,
            source: source.map(Box::new),
        };
        let Some(host) = self.jump_hosts.get(jump) else {
            return Err(fault("the configuration does not know it", None));
        };
        let place =
            Arc::clone(&host.places).acquire_owned().await.map_err(|_| fault("it was given up", None))?;
        if host.failures.load(Ordering::Relaxed) >= JUMP_FAILURES {
            return Err(fault("it failed too often in this run and is not tried any more", None));
        }
        match self.through(host, device).await {
            Ok((carrier, channel)) => {
                host.failures.store(0, Ordering::Relaxed);
                let address = format!("{}:{} (through {jump})", device.address, device.port);
                let through = Some(Box::new((carrier, place)));
                self.agree(device, channel.into_stream(), address, trust, through).await
            }
            Err((own, error)) => {
                if own {
                    host.failures.fetch_add(1, Ordering::Relaxed);
                }
                Err(fault("see the cause", Some(error)))
            }
        }
    }

    /// A connection through `host`. The flag of an error: the host itself failed.
    async fn through(
        &self,
        host: &JumpHost,
        device: &Device,
    ) -> Result<(Link, Channel<Msg>), (bool, DeviceError)> {
        let own = |error| (true, error);
        let login = self.credentials.login(host.device.credential.as_deref()).await.map_err(own)?;
        let (stream, address) = self.dial(&host.device, Some(&login)).await.map_err(own)?;
        let mut link = self.agree(&host.device, stream, address, Trust::Pinned, None).await.map_err(own)?;
        if let Err(error) = self.log_in(&mut link, &login, &host.device).await {
            link.close().await;
            return Err(own(error));
        }
        let opening =
            link.handle.channel_open_direct_tcpip(&device.address, u32::from(device.port), "127.0.0.1", 0);
        let address = || format!("{}:{}", device.address, device.port);
        let error = match timeout(self.settings.connect(), opening).await {
            Ok(Ok(channel)) => return Ok((link, channel)),
            Ok(Err(source)) => {
                DeviceError::Connect { address: address(), source: std::io::Error::other(source) }
            }
            Err(_) => DeviceError::ConnectTime { address: address(), seconds: self.settings.connect_seconds },
        };
        link.close().await;
        Err((false, error))
    }

    /// Looks the name up and opens the TCP connection.
    async fn dial(&self, device: &Device, login: Option<&Login>) -> Result<(TcpStream, String), DeviceError> {
        let address = format!("{}:{}", device.address, device.port);
        let deadline = Instant::now() + self.settings.connect();
        let late =
            || DeviceError::ConnectTime { address: address.clone(), seconds: self.settings.connect_seconds };
        let looked_up = timeout_at(deadline, lookup_host((device.address.as_str(), device.port))).await;
        let addresses: Vec<SocketAddr> = match looked_up.map_err(|_| late())? {
            Ok(addresses) => addresses.collect(),
            Err(source) => return Err(DeviceError::Resolve { address, source }),
        };
        if login.is_some_and(|login| login.loopback_only)
            && !addresses.iter().all(|address| address.ip().is_loopback())
        {
            return Err(CredentialError::NotLoopback { address }.into());
        }
        let mut fault = late();
        for (index, &peer) in addresses.iter().enumerate() {
            // An address that never answers leaves its share to the others.
            let share = deadline.duration_since(Instant::now()) / (addresses.len() - index) as u32;
            match timeout(share, TcpStream::connect(peer)).await {
                Ok(Ok(stream)) => {
                    // Without it a command waits for the acknowledgement of the one before.
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "failed to set TCP_NODELAY");
                    }
                    return Ok((stream, address));
                }
                Ok(Err(source)) => fault = DeviceError::Connect { address: address.clone(), source },
                Err(_) => fault = late(),
            }
        }
        Err(fault)
    }

    /// The SSH handshake, up to and with the host key.
    async fn agree<S>(
        &self,
        device: &Device,
        stream: S,
        address: String,
        trust: Trust,
        through: Option<Box<(Link, OwnedSemaphorePermit)>>,
    ) -> Result<Link, DeviceError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let weak = self.settings.legacy.contains_key(device.name.as_str());
        let legacy = Arc::new(AtomicBool::new(false));
        let checker = Checker {
            device: device.name.as_str().to_owned(),
            host: device.address.clone(),
            port: device.port,
            known_hosts: Arc::clone(&self.known_hosts),
            trust,
            legacy: Arc::clone(&legacy),
        };
        let pinned = self.known_hosts.pinned_algorithms(&device.address, device.port);
        let config = if weak || !algorithms::is_usual_order(&pinned) {
            Arc::new(algorithms::config(&self.settings, &pinned, weak))
        } else {
            Arc::clone(&self.modern)
        };
        let agreed =
            timeout(self.settings.handshake(), client::connect_stream(config, stream, checker)).await;
        let error = match agreed {
            Ok(Ok(handle)) => return Ok(Link { handle, address, legacy, through }),
            Ok(Err(Broken::Refused(error))) => *error,
            Ok(Err(Broken::Ssh(russh::Error::NoCommonAlgo { kind, theirs, .. })))
                if !weak && algorithms::would_help(&kind, &theirs) =>
            {
                DeviceError::Legacy {
                    device: device.name.as_str().to_owned(),
                    kind: algorithms::kind_in_words(&kind),
                    theirs: theirs
                        .iter()
                        .take(12)
                        .map(|name| super::error::clean(name))
                        .collect::<Vec<_>>()
                        .join(", "),
                }
            }
            Ok(Err(Broken::Ssh(source))) => DeviceError::Protocol { address, source },
            Err(_) => DeviceError::HandshakeTime { address, seconds: self.settings.handshake_seconds },
        };
        if let Some(carried) = through {
            carried.0.close().await;
        }
        Err(error)
    }

    /// Tries the credential once, when it is this device's turn.
    async fn log_in(&self, link: &mut Link, login: &Login, device: &Device) -> Result<(), DeviceError> {
        let turn = self.credentials.turn(login, &device.name).await?;
        let weak = self.settings.legacy.contains_key(device.name.as_str());
        let tried = timeout(self.settings.login(), login::log_in(&mut link.handle, login, weak)).await;
        match tried {
            Ok(Ok(true)) => {
                turn.accepted();
                Ok(())
            }
            Ok(Ok(false)) => {
                turn.refused();
                Err(DeviceError::AuthRefused { user: login.user.clone(), credential: login.name.clone() })
            }
            Ok(Err(Broken::Refused(error))) => Err(*error),
            Ok(Err(Broken::Ssh(source))) => {
                Err(DeviceError::Protocol { address: link.address.clone(), source })
            }
            Err(_) => Err(DeviceError::LoginTime { seconds: self.settings.login_seconds }),
        }
    }

    /// Opens the one channel with a terminal and a shell. What the device
    /// says before it confirms the shell comes back beside the channel.
    async fn open_shell(&self, link: &Link) -> Result<(Channel<Msg>, Vec<u8>), DeviceError> {
        let broken = |source| link.broken(source);
        let opening = async {
            let mut channel = link.session_channel().await?;
            channel.request_pty(true, "vt100", COLUMNS, ROWS, 0, 0, &[]).await.map_err(broken)?;
            channel.request_shell(true).await.map_err(broken)?;
            let mut early = Vec::new();
            // The answers come in the order of the requests. A device without
            // terminals may still have a shell that can be talked to.
            let mut answers = 0;
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Success) if answers == 1 => return Ok((channel, early)),
                    Some(ChannelMsg::Failure) if answers == 1 => return Err(DeviceError::NoShell),
                    Some(ChannelMsg::Success | ChannelMsg::Failure) => answers += 1,
                    Some(ChannelMsg::Data { data }) => {
                        early.extend_from_slice(&data);
                        if early.len() > self.settings.max_bytes {
                            let limit = self.settings.max_bytes;
                            return Err(DeviceError::TooLarge { command: "login".to_owned(), limit });
                        }
                    }
                    Some(ChannelMsg::Close | ChannelMsg::Eof) | None => return Err(DeviceError::ClosedEarly),
                    Some(_) => {}
                }
            }
        };
        timeout(self.settings.login(), opening)
            .await
            .unwrap_or(Err(DeviceError::LoginTime { seconds: self.settings.login_seconds }))
    }
}

impl Fetch for SshFetcher {
    fn fetch<'a>(
        &'a self,
        device: &'a Device,
        platform: &'static Platform,
        scope: &'a Scope,
    ) -> Fetching<'a> {
        Box::pin(async move {
            let commands =
                platform.script(scope).map_err(|bad| DeviceError::BadName { reason: bad.to_string() })?;
            self.run(device, platform, &commands).await
        })
    }
}

impl Link {
    fn broken(&self, source: russh::Error) -> DeviceError {
        DeviceError::Protocol { address: self.address.clone(), source }
    }

    /// One more channel. A device that has no session left refuses it.
    async fn session_channel(&self) -> Result<Channel<Msg>, DeviceError> {
        self.handle.channel_open_session().await.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(_) => DeviceError::Busy,
            error => self.broken(error),
        })
    }

    /// The same within the time that a login may take.
    async fn open_channel(&self, settings: &Settings) -> Result<Channel<Msg>, DeviceError> {
        timeout(settings.login(), self.session_channel())
            .await
            .unwrap_or(Err(DeviceError::LoginTime { seconds: settings.login_seconds }))
    }

    /// Says goodbye and waits until the connection is down, the carrier's after our own.
    async fn close(self) {
        let mut next = Some(self);
        while let Some(link) = next.take() {
            let Self { handle, through, .. } = link;
            let goodbye = async {
                let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
                let _ = handle.await;
            };
            // A peer that does not take our goodbye is left to the inactivity limit.
            let _ = timeout(GOODBYE, goodbye).await;
            next = through.map(|carried| carried.0);
        }
    }
}

#[cfg(test)]
mod tests;
