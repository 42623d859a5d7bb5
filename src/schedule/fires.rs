//! When a schedule fires: cron lines in real time zones, on the days on which
//! clocks change too.
//!
//! A line with a time of day (`30 2 * * *`, `30 2,14 * * *`) means that time
//! once a day: where the clock skips it, it fires at the end of the gap; where
//! it comes twice, the first time. A line with a wildcard for the hour means an
//! interval, and follows the time that really passes.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

use crate::config::Schedule;

/// The longest gap that a zone ever had is a day, when a country crossed the
/// date line.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;

/// The first fire after `after`, without jitter. `None`: it never fires again.
pub fn next_fire(schedule: &Schedule, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = schedule.cron.cron();
    let here = after.with_timezone(&schedule.zone);
    if schedule.cron.is_interval() {
        return cron.find_next_occurrence(&here, false).ok().map(|next| next.with_timezone(&Utc));
    }
    // The line is asked in wall-clock time, as if there were no zones. What it
    // says never goes back when it is put on the real time line, so the first
    // that lies ahead is the next.
    let mut wall = here.naive_local();
    loop {
        wall = cron.find_next_occurrence(&wall.and_utc(), false).ok()?.naive_utc();
        let fire = first_instant(schedule.zone, wall)?;
        if fire > after {
            return Some(fire);
        }
    }
}

/// The newest fire up to `until`, without jitter.
pub fn newest_fire(schedule: &Schedule, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = schedule.cron.cron();
    let here = until.with_timezone(&schedule.zone);
    if schedule.cron.is_interval() {
        return cron.find_previous_occurrence(&here, true).ok().map(|fire| fire.with_timezone(&Utc));
    }
    // In an hour that comes twice, what the clock shows now may be earlier than
    // what it showed when the line fired.
    let mut wall = here.naive_local() + Duration::minutes(LONGEST_GAP_MINUTES);
    loop {
        wall = cron.find_previous_occurrence(&wall.and_utc(), false).ok()?.naive_utc();
        if let Some(fire) = first_instant(schedule.zone, wall).filter(|fire| *fire <= until) {
            return Some(fire);
        }
    }
}

/// The first moment at which a clock in `zone` shows `wall` or, if it skips
/// that, a later time.
fn first_instant(zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    (0..=LONGEST_GAP_MINUTES)
        .find_map(|minutes| match zone.from_local_datetime(&(wall + Duration::minutes(minutes))) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at),
            LocalResult::None => None,
        })
        .map(|at| at.with_timezone(&Utc))
}

/// By how much this installation starts later than the line says. The same for
/// every fire, so that no two change places; `installation` is any text that
/// differs between machines.
pub fn jitter(schedule: &Schedule, installation: &str) -> Duration {
    let seconds = u64::from(schedule.jitter_minutes) * 60;
    if seconds == 0 {
        return Duration::zero();
    }
    let digest = Sha256::digest(format!("{installation}\n{}", schedule.name));
    let number = digest[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Duration::seconds(i64::try_from(number % seconds).unwrap_or(0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{CronLine, Job, Misfire};

    pub(in crate::schedule) fn nightly(cron: &str, zone: Tz) -> Schedule {
        Schedule {
            name: "nightly".to_owned(),
            job: Job::Nightly,
            cron: CronLine::parse(cron).unwrap(),
            zone,
            jitter_minutes: 0,
            misfire: Misfire::CatchUp,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn fires(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
        std::iter::successors(next_fire(schedule, at(from)), |fire| next_fire(schedule, *fire))
            .take_while(|fire| *fire < at(to))
            .map(|fire| fire.with_timezone(&schedule.zone).format("%d %H:%M %z").to_string())
            .collect()
    }

    #[test]
    fn clock_changes_neither_lose_nor_double_a_time_of_day() {
        let berlin = |cron: &str, from: &str, to: &str| fires(&nightly(cron, Tz::Europe__Berlin), from, to);
        let (spring, summer) = ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
        let (autumn, winter) = ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(berlin("30 2 * * *", spring, summer), ["29 03:00 +0200"]);
        assert_eq!(berlin("30 2 * * *", autumn, winter), ["25 02:30 +0200"]);
        // Lists are times of day too; what falls into one gap is one fire.
        assert_eq!(berlin("0,30 2 * * *", spring, summer), ["29 03:00 +0200"]);
        assert_eq!(berlin("30 2,4 * * *", autumn, winter), ["25 02:30 +0200", "25 04:30 +0100"]);
        // An interval follows the hours that pass.
        assert_eq!(berlin("30 * * * *", "2026-10-24T23:45:00Z", "2026-10-25T03:00:00Z").len(), 3);
        assert_eq!(berlin("*/30 * * * *", "2026-03-29T00:10:00Z", "2026-03-29T02:10:00Z").len(), 4);
        // Midnight that does not exist, and half an hour that comes twice.
        let cairo = nightly("0 0 * * *", Tz::Africa__Cairo);
        assert_eq!(fires(&cairo, "2026-04-23T12:00:00Z", "2026-04-24T12:00:00Z"), ["24 01:00 +0300"]);
        let howe = nightly("45 1 * * *", Tz::Australia__Lord_Howe);
        assert_eq!(fires(&howe, "2026-04-04T02:00:00Z", "2026-04-05T02:00:00Z"), ["05 01:45 +1100"]);
    }

    #[test]
    fn some_lines_never_fire() {
        assert_eq!(next_fire(&nightly("0 2 30 2 *", Tz::UTC), at("2026-01-01T00:00:00Z")), None);
        let leap = nightly("0 2 29 2 *", Tz::UTC);
        assert_eq!(next_fire(&leap, at("2026-01-01T00:00:00Z")), Some(at("2028-02-29T02:00:00Z")));
    }

    #[test]
    fn jitter_is_fixed_bounded_and_differs_between_machines() {
        let schedule = Schedule { jitter_minutes: 30, ..nightly("0 2 * * *", Tz::UTC) };
        let of = |machine: &str| jitter(&schedule, machine);
        assert_eq!(of("a"), of("a"));
        let all: std::collections::BTreeSet<_> = (0..50).map(|n| of(&n.to_string())).collect();
        assert!(all.len() > 40 && all.iter().all(|late| (0..1_800).contains(&late.num_seconds())));
        assert_eq!(jitter(&nightly("0 2 * * *", Tz::UTC), "a"), Duration::zero());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Every local date has its time of day once, in every zone.
        #[test]
        fn a_time_of_day_comes_once_a_local_day(
            zone in 0..chrono_tz::TZ_VARIANTS.len(), hour in 0_u32..24, minute in 0_u32..60, year in 2015_i32..2035,
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let schedule = nightly(&format!("{minute} {hour} * * *"), zone);
            let start = Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap();
            let end = Utc.with_ymd_and_hms(year + 1, 1, 1, 0, 0, 0).unwrap();
            let mut dates = Vec::new();
            let mut now = start;
            while let Some(fire) = next_fire(&schedule, now).filter(|fire| *fire < end) {
                prop_assert!(fire > now);
                prop_assert_eq!(newest_fire(&schedule, fire), Some(fire));
                prop_assert_eq!(newest_fire(&schedule, fire - Duration::seconds(1)), dates.last().map(|_| now).or(newest_fire(&schedule, start)));
                dates.push(fire.with_timezone(&zone).date_naive());
                now = fire;
            }
            prop_assert!(dates.len() >= 364, "{} {}", zone, dates.len());
            for pair in dates.windows(2) {
                prop_assert_eq!(pair[1], pair[0].succ_opt().unwrap(), "{}", zone);
            }
        }
    }
}
