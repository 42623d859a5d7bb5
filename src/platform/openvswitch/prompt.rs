//! It has none of its own: the shell's.

use crate::platform::{Echo, linux};

pub(super) fn prompt(line: &str) -> Option<&str> {
    linux::prompt::prompt(line)
}

pub(super) fn echo(line: &str) -> Option<Echo<'_>> {
    linux::prompt::echo(line)
}
