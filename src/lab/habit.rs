//! When a pretend device is changed, and by whom.
//!
//! Habits are what makes one device worth reading tonight and another not: the
//! forecast has to find them out from what the scans saw.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc, Weekday};
use serde::{Deserialize, Serialize};

/// How a device is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Habit {
    /// Nearly never.
    Quiet,
    /// About once a week, on any day.
    Weekly,
    /// On Fridays, before people go home.
    Fridays,
    /// In the two days after a change window, which is every second Tuesday.
    Windows,
    /// Somebody's test bed: every second or third day.
    Busy,
    /// Quiet at first, busy after some months.
    Rising,
}

/// Chances of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds {
    /// That a person changes the device by hand.
    pub by_hand: f64,
    /// That the deployment tool does.
    pub tool: f64,
}

/// A few days in which many devices of one role are touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Campaign {
    pub role: &'static str,
}

/// Every so many days there is a campaign, and it lasts so many.
const CAMPAIGN_EVERY: i64 = 37;
const CAMPAIGN_LASTS: i64 = 3;

/// The campaign that runs on the given day of the fleet's life, if one does.
pub(super) fn campaign(day: i64) -> Option<Campaign> {
    let (number, within) = (day / CAMPAIGN_EVERY, day % CAMPAIGN_EVERY);
    // Never in the first days: a fleet is born in step.
    let role = if number % 3 == 0 { "spine" } else { "leaf" };
    (number > 0 && within < CAMPAIGN_LASTS).then_some(Campaign { role })
}

impl Habit {
    /// The habit of the device that drew `lot`, from 0 to 1.
    pub fn drawn(role: &str, lot: f64) -> Self {
        let ladder: &[(f64, Self)] = match role {
            "leaf" => &[
                (0.30, Self::Quiet),
                (0.55, Self::Weekly),
                (0.70, Self::Fridays),
                (0.83, Self::Windows),
                (0.93, Self::Busy),
                (1.00, Self::Rising),
            ],
            "spine" => &[(0.50, Self::Quiet), (0.75, Self::Weekly), (1.00, Self::Windows)],
            _ => &[(0.60, Self::Quiet), (1.00, Self::Windows)],
        };
        ladder.iter().find(|(up_to, _)| lot < *up_to).map_or(Self::Quiet, |(_, habit)| *habit)
    }

    /// The chances of the day that ends at `night`, for a device of `role`.
    pub fn odds(self, role: &str, birth: DateTime<Utc>, night: DateTime<Utc>) -> Odds {
        let day = (night - birth).num_days();
        // A night's scan runs after midnight: the working day is the one before.
        let date = (night - Duration::hours(12)).date_naive();
        let mut odds = match self {
            Self::Quiet => Odds { by_hand: 0.008, tool: 0.015 },
            Self::Weekly => Odds { by_hand: 0.09, tool: 0.05 },
            Self::Fridays if date.weekday() == Weekday::Fri => Odds { by_hand: 0.65, tool: 0.10 },
            Self::Fridays => Odds { by_hand: 0.01, tool: 0.03 },
            Self::Windows if days_since_window(date) <= 2 => Odds { by_hand: 0.45, tool: 0.30 },
            Self::Windows => Odds { by_hand: 0.008, tool: 0.02 },
            Self::Busy => Odds { by_hand: 0.34, tool: 0.08 },
            Self::Rising if day > 75 => Odds { by_hand: 0.30, tool: 0.08 },
            Self::Rising => Odds { by_hand: 0.02, tool: 0.03 },
        };
        if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
            odds = Odds { by_hand: odds.by_hand * 0.3, tool: 0.0 };
        }
        if campaign(day).is_some_and(|c| c.role == role) {
            odds = Odds { by_hand: odds.by_hand.max(0.15), tool: odds.tool.max(0.40) };
        }
        odds
    }
}

/// Days since the last change window, the Tuesday of every even ISO week.
fn days_since_window(date: NaiveDate) -> i64 {
    let since_tuesday = i64::from(date.weekday().num_days_from_monday()) - 1;
    let even = date.iso_week().week().is_multiple_of(2);
    match (even, since_tuesday) {
        (true, days @ 0..) => days,
        _ => 14,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn fridays_are_fridays() {
        let birth = at("2026-01-01T02:00:00Z");
        // The scan of Saturday, 02:00 sees what Friday left.
        let friday = Habit::Fridays.odds("leaf", birth, at("2026-01-10T02:00:00Z"));
        let thursday = Habit::Fridays.odds("leaf", birth, at("2026-01-09T02:00:00Z"));
        assert!(friday.by_hand > 0.5 && thursday.by_hand < 0.05);
    }

    #[test]
    fn windows_open_every_second_tuesday() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(days_since_window(date("2026-01-06")), 0);
        assert_eq!(days_since_window(date("2026-01-08")), 2);
        assert_eq!(days_since_window(date("2026-01-13")), 14);
    }

    #[test]
    fn campaigns_come_and_go() {
        assert_eq!(campaign(1), None);
        assert_eq!(campaign(38), Some(Campaign { role: "leaf" }));
        assert_eq!(campaign(42), None);
    }

    #[test]
    fn every_lot_has_a_habit() {
        assert_eq!(Habit::drawn("leaf", 0.0), Habit::Quiet);
        assert_eq!(Habit::drawn("leaf", 0.999), Habit::Rising);
    }
}
