//! From addresses and ports to what is there.

use core::cell::Cell;
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
    /// What was found last: segments come in trains, so it is often what is looked for next, and a
    /// comparison costs little where it is not.
    latest: Cell<Option<([u8; 12], Place)>>,
    key: Key,
}

impl Demux {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self {
            entries: HashTable::new(),
            latest: Cell::new(None),
            key: secrets.key("tcp demux"),
        }
    }

    pub(crate) fn find(&self, local: SocketAddrV4, remote: SocketAddrV4) -> Option<Place> {
        let tuple = tuple(local, remote);
        if let Some((latest, place)) = self.latest.get()
            && latest == tuple
        {
            return Some(place);
        }
        self.look_up(tuple)
    }

    #[inline(never)]
    fn look_up(&self, tuple: [u8; 12]) -> Option<Place> {
        let hash = self.key.hash(&tuple);
        let found = self.entries.find(hash, |entry| entry.0 == tuple).copied();
        self.latest.set(found);
        found.map(|(_, place)| place)
    }

    /// Sets what is at a four-tuple, whatever was there.
    pub(crate) fn set(&mut self, local: SocketAddrV4, remote: SocketAddrV4, place: Place) {
        let tuple = tuple(local, remote);
        self.latest.set(Some((tuple, place)));
        let (hash, key) = (self.key.hash(&tuple), &self.key);
        self.entries
            .entry(hash, |entry| entry.0 == tuple, |entry| key.hash(&entry.0))
            .insert((tuple, place));
    }

    /// Removes what is at a four-tuple, if it is `place`.
    pub(crate) fn remove(&mut self, local: SocketAddrV4, remote: SocketAddrV4, place: Place) {
        let tuple = tuple(local, remote);
        self.latest.set(None);
        let hash = self.key.hash(&tuple);
        if let Ok(entry) = self
            .entries
            .find_entry(hash, |entry| *entry == (tuple, place))
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn what_was_found_last_is_forgotten_with_its_entry() {
        let mut demux = Demux::new(&Secrets::new([1; 32]));
        let end = |port| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port);
        let (local, remote) = (end(80), end(1024));
        demux.set(local, remote, Place::HalfOpen(1));
        assert_eq!(demux.find(local, remote), Some(Place::HalfOpen(1)));
        demux.set(local, remote, Place::Connection(2));
        assert_eq!(demux.find(local, remote), Some(Place::Connection(2)));
        assert_eq!(demux.find(remote, local), None);
        demux.remove(local, remote, Place::HalfOpen(1));
        assert_eq!(demux.find(local, remote), Some(Place::Connection(2)));
        demux.remove(local, remote, Place::Connection(2));
        assert_eq!(demux.find(local, remote), None);
    }
}
