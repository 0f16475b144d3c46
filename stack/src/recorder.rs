//! The flight recorder: the starts of the last frames. It is always on, so a frame costs it one copy into
//! memory that is there already, and nothing is looked at before somebody asks ([`Recorder::trace`]):
//! then what TCP has noted of connections joins the frames, by the numbers that they were marked with.

mod trace;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use packet::{Frame, Head, Instant};
use zerocopy::FromZeros;

/// The bytes that are kept of a frame: headers of Ethernet, IPv4 and TCP with all options of the latter
/// (94), and what makes a slot two cache lines.
const SNAPLEN: usize = 112;

/// The most remarks that are kept. Full: the oldest goes.
const REMARKS: usize = 1024;

/// The last frames of a host, numbered in the order in which they passed.
pub(crate) struct Recorder {
    /// The frame with number `n` is in slot `n % slots.len()`.
    slots: Vec<Slot>,
    next: u64,
    remarks: VecDeque<Remark>,
}

/// Zeros make an empty one, so that the memory for all is taken only as they fill.
#[derive(FromZeros)]
struct Slot {
    bytes: [u8; SNAPLEN],
    /// When it passed: nanoseconds of the host's clock.
    nanos: u64,
    /// The bytes of the whole frame.
    len: u32,
    /// Those that are kept.
    kept: u8,
    was_sent: bool,
}

impl Slot {
    /// Keeps the bytes of a frame that lies at the end of its memory. Out of line, or both copies would
    /// become one whose length is not known.
    #[cold]
    #[inline(never)]
    fn keep_last(&mut self, memory: &[u8]) {
        self.bytes[..memory.len()].copy_from_slice(memory);
    }
}

/// Something to be said of the frame with this number.
#[derive(Clone, Copy)]
struct Remark {
    number: u64,
    what: About,
}

#[derive(Clone, Copy)]
enum About {
    Dropped(&'static str),
    SentAgain,
}

impl Recorder {
    /// Remembers so many frames or a few more, 128 bytes each; none where there is no memory for that.
    pub(crate) fn new(limit: usize) -> Self {
        let count = match limit {
            0 => 0,
            some => some.next_power_of_two(),
        };
        Self {
            slots: Slot::new_vec_zeroed(count).unwrap_or_default(),
            next: 0,
            remarks: VecDeque::new(),
        }
    }

    /// The number of the next frame.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Remembers a frame that was received.
    #[inline]
    pub(crate) fn received(&mut self, at: Instant, frame: &Frame) {
        let Some(part) = frame.parts().next() else {
            return;
        };
        let memory = part.buf().get(part.range().start..).unwrap_or_default();
        self.record(at, false, (frame.len(), part.len()), memory);
    }

    /// Remembers a frame of `len` bytes that was sent.
    #[inline]
    pub(crate) fn sent(&mut self, at: Instant, len: usize, head: &Head) {
        self.record(at, true, (len, head.len()), head.with_room());
    }

    /// Remembers a frame of `len` bytes, the first `head_len` of which are those of `memory`. There
    /// mostly is so much more of that that the copy has a fixed length: a few instructions.
    #[inline]
    fn record(
        &mut self,
        at: Instant,
        was_sent: bool,
        (len, head_len): (usize, usize),
        memory: &[u8],
    ) {
        // Their number is a power of two, or zero.
        let mask = (self.slots.len() as u64).wrapping_sub(1);
        let Some(slot) = self.slots.get_mut((self.next & mask) as usize) else {
            return;
        };
        slot.nanos = at.as_nanos();
        slot.was_sent = was_sent;
        slot.len = len as u32;
        slot.kept = head_len.min(SNAPLEN) as u8;
        match memory.first_chunk() {
            Some(start) => slot.bytes = *start,
            None => slot.keep_last(memory),
        }
        self.next += 1;
    }

    /// The last frame was thrown away.
    pub(crate) fn dropped(&mut self, reason: &'static str) {
        self.remark(About::Dropped(reason));
    }

    /// The last frame holds something that was sent before.
    pub(crate) fn sent_again(&mut self) {
        self.remark(About::SentAgain);
    }

    #[cold]
    fn remark(&mut self, what: About) {
        if self.slots.is_empty() {
            return;
        }
        if self.remarks.len() >= REMARKS {
            self.remarks.pop_front();
        }
        let number = self.next.saturating_sub(1);
        self.remarks.push_back(Remark { number, what });
    }
}

#[cfg(test)]
mod tests {
    use packet::{Limits, Part, Pool, RxMeta};

    use super::*;

    #[test]
    fn starts_of_any_length_are_kept() {
        let pool = Pool::new(Limits {
            cells: 8,
            pages: 0,
            bays: 0,
        });
        let text: Vec<u8> = (0..200).collect();
        let mut recorder = Recorder::new(1);
        for len in 1..text.len() {
            let part = Part::copy_from(&pool, &text[..len]).unwrap();
            // Also from the end of a buffer, where there is nothing behind.
            for mut part in [part.clone(), part] {
                part.advance(part.len() / 2);
                let kept = part.to_vec();
                recorder.received(Instant::ZERO, &Frame::new(part, RxMeta::default()));
                let Slot {
                    bytes, kept: count, ..
                } = &recorder.slots[0];
                assert_eq!(usize::from(*count), kept.len().min(SNAPLEN));
                assert!(kept.starts_with(&bytes[..(*count).into()]), "{len}");
            }
        }
    }

    #[test]
    fn a_slot_is_two_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
    }
}
