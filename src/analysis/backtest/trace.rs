//! A change history from a file → a world to replay: the window with most
//! changes, the devices that lived in it.

use std::collections::BTreeMap;

use super::world::{Life, World};

const DAY: f64 = 86_400.0;
/// Roles with fewer devices than this count as one.
const SMALLEST_ROLE: usize = 4;
/// The window with most changes is sought in steps of so many days.
const STEP: f64 = 15.0;

/// All that is known of one device, as Unix times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub role: String,
    pub born: i64,
    pub died: Option<i64>,
    /// Ascending. The first is its birth.
    pub changes: Vec<i64>,
}

/// What was mended in a trace before it was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Rows that stood before an earlier one of the same device; they were sorted.
    pub unsorted: usize,
    /// The same device at the same second; one of them counts.
    pub twice: usize,
    /// Changes before the birth that the lifetimes tell; they are left out.
    pub before_birth: usize,
    /// Lifetimes of devices without any row; they are left out.
    pub without_rows: usize,
}

/// The histories of a trace: rows as (device, role, time), and lifetimes as
/// (device, role, born, died) where there are any.
pub fn histories(
    rows: impl IntoIterator<Item = (String, String, i64)>,
    lifetimes: impl IntoIterator<Item = (String, String, i64, Option<i64>)>,
) -> (BTreeMap<String, History>, Mended) {
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    let mut mended = Mended::default();
    for (device, role, at) in rows {
        let history = histories.entry(device).or_default();
        if history.changes.is_empty() {
            history.role = role;
        }
        mended.unsorted += usize::from(history.changes.last().is_some_and(|last| *last > at));
        history.changes.push(at);
    }
    for history in histories.values_mut() {
        history.changes.sort_unstable();
        let rows = history.changes.len();
        history.changes.dedup();
        mended.twice += rows - history.changes.len();
        history.born = history.changes.first().copied().unwrap_or_default();
    }
    for (device, role, born, died) in lifetimes {
        let Some(history) = histories.get_mut(&device) else {
            mended.without_rows += 1;
            continue;
        };
        (history.role, history.born, history.died) = (role, born, died);
        let early = history.changes.partition_point(|at| *at < born);
        if early > 0 {
            mended.before_birth += early;
            history.changes.drain(..early);
            history.changes.insert(0, born);
        }
    }
    (histories, mended)
}

/// The `days`-long window with most changes, births left out. `None` where
/// there is no whole night to replay.
pub fn world(name: &str, histories: &BTreeMap<String, History>, days: usize) -> Option<World> {
    let mut all: Vec<f64> = histories
        .values()
        .flat_map(|history| history.changes.iter().skip(1))
        .map(|at| *at as f64 / DAY)
        .collect();
    all.sort_by(f64::total_cmp);
    let first = histories.values().filter_map(|history| history.changes.first()).min()?;
    let (first, last) = (*first as f64 / DAY, *all.last()?);
    let days = (days as f64).min((last - first).floor());
    if days < 1.0 {
        return None;
    }
    let within =
        |from: f64| all.partition_point(|at| *at < from + days) - all.partition_point(|at| *at < from);
    let (mut best, mut start, mut at) = (0, first, first);
    while at < (last - days).max(first) + 1.0 {
        if within(at) >= best {
            (best, start) = (within(at), at);
        }
        at += STEP;
    }
    let start = start.floor();
    let mut lives = Vec::new();
    let mut kept: Vec<&str> = Vec::new();
    for (device, history) in histories {
        let birth = history.born as f64 / DAY - start;
        let died = history.died.map_or(f64::INFINITY, |at| at as f64 / DAY - start);
        let from = birth.max(0.0);
        if birth >= days - 1.0 || died <= 0.0 || died - from < 2.0 {
            continue;
        }
        let read = from.ceil();
        let mut changes: Vec<f64> = history
            .changes
            .iter()
            .map(|at| *at as f64 / DAY - start)
            .filter(|at| *at > read && *at < days.min(died))
            .collect();
        changes.sort_by(f64::total_cmp);
        let rate = changes.len() as f64 / (died.min(days) - from);
        let importance = 1.0;
        lives.push(Life {
            name: device.clone(),
            born: read,
            birth,
            died,
            importance,
            changes,
            rate,
            ..Life::default()
        });
        kept.push(&history.role);
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for role in &kept {
        *counts.entry(role).or_default() += 1;
    }
    let name_of = |role: &str| if counts[role] < SMALLEST_ROLE { "_" } else { role }.to_owned();
    let roles: Vec<String> = counts.keys().map(|role| (*role).to_owned()).chain(["_".to_owned()]).collect();
    for (life, role) in lives.iter_mut().zip(&kept) {
        let role = name_of(role);
        life.role = roles.iter().position(|known| *known == role).unwrap_or_default();
    }
    // 1970-01-01 was a Thursday.
    let first_weekday = (start as i64 + 3).rem_euclid(7) as u8;
    Some(World { name: name.to_owned(), nights: days as usize, first_weekday, start, roles, lives })
}
