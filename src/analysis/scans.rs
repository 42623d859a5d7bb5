//! The rows of history as the learner takes them: who was read when, and
//! whether something had changed, in the order in which it was seen.

use std::collections::HashMap;

use arrow::array::{Array as _, AsArray as _, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};

use super::frame::FrameError;
use crate::model::device::DeviceId;

/// Days since 1970, with parts. A whole number is a midnight in UTC.
pub(super) fn day_of(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 86_400e6
}

/// One complete scan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scan {
    /// Place in the list of devices.
    pub(super) device: usize,
    /// In days since 1970.
    pub(super) t: f64,
    pub(super) changed: bool,
}

/// The scans of some devices from `since` to `as_of`, by time; those of one
/// device that started at the same moment in the order of the rows.
pub(super) fn scans(
    history: &[RecordBatch],
    devices: &HashMap<DeviceId, usize>,
    since: DateTime<Utc>,
    as_of: DateTime<Utc>,
) -> Result<Vec<Scan>, FrameError> {
    let (since, as_of) = (since.timestamp_micros(), as_of.timestamp_micros());
    let mut scans = Vec::with_capacity(history.iter().map(RecordBatch::num_rows).sum());
    for batch in history {
        let ids: &PrimitiveArray<Int64Type> = typed(batch, "device_id", &DataType::Int64)?.as_primitive();
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let started: &PrimitiveArray<TimestampMicrosecondType> =
            typed(batch, "started", &micros)?.as_primitive();
        let changed: &BooleanArray = typed(batch, "changed", &DataType::Boolean)?.as_boolean();
        // Rows of one device stand together.
        let mut known: Option<(DeviceId, Option<usize>)> = None;
        for row in 0..batch.num_rows() {
            let (id, at) = (ids.value(row), started.value(row));
            if ids.is_null(row) || started.is_null(row) || at < since || at > as_of {
                continue;
            }
            let place = match known {
                Some((before, place)) if before == id => place,
                _ => devices.get(&id).copied(),
            };
            known = Some((id, place));
            let Some(device) = place else { continue };
            let changed = changed.is_valid(row) && changed.value(row);
            scans.push(Scan { device, t: at as f64 / 86_400e6, changed });
        }
    }
    scans.sort_by(|a, b| a.t.total_cmp(&b.t));
    Ok(scans)
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
