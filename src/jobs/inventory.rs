//! The inventory: imports, renames, and the host keys that devices show.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Env, JobError};
use crate::device::{DeviceError, HostKey, SshFetcher};
use crate::model::{Device, DeviceName};
use crate::store::ImportOutcome;

/// Merges an inventory. What `source` no longer has is retired; more than a
/// tenth of it at once is stopped by a guard unless
/// `allow_retire`.
pub fn import_devices(
    env: &Env,
    devices: &[Device],
    source: &str,
    allow_retire: bool,
) -> Result<ImportOutcome, JobError> {
    Ok(env.store()?.import_devices(devices, source, env.clock.now(), "import", allow_retire)?)
}

/// Gives a device another name; its number, and so its history, stays.
pub fn rename_device(env: &Env, old: &DeviceName, new: &DeviceName) -> Result<(), JobError> {
    Ok(env.store()?.rename_device(old, new, env.clock.now(), "rename")?)
}

/// The host keys that `devices` show, in their order. Nobody is logged in to.
pub async fn host_keys(
    fetcher: SshFetcher,
    devices: &[Device],
    done: impl Fn() + Clone + Send + 'static,
) -> Vec<Result<HostKey, DeviceError>> {
    let fetcher = Arc::new(fetcher);
    let permits = Arc::new(Semaphore::new(50));
    let mut tasks = JoinSet::new();
    for (index, device) in devices.iter().cloned().enumerate() {
        let (fetcher, permits, done) = (fetcher.clone(), permits.clone(), done.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let key = fetcher.host_key(&device).await;
            done();
            (index, key)
        });
    }
    let mut keys = tasks.join_all().await;
    keys.sort_by_key(|(index, _)| *index);
    keys.into_iter().map(|(_, key)| key).collect()
}
