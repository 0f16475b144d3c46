//! Which tasks are ready: a bit each, under two levels of summary.
//!
//! A bit of the upper levels says that the word below it is not zero, so that setting a bit and
//! finding the next one cost the same with three tasks and with a hundred thousand.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::array;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64};
use core::task::Waker;

/// A set of slots from which each is taken in turn. May be set from any thread or interrupt; taken
/// from by one thread.
pub(crate) struct Ready {
    top: AtomicU64,
    middle: [AtomicU64; 64],
    bottom: Box<[AtomicU64]>,
    /// Where the next search begins, so that a task that is always ready cannot starve the others.
    cursor: AtomicU32,
}

/// The waker of one slot.
struct Wakeup {
    ready: Arc<Ready>,
    slot: u32,
}

impl Ready {
    /// 64 words of 64 words of 64 bits.
    pub(crate) const CAPACITY: usize = 64 * 64 * 64;

    /// The memory behind one waker: two counters and a [`Wakeup`].
    #[cfg(test)]
    pub(crate) const BYTES_PER_WAKER: usize = 2 * size_of::<usize>() + size_of::<Wakeup>();

    /// A set for the slots below `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            top: zero(),
            middle: array::from_fn(|_| zero()),
            bottom: (0..limit.min(Self::CAPACITY).div_ceil(64))
                .map(|_| zero())
                .collect(),
            cursor: AtomicU32::new(0),
        }
    }

    pub(crate) fn waker(ready: &Arc<Self>, slot: u32) -> Waker {
        Waker::from(Arc::new(Wakeup {
            ready: Arc::clone(ready),
            slot,
        }))
    }

    /// Puts `slot` in. A word that was not zero is announced already, or somebody is about to.
    pub(crate) fn set(&self, slot: u32) {
        let word = slot / 64;
        let Some(bottom) = self.bottom.get(word as usize) else {
            return;
        };
        if bottom.fetch_or(1 << (slot % 64), SeqCst) == 0 {
            self.announce(word);
        }
    }

    /// Takes the next slot out, from where the last was taken, around to the start.
    pub(crate) fn take_next(&self) -> Option<u32> {
        if !self.any() {
            return None;
        }
        let slot = self.next_from(self.cursor.load(Relaxed))?;
        let word = slot / 64;
        let bit = 1 << (slot % 64);
        if self.bottom.get(word as usize)?.fetch_and(!bit, SeqCst) == bit {
            self.retract(word);
        }
        // Only the one who takes looks at it.
        self.cursor
            .store((slot + 1) % Self::CAPACITY as u32, Relaxed);
        Some(slot)
    }

    /// Whether any slot is in. Rarely true without one, never false with one (for its setter).
    pub(crate) fn any(&self) -> bool {
        self.top.load(SeqCst) != 0
    }

    fn next_from(&self, start: u32) -> Option<u32> {
        let word = start / 64;
        if let Some(bit) = self.first_in(word, start % 64) {
            return Some(word * 64 + bit);
        }
        loop {
            let word = self
                .announced_from(word + 1)
                .or_else(|| self.announced_from(0))?;
            match self.first_in(word, 0) {
                Some(bit) => return Some(word * 64 + bit),
                // Its setter announced it after it was found without that, and taken.
                None => self.retract(word),
            }
        }
    }

    fn first_in(&self, word: u32, start: u32) -> Option<u32> {
        first(self.bottom.get(word as usize)?, start)
    }

    /// The first word from `start` on that is announced as not zero.
    fn announced_from(&self, start: u32) -> Option<u32> {
        let group = start / 64;
        let middle = self.middle.get(group as usize)?;
        if let Some(word) = first(middle, start % 64) {
            return Some(group * 64 + word);
        }
        let group = first(&self.top, group + 1)?;
        let middle = self.middle.get(group as usize)?;
        Some(group * 64 + first(middle, 0).unwrap_or(0))
    }

    fn announce(&self, word: u32) {
        let group = word / 64;
        self.middle[group as usize].fetch_or(1 << (word % 64), SeqCst);
        self.top.fetch_or(1 << group, SeqCst);
    }

    /// Takes the announcement of a zero word back. Each level is looked at again afterwards: what
    /// was set in between had been announced already, and just now was not any more.
    fn retract(&self, word: u32) {
        let group = word / 64;
        let middle = &self.middle[group as usize];
        let bit = 1 << (word % 64);
        if middle.fetch_and(!bit, SeqCst) & !bit == 0 {
            self.top.fetch_and(!(1 << group), SeqCst);
            if middle.load(SeqCst) != 0 {
                self.top.fetch_or(1 << group, SeqCst);
            }
        }
        if self.first_in(word, 0).is_some() {
            self.announce(word);
        }
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.ready.set(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.set(self.slot);
    }
}

/// The first bit of `word` from `start` on, where `start` may be 64.
fn first(word: &AtomicU64, start: u32) -> Option<u32> {
    let bits = word.load(SeqCst) & u64::MAX.checked_shl(start).unwrap_or(0);
    (bits != 0).then(|| bits.trailing_zeros())
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_slot_set_by_another_thread_is_lost() {
        const ROUNDS: usize = 200_000;
        // One word, so that setting and taking meet in it all the time.
        let ready = Ready::new(64);
        let taken: [AtomicU64; 2] = array::from_fn(|_| AtomicU64::new(0));
        std::thread::scope(|scope| {
            for slot in 0..2 {
                let (ready, taken) = (&ready, &taken[slot as usize]);
                scope.spawn(move || {
                    for round in 0..ROUNDS as u64 {
                        ready.set(slot);
                        while taken.load(SeqCst) == round {
                            std::thread::yield_now();
                        }
                    }
                });
            }
            let mut count = 0;
            while count < 2 * ROUNDS {
                match ready.any().then(|| ready.take_next()).flatten() {
                    Some(slot) => {
                        taken[slot as usize].fetch_add(1, SeqCst);
                        count += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        assert_eq!(ready.take_next(), None);
        assert!(!ready.any());
    }

    proptest! {
        /// Against a sorted set and a cursor.
        #[test]
        fn takes_each_in_turn(actions: Vec<Option<u32>>) {
            let ready = Ready::new(Ready::CAPACITY);
            let (mut model, mut cursor) = (BTreeSet::new(), 0);
            for action in actions {
                if let Some(slot) = action {
                    let slot = slot % Ready::CAPACITY as u32;
                    ready.set(slot);
                    model.insert(slot);
                    continue;
                }
                let next = model.range(cursor..).next().or(model.first()).copied();
                prop_assert_eq!(ready.take_next(), next);
                if let Some(next) = next {
                    model.remove(&next);
                    cursor = (next + 1) % Ready::CAPACITY as u32;
                }
                prop_assert_eq!(ready.any(), !model.is_empty());
            }
        }
    }
}
