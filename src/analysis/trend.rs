//! Whether a device changes more often than it did. The two halves of its
//! time in the window are judged apart, with the same prior, and compared.
//!
//! Counting changes per day would not do: a scan sees at most one change, so
//! a device that is read more often would seem to change more often.

use super::frequency::Frequency;
use super::grid::{self, Evidence, Weights};
use crate::model::finding::{Direction, Trend};

/// Fewer changes than this say nothing about a direction.
const FEW: u32 = 3;
/// How sure one must be to name a direction.
const SURE: f64 = 0.9;

/// What both halves of a device's time in the window say about its rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Halves {
    /// Log likelihoods at the rates of the grid.
    pub earlier: Weights,
    pub recent: Weights,
    /// Changes in both.
    pub changes: u32,
}

impl Halves {
    /// `None` without an interval: nothing could be seen.
    pub fn of(history: &Frequency) -> Option<Self> {
        (history.intervals() > 0).then(|| Self::between(&history.earlier, &history.recent))
    }

    fn between(earlier: &Evidence, recent: &Evidence) -> Self {
        Self {
            earlier: earlier.log_likelihood(),
            recent: recent.log_likelihood(),
            changes: earlier.changes() + recent.changes(),
        }
    }

    /// The log likelihood of the whole window.
    pub fn whole(&self) -> Weights {
        std::array::from_fn(|k| self.earlier[k] + self.recent[k])
    }
}

/// The trend of a device, given the prior of its role. The prior pulls both
/// halves to the same rate, so little history means 0.5.
pub fn trend(halves: Option<&Halves>, prior: &Weights) -> Trend {
    let Some(halves) = halves else { return Trend { direction: Direction::Unclear, p_rising: 0.5 } };
    let recent = grid::posterior(prior, &halves.recent);
    let earlier = grid::posterior(prior, &halves.earlier);
    let p_rising = grid::p_greater(&recent, &earlier);
    let direction = if halves.changes < FEW {
        Direction::Unclear
    } else if p_rising > SURE {
        Direction::Rising
    } else if p_rising < 1.0 - SURE {
        Direction::Falling
    } else {
        Direction::Steady
    };
    Trend { direction, p_rising }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nights(quiet: u32, changed: u32) -> Evidence {
        Evidence { quiet_days: f64::from(quiet), quiet, changed: vec![(1.0, changed)] }
    }

    #[test]
    fn more_changes_rise_fewer_fall_and_few_say_nothing() {
        let prior = grid::log_normal((1.0_f64 / 30.0).ln(), 1.5);
        let between = |a: &Evidence, b: &Evidence| trend(Some(&Halves::between(a, b)), &prior);
        let direction = |a: &Evidence, b: &Evidence| between(a, b).direction;
        assert_eq!(direction(&nights(88, 2), &nights(70, 20)), Direction::Rising);
        assert_eq!(direction(&nights(70, 20), &nights(88, 2)), Direction::Falling);
        assert_eq!(direction(&nights(80, 10), &nights(81, 9)), Direction::Steady);
        assert_eq!(direction(&nights(90, 0), &nights(88, 2)), Direction::Unclear);
        assert!((between(&nights(40, 5), &nights(40, 5)).p_rising - 0.5).abs() < 1e-9);
        assert!((trend(None, &prior).p_rising - 0.5).abs() < 1e-9);
    }

    #[test]
    fn reading_more_often_is_no_rise() {
        // A rate of 0.5 a day: weekly scans nearly always find a change, nightly ones in 39 of 100.
        let prior = grid::log_normal((1.0_f64 / 30.0).ln(), 1.5);
        let weekly = Evidence { quiet_days: 0.0, quiet: 0, changed: vec![(7.0, 10)] };
        let trend = trend(Some(&Halves::between(&weekly, &nights(43, 27))), &prior);
        assert_eq!(trend.direction, Direction::Steady, "{}", trend.p_rising);
    }
}
