//! What became of refused deploys, as one stored night knew it: the sync debt,
//! and what a block in place of a warning would have stopped.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::JobError;
use crate::model::RunId;
use crate::report::view::days_between;
use crate::report::view::upkeep::{Debt, RefusedAnswer, WentAhead};
use crate::store::{Choice, Decision, Store};

/// Skips and overrides that nothing has settled, oldest first.
pub(super) fn debt(store: &Store, run: RunId, as_of: DateTime<Utc>) -> Result<Vec<Debt>, JobError> {
    let mut debt: Vec<Debt> = store
        .open_decisions(Some(run))?
        .into_iter()
        .map(|decision| Debt {
            device: decision.device,
            kind: decision.key.kind,
            key: decision.key.key,
            choice: decision.choice.as_str().to_owned(),
            class: decision.class,
            who: decision.who,
            why: decision.why,
            age_days: days_between(decision.when, as_of),
            when: decision.when,
            overdue: decision.until.is_some_and(|until| until <= as_of),
            until: decision.until,
        })
        .collect();
    debt.sort_by_cached_key(|one| (one.when, one.device.clone(), one.kind, one.key.clone()));
    Ok(debt)
}

/// The decisions since a moment. `None` without any.
pub(super) fn refused(
    store: &Store,
    run: RunId,
    since: DateTime<Utc>,
    as_of: DateTime<Utc>,
) -> Result<Option<RefusedAnswer>, JobError> {
    let open: HashSet<i64> = store.open_decisions(Some(run))?.into_iter().map(|d| d.seq).collect();
    // What was decided together was one deploy.
    let mut deploys: BTreeMap<i64, Vec<Decision>> = BTreeMap::new();
    for decision in store.all_decisions(Some(run))?.into_iter().filter(|d| d.when >= since) {
        deploys.entry(decision.seq).or_default().push(decision);
    }
    if deploys.is_empty() {
        return Ok(None);
    }
    let mut answer = RefusedAnswer {
        days: days_between(since, as_of),
        accepted: 0,
        skipped: 0,
        overridden: 0,
        aborted: 0,
        went_ahead: Vec::new(),
    };
    for (seq, things) in deploys.into_iter().rev() {
        let Some(first) = things.first() else { continue };
        match first.choice {
            Choice::Sync => answer.accepted += 1,
            Choice::Skip => answer.skipped += 1,
            Choice::Abort => answer.aborted += 1,
            Choice::Override => {
                answer.overridden += 1;
                answer.went_ahead.push(WentAhead {
                    device: first.device.clone(),
                    key: first.key.key.clone(),
                    more: things.len() as u64 - 1,
                    who: first.who.clone(),
                    when: first.when,
                    as_wanted: things.iter().all(|thing| thing.class == "identical"),
                    settled: !open.contains(&seq),
                });
            }
        }
    }
    Ok(Some(answer))
}
