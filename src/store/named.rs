//! Queries for people: each a file of `queries/named`, run by name, with values
//! bound. Nothing that a person types becomes SQL.

use std::collections::BTreeMap;

use duckdb::types::{TimeUnit, Value, ValueRef};
use serde::Serialize;
use serde_json::Value as Json;

use super::value::Time;
use super::{Store, StoreError};

const NAMED: &[(&str, &str)] = &[
    ("busiest-devices", include_str!("../../queries/named/busiest-devices.sql")),
    ("changes", include_str!("../../queries/named/changes.sql")),
    ("devices", include_str!("../../queries/named/devices.sql")),
    ("drift-by-site", include_str!("../../queries/named/drift-by-site.sql")),
    ("facts", include_str!("../../queries/named/facts.sql")),
    ("failing-devices", include_str!("../../queries/named/failing-devices.sql")),
    ("open-drifts", include_str!("../../queries/named/open-drifts.sql")),
    ("runs", include_str!("../../queries/named/runs.sql")),
    ("scans", include_str!("../../queries/named/scans.sql")),
    ("schedule-log", include_str!("../../queries/named/schedule-log.sql")),
    ("signals", include_str!("../../queries/named/signals.sql")),
];

/// One query, as its file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedQuery {
    pub name: &'static str,
    pub about: &'static str,
    /// In the order of `$1`, `$2`, …
    pub parameters: Vec<Parameter>,
}

/// A line such as `-- $2 newest (number, 100): at most so many.`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    pub name: &'static str,
    pub is_number: bool,
    pub default: Option<&'static str>,
    pub about: &'static str,
}

/// What a query gave.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rows {
    pub columns: Vec<String>,
    /// Times are RFC 3339, in UTC.
    pub rows: Vec<Vec<Json>>,
}

/// All of them, by name.
pub fn named_queries() -> Vec<NamedQuery> {
    NAMED.iter().map(|(name, sql)| described(name, sql)).collect()
}

fn described(name: &'static str, sql: &'static str) -> NamedQuery {
    let mut comments = sql.lines().map_while(|line| line.strip_prefix("-- "));
    let about = comments.next().unwrap_or_default();
    NamedQuery { name, about, parameters: comments.filter_map(parameter).collect() }
}

fn parameter(line: &'static str) -> Option<Parameter> {
    let (head, about) = line.strip_prefix('$')?.split_once("): ")?;
    let (number_and_name, sort) = head.split_once(" (")?;
    let (_, name) = number_and_name.split_once(' ')?;
    let (sort, default) = sort.split_once(", ").map_or((sort, None), |(sort, default)| (sort, Some(default)));
    Some(Parameter { name, is_number: sort == "number", default, about })
}

impl Store {
    /// Runs a named query. `values`: by the names of its parameters; what is
    /// left out has its default.
    pub fn query(&self, name: &str, values: &BTreeMap<String, String>) -> Result<Rows, StoreError> {
        let (sql, bound) = asked(name, values)?;
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query(duckdb::params_from_iter(bound))?;
        let mut result = Rows { columns: Vec::new(), rows: Vec::new() };
        while let Some(row) = rows.next()? {
            if result.columns.is_empty() {
                result.columns = row.as_ref().column_names();
            }
            let cells = (0..result.columns.len()).map(|column| Ok(cell(row.get_ref(column)?)));
            result.rows.push(cells.collect::<duckdb::Result<_>>()?);
        }
        drop(rows);
        if result.columns.is_empty() {
            result.columns = statement.column_names();
        }
        Ok(result)
    }

    /// Runs a named query into a Parquet file: how many rows, and its bytes.
    ///
    /// The database can reach no file but those in its own temporary folder,
    /// so the file is made there and read back.
    pub fn query_parquet(
        &self,
        name: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(usize, Vec<u8>), StoreError> {
        let (sql, mut bound) = asked(name, values)?;
        let path = self.dir().join("tmp").join(format!("export-{}.parquet", std::process::id()));
        let file = |source| StoreError::Folder { path: path.clone(), source };
        bound.push(Value::Text(path.to_string_lossy().into_owned()));
        let copy = format!(
            "COPY (\n{}\n) TO (${}) (FORMAT parquet)",
            sql.trim_end().trim_end_matches(';'),
            bound.len()
        );
        let rows = self.db.execute(&copy, duckdb::params_from_iter(bound)).map_err(|error| {
            if error.to_string().contains("in the catalog") { StoreError::NoParquet } else { error.into() }
        })?;
        let bytes = std::fs::read(&path).map_err(file);
        std::fs::remove_file(&path).map_err(file)?;
        Ok((rows, bytes?))
    }
}

/// The statement of a query, with its values in the order of `$1`, `$2`, …
fn asked(name: &str, values: &BTreeMap<String, String>) -> Result<(&'static str, Vec<Value>), StoreError> {
    let (name, sql) = NAMED
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| StoreError::UnknownQuery(name.to_owned()))?;
    Ok((sql, bind(&described(name, sql), values)?))
}

fn bind(query: &NamedQuery, values: &BTreeMap<String, String>) -> Result<Vec<Value>, StoreError> {
    let known = |name: &String| query.parameters.iter().any(|p| p.name == name.as_str());
    if let Some(stranger) = values.keys().find(|name| !known(name)) {
        return Err(StoreError::UnknownParameter { query: query.name, name: stranger.clone() });
    }
    let bound = query.parameters.iter().map(|parameter| {
        let given = values.get(parameter.name).map(String::as_str).or(parameter.default);
        match given {
            None => Ok(Value::Null),
            Some(text) if parameter.is_number => {
                text.parse().map(Value::BigInt).map_err(|_| StoreError::Unstorable {
                    column: parameter.name,
                    value: text.to_owned(),
                    wanted: "a whole number",
                })
            }
            Some(text) => Ok(Value::Text(text.to_owned())),
        }
    });
    bound.collect()
}

/// The files cast to these few types; anything else would be their mistake.
fn cell(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Boolean(value) => value.into(),
        ValueRef::TinyInt(value) => value.into(),
        ValueRef::SmallInt(value) => value.into(),
        ValueRef::Int(value) => value.into(),
        ValueRef::BigInt(value) => value.into(),
        ValueRef::Double(value) => value.into(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into(),
        ValueRef::Timestamp(unit, count) => time_of(unit, count),
        _ => Json::Null,
    }
}

fn time_of(unit: TimeUnit, count: i64) -> Json {
    use duckdb::types::FromSql as _;
    Time::column_result(ValueRef::Timestamp(unit, count))
        .map_or(Json::Null, |Time(at)| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_query_runs_describes_itself_and_takes_its_parameters() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Duration::ZERO).unwrap();
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/named")).unwrap().count();
        assert_eq!(named_queries().len(), files);
        for query in named_queries() {
            assert!(query.about.ends_with('.'), "{}", query.name);
            let (_, sql) = NAMED.iter().find(|(name, _)| *name == query.name).unwrap();
            assert_eq!(sql.contains("$1"), !query.parameters.is_empty(), "{}", query.name);
            let given = query
                .parameters
                .iter()
                .map(|p| (p.name.to_owned(), if p.is_number { "3" } else { "'; DROP TABLE scan" }.to_owned()))
                .collect();
            for values in [BTreeMap::new(), given] {
                let rows = store.query(query.name, &values).unwrap();
                assert!(rows.columns.len() > 3 && rows.rows.is_empty(), "{}", query.name);
            }
        }
        let values = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let none = BTreeMap::new();
        let device = values("device", "sw1");
        for (query, values) in [("runs", &none), ("open-drifts", &device)] {
            let (rows, bytes) = store.query_parquet(query, values).unwrap();
            assert_eq!((rows, &bytes[..4], &bytes[bytes.len() - 4..]), (0, &b"PAR1"[..], &b"PAR1"[..]));
        }
        assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0, "nothing is left behind");
        assert!(matches!(store.query("nothing", &BTreeMap::new()), Err(StoreError::UnknownQuery(_))));
        assert!(matches!(
            store.query("runs", &values("device", "x")),
            Err(StoreError::UnknownParameter { .. })
        ));
        assert!(matches!(store.query("runs", &values("newest", "x")), Err(StoreError::Unstorable { .. })));
    }
}
