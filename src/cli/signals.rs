//! SIGTERM and Ctrl-C → one [`Stop`]; SIGHUP → a channel.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Failure;
use crate::jobs::Stop;

/// Pressed by SIGTERM or Ctrl-C. From now on these no longer end the process
/// by themselves: the command has to.
pub(crate) fn stop() -> Result<Stop, Failure> {
    let (switch, stop) = Stop::new();
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::warn!("{name}: sessions that are under way may finish, no more begin");
        switch.press();
    });
    Ok(stop)
}

/// SIGHUP: the configuration is to be read again.
pub(crate) fn hangups() -> Result<Signal, Failure> {
    on(SignalKind::hangup())
}

fn on(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::failed(format!("failed to listen for signals: {error}")))
}
