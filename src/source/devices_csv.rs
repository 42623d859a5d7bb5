//! The inventory as a CSV file: one device a line.
//!
//! ```csv
//! name,address,platform,site,tags
//! leaf-1,192.0.2.11,drivenets_dnos,fra1,edge;prod
//! ```
//!
//! Only `name`, `address` and `platform` must be there. An unknown platform is
//! accepted: that device's outcome is `unsupported`, and the others are read.

use std::collections::HashMap;
use std::net::IpAddr;

use super::table::{self, Columns, Row, Sheet};
use super::{Fault, Problems, SourceError, is_unseen};
use crate::model::{Device, DeviceName};

/// The columns of the contract, in its order.
const COLUMNS: Columns = Columns {
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

/// Reads an inventory. `file` is the name to say in an error.
///
/// Two devices may share address and port only behind different jump hosts:
/// private address ranges repeat, a box does not.
pub fn read_devices(text: &str, file: &str) -> Result<Vec<Device>, SourceError> {
    let mut problems = Problems::new(file);
    let mut devices = Vec::new();
    let mut seen = Seen::default();
    table::read(text, &COLUMNS, &mut problems, |row, problems| {
        if let Some(device) = settle(&row, problems) {
            seen.check(&device, &row, problems);
            devices.push(device);
        }
    });
    let devices = problems.or(devices)?;
    if devices.is_empty() {
        return Err(SourceError::Empty { file: super::shown(file, 200) });
    }
    Ok(devices)
}

/// The same file back, with every column. `read_devices` gives what was written.
pub fn write_devices(devices: &[Device]) -> String {
    let mut sheet = Sheet::new(&COLUMNS);
    for device in devices {
        let port = device.port.to_string();
        let importance = device.importance.to_string();
        let tags = device.tags.join(";");
        sheet.put([
            device.name.as_str(),
            &device.address,
            &port,
            &device.platform,
            &device.role,
            &device.site,
            &importance,
            &tags,
            device.jump.as_deref().unwrap_or(""),
            device.credential.as_deref().unwrap_or(""),
        ]);
    }
    sheet.finish()
}

/// One row as a device. All that is wrong with it is told, not the first only.
fn settle(row: &Row, problems: &mut Problems<'_>) -> Option<Device> {
    let mut good = true;
    let mut take = |column: &'static str, check: fn(&str) -> Result<(), Fault>| {
        let value = row.cell(column).trim();
        let checked = if value.is_empty() && COLUMNS.required.contains(&column) {
            Err(Fault::Required)
        } else if value.is_empty() {
            Ok(())
        } else {
            check(value)
        };
        if let Err(fault) = checked {
            problems.add(row.place, Some(column), fault);
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

/// The lines that names and addresses were on.
#[derive(Default)]
struct Seen {
    /// Name in lower case → the name as written, its line.
    names: HashMap<String, (String, u64)>,
    /// Address, port, jump host → device name, line.
    addresses: HashMap<(String, u16, String), (String, u64)>,
}

impl Seen {
    fn check(&mut self, device: &Device, row: &Row, problems: &mut Problems<'_>) {
        let super::Place::Line(line) = row.place else { return };
        let name = device.name.as_str().to_owned();
        match self.names.get(&name.to_lowercase()) {
            Some((other, before)) => {
                let fault = if *other == name {
                    Fault::DeviceTwice { name: name.clone(), line: *before }
                } else {
                    Fault::CaseClash { name: name.clone(), other: other.clone(), line: *before }
                };
                problems.add(row.place, Some("name"), fault);
                // The same device twice has the same address: one problem, not two.
                return;
            }
            None => drop(self.names.insert(name.to_lowercase(), (name.clone(), line))),
        }
        let jump = device.jump.clone().unwrap_or_default().to_lowercase();
        let place = (one_form(&device.address), device.port, jump);
        match self.addresses.get(&place) {
            Some((other, before)) => {
                let (address, port) = (device.address.clone(), device.port);
                let fault = Fault::AddressTwice { address, port, other: other.clone(), line: *before };
                problems.add(row.place, Some("address"), fault);
            }
            None => drop(self.addresses.insert(place, (name, line))),
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "name,address,port,platform,role,site,importance,tags,jump,credential\n";

    fn refused(text: &str) -> String {
        read_devices(text, "devices.csv").unwrap_err().to_string()
    }

    #[test]
    fn the_three_required_columns_are_enough() {
        let devices = read_devices("platform,name,address\ndrivenets_dnos,leaf-1,192.0.2.1\n", "f").unwrap();
        let only = &devices[0];
        assert_eq!((only.name.as_str(), only.port, only.importance), ("leaf-1", 22, 1.0));
        assert_eq!((only.role.as_str(), only.jump.as_deref(), only.tags.len()), ("", None, 0));
    }

    #[test]
    fn byte_order_marks_crlf_spaces_and_case_of_the_header_are_fine() {
        let text =
            "\u{feff}Name, Address ,Platform,TAGS\r\n leaf-1 ,[2001:db8::1],dnos,edge; prod edge\r\n,,,\r\n";
        let devices = read_devices(text, "f").unwrap();
        assert_eq!(devices[0].address, "2001:db8::1");
        assert_eq!(devices[0].tags, ["edge", "prod"]);
    }

    #[test]
    fn every_problem_is_told_with_its_line_and_column() {
        for (row, told) in [
            ("a,192.0.2.1,70000,x,,,,,,", r#"devices.csv:2: column port: "70000" is no port"#),
            ("a,192.0.2.1,0,x,,,,,,", "column port"),
            ("a,192.0.2.1,,x,,,-1,,,", "column importance"),
            ("a,192.0.2.1,,x,,,NaN,,,", "column importance"),
            ("a,10.0.0.256,,x,,,,,,", "column address"),
            ("a,10.0.0.1/24,,x,,,,,,", "column address"),
            ("a,10.0.0.1:22,,x,,,,,,", "column address"),
            ("a,-oProxyCommand=x,,x,,,,,,", "column address"),
            ("../../x,192.0.2.1,,x,,,,,,", "column name"),
            ("a\u{1b}[0m,192.0.2.1,,x,,,,,,", r#"column name: "a\u{1b}[0m" will not do"#),
            ("a,192.0.2.1,,,,,,,,", "column platform: is empty"),
            ("a,192.0.2.1,,x,,,,,two words,", "column jump"),
            ("a,192.0.2.1,,x", "has 4 cells where the first line names 10 columns"),
            ("\"a,192.0.2.1,,x,,,,,,\nb,192.0.2.2,,x,,,,,,", "devices.csv:2: a quotation mark is opened"),
        ] {
            let error = refused(&format!("{HEADER}{row}\n"));
            assert!(error.contains(told), "{row}: {error}");
            assert!(!error.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_wrong_header_names_the_column_and_the_allowed_ones() {
        let error = refused("name,adress,platform\na,b,c\n");
        assert!(error.contains("no column is called \"adress\" (did you mean address?)"), "{error}");
        assert!(error.contains("allowed are name,address,port"), "{error}");
        assert!(error.contains("the column address is missing"), "{error}");
        assert!(refused("name;address;platform\n").contains("separated by ';'"));
        assert!(refused("").contains("the column name is missing"));
        assert!(refused("name,address,platform,name\n").contains("there twice"));
    }

    #[test]
    fn two_of_a_kind_are_refused_with_both_lines() {
        let error = refused("name,address,platform\r\na,192.0.2.1,x\r\n\r\na,192.0.2.2,x\r\n");
        assert!(error.contains("devices.csv:4: column name: \"a\" is already on line 2"), "{error}");
        let error = refused("name,address,platform\nLeaf,192.0.2.1,x\nleaf,192.0.2.2,x\n");
        assert!(
            error.contains(
                "devices.csv:3: column name: \"leaf\" differs only in case from \"Leaf\" on line 2"
            )
        );
        let error = refused("name,address,platform\na,2001:db8::1,x\nb,2001:DB8:0::1,x\n");
        assert!(
            error.contains("devices.csv:3: column address: \"2001:DB8:0::1\" port 22 is also"),
            "{error}"
        );
        assert!(error.contains("of \"a\" on line 2"), "{error}");
        let other_port = "name,address,port,platform\na,192.0.2.1,22,x\nb,192.0.2.1,2222,x\n";
        assert!(read_devices(other_port, "f").is_ok());
        let other_jump = "name,address,platform,jump\na,10.0.0.1,x,j1\nb,10.0.0.1,x,j2\n";
        assert!(read_devices(other_jump, "f").is_ok());
    }

    #[test]
    fn an_empty_inventory_is_a_mistake() {
        assert!(matches!(read_devices(HEADER, "f"), Err(SourceError::Empty { .. })));
    }

    #[test]
    fn twenty_problems_are_listed_and_the_rest_is_counted() {
        let rows = "a b,192.0.2.1,x\n".repeat(25);
        let error = refused(&format!("name,address,platform\n{rows}"));
        assert!(error.contains("25 problems") && error.ends_with("and 5 more"), "{error}");
        assert_eq!(error.lines().count(), 22);
    }

    #[test]
    fn the_sample_inventory_is_good() {
        let sample = include_str!("../../config/devices.csv");
        assert!(read_devices(sample, "config/devices.csv").is_ok());
    }

    prop_compose! {
        fn any_device(n: usize)(
            stem in "[a-zA-Z0-9@=+][a-zA-Z0-9._+=@']{0,12}",
            port in 1..=u16::MAX,
            platform in "[a-z][a-z_]{1,10}",
            role in "([=+@']?[a-zäß\"]([a-z ,'\"]{0,8}[a-z])?)?",
            importance in 0.001..1000.0,
            tags in prop::collection::btree_set("[=@a-z-]{1,6}", 0..4),
            jump in prop::option::of("[a-z@]{1,8}"),
        ) -> Device {
            Device {
                name: DeviceName::new(&format!("{stem}.{n}")).unwrap(),
                address: format!("host-{n}.example"),
                port,
                platform,
                role: role.clone(),
                site: role,
                importance,
                tags: tags.into_iter().collect(),
                credential: jump.clone(),
                jump,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(devices in (1..6usize).prop_flat_map(|n| (0..n).map(any_device).collect::<Vec<_>>())) {
            prop_assert_eq!(read_devices(&write_devices(&devices), "f").unwrap(), devices);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*", rows in "[a-z,\"'\r\n\t=\u{feff}]{0,80}") {
            let _ = read_devices(&text, "f");
            if let Err(error) = read_devices(&format!("{HEADER}{rows}{text}"), "f") {
                prop_assert!(!error.to_string().chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}
