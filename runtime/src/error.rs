//! What can go wrong with a connection or a datagram, as an application sees it.

use core::fmt;

/// What can go wrong with a connection or a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nobody listens there.
    Refused,
    /// The peer threw the connection away.
    Reset,
    /// A deadline passed, or the peer stopped answering.
    TimedOut,
    /// No way leads there.
    Unreachable,
    /// This side has closed already, or the listener is gone.
    Closed,
    /// The place has no room for one more (connections, ports, memory).
    NoBuffer,
    /// The port is taken.
    InUse,
    /// This place does not allow it: a port below 1024, say.
    Denied,
    /// The datagram does not fit into one packet.
    TooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Reset => "connection reset by the peer",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Closed => "closed",
            Self::NoBuffer => "out of room",
            Self::InUse => "port in use",
            Self::Denied => "not permitted",
            Self::TooLarge => "too large for one packet",
        })
    }
}

impl core::error::Error for Error {}

impl embedded_io_async::Error for Error {
    fn kind(&self) -> embedded_io_async::ErrorKind {
        use embedded_io_async::ErrorKind;
        match self {
            Self::Refused => ErrorKind::ConnectionRefused,
            Self::Reset => ErrorKind::ConnectionReset,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Unreachable => ErrorKind::NotConnected,
            Self::Closed => ErrorKind::BrokenPipe,
            Self::NoBuffer => ErrorKind::OutOfMemory,
            Self::InUse => ErrorKind::AddrInUse,
            Self::Denied => ErrorKind::PermissionDenied,
            Self::TooLarge => ErrorKind::InvalidInput,
        }
    }
}
