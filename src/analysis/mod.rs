//! From history to findings, and to the plan of a night. Pure: rows come in,
//! values go out; no I/O, no clock. Every function that needs the time takes it.
//!
//! The order of thought is the order of this list: compare what was read with
//! what is believed, keep the life of each drift, count, forecast, rank, plan,
//! advise, and check afterwards whether the forecasts held.

// What the record claims to know.
pub mod coverage;

// Records + facts → disagreements; facts + facts → changes.
pub mod compare;

// Disagreements + open drifts → steps in the life of drifts.
pub mod reconcile;

// What the user calls noise.
pub mod ignore;

// A reading that lost too much to be believed at once.
pub mod shrink;
// Whose accounts say where a drift came from.
pub mod cause;

// The records that would agree with what is there.
pub mod accept;

// The scans of a fleet in a few columns.
pub mod history;
// An imported history as the readings it stands for.
mod past;

// Arrow batches → DataFrame: the only constructor of frames.
pub mod frame;

// How often each device changed, and what a scan could see of it.
pub mod frequency;

// Rows of history as the learner takes them.
mod scans;

// What a history says about a rate, on a grid of rates.
pub mod grid;

// Chance that a device has changed since it was read.
pub mod forecast;

// What a fleet has taught, scan by scan.
pub mod learner;

// Random numbers that are the same everywhere.
pub mod dice;

// Rising, steady, falling, and how sure.
pub mod trend;

// Forecast × cost of being wrong → order, with a reason in words.
pub mod rank;

// How many sessions a night may use.
pub mod budget;

// Whom to read in the next round of a night.
pub mod plan;

// Confirmed, believed, unknown.
pub mod standing;

// How names get into a command that can be pasted.
pub mod command;

// Drift → recommendation, one rule each, with its reason.
pub mod advise;

// When we said 7 in 10, how often did it happen?
pub mod calibration;

// What the forecasts were worth, on scans that chance chose.
pub mod honesty;

// Questions that come up every month, answered from the history.
pub mod answers;

// A change history, replayed night by night under a budget.
pub mod backtest;

// The figures of the morning page.
pub mod summary;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::device::DeviceId;
use crate::model::finding::Ranking;
use crate::model::{Signal, SignalKind};

pub use accept::{accepting, record_of};
pub use budget::Budget;
pub use calibration::{Calibration, calibrate};
pub use cause::Accounts;
pub use compare::{Agreement, Comparison, Reach, agreement, changes, compare};
pub use coverage::{BadPattern, Coverage, Rules};
pub use forecast::{Forecast, Hint, Sisters, Subject};
pub use frame::FrameError;
pub use frequency::{Frequency, frequency};
pub use history::{Find, History, Window};
pub use honesty::Honesty;
pub use ignore::{BadIgnore, IgnoreRule, Ignores};
pub use learner::Learner;
pub use plan::{NightState, Tonight};
pub use rank::rank;
pub use reconcile::{Attribution, attribution, reconcile};
pub use shrink::{Loss, shrink};
pub use standing::{Standing, standing};

/// All that history says about a fleet.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// By device number; devices that were ever completely read.
    pub frequencies: Vec<Frequency>,
    /// In the order of the subjects.
    pub forecasts: Vec<Forecast>,
    /// The scan-next list, best first.
    pub rankings: Vec<Ranking>,
    /// What the history has taught; its devices stand in the order of the subjects.
    pub learner: Learner,
}

/// The whole way from history to the scan-next list.
///
/// Scans that started after `as_of` are left out, so a past night can be ranked
/// again; so are signals.
pub fn outlook(
    history: &History,
    signals: &[Signal],
    subjects: &[Subject],
    as_of: DateTime<Utc>,
    settings: &forecast::Settings,
) -> Result<Outlook, FrameError> {
    let window = Window::of(settings, as_of);
    let frequencies = frequency(history, window)?;
    let places: HashMap<DeviceId, usize> =
        subjects.iter().enumerate().map(|(place, subject)| (subject.id, place)).collect();
    let since = as_of - TimeDelta::days(i64::from(settings.window_days));
    let scans = scans::scans(history, &places, window);
    let mut heard: Vec<(usize, usize, f64)> = signals
        .iter()
        .filter(|signal| signal.at >= since && signal.at <= as_of)
        .filter_map(|signal| {
            let kind = SignalKind::ALL.iter().position(|kind| *kind == signal.kind)?;
            Some((*places.get(&signal.device)?, kind, scans::day_of(signal.at)))
        })
        .collect();
    heard.sort_by(|a, b| a.2.total_cmp(&b.2));
    // The first scan stands for the day a device came.
    let mut born = vec![f64::INFINITY; subjects.len()];
    for scan in &scans {
        born[scan.place()] = born[scan.place()].min(scan.t);
    }
    let mut learner = forecast::taught(subjects, &scans, &heard, &born, as_of);
    let sisters = forecast::sisters(subjects, &scans, as_of);
    let forecasts = forecast::forecast(subjects, &frequencies, &mut learner, &sisters, as_of, settings);
    let rankings = rank(subjects, &forecasts, as_of);
    Ok(Outlook { frequencies, forecasts, rankings, learner })
}
