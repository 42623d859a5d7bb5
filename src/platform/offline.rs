//! Files people have → snapshots: the raw output of one command, several of
//! them one after the other, or the recording of a whole session with its
//! prompts, re-drawn lines, headings of scripts and errors.
//!
//! An output belongs to the command on the prompt line before it; where a file
//! has no prompts, its shape says what it is. One snapshot per system.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{Outcome, Scope, Snapshot};

use super::keep::Keeper;
use super::lines::FreeText;
use super::reading::{Class, Tally, is_blank, lines};
use super::terminal::settle;
use super::{Captured, Echo, Ending, Object, Platform, Rules};

pub use super::guess::guess;

/// Why bytes are no text of a device at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the file is empty")]
    Empty,
    #[error("the file is binary, and no text of a device")]
    Binary,
    #[error("the file is UTF-16; save it as UTF-8 first")]
    Utf16,
}

/// Bytes that are looked at to tell text from anything else.
const SAMPLE: usize = 64 << 10;

/// What is wrong with a file before anybody reads it. Terminals put control
/// characters and devices odd bytes into a text, but one in ten is no text.
pub fn fault(bytes: &[u8]) -> Option<Fault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Some(Fault::Empty);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some(Fault::Utf16);
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let odd: usize = sample
        .utf8_chunks()
        .map(|chunk| {
            let controls = chunk.valid().bytes().filter(|b| is_odd_control(*b)).count();
            controls + chunk.invalid().len()
        })
        .sum();
    (odd * 10 > sample.len()).then_some(Fault::Binary)
}

/// A control character that neither a terminal nor a pager needs.
fn is_odd_control(b: u8) -> bool {
    b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t' | 0x07 | 0x08 | 0x0c | 0x1b)
}

/// How well a platform's reader gets on with a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried {
    /// The best of the systems in it.
    pub(super) outcome: Outcome,
    pub(super) read: u64,
    pub(super) unread: u64,
}

/// Lets `platform` read a settled text, without masking or keeping anything.
/// `None`: nothing in it looks like its output.
pub(super) fn tried(platform: &'static Platform, text: &str) -> Option<Tried> {
    let (outputs, rest) = split(platform, text, None);
    if outputs.is_empty() {
        return None;
    }
    let mut tried = Tried { outcome: Outcome::Unread, read: 0, unread: rest.counts.unread };
    for outputs in systems(platform, outputs) {
        let (taken, _) = newest(&outputs);
        let captured: Vec<Captured> = taken.iter().map(Output::captured).collect();
        let reading = (platform.read)(&scope_of(&taken), &captured, Rules::Offline);
        tried.read += reading.lines.read;
        tried.unread += reading.lines.unread;
        if tried.outcome == Outcome::Unread || reading.outcome.is_complete() {
            tried.outcome = reading.outcome;
        }
    }
    Some(tried)
}

/// Reads a file. `command` says what it is the output of, if it holds no
/// prompts. Each snapshot carries its text as it would be stored in `kept`, and
/// every secret is masked before anything is read. Line numbers are those of
/// the text as a terminal shows it.
pub fn read_text(
    platform: &'static Platform,
    bytes: &[u8],
    command: Option<&str>,
    keeper: &Keeper,
) -> Vec<Snapshot> {
    let settled = settle(bytes).text;
    // Masked as a whole, so that no line outside of the outputs escapes it. Who
    // the device is stands in the text, so the text is cut twice.
    let system = split(platform, &settled, command).0.iter().find_map(|output| output.system);
    let text = keeper.mask(system.unwrap_or(""), &settled);
    let (outputs, rest) = split(platform, &text, command);
    if outputs.is_empty() {
        return vec![nothing(platform, &text)];
    }
    let systems = systems(platform, outputs);
    let mut snapshots: Vec<Snapshot> =
        systems.iter().map(|outputs| snapshot(platform, outputs, keeper)).collect();
    if snapshots.len() > 1 {
        // Each is shown, and none is a snapshot: nobody knows which of them the
        // file was meant to be, or whether a line between them is whose.
        for snapshot in &mut snapshots {
            snapshot.outcome = Outcome::WrongDevice;
            snapshot.detail = Some("several-devices".to_owned());
        }
    }
    if let Some(first) = snapshots.first_mut() {
        first.lines.ignored += rest.counts.ignored;
        first.lines.unread += rest.counts.unread;
        first.unread.extend(rest.unread);
        first.unread.sort_by_key(|unread| unread.line);
    }
    snapshots
}

/// The outputs of known commands that `text` holds, as a reader takes them.
/// `text` is settled.
pub fn sections(platform: &Platform, text: &str, command: Option<&str>) -> Vec<Captured> {
    split(platform, text, command).0.into_iter().map(|output| output.captured()).collect()
}

/// One output within a file.
#[derive(Clone, Copy, Debug)]
struct Output<'t> {
    system: Option<&'t str>,
    section: &'static str,
    command: &'t str,
    object: Option<Object<'t>>,
    text: &'t str,
    /// The number of its first line in the file, counted from 0.
    first_line: u64,
    prompt: Option<&'t str>,
}

impl Output<'_> {
    fn captured(&self) -> Captured {
        Captured {
            section: self.section.to_owned(),
            command: self.command.to_owned(),
            text: self.text.to_owned(),
            prompt: self.prompt.map(str::to_owned),
            ended: if self.prompt.is_some() { Ending::Prompt } else { Ending::Unseen },
        }
    }
}

/// Cuts a file at its prompts, and what has no prompts by its shape. The tally
/// holds the lines that lie outside of all outputs.
fn split<'t>(platform: &Platform, text: &'t str, command: Option<&'t str>) -> (Vec<Output<'t>>, Tally) {
    let mut cut = Cut { platform, outputs: Vec::new(), rest: BTreeMap::new() };
    let mut echo: Option<Echo<'t>> = None;
    let (mut start, mut first_line) = (0, 0_u64);
    let (mut at, mut number) = (0, 0_u64);
    for line in lines(text) {
        if let Some(next) = (platform.echo)(line) {
            cut.region(&text[start..at], first_line, echo, command, Some(next.system));
            cut.rest.insert(number, (Class::Ignored, line));
            echo = Some(next);
            start = at + line.len() + 1;
            first_line = number + 1;
        }
        at += line.len() + 1;
        number += 1;
    }
    cut.region(text.get(start..).unwrap_or(""), first_line, echo, command, None);

    // An output without a name is of the system around it.
    let mut known = cut.outputs.iter().find_map(|output| output.system);
    for output in &mut cut.outputs {
        output.system = output.system.or(known);
        known = output.system;
    }
    let mut tally = Tally::default();
    for (number, (class, line)) in cut.rest {
        tally.at(number + 1, class, line);
    }
    (cut.outputs, tally)
}

struct Cut<'p, 't> {
    platform: &'p Platform,
    outputs: Vec<Output<'t>>,
    /// Lines outside of all outputs, by number.
    rest: BTreeMap<u64, (Class, &'t str)>,
}

impl<'t> Cut<'_, 't> {
    /// What stands between two prompts, before the first, or after the last.
    fn region(
        &mut self,
        text: &'t str,
        first_line: u64,
        echo: Option<Echo<'t>>,
        command: Option<&'t str>,
        prompt: Option<&'t str>,
    ) {
        let (typed, system) = match echo {
            Some(echo) if !echo.operational => {
                return self.outside(text, first_line, Class::Ignored);
            }
            Some(echo) => (echo.command, Some(echo.system)),
            None => (command.unwrap_or(""), None),
        };
        if is_blank(text) && (typed.is_empty() || echo.is_none()) {
            return;
        }
        match (self.platform.typed)(typed) {
            Some(known) => {
                let system = system.or_else(|| self.named_in(text)).or(prompt);
                let (section, object) = (known.section, known.object);
                self.outputs.push(Output {
                    system,
                    section,
                    command: typed,
                    object,
                    text,
                    first_line,
                    prompt,
                });
            }
            // Somebody else's command.
            None if echo.is_some() && !typed.is_empty() => self.outside(text, first_line, Class::Ignored),
            None => self.shapes(text, first_line, system, prompt),
        }
    }

    /// Cuts a text without commands where something begins that we know.
    fn shapes(&mut self, text: &'t str, first_line: u64, system: Option<&'t str>, prompt: Option<&'t str>) {
        let before = self.outputs.len();
        // What stands before the first prompt is the greeting.
        let in_session = system.is_some() || prompt.is_some();
        let mut open: Option<(&'static str, usize, u64)> = None;
        let mut ended = false;
        // A banner holds lines that look like any other, `end` among them.
        let mut banner: Option<FreeText<'t>> = None;
        let (mut at, mut number) = (0, first_line);
        for line in lines(text) {
            if let Some(end) = banner
                && open.is_some()
            {
                banner = (!end.is_reached(line)).then_some(end);
                at += line.len() + 1;
                number += 1;
                continue;
            }
            banner = super::lines::banner(line);
            let opens = (self.platform.opens)(line);
            let is_mark = line.starts_with('#');
            let next = match (opens, open) {
                (None, _) => None,
                (Some(section), Some((current, ..))) if section == current && !is_mark && !ended => None,
                (opens, _) => opens,
            };
            if let Some(section) = next {
                if let Some((section, start, first)) = open {
                    self.shape(section, &text[start..at], first, system);
                }
                open = Some((section, at, number));
                ended = false;
            } else if ended && !is_blank(line) {
                // After the end of a configuration and before the next thing.
                if let Some((section, start, first)) = open.take() {
                    self.shape(section, &text[start..at], first, system);
                }
                self.loose(number, line, in_session);
            } else if open.is_none() && !is_blank(line) {
                self.loose(number, line, in_session);
            }
            let words = line.trim_ascii_end();
            ended |= open.is_some()
                && (words == "end" || (is_mark && opens.is_none() && words.ends_with("config-end")));
            at += line.len() + 1;
            number += 1;
        }
        if let Some((section, start, first)) = open {
            self.shape(section, &text[start..], first, system);
        }
        if let Some(last) = self.outputs[before..].last_mut() {
            last.prompt = prompt;
        }
    }

    fn shape(&mut self, section: &'static str, text: &'t str, first_line: u64, system: Option<&'t str>) {
        let section = (self.platform.refine)(section, text);
        let system = self.named_in(text).or(system);
        self.outputs.push(Output {
            system,
            section,
            command: "",
            object: None,
            text,
            first_line,
            prompt: None,
        });
    }

    /// A line that belongs to nothing. Headings of scripts, and what stands
    /// between prompts, are ignored.
    fn loose(&mut self, number: u64, line: &'t str, in_session: bool) {
        let heading = in_session
            || line.starts_with("===")
            || line.trim_ascii().bytes().all(|b| b.is_ascii_punctuation());
        self.rest.insert(number, (if heading { Class::Ignored } else { Class::Unread }, line));
    }

    fn outside(&mut self, text: &'t str, first_line: u64, class: Class) {
        for (number, line) in (first_line..).zip(lines(text)) {
            if !is_blank(line) {
                self.rest.insert(number, (class, line));
            }
        }
    }

    /// The name that a text gives to its system, by asking the reader.
    fn named_in(&self, text: &'t str) -> Option<&'t str> {
        // The name stands in the first line or two; the reader itself checks all of it.
        lines(text).take(8).find_map(|line| {
            let is_mark =
                |rest: &&str| rest.contains(" config-start") && (self.platform.opens)(line).is_some();
            let mark = line.strip_prefix('#').filter(is_mark);
            let name = mark.or_else(|| line.strip_prefix("System Name:"))?;
            name.split([' ', ',']).find(|word| !word.is_empty())
        })
    }
}

/// The outputs of each system. What has no name belongs to the system around
/// it, unless it says itself that it is another: two configurations, one after
/// the other, have no prompts between them.
fn systems<'t>(platform: &'static Platform, outputs: Vec<Output<'t>>) -> Vec<Vec<Output<'t>>> {
    let twice = |output: &Output<'_>| {
        output.command.is_empty()
            && outputs.iter().filter(|other| other.section == output.section).count() > 1
    };
    let said: Vec<Option<String>> = outputs
        .iter()
        .map(|output| {
            let alone = || (platform.read)(&Scope::Device, &[output.captured()], Rules::Offline).system;
            if twice(output) { alone() } else { None }
        })
        .collect();
    let mut names: Vec<Option<String>> = outputs
        .iter()
        .zip(said)
        .map(|(output, said)| said.or_else(|| output.system.map(str::to_owned)))
        .collect();
    // Remarks that scripts put above a configuration are of the system below them.
    let mut below = None;
    for name in names.iter_mut().rev() {
        if name.is_none() {
            name.clone_from(&below);
        } else {
            below.clone_from(name);
        }
    }
    let mut systems: Vec<Vec<Output<'t>>> = Vec::new();
    let mut index: HashMap<Option<String>, usize> = HashMap::new();
    for (output, name) in outputs.into_iter().zip(names) {
        let at = *index.entry(name).or_insert(systems.len());
        if at == systems.len() {
            systems.push(Vec::new());
        }
        systems[at].push(output);
    }
    systems
}

/// Who ran a command twice meant the second; the commit log is compared with
/// itself. The lines of what was left out are counted.
fn newest<'t>(outputs: &[Output<'t>]) -> (Vec<Output<'t>>, u64) {
    let mut later = HashSet::new();
    let mut taken = Vec::with_capacity(outputs.len());
    let mut dropped = 0;
    for output in outputs.iter().rev() {
        if later.insert((output.section, output.object)) || output.section == "rollback" {
            taken.push(*output);
        } else {
            dropped += lines(output.text).filter(|line| !is_blank(line)).count() as u64;
        }
    }
    taken.reverse();
    (taken, dropped)
}

/// The snapshot of one system.
fn snapshot(platform: &'static Platform, outputs: &[Output<'_>], keeper: &Keeper) -> Snapshot {
    let system = outputs.first().and_then(|output| output.system);
    let device = system.unwrap_or("");
    let (taken, dropped) = newest(outputs);
    let scope = scope_of(&taken);
    let captured: Vec<Captured> = taken.iter().map(Output::captured).collect();
    let kept = captured.iter().map(|c| keeper.kept(platform, device, &c.section, &c.text)).collect();
    let mut reading = (platform.read)(&scope, &captured, Rules::Offline);
    for unread in &mut reading.unread {
        unread.line = line_in_file(unread.line, &taken);
    }
    reading.lines.ignored += dropped;
    let name = reading.system.clone().or(system.map(str::to_owned));
    let mut snapshot = reading.into_snapshot(device, platform, scope, Some(kept));
    snapshot.device = name;
    snapshot
}

/// From a line number within the outputs, one after the other, to the file's.
fn line_in_file(line: u64, outputs: &[Output<'_>]) -> u64 {
    let mut before = 0;
    for output in outputs {
        let count = lines(output.text).count() as u64;
        if line <= before + count {
            return output.first_line + line - before;
        }
        before += count;
    }
    line
}

/// A file about one object alone is a view of that object, not of the device.
fn scope_of(outputs: &[Output<'_>]) -> Scope {
    let mut objects =
        outputs.iter().filter(|o| !matches!(o.section, "version" | "rollback")).map(|output| output.object);
    let Some(first) = objects.next().flatten() else { return Scope::Device };
    if objects.any(|object| object != Some(first)) {
        return Scope::Device;
    }
    match first {
        Object::Interface(name) => Scope::Interface(name.to_owned()),
        Object::BridgeDomain(name) => Scope::BridgeDomain(name.to_owned()),
        Object::Part => Scope::Device,
    }
}

/// A file in which nothing was understood.
fn nothing(platform: &'static Platform, text: &str) -> Snapshot {
    let mut tally = Tally::default();
    for line in lines(text) {
        tally.any(Class::Unread, line);
    }
    let mut snapshot = Snapshot::failed("", platform.name, Scope::Device, Outcome::Unread, None);
    snapshot.device = None;
    snapshot.lines = tally.counts;
    snapshot.unread = tally.unread;
    snapshot.kept = Some(Vec::new());
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text() {
        assert_eq!(fault(b""), Some(Fault::Empty));
        assert_eq!(fault(b" \r\n\n"), Some(Fault::Empty));
        assert_eq!(fault(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0xcf]), Some(Fault::Binary));
        assert_eq!(fault(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"), Some(Fault::Binary));
        assert_eq!(fault(&[0xff, 0xfe, b'a', 0]), Some(Fault::Utf16));
        let session = b"R1# show\r\n--More--\x08\x08\x08\x08\x08\x08\x1b[K\x07caf\xe9 \0\r\nR1# ";
        assert_eq!(fault(session), None);
    }
}
