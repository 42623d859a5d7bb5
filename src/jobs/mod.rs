//! The only place where rooms meet: devices, store, analysis and report.
//!
//! A job is a function of an [`Env`]. It takes what it needs from the store,
//! closes it, and never holds it while a device is being read.

mod carrier; // plans → what became of them, without waiting for the slowest
mod collector; // one collector: readings → comparison → store
pub mod demo; // a whole life on a simulated fleet
mod env; // what every job gets
mod error; // why a job did not happen
mod fetchers; // many fetchers: plan → readings
mod files; // what the limit of open files allows
mod health; // what `doctor` looks at
mod ignored; // what the rules for noise did
mod inventory; // imports, renames, host keys
mod known; // what the store holds, as of a run or as of now
mod morning; // one stored night → the value that the report shows
mod nightly; // choose, read, compare, forecast, report
mod notify; // after a run: who is told of what
mod past; // another tool's history of changes
mod prune; // retention
mod publish; // pages beside, then renamed; moves `latest`
mod queue; // requested scans, in the background
mod records; // the database of record: edit it and compare again
mod refused; // sync debt, and what a block would have stopped: for the report
mod remote; // NetBox and Nautobot, off the runtime's own threads
mod resolve; // the gates before and after a deploy
mod room; // places for sessions, second tries
mod scan; // carries out a plan; scans on demand
mod signals; // what was heard → the store and the queue
mod stop; // one shutdown for all
mod sync; // accepts reality into the record, by plan
mod templates; // templates of the user's
mod upkeep; // costs, causes, schedules: for the report
mod worth; // what more or fewer sessions would buy: for the report

pub use env::{Env, Events, Sink};
pub use error::JobError;
pub use health::{Check, Verdict, examine, reach};
pub use ignored::ignore_rules;
pub use inventory::{host_keys, import_devices, rename_device};
pub use known::{
    Ages, Known, Queued, Row, RunStatus, Shown, Status, all_records, budgets, history_of, honesty, known,
    live_devices, open_drifts, overview, own_history, show_device, status,
};
pub use nightly::{Nightly, NightlyPlan, Occasion, nightly, nightly_for, plan_only, run_of};
pub use notify::{Notified, notify, notify_channels};
pub use past::{
    Counts as PastCounts, PastAsk, PastDevice, PastDoubt, PastImported, PastProgress, PastStray, import_past,
};
pub use prune::{Cleared, prune};
pub use publish::{Rendered, render_again};
pub use queue::{Waiting, ask_later, choose, drain, waiting};
pub use records::{RecordsImported, import_records};
pub use remote::{export_to, pull_inventory, pull_records};
pub use resolve::{Checked, Decide, Decided, ResolveAsk, Resolved, check, decide, open_decisions, resolve};
pub use scan::{OnDemand, Scanned, Summary, scan};
pub use signals::{HeardLately, heard_lately, keep_signals, signal_book};
pub use stop::{Stop, StopSwitch};
pub use sync::{
    DriftNote, PolicySync, Skipped, SyncAsk, SyncConsent, Synced, SyncedDevice, TakenBack, Unmanaged, apply,
    change_name, drift_notes, plan_for, plan_replacing, record_log, record_versions, restore_records,
    sync_breaches, undo_records, unmanaged,
};
