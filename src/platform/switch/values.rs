//! How lists, texts and commands are written.

use crate::model::fact::canonical_tags;
use crate::platform::lines::abbreviates;

/// The ids of a list such as `1,10-20`. `None` if it is not one.
pub(in crate::platform) fn vlan_ids(text: &str) -> Option<impl Iterator<Item = u16> + use<>> {
    let tags = canonical_tags(text)?;
    let ranges: Vec<(u16, u16)> = tags
        .split(',')
        .filter_map(|part| {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            Some((low.parse().ok()?, high.parse().ok()?))
        })
        .collect();
    Some(ranges.into_iter().flat_map(|(low, high)| low..=high).filter(|id| (1..=4_094).contains(id)))
}

/// The numbers of a list such as `10010,10020-10030`, in its order; `None` if
/// it is none, or names more VNIs than a device can have.
pub(in crate::platform) fn id_list(text: &str) -> Option<impl Iterator<Item = u32> + use<>> {
    const MOST: u32 = 16_384;
    const HIGHEST: u32 = 0x00ff_ffff;
    let mut ranges = Vec::new();
    let mut count: u32 = 0;
    for part in text.split(',').map(str::trim_ascii) {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high): (u32, u32) = (low.parse().ok()?, high.parse().ok()?);
        if low == 0 || low > high || high > HIGHEST {
            return None;
        }
        count = count.saturating_add(high - low + 1);
        ranges.push(low..=high);
    }
    (count <= MOST).then(|| ranges.into_iter().flatten())
}

/// What a line in the first column begins with.
pub(in crate::platform) fn is_keyword(word: &str) -> bool {
    word.len() <= 40
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+_".contains(&b))
}

/// A text as it was typed: without its double quotes.
pub(in crate::platform) fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text).to_owned()
}

/// The words behind `show` of a command whose output is there in full: behind
/// `| no-more`, or without the one line that holds the time.
pub(in crate::platform) fn output_of(command: &str) -> Option<Vec<&str>> {
    let mut pipes = command.split('|').map(str::trim_ascii);
    let mut words: Vec<&str> = pipes.next()?.split_ascii_whitespace().collect();
    if !pipes.all(|pipe| abbreviates(pipe, "no-more", 2) || pipe == "exclude ! Time:") {
        return None;
    }
    if words.first() == Some(&"do") {
        words.remove(0);
    }
    let show = words.first()?;
    if !abbreviates(show, "show", 2) {
        return None;
    }
    words.remove(0);
    Some(words)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(vlan_ids("1,10-12").unwrap().collect::<Vec<_>>(), [1, 10, 11, 12]);
        assert!(vlan_ids("x").is_none());
        assert_eq!(
            id_list("10010,10020-10022").unwrap().collect::<Vec<_>>(),
            [10_010, 10_020, 10_021, 10_022]
        );
        for text in ["", "0", "5-4", "16777216", "1-16777215", "x"] {
            assert!(id_list(text).is_none(), "{text}");
        }
    }

    #[test]
    fn commands() {
        assert_eq!(output_of("do sh run | no-more").unwrap(), ["run"]);
        assert_eq!(output_of("show run | no-more | exclude ! Time:").unwrap(), ["run"]);
        for command in ["show run | include vlan", "configure", "", "do", "ping 192.0.2.1"] {
            assert!(output_of(command).is_none(), "{command}");
        }
    }
}
