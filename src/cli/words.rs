//! Times as people read them on a terminal.

use chrono::{DateTime, Utc};

use crate::analysis::Honesty;
use crate::analysis::honesty::Measured;

/// `2026-11-23 02:10`, in UTC.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// How long before `now`: `40 min ago`, `9 h ago`, `12 days ago`.
pub(crate) fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let minutes = (now - at).num_minutes();
    match minutes {
        ..1 => "just now".to_owned(),
        1..90 => format!("{minutes} min ago"),
        90..2_880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1_440),
    }
}

/// Who acts, as the login environment says it; for the audit trail.
pub(crate) fn who() -> String {
    #[expect(clippy::disallowed_methods, reason = "who acts is said by the login environment")]
    let said = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    said.filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// Seconds as people say them: `40 min`, `9 h`, `12 days`.
pub(crate) fn span(seconds: u64) -> String {
    match seconds / 60 {
        0 => format!("{seconds} s"),
        minutes @ 1..90 => format!("{minutes} min"),
        minutes @ 90..2_880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1_440),
    }
}

/// What the forecasts were worth, in one sentence with its ranges.
pub(crate) fn honesty(honesty: &Honesty) -> String {
    let skill = |skill: Option<Measured>| {
        let Some(Measured { value, low, high }) = skill else { return "not known".to_owned() };
        match (low, high) {
            (Some(low), Some(high)) => format!("{value:.2} (90 %: {low:.2} to {high:.2})"),
            _ => format!("{value:.2} (too few nights for a range)"),
        }
    };
    format!(
        "Forecasts, judged on {} scans of {} nights that chance chose, {} to {}: skill {} against one rate for the whole fleet, \
         {} against each device's own rate (1 is perfect, 0 no better); said {:.1} % on average, {:.1} % had changed, \
         off by {:.1} points on average; Brier score {:.3}, log loss {:.3}.",
        honesty.observations,
        honesty.nights,
        honesty.since.format("%Y-%m-%d"),
        honesty.until.format("%Y-%m-%d"),
        skill(honesty.skill_fleet),
        skill(honesty.skill_own),
        100.0 * honesty.said,
        100.0 * honesty.happened.value,
        100.0 * honesty.calibration_error,
        honesty.brier.value,
        honesty.log_loss.value,
    )
}
