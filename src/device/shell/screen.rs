//! What stands where in raw terminal output: the last line, the echo of a
//! command, the bytes that wipe a pager off the screen. Pure, and never more
//! than a few lines of the output are looked at.

use std::ops::Range;

use crate::platform::terminal::settle;

/// A last line longer than this is no prompt, pager or question.
pub(super) const LONGEST_PROMPT: usize = 1024;

/// The echo stands within so many lines and bytes.
const ECHO_LINES: usize = 12;
const ECHO_BYTES: usize = 4096;

/// What follows the last newline. When that is further away than any prompt
/// is long, a piece that is too long: the search never goes on.
pub(super) fn last_line(raw: &[u8]) -> &[u8] {
    let window = &raw[raw.len().saturating_sub(LONGEST_PROMPT + 1)..];
    match memchr::memrchr(b'\n', window) {
        Some(at) => &window[at + 1..],
        None => window,
    }
}

/// A line with at most one blank at its end: a prompt that was drawn over a
/// wiped message has the message's blanks behind it.
pub(super) fn without_padding(line: &str) -> &str {
    let end = line.trim_end().len();
    &line[..line.len().min(end + usize::from(line[end..].starts_with(' ')))]
}

/// Does the line start with `ESC [ n F` or `ESC [ n A` (cursor up)?
pub(super) fn moves_up(line: &[u8]) -> bool {
    let mut at = 0;
    loop {
        match line.get(at) {
            Some(b'\r') => at += 1,
            Some(0x1b) => match escape(&line[at..]) {
                Some((_, b'F' | b'A')) => return true,
                Some((length, _)) => at += length,
                None => return false,
            },
            _ => return false,
        }
    }
}

/// Length and final byte of the escape sequence at the start of `bytes`;
/// `None` when it is not complete.
fn escape(bytes: &[u8]) -> Option<(usize, u8)> {
    if *bytes.get(1)? != b'[' {
        return Some((2, bytes[1]));
    }
    let end = bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte))?;
    Some((end + 3, bytes[end + 2]))
}

/// The parts of `raw` that are not output but the echo of `command`: the
/// echoed line itself, however often and however wrapped, with the prompt
/// drawn before it, and the prompts and blank lines before the first of them.
/// Other lines before it stay. Empty: the command was not echoed (yet).
pub(super) fn echoes(raw: &[u8], command: &str, is_prompt: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let command: Vec<u8> = command.bytes().filter(|byte| *byte != b' ').collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut before: Vec<Range<usize>> = Vec::new();
    let mut seen = false;
    let mut at = 0;
    for _ in 0..ECHO_LINES {
        if at > ECHO_BYTES {
            break;
        }
        if let Some(end) = echo_at(raw, at, &command, &is_prompt) {
            seen = true;
            found.append(&mut before);
            found.push(at..end);
            at = end;
            continue;
        }
        let Some(length) = memchr::memchr(b'\n', &raw[at..]) else { break };
        let line = at..at + length + 1;
        at = line.end;
        let shown = settle(&raw[line.clone()]).text;
        let shown = shown.trim_end_matches('\n');
        let blank = shown.trim().is_empty();
        if blank || (!seen && is_prompt(shown)) {
            // Gone if an echo follows, kept if not.
            before.push(line);
        } else if seen {
            break;
        }
    }
    joined(found)
}

/// Neighbours become one range.
fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

/// `raw` without `ranges`, which ascend.
pub(super) fn without(raw: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(raw.len());
    let mut at = 0;
    for range in ranges {
        rest.extend_from_slice(&raw[at..range.start]);
        at = range.end;
    }
    rest.extend_from_slice(&raw[at..]);
    rest
}

/// Where the echo that starts at `at` ends, its line end included.
fn echo_at(raw: &[u8], at: usize, command: &[u8], is_prompt: &impl Fn(&str) -> bool) -> Option<usize> {
    if let Some(end) = spelled_at(raw, at, command) {
        return Some(end);
    }
    // Redrawn: the prompt stands before it, perhaps with a timestamp in it.
    let line = memchr::memchr(b'\n', &raw[at..]).map_or(&raw[at..], |length| &raw[at..at + length]);
    let line = &line[..line.len().min(LONGEST_PROMPT)];
    for (index, _) in line.iter().enumerate().filter(|(_, byte)| matches!(byte, b'#' | b'>' | b'$' | b'%')) {
        let mut end = index + 1;
        if line.get(end) == Some(&b' ') {
            end += 1;
        }
        if is_prompt(settle(&line[..end]).text.trim_end_matches('\n')) {
            return spelled_at(raw, at + end, command);
        }
    }
    None
}

/// Where `command` (without blanks) ends, if it is spelled at `at`: between
/// its letters may stand what a terminal of any width puts there.
fn spelled_at(raw: &[u8], mut at: usize, command: &[u8]) -> Option<usize> {
    let mut letters = command.iter();
    let mut letter = letters.next()?;
    let mut wraps = 0;
    loop {
        match *raw.get(at)? {
            byte if byte == *letter => match letters.next() {
                Some(next) => letter = next,
                None => break,
            },
            b' ' | b'\r' | 0x07 => {}
            // A newline before the first letter is a blank line, not a wrap.
            b'\n' if letter != &command[0] || letters.len() + 1 < command.len() => {
                wraps += 1;
                if wraps > 8 {
                    return None;
                }
            }
            0x1b => {
                at += escape(&raw[at..])?.0;
                continue;
            }
            _ => return None,
        }
        at += 1;
    }
    at += 1;
    loop {
        match *raw.get(at)? {
            b'\n' => return Some(at + 1),
            b' ' | b'\r' | 0x07 => at += 1,
            0x1b => at += escape(&raw[at..])?.0,
            _ => return None,
        }
    }
}

/// How many of the bytes after an answered pager only wipe it off the screen:
/// carriage returns, backspaces, blanks that are overwritten again, "erase
/// line". `None`: more bytes are needed to know. `line_start`: the pager
/// stood on a line of its own, so a newline right after it is its own.
pub(super) fn wiped(bytes: &[u8], line_start: bool) -> Option<usize> {
    let mut at = 0;
    // As long as nothing was wiped, a newline can be the pager's own.
    let mut own = line_start;
    loop {
        match *bytes.get(at)? {
            b'\r' if *bytes.get(at + 1)? == b'\n' => return Some(if own { at + 2 } else { at }),
            b'\n' => return Some(if own { at + 1 } else { at }),
            b'\r' | 0x07 | 0x08 => at += 1,
            0x1b => match escape(&bytes[at..])? {
                // Colours off.
                (length, b'm') => {
                    at += length;
                    continue;
                }
                (length, b'K' | b'J' | b'P' | b'D' | b'G') => at += length,
                _ => return Some(at),
            },
            b' ' => {
                let blanks = bytes[at..].iter().position(|byte| *byte != b' ')?;
                match bytes[at + blanks] {
                    0x08 => at += blanks,
                    b'\r' if *bytes.get(at + blanks + 1)? != b'\n' => at += blanks,
                    _ => return Some(at),
                }
            }
            _ => return Some(at),
        }
        own = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_prompt(text: &str) -> bool {
        text == "PE-4# " || text == "PE-4(09-Mar-2026-18:52:11)# "
    }

    /// What is left of `raw` once the echo of `show x | no-more` is out.
    fn rest(raw: &str) -> String {
        let ranges = echoes(raw.as_bytes(), "show x | no-more", is_prompt);
        String::from_utf8_lossy(&without(raw.as_bytes(), &ranges)).into_owned()
    }

    #[test]
    fn echoes_of_every_form_go_and_nothing_else() {
        let body = "\r\nLegend: x\r\n| a |\r\n";
        for echo in [
            "show x | no-more\r\n",
            // Twice, as a slow line editor does, with and without the prompt.
            "show x | no-more\r\nshow x | no-more\r\n",
            "show x | no-more\r\nPE-4# show x | no-more\r\n",
            // Timestamped prompt: drawn again over the line before.
            "show x | no-more\r\n\x1b[FPE-4(09-Mar-2026-18:52:11)# show x | no-more\r\n",
            // Wrapped by a narrow terminal, in the two usual ways.
            "show x | no-\r\nmore\r\n",
            "show x | no- \rmore\r\n",
            // Late: the prompt of the empty line comes first.
            "\r\nPE-4# \r\nPE-4# show x | no-more\r\n",
            "\x1b[0mshow x | no-more \x1b[K\r\n",
        ] {
            assert_eq!(rest(&format!("{echo}{body}")), body, "{echo:?}");
        }
    }

    #[test]
    fn what_is_no_echo_stays() {
        for text in ["show y\r\nshow x | no-moreover\r\n", "a\r\nb\r\n", "", "show x | no-more"] {
            assert_eq!(rest(text), text);
        }
        // A line that came before the echo is not ours to drop.
        assert_eq!(rest("%LOG: up\r\nshow x | no-more\r\nout\r\n"), "%LOG: up\r\nout\r\n");
    }

    #[test]
    fn pagers_are_wiped_whatever_wipes_them() {
        for wipe in
            ["\r\x1b[K", "\r        \r", "\x08\x08\x08   \x08\x08\x08", "\x07\r\x1b[2K", "\r\n", "\n", ""]
        {
            for text in ["  indented\r\n", "x\r\n", "   \r\n"] {
                let bytes = format!("{wipe}{text}");
                // A blank line right after an unwiped pager cannot be told from its line end.
                assert_eq!(wiped(bytes.as_bytes(), true), Some(wipe.len()), "{bytes:?}");
            }
        }
        assert_eq!(wiped(b"\r   ", true), None);
        assert_eq!(wiped(b"\x1b[", true), None);
        assert_eq!(wiped(b"\r\n", false), Some(0));
        assert_eq!(wiped(b"\x1b[27m\r\nx", true), Some(7));
    }

    #[test]
    fn cursor_up() {
        assert!(moves_up(b"\x1b[FPE-4# ") && moves_up(b"\r\x1b[0m\x1b[1APE-4# "));
        assert!(!moves_up(b"\x1b[0mPE-4# ") && !moves_up(b"PE-4# \x1b[F"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'\n'), Just(b'#'), Just(b' ')], 0..200)) {
            let ranges = echoes(&raw, "show x", is_prompt);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
            prop_assert!(without(&raw, &ranges).len() <= raw.len());
            prop_assert!(wiped(&raw, true).is_none_or(|count| count <= raw.len()));
            let _ = (moves_up(&raw), last_line(&raw));
        }

        #[test]
        fn an_echo_wrapped_at_any_width_goes(width in 3_usize..40) {
            let shown = "show x | no-more".as_bytes();
            let wrapped = shown.chunks(width).collect::<Vec<_>>().join(&b"\r\n"[..]);
            let raw = [&wrapped[..], b"\r\nout\r\n"].concat();
            let ranges = echoes(&raw, "show x | no-more", is_prompt);
            prop_assert_eq!(without(&raw, &ranges), b"out\r\n");
        }
    }
}
