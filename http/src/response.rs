//! A response's head, and how it is written.

use core::fmt::{self, Write as _};
use core::ops::Range;

use heapless::String;

use crate::Status;
use crate::conditions::{Etag, Validators};
use crate::request::Method;

/// What a handler answers with, up to the body.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// How it went.
    pub status: Status,
    pub(crate) length: Option<u64>,
    content_type: Option<&'static str>,
    content_coding: Option<&'static str>,
    varies: bool,
    validators: Validators,
    accepts_ranges: bool,
    content_range: Option<(Option<Range<u64>>, u64)>,
    allow: Option<&'static [Method]>,
    pub(crate) location: Option<&'a str>,
}

impl<'a> Response<'a> {
    /// A response with this status and a body whose length nobody knows yet.
    #[must_use]
    pub const fn new(status: Status) -> Self {
        Self {
            status,
            length: None,
            content_type: None,
            content_coding: None,
            varies: false,
            validators: Validators {
                etag: None,
                last_modified: None,
            },
            accepts_ranges: false,
            content_range: None,
            allow: None,
            location: None,
        }
    }

    /// The body will have this many bytes.
    #[must_use]
    pub const fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }

    /// The body is of this media type.
    #[must_use]
    pub const fn content_type(mut self, media: &'static str) -> Self {
        self.content_type = Some(media);
        self
    }

    /// The body is compressed so (RFC 9110, 8.4).
    #[must_use]
    pub const fn content_coding(mut self, coding: Option<&'static str>) -> Self {
        self.content_coding = coding;
        self
    }

    /// Says that who asks for other codings may get others (RFC 9110, 12.5.5).
    #[must_use]
    pub const fn varies(mut self, varies: bool) -> Self {
        self.varies = varies;
        self
    }

    /// Says which version of the representation this is.
    #[must_use]
    pub const fn validators(mut self, validators: Validators) -> Self {
        self.validators = validators;
        self
    }

    /// Says that ranges of this resource may be asked for.
    #[must_use]
    pub const fn accepts_ranges(mut self) -> Self {
        self.accepts_ranges = true;
        self
    }

    /// The body is this range of so many bytes; `None` tells only how many there are (416).
    #[must_use]
    pub const fn content_range(mut self, range: Option<Range<u64>>, of: u64) -> Self {
        self.content_range = Some((range, of));
        self
    }

    /// The methods that the resource takes, and OPTIONS.
    #[must_use]
    pub const fn allow(mut self, methods: &'static [Method]) -> Self {
        self.allow = Some(methods);
        self
    }

    /// Where to look instead. Anything but visible ASCII in it is left out.
    #[must_use]
    pub const fn location(mut self, target: &'a str) -> Self {
        self.location = Some(target);
        self
    }

    /// Writes everything but `Location`, which may be long, and the empty line.
    pub(crate) fn write(&self, head: &mut Head, date: &str, facts: Facts) -> fmt::Result {
        let Status(code) = self.status;
        write!(head.0, "HTTP/1.1 {code} {}\r\n", self.status.reason())?;
        head.field("Date", date)?;
        if let Some(media) = self.content_type {
            head.field("Content-Type", media)?;
        }
        if let Some(coding) = self.content_coding {
            head.field("Content-Encoding", coding)?;
        }
        if self.varies {
            head.field("Vary", "Accept-Encoding")?;
        }
        match facts.framing {
            BodyFraming::Length(length) => write!(head.0, "Content-Length: {length}\r\n")?,
            BodyFraming::Chunked => head.field("Transfer-Encoding", "chunked")?,
            BodyFraming::Silent => {}
        }
        if let Some(date) = self.validators.last_modified {
            write!(head.0, "Last-Modified: {date}\r\n")?;
        }
        if let Some(Etag(tag)) = self.validators.etag {
            write!(head.0, "ETag: {}\r\n", Etag(tag))?;
        }
        if self.accepts_ranges {
            head.field("Accept-Ranges", "bytes")?;
        }
        match &self.content_range {
            Some((Some(range), of)) => {
                let (first, last) = (range.start, range.end.saturating_sub(1));
                write!(head.0, "Content-Range: bytes {first}-{last}/{of}\r\n")?;
            }
            Some((None, of)) => write!(head.0, "Content-Range: bytes */{of}\r\n")?,
            None => {}
        }
        if let Some(methods) = self.allow {
            head.0.write_str("Allow: ")?;
            for method in methods.iter().filter(|method| **method != Method::Options) {
                write!(head.0, "{}, ", method.as_str())?;
            }
            head.0.write_str("OPTIONS\r\n")?;
        }
        match facts.persistence {
            Persistence::Usual => Ok(()),
            Persistence::KeepAlive => head.field("Connection", "keep-alive"),
            Persistence::Close => head.field("Connection", "close"),
        }
    }
}

/// What a head says of the message and the connection, beside what the handler said.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) framing: BodyFraming,
    pub(crate) persistence: Persistence,
}

/// How the head delimits its body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFraming {
    Length(u64),
    Chunked,
    /// Says nothing: there is no body, or it ends with the connection.
    Silent,
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// What the version says anyway: it stays.
    Usual,
    /// It stays although the peer speaks 1.0.
    KeepAlive,
    Close,
}

/// Room for a head without `Location`. With every other field at its longest it has 513 bytes.
pub(crate) struct Head(pub(crate) String<576>);

impl Head {
    pub(crate) const fn new() -> Self {
        Self(String::new())
    }

    fn field(&mut self, name: &str, value: &str) -> fmt::Result {
        self.0.write_str(name)?;
        self.0.write_str(": ")?;
        self.0.write_str(value)?;
        self.0.write_str("\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Date;
    use alloc::string::ToString;

    const ALL_METHODS: &[Method] = &[
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Delete,
        Method::Options,
        Method::Trace,
        Method::Patch,
    ];

    #[test]
    fn the_longest_head_fits() {
        let longest = Date {
            unix: 253_402_300_799,
        };
        let response = Response::new(Status(431))
            .content_type("application/manifest+json; charset=utf-8; and more")
            .validators(Validators {
                etag: Some(Etag(u64::MAX)),
                last_modified: Some(longest),
            })
            .content_coding(Some("compress"))
            .varies(true)
            .accepts_ranges()
            .content_range(Some(u64::MAX - 1..u64::MAX), u64::MAX)
            .allow(ALL_METHODS);
        let facts = Facts {
            framing: BodyFraming::Length(u64::MAX),
            persistence: Persistence::KeepAlive,
        };
        let mut head = Head::new();
        response
            .write(&mut head, &longest.to_string(), facts)
            .unwrap();
        assert!(head.0.len() <= 560, "{}", head.0.len());
    }

    #[test]
    fn a_head_is_written_in_this_order() {
        let response = Response::new(Status::OK).content_type("text/css");
        let facts = Facts {
            framing: BodyFraming::Length(5),
            persistence: Persistence::Close,
        };
        let mut head = Head::new();
        response.write(&mut head, "then", facts).unwrap();
        assert_eq!(
            head.0,
            "HTTP/1.1 200 OK\r\nDate: then\r\nContent-Type: text/css\r\n\
             Content-Length: 5\r\nConnection: close\r\n"
        );
    }
}
