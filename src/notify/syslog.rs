//! Syslog out: RFC 5424, one line an item, facility local0. Over TCP counted
//! in octets (RFC 6587), so that no text can pretend to be a line of its own.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use super::clean::clean;
use super::{Message, News, NotifyError, Syslog, SyslogOver};

/// Lines of one message, beside the title.
const MOST: usize = 200;
/// local0.
const FACILITY: u8 = 16;

pub(super) fn send(syslog: &Syslog, message: &Message, limit: Duration) -> Result<(), NotifyError> {
    let lines = lines(message);
    over(syslog, &lines, limit).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => NotifyError::TooSlow { limit },
        _ => NotifyError::Syslog(error),
    })
}

fn over(syslog: &Syslog, lines: &[String], limit: Duration) -> io::Result<()> {
    let found: Vec<SocketAddr> = syslog.0.server.to_socket_addrs()?.collect();
    let at = *found.first().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))?;
    match syslog.0.over {
        SyslogOver::Udp => {
            let any = if at.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any)?;
            for line in lines {
                socket.send_to(line.as_bytes(), at)?;
            }
        }
        SyslogOver::Tcp => {
            let mut stream = TcpStream::connect_timeout(&at, limit)?;
            stream.set_write_timeout(Some(limit))?;
            for line in lines {
                stream.write_all(format!("{} {line}", line.len()).as_bytes())?;
            }
            stream.flush()?;
        }
    }
    Ok(())
}

fn lines(message: &Message) -> Vec<String> {
    let time = message.at.format("%Y-%m-%dT%H:%M:%SZ");
    let line = |severity: u8, id: &str, text: &str| {
        format!("<{}>1 {time} - driftcast - {id} - {text}", FACILITY * 8 + severity)
    };
    let mut lines = vec![line(5, "digest", &clean(&message.title()))];
    for item in message.digest.items.iter().take(MOST) {
        // warning, notice, informational
        let (severity, id) = match item.news {
            News::DidNotHappen => (4, "run-missed"),
            News::GuardStopped => (4, "guard-stopped"),
            News::StoppedAnswering => (4, "device-unreadable"),
            News::Worse => (4, "drift-worse"),
            News::New => (5, "drift-new"),
            News::BackAgain => (5, "drift-back"),
            News::StillOpen => (5, "drift-open"),
            News::AnswersAgain => (6, "device-readable"),
            News::Resolved => (6, "drift-resolved"),
        };
        lines.push(line(severity, id, &format!("{} {}", item.item, message.line(item))));
    }
    lines
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use super::super::message::tests::message;
    use super::*;

    #[test]
    fn lines_arrive_counted() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let text = format!("name = \"log\"\nserver = \"{}\"\nover = \"tcp\"", socket.local_addr().unwrap());
        let syslog: Syslog = toml::from_str(&text).unwrap();
        send(&syslog, &message(2), Duration::from_secs(5)).unwrap();
        let mut got = String::new();
        socket.accept().unwrap().0.read_to_string(&mut got).unwrap();
        assert!(
            got.contains("<133>1 1970-01-01T00:00:00Z - driftcast - digest - driftcast: 1 new, 1 resolved"),
            "{got}"
        );
        assert!(
            got.contains("<133>1 1970-01-01T00:00:00Z - driftcast - drift-new - drift/1/D-0 sw0 [2J"),
            "{got}"
        );
        let (length, rest) = got.split_once(' ').unwrap();
        assert!(rest[length.parse::<usize>().unwrap()..].starts_with(|c: char| c.is_ascii_digit()));
    }
}
