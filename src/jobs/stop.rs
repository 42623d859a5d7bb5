//! One shutdown for everything that runs: a switch that is pressed once, and
//! handles that can be asked or waited for.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;

/// How long a session that is under way may take to finish after the switch
/// was pressed. What is left of half a minute is for committing and reporting.
pub(super) const GRACE: Duration = Duration::from_secs(20);

/// Presses it. Dropped unpressed, nothing stops.
#[derive(Debug)]
pub struct StopSwitch(watch::Sender<bool>);

impl StopSwitch {
    /// Everything that holds the handle comes to its end. Again does no harm.
    pub fn press(&self) {
        self.0.send_replace(true);
    }
}

/// Told when it is time to end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A switch and its handle.
    pub fn new() -> (StopSwitch, Self) {
        let (sender, receiver) = watch::channel(false);
        (StopSwitch(sender), Self(receiver))
    }

    /// Nobody will press.
    pub fn never() -> Self {
        Self::new().1
    }

    pub fn is_pressed(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is pressed; never, if nobody can.
    pub async fn pressed(&self) {
        if self.0.clone().wait_for(|pressed| *pressed).await.is_err() {
            pending::<()>().await;
        }
    }

    /// Returns when the time for what was under way is over.
    pub(super) async fn grace_over(&self) {
        self.pressed().await;
        tokio::time::sleep(GRACE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn everybody_hears_it_and_has_some_time() {
        let (switch, stop) = Stop::new();
        let other = stop.clone();
        assert!(!stop.is_pressed());
        switch.press();
        drop(switch);
        other.pressed().await;
        assert!(stop.is_pressed());
        let begun = tokio::time::Instant::now();
        stop.grace_over().await;
        assert_eq!(begun.elapsed(), GRACE);
        let never = Stop::never();
        assert!(tokio::time::timeout(Duration::from_secs(1_000), never.pressed()).await.is_err());
    }
}
