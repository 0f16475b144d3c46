//! What waits to be sent or to be acknowledged.

use alloc::collections::VecDeque;

use packet::{Chunk, Class, Part, Pool};

/// The most chunks in one frame: 64 KiB in pages that need not start at a page's start, plus the
/// head of a response.
pub(crate) const MAX_CHUNKS: usize = 18;

/// The most chunks in a queue. Full: the writer waits.
const LIMIT: usize = 1024;

/// From here on written bytes go to pages, below to cells (DESIGN 3).
const PAGES_FROM: usize = 2048;

/// The bytes from `snd.una` on, in the chunks that the user gave or that writing filled. Each
/// chunk knows its offset, so that a retransmission finds its bytes without counting, and copies
/// none.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    chunks: VecDeque<Queued>,
}

#[derive(Debug)]
struct Queued {
    start: u64,
    chunk: Chunk,
}

impl SendQueue {
    /// Whether no more chunks fit.
    pub(crate) fn is_full(&self) -> bool {
        self.chunks.len() >= LIMIT
    }

    /// Appends a chunk at offset `start`, the end of what is queued.
    pub(crate) fn push(&mut self, start: u64, chunk: Chunk) {
        debug_assert!(!self.is_full(), "the caller asks first");
        self.chunks.push_back(Queued { start, chunk });
    }

    /// Copies bytes to offset `start`, the end of what is queued; tells how many. Less than all only
    /// when the pool or the queue has no room.
    pub(crate) fn write(&mut self, mut start: u64, bytes: &[u8], pool: &Pool) -> usize {
        let mut rest = bytes;
        // The tail is open while nobody else holds it: not on its way out, not the user's.
        if let Some(Queued {
            chunk: Chunk::Part(tail),
            ..
        }) = self.chunks.back_mut()
        {
            let count = tail.append(rest);
            rest = &rest[count..];
            start += count as u64;
        }
        while !rest.is_empty() && !self.is_full() {
            let class = if rest.len() < PAGES_FROM {
                Class::Cell
            } else {
                Class::Page
            };
            let Some(buf) = pool.take(class).or_else(|| pool.take(Class::Cell)) else {
                break;
            };
            let mut part = Part::new(buf, 0..0);
            let count = part.append(rest);
            self.push(start, part.into());
            rest = &rest[count..];
            start += count as u64;
        }
        bytes.len() - rest.len()
    }

    /// Drops what is acknowledged: everything before `una`.
    pub(crate) fn acknowledge(&mut self, una: u64) {
        while let Some(first) = self.chunks.front_mut() {
            let end = first.start + first.chunk.len() as u64;
            if end > una {
                first
                    .chunk
                    .advance(una.saturating_sub(first.start) as usize);
                first.start = first.start.max(una);
                break;
            }
            self.chunks.pop_front();
        }
    }

    /// Collects up to `len` bytes from offset `from` on into `out`, ended by bytes or by `parts`
    /// chunks, whichever comes first; tells how many.
    pub(crate) fn gather(
        &self,
        from: u64,
        len: usize,
        parts: usize,
        out: &mut heapless::Vec<Chunk, MAX_CHUNKS>,
    ) -> usize {
        if let Some(Queued { start, chunk }) = self.chunks.front()
            && let Some(skip) = from.checked_sub(*start)
            && skip as usize + len <= chunk.len()
        {
            // As nearly always: in a queue of its own size there is room for one.
            let _ = out.push(chunk.slice(skip as usize..skip as usize + len));
            return len;
        }
        self.gather_several(from, len, parts, out)
    }

    #[inline(never)]
    fn gather_several(
        &self,
        from: u64,
        len: usize,
        parts: usize,
        out: &mut heapless::Vec<Chunk, MAX_CHUNKS>,
    ) -> usize {
        let (mut at, mut left) = (from, len);
        for queued in self.chunks.range(self.index_of(from)..).take(parts) {
            let skip = (at - queued.start) as usize;
            let chunk = queued.chunk.slice(skip..skip.saturating_add(left));
            at += chunk.len() as u64;
            left -= chunk.len();
            if out.push(chunk).is_err() || left == 0 {
                break;
            }
        }
        len - left
    }

    /// The place of the chunk with offset `from`: mostly the first.
    fn index_of(&self, from: u64) -> usize {
        let is_before = |queued: &Queued| queued.start + queued.chunk.len() as u64 <= from;
        match self.chunks.front() {
            Some(first) if is_before(first) => self.chunks.partition_point(is_before),
            _ => 0,
        }
    }

    /// Whether nothing is queued.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Makes an empty queue ready for another connection: its memory stays, but not much of it.
    pub(crate) fn recycle(&mut self) {
        self.chunks.clear();
        if self.chunks.capacity() > MAX_CHUNKS {
            self.chunks.shrink_to(MAX_CHUNKS);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use packet::Limits;
    use proptest::prelude::*;

    use super::*;

    fn gathered(queue: &SendQueue, from: u64, len: usize) -> Vec<u8> {
        let mut out = heapless::Vec::new();
        let count = queue.gather(from, len, MAX_CHUNKS, &mut out);
        let bytes: Vec<u8> = out.iter().flat_map(|chunk| chunk.to_vec()).collect();
        assert_eq!(bytes.len(), count);
        bytes
    }

    #[test]
    fn writing_fills_the_open_tail() {
        let pool = Pool::new(Limits {
            cells: 16,
            pages: 16,
            bays: 0,
        });
        let mut queue = SendQueue::default();
        assert_eq!(queue.write(100, b"one ", &pool), 4);
        assert_eq!(queue.write(104, b"two", &pool), 3);
        assert_eq!(queue.chunks.len(), 1);
        assert_eq!(gathered(&queue, 102, 3), b"e t");
        queue.push(107, Chunk::Static(b" static"));
        assert_eq!(queue.write(114, b"!", &pool), 1);
        assert_eq!(gathered(&queue, 100, 100), b"one two static!");
    }

    #[test]
    fn a_queue_of_many_chunks_is_full() {
        let mut queue = SendQueue::default();
        for at in 0..LIMIT as u64 {
            assert!(!queue.is_full());
            queue.push(at, Chunk::Static(b"x"));
        }
        assert!(queue.is_full());
    }

    #[test]
    fn much_is_written_to_pages_and_little_to_cells() {
        let pool = Pool::new(Limits {
            cells: 64,
            pages: 16,
            bays: 0,
        });
        for (len, cells, pages) in [(PAGES_FROM - 1, 8, 0), (PAGES_FROM, 0, 1)] {
            let mut queue = SendQueue::default();
            assert_eq!(queue.write(0, &[7; 4096][..len], &pool), len);
            let held = [Class::Cell, Class::Page].map(|class| pool.usage(class).held);
            assert_eq!(held, [cells, pages]);
        }
    }

    #[test]
    fn a_full_pool_takes_what_fits() {
        let pool = Pool::new(Limits {
            cells: 2,
            pages: 0,
            bays: 0,
        });
        let mut queue = SendQueue::default();
        assert_eq!(queue.write(0, &[7; 1000], &pool), 512);
    }

    proptest! {
        #[test]
        fn gather_is_a_window_on_the_stream(
            lens in proptest::collection::vec(1usize..50, 1..17),
            una in 0usize..400,
            from in 0usize..400,
            len in 0usize..400,
        ) {
            static BYTES: [u8; 1000] = { let mut b = [0; 1000]; let mut i = 0; while i < 1000 { b[i] = (i % 251) as u8; i += 1 } b };
            let mut queue = SendQueue::default();
            let mut end = 0;
            for len in lens {
                queue.push(end as u64, Chunk::Static(&BYTES[end..end + len]));
                end += len;
            }
            let una = una.min(end);
            queue.acknowledge(una as u64);
            let from = from.clamp(una, end);
            let expected = &BYTES[from..end.min(from + len)];
            prop_assert_eq!(gathered(&queue, from as u64, len), expected);
            queue.acknowledge(end as u64);
            prop_assert!(queue.is_empty());
        }
    }
}
