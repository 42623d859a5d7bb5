//! NetBox and Nautobot as inventory, source and target of records.
//!
//! Their client blocks, so it runs beside the runtime; the store is closed
//! meanwhile. What a page says is taken as a whole or not at all.

use super::{Env, JobError};
use crate::model::{Device, Record};
use crate::source::{Inventory, Pulled, Pushed, Remote, SourceError};

/// The devices that `remote` has.
pub async fn pull_inventory(remote: Remote) -> Result<Inventory, JobError> {
    ask(remote, Remote::inventory).await
}

/// The records that `remote` has of the devices of our inventory.
pub async fn pull_records(env: &Env, remote: Remote) -> Result<Pulled, JobError> {
    let devices: Vec<Device> = super::live_devices(env)?.into_iter().map(|(_, device)| device).collect();
    if devices.is_empty() {
        return Err(JobError::NoDevices);
    }
    ask(remote, move |remote| remote.records(&devices)).await
}

/// Writes `records` into `remote`; without `write` only says what would be written.
pub async fn export_to(remote: Remote, records: Vec<Record>, write: bool) -> Result<Pushed, JobError> {
    ask(remote, move |remote| remote.push(&records, write)).await
}

async fn ask<T: Send + 'static>(
    remote: Remote,
    what: impl FnOnce(&Remote) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, JobError> {
    Ok(tokio::task::spawn_blocking(move || what(&remote)).await??)
}
