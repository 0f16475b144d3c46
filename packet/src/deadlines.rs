//! Many deadlines, one for each key.

use alloc::vec::Vec;

use crate::Instant;

/// A heap of deadlines in which each key (a small number: the index of a connection or a task) has
/// at most one, so it never holds more than there are keys. Setting, moving and removing cost
/// O(log n); looking at the next costs nothing.
///
/// A timer that is moved later on every packet should be *re-armed lazily*: left where it is, and
/// set anew when it fires too early.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: Vec<(Instant, u32)>,
    /// Where each key is in the heap; `NOWHERE` if it has no deadline.
    places: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl Deadlines {
    /// No deadlines.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            heap: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The deadline of `key`.
    #[must_use]
    pub fn of(&self, key: u32) -> Option<Instant> {
        Some(self.heap[self.place(key)?].0)
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// Gives `key` the deadline `at`, or takes its deadline away. Among equal deadlines the order
    /// depends on what happened before, and on nothing else.
    #[inline(never)]
    pub fn set(&mut self, key: u32, at: Option<Instant>) {
        match (self.place(key), at) {
            (None, None) => {}
            (None, Some(at)) => {
                if self.places.len() <= key as usize {
                    self.places.resize(key as usize + 1, NOWHERE);
                }
                self.heap.push((at, key));
                self.sift_up(self.heap.len() - 1);
            }
            (Some(place), Some(at)) => {
                self.heap[place].0 = at;
                let place = self.sift_up(place);
                self.sift_down(place);
            }
            (Some(place), None) => {
                self.places[key as usize] = NOWHERE;
                self.heap.swap_remove(place);
                if place < self.heap.len() {
                    let place = self.sift_up(place);
                    self.sift_down(place);
                }
            }
        }
    }

    /// Makes sure that `key` fires at `at` or before: the lazy form of [`Deadlines::set`].
    pub fn set_no_later(&mut self, key: u32, at: Instant) {
        if self.of(key).is_none_or(|set| at < set) {
            self.set(key, Some(at));
        }
    }

    /// Takes out one key whose deadline has come.
    pub fn pop_expired(&mut self, now: Instant) -> Option<u32> {
        let (at, key) = *self.heap.first()?;
        if at > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }

    fn place(&self, key: u32) -> Option<usize> {
        self.places
            .get(key as usize)
            .filter(|place| **place != NOWHERE)
            .map(|place| *place as usize)
    }

    /// Puts `entry` at `place` and remembers it.
    fn settle(&mut self, place: usize, entry: (Instant, u32)) {
        self.heap[place] = entry;
        self.places[entry.1 as usize] = place as u32;
    }

    fn sift_up(&mut self, mut place: usize) -> usize {
        let entry = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= entry.0 {
                break;
            }
            self.settle(place, self.heap[parent]);
            place = parent;
        }
        self.settle(place, entry);
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        let entry = self.heap[place];
        loop {
            let left = 2 * place + 1;
            let Some(mut child) = self.heap.get(left).map(|_| left) else {
                break;
            };
            if self
                .heap
                .get(left + 1)
                .is_some_and(|right| right.0 < self.heap[left].0)
            {
                child = left + 1;
            }
            if entry.0 <= self.heap[child].0 {
                break;
            }
            self.settle(place, self.heap[child]);
            place = child;
        }
        self.settle(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the obvious structure: a map from key to deadline.
        #[test]
        fn fires_in_order(actions: Vec<(u8, Option<u16>)>, step in 1u64..5000) {
            let (mut deadlines, mut model) = (Deadlines::new(), BTreeMap::new());
            for (key, at) in actions {
                let at = at.map(|at| Instant::from_nanos(u64::from(at)));
                deadlines.set(u32::from(key), at);
                match at {
                    Some(at) => drop(model.insert(u32::from(key), at)),
                    None => drop(model.remove(&u32::from(key))),
                }
                prop_assert_eq!(deadlines.of(u32::from(key)), at);
                prop_assert_eq!(deadlines.next(), model.values().min().copied());
            }
            let mut now = Instant::ZERO;
            while !model.is_empty() {
                while let Some(key) = deadlines.pop_expired(now) {
                    prop_assert!(model.remove(&key).unwrap() <= now);
                }
                prop_assert!(model.values().all(|at| *at > now));
                now += core::time::Duration::from_nanos(step);
            }
            prop_assert_eq!(deadlines.next(), None);
        }
    }
}
