//! `serve`: a few tasks, one shutdown.
//!
//! The loop owns the agenda. Others only send it a [`Wake`]: the tick, a
//! signal, a request. Tasks beside it (the queue, a listener, a messenger) get
//! their [`Surroundings`] and end when the stop is pressed. Nothing here holds
//! the store for longer than a decision.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{self, JoinSet};

use super::agenda::{Agenda, Ended, Start};
use super::{due, fires, tick, work};
use crate::config::Settings;
use crate::jobs::{self, Env, JobError, Stop};
use crate::store::{LockError, ServeLock};

/// How long jobs may take to end after the stop; their own grace is shorter.
const PATIENCE: Duration = Duration::from_secs(29);

/// Why the loop wakes up.
#[derive(Debug)]
pub enum Wake {
    /// Some time has passed.
    Tick,
    /// New settings, already found good.
    Settings(Arc<Settings>),
}

/// What a task beside the loop gets.
#[derive(Clone)]
pub struct Surroundings {
    /// The newest good settings.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Makes the surroundings of a job from settings: keys and known hosts are read anew.
    pub env: Arc<dyn Fn(Arc<Settings>) -> Result<Env, JobError> + Send + Sync>,
    /// The data directory.
    pub dir: PathBuf,
    pub stop: Stop,
}

impl Surroundings {
    /// The surroundings of a job that begins now.
    pub fn env_now(&self) -> Result<Env, JobError> {
        let settings = self.settings.borrow().clone();
        let mut env = (self.env)(settings)?;
        env.stop = self.stop.clone();
        Ok(env)
    }
}

/// A task that runs beside the loop, by name. It ends when the stop is pressed;
/// if it ends before, that is logged and the loop goes on.
pub struct Beside {
    pub name: &'static str,
    pub run: Task,
}

/// What such a task does, from its surroundings to its end.
pub type Task = Box<dyn FnOnce(Surroundings) -> Running + Send>;

/// One that was started.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// All that `serve` needs.
pub struct Serving {
    pub settings: Arc<Settings>,
    pub env: Arc<dyn Fn(Arc<Settings>) -> Result<Env, JobError> + Send + Sync>,
    /// Any text that differs between machines: jitter hangs on it.
    pub installation: String,
    pub dir: PathBuf,
    pub beside: Vec<Beside>,
    /// Wakes from outside, such as a new configuration.
    pub wakes: mpsc::Receiver<Wake>,
    /// To wake the same loop.
    pub wake: mpsc::Sender<Wake>,
    pub stop: Stop,
}

/// Runs until the stop is pressed. Another `serve` on the same folder is
/// [`JobError::Busy`].
pub async fn serve(serving: Serving) -> Result<(), JobError> {
    let Serving { settings, env, installation, dir, beside, mut wakes, wake, stop } = serving;
    let (newest, settings) = watch::channel(settings);
    let around = Surroundings { settings, env, dir, stop: stop.clone() };
    let first = around.env_now()?;
    let _lock = ServeLock::take(&first.dir).map_err(|error| match error {
        LockError::Held(holder) => JobError::Busy(holder),
        other @ LockError::Io { .. } => JobError::Lock(other),
    })?;
    let now = first.clock.now();
    let store = first.clone();
    let agenda = task::spawn_blocking(move || Agenda::load(&store.store()?, installation, now)).await??;
    say_what_never_fires(&around.settings.borrow());

    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let ticking = tick::tick(wake.clone(), stop.clone());
    tasks.spawn(async move {
        if let Err(error) = ticking.await {
            tracing::error!("the tick failed: {error}");
        }
        "the tick"
    });
    for Beside { name, run } in beside {
        let task = run(around.clone());
        tasks.spawn(async move {
            task.await;
            name
        });
    }
    let mut desk = Desk {
        agenda: Arc::new(Mutex::new(agenda)),
        jobs: JoinSet::new(),
        begun: HashMap::new(),
        at: first,
        around,
    };
    desk.look().await?;
    desk.tell_of_what_did_not_happen();
    tracing::info!("driftcast serves {} schedules", desk.at.settings.schedule.len());
    loop {
        tokio::select! {
            () = stop.pressed() => break,
            Some(wake) = wakes.recv() => {
                if let Wake::Settings(settings) = wake {
                    say_what_never_fires(&settings);
                    newest.send_replace(settings);
                    desk.at = desk.around.env_now().unwrap_or(desk.at);
                }
                desk.look().await?;
            }
            Some(done) = desk.jobs.join_next_with_id() => {
                desk.note(done).await?;
                desk.look().await?;
            }
            // At the end they all end; that is no news.
            Some(ended) = tasks.join_next() => if !stop.is_pressed() { tell_of(ended) },
        }
    }
    // One shutdown: jobs have heard the stop too, and commit what is complete.
    let ending = async {
        while let Some(done) = desk.jobs.join_next_with_id().await {
            desk.note(done).await?;
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    };
    tokio::time::timeout(PATIENCE, ending).await.unwrap_or_else(|_| {
        tracing::warn!(
            "what is still at work after {} s is left; what it finished is stored",
            PATIENCE.as_secs()
        );
        Ok(())
    })
}

/// The agenda and the jobs it has begun.
struct Desk {
    agenda: Arc<Mutex<Agenda>>,
    jobs: JoinSet<Ended>,
    begun: HashMap<task::Id, Start>,
    /// Where decisions are written. Made anew with new settings, not for each
    /// look: jobs get surroundings of their own.
    at: Env,
    around: Surroundings,
}

impl Desk {
    /// Begins what is due. What fails here is tried again at the next tick.
    async fn look(&mut self) -> Result<(), JobError> {
        let at = self.at.clone();
        let starts =
            self.with_agenda(move |agenda| agenda.step(&at, &at.settings.schedule, at.clock.now())).await?;
        for start in starts {
            let (around, of_task) = (self.around.clone(), start.clone());
            let job = self.jobs.spawn(async move {
                match around.env_now() {
                    Ok(env) => work::carry_out(env, &of_task).await,
                    Err(error) => work::failed(&of_task, &error),
                }
            });
            self.begun.insert(job.id(), start);
        }
        Ok(())
    }

    /// Writes down the end of a job.
    async fn note(&mut self, done: Result<(task::Id, Ended), task::JoinError>) -> Result<(), JobError> {
        let (id, ended) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!("a job ended unexpectedly: {error}");
                let why = Some("it ended unexpectedly; the log says more".to_owned());
                (error.id(), Ended::Finished { outcome: "failed".to_owned(), run: None, why })
            }
        };
        let Some(start) = self.begun.remove(&id) else { return Ok(()) };
        let failed = matches!(&ended, Ended::Finished { outcome, run: None, .. } if outcome == "failed");
        let at = self.at.clone();
        self.with_agenda(move |agenda| {
            if let Err(error) = agenda.ended(&at, &start, &ended, at.clock.now()) {
                tracing::error!("failed to write down the end of {}: {error}", start.occasion.schedule);
            }
        })
        .await?;
        if failed {
            self.tell_of_what_did_not_happen();
        }
        Ok(())
    }

    /// Without a run there is no message at the end of one. Nobody waits for this.
    fn tell_of_what_did_not_happen(&self) {
        if self.at.settings.notify.webhook.is_empty()
            && self.at.settings.notify.mail.is_empty()
            && self.at.settings.notify.syslog.is_empty()
        {
            return;
        }
        let at = self.at.clone();
        drop(task::spawn_blocking(move || jobs::notify(&at, None)));
    }

    /// Uses the agenda on a thread that may block.
    async fn with_agenda<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Agenda) -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let agenda = self.agenda.clone();
        // The only user of the lock: nobody waits for it. A panic in it is an error here.
        Ok(task::spawn_blocking(move || work(&mut agenda.lock().unwrap_or_else(PoisonError::into_inner)))
            .await?)
    }
}

fn tell_of(ended: Result<&'static str, task::JoinError>) {
    match ended {
        Ok(name) => tracing::warn!("{name} ended; everything else goes on"),
        Err(error) => tracing::error!("a task beside the schedules ended unexpectedly: {error}"),
    }
}

fn say_what_never_fires(settings: &Settings) {
    for schedule in &settings.schedule {
        if fires::next_fire(schedule, due::EARLIEST).is_none() {
            let (name, cron) = (&schedule.name, &schedule.cron);
            tracing::warn!(schedule.name = %name, "the schedule {name} never fires: no day matches \"{cron}\"");
        }
    }
}
