//! Dresses what plotters wrote: classes instead of colours, a title and a
//! description for screen readers, no control characters, fewer bytes.
//!
//! It knows the few shapes that plotters-svg writes (one tag a line, text
//! escaped) and leaves alone what it does not know.

use std::fmt::Write as _;

use super::Ink;

/// One `<svg>` element, ready to stand in a page. `id` must be unique in it.
pub(super) fn dress(raw: &str, id: &str, title: &str, describe: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut run = Run::default();
    for line in raw.lines() {
        let line = line.trim_end();
        if line.starts_with("<svg ") {
            let size = attribute(line, "viewBox").unwrap_or("0 0 640 260");
            let _ = write!(
                out,
                "<svg viewBox=\"{size}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
                 <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
                escaped(title),
                escaped(describe)
            );
        } else if let Some((ink, path)) = plain_rect(line) {
            run.add(&mut out, ink, &path);
        } else {
            run.close(&mut out);
            out.push_str(&dressed_line(line));
        }
    }
    run.close(&mut out);
    out
}

/// Rectangles of one ink that follow each other become one path: a tenth of the bytes.
#[derive(Default)]
struct Run {
    ink: &'static str,
    path: String,
}

impl Run {
    fn add(&mut self, out: &mut String, ink: &'static str, path: &str) {
        if self.ink != ink {
            self.close(out);
            self.ink = ink;
        }
        self.path.push_str(path);
    }

    fn close(&mut self, out: &mut String) {
        if !self.path.is_empty() {
            let _ = write!(out, "<path class=\"f-{}\" d=\"{}\"/>", self.ink, self.path);
        }
        self.path.clear();
        self.ink = "";
    }
}

/// A filled rectangle as a piece of a path.
fn plain_rect(line: &str) -> Option<(&'static str, String)> {
    if !line.starts_with("<rect ") {
        return None;
    }
    let ink = ink_of(attribute(line, "fill")?)?;
    let (x, y) = (attribute(line, "x")?, attribute(line, "y")?);
    let (w, h) = (attribute(line, "width")?, attribute(line, "height")?);
    Some((ink, format!("M{x} {y}h{w}v{h}h-{w}z")))
}

/// One line with its colours turned into classes and its constants dropped.
fn dressed_line(line: &str) -> String {
    let Some(rest) = line.strip_prefix('<').filter(|_| line.ends_with('>')) else {
        // The words of a text element.
        return line.chars().filter(|c| !c.is_control()).collect();
    };
    if rest.starts_with('/') {
        return line.to_owned();
    }
    let (body, end) = match rest.strip_suffix("/>") {
        Some(body) => (body, "/>"),
        None => (rest.strip_suffix('>').unwrap_or(rest), ">"),
    };
    let name = body.split(' ').next().unwrap_or(body);
    let mut classes = String::new();
    let mut kept = String::new();
    for (key, value) in attributes(body) {
        match (key, ink_of(value)) {
            ("fill", Some(ink)) => push_class(&mut classes, "f-", ink),
            ("stroke", Some(ink)) => push_class(&mut classes, "s-", ink),
            ("opacity" | "font-family" | "font-size", _) => {}
            ("stroke", None) if value == "none" => {}
            ("stroke-width", _) if value == "1" || name == "circle" => {}
            ("text-anchor", _) if value == "start" => {}
            ("points", _) => {
                let _ = write!(kept, " points=\"{}\"", value.trim_end());
            }
            _ => {
                let _ = write!(kept, " {key}=\"{value}\"");
            }
        }
    }
    let class = if classes.is_empty() { String::new() } else { format!(" class=\"{classes}\"") };
    format!("<{name}{class}{kept}{end}")
}

fn push_class(classes: &mut String, prefix: &str, ink: &str) {
    if !classes.is_empty() {
        classes.push(' ');
    }
    classes.push_str(prefix);
    classes.push_str(ink);
}

/// The class name of a sentinel colour such as `#010203`.
fn ink_of(colour: &str) -> Option<&'static str> {
    let place = usize::from_str_radix(colour.strip_prefix("#0102")?, 16).ok()?;
    Ink::ALL.get(place).map(|(_, name)| *name)
}

/// `key="value"` pairs of a tag. plotters escapes quotes inside values.
fn attributes(body: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = body.find(' ').map_or("", |space| &body[space + 1..]);
    std::iter::from_fn(move || {
        let (key, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        rest = after;
        Some((key.trim(), value))
    })
}

fn attribute<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    attributes(line).find(|(key, _)| *key == wanted).map(|(_, value)| value)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::super::words::visible(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_rectangles_one_path() {
        let raw = "<svg width=\"640\" height=\"260\" viewBox=\"0 0 640 260\" xmlns=\"http://www.w3.org/2000/svg\">\n\
            <rect x=\"1\" y=\"2\" width=\"3\" height=\"4\" opacity=\"1\" fill=\"#01020A\" stroke=\"none\"/>\n\
            <rect x=\"5\" y=\"2\" width=\"3\" height=\"4\" opacity=\"1\" fill=\"#01020A\" stroke=\"none\"/>\n\
            <text x=\"1\" y=\"2\" dy=\"0.5ex\" text-anchor=\"start\" font-family=\"sans-serif\" font-size=\"12\" opacity=\"1\" fill=\"#010200\">\na&lt;b\u{7}\n</text>\n\
            </svg>\n";
        assert_eq!(
            dress(raw, "c", "A \"title\" <b>", "and\u{0} more"),
            "<svg viewBox=\"0 0 640 260\" role=\"img\" aria-labelledby=\"c-t c-d\">\
             <title id=\"c-t\">A &quot;title&quot; &lt;b&gt;</title><desc id=\"c-d\">and&lt;U+0000&gt; more</desc>\
             <path class=\"f-unrecorded\" d=\"M1 2h3v4h-3zM5 2h3v4h-3z\"/>\
             <text class=\"f-text\" x=\"1\" y=\"2\" dy=\"0.5ex\">a&lt;b</text></svg>"
        );
    }

    #[test]
    fn unknown_colours_stay() {
        assert_eq!(
            dressed_line("<line stroke=\"#FF0000\" x1=\"0\"/>"),
            "<line stroke=\"#FF0000\" x1=\"0\"/>"
        );
    }
}
