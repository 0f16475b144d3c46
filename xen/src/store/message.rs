//! Messages of the xenstore (Xen's `io/xs_wire.h`): a header of four words, and up to 4 KiB of payload in
//! which zero bytes end texts.

use alloc::vec::Vec;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::StoreError;

/// The longest payload (`XENSTORE_PAYLOAD_MAX`).
pub const MAX_PAYLOAD: usize = 4096;
/// The longest path: of one that begins at the domain's own (`XENSTORE_REL_PATH_MAX`), and all of ours
/// that do not are short.
pub const MAX_PATH: usize = 2048;

/// What a message is: a question and its answer have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Directory = 1,
    Read = 2,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    Write = 11,
    Remove = 13,
    ResetWatches = 21,
}

/// Something has changed below a watch; nobody asked.
pub(crate) const WATCH_EVENT: u32 = 15;
/// The answer is the name of an error.
pub(crate) const ERROR: u32 = 16;

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) kind: U32,
    pub(crate) request: U32,
    pub(crate) transaction: U32,
    pub(crate) len: U32,
}

/// A question, all but its number.
pub(crate) struct Outgoing {
    pub(crate) kind: Kind,
    /// The header and the payload.
    pub(crate) bytes: Vec<u8>,
}

impl Outgoing {
    /// A question with a payload of these parts, the first of which is a path where the question is
    /// about one.
    pub(crate) fn new(kind: Kind, transaction: u32, parts: &[&[u8]]) -> Result<Self, StoreError> {
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        if len > MAX_PAYLOAD {
            return Err(StoreError::Unspeakable);
        }
        let header = Header {
            kind: (kind as u32).into(),
            request: 0.into(),
            transaction: transaction.into(),
            len: (len as u32).into(),
        };
        let mut bytes = Vec::with_capacity(size_of::<Header>() + len);
        bytes.extend_from_slice(header.as_bytes());
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Ok(Self { kind, bytes })
    }

    /// Gives it its number.
    pub(crate) fn set_request(&mut self, request: u32) {
        if let Ok((header, _)) = Header::mut_from_prefix(&mut self.bytes) {
            header.request = request.into();
        }
    }
}

/// A path as the protocol takes it. Some are made of what others have written.
pub(crate) fn path(path: &str) -> Result<&[u8], StoreError> {
    let bytes = path.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_PATH || bytes.contains(&0) {
        return Err(StoreError::Unspeakable);
    }
    Ok(bytes)
}

/// A number in decimal digits, and nothing else.
pub(crate) fn number(text: &[u8]) -> Option<u32> {
    let text = str::from_utf8(text).ok()?;
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}
