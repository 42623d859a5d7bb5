//! A mail: the same words, and the report's first page beside them or a link.
//! TLS is not optional: what cannot be encrypted is not sent.

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{SmtpTransport, Transport as _};
use secrecy::ExposeSecret as _;

use super::clean::clean;
use super::secret::Place;
use super::{Mail, MailTls, Message, NotifyError};

/// Servers take 10 MB and more; a first page that is larger is linked only.
const LARGEST: usize = 5_000_000;

pub(super) fn send(
    mail: &Mail,
    message: &Message,
    report: Option<&[u8]>,
    limit: Duration,
) -> Result<(), NotifyError> {
    let typed = &mail.0;
    let letter = letter(mail, message, report)?;
    let server = |error: lettre::transport::smtp::Error| {
        if error.is_timeout() || is_slow(&error) {
            NotifyError::TooSlow { limit }
        } else {
            NotifyError::Server(causes(&error))
        }
    };
    let mut builder = match typed.tls {
        MailTls::Starttls => SmtpTransport::starttls_relay(&typed.server).map_err(server)?,
        MailTls::Tls => SmtpTransport::relay(&typed.server).map_err(server)?,
        MailTls::Localhost => SmtpTransport::builder_dangerous(&typed.server),
    };
    builder = builder.timeout(Some(limit));
    if let Some(port) = typed.port {
        builder = builder.port(port);
    }
    if let (Some(user), Some(place)) =
        (&typed.username, Place::of(typed.password_env.as_ref(), typed.password_file.as_ref()))
    {
        let password = place.read("mail server's password")?;
        builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
    }
    builder.build().send(&letter).map_err(server)?;
    Ok(())
}

fn letter(mail: &Mail, message: &Message, report: Option<&[u8]>) -> Result<lettre::Message, NotifyError> {
    let wrong = |error: &dyn std::error::Error| NotifyError::Letter(clean(&error.to_string()));
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|error| wrong(&error));
    let mut builder = lettre::Message::builder()
        .from(mailbox(&mail.0.from)?)
        .subject(message.title())
        .date(message.at.into());
    for to in &mail.0.to {
        builder = builder.to(mailbox(to)?);
    }
    let text = SinglePart::plain(message.lines().join("\r\n"));
    let html = || "text/html; charset=utf-8".parse::<ContentType>().map_err(|error| wrong(&error));
    let report = report.filter(|bytes| mail.0.attach && bytes.len() <= LARGEST);
    let letter = match report {
        Some(bytes) => {
            let page = Attachment::new("driftcast.html".to_owned()).body(bytes.to_vec(), html()?);
            builder.multipart(MultiPart::mixed().singlepart(text).singlepart(page))
        }
        None => builder.singlepart(text),
    };
    letter.map_err(|error| wrong(&error))
}

/// A socket's own time limit shows as an operation that would block.
fn is_slow(error: &dyn std::error::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(io, Some(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// What the server said, without control characters.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    clean(&text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::super::message::tests::message;
    use super::*;

    fn mail(text: &str) -> Mail {
        toml::from_str(text).unwrap()
    }

    const HERE: &str = r#"
        name = "ops"
        server = "127.0.0.1"
        tls = "localhost"
        from = "driftcast <driftcast@example.net>"
        to = ["ops@example.net", "amy@example.net"]
        attach = true
    "#;

    #[test]
    fn the_page_goes_with_it() {
        let text = letter(&mail(HERE), &message(3), Some(b"<html>the report")).unwrap().formatted();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("Subject: driftcast: 2 new, 1 resolved (run 7 complete)"), "{text}");
        assert!(text.contains("driftcast.html") && text.contains("multipart/mixed"), "{text}");
        let without = letter(&mail(HERE), &message(3), None).unwrap().formatted();
        assert!(!String::from_utf8(without).unwrap().contains("multipart"));
    }

    /// A server with one answer for everything.
    fn server(greeting: Option<&'static str>) -> u16 {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in socket.incoming() {
                let mut stream = stream.unwrap();
                if let Some(greeting) = greeting {
                    let _ = stream.write_all(greeting.as_bytes());
                    let mut line = String::new();
                    let _ = BufReader::new(&stream).read_line(&mut line);
                    let _ = stream.write_all(b"250 hello\r\n");
                }
                held.push(stream);
            }
        });
        port
    }

    #[test]
    fn servers_that_hang_refuse_or_have_no_tls() {
        let try_it = |text: &str, limit| send(&mail(text), &message(1), None, Duration::from_millis(limit));
        let hangs = format!("port = {}\n{HERE}", server(None));
        assert!(matches!(try_it(&hangs, 200), Err(NotifyError::TooSlow { .. })));
        let refuses = format!("port = {}\n{HERE}", server(Some("554 go away\r\n")));
        assert!(matches!(try_it(&refuses, 5_000), Err(NotifyError::Server(why)) if why.contains("go away")));
        // It offers no STARTTLS, so nothing is said to it.
        let plain = format!("port = {}\n{HERE}", server(Some("220 hello\r\n")));
        let plain = plain.replace("tls = \"localhost\"", "tls = \"starttls\"");
        assert!(matches!(try_it(&plain, 5_000), Err(NotifyError::Server(_))));
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (from, to, says) in [
            ("tls = \"localhost\"", "tls = \"localhost\"\nusername = \"u\"", "needs a username and one of"),
            ("127.0.0.1", "mail.example.net", "localhost only"),
            ("amy@example.net", "amy", "no mail address"),
            ("[\"ops@example.net\", \"amy@example.net\"]", "[]", "nobody"),
        ] {
            let error = toml::from_str::<Mail>(&HERE.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
