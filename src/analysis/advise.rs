//! From drifts and failures to things to do: one rule each, with its reason.
//! Every drift is in exactly one recommendation. What happened alike on many
//! devices is one row, not forty; classes and sides are never mixed in one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::command;
use crate::model::Kind;
use crate::model::device::{DeviceId, DeviceName};
use crate::model::drift::{Cause, Drift, DriftClass, DriftId};
use crate::model::fact::canonical_tags;
use crate::model::finding::Recommendation;

mod unread;

pub use unread::UnreadDevice;

/// What there is to give advice about.
#[derive(Clone, Copy, Debug)]
pub struct Matters<'a> {
    /// Open drifts.
    pub drifts: &'a [Drift],
    /// Devices whose newest attempt failed, or that were never tried.
    pub unread: &'a [UnreadDevice],
    /// By device; 1 where it is not said.
    pub importance: &'a HashMap<DeviceId, f64>,
}

/// As many devices with the same change make it one change.
const SAME_CHANGE: usize = 3;
/// With more drifts than this the record of the device is suspect.
const MANY: usize = 20;

/// Which way a drift goes. The order is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// It came back three times: something writes it.
    FindWriter,
    /// Absent in one reading only.
    LookAgain,
    /// Absent in several readings.
    DeployOrRemove,
    /// On the device and not in the record, or changed by a tool.
    Accept,
    /// Two sides, and no evidence which is right.
    Decide,
}

impl Rule {
    fn of(drift: &Drift) -> Self {
        match (drift.class, drift.cause) {
            _ if drift.recurrences >= 3 => Self::FindWriter,
            (DriftClass::Missing, _) if drift.last_seen <= drift.since => Self::LookAgain,
            (DriftClass::Missing, _) => Self::DeployOrRemove,
            (DriftClass::Unrecorded, _) | (DriftClass::Differs, Cause::Tool | Cause::UnrecordedDeploy) => {
                Self::Accept
            }
            (DriftClass::Differs, _) => Self::Decide,
        }
    }

    /// How likely it is the right thing to do, and how many steps it takes.
    fn worth(self) -> f64 {
        match self {
            Self::LookAgain => 0.8 / 1.0,
            Self::Accept => 0.9 / 2.0,
            Self::DeployOrRemove => 0.6 / 2.0,
            Self::Decide => 0.5 / 2.0,
            Self::FindWriter => 0.7 / 3.0,
        }
    }
}

/// Recommendations in the order in which they are worth doing: importance ×
/// drifts × confidence ÷ steps. The same matters give the same list.
pub fn advise(matters: &Matters<'_>) -> Vec<Recommendation> {
    let mut weighed: Vec<(f64, Recommendation)> = Vec::new();
    for group in groups(matters.drifts) {
        let importance =
            |drift: &&Drift| matters.importance.get(&drift.device_id).copied().unwrap_or(1.0).max(0.0);
        let weight: f64 = group.drifts.iter().map(importance).sum();
        weighed.push((weight * group.advice.worth(), group.recommend()));
    }
    weighed.extend(unread::advise(matters.unread));
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.what.cmp(&b.1.what)));
    weighed.into_iter().map(|(_, recommendation)| recommendation).collect()
}

/// What to do about one drift, in one or two sentences.
pub fn for_drift(drift: &Drift) -> String {
    match Rule::of(drift) {
        Rule::FindWriter => format!(
            "It came back {}. Find out what writes it before you accept or remove it.",
            plural(usize::try_from(drift.recurrences).unwrap_or(0), "time", "times")
        ),
        Rule::LookAgain => "Absent in one reading only. Read the device again.".to_owned(),
        Rule::DeployOrRemove => {
            "Absent in every reading since it was first missed. Deploy it again, or take it out of the record.".to_owned()
        }
        Rule::Accept if drift.class == DriftClass::Differs => {
            "A tool changed it. Accept the device's side into the record, and let the tool report its deploys.".to_owned()
        }
        Rule::Accept => "Accept it into the record, or remove it from the device.".to_owned(),
        Rule::Decide if drift.cause == Cause::Manual => {
            "Somebody changed it on the command line. Ask whether it was meant: then accept it, else roll it back.".to_owned()
        }
        Rule::Decide => "You decide which side is right.".to_owned(),
    }
}

/// Drifts that one action closes.
struct Group<'a> {
    advice: Advice,
    /// Ordered by device and key.
    drifts: Vec<&'a Drift>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Advice {
    /// The same rule for things of one class. They may be of several kinds: one
    /// new service is a sub-interface or two and a bridge domain.
    Alike(DriftClass, Rule),
    /// Too much on one device to be true.
    SuspectRecord,
}

impl Advice {
    fn of(drift: &Drift) -> Self {
        Self::Alike(drift.class, Rule::of(drift))
    }

    fn worth(self) -> f64 {
        match self {
            Self::Alike(_, rule) => rule.worth(),
            Self::SuspectRecord => 0.6 / 3.0,
        }
    }
}

/// Greedy: the same change on several devices first, then devices with very
/// many drifts, then what is left, device by device.
fn groups(drifts: &[Drift]) -> Vec<Group<'_>> {
    let mut alike: BTreeMap<(Advice, String), Vec<&Drift>> = BTreeMap::new();
    for drift in drifts {
        alike.entry((Advice::of(drift), signature(drift))).or_default().push(drift);
    }
    // Changes that came to the same set of devices are one change: VLANs 251 to 254 on 153 leaves.
    let mut together: BTreeMap<(Advice, BTreeSet<&DeviceName>), Vec<&Drift>> = BTreeMap::new();
    let mut rest: BTreeMap<&DeviceName, Vec<&Drift>> = BTreeMap::new();
    for ((advice, _), drifts) in alike {
        let devices: BTreeSet<&DeviceName> = drifts.iter().map(|drift| &drift.device).collect();
        if devices.len() >= SAME_CHANGE {
            together.entry((advice, devices)).or_default().extend(drifts);
        } else {
            for drift in drifts {
                rest.entry(&drift.device).or_default().push(drift);
            }
        }
    }
    let mut groups: Vec<Group<'_>> =
        together.into_iter().map(|((advice, _), drifts)| Group { advice, drifts }).collect();
    for drifts in rest.into_values() {
        if drifts.len() > MANY {
            groups.push(Group { advice: Advice::SuspectRecord, drifts });
            continue;
        }
        let mut sorts: BTreeMap<Advice, Vec<&Drift>> = BTreeMap::new();
        for drift in drifts {
            sorts.entry(Advice::of(drift)).or_default().push(drift);
        }
        groups.extend(sorts.into_iter().map(|(advice, drifts)| Group { advice, drifts }));
    }
    for group in &mut groups {
        group.drifts.sort_by(|a, b| a.device.cmp(&b.device).then_with(|| a.key.cmp(&b.key)));
    }
    groups
}

/// What a drift is about, without what is particular to its device: two drifts
/// with one signature are the same change.
fn signature(drift: &Drift) -> String {
    let of_interface = drift.key.kind == Kind::Interface;
    let side = drift.fact.as_ref().or(drift.record.as_ref());
    let kind = drift.key.kind.as_str().to_owned();
    let mut parts: Vec<String> = match drift.class {
        DriftClass::Differs => drift
            .fields
            .iter()
            .map(|field| {
                format!(
                    "{field} {:?} {:?}",
                    value(drift.record.as_ref(), field),
                    value(drift.fact.as_ref(), field)
                )
            })
            .collect(),
        // Names, parents and descriptions of interfaces differ from device to device.
        _ if of_interface => ["outer", "inner", "service"]
            .iter()
            .filter_map(|field| value(side, field).map(|value| format!("{field} {value:?}")))
            .collect(),
        _ => Vec::new(),
    };
    // A bridge domain, a service or a VLAN is the same thing under the same name;
    // an interface without tag and service has nothing else to go by.
    if !of_interface || parts.is_empty() {
        parts.push(drift.key.key.clone());
    }
    parts.push(kind);
    parts.join("\u{1f}")
}

/// A compared field out of a stored record (flat) or fact (nested), as text.
pub fn value(json: Option<&serde_json::Value>, field: &str) -> Option<String> {
    let json = json?;
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let nested = match (field, json.get(field)) {
        ("encapsulation", Some(serde_json::Value::Object(encapsulation))) => encapsulation.get("kind"),
        ("service", Some(serde_json::Value::Object(service))) => service.get("name"),
        ("service_kind", None) => json.pointer("/service/kind"),
        ("outer" | "inner" | "tpid", None) => json.get("encapsulation").and_then(|e| e.get(field)),
        (_, found) => found,
    };
    text(nested?)
}

impl Group<'_> {
    fn recommend(&self) -> Recommendation {
        let devices: BTreeSet<&DeviceName> = self.drifts.iter().map(|drift| &drift.device).collect();
        let devices: Vec<&DeviceName> = devices.into_iter().collect();
        let one = (devices.len() == 1).then(|| devices[0]);
        let place = place(&devices);
        let things = self.things();
        let first = self.drifts.iter().map(|drift| drift.since).min().unwrap_or_default();
        let since = first.format("%-d %b %Y");
        let ids: Vec<&DriftId> = self.drifts.iter().map(|drift| &drift.id).collect();
        let accept = command::accept(&devices, &ids);
        let record_only = "low: only the record changes, and every change of it is kept";

        let (what, why, command, risk, sure, decision) = match self.advice {
            Advice::SuspectRecord => (
                format!("Check the record of {place}: {}", plural(self.drifts.len(), "drift", "drifts")),
                format!(
                    "more than {MANY} drifts on one device speak against its record more than against the device; first seen {since}"
                ),
                one.and_then(command::list_records),
                "none: this only looks".to_owned(),
                "Sure that they disagree; not why.".to_owned(),
                false,
            ),
            Advice::Alike(class, Rule::Accept) => {
                let how =
                    if class == DriftClass::Differs { "changed by a tool" } else { "not in the record" };
                let alike = if devices.len() >= SAME_CHANGE {
                    format!(", the same on {}", plural(devices.len(), "device", "devices"))
                } else {
                    String::new()
                };
                (
                    format!("Accept {things} on {place} into the record"),
                    format!("{how}{alike}; first seen {since}{}", self.causes()),
                    accept,
                    record_only.to_owned(),
                    "Sure that it is there; whether it was meant, you know.".to_owned(),
                    devices.len() >= SAME_CHANGE,
                )
            }
            Advice::Alike(_, Rule::LookAgain) => (
                format!("Read {place} again: {things} absent once"),
                "one reading alone may have been incomplete".to_owned(),
                one.and_then(|device| self.look_again(device)),
                "none: this only reads".to_owned(),
                "Not sure yet: absent in one reading.".to_owned(),
                false,
            ),
            Advice::Alike(_, Rule::DeployOrRemove) => (
                format!("Deploy {things} on {place} again, or take it out of the record"),
                format!("in the record, absent in every reading since {since}{}", self.causes()),
                accept,
                "depends on the side you choose: the command takes the device's side and changes the record only".to_owned(),
                "Sure that it is absent; not whether it should be.".to_owned(),
                true,
            ),
            Advice::Alike(_, Rule::Decide) => (
                format!("Decide which side is right about {things} on {place}: {}", self.fields()),
                format!("record and device differ since {since}{}", self.causes()),
                accept,
                "depends on the side you choose: the command takes the device's side and changes the record only".to_owned(),
                "Sure that they differ; not which side is right.".to_owned(),
                true,
            ),
            Advice::Alike(_, Rule::FindWriter) => (
                format!("Find out what keeps writing {things} on {place}"),
                format!(
                    "it came back {} after it was resolved: accepting or removing it again will not last",
                    plural(self.recurrences(), "time", "times")
                ),
                one.and_then(command::diff),
                "none: this only looks".to_owned(),
                "Sure that it keeps coming back.".to_owned(),
                false,
            ),
        };
        Recommendation {
            what,
            why,
            command,
            risk,
            sure,
            drifts: self.drifts.iter().map(|drift| drift.id.clone()).collect(),
            devices: devices.into_iter().cloned().collect(),
            decision,
        }
    }

    /// What the drifts are about: `12 interfaces (VLANs 251-254) and bridge domain g_v251`.
    fn things(&self) -> String {
        let mut kinds: BTreeMap<Kind, Vec<&Drift>> = BTreeMap::new();
        for drift in &self.drifts {
            kinds.entry(drift.key.kind).or_default().push(drift);
        }
        let parts: Vec<String> = kinds.iter().map(|(kind, drifts)| things(*kind, drifts)).collect();
        match parts.as_slice() {
            [] => "nothing".to_owned(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} and {last}", most.join(", ")),
        }
    }

    fn fields(&self) -> String {
        let fields: BTreeSet<&str> =
            self.drifts.iter().flat_map(|drift| &drift.fields).map(String::as_str).collect();
        fields.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn recurrences(&self) -> usize {
        self.drifts
            .iter()
            .map(|drift| drift.recurrences)
            .max()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0)
    }

    /// Where they came from, if all from one place that is known.
    fn causes(&self) -> &'static str {
        let mut causes = self.drifts.iter().map(|drift| drift.cause);
        let first = causes.next();
        match first.filter(|first| causes.all(|cause| cause == *first)) {
            Some(Cause::Historical) => "; there at the first reading",
            Some(Cause::Manual) => "; made by a person on the command line",
            Some(Cause::Tool) => "; made by a tool",
            Some(Cause::Emergency) => "; made in an emergency",
            Some(Cause::UnrecordedDeploy) => "; a deploy that was never recorded",
            Some(Cause::Unknown) | None => "",
        }
    }

    fn look_again(&self, device: &DeviceName) -> Option<String> {
        match self.drifts.as_slice() {
            [drift] if drift.key.kind == Kind::Interface => command::scan_interface(device, &drift.key.key),
            _ => command::scan(device),
        }
    }
}

/// Things of one kind: `12 interfaces (VLANs 251-254)`.
fn things(kind: Kind, drifts: &[&Drift]) -> String {
    let count = drifts.len();
    if let [one] = drifts {
        return format!("{} {}", word(kind, 1), shown(&one.key.key));
    }
    let names: BTreeSet<&str> = drifts.iter().map(|drift| drift.key.key.as_str()).collect();
    let about = if kind == Kind::Interface {
        vlans(drifts)
    } else {
        (names.len() <= 3).then(|| names.into_iter().map(shown).collect::<Vec<_>>().join(", "))
    };
    let about = about.map_or_else(String::new, |about| format!(" ({about})"));
    format!("{count} {}{about}", word(kind, count))
}

/// The outer tags of all, if each has one.
fn vlans(drifts: &[&Drift]) -> Option<String> {
    let tags: Option<Vec<String>> =
        drifts.iter().map(|drift| value(drift.fact.as_ref().or(drift.record.as_ref()), "outer")).collect();
    let tags = canonical_tags(&tags?.join(","))?;
    let many = tags.contains([',', '-']);
    (tags.len() <= 40).then(|| format!("{} {tags}", if many { "VLANs" } else { "VLAN" }))
}

/// One to three names, or the number and three of them.
fn place(devices: &[&DeviceName]) -> String {
    let names: Vec<&str> = devices.iter().take(3).map(|device| device.as_str()).collect();
    match (devices.len(), names.as_slice()) {
        (1, [one]) => (*one).to_owned(),
        (2, [one, two]) => format!("{one} and {two}"),
        (3, [one, two, three]) => format!("{one}, {two} and {three}"),
        (n, _) => format!("{n} devices ({}, …)", names.join(", ")),
    }
}

fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn word(kind: Kind, n: usize) -> &'static str {
    match (kind, n) {
        (Kind::Interface, 1) => "interface",
        (Kind::Interface, _) => "interfaces",
        (Kind::BridgeDomain, 1) => "bridge domain",
        (Kind::BridgeDomain, _) => "bridge domains",
        (Kind::Service, 1) => "service",
        (Kind::Service, _) => "services",
        (Kind::Vlan, 1) => "VLAN",
        (Kind::Vlan, _) => "VLANs",
    }
}

/// A name out of a device, short and without characters that could move a
/// terminal or turn the text around.
fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut text: String = name.chars().take(LONGEST).map(|c| if odd(c) { '\u{fffd}' } else { c }).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
