//! SSH around the machines: one listener on 127.0.0.1 for each device.
//!
//! Only what a reader of devices needs: password and keyboard-interactive
//! logins, a terminal, a shell. Host keys follow from the seed, so a fleet that
//! is started again is still known to whoever enrolled it.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet, Preferred, Pty, cipher, kex, server};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::fleet::{Fleet, Unit};
use super::life::dice;
use super::machine::Machine;
use super::quirk::Quirk;
use super::{LabError, PASSWORD, USER};
use crate::model::DeviceName;

/// The host key that a device is expected to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    pub device: DeviceName,
    pub port: u16,
    /// `ssh-ed25519 AAAA…`
    pub key: String,
}

impl HostKey {
    /// The line for a `known_hosts` file.
    pub fn known_hosts_line(&self) -> String {
        format!("[127.0.0.1]:{} {}", self.port, self.key)
    }
}

/// A running fleet. Dropping it closes every session and frees every port.
#[derive(Debug)]
pub struct Lab {
    addresses: Vec<(DeviceName, SocketAddr)>,
    host_keys: Vec<HostKey>,
    /// Accepting tasks: they end when this is dropped.
    _listeners: JoinSet<()>,
    /// Sessions hang up when this is dropped.
    _stop: watch::Sender<()>,
}

impl Lab {
    /// Starts a listener for each device of `fleet`, on its port. A port of 0
    /// is replaced by the one that the system chose. The fleet goes on living:
    /// what happens to it is what the next command of a session shows.
    pub async fn start(fleet: &mut Fleet) -> Result<Self, LabError> {
        let (stop, stopped) = watch::channel(());
        let mut listeners = JoinSet::new();
        let mut addresses = Vec::with_capacity(fleet.units.len());
        for unit in &mut fleet.units {
            let listener = bind(unit).await?;
            let refused = |source| LabError::Listen { device: unit.name.clone(), port: unit.port, source };
            let address = listener.local_addr().map_err(refused)?;
            unit.port = address.port();
            addresses.push((unit.name.clone(), address));
            let config = Arc::new(config(fleet.seed, unit));
            listeners.spawn(accept(listener, config, unit.machine.clone(), stopped.clone()));
        }
        Ok(Self { addresses, host_keys: fleet.host_keys(), _listeners: listeners, _stop: stop })
    }

    pub fn addresses(&self) -> &[(DeviceName, SocketAddr)] {
        &self.addresses
    }

    /// The keys to enrol. A device with [`Quirk::OtherHostKey`] shows another one.
    pub fn host_keys(&self) -> &[HostKey] {
        &self.host_keys
    }
}

impl Fleet {
    /// The keys that the devices ought to have, without starting them.
    pub fn host_keys(&self) -> Vec<HostKey> {
        self.units
            .iter()
            .map(|unit| HostKey {
                device: unit.name.clone(),
                port: unit.port,
                // An ed25519 key always has a text form.
                key: key(self.seed, &unit.name, "").public_key().to_openssh().unwrap_or_default(),
            })
            .collect()
    }
}

async fn bind(unit: &Unit) -> Result<TcpListener, LabError> {
    let (device, port) = (unit.name.clone(), unit.port);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            LabError::PortInUse { device, port }
        } else {
            LabError::Listen { device, port, source }
        }
    })
}

/// A device's host key: a function of the fleet's seed and the device's name.
fn key(seed: u64, device: &DeviceName, salt: &str) -> PrivateKey {
    let mut hash = Sha256::new();
    hash.update("driftcast lab host key");
    hash.update(seed.to_le_bytes());
    hash.update(device.as_str());
    hash.update(salt);
    PrivateKey::from(Ed25519Keypair::from_seed(&hash.finalize().into()))
}

/// The cheapest that is strong: hundreds of logins share a laptop.
const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];

/// A key of the NIST curve. Which one does not matter: nobody knows it.
fn key_of_another_kind() -> PrivateKey {
    let algorithm = Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 };
    let key = PrivateKey::random(&mut dice(0, "a host key of another kind", 0), algorithm);
    key.unwrap_or_else(|_| PrivateKey::from(Ed25519Keypair::from_seed(&[0; 32])))
}

fn config(seed: u64, unit: &Unit) -> server::Config {
    let quirks = unit.machine.quirks();
    let salt = if quirks.contains(&Quirk::OtherHostKey) { "other" } else { "" };
    let asks = quirks.iter().any(|quirk| matches!(quirk, Quirk::KeyboardInteractive | Quirk::OneTimeCode));
    let methods: &[MethodKind] = if asks {
        &[MethodKind::KeyboardInteractive]
    } else {
        &[MethodKind::Password, MethodKind::KeyboardInteractive]
    };
    server::Config {
        methods: MethodSet::from(methods),
        // Nobody attacks a password that is printed in the manual.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![if quirks.contains(&Quirk::OtherKeyKind) {
            key_of_another_kind()
        } else {
            key(seed, &unit.name, salt)
        }],
        inactivity_timeout: Some(Duration::from_secs(600)),
        nodelay: true,
        preferred: Preferred {
            kex: Cow::Borrowed(if quirks.contains(&Quirk::WeakKeyExchange) {
                &[kex::DH_G14_SHA1]
            } else {
                KEX
            }),
            key: Cow::Borrowed(&[Algorithm::Ed25519, Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }]),
            cipher: Cow::Borrowed(&[
                cipher::AES_128_GCM,
                cipher::AES_256_GCM,
                cipher::AES_256_CTR,
                cipher::AES_128_CTR,
            ]),
            ..Preferred::DEFAULT
        },
        ..server::Config::default()
    }
}

async fn accept(
    listener: TcpListener,
    config: Arc<server::Config>,
    machine: Machine,
    stopped: watch::Receiver<()>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let door = Door { machine: machine.clone(), channel: None };
                tokio::spawn(session(stream, config.clone(), door, stopped.clone()));
            }
            // Out of file descriptors, usually: wait for sessions to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn session(
    stream: TcpStream,
    config: Arc<server::Config>,
    door: Door,
    mut stopped: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    let running = tokio::select! {
        running = server::run_stream(config, stream, door) => running,
        _ = stopped.changed() => return,
    };
    // A visitor who leaves in the middle of the greeting is no news.
    let Ok(running) = running else { return };
    let handle = running.handle();
    tokio::select! {
        _ = running => {}
        _ = stopped.changed() => {
            let bye = "the lab is closing".to_owned();
            let _ = handle.disconnect(Disconnect::ByApplication, bye, String::new()).await;
        }
    }
}

/// One SSH connection: lets people in and connects their shell to the machine.
struct Door {
    machine: Machine,
    channel: Option<Channel<Msg>>,
}

impl Door {
    fn lets_in(&self, user: &str, password: &[u8]) -> bool {
        user == USER
            && password == PASSWORD.as_bytes()
            && !self.machine.quirks().contains(&Quirk::RefuseLogin)
    }

    fn verdict(&self, user: &str, password: &[u8]) -> Auth {
        self.machine.login();
        if self.lets_in(user, password) { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Door {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        if self.machine.quirks().contains(&Quirk::KeyboardInteractive) {
            return Ok(Auth::reject());
        }
        Ok(self.verdict(user, password.as_bytes()))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        match response {
            None => Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(if self.machine.has(&Quirk::OneTimeCode) {
                    &[(Cow::Borrowed("Password: "), false), (Cow::Borrowed("One-time code: "), false)]
                } else {
                    &[(Cow::Borrowed("Password: "), false)]
                }),
            }),
            Some(mut answers) => {
                let answer = answers.next().unwrap_or_default();
                Ok(self.verdict(user, &answer))
            }
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.machine.knock();
        let full = |quirk: &Quirk| matches!(quirk, Quirk::Full(times) if self.machine.wears_off(*times));
        if self.machine.quirks().iter().any(full) {
            return Ok(());
        }
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _col_width: u32,
        _row_height: u32,
        _pix_width: u32,
        _pix_height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        match self.channel.take() {
            Some(open) if open.id() == channel => {
                let machine = self.machine.clone();
                tokio::spawn(async move {
                    // The connection ended; the machine does not mind.
                    let _ = machine.serve(open.into_stream()).await;
                });
                session.channel_success(channel)
            }
            other => {
                self.channel = other;
                session.channel_failure(channel)
            }
        }
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use russh::client::{self, KeyboardInteractiveAuthResponse};
    use russh::keys::PublicKeyOrCertificate;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Visitor(String);

    impl client::Handler for Visitor {
        type Error = russh::Error;

        async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
            let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
            Ok(key.to_openssh().unwrap() == self.0)
        }
    }

    fn fleet(quirks: &[Quirk]) -> Fleet {
        let fleet = Fleet::new(11, 2, "2026-07-20T02:00:00Z".parse().unwrap());
        fleet.machine("DNAAS-LEAF-B15").unwrap().set_quirks(quirks.to_vec());
        fleet
    }

    async fn visit(lab: &Lab) -> Result<client::Handle<Visitor>, russh::Error> {
        let visitor = Visitor(lab.host_keys()[0].key.clone());
        client::connect(Arc::new(client::Config::default()), lab.addresses()[0].1, visitor).await
    }

    async fn read_version(visit: &client::Handle<Visitor>) -> String {
        let channel = visit.channel_open_session().await.unwrap();
        channel.request_pty(true, "vt100", 200, 24, 0, 0, &[]).await.unwrap();
        channel.request_shell(true).await.unwrap();
        let mut stream = channel.into_stream();
        stream.write_all(b"show system version | no-more\nexit\n").await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test]
    async fn a_password_opens_a_shell_on_the_named_device() {
        let mut fleet = fleet(&[]);
        let lab = Lab::start(&mut fleet).await.unwrap();
        let mut visit = visit(&lab).await.unwrap();
        assert!(!visit.authenticate_password(USER, "wrong").await.unwrap().success());
        assert!(visit.authenticate_password(USER, PASSWORD).await.unwrap().success());
        let said = read_version(&visit).await;
        assert!(said.contains("\r\nSystem Name: DNAAS-LEAF-B15, System-Id: "), "{said}");
        assert_eq!(fleet.machine("DNAAS-LEAF-B15").unwrap().sessions(), 1);
        assert_eq!(fleet.violations(), []);
        assert_eq!(fleet.inventory()[0].port, lab.addresses()[0].1.port());
    }

    #[tokio::test]
    async fn one_quirk_asks_for_the_password_in_a_dialogue() {
        let mut fleet = fleet(&[Quirk::KeyboardInteractive]);
        let lab = Lab::start(&mut fleet).await.unwrap();
        let mut visit = visit(&lab).await.unwrap();
        assert!(!visit.authenticate_password(USER, PASSWORD).await.unwrap().success());
        let asked = visit.authenticate_keyboard_interactive_start(USER, None).await.unwrap();
        assert!(matches!(asked, KeyboardInteractiveAuthResponse::InfoRequest { .. }));
        let answer = vec![PASSWORD.to_owned()];
        let verdict = visit.authenticate_keyboard_interactive_respond(answer).await.unwrap();
        assert!(matches!(verdict, KeyboardInteractiveAuthResponse::Success));
    }

    #[tokio::test]
    async fn other_quirks_refuse_or_show_another_key() {
        let mut refusing = fleet(&[Quirk::RefuseLogin]);
        let lab = Lab::start(&mut refusing).await.unwrap();
        let mut visitor = visit(&lab).await.unwrap();
        assert!(!visitor.authenticate_password(USER, PASSWORD).await.unwrap().success());
        let mut other = fleet(&[Quirk::OtherHostKey]);
        let lab = Lab::start(&mut other).await.unwrap();
        assert!(visit(&lab).await.is_err());
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_and_freed_when_the_lab_stops() {
        let mut first = fleet(&[]);
        let lab = Lab::start(&mut first).await.unwrap();
        let port = lab.addresses()[0].1.port();
        let keys = lab.host_keys().to_vec();
        let mut second = first.clone();
        let error = Lab::start(&mut second).await.unwrap_err();
        assert!(matches!(&error, LabError::PortInUse { port: p, .. } if *p == port), "{error}");
        drop(lab);
        // The accepting tasks end with their next turn.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let lab = Lab::start(&mut second).await.unwrap();
        assert_eq!(lab.host_keys(), keys);
    }
}
