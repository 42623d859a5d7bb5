//! A line cut into words, for the rules that look for secrets. A quoted string
//! is one word; `=` and `:` behind a name are no words, but are remembered.

/// One word and where it is in the line, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
    pub(super) quoted: bool,
    /// Punctuation stands between it and the word before.
    pub(super) separated: bool,
}

impl Word<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The word for looking it up: lower case, without `-` and `_`.
    pub(super) fn plain(&self) -> String {
        self.text.bytes().filter(|b| !b"-_".contains(b)).map(|b| char::from(b.to_ascii_lowercase())).collect()
    }

    pub(super) fn is(&self, text: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(text)
    }

    pub(super) fn is_number(&self) -> bool {
        !self.text.is_empty() && self.text.bytes().all(|b| b.is_ascii_digit())
    }
}

/// Cuts `line`. Brackets and a comma or semicolon behind a word are left out.
pub(super) fn cut(line: &str) -> Vec<Word<'_>> {
    let bytes = line.as_bytes();
    let mut words = Vec::with_capacity(8);
    let mut at = 0;
    let mut separated = false;
    let mut put = |text, start, quoted, separated: &mut bool| {
        words.push(Word { text, start, quoted, separated: std::mem::take(separated) });
    };
    while at < bytes.len() {
        match bytes[at] {
            b if b.is_ascii_whitespace() || b",;{}".contains(&b) => at += 1,
            b'"' => {
                let start = at + 1;
                let end = closing_quote(bytes, start);
                put(&line[start..end], start, true, &mut separated);
                at = end + 1;
            }
            b':' | b'=' => {
                separated = true;
                at += 1;
            }
            _ => {
                let length = bytes[at..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
                let word = line[at..at + length].trim_end_matches([',', ';', '{']);
                // `password=x`: a name, a separator, a value.
                let cut = word.find(['=', ':']).filter(|cut| {
                    *cut > 0
                        && super::rules::is_secret_name(&word[..*cut])
                        && !word[*cut..].starts_with("://")
                });
                let text = cut.map_or(word, |cut| &word[..cut]);
                if !text.is_empty() {
                    put(text, at, false, &mut separated);
                }
                at += if cut.is_some() { text.len() } else { length };
            }
        }
    }
    words
}

/// Where the string that begins at `start` ends: at its quote, or with the line.
fn closing_quote(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}
