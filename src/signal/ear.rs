//! Line → signal, within limits. Every line is looked at once and forgotten;
//! what stays until it is collected is one short list a device, so memory is
//! bounded by the inventory and not by what anybody sends.
//!
//! Each pair of sender and device has a bucket of its own. A device that
//! floods empties its own bucket and no other, also behind a relay.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::book::Book;
use super::framing::LONGEST;
use super::line::parse;
use crate::model::device::DeviceId;
use crate::model::{Heard, LogSignal};

/// Senders with a bucket of their own; the others share one.
const BUCKETS: usize = 65_536;
/// A bucket that rested as long is full again and needs no memory.
const RESTED: Duration = Duration::from_secs(60);
/// Different signals of one device between two collections.
const A_DEVICE: usize = 16;
/// Longest name that is kept.
const NAME: usize = 64;

/// Hears lines from any number of tasks.
#[derive(Debug)]
pub struct Ear {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    /// Lines a second.
    rate: f64,
    buckets: HashMap<(IpAddr, Option<DeviceId>), Bucket>,
    shared: Bucket,
    swept: Option<Instant>,
    pending: HashMap<DeviceId, Vec<LogSignal>>,
    heard: Heard,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// Lines that may still be said, at `at`; `None`: it was never used.
    state: Option<(f64, Instant)>,
}

impl Bucket {
    fn take(&mut self, rate: f64, now: Instant) -> bool {
        let most = rate * 10.0;
        let (tokens, at) = self.state.unwrap_or((most, now));
        let tokens = (tokens + now.saturating_duration_since(at).as_secs_f64() * rate).min(most);
        let allowed = tokens >= 1.0;
        self.state = Some((if allowed { tokens - 1.0 } else { tokens }, now));
        allowed
    }
}

impl Ear {
    /// `lines_per_second`: of one sender; ten times that at once.
    pub fn new(book: Book, lines_per_second: u32) -> Self {
        Self {
            inner: Mutex::new(Inner {
                book,
                rate: f64::from(lines_per_second.max(1)),
                buckets: HashMap::new(),
                shared: Bucket::default(),
                swept: None,
                pending: HashMap::new(),
                heard: Heard::default(),
            }),
        }
    }

    /// Another inventory.
    pub fn know(&self, book: Book) {
        self.hold().book = book;
    }

    /// One line that came in from `from`: at `at` by the clock, at `now` for limits.
    pub fn hear(&self, from: IpAddr, raw: &[u8], at: DateTime<Utc>, now: Instant) {
        let from = from.to_canonical();
        let text = String::from_utf8_lossy(&raw[..raw.len().min(LONGEST)]);
        let line = parse(&text);
        let mut inner = self.hold();
        inner.heard.lines += 1;
        inner.heard.cut += u64::from(raw.len() > LONGEST);
        let found = line.and_then(|line| Some((inner.book.find(from, line.host)?, line)));
        let device = found.as_ref().map(|((id, _), _)| *id);
        if !inner.allows((from, device), now) {
            inner.heard.limited += 1;
            return;
        }
        if line.is_none() {
            inner.heard.garbled += 1;
            return;
        }
        let Some(((device_id, platform), line)) = found else {
            inner.heard.strangers += 1;
            return;
        };
        let Some(told) = (platform.told)(line.text) else { return };
        inner.heard.signals += 1;
        let name = |name: Option<&str>| name.map(printable).filter(|name| !name.is_empty());
        let (who, via) = (name(told.who), name(told.via));
        let pending = inner.pending.entry(device_id).or_default();
        if let Some(same) = pending.iter_mut().find(|s| s.who == who && s.via == via) {
            same.lines += 1;
        } else if pending.len() < A_DEVICE {
            pending.push(LogSignal { device_id, at, who, via, lines: 1 });
        } else if let Some(last) = pending.last_mut() {
            // More people than can be: counted, not named.
            (last.who, last.via) = (None, None);
            last.lines += 1;
        }
    }

    /// Signals since the last collection, in the order of their times.
    pub fn collect(&self) -> Vec<LogSignal> {
        let pending = std::mem::take(&mut self.hold().pending);
        let mut signals: Vec<LogSignal> = pending.into_values().flatten().collect();
        signals.sort_by(|a, b| (a.at, a.device_id, &a.who).cmp(&(b.at, b.device_id, &b.who)));
        signals
    }

    /// Everything since the start.
    pub fn heard(&self) -> Heard {
        self.hold().heard
    }

    /// Counts what happened beside the lines.
    pub(super) fn count(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.hold().heard);
    }

    fn hold(&self) -> MutexGuard<'_, Inner> {
        // Whatever panicked in between, counts and lists are still whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn allows(&mut self, sender: (IpAddr, Option<DeviceId>), now: Instant) -> bool {
        let rate = self.rate;
        if self.buckets.len() >= BUCKETS && !self.buckets.contains_key(&sender) {
            // Looking through all of them is worth it once in a while only.
            if self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= RESTED) {
                self.swept = Some(now);
                self.buckets
                    .retain(|_, b| b.state.is_some_and(|(_, at)| now.saturating_duration_since(at) < RESTED));
            }
            if self.buckets.len() >= BUCKETS {
                // A device that we know is heard in any case.
                return sender.1.is_some() || self.shared.take(rate, now);
            }
        }
        self.buckets.entry(sender).or_default().take(rate, now)
    }
}

/// A name without anything that could move a cursor, and not too long.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(NAME).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::super::book::tests::device;
    use super::*;

    fn ear(devices: usize, rate: u32) -> Ear {
        let devices: Vec<_> = (0..devices)
            .map(|n| device(&format!("sw{n}"), &format!("10.0.{}.{}", n / 250, n % 250 + 1), "arista_eos"))
            .collect();
        Ear::new(Book::new((0..).zip(&devices)), rate)
    }

    fn address(n: usize) -> IpAddr {
        format!("10.0.{}.{}", n / 250, n % 250 + 1).parse().unwrap()
    }

    const CHANGED: &[u8] =
        b"<189>Nov 23 09:05:00 x ConfigAgent: %SYS-5-CONFIG_I: Configured from console by amy on con0";

    /// Ten seconds of 10,000 lines a second from 1,000 senders; one has 90 %.
    #[test]
    fn a_flood_of_one_costs_the_others_nothing() {
        let ear = ear(1_000, 100);
        let start = Instant::now();
        let (mut kept, mut told) = (HashMap::<DeviceId, u64>::new(), 0);
        for second in 0..10 {
            for tick in 0..1_000 {
                let now = start + Duration::from_secs(second) + Duration::from_millis(tick);
                for _ in 0..9 {
                    ear.hear(address(0), CHANGED, DateTime::UNIX_EPOCH, now);
                }
                let other = usize::try_from(tick % 999).unwrap() + 1;
                ear.hear(address(other), CHANGED, DateTime::UNIX_EPOCH, now);
                told += 1;
            }
            for signal in ear.collect() {
                *kept.entry(signal.device_id).or_default() += signal.lines;
            }
            assert!(ear.hold().buckets.len() <= 1_000, "memory is flat");
        }
        let flooder = kept.remove(&0).unwrap();
        assert_eq!((kept.len(), kept.values().sum::<u64>()), (999, told), "all others are kept");
        assert!(flooder <= 100 * 10 + 100 * 10, "{flooder} of 90,000 were looked at");
        let heard = ear.heard();
        assert_eq!(heard.lines, 100_000);
        assert_eq!(heard.limited, 90_000 - flooder);
    }

    #[test]
    fn signals_of_one_device_are_few_and_clean() {
        let ear = ear(1, 1_000_000);
        let now = Instant::now();
        for n in 0..100 {
            let line = format!(
                "<1>Nov 23 09:05:00 x a: %SYS-5-CONFIG_I: Configured by u\u{1b}{n}{} on",
                "y".repeat(100)
            );
            ear.hear(address(0), line.as_bytes(), DateTime::UNIX_EPOCH, now);
        }
        let signals = ear.collect();
        assert_eq!((signals.len(), signals.iter().map(|s| s.lines).sum::<u64>()), (A_DEVICE, 100));
        let who = signals[1].who.as_ref().unwrap();
        assert!(who.len() == NAME && who.starts_with("u0y"), "{who}");
        assert!(ear.collect().is_empty());
    }

    #[test]
    fn strangers_and_garbage_are_counted() {
        let ear = ear(1, 5);
        let (now, far) = (Instant::now(), "203.0.113.1".parse().unwrap());
        ear.hear(far, CHANGED, DateTime::UNIX_EPOCH, now);
        ear.hear(far, &vec![0xff; 100_000], DateTime::UNIX_EPOCH, now);
        for _ in 0..100 {
            ear.hear(far, b"\x00\x01garbage", DateTime::UNIX_EPOCH, now);
        }
        ear.hear(address(0), CHANGED, DateTime::UNIX_EPOCH, now);
        let heard = ear.heard();
        assert_eq!((heard.strangers, heard.cut, heard.signals), (1, 1, 1));
        assert_eq!((heard.garbled, heard.limited), (49, 52));
    }
}
