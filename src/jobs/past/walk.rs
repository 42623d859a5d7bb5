//! Along the commits of a repository: which device was touched when, and which
//! contents that was between. Contents are not looked at here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::model::device::DeviceId;
use crate::source::git::{Commit, Entry, Found, Object, Places, Stray};

/// A commit from before it has the time of a clock that was not set.
const FIRST_MOMENT: i64 = 946_684_800;

/// What was counted on the way. A commit that touches three devices counts for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The compared facts had changed, or the text where no facts could be read.
    pub changed: usize,
    /// Of those, the ones that only the text tells of.
    pub changed_by_text: usize,
    /// Other text changed, outside of our facts: no change.
    pub outside_facts: usize,
    /// Nothing but what a device prints anew each time: no change.
    pub volatile: usize,
    /// A content was too large, missing or no text, so that the commit counts as a change unread.
    pub unread: usize,
    /// Commits with the time of a wrong clock (before 2000, or in the future): left out.
    pub wrong_clock: usize,
    /// Times that run backwards along the history; they are put in order.
    pub out_of_order: usize,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.changed += other.changed;
        self.changed_by_text += other.changed_by_text;
        self.outside_facts += other.outside_facts;
        self.volatile += other.volatile;
        self.unread += other.unread;
        self.wrong_clock += other.wrong_clock;
        self.out_of_order += other.out_of_order;
    }
}

/// A commit touched a device.
#[derive(Clone, Debug)]
pub(super) struct Step {
    commit: Arc<str>,
    /// None: its clock was wrong.
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) before: Object,
    pub(super) after: Object,
}

/// All that happened to the files of one device.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    pub(super) list: Vec<Step>,
    /// Its files as the last commit leaves them.
    pub(super) live: BTreeMap<Vec<u8>, Box<str>>,
    pub(super) newest_path: Vec<u8>,
    pub(super) since: DateTime<Utc>,
    last: Option<DateTime<Utc>>,
}

impl Steps {
    /// Drops the steps of other commits.
    pub(super) fn only(&mut self, wanted: impl Fn(&str) -> bool) {
        self.list.retain(|step| wanted(&step.commit));
    }

    /// Steps whose contents have to be compared.
    pub(super) fn to_read(&self) -> usize {
        self.list.iter().filter(|step| step.after.is_some()).count()
    }
}

pub(super) struct Walk {
    now: DateTime<Utc>,
    pub(super) devices: BTreeMap<DeviceId, Steps>,
    /// Files of strangers as the last commit leaves them, with their content.
    pub(super) strays: BTreeMap<Vec<u8>, (Stray, String)>,
    pub(super) commits: usize,
    pub(super) counts: Counts,
    pub(super) oldest: Option<DateTime<Utc>>,
    pub(super) newest: Option<DateTime<Utc>>,
}

impl Walk {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            devices: BTreeMap::new(),
            strays: BTreeMap::new(),
            commits: 0,
            counts: Counts::default(),
            oldest: None,
            newest: None,
        }
    }

    /// The next commit; its parents were here before.
    pub(super) fn commit(&mut self, places: &Places<DeviceId>, commit: Commit) {
        self.commits += 1;
        let at = self.time(commit.at);
        match at {
            Some(at) => {
                self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
                self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
            }
            None => self.counts.wrong_clock += 1,
        }
        let mut by_device: BTreeMap<DeviceId, Vec<Entry>> = BTreeMap::new();
        for entry in commit.entries {
            match places.of(&entry.path) {
                Found::Device(device) => by_device.entry(device).or_default().push(entry),
                Found::Stray(stray) => match entry.after {
                    Some(blob) => {
                        self.strays.insert(entry.path, (stray, blob.into()));
                    }
                    None => {
                        self.strays.remove(&entry.path);
                    }
                },
                Found::Other => {}
            }
        }
        let id: Arc<str> = commit.id.into();
        for (device, entries) in by_device {
            self.touched(device, entries, &id, at);
        }
    }

    /// When a commit was made, if its clock can be believed. One that is a
    /// little ahead of ours counts as of now.
    fn time(&self, at: i64) -> Option<DateTime<Utc>> {
        let at = DateTime::from_timestamp(at, 0).filter(|at| at.timestamp() >= FIRST_MOMENT)?;
        (at <= self.now + TimeDelta::days(1)).then(|| at.min(self.now))
    }

    fn touched(
        &mut self,
        device: DeviceId,
        entries: Vec<Entry>,
        commit: &Arc<str>,
        at: Option<DateTime<Utc>>,
    ) {
        let now = self.now;
        let steps = self.devices.entry(device).or_insert_with(|| Steps {
            list: Vec::new(),
            live: BTreeMap::new(),
            newest_path: Vec::new(),
            since: at.unwrap_or(now),
            last: None,
        });
        if let Some(at) = at {
            self.counts.out_of_order += usize::from(steps.last.is_some_and(|last| last > at));
            steps.last = Some(at);
            steps.since = steps.since.min(at);
        }
        let mut put = |before, after| {
            steps.list.push(Step { commit: Arc::clone(commit), at, before, after });
        };
        // What goes and comes in one commit has moved to another folder.
        let mut gone: Vec<Box<str>> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.after.is_none()) {
            steps.live.remove(&entry.path);
            gone.extend(entry.before.clone());
        }
        for entry in entries.into_iter().filter(|entry| entry.after.is_some()) {
            let Entry { path, before, after } = entry;
            let before = before.or_else(|| gone.pop());
            if before != after {
                put(before, after.clone());
            }
            steps.newest_path.clone_from(&path);
            if let Some(after) = after {
                steps.live.insert(path, after);
            }
        }
        // One of two files that goes leaves the device where it is.
        if let Some(before) = gone.pop().filter(|_| steps.live.is_empty()) {
            put(Some(before), None);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::DeviceName;

    const START: i64 = 1_700_000_000;

    /// A path, and what it held before and after.
    type Told<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

    fn walked(commits: &[(i64, &[Told<'_>])]) -> Walk {
        let names: Vec<DeviceName> = ["a", "b"].iter().map(|name| DeviceName::new(name).unwrap()).collect();
        let places = Places::new(names.iter().zip(1..));
        let mut walk = Walk::new(DateTime::from_timestamp(START + 1_000_000, 0).unwrap());
        for (number, (at, entries)) in commits.iter().enumerate() {
            let entries = entries.iter().map(|(path, before, after)| Entry {
                path: path.as_bytes().to_vec(),
                before: before.map(Into::into),
                after: after.map(Into::into),
            });
            let entries = entries.collect();
            walk.commit(&places, Commit { id: format!("c{number}"), at: START + at, entries });
        }
        walk
    }

    #[test]
    fn files_that_move_go_and_come() {
        let walk = walked(&[
            (0, &[("x/a", None, Some("1")), ("b", None, Some("7")), ("new/c", None, Some("9"))]),
            (10, &[("x/a", Some("1"), None), ("y/a", None, Some("2"))]),
            (5, &[("y/a", Some("2"), Some("3"))]),
            (20, &[("b", Some("7"), None)]),
            (30, &[("z/a", None, Some("3")), ("new/c", Some("9"), None), ("new/d", None, Some("8"))]),
            (40, &[("y/a", Some("3"), None), (".gitignore", None, Some("1"))]),
        ]);
        let steps = |device: DeviceId| -> Vec<(Option<&str>, Option<&str>)> {
            let list = &walk.devices[&device].list;
            list.iter().map(|step| (step.before.as_deref(), step.after.as_deref())).collect()
        };
        assert_eq!(
            steps(1),
            [(None, Some("1")), (Some("1"), Some("2")), (Some("2"), Some("3")), (None, Some("3"))]
        );
        assert_eq!(steps(2), [(None, Some("7")), (Some("7"), None)]);
        assert_eq!(walk.devices[&1].live.keys().collect::<Vec<_>>(), [b"z/a"]);
        assert_eq!(walk.strays.keys().collect::<Vec<_>>(), [b"new/d"]);
        assert_eq!((walk.commits, walk.counts.out_of_order, walk.counts.wrong_clock), (6, 1, 0));
    }

    #[test]
    fn clocks_that_are_wrong_are_not_believed() {
        let walk = walked(&[
            (0, &[("a", None, Some("1"))]),
            (-START, &[("a", Some("1"), Some("2"))]),
            (90_000_000, &[("a", Some("2"), Some("3"))]),
            (1_000_500, &[("a", Some("3"), Some("4"))]),
        ]);
        let times: Vec<Option<i64>> =
            walk.devices[&1].list.iter().map(|step| step.at.map(|at| at.timestamp() - START)).collect();
        assert_eq!(times, [Some(0), None, None, Some(1_000_000)]);
        assert_eq!(walk.counts.wrong_clock, 2);
        assert_eq!(walk.newest.unwrap().timestamp(), START + 1_000_000);
    }
}
