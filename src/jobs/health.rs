//! What `doctor` looks at: everything that a run needs, before a run needs it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde::Serialize;

use super::{Env, JobError, known};
use crate::device::KnownHosts;
use crate::device::credential::{Credentials, LAB};
use crate::device::known_hosts::Verdict as Trust;
use crate::model::Device;
use crate::platform;
use crate::store::StoreError;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Good,
    /// A run works, but something deserves a look.
    Warning,
    /// A run would fail, or data was lost.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub what: &'static str,
    pub verdict: Verdict,
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Check {
    pub fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, found: found.into(), hint: None }
    }

    pub fn not(
        what: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { what, verdict, found: found.into(), hint: Some(hint.into()) }
    }
}

/// Looks at everything and never stops at the first problem.
pub fn examine(env: &Env) -> Vec<Check> {
    let mut checks = vec![folder(env)];
    checks.extend(store(env));
    checks.push(credentials(env));
    checks.extend(inventory(env));
    checks.extend(super::notify::examine(env));
    checks.extend(ignores(env));
    checks
}

/// Asks `count` devices of the inventory for their host keys, spread over it,
/// and compares these with what is known. Nobody is logged in to.
pub async fn reach(env: &Env, count: usize) -> Result<Vec<Check>, JobError> {
    let devices: Vec<Device> = super::live_devices(env)?.into_iter().map(|(_, device)| device).collect();
    let step = devices.len().div_ceil(count.max(1)).max(1);
    let sample: Vec<Device> = devices.iter().step_by(step).take(count).cloned().collect();
    if sample.is_empty() {
        return Ok(Vec::new());
    }
    let fetcher = env.ssh_fetcher(&devices)?;
    let keys = super::host_keys(fetcher, &sample, || {}).await;
    let known = KnownHosts::load(&env.known_hosts_file())?;
    let mut checks = Vec::new();
    let (mut reached, mut trusted) = (0, 0);
    for (device, key) in sample.iter().zip(keys) {
        match key {
            Err(error) => checks.push(Check::not(
                "reachability",
                Verdict::Warning,
                format!("{}: {error}", device.name),
                "look at the way to it; `driftcast scan NAME` tries it again",
            )),
            Ok(key) => {
                reached += 1;
                match known.verdict(&device.address, device.port, &key) {
                    Trust::Known => trusted += 1,
                    // Counted for the whole inventory by another check.
                    Trust::Unknown { .. } => {}
                    Trust::Changed { .. }
                    | Trust::OtherAlgorithm { .. }
                    | Trust::Revoked { .. }
                    | Trust::Authority { .. } => {
                        checks.push(Check::not(
                            "host keys",
                            Verdict::Bad,
                            format!("{} shows another key than the one that is known: {}", device.name, key.fingerprint()),
                            "find out why before anything else; `driftcast devices trust NAME --replace` accepts it",
                        ));
                    }
                }
            }
        }
    }
    let found =
        format!("{reached} of a sample of {} answer, {trusted} with the key that is known", sample.len());
    checks.insert(
        0,
        if reached == 0 {
            Check::not("reachability", Verdict::Bad, found, "look at the network and at jump hosts")
        } else {
            Check::good("reachability", found)
        },
    );
    Ok(checks)
}

fn folder(env: &Env) -> Check {
    let mode = match fs::metadata(&env.dir) {
        Ok(meta) => meta.permissions().mode() & 0o777,
        Err(error) => {
            return Check::not(
                "data folder",
                Verdict::Bad,
                error.to_string(),
                "name another one with --data",
            );
        }
    };
    let shown = env.dir.display();
    if mode.trailing_zeros() >= 6 {
        Check::good("data folder", format!("{shown}, private"))
    } else {
        Check::not(
            "data folder",
            Verdict::Warning,
            format!("{shown} is open to others (mode {mode:03o})"),
            format!("chmod 700 {shown}"),
        )
    }
}

fn store(env: &Env) -> Vec<Check> {
    let store = match env.store() {
        Ok(store) => store,
        Err(error) => {
            let hint = match &error {
                JobError::Store(StoreError::NewerSchema { .. }) => "a newer driftcast wrote it: use that one",
                JobError::Store(StoreError::Busy { .. }) => "wait for that process, or end it",
                JobError::Store(StoreError::Folder { .. }) => "make the folder writable",
                _ => "move driftcast.duckdb and its .wal aside together, and restore a backup of both",
            };
            return vec![Check::not("database", Verdict::Bad, error.to_string(), hint)];
        }
    };
    let health = match store.health() {
        Ok(health) => health,
        Err(error) => {
            return vec![Check::not("database", Verdict::Bad, error.to_string(), "restore a backup")];
        }
    };
    let room = health.room;
    let size = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let mut checks = vec![
        Check::good("database", format!("opens, schema {}, {}", health.schema, size(room.used))),
        Check::good("ledger", format!("{} lines, each follows the one before", health.ledger_lines)),
        Check::good("disk", format!("{} free, a run needs {}", size(room.free), size(room.needed))),
    ];
    let problems = health.problems();
    if !problems.is_empty() {
        checks.truncate(1);
        checks.extend(problems.into_iter().map(|found| {
            Check::not(
                "store",
                Verdict::Bad,
                found,
                "restore what was lost from a backup, or mend what is named",
            )
        }));
    }
    checks
}

fn credentials(env: &Env) -> Check {
    match Credentials::new(env.settings.credential.clone()).check() {
        Ok(()) => {
            Check::good("credentials", format!("{} configured, all usable", env.settings.credential.len()))
        }
        Err(error) => Check::not(
            "credentials",
            Verdict::Bad,
            error.to_string(),
            "devices that name it cannot be read until this is mended",
        ),
    }
}

/// Days after which a rule for noise that never fired is told.
const IDLE_DAYS: i64 = 7;

/// Rules for noise that never fired match nothing, or nothing any more.
fn ignores(env: &Env) -> Option<Check> {
    let rules = super::ignore_rules(env).ok().filter(|rules| !rules.is_empty())?;
    let old = env.clock.now() - chrono::TimeDelta::days(IDLE_DAYS);
    let idle: Vec<&str> = rules
        .iter()
        .filter(|rule| rule.last.is_none() && rule.since.is_some_and(|since| since <= old))
        .map(|rule| rule.rule.as_str())
        .collect();
    Some(match idle.first() {
        None => Check::good("rules for noise", format!("{} configured", rules.len())),
        Some(first) => Check::not(
            "rules for noise",
            Verdict::Warning,
            format!(
                "{} of {} never fired in {IDLE_DAYS} days or more, such as: {first}",
                idle.len(),
                rules.len()
            ),
            "correct what it says or take it out; `driftcast status` shows when each last fired",
        ),
    })
}

fn inventory(env: &Env) -> Vec<Check> {
    let known = match known::known(env) {
        Ok(known) => known,
        Err(error) => return vec![Check::not("inventory", Verdict::Bad, error.to_string(), "see above")],
    };
    if known.devices.is_empty() {
        let hint = "`driftcast devices import FILE` fills it";
        return vec![Check::not("inventory", Verdict::Warning, "it is empty", hint)];
    }
    let mut checks = vec![Check::good("inventory", format!("{} devices", known.devices.len()))];
    let strange: Vec<&str> = known
        .devices
        .values()
        .filter(|d| platform::by_name(&d.platform).is_none())
        .map(|d| d.name.as_str())
        .collect();
    if !strange.is_empty() {
        checks.push(Check::not(
            "platforms",
            Verdict::Warning,
            format!("{} devices have a platform we do not know, such as {}", strange.len(), strange[0]),
            "correct the column `platform` and import the inventory again",
        ));
    }
    let unnamed: Vec<&Device> = known
        .devices
        .values()
        .filter(|d| {
            d.credential
                .as_ref()
                .is_some_and(|name| name != LAB && !env.settings.credential.contains_key(name))
        })
        .collect();
    if let Some(first) = unnamed.first() {
        let name = first.credential.as_deref().unwrap_or_default();
        checks.push(Check::not(
            "credentials",
            Verdict::Bad,
            format!(
                "{} devices name one that the configuration lacks, such as {name} of {}",
                unnamed.len(),
                first.name
            ),
            format!("add [credential.{name}]"),
        ));
    }
    if let Ok(meta) = fs::metadata(env.known_hosts_file())
        && meta.permissions().mode() & 0o022 != 0
    {
        let shown = env.known_hosts_file().display().to_string();
        let hint = format!("chmod 600 {shown}, after you have compared its keys");
        checks.push(Check::not("host keys", Verdict::Bad, format!("{shown} can be written by others"), hint));
    }
    match KnownHosts::load(&env.known_hosts_file()) {
        Ok(hosts) => {
            let strangers = known.devices.values().filter(|d| !hosts.knows(&d.address, d.port)).count();
            checks.push(if strangers == 0 {
                Check::good("host keys", "known for every device")
            } else {
                Check::not(
                    "host keys",
                    Verdict::Warning,
                    format!("unknown for {strangers} of {} devices", known.devices.len()),
                    "`driftcast devices trust --all` enrols them, after you have compared the fingerprints",
                )
            });
        }
        Err(error) => checks.push(Check::not("host keys", Verdict::Bad, error.to_string(), "mend that line")),
    }
    let failing = known.unread_devices().len();
    checks.push(if failing == 0 {
        Check::good("readings", "every device was readable at the last attempt")
    } else {
        Check::not(
            "readings",
            Verdict::Warning,
            format!("{failing} devices were never read, or not at the last attempt"),
            "`driftcast devices list` shows them; `driftcast scan NAME` says why",
        )
    });
    checks
}
