//! Records as a CSV file: one thing a line, every compared field a column.
//!
//! ```csv
//! device,kind,name,encapsulation,outer,service_kind,service,admin
//! leaf-1,interface,ge100-0/0/1.251,dot1q,251,bridge-domain,cust_v251,up
//! ```
//!
//! Only `device`, `kind` and `name` must be there; an absent column or an empty
//! cell is not managed. Cells that a spreadsheet would run are written with a
//! `'` before them, which is taken away again when they are read.

use super::record::{COLUMNS, Settler};
use super::table::{self, Sheet};
use super::{Problems, SourceError};
use crate::model::Record;

/// Reads records. One bad line, and nothing is imported. A file with a header
/// and no rows is an empty list.
pub fn read_records_csv(text: &str, file: &str) -> Result<Vec<Record>, SourceError> {
    let mut problems = Problems::new(file);
    let mut settler = Settler::default();
    table::read(text, &COLUMNS, &mut problems, |row, problems| {
        settler.add(row.place, |column| row.cell(column), problems);
    });
    problems.or(settler.finish())
}

/// The same file back, with every column.
pub fn write_records_csv(records: &[Record]) -> String {
    let mut sheet = Sheet::new(&COLUMNS);
    for record in records {
        let text = |field: &'_ Option<String>| field.clone().unwrap_or_default();
        let cells = [
            record.device.to_string(),
            record.kind.to_string(),
            record.name.clone(),
            text(&record.parent),
            text(&record.encapsulation),
            text(&record.outer),
            text(&record.inner),
            text(&record.tpid),
            record.l2.map_or_else(String::new, |l2| l2.to_string()),
            text(&record.bundle),
            text(&record.service_kind),
            text(&record.service),
            text(&record.neighbours),
            text(&record.router_interface),
            text(&record.admin),
            text(&record.description),
            record.source.as_str().to_owned(),
        ];
        sheet.put(cells.iter().map(String::as_str));
    }
    sheet.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::arbitrary;

    #[test]
    fn a_bad_line_is_told_and_nothing_is_imported() {
        let text = "device,kind,name,outer\nd,interface,a,251\nd,interface,b,x\nd,interface,c,252\n";
        let error = read_records_csv(text, "r.csv").unwrap_err().to_string();
        assert!(error.contains("1 problem, nothing was imported\n  r.csv:3: column outer: \"x\""), "{error}");
    }

    #[test]
    fn the_same_thing_twice_is_told_with_both_lines() {
        let text = "device,kind,name\nd,vlan,7\nd,interface,7\nd,vlan,007\n";
        let error = read_records_csv(text, "r.csv").unwrap_err().to_string();
        assert!(error.contains("r.csv:4: vlan \"7\" of \"d\" is there already: line 2"), "{error}");
    }

    #[test]
    fn an_unknown_column_is_named_with_the_allowed_ones() {
        let error = read_records_csv("device,kind,name,neighbors\n", "r.csv").unwrap_err().to_string();
        assert!(error.contains("\"neighbors\" (did you mean neighbours?); allowed are device,kind,name,"));
    }

    #[test]
    fn a_header_alone_is_an_empty_list() {
        assert!(read_records_csv("device,kind,name\n", "r.csv").unwrap().is_empty());
        assert!(read_records_csv("", "r.csv").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(records in arbitrary::records()) {
            let text = write_records_csv(&records);
            prop_assert_eq!(read_records_csv(&text, "f").unwrap(), records);
        }

        #[test]
        fn no_cell_begins_like_a_formula(records in arbitrary::records()) {
            let text = write_records_csv(&records);
            for row in csv::Reader::from_reader(text.as_bytes()).records() {
                prop_assert!(row.unwrap().iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(rows in "[a-z0-9,\"'\r\n\t=/]{0,80}", text in "\\PC*") {
            let _ = read_records_csv(&text, "f");
            let _ = read_records_csv(&format!("device,kind,name\n{rows}{text}"), "f");
        }
    }
}
