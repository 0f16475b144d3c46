//! A model of Xen in ordinary memory, for tests and fuzzing: no hypervisor, one front end that runs
//! as it would in a guest, and a back end that the test plays.
//!
//! To the front end, [`Model`] is [`Grants`](crate::Grants), over the real table, and [`Events`]. Its
//! own methods are what the other domain and Xen do: copy, map, notify. [`BackRing`] is the other
//! side of a ring. A page is reached only while its entry allows it; beyond that nobody here is
//! kind, and what a back end should not do, it can do.
//!
//! [`Xenstored`] is the daemon in dom0 that keeps the store, and whoever waits by [`Turns`] gives the
//! other side its turn.

mod back_ring;
mod grants;
mod turns;
mod xenstored;

use alloc::vec::Vec;
use core::cell::RefCell;

use crate::events::pending::Pending;
use crate::grants::GrantTable;
use crate::{DomainId, Events, HypercallError, Port, SharedPage};

pub use back_ring::BackRing;
pub use grants::BadGrant;
pub use turns::{Bells, Turns};
pub use xenstored::Xenstored;

/// The first port of a guest that is not the xenstore's or the console's, as Xen counts.
const FIRST: u32 = 3;
/// As many as there may be; then Xen says `ENOSPC`.
const LAST: u32 = 4095;
const NO_SPACE: HypercallError = HypercallError(28);

/// A hypervisor that is none, and the domain of the back end.
#[derive(Debug)]
pub struct Model {
    back_end: DomainId,
    table: GrantTable,
    /// Where each lent page is: an entry's 32 bits are too few for an address here.
    addresses: RefCell<Vec<u64>>,
    /// The front end's bits.
    pending: Pending,
    channels: RefCell<Vec<Channel>>,
}

/// The far end of a channel; the first is that of port [`FIRST`].
#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    open: bool,
    announced: bool,
    notifications: u64,
}

impl Model {
    /// A guest with this many frames of grants (512 each), and a back end in another domain.
    #[must_use]
    pub fn new(back_end: DomainId, frames: usize) -> Self {
        Self {
            back_end,
            table: GrantTable::over((0..frames).map(|_| SharedPage::new()).collect()),
            addresses: RefCell::new(alloc::vec![0; frames * 512]),
            pending: Pending::new(SharedPage::new()),
            channels: RefCell::default(),
        }
    }

    /// The back end notifies the front end.
    pub fn notify_front(&self, port: Port) {
        self.pending.set(port);
    }

    /// Whether the front end has notified since the last time.
    pub fn take_notified(&self, port: Port) -> bool {
        let mut channels = self.channels.borrow_mut();
        let channel = channels.get_mut(index(port));
        channel.is_some_and(|channel| core::mem::take(&mut channel.announced))
    }

    /// How often the front end has notified, which is a hypercall each time.
    #[must_use]
    pub fn notifications(&self, port: Port) -> u64 {
        let channels = self.channels.borrow();
        channels
            .get(index(port))
            .map_or(0, |channel| channel.notifications)
    }

    /// How many channels are open.
    #[must_use]
    pub fn open_channels(&self) -> usize {
        let channels = self.channels.borrow();
        channels.iter().filter(|channel| channel.open).count()
    }
}

impl Events for Model {
    fn allocate(&self, _remote: DomainId) -> Result<Port, HypercallError> {
        let mut channels = self.channels.borrow_mut();
        let free = channels.iter().position(|channel| !channel.open);
        let index = free.unwrap_or(channels.len());
        let port = Port(FIRST + index as u32);
        if port.0 > LAST {
            return Err(NO_SPACE);
        }
        let channel = Channel {
            open: true,
            ..Channel::default()
        };
        match channels.get_mut(index) {
            Some(old) => *old = channel,
            None => channels.push(channel),
        }
        Ok(port)
    }

    fn notify(&self, port: Port) {
        if let Some(channel) = self.channels.borrow_mut().get_mut(index(port)) {
            channel.announced |= channel.open;
            channel.notifications += 1;
        }
    }

    fn take_pending(&self, port: Port) -> bool {
        self.pending.take(port)
    }

    fn close(&self, port: Port) {
        if let Some(channel) = self.channels.borrow_mut().get_mut(index(port)) {
            channel.open = false;
        }
        self.pending.take(port);
    }
}

/// Where a port's channel is; far outside for the ports below the first.
const fn index(port: Port) -> usize {
    port.0.wrapping_sub(FIRST) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_rings_on_the_other_side_only() {
        let model = Model::new(DomainId(0), 1);
        let port = model.allocate(DomainId(0)).unwrap();
        let other = model.allocate(DomainId(0)).unwrap();
        model.notify(port);
        model.notify(port);
        assert!(!model.take_notified(other));
        assert!(model.take_notified(port));
        assert!(!model.take_notified(port));
        assert!(!model.take_pending(port));
        model.notify_front(other);
        assert!(!model.take_pending(port));
        assert!(model.take_pending(other));
        assert_eq!(model.notifications(port), 2);
    }

    #[test]
    fn a_port_that_was_closed_comes_back_silent() {
        let model = Model::new(DomainId(0), 1);
        let port = model.allocate(DomainId(0)).unwrap();
        model.notify(port);
        model.notify_front(port);
        model.close(port);
        assert_eq!(model.open_channels(), 0);
        assert_eq!(model.allocate(DomainId(0)), Ok(port));
        assert!(!model.take_pending(port));
        assert!(!model.take_notified(port));
    }
}
