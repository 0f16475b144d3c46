//! The event channels of a guest on Xen.

use super::pending::Pending;
use crate::{DomainId, Events, HypercallError, Port, SharedPage, Xen};

/// Event channels by Xen, without interrupts: all are masked, and looked at.
#[derive(Clone, Debug)]
pub struct EventChannels {
    xen: Xen,
    pending: Pending,
}

impl EventChannels {
    /// Masks all channels. `shared_info` is where Xen has put what it shares with us
    /// ([`Space::SharedInfo`](crate::Space::SharedInfo)).
    #[must_use]
    pub fn new(xen: Xen, shared_info: SharedPage) -> Self {
        let pending = Pending::new(shared_info);
        Self { xen, pending }
    }
}

impl Events for EventChannels {
    fn allocate(&self, remote: DomainId) -> Result<Port, HypercallError> {
        self.xen.allocate_port(remote)
    }

    fn notify(&self, port: Port) {
        self.xen.send(port);
    }

    fn take_pending(&self, port: Port) -> bool {
        self.pending.take(port)
    }

    fn close(&self, port: Port) {
        self.xen.close_port(port);
        // What is left would be taken for the next channel's.
        self.pending.take(port);
    }
}
