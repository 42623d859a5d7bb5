//! Device names as file names. A name never forms a path: what is not plainly
//! safe becomes a dash, and eight hex digits of a hash keep two names apart
//! that then look alike, also on file systems that ignore case.

use sha2::{Digest, Sha256};

use crate::model::{DeviceName, snapshot::hex};

/// `DNAAS-LEAF-B15` → `dnaas-leaf-b15-` and eight hex digits. At most 69 bytes
/// of `a-z`, `0-9`, `-` and `_`.
pub fn slug(name: &DeviceName) -> String {
    slug_of(name.as_str(), "device")
}

/// The same of any text, such as a site. `empty`: the word for one of which
/// nothing is safe.
pub(super) fn slug_of(text: &str, empty: &str) -> String {
    let mut safe = String::with_capacity(70);
    for c in text.chars().take(60) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => safe.push(c),
            _ if safe.ends_with('-') || safe.is_empty() => {}
            _ => safe.push('-'),
        }
    }
    let safe = safe.trim_end_matches('-');
    let digest = hex(&Sha256::digest(text.as_bytes())[..4]);
    if safe.is_empty() { format!("{empty}-{digest}") } else { format!("{safe}-{digest}") }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn evil_names_stay_apart_and_inside() {
        let long = "x".repeat(128);
        let names =
            ["a", "A", "a.b", "a..b", "con", "nul.txt", "~root", "%2e%2e", "ünïcode", "***", "\"'<>", &long];
        let slugs: BTreeSet<String> = names.iter().map(|n| slug(&DeviceName::new(n).unwrap())).collect();
        assert_eq!(slugs.len(), names.len());
    }

    proptest! {
        #[test]
        fn a_slug_is_a_plain_file_name(name in any::<String>()) {
            if let Ok(name) = DeviceName::new(&name) {
                let slug = slug(&name);
                prop_assert!(slug.len() <= 69);
                prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)));
            }
        }
    }
}
