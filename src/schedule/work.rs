//! One job of a schedule, carried out.

use super::agenda::{Ended, Start};
use crate::analysis::Budget;
use crate::config::Job;
use crate::jobs::{self, Env, JobError};

/// Runs it to its end. Errors become an outcome: the loop goes on.
pub(super) async fn carry_out(env: Env, start: &Start) -> Ended {
    let name = &start.occasion.schedule;
    match attempt(env, start).await {
        Ok(ended) => ended,
        Err(JobError::Busy(holder)) => {
            tracing::warn!(schedule.name = %name, "{name} is put off: {holder} is at work");
            Ended::Postponed { why: format!("{holder} held the lock") }
        }
        Err(error) => failed(start, &error),
    }
}

/// It did not take place.
pub(super) fn failed(start: &Start, error: &JobError) -> Ended {
    let (name, why) = (&start.occasion.schedule, told(error));
    tracing::error!(schedule.name = %name, "{name} failed: {why}");
    Ended::Finished { outcome: "failed".to_owned(), run: None, why: Some(why) }
}

async fn attempt(env: Env, start: &Start) -> Result<Ended, JobError> {
    match start.job {
        Job::Nightly | Job::FullScan => {
            let budget = match start.job {
                Job::FullScan => Budget::Percent(100.0),
                _ => env.settings.plan.budget,
            };
            let env = env.with_jump_hosts()?;
            let done = jobs::nightly_for(&env, budget, &start.occasion).await?;
            let why = match &done.report_error {
                Some(error) => {
                    tracing::error!(
                        run.id = done.run,
                        "run {} is stored, but its report is not: {error}",
                        done.run
                    );
                    Some(format!("the report was not written: {}", told(error)))
                }
                None if done.summary.stopped => Some("told to end before it was through".to_owned()),
                None => None,
            };
            Ok(Ended::Finished { outcome: done.outcome.to_owned(), run: Some(done.run), why })
        }
        Job::Report => {
            let done =
                tokio::task::spawn_blocking(move || jobs::render_again(&env, None, None, None)).await??;
            Ok(Ended::Finished { outcome: "complete".to_owned(), run: Some(done.run), why: None })
        }
        Job::Prune => {
            let done = tokio::task::spawn_blocking(move || jobs::prune(&env, false)).await??;
            Ok(Ended::Finished { outcome: "complete".to_owned(), run: None, why: Some(done.to_string()) })
        }
    }
}

/// An error with its causes.
fn told(error: &JobError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
