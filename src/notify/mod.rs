//! A finished run → those who want to know: webhooks, mail, syslog, and figures
//! for Prometheus. It is given what is so now and what was told before, tells
//! the difference, and gives back how each try went.
//!
//! A receiver is somebody else's machine. It gets one try of a few seconds, on
//! a thread of its own, after the run is stored; it can delay or fail nothing.

mod address; // private and metadata addresses
mod clean; // device text in messages
mod deliver; // all channels at once, within the limit
mod digest; // what is so, what was told → news
mod error; // why a message did not arrive
mod mail;
mod message; // a digest in words
mod secret; // where a channel's secret is
mod settings;
mod syslog;
mod textfile;
mod webhook;

pub use address::{Network, is_public};
pub use deliver::{Channel, Parcel, channels, deliver};
pub use digest::{Digest, Item, News, Now, Sort, Told, digest};
pub use error::NotifyError;
pub use message::{Message, RunFacts};
pub use settings::{Form, Mail, MailTls, Settings, Syslog, SyslogOver, Webhook};
pub use textfile::{metrics, write_textfile};
pub use webhook::signature;
