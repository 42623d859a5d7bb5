//! How often each device changed, and over which intervals anyone could have
//! seen it. Two walks along the history sum up what is quiet, which is nearly
//! all of it; Polars works on the intervals that found something. All that
//! comes after works on a few numbers a device and never sees a row again.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use polars::prelude::*;

use super::frame::{FrameError, frame};
use super::grid::Evidence;
use super::history::{History, Row, Window};
use crate::model::device::DeviceId;

const DAY: f64 = 86_400e6;

/// What the history of one device comes to. Counts are of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequency {
    pub device_id: DeviceId,
    /// Complete scans of ours in the window.
    pub scans: i64,
    /// Scans that found a change since the one before.
    pub changed: i64,
    /// Of those, the ones that led to a drift.
    pub drifted: i64,
    /// Single things that changed.
    pub changes: i64,
    /// Changes that an imported history tells of, from before the first scan.
    pub imported: i64,
    /// Start of the newest complete scan, in the window or not.
    pub last: Option<DateTime<Utc>>,
    /// Days over which changes could be seen, by us or by who kept the imported history.
    pub exposure_days: f64,
    /// Days from one interval that saw a change to the next such interval.
    pub mean_gap_days: Option<f64>,
    pub median_gap_days: Option<f64>,
    /// Scans that led to a drift, per 30 days of our own exposure; `None` without any.
    pub drifts_per_30_days: Option<f64>,
    /// How the rate moved over the last 30 days: the slope of the line through
    /// the changes a day, as changes per 30 days gained in 30 days. `None`
    /// below five intervals.
    pub slope_30_days: Option<f64>,
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

/// One value a device that has a row in `history` by the end of the window,
/// ordered by device.
pub fn frequency(history: &History, window: Window) -> Result<Vec<Frequency>, FrameError> {
    let walked = Walk::over(history, window);
    let intervals = frame(&[walked.found.batch()?])?.lazy();
    let mut rows: HashMap<DeviceId, Frequency> = walked
        .devices
        .iter()
        .zip(history.devices())
        .filter(|(sums, _)| sums.rows > 0)
        .map(|(sums, id)| (*id, sums.row(*id)))
        .collect();
    add_evidence(&mut rows, &intervals)?;
    add_gaps(&mut rows, &intervals)?;
    add_weekdays(&mut rows, &intervals)?;
    let mut rows: Vec<Frequency> = rows.into_values().collect();
    for row in &mut rows {
        row.exposure_days = row.earlier.days() + row.recent.days();
    }
    rows.sort_by_key(|row| row.device_id);
    Ok(rows)
}

/// The interval that a row ends.
#[derive(Clone, Copy)]
struct Interval {
    row: Row,
    /// Whether the row is in the window.
    inside: bool,
    /// How long it is, in microseconds. None for a device's first row, where
    /// nothing is known of it, and where a clock ran backwards.
    length: Option<i64>,
}

impl Interval {
    /// Start and end of what could be seen in the window.
    fn seen(&self) -> Option<(i64, i64)> {
        let length = self.length.filter(|_| self.inside)?;
        Some((self.row.at - length, self.row.at))
    }
}

/// The rows of a history with the intervals before them.
fn intervals(history: &History, window: Window) -> impl Iterator<Item = Interval> + '_ {
    let mut before = vec![0; history.devices().len()];
    history.rows(window).map(move |row| {
        let length = row.at.saturating_sub(std::mem::replace(&mut before[row.slot], row.at));
        Interval {
            row,
            inside: row.at >= if row.own { window.own } else { window.past },
            length: Some(length).filter(|length| *length > 0 && !row.opens),
        }
    })
}

/// What two walks along the rows come to.
struct Walk {
    /// By slot.
    devices: Vec<Sums>,
    found: Found,
}

/// Sums of one device. They are of whole numbers, so that they are exact; but
/// for those of the slope, which are always added up in the same order.
#[derive(Clone, Default)]
struct Sums {
    rows: u32,
    scans: i64,
    changed: i64,
    drifted: i64,
    changes: i64,
    imported: i64,
    last: Option<i64>,
    /// What our own scans could see, in microseconds.
    own_length: i64,
    /// Start of the first and end of the last interval in the window.
    span: Option<(i64, i64)>,
    /// Number and length of quiet intervals, by half.
    quiet: [(u32, i64); 2],
    slope: Slope,
}

impl Sums {
    fn row(&self, device_id: DeviceId) -> Frequency {
        let half = |(quiet, length): (u32, i64)| Evidence {
            quiet,
            quiet_days: length as f64 / DAY,
            changed: Vec::new(),
        };
        let own_days = self.own_length as f64 / DAY;
        Frequency {
            device_id,
            scans: self.scans,
            changed: self.changed,
            drifted: self.drifted,
            changes: self.changes,
            imported: self.imported,
            last: self.last.and_then(DateTime::from_timestamp_micros),
            exposure_days: 0.0,
            mean_gap_days: None,
            median_gap_days: None,
            drifts_per_30_days: (self.own_length > 0).then(|| self.drifted as f64 * 30.0 / own_days),
            slope_30_days: self.slope.per_30_days(),
            weekdays: [0; 7],
            earlier: half(self.quiet[0]),
            recent: half(self.quiet[1]),
        }
    }
}

/// Sums for the line through (middle of an interval, changes a day), weighed by length.
#[derive(Clone, Default)]
struct Slope {
    n: u32,
    weight: f64,
    x: f64,
    xx: f64,
    y: f64,
    xy: f64,
}

impl Slope {
    /// An interval of so many days, its middle so many days ago.
    fn add(&mut self, days: f64, ago: f64, changed: bool) {
        // Weight × changes a day: at most one change can be seen.
        let y = f64::from(u8::from(changed));
        self.n += 1;
        self.weight += days;
        self.x -= days * ago;
        self.xx += days * ago * ago;
        self.y += y;
        self.xy -= y * ago;
    }

    fn per_30_days(&self) -> Option<f64> {
        let spread = self.weight * self.xx - self.x * self.x;
        let slope = (self.weight * self.xy - self.x * self.y) / spread;
        (self.n >= 5 && spread > 1e-9 && slope.is_finite()).then_some(slope * 900.0)
    }
}

impl Walk {
    fn over(history: &History, window: Window) -> Self {
        const MONTH: i64 = 30 * 86_400_000_000;
        let mut devices = vec![Sums::default(); history.devices().len()];
        let month = window.until.saturating_sub(MONTH);
        for interval in intervals(history, window) {
            let Interval { row, inside, .. } = interval;
            let sums = &mut devices[row.slot];
            sums.rows += 1;
            if row.own {
                sums.last = Some(row.at);
                sums.scans += i64::from(inside);
            }
            let Some((start, end)) = interval.seen() else { continue };
            let span = sums.span.get_or_insert((start, end));
            *span = (span.0.min(start), span.1.max(end));
            if row.own {
                sums.own_length += end - start;
                sums.changed += i64::from(row.changed);
            } else {
                sums.imported += i64::from(row.changed);
            }
            if let Some(find) = row.find {
                let find = history.finds()[find];
                sums.drifted += i64::from(find.drifted);
                sums.changes += find.changes;
            }
            if row.at > month {
                let ago = (window.until - row.at) as f64 / DAY + (end - start) as f64 / DAY / 2.0;
                sums.slope.add((end - start) as f64 / DAY, ago, row.changed);
            }
        }
        let mut found = Found::default();
        for interval in intervals(history, window) {
            let (Some((start, end)), row) = (interval.seen(), interval.row) else { continue };
            let sums = &mut devices[row.slot];
            // The half in which its middle lies; both sides doubled, to stay whole.
            let late = sums.span.is_some_and(|(first, last)| start + end >= first + last);
            if row.changed {
                found.put(history.devices()[row.slot], row.at, end - start, late);
            } else {
                let (quiet, length) = &mut sums.quiet[usize::from(late)];
                *quiet += 1;
                *length += end - start;
            }
        }
        Self { devices, found }
    }
}

/// The intervals in the window that saw a change, in columns.
#[derive(Default)]
struct Found {
    device: Vec<i64>,
    started: Vec<i64>,
    length: Vec<i64>,
    late: Vec<bool>,
}

impl Found {
    fn put(&mut self, device: DeviceId, started: i64, length: i64, late: bool) {
        self.device.push(device);
        self.started.push(started);
        self.length.push(length);
        self.late.push(late);
    }

    fn batch(self) -> Result<RecordBatch, FrameError> {
        let columns: [(&str, ArrayRef); 4] = [
            ("device_id", Arc::new(Int64Array::from(self.device))),
            ("started", Arc::new(Int64Array::from(self.started))),
            ("length", Arc::new(Int64Array::from(self.length))),
            ("late", Arc::new(BooleanArray::from(self.late))),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

/// Intervals that saw a change, by device and half: grouped by length, to the
/// hour (below one hour to the minute). Nightly scans then give one group.
fn add_evidence(rows: &mut HashMap<DeviceId, Frequency>, intervals: &LazyFrame) -> Result<(), FrameError> {
    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    let whole = |unit: i64| {
        let units =
            (col("length").cast(DataType::Float64) / lit(unit as f64) + lit(0.5)).cast(DataType::Int64);
        units * lit(unit)
    };
    let bucket = when(col("length").gt_eq(lit(HOUR))).then(whole(HOUR)).otherwise(whole(MINUTE));
    let found = intervals
        .clone()
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

/// Rows of one device stand in the order in which they were made, but not together.
fn add_gaps(rows: &mut HashMap<DeviceId, Frequency>, intervals: &LazyFrame) -> Result<(), FrameError> {
    let same_device = col("device_id").eq(col("device_id").shift(lit(1)));
    let in_order = SortMultipleOptions::default().with_maintain_order(true);
    let found = intervals
        .clone()
        .sort(["device_id"], in_order)
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
        .filter(col("length").lt_eq(lit(TWO_DAYS)))
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

    use arrow::array::TimestampMicrosecondArray;
    use chrono::TimeDelta;

    use super::super::forecast::Settings;
    use super::super::history::Find;
    use super::*;

    /// One scan: device, day since [`day`] zero, changed, drifted.
    pub(in super::super) type Scan = (DeviceId, f64, bool, bool);

    /// Monday, 2026-06-01 02:00 UTC, and so many days later.
    pub(in super::super) fn day(days: f64) -> DateTime<Utc> {
        let start = DateTime::from_timestamp(1_780_279_200, 0).unwrap();
        start + TimeDelta::microseconds((days * DAY).round() as i64)
    }

    /// What the store would hand out, numbered from `first` on.
    pub(in super::super) fn batch(scans: &[Scan], first: i64) -> RecordBatch {
        let started = scans.iter().map(|scan| day(scan.1).timestamp_micros()).collect::<Vec<_>>();
        let columns: [(&str, ArrayRef); 4] = [
            ("seq", Arc::new((first..).take(scans.len()).map(Some).collect::<Int64Array>())),
            ("device_id", Arc::new(scans.iter().map(|scan| Some(scan.0)).collect::<Int64Array>())),
            ("started", Arc::new(TimestampMicrosecondArray::from(started))),
            ("changed", Arc::new(scans.iter().map(|scan| Some(scan.2)).collect::<BooleanArray>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    /// Scans in the order in which they were made; each that found a change found two things.
    pub(in super::super) fn history(scans: &[Scan]) -> History {
        let finds = (1..).zip(scans).filter(|(_, scan)| scan.2);
        let mut history = History::new(
            finds.map(|(seq, scan)| Find { seq, device: scan.0, drifted: scan.3, changes: 2 }).collect(),
        );
        for (first, scans) in (1..).step_by(2048).zip(scans.chunks(2048)) {
            history.push(&batch(scans, first)).unwrap();
        }
        history
    }

    fn of(scans: &[Scan], as_of: f64, window_days: u32) -> Vec<Frequency> {
        let settings = Settings { window_days, ..Settings::default() };
        frequency(&history(scans), Window::of(&settings, day(as_of))).unwrap()
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
        assert_eq!(row.last, Some(day(6.0)));
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
        assert_eq!(of(&[(1, 0.0, false, false)], 200.0, 30)[0].last, Some(day(0.0)));
    }

    #[test]
    fn a_clock_that_ran_backwards_gives_no_interval() {
        let rows = of(&[(1, 5.0, false, false), (1, 4.0, true, true), (1, 6.0, true, false)], 10.0, 180);
        assert_eq!((rows[0].scans, rows[0].changed, rows[0].intervals()), (3, 1, 1));
    }

    #[test]
    fn a_history_without_rows_by_then_has_no_devices() {
        assert!(of(&[], 1.0, 9).is_empty());
        assert!(of(&[(1, 5.0, false, false)], 1.0, 9).is_empty());
    }

    #[test]
    fn an_imported_history_teaches_a_rate_and_is_no_scan() {
        use crate::model::{PastEvent, PastStep};
        let event = |device, step, days| PastEvent { device, step, at: day(days), every_seconds: 3600 };
        let mut rows = history(&[(1, 400.0, false, false), (1, 401.0, true, true)]);
        let mut events = vec![event(1, PastStep::Came, 0.0), event(2, PastStep::Came, 0.0)];
        events.extend((1..=39).map(|n| event(1, PastStep::Changed, f64::from(n) * 10.0)));
        events.extend([event(1, PastStep::Same, 395.0), event(2, PastStep::Same, 395.0)]);
        rows.remember(&events);
        let settings = Settings { window_days: 30, imported_days: 1095, ..Settings::default() };
        let found = frequency(&rows, Window::of(&settings, day(402.0))).unwrap();
        assert_eq!((found[0].scans, found[0].changed, found[0].drifted, found[0].imported), (2, 1, 1, 39));
        // 395 days of somebody else's and one of ours; the five between are nobody's.
        assert!((found[0].exposure_days - 396.0).abs() < 1e-9, "{}", found[0].exposure_days);
        assert_eq!(found[0].drifts_per_30_days, Some(30.0));
        assert_eq!((found[0].last, found[0].median_gap_days), (Some(day(401.0)), Some(10.0)));
        assert_eq!((found[1].scans, found[1].last, found[1].intervals()), (0, None, 1));
        assert_eq!(found[1].drifts_per_30_days, None);
        // Older than that is forgotten.
        let short = Settings { imported_days: 100, ..settings };
        let found = frequency(&rows, Window::of(&short, day(402.0))).unwrap();
        assert_eq!(found[0].imported, 9);
    }

    #[test]
    fn the_slope_is_that_of_the_last_month() {
        // Nothing for two weeks, then every night: from 0 to 30 changes per 30 days.
        let scans: Vec<Scan> = (0..=60).map(|n| (1, f64::from(n), n > 45, false)).collect();
        let slope = of(&scans, 60.0, 180)[0].slope_30_days.unwrap();
        assert!((40.0..50.0).contains(&slope), "{slope}");
        let steady: Vec<Scan> = (0..=60).map(|n| (1, f64::from(n), n % 2 == 0, false)).collect();
        let slope = of(&steady, 60.0, 180)[0].slope_30_days.unwrap();
        assert!(slope.abs() < 4.0, "{slope}");
        assert_eq!(of(&scans[..5], 4.0, 180)[0].slope_30_days, None);
    }
}
