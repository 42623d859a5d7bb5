//! Stand-in for the platform room's functions, until the rooms meet.

use super::{Captured, Command, Platform, Reading, Rules, ScopeKind, Template};
use crate::model::{LineCounts, Outcome, Scope};

#[derive(Debug)]
pub struct BadWord(&'static str);

impl std::fmt::Display for BadWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

fn is_word(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && !word.starts_with('-')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/.:+-".contains(&b))
}

impl Platform {
    pub fn session(&self) -> Vec<Command> {
        self.on_open.iter().map(|t| Command { section: t.section, text: t.text.to_owned() }).collect()
    }

    pub fn script(&self, scope: &Scope) -> Result<Vec<Command>, BadWord> {
        let kind = match scope {
            Scope::Device => ScopeKind::Device,
            Scope::Interface(_) => ScopeKind::Interface,
            Scope::BridgeDomain(_) => ScopeKind::BridgeDomain,
        };
        if scope.name().is_some_and(|word| !is_word(word)) {
            return Err(BadWord("it has characters that no name has"));
        }
        Ok(self
            .commands
            .iter()
            .filter(|t| t.scope == kind)
            .map(|t| Command { section: t.section, text: t.text.replace("{}", scope.name().unwrap_or("")) })
            .collect())
    }

    pub fn named(&self, section: &str) -> Option<Command> {
        let template = self.commands.iter().find(|t| t.section == section && t.scope == ScopeKind::Named)?;
        Some(Command { section: template.section, text: template.text.to_owned() })
    }

    pub fn allows(&self, line: &str) -> bool {
        self.on_open.iter().chain(self.commands).any(|t| match t.text.split_once("{}") {
            None => t.text == line,
            Some((head, tail)) => {
                line.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)).is_some_and(is_word)
            }
        })
    }
}

const fn template(section: &'static str, text: &'static str, scope: ScopeKind) -> Template {
    Template { section, text, scope }
}

static DRIVENETS_DNOS: Platform = Platform {
    name: "drivenets_dnos",
    title: "DriveNets DNOS",
    on_open: &[
        template("session", "set cli-terminal-length 0", ScopeKind::Session),
        template("session", "set cli-ansi-color-disabled", ScopeKind::Session),
    ],
    commands: &[
        template("version", "show system version | no-more", ScopeKind::Device),
        template("rollback", "show rollback | no-more", ScopeKind::Device),
        template("interfaces", "show interfaces | no-more", ScopeKind::Device),
        template("config interfaces", "show config interfaces | no-more", ScopeKind::Device),
        template("config network-services", "show config network-services | no-more", ScopeKind::Device),
        template("config services", "show config services | no-more", ScopeKind::Device),
        template("rollback", "show rollback | no-more", ScopeKind::Device),
        template("interface detail", "show interfaces {} | no-more", ScopeKind::Interface),
        template("config", "show config | no-more", ScopeKind::Named),
    ],
    prompt: |line| {
        let name = line.trim_end_matches(' ').strip_suffix('#')?;
        let name = name.split('(').next()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        (!name.is_empty() && name.chars().all(plain)).then_some(name)
    },
    pagers: &["-- More -- (Press q to quit)"],
    questions: &["do you wish to enter BaseOS shell? (yes/no) [no]?"],
    read: |_scope: &Scope, _sections: &[Captured], _rules: Rules| Reading {
        outcome: Outcome::Unread,
        detail: None,
        system: None,
        interfaces: Vec::new(),
        bridge_domains: Vec::new(),
        services: Vec::new(),
        vlans: Vec::new(),
        lines: LineCounts::default(),
        unread: Vec::new(),
        commits: Vec::new(),
    },
};

pub fn by_name(name: &str) -> Option<&'static Platform> {
    (name == DRIVENETS_DNOS.name).then_some(&DRIVENETS_DNOS)
}
