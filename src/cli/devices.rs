//! `driftcast devices`: the inventory, and the host keys that are trusted.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, say};
use super::words;
use super::{Context, diff, limit, progress};
use crate::analysis::standing::Standing;
use crate::device::known_hosts::{KnownHosts, Verdict};
use crate::jobs::{self, Env};
use crate::model::{Device, FactKey};
use crate::source::{self, Form, Inventory, Remote, SourceError};

#[derive(Subcommand, Debug)]
pub(crate) enum DevicesCommand {
    /// Merge an inventory; devices gone from it are retired, never deleted
    Import(ImportArgs),
    /// List the inventory
    List(ListArgs),
    /// Show one device: what is known, its drift, its last scans
    Show(ShowArgs),
    /// Give a device another name; its history stays
    Rename(RenameArgs),
    /// Enrol SSH host keys
    Trust(TrustArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// CSV (columns name, address, platform; as wanted port, role, site, importance, tags, jump,
    /// credential), or an inventory of Ansible, Nornir, Oxidized or RANCID; `-` is standard input; or the NAME
    /// of a `[source.NAME]` (NetBox, Nautobot)
    file: PathBuf,
    /// What the file is [default: by its shape]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The columns of an Oxidized router.db, such as name:ip:model:-:group
    #[arg(long, value_name = "NAME:NAME…")]
    columns: Option<String>,
    /// Name of this source; devices missing from it are retired [default: the file's name]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Retire devices even if more than a tenth of the source would go at once
    #[arg(long)]
    allow_retire: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Our own
    Csv,
    /// JSON of `ansible-inventory --list`
    Ansible,
    /// hosts.yaml, with groups.yaml and defaults.yaml beside it
    Nornir,
    /// router.db with name:ip:model
    Oxidized,
    /// router.db with device;type;state
    Rancid,
}

impl Format {
    fn form(self) -> Form {
        match self {
            Self::Csv => Form::Csv,
            Self::Ansible => Form::Ansible,
            Self::Nornir => Form::Nornir,
            Self::Oxidized => Form::Oxidized,
            Self::Rancid => Form::Rancid,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Only devices that match a name, a glob, or site=, role=, platform=, tag=
    #[arg(long, value_name = "WHICH")]
    limit: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    name: String,
}

#[derive(Args, Debug)]
pub(crate) struct RenameArgs {
    old: String,
    new: String,
}

#[derive(Args, Debug)]
pub(crate) struct TrustArgs {
    /// The device whose key to enrol
    #[arg(required_unless_present_any = ["all", "from"])]
    name: Option<String>,
    /// Enrol every device whose key is not yet known
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Take keys from a `known_hosts` file instead of asking the devices
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "all"])]
    from: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Replace a known key; needs the new key's --fingerprint
    #[arg(long, requires = "fingerprint", requires = "name")]
    replace: bool,
    /// The fingerprint you have verified by another way
    #[arg(long, value_name = "SHA256:…")]
    fingerprint: Option<String>,
}

/// The live inventory, by name.
pub(crate) fn inventory(env: &Env) -> Result<Vec<Device>, Failure> {
    Ok(jobs::live_devices(env)?.into_iter().map(|(_, device)| device).collect())
}

/// The error for a name that is not in the inventory, with the nearest names.
pub(crate) fn unknown(name: &str, devices: &[Device]) -> Failure {
    let near: Vec<&str> = devices
        .iter()
        .map(|d| d.name.as_str())
        .filter(|n| {
            n.to_lowercase().contains(&name.to_lowercase()) || name.to_lowercase().contains(&n.to_lowercase())
        })
        .take(3)
        .collect();
    let failure = Failure::usage(format!("there is no device {name:?} in the inventory"));
    if near.is_empty() {
        failure.hint("`driftcast devices list` shows the inventory")
    } else {
        failure.hint(format!("did you mean {}?", near.join(" or ")))
    }
}

pub(crate) async fn run(context: &Context, command: DevicesCommand) -> Result<Exit, Failure> {
    match command {
        DevicesCommand::Import(args) => import(context, &args).await,
        DevicesCommand::List(args) => list(context, &args),
        DevicesCommand::Show(args) => show(context, &args),
        DevicesCommand::Rename(args) => rename(context, &args),
        DevicesCommand::Trust(args) => trust(context, args).await,
    }
}

/// Reads a text file of an import.
pub(crate) fn read_input(file: &PathBuf) -> Result<String, Failure> {
    if file.as_os_str() == "-" {
        return std::io::read_to_string(std::io::stdin())
            .map_err(|e| Failure::usage(format!("failed to read standard input: {e}")));
    }
    fs::read_to_string(file).map_err(|e| Failure::usage(format!("failed to read {}: {e}", file.display())))
}

/// The `[source.NAME]` that `name` is, if it is one. A file of that name is written `./NAME`.
pub(crate) fn remote(context: &Context, name: &Path) -> Result<Option<Remote>, Failure> {
    let Some(name) = name.to_str() else { return Ok(None) };
    let Some(table) = context.loaded.settings.source.get(name) else { return Ok(None) };
    #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
    let variable = |variable: &str| std::env::var(variable).ok();
    Ok(Some(Remote::new(name, table, &variable).map_err(SourceError::from)?))
}

/// A source that failed: what stands in the database is as before.
pub(crate) fn nothing_imported(error: jobs::JobError) -> Failure {
    Failure::from(error).hint("nothing was imported")
}

/// The devices of a file, whatever its format, or of a `[source.NAME]`.
async fn read_inventory(context: &Context, args: &ImportArgs) -> Result<Inventory, Failure> {
    if let Some(remote) = remote(context, &args.file)? {
        if args.format.is_some() || args.columns.is_some() {
            return Err(Failure::usage("--format and --columns are for files, not for a [source.NAME]"));
        }
        return jobs::pull_inventory(remote).await.map_err(nothing_imported);
    }
    let text = read_input(&args.file)?;
    let file = args.file.display().to_string();
    let beside = |name: &str| {
        let path = args.file.with_file_name(name);
        let is_there = args.file.as_os_str() != "-" && path.exists();
        is_there.then(|| source::read_file(&path)).transpose()
    };
    let form = args.format.map(Format::form);
    Ok(source::read_inventory(&text, &file, form, args.columns.as_deref(), &beside)?)
}

async fn import(context: &Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let Inventory { devices, notes } = read_inventory(context, args).await?;
    let env = context.env()?;
    let source = args.source.clone().unwrap_or_else(|| {
        args.file.file_name().map_or_else(|| "inventory".to_owned(), |n| n.to_string_lossy().into_owned())
    });
    let done = jobs::import_devices(&env, &devices, &source, args.allow_retire)?;
    for note in &notes {
        say(&format!("note: {note}"));
    }
    for device in devices.iter().filter(|d| crate::platform::by_name(&d.platform).is_none()) {
        say(&format!(
            "warning: {}: platform {:?} is not known; its outcome will be `unsupported`",
            device.name, device.platform
        ));
    }
    if context.out.json {
        Output::write_json(&json!({
            "added": done.added, "updated": done.updated, "unchanged": done.unchanged, "retired": done.retired,
            "notes": notes
        }))?;
    } else {
        context.out.line(format!(
            "{} added, {} updated, {} unchanged, {} retired (source {source}).",
            done.added, done.updated, done.unchanged, done.retired
        ))?;
        if done.added > 0 {
            context.out.line("Next: `driftcast devices trust --all` enrols their SSH host keys.")?;
        }
    }
    Ok(Exit::Done)
}

fn list(context: &Context, args: &ListArgs) -> Result<Exit, Failure> {
    let limits = limit::parse_all(&args.limit)?;
    let env = context.env()?;
    let overview: Vec<_> = jobs::overview(&env)?
        .into_iter()
        .filter(|row| limits.iter().all(|limit| limit.matches(&row.device)))
        .collect();
    if context.out.json {
        Output::write_json(&json!({ "devices": overview }))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = overview
        .iter()
        .map(|row| {
            vec![
                row.device.name.to_string(),
                format!("{}:{}", row.device.address, row.device.port),
                row.device.platform.clone(),
                row.device.role.clone(),
                row.device.site.clone(),
                standing_word(&row.standing),
                row.last_complete.map_or_else(|| "never".to_owned(), |at| words::age(at, env.clock.now())),
                row.open_drifts.to_string(),
                match (&row.failing, &row.detail) {
                    (Some(outcome), Some(detail)) => format!("{} ({detail})", outcome.as_str()),
                    (Some(outcome), None) => outcome.as_str().to_owned(),
                    (None, _) => String::new(),
                },
            ]
        })
        .collect();
    context.out.table(
        &["name", "address", "platform", "role", "site", "standing", "last read", "drifts", "failing"],
        &["drifts"],
        &rows,
    )?;
    context.out.line(format!("\n{} devices.", rows.len()))?;
    Ok(Exit::Done)
}

fn standing_word(standing: &Standing) -> String {
    match standing {
        Standing::Confirmed { in_step: true } => "confirmed, in step".to_owned(),
        Standing::Confirmed { in_step: false } => "confirmed, drifted".to_owned(),
        Standing::Believed { .. } => "believed".to_owned(),
        Standing::Unknown { .. } => "unknown".to_owned(),
    }
}

fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let Some(shown) = jobs::show_device(&env, &args.name)? else {
        return Err(unknown(&args.name, &inventory(&env)?));
    };
    let now = env.clock.now();
    if context.out.json {
        let drifts: Vec<_> = shown.drifts.iter().map(|d| diff::to_json(d, now)).collect();
        let facts: Vec<_> = shown.facts.iter().map(|f| json!({ "kind": f.kind(), "fact": f })).collect();
        Output::write_json(&json!({
            "device": shown.row.device, "standing": shown.row.standing, "last_complete": shown.row.last_complete,
            "drifts": drifts, "facts": facts, "scans": shown.scans, "changes": shown.changes,
        }))?;
        return Ok(Exit::Done);
    }
    let device = &shown.row.device;
    context.out.line(format!("{} ({}, {}:{})", device.name, device.platform, device.address, device.port))?;
    context.out.line(format!("Standing: {}", standing_word(&shown.row.standing)))?;
    context.out.line(format!(
        "Last read: {}",
        shown.row.last_complete.map_or_else(|| "never".to_owned(), |at| words::age(at, now))
    ))?;
    context.out.line(format!("Facts: {} · open drifts: {}", shown.facts.len(), shown.drifts.len()))?;
    if !shown.drifts.is_empty() {
        context.out.line("\nOpen drifts")?;
        let rows: Vec<Vec<String>> = shown
            .drifts
            .iter()
            .map(|d| {
                vec![
                    d.id.to_string(),
                    d.class.as_str().to_owned(),
                    FactKey::to_string(&d.key),
                    diff::both_sides(d),
                    words::age(d.since, now),
                ]
            })
            .collect();
        context.out.table(&["id", "class", "what", "record → device", "open since"], &[], &rows)?;
    }
    if !shown.changes.is_empty() {
        context.out.line("\nLast changes")?;
        let rows: Vec<Vec<String>> = shown
            .changes
            .iter()
            .take(10)
            .map(|c| {
                vec![
                    format!("between {} and {}", words::moment(c.after), words::moment(c.until)),
                    c.kind.as_str().to_owned(),
                    c.key.to_string(),
                    c.fields.join(", "),
                    c.who.clone().unwrap_or_default(),
                ]
            })
            .collect();
        context.out.table(&["when (UTC)", "change", "what", "fields", "who"], &[], &rows)?;
    }
    context.out.line("\nLast scans")?;
    let rows: Vec<Vec<String>> = shown
        .scans
        .iter()
        .take(10)
        .map(|s| {
            vec![
                words::moment(s.started_at),
                s.outcome.as_str().to_owned(),
                s.detail.clone().unwrap_or_default(),
                s.reason.as_str().to_owned(),
                format!("{} ms", s.took_ms),
            ]
        })
        .collect();
    context.out.table(&["started (UTC)", "outcome", "detail", "because", "took"], &["took"], &rows)?;
    Ok(Exit::Done)
}

fn rename(context: &Context, args: &RenameArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let new = crate::model::DeviceName::new(&args.new).map_err(Failure::usage)?;
    let devices = inventory(&env)?;
    if !devices.iter().any(|d| d.name.as_str() == args.old) {
        return Err(unknown(&args.old, &devices));
    }
    if devices.iter().any(|d| d.name == new) {
        return Err(Failure::usage(format!("there is a device {new} already")));
    }
    let old = crate::model::DeviceName::new(&args.old).map_err(Failure::usage)?;
    jobs::rename_device(&env, &old, &new)?;
    context.out.line(format!("{} is {new} now; its history stays.", args.old))?;
    if context.out.json {
        Output::write_json(&json!({ "old": args.old, "new": new }))?;
    }
    Ok(Exit::Done)
}

async fn trust(context: &Context, args: TrustArgs) -> Result<Exit, Failure> {
    let env = context.env()?;
    let file = env.known_hosts_file();
    if let Some(from) = &args.from {
        let mut known = KnownHosts::load(&file).map_err(jobs::JobError::from)?;
        let taken = known.take(from).map_err(jobs::JobError::from)?;
        if context.out.json {
            Output::write_json(&json!({ "enrolled": taken, "from": from }))?;
        }
        context.out.line(format!("{taken} keys taken from {}.", from.display()))?;
        return Ok(Exit::Done);
    }
    let inventory = inventory(&env)?;
    let fetcher = env.ssh_fetcher(&inventory)?;
    // Hosts on the way first: nothing behind them is seen before they are trusted.
    let mut devices = env.jump_hosts()?;
    devices.extend(inventory);
    let chosen: Vec<Device> = match &args.name {
        Some(name) => {
            vec![
                devices
                    .iter()
                    .find(|d| d.name.as_str() == name)
                    .cloned()
                    .ok_or_else(|| unknown(name, &devices))?,
            ]
        }
        None => devices,
    };
    if chosen.is_empty() {
        return Err(Failure::usage("the inventory is empty").hint("`driftcast devices import FILE` fills it"));
    }
    let mut known = KnownHosts::load(&file).map_err(jobs::JobError::from)?;
    let (mut enrolled, mut already, mut failed, mut refused) = (Vec::new(), 0, 0, 0);
    let bar = progress::steps(context.quiet, "host keys", chosen.len() as u64);
    let step = bar.clone();
    let found = jobs::host_keys(fetcher, &chosen, move || step.inc(1)).await;
    bar.finish_and_clear();
    let mut fresh = Vec::new();
    for (device, key) in chosen.iter().zip(found) {
        let key = match key {
            Ok(key) => key,
            Err(error) => {
                failed += 1;
                say(&format!("{}: {error}", device.name));
                continue;
            }
        };
        match known.verdict(&device.address, device.port, &key) {
            Verdict::Known => already += 1,
            Verdict::Unknown { fingerprint } => {
                if args.fingerprint.as_ref().is_some_and(|wanted| *wanted != fingerprint) {
                    refused += 1;
                    say(&format!(
                        "{}: shows {fingerprint}, which is not the fingerprint you gave",
                        device.name
                    ));
                } else {
                    fresh.push((device, key, fingerprint));
                }
            }
            other => match other.fingerprint() {
                Some(shown) if args.replace && args.fingerprint.as_deref() == Some(shown) => {
                    known.replace(&device.address, device.port, &key).map_err(jobs::JobError::from)?;
                    enrolled.push(json!({ "device": device.name, "fingerprint": shown, "replaced": true }));
                    context.out.line(format!("{}: key replaced by {shown}", device.name))?;
                }
                shown => {
                    refused += 1;
                    say(&format!("{}: {other}", device.name));
                    if let Some(shown) = shown {
                        say(&format!(
                            "hint: verify the new key by another way, then \
                             `driftcast devices trust {} --replace --fingerprint {shown}`",
                            device.name
                        ));
                    }
                }
            },
        }
    }
    if !fresh.is_empty() {
        let rows: Vec<Vec<String>> = fresh
            .iter()
            .map(|(d, _, f)| vec![d.name.to_string(), format!("{}:{}", d.address, d.port), f.clone()])
            .collect();
        context.out.table(&["device", "address", "fingerprint"], &[], &rows)?;
        let sure = args.yes || args.fingerprint.is_some() || ask(fresh.len())?;
        if sure {
            for (device, key, fingerprint) in fresh {
                known.enrol(&device.address, device.port, &key).map_err(jobs::JobError::from)?;
                enrolled
                    .push(json!({ "device": device.name, "fingerprint": fingerprint, "replaced": false }));
            }
        } else {
            refused += fresh.len();
        }
    }
    if context.out.json {
        Output::write_json(
            &json!({ "enrolled": enrolled, "known": already, "refused": refused, "failed": failed }),
        )?;
    } else {
        context.out.line(format!(
            "{} enrolled, {already} known already, {refused} not enrolled, {failed} could not be asked.",
            enrolled.len()
        ))?;
    }
    Ok(match (enrolled.len() + already, failed + refused) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Partial,
    })
}

fn ask(keys: usize) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("whether to trust these keys must be asked, and there is no terminal")
            .hint("compare the fingerprints and use --yes, or `devices trust --from KNOWN_HOSTS`"));
    }
    dialoguer::Confirm::new()
        .with_prompt(format!("Have you compared them? Trust {keys} keys"))
        .default(false)
        .interact()
        .map_err(|e| Failure::failed(format!("failed to ask: {e}")))
}
