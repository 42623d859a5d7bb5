//! The sockets: UDP and TCP at one address, or what systemd hands over.
//!
//! A datagram is one line. Of streams there is a limit; when it is reached, the
//! one that was silent for longest gives way. Nothing is ever answered.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::io::AsyncReadExt as _;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::drops;
use super::ear::Ear;
use super::framing::Framer;

/// Streams at once.
const STREAMS: usize = 2_048;
/// Datagrams before others get their turn.
const TURN: usize = 64;
/// Between two looks at what the kernel dropped, and after an error of a socket.
const PAUSE: Duration = Duration::from_secs(5);

/// Why nobody listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "failed to listen for syslog at {at} ({over}); choose another [syslog] listen, or end who uses it"
    )]
    Bind { at: SocketAddr, over: &'static str, source: io::Error },
    #[error("failed to take over sockets of systemd: none was handed to this process (LISTEN_FDS)")]
    NoneHandedOver,
    #[error(
        "failed to take over a socket of systemd; a service with a SystemCallFilter has to allow pidfd_getfd"
    )]
    HandOver(#[source] io::Error),
    #[error("failed to use the sockets for syslog")]
    Sockets(#[source] io::Error),
}

/// Open sockets that nobody reads yet.
#[derive(Debug, Default)]
pub struct Sockets {
    datagrams: Vec<UdpSocket>,
    streams: Vec<TcpListener>,
}

impl Sockets {
    /// UDP and TCP at `at`. Port 0: one that is free for both.
    pub fn bind(at: SocketAddr) -> Result<Self, ListenError> {
        let streams =
            TcpListener::bind(at).map_err(|source| ListenError::Bind { at, over: "TCP", source })?;
        let at = streams.local_addr().map_err(ListenError::Sockets)?;
        let datagrams =
            UdpSocket::bind(at).map_err(|source| ListenError::Bind { at, over: "UDP", source })?;
        Ok(Self { datagrams: vec![datagrams], streams: vec![streams] })
    }

    /// The first `count` sockets behind standard error, as `sd_listen_fds` has
    /// them. They are copied, so that nothing here has to claim a bare number.
    pub fn handed_over(count: usize) -> Result<Self, ListenError> {
        if count == 0 {
            return Err(ListenError::NoneHandedOver);
        }
        let us =
            pidfd_open(getpid(), PidfdFlags::empty()).map_err(|error| ListenError::HandOver(error.into()))?;
        let mut sockets = Self::default();
        for number in 3..3 + i32::try_from(count.min(16)).unwrap_or(16) {
            let fd = pidfd_getfd(&us, number, PidfdGetfdFlags::empty())
                .map_err(|error| ListenError::HandOver(error.into()))?;
            sockets.add(fd).map_err(ListenError::HandOver)?;
        }
        Ok(sockets)
    }

    /// A socket that listens for streams has no peer to look at; one for datagrams needs none.
    fn add(&mut self, fd: OwnedFd) -> io::Result<()> {
        let socket = UdpSocket::from(fd);
        socket.set_nonblocking(true)?;
        match socket.peek_from(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                self.streams.push(TcpListener::from(OwnedFd::from(socket)));
            }
            _ => self.datagrams.push(socket),
        }
        Ok(())
    }

    /// Where lines are awaited.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let datagrams = self.datagrams.iter().filter_map(|socket| socket.local_addr().ok());
        datagrams.chain(self.streams.iter().filter_map(|socket| socket.local_addr().ok())).collect()
    }
}

/// Asks for the time: this room has no clock.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Hears until it is dropped.
pub async fn listen(sockets: Sockets, ear: Arc<Ear>, now: Now) -> Result<(), ListenError> {
    let mut tasks = JoinSet::new();
    for socket in sockets.datagrams {
        socket.set_nonblocking(true).map_err(ListenError::Sockets)?;
        let port = socket.local_addr().map_err(ListenError::Sockets)?.port();
        let socket = tokio::net::UdpSocket::from_std(socket).map_err(ListenError::Sockets)?;
        tasks.spawn(hear_datagrams(socket, ear.clone(), now.clone()));
        tasks.spawn(count_drops(port, ear.clone()));
    }
    for socket in sockets.streams {
        socket.set_nonblocking(true).map_err(ListenError::Sockets)?;
        let socket = tokio::net::TcpListener::from_std(socket).map_err(ListenError::Sockets)?;
        tasks.spawn(accept(socket, ear.clone(), now.clone()));
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

async fn hear_datagrams(socket: tokio::net::UdpSocket, ear: Arc<Ear>, now: Now) {
    let mut buffer = vec![0; 65_536];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => hear_one(&ear, from.ip(), &buffer[..length], &now),
            // An ICMP error of somebody whom we never wrote to, or no memory: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        // What lies ready is fetched at once: the kernel keeps little.
        for _ in 0..TURN {
            let Ok((length, from)) = socket.try_recv_from(&mut buffer) else { break };
            hear_one(&ear, from.ip(), &buffer[..length], &now);
        }
        tokio::task::yield_now().await;
    }
}

fn hear_one(ear: &Ear, from: IpAddr, line: &[u8], now: &Now) {
    ear.hear(from, line.trim_ascii_end(), now(), Instant::now());
}

async fn count_drops(port: u16, ear: Arc<Ear>) {
    let Some(mut seen) = drops::so_far(port) else { return };
    loop {
        tokio::time::sleep(PAUSE).await;
        let Some(so_far) = drops::so_far(port) else { return };
        if so_far > seen {
            ear.count(|heard| heard.kernel_drops += so_far - seen);
        }
        seen = so_far;
    }
}

/// One open stream: how to end it, and when it was last heard, in milliseconds.
struct Stream {
    end: AbortHandle,
    heard: Arc<AtomicU64>,
}

async fn accept(socket: tokio::net::TcpListener, ear: Arc<Ear>, now: Now) {
    let mut tasks = JoinSet::new();
    let mut streams: HashMap<tokio::task::Id, Stream> = HashMap::new();
    let start = Instant::now();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            Some(ended) = tasks.join_next_with_id() => {
                let id = match ended {
                    Ok((id, ())) => id,
                    Err(error) => error.id(),
                };
                streams.remove(&id);
                continue;
            }
        };
        let Ok((stream, from)) = accepted else {
            // Out of files, most likely: those who are connected are heard.
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        if streams.len() >= STREAMS {
            let silent = streams.iter().min_by_key(|(_, s)| s.heard.load(Ordering::Relaxed));
            if let Some((id, stream)) = silent.map(|(id, stream)| (*id, stream)) {
                stream.end.abort();
                streams.remove(&id);
                ear.count(|heard| heard.closed += 1);
            }
        }
        let heard = Arc::new(AtomicU64::new(millis(start)));
        let end = tasks.spawn(hear_stream(stream, from.ip(), ear.clone(), now.clone(), heard.clone(), start));
        streams.insert(end.id(), Stream { end, heard });
    }
}

async fn hear_stream(
    mut stream: tokio::net::TcpStream,
    from: IpAddr,
    ear: Arc<Ear>,
    now: Now,
    heard: Arc<AtomicU64>,
    start: Instant,
) {
    let mut framer = Framer::default();
    let mut buffer = vec![0; 4_096];
    while let Ok(length) = stream.read(&mut buffer).await {
        if length == 0 {
            framer.end(|line| hear_one(&ear, from, line, &now));
            break;
        }
        heard.store(millis(start), Ordering::Relaxed);
        let framed = framer.feed(&buffer[..length], |line| hear_one(&ear, from, line, &now));
        let cut = framer.cut();
        if cut > 0 || framed.is_err() {
            ear.count(|heard| {
                heard.cut += cut;
                heard.closed += u64::from(framed.is_err());
            });
        }
        if framed.is_err() {
            break;
        }
    }
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::HashSet;
    use std::io::Write as _;
    use std::net::TcpStream;

    use super::super::book::{Book, tests::device};
    use super::*;

    /// Real sockets: 200 senders behind one address, each with its stream and
    /// its name, while one of them floods. All lines of the others arrive.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_lost_beside_a_flood() {
        let devices: Vec<_> =
            (0..200).map(|n| device(&format!("sw{n}"), "127.0.0.1", "arista_eos")).collect();
        let ear = Arc::new(Ear::new(Book::new((0..).zip(&devices)), 50));
        let sockets = Sockets::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let at = sockets.addresses()[0];
        let listening = tokio::spawn(listen(sockets, ear.clone(), Arc::new(|| DateTime::UNIX_EPOCH)));
        let senders = tokio::task::spawn_blocking(move || {
            let line = |n: usize| {
                format!(
                    "<189>Nov 23 09:05:00 sw{n} ConfigAgent: %SYS-5-CONFIG_I: Configured from console by u{n} on con0"
                )
            };
            let mut flood = TcpStream::connect(at).unwrap();
            let many = format!("{}\n", line(0)).repeat(200);
            for n in 1..200 {
                flood.write_all(many.as_bytes()).unwrap();
                let mut stream = TcpStream::connect(at).unwrap();
                // Octet counted, and without an end that says more.
                let one = line(n);
                stream.write_all(format!("{} {one}", one.len()).as_bytes()).unwrap();
            }
            let datagram = UdpSocket::bind("127.0.0.1:0").unwrap();
            datagram.send_to(line(7).replace("u7", "udp").as_bytes(), at).unwrap();
        });
        senders.await.unwrap();
        let mut heard = HashSet::new();
        let all = async {
            while heard.len() < 201 {
                heard.extend(ear.collect().into_iter().filter_map(|signal| signal.who));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
        assert!(ear.heard().limited > 0, "{:?}", ear.heard());
        listening.abort();
    }

    #[test]
    fn a_taken_port_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = Sockets::bind(taken.local_addr().unwrap()).unwrap_err();
        assert!(error.to_string().contains("(TCP)"), "{error}");
        assert!(matches!(Sockets::handed_over(0), Err(ListenError::NoneHandedOver)));
    }

    #[test]
    fn what_is_handed_over_is_told_apart() {
        let mut sockets = Sockets::default();
        sockets.add(TcpListener::bind("127.0.0.1:0").unwrap().into()).unwrap();
        sockets.add(UdpSocket::bind("127.0.0.1:0").unwrap().into()).unwrap();
        assert_eq!((sockets.streams.len(), sockets.datagrams.len()), (1, 1));
    }
}
