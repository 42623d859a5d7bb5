//! `driftcast read`: captured device text → facts. Offline: no database, no
//! network, no configuration needed. For people who keep Oxidized or RANCID
//! backups, and for tests.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Output, say};
use crate::model::{Outcome, Snapshot};
use crate::platform::{self, Platform, keep::Keeper, offline};

/// A file larger than this is no capture of one device.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Args, Debug)]
pub(crate) struct ReadArgs {
    /// Platform of the text, such as `drivenets_dnos` [default: guessed, and said]
    #[arg(long, value_name = "P")]
    platform: Option<String>,
    /// The command whose output this is, where the text does not show it
    #[arg(long, value_name = "C")]
    command: Option<String>,
    /// Add the text as it would be stored: secrets masked, volatile parts dropped
    #[arg(long)]
    kept: bool,
    /// Files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &ReadArgs) -> Result<Exit, Failure> {
    let named = match &args.platform {
        Some(name) => Some(platform::by_name(name).ok_or_else(|| unknown_platform(name))?),
        None => None,
    };
    // Nothing is stored, so the key of the fingerprints need not outlive the command.
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|e| Failure::failed(format!("failed to get random bytes: {e}")))?;
    let keeper = Keeper::new(&key);

    let mut complete = 0;
    let mut failed = 0;
    for file in &args.files {
        match read_file(file, named, args, &keeper) {
            Ok(snapshots) => {
                for snapshot in snapshots {
                    if snapshot.outcome.is_complete() {
                        complete += 1;
                    } else {
                        failed += 1;
                        say(&format!("{}: {}", file.display(), why(&snapshot)));
                    }
                    // The facts are the output, with or without --json.
                    Output::write_json(&snapshot)?;
                }
            }
            Err(message) => {
                failed += 1;
                say(&format!("{}: {message}", file.display()));
            }
        }
    }
    Ok(match (complete, failed) {
        (_, 0) => Exit::Done,
        _ => Exit::Partial,
    })
}

/// Why a file did not give a snapshot, for people.
fn why(snapshot: &Snapshot) -> String {
    let outcome = snapshot.outcome.as_str();
    let title = platform::by_name(&snapshot.platform).map_or("a known system", |platform| platform.title);
    match snapshot.detail.as_deref() {
        Some("several-devices") => format!(
            "{outcome} (several-devices): it holds the output of more than one device, {} among them; \
             read each from a file of its own",
            snapshot.device.as_deref().unwrap_or("one without a name")
        ),
        Some(detail @ "end-unknown") => format!(
            "{outcome} ({detail}): {title} does not mark the end of a configuration, and nothing follows it here, \
             so nobody can tell whether lines are missing; a recording with the next prompt shows it"
        ),
        Some(detail) => format!("{outcome} ({detail})"),
        None if snapshot.outcome == Outcome::Unread => {
            format!("{outcome}: nothing in it is output of {title} that we know")
        }
        None => outcome.to_owned(),
    }
}

fn read_file(
    file: &PathBuf,
    named: Option<&'static Platform>,
    args: &ReadArgs,
    keeper: &Keeper,
) -> Result<Vec<Snapshot>, String> {
    let bytes = read_bytes(file)?;
    if let Some(fault) = offline::fault(&bytes) {
        return Err(fault.to_string());
    }
    let guess = || offline::guess(&String::from_utf8_lossy(&bytes));
    let platform = if let Some(platform) = named {
        platform
    } else {
        let guessed = guess().ok_or_else(|| {
            format!("the platform cannot be guessed; name it with --platform: {}", platform_names())
        })?;
        say(&format!("{}: guessed platform {}", file.display(), guessed.name));
        guessed
    };
    let mut snapshots = offline::read_text(platform, &bytes, args.command.as_deref(), keeper);
    if !args.kept {
        for snapshot in &mut snapshots {
            snapshot.kept = None;
        }
    }
    let strange = named.is_some() && !snapshots.iter().any(|snapshot| snapshot.outcome.is_complete());
    if let Some(other) = guess().filter(|other| strange && other.name != platform.name) {
        return Err(format!(
            "it looks like output of {} ({}), and not of {}",
            other.title, other.name, platform.title
        ));
    }
    Ok(snapshots)
}

fn read_bytes(file: &PathBuf) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let taken = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|f| f.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    taken.map_err(|error| format!("failed to read it: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {} MiB, so it is no capture of one device", MAX_BYTES >> 20));
    }
    Ok(bytes)
}

pub(crate) fn unknown_platform(name: &str) -> Failure {
    Failure::usage(format!("there is no platform {name:?}"))
        .hint(format!("the platforms are {}", platform_names()))
}

fn platform_names() -> String {
    platform::ALL.iter().map(|p| p.name).collect::<Vec<_>>().join(", ")
}
