//! Where in a line the secrets are. Two kinds of rules: words after which a
//! secret stands (`password`, `pre-shared-key`, `snmp-server host …`), and
//! shapes that are secrets wherever they stand (`enc-…`, `$6$…`, key blocks,
//! `://user:password@`). A description is text: only shapes count in it.
//!
//! Over-masking hides a word that was none; under-masking tells a secret. In
//! doubt, hide.

use super::Span;
use super::words::{Word, cut};

/// Names, in lower case without `-` and `_`, whose value is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.bytes().filter(|b| !b"-_".contains(b)).map(|b| char::from(b.to_ascii_lowercase())).collect();
    is_secret_word(&plain)
}

fn is_secret_word(plain: &str) -> bool {
    matches!(
        plain,
        "password"
            | "passwd"
            | "passphrase"
            | "plaintextpassword"
            | "encryptedpassword"
            | "simplepassword"
            | "domainpassword"
            | "areapassword"
            | "authpassword"
            | "privpassword"
            | "secret"
            | "sharedsecret"
            | "clientsecret"
            | "pksecret"
            | "keystring"
            | "presharedkey"
            | "sharedkey"
            | "secretkey"
            | "privatekey"
            | "encryptionkey"
            | "authkey"
            | "authenticationkey"
            | "helloauthenticationkey"
            | "messagedigestkey"
            | "md5key"
            | "apikey"
            | "accesskey"
            | "apitoken"
            | "psk"
            | "wpapsk"
            | "hellopassword"
            | "lsppassword"
            | "keyhexstring"
            | "keyoctetstring"
            | "hexkey"
            | "pmk"
    )
}

/// Words that may stand between such a name and its value.
fn is_modifier(word: &Word<'_>) -> bool {
    !word.quoted
        && matches!(
            word.text.to_ascii_lowercase().as_str(),
            "encrypted"
                | "cleartext"
                | "clear"
                | "clear-text"
                | "plaintext"
                | "plain"
                | "hash"
                | "hashed"
                | "sha"
                | "sha1"
                | "sha256"
                | "sha512"
                | "sha-512"
                | "md5"
                | "hmac-md5"
                | "scrypt"
                | "pbkdf2"
                | "enc"
                | "local"
                | "remote"
                | "ascii-text"
                | "ascii"
                | "hexadecimal"
                | "hex"
                | "text"
                | "simple"
                | "key"
                | "key-string"
                | "password"
                | "secret"
                | "type"
                | "is"
        )
}

/// More words than a line of any configuration has.
const MOST_WORDS: usize = 2_000;

/// The secrets of the line `text[start..end]`, in order and apart from each other.
pub(super) fn spans(text: &str, start: usize, end: usize, found: &mut Vec<Span>) {
    spans_of(&text[start..end], found);
    for span in found {
        span.start += start;
        span.end += start;
    }
}

/// Whether a line that was masked holds what the rules would hide.
pub(super) fn has_spans(line: &str) -> bool {
    let mut found = Vec::new();
    spans_of(line, &mut found);
    !found.is_empty()
}

fn spans_of(line: &str, found: &mut Vec<Span>) {
    let words = cut(line);
    if words.len() > MOST_WORDS {
        // Made to be long. It is hidden as a whole rather than looked at for hours.
        let start = line.len() - line.trim_start().len();
        return add(start, line.trim_end().len(), line, found);
    }
    let text_from = words.iter().position(|word| word.is("description")).map_or(words.len(), |at| at + 1);
    let settings = &words[..text_from];
    for at in 0..settings.len() {
        if let Some(value) = after_word(settings, at) {
            add(value.start, value.end(), line, found);
        }
    }
    snmp(settings, line, found);
    elements(line, found);
    shapes(line, found);
    found.sort_unstable_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    // Those that overlap or touch are one.
    found.dedup_by(|next, span| {
        let together = next.start <= span.end;
        if together {
            // What stands within a volatile one is a part of it.
            span.volatile &= next.volatile || next.end <= span.end;
            span.end = span.end.max(next.end);
        }
        together
    });
}

fn add(start: usize, end: usize, line: &str, found: &mut Vec<Span>) {
    let value = &line[start..end];
    if !value.is_empty() && !is_hidden(value) {
        found.push(Span { start, end, volatile: value.starts_with("enc-") });
    }
}

/// Exactly what this room writes in the place of a secret.
fn is_hidden(value: &str) -> bool {
    value.strip_prefix("<hidden:").and_then(|rest| rest.strip_suffix('>')).is_some_and(|tag| {
        tag == "volatile" || (tag.len() == 16 && tag.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

/// The value that belongs to the word at `at`, if that word announces a secret.
fn after_word<'t>(words: &[Word<'t>], at: usize) -> Option<Word<'t>> {
    let word = &words[at];
    let next = words.get(at + 1)?;
    // A quoted text is a value, unless it names one, as in JSON.
    if word.quoted && !next.separated {
        return None;
    }
    let plain = word.plain();
    match plain.as_str() {
        "key" => key(words, at),
        "community" => community(words, at),
        "serverkey" => value(words, at + 1, true),
        "authentication" => authentication(words, at),
        "ah" if is_session_key(words) => words.get(at + 2).copied(),
        "cipher" | "authenticator" if is_session_key(words) => Some(*next),
        // `pre-shared-key key-chain NAME` names a chain, and its keys stand elsewhere.
        _ if (next.is("key-chain") || next.is("keychain")) && words.len() > at + 2 => None,
        _ if is_secret_word(&plain) => value(words, at + 1, plain.ends_with("key")),
        _ => None,
    }
}

/// `password: http://user:…@host/`: the rules for shapes know where in it the secret is.
fn is_address(word: &Word<'_>) -> bool {
    word.text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.bytes().all(|b| b.is_ascii_alphanumeric())
            && rest.split('/').next().is_some_and(|place| place.contains(':') && place.contains('@'))
    })
}

/// The value from `at` on, behind its modifiers: an encoding, a level, a peer.
fn value<'t>(words: &[Word<'t>], mut at: usize, numbered: bool) -> Option<Word<'t>> {
    let mut last = None;
    while let Some(word) = words.get(at) {
        let next = words.get(at + 1);
        if ["level", "address", "hostname", "id"].iter().any(|w| word.is(w)) && words.len() > at + 2 {
            at += 2;
        } else if is_modifier(word) || is_encoding(word, next, numbered) {
            last = Some(*word);
            at += 1;
        } else {
            return (!is_address(word)).then_some(*word);
        }
    }
    // Nothing but modifiers: then one of them is the secret.
    last.filter(|word| !word.is_number())
}

/// `7` in `password 7 …`, `123` in `authentication-key 123 md5 …`.
fn is_encoding(word: &Word<'_>, next: Option<&Word<'_>>, numbered: bool) -> bool {
    next.is_some() && !word.quoted && word.is_number() && (word.text.len() == 1 || numbered)
}

fn key<'t>(words: &[Word<'t>], at: usize) -> Option<Word<'t>> {
    let next = words.get(at + 1)?;
    if next.separated {
        return value(words, at + 1, false);
    }
    if next.quoted {
        return Some(*next);
    }
    // A pager that waits: `Press any key to continue`.
    if at > 0 && words[at - 1].is("any") {
        return None;
    }
    let is_one_of = |list: &[&str]| list.iter().any(|text| next.is(text));
    if is_one_of(&["hexadecimal", "hex", "ascii-text", "ascii"]) {
        return words.get(at + 2).copied();
    }
    if is_one_of(&["chain", "config-key", "generate", "zeroize", "id", "type", "rsa", "exchange", "pair"]) {
        return None;
    }
    if next.is_number() {
        // `ntp server 192.0.2.5 key 2` names a key; `key 0 …` is followed by one.
        let names_one = words[..at].iter().any(|word| word.is("ntp") || word.is("server"));
        let value = words.get(at + 2)?;
        let other = is_secret_word(&value.plain()) || value.is("key-string");
        return (!names_one && !other && next.text.len() == 1).then_some(*value);
    }
    // MACsec: the name of a key, how it is encrypted, the key.
    if let (Some(kind), Some(value)) = (words.get(at + 2), words.get(at + 3))
        && ["0", "7", "8a"].iter().any(|known| kind.is(known))
    {
        return Some(*value);
    }
    (!is_secret_word(&next.plain())).then_some(*next)
}

/// An SNMP community; a BGP community is a value of routing, not a secret.
fn community<'t>(words: &[Word<'t>], at: usize) -> Option<Word<'t>> {
    let mut next = words.get(at + 1)?;
    let bgp = next.text.contains(':') && next.text.bytes().all(|b| b.is_ascii_digit() || b":,-".contains(&b));
    let routing = [
        "add",
        "delete",
        "set",
        "additive",
        "none",
        "internet",
        "no-export",
        "no-advertise",
        "local-as",
        "graceful-shutdown",
        "blackhole",
        "standard",
        "extended",
        "large",
        "both",
        "list",
        "[",
    ];
    // `snmp community community-name X source …`
    if next.is("community-name") && words.len() > at + 2 {
        next = words.get(at + 2)?;
    }
    let matches = at > 0 && words[at - 1].is("match");
    let members = words.get(at + 2).is_some_and(|word| word.is("members"));
    let none = bgp || matches || members || (!next.quoted && routing.iter().any(|word| next.is(word)));
    (!none).then_some(*next)
}

fn authentication<'t>(words: &[Word<'t>], at: usize) -> Option<Word<'t>> {
    let next = words.get(at + 1)?;
    let third = words.get(at + 2);
    if next.is("text") {
        return third.copied();
    }
    if next.is("md5") || next.is("sha") {
        let third = third?;
        let other =
            is_secret_word(&third.plain()) || ["key", "key-chain", "keychain"].iter().any(|w| third.is(w));
        return (!other).then_some(*third);
    }
    // First-hop redundancy: `standby 1 authentication WORD`.
    let redundancy =
        words[..at].iter().any(|word| ["standby", "vrrp", "glbp", "nhrp"].iter().any(|w| word.is(w)));
    (redundancy && !is_modifier(next) && !next.is("key-chain")).then_some(*next)
}

fn is_session_key(words: &[Word<'_>]) -> bool {
    words.iter().any(|word| word.is("session-key"))
}

/// `snmp-server host …` and `snmp-server user …`, where secrets have no name.
fn snmp(words: &[Word<'_>], line: &str, found: &mut Vec<Span>) {
    let Some(at) = words.iter().position(|word| word.is("snmp-server")) else { return };
    let words = &words[at + 1..];
    let Some(what) = words.first() else { return };
    if what.is("host") {
        let mut at = 2;
        while let Some(word) = words.get(at) {
            let (flag, pair) = (
                ["traps", "trap", "informs", "inform", "auth", "noauth", "priv", "community"]
                    .iter()
                    .any(|w| word.is(w)),
                ["version", "vrf", "udp-port", "use-vrf"].iter().any(|w| word.is(w)),
            );
            if !flag && !pair {
                add(word.start, word.end(), line, found);
                return;
            }
            at += if pair { 2 } else { 1 };
        }
    } else if what.is("user") {
        for (at, word) in words.iter().enumerate() {
            if word.is("auth") || word.is("priv") {
                let mut value = at + 1;
                let kinds = [
                    "md5", "sha", "sha-224", "sha-256", "sha-384", "sha-512", "sha256", "sha512", "des",
                    "3des", "aes", "aes-128", "aes-192", "aes-256", "128", "192", "256",
                ];
                while words.get(value).is_some_and(|w| kinds.iter().any(|kind| w.is(kind)))
                    && words.get(value + 1).is_some()
                {
                    value += 1;
                }
                if let Some(value) = words.get(value) {
                    add(value.start, value.end(), line, found);
                }
            }
        }
    }
}

/// Models name a secret by what it is of, or by how it is kept: `secret10`,
/// `clear-auth-password`, `community-name`, `tacacs-server-key`.
fn is_secret_element(name: &str) -> bool {
    let plain: String = name.bytes().filter(|b| !b"-_".contains(b)).map(char::from).collect();
    let plain = plain.to_ascii_lowercase();
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(plain, "community" | "key")
        || ["password", "passphrase", "secret", "communityname", "communitystring", "serverkey", "hostkey"]
            .iter()
            .any(|end| plain.ends_with(end))
}

/// `<community>…</community>`, with or without a namespace.
fn elements(line: &str, found: &mut Vec<Span>) {
    for (open, _) in line.match_indices('<') {
        // No name of an element is longer.
        let near = &line.as_bytes()[open..line.len().min(open + 128)];
        let Some(length) = memchr::memchr(b'>', near) else { continue };
        let tag = &line[open + 1..open + length];
        if tag.contains('<') {
            continue;
        }
        let name = tag.split_ascii_whitespace().next().unwrap_or("");
        let name = name.rsplit(':').next().unwrap_or("");
        if !(is_secret_name(name) || is_secret_element(name)) {
            continue;
        }
        let start = open + length + 1;
        let end = line[start..].find('<').map_or(line.len(), |at| start + at);
        let value = line[start..end].trim();
        let start = end - line[start..end].trim_start().len();
        add(start, start + value.len(), line, found);
    }
}

/// What is a secret wherever it stands.
fn shapes(line: &str, found: &mut Vec<Span>) {
    let bytes = line.as_bytes();
    let mut past = 0;
    for at in memchr::memchr_iter(b'$', bytes) {
        if at < past {
            continue;
        }
        // A crypt hash: `$6$salt$hash`, `$9$…`, `$2b$10$…`.
        let kind = bytes[at + 1..].iter().take(3).take_while(|b| b.is_ascii_alphanumeric()).count();
        if (1..=2).contains(&kind) && bytes.get(at + 1 + kind) == Some(&b'$') {
            // A byte that no hash has is a torn hash, and no end of it.
            let end = at + run(bytes, at, |b| !b.is_ascii_whitespace() && !b"\"'<>;,".contains(&b));
            if end - at >= kind + 6 {
                add(at, end, line, found);
                past = end;
            }
        }
    }
    past = 0;
    for at in memchr::memmem::find_iter(bytes, b"enc-") {
        if at < past {
            continue;
        }
        let end = at + run(bytes, at, |b| b.is_ascii_alphanumeric() || b"-_=+/".contains(&b));
        let before = at.checked_sub(1).map(|at| bytes[at]);
        if end - at >= 20 && !before.is_some_and(|b| b.is_ascii_alphanumeric()) {
            found.push(Span { start: at, end, volatile: true });
            past = end;
        }
    }
    // An argument of an agent: `-ingestauth=key,…`, `-cvauth=token,FILE` names a file.
    for at in memchr::memmem::find_iter(bytes, b"auth=key,") {
        let start = at + "auth=key,".len();
        let end = start + run(bytes, start, |b| !b.is_ascii_whitespace() && !b"\"'".contains(&b));
        add(start, end, line, found);
    }
    for at in memchr::memmem::find_iter(bytes, b"://") {
        let start = at + 3;
        let end = start + run(bytes, start, |b| !b.is_ascii_whitespace() && !b"/\"'<>".contains(&b));
        let Some(sign) = memchr::memrchr(b'@', &bytes[start..end]) else { continue };
        if let Some(colon) = memchr::memchr(b':', &bytes[start..start + sign]) {
            add(start + colon + 1, start + sign, line, found);
        }
    }
}

/// How many bytes from `at` on `fits` holds for.
fn run(bytes: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> usize {
    bytes[at..].iter().take_while(|b| fits(**b)).count()
}

/// A block `-----BEGIN … KEY-----` to `-----END`: its lines are masked one by
/// one, so that their number stays. `start..end` is the line where it begins;
/// the answer is where its end mark stands, or `None` if no block begins there.
pub(super) fn key_block(text: &str, start: usize, end: usize, found: &mut Vec<Span>) -> Option<usize> {
    let body = text[start..end].match_indices("-----BEGIN ").find_map(|(at, mark)| {
        let head = start + at + mark.len();
        let title = text[head..end].find("-----")?;
        text[head..head + title].contains("KEY").then_some(head + title + "-----".len())
    })?;
    let stop = text[body..].find("-----END").map_or(text.len(), |at| body + at);
    let mut at = body;
    while at < stop {
        let rest = &text[at..stop];
        let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        // The same blanks as below: others are more than one byte long.
        let row = rest[..length].trim_matches([' ', '\t', '\r']);
        if !row.is_empty() && !is_hidden(row) {
            let indent = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
            found.push(Span { start: at + indent, end: at + indent + row.len(), volatile: false });
        }
        at += length + 1;
    }
    Some(stop)
}
