//! `show interface switchport`: a block a port, `key: value` a line. What it
//! says is what is configured, so it stands in where no configuration was read.

use crate::platform::lines::{TrunkVlans, access, is_pager};
use crate::platform::reading::{Class, Tally, lines};

use super::config::{Mode, tunnel};
use super::join::Seen;
use super::{Family, Form, long_name};

/// Whether `line` begins a block.
pub(in crate::platform) fn opens(line: &str, families: &[Family]) -> bool {
    line.strip_prefix("Name: ").is_some_and(|name| long_name(name.trim_ascii(), families).is_some())
}

#[derive(Default)]
struct Block<'t> {
    seen: Seen<'t>,
    mode: Option<Mode>,
    access: Option<&'t str>,
    trunk: TrunkVlans,
    /// The list of a trunk goes on.
    in_list: bool,
}

/// Reads the blocks in `text` and counts its lines.
pub(super) fn read<'t>(
    text: &'t str,
    families: &[Family],
    seen: &mut Vec<Seen<'t>>,
    tally: &mut Tally,
) -> Form {
    let mut form = Form::default();
    let mut block: Option<Block<'t>> = None;
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        if is_pager(words) {
            form.pager = true;
            tally.line(Class::Unread, line);
            continue;
        }
        let name = words.strip_prefix("Name: ").map(str::trim_ascii);
        let class = if let Some(name) =
            name.and_then(|name| long_name(name, families).map(|long| (name, long)))
        {
            seen.extend(block.take().and_then(Block::close));
            let (printed, long) = name;
            let printed = (long != printed).then_some(printed);
            block = Some(Block { seen: Seen { name: long, printed, ..Seen::default() }, ..Block::default() });
            form.header = true;
            Class::Read
        } else {
            match &mut block {
                Some(block) => block.set(words, &mut form),
                None => Class::Unread,
            }
        };
        tally.line(class, line);
    }
    // The last block is whole if it came to the trunk's VLANs.
    form.torn |= block.as_ref().is_some_and(|block| !block.is_whole());
    seen.extend(block.and_then(Block::close));
    form
}

impl<'t> Block<'t> {
    fn set(&mut self, words: &'t str, form: &mut Form) -> Class {
        let Some((key, value)) = words.split_once(':') else {
            let goes_on = self.in_list && words.bytes().all(|b| b.is_ascii_digit() || b"-, ".contains(&b));
            return if goes_on && self.trunk.set(&format!("add {words}")) {
                Class::Read
            } else {
                Class::Ignored
            };
        };
        let value = value.trim_ascii();
        self.in_list = false;
        match key.trim_ascii_end() {
            "Switchport" => self.seen.switched = Some(value == "Enabled"),
            "Administrative Mode" => self.mode = mode(value),
            "Operational Mode" => self.mode = self.mode.or_else(|| mode(value)),
            "Access Mode VLAN" => {
                let id = value.split(' ').next().unwrap_or("");
                self.access = access(id).is_some().then_some(id);
            }
            "Trunking VLANs Allowed" | "Trunking VLANs Enabled" => {
                self.in_list = true;
                let list = if value.eq_ignore_ascii_case("all") { "all" } else { value };
                let list = if value.eq_ignore_ascii_case("none") { "none" } else { list };
                if !self.trunk.set(list) {
                    form.misread = true;
                    return Class::Unread;
                }
            }
            _ => return Class::Ignored,
        }
        Class::Read
    }

    fn is_whole(&self) -> bool {
        self.seen.switched == Some(false) || self.in_list || self.trunk != TrunkVlans::default()
    }

    fn close(mut self) -> Option<Seen<'t>> {
        if self.seen.switched? {
            self.seen.tags = match self.mode {
                Some(Mode::Access) => access(self.access?),
                Some(Mode::Trunk) => Some(self.trunk.encapsulation()),
                Some(Mode::Tunnel) => Some(tunnel(self.access?)),
                _ => None,
            };
        }
        Some(self.seen)
    }
}

fn mode(text: &str) -> Option<Mode> {
    match text.trim_ascii() {
        "access" | "static access" => Some(Mode::Access),
        "trunk" => Some(Mode::Trunk),
        "dot1q-tunnel" | "tunnel" => Some(Mode::Tunnel),
        "" | "down" => None,
        _ => Some(Mode::Other),
    }
}
