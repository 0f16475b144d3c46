//! Why a name has no address.

use core::fmt;

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It cannot be a host's name.
    BadName,
    /// Nobody can be asked.
    NoServer,
    /// There is no such name.
    NoSuchName,
    /// There is such a name, and it has no IPv4 address.
    NoAddress,
    /// The answer does not fit into a datagram.
    Truncated,
    /// A name server answered that it could not or would not, or nonsense.
    Failed,
    /// No name server answered.
    TimedOut,
    /// The network did not let us ask.
    Network(runtime::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadName => "this cannot be a host's name",
            Self::NoServer => "no name server is known",
            Self::NoSuchName => "there is no such name",
            Self::NoAddress => "the name has no IPv4 address",
            Self::Truncated => "the name server's answer is too long for a datagram",
            Self::Failed => "no name server could answer",
            Self::TimedOut => "no name server answered",
            Self::Network(error) => return write!(f, "no name server can be asked: {error}"),
        })
    }
}

impl core::error::Error for Error {}

impl From<runtime::Error> for Error {
    fn from(error: runtime::Error) -> Self {
        Self::Network(error)
    }
}
