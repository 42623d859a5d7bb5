//! Facts as rows: a version is appended when a fact is first seen or changed,
//! and when it is gone. Columns and not one JSON body, so that SQL can ask for
//! a VLAN; in this form they also take less room.
//!
//! Member lists of bridge domains and services are not stored: membership
//! belongs to the interface, so they are derived when facts are read.

use std::collections::{BTreeMap, HashMap};

use duckdb::{Appender, Row};

use super::append::DeviceResult;
use super::transaction::Tx;
use super::value::{json, list, maybe_word, parse_json, parse_list, parsed, unreadable, word};
use super::{Store, StoreError, value};
use crate::model::device::DeviceId;
use crate::model::{
    BridgeDomain, Encapsulation, Fact, FactKey, Interface, Kind, Neighbor, OperState, RunId, Service,
    ServiceKind, ServiceRef, Vlan,
};

const LIST: &str = include_str!("../../queries/fact_list.sql");
const AROUND: &str = include_str!("../../queries/fact_around.sql");

/// From so many facts in one result on, they go to the table of many.
const BULK: usize = 50;

impl Store {
    /// The facts of one device, ordered by kind and key: now, or as a run left them.
    pub fn facts(&self, device: DeviceId, as_of: Option<RunId>) -> Result<Vec<Fact>, StoreError> {
        Ok(self.facts_of(&[device], as_of)?.remove(&device).unwrap_or_default())
    }

    /// The same for several devices at once. A device without facts has no entry.
    pub fn facts_of(
        &self,
        devices: &[DeviceId],
        as_of: Option<RunId>,
    ) -> Result<HashMap<DeviceId, Vec<Fact>>, StoreError> {
        let mut facts: HashMap<DeviceId, Vec<Fact>> = HashMap::new();
        if devices.is_empty() {
            return Ok(facts);
        }
        let mut statement = self.db.prepare(LIST)?;
        let mut rows = statement.query(duckdb::params![value::id_list(devices), self.cutoff(as_of)?])?;
        while let Some(row) = rows.next()? {
            facts.entry(row.get(0)?).or_default().push(fact(row)?);
        }
        for facts in facts.values_mut() {
            derive_members(facts);
            facts.sort_by_cached_key(Fact::key);
        }
        Ok(facts)
    }

    /// Facts of one device around a few things, ordered by kind and key: those
    /// with one of `keys`, what is on `port`, what is in `services` (their
    /// names), all VLANs, and one port of the device, if any is known. Bridge domains and
    /// services that are not in `services` may lack members here.
    pub fn facts_around(
        &self,
        device: DeviceId,
        keys: &[&str],
        port: Option<&str>,
        services: &[&str],
    ) -> Result<Vec<Fact>, StoreError> {
        let mut statement = self.db.prepare(AROUND)?;
        let services = (!services.is_empty()).then(|| value::key_list(services));
        let mut rows = statement.query(duckdb::params![device, value::key_list(keys), port, services])?;
        let mut facts = Vec::new();
        while let Some(row) = rows.next()? {
            facts.push(fact(row)?);
        }
        derive_members(&mut facts);
        facts.sort_by_cached_key(Fact::key);
        Ok(facts)
    }
}

/// Appends what opened, what closed and what was newly observed.
pub(super) fn append(tx: &Tx<'_>, results: &[(i64, &DeviceResult)]) -> Result<(), StoreError> {
    let opened = results.iter().flat_map(|(seq, result)| {
        let bulk = result.opened.len() >= BULK;
        result.opened.iter().map(move |fact| (*seq, result.scan.device_id, bulk, Version::Opened(fact)))
    });
    let closed = results.iter().flat_map(|(seq, result)| {
        // A changed fact is its new version alone.
        let gone = |key: &&FactKey| !result.opened.iter().any(|fact| fact.key() == **key);
        let closed = result.closed.iter().filter(gone);
        closed.map(move |key| (*seq, result.scan.device_id, false, Version::Closed(key)))
    });
    let (bulk, steps): (Vec<_>, Vec<_>) = opened.chain(closed).partition(|(.., bulk, _)| *bulk);
    for (table, rows) in [("fact_bulk", bulk), ("fact_step", steps)] {
        tx.append(table, rows, |out, (seq, device, _, version)| match version {
            Version::Opened(fact) => append_row(out, seq, device, &fact.key(), true, &columns(fact)),
            Version::Closed(key) => append_row(out, seq, device, key, false, &Columns::default()),
        })?;
    }

    let observed = results.iter().flat_map(|(seq, result)| {
        // The row of an opened interface holds what was observed of it.
        let told: HashMap<&str, (Option<OperState>, Option<u32>)> = result
            .opened
            .iter()
            .filter_map(|fact| match fact {
                Fact::Interface(x) => Some((x.name.as_str(), (x.oper, x.mtu))),
                _ => None,
            })
            .collect();
        result
            .observed
            .iter()
            .filter(move |(name, oper, mtu)| told.get(name.as_str()) != Some(&(*oper, *mtu)))
            .map(move |row| (*seq, result.scan.device_id, row))
    });
    tx.append("observation", observed, |out, (seq, device, (name, oper, mtu))| {
        out.append_row(duckdb::params![seq, device, name, oper.as_ref().map(word), mtu.map(i64::from)])
    })?;
    Ok(())
}

enum Version<'a> {
    Opened(&'a Fact),
    Closed(&'a FactKey),
}

/// The columns of a fact row after its key; `None` where a kind has no such field.
#[derive(Default)]
struct Columns<'a> {
    parent: Option<&'a str>,
    encapsulation: Option<String>,
    outer: Option<&'a str>,
    inner: Option<&'a str>,
    tpid: Option<&'a str>,
    l2: Option<bool>,
    bundle: Option<&'a str>,
    service_kind: Option<&'static str>,
    service: Option<&'a str>,
    neighbours: Option<String>,
    router_interface: Option<&'a str>,
    admin: Option<String>,
    description: Option<&'a str>,
    configured: Option<bool>,
    as_printed: Option<String>,
    members: Option<String>,
    oper: Option<String>,
    mtu: Option<i64>,
}

fn columns(fact: &Fact) -> Columns<'_> {
    match fact {
        Fact::Interface(x) => Columns {
            parent: x.parent.as_deref(),
            encapsulation: Some(word(&x.encapsulation.kind)),
            outer: x.encapsulation.outer.as_deref(),
            inner: x.encapsulation.inner.as_deref(),
            tpid: x.encapsulation.tpid.as_deref(),
            l2: Some(x.l2),
            bundle: x.bundle.as_deref(),
            service_kind: x.service.as_ref().map(|service| service.kind.as_str()),
            service: x.service.as_ref().map(|service| service.name.as_str()),
            admin: x.admin.as_ref().map(word),
            description: x.description.as_deref(),
            configured: Some(x.configured),
            as_printed: shorten(&x.name, &x.as_printed),
            oper: x.oper.as_ref().map(word),
            mtu: x.mtu.map(i64::from),
            ..Columns::default()
        },
        Fact::BridgeDomain(x) => Columns {
            admin: x.admin.as_ref().map(word),
            description: x.description.as_deref(),
            router_interface: x.router_interface.as_deref(),
            ..Columns::default()
        },
        Fact::Service(x) => Columns {
            service_kind: Some(x.kind.as_str()),
            service: Some(&x.name),
            neighbours: list(&x.neighbors),
            ..Columns::default()
        },
        Fact::Vlan(x) => {
            Columns { description: x.name.as_deref(), members: list(&x.interfaces), ..Columns::default() }
        }
    }
}

fn append_row(
    out: &mut Appender<'_>,
    seq: i64,
    device: DeviceId,
    key: &FactKey,
    present: bool,
    c: &Columns<'_>,
) -> duckdb::Result<()> {
    out.append_row(duckdb::params![
        seq,
        device,
        key.kind.as_str(),
        key.key,
        present,
        c.parent,
        c.encapsulation,
        c.outer,
        c.inner,
        c.tpid,
        c.l2,
        c.bundle,
        c.service_kind,
        c.service,
        c.neighbours,
        c.router_interface,
        c.admin,
        c.description,
        c.configured,
        c.as_printed,
        c.members,
        c.oper,
        c.mtu,
    ])
}

/// `fact_list`'s row, from its second column on.
fn fact(row: &Row<'_>) -> Result<Fact, StoreError> {
    let kind = parsed("kind", &row.get::<_, String>(1)?, Kind::parse)?;
    let key: String = row.get(2)?;
    let admin = maybe_word("admin", row.get(14)?)?;
    let description = row.get(15)?;
    let service_kind = row
        .get::<_, Option<String>>(10)?
        .map(|text| parsed("service_kind", &text, ServiceKind::parse))
        .transpose()?;
    let service: Option<String> = row.get(11)?;
    Ok(match kind {
        Kind::Interface => Fact::Interface(Interface {
            as_printed: lengthen(&key, row.get::<_, Option<String>>(17)?.as_deref())?,
            name: key,
            parent: row.get(3)?,
            admin,
            oper: maybe_word("oper", row.get(19)?)?,
            description,
            mtu: row.get(20)?,
            encapsulation: Encapsulation {
                kind: maybe_word("encapsulation", row.get(4)?)?.unwrap_or_default(),
                outer: row.get(5)?,
                inner: row.get(6)?,
                tpid: row.get(7)?,
            },
            l2: row.get::<_, Option<bool>>(8)?.unwrap_or_default(),
            service: service_kind.zip(service).map(|(kind, name)| ServiceRef { kind, name }),
            bundle: row.get(9)?,
            configured: row.get::<_, Option<bool>>(16)?.unwrap_or(true),
        }),
        Kind::BridgeDomain => Fact::BridgeDomain(BridgeDomain {
            name: key,
            admin,
            description,
            interfaces: Vec::new(),
            router_interface: row.get(13)?,
        }),
        Kind::Service => {
            let (Some(kind), Some(name)) = (service_kind, service) else {
                return Err(unreadable("service", &key));
            };
            let neighbours: Option<String> = row.get(12)?;
            let neighbors: Vec<Neighbor> = parse_list("neighbours", neighbours.as_deref())?;
            Fact::Service(Service { kind, name, interfaces: Vec::new(), neighbors })
        }
        Kind::Vlan => {
            let members: Option<String> = row.get(18)?;
            Fact::Vlan(Vlan {
                id: key.parse().map_err(|_| unreadable("key", &key))?,
                name: description,
                interfaces: parse_list("members", members.as_deref())?,
            })
        }
    })
}

/// Fills the member lists of bridge domains and services from the interfaces.
fn derive_members(facts: &mut [Fact]) {
    let mut members: BTreeMap<ServiceRef, Vec<String>> = BTreeMap::new();
    for fact in facts.iter() {
        if let Fact::Interface(Interface { name, service: Some(service), .. }) = fact {
            members.entry(service.clone()).or_default().push(name.clone());
        }
    }
    for names in members.values_mut() {
        names.sort();
    }
    let mut take =
        |kind, name: &str| members.remove(&ServiceRef { kind, name: name.to_owned() }).unwrap_or_default();
    for fact in facts {
        match fact {
            Fact::BridgeDomain(x) => x.interfaces = take(ServiceKind::BridgeDomain, &x.name),
            Fact::Service(x) => x.interfaces = take(x.kind, &x.name),
            Fact::Interface(_) | Fact::Vlan(_) => {}
        }
    }
}

/// Printed forms as JSON. One that begins with the name is `=` and the rest,
/// so that thousands of rows hold the same few texts; any other is `~` and itself.
fn shorten(name: &str, printed: &[String]) -> Option<String> {
    let short = |form: &String| match form.strip_prefix(name) {
        Some(rest) => format!("={rest}"),
        None => format!("~{form}"),
    };
    (!printed.is_empty()).then(|| json(&printed.iter().map(short).collect::<Vec<_>>()))
}

fn lengthen(name: &str, stored: Option<&str>) -> Result<Vec<String>, StoreError> {
    let Some(stored) = stored else { return Ok(Vec::new()) };
    let forms: Vec<String> = parse_json("as_printed", stored)?;
    let long = |form: String| match form.split_at_checked(1) {
        Some(("=", rest)) => Ok(format!("{name}{rest}")),
        Some(("~", rest)) => Ok(rest.to_owned()),
        _ => Err(unreadable("as_printed", &form)),
    };
    forms.into_iter().map(long).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn printed_forms_survive_the_shortening() {
        let forms = ["ge0.1", "ge0.1 (L2)", "Ge0.1", "=odd", "~", "é", ""].map(str::to_owned);
        let stored = shorten("ge0.1", &forms).unwrap();
        assert!(stored.starts_with(r#"["=","= (L2)","#), "{stored}");
        assert_eq!(lengthen("ge0.1", Some(&stored)).unwrap(), forms);
        assert_eq!(shorten("x", &[]), None);
    }
}
