//! What a connection has to send and the kernel has not taken yet.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};

use packet::{Buf, Chunk, Class, Part, Pool};

/// From this many queued bytes on, no more are accepted. One chunk may go over it.
const FULL: usize = 256 * 1024;

/// Pieces in one system call; 68 KiB or a pipeline of small responses.
const PIECES: usize = 32;

#[derive(Default)]
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    /// Written bytes, in a buffer that has room for more.
    open: Option<(Buf, usize)>,
    bytes: usize,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FULL
    }

    pub(super) fn push(&mut self, chunk: Chunk) {
        self.seal();
        self.bytes += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// Copies some of `bytes`, at least one if there are any; `None` when the pool has nothing.
    pub(super) fn write(&mut self, pool: &Pool, bytes: &[u8]) -> Option<usize> {
        if self
            .open
            .as_ref()
            .is_some_and(|(buf, len)| *len == buf.len())
        {
            self.seal();
        }
        let (buf, len) = match &mut self.open {
            Some(open) => open,
            None => {
                let class = if bytes.len() <= Class::Cell.size() {
                    Class::Cell
                } else {
                    Class::Page
                };
                self.open.insert((pool.take(class)?, 0))
            }
        };
        let room = buf.bytes_mut()?.get_mut(*len..)?;
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        *len += count;
        self.bytes += count;
        Some(count)
    }

    /// Writes as much as `output` takes at once; tells whether it took all it was offered.
    pub(super) fn write_to(&mut self, mut output: impl Write) -> io::Result<bool> {
        self.seal();
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut offered = 0;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            *slice = IoSlice::new(chunk);
            offered += chunk.len();
        }
        let count = self.chunks.len().min(PIECES);
        let taken = output.write_vectored(&slices[..count])?;
        self.consume(taken);
        Ok(taken == offered)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn consume(&mut self, mut count: usize) {
        self.bytes = self.bytes.saturating_sub(count);
        while let Some(chunk) = self.chunks.front_mut() {
            if chunk.len() > count {
                chunk.advance(count);
                return;
            }
            count -= chunk.len();
            self.chunks.pop_front();
        }
    }

    /// Makes what was written immutable, so that it keeps its place before what comes next.
    fn seal(&mut self) {
        if let Some((buf, len)) = self.open.take() {
            self.chunks.push_back(Part::new(buf, 0..len).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use packet::Limits;

    use super::*;

    /// Takes a few bytes at a time, as a socket does when its buffer is nearly full.
    struct Trickle(Vec<u8>);

    impl Write for Trickle {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(3);
            self.0.extend(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bytes_leave_in_the_order_they_came_however_few_are_taken() {
        let pool = Pool::new(Limits {
            cells: 4,
            pages: 4,
            bays: 1,
        });
        let mut queue = Queue::default();
        let mut expected = Vec::new();
        for (written, sent) in [("head ", "body "), ("another ", ""), ("", "end")] {
            let count = queue.write(&pool, written.as_bytes());
            assert_eq!(count, Some(written.len()));
            queue.push(Chunk::Static(sent.as_bytes()));
            expected.extend(written.bytes().chain(sent.bytes()));
        }
        let mut output = Trickle(Vec::new());
        while !queue.is_empty() {
            queue.write_to(&mut output).unwrap();
        }
        assert_eq!(output.0, expected);
        assert_eq!(pool.usage(Class::Cell).held, 0);
    }

    #[test]
    fn an_empty_pool_says_so() {
        let pool = Pool::new(Limits {
            cells: 1,
            pages: 1,
            bays: 0,
        });
        let mut queue = Queue::default();
        assert_eq!(queue.write(&pool, &[7; 200]), Some(200));
        assert_eq!(queue.write(&pool, &[7; 200]), Some(56));
        assert_eq!(queue.write(&pool, &[7; 200]), None);
        let mut output = Vec::new();
        assert!(queue.write_to(&mut output).unwrap());
        assert_eq!(output, [7; 256]);
        assert_eq!(queue.write(&pool, &[7; 200]), Some(200));
    }
}
