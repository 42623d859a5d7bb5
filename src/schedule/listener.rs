//! The syslog listener beside the schedules: sockets, the inventory that they
//! know, and a batch of signals for the store every few seconds.
//!
//! The store is opened when there is something to keep. Counts alone wait ten
//! minutes, so that a chatty network costs six openings an hour.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{self, JoinHandle};
use tokio::time::Instant;

use super::serve::{Beside, Surroundings};
use crate::jobs::{self, Env, JobError};
use crate::model::Heard;
use crate::signal::{Book, Ear, Listen, ListenError, Settings, Sockets, listen};

const COLLECT: Duration = Duration::from_secs(5);
const COUNT: Duration = Duration::from_secs(600);
/// Between two tries to listen, and between two looks at the inventory.
const AGAIN: Duration = Duration::from_secs(60);

/// The task, for [`super::Serving`]. `handed_over`: how many sockets systemd
/// has for this process.
pub fn listener(handed_over: usize) -> Beside {
    Beside {
        name: "the syslog listener",
        run: Box::new(move |around| Box::pin(hear_for_ever(around, handed_over))),
    }
}

async fn hear_for_ever(around: Surroundings, handed_over: usize) {
    let mut newest = around.settings.clone();
    let mut open: Option<Open> = None;
    let mut tried: Option<Instant> = None;
    loop {
        let wanted = newest.borrow_and_update().syslog.clone();
        if open.as_ref().is_some_and(|open| open.settings != wanted) {
            if let Some(open) = open.take() {
                open.end(&around).await;
            }
            tried = None;
        }
        if open.is_none()
            && wanted.listen != Listen::Off
            && tried.is_none_or(|tried| tried.elapsed() >= AGAIN)
        {
            tried = Some(Instant::now());
            match Open::new(&around, wanted, handed_over).await {
                Ok(opened) => open = Some(opened),
                Err(error) => {
                    let cause =
                        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                    tracing::error!("{error}: {cause}; it is tried again in {} s", AGAIN.as_secs());
                }
            }
        }
        let idle = open.is_none() && newest.borrow().syslog.listen == Listen::Off;
        tokio::select! {
            () = around.stop.pressed() => break,
            Ok(()) = newest.changed() => continue,
            () = tokio::time::sleep(COLLECT), if !idle => {}
        }
        if let Some(open) = &mut open {
            open.collect(&around, false).await;
        }
    }
    if let Some(open) = open {
        open.end(&around).await;
    }
}

/// Sockets in use.
struct Open {
    settings: Settings,
    ear: Arc<Ear>,
    listening: JoinHandle<()>,
    /// What is written down already.
    kept: Heard,
    kept_at: Instant,
    known_at: Instant,
}

impl Open {
    async fn new(around: &Surroundings, settings: Settings, handed_over: usize) -> Result<Self, ListenError> {
        let sockets = match settings.listen {
            Listen::At(at) => Sockets::bind(at)?,
            Listen::Systemd | Listen::Off => Sockets::handed_over(handed_over)?,
        };
        let at: Vec<String> = sockets.addresses().iter().map(ToString::to_string).collect();
        let book = match with_env(around, |env| jobs::signal_book(&env)).await {
            Ok(book) => book,
            Err(error) => {
                tracing::error!("failed to read the inventory for the syslog listener: {error}");
                Book::default()
            }
        };
        let ear = Arc::new(Ear::new(book, settings.lines_per_second));
        let clock = around.env_now().ok().map_or_else(crate::clock::Clock::system, |env| env.clock);
        let (hearing, now) = (ear.clone(), Arc::new(move || clock.now()));
        let listening = tokio::spawn(async move {
            if let Err(error) = listen(sockets, hearing, now).await {
                tracing::error!("{error}");
            }
        });
        tracing::info!("syslog is awaited at {}", at.join(" and "));
        let now = Instant::now();
        Ok(Self { settings, ear, listening, kept: Heard::default(), kept_at: now, known_at: now })
    }

    async fn collect(&mut self, around: &Surroundings, all: bool) {
        if self.known_at.elapsed() >= AGAIN && self.ear.heard() != self.kept {
            self.known_at = Instant::now();
            match with_env(around, |env| jobs::signal_book(&env)).await {
                Ok(book) => self.ear.know(book),
                Err(error) => {
                    tracing::error!("failed to read the inventory for the syslog listener: {error}");
                }
            }
        }
        let signals = self.ear.collect();
        let heard = self.ear.heard();
        let news = heard.since(&self.kept);
        let counts_are_due = all || self.kept_at.elapsed() >= COUNT;
        if signals.is_empty() && (news.is_nothing() || !counts_are_due) {
            return;
        }
        if news.kernel_drops > 0 {
            tracing::warn!("the kernel dropped {} syslog datagrams: TCP loses none", news.kernel_drops);
        }
        let count = signals.len();
        match with_env(around, move |env| jobs::keep_signals(&env, &signals, &news)).await {
            Ok(()) => (self.kept, self.kept_at) = (heard, Instant::now()),
            // Counts are tried again with the next; hints are gone, and the next scan finds what they meant.
            Err(error) => tracing::error!("failed to keep {count} signals: {error}"),
        }
    }

    async fn end(mut self, around: &Surroundings) {
        self.listening.abort();
        self.collect(around, true).await;
    }
}

async fn with_env<T: Send + 'static>(
    around: &Surroundings,
    work: impl FnOnce(Env) -> Result<T, JobError> + Send + 'static,
) -> Result<T, JobError> {
    let env = around.env_now()?;
    task::spawn_blocking(move || work(env)).await?
}
