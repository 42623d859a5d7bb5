//! The way back from a change of the record: exactly what was there before, or
//! the reason why not. What somebody wrote later is never overwritten.

use super::plan::Refused;
use crate::model::device::DeviceId;
use crate::model::{FactKey, Record};

/// One record in a change, with what stood before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub device_id: DeviceId,
    pub key: FactKey,
    /// The change.
    pub seq: i64,
    pub before: Option<Record>,
    pub after: Option<Record>,
    /// What stands there now, and the change that put it there. A change that
    /// was taken back itself is no obstacle: then `now` is `after` again.
    pub now: Option<Record>,
    pub newest: i64,
}

/// What has to be written to be where we were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Back {
    pub put: Vec<Record>,
    pub remove: Vec<(DeviceId, FactKey)>,
}

/// Takes back all of a change, or nothing.
pub fn undo(rows: &[Written]) -> Result<Back, Refused> {
    let moved: Vec<String> = rows.iter().filter(|row| row.now != row.after).map(moved).collect();
    if !moved.is_empty() {
        return Err(Refused::Moved(list(&moved)));
    }
    let mut back = Back::default();
    for row in rows {
        match &row.before {
            Some(record) => back.put.push(record.clone()),
            None => back.remove.push((row.device_id, row.key.clone())),
        }
    }
    Ok(back)
}

/// Brings back what a change removed, and leaves the rest of it as it is.
/// `name` is the change's, for the message.
pub fn restore(rows: &[Written], name: &str) -> Result<Back, Refused> {
    let removed: Vec<&Written> =
        rows.iter().filter(|row| row.after.is_none() && row.before.is_some()).collect();
    if removed.is_empty() {
        return Err(Refused::NothingRemoved(name.to_owned()));
    }
    let moved: Vec<String> =
        removed.iter().filter(|row| row.now != row.after).map(|row| moved(row)).collect();
    if !moved.is_empty() {
        return Err(Refused::Moved(list(&moved)));
    }
    Ok(Back { put: removed.iter().filter_map(|row| row.before.clone()).collect(), remove: Vec::new() })
}

fn moved(row: &Written) -> String {
    format!("{} was changed later, by C-{}", row.key, row.newest)
}

/// At most five, and how many more.
fn list(all: &[String]) -> String {
    let more = all.len().saturating_sub(5);
    let first = all.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{first}; and {more} more") } else { first }
}
