//! The address of a remote system: https, or loopback. The token goes there
//! and nowhere else, whatever a page says about where the next one is.

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    https: bool,
    /// Host and port in lower case, without a port that the scheme implies.
    authority: String,
    /// The path before `/api/`, without a slash at its end.
    prefix: String,
}

impl Base {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let (https, rest) = scheme(url).ok_or("it begins with neither https:// nor http://")?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err("it has a user name; say where the token is with token_env".to_owned());
        }
        let bad = |c: char| c.is_whitespace() || c.is_control() || "?#\\\"<>".contains(c);
        if authority.is_empty() || url.chars().any(bad) {
            return Err("it is no address such as https://netbox.example.net".to_owned());
        }
        let authority = short(authority, https);
        if !https && !is_loopback(&authority) {
            return Err("http sends the token in the clear; use https (http is for loopback only)".to_owned());
        }
        let prefix = path.trim_end_matches('/');
        let prefix = prefix.strip_suffix("/api").unwrap_or(prefix).to_owned();
        Ok(Self { https, authority, prefix })
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.authority)
    }

    /// `https://host`, without what follows.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Path and query of a page's `next`, if that is on this host and below
    /// `/api/`. The scheme may differ: behind a proxy that ends TLS the system
    /// believes in http. It is asked over ours.
    pub(super) fn path_of(&self, next: &str) -> Option<String> {
        let path = match scheme(next) {
            Some((https, rest)) => {
                let (authority, path) = rest.split_at(rest.find('/')?);
                let same = short(authority, https) == self.authority
                    || authority.eq_ignore_ascii_case(&self.authority);
                same.then_some(path)?
            }
            None if next.starts_with('/') && !next.starts_with("//") => next,
            None => return None,
        };
        let plain = !path.contains("..") && !path.contains(|c: char| c.is_whitespace() || c.is_control());
        (plain && path.starts_with(&format!("{}/api/", self.prefix))).then(|| path.to_owned())
    }
}

fn scheme(url: &str) -> Option<(bool, &str)> {
    let after = |scheme: &str| {
        url.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)).map(|_| &url[scheme.len()..])
    };
    after("https://").map(|rest| (true, rest)).or_else(|| after("http://").map(|rest| (false, rest)))
}

fn short(authority: &str, https: bool) -> String {
    let authority = authority.to_lowercase();
    let implied = if https { ":443" } else { ":80" };
    authority.strip_suffix(implied).map_or(authority.clone(), str::to_owned)
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn https_or_loopback_and_nothing_else() {
        for good in [
            "https://nb.example.net",
            "https://nb.example.net:8443/netbox/",
            "http://127.0.0.1:8000",
            "http://[::1]:8000/api/",
            "HTTP://localhost",
        ] {
            assert!(Base::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://nb.example.net",
            "http://127.0.0.1.example.net",
            "http://localhost@nb.example.net/",
            "ftp://nb",
            "https://",
            "https://nb?x",
            "nb.example.net",
        ] {
            assert!(Base::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_page_is_on_the_same_host() {
        let base = Base::parse("https://nb.example.net/netbox").unwrap();
        let path = "/netbox/api/dcim/devices/?limit=5&offset=5";
        for same in ["https://NB.example.net", "http://nb.example.net", "https://nb.example.net:443", ""] {
            assert_eq!(base.path_of(&format!("{same}{path}")).as_deref(), Some(path), "{same}");
        }
        for other in [
            "https://evil.example.net/netbox/api/dcim/devices/",
            "https://nb.example.net@evil.example.net/netbox/api/x",
            "https://nb.example.net:444/netbox/api/x",
            "https://nb.example.net/logout",
            "//evil.example.net/netbox/api/",
            "https://nb.example.net/netbox/api/../../logout",
        ] {
            assert_eq!(base.path_of(other), None, "{other}");
        }
    }
}
