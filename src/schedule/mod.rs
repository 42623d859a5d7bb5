//! What `serve` does when: cron lines in real time zones, what is due, and the
//! loop that carries it out.
//!
//! Reading order: when a line fires, what is due (both pure), the agenda that
//! writes decisions down before and after they are carried out, then the loop.
//! `tokio-cron-scheduler` only says that some time has passed.

mod fires;

mod due;

mod agenda; // decisions, kept in the store

mod work; // one job of a schedule, carried out

mod queue; // requested scans, drained beside the schedules

mod listener; // syslog, heard beside the schedules

mod tick;

mod serve;

mod health;

pub use agenda::{Agenda, Ended, Lane, ScheduleStatus, Start, at_a_glance};
pub use due::{Due, Standing, clock_is_set, due};
pub use fires::{jitter, newest_fire, next_fire};
pub use health::examine;
pub use listener::listener;
pub use queue::queue;
pub use serve::{Beside, Running, Serving, Surroundings, Task, Wake, serve};
