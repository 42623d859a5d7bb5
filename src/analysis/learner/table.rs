//! 1 - e^-x and 1 - (1+x) e^-x at all rates of the grid at once, without an
//! exponential. The grid is evenly spaced on the log scale, so a row for one
//! length of time is the row of another, moved along; between two rows a
//! straight line is exact to five digits.

use std::sync::LazyLock;

use crate::analysis::grid::{self, K};

/// One number for each rate of the grid.
pub(super) type Row = [f32; K];

/// Shortest and longest stretch of operational time in days: nine seconds, 27 years.
const SHORTEST: f64 = 1e-4;
const LONGEST: f64 = 1e4;
/// Rows between one rate of the grid and the next.
const PHASES: usize = 32;

pub(super) struct Table {
    cells: usize,
    /// By phase, then by cell.
    change: Vec<f32>,
    gain: Vec<f32>,
}

/// Where a length of time lies in the table.
#[derive(Clone, Copy)]
pub(super) struct Place {
    low: usize,
    high: usize,
    part: f32,
}

pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(Table::new);
    &TABLE
}

impl Table {
    fn new() -> Self {
        let cells = K + 2 + ((LONGEST / SHORTEST).ln() / grid::log_step()).ceil() as usize;
        let mut change = Vec::with_capacity((PHASES + 1) * cells);
        let mut gain = Vec::with_capacity((PHASES + 1) * cells);
        for phase in 0..=PHASES {
            for cell in 0..cells {
                let log = (grid::LOWEST * SHORTEST).ln()
                    + grid::log_step() * (cell as f64 + phase as f64 / PHASES as f64);
                let x = log.exp();
                change.push(-(-x).exp_m1() as f32);
                gain.push(gain_of(x) as f32);
            }
        }
        Self { cells, change, gain }
    }

    pub(super) fn place(&self, days: f64) -> Place {
        let days = if days > SHORTEST { days.min(LONGEST) } else { SHORTEST };
        let steps = (days / SHORTEST).ln() / grid::log_step() * PHASES as f64;
        let whole = steps as usize;
        let at = |phase: usize| phase * self.cells + whole / PHASES;
        let phase = whole % PHASES;
        Place { low: at(phase), high: at(phase + 1), part: (steps - whole as f64) as f32 }
    }

    /// P(a change) at each rate.
    pub(super) fn change(&self, place: Place) -> Row {
        between(&self.change, place)
    }

    /// P(a change) and 1 - (1+x) e^-x at each rate.
    pub(super) fn both(&self, place: Place) -> (Row, Row) {
        (between(&self.change, place), between(&self.gain, place))
    }
}

fn between(rows: &[f32], place: Place) -> Row {
    let (low, high) = (&rows[place.low..place.low + K], &rows[place.high..place.high + K]);
    let mut row = [0.0; K];
    for k in 0..K {
        row[k] = low[k] + place.part * (high[k] - low[k]);
    }
    row
}

/// 1 - (1+x) e^-x; the series at small x, where the difference would cancel.
pub(super) fn gain_of(x: f64) -> f64 {
    if x < 1e-3 { x * x * (0.5 - x / 3.0 + x * x / 8.0) } else { 1.0 - (1.0 + x) * (-x).exp() }
}

/// Σ a × b. Eight sums at a time: that order the compiler may not choose by itself.
pub(super) fn dot(a: &Row, b: &Row) -> f32 {
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

/// a × b at each rate.
pub(super) fn times(a: &Row, b: &Row) -> Row {
    std::array::from_fn(|k| a[k] * b[k])
}

// All of a row is summed.
const _: () = assert!(K.is_multiple_of(8));

/// 1/rate, the rate and its logarithm, at each point of the grid.
pub(super) fn rates32() -> &'static (Row, Row, Row) {
    static RATES: LazyLock<(Row, Row, Row)> = LazyLock::new(|| {
        let rates = grid::rates();
        (
            rates.map(|rate| (1.0 / rate) as f32),
            rates.map(|rate| rate as f32),
            rates.map(|rate| rate.ln() as f32),
        )
    });
    &RATES
}
