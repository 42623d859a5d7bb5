//! Everything that can be wrong in a line, and how it is said: what stands
//! there, and what to write instead.

use std::fmt;

use super::{Place, nearest, shown};

/// What is wrong. The texts in it are as read; they are escaped and cut when
/// they are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("no column is called {}{}; allowed are {}", Quoted(column), DidYouMean(column, allowed), allowed.join(","))]
    UnknownColumn { column: String, allowed: &'static [&'static str] },
    #[error("the column {column} is there twice")]
    ColumnTwice { column: &'static str },
    #[error("the column {column} is missing; the first line must name at least {}", required.join(","))]
    ColumnMissing { column: &'static str, required: &'static [&'static str] },
    #[error("the columns are separated by {found:?}; separate them by ','")]
    Separator { found: char },
    #[error("has {cells} cells where the first line names {columns} columns")]
    CellCount { cells: usize, columns: usize },
    #[error("a quotation mark is opened and never closed")]
    OpenQuote,
    #[error("is empty; it needs a value")]
    Required,
    #[error("{} holds a line end, a control character or an invisible one", Quoted(value))]
    Unseen { value: String },
    #[error("{} has more than {max} characters", Quoted(value))]
    TooLong { value: String, max: usize },
    #[error("{} will not do: {why}", Quoted(value))]
    DeviceName { value: String, why: String },
    #[error(
        "{} is neither an IP address nor a host name; ports and prefix lengths do not belong here",
        Quoted(value)
    )]
    Address { value: String },
    #[error("{} is no port; write a number from 1 to 65535", Quoted(value))]
    Port { value: String },
    #[error("{} is no importance; write a number above 0 and up to 1000 (1 is usual)", Quoted(value))]
    Importance { value: String },
    #[error("{} is not one word; it must have no white space and not begin with '-'", Quoted(value))]
    Word { value: String },
    #[error("{} is already {}", Quoted(name), Where(*place))]
    DeviceTwice { name: String, place: Place },
    #[error("{} differs only in case from {} {}", Quoted(name), Quoted(other), Where(*place))]
    CaseClash { name: String, other: String, place: Place },
    #[error("{} port {port} is also the address of {} {}", Quoted(address), Quoted(other), Where(*place))]
    AddressTwice { address: String, port: u16, other: String, place: Place },
    #[error("{} is none of {}{}", Quoted(value), allowed.join(", "), DidYouMean(value, allowed))]
    Choice { value: String, allowed: &'static [&'static str] },
    #[error("{} is no tag, list or range of tags; write 251 or 350,360,400-410 (0 to 4095)", Quoted(value))]
    Tags { value: String },
    #[error("{} is no tag protocol id; write four hex digits such as 0x88a8", Quoted(value))]
    Tpid { value: String },
    #[error("{} is no VLAN id; write a number from 1 to 4094", Quoted(value))]
    VlanId { value: String },
    #[error("{} names no kind of service; write kind/name, or fill the column service_kind", Quoted(value))]
    ServiceName { value: String },
    #[error("{} names another kind of service than the column service_kind, {kind}", Quoted(value))]
    ServiceKind { value: String, kind: &'static str },
    #[error("a record of kind {kind} has no {}; leave it empty", Quoted(value))]
    NotOfKind { value: String, kind: &'static str },
    #[error("{} cannot be together with encapsulation {encapsulation}{hint}", Quoted(value))]
    Encapsulation { value: String, encapsulation: &'static str, hint: &'static str },
    #[error("{} is no Unix time; write whole seconds since 1970", Quoted(value))]
    UnixTime { value: String },
    #[error("{} {} of {} is there already: {place}", kind, Quoted(name), Quoted(device))]
    RecordTwice { device: String, kind: &'static str, name: String, place: Place },
}

/// Foreign text between quotation marks, safe to print.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", shown(self.0, 60))
    }
}

/// `on line 3`, `in record 3`.
struct Where(Place);

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if matches!(self.0, Place::Line(_)) { "on" } else { "in" };
        write!(f, "{word} {}", self.0)
    }
}

/// ` (did you mean …?)`, or nothing.
struct DidYouMean<'a>(&'a str, &'a [&'static str]);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match nearest(self.0, self.1.iter().copied()) {
            Some(word) => write!(f, " (did you mean {word}?)"),
            None => Ok(()),
        }
    }
}
