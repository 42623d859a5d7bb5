//! The one place that asks what time it is.
//!
//! Everything below the jobs takes a date as a value; a command reads this
//! clock once and hands the result down, so a stored night can be rendered
//! again and a test can live in any year.

use chrono::{DateTime, Duration, Utc};

/// The system's clock, or one that stands still.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Option<DateTime<Utc>>);

impl Clock {
    /// The wall clock of this machine.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that always says `at`: for tests, the demo's past nights and `--now`.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Some(at))
    }

    /// Now, cut to whole microseconds: that is what the database keeps.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(self) -> DateTime<Utc> {
        let now = self.0.unwrap_or_else(Utc::now);
        now - Duration::nanoseconds(i64::from(now.timestamp_subsec_nanos() % 1_000))
    }
}
