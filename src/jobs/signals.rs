//! What the listener heard → the store, and where the settings say so, into
//! the queue.

use chrono::TimeDelta;
use serde::Serialize;

use super::{Env, JobError};
use crate::model::{Heard, LogSignal, Reason, Scope};
use crate::signal::Book;

/// Whose lines are signals: the live inventory.
pub fn signal_book(env: &Env) -> Result<Book, JobError> {
    let devices = super::live_devices(env)?;
    Ok(Book::new(devices.iter().map(|(id, device)| (*id, device))))
}

/// Keeps signals and counts, in one opening of the store.
pub fn keep_signals(env: &Env, signals: &[LogSignal], heard: &Heard) -> Result<(), JobError> {
    let store = env.store()?;
    store.append_signals(signals, heard, env.clock.now())?;
    if env.settings.syslog.request_scan {
        for signal in signals {
            let who = signal.who.as_ref().map_or_else(String::new, |who| format!(" by {who}"));
            let why = format!("its log says that it was changed{who}");
            store.ask(signal.device_id, &Scope::Device, Reason::Requested, &why, env.clock.now())?;
        }
    }
    Ok(())
}

/// What the syslog listener heard in the last 24 hours.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HeardLately {
    #[serde(flatten)]
    pub heard: Heard,
    /// Seconds since that was last written down; the listener does so every ten minutes at least, if it hears anything.
    pub age: u64,
}

/// `None`: nothing was heard in the last 24 hours.
pub fn heard_lately(env: &Env) -> Result<Option<HeardLately>, JobError> {
    let now = env.clock.now();
    let (heard, last) = env.store()?.heard(now - TimeDelta::hours(24))?;
    let age = |at: chrono::DateTime<chrono::Utc>| u64::try_from((now - at).num_seconds()).unwrap_or(0);
    Ok(last.map(|last| HeardLately { heard, age: age(last) }))
}
