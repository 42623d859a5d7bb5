//! Where a NETCONF message ends (RFC 6242). Version 1.0 puts `]]>]]>` after
//! it; version 1.1 sends it in counted chunks. Pure: bytes in, messages out.

/// What stands between two messages of version 1.0, and after both hellos.
const MARK: &[u8] = b"]]>]]>";

/// Digits of the largest chunk size, 4294967295.
const LONGEST_SIZE: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// `]]>]]>`
    Mark,
    /// `\n#LENGTH\n…`, and `\n##\n` at the end.
    Chunks,
}

/// The bytes do not follow the framing. What came before cannot be trusted either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadFraming;

/// Cuts messages out of what arrives.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// Arrived, and not part of a message yet.
    input: Vec<u8>,
    /// Up to here there is no mark, or the chunks are taken out.
    seen: usize,
    /// Chunks of the message that is not at its end.
    message: Vec<u8>,
}

impl Cutter {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Bytes that are held.
    pub(super) fn len(&self) -> usize {
        self.input.len() + self.message.len()
    }

    /// The next whole message, if it is there.
    pub(super) fn next(&mut self, framing: Framing) -> Result<Option<Vec<u8>>, BadFraming> {
        match framing {
            Framing::Mark => Ok(self.next_marked()),
            Framing::Chunks => self.next_chunked(),
        }
    }

    fn next_marked(&mut self) -> Option<Vec<u8>> {
        let from = self.seen.saturating_sub(MARK.len());
        let Some(at) = memchr::memmem::find(&self.input[from..], MARK).map(|at| from + at) else {
            self.seen = self.input.len();
            return None;
        };
        let rest = self.input.split_off(at + MARK.len());
        let mut message = std::mem::replace(&mut self.input, rest);
        message.truncate(at);
        self.seen = 0;
        Some(message)
    }

    fn next_chunked(&mut self) -> Result<Option<Vec<u8>>, BadFraming> {
        while let Some((length, header)) = self.chunk()? {
            if length == 0 {
                self.seen += header;
                self.input.drain(..self.seen);
                self.seen = 0;
                return Ok(Some(std::mem::take(&mut self.message)));
            }
            let start = self.seen + header;
            let Some(data) = self.input.get(start..start + length) else { break };
            self.message.extend_from_slice(data);
            self.seen = start + length;
        }
        // What was taken out is given back now and then, not with every chunk.
        if self.seen > 64 << 10 {
            self.input.drain(..self.seen);
            self.seen = 0;
        }
        Ok(None)
    }

    /// The length in the chunk header at hand (0 for the end of the message),
    /// and how long the header is. `None`: it is not all there.
    fn chunk(&self) -> Result<Option<(usize, usize)>, BadFraming> {
        let bytes = &self.input[self.seen..];
        let begins = |start: &[u8]| bytes.iter().zip(start).all(|(a, b)| a == b);
        if !begins(b"\n#") {
            return Err(BadFraming);
        }
        if begins(b"\n##") && bytes.len() >= 3 {
            return match bytes.get(3) {
                None => Ok(None),
                Some(b'\n') if !self.message.is_empty() => Ok(Some((0, 4))),
                Some(_) => Err(BadFraming),
            };
        }
        let digits = bytes.get(2..).unwrap_or_default();
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count > LONGEST_SIZE {
            return Err(BadFraming);
        }
        let Some(end) = digits.get(count) else { return Ok(None) };
        let text = std::str::from_utf8(&digits[..count]).map_err(|_| BadFraming)?;
        match text.parse::<u32>() {
            Ok(length) if *end == b'\n' && length > 0 && !text.starts_with('0') => {
                Ok(Some((length as usize, count + 3)))
            }
            _ => Err(BadFraming),
        }
    }
}

/// A message of ours, framed.
pub(super) fn framed(framing: Framing, text: &str) -> Vec<u8> {
    match framing {
        Framing::Mark => [text.as_bytes(), MARK].concat(),
        Framing::Chunks => format!("\n#{}\n{text}\n##\n", text.len()).into_bytes(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All messages in `bytes`, given in pieces of `size`.
    fn cut(framing: Framing, bytes: &[u8], size: usize) -> Result<Vec<Vec<u8>>, BadFraming> {
        let mut cutter = Cutter::default();
        let mut messages = Vec::new();
        for piece in bytes.chunks(size.max(1)) {
            cutter.push(piece);
            while let Some(message) = cutter.next(framing)? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    #[test]
    fn the_example_of_the_standard() {
        let bytes = b"\n#4\n<rpc\n#18\n message-id=\"102\"\n\n#79\n     xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">\n  <close-session/>\n</rpc>\n##\n";
        for size in [1, 7, 1_000] {
            let messages = cut(Framing::Chunks, bytes, size).unwrap();
            let text = String::from_utf8(messages[0].clone()).unwrap();
            assert!(text.starts_with("<rpc message-id=\"102\"\n") && text.ends_with("</rpc>"), "{text}");
        }
    }

    #[test]
    fn what_breaks_the_framing() {
        for bad in [
            "#4\nabcd",
            "\n#0\n",
            "\n#04\nabcd",
            "\n#4294967296\n",
            "\n#\n",
            "\n##\n",
            "\n#4\nabcd\n##x",
            "\n#4\nabcde",
            "]]>]]>",
        ] {
            assert_eq!(cut(Framing::Chunks, bad.as_bytes(), 3), Err(BadFraming), "{bad:?}");
        }
        // Not all there, and nothing wrong so far.
        for part in ["", "\n", "\n#", "\n#12", "\n#4\nab", "\n#4\nabcd", "\n#4\nabcd\n##"] {
            assert_eq!(cut(Framing::Chunks, part.as_bytes(), 2), Ok(Vec::new()), "{part:?}");
        }
    }

    proptest! {
        #[test]
        fn chunks_of_any_size_in_pieces_of_any_size(
            message in proptest::collection::vec(any::<u8>(), 1..400),
            chunk in 1_usize..90,
            size in 1_usize..50,
        ) {
            let mut bytes = Vec::new();
            for part in message.chunks(chunk) {
                bytes.extend_from_slice(format!("\n#{}\n", part.len()).as_bytes());
                bytes.extend_from_slice(part);
            }
            bytes.extend_from_slice(b"\n##\n");
            let twice = [&bytes[..], &bytes].concat();
            prop_assert_eq!(cut(Framing::Chunks, &twice, size).unwrap(), vec![message.clone(), message]);
        }

        #[test]
        fn marks_wherever_they_are_torn(texts in proptest::collection::vec("[a-z<>/\\]]{0,40}", 1..4), size in 1_usize..20) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| framed(Framing::Mark, text)).collect();
            let found = cut(Framing::Mark, &bytes, size).unwrap();
            prop_assert_eq!(found.len(), texts.len());
            // A text may end in brackets of its own: then the mark is found early, and the same bytes are there
            // but for what is left of the last one.
            let again: Vec<u8> = found.iter().flat_map(|text| [text, MARK].concat()).collect();
            prop_assert!(bytes.starts_with(&again) && bytes.len() - again.len() < MARK.len());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'#'), Just(b'1')], 0..100), size in 1_usize..9) {
            let _ = cut(Framing::Chunks, &bytes, size);
            let _ = cut(Framing::Mark, &bytes, size);
        }
    }
}
