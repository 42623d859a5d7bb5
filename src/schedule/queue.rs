//! Drains the queue beside the schedules, a few devices at a time.
//!
//! Another process may add a request at any moment, so the database is looked
//! at when its files have changed, and not otherwise: an idle `serve` opens
//! nothing. A device that cannot be read is tried again after growing pauses.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::serve::{Beside, Surroundings};
use crate::jobs::{self, Env, JobError, Waiting};
use crate::store::BatchLock;

const LOOK: Duration = Duration::from_secs(5);
/// Windows open and pauses end without anybody touching the database.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_secs(5 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// The task, for [`super::Serving`].
pub fn queue() -> Beside {
    Beside { name: "the queue", run: Box::new(|around| Box::pin(drain_for_ever(around))) }
}

async fn drain_for_ever(around: Surroundings) {
    let mut drainer = Drainer::default();
    loop {
        tokio::select! {
            () = around.stop.pressed() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(error) = drainer.look(&around).await {
            tracing::error!("failed to drain the queue: {error}");
        }
    }
}

#[derive(Default)]
struct Drainer {
    /// The database's files when they were last looked into.
    seen: Option<(Stamp, Instant)>,
    /// Whether anything was open then.
    any_open: bool,
    /// Requests that the batch at work may have taken up: open when it began.
    of_batch: HashSet<i64>,
    pauses: HashMap<i64, Pause>,
}

type Stamp = [Option<(SystemTime, u64)>; 2];

struct Pause {
    failures: u32,
    until: Instant,
}

impl Drainer {
    async fn look(&mut self, around: &Surroundings) -> Result<(), JobError> {
        let dir = &around.dir;
        let now = Instant::now();
        let changed = self
            .seen
            .is_none_or(|(stamp, at)| stamp != stamp_of(dir) || (self.any_open && now - at >= LOOK_ANYWAY));
        if !changed {
            return Ok(());
        }
        let env = around.env_now()?;
        let asking = env.clone();
        let waiting = tokio::task::spawn_blocking(move || jobs::waiting(&asking)).await??;
        self.seen = Some((stamp_of(dir), now));
        self.any_open = !waiting.is_empty();
        let ready = self.ready(&env, &waiting, now);
        let chosen = jobs::choose(&ready, &env.settings.queue, &|device| env.is_closed_to(device));
        if chosen.is_empty() {
            return Ok(());
        }
        let env = env.with_jump_hosts()?;
        tracing::info!("the queue reads {} of {} waiting", chosen.len(), waiting.len());
        let failed: HashSet<i64> = jobs::drain(&env, &chosen).await?.into_iter().collect();
        for one in &chosen {
            let id = one.request.id;
            if failed.contains(&id) {
                self.pause(id);
            } else {
                self.pauses.remove(&id);
            }
        }
        // There may be more; the next look is due at once.
        self.seen = None;
        Ok(())
    }

    /// Those whose pause is over, without what a batch at work may be reading.
    fn ready(&mut self, env: &Env, waiting: &[Waiting], now: Instant) -> Vec<Waiting> {
        let open: HashSet<i64> = waiting.iter().map(|w| w.request.id).collect();
        self.pauses.retain(|id, _| open.contains(id));
        if BatchLock::holder(&env.dir).is_none() {
            self.of_batch = open;
            return self.rested(waiting, now);
        }
        let free: Vec<Waiting> =
            waiting.iter().filter(|w| !self.of_batch.contains(&w.request.id)).cloned().collect();
        self.rested(&free, now)
    }

    fn rested(&self, waiting: &[Waiting], now: Instant) -> Vec<Waiting> {
        let rested = |w: &&Waiting| self.pauses.get(&w.request.id).is_none_or(|pause| pause.until <= now);
        waiting.iter().filter(rested).cloned().collect()
    }

    fn pause(&mut self, request: i64) {
        let pause = self.pauses.entry(request).or_insert(Pause { failures: 0, until: Instant::now() });
        let length = FIRST_PAUSE.saturating_mul(1 << pause.failures.min(10)).min(LONGEST_PAUSE);
        pause.failures += 1;
        pause.until = Instant::now() + length;
    }
}

/// Changes whenever somebody writes.
fn stamp_of(dir: &Path) -> Stamp {
    ["driftcast.duckdb", "driftcast.duckdb.wal"].map(|name| {
        let meta = fs::metadata(dir.join(name)).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    })
}
