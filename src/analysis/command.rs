//! Commands in recommendations. They are meant to be pasted into a shell, and
//! the names in them come from devices and inventories: a name is quoted, and
//! one with unusual characters gives no command at all.

use crate::model::device::DeviceName;

/// Up to so many devices are named in one command.
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

/// Exports the rows that would make the record agree, and imports them after
/// somebody has read them: two lines. Beyond `NAMED` devices the rows of all
/// devices are exported.
pub fn accept(devices: &[&DeviceName]) -> Option<String> {
    let names = devices.iter().map(|device| quoted(device.as_str())).collect::<Option<Vec<_>>>()?;
    let lines = match (names.as_slice(), devices) {
        ([], _) => return None,
        ([name], [device]) => {
            let file: String = device
                .as_str()
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
                .collect();
            [
                format!("driftcast diff {name} --as-records > accept-{file}.csv"),
                format!("driftcast records import accept-{file}.csv"),
            ]
        }
        (names, _) if names.len() <= NAMED => {
            let names = names.join(" ");
            [
                format!("for d in {names}; do driftcast diff \"$d\" --as-records > \"accept-$d.csv\"; done"),
                format!("for d in {names}; do driftcast records import \"accept-$d.csv\"; done"),
            ]
        }
        _ => [
            "driftcast diff --as-records > accept.csv".to_owned(),
            "driftcast records import accept.csv".to_owned(),
        ],
    };
    Some(lines.join("\n"))
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
        assert_eq!(
            accept(&[&odd]).as_deref(),
            Some(
                "driftcast diff 'a$(b)' --as-records > accept-a__b_.csv\ndriftcast records import accept-a__b_.csv"
            )
        );
        assert_eq!(accept(&[&leaf, &DeviceName::new("é").unwrap()]), None);
        assert!(accept(&[&leaf, &odd]).unwrap().starts_with("for d in leaf-1 'a$(b)'; do driftcast diff"));
    }
}
