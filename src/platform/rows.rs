//! Going through the rows of a table: what belongs to no table is counted as
//! such, and what a table's form says about it being whole is kept.

use super::lines::{is_log_line, is_pager};
use super::reading::{Class, Tally, lines};

/// What a table's form says about it being whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Its header, or the first line of a block, was there.
    pub(crate) header: bool,
    pub(crate) rows: usize,
    /// A row that is none.
    pub(crate) torn: bool,
    pub(crate) pager: bool,
    pub(crate) noise: bool,
}

impl Form {
    /// Takes what belongs to no table. True if `words` was that.
    pub(crate) fn stray(&mut self, words: &str) -> bool {
        let pager = is_pager(words);
        let noise = is_log_line(words);
        self.pager |= pager;
        self.noise |= noise;
        pager || noise
    }
}

/// Goes through the lines of a table. `each` says what a line is; `None`: it
/// is no row of this table.
pub(crate) fn each_line<'t>(
    text: &'t str,
    tally: &mut Tally,
    mut each: impl FnMut(&mut Form, &'t str, &'t str) -> Option<Class>,
) -> Form {
    let mut form = Form::default();
    for line in lines(text) {
        let words = line.trim_ascii();
        if words.is_empty() {
            tally.blank();
            continue;
        }
        let class = if form.stray(words) {
            Class::Unread
        } else if let Some(class) = each(&mut form, line, words) {
            class
        } else {
            form.torn |= form.header;
            Class::Unread
        };
        tally.line(class, line);
    }
    form
}
