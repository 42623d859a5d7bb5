//! What more or fewer sessions a night would buy, as one stored night knew it:
//! the curve of the report, and how often each device is worth a reading.

use std::collections::HashMap;

use super::known::Known;
use crate::analysis::budget::Fleet;
use crate::model::device::DeviceId;
use crate::report::view::BudgetPoint;

/// Shares of tonight's budget that are worked out; all of the fleet comes on top.
const PARTS: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0];

/// What sessions buy.
#[derive(Default)]
pub(super) struct Worth {
    /// By ascending sessions; empty before anything was read.
    pub curve: Vec<BudgetPoint>,
    /// Nights between two readings of each device, at tonight's budget.
    pub intervals: HashMap<DeviceId, f64>,
}

/// `budget`: what the run was allowed; without a limit what it used counts.
pub(super) fn worth(known: &Known, budget: Option<i64>, used: usize) -> Worth {
    let read_before = known.rankings.iter().filter(|r| r.last_good_scan.is_some()).count();
    let fleet = known.rankings.len();
    let today = budget.and_then(|b| usize::try_from(b).ok()).unwrap_or(used).min(fleet);
    if read_before == 0 || today == 0 {
        return Worth::default();
    }
    let devices = Fleet::of(known.rankings.iter().map(|ranking| {
        let importance = known.devices.get(&ranking.device_id).map_or(1.0, |device| device.importance);
        (&known.rates[&ranking.device_id], importance)
    }));
    let mut sessions: Vec<usize> = PARTS
        .iter()
        .map(|part| ((today as f64 * part).round() as usize).clamp(1, fleet))
        .chain([fleet])
        .collect();
    sessions.sort_unstable();
    sessions.dedup();
    let mut worth = Worth::default();
    for n in sessions {
        let buys = devices.with(n as f64, known.longest_interval(n as f64));
        worth.curve.push(BudgetPoint {
            sessions: n as u64,
            fresh: buys.fresh,
            unseen: buys.unseen,
            delay_days: buys.delay_days,
            today: n == today,
        });
        if n == today {
            let ids = known.rankings.iter().map(|ranking| ranking.device_id);
            worth.intervals = ids.zip(buys.intervals).collect();
        }
    }
    worth
}
