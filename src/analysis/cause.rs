//! Where a drift came from, as far as evidence says. Who committed is read
//! from the device's log; the configuration says whose accounts are those of
//! deployment tools and which are kept for emergencies.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::coverage::BadPattern;
use super::reconcile::Attribution;
use crate::model::Cause;

/// The `[cause]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Globs of the accounts with which deployment tools log in.
    pub deploy_users: Vec<String>,
    /// Globs of the accounts that are kept for emergencies.
    pub emergency_users: Vec<String>,
}

/// [`Settings`] with compiled patterns; made once a run.
#[derive(Debug)]
pub struct Accounts {
    deploy: GlobSet,
    emergency: GlobSet,
}

impl Accounts {
    pub fn new(settings: &Settings) -> Result<Self, BadPattern> {
        let globs = |key: &str, patterns: &[String]| {
            let bad = |pattern: &str, source| BadPattern {
                section: "cause",
                key: key.to_owned(),
                pattern: pattern.to_owned(),
                source,
            };
            let mut set = GlobSetBuilder::new();
            for pattern in patterns {
                set.add(Glob::new(pattern).map_err(|error| bad(pattern, error))?);
            }
            set.build().map_err(|error| bad(&patterns.join(" "), error))
        };
        Ok(Self {
            deploy: globs("deploy_users", &settings.deploy_users)?,
            emergency: globs("emergency_users", &settings.emergency_users)?,
        })
    }

    /// The cause of a drift about something that moved between two readings.
    ///
    /// One emergency account among those who committed is enough to look at it
    /// as an emergency. A deploy that nobody recorded is one only if nobody but
    /// deployment tools committed.
    pub fn cause(&self, by: &Attribution) -> Cause {
        let users: Vec<&str> = by.who.iter().flat_map(|who| who.split(", ")).collect();
        if users.iter().any(|user| self.emergency.is_match(user)) {
            Cause::Emergency
        } else if !users.is_empty() && users.iter().all(|user| self.deploy.is_match(user)) {
            Cause::UnrecordedDeploy
        } else {
            by.cause
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn accounts_say_more_than_the_way_in() {
        let settings: Settings =
            toml::from_str("deploy_users = ['svc-*', 'ansible']\nemergency_users = ['breakglass']").unwrap();
        let accounts = Accounts::new(&settings).unwrap();
        let by = |who: Option<&str>, cause| Attribution { who: who.map(str::to_owned), via: None, cause };
        for (who, said, cause) in [
            (Some("anna"), Cause::Manual, Cause::Manual),
            (Some("svc-deploy"), Cause::Manual, Cause::UnrecordedDeploy),
            (Some("ansible, svc-x"), Cause::Tool, Cause::UnrecordedDeploy),
            (Some("anna, ansible"), Cause::Unknown, Cause::Unknown),
            (Some("anna, breakglass"), Cause::Manual, Cause::Emergency),
            (None, Cause::Unknown, Cause::Unknown),
        ] {
            assert_eq!(accounts.cause(&by(who, said)), cause, "{who:?}");
        }
        let bad: Settings = toml::from_str("deploy_users = ['a[']").unwrap();
        assert!(Accounts::new(&bad).unwrap_err().to_string().contains("cause.deploy_users"));
    }
}
