//! The only place where rooms meet: devices, store, analysis and report.
//!
//! A job is a function of an [`Env`]. It takes what it needs from the store,
//! closes it, and never holds it while a device is being read.

mod collector; // one collector: readings → comparison → store
pub mod demo;
mod env; // what every job gets
mod error; // why a job did not happen
mod fetchers; // many fetchers: plan → readings
mod health; // what `doctor` looks at
mod inventory; // imports, renames, host keys
mod known; // what the store holds, as of a run or as of now
mod morning; // one stored night → the value that the report shows
mod nightly; // choose, read, compare, forecast, report
mod publish; // pages beside, then renamed; moves `latest`
mod records; // the database of record: edit it and compare again
mod scan; // carries out a plan; scans on demand // a whole life on a simulated fleet
mod sync; // accepts reality into the record, by plan

pub use env::{Env, Events, Sink, ssh_fetcher};
pub use error::JobError;
pub use health::{Check, Verdict, examine};
pub use inventory::{host_keys, import_devices, rename_device};
pub use known::{
    Known, Row, RunStatus, Shown, Status, all_records, known, live_devices, open_drifts, overview,
    show_device, status,
};
pub use nightly::{Nightly, NightlyPlan, nightly, plan_only};
pub use publish::{Rendered, render_again};
pub use records::{RecordsImported, import_records};
pub use scan::{OnDemand, Scanned, Summary, scan};
pub use sync::{
    DriftNote, PolicySync, Skipped, SyncAsk, SyncConsent, Synced, SyncedDevice, TakenBack, apply,
    change_name, drift_notes, plan_for, plan_replacing, record_log, restore_records, sync_breaches,
    undo_records,
};
