//! The database's own history as a world to replay. Nobody knows when a device
//! really changed: the middle of the interval between two scans stands for it,
//! and of several changes in one interval only one is known. So the figures
//! compare policies; they are no measure of what was missed.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

use super::world::{Life, World};
use crate::analysis::forecast::Subject;
use crate::analysis::scans;
use crate::analysis::{History, Window};

/// The last `nights` of some devices up to `as_of`; `history` as in
/// [`crate::analysis::outlook`]. `None` if there is no whole night with a scan.
pub fn own(history: &History, subjects: &[Subject], as_of: DateTime<Utc>, nights: usize) -> Option<World> {
    let places = subjects.iter().enumerate().map(|(place, subject)| (subject.id, place)).collect();
    let span = i64::try_from(nights).unwrap_or(i64::MAX).clamp(1, 100_000);
    let since = (as_of - TimeDelta::days(span)).timestamp_micros();
    let window = Window { own: since, past: since, until: as_of.timestamp_micros() };
    let rows = scans::scans(history, &places, window);
    let first = rows.first()?;
    let start = first.t.floor();
    let nights = (scans::day_of(as_of) - start).floor();
    if nights < 1.0 {
        return None;
    }
    let mut roles: Vec<String> = subjects.iter().map(|subject| subject.role.clone()).collect();
    roles.sort();
    roles.dedup();
    let mut lives: HashMap<usize, (f64, Life)> = HashMap::new();
    for row in &rows {
        let subject = &subjects[row.place()];
        let at = row.t - start;
        let (last, life) = lives.entry(row.place()).or_insert_with(|| {
            let life = Life {
                name: subject.name.to_string(),
                role: roles.binary_search(&subject.role).unwrap_or_default(),
                born: at.ceil(),
                birth: at,
                died: f64::INFINITY,
                importance: subject.importance,
                ..Life::default()
            };
            (at, life)
        });
        let middle = f64::midpoint(*last, at);
        if row.changed && !row.opens && middle > life.born && middle < nights {
            life.changes.push(middle);
        }
        *last = at;
    }
    let mut lives: Vec<Life> = lives.into_values().map(|(_, life)| life).collect();
    lives.retain(|life| life.born < nights - 1.0);
    lives.sort_by(|a, b| a.name.cmp(&b.name));
    for life in &mut lives {
        life.changes.sort_by(f64::total_cmp);
        life.rate = life.changes.len() as f64 / (nights - life.birth);
    }
    let first_day = as_of - TimeDelta::days(nights as i64);
    (!lives.is_empty()).then(|| World {
        name: "own".to_owned(),
        nights: nights as usize,
        first_weekday: first_day.weekday().num_days_from_monday() as u8,
        start,
        roles,
        lives,
    })
}
