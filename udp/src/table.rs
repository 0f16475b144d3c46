//! From port numbers to what is there.

use core::ops::RangeInclusive;

use packet::{Random, Secrets, Slab, SortedMap};

use crate::Error;
use crate::port::Port;

/// Names a bound port. A stale one is recognised by its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortId {
    /// Which slot.
    pub slot: u32,
    /// How often the slot was used before.
    pub generation: u32,
}

/// The ports for who does not care which: as many as can be, so that a stranger needs long to guess
/// (RFC 6056, 3.2; RFC 5452, 9.2), and above those that servers are usually asked for by number.
const EPHEMERAL: RangeInclusive<u16> = 32_768..=65_535;

/// The bound ports.
pub(crate) struct Table {
    ports: Slab<Port>,
    by_number: SortedMap<u16, u32>,
    random: Random,
}

impl Table {
    pub(crate) fn new(limit: usize, secrets: &Secrets) -> Self {
        Self {
            ports: Slab::new(limit),
            by_number: SortedMap::new(),
            random: secrets.random("udp ports"),
        }
    }

    /// Binds `number`; 0 stands for a free one that a stranger cannot guess.
    pub(crate) fn bind(&mut self, number: u16) -> Result<PortId, Error> {
        if self.by_number.contains(&number) {
            return Err(Error::InUse);
        }
        if self.ports.is_full() {
            return Err(Error::NoBuffer);
        }
        let number = match number {
            0 => self.ephemeral().ok_or(Error::NoBuffer)?,
            number => number,
        };
        let port = Port::new(number);
        let slot = self.ports.insert(port).map_err(|_| Error::NoBuffer)?;
        self.by_number.insert(number, slot);
        Ok(self.id(slot))
    }

    pub(crate) fn unbind(&mut self, id: PortId) {
        if let Some(number) = self.number(id) {
            self.by_number.remove(&number);
            self.ports.remove(id.slot);
        }
    }

    /// The number of a bound port.
    pub(crate) fn number(&self, id: PortId) -> Option<u16> {
        let port = self.ports.of_generation(id.slot, id.generation);
        port.map(|port| port.number)
    }

    pub(crate) fn by_id(&mut self, id: PortId) -> Option<&mut Port> {
        self.ports.of_generation_mut(id.slot, id.generation)
    }

    pub(crate) fn by_number(&mut self, number: u16) -> Option<(PortId, &mut Port)> {
        let slot = *self.by_number.get(&number)?;
        Some((self.id(slot), self.ports.get_mut(slot)?))
    }

    fn id(&self, slot: u32) -> PortId {
        PortId {
            slot,
            generation: self.ports.generation(slot),
        }
    }

    /// RFC 6056, 3.3.1: a random port, or the next free one above it, around to the lowest.
    fn ephemeral(&mut self) -> Option<u16> {
        let count = EPHEMERAL.len() as u64;
        let first = self.random.below(count) as u16;
        let number = |step| EPHEMERAL.start() + (u64::from(first) + step) as u16 % count as u16;
        (0..count)
            .map(number)
            .find(|number| !self.by_number.contains(number))
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn ephemeral_ports_are_used_up_to_the_last() {
        let mut table = Table::new(usize::MAX, &Secrets::new([1; 32]));
        let mut seen = BTreeSet::new();
        while let Ok(id) = table.bind(0) {
            let number = table.by_id(id).unwrap().number;
            assert!(EPHEMERAL.contains(&number));
            assert!(seen.insert(number));
        }
        assert_eq!(seen.len(), 32_768);
    }

    #[test]
    fn ephemeral_ports_depend_on_the_secret() {
        let first = |seed| {
            let mut table = Table::new(1, &Secrets::new([seed; 32]));
            let id = table.bind(0).unwrap();
            table.by_id(id).unwrap().number
        };
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn a_stale_id_is_recognised() {
        let mut table = Table::new(1, &Secrets::new([1; 32]));
        let id = table.bind(53).unwrap();
        assert_eq!(table.bind(53), Err(Error::InUse));
        assert_eq!(table.bind(54), Err(Error::NoBuffer));
        table.unbind(id);
        let again = table.bind(54).unwrap();
        assert_eq!(again.slot, id.slot);
        table.unbind(id);
        assert!(table.by_id(id).is_none());
        assert_eq!(table.by_number(54).unwrap().0, again);
        assert!(table.by_number(53).is_none());
    }
}
