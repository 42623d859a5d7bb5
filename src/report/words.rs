//! Numbers, dates and probabilities as people read them.
//!
//! Counts are exact and grouped by thousands; estimates have two significant
//! figures. Every date is relative to the run, never to a clock, so that a
//! stored night renders to the same bytes.

use chrono::{DateTime, Datelike, Utc};

use super::view::{Estimate, Share, days_between};

/// `5000` → `5,000`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3 drifts`, `1 drift`.
pub(super) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// An estimated number with two significant figures: `0.42`, `7.5`, `40`, `1,200`.
/// What is no finite number gives `?`.
pub(super) fn about(x: f64) -> String {
    if !x.is_finite() {
        return "?".to_owned();
    }
    let size = x.abs();
    if size < 0.005 {
        return "0".to_owned();
    }
    if size < 0.995 {
        return trimmed(&format!("{x:.2}"));
    }
    if size < 9.95 {
        return trimmed(&format!("{x:.1}"));
    }
    let step = 10f64.powi(size.log10().floor() as i32 - 1).max(1.0);
    let rounded = ((size / step).round() * step) as u64;
    format!("{}{}", if x < 0.0 { "-" } else { "" }, count(rounded))
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `about 40 (25 to 60)`.
pub(super) fn estimate(e: &Estimate) -> String {
    format!("about {} ({} to {})", about(e.mid), about(e.low), about(e.high))
}

/// A share from 0 to 1 as a percentage: `3.7 %`, with a space that is not
/// broken. Never `100 %` or `0 %` unless it is.
pub(super) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "?".to_owned();
    }
    let p = share.clamp(0.0, 1.0) * 100.0;
    if p > 99.9 && p < 100.0 {
        "over 99.9\u{a0}%".to_owned()
    } else if p > 0.0 && p < 0.1 {
        "under 0.1\u{a0}%".to_owned()
    } else if !(10.0..=90.0).contains(&p) {
        format!("{}\u{a0}%", trimmed(&format!("{p:.1}")))
    } else {
        format!("{p:.0}\u{a0}%")
    }
}

/// `187 of 5,000 (3.7 %)`.
pub(super) fn share(s: &Share) -> String {
    if s.whole == 0 {
        return "0 of 0".to_owned();
    }
    format!("{} of {} ({})", count(s.part), count(s.whole), percent(s.part as f64 / s.whole as f64))
}

/// A probability in words, with the number beside the word.
pub(super) fn chance(p: f64) -> String {
    if !p.is_finite() {
        return "cannot be said".to_owned();
    }
    if p < 0.01 {
        "less than 1 in 100".to_owned()
    } else if p < 0.05 {
        format!("a few in 100 ({})", percent(p))
    } else if p <= 0.95 {
        // From 5 % on, a tenth is never "0 in 10" or "10 in 10".
        format!("about {} in 10 ({})", (p * 10.0).round().clamp(1.0, 9.0), percent(p))
    } else {
        "more than 19 in 20".to_owned()
    }
}

/// Days: `under 1`, `9`, `1.5`, `120`.
pub(super) fn days(d: f64) -> String {
    if !d.is_finite() {
        "?".to_owned()
    } else if d < 0.05 {
        "0".to_owned()
    } else if d < 9.95 {
        trimmed(&format!("{d:.1}"))
    } else {
        count(d.round() as u64)
    }
}

/// `Mon 23 Nov 2026, 06:12`.
pub(super) fn date_long(t: DateTime<Utc>) -> String {
    t.format("%a %-d %b %Y, %H:%M").to_string()
}

/// `Tue 17 Nov, 02:14`, with the year when it is not the run's.
pub(super) fn date(t: DateTime<Utc>, as_of: DateTime<Utc>) -> String {
    if t.year() == as_of.year() { t.format("%a %-d %b, %H:%M").to_string() } else { date_long(t) }
}

/// `6 days earlier`, `3 h earlier`, `at the run`.
pub(super) fn earlier(t: DateTime<Utc>, as_of: DateTime<Utc>) -> String {
    let d = days_between(t, as_of);
    let hours = d * 24.0;
    if hours < 1.0 {
        "at the run".to_owned()
    } else if hours < 48.0 {
        format!("{} h earlier", hours.floor())
    } else {
        format!("{} earlier", counted(d.floor() as u64, "day", "days"))
    }
}

/// `A`, `A and B`, `A, B, C and 14 more`.
pub(super) fn names(all: &[&str], shown: usize) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        _ if all.len() <= shown => {
            format!("{} and {}", all[..all.len() - 1].join(", "), all[all.len() - 1])
        }
        _ => format!("{} and {} more", all[..shown].join(", "), count((all.len() - shown) as u64)),
    }
}

/// Shows what cannot be seen: control characters, bidi controls and zero-width
/// characters become `<U+202E>`, so a device's text never changes what stands
/// beside it. Everything else stays.
pub(super) fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write as _;
    if !text.chars().any(is_unseen) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unseen(c) {
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// Control, bidi, zero-width and tag characters, line separators and non-characters.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x61c | 0x115f | 0x1160 | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xe0000..=0xe0fff)
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (n, text) in cases {
            assert_eq!(count(n), text);
        }
        assert_eq!(counted(1, "drift", "drifts"), "1 drift");
        assert_eq!(counted(2_004, "drift", "drifts"), "2,004 drifts");
    }

    #[test]
    fn estimates_have_two_figures() {
        let cases = [
            (0.0, "0"),
            (0.424, "0.42"),
            (0.999, "1"),
            (7.46, "7.5"),
            (9.96, "10"),
            (42.4, "42"),
            (1_234.0, "1,200"),
            (f64::NAN, "?"),
            (f64::INFINITY, "?"),
        ];
        for (x, text) in cases {
            assert_eq!(about(x), text, "{x}");
        }
    }

    #[test]
    fn chances_have_a_word_and_a_number() {
        let cases = [
            (0.004, "less than 1 in 100"),
            (0.03, "a few in 100 (3\u{a0}%)"),
            (0.05, "about 1 in 10 (5\u{a0}%)"),
            (0.72, "about 7 in 10 (72\u{a0}%)"),
            (0.95, "about 9 in 10 (95\u{a0}%)"),
            (0.97, "more than 19 in 20"),
            (f64::NAN, "cannot be said"),
        ];
        for (p, text) in cases {
            assert_eq!(chance(p), text, "{p}");
        }
    }

    #[test]
    fn shares_are_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(0.9999), "over 99.9\u{a0}%");
        assert_eq!(percent(0.0001), "under 0.1\u{a0}%");
        assert_eq!(percent(1.0), "100\u{a0}%");
        assert_eq!(share(&Share { part: 187, whole: 5_000 }), "187 of 5,000 (3.7\u{a0}%)");
    }

    #[test]
    fn dates_are_relative_to_the_run() {
        let run = Utc.with_ymd_and_hms(2026, 11, 23, 2, 14, 0).unwrap();
        let then = Utc.with_ymd_and_hms(2026, 11, 17, 2, 14, 0).unwrap();
        assert_eq!(date(then, run), "Tue 17 Nov, 02:14");
        assert_eq!(earlier(then, run), "6 days earlier");
        assert_eq!(earlier(run, run), "at the run");
        assert_eq!(date(Utc.with_ymd_and_hms(2025, 1, 2, 3, 4, 0).unwrap(), run), "Thu 2 Jan 2025, 03:04");
    }

    #[test]
    fn unseen_characters_are_shown() {
        assert_eq!(visible("a\u{202e}b\u{0}"), "a<U+202E>b<U+0000>");
        assert_eq!(visible("Zürich ✓"), "Zürich ✓");
    }

    proptest! {
        #[test]
        fn any_number_gives_a_text(x in any::<f64>(), n in any::<u64>()) {
            for text in [about(x), percent(x), chance(x), days(x), count(n)] {
                prop_assert!(!text.is_empty() && !text.contains("inf") && !text.contains("NaN"));
            }
        }

        #[test]
        fn visible_text_has_nothing_unseen(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_unseen));
        }
    }
}
