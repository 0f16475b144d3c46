//! What may go wrong with a question to the store.

use core::fmt;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The daemon answered that it will not.
    Refused(Refusal),
    /// A path or a value is too long for the protocol, or holds a zero byte.
    Unspeakable,
    /// There are as many watches as there may be.
    TooMany,
    /// The answer makes no sense. The next one may.
    Malformed,
    /// There is no answer in time. One that comes later is not mistaken for another's.
    TimedOut,
    /// The store is of no use any more.
    Dead(Cause),
}

/// Why the daemon will not (its names of errors, which are C's).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// EINVAL: it takes the question for malformed.
    Invalid,
    /// EACCES, EPERM, EROFS: it is not ours to do.
    Denied,
    /// EEXIST, EISCONN: it is so already.
    Exists,
    /// ENOENT: there is no such path.
    NotFound,
    /// ENOSPC, E2BIG, ENOMEM, EQUOTA: it is more than a domain may have, or than fits into an answer.
    TooMuch,
    /// EAGAIN, EBUSY: others were faster; it may be tried again.
    Again,
    /// ENOSYS: it does not know the question.
    Unknown,
    /// EIO, EISDIR, ENOTEMPTY, and names that we do not know.
    Other,
}

/// What has ended the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An index of the ring is further than the ring is long.
    RingIndex,
    /// A message says that it is longer than any may be: where the next begins is not known.
    MessageLength,
    /// The daemon says so: 1 a communication problem, 2 a ring index, 3 a protocol violation.
    Daemon(u32),
}

impl Refusal {
    /// By the name in an answer, which a zero byte ends.
    pub(super) fn named(answer: &[u8]) -> Self {
        match answer.strip_suffix(b"\0").unwrap_or(answer) {
            b"EINVAL" => Self::Invalid,
            b"EACCES" | b"EPERM" | b"EROFS" => Self::Denied,
            b"EEXIST" | b"EISCONN" => Self::Exists,
            b"ENOENT" => Self::NotFound,
            b"ENOSPC" | b"E2BIG" | b"ENOMEM" | b"EQUOTA" => Self::TooMuch,
            b"EAGAIN" | b"EBUSY" => Self::Again,
            b"ENOSYS" => Self::Unknown,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused(refusal) => return write!(f, "the xenstore refuses: {refusal}"),
            Self::Unspeakable => "the xenstore takes no such path or value",
            Self::TooMany => "too many watches on the xenstore",
            Self::Malformed => "the xenstore gave an answer without sense",
            Self::TimedOut => "the xenstore does not answer",
            Self::Dead(cause) => return write!(f, "the xenstore is lost: {cause}"),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "malformed",
            Self::Denied => "not permitted",
            Self::Exists => "it exists already",
            Self::NotFound => "no such path",
            Self::TooMuch => "more than this domain may have",
            Self::Again => "others keep changing it",
            Self::Unknown => "it does not know how",
            Self::Other => "for a reason of its own",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RingIndex => f.write_str("its ring has an impossible index"),
            Self::MessageLength => f.write_str("a message longer than any may be"),
            Self::Daemon(code) => write!(f, "it says so itself (error {code})"),
        }
    }
}

impl core::error::Error for StoreError {}
