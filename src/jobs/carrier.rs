//! Carries out plans, and does not wait for the slowest device: fetchers and
//! collector live as long as the run, plans go in, and what is committed comes
//! out device by device, in the order in which devices finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::collector::{self, Kept, Wants};
use super::fetchers;
use super::scan::Cast;
use super::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{Event, Plan};
use crate::store::Store;

/// What became of one target.
pub(super) enum Back {
    /// It was tried, and that is committed.
    Kept(Box<Kept>),
    /// It was not begun, or was given up. `None`: whose it was is lost, too.
    Lost(Option<DeviceId>),
}

/// A run under way.
pub(super) struct Carrier {
    env: Env,
    plans: Option<mpsc::UnboundedSender<Plan>>,
    back: mpsc::UnboundedReceiver<Back>,
    /// `None` after it has ended.
    collector: Option<JoinHandle<Result<Option<Store>, JobError>>>,
    /// The store, if it was still open then.
    store: Option<Store>,
    under_way: UnderWay,
}

/// How many targets were begun and are neither read nor lost. With none, there
/// is nobody to wait for.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(&self, targets: usize) {
        self.0.fetch_add(targets, Ordering::Relaxed);
    }

    /// One was read, or is lost.
    pub(super) fn over(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Carrier {
    pub(super) fn start(env: &Env, wants: Wants, cast: &Cast) -> Self {
        let (plans, coming) = mpsc::unbounded_channel();
        let (told, back) = mpsc::unbounded_channel();
        let under_way = UnderWay::default();
        let readings = fetchers::start(env, coming, cast, wants, told.clone(), under_way.clone());
        let collector = collector::start(env, wants, &cast.states, readings, told, under_way.clone());
        Self {
            env: env.clone(),
            plans: Some(plans),
            back,
            collector: Some(collector),
            store: None,
            under_way,
        }
    }

    /// Begins with a plan as soon as there is room, whatever else is under way.
    pub(super) fn begin(&self, plan: &Plan) {
        self.env.events.say(&Event::RoundStarted { round: plan.round, targets: plan.targets.len() });
        if let Some(plans) = &self.plans {
            self.under_way.begin(plan.targets.len());
            // The crew stays as long as plans may come.
            let _ = plans.send(plan.clone());
        }
    }

    /// No plan comes any more.
    pub(super) fn end(&mut self) {
        self.plans = None;
    }

    /// The store, if it was still open when all was over.
    pub(super) fn into_store(self) -> Option<Store> {
        self.store
    }

    /// What became of the next target. `None` when everything that was begun is
    /// over, after [`Self::end`]. Nothing is lost if it is asked and not waited for.
    pub(super) async fn next(&mut self) -> Result<Option<Back>, JobError> {
        loop {
            let Some(collector) = &mut self.collector else { return Ok(self.back.recv().await) };
            tokio::select! {
                biased;
                Some(back) = self.back.recv() => return Ok(Some(back)),
                // Before its time only if it failed: then nothing more is kept.
                ended = collector => {
                    self.collector = None;
                    self.store = ended??;
                }
            }
        }
    }
}

/// When to plan the next round. The ones before it need not be over: a device
/// that hangs holds up nobody. But what they find decides whom to read next, so
/// it is worth a moment: until most are back, and the rest takes longer than those did.
#[derive(Debug)]
pub(super) struct Pace {
    /// Of the newest round: its size, how many are back, when it began.
    targets: usize,
    back: usize,
    began: Instant,
    /// When most of it were back.
    most: Option<Instant>,
    /// When something last came back, of any round.
    last: Instant,
    /// Targets of all rounds that are not back.
    pub(super) out: usize,
    /// Sessions at once.
    places: usize,
}

impl Pace {
    /// What a round that is mostly back may take longer, whatever it took so far.
    const LEAST: Duration = Duration::from_secs(1);
    /// Nothing came back for so long although there are places: those who are out are slow ones.
    const LULL: Duration = Duration::from_secs(60);

    pub(super) fn new(places: usize, now: Instant) -> Self {
        Self { targets: 0, back: 0, began: now, most: None, last: now, out: 0, places }
    }

    pub(super) fn begin(&mut self, targets: usize, now: Instant) {
        (self.targets, self.back, self.began, self.most, self.last) = (targets, 0, now, None, now);
        self.out += targets;
    }

    /// Something came back: of the newest round, or of one before it.
    pub(super) fn back(&mut self, newest: bool, now: Instant) {
        self.out = self.out.saturating_sub(1);
        self.back += usize::from(newest);
        self.last = now;
        // Three of four; of two or three all but one.
        let most = if self.targets < 4 {
            self.targets.saturating_sub(1).max(1)
        } else {
            self.targets - self.targets / 4
        };
        if self.back >= most && self.most.is_none() {
            self.most = Some(now);
        }
    }

    /// When the next round is to be planned if nothing else comes back; `None`:
    /// not before something does.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.out == 0 || self.back >= self.targets {
            return Some(self.began);
        }
        // Nobody could begin anyway, and what is known then is better.
        if self.out >= self.places {
            return None;
        }
        let lull = self.last + Self::LULL;
        let late = self.most.map(|most| most + (most - self.began) / 2 + Self::LEAST);
        Some(late.map_or(lull, |late| late.min(lull)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_next_round_waits_for_most_and_a_moment_for_the_rest() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        assert_eq!(pace.due(), Some(start), "the first round waits for nothing");
        pace.begin(8, start);
        for n in 1..=5 {
            pace.back(true, start + s(n));
        }
        assert_eq!(pace.due(), Some(start + s(5) + Pace::LULL));
        pace.back(true, start + s(6));
        // Most were back after six seconds: the rest has three, and one more.
        assert_eq!(pace.due(), Some(start + s(10)));
        pace.back(true, start + s(7));
        assert_eq!(pace.due(), Some(start + s(10)));
        // A straggler of this round is none of the next.
        pace.begin(4, start + s(10));
        assert_eq!((pace.out, pace.due()), (5, Some(start + s(10) + Pace::LULL)));
        pace.back(false, start + s(20));
        assert_eq!(pace.due(), Some(start + s(20) + Pace::LULL));
        for n in 21..=24 {
            pace.back(true, start + s(n));
        }
        assert!(pace.out == 0 && pace.due().unwrap() <= start + s(24));
    }

    #[test]
    fn nobody_plans_for_places_that_are_taken() {
        let start = Instant::now();
        let mut pace = Pace::new(2, start);
        pace.begin(3, start);
        assert_eq!(pace.due(), None);
        pace.back(true, start + s(1));
        assert_eq!(pace.due(), None, "two hang on two places");
        pace.back(true, start + s(2));
        assert_eq!(pace.due(), Some(start + s(4)));
        // One that hangs alone is left to itself after a minute.
        let mut alone = Pace::new(2, start);
        alone.begin(1, start);
        assert_eq!(alone.due(), Some(start + Pace::LULL));
    }
}
