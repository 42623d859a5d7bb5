//! Questions that people ask every month, answered from what is stored: how
//! often are devices changed by hand, how late do we learn of it, what does a
//! reading cost. Each answer has its period and its 90 % interval.
//!
//! What is counted are occasions and not lines: one reading that finds sixty
//! changed interfaces of one device found one occasion.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::cause::Accounts;
use super::reconcile::{Attribution, by_way};
use super::summary::Estimate;
use crate::model::device::DeviceId;
use crate::model::{Cause, Change};

/// The 95 % quantile of the standard normal distribution.
const Z: f64 = 1.644_853_626_951_472_7;
const WEEK_SECONDS: i64 = 7 * 86_400;

/// Who makes changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ByHand {
    /// Occasions in the period, each in exactly one of these three.
    pub by_hand: u64,
    pub by_tool: u64,
    /// The device keeps no log, or the log had rotated.
    pub not_known: u64,
    /// Devices and people behind `by_hand`.
    pub devices: u64,
    pub people: u64,
    /// Occasions by hand a week, of those whose writer is known.
    pub per_week: Estimate,
    /// The same if everything that is not known was done by hand: no more than this.
    pub at_most_per_week: f64,
}

/// How long after a change we learned of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Delay {
    pub occasions: u64,
    /// Median days from a change to the reading that found it, if changes
    /// come evenly between two readings: half the time between them.
    pub median_days: Estimate,
    /// Nine in ten were known within so many days at the latest.
    pub nine_in_ten_days: f64,
}

struct Occasion<'a> {
    device: DeviceId,
    until: DateTime<Utc>,
    days: f64,
    cause: Cause,
    who: BTreeSet<&'a str>,
}

/// Changes of one device that one reading found. By hand if any of them was.
fn occasions<'a>(changes: &'a [(DeviceId, Change)], accounts: &Accounts) -> Vec<Occasion<'a>> {
    let mut found: BTreeMap<(DeviceId, i64), Occasion<'a>> = BTreeMap::new();
    for (device, change) in changes {
        let by = Attribution {
            who: change.who.clone(),
            via: change.via.clone(),
            cause: by_way(change.via.as_deref()),
        };
        let cause = match accounts.cause(&by) {
            Cause::Manual | Cause::Emergency => Cause::Manual,
            Cause::Tool | Cause::UnrecordedDeploy => Cause::Tool,
            Cause::Historical | Cause::Unknown => Cause::Unknown,
        };
        let one = found.entry((*device, change.until.timestamp())).or_insert_with(|| Occasion {
            device: *device,
            until: change.until,
            days: 0.0,
            cause: Cause::Tool,
            who: BTreeSet::new(),
        });
        one.days = one.days.max((change.until - change.after).num_seconds().max(0) as f64 / 86_400.0);
        one.cause = match (one.cause, cause) {
            (Cause::Manual, _) | (_, Cause::Manual) => Cause::Manual,
            (Cause::Unknown, _) | (_, Cause::Unknown) => Cause::Unknown,
            _ => Cause::Tool,
        };
        if cause == Cause::Manual {
            one.who.extend(change.who.iter().flat_map(|who| who.split(", ")));
        }
    }
    found.into_values().collect()
}

/// How often devices are changed by hand, from `since` to `until`. `None`
/// before a week is over. `changes`: those that were found in that time.
pub fn by_hand(
    changes: &[(DeviceId, Change)],
    accounts: &Accounts,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Option<ByHand> {
    let seconds = (until - since).num_seconds();
    if seconds < WEEK_SECONDS {
        return None;
    }
    let weeks = seconds as f64 / WEEK_SECONDS as f64;
    let all = occasions(changes, accounts);
    let of = |cause| all.iter().filter(move |o| o.cause == cause);
    let hands: Vec<&Occasion<'_>> = of(Cause::Manual).collect();
    let not_known = of(Cause::Unknown).count() as u64;
    let mut by_week = vec![0.0; (seconds / WEEK_SECONDS) as usize];
    for one in &hands {
        let week = (until - one.until).num_seconds().div_euclid(WEEK_SECONDS);
        if let Some(n) = usize::try_from(week).ok().and_then(|week| by_week.get_mut(week)) {
            *n += 1.0;
        }
    }
    let n = hands.len() as f64;
    let (low, high) = count_interval(n, spread(&by_week));
    Some(ByHand {
        by_hand: hands.len() as u64,
        by_tool: of(Cause::Tool).count() as u64,
        not_known,
        devices: hands.iter().map(|o| o.device).collect::<BTreeSet<_>>().len() as u64,
        people: hands.iter().flat_map(|o| &o.who).collect::<BTreeSet<_>>().len() as u64,
        per_week: Estimate { mid: n / weeks, low: low / weeks, high: high / weeks },
        at_most_per_week: (n + not_known as f64) / weeks,
    })
}

/// How much more weekly counts vary than if nothing came together: variance by
/// mean, at least 1. One person changing forty devices on one evening makes it large.
fn spread(weeks: &[f64]) -> f64 {
    let n = weeks.len() as f64;
    let mean = weeks.iter().sum::<f64>() / n.max(1.0);
    if weeks.len() < 4 || mean <= 0.0 {
        return 1.0;
    }
    (weeks.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / mean).max(1.0)
}

/// The 90 % interval of an expected count (Byar's approximation, as in Breslow
/// and Day, 1987), widened by what comes together.
fn count_interval(n: f64, spread: f64) -> (f64, f64) {
    let n = n / spread;
    let edge = |n: f64, z: f64| n * (1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt())).powi(3);
    let low = if n > 0.0 { edge(n, -Z).max(0.0) } else { 0.0 };
    (low * spread, edge(n + 1.0, Z) * spread)
}

/// How late changes were known. `None` without any.
pub fn delay(changes: &[(DeviceId, Change)], accounts: &Accounts) -> Option<Delay> {
    let mut days: Vec<f64> = occasions(changes, accounts).iter().map(|o| o.days).collect();
    days.sort_by(f64::total_cmp);
    let n = days.len();
    let at = |rank: f64| days.get((rank.max(0.0) as usize).min(n.saturating_sub(1))).copied();
    // The interval of a median by ranks: distribution-free.
    let (middle, half) = ((n as f64 - 1.0) / 2.0, Z * (n as f64).sqrt() / 2.0);
    Some(Delay {
        occasions: n as u64,
        median_days: Estimate {
            mid: at(middle)? / 2.0,
            low: at((middle - half).floor())? / 2.0,
            high: at((middle + half).ceil())? / 2.0,
        },
        nine_in_ten_days: at((n as f64 * 0.9).ceil() - 1.0)?,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use chrono::{Duration, TimeZone as _};

    use super::*;
    use crate::analysis::cause::Settings;
    use crate::model::{ChangeKind, FactKey, Kind};

    fn change(device: DeviceId, day: i64, who: Option<&str>, via: &str) -> (DeviceId, Change) {
        let until = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + Duration::days(day);
        let change = Change {
            key: FactKey::new(Kind::Interface, "x"),
            kind: ChangeKind::Added,
            fields: vec![],
            after: until - Duration::days(4),
            until,
            who: who.map(str::to_owned),
            via: who.map(|_| via.to_owned()),
        };
        (device, change)
    }

    #[test]
    fn occasions_and_not_lines_are_counted() {
        let accounts = Accounts::new(&Settings::default()).unwrap();
        let changes = [
            change(1, 10, Some("anna"), "cli"),
            change(1, 10, Some("anna"), "cli"),
            change(2, 10, Some("svc"), "netconf"),
            change(3, 12, None, ""),
        ];
        let start = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let said = by_hand(&changes, &accounts, start, start + Duration::days(28)).unwrap();
        assert_eq!((said.by_hand, said.by_tool, said.not_known), (1, 1, 1));
        assert_eq!((said.devices, said.people), (1, 1));
        assert!((said.per_week.mid - 0.25).abs() < 1e-9);
        assert!(said.per_week.low < 0.25 && said.per_week.high > 0.25);
        assert!((said.at_most_per_week - 0.5).abs() < 1e-9);
        let late = delay(&changes, &accounts).unwrap();
        assert_eq!(late.occasions, 3);
        assert!((late.median_days.mid - 2.0).abs() < 1e-9 && (late.nine_in_ten_days - 4.0).abs() < 1e-9);
        assert_eq!(by_hand(&changes, &accounts, start, start + Duration::days(3)), None);
        assert_eq!(delay(&[], &accounts), None);
    }

    #[test]
    fn intervals_of_counts_as_in_tables() {
        // Exact Poisson 90 % limits: 10 → 5.43 to 16.96; 0 → 0 to 3.00.
        let (low, high) = count_interval(10.0, 1.0);
        assert!((low - 5.43).abs() < 0.05 && (high - 16.96).abs() < 0.05, "{low} {high}");
        let (low, high) = count_interval(0.0, 1.0);
        assert!(low == 0.0 && (high - 3.0).abs() < 0.15, "{high}");
        let (low, high) = count_interval(40.0, 4.0);
        assert!(low < 24.0 && high > 60.0, "what comes together widens it: {low} {high}");
    }
}
