//! The nouns. No I/O, no clock, no packages beyond serde, chrono and sha2.
//!
//! Suggested reading order is the order of this list.

pub mod change; // what moved between two snapshots of one device
pub mod device; // a network element: name, address, platform
pub mod drift; // a disagreement between record and fact
pub mod event;
pub mod fact; // one thing that is configured, and its identity key
pub mod finding; // what history says: rates, forecasts, recommendations
pub mod past; // what somebody else's history says of a device
pub mod plan; // whom to read tonight, and why
pub mod record; // what the database of record believes
pub mod run; // what became of it, device by device
pub mod signal; // a hint that a device changed
pub mod snapshot; // the facts of one device, at one moment, inside one scope // what a run says while it runs

pub use change::{Change, ChangeKind};
pub use device::{Device, DeviceName};
pub use drift::{Cause, Drift, DriftClass, DriftId, DriftStep, PastDrift, Step};
pub use event::Event;
pub use fact::{
    AdminState, BridgeDomain, Encapsulation, EncapsulationKind, Fact, FactKey, Interface, Kind, Neighbor,
    OperState, Service, ServiceKind, ServiceRef, Vlan,
};
pub use past::{PastEvent, PastStep};
pub use plan::{Plan, Reason, Scope, Target};
pub use record::{Record, RecordSource};
pub use run::{Outcome, RunId, RunKind};
pub use signal::{Heard, LogSignal, Signal, SignalKind};
pub use snapshot::{LineCounts, Snapshot, UnreadLine};
