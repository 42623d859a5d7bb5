//! What is wrong with a device, if anything is.
//!
//! Each quirk is one way in which a real device surprised somebody's script.
//! Tests give them to devices; the demo's devices have only harmless ones.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// `system cli-timestamp enabled`: the echoed line is drawn again with the time in the prompt.
    Timestamps,
    /// Pages its output although paging was switched off.
    Pager,
    /// Says nothing after the login.
    Hang,
    /// Falls silent in the middle of a configuration.
    HangMidway,
    /// Ends a configuration in the middle and goes on with the prompt.
    CutConfig,
    /// Closes the session in the middle of a configuration, cleanly.
    CleanClose,
    RefuseLogin,
    /// Has another host key than the one that the lab announces.
    OtherHostKey,
    /// Prints this many megabytes (10^6 bytes) of configuration.
    Huge(u32),
    /// Has escape sequences in its banner and its descriptions.
    Escapes,
    /// Has HTML in its descriptions.
    Html,
    /// Refuses every command that starts with these words.
    Refuse(String),
    /// Calls itself something else.
    WrongName,
    /// Asks whether to enter the `BaseOS` shell instead of starting its CLI.
    Question,
    /// Thinks this many milliseconds before each answer.
    Slow(u64),
    /// Takes the password through keyboard-interactive only.
    KeyboardInteractive,
}
