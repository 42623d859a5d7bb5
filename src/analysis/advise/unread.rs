//! Advice about devices that could not be read. What may have one cause for a
//! whole site is one row, and a refused login is never simply tried again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::command;
use super::{SAME_CHANGE, place, shown};
use crate::model::Outcome;
use crate::model::device::DeviceName;
use crate::model::finding::Recommendation;

/// A device of which we have no current picture.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadDevice {
    pub device: DeviceName,
    pub site: String,
    /// What the newest attempt gave; `None` if there was none.
    pub outcome: Option<Outcome>,
    pub detail: Option<String>,
    /// Since when it fails.
    pub since: Option<DateTime<Utc>>,
}

/// A device that cannot be read hides about as much as this many drifts.
const HIDDEN: f64 = 5.0;

/// Advice about devices of which we have no current picture.
pub(super) fn advise(unread: &[UnreadDevice]) -> Vec<(f64, Recommendation)> {
    let mut alike: BTreeMap<(Option<Outcome>, &str), Vec<&UnreadDevice>> = BTreeMap::new();
    for device in unread {
        alike.entry((device.outcome, device.site.as_str())).or_default().push(device);
    }
    let mut found = Vec::new();
    for ((outcome, site), mut devices) in alike {
        devices.sort_by(|a, b| a.device.cmp(&b.device));
        // What may have one cause for a whole site is one row; keys and captures are each their own.
        let shared =
            matches!(outcome, Some(Outcome::Auth | Outcome::Unreachable | Outcome::Unsupported) | None);
        if shared && devices.len() >= SAME_CHANGE {
            found.push(failure(outcome, site, &devices));
        } else {
            found.extend(devices.chunks(1).map(|device| failure(outcome, site, device)));
        }
    }
    found
}

fn failure(outcome: Option<Outcome>, site: &str, devices: &[&UnreadDevice]) -> (f64, Recommendation) {
    let names: Vec<&DeviceName> = devices.iter().map(|unread| &unread.device).collect();
    let one = (names.len() == 1).then(|| names[0]);
    let mut place = place(&names);
    if one.is_none() && !site.is_empty() {
        place = format!("{place} at {}", shown(site));
    }
    let since = devices.iter().filter_map(|unread| unread.since).min();
    let since = since.map_or_else(String::new, |since| format!(" since {}", since.format("%-d %b %Y")));
    let new_key =
        devices.iter().all(|unread| unread.detail.as_deref().is_some_and(|d| d.contains("unknown")));
    let reads = "none: this only reads";
    let scan = || one.and_then(command::scan);
    let (what, why, command, risk) = match outcome {
        None => (
            format!("Read {place} for the first time"),
            "never read: nothing is known".to_owned(),
            scan(),
            reads,
        ),
        Some(Outcome::Auth) => (
            format!("Check the credential for {place} before it is tried again"),
            format!("the login is refused{since}; trying again may lock the account"),
            Some("driftcast doctor".to_owned()),
            "none: this only looks",
        ),
        Some(Outcome::HostKey) if new_key => (
            format!("Compare and enrol the host key of {place}"),
            "its key is not known yet; nothing was sent to it".to_owned(),
            one.and_then(command::trust),
            "high if the fingerprint is not compared with the device's own",
        ),
        Some(Outcome::HostKey) => (
            format!("Find out why the host key of {place} changed"),
            format!(
                "it is not the enrolled one{since}; nothing was sent. Compare it on the console before you trust it"
            ),
            None,
            "high: it may be another machine",
        ),
        Some(Outcome::Unsupported) => (
            format!("Correct the platform of {place} in the inventory"),
            "driftcast does not know the platform that it is listed with".to_owned(),
            None,
            "low: only the inventory changes",
        ),
        Some(Outcome::WrongDevice) => (
            format!("Correct the address or the name of {place} in the inventory"),
            format!("another system answers there{since}"),
            scan(),
            reads,
        ),
        Some(Outcome::Unreachable | Outcome::Timeout) => {
            (format!("Find out why {place} does not answer"), format!("no reading{since}"), scan(), reads)
        }
        Some(other) => (
            format!("Read {place} again"),
            format!(
                "the last reading was not usable ({}){since}; no drift is counted from it",
                other.as_str()
            ),
            scan(),
            reads,
        ),
    };
    let recommendation = Recommendation {
        what,
        why,
        command,
        risk: risk.to_owned(),
        sure: "Sure: it was tried.".to_owned(),
        drifts: Vec::new(),
        devices: names.into_iter().cloned().collect(),
        decision: false,
    };
    let recommendation = match outcome {
        None => Recommendation { sure: "Sure.".to_owned(), ..recommendation },
        Some(_) => recommendation,
    };
    (HIDDEN * devices.len() as f64 * 0.5, recommendation)
}
