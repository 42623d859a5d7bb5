//! The shrink guard: a capture that looks complete and lost too much at once is
//! not believed until a second reading says the same. A process that restarts,
//! a login that lost its rights and a device that answers from an empty
//! database all print a whole configuration with a part missing.

use std::collections::BTreeMap;

use crate::model::{Fact, Kind};

/// More than this share of what was configured, gone at once, is not believed.
const MOST_LOST: f64 = 0.30;
/// Fewer things than this are no loss to speak of: somebody cleaned up.
const FEWEST_LOST: usize = 3;

/// Why a reading is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The kind of which nothing is left; `None` if it is the device as a whole that shrank.
    pub kind: Option<Kind>,
    /// Configured things before, and how many of them are still there.
    pub before: usize,
    pub left: usize,
}

impl Loss {
    /// The outcome's detail.
    pub fn code(self) -> &'static str {
        if self.kind.is_some() { "section-lost" } else { "shrunk" }
    }
}

/// What a complete reading of a whole device lost against the last one:
/// `Some` if a kind of thing vanished wholly, or more than 30 % of everything
/// that was configured. What is new does not make up for what is gone.
pub fn shrink(before: &[Fact], after: &[Fact]) -> Option<Loss> {
    let configured = |facts: &[Fact]| {
        let mut keys: Vec<_> = facts.iter().filter(|fact| fact.is_configured()).map(Fact::key).collect();
        keys.sort_unstable();
        keys
    };
    let (before, after) = (configured(before), configured(after));
    let mut counts: BTreeMap<Kind, (usize, usize, bool)> = BTreeMap::new();
    for key in &before {
        let (had, left, _) = counts.entry(key.kind).or_default();
        *had += 1;
        *left += usize::from(after.binary_search(key).is_ok());
    }
    for key in &after {
        counts.entry(key.kind).or_default().2 = true;
    }
    let vanished = counts.iter().find(|(_, (had, _, any))| *had >= FEWEST_LOST && !any);
    if let Some((kind, (had, ..))) = vanished {
        return Some(Loss { kind: Some(*kind), before: *had, left: 0 });
    }
    let left: usize = counts.values().map(|(_, left, _)| left).sum();
    let lost = before.len() - left;
    (lost >= FEWEST_LOST && lost as f64 > MOST_LOST * before.len() as f64).then_some(Loss {
        kind: None,
        before: before.len(),
        left,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BridgeDomain, Interface};

    fn ports(numbers: std::ops::Range<usize>) -> Vec<Fact> {
        numbers.map(|n| Fact::Interface(Interface::named(format!("ge100-0/0/{n}")))).collect()
    }

    fn domains(count: usize) -> Vec<Fact> {
        let domain = |n| BridgeDomain {
            name: format!("bd{n}"),
            admin: None,
            description: None,
            interfaces: Vec::new(),
            router_interface: None,
        };
        (0..count).map(|n| Fact::BridgeDomain(domain(n))).collect()
    }

    #[test]
    fn a_third_is_too_much() {
        assert_eq!(shrink(&ports(0..100), &ports(0..70)), None);
        let loss = shrink(&ports(0..100), &ports(0..69));
        assert_eq!(loss, Some(Loss { kind: None, before: 100, left: 69 }));
        // Others in their place are no excuse.
        assert!(shrink(&ports(0..100), &ports(50..150)).is_some());
        assert_eq!(shrink(&ports(0..100), &ports(0..500)), None);
    }

    #[test]
    fn a_kind_that_is_gone_is_too_much() {
        let before = [ports(0..100), domains(3)].concat();
        let loss = shrink(&before, &ports(0..100)).map(Loss::code);
        assert_eq!(loss, Some("section-lost"));
        assert_eq!(shrink(&before, &[ports(0..100), domains(1)].concat()), None);
    }

    #[test]
    fn a_few_things_may_go() {
        assert_eq!(shrink(&ports(0..2), &[]), None);
        let before = [ports(0..100), domains(2)].concat();
        assert_eq!(shrink(&before, &ports(0..100)), None);
        assert_eq!(shrink(&[], &ports(0..9)), None);
    }

    #[test]
    fn ports_that_nobody_configured_do_not_count() {
        let mut bare = ports(0..100);
        for fact in &mut bare {
            if let Fact::Interface(port) = fact {
                port.configured = false;
            }
        }
        assert_eq!(shrink(&bare, &[]), None);
    }
}
