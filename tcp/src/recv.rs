//! What was received: in order and waiting for the reader, or waiting for what is missing before it.

use alloc::collections::VecDeque;

use packet::{Chunk, Class, Frame, Part, Pool};

/// Received bytes of one connection.
///
/// They stay in the buffers that brought them as long as these are well filled. A budget counts the
/// memory held: beyond it bytes are copied densely, so that tiny segments cannot hold a pool.
#[derive(Debug, Default)]
pub(crate) struct RecvQueue {
    /// In order, for the reader.
    ready: VecDeque<Part>,
    /// Out of order: disjoint, sorted by offset.
    later: VecDeque<(u64, Part)>,
    /// Bytes in `ready`.
    unread: usize,
    /// The pool's memory that both keep from others.
    held: usize,
}

/// The text of a segment, where it lies in the frame that brought it.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) frame: Frame,
    /// The bytes of the frame in front of it.
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl Text {
    /// The only part that it lies in, as nearly always, or the frame without all that is not text.
    fn into_part(self) -> Result<Part, Frame> {
        let end = self.start + self.len;
        match self.frame.into_part() {
            Ok(mut part) => {
                part.truncate(end);
                part.advance(self.start);
                Ok(part)
            }
            Err(mut frame) => {
                frame.truncate(end);
                frame.advance(self.start);
                Err(frame)
            }
        }
    }
}

/// The places that an empty queue keeps.
const SPARE_CAPACITY: usize = 16;

/// The most parts out of order. Full: a segment that fits nowhere is dropped, and sent again.
const LATER_LIMIT: usize = 512;

impl RecvQueue {
    /// Takes the next bytes for the reader.
    pub(crate) fn pop(&mut self) -> Option<Chunk> {
        let part = self.ready.pop_front()?;
        self.unread -= part.len();
        self.held -= part.memory_held();
        Some(part.into())
    }

    /// Bytes that the reader has not taken yet.
    pub(crate) fn unread(&self) -> usize {
        self.unread
    }

    /// The pool's memory that the queue keeps from others.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Whether something waits for what is missing before it.
    pub(crate) fn has_hole(&self) -> bool {
        !self.later.is_empty()
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.later.is_empty()
    }

    /// Appends text that starts just where `ready` ends, and what then is in order too; tells how
    /// many bytes came in order. Fewer than the text has when there is no memory for the rest.
    pub(crate) fn push(&mut self, nxt: u64, text: Text, budget: usize, pool: &Pool) -> usize {
        let end = match text.into_part() {
            Ok(part) => {
                let taken = self.append(part, budget, pool);
                if self.later.is_empty() {
                    return taken;
                }
                nxt + taken as u64
            }
            Err(frame) => nxt + self.append_parts(frame, budget, pool),
        };
        (self.append_later(end, budget, pool) - nxt) as usize
    }

    /// Adds a frame in several parts at the end of what is in order; tells how many bytes of it.
    #[inline(never)]
    fn append_parts(&mut self, frame: Frame, budget: usize, pool: &Pool) -> u64 {
        let mut count = 0;
        for part in frame.into_parts().filter(|part| !part.is_empty()) {
            let (len, taken) = (part.len(), self.append(part, budget, pool));
            count += taken as u64;
            if taken < len {
                break;
            }
        }
        count
    }

    /// Adds what came too early and follows on offset `end` now; tells where what is in order ends then.
    #[inline(never)]
    fn append_later(&mut self, mut end: u64, budget: usize, pool: &Pool) -> u64 {
        while self.later.front().is_some_and(|(start, _)| *start <= end) {
            let Some((start, mut part)) = self.later.pop_front() else {
                break;
            };
            self.held -= part.memory_held();
            part.advance((end - start) as usize);
            if !part.is_empty() {
                end += self.append(part, budget, pool) as u64;
            }
        }
        end
    }

    /// Keeps text that starts at offset `start`, beyond what is in order. Bytes that are there
    /// already stay as they are (a peer that sends others is lying).
    ///
    /// Whether all of it was kept or was there already.
    #[inline(never)]
    pub(crate) fn push_later(&mut self, start: u64, text: Text, budget: usize) -> bool {
        let mut at = start;
        let mut complete = true;
        let parts = match text.into_part() {
            Ok(part) => return self.insert(start, part, budget),
            Err(frame) => frame.into_parts(),
        };
        for part in parts {
            let len = part.len() as u64;
            complete &= self.insert(at, part, budget);
            at += len;
        }
        complete
    }

    /// Makes an empty queue ready for another connection: its memory stays, but not much of it.
    pub(crate) fn recycle(&mut self) {
        (self.unread, self.held) = (0, 0);
        recycle(&mut self.ready);
        recycle(&mut self.later);
    }

    /// Adds a part at the end of what is in order; tells how many bytes of it.
    fn append(&mut self, part: Part, budget: usize, pool: &Pool) -> usize {
        if self.held + part.memory_held() <= budget && !pool.is_low(part.buf().class()) {
            return self.append_as_it_is(part);
        }
        let dense = self.append_dense(&part, pool);
        // When there is no memory to copy to, the buffer itself is the only memory there is.
        if dense == 0 && self.held + part.memory_held() <= budget {
            return self.append_as_it_is(part);
        }
        dense
    }

    fn append_as_it_is(&mut self, part: Part) -> usize {
        let len = part.len();
        self.held += part.memory_held();
        self.unread += len;
        self.ready.push_back(part);
        len
    }

    #[inline(never)]
    fn append_dense(&mut self, part: &Part, pool: &Pool) -> usize {
        let mut rest = &part[..];
        if let Some(tail) = self.ready.back_mut() {
            let count = tail.append(rest);
            rest = &rest[count..];
        }
        while !rest.is_empty() {
            let class = if rest.len() <= Class::Cell.size() {
                Class::Cell
            } else {
                Class::Page
            };
            let Some(buf) = pool.take(class) else { break };
            let mut dense = Part::new(buf, 0..0);
            let count = dense.append(rest);
            rest = &rest[count..];
            self.held += dense.memory_held();
            self.ready.push_back(dense);
        }
        let taken = part.len() - rest.len();
        self.unread += taken;
        taken
    }

    /// Keeps the bytes of `part` that are in none of the others. Whether all of them are kept.
    fn insert(&mut self, mut start: u64, mut part: Part, budget: usize) -> bool {
        let mut index = self
            .later
            .partition_point(|(at, other)| at + other.len() as u64 <= start);
        while !part.is_empty() {
            let Some((at, other)) = self.later.get(index) else {
                return self.insert_at(index, start, part, budget);
            };
            let (at, other_end) = (*at, at + other.len() as u64);
            if start < at {
                let before = part.slice(0..(at - start) as usize);
                if !self.insert_at(index, start, before, budget) {
                    return false;
                }
                index += 1;
            }
            part.advance((other_end - start) as usize);
            start = other_end;
            index += 1;
        }
        true
    }

    fn insert_at(&mut self, index: usize, start: u64, part: Part, budget: usize) -> bool {
        let fits = self.later.len() < LATER_LIMIT && self.held + part.memory_held() <= budget;
        if fits {
            self.held += part.memory_held();
            self.later.insert(index, (start, part));
        }
        fits
    }
}

/// Empties a queue for another use. Most are small and empty already.
fn recycle<T>(queue: &mut VecDeque<T>) {
    queue.clear();
    if queue.capacity() > SPARE_CAPACITY {
        queue.shrink_to(SPARE_CAPACITY);
    }
}

#[cfg(test)]
mod tests;
