//! How often each device changed, and over which intervals anyone could have
//! seen it. Polars reduces one row a scan to a few numbers a device; all that
//! comes after works on those and never sees a row of history again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use polars::prelude::*;

use super::frame::FrameError;
use super::grid::Evidence;
use crate::model::device::DeviceId;

/// The columns that history has, by name and type. One row a complete scan in
/// device scope, ordered by device and then by sequence (never by a clock).
/// `drifted`: the scan opened a drift, or one came back.
pub const COLUMNS: [(&str, DataType); 5] = [
    ("device_id", DataType::Int64),
    ("started", DataType::Datetime(TimeUnit::Microseconds, None)),
    ("changed", DataType::Boolean),
    ("drifted", DataType::Boolean),
    ("changes", DataType::Int64),
];

const DAY: f64 = 86_400e6;

/// What the history of one device comes to. Counts are of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequency {
    pub device_id: DeviceId,
    /// Complete scans in the window.
    pub scans: i64,
    /// Scans that found a change since the one before.
    pub changed: i64,
    /// Of those, the ones that led to a drift.
    pub drifted: i64,
    /// Single things that changed.
    pub changes: i64,
    /// Start of the newest complete scan, in the window or not.
    pub last: DateTime<Utc>,
    /// Days over which changes could be seen.
    pub exposure_days: f64,
    /// Days from one scan that found a change to the next such scan.
    pub mean_gap_days: Option<f64>,
    pub median_gap_days: Option<f64>,
    /// Scans that led to a drift, per 30 days of exposure; `None` without exposure.
    pub drifts_per_30_days: Option<f64>,
    /// Changes by weekday, Monday first. Only intervals of at most two days
    /// can tell one, by their middle.
    pub weekdays: [i64; 7],
    /// The first and the second half of the device's time in the window.
    pub earlier: Evidence,
    pub recent: Evidence,
}

impl Frequency {
    /// Intervals in the window.
    pub fn intervals(&self) -> u32 {
        self.earlier.intervals() + self.recent.intervals()
    }
}

/// One value a device that was ever completely scanned by `as_of`, ordered by
/// device. `history` has the [`COLUMNS`]; a frame without rows may lack them.
pub fn frequency(
    history: &DataFrame,
    as_of: DateTime<Utc>,
    window_days: u32,
) -> Result<Vec<Frequency>, FrameError> {
    if history.height() == 0 {
        return Ok(Vec::new());
    }
    check(history)?;
    // Computed once: four questions are asked of it.
    let mut intervals = intervals(history, as_of, window_days).collect()?;
    intervals.with_column(halves(&intervals)?)?;
    let intervals = intervals.lazy();
    let devices = devices(&intervals)?;
    let mut rows: HashMap<DeviceId, Frequency> =
        devices.into_iter().map(|row| (row.device_id, row)).collect();
    add_evidence(&mut rows, &intervals)?;
    add_gaps(&mut rows, &intervals)?;
    add_weekdays(&mut rows, &intervals)?;
    let mut rows: Vec<Frequency> = rows.into_values().collect();
    for row in &mut rows {
        row.exposure_days = row.earlier.days() + row.recent.days();
        let exposed = row.exposure_days > 0.0;
        row.drifts_per_30_days = exposed.then(|| row.drifted as f64 * 30.0 / row.exposure_days);
    }
    rows.sort_by_key(|row| row.device_id);
    Ok(rows)
}

fn check(history: &DataFrame) -> Result<(), FrameError> {
    for (name, wanted) in &COLUMNS {
        if history.column(name).ok().is_none_or(|column| column.dtype() != wanted) {
            return Err(FrameError::Column { column: (*name).to_owned(), wanted: wanted.to_string() });
        }
    }
    let ids = history.column("device_id")?.i64()?;
    let mut last = i64::MIN;
    for id in ids.iter() {
        let id = id.unwrap_or(i64::MIN);
        if id < last {
            return Err(FrameError::Unordered);
        }
        last = id;
    }
    Ok(())
}

/// One row a scan by `as_of`, with the interval before it: `length` in
/// microseconds, null for a device's first scan and where a clock ran
/// backwards. `inside`: the scan is in the window. `changed` and `drifted`
/// are true only where there is an interval in the window.
fn intervals(history: &DataFrame, as_of: DateTime<Utc>, window_days: u32) -> LazyFrame {
    let as_of = as_of.timestamp_micros();
    let since = as_of.saturating_sub(i64::from(window_days).saturating_mul(86_400_000_000));
    let started = || col("started");
    let same_device = col("device_id").eq(col("device_id").shift(lit(1)));
    history
        .clone()
        .lazy()
        .with_column(started().cast(DataType::Int64))
        .filter(started().lt_eq(lit(as_of)))
        .with_columns([
            when(same_device).then(started() - started().shift(lit(1))).otherwise(lit(NULL)).alias("length"),
            started().gt_eq(lit(since)).alias("inside"),
        ])
        .with_column(
            when(col("length").gt(lit(0)))
                .then(col("length"))
                .otherwise(lit(NULL))
                .cast(DataType::Int64)
                .alias("length"),
        )
        .with_column((col("inside").and(col("length").is_not_null())).alias("seen"))
        .with_columns([
            (col("changed").and(col("seen"))).fill_null(lit(false)).alias("changed"),
            (col("changed").and(col("drifted")).and(col("seen"))).fill_null(lit(false)).alias("drifted"),
        ])
}

/// The column `late`: whether the middle of the row's interval lies in the
/// second half of its device's time in the window. Rows of one device stand
/// together, so one pass does what would else be a join.
fn halves(intervals: &DataFrame) -> Result<Column, FrameError> {
    let device: Vec<Option<i64>> = intervals.column("device_id")?.i64()?.iter().collect();
    let started = intervals.column("started")?.i64()?;
    let length = intervals.column("length")?.i64()?;
    let seen = intervals.column("seen")?.bool()?;
    let spans = started.iter().zip(length.iter()).zip(seen.iter());
    // Start and end of what a row saw; none where it saw nothing.
    let spans: Vec<Option<(i64, i64)>> = spans
        .map(|((started, length), seen)| {
            (seen == Some(true)).then(|| Some((started? - length?, started?)))?
        })
        .collect();
    let mut late = Vec::with_capacity(spans.len());
    let mut row = 0;
    while row < device.len() {
        let end = row + device[row..].iter().take_while(|id| **id == device[row]).count();
        let seen = || spans[row..end].iter().flatten();
        let first = seen().map(|span| span.0).min().unwrap_or(0);
        let last = seen().map(|span| span.1).max().unwrap_or(0);
        // Both sides doubled, to stay whole.
        late.extend(
            spans[row..end].iter().map(|span| span.is_some_and(|span| span.0 + span.1 >= first + last)),
        );
        row = end;
    }
    Ok(Column::new("late".into(), late))
}

/// Counts a device. The sums are of whole numbers, so that they do not depend
/// on the order in which threads add them up.
fn devices(intervals: &LazyFrame) -> Result<Vec<Frequency>, FrameError> {
    let of_window = |name: &str| when(col("seen")).then(col(name)).otherwise(lit(0)).sum().alias(name);
    let found = intervals
        .clone()
        .group_by([col("device_id")])
        .agg([
            col("inside").cast(DataType::Int64).sum().alias("scans"),
            col("changed").cast(DataType::Int64).sum().alias("changed"),
            col("drifted").cast(DataType::Int64).sum().alias("drifted"),
            of_window("changes").cast(DataType::Int64),
            col("started").last().alias("last"),
        ])
        .collect()?;
    let columns = ["device_id", "scans", "changed", "drifted", "changes", "last"];
    let rows =
        numbers(&found, columns)?.into_iter().map(|[device_id, scans, changed, drifted, changes, last]| {
            Frequency {
                device_id,
                scans,
                changed,
                drifted,
                changes,
                last: DateTime::from_timestamp_micros(last).unwrap_or_default(),
                exposure_days: 0.0,
                mean_gap_days: None,
                median_gap_days: None,
                drifts_per_30_days: None,
                weekdays: [0; 7],
                earlier: Evidence::default(),
                recent: Evidence::default(),
            }
        });
    Ok(rows.collect())
}

/// Intervals a device, by half and outcome. Of quiet ones only the number and
/// the sum of the lengths matter, exactly. Changed ones are grouped by length,
/// to the hour (below one hour to the minute): nightly scans then give one group.
fn add_evidence(rows: &mut HashMap<DeviceId, Frequency>, intervals: &LazyFrame) -> Result<(), FrameError> {
    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    let quiet = |late: bool, what: Expr, name: &str| {
        let half = if late { col("late") } else { col("late").not() };
        when(half.and(col("changed").not()))
            .then(what)
            .otherwise(lit(0i64))
            .cast(DataType::Int64)
            .sum()
            .alias(name)
    };
    let found = intervals
        .clone()
        .filter(col("seen"))
        .group_by([col("device_id")])
        .agg([
            quiet(false, lit(1i64), "earlier"),
            quiet(false, col("length"), "earlier_length"),
            quiet(true, lit(1i64), "recent"),
            quiet(true, col("length"), "recent_length"),
        ])
        .collect()?;
    let columns = ["device_id", "earlier", "earlier_length", "recent", "recent_length"];
    for [device, earlier, earlier_length, recent, recent_length] in numbers(&found, columns)? {
        let Some(row) = rows.get_mut(&device) else { continue };
        for (half, n, length) in
            [(&mut row.earlier, earlier, earlier_length), (&mut row.recent, recent, recent_length)]
        {
            half.quiet = u32::try_from(n).unwrap_or(u32::MAX);
            half.quiet_days = length as f64 / DAY;
        }
    }

    let whole = |unit: i64| {
        let units =
            (col("length").cast(DataType::Float64) / lit(unit as f64) + lit(0.5)).cast(DataType::Int64);
        units * lit(unit)
    };
    let bucket = when(col("length").gt_eq(lit(HOUR))).then(whole(HOUR)).otherwise(whole(MINUTE));
    let found = intervals
        .clone()
        .filter(col("changed"))
        .with_columns([bucket.alias("bucket"), col("late").cast(DataType::Int64)])
        .group_by([col("device_id"), col("late"), col("bucket")])
        .agg([len().cast(DataType::Int64).alias("n")])
        .sort(["device_id", "late", "bucket"], SortMultipleOptions::default())
        .collect()?;
    for [device, late, bucket, n] in numbers(&found, ["device_id", "late", "bucket", "n"])? {
        let Some(row) = rows.get_mut(&device) else { continue };
        let half = if late == 1 { &mut row.recent } else { &mut row.earlier };
        half.changed.push((bucket.max(MINUTE) as f64 / DAY, u32::try_from(n).unwrap_or(u32::MAX)));
    }
    Ok(())
}

fn add_gaps(rows: &mut HashMap<DeviceId, Frequency>, intervals: &LazyFrame) -> Result<(), FrameError> {
    let same_device = col("device_id").eq(col("device_id").shift(lit(1)));
    let found = intervals
        .clone()
        .filter(col("changed"))
        .select([
            col("device_id"),
            when(same_device)
                .then(col("started") - col("started").shift(lit(1)))
                .otherwise(lit(NULL))
                .cast(DataType::Int64)
                .alias("gap"),
        ])
        .filter(col("gap").gt_eq(lit(0)))
        .group_by([col("device_id")])
        .agg([
            col("gap").sum().alias("sum"),
            len().cast(DataType::Int64).alias("n"),
            // Half a microsecond is nothing; whole numbers stay comparable.
            col("gap").median().cast(DataType::Int64).alias("median"),
        ])
        .collect()?;
    for [device, sum, n, median] in numbers(&found, ["device_id", "sum", "n", "median"])? {
        if let Some(row) = rows.get_mut(&device) {
            row.mean_gap_days = Some(sum as f64 / n as f64 / DAY);
            row.median_gap_days = Some(median as f64 / DAY);
        }
    }
    Ok(())
}

fn add_weekdays(rows: &mut HashMap<DeviceId, Frequency>, intervals: &LazyFrame) -> Result<(), FrameError> {
    const TWO_DAYS: i64 = 172_800_000_000;
    let half = (col("length").cast(DataType::Float64) / lit(2.0)).cast(DataType::Int64);
    let middle = (col("started") - half).cast(DataType::Datetime(TimeUnit::Microseconds, None));
    let found = intervals
        .clone()
        .filter(col("changed").and(col("length").lt_eq(lit(TWO_DAYS))))
        .with_column(middle.dt().weekday().cast(DataType::Int64).alias("weekday"))
        .group_by([col("device_id"), col("weekday")])
        .agg([len().cast(DataType::Int64).alias("n")])
        .collect()?;
    for [device, weekday, n] in numbers(&found, ["device_id", "weekday", "n"])? {
        // ISO weekdays: Monday is 1.
        let slot = usize::try_from(weekday - 1).unwrap_or(7);
        if let Some(count) = rows.get_mut(&device).and_then(|row| row.weekdays.get_mut(slot)) {
            *count = n;
        }
    }
    Ok(())
}

/// The rows of a frame of whole numbers, with `columns` in that order.
fn numbers<const N: usize>(frame: &DataFrame, columns: [&str; N]) -> Result<Vec<[i64; N]>, FrameError> {
    let mut rows = vec![[0; N]; frame.height()];
    for (slot, name) in columns.iter().enumerate() {
        for (row, value) in rows.iter_mut().zip(frame.column(name)?.i64()?.iter()) {
            row[slot] = value.unwrap_or(0);
        }
    }
    Ok(rows)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(super) mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Int64Array, TimestampMicrosecondArray};
    use arrow::record_batch::RecordBatch;
    use chrono::TimeDelta;

    use super::super::frame::frame;
    use super::*;

    /// One scan: device, day since [`day`] zero, changed, drifted.
    pub(in super::super) type Scan = (DeviceId, f64, bool, bool);

    /// Monday, 2026-06-01 02:00 UTC, and so many days later.
    pub(in super::super) fn day(days: f64) -> DateTime<Utc> {
        let start = DateTime::from_timestamp(1_780_279_200, 0).unwrap();
        start + TimeDelta::microseconds((days * DAY).round() as i64)
    }

    /// What the store would hand out.
    pub(in super::super) fn history(scans: &[Scan]) -> Vec<RecordBatch> {
        let one = |scans: &[Scan]| {
            let started = scans.iter().map(|scan| day(scan.1).timestamp_micros()).collect::<Vec<_>>();
            let columns: [(&str, ArrayRef); 5] = [
                ("device_id", Arc::new(scans.iter().map(|scan| Some(scan.0)).collect::<Int64Array>())),
                ("started", Arc::new(TimestampMicrosecondArray::from(started))),
                ("changed", Arc::new(scans.iter().map(|scan| Some(scan.2)).collect::<BooleanArray>())),
                ("drifted", Arc::new(scans.iter().map(|scan| Some(scan.3)).collect::<BooleanArray>())),
                (
                    "changes",
                    Arc::new(scans.iter().map(|scan| Some(i64::from(scan.2) * 2)).collect::<Int64Array>()),
                ),
            ];
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
                .unwrap()
        };
        scans.chunks(2048).map(one).collect()
    }

    fn of(scans: &[Scan], as_of: f64, window: u32) -> Vec<Frequency> {
        frequency(&frame(&history(scans)).unwrap(), day(as_of), window).unwrap()
    }

    #[test]
    fn counts_intervals_gaps_and_weekdays() {
        let scans = [
            (1, 0.0, true, true), // A first scan has no interval: its flags say nothing.
            (1, 1.0, false, false),
            (1, 2.0, true, true),
            (1, 5.0, true, false),
            (1, 6.0, true, true),
            (2, 0.5, false, false),
            (2, 40.0, true, true), // After `as_of`.
        ];
        let rows = of(&scans, 10.0, 180);
        assert_eq!(rows.len(), 2);
        let row = &rows[0];
        assert_eq!((row.device_id, row.scans, row.changed, row.drifted, row.changes), (1, 5, 3, 2, 6));
        assert_eq!(row.last, day(6.0));
        assert!((row.exposure_days - 6.0).abs() < 1e-9);
        assert_eq!(row.intervals(), 4);
        assert_eq!((row.earlier.quiet, row.earlier.quiet_days), (1, 1.0));
        assert_eq!(row.earlier.changed, [(1.0, 1)]);
        // The interval from 2 to 5 has its middle at 3.5, the border is at 3.
        assert_eq!(row.recent.changed, [(1.0, 1), (3.0, 1)]);
        assert_eq!((row.mean_gap_days, row.median_gap_days), (Some(2.0), Some(2.0)));
        assert_eq!(row.drifts_per_30_days, Some(10.0));
        // Day 0 is a Monday at 02:00, so the middles are Tuesday and Saturday, 14:00.
        assert_eq!(row.weekdays, [0, 1, 0, 0, 0, 1, 0]);
        assert_eq!((rows[1].scans, rows[1].changed, rows[1].drifts_per_30_days), (1, 0, None));
    }

    #[test]
    fn a_window_forgets_but_keeps_the_last_scan() {
        let rows = of(&[(1, 0.0, false, false), (1, 10.0, true, true), (1, 20.0, false, false)], 200.0, 185);
        assert_eq!((rows[0].scans, rows[0].changed), (1, 0));
        // The interval that ends inside the window counts whole.
        assert!((rows[0].exposure_days - 10.0).abs() < 1e-9);
        assert_eq!(of(&[(1, 0.0, false, false)], 200.0, 30)[0].last, day(0.0));
    }

    #[test]
    fn a_clock_that_ran_backwards_gives_no_interval() {
        let rows = of(&[(1, 5.0, false, false), (1, 4.0, true, true), (1, 6.0, true, false)], 10.0, 180);
        assert_eq!((rows[0].scans, rows[0].changed, rows[0].intervals()), (3, 1, 1));
    }

    #[test]
    fn rows_out_of_order_and_missing_columns_are_errors() {
        let unordered = frame(&history(&[(2, 0.0, false, false), (1, 0.0, false, false)])).unwrap();
        assert!(matches!(frequency(&unordered, day(1.0), 9).unwrap_err(), FrameError::Unordered));
        let narrow = unordered.drop("drifted").unwrap();
        assert!(matches!(
            frequency(&narrow, day(1.0), 9).unwrap_err(),
            FrameError::Column { column, .. } if column == "drifted"
        ));
        assert!(of(&[], 1.0, 9).is_empty());
        assert!(of(&[(1, 5.0, false, false)], 1.0, 9).is_empty());
    }
}
