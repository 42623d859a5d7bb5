//! Requests to a remote system, and what its answers mean. Redirects are not
//! followed: the token would go along.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::RemoteKind;
use super::base::Base;
use crate::source::shown;

/// Objects a page. Both systems allow 1,000 unless told otherwise; one that
/// allows fewer gives fewer, and `next`.
const PAGE: u32 = 500;

/// The largest answer that is read: a page of interfaces has about 1 MiB.
const MOST_BYTES: u64 = 64 << 20;

/// Why a remote system was not read or not written, by what can be done.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("[source.{name}]: {why}")]
    Setting { name: String, why: String },
    #[error("{at} refused the token ({status}){detail}; check that it is valid and may do this")]
    Refused { at: String, status: u16, detail: String },
    #[error("{at} does not exist there (404); check the url of the source, and its version")]
    NotFound { at: String },
    #[error("{at} answered with a redirect ({status}) to {to}; write the address that it moved to as url")]
    Redirected { at: String, status: u16, to: String },
    #[error("{at} was changed by somebody else in the meantime (412)")]
    Changed { at: String },
    #[error("{at} answered with an error ({status}){detail}")]
    Status { at: String, status: u16, detail: String },
    #[error("failed to reach {at}: {detail}")]
    Unreachable { at: String, detail: String },
    #[error("{at} broke off in the middle of its answer; try again")]
    Cut { at: String },
    #[error("{at} gave an answer that is no JSON ({detail}); is a login page or a proxy in between?")]
    NotJson { at: String, detail: String },
    #[error("{at} gave JSON of another shape: {what}")]
    Shape { at: String, what: String },
    #[error("{at} has {expected} objects and gave {got}: a page is missing; try again")]
    PageMissing { at: String, expected: u64, got: u64 },
    #[error("{at} changed while its pages were read; try again")]
    Moved { at: String },
    #[error("{at} says that its next page is at {next}, which is another place; nothing was asked there")]
    OtherPlace { at: String, next: String },
}

impl RemoteError {
    /// Whether the configuration has to be mended, and nothing was sent.
    pub fn is_setting(&self) -> bool {
        matches!(self, Self::Setting { .. })
    }
}

pub(super) struct Api {
    name: String,
    agent: ureq::Agent,
    base: Base,
    /// The whole header.
    authorization: SecretString,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("name", &self.name).field("base", &self.base).finish_non_exhaustive()
    }
}

/// An object, and the mark of its version.
pub(super) struct Reply {
    pub(super) value: Value,
    pub(super) etag: Option<String>,
}

/// What became of a change to one object.
pub(super) enum Written {
    Done,
    /// It is not as it was when it was read.
    Changed,
    /// The system has a rule against it; its words.
    Rejected(String),
}

struct Answer {
    status: u16,
    etag: Option<String>,
    location: String,
    body: Result<String, RemoteError>,
}

impl Api {
    pub(super) fn new(name: &str, base: Base, kind: RemoteKind, token: &SecretString) -> Self {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_secs(120)));
        if base.is_loopback() {
            config = config.proxy(None);
        }
        let token = token.expose_secret();
        // NetBox's tokens of the second version are bearer tokens.
        let bearer = kind == RemoteKind::Netbox && token.starts_with("nbt_");
        let authorization = format!("{} {token}", if bearer { "Bearer" } else { "Token" }).into();
        Self { name: name.to_owned(), agent: config.build().new_agent(), base, authorization }
    }

    /// `NAME (https://host/path)`.
    pub(super) fn place(&self) -> String {
        shown(&format!("{} ({}{})", self.name, self.base.origin(), self.base.prefix()), 200)
    }

    fn at(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or(path);
        shown(&format!("{}: {}{path}", self.name, self.base.origin()), 200)
    }

    /// All objects of a collection such as `dcim/devices`, or an error.
    pub(super) fn list(&self, what: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, RemoteError> {
        let mut path = format!("{}/api/{what}/?limit={PAGE}", self.base.prefix());
        for (key, value) in query {
            let _ = write!(path, "&{key}={}", encoded(value));
        }
        let mut all: Vec<Value> = Vec::new();
        let mut ids = HashSet::new();
        let mut count = None;
        loop {
            let at = || self.at(&path);
            let mut page = self.get_path(&path)?.value;
            let Some(results) = page.get_mut("results").and_then(Value::as_array_mut).map(std::mem::take)
            else {
                return Err(RemoteError::Shape { at: at(), what: "a page without \"results\"".to_owned() });
            };
            let counted = page.get("count").and_then(Value::as_u64);
            if *count.get_or_insert(counted) != counted {
                return Err(RemoteError::Moved { at: at() });
            }
            let is_empty = results.is_empty();
            for object in results {
                let Some(id) = id_of(&object) else {
                    return Err(RemoteError::Shape { at: at(), what: "an object without \"id\"".to_owned() });
                };
                if !ids.insert(id) {
                    // Something before it was added or taken away between two pages.
                    return Err(RemoteError::Moved { at: at() });
                }
                all.push(object);
            }
            let got = all.len() as u64;
            match page.get("next") {
                Some(Value::String(next)) if !is_empty => {
                    path = self.base.path_of(next).ok_or_else(|| RemoteError::OtherPlace {
                        at: at(),
                        next: shown(next.split('?').next().unwrap_or(""), 120),
                    })?;
                }
                next => match counted {
                    Some(expected) if expected != got => {
                        return Err(RemoteError::PageMissing { at: at(), expected, got });
                    }
                    // Empty, and yet not the last.
                    _ if next.is_some_and(Value::is_string) => return Err(RemoteError::Moved { at: at() }),
                    _ => return Ok(all),
                },
            }
        }
    }

    /// One object, such as `dcim/interfaces/7`, with a query such as `?depth=1`.
    /// Its path ends with one slash, or both systems answer 404.
    pub(super) fn get(&self, what: &str, query: &str) -> Result<Reply, RemoteError> {
        self.get_path(&format!("{}/api/{what}/{query}", self.base.prefix()))
    }

    fn get_path(&self, path: &str) -> Result<Reply, RemoteError> {
        let answer = self.ask(path, |api, url| {
            let request = api.agent.get(url).header("Authorization", api.authorization.expose_secret());
            request.header("Accept", "application/json").call()
        })?;
        let body = self.judged(path, answer.status, &answer.location, answer.body)?;
        let value = serde_json::from_str(&body).map_err(|error| {
            let at = self.at(path);
            if error.is_eof() && !body.trim().is_empty() {
                RemoteError::Cut { at }
            } else {
                RemoteError::NotJson { at, detail: self.discreet(&error.to_string()) }
            }
        })?;
        Ok(Reply { value, etag: answer.etag })
    }

    /// Changes one object, if it is still the version `etag`.
    pub(super) fn patch(&self, what: &str, body: &Value, etag: Option<&str>) -> Result<Written, RemoteError> {
        let path = format!("{}/api/{what}/", self.base.prefix());
        let answer = self.ask(&path, |api, url| {
            let mut request = api.agent.patch(url).header("Authorization", api.authorization.expose_secret());
            if let Some(etag) = etag {
                request = request.header("If-Match", etag);
            }
            request.header("Accept", "application/json").send_json(body)
        })?;
        self.written(&path, answer)
    }

    /// Makes one object in a collection.
    pub(super) fn post(&self, what: &str, body: &Value) -> Result<Written, RemoteError> {
        let path = format!("{}/api/{what}/", self.base.prefix());
        let answer = self.ask(&path, |api, url| {
            let request = api.agent.post(url).header("Authorization", api.authorization.expose_secret());
            request.header("Accept", "application/json").send_json(body)
        })?;
        self.written(&path, answer)
    }

    fn written(&self, path: &str, answer: Answer) -> Result<Written, RemoteError> {
        match answer.status {
            412 => Ok(Written::Changed),
            400 | 409 | 422 => Ok(Written::Rejected(self.discreet(&answer.body.unwrap_or_default()))),
            status => self.judged(path, status, &answer.location, answer.body).map(|_| Written::Done),
        }
    }

    fn ask(
        &self,
        path: &str,
        send: impl FnOnce(&Self, &str) -> Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, RemoteError> {
        let url = format!("{}{path}", self.base.origin());
        let mut response = send(self, &url).map_err(|error| RemoteError::Unreachable {
            at: self.at(path),
            detail: self.discreet(&error.to_string()),
        })?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let etag = header("etag");
        let location = header("location").unwrap_or_default();
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_string().map_err(|error| {
            let at = self.at(path);
            match error {
                ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    RemoteError::NotJson { at, detail: "no UTF-8".to_owned() }
                }
                ureq::Error::BodyExceedsLimit(_) => {
                    RemoteError::Shape { at, what: "an answer of more than 64 MiB".to_owned() }
                }
                _ => RemoteError::Cut { at },
            }
        });
        Ok(Answer { status, etag, location, body })
    }

    /// The body of a good answer, or what a bad one means.
    fn judged(
        &self,
        path: &str,
        status: u16,
        location: &str,
        body: Result<String, RemoteError>,
    ) -> Result<String, RemoteError> {
        let at = self.at(path);
        let detail = |body: Result<String, RemoteError>| {
            // What the system says itself; a page of HTML says nothing here.
            let words = body.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
            let words = words.as_ref().and_then(|v| v.get("detail")).and_then(Value::as_str).unwrap_or("");
            if words.is_empty() { String::new() } else { format!(": {}", self.discreet(words)) }
        };
        match status {
            200..=299 => body,
            300..=399 => Err(RemoteError::Redirected { at, status, to: self.discreet(location) }),
            401 | 403 => Err(RemoteError::Refused { at, status, detail: detail(body) }),
            404 => Err(RemoteError::NotFound { at }),
            412 => Err(RemoteError::Changed { at }),
            _ => Err(RemoteError::Status { at, status, detail: detail(body) }),
        }
    }

    /// Foreign words, safe to print, and without the token should they repeat it.
    fn discreet(&self, text: &str) -> String {
        let header = self.authorization.expose_secret();
        let token = header.split_once(' ').map_or(header, |(_, token)| token);
        shown(&text.replace(token, "…"), 200)
    }
}

/// The id of an object: a number in NetBox, a text in Nautobot.
pub(super) fn id_of(object: &Value) -> Option<String> {
    match object.get("id")? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// A value of a query, percent-encoded.
fn encoded(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
