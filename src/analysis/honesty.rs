//! What the forecasts were worth. They are judged on scans that chance chose,
//! so that a plan which reads what it is sure of does not flatter them, and
//! against two rivals that cost nothing: one rate for the whole fleet, and each
//! device's own rate, both as the scans before had taught them.
//!
//! Devices change together, so a night is one draw and not as many as it has
//! scans: intervals come from drawing whole nights again.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::calibration::{Bin, calibrate, surprise};
use super::dice::Dice;
use super::history::{History, Window};
use super::learner::Constant;
use super::scans::{self, day_of};
use crate::model::RunId;
use crate::model::device::DeviceId;
use crate::model::finding::ForecastOutcome;

/// Fewer nights than this give no interval.
const FEWEST_NIGHTS: usize = 5;
/// How often the nights are drawn again.
const DRAWS: usize = 400;
/// Forecasts are kept to a ten-thousandth: "never" means less than half of that.
const LEAST: f64 = 5e-5;

/// A figure with the range that holds it 9 times in 10.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    pub value: f64,
    /// `None` where there are too few nights to tell.
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// How good the forecasts were, on scans that chance chose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Honesty {
    /// Scans, and the nights that they were made in.
    pub observations: u64,
    pub nights: u64,
    /// The first and the last of them.
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// Mean of what was said, and the share that had changed; from 0 to 1.
    pub said: f64,
    pub happened: Measured,
    /// Mean squared error of the probability: 0 is perfect.
    pub brier: Measured,
    /// Mean negative log probability of what happened, in nats.
    pub log_loss: Measured,
    /// 1 - log loss / log loss of one rate for the whole fleet. Below 0: worse.
    pub skill_fleet: Option<Measured>,
    /// The same against each device's own rate.
    pub skill_own: Option<Measured>,
    /// Mean distance of said and happened over `bins`, from 0 to 1.
    pub calibration_error: f64,
    /// By ascending `said`.
    pub bins: Vec<Bin>,
}

/// What the nights add up to; one night, or several.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: f64,
    happened: f64,
    squares: f64,
    ours: f64,
    fleet: f64,
    own: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.happened += other.happened;
        self.squares += other.squares;
        self.ours += other.ours;
        self.fleet += other.fleet;
        self.own += other.own;
    }

    fn skill(&self, rival: f64) -> f64 {
        1.0 - self.ours / rival
    }
}

/// Judges forecasts by what followed. `history`: the rows that
/// [`super::outlook`] takes, of any devices; `fleet`: whom to learn the rates
/// of the rivals from. A forecast without an interval before its scan is left
/// out. `None` when there is none to judge.
pub fn judge(
    outcomes: &[ForecastOutcome],
    history: &History,
    fleet: &[DeviceId],
    as_of: DateTime<Utc>,
) -> Option<Honesty> {
    if outcomes.is_empty() {
        return None;
    }
    let places: HashMap<DeviceId, usize> = fleet.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut said: HashMap<(usize, u64), &ForecastOutcome> = HashMap::with_capacity(outcomes.len());
    for outcome in outcomes {
        if let Some(place) = places.get(&outcome.device) {
            said.insert((*place, day_of(outcome.at).to_bits()), outcome);
        }
    }
    let mut rivals = Rivals::new(fleet.len());
    let mut nights: BTreeMap<RunId, Sums> = BTreeMap::new();
    let (mut pairs, mut total) = (Vec::new(), 0.0);
    let (mut since, mut until) = (None, as_of);
    // Scans of ours only: what was imported was never forecast.
    let window = Window { own: 0, past: i64::MAX, until: as_of.timestamp_micros() };
    for scan in scans::scans(history, &places, window) {
        let before = rivals.look(scan.place(), scan.t);
        if let (Some((fleet, own)), Some(outcome)) = (before, said.get(&(scan.place(), scan.t.to_bits()))) {
            let p = outcome.p.clamp(LEAST, 1.0 - LEAST);
            let hit = f64::from(u8::from(outcome.changed));
            nights.entry(outcome.run).or_default().add(&Sums {
                n: 1.0,
                happened: hit,
                squares: (p - hit).powi(2),
                ours: surprise(p, outcome.changed),
                fleet: surprise(fleet, outcome.changed),
                own: surprise(own, outcome.changed),
            });
            pairs.push((p, outcome.changed));
            total += p;
            since.get_or_insert(outcome.at);
            until = outcome.at;
        }
        rivals.observe(scan.place(), scan.t, scan.changed);
    }
    let (Some(judged), Some(since)) = (calibrate(&pairs), since) else { return None };
    let nights: Vec<Sums> = nights.into_values().collect();
    let measured = Draws::of(&nights);
    Some(Honesty {
        observations: judged.forecasts,
        nights: nights.len() as u64,
        since,
        until,
        said: total / pairs.len() as f64,
        happened: measured.of_each(|sums| sums.happened / sums.n),
        brier: measured.of_each(|sums| sums.squares / sums.n),
        log_loss: measured.of_each(|sums| sums.ours / sums.n),
        skill_fleet: measured.skill(|sums| sums.fleet),
        skill_own: measured.skill(|sums| sums.own),
        calibration_error: judged.error,
        bins: judged.bins,
    })
}

/// What costs nothing to say.
struct Rivals {
    fleet: Constant,
    /// By device: the last scan, and a rate once there was an interval.
    last: Vec<Option<f64>>,
    own: Vec<Option<Constant>>,
}

impl Rivals {
    fn new(devices: usize) -> Self {
        Self { fleet: Constant::default(), last: vec![None; devices], own: vec![None; devices] }
    }

    fn days(&self, device: usize, t: f64) -> Option<f64> {
        self.last[device].map(|last| t - last).filter(|days| *days > 0.0)
    }

    /// What each would say before a scan; nothing without an interval.
    fn look(&self, device: usize, t: f64) -> Option<(f64, f64)> {
        let days = self.days(device, t)?;
        // Before it has a history, a device is like the fleet.
        let own = self.own[device].unwrap_or_else(|| Constant::near(self.fleet.rate()));
        Some((self.fleet.p(days), own.p(days)))
    }

    fn observe(&mut self, device: usize, t: f64, changed: bool) {
        if let Some(days) = self.days(device, t) {
            let rate = self.fleet.rate();
            self.own[device].get_or_insert_with(|| Constant::near(rate)).observe(days, changed);
            self.fleet.observe(days, changed);
        }
        self.last[device] = Some(t);
    }
}

/// All nights, and nights drawn again and again.
struct Draws {
    all: Sums,
    draws: Vec<Sums>,
}

impl Draws {
    fn of(nights: &[Sums]) -> Self {
        let sum = |nights: &mut dyn Iterator<Item = &Sums>| {
            let mut sum = Sums::default();
            nights.for_each(|night| sum.add(night));
            sum
        };
        let mut dice = Dice::new(nights.len() as u64);
        let draws = if nights.len() < FEWEST_NIGHTS { 0 } else { DRAWS };
        Self {
            all: sum(&mut nights.iter()),
            draws: (0..draws)
                .map(|_| sum(&mut (0..nights.len()).map(|_| &nights[dice.below(nights.len())])))
                .collect(),
        }
    }

    fn of_each(&self, of: impl Fn(&Sums) -> f64) -> Measured {
        let mut drawn: Vec<f64> = self.draws.iter().map(&of).filter(|value| value.is_finite()).collect();
        drawn.sort_by(f64::total_cmp);
        let quantile = |q: f64| drawn.get((q * drawn.len() as f64) as usize).copied();
        Measured { value: of(&self.all), low: quantile(0.05), high: quantile(0.95) }
    }

    fn skill(&self, rival: impl Fn(&Sums) -> f64) -> Option<Measured> {
        (rival(&self.all) > 0.0).then(|| self.of_each(|sums| sums.skill(rival(sums))))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::super::frequency::tests::{Scan, day, history};
    use super::*;

    /// Two devices that change every day and two that never do, read nightly.
    fn nights() -> Vec<Scan> {
        (1..=4).flat_map(|id| (0..40).map(move |night| (id, f64::from(night), id <= 2, false))).collect()
    }

    fn outcomes(say: impl Fn(DeviceId) -> f64, from: u32) -> Vec<ForecastOutcome> {
        (from..40)
            .flat_map(|night| (1..=4).map(move |device| (night, device)))
            .map(|(night, device)| ForecastOutcome {
                run: i64::from(night),
                device,
                p: say(device),
                changed: device <= 2,
                at: day(f64::from(night)),
            })
            .collect()
    }

    fn judged(outcomes: &[ForecastOutcome]) -> Honesty {
        judge(outcomes, &history(&nights()), &[1, 2, 3, 4], day(40.0)).unwrap()
    }

    #[test]
    fn a_forecast_that_knows_beats_both_and_one_that_guesses_neither() {
        let knows = judged(&outcomes(|device| if device <= 2 { 0.99 } else { 0.01 }, 10));
        assert_eq!((knows.observations, knows.nights), (120, 30));
        assert_eq!((knows.since, knows.until), (day(10.0), day(39.0)));
        let skill = knows.skill_fleet.unwrap();
        assert!(skill.value > 0.9 && skill.low.unwrap() <= skill.value && skill.value <= skill.high.unwrap());
        assert!((knows.happened.value - 0.5).abs() < 1e-9 && (knows.said - 0.5).abs() < 1e-9);
        // Its own rate says nearly as much of such a device; one rate for all says nothing.
        assert!(knows.skill_own.unwrap().value < skill.value);
        let guesses = judged(&outcomes(|_| 0.5, 10));
        assert!(guesses.skill_fleet.unwrap().value.abs() < 0.05, "{guesses:?}");
        assert!(guesses.skill_own.unwrap().value < -1.0, "{guesses:?}");
        let wrong = judged(&outcomes(|device| if device <= 2 { 0.01 } else { 0.99 }, 10));
        assert!(wrong.skill_fleet.unwrap().high.unwrap() < 0.0 && wrong.calibration_error > 0.9);
    }

    #[test]
    fn few_nights_have_no_interval_and_no_scan_no_figure() {
        let few = judged(&outcomes(|_| 0.5, 37));
        assert_eq!((few.nights, few.brier.low, few.brier.value.to_bits()), (3, None, 0.25_f64.to_bits()));
        let fleet = [1, 2, 3, 4];
        assert_eq!(judge(&[], &history(&nights()), &fleet, day(40.0)), None);
        // A first reading has nothing before it, and a stranger no history.
        let first = outcomes(|_| 0.5, 0).into_iter().filter(|o| o.run == 0).collect::<Vec<_>>();
        assert_eq!(judge(&first, &history(&nights()), &fleet, day(40.0)), None);
        assert_eq!(judge(&outcomes(|_| 0.5, 10), &history(&nights()), &[9], day(40.0)), None);
    }
}
