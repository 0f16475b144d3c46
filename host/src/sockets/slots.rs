//! A table whose entries are named by slot and generation, so that a stale name is recognised.

/// A table. Who inserts says how many there may be.
pub(super) struct Slots<T> {
    slots: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

/// A slot and two bits for its kind must fit the key of a reactor.
pub(super) const MOST: usize = 1 << 22;

impl<T> Slots<T> {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Puts `value` in; tells its slot and generation.
    pub(super) fn insert(&mut self, value: T) -> (u32, u32) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            (self.slots.len() - 1) as u32
        });
        let (generation, place) = &mut self.slots[slot as usize];
        *place = Some(value);
        (slot, *generation)
    }

    /// What has this name, if it is still there.
    pub(super) fn named(&mut self, slot: u32, generation: u32) -> Option<&mut T> {
        let (current, value) = self.slots.get_mut(slot as usize)?;
        value.as_mut().filter(|_| *current == generation)
    }

    /// What is in `slot` now.
    pub(super) fn at(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)?.1.as_mut()
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let (generation, place) = self.slots.get_mut(slot as usize)?;
        let value = place.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(slot);
        Some(value)
    }

    pub(super) fn iter(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots
            .iter_mut()
            .filter_map(|(_, value)| value.as_mut())
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_name_is_recognised() {
        let mut slots = Slots::default();
        let (slot, generation) = slots.insert('a');
        assert_eq!(slots.remove(slot), Some('a'));
        assert_eq!(slots.remove(slot), None);
        let again = slots.insert('b');
        assert_eq!(again, (slot, generation + 1));
        assert_eq!(slots.named(slot, generation), None);
        assert_eq!(slots.named(slot, generation + 1), Some(&mut 'b'));
        assert_eq!(slots.len(), 1);
    }
}
