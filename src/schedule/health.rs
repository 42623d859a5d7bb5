//! What `doctor` looks at of the schedules and the clock that they hang on.

use super::agenda::at_a_glance;
use super::due::clock_is_set;
use super::fires::next_fire;
use crate::jobs::{Check, Env, Verdict};
use crate::store::ServeLock;

/// The clock, lines that never fire, and whether anybody is there to fire them.
pub fn examine(env: &Env) -> Vec<Check> {
    let mut checks = vec![clock(env)];
    let now = env.clock.now();
    let schedules = &env.settings.schedule;
    for schedule in schedules.iter().filter(|schedule| next_fire(schedule, now).is_none()) {
        checks.push(Check::not(
            "schedules",
            Verdict::Warning,
            format!("{} never fires: no day matches \"{}\"", schedule.name, schedule.cron),
            "correct its cron line",
        ));
    }
    let serving = ServeLock::holder(&env.dir);
    match (&serving, schedules.is_empty()) {
        (None, false) => checks.push(Check::not(
            "serve",
            Verdict::Warning,
            format!("{} schedules are configured and nobody runs them", schedules.len()),
            "start `driftcast serve`, or let cron or a systemd timer call `driftcast nightly`",
        )),
        (Some(holder), _) => checks.push(Check::good("serve", holder.to_string())),
        (None, true) => {}
    }
    if let Ok(standing) = at_a_glance(env, &env.installation()) {
        for one in standing.iter().filter(|one| one.state == "cut-off") {
            checks.push(Check::not(
                "schedules",
                Verdict::Warning,
                format!("the last run of {} was cut off", one.schedule),
                "the next `driftcast serve` makes up for it, if its misfire policy says so",
            ));
        }
    }
    checks
}

fn clock(env: &Env) -> Check {
    let now = env.clock.now();
    let ahead = env.store().ok().and_then(|store| store.runs(1).ok()?.pop()).filter(|run| run.started > now);
    let shown = now.format("%Y-%m-%d %H:%M UTC");
    if !clock_is_set(now) {
        let hint = "set the clock: no schedule fires until then";
        return Check::not("clock", Verdict::Bad, format!("it says {shown}, which cannot be"), hint);
    }
    match ahead {
        None => Check::good("clock", format!("{shown}, not before anything that is stored")),
        Some(run) => Check::not(
            "clock",
            Verdict::Warning,
            format!("it says {shown}, and run {} began at {}: it went back", run.id, run.started),
            "nothing is lost, the order is kept by numbers; compare the clock with a good one",
        ),
    }
}
