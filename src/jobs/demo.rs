//! A whole life on a simulated fleet: a database of record, months of nights
//! made by the same code with a fixed clock, then tonight over real SSH.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::Serialize;

use super::env::ssh_fetcher;
use super::scan::Summary;
use super::{Env, Events, JobError, nightly, records};
use crate::analysis::Budget;
use crate::clock::Clock;
use crate::config::Settings;
use crate::device::{DeviceError, Fetch, Fetching, shell};
use crate::lab::{Fleet, HostKey, Lab, LabError, Planted, RecordEdit};
use crate::model::{Device, DeviceName, RunId, Scope};
use crate::platform::Platform;
use crate::source;
use crate::store::Store;

/// Everything in the demo follows from this. The VLAN of the story.
const SEED: u64 = 251;

/// Where a demo's inventory comes from.
const SOURCE: &str = "lab";

/// All that a demo makes in its folder.
const FILES: [&str; 8] = [
    "driftcast.duckdb",
    "driftcast.duckdb.wal",
    "ledger.jsonl",
    "key",
    "known_hosts",
    "lab.toml",
    "records.csv",
    "inventory.csv",
];
const FOLDERS: [&str; 3] = ["reports", "locks", "tmp"];

/// What is asked of a demo.
pub struct Ask {
    pub dir: PathBuf,
    pub devices: usize,
    pub nights: u32,
    /// The first port of the devices; `None`: any that are free.
    pub port: Option<u16>,
    pub clock: Clock,
}

/// What a demo leaves behind.
pub struct Demo {
    pub run: RunId,
    pub outcome: &'static str,
    pub summary: Summary,
    pub report: PathBuf,
    /// Tonight's planted disagreements.
    pub planted: Vec<PlantedRow>,
    /// A device worth a look.
    pub show: DeviceName,
}

/// One planted disagreement, for `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct PlantedRow {
    pub device: DeviceName,
    pub kind: crate::model::Kind,
    pub key: String,
    pub class: crate::model::DriftClass,
    pub note: String,
}

impl From<&Planted> for PlantedRow {
    fn from(planted: &Planted) -> Self {
        Self {
            device: planted.device.clone(),
            kind: planted.key.kind,
            key: planted.key.key.clone(),
            class: planted.class,
            note: planted.note.clone(),
        }
    }
}

/// Runs the demo. `night_over` is called after each past night.
pub async fn demo(
    ask: Ask,
    settings: Settings,
    night_over: &(dyn Fn() + Send + Sync),
    events: Events,
) -> Result<Demo, JobError> {
    make_room(&ask.dir)?;
    let tonight = ask.clock.now();
    let night_of = |ago: u32| {
        let day = tonight.date_naive() - Days::new(u64::from(ago));
        day.and_time(NaiveTime::from_hms_opt(2, 10, 0).unwrap_or_default()).and_utc()
    };
    let birth = night_of(ask.nights + 1);
    let fleet = Arc::new(Mutex::new(Fleet::new(SEED, ask.devices, birth)));
    let settings = Arc::new(Settings {
        // A demo's devices are its own: the user's credentials and limits have no place here.
        credential: std::collections::BTreeMap::new(),
        ..settings
    });
    let in_process: Arc<dyn Fetch> = Arc::new(InProcess { fleet: fleet.clone() });

    // Past nights: nobody's network is involved, so they take no sockets.
    let past = Env::with_fetch(ask.dir.clone(), Clock::fixed(birth), settings.clone(), in_process)?;
    // The mark of a demo's folder comes first: one that was stopped can be started again.
    lock(&fleet).save(&ask.dir.join("lab.toml"))?;
    let (inventory, believed) = {
        let fleet = lock(&fleet);
        (fleet.inventory(), fleet.records())
    };
    // Nobody else waits for a demo's database: one opening for all past nights.
    let open = past.store()?;
    super::import_devices(&past, &with_ports(&inventory), SOURCE, false)?;
    records::import_records(&past, &believed, "demo", "the database of record at the beginning")?;
    // A fleet this small needs no four rounds a night.
    let mut brisk = (*settings).clone();
    brisk.plan.rounds = 2;
    let brisk = Arc::new(brisk);
    for ago in (1..=ask.nights).rev() {
        let night = night_of(ago);
        let env = Env { clock: Clock::fixed(night), settings: brisk.clone(), ..past.clone() };
        let edits = lock(&fleet).advance(night);
        take(&env, edits)?;
        // The first night reads everything once; then half of the fleet a night.
        let budget = if ago == ask.nights { Budget::Percent(100.0) } else { Budget::Percent(50.0) };
        nightly::night(&env, budget, false, None).await?;
        night_over();
    }

    drop(open);

    // Tonight: real sockets, real SSH, the real clock.
    let (planted, lab) = {
        let mut fleet = lock(&fleet).clone();
        let edits = fleet.advance(tonight);
        take(&Env { clock: Clock::fixed(tonight), ..past.clone() }, edits)?;
        let planted = fleet.plant(tonight);
        give_ports(&mut fleet, ask.port);
        let lab = Lab::start(&mut fleet).await?;
        write_known_hosts(&ask.dir, &lab)?;
        super::import_devices(&past, &fleet.inventory(), SOURCE, false)?;
        fleet.save(&ask.dir.join("lab.toml"))?;
        (planted, lab)
    };
    let fetch: Arc<dyn Fetch> = Arc::new(ssh_fetcher(&ask.dir, &settings)?);
    let mut env = Env::with_fetch(ask.dir.clone(), ask.clock, settings, fetch)?;
    env.events = events;
    let done = nightly::night(&env, Budget::Percent(100.0), true, None).await?;
    drop(lab);
    if let Some(error) = done.report_error {
        return Err(error);
    }
    let show = planted.first().map_or_else(|| inventory[0].name.clone(), |p| p.device.clone());
    Ok(Demo {
        run: done.run,
        outcome: done.outcome,
        summary: done.summary,
        report: done.report.unwrap_or_default(),
        planted: planted.iter().map(PlantedRow::from).collect(),
        show,
    })
}

/// The inventory of the past: ports that are not open yet, one each, because
/// two devices cannot have one address.
fn with_ports(inventory: &[Device]) -> Vec<Device> {
    inventory.iter().zip(1_u16..).map(|(device, port)| Device { port, ..device.clone() }).collect()
}

/// Ports that are still free when the lab is started again.
fn give_ports(fleet: &mut Fleet, first: Option<u16>) {
    match first {
        Some(first) => fleet.set_ports(first),
        None => fleet.keep_ports(),
    }
}

/// Applies what the deployment tool did today to the database of record.
fn take(env: &Env, edits: Vec<RecordEdit>) -> Result<(), JobError> {
    let (mut put, mut removed) = (Vec::new(), Vec::new());
    for edit in edits {
        match edit {
            RecordEdit::Put(record) => put.push(*record),
            RecordEdit::Remove { device, key } => removed.push((device, key)),
        }
    }
    if !put.is_empty() || !removed.is_empty() {
        records::edit_records(env, &put, &removed, "deploy-tool", "deployed")?;
    }
    Ok(())
}

fn lock(fleet: &Mutex<Fleet>) -> std::sync::MutexGuard<'_, Fleet> {
    // The fleet is plain data; a panic elsewhere leaves it as usable as before.
    fleet.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lab without SSH: the same shell, over a pipe.
struct InProcess {
    fleet: Arc<Mutex<Fleet>>,
}

impl Fetch for InProcess {
    fn fetch<'a>(
        &'a self,
        device: &'a Device,
        platform: &'static Platform,
        scope: &'a Scope,
    ) -> Fetching<'a> {
        Box::pin(async move {
            let bad = |reason: String| DeviceError::BadName { reason };
            let commands = platform.script(scope).map_err(|error| bad(error.to_string()))?;
            let stream =
                lock(&self.fleet).connect(device.name.as_str()).map_err(|error| bad(error.to_string()))?;
            // A pipe delivers at once: nothing more is on its way when a prompt is there.
            let settings = crate::device::Settings { settle_ms: 1, ..crate::device::Settings::default() };
            shell::converse(stream, &[], platform, &commands, &settings).await
        })
    }
}

/// A folder for the demo: new, empty, or an earlier demo's, which is cleared.
fn make_room(dir: &Path) -> Result<(), JobError> {
    let fail = |error| JobError::Folder { path: dir.to_owned(), error };
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fail(error)),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    if !dir.join("lab.toml").is_file() {
        return Err(JobError::NotADemo(dir.to_owned()));
    }
    // Not if another version wrote it, and not if it became somebody's own.
    if dir.join("driftcast.duckdb").exists() {
        let store = Store::open(dir, Duration::from_secs(1))?;
        if store.devices()?.iter().any(|device| device.source != SOURCE) {
            return Err(JobError::NotADemo(dir.to_owned()));
        }
    }
    // Only what a demo makes is removed; a file that somebody put there stays.
    for file in FILES {
        match fs::remove_file(dir.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
    }
    for folder in FOLDERS {
        match fs::remove_dir_all(dir.join(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
    }
    Ok(())
}

fn write_known_hosts(dir: &Path, lab: &Lab) -> Result<(), JobError> {
    let lines: Vec<String> = lab.host_keys().iter().map(HostKey::known_hosts_line).collect();
    write_private(&dir.join("known_hosts"), &(lines.join("\n") + "\n"))
}

fn write_private(path: &Path, text: &str) -> Result<(), JobError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new();
    file.write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| JobError::Folder { path: path.to_owned(), error })
}

/// A fleet that is up.
pub struct Served {
    fleet: Fleet,
    _lab: Lab,
    pub devices: usize,
    /// Lowest and highest port.
    pub ports: (u16, u16),
    /// The inventory that was written for a new fleet.
    pub inventory: Option<PathBuf>,
    pub known_hosts: PathBuf,
    pub night: DateTime<Utc>,
}

/// Serves the demo's fleet of `dir` on its ports, or a new one on those from `port`.
pub async fn serve_lab(
    dir: &Path,
    devices: usize,
    port: Option<u16>,
    inventory: Option<&Path>,
    clock: Clock,
) -> Result<Served, JobError> {
    let saved = dir.join("lab.toml");
    let known_hosts = dir.join("known_hosts");
    let (mut fleet, new) = if saved.is_file() {
        let mut fleet = Fleet::load(&saved)?;
        // The devices' clocks go on; what they have configured stays.
        fleet.set_clock(clock.now().max(fleet.clock()));
        (fleet, false)
    } else {
        super::env::create_private_folder(dir)?;
        let mut fleet = Fleet::new(SEED, devices, clock.now());
        give_ports(&mut fleet, port);
        (fleet, true)
    };
    let lab = Lab::start(&mut fleet).await?;
    let mut written = None;
    if new {
        let path = inventory.map_or_else(|| dir.join("inventory.csv"), Path::to_owned);
        write_private(&path, &source::write_devices(&fleet.inventory()))?;
        written = Some(path);
        // Enrolled beside whatever is known already.
        let mut known = crate::device::KnownHosts::load(&known_hosts)?;
        for key in lab.host_keys() {
            if let Some(parsed) = crate::device::HostKey::parse(&key.key) {
                known.enrol("127.0.0.1", key.port, &parsed)?;
            }
        }
        fleet.save(&saved)?;
    }
    let ports: Vec<u16> = lab.addresses().iter().map(|(_, address)| address.port()).collect();
    Ok(Served {
        devices: ports.len(),
        ports: (ports.iter().copied().min().unwrap_or(0), ports.iter().copied().max().unwrap_or(0)),
        inventory: written,
        known_hosts,
        night: fleet.clock(),
        fleet,
        _lab: lab,
    })
}

impl Served {
    /// One simulated day: the devices change while they are being served.
    /// Returns how many records the deployment tool would have written.
    pub fn let_a_day_pass(&mut self, dir: &Path) -> Result<usize, LabError> {
        self.night += chrono::Duration::days(1);
        let edits = self.fleet.advance(self.night);
        self.fleet.save(&dir.join("lab.toml"))?;
        Ok(edits.len())
    }
}
