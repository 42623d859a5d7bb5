//! Words in, words out: parse, stack the settings, run one command, say it.
//!
//! One file a command: its arguments and its `run`.

mod backtest;
mod check;
mod configuration;
mod demo;
mod devices;
mod diff;
mod doctor;
mod exit;
mod export;
mod import_history;
mod lab;
mod limit;
mod nightly;
mod output;
mod progress;
mod prune;
mod query;
mod rank;
mod read;
mod records;
mod report;
mod resolve;
mod scan;
mod serve;
mod signals;
mod status;
mod sync;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::clock::Clock;
use crate::config::{self, ConfigError, Flag, Loaded, Origin, Settings, Surroundings};
use crate::jobs::{Env, Events};
use exit::{Exit, Failure};
use output::Output;

/// Finds where network devices and the database of record disagree.
#[derive(Parser, Debug)]
#[command(name = "driftcast", version, max_term_width = 100, after_help = exit::help())]
struct App {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Debug)]
struct Global {
    /// Configuration file [default: ./driftcast.toml, then the user's, then /etc/driftcast]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder with the database, the keys and the reports [default: ./driftcast-data; of demo and lab: ./driftcast-demo]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Log more (-v what is done, -vv how, -vvv everything)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Print and log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Pretend that it is this time: for tests and for looking at stored nights
    #[arg(long, global = true, hide = true, env = "DRIFTCAST_NOW")]
    now: Option<DateTime<Utc>>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show a whole life of driftcast on a simulated fleet, no configuration needed
    Demo(demo::DemoArgs),
    /// Keep a simulated fleet up until Ctrl-C
    Lab(lab::LabArgs),
    /// Import, list and trust devices
    #[command(subcommand)]
    Devices(devices::DevicesCommand),
    /// Read captured device text offline: text in, facts out
    Read(read::ReadArgs),
    /// Read devices now and show their drift
    Scan(scan::ScanArgs),
    /// Choose devices within the budget, read them, compare, forecast, report
    Nightly(nightly::NightlyArgs),
    /// Before a deploy: may I configure this, or is it there already?
    Check(check::CheckArgs),
    /// After a deploy that was refused: read the device, say what is there, decide
    Resolve(resolve::ResolveArgs),
    /// Show open drifts
    Diff(diff::DiffArgs),
    /// Show which devices are most worth a session, and why
    Rank(rank::RankArgs),
    /// Replay a change history against scan policies, and compare them
    Backtest(backtest::BacktestArgs),
    /// Learn from the git repository of Oxidized or RANCID how often devices changed
    ImportHistory(import_history::ImportHistoryArgs),
    /// Write the report of a stored night again
    Report(report::ReportArgs),
    /// Import, export and list the database of record; its audit trail, and the way back
    #[command(subcommand)]
    Records(records::RecordsCommand),
    /// Accept reality into the database of record, as a reviewed plan
    #[command(subcommand)]
    Sync(sync::SyncCommand),
    /// Run the schedules and the queue until it is told to end
    Serve(serve::ServeArgs),
    /// Show the last runs and what is known of each device
    Status(status::StatusArgs),
    /// Run a named query, or list them
    Query(query::QueryArgs),
    /// Write what a named query gives to a file
    Export(export::ExportArgs),
    /// Remove what is older than the retention settings
    Prune(prune::PruneArgs),
    /// Show the effective configuration and where each value comes from
    Config(configuration::ConfigArgs),
    /// Check everything that a run needs
    Doctor(doctor::DoctorArgs),
}

/// What the settings were read from, to read them again.
#[derive(Clone)]
struct Source {
    config: Option<PathBuf>,
    data: Option<String>,
    folder: PathBuf,
}

impl Source {
    fn load(&self) -> Result<Loaded<Settings>, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
        let variable = |name: &str| std::env::var(name).ok();
        let flags: Vec<Flag<'_>> =
            self.data.iter().map(|dir| Flag { name: "--data", key: "data_dir", value: dir }).collect();
        let file = self.config.as_deref();
        config::load(&Surroundings { file, folder: &self.folder, variable: &variable, flags: &flags })
    }
}

/// What every command gets.
struct Context {
    source: Source,
    clock: Clock,
    loaded: Loaded<Settings>,
    dir: PathBuf,
    /// Whether a person chose the data folder (flag or environment), rather than the default.
    dir_given: bool,
    out: Output,
    quiet: bool,
}

impl Context {
    fn settings(&self) -> &Settings {
        &self.loaded.settings
    }

    /// The environment of jobs that talk to devices or to the database.
    fn env(&self) -> Result<Env, Failure> {
        self.env_in(self.dir.clone())
    }

    fn env_in(&self, dir: PathBuf) -> Result<Env, Failure> {
        Ok(Env::over_ssh(dir, self.clock, Arc::new(self.settings().clone()))?)
    }

    fn progress(&self) -> Events {
        progress::bar(self.quiet)
    }
}

/// Parses the command line, runs the command, and turns what came of it into an exit code.
pub fn main() -> ExitCode {
    // Everything we create is private, DuckDB's files included.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let app = match App::try_parse() {
        Ok(app) => app,
        Err(error) => {
            // clap knows whether this is help (standard output, 0) or an error (standard error, 2).
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    start_log(&app.global);
    let json = app.global.json;
    match run(app) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if json {
                let value = serde_json::json!({
                    "error": { "message": failure.message, "hint": failure.hint, "exit": failure.exit.code() }
                });
                let _ = Output::write_json(&value);
            }
            output::say(&format!("error: {}", failure.message));
            if let Some(hint) = &failure.hint {
                output::say(&format!("hint: {hint}"));
            }
            failure.exit.into()
        }
    }
}

fn run(app: App) -> Result<Exit, Failure> {
    let Global { config, data, json, quiet, now, .. } = app.global;
    let folder = std::env::current_dir()
        .map_err(|e| Failure::usage(format!("failed to find the working directory: {e}")))?;
    let source = Source { config, data, folder };
    let loaded = source.load()?;
    let dir = loaded.settings.data_dir.clone();
    if dir.as_os_str().is_empty() {
        return Err(Failure::usage("the data folder has no name").hint("give one with --data"));
    }
    let dir_given =
        loaded.values.iter().any(|value| value.key == "data_dir" && value.origin != Origin::BuiltIn);
    let context = Context {
        source,
        clock: now.map_or_else(Clock::system, Clock::fixed),
        loaded,
        dir,
        dir_given,
        out: Output::new(json, quiet),
        quiet: quiet || json,
    };
    // Commands that only read text or settings need no runtime.
    match app.command {
        Command::Read(args) => return read::run(&args),
        Command::Config(args) => return configuration::run(&context, &args),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().min(4)))
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(format!("failed to start the runtime: {e}")))?;
    runtime.block_on(async {
        match app.command {
            Command::Demo(args) => demo::run(&context, args).await,
            Command::Lab(args) => lab::run(&context, args).await,
            Command::Devices(command) => devices::run(&context, command).await,
            Command::Scan(args) => scan::run(&context, args).await,
            Command::Nightly(args) => nightly::run(&context, args).await,
            Command::Check(args) => check::run(&context, args).await,
            Command::Resolve(args) => resolve::run(&context, args).await,
            Command::Diff(args) => diff::run(&context, &args),
            Command::Rank(args) => rank::run(&context, &args),
            Command::Backtest(args) => backtest::run(&context, &args),
            Command::ImportHistory(args) => import_history::run(&context, &args),
            Command::Report(args) => report::run(&context, &args),
            Command::Records(command) => records::run(&context, command).await,
            Command::Sync(command) => sync::run(&context, command),
            Command::Serve(args) => serve::run(&context, &args).await,
            Command::Status(args) => status::run(&context, &args),
            Command::Query(args) => query::run(&context, &args),
            Command::Export(args) => export::run(&context, &args),
            Command::Prune(args) => prune::run(&context, &args),
            Command::Doctor(args) => doctor::run(&context, &args).await,
            Command::Read(_) | Command::Config(_) => Ok(Exit::Done),
        }
    })
}

/// The operator's log, on standard error. `RUST_LOG` overrides the level.
fn start_log(global: &Global) {
    use tracing_subscriber::EnvFilter;

    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "driftcast=info,warn",
        (_, 2) => "driftcast=debug,info",
        (_, _) => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // tracing-subscriber escapes control characters of messages since 0.3.20.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::stderr_is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .init();
}
