//! One conversation with a pretend device: bytes in, bytes out. No SSH here.
//!
//! It behaves as a DNOS command line over a terminal: echo, CRLF, prompt,
//! pager, the line that is drawn again with a time stamp, errors with a caret.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::command::{self, Answer};
use super::machine::Machine;
use super::quirk::Quirk;

const PAGER: &str = "-- More -- (Press q to quit)";
const QUESTION: &str = "Warning: CLI is not running, do you wish to enter BaseOS shell? (yes/no) [no]?";

/// A longer line is cut: nobody types that.
const LONGEST_LINE: usize = 4_096;

/// Written at a time when there is much to write.
const CHUNK: usize = 64 * 1_024;

/// Between two bytes of a device that dribbles.
const DRIBBLE: Duration = Duration::from_millis(100);

/// Why a session ends.
enum Stop {
    /// The other side closed it.
    Left,
    /// The device closed it.
    Broken,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One conversation.
pub(super) struct Session<'a, S> {
    machine: &'a Machine,
    stream: S,
    /// Bytes received, and how many of them are used up.
    input: Vec<u8>,
    at: usize,
    /// Bytes to send; sent before waiting for input.
    output: Vec<u8>,
    /// Lines of a page; 0 is no paging.
    length: usize,
    configuring: bool,
    /// The last byte was a carriage return: a line feed after it is the same key.
    after_return: bool,
    /// Speaks one byte at a time from now on.
    dribbles: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub(super) fn new(machine: &'a Machine, stream: S) -> Self {
        Self {
            machine,
            stream,
            input: Vec::new(),
            at: 0,
            output: Vec::new(),
            length: 24,
            configuring: false,
            after_return: false,
            dribbles: false,
        }
    }

    /// Talks until one of the two leaves.
    pub(super) async fn talk(mut self) -> io::Result<()> {
        match self.run().await {
            // The other side went away in the middle of something: that is its right.
            Ok(()) | Err(Stop::Left | Stop::Broken) => {}
            Err(Stop::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(Stop::Io(error)) => return Err(error),
        }
        let _ = self.stream.shutdown().await;
        Ok(())
    }

    async fn run(&mut self) -> Result<(), Stop> {
        if self.machine.has(&Quirk::Escapes) {
            self.put("\x1b[2J\x1b]0;not your title\x07\x1b[1;31mAUTHORIZED USE ONLY\x1b[0m\r\n");
        }
        if self.machine.has(&Quirk::Question) {
            return self.ask_for_the_shell().await;
        }
        if self.machine.has(&Quirk::PasswordExpired) {
            self.put("Your password has expired. You must change it now.\r\nCurrent password: ");
            let answer = self.line().await?;
            self.machine.hear(&answer, false);
            return Err(Stop::Broken);
        }
        if self.machine.has(&Quirk::PromptInBanner) {
            let prompt = self.machine.prompt(false, false);
            self.put(&format!("{prompt}\r\nother-device# \r\n{prompt}show config | no-more\r\n"));
        }
        self.put("DRIVENETS CLI Loading...\r                        \r");
        if self.machine.has(&Quirk::Hang) {
            return self.be_silent().await;
        }
        loop {
            self.prompt(false);
            let line = self.line().await?;
            let line = line.trim();
            self.hear(line);
            if line.is_empty() {
                continue;
            }
            if self.machine.has(&Quirk::Timestamps) {
                self.put("\x1b[F");
                self.prompt(true);
                self.put(line);
                self.put("\r\n");
            }
            if self.machine.has(&Quirk::EchoTwice) {
                self.put(line);
                self.put("\r\n");
            }
            self.think().await;
            if self.configuring {
                self.answer_configuring(line);
            } else if !self.answer(line).await? {
                self.flush().await?;
                return Ok(());
            }
        }
    }

    /// False when the session is over.
    async fn answer(&mut self, line: &str) -> Result<bool, Stop> {
        match self.machine.answer(line) {
            Answer::Quiet => {}
            Answer::Length(length) => self.length = length,
            Answer::Leave => return Ok(false),
            Answer::Configure => self.configuring = true,
            Answer::Error(error) => self.error(line, &error),
            Answer::Text { text, paged } => {
                self.show(line, &text, paged).await?;
                self.machine.after(line);
            }
        }
        Ok(true)
    }

    /// Prints the output of a `show` command, with the quirks of long answers.
    async fn show(&mut self, line: &str, text: &str, paged: bool) -> Result<(), Stop> {
        let quirks = self.machine.quirks();
        let is_config = line.starts_with("show config");
        self.put("\r\n");
        if is_config {
            for quirk in &quirks {
                match quirk {
                    Quirk::Huge(megabytes) => return self.huge(text, *megabytes).await,
                    Quirk::EmptyConfig => {
                        let mut ends = text.lines().filter(|line| line.starts_with('#'));
                        for mark in [ends.next(), ends.next_back()].into_iter().flatten() {
                            self.put(&format!("{mark}\r\n\r\n"));
                        }
                        return Ok(());
                    }
                    Quirk::CutAtBlock => {
                        let half = half(text);
                        // A block of the second level, so that the first stays open.
                        let end = half.rfind("\n  !\n").map(|at| at + 5);
                        let end = end.or(half.rfind('\n').map(|at| at + 1)).unwrap_or(0);
                        self.put_lines(&half[..end]);
                        return Ok(());
                    }
                    Quirk::Noise(times) if self.machine.wears_off(*times) => {
                        let at = half(text).rfind('\n').map_or(0, |at| at + 1);
                        self.put_lines(&text[..at]);
                        self.put("%INTERFACE-5-STATE: ge100-0/0/9: operational state is down\r\n");
                        self.put_lines(&text[at..]);
                        self.put("\r\n");
                        return Ok(());
                    }
                    Quirk::Dribble => self.dribbles = true,
                    Quirk::CutConfig => {
                        self.put_lines(half(text));
                        self.put("\r\n");
                        return Ok(());
                    }
                    Quirk::HangMidway => {
                        self.put_lines(half(text));
                        return self.be_silent().await;
                    }
                    Quirk::CleanClose => {
                        self.put_lines(half(text));
                        self.flush().await?;
                        return Err(Stop::Broken);
                    }
                    _ => {}
                }
            }
        }
        let page = match self.length {
            _ if quirks.contains(&Quirk::Pager) => 24,
            _ if !paged => 0,
            length => length,
        };
        if page < 2 {
            self.put_lines(text);
        } else if !self.page_through(text, page - 1).await? {
            return Ok(());
        }
        self.put("\r\n");
        Ok(())
    }

    /// Shows `text` page by page. False when the reader quit.
    async fn page_through(&mut self, text: &str, page: usize) -> Result<bool, Stop> {
        let mut room = page;
        for line in text.split_inclusive('\n') {
            if room == 0 {
                self.put(PAGER);
                room = loop {
                    match self.key().await? {
                        b' ' => break page,
                        b'\r' | b'\n' => break 1,
                        b'q' | b'Q' => break 0,
                        // Whatever else is typed while the pager is up is lost.
                        _ => {}
                    }
                };
                let blank = " ".repeat(PAGER.len());
                self.put(&format!("\r{blank}\r"));
                if room == 0 {
                    return Ok(false);
                }
            }
            self.put_lines(line);
            room -= 1;
        }
        Ok(true)
    }

    /// The configuration's start, much made up, and its end.
    async fn huge(&mut self, text: &str, megabytes: u32) -> Result<(), Stop> {
        let (start, end) = text.split_at(text.find("\n\n").map_or(text.len(), |at| at + 2));
        self.put_lines(start);
        self.put("interfaces\r\n");
        let mut left = u64::from(megabytes) * 1_000_000;
        let mut number = 0_u64;
        while left > 0 {
            let mut chunk = String::with_capacity(CHUNK + 128);
            while chunk.len() < CHUNK {
                number += 1;
                let vlan = number % 4_094 + 1;
                let _ = write!(
                    chunk,
                    "  bundle-1.{number}\r\n    l2-service enabled\r\n    vlan-id {vlan}\r\n  !\r\n"
                );
            }
            left = left.saturating_sub(chunk.len() as u64);
            self.put(&chunk);
            self.flush().await?;
        }
        self.put("!\r\n\r\n");
        self.put_lines(end.rfind("\n# ").map_or("", |at| &end[at + 1..]));
        self.put("\r\n");
        Ok(())
    }

    fn error(&mut self, line: &str, error: &command::Error) {
        if let Some(at) = error.at {
            let timed = self.machine.has(&Quirk::Timestamps);
            let dashes =
                "-".repeat(self.machine.prompt(self.configuring, timed).len() + line[..at].chars().count());
            self.put(&format!("{dashes}^\r\n"));
        }
        self.put(&format!("ERROR: {}\r\n\x1b[0m", error.message));
    }

    /// Configuration mode exists so that a reader which enters it is caught,
    /// not so that anything can be configured.
    fn answer_configuring(&mut self, line: &str) {
        if matches!(line, "exit" | "end" | "quit") {
            self.configuring = false;
        } else {
            self.error(line, &command::Error { at: Some(0), message: format!("Unknown word: '{line}'.") });
        }
    }

    async fn ask_for_the_shell(&mut self) -> Result<(), Stop> {
        self.put(QUESTION);
        self.put(" ");
        let answer = self.line().await?;
        self.hear(answer.trim());
        if answer.trim() == "yes" {
            // What a careless client would now be typing into.
            self.put("root@baseos:~# ");
            loop {
                let line = self.line().await?;
                self.machine.hear(&line, false);
                self.put("root@baseos:~# ");
            }
        }
        self.flush().await?;
        Ok(())
    }

    fn hear(&self, line: &str) {
        if !line.is_empty() {
            self.machine.hear(line, !self.configuring && command::is_reading(line));
        }
    }

    async fn think(&self) {
        let slow = self.machine.quirks().into_iter().find_map(|q| match q {
            Quirk::Slow(milliseconds) => Some(Duration::from_millis(milliseconds)),
            _ => None,
        });
        if let Some(time) = slow {
            tokio::time::sleep(time).await;
        }
    }

    /// Reads and says nothing, until the other side gives up.
    async fn be_silent(&mut self) -> Result<(), Stop> {
        loop {
            self.key().await?;
        }
    }

    fn prompt(&mut self, timed: bool) {
        let text = self.machine.prompt(self.configuring, timed);
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        self.output.extend_from_slice(text.as_bytes());
    }

    /// `\n` line ends go out as CRLF.
    fn put_lines(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    self.put(line);
                    self.put("\r\n");
                }
                None => self.put(line),
            }
        }
    }

    /// One typed line, echoed as it comes.
    async fn line(&mut self) -> Result<String, Stop> {
        let mut line = Vec::new();
        loop {
            match self.key().await? {
                b'\n' if self.after_return => self.after_return = false,
                key @ (b'\r' | b'\n') => {
                    self.after_return = key == b'\r';
                    self.put("\r\n");
                    return Ok(String::from_utf8_lossy(&line).into_owned());
                }
                0x7f | 0x08 if line.pop().is_some() => self.put("\x08 \x08"),
                key if key >= b' ' && line.len() < LONGEST_LINE => {
                    self.after_return = false;
                    line.push(key);
                    self.output.push(key);
                }
                _ => {}
            }
        }
    }

    /// The next typed byte. What is to be said is said before waiting for it.
    async fn key(&mut self) -> Result<u8, Stop> {
        if self.at == self.input.len() {
            self.flush().await?;
            self.input.clear();
            self.at = 0;
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(Stop::Left);
            }
        }
        self.at += 1;
        Ok(self.input[self.at - 1])
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        if self.machine.has(&Quirk::Latin1) {
            // What stands for a byte that is no character becomes one.
            while let Some(at) = memchr::memmem::find(&self.output, "\u{fffd}".as_bytes()) {
                self.output.splice(at..at + 3, [0xe9]);
            }
        }
        if self.dribbles {
            for byte in std::mem::take(&mut self.output) {
                self.stream.write_all(&[byte]).await?;
                self.stream.flush().await?;
                tokio::time::sleep(DRIBBLE).await;
            }
        }
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await?;
            self.output.clear();
        }
        Ok(())
    }
}

/// The first half, cut wherever that falls.
fn half(text: &str) -> &str {
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[..middle.unwrap_or(text.len())]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;
    use crate::lab::birth;

    fn machine(quirks: &[Quirk]) -> Machine {
        Machine::new(birth::example(), quirks.to_vec(), "2026-03-09T18:52:11Z".parse().unwrap())
    }

    /// Sends all of `typed` at once and gives what came back when the device closed.
    async fn talk(machine: &Machine, typed: &str) -> String {
        let (mut ours, theirs): (DuplexStream, _) = tokio::io::duplex(64 * 1_024);
        let machine = machine.clone();
        let task = tokio::spawn(async move { machine.serve(theirs).await });
        ours.write_all(typed.as_bytes()).await.unwrap();
        ours.shutdown().await.unwrap();
        let mut said = Vec::new();
        ours.read_to_end(&mut said).await.unwrap();
        task.await.unwrap().unwrap();
        String::from_utf8(said).unwrap()
    }

    const LOADING: &str = "DRIVENETS CLI Loading...\r                        \r";

    #[tokio::test(start_paused = true)]
    async fn it_greets_echoes_and_answers() {
        let said = talk(&machine(&[]), "show network-services bridge-domain nope\nexit\n").await;
        let dashes = "-".repeat("DNAAS-LEAF-B15# show network-services bridge-domain ".len());
        assert_eq!(
            said,
            format!(
                "{LOADING}DNAAS-LEAF-B15# show network-services bridge-domain nope\r\n\
                 {dashes}^\r\nERROR: Unknown word: 'nope'.\r\n\x1b[0mDNAAS-LEAF-B15# exit\r\n"
            )
        );
    }

    #[tokio::test(start_paused = true)]
    async fn with_timestamps_the_line_is_drawn_again() {
        let said = talk(&machine(&[Quirk::Timestamps]), "show rollback | no-more\nexit\n").await;
        assert!(
            said.starts_with(&format!(
                "{LOADING}DNAAS-LEAF-B15# show rollback | no-more\r\n\
                 \x1b[FDNAAS-LEAF-B15(09-Mar-2026-18:52:11)# show rollback | no-more\r\n\r\n| Id | Time"
            )),
            "{said}"
        );
        assert!(said.contains(" |\r\n\r\nDNAAS-LEAF-B15# exit\r\n\x1b[F"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_pager_swallows_what_is_typed() {
        let said = talk(&machine(&[]), "show config\nshow rollback\nq").await;
        // `s`, `h`, `o`… are lost, the space after `show` turns the page, Enter shows one line.
        assert!(said.contains(PAGER), "{said}");
        assert!(!said.contains("# show rollback"), "{said}");
        for line in ["show config | no-more\nexit\n", "set cli-terminal-length 0\nshow config\nexit\n"] {
            let said = talk(&machine(&[]), line).await;
            assert!(!said.contains(PAGER) && said.contains("config-end\r\n\r\nDNAAS-LEAF-B15# "), "{said}");
        }
        let quirky = talk(&machine(&[Quirk::Pager]), "show config | no-more\nq").await;
        assert!(quirky.contains(PAGER));
    }

    #[tokio::test(start_paused = true)]
    async fn changes_are_refused_and_remembered() {
        let machine = machine(&[]);
        let said = talk(&machine, "show rollback | no-more\nconfigure\nno interfaces\nexit\nexit\n").await;
        assert!(said.contains("DNAAS-LEAF-B15(cfg)# no interfaces\r\n"), "{said}");
        assert_eq!(machine.violations(), ["configure", "no interfaces", "exit"]);
        assert_eq!(machine.log().len(), 5);
        assert_eq!(machine.state(), birth::example());
    }

    #[tokio::test(start_paused = true)]
    async fn quirks_spoil_the_configuration_and_nothing_else() {
        let ask = "show config interfaces | no-more\nexit\n";
        let whole = talk(&machine(&[]), ask).await;
        assert!(whole.contains("config-end"));
        for quirk in [Quirk::CutConfig, Quirk::CleanClose] {
            let said = talk(&machine(&[quirk]), ask).await;
            assert!(said.contains("config-start") && !said.contains("config-end"), "{said}");
        }
        let twin = talk(&machine(&[Quirk::WrongName]), ask).await;
        assert!(twin.contains("# DNAAS-LEAF-B15-TWIN config-end"), "{twin}");
        let huge = talk(&machine(&[Quirk::Huge(1)]), ask).await;
        assert!(huge.len() > 1_000_000);
        assert!(huge.contains("\r\n# DNAAS-LEAF-B15 config-end\r\n\r\nDNAAS-LEAF-B15# exit"));
        let refused = talk(&machine(&[Quirk::Refuse("show config".to_owned())]), ask).await;
        assert!(refused.contains("\r\nERROR: Command not supported by current system.\r\n"), "{refused}");
        let asked = talk(&machine(&[Quirk::Question]), "no\n").await;
        assert!(asked.starts_with(QUESTION), "{asked}");
    }
}
