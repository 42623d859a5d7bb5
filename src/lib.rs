//! driftcast reads network devices over SSH, keeps what it saw, compares it
//! with the database of record, and learns which devices drift how often.
//!
//! `ARCHITECTURE.md` is the map. The modules below stand in reading order.

pub mod analysis; // floor 2: history → findings, plan
pub mod cli;
pub mod clock; // the one place that asks what time it is
pub mod config; // floor 4: settings in layers
pub mod device; // ssh → text
pub mod jobs; // the only place where rooms meet
pub mod lab; // pretend devices → ssh
pub mod model; // floor 0: the nouns
pub mod notify; // a finished run → those who want to know
pub mod platform; // floor 1: text → facts
pub mod report; // floor 3: findings → pages
pub mod schedule; // floor 4: what `serve` does when
pub mod signal; // syslog → hints that a device changed
pub mod source; // files ↔ inventory and records
pub mod store; // duckdb ↔ model // floor 5: words in, words out
pub mod sync; // floor 2: drifts → a reviewed plan
