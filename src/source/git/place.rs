//! Which device a file of such a repository is of.
//!
//! Oxidized keeps `GROUP/NAME` or `NAME`, RANCID `GROUP/configs/NAME` or
//! `configs/NAME`, and people's own scripts `NAME.cfg`. So the last part is the
//! device and the parts before it are its group, whoever wrote it.

use std::collections::HashMap;

use crate::model::DeviceName;

/// Endings that scripts give to configurations.
const ENDINGS: [&str; 5] = [".cfg", ".conf", ".config", ".txt", ".xml"];

/// Files that are about the repository or about its poller.
const NO_DEVICES: [&str; 7] =
    ["router.db", "routers.all", "routers.up", "routers.down", "README", "LICENSE", "Makefile"];

/// Devices by the names that files have.
#[derive(Clone, Debug, Default)]
pub struct Places<T> {
    exact: HashMap<String, T>,
    /// Names in lower case; `None` where two devices share one.
    folded: HashMap<String, Option<T>>,
}

/// A file that is of no device of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// The name that a device would have, if it can be one.
    pub name: Option<DeviceName>,
    pub group: String,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    Device(T),
    Stray(Stray),
    /// Nothing about a device.
    Other,
}

impl<T: Copy> Places<T> {
    pub fn new<'a>(devices: impl IntoIterator<Item = (&'a DeviceName, T)>) -> Self {
        let mut places = Self { exact: HashMap::new(), folded: HashMap::new() };
        for (name, device) in devices {
            places.exact.insert(name.as_str().to_owned(), device);
            places
                .folded
                .entry(name.as_str().to_ascii_lowercase())
                .and_modify(|known| *known = None)
                .or_insert(Some(device));
        }
        places
    }

    /// Whose a file is: its very name, the same in other letters, without its
    /// ending, without its domain.
    pub fn of(&self, path: &[u8]) -> Found<T> {
        let text = String::from_utf8_lossy(path);
        let (folders, file) = text.rsplit_once('/').unwrap_or(("", &text));
        let hidden = file.starts_with('.') || folders.split('/').any(|part| part.starts_with('.'));
        if hidden || file.is_empty() || NO_DEVICES.iter().any(|other| file.starts_with(other)) {
            return Found::Other;
        }
        let bare = ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(file);
        let host = bare.split('.').next().unwrap_or(bare);
        // An address is no name with a domain.
        let host = if bare.parse::<std::net::IpAddr>().is_ok() { bare } else { host };
        for name in [file, bare, host] {
            let folded = || self.folded.get(&name.to_ascii_lowercase()).copied().flatten();
            if let Some(device) = self.exact.get(name).copied().or_else(folded) {
                return Found::Device(device);
            }
        }
        let group = folders.strip_suffix("configs").unwrap_or(folders).trim_end_matches('/');
        // A name with a replacement character is none that a person typed.
        let name = std::str::from_utf8(path).ok().and_then(|_| DeviceName::new(bare).ok());
        Found::Stray(Stray { name, group: group.to_owned() })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_the_device_that_it_is_called_after() {
        let names = ["leaf1", "Spine-1", "core1.example.net", "edge1.example.net", "SW1", "sw1"];
        let names: Vec<DeviceName> = names.iter().map(|name| DeviceName::new(name).unwrap()).collect();
        let places = Places::new(names.iter().zip(0..));
        let of = |path: &str| match places.of(path.as_bytes()) {
            Found::Device(device) => names[device].as_str().to_owned(),
            Found::Stray(stray) => format!("? {:?} in {:?}", stray.name.map(|n| n.to_string()), stray.group),
            Found::Other => String::new(),
        };
        for (path, device) in [
            ("leaf1", "leaf1"),
            ("fra/leaf1", "leaf1"),
            ("fra/configs/leaf1", "leaf1"),
            ("configs/spine-1", "Spine-1"),
            ("a/b/leaf1.cfg", "leaf1"),
            ("leaf1.example.net", "leaf1"),
            ("core1.example.net", "core1.example.net"),
            ("sw1", "sw1"),
            // Two devices differ in their letters only: neither is guessed.
            ("Sw1", "? Some(\"Sw1\") in \"\""),
            ("fra/configs/leaf9", "? Some(\"leaf9\") in \"fra\""),
            ("10.0.0.1", "? Some(\"10.0.0.1\") in \"\""),
            ("fra/router.db", ""),
            (".gitignore", ""),
            ("README.md", ""),
        ] {
            assert_eq!(of(path), device, "{path}");
        }
        let hostile = places.of(b"x/\xff\x1b[2J$(reboot)");
        assert!(matches!(hostile, Found::Stray(Stray { name: None, .. })), "{hostile:?}");
        assert!(matches!(places.of(b"../;rm -rf"), Found::Other | Found::Stray(Stray { name: None, .. })));
    }
}
