//! What is known of one neighbour, and the table of them.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use packet::{Deadlines, Duration, Instant, SortedMap};

/// Between two requests for the same address (RFC 1122, 2.3.2.1: at most one a second).
pub(crate) const REQUEST_INTERVAL: Duration = Duration::from_secs(1);

/// An entry that was used within this time is never dropped for another's sake.
const IN_USE: Duration = Duration::from_secs(30);

/// What is known of one neighbour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) address: Ipv4Addr,
    pub(crate) state: State,
    /// When a packet was last sent there, if one ever was.
    pub(crate) used: Option<Instant>,
    /// When it was last asked for, if it ever was.
    pub(crate) asked: Option<Instant>,
}

impl Entry {
    pub(crate) fn is_in_use(&self, now: Instant) -> bool {
        self.used.is_some_and(|used| now.since(used) < IN_USE)
    }

    /// Whether it was asked for so lately that it must not be asked for again.
    pub(crate) fn is_asked(&self, now: Instant) -> bool {
        self.asked
            .is_some_and(|asked| now.since(asked) < REQUEST_INTERVAL)
    }
}

/// How far the neighbour's hardware address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Asked for by broadcast, `tries` times so far.
    Incomplete { tries: u8 },
    /// Known; last confirmed by something received at `confirmed`.
    Reachable { mac: [u8; 6], confirmed: Instant },
    /// Known, still used, and being asked for by unicast: `tries` times so far.
    Probing { mac: [u8; 6], tries: u8 },
    /// It did not answer. Kept for a while, so that asking stays rare.
    Failed,
}

/// Entries by address, bounded; each has one deadline.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    places: SortedMap<Ipv4Addr, u32>,
    pub(crate) deadlines: Deadlines,
    limit: usize,
}

impl Table {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            places: SortedMap::new(),
            deadlines: Deadlines::new(),
            limit,
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn place(&self, address: Ipv4Addr) -> Option<u32> {
        self.places.get(&address).copied()
    }

    pub(crate) fn entry(&mut self, place: u32) -> &mut Entry {
        &mut self.entries[place as usize]
    }

    /// Adds an entry for an address that has none. When the table is full, the one that was not
    /// used for longest makes room; `None` if all are in use.
    pub(crate) fn insert(&mut self, now: Instant, entry: Entry) -> Option<u32> {
        if self.entries.len() >= self.limit {
            let busy = |entry: &Entry| entry.is_in_use(now) || entry.is_asked(now);
            let idle = self.entries.iter().filter(|entry| !busy(entry));
            let oldest = idle.min_by_key(|entry| entry.used)?.address;
            self.remove(self.place(oldest)?);
        }
        let place = self.entries.len() as u32;
        self.places.insert(entry.address, place);
        self.entries.push(entry);
        Some(place)
    }

    /// Takes an entry out; the last one moves to its place.
    pub(crate) fn remove(&mut self, place: u32) {
        let last = self.entries.len() as u32 - 1;
        let moved = self.deadlines.of(last);
        self.deadlines.set(last, None);
        let removed = self.entries.swap_remove(place as usize);
        self.places.remove(&removed.address);
        if let Some(entry) = self.entries.get(place as usize) {
            self.deadlines.set(place, moved);
            self.places.insert(entry.address, place);
        }
    }
}
