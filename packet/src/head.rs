//! The headers of a frame on its way out.

use core::ops::{Deref, DerefMut};

/// The headers of a frame that is being made: each layer puts its own in front of those above, and
/// none is ever copied again before a link takes them all.
///
/// There is room for [`Head::FRONT`] bytes in front of what was written first, and for
/// [`Head::BACK`] from there on.
#[derive(Clone, Debug)]
pub struct Head {
    bytes: [u8; Self::FRONT + Self::BACK],
    start: usize,
    end: usize,
}

impl Head {
    /// The fixed headers of Ethernet (14 bytes), IPv4 (20) and TCP (20), and 6 bytes in front that
    /// let those of IP and TCP start at multiples of four.
    pub const FRONT: usize = 60;
    /// The longest options of TCP (40), or a control message, padded to the shortest frame.
    pub const BACK: usize = 68;

    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [0; Self::FRONT + Self::BACK],
            start: Self::FRONT,
            end: Self::FRONT,
        }
    }

    /// Puts a header in front of what is there.
    ///
    /// # Panics
    /// If there is no room: a bug of the caller.
    #[inline]
    pub fn prepend<const N: usize>(&mut self, header: &[u8; N]) {
        self.start -= N;
        self.bytes[self.start..][..N].copy_from_slice(header);
    }

    /// Puts bytes behind what is there.
    ///
    /// # Panics
    /// If there is no room: a bug of the caller.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes[self.end..][..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// The headers and all the room behind them: for whoever copies a fixed length, which costs less.
    #[inline]
    #[must_use]
    pub fn with_room(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Makes it `len` bytes long, with zeros behind what is there.
    ///
    /// # Panics
    /// If there is no room: a bug of the caller.
    pub fn pad(&mut self, len: usize) {
        let end = self.start + len;
        if self.end < end {
            self.bytes[self.end..end].fill(0);
            self.end = end;
        }
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Head {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl DerefMut for Head {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_at_both_ends() {
        let mut head = Head::new();
        head.append(b"options");
        head.prepend(b"tcp ");
        head.prepend(b"ip ");
        head.append(b"!");
        assert_eq!(&*head, b"ip tcp options!");
        assert!(head.with_room().starts_with(b"ip tcp options!\0"));
        head.pad(17);
        assert_eq!(&*head, b"ip tcp options!\0\0");
        head.pad(3);
        assert_eq!(head.len(), 17);
    }
}
