//! Events of a run → a bar or lines on standard error.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{plain, stderr_is_terminal};
use crate::jobs::Events;
use crate::model::Event;

/// A sink that draws a bar on a terminal and stays silent elsewhere.
pub(crate) fn bar(quiet: bool) -> Events {
    if quiet || !stderr_is_terminal() {
        return Events::none();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    Events::to(Arc::new(move |event: &Event| match event {
        Event::RunStarted { run, .. } => bar.set_prefix(format!("run {run}")),
        Event::RoundStarted { targets, .. } => bar.inc_length(*targets as u64),
        Event::DeviceStarted { .. } => {}
        Event::DeviceFinished { device, outcome, .. } => {
            bar.inc(1);
            bar.set_message(plain(&format!("{device}: {}", outcome.as_str())));
        }
        Event::RunFinished { .. } => bar.finish_and_clear(),
    }))
}

/// A plain bar over `steps` steps of something long, such as the demo's nights.
pub(crate) fn steps(quiet: bool, prefix: &str, steps: u64) -> ProgressBar {
    if quiet || !stderr_is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_prefix(prefix.to_owned());
    bar
}
