//! Records as JSON: an array of objects with the columns of the record CSV, or
//! `{"records": […]}` around it. `null` and an absent key are the same: not
//! managed. Ids may be numbers, `l2` is a boolean or one of the CSV's words.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::record::Settler;
use super::{Place, Problems, SourceError, shown, without_bom};
use crate::model::Record;

/// Reads records. One bad entry, and nothing is imported.
pub fn read_records_json(text: &str, file: &str) -> Result<Vec<Record>, SourceError> {
    let text = without_bom(text);
    let entries = if text.trim_start().starts_with('{') {
        serde_json::from_str::<Wrapped>(text).map(|wrapped| wrapped.records)
    } else {
        serde_json::from_str::<Vec<Entry>>(text)
    };
    let entries = entries.map_err(|error| SourceError::Json {
        file: shown(file, 200),
        // The parser quotes keys of the file; it says line and column itself.
        message: shown(&error.to_string(), 400),
    })?;
    let mut problems = Problems::new(file);
    let mut settler = Settler::default();
    for (place, entry) in (1..).map(Place::Entry).zip(&entries) {
        settler.add(place, |column| entry.cell(column), &mut problems);
    }
    problems.or(settler.finish())
}

/// The same back: an array, one key a line.
pub fn write_records_json(records: &[Record]) -> String {
    // Strings, booleans and `null` always serialise.
    serde_json::to_string_pretty(records).unwrap_or_default() + "\n"
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    records: Vec<Entry>,
}

/// One object, as written. A key that is there twice or unknown is an error.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Entry {
    device: Cell,
    kind: Cell,
    name: Cell,
    parent: Cell,
    encapsulation: Cell,
    outer: Cell,
    inner: Cell,
    tpid: Cell,
    l2: Cell,
    bundle: Cell,
    service_kind: Cell,
    service: Cell,
    neighbours: Cell,
    router_interface: Cell,
    admin: Cell,
    description: Cell,
    source: Cell,
}

impl Entry {
    fn cell(&self, column: &str) -> &str {
        let cell = match column {
            "device" => &self.device,
            "kind" => &self.kind,
            "name" => &self.name,
            "parent" => &self.parent,
            "encapsulation" => &self.encapsulation,
            "outer" => &self.outer,
            "inner" => &self.inner,
            "tpid" => &self.tpid,
            "l2" => &self.l2,
            "bundle" => &self.bundle,
            "service_kind" => &self.service_kind,
            "service" => &self.service,
            "neighbours" => &self.neighbours,
            "router_interface" => &self.router_interface,
            "admin" => &self.admin,
            "description" => &self.description,
            "source" => &self.source,
            _ => return "",
        };
        &cell.0
    }
}

/// A string, a whole number, a boolean or `null`, as the text of a CSV cell.
#[derive(Default)]
struct Cell(String);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor).map(Self)
    }
}

struct CellVisitor;

impl Visitor<'_> for CellVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a whole number, true, false or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok(String::new())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::arbitrary;
    use crate::source::record::COLUMNS;

    fn refused(text: &str) -> String {
        read_records_json(text, "r.json").unwrap_err().to_string()
    }

    #[test]
    fn numbers_booleans_and_null_are_fine_bare_or_wrapped() {
        let list = r#"[{"device":"d","kind":"interface","name":"a.7","outer":7,"l2":true,"parent":null}]"#;
        let bare = read_records_json(list, "r.json").unwrap();
        assert_eq!((bare[0].outer.as_deref(), bare[0].l2), (Some("7"), Some(true)));
        assert_eq!(read_records_json(&format!("\u{feff}{{\"records\":{list}}}"), "r.json").unwrap(), bare);
        assert!(read_records_json("[]", "r.json").unwrap().is_empty());
    }

    #[test]
    fn a_wrong_shape_is_told_with_line_and_column_and_a_wrong_value_with_its_entry() {
        let unknown = refused("[\n{\"device\":\"d\",\"vl\\u001ban\":1}]");
        assert!(unknown.contains("unknown field") && unknown.contains("at line 2 column"), "{unknown}");
        assert!(!unknown.contains('\u{1b}'));
        assert!(refused("[{\"name\":\"a\",\"name\":\"b\"}]").contains("duplicate field"));
        assert!(refused("{\"record\":[]}").contains("unknown field"));
        assert!(refused("[{\"outer\":{}}]").contains("a string, a whole number"));
        assert!(refused("").contains("line 1"));
        let wrong =
            refused(r#"[{"device":"d","kind":"vlan","name":7},{"device":"d","kind":"vlan","name":9999}]"#);
        assert!(wrong.contains("r.json: record 2: column name: \"9999\" is no VLAN id"), "{wrong}");
    }

    #[test]
    fn every_column_of_the_csv_is_a_key() {
        let written = write_records_json(&[Record::of(
            crate::model::DeviceName::new("d").unwrap(),
            crate::model::Kind::Vlan,
            "7",
            crate::model::RecordSource::Imported,
        )]);
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        let mut keys: Vec<&str> = value[0].as_object().unwrap().keys().map(String::as_str).collect();
        let mut columns = COLUMNS.allowed.to_vec();
        keys.sort_unstable();
        columns.sort_unstable();
        assert_eq!(keys, columns);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(records in arbitrary::records()) {
            prop_assert_eq!(read_records_json(&write_records_json(&records), "f").unwrap(), records);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[\\[{\"]{0,3}\\PC*") {
            let _ = read_records_json(&text, "f");
        }
    }
}
