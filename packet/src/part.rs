//! A range of a buffer.

use core::fmt;
use core::ops::{Deref, Range};

use crate::{Buf, Pool};

/// A range of one [`Buf`]: the unit in which bytes travel. 16 bytes; cheap to clone and to slice.
#[derive(Clone)]
pub struct Part {
    buf: Buf,
    offset: u32,
    len: u32,
}

impl Part {
    /// The bytes of `buf` in `range`.
    ///
    /// # Panics
    /// If `range` is not within the buffer: a bug of the caller.
    #[must_use]
    pub fn new(buf: Buf, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= buf.len(),
            "range outside its buffer"
        );
        // A buffer is at most 68 KiB (`Class::Bay`).
        let (offset, len) = (range.start as u32, (range.end - range.start) as u32);
        Self { buf, offset, len }
    }

    /// Copies `bytes` into the smallest piece that holds them; `None` when the pool has none or
    /// `bytes` is longer than a bay.
    #[must_use]
    pub fn copy_from(pool: &Pool, bytes: &[u8]) -> Option<Self> {
        let mut buf = pool.take(Pool::class_for(bytes.len())?)?;
        buf.bytes_mut()?
            .get_mut(..bytes.len())?
            .copy_from_slice(bytes);
        Some(Self::new(buf, 0..bytes.len()))
    }

    /// Drops the first `count` bytes, or all if there are fewer.
    pub fn advance(&mut self, count: usize) {
        let count = count.min(self.len());
        self.offset += count as u32;
        self.len -= count as u32;
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(u32::try_from(len).unwrap_or(u32::MAX));
    }

    /// The same bytes from `range.start` to `range.end`, cut where this part ends.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut part = self.clone();
        part.truncate(range.end);
        part.advance(range.start);
        part
    }

    /// The bytes for writing, while this is the only handle to their buffer.
    #[must_use]
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        let range = self.range();
        self.buf.bytes_mut()?.get_mut(range)
    }

    /// Copies as many of `bytes` as fit behind this part into its buffer and makes them part of it;
    /// tells how many. None while somebody else holds the buffer.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let end = self.range().end;
        let Some(room) = self.buf.bytes_mut().and_then(|buf| buf.get_mut(end..)) else {
            return 0;
        };
        let count = bytes.len().min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        self.len += count as u32;
        count
    }

    /// The pool's memory that this part keeps from others: what a budget counts, whatever the
    /// payload.
    #[must_use]
    pub fn memory_held(&self) -> usize {
        self.buf.class().size()
    }

    /// The buffer that the bytes lie in.
    #[must_use]
    pub fn buf(&self) -> &Buf {
        &self.buf
    }

    /// Where the bytes lie in their buffer.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.offset as usize..(self.offset + self.len) as usize
    }
}

impl Part {
    /// The number of bytes, without looking where they are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Deref for Part {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buf[self.range()]
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({} bytes in a {:?})", self.len, self.buf.class())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn slicing_shares_the_memory_and_never_leaves_it() {
        let pool = Pool::new(Limits {
            cells: 1,
            pages: 1,
            bays: 0,
        });
        let part = Part::copy_from(&pool, b"parhelion").unwrap();
        assert_eq!(&*part.slice(3..7), b"heli");
        assert_eq!(&*part.slice(7..100), b"on");
        assert_eq!(&*part.slice(100..200), b"");
        assert_eq!(part.slice(3..7).as_ptr(), part[3..].as_ptr());
    }

    #[test]
    fn append_fills_the_buffer_while_unique() {
        let pool = Pool::new(Limits {
            cells: 1,
            pages: 1,
            bays: 0,
        });
        let mut part = Part::copy_from(&pool, b"abc").unwrap();
        assert_eq!(part.append(b"def"), 3);
        let other = part.clone();
        assert_eq!(part.append(b"g"), 0);
        drop(other);
        assert_eq!(part.append(&[b'x'; 300]), 250);
        assert_eq!(part.len(), 256);
        assert_eq!(&part[..7], b"abcdefx");
    }

    #[test]
    fn bytes_change_only_while_unique() {
        let pool = Pool::new(Limits {
            cells: 1,
            pages: 1,
            bays: 0,
        });
        let mut part = Part::copy_from(&pool, b"abc").unwrap();
        part.bytes_mut().unwrap()[1] = b'x';
        assert_eq!(&*part, b"axc");
        let other = part.clone();
        assert!(part.bytes_mut().is_none());
        drop(other);
        assert!(part.bytes_mut().is_some());
    }
}
