//! `driftcast resolve`: a deploy was refused because the device "already has
//! it". Reads the device, shows what is there beside what was wanted and what
//! the record says, and keeps what is decided. It never configures anything.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::{Output, stderr_is_terminal};
use super::{Context, devices, scan, sync, words};
use crate::jobs::{self, Decide, Decided, Env, ResolveAsk, Resolved};
use crate::model::device::DeviceId;
use crate::model::{Device, Scope};
use crate::store::Choice;
use crate::sync::verdict::{Class, Wanted};

/// More than this is no transcript of one deploy.
const MAX_BYTES: u64 = 16 << 20;

/// What a deploy is about, beside the interface.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The VLAN id that is wanted
    #[arg(long, value_name = "V", value_parser = clap::value_parser!(u16).range(1..=4094))]
    vlan: Option<u16>,
    /// The inner VLAN id
    #[arg(long, value_name = "V", requires = "vlan", value_parser = clap::value_parser!(u16).range(1..=4094))]
    inner: Option<u16>,
    /// The bridge domain that it is to be in
    #[arg(long, value_name = "BD", conflicts_with = "service")]
    bridge_domain: Option<String>,
    /// The service that it is to be in: a name, or kind/name
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

impl Target {
    pub(crate) fn wanted(&self, interface: Option<&str>) -> Result<Wanted, Failure> {
        for name in interface.into_iter().chain(self.bridge_domain.as_deref()).chain(self.service.as_deref())
        {
            let odd = name.is_empty() || name.len() > 128 || name.chars().any(|c| c.is_control() || c == ' ');
            if odd {
                return Err(Failure::usage(format!("{name:?} is no name of a thing on a device")));
            }
        }
        Ok(Wanted {
            interface: interface.map(str::to_owned),
            vlan: self.vlan,
            inner: self.inner,
            bridge_domain: self.bridge_domain.clone(),
            service: self.service.clone(),
            ..Wanted::default()
        })
    }
}

#[derive(Args, Debug)]
pub(crate) struct ResolveArgs {
    /// The device
    name: String,
    /// The interface; may be left out where only a bridge domain is meant
    #[arg(value_name = "IF", required_unless_present = "bridge_domain")]
    interface: Option<String>,
    #[command(flatten)]
    target: Target,
    /// What to do, without being asked: sync, skip, override, abort
    #[arg(long, value_name = "CHOICE", value_parser = parse_choice)]
    choose: Option<Choice>,
    /// Why: kept with the decision
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// The last day on which a skip or an override holds, such as 2027-03-31
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
    /// The deploy's transcript [default: standard input; nothing if that is a terminal]
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// With a sync: lift this limit, once; a refusal names it
    #[arg(long, value_name = "LIMIT")]
    allow: Vec<String>,
    /// Read the device also outside of its windows
    #[arg(long)]
    outside_window: bool,
}

fn parse_choice(text: &str) -> Result<Choice, String> {
    Choice::ALL
        .into_iter()
        .find(|choice| choice.as_str() == text)
        .ok_or_else(|| "the choices are sync, skip, override and abort".to_owned())
}

pub(crate) async fn run(context: &Context, args: ResolveArgs) -> Result<Exit, Failure> {
    let wanted = args.target.wanted(args.interface.as_deref())?;
    if wanted.fields().is_empty() {
        return Err(Failure::usage("resolve needs to know what was wanted")
            .hint("name it with --vlan, --bridge-domain or --service"));
    }
    let until = until(context, &args)?;
    let env = context.env()?;
    // The inventory is asked twice before the device is; opening it costs more.
    let open = env.store()?;
    let mut env = env.with_jump_hosts()?;
    env.heed_windows = !args.outside_window;
    let scope = args.interface.clone().map_or_else(
        || Scope::BridgeDomain(args.target.bridge_domain.clone().unwrap_or_default()),
        Scope::Interface,
    );
    let device = device(&env, &args.name, &scope)?;
    if let Some(name) = &args.target.bridge_domain {
        script(&device.1, &Scope::BridgeDomain(name.clone()))?;
    }
    drop(open);
    if env.is_closed_to(&device.1) {
        return Err(scan::outside(&env, &device.1));
    }
    let transcript = read_transcript(args.transcript.as_ref())?;
    let resolved = jobs::resolve(&env, ResolveAsk { device, wanted, transcript }).await?;
    if !resolved.outcome.is_complete() {
        let detail = resolved.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return Err(Failure::failed(format!(
            "failed to read {}: {}{detail}; nothing was decided",
            args.name,
            resolved.outcome.as_str()
        ))
        .hint("what is true is read from the device; try again when it answers"));
    }
    show(context, &resolved)?;
    if !resolved.is_confirmed() {
        let other = resolved.objects.iter().any(|object| object.class == Class::NotThis);
        let why = if other { "the transcript is of something else" } else { "the device does not have it" };
        context.out.line(format!("\nNot confirmed: {why}. Nothing was decided and nothing written."))?;
        return conclude(context, &resolved, None, &Decided::default(), Exit::NotConfirmed);
    }
    let Some(decide) = choose(context, &args, until, &resolved)? else {
        context
            .out
            .line("\nNothing was decided: `--choose sync` (recommended), `skip`, `override` or `abort`, or a [[policy]], decides.")?;
        return conclude(context, &resolved, None, &Decided::default(), Exit::Abort);
    };
    let done = match jobs::decide(&env, &resolved, &decide).await {
        Ok(done) => done,
        Err(jobs::JobError::Sync(crate::sync::Refused::Guard(over))) => {
            let hint = sync::lifting(&over, "the same command with");
            return Err(Failure::from(jobs::JobError::from(crate::sync::Refused::Guard(over))).hint(hint));
        }
        Err(error) => return Err(error.into()),
    };
    let exit = match decide.choice {
        Choice::Sync => Exit::Synced,
        Choice::Skip => Exit::AsWanted,
        Choice::Override => Exit::Override,
        Choice::Abort => Exit::Abort,
    };
    tell(context, &decide, &done)?;
    conclude(context, &resolved, Some(&decide), &done, exit)
}

/// The first moment after the day that was given.
fn until(context: &Context, args: &ResolveArgs) -> Result<Option<DateTime<Utc>>, Failure> {
    let Some(day) = args.until else { return Ok(None) };
    if matches!(args.choose, Some(Choice::Sync | Choice::Abort)) {
        return Err(Failure::usage(
            "--until is for a skip or an override: a sync and an abort are done at once",
        ));
    }
    let end = end_of(day);
    if end <= context.clock.now() {
        return Err(Failure::usage(format!("--until {day} is over")));
    }
    Ok(Some(end))
}

fn end_of(day: NaiveDate) -> DateTime<Utc> {
    day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}

/// The device of that name, if its platform can be asked about `scope`.
pub(crate) fn device(env: &Env, name: &str, scope: &Scope) -> Result<(DeviceId, Device), Failure> {
    let live = jobs::live_devices(env)?;
    let Some(found) = live.iter().find(|(_, device)| device.name.as_str() == name) else {
        let all: Vec<Device> = live.into_iter().map(|(_, device)| device).collect();
        return Err(devices::unknown(name, &all));
    };
    script(&found.1, scope)?;
    Ok(found.clone())
}

/// A name that may not stand in a command is refused before anybody is asked.
fn script(device: &Device, scope: &Scope) -> Result<(), Failure> {
    match crate::platform::by_name(&device.platform) {
        Some(platform) => platform.script(scope).map(drop).map_err(Failure::usage),
        None => Ok(()),
    }
}

fn read_transcript(file: Option<&PathBuf>) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    let (read, name) = match file {
        Some(path) if path.as_os_str() != "-" => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|e| Failure::usage(format!("failed to read {name}: {e}")))?;
            (file.take(MAX_BYTES + 1).read_to_end(&mut bytes), name)
        }
        None if std::io::stdin().is_terminal() => return Ok(None),
        _ => {
            (std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes), "standard input".to_owned())
        }
    };
    read.map_err(|e| Failure::usage(format!("failed to read {name}: {e}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!(
            "{name} is larger than {} MiB: that is no transcript",
            MAX_BYTES >> 20
        )));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// What was chosen: on the command line, by a policy, or by a person who is asked.
fn choose(
    context: &Context,
    args: &ResolveArgs,
    until: Option<DateTime<Utc>>,
    resolved: &Resolved,
) -> Result<Option<Decide>, Failure> {
    let decide = |choice, why: String, until| Decide {
        choice,
        who: words::who(),
        why,
        until,
        allow: args.allow.clone(),
        by_policy: false,
    };
    if let Some(choice) = args.choose {
        return Ok(Some(decide(choice, args.reason.clone(), until)));
    }
    if let Some((choice, until, why)) = &resolved.policy {
        let who = "policy".to_owned();
        return Ok(Some(Decide { who, by_policy: true, ..decide(*choice, why.clone(), *until) }));
    }
    if context.out.json || !stderr_is_terminal() {
        return Ok(None);
    }
    let Some((choice, why, asked_until)) = ask(context, args)? else { return Ok(None) };
    let holds = matches!(choice, Choice::Skip | Choice::Override);
    Ok(Some(decide(choice, why, until.or(asked_until).filter(|_| holds))))
}

/// What a person answered: the choice, why, and until when.
type Answer = (Choice, String, Option<DateTime<Utc>>);

/// Asks a person: what, why, and until when where that makes sense. The answers
/// come from the terminal even if standard input is the transcript.
fn ask(context: &Context, args: &ResolveArgs) -> Result<Option<Answer>, Failure> {
    let failed = |e: dialoguer::Error| Failure::failed(format!("failed to read the answer: {e}"));
    let items = [
        "sync: accept what is there into the record (recommended)",
        "skip: leave both as they are",
        "override: the deployment tool writes over it",
        "abort",
    ];
    let answer = dialoguer::Select::new()
        .with_prompt("What is to be done?")
        .items(items)
        .default(0)
        .interact_opt()
        .map_err(failed)?;
    let Some(choice) = answer.and_then(|at| Choice::ALL.get(at).copied()) else { return Ok(None) };
    let why = if args.reason.is_empty() {
        let question = dialoguer::Input::<String>::new();
        question.with_prompt("Why? It is kept").allow_empty(true).interact_text().map_err(failed)?
    } else {
        args.reason.clone()
    };
    if args.until.is_some() || !matches!(choice, Choice::Skip | Choice::Override) {
        return Ok(Some((choice, why, None)));
    }
    let now = context.clock.now();
    let day = |text: &str| match text.trim() {
        "" => Ok(None),
        text => match text.parse::<NaiveDate>() {
            Ok(day) if end_of(day) > now => Ok(Some(end_of(day))),
            Ok(_) => Err("that day is over".to_owned()),
            Err(_) => Err("a day such as 2027-03-31, or nothing".to_owned()),
        },
    };
    let question = dialoguer::Input::<String>::new();
    let text = question
        .with_prompt("Until which day? Empty: open")
        .allow_empty(true)
        .validate_with(|text: &String| day(text).map(drop))
        .interact_text()
        .map_err(failed)?;
    Ok(Some((choice, why, day(&text).unwrap_or_default())))
}

fn show(context: &Context, resolved: &Resolved) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = resolved
        .objects
        .iter()
        .map(|object| {
            let wanted: Vec<String> =
                object.wanted.iter().map(|(name, value)| format!("{name} {value}")).collect();
            vec![
                object.kind.to_string(),
                object.key.clone(),
                object.class.as_str().to_owned(),
                if wanted.is_empty() { "present".to_owned() } else { wanted.join(", ") },
                side(object.fact.as_ref().map(crate::model::Fact::fields).as_deref()),
                side(object.record.as_ref().map(crate::model::Record::fields).as_deref()),
            ]
        })
        .collect();
    context.out.table(
        &["kind", "name", "verdict", "wanted", "on the device", "in the record"],
        &[],
        &rows,
    )?;
    context.out.line("")?;
    for object in &resolved.objects {
        context.out.line(format!("{} {}: {}.", object.kind, object.key, object.why))?;
    }
    for told in &resolved.told {
        context.out.line(format!("  transcript: {told}"))?;
    }
    let run = resolved.runs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    context.out.line(format!("Read just now, run {run}; the reading decides."))
}

/// The fields that are there, as short as they can be said.
pub(crate) fn side(fields: Option<&[crate::model::fact::Field]>) -> String {
    let Some(fields) = fields else { return "nothing".to_owned() };
    let set: Vec<String> = fields
        .iter()
        .filter(|(name, _)| !matches!(*name, "parent" | "l2" | "service_kind" | "encapsulation"))
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)))
        .collect();
    if set.is_empty() { "present".to_owned() } else { set.join(", ") }
}

fn tell(context: &Context, decide: &Decide, done: &Decided) -> Result<(), Failure> {
    // With --json there is one document, and it comes last.
    if context.out.json {
        return Ok(());
    }
    context.out.line("")?;
    if let Some(synced) = &done.synced {
        if synced.devices.is_empty() && synced.skipped.is_empty() {
            context.out.line("The record has it already; nothing was written.")?;
        } else {
            sync::told(context, synced)?;
        }
        for held in &done.held {
            context.out.line(format!("Held back: {held}."))?;
        }
        return context
            .out
            .line("The record has changed: recompute the deploy's plan before it is tried again.");
    }
    let until = decide.until.map_or_else(String::new, |at| format!(" until {} UTC", words::moment(at)));
    match decide.choice {
        Choice::Abort => context.out.line("Aborted: nothing is done, and the decision is kept."),
        choice => {
            let request =
                done.request.map_or_else(String::new, |id| format!(" Request {id} looks at it again."));
            context.out.line(format!(
                "Kept: {}{until}. Record and device stay as they are, and `driftcast status` lists it.{request}",
                choice.as_str()
            ))
        }
    }
}

fn conclude(
    context: &Context,
    resolved: &Resolved,
    decide: Option<&Decide>,
    done: &Decided,
    exit: Exit,
) -> Result<Exit, Failure> {
    if context.out.json {
        Output::write_json(&json!({
            "device": resolved.device.1.name,
            "objects": resolved.objects,
            "decision": decide.map(|decide| decide.choice),
            "exit": exit.code(),
            "runs": resolved.runs,
            "transcript": { "sha256": resolved.transcript, "says": resolved.told },
            "who": decide.map(|decide| &decide.who),
            "reason": decide.map(|decide| &decide.why),
            "until": decide.and_then(|decide| decide.until),
            "request": done.request,
            "sync": done.synced,
            "held": done.held,
            "recompute": done.synced.is_some(),
        }))?;
    }
    Ok(exit)
}
