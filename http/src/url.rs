//! The addresses that the client takes (RFC 3986, RFC 9110, 4.2.1).

use core::fmt;

use crate::grammar;

/// An `http` URL in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// Host and port as they were written: the `Host` of a request.
    pub authority: &'a str,
    /// A name or an address; the brackets of an IPv6 address are taken off.
    pub host: &'a str,
    /// The port; 80 where none was written.
    pub port: u16,
    /// Path and query: what is asked for. Empty stands for `/`.
    target: &'a str,
}

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadUrl {
    /// It does not begin with `http://`.
    Scheme,
    /// No host, or one with characters that no host has; user names are not taken.
    Host,
    /// No number from 1 to 65535.
    Port,
    /// Spaces, quotes, bad percent-encoding or other than ASCII in the path.
    Target,
}

impl<'a> Url<'a> {
    /// Takes a URL apart. A fragment is dropped: it is for the reader alone.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, BadUrl> {
        let rest = match text.split_at_checked(7) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => rest,
            _ => return Err(BadUrl::Scheme),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // A colon belongs to the port unless it stands in the brackets of an address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if host.is_empty()
            || !grammar::is_host(host.as_bytes())
            || host.contains(':') != host.starts_with('[')
        {
            return Err(BadUrl::Host);
        }
        let port = match port {
            None | Some("") => 80,
            Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => {
                port.parse().map_err(|_| BadUrl::Port)?
            }
            Some(_) => return Err(BadUrl::Port),
        };
        if port == 0 {
            return Err(BadUrl::Port);
        }
        if !grammar::is_target(target) {
            return Err(BadUrl::Target);
        }
        Ok(Self {
            authority,
            host: host.trim_matches(['[', ']']),
            port,
            target,
        })
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The target of a request as it goes on the wire: it begins with a `/`.
    pub fn target(&self) -> impl fmt::Display + use<'a> {
        struct Target<'a>(&'a str);
        impl fmt::Display for Target<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let slash = if self.0.starts_with('/') { "" } else { "/" };
                write!(f, "{slash}{}", self.0)
            }
        }
        Target(self.target)
    }
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "only URLs that begin with http:// can be fetched",
            Self::Host => "the URL names no host",
            Self::Port => "the URL's port is no number from 1 to 65535",
            Self::Target => "the URL's path has a character that must be percent-encoded",
        })
    }
}

impl core::error::Error for BadUrl {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn urls_come_apart() {
        for (text, authority, host, port, target) in [
            ("http://a", "a", "a", 80, "/"),
            ("HTTP://a:8080/b/c?d=e#f", "a:8080", "a", 8080, "/b/c?d=e"),
            ("http://10.0.0.2?q", "10.0.0.2", "10.0.0.2", 80, "/?q"),
            ("http://[::1]:81/", "[::1]:81", "::1", 81, "/"),
            ("http://[::1]/", "[::1]", "::1", 80, "/"),
            ("http://a:/", "a:", "a", 80, "/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(
                (url.authority, url.host, url.port),
                (authority, host, port),
                "{text}"
            );
            assert_eq!(url.target().to_string(), target, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_says_why() {
        for (text, reason) in [
            ("https://a", BadUrl::Scheme),
            ("a", BadUrl::Scheme),
            ("http://", BadUrl::Host),
            ("http:///a", BadUrl::Host),
            ("http://user@a/", BadUrl::Host),
            ("http://a b/", BadUrl::Host),
            ("http://a:b/", BadUrl::Port),
            ("http://a:0/", BadUrl::Port),
            ("http://a:65536/", BadUrl::Port),
            ("http://a:+1/", BadUrl::Port),
            ("http://a/b c", BadUrl::Target),
            ("http://a/\r\nHost: b", BadUrl::Target),
            ("http://a/%zz", BadUrl::Target),
            ("http://a/é", BadUrl::Target),
        ] {
            assert_eq!(Url::parse(text), Err(reason), "{text}");
        }
    }
}
