//! Hints that a device changed, from what devices say to a log: bytes → lines
//! → signals. Parses, and never decides.
//!
//! Nothing here stores anything. Lines are looked at as they come and thrown
//! away; what is kept between two collections is bounded by the inventory.

mod address; // where to listen
mod book; // sender → device
mod drops; // what the kernel dropped
mod ear; // line → signal, within limits
mod framing; // a stream → lines
mod line; // RFC 3164 and 5424
mod listen; // UDP and TCP

pub use address::{Listen, Settings};
pub use book::Book;
pub use ear::Ear;
pub use framing::{Framer, NoFrame};
pub use line::{Line, parse};
pub use listen::{ListenError, Now, Sockets, listen};
