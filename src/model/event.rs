//! What a run says while it runs. For the progress bar and the tests; the
//! operator's log is `tracing`.

use super::{DeviceName, Outcome, RunId, RunKind};

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    RunStarted {
        run: RunId,
        kind: RunKind,
    },
    /// A round begins; `targets` devices will be read in it.
    RoundStarted {
        round: u32,
        targets: usize,
    },
    DeviceStarted {
        device: DeviceName,
    },
    /// `kept`: the result is committed.
    DeviceFinished {
        device: DeviceName,
        outcome: Outcome,
        detail: Option<String>,
        took_ms: u64,
    },
    RunFinished {
        run: RunId,
    },
}
