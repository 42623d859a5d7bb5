//! Whose line is it? By the name in the line if the inventory has it, because
//! a relay speaks for others; else by the sender's address. An address that
//! several devices share says nothing, nor does a short name that several have.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::Device;
use crate::model::device::DeviceId;
use crate::platform::{self, Platform};

/// The devices that may speak. Addresses that are host names are not looked
/// up: such a device is known by its name.
#[derive(Clone, Debug, Default)]
pub struct Book {
    platforms: HashMap<DeviceId, &'static Platform>,
    names: HashMap<String, Option<DeviceId>>,
    addresses: HashMap<IpAddr, Option<DeviceId>>,
}

impl Book {
    pub fn new<'a>(devices: impl IntoIterator<Item = (DeviceId, &'a Device)>) -> Self {
        let mut book = Self::default();
        let mut short = HashMap::new();
        for (id, device) in devices {
            let Some(platform) = platform::by_name(&device.platform) else { continue };
            book.platforms.insert(id, platform);
            let name = device.name.as_str().to_lowercase();
            if let Some((head, _)) = name.split_once('.')
                && name.parse::<IpAddr>().is_err()
            {
                note(&mut short, head.to_owned(), id);
            }
            note(&mut book.names, name, id);
            if let Ok(address) = device.address.parse::<IpAddr>() {
                note(&mut book.addresses, address.to_canonical(), id);
            }
        }
        for (name, id) in short {
            book.names.entry(name).or_insert(id);
        }
        book
    }

    /// The device that `host` or `from` names.
    pub fn find(&self, from: IpAddr, host: Option<&str>) -> Option<(DeviceId, &'static Platform)> {
        let id = host.and_then(|host| self.by_name(host)).or_else(|| *self.addresses.get(&from)?)?;
        Some((id, *self.platforms.get(&id)?))
    }

    fn by_name(&self, host: &str) -> Option<DeviceId> {
        let host = host.to_lowercase();
        if let Some(id) = self.names.get(&host) {
            return *id;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return *self.addresses.get(&address.to_canonical())?;
        }
        // The line may have the long name where the inventory has the short one.
        let (head, _) = host.split_once('.')?;
        *self.names.get(head)?
    }
}

/// Two with one name or address: it says nothing then.
fn note<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Option<DeviceId>>, key: K, id: DeviceId) {
    map.entry(key).and_modify(|known| *known = None).or_insert(Some(id));
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(super) mod tests {
    use super::*;
    use crate::model::DeviceName;

    pub(in crate::signal) fn device(name: &str, address: &str, platform: &str) -> Device {
        Device {
            name: DeviceName::new(name).unwrap(),
            address: address.to_owned(),
            port: 22,
            platform: platform.to_owned(),
            role: String::new(),
            site: String::new(),
            importance: 1.0,
            tags: Vec::new(),
            jump: None,
            credential: None,
        }
    }

    #[test]
    fn by_name_first_then_by_address() {
        let devices = [
            device("leaf1.fra", "192.0.2.1", "arista_eos"),
            device("leaf2.fra", "192.0.2.2", "arista_eos"),
            device("both.a", "192.0.2.9", "arista_eos"),
            device("both.b", "192.0.2.9", "arista_eos"),
            device("core1", "core1.example.net", "juniper_junos"),
            device("strange", "192.0.2.3", "acme_os"),
        ];
        let book = Book::new((1..).zip(&devices));
        let find = |from: &str, host| book.find(from.parse().unwrap(), host).map(|(id, _)| id);
        assert_eq!(find("192.0.2.1", None), Some(1));
        assert_eq!(find("192.0.2.1", Some("LEAF2.fra")), Some(2), "a relay speaks for others");
        assert_eq!(find("192.0.2.1", Some("leaf2")), Some(2));
        assert_eq!(find("192.0.2.1", Some("nobody")), Some(1));
        assert_eq!(find("198.51.100.1", Some("192.0.2.2")), Some(2));
        assert_eq!(find("198.51.100.1", Some("core1.example.net")), Some(5));
        assert_eq!(find("192.0.2.9", Some("both")), None, "two share the address and the short name");
        assert_eq!(find("192.0.2.3", None), None, "nobody reads what its platform says");
    }
}
