//! What the numbers for people must be, and a simulated fleet whose forecasts
//! must hold.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::TimeDelta;

use super::super::frequency::tests::{Scan, day, history};
use super::super::outlook;
use super::*;
use crate::model::{Signal, SignalKind};

fn subject(id: DeviceId, role: &str) -> Subject {
    let name = DeviceName::new(&format!("{role}-{id}")).unwrap();
    Subject { id, name, role: role.to_owned(), platform: String::new(), site: String::new(), importance: 1.0 }
}

fn run(subjects: &[Subject], scans: &[Scan], now: f64) -> Vec<Forecast> {
    outlook(&history(scans), &[], subjects, day(now), &Settings::default()).unwrap().forecasts
}

#[test]
fn without_history_there_is_only_the_prior() {
    let found = run(&[subject(1, "leaf"), subject(2, "leaf")], &[], 10.0);
    assert_eq!(found[0].basis, Basis::Prior);
    assert_eq!((found[0].p_change.to_bits(), found[0].age_days), (1.0_f64.to_bits(), None));
    // The median of the starting prior, one change in 30 days.
    assert!((found[0].rate * 30.0 - 1.0).abs() < 0.2, "{}", found[0].rate);
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
    assert!(leaf.rate > 2.5 * spine.rate, "{} {}", leaf.rate, spine.rate);
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
    for id in 0..1500 {
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
fn two_thousand_devices_come_out_the_same_twice() {
    let scans: Vec<Scan> = (0..2_000i64)
        .flat_map(|id| {
            (0..18).map(move |n| {
                (id, f64::from(n) * 10.0 + (id % 10) as f64, (id + i64::from(n)) % 7 == 1, false)
            })
        })
        .collect();
    let subjects: Vec<Subject> =
        (0..2_000).map(|id| subject(id, if id % 3 == 0 { "leaf" } else { "spine" })).collect();
    let batches = history(&scans);
    let found = outlook(&batches, &[], &subjects, day(190.0), &Settings::default()).unwrap();
    assert_eq!(found.rankings.len(), 2_000);
    let week = super::super::summary::ahead(&subjects, &found.forecasts, 7.0);
    assert!(week.low < week.mid && week.mid < week.high && week.high < 2_000.0);
    assert!(found.rankings.windows(2).all(|two| two[0].score >= two[1].score));
    let again = outlook(&batches, &[], &subjects, day(190.0), &Settings::default()).unwrap();
    assert_eq!(found.forecasts, again.forecasts);
    assert_eq!(found.rankings, again.rankings);
}

#[test]
fn sisters_and_signals_raise_a_chance_and_say_so() {
    // Twenty leaves, read in turn every tenth night; on the last night half of them are read and have changed.
    let mut scans: Vec<Scan> = Vec::new();
    for id in 0..20i64 {
        for round in 0..12 {
            scans.push((id, (round * 10 + id % 10) as f64, false, false));
        }
        if id % 2 == 0 {
            scans.push((id, 120.0, true, false));
        }
    }
    let subjects: Vec<Subject> = (0..20).map(|id| subject(id, "leaf")).collect();
    let quiet: Vec<Scan> = scans.iter().map(|(id, t, _, drifted)| (*id, *t, false, *drifted)).collect();
    let (calm, stormy) = (run(&subjects, &quiet, 120.1), run(&subjects, &scans, 120.1));
    assert!(stormy[1].p_change > 3.0 * calm[1].p_change, "{} {}", stormy[1].p_change, calm[1].p_change);
    assert_eq!(stormy[1].sisters, Some(Sisters { read: 10, changed: 10 }));
    assert_eq!((stormy[0].sisters, calm[1].sisters), (None, None));

    let at = day(120.1) - TimeDelta::hours(2);
    let signals = [Signal { device: 3, kind: SignalKind::Syslog, at }];
    let heard = outlook(&history(&quiet), &signals, &subjects, day(120.1), &Settings::default()).unwrap();
    assert!(heard.forecasts[3].p_change > 3.0 * calm[3].p_change);
    let hint = heard.forecasts[3].hint.unwrap();
    assert_eq!((hint.kind, hint.at, hint.signals), (SignalKind::Syslog, at, 1));
    assert_eq!(heard.forecasts[5].hint, None);
    let reason = |id: i64| heard.rankings.iter().find(|r| r.device_id == id).unwrap().reason.clone();
    assert!(
        reason(3).starts_with("its log said 2 hours ago that it was changed, a change with"),
        "{}",
        reason(3)
    );
}

#[test]
fn a_gap_of_a_month_and_a_clock_that_jumps() {
    let subjects = [subject(1, "leaf"), subject(2, "leaf")];
    let mut scans: Vec<Scan> = (0..20).map(|n| (1, f64::from(n), n % 4 == 1, false)).collect();
    scans.push((1, 55.0, true, false));
    // Read "later" than now, and once again before that.
    scans.extend([(2, 10.0, false, false), (2, 90.0, true, false), (2, 12.0, false, false)]);
    let found = run(&subjects, &scans, 56.0);
    assert!(found.iter().all(|f| (0.0..=1.0).contains(&f.p_change) && f.rate > 0.0), "{found:?}");
    assert_eq!(found[1].last_good_scan, Some(day(12.0)));
    assert!(found[0].p_change_ahead >= found[0].p_change && found[0].own > 0.1);
    assert!(found[0].next_low < found[0].median_days_to_next);
}
