//! How an archive lies in memory (the table is at the top of `lib.rs`).

use core::fmt;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What an archive begins with; the last digit is the version of the format.
pub(crate) const MAGIC: [u8; 8] = *b"PARHARC1";

/// What bytes are aligned to: a page of every machine that we run on.
pub(crate) const PAGE: usize = 4096;

/// The time of a file of which nobody knows it.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// How the bytes of an entry are compressed, the smallest first as a rule: when a client takes
/// several, it gets the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// Brotli (RFC 7932).
    Brotli,
    /// Zstandard (RFC 8878).
    Zstd,
    /// As gzip does (RFC 1952).
    Gzip,
}

impl Coding {
    /// Every coding, in the order in which they are preferred.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Brotli, Self::Zstd, Self::Gzip];

    /// Its name in HTTP (RFC 9110, 8.4.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[derive(Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 8],
    pub(crate) entries: U32,
    pub(crate) zero: U32,
    pub(crate) len: U64,
    pub(crate) zeros: U64,
}

#[derive(Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Entry {
    pub(crate) path: Place,
    pub(crate) coding: u8,
    pub(crate) zero: u8,
    pub(crate) media: Place,
    pub(crate) zeros: U16,
    pub(crate) start: U64,
    pub(crate) len: U64,
    pub(crate) etag: U64,
    pub(crate) modified: U64,
}

/// Where a text stands.
#[derive(Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Place {
    pub(crate) start: U32,
    pub(crate) len: U16,
}

/// Why bytes are not an archive, or files cannot be put into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It does not begin as an archive does: it is something else.
    Magic,
    /// It is shorter than it says.
    Truncated,
    /// A path is not plain, or not text.
    Path,
    /// The paths are not in order, or one stands twice.
    Order,
    /// An entry has bytes where there are none, or not at a page's start.
    Place,
    /// A media type is not visible text, or longer than any.
    Media,
    /// A coding is none that is known, or its file is not there uncompressed.
    Coding,
    /// It would be larger than its numbers can say.
    TooLarge,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Magic => "it is no archive",
            Self::Truncated => "it is shorter than it says",
            Self::Path => "a path in it is not plain",
            Self::Order => "its paths are not in order",
            Self::Place => "a file lies outside of it",
            Self::Media => "a media type in it is not text",
            Self::Coding => "a coding in it is not known",
            Self::TooLarge => "it would be too large",
        })
    }
}

impl core::error::Error for Malformed {}

/// Whether a path is one that a storage may be asked for: not empty, without empty parts, `.`, `..`
/// and zero bytes.
pub(crate) fn is_plain(path: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    path.split('/').all(is_part) && !path.contains('\0')
}

/// The most bytes of a media type: none that is registered is as long, and a head has room for it.
const MAX_MEDIA: usize = 54;

/// Whether a text can stand in a header field as a media type.
pub(crate) fn is_visible(text: &str) -> bool {
    text.len() <= MAX_MEDIA && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}
