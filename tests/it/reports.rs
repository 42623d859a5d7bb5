//! The report as its readers and its attackers meet it: whole pages from whole
//! nights. With `DRIFTCAST_LOOK=DIR` the sample nights are written to `DIR`,
//! to be looked at in a browser.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, TimeZone, Utc};
use driftcast::analysis::answers::{ByHand, Delay};
use driftcast::model::change::ChangeKind;
use driftcast::model::finding::{Basis, Direction, Ranking, Recommendation, Trend};
use driftcast::model::{
    Cause, Change, DeviceName, Drift, DriftClass, DriftId, Encapsulation, EncapsulationKind, Fact, FactKey,
    Interface, Kind, LineCounts, Outcome, Record, RecordSource, RunKind, ServiceKind, ServiceRef, UnreadLine,
};
use driftcast::report::view::upkeep::{
    CauseShare, CostAnswer, Debt, DelayAnswer, HandAnswer, IgnoreRule, NightSessions, PlatformLines,
    PolicyWork, RefusedAnswer, ScheduleState, Upkeep, WeakDevice, WentAhead,
};
use driftcast::report::view::{
    BudgetPoint, Calendar, CalendarRow, Decision, DeviceView, DriftDay, Estimate, FactView, FieldPair, Fleet,
    FreshNight, Movement, Night, OpenDrift, PastScan, Reliability, ReliabilityBin, ResolveTime, RunOutcome,
    RunView, ScanOfRun, Share, Standing, Unknown, Unread, Verdict, what_to_do,
};
use driftcast::report::{
    Overrides, Page, PastReport, ReportError, render, render_archive, render_broken, render_device,
    render_with, slug,
};
use proptest::prelude::*;

/// Numbers that are the same on every machine and in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30)
    }
}

fn as_of() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 6, 12, 0).unwrap()
}

fn ago(days: f64) -> DateTime<Utc> {
    as_of() - Duration::seconds((days * 86_400.0) as i64)
}

fn name(text: &str) -> DeviceName {
    DeviceName::new(text).unwrap()
}

fn device_name(i: u64) -> DeviceName {
    let (role, n) = match i % 10 {
        0 => ("SPINE", i / 10),
        1 => ("CORE", i / 10),
        _ => ("LEAF", i),
    };
    name(&format!("DNAAS-{role}-{}{:02}", char::from(b'A' + (n / 40 % 26) as u8), n))
}

fn nights() -> Vec<NaiveDate> {
    let last = as_of().date_naive();
    (0..90).rev().map(|n| last - Duration::days(n)).collect()
}

/// A night with nothing in it.
fn empty() -> Night {
    Night {
        run: RunView {
            id: 1,
            kind: RunKind::Nightly,
            started: ago(0.2),
            finished: Some(ago(0.1)),
            outcome: RunOutcome::Complete,
            as_of: as_of(),
            valid_until: ago(-1.1),
            sessions: 0,
            budget: None,
            version: "0.1.0".to_owned(),
        },
        verdict: Verdict::CannotSay,
        verdict_reason: None,
        fleet: Fleet::default(),
        agreement: None,
        unseen: None,
        next_week: None,
        movement: None,
        decisions: vec![],
        recommendations: vec![],
        drifts: vec![],
        last_resolved: None,
        drift_by_day: vec![],
        ranking: vec![],
        calendar: Calendar::default(),
        freshness: vec![],
        freshness_target: None,
        reliability: Reliability::default(),
        budget_curve: vec![],
        resolve_times: vec![],
        unknowns: vec![],
        never_read: vec![],
        unread: vec![],
        scans: vec![],
        upkeep: Upkeep::default(),
        devices: vec![],
    }
}

fn pair(field: &str, record: Option<&str>, fact: Option<&str>) -> FieldPair {
    FieldPair { field: field.to_owned(), record: record.map(str::to_owned), fact: fact.map(str::to_owned) }
}

fn drift(i: u64, device: DeviceName, dice: &mut Dice) -> OpenDrift {
    let class = [DriftClass::Unrecorded, DriftClass::Unrecorded, DriftClass::Missing, DriftClass::Differs]
        [dice.below(4) as usize];
    let vlan = 200 + dice.below(3_000);
    let key = format!("ge100-0/0/{}.{vlan}", dice.below(36));
    let vlan = vlan.to_string();
    let service = format!("g_visaev_v{vlan}");
    let fields = match class {
        DriftClass::Unrecorded => {
            vec![pair("outer", None, Some(&vlan)), pair("service", None, Some(&service))]
        }
        DriftClass::Missing => vec![pair("outer", Some(&vlan), None), pair("service", Some(&service), None)],
        DriftClass::Differs => vec![
            pair("service", Some(&service), Some("g_mgmt_v10")),
            pair("description", Some("to customer 4711, rack B15"), None),
        ],
    };
    let age = dice.unit().powi(3) * 60.0;
    OpenDrift {
        id: DriftId::of(i.cast_signed(), &FactKey::new(Kind::Interface, key.clone())),
        device,
        kind: Kind::Interface,
        key,
        class,
        fields,
        cause: if dice.below(3) == 0 { Cause::Manual } else { Cause::Unknown },
        who: (dice.below(3) == 0).then(|| "visaev".to_owned()),
        first_seen: ago(age),
        age_days: age,
        recurrences: i64::from(dice.below(9) == 0),
        recommendation: Some(match class {
            DriftClass::Unrecorded => "Accept it into the record.".to_owned(),
            DriftClass::Missing => "Absent once; needs 2 more scans.".to_owned(),
            DriftClass::Differs => "Both sides are plausible: you decide.".to_owned(),
        }),
    }
}

fn recommendations(drifts: &[OpenDrift]) -> Vec<Recommendation> {
    drifts
        .chunks(drifts.len().div_ceil(12).max(1))
        .enumerate()
        .map(|(i, chunk)| {
            let devices: BTreeSet<DeviceName> = chunk.iter().map(|d| d.device.clone()).collect();
            let first = &chunk[0];
            Recommendation {
                what: match i % 3 {
                    0 => format!("Accept {} of VLAN 251 on {} devices", first.key, devices.len()),
                    1 => format!("Ask visaev about {}", first.device),
                    _ => format!("Read {} again", first.device),
                },
                why: "Unrecorded, identical on all of them, still there after 3 scans; committed by visaev on the CLI between 14 and 17 Nov.".to_owned(),
                command: Some(match i % 3 {
                    0 => format!("driftcast diff {} --as-records > accept.csv\ndriftcast records import accept.csv", first.device),
                    _ => format!("driftcast scan {}", first.device),
                }),
                risk: "Low: the record only, undone by id.".to_owned(),
                sure: "More than 19 in 20 that it was intended; 4 devices without a commit log.".to_owned(),
                drifts: chunk.iter().map(|d| d.id.clone()).collect(),
                devices: devices.into_iter().collect(),
                decision: i == 0 || i == 4,
            }
        })
        .collect()
}

fn ranking(i: u64, dice: &mut Dice) -> Ranking {
    let rate = 12.0 * dice.unit().powi(4) + 0.05;
    let prior = dice.below(6) == 0;
    let (scans, spread) = if prior { (1, 3.0) } else { (20 + dice.below(60).cast_signed(), 0.5) };
    let age = 0.1 + dice.unit() * 14.0;
    let p = 1.0 - (-rate * age / 30.0).exp();
    Ranking {
        device_id: i.cast_signed(),
        device: device_name(i),
        role: if i.is_multiple_of(10) { "spine" } else { "leaf" }.to_owned(),
        site: format!("fra{}", i % 7),
        p_change: p,
        p_drift: p * 0.6,
        rate_per_30_days: rate,
        rate_low: rate / (1.0 + spread),
        rate_high: rate * (1.0 + spread),
        median_days_to_next: Some(20.8 / rate),
        next_low: Some(1.5 / rate),
        next_high: Some(90.0 / rate),
        share_of_data: 0.6,
        last_good_scan: Some(ago(age)),
        score: p,
        reason: if prior {
            "too little history; judged by 17 other leaves".to_owned()
        } else {
            format!("changes about {:.0} times a month, last read {age:.0} days ago", rate.max(1.0))
        },
        basis: if prior { Basis::Prior } else { Basis::Data },
        trend: Trend {
            direction: [Direction::Rising, Direction::Steady, Direction::Falling, Direction::Unclear]
                [dice.below(4) as usize],
            p_rising: 0.5,
        },
        scans,
        changed: scans / 4,
        imported: 0,
        slope_30_days: None,
    }
}

fn calendar(devices: u64, dice: &mut Dice) -> Calendar {
    let nights = nights();
    let rows = (0..devices.min(60))
        .map(|i| CalendarRow {
            device: device_name(i),
            cells: nights
                .iter()
                .enumerate()
                .map(|(n, _)| {
                    let read = dice.below(10) < 6;
                    let tuesday = n % 7 == 1;
                    let changed = dice.below(if tuesday { 3 } else { 25 + i }) == 0;
                    read.then(|| if changed { 1 + dice.below(9) as u32 } else { 0 })
                })
                .collect(),
        })
        .collect();
    Calendar { nights, rows, scans: devices * 54 }
}

fn device_view(i: u64, dice: &mut Dice) -> DeviceView {
    let interface = |n: u64| {
        let mut interface = Interface::named(format!("ge100-0/0/{n}.{}", 200 + n));
        interface.parent = Some(format!("ge100-0/0/{n}"));
        interface.l2 = true;
        interface.encapsulation = Encapsulation {
            kind: EncapsulationKind::Dot1q,
            outer: Some((200 + n).to_string()),
            inner: None,
            tpid: None,
        };
        interface.service =
            Some(ServiceRef { kind: ServiceKind::BridgeDomain, name: format!("g_visaev_v{}", 200 + n) });
        interface.description = Some("to customer 4711".to_owned());
        interface
    };
    let change = |d: f64, kind: ChangeKind| Change {
        key: FactKey::new(Kind::Interface, "ge100-0/0/31.251"),
        kind,
        fields: if kind == ChangeKind::Modified { vec!["service".to_owned()] } else { vec![] },
        after: ago(d + 1.0),
        until: ago(d),
        who: (d < 20.0).then(|| "visaev".to_owned()),
        via: (d < 20.0).then(|| "cli".to_owned()),
    };
    let age = dice.unit() * 10.0;
    DeviceView {
        name: device_name(i),
        platform: "drivenets_dnos".to_owned(),
        role: if i.is_multiple_of(10) { "spine" } else { "leaf" }.to_owned(),
        site: format!("fra{}", i % 7),
        standing: match i % 9 {
            8 => Standing::Unknown { why: "login refused since 14 Nov".to_owned() },
            n if n % 2 == 0 => Standing::Confirmed,
            _ => Standing::Believed { p_change: 0.31 },
        },
        last_good_scan: Some(ago(age)),
        agreement: Some(Share { part: 118, whole: 121 }),
        unmanaged_facts: 14,
        interval_days: Some(3.2),
        lines: LineCounts { read: 412, ignored: 1_630, unread: 0 },
        facts: (0..6).map(|n| FactView::of(&Fact::Interface(interface(n)))).collect(),
        changes: vec![
            change(6.0, ChangeKind::Added),
            change(13.2, ChangeKind::Modified),
            change(44.0, ChangeKind::Removed),
        ],
        scans: (0..12)
            .map(|n| PastScan {
                at: ago(age + n as f64 * 3.0),
                run: Some(812 - n),
                scope: "device".to_owned(),
                outcome: if n == 4 { Outcome::Timeout } else { Outcome::Complete },
                detail: (n == 4).then(|| "protocol".to_owned()),
                changes: (n != 4).then_some(u64::from(n % 3 == 0)),
            })
            .collect(),
    }
}

fn upkeep(devices: u64, drifts: u64) -> Upkeep {
    let about = |mid: f64| Estimate { mid, low: mid * 0.8, high: mid * 1.3 };
    let sessions = (devices / 10).max(1);
    Upkeep {
        sync: Some(PolicyWork {
            plan: "P-4f2a9c01d3".to_owned(),
            added: 12,
            updated: 3,
            removed: 1,
            skipped: 2,
            held: 5,
            stopped: None,
        }),
        nights: (0..30)
            .rev()
            .map(|n| NightSessions {
                started: ago(f64::from(n)),
                sessions: sessions - 1,
                budget: Some(sessions),
            })
            .collect(),
        schedules: vec![ScheduleState {
            name: "nightly".to_owned(),
            job: "nightly".to_owned(),
            slot: ago(0.2),
            what: "runs".to_owned(),
            outcome: Some("partial".to_owned()),
            left_out: 1,
        }],
        weak: (0..devices.min(7))
            .map(|i| WeakDevice {
                device: device_name(i),
                algorithms: if i % 3 == 0 { "ssh-rsa" } else { "diffie-hellman-group14-sha1, ssh-rsa" }
                    .to_owned(),
            })
            .collect(),
        causes: [(Cause::Unknown, 0.5), (Cause::Manual, 0.3), (Cause::UnrecordedDeploy, 0.2)]
            .into_iter()
            .map(|(cause, share)| CauseShare {
                cause,
                opened: (900.0 * share) as u64,
                share: about(share),
                open: (drifts as f64 * share) as u64,
            })
            .collect(),
        unread_by_platform: vec![PlatformLines {
            platform: "drivenets_dnos".to_owned(),
            devices: 6,
            lines: 118,
        }],
        ignore_rules: vec![IgnoreRule {
            rule: "ignore role=leaf line=ntp clock-period *".to_owned(),
            reason: "the clock's own drift".to_owned(),
            since: Some(ago(40.0)),
            times: 0,
            runs: 0,
            last: None,
        }],
        by_hand: Some(HandAnswer {
            days: 90.0,
            found: ByHand {
                by_hand: 54,
                by_tool: 12,
                not_known: 40,
                devices: 31,
                people: 7,
                per_week: about(4.2),
                at_most_per_week: 7.3,
            },
        }),
        delay: Some(DelayAnswer {
            days: 90.0,
            found: Delay { occasions: 106, median_days: about(1.6), nine_in_ten_days: 9.0 },
            sessions_per_night: sessions as f64,
            fleet: devices,
            scan_seconds: Some(2.1),
        }),
        debt: (0..3)
            .map(|i| Debt {
                device: device_name(i),
                kind: Kind::Interface,
                key: format!("ge100-0/0/{i}.251"),
                choice: if i == 0 { "override" } else { "skip" }.to_owned(),
                class: "conflicting".to_owned(),
                who: "ann".to_owned(),
                why: "customer 4711 moves on Friday".to_owned(),
                when: ago(12.0 - i as f64),
                age_days: 12.0 - i as f64,
                until: (i < 2).then(|| ago(2.0 - 4.0 * i as f64)),
                overdue: i == 0,
            })
            .collect(),
        refused: Some(RefusedAnswer {
            days: 90.0,
            accepted: 6,
            skipped: 4,
            overridden: 3,
            aborted: 1,
            went_ahead: (0..3)
                .map(|i| WentAhead {
                    device: device_name(i),
                    key: format!("ge100-0/0/{i}.251"),
                    more: i,
                    who: "ann".to_owned(),
                    when: ago(12.0 + i as f64),
                    as_wanted: i == 2,
                    settled: i > 0,
                })
                .collect(),
        }),
        cost: Some(CostAnswer {
            days: 30.0,
            nights: 30,
            sessions: sessions * 30,
            complete: sessions * 29,
            changed: sessions * 5,
            found: about(0.17),
            seconds: about(2.1),
            all_seconds: sessions as f64 * 30.0 * 2.2,
        }),
    }
}

/// A believable night of a fleet.
fn sample(devices: u64, drifts: u64) -> Night {
    let mut dice = Dice(42);
    let open: Vec<OpenDrift> = (0..drifts)
        .map(|i| {
            let d = device_name(dice.below(devices));
            drift(i, d, &mut dice)
        })
        .collect();
    let with_drift = open.iter().map(|d| &d.device).collect::<BTreeSet<_>>().len() as u64;
    let unknown = devices / 100 + 1;
    let confirmed = devices / 10;
    let mut ranked: Vec<Ranking> = (0..devices).map(|i| ranking(i, &mut dice)).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    let counts =
        DriftClass::ALL.map(|class| (class, open.iter().filter(|d| d.class == class).count() as u64));
    let count_of = |class| counts.iter().find(|(c, _)| *c == class).map_or(0, |(_, n)| *n);
    let last = nights().len() - 1;
    Night {
        run: RunView {
            id: 812,
            outcome: RunOutcome::Partial,
            sessions: confirmed.max(1) - 1,
            budget: Some(confirmed.max(1)),
            ..empty().run
        },
        verdict: Verdict::MostlyInStep,
        fleet: Fleet {
            confirmed_in_step: confirmed - confirmed.min(with_drift / 3),
            confirmed_with_drift: confirmed.min(with_drift / 3),
            believed_in_step: devices
                .saturating_sub(confirmed + unknown + with_drift - confirmed.min(with_drift / 3)),
            believed_with_drift: with_drift - confirmed.min(with_drift / 3),
            unknown,
            unmanaged_facts: devices * 14,
        },
        agreement: Some(Share { part: devices * 118, whole: devices * 118 + drifts }),
        unseen: Some(Estimate {
            mid: devices as f64 * 0.008,
            low: devices as f64 * 0.005,
            high: devices as f64 * 0.012,
        }),
        next_week: Some(Estimate {
            mid: devices as f64 * 0.06,
            low: devices as f64 * 0.04,
            high: devices as f64 * 0.08,
        }),
        movement: Some(Movement {
            since: ago(1.1),
            new: 31,
            resolved: 54,
            returned: 3,
            open_30_days_ago: Some(drifts + drifts / 5),
        }),
        decisions: vec![Decision {
            what: format!("Allow {} more sessions a night", devices / 12 + 1),
            why: "Unseen changes would fall from about 40 to about 25 devices.".to_owned(),
        }],
        recommendations: recommendations(&open),
        last_resolved: Some(ago(4.0)),
        drift_by_day: nights()
            .into_iter()
            .enumerate()
            .map(|(i, night)| {
                let scale =
                    if i == last { 1.0 } else { 1.3 - i as f64 / 90.0 * 0.3 + (i as f64 / 5.0).sin() * 0.06 };
                DriftDay {
                    night,
                    ran: !(50..53).contains(&i),
                    unrecorded: (count_of(DriftClass::Unrecorded) as f64 * scale) as u64,
                    missing: (count_of(DriftClass::Missing) as f64 * scale) as u64,
                    differs: (count_of(DriftClass::Differs) as f64 * scale) as u64,
                    new: dice.below(40),
                    resolved: dice.below(44),
                }
            })
            .collect(),
        drifts: open,
        ranking: ranked,
        calendar: calendar(devices, &mut dice),
        freshness: nights()
            .into_iter()
            .enumerate()
            .map(|(i, night)| {
                let mid = 0.93 + i as f64 / 90.0 * 0.04 + (i as f64 / 4.0).sin() * 0.008;
                FreshNight {
                    night,
                    share: (!(50..53).contains(&i)).then_some(Estimate {
                        mid,
                        low: mid - 0.02,
                        high: (mid + 0.015).min(1.0),
                    }),
                    after: (!(50..53).contains(&i)).then_some(Estimate {
                        mid: mid + 0.012,
                        low: mid - 0.01,
                        high: (mid + 0.02).min(1.0),
                    }),
                }
            })
            .collect(),
        freshness_target: Some(0.95),
        reliability: Reliability {
            checked: 4_812,
            skill: Some(0.21),
            bins: (0..10)
                .map(|i| {
                    let said = 0.03 + 0.1 * f64::from(i);
                    let n = 900 - 80 * u64::try_from(i).unwrap();
                    let rate = (said * 0.97 + 0.01).min(1.0);
                    ReliabilityBin {
                        said,
                        n,
                        happened: (rate * n as f64) as u64,
                        low: (rate - 0.04).max(0.0),
                        high: (rate + 0.04).min(1.0),
                    }
                })
                .collect(),
            ..Reliability::default()
        },
        budget_curve: [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
            .into_iter()
            .map(|f: f64| {
                let mid = devices as f64 * 0.05 / f.powf(0.8);
                let right = 1.0 - mid / devices as f64;
                BudgetPoint {
                    sessions: (confirmed.max(1) as f64 * f).ceil() as u64,
                    fresh: Estimate { mid: right, low: right - 0.02 / f, high: (right + 0.01).min(1.0) },
                    unseen: Estimate { mid, low: mid * 0.6, high: mid * 1.5 },
                    delay_days: Some(3.2 / f),
                    today: (f - 1.0).abs() < 1e-9,
                }
            })
            .collect(),
        resolve_times: DriftClass::ALL
            .into_iter()
            .map(|class| ResolveTime {
                class,
                resolved: 412,
                median_days: Some(3.0),
                nine_in_ten_days: Some(21.0),
                open: count_of(class),
            })
            .collect(),
        unknowns: (0..unknown)
            .map(|i| {
                let outcome = if i % 4 == 3 { Outcome::Unreachable } else { Outcome::Auth };
                Unknown {
                    device: device_name(i * 9 + 8),
                    site: if outcome == Outcome::Auth { "fra3".to_owned() } else { format!("ber{}", i % 5) },
                    outcome,
                    detail: (outcome == Outcome::Auth).then(|| "password-change".to_owned()),
                    since: ago(31.0 - (i % 30) as f64),
                    last_good_scan: Some(ago(40.0)),
                    advice: what_to_do(outcome).to_owned(),
                }
            })
            .collect(),
        never_read: (0..9.min(devices)).map(|i| device_name(devices + i)).collect(),
        unread: (0..6.min(devices))
            .map(|i| Unread {
                device: device_name(i),
                lines: 30 - i,
                examples: vec![UnreadLine {
                    line: 17,
                    text: "   storm-control broadcast-packet-rate 100 <hidden>".to_owned(),
                }],
            })
            .collect(),
        scans: (0..confirmed.max(1))
            .map(|i| ScanOfRun {
                device: device_name(i),
                outcome: if i % 50 == 49 { Outcome::Timeout } else { Outcome::Complete },
                detail: None,
                why: "the forecast found it most worth a session".to_owned(),
                changed: Some(i % 7 == 0),
                took_ms: 2_100,
            })
            .collect(),
        upkeep: upkeep(devices, drifts),
        devices: (0..devices).map(|i| device_view(i, &mut dice)).collect(),
        ..empty()
    }
}

/// Everything is wrong: nothing readable, everything drifted, forecasts useless.
fn all_bad(devices: u64) -> Night {
    let mut night = sample(devices, devices * 8);
    night.run.outcome = RunOutcome::Failed;
    night.verdict = Verdict::InStep;
    night.verdict_reason =
        Some("No device answered since 02:10; the jump host of site fra3 refuses logins.".to_owned());
    night.fleet =
        Fleet { unknown: devices - devices / 20, believed_with_drift: devices / 20, ..Fleet::default() };
    night.unknowns = (0..devices)
        .map(|i| Unknown {
            device: device_name(i),
            site: format!("fra{}", i % 7),
            outcome: Outcome::ALL[1 + (i as usize) % 13],
            detail: None,
            since: ago(3.0),
            last_good_scan: None,
            advice: what_to_do(Outcome::ALL[1 + (i as usize) % 13]).to_owned(),
        })
        .collect();
    for night in &mut night.freshness {
        night.share =
            night.share.map(|s| Estimate { mid: s.mid - 0.6, low: s.low - 0.65, high: s.high - 0.5 });
        night.after = night.share;
    }
    night.reliability.skill = Some(-0.3);
    night.never_read = (0..devices).map(device_name).collect();
    night
}

fn text(pages: &[Page], path: &str) -> String {
    let page = pages.iter().find(|p| p.path == path).unwrap();
    String::from_utf8(page.bytes.clone()).unwrap()
}

fn index(night: &Night) -> String {
    text(&render(night).unwrap(), "index.html")
}

/// Names of all tags of a page in order, with their attribute names. `<wbr>` is
/// left out: where a name may be broken depends on its letters.
fn tags(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start..];
        // A quoted value may hold a bare `>`.
        let mut quote = None;
        let end = tag
            .char_indices()
            .find(|(_, c)| {
                match (quote, c) {
                    (None, '"' | '\'') => quote = Some(*c),
                    (Some(q), c) if q == *c => quote = None,
                    _ => {}
                }
                quote.is_none() && *c == '>'
            })
            .map_or(tag.len(), |(i, _)| i + 1);
        let inside = &tag[1..end - 1];
        let name = inside.split([' ', '\n']).next().unwrap().to_owned();
        let attributes: Vec<&str> =
            inside.split('"').step_by(2).filter_map(|piece| piece.trim().strip_suffix('=')).collect();
        if name != "wbr" {
            tags.push(format!("{name} {}", attributes.join(" ")));
        }
        rest = &tag[end..];
        // What stands between these tags is no markup.
        for raw in ["style", "script"] {
            if name == raw {
                rest = &rest[rest.find(&format!("</{raw}>")).unwrap()..];
            }
        }
    }
    tags
}

/// A small night with `evil` in every text that a device, a record, a person
/// or another system may have written.
fn infected(evil: &str) -> Night {
    let mut night = sample(3, 3);
    // Pages of weeks and months hold no text of others; two weeks are enough of them.
    night.drift_by_day.drain(..76);
    let text = || evil.to_owned();
    // Device names have rules of their own; what these refuse cannot get here.
    let device = |i: usize| {
        let kept: String =
            evil.chars().filter(|c| DeviceName::new(&format!("x{c}")).is_ok()).take(100).collect();
        name(&format!("x{kept}{i}"))
    };
    night.verdict_reason = Some(text());
    night.run.version = text();
    night.decisions[0].what = text();
    night.decisions[0].why = text();
    for (i, drift) in night.drifts.iter_mut().enumerate() {
        drift.id = DriftId(format!("D-{i}"));
        drift.device = device(i);
        drift.key = text();
        drift.who = Some(text());
        drift.recommendation = Some(text());
        drift.fields = vec![pair(evil, Some(evil), Some(evil))];
    }
    for action in &mut night.recommendations {
        (action.what, action.why, action.risk, action.sure) = (text(), text(), text(), text());
        action.command = None;
        action.devices = vec![device(0)];
        action.drifts = vec![DriftId("D-0".to_owned())];
    }
    for (i, row) in night.ranking.iter_mut().enumerate() {
        (row.role, row.site, row.reason, row.device) = (text(), text(), text(), device(i));
    }
    for (i, row) in night.calendar.rows.iter_mut().enumerate() {
        row.device = device(i);
    }
    for unknown in &mut night.unknowns {
        (unknown.site, unknown.advice, unknown.detail) = (text(), text(), Some(text()));
        unknown.device = device(0);
    }
    night.never_read = vec![device(7)];
    for unread in &mut night.unread {
        unread.device = device(1);
        unread.examples[0].text = text();
    }
    if let Some(work) = &mut night.upkeep.sync {
        (work.plan, work.stopped) = (text(), Some(text()));
    }
    for schedule in &mut night.upkeep.schedules {
        (schedule.name, schedule.job, schedule.what) = (text(), text(), text());
        schedule.outcome = Some(text());
    }
    for weak in &mut night.upkeep.weak {
        (weak.algorithms, weak.device) = (text(), device(0));
    }
    for debt in &mut night.upkeep.debt {
        debt.device = device(0);
        (debt.key, debt.choice, debt.class) = (text(), text(), text());
        (debt.who, debt.why) = (text(), text());
    }
    for rule in &mut night.upkeep.ignore_rules {
        (rule.rule, rule.reason) = (text(), text());
    }
    for deploy in night.upkeep.refused.iter_mut().flat_map(|refused| &mut refused.went_ahead) {
        (deploy.device, deploy.key, deploy.who) = (device(0), text(), text());
    }
    for platform in &mut night.upkeep.unread_by_platform {
        platform.platform = text();
    }
    for (i, view) in night.devices.iter_mut().enumerate() {
        view.name = device(i);
        (view.platform, view.role, view.site) = (text(), text(), text());
        view.standing = Standing::Unknown { why: text() };
        for fact in &mut view.facts {
            fact.key.key = text();
            fact.fields = vec![(text(), text())];
        }
        for change in &mut view.changes {
            change.key.key = text();
            (change.fields, change.who, change.via) = (vec![text()], Some(text()), Some(text()));
        }
        for scan in &mut view.scans {
            (scan.scope, scan.detail) = (text(), Some(text()));
        }
    }
    night
}

fn is_html(path: &str) -> bool {
    ends_with(path, "html")
}

fn ends_with(path: &str, ending: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|e| e == ending)
}

fn pages_as_tags(night: &Night) -> Vec<Vec<String>> {
    page_tags(&render(night).unwrap())
}

fn page_tags(pages: &[Page]) -> Vec<Vec<String>> {
    pages.iter().filter(|p| is_html(&p.path)).map(|p| tags(std::str::from_utf8(&p.bytes).unwrap())).collect()
}

/// What gets out of where text may stand, and what it would do there.
const WAYS_OUT: [&str; 13] = [
    "",
    ">",
    "\">",
    "'>",
    "\" ",
    "' ",
    "</td>",
    "</title></style></script>",
    "</svg></table></dl>",
    "-->",
    "]]>",
    "\\u003e",
    "\u{202e}\u{0}",
];
const DEEDS: [&str; 16] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><input autofocus onfocus=alert(1)>",
    "onmouseover=alert(1) x=",
    "style=background:url(//evil.example) x=",
    "<!--",
    "{{ 7*7 }}{% include 'index.html' %}{# ",
    "=cmd|'/c calc'!A1",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)\t-2",
];

const EVIL: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style></svg></table><b>",
    "]]><![CDATA[<x>",
    "<!-- ",
    "{{ 7*7 }}{% include 'index.html' %}",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;b&#62;",
    "\u{202e}gpj.exe\u{200b}\u{0}\u{7}\u{1b}[31m",
    "=cmd|'/c calc'!A1",
    "a\nb\r\n\tc",
];

#[test]
fn no_text_becomes_markup() {
    let benign = pages_as_tags(&infected("benign"));
    for evil in EVIL {
        assert_eq!(pages_as_tags(&infected(evil)), benign, "{evil:?}");
    }
}

/// 208 payloads in every text at once: no element and no attribute that a
/// harmless text does not give, drawings that are closed, tables without formulas.
#[test]
fn two_hundred_payloads_do_nothing() {
    let benign = page_tags(&render(&infected("benign")).unwrap());
    let broken_tags = page_tags(&render_broken(&infected("benign").run, "benign").unwrap()).concat().len();
    let mut tried = 0;
    for way in WAYS_OUT {
        for deed in DEEDS {
            let evil = format!("{way}{deed}");
            let night = infected(&evil);
            let pages = render(&night).unwrap();
            assert_eq!(page_tags(&pages), benign, "{evil:?}");
            let broken = render_broken(&night.run, &evil).unwrap();
            assert_eq!(page_tags(&broken).concat().len(), broken_tags, "{evil:?}");
            for page in &pages {
                if ends_with(&page.path, "csv") {
                    let rows = csv::ReaderBuilder::new()
                        .has_headers(false)
                        .from_reader(&page.bytes[..])
                        .into_records();
                    for cell in
                        rows.flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                    {
                        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                        assert!(!formula || cell.parse::<f64>().is_ok(), "{}: {cell:?}", page.path);
                    }
                }
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 208);
    // The same tags in the same order: what is closed here is closed everywhere.
    for tags in benign {
        assert_closed("", &tags);
    }
}

/// Every element that is opened is closed, in order.
fn assert_closed(path: &str, tags: &[String]) {
    let mut open: Vec<&str> = Vec::new();
    for tag in tags {
        let name = tag.split(' ').next().unwrap();
        let empty =
            ["!doctype", "meta", "link", "br", "path", "line", "circle", "polygon", "polyline", "rect"];
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{path}");
        } else if !empty.contains(&name.trim_end_matches('/')) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{path}: {open:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_at_all_becomes_markup(evil in "[<>\"'&/=a-c \u{0}-\u{1f}\u{202e}]{1,40}|\\PC{1,40}") {
        let night = infected(&evil);
        prop_assert_eq!(pages_as_tags(&night), pages_as_tags(&infected("benign")));
        for page in render(&night).unwrap() {
            let path = page.path.as_str();
            prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)) && !path.contains(".."));
            if is_html(path) {
                let text = String::from_utf8(page.bytes).unwrap();
                let unseen = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                prop_assert!(!text.chars().any(unseen));
            }
        }
    }
}

#[test]
fn pages_are_closed_and_load_nothing() {
    for page in render(&sample(12, 20)).unwrap().iter().filter(|p| is_html(&p.path)) {
        let html = std::str::from_utf8(&page.bytes).unwrap();
        let head = html.find("<head>").unwrap();
        assert!(
            html[head..]
                .starts_with("<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src ")
        );
        for outside in ["src=", "http:", "https:", "href=\"//", " style=", "onclick", "@import"] {
            assert!(!html.contains(outside), "{}: {outside}", page.path);
        }
        assert_closed(&page.path, &tags(html));
    }
}

#[test]
fn links_lead_to_pages_and_places() {
    let pages = render(&sample(12, 20)).unwrap();
    let paths: BTreeSet<&str> = pages.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths.len(), pages.len());
    for page in pages.iter().filter(|p| is_html(&p.path)) {
        let html = std::str::from_utf8(&page.bytes).unwrap();
        for href in html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            if href == "data:," {
                continue;
            }
            let (path, place) = href.split_once('#').map_or((href, None), |(p, a)| (p, Some(a)));
            let target = match (path, path.strip_prefix("../")) {
                ("", _) => page.path.clone(),
                (_, Some(up)) => up.to_owned(),
                _ => path.to_owned(),
            };
            assert!(paths.contains(target.as_str()), "{}: {href}", page.path);
            if let Some(place) = place {
                assert!(text(&pages, &target).contains(&format!("id=\"{place}\"")), "{}: {href}", page.path);
            }
        }
    }
}

#[test]
fn the_same_night_gives_the_same_bytes() {
    assert_eq!(render(&sample(30, 40)).unwrap(), render(&sample(30, 40)).unwrap());
}

#[test]
fn one_device_alone_is_the_same_page() {
    let night = sample(12, 20);
    let page = render_device(&night, &device_name(3)).unwrap().unwrap();
    assert_eq!(page.path, format!("devices/{}.html", slug(&device_name(3))));
    assert!(render(&night).unwrap().contains(&page));
    assert!(render_device(&night, &name("nobody")).unwrap().is_none());
}

#[test]
fn a_large_fleet_has_a_small_index() {
    let mut night = sample(5_000, 2_000);
    night.devices.truncate(20);
    let html = index(&night);
    assert!(html.len() < 500_000, "{}", html.len());
    for svg in html.split("<svg viewBox").skip(1) {
        let size = svg.find("</svg>").unwrap();
        assert!(size < 20_000, "a chart has {size} bytes: {}", &svg[..80]);
    }
}

#[test]
fn a_large_fleet_is_far_from_the_bound_of_a_template() {
    let night = sample(5_000, 2_000);
    let tenth = Overrides { fuel: Some(2_000_000), ..Overrides::default() };
    assert!(render_with(&night, &tenth, &mut |_| {}).is_ok());
    assert!(
        render_with(&sample(3, 2), &Overrides { fuel: Some(500), ..Overrides::default() }, &mut |_| {})
            .is_err()
    );
}

#[test]
fn empty_states_explain_themselves() {
    let html = index(&empty());
    for words in [
        "We cannot say",
        "The inventory is empty",
        "driftcast devices import FILE",
        "First run: there is nothing to compare with yet.",
        "Starts after 2 nights",
        "None is open, and none was ever seen.",
        "Needs a second scan",
        "No complete scan yet.",
        "Under 100 forecasts checked (0).",
        "Nothing needs a decision.",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let quiet = Night { drifts: vec![], recommendations: vec![], ..sample(40, 0) };
    assert!(index(&quiet).contains("None is open; the last one was resolved Thu 19 Nov, 06:12."));
}

#[test]
fn the_verdict_is_never_better_than_the_figures() {
    let word = |night: &Night| {
        let html = index(night);
        html.split("<title>").nth(1).unwrap().split(':').next().unwrap().to_owned()
    };
    let fleet = Fleet { confirmed_in_step: 9, ..Fleet::default() };
    let in_step = Night { verdict: Verdict::InStep, fleet, ..empty() };
    assert_eq!(word(&in_step), "In step");
    let drifting = Night { fleet: Fleet { believed_with_drift: 1, ..fleet }, ..in_step.clone() };
    assert_eq!(word(&drifting), "Mostly in step");
    let unknown = Night { fleet: Fleet { unknown: 1, ..fleet }, ..in_step.clone() };
    assert_eq!(word(&unknown), "Mostly in step");
    let mut failed = in_step;
    failed.run.outcome = RunOutcome::Failed;
    assert_eq!(word(&failed), "We cannot say");
}

#[test]
fn better_or_worse_is_more_than_nights_vary() {
    let word = |opens: &[u64]| {
        let last = as_of().date_naive();
        let night = |(ago, open): (i64, &u64)| DriftDay {
            night: last - Duration::days(ago),
            ran: true,
            unrecorded: *open,
            missing: 0,
            differs: 0,
            new: 0,
            resolved: 0,
        };
        let days = (0..).zip(opens.iter().rev()).map(night).collect::<Vec<_>>().into_iter().rev().collect();
        let html = index(&Night { drift_by_day: days, ..empty() });
        let block = html.split("Better or worse</h2>").nth(1).unwrap();
        block.split("<strong>").nth(1).map_or("", |rest| rest.split('<').next().unwrap()).to_owned()
    };
    assert_eq!(word(&[5, 6, 5, 6, 5, 6, 5, 6, 5, 6]), "No clear trend.");
    assert_eq!(word(&[5, 6, 5, 6, 5, 6, 5, 6, 5, 22]), "Worse tonight.");
    assert_eq!(word(&[22, 21, 22, 21, 22, 21, 22, 21, 22, 3]), "Better tonight.");
    assert_eq!(word(&[40, 38, 36, 34, 31, 29, 26, 24, 22, 20, 18, 16]), "Better.");
    assert_eq!(word(&[4, 6, 8, 10, 13, 15, 18, 20, 22, 24, 26, 28]), "Worse.");
    assert_eq!(word(&[0; 9]), "As before.");
    assert_eq!(word(&[5, 9, 5]), "", "three nights say nothing yet");
}

#[test]
fn numbers_that_are_none_stop_no_report() {
    let mut night = sample(12, 20);
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1.0];
    for (row, x) in night.ranking.iter_mut().zip(odd) {
        (row.p_change, row.rate_per_30_days, row.rate_low, row.rate_high) = (x, x, x, x);
        row.median_days_to_next = Some(x);
    }
    for (night, x) in night.freshness.iter_mut().zip(odd) {
        night.share = Some(Estimate { mid: x, low: x, high: x });
        night.after = night.share;
    }
    for (bin, x) in night.reliability.bins.iter_mut().zip(odd) {
        (bin.said, bin.low, bin.high) = (x, x, x);
    }
    for (point, x) in night.budget_curve.iter_mut().zip(odd) {
        point.unseen = Estimate { mid: x, low: x, high: x };
        (point.fresh, point.delay_days) = (point.unseen, Some(x));
    }
    night.drifts[0].age_days = f64::NAN;
    let html = index(&night);
    let shown = html.split("<script>").next().unwrap();
    assert!(!shown.contains("NaN") && !shown.contains("inf)"));
}

#[test]
fn a_command_that_would_not_run_as_shown_is_not_shown() {
    let mut night = sample(12, 20);
    night.recommendations[0].command = Some("driftcast scan 'a\u{202e}b'".to_owned());
    let html = index(&night);
    assert!(!html.contains("driftcast scan &#39;a"));
    assert!(html.contains(&night.recommendations[0].drifts[0].0));
}

#[test]
fn drifts_show_both_sides() {
    let device = name("leaf-1");
    let mut interface = Interface::named("ge100-0/0/31.251");
    interface.encapsulation.outer = Some("251".to_owned());
    interface.service = Some(ServiceRef { kind: ServiceKind::BridgeDomain, name: "new".to_owned() });
    let mut record = Record::of(device.clone(), Kind::Interface, "ge100-0/0/31.251", RecordSource::Deployed);
    record.service = Some("old".to_owned());
    let key = FactKey::new(Kind::Interface, "ge100-0/0/31.251");
    let drift = Drift {
        id: DriftId::of(1, &key),
        device_id: 1,
        device,
        key,
        class: DriftClass::Differs,
        fields: vec!["service".to_owned()],
        cause: Cause::Unknown,
        record: serde_json::to_value(&record).ok(),
        fact: serde_json::to_value(Fact::Interface(interface)).ok(),
        first_seen: ago(3.0),
        since: ago(3.0),
        last_seen: ago(0.0),
        recurrences: 0,
    };
    let view = OpenDrift::of(&drift, as_of());
    assert_eq!(view.fields, [pair("service", Some("old"), Some("new"))]);
    assert!((view.age_days - 3.0).abs() < 1e-9);
    let unrecorded = Drift { class: DriftClass::Unrecorded, record: None, fields: vec![], ..drift };
    assert_eq!(
        OpenDrift::of(&unrecorded, as_of()).fields,
        [
            pair("outer", None, Some("251")),
            pair("service_kind", None, Some("bridge-domain")),
            pair("service", None, Some("new")),
        ]
    );
}

#[test]
fn sites_roles_weeks_and_months_have_pages() {
    let pages = render(&sample(40, 60)).unwrap();
    let of = |folder: &str| pages.iter().filter(|p| p.path.starts_with(folder)).count();
    assert_eq!((of("sites/"), of("roles/"), of("weeks/"), of("months/")), (7, 2, 14, 4));
    let week = text(&pages, "weeks/2026-W47.html");
    for words in [
        "Week 47 of 2026",
        "Mon 16 Nov 2026 to Sun 22 Nov 2026",
        "7 of 7 nights had a run.",
        "weeks/2026-W46.html",
    ] {
        assert!(week.contains(words), "{words}");
    }
    assert!(text(&pages, "months/2026-11.html").contains("So far, up to Mon 23 Nov."));
    // Three nights of this one had no run: they show no news, and not none.
    let gap = text(&pages, "weeks/2026-W42.html");
    assert!(gap.contains("(no run)") && !gap.contains("7 of 7 nights"));
    // Every device is on the page of its site, and nowhere else twice.
    let site = pages.iter().find(|p| p.path.starts_with("sites/fra3-")).unwrap();
    let site = std::str::from_utf8(&site.bytes).unwrap();
    assert_eq!(site.matches("<tr>").count(), 1 + (0..40).filter(|i| i % 7 == 3).count());
}

#[test]
fn questions_are_answered_with_period_and_interval() {
    let html = index(&sample(500, 60));
    for words in [
        "About 4.2 times a week (3.4 to 5.5): 54 occasions in the 90 days before, by 7 accounts on 31 devices.",
        "Of 40 more the device does not say who. If all of these were by hand, it is 7.3 times a week.",
        "Half of 106 changes were known within about 1.6 days (1.3 to 2.1); nine in ten within 9 days at the latest.",
        "100 a night in place of 50, so 50 more, about 1.8 minutes of device time.",
        "A complete reading takes 2.1 s (median; nine in ten take 1.7 s to 2.7 s).",
        "Policies accepted 16 changes into the record: 12 added, 3 updated, 1 removed.",
        "diffie-<wbr>hellman-<wbr>group14-<wbr>sha1, ssh-<wbr>rsa",
        "a person on the command line",
        "reading used 1,470 of 1,500 allowed sessions (98&#160;%)",
    ] {
        let plain = words.replace("&#160;", "\u{a0}");
        assert!(html.contains(&plain), "{words}");
    }
    let nothing = index(&empty());
    for words in [
        "It takes a week of readings to say.",
        "No change was seen yet.",
        "No policy accepts drifts without a person.",
    ] {
        assert!(nothing.contains(words), "{words}");
    }
}

#[test]
fn a_report_says_until_when_it_is_valid() {
    let pages = render(&sample(12, 20)).unwrap();
    for page in pages.iter().filter(|p| is_html(&p.path)) {
        let html = std::str::from_utf8(&page.bytes).unwrap();
        assert!(html.contains("valid until Tue 24 Nov 2026, 08:36"), "{}", page.path);
    }
    let run = sample(3, 2).run;
    let broken = render_broken(&run, "the disk is <full>").unwrap();
    let html = text(&broken, "index.html");
    assert!(html.contains("! We cannot say") && html.contains("the disk is &lt;full&gt;"));
    assert!(broken.iter().any(|p| p.path == "report.json"), "it can be replaced");
}

#[test]
fn past_reports_are_listed_with_what_they_said() {
    let night = sample(12, 20);
    let kept = PastReport::of(&night);
    let list = [("2026-11-23-812".to_owned(), Some(kept)), ("2026-11-22-811".to_owned(), None)];
    let page = render_archive(&night.run, &list).unwrap();
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(html.contains("href=\"2026-11-23-812/index.html\"") && html.contains("Mostly in step"));
    assert!(html.contains("href=\"2026-11-22-811/index.html\""));
}

#[test]
fn templates_of_the_user_stand_in_and_cannot_harm() {
    let night = infected("<b>");
    let with = |name: &str, source: &str| {
        let sources = [(name.to_owned(), source.to_owned())].into();
        render_with(&night, &Overrides { sources, ..Overrides::default() }, &mut |_| {})
    };
    let pages = with("index.html", "mine {{ page.run.id }} {{ page.decisions[0].what }}").unwrap();
    assert_eq!(
        text(&pages, "index.html"),
        "mine 812 &lt;b&gt;",
        "what devices say is escaped in any template"
    );
    // A style of theirs is in the policy, so the browser takes it.
    let styled = text(&with("report.css", "body{color:teal}").unwrap(), "index.html");
    let policy = |html: &str| html.split("sha256-").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert!(styled.contains("<style>body{color:teal}</style>"));
    assert_ne!(policy(&styled), policy(&index(&night)));
    for (name, broken) in [
        ("index.html", "{% for x in %}"),
        ("macros.html", "{% macro"),
        ("device.html", "{{ page.nonsense }}"),
        ("index.html", "{{ page|safe }}"),
        ("index.html", "{% include '/etc/passwd' %}"),
        ("index.html", "{% for a in range(100000) %}x{% endfor %}"),
        ("index.html", "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}"),
        ("index.html", "{% extends 'index.html' %}"),
        ("layout.html", "{% include 'layout.html' %}"),
        ("index.html", "{{ page.word * 999999999 }}"),
        ("index.html", "{% set x = page.word * 9999999 %}{{ x * 100 }}"),
        ("group.html", "{{ 1 / 0 }}"),
        ("report.css", "a{}</style >"),
        ("report.css", "</style><script>alert(1)</script>"),
    ] {
        match with(name, broken) {
            Err(ReportError::Template { template, .. }) => assert_eq!(template, name, "{broken}"),
            other => panic!("{broken}: {:?}", other.map(|pages| pages.len())),
        }
    }
    // One that turns in circles without a word ends, says so, and says where.
    let turns = format!(
        "{{% set all = '0123456789' * 1000 %}}\n{}{}",
        "{% for a in all %}".repeat(4),
        "{% endfor %}".repeat(4)
    );
    match with("device.html", &turns) {
        Err(ReportError::Template { template: "device.html", reason }) => {
            assert!(reason.contains("in line 2: does it loop without an end?"), "{reason}");
        }
        other => panic!("{:?}", other.map(|pages| pages.len())),
    }
    // One that never ends is told to stop, and one that only writes meets an end.
    let loops = "{% for a in page.scan_next %}{% for b in page.scan_next %}{% for c in page.scan_next %}{{ page.word * 99999 }}{% endfor %}{% endfor %}{% endfor %}";
    assert!(with("index.html", loops).is_err());
    let stopped = Overrides::default();
    stopped.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(render_with(&night, &stopped, &mut |_| {}), Err(ReportError::Stopped)));
}

#[test]
fn tables_for_spreadsheets() {
    let mut night = empty();
    let mut one = drift(1, name("leaf-1"), &mut Dice(1));
    one.key = "=HYPERLINK(\"x\")".to_owned();
    one.fields = vec![pair("outer", Some("251"), None)];
    (one.class, one.cause, one.who, one.recurrences) =
        (DriftClass::Missing, Cause::Manual, Some("-x".to_owned()), 0);
    (one.first_seen, one.age_days) = (ago(2.0), 2.0);
    one.id = DriftId("D-0000000001".to_owned());
    one.recommendation = None;
    night.drifts = vec![one];
    insta::assert_snapshot!(text(&render(&night).unwrap(), "drifts.csv"), @r#"
    id,device,kind,key,class,fields,record,fact,cause,who,first_seen,age_days,recurrences,recommendation
    D-0000000001,leaf-1,interface,"'=HYPERLINK(""x"")",missing,outer,outer=251,,manual,'-x,2026-11-21T06:12:00Z,2.0,0,
    "#);
}

#[test]
fn the_json_is_the_night() {
    let pages = render(&sample(12, 20)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text(&pages, "report.json")).unwrap();
    assert_eq!(json["run"]["id"], 812);
    assert_eq!(json["drifts"].as_array().unwrap().len(), 20);
    assert_eq!(json["ranking"].as_array().unwrap().len(), 12);
    assert_eq!(json["devices"][0]["standing"], "confirmed");
}

#[test]
fn look() {
    #[expect(clippy::disallowed_methods, reason = "asks whether somebody wants to look")]
    let Ok(folder) = std::env::var("DRIFTCAST_LOOK") else { return };
    let nights = [
        ("fleet", {
            let mut n = sample(5_000, 2_000);
            // Of so many only those with news have pages.
            n.devices.truncate(1_000);
            n
        }),
        ("small", sample(3, 2)),
        ("first", {
            let mut n = empty();
            n.fleet.unknown = 3;
            n.never_read = (0..3).map(device_name).collect();
            n
        }),
        ("quiet", Night { drifts: vec![], recommendations: vec![], ..sample(40, 0) }),
        ("bad", all_bad(200)),
        ("empty", empty()),
    ];
    for (name, night) in nights {
        let folder = std::path::Path::new(&folder).join(name);
        for page in render(&night).unwrap() {
            let path = folder.join(page.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, page.bytes).unwrap();
        }
    }
}
