//! How a body is delimited (RFC 9112, 6), and its bytes.

use packet::Chunk;

use crate::chunked::Decoder;
use crate::control::Control;
use crate::request::{Method, Version};
use crate::{Refusal, Status};

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes, perhaps none.
    Length(u64),
    /// Chunks, of which the last says so.
    Chunked,
    /// It ends with the connection: responses only.
    UntilClose,
}

impl Framing {
    pub(crate) const fn is_empty(self) -> bool {
        matches!(self, Self::Length(0))
    }
}

/// The framing of a request (6.3). Whatever two recipients could read differently is refused.
pub(crate) fn request_framing(control: &Control<'_>, version: Version) -> Result<Framing, Refusal> {
    match (control.is_chunked, control.content_length) {
        (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        // 6.1: a 1.0 peer does not know chunks, so somebody between us may not have either.
        (true, None) if version == Version::Http11 => Ok(Framing::Chunked),
        (true, _) => Err(Refusal::Framing),
    }
}

/// The framing of a response to `method` (6.3).
pub(crate) const fn response_framing(
    control: &Control<'_>,
    method: Method,
    status: Status,
) -> Result<Framing, Refusal> {
    if matches!(method, Method::Head) || status.is_bodiless() {
        return Ok(Framing::Length(0));
    }
    match (control.is_chunked, control.content_length) {
        (true, None) => Ok(Framing::Chunked),
        (true, Some(_)) => Err(Refusal::Framing),
        (false, Some(length)) => Ok(Framing::Length(length)),
        (false, None) => Ok(Framing::UntilClose),
    }
}

/// The bytes of a body, taken from what a connection received.
pub(crate) struct Body {
    state: State,
    /// Bytes that are still allowed.
    allowed: u64,
}

#[expect(
    clippy::large_enum_variant,
    reason = "it lives as long as a request, in the memory of one"
)]
enum State {
    Length(u64),
    Chunked(Decoder),
    UntilClose,
}

impl Body {
    /// A body of at most `limit` bytes.
    pub(crate) const fn new(framing: Framing, limit: u64) -> Self {
        Self {
            state: match framing {
                Framing::Length(length) => State::Length(length),
                Framing::Chunked => State::Chunked(Decoder::new()),
                Framing::UntilClose => State::UntilClose,
            },
            allowed: limit,
        }
    }

    /// Whether all of it was taken.
    pub(crate) const fn is_done(&self) -> bool {
        match &self.state {
            State::Length(left) => *left == 0,
            State::Chunked(decoder) => decoder.is_done(),
            State::UntilClose => false,
        }
    }

    /// Bytes that are known to be still to come.
    pub(crate) const fn left_at_least(&self) -> u64 {
        match &self.state {
            State::Length(left) => *left,
            State::Chunked(_) | State::UntilClose => 0,
        }
    }

    /// Whether the end of the connection ends it too.
    pub(crate) const fn ends_with_connection(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    /// Takes the next bytes of the body out of `unread`; `None` when it wants more or is done.
    pub(crate) fn take(&mut self, unread: &mut Chunk) -> Result<Option<Chunk>, Refusal> {
        if unread.is_empty() || self.is_done() {
            return Ok(None);
        }
        let data = match &mut self.state {
            State::Length(left) => {
                let data = unread.split_to(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= data.len() as u64;
                Some(data)
            }
            State::Chunked(decoder) => decoder.take(unread)?,
            State::UntilClose => Some(core::mem::take(unread)),
        };
        let taken = data.as_ref().map_or(0, |data| data.len() as u64);
        self.allowed = self
            .allowed
            .checked_sub(taken)
            .ok_or(Refusal::BodyTooLarge)?;
        Ok(data)
    }
}
