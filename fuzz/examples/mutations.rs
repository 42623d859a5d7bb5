//! Mutations of every recording of every platform, by number: each is read
//! without a panic, and every line of it is counted. `make mutations` makes a
//! million; another seed makes others. A finding says its platform, seed and
//! round, and the bytes are written to `artifacts/`.

#[path = "../../tests/it/platforms/mutate.rs"]
mod mutate;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use driftcast_fuzz::platform::{ALL, Platform};
use mutate::{Dice, mutate};

/// Rounds of one recording under one seed.
const ROUNDS: usize = 60;
/// Changes pile up so often before a recording is taken anew.
const PILE: usize = 6;

fn recordings(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            recordings(&path, found);
        } else if path.extension().is_some_and(|end| end == "txt") {
            found.extend(fs::read(&path));
        }
    }
}

/// Everything of one platform under one seed; how many were made, or what was found.
fn round(platform: &'static Platform, recordings: &[Vec<u8>], seed: u64) -> Result<u64, String> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut made = 0;
    for original in recordings {
        let mut bytes = original.clone();
        for round in 0..ROUNDS {
            if round % PILE == 0 {
                bytes.clone_from(original);
            }
            let other = dice.below(recordings.len());
            mutate(&mut bytes, &recordings[other], &mut dice);
            if catch_unwind(|| driftcast_fuzz::lose_nothing(platform, &bytes)).is_err() {
                let path = format!("artifacts/mutation-{}-{seed}-{made}", platform.name);
                let _ = fs::create_dir_all("artifacts");
                let kept = fs::write(&path, &bytes).is_ok();
                return Err(format!("{} seed {seed} round {made}, kept in {path}: {kept}", platform.name));
            }
            made += 1;
        }
    }
    Ok(made)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let wanted = arguments.next().and_then(Result::ok).unwrap_or(1_000_000);
    let begin = arguments.next().and_then(Result::ok).unwrap_or(1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/devices");
    let all: Vec<(&'static Platform, Vec<Vec<u8>>)> = ALL
        .iter()
        .map(|platform| {
            let mut found = Vec::new();
            recordings(&folder.join(platform.name), &mut found);
            assert!(!found.is_empty(), "{} has no recordings", platform.name);
            (*platform, found)
        })
        .collect();
    let (made, seed, found) = (AtomicU64::new(0), AtomicU64::new(begin), AtomicBool::new(false));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while made.load(Ordering::Relaxed) < wanted && !found.load(Ordering::Relaxed) {
                    let seed = seed.fetch_add(1, Ordering::Relaxed);
                    for (platform, recordings) in &all {
                        match round(platform, recordings, seed) {
                            Ok(more) => drop(made.fetch_add(more, Ordering::Relaxed)),
                            Err(finding) => {
                                eprintln!("{finding}");
                                found.store(true, Ordering::Relaxed);
                            }
                        }
                    }
                }
            });
        }
    });
    let made = made.into_inner();
    println!("{made} mutations of {} platforms, seeds {begin} to {}", all.len(), seed.into_inner() - 1);
    std::process::exit(i32::from(found.into_inner()));
}
