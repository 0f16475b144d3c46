//! The flight recorder: the starts of the last frames. It is always on, so a frame costs it one copy into
//! memory that is there already, and nothing is looked at before somebody asks ([`Recorder::trace`]):
//! then what TCP has noted of connections joins the frames, by the numbers that they were marked with.

mod trace;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use link::Direction;
use packet::Instant;

/// The bytes that are kept of a frame: headers of Ethernet, IPv4 and TCP with all options of the latter
/// (94), and what makes a slot two cache lines.
const SNAPLEN: usize = 112;

/// The most remarks that are kept. Full: the oldest goes.
const REMARKS: usize = 1024;

/// The last frames of a host, numbered in the order in which they passed.
pub(crate) struct Recorder {
    /// The frame with number `n` is in slot `n % limit`.
    slots: Vec<Slot>,
    limit: usize,
    next: u64,
    /// Its slot.
    place: usize,
    remarks: VecDeque<Remark>,
}

#[derive(Clone)]
struct Slot {
    at: Instant,
    /// The bytes of the whole frame.
    len: u32,
    /// Those that are kept.
    kept: u8,
    direction: Direction,
    bytes: [u8; SNAPLEN],
}

impl Slot {
    const EMPTY: Self = Self {
        at: Instant::ZERO,
        len: 0,
        kept: 0,
        direction: Direction::In,
        bytes: [0; SNAPLEN],
    };
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
    /// Remembers so many frames; 128 bytes each. Memory is taken as it fills.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            slots: Vec::with_capacity(limit),
            limit,
            next: 0,
            place: 0,
            remarks: VecDeque::new(),
        }
    }

    /// The number of the next frame.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Remembers a frame of `len` bytes that begins with `start`.
    #[inline]
    pub(crate) fn record(&mut self, at: Instant, direction: Direction, len: usize, start: &[u8]) {
        if self.slots.len() < self.limit {
            self.slots.push(Slot::EMPTY);
        }
        let Some(slot) = self.slots.get_mut(self.place) else {
            return;
        };
        slot.at = at;
        slot.len = len as u32;
        slot.kept = copy(start, &mut slot.bytes);
        slot.direction = direction;
        self.next += 1;
        self.place += 1;
        if self.place == self.limit {
            self.place = 0;
        }
    }

    /// The frame with this number was thrown away.
    pub(crate) fn dropped(&mut self, number: u64, reason: &'static str) {
        self.remark(number, About::Dropped(reason));
    }

    /// The last frame holds something that was sent before.
    pub(crate) fn sent_again(&mut self) {
        self.remark(self.next.saturating_sub(1), About::SentAgain);
    }

    fn remark(&mut self, number: u64, what: About) {
        if self.limit == 0 {
            return;
        }
        if self.remarks.len() >= REMARKS {
            self.remarks.pop_front();
        }
        self.remarks.push_back(Remark { number, what });
    }
}

/// Copies as much of `from` as there is room for; tells how much. Most frames are copied in one or two
/// pieces whose length is known, which is a few instructions and no call.
#[inline]
fn copy(from: &[u8], to: &mut [u8; SNAPLEN]) -> u8 {
    const FIRST: usize = 64;
    const LAST: usize = SNAPLEN - FIRST;
    let len = from.len().min(SNAPLEN);
    let from = &from[..len];
    if let (Some(first), Some(last)) = (from.first_chunk::<FIRST>(), from.last_chunk::<LAST>()) {
        to[..FIRST].copy_from_slice(first);
        to[len - LAST..len].copy_from_slice(last);
    } else {
        to[..len].copy_from_slice(from);
    }
    len as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_of_any_length_are_copied() {
        let from: Vec<u8> = (0..200).collect();
        for len in 0..from.len() {
            let mut to = [0xff; SNAPLEN];
            let kept = usize::from(copy(&from[..len], &mut to));
            assert_eq!(kept, len.min(SNAPLEN));
            assert_eq!(to[..kept], from[..kept], "{len}");
        }
    }

    #[test]
    fn a_slot_is_two_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
    }
}
