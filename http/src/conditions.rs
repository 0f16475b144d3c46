//! Conditional requests (RFC 9110, 13): does the client hold what we would send?

use core::fmt;

use crate::Date;
use crate::grammar::{self, EntityTag};
use crate::request::{Method, Request};

/// A strong entity tag: two representations of one resource with the same tag are equal byte by
/// byte. Written as sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag(pub u64);

impl Etag {
    /// RFC 9110, 8.8.3.2: strong, unless a weak tag of the peer may match too.
    fn matches(self, tag: EntityTag<'_>, weak_may: bool) -> bool {
        let digits = tag.opaque.len() == 16
            && tag
                .opaque
                .iter()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let value = core::str::from_utf8(tag.opaque)
            .ok()
            .and_then(|text| u64::from_str_radix(text, 16).ok());
        (weak_may || !tag.weak) && digits && value == Some(self.0)
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{:016x}\"", self.0)
    }
}

/// What tells one version of a representation from another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validators {
    /// Its tag.
    pub etag: Option<Etag>,
    /// When it last changed.
    pub last_modified: Option<Date>,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Do what was asked.
    Proceed,
    /// Answer 304: the client holds this version.
    NotModified,
    /// Answer 412: the client thinks of another version.
    Failed,
}

impl Precondition {
    /// Evaluates the conditions of a request for a resource that exists, in the order of RFC 9110,
    /// 13.2.2. A date that cannot be read is no condition.
    #[must_use]
    pub fn evaluate(request: &Request<'_>, current: Validators, now: Date) -> Self {
        let fields = request.fields;
        let date = |name| fields.first(name).and_then(|text| Date::parse(text, now));
        let reads = matches!(request.method, Method::Get | Method::Head);

        if fields.first("if-match").is_some() {
            if !lists(request, "if-match", current, false) {
                return Self::Failed;
            }
        } else if let (Some(date), Some(modified)) =
            (date("if-unmodified-since"), current.last_modified)
            && modified > date
        {
            return Self::Failed;
        }

        if fields.first("if-none-match").is_some() {
            if !lists(request, "if-none-match", current, true) {
                return Self::Proceed;
            }
            return if reads {
                Self::NotModified
            } else {
                Self::Failed
            };
        }
        match (date("if-modified-since"), current.last_modified) {
            (Some(date), Some(modified)) if reads && modified <= date => Self::NotModified,
            _ => Self::Proceed,
        }
    }
}

/// Whether a list of entity tags has the current one, or is `*`.
fn lists(request: &Request<'_>, name: &str, current: Validators, weak_may: bool) -> bool {
    request.fields.all(name).any(|value| {
        value == b"*"
            || grammar::any_entity_tag(value, |tag| {
                current.etag.is_some_and(|etag| etag.matches(tag, weak_may))
            })
    })
}

/// Whether `If-Range` lets the range of a request be served (RFC 9110, 13.1.5): absent, or exactly
/// the current version.
pub(crate) fn if_range(request: &Request<'_>, current: Validators, now: Date) -> bool {
    let Some(value) = request.fields.first("if-range") else {
        return true;
    };
    match grammar::entity_tag(value) {
        Ok((b"", tag)) => current.etag.is_some_and(|etag| etag.matches(tag, false)),
        _ => current.last_modified.is_some() && Date::parse(value, now) == current.last_modified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use alloc::format;

    const NOW: Date = Date {
        unix: 1_790_000_000,
    };
    /// The representation of these tests: its tag, and `Sun, 06 Nov 1994 08:49:37 GMT`.
    const CURRENT: Validators = Validators {
        etag: Some(Etag(0xfeed_beef)),
        last_modified: Some(Date { unix: 784_111_777 }),
    };
    const TAG: &str = "\"00000000feedbeef\"";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn evaluate(method: &str, fields: &str) -> Precondition {
        let fields = fields.replace("TAG", TAG);
        let fields = fields.replace("BEFORE", BEFORE).replace("SAME", SAME);
        let lines: alloc::string::String = fields
            .split('|')
            .map(|line| format!("{line}\r\n"))
            .collect();
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let request = Request::parse(head.as_bytes(), &Limits::default()).unwrap();
        Precondition::evaluate(&request, CURRENT, NOW)
    }

    #[test]
    fn each_condition_and_their_order() {
        use Precondition::{Failed, NotModified, Proceed};
        for (method, fields, expected) in [
            ("GET", "Accept: */*", Proceed),
            ("GET", "If-None-Match: TAG", NotModified),
            ("HEAD", "If-None-Match: TAG", NotModified),
            ("PUT", "If-None-Match: TAG", Failed),
            ("GET", "If-None-Match: W/TAG", NotModified),
            ("GET", "If-None-Match: *", NotModified),
            ("GET", "If-None-Match: \"a\", \"b,c\", TAG", NotModified),
            (
                "GET",
                "If-None-Match: \"a\"|If-None-Match: TAG",
                NotModified,
            ),
            ("GET", "If-None-Match: \"a\"", Proceed),
            ("GET", "If-None-Match: 00000000feedbeef", Proceed),
            ("GET", "If-None-Match: \"00000000FEEDBEEF\"", Proceed),
            ("GET", "If-Modified-Since: SAME", NotModified),
            ("GET", "If-Modified-Since: BEFORE", Proceed),
            ("GET", "If-Modified-Since: yesterday", Proceed),
            ("POST", "If-Modified-Since: SAME", Proceed),
            // With a tag the date is not looked at (13.1.3).
            (
                "GET",
                "If-None-Match: \"a\"|If-Modified-Since: SAME",
                Proceed,
            ),
            ("GET", "If-Match: TAG", Proceed),
            ("GET", "If-Match: *", Proceed),
            ("GET", "If-Match: W/TAG", Failed),
            ("GET", "If-Match: \"a\"", Failed),
            ("GET", "If-Unmodified-Since: SAME", Proceed),
            ("GET", "If-Unmodified-Since: BEFORE", Failed),
            ("GET", "If-Unmodified-Since: tomorrow", Proceed),
            ("GET", "If-Match: TAG|If-Unmodified-Since: BEFORE", Proceed),
            ("GET", "If-Match: TAG|If-None-Match: TAG", NotModified),
            ("GET", "If-Match: \"a\"|If-None-Match: TAG", Failed),
        ] {
            assert_eq!(evaluate(method, fields), expected, "{method} {fields}");
        }
    }

    #[test]
    fn a_tag_is_written_as_it_is_read() {
        assert_eq!(format!("{}", Etag(0xfeed_beef)), TAG);
    }
}
