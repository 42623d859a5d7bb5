//! What history says: rates with intervals, forecasts, recommendations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::device::DeviceId;
use super::{DeviceName, DriftId, RunId};

/// Direction of a device's change rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Rising,
    Steady,
    Falling,
    /// Too few changes to say.
    Unclear,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trend {
    pub direction: Direction,
    /// Probability that the rate of the recent half of the window is higher
    /// than that of the earlier half; 0.5 says nothing.
    pub p_rising: f64,
}

/// Whether a forecast rests on the device's own history or on its role's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    Data,
    Prior,
}

/// One row of the scan-next list. Probabilities are between 0 and 1, rates are
/// changes per 30 days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    #[serde(skip)]
    pub device_id: DeviceId,
    pub device: DeviceName,
    pub role: String,
    pub site: String,
    /// Probability that the facts differ from the last complete snapshot by now.
    pub p_change: f64,
    /// Probability that they differ in a way no `deployed` record explains.
    pub p_drift: f64,
    pub rate_per_30_days: f64,
    /// 5 % and 95 % quantiles of the rate: a 90 % interval.
    pub rate_low: f64,
    pub rate_high: f64,
    /// Median of the predictive time to the next change, in days; `None` beyond ten years.
    pub median_days_to_next: Option<f64>,
    /// Days by which the next change has come with a chance of 5 % and of
    /// 95 %: a predictive interval of 90 %. `None` beyond ten years.
    pub next_low: Option<f64>,
    pub next_high: Option<f64>,
    /// How much of the estimate is the device's own history, from 0 to 1; the
    /// rest is what is known of devices like it.
    pub share_of_data: f64,
    pub last_good_scan: Option<DateTime<Utc>>,
    pub score: f64,
    pub reason: String,
    pub basis: Basis,
    pub trend: Trend,
    /// Complete scans the rate rests on.
    pub scans: i64,
    /// Of those, how many found a change.
    pub changed: i64,
    /// Changes of an imported history, from before the first scan.
    pub imported: i64,
    /// How the rate moved over the last 30 days: changes per 30 days gained in
    /// 30 days. `None` below five readings.
    pub slope_30_days: Option<f64>,
}

/// A forecast that was stored before a scan, and what that scan then found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastOutcome {
    pub run: RunId,
    pub device: DeviceId,
    /// `p_change` as it was said.
    pub p: f64,
    pub changed: bool,
    /// When the scan began.
    pub at: DateTime<Utc>,
}

/// What to do about a drift or a group of drifts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// Verb first.
    pub what: String,
    pub why: String,
    /// A command that can be run as it stands.
    pub command: Option<String>,
    pub risk: String,
    /// How sure, in words.
    pub sure: String,
    /// Drifts that this closes.
    pub drifts: Vec<DriftId>,
    /// The devices concerned, named.
    pub devices: Vec<DeviceName>,
    /// Whether a manager has to decide.
    pub decision: bool,
}
