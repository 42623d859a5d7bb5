//! `driftcast doctor`: the health of everything that a run needs.

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use crate::jobs::{self, Verdict};

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {}

pub(crate) fn run(context: &Context, _args: &DoctorArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let checks = jobs::examine(&env);
    let worst = checks.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Good);
    if context.out.json {
        context.out.json(&json!({ "checks": checks }))?;
    } else {
        for check in &checks {
            let mark = match check.verdict {
                Verdict::Good => "ok      ",
                Verdict::Warning => "warning ",
                Verdict::Bad => "BAD     ",
            };
            context.out.line(format!("{mark}{}: {}", check.what, check.found))?;
            if let Some(hint) = &check.hint {
                context.out.line(format!("        {hint}"))?;
            }
        }
    }
    Ok(match worst {
        Verdict::Good | Verdict::Warning => Exit::Done,
        Verdict::Bad => Exit::Failed,
    })
}
