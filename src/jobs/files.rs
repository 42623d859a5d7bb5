//! How many sessions the host's limit of open files allows. It is raised as
//! far as we may; what is still missing lowers the number of sessions, and a
//! session that finds no descriptor left lowers it further.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files of one session: its connection and the lock of its device.
const OF_A_SESSION: u64 = 2;

/// The store, logs, locks, the runtime, name look-ups, credentials, reports.
const BESIDE: u64 = 64;

/// At most `wanted`, at least one.
pub(super) fn sessions(wanted: usize) -> usize {
    let needed = wanted as u64 * OF_A_SESSION + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    let mut current = limit.current.unwrap_or(u64::MAX);
    if current < needed {
        let raised = needed.min(limit.maximum.unwrap_or(u64::MAX));
        let new = Rlimit { current: Some(raised), maximum: limit.maximum };
        if setrlimit(Resource::Nofile, new).is_ok() {
            current = raised;
        }
    }
    let possible = fitting(current, wanted);
    if possible < wanted {
        tracing::warn!(
            "{possible} sessions at once instead of {wanted}: the limit of open files is {current}"
        );
    }
    possible
}

/// Is it the limit of open files, the process's or the host's?
pub(super) fn is_limit(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE].iter().any(|limit| error.raw_os_error() == Some(limit.raw_os_error()))
}

fn fitting(files: u64, wanted: usize) -> usize {
    let possible = files.saturating_sub(BESIDE) / OF_A_SESSION;
    usize::try_from(possible).unwrap_or(usize::MAX).clamp(1, wanted.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_means_fewer_sessions() {
        assert_eq!(fitting(1_024, 200), 200);
        assert_eq!(fitting(256, 200), 96);
        assert_eq!((fitting(64, 200), fitting(0, 0)), (1, 1));
        assert_eq!(fitting(u64::MAX, 200), 200);
    }
}
