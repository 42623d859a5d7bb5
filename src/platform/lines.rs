//! Readers that platforms with an indented configuration share: IOS, IOS-XR,
//! NX-OS, EOS and FRR.
//!
//! [`walk`] goes through a configuration line by line and keeps the way down
//! to it, so that a platform only says what a line means at its place. It
//! copies nothing. The rest reads what these systems write alike: VLAN lists
//! of a trunk, columns below a header, log lines in between, long names.

use crate::model::fact::{canonical_tags, is_many};
use crate::model::{Encapsulation, EncapsulationKind};

use super::reading::{Class, Tally, lines};

/// What a platform knows about the lines of its configuration.
pub(crate) trait Tree<'t> {
    /// Where in the tree a line stands; numbers in it index the platform's own lists.
    type Place: Copy;
    /// Where the lines in the first column stand.
    const TOP: Self::Place;

    /// What `line` (without its indent) means at `place`, and where the lines below it stand.
    fn step(&mut self, place: Self::Place, line: &'t str) -> (Self::Place, Class);

    /// A line that begins with `!` and says more than that. It opens no block.
    fn remark(&mut self, _line: &'t str) -> Class {
        Class::Ignored
    }

    /// What ends the free text that begins behind `line`, which stands in the
    /// first column: a banner holds lines that look like any other.
    fn free_text(&self, line: &'t str) -> Option<FreeText<'t>> {
        banner(line)
    }
}

/// How a free text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FreeText<'t> {
    /// With the first line that holds this.
    Holding(&'t str),
    /// With the line that is this.
    Line(&'t str),
}

impl FreeText<'_> {
    /// Whether the free text ends with `line`.
    pub(crate) fn is_reached(self, line: &str) -> bool {
        match self {
            Self::Holding(mark) => line.contains(mark),
            Self::Line(mark) => line.trim_ascii() == mark,
        }
    }
}

/// The form of a configuration, beside what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Lines that are settings: no remark, no separator, no blank.
    pub(crate) settings: usize,
    /// Blocks with lines in them that ended without a `!` in their own column.
    /// A fault only where the platform closes every block (IOS-XR).
    pub(crate) unclosed: usize,
    /// `!` in a column where no block was open, the first column apart.
    pub(crate) stray: usize,
    /// Lines of a log in between. The tree goes on around them.
    pub(crate) noise: usize,
    /// The text begins with an indented line.
    pub(crate) headless: bool,
    /// A pager waited here.
    pub(crate) pager: bool,
    /// A banner that never ends.
    pub(crate) open_text: bool,
    /// Deeper than any configuration.
    pub(crate) too_deep: bool,
}

/// Deeper than any configuration; what lies below is not followed.
const DEEPEST: usize = 64;

struct Block<P> {
    indent: usize,
    place: P,
    class: Class,
    has_lines: bool,
}

/// Goes through `text`, asks `tree` about every line and counts each once.
///
/// A line is below the nearest line above it that is indented less; how many
/// blanks a level has does not matter. `!` alone separates: it closes the block
/// in its column, and is counted as that block was.
pub(crate) fn walk<'t, T: Tree<'t>>(text: &'t str, tree: &mut T, tally: &mut Tally) -> Shape {
    let mut shape = Shape::default();
    let mut open: Vec<Block<T::Place>> = Vec::with_capacity(8);
    let mut free: Option<(FreeText<'t>, Class)> = None;
    for line in lines(text) {
        if let Some((end, class)) = free {
            tally.any(class, line);
            if end.is_reached(line) {
                free = None;
            }
            continue;
        }
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let indent = indent_of(line);
        if let Some(rest) = words.strip_prefix('!') {
            let class =
                if rest.is_empty() { close(&mut open, indent, &mut shape) } else { tree.remark(words) };
            tally.line(class, line);
            continue;
        }
        if is_pager(words) {
            shape.pager = true;
            tally.line(Class::Unread, line);
            continue;
        }
        if indent == 0 && is_log_line(words) {
            shape.noise += 1;
            tally.line(Class::Unread, line);
            continue;
        }
        while let Some(block) = open.pop_if(|block| block.indent >= indent) {
            shape.unclosed += usize::from(block.has_lines);
        }
        let parent = if let Some(parent) = open.last_mut() {
            parent.has_lines = true;
            parent.place
        } else {
            shape.headless |= shape.settings == 0 && indent > 0;
            T::TOP
        };
        shape.settings += 1;
        let (place, class) = tree.step(parent, words);
        if open.len() < DEEPEST {
            open.push(Block { indent, place, class, has_lines: false });
        } else {
            shape.too_deep = true;
        }
        // Free texts begin in the first column.
        free = if indent == 0 { tree.free_text(words).map(|end| (end, class)) } else { None };
        tally.line(class, line);
    }
    shape.unclosed += open.iter().filter(|block| block.has_lines).count();
    shape.open_text = free.is_some();
    shape
}

/// The class of the block that `!` in column `indent` closes.
fn close<P>(open: &mut Vec<Block<P>>, indent: usize, shape: &mut Shape) -> Class {
    while let Some(block) = open.pop_if(|block| block.indent > indent) {
        shape.unclosed += usize::from(block.has_lines);
    }
    if let Some(block) = open.pop_if(|block| block.indent == indent) {
        block.class
    } else {
        shape.stray += usize::from(indent > 0);
        Class::Ignored
    }
}

/// Blanks before the first word.
pub(crate) fn indent_of(line: &str) -> usize {
    line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// The first word and the rest, without blanks between them.
pub(crate) fn first_word(line: &str) -> (&str, &str) {
    match memchr::memchr(b' ', line.as_bytes()) {
        Some(at) => (&line[..at], line[at + 1..].trim_ascii_start()),
        None => (line, ""),
    }
}

/// Whether `word` is `full`, or an abbreviation of it with `least` letters or more.
pub(crate) fn abbreviates(word: &str, full: &str, least: usize) -> bool {
    word.len() >= least && full.starts_with(word)
}

/// A pager that waits, left in the text because nothing drew over it.
pub(crate) fn is_pager(words: &str) -> bool {
    let first = words.as_bytes().first();
    matches!(first, Some(b'-' | b'<'))
        && ["--More--", "-- More --", "<--- More --->"].iter().any(|pager| words.starts_with(pager))
}

/// A line that a log wrote into the session: `%SYS-5-CONFIG_I: …`, and in
/// IOS-XR `%MGBL-CONFIG-6-DB_COMMIT : …`, mostly behind a date.
pub(crate) fn is_log_line(words: &str) -> bool {
    let bytes = words.as_bytes();
    memchr::memchr_iter(b'%', bytes).any(|at| {
        let rest = &bytes[at + 1..];
        let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_-".contains(b)).count();
        let (code, after) = rest.split_at(length);
        let severity = code.windows(3).any(|w| w[0] == b'-' && matches!(w[1], b'0'..=b'7') && w[2] == b'-');
        severity
            && code.first().is_some_and(u8::is_ascii_uppercase)
            && after.trim_ascii_start().first() == Some(&b':')
    })
}

/// The end of the text that a `banner …` line begins: the delimiter that
/// stands behind the banner's kind (`^C` on IOS), or a line `EOF` on EOS.
/// `None` where the whole banner is on this line.
pub(crate) fn banner(line: &str) -> Option<FreeText<'_>> {
    let (kind, rest) = first_word(line.strip_prefix("banner ")?.trim_ascii_start());
    if kind.is_empty() {
        return None;
    }
    let delimiter = match rest.chars().next() {
        None => return Some(FreeText::Line("EOF")),
        Some('^') if rest.starts_with("^C") => "^C",
        // A letter is a delimiter only where nothing else stands; FRR writes
        // `banner motd line …`.
        Some(c) if !c.is_ascii_alphanumeric() || rest.len() == 1 => &rest[..c.len_utf8()],
        Some(_) => return None,
    };
    (!rest[delimiter.len()..].contains(delimiter)).then_some(FreeText::Holding(delimiter))
}

/// The port of a sub-interface: what stands before the last dot.
pub(crate) fn parent_of(name: &str) -> Option<&str> {
    let (parent, number) = name.rsplit_once('.')?;
    (!parent.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(parent)
}

/// `Gi0/1.5` → `GigabitEthernet0/1.5`: the long form of a name whose letters
/// abbreviate one of `families` (whatever the case). `families` holds short and
/// long forms; a name that is long already, or of no family, is `None`.
pub(crate) fn long_name(name: &str, families: &[(&str, &'static str)]) -> Option<String> {
    let at = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = name.split_at(at);
    // `PO` is not `Po` where both are there.
    let exact = families.iter().find(|(short, _)| *short == letters);
    let long = exact.or_else(|| families.iter().find(|(short, _)| short.eq_ignore_ascii_case(letters)))?.1;
    Some(format!("{long}{number}"))
}

/// The field of a table's row from column `from` up to column `to`, without
/// the blanks around it. A column is a byte; one inside a character gives the
/// character to the field on its left.
pub(crate) fn field(row: &str, from: usize, to: Option<usize>) -> &str {
    let edge =
        |at: usize| (at.min(row.len())..=row.len()).find(|at| row.is_char_boundary(*at)).unwrap_or(row.len());
    let (from, to) = (edge(from), edge(to.unwrap_or(row.len())));
    row.get(from..to.max(from)).unwrap_or("").trim_ascii()
}

/// The tag of one VLAN id, the way it is usually written.
pub(crate) fn one_tag(text: &str) -> Option<String> {
    (text.len() <= 4 && !text.starts_with('0') && text.parse::<u16>().is_ok_and(|id| id <= 4_095))
        .then(|| text.to_owned())
}

/// Outer and inner tags → encapsulation. Each is a list as the device writes it.
pub(crate) fn tagged(outer: &str, inner: Option<&str>) -> Option<Encapsulation> {
    let tags = |text: &str| one_tag(text).or_else(|| canonical_tags(text));
    let outer = tags(outer)?;
    let inner = match inner {
        Some(inner) => Some(tags(inner)?),
        None => None,
    };
    let kind = match &inner {
        _ if is_many(&outer) || inner.as_deref().is_some_and(is_many) => EncapsulationKind::Range,
        Some(_) => EncapsulationKind::Qinq,
        None => EncapsulationKind::Dot1q,
    };
    Some(Encapsulation { kind, outer: Some(outer), inner, tpid: None })
}

/// An access port's VLAN: frames are untagged, and their VLAN is the id.
pub(crate) fn access(vlan: &str) -> Option<Encapsulation> {
    let outer = Some(one_tag(vlan).or_else(|| canonical_tags(vlan))?);
    Some(Encapsulation { kind: EncapsulationKind::Untagged, outer, inner: None, tpid: None })
}

/// The VLANs that a trunk carries, as `switchport trunk allowed vlan …` lines
/// say one after the other. Long lists go on in lines with `add`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrunkVlans {
    /// As written so far; `None`: not said, so all of them.
    list: Option<Vec<(u16, u16)>>,
}

/// The ids that a VLAN may have: 0 and 4095 are none.
const ALL_VLANS: (u16, u16) = (1, 4_094);

impl TrunkVlans {
    /// Takes what stands behind `switchport trunk allowed vlan`. False if it is
    /// not understood.
    pub(crate) fn set(&mut self, text: &str) -> bool {
        let (word, rest) = first_word(text.trim_ascii());
        match word {
            "all" => self.list = None,
            "none" => self.list = Some(Vec::new()),
            "add" => match ranges(rest) {
                Some(more) => self.list.get_or_insert_default().extend(more),
                None => return false,
            },
            "remove" | "except" => match ranges(rest) {
                Some(less) => {
                    let from = match (word, self.list.take()) {
                        ("remove", Some(list)) => list,
                        _ => vec![ALL_VLANS],
                    };
                    self.list = Some(without(from, &less));
                }
                None => return false,
            },
            _ => match ranges(text) {
                Some(list) => self.list = Some(list),
                None => return false,
            },
        }
        true
    }

    /// `range` with the canonical list; all VLANs are one value, `1-4094`. A
    /// trunk that carries none has no tags.
    pub(crate) fn encapsulation(&self) -> Encapsulation {
        let text = match &self.list {
            None => format!("{}-{}", ALL_VLANS.0, ALL_VLANS.1),
            Some(list) => {
                list.iter().map(|(low, high)| format!("{low}-{high}")).collect::<Vec<_>>().join(",")
            }
        };
        Encapsulation {
            kind: EncapsulationKind::Range,
            outer: canonical_tags(&text),
            inner: None,
            tpid: None,
        }
    }
}

fn ranges(text: &str) -> Option<Vec<(u16, u16)>> {
    canonical_tags(text)?
        .split(',')
        .map(|part| {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            Some((low.parse().ok()?, high.parse().ok()?))
        })
        .collect()
}

/// The parts of `list` that are not in `less`.
fn without(mut list: Vec<(u16, u16)>, less: &[(u16, u16)]) -> Vec<(u16, u16)> {
    for &(low, high) in less {
        list = list
            .into_iter()
            .flat_map(|(from, to)| {
                let below = (from < low).then(|| (from, to.min(low.saturating_sub(1))));
                let above = (to > high).then(|| (from.max(high + 1), to));
                [below, above].into_iter().flatten()
            })
            .collect();
    }
    list
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes down where each line stands: the number of the line above it.
    #[derive(Default)]
    struct Written<'t> {
        seen: Vec<(Option<usize>, &'t str)>,
    }

    impl<'t> Tree<'t> for Written<'t> {
        type Place = Option<usize>;
        const TOP: Self::Place = None;

        fn step(&mut self, place: Self::Place, line: &'t str) -> (Self::Place, Class) {
            self.seen.push((place, line));
            (Some(self.seen.len() - 1), if line.contains('?') { Class::Unread } else { Class::Read })
        }
    }

    fn walked(text: &str) -> (Vec<(Option<usize>, &str)>, Shape, Tally) {
        let (mut tree, mut tally) = (Written::default(), Tally::default());
        let shape = walk(text, &mut tree, &mut tally);
        (tree.seen, shape, tally)
    }

    #[test]
    fn a_line_is_below_the_nearest_one_with_less_indent() {
        let (seen, shape, tally) =
            walked("a\n b\n   c\n   d\n!\ne\n  f\n\n! remark\n g\nbanner motd ^C\n a\nh ^C\ni\n");
        let above: Vec<(&str, Option<&str>)> =
            seen.iter().map(|(place, line)| (*line, place.map(|at| seen[at].1))).collect();
        assert_eq!(
            above,
            [
                ("a", None),
                ("b", Some("a")),
                ("c", Some("b")),
                ("d", Some("b")),
                ("e", None),
                ("f", Some("e")),
                ("g", Some("e")),
                ("banner motd ^C", None),
                ("i", None)
            ]
        );
        assert_eq!((shape.settings, shape.noise, shape.open_text), (9, 0, false));
        assert_eq!((tally.counts.read, tally.counts.ignored), (12, 1));
    }

    #[test]
    fn blocks_that_close_and_lines_in_between() {
        let xr = "l2vpn\n bridge group a\n  bridge-domain b\n   interface c\n   !\n  !\n !\n!\nend\n";
        let (_, shape, _) = walked(xr);
        assert_eq!(shape, Shape { settings: 5, ..Shape::default() });
        let (_, shape, _) = walked(&xr.replace("  !\n !\n", " !\n"));
        assert_eq!(shape.unclosed, 1);
        let (_, shape, _) = walked(" a\n%SYS-5-CONFIG_I: Configured\n --More-- \n  !\n");
        assert!(shape.headless && shape.pager && shape.noise == 1 && shape.stray == 1, "{shape:?}");
        let (_, shape, _) = walked("banner login @\nx\n");
        assert!(shape.open_text);
    }

    #[test]
    fn log_lines() {
        for line in [
            "%SYS-5-CONFIG_I: Configured from console by vty0",
            "*Mar  1 00:00:00.000: %LINEPROTO-5-UPDOWN: Line protocol on",
            "RP/0/RSP0/CPU0:May 17 11:26:26.117 : config[65]: %MGBL-CONFIG-6-DB_COMMIT : Configuration committed",
            "2024 Jan  1 10:10:10 n9k %$ VDC-1 %$ %VSHD-5-VSHD_SYSLOG_CONFIG_I: Configured",
        ] {
            assert!(is_log_line(line), "{line}");
        }
        for line in
            ["% Invalid input", "alias exec x %a-b", "hostname a%B-9-C:", "description 5%", "%A-5-B x"]
        {
            assert!(!is_log_line(line), "{line}");
        }
    }

    #[test]
    fn banners() {
        for (line, end) in [
            ("banner motd ^C", Some(FreeText::Holding("^C"))),
            ("banner login ^CWelcome", Some(FreeText::Holding("^C"))),
            ("banner motd ^Cone line^C", None),
            ("banner motd @", Some(FreeText::Holding("@"))),
            ("banner motd c", Some(FreeText::Holding("c"))),
            ("banner motd", Some(FreeText::Line("EOF"))),
            ("banner motd line Welcome", None),
            ("banner", None),
            ("bannered x", None),
        ] {
            assert_eq!(banner(line), end, "{line}");
        }
    }

    #[test]
    fn trunks() {
        let outer = |lines: &[&str]| {
            let mut vlans = TrunkVlans::default();
            assert!(lines.iter().all(|line| vlans.set(line)), "{lines:?}");
            vlans.encapsulation().outer
        };
        assert_eq!(outer(&[]).as_deref(), Some("1-4094"));
        assert_eq!(outer(&["all"]).as_deref(), Some("1-4094"));
        assert_eq!(outer(&["none"]), None);
        assert_eq!(outer(&["10,20-22", "add 30,23"]).as_deref(), Some("10,20-23,30"));
        assert_eq!(outer(&["except 1,100-200"]).as_deref(), Some("2-99,201-4094"));
        assert_eq!(outer(&["10-20", "remove 12-13"]).as_deref(), Some("10-11,14-20"));
        assert!(!TrunkVlans::default().set("some"));
        assert!(!TrunkVlans::default().set(""));
    }

    #[test]
    fn tags_fields_and_names() {
        assert_eq!(tagged("10", Some("20")).unwrap().kind, EncapsulationKind::Qinq);
        assert_eq!(tagged("10, 30-31", None).unwrap().outer.as_deref(), Some("10,30-31"));
        assert_eq!(tagged("10", Some("any")), None);
        assert_eq!(access("7").unwrap().outer.as_deref(), Some("7"));
        assert_eq!(field("ab  cd  ef", 4, Some(8)), "cd");
        assert_eq!(field("ab", 4, None), "");
        assert_eq!(field("aé b", 2, Some(9)), "b");
        let families = [("Gi", "GigabitEthernet"), ("Te", "TenGigE")];
        assert_eq!(long_name("gi0/1.5", &families).as_deref(), Some("GigabitEthernet0/1.5"));
        assert_eq!(long_name("GigabitEthernet0/1", &families), None);
        assert_eq!(parent_of("Te0/0/0/1.100"), Some("Te0/0/0/1"));
        assert!(
            abbreviates("sh", "show", 2) && !abbreviates("s", "show", 2) && !abbreviates("shw", "show", 2)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_line_is_counted_once(text in "([ !a-c?%\\n\\t-]|banner x \\^C|\\^C|é){0,120}") {
            let (_, _, tally) = walked(&text);
            let lines = text.lines().filter(|line| !line.trim_ascii().is_empty()).count() as u64;
            prop_assert_eq!(tally.counts.read + tally.counts.ignored + tally.counts.unread, lines);
        }

        #[test]
        fn lists_never_panic(text in "[0-9, a-e-]{0,40}", row in "[ aé]{0,12}", from in 0_usize..14, to in 0_usize..14) {
            let mut vlans = TrunkVlans::default();
            vlans.set("1-20");
            vlans.set(&text);
            vlans.set(&format!("remove {text}"));
            vlans.encapsulation();
            field(&row, from, Some(to));
        }
    }
}
