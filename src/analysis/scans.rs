//! The rows of history as the learner takes them: who was read when, and
//! whether something had changed, in the order in which it was seen.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::history::{History, Window};
use crate::model::device::DeviceId;

/// Days since 1970, with parts. A whole number is a midnight in UTC.
pub(super) fn day_of(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 86_400e6
}

/// One complete scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scan {
    /// In days since 1970.
    pub(super) t: f64,
    /// Place in the list of devices.
    pub(super) device: u32,
    pub(super) changed: bool,
    /// Nothing is known of the time before it.
    pub(super) opens: bool,
    /// A scan of ours, and not a reading that an imported history stands for.
    pub(super) own: bool,
}

impl Scan {
    pub(super) fn place(&self) -> usize {
        self.device as usize
    }
}

/// The scans of some devices in the window, by time; those that started at the
/// same moment in the order of the rows.
pub(super) fn scans(history: &History, devices: &HashMap<DeviceId, usize>, window: Window) -> Vec<Scan> {
    let places: Vec<Option<u32>> =
        history.devices().iter().map(|id| devices.get(id).map(|place| *place as u32)).collect();
    // What our first scan in the window found is about a time outside of it.
    let mut read = vec![false; places.len()];
    let mut scans: Vec<Scan> = history
        .rows(window)
        .filter(|row| row.at >= if row.own { window.own } else { window.past })
        .filter_map(|row| {
            Some(Scan {
                t: row.at as f64 / 86_400e6,
                device: places[row.slot]?,
                changed: row.changed,
                opens: row.opens || (row.own && !std::mem::replace(&mut read[row.slot], true)),
                own: row.own,
            })
        })
        .collect();
    scans.sort_by(|a, b| a.t.total_cmp(&b.t));
    scans
}
