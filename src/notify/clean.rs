//! Text of devices in messages: one line, no control characters, not endless.

/// Most characters of one piece of text.
const LONGEST: usize = 300;

/// `text` as it may stand in any message. Controls and line ends become
/// spaces; what turns the direction of writing is left out.
pub(super) fn clean(text: &str) -> String {
    let mut clean: String = text
        .chars()
        .filter(|c| {
            !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        })
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .take(LONGEST + 1)
        .collect();
    if let Some((end, _)) = clean.char_indices().nth(LONGEST) {
        clean.truncate(end);
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_and_no_tricks() {
        assert_eq!(clean("a\r\nb\u{1b}[31m\u{202e}c"), "a  b [31mc");
        assert_eq!(clean(&"é".repeat(1_000)).chars().count(), LONGEST + 1);
    }
}
