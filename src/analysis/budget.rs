//! How many device sessions a night may use: a number, or a share of the
//! fleet. Typed on the command line and in the configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many device sessions a night may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "String")]
pub enum Budget {
    Sessions(u32),
    /// Of the fleet, above 0 and up to 100.
    Percent(f64),
}

/// A budget as typed: `budget = 25` or `budget = "25%"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Typed {
    Number(u32),
    Text(String),
}

/// A text that is no budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to understand the budget {0:?}: give a number of sessions, such as 25, or a share, such as 10%"
)]
pub struct BadBudget(String);

impl Budget {
    /// Sessions for a fleet of `devices`; a share gives at least one.
    pub fn sessions(self, devices: usize) -> usize {
        match self {
            Self::Sessions(n) => n as usize,
            Self::Percent(share) => {
                // The tiny part taken off keeps 10 % of 30 at 3.
                let sessions = (devices as f64 * share / 100.0 - 1e-9).ceil();
                (sessions.max(1.0) as usize).min(devices)
            }
        }
    }
}

impl FromStr for Budget {
    type Err = BadBudget;

    fn from_str(text: &str) -> Result<Self, BadBudget> {
        let bad = || BadBudget(text.to_owned());
        let text = text.trim();
        match text.strip_suffix('%') {
            Some(share) => match share.trim().parse::<f64>() {
                Ok(share) if share > 0.0 && share <= 100.0 => Ok(Self::Percent(share)),
                _ => Err(bad()),
            },
            None => text.parse().map(Self::Sessions).map_err(|_| bad()),
        }
    }
}

impl TryFrom<Typed> for Budget {
    type Error = BadBudget;

    fn try_from(typed: Typed) -> Result<Self, BadBudget> {
        match typed {
            Typed::Number(n) => Ok(Self::Sessions(n)),
            Typed::Text(text) => text.parse(),
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sessions(n) => write!(f, "{n}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl From<Budget> for String {
    fn from(budget: Budget) -> Self {
        budget.to_string()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Table {
        budget: Budget,
    }

    #[test]
    fn budgets_as_typed() {
        assert_eq!("25".parse(), Ok(Budget::Sessions(25)));
        assert_eq!(" 10% ".parse(), Ok(Budget::Percent(10.0)));
        for bad in ["", "-1", "0%", "101%", "ten", "NaN%", "1e400%"] {
            assert!(bad.parse::<Budget>().is_err(), "{bad}");
        }
        assert_eq!(Budget::Percent(10.0).sessions(30), 3);
        assert_eq!(Budget::Percent(10.0).sessions(31), 4);
        assert_eq!(Budget::Percent(1.0).sessions(5), 1);
        assert_eq!(Budget::Percent(50.0).sessions(0), 0);
        let typed = |text: &str| toml::from_str::<Table>(text).map(|table| table.budget);
        assert_eq!(typed("budget = \"12.5%\"").unwrap(), Budget::Percent(12.5));
        assert_eq!(typed("budget = 7").unwrap(), Budget::Sessions(7));
        assert!(typed("budget = \"0%\"").is_err() && typed("budget = -7").is_err());
        assert_eq!(Budget::Percent(12.5).to_string(), "12.5%");
    }
}
