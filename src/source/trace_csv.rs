//! Change histories for the backtest: one change a line, and beside it, if
//! there is one, a file that says when devices came and went.
//!
//! ```csv
//! device,role_or_dir,changed_at_unix
//! edge-0001,edge,1570126233
//! ```

use super::table::{self, Columns};
use super::{Fault, Problems, SourceError};

const TRACE: Columns = Columns {
    allowed: &["device", "role_or_dir", "changed_at_unix"],
    required: &["device", "role_or_dir", "changed_at_unix"],
};
const LIFETIMES: Columns = Columns {
    allowed: &["device", "role_or_dir", "born_unix", "died_unix"],
    required: &["device", "role_or_dir", "born_unix", "died_unix"],
};

/// A device changed. The first row of a device is its birth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    pub device: String,
    pub role: String,
    /// Unix time in seconds.
    pub at: i64,
}

/// When a device was there; without an end it still is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetime {
    pub device: String,
    pub role: String,
    pub born: i64,
    pub died: Option<i64>,
}

/// Reads a trace, in the order of its lines. One bad line, and nothing is taken.
pub fn read_trace(text: &str, file: &str) -> Result<Vec<TraceRow>, SourceError> {
    let mut problems = Problems::new(file);
    let mut rows = Vec::new();
    table::read(text, &TRACE, &mut problems, |row, problems| {
        let device = row.cell("device").trim().to_owned();
        if device.is_empty() {
            problems.add(row.place, Some("device"), Fault::Required);
        }
        let at = time(row.cell("changed_at_unix"));
        match at {
            Ok(at) => rows.push(TraceRow { device, role: row.cell("role_or_dir").trim().to_owned(), at }),
            Err(fault) => problems.add(row.place, Some("changed_at_unix"), fault),
        }
    });
    problems.or(rows)
}

/// Reads lifetimes, in the order of their lines.
pub fn read_lifetimes(text: &str, file: &str) -> Result<Vec<Lifetime>, SourceError> {
    let mut problems = Problems::new(file);
    let mut rows = Vec::new();
    table::read(text, &LIFETIMES, &mut problems, |row, problems| {
        let device = row.cell("device").trim().to_owned();
        if device.is_empty() {
            problems.add(row.place, Some("device"), Fault::Required);
        }
        let died = match row.cell("died_unix").trim() {
            "" => Ok(None),
            text => time(text).map(Some),
        };
        match (time(row.cell("born_unix")), died) {
            (Ok(born), Ok(died)) => {
                rows.push(Lifetime { device, role: row.cell("role_or_dir").trim().to_owned(), born, died });
            }
            (Err(fault), _) => problems.add(row.place, Some("born_unix"), fault),
            (_, Err(fault)) => problems.add(row.place, Some("died_unix"), fault),
        }
    });
    problems.or(rows)
}

/// Seconds since 1970, up to the year 9999: a larger number is one of milliseconds.
fn time(text: &str) -> Result<i64, Fault> {
    const YEAR_10000: i64 = 253_402_300_800;
    match text.trim().parse::<i64>() {
        Ok(at) if (0..YEAR_10000).contains(&at) => Ok(at),
        _ => Err(Fault::UnixTime { value: text.to_owned() }),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_in_any_order_and_bad_ones_are_named() {
        let text = "role_or_dir,device,changed_at_unix\r\nleaf,b,1700000100\nleaf,a,1700000000\n";
        let rows = read_trace(text, "t.csv").unwrap();
        assert_eq!((rows[0].device.as_str(), rows[1].at), ("b", 1_700_000_000));
        let error = |text: &str| read_trace(text, "t.csv").unwrap_err().to_string();
        let told = error("device,role_or_dir,changed_at_unix\na,x,1700000000000\n,x,12\n");
        assert!(
            told.contains("t.csv:2: column changed_at_unix: \"1700000000000\" is no Unix time"),
            "{told}"
        );
        assert!(told.contains("t.csv:3: column device: is empty"), "{told}");
        let told = error("device,role_or_dir,changed_at_unix,who\na,x,1,me\n");
        assert!(told.contains("no column is called \"who\""), "{told}");
        assert!(error("device,role\na,x\n").contains("changed_at_unix"));
    }

    #[test]
    fn a_lifetime_may_have_no_end() {
        let text = "device,role_or_dir,born_unix,died_unix\na,x,10,\nb,x,10,20\n";
        let rows = read_lifetimes(text, "t").unwrap();
        assert_eq!((rows[0].died, rows[1].died), (None, Some(20)));
        assert!(read_lifetimes("device,role_or_dir,born_unix,died_unix\na,x,,\n", "t").is_err());
    }
}
