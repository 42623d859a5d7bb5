//! One pretend device: what it has configured, its clock and its quirks,
//! shared by all its sessions and by whoever changes it.
//!
//! It never changes through what is typed. Whatever is more than reading is
//! written down as a violation, so that a test can say: nothing but reads.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::command;
use super::quirk::Quirk;
use super::session::Session;
use super::state::{Commit, State, Via};

/// How many typed lines a device remembers.
const LINES_KEPT: usize = 10_000;

/// One device, shared by all its sessions and by whoever changes it.
#[derive(Clone, Debug)]
pub struct Machine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    live: RwLock<Live>,
    heard: Mutex<Heard>,
}

#[derive(Debug)]
struct Live {
    state: State,
    quirks: Vec<Quirk>,
    clock: DateTime<Utc>,
    /// When `clock` was set: the device's clock runs on from there.
    set_at: Instant,
}

#[derive(Debug, Default)]
struct Heard {
    lines: Vec<String>,
    violations: Vec<String>,
    sessions: u64,
    at_once: u64,
    most_at_once: u64,
    knocks: u64,
    logins: u64,
    /// How often a quirk that wears off was felt.
    worn: u32,
    renamed: bool,
}

impl Machine {
    /// A device whose clock says `clock` now.
    pub fn new(state: State, quirks: Vec<Quirk>, clock: DateTime<Utc>) -> Self {
        let live = Live { state, quirks, clock, set_at: Instant::now() };
        Self(Arc::new(Inner { live: RwLock::new(live), heard: Mutex::default() }))
    }

    /// Every line that was typed, in all sessions; the last ten thousand.
    pub fn log(&self) -> Vec<String> {
        self.heard().lines.clone()
    }

    /// Every typed line that is more than reading. Must stay empty.
    pub fn violations(&self) -> Vec<String> {
        self.heard().violations.clone()
    }

    /// How many sessions were opened.
    pub fn sessions(&self) -> u64 {
        self.heard().sessions
    }

    /// The most sessions that were open at one time.
    pub fn most_sessions(&self) -> u64 {
        self.heard().most_at_once
    }

    /// How often somebody asked for a session, whether there was one or not.
    pub fn knocks(&self) -> u64 {
        self.heard().knocks
    }

    /// How often a password was shown, right or wrong.
    pub fn logins(&self) -> u64 {
        self.heard().logins
    }

    /// What is configured at this moment.
    pub fn state(&self) -> State {
        self.live().state.clone()
    }

    pub fn quirks(&self) -> Vec<Quirk> {
        self.live().quirks.clone()
    }

    pub fn set_quirks(&self, quirks: Vec<Quirk>) {
        self.change(|live| live.quirks = quirks);
    }

    /// Sets the device's clock.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        self.change(|live| {
            live.clock = now;
            live.set_at = Instant::now();
        });
    }

    /// Lets `f` look at the configuration without copying it.
    pub(super) fn with<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.live().state)
    }

    /// Changes the configuration. Sessions see it with their next command.
    pub(super) fn edit<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut live = self.0.live.write().unwrap_or_else(PoisonError::into_inner);
        f(&mut live.state)
    }

    fn change(&self, f: impl FnOnce(&mut Live)) {
        f(&mut self.0.live.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.0.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Talks over `stream` until the other side leaves, or the device does.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<()> {
        {
            let mut heard = self.heard();
            heard.sessions += 1;
            heard.at_once += 1;
            heard.most_at_once = heard.most_at_once.max(heard.at_once);
        }
        let talked = Session::new(self, stream).talk().await;
        self.heard().at_once -= 1;
        talked
    }

    pub(super) fn knock(&self) {
        self.heard().knocks += 1;
    }

    pub(super) fn login(&self) {
        self.heard().logins += 1;
    }

    /// Whether a quirk that is felt `times` times is felt now.
    pub(super) fn wears_off(&self, times: u32) -> bool {
        let mut heard = self.heard();
        heard.worn = heard.worn.saturating_add(1);
        heard.worn <= times
    }

    /// What happens behind the back of whoever has just been shown `line`.
    pub(super) fn after(&self, line: &str) {
        if !line.starts_with("show config") {
            return;
        }
        self.heard().renamed = true;
        for quirk in self.quirks() {
            if let Quirk::Committed(times) = quirk
                && line.starts_with("show config interfaces")
                && self.wears_off(times)
            {
                let at = self.live().now();
                let commit =
                    Commit { at, user: "dnroot".to_owned(), via: Via::Cli, log: "meanwhile".to_owned() };
                self.edit(|state| state.commit(commit));
            }
        }
    }

    /// Writes down a typed line.
    pub(super) fn hear(&self, line: &str, is_harmless: bool) {
        let mut heard = self.heard();
        if heard.lines.len() >= LINES_KEPT {
            heard.lines.drain(..LINES_KEPT / 2);
        }
        heard.lines.push(line.to_owned());
        if !is_harmless {
            heard.violations.push(line.to_owned());
        }
    }

    pub(super) fn has(&self, quirk: &Quirk) -> bool {
        self.live().quirks.contains(quirk)
    }

    /// Name and time as the prompt shows them.
    pub(super) fn prompt(&self, is_configuring: bool, is_timed: bool) -> String {
        let live = self.live();
        let renamed = live.quirks.contains(&Quirk::RenamedMidway) && self.heard().renamed;
        let twin = if renamed || live.quirks.contains(&Quirk::WrongName) { "-TWIN" } else { "" };
        let name = &live.state.name;
        let local = live.now() + chrono::Duration::hours(live.state.zone.into());
        let time = local.format("%d-%b-%Y-%H:%M:%S");
        match (is_configuring, is_timed) {
            (false, false) => format!("{name}{twin}# "),
            (false, true) => format!("{name}{twin}({time})# "),
            (true, false) => format!("{name}{twin}(cfg)# "),
            (true, true) => format!("{name}{twin}(cfg {time})# "),
        }
    }

    /// The answer to a line, with the quirks that change what is said.
    pub(super) fn answer(&self, line: &str) -> command::Answer {
        let live = self.live();
        let refused = |quirk: &Quirk| matches!(quirk, Quirk::Refuse(words) if line.starts_with(words));
        if live.quirks.iter().any(refused) {
            return command::Answer::Error(command::Error::unsupported());
        }
        if live.quirks.contains(&Quirk::NoRights) && line.starts_with("show config") {
            return command::Answer::Error(command::Error::forbidden());
        }
        let now = live.now();
        let spoils = |quirk: &Quirk| {
            matches!(
                quirk,
                Quirk::Escapes | Quirk::Html | Quirk::WrongName | Quirk::Describe(_) | Quirk::Latin1
            )
        };
        if !live.quirks.iter().any(spoils) {
            return with_services(command::answer(&live.state, line, now), line, &live.quirks);
        }
        let mut state = live.state.clone();
        for quirk in &live.quirks {
            match quirk {
                Quirk::WrongName => state.name.push_str("-TWIN"),
                Quirk::Escapes => describe(&mut state, "\x1b[31mred\x1b[0m\x1b]0;owned\x07 \x1b[2Jalert"),
                Quirk::Describe(text) => describe(&mut state, text),
                Quirk::Latin1 => describe(&mut state, "caf\u{fffd}"),
                Quirk::Html => describe(&mut state, "<script>alert('drift')</script> & <b>bold</b>"),
                _ => {}
            }
        }
        with_services(command::answer(&state, line, now), line, &live.quirks)
    }
}

/// Puts the lines of [`Quirk::Services`] in front of the end mark.
fn with_services(answer: command::Answer, line: &str, quirks: &[Quirk]) -> command::Answer {
    let lines = quirks.iter().find_map(|quirk| match quirk {
        Quirk::Services(lines) if line.starts_with("show config services") => Some(lines),
        _ => None,
    });
    match (answer, lines) {
        (command::Answer::Text { mut text, paged }, Some(lines)) => {
            let end = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
            text.insert_str(end, lines);
            command::Answer::Text { text, paged }
        }
        (answer, _) => answer,
    }
}

impl Live {
    fn now(&self) -> DateTime<Utc> {
        self.clock + self.set_at.elapsed()
    }
}

/// Puts `text` into the first descriptions of each kind, or makes some.
fn describe(state: &mut State, text: &str) {
    for interface in state.interfaces.values_mut().take(3) {
        interface.description = Some(text.to_owned());
    }
    for domain in state.bridge_domains.values_mut().take(2) {
        domain.description = Some(text.to_owned());
    }
}
