//! Rings of bytes, one for each direction, in a page shared with a daemon: those of the xenstore and of
//! the console.
//!
//! Two indices run freely in 32 bits; a byte's place is its index modulo the ring's length, a power of
//! two. Ours is kept here and never read back; the other side's is read once and judged. The ring may
//! have been used before, by firmware, so the first indices are those that are found in it.

use core::sync::atomic::{Ordering, fence};

use crate::SharedPage;

/// Where the parts of a ring are in its page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) bytes: usize,
    pub(crate) len: u32,
    /// The reader's index, and the writer's.
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
}

/// The other side's index is further than the ring is long: nothing in it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// The end that we write to.
#[derive(Debug)]
pub(crate) struct Producer {
    page: SharedPage,
    layout: Layout,
    produced: u32,
}

impl Producer {
    pub(crate) fn new(page: SharedPage, layout: Layout) -> Self {
        let produced = page.u32(layout.produced).load(Ordering::Relaxed);
        Self {
            page,
            layout,
            produced,
        }
    }

    /// How many bytes can be written now.
    pub(crate) fn room(&self) -> Result<usize, Broken> {
        let consumed = self.page.u32(self.layout.consumed).load(Ordering::Acquire);
        let unread = self.produced.wrapping_sub(consumed);
        let room = self.layout.len.checked_sub(unread);
        room.map(|room| room as usize).ok_or(Broken)
    }

    /// Writes as much of `bytes` as there is room for, and tells how much that was.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let count = self.room()?.min(bytes.len());
        let (now, _) = bytes.split_at(count);
        let (before_end, from_start) = now.split_at(self.layout.before_end(self.produced, count));
        // The other side has read what was in these places before: its index said so.
        self.page
            .write_bytes(self.layout.place(self.produced), before_end);
        self.page.write_bytes(self.layout.bytes, from_start);
        self.produced = self.produced.wrapping_add(count as u32);
        self.page
            .u32(self.layout.produced)
            .store(self.produced, Ordering::Release);
        Ok(count)
    }
}

/// The end that we read from.
#[derive(Debug)]
pub(crate) struct Consumer {
    page: SharedPage,
    layout: Layout,
    consumed: u32,
}

impl Consumer {
    pub(crate) fn new(page: SharedPage, layout: Layout) -> Self {
        let consumed = page.u32(layout.consumed).load(Ordering::Relaxed);
        Self {
            page,
            layout,
            consumed,
        }
    }

    /// Reads as many bytes as there are, and tells how many that was.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, Broken> {
        let produced = self.page.u32(self.layout.produced).load(Ordering::Acquire);
        let unread = produced.wrapping_sub(self.consumed);
        if unread > self.layout.len {
            return Err(Broken);
        }
        let count = into.len().min(unread as usize);
        let (now, _) = into.split_at_mut(count);
        let (before_end, from_start) =
            now.split_at_mut(self.layout.before_end(self.consumed, count));
        self.page
            .read_bytes(self.layout.place(self.consumed), before_end);
        self.page.read_bytes(self.layout.bytes, from_start);
        self.consumed = self.consumed.wrapping_add(count as u32);
        // The other side may write there only when all has been read.
        fence(Ordering::Release);
        self.page
            .u32(self.layout.consumed)
            .store(self.consumed, Ordering::Relaxed);
        Ok(count)
    }
}

impl Layout {
    fn place(&self, index: u32) -> usize {
        self.bytes + (index % self.len) as usize
    }

    /// How many of `count` bytes from `index` on lie before the ring's end.
    fn before_end(&self, index: u32, count: usize) -> usize {
        count.min((self.len - index % self.len) as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const LAYOUT: Layout = Layout {
        bytes: 0x400,
        len: 1024,
        consumed: 0x808,
        produced: 0x80c,
    };

    fn page(index: u32) -> SharedPage {
        let page = SharedPage::new();
        page.u32(LAYOUT.consumed).store(index, Ordering::Relaxed);
        page.u32(LAYOUT.produced).store(index, Ordering::Relaxed);
        page
    }

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(
            index in prop_oneof![Just(0), Just(u32::MAX - 100), any::<u32>()],
            pieces in prop::collection::vec((0_usize..1100, 0_usize..1100), 1..20),
        ) {
            let page = page(index);
            let mut producer = Producer::new(page.clone(), LAYOUT);
            let mut consumer = Consumer::new(page, LAYOUT);
            let mut expected = VecDeque::new();
            let mut number = 0_u32;
            for (write, read) in pieces {
                let bytes: Vec<u8> = (0..write).map(|at| (number as usize + at) as u8).collect();
                let written = producer.write(&bytes).expect("sound");
                prop_assert_eq!(written, write.min(1024 - expected.len()));
                number += written as u32;
                expected.extend(&bytes[..written]);
                let mut into = std::vec![0; read];
                let count = consumer.read(&mut into).expect("sound");
                prop_assert_eq!(count, read.min(expected.len()));
                let next: Vec<u8> = expected.drain(..count).collect();
                prop_assert_eq!(&into[..count], &next[..]);
                prop_assert_eq!(producer.room(), Ok(1024 - expected.len()));
            }
        }
    }

    #[test]
    fn an_index_beyond_the_ring_breaks_it() {
        let page = page(7);
        let mut producer = Producer::new(page.clone(), LAYOUT);
        let mut consumer = Consumer::new(page.clone(), LAYOUT);
        page.u32(LAYOUT.produced).store(7 + 1025, Ordering::Relaxed);
        assert_eq!(consumer.read(&mut [0; 8]), Err(Broken));
        page.u32(LAYOUT.consumed).store(8, Ordering::Relaxed);
        assert_eq!(producer.room(), Err(Broken));
        assert_eq!(producer.write(b"x"), Err(Broken));
    }

    #[test]
    fn what_is_ours_is_not_read_back() {
        let page = page(0);
        let mut producer = Producer::new(page.clone(), LAYOUT);
        page.u32(LAYOUT.produced).store(500, Ordering::Relaxed);
        assert_eq!(producer.write(b"abc"), Ok(3));
        assert_eq!(page.u32(LAYOUT.produced).load(Ordering::Relaxed), 3);
    }
}
