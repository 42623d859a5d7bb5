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

mod jump;

mod pace;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
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
use crate::platform::{Channel as Way, Command, Netconf, Platform};

use super::credential::{CredentialError, Login};
use super::known_hosts::{HostKey, KnownHosts};
use super::{
    Admission, Admitting, Credentials, DeviceError, Fetch, Fetching, Settings, Transcript, netconf, shell,
};

use jump::JumpHost;
use pace::{ByName, Pace, place};
use trust::{Broken, Checker, Trust};

/// How long the end of a carrying connection may come after that of the carried one.
const AFTERMATH: Duration = Duration::from_millis(50);

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
    /// The gaps between logins, by credential.
    paces: ByName<Pace>,
    /// Sessions at once, by site.
    sites: ByName<Arc<Semaphore>>,
    /// The usual offer of algorithms, shared by all sessions.
    modern: Arc<Config>,
}

/// What is asked in one session.
#[derive(Clone, Copy)]
enum Ask<'a> {
    /// These commands, over the platform's channel.
    Commands(&'a [Command]),
    /// The running configuration, over NETCONF.
    Config(Netconf),
}

/// An agreed SSH connection, not logged in yet.
struct Link {
    handle: Handle<Checker>,
    address: String,
    legacy: Arc<OnceLock<Vec<String>>>,
    /// The connection that carries this one, with its place at the jump host.
    through: Option<Box<Carrier>>,
}

/// A connection to a jump host that carries another one.
struct Carrier {
    jump: String,
    link: Link,
    /// Its place at the jump host, until it is closed.
    _place: OwnedSemaphorePermit,
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Link, DeviceError>> + Send + 'a>>;

impl SshFetcher {
    pub fn new(settings: Settings, known_hosts: KnownHosts, credentials: Credentials) -> Self {
        Self {
            modern: Arc::new(algorithms::config(&settings, &[], false)),
            settings,
            known_hosts: Arc::new(known_hosts),
            credentials,
            jump_hosts: HashMap::new(),
            paces: ByName::default(),
            sites: ByName::default(),
        }
    }

    /// The hosts that [`Device::jump`] may name. Each has its own host key and
    /// credential. Of two with one name the first stays.
    #[must_use]
    pub fn with_jump_hosts(mut self, hosts: impl IntoIterator<Item = Device>) -> Self {
        for device in hosts {
            let name = device.name.as_str().to_owned();
            let host = || Arc::new(JumpHost::new(device, &self.settings));
            self.jump_hosts.entry(name).or_insert_with(host);
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
        let link = self.connect(device, None, Trust::Show(Arc::clone(&shown)), 0).await?;
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
        self.ask(device, platform, Ask::Commands(commands)).await
    }

    async fn ask(
        &self,
        device: &Device,
        platform: &'static Platform,
        ask: Ask<'_>,
    ) -> Result<Transcript, DeviceError> {
        // Loaded first: a file with wrong modes is found before any packet.
        let login = self.credentials.login(device.credential.as_deref()).await?;
        // A credential that was given up needs no handshake to be told so.
        self.credentials.check_turn(&login, &device.name)?;
        let started = Instant::now();
        let mut link = self.connect(device, Some(&login), Trust::Pinned, 0).await?;
        let deadline = Instant::now() + self.settings.total();
        let said = timeout_at(deadline, async {
            self.log_in(&mut link, &login, device).await?;
            self.converse(&link, platform, ask).await
        })
        .await
        .unwrap_or(Err(DeviceError::TotalTime { seconds: self.settings.total_seconds }));
        let said = match said {
            Err(error) => Err(link.blame(error).await),
            said => said,
        };
        let legacy = link.weak();
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

    async fn converse(
        &self,
        link: &Link,
        platform: &'static Platform,
        ask: Ask<'_>,
    ) -> Result<Transcript, DeviceError> {
        let settings = &self.settings;
        match (ask, platform.channel) {
            (Ask::Config(how), _) => {
                let (channel, early) = self.open(link, Opening::Netconf).await?;
                netconf::converse(channel.into_stream(), &early, how, settings).await
            }
            (Ask::Commands(commands), Way::Terminal) => {
                let (channel, early) = self.open(link, Opening::Shell).await?;
                shell::converse(channel.into_stream(), &early, platform, commands, settings).await
            }
            (Ask::Commands(commands), Way::Exec) => exec::converse(link, platform, commands, settings).await,
        }
    }

    /// Connects, through the jump host if there is one, and agrees on keys.
    /// `depth`: how many jump hosts it already is away from the device.
    fn connect<'a>(
        &'a self,
        device: &'a Device,
        login: Option<&'a Login>,
        trust: Trust,
        depth: usize,
    ) -> Connecting<'a> {
        Box::pin(async move {
            let Some(jump) = &device.jump else {
                let (stream, address) = self.dial(device, login).await?;
                return self.agree(device, stream, address, trust, None).await;
            };
            if login.is_some_and(|login| login.loopback_only) && !self.is_near(device, depth) {
                return Err(CredentialError::NotLoopback { address: device.address.clone() }.into());
            }
            let (carrier, channel) = self.through(jump, device, depth).await?;
            let address = format!("{}:{} (through {jump})", device.address, device.port);
            self.agree(device, channel.into_stream(), address, trust, Some(Box::new(carrier))).await
        })
    }

    /// Is it on this host, and every jump host on the way? Without a look-up:
    /// whatever a name means, it means it at the jump host.
    fn is_near(&self, device: &Device, depth: usize) -> bool {
        device.address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            && device.jump.as_ref().is_none_or(|jump| {
                self.jump_hosts
                    .get(jump)
                    .is_some_and(|host| depth < jump::DEEPEST && self.is_near(&host.device, depth + 1))
            })
    }

    /// A way to `device` through the jump host of that name. What is wrong with
    /// the jump host is [`DeviceError::Jump`]; what is wrong with the device
    /// behind it is what it would be without.
    async fn through(
        &self,
        jump: &str,
        device: &Device,
        depth: usize,
    ) -> Result<(Carrier, Channel<Msg>), DeviceError> {
        let fault = |reason, source: Option<DeviceError>| DeviceError::Jump {
            jump: jump.to_owned(),
            reason,
            source: source.map(Box::new),
        };
        let host =
            self.jump_hosts.get(jump).ok_or_else(|| fault("the configuration does not know it", None))?;
        if depth >= jump::DEEPEST {
            return Err(fault("too many stand one behind the other; do they point at each other?", None));
        }
        let given_up = || fault("it failed too often in this run and is not tried any more", None);
        let place = place(&host.places).await.ok_or_else(given_up)?;
        host.pace.wait().await;
        let attempt = host.breaker.attempt().await.ok_or_else(given_up)?;
        let link = match self.enter(host, depth).await {
            Ok(link) => link,
            Err(error) => {
                // Our own limits are not its fault.
                if error.is_out_of_files() {
                    drop(attempt);
                } else {
                    attempt.failed();
                }
                return Err(fault("see the cause", Some(error)));
            }
        };
        let opening =
            link.handle.channel_open_direct_tcpip(&device.address, u32::from(device.port), "127.0.0.1", 0);
        let address = || format!("{}:{} (through {jump})", device.address, device.port);
        let error = match timeout(self.settings.connect(), opening).await {
            Ok(Ok(channel)) => {
                attempt.worked();
                return Ok((Carrier { jump: jump.to_owned(), link, _place: place }, channel));
            }
            Ok(Err(source @ russh::Error::ChannelOpenFailure(_))) => {
                attempt.worked();
                DeviceError::Connect { address: address(), source: std::io::Error::other(source) }
            }
            Ok(Err(source)) => {
                attempt.failed();
                fault("see the cause", Some(link.broken(source)))
            }
            Err(_) => {
                attempt.worked();
                DeviceError::ConnectTime { address: address(), seconds: self.settings.connect_seconds }
            }
        };
        link.close().await;
        Err(error)
    }

    /// A session with a jump host.
    async fn enter(&self, host: &JumpHost, depth: usize) -> Result<Link, DeviceError> {
        let login = self.credentials.login(host.device.credential.as_deref()).await?;
        let mut link = self.connect(&host.device, Some(&login), Trust::Pinned, depth + 1).await?;
        if let Err(error) = self.log_in(&mut link, &login, &host.device).await {
            link.close().await;
            return Err(error);
        }
        Ok(link)
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
            Err(source) if is_out_of_files(&source) => return Err(DeviceError::Files { address }),
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
                Ok(Err(source)) if is_out_of_files(&source) => return Err(DeviceError::Files { address }),
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
        through: Option<Box<Carrier>>,
    ) -> Result<Link, DeviceError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let weak = self.settings.legacy.contains_key(device.name.as_str());
        let legacy = Arc::new(OnceLock::new());
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
        let Some(carrier) = through else { return Err(error) };
        let error = carrier.blame(error).await;
        carrier.link.close().await;
        Err(error)
    }

    /// Tries the credential once, when it is this device's turn.
    async fn log_in(&self, link: &mut Link, login: &Login, device: &Device) -> Result<(), DeviceError> {
        let turn = self.credentials.turn(login, &device.name).await?;
        // The fleet in this process asks no server that could be overrun.
        if !login.loopback_only {
            let rate = login.logins_per_minute.unwrap_or(self.settings.logins_per_minute);
            self.paces.get(&login.name, || Pace::new(rate)).wait().await;
        }
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

    /// Opens the one channel of a dialogue. What the device says before it
    /// confirms it comes back beside the channel.
    async fn open(&self, link: &Link, what: Opening) -> Result<(Channel<Msg>, Vec<u8>), DeviceError> {
        let broken = |source| link.broken(source);
        let opening = async {
            let mut channel = link.session_channel().await?;
            // The answers come in the order of the requests. A device without
            // terminals may still have a shell that can be talked to.
            let last = match what {
                Opening::Shell => {
                    channel.request_pty(true, "vt100", COLUMNS, ROWS, 0, 0, &[]).await.map_err(broken)?;
                    channel.request_shell(true).await.map_err(broken)?;
                    1
                }
                Opening::Netconf => {
                    channel.request_subsystem(true, "netconf").await.map_err(broken)?;
                    0
                }
            };
            let mut early = Vec::new();
            let mut answers = 0;
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Success) if answers == last => return Ok((channel, early)),
                    Some(ChannelMsg::Failure) if answers == last => return Err(what.refused()),
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

/// `EMFILE` and `ENFILE`: the process's or the host's limit.
fn is_out_of_files(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
}

/// What a channel is opened for.
#[derive(Clone, Copy)]
enum Opening {
    Shell,
    Netconf,
}

impl Opening {
    fn refused(self) -> DeviceError {
        match self {
            Self::Shell => DeviceError::NoShell,
            Self::Netconf => DeviceError::NoNetconf,
        }
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
            if let Some(how) = platform.netconf.filter(|_| *scope == Scope::Device)
                && self.settings.speaks_netconf(device)
            {
                return self.ask(device, platform, Ask::Config(how)).await;
            }
            let commands =
                platform.script(scope).map_err(|bad| DeviceError::BadName { reason: bad.to_string() })?;
            self.run(device, platform, &commands).await
        })
    }

    fn admit<'a>(&'a self, device: &'a Device) -> Admitting<'a> {
        Box::pin(async move {
            let mut places = Vec::new();
            if self.settings.site_sessions > 0 && !device.site.is_empty() {
                let sessions = self.settings.site_sessions;
                let site = self.sites.get(&device.site, || Arc::new(Semaphore::new(sessions)));
                places.extend(place(&site).await);
            }
            if let Some(host) = device.jump.as_ref().and_then(|jump| self.jump_hosts.get(jump)) {
                places.extend(place(&host.tickets).await);
            }
            Admission(places)
        })
    }
}

impl Carrier {
    /// If the jump host went away, it is what went wrong.
    async fn blame(&self, error: DeviceError) -> DeviceError {
        if error.is_passing() && !self.link.handle.is_closed() {
            tokio::time::sleep(AFTERMATH).await;
        }
        if !self.link.handle.is_closed() || matches!(error, DeviceError::Jump { .. }) {
            return error;
        }
        DeviceError::Jump {
            jump: self.jump.clone(),
            reason: "it hung up in the middle of a session",
            source: Some(Box::new(error)),
        }
    }
}

impl Link {
    /// What went wrong, when the session ended with `error`.
    async fn blame(&self, error: DeviceError) -> DeviceError {
        match &self.through {
            Some(carrier) => carrier.blame(error).await,
            None => error,
        }
    }

    /// The weak algorithms that were agreed on, here and on the way.
    fn weak(&self) -> Vec<String> {
        let mut weak = self.legacy.get().cloned().unwrap_or_default();
        if let Some(carrier) = &self.through {
            weak.extend(carrier.link.weak().into_iter().map(|name| format!("{}: {name}", carrier.jump)));
        }
        weak
    }

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
            next = through.map(|carrier| carrier.link);
        }
    }
}

#[cfg(test)]
mod tests;
