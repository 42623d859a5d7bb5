//! NETCONF over an SSH channel, to read the running configuration.
//!
//! There are two questions, `<get-config>` and `<close-session>`, and no way to
//! build a third. The hello is exchanged, the better framing of the two that
//! both sides know is used, one question is asked and its reply taken whole. A
//! byte that breaks the framing is an answer that broke off. What the XML says
//! is for the platform.

mod framing;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use crate::platform::netconf::{BASE_1_0, BASE_1_1, QUESTION, capabilities};
use crate::platform::terminal::settle;
use crate::platform::{Captured, Ending, Netconf};

use super::{DeviceError, Settings, Transcript};

use framing::{Cutter, Framing, framed};

/// What the reply is called where a command line would stand.
pub(super) const GET_CONFIG: &str = "get-config running";

/// A hello with thousands of capabilities has some hundred kilobytes.
const HELLO_BYTES: usize = 4 << 20;

/// How long the goodbye may take. The answer is there; its loss is no loss.
const GOODBYE: Duration = Duration::from_secs(2);

const NAMESPACE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

/// Everything that can be asked.
#[derive(Clone, Copy, Debug)]
enum Question {
    GetConfig { filter: &'static str },
    CloseSession,
}

impl Question {
    fn text(self) -> String {
        let (id, inside) = match self {
            Self::GetConfig { filter } => {
                let filter = if filter.is_empty() {
                    String::new()
                } else {
                    format!("<filter type=\"subtree\">{filter}</filter>")
                };
                (QUESTION, format!("<get-config><source><running/></source>{filter}</get-config>"))
            }
            Self::CloseSession => ("2", "<close-session/>".to_owned()),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rpc message-id=\"{id}\" xmlns=\"{NAMESPACE}\">{inside}</rpc>"
        )
    }
}

/// Reads the running configuration through the subsystem behind `stream`.
/// `early` is what was read from it already.
pub(super) async fn converse<S>(
    stream: S,
    early: &[u8],
    how: Netconf,
    settings: &Settings,
) -> Result<Transcript, DeviceError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let started = Instant::now();
    let mut talk = Talk { stream, settings, cutter: Cutter::default(), bytes: early.len() as u64 };
    talk.cutter.push(early);
    let hello = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hello xmlns=\"{NAMESPACE}\"><capabilities>\
         <capability>{BASE_1_0}</capability><capability>{BASE_1_1}</capability></capabilities></hello>"
    );
    talk.say(&framed(Framing::Mark, &hello)).await?;
    let theirs = talk.hear(Framing::Mark, HELLO_BYTES).await?;
    let known = capabilities(&String::from_utf8_lossy(&theirs)).unwrap_or_default();
    let knows = |base: &str| known.iter().any(|capability| capability == base);
    let framing = match (knows(BASE_1_1), knows(BASE_1_0)) {
        (true, _) => Framing::Chunks,
        (false, true) => Framing::Mark,
        (false, false) => return Err(DeviceError::NetconfVersion),
    };
    talk.say(&framed(framing, &Question::GetConfig { filter: how.filter }.text())).await?;
    let reply = talk.hear(framing, settings.max_bytes).await?;
    let settled = settle(&reply);
    let bytes = talk.bytes;
    let goodbye = async {
        talk.say(&framed(framing, &Question::CloseSession.text())).await?;
        talk.hear(framing, HELLO_BYTES).await
    };
    let _ = timeout(GOODBYE.min(settings.silence()), goodbye).await;
    Ok(Transcript {
        sections: vec![Captured {
            section: how.section.to_owned(),
            command: GET_CONFIG.to_owned(),
            text: settled.text,
            prompt: None,
            ended: Ending::Reply,
        }],
        system: None,
        legacy: Vec::new(),
        took: started.elapsed(),
        bytes,
        removed: settled.removed,
    })
}

struct Talk<'a, S> {
    stream: S,
    settings: &'a Settings,
    cutter: Cutter,
    bytes: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    /// The next message, at most `limit` bytes long.
    async fn hear(&mut self, framing: Framing, limit: usize) -> Result<Vec<u8>, DeviceError> {
        let command = || GET_CONFIG.to_owned();
        let mut buffer = vec![0; 32 << 10];
        loop {
            match self.cutter.next(framing) {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {}
                Err(_) => return Err(DeviceError::Framing),
            }
            if self.cutter.len() > limit {
                return Err(DeviceError::TooLarge { command: command(), limit });
            }
            match timeout(self.settings.silence(), self.stream.read(&mut buffer)).await {
                Err(_) => {
                    let seconds = self.settings.silence_seconds;
                    return Err(DeviceError::Silence { command: command(), seconds });
                }
                Ok(Ok(0) | Err(_)) => {
                    return Err(DeviceError::Closed { command: command(), bytes: self.cutter.len() });
                }
                Ok(Ok(count)) => {
                    self.bytes += count as u64;
                    self.cutter.push(&buffer[..count]);
                }
            }
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        let command = || GET_CONFIG.to_owned();
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.settings.silence(), written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(DeviceError::Closed { command: command(), bytes: self.cutter.len() }),
            Err(_) => {
                let seconds = self.settings.silence_seconds;
                Err(DeviceError::Silence { command: command(), seconds })
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::model::Outcome;

    const HOW: Netconf = Netconf { section: "config xml", filter: "<interfaces xmlns=\"urn:x\"/>" };

    fn hello(bases: &[&str]) -> String {
        let list: Vec<String> = bases.iter().map(|base| format!("<capability>{base}</capability>")).collect();
        let list = list.concat();
        format!(
            "<hello xmlns=\"{NAMESPACE}\"><capabilities>{list}</capabilities><session-id>7</session-id></hello>"
        )
    }

    fn reply() -> String {
        let data = "<interface><name>ge100-0/0/1</name></interface>".repeat(5_000);
        format!("<rpc-reply message-id=\"1\" xmlns=\"{NAMESPACE}\"><data>{data}</data></rpc-reply>")
    }

    /// A server that says its hello and one answer, whatever it is asked, and
    /// hangs up after so many bytes of that. Gives what it heard.
    fn server(
        bases: &'static [&'static str],
        answer: Vec<u8>,
        cut: usize,
    ) -> (DuplexStream, JoinHandle<String>) {
        let (ours, mut theirs) = duplex(64 << 10);
        let task = tokio::spawn(async move {
            let mut heard = Vec::new();
            let _ = theirs.write_all(&framed(Framing::Mark, &hello(bases))).await;
            while memchr::memmem::find(&heard, b"</rpc>").is_none() {
                if theirs.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let _ = theirs.write_all(&answer[..cut.min(answer.len())]).await;
            if cut >= answer.len() {
                while theirs.read_buf(&mut heard).await.unwrap_or(0) > 0 {
                    if memchr::memmem::find(&heard, b"<close-session/>").is_some() {
                        break;
                    }
                }
            }
            String::from_utf8(heard).unwrap()
        });
        (ours, task)
    }

    #[tokio::test(start_paused = true)]
    async fn both_framings_give_the_same_text() {
        for (bases, framing) in
            [(&[BASE_1_0][..], Framing::Mark), (&[BASE_1_0, BASE_1_1][..], Framing::Chunks)]
        {
            let (stream, task) = server(bases, framed(framing, &reply()), usize::MAX);
            let transcript = converse(stream, b"", HOW, &Settings::default()).await.unwrap();
            let section = &transcript.sections[0];
            assert_eq!(section.text, reply());
            assert_eq!((section.section.as_str(), section.ended), ("config xml", Ending::Reply));
            let heard = task.await.unwrap();
            assert!(
                heard.contains("<filter type=\"subtree\"><interfaces xmlns=\"urn:x\"/></filter>"),
                "{heard}"
            );
            assert_eq!(heard.matches("<rpc ").count(), 2, "one question and the goodbye: {heard}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_cut_anywhere_gives_nothing() {
        let whole = framed(Framing::Chunks, &reply());
        for cut in (0..whole.len()).step_by(9_973).chain([whole.len() - 4, whole.len() - 1]) {
            let (stream, _task) = server(&[BASE_1_1], whole.clone(), cut);
            let error = converse(stream, b"", HOW, &Settings::default()).await.unwrap_err();
            assert_eq!((error.outcome(), error.detail()), (Outcome::Incomplete, Some("closed")), "{cut}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_else_goes_wrong() {
        let ask = async |bases, answer: &[u8], settings: Settings| {
            let (stream, _task) = server(bases, answer.to_vec(), usize::MAX);
            let error = converse(stream, b"", HOW, &settings).await.unwrap_err();
            (error.outcome(), error.detail())
        };
        // Marks where chunks were agreed on.
        let marked = framed(Framing::Mark, &reply());
        assert_eq!(
            ask(&[BASE_1_1], &marked, Settings::default()).await,
            (Outcome::Incomplete, Some("framing"))
        );
        let small = Settings { max_bytes: 10_000, ..Settings::default() };
        assert_eq!(ask(&[BASE_1_1], &framed(Framing::Chunks, &reply()), small).await.0, Outcome::TooLarge);
        assert_eq!(
            ask(&["urn:other"], b"", Settings::default()).await,
            (Outcome::Unreachable, Some("netconf-version"))
        );
        // Half a chunk, then silence.
        assert_eq!(
            ask(&[BASE_1_1], b"\n#10\nabc", Settings::default()).await,
            (Outcome::Timeout, Some("silence"))
        );
    }
}
