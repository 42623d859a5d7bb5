//! `import-history`: the git repository of Oxidized or RANCID → when devices
//! changed before we read them.
//!
//! Only times are kept. Contents are read to tell a change from a commit that
//! is none (a counter, a secret that the device encrypts anew, a section that
//! is none of our facts), masked like everything a device says, and dropped.

mod judge;
mod walk;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{Env, JobError};
use crate::model::device::DeviceId;
use crate::model::{Device, DeviceName, PastEvent, PastStep};
use crate::platform::{self, Platform};
use crate::source::git::{Places, Repository, Stray};
use crate::store::PastImport;
use judge::Judged;
pub use walk::Counts;
use walk::{Steps, Walk};

/// What is asked.
#[derive(Clone, Debug)]
pub struct PastAsk<'a> {
    pub folder: &'a Path,
    /// How often the poller looks at a device.
    pub every: TimeDelta,
    /// Read and say, and keep nothing.
    pub dry_run: bool,
    pub who: String,
}

/// How far it is: commits to read, and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastProgress {
    ToRead(usize),
    Read,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct PastImported {
    pub source: String,
    pub tip: String,
    pub dry_run: bool,
    /// The oldest commit that counts, and up to when the poller is known to have worked.
    pub first: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub commits: usize,
    pub counts: Counts,
    /// Changes that were not known before.
    pub new_changes: usize,
    /// Events that were (or would be) written.
    pub written: usize,
    /// Devices of the inventory that it tells of, by name.
    pub devices: Vec<PastDevice>,
    /// Devices with two files at once: nobody knows which is true, so neither counts.
    pub doubtful: Vec<PastDoubt>,
    /// Devices of the inventory that it says nothing of.
    pub silent: Vec<DeviceName>,
    /// Files of devices that the inventory does not have.
    pub strays: Vec<PastStray>,
    /// Whether the same history was imported before, and only what came since was read.
    pub continued: bool,
}

/// A device that the history tells of.
#[derive(Clone, Debug, Serialize)]
pub struct PastDevice {
    pub device: DeviceName,
    /// Its newest file in the repository.
    pub file: String,
    pub since: DateTime<Utc>,
    /// Changes that this import found.
    pub changes: usize,
    pub last_change: Option<DateTime<Utc>>,
    /// How changes were told from other commits: `facts` or `text`.
    pub judged_by: &'static str,
}

/// A device with several files.
#[derive(Clone, Debug, Serialize)]
pub struct PastDoubt {
    pub device: DeviceName,
    pub files: Vec<String>,
}

/// A file of a device that the inventory does not have.
#[derive(Clone, Debug, Serialize)]
pub struct PastStray {
    pub file: String,
    pub name: Option<DeviceName>,
    /// As its content looks.
    pub platform: Option<&'static str>,
    /// The line of an inventory CSV that would add it; the address is its name.
    pub csv: Option<String>,
}

/// How many strays have their content looked at; the others are listed without a platform.
const STRAYS_READ: usize = 2_000;

/// Reads the history of a repository, and keeps what is new in it.
pub fn import_past(
    env: &Env,
    ask: &PastAsk<'_>,
    progress: &(dyn Fn(PastProgress) + Sync),
) -> Result<PastImported, JobError> {
    let repository = Repository::open(ask.folder)?;
    let source = repository.folder().to_string_lossy().into_owned();
    let now = env.clock.now();
    let store = env.store()?;
    let all = store.devices()?;
    let imports = store.past_imports(&source)?;
    drop(store);
    let devices: BTreeMap<DeviceId, Device> =
        all.iter().filter(|d| !d.retired).map(|d| (d.id, d.device.clone())).collect();
    let names: HashMap<DeviceId, DeviceName> =
        all.iter().map(|stored| (stored.id, stored.device.name.clone())).collect();
    // A retired device is no stranger, but nobody asks about it.
    let places = Places::new(all.iter().map(|stored| (&stored.device.name, stored.id)));

    let mut walk = Walk::new(now);
    repository.commits(|commit| walk.commit(&places, commit))?;
    walk.devices.retain(|device, _| devices.contains_key(device));

    // What was read before for a device is not read again, unless the history was rewritten.
    let tip_before = imports.last().map(|import| import.tip.clone());
    let fresh = match &tip_before {
        Some(tip) => repository.since(tip)?,
        None => None,
    };
    let covered: HashSet<DeviceId> = match &fresh {
        Some(_) => imports.iter().flat_map(|import| import.devices.iter().copied()).collect(),
        None => HashSet::new(),
    };
    let mut doubtful = Vec::new();
    walk.devices.retain(|device, steps| {
        let doubt = steps.live.len() > 1;
        if doubt {
            let files = steps.live.keys().map(|path| shown(path)).collect();
            doubtful.push(PastDoubt { device: names[device].clone(), files });
        }
        !doubt
    });
    let mut work: Vec<(DeviceId, Option<&'static Platform>, Steps)> = walk
        .devices
        .into_iter()
        .map(|(device, mut steps)| {
            if let Some(fresh) = fresh.as_ref().filter(|_| covered.contains(&device)) {
                steps.only(|commit| fresh.contains(commit));
            }
            (device, platform::by_name(&devices[&device].platform), steps)
        })
        .collect();
    work.sort_by_key(|(device, ..)| *device);
    progress(PastProgress::ToRead(work.iter().map(|(.., steps)| steps.to_read()).sum()));
    let judged = judge::judge(&repository, &env.keeper, &names, &work, &|| progress(PastProgress::Read))?;

    let every_seconds = ask.every.num_seconds();
    let until = walk.newest;
    let mut counts = walk.counts;
    let mut events: Vec<PastEvent> = Vec::new();
    let mut told = Vec::new();
    for ((device, _, steps), judged) in work.iter().zip(&judged) {
        counts.add(&judged.counts);
        let event = |step, at| PastEvent { device: *device, step, at, every_seconds };
        events.extend(judged.steps.iter().map(|(step, at)| event(*step, *at)));
        // It was looked at as long as the poller is known to have worked.
        if judged.live
            && let Some(until) = until
        {
            events.push(event(PastStep::Same, until));
        }
        told.push(told_of(&names[device], steps, judged));
    }
    let mut done = PastImported {
        source,
        tip: repository.tip().to_owned(),
        dry_run: ask.dry_run,
        first: walk.oldest,
        until,
        commits: walk.commits,
        counts,
        new_changes: 0,
        written: 0,
        silent: silent(&devices, &told, &doubtful),
        devices: told,
        doubtful,
        strays: strays(&repository, &walk.strays)?,
        continued: fresh.is_some(),
    };
    keep(
        env,
        ask,
        &mut done,
        work.iter().map(|(device, ..)| *device).collect(),
        &events,
        tip_before.as_deref(),
    )?;
    Ok(done)
}

/// Writes what is new, if anything is.
fn keep(
    env: &Env,
    ask: &PastAsk<'_>,
    done: &mut PastImported,
    devices: Vec<DeviceId>,
    events: &[PastEvent],
    tip_before: Option<&str>,
) -> Result<(), JobError> {
    let store = env.store()?;
    let known: HashSet<(DeviceId, PastStep, DateTime<Utc>)> =
        store.past_events(None)?.into_iter().map(|event| (event.device, event.step, event.at)).collect();
    let new = |event: &&PastEvent| !known.contains(&(event.device, event.step, event.at));
    done.new_changes = events.iter().filter(new).filter(|event| event.step == PastStep::Changed).count();
    done.written = events.iter().filter(new).count();
    let nothing = done.written == 0 && tip_before == Some(&done.tip);
    if ask.dry_run || nothing || devices.is_empty() {
        return Ok(());
    }
    let told = serde_json::json!({ "commits": done.commits, "counts": done.counts, "until": done.until });
    let import = PastImport { source: done.source.clone(), tip: done.tip.clone(), devices, told };
    done.written = store.append_past(&import, events, &ask.who, env.clock.now())?;
    Ok(())
}

fn told_of(name: &DeviceName, steps: &Steps, judged: &Judged) -> PastDevice {
    let changed = || judged.steps.iter().filter(|(step, _)| *step == PastStep::Changed);
    PastDevice {
        device: name.clone(),
        file: shown(&steps.newest_path),
        since: steps.since,
        changes: changed().count(),
        last_change: changed().map(|(_, at)| *at).max(),
        judged_by: if judged.by_text { "text" } else { "facts" },
    }
}

fn silent(
    devices: &BTreeMap<DeviceId, Device>,
    told: &[PastDevice],
    doubtful: &[PastDoubt],
) -> Vec<DeviceName> {
    let spoken: HashSet<&DeviceName> =
        told.iter().map(|told| &told.device).chain(doubtful.iter().map(|doubt| &doubt.device)).collect();
    let mut silent: Vec<DeviceName> =
        devices.values().map(|device| device.name.clone()).filter(|name| !spoken.contains(name)).collect();
    silent.sort();
    silent
}

/// Files that are of no device of the inventory, with the line that would add them.
fn strays(
    repository: &Repository,
    found: &BTreeMap<Vec<u8>, (Stray, String)>,
) -> Result<Vec<PastStray>, JobError> {
    let mut blobs = if found.is_empty() { None } else { Some(repository.blobs()?) };
    let mut strays = Vec::with_capacity(found.len());
    for (at, (path, (stray, blob))) in found.iter().enumerate() {
        let platform = match &mut blobs {
            Some(blobs) if at < STRAYS_READ && stray.name.is_some() => judge::guessed(blobs, blob)?,
            _ => None,
        };
        let csv =
            stray.name.as_ref().zip(platform).map(|(name, platform)| line(name, platform, &stray.group));
        strays.push(PastStray {
            file: shown(path),
            name: stray.name.clone(),
            platform: platform.map(|platform| platform.name),
            csv,
        });
    }
    Ok(strays)
}

/// A line of an inventory CSV.
fn line(name: &DeviceName, platform: &Platform, group: &str) -> String {
    let device = Device {
        name: name.clone(),
        address: name.as_str().to_owned(),
        port: 22,
        platform: platform.name.to_owned(),
        role: String::new(),
        site: group.rsplit('/').next().unwrap_or_default().to_owned(),
        importance: 1.0,
        tags: Vec::new(),
        jump: None,
        credential: None,
    };
    let text = crate::source::write_devices(&[device]);
    text.lines().nth(1).unwrap_or_default().to_owned()
}

/// A path for people. What is no UTF-8 shows its replacement character.
fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
