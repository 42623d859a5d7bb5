//! `ovs-vsctl --format=json list TABLE`: `{"data":[[…],…],"headings":[…]}`. A
//! cell is a plain value, `["uuid","…"]`, `["set",[…]]` or `["map",[[k,v],…]]`,
//! and a set of one is written as its value.
//!
//! The headings come last, so the text is gone through twice: once for them,
//! once for the few columns that we read. All others are passed over.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::platform::derived::one_line;

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Cell<'t> {
    #[default]
    Nothing,
    Truth(bool),
    Number(i64),
    Text(Cow<'t, str>),
    Id(Cow<'t, str>),
    Set(Vec<Cell<'t>>),
    List(Vec<Cell<'t>>),
}

impl<'t> Cell<'t> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The values of a set; a plain value is a set of one.
    pub(super) fn set(&self) -> &[Cell<'t>] {
        match self {
            Self::Set(values) => values,
            Self::Nothing => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub(super) fn uuid(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            _ => None,
        }
    }

    /// The value of a key in a map.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let Self::List(parts) = self else { return None };
        let [Self::Text(kind), Self::List(pairs)] = parts.as_slice() else { return None };
        if kind != "map" {
            return None;
        }
        pairs.iter().find_map(|pair| match pair {
            Self::List(pair) => match pair.as_slice() {
                [Self::Text(name), Self::Text(value)] if name == key => Some(value.as_ref()),
                _ => None,
            },
            _ => None,
        })
    }

    /// `["uuid","…"]` and `["set",[…]]` are values of their own; most cells are one.
    fn folded(mut parts: Vec<Cell<'t>>) -> Self {
        match parts.as_mut_slice() {
            [Self::Text(kind), Self::Text(id)] if kind == "uuid" => Self::Id(std::mem::take(id)),
            [Self::Text(kind), Self::List(values)] if kind == "set" => Self::Set(std::mem::take(values)),
            _ => Self::List(parts),
        }
    }
}

/// Deeper than any cell of the database.
const DEEPEST: u8 = 6;

struct CellAt(u8);

impl<'t> DeserializeSeed<'t> for CellAt {
    type Value = Cell<'t>;

    fn deserialize<D: serde::Deserializer<'t>>(self, from: D) -> Result<Cell<'t>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for CellAt {
    type Value = Cell<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the database")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Cell<'t>, E> {
        Ok(Cell::Truth(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell<'t>, E> {
        Ok(Cell::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell<'t>, E> {
        Ok(i64::try_from(number).map_or(Cell::Nothing, Cell::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Cell<'t>, E> {
        Ok(Cell::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Cell<'t>, E> {
        Ok(Cell::Nothing)
    }

    fn visit_borrowed_str<E>(self, text: &'t str) -> Result<Cell<'t>, E> {
        Ok(Cell::Text(one_line(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell<'t>, E> {
        Ok(Cell::Text(one_line(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut parts: A) -> Result<Cell<'t>, A::Error> {
        let mut list = Vec::new();
        if self.0 >= DEEPEST {
            while parts.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Cell::Nothing);
        }
        while let Some(part) = parts.next_element_seed(CellAt(self.0 + 1))? {
            list.push(part);
        }
        Ok(Cell::folded(list))
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Cell<'t>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Nothing)
    }
}

/// The names of a table's columns. They stand at its end; a quote within a
/// value is escaped, so that no value looks like their beginning.
pub(super) fn headings(text: &str) -> Option<Vec<String>> {
    const MARK: &[u8] = b"\"headings\":";
    let at = memchr::memmem::rfind(text.as_bytes(), MARK)? + MARK.len();
    let mut names = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Vec<String>>();
    names.next()?.ok()
}

/// The rows of the table in `text`, each with the cells of `columns` in their
/// order. `None` when the text is no whole table, lacks a column, or a row is
/// shorter than its heading.
pub(super) fn rows<'t, const N: usize>(text: &'t str, columns: [&str; N]) -> Option<Vec<[Cell<'t>; N]>> {
    let headings = headings(text)?;
    let mut at = [0; N];
    for (place, column) in at.iter_mut().zip(columns) {
        *place = headings.iter().position(|heading| heading == column)?;
    }
    let mut from = serde_json::Deserializer::from_str(text);
    let table = Table { at, width: headings.len() }.deserialize(&mut from).ok()?;
    from.end().ok()?;
    table
}

/// The columns that are wanted, and how many there are.
#[derive(Clone, Copy)]
struct Table<const N: usize> {
    at: [usize; N],
    width: usize,
}

impl<'t, const N: usize> DeserializeSeed<'t> for Table<N> {
    type Value = Option<Vec<[Cell<'t>; N]>>;

    fn deserialize<D: serde::Deserializer<'t>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'t, const N: usize> Visitor<'t> for Table<N> {
    type Value = Option<Vec<[Cell<'t>; N]>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rows = None;
        while let Some(key) = map.next_key::<Cow<'t, str>>()? {
            if key == "data" {
                rows = map.next_value_seed(Rows(self))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(rows)
    }
}

struct Rows<const N: usize>(Table<N>);

impl<'t, const N: usize> DeserializeSeed<'t> for Rows<N> {
    type Value = Option<Vec<[Cell<'t>; N]>>;

    fn deserialize<D: serde::Deserializer<'t>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'t, const N: usize> Visitor<'t> for Rows<N> {
    type Value = Option<Vec<[Cell<'t>; N]>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut rows = Some(Vec::new());
        while let Some(row) = parts.next_element_seed(Row(self.0))? {
            match (row, &mut rows) {
                (Some(row), Some(rows)) => rows.push(row),
                _ => rows = None,
            }
        }
        Ok(rows)
    }
}

struct Row<const N: usize>(Table<N>);

impl<'t, const N: usize> DeserializeSeed<'t> for Row<N> {
    type Value = Option<[Cell<'t>; N]>;

    fn deserialize<D: serde::Deserializer<'t>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'t, const N: usize> Visitor<'t> for Row<N> {
    type Value = Option<[Cell<'t>; N]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut row = std::array::from_fn(|_| Cell::Nothing);
        let mut width = 0;
        loop {
            match self.0.at.iter().position(|at| *at == width) {
                Some(wanted) => match parts.next_element_seed(CellAt(0))? {
                    Some(cell) => row[wanted] = cell,
                    None => break,
                },
                None if parts.next_element::<IgnoredAny>()?.is_none() => break,
                None => {}
            }
            width += 1;
        }
        Ok((width == self.0.width).then_some(row))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"data":[[["uuid","a1"],"ge1",7,["set",[]],["map",[["hostname","sw\u00311"]]]],[["uuid","a2"],"ge2",["set",[]],["set",[1,2]],["map",[]]]],"headings":["_uuid","name","tag","trunks","external_ids"]}"#;

    #[test]
    fn the_columns_that_are_wanted() {
        let rows = rows(TEXT, ["name", "_uuid", "trunks", "external_ids"]).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0][0].text(), rows[0][1].uuid()), (Some("ge1"), Some("a1")));
        assert_eq!(rows[0][2].set().len(), 0);
        assert_eq!(rows[1][2].set().iter().filter_map(Cell::number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(rows[0][3].get("hostname"), Some("sw11"));
        assert_eq!(super::rows(TEXT, ["tag"]).unwrap()[0][0].set(), [Cell::Number(7)]);
    }

    #[test]
    fn nothing_else_is_a_table() {
        assert!(rows(TEXT, ["cvlans"]).is_none(), "no such column");
        assert!(rows(&TEXT.replace("\"ge2\",", ""), ["name"]).is_none(), "a short row");
        for end in 0..TEXT.len() {
            assert!(rows(&TEXT[..end], ["name"]).is_none(), "cut at {end}");
        }
        let deep = TEXT.replacen('7', &format!("{}{}", "[".repeat(300), "]".repeat(300)), 1);
        assert_eq!(rows(&deep, ["tag"]).unwrap().len(), 2);
    }
}
