//! One day passes: the deployment tool deploys, people change things by hand,
//! and somebody tidies up part of what was left behind.
//!
//! The lab keeps its own books of what is in disorder. Everything else agrees
//! with the database of record, at any time.

use chrono::{DateTime, Duration, Utc};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::book::{self, Planted};
use super::edit::{Disorder, Edit, Hands, USERS, Work};
use super::fleet::{Fleet, Unit};
use super::state::{Commit, Via};
use crate::model::{DeviceName, DriftClass, FactKey, Record, RecordSource};

/// How many drifts a fleet of 24 devices has open on a usual day, at most and at least.
const MANY_OPEN: f64 = 32.0;
const FEW_OPEN: f64 = 12.0;

/// What the deployment tool, or a person who tidies up, does to the database of record.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordEdit {
    /// Insert or replace. Its source says who did it.
    Put(Box<Record>),
    Remove {
        device: DeviceName,
        key: FactKey,
    },
}

/// A by-hand change that nobody has tidied up yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stray {
    pub device: DeviceName,
    pub since: DateTime<Utc>,
    pub user: String,
    pub note: String,
    pub edits: Vec<Edit>,
}

impl Stray {
    /// The drifts that it is, in the eyes of the database of record.
    pub fn drifts(&self) -> Vec<Planted> {
        let drift = |edit: &Edit| {
            book::class_of(&self.device, &edit.key, edit.before.as_ref(), edit.after.as_ref()).map(|class| {
                Planted { device: self.device.clone(), key: edit.key.clone(), class, note: self.note.clone() }
            })
        };
        self.edits.iter().filter_map(drift).collect()
    }
}

/// A generator that depends on nothing but its arguments.
pub(super) fn dice(seed: u64, what: &str, number: i64) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(what);
    hash.update(number.to_le_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

impl Fleet {
    /// Lets the day before `night` pass, and sets the devices' clocks to
    /// `night`. What is returned has to be done to the database of record, in
    /// its order. The same fleet and the same night give the same day.
    pub fn advance(&mut self, night: DateTime<Utc>) -> Vec<RecordEdit> {
        let mut dice = dice(self.seed, "day", night.timestamp());
        let mut records = Vec::new();
        self.tidy_up(night, &mut dice, &mut records);
        for index in 0..self.units.len() {
            let unit = &self.units[index];
            let odds = unit.habit.odds(&unit.role, self.birth, night);
            if dice.random_bool(odds.tool) {
                self.deploy(index, night, &mut dice, &mut records);
            }
            if dice.random_bool(odds.by_hand) {
                let more = usize::from(dice.random_bool(0.25)) + usize::from(dice.random_bool(0.1));
                for _ in 0..=more {
                    if let Some(work) = self.hands(index, &mut dice, |h| h.anything(Via::Cli)) {
                        let user = *USERS.choose(&mut dice).unwrap_or(&"dnroot");
                        self.by_hand(index, &work, user, hour(night, &mut dice));
                    }
                }
            }
        }
        self.set_clock(night);
        records
    }

    /// Tonight's disagreements, of every class and with every kind of field,
    /// on top of what history left. The first is the story of the demo: on
    /// `DNAAS-LEAF-B15`, ge100-0/0/31.251 with VLAN 251 in `g_visaev_v251`.
    pub fn plant(&mut self, night: DateTime<Utc>) -> Vec<Planted> {
        type Change = fn(&mut Hands<'_>) -> Option<Work>;
        let changes: [(Change, Option<DriftClass>); 11] = [
            (|h| h.story(), None),
            (|h| h.remove_member(), Some(DriftClass::Missing)),
            (|h| h.retag(), Some(DriftClass::Differs)),
            (|h| h.add_member(), Some(DriftClass::Unrecorded)),
            (|h| h.remove_domain(), Some(DriftClass::Missing)),
            (|h| h.describe(), Some(DriftClass::Differs)),
            (|h| h.move_member(), Some(DriftClass::Differs)),
            (|h| h.shut_domain(), Some(DriftClass::Differs)),
            (|h| h.new_domain(), Some(DriftClass::Unrecorded)),
            (|h| h.rewire(), Some(DriftClass::Differs)),
            (|h| h.retag_inner(), Some(DriftClass::Differs)),
        ];
        let mut dice = dice(self.seed, "plant", night.timestamp());
        let mut planted = Vec::new();
        for (place, (change, class)) in changes.into_iter().enumerate() {
            // The story has its own place; the others go round the fleet until one fits.
            let tries = if class.is_none() { 1 } else { 20 * self.units.len() };
            for attempt in 0..tries {
                let index = (place * 2 + attempt) % self.units.len();
                let index = if class.is_none() { 0 } else { index };
                let Some(work) = self.hands(index, &mut dice, change) else { continue };
                let stray = self.stray(index, &work, "visaev", night);
                let drifts = stray.drifts();
                if class.is_none_or(|class| drifts.iter().any(|d| d.class == class)) {
                    let user = if class.is_none() { "visaev" } else { USERS[place % USERS.len()] };
                    self.by_hand(index, &work, user, hour(night, &mut dice));
                    planted.extend(drifts);
                    break;
                }
            }
        }
        self.set_clock(night);
        planted
    }

    /// The drifts that are open by the lab's own books.
    pub fn open_drifts(&self) -> Vec<Planted> {
        let mut drifts: Vec<Planted> = self.strays.iter().flat_map(Stray::drifts).collect();
        drifts.sort();
        drifts
    }

    /// Somebody tidies up some of the strays: on the device, or by recording them.
    fn tidy_up(&mut self, night: DateTime<Utc>, dice: &mut ChaCha8Rng, records: &mut Vec<RecordEdit>) {
        let scale = self.units.len() as f64 / 24.0;
        let open = self.strays.iter().map(|s| s.drifts().len()).sum::<usize>() as f64;
        let chance = match open {
            many if many > MANY_OPEN * scale => 0.35,
            few if few < FEW_OPEN * scale => 0.04,
            _ => 0.14,
        };
        let yesterday = night - Duration::hours(20);
        let mut stay = Vec::with_capacity(self.strays.len());
        for stray in std::mem::take(&mut self.strays) {
            if stray.since > yesterday || !dice.random_bool(chance) {
                stay.push(stray);
                continue;
            }
            let Some(unit) = self.units.iter().find(|unit| unit.name == stray.device) else { continue };
            if dice.random_bool(0.6) {
                // On the device. Half of the people use the tool for that.
                let (user, via) = if dice.random_bool(0.5) {
                    ("deployer", Via::Netconf)
                } else {
                    (stray.user.as_str(), Via::Cli)
                };
                let at = hour(night, dice);
                let undo: Vec<Edit> = stray
                    .edits
                    .iter()
                    .map(|e| Edit { key: e.key.clone(), before: e.after.clone(), after: e.before.clone() })
                    .collect();
                commit(unit, &undo, Commit { at, user: user.to_owned(), via, log: "clean-up".to_owned() });
            } else {
                records.extend(recorded(&stray.device, &stray.edits, RecordSource::Discovered));
            }
        }
        self.strays = stay;
    }

    fn deploy(
        &mut self,
        index: usize,
        night: DateTime<Utc>,
        dice: &mut ChaCha8Rng,
        records: &mut Vec<RecordEdit>,
    ) {
        let spines: Vec<usize> = (0..self.units.len()).filter(|i| self.units[*i].role == "spine").collect();
        let mut places = vec![index];
        if self.units[index].role == "leaf" && !spines.is_empty() && dice.random_bool(0.3) {
            places.push(spines[index % spines.len()]);
        }
        let at = hour(night, dice);
        for index in places {
            let Some(work) = self.hands(index, dice, |h| h.anything(Via::Netconf)) else { continue };
            let unit = &self.units[index];
            let log = work.note.clone();
            commit(unit, &work.edits, Commit { at, user: "deployer".to_owned(), via: Via::Netconf, log });
            records.extend(recorded(&unit.name, &work.edits, RecordSource::Deployed));
        }
    }

    /// Lets somebody think of a change, without making it.
    fn hands(
        &self,
        index: usize,
        dice: &mut ChaCha8Rng,
        change: impl FnOnce(&mut Hands<'_>) -> Option<Work>,
    ) -> Option<Work> {
        let unit = &self.units[index];
        let mut disorder = Disorder::default();
        for edit in self.strays.iter().filter(|s| s.device == unit.name).flat_map(|s| &s.edits) {
            disorder.note(edit);
        }
        unit.machine.with(|state| change(&mut Hands { state, disorder: &disorder, rng: dice }))
    }

    fn stray(&self, index: usize, work: &Work, user: &str, at: DateTime<Utc>) -> Stray {
        Stray {
            device: self.units[index].name.clone(),
            since: at,
            user: user.to_owned(),
            note: work.note.clone(),
            edits: work.edits.clone(),
        }
    }

    fn by_hand(&mut self, index: usize, work: &Work, user: &str, at: DateTime<Utc>) {
        let commit_entry = Commit { at, user: user.to_owned(), via: Via::Cli, log: String::new() };
        commit(&self.units[index], &work.edits, commit_entry);
        let stray = self.stray(index, work, user, at);
        // A change that the database of record does not manage is no disorder.
        if !stray.drifts().is_empty() {
            self.strays.push(stray);
        }
    }
}

fn commit(unit: &Unit, edits: &[Edit], entry: Commit) {
    unit.machine.edit(|state| {
        for edit in edits {
            state.put(&edit.key, edit.after.clone());
        }
        state.commit(entry);
    });
}

fn recorded(device: &DeviceName, edits: &[Edit], source: RecordSource) -> Vec<RecordEdit> {
    edits
        .iter()
        .map(|edit| match &edit.after {
            Some(thing) => RecordEdit::Put(Box::new(book::record(device, &edit.key, thing, source))),
            None => RecordEdit::Remove { device: device.clone(), key: edit.key.clone() },
        })
        .collect()
}

/// Some minute of the working day before `night`.
fn hour(night: DateTime<Utc>, dice: &mut ChaCha8Rng) -> DateTime<Utc> {
    night - Duration::minutes(dice.random_range(8 * 60..17 * 60))
}
