//! Scans that were asked for and wait for the next run: input is state, so it
//! survives a restart.

use chrono::{DateTime, Utc};

use super::value::{Time, parse_word, scope, time};
use super::{Store, StoreError};
use crate::model::device::DeviceId;
use crate::model::{Reason, RunId, Scope};

const LIST: &str = include_str!("../../queries/request_list.sql");
const ANSWERED: &str = include_str!("../../queries/request_answered.sql");
const NEWEST: &str = include_str!("../../queries/request_newest.sql");

/// An open request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: i64,
    pub device: DeviceId,
    pub scope: Scope,
    pub reason: Reason,
    /// In words, for people.
    pub why: String,
    pub asked: DateTime<Utc>,
}

impl Store {
    /// Asks for a scan. A request for the same scope of the same device that
    /// is still open is that request: its number is given back.
    pub fn ask(
        &self,
        device: DeviceId,
        scope: &Scope,
        reason: Reason,
        why: &str,
        when: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        self.in_tx(|tx| {
            let open = self.requests()?;
            if let Some(same) = open.iter().find(|open| open.device == device && open.scope == *scope) {
                return Ok(same.id);
            }
            let id = tx.db.query_row(NEWEST, [], |row| row.get::<_, i64>(0))? + 1;
            let (kind, name) = (scope.kind(), scope.name());
            tx.append("request_event", [tx.next_seq()], |out, seq| {
                out.append_row(duckdb::params![
                    seq,
                    id,
                    "asked",
                    device,
                    kind,
                    name,
                    reason.as_str(),
                    why,
                    None::<i64>,
                    Time(when),
                ])
            })?;
            Ok(id)
        })
    }

    /// Open requests, oldest first.
    pub fn requests(&self) -> Result<Vec<Request>, StoreError> {
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query([])?;
        let mut requests = Vec::new();
        while let Some(row) = rows.next()? {
            requests.push(Request {
                id: row.get(0)?,
                device: row.get(1)?,
                scope: scope(&row.get::<_, String>(2)?, row.get(3)?)?,
                reason: parse_word("reason", &row.get::<_, String>(4)?)?,
                why: row.get(5)?,
                asked: time(row, 6)?,
            });
        }
        Ok(requests)
    }

    /// Closes requests that a later scan has answered, whoever made it. Gives
    /// how many that were.
    pub fn close_answered(&self, when: DateTime<Utc>) -> Result<usize, StoreError> {
        let answered: Vec<(i64, RunId)> = self
            .db
            .prepare(ANSWERED)?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<duckdb::Result<_>>()?;
        for (request, run) in &answered {
            self.done(&[*request], *run, when)?;
        }
        Ok(answered.len())
    }

    /// Closes requests that a run has served. What is not open is left alone.
    pub fn done(&self, requests: &[i64], run: RunId, when: DateTime<Utc>) -> Result<(), StoreError> {
        self.in_tx(|tx| {
            let open = self.requests()?;
            let served: Vec<&Request> = open.iter().filter(|open| requests.contains(&open.id)).collect();
            if served.is_empty() {
                return Ok(());
            }
            let seq = tx.next_seq();
            tx.append("request_event", served, |out, request| {
                out.append_row(duckdb::params![
                    seq,
                    request.id,
                    "done",
                    request.device,
                    request.scope.kind(),
                    request.scope.name(),
                    request.reason.as_str(),
                    request.why,
                    run,
                    Time(when),
                ])
            })?;
            Ok(())
        })
    }
}
