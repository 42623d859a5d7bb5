//! Real sessions over loopback against a small server of this crate's SSH
//! library, and against a fleet of another make if one is up.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::server::{self, Auth, Response, Session};
use russh::{ChannelId, MethodKind, MethodSet, Preferred, Pty, kex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::device::credential::LAB;
use crate::model::{DeviceName, Outcome};
use crate::platform::{Ending, by_name};

fn dnos() -> &'static Platform {
    by_name("drivenets_dnos").unwrap()
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32])), "").unwrap()
}

/// The same system, asked by one command a channel.
static EXEC: Platform = Platform { channel: Way::Exec, ..crate::platform::drivenets_dnos::DRIVENETS_DNOS };

/// One thing that a test server does on an exec channel.
#[derive(Clone, Copy)]
enum Act {
    /// So many kilobytes of lines.
    Kilobytes(usize),
    Complain(&'static str),
    Status(u32),
    Eof,
    Close,
    /// The whole connection.
    HangUp,
}

const IN_ORDER: &[Act] = &[Act::Kilobytes(100), Act::Eof, Act::Status(0), Act::Close];

/// What a test server does differently, and what it saw.
#[derive(Clone)]
struct Server {
    /// What it does with a command; none are taken when empty.
    exec: &'static [Act],
    netconf: bool,
    /// As a jump host it hangs up after so many bytes.
    forwards: Option<u64>,
    /// Agrees on new keys after so many bytes.
    rekey: Option<usize>,
    password: &'static str,
    methods: &'static [MethodKind],
    /// Prompts of its keyboard dialogue: text and whether it is shown.
    prompts: &'static [(&'static str, bool)],
    /// No channel for anyone.
    full: bool,
    kex: Option<kex::Name>,
    /// Every secret that was shown to it.
    shown: Arc<Mutex<Vec<String>>>,
    channel: Arc<Mutex<Option<Channel<server::Msg>>>>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            exec: IN_ORDER,
            netconf: true,
            forwards: None,
            rekey: None,
            password: "lab",
            methods: &[MethodKind::Password, MethodKind::KeyboardInteractive],
            prompts: &[("Password: ", false)],
            full: false,
            kex: None,
            shown: Arc::default(),
            channel: Arc::default(),
        }
    }
}

impl Server {
    /// Serves on loopback until the test ends; the device to read it by.
    async fn start(&self, name: &str) -> Device {
        let mut config = server::Config {
            keys: vec![key(1)],
            methods: MethodSet::from(self.methods),
            auth_rejection_time: Duration::ZERO,
            ..server::Config::default()
        };
        if let Some(kex) = self.kex {
            config.preferred = Preferred { kex: Cow::Owned(vec![kex]), ..Preferred::DEFAULT };
        }
        if let Some(bytes) = self.rekey {
            config.limits = russh::Limits::new(bytes, bytes, Duration::from_secs(3600));
        }
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let device = device(name, "127.0.0.1", listener.local_addr().unwrap().port());
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, handler) =
                    (Arc::clone(&config), Self { channel: Arc::default(), ..server.clone() });
                tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, handler).await {
                        let _ = session.await;
                    }
                });
            }
        });
        device
    }

    fn try_secret(&self, secret: &str) -> bool {
        self.shown.lock().unwrap().push(secret.to_owned());
        secret == self.password
    }

    fn attempts(&self) -> usize {
        self.shown.lock().unwrap().len()
    }
}

impl server::Handler for Server {
    type Error = russh::Error;

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(if self.try_secret(password) { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(answers) = response else {
            let prompts = self.prompts.iter().map(|&(text, echo)| (Cow::Borrowed(text), echo)).collect();
            return Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        };
        let answers: Vec<String> =
            answers.map(|answer| String::from_utf8_lossy(&answer).into_owned()).collect();
        Ok(if self.try_secret(&answers.join(",")) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<server::Msg>,
        reply: server::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if !self.full {
            reply.accept().await;
            *self.channel.lock().unwrap() = Some(channel);
        }
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<server::Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: server::ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let (most, handle) = (self.forwards, session.handle());
        if let Ok(mut stream) = TcpStream::connect((host, port as u16)).await {
            reply.accept().await;
            tokio::spawn(async move {
                let mut near = channel.into_stream();
                let Some(most) = most else {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut stream).await;
                    return;
                };
                let (far_in, mut far_out) = stream.split();
                let (mut near_in, mut near_out) = tokio::io::split(near);
                let mut far_in = far_in.take(most);
                tokio::select! {
                    _ = tokio::io::copy(&mut far_in, &mut near_out) => {}
                    _ = tokio::io::copy(&mut near_in, &mut far_out) => {}
                }
                let _ = handle.disconnect(Disconnect::ByApplication, String::new(), String::new()).await;
            });
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _term: &str,
        columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        assert!(columns >= 500);
        session.channel_success(id)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.exec.is_empty() {
            return session.channel_failure(id);
        }
        session.channel_success(id)?;
        let (acts, handle) = (self.exec, session.handle());
        tokio::spawn(async move {
            for act in acts {
                match *act {
                    Act::Kilobytes(count) => {
                        for _ in 0..count {
                            let _ = handle.data(id, "0123456789abcde\n".repeat(64)).await;
                        }
                    }
                    Act::Complain(text) => {
                        let _ = handle.extended_data(id, 1, text).await;
                    }
                    Act::Status(status) => {
                        let _ = handle.exit_status_request(id, status).await;
                    }
                    Act::Eof => {
                        let _ = handle.eof(id).await;
                    }
                    Act::Close => {
                        let _ = handle.close(id).await;
                    }
                    Act::HangUp => {
                        let _ =
                            handle.disconnect(Disconnect::ByApplication, String::new(), String::new()).await;
                    }
                }
            }
        });
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if name != "netconf" || !self.netconf {
            return session.channel_failure(id);
        }
        session.channel_success(id)?;
        let Some(channel) = self.channel.lock().unwrap().take() else { return Ok(()) };
        tokio::spawn(async move {
            let mut stream = channel.into_stream();
            let hello = "<hello><capabilities><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities><session-id>1</session-id></hello>]]>]]>";
            let _ = stream.write_all(hello.as_bytes()).await;
            let mut heard = Vec::new();
            while memchr::memmem::find(&heard, b"<get-config>").is_none() {
                if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let data = "<a/>".repeat(6_000);
            let reply = format!("<rpc-reply message-id=\"1\"><data>{data}</data></rpc-reply>");
            let _ = stream.write_all(format!("\n#{}\n{reply}\n##\n", reply.len()).as_bytes()).await;
            let _ = stream.read_buf(&mut heard).await;
        });
        Ok(())
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        let Some(channel) = self.channel.lock().unwrap().take() else { return Ok(()) };
        tokio::spawn(async move {
            let mut stream = channel.into_stream();
            let mut line = Vec::new();
            let _ = stream.write_all(b"PE-4# ").await;
            while let Ok(byte) = stream.read_u8().await {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let command = String::from_utf8_lossy(&line).into_owned();
                let body =
                    if command.starts_with("show") { "a line\r\n".repeat(6_000) } else { String::new() };
                line.clear();
                let _ = stream.write_all(format!("{command}\r\n{body}PE-4# ").as_bytes()).await;
            }
        });
        Ok(())
    }
}

fn device(name: &str, address: &str, port: u16) -> Device {
    Device {
        name: DeviceName::new(name).unwrap(),
        address: address.to_owned(),
        port,
        platform: "drivenets_dnos".to_owned(),
        role: String::new(),
        site: String::new(),
        importance: 1.0,
        tags: Vec::new(),
        jump: None,
        credential: Some(LAB.to_owned()),
    }
}

/// A fetcher that trusts `seed`'s key for each of `devices`.
fn fetcher(devices: &[&Device], seed: u8, settings: Settings) -> SshFetcher {
    let pin = HostKey::bare(key(seed).public_key().clone());
    let lines: Vec<String> =
        devices.iter().map(|device| format!("[{}]:{} {pin}", device.address, device.port)).collect();
    let known = KnownHosts::read(&lines.join("\n"), Path::new("known_hosts")).unwrap();
    SshFetcher::new(settings, known, Credentials::with_environment(BTreeMap::new(), |_| None))
}

async fn fetch(fetcher: &SshFetcher, device: &Device) -> Result<Transcript, DeviceError> {
    fetcher.fetch(device, dnos(), &Scope::Device).await
}

#[tokio::test]
async fn a_whole_session() {
    let server = Server::default();
    let device = server.start("pe-4").await;
    let fetcher = fetcher(&[&device], 1, Settings::default());
    let transcript = fetch(&fetcher, &device).await.unwrap();
    assert_eq!(transcript.system.as_deref(), Some("PE-4"));
    assert!(transcript.legacy.is_empty() && transcript.bytes > 200_000);
    assert!(transcript.sections.iter().all(|section| section.text == "a line\n".repeat(6_000)));
    assert_eq!(fetcher.host_key(&device).await.unwrap(), HostKey::bare(key(1).public_key().clone()));
    assert_eq!(server.attempts(), 1);
}

/// One command on a channel of its own, with what `server` makes of it.
async fn exec(server: Server, settings: Settings) -> Result<Transcript, DeviceError> {
    let device = server.start("pe-4").await;
    fetcher(&[&device], 1, settings).run(&device, &EXEC, &[EXEC.named("config").unwrap()]).await
}

fn quick() -> Settings {
    Settings { silence_seconds: 1, ..Settings::default() }
}

#[tokio::test]
async fn a_channel_for_each_command() {
    let server = Server::default();
    let device = server.start("pe-4").await;
    let transcript =
        fetcher(&[&device], 1, Settings::default()).fetch(&device, &EXEC, &Scope::Device).await.unwrap();
    let script = EXEC.script(&Scope::Device).unwrap();
    assert!(transcript.sections.iter().map(|s| s.command.as_str()).eq(script.iter().map(Command::text)));
    for section in &transcript.sections {
        assert_eq!((section.text.len(), section.ended), (100 << 10, Ending::Exit(0)));
        assert_eq!(section.prompt, None);
    }
    assert_eq!((transcript.system, server.attempts()), (None, 1));
}

#[tokio::test]
async fn the_end_of_an_exec_channel() {
    use Act::{Close, Complain, Eof, HangUp, Kilobytes, Status};
    const LATE: usize = 1 << 10;
    let takes = |acts: &'static [Act]| exec(Server { exec: acts, ..Server::default() }, quick());
    // The status comes before the last megabyte; new keys in the middle of 20.
    let early = takes(&[Status(0), Kilobytes(LATE), Eof, Close]).await.unwrap();
    assert_eq!(early.sections[0].text, "0123456789abcde\n".repeat(64 * LATE));
    let server = Server {
        exec: &[Kilobytes(20 << 10), Eof, Status(0), Close],
        rekey: Some(1 << 20),
        ..Server::default()
    };
    let rekeyed = exec(server, quick()).await.unwrap();
    assert_eq!(rekeyed.sections[0].text.len(), 20 << 20);
    assert!(rekeyed.sections[0].text.split_inclusive('\n').all(|line| line == "0123456789abcde\n"));
    // Another status than 0 is for the reader to judge.
    let refused = takes(&[Complain("no such thing\n"), Status(1), Eof, Close]).await.unwrap();
    assert_eq!(
        (refused.sections[0].text.as_str(), refused.sections[0].ended),
        ("no such thing\n", Ending::Exit(1))
    );
    // Without one of the three signs it is no answer.
    for acts in [
        &[Kilobytes(4), Status(0), Close][..],
        &[Kilobytes(4), Eof, Close],
        &[Kilobytes(4), Eof, Status(0), HangUp],
        &[Kilobytes(4), HangUp],
    ] {
        let error = takes(acts).await.unwrap_err();
        assert_eq!((error.outcome(), error.detail()), (Outcome::Incomplete, Some("closed")), "{error}");
    }
    let hangs = takes(&[Kilobytes(4), Eof, Status(0)]).await.unwrap_err();
    assert_eq!((hangs.outcome(), hangs.detail()), (Outcome::Timeout, Some("silence")));
    let none = takes(&[]).await.unwrap_err();
    assert_eq!((none.outcome(), none.detail()), (Outcome::Unreachable, Some("no-exec")));
    let small = Settings { max_bytes: 10_000, ..quick() };
    let error = exec(Server::default(), small).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::TooLarge);
}

#[tokio::test]
async fn a_key_that_is_not_pinned_gets_no_password() {
    let server = Server::default();
    let device = server.start("pe-4").await;
    let changed = fetch(&fetcher(&[&device], 2, Settings::default()), &device).await.unwrap_err();
    assert_eq!((changed.outcome(), changed.detail()), (Outcome::HostKey, Some("changed")));
    let unknown = fetch(&fetcher(&[], 1, Settings::default()), &device).await.unwrap_err();
    assert_eq!((unknown.outcome(), unknown.detail()), (Outcome::HostKey, Some("unknown")));
    assert!(unknown.to_string().contains("driftcast devices trust pe-4"), "{unknown}");
    assert_eq!(server.attempts(), 0);
}

/// 500 devices behind one address, 50 at once: the errors by detail.
async fn fleet_of_500(server: &Server) -> BTreeMap<Option<&'static str>, usize> {
    let one = server.start("dn-0").await;
    let fetcher = Arc::new(fetcher(&[&one], 1, Settings::default()));
    let permits = Arc::new(Semaphore::new(50));
    let tasks: Vec<_> = (0..500)
        .map(|i| {
            let device = Device { name: DeviceName::new(&format!("dn-{i}")).unwrap(), ..one.clone() };
            let (fetcher, permits) = (Arc::clone(&fetcher), Arc::clone(&permits));
            tokio::spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                fetch(&fetcher, &device).await.unwrap_err()
            })
        })
        .collect();
    let mut details = BTreeMap::new();
    for task in tasks {
        *details.entry(task.await.unwrap().detail()).or_default() += 1;
    }
    details
}

#[tokio::test]
async fn a_wrong_password_costs_three_attempts_in_a_fleet_of_500() {
    let server = Server { password: "another", ..Server::default() };
    let details = fleet_of_500(&server).await;
    assert_eq!(server.attempts(), 3);
    assert_eq!(details, BTreeMap::from([(None, 3), (Some("stopped"), 497)]));
}

#[tokio::test]
async fn dialogues() {
    let only = &[MethodKind::KeyboardInteractive];
    let asks = |prompts| Server { methods: only, prompts, ..Server::default() };
    let plain = asks(&[("Password: ", false)]);
    let device = plain.start("pe-4").await;
    assert!(fetch(&fetcher(&[&device], 1, Settings::default()), &device).await.is_ok());
    for (prompts, detail) in [
        (&[("Password: ", false), ("Code: ", false)][..], "interactive"),
        (&[("User: ", true)][..], "interactive"),
        (&[("New password: ", false), ("Retype new password: ", false)][..], "password-change"),
    ] {
        let server = asks(prompts);
        let device = server.start("pe-4").await;
        let error = fetch(&fetcher(&[&device], 1, Settings::default()), &device).await.unwrap_err();
        assert_eq!((error.outcome(), error.detail()), (Outcome::Auth, Some(detail)));
        assert_eq!(server.attempts(), 0);
    }
}

#[tokio::test]
async fn weak_algorithms_by_exception_only() {
    let server = Server { kex: Some(kex::DH_G14_SHA1), ..Server::default() };
    let device = server.start("dn-old-1").await;
    let error = fetch(&fetcher(&[&device], 1, Settings::default()), &device).await.unwrap_err();
    assert_eq!(error.detail(), Some("legacy-algorithms"), "{error}");
    assert!(
        error.to_string().contains("[ssh.legacy]") && error.to_string().contains("\"dn-old-1\""),
        "{error}"
    );
    let day = "2026-11-01".parse().unwrap();
    let settings = Settings { legacy: BTreeMap::from([("dn-old-1".to_owned(), day)]), ..Settings::default() };
    let legacy = fetch(&fetcher(&[&device], 1, settings), &device).await.unwrap().legacy;
    assert_eq!(legacy, ["diffie-hellman-group14-sha1"]);
}

#[tokio::test]
async fn what_stands_in_the_way_has_a_name() {
    let full = Server { full: true, ..Server::default() };
    let device = full.start("pe-4").await;
    let error = fetch(&fetcher(&[&device], 1, Settings::default()), &device).await.unwrap_err();
    assert_eq!(error.detail(), Some("max-sessions"), "{error}");
    assert!(error.is_passing());

    let quick = Settings { handshake_seconds: 1, ..Settings::default() };
    // Accepts and keeps silent.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let device = self::device("pe-4", "127.0.0.1", silent.local_addr().unwrap().port());
    let error = fetch(&fetcher(&[&device], 1, quick.clone()), &device).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Timeout, Some("handshake")));
    drop(silent);
    // Nobody there.
    let error = fetch(&fetcher(&[&device], 1, quick.clone()), &device).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, None));

    // Endless talk before the protocol starts.
    let talks = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let device = self::device("pe-4", "127.0.0.1", talks.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (mut stream, _) = talks.accept().await.unwrap();
        let _ = stream.write_all("welcome\r\n".repeat(5_000).as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let error = fetch(&fetcher(&[&device], 1, quick), &device).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, Some("protocol")));
}

#[tokio::test]
async fn the_lab_credential_stays_on_loopback() {
    // TEST-NET-1: nothing is sent, so nothing times out.
    let device = device("pe-4", "192.0.2.1", 22);
    let error = fetch(&fetcher(&[&device], 1, Settings::default()), &device).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Auth);
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test]
async fn through_a_jump_host() {
    let credentials = || {
        let table = |variable: &str| crate::device::CredentialTable {
            username: "viewer".to_owned(),
            password_env: Some(variable.to_owned()),
            ..Default::default()
        };
        let tables = BTreeMap::from([("near".to_owned(), table("NEAR")), ("far".to_owned(), table("FAR"))]);
        Credentials::with_environment(tables, |name| Some(name.to_ascii_lowercase()))
    };
    let near = Server { password: "near", ..Server::default() };
    let far = Server { password: "far", ..Server::default() };
    let host = Device { credential: Some("near".to_owned()), ..near.start("jump-1").await };
    let device = Device {
        jump: Some("jump-1".to_owned()),
        credential: Some("far".to_owned()),
        ..far.start("pe-4").await
    };
    let trusting = fetcher(&[&host, &device], 1, Settings::default());
    let fetcher = SshFetcher { credentials: credentials(), ..trusting }.with_jump_hosts([host.clone()]);
    assert_eq!(fetch(&fetcher, &device).await.unwrap().system.as_deref(), Some("PE-4"));
    assert_eq!((near.attempts(), far.attempts()), (1, 1));
    // One that is not configured, and one that is gone.
    let lost = Device { jump: Some("jump-2".to_owned()), ..device.clone() };
    let error = fetch(&fetcher, &lost).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, Some("jump-host")));
    // A device that does not answer behind a jump host that does is not the jump host's fault.
    let down = Device { port: 1, ..device.clone() };
    let error = fetch(&fetcher, &down).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, None), "{error}");
    assert!(error.to_string().contains("through jump-1"), "{error}");
    // One behind another, and two that point at each other.
    let outer = Device { name: DeviceName::new("jump-0").unwrap(), ..host.clone() };
    let inner = Device { jump: Some("jump-0".to_owned()), ..host.clone() };
    let chained = |hosts: [Device; 2]| {
        let trusting = self::fetcher(&[&host, &device], 1, Settings::default());
        SshFetcher { credentials: credentials(), ..trusting }.with_jump_hosts(hosts)
    };
    assert!(fetch(&chained([outer.clone(), inner.clone()]), &device).await.is_ok());
    let circle = Device { jump: Some("jump-1".to_owned()), ..outer };
    let error = fetch(&chained([circle, inner]), &device).await.unwrap_err();
    assert_eq!(error.detail(), Some("jump-host"));
    // Its key is as strict as a device's.
    let stranger = self::fetcher(&[&device], 1, Settings::default());
    let stranger = SshFetcher { credentials: credentials(), ..stranger }.with_jump_hosts([host]);
    let error = fetch(&stranger, &Device { address: "127.0.0.2".to_owned(), ..device }).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, Some("jump-host")));
}

/// Devices behind one jump host, all read at once: what each of them gives.
async fn behind(host: Device, devices: Vec<Device>, settings: Settings) -> Vec<DeviceError> {
    let mut known: Vec<&Device> = devices.iter().collect();
    known.push(&host);
    let fetcher = Arc::new(fetcher(&known, 1, settings).with_jump_hosts([host.clone()]));
    let tasks: Vec<_> = devices
        .into_iter()
        .map(|device| {
            let fetcher = Arc::clone(&fetcher);
            let device = Device { jump: Some("jump-1".to_owned()), ..device };
            tokio::spawn(async move { fetch(&fetcher, &device).await })
        })
        .collect();
    let mut errors = Vec::new();
    for task in tasks {
        errors.extend(task.await.unwrap().err());
    }
    errors
}

#[tokio::test]
async fn a_dead_jump_host_is_tried_five_times() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = device("jump-1", "127.0.0.1", listener.local_addr().unwrap().port());
    let tries = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            drop(stream);
        }
    });
    let devices = (0..40).map(|i| device(&format!("dn-{i}"), "127.0.0.1", 1)).collect();
    let settings = Settings { jump_logins_per_minute: 0, jump_sessions: 20, ..Settings::default() };
    let errors = behind(host, devices, settings).await;
    assert_eq!((errors.len(), tries.load(Ordering::Relaxed)), (40, jump::FAILURES));
    for error in &errors {
        assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, Some("jump-host")), "{error}");
    }
    assert_eq!(errors.iter().filter(|error| error.to_string().contains("too often")).count(), 35);
}

#[tokio::test]
async fn a_jump_host_that_dies_takes_its_sessions_with_it() {
    let near = Server { forwards: Some(20_000), ..Server::default() };
    let host = near.start("jump-1").await;
    let far = Server::default().start("dn-1").await;
    let errors = behind(host, vec![far], Settings::default()).await;
    assert_eq!(
        (errors[0].outcome(), errors[0].detail()),
        (Outcome::Unreachable, Some("jump-host")),
        "{}",
        errors[0]
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_site_keeps_only_itself_waiting() {
    let settings = Settings { site_sessions: 2, jump_sessions: 1, ..Settings::default() };
    let at = |name: &str, site: &str, jump: Option<&str>| Device {
        site: site.to_owned(),
        jump: jump.map(str::to_owned),
        ..device(name, "127.0.0.1", 1)
    };
    let fetcher = fetcher(&[], 1, settings).with_jump_hosts([at("jump-1", "", None)]);
    let soon = |device: Device| {
        let fetcher = &fetcher;
        async move { timeout(Duration::from_secs(1), fetcher.admit(&device)).await.ok() }
    };
    let first = soon(at("a", "fra", None)).await;
    let second = soon(at("b", "fra", Some("jump-1"))).await;
    assert!(first.is_some() && second.is_some());
    assert!(soon(at("c", "fra", None)).await.is_none());
    assert!(soon(at("d", "ams", Some("jump-1"))).await.is_none());
    assert!(soon(at("e", "ams", None)).await.is_some());
    drop((first, second));
    assert!(soon(at("c", "fra", Some("jump-1"))).await.is_some());
}

/// The same system, with NETCONF.
static NETCONF: Platform = Platform {
    netconf: Some(Netconf { section: "config xml", filter: "" }),
    ..crate::platform::drivenets_dnos::DRIVENETS_DNOS
};

#[tokio::test]
async fn netconf_where_it_is_wanted() {
    let server = Server::default();
    let device = server.start("pe-4").await;
    let netconf = Device { tags: vec!["netconf".to_owned()], ..device.clone() };
    let fetcher = fetcher(&[&device], 1, Settings::default());
    let transcript = fetcher.fetch(&netconf, &NETCONF, &Scope::Device).await.unwrap();
    assert_eq!(transcript.sections.len(), 1);
    assert_eq!(transcript.sections[0].ended, Ending::Reply);
    let document = crate::platform::netconf::parse(&transcript.sections[0].text).unwrap();
    assert_eq!(crate::platform::netconf::data(&document).unwrap().descendants().count(), 6_001);
    // Not asked for, a narrow scan, a platform without: the shell.
    assert_eq!(fetcher.fetch(&device, &NETCONF, &Scope::Device).await.unwrap().sections.len(), 7);
    let narrow = Scope::Interface("ge100-0/0/1".to_owned());
    assert_eq!(fetcher.fetch(&netconf, &NETCONF, &narrow).await.unwrap().sections[0].ended, Ending::Prompt);
    assert!(fetch(&fetcher, &netconf).await.is_ok());
    // One that has none.
    let server = Server { netconf: false, ..Server::default() };
    let bare = Device { tags: vec!["netconf".to_owned()], ..server.start("pe-5").await };
    let fetcher = self::fetcher(&[&bare], 1, Settings::default());
    let error = fetcher.fetch(&bare, &NETCONF, &Scope::Device).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, Some("no-netconf")));
}

/// Against a server of another make (yuma123's netconfd behind OpenSSH) on
/// port 2201, if `DRIFTCAST_NETCONF` holds the password of its user `netconf`.
#[tokio::test]
#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "switched on by hand")]
async fn netconf_of_another_make() {
    let Ok(password) = std::env::var("DRIFTCAST_NETCONF") else {
        eprintln!("skipped: DRIFTCAST_NETCONF is not set");
        return;
    };
    let credentials = Credentials::with_environment(BTreeMap::new(), move |name| match name {
        "DRIFTCAST_USERNAME" => Some("netconf".to_owned()),
        "DRIFTCAST_PASSWORD" => Some(password.clone()),
        _ => None,
    });
    let device = Device {
        credential: None,
        tags: vec!["netconf".to_owned()],
        ..device("netconfd", "127.0.0.1", 2201)
    };
    let key = fetcher(&[], 1, Settings::default()).host_key(&device).await.unwrap();
    let line = format!("[127.0.0.1]:2201 {key}");
    let known = KnownHosts::read(&line, Path::new("known_hosts")).unwrap();
    let fetcher = SshFetcher::new(Settings::default(), known, credentials);
    let transcript = fetcher.fetch(&device, &NETCONF, &Scope::Device).await.unwrap();
    let text = &transcript.sections[0].text;
    let document = crate::platform::netconf::parse(text).unwrap();
    let nodes = crate::platform::netconf::data(&document).unwrap().descendants().count();
    eprintln!("{} bytes, {nodes} nodes, {:?}", text.len(), transcript.took);
    assert!(nodes > 1);
}
