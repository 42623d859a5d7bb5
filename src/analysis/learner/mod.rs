//! What a fleet has taught so far, scan by scan, and what it says of each
//! device now. The forecast of the night and the backtest run this same state.
//!
//! Several models watch side by side: devices on their own, roles that change
//! together, devices that came together, with and without forgetting. How well
//! each foretold the scans of late decides how much it is believed.
//!
//! Time is in days; the caller chooses where they begin, but a whole number is
//! a midnight, and day 0 is the first of a week.

mod constant;
mod hazard;
mod signals;
mod table;
#[cfg(test)]
mod tests;
mod variant;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::grid::{K, Weights};
pub use constant::Constant;
pub use signals::{Class, Told};
use signals::{Ear, Heard};
use variant::{Assumes, Past, Variant};

/// What a session is spent for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The share of device-time on which the last snapshot is true. Gives up on
    /// devices that change faster than they can be read.
    #[default]
    Freshness,
    /// The mean time since the first unseen change. Never gives up on a device.
    Age,
    /// The mean time from a change to the scan that shows it.
    Delay,
}

/// Who is alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    pub role: String,
    pub platform: String,
    pub site: String,
    /// When the device came to be, in days.
    pub born: f64,
}

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Whether the configuration differs from that of the scan before.
    Changed(bool),
    /// How often it changed since then: the device's own commit log says so.
    Counted(u32),
}

impl Seen {
    pub fn changed(self) -> bool {
        !matches!(self, Self::Changed(false) | Self::Counted(0))
    }
}

/// What is known of a device at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    /// Probability that it changed since it was read.
    pub p: f64,
    /// What a session on it is worth, before importance and cost; in
    /// device-days where the objective is freshness.
    pub index: f64,
}

/// Where a device stands in every grouping.
#[derive(Clone, Copy, Debug)]
struct Place {
    device: usize,
    /// Role × platform × site: who shares a prior.
    kin: usize,
    /// By level, who changes together: the role, and those of it that came together.
    groups: [usize; LEVELS],
}

const LEVELS: usize = 2;
const ROLE: usize = 0;
const COHORT: usize = 1;

/// Roles with fewer devices than this count as one.
const SMALLEST_ROLE: usize = 4;
/// Devices of a role that came within this many days of the one before came together.
const COHORT_GAP: f64 = 2.0;
/// How much of its score a model keeps from night to night.
const SCORE_KEPT: f64 = 0.98;
/// A model with less weight than this is not asked.
const UNHEARD: f64 = 1e-3;
/// The forecast is trusted until it is this much worse than the constant, in
/// nats over the scans of the last nights.
const DISTRUST: f64 = -3.0;

const MODELS: [Assumes; 6] = [
    Assumes { forget: 0.0, together: None, level: ROLE, bursts: false },
    Assumes { forget: 1.0 / 60.0, together: None, level: ROLE, bursts: false },
    Assumes { forget: 1.0 / 240.0, together: Some(0.2), level: ROLE, bursts: false },
    Assumes { forget: 1.0 / 240.0, together: Some(0.2), level: ROLE, bursts: true },
    Assumes { forget: 1.0 / 240.0, together: Some(0.05), level: ROLE, bursts: true },
    Assumes { forget: 1.0 / 240.0, together: Some(0.05), level: COHORT, bursts: true },
];

/// The state.
#[derive(Clone, Debug)]
pub struct Learner {
    places: Vec<Place>,
    /// The kin of each device again, and the role of each kin.
    kins: Vec<usize>,
    parents: Vec<usize>,
    past: Vec<Past>,
    models: Vec<Variant>,
    /// Log weights of the models, and what this night added.
    scores: Vec<f64>,
    tonight: Vec<f64>,
    /// How much each model is believed, since the last night.
    belief: Vec<f64>,
    pending: Vec<Vec<Heard>>,
    /// By platform, then by kind of signal.
    classes: Vec<Vec<Class>>,
    /// The platform of each device.
    platforms: Vec<usize>,
    /// The fleet as one device.
    constant: Constant,
    /// How much better than the constant the forecasts of late were, in nats.
    lead: f64,
    nights: u32,
}

impl Learner {
    /// A state that has seen nothing. `first`: the day before which nothing is told.
    pub fn new(members: &[Member], first: i64) -> Self {
        let (places, parents, groups) = places(members);
        let mut names: Vec<&str> = members.iter().map(|member| member.platform.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let platforms: Vec<usize> = members
            .iter()
            .map(|member| names.partition_point(|name| *name < member.platform.as_str()))
            .collect();
        let models: Vec<Variant> = MODELS
            .iter()
            .map(|model| Variant::new(*model, members.len(), parents.len(), &groups[model.level], first))
            .collect();
        Self {
            kins: places.iter().map(|place| place.kin).collect(),
            parents,
            past: vec![Past { last: first as f64, hit: f64::NEG_INFINITY, seen: false }; places.len()],
            scores: vec![0.0; models.len()],
            tonight: vec![0.0; models.len()],
            belief: vec![1.0 / models.len() as f64; models.len()],
            pending: vec![Vec::new(); places.len()],
            classes: vec![Vec::new(); platforms.iter().max().map_or(0, |most| most + 1)],
            platforms,
            constant: Constant::default(),
            lead: 0.0,
            nights: 0,
            places,
            models,
        }
    }

    /// The first complete reading of a device: from then on there is something to be wrong about.
    pub fn enter(&mut self, device: usize, t: f64) {
        self.past[device].last = t;
        // Whatever was heard before has been seen now.
        self.pending[device].clear();
    }

    /// A signal of a kind. What came before the last reading is explained by it and is left out.
    pub fn signal(&mut self, device: usize, kind: usize, t: f64) {
        /// More than this many on one device say nothing new.
        const MOST: usize = 20;
        let classes = &mut self.classes[self.platforms[device]];
        if classes.len() <= kind {
            classes.resize(kind + 1, Class::default());
        }
        classes[kind].heard = true;
        if t > self.past[device].last && self.pending[device].len() < MOST {
            self.pending[device].push(Heard { at: t, class: kind });
        }
    }

    /// How far signals from the platform of a device are believed, by kind.
    pub fn classes(&self, device: usize) -> &[Class] {
        &self.classes[self.platforms[device]]
    }

    fn ear<'a>(&'a self, device: usize, pending: &'a [Heard]) -> Ear<'a> {
        Ear::new(pending, self.classes(device))
    }

    /// Brings operational time up to `t`: before the first scan of a night, and
    /// whenever the next look shall know what was found since.
    pub fn settle(&mut self, t: f64) {
        self.models.iter_mut().for_each(|model| model.settle(t));
    }

    /// How much each model is believed.
    fn believe(&self) -> Vec<f64> {
        let top = self.scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let raw: Vec<f64> = self.scores.iter().map(|score| (score - top).exp()).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|weight| if weight / sum < UNHEARD { 0.0 } else { weight / sum }).collect()
    }

    /// Looks at some devices at a moment, in their order.
    pub fn looks(&mut self, devices: &[usize], t: f64, objective: Objective, out: &mut Vec<Look>) {
        self.settle(t);
        let belief = &self.belief;
        let whole: f64 = belief.iter().sum();
        out.clear();
        for device in devices {
            let (place, past) = (self.places[*device], &self.past[*device]);
            let ear = self.ear(*device, &self.pending[*device]);
            let mut look = Look::default();
            for (model, weight) in self.models.iter().zip(belief).filter(|(_, weight)| **weight > 0.0) {
                let opinion = model.look(place, past, t, ear, objective);
                look.p += weight / whole * opinion.p;
                look.index += weight / whole * opinion.index;
            }
            out.push(look);
        }
    }

    /// Takes in a complete scan. A failed one is none.
    pub fn observe(&mut self, device: usize, t: f64, seen: Seen) {
        let (place, past) = (self.places[device], self.past[device]);
        let days = t - past.last;
        // A clock that ran backwards makes no interval, and moves nothing.
        if days <= 0.0 {
            return;
        }
        let pending = std::mem::take(&mut self.pending[device]);
        let belief = self.belief.clone();
        let whole: f64 = belief.iter().sum();
        if !self.classes(device).is_empty() {
            self.learn_signals(place, &past, t, seen, &pending);
        }
        let mut said = 0.0;
        for (index, weight) in belief.iter().enumerate() {
            let ear = Ear::new(&pending, &self.classes[self.platforms[device]]);
            let p = self.models[index].observe(place, &past, t, seen, ear);
            self.tonight[index] += p.ln();
            said += weight / whole * p;
        }
        let constant = self.constant.p(days);
        let constant = if seen.changed() { constant } else { 1.0 - constant };
        self.lead += said.max(1e-6).ln() - constant.max(1e-6).ln();
        self.constant.observe(days, seen.changed());
        let past = &mut self.past[device];
        past.last = t;
        past.seen = true;
        if seen.changed() {
            past.hit = t;
        }
    }

    fn learn_signals(&mut self, place: Place, past: &Past, t: f64, seen: Seen, pending: &[Heard]) {
        let best = self.most_believed();
        let (unheard, real) = self.models[best].explain(place, past, t, self.ear(place.device, pending));
        let quiet = |real: &mut dyn Iterator<Item = f64>| real.map(|real| 1.0 - real).product::<f64>();
        let any = 1.0 - (1.0 - unheard) * quiet(&mut real.iter().copied());
        for (class, learnt) in self.classes[self.platforms[place.device]].iter_mut().enumerate() {
            if !learnt.heard {
                continue;
            }
            let of_class: Vec<f64> = pending
                .iter()
                .zip(&real)
                .filter(|(heard, _)| heard.class == class)
                .map(|(_, real)| *real)
                .collect();
            let explained = |real: f64| (real / any.max(1e-9)).min(1.0);
            let falsely =
                of_class.iter().map(|real| if seen.changed() { 1.0 - explained(*real) } else { 1.0 });
            let told = seen.changed().then(|| explained(1.0 - quiet(&mut of_class.iter().copied())));
            learnt.learn(t - past.last, falsely.sum(), told);
        }
    }

    /// Ends a night: models are judged by it, and now and then the priors are fitted again.
    pub fn close_night(&mut self, t: f64) {
        self.models.iter_mut().for_each(Variant::refactor);
        self.nights += 1;
        for (score, tonight) in self.scores.iter_mut().zip(&mut self.tonight) {
            *score = SCORE_KEPT * *score + *tonight;
            *tonight = 0.0;
        }
        self.belief = self.believe();
        self.lead *= SCORE_KEPT;
        // Early nights move the priors far; later ones have had many rounds before.
        let rounds = match self.nights {
            1 | 2 | 3 | 5 => 3,
            night if night.is_multiple_of(7) => {
                if night < 60 {
                    3
                } else {
                    1
                }
            }
            _ => return,
        };
        for model in &mut self.models {
            model.refit(&self.kins, &self.parents, &self.past, t, rounds);
        }
    }

    /// Whether the forecasts of late were better than saying one rate for the
    /// whole fleet. If not, the plan should not follow them.
    pub fn trusted(&self) -> bool {
        self.lead > DISTRUST
    }

    /// By how many nats the forecasts of the last nights beat the constant.
    pub fn lead(&self) -> f64 {
        self.lead
    }

    /// The posterior over the rate of a device, all models together.
    pub fn weights(&self, device: usize, t: f64) -> Weights {
        let place = self.places[device];
        self.mixed(|model| model.on_the_calendar(place, &model.weights(place, t)))
    }

    /// What would be said of the device without its own history.
    pub fn prior(&self, device: usize) -> Weights {
        let place = self.places[device];
        self.mixed(|model| model.on_the_calendar(place, model.prior(place)))
    }

    fn mixed(&self, of: impl Fn(&Variant) -> [f32; K]) -> Weights {
        let belief = &self.belief;
        let whole: f64 = belief.iter().sum();
        let mut mixed = [0.0; K];
        for (model, weight) in self.models.iter().zip(belief).filter(|(_, weight)| **weight > 0.0) {
            let row = of(model);
            for k in 0..K {
                mixed[k] += weight / whole * f64::from(row[k]);
            }
        }
        super::grid::normalised(mixed)
    }

    /// Probability of a change since the last reading or within `days` from now.
    pub fn p_within(&self, device: usize, t: f64, days: f64) -> f64 {
        let (place, past) = (self.places[device], &self.past[device]);
        let ear = self.ear(device, &self.pending[device]);
        let belief = &self.belief;
        let whole: f64 = belief.iter().sum();
        let mut p = 0.0;
        for (model, weight) in self.models.iter().zip(belief).filter(|(_, weight)| **weight > 0.0) {
            let now = model.look(place, past, t, ear, Objective::Freshness).p;
            let u = model.to_come(place, past, t, days);
            let weights = model.weights(place, t);
            let later: f64 =
                (0..K).map(|k| f64::from(weights[k]) * (-super::grid::rates()[k] * u).exp()).sum();
            p += weight / whole * (1.0 - (1.0 - now) * later);
        }
        p.clamp(0.0, 1.0)
    }

    /// By how much what was found tonight raises the hazard of a device's role.
    pub fn campaign(&self, device: usize, t: f64) -> f64 {
        let belief = &self.belief;
        let whole: f64 = belief.iter().sum();
        self.models
            .iter()
            .zip(belief)
            .map(|(model, weight)| weight / whole * model.tonight(self.places[device], t))
            .sum()
    }

    /// The signals on a device since it was read, in the order of their coming.
    pub fn signals(&self, device: usize, t: f64) -> Vec<Told> {
        let pending = &self.pending[device];
        if pending.is_empty() {
            return Vec::new();
        }
        let (place, past) = (self.places[device], &self.past[device]);
        let best = self.most_believed();
        let (_, real) = self.models[best].explain(place, past, t, self.ear(device, pending));
        let told = |(heard, real): (&Heard, f64)| Told { class: heard.class, at: heard.at, real };
        pending.iter().zip(real).map(told).collect()
    }

    fn most_believed(&self) -> usize {
        let belief = &self.belief;
        (0..belief.len()).max_by(|a, b| belief[*a].total_cmp(&belief[*b])).unwrap_or(0)
    }
}

/// Every grouping: the place of each device, the role of each kin, and by level
/// the role of each group.
fn places(members: &[Member]) -> (Vec<Place>, Vec<usize>, [Vec<usize>; LEVELS]) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for member in members {
        *counts.entry(&member.role).or_default() += 1;
    }
    let role_of = |member: &Member| {
        if counts[member.role.as_str()] < SMALLEST_ROLE { String::new() } else { member.role.clone() }
    };
    let mut roles: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut kins: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    let mut parents = Vec::new();
    let mut places: Vec<Place> = Vec::with_capacity(members.len());
    for (device, member) in members.iter().enumerate() {
        let next = roles.len();
        let role = *roles.entry((role_of(member), &member.platform)).or_insert(next);
        let next = kins.len();
        let kin = *kins.entry((role, &member.site)).or_insert_with(|| {
            parents.push(role);
            next
        });
        places.push(Place { device, kin, groups: [role, 0] });
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by(|a, b| {
        places[*a].kin.cmp(&places[*b].kin).then(members[*a].born.total_cmp(&members[*b].born)).then(a.cmp(b))
    });
    let mut cohort = 0;
    for (at, device) in order.iter().enumerate() {
        if let Some(before) = at.checked_sub(1).map(|before| order[before]) {
            let apart = members[*device].born - members[before].born > COHORT_GAP;
            if apart || places[before].kin != places[*device].kin {
                cohort += 1;
            }
        }
        places[*device].groups[COHORT] = cohort;
    }
    let mut cohorts = vec![0; cohort + 1];
    for place in &places {
        cohorts[place.groups[COHORT]] = place.groups[ROLE];
    }
    (places, parents, [(0..roles.len()).collect(), cohorts])
}
