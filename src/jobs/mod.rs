//! The only place where rooms meet: devices, store, analysis and report.
//!
//! A job is a function of an [`Env`]. It takes what it needs from the store,
//! closes it, and never holds it while a device is being read.

mod env; // what every job gets
mod error; // why a job did not happen
mod fetchers; // many fetchers: plan → readings
mod collector; // one collector: readings → comparison → store
mod scan; // carries out a plan; scans on demand
mod nightly; // choose, read, compare, forecast, report
mod past; // what the store holds of the past → what analysis and the report need
mod publish; // pages beside, then renamed; moves `latest`
mod records; // the database of record: import and compare again
mod health; // what `doctor` looks at
pub mod demo; // a whole life on a simulated fleet

pub use env::{Env, Events};
pub use error::JobError;
pub use health::{Check, Verdict, examine};
pub use nightly::{Nightly, NightlyPlan, nightly, plan_only};
pub use past::{Past, load as load_past};
pub use publish::{Rendered, render_again};
pub use records::{RecordsImported, import_records};
pub use scan::{OnDemand, Scanned, scan};
