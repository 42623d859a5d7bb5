//! What NX-OS and EOS have in common: data-centre switches on which a VLAN is
//! an object, a port is switched or routed, and tables abbreviate the names
//! that the configuration writes in full.
//!
//! A platform says what a line of its configuration means and what its tables
//! look like; what becomes of it, and whether it is all there, is decided here.

mod case; // sections → reading, with the verdict
mod config; // what the configuration says
mod join; // configuration + tables → facts
mod prompt; // prompts, and the answers that are none
mod status; // `show interface status`
mod switchport; // `show interface switchport`
mod values; // lists, names, commands
mod vlan; // `show vlan`

pub(super) use case::{Dialect, Form, read};
pub(super) use config::Config;
pub(super) use join::Seen;
pub(super) use prompt::{echo, is_system_name, prompt};
pub(super) use status::is_header as is_status_header;
pub(super) use switchport::opens as opens_switchport;
pub(super) use values::{id_list, is_keyword, output_of, unquoted, vlan_ids};
pub(super) use vlan::is_header as is_vlan_header;

use std::borrow::Cow;

/// A family of interfaces: its name in the configuration, and how tables abbreviate it.
pub(super) struct Family {
    pub(super) long: &'static str,
    pub(super) short: &'static [&'static str],
    /// Exists by itself: a port that nobody has to configure.
    pub(super) hardware: bool,
    /// May be a switched port.
    pub(super) switched: bool,
}

/// The family of `name`, and the number behind it.
pub(super) fn family<'f, 't>(name: &'t str, families: &'f [Family]) -> Option<(&'f Family, &'t str)> {
    let at = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = name.split_at(at);
    let letters = letters.trim_ascii_end();
    let fits = number.len() <= 32 && number.bytes().all(|b| b.is_ascii_digit() || b"/.".contains(&b));
    let is = |text: &str| letters.eq_ignore_ascii_case(text);
    let family = families.iter().find(|family| is(family.long) || family.short.iter().any(|s| is(s)))?;
    fits.then_some((family, number))
}

/// The name as the configuration writes it: `Eth1/1` and `ethernet 1/1` are
/// `Ethernet1/1`. `None`: it is no name of an interface.
pub(super) fn long_name<'t>(name: &'t str, families: &[Family]) -> Option<Cow<'t, str>> {
    let (family, number) = family(name, families)?;
    if name.len() == family.long.len() + number.len() && name.starts_with(family.long) {
        return Some(Cow::Borrowed(name));
    }
    Some(Cow::Owned(format!("{}{number}", family.long)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let families = [
            Family { long: "Ethernet", short: &["Eth", "Et"], hardware: true, switched: true },
            Family { long: "port-channel", short: &["Po"], hardware: false, switched: true },
        ];
        let long = |name| long_name(name, &families).map(Cow::into_owned);
        assert_eq!(long("Ethernet1/1").as_deref(), Some("Ethernet1/1"));
        assert_eq!(long("ethernet 1/1.7").as_deref(), Some("Ethernet1/1.7"));
        assert_eq!(long("Po12").as_deref(), Some("port-channel12"));
        for none in ["", "Ethernet", "Ethernet1/1-2", "Fa0/1", "1/1", "Eth1/1,"] {
            assert_eq!(long(none), None, "{none}");
        }
    }
}
