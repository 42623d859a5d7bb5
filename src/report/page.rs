//! The press: embedded templates, one way to escape, a closed set of filters,
//! and a content security policy that is computed from what is on the page.
//!
//! Every `{{ … }}` passes [`write()`]: text is escaped whatever the template is
//! called, unseen characters become visible, and anything that is no text and
//! no number is an error and not a `None` on the page. The `safe` filter does
//! not exist here; only [`drawing`] and the style and script of this build are
//! taken as they are.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, context,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::view::Night;
use super::{ReportError, slug, words};

const TEMPLATES: [(&str, &str); 10] = [
    ("layout.html", include_str!("../../reports/layout.html")),
    ("macros.html", include_str!("../../reports/macros.html")),
    ("index.html", include_str!("../../reports/index.html")),
    ("devices.html", include_str!("../../reports/devices.html")),
    ("device.html", include_str!("../../reports/device.html")),
    ("group.html", include_str!("../../reports/group.html")),
    ("groups.html", include_str!("../../reports/groups.html")),
    ("period.html", include_str!("../../reports/period.html")),
    ("archive.html", include_str!("../../reports/archive.html")),
    ("broken.html", include_str!("../../reports/broken.html")),
];
const STYLE: &str = include_str!("../../reports/report.css");
const SCRIPT: &str = include_str!("../../reports/report.js");

/// Values longer than this are cut on the index; the device's page has them whole.
const SHORT: usize = 120;

/// No page is larger. The largest of ours, of 5,000 devices, has a tenth of it.
const LARGEST: usize = 32 << 20;

/// Steps of the engine, and data that it makes (64 bytes a step), for one page.
/// The list of 5,000 devices takes under a tenth of it; a loop that prints
/// nothing meets this end within a second.
const FUEL: u64 = 20_000_000;

/// Templates and a style of the user's, by the names of ours.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub sources: BTreeMap<String, String>,
    /// Steps for one page; `None`: the usual.
    pub fuel: Option<u64>,
    /// Once it is true, what is being printed ends with [`ReportError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Overrides {
    /// What can be overridden.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|(name, _)| *name).chain([STYLE_NAME])
    }
}

const STYLE_NAME: &str = "report.css";

/// The templates of one report, ready to print any number of pages.
pub(super) struct Press {
    env: Environment<'static>,
    policy: String,
    style: String,
    stop: Arc<AtomicBool>,
}

impl Press {
    pub(super) fn new(night: &Night, overrides: &Overrides) -> Result<Self, ReportError> {
        Self::with(night.run.as_of, pages(night), overrides)
    }

    /// For pages beside a night: no device has a page.
    pub(super) fn bare(as_of: DateTime<Utc>) -> Result<Self, ReportError> {
        Self::with(as_of, HashMap::new(), &Overrides::default())
    }

    fn with(
        as_of: DateTime<Utc>,
        pages: HashMap<String, String>,
        overrides: &Overrides,
    ) -> Result<Self, ReportError> {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::Html);
        env.set_formatter(write);
        env.set_fuel(Some(overrides.fuel.unwrap_or(FUEL)));
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        env.set_syntax(syntax.map_err(|e| failed("layout.html", &e))?);
        env.remove_filter("safe");
        // Pages are made of lists; whoever counts this far means no page.
        env.remove_global("range");
        add_filters(&mut env, as_of, pages);
        for (name, source) in TEMPLATES {
            let own = overrides.sources.get(name).cloned();
            env.add_template_owned(name, own.unwrap_or_else(|| source.to_owned()))
                .map_err(|e| failed(name, &e))?;
        }
        let style = overrides.sources.get(STYLE_NAME).map_or(STYLE, String::as_str);
        if style.contains("</") {
            let reason = "a style that holds `</` would end in the middle".to_owned();
            return Err(ReportError::Template { template: STYLE_NAME, reason });
        }
        // The policy names what the page really contains: the style and the
        // script between their tags, byte for byte.
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
            base64(&Sha256::digest(style)),
            base64(&Sha256::digest(SCRIPT)),
        );
        Ok(Self { env, policy, style: style.to_owned(), stop: overrides.stop.clone() })
    }

    pub(super) fn print(&self, name: &'static str, page: &impl Serialize) -> Result<Vec<u8>, ReportError> {
        let template = self.env.get_template(name).map_err(|e| failed(name, &e))?;
        let mut sheet = Sheet { bytes: Vec::new(), stop: &self.stop };
        let values = context! {
            page => Value::from(Serde(page)),
            policy => self.policy.as_str(),
            style => Value::from_safe_string(self.style.clone()),
            script => Value::from_safe_string(SCRIPT.to_owned()),
        };
        match template.render_captured_to(values, &mut sheet) {
            Ok(_) => Ok(sheet.bytes),
            Err(_) if self.stop.load(Ordering::Relaxed) => Err(ReportError::Stopped),
            Err(error) => Err(failed(name, &error)),
        }
    }
}

/// A page while it is printed: bounded, and it can be told to stop.
struct Sheet<'a> {
    bytes: Vec<u8>,
    stop: &'a AtomicBool,
}

impl io::Write for Sheet<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("told to stop"));
        }
        if self.bytes.len() + text.len() > LARGEST {
            return Err(io::Error::other("the page grows beyond all measure"));
        }
        self.bytes.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With the line, and what it was included by: a broken template is repaired by
/// reading this. It is named where it broke: a page also extends and imports others.
fn failed(template: &'static str, error: &Error) -> ReportError {
    let broke = error.name().and_then(|at| TEMPLATES.iter().find(|(name, _)| *name == at));
    let template = broke.map_or(template, |(name, _)| *name);
    let reason = if error.kind() == ErrorKind::OutOfFuel {
        let line = error.line().map_or(String::new(), |line| format!(" in line {line}"));
        format!("it takes more steps than any page needs{line}: does it loop without an end?")
    } else {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        reason
    };
    ReportError::Template { template, reason }
}

/// The address of each device's page, seen from the index.
fn pages(night: &Night) -> HashMap<String, String> {
    night
        .devices
        .iter()
        .map(|device| (device.name.to_string(), format!("devices/{}.html", slug(&device.name))))
        .collect()
}

fn add_filters(env: &mut Environment<'static>, as_of: DateTime<Utc>, pages: HashMap<String, String>) {
    let pages = Arc::new(pages);
    env.add_filter("count", words::count);
    env.add_filter("days", words::days);
    env.add_filter("percent", words::percent);
    env.add_filter("long_date", |text: &str| Ok::<_, Error>(words::date_long(time(text)?)));
    env.add_filter("date", move |text: &str| Ok::<_, Error>(words::date(time(text)?, as_of)));
    env.add_filter("earlier", move |text: &str| Ok::<_, Error>(words::earlier(time(text)?, as_of)));
    env.add_filter("name", name);
    env.add_filter("short", short);
    env.add_filter("drawing", drawing);
    // The address of a device's page, or nothing when it has none.
    env.add_filter("page", move |device: &str| pages.get(device).cloned());
}

fn time(text: &str) -> Result<DateTime<Utc>, Error> {
    DateTime::parse_from_rfc3339(text)
        .map(|t| t.with_timezone(&Utc))
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("{text:?} is no date: {e}")))
}

/// A name that may be broken after `/ . - _`, by elements and not by
/// characters: those would be copied with it. Never used in commands.
fn name(text: &str) -> Value {
    let mut html = String::with_capacity(text.len() + 32);
    let shown = words::visible(text);
    let mut letters = shown.chars().peekable();
    while let Some(c) = letters.next() {
        escape_into(&mut html, c);
        if matches!(c, '/' | '.' | '-' | '_') && letters.peek().is_some_and(|next| next.is_alphanumeric()) {
            html.push_str("<wbr>");
        }
    }
    Value::from_safe_string(html)
}

/// At most [`SHORT`] characters.
fn short(text: &str) -> String {
    if text.chars().count() <= SHORT {
        return text.to_owned();
    }
    text.chars().take(SHORT - 1).chain(['…']).collect()
}

/// Takes a chart as it is. Only what [`super::chart`] made looks like this.
fn drawing(svg: &str) -> Result<Value, Error> {
    if svg.starts_with("<svg viewBox=\"") && svg.ends_with("</svg>") {
        Ok(Value::from_safe_string(svg.to_owned()))
    } else {
        Err(Error::new(ErrorKind::InvalidOperation, "this is no chart"))
    }
}

/// How every value gets onto a page.
fn write(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let failed = |_| Error::new(ErrorKind::WriteFailure, "failed to write");
    if value.is_safe() {
        return out.write_str(value.as_str().unwrap_or_default()).map_err(failed);
    }
    match value.kind() {
        ValueKind::Number => std::fmt::Write::write_fmt(out, format_args!("{value}")).map_err(failed),
        ValueKind::String => {
            let text = words::visible(value.as_str().unwrap_or_default());
            let mut html = String::with_capacity(text.len() + 16);
            text.chars().for_each(|c| escape_into(&mut html, c));
            out.write_str(&html).map_err(failed)
        }
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        kind => Err(Error::new(ErrorKind::InvalidOperation, format!("a page cannot show a {kind}"))),
    }
}

fn escape_into(html: &mut String, c: char) {
    match c {
        '&' => html.push_str("&amp;"),
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '"' => html.push_str("&quot;"),
        '\'' => html.push_str("&#39;"),
        c => html.push(c),
    }
}

/// RFC 4648, with padding: the form that a policy's hashes have.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().enumerate().fold(0u32, |group, (i, b)| group | u32::from(*b) << (16 - 8 * i));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(LETTERS[(group >> (18 - 6 * place)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_standard() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn names_break_by_elements_and_are_escaped() {
        assert_eq!(name("ge100-0/0/31.251").to_string(), "ge100-<wbr>0/<wbr>0/<wbr>31.<wbr>251");
        assert_eq!(name("<b>").to_string(), "&lt;b&gt;");
        assert_eq!(name("a\u{202e}").to_string(), "a&lt;U+202E&gt;");
    }

    #[test]
    fn style_and_script_stay_between_their_tags() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
        for outside in ["http:", "https:", "//", "@import", "url(http"] {
            assert!(!STYLE.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_ink_and_mark_has_its_class() {
        for (_, class) in super::super::chart::inks() {
            let used = [format!(".f-{class}"), format!(".s-{class}")];
            assert!(used.iter().any(|c| STYLE.contains(c.as_str())), "{class}");
        }
    }
}
