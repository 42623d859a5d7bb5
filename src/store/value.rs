//! Between the columns of the database and the nouns of the model.

use chrono::{DateTime, Utc};
use duckdb::Row;
use duckdb::types::{FromSql, FromSqlError, FromSqlResult, TimeUnit, ToSql, ToSqlOutput, Value, ValueRef};
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::{DeviceName, Scope};

/// A UTC TIMESTAMP. The crate's own chrono feature is off: it would give local
/// types a second way in.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) DateTime<Utc>);

impl ToSql for Time {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Timestamp(TimeUnit::Microsecond, self.0.timestamp_micros())))
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ValueRef::Timestamp(unit, count) = value else { return Err(FromSqlError::InvalidType) };
        DateTime::from_timestamp_micros(unit.to_micros(count))
            .map(Self)
            .ok_or(FromSqlError::OutOfRange(i128::from(count)))
    }
}

/// A time column.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<DateTime<Utc>, StoreError> {
    Ok(row.get::<_, Time>(column)?.0)
}

/// A time column that may be NULL.
pub(super) fn maybe_time(row: &Row<'_>, column: usize) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(row.get::<_, Option<Time>>(column)?.map(|t| t.0))
}

/// The serde name of a unit variant: `bridge-domain`.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// The unit variant of a serde name.
pub(super) fn parse_word<T: for<'a> Deserialize<'a>>(
    column: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    let words: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(words).map_err(|_| unreadable(column, text))
}

/// The same for a column that may be NULL.
pub(super) fn maybe_word<T: for<'a> Deserialize<'a>>(
    column: &'static str,
    text: Option<String>,
) -> Result<Option<T>, StoreError> {
    text.map(|text| parse_word(column, &text)).transpose()
}

/// A value as JSON text.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    // Only maps with keys that are no strings can fail; the model has none.
    serde_json::to_string(value).unwrap_or_default()
}

/// A value from JSON text.
pub(super) fn parse_json<T: for<'a> Deserialize<'a>>(
    column: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable(column, text))
}

/// A list column: JSON, NULL when empty.
pub(super) fn list<T: Serialize>(items: &[T]) -> Option<String> {
    (!items.is_empty()).then(|| json(items))
}

/// What [`list`] wrote.
pub(super) fn parse_list<T: for<'a> Deserialize<'a>>(
    column: &'static str,
    text: Option<&str>,
) -> Result<Vec<T>, StoreError> {
    text.map_or_else(|| Ok(Vec::new()), |text| parse_json(column, text))
}

/// A column that holds one of few words, read with the noun's own `parse`.
pub(super) fn parsed<T>(
    column: &'static str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| unreadable(column, text))
}

pub(super) fn device_name(text: &str) -> Result<DeviceName, StoreError> {
    DeviceName::new(text).map_err(|_| unreadable("name", text))
}

/// The scope of the two columns `scope` and `scope_name`.
pub(super) fn scope(kind: &str, name: Option<String>) -> Result<Scope, StoreError> {
    match (kind, name) {
        ("device", _) => Ok(Scope::Device),
        ("interface", Some(name)) => Ok(Scope::Interface(name)),
        ("bridge-domain", Some(name)) => Ok(Scope::BridgeDomain(name)),
        _ => Err(unreadable("scope", kind)),
    }
}

/// Checks that a digest is 128 bits of hex: it is stored as a UUID, in half
/// the room of its text.
pub(super) fn digest<'a>(
    column: &'static str,
    text: Option<&'a String>,
) -> Result<Option<&'a str>, StoreError> {
    match text {
        Some(text) if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
            Err(StoreError::Unstorable {
                column,
                value: clip(text),
                wanted: "a digest of 32 lower-case hex digits",
            })
        }
        other => Ok(other.map(String::as_str)),
    }
}

/// A count for a BIGINT column.
pub(super) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Device numbers as the one text parameter that a query takes them in.
pub(super) fn id_list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// Keys for a query, a line each. None of them has a line break: they come from lines.
pub(super) fn key_list(keys: &[&str]) -> String {
    keys.join("\n")
}

pub(super) fn unreadable(column: &'static str, value: &str) -> StoreError {
    StoreError::Unreadable { column, value: clip(value) }
}

/// Short enough for a message.
fn clip(value: &str) -> String {
    value.chars().take(60).collect()
}
