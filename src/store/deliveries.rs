//! What was told to whom, so that nothing is told twice, and how each try went.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::value::{Time, maybe_time, number, time};
use super::{Store, StoreError};
use crate::model::RunId;

const TOLD: &str = include_str!("../../queries/told_list.sql");
const DELIVERIES: &str = include_str!("../../queries/delivery_list.sql");

/// What a channel was told last of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldItem {
    pub state: String,
    /// Its name then, for the message that it is over.
    pub label: String,
    pub when: DateTime<Utc>,
}

/// One try to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub channel: String,
    pub run: Option<RunId>,
    /// `baseline`, `delivered` or `failed`.
    pub outcome: String,
    pub why: Option<String>,
    /// How many items were in it.
    pub items: u64,
    pub when: DateTime<Utc>,
}

/// How a channel stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelState {
    #[serde(flatten)]
    pub newest: Delivery,
    pub last_good: Option<DateTime<Utc>>,
    /// Since it last worked.
    pub failures: u64,
}

impl Store {
    /// What a channel was told last of each item. Empty: it was never told anything.
    pub fn told(&self, channel: &str) -> Result<BTreeMap<String, ToldItem>, StoreError> {
        let mut statement = self.db.prepare(TOLD)?;
        let mut rows = statement.query([channel])?;
        let mut told = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let item = ToldItem { state: row.get(1)?, label: row.get(2)?, when: time(row, 3)? };
            told.insert(row.get(0)?, item);
        }
        Ok(told)
    }

    /// Appends a try, and with it what it told: of each item its state and label.
    pub fn append_delivery(
        &self,
        delivery: &Delivery,
        told: &[(String, String, String)],
    ) -> Result<(), StoreError> {
        self.in_tx(|tx| {
            let seq = tx.next_seq();
            tx.append("told_event", told, |out, (item, state, label)| {
                out.append_row(duckdb::params![
                    seq,
                    delivery.channel,
                    item,
                    state,
                    label,
                    Time(delivery.when)
                ])
            })?;
            tx.append("delivery_event", [delivery], |out, delivery| {
                out.append_row(duckdb::params![
                    seq,
                    delivery.channel,
                    delivery.run,
                    delivery.outcome,
                    delivery.why,
                    number(delivery.items),
                    Time(delivery.when),
                ])
            })?;
            Ok(())
        })
    }

    /// How every channel stands that was ever used, by name.
    pub fn channels(&self) -> Result<Vec<ChannelState>, StoreError> {
        let mut statement = self.db.prepare(DELIVERIES)?;
        let mut rows = statement.query([])?;
        let mut channels = Vec::new();
        while let Some(row) = rows.next()? {
            channels.push(ChannelState {
                newest: Delivery {
                    channel: row.get(0)?,
                    run: row.get(1)?,
                    outcome: row.get(2)?,
                    why: row.get(3)?,
                    items: row.get::<_, i64>(4)?.try_into().unwrap_or(0),
                    when: time(row, 5)?,
                },
                last_good: maybe_time(row, 6)?,
                failures: row.get::<_, i64>(7)?.try_into().unwrap_or(0),
            });
        }
        Ok(channels)
    }
}
