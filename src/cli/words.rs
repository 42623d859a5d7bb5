//! Times as people read them on a terminal.

use chrono::{DateTime, Utc};

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
