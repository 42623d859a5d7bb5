//! What one session costs: CPU per device of logging in to many at once and
//! fetching one configuration, or all that a scan asks for. Nothing is read
//! into facts, and nothing is kept.
//!
//! `DRIFTCAST_FLEET=inventory.csv cargo bench --bench fetch`, with the user and
//! the password in `DRIFTCAST_USERNAME` and `DRIFTCAST_PASSWORD`. The host keys
//! are enrolled unseen, so use it on loopback only. Aim: 2.8 ms for one
//! configuration of 50 KB. `/proc` gives the figures, in steps of 10 ms.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may panic, and prints")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

#[allow(dead_code, reason = "each benchmark takes what it needs")]
mod process;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use driftcast::device::{Credentials, Fetch, KnownHosts, Settings, SshFetcher};
use driftcast::model::Scope;
use driftcast::platform::by_name;
use driftcast::source::read_devices;

fn main() {
    let Ok(file) = std::env::var("DRIFTCAST_FLEET") else {
        println!("SKIPPED: DRIFTCAST_FLEET names no inventory of devices that answer.");
        return;
    };
    let devices = read_devices(&std::fs::read_to_string(&file).unwrap(), &file).unwrap();
    // All at once: the pace of logins spares servers that a benchmark has not got.
    let settings = Settings { logins_per_minute: 0, ..Settings::default() };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let nobody = KnownHosts::read("", Path::new("known_hosts")).unwrap();
        let enroller = fetcher(&settings, &nobody);
        let mut lines = String::new();
        for device in &devices {
            let key = enroller.host_key(device).await.unwrap();
            writeln!(lines, "[{}]:{} {key}", device.address, device.port).unwrap();
        }
        let known = KnownHosts::read(&lines, Path::new("known_hosts")).unwrap();
        for (what, whole) in [("one configuration", false), ("all that a scan asks for", true)] {
            let fetcher = Arc::new(fetcher(&settings, &known));
            let (begun, used) = (Instant::now(), process::cpu());
            let room = Arc::new(tokio::sync::Semaphore::new(200));
            let sessions: Vec<_> = devices
                .iter()
                .cloned()
                .map(|device| {
                    let (fetcher, room) = (Arc::clone(&fetcher), Arc::clone(&room));
                    tokio::spawn(async move {
                        let _place = room.acquire_owned().await.unwrap();
                        let platform = by_name(&device.platform).unwrap();
                        if whole {
                            return fetcher.fetch(&device, platform, &Scope::Device).await;
                        }
                        let command = platform.named("config").unwrap();
                        fetcher.run(&device, platform, &[command]).await
                    })
                })
                .collect();
            let mut bytes = 0;
            for session in sessions {
                bytes += session.await.unwrap().unwrap().bytes;
            }
            let count = devices.len();
            println!(
                "{what}: {:.2} ms CPU a device ({count} devices, {} KB each, {:.1} s)",
                (process::cpu() - used) * 1000.0 / count as f64,
                bytes / count as u64 / 1000,
                begun.elapsed().as_secs_f64(),
            );
        }
    });
}

fn fetcher(settings: &Settings, known: &KnownHosts) -> SshFetcher {
    let credentials = Credentials::with_environment(BTreeMap::new(), |name| std::env::var(name).ok());
    SshFetcher::new(settings.clone(), known.clone(), credentials)
}
