//! Commands in recommendations. They are meant to be pasted into a shell, and
//! the names in them come from devices and inventories: a name is quoted, and
//! one with unusual characters gives no command at all.

use crate::model::device::DeviceName;
use crate::model::drift::DriftId;

/// Up to so many drifts are named in one command.
const NAMED: usize = 12;

/// A word that a POSIX shell reads as exactly this text. `None` for what is
/// not plain printable ASCII, has a quote, or could be taken for an option.
pub fn quoted(word: &str) -> Option<String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._@%+=:,/-".contains(c);
    let plain = |c: char| (' '..='~').contains(&c) && c != '\'' && c != '\\';
    if word.is_empty() || word.starts_with('-') || word.len() > 128 {
        None
    } else if word.chars().all(safe) {
        Some(word.to_owned())
    } else if word.chars().all(plain) {
        Some(format!("'{word}'"))
    } else {
        None
    }
}

/// `driftcast` with `words`, of which the last may be a device's.
fn on(before: &str, device: &DeviceName, after: &str) -> Option<String> {
    quoted(device.as_str()).map(|name| format!("driftcast {before}{name}{after}"))
}

pub fn scan(device: &DeviceName) -> Option<String> {
    on("scan ", device, "")
}

/// Reads one interface; the whole device where its name cannot be quoted.
pub fn scan_interface(device: &DeviceName, interface: &str) -> Option<String> {
    quoted(interface)
        .and_then(|interface| on("scan ", device, &format!(" --interface {interface}")))
        .or_else(|| scan(device))
}

pub fn diff(device: &DeviceName) -> Option<String> {
    on("diff ", device, "")
}

pub fn list_records(device: &DeviceName) -> Option<String> {
    on("records list --device ", device, "")
}

pub fn trust(device: &DeviceName) -> Option<String> {
    on("devices trust ", device, "")
}

/// Makes a plan that accepts these drifts, and applies it after somebody has
/// read it: two lines. Beyond `NAMED` drifts all of a single device are
/// planned; on several devices, all there are.
pub fn accept(devices: &[&DeviceName], drifts: &[&DriftId]) -> Option<String> {
    let names = devices.iter().map(|device| quoted(device.as_str())).collect::<Option<Vec<_>>>()?;
    let which = match names.as_slice() {
        [] => return None,
        _ if drifts.len() <= NAMED => {
            let ids = drifts.iter().map(|id| quoted(&id.0)).collect::<Option<Vec<_>>>()?;
            format!(" --drift {}", ids.join(" "))
        }
        [name] if is_glob_free(devices[0].as_str()) => format!(" --limit {name}"),
        _ => String::new(),
    };
    let file: String = match devices {
        [device] => device
            .as_str()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
            .collect(),
        _ => "drifts".to_owned(),
    };
    Some(format!(
        "driftcast sync plan{which} --out accept-{file}.json\ndriftcast sync apply accept-{file}.json"
    ))
}

/// `--limit` reads a name as a glob.
fn is_glob_free(name: &str) -> bool {
    !name.contains(['*', '?', '[', ']', '{', '}', '=', '\\', '!'])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_or_there_is_no_command() {
        assert_eq!(quoted("ge100-0/0/31.251").as_deref(), Some("ge100-0/0/31.251"));
        assert_eq!(quoted("a;reboot $(x)").as_deref(), Some("'a;reboot $(x)'"));
        for bad in ["", "-rf", "it's", "a\nb", "a\\b", "é", "a\u{202e}b", "a\u{1b}[31m"] {
            assert_eq!(quoted(bad), None, "{bad:?}");
        }
        let leaf = DeviceName::new("leaf-1").unwrap();
        assert_eq!(scan_interface(&leaf, "ge1").as_deref(), Some("driftcast scan leaf-1 --interface ge1"));
        assert_eq!(scan_interface(&leaf, "a'b").as_deref(), Some("driftcast scan leaf-1"));
        let odd = DeviceName::new("a$(b)").unwrap();
        let id = DriftId("D-0123456789".to_owned());
        assert_eq!(
            accept(&[&odd], &[&id]).as_deref(),
            Some(
                "driftcast sync plan --drift D-0123456789 --out accept-a__b_.json\ndriftcast sync apply accept-a__b_.json"
            )
        );
        assert_eq!(accept(&[&leaf, &DeviceName::new("é").unwrap()], &[&id]), None);
        let many = vec![&id; NAMED + 1];
        assert!(accept(&[&leaf], &many).unwrap().starts_with("driftcast sync plan --limit leaf-1 --out"));
        assert!(
            accept(&[&DeviceName::new("a*").unwrap()], &many)
                .unwrap()
                .starts_with("driftcast sync plan --out")
        );
        assert!(
            accept(&[&leaf, &odd], &many).unwrap().starts_with("driftcast sync plan --out accept-drifts")
        );
    }
}
