//! Bells between domains.

mod channels;
pub(crate) mod pending;

use crate::{DomainId, HypercallError, Port};

pub use channels::EventChannels;

/// Event channels: each is one bit at either end, which the other end sets.
pub trait Events {
    /// Makes a channel's near end, for `remote` to bind the far one to.
    ///
    /// # Errors
    /// What Xen says: there are no more.
    fn allocate(&self, remote: DomainId) -> Result<Port, HypercallError>;

    /// Sets the far end's bit, and wakes whoever waits for it. Lost while nobody is bound there,
    /// which is harmless.
    fn notify(&self, port: Port);

    /// Clears the near end's bit, and tells whether it was set. To be called before one looks for
    /// what was announced, never after.
    fn take_pending(&self, port: Port) -> bool;

    /// Gives a channel up. Its number may come back for another.
    fn close(&self, port: Port);
}
