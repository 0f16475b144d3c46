//! What can go wrong with a datagram, as its user sees it.

/// What can go wrong with a datagram, as its user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nobody is bound to the port there.
    Refused,
    /// No way leads there.
    Unreachable,
    /// The id is not known (any more).
    Closed,
    /// There is no room for one more port or datagram, or no free port.
    NoBuffer,
    /// The port is bound already.
    InUse,
    /// It does not fit into one packet, here or on its way.
    TooLarge,
}
