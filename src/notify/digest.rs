//! What is so now, and what a channel was told before → what is news for it.
//! Pure. Whatever is told is also given back as what to remember, so a message
//! that did not arrive is simply not remembered and told with the next one.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    Drift,
    /// A device that does not answer, or cannot be read.
    Device,
    /// A run that did not take place, or not to its end.
    Run,
    /// A guard that stopped a change.
    Guard,
}

/// Something that is so now, or happened lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// Its identity: `drift/12/D-…`, `device/12`, `run/57` …
    pub item: String,
    pub sort: Sort,
    /// More is worse. Only told when it grows.
    pub weight: u32,
    /// It was there before, and was over in between.
    pub returned: bool,
    pub label: String,
    pub detail: String,
    /// What to do about it.
    pub advice: String,
    pub since: DateTime<Utc>,
}

/// What a channel was told last of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `open/WEIGHT`, or `resolved`.
    pub state: String,
    pub label: String,
    pub when: DateTime<Utc>,
}

/// Why an item is told, the most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    DidNotHappen,
    GuardStopped,
    StoppedAnswering,
    Worse,
    New,
    BackAgain,
    StillOpen,
    AnswersAgain,
    Resolved,
}

impl News {
    pub const ALL: [Self; 9] = [
        Self::DidNotHappen,
        Self::GuardStopped,
        Self::StoppedAnswering,
        Self::Worse,
        Self::New,
        Self::BackAgain,
        Self::StillOpen,
        Self::AnswersAgain,
        Self::Resolved,
    ];

    /// As a heading, and in `3 new`.
    pub fn words(self) -> &'static str {
        match self {
            Self::DidNotHappen => "runs that did not happen",
            Self::GuardStopped => "changes stopped by a guard",
            Self::StoppedAnswering => "devices that cannot be read any more",
            Self::Worse => "worse",
            Self::New => "new",
            Self::BackAgain => "back again",
            Self::StillOpen => "still open",
            Self::AnswersAgain => "devices that can be read again",
            Self::Resolved => "resolved",
        }
    }
}

/// One line of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    pub news: News,
    pub item: String,
    pub label: String,
    pub detail: String,
    pub advice: String,
    pub since: Option<DateTime<Utc>>,
}

/// What to tell one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The channel is new: what is so now counts as told from here on.
    pub baseline: bool,
    /// The most pressing first.
    pub items: Vec<Item>,
    /// What to remember once it is told: item, state, label.
    pub remember: Vec<(String, String, String)>,
}

impl Digest {
    /// Nothing to say. There may still be something to remember.
    pub fn is_quiet(&self) -> bool {
        self.items.is_empty() && !self.baseline
    }

    pub fn count(&self, news: News) -> usize {
        self.items.iter().filter(|item| item.news == news).count()
    }
}

const RESOLVED: &str = "resolved";
/// When the still open ones were listed last.
const REMINDER: &str = "reminder";
/// That there was a baseline, also of a fleet without anything to tell.
const BASELINE: &str = "baseline";
/// Nightly runs do not take place to the minute.
const A_DAY: TimeDelta = TimeDelta::hours(20);

/// The news for one channel. `is_known`: whether an item's device is still in
/// the inventory; of one that left nothing is told, it is only forgotten.
pub fn digest(
    now: &[Now],
    told: &BTreeMap<String, Told>,
    at: DateTime<Utc>,
    still_open_days: u32,
    is_known: &dyn Fn(&str) -> bool,
) -> Digest {
    let remember = |now: &Now| (now.item.clone(), format!("open/{}", now.weight), now.label.clone());
    if told.is_empty() {
        let mut all: Vec<_> = now.iter().map(remember).collect();
        all.push((BASELINE.to_owned(), "taken".to_owned(), String::new()));
        all.push((REMINDER.to_owned(), "said".to_owned(), String::new()));
        return Digest { baseline: true, items: Vec::new(), remember: all };
    }
    let mut digest = Digest::default();
    let reminder_is_due = still_open_days > 0
        && told.get(REMINDER).is_none_or(|last| at - last.when >= A_DAY || last.when > at);
    let limit = TimeDelta::days(i64::from(still_open_days));
    // Whoever is told as new or worse today is reminded of tomorrow.
    let reminded =
        reminder_is_due && now.iter().any(|one| one.sort == Sort::Drift && at - one.since >= limit);
    for one in now {
        let news = match told.get(&one.item).map(|told| told.state.as_str()) {
            None => Some(first(one)),
            Some(RESOLVED) => Some(again(one)),
            Some(state) => {
                let before = state.strip_prefix("open/").and_then(|w| w.parse::<u32>().ok()).unwrap_or(0);
                if one.weight != before {
                    digest.remember.push(remember(one));
                }
                if one.weight > before {
                    Some(News::Worse)
                } else if one.sort == Sort::Drift && reminder_is_due && at - one.since >= limit {
                    digest.items.push(item(News::StillOpen, one));
                    None
                } else {
                    None
                }
            }
        };
        if let Some(news) = news {
            if news != News::Worse {
                digest.remember.push(remember(one));
            }
            digest.items.push(item(news, one));
        }
    }
    if reminded {
        digest.remember.push((REMINDER.to_owned(), "said".to_owned(), String::new()));
    }
    for (key, before) in told {
        let news = match key.split_once('/').map(|(sort, _)| sort) {
            Some("drift") => News::Resolved,
            Some("device") => News::AnswersAgain,
            // A run that did not happen is never over.
            _ => continue,
        };
        if before.state == RESOLVED || now.iter().any(|one| one.item == *key) {
            continue;
        }
        digest.remember.push((key.clone(), RESOLVED.to_owned(), before.label.clone()));
        if is_known(key) {
            digest.items.push(Item {
                news,
                item: key.clone(),
                label: before.label.clone(),
                detail: String::new(),
                advice: String::new(),
                since: None,
            });
        }
    }
    digest.items.sort_by(|a, b| (a.news, &a.label, &a.item).cmp(&(b.news, &b.label, &b.item)));
    digest
}

fn first(now: &Now) -> News {
    match now.sort {
        Sort::Drift if now.returned => News::BackAgain,
        Sort::Drift => News::New,
        Sort::Device => News::StoppedAnswering,
        Sort::Run => News::DidNotHappen,
        Sort::Guard => News::GuardStopped,
    }
}

fn again(now: &Now) -> News {
    if now.sort == Sort::Drift { News::BackAgain } else { first(now) }
}

fn item(news: News, now: &Now) -> Item {
    Item {
        news,
        item: now.item.clone(),
        label: now.label.clone(),
        detail: now.detail.clone(),
        advice: now.advice.clone(),
        since: Some(now.since),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + n)
    }

    pub(in crate::notify) fn one(item: &str, sort: Sort, weight: u32, since: i64) -> Now {
        Now {
            item: item.to_owned(),
            sort,
            weight,
            returned: false,
            label: format!("label of {item}"),
            detail: "detail".to_owned(),
            advice: "advice".to_owned(),
            since: day(since),
        }
    }

    fn drift(n: u32, weight: u32, since: i64) -> Now {
        one(&format!("drift/1/D-{n}"), Sort::Drift, weight, since)
    }

    /// A channel's memory.
    #[derive(Default)]
    struct Memory(BTreeMap<String, Told>);

    impl Memory {
        fn tell(&mut self, now: &[Now], at: i64) -> Vec<(News, String)> {
            let digest = digest(now, &self.0, day(at), 3, &|item| !item.starts_with("device/9"));
            for (item, state, label) in digest.remember {
                self.0.insert(item, Told { state, label, when: day(at) });
            }
            digest.items.into_iter().map(|item| (item.news, item.item)).collect()
        }
    }

    #[test]
    fn nothing_is_told_twice() {
        let mut memory = Memory::default();
        let (a, b) = (drift(1, 1, 0), drift(2, 1, 0));
        assert!(memory.tell(std::slice::from_ref(&a), 0).is_empty(), "the baseline");
        let told = |news, n: u32| (news, format!("drift/1/D-{n}"));
        assert_eq!(memory.tell(&[a.clone(), b.clone()], 1), [told(News::New, 2)]);
        assert!(memory.tell(&[a.clone(), b.clone()], 2).is_empty());
        assert_eq!(memory.tell(&[drift(1, 5, 0), b.clone()], 2), [told(News::Worse, 1)]);
        assert!(memory.tell(&[a.clone(), b.clone()], 2).is_empty(), "better is no news");
        assert_eq!(memory.tell(&[drift(1, 2, 0), b.clone()], 2), [told(News::Worse, 1)]);
        assert_eq!(memory.tell(std::slice::from_ref(&b), 2), [told(News::Resolved, 1)]);
        assert!(memory.tell(std::slice::from_ref(&b), 2).is_empty());
        assert_eq!(memory.tell(&[a.clone(), b.clone()], 2), [told(News::BackAgain, 1)]);
        assert_eq!(
            memory.tell(&[a.clone(), b.clone()], 3),
            [told(News::StillOpen, 1), told(News::StillOpen, 2)]
        );
        assert!(memory.tell(&[a.clone(), b.clone()], 3).is_empty(), "once a day");
        assert_eq!(memory.tell(&[a, b], 4).len(), 2);
    }

    #[test]
    fn devices_runs_and_guards() {
        use News::{AnswersAgain, DidNotHappen, GuardStopped, StoppedAnswering};

        let mut memory = Memory::default();
        memory.tell(&[], 0);
        let all = [
            one("device/1", Sort::Device, 1, 1),
            one("device/9", Sort::Device, 1, 1),
            one("run/5", Sort::Run, 1, 1),
            one("guard/6", Sort::Guard, 1, 1),
        ];
        let news: Vec<News> = memory.tell(&all, 1).into_iter().map(|(news, _)| news).collect();
        assert_eq!(news, [DidNotHappen, GuardStopped, StoppedAnswering, StoppedAnswering]);
        assert!(memory.tell(&all, 9).is_empty());
        assert_eq!(memory.tell(&[], 9), [(AnswersAgain, "device/1".to_owned())], "9 left the inventory");
        assert_eq!(memory.tell(&all[..1], 10), [(StoppedAnswering, "device/1".to_owned())]);
    }

    #[test]
    fn what_did_not_arrive_comes_with_the_next() {
        let told = BTreeMap::from([(
            BASELINE.to_owned(),
            Told { state: "taken".to_owned(), label: String::new(), when: day(0) },
        )]);
        let now = [drift(1, 1, 1)];
        let first = digest(&now, &told, day(1), 3, &|_| true);
        // It was not remembered.
        let second = digest(&now, &told, day(2), 3, &|_| true);
        assert_eq!(first.items, second.items);
    }

    proptest! {
        /// Whatever happens: told right after, the same says nothing; and what is open and what is remembered agree.
        #[test]
        fn the_memory_follows(days in proptest::collection::vec(proptest::collection::btree_map(0_u32..6, 0_u32..4, 0..6), 1..12)) {
            let mut memory = Memory::default();
            for (at, open) in days.iter().enumerate() {
                let now: Vec<Now> = open.iter().map(|(n, weight)| drift(*n, *weight, 0)).collect();
                memory.tell(&now, i64::try_from(at).unwrap());
                prop_assert_eq!(memory.tell(&now, i64::try_from(at).unwrap()), Vec::new());
                let remembered = memory.0.iter().filter(|(key, told)| key.starts_with("drift/") && told.state != RESOLVED).count();
                prop_assert_eq!(remembered, open.len());
            }
        }
    }
}
