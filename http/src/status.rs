//! Status codes, and the reasons for which a request is refused before a handler sees it.

use core::fmt;

/// A status code (RFC 9110, 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Status(pub u16);

impl Status {
    /// 200.
    pub const OK: Self = Self(200);
    /// 204.
    pub const NO_CONTENT: Self = Self(204);
    /// 206: a range of the representation.
    pub const PARTIAL_CONTENT: Self = Self(206);
    /// 301.
    pub const MOVED_PERMANENTLY: Self = Self(301);
    /// 304: what the client holds is still right.
    pub const NOT_MODIFIED: Self = Self(304);
    /// 400.
    pub const BAD_REQUEST: Self = Self(400);
    /// 403.
    pub const FORBIDDEN: Self = Self(403);
    /// 404.
    pub const NOT_FOUND: Self = Self(404);
    /// 405: goes with `Allow`.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 412: a precondition was false.
    pub const PRECONDITION_FAILED: Self = Self(412);
    /// 416: no byte of the range exists.
    pub const RANGE_NOT_SATISFIABLE: Self = Self(416);
    /// 500.
    pub const INTERNAL_SERVER_ERROR: Self = Self(500);
    /// 503.
    pub const SERVICE_UNAVAILABLE: Self = Self(503);

    /// Whether a response of this status never has a body (RFC 9112, 6.3).
    #[must_use]
    pub const fn is_bodiless(self) -> bool {
        matches!(self.0, 100..=199 | 204 | 304)
    }

    /// The words that go with it; nobody reads them but people.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self.0 {
            200 => "OK",
            204 => "No Content",
            206 => "Partial Content",
            301 => "Moved Permanently",
            304 => "Not Modified",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            414 => "URI Too Long",
            416 => "Range Not Satisfiable",
            417 => "Expectation Failed",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "",
        }
    }
}

/// Why a request is refused. Where it ends cannot be trusted any more, so each of these closes the
/// connection after its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The first line is not `method SP target SP version CRLF`, or a line has a bare CR, a bare
    /// LF or a NUL (RFC 9112, 2.2 and 3).
    StartLine,
    /// The target is in none of the four forms, or badly percent-encoded (RFC 9112, 3.2).
    Target,
    /// A header line breaks the grammar, among them folded ones and space before the colon (5.1, 5.2).
    Field,
    /// No `Host` in HTTP/1.1, more than one, or one that is no host (3.2).
    Host,
    /// `Content-Length` or `Transfer-Encoding` that contradict themselves or each other: a smuggled
    /// request (6.1, 6.3).
    Framing,
    /// A chunk size, an extension, a chunk's end or a trailer breaks the grammar (7.1).
    Chunk,
    /// The peer ended in the middle of its request (8).
    Truncated,
    /// The peer took too long.
    Timeout,
    /// The body is longer than allowed.
    BodyTooLarge,
    /// The request line is longer than allowed.
    LineTooLong,
    /// The head, or a trailer section, is longer than allowed or has too many lines.
    HeadTooLarge,
    /// An expectation other than `100-continue` (RFC 9110, 10.1.1).
    Expectation,
    /// A method nobody here knows.
    Method,
    /// A transfer coding other than `chunked` (RFC 9112, 6.1).
    Coding,
    /// Not HTTP/1.x (RFC 9110, 2.5).
    Version,
    /// The memory for heads in pieces is used up.
    Busy,
}

impl Refusal {
    /// What the peer is told.
    #[must_use]
    pub const fn status(self) -> Status {
        Status(match self {
            Self::StartLine
            | Self::Target
            | Self::Field
            | Self::Host
            | Self::Framing
            | Self::Chunk
            | Self::Truncated => 400,
            Self::Timeout => 408,
            Self::BodyTooLarge => 413,
            Self::LineTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLarge => 431,
            Self::Method | Self::Coding => 501,
            Self::Busy => 503,
            Self::Version => 505,
        })
    }
}

/// Why a request or a response could not be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The connection failed.
    Transport(E),
    /// The peer's message is refused.
    Refused(Refusal),
    /// The handler cannot go on, for instance because a disk failed. The connection is closed short
    /// of the declared length, so that the peer sees it.
    Aborted,
    /// The handler broke its word: two responses, or more bytes than it declared.
    Misused,
}

impl<E> From<Refusal> for Error<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartLine => "the first line is malformed",
            Self::Target => "the target is malformed",
            Self::Field => "a header line is malformed",
            Self::Host => "the host is missing, repeated or malformed",
            Self::Framing => "the length of the message is contradictory",
            Self::Chunk => "a chunk is malformed",
            Self::Truncated => "the connection ended in the middle of the message",
            Self::Timeout => "the peer is too slow",
            Self::BodyTooLarge => "the body is too long",
            Self::LineTooLong => "the first line is too long",
            Self::HeadTooLarge => "the head is too long",
            Self::Expectation => "the expectation cannot be met",
            Self::Method => "the method is not known",
            Self::Coding => "the transfer coding is not known",
            Self::Version => "the version is not known",
            Self::Busy => "out of memory for heads",
        })
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Aborted => f.write_str("given up"),
            Self::Misused => f.write_str("a message that was promised otherwise"),
        }
    }
}

impl core::error::Error for Refusal {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for Error<E> {}
