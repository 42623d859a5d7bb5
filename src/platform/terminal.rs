//! Bytes from a device → text as a terminal would show it.
//!
//! Line ends become `\n`; carriage returns, backspaces and the few cursor
//! movements that devices use to re-draw a line are carried out; every other
//! escape sequence and control character is removed and counted. What is left
//! holds no control but `\n` and `\t`, so it can do nothing to the terminal of
//! a person who reads it. Bytes that are no UTF-8 come out as `\xNN`.

use std::borrow::Cow;

/// A text as a terminal would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub text: String,
    /// Bytes that were removed or had to be escaped. The `\r` of a `\r\n` is
    /// not counted: that is how lines end on a terminal.
    pub removed: usize,
}

/// How far one sequence may move the cursor up. DNOS moves by one line.
const HIGHEST: usize = 50;
/// Columns to which the cursor may be moved behind the end of a row.
const WIDEST: usize = 512;
/// Bytes after which an unfinished control string is given up.
const LONGEST_STRING: usize = 4_096;

/// Settles `bytes`.
pub fn settle(bytes: &[u8]) -> Settled {
    let mut screen = Screen {
        out: String::with_capacity(bytes.len()),
        row: None,
        below: Vec::new(),
        // A hostile stream could move up and down a long row for ever.
        effort: bytes.len().saturating_mul(8) + 65_536,
    };
    let mut removed = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let plain = rest.iter().position(|b| !is_plain(*b)).unwrap_or(rest.len());
        if plain > 0 {
            // The run is ASCII, so this borrows.
            screen.write(&String::from_utf8_lossy(&rest[..plain]));
            at += plain;
            continue;
        }
        match byte {
            b'\r' => {
                let returns = rest.iter().take_while(|b| **b == b'\r').count();
                if rest.get(returns) == Some(&b'\n') && screen.row.is_none() {
                    removed += returns - 1;
                } else {
                    screen.column(|_| 0);
                    removed += returns;
                }
                at += returns;
            }
            0x08 => {
                screen.column(|column| column.saturating_sub(1));
                removed += 1;
                at += 1;
            }
            0x1b => {
                let length = escape(&mut screen, rest);
                removed += length;
                at += length;
            }
            0x80.. => {
                let head = &rest[..rest.len().min(4)];
                let Some(chunk) = head.utf8_chunks().next() else { break };
                match chunk.valid().chars().next() {
                    Some(c @ '\u{80}'..='\u{9f}') => {
                        let length = c1(&mut screen, c, rest);
                        removed += length;
                        at += length;
                    }
                    Some(c) => {
                        screen.write(c.encode_utf8(&mut [0; 4]));
                        at += c.len_utf8();
                    }
                    None => {
                        screen.write(&format!("\\x{byte:02x}"));
                        removed += 1;
                        at += 1;
                    }
                }
            }
            _ => {
                removed += 1;
                at += 1;
            }
        }
    }
    Settled { text: screen.finish(), removed }
}

/// [`settle`] for a text that is a `str` already; most need nothing done.
pub fn settle_str(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_plain) { Cow::Borrowed(text) } else { Cow::Owned(settle(text.as_bytes()).text) }
}

/// Printable ASCII, tab, line feed.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// One escape sequence at the head of `bytes`: carries it out if it moves the
/// cursor, and says how long it is.
fn escape(screen: &mut Screen, bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(b'[') => control_sequence(screen, bytes, 2),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => control_string(bytes, 2),
        // Character sets and the like: intermediates, then one final byte.
        Some(0x20..=0x2f) => {
            let middle = bytes[1..].iter().take_while(|b| matches!(b, 0x20..=0x2f)).count();
            let last = usize::from(matches!(bytes.get(1 + middle), Some(0x30..=0x7e)));
            1 + middle + last
        }
        Some(0x30..=0x7e) => 2,
        // Alone, or before something that is no sequence.
        _ => 1,
    }
}

/// A C1 control, which in UTF-8 takes two bytes.
fn c1(screen: &mut Screen, c: char, bytes: &[u8]) -> usize {
    match c {
        '\u{9b}' => control_sequence(screen, bytes, 2),
        '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => control_string(bytes, 2),
        _ => 2,
    }
}

/// Parameters, intermediates and a final byte, from `start` on.
fn control_sequence(screen: &mut Screen, bytes: &[u8], start: usize) -> usize {
    let body = &bytes[start..];
    let length = body.iter().take(64).take_while(|b| matches!(b, 0x20..=0x3f)).count();
    let Some(last @ 0x40..=0x7e) = body.get(length) else {
        return start + length;
    };
    // Only the first number matters to the few sequences that we carry out.
    let number = body[..length]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .fold(0_usize, |n, b| n.saturating_mul(10).saturating_add(usize::from(b - b'0')));
    let count = number.max(1);
    match last {
        b'A' => screen.up(count),
        b'F' => {
            screen.up(count);
            screen.column(|_| 0);
        }
        b'B' => screen.down(count),
        b'E' => {
            screen.down(count);
            screen.column(|_| 0);
        }
        b'C' => screen.column(|column| column.saturating_add(count)),
        b'D' => screen.column(|column| column.saturating_sub(count)),
        b'G' => screen.column(|_| count - 1),
        b'K' => screen.erase(number),
        b'J' if number == 0 => {
            screen.erase(0);
            screen.below.clear();
        }
        _ => {}
    }
    start + length + 1
}

/// A string for the terminal itself (a title, the clipboard): up to BEL or ST.
/// One that is not finished ends with its line, so that it cannot hide the rest.
fn control_string(bytes: &[u8], start: usize) -> usize {
    let body = &bytes[start..];
    let body = &body[..body.len().min(LONGEST_STRING)];
    for (at, byte) in body.iter().enumerate() {
        match byte {
            0x07 => return start + at + 1,
            0x1b if body.get(at + 1) == Some(&b'\\') => return start + at + 2,
            0xc2 if body.get(at + 1) == Some(&0x9c) => return start + at + 2,
            b'\n' | b'\r' => return start + at,
            _ => {}
        }
    }
    start + body.len()
}

/// Rows above the cursor in `out`, rows below it in `below`. Usually the cursor
/// is at the end of the last row and text is only appended: `row` is `None`.
struct Screen {
    out: String,
    row: Option<Row>,
    /// The nearest row last.
    below: Vec<String>,
    /// Characters that may still be moved about.
    effort: usize,
}

/// The cursor's row, taken out of `out` to be written over.
struct Row {
    cells: Vec<char>,
    column: usize,
}

impl Screen {
    fn write(&mut self, text: &str) {
        let mut text = text;
        while let Some(row) = &mut self.row {
            let end = memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
            for c in text[..end].chars() {
                if row.column > row.cells.len() {
                    self.effort = self.effort.saturating_sub(row.column - row.cells.len());
                    row.cells.resize(row.column, ' ');
                }
                match row.cells.get_mut(row.column) {
                    Some(cell) => *cell = c,
                    None => row.cells.push(c),
                }
                row.column += 1;
            }
            if end == text.len() {
                return;
            }
            self.line_feed();
            text = &text[end + 1..];
        }
        self.out.push_str(text);
    }

    /// To the start of the row below.
    fn line_feed(&mut self) {
        self.put_back();
        self.out.push('\n');
        if let Some(row) = self.below.pop() {
            self.row = Some(Row { cells: row.chars().collect(), column: 0 });
        }
    }

    fn put_back(&mut self) {
        if let Some(row) = self.row.take() {
            self.out.extend(row.cells);
        }
    }

    /// Takes the last row out of `out`, with the cursor behind its end.
    fn take_row(&mut self) -> &mut Row {
        let out = &mut self.out;
        let effort = &mut self.effort;
        self.row.get_or_insert_with(|| {
            let start = memchr::memrchr(b'\n', out.as_bytes()).map_or(0, |at| at + 1);
            let cells: Vec<char> = out[start..].chars().collect();
            out.truncate(start);
            *effort = effort.saturating_sub(cells.len());
            let column = cells.len();
            Row { cells, column }
        })
    }

    fn column(&mut self, to: impl Fn(usize) -> usize) {
        let may_pad = self.effort > WIDEST;
        let row = self.take_row();
        let edge = if may_pad { row.cells.len().max(WIDEST) } else { row.cells.len() };
        row.column = to(row.column).min(edge);
    }

    fn erase(&mut self, which: usize) {
        if which == 0 && self.row.is_none() {
            return;
        }
        let row = self.take_row();
        match which {
            0 => row.cells.truncate(row.column),
            1 => {
                let end = row.column.min(row.cells.len());
                row.cells[..end].fill(' ');
            }
            _ => row.cells.clear(),
        }
    }

    fn up(&mut self, count: usize) {
        for _ in 0..count.min(HIGHEST) {
            let column = self.take_row().column;
            if self.out.is_empty() || self.effort == 0 {
                return;
            }
            let row = self.row.take().map(|row| row.cells.into_iter().collect()).unwrap_or_default();
            self.below.push(row);
            self.out.pop();
            self.take_row().column = column;
        }
    }

    fn down(&mut self, count: usize) {
        for _ in 0..count.min(self.below.len()) {
            let column = self.take_row().column;
            self.line_feed();
            self.take_row().column = column;
        }
    }

    fn finish(mut self) -> String {
        self.put_back();
        while let Some(row) = self.below.pop() {
            self.out.push('\n');
            self.out.push_str(&row);
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(bytes: &[u8]) -> String {
        settle(bytes).text
    }

    #[test]
    fn as_a_terminal_shows_it() {
        let cases: &[(&[u8], &str)] = &[
            (b"", ""),
            (b"a\r\nb\r\n", "a\nb\n"),
            (b"a\nb", "a\nb"),
            (b"a\r\r\nb", "a\nb"),
            (b"abc\rX", "Xbc"),
            (b"50%\r100%\ndone", "100%\ndone"),
            (b"abc\x08\x08XY", "aXY"),
            (b"\x08a", "a"),
            (b"a\tb", "a\tb"),
            (
                b"--More--\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08x",
                "x       ",
            ),
            (b"--More--\r\x1b[Kx", "x"),
            (b"a\x1b[91mred\x1b[0m", "ared"),
            (b"\x1b]0;title\x07text", "text"),
            (b"\x1b]52;c;AAAA\x1b\\text", "text"),
            (b"\x1b]never finished\nnext", "\nnext"),
            (b"\x1bP1;2|x\x1b\\y", "y"),
            (b"\x1b(Bx\x1b=y\x1b", "xy"),
            (b"x\xc2\x9b31my\xc2\x85z", "xyz"),
            (b"bell\x07 nul\0 del\x7f", "bell nul del"),
            (b"caf\xc3\xa9 \xff\xfe latin \xe9", "caf\u{e9} \\xff\\xfe latin \\xe9"),
            ("héllo\rHÉ".as_bytes(), "HÉllo"),
            (b"ab\x1b[999Ccd", "ab"),
            (b"one\r\ntwo\x1b[2Fx\r\n", "xne\ntwo"),
        ];
        for (bytes, expected) in cases {
            let settled = shown(bytes);
            if bytes.starts_with(b"ab\x1b[999C") {
                assert!(settled.starts_with("ab ") && settled.ends_with(" cd") && settled.len() < 1_000);
            } else {
                assert_eq!(&settled, expected, "{:?}", String::from_utf8_lossy(bytes));
            }
        }
    }

    #[test]
    fn a_redrawn_prompt_replaces_the_echo() {
        let bytes = b"DRIVENETS CLI Loading...\r                        \rR1# show interfaces | no-more\r\n\
            \x1b[FR1(09-Mar-2026-18:52:11)# show interfaces | no-more\r\n\r\nLegend: x\r\n\r\nR1# ";
        let text = shown(bytes);
        assert_eq!(text, "R1(09-Mar-2026-18:52:11)# show interfaces | no-more\n\nLegend: x\n\nR1# ");
    }

    #[test]
    fn rows_below_the_cursor_survive() {
        assert_eq!(shown(b"one\ntwo\nthree\x1b[2FONE"), "ONE\ntwo\nthree");
        assert_eq!(shown(b"one\ntwo\nthree\x1b[2FONE\n\n\nfour"), "ONE\ntwo\nthree\nfour");
        assert_eq!(shown(b"one\ntwo\x1b[A!\x1b[B?"), "one!\ntwo ?");
    }

    #[test]
    fn a_hostile_stream_costs_little() {
        let mut bytes = vec![b'x'; 200_000];
        bytes.push(b'\n');
        for _ in 0..100_000 {
            bytes.extend_from_slice(b"\x1b[F\n");
        }
        assert!(shown(&bytes).len() < 2_000_000);
        let wide = b"\x1b[500Cx\n".repeat(50_000);
        assert!(shown(&wide).len() < wide.len() * 12);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_control_survives_and_settling_again_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let settled = settle(&bytes);
            prop_assert!(settled.text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
            prop_assert_eq!(&settle(settled.text.as_bytes()).text, &settled.text);
            prop_assert_eq!(settle(settled.text.as_bytes()).removed, 0);
        }

        #[test]
        fn sequences_never_panic(parts in proptest::collection::vec("\\x1b\\[[0-9]{0,3}[A-K]|[a-z]{0,5}|\\r|\\n|\\x08|é", 0..80)) {
            let text: String = parts.concat();
            let clean = !settle(text.as_bytes()).text.contains('\u{1b}');
            prop_assert!(clean);
        }
    }
}
