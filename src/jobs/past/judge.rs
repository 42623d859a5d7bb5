//! Whether a commit is a change: the contents before and after it are read by
//! the platform's own reader and their facts compared, as two scans would be.
//! Where no facts can be read, what is left of the text without secrets that
//! are encrypted anew and without lines that count something decides.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::walk::{Counts, Steps};
use crate::jobs::JobError;
use crate::model::device::DeviceId;
use crate::model::snapshot::digest_of;
use crate::model::{DeviceName, PastStep};
use crate::platform::keep::Keeper;
use crate::platform::terminal::settle;
use crate::platform::{Platform, offline};
use crate::source::git::{Blob, Blobs, Object, Repository};

/// How many read at once. Each has a git of its own, which is most of the work.
const READERS: usize = 4;

/// What happened to one device.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    pub(super) steps: Vec<(PastStep, DateTime<Utc>)>,
    /// It was still looked at when the history ends.
    pub(super) live: bool,
    /// Facts could not be read each time.
    pub(super) by_text: bool,
    pub(super) counts: Counts,
}

/// A device with its platform and its steps.
type Work = (DeviceId, Option<&'static Platform>, Steps);

/// Judges the steps of every device, in their order.
pub(super) fn judge(
    repository: &Repository,
    keeper: &Keeper,
    names: &HashMap<DeviceId, DeviceName>,
    work: &[Work],
    read: &(dyn Fn() + Sync),
) -> Result<Vec<Judged>, JobError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Judged)>> = Mutex::new(Vec::with_capacity(work.len()));
    let one = || -> Result<(), JobError> {
        let mut blobs = repository.blobs()?;
        while let Some((at, (device, platform, steps))) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            work.get(at).map(|work| (at, work))
        } {
            let mut reader = Reader {
                blobs: &mut blobs,
                keeper,
                platform: *platform,
                name: names[device].as_str(),
                known: Vec::new(),
            };
            let judged = reader.device(steps, read)?;
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, judged));
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let readers = READERS.min(cores).min(work.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..readers).map(|_| scope.spawn(one)).collect();
        for thread in threads {
            // A panic of ours goes on its way.
            match thread.join() {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<_, JobError>(())
    })?;
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, judged)| judged).collect())
}

/// The platform that a content looks like.
pub(super) fn guessed(blobs: &mut Blobs, blob: &str) -> Result<Option<&'static Platform>, JobError> {
    let Blob::Text(bytes) = blobs.read(blob)? else { return Ok(None) };
    if offline::fault(&bytes).is_some() {
        return Ok(None);
    }
    Ok(catch_unwind(|| offline::guess(&String::from_utf8_lossy(&bytes))).unwrap_or(None))
}

/// What can be compared of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing at all: RANCID begins a device with an empty file.
    Blank,
    Text {
        facts: Option<String>,
        text: [u8; 32],
    },
    /// Too large, missing, or no text.
    Unread,
}

struct Reader<'a> {
    blobs: &'a mut Blobs,
    keeper: &'a Keeper,
    platform: Option<&'static Platform>,
    name: &'a str,
    /// The last contents: what one commit leaves, the next one begins with.
    known: Vec<(Box<str>, Said)>,
}

impl Reader<'_> {
    fn device(&mut self, steps: &Steps, read: &(dyn Fn() + Sync)) -> Result<Judged, JobError> {
        let mut judged = Judged { live: !steps.live.is_empty(), ..Judged::default() };
        for step in &steps.list {
            let before = self.said(&step.before)?;
            let after = self.said(&step.after)?;
            if step.after.is_some() {
                read();
                judged.live = !steps.live.is_empty() && after != Some(Said::Blank);
            }
            let told = judged.tell(before.as_ref(), after.as_ref());
            if let (Some(told), Some(at)) = (told, step.at) {
                judged.steps.push((told, at));
            }
        }
        Ok(judged)
    }

    fn said(&mut self, object: &Object) -> Result<Option<Said>, JobError> {
        let Some(id) = object else { return Ok(None) };
        if let Some((_, said)) = self.known.iter().find(|(known, _)| known == id) {
            return Ok(Some(said.clone()));
        }
        let said = match self.blobs.read(id)? {
            Blob::Text(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Said::Blank,
            Blob::Text(bytes) if offline::fault(&bytes).is_some() => Said::Unread,
            // One reader that fails must not cost the history of a fleet.
            Blob::Text(bytes) => catch_unwind(AssertUnwindSafe(|| self.read(&bytes))).unwrap_or(Said::Unread),
            Blob::TooLarge(_) | Blob::Missing => Said::Unread,
        };
        if self.known.len() == 2 {
            self.known.remove(0);
        }
        self.known.push((id.clone(), said.clone()));
        Ok(Some(said))
    }

    fn read(&self, bytes: &[u8]) -> Said {
        let settled = settle(bytes).text;
        let text = match self.platform {
            Some(platform) => self.keeper.kept(platform, self.name, "", &settled).text,
            None => self.keeper.mask(self.name, &settled).lines().fold(String::new(), |mut text, line| {
                text.push_str(line.trim_end());
                text.push('\n');
                text
            }),
        };
        let facts = self.platform.and_then(|platform| {
            let mut snapshots = offline::read_text(platform, bytes, None, self.keeper);
            let one = snapshots.pop().filter(|one| snapshots.is_empty() && one.outcome.is_complete());
            one.map(|mut one| digest_of(&one.take_facts()))
        });
        Said::Text { facts, text: Sha256::digest(text.as_bytes()).into() }
    }
}

impl Judged {
    /// What a step from one content to another is, and how it is counted.
    fn tell(&mut self, before: Option<&Said>, after: Option<&Said>) -> Option<PastStep> {
        let there = |said: Option<&Said>| said.is_some_and(|said| *said != Said::Blank);
        match (there(before), there(after)) {
            (false, false) => return None,
            (false, true) => return Some(PastStep::Came),
            (true, false) => return Some(PastStep::Gone),
            (true, true) => {}
        }
        let counts = &mut self.counts;
        let changed = match (before, after) {
            (
                Some(Said::Text { facts: Some(old), text: old_text }),
                Some(Said::Text { facts: Some(new), text: new_text }),
            ) => {
                let changed = old != new;
                if !changed {
                    let same = old_text == new_text;
                    *(if same { &mut counts.volatile } else { &mut counts.outside_facts }) += 1;
                }
                changed
            }
            (Some(Said::Text { text: old, .. }), Some(Said::Text { text: new, .. })) => {
                self.by_text = true;
                let changed = old != new;
                *(if changed { &mut counts.changed_by_text } else { &mut counts.volatile }) += 1;
                changed
            }
            // Git says that it is another content, and nobody can say more.
            _ => {
                self.by_text = true;
                counts.unread += 1;
                true
            }
        };
        counts.changed += usize::from(changed);
        changed.then_some(PastStep::Changed)
    }
}
