//! The shell against scripted devices, over an in-memory stream. Time is
//! paused: a wait of 30 s costs nothing here.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::sleep;

use super::*;
use crate::model::{Outcome, Scope};
use crate::platform::by_name;

const BODY: &str = "# PE-4 config-start [09-Mar-2026 18:52:11]\r\ninterfaces\r\n  ge100-0/0/1\r\n    description \"PE-4# and\\n# PE-4 config-end\"\r\n  !\r\n!\r\n# PE-4 config-end\r\n";

fn dnos() -> &'static Platform {
    by_name("drivenets_dnos").unwrap()
}

fn settled(raw: &str) -> String {
    settle(raw.as_bytes()).text
}

/// How a scripted device behaves; the fields are changed one at a time.
#[derive(Clone)]
struct Scripted {
    /// Said before the first prompt.
    banner: &'static str,
    name: &'static str,
    /// Bytes between the received line and its output, given the line.
    echo: fn(&str) -> String,
    /// The answer to every command of the script.
    body: String,
    /// Written before each prompt.
    before_prompt: &'static str,
    /// Bytes per write, and the pause between two writes.
    chunk: usize,
    pause: Duration,
    /// Hangs up after so many bytes of the session.
    cut: Option<usize>,
    /// Named differently after the first command.
    renamed: Option<&'static str>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            banner: "DRIVENETS CLI Loading...\r                        \r",
            name: "PE-4",
            echo: |line| format!("{line}\r\n"),
            body: BODY.to_owned(),
            before_prompt: "",
            chunk: usize::MAX,
            pause: Duration::ZERO,
            cut: None,
            renamed: None,
        }
    }
}

struct Line {
    stream: DuplexStream,
    left: usize,
    chunk: usize,
    pause: Duration,
}

impl Line {
    /// `false` when the line is cut.
    async fn say(&mut self, text: &str) -> bool {
        for piece in text.as_bytes().chunks(self.chunk) {
            let piece = &piece[..piece.len().min(self.left)];
            self.left -= piece.len();
            if self.stream.write_all(piece).await.is_err() || self.left == 0 {
                return false;
            }
            if !self.pause.is_zero() {
                sleep(self.pause).await;
            }
        }
        true
    }

    /// The next line that is typed; `None` when the other side is gone.
    async fn hear(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.stream.read_u8().await.ok()? {
                b'\n' => return String::from_utf8(line).ok(),
                byte => line.push(byte),
            }
        }
    }
}

impl Scripted {
    /// Serves one session; returns the lines that were received.
    fn start(self) -> (DuplexStream, tokio::task::JoinHandle<Vec<String>>) {
        let (ours, theirs) = duplex(64 << 10);
        let task = tokio::spawn(async move {
            let mut line = Line {
                stream: theirs,
                left: self.cut.unwrap_or(usize::MAX),
                chunk: self.chunk,
                pause: self.pause,
            };
            let mut heard = Vec::new();
            let mut name = self.name;
            let mut up = line.say(&format!("{}{name}# ", self.banner)).await;
            while up {
                let Some(command) = line.hear().await else { break };
                let answer = match command.as_str() {
                    "" => "\r\n".to_owned(),
                    command if command.starts_with("set ") => (self.echo)(command),
                    command => format!("{}{}", (self.echo)(command), self.body),
                };
                if !command.is_empty() && !command.starts_with("set ") {
                    name = self.renamed.unwrap_or(name);
                }
                heard.push(command);
                up = line.say(&format!("{answer}{}{name}# ", self.before_prompt)).await;
            }
            heard
        });
        (ours, task)
    }

    async fn talk(self, settings: &Settings) -> Result<Transcript, DeviceError> {
        let (stream, _task) = self.start();
        converse(stream, b"", dnos(), &[dnos().named("config").unwrap()], settings).await
    }

    async fn text(self) -> String {
        self.talk(&Settings::default()).await.unwrap().sections.remove(0).text
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_script() {
    let (stream, task) = Scripted::default().start();
    let commands = dnos().script(&Scope::Device).unwrap();
    let transcript = converse(stream, b"", dnos(), &commands, &Settings::default()).await.unwrap();
    assert_eq!(transcript.system.as_deref(), Some("PE-4"));
    assert_eq!(transcript.sections.len(), commands.len());
    for (section, command) in transcript.sections.iter().zip(&commands) {
        assert_eq!((section.section.as_str(), section.command.as_str()), (command.section, command.text()));
        assert_eq!(section.text, settled(BODY));
        assert_eq!(section.prompt.as_deref(), Some("PE-4"));
    }
    // Nothing was sent but an empty line and the platform's own commands.
    let heard = task.await.unwrap();
    assert_eq!(heard[0], "");
    assert!(heard[1..].iter().all(|line| dnos().allows(line)), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn echoes_of_every_form() {
    let echoes: [fn(&str) -> String; 5] = [
        |line| format!("{line}\r\n{line}\r\n"),
        |line| format!("{line}\r\n\x1b[FPE-4(09-Mar-2026-18:52:11)# {line}\r\n"),
        |line| format!("{}\r\n{}\r\n", &line[..9], &line[9..]),
        // The left-over prompt of an earlier line comes before the echo.
        |line| format!("\r\nPE-4# \r\nPE-4# {line}\r\n"),
        // No echo at all.
        |_| String::new(),
    ];
    for echo in echoes {
        assert_eq!(Scripted { echo, ..Scripted::default() }.text().await, settled(BODY));
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_with_a_timestamp_is_empty() {
    let echo: fn(&str) -> String = |line| format!("{line}\r\n\x1b[FPE-4(09-Mar-2026-18:52:11)# {line}\r\n");
    let quiet = Scripted { echo, body: String::new(), before_prompt: "\x1b[0m", ..Scripted::default() };
    assert_eq!(quiet.clone().text().await, "");
    // Dribbled, the redrawn prompt stands alone at the end for a while.
    let slow = Scripted { chunk: 1, pause: Duration::from_millis(200), ..quiet };
    assert_eq!(slow.text().await, "");
}

#[tokio::test(start_paused = true)]
async fn prompts_in_banner_and_text_are_text() {
    let banner = "Welcome to PE-4# \r\nold-name# \r\nPE-4# \r\n";
    let body = format!("PE-4# \r\n{BODY}PE-4# show x\r\nPE-3# \r\n");
    // Chunks of 7 bytes end in the middle of everything, 10 ms apart.
    let device = Scripted {
        banner,
        body: body.clone(),
        chunk: 7,
        pause: Duration::from_millis(10),
        ..Scripted::default()
    };
    assert_eq!(device.text().await, settled(&body));
}

#[tokio::test(start_paused = true)]
async fn a_banner_that_ends_like_a_prompt_does_not_name_the_device() {
    let (ours, theirs) = duplex(4096);
    let mut line = Line { stream: theirs, left: usize::MAX, chunk: usize::MAX, pause: Duration::ZERO };
    tokio::spawn(async move {
        line.say("ticket# ").await;
        sleep(Duration::from_secs(1)).await;
        line.say("\r\nPE-4# ").await;
        while let Some(command) = line.hear().await {
            let echo = if command.is_empty() { String::new() } else { command };
            line.say(&format!("{echo}\r\nPE-4# ")).await;
        }
    });
    let command = dnos().named("config").unwrap();
    let transcript = converse(ours, b"", dnos(), &[command], &Settings::default()).await.unwrap();
    assert_eq!(transcript.system.as_deref(), Some("PE-4"));
}

#[tokio::test(start_paused = true)]
async fn pagers_are_answered_and_leave_no_trace() {
    for wipe in ["\r\x1b[K", "\r                             \r", "\r\n", ""] {
        let (ours, theirs) = duplex(64 << 10);
        let mut line = Line { stream: theirs, left: usize::MAX, chunk: usize::MAX, pause: Duration::ZERO };
        tokio::spawn(async move {
            line.say("PE-4# ").await;
            while let Some(command) = line.hear().await {
                if command.is_empty() || command.starts_with("set") {
                    line.say(&format!("{command}\r\nPE-4# ")).await;
                    continue;
                }
                line.say(&format!("{command}\r\n")).await;
                for page in BODY.split_inclusive("\r\n") {
                    line.say(page).await;
                    line.say("\x1b[7m-- More -- (Press q to quit)\x1b[27m").await;
                    assert_eq!(line.stream.read_u8().await.unwrap(), b' ');
                    line.say(wipe).await;
                }
                line.say("PE-4# ").await;
            }
        });
        let command = dnos().named("config").unwrap();
        let transcript = converse(ours, b"", dnos(), &[command], &Settings::default()).await.unwrap();
        assert_eq!(transcript.sections[0].text, settled(BODY), "{wipe:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn questions_are_never_answered() {
    for (question, outcome, detail) in [
        (
            "Warning: CLI is not running, do you wish to enter BaseOS shell? (yes/no) [no]? ",
            Outcome::Unreachable,
            "cli-not-running",
        ),
        ("You must change your password now.\r\nNew password: ", Outcome::Auth, "password-change"),
    ] {
        let (ours, mut theirs) = duplex(4096);
        theirs.write_all(question.as_bytes()).await.unwrap();
        let error = converse(ours, b"", dnos(), &[], &Settings::default()).await.unwrap_err();
        assert_eq!((error.outcome(), error.detail()), (outcome, Some(detail)));
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        assert_eq!(sent, b"");
    }
    let (ours, mut theirs) = duplex(4096);
    tokio::spawn(async move {
        theirs.write_all(b"PE-4# ").await.unwrap();
        theirs.read_u8().await.unwrap();
        theirs.write_all(b"\r\nPE-4# ").await.unwrap();
        theirs.write_all(b"set cli-terminal-length 0\r\nContinue? (yes/no) ").await.unwrap();
        sleep(Duration::from_secs(60)).await;
    });
    let error = converse(ours, b"", dnos(), &[], &Settings::default()).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Incomplete, Some("question")));
}

#[tokio::test(start_paused = true)]
async fn a_standby_controller_and_a_full_device() {
    for (words, detail) in [
        (
            "Connection failure: either you are trying to connect to the standby NCC or Drivenets CLI is N/A\r\n",
            "cli-not-running",
        ),
        ("Maximum number of sessions reached\r\n", "max-sessions"),
        ("bye\r\n", "closed"),
    ] {
        let (ours, mut theirs) = duplex(4096);
        theirs.write_all(words.as_bytes()).await.unwrap();
        drop(theirs);
        let error = converse(ours, b"", dnos(), &[], &Settings::default()).await.unwrap_err();
        assert_eq!((error.outcome(), error.detail()), (Outcome::Unreachable, Some(detail)));
    }
}

#[tokio::test(start_paused = true)]
async fn limits() {
    let quick = Settings { total_seconds: 100, max_bytes: 10_000, ..Settings::default() };
    // One byte a second: the session's limit, to the second.
    let dribble = Scripted {
        chunk: 1,
        pause: Duration::from_secs(1),
        banner: "",
        body: "x".repeat(200),
        ..Scripted::default()
    };
    let begun = Instant::now();
    let error = dribble.talk(&quick).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Timeout, Some("total")));
    assert!((99..=102).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    // No end.
    let huge = Scripted { body: "x".repeat(20_000), ..Scripted::default() };
    assert_eq!(huge.talk(&quick).await.unwrap_err().outcome(), Outcome::TooLarge);
    // Silence in the middle: what stands before the prompt keeps it from being one.
    let hangs = Scripted { renamed: Some("still reading PE-4"), ..Scripted::default() };
    let error = hangs.talk(&quick).await.unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::Timeout, Some("silence")));
    // Silence at once: nothing is ever sent.
    let (ours, mut theirs) = duplex(64);
    let error = converse(ours, b"", dnos(), &[], &quick).await.unwrap_err();
    assert_eq!(error.detail(), Some("no-prompt"));
    let mut sent = Vec::new();
    theirs.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"");
}

#[tokio::test(start_paused = true)]
async fn another_name_in_the_prompt_ends_the_session() {
    let error = Scripted { renamed: Some("PE-5"), ..Scripted::default() }
        .talk(&Settings::default())
        .await
        .unwrap_err();
    assert_eq!((error.outcome(), error.detail()), (Outcome::WrongDevice, Some("prompt-changed")));
}

#[tokio::test(start_paused = true)]
async fn bytes_read_before_the_shell_count() {
    let (stream, _task) = Scripted { banner: "", ..Scripted::default() }.start();
    let transcript = converse(stream, b"Welcome\r\n", dnos(), &[], &Settings::default()).await.unwrap();
    assert_eq!(transcript.system.as_deref(), Some("PE-4"));
}

/// Runs one session on a runtime of its own with paused time.
fn now<T>(session: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(session)
}

#[test]
fn a_session_cut_at_any_byte_gives_nothing() {
    let whole = now(Scripted::default().talk(&Settings::default())).unwrap().bytes as usize;
    for cut in 1..whole {
        let error =
            now(Scripted { cut: Some(cut), ..Scripted::default() }.talk(&Settings::default())).unwrap_err();
        assert!(matches!(error.outcome(), Outcome::Incomplete | Outcome::Unreachable), "{cut}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn chunks_of_any_size_give_the_same_text(chunk in 1_usize..200, pause in 0_u64..25) {
        let device = Scripted { chunk, pause: Duration::from_millis(pause), ..Scripted::default() };
        prop_assert_eq!(now(device.text()), settled(BODY));
    }

    #[test]
    fn whatever_a_device_says_it_ends_in_time(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (ours, mut theirs) = duplex(4096);
        let outcome = now(async {
            theirs.write_all(b"PE-4# ").await.unwrap();
            theirs.write_all(&noise).await.unwrap();
            converse(ours, b"", dnos(), &[dnos().named("config").unwrap()], &Settings::default()).await
        });
        prop_assert!(outcome.is_err());
    }
}
