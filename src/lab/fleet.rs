//! All devices of the lab, what the database of record has of them, and the
//! file (`lab.toml`) in which a fleet outlives its process.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use tokio::io::DuplexStream;

use super::book::{self, Planted};
use super::habit::Habit;
use super::life::{Stray, dice};
use super::machine::Machine;
use super::quirk::Quirk;
use super::state::State;
use super::{LabError, birth};
use crate::model::{Device, DeviceName, FactKey, Record, RecordSource};

/// A fleet of pretend devices. Cloning gives another handle on the same
/// devices, not other devices.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub(super) seed: u64,
    pub(super) birth: DateTime<Utc>,
    pub(super) clock: DateTime<Utc>,
    pub(super) units: Vec<Unit>,
    pub(super) strays: Vec<Stray>,
}

/// One device and its place in the fleet.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub name: DeviceName,
    pub role: String,
    pub site: String,
    pub importance: u8,
    /// On 127.0.0.1; 0 until somebody chooses one.
    pub port: u16,
    pub habit: Habit,
    pub machine: Machine,
}

/// `lab.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    /// As text, because TOML has no unsigned 64-bit numbers.
    seed: String,
    birth: DateTime<Utc>,
    clock: DateTime<Utc>,
    #[serde(default)]
    stray: Vec<Stray>,
    device: Vec<SavedUnit>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedUnit {
    name: DeviceName,
    role: String,
    site: String,
    importance: u8,
    port: u16,
    habit: Habit,
    #[serde(default)]
    quirks: Vec<Quirk>,
    state: State,
}

impl Fleet {
    /// A new fleet, in step with its records. `birth` is the devices' clock.
    /// The same arguments give the same fleet.
    pub fn new(seed: u64, devices: usize, birth: DateTime<Utc>) -> Self {
        let mut units = Vec::with_capacity(devices);
        for (index, plan) in birth::plans(devices).into_iter().enumerate() {
            let mut dice = dice(seed, &plan.name, 0);
            // Every plan's name is a device name.
            let Ok(name) = DeviceName::new(&plan.name) else { continue };
            // Lots are spread evenly within a role, so that each habit occurs.
            let lot = (plan.number as f64 * 0.618_034 + 0.55 + 0.1 * dice.random::<f64>()).fract();
            let state = birth::state(&plan, index, birth, &mut dice);
            let quirks = if dice.random_bool(0.5) { vec![Quirk::Timestamps] } else { Vec::new() };
            units.push(Unit {
                name,
                role: plan.role.to_owned(),
                site: plan.site,
                importance: plan.importance,
                port: 0,
                habit: Habit::drawn(plan.role, lot),
                machine: Machine::new(state, quirks, birth),
            });
        }
        Self { seed, birth, clock: birth, units, strays: Vec::new() }
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the devices' clocks were last set to.
    pub fn clock(&self) -> DateTime<Utc> {
        self.clock
    }

    pub fn names(&self) -> Vec<DeviceName> {
        self.units.iter().map(|unit| unit.name.clone()).collect()
    }

    /// Sets the clocks of all devices. They run on from there.
    pub fn set_clock(&mut self, now: DateTime<Utc>) {
        self.clock = now;
        for unit in &self.units {
            unit.machine.set_clock(now);
        }
    }

    /// Gives the devices the ports from `first` upwards, as far as there are
    /// any; the rest get 0, which lets the system choose.
    pub fn set_ports(&mut self, first: u16) {
        let mut port = Some(first);
        for unit in &mut self.units {
            unit.port = port.unwrap_or(0);
            port = port.and_then(|p| p.checked_add(1));
        }
    }

    /// Gives the devices ports that are free now and stay so while nobody listens:
    /// below those that a system lends to outgoing connections (RFC 6335 has
    /// them start at 49152, Linux at 32768). Left as they are if there are none.
    pub fn keep_ports(&mut self) {
        const FIRST: usize = 20_480;
        const LAST: usize = 32_767;
        let room = self.units.len().next_multiple_of(32).max(1);
        let blocks = (LAST - FIRST) / room;
        let free = |first: usize| {
            (first..first + self.units.len()).all(|port| {
                u16::try_from(port).is_ok_and(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
            })
        };
        // Two labs at once begin to look in different places.
        let process = std::process::id() as usize;
        let first = (0..blocks).map(|n| FIRST + (process + n) % blocks * room).find(|first| free(*first));
        if let Some(first) = first.and_then(|first| u16::try_from(first).ok()) {
            self.set_ports(first);
        }
    }

    /// Lets the system choose the ports at the next start.
    pub fn free_ports(&mut self) {
        for unit in &mut self.units {
            unit.port = 0;
        }
    }

    /// The inventory of the fleet.
    pub fn inventory(&self) -> Vec<Device> {
        let device = |unit: &Unit| Device {
            name: unit.name.clone(),
            address: "127.0.0.1".to_owned(),
            port: unit.port,
            platform: "drivenets_dnos".to_owned(),
            role: unit.role.clone(),
            site: unit.site.clone(),
            importance: unit.importance.into(),
            tags: vec!["lab".to_owned()],
            jump: None,
            credential: Some("lab".to_owned()),
        };
        self.units.iter().map(device).collect()
    }

    /// What the database of record has at this moment: the devices as they are,
    /// with every stray by-hand change put back to what the record believes.
    /// At birth there are none, so records and devices agree exactly.
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for unit in &self.units {
            let mut believed = unit.machine.state();
            for edit in self.strays.iter().filter(|s| s.device == unit.name).flat_map(|s| &s.edits) {
                believed.put(&edit.key, edit.before.clone());
            }
            records.extend(book::records(&unit.name, &believed, RecordSource::Imported));
        }
        records
    }

    /// Where `records` and the devices disagree, found by comparing them here.
    /// Devices that are not in the lab are left out.
    pub fn expected_drifts(&self, records: &[Record]) -> Vec<Planted> {
        let mut by_device: BTreeMap<&DeviceName, BTreeMap<FactKey, &Record>> = BTreeMap::new();
        for record in records {
            by_device.entry(&record.device).or_default().insert(record.key(), record);
        }
        let none = BTreeMap::new();
        let mut found = Vec::new();
        for unit in &self.units {
            let records = by_device.get(&unit.name).unwrap_or(&none);
            found.extend(unit.machine.with(|state| book::disagreements(&unit.name, state, records)));
        }
        found.sort();
        found
    }

    /// The machine of a device: for its log, its state and its quirks.
    pub fn machine(&self, device: &str) -> Option<&Machine> {
        self.units.iter().find(|unit| unit.name.as_str() == device).map(|unit| &unit.machine)
    }

    /// A conversation with a device, without SSH. Needs a tokio runtime.
    pub fn connect(&self, device: &str) -> Result<DuplexStream, LabError> {
        let machine = self.machine(device).ok_or_else(|| LabError::NoSuchDevice(device.to_owned()))?.clone();
        let (ours, theirs) = tokio::io::duplex(64 * 1_024);
        tokio::spawn(async move {
            // A pipe within the process only fails when the other end is gone.
            let _ = machine.serve(theirs).await;
        });
        Ok(ours)
    }

    /// Everything that was typed anywhere and is more than reading.
    pub fn violations(&self) -> Vec<(DeviceName, String)> {
        let of = |unit: &Unit| {
            let name = unit.name.clone();
            unit.machine.violations().into_iter().map(move |line| (name.clone(), line))
        };
        self.units.iter().flat_map(of).collect()
    }

    /// Writes the fleet to `path`, readable by its owner only: the devices'
    /// invented secrets look like real ones. The file appears whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), LabError> {
        let device = |unit: &Unit| SavedUnit {
            name: unit.name.clone(),
            role: unit.role.clone(),
            site: unit.site.clone(),
            importance: unit.importance,
            port: unit.port,
            habit: unit.habit,
            quirks: unit.machine.quirks(),
            state: unit.machine.state(),
        };
        let saved = Saved {
            seed: self.seed.to_string(),
            birth: self.birth,
            clock: self.clock,
            stray: self.strays.clone(),
            device: self.units.iter().map(device).collect(),
        };
        let failed = |source| LabError::Write { path: path.to_owned(), source };
        let text = toml::to_string(&saved).map_err(|e| failed(std::io::Error::other(e)))?;
        let aside = path.with_extension("toml.new");
        // A leftover might have other permissions, which `mode` would not change.
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&aside, path).map_err(failed)
    }

    /// Reads what [`Fleet::save`] wrote.
    pub fn load(path: &Path) -> Result<Self, LabError> {
        let text =
            fs::read_to_string(path).map_err(|source| LabError::Read { path: path.to_owned(), source })?;
        let damaged = |what: String| LabError::Damaged { path: path.to_owned(), what };
        let saved: Saved = toml::from_str(&text).map_err(|e| damaged(e.message().to_owned()))?;
        let seed = saved.seed.parse().map_err(|_| damaged("the seed is no number".to_owned()))?;
        let unit = |unit: SavedUnit| Unit {
            name: unit.name,
            role: unit.role,
            site: unit.site,
            importance: unit.importance,
            port: unit.port,
            habit: unit.habit,
            machine: Machine::new(unit.state, unit.quirks, saved.clock),
        };
        Ok(Self {
            seed,
            birth: saved.birth,
            clock: saved.clock,
            units: saved.device.into_iter().map(unit).collect(),
            strays: saved.stray,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;

    use chrono::Duration;

    use super::*;
    use crate::lab::RecordEdit;
    use crate::model::{DriftClass, Kind, ServiceKind};

    fn birth() -> DateTime<Utc> {
        "2026-07-20T02:00:00Z".parse().unwrap()
    }

    /// A database of record that does what it is told.
    fn apply(records: &mut BTreeMap<(DeviceName, FactKey), Record>, edits: Vec<RecordEdit>) {
        for edit in edits {
            match edit {
                RecordEdit::Put(record) => {
                    records.insert((record.device.clone(), record.key()), *record);
                }
                RecordEdit::Remove { device, key } => {
                    assert!(records.remove(&(device, key)).is_some(), "only what is there is removed");
                }
            }
        }
    }

    fn bare(drifts: &[Planted]) -> Vec<(DeviceName, FactKey, DriftClass)> {
        drifts.iter().map(|d| (d.device.clone(), d.key.clone(), d.class)).collect()
    }

    #[test]
    fn a_new_fleet_is_in_step_and_has_everything() {
        let fleet = Fleet::new(7, 24, birth());
        assert_eq!(fleet.expected_drifts(&fleet.records()), []);
        let names: BTreeSet<String> = fleet.names().iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), 24);
        for name in ["DNAAS-LEAF-B15", "DNAAS-SPINE-B09", "DNAAS-SUPERSPINE-D04-NCC0"] {
            assert!(names.contains(name), "{name}");
        }
        let count = |role: &str| fleet.inventory().iter().filter(|d| d.role == role).count();
        assert_eq!((count("leaf"), count("spine"), count("superspine")), (18, 4, 2));
        let records = fleet.records();
        for kind in [
            ServiceKind::BridgeDomain,
            ServiceKind::Evpn,
            ServiceKind::EvpnVpws,
            ServiceKind::EvpnVpwsFxc,
            ServiceKind::L2CrossConnect,
            ServiceKind::Vpws,
            ServiceKind::Vrf,
        ] {
            assert!(records.iter().any(|r| r.service_kind.as_deref() == Some(kind.as_str())), "{kind:?}");
        }
        for unit in &fleet.units {
            let subs = unit.machine.with(|s| s.interfaces.keys().filter(|n| n.contains('.')).count());
            assert!((14..=60).contains(&subs), "{} has {subs} sub-interfaces", unit.name);
            let kinds: BTreeSet<Kind> =
                records.iter().filter(|r| r.device == unit.name).map(|r| r.kind).collect();
            assert_eq!(kinds.len(), 3, "{}: a kind without records would be outside the coverage", unit.name);
        }
    }

    #[test]
    fn every_size_of_fleet_can_be_made() {
        for devices in [0, 1, 5, 100] {
            let fleet = Fleet::new(7, devices, birth());
            let names: BTreeSet<DeviceName> = fleet.names().into_iter().collect();
            assert_eq!(names.len(), devices);
        }
        let mut one = Fleet::new(7, 1, birth());
        let planted = one.plant(birth());
        assert!(planted.iter().any(|p| p.key.key == "ge100-0/0/31.251"));
    }

    #[test]
    fn the_books_are_right_every_night_of_a_hundred_and_fifty() {
        for seed in [7, 8] {
            let mut fleet = Fleet::new(seed, 24, birth());
            let mut records: BTreeMap<(DeviceName, FactKey), Record> =
                fleet.records().into_iter().map(|r| ((r.device.clone(), r.key()), r)).collect();
            let mut levels = Vec::new();
            let mut deployed = 0;
            for night in 1..=150 {
                let edits = fleet.advance(birth() + Duration::days(night));
                deployed += edits.len();
                apply(&mut records, edits);
                let believed: Vec<Record> = records.values().cloned().collect();
                let found = fleet.expected_drifts(&believed);
                assert_eq!(bare(&found), bare(&fleet.open_drifts()), "seed {seed}, night {night}");
                levels.push(found.len());
            }
            let late = &levels[40..];
            let mean = late.iter().sum::<usize>() as f64 / late.len() as f64;
            assert!((8.0..45.0).contains(&mean), "{mean} open drifts on average: {levels:?}");
            assert!(deployed > 100, "{deployed} edits by the tool");
            let night = birth() + Duration::days(151);
            let planted = fleet.plant(night);
            let classes: BTreeSet<DriftClass> = planted.iter().map(|p| p.class).collect();
            assert_eq!(classes.len(), 3);
            let story: Vec<&Planted> =
                planted.iter().filter(|p| p.note.starts_with("created g_visaev_v251")).collect();
            assert_eq!(story.len(), 3, "{planted:?}");
            assert!(story.iter().all(|p| p.device.as_str() == "DNAAS-LEAF-B15"));
            assert!(story.iter().all(|p| p.class == DriftClass::Unrecorded));
            let believed: Vec<Record> = records.values().cloned().collect();
            let found = bare(&fleet.expected_drifts(&believed));
            assert_eq!(found, bare(&fleet.open_drifts()));
            assert!(bare(&planted).iter().all(|p| found.contains(p)));
            let now: BTreeMap<(DeviceName, FactKey), Vec<_>> =
                fleet.records().iter().map(|r| ((r.device.clone(), r.key()), r.fields())).collect();
            let then: BTreeMap<(DeviceName, FactKey), Vec<_>> =
                records.iter().map(|(key, r)| (key.clone(), r.fields())).collect();
            assert_eq!(now, then, "the lab knows the records without keeping them");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_life() {
        let live = |seed| {
            let mut fleet = Fleet::new(seed, 12, birth());
            let edits: Vec<_> =
                (1..20).flat_map(|night| fleet.advance(birth() + Duration::days(night))).collect();
            let states: Vec<State> = fleet.units.iter().map(|unit| unit.machine.state()).collect();
            (edits, states)
        };
        assert_eq!(live(3), live(3));
        assert_ne!(live(3).1, live(4).1);
    }

    #[test]
    fn a_fleet_survives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.toml");
        let mut fleet = Fleet::new(u64::MAX - 5, 12, birth());
        for night in 1..30 {
            fleet.advance(birth() + Duration::days(night));
        }
        fleet.plant(birth() + Duration::days(30));
        fleet.set_ports(40_000);
        fleet.save(&path).unwrap();
        fleet.save(&path).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let mut again = Fleet::load(&path).unwrap();
        assert_eq!(again.inventory(), fleet.inventory());
        assert_eq!(again.open_drifts(), fleet.open_drifts());
        assert_eq!(again.records(), fleet.records());
        let night = birth() + Duration::days(31);
        assert_eq!(again.advance(night), fleet.advance(night));
        for (a, b) in again.units.iter().zip(&fleet.units) {
            assert_eq!(a.machine.state(), b.machine.state());
        }
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lab.toml");
        fs::write(&path, "seed = 1").unwrap();
        assert!(Fleet::load(&path).unwrap_err().to_string().contains("lab.toml"));
    }
}
