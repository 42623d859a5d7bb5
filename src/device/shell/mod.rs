//! A dialogue with a device's CLI, over any stream of bytes.
//!
//! It learns the prompt, sends the platform's commands one by one and
//! collects what lies between the echoed command and the next prompt. The
//! prompt counts only as the unterminated last line, with the learnt name,
//! after the echo, and when nothing more comes. A pager is answered, a
//! question never. Whether an answer is complete is for the platform's reader
//! to say; an answer without its prompt is an error already here.

mod screen;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use crate::platform::terminal::settle;
use crate::platform::{Captured, Command, Ending, Platform};

use super::{DeviceError, Settings, Transcript};

/// How long nothing must come after the first prompt, or after one as long as no echo was seen: the prompt
/// may be a left-over of before the command.
const DOUBT: Duration = Duration::from_secs(2);

/// The same, once a device has shown that it does not echo.
const NO_ECHO: Duration = Duration::from_millis(250);

/// How long nothing must come after what looks like a question. In doubt we
/// wait: nothing is lost by leaving late.
const QUESTION: Duration = Duration::from_secs(1);

/// How long the answer to an empty line may take, and how often it is asked
/// for: some devices forget what is typed while they log a user in.
const PROBE: Duration = Duration::from_secs(5);
const PROBES: usize = 4;

/// Banner and all before the first prompt.
const BANNER_BYTES: usize = 1 << 20;

/// Free space for one read. An SSH packet holds at most 32 KiB.
const READ_BYTES: usize = 32 << 10;

/// Questions that any platform may ask, beside those it declares.
const QUESTIONS: &[&str] = &["password:", "(yes/no)", "[yes/no]", "(y/n)", "[y/n]"];

/// What a DNOS login says instead of a prompt when there is no CLI behind it.
const NO_CLI: &[&str] = &["baseos shell", "cli is n/a", "standby ncc", "cli is not running"];

/// Runs `commands` in the shell behind `stream` and returns what they gave.
/// `early` is what was read from it already. The platform's session commands
/// go first; their output is dropped, a refusal of one is no failure.
pub async fn converse<S>(
    stream: S,
    early: &[u8],
    platform: &'static Platform,
    commands: &[Command],
    settings: &Settings,
) -> Result<Transcript, DeviceError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let started = Instant::now();
    let mut shell = Shell {
        stream,
        platform,
        settings,
        deadline: started + settings.total(),
        raw: early.to_vec(),
        erasing: None,
        host: String::new(),
        echoes: None,
        bytes: early.len() as u64,
        removed: 0,
    };
    shell.learn_prompt().await?;
    for command in platform.session() {
        shell.run(&command).await?;
    }
    let mut sections = Vec::with_capacity(commands.len());
    for command in commands {
        sections.push(shell.run(command).await?);
    }
    Ok(Transcript {
        sections,
        system: Some(shell.host),
        legacy: Vec::new(),
        took: started.elapsed(),
        bytes: shell.bytes,
        removed: shell.removed,
    })
}

struct Shell<'a, S> {
    stream: S,
    platform: &'static Platform,
    settings: &'a Settings,
    deadline: Instant,
    /// What came since the last line was sent.
    raw: Vec<u8>,
    /// A pager was answered at this place of `raw`; what wipes it off the
    /// screen is still to be taken out.
    erasing: Option<Erasing>,
    /// The system name of the learnt prompt.
    host: String,
    /// Does the device echo? `None` until a command has shown it.
    echoes: Option<bool>,
    bytes: u64,
    removed: usize,
}

/// Where an answered pager stood.
#[derive(Clone, Copy)]
struct Erasing {
    at: usize,
    line_start: bool,
}

/// What the last line of the output is, should nothing more come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// In the middle of something.
    Open,
    Prompt,
    /// A prompt with another name than the learnt one.
    OtherPrompt,
    /// A pager whose text starts at this place of `raw`.
    Pager(usize),
    Question,
}

enum Got {
    Bytes,
    Quiet,
    Closed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shell<'_, S> {
    /// Waits for the first prompt, then asks for it again with an empty line:
    /// a banner may look like a prompt, but it does not answer.
    async fn learn_prompt(&mut self) -> Result<(), DeviceError> {
        let mut before = self.any_prompt(self.settings.silence()).await?;
        if before.is_none() {
            // Nothing is sent to what does not look like a CLI.
            return Err(self.no_prompt());
        }
        for _ in 0..PROBES {
            self.raw.clear();
            self.put(b"\n").await?;
            let now = self.any_prompt(PROBE.min(self.settings.silence())).await?;
            if now.is_some() && before == now {
                self.host = now.unwrap_or_default();
                return Ok(());
            }
            before = now.or(before);
        }
        Err(self.no_prompt())
    }

    /// The name in the prompt at which the output comes to rest; `None` when
    /// it rests at something else, or nothing comes for `patience`.
    async fn any_prompt(&mut self, patience: Duration) -> Result<Option<String>, DeviceError> {
        loop {
            let end = self.end();
            let patience = match end {
                End::Open | End::Pager(_) => patience,
                End::Prompt | End::OtherPrompt => self.settings.settle(),
                End::Question => QUESTION,
            };
            if self.raw.len() > BANNER_BYTES {
                return Err(DeviceError::TooLarge { command: "login".to_owned(), limit: BANNER_BYTES });
            }
            match self.read(patience).await? {
                Got::Bytes => {}
                Got::Closed => return Err(self.closed_early()),
                Got::Quiet => match end {
                    End::Prompt | End::OtherPrompt => return Ok(self.name_in_prompt()),
                    End::Question => return Err(self.question("login")),
                    End::Open | End::Pager(_) => return Ok(None),
                },
            }
        }
    }

    fn no_prompt(&self) -> DeviceError {
        DeviceError::NoPrompt { seconds: self.settings.silence_seconds }
    }

    /// Sends one command and collects its output.
    async fn run(&mut self, command: &Command) -> Result<Captured, DeviceError> {
        let line = command.text();
        self.raw.clear();
        self.erasing = None;
        self.send(line).await?;
        let mut echoed = false;
        loop {
            let end = self.end();
            if end == End::Prompt && !echoed {
                echoed = !screen::echoes(&self.raw, line, |text| self.is_prompt(text)).is_empty();
            }
            let patience = match end {
                End::Open => self.settings.silence(),
                End::Prompt if echoed => self.settings.settle(),
                End::Prompt if self.echoes == Some(false) => NO_ECHO,
                End::Prompt | End::OtherPrompt => DOUBT,
                End::Pager(_) => self.settings.settle(),
                End::Question => QUESTION,
            };
            let command = || line.to_owned();
            match self.read(patience).await? {
                Got::Bytes if self.raw.len() > self.settings.max_bytes => {
                    return Err(DeviceError::TooLarge { command: command(), limit: self.settings.max_bytes });
                }
                Got::Bytes => {}
                Got::Closed => return Err(DeviceError::Closed { command: command(), bytes: self.raw.len() }),
                Got::Quiet => match end {
                    End::Prompt => break,
                    End::Pager(at) => self.page(at).await?,
                    End::Question => return Err(self.question(line)),
                    End::OtherPrompt => return Err(DeviceError::PromptChanged { command: command() }),
                    End::Open => {
                        let seconds = self.settings.silence_seconds;
                        return Err(DeviceError::Silence { command: command(), seconds });
                    }
                },
            }
        }
        if self.echoes.is_none() || echoed {
            self.echoes = Some(echoed);
        }
        Ok(Captured {
            section: command.section.to_owned(),
            command: line.to_owned(),
            text: self.output(line),
            prompt: Some(self.host.clone()),
            ended: Ending::Prompt,
        })
    }

    /// The text between the echo and the prompt, as a terminal would show it.
    fn output(&mut self, line: &str) -> String {
        let body = &self.raw[..self.raw.len() - screen::last_line(&self.raw).len()];
        let echoes = screen::echoes(body, line, |text| self.is_prompt(text));
        let settled = match echoes.as_slice() {
            [] => settle(body),
            // The usual case: nothing but the echo is left out, at the start.
            [echo] if echo.start == 0 => settle(&body[echo.end..]),
            _ => settle(&screen::without(body, &echoes)),
        };
        self.removed += settled.removed;
        settled.text
    }

    /// Answers a pager and forgets its text.
    async fn page(&mut self, at: usize) -> Result<(), DeviceError> {
        self.raw.truncate(at);
        // Colours may be switched on before it; they go, too.
        let line = screen::last_line(&self.raw);
        let line_start = settle(line).text.is_empty();
        if line_start {
            self.raw.truncate(self.raw.len() - line.len());
        }
        self.erasing = Some(Erasing { at: self.raw.len(), line_start });
        self.put(b" ").await
    }

    fn end(&self) -> End {
        let line = screen::last_line(&self.raw);
        // Neither a prompt nor a pager nor a question is that long.
        if line.is_empty() || line.len() > screen::LONGEST_PROMPT {
            return End::Open;
        }
        let shown = settle(line).text;
        if let Some(name) = (self.platform.prompt)(screen::without_padding(&shown)) {
            // A prompt that is drawn over the line before is the redrawn echo
            // of a command, not the prompt after it.
            if screen::moves_up(line) {
                return End::Open;
            }
            return if name == self.host { End::Prompt } else { End::OtherPrompt };
        }
        let shown = shown.trim();
        if shown.is_empty() {
            return End::Open;
        }
        if let Some(pager) = self.platform.pagers.iter().find(|pager| shown.ends_with(pager.trim())) {
            let start = self.raw.len() - line.len();
            let within = memchr::memmem::rfind(line, pager.trim().as_bytes()).unwrap_or(0);
            return End::Pager(start + within);
        }
        let lower = shown.to_ascii_lowercase();
        let asks = |questions: &[&str]| {
            questions.iter().any(|question| lower.contains(&question.trim().to_ascii_lowercase()))
        };
        if asks(self.platform.questions) || QUESTIONS.iter().any(|question| lower.ends_with(question)) {
            return End::Question;
        }
        End::Open
    }

    fn is_prompt(&self, text: &str) -> bool {
        (self.platform.prompt)(text).is_some_and(|name| name == self.host)
    }

    fn name_in_prompt(&self) -> Option<String> {
        let shown = settle(screen::last_line(&self.raw)).text;
        (self.platform.prompt)(screen::without_padding(&shown)).map(str::to_owned)
    }

    /// What a question is about decides what the operator can do.
    fn question(&self, command: &str) -> DeviceError {
        let text = self.tail();
        if NO_CLI.iter().any(|words| text.contains(words)) {
            DeviceError::CliNotRunning
        } else if text.contains("password") {
            DeviceError::PasswordChange
        } else {
            DeviceError::Question { command: command.to_owned() }
        }
    }

    fn closed_early(&self) -> DeviceError {
        let text = self.tail();
        if NO_CLI.iter().any(|words| text.contains(words)) {
            DeviceError::CliNotRunning
        } else if text.contains("session") && ["max", "too many", "limit"].iter().any(|w| text.contains(w)) {
            DeviceError::Busy
        } else {
            DeviceError::ClosedEarly
        }
    }

    /// The last words of the device, lower case, for guessing only.
    fn tail(&self) -> String {
        let start = self.raw.len().saturating_sub(1024);
        settle(&self.raw[start..]).text.to_ascii_lowercase()
    }

    /// Waits for bytes, at most `patience` and never beyond the session's end.
    async fn read(&mut self, patience: Duration) -> Result<Got, DeviceError> {
        if self.raw.capacity() - self.raw.len() < READ_BYTES / 4 {
            self.raw.reserve(READ_BYTES);
        }
        let until = (Instant::now() + patience).min(self.deadline);
        match timeout_at(until, self.stream.read_buf(&mut self.raw)).await {
            Err(_) if Instant::now() >= self.deadline => {
                Err(DeviceError::TotalTime { seconds: self.settings.total_seconds })
            }
            Err(_) => Ok(Got::Quiet),
            Ok(Ok(0) | Err(_)) => Ok(Got::Closed),
            Ok(Ok(count)) => {
                self.bytes += count as u64;
                if let Some(Erasing { at, line_start }) = self.erasing
                    && let Some(wiped) = screen::wiped(&self.raw[at..], line_start)
                {
                    self.raw.drain(at..at + wiped);
                    self.erasing = None;
                }
                Ok(Got::Bytes)
            }
        }
    }

    /// Where the bytes go out: nothing passes that the platform does not list.
    async fn send(&mut self, line: &str) -> Result<(), DeviceError> {
        if !self.platform.allows(line) || line.contains(|c: char| c.is_control()) {
            return Err(DeviceError::NotAllowed { command: line.escape_default().to_string() });
        }
        // One write, so that it travels in one packet.
        self.put(&[line.as_bytes(), b"\n"].concat()).await
    }

    /// Besides [`Self::send`], only an empty line and a pager's space come here.
    async fn put(&mut self, bytes: &[u8]) -> Result<(), DeviceError> {
        let until = (Instant::now() + self.settings.silence()).min(self.deadline);
        let written = timeout_at(until, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        });
        match written.await {
            // A write to a closed session is no news: the reading side tells what came last.
            Ok(Ok(()) | Err(_)) => Ok(()),
            Err(_) if Instant::now() >= self.deadline => {
                Err(DeviceError::TotalTime { seconds: self.settings.total_seconds })
            }
            Err(_) => {
                let command = String::from_utf8_lossy(bytes).trim().to_owned();
                Err(DeviceError::Silence { command, seconds: self.settings.silence_seconds })
            }
        }
    }
}

#[cfg(test)]
mod tests;
