//! A TCP stream → lines, as RFC 6587 has them: `123 <34>…` counted in octets,
//! or one a line. Which one is judged frame by frame, because senders differ.
//! Memory is bounded: of a line that is too long the head is kept and the rest
//! passes by.

use memchr::memchr;

/// Longer than any line of a device. RFC 5424 asks receivers for 2,048 at least.
pub(super) const LONGEST: usize = 8_192;
/// A frame that says it is longer is none.
const LONGEST_FRAME: usize = 16 << 20;

/// The stream has lost its frames, and nothing in it says where the next begins.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read a frame that says it is longer than 16 MiB")]
pub struct NoFrame;

/// One stream.
#[derive(Debug, Default)]
pub struct Framer {
    line: Vec<u8>,
    state: State,
    /// Lines whose end was thrown away.
    cut: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between frames.
    #[default]
    Start,
    /// In the digits of a length; they are in `line` too, should they be text.
    Length(usize),
    /// So many octets are to come.
    Octets(usize),
    /// Up to the end of the line.
    Line,
}

impl Framer {
    /// Takes what came in, and gives every line that is complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), NoFrame> {
        while let Some(&first) = bytes.first() {
            match self.state {
                State::Start => match first {
                    b'\n' | b'\r' | 0 | b' ' => bytes = &bytes[1..],
                    b'1'..=b'9' => self.state = State::Length(0),
                    _ => self.state = State::Line,
                },
                State::Length(length) => {
                    match first {
                        b'0'..=b'9' if self.line.len() < 9 => {
                            self.line.push(first);
                            self.state = State::Length(length * 10 + usize::from(first - b'0'));
                        }
                        b' ' if length > LONGEST_FRAME => return Err(NoFrame),
                        b' ' => {
                            self.line.clear();
                            self.state = State::Octets(length);
                        }
                        // Digits at the head of a line.
                        _ => {
                            self.state = State::Line;
                            continue;
                        }
                    }
                    bytes = &bytes[1..];
                }
                State::Octets(left) => {
                    let (here, rest) = bytes.split_at(left.min(bytes.len()));
                    self.take(here);
                    bytes = rest;
                    self.state = State::Octets(left - here.len());
                    if left == here.len() {
                        self.give(&mut each);
                    }
                }
                State::Line => {
                    let end = memchr(b'\n', bytes);
                    let (here, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    self.take(here);
                    bytes = rest;
                    if end.is_some() {
                        self.give(&mut each);
                    }
                }
            }
        }
        Ok(())
    }

    /// The stream has ended: what has no end of line is a line all the same.
    pub fn end(&mut self, mut each: impl FnMut(&[u8])) {
        if self.state == State::Line {
            self.give(&mut each);
        }
    }

    /// Lines whose end was thrown away, since it was asked last.
    pub fn cut(&mut self) -> u64 {
        std::mem::take(&mut self.cut)
    }

    fn take(&mut self, bytes: &[u8]) {
        // One more than fits says that it was too long.
        let room = (LONGEST + 1).saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    fn give(&mut self, each: &mut impl FnMut(&[u8])) {
        if self.line.len() > LONGEST {
            self.line.truncate(LONGEST);
            self.cut += 1;
        }
        if !self.line.is_empty() {
            each(&self.line);
        }
        self.line.clear();
        self.state = State::Start;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(chunks: &[&[u8]]) -> (Vec<String>, u64) {
        let mut framer = Framer::default();
        let mut lines = Vec::new();
        let mut each = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
        for chunk in chunks {
            framer.feed(chunk, &mut each).unwrap();
        }
        framer.end(&mut each);
        (lines, framer.cut())
    }

    #[test]
    fn both_framings_in_one_stream() {
        let (got, _) = lines(&[b"9 <1>a\nb cd<2>x\n<3>", b"y\r\n7 <4>z z\n12ab\n", b"<5>last"]);
        assert_eq!(got, ["<1>a\nb cd", "<2>x", "<3>y\r", "<4>z z\n", "12ab", "<5>last"]);
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_and_the_next_is_whole() {
        let long = vec![b'x'; 1_000_000];
        let (got, cut) = lines(&[b"<1>", &long, b"\n<2>next\n1000004 <3>a", &long, b"<4>after\n"]);
        let lengths: Vec<usize> = got.iter().map(String::len).collect();
        assert_eq!((lengths, cut), (vec![LONGEST, 7, LONGEST, 8], 2));
        assert!(Framer::default().feed(b"99999999 x", |_| {}).is_err());
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'3'), Just(b' '), any::<u8>()], 0..200), at in 0_usize..200) {
            let at = at.min(bytes.len());
            let whole = |chunks: &[&[u8]]| {
                let mut framer = Framer::default();
                let mut got = Vec::new();
                for chunk in chunks {
                    if framer.feed(chunk, |line| got.push(line.to_vec())).is_err() {
                        break;
                    }
                }
                prop_assert!(framer.line.len() <= LONGEST + 1);
                Ok(got)
            };
            prop_assert_eq!(whole(&[&bytes])?, whole(&[&bytes[..at], &bytes[at..]])?);
        }
    }
}
