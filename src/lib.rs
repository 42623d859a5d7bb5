//! driftcast reads network devices over SSH, keeps what it saw, compares it
//! with the database of record, and learns which devices drift how often.
//!
//! `ARCHITECTURE.md` is the map. The modules below stand in reading order.

pub mod clock;
pub mod model;
pub mod platform;

pub mod device;
