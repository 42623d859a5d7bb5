//! Forecasts, written before the scans they are about, so that calibration is
//! honest.

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::DateTime;

use super::{Store, StoreError};
use crate::model::RunId;
use crate::model::device::DeviceId;
use crate::model::finding::ForecastOutcome;

const LIST: &str = include_str!("../../queries/forecast_list.sql");
const SUMS: &str = include_str!("../../queries/forecast_sums.sql");
const OUTCOMES: &str = include_str!("../../queries/forecast_outcomes.sql");

/// What the forecasts of one run add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastSum {
    pub run: RunId,
    pub devices: u64,
    /// Expected number of devices that had changed.
    pub expected: f64,
    /// Its variance, if devices change independently of each other.
    pub variance: f64,
    /// Both again, without the devices that the run then read completely.
    pub expected_left: f64,
    pub variance_left: f64,
}

impl Store {
    /// One sum a run, oldest first, up to what a run saw.
    pub fn forecast_sums(&self, as_of: Option<RunId>) -> Result<Vec<ForecastSum>, StoreError> {
        let mut statement = self.db.prepare(SUMS)?;
        let rows = statement.query_map([self.cutoff(as_of)?], |row| {
            let devices = row.get::<_, i64>(1)? as u64;
            Ok(ForecastSum {
                run: row.get(0)?,
                devices,
                expected: row.get(2)?,
                variance: row.get(3)?,
                expected_left: row.get(4)?,
                variance_left: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<duckdb::Result<_>>()?)
    }

    /// Writes the forecasts of a run: device, `p_change`, `p_drift`. They are
    /// kept to a ten-thousandth.
    pub fn append_forecasts(&self, run: RunId, forecasts: &[(DeviceId, f64, f64)]) -> Result<(), StoreError> {
        let mut sorted = forecasts.to_vec();
        // In the order of the numbers they take a fraction of the room.
        sorted.sort_unstable_by_key(|(device, ..)| *device);
        self.in_tx(|tx| {
            let seq = tx.next_seq();
            tx.append("forecast", sorted, |out, (device, p_change, p_drift)| {
                out.append_row(duckdb::params![seq, run, device, stored(p_change), stored(p_drift)])
            })
        })?;
        Ok(())
    }

    /// The forecasts of a run by device: `p_change`, `p_drift`.
    pub fn forecasts(&self, run: RunId) -> Result<Vec<(DeviceId, f64, f64)>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let rows = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<duckdb::Result<_>>()?)
    }

    /// Forecasts up to a run with what followed, in the order of the scans: of
    /// devices that chance chose, so that the choice flatters nobody.
    pub fn forecast_outcomes(&self, as_of: Option<RunId>) -> Result<Vec<ForecastOutcome>, StoreError> {
        let mut outcomes = Vec::new();
        for batch in self.arrow(OUTCOMES, self.cutoff(as_of)?)? {
            let runs = batch.column(0).as_primitive::<Int64Type>();
            let devices = batch.column(1).as_primitive::<Int64Type>();
            let said = batch.column(2).as_primitive::<Float64Type>();
            let changed = batch.column(3).as_boolean();
            let started = batch.column(4).as_primitive::<TimestampMicrosecondType>();
            outcomes.extend((0..batch.num_rows()).map(|i| ForecastOutcome {
                run: runs.value(i),
                device: devices.value(i),
                p: said.value(i),
                changed: !changed.is_null(i) && changed.value(i),
                at: DateTime::from_timestamp_micros(started.value(i)).unwrap_or_default(),
            }));
        }
        Ok(outcomes)
    }
}

/// A probability in ten-thousandths. What is no number counts as 0.
fn stored(p: f64) -> i16 {
    (p.clamp(0.0, 1.0) * 10_000.0).round() as i16
}
