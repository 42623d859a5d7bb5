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
    /// Asks for a one-time code beside the password.
    OneTimeCode,
    /// Wants a new password before it shows its prompt.
    PasswordExpired,
    /// Has a host key of another kind than the one that the lab announces.
    OtherKeyKind,
    /// Agrees on a key exchange with SHA-1 only.
    WeakKeyExchange,
    /// Has no session left for so many that ask for one; then it has.
    Full(u32),
    /// Lets look at hardly anything.
    NoRights,
    /// Prints a configuration without a line between its marks.
    EmptyConfig,
    /// Ends a configuration where one of its blocks ends, and goes on with the prompt.
    CutAtBlock,
    /// Has this text in its descriptions.
    Describe(String),
    /// Has these lines among its services, as they stand.
    Services(String),
    /// Has bytes in its descriptions that are no UTF-8.
    Latin1,
    /// Echoes what is typed twice.
    EchoTwice,
    /// Has its own prompt in the banner.
    PromptInBanner,
    /// Prints a log line into so many answers; then it is quiet.
    Noise(u32),
    /// Says one byte every hundred milliseconds once it prints a configuration.
    Dribble,
    /// Is called something else after its first configuration was shown.
    RenamedMidway,
    /// Is committed to while it is read, so many times.
    Committed(u32),
}
