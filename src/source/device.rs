//! One device as it stands in an inventory, of whatever format → a device as
//! we keep it.
//!
//! Every reader of inventories comes through here, so that a port, an address
//! or a name is judged in one way, and two devices with one name or one
//! address are found whatever wrote them.

use std::collections::HashMap;
use std::net::IpAddr;

use super::table::Columns;
use super::{Fault, Place, Problems, SourceError, is_unseen};
use crate::model::{Device, DeviceName};

/// The columns of the contract, in its order.
pub(super) const COLUMNS: Columns = Columns {
    allowed: &[
        "name",
        "address",
        "port",
        "platform",
        "role",
        "site",
        "importance",
        "tags",
        "jump",
        "credential",
    ],
    required: &["name", "address", "platform"],
};

const SSH_PORT: u16 = 22;

/// Takes the devices of one inventory, one after the other.
#[derive(Default)]
pub(super) struct Settler {
    devices: Vec<Device>,
    seen: Seen,
}

impl Settler {
    /// Settles one device. `cell` gives the text of a column of [`COLUMNS`],
    /// untrimmed; empty is absent.
    pub(super) fn add<'c>(
        &mut self,
        place: Place,
        cell: impl Fn(&str) -> &'c str,
        problems: &mut Problems<'_>,
    ) {
        if let Some(device) = settle(place, cell, problems) {
            self.seen.check(&device, place, problems);
            self.devices.push(device);
        }
    }

    /// All devices, or all that is wrong. None at all is wrong, too.
    pub(super) fn finish(self, problems: Problems<'_>) -> Result<Vec<Device>, SourceError> {
        let file = super::shown(problems.file, 200);
        let devices = problems.or(self.devices)?;
        if devices.is_empty() {
            return Err(SourceError::Empty { file });
        }
        Ok(devices)
    }
}

/// One row as a device. All that is wrong with it is told, not the first only.
fn settle<'c>(place: Place, cell: impl Fn(&str) -> &'c str, problems: &mut Problems<'_>) -> Option<Device> {
    let mut good = true;
    let mut take = |column: &'static str, check: fn(&str) -> Result<(), Fault>| {
        let value = cell(column).trim();
        let checked = if value.is_empty() && COLUMNS.required.contains(&column) {
            Err(Fault::Required)
        } else if value.is_empty() {
            Ok(())
        } else {
            check(value)
        };
        if let Err(fault) = checked {
            problems.add(place, Some(column), fault);
            good = false;
        }
        value
    };
    let name = take("name", |v| device_name(v).map(drop));
    let address = take("address", |v| address(v).map(drop));
    let port = take("port", |v| port(v).map(drop));
    let platform = take("platform", word);
    let role = take("role", label);
    let site = take("site", label);
    let importance = take("importance", |v| importance(v).map(drop));
    let tags = take("tags", label);
    let jump = take("jump", word);
    let credential = take("credential", word);
    if !good {
        return None;
    }
    let word_or_none = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(Device {
        name: device_name(name).ok()?,
        address: self::address(address).ok()?,
        port: if port.is_empty() { SSH_PORT } else { self::port(port).ok()? },
        platform: platform.to_owned(),
        role: role.to_owned(),
        site: site.to_owned(),
        importance: if importance.is_empty() { 1.0 } else { self::importance(importance).ok()? },
        tags: self::tags(tags),
        jump: word_or_none(jump),
        credential: word_or_none(credential),
    })
}

fn device_name(value: &str) -> Result<DeviceName, Fault> {
    DeviceName::new(value).map_err(|why| Fault::DeviceName { value: value.to_owned(), why: why.to_string() })
}

/// A host name or an IP address; `[2001:db8::1]` loses its brackets.
fn address(value: &str) -> Result<String, Fault> {
    let bad = || Fault::Address { value: value.to_owned() };
    if let Some(inner) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().map(|_| inner.to_owned()).map_err(|_| bad());
    }
    // `fe80::1%eth0`: the part after `%` names an interface of this machine.
    let (ip, zone) = value.split_once('%').map_or((value, None), |(ip, zone)| (ip, Some(zone)));
    let is_ip = match ip.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => zone.is_none_or(|z| !z.is_empty() && z.chars().all(is_host_character)),
        Ok(IpAddr::V4(_)) => zone.is_none(),
        Err(_) => false,
    };
    if is_ip || is_host_name(value) { Ok(value.to_owned()) } else { Err(bad()) }
}

/// As RFC 1123 has it, and `_`, which people do use. What looks like an IPv4
/// address and is none (`10.0.0.256`) is no host name.
fn is_host_name(value: &str) -> bool {
    let labels = value.strip_suffix('.').unwrap_or(value);
    let numeric = labels.rsplit('.').next().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()));
    labels.len() <= 253
        && !numeric
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(is_host_character)
        })
}

fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn port(value: &str) -> Result<u16, Fault> {
    let port = value.parse().ok().filter(|&port| port != 0 && !value.starts_with('+'));
    port.ok_or_else(|| Fault::Port { value: value.to_owned() })
}

fn importance(value: &str) -> Result<f64, Fault> {
    let number = value.parse().ok().filter(|&x: &f64| x > 0.0 && x <= 1000.0);
    number.ok_or_else(|| Fault::Importance { value: value.to_owned() })
}

/// Tags stand apart by `;`, `,` or white space; each counts once.
fn tags(value: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in value.split(|c: char| c == ';' || c == ',' || c.is_whitespace()).filter(|t| !t.is_empty()) {
        if !tags.iter().any(|t| t == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// Text for people and for `--limit`: one line, nothing unseen in it.
fn label(value: &str) -> Result<(), Fault> {
    if value.chars().any(is_unseen) {
        return Err(Fault::Unseen { value: value.to_owned() });
    }
    if value.chars().count() > 256 {
        return Err(Fault::TooLong { value: value.to_owned(), max: 256 });
    }
    Ok(())
}

/// A name of something else: of a platform, a jump host, a credential.
fn word(value: &str) -> Result<(), Fault> {
    label(value)?;
    if value.starts_with('-') || value.contains(char::is_whitespace) {
        return Err(Fault::Word { value: value.to_owned() });
    }
    Ok(())
}

/// The places that names and addresses were on.
#[derive(Default)]
struct Seen {
    /// Name in lower case → the name as written, its place.
    names: HashMap<String, (String, Place)>,
    /// Address, port, jump host → device name, place.
    addresses: HashMap<(String, u16, String), (String, Place)>,
}

impl Seen {
    fn check(&mut self, device: &Device, here: Place, problems: &mut Problems<'_>) {
        let name = device.name.as_str().to_owned();
        match self.names.get(&name.to_lowercase()) {
            Some((other, before)) => {
                let fault = if *other == name {
                    Fault::DeviceTwice { name: name.clone(), place: *before }
                } else {
                    Fault::CaseClash { name: name.clone(), other: other.clone(), place: *before }
                };
                problems.add(here, Some("name"), fault);
                // The same device twice has the same address: one problem, not two.
                return;
            }
            None => drop(self.names.insert(name.to_lowercase(), (name.clone(), here))),
        }
        let jump = device.jump.clone().unwrap_or_default().to_lowercase();
        let place = (one_form(&device.address), device.port, jump);
        match self.addresses.get(&place) {
            Some((other, before)) => {
                let (address, port) = (device.address.clone(), device.port);
                let fault = Fault::AddressTwice { address, port, other: other.clone(), place: *before };
                problems.add(here, Some("address"), fault);
            }
            None => drop(self.addresses.insert(place, (name, here))),
        }
    }
}

/// One spelling of an address: `2001:DB8:0::1` is `2001:db8::1`, and `R1.Example.` is `r1.example`.
fn one_form(address: &str) -> String {
    match address.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().to_string(),
        Err(_) => address.trim_end_matches('.').to_lowercase(),
    }
}
