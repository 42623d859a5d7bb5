//! The complete scans of a fleet in a few plain columns, and beside them what
//! an imported history tells of the time before.
//!
//! Scans come as Arrow batches, in the order in which they were made, and each
//! batch is gone when the next one comes: ten million scans are 130 MB here and
//! cost the database no sorting. All that analysis wants of them (intervals,
//! halves, the order of a night) is a walk along these columns.

use std::collections::HashMap;

use arrow::array::{Array as _, AsArray as _, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

use super::forecast::Settings;
use super::frame::FrameError;
use super::past::{self, PastReading};
use crate::model::PastEvent;
use crate::model::device::DeviceId;

/// The columns of a batch, by name and type: one row a complete scan in device
/// scope, ordered by sequence (never by a clock).
pub const COLUMNS: [(&str, DataType); 4] = [
    ("seq", DataType::Int64),
    ("device_id", DataType::Int64),
    ("started", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("changed", DataType::Boolean),
];

/// What a scan that found a change led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Find {
    pub seq: i64,
    pub device: DeviceId,
    /// It opened a drift, or one came back.
    pub drifted: bool,
    /// Single things that had changed.
    pub changes: i64,
}

/// From when on rows count: of our own scans, and of an imported history, as
/// microseconds since 1970. Both end with `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub own: i64,
    pub past: i64,
    pub until: i64,
}

impl Window {
    pub fn of(settings: &Settings, as_of: DateTime<Utc>) -> Self {
        let since = |days: u32| {
            let days = TimeDelta::days(i64::from(days));
            as_of.checked_sub_signed(days).map_or(i64::MIN, |at| at.timestamp_micros())
        };
        Self {
            own: since(settings.window_days),
            past: since(settings.imported_days),
            until: as_of.timestamp_micros(),
        }
    }
}

/// One row, wherever it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Place of the device among [`History::devices`].
    pub(super) slot: usize,
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) changed: bool,
    /// Nothing is known of the time between the row before and this one.
    pub(super) opens: bool,
    /// A scan of ours, and not a reading that an imported history stands for.
    pub(super) own: bool,
    /// Place among [`History::finds`], of a scan that has one.
    pub(super) find: Option<usize>,
}

/// The scans of a fleet.
#[derive(Clone, Debug, Default)]
pub struct History {
    devices: Vec<DeviceId>,
    /// By number where numbers are small, as ours are; others by a map.
    slots: Vec<u32>,
    others: HashMap<DeviceId, u32>,
    slot: Vec<u32>,
    at: Vec<i64>,
    changed: Vec<bool>,
    last_seq: i64,
    /// By sequence and device.
    finds: Vec<Find>,
    /// Rows with a find, ascending, and which.
    found: Vec<(usize, usize)>,
    /// By device and time.
    past: Vec<(u32, PastReading)>,
}

/// Device numbers below this are looked up in a list.
const SMALL: usize = 1 << 22;
const NONE: u32 = u32::MAX;

impl History {
    /// A history without rows, knowing what came of scans that found something.
    pub fn new(mut finds: Vec<Find>) -> Self {
        finds.sort_unstable_by_key(|find| (find.seq, find.device));
        Self { finds, last_seq: i64::MIN, ..Self::default() }
    }

    /// Room for so many scans, so that a long history is never moved.
    pub fn reserve(&mut self, scans: usize) {
        self.slot.reserve_exact(scans);
        self.at.reserve_exact(scans);
        self.changed.reserve_exact(scans);
    }

    /// The next scans. [`FrameError::Unordered`] if one was made before those
    /// that are here already.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), FrameError> {
        let [seq, ids, started, changed] = COLUMNS.map(|(name, wanted)| typed(batch, name, &wanted));
        let seq: &PrimitiveArray<Int64Type> = seq?.as_primitive();
        let ids: &PrimitiveArray<Int64Type> = ids?.as_primitive();
        let started: &PrimitiveArray<TimestampMicrosecondType> = started?.as_primitive();
        let changed: &BooleanArray = changed?.as_boolean();
        for row in 0..batch.num_rows() {
            if seq.is_null(row) || ids.is_null(row) || started.is_null(row) {
                continue;
            }
            let (seq, id) = (seq.value(row), ids.value(row));
            if seq < self.last_seq {
                return Err(FrameError::Unordered);
            }
            self.last_seq = seq;
            let changed = changed.is_valid(row) && changed.value(row);
            if changed
                && let Ok(find) = self.finds.binary_search_by_key(&(seq, id), |find| (find.seq, find.device))
            {
                self.found.push((self.at.len(), find));
            }
            let slot = self.slot_of(id);
            self.slot.push(slot);
            self.at.push(started.value(row));
            self.changed.push(changed);
        }
        Ok(())
    }

    /// Adds what an imported history tells. It counts up to a device's first scan.
    pub fn remember(&mut self, events: &[PastEvent]) {
        for (device, readings) in past::readings(events) {
            let slot = self.slot_of(device);
            self.past.extend(readings.into_iter().map(|reading| (slot, reading)));
        }
        self.past.sort_by_key(|(slot, _)| *slot);
    }

    /// Scans of ours.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at.is_empty() && self.past.is_empty()
    }

    /// Every device that has a row, in the order of the first.
    pub(super) fn devices(&self) -> &[DeviceId] {
        &self.devices
    }

    pub(super) fn finds(&self) -> &[Find] {
        &self.finds
    }

    fn slot_of(&mut self, id: DeviceId) -> u32 {
        let small = usize::try_from(id).ok().filter(|id| *id < SMALL);
        let known = match small {
            Some(id) => self.slots.get(id).copied().filter(|slot| *slot != NONE),
            None => self.others.get(&id).copied(),
        };
        known.unwrap_or_else(|| {
            let slot = self.devices.len() as u32;
            self.devices.push(id);
            match small {
                Some(id) => {
                    if self.slots.len() <= id {
                        self.slots.resize(id + 1, NONE);
                    }
                    self.slots[id] = slot;
                }
                None => {
                    self.others.insert(id, slot);
                }
            }
            slot
        })
    }

    /// All rows up to the end of the window: first those of an imported history,
    /// device by device, then our scans in the order in which they were made.
    /// Rows from before the window are among them, for the intervals that end in it.
    pub(super) fn rows(&self, window: Window) -> impl Iterator<Item = Row> + '_ {
        let mut first = vec![i64::MAX; self.devices.len()];
        for (slot, at) in self.slot.iter().zip(&self.at).filter(|(_, at)| **at <= window.until) {
            first[*slot as usize] = first[*slot as usize].min(*at);
        }
        let mut fresh = vec![true; self.devices.len()];
        let past = self.past.iter().filter_map(move |(slot, reading)| {
            let slot = *slot as usize;
            (reading.at <= window.until && reading.at < first[slot]).then_some(Row {
                slot,
                at: reading.at,
                changed: reading.changed,
                opens: reading.opens,
                own: false,
                find: None,
            })
        });
        let mut found = self.found.iter().copied().peekable();
        let own = (0..self.at.len()).filter_map(move |row| {
            let find = found.next_if(|(at, _)| *at == row).map(|(_, find)| find);
            let (slot, at) = (self.slot[row] as usize, self.at[row]);
            (at <= window.until).then(|| Row {
                slot,
                at,
                changed: self.changed[row],
                opens: std::mem::take(&mut fresh[slot]),
                own: true,
                find,
            })
        });
        past.chain(own)
    }
}

fn typed<'a>(
    batch: &'a RecordBatch,
    column: &str,
    wanted: &DataType,
) -> Result<&'a dyn arrow::array::Array, FrameError> {
    match batch.column_by_name(column) {
        Some(found) if found.data_type() == wanted => Ok(found.as_ref()),
        _ => Err(FrameError::Column { column: column.to_owned(), wanted: wanted.to_string() }),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::super::frequency::tests::{day, history};
    use super::*;
    use crate::model::PastStep;

    const ALL: Window = Window { own: i64::MIN, past: i64::MIN, until: i64::MAX };

    #[test]
    fn an_imported_history_ends_with_the_first_scan() {
        let mut rows = history(&[(7, 20.0, false, false), (9, 1.0, false, false), (7, 21.0, true, true)]);
        let event = |device, step, days| PastEvent { device, step, at: day(days), every_seconds: 86_400 };
        rows.remember(&[
            event(7, PastStep::Came, 0.0),
            event(8, PastStep::Came, 3.0),
            event(7, PastStep::Changed, 10.0),
            event(7, PastStep::Changed, 20.5),
            event(7, PastStep::Same, 30.0),
            event(8, PastStep::Same, 30.0),
        ]);
        let told: Vec<(DeviceId, f64, bool, bool, bool)> = rows
            .rows(ALL)
            .map(|row| {
                let days = (row.at - day(0.0).timestamp_micros()) as f64 / 86_400e6;
                (rows.devices()[row.slot], days, row.changed, row.opens, row.own)
            })
            .collect();
        assert_eq!(
            told,
            [
                (7, 0.0, false, true, false),
                (7, 9.0, false, false, false),
                (7, 10.0, true, false, false),
                (7, 19.5, false, false, false),
                (8, 3.0, false, true, false),
                (8, 30.0, false, false, false),
                (7, 20.0, false, true, true),
                (9, 1.0, false, true, true),
                (7, 21.0, true, false, true),
            ]
        );
        assert_eq!(rows.rows(ALL).last().unwrap().find, Some(0));
        // As somebody saw it before the device was first read here.
        let before = Window { until: day(19.9).timestamp_micros(), ..ALL };
        assert_eq!(rows.rows(before).filter(|row| row.own).count(), 1);
        assert_eq!(rows.rows(before).count(), 6);
    }

    #[test]
    fn numbers_of_any_size_have_a_place_and_order_is_the_sequence() {
        let rows =
            history(&[(i64::MAX, 0.0, false, false), (-3, 1.0, true, false), (i64::MAX, 2.0, true, true)]);
        assert_eq!(rows.devices(), [i64::MAX, -3]);
        let slots: Vec<usize> = rows.rows(ALL).map(|row| row.slot).collect();
        assert_eq!(slots, [0, 1, 0]);
        let mut twice = rows.clone();
        let batch = super::super::frequency::tests::batch(&[(1, 0.0, false, false)], 0);
        assert!(matches!(twice.push(&batch).unwrap_err(), FrameError::Unordered));
        let narrow = batch.project(&[0, 1, 2]).unwrap();
        assert!(matches!(
            twice.push(&narrow).unwrap_err(),
            FrameError::Column { column, .. } if column == "changed"
        ));
    }
}
