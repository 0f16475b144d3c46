//! From port numbers to what is there.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use packet::{Random, Secrets};

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
    slots: Vec<(u32, Option<Port>)>,
    free: Vec<u32>,
    by_number: BTreeMap<u16, u32>,
    limit: usize,
    random: Random,
}

impl Table {
    pub(crate) fn new(limit: usize, secrets: &Secrets) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_number: BTreeMap::new(),
            limit,
            random: secrets.random("udp ports"),
        }
    }

    /// Binds `number`; 0 stands for a free one that a stranger cannot guess.
    pub(crate) fn bind(&mut self, number: u16) -> Result<PortId, Error> {
        if self.by_number.contains_key(&number) {
            return Err(Error::InUse);
        }
        if self.by_number.len() >= self.limit {
            return Err(Error::NoBuffer);
        }
        let number = match number {
            0 => self.ephemeral().ok_or(Error::NoBuffer)?,
            number => number,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            self.slots.len() as u32 - 1
        });
        self.by_number.insert(number, slot);
        let (generation, port) = &mut self.slots[slot as usize];
        *port = Some(Port::new(number));
        Ok(PortId {
            slot,
            generation: *generation,
        })
    }

    pub(crate) fn unbind(&mut self, id: PortId) {
        let Some(number) = self.number(id) else {
            return;
        };
        self.by_number.remove(&number);
        let (generation, port) = &mut self.slots[id.slot as usize];
        *port = None;
        *generation = generation.wrapping_add(1);
        self.free.push(id.slot);
    }

    /// The number of a bound port.
    pub(crate) fn number(&self, id: PortId) -> Option<u16> {
        let (generation, port) = self.slots.get(id.slot as usize)?;
        let port = port.as_ref().filter(|_| *generation == id.generation);
        port.map(|port| port.number)
    }

    pub(crate) fn by_id(&mut self, id: PortId) -> Option<&mut Port> {
        let (generation, port) = self.slots.get_mut(id.slot as usize)?;
        port.as_mut().filter(|_| *generation == id.generation)
    }

    pub(crate) fn by_number(&mut self, number: u16) -> Option<(PortId, &mut Port)> {
        let slot = *self.by_number.get(&number)?;
        let (generation, port) = self.slots.get_mut(slot as usize)?;
        let id = PortId {
            slot,
            generation: *generation,
        };
        Some((id, port.as_mut()?))
    }

    /// RFC 6056, 3.3.1: a random port, or the next free one above it, around to the lowest.
    fn ephemeral(&mut self) -> Option<u16> {
        let count = EPHEMERAL.len() as u64;
        let first = self.random.below(count) as u16;
        let number = |step| EPHEMERAL.start() + (u64::from(first) + step) as u16 % count as u16;
        (0..count)
            .map(number)
            .find(|number| !self.by_number.contains_key(number))
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
