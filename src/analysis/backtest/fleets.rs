//! Synthetic fleets: known rates, so that there is an optimum to compare with.
//! Six roles, log-normal rates; each kind breaks one assumption of a method.

use super::world::{Life, World};
use crate::analysis::dice::Dice;

/// Names of the synthetic fleets.
pub const NAMES: [&str; 6] = ["stationary", "seasonal", "bursty", "regime", "weighted", "quiet"];

const DEVICES: usize = 1000;
const ROLES: usize = 6;
const SIGMA: f64 = 1.75;
const BETWEEN: f64 = 0.8;

/// A fleet of 1,000 devices, the same for the same seed. `None` for an unknown name.
pub fn fleet(name: &str, seed: u64) -> Option<World> {
    let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(name.len() as u64));
    let nights = if name == "quiet" { 365 } else { 180 };
    let median = match name {
        "quiet" => 1.0 / 365.0,
        "bursty" => 1.0 / 40.0,
        _ => 1.0 / 30.0,
    };
    let offsets: Vec<f64> = (0..ROLES).map(|_| BETWEEN * dice.normal()).collect();
    let within = (SIGMA * SIGMA - BETWEEN * BETWEEN).sqrt();
    let mut lives: Vec<Life> = (0..DEVICES)
        .map(|n| {
            let role = dice.below(ROLES);
            let rate = (f64::ln(median) + offsets[role] + within * dice.normal()).exp();
            let importance = 1.0;
            Life {
                name: format!("{name}-{n:04}"),
                role,
                rate,
                importance,
                died: f64::INFINITY,
                ..Life::default()
            }
        })
        .collect();
    let span = nights as f64;
    match name {
        "stationary" | "quiet" => constant(&mut lives, span, &mut dice),
        "weighted" => {
            constant(&mut lives, span, &mut dice);
            for life in &mut lives {
                life.importance = (1.2 * dice.normal()).exp();
            }
            let mean = lives.iter().map(|life| life.importance).sum::<f64>() / DEVICES as f64;
            for life in &mut lives {
                life.importance /= mean;
            }
        }
        "seasonal" => seasonal(&mut lives, nights, &mut dice),
        "bursty" => bursty(&mut lives, span, &mut dice),
        "regime" => regime(&mut lives, nights, &offsets, &mut dice),
        _ => return None,
    }
    for life in &mut lives {
        life.changes.retain(|at| *at > 0.0 && *at < span);
        life.changes.sort_by(f64::total_cmp);
    }
    let roles = (0..ROLES).map(|role| format!("role-{role}")).collect();
    Some(World { name: format!("{name}-{seed}"), nights, first_weekday: 0, start: 0.0, roles, lives })
}

/// One rate for good.
fn constant(lives: &mut [Life], span: f64, dice: &mut Dice) {
    for life in lives {
        life.changes = (0..dice.poisson(life.rate * span)).map(|_| dice.between(0.0, span)).collect();
    }
}

/// Quiet weekends, and a weekday on which a role is maintained.
fn seasonal(lives: &mut [Life], nights: usize, dice: &mut Dice) {
    let profiles: Vec<[f64; 7]> = (0..ROLES)
        .map(|_| {
            let mut week = [1.0, 1.0, 1.0, 1.0, 1.0, 0.15, 0.15];
            week[dice.below(5)] *= 6.0;
            let mean = week.iter().sum::<f64>() / 7.0;
            week.map(|day| day / mean)
        })
        .collect();
    for life in lives {
        for day in 0..nights {
            let n = dice.poisson(life.rate * profiles[life.role][day % 7]);
            life.changes.extend((0..n).map(|_| day as f64 + dice.uniform()));
        }
    }
}

/// A change brings others on the same device; campaigns hit 60 % of a role within three days.
fn bursty(lives: &mut [Life], span: f64, dice: &mut Dice) {
    const BRANCHING: f64 = 0.7;
    for life in lives.iter_mut() {
        let n = dice.poisson(life.rate * (1.0 - BRANCHING) * (span + 20.0));
        let mut open: Vec<f64> = (0..n).map(|_| dice.between(-20.0, span)).collect();
        while let Some(at) = open.pop() {
            life.changes.push(at);
            for _ in 0..dice.poisson(BRANCHING) {
                let next = at + dice.exponential(1.0);
                if next < span {
                    open.push(next);
                }
            }
        }
    }
    for role in 0..ROLES {
        for _ in 0..dice.poisson(span / 30.0) {
            let start = dice.between(0.0, span);
            for life in lives.iter_mut().filter(|life| life.role == role) {
                if dice.uniform() < 0.6 {
                    life.changes.push(start + dice.between(0.0, 3.0));
                }
            }
        }
    }
    for life in lives {
        life.rate = life.changes.len() as f64 / span;
    }
}

/// Now and then a device's rate is drawn anew.
fn regime(lives: &mut [Life], nights: usize, offsets: &[f64], dice: &mut Dice) {
    for life in lives {
        let (mut rate, mut sum) = (life.rate, 0.0);
        for day in 0..nights {
            if dice.uniform() < 1.0 / 60.0 {
                rate = (f64::ln(1.0 / 30.0) + offsets[life.role] + 1.5 * dice.normal()).exp();
            }
            sum += rate;
            life.changes.extend((0..dice.poisson(rate)).map(|_| day as f64 + dice.uniform()));
        }
        life.rate = sum / nights as f64;
    }
}
