//! The classic form: four blanks of indent a level, `exit` in the column of a
//! block's heading closing it, `exit all` at the end. A setting and the heading
//! of a block look alike: a heading has lines below it, or an `exit`.

use crate::platform::curly::{Form, Tree, walk};
use crate::platform::reading::{Class, Tally, lines};

use super::tree::{Builder, Place};

struct Block {
    indent: usize,
    place: Place,
    class: Class,
    has_lines: bool,
}

/// Deeper than any configuration; what lies below is not followed.
const DEEPEST: usize = 64;

/// Reads a text of this form and counts its lines. The second value: `exit
/// all` stands at its end.
pub(super) fn read<'t>(builder: &mut Builder<'t>, text: &'t str, tally: &mut Tally) -> (Form, bool) {
    let mut form = Form::default();
    let mut open: Vec<Block> = Vec::with_capacity(16);
    let (mut ended, mut in_string) = (false, false);
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        // A string may go on over several lines: a banner, a script.
        if in_string {
            in_string = !has_odd_quotes(words);
            tally.line(Class::Ignored, line);
            continue;
        }
        let indent = line.len() - line.trim_ascii_start().len();
        if words.starts_with('#') {
            tally.line(builder.remark(words), line);
            continue;
        }
        if words.starts_with("Press any key to continue") {
            form.pager = true;
            tally.line(Class::Unread, line);
            continue;
        }
        if words == "exit all" && indent == 0 {
            // It closes `configure`, and nothing else is open there.
            form.unbalanced |= open.iter().any(|block| block.has_lines && block.indent > 0);
            ended = open.iter().any(|block| block.has_lines) || ended;
            open.clear();
            tally.line(Class::Read, line);
            continue;
        }
        if words == "exit" {
            while let Some(block) = open.pop_if(|block| block.indent > indent) {
                form.unbalanced |= block.has_lines;
            }
            let block = open.pop_if(|block| block.indent == indent);
            form.unbalanced |= block.is_none();
            tally.line(block.map_or(Class::Unread, |block| block.class), line);
            continue;
        }
        // What a restore would print; it stands outside of all blocks.
        if indent == 0 && words.starts_with("echo ") {
            tally.line(Class::Ignored, line);
            continue;
        }
        in_string = has_odd_quotes(words);
        form.statements += 1;
        if indent == 0 && words != "configure" {
            form.noise = true;
            tally.line(Class::Unread, line);
            continue;
        }
        ended = false;
        while let Some(block) = open.pop_if(|block| block.indent >= indent) {
            form.unbalanced |= block.has_lines;
        }
        let place = match open.last_mut() {
            Some(parent) => {
                parent.has_lines = true;
                parent.place
            }
            None if indent == 0 => Place::Top,
            // What `info` prints: the context that it was typed in is not known.
            None => Place::Lost,
        };
        let (place, class) = walk(builder, place, words);
        if open.len() < DEEPEST {
            open.push(Block { indent, place, class, has_lines: false });
        } else {
            form.unbalanced = true;
        }
        tally.line(class, line);
    }
    form.unbalanced |= in_string || open.iter().any(|block| block.has_lines);
    (form, ended)
}

fn has_odd_quotes(words: &str) -> bool {
    let bytes = words.as_bytes();
    let quotes = memchr::memchr_iter(b'"', bytes).filter(|at| *at == 0 || bytes[at - 1] != b'\\').count();
    quotes % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TiMOS-B-16.0.R6\nexit all\nconfigure\n#---\necho \"Port Configuration\"\n#---\n    port 1/1/1\n        description \"exit\n            exit\"\n        ethernet\n        exit\n        no shutdown\n    exit\nexit all\n\n# Finished\n";

    fn form(text: &str) -> (Form, bool) {
        read(&mut Builder::default(), text, &mut Tally::default())
    }

    #[test]
    fn whole_and_cut() {
        assert_eq!(form(TEXT), (Form { statements: 5, ..Form::default() }, true));
        for (at, _) in TEXT.match_indices('\n').filter(|(at, _)| *at < TEXT.find("exit all\n\n").unwrap_or(0))
        {
            let (form, ended) = form(&TEXT[..=at]);
            assert!(!ended, "{form:?}");
        }
        assert!(form(&TEXT.replace("        exit\n        no", "        no")).0.statements == 5);
        assert!(form(&TEXT.replace("    exit\nexit all", "exit all")).0.unbalanced);
        assert!(form(&TEXT.replace("    port", "log line\n    port")).0.noise);
    }
}
