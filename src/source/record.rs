//! One record as it stands in a file → a record as we keep it.
//!
//! Words are settled (`Enabled` is `up`, `360, 350` is `350,360`), an empty
//! cell is `None` (not managed, never compared), and a value that could never
//! agree with any device is refused: outer tags of a bridge domain, a `dot1q`
//! with two tags, VLAN 5000. CSV and JSON share this.

use std::collections::HashMap;

use super::table::Columns;
use super::{Fault, Place, Problems, is_unseen};
use crate::model::fact::{canonical_tags, is_many};
use crate::model::{DeviceName, FactKey, Kind, Record, RecordSource, ServiceKind};

/// The columns of the contract, in its order.
pub(super) const COLUMNS: Columns = Columns {
    allowed: &[
        "device",
        "kind",
        "name",
        "parent",
        "encapsulation",
        "outer",
        "inner",
        "tpid",
        "l2",
        "bundle",
        "service_kind",
        "service",
        "neighbours",
        "router_interface",
        "admin",
        "description",
        "source",
    ],
    required: &["device", "kind", "name"],
};

const KINDS: &[&str] = &["interface", "bridge-domain", "service", "vlan"];
const ENCAPSULATIONS: &[&str] = &["none", "untagged", "dot1q", "qinq", "range", "default"];
pub(super) const SERVICE_KINDS: &[&str] = &[
    "bridge-domain",
    "vpws",
    "vpls",
    "evpn",
    "evpn-vpws",
    "evpn-vpws-fxc",
    "l2-cross-connect",
    "xconnect",
    "l2circuit",
    "epipe",
    "vrf",
];
const SOURCES: &[&str] = &["deployed", "discovered", "imported"];
const YES_OR_NO: &[&str] = &["true", "false", "yes", "no", "1", "0"];
const UP_OR_DOWN: &[&str] = &["up", "down", "enabled", "disabled"];

/// The longest text of one cell, in characters. Descriptions end near 255.
const MAX_TEXT: usize = 4096;

/// Which columns say something about a kind of thing, beside `device`, `kind`,
/// `name` and `source`.
fn belongs(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Interface => &[
            "parent",
            "encapsulation",
            "outer",
            "inner",
            "tpid",
            "l2",
            "bundle",
            "service_kind",
            "service",
            "admin",
            "description",
        ],
        Kind::BridgeDomain => &["router_interface", "admin", "description"],
        // `admin` and `description` are kept and shown, not compared.
        Kind::Service => &["service_kind", "neighbours", "admin", "description"],
        Kind::Vlan => &["admin", "description"],
    }
}

/// Takes the entries of one file, one after the other.
#[derive(Default)]
pub(super) struct Settler {
    records: Vec<Record>,
    seen: HashMap<(DeviceName, FactKey), Place>,
}

impl Settler {
    /// Settles one entry. `cell` gives the text of a column, untrimmed; empty is absent.
    pub(super) fn add<'c>(
        &mut self,
        place: Place,
        cell: impl Fn(&str) -> &'c str,
        problems: &mut Problems<'_>,
    ) {
        let mut entry = Entry { place, cell, good: true, problems };
        let Some(record) = entry.settle() else { return };
        if let Some(&before) = self.seen.get(&(record.device.clone(), record.key())) {
            let fault = Fault::RecordTwice {
                device: record.device.to_string(),
                kind: record.kind.as_str(),
                name: record.name,
                place: before,
            };
            problems.add(place, None, fault);
            return;
        }
        self.seen.insert((record.device.clone(), record.key()), place);
        self.records.push(record);
    }

    pub(super) fn finish(self) -> Vec<Record> {
        self.records
    }
}

struct Entry<'a, 'p, F> {
    place: Place,
    cell: F,
    good: bool,
    problems: &'a mut Problems<'p>,
}

impl<'c, F: Fn(&str) -> &'c str> Entry<'_, '_, F> {
    fn settle(&mut self) -> Option<Record> {
        let device = self.required("device").and_then(|value| match DeviceName::new(value) {
            Ok(name) => Some(name),
            Err(why) => {
                let value = value.to_owned();
                self.refuse("device", Fault::DeviceName { value, why: why.to_string() });
                None
            }
        });
        let kind = self.required("kind").and_then(|v| self.choice("kind", v, KINDS)).and_then(Kind::parse);
        let name = self.required("name");
        let kind = kind?;
        for column in COLUMNS.allowed {
            let always = ["device", "kind", "name", "source"].contains(column);
            if !always && !belongs(kind).contains(column) && self.trimmed(column).is_some() {
                self.refuse(column, Fault::NotOfKind { value: (*column).to_owned(), kind: kind.as_str() });
            }
        }
        let service_kind = self.chosen("service_kind", SERVICE_KINDS);
        let name = name.and_then(|name| self.key(kind, name, service_kind));
        let encapsulation = self.chosen("encapsulation", ENCAPSULATIONS);
        let outer = self.tags("outer");
        let inner = self.tags("inner");
        self.check_tagging(encapsulation, outer.as_deref(), inner.as_deref());
        let record = Record {
            device: device?,
            kind,
            name: name?,
            parent: self.text("parent"),
            encapsulation: encapsulation.map(str::to_owned),
            outer,
            inner,
            tpid: self.tpid(),
            l2: self.chosen("l2", YES_OR_NO).map(|word| ["true", "yes", "1"].contains(&word)),
            bundle: self.text("bundle"),
            service_kind: service_kind.map(str::to_owned),
            service: self.text("service"),
            neighbours: self.neighbours(),
            router_interface: self.text("router_interface"),
            admin: self.chosen("admin", UP_OR_DOWN).map(|word| {
                let up = word == "up" || word == "enabled";
                (if up { "up" } else { "down" }).to_owned()
            }),
            description: self.description(),
            source: self
                .chosen("source", SOURCES)
                .and_then(RecordSource::parse)
                .unwrap_or(RecordSource::Imported),
        };
        self.good.then_some(record)
    }

    fn refuse(&mut self, column: &'static str, fault: Fault) {
        self.good = false;
        self.problems.add(self.place, Some(column), fault);
    }

    fn trimmed(&self, column: &str) -> Option<&'c str> {
        Some((self.cell)(column).trim()).filter(|text| !text.is_empty())
    }

    fn required(&mut self, column: &'static str) -> Option<&'c str> {
        let value = self.trimmed(column);
        if value.is_none() {
            self.refuse(column, Fault::Required);
        }
        value
    }

    /// One of `allowed`, whatever its case, with `_` for `-`.
    fn choice(
        &mut self,
        column: &'static str,
        value: &str,
        allowed: &'static [&'static str],
    ) -> Option<&'static str> {
        let word = value.to_lowercase().replace('_', "-");
        let found = allowed.iter().copied().find(|a| *a == word);
        if found.is_none() {
            self.refuse(column, Fault::Choice { value: value.to_owned(), allowed });
        }
        found
    }

    fn chosen(&mut self, column: &'static str, allowed: &'static [&'static str]) -> Option<&'static str> {
        self.trimmed(column).and_then(|value| self.choice(column, value, allowed))
    }

    /// A name: one line, nothing unseen in it.
    fn named(&mut self, column: &'static str, value: &str) -> Option<String> {
        if value.chars().any(is_unseen) {
            self.refuse(column, Fault::Unseen { value: value.to_owned() });
            return None;
        }
        if value.chars().count() > MAX_TEXT {
            self.refuse(column, Fault::TooLong { value: value.to_owned(), max: MAX_TEXT });
            return None;
        }
        Some(value.to_owned())
    }

    fn text(&mut self, column: &'static str) -> Option<String> {
        self.trimmed(column).and_then(|value| self.named(column, value))
    }

    /// A description is the operator's own text: it is kept to the last blank,
    /// and line ends and tabs may be in it.
    fn description(&mut self) -> Option<String> {
        let value = (self.cell)("description");
        if value.is_empty() {
            return None;
        }
        if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.refuse("description", Fault::Unseen { value: value.to_owned() });
            return None;
        }
        if value.chars().count() > MAX_TEXT {
            self.refuse("description", Fault::TooLong { value: value.to_owned(), max: MAX_TEXT });
            return None;
        }
        Some(value.to_owned())
    }

    /// The key of the thing. A service may stand there by `kind/name`, which is
    /// its key, or by its plain name beside a `service_kind`. A name that begins
    /// with that same kind and `/` is taken for the key.
    fn key(&mut self, kind: Kind, name: &str, service_kind: Option<&'static str>) -> Option<String> {
        let name = self.named("name", name)?;
        match kind {
            Kind::Interface | Kind::BridgeDomain => Some(name),
            Kind::Vlan => match name.parse::<u16>() {
                Ok(id) if (1..=4094).contains(&id) && !name.starts_with('+') => Some(id.to_string()),
                _ => {
                    self.refuse("name", Fault::VlanId { value: name });
                    None
                }
            },
            Kind::Service => {
                let prefix = name
                    .split_once('/')
                    .filter(|(_, rest)| !rest.trim().is_empty())
                    .and_then(|(first, _)| ServiceKind::parse(first))
                    .map(ServiceKind::as_str);
                match (prefix, service_kind) {
                    (Some(prefix), Some(kind)) if prefix != kind => {
                        self.refuse("name", Fault::ServiceKind { value: name, kind });
                        None
                    }
                    (Some(_), _) => Some(name),
                    (None, Some(kind)) => Some(format!("{kind}/{name}")),
                    (None, None) => {
                        // A mistyped kind was told already.
                        if self.trimmed("service_kind").is_none() {
                            self.refuse("name", Fault::ServiceName { value: name });
                        }
                        None
                    }
                }
            }
        }
    }

    fn tags(&mut self, column: &'static str) -> Option<String> {
        let value = self.trimmed(column)?;
        let tags = canonical_tags(value);
        if tags.is_none() {
            self.refuse(column, Fault::Tags { value: value.to_owned() });
        }
        tags
    }

    /// Combinations that no device can have, so that the record would differ for ever.
    fn check_tagging(
        &mut self,
        encapsulation: Option<&'static str>,
        outer: Option<&str>,
        inner: Option<&str>,
    ) {
        let Some(encapsulation) = encapsulation else { return };
        let tags = [("outer", outer), ("inner", inner)];
        for (column, value) in tags.into_iter().filter_map(|(c, v)| v.map(|v| (c, v))) {
            let hint = match encapsulation {
                "none" => "",
                "dot1q" if column == "inner" => "; two tags are qinq",
                "dot1q" | "qinq" if is_many(value) => "; more than one id is a range",
                _ => continue,
            };
            let value = format!("{column} {value}");
            self.refuse(column, Fault::Encapsulation { value, encapsulation, hint });
        }
    }

    /// `0x88a8`, whatever its case, with or without `0x`. 0x8100 is what
    /// devices do unless told otherwise; facts do not mention it, nor do records.
    fn tpid(&mut self) -> Option<String> {
        let value = self.trimmed("tpid")?;
        let lower = value.to_lowercase();
        let digits = lower.strip_prefix("0x").unwrap_or(&lower);
        if digits.len() != 4 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            self.refuse("tpid", Fault::Tpid { value: value.to_owned() });
            return None;
        }
        (digits != "8100").then(|| format!("0x{digits}"))
    }

    /// `address:id address:id`, each once, in the order of [`crate::model::fact::neighbours_text`].
    fn neighbours(&mut self) -> Option<String> {
        let value = self.trimmed("neighbours")?;
        let value = self.named("neighbours", value)?;
        let mut list: Vec<&str> = value
            .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
            .filter(|n| !n.is_empty())
            .collect();
        list.sort_unstable();
        list.dedup();
        Some(list.join(" ")).filter(|list| !list.is_empty())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn settle(cells: &[(&str, &'static str)]) -> Result<Record, String> {
        let mut problems = Problems::new("f");
        let mut settler = Settler::default();
        let base = [("device", "d1")];
        let cell = |column: &str| {
            cells.iter().chain(&base).find(|(c, _)| *c == column).map_or("", |(_, value)| *value)
        };
        settler.add(Place::Line(2), cell, &mut problems);
        problems.or(()).map_err(|error| error.to_string())?;
        Ok(settler.finish().remove(0))
    }

    #[test]
    fn the_word_lists_are_those_of_the_model() {
        assert!(KINDS.iter().copied().eq(Kind::ALL.map(Kind::as_str)));
        assert!(SERVICE_KINDS.iter().copied().eq(ServiceKind::ALL.map(ServiceKind::as_str)));
        assert!(SOURCES.iter().all(|s| RecordSource::parse(s).is_some()));
        for word in ENCAPSULATIONS {
            let kind = serde_json::from_value::<crate::model::EncapsulationKind>((*word).into());
            assert!(kind.is_ok(), "{word}");
        }
    }

    #[test]
    fn words_are_settled() {
        let record = settle(&[
            ("kind", "Interface"),
            ("name", " ge100-0/0/1.350 "),
            ("encapsulation", "Range"),
            ("outer", "360, 350,351"),
            ("tpid", "0X88A8"),
            ("l2", "Yes"),
            ("admin", "Enabled"),
            ("service_kind", "bridge_domain"),
            ("description", " to B "),
        ])
        .unwrap();
        assert_eq!(record.name, "ge100-0/0/1.350");
        assert_eq!(record.outer.as_deref(), Some("350-351,360"));
        assert_eq!(record.tpid.as_deref(), Some("0x88a8"));
        assert_eq!((record.l2, record.admin.as_deref()), (Some(true), Some("up")));
        assert_eq!(record.service_kind.as_deref(), Some("bridge-domain"));
        assert_eq!(record.description.as_deref(), Some(" to B "));
        assert_eq!((record.parent, record.source), (None, RecordSource::Imported));
    }

    #[test]
    fn the_default_tpid_is_not_managed() {
        let record = settle(&[("kind", "interface"), ("name", "x"), ("tpid", "8100")]).unwrap();
        assert_eq!(record.tpid, None);
    }

    #[test]
    fn a_service_is_keyed_by_kind_and_name() {
        let key = |cells: &[_]| settle(&[&[("kind", "service")], cells].concat()).map(|record| record.name);
        assert_eq!(key(&[("name", "cust/1"), ("service_kind", "vpws")]).unwrap(), "vpws/cust/1");
        assert_eq!(key(&[("name", "vpws/cust")]).unwrap(), "vpws/cust");
        assert_eq!(key(&[("name", "vpws/cust"), ("service_kind", "vpws")]).unwrap(), "vpws/cust");
        assert!(
            key(&[("name", "vpws/cust"), ("service_kind", "evpn")]).unwrap_err().contains("another kind")
        );
        assert!(key(&[("name", "cust")]).unwrap_err().contains("names no kind of service"));
        assert!(
            key(&[("name", "cust"), ("service_kind", "vpvs")]).unwrap_err().contains("did you mean vpws?")
        );
    }

    #[test]
    fn neighbours_are_sorted_and_counted_once() {
        let cells =
            [("kind", "service"), ("name", "vpls/a"), ("neighbours", "10.0.0.2:9, 10.0.0.1:8;10.0.0.2:9")];
        assert_eq!(settle(&cells).unwrap().neighbours.as_deref(), Some("10.0.0.1:8 10.0.0.2:9"));
    }

    #[test]
    fn what_no_device_can_have_is_refused() {
        for (cells, told) in [
            (&[("kind", "vlan"), ("name", "4095")][..], "column name: \"4095\" is no VLAN id"),
            (&[("kind", "vlan"), ("name", "0")], "no VLAN id"),
            (&[("kind", "port"), ("name", "x")], "column kind: \"port\" is none of interface, bridge-domain"),
            (&[("kind", "interface"), ("name", "x"), ("outer", "5000")], "column outer"),
            (&[("kind", "interface"), ("name", "x"), ("encapsulation", "vlan")], "column encapsulation"),
            (
                &[("kind", "interface"), ("name", "x"), ("encapsulation", "dot1q"), ("outer", "1-9")],
                "more than one id is a range",
            ),
            (
                &[("kind", "interface"), ("name", "x"), ("encapsulation", "dot1q"), ("inner", "9")],
                "two tags are qinq",
            ),
            (
                &[("kind", "interface"), ("name", "x"), ("encapsulation", "none"), ("outer", "9")],
                "column outer",
            ),
            (&[("kind", "bridge-domain"), ("name", "x"), ("outer", "9")], "has no \"outer\"; leave it empty"),
            (&[("kind", "interface"), ("name", "x"), ("tpid", "9100x")], "column tpid"),
            (&[("kind", "interface"), ("name", "x"), ("l2", "maybe")], "column l2"),
            (&[("kind", "interface"), ("name", "a\u{7}b")], "column name"),
            (&[("kind", "interface"), ("name", "x"), ("source", "manual")], "column source"),
            (&[("kind", "interface")], "column name: is empty"),
        ] {
            let error = settle(cells).unwrap_err();
            assert!(error.contains(told), "{cells:?}: {error}");
            assert!(!error.contains('\u{7}'));
        }
    }
}
