//! `[[schedule]]`: what `serve` runs, and when. As typed it is a few texts; as
//! meant, a compiled cron line and a time zone. What cannot be understood is an
//! error of the configuration; a line that is well formed and never fires is
//! not (`doctor` and `serve` say so). When a line fires is decided in `schedule`.

use std::collections::BTreeSet;
use std::fmt;

use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Deserializer, Serialize};

use crate::source::{nearest, shown};

/// What a schedule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// The batch within the budget.
    Nightly,
    /// The same over every device.
    FullScan,
    /// The newest finished night's report, written again.
    Report,
    /// What is older than the retention settings leaves the database.
    Prune,
}

impl Job {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nightly => "nightly",
            Self::FullScan => "full-scan",
            Self::Report => "report",
            Self::Prune => "prune",
        }
    }
}

/// What becomes of a fire that nobody was there for: the machine slept, the
/// program was down, another run held the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misfire {
    /// However many were missed, one run makes up for them.
    #[default]
    CatchUp,
    /// What was missed is left out.
    Skip,
}

/// Five cron fields, compiled.
#[derive(Clone, Debug)]
pub struct CronLine {
    text: String,
    cron: Cron,
}

impl CronLine {
    /// `text` as typed: minute, hour, day of month, month, day of week. A day
    /// matches when either of the two day fields does, as in other crons.
    pub fn parse(text: &str) -> Result<Self, String> {
        let typed = shown(text, 60);
        let fields = text.split_whitespace().count();
        if fields != 5 || text.trim_start().starts_with('@') {
            return Err(format!(
                "the cron line \"{typed}\" has {fields} fields and needs five: minute, hour, day of month, month, day of week"
            ));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        match parser.parse(text.trim()) {
            Ok(cron) => Ok(Self { text: text.trim().to_owned(), cron }),
            Err(error) => Err(format!(
                "the cron line \"{typed}\" is not understood: {}",
                shown(&error.to_string(), 120).trim_end_matches('.')
            )),
        }
    }

    /// The five fields, to be asked for local times.
    pub fn cron(&self) -> &Cron {
        &self.cron
    }

    /// Whether the hour is a wildcard (`*`, `*/2`): then the line means an
    /// interval and not a time of day, and the two differ when clocks change.
    pub fn is_interval(&self) -> bool {
        self.text.split_whitespace().nth(1).is_some_and(|hour| hour.starts_with('*'))
    }
}

impl fmt::Display for CronLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for CronLine {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// One `[[schedule]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "Typed")]
pub struct Schedule {
    /// What its state is kept under. Unique; the job's name if none is given.
    pub name: String,
    pub job: Job,
    pub cron: CronLine,
    pub zone: Tz,
    /// Each installation starts later than the line says by a fixed part of this.
    pub jitter_minutes: u32,
    pub misfire: Misfire,
}

/// A schedule as it stands in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    job: Job,
    cron: String,
    #[serde(default = "utc")]
    zone: String,
    #[serde(default)]
    jitter_minutes: u32,
    #[serde(default)]
    misfire: Misfire,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TryFrom<Typed> for Schedule {
    type Error = String;

    fn try_from(typed: Typed) -> Result<Self, String> {
        let zone: Tz = typed.zone.parse().map_err(|_| {
            let meant = nearest(&typed.zone, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
            let hint = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
            format!("no IANA time zone is called \"{}\"{hint}", shown(&typed.zone, 60))
        })?;
        if typed.jitter_minutes > 24 * 60 {
            return Err(format!("jitter_minutes is {}, and a day has 1440", typed.jitter_minutes));
        }
        let name = typed.name.unwrap_or_else(|| typed.job.as_str().to_owned());
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 60 || !name.chars().all(plain) {
            return Err(format!(
                "a schedule's name has 1 to 60 letters, digits, '-', '_' or '.', not \"{}\"",
                shown(&name, 60)
            ));
        }
        Ok(Self {
            name,
            job: typed.job,
            cron: CronLine::parse(&typed.cron)?,
            zone,
            jitter_minutes: typed.jitter_minutes,
            misfire: typed.misfire,
        })
    }
}

impl From<Schedule> for Typed {
    fn from(schedule: Schedule) -> Self {
        Self {
            name: Some(schedule.name),
            job: schedule.job,
            cron: schedule.cron.to_string(),
            zone: schedule.zone.name().to_owned(),
            jitter_minutes: schedule.jitter_minutes,
            misfire: schedule.misfire,
        }
    }
}

/// All of them, each name once.
pub(super) fn unique<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Schedule>, D::Error> {
    let schedules = Vec::<Schedule>::deserialize(deserializer)?;
    let mut names = BTreeSet::new();
    match schedules.iter().find(|schedule| !names.insert(schedule.name.as_str())) {
        Some(twice) => Err(serde::de::Error::custom(format!(
            "two schedules are called \"{}\"; give one of them a name of its own",
            twice.name
        ))),
        None => Ok(schedules),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        #[serde(deserialize_with = "unique")]
        schedule: Vec<Schedule>,
    }

    #[test]
    fn what_cannot_be_understood_is_told() {
        for (line, says) in [
            ("cron = '0 2 * * * *'", "6 fields and needs five"),
            ("cron = '@daily'", "needs five"),
            ("cron = '0 25 * * *'", "not understood"),
            ("cron = '0 2 * * *'\nzone = 'Europe/Berln'", "did you mean Europe/Berlin?"),
            ("cron = '0 2 * * *'\nname = 'a b'", "a schedule's name"),
            ("cron = '0 2 * * *'\njitter_minutes = 2000", "1440"),
            ("cron = '0 2 * * *'\nmissfire = 'skip'", "missfire"),
            ("cron = '0 2 * * *'\n[[schedule]]\njob = 'nightly'\ncron = '0 3 * * *'", "two schedules"),
        ] {
            let error = toml::from_str::<File>(&format!("[[schedule]]\njob = 'nightly'\n{line}\n"));
            let told = error.unwrap_err().to_string();
            assert!(told.contains(says), "{line}: {told}");
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let file: File =
            toml::from_str("[[schedule]]\njob = 'full-scan'\ncron = ' 0 2 * * 7 '\nzone = 'Asia/Kolkata'")
                .unwrap();
        let one = &file.schedule[0];
        assert_eq!((one.name.as_str(), one.cron.to_string().as_str()), ("full-scan", "0 2 * * 7"));
        assert_eq!((one.zone, one.misfire, one.jitter_minutes), (Tz::Asia__Kolkata, Misfire::CatchUp, 0));
        assert!(!one.cron.is_interval());
        assert!(CronLine::parse("5 */2 * * *").unwrap().is_interval());
        // A line that never fires is well formed.
        CronLine::parse("0 2 30 2 *").unwrap();
    }
}
