//! What can go wrong with a connection, as its user sees it.

/// What can go wrong with a connection, as its user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nobody listens there.
    Refused,
    /// The peer threw the connection away.
    Reset,
    /// The peer stopped answering.
    TimedOut,
    /// No way leads there.
    Unreachable,
    /// This side has closed already, or the id is not known (any more).
    Closed,
    /// There is no room for one more connection or listener, or no free port.
    NoBuffer,
    /// The port is listened on already.
    InUse,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::NoBuffer => "no room",
            Self::InUse => "in use",
        })
    }
}
