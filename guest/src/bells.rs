//! The event channels that are open, so that one can wait for all of them.

use core::cell::{Ref, RefCell};

use alloc::vec::Vec;
use xen::{DomainId, EventChannels, Events, HypercallError, Port};

/// Event channels, and a list of those that somebody listens to.
pub(crate) struct Bells {
    channels: EventChannels,
    open: RefCell<Vec<Port>>,
}

impl Bells {
    /// None is open.
    pub(crate) fn new(channels: EventChannels) -> Self {
        Self {
            channels,
            open: RefCell::default(),
        }
    }

    /// Adds one that Xen opened for us.
    pub(crate) fn listen(&self, port: Port) {
        self.open.borrow_mut().push(port);
    }

    /// Those that are open.
    pub(crate) fn open(&self) -> Ref<'_, [Port]> {
        Ref::map(self.open.borrow(), Vec::as_slice)
    }
}

impl Events for Bells {
    fn allocate(&self, remote: DomainId) -> Result<Port, HypercallError> {
        let port = self.channels.allocate(remote)?;
        self.open.borrow_mut().push(port);
        Ok(port)
    }

    fn notify(&self, port: Port) {
        self.channels.notify(port);
    }

    fn take_pending(&self, port: Port) -> bool {
        self.channels.take_pending(port)
    }

    fn close(&self, port: Port) {
        self.open.borrow_mut().retain(|open| *open != port);
        self.channels.close(port);
    }
}
