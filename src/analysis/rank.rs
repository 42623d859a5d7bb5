//! The scan-next list: what a session on each device is worth, and why, in
//! words an engineer would accept.

use chrono::{DateTime, Utc};

use super::forecast::{Forecast, Hint, Sisters, Subject};
use crate::model::SignalKind;
use crate::model::finding::{Basis, Direction, Ranking};

/// Ranks devices, best first. `forecasts` stand in the order of `subjects`.
///
/// The score is the gain in freshness for one more session (see
/// [`super::grid::worth`]) times the device's importance. It is not the probability:
/// a device that changes every hour is not worth a session, because it will
/// have changed again by breakfast. Devices never read stand first.
pub fn rank(subjects: &[Subject], forecasts: &[Forecast], as_of: DateTime<Utc>) -> Vec<Ranking> {
    let mut rankings: Vec<Ranking> =
        subjects.iter().zip(forecasts).map(|(subject, forecast)| one(subject, forecast, as_of)).collect();
    rankings.sort_by(|a, b| {
        let known = |ranking: &Ranking| ranking.last_good_scan.is_some();
        known(a).cmp(&known(b)).then(b.score.total_cmp(&a.score)).then_with(|| a.device.cmp(&b.device))
    });
    rankings
}

fn one(subject: &Subject, forecast: &Forecast, as_of: DateTime<Utc>) -> Ranking {
    const DAYS: f64 = 30.0;
    let importance = if subject.importance.is_finite() { subject.importance.max(0.0) } else { 1.0 };
    Ranking {
        device_id: subject.id,
        device: subject.name.clone(),
        role: subject.role.clone(),
        site: subject.site.clone(),
        p_change: forecast.p_change,
        p_drift: forecast.p_drift,
        rate_per_30_days: forecast.rate * DAYS,
        rate_low: forecast.rate_low * DAYS,
        rate_high: forecast.rate_high * DAYS,
        median_days_to_next: forecast.median_days_to_next,
        next_low: forecast.next_low,
        next_high: forecast.next_high,
        share_of_data: forecast.own,
        last_good_scan: forecast.last_good_scan,
        score: importance * forecast.worth,
        reason: reason(subject, forecast, as_of),
        basis: forecast.basis,
        trend: forecast.trend,
        scans: forecast.scans,
        changed: forecast.changed,
        imported: forecast.imported,
        slope_30_days: forecast.slope_30_days,
    }
}

/// How often, how long ago, and what the estimate rests on.
fn reason(subject: &Subject, forecast: &Forecast, as_of: DateTime<Utc>) -> String {
    let Some(last) = forecast.last_good_scan else {
        return match forecast.imported {
            0 => "never read".to_owned(),
            _ => format!("never read; by its imported history it {}", often(forecast.rate * 30.0)),
        };
    };
    let read = format!("last read {}", ago(as_of, last));
    if let Some(hint) = forecast.hint {
        return format!("{}; {read}", hint.told(as_of));
    }
    if let Some(sisters) = forecast.sisters {
        return format!("{} in the last day; {read}", sisters.told(&subject.role));
    }
    if forecast.basis == Basis::Prior {
        let judged = match (forecast.peers, subject.role.as_str()) {
            (0, _) => "nothing like it to judge by".to_owned(),
            (1, "") => "judged by one other device".to_owned(),
            (n, "") => format!("judged by {n} other devices"),
            (1, role) => format!("judged by one other {role}"),
            (n, role) => format!("judged by {n} other devices of role {role}"),
        };
        return format!("too little history, {judged}; {read}");
    }
    let often = if forecast.changed + forecast.imported == 0 {
        format!("no change seen in {} readings", forecast.scans)
    } else {
        often(forecast.rate * 30.0)
    };
    let trend = match forecast.trend.direction {
        Direction::Rising => ", more often lately",
        Direction::Falling => ", less often lately",
        Direction::Steady | Direction::Unclear => "",
    };
    format!("{often}{trend}, {read}")
}

impl Hint {
    /// "its log said 3 hours ago that it was changed, a change with a chance of 83 %".
    fn told(self, as_of: DateTime<Utc>) -> String {
        let when = ago(as_of, self.at);
        let what = match self.kind {
            SignalKind::Syslog => format!("its log said {when} that it was changed"),
            SignalKind::CommitLog => format!("its commit log had a new entry {when}"),
            SignalKind::FailedDeploy => format!("it refused a deploy {when}"),
            SignalKind::Deploy => format!("our own tool deployed to it {when}"),
        };
        let others = match self.signals {
            0 | 1 => String::new(),
            n => format!(", one of {n} signals since it was read"),
        };
        let sure = (100.0 * self.real).round().clamp(1.0, 99.0);
        format!("{what}{others}, a change with a chance of {sure} %")
    }
}

impl Sisters {
    /// "11 of its 14 sister leaves changed".
    pub(super) fn told(self, role: &str) -> String {
        let Self { read, changed } = self;
        match role {
            "" => format!("{changed} of {read} devices like it changed"),
            role => format!("{changed} of its {read} sister {} changed", plural(role)),
        }
    }
}

/// The plural of a role, where it is an English word; else devices of it.
fn plural(role: &str) -> String {
    let word = role.chars().all(|c| c.is_ascii_lowercase());
    match role.strip_suffix("leaf") {
        Some(stem) if word => format!("{stem}leaves"),
        _ if word && !role.ends_with(['s', 'x', 'y']) => format!("{role}s"),
        _ => format!("devices of role {role}"),
    }
}

/// A rate per 30 days, in the unit that people would choose.
fn often(rate: f64) -> String {
    let count = |n: f64, unit: &str| match n.round() {
        n if n <= 1.0 => format!("changes about once a {unit}"),
        n => format!("changes about {n} times a {unit}"),
    };
    if rate >= 60.0 {
        count(rate / 30.0, "day")
    } else if rate >= 0.75 {
        count(rate, "month")
    } else if rate >= 0.12 {
        format!("changes about once in {} months", (1.0 / rate).round())
    } else {
        "changes less than once in 8 months".to_owned()
    }
}

pub(super) fn ago(as_of: DateTime<Utc>, then: DateTime<Utc>) -> String {
    let hours = (as_of - then).num_hours().max(0);
    match hours {
        0 => "less than an hour ago".to_owned(),
        1 => "an hour ago".to_owned(),
        2..36 => format!("{hours} hours ago"),
        _ => format!("{} days ago", (hours + 12) / 24),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::super::forecast::Settings;
    use super::super::frequency::tests::{Scan, day, history};
    use super::super::outlook;
    use super::*;
    use crate::model::DeviceName;

    fn subject(id: i64, name: &str, importance: f64) -> Subject {
        let name = DeviceName::new(name).unwrap();
        Subject {
            id,
            name,
            role: "leaf".to_owned(),
            platform: String::new(),
            site: "fra".to_owned(),
            importance,
        }
    }

    fn ranked(subjects: &[Subject], scans: &[Scan], now: f64) -> Vec<Ranking> {
        outlook(&history(scans), &[], subjects, day(now), &Settings::default()).unwrap().rankings
    }

    #[test]
    fn the_reasons_are_those_of_an_engineer() {
        let mut scans: Vec<Scan> =
            (0..90).map(|night| (1, f64::from(night), night % 3 == 1, false)).collect();
        scans.extend((0..90).map(|night| (2, f64::from(night), false, false)));
        scans.push((3, 89.9, false, false));
        let subjects = [
            subject(1, "busy", 1.0),
            subject(2, "calm", 1.0),
            subject(3, "new", 1.0),
            subject(4, "unseen", 1.0),
        ];
        let list = ranked(&subjects, &scans, 98.0);
        let reason = |name: &str| list.iter().find(|r| r.device.as_str() == name).unwrap().reason.clone();
        assert_eq!(list[0].device.as_str(), "unseen");
        assert_eq!(reason("unseen"), "never read");
        assert_eq!(reason("busy"), "changes about 12 times a month, last read 9 days ago");
        assert_eq!(reason("calm"), "no change seen in 90 readings, last read 9 days ago");
        assert_eq!(
            reason("new"),
            "too little history, judged by 2 other devices of role leaf; last read 8 days ago"
        );
        assert_eq!(list[0].p_change.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn importance_and_age_move_a_device_up_and_hopeless_ones_stay_down() {
        let mut scans: Vec<Scan> = (0..60).map(|night| (1, f64::from(night), true, false)).collect();
        scans.extend((0..60).map(|night| (2, f64::from(night), night % 6 == 1, false)));
        let names = |list: &[Ranking]| list.iter().map(|r| r.device.as_str().to_owned()).collect::<Vec<_>>();
        let subjects = [subject(1, "hopeless", 1.0), subject(2, "useful", 1.0)];
        let list = ranked(&subjects, &scans, 65.0);
        assert_eq!(names(&list), ["useful", "hopeless"]);
        assert!(list[1].p_change > list[0].p_change);
        let weighed = [subject(1, "hopeless", 50.0), subject(2, "useful", 1.0)];
        assert_eq!(names(&ranked(&weighed, &scans, 65.0)), ["hopeless", "useful"]);
    }

    #[test]
    fn sisters_in_words() {
        let told = |role| Sisters { read: 14, changed: 11 }.told(role);
        assert_eq!(told("leaf"), "11 of its 14 sister leaves changed");
        assert_eq!(told("spine"), "11 of its 14 sister spines changed");
        assert_eq!(told("pe-2"), "11 of its 14 sister devices of role pe-2 changed");
        assert_eq!(told(""), "11 of 14 devices like it changed");
    }

    #[test]
    fn rates_in_words() {
        assert_eq!(often(9.2), "changes about 9 times a month");
        assert_eq!(often(90.0), "changes about 3 times a day");
        assert_eq!(often(1.0), "changes about once a month");
        assert_eq!(often(0.25), "changes about once in 4 months");
        assert_eq!(often(0.01), "changes less than once in 8 months");
    }
}
