//! Golden numbers computed independently (plain Python, from the formulas of
//! the method), and a simulated fleet whose forecasts must hold.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::super::frame::frame;
use super::super::frequency::frequency;
use super::super::frequency::tests::{Scan, day, history};
use super::super::grid::{Evidence, quantile, worth};
use super::*;

fn subject(id: DeviceId, role: &str) -> Subject {
    let name = DeviceName::new(&format!("{role}-{id}")).unwrap();
    Subject { id, name, role: role.to_owned(), site: String::new(), importance: 1.0 }
}

fn run(subjects: &[Subject], scans: &[Scan], now: f64) -> Vec<Forecast> {
    let rows = frequency(&frame(&history(scans)).unwrap(), day(now), 180).unwrap();
    forecast(subjects, &rows, day(now), &Settings::default())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 2e-6 * (1.0 + b.abs())
}

#[test]
fn a_small_fleet_gives_the_golden_numbers() {
    let evidence = |quiet_days: f64, changed: &[(f64, u32)]| Evidence {
        quiet_days,
        quiet: quiet_days as u32,
        changed: changed.to_vec(),
    };
    let fleet = [
        (0, 1.0, evidence(20.0, &[(1.0, 10)])),
        (0, 5.0, evidence(28.0, &[(1.0, 2)])),
        (1, 5.0, evidence(30.0, &[])),
        (1, 7.0, evidence(0.0, &[(7.0, 4)])),
        (1, 3.0, evidence(14.0, &[(7.0, 2)])),
    ];
    let likelihoods: Vec<_> = fleet.iter().map(|(_, _, e)| Some(e.log_likelihood())).collect();
    let groups: Vec<_> = fleet.iter().map(|(group, _, _)| *group).collect();
    let fit = Fit::of(&likelihoods, &groups, 2);
    assert!(close(fit.fleet, -2.130_852_395), "{}", fit.fleet);
    assert!(close(fit.roles[0], -2.083_888_327) && close(fit.roles[1], -2.174_203_843));
    assert!(close(fit.deviation, 1.278_197_523), "{}", fit.deviation);

    // P now, median rate, 5 % and 95 % quantiles, worth of a session.
    let golden = [
        [0.310_723_768_8, 0.365_130_510_9, 0.204_967_538_8, 0.626_803_842_1, 0.144_772_300_9],
        [0.317_572_731_7, 0.071_719_277_9, 0.023_384_216_4, 0.176_911_191_5, 0.726_652_754_1],
        [0.141_776_185_8, 0.024_951_030_1, 0.005_321_808_8, 0.084_224_590_1, 0.339_565_324_8],
        [0.893_891_483_7, 0.430_773_170_8, 0.129_236_985_9, 1.871_399_898_5, 1.593_260_950_8],
        [0.263_837_071_7, 0.093_413_587_5, 0.028_869_235_8, 0.243_195_624_2, 0.367_963_430_2],
    ];
    for ((group, age, evidence), golden) in fleet.iter().zip(golden) {
        let weights = grid::posterior(&fit.priors[*group], &evidence.log_likelihood());
        let found = [
            grid::p_change(&weights, *age),
            quantile(&weights, 0.5),
            quantile(&weights, 0.05),
            quantile(&weights, 0.95),
            worth(&weights, Some(*age)),
        ];
        assert!(found.iter().zip(golden).all(|(a, b)| close(*a, b)), "{found:?} is not {golden:?}");
    }
}

#[test]
fn without_history_there_is_only_the_prior() {
    let found = run(&[subject(1, "leaf"), subject(2, "leaf")], &[], 10.0);
    assert_eq!(found[0].basis, Basis::Prior);
    assert_eq!((found[0].p_change.to_bits(), found[0].age_days), (1.0_f64.to_bits(), None));
    // The median of the starting prior, one change in 30 days.
    assert!((found[0].rate * 30.0 - 1.0).abs() < 0.05, "{}", found[0].rate);
    assert!((found[0].p_drift - 0.5).abs() < 1e-12);
    assert_eq!(found[0].peers, 0);
    assert!(run(&[], &[], 1.0).is_empty());
}

#[test]
fn a_new_device_is_judged_by_its_role() {
    let mut scans: Vec<Scan> = Vec::new();
    for id in 1..=20 {
        let every = if id <= 10 { 2 } else { 40 };
        scans.extend((0..80).map(|night| (id, f64::from(night), night % every == 1, night % every == 1)));
    }
    scans.extend([(21, 79.0, false, false), (22, 79.0, false, false)]);
    let subjects: Vec<Subject> =
        (1..=22).map(|id| subject(id, if id <= 10 || id == 21 { "leaf" } else { "spine" })).collect();
    let found = run(&subjects, &scans, 80.0);
    let (leaf, spine) = (&found[20], &found[21]);
    assert_eq!((leaf.basis, leaf.peers, spine.peers), (Basis::Prior, 10, 10));
    assert!(leaf.rate > 3.0 * spine.rate, "{} {}", leaf.rate, spine.rate);
    assert_eq!(found[0].basis, Basis::Data);
    // Every change led to a drift, so nearly all of p_change is p_drift.
    assert!(found[0].p_drift > 0.9 * found[0].p_change && found[0].p_drift <= found[0].p_change);
}

/// Splitmix64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[test]
fn forecasts_of_a_simulated_fleet_hold() {
    // Rates differ tenfold between devices and fourfold between roles; scans
    // come at random, 1 to 12 days apart, for 120 days.
    let mut dice = Dice(7);
    let (mut scans, mut subjects, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for id in 0..3000 {
        let leaf = id % 2 == 0;
        let rate = (1.0 / if leaf { 10.0 } else { 40.0 }) * (0.8 * dice.normal()).exp();
        let mut at = dice.uniform() * 5.0;
        scans.push((id, at, false, false));
        loop {
            let gap = 1.0 + 11.0 * dice.uniform();
            if at + gap > 120.0 {
                break;
            }
            at += gap;
            scans.push((id, at, dice.uniform() < -(-rate * gap).exp_m1(), false));
        }
        subjects.push(subject(id, if leaf { "leaf" } else { "spine" }));
        rates.push(rate);
    }
    let now = 125.0;
    let found = run(&subjects, &scans, now);
    let pairs: Vec<(f64, bool)> = found
        .iter()
        .zip(&rates)
        .map(|(f, rate)| (f.p_change, dice.uniform() < -(-rate * f.age_days.unwrap()).exp_m1()))
        .collect();
    let judged = super::super::calibration::calibrate(&pairs).unwrap();
    let said = pairs.iter().map(|(p, _)| p).sum::<f64>() / pairs.len() as f64;
    let happened = pairs.iter().filter(|(_, c)| *c).count() as f64 / pairs.len() as f64;
    assert!((said - happened).abs() < 0.025, "said {said}, happened {happened}");
    assert!(judged.error < 0.04, "calibration error {}", judged.error);
    assert!(judged.skill.unwrap() > 0.08, "skill {:?}", judged.skill);
    // The 90 % intervals hold the true rate about nine times in ten.
    let inside = found.iter().zip(&rates).filter(|(f, r)| f.rate_low <= **r && **r <= f.rate_high).count();
    let inside = inside as f64 / rates.len() as f64;
    assert!((0.86..0.94).contains(&inside), "{inside}");
}

#[test]
fn ten_thousand_devices_come_out_the_same_twice() {
    let scans: Vec<Scan> = (0..10_000i64)
        .flat_map(|id| {
            (0..18).map(move |n| {
                (id, f64::from(n) * 10.0 + (id % 10) as f64, (id + i64::from(n)) % 7 == 1, false)
            })
        })
        .collect();
    let subjects: Vec<Subject> =
        (0..10_000).map(|id| subject(id, if id % 3 == 0 { "leaf" } else { "spine" })).collect();
    let batches = history(&scans);
    let found = super::super::outlook(&batches, &subjects, day(190.0), &Settings::default()).unwrap();
    assert_eq!(found.rankings.len(), 10_000);
    let week = super::super::summary::ahead(&subjects, &found.forecasts, 7.0);
    assert!(week.low < week.middle && week.middle < week.high && week.high < 10_000.0);
    assert!(found.rankings.windows(2).all(|two| two[0].score >= two[1].score));
    let again = super::super::outlook(&batches, &subjects, day(190.0), &Settings::default()).unwrap();
    assert_eq!(found, again);
}
