//! Every channel at once, each on a thread of its own, and nobody waits longer
//! than the limit: a thread that still hangs then is left behind.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::{Mail, Message, NotifyError, Settings, Syslog, Webhook, mail, syslog, webhook};

/// How long a receiver may take in any case, and how long at most.
const LEAST: u64 = 1;
const MOST: u64 = 60;

/// Whom to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Channel {
    Webhook(Webhook),
    Mail(Mail),
    Syslog(Syslog),
}

impl Channel {
    /// What its state is kept under: `webhook/NAME`.
    pub fn id(&self) -> String {
        match self {
            Self::Webhook(webhook) => format!("webhook/{}", webhook.0.name),
            Self::Mail(mail) => format!("mail/{}", mail.0.name),
            Self::Syslog(syslog) => format!("syslog/{}", syslog.0.name),
        }
    }

    fn send(&self, message: &Message, report: Option<&[u8]>, limit: Duration) -> Result<(), NotifyError> {
        match self {
            Self::Webhook(webhook) => webhook::send(webhook, message, limit),
            Self::Mail(mail) => mail::send(mail, message, report, limit),
            Self::Syslog(syslog) => syslog::send(syslog, message, limit),
        }
    }
}

/// The configured channels.
pub fn channels(settings: &Settings) -> Vec<Channel> {
    let webhooks = settings.webhook.iter().cloned().map(Channel::Webhook);
    let mails = settings.mail.iter().cloned().map(Channel::Mail);
    webhooks.chain(mails).chain(settings.syslog.iter().cloned().map(Channel::Syslog)).collect()
}

/// A message and the channel that it is for.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub channel: Channel,
    pub message: Message,
}

/// One try each. The results are in the order of the parcels.
pub fn deliver(
    parcels: Vec<Parcel>,
    report: Option<Vec<u8>>,
    timeout_seconds: u64,
) -> Vec<Result<(), NotifyError>> {
    let limit = Duration::from_secs(timeout_seconds.clamp(LEAST, MOST));
    within(parcels, report, limit)
}

fn within(parcels: Vec<Parcel>, report: Option<Vec<u8>>, limit: Duration) -> Vec<Result<(), NotifyError>> {
    let report = report.map(Arc::<[u8]>::from);
    let begun = Instant::now();
    let waiting: Vec<_> = parcels
        .into_iter()
        .map(|parcel| {
            let (tell, told) = mpsc::channel();
            let report = report.clone();
            std::thread::spawn(move || {
                let _ = tell.send(parcel.channel.send(&parcel.message, report.as_deref(), limit));
            });
            told
        })
        .collect();
    waiting
        .into_iter()
        .map(|told| match told.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(NotifyError::TooSlow { limit }),
            Err(RecvTimeoutError::Disconnected) => {
                Err(NotifyError::Unreachable("its thread ended unexpectedly; the log says more".to_owned()))
            }
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::net::TcpListener;

    use super::super::message::tests::message;
    use super::*;

    /// Five receivers that hang cost what one costs, and the sixth is told.
    #[test]
    fn who_hangs_delays_nobody() {
        let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = hangs.local_addr().unwrap().port();
        let webhook = |n: usize| {
            let text =
                format!("name = \"w{n}\"\nurl = \"https://127.0.0.1:{port}/\"\nallow = [\"127.0.0.1\"]");
            Channel::Webhook(toml::from_str(&text).unwrap())
        };
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let text = format!("name = \"log\"\nserver = \"{}\"\nover = \"tcp\"", good.local_addr().unwrap());
        let mut all: Vec<Channel> = (0..5).map(webhook).collect();
        all.push(Channel::Syslog(toml::from_str(&text).unwrap()));
        let parcels = all.into_iter().map(|channel| Parcel { channel, message: message(2) }).collect();
        let begun = Instant::now();
        let results = within(parcels, None, Duration::from_millis(300));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(results[..5].iter().all(|r| matches!(r, Err(NotifyError::TooSlow { .. }))), "{results:?}");
        assert!(results[5].is_ok());
    }

    #[test]
    fn a_webhook_is_https_and_has_one_address() {
        for (text, says) in [
            ("name = \"a\"\nurl = \"http://example.net/x\"", "not https"),
            ("name = \"a\"", "exactly one of url"),
            ("name = \"a\"\nurl = \"https://e.net/\"\nurl_env = \"X\"", "exactly one of url"),
            ("name = \"a b\"\nurl = \"https://e.net/\"", "has a name of"),
            ("name = \"a\"\nurl = \"https://e.net/\"\nallow = [\"10.0.0.0/40\"]", "no address or network"),
            ("name = \"a\"\nurl = \"https://e.net/\"\nform = \"discord\"", "unknown variant"),
        ] {
            let error = toml::from_str::<Webhook>(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
