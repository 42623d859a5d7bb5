//! A refused deploy, judged: what was wanted, beside what stands on the device,
//! what the record says and what the transcript tells. Pure.
//!
//! The live reading decides. The transcript only explains what the reading
//! lacks, with one exception that makes the verdict stricter: a line that was
//! refused, and that the reading does not confirm, keeps a thing from being
//! called identical.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Fact, FactKey, Interface, Kind, Record};
use crate::platform::Meaning;
use crate::platform::transcript::{Ask, Transcript, asks};

/// What became of one thing that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// There, as wanted.
    Identical,
    /// There, and something of it is different.
    Conflicting,
    /// There, and something of it is lacking.
    Partial,
    /// Taken by another service.
    Foreign,
    /// Not there: its lines, or its commit, were refused.
    Rejected,
    /// Not as wanted, and somebody else committed meanwhile.
    SomeoneElseCommitted,
    /// Not there, and the transcript does not say why.
    Absent,
    /// The transcript is about something else.
    NotThis,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Conflicting => "conflicting",
            Self::Partial => "partial",
            Self::Foreign => "foreign",
            Self::Rejected => "rejected",
            Self::SomeoneElseCommitted => "someone-else-committed",
            Self::Absent => "absent",
            Self::NotThis => "not-this",
        }
    }
}

/// What a deploy wanted. Tags are single ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub interface: Option<String>,
    pub vlan: Option<u16>,
    pub inner: Option<u16>,
    pub bridge_domain: Option<String>,
    /// A service that is no bridge domain: its name, or `kind/name`.
    pub service: Option<String>,
    /// The platform has VLANs as objects of their own, so a trunk carries many
    /// of them and a deploy adds one.
    pub vlan_objects: bool,
}

/// What was wanted of one thing, by the names of the compared fields.
pub type Fields = BTreeMap<&'static str, String>;

/// One thing with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Object {
    pub kind: Kind,
    pub key: String,
    pub class: Class,
    pub wanted: Fields,
    pub fact: Option<Fact>,
    pub record: Option<Record>,
    /// The verdict in words.
    pub why: String,
}

impl Object {
    pub fn fact_key(&self) -> FactKey {
        FactKey::new(self.kind, self.key.clone())
    }

    /// The thing that the device has: under this name, or in its place.
    pub fn stands_at(&self) -> FactKey {
        self.fact.as_ref().map_or_else(|| self.fact_key(), Fact::key)
    }

    /// Whether the device has something under this name, or in its place.
    pub fn is_there(&self) -> bool {
        matches!(self.class, Class::Identical | Class::Conflicting | Class::Partial | Class::Foreign)
            || (self.class == Class::SomeoneElseCommitted && self.fact.is_some())
    }
}

/// What a thing is compared with.
pub struct Evidence<'a> {
    /// The device's name in the inventory.
    pub device: &'a str,
    /// Lower-case names of the other devices of the inventory.
    pub others: &'a dyn Fn(&str) -> bool,
    /// Facts of the live reading.
    pub live: &'a [Fact],
    pub records: &'a [Record],
    /// VLANs of the last whole reading, if it had any: a narrow one has none.
    pub vlans: &'a [Fact],
    pub transcript: Option<&'a Transcript>,
}

/// Whether an interface is tagged, and placed, as wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Fields that are there and different.
    pub different: Vec<&'static str>,
    /// Fields that the device does not have.
    pub lacking: Vec<&'static str>,
    /// It is in another service than the wanted one.
    pub foreign: bool,
}

impl Match {
    pub fn is_full(&self) -> bool {
        self.different.is_empty() && self.lacking.is_empty()
    }

    /// What is there in the place of what was wanted, and what is not there:
    /// `VLAN 252 instead of 251, without service g_v251`. `is`: its fields.
    pub fn told(&self, wanted: &Wanted, is: &[(&'static str, Option<String>)]) -> String {
        let wanted = wanted.fields();
        let word = |field: &'static str| match field {
            "outer" => "VLAN",
            "inner" => "inner VLAN",
            "service_kind" => "kind of service",
            other => other,
        };
        let there = |name: &str| {
            let value = is.iter().find(|(field, _)| *field == name).and_then(|(_, value)| value.clone());
            value.unwrap_or_default()
        };
        // The service says it; its kind beside it is only of interest alone.
        let both = |name: &&&str| {
            **name != "service_kind"
                || !(self.different.contains(&"service") || self.lacking.contains(&"service"))
        };
        let instead = self.different.iter().filter(both).map(|name| {
            let wanted = wanted.get(name).map_or("none", String::as_str);
            format!("{} {} instead of {wanted}", word(name), there(name))
        });
        let without =
            self.lacking.iter().filter(both).map(|name| {
                format!("without {} {}", word(name), wanted.get(name).map_or("", String::as_str))
            });
        instead.chain(without).collect::<Vec<_>>().join(", ")
    }
}

impl Wanted {
    /// What is wanted of the interface.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        if let Some(vlan) = self.vlan {
            fields.insert("outer", vlan.to_string());
        }
        if let Some(inner) = self.inner {
            fields.insert("inner", inner.to_string());
        }
        if let Some(name) = &self.bridge_domain {
            fields.insert("service_kind", "bridge-domain".to_owned());
            fields.insert("service", name.clone());
        } else if let Some(service) = &self.service {
            let (kind, name) = split_service(service);
            if let Some(kind) = kind {
                fields.insert("service_kind", kind.to_owned());
            }
            fields.insert("service", name.to_owned());
        }
        fields
    }

    /// Holds an interface, as a fact or as a record has it, against what is wanted.
    /// `fields` are its compared fields; one that is unknown there is lacking.
    pub fn against(&self, fields: &[(&'static str, Option<String>)]) -> Match {
        let has = |name: &str| {
            let value = fields.iter().find(|(field, _)| *field == name).and_then(|(_, value)| value.clone());
            value.filter(|value| !value.is_empty())
        };
        let mut found = Match::default();
        for (name, wanted) in self.fields() {
            match has(name) {
                Some(value) if value == wanted => {}
                Some(list)
                    if name == "outer"
                        && self.is_switched()
                        && has("encapsulation").is_some_and(|kind| kind == "range") =>
                {
                    if !tags_hold(&list, &wanted) {
                        found.lacking.push(name);
                    }
                }
                Some(_) => found.different.push(name),
                None => found.lacking.push(name),
            }
        }
        // One tag was wanted and two are there.
        if self.vlan.is_some() && self.inner.is_none() && has("inner").is_some() {
            found.different.push("inner");
        }
        found.foreign = found.different.iter().any(|field| field.starts_with("service"));
        found
    }
}

impl Wanted {
    /// Whether the interface is a port whose VLANs are objects: a trunk, then,
    /// lists those that it carries. Junos calls such a port by its unit 0.
    pub fn is_switched(&self) -> bool {
        let is_port = |name: &String| port_of(name).is_none() || name.ends_with(".0");
        self.vlan_objects && self.interface.as_ref().is_some_and(is_port)
    }
}

/// Whether `id` is in a canonical list such as `350,400-410`.
fn tags_hold(list: &str, id: &str) -> bool {
    let Ok(id) = id.parse::<u16>() else { return false };
    list.split(',').any(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        matches!((low.parse::<u16>(), high.parse::<u16>()), (Ok(low), Ok(high)) if (low..=high).contains(&id))
    })
}

/// `evpn-vpws/name` → kind and name.
pub fn split_service(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((kind, name)) if crate::model::ServiceKind::parse(kind).is_some() => (Some(kind), name),
        _ => (None, text),
    }
}

/// An interface of the same port that already carries the wanted tags.
pub fn taken_by<'a>(wanted: &Wanted, facts: &'a [Fact]) -> Option<&'a Interface> {
    let name = wanted.interface.as_deref()?;
    let port = port_of(name)?;
    let outer = wanted.vlan?.to_string();
    let inner = wanted.inner.map(|inner| inner.to_string());
    facts.iter().find_map(|fact| match fact {
        Fact::Interface(x)
            if x.name != name
                && x.parent.as_deref().or_else(|| port_of(&x.name)) == Some(port)
                && x.encapsulation.outer.as_deref() == Some(&outer)
                && x.encapsulation.inner == inner =>
        {
            Some(x)
        }
        _ => None,
    })
}

/// The port of a sub-interface, as most systems write it: `ge100-0/0/31.251`,
/// `1/1/1:251`. `None` for a port.
pub fn port_of(name: &str) -> Option<&str> {
    let (port, number) = name.rsplit_once(['.', ':'])?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'*');
    (is_number && !port.is_empty()).then_some(port)
}

/// Judges everything that was wanted: the interface first.
pub fn judge(wanted: &Wanted, evidence: &Evidence<'_>) -> Vec<Object> {
    let mut objects = Vec::new();
    if let Some(name) = &wanted.interface {
        objects.push(interface(name, wanted, evidence));
    }
    if let Some(name) = &wanted.bridge_domain {
        objects.push(domain(FactKey::new(Kind::BridgeDomain, name.clone()), wanted, evidence));
    }
    if let Some(service) = &wanted.service {
        let (kind, name) = split_service(service);
        let live = evidence.live.iter().find_map(|fact| match fact {
            Fact::Service(x) if x.name == name && kind.is_none_or(|kind| x.kind.as_str() == kind) => {
                Some(fact.key())
            }
            Fact::Interface(x) => {
                let found = x.service.as_ref().filter(|s| s.name == name)?;
                Some(FactKey::new(Kind::Service, format!("{}/{}", found.kind.as_str(), found.name)))
            }
            _ => None,
        });
        let key = live.unwrap_or_else(|| FactKey::new(Kind::Service, service.clone()));
        objects.push(domain(key, wanted, evidence));
    }
    objects.extend(vlan(wanted, evidence));
    if let Some(why) = evidence.transcript.and_then(|transcript| not_this(transcript, wanted, evidence)) {
        for object in &mut objects {
            object.class = Class::NotThis;
            object.why.clone_from(&why);
        }
    }
    objects
}

fn interface(name: &str, wanted: &Wanted, evidence: &Evidence<'_>) -> Object {
    let key = FactKey::new(Kind::Interface, name);
    let found = evidence.live.iter().find(|fact| fact.key() == key);
    let fields = wanted.fields();
    // A port that only a table shows has nothing that was asked for.
    let found = found.filter(|fact| fact.is_configured() || fields.is_empty());
    let record = record_of(&key, evidence);
    let verdict = |class, fact: Option<&Fact>, why: String| Object {
        kind: Kind::Interface,
        key: name.to_owned(),
        class,
        wanted: fields.clone(),
        fact: fact.cloned(),
        record: record.clone(),
        why,
    };
    let Some(fact @ Fact::Interface(there)) = found else {
        if let Some(other) = taken_by(wanted, evidence.live) {
            let fact = Fact::Interface(other.clone());
            let service = other.service.as_ref().map(|service| service.name.as_str());
            let same = service.is_some() && service == fields.get("service").map(String::as_str);
            let class = if same { Class::Conflicting } else { Class::Foreign };
            let place = service.map_or_else(|| "in no service".to_owned(), |service| format!("in {service}"));
            return verdict(
                class,
                Some(&fact),
                format!("{} has these tags on that port, {place}", other.name),
            );
        }
        let (class, why) = explained(Class::Absent, "it is not on the device", evidence.transcript);
        return verdict(class, None, why);
    };
    let held = wanted.against(&fact.fields());
    if held.foreign {
        let service = there.service.as_ref().map_or("another service", |service| service.name.as_str());
        return verdict(Class::Foreign, Some(fact), format!("it is in {service}"));
    }
    if held.is_full() {
        return match unconfirmed(evidence.transcript, name, there) {
            None => verdict(Class::Identical, Some(fact), "it stands there as wanted".to_owned()),
            Some(line) => verdict(
                Class::Partial,
                Some(fact),
                format!("it stands there, but the refused line {line:?} is not confirmed by the reading"),
            ),
        };
    }
    let told = held.told(wanted, &fact.fields());
    let (class, says) = if held.different.is_empty() {
        (Class::Partial, format!("it is there {told}"))
    } else {
        (Class::Conflicting, format!("it is there with {told}"))
    };
    let (class, why) = explained(class, &says, evidence.transcript);
    verdict(class, Some(fact), why)
}

/// A bridge domain or another service: it is there, or it is not.
#[expect(clippy::needless_pass_by_value, reason = "it ends in the object")]
fn domain(key: FactKey, wanted: &Wanted, evidence: &Evidence<'_>) -> Object {
    let name =
        key.key.rsplit_once('/').filter(|_| key.kind == Kind::Service).map_or(key.key.as_str(), |(_, n)| n);
    let fact = evidence.live.iter().find(|fact| fact.key() == key);
    let holds = evidence.live.iter().any(|fact| {
        matches!(fact, Fact::Interface(x) if x.service.as_ref().is_some_and(|s| s.name == name
            && (s.kind == crate::model::ServiceKind::BridgeDomain) == (key.kind == Kind::BridgeDomain)))
    });
    let (class, why) = if fact.is_some() || holds {
        (Class::Identical, "it is on the device".to_owned())
    } else {
        explained(Class::Absent, "it is not on the device", evidence.transcript)
    };
    let record = record_of(&key, evidence);
    // What is wanted of it is that it is there; the rest belongs to its members.
    let mut fields = Fields::new();
    if wanted.interface.is_none()
        && let Some(vlan) = wanted.vlan
    {
        fields.insert("outer", vlan.to_string());
    }
    let mut object = Object {
        kind: key.kind,
        key: key.key.clone(),
        class,
        wanted: fields,
        fact: fact.cloned(),
        record,
        why,
    };
    // Asked for alone with a VLAN: one member at least carries it.
    if class == Class::Identical
        && let Some(vlan) = object.wanted.get("outer")
    {
        let members = || {
            evidence.live.iter().filter_map(|fact| match fact {
                Fact::Interface(x) if x.service.as_ref().is_some_and(|s| s.name == name) => Some(x),
                _ => None,
            })
        };
        if !members().any(|x| x.encapsulation.outer.as_ref() == Some(vlan)) {
            let (class, says) = match members().next() {
                None => (Class::Partial, "it is there without a member"),
                Some(_) => (Class::Conflicting, "its members carry another VLAN"),
            };
            (object.class, object.why) = explained(class, says, evidence.transcript);
        }
    }
    object
}

/// The VLAN itself, where it is an object. Its port decides, this is beside it:
/// what is known of it is as old as the last whole reading.
fn vlan(wanted: &Wanted, evidence: &Evidence<'_>) -> Option<Object> {
    let id = wanted.vlan.filter(|_| wanted.is_switched() && !evidence.vlans.is_empty())?;
    let key = FactKey::new(Kind::Vlan, id.to_string());
    let fact = evidence.vlans.iter().find(|fact| fact.key() == key);
    let (class, why) = if fact.is_some() {
        (Class::Identical, "it was on the device at the last whole reading".to_owned())
    } else {
        explained(Class::Absent, "it was not on the device at the last whole reading", evidence.transcript)
    };
    let record = record_of(&key, evidence);
    let wanted = Fields::new();
    Some(Object { kind: Kind::Vlan, key: key.key, class, wanted, fact: fact.cloned(), record, why })
}

fn record_of(key: &FactKey, evidence: &Evidence<'_>) -> Option<Record> {
    evidence.records.iter().find(|record| record.key() == *key).cloned()
}

/// What a transcript adds where the reading lacks something.
fn explained(class: Class, says: &str, transcript: Option<&Transcript>) -> (Class, String) {
    let Some(transcript) = transcript else { return (class, says.to_owned()) };
    if let Some(answer) = transcript.answer(Meaning::SomeoneElse) {
        return (Class::SomeoneElseCommitted, format!("{says}; the device said: {answer}"));
    }
    let refused = transcript.refused.first();
    let answer =
        refused.map(|refused| refused.answer.as_str()).or_else(|| transcript.answer(Meaning::CommitFailed));
    match (class, answer) {
        (Class::Absent, Some(answer)) => {
            let line = refused.and_then(|refused| transcript.line_of(refused));
            let line = line.map(|line| format!(" to {line:?}")).unwrap_or_default();
            (Class::Rejected, format!("{says}; the device said{line}: {answer}"))
        }
        (class, Some(answer)) => (class, format!("{says}; the device said: {answer}")),
        (class, None) => (class, says.to_owned()),
    }
}

/// The first refused line about `name` that the reading does not confirm.
fn unconfirmed(transcript: Option<&Transcript>, name: &str, there: &Interface) -> Option<String> {
    let transcript = transcript?;
    for refused in &transcript.refused {
        let Some(at) = refused.typed else { continue };
        let line = transcript.typed.get(at)?;
        let (about, domain) = place(transcript, at);
        // A line about another interface is not about this one.
        if about.as_ref().is_some_and(|about| !same_name(about, name)) {
            continue;
        }
        let confirmed = asks(line).iter().all(|ask| match ask {
            Ask::Interface(_) => domain.as_ref().is_none_or(|domain| is_in(there, domain)),
            Ask::Service(service) => is_in(there, service),
            Ask::Vlan { outer, inner } => {
                there.encapsulation.outer.as_ref() == Some(outer)
                    && inner.as_ref().is_none_or(|inner| there.encapsulation.inner.as_ref() == Some(inner))
            }
            Ask::Description(text) => there.description.as_ref() == Some(text),
            Ask::L2 => there.l2,
            Ask::Admin(up) => there.admin.is_none_or(|admin| (admin == crate::model::AdminState::Up) == *up),
            Ask::Other(_) => false,
        });
        if !confirmed {
            return Some(line.clone());
        }
    }
    None
}

fn is_in(there: &Interface, service: &str) -> bool {
    there.service.as_ref().is_some_and(|found| found.name == service)
}

/// The interface and the bridge domain that the line at `at` is typed under.
/// Good enough to tell two things apart; the reading decides.
fn place(transcript: &Transcript, at: usize) -> (Option<String>, Option<String>) {
    let (mut interface, mut domain) = (None, None);
    for line in transcript.typed.iter().take(at + 1) {
        let word = line.split_whitespace().next().unwrap_or_default();
        if matches!(word, "exit" | "!" | "end" | "top" | "back" | "quit") {
            (interface, domain) = (None, None);
            continue;
        }
        for ask in asks(line) {
            match ask {
                Ask::Interface(name) => interface = Some(name),
                Ask::Service(name) => (interface, domain) = (None, Some(name)),
                _ => {}
            }
        }
    }
    (interface, domain)
}

/// Whether two names can mean one interface: `Gi0/0/1.251` is short for
/// `GigabitEthernet0/0/1.251`.
pub fn same_name(a: &str, b: &str) -> bool {
    let split = |name: &str| {
        let at = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
        (name[..at].to_ascii_lowercase(), name[at..].to_owned())
    };
    let ((kind_a, rest_a), (kind_b, rest_b)) = (split(a), split(b));
    rest_a == rest_b && (kind_a.starts_with(&kind_b) || kind_b.starts_with(&kind_a))
}

/// Why a transcript is not about what was wanted; `None` if it can be.
fn not_this(transcript: &Transcript, wanted: &Wanted, evidence: &Evidence<'_>) -> Option<String> {
    if transcript.lines == 0 {
        return None;
    }
    let foreign = transcript.systems.iter().find(|system| {
        !system.eq_ignore_ascii_case(evidence.device) && (evidence.others)(&system.to_ascii_lowercase())
    });
    if let Some(system) = foreign {
        return Some(format!("the transcript is of {system}, not of {}", evidence.device));
    }
    let typed: Vec<Ask> = transcript.typed.iter().flat_map(|line| asks(line)).collect();
    let words = |text: &str| transcript.typed.iter().any(|line| mentions(line, text));
    let named = wanted.interface.iter().any(|name| {
        typed.iter().any(|ask| matches!(ask, Ask::Interface(other) if same_name(other, name)))
            || words(name)
            // A port and its number apart: `edit interfaces ge-0/0/1`, `set unit 251 …`.
            || port_of(name).is_some_and(|port| {
                words(port) && name.rsplit(['.', ':']).next().is_some_and(words)
            })
    }) || [&wanted.bridge_domain, &wanted.service]
        .into_iter()
        .flatten()
        .any(|name| words(split_service(name).1));
    if named {
        return None;
    }
    let others: Vec<&str> = typed
        .iter()
        .filter_map(|ask| match ask {
            Ask::Interface(name) | Ask::Service(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    if let Some(other) = others.first() {
        return Some(format!("the transcript is about {other}, and names nothing of what was asked for"));
    }
    (!transcript.has_answer()).then(|| {
        "the transcript holds no answer of the device to a commit or a line, and names nothing of what was asked for"
            .to_owned()
    })
}

/// Whether `word` stands in `line` as a word.
fn mentions(line: &str, word: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || "\"'(),;[]{}".contains(c))
        .any(|part| part.eq_ignore_ascii_case(word))
}
