//! Sync: plans from what is open, carries them out, takes changes back. The
//! one place that writes discovered reality into the database of record.
//!
//! A plan is drafted by `sync::draft` from stored facts; when it is applied
//! each device is drafted again, and an item is written only if it comes out
//! the same. One transaction a device: a crash leaves each as before or after,
//! and the same plan can be applied again to finish.

mod apply; // a plan, device by device
mod back; // undo, restore, the audit trail
mod look; // what is known of a device before it is written
mod night; // policies, in a nightly run
mod notes; // who, how often, and what a policy says
mod plan; // what could be written
mod unmanaged; // what the record does not claim to know

pub use apply::{Skipped, SyncConsent, Synced, SyncedDevice, apply};
pub use back::{TakenBack, change_name, record_log, record_versions, restore_records, undo_records};
pub use night::PolicySync;
pub(super) use night::by_policy;
pub use notes::{DriftNote, drift_notes};
pub use plan::{SyncAsk, plan_for, plan_replacing, sync_breaches};
pub use unmanaged::{Unmanaged, unmanaged};

/// How often a device is looked at again because somebody wrote in between.
const TRIES: usize = 50;
