//! Commands on channels of their own: no terminal, no prompt, no echo.
//!
//! Each command gets a channel, and the next one only when that is closed. An
//! answer is taken when all three came: the end of the output, an exit status
//! and the close. They come in any order: servers send the status before the
//! last megabyte, so it ends nothing. A channel that closes without the other
//! two broke off. Nothing is written to a command's input.

use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use tokio::time::{Instant, timeout};

use crate::device::{DeviceError, Settings, Transcript};
use crate::platform::terminal::settle;
use crate::platform::{Captured, Command, Ending, Platform};

use super::Link;

/// Runs `commands` one after another. The caller bounds the whole session.
pub(super) async fn converse(
    link: &Link,
    platform: &'static Platform,
    commands: &[Command],
    settings: &Settings,
) -> Result<Transcript, DeviceError> {
    let started = Instant::now();
    let mut transcript = Transcript {
        sections: Vec::with_capacity(commands.len()),
        system: None,
        legacy: Vec::new(),
        took: started.elapsed(),
        bytes: 0,
        removed: 0,
    };
    for command in commands {
        let channel = start(link, platform, command, settings).await?;
        let output = listen(channel, command.text(), settings).await?;
        transcript.bytes += output.bytes();
        let (text, status, removed) = output.conclude(command.text())?;
        transcript.removed += removed;
        transcript.sections.push(Captured {
            section: command.section.to_owned(),
            command: command.text().to_owned(),
            text,
            prompt: None,
            ended: Ending::Exit(status),
        });
    }
    transcript.took = started.elapsed();
    Ok(transcript)
}

/// Where the bytes go out: nothing passes that the platform does not list.
async fn start(
    link: &Link,
    platform: &'static Platform,
    command: &Command,
    settings: &Settings,
) -> Result<Channel<Msg>, DeviceError> {
    let line = command.text();
    if !platform.allows(line) || line.contains(|c: char| c.is_control()) {
        return Err(DeviceError::NotAllowed { command: line.escape_default().to_string() });
    }
    let channel = link.open_channel(settings).await?;
    channel.exec(true, line).await.map_err(|source| link.broken(source))?;
    Ok(channel)
}

/// What was heard on one channel.
#[derive(Default)]
struct Output {
    out: Vec<u8>,
    err: Vec<u8>,
    ended: bool,
    status: Option<u32>,
    closed: bool,
    refused: bool,
}

async fn listen(
    mut channel: Channel<Msg>,
    command: &str,
    settings: &Settings,
) -> Result<Output, DeviceError> {
    let mut output = Output::default();
    loop {
        match timeout(settings.silence(), channel.wait()).await {
            Err(_) => {
                let seconds = settings.silence_seconds;
                return Err(DeviceError::Silence { command: command.to_owned(), seconds });
            }
            Ok(None) => return Ok(output),
            Ok(Some(message)) => output.hear(message),
        }
        if output.refused {
            return Err(DeviceError::NoExec);
        }
        if output.bytes() > settings.max_bytes as u64 {
            return Err(DeviceError::TooLarge { command: command.to_owned(), limit: settings.max_bytes });
        }
    }
}

impl Output {
    fn hear(&mut self, message: ChannelMsg) {
        match message {
            ChannelMsg::Data { data } => self.out.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => self.err.extend_from_slice(&data),
            ChannelMsg::Eof => self.ended = true,
            ChannelMsg::ExitStatus { exit_status } => self.status = Some(exit_status),
            ChannelMsg::Close => self.closed = true,
            ChannelMsg::Failure => self.refused = true,
            _ => {}
        }
    }

    fn bytes(&self) -> u64 {
        (self.out.len() + self.err.len()) as u64
    }

    /// The text, the exit status and how many bytes were taken out of the text.
    fn conclude(self, command: &str) -> Result<(String, u32, usize), DeviceError> {
        let (true, true, Some(status)) = (self.ended, self.closed, self.status) else {
            return Err(DeviceError::Closed { command: command.to_owned(), bytes: self.out.len() });
        };
        // What a command complains about while it answers is no part of the
        // answer; where there is no other, it is the answer.
        let silent = self.out.iter().all(u8::is_ascii_whitespace);
        let settled = settle(if silent { &self.err } else { &self.out });
        Ok((settled.text, status, settled.removed))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(text: &str) -> ChannelMsg {
        ChannelMsg::Data { data: text.to_owned().into() }
    }

    fn complaint(text: &str) -> ChannelMsg {
        ChannelMsg::ExtendedData { data: text.to_owned().into(), ext: 1 }
    }

    fn heard(messages: impl IntoIterator<Item = ChannelMsg>) -> Result<(String, u32, usize), DeviceError> {
        let mut output = Output::default();
        messages.into_iter().for_each(|message| output.hear(message));
        output.conclude("show")
    }

    #[test]
    fn a_complaint_is_the_answer_only_where_there_is_no_other() {
        let end =
            |status| [ChannelMsg::ExitStatus { exit_status: status }, ChannelMsg::Eof, ChannelMsg::Close];
        let both = [complaint("warning\n"), data("[]\n")].into_iter().chain(end(0));
        assert_eq!(heard(both).unwrap(), ("[]\n".to_owned(), 0, 0));
        let alone = [data("\n"), complaint("ip: not found\n")].into_iter().chain(end(127));
        assert_eq!(heard(alone).unwrap(), ("ip: not found\n".to_owned(), 127, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn only_all_three_signs_make_an_answer(mask in 0_u8..8, order in Just([0_u8, 1, 2]).prop_shuffle(), at in 0_usize..4) {
            let mut messages: Vec<ChannelMsg> = order
                .iter()
                .filter(|sign| mask & (1 << **sign) != 0)
                .map(|sign| match sign {
                    0 => ChannelMsg::Eof,
                    1 => ChannelMsg::ExitStatus { exit_status: 0 },
                    _ => ChannelMsg::Close,
                })
                .collect();
            // Wherever the text comes, none of it is lost.
            messages.insert(at.min(messages.len()), data("text\n"));
            let heard = heard(messages);
            prop_assert_eq!(heard.is_ok(), mask == 7);
            prop_assert!(heard.is_ok_and(|(text, ..)| text == "text\n") == (mask == 7));
        }
    }
}
