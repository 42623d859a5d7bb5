//! A digest in words: a title, and lines under headings. What is left out is
//! counted. The same text goes into every channel; each says it in its form.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::clean::clean;
use super::digest::{Digest, News};

/// In our JSON, however many there are.
const MOST_IN_JSON: usize = 1_000;

/// The run that a message is about, and how things are after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFacts {
    /// `None`: no run, but one that did not happen.
    pub run: Option<i64>,
    pub outcome: Option<String>,
    pub finished: Option<DateTime<Utc>>,
    pub devices: usize,
    pub open_drifts: usize,
    /// Devices that could not be read at the last attempt.
    pub unreadable: usize,
    /// What the report says in a word, such as `Mostly in step`; `None`
    /// without a report of this run.
    pub verdict: Option<String>,
    /// What it says to do first, best first.
    pub do_first: Vec<String>,
    /// How many of its actions need a decision.
    pub decisions: u64,
    /// Where the report is.
    pub link: Option<String>,
}

/// What one channel is told.
#[derive(Clone, Debug)]
pub struct Message {
    pub digest: Digest,
    pub facts: RunFacts,
    pub at: DateTime<Utc>,
    /// Items in the text.
    pub most: usize,
}

impl Message {
    /// `driftcast: 2 new, 1 resolved (run 57 complete)`.
    pub fn title(&self) -> String {
        let facts = &self.facts;
        let run = match (facts.run, &facts.outcome) {
            (Some(run), Some(outcome)) => format!(" (run {run} {outcome})"),
            (Some(run), None) => format!(" (run {run})"),
            _ => String::new(),
        };
        if self.digest.baseline {
            return format!("driftcast: alerts are switched on{run}");
        }
        let counts: Vec<String> = News::ALL
            .into_iter()
            .filter_map(|news| {
                let count = self.digest.count(news);
                (count > 0).then(|| format!("{count} {}", news.words()))
            })
            .collect();
        let verdict = facts.verdict.as_ref().map_or(String::new(), |word| format!("{}: ", clean(word)));
        format!("driftcast: {verdict}{}{run}", counts.join(", "))
    }

    /// What somebody reads who reads no further: how things stand, and what to do.
    fn summary(&self) -> Vec<String> {
        let facts = &self.facts;
        let verdict = facts.verdict.as_ref().map_or(String::new(), |word| format!("{}: ", clean(word)));
        let mut lines = vec![format!(
            "{verdict}{} open drifts; {} of {} devices cannot be read.",
            facts.open_drifts, facts.unreadable, facts.devices
        )];
        if facts.verdict.is_some() {
            if facts.do_first.is_empty() && facts.open_drifts + facts.unreadable == 0 {
                lines.push("Nothing needed from you.".to_owned());
            }
            if facts.decisions > 0 {
                let word = if facts.decisions == 1 { "needs" } else { "need" };
                lines.push(format!("{} of the report's actions {word} your decision.", facts.decisions));
            }
            if !facts.do_first.is_empty() {
                lines.push(String::new());
                lines.push("Do first".to_owned());
                lines.extend(facts.do_first.iter().map(|action| format!("- {}", clean(action))));
            }
        }
        lines
    }

    /// One line an item, with headings and empty lines between.
    pub fn lines(&self) -> Vec<String> {
        let facts = &self.facts;
        let mut lines = self.summary();
        if self.digest.baseline {
            lines.push(String::new());
            lines.push(format!(
                "{} open drifts and {} devices that cannot be read are known, and are not told one by one. From now on you hear of what changes.",
                facts.open_drifts, facts.unreadable
            ));
        }
        let mut shown = 0;
        for news in News::ALL {
            let count = self.digest.count(news);
            if count == 0 {
                continue;
            }
            lines.push(String::new());
            lines.push(format!("{} ({count})", capital(news.words())));
            let mut here = 0;
            // Each heading gets its share, so that a flood of one sort hides no other.
            let share = (self.most / 4).max(1);
            for item in self.digest.items.iter().filter(|item| item.news == news) {
                if here >= share && shown >= self.most {
                    break;
                }
                lines.push(format!("- {}", self.line(item)));
                (here, shown) = (here + 1, shown + 1);
            }
            if here < count {
                lines.push(format!("- and {} more", count - here));
            }
        }
        if let Some(link) = &facts.link {
            lines.push(String::new());
            lines.push(format!("Report: {link}"));
        }
        lines
    }

    pub(super) fn line(&self, item: &super::Item) -> String {
        let mut line = clean(&item.label);
        if !item.detail.is_empty() {
            line.push_str(": ");
            line.push_str(&clean(&item.detail));
        }
        let days = item.since.map_or(0, |since| (self.at - since).num_days());
        if days > 0 && item.news == News::StillOpen {
            let _ = write!(line, ", for {days} days");
        }
        if !item.advice.is_empty() {
            line.push_str(". ");
            line.push_str(&clean(&item.advice));
        }
        line
    }

    /// For programs. `version` grows when a field changes its meaning.
    pub fn json(&self) -> Value {
        let digest = &self.digest;
        let counts: serde_json::Map<String, Value> = News::ALL
            .into_iter()
            .map(|news| {
                let name = serde_json::to_value(news).unwrap_or_default();
                (name.as_str().unwrap_or_default().to_owned(), json!(digest.count(news)))
            })
            .collect();
        let items: Vec<Value> = digest
            .items
            .iter()
            .take(MOST_IN_JSON)
            .map(|item| {
                json!({
                    "news": item.news, "item": item.item, "label": clean(&item.label),
                    "detail": clean(&item.detail), "advice": clean(&item.advice), "since": item.since,
                })
            })
            .collect();
        json!({
            "version": 1,
            "kind": if digest.baseline { "baseline" } else { "digest" },
            "title": self.title(),
            "told_at": self.at,
            "run": self.facts.run,
            "outcome": self.facts.outcome,
            "finished_at": self.facts.finished,
            "devices": self.facts.devices,
            "open_drifts": self.facts.open_drifts,
            "unreadable_devices": self.facts.unreadable,
            "verdict": self.facts.verdict,
            "do_first": self.facts.do_first,
            "decisions": self.facts.decisions,
            "report": self.facts.link,
            "counts": counts,
            "left_out": digest.items.len().saturating_sub(MOST_IN_JSON),
            "items": items,
        })
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::digest::Item;
    use super::*;

    pub(in crate::notify) fn message(items: usize) -> Message {
        let items = (0..items).map(|n| Item {
            news: if n % 2 == 0 { News::New } else { News::Resolved },
            item: format!("drift/1/D-{n}"),
            label: format!("sw{n}\u{1b}[2J <!channel> *x* ge1"),
            detail: "on the device, not in the database".to_owned(),
            advice: String::new(),
            since: None,
        });
        Message {
            digest: Digest { items: items.collect(), ..Digest::default() },
            facts: RunFacts {
                run: Some(7),
                outcome: Some("complete".to_owned()),
                devices: 5,
                link: Some("https://reports.example.net/latest/".to_owned()),
                ..RunFacts::default()
            },
            at: DateTime::UNIX_EPOCH,
            most: 4,
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let message = message(20);
        assert_eq!(message.title(), "driftcast: 10 new, 10 resolved (run 7 complete)");
        let lines = message.lines();
        assert_eq!(lines.iter().filter(|line| line.starts_with("- sw")).count(), 5);
        assert!(
            lines.contains(&"- and 6 more".to_owned()) && lines.contains(&"- and 9 more".to_owned()),
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')));
        assert_eq!(message.json()["counts"]["new"], 10);
    }

    #[test]
    fn the_first_lines_say_how_it_stands_and_what_to_do() {
        let mut message = message(2);
        message.facts.verdict = Some("Mostly in step".to_owned());
        message.facts.open_drifts = 4;
        message.facts.do_first = vec!["Accept VLAN 251 on 3 devices".to_owned(), "Read sw1 again".to_owned()];
        message.facts.decisions = 1;
        assert_eq!(message.title(), "driftcast: Mostly in step: 1 new, 1 resolved (run 7 complete)");
        let lines = message.lines();
        assert_eq!(
            lines[..7],
            [
                "Mostly in step: 4 open drifts; 0 of 5 devices cannot be read.",
                "1 of the report's actions needs your decision.",
                "",
                "Do first",
                "- Accept VLAN 251 on 3 devices",
                "- Read sw1 again",
                "",
            ]
        );
        message.facts.open_drifts = 0;
        message.facts.do_first.clear();
        assert_eq!(message.lines()[1], "Nothing needed from you.");
    }
}
