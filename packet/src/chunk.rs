//! Bytes to be sent.

use core::ops::{Deref, Range};

use crate::Part;

/// Immutable bytes on their way out: embedded in the program, or in a buffer of the pool. Cheap to
/// clone and to slice, alive until acknowledged *and* off the wire, so that a retransmission copies
/// nothing and a page granted to a device is not reused under it. Never from the heap: its
/// neighbours would show to whom the page is granted.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Bytes that live as long as the program.
    Static(&'static [u8]),
    /// Bytes of the pool.
    Part(Part),
}

impl Chunk {
    /// Drops the first `count` bytes, or all if there are fewer.
    pub fn advance(&mut self, count: usize) {
        match self {
            Self::Static(bytes) => *bytes = bytes.get(count..).unwrap_or_default(),
            Self::Part(part) => part.advance(count),
        }
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Self::Static(bytes) => *bytes = bytes.get(..len).unwrap_or(bytes),
            Self::Part(part) => part.truncate(len),
        }
    }

    /// The same bytes from `range.start` to `range.end`, cut where this chunk ends.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut chunk = self.clone();
        chunk.truncate(range.end);
        chunk.advance(range.start);
        chunk
    }

    /// Splits off the first `count` bytes (or all), leaving the rest here.
    #[must_use]
    pub fn split_to(&mut self, count: usize) -> Self {
        let mut first = self.clone();
        first.truncate(count);
        self.advance(count);
        first
    }

    /// The number of bytes, without looking where they are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Static(bytes) => bytes.len(),
            Self::Part(part) => part.len(),
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pool's memory that this chunk keeps from others; nothing for embedded bytes.
    #[must_use]
    pub fn memory_held(&self) -> usize {
        match self {
            Self::Static(_) => 0,
            Self::Part(part) => part.memory_held(),
        }
    }
}

impl Default for Chunk {
    fn default() -> Self {
        Self::Static(&[])
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Part(part) => part,
        }
    }
}

impl From<&'static [u8]> for Chunk {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Static(bytes)
    }
}

impl From<Part> for Chunk {
    fn from(part: Part) -> Self {
        Self::Part(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_to_hands_over_the_front() {
        let mut rest = Chunk::Static(b"header body");
        assert_eq!(&*rest.split_to(7), b"header ");
        assert_eq!(&*rest, b"body");
        assert_eq!(&*rest.split_to(100), b"body");
        assert!(rest.is_empty());
    }
}
