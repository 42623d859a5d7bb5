//! `[queue.windows]`: at which hours a site may be read by the queue. Text such
//! as `22:00-06:00 Europe/Berlin`; over midnight if it ends before it begins.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The hours of one group of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: NaiveTime,
    to: NaiveTime,
    zone: Tz,
}

impl Window {
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{}\" is no window; write 22:00-06:00 Europe/Berlin", crate::source::shown(text, 60))
        };
        let (hours, zone) = text.trim().split_once(' ').unwrap_or((text.trim(), "UTC"));
        let (from, to) = hours.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| wrong());
        let window =
            Self { from: time(from)?, to: time(to)?, zone: zone.trim().parse().map_err(|_| wrong())? };
        if window.from == window.to { Err(wrong()) } else { Ok(window) }
    }

    /// Whether `now` lies in it.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        let here = now.with_timezone(&self.zone).time();
        if self.from < self.to {
            (self.from..self.to).contains(&here)
        } else {
            here >= self.from || here < self.to
        }
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (from, to) = (self.from.format("%H:%M"), self.to.format("%H:%M"));
        serializer.collect_str(&format_args!("{from}-{to} {}", self.zone.name()))
    }
}

/// Windows by a glob of the site's name. A site that no glob names is always open.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Windows {
    by_site: std::collections::BTreeMap<String, Window>,
    #[serde(skip)]
    globs: Vec<(GlobMatcher, Window)>,
}

impl Windows {
    /// Whether a device of `site` may be read by the queue at `now`.
    pub fn is_open(&self, site: &str, now: DateTime<Utc>) -> bool {
        let mut named = self.globs.iter().filter(|(glob, _)| glob.is_match(site)).peekable();
        named.peek().is_none() || named.any(|(_, window)| window.is_open(now))
    }
}

impl PartialEq for Windows {
    fn eq(&self, other: &Self) -> bool {
        self.by_site == other.by_site
    }
}

impl<'de> Deserialize<'de> for Windows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_site = std::collections::BTreeMap::<String, Window>::deserialize(deserializer)?;
        let globs = by_site
            .iter()
            .map(|(site, window)| Ok((Glob::new(site)?.compile_matcher(), *window)))
            .collect::<Result<_, globset::Error>>()
            .map_err(serde::de::Error::custom)?;
        Ok(Self { by_site, globs })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_go_over_midnight_and_follows_its_zone() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let night = Window::parse("22:00-06:00 Europe/Berlin").unwrap();
        assert!(night.is_open(at("2026-01-10T21:00:00Z")) && !night.is_open(at("2026-01-10T20:59:00Z")));
        assert!(night.is_open(at("2026-07-10T20:00:00Z")) && !night.is_open(at("2026-07-10T04:00:00Z")));
        assert!(Window::parse("09:00-17:00").unwrap().is_open(at("2026-01-10T09:00:00Z")));
        for wrong in ["", "9-17", "25:00-26:00", "09:00-09:00", "09:00-17:00 Mars"] {
            assert!(Window::parse(wrong).is_err(), "{wrong}");
        }
        let windows: Windows = toml::from_str("'fra*' = '22:00-06:00'\n'*' = '04:00-08:00'").unwrap();
        assert!(windows.is_open("fra1", at("2026-01-10T23:00:00Z")));
        assert!(windows.is_open("fra1", at("2026-01-10T07:00:00Z")));
        assert!(!windows.is_open("ber1", at("2026-01-10T23:00:00Z")));
        assert!(Windows::default().is_open("ber1", at("2026-01-10T23:00:00Z")));
    }
}
