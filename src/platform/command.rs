//! What may be sent to a device: a closed list of whole lines, with at most one
//! typed parameter each. A [`Command`] can only be made here, from a template,
//! so no other text can become one; [`Platform::allows`] is the same question
//! asked again where the bytes leave.

use crate::model::Scope;

use super::Platform;

/// One command with at most one typed parameter, `{}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// What its output is called: `config interfaces`, `interfaces`, `version` …
    pub section: &'static str,
    pub text: &'static str,
    pub scope: ScopeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// For session set-up only.
    Session,
    Device,
    Interface,
    BridgeDomain,
    /// Sent only when asked for by name (the whole configuration, for measuring).
    Named,
}

/// A command as it will be sent: made from a template, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub section: &'static str,
    text: String,
}

impl Command {
    /// The one line to send, without the line end.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The typed parameter of a command: 1 to 64 of `A-Z a-z 0-9 _ / . : + -`, not
/// beginning with `-`. Such a word holds no blank, pipe, quote or control, so
/// it stays one word of one line whatever it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'t>(&'t str);

/// Why a text may not stand in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWord {
    #[error("a name in a command has 1 to 64 bytes, this one has {0}")]
    Length(usize),
    #[error("a name in a command does not start with '-'")]
    Dash,
    #[error("a name in a command may not hold {0:?}")]
    Character(char),
}

impl<'t> Word<'t> {
    pub fn new(text: &'t str) -> Result<Self, BadWord> {
        if text.is_empty() || text.len() > 64 {
            return Err(BadWord::Length(text.len()));
        }
        if text.starts_with('-') {
            return Err(BadWord::Dash);
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "_/.:+-".contains(c);
        match text.chars().find(|c| !fits(*c)) {
            Some(c) => Err(BadWord::Character(c)),
            None => Ok(Self(text)),
        }
    }

    pub fn as_str(self) -> &'t str {
        self.0
    }
}

impl Template {
    fn fill(&self, word: Option<Word<'_>>) -> Command {
        let text = match word {
            Some(word) => self.text.replacen("{}", word.as_str(), 1),
            None => self.text.to_owned(),
        };
        Command { section: self.section, text }
    }

    /// Whether `line` is this template with a valid word in it.
    fn allows(&self, line: &str) -> bool {
        match self.text.split_once("{}") {
            None => line == self.text,
            Some((before, after)) => line
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|word| Word::new(word).is_ok()),
        }
    }
}

impl Platform {
    /// Session set-up, in order.
    pub fn session(&self) -> Vec<Command> {
        self.on_open.iter().map(|template| template.fill(None)).collect()
    }

    /// The commands that read `scope`, in order.
    pub fn script(&self, scope: &Scope) -> Result<Vec<Command>, BadWord> {
        let word = scope.name().map(Word::new).transpose()?;
        Ok(self.templates(scope).map(|template| template.fill(word)).collect())
    }

    /// The command for a section that is only read when asked for by name.
    pub fn named(&self, section: &str) -> Option<Command> {
        self.commands
            .iter()
            .find(|template| template.scope == ScopeKind::Named && template.section == section)
            .map(|template| template.fill(None))
    }

    /// Whether `line` is exactly one of our commands. Asked once more where the
    /// bytes leave.
    pub fn allows(&self, line: &str) -> bool {
        self.on_open.iter().chain(self.commands).any(|template| template.allows(line))
    }

    /// The templates of a scope, in the order in which they are sent.
    pub(crate) fn templates(&self, scope: &Scope) -> impl Iterator<Item = &'static Template> {
        let kind = match scope {
            Scope::Device => ScopeKind::Device,
            Scope::Interface(_) => ScopeKind::Interface,
            Scope::BridgeDomain(_) => ScopeKind::BridgeDomain,
        };
        self.commands.iter().filter(move |template| template.scope == kind)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::ALL;

    #[test]
    fn a_word_is_one_word() {
        assert_eq!(Word::new("ge100-0/0/31.251").unwrap().as_str(), "ge100-0/0/31.251");
        assert_eq!(Word::new(""), Err(BadWord::Length(0)));
        assert_eq!(Word::new(&"x".repeat(65)), Err(BadWord::Length(65)));
        assert_eq!(Word::new("-v"), Err(BadWord::Dash));
        for bad in ["a b", "a|b", "a\nb", "a;b", "a\u{1b}b", "ü", "a?"] {
            assert!(matches!(Word::new(bad), Err(BadWord::Character(_))), "{bad:?}");
        }
    }

    #[test]
    fn nothing_else_is_allowed() {
        for platform in ALL {
            for line in [
                "",
                "configure",
                "show interfaces counters rates",
                "show interfaces | no-more\n",
                "show interfaces  | no-more",
                "show interfaces ge100-0/0/1 | save x | no-more",
                "show interfaces {} | no-more",
                "request system restart",
            ] {
                assert!(!platform.allows(line), "{line:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_command_is_allowed(name in ".{0,70}", plain in "[A-Za-z0-9_/.:+][A-Za-z0-9_/.:+-]{0,63}") {
            for platform in ALL {
                for name in [&name, &plain] {
                    for scope in [
                        Scope::Device,
                        Scope::Interface(name.clone()),
                        Scope::BridgeDomain(name.clone()),
                    ] {
                        for command in platform.script(&scope).into_iter().flatten() {
                            prop_assert!(platform.allows(command.text()), "{}", command.text());
                            prop_assert!(!command.text().contains(char::is_control));
                        }
                    }
                }
                prop_assert!(platform.script(&Scope::Interface(plain.clone())).is_ok());
                for command in platform.session() {
                    prop_assert!(platform.allows(command.text()));
                }
            }
        }

        #[test]
        fn no_random_line_is_allowed(line in "\\PC{0,60}") {
            for platform in ALL {
                prop_assert!(!platform.allows(&line));
            }
        }
    }
}
