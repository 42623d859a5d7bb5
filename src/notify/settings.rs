//! `[notify]`: who is told, and how. What is wrong is an error of the
//! configuration, found before anything runs.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::address::Network;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where people find the folder of reports; empty: messages have no link.
    pub report_url: String,
    /// From so many days on an open drift is told every day; 0 is never.
    pub still_open_days: u32,
    /// Items in the text of one message.
    pub most: usize,
    /// What one receiver may take.
    pub timeout_seconds: u64,
    /// Figures for Prometheus' node exporter, `….prom`; empty: none.
    pub textfile: PathBuf,
    #[serde(deserialize_with = "unique")]
    pub webhook: Vec<Webhook>,
    #[serde(deserialize_with = "unique")]
    pub mail: Vec<Mail>,
    #[serde(deserialize_with = "unique")]
    pub syslog: Vec<Syslog>,
}

/// What a webhook's body looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Our own JSON, for programs.
    #[default]
    Json,
    Slack,
    /// The adaptive card that Teams' workflows take.
    Teams,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TypedWebhook", into = "TypedWebhook")]
pub struct Webhook(pub(super) TypedWebhook);

/// As it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedWebhook {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) form: Form,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sign_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sign_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) allow: Vec<Network>,
}

impl TryFrom<TypedWebhook> for Webhook {
    type Error = String;

    fn try_from(typed: TypedWebhook) -> Result<Self, String> {
        let name = plain(&typed.name, "webhook")?;
        let places = [typed.url.is_some(), typed.url_env.is_some(), typed.url_file.is_some()];
        if places.iter().filter(|given| **given).count() != 1 {
            return Err(format!("the webhook {name} needs exactly one of url, url_env and url_file"));
        }
        if typed.url.as_ref().is_some_and(|url| !url.starts_with("https://") || url.len() < 10) {
            return Err(format!("the url of the webhook {name} is not https"));
        }
        if typed.sign_env.is_some() && typed.sign_file.is_some() {
            return Err(format!("the webhook {name} has both sign_env and sign_file; give one"));
        }
        Ok(Self(typed))
    }
}

impl From<Webhook> for TypedWebhook {
    fn from(webhook: Webhook) -> Self {
        webhook.0
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// A plain connection that must become TLS before anything is said; port 587.
    #[default]
    Starttls,
    /// TLS from the first byte; port 465.
    Tls,
    /// None: for a server on this machine only; port 25.
    Localhost,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TypedMail", into = "TypedMail")]
pub struct Mail(pub(super) TypedMail);

/// As it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedMail {
    pub(super) name: String,
    pub(super) server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(default)]
    pub(super) tls: MailTls,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password_file: Option<PathBuf>,
    /// The report's first page goes with it.
    #[serde(default)]
    pub(super) attach: bool,
}

impl TryFrom<TypedMail> for Mail {
    type Error = String;

    fn try_from(typed: TypedMail) -> Result<Self, String> {
        let name = plain(&typed.name, "mail")?;
        if typed.to.is_empty() {
            return Err(format!("the mail {name} has nobody in `to`"));
        }
        for address in typed.to.iter().chain([&typed.from]) {
            if let Err(error) = address.parse::<lettre::message::Mailbox>() {
                let shown: String = address.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(format!("the mail {name}: \"{shown}\" is no mail address ({error})"));
            }
        }
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        if typed.server.is_empty() || !typed.server.chars().all(host) {
            return Err(format!("the server of the mail {name} is no host name or address"));
        }
        if typed.tls == MailTls::Localhost
            && !matches!(typed.server.as_str(), "localhost" | "127.0.0.1" | "::1")
        {
            return Err(format!(
                "the mail {name} would go to {} without TLS; that is for localhost only",
                typed.server
            ));
        }
        let password = usize::from(typed.password_env.is_some()) + usize::from(typed.password_file.is_some());
        if password != usize::from(typed.username.is_some()) {
            return Err(format!(
                "the mail {name} needs a username and one of password_env and password_file, or none of them"
            ));
        }
        if typed.username.is_some() && typed.tls == MailTls::Localhost {
            return Err(format!("the mail {name} would send a password without TLS"));
        }
        Ok(Self(typed))
    }
}

impl From<Mail> for TypedMail {
    fn from(mail: Mail) -> Self {
        mail.0
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyslogOver {
    #[default]
    Udp,
    Tcp,
}

/// A log server: RFC 5424, facility local0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TypedSyslog", into = "TypedSyslog")]
pub struct Syslog(pub(super) TypedSyslog);

/// As it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedSyslog {
    pub(super) name: String,
    pub(super) server: String,
    #[serde(default)]
    pub(super) over: SyslogOver,
}

impl TryFrom<TypedSyslog> for Syslog {
    type Error = String;

    fn try_from(typed: TypedSyslog) -> Result<Self, String> {
        let name = plain(&typed.name, "syslog")?;
        let port = typed.server.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            return Err(format!(
                "the server of the syslog {name} needs a host and a port, such as log.example.net:514"
            ));
        }
        Ok(Self(typed))
    }
}

impl From<Syslog> for TypedSyslog {
    fn from(syslog: Syslog) -> Self {
        syslog.0
    }
}

/// What a channel is called is kept in the database, so it is a plain word.
fn plain(name: &str, sort: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 60 || !name.chars().all(fits) {
        return Err(format!("a {sort} has a name of 1 to 60 letters, digits, '-', '_' or '.'"));
    }
    Ok(name.to_owned())
}

/// Something with a name that its state is kept under.
trait Named {
    fn name(&self) -> &str;
}

impl Named for Webhook {
    fn name(&self) -> &str {
        &self.0.name
    }
}

impl Named for Mail {
    fn name(&self) -> &str {
        &self.0.name
    }
}

impl Named for Syslog {
    fn name(&self) -> &str {
        &self.0.name
    }
}

fn unique<'de, D: Deserializer<'de>, T: Named + Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let all = Vec::<T>::deserialize(deserializer)?;
    for (n, one) in all.iter().enumerate() {
        if all[..n].iter().any(|other| other.name() == one.name()) {
            return Err(serde::de::Error::custom(format!("two are called {}; give each a name", one.name())));
        }
    }
    Ok(all)
}
