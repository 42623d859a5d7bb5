//! A page for every site and every role, and the list of both: the devices that
//! one team looks after, on one page.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::slug::slug_of;
use super::view::{Night, RunView, Share, Unknown};
use super::words::{about, chance, count, counted, share};
use crate::model::finding::Ranking;
use crate::model::{DeviceName, DriftClass};

/// Rows of one page; `ranking.csv` has all.
const ROWS: usize = 500;
/// Pages of one sort. A fleet with more sites has those with most drifts.
const PAGES: usize = 300;

/// What devices are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Site,
    Role,
}

impl By {
    fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Role => "role",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Site => "sites",
            Self::Role => "roles",
        }
    }

    fn of(self, device: &Ranking) -> &str {
        match self {
            Self::Site => &device.site,
            Self::Role => &device.role,
        }
    }
}

/// The devices of one site or role.
struct Group<'a> {
    by: By,
    /// As the inventory has it; may be empty.
    name: &'a str,
    members: Vec<Member<'a>>,
    /// Open drifts, in the order of [`DriftClass::ALL`].
    drifts: [u64; 3],
    has_page: bool,
}

struct Member<'a> {
    device: &'a Ranking,
    drifts: u64,
    state: Reading<'a>,
}

enum Reading<'a> {
    Fine,
    Failing(&'a Unknown),
    Never,
}

impl Group<'_> {
    fn open(&self) -> u64 {
        self.drifts.iter().sum()
    }

    fn href(&self) -> Option<String> {
        self.has_page.then(|| format!("{}/{}.html", self.by.folder(), slug_of(self.name, self.by.word())))
    }

    fn shown(&self) -> String {
        if self.name.is_empty() { format!("no {} given", self.by.word()) } else { self.name.to_owned() }
    }

    fn drifting(&self) -> u64 {
        self.members.iter().filter(|m| m.drifts > 0).count() as u64
    }

    fn blind(&self) -> u64 {
        self.members.iter().filter(|m| !matches!(m.state, Reading::Fine)).count() as u64
    }

    fn expected(&self) -> f64 {
        self.members
            .iter()
            .filter(|m| m.device.last_good_scan.is_some() && m.device.p_change.is_finite())
            .map(|m| m.device.p_change)
            .sum()
    }
}

/// All sites and roles of a night, most open drifts first.
pub(super) struct Groups<'a> {
    night: &'a Night,
    groups: Vec<Group<'a>>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(night: &'a Night) -> Self {
        let failing: HashMap<&DeviceName, &Unknown> = night.unknowns.iter().map(|u| (&u.device, u)).collect();
        let never: HashSet<&DeviceName> = night.never_read.iter().collect();
        let mut drifts: HashMap<&DeviceName, [u64; 3]> = HashMap::new();
        for drift in &night.drifts {
            let of = drifts.entry(&drift.device).or_default();
            if let Some(n) = DriftClass::ALL.iter().position(|c| *c == drift.class) {
                of[n] += 1;
            }
        }
        let mut groups = Vec::new();
        for by in [By::Site, By::Role] {
            let mut by_name: BTreeMap<&str, Group<'a>> = BTreeMap::new();
            for device in &night.ranking {
                let name = by.of(device);
                let own = drifts.get(&device.device).copied().unwrap_or_default();
                let group = by_name.entry(name).or_insert_with(|| Group {
                    by,
                    name,
                    members: Vec::new(),
                    drifts: [0; 3],
                    has_page: false,
                });
                group.drifts.iter_mut().zip(own).for_each(|(sum, n)| *sum += n);
                let state = match failing.get(&device.device) {
                    Some(unknown) => Reading::Failing(unknown),
                    None if never.contains(&device.device) => Reading::Never,
                    None => Reading::Fine,
                };
                group.members.push(Member { device, drifts: own.iter().sum(), state });
            }
            let mut of_sort: Vec<Group<'a>> = by_name.into_values().collect();
            of_sort.sort_by(|a, b| {
                (b.open(), b.members.len()).cmp(&(a.open(), a.members.len())).then(a.name.cmp(b.name))
            });
            of_sort.iter_mut().take(PAGES).for_each(|group| group.has_page = true);
            groups.extend(of_sort);
        }
        Self { night, groups }
    }

    fn rows(&self, by: By) -> Vec<GroupRow> {
        self.groups
            .iter()
            .filter(|group| group.by == by)
            .map(|group| GroupRow {
                name: group.shown(),
                href: group.href(),
                devices: group.members.len() as u64,
                drifting: group.drifting(),
                drifts: group.open(),
                blind: group.blind(),
                expected: about(group.expected()),
            })
            .collect()
    }

    /// The list of sites and of roles.
    pub(super) fn list(&self) -> GroupList<'a> {
        GroupList { run: &self.night.run, sites: self.rows(By::Site), roles: self.rows(By::Role) }
    }

    /// Each page with its path.
    pub(super) fn pages(&self) -> impl Iterator<Item = (String, GroupPage<'_>)> {
        self.groups.iter().filter_map(|group| Some((group.href()?, self.page(group))))
    }

    fn page<'s>(&'s self, group: &'s Group<'a>) -> GroupPage<'s> {
        let mut members: Vec<&Member<'a>> = group.members.iter().collect();
        // What is out of step first, then what cannot be read, then by the forecast.
        members.sort_by(|a, b| {
            let blind = |m: &Member<'_>| !matches!(m.state, Reading::Fine);
            (b.drifts, blind(b))
                .cmp(&(a.drifts, blind(a)))
                .then(b.device.p_change.total_cmp(&a.device.p_change))
                .then_with(|| a.device.device.cmp(&b.device.device))
        });
        let all = members.len();
        let rows: Vec<MemberRow<'_>> = members
            .into_iter()
            .take(ROWS)
            .map(|member| MemberRow {
                device: &member.device.device,
                other: match group.by {
                    By::Site => &member.device.role,
                    By::Role => &member.device.site,
                },
                drifts: member.drifts,
                chance: chance(member.device.p_change),
                last_good_scan: member.device.last_good_scan,
                trouble: match member.state {
                    Reading::Fine => None,
                    Reading::Failing(unknown) => Some(super::index::outcome_words(unknown.outcome)),
                    Reading::Never => Some("never read"),
                },
            })
            .collect();
        GroupPage {
            run: &self.night.run,
            sort: group.by.word(),
            other: match group.by {
                By::Site => "Role",
                By::Role => "Site",
            },
            name: group.shown(),
            lines: lines(group),
            note: (all > ROWS)
                .then(|| format!("{} more: ranking.csv.", counted((all - ROWS) as u64, "device", "devices"))),
            rows,
        }
    }
}

fn lines(group: &Group<'_>) -> Vec<String> {
    let all = group.members.len() as u64;
    let mut lines = vec![match group.drifting() {
        0 => format!("No drift is open on {} when last read.", counted(all, "device", "devices")),
        n => {
            let classes: Vec<String> = DriftClass::ALL
                .iter()
                .zip(group.drifts)
                .filter(|(_, n)| *n > 0)
                .map(|(class, n)| format!("{} {}", count(n), class.as_str()))
                .collect();
            format!(
                "{} had open drifts when last read: {} ({}).",
                share(&Share { part: n, whole: all }),
                counted(group.open(), "drift", "drifts"),
                classes.join(", ")
            )
        }
    }];
    if group.blind() > 0 {
        lines.push(format!("{} not read, never or not lately.", counted(group.blind(), "was", "were")));
    }
    lines.push(format!(
        "Expected to have changed since they were read: about {}, the sum of what is said of each device.",
        about(group.expected())
    ));
    lines
}

#[derive(Debug, Serialize)]
pub(super) struct GroupPage<'a> {
    run: &'a RunView,
    /// `site` or `role`.
    sort: &'static str,
    /// What the second column is.
    other: &'static str,
    name: String,
    lines: Vec<String>,
    rows: Vec<MemberRow<'a>>,
    note: Option<String>,
}

#[derive(Debug, Serialize)]
struct MemberRow<'a> {
    device: &'a DeviceName,
    other: &'a str,
    drifts: u64,
    chance: String,
    last_good_scan: Option<DateTime<Utc>>,
    /// Why there is no current picture of it.
    trouble: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct GroupList<'a> {
    run: &'a RunView,
    sites: Vec<GroupRow>,
    roles: Vec<GroupRow>,
}

#[derive(Debug, Serialize)]
struct GroupRow {
    name: String,
    href: Option<String>,
    devices: u64,
    drifting: u64,
    drifts: u64,
    blind: u64,
    expected: String,
}
