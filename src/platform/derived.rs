//! What follows from the interfaces alone, on platforms where nothing else
//! says it: the VLANs that are in use, and the members of each service. And
//! what every text in JSON needs before it may become a fact.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::model::{EncapsulationKind, Interface, ServiceRef, Vlan};

use super::terminal::settle_str;

/// The ids that an interface takes as its one outer tag. Lists are left out,
/// because a list of four thousand ids is one setting and not four thousand
/// things.
pub(crate) fn vlans(interfaces: &[Interface]) -> Vec<Vlan> {
    use EncapsulationKind::{Dot1q, Qinq, Untagged};
    let mut members: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for port in interfaces {
        if matches!(port.encapsulation.kind, Dot1q | Qinq | Untagged)
            && let Some(id) = port.encapsulation.outer.as_deref().and_then(|tag| tag.parse().ok())
        {
            members.entry(id).or_default().push(port.name.clone());
        }
    }
    members.into_iter().map(|(id, interfaces)| Vlan { id, name: None, interfaces }).collect()
}

/// The interfaces of each service, in their order.
pub(crate) fn members(interfaces: &[Interface]) -> HashMap<&ServiceRef, Vec<String>> {
    let mut members: HashMap<&ServiceRef, Vec<String>> = HashMap::new();
    for port in interfaces {
        if let Some(service) = &port.service {
            members.entry(service).or_default().push(port.name.clone());
        }
    }
    members
}

/// A text as one harmless line. In JSON a control character is spelled out, so
/// that it passes where the terminal's text is settled, and comes back here.
pub(crate) fn one_line(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f || b == 0xc2) {
        Cow::Owned(settle_str(&text).replace(['\n', '\t'], " "))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_comes_back() {
        assert_eq!(one_line(Cow::Borrowed("\u{1b}]0;gone\u{7}a\nb\u{9b}2Jc")), "a bc");
        assert!(matches!(one_line(Cow::Borrowed("\u{e9}ast")), Cow::Borrowed(_)));
    }
}
