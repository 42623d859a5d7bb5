//! Says now and then that some time has passed.
//!
//! `tokio-cron-scheduler` ticks. It is given nothing to decide: it freezes a
//! zone's offset when a job is made, starts jobs over each other and forgets
//! all when it ends. It also sleeps by the wall clock, so that a clock which
//! goes back a day silences it for a day; hence a second, slower beat that no
//! clock can stop.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use super::serve::Wake;
use crate::jobs::Stop;

/// With a field for seconds, as that package wants it.
const EVERY: &str = "*/15 * * * * *";
const SAFETY: Duration = Duration::from_secs(60);

/// Wakes the loop until the stop is pressed. A tick that finds the last one
/// still waiting is not needed.
pub(super) async fn tick(wake: mpsc::Sender<Wake>, stop: Stop) -> Result<(), JobSchedulerError> {
    let mut scheduler = JobScheduler::new().await?;
    let beat = wake.clone();
    scheduler
        .add(Job::new(EVERY, move |_, _| {
            let _ = beat.try_send(Wake::Tick);
        })?)
        .await?;
    scheduler.start().await?;
    let mut safety = tokio::time::interval(SAFETY);
    safety.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = safety.tick() => { let _ = wake.try_send(Wake::Tick); }
            () = stop.pressed() => break,
        }
    }
    scheduler.shutdown().await
}
