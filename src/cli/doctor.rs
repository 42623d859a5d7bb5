//! `driftcast doctor`: the health of everything that a run needs.

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::jobs::{self, Check, Verdict};
use crate::schedule;

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// How many devices to ask for their host key; 0 asks nobody
    #[arg(long, value_name = "N", default_value_t = 5)]
    sample: usize,
}

pub(crate) async fn run(context: &Context, args: &DoctorArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let mut checks = jobs::examine(&env);
    checks.extend(schedule::examine(&env));
    if args.sample > 0 {
        match jobs::reach(&env, args.sample).await {
            Ok(found) => checks.extend(found),
            Err(error) => {
                checks.push(Check::not("reachability", Verdict::Bad, error.to_string(), "see above"));
            }
        }
    }
    let worst = checks.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Good);
    if context.out.json {
        Output::write_json(&json!({ "checks": checks }))?;
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
