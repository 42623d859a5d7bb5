//! `driftcast serve`: schedules and the queue, until it is told to end.

use std::sync::Arc;

use clap::Args;
use tokio::sync::mpsc;

use super::exit::{Exit, Failure, chain};
use super::output::say;
use super::{Context, Source, signals};
use crate::jobs::Env;
use crate::schedule::{self, Serving, Wake};

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {}

pub(crate) async fn run(context: &Context, _args: &ServeArgs) -> Result<Exit, Failure> {
    let settings = Arc::new(context.settings().clone());
    let (wake, wakes) = mpsc::channel(16);
    let stop = signals::stop()?;
    let installation = context.env()?.installation();
    if settings.schedule.is_empty() {
        say("no [[schedule]] is configured: only the queue is served");
    }
    tokio::spawn(read_again(context.source.clone(), wake.clone(), signals::hangups()?, settings.clone()));
    let (dir, clock) = (context.dir.clone(), context.clock);
    schedule::serve(Serving {
        settings,
        env: Arc::new(move |settings| Env::over_ssh(dir.clone(), clock, settings)),
        installation,
        dir: context.dir.clone(),
        beside: vec![schedule::queue(), schedule::listener(handed_over())],
        wakes,
        wake,
        stop,
    })
    .await?;
    Ok(Exit::Done)
}

/// On SIGHUP reads the configuration. One that is wrong changes nothing, and
/// is told with its place.
async fn read_again(
    source: Source,
    wake: mpsc::Sender<Wake>,
    mut hangups: tokio::signal::unix::Signal,
    mut settings: Arc<crate::config::Settings>,
) {
    while hangups.recv().await.is_some() {
        match source.load() {
            Ok(mut loaded) => {
                if loaded.settings.data_dir != settings.data_dir {
                    tracing::warn!("another data_dir takes effect when serve is started again");
                    loaded.settings.data_dir.clone_from(&settings.data_dir);
                }
                let news =
                    if loaded.settings == *settings { "nothing has changed" } else { "in force from now on" };
                tracing::warn!("the configuration was read again: {news}");
                settings = Arc::new(loaded.settings);
                if wake.send(Wake::Settings(settings.clone())).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(
                    "the configuration is wrong and the old one stays in force: {}",
                    chain(&error)
                );
            }
        }
    }
}

/// How many sockets systemd has for this process, as `sd_listen_fds` counts them.
fn handed_over() -> usize {
    #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    match (number("LISTEN_PID"), number("LISTEN_FDS")) {
        (Some(pid), Some(count)) if pid == std::process::id() => usize::try_from(count).unwrap_or(0),
        _ => 0,
    }
}
