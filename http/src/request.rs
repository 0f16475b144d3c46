//! A request's head, checked.

use crate::body::{self, Framing};
use crate::control::Control;
use crate::grammar;
use crate::{Fields, Limits, Refusal};

/// The methods that are known here (RFC 9110, 9.3, and RFC 5789). Others are refused with 501, as is
/// CONNECT: this is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks for a representation.
    Get,
    /// As GET, without the body.
    Head,
    /// Hands something over.
    Post,
    /// Replaces a resource.
    Put,
    /// Removes a resource.
    Delete,
    /// Asks what may be asked.
    Options,
    /// Asks for an echo.
    Trace,
    /// Changes a resource.
    Patch,
}

impl Method {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
        }
    }

    fn from_token(token: &[u8]) -> Option<Self> {
        [
            Self::Get,
            Self::Head,
            Self::Post,
            Self::Put,
            Self::Delete,
            Self::Options,
            Self::Trace,
            Self::Patch,
        ]
        .into_iter()
        .find(|method| method.as_str().as_bytes() == token)
    }
}

/// The version of a message. A higher minor version counts as 1.1 (RFC 9110, 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0: closes unless asked not to, knows no chunks.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    pub(crate) fn new(version: (u8, u8)) -> Result<Self, Refusal> {
        match version {
            (1, 0) => Ok(Self::Http10),
            (1, _) => Ok(Self::Http11),
            _ => Err(Refusal::Version),
        }
    }
}

/// A request whose head was accepted: its grammar, its host and its framing are right.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What to do.
    pub method: Method,
    /// Its version.
    pub version: Version,
    /// The target as it was sent.
    pub target: &'a str,
    /// The path in it, still percent-encoded: starts with `/`, or is `*` (OPTIONS only).
    pub path: &'a str,
    /// What stood behind a `?`.
    pub query: Option<&'a str>,
    /// The host that was asked: of an absolute target, else of the `Host` line.
    pub host: Option<&'a str>,
    /// The header lines.
    pub fields: Fields<'a>,
    /// How the body is delimited.
    pub(crate) framing: Framing,
    /// Whether the client expects `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
    /// Whether the client wants to go on with this connection.
    pub(crate) persists: bool,
}

impl<'a> Request<'a> {
    /// Checks a head: everything up to the empty line that ends it, that line included.
    ///
    /// # Errors
    /// What is wrong with it. The order of the checks is part of the behaviour: grammar first,
    /// then version, host, framing and expectation.
    pub fn parse(head: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let (lines, line) = grammar::request_line(head).map_err(|_| Refusal::StartLine)?;
        let (control, fields) = Control::read(lines, limits)?;
        let version = Version::new(line.version)?;
        let method = Method::from_token(line.method).ok_or(Refusal::Method)?;
        let target = Target::parse(line.target, method)?;
        let host = control.host(version)?;
        let framing = body::request_framing(&control, version)?;
        if matches!(framing, Framing::Length(length) if length > limits.body) {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(Self {
            method,
            version,
            target: line.target,
            path: target.path,
            query: target.query,
            host: target.authority.or(host),
            fields,
            framing,
            // Without a body there is nothing to wait for.
            expects_continue: control.expects_continue(version)? && !framing.is_empty(),
            persists: control.persists(version),
        })
    }
}

/// What a request target names (RFC 9112, 3.2).
struct Target<'a> {
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn parse(target: &'a str, method: Method) -> Result<Self, Refusal> {
        if target == "*" && method == Method::Options {
            return Ok(Self {
                authority: None,
                path: "*",
                query: None,
            });
        }
        let (authority, origin) = match target.split_at_checked(7) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, origin) = rest.split_at(end);
                if authority.is_empty() || !grammar::is_host(authority.as_bytes()) {
                    return Err(Refusal::Target);
                }
                (Some(authority), origin)
            }
            _ => (None, target),
        };
        let (path, query) = match origin.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (origin, None),
        };
        let path = match (path, authority) {
            ("", Some(_)) => "/",
            (path, _) if path.starts_with('/') && grammar::is_percent_encoded(path) => path,
            _ => return Err(Refusal::Target),
        };
        Ok(Self {
            authority,
            path,
            query,
        })
    }
}

#[cfg(test)]
mod tests;
