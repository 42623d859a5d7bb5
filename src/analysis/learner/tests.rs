//! The state against closed forms, and what must hold whatever it is told.

use proptest::prelude::*;

use super::table::{gain_of, table};
use super::*;
use crate::analysis::dice::Dice;
use crate::analysis::grid;

fn members(n: usize) -> Vec<Member> {
    vec![Member { role: "leaf".to_owned(), ..Member::default() }; n]
}

fn look(learner: &mut Learner, device: usize, t: f64) -> Look {
    let mut looks = Vec::new();
    learner.looks(&[device], t, Objective::Freshness, &mut looks);
    looks[0]
}

#[test]
fn the_table_is_exact_to_five_digits() {
    for days in [0.001, 0.03, 1.0, 9.7, 400.0] {
        let (change, gain) = table().both(table().place(days));
        for (k, rate) in grid::rates().iter().enumerate() {
            let x = rate * days;
            assert!((f64::from(change[k]) + (-x).exp_m1()).abs() < 2e-5 * x.min(1.0) + 1e-9, "{days} {k}");
            assert!((f64::from(gain[k]) - gain_of(x)).abs() < 1e-4 * gain_of(x) + 1e-9, "{days} {k}");
        }
    }
}

#[test]
fn before_anything_is_seen_there_is_the_prior() {
    let mut learner = Learner::new(&members(3), 100);
    (0..3).for_each(|device| learner.enter(device, 100.0));
    let prior = grid::log_normal((1.0_f64 / 30.0).ln(), 1.5);
    let found = look(&mut learner, 0, 110.0);
    // Days whose factor is not known are worth a little less than their mean.
    let plain = grid::p_change(&prior, 10.0);
    assert!(found.p < plain && found.p > 0.8 * plain, "{} {plain}", found.p);
    let weights = learner.weights(0, 110.0);
    assert!((grid::quantile(&weights, 0.5) * 30.0 - 1.0).abs() < 0.2);
    assert!(learner.p_within(0, 110.0, 7.0) > found.p && learner.trusted());
}

#[test]
fn the_objectives_differ_where_they_should() {
    // A hopeless device against a slow one: freshness gives up on it, age and delay do not.
    let (fast, slow) = ((20.0, 0.1), (0.5, 20.0));
    let worth = |objective: Objective, (x, ahead): (f64, f64)| objective.worth(x, ahead);
    assert!(worth(Objective::Freshness, fast) < worth(Objective::Freshness, slow));
    assert!(worth(Objective::Delay, fast) > worth(Objective::Delay, slow));
    // The series of the age objective meets its closed form.
    let (below, above) = (Objective::Age.worth(0.009_999, 1.0), Objective::Age.worth(0.010_001, 1.0));
    assert!((below / above - 1.0).abs() < 1e-3, "{below} {above}");
}

#[test]
fn signals_are_believed_as_far_as_they_have_earned_it() {
    // Every change gives a signal on one platform; on the other they mean nothing.
    let mut fleet = members(40);
    fleet[20..].iter_mut().for_each(|member| member.platform = "other".to_owned());
    let mut learner = Learner::new(&fleet, 0);
    (0..40).for_each(|device| learner.enter(device, 0.0));
    let mut dice = Dice::new(5);
    for night in 1..=120 {
        let t = f64::from(night);
        learner.settle(t);
        for device in 0..40 {
            let changed = dice.uniform() < 0.05;
            let heard = if device < 20 { changed } else { dice.uniform() < 0.05 };
            if heard {
                learner.signal(device, 0, t - 0.5);
            }
            learner.observe(device, t, Seen::Changed(changed));
        }
        learner.close_night(t);
    }
    assert!(learner.classes(0)[0].recall > 0.9 && learner.classes(30)[0].recall < 0.3);
    let before = look(&mut learner, 0, 120.9).p;
    learner.signal(0, 0, 120.5);
    learner.signal(30, 0, 120.5);
    let (good, bad) = (look(&mut learner, 0, 120.9).p, look(&mut learner, 30, 120.9).p);
    assert!(good > 0.8 && good > 10.0 * before && bad < 0.3, "{before} {good} {bad}");
}

#[test]
fn a_commit_log_counts_what_a_scan_can_only_notice() {
    let mut learner = Learner::new(&members(2), 0);
    for device in 0..2 {
        learner.enter(device, 0.0);
    }
    for week in 1..=20 {
        let t = f64::from(week) * 7.0;
        learner.observe(0, t, Seen::Counted(7));
        learner.observe(1, t, Seen::Changed(true));
        learner.close_night(t);
    }
    let middle = |device| grid::quantile(&learner.weights(device, 140.0), 0.5);
    // One a day is counted to a third of it; a weekly glance cannot tell one a day from two.
    assert!((0.7..1.5).contains(&middle(0)), "{}", middle(0));
    let width = |device| {
        let weights = learner.weights(device, 140.0);
        grid::quantile(&weights, 0.95) / grid::quantile(&weights, 0.05)
    };
    assert!(width(0) < width(1), "{} {}", width(0), width(1));
}

proptest! {
    #[test]
    fn chances_stay_chances(
        scans in prop::collection::vec((0usize..6, 0.0..3.0f64, any::<bool>(), 0u32..4), 1..120),
    ) {
        let mut learner = Learner::new(&members(6), 50);
        (0..6).for_each(|device| learner.enter(device, 50.0));
        let mut t = 50.0;
        for (device, step, changed, signals) in scans {
            // Now and then the clock stands still or jumps back.
            t += step - 0.3;
            for _ in 0..signals {
                learner.signal(device, 1, t - 0.1);
            }
            let found = look(&mut learner, device, t);
            prop_assert!((0.0..=1.0).contains(&found.p) && found.index.is_finite() && found.index >= 0.0);
            learner.observe(device, t, Seen::Changed(changed));
            if changed {
                learner.close_night(t);
            }
            let weights = learner.weights(device, t);
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            let within = learner.p_within(device, t, 7.0);
            prop_assert!((0.0..=1.0).contains(&within));
        }
    }
}
