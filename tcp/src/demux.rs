//! From addresses and ports to what is there.

use core::net::SocketAddrV4;

use hashbrown::HashTable;
use packet::{Key, Secrets};

use crate::isn::tuple;

/// Where a segment belongs: the slot of one of three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A control block.
    Connection(u32),
    /// A handshake under way.
    HalfOpen(u32),
    /// An entry in TIME-WAIT.
    TimeWait(u32),
}

/// The table of all four-tuples in use. Its hash is keyed: a stranger cannot make entries collide.
/// It holds as many entries as the three tables behind it, which are bounded.
pub(crate) struct Demux {
    entries: HashTable<([u8; 12], Place)>,
    key: Key,
}

impl Demux {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self {
            entries: HashTable::new(),
            key: secrets.key("tcp demux"),
        }
    }

    pub(crate) fn find(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<Place> {
        let tuple = tuple(local, remote);
        self.entries
            .find(self.key.hash(&tuple), |entry| entry.0 == tuple)
            .map(|entry| entry.1)
    }

    /// Sets what is at a four-tuple, whatever was there.
    pub(crate) fn set(&mut self, local: SocketAddrV4, remote: SocketAddrV4, place: Place) {
        let tuple = tuple(local, remote);
        let (hash, key) = (self.key.hash(&tuple), &self.key);
        self.entries
            .entry(hash, |entry| entry.0 == tuple, |entry| key.hash(&entry.0))
            .insert((tuple, place));
    }

    /// Removes what is at a four-tuple, if it is `place`.
    pub(crate) fn remove(&mut self, local: SocketAddrV4, remote: SocketAddrV4, place: Place) {
        let tuple = tuple(local, remote);
        let hash = self.key.hash(&tuple);
        if let Ok(entry) = self
            .entries
            .find_entry(hash, |entry| *entry == (tuple, place))
        {
            entry.remove();
        }
    }
}
