//! Waiting for another domain, for the few places where nothing else can be done meanwhile.

use packet::Instant;

use crate::Port;

/// A clock, and a way to sleep until a bell rings. The guest sleeps by Xen; in a test it is the other
/// side's turn.
pub trait Wait {
    /// What time it is.
    fn now(&self) -> Instant;

    /// Sleeps until `port` is pending, or until `until` at the latest. May return early.
    fn wait(&self, port: Port, until: Instant);
}
