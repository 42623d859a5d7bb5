//! What must hold of every replay: budgets, bookkeeping, the order of the
//! policies on fleets whose optimum is known, and bad input.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use super::*;

const DAY: i64 = 86_400;
/// A midnight.
const START: i64 = 1_699_920_000;

/// A small fleet, so that a test takes no time: two roles, campaigns on one.
fn campaigns(seed: u64, nights: usize) -> World {
    let mut dice = crate::analysis::dice::Dice::new(seed);
    let mut lives: Vec<Life> = (0..80)
        .map(|n| Life {
            name: format!("d{n:02}"),
            role: n % 2,
            died: f64::INFINITY,
            importance: 1.0,
            ..Life::default()
        })
        .collect();
    for life in &mut lives {
        let n = dice.poisson(nights as f64 / 200.0);
        life.changes = (0..n).map(|_| dice.between(0.0, nights as f64)).collect();
    }
    for start in (20..nights).step_by(30) {
        for life in lives.iter_mut().filter(|life| life.role == 0) {
            if dice.uniform() < 0.8 {
                life.changes.push(start as f64 + dice.uniform());
            }
        }
    }
    for life in &mut lives {
        life.changes.sort_by(f64::total_cmp);
        life.rate = life.changes.len() as f64 / nights as f64;
    }
    let roles = vec!["leaf".to_owned(), "spine".to_owned()];
    World { name: "campaigns".to_owned(), nights, roles, lives, ..World::default() }
}

fn run(world: &World, policy: Policy, budget: f64) -> Line {
    replay(world, policy, budget, &plan::Settings::default(), 1)
}

#[test]
fn campaigns_are_followed_within_the_budget() {
    let world = campaigns(3, 300);
    let base = run(&world, Policy::RoundRobin, 0.1);
    let found = run(&world, Policy::Driftcast, 0.1);
    let ratio = found.stale_per_1000 / base.stale_per_1000;
    assert!(ratio < 0.65, "{ratio}");
    assert!((0.097..=0.1005).contains(&found.sessions_share), "{}", found.sessions_share);
    assert!(found.ece.unwrap() < 0.03 && found.logloss_skill.unwrap() > 0.0, "{found:?}");
    // What nobody can beat, and that the same seed gives the same answer.
    assert!(run(&world, Policy::Clairvoyant, 0.1).stale_per_1000 <= found.stale_per_1000);
    assert_eq!(run(&world, Policy::Driftcast, 0.1), found);
}

#[test]
fn signals_help_and_garbage_does_no_harm() {
    let world = campaigns(5, 200);
    let without = run(&world, Policy::Driftcast, 0.1).stale_per_1000;
    let noisy = Signals::Noisy { recall: 0.8, false_per_day: 0.01 };
    let heard = run(&world.clone().with_signals(noisy, 1), Policy::Driftcast, 0.1).stale_per_1000;
    assert!(heard < 0.8 * without, "{heard} {without}");
    let garbage = Signals::Noisy { recall: 0.0, false_per_day: 0.05 };
    let misled = run(&world.clone().with_signals(garbage, 1), Policy::Driftcast, 0.1).stale_per_1000;
    assert!(misled < run(&world, Policy::RoundRobin, 0.1).stale_per_1000, "{misled}");
}

#[test]
fn no_night_passes_its_cap_and_a_purse_is_never_overdrawn() {
    let world = campaigns(7, 120);
    let settings = plan::Settings { surge_nights: 1.0, ..plan::Settings::default() };
    let found = replay(&world, Policy::Driftcast, 0.1, &settings, 1);
    assert!(found.peak_share <= 0.2 + 1e-9, "{}", found.peak_share);
    let never = plan::Settings { surge_nights: 0.0, ..plan::Settings::default() };
    let found = replay(&world, Policy::Driftcast, 0.1, &never, 1);
    assert!(found.peak_share <= 0.1 + 1e-9 && found.sessions_share > 0.0999, "{found:?}");
}

#[test]
fn budgets_of_nothing_and_of_more_than_all() {
    let world = campaigns(9, 60);
    for policy in Policy::ALL {
        let nothing = run(&world, policy, 0.0);
        assert!(nothing.sessions_share.abs() < 1e-12 && nothing.freshness < 1.0, "{policy:?}");
        let all = run(&world, policy, 7.0);
        assert!((all.sessions_share - 1.0).abs() < 1e-12 && (all.budget - 1.0).abs() < 1e-12, "{policy:?}");
        assert!(run(&world, policy, f64::NAN).sessions_share.abs() < 1e-12);
    }
}

#[test]
fn a_fleet_of_one_and_a_month_without_anyone() {
    let one = World {
        nights: 90,
        roles: vec![String::new()],
        lives: vec![Life {
            died: f64::INFINITY,
            importance: 1.0,
            changes: vec![3.5, 40.2],
            rate: 0.02,
            ..Life::default()
        }],
        ..World::default()
    };
    let found = run(&one, Policy::Driftcast, 0.1);
    assert!(found.freshness > 0.8 && found.sessions_share <= 0.1, "{found:?}");
    // Devices that come after a month in which there was nobody.
    let mut late = campaigns(1, 120);
    late.lives.iter_mut().for_each(|life| life.born = 31.0);
    for life in &mut late.lives {
        life.changes.retain(|at| *at > 31.0);
    }
    let found = run(&late, Policy::Driftcast, 0.1);
    assert!((0.095..=0.101).contains(&found.sessions_share), "{found:?}");
    let empty = World { nights: 5, ..World::default() };
    assert!(run(&empty, Policy::Driftcast, 0.1).sessions_share.abs() < 1e-12);
}

#[test]
fn a_trace_is_mended_and_its_busiest_window_found() {
    let rows = |list: &[(&str, i64)]| -> Vec<(String, String, i64)> {
        list.iter()
            .map(|(d, day)| ((*d).to_owned(), "leaf".to_owned(), START + day * DAY + 3600 + day * 60))
            .collect()
    };
    let list = [("a", 40), ("a", 0), ("b", 1), ("a", 40), ("b", 60), ("a", 55), ("b", 61), ("a", 61)];
    let lives = [("b".to_owned(), "spine".to_owned(), START + 30 * DAY, None)];
    let lost = ("c".to_owned(), "spine".to_owned(), START, None);
    let (histories, mended) = histories(rows(&list), lives.into_iter().chain([lost]));
    let wanted = Mended { unsorted: 1, twice: 1, before_birth: 1, without_rows: 1 };
    assert_eq!(mended, wanted);
    assert_eq!(histories["a"].changes.len(), 4);
    assert_eq!((histories["b"].born, histories["b"].changes.len()), (START + 30 * DAY, 3));
    let world = world("t", &histories, 730).unwrap();
    assert_eq!((world.nights, world.lives.len(), world.first_weekday), (61, 2, 1));
    assert_eq!(world.lives[1].born.to_bits(), 30.0_f64.to_bits());
    let short = super::world("t", &histories, 20).unwrap();
    assert_eq!((short.nights, short.changes()), (20, 1));
    assert!(super::world("t", &BTreeMap::new(), 730).is_none());
    let (alone, _) = super::histories(rows(&[("a", 0)]), []);
    assert!(super::world("t", &alone, 730).is_none());
}

#[test]
fn the_yardstick_reads_budgets_between_its_marks() {
    let stick = Yardstick(vec![(0.1, 0.5), (0.2, 0.7), (0.3, 0.7), (1.0, 0.9)]);
    for (fresh, budget) in [(0.2, 0.1), (0.6, 0.15), (0.7, 0.2), (0.8, 0.65), (0.95, 1.0)] {
        assert!((stick.budget(fresh) - budget).abs() < 1e-9, "{fresh}");
    }
}

#[test]
fn every_synthetic_fleet_is_the_same_for_a_seed() {
    for name in FLEETS {
        let (one, two) = (fleet(name, 4).unwrap(), fleet(name, 4).unwrap());
        assert_eq!(one.lives.len(), 1000);
        assert!(one.lives.iter().zip(&two.lives).all(|(a, b)| a.changes == b.changes));
        let rate = one.changes() as f64 / 1000.0 / one.nights as f64;
        assert!((0.002..0.6).contains(&rate), "{name} {rate}");
    }
    assert!(fleet("steady", 1).is_none());
}
