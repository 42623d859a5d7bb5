//! A JSON body over https, signed with HMAC-SHA256 if there is a key.
//!
//! The address is checked after the name is resolved, and that very address is
//! connected to, so that no second look-up can give another. No proxy of the
//! environment, no redirect, no second try.

use std::net::SocketAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::address::{Network, is_public};
use super::secret::Place;
use super::{Form, Message, NotifyError, Webhook};

/// Characters of one text block that Slack takes, with some room.
const SLACK_BLOCK: usize = 2_800;
/// Blocks of text; Slack takes 50 of all sorts.
const SLACK_BLOCKS: usize = 40;
/// Bytes of text in a card: Teams takes 28 KB in all.
const TEAMS_TEXT: usize = 18_000;

pub(super) fn send(webhook: &Webhook, message: &Message, limit: Duration) -> Result<(), NotifyError> {
    let typed = &webhook.0;
    let url = match (&typed.url, Place::of(typed.url_env.as_ref(), typed.url_file.as_ref())) {
        (Some(url), _) => url.clone(),
        (None, Some(place)) => place.read("webhook's address")?.expose_secret().to_owned(),
        (None, None) => return Err(NotifyError::NotHttps),
    };
    if !url.starts_with("https://") {
        return Err(NotifyError::NotHttps);
    }
    let body = body(typed.form, message).to_string();
    let signed = match Place::of(typed.sign_env.as_ref(), typed.sign_file.as_ref()) {
        Some(place) => {
            let key = place.read("webhook's signing key")?;
            Some(signature(key.expose_secret().as_bytes(), message.at.timestamp(), body.as_bytes()))
        }
        None => None,
    };
    let id = format!("{}-{}", message.facts.run.unwrap_or(0), message.at.timestamp());
    post(&Letter { url: &url, body, signed, id, allow: &typed.allow, https_only: true }, limit)
}

/// What is sent once.
struct Letter<'a> {
    url: &'a str,
    body: String,
    signed: Option<String>,
    /// Lets a receiver see that it has it already.
    id: String,
    allow: &'a [Network],
    https_only: bool,
}

fn post(letter: &Letter<'_>, limit: Duration) -> Result<(), NotifyError> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .https_only(letter.https_only)
        .proxy(None)
        .user_agent(concat!("driftcast/", env!("CARGO_PKG_VERSION")))
        .build();
    let resolver = Checked { allow: letter.allow.to_vec(), usual: DefaultResolver::default() };
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), resolver);
    let mut request = agent
        .post(letter.url)
        .header("content-type", "application/json")
        .header("x-driftcast-delivery", &letter.id);
    if let Some(signed) = &letter.signed {
        request = request.header("x-driftcast-signature", signed);
    }
    // The answer's body is not read: nobody needs it, and it may have no end.
    let status = request.send(letter.body.as_bytes()).map_err(|error| told(error, limit))?.status().as_u16();
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(NotifyError::Redirect { status }),
        _ => Err(NotifyError::Refused { status }),
    }
}

fn told(error: ureq::Error, limit: Duration) -> NotifyError {
    match error {
        ureq::Error::Timeout(_) => NotifyError::TooSlow { limit },
        ureq::Error::RequireHttpsOnly(_) => NotifyError::NotHttps,
        ureq::Error::Other(other) => match other.downcast::<NotifyError>() {
            Ok(ours) => *ours,
            Err(other) => NotifyError::Unreachable(super::clean::clean(&other.to_string())),
        },
        // A BadUri holds the whole address, which may be a secret.
        ureq::Error::BadUri(_) => NotifyError::Unreachable("its address is not understood".to_owned()),
        other => NotifyError::Unreachable(super::clean::clean(&other.to_string())),
    }
}

/// The usual look-up, and then a look at every address it gave.
#[derive(Debug)]
struct Checked {
    allow: Vec<Network>,
    usual: DefaultResolver,
}

impl Resolver for Checked {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.usual.resolve(uri, config, timeout)?;
        let refused = |at: &&SocketAddr| {
            !is_public(at.ip()) && !self.allow.iter().any(|network| network.contains(at.ip()))
        };
        // One of several is enough: who answers with both is not to be trusted with either.
        match found.iter().find(refused) {
            Some(at) => {
                let host = super::clean::clean(uri.host().unwrap_or_default());
                Err(ureq::Error::Other(Box::new(NotifyError::Private { host, address: at.ip() })))
            }
            None => Ok(found),
        }
    }
}

/// `t=UNIX-SECONDS,v1=HEX`: HMAC-SHA256 of `UNIX-SECONDS.BODY`. The time is in
/// it, so that a receiver can refuse what somebody sends again much later.
pub fn signature(key: &[u8], unix_seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(unix_seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let hex = crate::model::snapshot::hex(&mac.finalize().into_bytes());
    format!("t={unix_seconds},v1={hex}")
}

fn body(form: Form, message: &Message) -> Value {
    match form {
        Form::Json => message.json(),
        Form::Slack => slack(message),
        Form::Teams => teams(message),
    }
}

/// Plain text blocks: nothing in them is markup, a mention or a link. The
/// `text` beside them is for notifications, and Slack's three signs are escaped.
fn slack(message: &Message) -> Value {
    let title = message.title();
    let mut blocks = vec![json!({
        "type": "header", "text": { "type": "plain_text", "text": clip(&title, 140), "emoji": false }
    })];
    let section = |text: &str| json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } });
    let mut text = String::new();
    for line in message.lines() {
        if text.len() + line.len() > SLACK_BLOCK && !text.trim().is_empty() {
            blocks.push(section(&text));
            text.clear();
        }
        text.push_str(clip(&line, SLACK_BLOCK));
        text.push('\n');
    }
    if !text.trim().is_empty() {
        blocks.push(section(&text));
    }
    blocks.truncate(SLACK_BLOCKS);
    let escaped = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": escaped, "blocks": blocks })
}

/// Text runs, because text blocks read Markdown.
fn teams(message: &Message) -> Value {
    let run = |text: &str, bold: bool| {
        json!({ "type": "RichTextBlock", "inlines": [
            { "type": "TextRun", "text": text, "weight": if bold { "Bolder" } else { "Default" } }
        ] })
    };
    let mut body = vec![run(clip(&message.title(), 300), true)];
    let mut room = TEAMS_TEXT;
    for line in message.lines().iter().filter(|line| !line.is_empty()) {
        // What a line costs in JSON beside its own bytes.
        let costs = line.len() + 120;
        if costs > room {
            body.push(run("There is more than fits into a card; see the report.", false));
            break;
        }
        room -= costs;
        body.push(run(line, !line.starts_with("- ")));
    }
    let mut card = json!({
        "type": "AdaptiveCard", "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4", "body": body,
    });
    if let Some(link) = &message.facts.link {
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Report", "url": link }]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card
        }],
    })
}

/// At most so many bytes, whole characters.
fn clip(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::time::Instant;

    use super::super::message::tests::message;
    use super::*;

    #[test]
    fn a_known_signature() {
        // printf '%s' '1700000000.{}' | openssl dgst -sha256 -hmac key
        let known = signature(b"key", 1_700_000_000, b"{}");
        assert!(known.starts_with("t=1700000000,v1=") && known.len() == 16 + 64, "{known}");
        assert_ne!(known, signature(b"key", 1_700_000_001, b"{}"));
        assert_ne!(known, signature(b"kez", 1_700_000_000, b"{}"));
        assert_ne!(known, signature(b"key", 1_700_000_000, b"{ }"));
    }

    #[test]
    fn bodies_hold_no_markup_and_fit() {
        let message = Message { most: 100_000, ..message(5_000) };
        let slack = slack(&message);
        assert!(!slack["text"].as_str().unwrap().contains('<'));
        assert!(slack["blocks"].as_array().unwrap().len() <= 50);
        for block in slack["blocks"].as_array().unwrap() {
            assert_eq!(block["text"]["type"], "plain_text");
            assert!(block["text"]["text"].as_str().unwrap().len() <= 3_000);
        }
        let teams = teams(&message);
        assert!(teams.to_string().len() < 28_000, "{}", teams.to_string().len());
        let card = &teams["attachments"][0]["content"];
        assert!(card["body"].as_array().unwrap().iter().all(|block| block["type"] == "RichTextBlock"));
    }

    /// Answers every connection with `answer`, or not at all; gives what it heard.
    fn receiver(answer: Option<&'static str>) -> (String, mpsc::Receiver<String>) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}/hook", socket.local_addr().unwrap().port());
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in socket.incoming() {
                let mut stream = stream.unwrap();
                let mut text = Vec::new();
                let mut buffer = [0; 4_096];
                if let Some(answer) = answer {
                    while !text.ends_with(b"{\"a\":1}") {
                        let n = stream.read(&mut buffer).unwrap();
                        if n == 0 {
                            break;
                        }
                        text.extend_from_slice(&buffer[..n]);
                    }
                    let _ = stream.write_all(answer.as_bytes());
                }
                let _ = tell.send(String::from_utf8_lossy(&text).into_owned());
                held.push(stream);
            }
        });
        (url, heard)
    }

    fn try_it(url: &str, allow: &[&str], limit: u64) -> Result<(), NotifyError> {
        let allow: Vec<Network> = allow.iter().map(|net| net.parse().unwrap()).collect();
        let letter = Letter {
            url,
            body: "{\"a\":1}".to_owned(),
            signed: Some("t=1,v1=00".to_owned()),
            id: "7-1".to_owned(),
            allow: &allow,
            https_only: false,
        };
        post(&letter, Duration::from_millis(limit))
    }

    #[test]
    fn a_good_receiver_gets_it_once_and_signed() {
        let (url, heard) = receiver(Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        try_it(&url, &["127.0.0.1"], 5_000).unwrap();
        let text = heard.recv().unwrap().to_lowercase();
        assert!(text.contains("x-driftcast-signature: t=1,v1=00") && text.ends_with("{\"a\":1}"), "{text}");
        assert!(heard.try_recv().is_err());
    }

    #[test]
    fn a_redirect_is_not_followed_and_an_error_is_told() {
        let (elsewhere, never) = receiver(Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        let answer = format!("HTTP/1.1 307 X\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
        let (url, _) = receiver(Some(Box::leak(answer.into_boxed_str())));
        assert!(matches!(try_it(&url, &["127.0.0.0/8"], 5_000), Err(NotifyError::Redirect { status: 307 })));
        assert!(never.try_recv().is_err());
        let (url, _) = receiver(Some("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"));
        assert!(matches!(try_it(&url, &["127.0.0.0/8"], 5_000), Err(NotifyError::Refused { status: 500 })));
    }

    #[test]
    fn one_that_hangs_is_left() {
        let (url, _) = receiver(None);
        let start = Instant::now();
        assert!(matches!(try_it(&url, &["127.0.0.0/8"], 200), Err(NotifyError::TooSlow { .. })));
        let tls = url.replace("http://", "https://");
        assert!(matches!(try_it(&tls, &["127.0.0.0/8"], 200), Err(NotifyError::TooSlow { .. })));
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn nobody_connects_to_what_is_not_public() {
        let (url, heard) = receiver(Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        let port = url.rsplit_once(':').unwrap().1.to_owned();
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433", "127.1"] {
            let refused = try_it(&format!("http://{host}:{port}"), &["10.0.0.0/8"], 2_000);
            assert!(
                matches!(refused, Err(NotifyError::Private { .. } | NotifyError::Unreachable(_))),
                "{host}: {refused:?}"
            );
        }
        for host in ["169.254.169.254", "100.64.0.1", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"] {
            let refused = try_it(&format!("https://{host}/latest/meta-data"), &[], 2_000);
            assert!(matches!(refused, Err(NotifyError::Private { .. })), "{host}: {refused:?}");
        }
        assert!(heard.try_recv().is_err(), "somebody connected");
    }
}
