//! Slots that are used again.

use alloc::vec::Vec;

/// A bounded table of `T` with stable small indices.
///
/// Each use of a slot has a number, its generation, by which a name that is no longer good is known.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    limit: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    /// An empty table for at most `limit` entries. It grows as they come.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            limit,
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are as many entries as there may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Stores `value`, and tells in which slot.
    ///
    /// # Errors
    /// Gives it back when the table is full.
    pub fn insert(&mut self, value: T) -> Result<u32, T> {
        if self.is_full() {
            return Err(value);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                generation: 0,
                value: None,
            });
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize].value = Some(value);
        Ok(slot)
    }

    /// Takes out what is in `slot`. Who still names this use of it names nothing.
    pub fn remove(&mut self, slot: u32) -> Option<T> {
        let entry = self.slots.get_mut(slot as usize)?;
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(slot);
        Some(value)
    }

    /// What is in `slot`.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.value.as_ref()
    }

    /// What is in `slot`, for changing it.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)?.value.as_mut()
    }

    /// What is in `slot`, if it was used `generation` times before.
    #[must_use]
    pub fn of_generation(&self, slot: u32, generation: u32) -> Option<&T> {
        let entry = self.slots.get(slot as usize)?;
        entry
            .value
            .as_ref()
            .filter(|_| entry.generation == generation)
    }

    /// The same, for changing it.
    pub fn of_generation_mut(&mut self, slot: u32, generation: u32) -> Option<&mut T> {
        let entry = self.slots.get_mut(slot as usize)?;
        if entry.generation != generation {
            return None;
        }
        entry.value.as_mut()
    }

    /// How often `slot` was used before.
    #[must_use]
    pub fn generation(&self, slot: u32) -> u32 {
        self.slots
            .get(slot as usize)
            .map_or(0, |entry| entry.generation)
    }

    /// The slots that are in use.
    pub fn slots(&self) -> impl Iterator<Item = u32> {
        (0..self.slots.len() as u32).filter(|slot| self.slots[*slot as usize].value.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_good_for_one_use_of_its_slot() {
        let mut slab = Slab::new(2);
        let first = slab.insert('a').unwrap();
        let generation = slab.generation(first);
        assert_eq!(slab.of_generation(first, generation), Some(&'a'));
        assert_eq!(slab.remove(first), Some('a'));
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.insert('b'), Ok(first));
        assert_eq!(slab.of_generation(first, generation), None);
        assert_eq!(slab.of_generation_mut(first, generation), None);
        assert_eq!(slab.get(first), Some(&'b'));
        assert_eq!(slab.of_generation(9, 0), None);
    }

    #[test]
    fn a_full_table_gives_back() {
        let mut slab = Slab::new(2);
        assert_eq!([slab.insert('a'), slab.insert('b')], [Ok(0), Ok(1)]);
        assert!(slab.is_full());
        assert_eq!(slab.insert('c'), Err('c'));
        slab.remove(0);
        assert_eq!(
            (slab.len(), slab.slots().collect::<Vec<_>>()),
            (1, [1].into())
        );
    }
}
