use chrono::TimeZone as _;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::super::fires::tests::nightly;
use super::*;

/// A scheduler without a store: carries out what is due, and says what ran.
struct Keeper {
    schedule: Schedule,
    standing: Standing,
    ran: Vec<(DateTime<Utc>, u32)>,
    skipped: u32,
}

impl Keeper {
    fn new(schedule: Schedule, now: DateTime<Utc>) -> Self {
        let mut keeper = Self { schedule, standing: Standing::default(), ran: Vec::new(), skipped: 0 };
        keeper.tick(now);
        keeper
    }

    fn tick(&mut self, now: DateTime<Utc>) {
        for _ in 0..10 {
            match due(&self.schedule, &self.standing, "here", now) {
                None => return,
                Some(Due::Arm { from }) => self.standing.mark = Some(from),
                Some(Due::Run { slot, missed, late, .. }) => {
                    assert!(late >= Duration::zero(), "{slot} is early by {late}");
                    self.standing = Standing { mark: Some(slot), open: None };
                    self.ran.push((slot, missed));
                }
                Some(Due::Skip { slot, missed }) => {
                    self.standing.mark = Some(slot);
                    self.skipped += missed;
                }
                Some(Due::Abandon { .. }) => self.standing.open = None,
            }
        }
        panic!("it never comes to rest");
    }

    /// Every slot of `from..to` ran once, none was left to another.
    fn each_once(&self, from: DateTime<Utc>, to: DateTime<Utc>) {
        let meant: Vec<_> =
            std::iter::successors(next_fire(&self.schedule, from), |slot| next_fire(&self.schedule, *slot))
                .take_while(|slot| *slot <= to)
                .map(|slot| (slot, 0))
                .collect();
        assert_eq!(self.ran, meant, "{} {}", self.schedule.zone, self.schedule.cron);
    }
}

const ZONES: [Tz; 4] =
    [Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Asia__Kolkata];

/// Noon before each of the two clock changes of 2026 in that zone (of India: any day).
fn eves(zone: Tz) -> [DateTime<Utc>; 2] {
    let [a, b] = match zone {
        Tz::America__New_York => [(3, 7), (10, 31)],
        Tz::Australia__Lord_Howe => [(4, 4), (10, 3)],
        _ => [(3, 28), (10, 24)],
    };
    [a, b].map(|(month, day)| zone.with_ymd_and_hms(2026, month, day, 12, 0, 0).unwrap().with_timezone(&Utc))
}

/// Four zones, both days, a jump at each quarter of an hour of the night by an
/// hour, a day or to 1970, there and back: each nightly run exactly once.
#[test]
fn each_night_once_whatever_the_clock_does() {
    let jumps: [&dyn Fn(DateTime<Utc>) -> DateTime<Utc>; 6] = [
        &|now| now,
        &|now| now + Duration::hours(1),
        &|now| now - Duration::hours(1),
        &|now| now + Duration::days(1),
        &|now| now - Duration::days(1),
        &|now| DateTime::UNIX_EPOCH + Duration::seconds(now.timestamp() % 86_400),
    ];
    for zone in ZONES {
        for cron in ["30 2 * * *", "0 0 * * *", "15 1 * * *", "30 1,2 * * *"] {
            for start in eves(zone) {
                for (ahead_a_day, jump) in jumps.iter().enumerate().map(|(n, jump)| (n == 3, jump)) {
                    for begins in (0..96).step_by(9) {
                        let mut keeper = Keeper::new(nightly(cron, zone), start);
                        // Four days of ticks, every ten minutes; the clock is wrong for three hours.
                        let end = start + Duration::days(4);
                        let wrong = start + Duration::minutes(15 * begins);
                        let mut now = start;
                        while now <= end {
                            let off = now >= wrong && now < wrong + Duration::hours(3);
                            keeper.tick(if off { jump(now) } else { now });
                            now += Duration::minutes(10);
                        }
                        // A day ahead at the very moment of a fire passes two
                        // nights at once, and one run makes up for both: then it
                        // says so, and still none is lost or run twice.
                        let slots: u32 = keeper.ran.iter().map(|(_, missed)| missed + 1).sum();
                        let mut distinct: Vec<_> = keeper.ran.iter().map(|(slot, _)| *slot).collect();
                        distinct.dedup();
                        assert_eq!(distinct.len(), keeper.ran.len(), "doubled: {:?}", keeper.ran);
                        let meant = std::iter::successors(next_fire(&keeper.schedule, start), |slot| {
                            next_fire(&keeper.schedule, *slot)
                        });
                        assert_eq!(slots as usize, meant.take_while(|slot| *slot <= end).count());
                        if !ahead_a_day && cron != "30 1,2 * * *" {
                            keeper.each_once(start, end);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_clock_that_stays_wrong_does_not_stop_the_nights() {
    let start = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let mut keeper = Keeper::new(nightly("0 2 * * *", Tz::UTC), start);
    // A year ahead for an hour: one run too many, and then the usual ones.
    keeper.tick(start + Duration::days(365));
    for hour in 1..=240 {
        keeper.tick(start + Duration::hours(hour));
    }
    assert_eq!(keeper.ran.len(), 11, "{:?}", keeper.ran);
    // Not set at all: nothing begins, and nothing is forgotten.
    let mut fresh = Keeper::new(nightly("0 2 * * *", Tz::UTC), DateTime::UNIX_EPOCH);
    assert_eq!(fresh.standing, Standing::default());
    fresh.tick(start);
    fresh.tick(start + Duration::days(1));
    fresh.each_once(start, start + Duration::days(1));
}

#[test]
fn what_was_slept_through_is_made_up_for_once_or_left_out() {
    let start = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
    let awake = start + Duration::days(5);
    let newest = awake - Duration::hours(10);
    let mut keeper = Keeper::new(nightly("0 2 * * *", Tz::UTC), start);
    keeper.tick(awake);
    keeper.tick(awake + Duration::hours(1));
    assert_eq!(keeper.ran, [(newest, 4)]);

    let skipping = Schedule { misfire: Misfire::Skip, ..nightly("0 2 * * *", Tz::UTC) };
    let mut keeper = Keeper::new(skipping.clone(), start);
    keeper.tick(awake);
    assert_eq!((keeper.ran.len(), keeper.skipped), (0, 5));
    // In time for the newest: that one runs.
    let mut keeper = Keeper::new(skipping, start);
    keeper.tick(newest + Duration::minutes(10));
    assert_eq!(keeper.ran, [(newest, 4)]);
}

#[test]
fn a_run_that_was_cut_off_is_repeated_once() {
    let schedule = nightly("0 2 * * *", Tz::UTC);
    let slot = Utc.with_ymd_and_hms(2026, 6, 1, 2, 0, 0).unwrap();
    let asked = |schedule: &Schedule, attempt, hours| {
        let standing = Standing { mark: Some(slot), open: Some((slot, attempt)) };
        due(schedule, &standing, "here", slot + Duration::hours(hours))
    };
    let late = Duration::hours(1);
    assert_eq!(asked(&schedule, 1, 1), Some(Due::Run { slot, attempt: 2, missed: 0, late }));
    assert_eq!(asked(&schedule, 2, 1), Some(Due::Abandon { slot }));
    // The next night has come: it makes up for both.
    assert_eq!(asked(&schedule, 1, 25), Some(Due::Abandon { slot }));
    let skipping = Schedule { misfire: Misfire::Skip, ..schedule };
    assert_eq!(asked(&skipping, 1, 1), Some(Due::Abandon { slot }));
}

#[test]
fn years_of_minutes_are_counted_up_to_a_limit() {
    let schedule = nightly("* * * * *", Tz::UTC);
    let mark = Utc.with_ymd_and_hms(2026, 6, 1, 2, 0, 0).unwrap();
    let now = mark + Duration::days(2_000);
    let Some(Due::Run { slot, missed, .. }) =
        due(&schedule, &Standing { mark: Some(mark), open: None }, "here", now)
    else {
        panic!("expected a run");
    };
    assert_eq!((slot, missed), (now, 999));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Ticks at any moments of ten weeks, with jitter: slots run in order, none
    /// twice, none early, and those that ran or were made up for are all.
    #[test]
    fn no_slot_is_lost_or_doubled(
        zone in 0..ZONES.len(), hour in 0_u32..24, jitter in 0_u32..120,
        mut ticks in proptest::collection::vec(0_i64..70 * 1_440, 1..150),
    ) {
        let schedule = Schedule { jitter_minutes: jitter, ..nightly(&format!("30 {hour} * * *"), ZONES[zone]) };
        let start = Utc.with_ymd_and_hms(2026, 3, 1, 0, 0, 0).unwrap();
        ticks.sort_unstable();
        let mut keeper = Keeper::new(schedule.clone(), start);
        for tick in &ticks {
            keeper.tick(start + Duration::minutes(*tick));
        }
        prop_assert!(keeper.ran.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let until = start + Duration::minutes(*ticks.last().unwrap()) - super::jitter(&schedule, "here");
        let meant = std::iter::successors(next_fire(&schedule, start), |slot| next_fire(&schedule, *slot));
        let slots: u32 = keeper.ran.iter().map(|(_, missed)| missed + 1).sum();
        prop_assert_eq!(slots as usize, meant.take_while(|slot| *slot <= until).count());
    }
}
