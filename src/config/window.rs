//! When devices may be read: `[[window]]`.
//!
//! A device that no window speaks of may be read at any time. One that some
//! windows speak of may be read while one of them is open. Hours are those of
//! a zone's clocks, so a window that an hour is lost from or added to, on two
//! nights a year, is as much shorter or longer.

use std::fmt;

use chrono::{DateTime, Datelike as _, Duration, NaiveTime, Timelike as _, Utc, Weekday};
use chrono_tz::Tz;
use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::model::Device;

/// One window: whom it is about, and when it is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// For messages.
    pub name: String,
    /// Whom it is about: each list that is not empty must have one that fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<Pattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub site: Vec<Pattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub role: Vec<Pattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platform: Vec<Pattern>,
    /// The days on which it opens; every day, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Days>,
    pub hours: Hours,
    pub zone: Zone,
}

impl Window {
    pub fn is_about(&self, device: &Device) -> bool {
        let fits = |list: &[Pattern], text: &str| {
            list.is_empty() || list.iter().any(|pattern| pattern.0.is_match(text))
        };
        fits(&self.device, device.name.as_str())
            && fits(&self.site, &device.site)
            && fits(&self.role, &device.role)
            && fits(&self.platform, &device.platform)
    }

    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        let local = now.with_timezone(&self.zone.0);
        let (today, time) = (local.weekday(), local.time());
        let opens = |day: Weekday| self.days.is_empty() || self.days.iter().any(|days| days.has(day));
        let Hours { from, until } = self.hours;
        if from < until {
            return opens(today) && from <= time && time < until;
        }
        // Over midnight, or all day long: it belongs to the day on which it opens.
        (opens(today) && from <= time) || (opens(today.pred()) && time < until)
    }

    /// The next minute in which it is open, within eight days.
    pub fn next_opening(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let start = now.with_second(0)?.with_nanosecond(0)?;
        (0..8 * 24 * 60).map(|minute| start + Duration::minutes(minute)).find(|moment| self.is_open(*moment))
    }
}

/// As a person would say it: `fra-nights (mon-fri 22:00-05:00 Europe/Berlin)`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.name)?;
        for days in &self.days {
            write!(f, "{} ", days.text)?;
        }
        write!(f, "{} {})", self.hours, self.zone.0.name())
    }
}

/// The windows that keep `device` from being read now: those that are about
/// it, if none of them is open. Empty: it may be read.
pub fn closed<'a>(windows: &'a [Window], device: &Device, now: DateTime<Utc>) -> Vec<&'a Window> {
    let about: Vec<&Window> = windows.iter().filter(|window| window.is_about(device)).collect();
    if about.iter().any(|window| window.is_open(now)) { Vec::new() } else { about }
}

/// A glob.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(GlobMatcher);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl TryFrom<String> for Pattern {
    type Error = globset::Error;

    fn try_from(text: String) -> Result<Self, globset::Error> {
        Ok(Self(Glob::new(&text)?.compile_matcher()))
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.glob().glob().to_owned()
    }
}

/// A day of the week, or some in a row: `mon`, `mon-fri`, `fri-mon`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Days {
    text: String,
    first: Weekday,
    last: Weekday,
}

impl Days {
    fn has(&self, day: Weekday) -> bool {
        day.days_since(self.first) <= self.last.days_since(self.first)
    }
}

impl TryFrom<String> for Days {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let day = |word: &str| {
            word.trim().parse::<Weekday>().map_err(|_| {
                format!("{word:?} is no day; write mon, tue, wed, thu, fri, sat, sun, or mon-fri")
            })
        };
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        let (first, last) = (day(first)?, day(last)?);
        Ok(Self { text, first, last })
    }
}

impl From<Days> for String {
    fn from(days: Days) -> Self {
        days.text
    }
}

/// `22:00-05:00`. The same time twice is a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    from: NaiveTime,
    until: NaiveTime,
}

impl TryFrom<String> for Hours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = |word: &str| match word.trim() {
            "24:00" => Some(NaiveTime::MIN),
            word => NaiveTime::parse_from_str(word, "%H:%M").ok(),
        };
        let both = text.split_once('-').and_then(|(from, until)| Some((time(from)?, time(until)?)));
        let (from, until) = both.ok_or_else(|| format!("{text:?} are no hours; write 22:00-05:00"))?;
        Ok(Self { from, until })
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.format("%H:%M"), self.until.format("%H:%M"))
    }
}

/// A zone of the IANA list, such as `Europe/Berlin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| format!("{text:?} is no time zone; write one such as Europe/Berlin or UTC"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.name().to_owned()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::DeviceName;

    fn window(text: &str) -> Window {
        toml::from_str(text).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn device(name: &str, site: &str) -> Device {
        Device {
            name: DeviceName::new(name).unwrap(),
            address: "192.0.2.1".to_owned(),
            port: 22,
            platform: "drivenets_dnos".to_owned(),
            role: "leaf".to_owned(),
            site: site.to_owned(),
            importance: 1.0,
            tags: Vec::new(),
            jump: None,
            credential: None,
        }
    }

    #[test]
    fn over_midnight_it_belongs_to_the_day_on_which_it_opens() {
        let nights = window("name = 'n'\ndays = ['mon-fri']\nhours = '22:00-05:00'\nzone = 'Europe/Berlin'");
        // 2026-11-23 is a Monday; Berlin is one hour ahead of UTC.
        for (moment, open) in [
            ("2026-11-23T20:59:59Z", false),
            ("2026-11-23T21:00:00Z", true),
            ("2026-11-24T03:59:59Z", true),
            ("2026-11-24T04:00:00Z", false),
            // Monday before dawn belongs to Sunday, Saturday before dawn to Friday.
            ("2026-11-23T02:00:00Z", false),
            ("2026-11-28T02:00:00Z", true),
            ("2026-11-28T21:30:00Z", false),
        ] {
            assert_eq!(nights.is_open(at(moment)), open, "{moment}");
        }
        assert_eq!(nights.next_opening(at("2026-11-28T12:00:30Z")), Some(at("2026-11-30T21:00:00Z")));
        assert_eq!(nights.to_string(), "n (mon-fri 22:00-05:00 Europe/Berlin)");
    }

    #[test]
    fn clocks_that_are_changed() {
        let hour = window("name = 'n'\nhours = '02:00-03:00'\nzone = 'Europe/Berlin'");
        let minutes = |day: &str| {
            let start = at(&format!("{day}T00:00:00Z"));
            (0..24 * 60).filter(|minute| hour.is_open(start + Duration::minutes(*minute))).count()
        };
        assert_eq!([minutes("2026-03-28"), minutes("2026-03-29"), minutes("2026-10-25")], [60, 0, 120]);
    }

    #[test]
    fn whom_it_is_about() {
        let fra = window("name = 'n'\nsite = ['fra*']\nrole = ['leaf']\nhours = '01:00-02:00'\nzone = 'UTC'");
        let always = window("name = 'a'\ndevice = ['*-lab']\nhours = '00:00-24:00'\nzone = 'UTC'");
        let windows = [fra, always];
        let noon = at("2026-11-23T12:00:00Z");
        assert!(closed(&windows, &device("a", "ams1"), noon).is_empty());
        assert_eq!(closed(&windows, &device("a", "fra1"), noon).len(), 1);
        assert!(closed(&windows, &device("a-lab", "fra1"), noon).is_empty());
        assert!(closed(&windows, &device("a", "fra1"), at("2026-11-23T01:30:00Z")).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, told) in [
            ("hours = '22-05'", "are no hours"),
            ("hours = '22:00-25:00'", "are no hours"),
            ("hours = '22:00-05:00'\nzone = 'Berlin'", "is no time zone"),
            ("hours = '22:00-05:00'\nzone = 'UTC'\ndays = ['weekday']", "is no day"),
            ("hours = '22:00-05:00'\nzone = 'UTC'\nsite = ['[']", "glob"),
            ("hours = '22:00-05:00'\nzone = 'UTC'\nsites = []", "unknown field"),
        ] {
            let error = toml::from_str::<Window>(&format!("name = 'n'\n{line}")).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
