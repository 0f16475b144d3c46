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
