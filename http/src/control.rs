//! The header lines that decide how a message is read, found in one pass over its head.
//!
//! Each is a way to make two recipients read one message differently, so each is as strict as the
//! RFCs allow: RFC 9112, 3.2 (`Host`), 6.1 to 6.3 (lengths), 9.3 (`Connection`), RFC 9110, 10.1.1
//! (`Expect`).

use crate::{Fields, Limits, Refusal, Version, grammar};

/// What these lines say, before it is known which kind of message they are in.
#[derive(Default)]
pub(crate) struct Control<'a> {
    host: Option<&'a [u8]>,
    pub(crate) content_length: Option<u64>,
    /// `Transfer-Encoding: chunked`.
    pub(crate) is_chunked: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
    expects_other: bool,
}

impl<'a> Control<'a> {
    /// Checks the grammar of all header lines, up to and with the empty one.
    pub(crate) fn read(lines: &'a [u8], limits: &Limits) -> Result<(Self, Fields<'a>), Refusal> {
        let mut control = Self::default();
        let mut rest = lines;
        let mut count = 0;
        while rest != b"\r\n" {
            let (after, (name, value)) = grammar::field_line(rest).map_err(|_| Refusal::Field)?;
            rest = after;
            count += 1;
            if count > limits.fields {
                return Err(Refusal::HeadTooLarge);
            }
            control.note(name, value)?;
        }
        let lines = lines.strip_suffix(b"\r\n").unwrap_or_default();
        Ok((control, Fields::new(lines)))
    }

    /// Exactly one in HTTP/1.1, at most one in 1.0, and a host in it.
    pub(crate) fn host(&self, version: Version) -> Result<Option<&'a str>, Refusal> {
        let Some(host) = self.host else {
            return match version {
                Version::Http10 => Ok(None),
                Version::Http11 => Err(Refusal::Host),
            };
        };
        match core::str::from_utf8(host) {
            Ok(text) if grammar::is_host(host) => Ok(Some(text)),
            _ => Err(Refusal::Host),
        }
    }

    pub(crate) fn persists(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// A 1.0 client's expectation is not heard.
    pub(crate) fn expects_continue(&self, version: Version) -> Result<bool, Refusal> {
        match version {
            Version::Http10 => Ok(false),
            Version::Http11 if self.expects_other => Err(Refusal::Expectation),
            Version::Http11 => Ok(self.expects_continue),
        }
    }

    fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), Refusal> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("host") {
            if self.host.replace(value).is_some() {
                return Err(Refusal::Host);
            }
        } else if is("content-length") {
            // Repeated lines and lists are refused even when they agree (RFC 9110, 8.6, allows
            // either).
            let length = grammar::content_length(value).ok_or(Refusal::Framing)?;
            if self.content_length.replace(length).is_some() {
                return Err(Refusal::Framing);
            }
        } else if is("transfer-encoding") {
            self.note_codings(value)?;
        } else if is("connection") {
            for option in grammar::list(value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if is("expect") {
            for expectation in grammar::list(value) {
                let known = expectation.eq_ignore_ascii_case(b"100-continue");
                self.expects_continue |= known;
                self.expects_other |= !known;
            }
        }
        Ok(())
    }

    /// `chunked` must stand there once, and last. Other codings are unknown here (501).
    fn note_codings(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let mut is_empty = true;
        for coding in grammar::list(value) {
            is_empty = false;
            if self.is_chunked {
                return Err(Refusal::Framing);
            }
            if !coding.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::Coding);
            }
            self.is_chunked = true;
        }
        if is_empty {
            Err(Refusal::Framing)
        } else {
            Ok(())
        }
    }
}
